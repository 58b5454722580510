"""What can be wrong with a feed, in words that say what to do.

FeedError
├── UnreachableError      no answer, too slow, an HTTP error
│   └── MissingError      the place answers, and has no such file
├── ExpiredError          a freeze attack, or a keeper who is away
├── RollbackError         older than what was seen before
├── ForgedError           not what the archive's keys signed
└── FingerprintError      another archive than the one named
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from tuf.api.exceptions import (
    BadVersionNumberError,
    DownloadError,
    DownloadHTTPError,
    DownloadLengthMismatchError,
    ExpiredMetadataError,
    RepositoryError,
    SlowRetrievalError,
)

from songark.model.errors import SongarkError


class FeedError(SongarkError):
    """A feed cannot be used as it is."""


class UnreachableError(FeedError):
    """The feed's place does not answer."""


class MissingError(UnreachableError):
    """The feed's place has no such file."""


class ExpiredError(FeedError):
    """What the feed shows has expired: somebody withholds news, or the keeper is away."""


class RollbackError(FeedError):
    """The feed shows an older state than was seen before."""


class ForgedError(FeedError):
    """What the feed shows is not what the archive's keys signed."""

    @classmethod
    def because(cls, why: str, place: str) -> Self:
        """The error with its remedy."""
        return cls(f"not what the archive's keys signed ({why})", place=place, remedy=_ELSEWHERE)


class FingerprintError(FeedError):
    """The feed belongs to another archive than the one that was named."""

    @classmethod
    def between(cls, pinned: str, found: str, place: str, *, known: bool) -> Self:
        """The error for two fingerprints; `known`: whether `found` was trusted before."""
        return cls(
            f"the fingerprint is {found}, not {pinned}",
            place=place,
            remedy="This folder follows another archive: name a new folder for this one"
            if known
            else "Ask the keeper for the fingerprint by another way, and do not use this address "
            "until both agree",
        )


_ELSEWHERE = "Do not use this address; try another one of this feed, and tell its keeper"

_MEANINGS: tuple[tuple[type[Exception], type[FeedError], str, str], ...] = (
    (
        SlowRetrievalError,
        UnreachableError,
        "the server is too slow",
        "Try again later, or use another address of the feed",
    ),
    (
        DownloadLengthMismatchError,
        ForgedError,
        "the server sends more than it should",
        _ELSEWHERE,
    ),
    (
        DownloadError,
        UnreachableError,
        "the feed cannot be read",
        "Check the address and the connection, then try again",
    ),
    (
        ExpiredMetadataError,
        ExpiredError,
        "what is shown has expired",
        "Check this computer's clock; if it is right, the keeper has not signed for long or "
        "somebody withholds news: try another address of the feed",
    ),
    (
        BadVersionNumberError,
        RollbackError,
        "what is shown is older than what was seen before",
        "Try another address of the feed; a copy must be brought up to date first",
    ),
    (
        RepositoryError,
        ForgedError,
        "what is shown is not what the archive's keys signed",
        _ELSEWHERE,
    ),
)


@contextmanager
def explained(place: str, writes: Path) -> Iterator[None]:
    """Turn TUF's errors, and those of writing at `writes`, into ours.

    Raises:
        FeedError: one of its kinds, at `place`.
        SongarkError: `writes` cannot be written.
    """
    try:
        yield
    except (DownloadError, RepositoryError) as error:
        raise _meaning(error, place) from None
    except OSError as error:
        raise SongarkError(
            f"cannot be read or written ({error.strerror or error})",
            place=str(writes),
            remedy="Make room or give the right to write there, then run this again",
        ) from None


def _meaning(error: Exception, place: str) -> FeedError:
    if isinstance(error, DownloadHTTPError) and error.status_code in {403, 404, 410}:
        return MissingError(
            "no such file there",
            place=place,
            remedy="Check the address; if it is right, its keeper has to publish again",
        )
    # What comes from outside may hold control characters.
    why = ascii(str(error))[1:-1][:300]
    for kind, ours, message, remedy in _MEANINGS:
        if isinstance(error, kind):
            return ours(f"{message} ({why})" if why else message, place=place, remedy=remedy)
    raise error
