"""One writer at a time."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from songark.model.errors import LockedError


@contextmanager
def locked(path: Path, *, wait: float = 0.0) -> Iterator[None]:
    """Hold an exclusive lock on the file at `path`, which is made where it is missing.

    The kernel drops the lock when its process dies, so there is nothing to clean up by hand.

    Args:
        path: the lock file.
        wait: seconds to wait for another holder before giving up.

    Raises:
        LockedError: another process still holds it after `wait` seconds.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        _take(handle, path, time.monotonic() + wait)
        yield
    finally:
        os.close(handle)


def _take(handle: int, path: Path, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise LockedError(
                    "another process is changing this archive",
                    place=str(path),
                    remedy="Wait until it is done, then run the command again",
                ) from None
            time.sleep(0.01)
        else:
            return
