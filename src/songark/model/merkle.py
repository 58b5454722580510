"""The arithmetic of BEP 52's merkle tree: blocks, levels, padding, uncles.

Level 0 holds the SHA-256 of each 16 KiB block (the last one may be shorter and is hashed as it
is). A tree has the fewest levels that hold all blocks; leaves beyond the end of the file are 32
zero bytes, so every subtree wholly beyond the end has a known hash, `PAD` of its level. A row is
the concatenated 32-byte hashes of one level, without those beyond the end.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

BLOCK = 16_384
"""Bytes under one leaf."""
PIECE = 1 << 20
"""Bytes under one hash of the piece layer, and of one piece of our torrents."""
PIECE_LEVEL = 6
"""The level whose nodes cover one piece each."""
HASH = 32


def _pads() -> tuple[bytes, ...]:
    pads = [bytes(HASH)]
    while len(pads) <= 64:
        pads.append(hashlib.sha256(pads[-1] * 2).digest())
    return tuple(pads)


PAD = _pads()
"""The hash of a subtree wholly beyond the end of the file, by level."""


def blocks(size: int) -> int:
    """How many blocks a file of `size` bytes has."""
    return -(-size // BLOCK)


def pieces(size: int) -> int:
    """How many pieces a file of `size` bytes has."""
    return -(-size // PIECE)


def height(count: int) -> int:
    """The level of the root over `count` leaves."""
    return (count - 1).bit_length()


def leaves(data: memoryview | bytes) -> bytes:
    """The row of leaves of some bytes that start at a block."""
    sha256 = hashlib.sha256
    view = memoryview(data)
    hashes = [sha256(view[at : at + BLOCK]).digest() for at in range(0, len(view), BLOCK)]
    return b"".join(hashes)


def climb(row: bytes, level: int, top: int) -> bytes:
    """The hash at level `top` over a row of level `level`, padded where the row ends early.

    The row must fit under one node of `top`; it is not empty.
    """
    for here in range(level, top):
        row = parents(row, here)
    return row


def parents(row: bytes, level: int) -> bytes:
    """The row above a row that starts at an even index of `level`."""
    if len(row) % (2 * HASH):
        row += PAD[level]
    sha256 = hashlib.sha256
    pairs = [sha256(row[at : at + 2 * HASH]).digest() for at in range(0, len(row), 2 * HASH)]
    return b"".join(pairs)


def root_of_layer(layer: bytes) -> bytes:
    """The root of a file larger than a piece from its piece layer."""
    return climb(layer, PIECE_LEVEL, PIECE_LEVEL + height(len(layer) // HASH))


def uncles(count: int, first: int, end: int) -> Iterator[tuple[int, int]]:
    """Which nodes lead from leaves `first` to `end` (exclusive) up to the root over `count`.

    Yields (level, index) from the leaves up, the left one before the right one. Nodes wholly
    beyond the end of the file are known to everyone and left out, so the list is the shortest.
    """
    for level in range(height(count)):
        if first % 2:
            yield level, first - 1
        if end % 2 and end < count:
            yield level, end
        first, end, count = first // 2, -(-end // 2), -(-count // 2)
