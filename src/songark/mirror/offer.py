"""One torrent on offer: which of its files are given away, from where, and what became of them.

A torrent of which everything is offered runs in libtorrent's seed mode: each piece is hashed
before it is given away for the first time. Seed mode knows no missing files, so a torrent of which
some are withheld is given as pieces we have, and it is this module that hashes a piece, when its
first block was given away. Either way a file that fails is withheld from then on, and only it: the
rest is not read again, which libtorrent by itself would do.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Container, Iterator, Sequence
from pathlib import Path

import libtorrent as lt

from songark.mirror.pieces import Loaded, arrange, holds, piece_matches
from songark.mirror.session import Session
from songark.model.errors import SongarkError
from songark.model.identity import FileId

__all__ = ["ALERTS", "Offer"]

_CHANGED = "its bytes are not what they were"
_NOT_THERE = "it is not there, or not of its size"
ALERTS = (
    lt.block_uploaded_alert,
    lt.hash_failed_alert,
    lt.file_error_alert,
    lt.fastresume_rejected_alert,
    lt.torrent_error_alert,
)
"""What an offer looks at."""


class Offer:
    """A torrent held by a seeder, whose lock guards it.

    `files` are those on offer now, `handle` is libtorrent's while there are any.
    """

    def __init__(self, session: Session, loaded: Loaded, paths: Sequence[str | None]) -> None:
        self.infohash = loaded.infohash
        self.files: frozenset[FileId] = frozenset()
        self.handle: lt.torrent_handle | None = None
        self._session = session
        self._info = loaded.info
        self._paths = paths
        self._first = [entry.first for entry in loaded.entries]
        self._damaged: dict[int, str] = {}
        self._seed_mode = False
        self._contradictory = False
        self._seen = bytearray()

    def damaged(self) -> Iterator[tuple[str, str]]:
        """The paths of files withheld because they failed, each with its reason."""
        for number, reason in self._damaged.items():
            yield self._paths[number] or "", reason

    def put(self, loaded: Loaded, refused: Container[FileId]) -> None:
        """Put into the swarm those files that are not refused, sound as far as known, and there.

        Raises:
            SongarkError: libtorrent does not take it.
        """
        offered = []
        for number, (entry, path) in enumerate(zip(loaded.entries, self._paths, strict=True)):
            if not path or entry.file in refused or number in self._damaged:
                continue
            if holds(Path(path), entry.file.size):
                offered.append((entry, path))
            else:
                self._damaged[number] = _NOT_THERE
        self._info = loaded.info
        self._seed_mode = len(offered) == len(loaded.entries) and not self._contradictory
        self._seen = bytearray(0 if self._seed_mode else loaded.pieces)
        if not offered:
            return
        have = [False] * loaded.pieces
        for entry, _ in offered:
            have[entry.first : entry.end] = [True] * (entry.end - entry.first)
        params = arrange(loaded, {entry.index: path for entry, path in offered}, have)
        params.flags |= lt.torrent_flags.upload_mode
        params.url_seeds = []
        if self._seed_mode:
            params.flags |= lt.torrent_flags.seed_mode
            params.file_priorities = []
        else:
            self._session.watch_uploads()
        try:
            self.handle = self._session.swarm.add_torrent(params)
        except RuntimeError as error:
            raise SongarkError(
                f"this torrent cannot be seeded ({error})",
                place=loaded.folder,
                remedy="If it is being fetched just now, wait until that is done",
            ) from None
        self.files = frozenset(entry.file for entry, _ in offered)

    def hush(self) -> None:
        """Close all its connections; done when the session answers the next question."""
        if self.handle:
            self.handle.pause()

    def take_out(self, *, for_good: bool) -> int:
        """Take it from the swarm; returns the bytes it gave away.

        Unless it is for good, libtorrent tells by a `save_resume_data_alert` who was connected.
        """
        handle, self.handle, self.files = self.handle, None, frozenset()
        if not handle:
            return 0
        given = handle.status(0).total_payload_upload
        if not for_good:
            handle.save_resume_data()
        self._session.swarm.remove_torrent(handle)
        return given

    def react(self, alert: lt.alert) -> bool:
        """Look at one of `ALERTS`; returns whether less may be offered than is now."""
        if isinstance(alert, lt.block_uploaded_alert):
            return self._look_at(alert.piece_index)
        if isinstance(alert, lt.hash_failed_alert):
            return self._withhold(self._file_of(alert.piece_index), _CHANGED)
        if isinstance(alert, lt.file_error_alert):
            return self._unreadable(alert.filename(), alert.error)
        if isinstance(alert, lt.fastresume_rejected_alert):
            return self._unreadable(alert.file_path(), alert.error)
        # Its v1 and v2 hashes disagree somewhere. Outside seed mode it can go on, and the file
        # whose v1 hashes are wrong shows when one of its pieces is looked at.
        changed, self._contradictory = not self._contradictory, True
        return changed

    def _look_at(self, piece: int) -> bool:
        """Hash a piece of which a block was given away for the first time; the disk is warm."""
        if self._seed_mode or self._seen[piece]:
            return False
        self._seen[piece] = 1
        number = self._file_of(piece)
        try:
            handle = os.open(self._paths[number] or "", os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            return self._withhold(number, error.strerror or _CHANGED)
        try:
            sound = piece_matches(self._info, piece, handle, self._first[number])
        finally:
            os.close(handle)
        return not sound and self._withhold(number, _CHANGED)

    def _unreadable(self, path: str, error: lt.error_code) -> bool:
        return path in self._paths and self._withhold(self._paths.index(path), error.message())

    def _withhold(self, number: int, reason: str) -> bool:
        self._damaged[number] = reason
        return True

    def _file_of(self, piece: int) -> int:
        return bisect_right(self._first, piece) - 1
