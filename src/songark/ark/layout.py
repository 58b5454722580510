"""An ark on disk: where everything lies."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from songark.ark.atomic import write_whole
from songark.ark.journal import Journal
from songark.ark.lock import locked
from songark.ark.settings import TEMPLATE, Settings, read_settings
from songark.model.errors import NoArkError, UsageError

SETTINGS = "songark.toml"


@dataclass(frozen=True, slots=True)
class Ark:
    """An archive's folder and its settings, read once."""

    path: Path
    settings: Settings

    @classmethod
    def open(cls, path: Path) -> Ark:
        """Open an archive.

        Raises:
            NoArkError: there is none at `path`.
            UsageError: its settings cannot be read.
        """
        if not (path / SETTINGS).is_file():
            raise NoArkError(
                "no archive here",
                place=str(path),
                remedy="Make one with `songark init`, or name one with --ark",
            )
        return cls(path, read_settings(path / SETTINGS))

    @classmethod
    def init(cls, path: Path, *, name: str = "") -> Ark:
        """Make an empty archive; one that is there stays as it is.

        Raises:
            UsageError: the folder holds other things.
        """
        if (path / SETTINGS).is_file():
            return cls.open(path)
        if path.is_dir() and any(path.iterdir()):
            raise UsageError(
                "the folder is not empty and no archive",
                place=str(path),
                remedy="Name a new or empty folder with --ark",
            )
        path.mkdir(parents=True, exist_ok=True)
        label = "".join(c for c in (name or path.resolve().name) if c.isalnum() or c in " -_.")
        write_whole(path / SETTINGS, TEMPLATE.format(name=label or "archive").encode())
        return cls.open(path)

    def lock(self) -> AbstractContextManager[None]:
        """Hold this archive for changing it.

        Raises:
            LockedError: on entering, when another process holds it.
        """
        return locked(self.path / "lock")

    @property
    def snapshots(self) -> Path:
        """``snapshots/<source>/<id>/``: sealed input."""
        return self.path / "snapshots"

    @property
    def catalogue(self) -> Path:
        """``catalogue/<build>/``: sealed tables of one build."""
        return self.path / "catalogue"

    @property
    def registry(self) -> Path:
        """``registry/<build>/``: sealed registries of recording ids."""
        return self.path / "registry"

    @property
    def documents(self) -> Path:
        """``rights/documents/``: what claims commit to; erasable."""
        return self.path / "rights" / "documents"

    @property
    def ledger(self) -> Journal:
        """``rights/ledger.jsonl``: claims, append-only."""
        return Journal(self.path / "rights" / "ledger.jsonl")

    @property
    def decisions(self) -> Path:
        """``rights/decisions/<id>/``: sealed decisions."""
        return self.path / "rights" / "decisions"

    @property
    def plans(self) -> Path:
        """``plans/<id>/``: what is to be kept, as data."""
        return self.path / "plans"

    @property
    def store(self) -> Path:
        """``store/``: files by root, and their sealed hash records and probes."""
        return self.path / "store"

    @property
    def incoming(self) -> Path:
        """``incoming/``: being fetched, not yet verified."""
        return self.path / "incoming"

    @property
    def events(self) -> Journal:
        """``events/journal.jsonl``: what happened to the bytes, in PREMIS's words."""
        return Journal(self.path / "events" / "journal.jsonl")

    @property
    def editions(self) -> Path:
        """``editions/<n>/``: sealed releases."""
        return self.path / "editions"

    @property
    def torrents(self) -> Path:
        """``torrents/<infohash_v2>.torrent``: each stored once."""
        return self.path / "torrents"

    @property
    def feed(self) -> Path:
        """``feed/``: a TUF repository, what mirrors trust."""
        return self.path / "feed"

    @property
    def keys(self) -> Path:
        """``keys/``: private keys, readable by the keeper only."""
        return self.path / "keys"
