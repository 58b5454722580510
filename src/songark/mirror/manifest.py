"""The manifest of a fetched edition, read without believing its keeper."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from songark.ark.tables import read_rows
from songark.mirror.json_lines import count, malformed, text
from songark.model.errors import BrokenError
from songark.model.identity import FileId
from songark.model.index import check_path


@dataclass(frozen=True, slots=True)
class Listed:
    """One file of a release: `path` is ``<pack>/<name>``, `row` all that the manifest tells."""

    file: FileId
    pack: str
    name: str
    recording: str
    row: dict[str, Any]

    @property
    def path(self) -> str:
        """Where it lies in a mirror."""
        return f"{self.pack}/{self.name}"


def read_manifest(edition: Path) -> Iterator[Listed]:
    """The files of an edition, in the order of its manifest.

    Raises:
        BrokenError: the manifest is missing, no Parquet, lacks a column, or names an unsafe path.
    """
    place = edition / "manifest.parquet"
    try:
        for row in read_rows(place):
            yield _listed(row)
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException, BrokenError) as error:
        raise malformed("manifest", str(place), error) from None


def _listed(row: dict[str, Any]) -> Listed:
    pack, name = text(row["pack"]), text(row["name"])
    if check_path(f"{pack}/{name}").count("/") != 1:
        raise ValueError("a pack has no folders")
    file = FileId(bytes(row["root"]), count(row["size"], 1))
    return Listed(file, pack, name, text(row["recording"]), row)
