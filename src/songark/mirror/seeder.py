"""Give torrents away straight from where their files lie, and stop giving what is withdrawn.

Nothing is copied, linked or written: libtorrent is told where each file lies (`renamed_files`),
never to download, and of files that are not offered a path that cannot exist. A file whose bytes
are found wrong as they are given away is withheld; reading all of a store to see whether it is
sound is the store's own check.
"""

from __future__ import annotations

import logging
import tempfile
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import libtorrent as lt

from songark.mirror.kept import Kept
from songark.mirror.offer import ALERTS, Offer
from songark.mirror.pieces import load, load_again
from songark.mirror.session import Session, resolve
from songark.model.errors import SongarkError
from songark.model.identity import FileId

__all__ = ["Damage", "Seeder", "SeederStatus"]

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, order=True, slots=True)
class Damage:
    """A file that is withheld because it is not what it should be: `place` is its path."""

    place: str
    reason: str


@dataclass(frozen=True, slots=True)
class SeederStatus:
    """What a seeder does just now. `uploaded`: bytes of files given away since it began.

    `torrents` are those with at least one file on offer. `damaged`: what the store must repair.
    """

    torrents: int
    peers: int
    uploaded: int
    damaged: tuple[Damage, ...]


class Seeder:
    """Seeds torrents in a session that others may use, too; safe to call from any thread.

    Memory: about 4 MB for a torrent of 3,000 files. The torrents themselves, which a refusal
    needs again, are kept in a temporary file.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lock = threading.RLock()
        self._offers: dict[bytes, Offer] = {}
        self._refused: set[FileId] = set()
        self._given = 0
        self._kept = Kept()
        self._leave = session.subscribe(self._on_alert)

    def add(self, torrent: bytes, places: Mapping[str, Path]) -> bytes:
        """Seed a torrent; returns its v2 infohash. One that is held already is taken anew.

        Args:
            torrent: the .torrent file.
            places: where its files lie, by name in the torrent. Files that are not named or are
                refused are not offered; nor is one that is not there or has another size, which
                `status` tells.

        Raises:
            BrokenError: it is no torrent of ours.
            SongarkError: `places` names a file the torrent has not, the session fetches it now, or
                the temporary folder is full.
        """
        loaded = load(torrent)
        for name in sorted(set(places) - {entry.name for entry in loaded.entries}):
            raise SongarkError("not a file of this torrent", place=f"{loaded.folder}/{name}")
        paths = [
            str(places[entry.name].absolute()) if entry.name in places else None
            for entry in loaded.entries
        ]
        with self._lock:
            self.remove(loaded.infohash)
            offer = Offer(self._session, loaded, paths)
            offer.put(loaded, self._refused)
            self._offers[loaded.infohash] = offer
            try:
                self._kept.put(loaded.infohash, loaded.torrent)
            except OSError as error:
                self.remove(loaded.infohash)
                raise SongarkError(
                    f"the torrent cannot be kept ({error.strerror})",
                    place=tempfile.gettempdir(),
                    remedy="Make room there, or set TMPDIR to another folder",
                ) from None
        return loaded.infohash

    def refuse(self, files: Iterable[FileId]) -> None:
        """Never give these files away again, by any torrent held now or added later.

        When this returns, every connection that could carry them is closed; nothing but what the
        network has already taken from us still arrives. Everything else of the torrents that held
        them is on offer again, and those who were connected are called back.
        """
        with self._lock:
            new = set(files) - self._refused
            self._refused |= new
            touched = [one for one in self._offers.values() if not one.files.isdisjoint(new)]
            for offer in touched:
                offer.hush()
            self._session.swarm.is_paused()  # answered when all of the above is done
            for offer in touched:
                self._offer_again(offer)

    def remove(self, infohash: bytes) -> None:
        """Seed a torrent no longer, by its v2 infohash; one that is not held is no matter."""
        with self._lock:
            offer = self._offers.pop(infohash, None)
            if offer:
                self._given += offer.take_out(for_good=True)
                self._kept.drop(infohash)

    def connect(self, infohash: bytes, peer: tuple[str, int]) -> None:
        """Dial a peer of a torrent, for clients that cannot find us by themselves.

        Raises:
            SongarkError: the torrent is not on offer, or the host has no address.
        """
        addresses = resolve([peer])
        if not addresses:
            raise SongarkError("no such host", place=f"{peer[0]}:{peer[1]}")
        with self._lock:
            offer = self._offers.get(infohash)
            if not offer or not offer.handle:
                raise SongarkError("this torrent is not on offer", place=infohash.hex())
            for address in addresses:
                offer.handle.connect_peer(address)

    def status(self) -> SeederStatus:
        """How it goes."""
        with self._lock:
            on = [one.handle.status(0) for one in self._offers.values() if one.handle]
            damaged = {Damage(*told) for one in self._offers.values() for told in one.damaged()}
            return SeederStatus(
                torrents=len(on),
                peers=sum(one.num_peers for one in on),
                uploaded=self._given + sum(one.total_payload_upload for one in on),
                damaged=tuple(sorted(damaged)),
            )

    def close(self) -> None:
        """Seed nothing any more; the session lives on. Calling it again does nothing."""
        self._leave()
        with self._lock:
            for infohash in list(self._offers):
                self.remove(infohash)
            self._kept.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def _offer_again(self, offer: Offer) -> None:
        """Offer what may still be given of a torrent; one that cannot be is not given at all."""
        self._given += offer.take_out(for_good=False)
        try:
            offer.put(load_again(self._kept.get(offer.infohash)), self._refused)
        except (SongarkError, OSError):
            _LOG.exception("torrent %s is seeded no longer", offer.infohash.hex())

    def _on_alert(self, alert: lt.alert) -> None:
        """Look at what libtorrent says of our torrents, on the session's thread."""
        if isinstance(alert, lt.save_resume_data_alert):
            self._call_back(alert.params)
        elif isinstance(alert, ALERTS):
            with self._lock:
                offer = self._offers.get(alert.handle.info_hashes().v2.to_bytes())
                if offer and offer.handle == alert.handle and offer.react(alert):
                    offer.hush()
                    self._offer_again(offer)

    def _call_back(self, params: lt.add_torrent_params) -> None:
        """Dial those who were connected to a torrent before it was offered again."""
        with self._lock:
            offer = self._offers.get(params.info_hashes.v2.to_bytes())
            if offer and offer.handle:
                for peer in params.peers:
                    offer.handle.connect_peer(peer)
