"""Torrents made from hash records, held against those libtorrent makes by reading the files."""

import dataclasses
import hashlib
import random
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import libtorrent as lt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from songark.model.errors import BrokenError, SongarkError
from songark.model.hashing import BLOCK, PIECE, Hasher, HashRecord, hash_file
from songark.release import torrent
from songark.release.bencode import decode, encode
from songark.release.torrent import Torrent, TorrentFile, build_torrent, read_torrent
from songark.release.torrent_form import check_name

AWKWARD = {
    "a.ogg": PIECE + 1,
    "B.ogg": 1,
    "Z - last of the upper case.ogg": BLOCK,
    "Ünï – côdé.flac": BLOCK + 1,
    "c.ogg": BLOCK - 1,
    "d.ogg": PIECE,
    "e.ogg": PIECE - 1,
    "f.ogg": 3 * PIECE,
    "g.ogg": 2 * PIECE + 5 * BLOCK + 3,
    "漢字.mp3": 5,
}


LENGTHS = st.integers(1, 3 * PIECE) | st.builds(
    int.__add__, st.sampled_from([BLOCK, PIECE, 2 * PIECE]), st.integers(-2, 2)
)


def content(size: int, seed: int = 0) -> bytes:
    return hashlib.shake_128(b"%d" % seed).digest(size)


@cache
def record_of(size: int, seed: int = 0) -> HashRecord:
    hasher = Hasher()
    hasher.update(content(size, seed))
    return hasher.finish()


def files_of(sizes: Mapping[str, int]) -> list[TorrentFile]:
    return [TorrentFile(name, record_of(size)) for name, size in sizes.items()]


def by_libtorrent(folder: Path) -> tuple[bytes, bytes, dict[bytes, Any]]:
    """Both infohashes and the torrent that libtorrent makes of a folder by reading it."""
    made = lt.create_torrent(
        lt.list_files(str(folder)),
        PIECE,
        lt.create_torrent.canonical_files_no_tail_padding,
    )
    lt.set_piece_hashes(made, str(folder.parent))
    told = made.generate()
    info = lt.bencode(told[b"info"])
    return hashlib.sha1(info).digest(), hashlib.sha256(info).digest(), told


def agrees(folder: Path) -> Torrent:
    """Build from records of the files in a folder; all must be as libtorrent says."""
    files = [TorrentFile(path.name, hash_file(path)) for path in folder.iterdir()]
    random.Random(1).shuffle(files)
    made = build_torrent(folder.name, files)
    v1, v2, told = by_libtorrent(folder)
    ours = decode(made.data)
    assert isinstance(ours, dict)
    assert ours[b"info"] == told[b"info"]
    assert ours[b"piece layers"] == told[b"piece layers"]
    assert (made.infohash_v1, made.infohash_v2) == (v1, v2)
    loaded = lt.load_torrent_buffer(made.data).info_hashes
    assert (loaded.v1.to_bytes(), loaded.v2.to_bytes()) == (v1, v2)
    return made


def write(folder: Path, sizes: Mapping[str, int], seed: int = 0) -> Path:
    folder.mkdir(parents=True)
    for name, size in sizes.items():
        (folder / name).write_bytes(content(size, seed))
    return folder


def test_awkward_sizes_are_as_libtorrent_says(tmp_path: Path) -> None:
    agrees(write(tmp_path / "pack", AWKWARD))


@pytest.mark.parametrize("size", sorted(set(AWKWARD.values())))
@pytest.mark.parametrize("others", [(), ("a.ogg",), ("z.ogg",)], ids=["alone", "last", "first"])
def test_each_size_alone_first_and_last(tmp_path: Path, size: int, others: tuple[str]) -> None:
    sizes = {"m.ogg": size} | dict.fromkeys(others, 2 * PIECE - 7)
    agrees(write(tmp_path / "pack", sizes))


