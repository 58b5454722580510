"""What a disk of some size would cover: listens against bytes, thinned for a page.

Two answers: the best single tracks, and whole packs as ``songark mirror`` takes them, most listens
a byte first, passing over those that do not fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import pyarrow as pa
from ibis import _

from songark.model.schema import column
from songark.release.coverage import CURVE
from songark.release.history import torrent_lines
from songark.serve.report_figures import sealed_coverage
from songark.serve.report_tables import Tables

MOST = 480
"""Points of a curve, and blocks of packs, at most."""
_KEPT = pa.schema([column("tracks", pa.int64(), "a row of the curve that is shown")])
# Where half of what is covered lies in the first fiftieth of the bytes, a linear axis hides it.
_STEEP = 50


@dataclass(frozen=True, slots=True)
class Point:
    """The first `tracks` tracks: their bytes and their listens together."""

    tracks: int
    bytes: int
    listens: int


@dataclass(frozen=True, slots=True)
class Curve:
    """Coverage of the last edition.

    points: most listens a byte first, from nothing to everything. blocks: packs in that order,
    neighbours put together where there are many. listens: all there are. whole: whether every
    track is a point; single: whether every pack is a block. is_log: whether bytes are better drawn
    by powers of ten.
    """

    points: tuple[Point, ...]
    blocks: tuple[Point, ...]
    listens: int
    whole: bool
    single: bool
    is_log: bool

    @property
    def bytes(self) -> int:
        """Of everything released."""
        return self.points[-1].bytes

    @property
    def first(self) -> int:
        """Where a logarithmic axis begins: the power of ten below the first track."""
        return int(10 ** (len(str(self.points[1].bytes)) - 1))


def read_curve(tables: Tables) -> Curve | None:
    """The curve, or None where nothing is released or nobody listens to what is."""
    listens = sealed_coverage(tables.edition).get("listens", 0)
    (last,) = tables.rows(
        tables.curve.agg(n=_.tracks.max().fill_null(0), heard=_.listens.max().fill_null(0)),
        ["n", "heard"],
        "ii",
    )
    if tables.edition is None or not listens or not last["heard"]:
        return None
    wanted = pa.table({"tracks": pa.array(thinned(last["n"]), pa.int64())}, schema=_KEPT)
    rows = tables.curve.semi_join(tables.engine.rows(wanted), "tracks").order_by("tracks")
    points = [Point(**row) for row in tables.engine.fetch(rows, CURVE).to_pylist()]
    lines = list(torrent_lines(tables.edition))
    half = next(p for p in points if 2 * p.listens >= last["heard"])
    return Curve(
        points=(Point(0, 0, 0), *points),
        blocks=tuple(blocks_of(lines)),
        listens=listens,
        whole=len(points) == last["n"],
        single=len(lines) <= MOST,
        is_log=_STEEP * half.bytes < points[-1].bytes,
    )


def thinned(count: int) -> list[int]:
    """At most `MOST` of the numbers 1 to `count`: near at first, then evenly and by ratio.

    Integers only, so that every machine picks the same.
    """
    if count <= MOST:
        return list(range(1, count + 1))
    room = MOST // 2
    even = [count * (i + 1) // room for i in range(room)]
    divisor = 32
    while len(by_ratio := _by_ratio(count, divisor)) > room:
        divisor -= 1
    return sorted({*even, *by_ratio})


def _by_ratio(count: int, divisor: int) -> list[int]:
    found, at = [], 1
    while at <= count:
        found.append(at)
        at += at // divisor + 1
    return found


def blocks_of(lines: Sequence[dict[str, Any]]) -> list[Point]:
    """Packs, most listens a byte first as a mirror takes them, in at most `MOST` blocks."""
    ordered = sorted(
        lines, key=lambda one: (-Fraction(one["listens"], max(one["bytes"], 1)), one["pack"])
    )
    together = -(-len(ordered) // MOST) or 1
    parts = [ordered[at : at + together] for at in range(0, len(ordered), together)]
    sums = [[sum(one[key] for one in part) for key in ("tracks", "bytes", "listens")]
            for part in parts]  # fmt: skip
    return [Point(*told) for told in sums]


def covered(blocks: Sequence[Point], room: int) -> Point:
    """What `room` bytes hold of whole packs; one that does not fit is passed over."""
    tracks = size = listens = 0
    for block in blocks:
        if size + block.bytes <= room:
            tracks += block.tracks
            size += block.bytes
            listens += block.listens
    return Point(tracks, size, listens)


def milestones(curve: Curve) -> list[Point]:
    """The first points at which each tenth of what is released is covered, and 95, 99, 100%."""
    top = curve.points[-1].listens
    marks = [*range(10, 100, 10), 95, 99, 100]
    found = [next(p for p in curve.points if p.listens * 100 >= top * mark) for mark in marks]
    return list(dict.fromkeys(found))
