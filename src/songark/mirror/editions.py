"""The editions that a feed lists, and their packs.

All of it is signed by the archive's keeper, who may be hostile: paths stay inside the folder they
are meant for, sizes are bounded, and what has another form is refused with its place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from songark.ark.atomic import write_whole
from songark.mirror.json_lines import REMEDY, count, malformed, objects, text
from songark.mirror.trust import MAX_FILE, Trusted
from songark.model.errors import BrokenError
from songark.model.index import check_path, read_index
from songark.release.packs import ATTRIBUTION
from songark.release.torrent import MAX_TORRENT, TorrentInfo, read_torrent

MAX_TEXT = 64 * 1024 * 1024
"""Bytes of one file of an edition at most, tables aside."""
MAX_ATTRIBUTION = 4 * 1024 * 1024
"""Bytes of a pack's attribution at most, which a budget does not count."""

# As large as an archive is, where all else is small.
_TABLES = {"manifest.parquet", "coverage_curve.parquet"}
_INDEX = re.compile(r"editions/([1-9][0-9]{0,8})/SHA256SUMS")
_TORRENT = re.compile(r"torrents/([0-9a-f]{64})\.torrent")


@dataclass(frozen=True, slots=True)
class PackLine:
    """A pack as an edition's ``torrents.jsonl`` tells it.

    file: the torrent's path. tracks: music files. size: their bytes. listens: to all of them. The
    three lists are what stands in the torrent outside its info.
    """

    pack: str
    file: str
    licence_class: str
    tracks: int
    size: int
    listens: int
    similar: tuple[bytes, ...]
    trackers: tuple[str, ...]
    web_seeds: tuple[str, ...]


def edition_numbers(feed: Trusted) -> list[int]:
    """The editions that a feed lists, oldest first."""
    found = (_INDEX.fullmatch(name) for name in feed.targets())
    return sorted(int(one[1]) for one in found if one)


def edition_index(feed: Trusted, number: int) -> dict[str, str]:
    """The index of an edition: digests by path.

    Raises:
        BrokenError: it is malformed, or names a file that is none of the edition's.
    """
    return _index(feed.read(f"editions/{number}/SHA256SUMS"), number)


def fetch_edition(feed: Trusted, number: int, into: Path) -> dict[str, str]:
    """Fetch an edition's files but for its torrents, each checked; returns its index.

    They come to ``<into>/editions/<n>/``; the index last, so where it is all is there.

    Raises:
        FeedError: a file is missing or not the one that was signed.
        BrokenError: see `edition_index`.
    """
    name = f"editions/{number}/SHA256SUMS"
    raw = feed.read(name)
    index = _index(raw, number)
    for path in index:
        if not path.startswith("torrents/"):
            fetch_listed(feed, index, path, into)
    if not (into / name).is_file() or (into / name).read_bytes() != raw:
        write_whole(into / name, raw)
    return index


def fetch_listed(feed: Trusted, index: dict[str, str], path: str, into: Path) -> Path:
    """Fetch one file of an index to its path below `into`, and return where it is.

    Raises:
        BrokenError: the index does not list it.
        FeedError: it is missing, too large, or not the one that was signed.
    """
    if path not in index:
        raise BrokenError("the edition's index lacks this file", place=path, remedy=REMEDY)
    limit = MAX_TEXT
    if path.startswith("torrents/"):
        limit = MAX_TORRENT
    elif path.rpartition("/")[2] in _TABLES:
        limit = MAX_FILE
    feed.fetch_file(path, index[path], into / path, limit=limit)
    return into / path


def fetch_torrent(
    feed: Trusted, index: dict[str, str], line: PackLine, into: Path
) -> tuple[TorrentInfo, bytes]:
    """A pack's torrent, which has to be what the edition says of it.

    Raises:
        BrokenError: it is another pack's, or holds other files or more bytes than are listed.
        FeedError: see `fetch_listed`.
    """
    data = fetch_listed(feed, index, line.file, into).read_bytes()
    info = read_torrent(data)
    audio = [entry.file.size for entry in info.files if entry.name != ATTRIBUTION]
    own = sum(entry.file.size for entry in info.files if entry.name == ATTRIBUTION)
    told = (f"torrents/{info.infohash_v2.hex()}.torrent", info.folder, len(audio), sum(audio))
    if told != (line.file, line.pack, line.tracks, line.size) or own > MAX_ATTRIBUTION:
        raise BrokenError(
            "the torrent is not the one that the edition lists", place=line.file, remedy=REMEDY
        )
    for entry in info.files:
        check_path(f"{info.folder}/{entry.name}", line.file)
    return info, data


def pack_lines(edition: Path) -> list[PackLine]:
    """The packs of a fetched edition, in its order.

    Raises:
        BrokenError: ``torrents.jsonl`` is missing, malformed, or has a pack twice.
    """
    path = edition / "torrents.jsonl"
    if not path.is_file():
        raise BrokenError("the edition has no list of torrents", place=str(path), remedy=REMEDY)
    found: dict[str, PackLine] = {}
    for place, told in objects(path.read_bytes(), "torrents.jsonl"):
        try:
            line = _pack_line(told)
        except (ValueError, KeyError, TypeError, BrokenError) as error:
            raise malformed("pack", place, error) from None
        if line.pack in found:
            raise malformed("pack", place, ValueError("it stands twice"))
        found[line.pack] = line
    return list(found.values())


def _index(raw: bytes, number: int) -> dict[str, str]:
    index = read_index(raw)
    for path in index:
        if not _TORRENT.fullmatch(path) and not path.startswith(f"editions/{number}/"):
            raise BrokenError(
                f"not a file of edition {number}: {path[:100]!r}", place="SHA256SUMS", remedy=REMEDY
            )
    return index


def _pack_line(told: dict[str, Any]) -> PackLine:
    pack = text(told["pack"])
    if "/" in check_path(pack):
        raise ValueError("a pack is one folder")
    file = text(told["file"])
    if not _TORRENT.fullmatch(file):
        raise ValueError("not the path of a torrent")
    return PackLine(
        pack=pack,
        file=file,
        licence_class=text(told["licence_class"]),
        tracks=count(told["tracks"], 1),
        size=count(told["bytes"], 1),
        listens=count(told["listens"], 0),
        similar=tuple(bytes.fromhex(one) for one in told["similar"]),
        trackers=tuple(map(text, told["trackers"])),
        web_seeds=tuple(map(text, told["web_seeds"])),
    )
