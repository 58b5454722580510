"""Licences in a file's own tags."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songark.model.evidence import WHOLE_FILE, Grade
from songark.sources.evidence.tags import tag_statements

CC = "http://creativecommons.org/licenses/by/3.0/"


def licences(*tags):
    return [one.licence for one in tag_statements(tags, "x.ogg")]


@pytest.mark.parametrize(
    "name", ["LICENSE", "licence", "Copyright", "WCOP", "WXXX:anything", "comment", "description"]
)
def test_addresses_in_any_of_these_tags(name):
    (one,) = tag_statements(((name, f"(c) X, see {CC} for more"),), "a/x.ogg")
    assert (one.grade, one.kind, one.licence) == (Grade.BARE_TAG, "tag", "CC-BY-3.0")
    assert one.place == f"a/x.ogg, tag {name}"
    assert one.parts == WHOLE_FILE
    assert one.document == ""


@pytest.mark.parametrize("name", ["title", "artist", "encoder", "WOAR"])
def test_other_tags_say_nothing(name):
    assert licences((name, CC)) == []


def test_names_and_expressions():
    assert licences(("LICENSE", "cc by-sa 3.0")) == ["CC-BY-SA-3.0"]
    assert licences(("LICENSE", "GPL-2+ or CC-BY-SA-3")) == ["GPL-2.0-or-later OR CC-BY-SA-3.0"]
    assert licences(("comment", "CC-BY-4.0")) == ["CC-BY-4.0"]
    assert licences(("comment", "Fair"), ("copyright", "2001 Glide")) == []


def test_a_licence_field_that_cannot_be_read_is_seen_as_such():
    (one,) = tag_statements((("LICENSE", "ask me"),), "x")
    assert (one.licence, one.licence_raw) == ("", "ask me")


def test_all_rights_reserved_stands_beside_a_licence():
    told = licences(("COPYRIGHT", f"(c) 2001 X. All Rights Reserved. {CC}"))
    assert told == ["CC-BY-3.0", "LicenseRef-All-Rights-Reserved"]


def test_the_holder_is_who_the_copyright_tag_names():
    told = tag_statements((("LICENSE", "CC0"), ("Copyright", "(c) 2008 by S. C.")), "x")
    assert [one.holder for one in told] == ["(c) 2008 by S. C."]


def test_ported_licences_are_remarked():
    (one,) = tag_statements((("LICENSE", "http://creativecommons.org/licenses/by/2.5/es/"),), "x")
    assert (one.licence, "'es'" in one.note) == ("CC-BY-2.5", True)


@given(st.lists(st.tuples(st.sampled_from(["LICENSE", "comment", "WXXX:"]), st.text())))
def test_any_tags_are_taken(tags):
    for one in tag_statements(tuple(tags), "x"):
        assert one.grade == Grade.BARE_TAG
