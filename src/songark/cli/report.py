"""``songark report``: a page that shows the archive."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from songark.ark.layout import Ark
from songark.cli.output import Output
from songark.cli.verb import ark_option, verb
from songark.model.size import show_size


@click.command()
@ark_option
@click.option(
    "--out",
    "out_path",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Where to write it; else report.html in the archive.",
)
@verb
def command(out: Output, ark_path: Path, out_path: Path | None) -> None:
    """Write one HTML page about the archive: what is here, what it covers, what is wanting.

    The page needs no network and no other file, and tells nothing about this machine.
    """
    from songark.serve.report import write_report

    ark = Ark.open(ark_path)
    out.stage("report")
    made = write_report(ark, out_path)
    out.say(f"{made.path}: {show_size(made.bytes)}. Open it in a browser.")
    out.summary(path=str(made.path), bytes=made.bytes)
