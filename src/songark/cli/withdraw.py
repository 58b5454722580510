"""``songark withdraw``: out of every future release, refused here within a second."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from songark.ark.layout import Ark
from songark.cli.output import Output
from songark.cli.verb import ark_option, verb


@click.command()
@click.argument("recording")
@ark_option
@verb
def command(out: Output, recording: str, ark_path: Path) -> None:
    """Withdraw a recording by its id: refused here within a second, gone from the next release."""
    from songark.api.withdraw import withdraw
    from songark.release.keys import open_keys

    ark = Ark.open(ark_path)
    done = withdraw(ark, recording, keys=open_keys(ark.keys))
    told = "; the feed tells mirrors" if done.announced else ""
    out.say(f"{done.recording} is withdrawn: {done.files} files are refused from now on{told}.")
    out.say("`songark publish` makes the next edition without it.")
    out.summary(recording=done.recording, files=done.files, announced=done.announced)