def test_one_file_stays_in_its_folder(tmp_path: Path) -> None:
    made = agrees(write(tmp_path / "pack", {"only.ogg": PIECE + 5}))
    info = decode(made.data)[b"info"]  # type: ignore[call-overload,index]
    assert info[b"files"] == [{b"length": PIECE + 5, b"path": [b"only.ogg"]}]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(LENGTHS, st.integers(0, 2)), min_size=1, max_size=6))
def test_any_sizes_are_as_libtorrent_says(drawn: list[tuple[int, int]]) -> None:
    with TemporaryDirectory() as place:
        folder = Path(place) / "pack"
        folder.mkdir()
        for n, (size, seed) in enumerate(drawn):
            (folder / f"{seed} {n}.ogg").write_bytes(content(size, seed))
        made = agrees(folder)
        read = read_torrent(made.data)
        assert [(one.name, one.file) for one in read.files] == [
            (path.name, hash_file(path).file) for path in sorted(folder.iterdir())
        ]


@pytest.mark.parametrize("size", [BLOCK, 2 * PIECE + 1])
def test_two_equal_files_share_one_layer(tmp_path: Path, size: int) -> None:
    made = agrees(write(tmp_path / "pack", {"one.ogg": size, "two.ogg": size, "z.ogg": 9}))
    layers = decode(made.data)[b"piece layers"]  # type: ignore[call-overload,index]
    assert len(layers) == (1 if size > PIECE else 0)
    read = read_torrent(made.data)
    assert read.files[0].file == read.files[1].file
    assert read.files[0].layer == read.files[1].layer == record_of(size).layer


def test_twins_lie_side_by_side(tmp_path: Path) -> None:
    """A file and the 64 bytes with its root: one root, two sizes, one layer."""
    folder = write(tmp_path / "pack", {"file.ogg": 2 * PIECE})
    (folder / "twin.ogg").write_bytes(record_of(2 * PIECE).layer)
    read = read_torrent(agrees(folder).data)
    assert read.files[0].file.root == read.files[1].file.root
    assert [len(one.layer) for one in read.files] == [64, 0]


def test_the_padding_rule(tmp_path: Path) -> None:
    """Behind each file but the last, and the hash of a last piece with its zeros.

    Written out by hand, since a slip here changes every infohash and shows nowhere else.
    """
    first, last = content(PIECE + 7, 1), content(BLOCK, 2)
    files = [
        TorrentFile("b", record_of(BLOCK, 2)),
        TorrentFile("a", record_of(PIECE + 7, 1)),
    ]
    made = build_torrent("pack", files)
    info = decode(made.data)[b"info"]  # type: ignore[call-overload,index]
    gap = PIECE - 7
    assert info[b"files"] == [
        {b"length": PIECE + 7, b"path": [b"a"]},
        {b"attr": b"p", b"length": gap, b"path": [b".pad", b"%d" % gap]},
        {b"length": BLOCK, b"path": [b"b"]},
    ]
    stream = first + bytes(gap) + last
    parts = [stream[at : at + PIECE] for at in range(0, len(stream), PIECE)]
    assert info[b"pieces"] == b"".join(hashlib.sha1(part).digest() for part in parts)


def test_the_order_given_does_not_matter() -> None:
    files = files_of(AWKWARD)
    assert build_torrent("pack", files) == build_torrent("pack", files[::-1])


def test_trackers_seeds_and_similar_lie_outside_info() -> None:
    files = files_of({"a.ogg": PIECE + 1, "b.ogg": 5})
    bare = build_torrent("pack", files)
    old = [bytes(range(20)), bytes(20)]
    full = build_torrent(
        "pack",
        files,
        similar=[*old, old[0]],
        trackers=["udp://tracker.example:6969/announce", "https://t.example/a"],
        web_seeds=["https://music.example/packs", "http://b.example/"],
    )
    assert (full.infohash_v1, full.infohash_v2) == (bare.infohash_v1, bare.infohash_v2)
    assert encode(decode(full.data)) == full.data
    read = read_torrent(full.data)
    assert read.similar == (old[1], old[0])
    assert read.trackers == ("udp://tracker.example:6969/announce", "https://t.example/a")
    assert read.web_seeds == ("https://music.example/packs/", "http://b.example/")
    loaded = lt.load_torrent_buffer(full.data)
    assert tuple(loaded.trackers) == read.trackers
    assert sorted(loaded.url_seeds) == sorted(read.web_seeds)
    info = loaded.ti
    assert {one.to_bytes() for one in info.similar_torrents()} == set(old)


