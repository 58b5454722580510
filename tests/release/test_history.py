import hashlib
import shutil

import pytest

from songark.ark.journal import canonical
from songark.ark.layout import Ark
from songark.ark.seal import Draft
from songark.ark.tables import write_table
from songark.model.errors import BrokenError
from songark.release.edition import MANIFEST
from songark.release.history import edition_folders, read_history, torrent_lines
from songark.release.packs import Placed
from tests.release.packing import file_id

NOTHING = dict.fromkeys(MANIFEST.names, "") | {
    "size": 1, "sha256": bytes(32), "lossless": False, "tier": 1, "popularity": 0, "listens": 0,
    "duration_ms": None, "bit_rate": None,
}  # fmt: skip


@pytest.fixture
def ark(tmp_path):
    return Ark.init(tmp_path / "ark")


def seal(ark, number, files, torrents):
    """An edition of these files (path -> name of its file) and torrents (v1 infohash -> pack)."""
    rows = [
        {**NOTHING, "pack": path.split("/")[0], "name": path.split("/")[1],
         "root": file_id(file).root, "size": file_id(file).size}
        for path, file in sorted(files.items())
    ]  # fmt: skip
    with Draft(ark.editions, "edition") as draft:
        write_table(draft.path / "manifest.parquet", MANIFEST, rows)
        told = [
            {"infohash_v1": v1, "pack": pack, "tier": 2, "licence_class": "CC0",
             "depositor": "d", "number": 7}
            for v1, pack in torrents.items()
        ]  # fmt: skip
        data = b"".join(canonical(one) + b"\n" for one in told)
        (draft.path / "torrents.jsonl").write_bytes(data)
        (draft.path / "SHA256SUMS").write_text(f"sums of {number}\n")
        return draft.seal({"edition": number}, name=str(number))


def test_before_the_first_edition(ark, tmp_path):
    history = read_history(ark)
    assert (history.number, history.digest, history.folder) == (0, "", None)
    assert (history.placed, history.last, history.packs()) == ({}, {}, [])
    assert history.infohashes("p") == []
    assert not history.same_as(tmp_path)
    assert edition_folders(ark.editions) == []


def test_where_each_file_was_put_last(ark):
    seal(ark, 1, {"p/a": "a", "p/b": "b"}, {})
    seal(ark, 2, {"p/a": "a", "q/b": "b"}, {})
    seal(ark, 3, {"p/c": "c"}, {})
    history = read_history(ark)
    assert history.number == 3
    assert history.digest == hashlib.sha256(b"sums of 3\n").hexdigest()
    assert history.last == {file_id("c"): Placed("p", "c")}
    assert history.placed == {
        file_id("a"): Placed("p", "a"),
        file_id("b"): Placed("q", "b"),
        file_id("c"): Placed("p", "c"),
    }


def test_every_pack_there_ever_was(ark):
    seal(ark, 1, {}, {"11" * 20: "p", "22" * 20: "q"})
    seal(ark, 2, {}, {"33" * 20: "q"})
    told = [
        (p.name, p.tier, p.licence_class, p.depositor, p.number, p.tracks)
        for p in read_history(ark).packs()
    ]
    assert told == [("p", 2, "CC0", "d", 7, {}), ("q", 2, "CC0", "d", 7, {})]


def test_infohashes_newest_first_each_once_and_ten_at_most(ark):
    for number in range(1, 15):
        v1 = number if number != 14 else 12
        seal(ark, number, {}, {f"{v1:040x}": "p", f"{99:040x}": "q"})
    history = read_history(ark)
    found = [int(one.hex(), 16) for one in history.infohashes("p")]
    assert found == [12, 13, 11, 10, 9, 8, 7, 6, 5, 4]
    assert len(history.infohashes("q")) == 1


def test_ten_editions_are_not_before_nine(ark):
    for number in range(1, 12):
        seal(ark, number, {}, {})
    assert [folder.name for folder in edition_folders(ark.editions)] == [
        str(number) for number in range(1, 12)
    ]


def test_a_gap_is_told(ark):
    for number in (1, 2, 3):
        seal(ark, number, {}, {})
    shutil.rmtree(ark.editions / "2")
    with pytest.raises(BrokenError, match=r"there are \[1, 3\]") as caught:
        edition_folders(ark.editions)
    assert "rebuild" in caught.value.remedy


def test_drafts_are_no_editions(ark):
    seal(ark, 1, {}, {})
    (ark.editions / ".draft-x").mkdir()
    assert [folder.name for folder in edition_folders(ark.editions)] == ["1"]


def test_an_edition_without_its_manifest_is_told(ark):
    seal(ark, 1, {}, {})
    (ark.editions / "1" / "manifest.json").unlink()
    with pytest.raises(BrokenError, match="not a sealed folder"):
        read_history(ark)


@pytest.mark.parametrize("name", ["manifest.parquet", "torrents.jsonl"])
def test_what_an_edition_is_known_by(ark, tmp_path, name):
    sealed = seal(ark, 1, {"p/a": "a"}, {"11" * 20: "p"})
    draft = shutil.copytree(sealed.path, tmp_path / "draft")
    (draft / "SHA256SUMS").write_text("other")
    assert read_history(ark).same_as(draft)
    (draft / name).write_bytes(b"other")
    assert not read_history(ark).same_as(draft)
    assert len(list(torrent_lines(sealed.path))) == 1
