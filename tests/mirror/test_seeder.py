import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import libtorrent as lt
import pytest

from songark.mirror.fetcher import fetch
from songark.mirror.seeder import Damage, Seeder
from songark.model.errors import BrokenError, SongarkError
from songark.model.hash_record import HashRecord
from songark.model.identity import FileId
from tests.mirror.swarm_support import (
    LOOPBACK,
    MIB,
    Peer,
    flip,
    loopback,
    make_pack,
    snapshot,
    throttle,
    wait_for,
)

SIZES = {"a.ogg": 2 * MIB + 5, "b.ogg": 5 * MIB + 1, "c.ogg": 1, "d.ogg": MIB, "e.ogg": 3 * MIB}


@contextmanager
def seeding(*added):
    """A session and a seeder of packs, each given as (pack, places) or as pack alone."""
    with loopback() as session, Seeder(session) as seeder:
        for one in added:
            pack, places = one if isinstance(one, tuple) else (one, one.places)
            seeder.add(pack.torrent, places)
        yield session, seeder


@contextmanager
def leeching(session, pack, folder, **how):
    peer = Peer(pack, folder, peers=[(LOOPBACK, session.port)], **how)
    try:
        yield peer
    finally:
        peer.close()


def hashed(session) -> int:
    """How many blocks libtorrent has hashed so far."""
    told = []
    leave = session.subscribe(
        lambda alert: (
            told.append(alert.values["disk.num_blocks_hashed"])
            if isinstance(alert, lt.session_stats_alert)
            else None
        )
    )
    session.swarm.post_session_stats()
    wait_for(lambda: bool(told))
    leave()
    return told[0]


def offered(session) -> int:
    """How many pieces of its only torrent a session offers."""
    (handle,) = session.swarm.get_torrents()
    return handle.status().num_pieces


def same(peer, pack, *but):
    peer.flush()
    for name in pack.files:
        if name not in but:
            assert (peer.folder / name).read_bytes() == pack.read(name), name


def test_a_store_is_seeded_where_it_lies_and_never_written_to(tmp_path):
    store = tmp_path / "store"
    pack = make_pack(store, SIZES)
    before = snapshot(store)
    with seeding(pack) as (session, seeder), leeching(session, pack, tmp_path / "out") as peer:
        wait_for(lambda: peer.has(pack))
        same(peer, pack)
        assert not peer.failed
        assert seeder.status().torrents == 1
        assert seeder.status().uploaded >= pack.size
        assert seeder.status().damaged == ()
    assert snapshot(store) == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "store"]


def test_adding_reads_no_audio(tmp_path):
    pack = make_pack(tmp_path / "store", {"a.ogg": 8 * MIB, "b.ogg": 8 * MIB})
    with seeding() as (session, seeder):
        before = hashed(session)
        seeder.add(pack.torrent, pack.places)
        wait_for(lambda: session.swarm.get_torrents()[0].status().is_seeding)
        assert hashed(session) == before


def test_only_files_that_are_there_are_offered(tmp_path):
    pack = make_pack(tmp_path / "store", SIZES)
    pack.places["b.ogg"].write_bytes(pack.read("b.ogg") + b"grown")
    pack.places["e.ogg"].unlink()
    places = {name: path for name, path in pack.places.items() if name != "a.ogg"}
    with (
        seeding((pack, places)) as (session, seeder),
        leeching(session, pack, tmp_path / "out") as peer,
    ):
        wait_for(lambda: peer.has(pack, "a.ogg", "b.ogg", "e.ogg"))
        assert offered(session) == 2
        time.sleep(0.5)
        assert peer.payload() <= 1 + MIB + 16_384
        assert peer.done() == {"a.ogg": 0, "b.ogg": 0, "c.ogg": 1, "d.ogg": MIB, "e.ogg": 0}
        assert [one.place for one in seeder.status().damaged] == sorted(
            str(pack.places[name]) for name in ("b.ogg", "e.ogg")
        )


def test_with_nothing_to_offer_a_torrent_is_held_in_silence(tmp_path):
    pack = make_pack(tmp_path / "store", SIZES)
    with seeding((pack, {})) as (session, seeder):
        assert seeder.status().torrents == 0
        assert session.swarm.get_torrents() == []
        with pytest.raises(SongarkError, match="not on offer"):
            seeder.connect(pack.v2, (LOOPBACK, 1))
        seeder.add(pack.torrent, pack.places)
        assert seeder.status().torrents == 1


