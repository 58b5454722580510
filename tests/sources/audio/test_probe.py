"""What a file is by its content: all formats, their tags, and files that are not what they seem."""

from __future__ import annotations

import base64
import struct

import pytest

from songark.model.errors import SongarkError
from songark.sources.audio.probe import NOT_AUDIO, probe
from tests.audio import FORMATS, make_tone, make_video, png
from tests.sources.audio.id3_support import frame, free_form, tag, with_tags, without_id3

CC = "http://creativecommons.org/licenses/by/4.0/"
MBID = "5e0e2cd9-1b4a-4a39-93d5-a95bdf7e8e7b"
SHAPES = {
    "vorbis": ("ogg", "vorbis", False),
    "opus": ("ogg", "opus", False),
    "flac": ("flac", "flac", True),
    "mp3": ("mp3", "mp3", False),
    "aac": ("mp4", "aac", False),
    "alac": ("mp4", "alac", True),
    "wav": ("wav", "pcm_s16le", True),
}
TAGS = {"title": "Ein Tön", "artist": "A", "album": "B", "date": "2001-02-03", "track": "3/9"}


@pytest.fixture(scope="module")
def tones(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tones")
    return {
        name: make_tone(folder / f"{name}.{shape[3]}", format=name, seconds=1.5, tags=TAGS)
        for name, shape in FORMATS.items()
    }


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_known_by_its_content(tones, tmp_path, name):
    hidden = tmp_path / "no ending"
    hidden.write_bytes(tones[name].read_bytes())
    told = probe(hidden)
    assert (told.container, told.codec, told.lossless) == SHAPES[name]
    assert (told.sample_rate, told.channels) == (48_000, 2)
    assert told.duration_ms == 1500
    assert not told.has_picture
    assert not told.has_lyrics


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("seconds", [0.1, 0.3, 0.75])
def test_short_files_have_their_length(tmp_path, name, seconds):
    told = probe(make_tone(tmp_path / "x", format=name, seconds=seconds))
    assert abs(told.duration_ms - seconds * 1000) <= 1


@pytest.mark.parametrize("name", ["vorbis", "opus"])
def test_long_ogg_files_are_read_at_both_ends(tmp_path, name):
    assert probe(make_tone(tmp_path / "x", format=name, seconds=8)).duration_ms == 8000


@pytest.mark.parametrize("name", FORMATS)
def test_common_tags_have_common_names(tones, name):
    told = {key.lower(): value for key, value in probe(tones[name]).tags}
    assert {key: told[key] for key in TAGS} == TAGS


@pytest.mark.parametrize("name", ["flac", "mp3", "aac", "alac"])
def test_an_embedded_picture_is_seen_and_is_no_video(tmp_path, name):
    assert probe(make_tone(tmp_path / "x", format=name, picture=png())).has_picture


@pytest.mark.parametrize("name", ["vorbis", "opus", "flac", "mp3", "aac"])
def test_embedded_words_are_seen(tmp_path, name):
    told = probe(make_tone(tmp_path / "x", format=name, tags={"lyrics": "la la la"}))
    assert told.has_lyrics


def test_a_picture_inside_a_vorbis_comment_is_seen(tmp_path):
    head = struct.pack(">II", 3, 9) + b"image/png" + struct.pack(">IIIII", 0, 8, 8, 24, 0)
    block = base64.b64encode(head + struct.pack(">I", len(png())) + png()).decode()
    for tags in ({"METADATA_BLOCK_PICTURE": block}, {"COVERART": "AAAA"}):
        assert probe(make_tone(tmp_path / "x.ogg", tags=tags)).has_picture


def test_id3_frames_that_ffmpeg_leaves_out(tones, tmp_path):
    sound = without_id3(tones["mp3"].read_bytes())
    own = tag(
        frame(b"TIT2", b"\0T"),
        frame(b"WCOP", CC.encode()),
        frame(b"UFID", b"http://musicbrainz.org\0" + MBID.encode()),
        frame(b"SYLT", b"\0eng\x02\x01\0"),
        frame(b"APIC", b"\0image/png\0\x03\0" + png()),
    )
    path = tmp_path / "x.mp3"
    path.write_bytes(own + sound)
    told = probe(path)
    assert ("title", "T") in told.tags
    assert ("WCOP", CC) in told.tags
    assert ("UFID:http://musicbrainz.org", MBID) in told.tags
    assert told.has_lyrics
    assert told.has_picture


def test_id3_in_a_wav_chunk(tones, tmp_path):
    own = tag(frame(b"WCOP", CC.encode()), frame(b"APIC", b"\0image/png\0\x03\0" + png()))
    own += b"\0" * (len(own) % 2)
    body = tones["wav"].read_bytes()[8:] + b"id3 " + struct.pack("<I", len(own)) + own
    path = tmp_path / "x.wav"
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    told = probe(path)
    assert ("WCOP", CC) in told.tags
    assert told.has_picture


def test_itunes_tags_with_names_of_their_own(tones, tmp_path):
    path = tmp_path / "x.m4a"
    extra = free_form(b"MusicBrainz Track Id", MBID.encode()), free_form(b"LICENSE", CC.encode())
    path.write_bytes(with_tags(tones["aac"].read_bytes(), *extra))
    told = probe(path)
    assert ("MusicBrainz Track Id", MBID) in told.tags
    assert ("LICENSE", CC) in told.tags


def test_ape_and_lyrics_tags_at_the_end_of_an_mp3(tones, tmp_path):
    sound = tones["mp3"].read_bytes()
    body = b"\x04\0\0\0\0\0\0\0Cover Art (Front)\0xxxx"
    footer = b"APETAGEX" + struct.pack("<IIII", 2000, len(body) + 32, 1, 0) + bytes(8)
    path = tmp_path / "x.mp3"
    path.write_bytes(sound + body + footer + b"TAG" + bytes(125))
    assert probe(path).has_picture
    path.write_bytes(
        sound + b"LYRICSBEGIN" + b"IND0000200" + b"000021LYRICS200" + b"TAG" + bytes(125)
    )
    assert probe(path).has_lyrics


def test_an_mp3_without_a_header_of_counts_has_its_length_from_its_frames(tmp_path):
    path = make_tone(tmp_path / "x.mp3", format="mp3", seconds=2)
    sound = without_id3(path.read_bytes())
    bare = sound.replace(b"Info", b"None").replace(b"Xing", b"None")
    path.write_bytes(bare)
    assert 2000 <= probe(path).duration_ms <= 2150


def test_latin_1_and_other_bytes_in_tags_do_not_stop_the_reading(tones, tmp_path):
    path = tmp_path / "x.mp3"
    old = b"TAG" + b"Caf\xe9".ljust(30, b"\0") + bytes(95)
    path.write_bytes(without_id3(tones["mp3"].read_bytes()) + old)
    assert ("title", "Caf\udce9") in probe(path).tags


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("part", [0.35, 0.6, 0.97])
def test_what_is_cut_short_is_refused(tones, tmp_path, name, part):
    data = tones[name].read_bytes()
    path = tmp_path / "cut"
    path.write_bytes(data[: round(len(data) * part)])
    with pytest.raises(SongarkError):
        probe(path)


@pytest.mark.parametrize("name", ["vorbis", "opus", "flac", "mp3", "aac", "wav"])
def test_one_byte_less_is_noticed(tones, tmp_path, name):
    path = tmp_path / "cut"
    path.write_bytes(tones[name].read_bytes()[:-1])
    with pytest.raises(SongarkError):
        probe(path)


@pytest.mark.parametrize("name", ["vorbis", "opus", "flac"])
def test_a_hole_in_the_middle_is_noticed(tones, tmp_path, name):
    data = bytearray(tones[name].read_bytes())
    middle = len(data) // 2
    data[middle : middle + 1500] = bytes(1500)
    path = tmp_path / "hole"
    path.write_bytes(data)
    with pytest.raises(SongarkError):
        probe(path)


@pytest.mark.parametrize("place", [-1, -40, -400])
def test_a_changed_byte_in_the_last_flac_frames_is_noticed(tones, tmp_path, place):
    data = bytearray(tones["flac"].read_bytes())
    data[place] ^= 1
    path = tmp_path / "x.flac"
    path.write_bytes(data)
    with pytest.raises(SongarkError, match="damaged"):
        probe(path)


@pytest.mark.parametrize("name", FORMATS)
def test_bytes_behind_the_end_are_forgiven(tones, tmp_path, name):
    path = tmp_path / "more"
    path.write_bytes(tones[name].read_bytes() + b"TAG" + bytes(125))
    assert probe(path).duration_ms in (1500, 1524, 1536)


@pytest.mark.parametrize(
    "data",
    [
        b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n",
        b"ffconcat version 1.0\nfile '/etc/passwd'\n",
        b"<?xml version='1.0'?><MPD></MPD>",
        b"\0" * 1000,
        b"RIFF\0\0\0\0AVI LIST",
        b"\xff\xf1\x50\x80" * 100,
        b"x",
    ],
)
def test_what_is_not_audio_is_never_given_to_ffmpeg(tmp_path, data):
    path = tmp_path / "song.mp3"
    path.write_bytes(data)
    with pytest.raises(SongarkError, match=NOT_AUDIO):
        probe(path)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"OggS" + bytes(100), "damaged"),
        (b"fLaC" + bytes(1000), "cannot be decoded"),
        (b"ID3\x03\0\0\0\0\0\0" + bytes(4000), "cannot be decoded"),
        (b"\0\0\0\x10ftypisom\0\0\0\0", "cannot be decoded"),
        (b"RIFF\0\0\0\0WAVEdata\0\0\0\0", "cannot be decoded"),
    ],
)
def test_heads_without_a_body(tmp_path, data, reason):
    path = tmp_path / "x"
    path.write_bytes(data)
    with pytest.raises(SongarkError, match=reason):
        probe(path)


