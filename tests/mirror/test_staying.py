import shutil
import threading
from contextlib import contextmanager

import libtorrent as lt
import pytest

from songark.api.withdraw import withdraw
from songark.demo.strangers import serving
from songark.mirror.shelf import Shelf
from songark.mirror.staying import stay_and_seed
from tests.mirror.swarm_support import LOOPBACK, flip, loopback, wait_for
from tests.mirror.test_mirror import seeding, visible
from tests.release_support import (
    OPEN,
    QUIET,
    again,
    copy_packs,
    digests,
    keys_of,
    lines,
    published,
    row,
    run_mirror,
    take_in,
    tone,
    trusting,
)

EVERY = 0.1


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A mirror of all of the base archive, not to be changed."""
    top = tmp_path_factory.mktemp("staying")
    ark = published(top)
    with seeding(ark) as peers:
        run_mirror(ark.feed, top / "mirror", peers)
    return top / "mirror"


@contextmanager
def staying(feed, folder, peers=(), budget=None):
    """A mirror that stays; gives its session and the torrents that were added to it so far."""
    over, added = threading.Event(), []
    shelf = Shelf(folder)
    with loopback() as session:
        session.subscribe(lambda alert: isinstance(alert, lt.add_torrent_alert) and added.append(1))
        thread = threading.Thread(
            target=stay_and_seed,
            args=(trusting(feed, shelf.state / "trust"), shelf),
            kwargs={
                "budget": budget, "session": session, "out": QUIET, "peers": peers,
                "stopped": over, "every": EVERY,
            },
        )  # fmt: skip
        thread.start()
        try:
            yield session, added
        finally:
            over.set()
            thread.join(30)
            assert not thread.is_alive()


def torrents(session):
    return {str(handle.info_hashes().v2) for handle in session.swarm.get_torrents()}


def infohashes(ark):
    return {line["infohash_v2"] for line in lines(ark).values()}


def test_a_mirror_gives_what_it_has_to_the_next_one(whole, tmp_path):
    ark, folder = published(tmp_path), shutil.copytree(whole, tmp_path / "m")
    with staying(ark.feed, folder) as (session, _):
        done = run_mirror(ark.feed, tmp_path / "next", [(LOOPBACK, session.port)])
    assert (done.tracks, done.audio_fetched) == (OPEN, OPEN)
    assert visible(tmp_path / "next") == visible(folder)


def test_what_is_withdrawn_leaves_and_the_rest_goes_on(whole, tmp_path):
    ark, folder = published(tmp_path), shutil.copytree(whole, tmp_path / "m")
    gone = row(ark, "Song 0")
    with staying(ark.feed, folder) as (session, _):
        wait_for(lambda: torrents(session) == infohashes(ark))
        withdraw(ark, gone["recording"], keys=keys_of(ark))
        wait_for(lambda: not (folder / gone["pack"] / gone["name"]).exists())
        wait_for(lambda: torrents(session) == infohashes(ark))
        other = published(tmp_path / "other")
        asked = run_mirror(other.feed, tmp_path / "next", [(LOOPBACK, session.port)], patience=2.0)
    # Whoever has not heard of it gets all packs but the one that is not whole here.
    assert (asked.packs, len(asked.failed)) == (5, 1)
    assert not list((tmp_path / "next").glob(f"*/{gone['name']}"))


def test_a_new_edition_is_taken_up(whole, tmp_path):
    ark, folder = published(tmp_path), shutil.copytree(whole, tmp_path / "m")
    with serving(ark) as served, staying(ark.feed, folder, [served.peer]) as (session, _):
        wait_for(lambda: torrents(session) == infohashes(ark))
        tone(tmp_path / "more" / "new.ogg", 900, "New", "Dee")
        take_in(ark, tmp_path / "more", licence="CC-BY-4.0", by="Dee")
        withdraw(ark, row(ark, "Song 3")["recording"], keys=keys_of(ark))
        again(ark)
        wanted = digests(copy_packs(ark, tmp_path / "same"))
        wait_for(lambda: visible(folder) == wanted)
        wait_for(lambda: torrents(session) == infohashes(ark))


def test_with_nothing_new_no_connection_is_dropped(whole, tmp_path):
    ark, folder = published(tmp_path), shutil.copytree(whole, tmp_path / "m")
    with staying(ark.feed, folder) as (session, added):
        # Once to begin with, and once after the first look, which is where it starts to compare.
        wait_for(lambda: len(added) == 12)
        shutil.rmtree(ark.feed)
        threading.Event().wait(10 * EVERY)
        assert len(added) == 12
        assert torrents(session) == infohashes(ark)
        done = run_mirror(
            published(tmp_path / "other").feed, tmp_path / "next", [(LOOPBACK, session.port)]
        )
    assert done.tracks == OPEN


def test_a_file_that_is_found_damaged_is_fetched_again(whole, tmp_path):
    ark, folder = published(tmp_path), shutil.copytree(whole, tmp_path / "m")
    good = visible(folder)
    bad = row(ark, "Long")
    flip(folder / bad["pack"] / bad["name"], 1_500_000)
    assert visible(folder) != good
    with seeding(ark) as peers, staying(ark.feed, folder, peers) as (session, added):
        wait_for(lambda: len(added) == 12)
        # Whoever asks for it gets none of the wrong piece, and the mirror learns of it.
        done = run_mirror(ark.feed, tmp_path / "next", [(LOOPBACK, session.port), *peers])
        wait_for(lambda: visible(folder) == good)
    assert done.tracks == OPEN
    assert visible(tmp_path / "next") == good


def test_only_what_was_chosen_is_seeded(whole, tmp_path):
    ark, folder = published(tmp_path), shutil.copytree(whole, tmp_path / "m")
    for path in (folder / ".songark/torrents").iterdir():
        if path.stem != lines(ark)[row(ark, "Song 0")["pack"]]["infohash_v2"]:
            path.unlink()
    with staying(ark.feed, folder, budget=1) as (session, added):
        wait_for(lambda: len(added) >= 2)
        assert torrents(session) == {lines(ark)[row(ark, "Song 0")["pack"]]["infohash_v2"]}


def test_an_empty_mirror_waits(tmp_path):
    ark = published(tmp_path)
    with staying(ark.feed, tmp_path / "m", budget=1) as (session, _):
        wait_for((tmp_path / "m/.songark/editions/1/SHA256SUMS").is_file)
        assert torrents(session) == set()
