"""Hybrid torrents (BEP 3 and BEP 52 in one) from hash records alone: no audio is read.

The form is fixed, so the same files give the same bytes: one folder, files in byte order of their
names, 1 MiB pieces, a BEP 47 pad file behind each file that does not fill its last piece, none
behind the last file, no date. libtorrent makes the same infohashes from the files themselves with
its flag ``canonical_files_no_tail_padding``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from songark.model.errors import SongarkError
from songark.model.hash_record import SHA1, HashRecord
from songark.model.merkle import PIECE
from songark.release.bencode import encode
from songark.release.torrent_form import (
    MAX_TORRENT,
    PAD_FOLDER,
    check_distinct,
    check_name,
    check_tracker,
    check_web_seed,
    pad_name,
)
from songark.release.torrent_read import TorrentEntry, TorrentInfo, read_torrent

__all__ = [
    "MAX_TORRENT",
    "Torrent",
    "TorrentEntry",
    "TorrentFile",
    "TorrentInfo",
    "build_torrent",
    "read_torrent",
]

_PAD_ENTRY = b"d4:attr1:p6:lengthi%%de4:pathl%d:%b%%d:%%bee" % (
    len(PAD_FOLDER),
    PAD_FOLDER.encode(),
)


@dataclass(frozen=True, slots=True)
class TorrentFile:
    """One file of a torrent to be made: its name in the folder, and its hashes."""

    name: str
    record: HashRecord


@dataclass(frozen=True, slots=True)
class Torrent:
    """A finished torrent: both infohashes (20 and 32 bytes) and the file's bytes."""

    infohash_v1: bytes
    infohash_v2: bytes
    data: bytes


def build_torrent(
    folder: str,
    files: Sequence[TorrentFile],
    *,
    similar: Sequence[bytes] = (),
    trackers: Sequence[str] = (),
    web_seeds: Sequence[str] = (),
) -> Torrent:
    """Make the torrent of a folder of files.

    The records are taken as checked. `similar` are v1 infohashes of torrents that share files
    (BEP 38), each of `trackers` is a tier of its own (BEP 12), `web_seeds` are the URLs under
    which the folder lies (BEP 19); all three stay outside ``info``.

    Raises:
        SongarkError: there is no file, a name is not fit (see `check_name`), two names differ by
            case only, an infohash or URL has a wrong form, or the torrent would be too large.
    """
    name = check_name(folder)
    check_distinct(file.name for file in files)
    entries = sorted((check_name(file.name), file.record) for file in files)
    if not entries:
        raise SongarkError("a torrent without files", place=folder)
    info = _info(name, entries)
    layers = {record.file.root: record.layer for _, record in entries if record.layer}
    data = b"".join(
        (
            b"d",
            _announce(trackers),
            b"4:info",
            info,
            b"12:piece layersd",
            *(b"32:%b%d:%b" % (root, len(layers[root]), layers[root]) for root in sorted(layers)),
            b"e",
            _similar(similar),
            _url_list(web_seeds),
            b"e",
        )
    )
    if len(data) > MAX_TORRENT:
        raise SongarkError(
            f"the torrent would have {len(data)} bytes, more than {MAX_TORRENT}",
            place=folder,
            remedy="Put fewer files into one pack",
        )
    return Torrent(hashlib.sha1(info, usedforsecurity=False).digest(), _sha256(info), data)


def _info(folder: bytes, entries: Sequence[tuple[bytes, HashRecord]]) -> bytes:
    """The info dictionary, joined from parts: a generic encoder takes several times as long."""
    tree = [
        b"%d:%bd0:d6:lengthi%de11:pieces root32:%bee"
        % (len(name), name, record.file.size, record.file.root)
        for name, record in entries
    ]
    listed: list[bytes] = []
    hashes: list[bytes] = []
    for name, record in entries:
        size = record.file.size
        listed.append(b"d6:lengthi%de4:pathl%d:%bee" % (size, len(name), name))
        hashes += (record.v1[:-SHA1], record.v1_last_padded)
        gap = -size % PIECE
        if gap:
            listed.append(_pad(gap))
    last = entries[-1][1]
    hashes[-1] = last.v1[-SHA1:]
    if last.file.size % PIECE:
        listed.pop()
    pieces = b"".join(hashes)
    return b"".join(
        (
            b"d9:file treed",
            *tree,
            b"e5:filesl",
            *listed,
            b"e12:meta versioni2e4:name%d:%b" % (len(folder), folder),
            b"12:piece lengthi%de6:pieces%d:" % (PIECE, len(pieces)),
            pieces,
            b"e",
        )
    )


def _pad(gap: int) -> bytes:
    name = pad_name(gap)
    return _PAD_ENTRY % (gap, len(name), name)


def _announce(trackers: Sequence[str]) -> bytes:
    for url in trackers:
        check_tracker(url)
    if not trackers:
        return b""
    tiers = [[url] for url in trackers]
    return b"8:announce" + encode(trackers[0]) + b"13:announce-list" + encode(tiers)


def _similar(infohashes: Sequence[bytes]) -> bytes:
    for one in infohashes:
        if len(one) != SHA1:
            raise SongarkError(f"a v1 infohash has {SHA1} bytes, not {len(one)}", place="similar")
    return b"7:similar" + encode(sorted(set(infohashes))) if infohashes else b""


def _url_list(seeds: Sequence[str]) -> bytes:
    folders = [url.rstrip("/") + "/" for url in seeds]
    for url in folders:
        check_web_seed(url)
    return b"8:url-list" + encode(folders) if seeds else b""


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
