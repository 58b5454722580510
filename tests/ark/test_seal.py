import json
import os
import shutil

import pytest

from songark.ark.seal import MANIFEST, Draft, Sealed, sealed_in
from songark.model.errors import BrokenError
from tests.support import kill_at, start_child

DRAFTER = """
from pathlib import Path
from songark.ark.seal import Draft
with Draft(Path(sys.argv[1]), "kind") as draft:
    (draft.path / "a").write_bytes(b"half")
    print("half", flush=True)
    sys.stdin.read()
    draft.seal({}, name="final")
"""


def seal(parent, files=None, *, facts=None, name=""):
    with Draft(parent, "test") as draft:
        for path, data in (files or {"b/c": b"two", "a": b"one"}).items():
            (draft.path / path).parent.mkdir(parents=True, exist_ok=True)
            (draft.path / path).write_bytes(data)
        return draft.seal(facts or {"n": 1}, name=name)


def test_the_same_content_gives_the_same_digest_and_name(tmp_path):
    one = seal(tmp_path / "one", {"a": b"one", "b/c": b"two"})
    two = seal(tmp_path / "two", {"b/c": b"two", "a": b"one"})
    assert (one.digest, one.path.name) == (two.digest, two.path.name)
    assert one.path.name == one.digest[:16]
    assert (one.path / MANIFEST).read_bytes() == (two.path / MANIFEST).read_bytes()


def test_sealing_the_same_again_gives_what_is_there(tmp_path):
    one = seal(tmp_path)
    made = (one.path / "a").stat().st_ino
    assert seal(tmp_path) == one
    assert (one.path / "a").stat().st_ino == made
    assert [p.name for p in tmp_path.iterdir()] == [one.path.name]


@pytest.mark.parametrize(
    ("files", "facts"),
    [({"a": b"onE", "b/c": b"two"}, {"n": 1}), ({"a": b"one", "b/d": b"two"}, {"n": 1}), ({}, {})],
)
def test_other_content_or_facts_give_another_name(tmp_path, files, facts):
    assert seal(tmp_path).path != seal(tmp_path, files, facts=facts or {"n": 2}).path


def test_other_content_under_a_name_that_is_taken_is_refused(tmp_path):
    one = seal(tmp_path, name="7")
    with pytest.raises(BrokenError, match="something else is sealed"):
        seal(tmp_path, {"a": b"other"}, name="7")
    assert Sealed.open(tmp_path / "7") == one
    assert [p.name for p in tmp_path.iterdir()] == ["7"]


def test_verify_passes_what_is_untouched_and_reads_back_equal(tmp_path):
    one = seal(tmp_path)
    one.verify()
    assert Sealed.open(one.path) == one
    assert one.facts == {"n": 1}
    assert one.kind == "test"


@pytest.mark.parametrize("name", ["a", "b/c"])
def test_verify_finds_a_changed_file(tmp_path, name):
    one = seal(tmp_path)
    data = bytearray((one.path / name).read_bytes())
    data[0] ^= 1
    (one.path / name).write_bytes(data)
    with pytest.raises(BrokenError, match="was changed") as caught:
        one.verify()
    assert caught.value.place == str(one.path / name)


def test_verify_finds_a_missing_file(tmp_path):
    one = seal(tmp_path)
    (one.path / "b" / "c").unlink()
    with pytest.raises(BrokenError) as caught:
        one.verify()
    assert caught.value.place == str(one.path / "b" / "c")


@pytest.mark.parametrize("name", ["b/extra", ".hidden"])
def test_verify_finds_a_file_too_many(tmp_path, name):
    one = seal(tmp_path)
    (one.path / name).write_bytes(b"")
    with pytest.raises(BrokenError) as caught:
        one.verify()
    assert caught.value.place == str(one.path / name)


def test_a_rewritten_manifest_has_another_digest(tmp_path):
    one = seal(tmp_path)
    told = json.loads((one.path / MANIFEST).read_bytes())
    told["facts"]["n"] = 2
    (one.path / MANIFEST).write_text(json.dumps(told))
    assert Sealed.open(one.path).digest != one.digest


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"kind":"x","facts":{}}', "\x00"])
def test_a_folder_without_a_manifest_that_can_be_read_is_broken(tmp_path, text):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / MANIFEST).write_text(text)
    with pytest.raises(BrokenError) as caught:
        Sealed.open(tmp_path / "x")
    assert caught.value.place == str(tmp_path / "x" / MANIFEST)
    assert caught.value.remedy


def test_leaving_without_sealing_or_by_an_error_leaves_nothing(tmp_path):
    with Draft(tmp_path, "test") as draft:
        (draft.path / "a").write_bytes(b"one")
    with pytest.raises(ZeroDivisionError), Draft(tmp_path, "test") as draft:
        (draft.path / "a").write_bytes(b"one")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_a_killed_draft_leaves_no_final_name_and_is_swept_by_the_next(tmp_path):
    kill_at(start_child(DRAFTER, tmp_path), "half")
    assert [p.name[:7] for p in tmp_path.iterdir()] == [".draft-"]
    assert sealed_in(tmp_path) == []
    one = seal(tmp_path)
    assert list(tmp_path.iterdir()) == [one.path]


def test_sealed_in_lists_them_by_name(tmp_path):
    for name in ("b", "a", "10"):
        seal(tmp_path, name=name)
    (tmp_path / "current").write_text("a\n")
    assert [one.path.name for one in sealed_in(tmp_path)] == ["10", "a", "b"]
    assert sealed_in(tmp_path / "nowhere") == []


def test_every_file_and_folder_is_synced_before_it_has_its_name(tmp_path, monkeypatch):
    synced, real = set(), os.fsync

    def noted(handle):
        synced.add(os.fstat(handle).st_ino)
        real(handle)

    monkeypatch.setattr(os, "fsync", noted)
    one = seal(tmp_path)
    everything = {p.stat().st_ino for p in [one.path, tmp_path, *one.path.rglob("*")]}
    assert everything <= synced


def test_a_sealed_folder_may_be_moved_and_is_still_itself(tmp_path):
    one = seal(tmp_path / "here")
    shutil.copytree(one.path, tmp_path / "there")
    copy = Sealed.open(tmp_path / "there")
    copy.verify()
    assert copy.digest == one.digest
