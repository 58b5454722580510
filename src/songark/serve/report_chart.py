"""The coverage curve as a drawing: positions in percent, so that it stretches with the page."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from songark.model.size import show_size
from songark.serve.report_curve import Curve, covered, milestones
from songark.serve.report_text import percent

# The plot's own units; the browser stretches them to the space there is.
_SIDE = 1000
_SAMPLES = 300


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: where, in percent from the left or the top, and what stands there."""

    at: str
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawn curve.

    line, area, packs: SVG paths in a square of 1000. top: where all that is released lies, percent
    from above. rows: (share, bytes, tracks) for the table. unit: the (name, bytes) a budget is
    asked for in. data: what the page's own script reads, numbers only.
    """

    line: str
    area: str
    packs: str
    top: str
    reached: str
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    rows: tuple[tuple[str, str, int], ...]
    unit: tuple[str, int]
    data: dict[str, Any]


def draw(curve: Curve) -> Chart:
    """Draw a curve."""
    axis = _Axis(curve)
    steps = list(_steps(curve, axis))
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in steps)
    return Chart(
        line=path,
        area=f"{path}L{_SIDE} {_SIDE}L{steps[0][0]:.1f} {_SIDE}Z",
        packs="M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in _pack_steps(curve, axis)),
        top=f"{axis.up(curve.points[-1].listens) / 10:.2f}%",
        reached=percent(curve.points[-1].listens, curve.listens),
        across=tuple(axis.ticks()),
        up=tuple(Tick(f"{100 - share}%", f"{share}%") for share in (0, 25, 50, 75, 100)),
        rows=tuple(
            (percent(p.listens, curve.listens), show_size(p.bytes), p.tracks)
            for p in milestones(curve)
        ),
        unit=_unit(curve.bytes, finer=curve.is_log),
        data={
            "log": curve.is_log,
            "first": curve.first if curve.is_log else 0,
            "total": curve.bytes,
            "listens": curve.listens,
            "whole": curve.whole,
            "single": curve.single,
            "points": [[p.bytes, p.listens, p.tracks] for p in curve.points],
            "packs": [[p.bytes, p.listens, p.tracks] for p in curve.blocks],
        },
    )


class _Axis:
    """From bytes and listens to the plot's units."""

    def __init__(self, curve: Curve) -> None:
        self._curve = curve
        self._span = math.log10(curve.bytes / curve.first) or 1.0

    def across(self, size: int) -> float:
        """Bytes from the left."""
        if not self._curve.is_log:
            return _SIDE * size / self._curve.bytes
        return _SIDE * math.log10(max(size, self._curve.first) / self._curve.first) / self._span

    def back(self, x: float) -> int:
        """The bytes at a place."""
        if not self._curve.is_log:
            return round(self._curve.bytes * x / _SIDE)
        return round(self._curve.first * 10 ** (self._span * x / _SIDE))

    def up(self, listens: int) -> float:
        """Listens from the top."""
        return _SIDE * (1 - listens / self._curve.listens)

    def ticks(self) -> Iterator[Tick]:
        """Round numbers of bytes, few enough for a phone."""
        for size in self._round():
            yield Tick(f"{self.across(size) / 10:.2f}%", show_size(size).replace(".0 ", " "))

    def _round(self) -> list[int]:
        total, first = self._curve.bytes, self._curve.first
        if self._curve.is_log:
            powers = range(len(str(first)) - 1, len(str(total)))
            return [10**power for power in powers[:: max(1, -(-len(powers) // 5))]]
        decade = 10 ** (len(str(total)) - 1)
        step = next(
            decade * part // 100 for part in (10, 20, 25, 50, 100, 200) if
            total * 100 <= 5 * decade * part
        )  # fmt: skip
        return list(range(0, total + 1, max(1, step)))


def _steps(curve: Curve, axis: _Axis) -> Iterator[tuple[float, float]]:
    """A stair where every track is known, else straight from point to point."""
    before = axis.up(0)
    for point in curve.points:
        x, y = axis.across(point.bytes), axis.up(point.listens)
        if curve.whole:
            yield x, before
        yield x, y
        before = y


def _pack_steps(curve: Curve, axis: _Axis) -> Iterator[tuple[float, float]]:
    before = axis.up(0)
    for sample in range(_SAMPLES + 1):
        x = _SIDE * sample / _SAMPLES
        y = axis.up(covered(curve.blocks, _room(curve, axis, x)).listens)
        if y != before or sample in {0, _SAMPLES}:
            yield x, before
            yield x, y
        before = y


def _room(curve: Curve, axis: _Axis, x: float) -> int:
    return curve.bytes if x >= _SIDE else axis.back(x)


def _unit(total: int, *, finer: bool) -> tuple[str, int]:
    """The unit of a size, or the next smaller one where small sizes matter."""
    names = ("B", "kB", "MB", "GB", "TB", "PB")
    power = max(0, min((len(str(total)) - 1) // 3, len(names) - 1) - finer)
    return names[power], 1000**power