def test_a_flipped_bit_is_not_served_and_costs_only_its_file(tmp_path):
    store = tmp_path / "store"
    pack = make_pack(store, SIZES)
    flip(pack.places["b.ogg"], 4 * MIB + 77)
    before = snapshot(store)
    with seeding(pack) as (session, seeder), leeching(session, pack, tmp_path / "out") as peer:
        wait_for(lambda: peer.has(pack, "b.ogg"))
        wait_for(lambda: seeder.status().damaged != ())
        same(peer, pack, "b.ogg")
        assert offered(session) == 8
        assert not peer.failed
        assert peer.done()["b.ogg"] < pack.files["b.ogg"].size
        (damage,) = seeder.status().damaged
        assert damage == Damage(str(pack.places["b.ogg"]), "its bytes are not what they were")
    assert snapshot(store) == before


def test_a_flipped_bit_in_part_of_a_torrent_is_found_at_the_first_upload(tmp_path):
    store = tmp_path / "store"
    pack = make_pack(store, SIZES)
    flip(pack.places["b.ogg"], 4 * MIB + 77)
    before = snapshot(store)
    places = {name: path for name, path in pack.places.items() if name != "a.ogg"}
    with (
        seeding((pack, places)) as (session, seeder),
        leeching(session, pack, tmp_path / "out") as peer,
    ):
        wait_for(lambda: peer.has(pack, "a.ogg", "b.ogg"))
        wait_for(lambda: seeder.status().damaged != ())
        same(peer, pack, "a.ogg", "b.ogg")
        assert offered(session) == 5
        assert peer.failed <= {7}, "one piece at most was given away"
        assert peer.done()["b.ogg"] < pack.files["b.ogg"].size
    assert snapshot(store) == before


def test_a_store_is_not_even_repaired_by_the_swarm(tmp_path):
    pack = make_pack(tmp_path / "store", SIZES)
    honest_folder = tmp_path / "honest" / pack.folder
    honest_folder.mkdir(parents=True)
    for name in pack.files:
        (honest_folder / name).write_bytes(pack.read(name))
    honest = Peer(pack, tmp_path / "honest", seeds=True)
    flip(pack.places["b.ogg"], 4 * MIB + 77)
    before = snapshot(tmp_path / "store")
    with seeding(pack) as (session, seeder), leeching(session, pack, tmp_path / "out") as peer:
        wait_for(lambda: seeder.status().damaged != ())
        seeder.connect(pack.v2, (LOOPBACK, honest.port))
        peer.handle.connect_peer((LOOPBACK, honest.port))
        wait_for(lambda: peer.has(pack))
        time.sleep(0.5)
        (ours,) = session.swarm.get_torrents()
        assert ours.status().total_payload_download == 0
    honest.close()
    assert snapshot(tmp_path / "store") == before


@pytest.mark.parametrize("part", [False, True])
def test_a_file_that_goes_away_takes_nothing_with_it(tmp_path, part):
    pack = make_pack(tmp_path / "store", SIZES)
    places = {n: path for n, path in pack.places.items() if not part or n != "a.ogg"}
    but = ("a.ogg", "e.ogg") if part else ("e.ogg",)
    with seeding((pack, places)) as (session, seeder):
        wait_for(lambda: session.swarm.get_torrents()[0].status().is_finished)
        pack.places["e.ogg"].unlink()
        with leeching(session, pack, tmp_path / "out") as peer:
            wait_for(lambda: peer.has(pack, *but))
            wait_for(lambda: seeder.status().damaged != ())
            assert seeder.status().damaged[0].place == str(pack.places["e.ogg"])
            assert peer.done()["e.ogg"] == 0


def test_a_repaired_file_is_offered_when_it_is_added_again(tmp_path):
    pack = make_pack(tmp_path / "store", SIZES)
    flip(pack.places["b.ogg"], 0)
    with seeding(pack) as (session, seeder), leeching(session, pack, tmp_path / "out") as peer:
        wait_for(lambda: seeder.status().damaged != ())
        flip(pack.places["b.ogg"], 0)
        seeder.add(pack.torrent, pack.places)
        assert seeder.status().damaged == ()
        seeder.connect(pack.v2, (LOOPBACK, peer.port))
        wait_for(lambda: peer.has(pack))


def test_wrong_v1_hashes_cost_one_file_not_the_torrent(tmp_path):
    def lie(name: str, record: HashRecord) -> HashRecord:
        wrong = bytes([record.v1[0] ^ 1]) + record.v1[1:]
        return replace(record, v1=wrong) if name == "b.ogg" else record

    pack = make_pack(tmp_path / "store", SIZES, change=lie)
    with seeding(pack) as (session, seeder), leeching(session, pack, tmp_path / "out"):
        wait_for(lambda: seeder.status().damaged != ())
        assert [one.place for one in seeder.status().damaged] == [str(pack.places["b.ogg"])]
        assert seeder.status().torrents == 1


