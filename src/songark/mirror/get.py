"""One track from any plain web server by Range, each piece proven before it is kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

from songark.ark.atomic import sync_folder
from songark.mirror.editions import (
    edition_index,
    edition_numbers,
    fetch_listed,
    fetch_torrent,
    pack_lines,
)
from songark.mirror.feed_source import Patience
from songark.mirror.json_lines import REMEDY
from songark.mirror.manifest import Listed, read_manifest
from songark.mirror.notices import swarm_of, withdrawn_files
from songark.mirror.ranges import Ranges
from songark.mirror.trust import Trusted
from songark.model.errors import BrokenError, RefusedError, SongarkError, UsageError
from songark.model.hashing import PIECE, hash_file
from songark.model.identity import FileId
from songark.model.proof import prove_from_layer, verify
from songark.release.torrent import TorrentEntry

_PATIENT = Patience()


@dataclass(frozen=True, slots=True)
class Got:
    """A track that was fetched: where it lies, its bytes, those fetched now, and of its proofs."""

    path: Path
    bytes: int
    fetched: int
    proof_bytes: int
    row: dict[str, Any]


def get(
    feed: Trusted,
    recording: str,
    folder: Path,
    state: Path,
    *,
    server: str = "",
    progress: Callable[[int], None],
    patience: Patience = _PATIENT,
) -> Got:
    """Fetch a recording's released file into `folder`; goes on where it stopped.

    Nothing that the server says is believed: each 1 MiB piece is verified against the root and
    size in the signed manifest before the next one is asked for. A file that is there already is
    not fetched again.

    Args:
        feed: the archive's feed.
        recording: the recording's id.
        folder: where the file goes, under its released name.
        state: where the feed's files are kept between calls.
        server: base address that has ``<pack>/<name>``; else the feed's own web seeds.
        progress: told of bytes.
        patience: how long the server may take.

    Raises:
        RefusedError: the recording is withdrawn.
        UsageError: there is no such recording in the newest edition, no server is known, or
            another file lies where this one belongs.
        SongarkError: the server fails, or gives other bytes than the manifest names.
    """
    found, entry = _released(feed, recording, state)
    bases = [server] if server else list(swarm_of(feed).web_seeds)
    if not bases:
        raise UsageError(
            "the feed names no web server", remedy="Name one that has the files with --from URL"
        )
    target = folder / entry.name
    proofs = _proofs(entry)
    weight = sum(map(len, proofs))
    if _is_here(target, entry.file):
        return Got(target, entry.file.size, 0, weight, found.row)
    base = bases[0].rstrip("/")
    ranges = Ranges(f"{base}/{quote(found.pack)}/{quote(found.name)}", patience)
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{entry.file}.part"
    with part.open("a+b") as stream:
        start = _sound(stream, entry, proofs)
        stream.truncate(start)
        fetched = _fetch(ranges, stream, entry, proofs, start, progress)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(target)
    sync_folder(folder)
    return Got(target, entry.file.size, fetched, weight, found.row)


def _released(feed: Trusted, recording: str, state: Path) -> tuple[Listed, TorrentEntry]:
    """The recording's file in the newest manifest, and in its torrent, which has the layer."""
    feed.refresh()
    numbers = edition_numbers(feed)
    if not numbers:
        raise UsageError("the feed has no edition yet")
    index = edition_index(feed, numbers[-1])
    edition = state / "editions" / str(numbers[-1])
    for name in ("manifest.parquet", "torrents.jsonl"):
        fetch_listed(feed, index, f"editions/{numbers[-1]}/{name}", state)
    found = next((one for one in read_manifest(edition) if one.recording == recording), None)
    for gone in withdrawn_files(feed):
        if gone.file == found.file if found else gone.recording == recording:
            raise RefusedError(f"{recording} is {gone.reason}", remedy="It is not given away")
    if found is None:
        raise UsageError(
            f"edition {numbers[-1]} has no recording {recording[:100]!r}",
            remedy="Its manifest lists them all",
        )
    line = next((one for one in pack_lines(edition) if one.pack == found.pack), None)
    if line:
        info, _data = fetch_torrent(feed, index, line, state)
        for entry in info.files:
            if (entry.file, entry.name) == (found.file, found.name):
                return found, entry
    raise BrokenError("no torrent of the edition has this file", place=recording, remedy=REMEDY)


def _is_here(target: Path, file: FileId) -> bool:
    if not target.exists() and not target.is_symlink():
        return False
    if target.is_file() and hash_file(target).file == file:
        return True
    raise UsageError(
        "another file lies here", place=str(target), remedy="Move it, or name a folder with --to"
    )


def _proofs(entry: TorrentEntry) -> list[bytes]:
    size = entry.file.size
    count = -(-size // PIECE)
    return [prove_from_layer(entry.layer, size, piece, 1) for piece in range(count)]


def _sound(stream: BinaryIO, entry: TorrentEntry, proofs: Sequence[bytes]) -> int:
    """How many bytes from an earlier call are there and right, in whole pieces."""
    stream.seek(0)
    offset = 0
    while offset < entry.file.size:
        length = min(PIECE, entry.file.size - offset)
        data = stream.read(length)
        if len(data) < length:
            break
        try:
            verify(entry.file.root, entry.file.size, offset, data, proofs[offset // PIECE])
        except SongarkError:
            break
        offset += length
    return offset


def _fetch(
    ranges: Ranges,
    stream: BinaryIO,
    entry: TorrentEntry,
    proofs: Sequence[bytes],
    start: int,
    progress: Callable[[int], None],
) -> int:
    fetched = 0
    for offset in range(start, entry.file.size, PIECE):
        data = ranges.read(offset, min(PIECE, entry.file.size - offset))
        verify(entry.file.root, entry.file.size, offset, data, proofs[offset // PIECE])
        stream.write(data)
        fetched += len(data)
        progress(len(data))
    return fetched
