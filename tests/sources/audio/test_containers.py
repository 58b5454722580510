"""The containers' own checks, on bytes made by hand."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songark.model.errors import SongarkError
from songark.sources.audio import mp3, mp4, ogg, riff
from tests.sources.audio.id3_support import box


def page(flags: int, number: int, body: bytes = b"x", serial: bytes = b"abcd") -> bytes:
    head = b"OggS\0" + bytes([flags]) + bytes(8) + serial + struct.pack("<I", number)
    rest = bytes([1, len(body)]) + body
    return head + struct.pack("<I", ogg.checksum(head + bytes(4) + rest)) + rest


def test_the_checksum_is_that_of_rfc_3533():
    def slow(data: bytes) -> int:
        crc = 0
        for byte in data:
            crc ^= byte << 24
            for _ in range(8):
                crc = (crc << 1 ^ (0x04C11DB7 if crc & 0x80000000 else 0)) & 0xFFFFFFFF
        return crc

    for data in (b"", b"a", bytes(range(256)), b"OggS" * 99):
        assert ogg.checksum(data) == slow(data)
    assert ogg.checksum(b"abc") != zlib.crc32(b"abc")


def test_pages_in_turn_are_whole():
    ogg.check(io.BytesIO(page(2, 0) + page(0, 1) + page(4, 2)))
    ogg.check(io.BytesIO(page(2, 0) + page(4, 1) + b"TAG and more"))
    both = page(2, 0) + page(2, 0, serial=b"efgh") + page(4, 1) + page(4, 1, serial=b"efgh")
    ogg.check(io.BytesIO(both))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        page(2, 0),
        page(2, 0) + page(0, 1),
        page(2, 0) + page(4, 1)[:-1],
        page(2, 0) + page(4, 2),
        page(0, 0) + page(4, 1),
        page(2, 0) + page(4, 1)[:-1] + b"y",
        page(2, 0) + page(4, 1) + page(4, 2),
        page(2, 0) + page(4, 1) + page(2, 0) + page(4, 1),
        b"".join(page(2, 0, serial=struct.pack("<I", n)) for n in range(20)),
    ],
)
def test_pages_that_are_missing_torn_or_too_many(data):
    with pytest.raises(SongarkError):
        ogg.check(io.BytesIO(data))


@given(st.binary(), st.lists(st.tuples(st.integers(0, 7), st.integers(0, 3)), max_size=6))
def test_any_bytes_end_the_check_of_pages(junk, pages):
    data = b"".join(page(flags, number) for flags, number in pages) + junk
    try:
        ogg.check(io.BytesIO(data))
    except SongarkError as error:
        assert error.message


def chunk(name: bytes, body: bytes, told: int | None = None) -> bytes:
    length = len(body) if told is None else told
    return name + struct.pack("<I", length) + body + b"\0" * (len(body) % 2)


def wave(*chunks: bytes, form: bytes = b"RIFF") -> io.BytesIO:
    return io.BytesIO(form + bytes(4) + b"WAVE" + b"".join(chunks))


def size_of(stream: io.BytesIO) -> int:
    return len(stream.getvalue())


def test_sizes_in_wave_files():
    whole = wave(chunk(b"fmt ", bytes(16)), chunk(b"data", bytes(99)), chunk(b"id3 ", b"ID3x"))
    assert riff.check(whole, size_of(whole)) == b"ID3x"
    unknown = wave(chunk(b"data", bytes(10), 0xFFFFFFFF))
    assert riff.check(unknown, size_of(unknown)) == b""
    cut = wave(chunk(b"data", bytes(10), 12))
    with pytest.raises(SongarkError, match="2 bytes"):
        riff.check(cut, size_of(cut))


def test_sizes_in_long_wave_files():
    sizes = chunk(b"ds64", struct.pack("<QQQ", 0, 10, 0) + bytes(4))
    whole = wave(sizes, chunk(b"data", bytes(10), 0xFFFFFFFF), form=b"RF64")
    riff.check(whole, size_of(whole))
    cut = wave(sizes, chunk(b"data", bytes(9), 0xFFFFFFFF), form=b"RF64")
    with pytest.raises(SongarkError):
        riff.check(cut, len(cut.getvalue()) - 1)


def test_boxes_in_mp4_files():
    def run(data: bytes) -> None:
        mp4.check(io.BytesIO(data), len(data))

    run(box(b"ftyp", b"isom") + box(b"mdat", bytes(99)) + b"junk behind the end")
    run(struct.pack(">I4sQ", 1, b"mdat", 20) + bytes(4))
    run(struct.pack(">I4s", 0, b"mdat") + bytes(50))
    with pytest.raises(SongarkError, match="mdat"):
        run(box(b"ftyp", b"isom") + box(b"mdat", bytes(99))[:-1])
    with pytest.raises(SongarkError, match="trak"):
        run(box(b"moov", struct.pack(">I4s", 99, b"trak")))
    with pytest.raises(SongarkError, match="boxes"):
        run(box(b"moov", box(b"x   ", b"") * 10_001))


@pytest.mark.parametrize(
    ("name", "body"),
    [
        (b"stsz", struct.pack(">III", 0, 0, 3) + bytes(8)),
        (b"stsz", struct.pack(">III", 0, 2, 1000)),
        (b"stz2", struct.pack(">III", 0, 16, 3) + bytes(4)),
        (b"stz2", b"\0\0\0\0\0\0\0\x04\0\0\0\x01"),
    ],
)
def test_tables_that_tell_of_more_samples_than_can_be(name, body):
    inner = box(name, body)
    for outer in (b"stbl", b"minf", b"mdia", b"trak", b"moov"):
        inner = box(outer, inner)
    with pytest.raises(SongarkError, match="samples"):
        mp4.check(io.BytesIO(inner), len(inner))


@pytest.mark.parametrize("name", [b"stsz", b"stz2"])
def test_empty_tables_are_taken(name):
    inner = box(b"moov", box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", box(name, b""))))))
    mp4.check(io.BytesIO(inner), len(inner))


@given(st.binary(max_size=300))
def test_any_bytes_end_the_checks(data):
    for check in (mp4.check, riff.check):
        try:
            check(io.BytesIO(data), len(data))
        except SongarkError as error:
            assert error.message
    assert mp3.frame_length(data) >= 0
    assert mp3.told_frames(io.BytesIO(data), 0) >= 0
    assert len(mp3.end_tags(io.BytesIO(data), len(data))) == 2


def test_mp3_frames():
    assert mp3.frame_length(b"\xff\xfb\x90\x00") == 417  # 128 kbit/s at 44.1 kHz
    assert mp3.frame_length(b"\xff\xfb\x92\x00") == 418  # with padding
    assert mp3.frame_length(b"\xff\xf3\x80\x00") == 208  # MPEG 2, 64 kbit/s at 22.05 kHz
    assert mp3.frame_length(b"\xff\xfd\x90\x00") == 0  # layer II
    assert mp3.frame_length(b"\xff\xf1\x50\x80") == 0  # AAC in ADTS
    mp3.check(10, 11, b"\xff\xfb\x90\x00" + bytes(413))
    with pytest.raises(SongarkError, match="frames"):
        mp3.check(9, 11, b"")
    with pytest.raises(SongarkError, match="torn"):
        mp3.check(9, 0, b"\xff\xfb\x90\x00" + bytes(412))
