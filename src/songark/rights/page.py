"""A licence page as evidence: read, checked, stored, and claimed for the files it names."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

from songark.ark.layout import Ark
from songark.catalogue.mentions import Mentions
from songark.catalogue.normalise import artist_key, title_key
from songark.model.errors import SongarkError, UsageError
from songark.model.evidence import Part
from songark.model.identity import FileId
from songark.model.licence import cc_urls
from songark.rights.documents import keep_document
from songark.rights.ledger import Claims, claim_licence
from songark.rights.terms import terms_of

if TYPE_CHECKING:
    from urllib3.response import BaseHTTPResponse

LIMIT = 4_000_000
"""Bytes of a page at most: as much as is searched for licences."""
GAP = 30.0
"""Seconds without a byte until a server is given up."""
PATIENCE = 60.0
"""Seconds for the whole of a page."""

_BY_HAND = "Save the page in a browser and name the file instead"
_PARTS = (Part.RECORDING, Part.COMPOSITION)


@dataclass(frozen=True, slots=True)
class Named:
    """A file with the artist and title that a page has to name."""

    file: FileId
    path: str
    artist: str
    title: str


@dataclass(frozen=True, slots=True)
class Stored:
    """What a page is evidence for: its licence, the files it names and those it does not."""

    licence: str
    covered: tuple[Named, ...]
    unnamed: tuple[Named, ...]
    fresh: int


def store_page(ark: Ark, files: Sequence[Named], source: str) -> Stored:
    """Store a licence page as evidence for those of the files that it names.

    The page opens sharing of the recording and the song, not of embedded pictures or lyrics.

    Args:
        ark: the archive.
        files: the files in question.
        source: an http(s) address, or the path of a saved page.

    Raises:
        UsageError: the page states no licence, or several, or names none of the files.
        SongarkError: it cannot be read.
    """
    data = _fetch(source) if source.startswith(("http://", "https://")) else _read(Path(source))
    text = _text(data.decode("utf-8", "replace"))
    licence = _only_licence(text, source)
    said = Mentions(text)
    covered = tuple(one for one in files if _names(said, one))
    if not covered:
        raise UsageError(
            "the page names none of these files by artist and title",
            place=source,
            remedy="Store the page of the track or the release itself",
        )
    claims = Claims()
    claims.read(ark.ledger)
    fresh = [one.file for one in covered if not _known(claims, one.file, licence, source)]
    if fresh:
        claim_licence(
            ark.ledger,
            "evidence",
            fresh,
            licence=licence,
            parts=_PARTS,
            document=keep_document(ark.documents, data),
            place=f"page {source if '://' in source else Path(source).name}",
        )
    return Stored(licence, covered, tuple(one for one in files if one not in covered), len(fresh))


def _only_licence(text: str, source: str) -> str:
    licences = {expression or address for address, expression in cc_urls(text)}
    if len(licences) != 1:
        found = ", ".join(sorted(licences)) or "none"
        raise UsageError(
            f"the page has to state one licence; found: {found}",
            place=source,
            remedy="Store the page of the track or release that links its licence",
        )
    (licence,) = licences
    if not terms_of(licence).keep:
        raise UsageError(f"{licence}: {terms_of(licence).why_not}", place=source)
    return licence


def _names(said: Mentions, one: Named) -> bool:
    artists = artist_key(one.artist).split("+")
    return title_key(one.title) in said and any(artist in said for artist in artists)


def _known(claims: Claims, file: FileId, licence: str, source: str) -> bool:
    name = source if "://" in source else Path(source).name
    return any(
        s.kind == "page" and s.licence == licence and s.place.startswith(f"page {name},")
        for s in claims.statements.get(file, [])
    )


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            data = stream.read(LIMIT + 1)
    except OSError as error:
        raise SongarkError(f"cannot be read ({error.strerror})", place=str(path)) from None
    return _bounded(data, str(path))


def _fetch(url: str) -> bytes:
    import urllib3

    agent = {"User-Agent": "Songark/0.1 (evidence of a licence)"}
    pool = urllib3.PoolManager(timeout=GAP, retries=urllib3.Retry(3, redirect=5), headers=agent)
    try:
        with pool.request("GET", url, preload_content=False) as answer:
            if answer.status != 200:
                raise SongarkError(
                    f"the server answers {answer.status}",
                    place=url,
                    remedy="Check the address, or save the page in a browser and name the file",
                )
            return _bounded(_drained(answer, url), url)
    except urllib3.exceptions.HTTPError as error:
        raise SongarkError(
            f"cannot be fetched ({type(error).__name__})", place=url, remedy=_BY_HAND
        ) from None


def _drained(answer: BaseHTTPResponse, url: str) -> bytes:
    """The body up to the limit; a server that drips it is left after `PATIENCE`."""
    data = bytearray()
    end = time.monotonic() + PATIENCE
    while len(data) <= LIMIT and (part := answer.read1(65_536, decode_content=True)):
        data += part
        if time.monotonic() > end:
            raise SongarkError(f"not there after {PATIENCE:.0f} s", place=url, remedy=_BY_HAND)
    return bytes(data)


def _bounded(data: bytes, place: str) -> bytes:
    if len(data) > LIMIT:
        raise UsageError("larger than 4 MB: not a licence page", place=place)
    return data


class _Reader(HTMLParser):
    """Collects what a reader sees and where links lead; scripts and styles are passed over."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.out.append(" ")
        self._hidden += tag in {"script", "style"}
        self.out += [f" {value} " for name, value in attrs if name in {"href", "content"} and value]

    def handle_endtag(self, tag: str) -> None:
        self.out.append(" ")
        self._hidden -= tag in {"script", "style"} and self._hidden > 0

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.out.append(data)


def _text(page: str) -> str:
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return "".join(reader.out)
