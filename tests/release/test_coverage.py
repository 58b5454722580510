import pytest
from hypothesis import given
from hypothesis import strategies as st

from songark.api.refresh import refresh
from songark.ark.layout import Ark
from songark.model.errors import NoArkError
from songark.release.coverage import coverage, curve
from songark.sources.listens import read_listens
from tests.release.packing import track as packed
from tests.support import ingest_folder, ingest_listens, new_ark, says, track

COUNTS = {"shared": 100, "kept": 30, "unknown": 5, "elsewhere": 1000}


@pytest.fixture(scope="module")
def ark(tmp_path_factory):
    ark = new_ark(tmp_path_factory.mktemp("coverage") / "ark")
    ingest_folder(
        ark,
        [track(n, title_raw=n, artist_raw="A") for n in ("shared", "kept", "unknown", "quiet")],
        statements=[
            says("shared", "CC0-1.0"), says("quiet", "CC0-1.0"), says("kept", "CC0-1.0", grade=1)
        ],
    )  # fmt: skip
    ingest_listens(ark, {f"name:A\t{name}": count for name, count in COUNTS.items()})
    refresh(ark)
    return ark


def test_before_anything_was_added(tmp_path):
    with pytest.raises(NoArkError):
        coverage(Ark.init(tmp_path / "ark"), [])


def test_each_step_is_a_share_of_all_that_people_listened_to(ark):
    released = [packed("shared", listens=100)]
    assert coverage(ark, released) == {
        "listens": sum(COUNTS.values()),
        "made_up": True,
        "verified_elsewhere": None,
        "catalogued": {"recordings": 4, "listens": 135},
        "may_be_kept": {"recordings": 3, "listens": 130},
        "may_be_shared": {"recordings": 2, "listens": 100},
        "released": {"recordings": 1, "listens": 100},
    }


def test_made_up_is_said_of_the_logs_that_count_now(tmp_path):
    """A made-up log that a true one from the same place replaced does not count."""
    ark = new_ark(tmp_path / "ark")
    log = tmp_path / "listens.csv"
    for made_up in (True, False):
        log.write_text(
            f"{'# made up' if made_up else ''}\nrecording,listens\nisrc:GBAYE0000351,1\n".lstrip()
        )
        sealed = read_listens(log, ark.snapshots)
        body = {"source": "listens", "snapshot": sealed.path.name, "place": str(log)}
        ark.events.append("ingestion", {**body, "outcome": "success"})
        ingest_folder(ark, [track(f"{made_up}")])
        refresh(ark)
        assert coverage(ark, [])["made_up"] is made_up


@given(st.lists(st.tuples(st.integers(1, 99), st.integers(0, 9)), max_size=20))
def test_the_curve_takes_most_listens_a_byte_first(spec):
    tracks = [packed(f"{n}", size=size, listens=listens) for n, (size, listens) in enumerate(spec)]
    points = list(curve(tracks))
    assert [one["tracks"] for one in points] == list(range(1, len(spec) + 1))
    assert points == list(curve(tracks[::-1]))
    sums = (sum(size for size, _ in spec), sum(listens for _, listens in spec))
    assert not points or (points[-1]["bytes"], points[-1]["listens"]) == sums
    steps = [
        (b["listens"] - a["listens"]) / (b["bytes"] - a["bytes"])
        for a, b in zip([{"bytes": 0, "listens": 0}, *points], points, strict=False)
    ]
    assert steps == sorted(steps, reverse=True)
