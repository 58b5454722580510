import shutil
import threading

import libtorrent as lt
import pytest

from songark.api.withdraw import withdraw
from songark.mirror import own as module
from songark.mirror.own import OwnSeeder
from songark.mirror.seeder import Seeder
from songark.model.errors import BrokenError
from songark.release.packs import ATTRIBUTION
from songark.rights.ledger import claim_withdrawal
from tests.mirror.swarm_support import LOOPBACK, Pack, Peer, loopback, throttle, wait_for
from tests.release_support import (
    OPEN,
    again,
    copy_packs,
    file_of,
    keys_of,
    lines,
    published,
    row,
    rows,
    take_in,
    tone,
)


@pytest.fixture
def swarm():
    with loopback() as session, Seeder(session) as seeder:
        yield session, seeder


def infohashes(ark, edition=-1):
    return {line["infohash_v2"] for line in lines(ark, edition).values()}


def torrents(session):
    return {str(handle.info_hashes().v2) for handle in session.swarm.get_torrents()}


def pack_of(ark, title, places, edition=-1):
    """The pack that holds a track, as a stranger with its torrent knows it."""
    told = row(ark, title, edition)
    line = lines(ark, edition)[told["pack"]]
    files = {one["name"]: file_of(one) for one in rows(ark, edition) if one["pack"] == told["pack"]}
    return told["name"], Pack(
        told["pack"],
        (ark.path / line["file"]).read_bytes(),
        bytes.fromhex(line["infohash_v1"]),
        bytes.fromhex(line["infohash_v2"]),
        {name: places / told["pack"] / name for name in files},
        files,
    )


def test_before_the_first_edition_nothing_is_seeded(tmp_path, swarm):
    ark = published(tmp_path)
    shutil.rmtree(ark.editions)
    own = OwnSeeder(ark, swarm[1])
    assert not own.sync()
    assert torrents(swarm[0]) == set()
    assert not own.offers(file_of(row(published(tmp_path / "b"), "Zero")))


def test_the_last_edition_straight_from_the_store(tmp_path, swarm):
    ark = published(tmp_path)
    own = OwnSeeder(ark, swarm[1])
    assert own.sync()
    assert not own.sync()
    assert torrents(swarm[0]) == infohashes(ark)
    assert all(own.offers(file_of(one)) for one in rows(ark))
    name, pack = pack_of(ark, "Long", tmp_path)
    peer = Peer(pack, tmp_path / "out", peers=[(LOOPBACK, swarm[0].port)])
    try:
        wait_for(lambda: peer.has(pack))
    finally:
        peer.close()
    (stored,) = ark.store.glob(f"*/*/{pack.files[name]}.*")
    assert (tmp_path / "out" / pack.folder / name).read_bytes() == stored.read_bytes()
    text = tmp_path / "out" / pack.folder / ATTRIBUTION
    assert text.read_text() == (ark.editions / f"1/attribution/{pack.folder}.txt").read_text()


def test_a_withdrawal_closes_at_the_next_sync_and_only_for_its_file(tmp_path, swarm):
    ark = published(tmp_path)
    own = OwnSeeder(ark, swarm[1])
    own.sync()
    gone = row(ark, "Song 0")
    claim_withdrawal(ark.ledger, gone["recording"], [file_of(gone)])
    assert own.offers(file_of(gone))
    assert own.sync()
    assert not own.offers(file_of(gone))
    name, pack = pack_of(ark, "Song 0", tmp_path)
    peer = Peer(pack, tmp_path / "out", peers=[(LOOPBACK, swarm[0].port)])
    try:
        wait_for(lambda: peer.has(pack, name))
        assert peer.done()[name] == 0
    finally:
        peer.close()
    # The torrent is the same until the next edition, so that others go on giving the rest.
    assert torrents(swarm[0]) == infohashes(ark)


def test_who_is_connected_gets_nothing_more(tmp_path, swarm):
    """In the middle of a download of the withdrawn file."""
    ark = published(tmp_path)
    session, seeder = swarm
    own = OwnSeeder(ark, seeder)
    own.sync()
    name, pack = pack_of(ark, "Long", tmp_path)
    throttle(session, 500_000)
    peer = Peer(pack, tmp_path / "out", peers=[(LOOPBACK, session.port)])
    try:
        wait_for(lambda: peer.payload() > 300_000)
        withdraw(ark, row(ark, "Long")["recording"], keys=keys_of(ark))
        own.sync()
        # What the network had taken before is counted a moment later.
        threading.Event().wait(1.0)
        given = seeder.status().uploaded
        threading.Event().wait(1.0)
        assert seeder.status().uploaded == given
        assert peer.done()[name] < pack.files[name].size
    finally:
        peer.close()


