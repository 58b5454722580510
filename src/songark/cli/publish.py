"""``songark publish``: keep what is planned, release what may be shared."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from songark.ark.layout import Ark
from songark.cli.output import Output
from songark.cli.verb import PARTLY, ark_option, verb
from songark.model.size import show_size


@click.command()
@ark_option
@verb
def command(out: Output, ark_path: Path) -> int:
    """Keep what is planned and release what may be shared: torrents, manifest, signed feed."""
    from songark.api.publish import publish
    from songark.release.history import torrent_lines
    from songark.release.keys import open_keys

    ark = Ark.open(ark_path)
    made = publish(ark, keys=open_keys(ark.keys), progress=out)
    facts = made.facts
    out.rejects(made.rejects)
    rows = [
        (one["pack"], one["tier"], one["licence_class"], one["tracks"], show_size(one["bytes"]))
        for one in torrent_lines(ark.editions / str(facts["edition"]))
    ]
    out.table(f"Edition {facts['edition']}", ("Pack", "Tier", "Licence", "Tracks", "Size"), rows)
    out.say(
        f"{'Released' if made.is_new else 'Nothing new since'} edition {facts['edition']}: "
        f"{facts['tracks']} tracks in {facts['packs']} packs, {show_size(facts['bytes'])}."
    )
    out.say(f"Mirrors trust the feed {ark.feed}#sha256={made.fingerprint}")
    out.say("Serve it with `songark seed`.")
    out.summary(
        edition=facts["edition"],
        packs=facts["packs"],
        tracks=facts["tracks"],
        bytes=facts["bytes"],
        new=made.is_new,
        kept=made.kept,
        manifest=made.manifest,
        feed=str(ark.feed),
        fingerprint=made.fingerprint,
        rejects=len(made.rejects),
    )
    return PARTLY if made.rejects else 0
