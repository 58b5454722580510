import errno
import os
import shutil
import subprocess

import pytest

from songark.ark.layout import Ark
from songark.ark.pointer import current
from songark.ark.seal import sealed_in
from songark.catalogue.build import build_catalogue
from songark.model.hashing import hash_file
from songark.plan.plan import make_plan
from songark.rights.decisions import decide_all
from songark.rights.ledger import claim_withdrawal
from songark.store import keep
from songark.store.keep import keep_planned, keep_text
from songark.store.records import add_missing, held_files, read_holdings, segments
from tests.audio import make_tone
from tests.support import ingest_folder, new_ark, rows, run_child, says, track

MIB = 1 << 20
KEEPER = """
import os, signal
from pathlib import Path
from songark.ark.layout import Ark
from songark.ark.pointer import current
from songark.store import keep, records
def killed(*_words):
    os.kill(os.getpid(), signal.SIGKILL)
setattr(keep, sys.argv[2], killed)
ark = Ark.open(Path(sys.argv[1]))
keep.keep_planned(ark, current(ark.plans), progress=lambda _count: None)
"""


def ingest(ark, folder, names):
    """Take in real files of a folder as the source would, each free to be shared."""
    told = []
    for name in names:
        record = hash_file(folder / f"{name}.ogg")
        file = {"root": record.file.root, "size": record.file.size}
        told.append(track(name, title_raw=name, artist_raw="A") | file)
    said = [says(name, "CC-BY-4.0") for name in names]
    ingest_folder(ark, told, statements=said, place=str(folder))
    decide_all(ark, build_catalogue(ark))
    make_plan(ark, held_files(ark.store))


@pytest.fixture(scope="module")
def ready(tmp_path_factory):
    """An archive whose plan names three tones and one text that is no audio."""
    top = tmp_path_factory.mktemp("keep")
    for number in range(3):
        make_tone(top / "music" / f"tone{number}.ogg", seconds=0.3, freq=300.0 + 50 * number)
    (top / "music" / "text.ogg").write_bytes(b"no audio" * 99)
    ark = new_ark(top / "ark")
    ingest(ark, top / "music", ["text", "tone0", "tone1", "tone2"])
    return ark


@pytest.fixture
def ark(ready, tmp_path):
    """A copy to change; the music stays where it is unless a test takes its own."""
    shutil.copytree(ready.path, tmp_path / "ark")
    return Ark.open(tmp_path / "ark")


@pytest.fixture
def music(ready):
    return ready.path.parent / "music"


def run(ark):
    return keep_planned(ark, current(ark.plans), progress=lambda _count: None)


def held(ark):
    return {one.file for one in read_holdings(ark.store)}


def probed(ark):
    return [row for one in sealed_in(ark.snapshots / "store") for row in rows(one, "probes")]


def lying(ark):
    return sorted(path for path in ark.store.rglob("*.ogg") if path.is_file())


def test_what_is_planned_is_brought_in_recorded_probed_and_written_down(ark, music):
    files = {hash_file(path).file: path.stat().st_size for path in music.iterdir()}
    kept = run(ark)
    assert (kept.files, kept.bytes, kept.rejects) == (4, sum(files.values()), [])
    assert held(ark) == set(files)
    assert len(lying(ark)) == 4
    assert list(ark.incoming.iterdir()) == []
    told = {(row["root"], row["size"]): row for row in probed(ark)}
    text = hash_file(music / "text.ogg").file
    assert set(told) == {(file.root, file.size) for file in files if file != text}
    assert len({row["packets"] for row in told.values()}) == 3
    event = list(ark.events.lines())[-1]
    assert (event.kind, event.body["files"]) == ("keeping", 4)
    assert event.body["not_probed"] == [str(text)]


def test_keeping_again_brings_in_nothing_and_writes_nothing(ark):
    run(ark)
    before, head = lying(ark), ark.events.head()
    again = run(ark)
    assert (again.files, again.bytes, again.rejects) == (0, 0, [])
    assert (lying(ark), ark.events.head()) == (before, head)
    assert len(segments(ark.store)) == 1


def test_what_the_store_learned_is_read_by_the_next_build(ark):
    run(ark)
    registry = rows(build_catalogue(ark), "registry")
    assert sum(row["key"].startswith("packets:") for row in registry) == 3


def test_many_files_are_sealed_a_part_at_a_time(ark, monkeypatch):
    monkeypatch.setattr(keep, "_SEGMENT", 3)
    assert run(ark).files == 4
    assert sorted(one.facts["rows"] for one in segments(ark.store)) == [1, 3]


def test_a_source_that_changed_is_set_aside_and_the_others_are_kept(ready, tmp_path):
    music = tmp_path / "music"
    shutil.copytree(ready.path.parent / "music", music)
    ark = new_ark(tmp_path / "ark")
    ingest(ark, music, ["tone0", "tone1", "tone2"])
    (music / "tone0.ogg").write_bytes(b"other")
    (music / "tone1.ogg").unlink()
    kept = run(ark)
    assert kept.files == 1
    assert {reject.place for reject in kept.rejects} == {
        str(music / "tone0.ogg"),
        str(music / "tone1.ogg"),
    }
    assert all(reject.remedy for reject in kept.rejects)
    assert len(lying(ark)) == 1


def test_what_was_withdrawn_after_the_plan_is_refused_at_the_gate(ark, music):
    gone = hash_file(music / "tone1.ogg").file
    claim_withdrawal(ark.ledger, "r1", [gone])
    kept = run(ark)
    assert kept.files == 3
    assert [reject.place for reject in kept.rejects] == [str(gone)]
    assert gone not in held(ark)
    assert not any(gone.root.hex() in path.name for path in lying(ark))


@pytest.mark.parametrize("step", ["add_holdings", "_seal", "probe"])
def test_a_killed_run_is_made_good_by_the_next(ark, step):
    child = run_child(KEEPER, ark.path, step)
    assert child.returncode == -9, child.stderr
    assert held(ark) == set()
    assert run(ark).files == 4
    assert len(held(ark)) == 4
    assert {(row["root"], row["size"]) for row in probed(ark)} <= {
        (file.root, file.size) for file in held(ark)
    }
    assert len({row["root"] for row in probed(ark)}) == 3


@pytest.fixture
def small_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=12m", "songark-test", str(disk)]
    if (
        not shutil.which("mount")
        or subprocess.run(mount, check=False, capture_output=True).returncode
    ):
        pytest.skip("a small disk can be mounted by root only")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_stops_the_run_and_what_was_brought_in_stays(tmp_path, small_disk):
    music = tmp_path / "music"
    music.mkdir()
    for number in range(4):
        (music / f"{number}.ogg").write_bytes(os.urandom(4 * MIB))
    ark = new_ark(small_disk / "ark")
    ingest(ark, music, [str(number) for number in range(4)])
    with pytest.raises(OSError, match="No space left") as caught:
        run(ark)
    assert caught.value.errno == errno.ENOSPC
    before = held(ark)
    assert 1 <= len(before) < 4
    assert all(hash_file(path).file in before for path in lying(ark))
    assert list(ark.incoming.iterdir()) == []
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    assert run(ark).files == 4 - len(before)
    assert held(ark) > before


def test_a_text_of_our_own_is_kept_by_its_root(tmp_path):
    ark = new_ark(tmp_path / "ark")
    one = keep_text(ark, b"attribution")
    assert keep_text(ark, b"attribution") == one
    assert one.extension == "txt"
    (path,) = ark.store.rglob("*.txt")
    assert hash_file(path) == one.record
    add_missing(ark.store, [one])
    assert held(ark) == {one.file}
