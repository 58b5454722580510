"""One track from any plain web server by Range, each piece proven before it is kept."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import urllib3

from songark.ark.atomic import sync_folder
from songark.ark.tables import read_rows
from songark.mirror.editions import edition_numbers, fetch_edition, swarm_of, withdrawn_files
from songark.mirror.trust import Trusted
from songark.model.errors import RefusedError, SongarkError, UsageError
from songark.model.hashing import PIECE
from songark.model.identity import FileId
from songark.model.proof import prove_from_layer, verify
from songark.release.history import torrent_lines
from songark.release.torrent import TorrentEntry, read_torrent


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
) -> Got:
    """Fetch a recording's released file into `folder`; goes on where it stopped.

    Nothing that the server says is believed: each 1 MiB piece is verified against the root and
    size in the signed manifest before the next one is asked for.

    Args:
        feed: the archive's feed.
        recording: the recording's id.
        folder: where the file goes, under its released name.
        state: where the feed's files are kept between calls.
        server: base address that has ``<pack>/<name>``; else the feed's own web seeds.
        progress: told of bytes.

    Raises:
        RefusedError: the recording is withdrawn.
        UsageError: there is no such recording in the newest edition, or no server is known.
        SongarkError: the server fails, or gives other bytes than the manifest names.
    """
    row = _released(feed, recording, state)
    entry = _entry(row, state)
    bases = [server] if server else list(swarm_of(feed).web_seeds)
    if not bases:
        raise UsageError(
            "the feed names no web server", remedy="Name one that has the files with --from URL"
        )
    url = bases[0].rstrip("/") + "/" + quote(row["pack"]) + "/" + quote(row["name"])
    target = folder / row["name"]
    folder.mkdir(parents=True, exist_ok=True)
    proofs = _proofs(entry)
    part = folder / f".{row['name'][:100]}.part"
    with part.open("a+b") as stream:
        start = _sound(stream, entry, proofs)
        stream.truncate(start)
        fetched = 0
        pool = urllib3.PoolManager(timeout=30.0, headers={"User-Agent": "Songark/0.1"})
        for offset in range(start, entry.file.size, PIECE):
            data = _piece(pool, url, offset, min(PIECE, entry.file.size - offset))
            verify(entry.file.root, entry.file.size, offset, data, proofs[offset // PIECE])
            stream.write(data)
            fetched += len(data)
            progress(len(data))
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(target)
    sync_folder(folder)
    return Got(target, entry.file.size, fetched, sum(map(len, proofs)), row)


def _released(feed: Trusted, recording: str, state: Path) -> dict[str, Any]:
    feed.refresh()
    numbers = edition_numbers(feed)
    if not numbers:
        raise UsageError("the feed has no edition yet")
    for one in withdrawn_files(feed):
        if one.recording == recording:
            raise RefusedError(f"{recording} is {one.reason}", remedy="It is not given away")
    fetch_edition(feed, numbers[-1], state, torrents=True)
    for row in read_rows(state / "editions" / str(numbers[-1]) / "manifest.parquet"):
        if row["recording"] == recording:
            return row
    raise UsageError(
        f"edition {numbers[-1]} has no recording {recording[:100]!r}",
        remedy="Its manifest lists them all",
    )


def _entry(row: dict[str, Any], state: Path) -> TorrentEntry:
    """The file's entry in its torrent, which carries the piece layer."""
    wanted = FileId(row["root"], row["size"])
    newest = max((state / "editions").iterdir(), key=lambda folder: int(folder.name))
    line = next(one for one in torrent_lines(newest) if one["pack"] == row["pack"])
    info = read_torrent((state / line["file"]).read_bytes())
    return next(one for one in info.files if one.file == wanted)


def _proofs(entry: TorrentEntry) -> list[bytes]:
    size = entry.file.size
    count = -(-size // PIECE)
    return [prove_from_layer(entry.layer, size, piece, 1) for piece in range(count)]


def _sound(stream: Any, entry: TorrentEntry, proofs: list[bytes]) -> int:  # noqa: ANN401
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


def _piece(pool: urllib3.PoolManager, url: str, offset: int, length: int) -> bytes:
    headers = {"Range": f"bytes={offset}-{offset + length - 1}", "Accept-Encoding": "identity"}
    try:
        answer = pool.request("GET", url, headers=headers, preload_content=False)
        if answer.status == 451:
            raise RefusedError("the server refuses: withdrawn", place=url)
        if answer.status == 200 and offset:
            raise SongarkError(
                "the server knows no ranges", place=url, remedy="Name another with --from URL"
            )
        if answer.status not in {200, 206}:
            raise SongarkError(f"the server answers {answer.status}", place=url)
        data = bytes(answer.read(length))
    except urllib3.exceptions.HTTPError as error:
        raise SongarkError(
            f"cannot be fetched ({type(error).__name__})",
            place=url,
            remedy="Run the same command again to go on, or name another server with --from URL",
        ) from None
    answer.close()
    return data
