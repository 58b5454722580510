import json
import shutil
from contextlib import contextmanager

import pytest

from songark.api.withdraw import withdraw
from songark.ark.journal import canonical
from songark.ark.layout import Ark
from songark.ark.lock import locked
from songark.demo.strangers import serving
from songark.mirror.own import OwnSeeder
from songark.mirror.seeder import Seeder
from songark.mirror.shelf import Shelf
from songark.model.errors import BrokenError, LockedError, SongarkError, UsageError
from songark.model.hashing import hash_file
from songark.release.packs import ATTRIBUTION
from tests.mirror.swarm_support import LOOPBACK, loopback, snapshot, throttle, wait_for
from tests.mirror.test_editions import torrent_of
from tests.release_support import (
    MAIL,
    OPEN,
    HostileFeed,
    again,
    copy_packs,
    digests,
    file_of,
    keys_of,
    lines,
    package,
    published,
    row,
    rows,
    run_mirror,
    take_in,
    tone,
)
from tests.support import REPOSITORY, start_child

LONG = "small-fine-CC-BY-tier4-0001"
KIB = 1024


@contextmanager
def seeding(ark, rate=0):
    """The archive's own seeder, in a session that looks round quickly; gives its address."""
    with loopback() as session, Seeder(session) as seeder:
        OwnSeeder(ark, seeder).sync()
        if rate:
            throttle(session, rate)
        yield [(LOOPBACK, session.port)]


def visible(folder):
    """What a listener sees of a mirror: packs and files, by path."""
    return {path: told for path, told in digests(folder).items() if not path.startswith(".songark")}


def expected(ark, folder, edition=-1):
    return digests(copy_packs(ark, folder, edition))


@pytest.fixture(scope="module")
def ark(tmp_path_factory):
    """The base archive, not to be changed."""
    return published(tmp_path_factory.mktemp("mirror"))


@pytest.fixture(scope="module")
def whole(ark, tmp_path_factory):
    """A mirror of all of it, not to be changed, and what the run told."""
    folder = tmp_path_factory.mktemp("whole") / "mirror"
    with seeding(ark) as peers:
        return folder, run_mirror(ark.feed, folder, peers)


def copied(whole, tmp_path):
    """A mirror of all of it that may be changed."""
    return shutil.copytree(whole[0], tmp_path / "mirror")


def test_everything_byte_for_byte(ark, whole, tmp_path):
    folder, done = whole
    assert visible(folder) == expected(ark, tmp_path)
    assert (done.edition, done.packs, done.tracks, done.audio_fetched) == (1, 6, OPEN, OPEN)
    assert (done.set_aside, done.passed_over, done.failed) == (0, 0, [])
    assert done.verified == OPEN + 6
    texts = sum(len(path.read_bytes()) for path in folder.glob(f"*/{ATTRIBUTION}"))
    assert done.bytes == sum(one["size"] for one in rows(ark)) + texts
    assert not list((folder / ".songark").rglob("*.part"))
    assert not list((folder / ".songark/incoming").iterdir())
    stored = {path.name for path in (folder / ".songark/torrents").iterdir()}
    assert stored == {path.name for path in ark.torrents.iterdir()}


def test_a_second_run_fetches_and_hashes_nothing(ark, whole, tmp_path):
    folder = copied(whole, tmp_path)
    before = snapshot(folder)
    done = run_mirror(ark.feed, folder, [])
    assert (done.fetched, done.audio_fetched, done.set_aside, done.verified) == (0, 0, 0, 0)
    assert (done.packs, done.tracks) == (6, OPEN)
    changed = {name for name, told in snapshot(folder).items() if before.get(name) != told}
    assert not [name for name in changed if not name.startswith(".songark/trust")]


def test_the_most_heard_under_a_budget_and_more_under_a_larger_one(ark, tmp_path):
    heard = row(ark, "Song 0")["pack"]
    budget = lines(ark)[heard]["bytes"] + 6 * KIB
    with seeding(ark) as peers:
        done = run_mirror(ark.feed, tmp_path / "m", peers, budget=budget)
        # What is next by listens a byte is too large for what is left; one that fits is taken.
        packs = {heard, row(ark, "Tune 0")["pack"]}
        assert {path.split("/")[0] for path in visible(tmp_path / "m")} == packs
        assert (done.packs, done.passed_over) == (2, 4)
        assert sum(lines(ark)[pack]["bytes"] for pack in packs) <= budget
        before = visible(tmp_path / "m")
        more = run_mirror(ark.feed, tmp_path / "m", peers, budget=budget + 12 * KIB)
    assert (more.packs, more.audio_fetched) == (3, lines(ark)[more_pack(tmp_path, packs)]["tracks"])
    assert before.items() < visible(tmp_path / "m").items()


