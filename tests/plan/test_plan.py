import random
import shutil

import pyarrow as pa
import pytest

from songark.ark.layout import Ark
from songark.ark.pointer import current
from songark.catalogue.build import build_catalogue
from songark.model.errors import NoArkError
from songark.model.identity import FileId
from songark.plan.plan import HELD, make_plan
from songark.rights.decisions import decide_all
from songark.rights.withdraw import withdraw
from tests.support import file_id, ingest_folder, ingest_listens, new_ark, rows, says, track

MAKER = random.Random(7)
LISTENED = {
    f"song{n}": (MAKER.randrange(1, 2_000), MAKER.choice([0, 0, *range(1, 1_000, 37)]))
    for n in range(60)
}
"""Name -> (size, listens)."""


def song(name, size=1000, **columns):
    return track(name, size=size, **{"title_raw": name, "artist_raw": "A", **columns})


def refresh(ark):
    return decide_all(ark, build_catalogue(ark))


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Sixty recordings of one file each, all of which may be kept."""
    ark = new_ark(tmp_path_factory.mktemp("plan") / "ark")
    ingest_folder(
        ark,
        [song(name, size) for name, (size, _listens) in LISTENED.items()],
        statements=[says(name, "CC-BY-4.0") for name in LISTENED],
    )
    ingest_listens(ark, {f"name:A\t{name}": told for name, (_size, told) in LISTENED.items()})
    refresh(ark)
    return ark


@pytest.fixture
def ark(many, tmp_path):
    shutil.copytree(many.path, tmp_path / "ark")
    return Ark.open(tmp_path / "ark")


def held(*files):
    return pa.Table.from_pylist([{"root": f.root, "size": f.size} for f in files], HELD)


def plan(ark, *files, budget=None):
    return rows(make_plan(ark, held(*files), budget=budget), "plan")


def named(steps):
    return [step["path"].removesuffix(".ogg") for step in steps]


def naive(wanted, room):
    """Names in the order of work: most listens a byte in nine tenths, then the least listened."""
    density = sorted(wanted, key=lambda n: (-wanted[n][1] / wanted[n][0], wanted[n][0]))
    chosen, left = prefix(wanted, density, int(room * 0.9))
    rest = sorted((n for n in wanted if n not in chosen), key=lambda n: wanted[n][::-1])
    return chosen + prefix(wanted, rest, room - int(room * 0.9) + left)[0]


def prefix(wanted, order, room):
    """The first names as long as their bytes fit, those too large for any room left out."""
    chosen = []
    for name in (n for n in order if wanted[n][0] <= room):
        if sum(wanted[n][0] for n in [*chosen, name]) > room:
            break
        chosen.append(name)
    return chosen, room - sum(wanted[n][0] for n in chosen)


@pytest.mark.parametrize("budget", [0, 500, 17_321, 10**12])
def test_a_budget_is_never_exceeded_and_filled_as_a_naive_reference_says(many, budget):
    steps = plan(many, budget=budget)
    assert sum(step["size"] for step in steps) <= budget
    assert named(steps) == naive(LISTENED, budget)
    assert [step["position"] for step in steps] == list(range(len(steps)))


def test_what_is_held_stays_and_counts(many):
    holding = [file_id(name, LISTENED[name][0]) for name in list(LISTENED)[:20]]
    size = sum(file.size for file in holding)
    wanted = {name: told for name, told in LISTENED.items() if name not in list(LISTENED)[:20]}
    for room in (0, 9_000):
        sealed = make_plan(many, held(*holding), budget=size + room)
        assert named(rows(sealed, "plan")) == naive(wanted, room)
        assert sealed.facts["held_bytes"] == size
    assert plan(many, *holding, budget=size - 1) == []


def test_nine_tenths_go_to_listens_and_the_rest_to_what_few_listen_to(many):
    budget = 30_000
    steps = plan(many, budget=budget)
    listened = [step for step in steps if step["reason"] == "listens"]
    rare = [step for step in steps if step["reason"] == "rare"]
    assert steps == [*listened, *rare]
    assert 0 < sum(step["size"] for step in listened) <= budget * 0.9
    assert rare
    assert {step["listens"] for step in rare} == {0}
    densities = [step["listens"] / step["size"] for step in listened]
    assert densities == sorted(densities, reverse=True)


def test_without_a_budget_everything_is_planned_most_listens_a_byte_first(many):
    steps = plan(many)
    assert sorted(named(steps)) == sorted(LISTENED)
    densities = [step["listens"] / step["size"] for step in steps]
    assert densities == sorted(densities, reverse=True)


def test_the_same_input_gives_the_same_plan_and_moves_nothing(ark):
    before = sorted(path for path in ark.path.rglob("*") if ark.plans not in path.parents)
    one = make_plan(ark, held(), budget=20_000)
    raw = (one.path / "plan.parquet").read_bytes()
    shutil.rmtree(ark.plans)
    two = make_plan(ark, held(), budget=20_000)
    assert (two.digest, (two.path / "plan.parquet").read_bytes()) == (one.digest, raw)
    assert current(ark.plans) == two
    after = sorted(path for path in ark.path.rglob("*") if ark.plans not in path.parents)
    assert [p for p in after if p != ark.plans] == [p for p in before if p != ark.plans]
    assert not ark.store.exists()


def test_a_plan_says_what_it_rests_on(many):
    facts = make_plan(many, held(), budget=20_000).facts
    assert facts["catalogue"] == current(many.catalogue).digest
    assert facts["decisions"] == current(many.decisions).digest
    steps = plan(many, budget=20_000)
    assert (facts["budget"], facts["held_bytes"]) == (20_000, 0)
    assert (facts["steps"], facts["bytes"]) == (len(steps), sum(s["size"] for s in steps))


def test_each_step_says_where_the_file_is(many):
    snapshots = {row["snapshot"] for row in rows(current(many.catalogue), "membership")}
    for step in plan(many, budget=5_000):
        name = step["path"].removesuffix(".ogg")
        assert FileId(step["root"], step["size"]) == file_id(name, LISTENED[name][0])
        assert {step["snapshot"]} == snapshots
        assert step["listens"] == LISTENED[name][1]


def test_an_archive_without_decisions_has_nothing_to_plan(tmp_path):
    with pytest.raises(NoArkError) as caught:
        make_plan(new_ark(tmp_path / "ark"), held())
    assert "songark add" in caught.value.remedy


@pytest.fixture(scope="module")
def choices(tmp_path_factory):
    """Recordings with several files each, and files that may not be kept."""
    ark = new_ark(tmp_path_factory.mktemp("choices") / "ark")
    told = {
        "share-lossy": {"title_raw": "Shared", "bit_rate": 1},
        "keep-lossless": {"title_raw": "Shared", "bit_rate": 9, "lossless": True},
        "lossless": {"title_raw": "Lossless", "lossless": True, "bit_rate": 1},
        "lossy": {"title_raw": "Lossless", "bit_rate": 9},
        "rate-high": {"title_raw": "Rate", "bit_rate": 320},
        "rate-low": {"title_raw": "Rate", "bit_rate": 128},
        "rate-none": {"title_raw": "Rate"},
        "silent": {"title_raw": "Silent"},
        "reserved": {"title_raw": "Reserved"},
        "gone": {"title_raw": "Withdrawn"},
    }
    ingest_folder(
        ark,
        [song(name, duration_ms=1000, **columns) for name, columns in told.items()],
        statements=[
            says(name, "CC-BY-4.0", grade=2 if name == "keep-lossless" else 3)
            for name in told
            if name not in {"silent", "reserved"}
        ]
        + [says("reserved", "LicenseRef-All-Rights-Reserved")],
    )
    refresh(ark)
    members = rows(current(ark.catalogue), "membership")
    withdraw(ark, next(row["recording"] for row in members if row["path"] == "gone.ogg"))
    refresh(ark)
    return ark


def test_one_file_a_recording_of_those_that_may_be_kept(choices):
    assert sorted(named(plan(choices))) == ["lossless", "rate-high", "share-lossy"]


def test_a_recording_whose_best_file_is_held_wants_nothing(choices):
    best = [file_id(name) for name in ("lossless", "rate-high")]
    assert named(plan(choices, *best)) == ["share-lossy"]


def test_a_worse_file_that_is_held_makes_room_for_the_best(choices):
    assert "lossless" in named(plan(choices, file_id("lossy")))


def test_files_that_are_there_no_more_are_not_planned(tmp_path):
    """The folder is read again: one file has other bytes, one is gone, one is elsewhere now."""
    ark = new_ark(tmp_path / "ark")
    names = ["same", "tagged", "removed", "moved", "kept"]
    ingest_folder(
        ark,
        [song(name, bit_rate=9) for name in names],
        statements=[says(name, "CC-BY-4.0") for name in names],
    )
    anew = song("tagged anew", bit_rate=1) | {"title_raw": "tagged"}
    moved = song("moved") | {"source_key": "to/moved.ogg", "path": "to/moved.ogg"}
    later = [says(name, "CC-BY-4.0") for name in ("same", "tagged anew", "to/moved")]
    ingest_folder(ark, [song("same"), anew, moved], statements=later)
    refresh(ark)
    assert sorted(named(plan(ark, file_id("kept")))) == ["same", "tagged anew", "to/moved"]
    # One file alone is read again: it takes the place of the old one at its path, and no other's.
    only = song("single") | {"source_key": "same.ogg", "path": "same.ogg"}
    ingest_folder(ark, [only], statements=[says("same", "CC-BY-4.0")], only="same.ogg")
    refresh(ark)
    files = {FileId(step["root"], step["size"]) for step in plan(ark, file_id("kept"))}
    assert files == {file_id(name) for name in ("single", "tagged anew", "moved")}
