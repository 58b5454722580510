import json
import os
import re
import shutil
import signal
from contextlib import suppress

import pytest

from songark.api.withdraw import withdraw
from songark.ark.layout import Ark
from songark.ark.seal import Sealed
from songark.mirror import notices
from songark.mirror import rebuild as module
from songark.mirror.editions import edition_numbers
from songark.mirror.rebuild import Rebuilt, rebuild
from songark.model.errors import BrokenError, SongarkError, UsageError
from songark.model.hashing import hash_file
from songark.store.check import check_store
from tests.release_support import (
    OPEN,
    QUIET,
    HostileFeed,
    again,
    copy_packs,
    digests,
    file_of,
    keys_of,
    lines,
    music,
    newest,
    published,
    row,
    rows,
    trusting,
)
from tests.support import run_child


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """An archive of two editions, the second without Song 0, and a mirror's folders."""
    top = tmp_path_factory.mktemp("rebuild")
    ark = published(top)
    withdraw(ark, row(ark, "Song 0")["recording"], keys=keys_of(ark))
    again(ark)
    return ark, copy_packs(ark, top / "mirror")


def run(feed, mirror, folder) -> Rebuilt:
    trust = folder.with_name(f"{folder.name}-trust")
    return rebuild(trusting(feed, trust), mirror, folder, progress=QUIET)


def torrents_of(ark):
    return {path.name for path in ark.torrents.glob("*.torrent")}


def audio(store):
    return {
        path: digest
        for path, digest in digests(store).items()
        if not path.startswith("records") and not path.endswith(".txt")
    }


def test_byte_for_byte(told, tmp_path):
    ark, mirror = told
    done = run(ark.feed, mirror, tmp_path / "new")
    new = Ark.open(tmp_path / "new")
    assert digests(new.editions) == digests(ark.editions)
    assert digests(new.torrents) == digests(ark.torrents)
    gone = file_of(row(ark, "Song 0", 0))
    tagged = str(hash_file(music() / "shut/tag.ogg").file)
    kept = {
        path: digest
        for path, digest in audio(ark.store).items()
        if str(gone) not in path and tagged not in path
    }
    assert audio(new.store) == kept
    assert len(kept) == OPEN - 1
    assert (done.editions, done.files, done.withdrawn) == (2, OPEN - 1, 1)
    assert done.bytes == sum(one["size"] for one in rows(ark))
    assert done.torrents == len(torrents_of(ark)) == 7
    assert (done.missing, done.torrents_missing) == ([], [])
    assert done.unreleased == {"files": 1, "bytes": (music() / "shut/tag.ogg").stat().st_size}
    assert is_the_feed_of(new, ark)
    assert edition_numbers(trusting(new.feed, tmp_path / "trust")) == [1, 2]
    assert new.settings.name == ark.settings.name
    for folder in new.editions.iterdir():
        Sealed.open(folder).verify()
    found = check_store(new, progress=lambda _: None)
    assert (found.bad, found.checked) == ([], OPEN - 1 + 7)
    assert not [path for path in tmp_path.rglob(".*") if path.name.endswith(".part")]
    assert not (tmp_path / ".new.editions").exists()


def test_again_changes_nothing(told, tmp_path):
    ark, mirror = told
    run(ark.feed, mirror, tmp_path / "new")
    before = digests(tmp_path / "new")
    done = run(ark.feed, mirror, tmp_path / "new")
    assert (done.files, done.editions) == (OPEN - 1, 2)
    assert digests(tmp_path / "new") == before


def is_the_feed_of(new, ark):
    """All but the metadata that was superseded."""
    left = digests(ark.feed).items() - digests(new.feed).items()
    assert all(re.fullmatch(r"metadata/[0-9]+\.(snapshot|targets)\.json", name) for name, _ in left)
    return digests(new.feed).items() <= digests(ark.feed).items()


def test_a_feed_that_went_on_since(told, tmp_path):
    ark = Ark.open(shutil.copytree(told[0].path, tmp_path / "ark"))
    run(ark.feed, told[1], tmp_path / "new")
    withdraw(ark, row(ark, "Song 1")["recording"], keys=keys_of(ark))
    done = run(ark.feed, told[1], tmp_path / "new")
    assert done.withdrawn == 2
    new = Ark.open(tmp_path / "new")
    stamp = "metadata/timestamp.json"
    assert (new.feed / stamp).read_bytes() == (ark.feed / stamp).read_bytes()
    assert len(notices.withdrawn_files(trusting(new.feed, tmp_path / "trust"))) == 2


