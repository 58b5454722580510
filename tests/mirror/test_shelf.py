import json
import os

import pytest

from songark.mirror.shelf import Shelf
from songark.model.errors import SongarkError
from songark.model.hashing import hash_file
from songark.model.identity import FileId
from tests.mirror.swarm_support import flip

DATA = b"some music" * 1000


@pytest.fixture
def shelf(tmp_path):
    return Shelf(tmp_path / "mirror")


def fetched(shelf, path, data=DATA):
    """A file that came in and was put in its place."""
    part = shelf.incoming(path.split("/")[0]) / path.split("/")[1]
    part.parent.mkdir(parents=True, exist_ok=True)
    part.write_bytes(data)
    file = hash_file(part).file
    shelf.take(part, path, file)
    return file


def again(shelf):
    return Shelf(shelf.folder)


def test_what_comes_in_is_hashed_once(shelf):
    file = fetched(shelf, "p/a.ogg")
    assert (shelf.folder / "p/a.ogg").read_bytes() == DATA
    assert shelf.verified == 1
    assert shelf.has("p/a.ogg", file)
    later = again(shelf)
    assert later.has("p/a.ogg", file)
    assert (shelf.verified, later.verified) == (1, 0)
    assert later.files() == {"p/a.ogg": file}
    assert later.packs() == {"p": len(DATA)}
    assert later.files_of("p") == ["p/a.ogg"]


def test_what_is_another_file_stays_out(shelf):
    part = shelf.incoming("p") / "a.ogg"
    part.parent.mkdir(parents=True)
    part.write_bytes(DATA)
    with pytest.raises(SongarkError, match="not the one in the manifest") as caught:
        shelf.take(part, "p/a.ogg", FileId(bytes(32), len(DATA)))
    assert caught.value.place == str(part)
    assert not (shelf.folder / "p").exists()
    assert shelf.files() == {}


def test_a_file_that_was_touched_is_hashed_again(shelf):
    file = fetched(shelf, "p/a.ogg")
    os.utime(shelf.folder / "p/a.ogg", (1, 1))
    assert shelf.has("p/a.ogg", file)
    assert shelf.verified == 2
    with (shelf.folder / "p/a.ogg").open("r+b") as stream:
        stream.write(b"S")
    assert not shelf.has("p/a.ogg", file)
    assert not again(shelf).has("p/a.ogg", file)


@pytest.mark.parametrize("fault", ["gone", "longer", "shorter", "link", "folder", "pack"])
def test_what_is_not_that_file(shelf, tmp_path, fault):
    file = fetched(shelf, "p/a.ogg")
    place = shelf.folder / "p/a.ogg"
    if fault == "longer":
        place.write_bytes(DATA + b"x")
    elif fault == "shorter":
        place.write_bytes(DATA[:-1])
    else:
        moved = place.rename(tmp_path / "elsewhere.ogg")
        if fault == "link":
            place.symlink_to(moved)
        elif fault == "folder":
            place.mkdir()
        elif fault == "pack":
            place.parent.rmdir()
            place.parent.write_bytes(b"x")
    assert not shelf.has("p/a.ogg", file)
    assert shelf.verified == 1


def test_what_is_doubted_is_hashed_again_though_it_looks_as_before(shelf):
    file = fetched(shelf, "p/a.ogg")
    flip(shelf.folder / "p/a.ogg", 5)
    assert shelf.has("p/a.ogg", file)
    shelf.doubt(shelf.folder / "p/a.ogg")
    assert not shelf.has("p/a.ogg", file)
    # It is the mirror's own all the same, and may be fetched over.
    assert not shelf.is_anothers("p/a.ogg")
    flip(shelf.folder / "p/a.ogg", 5)
    assert shelf.has("p/a.ogg", file)


def test_what_somebody_took_away_is_forgotten(shelf):
    fetched(shelf, "p/a.ogg")
    file = fetched(shelf, "q/b.ogg", b"other")
    (shelf.folder / "p/a.ogg").unlink()
    shelf.forget_removed()
    assert shelf.files() == {"q/b.ogg": file}
    assert shelf.packs() == {"q": 5}


def test_doubt_about_what_is_not_here_is_nothing(shelf):
    shelf.doubt(shelf.folder / "p/x.ogg")
    assert shelf.files() == {}


