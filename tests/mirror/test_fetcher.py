import resource
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from songark.mirror.fetcher import FetchProgress, fetch
from songark.mirror.seeder import Seeder
from songark.model.errors import BrokenError, SongarkError
from songark.model.hashing import hash_file
from tests.mirror.swarm_support import (
    LOOPBACK,
    MIB,
    Peer,
    flip,
    loopback,
    make_pack,
    snapshot,
    throttle,
    web_server,
)

SIZES = {"a.ogg": 2 * MIB + 5, "b.ogg": 5 * MIB + 1, "c.ogg": 1, "d.ogg": MIB, "e.ogg": 3 * MIB}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Dial again soon, so that tests need not wait for it."""
    monkeypatch.setattr("songark.mirror.download._REDIAL", 0.5)


@contextmanager
def swarm(*packs, rate=0):
    """A seeder of packs, a session of our own, and the seeder's address."""
    with loopback() as session, Seeder(session) as seeder, loopback() as mine:
        for pack in packs:
            seeder.add(pack.torrent, pack.places)
        if rate:
            throttle(session, rate)
        yield mine, [(LOOPBACK, session.port)]


def same(pack, into, names):
    for name in names:
        assert hash_file(into / name).file == pack.files[name], name


def test_all_files_and_nothing_else(tmp_path):
    pack = make_pack(tmp_path / "store", SIZES)
    into, told = tmp_path / "into", []
    with swarm(pack) as (mine, peers):
        done = fetch(mine, pack.torrent, into=into, peers=peers, progress=told.append)
        assert mine.swarm.get_torrents() == []
    assert done.complete == tuple(sorted(SIZES))
    assert done.missing == ()
    assert pack.size <= done.payload < pack.size + MIB
    same(pack, into, SIZES)
    assert sorted(p.name for p in into.iterdir()) == sorted(SIZES)
    assert told[-1] == FetchProgress(pack.size, pack.size, told[-1].peers)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["into", "store"]


def test_what_is_held_is_neither_fetched_nor_touched(tmp_path):
    pack = make_pack(tmp_path / "store", SIZES)
    mine_folder = tmp_path / "mine"
    mine_folder.mkdir()
    have = {name: mine_folder / f"{n}.ogg" for n, name in enumerate(["b.ogg", "d.ogg"])}
    for name, path in have.items():
        shutil.copy(pack.places[name], path)
    before = snapshot(mine_folder)
    with swarm(pack) as (mine, peers):
        done = fetch(mine, pack.torrent, into=tmp_path / "into", have=have, peers=peers)
    assert done.complete == ("a.ogg", "c.ogg", "e.ogg")
    assert done.payload < pack.size - 6 * MIB + 128 * 1024
    assert sorted(p.name for p in (tmp_path / "into").iterdir()) == ["a.ogg", "c.ogg", "e.ogg"]
    assert snapshot(mine_folder) == before


def test_a_held_file_of_the_wrong_size_is_fetched(tmp_path):
    pack = make_pack(tmp_path / "store", SIZES)
    short = tmp_path / "short.ogg"
    short.write_bytes(pack.read("b.ogg")[:-1])
    have = {"b.ogg": short, "a.ogg": tmp_path / "nothing.ogg", "e.ogg": pack.places["e.ogg"]}
    with swarm(pack) as (mine, peers):
        done = fetch(mine, pack.torrent, into=tmp_path / "into", have=have, peers=peers)
    assert done.complete == ("a.ogg", "b.ogg", "c.ogg", "d.ogg")
    assert short.stat().st_size == 5 * MIB


def test_only_what_is_asked_for(tmp_path):
    pack = make_pack(tmp_path / "store", SIZES)
    with swarm(pack) as (mine, peers):
        done = fetch(
            mine, pack.torrent, into=tmp_path / "into", only={"a.ogg", "c.ogg"}, peers=peers
        )
    assert done.complete == ("a.ogg", "c.ogg")
    assert done.payload < 2 * MIB + 64 * 1024
    assert sorted(p.name for p in (tmp_path / "into").iterdir()) == ["a.ogg", "c.ogg"]


def test_held_files_are_seeded_meanwhile(tmp_path):
    pack = make_pack(tmp_path / "store", SIZES)
    with loopback() as mine:
        have = {name: path for name, path in pack.places.items() if name != "e.ogg"}
        other = Peer(pack, tmp_path / "out", peers=[(LOOPBACK, mine.port)])
        with pytest.raises(SongarkError, match=r"3\.1 MB are missing"):
            fetch(mine, pack.torrent, into=tmp_path / "into", have=have, patience=1.5)
        assert other.has(pack, "e.ogg")
        other.close()


