from dataclasses import replace
from itertools import combinations, permutations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from songark.model.evidence import WHOLE_FILE, Grade, Part, Statement
from songark.rights.acts import Act
from songark.rights.decide import FileFacts, decide
from songark.rights.terms import agree, terms_of

SONG = frozenset({Part.RECORDING, Part.COMPOSITION})
MADE_OF_SHARE = (Act.SHARE, Act.STREAM, Act.ANALYSE)
LICENCES = [
    "CC0-1.0",
    "CC-BY-4.0",
    "CC-BY-SA-3.0",
    "CC-BY-4.0 OR CC-BY-SA-3.0",
    "CC-BY-NC-4.0 AND CC-BY-ND-4.0",
    "LicenseRef-CC-BY-unversioned",
    "CC-PDM-1.0",
    "GPL-2.0-only",
    "LicenseRef-All-Rights-Reserved",
    "",
]


def said(licence="CC-BY-4.0", grade=Grade.INDEPENDENT, **fields):
    fields = {"parts": WHOLE_FILE, "holder": "", "place": "here", "document": ""} | fields
    return Statement("dep5", grade, licence, licence, **fields)


def share(facts, *statements):
    return decide(facts, statements)[Act.SHARE]


GRADES = st.sampled_from(Grade)
STATEMENTS = st.builds(
    Statement,
    kind=st.sampled_from(["tag", "page"]),
    grade=GRADES,
    licence_raw=st.sampled_from(["as written", "in other words"]),
    licence=st.sampled_from(LICENCES),
    parts=st.sampled_from(
        [WHOLE_FILE, SONG, *(frozenset(c) for n in (0, 1, 2) for c in combinations(Part, n))]
    ),
    holder=st.sampled_from(["", "2010 Jane Doe <jane@example.org>", "John Roe", "Janet Doer"]),
    place=st.sampled_from(["one", "two"]),
    document=st.just(""),
    note=st.sampled_from(["", "a note"]),
)
SEVERAL = st.lists(STATEMENTS, max_size=4)
# Many that agree, so that often all is open and something could be closed or opened.
AGREEING = st.lists(
    st.builds(replace, STATEMENTS, licence=st.sampled_from(["CC-BY-4.0", LICENCES[5]])), max_size=4
)
SAYINGS = SEVERAL | AGREEING | AGREEING.map(lambda told: [*told, said(holder="John Roe")])
FACTS = st.builds(
    FileFacts,
    has_picture=st.booleans(),
    has_lyrics=st.booleans(),
    title=st.sampled_from(["Song", "Song", "Song (Cover)"]),
    artist=st.just("Jane Doe"),
    composer=st.sampled_from(["", "Jane Doe", "John Roe", "Jane Doe & John Roe"]),
)


def test_with_nothing_said_every_act_is_refused():
    decided = decide(FileFacts(), [])
    assert set(decided) == set(Act)
    assert not any(one.allowed for one in decided.values())
    assert {one.code for one in decided.values()} == {"no-evidence"}
    assert all(one.act is act and one.why and one.fix for act, one in decided.items())


@pytest.mark.parametrize(
    ("grade", "shared"),
    [
        (Grade.BARE_TAG, False),
        (Grade.KEEPER_WORD, False),
        (Grade.INDEPENDENT, True),
        (Grade.DEPOSIT, True),
    ],
)
def test_what_each_grade_opens(grade, shared):
    decided = decide(FileFacts(), [said(grade=grade)])
    assert decided[Act.KEEP].allowed
    assert {decided[act].allowed for act in MADE_OF_SHARE} == {shared}
    assert decided[Act.SHARE].code == ("licensed" if shared else "weak-evidence")
    assert grade.words in decided[Act.SHARE].why


@pytest.mark.parametrize("licence", LICENCES)
def test_no_licence_is_a_consent_to_training(licence):
    one = decide(FileFacts(), [said(licence, Grade.DEPOSIT)])[Act.TRAIN]
    assert (one.allowed, one.code) == (False, "no-consent")


@pytest.mark.parametrize("licence", LICENCES)
def test_keeping_and_sharing_are_what_the_licence_gives(licence):
    decided, terms = decide(FileFacts(), [said(licence)]), terms_of(licence)
    assert decided[Act.KEEP].allowed == terms.keep
    assert decided[Act.SHARE].allowed == terms.share
    assert decided[Act.SHARE].licence_class == terms.licence_class
    assert terms.why_not in decided[Act.SHARE].why


