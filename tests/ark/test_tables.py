import hashlib
import random

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from songark.ark.tables import ROW_GROUP, read_rows, write_batches, write_table

SCHEMA = pa.schema(
    [
        pa.field("n", pa.int64(), nullable=False),
        pa.field("root", pa.binary(32), nullable=False),
        pa.field("text", pa.string()),
        pa.field("parts", pa.list_(pa.string())),
    ]
)


def row(number):
    return {
        "n": number,
        "root": hashlib.sha256(b"%d" % number).digest(),
        "text": None if number % 7 == 0 else f"title {number % 1000}",
        "parts": ["a", "b"][: number % 3],
    }


def test_rows_come_back_as_they_were(tmp_path):
    told = [row(number) for number in range(50)]
    assert write_table(tmp_path / "t", SCHEMA, iter(told)) == 50
    assert list(read_rows(tmp_path / "t")) == told
    assert next(read_rows(tmp_path / "t", ["text", "n"])) == {"n": 0, "text": None}


def test_no_rows_are_a_table_too(tmp_path):
    assert write_table(tmp_path / "t", SCHEMA, ()) == 0
    assert list(read_rows(tmp_path / "t")) == []


def cut(table, sizes):
    """The rows of a table in batches of these sizes, the last one over and over."""
    at = 0
    while at < table.num_rows:
        size = sizes.pop(0) if len(sizes) > 1 else sizes[0]
        yield from table.slice(at, size).combine_chunks().to_batches()
        at += size


@pytest.mark.parametrize("sizes", [[20_480], [999], [1, ROW_GROUP - 1, 77_777], [ROW_GROUP + 5]])
def test_the_same_rows_give_the_same_bytes_whatever_the_batches(tmp_path, sizes):
    # Many enough for two row groups and for columns of many pages.
    count = ROW_GROUP + 20_000
    maker = random.Random(1)
    table = pa.table(
        {
            "n": pa.array(range(count)),
            "root": pa.array([maker.randbytes(32) for _ in range(count)], pa.binary(32)),
            "text": [str(maker.random()) if n % 5 else None for n in range(count)],
            "parts": pa.array([["x" * (n % 9)] * (n % 4) for n in range(count)]),
        },
        schema=SCHEMA,
    )
    whole = tmp_path / "whole"
    write_batches(whole, SCHEMA, table.to_batches())
    assert write_batches(tmp_path / "cut", SCHEMA, cut(table, sizes)) == count
    assert (tmp_path / "cut").read_bytes() == whole.read_bytes()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 60), st.integers(1, 70), st.integers(1, 70))
def test_the_batch_size_of_written_rows_does_not_show(tmp_path_factory, count, one, other):
    folder = tmp_path_factory.mktemp("t")
    for name, size in (("one", one), ("other", other)):
        write_table(folder / name, SCHEMA, map(row, range(count)), batch=size)
    assert (folder / "one").read_bytes() == (folder / "other").read_bytes()


def test_a_null_where_none_may_be_is_refused_and_nothing_is_left(tmp_path):
    with pytest.raises((pa.ArrowInvalid, ValueError)):
        write_table(tmp_path / "t", SCHEMA, [{**row(1), "n": None}])
    assert list(tmp_path.iterdir()) == []


def test_a_row_that_does_not_fit_is_refused_and_nothing_is_left(tmp_path):
    with pytest.raises(pa.ArrowInvalid):
        write_table(tmp_path / "t", SCHEMA, [{**row(1), "root": b"short"}])
    assert list(tmp_path.iterdir()) == []
