"""What the store holds: sealed Parquet segments of hash records, each with a digest of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from songark.ark.seal import Draft, Sealed, sealed_in
from songark.ark.tables import read_rows, write_table
from songark.model.errors import BrokenError
from songark.model.hashing import HashRecord
from songark.model.identity import FileId
from songark.model.schema import column
from songark.store.files import place_of

HOLDING = pa.schema(
    [
        column("root", pa.binary(32), "BEP 52 root of the file"),
        column("size", pa.int64(), "length in bytes"),
        column("extension", pa.string(), "extension it is stored under"),
        column("sha256", pa.binary(32), "plain SHA-256 of the file"),
        column("layer", pa.binary(), "SHA-256 roots of its 1 MiB pieces, 32 bytes each"),
        column("v1", pa.binary(), "SHA-1 of its 1 MiB pieces, 20 bytes each, the last not padded"),
        column("v1_last_padded", pa.binary(20), "SHA-1 of the last piece filled with zeros"),
        column("digest", pa.binary(32), "digest of this record"),
    ]
)


@dataclass(frozen=True, slots=True)
class Holding:
    """A file that the store keeps."""

    record: HashRecord
    extension: str

    @property
    def file(self) -> FileId:
        """Root and size."""
        return self.record.file


def add_holdings(store: Path, holdings: Iterable[Holding]) -> Sealed:
    """Seal a segment of new holdings, in the order of their files."""
    with Draft(store / "records", "hash-records") as draft:
        ordered = sorted(holdings, key=lambda one: one.file)
        rows = write_table(draft.path / "holding.parquet", HOLDING, map(_row, ordered))
        return draft.seal({"rows": rows})


def add_missing(store: Path, holdings: Iterable[Holding]) -> None:
    """Seal those holdings that no segment has yet; where all are there, nothing is written."""
    held = read_extensions(store)
    fresh = {one.file: one for one in holdings if one.file not in held}
    if fresh:
        add_holdings(store, fresh.values())


def segments(store: Path) -> list[Sealed]:
    """The sealed segments, by name."""
    return sealed_in(store / "records")


def read_holdings(store: Path) -> Iterator[Holding]:
    """Every holding, segment by segment; one that stands twice comes once.

    Raises:
        BrokenError: a record is not the one that was sealed.
    """
    seen: set[FileId] = set()
    for segment in segments(store):
        path = segment.path / "holding.parquet"
        for number, row in enumerate(read_rows(path)):
            holding = read_holding(row, f"{path}, row {number}")
            if holding.file not in seen:
                seen.add(holding.file)
                yield holding


def read_extensions(store: Path) -> dict[FileId, str]:
    """Every file that has a hash record, with the extension it is stored under."""
    return {
        FileId(row["root"], row["size"]): row["extension"]
        for segment in segments(store)
        for row in read_rows(segment.path / "holding.parquet", ["root", "size", "extension"])
    }


def held_files(store: Path) -> pa.Table:
    """Root and size of what the store has on disk, as a table."""
    schema = pa.schema([HOLDING.field("root"), HOLDING.field("size")])
    rows = [
        {"root": file.root, "size": file.size}
        for file, extension in read_extensions(store).items()
        if place_of(store, file, extension).is_file()
    ]
    return pa.Table.from_pylist(rows, schema=schema)


def _row(holding: Holding) -> dict[str, Any]:
    record = holding.record
    return {
        "root": record.file.root,
        "size": record.file.size,
        "extension": holding.extension,
        "sha256": record.sha256,
        "layer": record.layer,
        "v1": record.v1,
        "v1_last_padded": record.v1_last_padded,
        "digest": record.digest(),
    }


def read_holding(row: dict[str, Any], place: str) -> Holding:
    """One row of a segment, checked against its own digest.

    Raises:
        BrokenError: it is not the record that was sealed.
    """
    remedy = "Run `songark check`; then restore this segment from a copy, or rebuild from a mirror"
    try:
        record = HashRecord(
            file=FileId(row["root"], row["size"]),
            sha256=row["sha256"],
            layer=row["layer"],
            v1=row["v1"],
            v1_last_padded=row["v1_last_padded"],
        )
    except ValueError as error:
        raise BrokenError(f"not a hash record: {error}", place=place, remedy=remedy) from None
    if record.digest() != row["digest"]:
        raise BrokenError("the hash record was changed", place=place, remedy=remedy)
    return Holding(record, row["extension"])
