"""Storing a licence page for the files it names."""

from __future__ import annotations

from pathlib import Path

from songark.api.refresh import refresh
from songark.ark.layout import Ark
from songark.ark.pointer import current
from songark.ark.seal import Sealed
from songark.ark.tables import read_rows
from songark.model.errors import NoArkError, UsageError
from songark.model.identity import FileId
from songark.rights.page import Named, Stored, store_page


def evidence(ark: Ark, path: Path, source: str) -> Stored:
    """Store the page at `source` as evidence for the catalogued files at or below `path`.

    Raises:
        NoArkError: nothing is catalogued yet.
        UsageError: no catalogued file is there, or the page is no evidence for any.
    """
    catalogue = current(ark.catalogue)
    if catalogue is None:
        raise NoArkError("nothing is catalogued yet", remedy="Add music with `songark add`")
    place = path.resolve()
    named = []
    folders: dict[str, Path] = {}
    for row in read_rows(catalogue.path / "membership.parquet"):
        snapshot = f"{row['source']}/{row['snapshot']}"
        if snapshot not in folders:
            folders[snapshot] = Path(Sealed.open(ark.snapshots / snapshot).facts["place"])
        where = folders[snapshot] / row["path"]
        if where == place or place in where.parents:
            named.append(
                Named(
                    FileId(row["root"], row["size"]),
                    row["path"],
                    row["artist_raw"] or "",
                    row["title_raw"] or "",
                )
            )
    if not named:
        raise UsageError(
            "no file that was added is here",
            place=str(path),
            remedy="Run `songark add` on it first",
        )
    with ark.lock():
        stored = store_page(ark, named, source)
        refresh(ark)
    return stored
