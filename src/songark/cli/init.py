"""``songark init``: make an empty archive."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from songark.ark.layout import Ark
from songark.cli.output import Output
from songark.cli.verb import ark_option, verb


@click.command()
@ark_option
@click.option("--name", default="", help="What mirrors see; else the folder's name.")
@verb
def command(out: Output, ark_path: Path, name: str) -> None:
    """Make an empty archive with its settings and keys; one that is there stays as it is."""
    from songark.release.keys import make_keys

    ark = Ark.init(ark_path, name=name)
    make_keys(ark.keys)
    out.say(f"Archive {ark.settings.name!r} at {ark.path.resolve()}")
    out.say("Add music with `songark add FOLDER`, then `songark publish` and `songark seed`.")
    out.summary(ark=str(ark.path.resolve()), name=ark.settings.name)
