import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from songark.catalogue.normalise import artist_key, fold, title_key

NAMES = [
    "a",
    "B.",
    "ft",
    "feat. c",
    "(feat. d)",
    "[ft e",
    "and",
    "vs.",
    "&",
    "+",
    ",",
    " ",
    "?",
    "é",
]
TEXTS = st.text(max_size=60) | st.lists(st.sampled_from(NAMES)).map(" ".join)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Björk", "bjork"),
        ("Sigur Rós", "SIGUR ROS"),
        ("T.N.T.", "TNT"),
        ("Ｆｕｌｌ　Ｗｉｄｔｈ １２", "full width 12"),
        ("ｶﾞﾝﾀﾞﾑ", "ガンダム"),
        ("Røyksopp", "royksopp"),
        ("Ǿ", "o"),
        ("Łódź", "lodz"),
        ("Straße", "STRASSE"),
        ("ﬁre", "fire"),
        ("İstanbul", "istanbul"),
        ("Ἀθήνα", "ΑΘΗΝΑ"),
        ("e\u0301", "é"),
        ("Don't Stop", "Don’t  stop!"),
        ("a\u00a0\t\nb", "a b"),
        ("السَّلام", "السلام"),
        ("I ❤\ufe0f You", "I ❤ You"),
        ("Song (feat. Other)", "Song"),
        ("Song [ft. Other]", "Song"),
        ("Song (featuring Other) (Live)", "Song (Live)"),
    ],
)
def test_titles_that_agree(one, other):
    assert title_key(one) == title_key(other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("カ", "ガ"),
        ("ハ", "パ"),
        ("か", "か゚"),
        ("й", "и"),
        ("е", "ё"),
        ("กา", "กี"),
        ("दिल", "दल"),
        ("Song", "Song (Live)"),
        ("Song", "Song (Remix)"),
        ("Song", "Song - Radio Edit"),
        ("Song", "Song (Instrumental)"),
        ("Song", "Song (Acoustic)"),
        ("Song", "Song, Part 2"),
        ("Song (Live)", "Song (Demo)"),
        ("???", "!!!"),
        ("+", "-"),
        ("1", "2"),
    ],
)
def test_titles_that_are_kept_apart(one, other):
    assert title_key(one) != title_key(other)
    assert title_key(one)
    assert title_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("A & B", "B, A"),
        ("A and B", "A/B"),
        ("A vs. B", "B + A"),
        ("A; B; A", "B; A"),
        ("A feat. C", "A"),
        ("A feat.C", "A"),
        ("A ft. C", "A"),
        ("A ft C", "A"),
        ("A (featuring C & D)", "A"),
        ("A & B Feat. C", "b, a"),
        ("Björk", "bjork"),
        ("... And You Will Know", "You Will Know"),
    ],
)
def test_artists_that_agree(one, other):
    assert artist_key(one) == artist_key(other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("A & B", "A"),
        ("A & B", "AB"),
        ("Daft", "Da"),
        ("Feature", "Fea"),
        ("Sandy", "S dy"),
        ("Ft. Worth", "Worth"),
        ("+", "-"),
        ("!!!", "???"),
    ],
)
def test_artists_that_are_kept_apart(one, other):
    assert artist_key(one) != artist_key(other)
    assert artist_key(one)
    assert artist_key(other)


@pytest.mark.parametrize("nothing", [None, "", " ", "\n"])
def test_nothing_has_no_key(nothing):
    assert title_key(nothing) == artist_key(nothing) == ""


@settings(deadline=None, max_examples=400)
@given(TEXTS)
@example("a.n.d & b")
@example("b & v.s.")
@example("a¨b")
@example("(feat. x)")
def test_keys_are_their_own_keys(text):
    for make in (fold, title_key, artist_key):
        assert make(make(text)) == make(text)


@settings(deadline=None, max_examples=200)
@given(TEXTS)
def test_case_width_and_composition_do_not_show(text):
    for form in ("NFC", "NFD", "NFKC"):
        other = unicodedata.normalize(form, text)
        assert title_key(other) == title_key(text)
        assert artist_key(other) == artist_key(text)


@settings(deadline=None, max_examples=200)
@given(TEXTS)
def test_whatever_has_a_word_or_a_sign_has_a_key(text):
    assert bool(title_key(text)) == bool(artist_key(text)) == bool(fold(text))


@given(st.lists(st.sampled_from(["A", "Bö", "C d", "é"]), min_size=1), st.randoms())
@settings(deadline=None)
def test_the_order_of_artists_does_not_show(names, maker):
    other = maker.sample(names, len(names))
    assert artist_key(" & ".join(names)) == artist_key(", ".join(other))


@pytest.mark.parametrize("text", [" ", "(", "(ft ", "feat. ", "a and ", "\u0301", "&"])
def test_long_and_hostile_texts_are_read_in_passing(text):
    # Ten thousand characters is the longest field; what takes cubic time would take hours.
    long = ("a" + text * 10_000)[:10_000] + "b"
    assert title_key(long)
    assert artist_key(long)
