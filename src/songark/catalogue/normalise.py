"""Our own normaliser: the only place where strings become keys for matching.

Engines count bytes, miss letters and differ from each other, so they never see a raw string.
`VERSION` changes whenever a key could; sealed steps carry it in their name.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import takewhile

VERSION = 2

# Letters that decomposition leaves alone.
_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"}
)
# Marks over Latin and Greek letters only: in kana and Cyrillic they make another letter.
_ACCENT = re.compile("([a-z\u0370-\u03ff])[\u0300-\u036f]+")
# Hebrew points, Arabic short vowels and tatweel, which few write; variation selectors.
_OPTIONAL = re.compile(
    "[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0640\u064b-\u0652\u0670"
    "\ufe00-\ufe0f\U000e0100-\U000e01ef]"
)
_FEATURING = re.compile(r" ?[(\[]? ?\b(?:feat|ft|featuring)\b(?:\. ?| ).*$")
_FEATURING_IN_TITLE = re.compile(r" ?[(\[] ?(?:feat|ft|featuring)\b\.?[^)\]]*[)\]]")
_JOINERS = re.compile(r"[&+,;/]|(?<!\S)(?:and|vs\.?)(?!\S)")
_NOT_WORD = re.compile(r"[\W_]+")


def fold(text: str) -> str:
    """Compatibility form, no case, no accents, single blanks: ``Sigur Rós`` is ``sigur ros``."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    bare = unicodedata.normalize("NFD", plain).translate(_LETTERS)
    whole = unicodedata.normalize("NFKC", _ACCENT.sub(r"\1", bare))
    return " ".join(_OPTIONAL.sub("", whole).split())


def title_key(text: str | None) -> str:
    """A title without punctuation, spaces and featured artists.

    Version words stay (live, remix, instrumental …): another version is another recording.
    """
    if not text:
        return ""
    whole = fold(text)
    return _words(_FEATURING_IN_TITLE.sub("", whole)) or _words(whole) or _signs(whole)


def artist_key(text: str | None) -> str:
    """The main artists in one order: ``A & B feat. C`` and ``B, A`` agree."""
    if not text:
        return ""
    whole = fold(text)
    for main in (_FEATURING.sub("", whole), whole):
        if names := sorted({_words(name) for name in _JOINERS.split(main)} - {""}):
            return "+".join(names)
    return _words(whole) or _signs(whole)


def words(text: str) -> list[str]:
    """The words of a text in order; a key is words without anything between them."""
    return _NOT_WORD.sub(lambda other: _marks(other) + " " * _parts(other), fold(text)).split()


def _parts(other: re.Match[str]) -> bool:
    """Whether a sign is between two words, and not marks on a letter alone."""
    return not other.start() or not all(map(_is_mark, other[0]))


def _words(text: str) -> str:
    """Letters, digits and the marks that make other letters of them (Thai and Indic vowels)."""
    return _NOT_WORD.sub(_marks, text)


def _marks(other: re.Match[str]) -> str:
    """The marks on the letter before; those on signs go with them."""
    on_letter = takewhile(_is_mark, other[0]) if other.start() else ()
    return "".join(on_letter)


def _is_mark(char: str) -> bool:
    return unicodedata.category(char) in {"Mn", "Mc"}


def _signs(text: str) -> str:
    """A name of signs alone ("???", "+") keeps them: an empty key would agree with nothing."""
    return text.replace(" ", "")