def test_similar_torrents_link_nothing_into_place(tmp_path):
    old = make_pack(tmp_path / "store", SIZES, "Old")
    new = make_pack(tmp_path / "store", SIZES, "New", similar=[old.v1])
    before = snapshot(tmp_path / "store")
    gone = tmp_path / "gone.ogg"
    with seeding(old, (new, {**new.places, "a.ogg": gone})) as (session, _):
        wait_for(lambda: all(h.status().is_finished for h in session.swarm.get_torrents()))
        assert not gone.exists()
    assert snapshot(tmp_path / "store") == before


def test_a_refused_file_stops_in_the_middle_and_all_else_goes_on(tmp_path):
    store = tmp_path / "store"
    pack = make_pack(store, {**SIZES, "b.ogg": 12 * MIB, "f.ogg": 6 * MIB})
    other = make_pack(store, {"b.ogg": 12 * MIB, "z.ogg": MIB}, "Another edition")
    refused = pack.files["b.ogg"]
    assert other.files["b.ogg"] == refused
    with ExitStack() as stack:
        session, seeder = stack.enter_context(seeding(pack, other))
        throttle(session, 8 * MIB)
        one = stack.enter_context(leeching(session, pack, tmp_path / "one"))
        two = stack.enter_context(leeching(session, other, tmp_path / "two"))
        wait_for(lambda: 0 < one.done()["b.ogg"] < refused.size)
        wait_for(lambda: 0 < two.done()["b.ogg"] < refused.size)
        before = hashed(session)
        seeder.refuse({refused})
        at = one.done()["b.ogg"], two.done()["b.ogg"]
        wait_for(lambda: one.has(pack, "b.ogg") and two.has(other, "b.ogg"))
        same(one, pack, "b.ogg")
        same(two, other, "b.ogg")
        # What the kernel held already may still arrive, and finish the piece it belongs to.
        assert one.done()["b.ogg"] <= at[0] + MIB
        assert two.done()["b.ogg"] <= at[1] + MIB

        late = stack.enter_context(leeching(session, pack, tmp_path / "late"))
        wait_for(lambda: late.has(pack, "b.ogg"))
        same(late, pack, "b.ogg")
        assert late.done()["b.ogg"] == 0
        assert late.payload() < pack.size - refused.size + MIB
        assert not one.failed | two.failed | late.failed
        # Pieces that were being hashed for somebody, far from all.
        assert hashed(session) - before <= 2 * 3 * 64


def test_all_is_silent_before_anything_is_offered_again(tmp_path, monkeypatch):
    packs = [make_pack(tmp_path / "store", {"a.ogg": 9 * MIB}, f"Pack {n}") for n in range(3)]
    with ExitStack() as stack:
        session, seeder = stack.enter_context(seeding(*packs))
        throttle(session, MIB)
        for n, pack in enumerate(packs):
            peer = stack.enter_context(leeching(session, pack, tmp_path / str(n)))
            wait_for(lambda peer=peer: peer.payload() > 0)
        assert seeder.status().peers == 3
        seen = []
        monkeypatch.setattr(seeder, "_offer_again", lambda _: seen.append(seeder.status().peers))
        seeder.refuse([packs[0].files["a.ogg"]])
        assert seen == [0, 0, 0]


def test_what_is_refused_first_is_not_offered_later(tmp_path):
    pack = make_pack(tmp_path / "store", SIZES)
    with seeding() as (session, seeder):
        seeder.refuse(file for name, file in pack.files.items() if name in {"a.ogg", "b.ogg"})
        seeder.add(pack.torrent, pack.places)
        with leeching(session, pack, tmp_path / "out") as peer:
            wait_for(lambda: peer.has(pack, "a.ogg", "b.ogg"))
            assert peer.done()["a.ogg"] == peer.done()["b.ogg"] == 0


def test_a_twin_of_a_refused_file_is_another_file(tmp_path):
    pack = make_pack(tmp_path / "store", SIZES)
    file = pack.files["d.ogg"]
    with seeding(pack) as (session, seeder), leeching(session, pack, tmp_path / "out") as peer:
        seeder.refuse([FileId(file.root, 64)])
        wait_for(lambda: peer.has(pack))


def test_a_torrent_of_which_all_is_refused_is_silent(tmp_path):
    pack = make_pack(tmp_path / "store", SIZES)
    with seeding(pack) as (session, seeder):
        seeder.refuse(pack.files.values())
        assert seeder.status().torrents == 0
        with leeching(session, pack, tmp_path / "out") as peer:
            time.sleep(1.0)
            assert peer.payload() == 0
        seeder.add(pack.torrent, pack.places)
        assert seeder.status().torrents == 0


