"""``songark seed``: serve the release."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import rich_click as click

from songark.ark.layout import Ark
from songark.ark.settings import parse_address
from songark.cli.output import Output
from songark.cli.verb import ark_option, verb
from songark.model.errors import SongarkError

# A withdrawal has to close within a second; a new edition may take as long.
_SYNC = 0.2
_STATUS = 5.0
_RESIGN = 3600.0


@click.command()
@ark_option
@verb
def command(out: Output, ark_path: Path) -> None:
    """Serve the release until stopped: torrents straight from the store, web seed and feed.

    What is withdrawn is refused within a second; a new edition is taken up as it comes.
    """
    from songark.mirror.own import OwnSeeder
    from songark.mirror.seeder import Seeder
    from songark.mirror.session import open_session
    from songark.release.feed import refresh_feed
    from songark.release.keys import open_keys
    from songark.serve.server import WebServer
    from songark.serve.web import make_app

    ark = Ark.open(ark_path)
    keys = open_keys(ark.keys)
    settings = ark.settings
    stopped = threading.Event()
    with (
        open_session(settings.swarm_listen, dht=settings.dht, lan=settings.lan) as session,
        Seeder(session) as seeder,
        WebServer(make_app(ark), *parse_address(settings.web_listen)) as web,
    ):
        own = OwnSeeder(ark, seeder)
        own.sync()
        out.say(f"Seeding {seeder.status().torrents} torrents on port {session.port}")
        out.say(f"Feed {web.url}feed/   web seed {web.url}music/")
        out.status(event="serving", port=session.port, web=web.url)
        told = signed = 0.0
        while not stopped.wait(_SYNC):
            own.sync()
            now = time.monotonic()
            if now - signed >= _RESIGN:
                signed = now
                try:
                    refresh_feed(ark.feed, keys, datetime.now(UTC))
                except SongarkError as error:
                    # Mirrors notice only when the last signature has expired; seeding goes on.
                    out.say(f"The feed was not signed anew: {error}")
                    out.status(event="feed", error=str(error))
            if now - told >= _STATUS:
                told = now
                at = seeder.status()
                out.status(
                    event="seeding", torrents=at.torrents, peers=at.peers, uploaded=at.uploaded
                )
                for one in at.damaged:
                    out.status(event="damaged", place=one.place, reason=one.reason)
