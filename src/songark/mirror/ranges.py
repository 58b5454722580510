"""Ranges of one file on a web server that nobody trusts: bounded in time and in size."""

from __future__ import annotations

import time

import urllib3

from songark.mirror.feed_source import USER_AGENT, Patience
from songark.model.errors import RefusedError, SongarkError, UsageError

_CHUNK = 64 * 1024
_AGAIN = "Run the same command again to go on, or name another server with --from URL"


class Ranges:
    """The file at a web address, read in ranges.

    Raises:
        UsageError: the address is not one of the web.
    """

    def __init__(self, url: str, patience: Patience) -> None:
        if not url.startswith(("http://", "https://")):
            raise UsageError(
                "not a web address", place=url[:200], remedy="Write it like https://example.org/"
            )
        self._url = url
        self._patience = patience
        # A hostile Retry-After could hold us for hours, so it is not followed.
        retry = urllib3.Retry(
            total=patience.retries + 3,
            connect=patience.retries,
            read=patience.retries,
            redirect=3,
            status=patience.retries,
            other=0,
            status_forcelist=(502, 503, 504),
            backoff_factor=0.2,
            respect_retry_after_header=False,
            raise_on_status=False,
        )
        self._pool = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=patience.connect, read=patience.gap),
            retries=retry,
        )

    def read(self, offset: int, length: int) -> bytes:
        """Some bytes, as many as asked for or fewer; whether they are right is not looked at.

        Raises:
            RefusedError: the server says that the file was withdrawn (451, RFC 7725).
            SongarkError: it cannot be reached, is too slow, knows no ranges, or has no such file.
        """
        headers = {
            "User-Agent": USER_AGENT,
            "Accept-Encoding": "identity",
            "Range": f"bytes={offset}-{offset + length - 1}",
        }
        try:
            answer = self._pool.request("GET", self._url, headers=headers, preload_content=False)
            try:
                self._check(answer.status, offset)
                return self._body(answer, length)
            finally:
                # What comes behind the range asked for is not waited for.
                (answer.release_conn if answer.length_remaining == 0 else answer.close)()
        except urllib3.exceptions.HTTPError as error:
            raise self._failed(f"cannot be fetched ({type(error).__name__})") from None

    def _check(self, status: int, offset: int) -> None:
        if status == 451:
            raise RefusedError("the server refuses: withdrawn", place=self._url)
        if status == 200 and offset:
            raise SongarkError(
                "the server knows no ranges",
                place=self._url,
                remedy="Name another with --from URL",
            )
        if status not in {200, 206}:
            raise self._failed(f"the server answers {status}")

    def _body(self, answer: urllib3.BaseHTTPResponse, length: int) -> bytes:
        data = bytearray()
        start = time.monotonic()
        # read1 returns what has arrived, so that a trickle is seen as one.
        while len(data) < length and (
            chunk := answer.read1(min(_CHUNK, length - len(data)), decode_content=False)
        ):
            data += chunk
            late = time.monotonic() - start - self._patience.grace
            if late > 0 and len(data) < late * self._patience.floor:
                raise self._failed("the server is too slow")
        return bytes(data)

    def _failed(self, why: str) -> SongarkError:
        return SongarkError(why, place=self._url, remedy=_AGAIN)