def test_what_is_read_is_what_was_written() -> None:
    made = build_torrent("Päck", files_of(AWKWARD))
    read = read_torrent(made.data)
    assert read.folder == "Päck"
    assert (read.infohash_v1, read.infohash_v2) == (made.infohash_v1, made.infohash_v2)
    assert [one.name for one in read.files] == sorted(AWKWARD, key=str.encode)
    for one in read.files:
        record = record_of(AWKWARD[one.name])
        assert (one.file, one.layer) == (record.file, record.layer)
        last = record.v1[-20:] if one is read.files[-1] else record.v1_last_padded
        assert one.v1 == record.v1[:-20] + last


NAMES = st.text(
    st.characters(codec="utf-8") | st.sampled_from("aA.ßİ\u0301\u200d\u202e/\\ \x7f"),
    max_size=70,
)


@settings(max_examples=300, deadline=None)
@given(NAMES)
def test_every_name_taken_stays_as_it_is_in_libtorrent(name: str) -> None:
    try:
        check_name(name)
    except SongarkError:
        return
    made = build_torrent(name, [TorrentFile(name, record_of(5))])
    read = read_torrent(made.data)
    assert (read.folder, [one.name for one in read.files]) == (name, [name])
    assert lt.load_torrent_buffer(made.data).ti.layout().file_path(0) == f"{name}/{name}"


