import hashlib
import re

import pytest

from songark.api.publish import plan, publish
from songark.ark.layout import Ark
from songark.ark.lock import locked
from songark.mirror.trust import open_feed
from songark.model.errors import LockedError, NoArkError
from songark.plan.plan import make_plan
from songark.store.records import held_files, read_extensions
from tests.release_support import (
    OPEN,
    QUIET,
    added,
    again,
    keys_of,
    music,
    newest,
    published,
    row,
    rows,
)


def test_what_was_published(tmp_path):
    ark = added(tmp_path)
    done = again(ark)
    assert (done.is_new, done.kept, done.rejects) == (True, OPEN + 1, [])
    assert (done.facts["edition"], done.facts["tracks"]) == (1, OPEN)
    table = (newest(ark) / "manifest.parquet").read_bytes()
    assert done.manifest == hashlib.sha256(table).hexdigest()
    assert done.fingerprint == open_feed(str(ark.feed), tmp_path / "trust").fingerprint
    assert re.fullmatch("[0-9a-f]{64}", done.fingerprint)


def test_an_archive_of_nothing_is_not_published(tmp_path):
    ark = Ark.init(tmp_path / "ark")
    with pytest.raises(NoArkError, match="no music"):
        publish(ark, keys=keys_of(ark), progress=QUIET)
    assert not ark.editions.exists()
    assert not ark.feed.exists()


def test_under_a_plan_with_a_budget_only_that_is_kept_and_released(tmp_path):
    ark = added(tmp_path)
    budget = 20_000
    planned = plan(ark, budget=budget)
    assert 0 < planned.facts["bytes"] <= budget
    assert not ark.store.exists() or not read_extensions(ark.store)
    done = again(ark)
    assert 0 < done.kept == planned.facts["steps"] < OPEN
    assert sum(one["size"] for one in rows(ark)) <= budget
    assert {one["title"] for one in rows(ark)} >= {"Song 0", "Song 1"}
    assert "Long" not in {one["title"] for one in rows(ark)}
    # The budget goes on counting, with what is held already.
    assert not again(ark).is_new


def test_a_source_that_vanished_is_told_and_the_rest_is_released(tmp_path):
    ark = added(tmp_path)
    moved = music().rename(music().with_name("moved"))
    try:
        done = again(ark)
    finally:
        moved.rename(music())
    assert len(done.rejects) == OPEN + 1
    assert all("songark add" in one.remedy for one in done.rejects)
    assert (done.kept, done.facts["tracks"]) == (0, 0)
    assert again(ark).facts["tracks"] == OPEN


def test_a_file_lost_from_the_store_is_brought_in_again(tmp_path):
    ark = published(tmp_path)
    one = row(ark, "Song 0")
    (place,) = ark.store.glob(f"*/*/{one['root'].hex()}-*")
    data = place.read_bytes()
    place.unlink()
    done = again(ark)
    assert (done.kept, done.is_new) == (1, False)
    assert place.read_bytes() == data


def test_while_another_changes_the_archive(tmp_path):
    ark = added(tmp_path)
    with locked(ark.path / "lock"):
        for verb in (lambda: again(ark), lambda: plan(ark, budget=None)):
            with pytest.raises(LockedError):
                verb()


def test_a_plan_needs_a_catalogue(tmp_path):
    ark = Ark.init(tmp_path / "ark")
    with pytest.raises(NoArkError):
        make_plan(ark, held_files(ark.store))