def copied(mirror, tmp_path):
    return shutil.copytree(mirror, tmp_path / "mirror")


def place(ark, mirror, title):
    one = row(ark, title)
    return mirror / one["pack"] / one["name"]


@pytest.mark.parametrize("fault", ["gone", "changed", "longer", "pipe", "folder", "link", "device"])
def test_what_the_mirror_does_not_have_is_told_and_the_rest_comes_back(told, tmp_path, fault):
    ark, mirror = told
    mirror = copied(mirror, tmp_path)
    bad = place(ark, mirror, "Song 2")
    data = bytearray(bad.read_bytes())
    bad.unlink()
    if fault == "changed":
        data[7] ^= 1
        bad.write_bytes(data)
    elif fault == "longer":
        bad.write_bytes(data + b"x")
    elif fault == "pipe":
        os.mkfifo(bad)
    elif fault == "folder":
        bad.mkdir()
    elif fault == "link":
        bad.symlink_to("nowhere")
    elif fault == "device":
        bad.symlink_to("/dev/zero")
    done = run(ark.feed, mirror, tmp_path / "new")
    one = row(ark, "Song 2")
    (missing,) = done.missing
    assert missing.place == f"{one['pack']}/{one['name']}"
    assert missing.reason
    assert "another mirror" in missing.remedy
    assert (done.files, done.editions) == (OPEN - 2, 2)
    lost = {lines(ark, edition)[one["pack"]]["file"] for edition in (0, 1)}
    assert {reject.place for reject in done.torrents_missing} == lost
    new = Ark.open(tmp_path / "new")
    assert torrents_of(new) == torrents_of(ark) - {path.split("/")[1] for path in lost}
    assert digests(new.editions) == digests(ark.editions)
    assert not list(new.store.glob(f"*/*/{file_of(one)}.*"))
    assert not check_store(new, progress=lambda _: None).bad

    # Another mirror, and it is whole.
    again = run(ark.feed, told[1], tmp_path / "new")
    assert (again.missing, again.torrents_missing, again.files) == ([], [], OPEN - 1)
    assert digests(new.torrents) == digests(ark.torrents)


KILLED = """
import os, signal
from pathlib import Path
from songark.mirror import notices
from songark.mirror import rebuild as module
from songark.mirror.editions import edition_numbers
from songark.mirror.trust import open_feed
from songark.model.progress import Silent

name, call = sys.argv[5], int(sys.argv[6])
real, calls = getattr(module, name), []

def killed(*args, **kwargs):
    calls.append(1)
    if len(calls) == call:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*args, **kwargs)

setattr(module, name, killed)
module._SEGMENT = 3
module.rebuild(open_feed(sys.argv[1], Path(sys.argv[4])), Path(sys.argv[2]), Path(sys.argv[3]),
               progress=Silent())
"""


def test_killed_again_and_again_it_goes_on(told, tmp_path):
    ark, mirror = told
    folder = tmp_path / "new"
    for name, call in (
        ("fetch_edition", 2), ("bring_in", 5), ("add_missing", 2), ("write_whole", 3),
        ("_seal_edition", 2), ("_seal_edition", 2),
    ):  # fmt: skip
        done = run_child(KILLED, ark.feed, mirror, folder, tmp_path / "new-trust", name, call)
        assert done.returncode == -signal.SIGKILL, (name, done.stderr)
    run(ark.feed, mirror, folder)
    assert digests(folder / "editions") == digests(ark.editions)
    assert digests(folder / "torrents") == digests(ark.torrents)
    assert not check_store(Ark.open(folder), progress=lambda _: None).bad
    assert len(audio(folder / "store")) == OPEN - 1