def test_the_same_file_elsewhere(shelf):
    file = fetched(shelf, "p/a.ogg")
    other = fetched(shelf, "q/b.ogg", b"other")
    assert shelf.elsewhere(file) == shelf.folder / "p/a.ogg"
    fetched(shelf, "o/a.ogg")
    assert shelf.elsewhere(file) == shelf.folder / "o/a.ogg"
    (shelf.folder / "o/a.ogg").write_bytes(b"x" * len(DATA))
    assert shelf.elsewhere(file) == shelf.folder / "p/a.ogg"
    (shelf.folder / "q/b.ogg").unlink()
    assert shelf.elsewhere(other) is None
    assert shelf.elsewhere(FileId(bytes(32), 1)) is None


def test_set_aside(shelf):
    fetched(shelf, "p/a.ogg")
    other = fetched(shelf, "p/b.ogg", b"other")
    shelf.set_aside("p/a.ogg")
    assert not (shelf.folder / "p/a.ogg").exists()
    assert (shelf.state / "withdrawn/p/a.ogg").read_bytes() == DATA
    assert shelf.files() == {"p/b.ogg": other}
    shelf.set_aside("p/b.ogg")
    assert not (shelf.folder / "p").exists()
    shelf.save()
    assert again(shelf).files() == {}


def test_set_aside_of_what_is_gone_already(shelf):
    fetched(shelf, "p/a.ogg")
    (shelf.folder / "p/a.ogg").unlink()
    shelf.set_aside("p/a.ogg")
    assert shelf.packs() == {}


def test_what_somebody_else_put_there_is_not_ours(shelf):
    fetched(shelf, "p/a.ogg")
    (shelf.folder / "p/own.txt").write_text("mine")
    (shelf.folder / "p/link").symlink_to("nowhere")
    assert shelf.is_anothers("p/own.txt")
    assert shelf.is_anothers("p/link")
    assert not shelf.is_anothers("p/a.ogg")
    assert not shelf.is_anothers("p/not-there")


def test_a_file_that_was_here_before_is_taken_in_when_it_is_right(shelf):
    """Such as after the list was lost."""
    file = fetched(shelf, "p/a.ogg")
    (shelf.state / "verified.jsonl").unlink()
    later = again(shelf)
    assert later.files() == {}
    assert later.is_anothers("p/a.ogg")
    assert later.has("p/a.ogg", file)
    assert later.verified == 1
    assert not later.is_anothers("p/a.ogg")


def test_what_is_put_in_place_is_known_after_a_kill(shelf):
    """Without `save`, as a killed process leaves it: else a withdrawal would pass it by."""
    file = fetched(shelf, "p/a.ogg")
    assert again(shelf).files() == {"p/a.ogg": file}


def test_saved_twice_nothing_is_written(shelf):
    fetched(shelf, "p/b.ogg")
    fetched(shelf, "p/a.ogg", b"other")
    shelf.save()
    path = shelf.state / "verified.jsonl"
    before = path.stat()
    assert [json.loads(raw)["path"] for raw in path.read_bytes().splitlines()] == [
        "p/a.ogg",
        "p/b.ogg",
    ]
    again(shelf).save()
    assert path.stat().st_ino == before.st_ino


@pytest.mark.parametrize(
    "told",
    [
        {"path": "../x"},
        {"path": "../../etc/x"},
        {"path": "/etc/x"},
        {"path": ".songark/verified.jsonl"},
        {"path": "a/b/c"},
        {"path": "flat"},
        {"path": ["p/a"]},
        {"file": "x"},
        {"modified": None},
        {"modified": float("inf")},
    ],
)
def test_a_line_that_is_not_ours_is_no_memory(shelf, told):
    good = {"path": "p/a.ogg", "file": f"{'00' * 32}-5", "modified": 7}
    shelf.state.mkdir(parents=True)
    lines = [json.dumps({**good, **told}), "not json", "[]", "7", json.dumps(good)[:-5]]
    (shelf.state / "verified.jsonl").write_text("\n".join(lines))
    assert again(shelf).files() == {}


def test_the_last_word_on_a_path_counts(shelf):
    fetched(shelf, "p/a.ogg", b"one")
    file = fetched(shelf, "p/a.ogg", b"two!")
    later = again(shelf)
    assert later.files() == {"p/a.ogg": file}
    assert later.packs() == {"p": 4}
