"""What an edition may hold: cleared for sharing everywhere, held, one file a recording."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis import _

from songark.ark.layout import Ark
from songark.ark.pointer import current
from songark.ark.seal import Sealed
from songark.ark.tables import read_rows
from songark.catalogue.popularity import UNKNOWN_ARTIST
from songark.catalogue.schema import MEMBERSHIP, RECORDING
from songark.engine.engine import Engine
from songark.model.errors import NoArkError
from songark.model.identity import FileId
from songark.release.credit import credited
from songark.rights.acts import Act, Clearance
from songark.rights.decisions import DECISION
from songark.rights.gate import Gate

_COLUMNS = pa.schema(
    [
        *(RECORDING.field(n) for n in RECORDING.names if n != "files"),
        *(MEMBERSHIP.field(n) for n in ("root", "size", "codec", "lossless", "bit_rate")),
        *(DECISION.field(n) for n in ("licence", "licence_class", "holder", "why", "grade")),
    ]
)


@dataclass(frozen=True, slots=True)
class Track:
    """One file that goes into an edition, with its clearance and what is known of it.

    `known` has the columns of the recording, the file and the decision it rests on.
    """

    clearance: Clearance
    known: Mapping[str, Any]

    @property
    def file(self) -> FileId:
        """Root and size."""
        return self.clearance.file


def releasable(ark: Ark, held: pa.Table, before: Mapping[FileId, object]) -> list[Track]:
    """The tracks of the next edition, in the order of their recordings.

    Args:
        ark: the archive.
        held: root and size of what the store has.
        before: files of the edition before; where one is still cleared and held it stays.

    Raises:
        NoArkError: nothing is catalogued yet.
    """
    catalogue, decisions = current(ark.catalogue), current(ark.decisions)
    if catalogue is None or decisions is None:
        raise NoArkError("nothing is catalogued yet", remedy="Add music with `songark add`")
    with Engine(ark.path / "spill") as engine:
        ranked = _ranked(engine, catalogue, decisions, held)
        spool = engine.scratch / "releasable.parquet"
        engine.write(ranked, _COLUMNS, spool)
        cleared = {one.file: one for one in Gate(ark, Act.SHARE).clearances()}
        return _choose(read_rows(spool), cleared, before)


def _ranked(engine: Engine, catalogue: Sealed, decisions: Sealed, held: pa.Table) -> ir.Table:
    """Every held file that decisions clear, the best of each recording first."""
    decided = engine.parquet(decisions.path / "decision.parquet")
    cleared = decided.filter(_.allowed & (_.act == Act.SHARE.value)).drop("recording")
    recording = engine.parquet(catalogue.path / "recording.parquet").drop("files")
    members = engine.parquet(catalogue.path / "membership.parquet").drop("duration_ms")
    files = (
        members.join(cleared, ["root", "size"])
        .semi_join(engine.rows(held), ["root", "size"])
        .join(recording, "recording")
    )
    quality = [_.lossless.desc(), _.bit_rate.fill_null(0).desc()]
    order = ibis.window(
        group_by="recording", order_by=[*quality, "root", "size", "snapshot", "path"]
    )
    return files.mutate(place=ibis.row_number().over(order)).order_by("recording", "place")


def _choose(
    rows: Iterable[Mapping[str, Any]],
    cleared: Mapping[FileId, Clearance],
    before: Mapping[FileId, object],
) -> list[Track]:
    """The best file of each recording, or the one that was released before."""
    chosen: dict[str, Track] = {}
    for row in rows:
        file = FileId(row["root"], row["size"])
        held = chosen.get(row["recording"])
        if file not in cleared or (held and (held.file in before or file not in before)):
            continue
        chosen[row["recording"]] = Track(cleared[file], _shown(row))
    return list(chosen.values())


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """A track as a release shows it: where no tag names an artist, the right-holder is named."""
    holder = credited(row["holder"])
    artist = holder if holder and row["artist"] == UNKNOWN_ARTIST else row["artist"]
    return {**row, "holder": holder, "artist": artist}