def test_a_refusal_touches_no_other_torrent(tmp_path):
    pack = make_pack(tmp_path / "store", SIZES)
    other = make_pack(tmp_path / "store", {"x.ogg": 3 * MIB, "y.ogg": 3 * MIB}, "Other")
    with seeding(pack, other) as (session, seeder):
        throttle(session, 8 * MIB)
        with leeching(session, other, tmp_path / "out") as peer:
            wait_for(lambda: peer.payload() > MIB)
            peer.alerts()
            seeder.refuse([pack.files["a.ogg"]])
            at = peer.payload()
            wait_for(lambda: peer.payload() > at + MIB)
            assert not [a for a in peer.alerts() if isinstance(a, lt.peer_disconnected_alert)]
            wait_for(lambda: peer.has(other))


def test_refusals_and_additions_by_many_threads_end_in_order(tmp_path):
    packs = [make_pack(tmp_path / "store", SIZES, f"Pack {n}") for n in range(6)]
    refused = [packs[0].files[name] for name in ("a.ogg", "b.ogg", "c.ogg")]
    with seeding() as (session, seeder):
        acts = [lambda p=p: seeder.add(p.torrent, p.places) for p in packs]
        acts += [lambda f=f: seeder.refuse([f]) for f in refused]
        acts += [seeder.status, lambda: seeder.remove(packs[5].v2)]
        threads = [threading.Thread(target=act) for act in acts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wait_for(lambda: all(h.status().is_finished for h in session.swarm.get_torrents()))
        assert seeder.status().torrents in {5, 6}
        for handle in session.swarm.get_torrents():
            assert handle.status().num_pieces == 4


def test_removing_ends_it_and_uploads_stay_counted(tmp_path):
    pack = make_pack(tmp_path / "store", SIZES)
    with seeding(pack) as (session, seeder):
        with leeching(session, pack, tmp_path / "out") as peer:
            wait_for(lambda: peer.has(pack))
        seeder.remove(pack.v2)
        seeder.remove(pack.v2)
        assert session.swarm.get_torrents() == []
        assert seeder.status().torrents == 0
        assert seeder.status().uploaded >= pack.size


def test_closing_leaves_the_session_to_others(tmp_path):
    pack = make_pack(tmp_path / "store", SIZES)
    with loopback() as session:
        seeder = Seeder(session)
        seeder.add(pack.torrent, pack.places)
        seeder.close()
        seeder.close()
        assert session.swarm.get_torrents() == []
        with Seeder(session) as another:
            another.add(pack.torrent, pack.places)
            with leeching(session, pack, tmp_path / "out") as peer:
                wait_for(lambda: peer.has(pack))


def test_the_seeder_dials_whoever_cannot_find_it(tmp_path):
    pack = make_pack(tmp_path / "store", SIZES)
    peer = Peer(pack, tmp_path / "out")
    with seeding(pack) as (_, seeder):
        seeder.connect(pack.v2, (LOOPBACK, peer.port))
        wait_for(lambda: peer.has(pack))
        wait_for(lambda: seeder.status().peers == 0, 10)
        with pytest.raises(SongarkError, match="no such host"):
            seeder.connect(pack.v2, ("no-such-host.invalid", 1))
    peer.close()


def test_what_is_wrong_is_said_and_changes_nothing(tmp_path):
    pack = make_pack(tmp_path / "store", SIZES)
    with seeding(pack) as (_, seeder):
        with pytest.raises(SongarkError, match="not a file") as caught:
            seeder.add(pack.torrent, {"nothing.ogg": Path("x")})
        assert caught.value.place == "Pack/nothing.ogg"
        with pytest.raises(BrokenError):
            seeder.add(b"d4:infodee", {})
        assert seeder.status().torrents == 1


def test_without_room_for_the_torrent_nothing_is_seeded(tmp_path, monkeypatch):
    pack = make_pack(tmp_path / "store", SIZES)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with seeding() as (session, seeder):
        monkeypatch.setattr("songark.mirror.kept.os.pwrite", full)
        with pytest.raises(SongarkError, match="cannot be kept") as caught:
            seeder.add(pack.torrent, pack.places)
        assert "TMPDIR" in caught.value.remedy
        assert session.swarm.get_torrents() == []
        assert seeder.status().torrents == 0


def test_what_was_fetched_can_be_seeded_from_its_folder(tmp_path):
    pack = make_pack(tmp_path / "store", SIZES)
    with seeding(pack) as (session, _), loopback() as mine:
        folder = tmp_path / "mirror" / pack.folder
        fetch(mine, pack.torrent, into=folder, peers=[(LOOPBACK, session.port)])
        with Seeder(mine) as mirror:
            mirror.add(pack.torrent, {name: folder / name for name in pack.files})
            with leeching(mine, pack, tmp_path / "out") as peer:
                wait_for(lambda: peer.has(pack))
                same(peer, pack)
