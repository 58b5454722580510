"""Logs of listens: counts for recordings, and never who listened."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songark.ark.tables import read_rows
from songark.model.errors import UsageError
from songark.model.schema import LISTEN
from songark.sources.listens import is_listens, read_listens

MBID = "5e0e2cd9-1b4a-4a39-93d5-a95bdf7e8e7b"


@pytest.fixture
def read(tmp_path):
    def run(text, name="listens.csv", **kwargs):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        sealed = read_listens(path, tmp_path / "snapshots", **kwargs)
        sealed.verify()
        return sealed

    return run


def counts(sealed):
    return {r["recording"]: r["listens"] for r in read_rows(sealed.path / "listens.parquet")}


def rejects(sealed):
    return [(r["place"], r["reason"]) for r in read_rows(sealed.path / "rejects.parquet")]


def test_a_log_by_identifiers(read, tmp_path):
    text = f"recording,listens\nisrc:gb-aye-69-00531,3\nmbid:{MBID.upper()},4\nsongark:Ab_1,5\n"
    sealed = read(text + "isrc:GBAYE6900531,2\nname:A\tT,0\n")
    assert counts(sealed) == {
        "isrc:GBAYE6900531": 5,
        f"mbid:{MBID}": 4,
        "name:A\tT": 0,
        "songark:Ab_1": 5,
    }
    assert sealed.facts == {
        "source": "listens",
        "place": str(tmp_path / "listens.csv"),
        "made_up": False,
        "lines": 5,
        "rows": 4,
        "listens": 14,
        "rejects": 0,
    }
    assert list(counts(sealed)) == sorted(counts(sealed))


def test_a_log_by_artist_and_title(read):
    text = 'artist,title,listens\n"A,  B","Say ""x""",3\nA\u0301,T,1\n\xc1,T,1\n'
    assert counts(read(text)) == {'name:A, B\tSay "x"': 3, "name:\xc1\tT": 2}


def test_columns_come_in_any_order_with_a_mark_and_in_any_case(read):
    text = "\ufeffListens, TITLE ,artist\r\n3,T,A\r\n"
    assert counts(read(text)) == {"name:A\tT": 3}


def test_json_lines(read):
    text = '{"artist":"A","title":"T","listens":3}\n\n{"recording":"songark:a","listens":2}\n'
    assert counts(read(text, "x.jsonl")) == {"name:A\tT": 3, "songark:a": 2}


def test_made_up_numbers_say_so(read):
    head = "# a comment\n# Made up\n"
    assert read(head + "recording,listens\n").facts["made_up"] is True
    assert read(head + '{"recording":"songark:a","listens":2}\n', "x.jsonl").facts["made_up"]
    assert read("recording,listens\n", made_up=True).facts["made_up"] is True
    assert read("recording,listens\n# made up\n").facts["made_up"] is False


@pytest.mark.parametrize(
    ("name", "text", "word"),
    [
        ("x.csv", "user,recording,listens\nme,isrc:GBAYE6900531,3\n", "'user'"),
        ("x.csv", "recording,listens,listened_at\n", "'listened_at'"),
        ("x.csv", "recording,listens,listens\n", "wants"),
        ("x.csv", "recording\n", "wants"),
        ("x.csv", "recording,artist,listens\n", "wants"),
        ("x.csv", "a,b\n", "not a log"),
        ("x.csv", 'recording,"listens\n', "not CSV"),
        ("x.jsonl", '{"recording":"songark:a","listens":3,"user_id":7}\n', "'user_id'"),
    ],
)
def test_other_columns_refuse_the_whole_log(read, tmp_path, name, text, word):
    with pytest.raises(UsageError) as told:
        read(text, name)
    assert word in told.value.message
    assert f"{name}, line 1" in told.value.place
    assert not list((tmp_path / "snapshots").rglob("*.parquet"))


