"""What a licence text means: the SPDX expression for words found in tags, files and pages.

Sources of the rules: SPDX 3 annex "SPDX license expressions" and the SPDX licence list, Debian's
machine-readable copyright format 1.0 (short names, `and`, `or`, a `+` for later versions), and the
form of Creative Commons' own licence addresses.

Never a guess: what is not known has the empty expression. Where words are clear and SPDX has no id
for them, these names of our own stand:

- ``LicenseRef-All-Rights-Reserved``: nothing is allowed.
- ``LicenseRef-Public-Domain``: somebody says "public domain"; a statement of fact, no licence.
- ``LicenseRef-CC-BY-SA-unversioned`` (and so for each Creative Commons kind): no version is said.
- ``LicenseRef-GPL-unversioned`` (LGPL, AGPL, GFDL): no version is said.

The Public Domain Mark is SPDX's ``CC-PDM-1.0``: a statement of fact, no licence either.
"""

from __future__ import annotations

import re

from songark.model.licence_list import (
    ALL_RIGHTS_RESERVED,
    PUBLIC_DOMAIN,
    PUBLIC_DOMAIN_MARK,
    checked,
    unversioned,
)
from songark.model.licence_names import of_address, of_name

__all__ = [
    "ALL_RIGHTS_RESERVED",
    "PUBLIC_DOMAIN",
    "PUBLIC_DOMAIN_MARK",
    "cc_urls",
    "normalise",
    "ported",
    "unversioned",
]

MAX_WORDS = 1_000
"""Characters of the longest text that is read as a licence."""
MAX_PAGE = 4_000_000
"""Characters of a page that are searched for licence addresses."""
MAX_ADDRESSES = 100

_ADDRESS = re.compile(
    r"(?<![\w.@/:-])(?:https?:)?(?://)?(?:www\.)?creativecommons\.org"
    r"/(?:licenses|publicdomain)/[\w.+/-]{1,100}",
    re.ASCII | re.IGNORECASE,
)
_TOKEN = re.compile(r"([()])|\s(and|or|with)(?=\s)", re.IGNORECASE)
_MAX_DEPTH = 20


def normalise(raw: str) -> str:
    """The SPDX expression that a text means as a whole, empty where it is not known.

    The text is one address, one name, or names joined by AND, OR and WITH. The result is stable:
    it normalises to itself.
    """
    if len(raw) > MAX_WORDS:
        return ""
    text = " ".join(raw.split()).strip(" .;")
    return _meaning(text)[0] or _expression(text)


def ported(raw: str) -> str:
    """The jurisdiction a Creative Commons licence names and SPDX has no id for, such as ``es``.

    `normalise` then gives the unported licence of the same kind and version.
    """
    return _meaning(raw.strip())[1] if len(raw) <= MAX_WORDS else ""


def cc_urls(text: str) -> tuple[tuple[str, str], ...]:
    """Creative Commons addresses in a text, each with its SPDX expression (empty where unknown).

    In the order of their first place, each once, at most `MAX_ADDRESSES`, in the first `MAX_PAGE`
    characters.
    """
    found: dict[str, str] = {}
    for match in _ADDRESS.finditer(text[:MAX_PAGE]):
        address = match[0].rstrip(".-+_")
        found.setdefault(address, of_address(address)[0])
        if len(found) == MAX_ADDRESSES:
            break
    return tuple(found.items())


def _meaning(text: str) -> tuple[str, str]:
    return of_address(text) if "creativecommons.org" in text.lower() else of_name(text)


def _expression(text: str) -> str:
    """Names joined by AND, OR, WITH: each is read by itself, then the whole is checked."""
    words: list[str] = []
    depth = 0
    for piece in filter(None, (t and t.strip() for t in _TOKEN.split(text))):
        if piece in "()":
            depth += 1 if piece == "(" else -1
            words.append(piece)
        elif piece.lower() in ("and", "or", "with"):
            words.append(piece.upper())
        elif name := of_name(piece)[0]:
            words.append(name)
        else:
            return ""
        if not 0 <= depth <= _MAX_DEPTH:
            return ""
    return checked(" ".join(words))
