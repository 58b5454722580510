"""``songark explain``: why something is as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rich_click as click

from songark.ark.layout import Ark
from songark.cli.output import Output
from songark.cli.verb import ark_option, verb
from songark.model.identity import FileId


@click.command()
@click.argument("what", metavar="ID|FILE")
@ark_option
@verb
def command(out: Output, what: str, ark_path: Path) -> None:
    """Say why a recording or file is one recording, what may be done with it, and the fix."""
    from songark.api.explain import explain

    told = explain(Ark.open(ark_path), what)
    known = told.recording
    out.say(f"{known['artist']} - {known['title']}")
    out.say(f"recording {known['recording']}, {known['listens']} listens, {known['files']} files")
    out.table(
        "Why it is one recording",
        ("File", "Rule", "Beside"),
        [(row["path"], row["rule"], row["beside"]) for row in told.rows],
    )
    out.table(
        "What may be done with it, everywhere",
        ("File", "Act", "", "Why", "What would change it"),
        [_shown(row) for row in told.decisions],
    )
    released = [(one["edition"], one["pack"], one["name"]) for one in told.released]
    if released:
        out.table("Released", ("Edition", "Pack", "Name"), released)
    for row in told.decisions:
        out.status(event="decision", **_plain(row))
    out.summary(
        recording=known["recording"],
        artist=known["artist"],
        title=known["title"],
        listens=known["listens"],
        rows=[_plain(row) for row in told.rows],
        decisions=[_plain(row) for row in told.decisions],
        released=told.released,
    )


def _shown(row: dict[str, Any]) -> tuple[str, ...]:
    answer = "yes" if row["allowed"] else "no"
    return (row["root"].hex()[:8], row["act"], answer, row["why"], row["fix"])


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row with its file as text instead of bytes."""
    file = FileId(row["root"], row["size"])
    return {"file": str(file)} | {k: v for k, v in row.items() if k not in {"root", "size"}}
