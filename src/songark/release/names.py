"""Names of files in a torrent: readable, safe on every system, frozen at first release.

``Artist - Title [first of root].ext``: NFC, at most 120 bytes of UTF-8, unique in its pack without
regard to case, none of the characters that Windows refuses. Display names live in the manifest.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Set as AbstractSet

from songark.model.identity import FileId
from songark.release.torrent_form import fold

LONGEST = 120
_FORBIDDEN = str.maketrans(dict.fromkeys('<>:"/\\|?*', "_"))
# Windows takes these for devices, whatever stands behind the first dot (Microsoft, "Naming Files,
# Paths, and Namespaces").
_DEVICE = re.compile(r"(?:con|prn|aux|nul|(?:com|lpt)[0-9¹²³]|conin\$|conout\$) *\.", re.IGNORECASE)


def file_name(
    artist: str, title: str, file: FileId, extension: str, taken: AbstractSet[str]
) -> str:
    """A name that no other file of the pack has.

    Args:
        artist: as in the manifest.
        title: as in the manifest.
        file: the file it names; as much of its root goes into the name as makes it unique.
        extension: without the dot.
        taken: names of the pack, as `torrent_form.fold` gives them.

    Raises:
        ValueError: the file has a name in this pack already.
    """
    stem = f"{_safe(artist)} - {_safe(title)}"
    if _DEVICE.match(stem):
        stem = f"_{stem}"
    root = file.root.hex()
    for digits in (8, 16, 64):
        tail = f" [{root[:digits]}].{extension}"
        name = (_cut(stem, LONGEST - len(tail)) or "_") + tail
        if fold(name) not in taken:
            return name
    raise ValueError(f"{file} is in this pack already")


def _safe(text: str) -> str:
    """One part of a name: white space becomes single blanks, what cannot be seen goes."""
    if not text.isprintable():
        text = "".join(" " if c.isspace() else c for c in text if c.isspace() or _is_seen(c))
    # Only now, since what is taken out may have parted a letter from its accent.
    plain = unicodedata.normalize("NFC", text).translate(_FORBIDDEN)
    return " ".join(plain.split()).strip(". ") or "_"


def _is_seen(char: str) -> bool:
    return unicodedata.category(char)[0] != "C"


def _cut(text: str, room: int) -> str:
    """As many whole characters as fit, without a bare base letter of a combined one left over."""
    data = text.encode()
    if len(data) <= room:
        return text
    cut = data[:room].decode("utf-8", "ignore")
    while cut and unicodedata.category(text[len(cut)])[0] == "M":
        cut = cut[:-1]
    return cut.rstrip(". ")
