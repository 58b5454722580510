"""Explaining: why a file is where it is, what may be done with it, and what would change that."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from songark.ark.layout import Ark
from songark.ark.pointer import current
from songark.ark.tables import read_rows
from songark.model.errors import NoArkError, UsageError
from songark.model.hashing import hash_file
from songark.model.identity import FileId
from songark.release.history import edition_folders
from songark.rights.acts import Act
from songark.rights.gate import Gate


@dataclass(frozen=True, slots=True)
class Explained:
    """A recording with its rows, the decisions on its files, and where it was released."""

    recording: dict[str, Any]
    rows: list[dict[str, Any]]
    decisions: list[dict[str, Any]]
    released: list[dict[str, Any]]


def explain(ark: Ark, what: str) -> Explained:
    """Explain a recording by its id, or a file by its path.

    Raises:
        NoArkError: nothing is catalogued yet.
        UsageError: there is no such recording or file here.
    """
    catalogue, decisions = current(ark.catalogue), current(ark.decisions)
    if catalogue is None or decisions is None:
        raise NoArkError("nothing is catalogued yet", remedy="Add music with `songark add`")
    members = list(read_rows(catalogue.path / "membership.parquet"))
    name, file = _named(what, members, catalogue.path / "redirect.parquet")
    rows = [m for m in members if m["recording"] == name and (file is None or _file(m) == file)]
    if not rows:
        raise UsageError(
            f"no recording or file {what[:200]!r} here",
            remedy="Name an id like r5x…, or a file of a folder that was added",
        )
    files = {_file(row) for row in rows}
    recordings = read_rows(catalogue.path / "recording.parquet")
    gate = Gate(ark, Act.SHARE)
    withdrawn = gate.withdrawn()
    decided = []
    for row in read_rows(decisions.path / "decision.parquet"):
        if FileId(row["root"], row["size"]) in files:
            moment = withdrawn.get(FileId(row["root"], row["size"]))
            if moment and row["code"] != "withdrawn":
                why = f"withdrawn on {moment[:10]}"
                row |= {"allowed": False, "code": "withdrawn", "why": why, "fix": ""}
            decided.append(row)
    return Explained(
        next(r for r in recordings if r["recording"] == name), rows, decided, _released(ark, files)
    )


def _named(what: str, members: list[dict[str, Any]], redirects: Path) -> tuple[str, FileId | None]:
    path = Path(what)
    # os.path, since a Path raises where the name is too long for any file.
    if os.path.isfile(path):  # noqa: PTH113
        file = hash_file(path).file
        found = [m["recording"] for m in members if _file(m) == file]
        return (found[0] if found else ""), file
    moved = {r["old"]: r["new"] for r in read_rows(redirects) if r["kind"] == "merged"}
    while what in moved:
        what = moved.pop(what)
    return what, None


def _file(row: dict[str, Any]) -> FileId:
    return FileId(row["root"], row["size"])


def _released(ark: Ark, files: set[FileId]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for folder in edition_folders(ark.editions):
        rows = read_rows(folder / "manifest.parquet", ["root", "size", "pack", "name"])
        found += [
            {"edition": int(folder.name), "pack": row["pack"], "name": row["name"]}
            for row in rows
            if _file(row) in files
        ]
    return found
