"""What the report reads: the sealed tables, as they stand at one moment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis import _

from songark.ark.journal import ZERO, Head
from songark.ark.layout import Ark
from songark.ark.pointer import current
from songark.ark.seal import Sealed
from songark.ark.tables import write_table
from songark.catalogue.inputs import Inputs, read_inputs
from songark.catalogue.schema import CONFLICT, MEMBERSHIP, RECORDING
from songark.engine.engine import Engine
from songark.model.identity import FileId
from songark.model.schema import column
from songark.release.coverage import CURVE
from songark.release.edition import MANIFEST
from songark.release.history import edition_folders
from songark.rights.acts import Act
from songark.rights.decisions import DECISION

_FILE = ["root", "size"]
_GONE = pa.schema([DECISION.field(name) for name in ("root", "size", "recording")])

STATUS = pa.schema(
    [
        RECORDING.field("recording"),
        RECORDING.field("listens"),
        column("may_keep", pa.bool_(), "whether a file of it may be kept"),
        column("may_share", pa.bool_(), "whether a file of it may be shared"),
        column("grade", pa.int8(), "of the evidence the most that is allowed rests on"),
        DECISION.field("code"),
        column("root", pa.binary(32), "root of the file decided on, its best", null=True),
        column("size", pa.int64(), "its length in bytes", null=True),
    ]
)


@dataclass(frozen=True, slots=True)
class Tables:
    """The archive's tables; those that are not there yet are empty.

    edition: the last one's folder, None before the first. is_catalogued: whether there is a
    catalogue with decisions. decided: every decision, with what the ledger withdrew since.
    status: a row a recording. closed: released files that may not be shared any more.
    """

    ark: Ark
    engine: Engine
    inputs: Inputs
    edition: Path | None
    is_catalogued: bool
    recording: ir.Table
    membership: ir.Table
    conflict: ir.Table
    decided: ir.Table
    status: ir.Table
    manifest: ir.Table
    curve: ir.Table
    closed: ir.Table

    def rows(self, query: ir.Table, names: Sequence[str], kinds: str) -> list[dict[str, Any]]:
        """The few rows of a query; a letter a column: ``i`` integer, ``s`` text."""
        types: dict[str, pa.DataType] = {"i": pa.int64(), "s": pa.string()}
        schema = pa.schema([(n, types[k]) for n, k in zip(names, kinds, strict=True)])
        return self.engine.fetch(query, schema).to_pylist()


def open_tables(ark: Ark, engine: Engine) -> Tables:
    """Find the current tables. Nothing is locked: what is sealed does not change.

    Raises:
        BrokenError: a journal or a sealed folder is broken, or a journal lost its tail.
    """
    decisions = current(ark.decisions)
    catalogue = _beneath(ark, decisions)
    if decisions:
        # Raises where the ledger is shorter than what was decided by: withdrawals are lost.
        for _line in ark.ledger.lines(Head(*decisions.facts.get("ledger", (0, ZERO)))):
            pass
    folders = edition_folders(ark.editions)
    edition = folders[-1] if folders else None

    def table(folder: Path | None, name: str, schema: pa.Schema) -> ir.Table:
        return engine.parquet(folder / name) if folder else engine.rows(schema.empty_table())

    built = catalogue.path if catalogue else None
    recording = table(built, "recording.parquet", RECORDING)
    ruled = table(decisions.path if decisions else None, "decision.parquet", DECISION)
    gone, lines = _withdrawn(ark, engine)
    decided = _closed_at_once(ruled, gone) if lines else ruled
    manifest = table(edition, "manifest.parquet", MANIFEST)
    engine.write(_status(recording, decided), STATUS, engine.scratch / "status.parquet")
    cleared = decided.filter(_.allowed & (_.act == Act.SHARE.value))
    return Tables(
        ark=ark,
        engine=engine,
        inputs=read_inputs(ark),
        edition=edition,
        is_catalogued=catalogue is not None,
        recording=recording,
        membership=table(built, "membership.parquet", MEMBERSHIP),
        conflict=table(built, "conflict.parquet", CONFLICT),
        decided=decided,
        status=engine.parquet(engine.scratch / "status.parquet"),
        manifest=manifest,
        curve=table(edition, "coverage_curve.parquet", CURVE),
        closed=manifest.anti_join(cleared, _FILE) if decisions else manifest.semi_join(gone, _FILE),
    )


def _beneath(ark: Ark, decisions: Sealed | None) -> Sealed | None:
    """The catalogue that decisions were made of, also while the next one is being built."""
    catalogue = current(ark.catalogue)
    if decisions is None or catalogue is None:
        return None
    digest = str(decisions.facts["catalogue"])
    return catalogue if catalogue.digest == digest else Sealed.open(ark.catalogue / digest[:16])


def _withdrawn(ark: Ark, engine: Engine) -> tuple[ir.Table, int]:
    """Every file that was withdrawn, by the ledger as it is now, and how many rows that is."""

    def rows() -> Iterator[dict[str, Any]]:
        for line in ark.ledger.lines():
            if line.kind == "withdrawal":
                for file in map(FileId.parse, line.body["files"]):
                    name = line.body["recording"]
                    yield {"root": file.root, "size": file.size, "recording": name}

    path = engine.scratch / "withdrawn.parquet"
    count = write_table(path, _GONE, rows())
    return engine.parquet(path), count


def _closed_at_once(ruled: ir.Table, gone: ir.Table) -> ir.Table:
    """The decisions, closed where the ledger withdrew a file or its recording since.

    A recording is closed also where it was withdrawn under an older id, which its files tell.
    """
    files = gone.select(*_FILE, by_file=ibis.literal(True)).distinct()
    every = ibis.union(
        gone.select("recording"), ruled.semi_join(gone, _FILE).select("recording"), distinct=True
    )
    names = every.mutate(by_name=ibis.literal(True))
    joined = ruled.left_join(files, _FILE).left_join(names, "recording")
    shut = joined.by_file.fill_null(False) | joined.by_name.fill_null(False)
    return joined.mutate(
        allowed=joined.allowed & ~shut,
        code=ibis.ifelse(shut, "withdrawn", joined.code),
        grade=ibis.ifelse(shut, 0, joined.grade),
    ).select(*DECISION.names)


def _status(recording: ir.Table, decided: ir.Table) -> ir.Table:
    """A row a recording: what its best file may be used for, or what stands against all of them."""
    best = ibis.window(
        group_by="recording",
        order_by=[_.allowed.desc(), _.grade.desc(), _.code != "withdrawn", _.code, *_FILE],
    )
    share = decided.filter(_.act == Act.SHARE.value)
    first = share.mutate(place=ibis.row_number().over(best)).filter(_.place == 0)
    shared = first.select("recording", "code", *_FILE, may_share=_.allowed, ours=_.grade)
    kept = (
        decided.filter((_.act == Act.KEEP.value) & _.allowed)
        .group_by("recording")
        .agg(keep_grade=_.grade.max())
    )
    joined = recording.left_join(shared, "recording").left_join(kept, "recording")
    shareable = joined.may_share.fill_null(False)
    return joined.select(
        *(joined[name] for name in ("recording", "listens", *_FILE)),
        may_keep=joined.keep_grade.notnull(),
        may_share=shareable,
        grade=ibis.ifelse(shareable, joined.ours, joined.keep_grade.fill_null(0)),
        code=joined.code.fill_null(""),
    )