def test_with_all_here_no_peer_is_needed(tmp_path):
    pack = make_pack(tmp_path / "store", SIZES)
    with loopback() as mine:
        done = fetch(mine, pack.torrent, into=tmp_path / "into", have=pack.places, patience=0)
        assert done.complete == done.missing == ()
        for name, path in pack.places.items():
            shutil.copy(path, tmp_path / "into" / name)
        done = fetch(mine, pack.torrent, into=tmp_path / "into", patience=0)
        assert done.complete == tuple(sorted(SIZES))
        assert done.payload == 0


def test_nothing_comes(tmp_path):
    pack = make_pack(tmp_path / "store", SIZES)
    with loopback() as mine, pytest.raises(SongarkError) as caught:
        fetch(mine, pack.torrent, into=tmp_path / "into", peers=[(LOOPBACK, 1)], patience=0.5)
    assert "nothing came" in caught.value.message
    assert "12 MB" in caught.value.message or "11.5 MB" in caught.value.message
    assert pack.v2.hex() in caught.value.place
    assert "Pack" in caught.value.place
    assert "run the command again" in caught.value.remedy


def test_a_withdrawn_file_is_missing_and_all_else_is_here(tmp_path):
    pack = make_pack(tmp_path / "store", SIZES)
    into = tmp_path / "into"
    with loopback() as session, Seeder(session) as seeder, loopback() as mine:
        seeder.refuse([pack.files["b.ogg"]])
        seeder.add(pack.torrent, pack.places)
        with pytest.raises(SongarkError, match=r"5\.2 MB are missing"):
            fetch(mine, pack.torrent, into=into, peers=[(LOOPBACK, session.port)], patience=1.2)
    same(pack, into, set(SIZES) - {"b.ogg"})
    assert not (into / "b.ogg").exists()


def test_stopped_it_keeps_what_came_and_goes_on_later(tmp_path):
    pack = make_pack(tmp_path / "store", {"a.ogg": 6 * MIB, "b.ogg": 6 * MIB + 5, "c.ogg": 3})
    into = tmp_path / "into"
    seen: list[int] = []
    with swarm(pack, rate=10 * MIB) as (mine, peers):
        first = fetch(
            mine,
            pack.torrent,
            into=into,
            peers=peers,
            progress=lambda at: seen.append(at.done),
            stop=lambda: bool(seen) and seen[-1] > 2 * MIB,
        )
        assert first.missing
        same(pack, into, first.complete)
        rest = fetch(mine, pack.torrent, into=into, peers=peers)
    assert rest.missing == ()
    same(pack, into, pack.files)
    assert rest.payload < pack.size - MIB


CHILD = """
import sys
from pathlib import Path
from songark.mirror.fetcher import fetch
from songark.mirror.session import open_session
torrent, into, port = Path(sys.argv[1]).read_bytes(), Path(sys.argv[2]), int(sys.argv[3])
with open_session("127.0.0.1:0", dht=False, lan=False) as session:
    done = fetch(session, torrent, into=into, peers=[("127.0.0.1", port)], patience=20.0,
                 progress=lambda at: print(at.done, flush=True))
    print("payload", done.payload, flush=True)
"""


def child(tmp_path, pack, port, **how):
    (tmp_path / "torrent").write_bytes(pack.torrent)
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, tmp_path / "torrent", tmp_path / "into", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **how,
    )


def test_killed_it_goes_on_where_it_was(tmp_path):
    pack = make_pack(tmp_path / "store", {"a.ogg": 9 * MIB + 3, "b.ogg": 9 * MIB, "c.ogg": 9})
    with swarm(pack, rate=24 * MIB) as (mine, peers):
        one = child(tmp_path, pack, peers[0][1])
        for line in one.stdout:
            if int(line) > 8 * MIB:
                break
        one.send_signal(signal.SIGKILL)
        one.communicate()
        assert one.returncode == -signal.SIGKILL
        done = fetch(mine, pack.torrent, into=tmp_path / "into", peers=peers)
    same(pack, tmp_path / "into", pack.files)
    assert done.payload < pack.size - 4 * MIB


