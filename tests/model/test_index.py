import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songark.model.errors import BrokenError
from songark.model.index import MAX_INDEX, check_path, read_index, write_index

A, B = "a" * 64, "b" * 64

safe_part = st.text(
    st.characters(exclude_categories=["C", "Zl", "Zp"], exclude_characters="/\\"), min_size=1
).filter(lambda part: part[0] != "." and len(part.encode()) <= 255)
paths = st.lists(safe_part, min_size=1, max_size=4).map("/".join)
digests = st.binary(min_size=32, max_size=32).map(bytes.hex)


@given(st.dictionaries(paths.filter(lambda p: len(p.encode()) <= 1024), digests))
def test_what_is_written_is_read_in_order(told):
    read = read_index(write_index(told))
    assert read == told
    assert list(read) == sorted(told)


@given(st.binary(max_size=400) | st.text(max_size=400).map(str.encode))
def test_anything_else_is_refused_or_is_its_one_form(data):
    try:
        read = read_index(data)
    except BrokenError:
        return
    assert write_index(read) == data


def test_coreutils_reads_it(tmp_path):
    (tmp_path / "torrents").mkdir()
    (tmp_path / "torrents" / "Ünder score.torrent").write_bytes(b"x")
    digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    index = write_index({"torrents/Ünder score.torrent": digest})
    tool = shutil.which("sha256sum")
    if tool is None:
        pytest.skip("no sha256sum here")
    subprocess.run([tool, "--check", "--strict", "-"], input=index, cwd=tmp_path, check=True)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (f"{A}  a".encode(), "cut"),
        (f"{A} a\n".encode(), "not '<64"),
        (f"{A} *a\n".encode(), "not '<64"),
        (f"{A.upper()}  a\n".encode(), "not '<64"),
        (f"{A[1:]}  a\n".encode(), "not '<64"),
        (f"\\{A}  a\n".encode(), "not '<64"),
        (f"{A}  a\n\n".encode(), "not '<64"),
        (f"{A}  \n".encode(), "not '<64"),
        (f"{A}  b\n{B}  a\n".encode(), "line 2: not in order"),
        (f"{A}  a\n{B}  a\n".encode(), "line 2: not in order"),
        (f"{A}  \xff\n".encode("latin-1"), "not UTF-8"),
        (f"{A}  a\r\n".encode(), "unsafe"),
        (f"{A}  a\0\n".encode(), "unsafe"),
    ],
)
def test_other_forms_are_refused_by_line(data, why):
    with pytest.raises(BrokenError, match=why):
        read_index(data)


@pytest.mark.parametrize(
    "path",
    [
        *["", "/a", "a/", "a//b", "..", "../a", "a/../b", "a/..", ".", "a/./b", ".a.part", "a/.b"],
        *["a\\b", "a\nb", "a\u202eb", "a\ud800", "x" * 256, "é" * 128],
        "/".join("x" * 200 for _ in "123456"),
    ],
)
def test_unsafe_paths_are_refused_both_ways(path):
    with pytest.raises(BrokenError):
        check_path(path)
    with pytest.raises(BrokenError):
        write_index({path: A})
    with pytest.raises(BrokenError):
        read_index(f"{A}  {path}\n".encode(errors="surrogatepass"))


def test_a_digest_is_checked_when_written():
    with pytest.raises(BrokenError, match="not a SHA-256"):
        write_index({"a": "A" * 64})


def test_size_is_bounded_before_anything_is_parsed():
    with pytest.raises(BrokenError, match="more than"):
        read_index(b"\n" * (MAX_INDEX + 1))
