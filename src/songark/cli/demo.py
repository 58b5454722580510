"""``songark demo``: the whole story on real music."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from songark.ark.layout import Ark
from songark.cli.output import Output
from songark.cli.verb import verb
from songark.model.errors import UsageError


@click.command()
@click.option(
    "--ark",
    "ark_path",
    type=click.Path(path_type=Path),
    default=Path("demo-ark"),
    help="Where the story's archive is; else demo-ark.",
)
@click.option(
    "--music",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("examples/music"),
    help="The example music; else examples/music of a checkout.",
)
@verb
def command(out: Output, ark_path: Path, music: Path) -> None:
    """Tell the story on real music, each claim checked: release, mirror, withdraw, rebuild.

    Nothing leaves this machine. A second time nothing changes.
    """
    from songark.ark.lock import locked
    from songark.demo.story import Story
    from songark.serve.report import write_report

    if not music.is_dir():
        raise UsageError(
            "the example music is not here",
            place=str(music),
            remedy="Run this in a checkout of Songark, or name the folder with --music",
        )
    mirror = ark_path.with_name(f"{ark_path.name}-mirror")

    def say(chapter: str, words: str) -> None:
        out.say(f"  {chapter:<9} {words}")
        out.status(event=chapter, words=words)

    with locked(mirror / ".songark" / "demo.lock"):
        told = Story(ark_path, music, mirror, say, out).tell()
        report = ark_path / "report.html"
        write_report(Ark.open(ark_path), report)
    out.say()
    out.say(
        f"All of it holds. {'Told anew' if told.changed else 'Nothing changed since last time'}."
    )
    out.say(f"  manifest  sha256 {told.manifest}")
    for infohash in told.infohashes:
        out.say(f"  torrent   btmh {infohash}")
    out.say(f"  archive   {ark_path}")
    out.say(f"  mirror    {mirror}")
    out.say(f"  report    {report}")
    out.summary(
        edition=told.edition,
        manifest=told.manifest,
        infohashes=told.infohashes,
        changed=told.changed,
        report=str(report),
        **told.figures,
    )
