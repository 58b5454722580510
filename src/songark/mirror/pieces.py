"""Where the files of a torrent lie among its pieces, and whether bytes on the disk are theirs.

In our torrents every file begins at a piece, so a piece belongs to one file, and a pad file stands
behind each file that does not fill its last one (BEP 47).
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import libtorrent as lt

from songark.model.errors import BrokenError
from songark.model.identity import FileId
from songark.model.merkle import PIECE, pieces
from songark.release.bencode import decode, encode
from songark.release.torrent import MAX_TORRENT, read_torrent

__all__ = [
    "Entry",
    "Loaded",
    "arrange",
    "holds",
    "load",
    "load_again",
    "matching",
    "piece_matches",
]

# A path that can neither be read nor made: what libtorrent is told of files it must not touch.
_NOWHERE = "/dev/null/songark"
_LIMITS = {"max_buffer_size": MAX_TORRENT, "max_pieces": 2_097_152, "max_decode_tokens": 3_000_000}
_ZEROS = bytes(PIECE)
_NORMAL = 4


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a torrent: its pieces from `first` to before `end`, its `index` with pad files."""

    name: str
    file: FileId
    index: int
    first: int
    end: int


@dataclass(frozen=True, slots=True)
class Loaded:
    """A torrent read by us and by libtorrent, which agree on it.

    `infohash` is the v2 one, `places` counts pad files, too. `torrent` is what libtorrent was
    given.
    """

    folder: str
    infohash: bytes
    entries: tuple[Entry, ...]
    pieces: int
    places: int
    params: lt.add_torrent_params
    info: lt.torrent_info
    torrent: bytes


def load(torrent: bytes) -> Loaded:
    """Read a torrent from anywhere.

    What it says of similar torrents (BEP 38) is kept from libtorrent, which would link files of
    another torrent to wherever this one's are missing, and read all of them again.

    Raises:
        BrokenError: it is not of our form, or libtorrent reads something else in it.
    """
    told = read_torrent(torrent)
    top = decode(torrent) if told.similar else None
    if isinstance(top, dict):
        torrent = encode({key: top[key] for key in top if key != b"similar"})
    loaded = load_again(torrent)
    seen = tuple((entry.name, entry.file) for entry in loaded.entries)
    if loaded.infohash != told.infohash_v2 or seen != tuple((e.name, e.file) for e in told.files):
        raise _differs(told.folder, "other files or another infohash")
    return loaded


def load_again(torrent: bytes) -> Loaded:
    """Read what was in `Loaded.torrent`, without checking it once more: several times as fast.

    Raises:
        BrokenError: libtorrent does not read it.
    """
    try:
        params = lt.load_torrent_buffer(torrent, _LIMITS)  # type: ignore[call-overload]
    except RuntimeError as error:
        raise _differs("torrent", str(error)) from None
    info: lt.torrent_info = params.ti
    layout = info.layout()
    entries: list[Entry] = []
    first = 0
    for index in range(layout.num_files()):
        if layout.file_flags(index) & lt.file_storage.flag_pad_file:
            continue
        file = FileId(layout.root(index).to_bytes(), layout.file_size(index))
        end = first + pieces(file.size)
        entries.append(Entry(layout.file_name(index), file, index, first, end))
        first = end
    if first != info.num_pieces():
        raise _differs(info.name(), "files that do not begin at a piece")
    infohash = info.info_hashes().v2.to_bytes()
    places = layout.num_files()
    return Loaded(info.name(), infohash, tuple(entries), first, places, params, info, torrent)


def arrange(
    loaded: Loaded, places: Mapping[int, str], have: list[bool], fetch: Collection[int] = ()
) -> lt.add_torrent_params:
    """Tell libtorrent where files lie, by index, which pieces are there, and what to fetch.

    A file that is not fetched has priority 0: so it is not written to, and libtorrent does not
    check its size, after which it would read the whole torrent again.
    """
    params = loaded.params
    params.renamed_files = {
        entry.index: places.get(entry.index, _NOWHERE) for entry in loaded.entries
    }
    params.file_priorities = [_NORMAL if at in fetch else 0 for at in range(loaded.places)]
    params.have_pieces = have
    params.save_path = _NOWHERE
    params.flags = lt.torrent_flags.duplicate_is_error
    return params


def holds(path: Path, size: int) -> bool:
    """Whether an ordinary file of exactly this size is at `path`."""
    try:
        found = path.stat()
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size == size


def matching(info: lt.torrent_info, entry: Entry, path: Path) -> Iterator[int]:
    """The pieces of a file that lie whole and right at `path`, read one by one."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        for piece in range(entry.first, entry.end):
            if piece_matches(info, piece, handle, entry.first):
                yield piece
    finally:
        os.close(handle)


def piece_matches(info: lt.torrent_info, piece: int, handle: int, first: int) -> bool:
    """Whether an open file that begins at piece `first` has the right bytes for `piece`.

    By the piece's SHA-1, which shows what went wrong on a disk; that a whole file is the one its
    root names is for whoever takes it in to check.
    """
    try:
        data = os.pread(handle, PIECE, (piece - first) * PIECE)
    except OSError:
        return False
    own = hashlib.sha1(data, usedforsecurity=False)
    own.update(memoryview(_ZEROS)[: info.piece_size(piece) - len(data)])
    return own.digest() == info.hash_for_piece(piece)


def _differs(folder: str, why: str) -> BrokenError:
    return BrokenError(
        f"libtorrent does not read this torrent as we do ({why})",
        place=folder,
        remedy="Fetch it again, from the feed that names it",
    )
