"""Which of the formats we keep a file is, by its first bytes."""

from __future__ import annotations

from typing import BinaryIO

from songark.sources.audio.id3 import HEADER, tag_length
from songark.sources.audio.mp3 import frame_length

_MAX_TAGS = 8


def sniff(stream: BinaryIO) -> str:
    """The container: ``ogg``, ``flac``, ``mp3``, ``mp4``, ``wav``; empty for anything else.

    FFmpeg is never asked to guess: its guesses include play lists, which open other files.
    """
    start = skip_id3(stream)
    stream.seek(start)
    head = stream.read(12)
    if head.startswith(b"OggS"):
        return "ogg"
    if head.startswith(b"fLaC"):
        return "flac"
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return "wav"
    if head[4:8] == b"ftyp":
        return "mp4"
    # A tag alone is what MP3 files have before their first frame, padded or not.
    return "mp3" if start or frame_length(head) else ""


def skip_id3(stream: BinaryIO) -> int:
    """Where the file begins behind its ID3v2 tags."""
    start = 0
    for _ in range(_MAX_TAGS):
        stream.seek(start)
        length = tag_length(stream.read(HEADER))
        if not length:
            break
        start += length
    return start
