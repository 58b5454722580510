"""A folder of music as a sealed snapshot."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import threading
import time
import tracemalloc
import unicodedata
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from songark.ark.layout import Ark
from songark.ark.tables import read_rows
from songark.model.errors import UsageError
from songark.model.evidence import Grade
from songark.model.hashing import hash_file
from songark.model.schema import IDENTIFIER, REJECT, STATEMENT, TRACK
from songark.sources import spool, track
from songark.sources.audio.probe import probe
from songark.sources.folder import read_folder
from tests.audio import FORMATS, make_tone, make_video, png

CC_BY = "http://creativecommons.org/licenses/by/4.0/"
MBID = "5e0e2cd9-1b4a-4a39-93d5-a95bdf7e8e7b"
EXAMPLES = Path(__file__).parents[2] / "examples" / "music"
TAGS = {
    "title": "Title",
    "artist": "Artist",
    "album": "Album",
    "composer": "Composer",
    "date": "2001-02-03",
    "track": "3/9",
    "ISRC": "gb-aye-69-00531",
    "MUSICBRAINZ_TRACKID": MBID.upper(),
    "LICENSE": CC_BY,
}


@pytest.fixture(scope="module")
def tone(tmp_path_factory):
    return make_tone(tmp_path_factory.mktemp("tone") / "x.ogg", seconds=0.3, tags=TAGS)


@pytest.fixture
def place(tmp_path, tone):
    folder = tmp_path / "music"
    folder.mkdir()
    shutil.copy(tone, folder / "song.ogg")
    return folder


@pytest.fixture
def read(tmp_path):
    def run(place):
        sealed = read_folder(place, tmp_path / "snapshots")
        sealed.verify()
        facts = sealed.facts
        assert facts["found"] == facts["rows"] + facts["rejects"] + facts["companions"]
        rejects = rows(sealed, "rejects")
        assert len(rejects) == facts["rejects"] + facts["field_rejects"]
        return sealed

    return run


def rows(sealed, table):
    return list(read_rows(sealed.path / f"{table}.parquet"))


def reasons(sealed):
    told = rows(sealed, "rejects")
    assert all(row["remedy"] for row in told)
    return {row["place"]: row["reason"] for row in told}


def test_one_file_with_everything(place, read, tone):
    sealed = read(place)
    file = hash_file(tone).file
    (track,) = rows(sealed, "tracks")
    assert track == {
        "source": "folder",
        "source_key": "song.ogg",
        "path": "song.ogg",
        "root": file.root,
        "size": file.size,
        "title_raw": "Title",
        "artist_raw": "Artist",
        "release_raw": "Album",
        "composer_raw": "Composer",
        "date_raw": "2001-02-03",
        "position_raw": "3/9",
        "duration_ms": 300,
        "container": "ogg",
        "codec": "vorbis",
        "lossless": False,
        "bit_rate": file.size * 8000 // 300,
        "sample_rate": 48_000,
        "channels": 2,
        "has_picture": False,
        "has_lyrics": False,
    }
    assert rows(sealed, "identifiers") == [
        {"source_key": "song.ogg", "scheme": "isrc", "value": "GBAYE6900531"},
        {"source_key": "song.ogg", "scheme": "mbid", "value": MBID},
    ]
    (said,) = rows(sealed, "statements")
    assert (said["kind"], said["grade"], said["licence"]) == ("tag", 1, "CC-BY-4.0")
    assert said["parts"] == ["composition", "lyrics", "picture", "recording"]
    assert sealed.facts == {
        "source": "folder",
        "place": str(place),
        "rows": 1,
        "rejects": 0,
        "field_rejects": 0,
        "companions": 0,
        "found": 1,
        "bytes": file.size,
    }
    for name, schema in (
        ("tracks", TRACK),
        ("identifiers", IDENTIFIER),
        ("statements", STATEMENT),
        ("rejects", REJECT),
    ):
        assert pq.read_schema(sealed.path / f"{name}.parquet").equals(schema)


def test_all_formats_and_pictures(tmp_path, read):
    place = tmp_path / "music"
    for name, shape in FORMATS.items():
        picture = png() if name in ("flac", "mp3", "aac", "alac") else None
        path = place / name / f"song.{shape[3]}"
        make_tone(path, seconds=0.3, format=name, picture=picture)
    told = rows(read(place), "tracks")
    assert {row["codec"] for row in told} == {
        "vorbis",
        "opus",
        "flac",
        "mp3",
        "aac",
        "alac",
        "pcm_s16le",
    }
    assert {row["codec"] for row in told if row["has_picture"]} == {"flac", "mp3", "aac", "alac"}
    assert [row["path"] for row in told] == sorted(row["path"] for row in told)
    assert all(row["title_raw"] is None for row in told)


def test_the_same_folder_again_writes_nothing_new(place, read, tmp_path):
    first = read(place)
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "snapshots").rglob("*")}
    second = read(place)
    assert (second.digest, second.path) == (first.digest, first.path)
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "snapshots").rglob("*")} == before | {
        first.path.parent: first.path.parent.stat().st_mtime_ns
    }
    (place / "song.ogg").touch()
    assert read(place).digest == first.digest


def test_tables_say_nothing_of_where_the_folder_lies(place, read, tmp_path):
    (place / "bad.ogg").write_bytes(b"nothing")
    other = tmp_path / "elsewhere" / "other"
    shutil.copytree(place, other)
    first, second = read(place), read(other)
    assert first.digest != second.digest
    assert first.files == second.files
    for path in first.path.glob("*.parquet"):
        for row in read_rows(path):
            assert str(tmp_path) not in repr(row)


def test_companions_are_counted(place, read):
    for name in ("cover.jpg", "notes.txt", "album.m3u", ".hidden", "x.cue", "REUSE.toml"):
        (place / name).write_bytes(b"")
    sealed = read(place)
    assert (sealed.facts["companions"], sealed.facts["rejects"]) == (6, 0)


def test_bad_files_are_one_reject_each(place, read, tone):
    data = tone.read_bytes()
    (place / "empty.ogg").write_bytes(b"")
    (place / "torn.ogg").write_bytes(data[:-10])
    (place / "text.mp3").write_bytes(b"these are no frames")
    (place / "program.exe").write_bytes(b"MZ")
    make_video(place / "film.mp4")
    os.mkfifo(place / "pipe.ogg")
    (place / "loop.ogg").symlink_to("loop.ogg")
    (place / os.fsdecode(b"\xff.ogg")).write_bytes(data)
    sealed = read(place)
    assert sealed.facts["rows"] == 1
    told = reasons(sealed)
    words = {
        "empty.ogg": "empty",
        "torn.ogg": "cut short",
        "text.mp3": "named like audio",
        "program.exe": "not audio",
        "film.mp4": "video",
        "pipe.ogg": "a pipe",
        "loop.ogg": "leads nowhere",
        "\\xff.ogg": "UTF-8",
    }
    assert set(told) == set(words)
    for path, word in words.items():
        assert word in told[path]


def test_audio_with_another_name_is_taken_by_its_content(place, read, tone):
    shutil.copy(tone, place / "track01")
    shutil.copy(tone, place / "wrong.mp3")
    assert [row["container"] for row in rows(read(place), "tracks")] == ["ogg"] * 3


def test_what_cannot_be_opened_is_a_reject(tone):
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        top.chmod(0o755)
        music = top / "music"
        (music / "closed").mkdir(parents=True)
        for path in (music / "closed/a.ogg", music / "b.ogg", music / "c.ogg"):
            shutil.copy(tone, path)
        (music / "b.ogg").chmod(0)
        (music / "closed").chmod(0)
        (top / "snapshots").mkdir()
        (top / "snapshots").chmod(0o777)
        told = _as_nobody(music, top / "snapshots")
        (music / "closed").chmod(0o755)
    assert set(told) == {"b.ogg", "closed"}
    assert all("cannot be read" in reason for reason in told.values())


def _as_nobody(music, snapshots):
    """Root reads everything, so this part runs as somebody else."""
    was = os.geteuid()
    if was == 0:
        os.seteuid(65534)
    try:
        return reasons(read_folder(music, snapshots))
    finally:
        os.seteuid(was)


def test_a_file_that_changes_meanwhile_is_a_reject(place, read, tone):
    data = tone.read_bytes()
    stop = threading.Event()

    def scribble():
        while not stop.is_set():
            (place / "song.ogg").write_bytes(data + b"x")
            time.sleep(0.0002)
            (place / "song.ogg").write_bytes(data)

    writer = threading.Thread(target=scribble)
    writer.start()
    try:
        results = [read(place).facts for _ in range(5)]
    finally:
        stop.set()
        writer.join()
    assert any(facts["rejects"] == 1 for facts in results)


def test_a_file_replaced_between_two_readings_is_a_reject(place, read, monkeypatch, tone):
    def replaced_after(path):
        told = probe(path)
        path.write_bytes(tone.read_bytes() + b"TAG" + bytes(125))
        return told

    monkeypatch.setattr(track, "probe", replaced_after)
    assert "changed" in reasons(read(place))["song.ogg"]


def test_fields_that_are_no_good_are_set_aside_and_the_row_stays(tmp_path, read):
    place = tmp_path / "music"
    tags = {"title": "x" * 10_001, "artist": "bell\x07", "ISRC": "nonsense;GBAYE6900531"}
    make_tone(place / "song.ogg", seconds=0.3, tags=tags)
    sealed = read(place)
    assert sealed.facts["field_rejects"] == 3
    assert set(reasons(sealed)) == {f"song.ogg, field {n}" for n in ("title", "artist", "ISRC")}
    (track,) = rows(sealed, "tracks")
    assert (track["title_raw"], track["artist_raw"]) == (None, None)
    assert [row["value"] for row in rows(sealed, "identifiers")] == ["GBAYE6900531"]


def test_everybody_who_wrote_a_part_is_a_composer(tmp_path, read):
    tags = {"composer": "C", "lyricist": "L", "arranger": "C", "title": "Song (cover)"}
    make_tone(tmp_path / "music/song.ogg", seconds=0.3, tags=tags)
    (track,) = rows(read(tmp_path / "music"), "tracks")
    assert (track["composer_raw"], track["title_raw"]) == ("C; L", "Song (cover)")


def test_names_are_kept_in_one_unicode_form(tmp_path, read, tone):
    for form in ("NFC", "NFD"):
        path = tmp_path / form / "music" / unicodedata.normalize(form, "á/é.ogg")
        path.parent.mkdir(parents=True)
        shutil.copy(tone, path)
    first, second = (read(tmp_path / form / "music") for form in ("NFC", "NFD"))
    assert first.files == second.files
    assert rows(first, "tracks")[0]["path"] == "á/é.ogg"


RIGHTS = '[[rights]]\nfiles = ["**"]\nlicence = "{}"\nholder = "The Label"\n'


def said(sealed):
    return [
        (r["source_key"], r["kind"], r["grade"], r["licence"]) for r in rows(sealed, "statements")
    ]


def test_keeper_files_speak_of_what_lies_beneath(place, read, tone):
    (place / "songark.rights.toml").write_text(RIGHTS.format("CC0-1.0"))
    deep = place / "a/b"
    deep.mkdir(parents=True)
    shutil.copy(tone, deep / "deep.ogg")
    (place / "a/songark.rights.toml").write_text(RIGHTS.format("CC-BY-SA-4.0"))
    shutil.copy(tone, place / "z.ogg")
    (place / "z.ogg.license").write_text("SPDX-License-Identifier: CC-BY-3.0\n")
    sealed = read(place)
    assert [row for row in said(sealed) if row[1] != "tag"] == [
        ("a/b/deep.ogg", "toml", 2, "CC-BY-SA-4.0"),
        ("song.ogg", "toml", 2, "CC0-1.0"),
        ("z.ogg", "reuse", 2, "CC-BY-3.0"),
        ("z.ogg", "toml", 2, "CC0-1.0"),
    ]
    assert sealed.facts["companions"] == 3


def test_a_document_that_evidence_names_is_a_companion_and_hashed(place, read):
    (place / "letter.eml").write_bytes(b"yes")
    text = RIGHTS.format("CC0-1.0") + 'evidence = "letter.eml"\n'
    (place / "songark.rights.toml").write_text(text)
    sealed = read(place)
    (one,) = [row for row in rows(sealed, "statements") if row["kind"] == "toml"]
    assert one["document"] == hashlib.sha256(b"yes").hexdigest()
    assert (one["grade"], sealed.facts["companions"]) == (Grade.KEEPER_WORD, 2)


@pytest.mark.parametrize(
    ("name", "text", "where"),
    [
        ("songark.rights.toml", "[[rights]]\nowner = 1\n", "songark.rights.toml, entry 1"),
        ("REUSE.toml", "annotations = 1\n", "REUSE.toml"),
        ("song.ogg.license", "nothing\n", "song.ogg.license"),
        ("debian/copyright", "free words\n", "debian/copyright"),
        ("debian/package", "Version: 1\n", "debian/package, field package"),
        ("debian/md5sums", "x\n", "debian/md5sums, line 1"),
    ],
)
def test_evidence_that_cannot_be_read_is_a_reject_and_says_nothing(place, read, name, text, where):
    (place / name).parent.mkdir(exist_ok=True)
    (place / name).write_text(text)
    sealed = read(place)
    assert list(reasons(sealed)) == [where]
    assert [row[1] for row in said(sealed)] == ["tag"]
    (alone,) = [read(place / "song.ogg")]
    assert list(reasons(alone)) == ([] if name.endswith("license") else [where])


def test_a_broken_keeper_file_hides_those_further_up(place, read, tone):
    (place / "songark.rights.toml").write_text(RIGHTS.format("CC0-1.0"))
    (place / "a").mkdir()
    shutil.copy(tone, place / "a/x.ogg")
    (place / "a/songark.rights.toml").write_text("no [toml")
    assert [row[0] for row in said(read(place)) if row[1] == "toml"] == ["song.ogg"]


def test_a_missing_proof_breaks_the_keeper_file(place, read):
    text = RIGHTS.format("CC0-1.0") + 'evidence = "gone.pdf"\n'
    (place / "songark.rights.toml").write_text(text)
    sealed = read(place)
    assert list(reasons(sealed)) == ["songark.rights.toml, entry 1, field evidence"]
    assert [row[1] for row in said(sealed)] == ["tag"]


COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: X
License: GPL-3+

Files: music/*
Copyright: 2001 Y
License: CC-BY-SA-3.0
"""