def test_a_pack_that_was_removed_by_hand_makes_room(ark, whole, tmp_path):
    folder = copied(whole, tmp_path)
    shutil.rmtree(folder / LONG)
    before = visible(folder)
    done = run_mirror(ark.feed, folder, [], budget=100 * KIB)
    assert visible(folder) == before
    assert (done.packs, done.passed_over, done.set_aside) == (5, 1, 0)


def test_a_licence_class_that_is_not_wanted_is_not_taken(ark, tmp_path):
    refused = [pack for pack, told in lines(ark).items() if "SA" in told["licence_class"]]
    assert refused
    with seeding(ark) as peers:
        done = run_mirror(ark.feed, tmp_path / "m", peers, without=frozenset({"SA"}))
    assert done.passed_over == len(refused)
    packs = {path.split("/")[0] for path in visible(tmp_path / "m")}
    assert packs == set(lines(ark)) - set(refused)


def more_pack(tmp_path, packs):
    (pack,) = {path.split("/")[0] for path in visible(tmp_path / "m")} - packs
    return pack


def test_a_smaller_budget_deletes_nothing_and_takes_nothing(ark, whole, tmp_path):
    folder = copied(whole, tmp_path)
    shutil.rmtree(folder / row(ark, "Zero")["pack"])
    before = visible(folder)
    done = run_mirror(ark.feed, folder, [], budget=50 * KIB)
    assert visible(folder) == before
    assert (done.fetched, done.passed_over) == (0, 6 - done.packs)


KILLED = """
from pathlib import Path
sys.path.insert(0, sys.argv[4])
from tests.release_support import run_mirror
run_mirror(Path(sys.argv[1]), Path(sys.argv[2]), [("127.0.0.1", int(sys.argv[3]))])
"""


def has_whole_piece(part, original):
    """Whether one of the first two pieces of a file has come, in whatever order blocks come."""
    data = part.read_bytes() if part.is_file() else b""
    pieces = [slice(start, start + 1024 * KIB) for start in (0, 1024 * KIB)]
    return any(data[piece] == original[piece] for piece in pieces)


def test_killed_in_the_middle_it_goes_on(ark, tmp_path):
    folder = tmp_path / "m"
    size = row(ark, "Long")["size"]
    part = folder / ".songark/incoming" / LONG / row(ark, "Long")["name"]
    (stored,) = ark.store.glob(f"*/*/{file_of(row(ark, 'Long'))}.*")
    original = stored.read_bytes()
    with seeding(ark, rate=600_000) as peers:
        child = start_child(KILLED, ark.feed, folder, peers[0][1], REPOSITORY)
        try:
            wait_for(lambda: has_whole_piece(part, original))
        finally:
            child.kill()
            child.communicate()
        assert not (folder / LONG).exists()
    with seeding(ark) as peers:
        done = run_mirror(ark.feed, folder, peers)
    assert done.fetched < size
    assert visible(folder) == expected(ark, tmp_path / "same")


def test_a_re_issue_fetches_no_music_and_what_is_withdrawn_leaves(whole, tmp_path):
    ark, folder = published(tmp_path), copied(whole, tmp_path)
    gone = row(ark, "Song 0")
    withdraw(ark, gone["recording"], keys=keys_of(ark))
    again(ark)
    with seeding(ark) as peers:
        done = run_mirror(ark.feed, folder, peers)
    # The attribution of the pack is another one now.
    assert (done.edition, done.audio_fetched, done.set_aside) == (2, 0, 1)
    assert done.fetched < 64 * KIB
    assert visible(folder) == expected(ark, tmp_path / "same")
    assert (folder / ".songark/withdrawn" / gone["pack"] / gone["name"]).is_file()
    stored = {path.stem for path in (folder / ".songark/torrents").iterdir()}
    assert stored == {line["infohash_v2"] for line in lines(ark).values()}


def test_a_withdrawal_is_obeyed_in_packs_that_are_not_chosen_and_before_a_re_issue(whole, tmp_path):
    ark, folder = published(tmp_path), copied(whole, tmp_path)
    gone = row(ark, "Long")
    withdraw(ark, gone["recording"], keys=keys_of(ark))
    done = run_mirror(ark.feed, folder, [], budget=1)
    assert (done.set_aside, done.packs) == (1, 0)
    assert not (folder / gone["pack"] / gone["name"]).exists()


def test_what_is_withdrawn_is_not_fetched_from_anybody(ark, tmp_path):
    """The last edition's torrent still lists it, and other mirrors may still have it."""
    mine = published(tmp_path)
    gone = row(mine, "Song 1")
    withdraw(mine, gone["recording"], keys=keys_of(mine))
    with seeding(ark) as peers:
        done = run_mirror(mine.feed, tmp_path / "m", peers)
    assert (done.packs, done.tracks, done.failed) == (6, OPEN - 1, [])
    assert gone["name"] not in {path.split("/")[1] for path in visible(tmp_path / "m")}
    assert not list((tmp_path / "m").rglob(gone["name"]))


