"""Everything torrents and proofs need of a file, from one pass over its bytes."""

from __future__ import annotations

import hashlib
import os
import stat
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from io import FileIO
from pathlib import Path
from threading import Event
from typing import BinaryIO

from songark.model.errors import SongarkError
from songark.model.hash_record import SHA1, HashRecord
from songark.model.identity import FileId
from songark.model.merkle import (
    BLOCK,
    HASH,
    PIECE,
    PIECE_LEVEL,
    blocks,
    climb,
    height,
    leaves,
    root_of_layer,
)

__all__ = ["BLOCK", "PIECE", "HashRecord", "Hasher", "copy_hashed", "hash_file", "hash_files"]

_ZEROS = memoryview(bytes(PIECE))
_SHARED = 16 * PIECE
"""Files from this size on share their pieces with other threads; smaller ones take one each."""


class _Pieces:
    """The piece hashes of one file, filled in any order by any thread."""

    def __init__(self) -> None:
        self.whole = hashlib.sha256()
        self.layer = bytearray()
        self.v1 = bytearray()

    def room(self) -> int:
        """Make room for one more whole piece; returns its index."""
        self.layer += bytes(HASH)
        self.v1 += bytes(SHA1)
        return len(self.v1) // SHA1 - 1

    def put(self, index: int, piece: bytearray | memoryview) -> None:
        """Hash a whole piece into its room."""
        node = climb(leaves(memoryview(piece)), 0, PIECE_LEVEL)
        self.layer[HASH * index : HASH * (index + 1)] = node
        self.v1[SHA1 * index : SHA1 * (index + 1)] = _sha1(piece).digest()

    def close(self, tail: memoryview) -> HashRecord:
        """The record, given the bytes behind the last whole piece."""
        size = len(self.v1) // SHA1 * PIECE + len(tail)
        if not size:
            raise SongarkError("the file is empty", remedy="Leave empty files out")
        layer, v1 = bytes(self.layer), bytes(self.v1)
        padded = v1[-SHA1:]
        if tail:
            short = _sha1(tail)
            v1 += short.digest()
            short.update(_ZEROS[len(tail) :])
            padded = short.digest()
            layer += climb(leaves(tail), 0, min(PIECE_LEVEL, height(blocks(size))))
        root = root_of_layer(layer)
        return HashRecord(
            file=FileId(root, size),
            sha256=self.whole.digest(),
            layer=layer if size > PIECE else b"",
            v1=v1,
            v1_last_padded=padded,
        )


