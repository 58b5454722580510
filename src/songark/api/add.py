"""Adding music: read folders and logs, catalogue them, decide what may be done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from songark.api.refresh import refresh
from songark.ark.layout import Ark
from songark.ark.seal import Sealed
from songark.ark.tables import read_rows
from songark.model.errors import UsageError
from songark.model.evidence import Grade, Part
from songark.model.finding import Reject
from songark.model.identity import FileId
from songark.model.progress import Progress
from songark.release.keys import Keys
from songark.rights.acts import Act
from songark.rights.deposit import deposit
from songark.sources.folder import read_folder
from songark.sources.listens import is_listens, read_listens


@dataclass(frozen=True, slots=True)
class Grant:
    """What a depositor states: their licence, who they are, and which works are theirs."""

    licence: str
    by: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Withheld:
    """Tracks that may not be shared for one kind of reason (`code`).

    example: the first of them by path. why: its own reason. fix: what would change it.
    """

    code: str
    tracks: int
    example: str
    why: str
    fix: str


@dataclass(slots=True)
class Added:
    """What came in and what may be shared of it.

    open: (licence, what the clearance rests on, how many tracks). withheld: most tracks first.
    """

    tracks: int = 0
    bytes: int = 0
    shareable: int = 0
    listens_logs: int = 0
    rejects: list[Reject] = field(default_factory=list)
    open: list[tuple[str, str, int]] = field(default_factory=list)
    withheld: list[Withheld] = field(default_factory=list)

    @property
    def kept_back(self) -> int:
        """How many tracks may not be shared."""
        return self.tracks - self.shareable


def add(
    ark: Ark, paths: Sequence[Path], *, keys: Keys, grant: Grant | None, progress: Progress
) -> Added:
    """Take in folders, single files and listens logs.

    The archive is locked meanwhile. A path that was added before and has not changed adds nothing.

    Raises:
        UsageError: a path does not exist, or the grant is none that can be made.
        LockedError: another process is changing the archive.
    """
    for path in paths:
        if not path.exists():
            raise UsageError("no such file or folder", place=str(path))
    added = Added()
    with ark.lock():
        if grant:
            # What cannot be granted is refused before hours of reading, not after.
            _sign(ark, [], grant, keys)
        snapshots = [_take(ark, path, progress) for path in paths]
        folders = [one for one in snapshots if one.facts["source"] == "folder"]
        if grant:
            _sign(ark, [file for one in folders for file, _path in _files(one)], grant, keys)
        progress.stage("catalogue")
        decisions = refresh(ark)
    for one in snapshots:
        rejects = read_rows(one.path / "rejects.parquet")
        added.rejects += [Reject(r["place"], r["reason"], r["remedy"]) for r in rejects]
    added.listens_logs = len(snapshots) - len(folders)
    _count(added, folders, decisions)
    return added


def _sign(ark: Ark, files: Sequence[FileId], grant: Grant, keys: Keys) -> None:
    deposit(
        ark,
        files,
        licence=grant.licence,
        by=grant.by,
        parts=grant.parts,
        sign=lambda data: (keys.keeper.sign(data), keys.keeper.public),
    )


def _take(ark: Ark, path: Path, progress: Progress) -> Sealed:
    progress.stage(f"reading {path}")
    if path.is_file() and is_listens(path):
        sealed = read_listens(path, ark.snapshots)
    else:
        sealed = read_folder(path, ark.snapshots, progress=progress.done)
    place = str(path.resolve())
    entry = {"source": sealed.facts["source"], "snapshot": sealed.path.name, "place": place}
    last = [
        line.body for line in ark.events.lines() if line.kind == "ingestion" and
        line.body["place"] == place
    ]  # fmt: skip
    if not last or {name: last[-1][name] for name in entry} != entry:
        ark.events.append("ingestion", {**entry, "outcome": "success", "digest": sealed.digest})
    return sealed


def _files(folder: Sealed) -> Iterator[tuple[FileId, str]]:
    for row in read_rows(folder.path / "tracks.parquet", ["root", "size", "path"]):
        yield FileId(row["root"], row["size"]), row["path"]


def _count(added: Added, folders: Sequence[Sealed], decisions: Sealed) -> None:
    paths = [(file, path) for folder in folders for file, path in _files(folder)]
    wanted = {file for file, _path in paths}
    decided: dict[FileId, dict[str, Any]] = {}
    for row in read_rows(decisions.path / "decision.parquet"):
        file = FileId(row["root"], row["size"])
        if row["act"] == Act.SHARE.value and file in wanted:
            decided[file] = row
    opened: Counter[tuple[str, str]] = Counter()
    closed: dict[str, list[tuple[str, FileId]]] = {}
    for file, path in paths:
        added.tracks += 1
        added.bytes += file.size
        row = decided[file]
        if row["allowed"]:
            added.shareable += 1
            opened[row["licence"], Grade(row["grade"]).words] += 1
        else:
            closed.setdefault(row["code"], []).append((path, file))
    added.open = [(*reason, n) for reason, n in sorted(opened.items())]
    for code, told in sorted(closed.items(), key=lambda one: (-len(one[1]), one[0])):
        path, file = min(told)
        row = decided[file]
        added.withheld.append(Withheld(code, len(told), path, row["why"], row["fix"]))
