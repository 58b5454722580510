import pytest

from songark.api.evidence import evidence
from songark.ark.layout import Ark
from songark.ark.lock import locked
from songark.model.errors import LockedError, NoArkError, UsageError
from songark.model.hashing import hash_file
from songark.rights.acts import Act
from songark.rights.gate import Gate
from tests.release_support import added, music

PAGE = """<html><h1>Nobody knows, by Eve</h1>
<a href="https://creativecommons.org/licenses/by/4.0/">CC BY</a></html>"""


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "page.html"
    path.write_text(PAGE)
    return str(path)


def is_open(ark, path):
    return Gate(ark, Act.SHARE).is_clear(hash_file(path).file)


@pytest.mark.parametrize("place", ["shut/none.ogg", "shut", ""])
def test_a_page_opens_the_files_it_names_at_or_below_a_path(tmp_path, page, place):
    ark = added(tmp_path)
    assert not is_open(ark, music() / "shut/none.ogg")
    stored = evidence(ark, music() / place, page)
    assert stored.licence == "CC-BY-4.0"
    assert [one.path for one in stored.covered] == ["shut/none.ogg"]
    assert "shut/none.ogg" not in {one.path for one in stored.unnamed}
    assert is_open(ark, music() / "shut/none.ogg")
    assert not is_open(ark, music() / "shut/tag.ogg")


@pytest.mark.parametrize("place", ["ann", "shut/all", "shut/non", "nowhere"])
def test_a_page_says_nothing_of_what_lies_elsewhere(tmp_path, page, place):
    ark = added(tmp_path)
    with pytest.raises(UsageError):
        evidence(ark, music() / place, page)
    assert not is_open(ark, music() / "shut/none.ogg")


def test_before_anything_was_added(tmp_path, page):
    with pytest.raises(NoArkError):
        evidence(Ark.init(tmp_path / "ark"), music(), page)


def test_while_another_changes_the_archive(tmp_path, page):
    ark = added(tmp_path)
    with locked(ark.path / "lock"), pytest.raises(LockedError):
        evidence(ark, music(), page)