@pytest.mark.parametrize("what", ["file", "archive", "other editions", "own archive"])
def test_only_into_an_empty_folder(told, tmp_path, what):
    ark, mirror = told
    folder = tmp_path / "new"
    if what == "file":
        folder.mkdir()
        (folder / "thesis.txt").write_text("mine")
    elif what == "archive":
        shutil.copytree(ark.path, folder)
        (folder / "editions/2/SHA256SUMS").write_text("")
    elif what == "own archive":
        Ark.init(folder)
        (folder / "snapshots").mkdir()
    else:
        Ark.init(folder)
        (folder / "editions/1").mkdir(parents=True)
        (folder / "editions/1/SHA256SUMS").write_text("other\n")
    before = digests(folder)
    with pytest.raises(UsageError):
        run(ark.feed, mirror, folder)
    assert digests(folder) == before


def hostile(told, tmp_path):
    return HostileFeed.of(told[0], tmp_path / "feed")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("edition.json", b"{}"),
        ("edition.json", b"x"),
        ("edition.json", b"[" * 100_000),
        ("edition.json", b'{"archive": 1, "held_not_released": {"files": 0, "bytes": 0}}'),
        ("edition.json", b'{"archive": "x", "held_not_released": {"files": "0", "bytes": 0}}'),
        ("torrents.jsonl", b"x\n"),
        ("manifest.parquet", b"x"),
    ],
)
def test_what_the_keeper_signed_and_is_malformed(told, tmp_path, name, data):
    feed = hostile(told, tmp_path)
    feed.files[feed.path(name)] = data
    with pytest.raises(BrokenError) as caught:
        run(feed.sign(), told[1], tmp_path / "new")
    assert name in caught.value.place
    assert not (tmp_path / "new/editions").exists()


def test_a_pack_of_the_list_that_the_manifest_does_not_have(told, tmp_path):
    feed = hostile(told, tmp_path)
    feed.change_line(row(told[0], "Zero")["pack"], pack="none")
    with pytest.raises(BrokenError):
        run(feed.sign(), told[1], tmp_path / "new")


@pytest.mark.parametrize(
    "file", ["songark.toml", "rights/ledger.jsonl", "../evil", "torrents/../x"]
)
def test_a_torrent_that_would_lie_elsewhere(told, tmp_path, file):
    feed = hostile(told, tmp_path)
    feed.change_line(row(told[0], "Zero")["pack"], file=file)
    with pytest.raises(BrokenError):
        run(feed.sign(), told[1], tmp_path / "new")
    assert not (tmp_path / "evil").exists()
    settings = tmp_path / "new/songark.toml"
    assert not settings.exists() or settings.read_bytes().startswith(b"# The settings")


def test_a_torrent_that_does_not_come_out_as_it_was_signed(told, tmp_path):
    feed = hostile(told, tmp_path)
    line = lines(told[0])[row(told[0], "Zero")["pack"]]
    feed.change_line(line["pack"], trackers=["http://evil.example/announce"])
    with pytest.raises(BrokenError, match="made anew is not the one"):
        run(feed.sign(), told[1], tmp_path / "new")


def test_a_name_that_is_settings_of_its_own(told, tmp_path):
    """The archive's name comes from the keeper and goes into a file of settings."""
    feed = hostile(told, tmp_path)
    facts = json.loads(feed.files[feed.path("edition.json")])
    facts["archive"] = 'x"\n[swarm]\nlisten = "0.0.0.0:1'
    feed.files[feed.path("edition.json")] = json.dumps(facts).encode()
    # Which names are fit is the archive's own matter; here it only may not change a setting.
    with suppress(SongarkError):
        run(feed.sign(), told[1], tmp_path / "new")
    assert Ark.open(tmp_path / "new").settings.swarm_listen == "0.0.0.0:42610"


def test_records_are_sealed_as_they_come(told, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_SEGMENT", 3)
    run(told[0].feed, told[1], tmp_path / "new")
    records = [path for path in (tmp_path / "new/store/records").iterdir() if path.is_dir()]
    assert len(records) >= 3
    assert newest(Ark.open(tmp_path / "new")).name == "2"


def test_before_the_first_edition(told, tmp_path):
    feed = hostile(told, tmp_path)
    feed.number = 0
    with pytest.raises(UsageError, match="no edition"):
        run(feed.sign(), told[1], tmp_path / "new")
    assert not (tmp_path / "new").exists()
