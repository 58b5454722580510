"""Mirroring: choose packs for a budget, fetch what is missing, verify it, obey withdrawals."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

from songark.ark.lock import locked
from songark.mirror.editions import edition_numbers, fetch_edition, swarm_of, withdrawn_files
from songark.mirror.pack_job import PackJob
from songark.mirror.session import Session
from songark.mirror.shelf import Shelf
from songark.mirror.trust import Trusted
from songark.model.errors import BrokenError, UsageError
from songark.model.index import read_index
from songark.model.progress import Progress
from songark.release.history import torrent_lines
from songark.release.torrent import TorrentInfo, read_torrent

# Small packs cost more waiting than bytes.
_AT_ONCE = 4


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
        jobs = [PackJob(shelf, info, data) for info, data in torrents.values()]
        _bring_up_to_date(feed, shelf, jobs, session, progress, peers, patience, result)
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


def _bring_up_to_date(
    feed: Trusted,
    shelf: Shelf,
    jobs: Sequence[PackJob],
    session: Session,
    progress: Progress,
    peers: Sequence[tuple[str, int]],
    patience: float,
    done: Mirrored,
) -> None:
    """Fetch several packs at a time; each is put in place as soon as it is whole."""
    swarm = swarm_of(feed)
    ask = [*peers, *swarm.peers]
    for job in jobs:
        job.prepare()
        done.packs += 1
        done.tracks += len(job.info.files) - 1
        done.bytes += sum(entry.file.size for entry in job.info.files)
    wanted = [job for job in jobs if job.missing]
    progress.stage("fetching", sum(job.bytes for job in wanted))
    with ThreadPoolExecutor(_AT_ONCE, "fetch") as pool:
        running = {
            pool.submit(job.fetch, session, ask, swarm.web_seeds, progress.done, patience): job
            for job in wanted
        }
        try:
            for future in as_completed(running):
                result = future.result()
                if result:
                    done.audio_fetched += running[future].finish(result)
                    done.fetched += result.payload
                    shelf.save()
        except BaseException:
            for future in running:
                future.cancel()
            raise
    shelf.save()
