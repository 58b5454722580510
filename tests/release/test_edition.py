import hashlib
import json
import os
import re
import shutil
import signal
import subprocess

import libtorrent as lt
import pyarrow.parquet as pq
import pytest

from songark.api.withdraw import withdraw
from songark.ark.layout import Ark
from songark.ark.pointer import current
from songark.ark.seal import Sealed
from songark.ark.tables import read_rows
from songark.model.errors import BrokenError, RefusedError
from songark.model.hashing import PIECE
from songark.release import edition as module
from songark.release.attribution import licence_url
from songark.release.edition import make_edition, read_edition
from songark.release.history import edition_folders
from songark.release.packs import ATTRIBUTION
from songark.release.torrent import read_torrent
from songark.rights.ledger import claim_withdrawal
from tests.release_support import (
    MAIL,
    NASTY,
    OPEN,
    added,
    again,
    copy_packs,
    digests,
    file_of,
    keys_of,
    lines,
    make_music,
    music,
    newest,
    published,
    row,
    rows,
    take_in,
    tone,
)
from tests.support import run_child


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """The first edition, not to be changed."""
    return published(tmp_path_factory.mktemp("edition"))


def infohashes(ark, edition=-1):
    return {pack: line["infohash_v2"] for pack, line in lines(ark, edition).items()}


def torrents(ark):
    return {
        pack: read_torrent((ark.path / line["file"]).read_bytes())
        for pack, line in lines(ark).items()
    }


def test_nothing_is_released_that_may_not_be_shared(first):
    shareable = {
        file_of(one)
        for one in read_rows(current(first.decisions).path / "decision.parquet")
        if one["act"] == "share" and one["allowed"]
    }
    assert len(shareable) == OPEN
    assert {file_of(one) for one in rows(first)} == shareable
    packed = [e for t in torrents(first).values() for e in t.files if e.name != ATTRIBUTION]
    assert {entry.file for entry in packed} == shareable
    assert len(packed) == OPEN
    withheld = {"Nobody knows", "Mine", "Tagged", "Eve"}
    assert not withheld & {one[field] for one in rows(first) for field in ("title", "artist")}


def test_torrents_are_those_that_libtorrent_makes_of_a_mirrors_folders(first, tmp_path):
    copy_packs(first, tmp_path)
    found = 0
    for pack, line in lines(first).items():
        made = lt.create_torrent(
            lt.list_files(str(tmp_path / pack)),
            PIECE,
            lt.create_torrent.canonical_files_no_tail_padding,
        )
        lt.set_piece_hashes(made, str(tmp_path))
        info = lt.bencode(made.generate()[b"info"])
        assert line["infohash_v1"] == hashlib.sha1(info).hexdigest()
        assert line["infohash_v2"] == hashlib.sha256(info).hexdigest()
        assert line["file"] == f"torrents/{line['infohash_v2']}.torrent"
        found += len(list((tmp_path / pack).iterdir()))
    assert found == OPEN + len(lines(first))


def test_what_is_told_of_each_torrent(first):
    by_pack = {}
    for one in rows(first):
        by_pack.setdefault(one["pack"], []).append(one)
    assert list(lines(first)) == sorted(by_pack)
    for pack, line in lines(first).items():
        told = read_torrent((first.path / line["file"]).read_bytes())
        assert set(line) == {
            "infohash_v1", "infohash_v2", "file", "pack", "tier", "licence_class", "depositor",
            "number", "tracks", "bytes", "listens", "similar", "trackers", "web_seeds",
        }  # fmt: skip
        assert (line["tracks"], line["bytes"], line["listens"]) == (
            len(by_pack[pack]),
            sum(one["size"] for one in by_pack[pack]),
            sum(one["listens"] for one in by_pack[pack]),
        )
        assert {line["licence_class"]} == {one["licence_class"] for one in by_pack[pack]}
        assert {line["tier"]} == {one["tier"] for one in by_pack[pack]}
        assert pack == f"small-fine-{line['licence_class']}-tier{line['tier']}-0001"
        assert told.folder == pack
        assert [e.name for e in told.files if e.name != ATTRIBUTION] == [
            one["name"] for one in by_pack[pack]
        ]
        assert line["similar"] == line["trackers"] == line["web_seeds"] == []


