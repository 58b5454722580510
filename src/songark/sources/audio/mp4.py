"""MP4 boxes: whether they lie within the file, and whether the tables ask for sane memory.

ISO/IEC 14496-12 (boxes; ``stsz``, ``stz2``: the sizes of samples).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from songark.model.errors import SongarkError

_KNOWN = {b"ftyp", b"moov", b"mdat", b"moof", b"mfra", b"free", b"skip", b"wide", b"uuid", b"meta"}
_INSIDE = {b"moov", b"trak", b"mdia", b"minf", b"stbl"}
_MAX_BOXES = 10_000


def check(stream: BinaryIO, size: int) -> None:
    """Check the boxes; unknown bytes behind the last one are passed over.

    Raises:
        SongarkError: a box reaches beyond the end, or a table counts more samples than can be.
    """
    count = 0
    todo = [(0, size)]
    while todo:
        start, end = todo.pop()
        for name, body, behind in _boxes(stream, start, end):
            count += 1
            if behind > end:
                if name in _KNOWN or start:
                    raise SongarkError(
                        f"cut short: the box {name.decode('latin-1')!r} reaches beyond the end",
                        remedy="Get the file again from its source",
                    )
                break
            if count > _MAX_BOXES:
                raise SongarkError("more boxes than a music file has")
            if name in _INSIDE:
                todo.append((body, behind))
            elif name in (b"stsz", b"stz2"):
                _check_samples(stream, name, body, behind - body, size)


def _boxes(stream: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """The boxes from `start` on: name, where the body begins, where the next one begins."""
    at = start
    while at + 8 <= end:
        stream.seek(at)
        head = stream.read(16)
        length, name, body = int.from_bytes(head[:4], "big"), head[4:8], at + 8
        if length == 1:
            length, body = int.from_bytes(head[8:16], "big"), at + 16
        elif length == 0:
            length = end - at
        if length < body - at:
            return
        yield name, body, at + length
        at += length


def _check_samples(stream: BinaryIO, name: bytes, body: int, length: int, size: int) -> None:
    """A demuxer takes memory for as many samples as the table tells, so it must tell the truth."""
    stream.seek(body + 4)
    head = stream.read(8).ljust(8, b"\0")
    told = int.from_bytes(head[4:8], "big")
    if name == b"stz2":
        room = (length - 12) * 8 // max(head[3], 4)
    else:
        each = int.from_bytes(head[:4], "big")
        room = size // each if each else (length - 12) // 4
    room = max(room, 0)
    if told > room:
        raise SongarkError(
            f"a table tells of {told} samples and has room for {room}",
            remedy="Get the file again from its source",
        )
