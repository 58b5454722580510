"""One audio file of a folder as the rows of its tables."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from songark.model.errors import SongarkError
from songark.model.evidence import Statement
from songark.model.finding import Reject
from songark.model.hashing import hash_file
from songark.model.identity import FileId
from songark.sources.audio.probe import NOT_AUDIO, Probe, probe
from songark.sources.audio.tags import AUTHORS, FIELDS, ISRC, MBID, Tags, one_line, values
from songark.sources.companions import AUDIO_ENDINGS, ending
from songark.sources.evidence.gather import gather
from songark.sources.evidence.nearby import Nearby
from songark.sources.identifiers import isrc, mbid
from songark.sources.walk import Found

SOURCE = "folder"

_MAX_IDENTIFIERS = 50


@dataclass(frozen=True, slots=True)
class Taken:
    """The rows of one file; `rejects` are fields of it that are set aside."""

    track: dict[str, Any]
    identifiers: list[dict[str, Any]]
    statements: list[dict[str, Any]]
    rejects: list[Reject]


def take(top: Path, found: Found, around: Sequence[Nearby]) -> Taken | Reject:
    """Hash and probe one file and gather what is said about it; never raises for a bad file."""
    try:
        before = _state(found.real)
        if not before[0]:
            return Reject(found.path, "the file is empty", "Get it again, or remove it")
        told = probe(found.real)
        file = hash_file(found.real).file
        statements = gather(top, found, around, told.tags, lambda: _md5(found.real))
        if _state(found.real) != before or file.size != before[0]:
            return Reject(
                found.path,
                "the file changed while it was read",
                "Wait until nothing writes to it, then run the command again",
            )
    except SongarkError as error:
        return _reject(found.path, error)
    except OSError as error:
        return Reject(found.path, f"cannot be read ({error.strerror})", "Make it readable")
    return _rows(found.path, file, told, statements)


def _rows(path: str, file: FileId, told: Probe, statements: list[Statement]) -> Taken:
    rejects: list[Reject] = []
    fields = {column: _field(told.tags, names, path, rejects) for column, names in FIELDS.items()}
    length = told.duration_ms
    track = {
        "source": SOURCE,
        "source_key": path,
        "path": path,
        "root": file.root,
        "size": file.size,
        **fields,
        "composer_raw": _composer(told.tags, path, rejects),
        "duration_ms": length,
        "container": told.container,
        "codec": told.codec,
        "lossless": told.lossless,
        "bit_rate": file.size * 8000 // length if length else None,
        "sample_rate": told.sample_rate,
        "channels": told.channels,
        "has_picture": told.has_picture,
        "has_lyrics": told.has_lyrics,
    }
    identifiers = _identifiers(told.tags, path, rejects)
    return Taken(track, identifiers, [_statement_row(path, one) for one in statements], rejects)


def _field(tags: Tags, names: Sequence[str], path: str, rejects: list[Reject]) -> str | None:
    """The first value that can be kept; none is ever made up."""
    for raw in values(tags, names):
        try:
            if text := one_line(raw):
                return text
        except SongarkError as error:
            rejects.append(Reject(f"{path}, field {names[0]}", error.message, error.remedy))
    return None


def _composer(tags: Tags, path: str, rejects: list[Reject]) -> str | None:
    """Everybody named as a writer of the work, so that `rights` sees another's work."""
    told = dict.fromkeys(filter(None, (_field(tags, (n,), path, rejects) for n in AUTHORS)))
    return "; ".join(told) or None


def _identifiers(tags: Tags, path: str, rejects: list[Reject]) -> list[dict[str, Any]]:
    made: set[tuple[str, str]] = set()
    for scheme, names, parse, split in (("isrc", ISRC, isrc, ",;/|"), ("mbid", MBID, mbid, ";/,")):
        for raw in values(tags, names):
            text = raw[: _MAX_IDENTIFIERS * 40]
            for mark in split:
                text = text.replace(mark, " , ")
            for one in filter(None, (part.strip() for part in text.split(","))):
                if value := parse(one):
                    made.add((scheme, value))
                    continue
                shown = one[:100].encode("utf-8", "backslashreplace").decode()
                rejects.append(
                    Reject(
                        f"{path}, field {scheme.upper()}",
                        f"not a valid identifier: {shown!r}",
                        "Mend the tag",
                    )
                )
    return [
        {"source_key": path, "scheme": scheme, "value": value}
        for scheme, value in sorted(made)[:_MAX_IDENTIFIERS]
    ]


def _statement_row(path: str, one: Statement) -> dict[str, Any]:
    return {
        "source_key": path,
        "kind": one.kind,
        "grade": int(one.grade),
        "licence_raw": _clean(one.licence_raw),
        "licence": one.licence,
        "parts": sorted(str(part) for part in one.parts),
        "holder": _clean(one.holder),
        "place": _clean(one.place),
        "document": one.document,
        "note": _clean(one.note),
    }


def _clean(text: str) -> str:
    """Tags may hold bytes that are no UTF-8; tables may not."""
    return text.encode("utf-8", "backslashreplace").decode()


def _reject(path: str, error: SongarkError) -> Reject:
    if error.message == NOT_AUDIO:
        if ending(path) not in AUDIO_ENDINGS:
            return Reject(path, "not audio", "Leave it out")
        return Reject(path, f"named like audio, but {NOT_AUDIO}", error.remedy)
    return Reject(path, error.message, error.remedy or "Make it readable, or leave it out")


def _state(real: Path) -> tuple[int, int, int]:
    told = real.stat()
    return told.st_size, told.st_mtime_ns, told.st_ino


def _md5(real: Path) -> str:
    """MD5 is what Debian packages list their files with; it is not relied on for anything else."""
    with real.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
