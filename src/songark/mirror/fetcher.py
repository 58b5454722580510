"""Fetch what is missing of a torrent into a folder, and go on where an earlier run was cut off.

Every piece is checked against the torrent by libtorrent as it comes. What lies in the folder from
an earlier run is read again and each piece that is right is kept, so nothing else needs to be
remembered, and neither a killed process nor a power cut leaves more than pieces to fetch again.
Files held already are given to libtorrent where they are, are neither fetched nor read again, and
are seeded meanwhile. A fetched file is for the caller to hash before it is believed.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import libtorrent as lt

from songark.mirror.pieces import NOWHERE, Entry, Loaded, holds, load, matching
from songark.mirror.session import Session, resolve
from songark.model.errors import SongarkError
from songark.model.size import show_size

__all__ = ["FetchProgress", "FetchResult", "fetch"]

_TICK = 0.25
_REDIAL = 5.0
_SETTLE = 60.0


@dataclass(frozen=True, slots=True)
class FetchProgress:
    """How far a download is: bytes of files that are here, bytes wanted, connected peers."""

    done: int
    wanted: int
    peers: int


@dataclass(frozen=True, slots=True)
class FetchResult:
    """What a download brought.

    `complete` are the names of files that now lie whole in the folder, `missing` those that do not
    because it was stopped; `payload` is how many bytes came over the network.
    """

    complete: tuple[str, ...]
    missing: tuple[str, ...]
    payload: int


def fetch(
    session: Session,
    torrent: bytes,
    *,
    into: Path,
    have: Mapping[str, Path] | None = None,
    only: Collection[str] | None = None,
    peers: Sequence[tuple[str, int]] = (),
    web_seeds: Sequence[str] = (),
    progress: Callable[[FetchProgress], None] | None = None,
    stop: Callable[[], bool] | None = None,
    patience: float = 120.0,
) -> FetchResult:
    """Download the files of a torrent that are not here yet, each to ``into/<name>``.

    The torrent must not be held by a seeder in the same session. Several downloads may run in one
    session, each on a thread of its own.

    Args:
        session: where to do it.
        torrent: the .torrent file, whose trackers and web seeds are used, too.
        into: a folder for this torrent alone, kept between runs.
        have: files that are held and known to be right, by name in the torrent.
        only: names to fetch, all where it is None. The others are left alone.
        peers: hosts and ports to dial.
        web_seeds: further URLs under which the torrent's folder lies, ending in a slash (BEP 19).
        progress: told how far it is, some times a second.
        stop: asked as often; when it says yes, what is here so far is returned.
        patience: seconds without a byte after which to give up.

    Raises:
        BrokenError: it is no torrent of ours.
        SongarkError: nothing comes, the disk is full or refuses, `have` or `only` name a file that
            the torrent has not, or the session holds this torrent already. What has come stays.
    """
    loaded = load(torrent)
    names = {entry.name for entry in loaded.entries}
    for name in sorted((set(have or ()) | set(only or ())) - names):
        raise SongarkError("not a file of this torrent", place=f"{loaded.folder}/{name}")
    held = {
        entry.name: have[entry.name].absolute()
        for entry in loaded.entries
        if have and entry.name in have and holds(have[entry.name], entry.file.size)
    }
    wanted = [
        entry
        for entry in loaded.entries
        if entry.name not in held and (only is None or entry.name in only)
    ]
    here = _resume(loaded, wanted, into)
    payload = 0
    if any(not here[piece] for entry in wanted for piece in range(entry.first, entry.end)):
        _prepare(loaded, wanted, into, held, here)
        loaded.params.url_seeds = [*loaded.params.url_seeds, *web_seeds]
        one = _Download(session, loaded, into, resolve(peers))
        here, payload = one.run(progress, stop, patience)
    return _result(wanted, into, here, payload)


class _Download:
    """One torrent in a session, from being added to being removed."""

    def __init__(
        self, session: Session, loaded: Loaded, into: Path, peers: list[tuple[str, int]]
    ) -> None:
        self._swarm = session.swarm
        self._subscribe = session.subscribe
        self._loaded = loaded
        self._into = into
        self._peers = peers
        self._trouble: SongarkError | None = None
        self._wake = threading.Event()
        self._flushed = threading.Event()

    def run(
        self,
        progress: Callable[[FetchProgress], None] | None,
        stop: Callable[[], bool] | None,
        patience: float,
    ) -> tuple[list[bool], int]:
        """Download until all is here, or it is stopped; returns which pieces are, and payload."""
        leave = self._subscribe(self._on_alert)
        try:
            handle = self._add()
            try:
                self._watch(handle, progress, stop, patience)
            finally:
                self._settle(handle)
                status = handle.status(lt.status_flags_t.query_pieces)
                self._swarm.remove_torrent(handle)
        finally:
            leave()
        return list(status.pieces), status.total_payload_download

    def _add(self) -> lt.torrent_handle:
        try:
            return self._swarm.add_torrent(self._loaded.params)
        except RuntimeError as error:
            raise SongarkError(
                f"this torrent cannot be fetched ({error})",
                place=self._loaded.folder,
                remedy="If it is being seeded or fetched already, end that first",
            ) from None

    def _watch(
        self,
        handle: lt.torrent_handle,
        progress: Callable[[FetchProgress], None] | None,
        stop: Callable[[], bool] | None,
        patience: float,
    ) -> None:
        best, moved, dialled = -1, time.monotonic(), 0.0
        while not (stop and stop()):
            now = time.monotonic()
            status = handle.status(0)
            if progress:
                progress(
                    FetchProgress(status.total_wanted_done, status.total_wanted, status.num_peers)
                )
            if self._trouble:
                raise self._trouble
            if status.is_finished:
                return
            if status.total_wanted_done > best:
                best, moved = status.total_wanted_done, now
            elif now - moved > patience:
                raise self._nothing(status, patience)
            if not status.num_peers and now - dialled > _REDIAL:
                dialled = now
                for peer in self._peers:
                    handle.connect_peer(peer)
            self._wake.wait(_TICK)
            self._wake.clear()

    def _settle(self, handle: lt.torrent_handle) -> None:
        """Have all that came written, before the files are looked at."""
        handle.pause()
        self._flushed.clear()
        handle.flush_cache()
        self._flushed.wait(_SETTLE)

    def _on_alert(self, alert: lt.alert) -> None:
        if not isinstance(alert, lt.torrent_alert):
            return
        if alert.handle.info_hashes().v2.to_bytes() != self._loaded.infohash:
            return
        if isinstance(alert, lt.cache_flushed_alert):
            self._flushed.set()
        elif isinstance(alert, lt.file_error_alert):
            self._trouble = _disk_error(alert.error, alert.filename())
        elif isinstance(alert, lt.torrent_error_alert):
            self._trouble = self._trouble or _disk_error(alert.error, self._loaded.folder)
        elif not isinstance(alert, lt.torrent_finished_alert):
            return
        self._wake.set()

    def _nothing(self, status: lt.torrent_status, patience: float) -> SongarkError:
        missing = status.total_wanted - status.total_wanted_done
        return SongarkError(
            f"nothing came for {patience:.0f} s and {show_size(missing)} are missing"
            f" ({status.num_peers} peers connected)",
            place=f"{self._loaded.folder} (torrent {self._loaded.infohash.hex()})",
            remedy="See that a seeder runs and can be reached, then run the command again:"
            " it goes on from here",
        )


def _resume(loaded: Loaded, wanted: list[Entry], into: Path) -> list[bool]:
    """Which pieces an earlier run has left in the folder; what cannot be its work is removed."""
    here = [False] * loaded.pieces
    try:
        into.mkdir(parents=True, exist_ok=True)
        for entry in wanted:
            path = into / entry.name
            if not path.is_symlink() and not path.exists():
                continue
            if path.is_symlink() or not path.is_file() or path.stat().st_size > entry.file.size:
                path.unlink()
            for piece in matching(loaded.info, entry, path):
                here[piece] = True
    except OSError as error:
        raise SongarkError(
            f"cannot be used for a download ({error.strerror})", place=str(into)
        ) from None
    return here


def _prepare(
    loaded: Loaded, wanted: list[Entry], into: Path, held: Mapping[str, Path], here: list[bool]
) -> None:
    """Tell libtorrent what is here, what to fetch and where to, and to touch nothing else."""
    params = loaded.params
    # Priority 0 also keeps libtorrent from writing to files that are held.
    priorities = [0] * loaded.places
    names = {entry.index: NOWHERE for entry in loaded.entries}
    have = list(here)
    for entry in loaded.entries:
        if entry.name in held:
            names[entry.index] = str(held[entry.name])
            have[entry.first : entry.end] = [True] * (entry.end - entry.first)
    for entry in wanted:
        names[entry.index] = str((into / entry.name).absolute())
        priorities[entry.index] = 4
    params.renamed_files = names
    params.file_priorities = priorities
    params.have_pieces = have
    params.save_path = NOWHERE
    params.flags = lt.torrent_flags.duplicate_is_error


def _result(wanted: list[Entry], into: Path, here: list[bool], payload: int) -> FetchResult:
    """What is whole now, safe from a power cut."""
    whole = []
    for entry in wanted:
        path = into / entry.name
        if all(here[entry.first : entry.end]) and holds(path, entry.file.size):
            with path.open("rb") as stream:
                os.fsync(stream.fileno())
            whole.append(entry.name)
    missing = {entry.name for entry in wanted} - set(whole)
    return FetchResult(tuple(sorted(whole)), tuple(sorted(missing)), payload)


def _disk_error(error: lt.error_code, place: str) -> SongarkError:
    if error.value() in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return SongarkError(
            f"no room for the download ({error.message()})",
            place=place,
            remedy="Make room, or set a smaller budget, then run the command again: it goes on"
            " from here",
        )
    return SongarkError(f"the download cannot go on ({error.message()})", place=place)
