import os
import shutil
from dataclasses import replace

import pytest

from songark.ark.tables import read_rows
from songark.model.errors import BrokenError
from songark.model.hashing import Hasher
from songark.store.files import place_of
from songark.store.records import (
    Holding,
    add_holdings,
    add_missing,
    held_files,
    read_extensions,
    read_holding,
    read_holdings,
    segments,
)

MIB = 1 << 20


def holding(data, extension="ogg"):
    hasher = Hasher()
    hasher.update(data)
    return Holding(hasher.finish(), extension)


SEVERAL = [holding(bytes([n]) * (n * 700_000 + 1)) for n in range(5)]


def test_holdings_are_read_back_in_order_of_their_files(tmp_path):
    add_holdings(tmp_path, SEVERAL)
    assert list(read_holdings(tmp_path)) == sorted(SEVERAL, key=lambda one: one.file)
    assert read_extensions(tmp_path) == {one.file: "ogg" for one in SEVERAL}


def test_the_same_holdings_give_the_same_segment_in_any_order(tmp_path):
    one = add_holdings(tmp_path / "a", SEVERAL)
    two = add_holdings(tmp_path / "b", reversed(SEVERAL))
    assert one.digest == two.digest
    assert add_holdings(tmp_path / "a", SEVERAL) == one
    assert len(segments(tmp_path / "a")) == 1


def test_a_file_in_two_segments_comes_once(tmp_path):
    add_holdings(tmp_path, SEVERAL[:3])
    add_holdings(tmp_path, SEVERAL[2:])
    assert len(segments(tmp_path)) == 2
    assert sorted(one.file for one in read_holdings(tmp_path)) == sorted(
        one.file for one in SEVERAL
    )


def test_only_what_is_missing_is_added(tmp_path):
    add_missing(tmp_path, SEVERAL[:3])
    before = segments(tmp_path)
    add_missing(tmp_path, [*SEVERAL[:3], SEVERAL[0]])
    assert segments(tmp_path) == before
    add_missing(tmp_path, SEVERAL)
    assert [one.facts["rows"] for one in segments(tmp_path) if one not in before] == [2]


def test_an_empty_store_holds_nothing(tmp_path):
    assert list(read_holdings(tmp_path)) == []
    assert read_extensions(tmp_path) == {}
    assert held_files(tmp_path).num_rows == 0


def test_held_is_what_lies_on_the_disk(tmp_path):
    add_holdings(tmp_path, SEVERAL)
    for one in SEVERAL[:2]:
        place = place_of(tmp_path, one.file, one.extension)
        place.parent.mkdir(parents=True)
        place.write_bytes(b"")
    told = {(row["root"], row["size"]) for row in held_files(tmp_path).to_pylist()}
    assert told == {(one.file.root, one.file.size) for one in SEVERAL[:2]}


def row_of(tmp_path, data):
    path = add_holdings(tmp_path, [holding(data)]).path / "holding.parquet"
    (row,) = read_rows(path)
    return row


@pytest.mark.parametrize(
    "field", ["root", "sha256", "layer", "v1", "v1_last_padded", "digest", "size"]
)
def test_a_changed_record_is_not_believed(tmp_path, field):
    row = row_of(tmp_path, os.urandom(2 * MIB + 5))
    assert read_holding(row, "here").file.size == row["size"]
    if field == "size":
        row[field] -= 1
    else:
        row[field] = bytes([row[field][0] ^ 1]) + row[field][1:]
    with pytest.raises(BrokenError, match="the hash record was changed") as caught:
        read_holding(row, "here")
    assert caught.value.place == "here"
    assert "songark check" in caught.value.remedy


@pytest.mark.parametrize(
    ("field", "value"), [("layer", b""), ("v1", b"x" * 20), ("sha256", b"x"), ("size", 0)]
)
def test_what_is_no_record_is_not_believed(tmp_path, field, value):
    row = row_of(tmp_path, os.urandom(2 * MIB)) | {field: value}
    with pytest.raises(BrokenError, match="not a hash record"):
        read_holding(row, "here")


def test_a_changed_record_in_a_segment_stops_the_reading_with_its_place(tmp_path):
    good, bad = sorted(SEVERAL[:2], key=lambda one: one.file)
    wrong = replace(bad.record, sha256=bytes(32))
    sealed = add_holdings(tmp_path / "a", [good, Holding(wrong, "ogg")])
    # The record is whole by its own digest; only reading the file can tell.
    assert len(list(read_holdings(tmp_path / "a"))) == 2
    shutil.rmtree(sealed.path)
    assert list(read_holdings(tmp_path / "a")) == []