def test_cut_flipped_grown_and_linked_files_are_made_right(tmp_path):
    pack = make_pack(tmp_path / "store", {**SIZES, "f.ogg": 2 * MIB})
    into, victim = tmp_path / "into", tmp_path / "victim"
    into.mkdir()
    victim.write_bytes(b"not ours")
    for name, path in pack.places.items():
        shutil.copy(path, into / name)
    with (into / "b.ogg").open("r+b") as stream:
        stream.truncate(2 * MIB + 9)
    flip(into / "a.ogg", 7)
    with (into / "d.ogg").open("ab") as stream:
        stream.write(b"more")
    (into / "e.ogg").unlink()
    (into / "e.ogg").symlink_to(victim)
    with swarm(pack) as (mine, peers):
        done = fetch(mine, pack.torrent, into=into, peers=peers)
    same(pack, into, pack.files)
    assert victim.read_bytes() == b"not ours"
    # b from its third piece, one piece of a, all of d and e: never f.
    assert done.payload < (3 * MIB + 1) + MIB + MIB + 3 * MIB + 128 * 1024


def lies_about(pack, folder, first=0):
    """A folder in which one bit of every piece from `first` on is wrong."""
    (folder / pack.folder).mkdir(parents=True)
    for name, path in pack.places.items():
        copy = folder / pack.folder / name
        shutil.copy(path, copy)
        for at in range(first, pack.files[name].size, MIB):
            flip(copy, at)
    return folder


def test_a_hostile_seeders_bytes_are_thrown_away(tmp_path):
    pack = make_pack(tmp_path / "store", {"a.ogg": 3 * MIB, "b.ogg": 3 * MIB + 1})
    hostile = Peer(pack, lies_about(pack, tmp_path / "lies"), seeds=True, address="127.0.0.2")
    into = tmp_path / "into"
    with swarm(pack) as (mine, peers):
        bad = ("127.0.0.2", hostile.port)
        with pytest.raises(SongarkError, match="nothing came"):
            fetch(mine, pack.torrent, into=into, peers=[bad], patience=1.5)
        for name in pack.files:
            if (into / name).exists() and (into / name).stat().st_size:
                assert hash_file(into / name).file != pack.files[name]
        assert hostile.handle.status().total_payload_upload > 0
        done = fetch(mine, pack.torrent, into=into, peers=peers)
    assert done.missing == ()
    same(pack, into, pack.files)
    hostile.close()


def test_whoever_was_banned_gets_another_chance_when_nobody_is_left(tmp_path):
    """An honest peer is banned with a liar; here it is the same address, so that it is certain."""
    pack = make_pack(tmp_path / "store", {"a.ogg": 24 * MIB})
    lies = lies_about(pack, tmp_path / "lies", first=23 * MIB)
    right = tmp_path / "right"
    (right / pack.folder).mkdir(parents=True)
    shutil.copy(pack.places["a.ogg"], right / pack.folder / "a.ogg")
    one = [Peer(pack, lies, seeds=True)]
    port = one[0].port

    def replace(at: FetchProgress) -> None:
        if len(one) == 1 and not at.peers and one[0].handle.status().total_payload_upload > MIB:
            one[0].close()
            one.append(Peer(pack, right, seeds=True, port=port))

    with loopback() as mine:
        done = fetch(
            mine,
            pack.torrent,
            into=tmp_path / "into",
            peers=[(LOOPBACK, port)],
            progress=replace,
            patience=30.0,
        )
    assert len(one) == 2
    assert done.missing == ()
    # Blocks under way when the liar is dropped come twice.
    assert done.payload < 24 * MIB + 9 * MIB, "what was right is not fetched again"
    same(pack, tmp_path / "into", pack.files)
    one[1].close()


@pytest.mark.parametrize("named", [False, True])
def test_a_web_seed_alone_is_enough(tmp_path, named):
    root = tmp_path / "www"
    with web_server(root) as (url, asked), loopback() as mine:
        seeds = {"web_seeds": [url]} if named else {}
        pack = make_pack(tmp_path / "store", {**SIZES, "ö ü.ogg": MIB + 9}, **seeds)
        (root / pack.folder).mkdir(parents=True)
        for name, path in pack.places.items():
            shutil.copy(path, root / pack.folder / name)
        done = fetch(
            mine,
            pack.torrent,
            into=tmp_path / "into",
            web_seeds=[] if named else [url],
            patience=15.0,
        )
        assert done.missing == ()
        same(pack, tmp_path / "into", pack.files)
        assert {Path(path).name for path in asked} == set(pack.files)


