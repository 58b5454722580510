"""Proofs: each range proves itself, and nothing else does."""

import hashlib
import io
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from songark.model import merkle
from songark.model.errors import BrokenError, SongarkError, UsageError
from songark.model.hashing import BLOCK, PIECE, Hasher, HashRecord
from songark.model.proof import prove, prove_from_layer, verify

SIZES = [
    1,
    64,
    BLOCK,
    BLOCK + 1,
    5 * BLOCK,
    7 * BLOCK - 3,
    PIECE,
    PIECE + 1,
    2 * PIECE,
    3 * PIECE + 5 * BLOCK + 9,
    5 * PIECE,
]


@cache
def content(size: int) -> bytes:
    return hashlib.shake_128(b"%d" % size).digest(size)


@cache
def record_of(size: int) -> HashRecord:
    hasher = Hasher()
    hasher.update(content(size))
    return hasher.finish()


def refuses(root: bytes, size: int, offset: int, data: bytes, proof: bytes) -> bool:
    try:
        verify(root, size, offset, data, proof)
    except BrokenError:
        return True
    return False


@st.composite
def ranges(draw: st.DrawFn) -> tuple[int, int, int]:
    size = draw(st.sampled_from(SIZES))
    count = merkle.blocks(size)
    first = draw(st.integers(0, count - 1))
    end = draw(st.integers(first + 1, count))
    return size, first * BLOCK, min(end * BLOCK, size) - first * BLOCK


@settings(max_examples=150, deadline=None)
@given(ranges())
def test_every_range_proves_itself(asked: tuple[int, int, int]) -> None:
    size, offset, length = asked
    file = record_of(size).file
    proof = prove(io.BytesIO(content(size)), offset, length, record=record_of(size))
    verify(file.root, size, offset, content(size)[offset : offset + length], proof)


@settings(max_examples=30, deadline=None)
@given(ranges())
def test_the_record_only_saves_reading(asked: tuple[int, int, int]) -> None:
    size, offset, length = asked
    stream = io.BytesIO(content(size))
    stream.seek(1)
    with_record = prove(stream, offset, length, record=record_of(size))
    assert prove(stream, offset, length) == with_record


