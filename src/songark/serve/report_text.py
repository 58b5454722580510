"""Figures and other people's words as the report shows them."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from itertools import groupby

from markupsafe import Markup, escape

from songark.model.size import show_size

# Marks that turn the direction of what follows (UAX 9), and line separators; both can make a
# title rewrite the text beside it. Joiners stay: several scripts are not legible without them.
_TURNING = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\U000e0000-\U000e007f]")
_MARKS = 3
_COMMAND = re.compile(r"`([^`]{1,200})`|(?<=: )(songark [^`]{1,200})$")


def shown(text: object, limit: int = 120) -> str:
    """Any text on one line: no control characters, no turned directions, at most `limit` long."""
    # What is cut away is not worth looking at, however long it is.
    whole = str(text)[: 8 * limit]
    flat = "".join(" " if unicodedata.category(c) in {"Cc", "Zl", "Zp"} else c for c in whole)
    plain = _few_marks(" ".join(_TURNING.sub("", flat).split()))
    return plain if len(plain) <= limit else plain[: limit - 1].rstrip() + "…"


def _few_marks(text: str) -> str:
    """Without the towers of combining marks that cover the lines above and below."""
    out: list[str] = []
    for marks, run in groupby(text, key=lambda c: unicodedata.category(c) in {"Mn", "Me"}):
        out += list(run)[: _MARKS if marks else None]
    return "".join(out)


def commands(text: str) -> Markup:
    """A remedy with its commands set as code."""
    out, at = Markup(), 0
    for found in _COMMAND.finditer(text):
        out += escape(text[at : found.start()])
        out += Markup("<code>{}</code>").format(found[1] or found[2])
        at = found.end()
    return out + escape(text[at:])


def number(value: int) -> str:
    """An integer with its thousands apart: ``1,234,567``."""
    return f"{value:,}"


def counted(value: int, one: str, many: str = "") -> str:
    """A number with its noun: ``1 track``, ``25 tracks``."""
    return f"{value:,} {one if value == 1 else many or one + 's'}"


def percent(part: int, whole: int) -> str:
    """A share; only nothing is ``0%`` and only everything is ``100%``."""
    if part <= 0 or whole <= 0:
        return "0%"
    tenths = part * 1000 // whole
    if part >= whole:
        return "100%"
    return f"{tenths // 10}.{tenths % 10}%" if tenths else "<0.1%"


def width(part: int, whole: int) -> str:
    """The length of a bar in percent, for an SVG's own attribute; what is there can be seen."""
    if part <= 0 or whole <= 0:
        return "0"
    return f"{max(0.4, min(100.0, 100 * part / whole)):.2f}"


def hours(milliseconds: int) -> str:
    """A length of time as people say it: ``26 minutes``, ``3.2 hours``, ``412 days``."""
    minutes = milliseconds // 60_000
    if minutes < 1:
        return counted(milliseconds // 1000, "second")
    if minutes < 90:
        return counted(minutes, "minute")
    if minutes < 72 * 60:
        return f"{minutes / 60:.1f} hours"
    return f"{minutes // (24 * 60):,} days"


def day(moment: str) -> str:
    """The day of an RFC 3339 moment, in words: ``20 November 2026``."""
    try:
        found = date.fromisoformat(moment[:10])
    except ValueError:
        return "an unknown day"
    return f"{found.day} {_MONTHS[found.month - 1]} {found.year}"


_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip

FILTERS = {
    "shown": shown,
    "commands": commands,
    "number": number,
    "counted": counted,
    "size": show_size,
    "hours": hours,
    "day": day,
}
"""What the templates call these by."""
