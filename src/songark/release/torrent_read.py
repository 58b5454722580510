"""Read a torrent of our own form, from anywhere, believing nothing.

What `build_torrent` writes is the only form taken: any other key, order, pad file or piece size is
refused, so that both infohashes name exactly the files listed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from songark.model.errors import BrokenError, SongarkError
from songark.model.hash_record import SHA1
from songark.model.identity import FileId
from songark.model.merkle import HASH, PIECE, pieces, root_of_layer
from songark.release.bencode import Value, decode, encode
from songark.release.torrent_form import (
    MAX_TORRENT,
    PAD_FOLDER,
    check_distinct,
    check_name,
    check_tracker,
    check_web_seed,
    pad_name,
)

_INFO = {b"file tree", b"files", b"meta version", b"name", b"piece length", b"pieces"}
_MUST = {b"info", b"piece layers"}
_MAY = {b"announce", b"announce-list", b"similar", b"url-list"}


@dataclass(frozen=True, slots=True)
class TorrentEntry:
    """One file as a torrent tells it.

    `layer` is its piece layer, empty where it has one piece. `v1` are the SHA-1 of its pieces; the
    last one is padded with zeros, except in the last file of the torrent.
    """

    name: str
    file: FileId
    layer: bytes
    v1: bytes


@dataclass(frozen=True, slots=True)
class TorrentInfo:
    """What a torrent says: its folder, files in byte order of their names, and infohashes."""

    folder: str
    files: tuple[TorrentEntry, ...]
    infohash_v1: bytes
    infohash_v2: bytes
    similar: tuple[bytes, ...]
    trackers: tuple[str, ...]
    web_seeds: tuple[str, ...]


def read_torrent(data: bytes) -> TorrentInfo:
    """Read and check a torrent.

    Raises:
        BrokenError: it is too large, not of the form that `build_torrent` writes, its v1 and v2
            halves disagree, or a piece layer does not hash up to its root.
    """
    if len(data) > MAX_TORRENT:
        raise _fault("size", f"{len(data)} bytes are more than {MAX_TORRENT}")
    try:
        return _torrent(_dict(decode(data), "torrent"))
    except BrokenError:
        raise
    except SongarkError as error:
        raise _fault(error.place, error.message) from None


def _torrent(top: dict[bytes, Value]) -> TorrentInfo:
    if not _MUST <= set(top) <= _MUST | _MAY:
        raise _fault("torrent", "a key is missing or not one of ours")
    info = _dict(top[b"info"], "info")
    if set(info) != _INFO:
        raise _fault("info", "a key is missing or not one of ours")
    if info[b"meta version"] != 2 or info[b"piece length"] != PIECE:
        raise _fault("info", "not version 2 with pieces of 1 MiB")
    folder = _name(_bytes(info[b"name"], "name"))
    told = [(_name(raw), _file(leaf)) for raw, leaf in _dict(info[b"file tree"], "tree").items()]
    if not told:
        raise _fault("file tree", "no files")
    check_distinct(name for name, _ in told)
    if info[b"files"] != _listed(told):
        raise _fault("files", "the v1 files and pad files are not those of the file tree")
    raw = encode(info)
    return TorrentInfo(
        folder=folder,
        files=_entries(
            told, _dict(top[b"piece layers"], "layers"), _bytes(info[b"pieces"], "pieces")
        ),
        infohash_v1=hashlib.sha1(raw, usedforsecurity=False).digest(),
        infohash_v2=hashlib.sha256(raw).digest(),
        similar=_similar(top.get(b"similar", [])),
        trackers=_trackers(top),
        web_seeds=_web_seeds(top.get(b"url-list", [])),
    )


def _entries(
    told: Sequence[tuple[str, FileId]], layers: dict[bytes, Value], v1: bytes
) -> tuple[TorrentEntry, ...]:
    """Give each file its hashes, and leave none over."""
    if len(v1) != SHA1 * sum(pieces(file.size) for _, file in told):
        raise _fault("pieces", "not one hash for each piece")
    if set(layers) != {file.root for _, file in told if file.size > PIECE}:
        raise _fault("piece layers", "not one layer for each file of several pieces")
    made: list[TorrentEntry] = []
    at = 0
    for name, file in told:
        count = pieces(file.size)
        layer = _bytes(layers[file.root], "layer") if count > 1 else b""
        if count > 1 and (len(layer) != HASH * count or root_of_layer(layer) != file.root):
            raise _fault(f"piece layers, {file}", "the layer does not hash up to the root")
        made.append(TorrentEntry(name, file, layer, v1[at : at + SHA1 * count]))
        at += SHA1 * count
    return tuple(made)


def _listed(told: Sequence[tuple[str, FileId]]) -> list[Value]:
    """The v1 list that belongs to a file tree: pad files between the files, none at the end."""
    listed: list[Value] = []
    for name, file in told:
        listed.append({b"length": file.size, b"path": [name.encode()]})
        gap = -file.size % PIECE
        if gap:
            path: list[Value] = [PAD_FOLDER.encode(), pad_name(gap)]
            listed.append({b"attr": b"p", b"length": gap, b"path": path})
    if told[-1][1].size % PIECE:
        listed.pop()
    return listed


def _file(leaf: Value) -> FileId:
    node = _dict(leaf, "file tree")
    facts = _dict(node.get(b"", 0), "file tree")
    if set(node) != {b""} or set(facts) != {b"length", b"pieces root"}:
        raise _fault("file tree", "not a file in the folder itself")
    size, root = facts[b"length"], _bytes(facts[b"pieces root"], "pieces root")
    if not isinstance(size, int) or size < 1 or len(root) != HASH:
        raise _fault("file tree", "a length or root of the wrong form")
    return FileId(root, size)


def _similar(value: Value) -> tuple[bytes, ...]:
    found = tuple(_bytes(one, "similar") for one in _list(value, "similar"))
    if any(len(one) != SHA1 for one in found):
        raise _fault("similar", "not a v1 infohash")
    return found


def _trackers(top: dict[bytes, Value]) -> tuple[str, ...]:
    tiers = [_list(tier, "announce-list") for tier in _list(top.get(b"announce-list", []), "list")]
    if any(len(tier) != 1 for tier in tiers):
        raise _fault("announce-list", "a tier has not exactly one tracker")
    urls = tuple(_url(tier[0]) for tier in tiers)
    if top.get(b"announce") != (urls[0].encode() if urls else None):
        raise _fault("announce", "not the first tracker of the list")
    for url in urls:
        check_tracker(url)
    return urls


def _web_seeds(value: Value) -> tuple[str, ...]:
    urls = tuple(_url(one) for one in _list(value, "url-list"))
    for url in urls:
        check_web_seed(url)
    return urls


def _url(value: Value) -> str:
    raw = _bytes(value, "URL")
    if not raw.isascii():
        raise _fault(ascii(raw)[:300], "a URL is not ASCII")
    return raw.decode()


def _name(raw: bytes) -> str:
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        raise _fault(ascii(raw)[:300], "a name is not UTF-8") from None
    check_name(name)
    return name


def _dict(value: Value, place: str) -> dict[bytes, Value]:
    if not isinstance(value, dict):
        raise _fault(place, "not a dictionary")
    return value


def _list(value: Value, place: str) -> list[Value]:
    if not isinstance(value, list):
        raise _fault(place, "not a list")
    return value


def _bytes(value: Value, place: str) -> bytes:
    if not isinstance(value, bytes):
        raise _fault(place, "not a string")
    return value


def _fault(place: str, why: str) -> BrokenError:
    return BrokenError(
        f"not a torrent of ours: {why}",
        place=place,
        remedy="Fetch it again, from the feed that names it",
    )