@settings(max_examples=40, deadline=None)
@given(ranges(), st.data())
def test_any_flipped_bit_of_the_data_is_refused(
    asked: tuple[int, int, int], drawn: st.DataObject
) -> None:
    size, offset, length = asked
    proof = prove(io.BytesIO(content(size)), offset, length, record=record_of(size))
    data = bytearray(content(size)[offset : offset + length])
    at = drawn.draw(st.integers(0, 8 * length - 1))
    data[at // 8] ^= 1 << at % 8
    assert refuses(record_of(size).file.root, size, offset, bytes(data), proof)


@pytest.mark.parametrize("size", [BLOCK + 1, 5 * BLOCK, 3 * PIECE + 5 * BLOCK + 9])
def test_every_single_flipped_bit_of_proof_and_root_is_refused(size: int) -> None:
    root = record_of(size).file.root
    offset = merkle.blocks(size) // 2 * BLOCK
    data = content(size)[offset : offset + BLOCK]
    proof = prove(io.BytesIO(content(size)), offset, len(data), record=record_of(size))
    verify(root, size, offset, data, proof)
    for at in range(8 * len(proof)):
        bad = bytearray(proof)
        bad[at // 8] ^= 1 << at % 8
        assert refuses(root, size, offset, data, bytes(bad))
    for at in range(256):
        wrong = bytearray(root)
        wrong[at // 8] ^= 1 << at % 8
        assert refuses(bytes(wrong), size, offset, data, proof)


def test_every_single_flipped_bit_of_a_small_file_is_refused() -> None:
    root, data = record_of(64).file.root, content(64)
    verify(root, 64, 0, data, b"")
    for at in range(8 * 64):
        bad = bytearray(data)
        bad[at // 8] ^= 1 << at % 8
        assert refuses(root, 64, 0, bytes(bad), b"")


@settings(max_examples=60, deadline=None)
@given(ranges(), st.binary(min_size=1, max_size=70))
def test_no_other_proof_of_the_same_range(asked: tuple[int, int, int], more: bytes) -> None:
    """Shortened, lengthened, padded or turned round, it is refused: one range, one proof."""
    size, offset, length = asked
    root = record_of(size).file.root
    data = content(size)[offset : offset + length]
    proof = prove(io.BytesIO(content(size)), offset, length, record=record_of(size))
    others = {proof + more, more + proof, proof + bytes(32), proof[:-1], proof[:-32], proof[32:]}
    others |= {proof[32:64] + proof[:32] + proof[64:]}
    for other in others - {proof}:
        assert refuses(root, size, offset, data, other)


@settings(max_examples=60, deadline=None)
@given(ranges(), st.data())
def test_the_bytes_of_one_place_do_not_pass_for_another(
    asked: tuple[int, int, int], drawn: st.DataObject
) -> None:
    size, offset, length = asked
    root = record_of(size).file.root
    data = content(size)[offset : offset + length]
    proof = prove(io.BytesIO(content(size)), offset, length, record=record_of(size))
    elsewhere = drawn.draw(st.integers(-1, merkle.blocks(size))) * BLOCK
    if elsewhere != offset:
        assert refuses(root, size, elsewhere, data, proof)
    assert refuses(root, size, offset + 1, data, proof)


@pytest.mark.parametrize("size", SIZES[3:])
def test_the_twin_is_refused(size: int) -> None:
    """The two top hashes hash to the root, and are not the file; nor is the file its twin."""
    root = record_of(size).file.root
    leaves = merkle.leaves(content(size))
    below = merkle.height(merkle.blocks(size)) - 1
    half = 32 << below
    top = merkle.climb(leaves[:half], 0, below) + merkle.climb(leaves[half:], 0, below)
    assert hashlib.sha256(top).digest() == root
    assert refuses(root, size, 0, top, b"")
    verify(root, 64, 0, top, b"")
    proof = prove(io.BytesIO(content(size)), 0, BLOCK, record=record_of(size))
    assert refuses(root, 64, 0, content(size)[:BLOCK], proof)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("wrong", [-PIECE, -1, 1, BLOCK, PIECE])
def test_the_end_of_a_file_does_not_pass_under_another_size(size: int, wrong: int) -> None:
    first = (merkle.blocks(size) - 1) * BLOCK
    proof = prove(io.BytesIO(content(size)), first, size - first, record=record_of(size))
    assert refuses(record_of(size).file.root, size + wrong, first, content(size)[first:], proof)


@pytest.mark.parametrize("size", [3 * PIECE, 5 * PIECE + 1, 64 * PIECE])
def test_a_wrong_size_of_another_height_is_refused_everywhere(size: int) -> None:
    """What a short size can hide: it must not make a tree of another shape pass."""
    layer = b"".join(hashlib.sha256(b"%d" % n).digest() for n in range(merkle.pieces(size)))
    root = merkle.root_of_layer(layer)
    for other in (size * 2 + 1, size // 2, size + 64 * PIECE):
        assert refuses(root, other, 0, bytes(PIECE), prove_from_layer(layer, size, 0, 1))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(SIZES), st.data())
def test_whole_pieces_prove_themselves_from_the_layer(size: int, drawn: st.DataObject) -> None:
    total = merkle.pieces(size)
    first = drawn.draw(st.integers(0, total - 1))
    count = drawn.draw(st.integers(1, total - first))
    proof = prove_from_layer(record_of(size).layer, size, first, count)
    start, end = first * PIECE, min((first + count) * PIECE, size)
    stream = io.BytesIO(content(size))
    assert proof == prove(stream, start, end - start, record=record_of(size))
    verify(record_of(size).file.root, size, start, content(size)[start:end], proof)


def test_a_proof_reads_only_the_ends_of_its_range() -> None:
    size = 5 * PIECE
    read: list[int] = []

    class Watched(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            read.append(self.tell())
            return super().read(size)

    offset, length = PIECE + BLOCK, 2 * PIECE
    prove(Watched(content(size)), offset, length, record=record_of(size))
    assert read == [PIECE, 3 * PIECE]


def test_a_block_of_a_long_file_needs_few_hashes() -> None:
    """237 MB: 14 levels, so at most 448 bytes."""
    size = 237_000_000
    layer = b"".join(hashlib.sha256(b"%d" % n).digest() for n in range(merkle.pieces(size)))
    assert len(prove_from_layer(layer, size, 3, 1)) == 8 * 32
    assert len(list(merkle.uncles(merkle.blocks(size), 5, 6))) * 32 == 448


def test_a_file_that_changed_is_not_proved(tmp_path: Path) -> None:
    size = 3 * PIECE + 5 * BLOCK + 9
    path = tmp_path / "song.ogg"
    for spoilt in (bytes([content(size)[0] ^ 1]) + content(size)[1:], b"x"):
        path.write_bytes(spoilt)
        with pytest.raises(BrokenError, match="piece 0 is not what it was"):
            prove(path, 0, BLOCK, record=record_of(size))
    path.write_bytes(content(size))
    verify(record_of(size).file.root, size, 0, content(size)[:BLOCK], prove(path, 0, BLOCK))
    path.write_bytes(b"")
    with pytest.raises(SongarkError, match="empty"):
        prove(path, 0, BLOCK)


@pytest.mark.parametrize(
    ("offset", "length"),
    [(0, 0), (0, 1), (1, BLOCK), (-BLOCK, BLOCK), (0, BLOCK + 1), (0, 3 * BLOCK), (2 * BLOCK, 1)],
)
def test_ranges_of_another_form_are_refused(offset: int, length: int) -> None:
    size = 2 * BLOCK - 5
    stream = io.BytesIO(content(size))
    with pytest.raises(UsageError, match=r"do not lie in|not whole blocks"):
        prove(stream, offset, length, record=record_of(size))
    assert refuses(record_of(size).file.root, size, offset, bytes(length), b"")


@pytest.mark.parametrize(
    ("layer", "size", "first", "count"),
    [
        (b"", 2 * PIECE, 0, 1),
        (bytes(64), 2 * PIECE, 0, 0),
        (bytes(64), 2 * PIECE, -1, 1),
        (bytes(64), 2 * PIECE, 1, 2),
        (bytes(64), 3 * PIECE, 0, 1),
        (bytes(32), PIECE, 0, 1),
        (b"", 0, 0, 1),
    ],
)
def test_pieces_outside_the_file_are_refused(
    layer: bytes, size: int, first: int, count: int
) -> None:
    with pytest.raises(UsageError):
        prove_from_layer(layer, size, first, count)
