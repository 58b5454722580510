"""The ID3v2 frames that FFmpeg leaves out: addresses, unique file ids, terms of use, words.

ID3 2.2, 2.3 and 2.4 (id3.org, informal standards). Text frames come through FFmpeg.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

HEADER = 10
MAX_TAG = 64 << 20
"""Bytes of the largest tag that is read."""
MAX_FRAME = 1 << 16
"""Bytes of the largest frame whose text is read."""

_FRAME_ID = re.compile(rb"[A-Z][A-Z0-9]{2,3}")
_OLD = {b"UFI": b"UFID", b"WCP": b"WCOP", b"WXX": b"WXXX", b"ULT": b"USLT", b"SLT": b"SYLT"}
_OLD |= {b"PIC": b"APIC"}
# Encoding byte -> (codec, terminator).
_ENCODINGS = {
    0: ("latin-1", b"\0"),
    1: ("utf-16", b"\0\0"),
    2: ("utf-16-be", b"\0\0"),
    3: ("utf-8", b"\0"),
}


@dataclass(frozen=True, slots=True)
class Id3:
    """What the frames say. `tags` are (name, value), such as (``UFID:<owner>``, id)."""

    tags: tuple[tuple[str, str], ...] = ()
    has_picture: bool = False
    has_lyrics: bool = False


def tag_length(head: bytes) -> int:
    """Bytes of the whole tag that begins with these 10 bytes; 0 where none does."""
    if len(head) < HEADER or head[:3] != b"ID3" or head[3] not in (2, 3, 4):
        return 0
    if any(byte & 0x80 for byte in head[6:10]):
        return 0
    footer = HEADER if head[3] == 4 and head[5] & 0x10 else 0
    return HEADER + _syncsafe(head[6:10]) + footer


def read_id3(data: bytes) -> Id3:
    """Read one whole tag; what is malformed in it is passed over. Never raises."""
    tags: list[tuple[str, str]] = []
    seen: set[bytes] = set()
    for name, body in _frames(data):
        seen.add(name)
        if tag := _text(name, body[:MAX_FRAME]):
            tags.append(tag)
    return Id3(tuple(tags), b"APIC" in seen, bool(seen & {b"USLT", b"SYLT"}))


def _frames(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    if not tag_length(data[:HEADER]):
        return
    version, flags = data[3], data[5]
    body = data[HEADER : HEADER + _syncsafe(data[6:10])]
    if flags & 0x80 and version < 4:
        body = body.replace(b"\xff\x00", b"\xff")
    at = _extended(body, version) if flags & 0x40 and version > 2 else 0
    head, digits = (6, 3) if version == 2 else (10, 4)
    while at + head <= len(body):
        name = body[at : at + digits]
        if not _FRAME_ID.fullmatch(name):
            return
        size = body[at + digits : at + 2 * digits]
        length = _syncsafe(size) if version == 4 else int.from_bytes(size, "big")
        if length > len(body) - at - head:
            return
        told = body[at + head - 2 : at + head] if version > 2 else b"\0\0"
        part = _unpacked(body[at + head : at + head + length], version, told[1])
        if part is not None:
            yield _OLD.get(name, name), part
        at += head + length


def _extended(body: bytes, version: int) -> int:
    size = body[:4]
    return _syncsafe(size) if version == 4 else 4 + int.from_bytes(size, "big")


def _unpacked(part: bytes, version: int, flags: int) -> bytes | None:
    """A frame's body as written; None where it is packed or encrypted."""
    if flags & (0x0C if version == 4 else 0xC0):
        return None
    if version == 4:
        part = part[4:] if flags & 0x01 else part
        return part.replace(b"\xff\x00", b"\xff") if flags & 0x02 else part
    return part


def _text(name: bytes, body: bytes) -> tuple[str, str] | None:
    label = name.decode("ascii")
    if name == b"UFID":
        owner, _, value = body.partition(b"\0")
        return f"{label}:{owner.decode('latin-1')}", value.decode("latin-1")
    if name == b"WXXX" and body:
        codec, end = _ENCODINGS.get(body[0], _ENCODINGS[0])
        told, rest = _cut(body[1:], end)
        return f"{label}:{told.decode(codec, 'replace')}", _address(rest)
    if name == b"USER" and len(body) > 4:
        codec, _ = _ENCODINGS.get(body[0], _ENCODINGS[0])
        return label, body[4:].decode(codec, "replace").strip("\0")
    return (label, _address(body)) if name.startswith(b"W") else None


def _cut(data: bytes, end: bytes) -> tuple[bytes, bytes]:
    """Split at a terminator, which lies on a whole character."""
    for at in range(0, len(data), len(end)):
        if data[at : at + len(end)] == end:
            return data[:at], data[at + len(end) :]
    return data, b""


def _address(data: bytes) -> str:
    return data.partition(b"\0")[0].decode("latin-1")


def _syncsafe(data: bytes) -> int:
    value = 0
    for byte in data:
        value = value << 7 | byte & 0x7F
    return value
