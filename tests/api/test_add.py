import pytest

from songark.api.add import Grant, add
from songark.ark.layout import Ark
from songark.ark.lock import locked
from songark.model.errors import LockedError, UsageError
from songark.release.keys import make_keys
from tests.release_support import (
    ALL_OF_IT,
    OPEN,
    QUIET,
    added,
    digests,
    keys_of,
    music,
    package,
    tone,
)


def take(ark, *paths, grant=None):
    return add(ark, list(paths), keys=keys_of(ark), grant=grant, progress=QUIET)


def test_what_came_in_and_what_may_be_shared_of_it(tmp_path):
    ark = added(tmp_path)
    before = digests(ark.path)
    done = take(ark, music(), music() / "listens.jsonl")
    assert (done.tracks, done.shareable, done.kept_back, done.listens_logs) == (
        OPEN + 3,
        OPEN,
        3,
        1,
    )
    assert done.bytes == sum(p.stat().st_size for p in music().rglob("*.*") if _is_music(p))
    assert done.open == [
        ("CC-BY-4.0", "an independent record", 5),
        ("CC-BY-SA-3.0", "an independent record", 3),
        ("CC0-1.0", "an independent record", 1),
    ]
    told = {one.code: (one.tracks, one.example) for one in done.withheld}
    assert told == {
        "no-evidence": (1, "shut/none.ogg"),
        "not-licensed": (1, "shut/all/reserved.ogg"),
        "weak-evidence": (1, "shut/tag.ogg"),
    }
    assert all(one.why and one.fix for one in done.withheld)
    # It was added before and has not changed.
    assert digests(ark.path) == before


def _is_music(path):
    return path.suffix in {".ogg", ".wav", ".mp3", ".flac"}


def test_most_tracks_first(tmp_path):
    ark = Ark.init(tmp_path / "ark")
    for n in range(2):
        tone(tmp_path / f"music/b{n}.ogg", 300 + n)
    tone(tmp_path / "music/sub/a.ogg", 320)
    package(tmp_path / "music/sub", "All-rights-reserved", "Eve")
    make_keys(ark.keys)
    done = take(ark, tmp_path / "music")
    assert [(one.code, one.tracks, one.example) for one in done.withheld] == [
        ("no-evidence", 2, "b0.ogg"),
        ("not-licensed", 1, "sub/a.ogg"),
    ]


def test_rejects_are_told(tmp_path):
    ark = added(tmp_path)
    (tmp_path / "more").mkdir()
    (tmp_path / "more/empty.ogg").write_bytes(b"")
    (tmp_path / "more/noise.mp3").write_bytes(b"ID3" + bytes(5000))
    (tmp_path / "more/log.csv").write_text("recording,listens\nisrc:x,-1\n")
    done = take(ark, tmp_path / "more", tmp_path / "more/log.csv")
    assert done.tracks == 0
    assert {one.place.split(",")[0] for one in done.rejects} >= {
        "empty.ogg",
        "noise.mp3",
        "log.csv",
    }
    assert all(one.reason for one in done.rejects)


def test_a_deposit_opens_what_nothing_else_did(tmp_path):
    ark = added(tmp_path)
    tone(tmp_path / "more/a.ogg", 330, "A", "Dee")
    grant = Grant("CC-BY-4.0", "Dee", ALL_OF_IT)
    done = take(ark, tmp_path / "more", grant=grant)
    assert done.open == [("CC-BY-4.0", "a signed statement", 1)]
    lines = ark.ledger.head().count
    take(ark, tmp_path / "more", grant=grant)
    assert ark.ledger.head().count == lines


@pytest.mark.parametrize(
    "grant",
    [
        Grant("All rights reserved", "Dee", ALL_OF_IT),
        Grant("", "Dee", ALL_OF_IT),
        Grant("CC-BY-4.0", " ", ALL_OF_IT),
        Grant("CC-BY-4.0", "Dee", ()),
        Grant("GPL-3.0-only", "Dee", ALL_OF_IT),
    ],
)
def test_what_cannot_be_granted_is_refused_before_anything_is_read(tmp_path, grant):
    ark = added(tmp_path)
    tone(tmp_path / "more/a.ogg", 330)
    before = digests(ark.path)
    with pytest.raises(UsageError):
        take(ark, tmp_path / "more", grant=grant)
    assert digests(ark.path) == before


def test_a_path_that_is_not_there_stops_all_of_them(tmp_path):
    ark = added(tmp_path)
    before = digests(ark.path)
    with pytest.raises(UsageError, match="no such file") as caught:
        take(ark, music() / "ann", tmp_path / "nothing")
    assert caught.value.place == str(tmp_path / "nothing")
    assert digests(ark.path) == before


def test_while_another_changes_the_archive(tmp_path):
    ark = added(tmp_path)
    with locked(ark.path / "lock"), pytest.raises(LockedError):
        take(ark, music())