def test_video_is_refused(tmp_path):
    with pytest.raises(SongarkError, match="video"):
        probe(make_video(tmp_path / "x.mp4"))


def test_encrypted_sound_is_refused(tones, tmp_path):
    data = tones["aac"].read_bytes()
    assert data.count(b"mp4a") == 1
    path = tmp_path / "x.m4a"
    path.write_bytes(data.replace(b"mp4a", b"drms"))
    with pytest.raises(SongarkError):
        probe(path)


def test_two_ogg_files_in_a_row_are_refused(tones, tmp_path):
    path = tmp_path / "x.ogg"
    path.write_bytes(tones["vorbis"].read_bytes() + tones["opus"].read_bytes())
    with pytest.raises(SongarkError, match="in a row"):
        probe(path)


def test_a_table_that_asks_for_memory_is_refused(tones, tmp_path):
    data = bytearray(tones["aac"].read_bytes())
    at = data.index(b"stsz")
    data[at + 12 : at + 16] = b"\x7f\xff\xff\xff"
    path = tmp_path / "x.m4a"
    path.write_bytes(data)
    with pytest.raises(SongarkError, match="samples"):
        probe(path)


def test_another_codec_in_a_known_container_is_refused(tones, tmp_path):
    data = bytearray(tones["wav"].read_bytes())
    at = data.index(b"fmt ")
    data[at + 8 : at + 10] = b"\x02\x00"  # ADPCM
    path = tmp_path / "x.wav"
    path.write_bytes(data)
    with pytest.raises(SongarkError):
        probe(path)
