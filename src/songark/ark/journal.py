"""Append-only lines, each chained to the one before by SHA-256.

A line is canonical JSON (sorted keys, no spaces, UTF-8) with `n` counting from 1, `at` (UTC, RFC
3339, microseconds), `prev` (hash of the line before, 64 zeros for the first), `kind`, `body`, and
`hash` (SHA-256 of the same object without `hash`). The head (count, hash) is anchored elsewhere,
so that a cut or rewritten tail shows. A torn last line is what a power cut leaves: it was never
acknowledged, so it is moved to ``<name>.torn`` before the next append and never believed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from songark.ark.atomic import naming, sync_folder
from songark.ark.lock import locked
from songark.model.errors import BrokenError

ZERO = "0" * 64

# Bytes read backwards at a time to find the last line.
_STRIDE = 65_536


@dataclass(frozen=True, slots=True)
class Head:
    """How long a journal is (`count` lines) and the hash of its last line."""

    count: int = 0
    hash: str = ZERO


@dataclass(frozen=True, slots=True)
class Line:
    """One acknowledged line."""

    n: int
    at: str
    prev: str
    kind: str
    body: dict[str, Any]
    hash: str


def canonical(value: object) -> bytes:
    """JSON in its one form: sorted keys, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def now() -> str:
    """The moment in UTC as RFC 3339 with microseconds."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class Journal:
    """A hash-chained file of lines at `path`, with a short lock of its own beside it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = path.with_name(path.name + ".lock")

    def lines(self, after: Head | None = None) -> Iterator[Line]:
        """All lines, or those after a head known before, each checked against the chain.

        Raises:
            BrokenError: a line does not follow from the one before it, or the journal is shorter
                than `after`.
        """
        start = after or Head()
        n, prev = 0, ZERO
        for raw in self._whole_lines():
            n += 1
            if n < start.count:
                continue
            line = _parse(raw, f"{self.path}, line {n}")
            if n > start.count:
                if line.n != n or line.prev != (prev if n > 1 else ZERO):
                    raise BrokenError(
                        "this line does not follow the one before it",
                        place=f"{self.path}, line {n}",
                        remedy="Restore the journal from a copy; lines were changed or dropped",
                    )
                yield line
            elif line.hash != start.hash:
                raise BrokenError(
                    "this line is not the one that was anchored",
                    place=f"{self.path}, line {n}",
                    remedy="Restore the journal from a copy; its past was rewritten",
                )
            prev = line.hash
        if n < start.count:
            raise BrokenError(
                f"{start.count} lines were anchored and {n} are left",
                place=str(self.path),
                remedy="Restore the journal from a copy; its tail was cut",
            )

    def head(self) -> Head:
        """The count and hash after the last whole line, with the whole chain checked."""
        last = Head()
        for line in self.lines():
            last = Head(line.n, line.hash)
        return last

    def append(self, kind: str, body: dict[str, Any]) -> Line:
        """Add one line; when this returns, it is on the disk.

        Raises:
            BrokenError: the last line was changed. Earlier ones are checked whenever they are read.
        """
        return self.extend([(kind, body)])[0]

    def extend(self, entries: list[tuple[str, dict[str, Any]]]) -> list[Line]:
        """Add several lines with one sync; a power cut may keep a first part of them."""
        with locked(self._lock, wait=10.0):
            self._mend()
            head = self._last()
            made: list[Line] = []
            for kind, body in entries:
                line = _make(head, kind, body)
                head = Head(line.n, line.hash)
                made.append(line)
            is_new = not self.path.exists()
            with naming(self.path), self.path.open("ab") as stream:
                stream.write(b"".join(_encode(line) for line in made))
                stream.flush()
                os.fsync(stream.fileno())
            if is_new:
                sync_folder(self.path.parent)
        return made

    def _whole_lines(self) -> Iterator[bytes]:
        if not self.path.exists():
            return
        with self.path.open("rb") as stream:
            for raw in stream:
                if raw.endswith(b"\n"):
                    yield raw

    def _last(self) -> Head:
        """The head by the last line alone, so that appending costs the same at any length."""
        if not self.path.exists():
            return Head()
        with self.path.open("rb") as stream:
            tail = _tail(stream, 2)
        if not tail:
            return Head()
        raw = tail.splitlines(keepends=True)[-1]
        line = _parse(raw, f"{self.path}, last line")
        return Head(line.n, line.hash)

    def _mend(self) -> None:
        """Move a torn last line aside."""
        if not self.path.exists():
            return
        with self.path.open("r+b") as stream:
            tail = _tail(stream, 1).rpartition(b"\n")[2]
            if not tail:
                return
            with self.path.with_name(self.path.name + ".torn").open("ab") as torn:
                torn.write(tail + b"\n")
            stream.truncate(stream.seek(0, os.SEEK_END) - len(tail))
            os.fsync(stream.fileno())


def _tail(stream: BinaryIO, ends: int) -> bytes:
    """The end of a file with at least so many line ends in it, or the whole of it."""
    end = stream.seek(0, os.SEEK_END)
    tail, start = b"", end
    while start and tail.count(b"\n") < ends:
        start = max(0, start - _STRIDE)
        stream.seek(start)
        tail = stream.read(end - start)
    return tail


def _make(head: Head, kind: str, body: dict[str, Any]) -> Line:
    bare = {"n": head.count + 1, "at": now(), "prev": head.hash, "kind": kind, "body": body}
    return Line(**bare, hash=hashlib.sha256(canonical(bare)).hexdigest())  # type: ignore[arg-type]


def _encode(line: Line) -> bytes:
    return canonical({name: getattr(line, name) for name in Line.__slots__}) + b"\n"


def _parse(raw: bytes, place: str) -> Line:
    try:
        value = json.loads(raw)
        told = value.pop("hash")
        real = hashlib.sha256(canonical(value)).hexdigest()
        line = Line(**value, hash=told)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise BrokenError(
            f"not a line of a journal ({error})",
            place=place,
            remedy="Restore the journal from a copy",
        ) from None
    # The same value may be written in other bytes: only its one form is what was written.
    if told != real or _encode(line) != raw:
        raise BrokenError(
            "the line was changed after it was written",
            place=place,
            remedy="Restore the journal from a copy",
        )
    return line
