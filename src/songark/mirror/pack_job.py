"""One pack of a mirror brought up to date: what is missing is fetched, hashed and put in place."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path

from songark.mirror.fetcher import FetchProgress, FetchResult, fetch
from songark.mirror.session import Session
from songark.mirror.shelf import Shelf
from songark.model.errors import SongarkError
from songark.model.identity import FileId
from songark.release.packs import ATTRIBUTION
from songark.release.torrent import TorrentInfo


@dataclass(slots=True)
class PackJob:
    """A pack to bring up to date: `prepare`, `fetch` on any thread, `finish`.

    What is `withdrawn` is not fetched, whoever offers it: the pack is whole without it.
    """

    shelf: Shelf
    info: TorrentInfo
    data: bytes
    withdrawn: AbstractSet[FileId]
    have: dict[str, Path] = field(default_factory=dict)
    missing: dict[str, FileId] = field(default_factory=dict)
    brought: set[str] = field(default_factory=set)

    @property
    def files(self) -> dict[str, FileId]:
        """Every file of the pack that a mirror may hold, by name."""
        return {e.name: e.file for e in self.info.files if e.file not in self.withdrawn}

    @property
    def incoming(self) -> Path:
        """Where missing files are fetched to."""
        return self.shelf.incoming(self.info.folder)

    def prepare(self) -> None:
        """Find what is here, and copy over what another pack of this mirror has.

        Raises:
            SongarkError: something that is not the mirror's own lies where a file belongs.
        """
        for name, file in self.files.items():
            path = f"{self.info.folder}/{name}"
            if self.shelf.has(path, file):
                self.have[name] = self.shelf.folder / path
            else:
                self._check_free(path)
                self.missing[name] = file
        for name, file in sorted(self.missing.items()):
            place = self.shelf.elsewhere(file)
            if place and not (self.incoming / name).exists():
                self.incoming.mkdir(parents=True, exist_ok=True)
                # The fetch reads it again and takes no byte on trust.
                shutil.copyfile(place, self.incoming / name)
                self.brought.add(name)

    def fetch(
        self,
        session: Session,
        peers: Sequence[tuple[str, int]],
        web_seeds: Sequence[str],
        progress: Callable[[int], None],
        patience: float,
        stop: Callable[[], bool],
    ) -> FetchResult:
        """Download what is missing, until it is here or `stop` says yes.

        Raises:
            SongarkError: nothing comes, or the disk is full. What has come stays.
        """
        return fetch(
            session,
            self.data,
            into=self.incoming,
            have=self.have,
            only=self.missing,
            peers=peers,
            web_seeds=web_seeds,
            progress=_Increments(progress),
            patience=patience,
            stop=stop,
        )

    def finish(self, result: FetchResult) -> int:
        """Hash what came and give it its final names; returns how many music files came new.

        Raises:
            SongarkError: a file is not the one in the manifest.
        """
        for name in result.complete:
            path = f"{self.info.folder}/{name}"
            self.shelf.take(self.incoming / name, path, self.missing[name])
        shutil.rmtree(self.incoming)
        return len(set(self.missing) - {ATTRIBUTION} - self.brought)

    def superseded(self) -> list[str]:
        """What is here of this pack and not in it any more."""
        names = {f"{self.info.folder}/{entry.name}" for entry in self.info.files}
        return [path for path in self.shelf.files_of(self.info.folder) if path not in names]

    def _check_free(self, path: str) -> None:
        if self.shelf.is_anothers(path):
            raise SongarkError(
                "something else lies where a file of the pack belongs",
                place=str(self.shelf.folder / path),
                remedy="Move it out of the mirror's folder, then run the same command again",
            )


class _Increments:
    """Turns a download's running total into what came since."""

    def __init__(self, told: Callable[[int], None]) -> None:
        self._told = told
        self._last = 0

    def __call__(self, at: FetchProgress) -> None:
        self._told(at.done - self._last)
        self._last = at.done
