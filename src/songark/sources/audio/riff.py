"""RIFF WAVE chunks: whether the sound is all there, and the ID3 tag that may lie among them.

Multimedia Programming Interface 1.0 (RIFF); EBU Tech 3306 (RF64, sizes in a ``ds64`` chunk).
"""

from __future__ import annotations

from typing import BinaryIO

from songark.model.errors import SongarkError
from songark.sources.audio.id3 import MAX_TAG

_MAX_CHUNKS = 10_000
_UNKNOWN = 0xFFFFFFFF


def check(stream: BinaryIO, size: int) -> bytes:
    """Check that the data chunk lies within the file; returns the ID3 tag, empty where none is.

    A data size of 0xFFFFFFFF in a RIFF file means that the writer did not know it.

    Raises:
        SongarkError: the file is cut short.
    """
    at, long_size, tag = 12, 0, b""
    stream.seek(0)
    is_long = stream.read(4) == b"RF64"
    for _ in range(_MAX_CHUNKS):
        stream.seek(at)
        head = stream.read(8)
        if len(head) < 8:
            break
        name, length = head[:4], int.from_bytes(head[4:], "little")
        if name == b"ds64" and is_long:
            long_size = int.from_bytes(stream.read(16)[8:], "little")
        if name == b"data" and length == _UNKNOWN:
            if not is_long:
                break
            length = long_size
        if name == b"data" and at + 8 + length > size:
            raise SongarkError(
                f"cut short: {at + 8 + length - size} bytes of sound are missing",
                remedy="Get the file again from its source",
            )
        if name.lower() == b"id3 " and length <= MAX_TAG:
            tag = stream.read(length)
        at += 8 + length + length % 2
    return tag
