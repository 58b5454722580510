"""``songark add``: take in folders and logs, and say what may be shared."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import rich_click as click

from songark.ark.layout import Ark
from songark.cli.output import Output
from songark.cli.verb import PARTLY, ark_option, verb
from songark.model.errors import UsageError
from songark.model.evidence import Part
from songark.model.size import show_size


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@ark_option
@click.option("--licence", "--license", help="You license this music to everyone under this.")
@click.option("--by", default="", help="Who you are: the name for the attribution.")
@click.option("--own-recordings", is_flag=True, help="You state that the recordings are yours.")
@click.option("--own-songs", is_flag=True, help="You state that songs and words are yours.")
@click.option("--own-pictures", is_flag=True, help="You state that embedded pictures are yours.")
@verb
def command(
    out: Output,
    paths: tuple[Path, ...],
    ark_path: Path,
    licence: str | None,
    by: str,
    own_recordings: bool,
    own_songs: bool,
    own_pictures: bool,
) -> int:
    """Add folders of music and logs of listens; say what may be shared, what not, and the fix.

    With --licence, --by and what is yours, a signed statement is kept with the files.
    """
    from songark.api.add import Grant, add
    from songark.release.keys import open_keys

    parts = [
        *([Part.RECORDING] if own_recordings else []),
        *([Part.COMPOSITION, Part.LYRICS] if own_songs else []),
        *([Part.PICTURE] if own_pictures else []),
    ]
    if (by or parts) and not licence:
        raise UsageError("a statement needs a licence", remedy="Add --licence, such as CC-BY-4.0")
    grant = Grant(licence, by, tuple(parts)) if licence else None
    ark = Ark.open(ark_path)
    added = add(ark, paths, keys=open_keys(ark.keys), grant=grant, progress=out)
    out.rejects(added.rejects)
    if added.open:
        opened = [(n, licence, rests_on) for licence, rests_on, n in added.open]
        out.table("May be shared", ("Tracks", "Licence", "By"), opened)
    if added.withheld:
        rows = [(one.tracks, one.example, one.why, one.fix) for one in added.withheld]
        head = ("Tracks", "Such as", "Why", "What would change it")
        out.table("May not be shared", head, rows)
    out.say(
        f"{added.tracks} tracks ({show_size(added.bytes)}): {added.shareable} may be shared, "
        f"{added.kept_back} not, {len(added.rejects)} files set aside."
    )
    if added.listens_logs:
        out.say(f"Logs of listens read: {added.listens_logs}.")
    for one in added.withheld:
        out.status(event="withheld", **asdict(one))
    out.summary(
        tracks=added.tracks,
        shareable=added.shareable,
        withheld=added.kept_back,
        rejects=len(added.rejects),
        bytes=added.bytes,
        listens_logs=added.listens_logs,
    )
    return PARTLY if added.rejects else 0
