import shutil

import pytest

from songark.ark.pointer import current, set_current
from songark.ark.seal import Draft
from songark.model.errors import BrokenError


def seal(parent, number):
    with Draft(parent, "test") as draft:
        return draft.seal({"n": number})


def test_there_is_none_until_one_is_set(tmp_path):
    one = seal(tmp_path, 1)
    assert current(tmp_path) is None
    assert current(tmp_path / "nowhere") is None
    set_current(one)
    assert current(tmp_path) == one


def test_the_last_set_is_current(tmp_path):
    one, two = seal(tmp_path, 1), seal(tmp_path, 2)
    for chosen in (one, two, one, one):
        set_current(chosen)
        assert current(tmp_path) == chosen


def test_setting_the_same_again_writes_nothing(tmp_path):
    one = seal(tmp_path, 1)
    set_current(one)
    before = (tmp_path / "current").stat()
    set_current(one)
    after = (tmp_path / "current").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_a_pointer_to_what_is_gone_is_broken(tmp_path):
    one = seal(tmp_path, 1)
    set_current(one)
    shutil.rmtree(one.path)
    with pytest.raises(BrokenError):
        current(tmp_path)


@pytest.mark.parametrize("text", ["", "\n", "../x", "nowhere\n"])
def test_a_pointer_with_other_words_is_broken(tmp_path, text):
    (tmp_path / "current").write_text(text)
    with pytest.raises(BrokenError):
        current(tmp_path)
