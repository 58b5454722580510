"""Which packs a mirror holds under its budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from songark.mirror.editions import PackLine


def choose_packs(
    lines: Sequence[PackLine], budget: int | None, present: Mapping[str, int]
) -> list[PackLine]:
    """The packs that cover most listens within a budget of bytes, by name.

    What is here already is kept before anything new is taken; then listens per byte decide. What
    does not fit any more is not deleted, so it counts, and nothing new is taken over the budget.

    Args:
        lines: the packs of the edition.
        budget: bytes; None for no bound.
        present: bytes that are here, by pack.
    """

    def order(line: PackLine) -> tuple[bool, Fraction, str]:
        return (line.pack not in present, -Fraction(line.listens, line.size), line.pack)

    if budget is None:
        return sorted(lines, key=lambda line: line.pack)
    offered = {line.pack for line in lines}
    room = budget - sum(held for pack, held in present.items() if pack not in offered)
    chosen = []
    for line in sorted(lines, key=order):
        if line.size <= room:
            room -= line.size
            chosen.append(line)
        else:
            room -= present.get(line.pack, 0)
    return sorted(chosen, key=lambda line: line.pack)
