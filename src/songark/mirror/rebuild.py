"""An archive made anew from its feed and one mirror's folders, compared byte for byte."""

from __future__ import annotations

import hashlib
import json
import shutil
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from songark.ark.atomic import write_whole
from songark.ark.layout import Ark
from songark.ark.seal import Draft, Sealed, digest_file
from songark.mirror.editions import PackLine, edition_numbers, fetch_edition, pack_lines
from songark.mirror.feed_copy import copy_feed
from songark.mirror.json_lines import count, malformed, text
from songark.mirror.manifest import read_manifest
from songark.mirror.notices import Withdrawn, withdrawn_files
from songark.mirror.trust import Trusted
from songark.model.errors import BrokenError, SongarkError, UsageError
from songark.model.finding import Reject
from songark.model.hashing import HashRecord
from songark.model.identity import FileId
from songark.model.progress import Progress
from songark.release.packs import ATTRIBUTION
from songark.release.publish import INDEX
from songark.release.torrent import TorrentFile, build_torrent
from songark.store.files import bring_in, extension_of
from songark.store.keep import keep_text
from songark.store.records import Holding, add_missing, read_holdings

# A segment of hash records is sealed after so many files, so that a stopped run loses little.
_SEGMENT = 1_000
# What an archive has that lives, and one that was only rebuilt has not.
_NEVER_REBUILT = ("catalogue", "keys", "rights", "snapshots")


@dataclass(slots=True)
class Rebuilt:
    """What came back, and what could not.

    files, bytes: music. editions, torrents: made again, the same bytes. withdrawn: files that
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
        BrokenError: what its keeper signed is malformed, or does not fit together.
        UsageError: `folder` holds something else, or the feed has no edition.
    """
    feed.refresh()
    numbers = edition_numbers(feed)
    if not numbers:
        raise UsageError("the feed has no edition yet", place=feed.fingerprint)
    scratch = folder.absolute().parent / f".{folder.absolute().name}.editions"
    indexes = {n: fetch_edition(feed, n, scratch) for n in numbers}
    sources = {n: scratch / "editions" / str(n) for n in numbers}
    name, unreleased = _facts(sources[numbers[-1]])
    _check_ours(folder, sources)
    ark = Ark.init(folder, name=name)
    done = Rebuilt(unreleased=unreleased)
    with ark.lock():
        withdrawn = {one.file: one for one in withdrawn_files(feed)}
        places = {one.file: one.path for n in numbers for one in read_manifest(sources[n])}
        _bring_files(ark, mirror, places, withdrawn, done, progress)
        records = {one.file: one.record for one in read_holdings(ark.store)}
        records |= {one.file: one.record for one in withdrawn.values() if one.record}
        for number in numbers:
            _remake_torrents(ark, sources[number], indexes[number], records, done)
            _seal_edition(ark, sources[number], indexes[number])
            done.editions += 1
        copy_feed(feed, ark.path, ark.feed)
        done.torrents = len(list(ark.torrents.glob("*.torrent")))
    shutil.rmtree(scratch)
    return done


def _facts(edition: Path) -> tuple[str, dict[str, int]]:
    """The archive's name, and how much it held and did not release."""
    try:
        told = json.loads((edition / "edition.json").read_bytes())
        held = told["held_not_released"]
        return text(told["archive"]), {name: count(held[name], 0) for name in ("files", "bytes")}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise malformed("edition", str(edition / "edition.json"), error) from None


def _check_ours(folder: Path, sources: Mapping[int, Path]) -> None:
    """Refuse an archive that is there already, unless it is this one, rebuilt so far."""
    others = [name for name in _NEVER_REBUILT if (folder / name).exists()]
    for edition in sorted((folder / "editions").glob("[1-9]*")):
        source = sources.get(int(edition.name)) if edition.name.isdecimal() else None
        if not source or (edition / INDEX).read_bytes() != (source / INDEX).read_bytes():
            others.append(f"editions/{edition.name}")
    if others:
        raise UsageError(
            f"another archive lies here: it has {others[0]}",
            place=str(folder),
            remedy="Name a new or empty folder",
        )


