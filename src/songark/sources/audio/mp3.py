"""MPEG audio layer III: frame headers, the count of frames some encoders write, tags at the end.

Frame header and side information: ISO/IEC 11172-3 and 13818-3; the Xing or Info header is the
encoders' own custom, kept in the first frame.
"""

from __future__ import annotations

from typing import BinaryIO

from songark.model.errors import SongarkError

_KBITS_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBITS_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_ID3V1 = 128
_APE_FOOTER = 32
_MAX_APE = 16 << 20


def frame_length(head: bytes) -> int:
    """Bytes of the layer III frame that begins with these 4 bytes; 0 where none does."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:
        return 0
    version, rate, kbits = head[1] >> 3 & 3, head[2] >> 2 & 3, head[2] >> 4
    if version == 1 or rate == 3 or not 0 < kbits < 15:
        return 0
    table, factor = (_KBITS_1, 144) if version == 3 else (_KBITS_2, 72)
    return factor * table[kbits] * 1000 // _RATES[version][rate] + (head[2] >> 1 & 1)


def told_frames(stream: BinaryIO, start: int) -> int:
    """How many frames the Xing or Info header of the first frame tells; 0 where it is silent."""
    stream.seek(start)
    head = stream.read(200)
    if not frame_length(head):
        return 0
    version_1, mono = head[1] >> 3 & 3 == 3, head[3] >> 6 == 3
    side = (17 if mono else 32) if version_1 else (9 if mono else 17)
    at = 4 + side
    if head[at : at + 4] not in (b"Xing", b"Info") or not head[at + 7] & 1:
        return 0
    return int.from_bytes(head[at + 8 : at + 12], "big")


def check(frames: int, told: int, last: bytes) -> None:
    """Check that nothing is cut off.

    Args:
        frames: how many were found, without the one that holds the header.
        told: how many the header tells, 0 where unknown. Some encoders count the header too.
        last: the last frame.

    Raises:
        SongarkError: frames are missing, or the last one is torn.
    """
    if frames + 1 < told:
        raise SongarkError(
            f"cut short or damaged: {told} frames are told and {frames} are there",
            remedy="Get the file again from its source",
        )
    if len(last) < frame_length(last):
        raise SongarkError(
            "cut short: the last frame is torn", remedy="Get the file again from its source"
        )


def end_tags(stream: BinaryIO, size: int) -> tuple[bool, bool]:
    """Whether APEv2 and Lyrics3 tags at the end hold a picture, and words.

    FFmpeg does not read them in MP3 files, and what lies in them is shared with the file.
    """
    end = size
    if end >= _ID3V1 and _at(stream, end - _ID3V1, 3) == b"TAG":
        end -= _ID3V1
    picture = False
    lyrics = end >= 9 and _at(stream, end - 9, 9) in (b"LYRICS200", b"LYRICSEND")
    footer = _at(stream, end - _APE_FOOTER, _APE_FOOTER) if end >= _APE_FOOTER else b""
    if footer.startswith(b"APETAGEX"):
        length = min(int.from_bytes(footer[12:16], "little"), end, _MAX_APE)
        tag = _at(stream, end - length, length).lower()
        picture, lyrics = b"cover art" in tag, lyrics or b"lyrics" in tag
    return picture, lyrics


def _at(stream: BinaryIO, at: int, count: int) -> bytes:
    stream.seek(at)
    return stream.read(count)
