"""What a keeper writes: songark.rights.toml, side files, REUSE.toml."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songark.model.errors import SongarkError
from songark.model.evidence import WHOLE_FILE, Grade, Part
from songark.sources.evidence.document import MAX_TEXT, Document, proof_digest, read_document
from songark.sources.evidence.reuse import (
    annotated,
    parse_reuse,
    side_statement,
    toml_statement,
)
from songark.sources.evidence.rights_toml import covering, parse_rights, rights_statement

GOOD = """
[[rights]]
files = ["**"]
licence = "CC-BY-4.0"
holder = "The Label"

[[rights]]
files = ["live/*.ogg"]
licence = "http://creativecommons.org/licenses/by-sa/2.5/es/"
holder = "Somebody"
parts = ["recording", "picture"]
evidence = "papers/letter.pdf"
"""


def document(text="", path="a/x"):
    return Document(path, text, hashlib.sha256(text.encode()).hexdigest())


def test_the_last_entry_that_matches_counts():
    entries = parse_rights(GOOD)
    assert [covering(entries, p).number for p in ("x.ogg", "live/x.ogg", "live/deep/x.ogg")] == [
        1,
        2,
        1,
    ]


def test_an_entry_is_the_keepers_word_whatever_it_points_to():
    first, second = parse_rights(GOOD)
    told = rights_statement(document(GOOD, "a/songark.rights.toml"), second, "e" * 64)
    assert (told.grade, told.kind, told.licence) == (Grade.KEEPER_WORD, "toml", "CC-BY-SA-2.5")
    assert told.parts == {Part.RECORDING, Part.PICTURE}
    assert told.document == "e" * 64
    assert told.place == "a/songark.rights.toml, entry 2"
    assert "'es'" in told.note
    plain = rights_statement(document(GOOD), first, "")
    assert plain.parts == {Part.RECORDING, Part.COMPOSITION}
    assert plain.document == document(GOOD).sha256


ENTRY = '[[rights]]\nfiles = ["*"]\nlicence = "CC0"\nholder = "X"\n'


@pytest.mark.parametrize(
    ("text", "place", "word"),
    [
        ("", "", "no entries"),
        ("rights = 3", "", "no entries"),
        ("[[rights", "", "not TOML"),
        ("x = 1\n" + ENTRY, "", "'x'"),
        ("rights = [1]", "entry 1", "not a table"),
        (ENTRY + "owner = 1", "entry 1", "'owner'"),
        (ENTRY + ENTRY.replace("holder", "# holder"), "entry 2, field holder", "missing"),
        (ENTRY.replace('"CC0"', '"my own"'), "entry 1, field licence", "my own"),
        (ENTRY.replace('"CC0"', "4"), "entry 1, field licence", "text"),
        (ENTRY.replace('"X"', '" "'), "entry 1, field holder", "text"),
        (ENTRY.replace('["*"]', '"*"'), "entry 1, field files", "list"),
        (ENTRY.replace('["*"]', "[]"), "entry 1, field files", "list"),
        (ENTRY.replace('["*"]', "[1]"), "entry 1, field files", "text"),
        (ENTRY + 'parts = ["sound"]', "entry 1, field parts", "parts"),
        (ENTRY + "parts = [[1]]", "entry 1, field parts", "parts"),
        (ENTRY + 'evidence = "../x"', "entry 1, field evidence", "out of"),
        (ENTRY + 'evidence = "/etc/passwd"', "entry 1, field evidence", "out of"),
        (ENTRY + "evidence = 1", "entry 1, field evidence", "text"),
    ],
)
def test_errors_name_the_entry_and_the_field(text, place, word):
    with pytest.raises(SongarkError) as told:
        parse_rights(text)
    assert told.value.place == place
    assert word in told.value.message


def test_a_side_file_names_licence_and_holder():
    holders = "SPDX-FileCopyrightText: 2001 A\nSPDX-FileCopyrightText: B\n"
    text = holders + "SPDX-License-Identifier: CC0-1.0\n"
    told = side_statement(document(text, "x.ogg.license"))
    assert (told.grade, told.kind, told.licence) == (Grade.KEEPER_WORD, "reuse", "CC0-1.0")
    assert told.holder == "2001 A; B"
    assert told.parts == WHOLE_FILE
    assert told.document == document(text).sha256


def test_several_licence_lines_hold_together():
    line = "SPDX-License-Identifier: "
    told = side_statement(document(f"{line}CC-BY-4.0 OR MIT\n{line}CC0-1.0\n"))
    assert told.licence == "(CC-BY-4.0 OR MIT) AND CC0-1.0"


def test_a_side_file_without_a_licence_is_an_error():
    with pytest.raises(SongarkError):
        side_statement(document("SPDX-FileCopyrightText: A"))


REUSE = """
version = 1
[[annotations]]
path = "**"
SPDX-FileCopyrightText = ["A", "B"]
SPDX-License-Identifier = "CC-BY-4.0"
[[annotations]]
path = ["live/*", "x.ogg"]
precedence = "aggregate"
SPDX-License-Identifier = ["CC0-1.0", "MIT"]
[[annotations]]
path = "x.ogg"
SPDX-FileCopyrightText = "nobody, and no licence"
"""


def test_the_last_annotation_with_a_licence_counts():
    rows = parse_reuse(REUSE)
    assert [annotated(rows, p).number for p in ("x.ogg", "live/y", "z")] == [2, 2, 1]
    told = toml_statement(document(REUSE, "REUSE.toml"), rows[1])
    assert (told.licence, told.place) == ("CC0-1.0 AND MIT", "REUSE.toml, annotation 2")
    assert (rows[0].alone, rows[1].alone) == (True, False)
    assert rows[0].holder == "A; B"


@pytest.mark.parametrize(
    "text",
    [
        "[[annotations",
        "annotations = 1",
        "annotations = [1]",
        '[[annotations]]\nSPDX-License-Identifier = "MIT"',
        '[[annotations]]\npath = [1]\nSPDX-License-Identifier = "MIT"',
        '[[annotations]]\npath = ""\nSPDX-License-Identifier = "MIT"',
    ],
)
def test_annotations_of_another_form_are_errors(text):
    with pytest.raises(SongarkError):
        parse_reuse(text)


TOML = st.lists(
    st.sampled_from(
        [
            *("[[rights]]\n", "[[annotations]]\n", 'files = ["*"]\n', 'licence = "CC0"\n', "{"),
            *('holder = "X"\n', 'path = "x"\n', "parts = []\n", "x = 1\n", '"', "\\", "=", "["),
        ]
    ),
    max_size=10,
).map("".join)


@given(st.text() | TOML | st.just("x = " + "[" * 2000))
def test_any_text_is_taken(text):
    for parse in (parse_rights, parse_reuse):
        try:
            parse(text)
        except SongarkError as error:
            assert error.message
    try:
        side_statement(document(text))
    except SongarkError as error:
        assert error.message


def test_documents_are_read_from_the_folder_only(tmp_path):
    top = tmp_path / "top"
    top.mkdir()
    (tmp_path / "secret").write_text("x")
    (top / "link").symlink_to("../secret")
    (top / "text").write_bytes(b"\xef\xbb\xbfhello")
    (top / "binary").write_bytes(b"\xff\xfe")
    (top / "folder").mkdir()
    (top / "loop").symlink_to("loop")
    with (top / "big").open("wb") as stream:
        stream.truncate(MAX_TEXT + 1)
    assert read_document(top, top / "text", "text").text == "hello"
    for absent in ("none", "folder", "text/none"):
        assert read_document(top, top / absent, absent) is None
        assert proof_digest(top, top / absent) == ""
    for bad in ("link", "binary", "big", "loop"):
        with pytest.raises(SongarkError):
            read_document(top, top / bad, bad)
    assert proof_digest(top, top / "binary") == hashlib.sha256(b"\xff\xfe").hexdigest()
