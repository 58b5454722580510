"""Sums by key through runs on the disk."""

from __future__ import annotations

import tempfile
import tracemalloc
from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from songark.sources.runs import Runs


@given(st.lists(st.tuples(st.text(max_size=3), st.integers(0, 2**53))), st.integers(1, 5))
def test_sums_do_not_depend_on_what_memory_holds(pairs, held):
    expected: Counter[str] = Counter()
    for key, number in pairs:
        expected[key] += number
    with tempfile.TemporaryDirectory() as name:
        with Runs(Path(name), held) as runs:
            for key, number in pairs:
                runs.add(key, number)
            assert list(runs.summed()) == sorted(expected.items())
        assert not list(Path(name).iterdir())


def test_memory_does_not_grow_with_the_keys(tmp_path):
    def peak(count, held):
        tracemalloc.start()
        try:
            with Runs(tmp_path, held) as runs:
                for number in range(count):
                    runs.add(f"recording {number}", 1)
                assert sum(1 for _ in runs.summed()) == count
                return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(40_000, held=1_000) < peak(40_000, held=50_000) / 3