def test_a_damaged_file_is_found_and_only_it_is_fetched_again(ark, whole, tmp_path):
    folder = copied(whole, tmp_path)
    before = visible(folder)
    bad = row(ark, "Song 2")
    (folder / bad["pack"] / bad["name"]).write_bytes(b"rotten")
    changed = row(ark, "Tune 1")
    data = bytearray((folder / changed["pack"] / changed["name"]).read_bytes())
    data[100] ^= 1
    (folder / changed["pack"] / changed["name"]).write_bytes(data)
    with seeding(ark) as peers:
        done = run_mirror(ark.feed, folder, peers)
    assert visible(folder) == before
    assert done.audio_fetched == 2
    assert done.fetched < 64 * KIB


def test_what_is_somebody_elses_in_the_folder_is_left_alone(ark, whole, tmp_path):
    folder = copied(whole, tmp_path)
    pack = row(ark, "Song 0")["pack"]
    for path in ("own.txt", "Holiday/beach.jpg", f"{pack}/notes.txt", ".hidden", ".songark/mine"):
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text("mine")
    (folder / "link").symlink_to(tmp_path)
    (folder / pack / "deep").mkdir()
    before = visible(folder)
    run_mirror(ark.feed, folder, [])
    assert visible(folder) == before
    assert (folder / ".songark/mine").read_text() == "mine"
    assert (folder / "link").is_symlink()
    assert (folder / pack / "deep").is_dir()


def test_a_file_of_ones_own_under_a_name_of_the_release_is_not_written_over(ark, tmp_path):
    mine = row(ark, "Song 0")
    place = tmp_path / "m" / mine["pack"] / mine["name"]
    place.parent.mkdir(parents=True)
    place.write_text("my thesis")
    with seeding(ark) as peers:
        done = run_mirror(ark.feed, tmp_path / "m", peers)
    assert place.read_text() == "my thesis"
    assert [one.place for one in done.failed] == [str(place)]
    assert "Move it" in done.failed[0].remedy
    assert (done.packs, done.tracks) == (5, OPEN - 2)


def test_a_pack_that_cannot_be_had_stops_no_other(tmp_path):
    ark = published(tmp_path)
    lost = row(ark, "Song 2")
    (place,) = ark.store.glob(f"*/*/{file_of(lost)}.*")
    place.unlink()
    with seeding(ark) as peers:
        done = run_mirror(ark.feed, tmp_path / "m", peers, patience=3.0)
    assert [one.place.split(" ")[0] for one in done.failed] == [lost["pack"]]
    assert "nothing came" in done.failed[0].reason
    assert (done.packs, done.tracks) == (5, OPEN - 2)
    there = {path.split("/")[0] for path in visible(tmp_path / "m")}
    assert there == lines(ark).keys() - {lost["pack"]}


def test_with_nobody_there_it_says_so(ark, tmp_path):
    with pytest.raises(SongarkError, match="nothing came"):
        run_mirror(ark.feed, tmp_path / "m", [], patience=0.5, budget=12 * KIB)


def test_a_file_whose_licence_changed_moves_without_being_fetched(tmp_path):
    music = tmp_path / "music" / "ann"
    for n in range(2):
        tone(music / f"a{n}.ogg", 300 + n * 30, f"Song {n}", "Ann")
    package(music, "CC-BY-4.0", f"Ann <{MAIL}>")
    ark = Ark.init(tmp_path / "ark", name="moves")
    take_in(ark, music)
    again(ark)
    with seeding(ark) as peers:
        run_mirror(ark.feed, tmp_path / "m", peers)
    package(music, "CC-BY-SA-4.0", f"Ann <{MAIL}>")
    take_in(ark, music)
    again(ark)
    assert list(lines(ark)) == ["moves-CC-BY-SA-tier5-0001"]
    with seeding(ark) as peers:
        done = run_mirror(ark.feed, tmp_path / "m", peers)
    assert (done.audio_fetched, done.tracks) == (0, 2)
    assert done.fetched < 32 * KIB
    assert visible(tmp_path / "m") == expected(ark, tmp_path / "same")
    # Two tracks and the old attribution left a folder that is no more.
    assert done.set_aside == 3
    # A mirror that comes now finds nothing withdrawn: a change of licence is none.
    assert json.loads((ark.feed / "files/editions/2/edition.json").read_bytes())["tracks"] == 2


def test_one_run_at_a_time(ark, tmp_path):
    with locked(tmp_path / "m/.songark/lock"), pytest.raises(LockedError):
        run_mirror(ark.feed, tmp_path / "m", [])


