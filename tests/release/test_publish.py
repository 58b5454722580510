import hashlib
import json
import os
import shutil
import threading

import pytest

from songark.api.refresh import refresh
from songark.api.withdraw import withdraw
from songark.mirror.trust import open_feed
from songark.model.errors import RefusedError
from songark.model.hash_record import HashRecord
from songark.model.hashing import hash_file
from songark.model.identity import FileId
from songark.model.index import read_index
from songark.release import publish as module
from songark.release.packs import ATTRIBUTION
from songark.release.publish import sign_feed
from songark.release.torrent import TorrentFile, build_torrent
from songark.rights.ledger import claim_licence, claim_withdrawal
from tests.release_support import (
    ALL_OF_IT,
    again,
    digests,
    file_of,
    keys_of,
    lines,
    published,
    row,
    rows,
)


def seen(ark, folder):
    """What a mirror that never was here learns from the feed."""
    feed = open_feed(str(ark.feed), folder)
    feed.refresh()
    return feed


def withdrawn(feed):
    return [json.loads(raw) for raw in feed.read("withdrawn.jsonl").splitlines()]


def released_files(ark):
    """What ``files/`` has to hold: every edition's own, of torrents the last edition's."""
    folders = sorted(p for p in ark.editions.iterdir() if p.name.isdecimal())
    return {
        path: digest
        for folder in folders
        for path, digest in read_index((folder / "SHA256SUMS").read_bytes()).items()
        if folder is folders[-1] or path.startswith("editions/")
    }


@pytest.fixture(scope="module")
def twice(tmp_path_factory):
    """Two editions, the second without Song 0; not to be changed."""
    ark = published(tmp_path_factory.mktemp("publish"))
    withdraw(ark, row(ark, "Song 0")["recording"], keys=keys_of(ark))
    again(ark)
    return ark


def test_superseded_torrents_leave_the_feed_and_stay_in_the_archive(twice):
    assert digests(twice.feed / "files") == released_files(twice)
    pack = row(twice, "Song 0", 0)["pack"]
    old, new = (lines(twice, edition)[pack]["file"] for edition in (0, 1))
    assert old != new
    assert not (twice.feed / "files" / old).exists()
    assert (twice.feed / "files" / new).is_file()
    assert (twice.path / old).is_file()
    assert not list((twice.feed / "files").rglob(".*"))


def test_a_withdrawn_file_is_listed_with_the_hashes_that_make_its_torrents_again(twice, tmp_path):
    (line,) = withdrawn(seen(twice, tmp_path / "state"))
    gone = row(twice, "Song 0", 0)
    file = FileId(bytes.fromhex(line["root"]), line["size"])
    assert file == file_of(gone)
    assert (line["recording"], line["reason"]) == (gone["recording"], "withdrawn")
    assert line["at"].endswith("Z")
    hashes = {name: bytes.fromhex(value) for name, value in line["hashes"].items()}
    record = HashRecord(file=file, **hashes)
    record.check()
    others = [one for one in rows(twice, 0) if one["pack"] == gone["pack"] and one != gone]
    files = [TorrentFile(gone["name"], record)]
    for one in others:
        (place,) = twice.store.glob(f"*/*/{file_of(one)}.*")
        files.append(TorrentFile(one["name"], hash_file(place)))
    text = twice.editions / "1" / "attribution" / f"{gone['pack']}.txt"
    files.append(TorrentFile(ATTRIBUTION, hash_file(text)))
    made = build_torrent(gone["pack"], files)
    assert made.infohash_v2.hex() == lines(twice, 0)[gone["pack"]]["infohash_v2"]


def test_a_withdrawal_is_told_before_the_next_edition(tmp_path):
    ark = published(tmp_path)
    feed = seen(ark, tmp_path / "state")
    assert withdrawn(feed) == []
    before = feed.targets()
    done = withdraw(ark, row(ark, "Long")["recording"], keys=keys_of(ark))
    assert (done.files, done.announced) == (1, True)
    feed.refresh()
    (line,) = withdrawn(feed)
    assert line["size"] == row(ark, "Long")["size"]
    assert len(line["hashes"]["layer"]) == 2 * 32 * 3
    changed = {name for name, target in feed.targets().items() if before[name] != target}
    assert changed == {"withdrawn.jsonl", "heads.json"}


