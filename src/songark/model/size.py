"""Sizes as people write them."""

from __future__ import annotations

import re

from songark.model.errors import UsageError

_UNITS = {"": 1, "B": 1} | {
    name: step**power
    for power, letter in enumerate("KMGTP", 1)
    for name, step in ((f"{letter}B", 1000), (letter, 1000), (f"{letter}IB", 1024))
}
_FORM = re.compile(r"\s*([0-9]{1,15}(?:\.[0-9]{1,6})?)\s*([A-Za-z]{0,3})\s*")


def parse_size(text: str) -> int:
    """Bytes from ``2TB``, ``1.5 GiB`` or ``4096``: decimal units by thousands, binary by 1024.

    Raises:
        UsageError: the text is not a size.
    """
    found = _FORM.fullmatch(text)
    unit = _UNITS.get(found[2].upper()) if found else None
    if not found or unit is None:
        raise UsageError(
            f"not a size: {text[:100]!r}", remedy="Write it like 500MB, 2TB, 1.5GiB or a number"
        )
    return int(float(found[1]) * unit) if "." in found[1] else int(found[1]) * unit


def show_size(count: int) -> str:
    """Bytes for people, in decimal units: ``1.5 GB``."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} PB"
