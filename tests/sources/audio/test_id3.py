"""The ID3 frames that FFmpeg leaves out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songark.sources.audio.id3 import Id3, read_id3, tag_length
from tests.sources.audio.id3_support import frame, syncsafe, tag

CC = "http://creativecommons.org/licenses/by/4.0/"


@pytest.mark.parametrize("version", [3, 4])
def test_addresses_ids_and_terms(version):
    data = tag(
        frame(b"UFID", b"http://musicbrainz.org\0some-id", version),
        frame(b"WCOP", CC.encode() + b"\0junk", version),
        frame(b"WXXX", b"\x01" + "Lizenz\0".encode("utf-16") + CC.encode(), version),
        frame(b"USER", b"\x03engterms", version),
        frame(b"TIT2", b"\0not mine", version),
        version=version,
    )
    assert read_id3(data).tags == (
        ("UFID:http://musicbrainz.org", "some-id"),
        ("WCOP", CC),
        ("WXXX:Lizenz", CC),
        ("USER", "terms"),
    )


def test_version_2_has_short_names():
    data = tag(frame(b"WCP", CC.encode(), 2), frame(b"PIC", b"\0PNG", 2), version=2)
    assert read_id3(data) == Id3((("WCOP", CC),), has_picture=True)


@pytest.mark.parametrize("name", [b"USLT", b"SYLT"])
def test_words_are_seen(name):
    assert read_id3(tag(frame(name, b"\0eng\0la"))).has_lyrics


def test_unsynchronised_bytes_are_put_back():
    plain = frame(b"UFID", b"owner\0\xff\xe0\xff", 3)
    coded = plain.replace(b"\xff", b"\xff\x00")
    assert read_id3(tag(coded, flags=0x80)).tags == (("UFID:owner", "ÿàÿ"),)
    body = b"owner\0\xff\x00\xe0"
    assert read_id3(tag(frame(b"UFID", body, 4, b"\0\x02"), version=4)).tags == (
        ("UFID:owner", "ÿà"),
    )


def test_extended_headers_are_passed_over():
    for version, extra in ((3, bytes([0, 0, 0, 6]) + bytes(6)), (4, syncsafe(6) + bytes(2))):
        data = tag(extra, frame(b"WCOP", CC.encode(), version), version=version, flags=0x40)
        assert read_id3(data).tags == (("WCOP", CC),)


def test_packed_and_encrypted_frames_are_passed_over():
    for version, flags in ((3, b"\0\x80"), (3, b"\0\x40"), (4, b"\0\x08"), (4, b"\0\x04")):
        data = tag(frame(b"WCOP", CC.encode(), version, flags), version=version)
        assert read_id3(data).tags == ()


def test_a_frame_longer_than_the_tag_ends_the_reading():
    data = tag(frame(b"WCOP", CC.encode()), b"WOAR" + b"\x7f\xff\xff\xff\0\0" + b"x")
    assert read_id3(data).tags == (("WCOP", CC),)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"ID3",
        b"ID3\x05\0\0\0\0\0\x01",
        b"ID3\x03\0\0\xff\0\0\0",
        b"xID3\x03\0\0\0\0\0",
    ],
)
def test_what_is_no_tag_has_no_length(head):
    assert tag_length(head) == 0


def test_a_footer_counts():
    assert tag_length(b"ID3\x04\0\x10\0\0\x01\0") == 10 + 128 + 10


@given(st.binary(), st.sampled_from([2, 3, 4]), st.integers(0, 255))
def test_any_bytes_are_taken(body, version, flags):
    data = b"ID3" + bytes([version, 0, flags]) + syncsafe(len(body)) + body
    assert isinstance(read_id3(data), Id3)
    assert isinstance(read_id3(body), Id3)
