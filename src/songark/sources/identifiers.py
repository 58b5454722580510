"""Identifiers of recordings in their canonical form."""

from __future__ import annotations

import re

_ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}")
_MBID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


def isrc(text: str) -> str:
    """Twelve characters, upper case, without hyphens (ISO 3901); empty where it is none."""
    plain = re.sub(r"[\s-]", "", text.strip()).upper()
    return plain if _ISRC.fullmatch(plain) else ""


def mbid(text: str) -> str:
    """A MusicBrainz id: a UUID in lower case; empty where it is none."""
    plain = text.strip().lower()
    return plain if _MBID.fullmatch(plain) else ""
