"""A folder's files in one order, and what is not walked."""

from __future__ import annotations

import os
import subprocess
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songark.model.finding import Reject
from songark.sources.companions import is_companion
from songark.sources.names import locate, nfc, printable
from songark.sources.walk import walk


def fill(place, *names):
    for name in names:
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def paths(place):
    return [one.place if isinstance(one, Reject) else one.path for one in walk(place)]


def reasons(place):
    return {one.place: one.reason for one in walk(place) if isinstance(one, Reject)}


def test_files_come_in_the_order_of_their_whole_paths(tmp_path):
    names = ["a/b.ogg", "a.ogg", "a-.ogg", "a/b/c.ogg", "B.ogg", "é/x", "z"]
    fill(tmp_path, *names)
    assert paths(tmp_path) == sorted(names, key=str.encode)


def test_the_order_does_not_depend_on_the_unicode_form(tmp_path):
    names = ["é.ogg", "e.ogg", "f.ogg", "é/a.ogg"]
    fill(tmp_path / "1", *(unicodedata.normalize("NFC", name) for name in names))
    fill(tmp_path / "2", *(unicodedata.normalize("NFD", name) for name in names))
    assert paths(tmp_path / "1") == paths(tmp_path / "2")


def test_two_names_of_one_form_are_one_row_and_one_reject(tmp_path):
    fill(tmp_path, "e\u0301.ogg", "\xe9.ogg", "a\u0308/x.ogg", "\xe4/x.ogg", "\xe4/y.ogg")
    found = list(walk(tmp_path))
    assert [one.path for one in found if not isinstance(one, Reject)] == ["\xe4/x.ogg", "\xe9.ogg"]
    assert set(reasons(tmp_path)) == {"\xe4", "\xe9.ogg"}


def test_locate_finds_the_file_behind_an_nfc_path(tmp_path):
    fill(tmp_path, "a\u0308/e\u0301.ogg", "plain/x.ogg")
    for one in walk(tmp_path):
        assert locate(tmp_path, one.path) == one.real
    with pytest.raises(FileNotFoundError):
        locate(tmp_path, "plain/nothing.ogg")


def test_names_that_are_not_utf_8_are_rejected_in_a_printable_form(tmp_path):
    (tmp_path / os.fsdecode(b"\xff\n.ogg")).write_bytes(b"x")
    bad = tmp_path / os.fsdecode(b"b\xfe")
    fill(bad, "inside.ogg")
    told = reasons(tmp_path)
    assert list(told) == ["b\\xfe", "\\xff\n.ogg"]
    assert all("UTF-8" in reason for reason in told.values())


def test_links(tmp_path):
    fill(tmp_path, "out/secret.ogg", "in/a.ogg", "in/deep/b.ogg")
    place = tmp_path / "in"
    (place / "same.ogg").symlink_to("a.ogg")
    (place / "out.ogg").symlink_to("../out/secret.ogg")
    (place / "folder").symlink_to("deep")
    (place / "up").symlink_to("..")
    (place / "loop.ogg").symlink_to("loop.ogg")
    (place / "gone.ogg").symlink_to("nowhere")
    found = [one.path for one in walk(place) if not isinstance(one, Reject)]
    assert found == ["a.ogg", "deep/b.ogg", "same.ogg"]
    told = reasons(place)
    assert set(told) == {"out.ogg", "folder", "up", "loop.ogg", "gone.ogg"}
    assert "out of the folder" in told["out.ogg"]


def test_pipes_and_links_to_devices_are_never_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.ogg")
    (tmp_path / "null.ogg").symlink_to("/dev/null")
    (tmp_path / "to-pipe.ogg").symlink_to("pipe.ogg")
    assert set(reasons(tmp_path)) == {"pipe.ogg", "null.ogg", "to-pipe.ogg"}


def test_a_folder_deeper_than_python_recurses(tmp_path):
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1050):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("x.ogg", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)
    try:
        (path,) = paths(tmp_path)
    finally:  # Python's own way of removing it recurses
        subprocess.run(["rm", "-r", tmp_path / "d"], check=True)
    assert path == "d/" * 1050 + "x.ogg"


def test_an_archive_inside_is_left_alone(tmp_path):
    fill(tmp_path, "ark/songark.toml", "ark/store/x.ogg", "music/y.ogg")
    assert paths(tmp_path) == ["ark", "music/y.ogg"]


@pytest.mark.parametrize(
    "path",
    [
        "cover.JPG",
        "a/b.nfo",
        "README",
        "x.ogg.license",
        ".hidden.ogg",
        ".git/objects/ab.ogg",
        "debian/md5sums",
        "LICENSES/CC0-1.0.txt",
        "songark.rights.toml",
        "REUSE.toml",
        "album.m3u8",
        "song.music",
    ],
)
def test_companions(path):
    assert is_companion(path)


@pytest.mark.parametrize(
    "path", ["x.ogg", "x", "debian/x.ogg", "x.exe", "Songark.Rights.toml", "x.sh"]
)
def test_no_companions(path):
    assert not is_companion(path)


@given(st.binary(min_size=1).filter(lambda b: b"\0" not in b))
def test_any_name_is_printable(raw):
    assert printable(os.fsdecode(raw)).encode()


@given(st.text())
def test_one_form_is_stable(text):
    assert nfc(nfc(text)) == nfc(text)
