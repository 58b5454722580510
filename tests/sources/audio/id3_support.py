"""ID3v2 tags and MP4 boxes by hand, for what encoders do not write."""

from __future__ import annotations

import struct


def syncsafe(number: int) -> bytes:
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))


def frame(name: bytes, body: bytes, version: int = 3, flags: bytes = b"\0\0") -> bytes:
    if version == 2:
        return name + len(body).to_bytes(3, "big") + body
    size = struct.pack(">I", len(body)) if version == 3 else syncsafe(len(body))
    return name + size + flags + body


def tag(*frames: bytes, version: int = 3, flags: int = 0) -> bytes:
    body = b"".join(frames)
    return b"ID3" + bytes([version, 0, flags]) + syncsafe(len(body)) + body


def without_id3(mp3: bytes) -> bytes:
    if mp3[:3] != b"ID3":
        return mp3
    length = 0
    for byte in mp3[6:10]:
        length = length << 7 | byte
    return mp3[10 + length :]


def box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body) + 8) + name + body


def free_form(name: bytes, value: bytes) -> bytes:
    """An iTunes tag with a name of its own."""
    return box(
        b"----",
        box(b"mean", bytes(4) + b"com.apple.iTunes")
        + box(b"name", bytes(4) + name)
        + box(b"data", struct.pack(">II", 1, 0) + value),
    )


def with_tags(mp4: bytes, *tags: bytes) -> bytes:
    """An MP4 file whose `moov` lies behind its `mdat`, with further tags."""
    made = b""
    at = 0
    while at < len(mp4):
        length, name = struct.unpack(">I4s", mp4[at : at + 8])
        body = mp4[at + 8 : at + length]
        if name == b"ilst":
            body += b"".join(tags)
        elif name == b"meta":
            body = body[:4] + with_tags(body[4:], *tags)
        elif name in (b"moov", b"udta"):
            body = with_tags(body, *tags)
        made += box(name, body)
        at += length
    return made