@pytest.mark.parametrize("length", [1, 239, 240])
def test_names_up_to_240_bytes_stay_whole(length: int) -> None:
    name = "ä" * (length // 2) + "x" * (length % 2)
    made = build_torrent("f", [TorrentFile(name, record_of(5))])
    assert lt.load_torrent_buffer(made.data).ti.layout().file_path(0) == f"f/{name}"


BAD_NAMES = [
    "",
    ".",
    "..",
    ".pad",
    ".PAD",
    "a/b",
    "/",
    "a\\b",
    "a\0b",
    "a\nb",
    "a\x7f",
    "a\x85",
    "a\u202egpj.exe",
    "a\u200b",
    "a\u2028b",
    "\ufeffa",
    "e\u0301",
    "\udc80",
    "x" * 241,
    "ä" * 121,
]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_bad_names_are_refused(name: str) -> None:
    with pytest.raises(SongarkError, match="name"):
        build_torrent("pack", [TorrentFile(name, record_of(5))])
    with pytest.raises(SongarkError, match="name"):
        build_torrent(name, [TorrentFile("a", record_of(5))])


@pytest.mark.parametrize("pair", [("a", "a"), ("a", "A"), ("ä", "Ä"), ("ß", "ss"), ("ς", "Σ")])
def test_names_that_differ_by_case_only_are_refused(pair: tuple[str, str]) -> None:
    files = [TorrentFile(name, record_of(5 + n)) for n, name in enumerate(pair)]
    with pytest.raises(SongarkError, match="without regard to case"):
        build_torrent("pack", files)


def test_other_things_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    one = files_of({"a": 5})
    with pytest.raises(SongarkError, match="without files"):
        build_torrent("pack", [])
    with pytest.raises(SongarkError, match="20 bytes"):
        build_torrent("pack", one, similar=[bytes(32)])
    for url in ("", "tracker", "file:///etc/passwd", "http://a b", "http://a\n", "https://ä"):
        with pytest.raises(SongarkError, match="tracker"):
            build_torrent("pack", one, trackers=[url])
        with pytest.raises(SongarkError, match="web seed"):
            build_torrent("pack", one, web_seeds=[url])
    monkeypatch.setattr(torrent, "MAX_TORRENT", 100)
    with pytest.raises(SongarkError, match="fewer files"):
        build_torrent("pack", one)


SOUND = build_torrent(
    "pack",
    [
        TorrentFile("a", record_of(2 * PIECE + 1)),
        TorrentFile("b", record_of(5)),
        TorrentFile("c", record_of(PIECE)),
        TorrentFile("d", record_of(3 * PIECE)),
    ],
    similar=[bytes(20)],
    trackers=["udp://t.example:1"],
    web_seeds=["http://w.example/"],
)

Change = Callable[[Any, Any], object]


def set_in(*path: Any) -> Change:
    """Put the last of `path` at the place the others name, as seen from the top."""
    *keys, last, value = path

    def change(top: Any, _: Any) -> None:
        node = top
        for key in keys:
            node = node[key]
        node[last] = value

    return change


def swap_files(_: Any, info: Any) -> None:
    info[b"files"][0], info[b"files"][2] = info[b"files"][2], info[b"files"][0]


def rename(new: bytes) -> Change:
    def change(_: Any, info: Any) -> None:
        info[b"file tree"][new] = info[b"file tree"].pop(b"b")
        for one in info[b"files"]:
            if one[b"path"] == [b"b"]:
                one[b"path"] = [new]

    return change


ROOT = record_of(2 * PIECE + 1).file.root
LEAF = (b"info", b"file tree", b"b")
CHANGES: dict[str, Change] = {
    "v1 only": lambda top, info: info.pop(b"file tree"),
    "v2 only": lambda top, info: info.pop(b"files"),
    "no layers": lambda top, info: top.pop(b"piece layers"),
    "no info": lambda top, info: top.pop(b"info"),
    "info is a list": set_in(b"info", []),
    "a date": set_in(b"creation date", 1),
    "private": set_in(b"info", b"private", 1),
    "other pieces": set_in(b"info", b"piece length", 2 * PIECE),
    "version 3": set_in(b"info", b"meta version", 3),
    "folder outside": set_in(b"info", b"name", b".."),
    "folder is a number": set_in(b"info", b"name", 1),
    "folder not UTF-8": set_in(b"info", b"name", b"\xff"),
    "no files": set_in(b"info", b"file tree", {}),
    "v1 in another order": swap_files,
    "no pad": lambda top, info: info[b"files"].pop(1),
    "a pad at the end": lambda top, info: info[b"files"].append(dict(info[b"files"][1])),
    "a pad that is a file": lambda top, info: info[b"files"][1].pop(b"attr"),
    "a wrong pad": set_in(b"info", b"files", 1, b"length", 3),
    "a pad elsewhere": set_in(b"info", b"files", 1, b"path", [b"..", b"1"]),
    "a file marked": set_in(b"info", b"files", 0, b"attr", b"l"),
    "v1 of another size": set_in(b"info", b"files", 2, b"length", 6),
    "v2 of another size": set_in(*LEAF, b"", b"length", 6),
    "an empty file": set_in(*LEAF, b"", b"length", 0),
    "a negative size": set_in(*LEAF, b"", b"length", -5),
    "a huge size": set_in(*LEAF, b"", b"length", (1 << 63) - 1),
    "a short root": set_in(*LEAF, b"", b"pieces root", bytes(31)),
    "a root that is a number": set_in(*LEAF, b"", b"pieces root", 1),
    "more in a leaf": set_in(*LEAF, b"", b"attr", b"x"),
    "a folder in the folder": lambda top, info: info[b"file tree"].update(
        {b"b": {b"deep": info[b"file tree"][b"b"]}}
    ),
    "a leaf that is a number": set_in(*LEAF, 1),
    "a name outside": rename(b".."),
    "a name with a slash": rename(b"../../b"),
    "a name in the pads": rename(b".pad"),
    "a name twice": rename(b"A"),
    "a name not NFC": rename("e\u0301".encode()),
    "a name not UTF-8": rename(b"\xff"),
    "pieces missing": lambda top, info: info.update({b"pieces": info[b"pieces"][20:]}),
    "pieces over": lambda top, info: info.update({b"pieces": info[b"pieces"] + bytes(20)}),
    "a broken layer": set_in(b"piece layers", ROOT, bytes(96)),
    "a short layer": set_in(b"piece layers", ROOT, record_of(2 * PIECE + 1).layer[:64]),
    "an empty layer": set_in(b"piece layers", ROOT, b""),
    "a layer that is a list": set_in(b"piece layers", ROOT, []),
    "a layer missing": lambda top, info: top[b"piece layers"].pop(ROOT),
    "a layer of nobody": set_in(b"piece layers", bytes(32), bytes(64)),
    "similar of another length": set_in(b"similar", [bytes(32)]),
    "similar is a string": set_in(b"similar", bytes(20)),
    "another announce": set_in(b"announce", b"udp://other.example:1"),
    "announce alone": lambda top, info: top.pop(b"announce-list"),
    "two in a tier": set_in(b"announce-list", [[b"udp://t.example:1", b"udp://u.example:1"]]),
    "a seed on the disk": set_in(b"url-list", [b"file:///etc/"]),
    "a seed with controls": set_in(b"url-list", [b"http://a\xff/"]),
    "a seed alone": set_in(b"url-list", b"http://w.example/"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_hostile_torrents_are_refused(change: Change) -> None:
    top: Any = decode(SOUND.data)
    change(top, top.get(b"info"))
    assert encode(top) != SOUND.data
    with pytest.raises(BrokenError):
        read_torrent(encode(top))


def test_a_sound_one_is_read_and_a_larger_one_is_not() -> None:
    assert [one.name for one in read_torrent(SOUND.data).files] == ["a", "b", "c", "d"]
    with pytest.raises(BrokenError, match="more than"):
        read_torrent(bytes(torrent.MAX_TORRENT + 1))


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 8 * len(SOUND.data) - 1))
def test_any_flipped_bit_is_refused_or_shows_in_an_infohash(at: int) -> None:
    """Or it lies outside `info` in a list of places, which names no file."""
    data = bytearray(SOUND.data)
    data[at // 8] ^= 1 << at % 8
    sound = read_torrent(SOUND.data)
    try:
        read = read_torrent(bytes(data))
    except BrokenError:
        return
    if read.infohash_v2 == sound.infohash_v2:
        same = dataclasses.replace(
            read, similar=sound.similar, trackers=sound.trackers, web_seeds=sound.web_seeds
        )
        assert same == sound
    else:
        assert read.infohash_v1 != sound.infohash_v1


def test_infohashes_are_of_the_bytes_themselves() -> None:
    start = SOUND.data.index(b"4:infod") + 6
    end = SOUND.data.index(b"12:piece layersd")
    assert hashlib.sha1(SOUND.data[start:end]).digest() == SOUND.infohash_v1
    assert hashlib.sha256(SOUND.data[start:end]).digest() == SOUND.infohash_v2


def test_seeding_from_the_torrent_checks_every_byte(tmp_path: Path) -> None:
    """libtorrent checks the files on disk against both halves of a torrent it did not make."""
    sizes = AWKWARD | {"g again.ogg": AWKWARD["g.ogg"]}
    write(tmp_path / "pack", sizes)
    made = build_torrent("pack", files_of(sizes))
    session = lt.session(
        {"enable_dht": False, "enable_lsd": False, "listen_interfaces": "127.0.0.1:0"}
    )
    asked = lt.load_torrent_buffer(made.data)
    asked.save_path = str(tmp_path)
    asked.flags &= ~(lt.torrent_flags.paused | lt.torrent_flags.auto_managed)
    handle = session.add_torrent(asked)
    for _ in range(600):
        status = handle.status()
        if status.is_seeding or status.errc.value():
            break
        session.wait_for_alert(50)
        session.pop_alerts()
    assert status.errc.value() == 0, status.errc.message()
    assert status.is_seeding
