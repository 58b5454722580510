"""Names of files: one Unicode form, and a printable form for any bytes."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path


def nfc(name: str) -> str:
    """The composed form (Unicode Annex 15), in which tables keep every path."""
    return unicodedata.normalize("NFC", name)


def is_text(name: str) -> bool:
    """Whether a name from the disk is UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def printable(name: str) -> str:
    r"""A name for people; bytes that are not UTF-8 stand as ``\xff``."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def locate(place: Path, path: str) -> Path:
    """Where a track row's `path` lies on the disk, whose names may have another Unicode form.

    Raises:
        FileNotFoundError: it is not there.
    """
    here = place
    for part in path.split("/"):
        straight = here / part
        if os.path.lexists(straight):
            here = straight
            continue
        found = sorted(name for name in _names(here) if nfc(name) == part)
        if not found:
            raise FileNotFoundError(str(place / path))
        here /= found[0]
    return here


def _names(folder: Path) -> list[str]:
    with os.scandir(folder) as entries:
        return [entry.name for entry in entries]