def test_the_manifest(first):
    told = rows(first)
    assert [(one["pack"], one["name"]) for one in told] == sorted(
        (one["pack"], one["name"]) for one in told
    )
    for one in told:
        (place,) = first.store.glob(f"*/*/{file_of(one)}.*")
        assert hashlib.sha256(place.read_bytes()).digest() == one["sha256"]
    nasty = row(first, NASTY)
    assert nasty["artist"] == "NUL.Ørsted"
    assert re.fullmatch(
        r"_NUL\.Ørsted - CON\._ _what__ _ _me__you__ #1 %41 \[.{8}\]\.mp3", nasty["name"]
    )
    assert (nasty["licence"], nasty["holder"], nasty["codec"]) == ("CC-BY-SA-3.0", "Bob", "mp3")
    assert (
        nasty["evidence"]
        == "an independent record (bob/debian/copyright, paragraph 2) says CC-BY-SA-3.0"
    )
    heard = row(first, "Song 0")
    assert (heard["listens"], heard["tier"], heard["popularity"]) == (5000, 1, 100)
    schema = pq.read_schema(newest(first) / "manifest.parquet")
    assert all(field.metadata[b"meaning"] for field in schema)


def test_the_index_is_checked_by_coreutils_from_the_archives_folder(first, tmp_path):
    index = newest(first) / "SHA256SUMS"
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", str(index)],
        cwd=first.path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    listed = {line.split("  ", 1)[1] for line in index.read_text().splitlines()}
    inside = {f"editions/1/{p}" for p in digests(newest(first))}
    assert listed == (inside | {f"torrents/{p}" for p in digests(first.torrents)}) - {
        "editions/1/SHA256SUMS",
        "editions/1/manifest.json",
    }


def test_every_file_is_attributed(first):
    """CC 4.0 section 3(a)(1): creator, title, licence with its address, changes."""
    for pack in lines(first):
        text = (newest(first) / "attribution" / f"{pack}.txt").read_text()
        (stored,) = [e.file for e in torrents(first)[pack].files if e.name == ATTRIBUTION]
        (place,) = first.store.glob(f"*/*/{stored}.txt")
        assert place.read_text() == text
        told = {p.split("\n")[0]: p for p in text.split("\n\n")}
        for one in rows(first):
            if one["pack"] == pack:
                said = told[one["name"]]
                for words in (
                    f"Title:   {one['title']}\n",
                    f"Artist:  {one['artist']}\n",
                    f"Holder:  {one['holder']}\n",
                    f"Licence: {one['licence']} {licence_url(one['licence'])}\n",
                    "Changes: none",
                ):
                    assert words in said
                assert one["holder"]
                assert licence_url(one["licence"])


def test_the_facts(first):
    facts = read_edition(newest(first))
    ledger = first.ledger.head()
    told = [facts[name] for name in ("edition", "archive", "previous", "tracks", "packs")]
    assert told == [1, "Small  Fine", "", OPEN, 6]
    assert facts["bytes"] == sum(one["size"] for one in rows(first))
    assert facts["ledger"] == [ledger.count, ledger.hash]
    tagged = (music() / "shut/tag.ogg").stat().st_size
    assert facts["held_not_released"] == {"files": 1, "bytes": tagged}
    kinds = [line.kind for line in first.events.lines()]
    assert kinds[facts["events"][0] :] == ["release"]
    Sealed.open(newest(first)).verify()


def test_the_same_music_elsewhere_makes_the_same_bytes(first, tmp_path):
    """Other folders, other dates, files made in another order."""
    copy = tmp_path / "elsewhere" / "music"
    shutil.copytree(music(), tmp_path / "made")
    for path in sorted((tmp_path / "made").rglob("*"), reverse=True):
        if path.is_file():
            (target := copy / path.relative_to(tmp_path / "made")).parent.mkdir(
                parents=True, exist_ok=True
            )
            shutil.copyfile(path, target)
            os.utime(target, (0, 0))
    ark = Ark.init(tmp_path / "other", name="Small & Fine")
    take_in(ark, copy, copy / "listens.jsonl")
    again(ark)
    mine, theirs = digests(newest(first)), digests(newest(ark))
    differ = {name for name in mine | theirs if mine.get(name) != theirs.get(name)}
    assert differ == {"edition.json", "SHA256SUMS", "manifest.json"}
    assert digests(first.torrents) == digests(ark.torrents)


