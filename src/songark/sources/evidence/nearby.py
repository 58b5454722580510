"""The evidence that lies in a folder and speaks of the files in and beneath it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from songark.model.errors import SongarkError
from songark.model.finding import Reject
from songark.sources.evidence.dep5 import Paragraph, parse_dep5
from songark.sources.evidence.document import Document, proof_digest, read_document
from songark.sources.evidence.package import PackageRecord, parse_record, parse_sums
from songark.sources.evidence.reuse import Annotation, parse_reuse, side_statement
from songark.sources.evidence.rights_toml import NAME, Entry, parse_rights

COPYRIGHT = "debian/copyright"
RECORD = "debian/package"
SUMS = "debian/md5sums"
REUSE = "REUSE.toml"
SIDE = ".license"
MEND = "Mend the file, or remove it"

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Rights:
    """A ``songark.rights.toml``. `proofs`: SHA-256 of each document it names, by its path.

    A broken one has no entries, and still hides those further up: what it meant is not known.
    """

    document: Document
    entries: tuple[Entry, ...] = ()
    proofs: dict[str, str] = field(default_factory=dict)
    is_broken: bool = False


@dataclass(frozen=True, slots=True)
class Package:
    """A ``debian`` folder with a copyright file. `record` None, `sums` empty where missing."""

    document: Document
    paragraphs: tuple[Paragraph, ...]
    record: PackageRecord | None
    sums: dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Nearby:
    """One folder's evidence. `folder`: its path in the added folder, empty for that one itself.

    broken: what is wrong with evidence that cannot be read, by its path in the added folder.
    named: paths of documents that evidence points to.
    """

    folder: str
    rights: Rights | None
    reuse: tuple[Document, tuple[Annotation, ...]] | None
    package: Package | None
    broken: dict[str, Reject]
    named: frozenset[str]

    def inside(self, path: str) -> str:
        """A path in the added folder as a path from this folder."""
        return path[len(self.folder) + 1 :] if self.folder else path


def read_nearby(top: Path, real: Path, folder: str) -> Nearby:
    """Read a folder's evidence. What cannot be read is told in `broken`, never raised.

    Args:
        top: the added folder.
        real: where this folder lies.
        folder: its path in the added one.
    """
    reader = _Reader(top, real, folder)
    rights = _rights(reader)
    reuse = reader.parsed(REUSE, parse_reuse)
    copyright_file = reader.parsed(COPYRIGHT, parse_dep5)
    record = reader.parsed(RECORD, parse_record)
    sums = reader.parsed(SUMS, parse_sums)
    package = None
    if copyright_file:
        told = record[1] if record else None
        package = Package(*copyright_file, told, sums[1] if sums else {})
    named = {reader.path(name) for name in (rights.proofs if rights else ())}
    return Nearby(folder, rights, reuse, package, reader.broken, frozenset(named))


def broken_side(top: Path, real: Path, path: str) -> Reject | None:
    """What is wrong with a ``.license`` file, None where nothing is."""
    try:
        document = read_document(top, real, path)
        if document:
            side_statement(document)
    except SongarkError as error:
        return Reject(path, error.message, error.remedy or MEND)
    return None


class _Reader:
    """Reads the evidence of one folder and keeps what is wrong with it."""

    def __init__(self, top: Path, real: Path, folder: str) -> None:
        self.top = top
        self.real = real
        self.folder = folder
        self.broken: dict[str, Reject] = {}

    def path(self, name: str) -> str:
        return f"{self.folder}/{name}" if self.folder else name

    def parsed(self, name: str, parse: Callable[[str], _T]) -> tuple[Document, _T] | None:
        try:
            document = read_document(self.top, self.real / name, self.path(name))
            return (document, parse(document.text)) if document else None
        except SongarkError as error:
            self.spoil(name, error)
            return None

    def spoil(self, name: str, error: SongarkError) -> None:
        place = ", ".join(filter(None, (self.path(name), error.place)))
        self.broken[self.path(name)] = Reject(place, error.message, error.remedy or MEND)


def _rights(reader: _Reader) -> Rights | None:
    found = reader.parsed(NAME, parse_rights)
    if found is None:
        if reader.path(NAME) not in reader.broken:
            return None
        return Rights(Document(reader.path(NAME), "", ""), is_broken=True)
    document, entries = found
    proofs: dict[str, str] = {}
    for one in entries:
        if one.evidence and one.evidence not in proofs:
            try:
                proofs[one.evidence] = _proof(reader, one)
            except SongarkError as error:
                place = f"entry {one.number}, field evidence"
                reader.spoil(NAME, SongarkError(error.message, place=place, remedy=error.remedy))
                return Rights(document, is_broken=True)
    return Rights(document, entries, proofs)


def _proof(reader: _Reader, one: Entry) -> str:
    digest = proof_digest(reader.top, reader.real / one.evidence)
    if not digest:
        raise SongarkError(f"no such file: {one.evidence}", remedy="Put it there")
    return digest
