"""Fetch what is missing of a torrent into a folder, and go on where an earlier run was cut off.

Every piece is checked against the torrent by libtorrent as it comes. What lies in the folder from
an earlier run is read again and each piece that is right is kept, so nothing else needs to be
remembered, and neither a killed process nor a power cut leaves more than pieces to fetch again.
Files held already are given to libtorrent where they are, are neither fetched nor read again, and
are seeded meanwhile. A fetched file is for the caller to hash before it is believed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from songark.mirror.download import Download, FetchProgress
from songark.mirror.pieces import Entry, Loaded, arrange, holds, load, matching
from songark.mirror.session import Session, resolve
from songark.model.errors import SongarkError

__all__ = ["FetchProgress", "FetchResult", "fetch"]


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
    session, each on a thread of its own. What is held, and what has come, is given to others
    meanwhile: when one of its files is refused, `stop` the download and begin anew without it.

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
        one = Download(session, loaded, resolve(peers))
        here, payload = one.run(progress, stop, patience)
    return _result(wanted, into, here, payload)


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
    have = list(here)
    places = {entry.index: str((into / entry.name).absolute()) for entry in wanted}
    for entry in loaded.entries:
        if entry.name in held:
            places[entry.index] = str(held[entry.name])
            have[entry.first : entry.end] = [True] * (entry.end - entry.first)
    arrange(loaded, places, have, {entry.index for entry in wanted})


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
