"""Errors that name the place and say what to do next.

SongarkError
├── UsageError        exit 2
├── NoArkError        exit 10
├── LockedError       exit 11
├── BrokenError       exit 1   something sealed or journaled is not what it was
└── RefusedError      exit 1   a gate said no
"""

from __future__ import annotations

from typing import ClassVar


class SongarkError(Exception):
    """Anything we can explain: what happened, where, and what to do next.

    `place` names the file, the record and the field as far as they are known.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, place: str = "", remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        self.remedy = remedy

    def __str__(self) -> str:
        head = f"{self.place}: {self.message}" if self.place else self.message
        return f"{head}. {self.remedy}" if self.remedy else head


class UsageError(SongarkError):
    """The command's own words are wrong."""

    exit_code = 2


class NoArkError(SongarkError):
    """There is no archive at the place named."""

    exit_code = 10


class LockedError(SongarkError):
    """Another process is changing this archive."""

    exit_code = 11


class BrokenError(SongarkError):
    """Something sealed, journaled or signed is not what it was when it was written."""


class RefusedError(SongarkError):
    """The gate refuses: the act is not cleared."""
