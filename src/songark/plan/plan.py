"""What to keep under a budget: listens first, a tenth for what few listen to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis import _

from songark.ark.layout import Ark
from songark.ark.pointer import current, set_current
from songark.ark.seal import Draft, Sealed
from songark.catalogue.inputs import Inputs, read_inputs
from songark.engine.engine import Engine
from songark.model.errors import NoArkError
from songark.model.schema import column

# The share of the room that goes to what is listened to least (docs/plan.md).
RARE_SHARE = 0.10

STEP = pa.schema(
    [
        column("position", pa.int64(), "order of work, from 0"),
        column("reason", pa.string(), "listens, or rare"),
        column("recording", pa.string(), "the recording"),
        column("root", pa.binary(32), "BEP 52 root of the file to keep"),
        column("size", pa.int64(), "its length in bytes"),
        column("listens", pa.int64(), "how often the recording was listened to"),
        column("snapshot", pa.string(), "the snapshot that has the file"),
        column("path", pa.string(), "the file's path in that snapshot's folder"),
    ]
)

HELD = pa.schema([STEP.field("root"), STEP.field("size")])


def make_plan(ark: Ark, held: pa.Table, *, budget: int | None = None) -> Sealed:
    """Decide what to keep and write it down; nothing is moved.

    What may be shared goes before what may only be kept. Where nothing is wanting and the budget
    is as before, the last plan still stands.

    One file a recording, of those that are held or were there when their folder was last read:
    one that may be shared before others, lossless before lossy, then the higher bit rate. What is
    held stays and counts against the budget.

    Args:
        ark: the archive; its current catalogue and decisions are planned from.
        held: what the store has, by `HELD`.
        budget: bytes that the store may grow to; None for no bound.

    Raises:
        NoArkError: nothing was added yet.
    """
    catalogue, decisions = current(ark.catalogue), current(ark.decisions)
    if catalogue is None or decisions is None:
        raise NoArkError("nothing is catalogued yet", remedy="Add music with `songark add`")
    held_bytes = sum(row["size"] for row in held.to_pylist())
    room = None if budget is None else max(0, budget - held_bytes)
    with Draft(ark.plans, "plan") as draft, Engine(ark.path / "spill") as engine:
        members = engine.parquet(catalogue.path / "membership.parquet")
        there = _there(members, read_inputs(ark), engine)
        wanted = _wanted(engine, catalogue, decisions, there, engine.rows(held))
        steps = engine.write(_chosen(wanted, room), STEP, draft.path / "plan.parquet")
        bytes_planned = engine.fetch(
            engine.parquet(draft.path / "plan.parquet").agg(total=_["size"].sum().fill_null(0)),
            pa.schema([column("total", pa.int64(), "bytes planned")]),
        )
        facts = {
            "catalogue": catalogue.digest,
            "decisions": decisions.digest,
            "budget": budget,
            "held_bytes": held_bytes,
            "steps": steps,
            "bytes": bytes_planned.column("total")[0].as_py(),
        }
        last = current(ark.plans)
        if last and not steps and last.facts["budget"] == budget:
            return last
        sealed = draft.seal(facts)
    set_current(sealed)
    return sealed


def _there(members: ir.Table, inputs: Inputs, engine: Engine) -> ir.Table:
    """The rows of files that were there when their folder was last read.

    A row is of the newest snapshot that has the file, so where a newer one read its path again, the
    file is there no more: it was removed, or other bytes have taken its place.
    """
    last: dict[str, list[str]] = {}
    gone: list[dict[str, str]] = []
    for snapshot in inputs.folders:
        place, only = snapshot.facts["place"], snapshot.facts.get("only")
        if only:
            older = last.setdefault(place, [])
            gone += [{"snapshot": name, "path": only} for name in older]
            older.append(snapshot.path.name)
        else:
            last[place] = [snapshot.path.name]
    names = [name for several in last.values() for name in several]
    replaced = pa.Table.from_pylist(gone, pa.schema([STEP.field(n) for n in ("snapshot", "path")]))
    current_ones = members.filter(_.snapshot.isin(names or [""]))
    return current_ones.anti_join(engine.rows(replaced), ["snapshot", "path"])


def _wanted(
    engine: Engine, catalogue: Sealed, decisions: Sealed, there: ir.Table, held: ir.Table
) -> ir.Table:
    """The best file of each recording that may be kept, where that one is not held."""
    decided = engine.parquet(decisions.path / "decision.parquet").filter(_.allowed)
    may_keep = decided.filter(_.act == "keep").select("root", "size")
    may_share = decided.filter(_.act == "share").select("root", "size", shared=ibis.literal(1))
    members = engine.parquet(catalogue.path / "membership.parquet")
    known = ibis.union(there, members.semi_join(held, ["root", "size"]))
    files = known.join(may_keep, ["root", "size"]).left_join(may_share, ["root", "size"])
    best = ibis.window(
        group_by="recording",
        order_by=[
            _.shared.fill_null(0).desc(),
            _.lossless.desc(),
            _.bit_rate.fill_null(0).desc(),
            "root",
            "size",
            "snapshot",
            "path",
        ],
    )
    first = files.mutate(place=ibis.row_number().over(best)).filter(_.place == 0)
    fresh = first.anti_join(held, ["root", "size"])
    listens = engine.parquet(catalogue.path / "recording.parquet").select("recording", "listens")
    return fresh.join(listens, "recording").select(
        "recording", "root", "size", "listens", "snapshot", "path", shared=_.shared.fill_null(0)
    )


def _chosen(wanted: ir.Table, room: int | None) -> ir.Table:
    """Listens per byte until nine tenths of the room, then the least listened to."""
    by_listens = [_.shared.desc(), (_.listens / _["size"]).desc(), "size", "recording"]
    by_rarity = [_.shared.desc(), "listens", "size", "recording"]
    if room is None:
        order = ibis.window(order_by=by_listens)
        every = wanted.mutate(
            position=ibis.row_number().over(order), reason=ibis.literal("listens")
        )
        return every.order_by("position")
    first = _prefix(wanted, by_listens, ibis.literal(int(room * (1 - RARE_SHARE)))).mutate(
        reason=ibis.literal("listens"), rank=0
    )
    left = room - first["size"].sum().fill_null(0).as_scalar()
    rest = wanted.anti_join(first, "recording")
    second = _prefix(rest, by_rarity, left).mutate(reason=ibis.literal("rare"), rank=1)
    both = ibis.union(first, second)
    order = ibis.window(order_by=["rank", "running", "recording"])
    return both.mutate(position=ibis.row_number().over(order)).order_by("position")


def _prefix(rows: ir.Table, order: Sequence[Any], room: ir.IntegerValue) -> ir.Table:
    """Rows in order as long as their bytes fit; one larger than the whole room is passed over."""
    running = ibis.window(order_by=order, preceding=None, following=0)
    fitting = rows.filter(_["size"] <= room)
    summed = fitting.mutate(running=_["size"].sum().over(running).cast("int64"))
    return summed.filter(_.running <= room)
