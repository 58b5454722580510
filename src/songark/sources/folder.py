"""A folder of music, or one file: sealed with what it holds, what is said of it, what is set aside.

Tables: ``tracks`` (TRACK), ``identifiers`` (IDENTIFIER), ``statements`` (STATEMENT) and ``rejects``
(REJECT), in the order of the files' paths. The same files in the same place give the same digest.
Every file found is a row, a companion or a reject; fields that are set aside are counted apart.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from songark.ark.layout import SETTINGS
from songark.ark.seal import Draft, Sealed
from songark.model.errors import UsageError
from songark.model.finding import Reject
from songark.model.schema import IDENTIFIER, REJECT, STATEMENT, TRACK
from songark.sources.companions import AUDIO_ENDINGS, ending, is_companion
from songark.sources.evidence.nearby import SIDE, Nearby, broken_side, read_nearby
from songark.sources.names import is_text, nfc
from songark.sources.spool import Spool, spooled
from songark.sources.track import SOURCE, Taken, take
from songark.sources.walk import Found, walk

THREADS = 2
TABLES = {
    "tracks": TRACK,
    "identifiers": IDENTIFIER,
    "statements": STATEMENT,
    "rejects": REJECT,
}


def read_folder(
    place: Path, snapshots: Path, *, progress: Callable[[int], None] | None = None
) -> Sealed:
    """Seal a folder of music (or one file with the evidence around it) as a snapshot.

    Facts: `source`, `place` (the folder, absolute), `only` (the file's name where one was meant),
    `found` = `rows` + `companions` + `rejects`, `field_rejects`, `bytes` of the rows' files.

    Args:
        place: a folder, or one audio file.
        snapshots: where snapshots lie; this one goes to ``folder/<id>/`` in it.
        progress: told how many more bytes are done.

    Raises:
        UsageError: there is nothing at `place`, it is an archive, or its path is not UTF-8.
    """
    top, only = _split(place)
    with Draft(snapshots / SOURCE, SOURCE) as draft, ExitStack() as stack:
        tables = {n: stack.enter_context(spooled(s, draft.path)) for n, s in TABLES.items()}
        counts = dict.fromkeys(("found", "companions", "rejects", "field_rejects", "bytes"), 0)
        for one in _read(top, only):
            _add(tables, counts, one)
            if progress and isinstance(one, Taken):
                progress(one.track["size"])
        for name, table in tables.items():
            table.write(draft.path / f"{name}.parquet")
        facts = {"source": SOURCE, "place": str(top), "rows": tables["tracks"].count} | counts
        return draft.seal(facts | ({"only": only.path} if only else {}))


def _add(tables: dict[str, Spool], counts: dict[str, int], one: Taken | Reject | None) -> None:
    counts["found"] += 1
    if one is None:
        counts["companions"] += 1
    elif isinstance(one, Reject):
        counts["rejects"] += 1
        tables["rejects"].add(asdict(one))
    else:
        counts["bytes"] += one.track["size"]
        counts["field_rejects"] += len(one.rejects)
        tables["tracks"].add(one.track)
        tables["identifiers"].extend(one.identifiers)
        tables["statements"].extend(one.statements)
        tables["rejects"].extend(asdict(reject) for reject in one.rejects)


def _split(place: Path) -> tuple[Path, Found | None]:
    """The folder, and the one file in it that is meant (None for all)."""
    whole = Path(os.path.realpath(place))
    if not is_text(str(whole)):
        raise UsageError("the path is not UTF-8", remedy="Rename the folder")
    if (whole / SETTINGS).is_file():
        raise UsageError("this is an archive", place=str(place), remedy="Name a folder of music")
    if whole.is_dir():
        return whole, None
    if whole.is_file():
        return whole.parent, Found(nfc(whole.name), whole)
    raise UsageError("no such folder or file", place=str(place), remedy="Check the path")


def _read(top: Path, only: Found | None) -> Iterator[Taken | Reject | None]:
    """What each file gives, in order; None for a companion. Two threads read, this one decides."""
    chain = _Chain(top)
    waiting: deque[Future[Taken | Reject] | Reject | None] = deque()
    pool = ThreadPoolExecutor(THREADS, "take")
    try:
        for one in _alone(only, chain) if only else walk(top):
            waiting.append(_begun(pool, top, chain, one))
            # A few ahead of the threads, so that memory stays the same however many there are.
            while len(waiting) > 8 * THREADS:
                yield _done(waiting.popleft())
        while waiting:
            yield _done(waiting.popleft())
    finally:
        pool.shutdown(cancel_futures=True)


def _begun(
    pool: ThreadPoolExecutor, top: Path, chain: _Chain, one: Found | Reject
) -> Future[Taken | Reject] | Reject | None:
    if isinstance(one, Reject):
        return one
    around = chain.around(one)
    for nearby in around:
        if one.path in nearby.broken:
            return nearby.broken[one.path]
    named = ending(one.path) not in AUDIO_ENDINGS and any(one.path in n.named for n in around)
    if named or is_companion(one.path):
        return broken_side(top, one.real, one.path) if one.path.endswith(SIDE) else None
    return pool.submit(take, top, one, around)


def _done(one: Future[Taken | Reject] | Reject | None) -> Taken | Reject | None:
    return one.result() if isinstance(one, Future) else one


def _alone(only: Found, chain: _Chain) -> Iterator[Found | Reject]:
    """One file, and what is wrong with the evidence beside it."""
    yield only
    for nearby in chain.around(only):
        yield from (reject for _, reject in sorted(nearby.broken.items()))


class _Chain:
    """The evidence of a file's folders, nearest first; holds those of one path at a time."""

    def __init__(self, top: Path) -> None:
        self._top = top
        self._held: list[Nearby] = [read_nearby(top, top, "")]

    def around(self, found: Found) -> tuple[Nearby, ...]:
        """The evidence around a file; cheap where the last file lay nearby."""
        names = found.path.split("/")[:-1]
        folders = ["", *("/".join(names[: at + 1]) for at in range(len(names)))]
        while [one.folder for one in self._held] != folders[: len(self._held)]:
            self._held.pop()
        for at in range(len(self._held), len(folders)):
            real = found.real.parents[len(folders) - 1 - at]
            self._held.append(read_nearby(self._top, real, folders[at]))
        return tuple(reversed(self._held))