def test_a_feed_without_an_edition(ark, tmp_path):
    hostile = HostileFeed.of(ark, tmp_path / "feed")
    hostile.number = 0
    with pytest.raises(UsageError, match="no edition"):
        run_mirror(hostile.sign(), tmp_path / "m", [])


def _hostile_pack(hostile, folder, files, **told):
    made = torrent_of(folder, files)
    name = f"torrents/{made.infohash_v2.hex()}.torrent"
    hostile.files[name] = made.data
    audio = [len(data) for n, data in files.items() if n != ATTRIBUTION]
    true = {"pack": folder, "file": name, "tracks": len(audio), "bytes": sum(audio)}
    hostile.change_line(LONG, **{**true, **told})


@pytest.mark.parametrize(
    "trick",
    [
        "pack-above",
        "own-folder",
        "hidden-file",
        "more-bytes",
        "twin",
        "index",
        "memory",
        "withdrawn",
    ],
)
def test_a_hostile_keeper_reaches_nothing(ark, whole, tmp_path, trick):
    """Good signatures, bad intentions: the mirror and what lies beside it stay as they are."""
    folder = copied(whole, tmp_path)
    shutil.rmtree(folder / ".songark/trust")
    (tmp_path / "beside.txt").write_text("mine")
    hostile = HostileFeed.of(ark, tmp_path / "feed")
    if trick == "pack-above":
        hostile.change_line(LONG, pack="../x")
    elif trick == "own-folder":
        _hostile_pack(hostile, ".songark", {"verified.jsonl": b"{}"})
    elif trick == "hidden-file":
        _hostile_pack(hostile, "Pack", {".bashrc": b"evil"})
    elif trick == "more-bytes":
        _hostile_pack(hostile, "Pack", {"a.ogg": b"x" * 999}, bytes=1)
    elif trick == "twin":
        hostile.change_line(LONG, pack=row(ark, "Zero")["pack"])
    elif trick == "index":
        hostile.files["verified.jsonl"] = b'{"path": "../beside.txt"}'
    elif trick == "memory":
        hostile.files["trust/first.root.json"] = b"{}"
    elif trick == "withdrawn":
        hostile.withdrawn = canonical({"root": "00" * 32, "size": "../beside.txt"}) + b"\n"
    memory = (folder / ".songark/verified.jsonl").read_bytes()
    hostile.sign()
    with pytest.raises(BrokenError):
        run_mirror(tmp_path / "feed", folder, [])
    assert visible(folder) == visible(whole[0])
    assert (folder / ".songark/verified.jsonl").read_bytes() == memory
    assert {path.name for path in tmp_path.iterdir()} == {
        "mirror",
        "feed",
        "feed-keys",
        "feed.lock",
        "beside.txt",
    }


def test_a_memory_that_leads_out_of_the_folder_moves_nothing(ark, whole, tmp_path):
    """As a tampered `verified.jsonl` would have it, together with a withdrawal of that file."""
    folder = copied(whole, tmp_path)
    shutil.rmtree(folder / ".songark/trust")
    victim = tmp_path / "beside.txt"
    victim.write_text("mine")
    file = hash_file(victim).file
    with (folder / ".songark/verified.jsonl").open("ab") as stream:
        told = {"path": "../beside.txt", "file": str(file), "modified": 1}
        stream.write(canonical(told) + b"\n")
    hostile = HostileFeed.of(ark, tmp_path / "feed")
    told = {"root": file.root.hex(), "size": file.size, "recording": "r", "reason": "withdrawn"}
    hostile.withdrawn = canonical(told) + b"\n"
    run_mirror(hostile.sign(), folder, [])
    assert victim.read_text() == "mine"


@pytest.mark.slow
def test_by_a_web_seed_alone(tmp_path):
    """No peer: the feed names the archive's own web seed, and clients put the path behind it."""
    ark = published(tmp_path)
    with serving(ark) as served:
        toml = (ark.path / "songark.toml").read_text()
        base = f"{served.web}music"
        (ark.path / "songark.toml").write_text(
            toml.replace("web_seeds = []", f'web_seeds = ["{base}"]')
        )
        ark = Ark.open(ark.path)
        again(ark)
        done = run_mirror(f"{served.web}feed/", tmp_path / "m", [])
    assert (done.tracks, done.failed) == (OPEN, [])
    assert visible(tmp_path / "m") == expected(ark, tmp_path / "same")


def test_a_partial_download_is_used_by_the_next_issue(tmp_path):
    """It is kept by pack, whose names do not change, and not by torrent."""
    assert Shelf(tmp_path).incoming(LONG) == tmp_path / ".songark/incoming" / LONG
