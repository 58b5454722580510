import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from songark.ark.layout import Ark
from songark.model.errors import LockedError, NoArkError, UsageError


def test_a_new_archive_holds_its_settings_only(tmp_path):
    ark = Ark.init(tmp_path / "deep" / "ark", name="Music for all")
    assert [p.name for p in ark.path.iterdir()] == ["songark.toml"]
    assert ark.settings.name == "Music for all"
    assert Ark.open(ark.path) == ark


def test_its_name_is_the_folders_where_none_is_given(tmp_path):
    assert Ark.init(tmp_path / "mine").settings.name == "mine"


def test_an_archive_that_is_there_stays_as_it_is(tmp_path):
    Ark.init(tmp_path / "ark", name="first")
    (tmp_path / "ark" / "other").write_text("x")
    before = (tmp_path / "ark" / "songark.toml").read_bytes()
    assert Ark.init(tmp_path / "ark", name="second").settings.name == "first"
    assert (tmp_path / "ark" / "songark.toml").read_bytes() == before


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=30))
def test_any_name_makes_settings_that_can_be_read(tmp_path_factory, name):
    ark = Ark.init(tmp_path_factory.mktemp("a") / "ark", name=name)
    assert ark.settings.name


def test_a_folder_of_other_things_is_left_alone(tmp_path):
    (tmp_path / "song.ogg").write_bytes(b"x")
    with pytest.raises(UsageError, match="not empty") as caught:
        Ark.init(tmp_path)
    assert caught.value.place == str(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["song.ogg"]


@pytest.mark.parametrize("name", ["", "nowhere", "songark.toml"])
def test_where_none_is_the_error_says_how_to_make_one(tmp_path, name):
    if name == "songark.toml":
        (tmp_path / name).mkdir()
    with pytest.raises(NoArkError) as caught:
        Ark.open(tmp_path / name if name == "nowhere" else tmp_path)
    assert caught.value.exit_code == 10
    assert "songark init" in caught.value.remedy


def test_broken_settings_are_named(tmp_path):
    Ark.init(tmp_path / "ark")
    (tmp_path / "ark" / "songark.toml").write_text("nmae = 1")
    with pytest.raises(UsageError, match=r"songark\.toml"):
        Ark.open(tmp_path / "ark")


def test_an_archive_is_changed_by_one_process_at_a_time(tmp_path):
    ark = Ark.init(tmp_path / "ark")
    with ark.lock(), pytest.raises(LockedError) as caught, ark.lock():
        pass
    assert caught.value.exit_code == 11
    with ark.lock():
        pass


def test_everything_lies_inside_and_nothing_twice(tmp_path):
    ark = Ark.init(tmp_path / "ark")
    named = [n for n, v in vars(Ark).items() if isinstance(v, property)]
    places = [getattr(v, "path", v) for v in (getattr(ark, name) for name in named)]
    assert len(set(places)) == len(places) > 10
    assert all(ark.path in place.parents for place in places)
