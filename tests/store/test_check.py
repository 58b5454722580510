import os
import random
import shutil
from hashlib import sha256

import pytest

from songark.ark.layout import Ark
from songark.ark.seal import Draft
from songark.ark.tables import read_rows, write_table
from songark.model.hash_record import HashRecord
from songark.model.hashing import hash_file
from songark.model.identity import FileId
from songark.store.check import check_store
from songark.store.files import bring_in, place_of
from songark.store.records import HOLDING, Holding, add_holdings, read_holdings, segments
from tests.support import new_ark

MIB = 1 << 20
SIZES = (1, 70_000, MIB, 2 * MIB + 12_345)


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    ark = new_ark(tmp_path_factory.mktemp("check") / "ark")
    held = []
    for number, size in enumerate(SIZES):
        source = ark.path.parent / f"{number}.ogg"
        source.write_bytes(random.Random(number).randbytes(size))
        held.append(bring_in(source, hash_file(source).file, ark.store, ark.incoming)[1])
    add_holdings(ark.store, [Holding(record, "ogg") for record in held[:2]])
    add_holdings(ark.store, [Holding(record, "ogg") for record in held[2:]])
    return ark


@pytest.fixture
def ark(full, tmp_path):
    shutil.copytree(full.path, tmp_path / "ark")
    return Ark.open(tmp_path / "ark")


def check(ark):
    return check_store(ark, progress=lambda _count: None)


def places(ark):
    return {one.file.size: place_of(ark.store, one.file, "ogg") for one in read_holdings(ark.store)}


def flip(path, at, bit=0):
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    data[at] ^= 1 << bit
    path.write_bytes(data)


def test_a_sound_store_is_read_whole_and_written_down(ark):
    done = []
    found = check_store(ark, progress=done.append)
    assert (found.checked, found.bytes, found.bad) == (len(SIZES), sum(SIZES), [])
    assert sum(done) == sum(SIZES)
    (event,) = ark.events.lines()
    assert (event.kind, event.body["outcome"]) == ("fixity check", "success")
    assert (event.body["checked"], event.body["bytes"]) == (len(SIZES), sum(SIZES))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("at", [0, -1, "middle"])
def test_a_flipped_bit_is_found_and_named_and_nothing_is_changed(ark, size, at):
    path = places(ark)[size]
    flip(path, size // 2 if at == "middle" else at, bit=size % 8)
    damaged = path.read_bytes()
    found = check(ark)
    (bad,) = found.bad
    assert bad.place == str(path.relative_to(ark.path))
    assert "the bytes changed" in bad.reason
    assert bad.remedy
    assert path.read_bytes() == damaged
    assert found.checked == len(SIZES)
    (event,) = ark.events.lines()
    assert (event.body["outcome"], event.body["bad"]) == ("failure", [[bad.place, bad.reason]])


@pytest.mark.parametrize("how", ["gone", "cut", "grown", "empty", "folder"])
def test_a_file_that_is_gone_or_of_another_length_is_found(ark, how):
    path = places(ark)[70_000]
    data = path.read_bytes()
    path.chmod(0o644)
    if how in {"gone", "folder"}:
        path.unlink()
    if how == "folder":
        path.mkdir()
    elif how != "gone":
        path.write_bytes({"cut": data[:-1], "grown": data + b"\0", "empty": b""}[how])
    (bad,) = check(ark).bad
    assert bad.place == str(path.relative_to(ark.path))


def rewrite(ark, change):
    """Seal every segment anew with changed records, so that every digest is right again."""
    for segment in segments(ark.store):
        rows = [change(dict(row)) for row in read_rows(segment.path / "holding.parquet")]
        shutil.rmtree(segment.path)
        with Draft(ark.store / "records", "hash-records") as draft:
            write_table(draft.path / "holding.parquet", HOLDING, rows)
            draft.seal({"rows": len(rows)})


@pytest.mark.parametrize("field", ["v1", "v1_last_padded", "sha256"])
def test_a_wrong_hash_in_a_record_that_is_otherwise_whole_is_found(ark, field):
    def change(row):
        if row["size"] == SIZES[-1]:
            row[field] = bytes([row[field][0] ^ 1]) + row[field][1:]
            file = FileId(row["root"], row["size"])
            told = [row[name] for name in ("sha256", "layer", "v1", "v1_last_padded")]
            row["digest"] = HashRecord(file, *told).digest()
        return row

    rewrite(ark, change)
    for segment in segments(ark.store):
        segment.verify()
    assert len(list(read_holdings(ark.store))) == len(SIZES)
    (bad,) = check(ark).bad
    assert f"-{SIZES[-1]}.ogg" in bad.place
    assert ("v1 piece hashes" in bad.reason) == (field != "sha256")


def test_a_record_that_is_not_the_one_its_digest_tells_is_found_and_the_others_are_checked(ark):
    def change(row):
        return row | {"sha256": bytes(32)} if row["size"] == SIZES[0] else row

    rewrite(ark, change)
    found = check(ark)
    (bad,) = found.bad
    assert bad.reason == "the hash record was changed"
    assert bad.place.startswith("store/records/")
    assert found.checked == len(SIZES) - 1


def test_a_flipped_byte_anywhere_in_a_segment_is_found(full, tmp_path):
    maker = random.Random(1)
    source = segments(full.store)[0]
    size = (source.path / "holding.parquet").stat().st_size
    shutil.copytree(full.path, tmp_path / "ark")
    ark = Ark.open(tmp_path / "ark")
    path = ark.store / "records" / source.path.name / "holding.parquet"
    sound = path.read_bytes()
    for at in [0, size - 1, *maker.sample(range(size), 25)]:
        path.write_bytes(sound)
        flip(path, at, maker.randrange(8))
        bad = check(ark).bad
        assert any(one.place == str(path) or str(path).endswith(one.place) for one in bad), at
    path.write_bytes(sound)
    assert check(ark).bad == []


@pytest.mark.parametrize("what", ["missing", "more"])
def test_a_segment_with_a_file_too_few_or_too_many_is_found(ark, what):
    segment = segments(ark.store)[0]
    if what == "missing":
        (segment.path / "holding.parquet").unlink()
    else:
        (segment.path / "more").write_bytes(b"")
    assert check(ark).bad


def test_an_empty_store_is_sound(tmp_path):
    found = check(new_ark(tmp_path / "ark"))
    assert (found.checked, found.bad) == (0, [])


def test_twins_of_one_root_are_both_checked(tmp_path):
    ark = new_ark(tmp_path / "ark")
    blocks = [os.urandom(16_384) for _ in range(2)]
    held = []
    for name, data in (
        ("a", b"".join(blocks)),
        ("b", b"".join(sha256(b).digest() for b in blocks)),
    ):
        (tmp_path / name).write_bytes(data)
        record = hash_file(tmp_path / name)
        bring_in(tmp_path / name, record.file, ark.store, ark.incoming)
        held.append(Holding(record, "bin"))
    add_holdings(ark.store, held)
    assert check(ark).bad == []
    flip(place_of(ark.store, held[1].file, "bin"), 5)
    (bad,) = check(ark).bad
    assert bad.place.endswith("-64.bin")
