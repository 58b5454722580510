import shutil

import pytest

from songark.ark.pointer import current
from songark.ark.seal import Sealed
from songark.catalogue.build import build_catalogue
from songark.model.errors import BrokenError
from songark.model.evidence import Part
from songark.model.identity import FileId
from songark.rights.acts import Act
from songark.rights.decisions import decide_all
from songark.rights.deposit import deposit
from songark.rights.ledger import claim_licence, claim_withdrawal
from songark.rights.withdraw import withdraw
from tests.support import file_id, ingest_folder, learn_packets, rows, says, track

PAIR = file_id("pair-1"), file_id("pair-2")


def decisions(sealed):
    """Every row by (file, act); each stands once."""
    told = rows(sealed, "decision")
    made = {(FileId(row["root"], row["size"]), row["act"]): row for row in told}
    assert len(made) == len(told)
    return made


def decide_again(ark):
    return decisions(decide_all(ark, build_catalogue(ark)))


def shared(made):
    return {file for (file, act), row in made.items() if act == "share" and row["allowed"]}


def test_every_file_has_every_act_decided_once(decided):
    made = decisions(current(decided.decisions))
    files = {FileId(r["root"], r["size"]) for r in rows(current(decided.catalogue), "membership")}
    assert set(made) == {(file, act.value) for file in files for act in Act}
    assert len(files) == 11


@pytest.mark.parametrize(
    ("name", "keep", "code"),
    [
        ("free", True, "licensed"),
        ("other", True, "licensed"),
        ("weak", True, "weak-evidence"),
        ("silent", False, "no-evidence"),
        ("reserved", False, "not-licensed"),
        ("picture", True, "no-evidence-picture"),
        ("composed", True, "anothers-song"),
        ("titled", True, "anothers-song"),
        ("twice", True, "conflict"),
    ],
)
def test_what_is_said_in_any_place_decides(decided, name, keep, code):
    made = decisions(current(decided.decisions))
    assert made[file_id(name), "keep"]["allowed"] == keep
    assert made[file_id(name), "share"]["code"] == code
    assert made[file_id(name), "share"]["allowed"] == (code == "licensed")
    assert not made[file_id(name), "train-generative"]["allowed"]


def test_a_decision_tells_its_licence_class_grade_and_holders(decided):
    row = decisions(current(decided.decisions))[file_id("free"), "share"]
    assert (row["licence"], row["licence_class"], row["grade"]) == ("CC-BY-4.0", "CC-BY", 3)
    assert row["holder"] == "Jane & Co; Jane Doe"


def test_with_nothing_new_the_same_decisions_are_current(ark):
    before = current(ark.decisions)
    assert decide_all(ark, current(ark.catalogue)) == before
    assert len(list(ark.decisions.glob("*/manifest.json"))) == 1


def test_the_same_input_gives_the_same_bytes(ark):
    before = current(ark.decisions)
    raw = (before.path / "decision.parquet").read_bytes()
    shutil.rmtree(ark.decisions)
    after = decide_all(ark, current(ark.catalogue))
    assert after.digest == before.digest
    assert (after.path / "decision.parquet").read_bytes() == raw


def test_they_rest_on_the_catalogue_and_on_the_ledgers_head(ark):
    before = current(ark.decisions)
    assert before.facts["catalogue"] == current(ark.catalogue).digest
    assert before.facts["ledger"] == [0, "0" * 64]
    claim_withdrawal(ark.ledger, "rnone", [file_id("free")])
    after = decide_all(ark, current(ark.catalogue))
    head = ark.ledger.head()
    assert after.facts["ledger"] == [head.count, head.hash]
    assert current(ark.decisions) == after != before


def test_older_rules_are_not_rested_on(ark, monkeypatch):
    before = current(ark.decisions)
    monkeypatch.setattr("songark.rights.decisions.RULES", before.facts["rules"] + 1)
    assert decide_all(ark, current(ark.catalogue)) != before


def test_a_stored_page_and_a_deposit_open_what_they_cover(ark):
    both = (Part.RECORDING, Part.COMPOSITION)
    claim_licence(
        ark.ledger,
        "evidence",
        [file_id("weak")],
        licence="CC-BY-4.0",
        parts=both,
        document="",
        place="page x",
    )
    deposit(
        ark,
        [file_id("silent"), file_id("composed")],
        licence="CC-BY-4.0",
        by="John Roe",
        parts=both,
        sign=lambda data: (b"", b""),
    )
    before, made = decisions(current(ark.decisions)), decide_again(ark)
    opened = shared(made) - shared(before)
    assert opened == {file_id("weak"), file_id("silent"), file_id("composed")}
    assert made[file_id("silent"), "share"]["grade"] == 4
    assert made[file_id("silent"), "share"]["holder"] == "John Roe"


@pytest.mark.parametrize("left", [0, 1])
def test_a_ledger_that_lost_lines_that_decisions_rest_on_is_refused(ark, left):
    for name in ("free", "other"):
        claim_withdrawal(ark.ledger, f"r{name}", [file_id(name)])
    before = decide_all(ark, current(ark.catalogue))
    lines = ark.ledger.path.read_bytes().splitlines(keepends=True)
    ark.ledger.path.write_bytes(b"".join(lines[:left]))
    with pytest.raises(BrokenError, match="not the one decisions rest on"):
        decide_all(ark, current(ark.catalogue))
    assert current(ark.decisions) == before


def test_a_withdrawn_file_closes_every_file_of_its_recording(ark):
    claim_withdrawal(ark.ledger, "r-of-an-older-build", [file_id("pair-1")])
    made = decide_again(ark)
    assert {made[file_id(f"pair-{n}"), "keep"]["code"] for n in (1, 2)} == {"withdrawn"}
    assert shared(made) == {file_id("free"), file_id("other")}


def recording_of(ark, name):
    (found,) = {
        row["recording"]
        for row in rows(current(ark.catalogue), "membership")
        if FileId(row["root"], row["size"]) == file_id(name)
    }
    return found


def test_a_withdrawal_reaches_files_that_come_later_and_what_is_merged(ark):
    gone, stays = recording_of(ark, "free"), recording_of(ark, "other")
    assert withdraw(ark, gone) == [file_id("free")]
    assert shared(decide_again(ark)) == {file_id("other"), *PAIR}
    # Another file of the recording comes, and one that the store finds to be the same as `other`.
    ingest_folder(
        ark,
        [track("copy", title_raw="Free", artist_raw="Jane Doe"), track("new")],
        statements=[says("copy", "CC-BY-4.0"), says("new", "CC-BY-4.0")],
        place="/later",
    )
    learn_packets(ark, {file_id("free"): "x", file_id("copy"): "x"})
    made = decide_again(ark)
    assert shared(made) == {file_id("other"), file_id("new"), *PAIR}
    assert made[file_id("copy"), "share"]["code"] == "withdrawn"
    assert {row["code"] for (f, _act), row in made.items() if f == file_id("copy")} == {"withdrawn"}
    # The two recordings turn out to be one: what was withdrawn closes the whole of it.
    learn_packets(ark, {file_id("other"): "x"})
    made = decide_again(ark)
    assert shared(made) == {file_id("new"), *PAIR}
    assert recording_of(ark, "other") in {gone, stays}
    # Withdrawing by the id that is gone adds the files that were never withdrawn by themselves.
    dead = ({gone, stays} - {recording_of(ark, "other")}).pop()
    assert set(withdraw(ark, dead)) >= {file_id("free"), file_id("other"), file_id("copy")}


def test_decisions_are_sealed(decided):
    Sealed.open(current(decided.decisions).path).verify()
