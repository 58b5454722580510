"""What may stand in our torrents: names that stay the same everywhere, URLs, pad files."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from songark.model.errors import SongarkError

MAX_TORRENT = 10_000_000
"""Bytes of a torrent; libtorrent and others load no larger ones unless told to."""
MAX_NAME = 240
"""Bytes of UTF-8; libtorrent cuts longer names."""
PAD_FOLDER = ".pad"
"""Where pad files lie (BEP 47)."""

# Controls, line ends, separators of folders, and what libtorrent takes out of names: marks that
# change the direction of writing, and characters without width.
_FORBIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f/\\\\\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u2069\ufeff]"
)
_REMEDY = "Choose another name for it"
_TRACKER = re.compile(r"(?:https?|udp|wss?)://[!-~]{1,2000}")
_SEED = re.compile(r"https?://[!-~]{1,2000}/")


def check_name(name: str) -> bytes:
    """The UTF-8 bytes of a name that may stand in a torrent.

    Raises:
        SongarkError: it is not one path component in NFC of at most 240 bytes, or has characters
            that some client would change.
    """
    try:
        raw = name.encode()
    except UnicodeEncodeError:
        raise _refused(name, "the name is not Unicode") from None
    if not 0 < len(raw) <= MAX_NAME:
        raise _refused(name, f"the name has {len(raw)} bytes, not 1 to {MAX_NAME}")
    if name in {".", ".."} or name.lower() == PAD_FOLDER:
        raise _refused(name, "the name has a meaning of its own")
    found = _FORBIDDEN.search(name)
    if found:
        raise _refused(name, f"the name holds U+{ord(found[0]):04X}")
    if not unicodedata.is_normalized("NFC", name):
        raise _refused(name, "the name is not in NFC")
    return raw


def check_distinct(names: Iterable[str]) -> None:
    """Check that no two names differ by case only, or not at all.

    Raises:
        SongarkError: two do.
    """
    seen: set[str] = set()
    for name in names:
        key = fold(name)
        if key in seen:
            raise _refused(name, "the name stands twice, without regard to case")
        seen.add(key)


def fold(name: str) -> str:
    """A name without regard to case."""
    return name.lower() if name.isascii() else unicodedata.normalize("NFC", name.casefold())


def check_tracker(url: str) -> None:
    """Check the announce URL of a tracker.

    Raises:
        SongarkError: it is not a plain http, https, udp, ws or wss URL.
    """
    if not _TRACKER.fullmatch(url):
        raise SongarkError("not the URL of a tracker", place=ascii(url)[:300])


def check_web_seed(url: str) -> None:
    """Check the URL of a web seed: it ends in a slash, behind which clients put the path.

    Raises:
        SongarkError: it is not such an http or https URL.
    """
    if not _SEED.fullmatch(url):
        raise SongarkError("not the URL of a web seed", place=ascii(url)[:300])


def pad_name(gap: int) -> bytes:
    """The name BEP 47 recommends for a pad file of `gap` bytes, in the folder ``.pad``."""
    return b"%d" % gap


def _refused(name: str, why: str) -> SongarkError:
    return SongarkError(why, place=ascii(name)[:300], remedy=_REMEDY)