def test_music_is_made_the_same_each_time(tmp_path):
    assert digests(make_music(tmp_path)) == digests(music())


def test_with_nothing_new_there_is_no_new_edition(tmp_path):
    ark = published(tmp_path)
    before = digests(ark.path)
    done = again(ark)
    assert (done.is_new, done.kept, done.facts["edition"]) == (False, 0, 1)
    after = digests(ark.path)
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    assert not [name for name in changed if not name.startswith("feed/metadata/")]


def test_a_withdrawal_changes_its_own_torrent_and_names_the_old_one(tmp_path):
    ark = published(tmp_path)
    gone = row(ark, "Song 0")
    withdraw(ark, gone["recording"], keys=keys_of(ark))
    assert (
        again(ark).facts["previous"]
        == hashlib.sha256((ark.editions / "1" / "SHA256SUMS").read_bytes()).hexdigest()
    )
    old, new = infohashes(ark, 0), infohashes(ark)
    assert {pack for pack in old if old[pack] != new[pack]} == {gone["pack"]}
    assert lines(ark)[gone["pack"]]["similar"] == [lines(ark, 0)[gone["pack"]]["infohash_v1"]]
    assert torrents(ark)[gone["pack"]].similar == (
        bytes.fromhex(lines(ark, 0)[gone["pack"]]["infohash_v1"]),
    )
    names = {(one["pack"], one["name"]) for one in rows(ark, 0)}
    assert {(one["pack"], one["name"]) for one in rows(ark)} == names - {
        (gone["pack"], gone["name"])
    }
    assert gone["name"] not in (newest(ark) / "attribution" / f"{gone['pack']}.txt").read_text()
    assert read_edition(newest(ark))["held_not_released"]["files"] == 1

    more = tmp_path / "more"
    tone(more / "new.ogg", 900, "New", "Dee")
    take_in(ark, more, licence="CC-BY-4.0", by="Dee Jay <dee@example.org>")
    again(ark)
    (pack,) = infohashes(ark).keys() - new.keys()
    assert pack.startswith("small-fine-CC-BY-tier5-")
    assert not re.search("dee|jay", pack)
    assert row(ark, "New")["holder"] == "Dee Jay"
    # What stands outside the info of a torrent that stays is what it was: no new edition.
    assert not again(ark).is_new
    _nothing_private(ark, tmp_path)


def test_a_pack_issued_three_times_names_both_before(tmp_path):
    """And publishing again is no fourth issue, whatever order the names come in."""
    ark = published(tmp_path)
    seen = []
    for title in ("Song 2", "Song 3"):
        pack = row(ark, title)["pack"]
        seen.append(lines(ark)[pack]["infohash_v1"])
        if title == "Song 2":
            withdraw(ark, row(ark, title)["recording"], keys=keys_of(ark))
        else:
            more = tmp_path / "ann"
            shutil.copytree(music() / "ann", more)
            tone(more / "a9.ogg", 950, "Song 9", "Ann")
            shutil.rmtree(more / "debian")
            from tests.release_support import package

            package(more, "CC-BY-4.0", f"Ann Onymous <{MAIL}>")
            take_in(ark, more)
        again(ark)
    assert lines(ark)[pack]["similar"] == sorted(seen)
    assert sorted(one.hex() for one in torrents(ark)[pack].similar) == sorted(seen)
    assert not again(ark).is_new


def _nothing_private(ark, *folders):
    """No address, no path of this machine, in anything that others get to see."""
    address = re.compile(rb"[\w.+-]+@[\w-]+\.[\w.]+")
    private = [str(path).encode() for path in (ark.path, music(), *folders)]
    read = 0
    for top in (ark.feed, ark.editions, ark.torrents):
        for path in sorted(top.rglob("*")):
            if not path.is_file():
                continue
            data = path.read_bytes()
            if path.suffix == ".parquet":
                data = json.dumps(list(read_rows(path)), default=repr, ensure_ascii=False).encode()
                data += repr(pq.read_metadata(path).metadata).encode()
            assert not address.findall(data), path
            assert not [one for one in private if one in data], path
            read += 1
    assert read > 20


def test_nothing_published_names_a_person_or_a_place_on_the_disk(first, tmp_path):
    papers = [path.read_text() for path in music().glob("*/debian/copyright")]
    assert MAIL in "".join(papers)
    _nothing_private(first)


