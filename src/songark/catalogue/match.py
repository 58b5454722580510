"""Which rows are one recording: pure functions from tables to edges, each with its rule.

Rules, strongest first: the same file; the same coded packets; a shared identifier that title or
duration confirms; the same artist and title within one cluster of durations. A missing duration
never agrees: such a row joins only where its key has a single cluster.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

RULES = {1: "same file", 2: "same packets", 3: "same identifier", 4: "same name and duration"}

# Two durations this close agree: encoders pad, and taggers round to whole seconds.
CLOSE_MS = 2_000
# An identifier is strong evidence, so it may be confirmed by a looser duration.
CLOSE_WITH_IDENTIFIER_MS = 5_000


def file_edges(rows: ir.Table) -> ir.Table:
    """Rows that hold the very same bytes."""
    return _star(rows, ["root", "size"], 1)


def packet_edges(rows: ir.Table, probes: ir.Table) -> ir.Table:
    """Rows whose files carry the same coded packets under other tags."""
    known = probes.select("root", "size", "packets").distinct()
    return _star(rows.join(known, ["root", "size"]), ["packets"], 2)


def identifier_pairs(rows: ir.Table, identifiers: ir.Table) -> ir.Table:
    """Pairs of rows that share an identifier, with `agree`: title or duration confirms it."""
    tagged = rows.select("node", "snapshot", "source_key", "title_key", "duration_ms").join(
        identifiers, ["snapshot", "source_key"]
    )
    left = tagged.select("scheme", "value", "node", "title_key", "duration_ms")
    right = left.rename(node_right="node", title_right="title_key", duration_right="duration_ms")
    pairs = left.join(right, ["scheme", "value", left.node < right.node_right])
    same_title = (_.title_key != "") & (_.title_key == _.title_right)
    close = (_.duration_ms - _.duration_right).abs() <= CLOSE_WITH_IDENTIFIER_MS
    return pairs.mutate(agree=same_title | close.fill_null(False)).select(
        "scheme", "value", "agree", left="node", right="node_right"
    )


def identifier_edges(pairs: ir.Table) -> ir.Table:
    """The confirmed pairs as edges."""
    return _edges(pairs.filter(_.agree), 3)


def name_edges(rows: ir.Table) -> ir.Table:
    """Rows of one artist and title whose durations lie in one cluster."""
    keyed = rows.filter((_.artist_key != "") & (_.title_key != "")).select(
        "node", "artist_key", "title_key", "duration_ms"
    )
    key = ["artist_key", "title_key"]
    timed = keyed.filter(_.duration_ms.notnull())
    order = ibis.window(group_by=key, order_by=["duration_ms", "node"])
    gaps = timed.mutate(gap=(_.duration_ms - _.duration_ms.lag(1).over(order)))
    starts = gaps.mutate(start=(_.gap.isnull() | (_.gap > CLOSE_MS)).cast("int64"))
    running = ibis.window(group_by=key, order_by=["duration_ms", "node"], following=0)
    clustered = starts.mutate(cluster=_.start.sum().over(running))
    single = (
        clustered.group_by(key)
        .agg(clusters=_.cluster.max(), first=_.node.min())
        .filter(_.clusters == 1)
        .drop("clusters")
    )
    untimed = keyed.filter(_.duration_ms.isnull()).join(single, key)
    late = untimed.select(
        left=ibis.least(untimed.node, untimed.first),
        right=ibis.greatest(untimed.node, untimed.first),
    )
    return ibis.union(_star(clustered, [*key, "cluster"], 4), _edges(late, 4))


def _star(rows: ir.Table, key: list[str], rank: int) -> ir.Table:
    """Join every row of a group to its smallest node."""
    starred = rows.mutate(left=_.node.min().over(ibis.window(group_by=key)))
    return _edges(starred.filter(_.left != _.node).select("left", right="node"), rank)


def _edges(pairs: ir.Table, rank: int) -> ir.Table:
    return pairs.select(
        "left", "right", rank=ibis.literal(rank, "int8"), rule=ibis.literal(RULES[rank])
    )
