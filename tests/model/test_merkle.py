"""The tree's arithmetic against a tree written out in full."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songark.model import merkle
from songark.model.merkle import BLOCK, PAD, PIECE, PIECE_LEVEL

COUNTS = st.one_of(st.integers(1, 40), st.sampled_from([63, 64, 65, 127, 128, 129, 200]))


def levels(hashes: list[bytes]) -> list[list[bytes]]:
    """Every level of the whole tree, with its padding, from the leaves to the root."""
    width = 1
    while width < len(hashes):
        width *= 2
    rows = [hashes + [bytes(32)] * (width - len(hashes))]
    while len(rows[-1]) > 1:
        row = rows[-1]
        rows.append(
            [hashlib.sha256(a + b).digest() for a, b in zip(row[::2], row[1::2], strict=True)]
        )
    return rows


def some(count: int) -> list[bytes]:
    return [hashlib.sha256(str(n).encode()).digest() for n in range(count)]


@given(COUNTS)
def test_climb_gives_the_root_of_the_full_tree(count: int) -> None:
    hashes = some(count)
    assert merkle.climb(b"".join(hashes), 0, merkle.height(count)) == levels(hashes)[-1][0]


@given(COUNTS)
def test_the_layer_leads_to_the_same_root_as_the_leaves(count: int) -> None:
    count += 64
    hashes = some(count)
    rows = [hashes[at : at + 64] for at in range(0, count, 64)]
    layer = b"".join(merkle.climb(b"".join(row), 0, PIECE_LEVEL) for row in rows)
    assert merkle.root_of_layer(layer) == levels(hashes)[-1][0]


def test_pads_are_the_hashes_of_zero_leaves() -> None:
    full = levels([bytes(32)] * 64)
    assert [row[0] for row in full] == list(PAD[:7])


@pytest.mark.parametrize(
    ("size", "blocks", "pieces"),
    [
        (1, 1, 1),
        (BLOCK, 1, 1),
        (BLOCK + 1, 2, 1),
        (PIECE, 64, 1),
        (PIECE + 1, 65, 2),
        (3 * PIECE - 1, 192, 3),
    ],
)
def test_counts(size: int, blocks: int, pieces: int) -> None:
    assert (merkle.blocks(size), merkle.pieces(size)) == (blocks, pieces)


@pytest.mark.parametrize(("count", "height"), [(1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (64, 6)])
def test_height(count: int, height: int) -> None:
    assert merkle.height(count) == height


def test_leaves_hash_the_short_last_block_as_it_is() -> None:
    data = bytes(range(256)) * 64 + b"rest"
    want = hashlib.sha256(data[:BLOCK]).digest() + hashlib.sha256(b"rest").digest()
    assert merkle.leaves(data) == want
    assert merkle.leaves(b"") == b""


@given(COUNTS, st.data())
def test_uncles_are_just_what_is_missing(count: int, data: st.DataObject) -> None:
    """Range and uncles together cover every leaf of the file once, and no padding alone."""
    first = data.draw(st.integers(0, count - 1))
    end = data.draw(st.integers(first + 1, count))
    seen = list(range(first, end))
    told = list(merkle.uncles(count, first, end))
    for level, index in told:
        under = range(index << level, (index + 1) << level)
        assert under[0] < count, "a node of padding alone is not needed"
        seen += [leaf for leaf in under if leaf < count]
    assert sorted(seen) == list(range(count))
    assert told == sorted(told), "from the leaves up, left before right"
