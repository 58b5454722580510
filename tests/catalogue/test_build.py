"""One archive that holds a case of every rule, built once."""

import random
import shutil

import pytest

from songark.ark.pointer import current
from songark.ark.tables import read_rows
from songark.catalogue.build import build_catalogue
from songark.model.errors import BrokenError
from tests.support import (
    file_id,
    ingest_folder,
    ingest_listens,
    learn_packets,
    new_ark,
    rows,
    tagged,
    track,
)


def song(name, title, duration=None, *, artist="Artist", **columns):
    return track(name, title_raw=title, artist_raw=artist, duration_ms=duration, **columns)


TRACKS = [
    song("file", "File", 1000),
    song("packets-1", "Packets", 1000),
    song("packets-2", "Packets, tagged anew", 1000),
    song("isrc-title-1", "Isrc title", 1000),
    song("isrc-title-2", "ISRC Title!", 90_000),
    song("isrc-length-1", "Isrc length", 1000),
    song("isrc-length-2", "Another spelling", 5000),
    song("isrc-dispute-1", "Dispute", 1000),
    song("isrc-dispute-2", "Nothing alike", 9000),
    song("isrc-silent-1", "Silent", None),
    song("isrc-silent-2", "Nothing alike either", 1000),
    song("name-1", "Näme", 1000, artist="A & B"),
    song("name-2", "NAME", 3000, artist="B, A feat. C"),
    song("name-untimed", "name", None, artist="A; B"),
    song("clusters-1", "Clusters", 1000),
    song("clusters-2", "Clusters", 60_000),
    song("clusters-untimed", "Clusters", None),
    song("untimed-1", "Untimed", None),
    song("untimed-2", "Untimed", None),
    song("live", "Version (Live)", 1000),
    song("studio", "Version", 1000),
    track("nameless-1", title_raw="Nameless", duration_ms=1000),
    track("nameless-2", title_raw="Nameless", duration_ms=1000),
    track("bare"),
]
ISRCS = [
    tagged(f"isrc-{case}-{side}", "isrc", f"XXAAA260000{number}")
    for number, case in enumerate(("title", "length", "dispute", "silent"))
    for side in (1, 2)
] + [tagged("file", "mbid", "a-mbid")]
TOGETHER = [
    {"packets-1", "packets-2"},
    {"isrc-title-1", "isrc-title-2"},
    {"isrc-length-1", "isrc-length-2"},
    {"name-1", "name-2", "name-untimed"},
]
LISTENS = {
    "name:artist\tfile": 1000,
    "mbid:a-mbid": 50,
    "name:A and B\tname": 10,
    "name:Artist\tVersion (live)": 1,
    "name:Artist\tclusters": 7,
    "name:Nobody\tFile": 3,
    "isrc:XXAAA2600002": 5,
    "songark:rnobody": 2,
}


@pytest.fixture(scope="module")
def ark(tmp_path_factory):
    made = new_ark(tmp_path_factory.mktemp("build") / "ark")
    ingest_folder(made, TRACKS, identifiers=ISRCS)
    ingest_folder(made, [song("file", "File", 1000)], place="/elsewhere")
    learn_packets(made, {file_id("packets-1"): "same", file_id("packets-2"): "same"})
    ingest_listens(made, LISTENS)
    return made


@pytest.fixture(scope="module")
def built(ark):
    return build_catalogue(ark)


@pytest.fixture(scope="module")
def members(built):
    """(name of the track, row of its membership), also where a name stands twice."""
    return [(row["source_key"].removesuffix(".ogg"), row) for row in rows(built, "membership")]


@pytest.fixture(scope="module")
def ids(members):
    return {name: row["recording"] for name, row in members}


@pytest.fixture(scope="module")
def recordings(built):
    return {row["recording"]: row for row in rows(built, "recording")}


def test_rows_come_together_by_the_rules_and_no_others(ids):
    groups = {}
    for name, recording in ids.items():
        groups.setdefault(recording, set()).add(name)
    assert sorted(map(sorted, (g for g in groups.values() if len(g) > 1))) == sorted(
        map(sorted, TOGETHER)
    )


