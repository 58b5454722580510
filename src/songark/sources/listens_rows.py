"""The lines of a listens log, each by itself: one bad line spoils no other."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from songark.model.errors import SongarkError
from songark.model.finding import Reject
from songark.sources.identifiers import isrc, mbid
from songark.sources.names import nfc, printable

MAX_LINE = 65_536
"""Bytes of the longest line that is read."""
MAX_NAME = 2_000
_MADE_UP = "# made up"

_SHAPES = (("recording", "listens"), ("artist", "title", "listens"))
_NUMBER = re.compile(r"[0-9]{1,16}", re.ASCII)
_OWN_ID = re.compile(r"[A-Za-z0-9_-]{1,100}", re.ASCII)
# JSON can hold half a surrogate pair, which no table can.
_NO_TEXT = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Row:
    """One count."""

    recording: str
    listens: int


class MadeUp:
    """The line that says that the numbers are invented."""


def read_rows_of(stream: BinaryIO, name: str) -> Iterator[Row | Reject | MadeUp]:
    """The rows of a log; `name` is the file's, for places.

    Raises:
        SongarkError: it is neither CSV with a known header nor JSON lines, or has a column that
            is not allowed.
    """
    parse: Callable[[str, str], Row] | None = None
    shown = printable(name)
    for number, line in _lines(stream):
        place = f"{shown}, line {number}"
        if line is None:
            yield Reject(place, f"longer than {MAX_LINE} bytes, or not UTF-8", "Mend the line")
            continue
        if not line or (parse is None and line.startswith("#")):
            if line.lower() == _MADE_UP:
                yield MadeUp()
            continue
        if parse is None:
            parse = _json_row if line.startswith("{") else _csv_parser(line, place)
            if parse is not _json_row:
                continue
        try:
            yield parse(line, place)
        except ValueError as error:
            yield Reject(place, str(error)[:500], "Mend the line")


def _lines(stream: BinaryIO) -> Iterator[tuple[int, str | None]]:
    """Lines with their number; None for one that is too long or not UTF-8."""
    number = 0
    while raw := stream.readline(MAX_LINE + 1):
        number += 1
        whole = len(raw) <= MAX_LINE
        while not raw.endswith(b"\n") and (rest := stream.readline(MAX_LINE)):
            raw = rest
            whole = False
        try:
            text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            whole = False
        yield number, text.strip() if whole else None


def _csv_parser(header: str, place: str) -> Callable[[str, str], Row]:
    try:
        names = [name.strip().lower() for name in _cells(header)]
    except ValueError as error:
        raise SongarkError(str(error), place=place) from None
    _check_names(names, place)

    def row(line: str, _place: str) -> Row:
        cells = _cells(line)
        if len(cells) != len(names):
            raise ValueError(f"{len(cells)} cells, and the header has {len(names)}")
        return _row(dict(zip(names, cells, strict=True)))

    return row


def _cells(line: str) -> list[str]:
    try:
        return next(csv.reader([line], strict=True))
    except csv.Error as error:
        raise ValueError(f"not CSV ({error})") from None


def _json_row(line: str, place: str) -> Row:
    try:
        told = json.loads(line)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(told, dict):
        raise ValueError("not an object")  # noqa: TRY004 - every bad line is one ValueError
    known = {name for shape in _SHAPES for name in shape}
    for name in told:
        if name not in known:
            _refuse(name, place)
    if set(told) not in map(set, _SHAPES):
        raise ValueError("wants the keys recording and listens, or artist, title and listens")
    return _row(told)


def _check_names(names: list[str], place: str) -> None:
    known = {name for shape in _SHAPES for name in shape}
    if not known & set(names):
        raise SongarkError(
            "not a log of listens",
            place=place,
            remedy="Begin it with the header recording,listens or artist,title,listens",
        )
    for name in names:
        if name not in known:
            _refuse(name, place)
    if sorted(names) not in map(sorted, _SHAPES):
        raise SongarkError(
            "wants the columns recording and listens, or artist, title and listens", place=place
        )


def _refuse(name: str, place: str) -> None:
    raise SongarkError(
        f"the column {name[:100]!r} is not allowed in a log of listens",
        place=place,
        remedy="Count the listens for each recording first and leave out who listened and when",
    )


def _row(told: dict[str, Any]) -> Row:
    """Raises ValueError for a value that is not one."""
    listens = _number(told["listens"])
    if "recording" in told:
        return Row(_recording(told["recording"]), listens)
    return Row(f"name:{_name(told['artist'])}\t{_name(told['title'])}", listens)


def _number(value: object) -> int:
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 2**53:
        raise ValueError(f"listens is not a whole number from 0 to 2^53: {str(value)[:50]!r}")
    return value


def _recording(value: object) -> str:
    text = value.strip() if isinstance(value, str) else ""
    scheme, _, rest = text.partition(":")
    if scheme == "name":
        artist, tab, title = rest.partition("\t")
        if tab:
            return f"name:{_name(artist)}\t{_name(title)}"
    forms = {"isrc": isrc, "mbid": mbid, "songark": _own}
    if scheme in forms and (known := forms[scheme](rest)):
        return f"{scheme}:{known}"
    raise ValueError(f"not a recording: {str(value)[:100]!r}")


def _own(text: str) -> str:
    return text if _OWN_ID.fullmatch(text) else ""


def _name(value: object) -> str:
    """A name in one form: composed, white space as single blanks."""
    text = " ".join(nfc(value).split()) if isinstance(value, str) else ""
    if not 0 < len(text) <= MAX_NAME or _NO_TEXT.search(text):
        raise ValueError(f"not a name of 1 to {MAX_NAME} characters: {str(value)[:100]!r}")
    return text