@pytest.mark.parametrize(
    "line",
    [
        "isrc:nonsense,3",
        "upc:123456789012,3",
        "GBAYE6900531,3",
        "isrc:GBAYE6900531,-1",
        "isrc:GBAYE6900531,1.5",
        "isrc:GBAYE6900531,9007199254740993",
        "isrc:GBAYE6900531,99999999999999999999999",
        "isrc:GBAYE6900531,",
        "isrc:GBAYE6900531,٣",
        "isrc:GBAYE6900531",
        "isrc:GBAYE6900531,3,4",
        'isrc:"GBAYE6900531,3',
        '"isrc:GBAYE6900531,3',
        "name:A - T,3",
        "name:\tT,3",
        "songark:a b,3",
        "songark:,3",
    ],
)
def test_a_bad_line_is_a_reject_and_spoils_no_other(read, line):
    sealed = read(f"recording,listens\nsongark:a,1\n{line}\nsongark:b,2\n")
    assert counts(sealed) == {"songark:a": 1, "songark:b": 2}
    ((place, reason),) = rejects(sealed)
    assert (place, bool(reason)) == ("listens.csv, line 3", True)
    assert (sealed.facts["lines"], sealed.facts["rejects"]) == (3, 1)


@pytest.mark.parametrize(
    "line",
    [
        b"[1]",
        b'{"recording":"songark:a"}',
        b'{"recording":7,"listens":1}',
        b'{"recording":"songark:a","listens":true}',
        b'{"recording":"songark:a","listens":1.0}',
        b'{"recording":"songark:a","listens":null}',
        b'{"artist":"A","title":"\\ud800","listens":1}',
        b'{"artist":"A","title":"\\u0000","listens":1}',
        b'{"artist":"A","title":[],"listens":1}',
        b'{"recording":"songark:a","listens":' + b"9" * 5000 + b"}",
        b"[" * 20_000,
        b"{",
        b"\xff",
        b"x" * 70_000,
    ],
)
def test_a_bad_json_line_is_a_reject(read, line):
    good = b'{"recording":"songark:a","listens":1}\n'
    sealed = read(good + line + b"\n" + good, "x.ndjson")
    assert counts(sealed) == {"songark:a": 2}
    assert [place for place, _ in rejects(sealed)] == ["x.ndjson, line 2"]


def test_a_sum_that_is_too_large_is_a_reject(read):
    sealed = read(f"recording,listens\nsongark:a,{2**53}\nsongark:a,1\nsongark:b,1\n")
    assert counts(sealed) == {"songark:b": 1}
    assert [place for place, _ in rejects(sealed)] == ["listens.csv, songark:a"]


def test_the_same_log_again_is_the_same_snapshot(read):
    text = "recording,listens\nsongark:a,1\nsongark:b,1\n"
    assert read(text).digest == read(text).digest
    other = read("recording,listens\nsongark:b,1\nsongark:a,1\n")
    assert other.files == read(text).files


def test_a_long_last_line_without_an_end(read):
    assert counts(read("recording,listens\nsongark:a,1")) == {"songark:a": 1}
    assert len(rejects(read("recording,listens\n" + "x" * 200_000))) == 1


def test_which_files_are_logs(tmp_path):
    assert is_listens(tmp_path / "a.CSV")
    assert is_listens(tmp_path / "a.jsonl")
    assert not is_listens(tmp_path / "a.ogg")


def test_places_that_are_none(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    for name in ("pipe.csv", "nothing.csv", os.fsdecode(b"\xff.csv")):
        with pytest.raises(UsageError):
            read_listens(tmp_path / name, tmp_path / "snapshots")


@given(st.binary(max_size=200), st.sampled_from([b"", b"recording,listens\n", b'{"listens":1}\n']))
def test_any_bytes_are_taken(tmp_path_factory, data, head):
    folder = tmp_path_factory.getbasetemp()
    path = folder / "any.csv"
    path.write_bytes(head + data)
    try:
        sealed = read_listens(path, folder / "any-snapshots")
    except UsageError as error:
        assert error.message
    else:
        assert sealed.facts["lines"] >= sealed.facts["rejects"]


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.none(), max_size=4))
def test_any_json_object_is_taken(tmp_path_factory, told):
    folder = tmp_path_factory.getbasetemp()
    path = folder / "any.jsonl"
    path.write_text(json.dumps(told) + "\n")
    try:
        sealed = read_listens(path, folder / "any-snapshots")
    except UsageError as error:
        assert "not" in error.message or "wants" in error.message
    else:
        assert sealed.facts["lines"] == 1


def test_the_table_has_the_schema(read):
    import pyarrow.parquet as pq

    sealed = read("recording,listens\n")
    assert pq.read_schema(sealed.path / "listens.parquet").equals(LISTEN)
