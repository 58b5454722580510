"""Names of files in a torrent: readable, safe on every system, frozen at first release.

``Artist - Title [first of root].ext``: NFC, at most 120 bytes of UTF-8, unique in its pack without
regard to case, none of the characters that Windows refuses. Display names live in the manifest.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Set as AbstractSet

from songark.model.identity import FileId

LONGEST = 120
_FORBIDDEN = set('<>:"/\\|?*')


def file_name(
    artist: str, title: str, file: FileId, extension: str, taken: AbstractSet[str]
) -> str:
    """A name that no other file of the pack has.

    Args:
        artist: as in the manifest.
        title: as in the manifest.
        file: the file it names; as much of its root goes into the name as makes it unique.
        extension: without the dot.
        taken: names of the pack, case-folded.
    """
    stem = f"{_safe(artist)} - {_safe(title)}"
    root = file.root.hex()
    for digits in (8, 16, 64):
        tail = f" [{root[:digits]}].{extension}"
        name = _cut(stem, LONGEST - len(tail)) + tail
        if name.casefold() not in taken:
            return name
    raise ValueError(f"{file} is in this pack already")


def _safe(text: str) -> str:
    plain = unicodedata.normalize("NFC", text)
    kept = ("_" if c in _FORBIDDEN else c for c in plain if unicodedata.category(c)[0] != "C")
    return " ".join("".join(kept).split()).strip(". ") or "_"


def _cut(text: str, room: int) -> str:
    """As many whole characters as fit, without a bare base letter of a combined one left over."""
    data = text.encode()
    if len(data) <= room:
        return text
    cut = data[:room].decode("utf-8", "ignore")
    while cut and unicodedata.combining(text[len(cut)]):
        cut = cut[:-1]
    return cut.rstrip(". ")
