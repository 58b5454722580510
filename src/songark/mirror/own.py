"""Seeding an archive's own release from its store, as far as the gate lets."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from pathlib import Path

from songark.ark.layout import Ark
from songark.mirror.seeder import Seeder
from songark.model.errors import BrokenError
from songark.model.identity import FileId
from songark.release.history import edition_folders, torrent_lines
from songark.release.packs import ATTRIBUTION
from songark.release.publish import ledger_since_feed
from songark.release.torrent import TorrentEntry, read_torrent
from songark.rights.acts import Act
from songark.rights.gate import Gate
from songark.store.files import place_of
from songark.store.keep import TEXT
from songark.store.records import read_extensions


class OwnSeeder:
    """Keeps a seeder in step with the last edition and with the gate.

    Call `sync` some times a second: a withdrawal closes within that time, a new edition is seeded
    and the torrents it supersedes are dropped.
    """

    def __init__(self, ark: Ark, seeder: Seeder) -> None:
        """Begin.

        Raises:
            BrokenError: the ledger lost its tail, and with it perhaps a withdrawal.
        """
        self._ark = ark
        self._seeder = seeder
        ledger_since_feed(ark)
        self._gate = Gate(ark, Act.SHARE)
        self._edition = 0
        self._seeded: dict[bytes, frozenset[FileId]] = {}
        self._refused: set[FileId] = set()

    def sync(self) -> bool:
        """Take in what changed since the last call; returns whether anything did.

        Raises:
            BrokenError: the ledger or an edition is broken; nothing is seeded then.
        """
        try:
            changed = self._gate.refresh()
        except BrokenError:
            self._refuse(frozenset().union(*self._seeded.values()))
            raise
        if changed:
            self._close()
        folders = edition_folders(self._ark.editions)
        if len(folders) == self._edition:
            return changed
        self._seed(folders[-1])
        self._edition = len(folders)
        return True

    def offers(self, file: FileId) -> bool:
        """Whether a file is given away by any torrent just now."""
        return file not in self._refused and any(file in held for held in self._seeded.values())

    def _close(self) -> None:
        every = frozenset().union(*self._seeded.values())
        self._refuse({file for file in every if not self._gate.is_clear(file)})

    def _refuse(self, files: AbstractSet[FileId]) -> None:
        self._seeder.refuse(files)
        self._refused |= files

    def _seed(self, edition: Path) -> None:
        """Seed an edition's torrents; those of the edition before that it lacks are dropped."""
        extensions = read_extensions(self._ark.store)
        wanted: dict[bytes, frozenset[FileId]] = {}
        for line in torrent_lines(edition):
            data = (self._ark.path / line["file"]).read_bytes()
            infohash = bytes.fromhex(line["infohash_v2"])
            entries = read_torrent(data).files
            wanted[infohash] = frozenset(e.file for e in entries if e.name != ATTRIBUTION)
            if infohash not in self._seeded:
                self._seeder.add(data, self._places(entries, extensions))
        for infohash in set(self._seeded) - set(wanted):
            self._seeder.remove(infohash)
        self._seeded = wanted

    def _places(
        self, entries: tuple[TorrentEntry, ...], extensions: dict[FileId, str]
    ) -> dict[str, Path]:
        """Where each file that may be given lies in the store."""
        return {
            entry.name: place_of(self._ark.store, entry.file, extensions[entry.file])
            for entry in entries
            if extensions.get(entry.file) == TEXT
            or (entry.file in extensions and self._gate.is_clear(entry.file))
        }
