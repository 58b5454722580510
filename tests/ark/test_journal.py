import hashlib
import json
import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from songark.ark.journal import ZERO, Head, Journal, canonical
from songark.model.errors import BrokenError
from tests.support import start_child

APPENDER = """
from pathlib import Path
from songark.ark.journal import Journal
journal = Journal(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(sys.argv[3])):
    journal.append(sys.argv[2], {"number": number})
"""
BODIES = [{"a": 1}, {"name": 'Björk \\ "x" \u001f\n'}, {"list": [1.5, None, True]}, {}, {"z": {}}]


@pytest.fixture
def journal(tmp_path):
    made = Journal(tmp_path / "events" / "journal.jsonl")
    made.extend([("kind", body) for body in BODIES])
    return made


def read(journal, after=None):
    return list(journal.lines(after))


def write_lines(journal, lines):
    journal.path.write_bytes(b"".join(lines))


def raw_lines(journal):
    return journal.path.read_bytes().splitlines(keepends=True)


def test_what_was_appended_is_read_in_order(journal):
    lines = read(journal)
    assert [line.body for line in lines] == BODIES
    assert [line.n for line in lines] == [1, 2, 3, 4, 5]
    assert lines[0].prev == ZERO
    assert [line.prev for line in lines[1:]] == [line.hash for line in lines[:-1]]
    assert journal.head() == Head(5, lines[-1].hash)


def test_each_line_is_canonical_json_and_its_hash_can_be_made_by_anyone(journal):
    for raw in raw_lines(journal):
        told = json.loads(raw)
        assert canonical(told) + b"\n" == raw
        said = told.pop("hash")
        assert hashlib.sha256(canonical(told)).hexdigest() == said


def test_an_absent_journal_is_empty_and_has_the_zero_head(tmp_path):
    journal = Journal(tmp_path / "none.jsonl")
    assert read(journal) == []
    assert journal.head() == Head(0, ZERO)


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    journal = Journal(tmp_path_factory.mktemp("j") / "j")
    journal.extend([("kind", body) for body in BODIES])
    return journal, journal.head(), journal.path.read_bytes()


@settings(max_examples=500, deadline=None)
@given(data=st.data())
def test_one_changed_byte_never_goes_unseen(sound, data):
    journal, head, whole = sound
    at = data.draw(st.integers(0, len(whole) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda value: value != whole[at]))
    journal.path.write_bytes(whole[:at] + bytes([other]) + whole[at + 1 :])
    with pytest.raises(BrokenError):
        read(journal)
        # A changed last newline is a torn line: the head anchored elsewhere shows it.
        read(journal, head)


def test_an_escape_written_in_another_way_is_seen(journal):
    raw = journal.path.read_bytes()
    assert b"\\u001f" in raw
    journal.path.write_bytes(raw.replace(b"\\u001f", b"\\u001F"))
    with pytest.raises(BrokenError, match="line 2"):
        read(journal)


@pytest.mark.parametrize("gone", [0, 1, 2, 3])
def test_a_dropped_line_is_seen(journal, gone):
    lines = raw_lines(journal)
    write_lines(journal, lines[:gone] + lines[gone + 1 :])
    with pytest.raises(BrokenError, match="does not follow"):
        read(journal)


@pytest.mark.parametrize("at", [0, 1, 2, 3])
def test_two_swapped_lines_are_seen(journal, at):
    lines = raw_lines(journal)
    lines[at], lines[at + 1] = lines[at + 1], lines[at]
    write_lines(journal, lines)
    with pytest.raises(BrokenError, match="does not follow"):
        read(journal)


@pytest.mark.parametrize("at", [0, 2])
def test_a_line_that_was_rewritten_with_its_own_hash_is_seen_by_the_next(journal, at):
    lines = raw_lines(journal)
    told = json.loads(lines[at])
    del told["hash"]
    told["body"] = {"forged": True}
    told["hash"] = hashlib.sha256(canonical(told)).hexdigest()
    lines[at] = canonical(told) + b"\n"
    write_lines(journal, lines)
    with pytest.raises(BrokenError, match="does not follow") as caught:
        read(journal)
    assert caught.value.place == f"{journal.path}, line {at + 2}"


def test_a_first_line_that_follows_another_journal_is_seen(journal, tmp_path):
    other = Journal(tmp_path / "other")
    told = json.loads(raw_lines(journal)[0])
    del told["hash"]
    told["prev"] = "1" * 64
    told["hash"] = hashlib.sha256(canonical(told)).hexdigest()
    write_lines(other, [canonical(told) + b"\n"])
    with pytest.raises(BrokenError, match="does not follow"):
        read(other)


@pytest.mark.parametrize("left", [0, 1, 4])
def test_a_cut_tail_shows_against_the_anchored_head(journal, left):
    head = journal.head()
    write_lines(journal, raw_lines(journal)[:left])
    assert len(read(journal)) == left
    with pytest.raises(BrokenError, match=f"5 lines were anchored and {left} are left"):
        read(journal, head)


