"""Where a feed is read from: a web address or a folder. Nothing read here is believed yet.

Both are fetchers in TUF's sense and know paths relative to the feed, such as
``metadata/timestamp.json``. Time and sizes are bounded; what arrives is checked by `trust`.
"""

from __future__ import annotations

import abc
import os
import re
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

import urllib3
from tuf.api.exceptions import DownloadError, DownloadHTTPError, SlowRetrievalError
from tuf.ngclient.fetcher import FetcherInterface

from songark.model.errors import UsageError

USER_AGENT = "Songark/0.1"
MAX_METADATA = 5_000_000
"""Bytes of one metadata file at most, whatever other metadata says of it."""

_CHUNK = 64 * 1024
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a server may take.

    connect, gap: seconds to a connection, and without a byte. grace, floor: after `grace` seconds
    a download that has brought fewer than `floor` bytes for each second is given up.
    retries: how often a request without an answer is made again.
    """

    connect: float = 10.0
    gap: float = 30.0
    grace: float = 60.0
    floor: int = 4096
    retries: int = 2


class FeedSource(FetcherInterface, abc.ABC):
    """A place that holds a feed."""

    @abc.abstractmethod
    def place(self, path: str = "") -> str:
        """The address of a file of the feed, for people."""

    def download_bytes(self, url: str, max_length: int) -> bytes:
        """Download one metadata file; `url` is a path in the feed."""
        return super().download_bytes(url, min(max_length, MAX_METADATA))


def open_source(address: str, patience: Patience) -> FeedSource:
    """The source at a web address (http, https) or in a local folder.

    Raises:
        UsageError: the address is neither, or has a query, a fragment or a password in it.
    """
    if not _SCHEME.match(address):
        return FolderSource(Path(address))
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        host = None
    if not host or parts.scheme not in {"http", "https"} or parts.query or parts.fragment:
        raise UsageError(
            "not the address of a feed",
            place=address.partition("?")[0][:200] if "@" not in address else "",
            remedy="Name a folder, or an address such as https://example.org/feed",
        )
    if parts.username is not None:
        raise UsageError(
            "the address holds a name or password, which would show in messages",
            remedy="Leave out what is before the @",
        )
    return WebSource(address, patience)


class WebSource(FeedSource):
    """A feed on a web server."""

    def __init__(self, base: str, patience: Patience) -> None:
        self._base = base.rstrip("/")
        self._patience = patience
        # A hostile Retry-After could hold us for hours, so it is not followed.
        retry = urllib3.Retry(
            total=patience.retries + 3,
            connect=patience.retries,
            read=patience.retries,
            status=patience.retries,
            redirect=3,
            other=0,
            status_forcelist=(502, 503, 504),
            backoff_factor=0.2,
            respect_retry_after_header=False,
            raise_on_status=False,
        )
        self._pool = urllib3.PoolManager(
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
            timeout=urllib3.Timeout(connect=patience.connect, read=patience.gap),
            retries=retry,
        )

    def place(self, path: str = "") -> str:
        """The address of a file of the feed, for people."""
        return f"{self._base}/{quote(path)}"

    def _fetch(self, url: str) -> Iterator[bytes]:
        try:
            answer = self._pool.request("GET", self.place(url), preload_content=False)
        except urllib3.exceptions.MaxRetryError as error:
            if isinstance(error.reason, urllib3.exceptions.ReadTimeoutError):
                raise SlowRetrievalError("no answer in time") from error
            raise DownloadError(f"no answer ({error.reason})") from error
        except urllib3.exceptions.HTTPError as error:
            raise DownloadError(f"no answer ({error})") from error
        if answer.status != 200:
            answer.close()
            raise DownloadHTTPError(f"the server answers {answer.status}", answer.status)
        return self._body(answer)

    def _body(self, answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
        start, received, whole = time.monotonic(), 0, False
        try:
            # read1 returns what has arrived, so that a trickle is seen as one.
            while chunk := answer.read1(_CHUNK, decode_content=False):
                received += len(chunk)
                elapsed = time.monotonic() - start - self._patience.grace
                if elapsed > 0 and received < elapsed * self._patience.floor:
                    raise SlowRetrievalError(f"{received} bytes only")
                yield chunk
            whole = True
        except urllib3.exceptions.TimeoutError as error:
            raise SlowRetrievalError("the server fell silent") from error
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise DownloadError(f"broken off ({error})") from error
        finally:
            if whole:
                answer.release_conn()
            else:
                answer.close()


class FolderSource(FeedSource):
    """A feed in a local folder, such as a mounted stick."""

    def __init__(self, base: Path) -> None:
        self._base = base

    def place(self, path: str = "") -> str:
        """The path of a file of the feed."""
        return str(self._base / path)

    def _fetch(self, url: str) -> Iterator[bytes]:
        path = self._base / url
        try:
            # Links are followed, since all is checked by digest; pipes and devices are not opened.
            if not stat.S_ISREG(path.stat().st_mode):
                raise DownloadError("not a file")
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except (FileNotFoundError, NotADirectoryError):
            raise DownloadHTTPError("no such file", 404) from None
        except OSError as error:
            raise DownloadError(f"cannot be read ({error.strerror})") from error
        return _read_file(handle)


def _read_file(handle: int) -> Iterator[bytes]:
    try:
        with os.fdopen(handle, "rb") as stream:
            while chunk := stream.read(_CHUNK):
                yield chunk
    except OSError as error:
        raise DownloadError(f"cannot be read ({error.strerror})") from error
