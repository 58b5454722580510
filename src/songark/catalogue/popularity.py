"""Popularity from 0 to 100, and one line a recording (docs/popularity.md)."""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
from ibis import _

UNKNOWN_ARTIST = "Unknown artist"


@dataclass(frozen=True, slots=True)
class Counted:
    """Recordings with their listens, and the listens that name no recording or several."""

    recordings: ir.Table
    unmatched: ir.Table


def recordings(
    rows: ir.Table, identifiers: ir.Table, listens: ir.Table, moved: ir.Table
) -> Counted:
    """One row a recording, with listens counted where a log names exactly one recording.

    Args:
        rows: the build's rows with their `recording`.
        identifiers: (scheme, value, recording).
        listens: (recording, listens, artist_key, title_key).
        moved: (old, new) for ids that were merged away, which logs may still name.
    """
    named = (
        rows.filter((_.artist_key != "") & (_.title_key != ""))
        .select("artist_key", "title_key", target="recording")
        .distinct()
    )
    by_name = listens.filter(_.title_key.notnull()).join(named, ["artist_key", "title_key"])
    known = identifiers.mutate(recording=_.scheme + ":" + _.value, target=_.recording)
    by_identifier = listens.join(known.select("recording", "target"), "recording")
    living = rows.select(old="recording", target="recording").distinct()
    merged = moved.select("old", target="new").semi_join(living, "target")
    ids = ibis.union(living, merged).select("target", recording="songark:" + _.old)
    by_id = listens.join(ids, "recording")
    hits = ibis.union(
        *(t.select("recording", "listens", "target") for t in (by_name, by_identifier, by_id))
    )
    several = hits.group_by("recording").agg(targets=_.target.nunique())
    sure = hits.join(several.filter(_.targets == 1), "recording").select("target", "listens")
    counts = sure.group_by("target").agg(listens=_.listens.sum().cast("int64"))
    return Counted(_recordings(rows, counts), _unmatched(listens, several))


def _recordings(rows: ir.Table, counts: ir.Table) -> ir.Table:
    order = ibis.window(
        group_by="recording", order_by=[_.title_raw.isnull(), _.artist_raw.isnull(), "node"]
    )
    best = rows.mutate(place=ibis.row_number().over(order)).filter(_.place == 0)
    files = (
        rows.select("recording", "root", "size")
        .distinct()
        .group_by("recording")
        .agg(files=_.count())
    )
    joined = best.join(files, "recording").left_join(counts, [("recording", "target")])
    filled = joined.mutate(listens=_.listens.fill_null(0))
    top = ibis.window()
    scale = (_.listens + 1).ln() / ibis.greatest((_.listens.max().over(top) + 1).ln(), 1e-9)
    return (
        filled.mutate(popularity=(scale * 100).round().cast("int8"))
        .select(
            "recording",
            "duration_ms",
            "files",
            "listens",
            "popularity",
            title=_.title_raw.fill_null(_.source_key.re_replace(r"^.*/|\.[^./]*$", "")),
            artist=_.artist_raw.fill_null(UNKNOWN_ARTIST),
            release=_.release_raw,
            date=_.date_raw,
        )
        .order_by("recording")
    )


def _unmatched(listens: ir.Table, several: ir.Table) -> ir.Table:
    lost = listens.left_join(several, "recording").filter(_.targets.isnull() | (_.targets > 1))
    return lost.select(
        kind=ibis.literal("listens"),
        subject=_.recording,
        left=_.listens.cast("string"),
        right=ibis.literal(""),
        reason=ibis.ifelse(
            _.targets.isnull(), "no recording has this name", "several have this name"
        ),
    )
