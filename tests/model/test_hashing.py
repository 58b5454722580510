"""Hash records against hashes worked out the long way."""

import dataclasses
import hashlib
import io
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from songark.model import hashing
from songark.model.errors import SongarkError
from songark.model.hashing import (
    BLOCK,
    PIECE,
    Hasher,
    HashRecord,
    copy_hashed,
    hash_file,
    hash_files,
)
from songark.model.identity import FileId

SIZES = [
    1,
    64,
    BLOCK - 1,
    BLOCK,
    BLOCK + 1,
    3 * BLOCK,
    PIECE - 1,
    PIECE,
    PIECE + 1,
    2 * PIECE,
    3 * PIECE + BLOCK + 7,
]


def content(size: int, seed: int = 0) -> bytes:
    """Bytes in which no two pieces are alike."""
    return hashlib.shake_128(b"%d" % seed).digest(size)


def tree(hashes: list[bytes], width: int) -> bytes:
    row = hashes + [bytes(32)] * (width - len(hashes))
    while len(row) > 1:
        row = [hashlib.sha256(a + b).digest() for a, b in zip(row[::2], row[1::2], strict=True)]
    return row[0]


def by_hand(data: bytes) -> HashRecord:
    """The record by the words of BEP 52 and BEP 47, one full tree and no shortcut."""
    leaves = [hashlib.sha256(data[a : a + BLOCK]).digest() for a in range(0, len(data), BLOCK)]
    width = 1
    while width < len(leaves):
        width *= 2
    parts = [data[at : at + PIECE] for at in range(0, len(data), PIECE)]
    layer = b"".join(tree(leaves[at : at + 64], 64) for at in range(0, len(leaves), 64))
    return HashRecord(
        file=FileId(tree(leaves, width), len(data)),
        sha256=hashlib.sha256(data).digest(),
        layer=layer if len(parts) > 1 else b"",
        v1=b"".join(hashlib.sha1(part).digest() for part in parts),
        v1_last_padded=hashlib.sha1(parts[-1].ljust(PIECE, b"\0")).digest(),
    )


def hashed(data: bytes) -> HashRecord:
    hasher = Hasher()
    hasher.update(data)
    return hasher.finish()


@pytest.mark.parametrize("size", SIZES)
def test_record_is_what_the_rules_say(size: int) -> None:
    data = content(size)
    record = hashed(data)
    assert record == by_hand(data)
    record.check()


def test_root_of_a_known_file() -> None:
    """The root that libtorrent 2.1.1 writes for 3 MiB of the letter y."""
    root = "b21b73eb398c93fb382223d8b3a7d4a666bc6ffb73c2ffab8dc82b30f3244b92"
    assert hashed(b"y" * (3 << 20)).file.root.hex() == root


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 3 * PIECE), st.lists(st.integers(1, 2 * PIECE), max_size=8))
def test_how_the_bytes_come_does_not_matter(size: int, cuts: list[int]) -> None:
    data = content(size)
    hasher = Hasher()
    at = 0
    for cut in [*cuts, size]:
        hasher.update(memoryview(data)[at : at + cut])
        at += cut
        if at >= size:
            break
    hasher.update(data[at:])
    assert hasher.finish() == hashed(data)


def test_nothing_has_no_record(tmp_path: Path) -> None:
    with pytest.raises(SongarkError, match="empty"):
        Hasher().finish()
    (tmp_path / "none.ogg").touch()
    with pytest.raises(SongarkError, match=r"none\.ogg: the file is empty"):
        hash_file(tmp_path / "none.ogg")


