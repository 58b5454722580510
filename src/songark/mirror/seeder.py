"""Give torrents away straight from where their files lie, and stop giving what is withdrawn.

Nothing is copied, linked or written: libtorrent is told where each file lies (`renamed_files`),
never to download, and of files that are not offered a path that cannot exist.

A torrent of which everything is offered runs in libtorrent's seed mode: each piece is hashed
before it is given away for the first time. Seed mode knows no missing files, so a torrent of which
some are withheld is given as pieces we have, and it is this module that hashes a piece, when its
first block was given away. Either way a file that fails is withheld from then on, and only it: the
rest is not read again, which libtorrent by itself would do. Reading a whole store to see whether
it is sound is the store's own check.
"""

from __future__ import annotations

import os
import tempfile
import threading
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import libtorrent as lt

from songark.mirror.pieces import NOWHERE, Entry, Loaded, holds, load, piece_matches
from songark.mirror.session import Session, resolve
from songark.model.errors import SongarkError
from songark.model.identity import FileId

__all__ = ["Damage", "Seeder", "SeederStatus"]


@dataclass(frozen=True, order=True, slots=True)
class Damage:
    """A file that is withheld because its bytes failed: `place` is its path."""

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


@dataclass(slots=True)
class _Pack:
    """A torrent held. `paths` and `first` (its piece) are by file; `seen` is by piece."""

    infohash: bytes
    paths: list[str | None]
    first: list[int]
    damaged: dict[int, str] = field(default_factory=dict)
    offered: frozenset[FileId] = frozenset()
    handle: lt.torrent_handle | None = None
    info: lt.torrent_info | None = None
    seen: bytearray = field(default_factory=bytearray)
    whole: bool = False


