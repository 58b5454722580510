import pytest

from songark.api import withdraw as module
from songark.api.withdraw import withdraw
from songark.ark.lock import locked
from songark.mirror.notices import withdrawn_files
from songark.model.errors import RefusedError, UsageError
from songark.rights.acts import Act
from songark.rights.gate import Gate
from tests.release_support import (
    added,
    digests,
    file_of,
    keys_of,
    published,
    row,
    trusting,
)


def test_refused_here_and_told_to_mirrors_without_the_archives_lock(tmp_path):
    """A publish may run for days; a withdrawal waits for none."""
    ark = published(tmp_path)
    one = row(ark, "Song 0")
    with locked(ark.path / "lock"):
        done = withdraw(ark, one["recording"], keys=keys_of(ark))
    assert (done.recording, done.files, done.announced) == (one["recording"], 1, True)
    assert not Gate(ark, Act.SHARE).is_clear(file_of(one))
    (told,) = withdrawn_files(trusting(ark.feed, tmp_path / "trust"))
    assert (told.file, told.recording) == (file_of(one), one["recording"])


def test_twice_is_once(tmp_path):
    ark = published(tmp_path)
    one = row(ark, "Song 0")
    withdraw(ark, one["recording"], keys=keys_of(ark))
    lines = ark.ledger.head().count
    assert withdraw(ark, one["recording"], keys=keys_of(ark)).files == 1
    assert ark.ledger.head().count == lines
    assert len(withdrawn_files(trusting(ark.feed, tmp_path / "trust"))) == 1


def test_what_there_is_not(tmp_path):
    ark = published(tmp_path)
    before = digests(ark.path)
    with pytest.raises(UsageError, match="no recording"):
        withdraw(ark, "r-none", keys=keys_of(ark))
    changed = {n for n, d in digests(ark.path).items() if before.get(n) != d}
    assert changed <= {"rights/ledger.jsonl.lock"}


def test_before_the_first_edition_nobody_needs_to_be_told(tmp_path):
    ark, other = added(tmp_path), published(tmp_path / "other")
    done = withdraw(ark, row(other, "Song 0")["recording"], keys=keys_of(ark))
    assert (done.files, done.announced) == (1, False)
    assert not ark.feed.exists()


def test_when_the_feed_cannot_be_signed_it_is_refused_here_all_the_same(tmp_path, monkeypatch):
    ark = published(tmp_path)
    one = row(ark, "Song 0")

    def refused(*_args, **_more):
        raise RefusedError("no key")

    monkeypatch.setattr(module, "sign_feed", refused)
    with pytest.raises(RefusedError):
        withdraw(ark, one["recording"], keys=keys_of(ark))
    assert not Gate(ark, Act.SHARE).is_clear(file_of(one))
