"""A mirror that stays: seeds what it holds and follows the feed."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from songark.mirror.editions import pack_lines
from songark.mirror.mirror import mirror
from songark.mirror.notices import withdrawn_files
from songark.mirror.seeder import Seeder
from songark.mirror.session import Session
from songark.mirror.shelf import Shelf
from songark.mirror.trust import Target, Trusted
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
    without: frozenset[str] = frozenset(),
    peers: Sequence[tuple[str, int]] = (),
    stopped: threading.Event | None = None,
    every: float = FOLLOW,
) -> None:
    """Seed the mirror's packs until stopped; ask the feed every so many seconds.

    What is withdrawn is refused as soon as the feed says so. When something else is new in the
    feed, or a file was found damaged, or the last time something was missing, the mirror is brought
    up to date. A feed that cannot be reached changes nothing: what is held goes on being seeded.

    Args:
        feed: the archive's feed.
        shelf: the mirror's folder.
        budget: bytes the mirror may hold; None for everything.
        session: where torrents are seeded and fetched.
        without: words of licence classes that are not taken, such as NC and ND.
        out: told of stages and bytes.
        peers: (host, port) of seeders to ask besides those that the feed names.
        stopped: set from another thread to end it.
        every: seconds between two looks at the feed.
    """
    over = stopped or threading.Event()
    told: Mapping[str, Target] | None = None
    while True:
        with Seeder(session) as seeder:
            _seed(shelf, seeder)
            while not over.wait(every):
                damaged = seeder.status().damaged
                for one in damaged:
                    shelf.doubt(Path(one.place))
                news = _follow(feed, seeder)
                if news is not None and (damaged or news != told):
                    break
        if over.is_set():
            return
        try:
            done = mirror(
                feed,
                shelf,
                budget=budget,
                session=session,
                progress=out,
                without=without,
                peers=peers,
            )
        except SongarkError:
            continue
        told = None if done.failed else news


def _follow(feed: Trusted, seeder: Seeder) -> Mapping[str, Target] | None:
    """Refuse what is withdrawn; returns what the feed lists, None where it cannot be asked."""
    try:
        feed.refresh()
        seeder.refuse(one.file for one in withdrawn_files(feed))
        return feed.targets()
    except SongarkError:
        return None


def _seed(shelf: Shelf, seeder: Seeder) -> None:
    """Seed the packs of the newest edition, as far as their files are here."""
    editions = [path.parent for path in (shelf.state / "editions").glob("*/SHA256SUMS")]
    newest = max(editions, key=lambda folder: int(folder.name), default=None)
    files = shelf.files()
    for line in pack_lines(newest) if newest else ():
        try:
            data = (shelf.state / line.file).read_bytes()
            places = {
                entry.name: path
                for entry in read_torrent(data).files
                for path in [f"{line.pack}/{entry.name}"]
                if files.get(path) == entry.file
            }
            seeder.add(data, {name: shelf.folder / path for name, path in places.items()})
        except (OSError, SongarkError):
            # Not chosen, or damaged: then the next update fetches it again.
            continue
