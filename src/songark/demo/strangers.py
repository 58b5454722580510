"""The other people in the story: a seeder that runs, and a server nobody trusts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from songark.ark.layout import Ark
from songark.mirror.own import OwnSeeder
from songark.mirror.seeder import Seeder
from songark.mirror.session import open_session
from songark.serve.server import WebServer
from songark.serve.web import make_app

_SYNC = 0.1


@dataclass(frozen=True, slots=True)
class Serving:
    """A release being served: where peers and browsers find it, and who seeds it."""

    peer: tuple[str, int]
    web: str
    own: OwnSeeder


@contextmanager
def serving(ark: Ark) -> Iterator[Serving]:
    """Serve a release as `songark seed` does, on free ports of this machine only."""
    over = threading.Event()
    with (
        open_session("127.0.0.1:0", dht=False, lan=False) as session,
        Seeder(session) as seeder,
        WebServer(make_app(ark), "127.0.0.1", 0) as web,
    ):
        own = OwnSeeder(ark, seeder)
        own.sync()

        def follow() -> None:
            while not over.wait(_SYNC):
                own.sync()

        thread = threading.Thread(target=follow, name="follow", daemon=True)
        thread.start()
        try:
            yield Serving(("127.0.0.1", session.port), web.url, own)
        finally:
            over.set()
            thread.join()


@contextmanager
def plain_server(folder: Path) -> Iterator[str]:
    """A web server that knows nothing of Songark and gives out a folder; yields its address."""
    app = Starlette(routes=[Mount("/", StaticFiles(directory=folder))])
    with WebServer(app, "127.0.0.1", 0) as web:
        yield web.url
