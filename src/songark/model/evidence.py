"""What is said about rights, and how much that is worth."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Grade(IntEnum):
    """How much a piece of evidence is worth, weakest first.

    Up to `KEEPER_WORD` it opens keeping at most. Sharing wants `INDEPENDENT` or better, since the
    first two can be written by anybody who holds the file.
    """

    BARE_TAG = 1
    """A tag inside the file, by whoever wrote it."""
    KEEPER_WORD = 2
    """A side file or setting written by the keeper: REUSE ``.license``, ``songark.rights.toml``."""
    INDEPENDENT = 3
    """A record somebody else keeps: a stored licence page; a package whose hash is known."""
    DEPOSIT = 4
    """A statement signed by whoever says the music is theirs."""

    @property
    def words(self) -> str:
        """The grade for people."""
        return {
            Grade.BARE_TAG: "a bare tag",
            Grade.KEEPER_WORD: "the keeper's own word",
            Grade.INDEPENDENT: "an independent record",
            Grade.DEPOSIT: "a signed statement",
        }[self]


class Part(StrEnum):
    """The works that lie in one audio file; each wants its own permission."""

    RECORDING = "recording"
    COMPOSITION = "composition"
    PICTURE = "picture"
    LYRICS = "lyrics"


WHOLE_FILE = frozenset(Part)


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing said about one file's rights.

    kind: where it stands: ``tag``, ``reuse``, ``dep5``, ``toml``, ``page``, ``deposit``.
    licence_raw: the words found. licence: the SPDX expression they mean, empty where unknown.
    parts: the works in the file that it speaks of. holder: who holds the right, as written.
    place: the file (and paragraph) it was read from, relative to the folder.
    document: SHA-256 of that file as hex, empty where the evidence is inside the audio file.
    note: what a person should know, such as why the grade is not higher.
    """

    kind: str
    grade: Grade
    licence_raw: str
    licence: str
    parts: frozenset[Part]
    holder: str
    place: str
    document: str
    note: str = ""
