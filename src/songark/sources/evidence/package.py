"""A Debian package's own records beside its music: which package it was, and its files' sums."""

from __future__ import annotations

import re
from dataclasses import dataclass

from songark.model.errors import SongarkError

_FIELD = re.compile(r"([!-9;-~]+):[ \t]*(.*)")
_SUM = re.compile(r"([0-9a-f]{32})  ?\*?(?:\./)?(\S.*)")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]{1,200}")
_VERSION = re.compile(r"[A-Za-z0-9.+:~-]{1,200}")


@dataclass(frozen=True, slots=True)
class PackageRecord:
    """A stanza of a Packages index."""

    name: str
    version: str
    sha256: str
    """Empty where the stanza does not say."""


def parse_record(text: str) -> PackageRecord:
    """Read ``debian/package`` (Debian policy 5, control files).

    Raises:
        SongarkError: Package or Version is missing, or one of them or SHA256 has another form.
    """
    fields: dict[str, str] = {}
    for line in text.splitlines():
        if found := _FIELD.fullmatch(line):
            fields.setdefault(found[1].lower(), found[2].strip())
    for key, form in (("package", _NAME), ("version", _VERSION), ("sha256", _SHA256)):
        if key == "sha256" and key not in fields:
            continue
        if not form.fullmatch(fields.get(key, "")):
            raise SongarkError(
                "missing or malformed",
                place=f"field {key}",
                remedy="Copy the package's stanza from its Packages index",
            )
    return PackageRecord(fields["package"], fields["version"], fields.get("sha256", ""))


def parse_sums(text: str) -> dict[str, tuple[str, ...]]:
    """Read ``debian/md5sums``: MD5 as hex -> installed paths, sorted.

    Raises:
        SongarkError: a line has another form.
    """
    made: dict[str, list[str]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        found = _SUM.fullmatch(line)
        if not found:
            raise SongarkError(
                "not 'sum  path'",
                place=f"line {number}",
                remedy="Copy the file from the package as it is",
            )
        made.setdefault(found[1], []).append(found[2])
    return {key: tuple(sorted(paths)) for key, paths in made.items()}
