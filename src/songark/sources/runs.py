"""Sums by key in memory that does not grow: sorted runs on the disk, merged at the end."""

from __future__ import annotations

import heapq
import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import IO, Self

HELD = 250_000
"""Keys held in memory before a run is written."""


class Runs:
    """Takes (key, number) pairs in any order and gives each key once, in order, with its sum."""

    def __init__(self, folder: Path, held: int = HELD) -> None:
        self._folder = folder
        self._held = held
        self._sums: dict[str, int] = {}
        self._runs: list[IO[str]] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._stack.close()

    def add(self, key: str, number: int) -> None:
        """Add a number to a key's sum."""
        self._sums[key] = self._sums.get(key, 0) + number
        if len(self._sums) >= self._held:
            file = tempfile.TemporaryFile("w+", dir=self._folder, encoding="utf-8")  # noqa: SIM115
            run = self._stack.enter_context(file)
            for pair in sorted(self._sums.items()):
                run.write(json.dumps(pair) + "\n")
            self._runs.append(run)
            self._sums = {}

    def summed(self) -> Iterator[tuple[str, int]]:
        """All keys in the order of their code points. Call it once, at the end."""
        parts = [_pairs(run) for run in self._runs]
        merged = heapq.merge(*parts, iter(sorted(self._sums.items())), key=itemgetter(0))
        for key, pairs in groupby(merged, key=itemgetter(0)):
            yield key, sum(number for _, number in pairs)


def _pairs(run: IO[str]) -> Iterator[tuple[str, int]]:
    run.seek(0)
    for line in run:
        key, number = json.loads(line)
        yield key, number