def test_what_is_no_longer_cleared_is_told_like_a_withdrawal(tmp_path):
    ark = published(tmp_path)
    file = file_of(row(ark, "Zero"))
    claim_licence(
        ark.ledger, "evidence", [file], licence="CC-BY-NC-4.0", parts=ALL_OF_IT,
        document="00" * 32, place="page https://example.org/",
    )  # fmt: skip
    refresh(ark)
    sign_feed(ark, keys_of(ark))
    (line,) = withdrawn(seen(ark, tmp_path / "state"))
    assert FileId(bytes.fromhex(line["root"]), line["size"]) == file
    assert (line["reason"], line["at"]) == ("no longer cleared", "")


def test_where_the_swarm_is(tmp_path):
    told = {"peers": '["a.example:1", "[::1]:2"]', "web_seeds": '["https://b.example/x"]'}
    ark = published(tmp_path, **told)
    sign_feed(ark, keys_of(ark))
    swarm = json.loads(seen(ark, tmp_path / "state").read("swarm.json"))
    assert swarm == {name: json.loads(value) for name, value in told.items()}


def test_what_a_mirror_still_follows_is_there_until_the_new_feed_is_signed(tmp_path, monkeypatch):
    ark = published(tmp_path)
    old = digests(ark.feed / "files")
    withdraw(ark, row(ark, "Song 0")["recording"], keys=keys_of(ark))

    def refused(*_args, **_more):
        assert old.items() <= digests(ark.feed / "files").items()
        raise RefusedError("no root key")

    monkeypatch.setattr(module, "publish_feed", refused)
    with pytest.raises(RefusedError):
        again(ark)
    assert old.items() <= digests(ark.feed / "files").items()
    monkeypatch.undo()
    assert not again(ark).is_new
    assert digests(ark.feed / "files") == released_files(ark)


def test_two_who_sign_at_once_never_sign_what_is_old(tmp_path, monkeypatch):
    """A publish that looked before a withdrawal must not sign after it."""
    ark = published(tmp_path)
    keys, gone = keys_of(ark), row(ark, "Song 0")
    looked, signed = threading.Event(), threading.Event()
    real = module.publish_feed

    def slow(*args, **more):
        if not looked.is_set():
            looked.set()
            signed.wait(1.0)
        real(*args, **more)

    def after():
        sign_feed(ark, keys)
        signed.set()

    monkeypatch.setattr(module, "publish_feed", slow)
    first = threading.Thread(target=sign_feed, args=(ark, keys))
    first.start()
    assert looked.wait(30)
    claim_withdrawal(ark.ledger, gone["recording"], [file_of(gone)])
    second = threading.Thread(target=after)
    second.start()
    first.join(30)
    second.join(30)
    assert [line["size"] for line in withdrawn(seen(ark, tmp_path / "state"))] == [gone["size"]]


@pytest.mark.parametrize("can_link", [True, False])
def test_a_damaged_copy_in_the_feed_is_put_right(tmp_path, monkeypatch, can_link):
    ark = published(tmp_path)
    if not can_link:
        monkeypatch.setattr(os, "link", _no_links)
        shutil.rmtree(ark.feed / "files")
        sign_feed(ark, keys_of(ark))
    target = ark.feed / "files" / "editions" / "1" / "manifest.parquet"
    good = (ark.editions / "1" / "manifest.parquet").read_bytes()
    target.unlink()
    target.write_bytes(b"rotten")
    (ark.feed / "files" / "stray").write_bytes(b"x")
    sign_feed(ark, keys_of(ark))
    assert target.read_bytes() == good
    assert digests(ark.feed / "files") == released_files(ark)
    is_link = target.samefile(ark.editions / "1" / "manifest.parquet")
    assert is_link is can_link


def _no_links(*_args, **_more):
    raise OSError("no links here")


def test_every_listed_file_can_be_had_and_is_the_one_that_was_signed(twice, tmp_path):
    feed = seen(twice, tmp_path / "state")
    for number in (1, 2):
        index = read_index(feed.read(f"editions/{number}/SHA256SUMS"))
        for path, digest in index.items():
            if number == 2 or path.startswith("editions/"):
                feed.fetch_file(path, digest, tmp_path / "into" / path)
                data = (tmp_path / "into" / path).read_bytes()
                assert hashlib.sha256(data).hexdigest() == digest
