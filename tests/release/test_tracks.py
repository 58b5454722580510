import shutil

import pyarrow as pa
import pytest

from songark.api.refresh import refresh
from songark.ark.layout import Ark
from songark.model.errors import NoArkError
from songark.plan.plan import HELD
from songark.release.tracks import releasable
from songark.rights.acts import Act
from songark.rights.ledger import claim_withdrawal
from tests.support import (
    file_id,
    ingest_folder,
    ingest_listens,
    learn_packets,
    new_ark,
    says,
    track,
)

# Files of one recording each, by name: what each has.
COPIES = {
    "lossless": {"ll-a": {"lossless": True}, "ll-b": {"bit_rate": 999_000}},
    "rate": {"rt-a": {"bit_rate": 128_000}, "rt-b": {"bit_rate": 192_000}},
    "unknown": {"un-a": {}, "un-b": {"bit_rate": 1}},
    "alike": {"al-a": {}, "al-b": {}},
    "three": {"poor": {"bit_rate": 1}, "fine": {"lossless": True},
              "finer": {"lossless": True, "bit_rate": 9}},
}  # fmt: skip
CASES = ("ok", "silent", "own-word", "tag", "reserved", "half", "two-stories")


@pytest.fixture(scope="module")
def ark(tmp_path_factory):
    """All cases in one archive; a test picks its own by saying what is held."""
    ark = new_ark(tmp_path_factory.mktemp("tracks") / "ark")
    copies = {name: title for title, files in COPIES.items() for name in files}
    ingest_folder(
        ark,
        [
            *(track(name, title_raw=name, artist_raw="Case") for name in CASES),
            *(
                track(name, title_raw=title, artist_raw="Copy", **COPIES[title][name])
                for name, title in copies.items()
            ),
            track("nobody", title_raw="T"),
            track("no-holder", title_raw="U"),
            track("somebody", title_raw="V", artist_raw="Cee", release_raw="R", duration_ms=9),
        ],
        statements=[
            says("ok", "CC-BY-4.0", holder="2009 Ann"),
            says("own-word", "CC-BY-4.0", grade=2),
            says("tag", "CC-BY-4.0", grade=1),
            says("reserved", "LicenseRef-All-Rights-Reserved"),
            says("half", "CC-BY-4.0", parts=["recording"]),
            says("two-stories", "CC-BY-4.0"),
            says("two-stories", "CC-BY-SA-4.0", place="elsewhere"),
            *(says(name, "CC0-1.0") for name in copies),
            says("nobody", "CC0-1.0", holder="(c) 2001 Jo <jo@example.org>"),
            says("no-holder", "CC0-1.0"),
            says("somebody", "CC0-1.0", holder="Jo"),
        ],
    )
    twice = track("ok", title_raw="Other") | {"source_key": "x.ogg", "path": "x.ogg"}
    ingest_folder(ark, [twice], place="/elsewhere")
    ingest_listens(ark, {"name:Cee\tV": 5})
    learn_packets(ark, {file_id(name): title for name, title in copies.items()})
    refresh(ark)
    return ark


def held(*names, size=1000):
    told = [{"root": file_id(n).root, "size": size} for n in names]
    return pa.Table.from_pylist(told, schema=HELD)


def released(ark, *names, before=()):
    return [one.file for one in releasable(ark, held(*names), dict.fromkeys(map(file_id, before)))]


def test_before_anything_was_added(tmp_path):
    with pytest.raises(NoArkError, match="songark add"):
        releasable(Ark.init(tmp_path / "ark"), held(), {})


def test_only_what_may_be_shared(ark):
    (found,) = releasable(ark, held(*CASES), {})
    assert found.file == file_id("ok")
    assert found.clearance.act is Act.SHARE
    assert (found.clearance.licence, found.clearance.licence_class) == ("CC-BY-4.0", "CC-BY")
    assert found.known["holder"] == "Ann"
    assert found.known["grade"] == 3
    assert "debian/copyright" in found.known["why"]


def test_only_what_is_held(ark):
    assert released(ark) == []
    assert releasable(ark, held("ok", size=64), {}) == []


def test_one_file_a_recording_and_the_best(ark):
    best = {"ll-a", "rt-b", "un-b", min(("al-a", "al-b"), key=file_id), "finer"}
    names = [name for files in COPIES.values() for name in files]
    for order in (names, names[::-1]):
        found = released(ark, *order)
        assert len(found) == len(COPIES)
        assert set(found) == set(map(file_id, best))


def test_what_was_released_stays_though_a_better_file_came(ark):
    every = COPIES["three"]
    assert released(ark, *every) == [file_id("finer")]
    assert released(ark, *every, before=["poor"]) == [file_id("poor")]
    assert released(ark, *every, before=["poor", "fine"]) == [file_id("fine")]


def test_what_was_released_and_is_not_held_any_more_is_replaced(ark):
    assert released(ark, "fine", before=["poor"]) == [file_id("fine")]


def test_a_withdrawal_counts_before_the_next_decisions(ark, tmp_path):
    copy = Ark.open(shutil.copytree(ark.path, tmp_path / "ark"))
    claim_withdrawal(copy.ledger, "r", [file_id("fine")])
    assert released(copy, "poor", "fine", before=["fine"]) == [file_id("poor")]
    claim_withdrawal(copy.ledger, "r", [file_id("poor")])
    assert released(copy, "poor", "fine") == []


def test_without_an_artist_the_holder_is_named(ark):
    found = releasable(ark, held("nobody", "no-holder", "somebody"), {})
    known = {one.known["title"]: one.known for one in found}
    assert {title: (one["artist"], one["holder"]) for title, one in known.items()} == {
        "T": ("Jo", "Jo"),
        "U": ("Unknown artist", ""),
        "V": ("Cee", "Jo"),
    }
    told = {name: known["V"][name] for name in ("listens", "release", "duration_ms", "codec")}
    assert told == {"listens": 5, "release": "R", "duration_ms": 9, "codec": "vorbis"}


def test_the_order_is_that_of_recordings(ark):
    names = [name for files in COPIES.values() for name in files]
    recordings = [t.known["recording"] for t in releasable(ark, held(*names, "ok", "nobody"), {})]
    assert recordings == sorted(set(recordings))
    assert len(recordings) == len(COPIES) + 2
