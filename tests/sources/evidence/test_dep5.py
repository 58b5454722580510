"""Copyright files, and which paragraph covers an installed file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songark.model.errors import SongarkError
from songark.model.evidence import Grade
from songark.sources.evidence.dep5 import parse_dep5
from songark.sources.evidence.dep5_match import covering
from songark.sources.evidence.document import Document
from songark.sources.evidence.nearby import Package
from songark.sources.evidence.package import PackageRecord, parse_record, parse_sums
from songark.sources.evidence.package_word import package_statements

HEAD = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n"
EXAMPLES = Path(__file__).parents[3] / "examples" / "music"
INSTALLED = "usr/share/games/tux/data/music/foo.ogg"
SHA = "ab" * 32


def copyright_file(*rows):
    """Rows of (patterns, licence)."""
    return HEAD + "".join(
        f"\nFiles: {files}\nCopyright: 2001, {licence} people\nLicense: {licence}\n text of it\n"
        for files, licence in rows
    )


def licence_of(path, *rows):
    paragraph, doubt = covering(parse_dep5(copyright_file(*rows)), path)
    return (paragraph.licence_raw if paragraph else None), bool(doubt)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        # The pattern matches an end of the installed path.
        ([("*", "GPL-3"), ("data/music/*", "CC0")], ("CC0", False)),
        ([("*", "GPL-3"), ("data/music/foo.ogg", "CC0")], ("CC0", False)),
        ([("data/mus?c/f*", "CC0")], ("CC0", False)),
        # The last matching paragraph wins, as the format says.
        ([("data/music/*", "CC0"), ("data/music/foo.ogg", "CC-BY-4.0")], ("CC-BY-4.0", False)),
        ([("data/music/foo.ogg", "CC0"), ("data/music/*", "CC-BY-4.0")], ("CC-BY-4.0", False)),
        ([("data/music/foo.ogg", "CC0"), ("*", "GPL-3")], ("GPL-3", False)),
        # The longest end is taken for the path in the source; a shorter one makes it unsure.
        ([("data/music/*", "CC0"), ("music/*", "CC-BY-4.0")], ("CC0", True)),
        ([("data/music/*", "CC0"), ("music/*", "CC0")], ("CC0", False)),
        # Only the star: unless another paragraph names the file or its folder.
        ([("*", "GPL-3"), ("src/*", "MIT")], ("GPL-3", False)),
        ([("*", "GPL-3"), ("assets/music/*", "CC0")], ("CC0", True)),
        ([("*", "GPL-3"), ("src/foo.wav", "CC0")], ("CC0", True)),
        ([("*", "CC0"), ("src/foo.wav", "CC0")], ("CC0", False)),
        ([("*.ogg", "CC0"), ("*.wav", "MIT")], ("CC0", False)),
        ([("src/*", "MIT")], (None, False)),
        # A file at the source's root is not any file of that name, but nothing says so.
        ([("*", "GPL-3"), ("foo.ogg", "CC0")], ("CC0", False)),
    ],
)
def test_the_paragraph_that_covers_an_installed_file(rows, expected):
    assert licence_of(INSTALLED, *rows) == expected


def test_fields_of_a_paragraph():
    text = (
        HEAD + "\nFiles: a b\n  c/*\nCopyright: 2001 A\n           2002-2003 B <b@x>\nLicense: X\n"
    )
    (one,) = parse_dep5(text)
    assert one.holder == "2001 A; 2002-2003 B <b@x>"
    assert [pattern.text for pattern in one.anchored] == ["a", "b", "c/*"]
    assert (one.licence_raw, one.number) == ("X", 2)


def test_a_free_text_is_no_machine_readable_file():
    with pytest.raises(SongarkError, match="machine-readable"):
        parse_dep5("This package was debianised by somebody.\n\nFiles: *\nLicense: CC0\n")


@given(st.text(alphabet=st.sampled_from("Files: *\nLicense:CC0\n.Copyright 2"), max_size=200))
def test_any_text_behind_the_head_is_taken(text):
    for whole in (text, HEAD + text):
        try:
            covering(parse_dep5(whole), INSTALLED)
        except SongarkError as error:
            assert error.message


@given(st.binary(max_size=300))
def test_any_bytes_are_taken(data):
    text = data.decode("utf-8", "replace")
    for parse in (parse_dep5, parse_record, parse_sums):
        for whole in (text, HEAD + text):
            try:
                parse(whole)
            except SongarkError as error:
                assert error.message


def test_a_record_wants_a_name_and_a_version():
    text = f"Package: tux-data\nSource: tux\nVersion: 1.4+dfsg-2\nSHA256: {SHA}\n"
    assert parse_record(text) == PackageRecord("tux-data", "1.4+dfsg-2", SHA)
    assert parse_record("Package: tux\nVersion: 1\n").sha256 == ""
    for bad in ("", "Package: tux\n", "Package: T U X\nVersion: 1\n", text.replace(SHA, "ab")):
        with pytest.raises(SongarkError, match="malformed"):
            parse_record(bad)


def test_sums_keep_every_path():
    a, b = "0" * 32, "f" * 32
    text = f"{a}  usr/z\n{b}  usr/with a blank.ogg\n\n{a}  ./usr/a\n"
    assert parse_sums(text) == {a: ("usr/a", "usr/z"), b: ("usr/with a blank.ogg",)}
    with pytest.raises(SongarkError) as told:
        parse_sums(f"{a}  usr/z\nusr/y\n")
    assert told.value.place == "line 2"


def package(record=True, sums=True, *, rows=(("data/music/*", "CC-BY-4.0"),), sha=SHA):
    return Package(
        Document("p/debian/copyright", "", "d" * 64),
        parse_dep5(copyright_file(*rows)),
        PackageRecord("tux", "1-1", sha) if record else None,
        {"0" * 32: (INSTALLED,)} if sums else {},
    )


def test_known_bytes_of_a_known_package_are_an_independent_record():
    (one,) = package_statements(package(), "foo.ogg", lambda: "0" * 32)
    assert (one.grade, one.licence, one.kind) == (Grade.INDEPENDENT, "CC-BY-4.0", "dep5")
    assert one.holder == "2001, CC-BY-4.0 people"
    assert (one.place, one.document) == ("p/debian/copyright, paragraph 2", "d" * 64)
    assert "tux 1-1" in one.note
    assert SHA in one.note
    assert INSTALLED in one.note


@pytest.mark.parametrize(
    ("made", "md5", "word"),
    [
        (package(), "1" * 32, "MD5"),
        (package(record=False), "0" * 32, "debian/package"),
        (package(sha=""), "0" * 32, "SHA256"),
        (package(sums=False), "0" * 32, "debian/md5sums"),
        (package(rows=(("*", "GPL-2"), ("x/music/*", "CC-BY-4.0"))), "0" * 32, "name only"),
    ],
)
def test_what_is_missing_makes_it_the_keepers_word(made, md5, word):
    path = "foo.ogg" if made.sums else "data/music/foo.ogg"
    (one,) = package_statements(made, path, lambda: md5)
    assert one.grade == Grade.KEEPER_WORD
    assert one.licence == "CC-BY-4.0"
    assert word in one.note


def test_a_file_renamed_by_the_keeper_is_known_by_its_bytes():
    (one,) = package_statements(package(), "renamed.ogg", lambda: "0" * 32)
    assert one.grade == Grade.INDEPENDENT


def test_one_file_installed_twice_says_both():
    twice = Package(
        Document("debian/copyright", "", ""),
        parse_dep5(copyright_file(("a/*", "CC0"), ("b/*", "CC-BY-4.0"))),
        PackageRecord("tux", "1", SHA),
        {"0" * 32: ("usr/a/x.ogg", "usr/b/x.ogg")},
    )
    made = package_statements(twice, "x.ogg", lambda: "0" * 32)
    assert {one.licence for one in made} == {"CC0-1.0", "CC-BY-4.0"}


def test_the_sum_is_asked_for_only_where_there_is_a_list():
    def never() -> str:
        raise AssertionError

    assert package_statements(package(sums=False), "data/music/foo.ogg", never)


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="no examples here")
def test_every_example_is_surely_covered():
    folders = [p.parent for p in sorted(EXAMPLES.glob("*/debian"))]
    assert folders
    for folder in folders:
        paragraphs = parse_dep5((folder / "debian/copyright").read_text())
        for paths in parse_sums((folder / "debian/md5sums").read_text()).values():
            for path in paths:
                found, doubt = covering(paragraphs, path)
                assert found is not None
                assert (doubt, found.licence_raw[:2]) in {("", "CC"), ("", "GP")}
