"""``songark rebuild``: an archive made anew from a feed and one mirror."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from songark.cli.output import Output
from songark.cli.verb import PARTLY, verb
from songark.model.size import show_size


@click.command()
@click.argument("feed")
@click.argument("mirror", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@verb
def command(out: Output, feed: str, mirror: Path, folder: Path) -> int:
    """Make an archive anew in DIR from FEED and the folders of one MIRROR, byte for byte."""
    from songark.mirror.rebuild import rebuild
    from songark.mirror.trust import open_feed

    trusted = open_feed(feed, folder.absolute().parent / f".{folder.absolute().name}.trust")
    done = rebuild(trusted, mirror, folder, progress=out)
    out.rejects([*done.missing, *done.torrents_missing])
    out.say(
        f"{done.editions} editions, {done.torrents} torrents and {done.files} files "
        f"({show_size(done.bytes)}) are back, byte for byte."
    )
    out.say(
        f"{done.withdrawn} withdrawn files stay away; {done.unreleased['files']} files "
        f"({show_size(done.unreleased['bytes'])}) were never released and cannot come back."
    )
    out.summary(
        editions=done.editions,
        torrents=done.torrents,
        files=done.files,
        bytes=done.bytes,
        withdrawn=done.withdrawn,
        missing=len(done.missing),
        torrents_missing=len(done.torrents_missing),
        never_released=done.unreleased,
    )
    return PARTLY if done.missing or done.torrents_missing else 0