def test_a_new_edition_takes_the_place_of_the_last(tmp_path, swarm):
    ark = published(tmp_path)
    own = OwnSeeder(ark, swarm[1])
    added = []
    swarm[0].subscribe(
        lambda alert: (
            isinstance(alert, lt.add_torrent_alert)
            and added.append(str(alert.handle.info_hashes().v2))
        )
    )
    own.sync()
    wait_for(lambda: infohashes(ark) <= set(added))
    added.clear()
    tone(tmp_path / "more/new.ogg", 900, "New", "Dee")
    take_in(ark, tmp_path / "more", licence="CC-BY-4.0", by="Dee")
    withdraw(ark, row(ark, "Song 0")["recording"], keys=keys_of(ark))
    again(ark)
    assert own.sync()
    assert torrents(swarm[0]) == infohashes(ark) != infohashes(ark, 0)
    fresh = infohashes(ark) - infohashes(ark, 0)
    wait_for(lambda: fresh <= set(added))
    assert not set(added) & infohashes(ark) - fresh, "what stays is not taken out and put back"
    assert own.offers(file_of(row(ark, "New")))
    assert not own.offers(file_of(row(ark, "Song 0", 0)))


def test_begun_after_a_withdrawal_it_never_offers_that(tmp_path, swarm):
    ark = published(tmp_path)
    gone = row(ark, "Song 0")
    withdraw(ark, gone["recording"], keys=keys_of(ark))
    own = OwnSeeder(ark, swarm[1])
    own.sync()
    name, pack = pack_of(ark, "Song 0", tmp_path)
    peer = Peer(pack, tmp_path / "out", peers=[(LOOPBACK, swarm[0].port)])
    try:
        wait_for(lambda: peer.has(pack, name))
        assert peer.done()[name] == 0
    finally:
        peer.close()


@pytest.mark.parametrize("fault", ["changed", "cut"])
def test_with_a_broken_ledger_nothing_is_given(tmp_path, swarm, fault):
    """What was withdrawn cannot be known then. It stays so when the error is caught."""
    ark = published(tmp_path)
    gone = row(ark, "Song 0")
    claim_withdrawal(ark.ledger, gone["recording"], [file_of(gone)])
    claim_withdrawal(ark.ledger, "r-other", [file_of(row(ark, "Song 1"))])
    own = OwnSeeder(ark, swarm[1])
    own.sync()
    path = ark.ledger.path
    data = path.read_bytes()
    first = data[: data.index(b"\n") + 1]
    path.write_bytes(first if fault == "cut" else data.replace(b"r-other", b"r-ether"))
    with pytest.raises(BrokenError):
        own.sync()
    assert not [one for one in rows(ark) if own.offers(file_of(one))]
    assert swarm[1].status().torrents == 6  # the attributions, which are ours
    _name, pack = pack_of(ark, "Song 2", tmp_path)
    peer = Peer(pack, tmp_path / "out", peers=[(LOOPBACK, swarm[0].port)])
    try:
        threading.Event().wait(0.5)
        assert sum(count for one, count in peer.done().items() if one in pack.files) == 0
    finally:
        peer.close()


def test_a_file_without_its_bytes_is_not_offered(tmp_path, swarm):
    ark = published(tmp_path)
    lost = row(ark, "Song 2")
    (place,) = ark.store.glob(f"*/*/{file_of(lost)}.*")
    place.unlink()
    OwnSeeder(ark, swarm[1]).sync()
    name, pack = pack_of(ark, "Song 2", tmp_path)
    peer = Peer(pack, tmp_path / "out", peers=[(LOOPBACK, swarm[0].port)])
    try:
        wait_for(lambda: peer.has(pack, name))
    finally:
        peer.close()


def test_an_edition_that_cannot_be_seeded_is_tried_again(tmp_path, swarm, monkeypatch):
    ark = published(tmp_path)
    own = OwnSeeder(ark, swarm[1])

    def broken(*_args):
        raise BrokenError("x")

    monkeypatch.setattr(module, "read_torrent", broken)
    with pytest.raises(BrokenError):
        own.sync()
    monkeypatch.undo()
    assert own.sync()
    assert torrents(swarm[0]) == infohashes(ark)


def test_everything_of_a_release_is_there(tmp_path, swarm):
    ark = published(tmp_path)
    OwnSeeder(ark, swarm[1]).sync()
    assert swarm[1].status().torrents == 6
    assert swarm[1].status().damaged == ()
    assert len([p for p in copy_packs(ark, tmp_path / "m").rglob("*") if p.is_file()]) == OPEN + 6