def test_a_withdrawal_while_it_is_made_leaves_no_edition(tmp_path, monkeypatch):
    ark = published(tmp_path)
    gone = row(ark, "Song 1")
    withdraw(ark, row(ark, "Song 0")["recording"], keys=keys_of(ark))
    beside = module._write_beside

    def late(*args):
        beside(*args)
        claim_withdrawal(ark.ledger, gone["recording"], [file_of(gone)])

    monkeypatch.setattr(module, "_write_beside", late)
    with pytest.raises(RefusedError, match="withdrawn while") as caught:
        make_edition(ark)
    assert str(file_of(gone)) in caught.value.place
    assert [path.name for path in ark.editions.iterdir()] == ["1"]
    monkeypatch.undo()
    again(ark)
    assert not {"Song 0", "Song 1"} & {one["title"] for one in rows(ark)}


def test_a_stored_torrent_that_is_another_one_is_not_published(tmp_path):
    ark = published(tmp_path)
    one, other = (ark.path / line["file"] for line in list(lines(ark).values())[:2])
    shutil.copyfile(other, one)
    with pytest.raises(BrokenError, match="another one than its name says"):
        make_edition(ark)


def test_a_track_that_left_the_disk_leaves_the_release(tmp_path):
    ark = published(tmp_path)
    gone = row(ark, "Song 3")
    (place,) = ark.store.glob(f"*/*/{file_of(gone)}.*")
    place.unlink()
    make_edition(ark)
    assert "Song 3" not in {one["title"] for one in rows(ark)}


# Where a publish is killed, in the order in which it comes by.
MOMENTS = (
    "songark.store.keep._seal",
    "songark.release.edition._torrent",
    "songark.release.edition._write_beside",
    "songark.release.edition._write_torrents",
    "songark.release.edition._write_index",
    "songark.release.edition._noted",
    "songark.release.publish._link",
    "songark.release.publish.publish_feed",
    "songark.release.feed.sign_roles",
    "songark.release.publish._remove_all_but",
)
KILLED = """
import importlib, os, signal
from pathlib import Path
from songark.api.publish import publish
from songark.ark.layout import Ark
from songark.model.progress import Silent
from songark.release.keys import make_keys

module, _, name = sys.argv[2].rpartition(".")
module = importlib.import_module(module)
real, calls = getattr(module, name), []

def killed(*args, **kwargs):
    calls.append(1)
    if len(calls) == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*args, **kwargs)

setattr(module, name, killed)
ark = Ark.open(Path(sys.argv[1]))
publish(ark, keys=make_keys(ark.keys), progress=Silent())
"""


def _killed_at(ark, moment, call=1):
    done = run_child(KILLED, ark.path, moment, call)
    assert done.returncode == -signal.SIGKILL, done.stderr


def _is_as_without_kills(ark, first):
    again(ark)
    assert [folder.name for folder in edition_folders(ark.editions)] == ["1"]
    mine, theirs = digests(newest(first)), digests(newest(ark))
    differ = {name for name in mine | theirs if mine.get(name) != theirs.get(name)}
    assert differ <= {"edition.json", "SHA256SUMS", "manifest.json"}
    assert digests(first.torrents) == digests(ark.torrents)
    files = digests(first.feed / "files").keys()
    assert digests(ark.feed / "files").keys() == files
    assert [line.kind for line in ark.events.lines()].count("release") == 1
    assert not [p for p in ark.path.rglob(".*") if p.name.endswith(".part") or "draft" in p.name]


def test_killed_with_the_torrents_half_written(first, tmp_path):
    ark = added(tmp_path)
    _killed_at(ark, "songark.release.edition._write_index")
    assert edition_folders(ark.editions) == []
    _is_as_without_kills(ark, first)


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_anywhere_and_run_again(first, tmp_path, moment):
    ark = added(tmp_path)
    _killed_at(ark, moment)
    _is_as_without_kills(ark, first)


@pytest.mark.slow
def test_killed_again_and_again(first, tmp_path):
    ark = added(tmp_path)
    for moment in MOMENTS:
        if moment not in {"songark.store.keep._seal", "songark.release.edition._write_beside"}:
            _killed_at(ark, moment)
    _is_as_without_kills(ark, first)
