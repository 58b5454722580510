from contextlib import suppress

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from songark.mirror.manifest import read_manifest
from songark.model.errors import BrokenError
from songark.model.identity import FileId
from tests.release_support import newest, published, rows

GOOD = {"pack": "p", "name": "a.ogg", "recording": "r1", "root": b"x" * 32, "size": 5}


def written(folder, *told):
    pq.write_table(pa.Table.from_pylist(list(told)), folder / "manifest.parquet")
    return list(read_manifest(folder))


def test_as_it_is_written(tmp_path):
    ark = published(tmp_path)
    found = list(read_manifest(newest(ark)))
    assert [one.row for one in found] == rows(ark)
    assert [one.path for one in found] == [f"{r['pack']}/{r['name']}" for r in rows(ark)]
    assert {one.file.size for one in found} == {r["size"] for r in rows(ark)}


def test_what_is_needed_of_it(tmp_path):
    (one,) = written(tmp_path, GOOD)
    assert one.file == FileId(b"x" * 32, 5)
    assert (one.pack, one.name, one.recording) == ("p", "a.ogg", "r1")


@pytest.mark.parametrize(
    "change",
    [
        {"name": "../../.bashrc"},
        {"name": "/etc/passwd"},
        {"name": ".bashrc"},
        {"name": "a/b"},
        {"name": ""},
        {"name": "a\x00"},
        {"name": "a\u202eb"},
        {"name": None},
        {"pack": ".."},
        {"pack": ".songark"},
        {"pack": "p/q"},
        {"pack": 7},
        {"root": b"short"},
        {"root": None},
        {"size": 0},
        {"size": -5},
        {"size": 1.5},
        {"size": None},
        {"recording": None},
    ],
)
def test_a_row_that_leads_elsewhere_is_refused(tmp_path, change):
    with pytest.raises(BrokenError, match=r"manifest\.parquet"):
        written(tmp_path, {**GOOD, **change})


@pytest.mark.parametrize("column", GOOD)
def test_a_missing_column(tmp_path, column):
    with pytest.raises(BrokenError, match=r"manifest\.parquet"):
        written(tmp_path, {name: value for name, value in GOOD.items() if name != column})


@pytest.mark.parametrize("data", [b"", b"PAR1", b"x" * 1000])
def test_what_is_no_parquet(tmp_path, data):
    (tmp_path / "manifest.parquet").write_bytes(data)
    with pytest.raises(BrokenError, match=r"manifest\.parquet"):
        list(read_manifest(tmp_path))


def test_flipped_bytes_never_break_more_than_the_manifest(tmp_path):
    written(tmp_path, *({**GOOD, "name": f"{n}.ogg"} for n in range(50)))
    path = tmp_path / "manifest.parquet"
    good = path.read_bytes()
    for at in range(0, len(good), 7):
        data = bytearray(good)
        data[at] ^= 0x5A
        path.write_bytes(data)
        with suppress(BrokenError):
            assert len(list(read_manifest(tmp_path))) <= 50
