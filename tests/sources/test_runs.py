"""Sums by key through runs on the disk."""

from __future__ import annotations

import tempfile
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
