import random
from itertools import combinations, pairwise

import pyarrow as pa
import pytest

from songark.catalogue import match
from songark.catalogue.schema import EDGE, PROBE, ROW
from songark.engine.engine import Engine
from songark.model.schema import IDENTIFIER, column
from tests.support import file_id

ROWS = pa.schema(
    [
        ROW.field(name)
        for name in (
            "node",
            "snapshot",
            "source_key",
            "root",
            "size",
            "artist_key",
            "title_key",
            "duration_ms",
        )
    ]
)
TAGGED = IDENTIFIER.append(ROW.field("snapshot"))
PAIR = pa.schema(
    [
        TAGGED.field("scheme"),
        TAGGED.field("value"),
        column("agree", pa.bool_(), "confirmed"),
        EDGE.field("left"),
        EDGE.field("right"),
    ]
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    with Engine(tmp_path_factory.mktemp("spill")) as made:
        yield made


def row(node, *, artist="a", title="t", duration=1000, file=None, size=1000):
    name = file if file is not None else f"file {node}"
    return {
        "node": node,
        "snapshot": "s",
        "source_key": f"{node}.ogg",
        "root": file_id(name).root,
        "size": size,
        "artist_key": artist,
        "title_key": title,
        "duration_ms": duration,
    }


def table(engine, rows, schema=ROWS):
    return engine.rows(pa.Table.from_pylist(rows, schema))


def edges(engine, query):
    told = engine.fetch(query, EDGE).to_pylist()
    assert all(one["rule"] == match.RULES[one["rank"]] for one in told)
    assert all(one["left"] < one["right"] for one in told)
    return {(one["left"], one["right"]) for one in told}


def joined(engine, query, rows):
    """Which nodes the edges join, as a set of groups of two and more."""
    parent = {one["node"]: {one["node"]} for one in rows}
    for left, right in edges(engine, query):
        whole = parent[left] | parent[right]
        for node in whole:
            parent[node] = whole
    return {frozenset(group) for group in parent.values() if len(group) > 1}


def test_the_same_file_joins_and_a_twin_of_another_size_does_not(engine):
    rows = [row(0, file="x"), row(1, file="x"), row(2, file="x", size=64), row(3), row(4, file="x")]
    assert joined(engine, match.file_edges(table(engine, rows)), rows) == {frozenset({0, 1, 4})}


def test_the_same_packets_join_whatever_the_names(engine):
    rows = [row(n, title=f"t{n}") for n in range(4)]
    probes = [
        {"root": r["root"], "size": 1000, "packets": p, "pcm": None, "fingerprint": None}
        for r, p in zip(rows, ["x", "y", "x", "x"], strict=True)
    ]
    query = match.packet_edges(table(engine, rows), table(engine, [*probes, probes[0]], PROBE))
    assert joined(engine, query, rows) == {frozenset({0, 2, 3})}


def test_identifiers_are_confirmed_by_title_or_duration_alone(engine):
    cases = [
        ("same title, far duration", {"title": "x"}, {"title": "x", "duration": 99_000}, True),
        ("same title, no duration", {"title": "x", "duration": None}, {"title": "x"}, True),
        ("close duration", {"title": "x"}, {"title": "y", "duration": 6000}, True),
        ("far duration", {"title": "x"}, {"title": "y", "duration": 6001}, False),
        ("no duration", {"title": "x", "duration": None}, {"title": "y"}, False),
        ("none has one", {"title": "x", "duration": None}, {"title": "y", "duration": None}, False),
        ("no titles", {"title": ""}, {"title": "", "duration": 9000}, False),
    ]
    rows, tagged = [], []
    for number, (_name, one, other, _agree) in enumerate(cases):
        for node, told in ((2 * number, one), (2 * number + 1, other)):
            rows.append(row(node, **told))
            tagged.append({"source_key": f"{node}.ogg", "scheme": "isrc", "value": f"v{number}"})
    tagged = [one | {"snapshot": "s"} for one in tagged]
    pairs = match.identifier_pairs(table(engine, rows), table(engine, tagged, TAGGED))
    told = {one["value"]: one["agree"] for one in engine.fetch(pairs, PAIR).to_pylist()}
    assert told == {f"v{number}": case[3] for number, case in enumerate(cases)}
    agreeing = {(2 * n, 2 * n + 1) for n, case in enumerate(cases) if case[3]}
    assert edges(engine, match.identifier_edges(pairs)) == agreeing


def test_identifiers_of_other_snapshots_and_schemes_are_others(engine):
    rows = [row(0), row(1), row(2) | {"snapshot": "other", "source_key": "0.ogg"}]
    tagged = [
        {"snapshot": "s", "source_key": "0.ogg", "scheme": "isrc", "value": "v"},
        {"snapshot": "s", "source_key": "1.ogg", "scheme": "mbid", "value": "v"},
    ]
    pairs = match.identifier_pairs(table(engine, rows), table(engine, tagged, TAGGED))
    assert engine.fetch(pairs, PAIR).num_rows == 0


def test_names_join_within_one_cluster_of_durations(engine):
    durations = {0: 1000, 1: 3000, 2: 5000, 3: 7001, 4: 9001, 5: 20_000}
    rows = [row(node, duration=told) for node, told in durations.items()]
    rows += [row(6, title="other"), row(7, artist="other"), row(8, artist=""), row(9, title="")]
    rows += [row(10, artist=""), row(11, title="")]
    query = match.name_edges(table(engine, rows))
    assert joined(engine, query, rows) == {frozenset({0, 1, 2}), frozenset({3, 4})}


def test_a_missing_duration_joins_where_its_key_has_one_cluster_only(engine):
    rows = [
        row(0, title="one", duration=None),
        row(1, title="one", duration=1000),
        row(2, title="one", duration=2000),
        row(3, title="one", duration=None),
        row(4, title="two", duration=None),
        row(5, title="two", duration=1000),
        row(6, title="two", duration=9000),
        row(7, title="none", duration=None),
        row(8, title="none", duration=None),
    ]
    query = match.name_edges(table(engine, rows))
    assert joined(engine, query, rows) == {frozenset({0, 1, 2, 3})}


def naive(rows):
    """The rule in plain words: chains of durations; the untimed where there is one chain."""
    groups = {}
    for one in rows:
        if one["artist_key"] and one["title_key"]:
            groups.setdefault((one["artist_key"], one["title_key"]), []).append(one)
    found = set()
    for told in groups.values():
        timed = sorted((r["duration_ms"], r["node"]) for r in told if r["duration_ms"] is not None)
        chains = [[timed[0][1]]] if timed else []
        for (before, _n), (duration, node) in pairwise(timed):
            if duration - before > match.CLOSE_MS:
                chains.append([])
            chains[-1].append(node)
        if len(chains) == 1:
            chains[0] += [r["node"] for r in told if r["duration_ms"] is None]
        found |= {frozenset(chain) for chain in chains if len(chain) > 1}
    return found


@pytest.mark.parametrize("seed", range(4))
def test_names_join_as_a_naive_reference_says(engine, seed):
    maker = random.Random(seed)
    rows = [
        row(
            node,
            artist=maker.choice(["", *"abcd"]),
            title=maker.choice(["", *"tuvwxyz"]),
            duration=maker.choice([None, maker.randrange(0, 30_000, 500)]),
        )
        for node in range(300)
    ]
    maker.shuffle(rows)
    assert joined(engine, match.name_edges(table(engine, rows)), rows) == naive(rows)


@pytest.mark.parametrize("seed", range(2))
def test_identifiers_pair_as_a_naive_reference_says(engine, seed):
    maker = random.Random(seed)
    rows = [
        row(n, title=maker.choice(["", "t", "u"]), duration=maker.choice([None, 1, 5001, 5002]))
        for n in range(60)
    ]
    tagged = [
        {
            "snapshot": "s",
            "source_key": f"{node}.ogg",
            "scheme": "isrc",
            "value": str(maker.randrange(12)),
        }
        for node in range(60)
    ]
    expected = set()
    for one, other in combinations(range(60), 2):
        if tagged[one]["value"] == tagged[other]["value"]:
            (a, b), both = (rows[one], rows[other]), None
            if a["duration_ms"] is not None and b["duration_ms"] is not None:
                both = abs(a["duration_ms"] - b["duration_ms"]) <= match.CLOSE_WITH_IDENTIFIER_MS
            same = a["title_key"] == b["title_key"] != ""
            expected.add((one, other, same or bool(both)))
    pairs = match.identifier_pairs(table(engine, rows), table(engine, tagged, TAGGED))
    told = engine.fetch(pairs, PAIR).to_pylist()
    assert {(one["left"], one["right"], one["agree"]) for one in told} == expected
