"""``songark evidence``: store a licence page."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from songark.ark.layout import Ark
from songark.cli.output import Output
from songark.cli.verb import PARTLY, ark_option, verb


@click.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.argument("source", metavar="URL|FILE")
@ark_option
@verb
def command(out: Output, path: Path, source: str, ark_path: Path) -> int:
    """Store a page that states the licence of the file at PATH, or of files in that folder.

    The page has to link one licence, and to name each track it is evidence for.
    """
    from songark.api.evidence import evidence

    stored = evidence(Ark.open(ark_path), path, source)
    out.say(f"Stored as evidence of {stored.licence} for {len(stored.covered)} files.")
    if stored.unnamed:
        rows = [(one.path, one.artist, one.title) for one in stored.unnamed]
        out.table("Not named by the page, so not covered", ("File", "Artist", "Title"), rows)
    out.summary(
        licence=stored.licence,
        covered=len(stored.covered),
        unnamed=len(stored.unnamed),
        fresh=stored.fresh,
    )
    return PARTLY if stored.unnamed else 0
