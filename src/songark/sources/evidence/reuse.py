"""REUSE 3.3 in its two common forms: ``<file>.license`` beside a file, and ``REUSE.toml``."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import Any

from songark.model.errors import SongarkError
from songark.model.evidence import WHOLE_FILE, Grade, Statement
from songark.model.licence import normalise
from songark.sources.evidence.document import Document
from songark.sources.evidence.pattern import Pattern, reuse_pattern
from songark.sources.evidence.tags import ported_note

MAX_ANNOTATIONS = 10_000

_LICENCE = re.compile(r"SPDX-License-Identifier:[ \t]*(\S[^\r\n]*)")
_HOLDER = re.compile(r"SPDX-(?:File|Snippet)CopyrightText:[ \t]*(\S[^\r\n]*)")
_MAX_WORDS = 10_000


@dataclass(frozen=True, slots=True)
class Annotation:
    """One ``[[annotations]]`` of a REUSE.toml, counted from 1. `alone`: a side file beats it."""

    number: int
    patterns: tuple[Pattern, ...]
    licence_raw: str
    holder: str
    alone: bool


def side_statement(document: Document) -> Statement:
    """What a ``.license`` file says.

    Raises:
        SongarkError: it names no licence.
    """
    licences = _LICENCE.findall(document.text)
    if not licences:
        raise SongarkError(
            "no line 'SPDX-License-Identifier: …'", remedy="Write the licence as REUSE 3.3 asks"
        )
    holders = _HOLDER.findall(document.text)
    return _statement(document, document.path, licences, holders)


def parse_reuse(text: str) -> tuple[Annotation, ...]:
    """The annotations of a REUSE.toml that name a licence.

    Raises:
        SongarkError: it is not TOML, or an annotation has another form.
    """
    try:
        told = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise SongarkError(f"not TOML ({error})") from None
    rows = told.get("annotations", [])
    if not isinstance(rows, list) or len(rows) > MAX_ANNOTATIONS:
        raise SongarkError("'annotations' is no list, or too long a one")
    return tuple(a for n, row in enumerate(rows, 1) if (a := _annotation(n, row)) is not None)


def annotated(annotations: tuple[Annotation, ...], path: str) -> Annotation | None:
    """The last annotation that covers a path, relative to the REUSE.toml's folder."""
    for one in reversed(annotations):
        if any(pattern.matches(path) for pattern in one.patterns):
            return one
    return None


def toml_statement(document: Document, one: Annotation) -> Statement:
    """What an annotation says."""
    place = f"{document.path}, annotation {one.number}"
    return _statement(document, place, [one.licence_raw], [one.holder] if one.holder else [])


def _annotation(number: int, row: Any) -> Annotation | None:  # noqa: ANN401 - a TOML value
    place = f"annotation {number}"
    if not isinstance(row, dict):
        raise SongarkError("not a table", place=place)
    licences = _texts(row.get("SPDX-License-Identifier", []), place, "SPDX-License-Identifier")
    paths = _texts(row.get("path", []), place, "path")
    if not paths:
        raise SongarkError("it has no path", place=f"{place}, field path")
    if not licences:
        return None
    return Annotation(
        number,
        tuple(reuse_pattern(text) for text in paths),
        _joined(licences),
        "; ".join(_texts(row.get("SPDX-FileCopyrightText", []), place, "SPDX-FileCopyrightText")),
        row.get("precedence", "closest") == "closest",
    )


def _texts(value: Any, place: str, field: str) -> list[str]:  # noqa: ANN401 - a TOML value
    rows = value if isinstance(value, list) else [value]
    if not all(isinstance(row, str) for row in rows):
        raise SongarkError("neither a text nor a list of texts", place=f"{place}, field {field}")
    return rows


def _joined(licences: list[str]) -> str:
    """Several licence lines hold together."""
    distinct = list(dict.fromkeys(text.strip() for text in licences))
    return distinct[0] if len(distinct) == 1 else " AND ".join(f"({text})" for text in distinct)


def _statement(
    document: Document, place: str, licences: list[str], holders: list[str]
) -> Statement:
    raw = _joined(licences)[:_MAX_WORDS]
    return Statement(
        kind="reuse",
        grade=Grade.KEEPER_WORD,
        licence_raw=raw,
        licence=normalise(raw),
        parts=WHOLE_FILE,
        holder="; ".join(text.strip() for text in holders)[:_MAX_WORDS],
        place=place,
        document=document.sha256,
        note=ported_note(raw),
    )