def test_every_row_in_is_a_row_out(built, members):
    assert len(members) == len(TRACKS) + 1 == built.facts["counts"]["row"]
    assert [name for name, _row in members].count("file") == 2


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("file", "same file"),
        ("packets-2", "same packets"),
        ("isrc-title-1", "same identifier"),
        ("isrc-length-2", "same identifier"),
        ("name-1", "same name and duration"),
        ("name-untimed", "same name and duration"),
        ("studio", "alone"),
        ("isrc-dispute-1", "alone"),
    ],
)
def test_each_row_says_by_which_rule_it_is_there_and_beside_which(members, name, rule):
    for _name, row in (one for one in members if one[0] == name):
        assert row["rule"] == rule
        beside = {n for n, other in members if other["source_key"] == row["beside"]}
        assert (
            beside == set()
            if rule == "alone"
            else {row["recording"]} == {other["recording"] for n, other in members if n in beside}
        )


def test_identifiers_that_nothing_confirms_are_written_down_as_conflicts(built):
    told = {
        (row["subject"], row["left"], row["right"])
        for row in rows(built, "conflict")
        if row["kind"] == "identifier"
    }
    assert told == {
        ("isrc:XXAAA2600002", "isrc-dispute-1.ogg", "isrc-dispute-2.ogg"),
        ("isrc:XXAAA2600003", "isrc-silent-1.ogg", "isrc-silent-2.ogg"),
    }


def test_identifiers_name_recordings(built, ids):
    told = {(r["scheme"], r["value"], r["recording"]) for r in rows(built, "identifier")}
    assert ("mbid", "a-mbid", ids["file"]) in told
    assert ("isrc", "XXAAA2600000", ids["isrc-title-1"]) in told
    disputed = {one for _scheme, value, one in told if value == "XXAAA2600002"}
    assert disputed == {ids["isrc-dispute-1"], ids["isrc-dispute-2"]}


def test_listens_are_counted_where_they_name_one_recording(recordings, ids):
    told = {row["recording"]: row["listens"] for row in recordings.values() if row["listens"]}
    assert told == {ids["file"]: 1050, ids["name-1"]: 10, ids["live"]: 1}


def test_listens_that_name_none_or_several_are_written_down(built):
    told = {
        row["subject"]: (row["left"], row["reason"])
        for row in rows(built, "conflict")
        if row["kind"] == "listens"
    }
    assert told == {
        "name:Nobody\tFile": ("3", "no recording has this name"),
        "songark:rnobody": ("2", "no recording has this name"),
        "name:Artist\tclusters": ("7", "several have this name"),
        "isrc:XXAAA2600002": ("5", "several have this name"),
    }


def test_no_listen_is_lost(built, recordings):
    counted = sum(row["listens"] for row in recordings.values())
    lost = sum(int(r["left"]) for r in rows(built, "conflict") if r["kind"] == "listens")
    assert counted + lost == sum(LISTENS.values())


def test_popularity_goes_from_0_to_100_with_the_listens(recordings, ids):
    told = sorted((row["listens"], row["popularity"]) for row in recordings.values())
    assert [popularity for _listens, popularity in told] == sorted(p for _l, p in told)
    assert told[0] == (0, 0)
    assert told[-1] == (1050, 100)
    assert 0 < recordings[ids["live"]]["popularity"] < recordings[ids["name-1"]]["popularity"] < 100


def test_a_recording_is_shown_by_what_is_printed_or_by_its_file(recordings, ids):
    bare, name = recordings[ids["bare"]], recordings[ids["name-1"]]
    assert (bare["title"], bare["artist"]) == ("bare", "Unknown artist")
    assert (name["title"], name["artist"], name["files"]) == ("Näme", "A & B", 3)
    assert recordings[ids["file"]]["files"] == 1


def test_nothing_new_gives_the_same_build(ark, built):
    assert build_catalogue(ark) == built == current(ark.catalogue)
    built.verify()


def tables(sealed):
    """What may not depend on the order of input: the numbers of rows may, so sets of members."""
    told = {
        name: (sealed.path / f"{name}.parquet").read_bytes()
        for name in ("recording", "identifier", "conflict", "registry", "redirect")
    }
    rows = read_rows(sealed.path / "membership.parquet", ["recording", "snapshot", "source_key"])
    return told | {"membership": sorted(tuple(row.values()) for row in rows)}