def test_a_missing_journal_shows_against_the_anchored_head(journal):
    head = journal.head()
    journal.path.unlink()
    with pytest.raises(BrokenError, match="its tail was cut"):
        read(journal, head)


def test_a_rewritten_past_shows_against_the_anchored_head(journal, tmp_path):
    head = journal.head()
    other = Journal(tmp_path / "other")
    other.extend([("kind", {"forged": n}) for n in range(7)])
    shutil.copy(other.path, journal.path)
    assert len(read(journal)) == 7
    with pytest.raises(BrokenError, match="not the one that was anchored"):
        read(journal, head)


def test_lines_after_a_head_are_those_that_came_since(journal):
    head = journal.head()
    assert read(journal, head) == []
    added = journal.extend([("new", {"n": 1}), ("new", {"n": 2})])
    assert read(journal, head) == added
    assert read(journal, Head()) == read(journal)


@pytest.mark.parametrize("cut", [1, 5, -1])
def test_a_torn_last_line_is_not_believed_and_mended_before_the_next(journal, cut):
    lines = raw_lines(journal)
    torn = lines[-1][:cut]
    write_lines(journal, [*lines[:-1], torn])
    assert [line.body for line in read(journal)] == BODIES[:-1]
    assert journal.head().count == 4
    journal.append("after", {})
    assert [line.kind for line in read(journal)] == ["kind"] * 4 + ["after"]
    assert journal.path.with_name("journal.jsonl.torn").read_bytes() == torn + b"\n"


@pytest.mark.parametrize("whole", [0, 1])
def test_a_torn_line_longer_than_what_is_read_at_once_is_mended(journal, whole):
    lines = raw_lines(journal)[:whole]
    torn = b'{"at":"' + b"x" * 200_000
    write_lines(journal, [*lines, torn])
    journal.append("after", {})
    assert [line.kind for line in read(journal)] == ["kind"] * whole + ["after"]
    assert journal.path.with_name("journal.jsonl.torn").read_bytes() == torn + b"\n"


def test_a_changed_last_line_takes_no_more_lines(journal):
    lines = raw_lines(journal)
    changed = [*lines[:-1], lines[-1].replace(b'"kind":"kind"', b'"kind":"kinD"')]
    write_lines(journal, changed)
    with pytest.raises(BrokenError):
        journal.append("kind", {})
    assert raw_lines(journal) == changed


def test_appending_does_not_hide_that_an_earlier_line_was_dropped(journal):
    write_lines(journal, raw_lines(journal)[1:])
    journal.append("kind", {})
    with pytest.raises(BrokenError, match="does not follow"):
        read(journal)


def test_appending_finds_the_last_line_however_long_it_is(journal):
    journal.append("kind", {"files": ["x" * 200_000]})
    journal.append("after", {})
    assert [line.n for line in read(journal)] == list(range(1, 8))


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 100_000 + b"\n",
        b"null\n",
        b"7\n",
        b"{}\n",
        b"\n",
        b"\xff\n",
        b'{"hash":"x","more":1}\n',
        b'{"at":"","body":{},"hash":"\\ud800","kind":"","n":6,"prev":""}\n',
    ],
    ids=["deep", "null", "number", "empty", "blank", "bytes", "fields", "surrogate"],
)
def test_a_line_of_another_form_is_broken_and_names_its_place(journal, line):
    write_lines(journal, [*raw_lines(journal), line])
    with pytest.raises(BrokenError) as caught:
        read(journal)
    assert caught.value.place == f"{journal.path}, line 6"
    assert caught.value.remedy


@pytest.mark.parametrize("length", [1, 65_000, 65_536, 200_000])
def test_lines_of_any_length_are_appended_to(journal, length):
    for _ in range(2):
        journal.append("long", {"text": "é" * length})
    journal.append("short", {})
    assert [line.n for line in read(journal)] == list(range(1, 9))
    assert journal.head() == Head(8, read(journal)[-1].hash)


def test_an_entry_that_is_no_json_leaves_the_journal_as_it_was(journal):
    before = journal.path.read_bytes()
    with pytest.raises((TypeError, ValueError)):
        journal.extend([("kind", {"good": 1}), ("kind", {"bad": {1, 2}})])
    with pytest.raises(ValueError, match="surrogates"):
        journal.append("kind", {"bad": "\ud800"})
    assert journal.path.read_bytes() == before


def test_two_processes_that_append_at_once_lose_nothing(tmp_path):
    journal = Journal(tmp_path / "j")
    children = [start_child(APPENDER, journal.path, name, 25) for name in ("one", "two")]
    for child in children:
        assert child.stdout.readline() == "ready\n"
    for child in children:
        child.stdin.write("go\n")
        child.stdin.flush()
    for child in children:
        child.communicate()
        assert child.returncode == 0
    lines = read(journal)
    assert len(lines) == 50
    for name in ("one", "two"):
        told = [line.body["number"] for line in lines if line.kind == name]
        assert told == list(range(25))
