"""Tags as FFmpeg shows them: pairs in the order found, and the fields of a track row."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from songark.model.errors import SongarkError

MAX_FIELD = 10_000
"""Characters of the longest field that is kept."""

# Column -> tag names in lower case, best first. FFmpeg already translates each container's common
# names (TIT2, ©nam, INAM are all `title`).
FIELDS = {
    "title_raw": ("title",),
    "artist_raw": ("artist",),
    "release_raw": ("album",),
    "date_raw": ("date", "year", "originaldate"),
    "position_raw": ("track", "tracknumber"),
}
# Whoever wrote a part of the work, or the one whose work it is a version of.
AUTHORS = (
    "composer",
    "writer",
    "songwriter",
    "lyricist",
    "text",
    "arranger",
    "original artist",
    "original lyricist",
    "tope",
    "toly",
)
ISRC = ("isrc", "tsrc")
MBID = (
    "musicbrainz_trackid",
    "musicbrainz track id",
    "musicbrainz_recordingid",
    "musicbrainz recording id",
    "ufid:http://musicbrainz.org",
)

_WORDS = re.compile(r"(?:un)?(?:synced|synchronised|synchronized)?[ _]?lyrics(?:[-:].*)?")
_PICTURES = {"metadata_block_picture", "coverart", "cover art (front)"}
_PRIVATE = "id3v2_priv."
_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

Tags = tuple[tuple[str, str], ...]


def merged(*parts: Mapping[str, str] | Tags) -> Tags:
    """All pairs of several sources, the first source first, each pair once."""
    found: dict[tuple[str, str], None] = {}
    for part in parts:
        pairs: Iterable[tuple[str, str]] = part.items() if isinstance(part, Mapping) else part
        for name, value in pairs:
            if value.strip() and not name.startswith(_PRIVATE):
                found[name, value] = None
    return tuple(found)


def values(tags: Tags, names: Iterable[str]) -> list[str]:
    """The values under these names, in the order of the names; names have no case."""
    return [value for name in names for key, value in tags if key.lower() == name]


def one_line(raw: str) -> str:
    """A field's text as printed, without the white space around it.

    Raises:
        SongarkError: it is too long, not UTF-8, or holds control characters.
    """
    text = raw.strip()
    if len(text) > MAX_FIELD:
        raise SongarkError(
            f"{len(text)} characters long, more than {MAX_FIELD}", remedy="Shorten the tag"
        )
    if _SURROGATE.search(text):
        raise SongarkError("not UTF-8", remedy="Write the tag again as Unicode")
    if _CONTROL.search(text):
        raise SongarkError("holds control characters", remedy="Write the tag again")
    return text


def has_lyrics(tags: Tags) -> bool:
    """Whether a tag holds words."""
    return any(_WORDS.fullmatch(name.lower()) for name, _ in tags)


def has_picture(tags: Tags) -> bool:
    """Whether a tag holds a picture that FFmpeg does not show as one."""
    return any(name.lower() in _PICTURES for name, _ in tags)