class Hasher:
    """Hashes bytes as they come. Memory: 1 MiB, and 52 bytes for each MiB hashed."""

    def __init__(self) -> None:
        self._pieces = _Pieces()
        self._held = memoryview(bytearray(PIECE))
        self._count = 0

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Take the next bytes; whole pieces at once are hashed without being copied."""
        view = memoryview(data).cast("B")
        self._pieces.whole.update(view)
        while len(view):
            if not self._count and len(view) >= PIECE:
                self._pieces.put(self._pieces.room(), view[:PIECE])
                view = view[PIECE:]
                continue
            part = view[: PIECE - self._count]
            self._held[self._count : self._count + len(part)] = part
            self._count += len(part)
            view = view[len(part) :]
            if self._count == PIECE:
                self._pieces.put(self._pieces.room(), self._held)
                self._count = 0

    def finish(self) -> HashRecord:
        """The record of all bytes taken; call it once, at the end.

        Raises:
            SongarkError: there were none.
        """
        return self._pieces.close(self._held[: self._count])


def copy_hashed(source: BinaryIO, target: BinaryIO) -> HashRecord:
    """Copy a stream to its end and hash it on the way.

    Raises:
        SongarkError: the stream is empty.
    """
    hasher = Hasher()
    while data := source.read(PIECE):
        hasher.update(data)
        target.write(data)
    return hasher.finish()


def hash_file(path: Path, *, progress: Callable[[int], None] | None = None) -> HashRecord:
    """Hash a file on this thread; `progress` is told how many more bytes are done.

    Raises:
        SongarkError: it is empty, no ordinary file, cannot be read, or changes while it is read.
    """
    return _hash_path(path, None, progress or _ignore)


def hash_files(
    paths: Iterable[Path], threads: int = 2
) -> Iterator[tuple[Path, HashRecord | SongarkError]]:
    """Hash files on several threads; yields each path with its record, in the order given.

    A file that cannot be hashed comes with its error, and the others go on. Small files take one
    thread each, the pieces of a large one are shared, so one huge file keeps two threads busy too.
    """
    stop = Event()

    def one(path: Path) -> HashRecord | SongarkError:
        try:
            return _hash_path(path, pool, watch)
        except SongarkError as error:
            return error

    def watch(_: int) -> None:
        if stop.is_set():
            raise SongarkError("given up")

    waiting: deque[tuple[Path, Future[HashRecord | SongarkError]]] = deque()
    pool = ThreadPoolExecutor(threads, "hash")
    try:
        for path in paths:
            waiting.append((path, pool.submit(one, path)))
            if len(waiting) >= 4 * threads:
                done, future = waiting.popleft()
                yield done, future.result()
        for done, future in waiting:
            yield done, future.result()
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


def _hash_path(
    path: Path, pool: ThreadPoolExecutor | None, progress: Callable[[int], None]
) -> HashRecord:
    try:
        # Without O_NONBLOCK a named pipe would wait for a writer for ever.
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with FileIO(handle) as stream:
            before = _ordinary(handle)
            shared = pool if before.st_size >= _SHARED else None
            record = _hash_stream(stream, shared, progress)
            after = os.fstat(handle)
    except OSError as error:
        raise SongarkError(f"cannot be read ({error.strerror})", place=str(path)) from error
    except SongarkError as error:
        raise SongarkError(error.message, place=str(path), remedy=error.remedy) from None
    told = (before.st_size, before.st_mtime_ns)
    if told != (after.st_size, after.st_mtime_ns) or record.file.size != before.st_size:
        raise SongarkError(
            "the file changed while it was read",
            place=str(path),
            remedy="Wait until nothing writes to it, then run the command again",
        )
    return record


def _ordinary(handle: int) -> os.stat_result:
    told = os.fstat(handle)
    if not stat.S_ISREG(told.st_mode):
        raise SongarkError("not an ordinary file", remedy="Leave folders, pipes and devices out")
    return told


def _hash_stream(
    stream: FileIO, pool: ThreadPoolExecutor | None, progress: Callable[[int], None]
) -> HashRecord:
    """Read on this thread, hand pieces to the pool, and help whenever the pool is behind.

    The plain SHA-256 must run in order, so it stays here; all else of a piece can run anywhere.
    """
    made = _Pieces()
    spare = [bytearray(PIECE) for _ in range(5 if pool else 1)]
    running: deque[tuple[Future[None], int, bytearray]] = deque()
    while True:
        buffer = spare.pop()
        count = _fill(stream, buffer)
        made.whole.update(memoryview(buffer)[:count])
        if count == PIECE:
            index = made.room()
            if pool and spare:
                running.append((pool.submit(made.put, index, buffer), index, buffer))
            else:
                made.put(index, buffer)
                spare.append(buffer)
            while running and running[0][0].done():
                spare.append(_settled(made, *running.popleft()))
        progress(count)
        if count < PIECE:
            break
    for left in running:
        _settled(made, *left)
    return made.close(memoryview(buffer)[:count])


def _settled(made: _Pieces, future: Future[None], index: int, buffer: bytearray) -> bytearray:
    """Wait for a piece, or do it here where no thread has begun it: so nobody waits in a circle."""
    if future.cancel():
        made.put(index, buffer)
    else:
        future.result()
    return buffer


def _fill(stream: FileIO, buffer: bytearray) -> int:
    """Read until the buffer is full or the file ends; returns how many bytes."""
    view = memoryview(buffer)
    count = 0
    while count < len(buffer):
        got = stream.readinto(view[count:])
        if not got:
            break
        count += got
    return count


def _sha1(data: bytearray | memoryview) -> hashlib._Hash:
    return hashlib.sha1(data, usedforsecurity=False)


def _ignore(_: int) -> None:
    pass
