"""What snapshots say about each file of the catalogue, in bulk and in the order of files."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import ibis
import pyarrow as pa
from ibis import _

from songark.ark.layout import Ark
from songark.ark.seal import Sealed
from songark.ark.tables import read_rows
from songark.catalogue.schema import MEMBERSHIP
from songark.engine.engine import Engine
from songark.model.evidence import Grade, Part, Statement
from songark.model.identity import FileId
from songark.model.schema import STATEMENT
from songark.rights.decide import FileFacts

_FACTS = ("has_picture", "has_lyrics", "title_raw", "artist_raw", "composer_raw")
# A left join leaves nulls where nothing is said, so no column may refuse them.
_SAID = pa.schema(
    [
        field.with_nullable(True)
        for field in (
            *(MEMBERSHIP.field(name) for name in ("recording", "root", "size", *_FACTS)),
            *(field for field in STATEMENT if field.name != "source_key"),
        )
    ]
)


def said_of_files(
    ark: Ark, catalogue: Sealed, engine: Engine
) -> Iterator[tuple[FileId, str, FileFacts, list[Statement]]]:
    """Every file of the catalogue with its recording, facts and statements, by file."""
    table = catalogue.path / "membership.parquet"
    snapshots = sorted(
        {(r["source"], r["snapshot"]) for r in read_rows(table, ["source", "snapshot"])}
    )
    members = engine.parquet(table)
    parts = [
        engine.parquet(ark.snapshots / source / name / "statements.parquet").mutate(
            snapshot=ibis.literal(name)
        )
        for source, name in snapshots
    ]
    if not parts:
        return
    statements = ibis.union(*parts) if len(parts) > 1 else parts[0]
    joined = members.left_join(statements, ["snapshot", "source_key"]).select(*_SAID.names)
    spool = engine.scratch / "said.parquet"
    order = ["root", "size", *(n for n in _SAID.names if n not in {"root", "size"})]
    engine.write(joined.distinct().order_by(*(_[name] for name in order)), _SAID, spool)
    for (root, size), rows in groupby(read_rows(spool), key=lambda r: (r["root"], r["size"])):
        yield _file(FileId(root, size), list(rows))


def _file(
    file: FileId, rows: list[dict[str, Any]]
) -> tuple[FileId, str, FileFacts, list[Statement]]:
    first = rows[0]
    facts = FileFacts(
        any(r["has_picture"] for r in rows),
        any(r["has_lyrics"] for r in rows),
        first["title_raw"] or "",
        first["artist_raw"] or "",
        first["composer_raw"] or "",
    )
    said = {_statement(r) for r in rows if r["kind"] is not None}
    order = sorted(said, key=lambda s: (s.kind, s.place, s.licence_raw, s.document))
    return file, first["recording"], facts, order


def _statement(row: dict[str, Any]) -> Statement:
    return Statement(
        row["kind"],
        Grade(row["grade"]),
        row["licence_raw"],
        row["licence"],
        frozenset(Part(p) for p in row["parts"]),
        row["holder"],
        row["place"],
        row["document"],
        row["note"],
    )
