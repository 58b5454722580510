"""Mirroring: choose packs for a budget, fetch what is missing, verify it, obey withdrawals."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from songark.ark.lock import locked
from songark.mirror.editions import edition_numbers, fetch_edition, swarm_of, withdrawn_files
from songark.mirror.fetcher import FetchProgress, fetch
from songark.mirror.session import Session
from songark.mirror.shelf import Shelf
from songark.mirror.trust import Trusted
from songark.model.errors import BrokenError, UsageError
from songark.model.identity import FileId
from songark.model.progress import Progress
from songark.release.history import torrent_lines
from songark.release.packs import ATTRIBUTION
from songark.release.torrent import TorrentInfo, read_torrent


@dataclass(slots=True)
class Mirrored:
    """What a mirror holds and what this run did.

    fetched: bytes that came over the network. audio_fetched: how many music files among them.
    verified: files hashed in this run. set_aside: files moved out, withdrawn or superseded.
    passed_over: packs of the release that the budget has no room for.
    """

    edition: int
    packs: int = 0
    tracks: int = 0
    bytes: int = 0
    fetched: int = 0
    audio_fetched: int = 0
    verified: int = 0
    set_aside: int = 0
    passed_over: int = 0


def mirror(
    feed: Trusted,
    shelf: Shelf,
    *,
    budget: int | None,
    session: Session,
    progress: Progress,
    peers: Sequence[tuple[str, int]] = (),
    patience: float = 120.0,
) -> Mirrored:
    """Bring a mirror up to date with a feed; goes on where an earlier run stopped.

    Args:
        feed: the archive's feed.
        shelf: the mirror's folder.
        budget: bytes the mirror may hold; None for everything.
        session: where torrents are fetched.
        progress: told of stages and bytes.
        peers: (host, port) of seeders to ask besides those that the feed names.
        patience: seconds without a byte after which a pack is given up.

    Raises:
        FeedError: the feed cannot be trusted.
        SongarkError: a pack cannot be fetched; what has come stays.
        LockedError: another process works on this mirror.
    """
    with locked(shelf.state / "lock"):
        feed.refresh()
        numbers = edition_numbers(feed)
        if not numbers:
            raise UsageError("the feed has no edition yet", remedy="Try again after its first")
        number = numbers[-1]
        fetch_edition(feed, number, shelf.state, torrents=False)
        lines = list(torrent_lines(shelf.state / "editions" / str(number)))
        result = Mirrored(number)
        chosen = choose_packs(lines, budget, {path.split("/")[0] for path in shelf.files()})
        result.passed_over = len(lines) - len(chosen)
        torrents = {line["pack"]: _torrent(feed, shelf, number, line) for line in chosen}
        _obey(feed, shelf, [info for info, _data in torrents.values()], result)
        swarm = swarm_of(feed)
        for line in chosen:
            info, data = torrents[line["pack"]]
            job = _Job(shelf, info, data, session, patience)
            job.run([*peers, *swarm.peers], swarm.web_seeds, progress, result)
            shelf.save()
            result.packs += 1
            result.tracks += len(info.files) - 1
            result.bytes += sum(entry.file.size for entry in info.files)
    result.verified = shelf.verified
    return result


def choose_packs(
    lines: Sequence[dict[str, Any]], budget: int | None, present: set[str]
) -> list[dict[str, Any]]:
    """The packs that cover most listens within a budget of bytes, by name.

    What is here already is kept before anything new is taken; then listens per byte decide.
    """

    def order(line: dict[str, Any]) -> tuple[bool, float, str]:
        return (line["pack"] not in present, -line["listens"] / line["bytes"], line["pack"])

    room = budget
    chosen = []
    for line in sorted(lines, key=order):
        if room is not None:
            if line["bytes"] > room:
                continue
            room -= line["bytes"]
        chosen.append(line)
    return sorted(chosen, key=lambda line: str(line["pack"]))


def _torrent(
    feed: Trusted, shelf: Shelf, number: int, line: dict[str, Any]
) -> tuple[TorrentInfo, bytes]:
    """A pack's torrent as the edition names it."""
    from songark.model.index import read_index

    index = read_index((shelf.state / f"editions/{number}/SHA256SUMS").read_bytes())
    path = line["file"]
    if path not in index:
        raise BrokenError("the edition's index lacks this torrent", place=str(path))
    feed.fetch_file(path, index[path], shelf.state / path)
    data = (shelf.state / path).read_bytes()
    info = read_torrent(data)
    if info.infohash_v2.hex() != line["infohash_v2"] or info.folder != line["pack"]:
        raise BrokenError("the torrent is not the one that the edition lists", place=str(path))
    return info, data


def _obey(feed: Trusted, shelf: Shelf, torrents: Sequence[TorrentInfo], done: Mirrored) -> None:
    """Set aside what is withdrawn, and what chosen packs do not hold any more."""
    withdrawn = {one.file for one in withdrawn_files(feed)}
    packs = {info.folder: {entry.name for entry in info.files} for info in torrents}
    for path, file in shelf.files().items():
        pack, name = path.split("/", 1)
        if file in withdrawn or (pack in packs and name not in packs[pack]):
            shelf.set_aside(path)
            done.set_aside += 1
    shelf.save()


@dataclass(frozen=True, slots=True)
class _Job:
    """One pack being brought up to date."""

    shelf: Shelf
    info: TorrentInfo
    data: bytes
    session: Session
    patience: float

    def run(
        self,
        peers: Sequence[tuple[str, int]],
        web_seeds: Sequence[str],
        progress: Progress,
        done: Mirrored,
    ) -> None:
        have = dict(self._have())
        missing = {e.name: e.file for e in self.info.files if e.name not in have}
        if not missing:
            return
        into = self.shelf.incoming(self.info.infohash_v2.hex())
        local = self._bring_over(missing, into)
        progress.stage(self.info.folder, sum(file.size for file in missing.values()))
        result = fetch(
            self.session,
            self.data,
            into=into,
            have=have,
            peers=peers,
            web_seeds=web_seeds,
            progress=_Increments(progress.done),
            patience=self.patience,
        )
        for name in result.complete:
            self.shelf.take(into / name, f"{self.info.folder}/{name}", missing[name])
        shutil.rmtree(into)
        done.fetched += result.payload
        done.audio_fetched += len(set(missing) - {ATTRIBUTION} - local)

    def _have(self) -> Iterator[tuple[str, Path]]:
        for entry in self.info.files:
            path = f"{self.info.folder}/{entry.name}"
            if self.shelf.has(path, entry.file):
                yield entry.name, self.shelf.folder / path

    def _bring_over(self, missing: dict[str, FileId], into: Path) -> set[str]:
        """Copy what another pack of this mirror has; the fetch then finds it right."""
        brought = set()
        for name, file in sorted(missing.items()):
            place = self.shelf.elsewhere(file)
            if place and not (into / name).exists():
                into.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(place, into / name)
                brought.add(name)
        return brought


class _Increments:
    """Turns a download's running total into what came since."""

    def __init__(self, told: Callable[[int], None]) -> None:
        self._told = told
        self._last = 0

    def __call__(self, at: FetchProgress) -> None:
        self._told(at.done - self._last)
        self._last = at.done
