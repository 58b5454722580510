import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from songark.model.hashing import PIECE, HashRecord
from songark.release import packs as module
from songark.release.packs import ATTRIBUTION, depositor_of, slug, tier_of
from songark.release.torrent import MAX_TORRENT, TorrentFile, build_torrent
from songark.release.torrent_form import check_distinct, check_name
from tests.release.packing import Packer, track


@pytest.mark.parametrize(
    ("popularity", "tier"), [(100, 1), (80, 1), (79, 2), (60, 2), (40, 3), (39, 4), (1, 4), (0, 5)]
)
def test_tiers(popularity, tier):
    assert tier_of(popularity) == tier


def test_one_licence_class_one_tier_one_depositor_a_pack():
    every = [
        track(f"{licence}{popularity}{holder}{grade}", licence_class=licence,
              popularity=popularity, holder=holder, grade=grade)
        for licence in ("CC0", "CC-BY")
        for popularity in (90, 0)
        for holder in ("Ann", "Bob")
        for grade in (3, 4)
    ]  # fmt: skip
    packs = Packer().fill(*every)
    for pack in packs.values():
        for one in pack.tracks.values():
            assert one.clearance.licence_class == pack.licence_class
            assert tier_of(one.known["popularity"]) == pack.tier
            assert depositor_of(one) == pack.depositor
    signed = {pack.depositor for pack in packs.values()} - {""}
    assert (len(packs), len(signed)) == (2 * 2 * 3, 2)
    assert "demo-CC-BY-tier1-0001" in packs


def test_who_signed_is_not_to_be_read_from_a_name():
    (name,) = Packer().fill(track("a", grade=4, holder="Ann Onymous"))
    assert "ann" not in name.lower()
    assert depositor_of(track("a", grade=4, holder="")) == ""


def test_a_pack_is_filled_up_to_the_limit_and_the_most_heard_come_first():
    every = [track(f"{n}", size=400, listens=n, popularity=90) for n in range(5)]
    packs = Packer(limit=800).fill(*every)
    assert {name: [one.known["listens"] for one in pack.tracks.values()]
            for name, pack in packs.items()} == {
        "demo-CC-BY-tier1-0001": [4, 3],
        "demo-CC-BY-tier1-0002": [2, 1],
        "demo-CC-BY-tier1-0003": [0],
    }  # fmt: skip
    assert [pack.bytes for pack in packs.values()] == [800, 800, 400]


def test_what_is_larger_than_a_pack_has_its_own():
    packs = Packer(limit=500).fill(
        track("large", size=501, listens=2), track("small", size=1, listens=1)
    )
    assert [len(pack.tracks) for pack in packs.values()] == [1, 1]


def test_a_pack_stops_where_its_torrent_would_be_too_large(monkeypatch):
    """Many small files fill a torrent before they fill a pack; the estimate is never too low."""
    monkeypatch.setattr(module, "_ROOM", 100_000)
    every = [track(f"{n:040} ö" * 4, size=PIECE + 1 + n, grade=3) for n in range(300)]
    packs = Packer(limit=10**15).fill(*every)
    assert len(packs) > 1
    for pack in packs.values():
        files = [
            TorrentFile(
                name,
                HashRecord(one.file, bytes(32), bytes(64), bytes(40), bytes(20)),
            )
            for name, one in pack.tracks.items()
        ]
        made = build_torrent(pack.name, files)
        assert 0.5 * pack.told < len(made.data) <= pack.told
        assert pack.told <= 100_000
    monkeypatch.undo()
    assert module._ROOM < MAX_TORRENT


SPEC = st.lists(
    st.tuples(
        st.integers(1, 900),
        st.sampled_from(["CC0", "CC-BY", "CC-BY-SA"]),
        st.integers(0, 100),
        st.integers(0, 3),
        st.sampled_from([3, 4]),
        st.sampled_from(["Ann", "Bob"]),
    ),
    max_size=25,
)


def made_of(spec, seed="", same_title=False):
    return [
        track(
            "same" if same_title else f"{seed}{n}", size=size * 30 + n, licence_class=licence,
            popularity=popularity, listens=listens, grade=grade, holder=holder,
            recording=f"{seed}{n}",
        )
        for n, (size, licence, popularity, listens, grade, holder) in enumerate(spec)
    ]  # fmt: skip


@given(SPEC, st.randoms())
def test_the_order_of_tracks_does_not_matter(spec, dice):
    every = made_of(spec)
    shuffled = random.Random(dice.random()).sample(every, len(every))
    one, other = Packer(), Packer()
    assert one.fill(*every).keys() == other.fill(*shuffled).keys()
    assert one.placed == other.placed


