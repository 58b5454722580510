import shutil

import pytest

from songark.api.explain import explain
from songark.api.withdraw import withdraw
from songark.ark.layout import Ark
from songark.model.errors import NoArkError, UsageError
from tests.release_support import file_of, keys_of, music, published, row


@pytest.fixture(scope="module")
def ark(tmp_path_factory):
    return published(tmp_path_factory.mktemp("explain"))


def test_a_recording_by_its_id(ark):
    one = row(ark, "Song 0")
    told = explain(ark, one["recording"])
    assert told.recording["title"] == "Song 0"
    assert [r["path"] for r in told.rows] == ["ann/a0.ogg"]
    assert told.released == [{"edition": 1, "pack": one["pack"], "name": one["name"]}]
    by_act = {d["act"]: d["allowed"] for d in told.decisions}
    assert by_act == {
        "keep": True, "share": True, "stream": True, "analyse": True, "train-generative": False,
    }  # fmt: skip


def test_a_file_by_its_bytes_wherever_it_lies(ark, tmp_path):
    copy = shutil.copyfile(music() / "ann/a0.ogg", tmp_path / "other name.ogg")
    assert explain(ark, str(copy)) == explain(ark, row(ark, "Song 0")["recording"])


def test_what_is_not_released_has_its_reason(ark):
    told = explain(ark, str(music() / "shut/tag.ogg"))
    assert told.released == []
    (share,) = [d for d in told.decisions if d["act"] == "share"]
    assert not share["allowed"]
    assert "bare tag" in share["why"]
    assert share["fix"]


@pytest.mark.parametrize("what", ["r-none", "", "nowhere.ogg", "x" * 300, "\x00"])
def test_what_there_is_not(ark, what):
    with pytest.raises(UsageError, match="no recording or file"):
        explain(ark, what)


def test_a_file_that_was_never_added(ark, tmp_path):
    (tmp_path / "x.ogg").write_bytes(b"x")
    with pytest.raises(UsageError):
        explain(ark, str(tmp_path / "x.ogg"))


def test_a_withdrawal_shows_at_once(tmp_path):
    ark = published(tmp_path)
    one = row(ark, "Song 0")
    withdraw(ark, one["recording"], keys=keys_of(ark))
    told = explain(ark, one["recording"])
    assert {(d["code"], d["allowed"]) for d in told.decisions} == {("withdrawn", False)}
    assert all(d["why"].startswith("withdrawn on 20") for d in told.decisions)
    assert told.released
    assert file_of(one).size == told.rows[0]["size"]


def test_before_anything_was_added(tmp_path):
    with pytest.raises(NoArkError):
        explain(Ark.init(tmp_path / "ark"), "r1")
