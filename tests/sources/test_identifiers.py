"""Identifiers in canonical form."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songark.sources.identifiers import isrc, mbid


@pytest.mark.parametrize("text", ["GBAYE6900531", "gb-aye-69-00531", " GB AYE 69 00531 "])
def test_isrc_has_one_form(text):
    assert isrc(text) == "GBAYE6900531"


@pytest.mark.parametrize(
    "text", ["", "GBAYE690053", "GBAYE69005311", "1BAYE6900531", "ＧBAYE6900531"]
)
def test_what_is_no_isrc_is_empty(text):
    assert isrc(text) == ""


@given(st.uuids())
def test_mbid_is_a_uuid_in_lower_case(value: uuid.UUID):
    assert mbid(f" {str(value).upper()} ") == str(value)
    assert mbid(value.hex) == ""


@given(st.text())
def test_any_text_is_taken_and_the_result_is_stable(text):
    for parse in (isrc, mbid):
        assert parse(parse(text)) == parse(text)
