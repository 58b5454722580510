import hashlib

import ibis
import pyarrow as pa
import pytest
from ibis import _

from songark.ark.tables import read_rows, write_table
from songark.engine.engine import Engine

SCHEMA = pa.schema(
    [
        pa.field("n", pa.int64(), nullable=False),
        pa.field("root", pa.binary(32), nullable=False),
        pa.field("text", pa.string()),
        pa.field("small", pa.int8()),
        pa.field("flag", pa.bool_()),
        pa.field("parts", pa.list_(pa.string())),
        pa.field("data", pa.binary()),
    ]
)


def row(number):
    return {
        "n": number,
        "root": hashlib.sha256(b"%d" % number).digest(),
        "text": None if number % 3 == 0 else f"Ö {number}",
        "small": number % 100 if number % 4 else None,
        "flag": number % 2 == 0,
        "parts": ["a", "b"][: number % 3],
        "data": b"\x00" * (number % 5),
    }


ROWS = [row(number) for number in range(100)]


@pytest.fixture
def engine(tmp_path):
    with Engine(tmp_path / "spill") as made:
        yield made


def test_rows_in_memory_come_back_as_they_were(engine):
    table = pa.Table.from_pylist(ROWS, SCHEMA)
    fetched = engine.fetch(engine.rows(table).order_by("n"), SCHEMA)
    assert fetched.schema == SCHEMA
    assert fetched.to_pylist() == ROWS


def test_a_query_is_written_and_read_back(engine, tmp_path):
    write_table(tmp_path / "in", SCHEMA, ROWS)
    query = engine.parquet(tmp_path / "in").filter(_.n % 2 == 0).order_by(_.n.desc())
    assert engine.write(query, SCHEMA, tmp_path / "out") == 50
    assert list(read_rows(tmp_path / "out")) == [one for one in reversed(ROWS) if one["flag"]]


def test_several_files_are_one_table(engine, tmp_path):
    for name, part in (("a", ROWS[:30]), ("b", ROWS[30:])):
        write_table(tmp_path / name, SCHEMA, part)
    every = engine.parquet([tmp_path / "b", tmp_path / "a"]).order_by("n")
    assert engine.fetch(every, SCHEMA).to_pylist() == ROWS


def test_roots_join_and_group_by_their_bytes(engine):
    table = engine.rows(pa.Table.from_pylist(ROWS, SCHEMA))
    roots = pa.schema([SCHEMA.field("root")])
    some = engine.rows(pa.Table.from_pylist([{"root": ROWS[7]["root"]}], roots))
    assert engine.fetch(table.semi_join(some, "root"), SCHEMA).to_pylist() == [ROWS[7]]


def test_columns_come_in_the_order_of_the_schema_and_no_others(engine):
    two = pa.schema([SCHEMA.field("text"), SCHEMA.field("n")])
    fetched = engine.fetch(engine.rows(pa.Table.from_pylist(ROWS[:2], SCHEMA)).order_by("n"), two)
    assert fetched.to_pylist() == [{"text": None, "n": 0}, {"text": "Ö 1", "n": 1}]


def test_no_rows_are_a_table_too(engine, tmp_path):
    empty = engine.rows(SCHEMA.empty_table())
    assert engine.fetch(empty, SCHEMA).num_rows == 0
    assert engine.write(empty, SCHEMA, tmp_path / "out") == 0
    assert list(read_rows(tmp_path / "out")) == []


def test_the_same_query_gives_the_same_bytes(tmp_path):
    many = pa.Table.from_pylist([row(number) for number in range(50_000)], SCHEMA)
    for name in ("one", "two"):
        with Engine(tmp_path / "spill", memory="200MB" if name == "one" else "1GB") as engine:
            query = engine.rows(many).order_by(_.text.desc(), "n")
            engine.write(query, SCHEMA, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_value_that_does_not_fit_its_column_is_refused_and_nothing_is_left(engine, tmp_path):
    big = engine.rows(pa.Table.from_pylist(ROWS, SCHEMA)).mutate(small=ibis.literal(1000))
    with pytest.raises(pa.ArrowInvalid):
        engine.write(big, SCHEMA, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_it_spilled_goes_with_it(tmp_path):
    with Engine(tmp_path / "spill") as engine:
        engine.rows(pa.Table.from_pylist(ROWS, SCHEMA))
        assert any(engine.scratch.iterdir())
    assert not [p for p in (tmp_path / "spill").iterdir() if p.is_dir()]
