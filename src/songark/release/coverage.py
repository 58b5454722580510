"""Coverage: the share of listens that is catalogued, cleared, held and released."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import ibis
import pyarrow as pa
from ibis import _

from songark.ark.layout import Ark
from songark.ark.pointer import current
from songark.catalogue.inputs import read_inputs
from songark.engine.engine import Engine
from songark.model.errors import NoArkError
from songark.model.schema import column
from songark.release.tracks import Track

CURVE = pa.schema(
    [
        column("tracks", pa.int64(), "how many released tracks, most listens a byte first"),
        column("bytes", pa.int64(), "their bytes together"),
        column("listens", pa.int64(), "their listens together"),
    ]
)

_COUNT = pa.schema(
    [column(name, pa.int64(), "a sum") for name in ("recordings", "listens", "unmatched")]
)


def coverage(ark: Ark, tracks: Iterable[Track]) -> dict[str, Any]:
    """Recordings and listens at each step from the catalogue to the release.

    `listens` counts every listen of the logs, also those that no recording matches, so a share is
    one of all that people listened to. `verified_elsewhere` is null: no mirror reports here yet.
    """
    catalogue, decisions = current(ark.catalogue), current(ark.decisions)
    if catalogue is None or decisions is None:
        raise NoArkError("nothing is catalogued yet", remedy="Add music with `songark add`")
    released = list(tracks)
    with Engine(ark.path / "spill") as engine:
        recording = engine.parquet(catalogue.path / "recording.parquet")
        allowed = engine.parquet(decisions.path / "decision.parquet").filter(_.allowed)
        lost = engine.parquet(catalogue.path / "conflict.parquet").filter(_.kind == "listens")
        unmatched = lost.agg(listens=_.left.cast("int64").sum())

        def step(rows: ibis.Table) -> dict[str, int]:
            told = rows.agg(recordings=_.count(), listens=_.listens.sum().fill_null(0))
            counted = told.cross_join(unmatched.select(unmatched=_.listens.fill_null(0)))
            return dict(engine.fetch(counted, _COUNT).to_pylist()[0])

        def cleared(act: str) -> ibis.Table:
            return recording.semi_join(allowed.filter(_.act == act), "recording")

        steps = {
            "catalogued": step(recording),
            "may_be_kept": step(cleared("keep")),
            "may_be_shared": step(cleared("share")),
        }
    total = steps["catalogued"]["listens"] + steps["catalogued"]["unmatched"]
    for told in steps.values():
        del told["unmatched"]
    steps["released"] = {
        "recordings": len(released),
        "listens": sum(track.known["listens"] for track in released),
    }
    return {"listens": total, "made_up": _made_up(ark), "verified_elsewhere": None, **steps}


def curve(tracks: Iterable[Track]) -> Iterator[dict[str, int]]:
    """Listens covered by the first so many bytes, most listens a byte first."""

    def order(track: Track) -> tuple[float, int, str]:
        density = track.known["listens"] / track.file.size
        return (-density, track.file.size, track.known["recording"])

    size = listens = 0
    for count, track in enumerate(sorted(tracks, key=order), 1):
        size += track.file.size
        listens += track.known["listens"]
        yield {"tracks": count, "bytes": size, "listens": listens}


def _made_up(ark: Ark) -> bool:
    """Whether any listens log that counts is marked as made up."""
    return any(bool(log.facts.get("made_up")) for log in read_inputs(ark).listens)
