import hashlib
import json
from dataclasses import replace

import pytest

from songark.mirror import editions as module
from songark.mirror.editions import (
    edition_index,
    edition_numbers,
    fetch_edition,
    fetch_listed,
    fetch_torrent,
    pack_lines,
)
from songark.mirror.feed_errors import FeedError
from songark.model.errors import BrokenError, SongarkError
from songark.model.hashing import Hasher
from songark.release.packs import ATTRIBUTION
from songark.release.torrent import TorrentFile, build_torrent
from tests.release_support import HostileFeed, digests, newest, published, trusting

PACK = "small-fine-CC-BY-tier4-0001"


@pytest.fixture(scope="module")
def ark(tmp_path_factory):
    return published(tmp_path_factory.mktemp("editions"))


@pytest.fixture
def hostile(ark, tmp_path):
    return HostileFeed.of(ark, tmp_path / "feed")


def torrent_of(folder, files):
    """A torrent of our form over some bytes, by name."""
    made = []
    for name, data in files.items():
        hasher = Hasher()
        hasher.update(data)
        made.append(TorrentFile(name, hasher.finish()))
    return build_torrent(folder, made)


def test_an_edition_comes_without_its_torrents(ark, tmp_path):
    feed = trusting(ark.feed, tmp_path / "trust")
    assert edition_numbers(feed) == [1]
    index = fetch_edition(feed, 1, tmp_path / "into")
    mine, theirs = digests(tmp_path / "into/editions/1"), digests(newest(ark))
    assert mine == {name: digest for name, digest in theirs.items() if name != "manifest.json"}
    assert not (tmp_path / "into/torrents").exists()
    assert edition_index(feed, 1) == index
    for line in pack_lines(tmp_path / "into/editions/1"):
        info, data = fetch_torrent(feed, index, line, tmp_path / "into")
        assert (info.folder, len(info.files)) == (line.pack, line.tracks + 1)
        assert (tmp_path / "into" / line.file).read_bytes() == data


def test_editions_in_order(hostile, tmp_path):
    for name in ("editions/10", "editions/2", "editions/02", "editions/0", "x/editions/4"):
        hostile.extra[f"{name}/SHA256SUMS"] = b""
    hostile.extra["editions/3/other"] = b""
    assert edition_numbers(trusting(hostile.sign(), tmp_path / "trust")) == [1, 2, 10]


@pytest.mark.parametrize(
    "path",
    [
        "verified.jsonl",
        "trust/first.root.json",
        "lock",
        "withdrawn/pack/name.ogg",
        "editions/2/torrents.jsonl",
        "editions/1x/torrents.jsonl",
        "torrents/../verified.jsonl",
        "torrents/x.torrent",
        f"torrents/{'0' * 64}.torrent.txt",
        f"torrents/{'0' * 64}.torrent/x",
        "editions/1/../../../x",
        "/etc/passwd",
        ".songark/verified.jsonl",
        "songark.toml",
        "rights/ledger.jsonl",
    ],
)
def test_an_index_names_nothing_outside_its_edition(hostile, tmp_path, path):
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in hostile.files.items()}
    sums[path] = hashlib.sha256(b"evil").hexdigest()
    hostile.index = "".join(f"{sums[name]}  {name}\n" for name in sorted(sums)).encode()
    (hostile.folder.parent / "keep").mkdir()
    feed = trusting(hostile.sign(), tmp_path / "trust")
    with pytest.raises(BrokenError):
        fetch_edition(feed, 1, tmp_path / "into")
    assert not (tmp_path / "into").exists()


@pytest.mark.parametrize("name", ["torrents.jsonl", "coverage.json", "attribution/x.txt"])
def test_a_file_of_an_edition_is_bounded(hostile, tmp_path, monkeypatch, name):
    monkeypatch.setattr(module, "MAX_TEXT", 100_000)
    hostile.files[hostile.path(name)] = bytes(100_001)
    feed = trusting(hostile.sign(), tmp_path / "trust")
    with pytest.raises(FeedError, match="100000"):
        fetch_edition(feed, 1, tmp_path / "into")
    assert not (tmp_path / "into/editions/1" / name).exists()


