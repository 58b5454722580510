import errno
import os
import re
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from songark.model.errors import SongarkError
from songark.model.hashing import hash_file
from songark.model.identity import FileId
from songark.store.files import bring_in, extension_of, place_of
from tests.support import start_child

MIB = 1 << 20
BRINGER = """
from pathlib import Path
from songark.model.identity import FileId
from songark.store.files import bring_in
source, expected, store, incoming = sys.argv[1:]
bring_in(Path(source), FileId.parse(expected), Path(store), Path(incoming))
"""


@pytest.fixture
def rooms(tmp_path):
    return tmp_path / "store", tmp_path / "incoming"


def written(path, data):
    path.write_bytes(data)
    return path, hash_file(path)


def everything(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("size", [1, 16_384, MIB, 2 * MIB + 1])
def test_a_file_is_brought_in_under_its_root_and_size(tmp_path, rooms, size):
    source, record = written(tmp_path / "Song.OGG", os.urandom(size))
    place, made = bring_in(source, record.file, *rooms)
    root = record.file.root.hex()
    assert place == rooms[0] / root[:2] / root[2:4] / f"{root}-{size}.ogg"
    assert place.read_bytes() == source.read_bytes()
    assert made == record
    assert everything(rooms[1]) == []


def test_bringing_it_in_twice_does_no_harm(tmp_path, rooms):
    source, record = written(tmp_path / "a.ogg", b"music")
    place, _record = bring_in(source, record.file, *rooms)
    before = place.stat()
    source.unlink()
    assert bring_in(source, record.file, *rooms) == (place, record)
    assert (place.stat().st_ino, place.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert everything(rooms[0]) == [place]


@pytest.mark.parametrize("data", [b"muSic", b"musi", b"music!"])
def test_a_source_that_changed_is_refused_and_leaves_nothing(tmp_path, rooms, data):
    source, record = written(tmp_path / "a.ogg", b"music")
    source.write_bytes(data)
    with pytest.raises(SongarkError, match="changed since it was added") as caught:
        bring_in(source, record.file, *rooms)
    assert caught.value.place == str(source)
    assert "songark add" in caught.value.remedy
    assert everything(tmp_path) == [source]


@pytest.mark.parametrize("there", ["nothing", "folder", "empty"])
def test_a_source_that_cannot_be_read_is_refused_and_leaves_nothing(tmp_path, rooms, there):
    source, record = written(tmp_path / "a.ogg", b"music")
    source.unlink()
    if there == "folder":
        source.mkdir()
    elif there == "empty":
        source.write_bytes(b"")
    with pytest.raises(SongarkError):
        bring_in(source, record.file, *rooms)
    assert everything(rooms[0]) == everything(rooms[1]) == []


@pytest.mark.parametrize("damage", [b"muSic", b"", b"music!"])
def test_a_damaged_copy_is_replaced(tmp_path, rooms, damage):
    source, record = written(tmp_path / "a.ogg", b"music")
    place, _record = bring_in(source, record.file, *rooms)
    place.chmod(0o644)
    place.write_bytes(damage)
    assert bring_in(source, record.file, *rooms) == (place, record)
    assert place.read_bytes() == b"music"


def test_a_damaged_copy_stays_where_there_is_nothing_to_replace_it(tmp_path, rooms):
    source, record = written(tmp_path / "a.ogg", b"music")
    place, _record = bring_in(source, record.file, *rooms)
    place.chmod(0o644)
    place.write_bytes(b"muSic")
    source.unlink()
    with pytest.raises(SongarkError):
        bring_in(source, record.file, *rooms)
    assert place.read_bytes() == b"muSic"


def test_twins_of_one_root_lie_beside_each_other(tmp_path, rooms):
    blocks = [bytes([n]) * 16_384 for n in (1, 2)]
    whole, record = written(tmp_path / "whole.ogg", b"".join(blocks))
    twin, other = written(tmp_path / "twin.ogg", b"".join(sha256(b).digest() for b in blocks))
    assert record.file.root == other.file.root
    assert (record.file.size, other.file.size) == (32_768, 64)
    places = [bring_in(s, r.file, *rooms)[0] for s, r in ((whole, record), (twin, other))]
    assert [place.read_bytes() for place in places] == [whole.read_bytes(), twin.read_bytes()]
    with pytest.raises(SongarkError, match="changed since"):
        bring_in(twin, FileId(record.file.root, 65), *rooms)


def test_a_killed_run_leaves_nothing_under_the_final_name_and_can_be_repeated(tmp_path, rooms):
    source, record = written(tmp_path / "a.ogg", os.urandom(4 * MIB))
    pipe = tmp_path / "pipe.ogg"
    os.mkfifo(pipe)
    child = start_child(BRINGER, pipe, record.file, *rooms)
    with pipe.open("wb", buffering=0) as stream:
        stream.write(source.read_bytes()[: 3 * MIB])
        child.kill()
        child.communicate()
    assert everything(rooms[0]) == []
    assert [path.suffix for path in everything(rooms[1])] == [".part"]
    place, _record = bring_in(source, record.file, *rooms)
    assert place.read_bytes() == source.read_bytes()
    assert everything(rooms[1]) == []


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 4 MiB; only root can make one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "songark-test", str(disk)]
    if (
        not shutil.which("mount")
        or subprocess.run(mount, check=False, capture_output=True).returncode
    ):
        pytest.skip("a small disk can be mounted by root only")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_is_an_error_and_what_was_there_stays(tmp_path, small_disk):
    store, incoming = small_disk / "store", small_disk / "incoming"
    first, one = written(tmp_path / "1.ogg", os.urandom(2 * MIB))
    second, two = written(tmp_path / "2.ogg", os.urandom(3 * MIB))
    place, _record = bring_in(first, one.file, store, incoming)
    with pytest.raises(OSError, match="No space left") as caught:
        bring_in(second, two.file, store, incoming)
    assert caught.value.errno == errno.ENOSPC
    assert everything(small_disk) == [place]
    assert hash_file(place) == one


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("a.ogg", "ogg"),
        ("A.FLAC", "flac"),
        ("a.tar.gz", "gz"),
        ("a", "bin"),
        (".ogg", "bin"),
        ("a.", "bin"),
        ("a.o/g", "bin"),
        ("a.é", "bin"),
        ("a.ogg ", "bin"),
        ("a.ninechars", "bin"),
    ],
)
def test_extensions(name, told):
    assert extension_of(name) == told


@settings(deadline=None)
@given(st.text(min_size=1))
def test_any_name_gives_a_safe_extension_and_a_place_inside_the_store(name):
    extension = extension_of(name)
    assert re.fullmatch(r"[a-z0-9]{1,8}", extension)
    place = place_of(Path("store"), FileId(bytes(32), 1), extension)
    assert place.parent == Path("store/00/00")
