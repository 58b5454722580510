"""Sizes as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songark.model.errors import UsageError
from songark.model.size import parse_size, show_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("4096", 4096),
        ("12B", 12),
        ("1k", 1000),
        ("500 MB", 500_000_000),
        ("2TB", 2 * 10**12),
        ("10 gb", 10**10),
        ("1.5GiB", 3 << 29),
        (" 1 KiB ", 1024),
        ("1PiB", 1 << 50),
    ],
)
def test_units(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "B", "-1", "1 XB", "1 000", "1,5GB", "1e9", "0x10", "1.GB", "٣", "9" * 16, "1\n2"]
)
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not a size"):
        parse_size(text)


@given(st.integers(0, 10**15 - 1))
def test_plain_numbers_are_bytes(size: int) -> None:
    assert parse_size(str(size)) == size


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (1_500_000_000, "1.5 GB"),
        (2 * 10**15, "2.0 PB"),
        (5 * 10**18, "5000.0 PB"),
    ],
)
def test_shown(size: int, text: str) -> None:
    assert show_size(size) == text


@given(st.integers(1000, 10**17))
def test_what_is_shown_reads_back_nearly(size: int) -> None:
    assert parse_size(show_size(size)) == pytest.approx(size, rel=0.06)