def test_a_torrent_is_bounded(hostile, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_TORRENT", 500)
    feed = trusting(hostile.sign(), tmp_path / "trust")
    index = fetch_edition(feed, 1, tmp_path / "into")
    line = pack_lines(tmp_path / "into/editions/1")[0]
    with pytest.raises(FeedError, match="500"):
        fetch_torrent(feed, index, line, tmp_path / "into")


def test_only_what_the_index_lists_is_fetched(ark, tmp_path):
    feed = trusting(ark.feed, tmp_path / "trust")
    with pytest.raises(BrokenError, match="lacks"):
        fetch_listed(feed, edition_index(feed, 1), "editions/1/other", tmp_path / "into")


def lines_after(hostile, **values):
    """Read a feed's packs after one line of it was changed."""
    hostile.change_line(PACK, **values)
    edition = hostile.folder / "edition"
    edition.mkdir(parents=True)
    (edition / "torrents.jsonl").write_bytes(hostile.files[hostile.path("torrents.jsonl")])
    return pack_lines(edition)


@pytest.mark.parametrize(
    "values",
    [
        {"pack": "../x"},
        {"pack": "a/b"},
        {"pack": ".songark"},
        {"pack": ""},
        {"pack": "x\\y"},
        {"pack": "x\u202ey"},
        {"pack": "x" * 256},
        {"pack": 1},
        {"pack": "small-fine-CC0-tier5-0001"},
        {"file": "../../x"},
        {"file": "verified.jsonl"},
        {"file": "editions/1/edition.json"},
        {"file": None},
        {"bytes": 0},
        {"bytes": -1},
        {"bytes": 1.5},
        {"bytes": "1"},
        {"bytes": True},
        {"bytes": 2**63},
        {"bytes": float("inf")},
        {"bytes": float("nan")},
        {"tracks": 0},
        {"listens": -1},
        {"listens": None},
        {"similar": ["zz"]},
        {"similar": 1},
        {"trackers": [1]},
        {"web_seeds": [None]},
        {"licence_class": []},
    ],
)
def test_a_line_of_another_form_is_refused_with_its_place(hostile, values):
    with pytest.raises(BrokenError) as caught:
        lines_after(hostile, **values)
    assert "torrents.jsonl, line " in caught.value.place


@pytest.mark.parametrize(
    "raw", [b"x", b"[]", b"1", b"{}", b"\xff", b"[" * 100_000, b'{"pack": "a"}', b"\n"]
)
def test_what_is_no_line_at_all(tmp_path, raw):
    (tmp_path / "torrents.jsonl").write_bytes(raw)
    with pytest.raises(BrokenError, match=r"torrents\.jsonl, line 1"):
        pack_lines(tmp_path)


def test_an_edition_without_a_list(tmp_path):
    with pytest.raises(BrokenError, match="no list"):
        pack_lines(tmp_path)


def test_a_line_with_more_in_it_is_read(hostile):
    assert len(lines_after(hostile, later="?")) == 6


@pytest.mark.parametrize(
    ("folder", "files", "told"),
    [
        ("Pack", {"a.ogg": b"1234", "b.ogg": b"5"}, {"bytes": 4}),
        ("Pack", {"a.ogg": b"1234", "b.ogg": b"5"}, {"bytes": 6}),
        ("Pack", {"a.ogg": b"1234", "b.ogg": b"5"}, {"tracks": 1}),
        ("Other", {"a.ogg": b"1234", "b.ogg": b"5"}, {}),
        ("Pack", {"a.ogg": b"1234", ".hidden": b"5"}, {}),
        ("Pack", {"a.ogg": b"1234", "..b": b"5"}, {}),
    ],
)
def test_a_torrent_that_is_not_what_is_listed(hostile, tmp_path, folder, files, told):
    """A lie about bytes would break a budget; a hidden name would reach the mirror's own files."""
    made = torrent_of(folder, files)
    name = f"torrents/{made.infohash_v2.hex()}.torrent"
    hostile.files[name] = made.data
    true = {"pack": "Pack", "file": name, "tracks": 2, "bytes": 5}
    hostile.change_line(PACK, **{**true, **told})
    feed = trusting(hostile.sign(), tmp_path / "trust")
    index = fetch_edition(feed, 1, tmp_path / "into")
    (line,) = [one for one in pack_lines(tmp_path / "into/editions/1") if one.pack == "Pack"]
    with pytest.raises(BrokenError):
        fetch_torrent(feed, index, line, tmp_path / "into")


def test_the_same_torrent_told_rightly_is_taken(hostile, tmp_path):
    made = torrent_of("Pack", {"a.ogg": b"1234", "b.ogg": b"5", ATTRIBUTION: b"By Ann"})
    name = f"torrents/{made.infohash_v2.hex()}.torrent"
    hostile.files[name] = made.data
    hostile.change_line(PACK, pack="Pack", file=name, tracks=2, bytes=5)
    feed = trusting(hostile.sign(), tmp_path / "trust")
    index = fetch_edition(feed, 1, tmp_path / "into")
    (line,) = [one for one in pack_lines(tmp_path / "into/editions/1") if one.pack == "Pack"]
    info, _ = fetch_torrent(feed, index, line, tmp_path / "into")
    assert info.infohash_v2 == made.infohash_v2
    with pytest.raises(SongarkError):
        fetch_torrent(feed, index, replace(line, file=f"torrents/{'0' * 64}.torrent"), tmp_path)


def test_an_attribution_is_no_way_around_a_budget(hostile, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_ATTRIBUTION", 10)
    made = torrent_of("Pack", {"a.ogg": b"1", ATTRIBUTION: b"12345678901"})
    name = f"torrents/{made.infohash_v2.hex()}.torrent"
    hostile.files[name] = made.data
    hostile.change_line(PACK, pack="Pack", file=name, tracks=1, bytes=1)
    feed = trusting(hostile.sign(), tmp_path / "trust")
    index = fetch_edition(feed, 1, tmp_path / "into")
    (line,) = [one for one in pack_lines(tmp_path / "into/editions/1") if one.pack == "Pack"]
    with pytest.raises(BrokenError, match="not the one that the edition lists"):
        fetch_torrent(feed, index, line, tmp_path / "into")


def test_an_edition_fetched_again_is_put_right(ark, tmp_path):
    feed = trusting(ark.feed, tmp_path / "trust")
    fetch_edition(feed, 1, tmp_path / "into")
    good = digests(tmp_path / "into")
    (tmp_path / "into/editions/1/torrents.jsonl").write_bytes(b"{}")
    (tmp_path / "into/editions/1/edition.json").unlink()
    fetch_edition(feed, 1, tmp_path / "into")
    assert digests(tmp_path / "into") == good
    assert json.loads((tmp_path / "into/editions/1/edition.json").read_bytes())["edition"] == 1
