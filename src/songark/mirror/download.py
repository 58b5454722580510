"""One torrent being downloaded in a session, from being added to being removed."""

from __future__ import annotations

import errno
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import libtorrent as lt

from songark.mirror.pieces import Loaded
from songark.mirror.session import Session
from songark.model.errors import SongarkError
from songark.model.size import show_size

__all__ = ["Download", "FetchProgress"]

_TICK = 0.25
_REDIAL = 3.0
_SETTLE = 60.0
# Peers that are dialled before files are looked at wait for libtorrent's next round.
_CHECKING = (lt.torrent_status.checking_resume_data, lt.torrent_status.checking_files)


@dataclass(frozen=True, slots=True)
class FetchProgress:
    """How far a download is: bytes of files that are here, bytes wanted, connected peers.

    `done` falls when a piece turns out to be wrong.
    """

    done: int
    wanted: int
    peers: int


class Download:
    """A download; `loaded` says where to and what of it, `peers` are addresses to dial.

    libtorrent bans whoever had a part in several pieces that came out wrong, so a liar takes
    honest peers down with it. When nobody is left after such a piece, the torrent is added anew,
    which forgets all bans, and peers are dialled one at a time: who is alone with a wrong piece is
    who sent it.
    """

    def __init__(self, session: Session, loaded: Loaded, peers: list[tuple[str, int]]) -> None:
        self._swarm = session.swarm
        self._subscribe = session.subscribe
        self._loaded = loaded
        self._peers = deque(peers)
        self._trouble: SongarkError | None = None
        self._spoiled = False
        self._one_by_one = False
        self._best = -1
        self._moved = time.monotonic()
        self._wake = threading.Event()
        self._flushed = threading.Event()

    def run(
        self,
        progress: Callable[[FetchProgress], None] | None,
        stop: Callable[[], bool] | None,
        patience: float,
    ) -> tuple[list[bool], int]:
        """Download until all is here, or it is stopped; returns which pieces are, and payload.

        Raises:
            SongarkError: nothing came for `patience` seconds, the disk refuses, or the session
                holds the torrent already.
        """
        leave = self._subscribe(self._on_alert)
        payload = 0
        try:
            while True:
                handle = self._add()
                try:
                    over = self._watch(handle, progress, stop, patience)
                finally:
                    self._settle(handle)
                    status = handle.status(lt.status_flags_t.query_pieces)
                    self._swarm.remove_torrent(handle)
                payload += status.total_payload_download
                if over:
                    return list(status.pieces), payload
                self._loaded.params.have_pieces = list(status.pieces)
                self._spoiled, self._one_by_one = False, True
        finally:
            leave()

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
    ) -> bool:
        """Wait until it is done or stopped; False when it is to be added anew."""
        dialled = 0.0
        while not (stop and stop()):
            now = time.monotonic()
            status = handle.status(0)
            done = status.total_wanted_done
            if progress:
                progress(FetchProgress(done, status.total_wanted, status.num_peers))
            if self._trouble:
                raise self._trouble
            if status.is_finished:
                return True
            if done > self._best:
                self._best, self._moved = done, now
            elif now - self._moved > patience:
                raise self._nothing(status, patience)
            if not status.num_peers and now - dialled > _REDIAL and status.state not in _CHECKING:
                if self._spoiled:
                    return False
                dialled = now
                self._dial(handle)
            self._wake.wait(_TICK)
            self._wake.clear()
        return True

    def _dial(self, handle: lt.torrent_handle) -> None:
        count = 1 if self._one_by_one else len(self._peers)
        for peer in list(self._peers)[:count]:
            handle.connect_peer(peer)
        self._peers.rotate(-count)

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
        elif isinstance(alert, lt.hash_failed_alert):
            self._spoiled = True
        elif not isinstance(alert, lt.torrent_finished_alert | lt.torrent_checked_alert):
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


def _disk_error(error: lt.error_code, place: str) -> SongarkError:
    if error.value() in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return SongarkError(
            f"no room for the download ({error.message()})",
            place=place,
            remedy="Make room, or set a smaller budget, then run the command again: it goes on"
            " from here",
        )
    return SongarkError(f"the download cannot go on ({error.message()})", place=place)
