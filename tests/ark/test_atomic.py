import stat

import pytest

from songark.ark.atomic import sweep, whole_file, write_whole
from tests.support import kill_at, start_child

WRITER = """
from pathlib import Path
from songark.ark.atomic import whole_file
with whole_file(Path(sys.argv[1])) as stream:
    stream.write(b"half of it")
    stream.flush()
    print("half", flush=True)
    sys.stdin.read()
"""


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_whole_with_its_bytes(tmp_path):
    target = tmp_path / "deep" / "down" / "a.bin"
    with whole_file(target) as stream:
        stream.write(b"one")
        assert not target.exists()
        stream.write(b"two")
    assert target.read_bytes() == b"onetwo"
    assert names(target.parent) == ["a.bin"]


def test_others_may_read_what_was_written(tmp_path):
    write_whole(tmp_path / "a", b"x")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o644


@pytest.mark.parametrize("error", [OSError("no"), KeyboardInterrupt(), ValueError()])
def test_an_error_leaves_nothing_and_what_was_there_stays(tmp_path, error):
    target = tmp_path / "a"
    write_whole(target, b"before")
    with pytest.raises(type(error)), whole_file(target) as stream:
        stream.write(b"after")
        raise error
    assert names(tmp_path) == ["a"]
    assert target.read_bytes() == b"before"


def test_a_killed_writer_leaves_what_was_there_and_a_part_that_is_swept(tmp_path):
    target = tmp_path / "a"
    write_whole(target, b"before")
    kill_at(start_child(WRITER, target), "half")
    assert target.read_bytes() == b"before"
    assert len(names(tmp_path)) == 2
    assert sweep(tmp_path) == 1
    assert names(tmp_path) == ["a"]


def test_a_sweep_takes_parts_only(tmp_path):
    for name in (".a.x.part", ".hidden", "a.part", ".part"):
        (tmp_path / name).write_bytes(b"")
    sweep(tmp_path)
    assert names(tmp_path) == [".hidden", ".part", "a.part"]
    assert sweep(tmp_path / "nowhere") == 0


@pytest.mark.parametrize("name", ["a" * 255, "あ" * 85, "🎵" * 63])
def test_any_name_that_the_disk_takes_can_be_written_whole(tmp_path, name):
    write_whole(tmp_path / name, b"x")
    assert names(tmp_path) == [name]
