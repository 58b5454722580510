"""Carrying out a plan: bring files in, seal their hash records, probe them. Safe to run again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from songark.ark.atomic import write_whole
from songark.ark.layout import Ark
from songark.ark.seal import Draft, Sealed
from songark.ark.tables import read_rows, write_table
from songark.catalogue.schema import PROBE
from songark.model.errors import SongarkError
from songark.model.finding import Reject
from songark.model.hashing import Hasher
from songark.model.identity import FileId
from songark.rights.acts import Act, Clearance
from songark.rights.gate import Gate
from songark.sources.names import locate
from songark.store.files import bring_in, extension_of, place_of
from songark.store.probe import probe
from songark.store.records import Holding, add_holdings, held_files

# A segment is sealed after this many files, so that a stopped run loses little.
_SEGMENT = 1_000

# The extension of texts of our own in the store; no audio has it.
TEXT = "txt"


@dataclass(slots=True)
class Kept:
    """What a run brought in, and what it could not."""

    files: int = 0
    bytes: int = 0
    rejects: list[Reject] = field(default_factory=list)


def keep_planned(ark: Ark, plan: Sealed, *, progress: Callable[[int], None]) -> Kept:
    """Bring in what a plan names; what is held already is passed over.

    Raises:
        OSError: the disk is full; what was brought in before is sealed and stays.
    """
    kept = Kept()
    held = {FileId(row["root"], row["size"]) for row in held_files(ark.store).to_pylist()}
    gate = Gate(ark, Act.KEEP)
    fresh: list[tuple[Holding, Path]] = []
    try:
        for row in read_rows(plan.path / "plan.parquet"):
            file = FileId(row["root"], row["size"])
            if file in held:
                continue
            try:
                source = _located(_place(ark, row["snapshot"]), row["path"])
                fresh.append(_bring(ark, gate.clear(file), source))
            except SongarkError as error:
                kept.rejects.append(Reject(error.place, error.message, error.remedy))
                continue
            kept.files += 1
            kept.bytes += file.size
            progress(file.size)
            if len(fresh) >= _SEGMENT:
                _seal(ark, fresh)
                fresh = []
    finally:
        _seal(ark, fresh)
    return kept


def keep_text(ark: Ark, data: bytes) -> Holding:
    """Keep a small text of our own, such as a pack's attribution, by its root."""
    hasher = Hasher()
    hasher.update(data)
    record = hasher.finish()
    place = place_of(ark.store, record.file, TEXT)
    if not place.is_file():
        write_whole(place, data)
        place.chmod(0o444)
    return Holding(record, TEXT)


def _place(ark: Ark, snapshot: str) -> str:
    return str(Sealed.open(ark.snapshots / "folder" / snapshot).facts["place"])


def _located(place: str, path: str) -> Path:
    """Where a row's file lies; the disk may write its name in another Unicode form."""
    try:
        return locate(Path(place), path)
    except FileNotFoundError:
        return Path(place) / path


def _bring(ark: Ark, clearance: Clearance, source: Path) -> tuple[Holding, Path]:
    place, record = bring_in(source, clearance.file, ark.store, ark.incoming)
    return Holding(record, extension_of(source.name)), place


def _seal(ark: Ark, fresh: list[tuple[Holding, Path]]) -> None:
    if not fresh:
        return
    unread: list[str] = []
    # Before the holdings: a file without a record is brought in again, one without a probe is not.
    with Draft(ark.snapshots / "store", "probes") as draft:
        rows = write_table(draft.path / "probes.parquet", PROBE, _probes(fresh, unread))
        draft.seal({"source": "store", "rows": rows})
    segment = add_holdings(ark.store, [holding for holding, _place in fresh])
    ark.events.append(
        "keeping",
        {
            "outcome": "success",
            "segment": segment.path.name,
            "files": len(fresh),
            "bytes": sum(holding.file.size for holding, _place in fresh),
            "not_probed": unread,
        },
    )


def _probes(fresh: list[tuple[Holding, Path]], unread: list[str]) -> Iterator[dict[str, Any]]:
    """What is learned of each file; those that cannot be read as audio are noted in `unread`."""
    for holding, place in sorted(fresh, key=lambda one: one[0].file):
        try:
            yield {"root": holding.file.root, "size": holding.file.size, **probe(place)}
        except SongarkError:
            unread.append(str(holding.file))