class Seeder:
    """Seeds torrents in a session that others may use, too; safe to call from any thread.

    Memory: about 4 MB for a torrent of 3,000 files. The torrents themselves, which a refusal
    needs again, are kept in a temporary folder.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lock = threading.RLock()
        self._packs: dict[bytes, _Pack] = {}
        self._refused: set[FileId] = set()
        self._uploaded = 0
        self._kept = tempfile.TemporaryDirectory(prefix="songark-seeder-")
        self._leave = session.subscribe(self._on_alert)

    def add(self, torrent: bytes, places: Mapping[str, Path]) -> bytes:
        """Seed a torrent; returns its v2 infohash. One that is held already is taken anew.

        Args:
            torrent: the .torrent file.
            places: where its files lie, by name in the torrent. Files that are not named, refused,
                or not of the right size there, are not offered.

        Raises:
            BrokenError: it is no torrent of ours.
            SongarkError: `places` names a file the torrent has not, or the session fetches it now.
        """
        loaded = load(torrent)
        unknown = set(places) - {entry.name for entry in loaded.entries}
        for name in sorted(unknown):
            raise SongarkError("not a file of this torrent", place=f"{loaded.folder}/{name}")
        with self._lock:
            self.remove(loaded.infohash)
            pack = _Pack(
                loaded.infohash,
                [_absolute(places.get(entry.name)) for entry in loaded.entries],
                [entry.first for entry in loaded.entries],
            )
            self._file(loaded.infohash).write_bytes(torrent)
            self._packs[loaded.infohash] = pack
            try:
                self._offer(pack, loaded)
            except SongarkError:
                self.remove(loaded.infohash)
                raise
        return loaded.infohash

    def refuse(self, files: Iterable[FileId]) -> None:
        """Never give these files away again, by any torrent held now or added later.

        When this returns, every connection that could carry them is closed; nothing but what the
        network has already taken from us still arrives. Then everything else of the torrents that
        held them is offered again, to peers who connect anew.
        """
        with self._lock:
            new = set(files) - self._refused
            self._refused |= new
            touched = [p for p in self._packs.values() if not p.offered.isdisjoint(new)]
            for pack in touched:
                _hush(pack)
            self._session.swarm.is_paused()  # answered when all of the above is done
            for pack in touched:
                self._offer_again(pack)

    def remove(self, infohash: bytes) -> None:
        """Seed a torrent no longer, by its v2 infohash; one that is not held is no matter."""
        with self._lock:
            pack = self._packs.pop(infohash, None)
            if pack:
                self._withdraw(pack, for_good=True)
                self._file(infohash).unlink(missing_ok=True)

    def connect(self, infohash: bytes, peer: tuple[str, int]) -> None:
        """Dial a peer of a torrent, for clients that cannot find us by themselves.

        Raises:
            SongarkError: the torrent is not on offer, or the host has no address.
        """
        with self._lock:
            pack = self._packs.get(infohash)
            if not pack or not pack.handle:
                raise SongarkError("this torrent is not on offer", place=infohash.hex())
            addresses = resolve([peer])
            if not addresses:
                raise SongarkError("no such host", place=f"{peer[0]}:{peer[1]}")
            for address in addresses:
                pack.handle.connect_peer(address)

    def status(self) -> SeederStatus:
        """How it goes."""
        with self._lock:
            on = [pack.handle.status(0) for pack in self._packs.values() if pack.handle]
            damaged = {
                Damage(pack.paths[number] or "", reason)
                for pack in self._packs.values()
                for number, reason in pack.damaged.items()
            }
            return SeederStatus(
                torrents=len(on),
                peers=sum(one.num_peers for one in on),
                uploaded=self._uploaded + sum(one.total_payload_upload for one in on),
                damaged=tuple(sorted(damaged)),
            )

    def close(self) -> None:
        """Seed nothing any more; the session lives on."""
        self._leave()
        with self._lock:
            for infohash in list(self._packs):
                self.remove(infohash)
            self._kept.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def _file(self, infohash: bytes) -> Path:
        return Path(self._kept.name) / infohash.hex()

    def _withdraw(self, pack: _Pack, *, for_good: bool) -> None:
        handle, pack.handle = pack.handle, None
        pack.offered = frozenset()
        if not handle:
            return
        self._uploaded += handle.status(0).total_payload_upload
        if not for_good:
            handle.save_resume_data()
        self._session.swarm.remove_torrent(handle)

    def _offer_again(self, pack: _Pack) -> None:
        """Take a torrent from the swarm and put into it what may still be given."""
        self._withdraw(pack, for_good=False)
        self._offer(pack, load(self._file(pack.infohash).read_bytes()))

    def _offer(self, pack: _Pack, loaded: Loaded) -> None:
        """Put a torrent into the swarm with those files that may be given and are there."""
        offered = [
            entry
            for number, (entry, path) in enumerate(zip(loaded.entries, pack.paths, strict=True))
            if path
            and entry.file not in self._refused
            and number not in pack.damaged
            and holds(Path(path), entry.file.size)
        ]
        pack.offered = frozenset(entry.file for entry in offered)
        pack.whole = len(offered) == len(loaded.entries)
        pack.seen = bytearray(0 if pack.whole else loaded.pieces)
        pack.info = loaded.info
        if not offered:
            return
        _prepare(loaded, offered, pack.paths)
        if not pack.whole:
            self._session.watch_uploads()
        try:
            pack.handle = self._session.swarm.add_torrent(loaded.params)
        except RuntimeError as error:
            raise SongarkError(
                f"this torrent cannot be seeded ({error})",
                place=loaded.folder,
                remedy="If it is being fetched just now, wait until that is done",
            ) from None

    def _on_alert(self, alert: lt.alert) -> None:
        """Look at what libtorrent says of a torrent of ours, on the session's thread."""
        if not isinstance(alert, _OURS):
            return
        with self._lock:
            if isinstance(alert, lt.save_resume_data_alert):
                self._call_back(alert.params)
                return
            pack = self._packs.get(alert.handle.info_hashes().v2.to_bytes())
            if not pack or pack.handle != alert.handle:
                return
            if isinstance(alert, lt.block_uploaded_alert):
                self._look_at(pack, alert.piece_index)
            elif isinstance(alert, lt.hash_failed_alert):
                number = bisect_right(pack.first, alert.piece_index) - 1
                self._withhold(pack, number, "its bytes are not what they were")
            else:
                path = (
                    alert.filename()
                    if isinstance(alert, lt.file_error_alert)
                    else alert.file_path()
                )
                if path in pack.paths:
                    self._withhold(pack, pack.paths.index(path), alert.error.message())

    def _look_at(self, pack: _Pack, piece: int) -> None:
        """Hash a piece of which a block was given away for the first time; the disk is warm."""
        if pack.whole or pack.seen[piece] or pack.info is None:
            return
        pack.seen[piece] = 1
        number = bisect_right(pack.first, piece) - 1
        try:
            handle = os.open(pack.paths[number] or NOWHERE, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            self._withhold(pack, number, error.strerror or "cannot be read")
            return
        try:
            sound = piece_matches(pack.info, piece, handle, pack.first[number])
        finally:
            os.close(handle)
        if not sound:
            self._withhold(pack, number, "its bytes are not what they were")

    def _withhold(self, pack: _Pack, number: int, reason: str) -> None:
        pack.damaged[number] = reason
        _hush(pack)
        self._offer_again(pack)

    def _call_back(self, params: lt.add_torrent_params) -> None:
        """Dial those who were connected to a torrent before it was offered again."""
        pack = self._packs.get(params.info_hashes.v2.to_bytes())
        if pack and pack.handle:
            for peer in params.peers:
                pack.handle.connect_peer(peer)


_OURS = (
    lt.block_uploaded_alert,
    lt.hash_failed_alert,
    lt.file_error_alert,
    lt.fastresume_rejected_alert,
    lt.save_resume_data_alert,
)


def _hush(pack: _Pack) -> None:
    """Close all connections of a torrent."""
    if pack.handle:
        pack.handle.pause()


def _absolute(path: Path | None) -> str | None:
    return None if path is None else str(path.absolute())


def _prepare(loaded: Loaded, offered: list[Entry], paths: list[str | None]) -> None:
    """Tell libtorrent what is offered, from where, and to download nothing."""
    params = loaded.params
    names = {entry.index: NOWHERE for entry in loaded.entries}
    have = [False] * loaded.pieces
    number = {entry.index: at for at, entry in enumerate(loaded.entries)}
    for entry in offered:
        names[entry.index] = paths[number[entry.index]] or NOWHERE
        have[entry.first : entry.end] = [True] * (entry.end - entry.first)
    params.renamed_files = names
    params.save_path = NOWHERE
    params.url_seeds = []
    params.flags = lt.torrent_flags.upload_mode | lt.torrent_flags.duplicate_is_error
    if len(offered) == len(loaded.entries):
        params.flags |= lt.torrent_flags.seed_mode
        return
    params.have_pieces = have
    # Priority 0 exempts a file from libtorrent's check of sizes, after which it would read all.
    params.file_priorities = [0] * loaded.places
