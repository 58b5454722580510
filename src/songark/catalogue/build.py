"""From snapshots to a sealed catalogue: rows, edges, groups, ids, recordings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis import _

from songark.ark.layout import Ark
from songark.ark.pointer import current, set_current
from songark.ark.seal import Draft, Sealed
from songark.ark.tables import read_rows, write_table
from songark.catalogue import match, schema
from songark.catalogue.inputs import Inputs, read_inputs
from songark.catalogue.normalise import VERSION
from songark.catalogue.popularity import recordings
from songark.catalogue.registry import Naming, living_ids, name_groups
from songark.catalogue.texts import normalised
from songark.engine.components import components
from songark.engine.engine import Engine
from songark.model.schema import IDENTIFIER, LISTEN, TRACK, column

_ROW_PLACE = pa.schema(
    [
        column("snapshot", pa.string(), "the snapshot a row is from"),
        column("place", pa.string(), "the folder that was added"),
        column("came", pa.int64(), "the order in which snapshots came"),
    ]
)
_LABEL = pa.schema([schema.ROW.field("node"), schema.RECORDING.field("recording")])


def build_catalogue(ark: Ark) -> Sealed:
    """Build the catalogue from every snapshot and make it the current one.

    With nothing new since the last build, that one is returned as it is.

    Raises:
        BrokenError: the journal or a snapshot is broken.
    """
    inputs = read_inputs(ark)
    last = current(ark.catalogue)
    if last and last.facts["inputs"] == inputs.digests and last.facts["normaliser"] == VERSION:
        return last
    with Draft(ark.catalogue, "catalogue") as draft, Engine(ark.path / "spill") as engine:
        counts = _write_tables(ark, inputs, last, engine, draft.path)
        facts = {
            "inputs": inputs.digests,
            "normaliser": VERSION,
            "before": last.digest if last else "",
            "counts": counts,
        }
        sealed = draft.seal(facts)
    set_current(sealed)
    return sealed


def _write_tables(
    ark: Ark, inputs: Inputs, last: Sealed | None, engine: Engine, out: Path
) -> dict[str, int]:
    engine.write(_rows(ark, inputs, engine), schema.ROW, out / "row.parquet")
    rows = engine.parquet(out / "row.parquet")
    identifiers = _identifiers(inputs, engine)
    pairs = match.identifier_pairs(rows, identifiers)
    edges = ibis.union(
        match.file_edges(rows),
        match.packet_edges(rows, _probes(inputs, engine)),
        match.identifier_edges(pairs),
        match.name_edges(rows),
    ).order_by("rank", "left", "right")
    engine.write(edges, schema.EDGE, out / "edge.parquet")
    naming, labels = _name(inputs, last, out)
    engine.write(
        _membership(rows, engine.rows(labels), engine.parquet(out / "edge.parquet")),
        schema.MEMBERSHIP,
        out / "membership.parquet",
    )
    membership = engine.parquet(out / "membership.parquet")
    engine.write(
        membership.join(identifiers, ["snapshot", "source_key"])
        .select("scheme", "value", "recording")
        .distinct()
        .order_by("scheme", "value", "recording"),
        schema.IDENTIFIER,
        out / "identifier.parquet",
    )
    counted = recordings(
        rows.join(engine.rows(labels), "node"),
        engine.parquet(out / "identifier.parquet"),
        _listens(ark, inputs, engine),
        engine.rows(_moved(naming)),
    )
    engine.write(counted.recordings, schema.RECORDING, out / "recording.parquet")
    engine.write(
        ibis.union(_disputes(rows, pairs), counted.unmatched).order_by(
            "kind", "subject", "left", "right"
        ),
        schema.CONFLICT,
        out / "conflict.parquet",
    )
    _write_naming(naming, out)
    return {
        name: pa.parquet.read_metadata(out / f"{name}.parquet").num_rows
        for name in ("row", "recording", "identifier", "conflict", "redirect")
    }


def _rows(ark: Ark, inputs: Inputs, engine: Engine) -> ir.Table:
    """Rows of the newest snapshot of each place that has the file, numbered in a total order."""
    parts = []
    for came, snapshot in enumerate(inputs.folders):
        texts = normalised(snapshot, ark.path / "normalised")
        tracks = engine.parquet(snapshot.path / "tracks.parquet")
        keys = engine.parquet(texts.path / "text.parquet")
        parts.append(
            tracks.join(keys, "source_key").mutate(
                snapshot=ibis.literal(snapshot.path.name),
                place=ibis.literal(snapshot.facts["place"]),
                came=ibis.literal(came, "int64"),
            )
        )
    if not parts:
        empty = pa.unify_schemas([TRACK, schema.TEXT.remove(0), _ROW_PLACE])
        parts.append(engine.rows(empty.empty_table()))
    every = ibis.union(*parts) if len(parts) > 1 else parts[0]
    newest = ibis.window(group_by=["place", "root", "size"])
    kept = every.mutate(last=_.came.max().over(newest)).filter(_.came == _.last)
    order = ibis.window(order_by=["source", "source_key", "root", "size", "came"])
    return kept.mutate(node=ibis.row_number().over(order)).order_by("node")


def _identifiers(inputs: Inputs, engine: Engine) -> ir.Table:
    parts = [
        engine.parquet(s.path / "identifiers.parquet").mutate(snapshot=ibis.literal(s.path.name))
        for s in inputs.folders
    ]
    if not parts:
        return engine.rows(IDENTIFIER.append(schema.ROW.field("snapshot")).empty_table())
    return ibis.union(*parts) if len(parts) > 1 else parts[0]


def _probes(inputs: Inputs, engine: Engine) -> ir.Table:
    paths = [s.path / "probes.parquet" for s in inputs.probes]
    return engine.parquet(paths) if paths else engine.rows(schema.PROBE.empty_table())


def _listens(ark: Ark, inputs: Inputs, engine: Engine) -> ir.Table:
    """Listens with the keys of those that name artist and title."""
    parts = [
        engine.parquet(s.path / "listens.parquet").left_join(
            engine.parquet(normalised(s, ark.path / "normalised").path / "text.parquet"),
            [("recording", "source_key")],
        )
        for s in inputs.listens
    ]
    if not parts:
        return engine.rows(pa.unify_schemas([LISTEN, schema.TEXT]).empty_table())
    return ibis.union(*parts) if len(parts) > 1 else parts[0]


def _name(inputs: Inputs, last: Sealed | None, out: Path) -> tuple[Naming, pa.Table]:
    """Group the rows and give each group its id; the labels are (node, recording)."""
    files = [
        f"file:{r['root'].hex()}-{r['size']}"
        for r in read_rows(out / "row.parquet", ["root", "size"])
    ]
    edges = pa.parquet.ParquetFile(out / "edge.parquet").iter_batches(columns=["left", "right"])
    labels = components(len(files), edges)
    packets = {
        f"file:{r['root'].hex()}-{r['size']}": f"packets:{r['packets']}"
        for s in inputs.probes
        for r in read_rows(s.path / "probes.parquet", ["root", "size", "packets"])
    }
    keys: dict[int, set[str]] = {}
    for node, label in enumerate(labels):
        found = keys.setdefault(label, set())
        found.add(files[node])
        if files[node] in packets:
            found.add(packets[files[node]])
    order = sorted(keys)
    before, redirects = _read_naming(last)
    naming = name_groups([sorted(keys[label]) for label in order], before, redirects)
    names = dict(zip(order, naming.ids, strict=True))
    table = pa.table(
        {
            "node": pa.array(range(len(files)), pa.int64()),
            "recording": [names[one] for one in labels],
        },
        schema=_LABEL,
    )
    return naming, table


def _membership(rows: ir.Table, labels: ir.Table, edges: ir.Table) -> ir.Table:
    """Every row with its recording, the strongest rule that holds it there, and its neighbour."""
    sides = ibis.union(
        edges.select("rank", "rule", node="left", other="right"),
        edges.select("rank", "rule", node="right", other="left"),
    )
    first = ibis.window(group_by="node", order_by=["rank", "other"])
    best = sides.mutate(place=ibis.row_number().over(first)).filter(_.place == 0).drop("place")
    joined = rows.join(labels, "node").left_join(best, "node")
    named = joined.left_join(rows.select(other="node", beside="source_key"), "other")
    return named.mutate(rule=_.rule.fill_null("alone"), beside=_.beside.fill_null("")).order_by(
        "recording", "node"
    )


def _disputes(rows: ir.Table, pairs: ir.Table) -> ir.Table:
    """Identifiers that two rows share although neither title nor duration agrees."""
    left = rows.select(left="node", left_key="source_key")
    right = rows.select(right="node", right_key="source_key")
    refused = pairs.filter(~_.agree).join(left, "left").join(right, "right")
    return refused.select(
        kind=ibis.literal("identifier"),
        subject=_.scheme + ":" + _.value,
        left=_.left_key,
        right=_.right_key,
        reason=ibis.literal("they share it, and neither title nor duration agrees"),
    )


def _read_naming(last: Sealed | None) -> tuple[dict[str, str], list[tuple[str, str, str]]]:
    if last is None:
        return {}, []
    registry = {r["key"]: r["recording"] for r in read_rows(last.path / "registry.parquet")}
    redirects = [(r["old"], r["new"], r["kind"]) for r in read_rows(last.path / "redirect.parquet")]
    return registry, redirects


def _moved(naming: Naming) -> pa.Table:
    moved = living_ids(naming.redirects)
    columns = {"old": list(moved), "new": list(moved.values())}
    return pa.table(columns, schema=schema.REDIRECT.remove(2))


def _write_naming(naming: Naming, out: Path) -> None:
    def registry() -> Iterator[dict[str, Any]]:
        for key in sorted(naming.registry):
            yield {"key": key, "recording": naming.registry[key]}

    write_table(out / "registry.parquet", schema.REGISTRY, registry())
    redirects = ({"old": o, "new": n, "kind": k} for o, n, k in naming.redirects)
    write_table(out / "redirect.parquet", schema.REDIRECT, redirects)
