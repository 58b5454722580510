"""A mirror that stays: seeds what it holds and follows the feed."""

from __future__ import annotations

import threading

from songark.mirror.editions import withdrawn_files
from songark.mirror.mirror import mirror
from songark.mirror.seeder import Seeder
from songark.mirror.session import Session
from songark.mirror.shelf import Shelf
from songark.mirror.trust import Trusted
from songark.model.errors import SongarkError
from songark.model.progress import Progress
from songark.release.torrent import read_torrent

# How often the feed is asked; a withdrawal reaches a mirror within that time.
FOLLOW = 600.0


def stay_and_seed(
    feed: Trusted,
    shelf: Shelf,
    *,
    budget: int | None,
    session: Session,
    out: Progress,
    stopped: threading.Event | None = None,
    every: float = FOLLOW,
) -> None:
    """Seed the mirror's packs until stopped; bring it up to date every so many seconds.

    A feed that cannot be reached changes nothing: what is held goes on being seeded.
    """
    over = stopped or threading.Event()
    while not over.is_set():
        with Seeder(session) as seeder:
            for path in sorted((shelf.state / "torrents").glob("*.torrent")):
                data = path.read_bytes()
                info = read_torrent(data)
                places = {
                    entry.name: shelf.folder / info.folder / entry.name
                    for entry in info.files
                    if shelf.files().get(f"{info.folder}/{entry.name}") == entry.file
                }
                seeder.add(data, places)
            over.wait(every)
            try:
                feed.refresh()
                seeder.refuse(one.file for one in withdrawn_files(feed))
            except SongarkError:
                continue
        if over.is_set():
            return
        try:
            mirror(feed, shelf, budget=budget, session=session, progress=out)
        except SongarkError:
            continue