def test_a_debian_package_is_an_independent_record_of_its_own_bytes(place, read, tone):
    (place / "debian").mkdir()
    (place / "debian/copyright").write_text(COPYRIGHT)
    (place / "debian/package").write_text(f"Package: p-data\nVersion: 1\nSHA256: {'ab' * 32}\n")
    md5 = hashlib.md5(tone.read_bytes()).hexdigest()
    (place / "debian/md5sums").write_text(f"{md5}  usr/share/p/music/song.ogg\n")
    make_tone(place / "other.ogg", seconds=0.3, freq=300)
    told = [row for row in said(read(place)) if row[1] == "dep5"]
    assert told == [
        ("other.ogg", "dep5", Grade.KEEPER_WORD, "GPL-3.0-or-later"),
        ("song.ogg", "dep5", Grade.INDEPENDENT, "CC-BY-SA-3.0"),
    ]


def test_one_file_alone_keeps_its_evidence(place, read, tone):
    shutil.copy(tone, place / "other.ogg")
    (place / "songark.rights.toml").write_text(RIGHTS.format("CC0-1.0"))
    sealed = read(place / "song.ogg")
    assert [row["path"] for row in rows(sealed, "tracks")] == ["song.ogg"]
    assert (sealed.facts["place"], sealed.facts["only"]) == (str(place), "song.ogg")
    assert [row[1] for row in said(sealed)] == ["tag", "toml"]