@pytest.mark.parametrize("weak", [Grade.BARE_TAG, Grade.KEEPER_WORD, Grade.INDEPENDENT])
@pytest.mark.parametrize(
    "other", ["CC-BY-SA-4.0", "CC-BY-3.0", "LicenseRef-All-Rights-Reserved", ""]
)
def test_a_conflict_is_a_no_whoever_says_it(weak, other):
    one = share(FileFacts(), said("CC-BY-4.0", Grade.DEPOSIT), said(other, weak, place="there"))
    assert (one.allowed, one.code) == (False, "conflict")
    assert "here" in one.why
    assert "there" in one.why


def test_statements_on_different_works_are_no_conflict_and_ask_together():
    recording = said("CC-BY-ND-4.0", parts=frozenset({Part.RECORDING}), place="label")
    song = said("CC-BY-NC-4.0", Grade.DEPOSIT, parts=frozenset({Part.COMPOSITION}), place="writer")
    one = share(FileFacts(), recording, song)
    assert one.allowed
    assert one.licence_class == "CC-BY-NC-ND"
    assert one.licence == "CC-BY-NC-4.0 AND CC-BY-ND-4.0"
    assert one.grade == Grade.INDEPENDENT
    assert "label" in one.why
    assert "writer" in one.why


def test_what_agrees_in_weaker_words_does_not_stand_against():
    weak = said("LicenseRef-CC-BY-unversioned", Grade.BARE_TAG)
    one = share(FileFacts(), said("CC-BY-4.0"), weak, said("CC-BY-4.0 OR GPL-2.0-only", Grade(2)))
    assert (one.allowed, one.licence) == (True, "CC-BY-4.0")


def test_a_version_is_not_filled_in_from_a_weaker_word():
    one = share(
        FileFacts(), said("LicenseRef-CC-BY-unversioned"), said("CC-BY-4.0", Grade.KEEPER_WORD)
    )
    assert (one.allowed, one.code) == (False, "not-licensed")


@pytest.mark.parametrize("part", [Part.PICTURE, Part.LYRICS])
def test_a_picture_and_words_want_evidence_of_their_own(part):
    facts = FileFacts(has_picture=part is Part.PICTURE, has_lyrics=part is Part.LYRICS)
    one = share(facts, said(parts=SONG))
    assert (one.allowed, one.code) == (False, f"no-evidence-{part}")
    weak = share(facts, said(parts=SONG), said(grade=Grade.BARE_TAG, parts=frozenset({part})))
    assert (weak.allowed, weak.code) == (False, "weak-evidence")
    assert share(facts, said(parts=SONG), said(parts=frozenset({part}))).allowed
    assert share(FileFacts(), said(parts=SONG)).allowed


@pytest.mark.parametrize("part", [Part.RECORDING, Part.COMPOSITION])
def test_the_recording_and_the_song_are_two_works(part):
    one = share(FileFacts(), said(parts=frozenset(SONG - {part})))
    assert (one.allowed, one.code) == (False, f"no-evidence-{part}")


@pytest.mark.parametrize(
    "title",
    ["Song (Cover)", "COVER of a song", "Trad.", "Traditional: Song", "Song (trad. arr. Jane)"],
)
@pytest.mark.parametrize("grade", [Grade.INDEPENDENT, Grade.DEPOSIT])
def test_a_title_that_tells_of_anothers_song_is_not_shared(title, grade):
    one = share(FileFacts(title=title), said(grade=grade))
    assert (one.allowed, one.code) == (False, "anothers-song")


@pytest.mark.parametrize("title", ["Discovery", "Uncovered", "Coverdale", "Tradition", "Arrival"])
def test_a_title_that_only_looks_so_is_shared(title):
    assert share(FileFacts(title=title), said()).allowed


@pytest.mark.parametrize(
    ("composer", "holder", "shared"),
    [
        ("", "", True),
        ("Jane Doe", "", True),
        ("jané doe", "", True),
        ("John Roe", "", False),
        ("Jane Doe & John Roe", "", False),
        ("John Roe", "2010, John Roe <john@example.org>", True),
        ("Jane Doe; John Roe", "© 2010 The Label; John Roe", True),
        ("John Roe", "Johnny Roeder", False),
        ("Al", "Balthazar", False),
        ("Traditional", "", False),
    ],
)
def test_a_song_by_another_wants_that_writers_licence(composer, holder, shared):
    facts = FileFacts(artist="Jane Doe", composer=composer)
    one = share(facts, said(holder=holder))
    assert (one.allowed, one.code) == (shared, "licensed" if shared else "anothers-song")