def test_a_lying_web_seed_is_not_believed(tmp_path):
    root = tmp_path / "www"
    pack = make_pack(tmp_path / "store", {"a.ogg": 2 * MIB})
    (root / pack.folder).mkdir(parents=True)
    (root / pack.folder / "a.ogg").write_bytes(bytes(2 * MIB))
    with (
        web_server(root) as (url, _),
        loopback() as mine,
        pytest.raises(SongarkError, match="nothing came"),
    ):
        fetch(mine, pack.torrent, into=tmp_path / "into", web_seeds=[url], patience=1.0)


def test_a_full_disk_is_said_and_what_came_is_kept(tmp_path):
    pack = make_pack(tmp_path / "store", {"a.ogg": 3 * MIB, "b.ogg": 9 * MIB})
    into = tmp_path / "into"
    into.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "songark-test", into],
        check=False,
        capture_output=True,
    )
    if mounted.returncode:
        pytest.skip("only root can mount a small disk")
    try:
        with swarm(pack) as (mine, peers):
            with pytest.raises(SongarkError, match="no room") as caught:
                fetch(mine, pack.torrent, into=into, peers=peers)
            assert str(into) in caught.value.place
            assert "Make room" in caught.value.remedy
            assert mine.swarm.get_torrents() == []
            subprocess.run(["mount", "-o", "remount,size=64m", into], check=True)
            done = fetch(mine, pack.torrent, into=into, peers=peers)
        assert done.missing == ()
        same(pack, into, pack.files)
        assert done.payload < pack.size - 2 * MIB
    finally:
        subprocess.run(["umount", into], check=True)


def test_a_limit_on_the_size_of_files_is_said(tmp_path):
    pack = make_pack(tmp_path / "store", {"a.ogg": 3 * MIB, "b.ogg": 9 * MIB})

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4 * MIB, 4 * MIB))

    with swarm(pack) as (_, peers):
        one = child(tmp_path, pack, peers[0][1], preexec_fn=limit)
        _, errors = one.communicate(timeout=60)
    assert one.returncode == 1
    assert "no room for the download" in errors


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    pack = make_pack(tmp_path / "store", SIZES)
    (tmp_path / "file").write_bytes(b"")
    with loopback() as mine, pytest.raises(SongarkError, match="cannot be used") as caught:
        fetch(mine, pack.torrent, into=tmp_path / "file" / "into")
    assert caught.value.place == str(tmp_path / "file" / "into")


def test_a_peer_that_comes_later_is_found(tmp_path):
    pack = make_pack(tmp_path / "store", SIZES)
    with loopback() as session, Seeder(session) as seeder, loopback() as mine:
        late = threading.Timer(0.3, seeder.add, (pack.torrent, pack.places))
        late.start()
        done = fetch(
            mine,
            pack.torrent,
            into=tmp_path / "into",
            peers=[("no-such-host.invalid", 1), (LOOPBACK, session.port)],
            patience=30.0,
        )
        late.join()
    assert done.missing == ()


def test_downloads_share_a_session(tmp_path):
    packs = [make_pack(tmp_path / "store", SIZES, f"Pack {n}") for n in range(3)]
    with swarm(*packs) as (mine, peers):
        threads = [
            threading.Thread(
                target=fetch,
                args=(mine, pack.torrent),
                kwargs={"into": tmp_path / pack.folder, "peers": peers},
            )
            for pack in packs
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for pack in packs:
        same(pack, tmp_path / pack.folder, pack.files)


def test_what_is_seeded_here_cannot_be_fetched_here(tmp_path):
    pack = make_pack(tmp_path / "store", SIZES)
    with loopback() as session, Seeder(session) as seeder:
        seeder.add(pack.torrent, pack.places)
        with pytest.raises(SongarkError, match="cannot be fetched"):
            fetch(session, pack.torrent, into=tmp_path / "into")
        assert seeder.status().torrents == 1


def test_a_file_that_the_torrent_has_not_is_an_error(tmp_path):
    pack = make_pack(tmp_path / "store", SIZES)
    with loopback() as mine:
        with pytest.raises(SongarkError, match="not a file"):
            fetch(mine, pack.torrent, into=tmp_path / "into", only={"z.ogg"})
        with pytest.raises(SongarkError, match="not a file"):
            fetch(mine, pack.torrent, into=tmp_path / "into", have={"z.ogg": tmp_path})
        with pytest.raises(BrokenError):
            fetch(mine, pack.torrent.replace(b"5:a.ogg", b"5:../xx"), into=tmp_path / "into")
    assert not (tmp_path / "into").exists()