@given(SPEC)
def test_names_can_stand_in_a_torrent(spec):
    for name, pack in Packer().fill(*made_of(spec, same_title=True)).items():
        check_name(name)
        check_distinct([*pack.tracks, ATTRIBUTION])
        for one in pack.tracks:
            check_name(one)


@given(st.lists(SPEC, max_size=3), st.randoms())
@settings(max_examples=60)
def test_nothing_moves_over_many_editions(specs, dice):
    """Tracks come, go and come back; each is in one pack, under the name it first had."""
    packer = Packer()
    born, present = {}, {}
    for number, spec in enumerate([*specs, []]):
        for one in made_of(spec, f"{number}-"):
            present[one.file] = one
        for file in [file for file in present if dice.random() < 0.2]:
            del present[file]
        heard = [
            track(
                one.known["title"], size=one.file.size,
                licence_class=one.clearance.licence_class,
                **{**one.known, "popularity": dice.randrange(101), "listens": dice.randrange(9)},
            )
            for one in present.values()
        ]  # fmt: skip
        packs = packer.fill(*heard)
        placed = {
            one.file: (pack.name, name)
            for pack in packs.values()
            for name, one in pack.tracks.items()
        }
        assert sum(len(pack.tracks) for pack in packs.values()) == len(placed) == len(present)
        for file, place in placed.items():
            assert born.setdefault(file, place) == place
        for pack in packs.values():
            assert pack.bytes <= packer.limit or len(pack.tracks) == 1
            assert {one.clearance.licence_class for one in pack.tracks.values()} == {
                pack.licence_class
            }
    assert len(set(born.values())) == len(born)


def test_new_tracks_fill_the_newest_pack_first():
    packer = Packer(limit=1000)
    first = [track(f"{n}", size=500) for n in range(3)]
    packer.fill(*first)
    packs = packer.fill(*first, track("new", size=500))
    assert {name: len(pack.tracks) for name, pack in packs.items()} == {
        "demo-CC-BY-tier5-0001": 2,
        "demo-CC-BY-tier5-0002": 2,
    }


def test_an_older_pack_with_room_is_not_opened_again():
    packer = Packer(limit=1000)
    every = [track(f"{n}", size=500) for n in range(3)]
    packer.fill(*every)
    left = [one for one in every if packer.where(one).pack.endswith("2")]
    left += [one for one in every if one not in left][1:]
    packs = packer.fill(*left, track("new", size=500))
    assert [len(pack.tracks) for pack in packs.values()] == [1, 2]


def test_a_changed_licence_class_moves_a_track_and_nothing_else():
    packer = Packer()
    a, b = track("a"), track("b")
    packer.fill(a, b)
    name = packer.where(a).name
    packs = packer.fill(track("a", licence_class="CC-BY-SA"), b)
    assert packer.where(a).pack == "demo-CC-BY-SA-tier5-0001"
    assert list(packs["demo-CC-BY-tier5-0001"].tracks) == [packer.where(b).name]
    packer.fill(a, b)
    assert packer.where(a) == (module.Placed("demo-CC-BY-tier5-0001", name))


def test_a_changed_version_of_the_licence_moves_nothing():
    packer = Packer()
    packer.fill(track("a", licence="CC-BY-3.0"))
    assert list(packer.fill(track("a", licence="CC-BY-4.0"))) == ["demo-CC-BY-tier5-0001"]


def test_a_withdrawn_name_is_not_used_again():
    packer = Packer()
    gone = track("same", size=1)
    packer.fill(gone, track("other"))
    # Another file whose root begins with the same digits, as anybody with patience can make one.
    twin = track("same", size=2)
    assert twin.file.root == gone.file.root
    packs = packer.fill(twin, track("other"))
    assert packer.where(gone).name not in packs["demo-CC-BY-tier5-0001"].tracks
    assert packer.where(twin).name == f"Ann - same [{twin.file.root.hex()[:16]}].ogg"


def test_a_renamed_archive_keeps_its_packs():
    packer = Packer(limit=1000)
    packer.fill(track("a", size=900))
    packer.archive = "new"
    packs = packer.fill(track("a", size=900), track("b", size=900))
    assert list(packs) == ["demo-CC-BY-tier5-0001", "new-CC-BY-tier5-0002"]


@pytest.mark.parametrize(
    ("archive", "name"),
    [
        ("Jo's Ärchive!", "jo-s-rchive"),
        ("漢字", "archive"),
        ("", "archive"),
        ("../x", "x"),
        ("a" * 99, "a" * 40),
    ],
)
def test_the_archives_name_in_names_of_packs(archive, name):
    assert slug(archive) == name
