"""Scratch folders that live as long as their process, and are swept when it was killed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from songark.ark.lock import locked
from songark.model.errors import LockedError

_PREFIX = "scratch-"
_WAIT = 10.0


@contextmanager
def scratch(parent: Path) -> Iterator[Path]:
    """A folder of one's own in `parent`, removed on leaving.

    Its owner holds a lock beside it, so those whose owner was killed are known and removed first.

    Raises:
        LockedError: others have been making theirs for ten seconds.
    """
    with ExitStack() as stack:
        with locked(parent / "lock", wait=_WAIT):
            _sweep(parent)
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
            stack.enter_context(locked(_lock_of(folder)))
        stack.callback(_remove, folder)
        yield folder


def _sweep(parent: Path) -> None:
    for left in sorted(parent.glob(f"{_PREFIX}*")):
        if not left.is_dir():
            continue
        try:
            with locked(_lock_of(left)):
                _remove(left)
        except LockedError:
            continue


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    _lock_of(folder).unlink(missing_ok=True)
