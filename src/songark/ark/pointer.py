"""Which sealed folder of a kind is the current one: a name in a small file, written whole."""

from __future__ import annotations

from pathlib import Path

from songark.ark.atomic import write_whole
from songark.ark.seal import Sealed

_NAME = "current"


def set_current(sealed: Sealed) -> None:
    """Make a sealed folder the current one among its siblings."""
    pointer = sealed.path.parent / _NAME
    if not pointer.exists() or pointer.read_text() != sealed.path.name + "\n":
        write_whole(pointer, f"{sealed.path.name}\n".encode())


def current(parent: Path) -> Sealed | None:
    """The current sealed folder in `parent`, or None where there is none yet.

    Raises:
        BrokenError: the folder it names is gone or unreadable.
    """
    pointer = parent / _NAME
    if not pointer.is_file():
        return None
    return Sealed.open(parent / pointer.read_text().strip())
