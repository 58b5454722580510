"""JSON lines out of a feed, read strictly: whoever signed them may be hostile."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from songark.model.errors import BrokenError

REMEDY = "Ask the keeper of this archive to publish it again"


def objects(data: bytes, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each line's place, for people, and its object.

    Raises:
        BrokenError: a line is no JSON object.
    """
    for number, raw in enumerate(data.splitlines(), 1):
        place = f"{name}, line {number}"
        try:
            told = json.loads(raw)
        except (ValueError, RecursionError) as error:
            raise malformed("line", place, error) from None
        if not isinstance(told, dict):
            raise malformed("line", place, ValueError("no object"))
        yield place, told


def text(value: object) -> str:
    """A value that has to be a text.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def count(value: object, least: int) -> int:
    """A value that has to be a whole number, at least `least` and of 63 bits at most.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value < 2**63:
        raise ValueError(f"not a number from {least}")
    return value


def malformed(what: str, place: str, error: Exception) -> BrokenError:
    """The error to raise for what has another form."""
    return BrokenError(f"not a {what} as we know it ({error})", place=place, remedy=REMEDY)
