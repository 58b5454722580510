"""Fixity: read everything again and compare it with its sealed hash record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from songark.ark.layout import Ark
from songark.ark.seal import Sealed
from songark.ark.tables import read_rows
from songark.model.errors import BrokenError, SongarkError
from songark.model.finding import Reject
from songark.model.hashing import HashRecord, hash_files
from songark.store.files import place_of
from songark.store.records import Holding, read_holding, segments


@dataclass(slots=True)
class Checked:
    """How many files were read again, and what is wrong."""

    checked: int = 0
    bytes: int = 0
    bad: list[Reject] = field(default_factory=list)


def check_store(ark: Ark, *, progress: Callable[[int], None]) -> Checked:
    """Read every held file again: root, size, SHA-256, v1 hashes in both forms of the last piece.

    Segments are checked against their manifest, each record against its own digest. What is wrong
    is reported and written to the journal; nothing is changed.
    """
    found = Checked()
    for segment in segments(ark.store):
        try:
            segment.verify()
        except BrokenError as error:
            found.bad.append(Reject(error.place, error.message, _REMEDY))
        _check_segment(ark, segment, found, progress)
    outcome = "success" if not found.bad else "failure"
    ark.events.append(
        "fixity check",
        {
            "outcome": outcome,
            "checked": found.checked,
            "bytes": found.bytes,
            "bad": [[one.place, one.reason] for one in found.bad[:1000]],
        },
    )
    return found


_REMEDY = "Fetch this file again from a mirror, or from where it came"


def _check_segment(
    ark: Ark, segment: Sealed, found: Checked, progress: Callable[[int], None]
) -> None:
    holdings: list[Holding] = []
    path = segment.path / "holding.parquet"
    try:
        for number, row in enumerate(read_rows(path)):
            try:
                holdings.append(read_holding(row, f"{path.relative_to(ark.path)}, row {number}"))
            except BrokenError as error:
                found.bad.append(Reject(error.place, error.message, error.remedy))
    except (OSError, ValueError) as error:
        found.bad.append(Reject(str(path.relative_to(ark.path)), f"cannot be read ({error})"))
    places = [place_of(ark.store, one.file, one.extension) for one in holdings]
    for holding, (place, made) in zip(holdings, hash_files(places), strict=True):
        found.checked += 1
        found.bytes += holding.file.size
        progress(holding.file.size)
        reason = _difference(holding.record, made)
        if reason:
            found.bad.append(Reject(str(place.relative_to(ark.path)), reason, _REMEDY))


def _difference(told: HashRecord, made: HashRecord | SongarkError) -> str:
    if isinstance(made, SongarkError):
        return made.message
    if made.file != told.file or made.sha256 != told.sha256 or made.layer != told.layer:
        return "the bytes changed: another root or SHA-256 than when it came in"
    if made.v1 != told.v1 or made.v1_last_padded != told.v1_last_padded:
        return "the v1 piece hashes in its hash record are wrong"
    return ""
