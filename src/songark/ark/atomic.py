"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def sync_folder(folder: Path) -> None:
    """Make the names inside a folder last through a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Give errors of writing, such as a full disk, the name of the file, which Python leaves out.

    Raises:
        OSError: with its `filename`.
    """
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Open a hidden file beside `path` for writing; on leaving it is synced and renamed there.

    When the block raises, nothing is left. What a killed process leaves is named
    ``.<name>.<random>.part`` and removed by `sweep`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # At most 48 characters, which are 192 bytes: a hidden name may be no longer than 255.
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:48]}.", suffix=".part", dir=path.parent)
    part = Path(name)
    try:
        with naming(path), os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        part.chmod(0o644)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_whole(path: Path, data: bytes) -> None:
    """Write a small file whole or not at all."""
    with whole_file(path) as stream:
        stream.write(data)


def sweep(folder: Path) -> int:
    """Remove the parts that a killed process left in `folder`; returns how many."""
    parts = list(folder.glob(".*.part")) if folder.is_dir() else []
    for part in parts:
        part.unlink(missing_ok=True)
    return len(parts)