@pytest.mark.parametrize("size", SIZES)
def test_files_hash_alike_on_one_thread_and_on_several(
    tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "one.ogg"
    path.write_bytes(content(size))
    want = by_hand(content(size))
    told: list[int] = []
    assert hash_file(path, progress=told.append) == want
    assert sum(told) == size
    monkeypatch.setattr(hashing, "_SHARED", 0)
    for threads in (1, 3):
        assert list(hash_files([path] * 3, threads)) == [(path, want)] * 3


def test_one_large_file_is_shared_between_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "large.flac"
    data = content(48 * PIECE + 5)
    path.write_bytes(data)
    seen: set[int] = set()
    put = hashing._Pieces.put

    def watched(self: object, index: int, piece: bytearray) -> None:
        seen.add(threading.get_ident())
        put(self, index, piece)  # type: ignore[arg-type]

    monkeypatch.setattr(hashing._Pieces, "put", watched)
    assert list(hash_files([path], threads=2)) == [(path, hashed(data))]
    assert len(seen - {threading.get_ident()}) == 2


def test_many_files_come_in_the_order_given(tmp_path: Path) -> None:
    paths = []
    for n, size in enumerate([17 * PIECE, 1, 5 * PIECE, BLOCK, 2 * PIECE + 1] * 6):
        paths.append(tmp_path / f"{n % 7}-{n}.ogg")
        paths[-1].write_bytes(content(size, n % 10))
    got = list(hash_files(paths, threads=2))
    assert [path for path, _ in got] == paths
    assert all(record == hash_file(path) for path, record in got)


def test_one_bad_file_does_not_stop_the_others(tmp_path: Path) -> None:
    (tmp_path / "good.ogg").write_bytes(b"good")
    (tmp_path / "empty.ogg").touch()
    os.mkfifo(tmp_path / "pipe.ogg")
    names = ["good.ogg", "empty.ogg", "missing.ogg", "pipe.ogg", ".", "good.ogg"]
    got = [record for _, record in hash_files([tmp_path / name for name in names])]
    assert got[0] == got[5] == hashed(b"good")
    for name, error in list(zip(names, got, strict=True))[1:5]:
        assert isinstance(error, SongarkError)
        assert str(tmp_path / name) in error.place


def test_leaving_early_stops_the_threads(tmp_path: Path) -> None:
    path = tmp_path / "large.flac"
    path.write_bytes(content(PIECE) * 40)
    before = threading.active_count()
    results = hash_files([path] * 50)
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


@pytest.mark.parametrize("change", ["grows", "shrinks", "is written over"])
def test_a_file_that_changes_is_refused(tmp_path: Path, change: str) -> None:
    path = tmp_path / "moving.wav"
    path.write_bytes(content(4 * PIECE))
    os.utime(path, ns=(1, 1))

    def meddle(_: int) -> None:
        with path.open("r+b") as stream:
            if change == "grows":
                stream.seek(0, os.SEEK_END)
                stream.write(b"more")
            elif change == "shrinks":
                stream.truncate(3 * PIECE)
            else:
                stream.write(b"other")

    with pytest.raises(SongarkError, match=r"moving\.wav: the file changed"):
        hash_file(path, progress=meddle)


def test_a_file_that_is_shorter_for_a_while_is_refused(tmp_path: Path) -> None:
    """Size and time are the same before and after; what was read is not."""
    path = tmp_path / "moving.wav"
    path.write_bytes(content(4 * PIECE))
    os.utime(path, ns=(1, 1))

    def meddle(count: int) -> None:
        os.truncate(path, 2 * PIECE if count else 4 * PIECE)
        os.utime(path, ns=(1, 1))

    with pytest.raises(SongarkError, match="the file changed"):
        hash_file(path, progress=meddle)


def test_copy_and_hash_at_once() -> None:
    data = content(2 * PIECE + 9)
    target = io.BytesIO()
    assert copy_hashed(io.BytesIO(data), target) == hashed(data)
    assert target.getvalue() == data
    with pytest.raises(SongarkError, match="empty"):
        copy_hashed(io.BytesIO(), io.BytesIO())


def test_twins_share_a_root_but_not_an_identity() -> None:
    """The 64 bytes of the two top hashes hash to the same root: hence root and size."""
    data = content(2 * BLOCK)
    file = hashed(data).file
    top = hashlib.sha256(data[:BLOCK]).digest() + hashlib.sha256(data[BLOCK:]).digest()
    twin = hashed(top).file
    assert twin.root == file.root
    assert twin != file


def test_the_digest_covers_every_field() -> None:
    record = hashed(content(2 * PIECE + 1))
    seen = {record.digest()}
    for field in ("sha256", "layer", "v1", "v1_last_padded"):
        for at in (0, -1):
            changed = bytearray(getattr(record, field))
            changed[at] ^= 1
            seen.add(dataclasses.replace(record, **{field: bytes(changed)}).digest())
    root, size = record.file.root, record.file.size
    seen.add(dataclasses.replace(record, file=FileId(root, size + 1)).digest())
    seen.add(dataclasses.replace(record, file=FileId(root[::-1], size)).digest())
    assert len(seen) == 11
    assert hashed(content(2 * PIECE + 1)).digest() == record.digest()


def test_the_digest_stays_what_it_was() -> None:
    """Records on disk carry it, so its form must not change."""
    record = hashed(b"songark")
    parts = b"songark hash record 1\n", record.file.root, bytes(7), b"\x07", record.sha256
    tail = record.layer, record.v1, record.v1_last_padded
    assert record.digest() == hashlib.sha256(b"".join(parts + tail)).digest()
    assert record.digest().hex()[:32] == "b6f77aa8044216858b1070b59b9f5cea"


@pytest.mark.parametrize(
    ("field", "length"),
    [("sha256", 31), ("layer", 64), ("v1", 40), ("v1", 0), ("v1_last_padded", 0)],
)
def test_lengths_that_disagree_are_refused(field: str, length: int) -> None:
    record = hashed(content(3 * PIECE))
    with pytest.raises(ValueError, match=record.file.root.hex()):
        dataclasses.replace(record, **{field: bytes(length)})


def test_check_finds_a_layer_of_another_file() -> None:
    one, other = hashed(content(3 * PIECE, 1)), hashed(content(3 * PIECE, 2))
    one.check()
    with pytest.raises(ValueError, match="hash up"):
        dataclasses.replace(one, layer=other.layer).check()
    with pytest.raises(ValueError, match="two v1 hashes"):
        dataclasses.replace(one, v1=other.v1).check()
