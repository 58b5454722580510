"""Withdrawing a recording: one claim, and every gate is closed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from songark.ark.layout import Ark
from songark.ark.pointer import current
from songark.ark.tables import read_rows
from songark.model.errors import NoArkError, UsageError
from songark.model.identity import FileId
from songark.rights.ledger import Claims, claim_withdrawal


def withdraw(ark: Ark, recording: str) -> list[FileId]:
    """Claim that a recording is withdrawn; returns every file it ever had, sorted.

    The claim is on the disk when this returns. Withdrawing twice adds nothing.

    Raises:
        UsageError: there is no such recording.
        NoArkError: there is no catalogue yet.
    """
    files = _files_ever(ark, recording)
    claims = Claims()
    claims.read(ark.ledger)
    fresh = [file for file in files if file not in claims.withdrawn]
    if fresh:
        claim_withdrawal(ark.ledger, recording, fresh)
    return files


def _files_ever(ark: Ark, recording: str) -> list[FileId]:
    """From the id registry, which forgets nothing, merged and split ids included."""
    catalogue = current(ark.catalogue)
    if catalogue is None:
        raise NoArkError("nothing is catalogued yet", remedy="Add music with `songark add`")
    names = _led_to(recording, read_rows(catalogue.path / "redirect.parquet"))
    files = sorted(
        FileId.parse(row["key"].removeprefix("file:"))
        for row in read_rows(catalogue.path / "registry.parquet")
        if row["recording"] in names and row["key"].startswith("file:")
    )
    if not files:
        raise UsageError(
            f"no recording has the id {recording[:100]!r}",
            remedy="`songark explain FILE` tells the id of a file",
        )
    return files


def _led_to(recording: str, redirects: Iterable[dict[str, Any]]) -> set[str]:
    """The id and those that hold, after merges and splits, what once was its."""
    onward: dict[str, list[str]] = {}
    for row in redirects:
        onward.setdefault(row["old"], []).append(row["new"])
    names: set[str] = set()
    waiting = [recording]
    while waiting:
        name = waiting.pop()
        if name not in names:
            names.add(name)
            waiting += onward.get(name, [])
    return names
