"""``songark mirror``: mirror a release to the size of your disk."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from songark.ark.settings import parse_address
from songark.cli.output import Output
from songark.cli.verb import PARTLY, verb
from songark.model.size import parse_size, show_size

if TYPE_CHECKING:
    from songark.mirror.mirror import Mirrored


@click.command()
@click.argument("feed")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--budget", help="Bytes this mirror may hold, such as 2TB; else everything.")
@click.option(
    "--without",
    multiple=True,
    type=click.Choice(["NC", "ND", "SA"], case_sensitive=False),
    help="Take no packs under licences with this restriction: NonCommercial, NoDerivatives, …",
)
@click.option("--listen", default="0.0.0.0:0", help="Where to take BitTorrent connections.")
@click.option("--peer", "peers", multiple=True, help="HOST:PORT of a seeder to ask, too.")
@click.option("--no-discovery", is_flag=True, help="Ask only the peers that the feed names.")
@click.option("--stay", is_flag=True, help="Go on seeding, and follow the feed.")
@verb
def command(
    out: Output,
    feed: str,
    folder: Path,
    budget: str | None,
    without: tuple[str, ...],
    listen: str,
    peers: tuple[str, ...],
    no_discovery: bool,
    stay: bool,
) -> int:
    """Mirror the release that FEED names into DIR: the most useful packs that fit the budget.

    FEED is a web address or a folder; with #sha256=FINGERPRINT behind it only that archive is
    accepted. DIR then holds folders of playable files. Run it again to go on or to update.
    """
    from songark.mirror.mirror import mirror
    from songark.mirror.session import open_session
    from songark.mirror.shelf import Shelf
    from songark.mirror.staying import stay_and_seed
    from songark.mirror.trust import open_feed

    bound = parse_size(budget) if budget else None
    ask = [parse_address(peer) for peer in peers]
    refused = frozenset(word.upper() for word in without)
    shelf = Shelf(folder)
    trusted = open_feed(feed, shelf.state / "trust")
    with open_session(listen, dht=not no_discovery, lan=not no_discovery) as session:
        done = mirror(
            trusted,
            shelf,
            budget=bound,
            session=session,
            progress=out,
            without=refused,
            peers=ask,
        )
        _say(out, done, folder)
        if stay:
            out.say(f"Seeding on port {session.port}; stop with Ctrl-C.")
            stay_and_seed(
                trusted,
                shelf,
                budget=bound,
                session=session,
                out=out,
                without=refused,
                peers=ask,
            )
    told = asdict(done) | {"failed": len(done.failed), "fingerprint": trusted.fingerprint}
    out.summary(**told)
    return PARTLY if done.failed else 0


def _say(out: Output, done: Mirrored, folder: Path) -> None:
    out.say(
        f"Edition {done.edition}: {done.packs} packs, {done.tracks} tracks, "
        f"{show_size(done.bytes)} in {folder}."
    )
    out.say(
        f"Fetched {show_size(done.fetched)} ({done.audio_fetched} tracks), verified "
        f"{done.verified} files, set aside {done.set_aside}; {done.passed_over} packs of the "
        f"release are left out."
    )
    out.rejects(done.failed)