def _bring_files(
    ark: Ark,
    mirror: Path,
    places: Mapping[FileId, str],
    withdrawn: Mapping[FileId, Withdrawn],
    done: Rebuilt,
    progress: Progress,
) -> None:
    """Bring every released file in from where its newest edition has it."""
    progress.stage("bringing files in", sum(f.size for f in places if f not in withdrawn))
    held = {one.file for one in read_holdings(ark.store)}
    fresh: list[Holding] = []
    for file, path in sorted(places.items()):
        if file in withdrawn:
            done.withdrawn += 1
            continue
        if file not in held:
            try:
                fresh.append(_bring(ark, mirror / path, file))
            except SongarkError as error:
                done.missing.append(Reject(path, error.message, "Rebuild from another mirror, too"))
                continue
        done.files += 1
        done.bytes += file.size
        progress.done(file.size)
        if len(fresh) >= _SEGMENT:
            _seal_holdings(ark, fresh)
            fresh = []
    _seal_holdings(ark, fresh)


def _bring(ark: Ark, source: Path, file: FileId) -> Holding:
    """Bring one file in; what cannot be it, such as a pipe or one of another size, is not read."""
    try:
        told = source.stat()
    except OSError as error:
        raise SongarkError(f"cannot be read ({error.strerror})") from None
    if not stat.S_ISREG(told.st_mode) or told.st_size != file.size:
        raise SongarkError("the mirror has something else here")
    _place, record = bring_in(source, file, ark.store, ark.incoming)
    return Holding(record, extension_of(source.name))


def _seal_holdings(ark: Ark, fresh: list[Holding]) -> None:
    if fresh:
        add_missing(ark.store, fresh)
        ark.events.append("replication", {"outcome": "success", "files": len(fresh)})


def _remake_torrents(
    ark: Ark,
    edition: Path,
    index: Mapping[str, str],
    records: Mapping[FileId, HashRecord],
    done: Rebuilt,
) -> None:
    """Make an edition's torrents by arithmetic; each has to have the digest of the index."""
    packs: dict[str, list[TorrentFile]] = {}
    lost: set[str] = set()
    for one in read_manifest(edition):
        record = records.get(one.file)
        if record is None:
            lost.add(one.pack)
        else:
            packs.setdefault(one.pack, []).append(TorrentFile(one.name, record))
    texts = []
    for line in pack_lines(edition):
        if line.pack in lost:
            done.torrents_missing.append(Reject(line.file, "a file of it is missing"))
            continue
        texts.append(keep_text(ark, _attribution(edition, line.pack)))
        files = [*packs.get(line.pack, []), TorrentFile(ATTRIBUTION, texts[-1].record)]
        _write_torrent(ark, line, index.get(line.file, ""), files)
    add_missing(ark.store, texts)


def _attribution(edition: Path, pack: str) -> bytes:
    try:
        return (edition / "attribution" / f"{pack}.txt").read_bytes()
    except OSError as error:
        raise malformed("edition", f"attribution/{pack}.txt", error) from None


def _write_torrent(ark: Ark, line: PackLine, digest: str, files: list[TorrentFile]) -> None:
    target = ark.path / line.file
    made = build_torrent(
        line.pack,
        files,
        similar=line.similar,
        trackers=line.trackers,
        web_seeds=line.web_seeds,
    )
    if hashlib.sha256(made.data).hexdigest() != digest:
        raise BrokenError(
            "the torrent made anew is not the one in the index",
            place=line.file,
            remedy="Report this with the edition's torrents.jsonl",
        )
    if not target.is_file():
        write_whole(target, made.data)


def _seal_edition(ark: Ark, source: Path, index: Mapping[str, str]) -> None:
    sealed = ark.editions / source.name
    if sealed.is_dir():
        Sealed.open(sealed).verify()
        return
    with Draft(ark.editions, "edition") as draft:
        own = [path for path in index if not path.startswith("torrents/")]
        for path in [*own, f"editions/{source.name}/{INDEX}"]:
            name = path.removeprefix(f"editions/{source.name}/")
            (draft.path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / name, draft.path / name)
            if path in index and digest_file(draft.path / name) != index[path]:
                raise BrokenError("the file is not the one in the index", place=path)
        draft.seal({"edition": int(source.name)}, name=source.name)
