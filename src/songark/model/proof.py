"""Proofs that a range of blocks belongs to a file, known by its root and size alone.

A proof is the concatenated 32-byte hashes of the range's uncles, from the leaves up, the left one
before the right one (BEP 52's tree; `merkle.uncles`). Hashes that anyone can work out, those of
padding beyond the end of the file, are left out, so each range has exactly one proof.

The size must come from the same place as the root (`FileId`): it fixes the shape of the tree, and
with it that a proof for the root's 64-byte twin cannot pass for one of the file.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, TypeAlias

from songark.model.errors import BrokenError, UsageError
from songark.model.hash_record import HashRecord
from songark.model.hashing import Hasher
from songark.model.merkle import (
    BLOCK,
    HASH,
    PAD,
    PIECE,
    PIECE_LEVEL,
    blocks,
    climb,
    height,
    leaves,
    parents,
    pieces,
    uncles,
)

Proof: TypeAlias = bytes


def prove(
    file: BinaryIO | Path, offset: int, length: int, *, record: HashRecord | None = None
) -> Proof:
    """Prove `length` bytes of a file from `offset` on.

    With the file's hash record only the two pieces at the ends of the range are read, without it
    the whole file. The offset is a multiple of 16 KiB, and so is the length unless the range goes
    to the end of the file. A stream must be seekable and starts at 0.

    Raises:
        UsageError: the range is not of that form, or not inside the file.
        BrokenError: the bytes read are not those of the record.
        OSError: the file cannot be read.
        SongarkError: the file is empty.
    """
    if isinstance(file, Path):
        with file.open("rb") as stream:
            return prove(stream, offset, length, record=record)
    source = _Source(file, record or _record(file))
    size = source.record.file.size
    wrong = _range_fault(size, offset, length)
    if wrong:
        raise UsageError(wrong, remedy=f"Ask for whole blocks of {BLOCK} bytes inside the file")
    first, end = offset // BLOCK, blocks(offset + length)
    return b"".join(source.node(*at) for at in uncles(blocks(size), first, end))


def prove_from_layer(layer: bytes, size: int, first: int, count: int) -> Proof:
    """Prove `count` whole pieces of 1 MiB from piece `first` on, without reading the file.

    `layer` is the file's piece layer, empty where the file has one piece. The last piece of the
    file counts as whole. Gives the same bytes as `prove` over the same range.

    Raises:
        UsageError: the pieces are not inside the file, or the layer does not fit its size.
    """
    total = pieces(size)
    if size < 1 or len(layer) != (HASH * total if total > 1 else 0):
        raise UsageError(f"a piece layer of {len(layer)} bytes for a file of {size}")
    if first < 0 or count < 1 or first + count > total:
        raise UsageError(f"pieces {first} to {first + count - 1} of a file that has {total}")
    proof = b""
    for level, index in uncles(total, first, first + count):
        proof += _under(layer, level, index, PIECE_LEVEL)
    return proof


def verify(root: bytes, size: int, offset: int, data: bytes, proof: Proof) -> None:
    """Check that `data` is what the file with this root and size holds at `offset`.

    Returns for exactly one proof of each range. Everything but root and size may come from a
    stranger.

    Raises:
        BrokenError: the data or the proof is not right in any way.
    """
    wrong = _range_fault(size, offset, len(data))
    if not wrong and len(root) != HASH:
        wrong = f"a root has {HASH} bytes"
    if wrong:
        raise _refused(wrong, root, size)
    first, end, count = offset // BLOCK, blocks(offset + len(data)), blocks(size)
    wanted = list(uncles(count, first, end))
    if len(proof) != HASH * len(wanted):
        raise _refused(f"a proof of {len(proof)} bytes, not {HASH * len(wanted)}", root, size)
    given = {at: proof[HASH * n : HASH * (n + 1)] for n, at in enumerate(wanted)}
    row = leaves(data)
    for level in range(height(count)):
        row = given.get((level, first - 1), b"") + row
        if end % 2:
            row += given.get((level, end), PAD[level])
        row = parents(row, level)
        first, end = first // 2, -(-end // 2)
    if row != root:
        raise _refused(f"the bytes at {offset} are not those of the file", root, size)


class _Source:
    """The nodes of one file's tree, from its record and as few of its bytes as possible."""

    def __init__(self, stream: BinaryIO, record: HashRecord) -> None:
        self.record = record
        self._stream = stream
        self._rows: dict[int, bytes] = {}

    def node(self, level: int, index: int) -> bytes:
        if level >= PIECE_LEVEL:
            return _under(self.record.layer, level - PIECE_LEVEL, index, PIECE_LEVEL)
        piece = index >> (PIECE_LEVEL - level)
        start = piece << (PIECE_LEVEL - level)
        return _under(self._row(piece), level, index - start, 0)

    def _row(self, piece: int) -> bytes:
        """The leaves of one piece, checked against the record."""
        if piece not in self._rows:
            self._stream.seek(piece * PIECE)
            row = leaves(self._stream.read(PIECE))
            self._rows[piece] = row
            file, layer = self.record.file, self.record.layer
            top = PIECE_LEVEL if layer else height(blocks(file.size))
            told = layer[HASH * piece : HASH * (piece + 1)] if layer else file.root
            if not row or climb(row, 0, top) != told:
                raise BrokenError(
                    f"piece {piece} is not what it was when it was hashed",
                    place=str(file),
                    remedy="Check the file and restore it from another copy",
                )
        return self._rows[piece]


def _record(stream: BinaryIO) -> HashRecord:
    stream.seek(0)
    hasher = Hasher()
    while data := stream.read(PIECE):
        hasher.update(data)
    return hasher.finish()


def _under(row: bytes, level: int, index: int, base: int) -> bytes:
    """The node `level` levels above `row`, whose own level is `base`."""
    part = row[HASH * (index << level) : HASH * ((index + 1) << level)]
    return climb(part, base, base + level)


def _range_fault(size: int, offset: int, length: int) -> str:
    """What is wrong with a range of a file, if anything."""
    if offset < 0 or length < 1 or offset + length > size:
        return f"{length} bytes at {offset} do not lie in a file of {size}"
    if offset % BLOCK or (length % BLOCK and offset + length != size):
        return f"{length} bytes at {offset} are not whole blocks"
    return ""


def _refused(why: str, root: bytes, size: int) -> BrokenError:
    return BrokenError(why, place=f"{root.hex()}-{size}", remedy="Fetch them from someone else")
