import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from songark.catalogue.mentions import Mentions
from songark.catalogue.normalise import artist_key, title_key, words

TEXT = "“Rain (Live)” by Jóhn O’Neil & the A-Team, from UKRAINE; かﾞん กา"


@pytest.mark.parametrize(
    "name",
    ["rain", "Rain - live", "JOHN", "John O'Neil", "ukraine", "A Team", "ateam", "กา", "がん"],
)
def test_whole_words_are_found(name):
    assert title_key(name) in Mentions(TEXT)


@pytest.mark.parametrize(
    "name", ["ra", "kraine", "ain", "liv", "neil the b", "กี", "ก", "", "か", "!!!"]
)
def test_parts_of_words_are_not(name):
    assert title_key(name) not in Mentions(TEXT)


def test_an_empty_text_names_nothing():
    assert "" not in Mentions("")
    assert "a" not in Mentions(" ?! ")


@settings(deadline=None)
@given(st.text(max_size=50))
def test_the_words_of_a_text_make_up_its_key(text):
    joined = "".join(words(text))
    assert joined == title_key(text) or "(" in text or "[" in text or not joined
    assert all(words(one) == [one] for one in words(text))


@settings(deadline=None)
@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_a_name_between_blanks_is_named(before, name, after):
    key = artist_key(name)
    if key and "+" not in key and words(name):
        assert key in Mentions(f"{before} {name} {after}") or artist_key(name) != title_key(name)
