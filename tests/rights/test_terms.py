import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from songark.model.licence import normalise
from songark.rights.terms import CLASSES, agree, joined_class, terms_of

KINDS = ("BY", "BY-SA", "BY-NC", "BY-NC-SA", "BY-ND", "BY-NC-ND")
NAMES = [
    "CC0-1.0",
    "CC-BY-4.0",
    "CC-BY-SA-3.0",
    "CC-BY-NC-4.0",
    "CC-BY-ND-2.0",
    "GPL-2.0-only",
    "LicenseRef-CC-BY-unversioned",
    "LicenseRef-All-Rights-Reserved",
    "Unknown",
]


@st.composite
def expressions(draw, depth=2):
    if not depth or draw(st.booleans()):
        return draw(st.sampled_from(NAMES))
    mark = draw(st.sampled_from([" AND ", " OR "]))
    parts = draw(st.lists(expressions(depth - 1), min_size=2, max_size=3))
    return "(" + mark.join(parts) + ")"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("version", ["1.0", "2.0", "2.5", "3.0", "4.0"])
def test_each_creative_commons_licence_may_be_shared_in_its_class(kind, version):
    told = terms_of(f"CC-{kind}-{version}")
    assert (told.keep, told.share, told.licence_class) == (True, True, f"CC-{kind}")
    assert not told.why_not


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ("CC0-1.0", "CC0"),
        ("CC-BY-3.0-US", "CC-BY"),
        ("CC-BY-SA-2.0-UK", "CC-BY-SA"),
        ("CC-BY-NC-ND-3.0-IGO", "CC-BY-NC-ND"),
        ("CC-BY-3.0-AT", "CC-BY"),
    ],
)
def test_ports_and_cc0_may_be_shared(expression, kind):
    assert normalise(expression) == expression
    assert (terms_of(expression).share, terms_of(expression).licence_class) == (True, kind)


@pytest.mark.parametrize(
    ("expression", "keep", "why"),
    [
        ("LicenseRef-CC-BY-SA-unversioned", True, "which version"),
        ("CC-PDM-1.0", True, "public domain"),
        ("LicenseRef-Public-Domain", True, "public domain"),
        ("GPL-2.0-or-later", True, "preferred form"),
        ("GPL-3.0-only", True, "preferred form"),
        ("LGPL-2.1-only", True, "preferred form"),
        ("AGPL-3.0-or-later", True, "preferred form"),
        ("LicenseRef-All-Rights-Reserved", False, "all rights are reserved"),
        ("", False, "not known"),
        ("MIT", False, "not known"),
        ("CC-BY-5.0", False, "not known"),
        ("CC-BY-XX-4.0", False, "not known"),
        ("CC-BY-4.0-suffix", False, "not known"),
        ("xCC-BY-4.0", False, "not known"),
        ("cc-by-4.0", False, "not known"),
        ("CC-BY-4.0 WITH Exception", False, "not known"),
        ("CC-BY-４.0", False, "not known"),
        ("(CC-BY-4.0", False, "not known"),
    ],
)
def test_what_may_not_be_shared_and_why(expression, keep, why):
    told = terms_of(expression)
    assert (told.keep, told.share, told.licence_class) == (keep, False, "")
    assert why in told.why_not


@pytest.mark.parametrize(
    ("expression", "keep", "kind"),
    [
        ("CC-BY-4.0 OR CC-BY-NC-4.0", True, "CC-BY"),
        ("GPL-2.0-only OR CC-BY-SA-3.0", True, "CC-BY-SA"),
        ("LicenseRef-All-Rights-Reserved OR CC0-1.0", True, "CC0"),
        ("LicenseRef-All-Rights-Reserved OR GPL-2.0-only", True, ""),
        ("CC-BY-4.0 AND CC-BY-SA-3.0", True, "CC-BY-SA"),
        ("CC0-1.0 AND CC-BY-4.0", True, "CC-BY"),
        ("CC-BY-NC-4.0 AND CC-BY-SA-3.0", True, "CC-BY-NC-SA"),
        ("CC-BY-NC-4.0 AND CC-BY-ND-4.0", True, "CC-BY-NC-ND"),
        ("CC-BY-SA-4.0 AND CC-BY-ND-4.0", True, "CC-BY-ND"),
        ("CC-BY-4.0 AND GPL-2.0-only", True, ""),
        ("CC-BY-4.0 AND MIT", False, ""),
        ("CC-BY-4.0 AND (GPL-2.0-only OR CC-BY-NC-4.0)", True, "CC-BY-NC"),
        ("(CC-BY-4.0 AND MIT) OR CC-BY-ND-4.0", True, "CC-BY-ND"),
    ],
)
def test_of_or_the_freest_counts_and_of_and_all(expression, keep, kind):
    told = terms_of(expression)
    assert (told.keep, told.share, told.licence_class) == (keep, bool(kind), kind)


