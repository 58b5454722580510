"""Patterns for paths, against plain regular expressions."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songark.model.errors import SongarkError
from songark.sources.evidence.pattern import MAX_PATTERN, dep5_pattern, reuse_pattern

PATTERN = st.text(alphabet="ab/*?\\.", min_size=1, max_size=8)
PATH = st.text(alphabet="ab/.*\\", max_size=8)


def as_dep5(text):
    made, at = "", 0
    while at < len(text):
        if text[at] == "\\" and text[at + 1 : at + 2] in ("*", "?", "\\"):
            made += re.escape(text[at + 1])
            at += 1
        else:
            made += {"*": "(?s:.*)", "?": "(?s:.)"}.get(text[at], re.escape(text[at]))
        at += 1
    return made


def as_reuse(text):
    parts = re.split(r"(\\(?s:.)|\*\*|\*)", text)
    known = {"**": "(?s:.*)", "*": "[^/]*"}
    return "".join(
        known.get(part, re.escape(part[1:] if part[:1] == "\\" and len(part) == 2 else part))
        for part in parts
    )


@given(PATTERN, PATH)
def test_dep5_patterns_match_as_their_regular_expressions(text, path):
    assert dep5_pattern(text).matches(path) == bool(re.fullmatch(as_dep5(text), path))


@given(PATTERN, PATH)
def test_reuse_patterns_match_as_their_regular_expressions(text, path):
    assert reuse_pattern(text).matches(path) == bool(re.fullmatch(as_reuse(text), path))


@pytest.mark.parametrize(
    ("text", "path", "is_match"),
    [
        ("*.ogg", "a.ogg", True),
        ("*.ogg", "b/a.ogg", False),
        ("**.ogg", "b/a.ogg", True),
        ("b/**", "b/c/d", True),
        ("b/**/d", "b/d", False),
        (r"\*.ogg", "*.ogg", True),
        (r"\*.ogg", "a.ogg", False),
    ],
)
def test_reuse_stars(text, path, is_match):
    assert reuse_pattern(text).matches(path) is is_match


def test_a_hostile_pattern_is_matched_in_no_time():
    assert not dep5_pattern("*a" * 400 + "b").matches("a" * 4000)
    assert not reuse_pattern("*a**" * 200 + "b").matches("a" * 4000)


@pytest.mark.parametrize("text", ["", "x" * (MAX_PATTERN + 1)])
def test_patterns_are_bounded(text):
    for make in (dep5_pattern, reuse_pattern):
        with pytest.raises(SongarkError):
            make(text)


@given(st.text(min_size=1, max_size=50), st.text(max_size=50))
def test_any_text_is_a_pattern(text, path):
    assert dep5_pattern(text).matches(path) in (True, False)
    assert reuse_pattern(text).matches(path) in (True, False)
