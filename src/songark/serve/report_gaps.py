"""What is not shared, not taken or not agreed on, each with its reason and what mends it."""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
from ibis import _

from songark.catalogue.popularity import UNKNOWN_ARTIST
from songark.rights.acts import Act
from songark.serve.report_tables import Tables

GROUPS = 15
"""Reasons shown, at most."""
EXAMPLES = 3
UNMATCHED = 10

_LABELS = {
    "withdrawn": "Withdrawn by the rights-holder",
    "no-evidence": "Nobody says what may be done with it",
    "no-evidence-recording": "Nothing is said about the recording",
    "no-evidence-composition": "Nothing is said about the song",
    "no-evidence-picture": "Nothing is said about the picture in the file",
    "no-evidence-lyrics": "Nothing is said about the words in the file",
    "not-licensed": "Its licence does not let it be shared",
    "weak-evidence": "Only the file or its keeper says so",
    "conflict": "What is said contradicts itself",
    "anothers-song": "The song is somebody else's",
}

_AFTER_WITHDRAWAL = "Nothing a keeper does; a new signed statement by the rights-holder would"


@dataclass(frozen=True, slots=True)
class Example:
    """One recording or place, and why."""

    title: str
    artist: str
    why: str


@dataclass(frozen=True, slots=True)
class Group:
    """All that is held up by one reason. kept: of them, how many may at least be kept."""

    label: str
    code: str
    fix: str
    count: int
    listens: int = 0
    kept: int = 0
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Something people listen to that is not here, or is here more than once."""

    name: str
    artist: str
    listens: int
    reason: str


@dataclass(frozen=True, slots=True)
class Gaps:
    """Everything that is held up. The `_hidden` say how many more groups or rows there are."""

    withheld: tuple[Group, ...]
    withheld_hidden: int
    rejects: tuple[Group, ...]
    rejects_hidden: int
    reject_count: int
    disputes: tuple[Group, ...]
    dispute_count: int
    unmatched: tuple[Wanted, ...]
    unmatched_count: int
    unmatched_listens: int


def read_gaps(tables: Tables) -> Gaps:
    """Group what is held up by its reason."""
    withheld = _withheld(tables)
    rejects, reject_count = _rejects(tables)
    disputes = tables.conflict.filter(_.kind == "identifier")
    unmatched = tables.conflict.filter(_.kind == "listens").mutate(heard=_.left.cast("int64"))
    (lost,) = tables.rows(
        unmatched.agg(n=_.count(), heard=_.heard.sum().fill_null(0)), ["n", "heard"], "ii"
    )
    (disputed,) = tables.rows(disputes.agg(n=_.count()), ["n"], "i")
    return Gaps(
        withheld=withheld[:GROUPS],
        withheld_hidden=len(withheld[GROUPS:]),
        rejects=rejects[:GROUPS],
        rejects_hidden=reject_count - sum(one.count for one in rejects[:GROUPS]),
        reject_count=reject_count,
        disputes=_disputes(tables, disputes),
        dispute_count=disputed["n"],
        unmatched=_unmatched(tables, unmatched),
        unmatched_count=lost["n"],
        unmatched_listens=lost["heard"],
    )


def _withheld(tables: Tables) -> tuple[Group, ...]:
    held = tables.status.filter(~_.may_share)
    counts = held.group_by("code").agg(n=_.count(), heard=_.listens.sum(), kept=_.may_keep.sum())
    rows = tables.rows(counts.order_by(_.n.desc(), _.code), ("code", "n", "heard", "kept"), "siii")
    examples, fixes = _examples(tables, held)
    return tuple(
        Group(
            _LABELS.get(row["code"], row["code"].replace("-", " ").capitalize()),
            row["code"],
            fixes.get(row["code"], ""),
            row["n"],
            row["heard"],
            row["kept"],
            tuple(examples.get(row["code"], ())),
        )
        for row in rows
    )


def _examples(tables: Tables, held: ir.Table) -> tuple[dict[str, list[Example]], dict[str, str]]:
    """The most listened to of each code, and what helps the first. The codes are ours and few."""
    order = ibis.window(group_by="code", order_by=[_.listens.desc(), "recording"])
    first = held.mutate(place=ibis.row_number().over(order)).filter(_.place < EXAMPLES)
    told = tables.decided.filter(_.act == Act.SHARE.value).select("root", "size", "why", "fix")
    full = (
        first.select("recording", "code", "root", "size", "place")
        .join(told, ["root", "size"])
        .join(tables.recording.select("recording", "title", "artist"), "recording")
    )
    names = ("code", "title", "artist", "why", "fix")
    examples: dict[str, list[Example]] = {}
    # Who withdraws does not want to be named here.
    fixes = {"withdrawn": _AFTER_WITHDRAWAL}
    for row in tables.rows(full.order_by("code", "place"), names, "sssss"):
        if row["code"] != "withdrawn":
            artist = "" if row["artist"] == UNKNOWN_ARTIST else row["artist"]
            example = Example(row["title"], artist, row["why"])
            examples.setdefault(row["code"], []).append(example)
            fixes.setdefault(row["code"], row["fix"])
    return examples, fixes


def _rejects(tables: Tables) -> tuple[tuple[Group, ...], int]:
    """Rejects of the newest snapshot of each place; what was mended since is not shown."""
    newest = {
        (one.facts["source"], one.facts["place"]): one
        for one in (*tables.inputs.folders, *tables.inputs.listens)
    }
    paths = [one.path / "rejects.parquet" for one in newest.values()]
    if not paths:
        return (), 0
    every = tables.engine.parquet(sorted(paths))
    (total,) = tables.rows(every.agg(n=_.count()), ["n"], "i")
    groups = every.group_by("reason").agg(n=_.count(), place=_.place.min(), remedy=_.remedy.min())
    rows = tables.rows(
        groups.order_by(_.n.desc(), _.reason).limit(GROUPS),
        ("reason", "n", "place", "remedy"),
        "siss",
    )
    found = tuple(
        Group(row["reason"], "", row["remedy"], row["n"], examples=(Example(row["place"], "", ""),))
        for row in rows
    )
    return found, total["n"]


def _disputes(tables: Tables, disputes: ir.Table) -> tuple[Group, ...]:
    """Identifiers that do not agree, those with most disputes first."""
    groups = disputes.group_by("subject").agg(
        n=_.count(), left=_.left.min(), right=_.right.max(), reason=_.reason.min()
    )
    rows = tables.rows(
        groups.order_by(_.n.desc(), _.subject).limit(UNMATCHED),
        ("subject", "n", "left", "right", "reason"),
        "sisss",
    )
    return tuple(
        Group(
            row["subject"],
            "",
            "",
            row["n"],
            examples=(Example(row["left"], row["right"], row["reason"]),),
        )
        for row in rows
    )


def _unmatched(tables: Tables, unmatched: ir.Table) -> tuple[Wanted, ...]:
    rows = tables.rows(
        unmatched.order_by(_.heard.desc(), _.subject).limit(UNMATCHED),
        ("subject", "heard", "reason"),
        "sis",
    )
    found = []
    for row in rows:
        artist, tab, title = row["subject"].removeprefix("name:").partition("\t")
        name, by = (title, artist) if tab else (row["subject"], "")
        found.append(Wanted(name, by, row["heard"], row["reason"]))
    return tuple(found)
