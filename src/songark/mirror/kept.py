"""Bytes that are seldom needed again, on the disk instead of in memory."""

from __future__ import annotations

import os
import tempfile

__all__ = ["Kept"]


class Kept:
    """Values by key in one temporary file without a name, which nobody can sweep away or read.

    Not safe for several threads. The file is written anew when more than half of it is dead.
    """

    def __init__(self) -> None:
        self._handle = _unnamed()
        self._where: dict[bytes, tuple[int, int]] = {}
        self._end = 0

    def put(self, key: bytes, value: bytes) -> None:
        """Keep a value; one that was kept under the same key before is forgotten.

        Raises:
            OSError: the disk of the temporary folder is full.
        """
        self.drop(key)
        _write(self._handle, value, self._end)
        self._where[key] = (self._end, len(value))
        self._end += len(value)

    def get(self, key: bytes) -> bytes:
        """The value kept under a key.

        Raises:
            KeyError: there is none.
            OSError: it cannot be read.
        """
        at, size = self._where[key]
        return os.pread(self._handle, size, at)

    def drop(self, key: bytes) -> None:
        """Forget a value; one that is not kept is no matter."""
        if self._where.pop(key, None) and self._end > 2 * sum(n for _, n in self._where.values()):
            self._compact()

    def size(self) -> int:
        """Bytes on the disk."""
        return self._end

    def close(self) -> None:
        """Forget everything; nothing can be kept afterwards."""
        if self._handle >= 0:
            os.close(self._handle)
        self._handle = -1
        self._where.clear()

    def _compact(self) -> None:
        fresh, end = _unnamed(), 0
        where: dict[bytes, tuple[int, int]] = {}
        try:
            for key, (at, size) in self._where.items():
                _write(fresh, os.pread(self._handle, size, at), end)
                where[key] = (end, size)
                end += size
        except OSError:
            # No room for both: the old one is larger than it need be, and right.
            os.close(fresh)
            return
        os.close(self._handle)
        self._handle, self._where, self._end = fresh, where, end


def _unnamed() -> int:
    handle, name = tempfile.mkstemp(prefix="songark-")
    os.unlink(name)  # noqa: PTH108 - it is a plain string and gone at once
    return handle


def _write(handle: int, value: bytes, at: int) -> None:
    view = memoryview(value)
    while view:
        done = os.pwrite(handle, view, at)
        view, at = view[done:], at + done