def synthetic(maker):
    """Rows of few names, lengths and identifiers in four places, so that everything collides."""
    made = {}
    for number in range(40):
        name = f"f{number}"
        made[name] = song(
            name,
            maker.choice(["T", "U", "V", None]),
            maker.choice([None, 1000, 2500, 4400, 9000]),
            artist=maker.choice(["A", "B", None]),
            lossless=maker.random() < 0.5,
        )
    places = {f"/place/{number}": maker.sample(sorted(made), 20) for number in range(3)}
    marks = [
        tagged(name, "isrc", f"v{maker.randrange(6)}") for name in made if maker.random() < 0.5
    ]
    probes = {file_id(name): maker.choice("xyz") for name in maker.sample(sorted(made), 12)}
    folders = [
        (place, [made[n] for n in names], [m for m in marks if m["source_key"][:-4] in names])
        for place, names in places.items()
    ]
    listens = {f"name:{a}\t{t}": maker.randrange(99) for a in "AB" for t in "TUV"}
    return folders, probes, listens


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_in_which_snapshots_come_does_not_show(tmp_path, seed):
    told = []
    for turn in (0, 1):
        maker = random.Random(seed)
        folders, probes, listens = synthetic(maker)
        steps = [
            *((ingest_folder, told) for told in folders),
            (learn_packets, probes),
            (ingest_listens, listens),
        ]
        if turn:
            random.Random(seed + 100).shuffle(steps)
        ark = new_ark(tmp_path / f"ark-{turn}")
        for step, one in steps:
            if step is ingest_folder:
                ingest_folder(ark, one[1], identifiers=one[2], place=one[0])
            else:
                step(ark, one)
        told.append(tables(build_catalogue(ark)))
    assert told[0] == told[1]
    assert len(told[0]["membership"]) == 60


def test_an_empty_archive_has_an_empty_catalogue(tmp_path):
    built = build_catalogue(new_ark(tmp_path / "ark"))
    assert rows(built, "recording") == []
    assert rows(built, "conflict") == []


def test_ids_survive_what_comes_later(tmp_path):
    ark = new_ark(tmp_path / "ark")
    ingest_folder(ark, [song("a", "One", 1000), song("b", "Two", 9000)])
    first = {r["source_key"]: r["recording"] for r in rows(build_catalogue(ark), "membership")}
    # The folder again, with a tagged anew, b gone, another copy of b elsewhere, and news.
    again = song("a", "One, mended", 1000)
    ingest_folder(ark, [again, song("0", "Zero", 500), song("z", "Three", 700)])
    ingest_folder(ark, [song("b", "Two", 9000)], place="/elsewhere")
    later = rows(build_catalogue(ark), "membership")
    ids = {(r["source_key"], r["recording"]) for r in later}
    assert ids >= set(first.items())
    assert {r["title_raw"] for r in later if r["source_key"] == "a.ogg"} == {"One, mended"}
    # The store finds that both have the same packets: one id stays, the other redirects.
    learn_packets(ark, {file_id("a"): "x", file_id("b"): "x"})
    ingest_listens(ark, {f"songark:{old}": 3 for old in first.values()})
    merged = build_catalogue(ark)
    kept = {r["recording"] for r in rows(merged, "membership") if r["source_key"] in first}
    assert len(kept) == 1
    assert kept < set(first.values())
    (gone,) = set(first.values()) - kept
    assert rows(merged, "redirect") == [{"old": gone, "new": min(kept), "kind": "merged"}]
    listens = {r["recording"]: r["listens"] for r in rows(merged, "recording") if r["listens"]}
    assert listens == {min(kept): 6}


def test_a_log_of_listens_replaces_the_one_from_the_same_place(tmp_path):
    ark = new_ark(tmp_path / "ark")
    ingest_folder(ark, [song("a", "One", 1000)])
    ingest_listens(ark, {"name:Artist\tOne": 5})
    ingest_listens(ark, {"name:Artist\tOne": 7})
    ingest_listens(ark, {"name:Artist\tone": 11}, place="/other.csv")
    (only,) = rows(build_catalogue(ark), "recording")
    assert only["listens"] == 18


def test_a_snapshot_that_is_gone_is_named_with_what_to_do(tmp_path):
    ark = new_ark(tmp_path / "ark")
    gone = ingest_folder(ark, [song("a", "One", 1000)])
    shutil.rmtree(gone.path)
    with pytest.raises(BrokenError) as caught:
        build_catalogue(ark)
    assert caught.value.place == str(gone.path)
    assert "/music" in caught.value.remedy