@pytest.mark.parametrize(
    "naming",
    [
        {"grade": Grade.BARE_TAG},
        {"grade": Grade.KEEPER_WORD},
        {"parts": frozenset({Part.RECORDING})},
        {"licence": "LicenseRef-CC-BY-unversioned"},
    ],
)
def test_only_who_licenses_the_song_by_good_evidence_counts_as_its_writer(naming):
    facts = FileFacts(artist="Jane Doe", composer="John Roe")
    assert not share(facts, said(), said(holder="John Roe", place="there", **naming)).allowed
    assert share(facts, said(), said(holder="John Roe", place="there")).allowed


def test_a_signed_statement_on_the_song_answers_for_its_writer():
    facts = FileFacts(artist="Jane Doe", composer="John Roe")
    assert share(facts, said(grade=Grade.DEPOSIT, parts=SONG)).allowed
    recording = said(grade=Grade.DEPOSIT, parts=frozenset({Part.RECORDING}))
    assert not share(facts, said(parts=SONG), recording).allowed


def test_a_refusal_to_keep_refuses_to_share_even_where_it_speaks_of_no_work_in_the_file():
    reserved = said("LicenseRef-All-Rights-Reserved", parts=frozenset({Part.LYRICS}))
    decided = decide(FileFacts(), [said(parts=SONG), reserved])
    assert decided[Act.SHARE].code == "not-licensed"
    assert not any(one.allowed for one in decided.values())


@settings(deadline=None, max_examples=150)
@given(FACTS, SAYINGS, st.randoms())
def test_the_order_of_statements_and_saying_it_twice_never_show(facts, told, maker):
    assert decide(facts, maker.sample(told, len(told))) == decide(facts, told)
    assert decide(facts, told + told) == decide(facts, told)


@settings(deadline=None, max_examples=300)
@given(FACTS, SAYINGS, STATEMENTS)
def test_a_weak_statement_never_opens_sharing(facts, told, more):
    """Weaker: below an independent record. Keeping it opens only where nothing was said yet."""
    assume(more.grade < Grade.INDEPENDENT)
    before, after = decide(facts, told), decide(facts, [*told, more])
    for act in (*MADE_OF_SHARE, Act.TRAIN):
        assert before[act].allowed or not after[act].allowed
    assert before[Act.KEEP].allowed or not after[Act.KEEP].allowed or not told


@settings(deadline=None, max_examples=300)
@given(FACTS, SAYINGS, STATEMENTS)
def test_a_contrary_statement_never_opens_anything(facts, told, more):
    """Contrary: its licence does not let share, or another statement on a work disagrees."""
    assume(
        not terms_of(more.licence).share
        or any(one.parts & more.parts and not agree(one.licence, more.licence) for one in told)
    )
    before, after = decide(facts, told), decide(facts, [*told, more])
    for act in (*MADE_OF_SHARE, Act.TRAIN):
        assert before[act].allowed or not after[act].allowed
    assert before[Act.KEEP].allowed or not after[Act.KEEP].allowed or not told


@settings(deadline=None, max_examples=300)
@given(FACTS, SAYINGS)
def test_what_is_shared_is_licensed_part_by_part_and_undisputed(facts, told):
    decided = decide(facts, told)
    assert not decided[Act.TRAIN].allowed
    assert len({decided[act].allowed for act in MADE_OF_SHARE}) == 1
    if decided[Act.SHARE].allowed:
        assert decided[Act.KEEP].allowed
        for part in facts.parts:
            good = [s for s in told if part in s.parts and s.grade >= Grade.INDEPENDENT]
            assert any(terms_of(s.licence).share for s in good)
        for one, other in permutations(told, 2):
            assert not one.parts & other.parts or agree(one.licence, other.licence)
        assert decided[Act.SHARE].licence_class
        assert decided[Act.SHARE].grade >= Grade.INDEPENDENT


@settings(deadline=None)
@given(FACTS, SAYINGS)
def test_a_withdrawal_closes_every_act(facts, told):
    decided = decide(facts, [*told, said(grade=Grade.DEPOSIT)], "2026-11-20T10:00:00Z")
    assert set(decided) == set(Act)
    for one in decided.values():
        assert (one.allowed, one.code) == (False, "withdrawn")
        assert "2026-11-20" in one.why