def test_progress_is_told_of_all_bytes(place, tmp_path, tone):
    shutil.copy(tone, place / "other.ogg")
    told: list[int] = []
    sealed = read_folder(place, tmp_path / "snapshots", progress=told.append)
    assert sum(told) == sealed.facts["bytes"] == 2 * tone.stat().st_size


def test_an_archive_is_no_folder_of_music(tmp_path):
    ark = Ark.init(tmp_path / "ark")
    with pytest.raises(UsageError, match="archive"):
        read_folder(ark.path, ark.snapshots)


def test_places_that_are_none(tmp_path):
    with pytest.raises(UsageError):
        read_folder(tmp_path / "nothing", tmp_path / "snapshots")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError):
        read_folder(tmp_path / "pipe", tmp_path / "snapshots")
    bad = tmp_path / os.fsdecode(b"\xff")
    bad.mkdir()
    with pytest.raises(UsageError, match="UTF-8"):
        read_folder(bad, tmp_path / "snapshots")
    assert not list((tmp_path / "snapshots").rglob("*.parquet"))


def test_memory_does_not_grow_with_the_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(spool, "_BATCH", 32)
    one = make_tone(tmp_path / "x.wav", seconds=0.02, format="wav", tags={"title": "x" * 5000})

    def peak(count):
        place = tmp_path / str(count)
        place.mkdir()
        for number in range(count):
            (place / f"{number}.wav").hardlink_to(one)
        tracemalloc.start()
        try:
            assert read_folder(place, tmp_path / "snapshots").facts["rows"] == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(50)
    assert peak(400) < peak(100) + 500_000


def test_an_empty_folder_is_an_empty_snapshot(tmp_path, read):
    (tmp_path / "music").mkdir()
    assert read(tmp_path / "music").facts["found"] == 0


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="no examples here")
def test_the_examples(read):
    sealed = read(EXAMPLES)
    by_file: dict[str, set[tuple[str, int]]] = {}
    for key, kind, grade, licence in said(sealed):
        assert licence
        by_file.setdefault(key, set()).add((kind, grade))
    tracks = [row["path"] for row in rows(sealed, "tracks")]
    assert sealed.facts["field_rejects"] == 0
    shared = [path for path in tracks if not path.startswith("withheld/")]
    assert shared
    for path in shared:
        assert ("dep5", Grade.INDEPENDENT) in by_file[path]
    for path in set(tracks) - set(shared):
        assert ("dep5", Grade.INDEPENDENT) not in by_file.get(path, set())
