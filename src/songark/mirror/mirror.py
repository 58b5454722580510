"""Mirroring: choose packs for a budget, fetch what is missing, verify it, obey withdrawals."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field

from songark.ark.lock import locked
from songark.mirror.choose import choose_packs
from songark.mirror.editions import edition_numbers, fetch_edition, fetch_torrent, pack_lines
from songark.mirror.fetcher import FetchResult
from songark.mirror.notices import swarm_of, withdrawn_files
from songark.mirror.pack_job import PackJob
from songark.mirror.session import Session
from songark.mirror.shelf import Shelf
from songark.mirror.trust import Trusted
from songark.model.errors import SongarkError, UsageError
from songark.model.finding import Reject
from songark.model.progress import Progress
from songark.release.packs import ATTRIBUTION

# Small packs cost more waiting than bytes.
_AT_ONCE = 4
# After so many packs in a row that cannot be had it is not the packs that are wrong.
_TOO_MANY = 8


@dataclass(slots=True)
class Mirrored:
    """What a mirror holds and what this run did.

    fetched: bytes that came over the network. audio_fetched: how many music files among them.
    verified: files hashed in this run. set_aside: files moved out, withdrawn or superseded.
    passed_over: packs that the budget has no room for or that are not wanted. failed: packs that
    could not be had, while others could.
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
    failed: list[Reject] = field(default_factory=list)


def mirror(
    feed: Trusted,
    shelf: Shelf,
    *,
    budget: int | None,
    session: Session,
    progress: Progress,
    without: frozenset[str] = frozenset(),
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
        without: words of licence classes that are not taken, such as NC and ND.
        peers: (host, port) of seeders to ask besides those that the feed names.
        patience: seconds without a byte after which a pack is given up.

    Raises:
        FeedError: the feed cannot be trusted.
        BrokenError: what its keeper signed is malformed, or leads out of the mirror's folder.
        SongarkError: no pack can be had, or many in a row cannot; what has come stays.
        LockedError: another process works on this mirror.
    """
    with locked(shelf.state / "lock"):
        feed.refresh()
        numbers = edition_numbers(feed)
        if not numbers:
            raise UsageError("the feed has no edition yet", remedy="Try again after its first")
        result = Mirrored(numbers[-1])
        index = fetch_edition(feed, numbers[-1], shelf.state)
        withdrawn = {one.file for one in withdrawn_files(feed)}
        _set_aside(shelf, [p for p, file in shelf.files().items() if file in withdrawn], result)
        shelf.forget_removed()
        lines = pack_lines(shelf.state / "editions" / str(numbers[-1]))
        present = shelf.packs()
        wanted = [line for line in lines if not without & set(line.licence_class.split("-"))]
        chosen = choose_packs(wanted, budget, present)
        result.passed_over = len(lines) - len(chosen)
        progress.stage("fetching", sum(max(0, c.size - present.get(c.pack, 0)) for c in chosen))
        swarm = swarm_of(feed)
        update = _Update(shelf, session, [*peers, *swarm.peers], swarm.web_seeds, patience, result)
        with update.fetching(progress.done):
            for line in chosen:
                info, data = fetch_torrent(feed, index, line, shelf.state)
                update.take_up(PackJob(shelf, info, data, withdrawn))
        # Only now, since a file that moved to another pack was brought over from where it was.
        offered = {line.pack for line in lines}
        gone = [p for pack in shelf.packs() if pack not in offered for p in shelf.files_of(pack)]
        _set_aside(shelf, [*gone, *update.superseded], result)
        _forget_torrents(shelf, index)
    result.verified = shelf.verified
    return result


@dataclass(slots=True)
class _Update:
    """Several packs at a time; each is put in place as soon as it is whole."""

    shelf: Shelf
    session: Session
    peers: Sequence[tuple[str, int]]
    web_seeds: Sequence[str]
    patience: float
    done: Mirrored
    superseded: list[str] = field(default_factory=list)
    _running: dict[Future[FetchResult], PackJob] = field(default_factory=dict)
    _in_a_row: int = 0
    _last: SongarkError | None = None
    _over: threading.Event = field(default_factory=threading.Event)
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(_AT_ONCE, "fetch"))
    _told: Callable[[int], None] = field(default=lambda _: None)

    @contextmanager
    def fetching(self, told: Callable[[int], None]) -> Iterator[None]:
        """Fetch what is taken up inside; on leaving all of it is done, or given up."""
        self._told = told
        try:
            yield
            while self._running:
                self._finish_some()
            if self._last and not self.done.packs:
                raise self._last
        finally:
            self._over.set()
            self._pool.shutdown(cancel_futures=True)
            self.shelf.save()

    def take_up(self, job: PackJob) -> None:
        """Look what a pack lacks and begin to fetch it; waits while enough others are fetched."""
        try:
            job.prepare()
        except SongarkError as error:
            self._failed(error)
            return
        self.superseded += job.superseded()
        if not job.missing:
            self._is_whole(job)
            return
        while len(self._running) >= _AT_ONCE:
            self._finish_some()
        future = self._pool.submit(
            job.fetch,
            self.session,
            self.peers,
            self.web_seeds,
            self._told,
            self.patience,
            self._over.is_set,
        )
        self._running[future] = job

    def _finish_some(self) -> None:
        for future in wait(self._running, return_when=FIRST_COMPLETED).done:
            job = self._running.pop(future)
            try:
                result = future.result()
                self.done.audio_fetched += job.finish(result)
            except SongarkError as error:
                self._failed(error)
                continue
            self._in_a_row = 0
            self.done.fetched += result.payload
            self._is_whole(job)

    def _is_whole(self, job: PackJob) -> None:
        self.done.packs += 1
        self.done.tracks += len(job.files.keys() - {ATTRIBUTION})
        self.done.bytes += sum(file.size for file in job.files.values())

    def _failed(self, error: SongarkError) -> None:
        """Go on with the other packs, unless it seems that none can be had."""
        self.done.failed.append(Reject(error.place, error.message, error.remedy))
        self._in_a_row += 1
        self._last = error
        if self._in_a_row >= _TOO_MANY:
            raise error


def _set_aside(shelf: Shelf, paths: Sequence[str], done: Mirrored) -> None:
    for path in paths:
        shelf.set_aside(path)
        done.set_aside += 1
    shelf.save()


def _forget_torrents(shelf: Shelf, index: Mapping[str, str]) -> None:
    """Superseded torrents are not seeded, so they need not be kept."""
    for path in (shelf.state / "torrents").glob("*.torrent"):
        if f"torrents/{path.name}" not in index:
            path.unlink()
