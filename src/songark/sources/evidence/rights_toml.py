"""``songark.rights.toml``: what a keeper says of the files in a folder and beneath it.

    [[rights]]
    files = ["*.ogg", "disc 2/**"]          # patterns as in REUSE.toml, from this file's folder
    licence = "CC-BY-4.0"                   # SPDX, a Creative Commons address, …
    holder = "The Label"
    parts = ["recording", "composition"]    # also picture, lyrics; these two where left out
    evidence = "papers/letter.pdf"          # a document beside it, if there is one

The last entry that matches a file counts; a file in a folder further down goes before one further
up. The whole is the keeper's own word, whatever it points to.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import Any

from songark.model.errors import SongarkError
from songark.model.evidence import Grade, Part, Statement
from songark.model.licence import normalise
from songark.sources.evidence.document import Document
from songark.sources.evidence.pattern import Pattern, reuse_pattern
from songark.sources.evidence.tags import ported_note

NAME = "songark.rights.toml"
MAX_ENTRIES = 10_000

_FIELDS = ("files", "licence", "holder", "parts", "evidence")
_NEEDED = ("files", "licence", "holder")
_PARTS = (Part.RECORDING, Part.COMPOSITION)
_MAX_WORDS = 1_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One ``[[rights]]``, counted from 1. `evidence` is a path from the file's own folder."""

    number: int
    patterns: tuple[Pattern, ...]
    licence_raw: str
    licence: str
    holder: str
    parts: frozenset[Part]
    evidence: str


def parse_rights(text: str) -> tuple[Entry, ...]:
    """Read the file's text.

    Raises:
        SongarkError: it is not TOML, or a key or value is not known; `place` names the entry and
            the field.
    """
    try:
        told = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise SongarkError(f"not TOML ({error})", remedy="Mend the line it names") from None
    for key in told:
        if key != "rights":
            raise SongarkError(f"unknown key {key!r}", remedy="Known is: rights")
    rows = told.get("rights")
    if not isinstance(rows, list) or not 0 < len(rows) <= MAX_ENTRIES:
        raise SongarkError("no entries", remedy="Begin each entry with [[rights]]")
    return tuple(_entry(number, row) for number, row in enumerate(rows, 1))


def covering(entries: tuple[Entry, ...], path: str) -> Entry | None:
    """The last entry that covers a path, relative to the file's own folder."""
    for one in reversed(entries):
        if any(pattern.matches(path) for pattern in one.patterns):
            return one
    return None


def rights_statement(document: Document, one: Entry, proof: str) -> Statement:
    """What an entry says; `proof` is the SHA-256 of its evidence, empty where it names none."""
    remark = f"evidence {one.evidence}" if proof else "no evidence is named"
    return Statement(
        kind="toml",
        grade=Grade.KEEPER_WORD,
        licence_raw=one.licence_raw,
        licence=one.licence,
        parts=one.parts,
        holder=one.holder,
        place=f"{document.path}, entry {one.number}",
        document=proof or document.sha256,
        note="; ".join(filter(None, (remark, ported_note(one.licence_raw)))),
    )


def _entry(number: int, row: Any) -> Entry:  # noqa: ANN401 - a TOML value
    place = f"entry {number}"
    if not isinstance(row, dict):
        raise SongarkError("not a table", place=place, remedy="Begin each entry with [[rights]]")
    for key in row:
        if key not in _FIELDS:
            raise SongarkError(
                f"unknown key {key!r}", place=place, remedy="Known are: " + ", ".join(_FIELDS)
            )
    for key in _NEEDED:
        if key not in row:
            raise SongarkError("missing", place=f"{place}, field {key}", remedy="Write it")
    raw = _text(row["licence"], f"{place}, field licence")
    meaning = normalise(raw)
    if not meaning:
        raise SongarkError(
            f"licence not known: {raw!r}",
            place=f"{place}, field licence",
            remedy="Write its SPDX id, such as CC-BY-4.0, or its address",
        )
    return Entry(
        number=number,
        patterns=_patterns(row["files"], f"{place}, field files"),
        licence_raw=raw,
        licence=meaning,
        holder=_text(row["holder"], f"{place}, field holder"),
        parts=_parts(row.get("parts", list(_PARTS)), f"{place}, field parts"),
        evidence=_inside(row["evidence"], f"{place}, field evidence") if "evidence" in row else "",
    )


def _text(value: Any, place: str) -> str:  # noqa: ANN401 - a TOML value
    if not isinstance(value, str) or not 0 < len(value.strip()) <= _MAX_WORDS:
        raise SongarkError(f"not a text of 1 to {_MAX_WORDS} characters", place=place)
    return value.strip()


def _patterns(value: Any, place: str) -> tuple[Pattern, ...]:  # noqa: ANN401 - a TOML value
    if not isinstance(value, list) or not value:
        raise SongarkError("not a list of patterns", place=place, remedy='Write ["*.ogg"]')
    return tuple(reuse_pattern(_text(text, place)) for text in value)


def _parts(value: Any, place: str) -> frozenset[Part]:  # noqa: ANN401 - a TOML value
    known = [str(part) for part in Part]
    if not isinstance(value, list) or not value or any(part not in known for part in value):
        raise SongarkError("not a list of parts", place=place, remedy="Known: " + ", ".join(known))
    return frozenset(Part(part) for part in value)


def _inside(value: Any, place: str) -> str:  # noqa: ANN401 - a TOML value
    path = _text(value, place)
    if path.startswith("/") or ".." in path.split("/") or "\0" in path:
        raise SongarkError(
            "a path out of the folder", place=place, remedy="Put the document beside this file"
        )
    return path
