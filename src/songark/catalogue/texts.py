"""The normalised strings of a snapshot: a sealed step, made once for each normaliser version."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from songark.ark.seal import Draft, Sealed
from songark.ark.tables import read_rows, write_table
from songark.catalogue.normalise import VERSION, artist_key, title_key
from songark.catalogue.schema import TEXT


def normalised(snapshot: Sealed, parent: Path) -> Sealed:
    """The keys of a folder's or listens log's rows, sealed in ``<snapshot>-n<version>``."""
    name = f"{snapshot.path.name}-n{VERSION}"
    if (parent / name).is_dir():
        return Sealed.open(parent / name)
    with Draft(parent, "normalised") as draft:
        rows = write_table(draft.path / "text.parquet", TEXT, _keys(snapshot))
        return draft.seal(
            {"snapshot": snapshot.digest, "normaliser": VERSION, "rows": rows}, name=name
        )


def _keys(snapshot: Sealed) -> Iterator[dict[str, Any]]:
    if "tracks.parquet" in snapshot.files:
        for row in read_rows(
            snapshot.path / "tracks.parquet", ["source_key", "artist_raw", "title_raw"]
        ):
            yield _row(row["source_key"], row["artist_raw"], row["title_raw"])
        return
    for row in read_rows(snapshot.path / "listens.parquet", ["recording"]):
        scheme, _, value = row["recording"].partition(":")
        if scheme == "name":
            artist, _, title = value.partition("\t")
            yield _row(row["recording"], artist, title)


def _row(key: str, artist: str | None, title: str | None) -> dict[str, Any]:
    return {"source_key": key, "artist_key": artist_key(artist), "title_key": title_key(title)}
