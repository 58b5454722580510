"""Ogg pages: every checksum, every page in its turn, and the end (RFC 3533)."""

from __future__ import annotations

import zlib
from typing import BinaryIO

from songark.model.errors import SongarkError

_HEAD = 27
_BEGIN, _END = 2, 4
_MAX_STREAMS = 16
_REMEDY = "Get the file again from its source"
_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def check(stream: BinaryIO) -> None:
    """Check that all pages are there and unchanged, and that each logical stream ends.

    What follows after the end of all streams is passed over: some programs add their own tags.

    Raises:
        SongarkError: the file is cut short or damaged, or is several Ogg files in a row.
    """
    stream.seek(0)
    following: dict[bytes, int] = {}
    ended: set[bytes] = set()
    while len(ended) < len(following) or not following or _more(stream):
        flags, serial, number = _page(stream)
        if flags & _BEGIN:
            if ended or len(following) == _MAX_STREAMS:
                raise SongarkError(
                    "several Ogg streams in a row", remedy="Split it into one file a track"
                )
            following[serial] = number
        if following.get(serial) != number or serial in ended:
            raise SongarkError("damaged: an Ogg page is missing or out of turn", remedy=_REMEDY)
        following[serial] = number + 1
        if flags & _END:
            ended.add(serial)


def checksum(data: bytes) -> int:
    """Ogg's CRC-32: zlib's polynomial with the bits the other way round, from 0, not inverted."""
    mirrored = zlib.crc32(data.translate(_MIRRORED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{mirrored:032b}"[::-1], 2)


def _page(stream: BinaryIO) -> tuple[int, bytes, int]:
    """The next page's flags, serial number and sequence number."""
    head = stream.read(_HEAD)
    sizes = stream.read(head[26]) if len(head) == _HEAD else b""
    body = stream.read(sum(sizes))
    if len(head) < _HEAD or len(sizes) < head[26] or len(body) < sum(sizes):
        raise SongarkError("cut short: the Ogg stream does not end", remedy=_REMEDY)
    told = int.from_bytes(head[22:26], "little")
    if head[:4] != b"OggS" or told != checksum(head[:22] + bytes(4) + head[26:] + sizes + body):
        raise SongarkError("damaged: an Ogg page is not what it was", remedy=_REMEDY)
    return head[5], head[14:18], int.from_bytes(head[18:22], "little")


def _more(stream: BinaryIO) -> bool:
    at = stream.tell()
    more = stream.read(4) == b"OggS"
    stream.seek(at)
    return more
