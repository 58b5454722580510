"""Our own normaliser: the only place where strings become keys for matching.

Engines count bytes, miss letters and differ from each other, so they never see a raw string.
`VERSION` changes whenever a key could; sealed steps carry it in their name.
"""

from __future__ import annotations

import re
import unicodedata

VERSION = 1

# Letters that decomposition leaves alone.
_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"}
)
# Marks over Latin and Greek letters only: in kana and Cyrillic they make another letter.
_ACCENT = re.compile("([a-z\u0370-\u03ff])[\u0300-\u036f]+")
_FEATURING = re.compile(r"\s*[(\[]?\s*\b(?:feat|ft|featuring)\b\.?\s.*$")
_FEATURING_IN_TITLE = re.compile(r"\s*[(\[]\s*(?:feat|ft|featuring)\b\.?[^)\]]*[)\]]")
_JOINERS = re.compile(r"\s*(?:&|\+|,|;|/|\band\b|\bvs\b\.?)\s*")
_NOT_WORD = re.compile(r"[^\w]+", re.UNICODE)


def fold(text: str) -> str:
    """Compatibility form, no case, no accents: ``Sigur Rós`` becomes ``sigur ros``."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    bare = _ACCENT.sub(r"\1", unicodedata.normalize("NFD", plain))
    return unicodedata.normalize("NFC", bare).translate(_LETTERS)


def title_key(text: str | None) -> str:
    """A title without punctuation, spaces and featured artists.

    Version words stay (live, remix, instrumental …): another version is another recording.
    """
    return _squeeze(_FEATURING_IN_TITLE.sub("", fold(text))) if text else ""


def artist_key(text: str | None) -> str:
    """The main artists in one order: ``A & B feat. C`` and ``B, A`` agree."""
    if not text:
        return ""
    main = _FEATURING.sub("", fold(text)) or fold(text)
    names = sorted({_squeeze(name) for name in _JOINERS.split(main)} - {""})
    return "+".join(names) or _squeeze(main)


def _squeeze(text: str) -> str:
    # A title of signs alone ("???", "+") keeps them: an empty key would agree with nothing.
    return _NOT_WORD.sub("", text).replace("_", "") or re.sub(r"\s+", "", text)
