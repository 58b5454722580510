"""An archive made anew from its feed and one mirror's folders, compared byte for byte."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from songark.ark.atomic import write_whole
from songark.ark.layout import Ark
from songark.ark.seal import Draft, Sealed, digest_file
from songark.ark.tables import read_rows
from songark.mirror.editions import Withdrawn, edition_numbers, fetch_edition, withdrawn_files
from songark.mirror.trust import Trusted
from songark.model.errors import BrokenError, SongarkError, UsageError
from songark.model.finding import Reject
from songark.model.hashing import Hasher, HashRecord
from songark.model.identity import FileId
from songark.model.index import read_index
from songark.model.progress import Progress
from songark.release.history import torrent_lines
from songark.release.packs import ATTRIBUTION
from songark.release.torrent import TorrentFile, build_torrent
from songark.store.files import bring_in, extension_of
from songark.store.keep import keep_text
from songark.store.records import Holding, add_missing, read_holdings


@dataclass(slots=True)
class Rebuilt:
    """What came back, and what could not.

    files, bytes: music. editions, torrents: sealed again, the same bytes. withdrawn: files that
    were released once and do not come back. missing: files the mirror does not have. unreleased:
    what the archive held and never released, as its last edition says.
    """

    editions: int = 0
    torrents: int = 0
    files: int = 0
    bytes: int = 0
    withdrawn: int = 0
    missing: list[Reject] = field(default_factory=list)
    torrents_missing: list[Reject] = field(default_factory=list)
    unreleased: dict[str, Any] = field(default_factory=dict)


def rebuild(feed: Trusted, mirror: Path, folder: Path, *, progress: Progress) -> Rebuilt:
    """Rebuild an archive in an empty folder; goes on where an earlier run stopped.

    Every file is hashed as it comes in. Torrents are made anew by arithmetic and have to have the
    digests of the signed index, editions are sealed again and have to have their own.

    Args:
        feed: the archive's feed.
        mirror: the folders of one mirror, ``<pack>/<name>``.
        folder: the new archive.
        progress: told of stages and bytes.

    Raises:
        FeedError: the feed cannot be trusted, or lacks a file.
        UsageError: `folder` holds something else, or the feed has no edition.
    """
    feed.refresh()
    numbers = edition_numbers(feed)
    if not numbers:
        raise UsageError("the feed has no edition yet", place=feed.fingerprint)
    scratch = folder.absolute().parent / f".{folder.absolute().name}.editions"
    indexes = {n: fetch_edition(feed, n, scratch, torrents=False) for n in numbers}
    told = json.loads((scratch / f"editions/{numbers[-1]}/edition.json").read_bytes())
    ark = Ark.init(folder, name=str(told["archive"]))
    done = Rebuilt(unreleased=told["held_not_released"])
    with ark.lock():
        withdrawn = {one.file: one for one in withdrawn_files(feed)}
        rows = {n: list(read_rows(scratch / f"editions/{n}/manifest.parquet")) for n in numbers}
        every = [row for n in numbers for row in rows[n]]
        _bring_files(ark, mirror, every, withdrawn, done, progress)
        records = {one.file: one.record for one in read_holdings(ark.store)}
        records |= {one.file: one.record for one in withdrawn.values() if one.record}
        for number in numbers:
            source = scratch / "editions" / str(number)
            _remake_torrents(ark, source, indexes[number], rows[number], records, done)
            _seal_edition(ark, source, number)
            done.editions += 1
    shutil.rmtree(scratch)
    return done


def _bring_files(
    ark: Ark,
    mirror: Path,
    rows: Iterable[dict[str, Any]],
    withdrawn: dict[FileId, Withdrawn],
    done: Rebuilt,
    progress: Progress,
) -> None:
    """Bring every released file in from the mirror, the newest place of each first."""
    places: dict[FileId, str] = {}
    for row in rows:
        places[FileId(row["root"], row["size"])] = f"{row['pack']}/{row['name']}"
    progress.stage("bringing files in", sum(f.size for f in places if f not in withdrawn))
    held = {one.file for one in read_holdings(ark.store)}
    fresh = []
    for file, path in sorted(places.items()):
        if file in withdrawn:
            done.withdrawn += 1
            continue
        if file not in held:
            try:
                _place, record = bring_in(mirror / path, file, ark.store, ark.incoming)
            except SongarkError as error:
                done.missing.append(Reject(path, error.message, "Rebuild from another mirror, too"))
                continue
            fresh.append(Holding(record, extension_of(path)))
        done.files += 1
        done.bytes += file.size
        progress.done(file.size)
    if fresh:
        add_missing(ark.store, fresh)
        ark.events.append("replication", {"outcome": "success", "files": len(fresh)})


def _remake_torrents(
    ark: Ark,
    edition: Path,
    index: dict[str, str],
    rows: Iterable[dict[str, Any]],
    records: dict[FileId, HashRecord],
    done: Rebuilt,
) -> None:
    """Make an edition's torrents by arithmetic; each has to have the digest of the index."""
    packs: dict[str, list[TorrentFile]] = {}
    lost: set[str] = set()
    for row in rows:
        record = records.get(FileId(row["root"], row["size"]))
        if record is None:
            lost.add(row["pack"])
        else:
            packs.setdefault(row["pack"], []).append(TorrentFile(row["name"], record))
    for line in torrent_lines(edition):
        path, pack = line["file"], line["pack"]
        if pack in lost:
            done.torrents_missing.append(Reject(path, "a file of it is missing"))
            continue
        text = (edition / "attribution" / f"{pack}.txt").read_bytes()
        add_missing(ark.store, [keep_text(ark, text)])
        files = [*packs[pack], TorrentFile(ATTRIBUTION, _record_of(text))]
        _write_torrent(ark, line, index[path], files)
        done.torrents += 1


def _write_torrent(ark: Ark, line: dict[str, Any], digest: str, files: list[TorrentFile]) -> None:
    target = ark.path / line["file"]
    made = build_torrent(
        line["pack"],
        files,
        similar=[bytes.fromhex(one) for one in line["similar"]],
        trackers=line["trackers"],
        web_seeds=line["web_seeds"],
    )
    if hashlib.sha256(made.data).hexdigest() != digest:
        raise BrokenError(
            "the torrent made anew is not the one in the index",
            place=line["file"],
            remedy="Report this with the edition's torrents.jsonl",
        )
    if not target.is_file():
        write_whole(target, made.data)


def _seal_edition(ark: Ark, source: Path, number: int) -> None:
    if (ark.editions / str(number)).is_dir():
        Sealed.open(ark.editions / str(number)).verify()
        return
    with Draft(ark.editions, "edition") as draft:
        shutil.copytree(source, draft.path, dirs_exist_ok=True)
        index = read_index((draft.path / "SHA256SUMS").read_bytes())
        for path, digest in index.items():
            own = path.removeprefix(f"editions/{number}/")
            if own != path and digest_file(draft.path / own) != digest:
                raise BrokenError("the file is not the one in the index", place=path)
        draft.seal({"edition": number}, name=str(number))


def _record_of(text: bytes) -> HashRecord:
    hasher = Hasher()
    hasher.update(text)
    return hasher.finish()
