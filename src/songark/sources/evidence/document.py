"""Small files that hold evidence, read with bounds and never through a link out of the folder."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from songark.model.errors import SongarkError

MAX_TEXT = 16 << 20
"""Bytes of the largest file that is read as text."""


@dataclass(frozen=True, slots=True)
class Document:
    """A file of evidence: its path in the added folder, its text, its SHA-256 as hex."""

    path: str
    text: str
    sha256: str


def read_document(top: Path, real: Path, path: str) -> Document | None:
    """Read a file of evidence; None where there is none.

    Args:
        top: the added folder.
        real: where the file lies.
        path: its path in that folder.

    Raises:
        SongarkError: it is not an ordinary file in the folder, too large, or not UTF-8.
    """
    with _opened(top, real) as stream:
        if stream is None:
            return None
        data = stream.read(MAX_TEXT + 1)
    if len(data) > MAX_TEXT:
        raise SongarkError(f"larger than {MAX_TEXT >> 20} MiB", remedy="Keep evidence short")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SongarkError(f"not UTF-8 (byte {error.start})", remedy="Save it as UTF-8") from None
    return Document(path, text, hashlib.sha256(data).hexdigest())


def proof_digest(top: Path, real: Path) -> str:
    """SHA-256 of any document in the folder, as hex; empty where there is none.

    Raises:
        SongarkError: it is not an ordinary file in the folder, or cannot be read.
    """
    with _opened(top, real) as stream:
        return "" if stream is None else hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def _opened(top: Path, real: Path) -> Iterator[BufferedReader | None]:
    try:
        if not Path(os.path.realpath(real, strict=True)).is_relative_to(os.path.realpath(top)):
            raise SongarkError("it leads out of the folder", remedy="Copy the file into it")
        if real.is_dir():
            yield None
            return
        handle = os.open(real, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as stream:
            mode = os.fstat(handle).st_mode
            if not stat.S_ISREG(mode):
                raise SongarkError("not an ordinary file", remedy="Replace it by a file")
            yield stream
    except (FileNotFoundError, NotADirectoryError):
        yield None
    except OSError as error:
        raise SongarkError(f"cannot be read ({error.strerror})") from None
