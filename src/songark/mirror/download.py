"""One torrent being downloaded in a session, from being added to being removed."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import libtorrent as lt

from songark.mirror.pieces import Loaded
from songark.mirror.session import Session
from songark.model.errors import SongarkError
from songark.model.size import show_size

__all__ = ["Download", "FetchProgress"]

_TICK = 0.25
_REDIAL = 5.0
_SETTLE = 60.0


@dataclass(frozen=True, slots=True)
class FetchProgress:
    """How far a download is: bytes of files that are here, bytes wanted, connected peers."""

    done: int
    wanted: int
    peers: int


class Download:
    """A download; `loaded` says where to and what of it, `peers` are addresses to dial."""

    def __init__(self, session: Session, loaded: Loaded, peers: list[tuple[str, int]]) -> None:
        self._swarm = session.swarm
        self._subscribe = session.subscribe
        self._loaded = loaded
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
        """Download until all is here, or it is stopped; returns which pieces are, and payload.

        Raises:
            SongarkError: nothing came for `patience` seconds, the disk refuses, or the session
                holds the torrent already.
        """
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


def _disk_error(error: lt.error_code, place: str) -> SongarkError:
    if error.value() in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return SongarkError(
            f"no room for the download ({error.message()})",
            place=place,
            remedy="Make room, or set a smaller budget, then run the command again: it goes on"
            " from here",
        )
    return SongarkError(f"the download cannot go on ({error.message()})", place=place)