@settings(deadline=None)
@given(st.lists(st.sampled_from(CLASSES), min_size=1))
def test_a_class_of_several_asks_whatever_one_of_them_asks(classes):
    joined = joined_class(classes)
    assert joined in CLASSES
    for mark in ("NC", "ND"):
        assert (mark in joined) == any(mark in one for one in classes)
    assert ("SA" in joined or "ND" in joined) == any("SA" in c or "ND" in c for c in classes)
    assert joined_class(reversed(classes)) == joined_class([joined, joined]) == joined


@settings(deadline=None)
@given(st.text(max_size=60))
@example("(" * 5000 + "A" + ")" * 5000)
@example(" OR ".join(f"(A{n} AND B{n})" for n in range(40)))
@example(" AND ".join(f"(A{n} OR B{n})" for n in range(40)))
def test_any_text_has_terms_and_what_is_not_known_gives_nothing(text):
    told = terms_of(text)
    assert not told.share
    assert agree(text, text)


@settings(deadline=None, max_examples=200)
@given(expressions(), expressions())
def test_and_gives_no_more_and_or_no_less_than_each(one, other):
    a, b = terms_of(one), terms_of(other)
    both, either = terms_of(f"({one}) AND ({other})"), terms_of(f"({one}) OR ({other})")
    assert both.share == (a.share and b.share)
    assert both.keep == (a.keep and b.keep)
    assert either.share == (a.share or b.share)
    assert either.keep == (a.keep or b.keep)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("CC-BY-4.0", "CC-BY-4.0"),
        ("CC-BY-4.0 OR GPL-2.0-only", "GPL-2.0-only"),
        ("CC-BY-4.0 OR GPL-2.0-only", "GPL-2.0-only OR CC-BY-4.0"),
        ("CC-BY-4.0 AND CC0-1.0", "CC0-1.0 AND CC-BY-4.0"),
        ("CC0-1.0 AND (CC-BY-4.0 OR GPL-2.0-only)", "CC0-1.0 AND CC-BY-4.0"),
        ("LicenseRef-CC-BY-SA-unversioned", "CC-BY-SA-3.0"),
        ("LicenseRef-CC-BY-SA-unversioned", "CC-BY-SA-2.0-UK"),
        ("LicenseRef-CC-BY-SA-unversioned AND CC0-1.0", "CC0-1.0 AND CC-BY-SA-4.0"),
        ("", ""),
    ],
)
def test_expressions_that_one_licence_satisfies(one, other):
    assert agree(one, other)
    assert agree(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("CC-BY-4.0", "CC-BY-3.0"),
        ("CC-BY-4.0", "CC0-1.0"),
        ("CC-BY-SA-3.0", "CC-BY-SA-3.0-US"),
        ("CC-BY-4.0 AND CC0-1.0", "CC0-1.0"),
        ("LicenseRef-All-Rights-Reserved AND (CC-BY-4.0 OR CC0-1.0)", "CC0-1.0"),
        ("LicenseRef-All-Rights-Reserved AND (CC-BY-4.0 OR CC0-1.0)", "CC-BY-4.0"),
        ("LicenseRef-CC-BY-unversioned", "CC-BY-SA-4.0"),
        ("LicenseRef-CC-BY-unversioned", "LicenseRef-CC-BY-SA-unversioned"),
        ("LicenseRef-CC-BY-NC-unversioned", "CC-BY-4.0"),
        ("", "CC-BY-4.0"),
        ("LicenseRef-All-Rights-Reserved", "CC-BY-4.0"),
    ],
)
def test_expressions_that_no_licence_satisfies(one, other):
    assert not agree(one, other)
    assert not agree(other, one)


@settings(deadline=None, max_examples=200)
@given(expressions(), expressions())
def test_agreement_goes_both_ways_and_is_never_lost_by_another_choice(one, other):
    assert agree(one, one)
    assert agree(one, other) == agree(other, one)
    assert agree(f"({one}) OR ({other})", other)
