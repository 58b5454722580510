"""``songark get``: one track from any web server, proven."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import rich_click as click

from songark.ark.layout import SETTINGS, Ark
from songark.cli.output import Output
from songark.cli.verb import ark_option, verb
from songark.model.errors import UsageError
from songark.model.size import show_size


@click.command()
@click.argument("recording", metavar="ID")
@click.option("--feed", help="The archive's feed: address or folder; else the one of --ark.")
@click.option("--from", "server", default="", help="Base address of a server with the packs.")
@click.option("--to", "folder", type=click.Path(path_type=Path), default=Path(), help="Folder.")
@ark_option
@verb
def command(
    out: Output, recording: str, feed: str | None, server: str, folder: Path, ark_path: Path
) -> None:
    """Fetch one track by its id from any plain web server, in ranges, each proven by its hashes.

    The server need not be trusted: nothing is kept that the signed manifest does not prove.
    """
    from songark.mirror.get import get
    from songark.mirror.trust import open_feed

    if not feed:
        if not (ark_path / SETTINGS).is_file():
            raise UsageError("which archive?", remedy="Name its feed with --feed")
        feed = str(Ark.open(ark_path).feed)
    state = _state(feed)
    trusted = open_feed(feed, state / "trust")
    out.stage(f"getting {recording}")
    got = get(trusted, recording, folder, state, server=server, progress=out.done)
    out.say(
        f"{got.path}: {show_size(got.bytes)} proven by {got.proof_bytes} bytes of hashes; "
        f"licence {got.row['licence']}"
    )
    out.summary(
        path=str(got.path),
        bytes=got.bytes,
        fetched=got.fetched,
        proof_bytes=got.proof_bytes,
        licence=got.row["licence"],
    )


def _state(feed: str) -> Path:
    """What was learned of a feed stays in the user's state folder (XDG base directories)."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    name = hashlib.sha256(feed.partition("#")[0].encode()).hexdigest()[:16]
    return Path(base) / "songark" / name
