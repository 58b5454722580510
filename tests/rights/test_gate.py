import os
import shutil

import pytest

from songark.ark.journal import Journal
from songark.ark.pointer import current
from songark.model.errors import BrokenError, RefusedError
from songark.model.evidence import Part
from songark.model.identity import FileId
from songark.rights.acts import Act, Clearance
from songark.rights.decisions import decide_all
from songark.rights.gate import Gate
from songark.rights.ledger import claim_licence, claim_withdrawal
from tests.support import file_id, new_ark, rows, run_child

FREE, OTHER, WEAK = file_id("free"), file_id("other"), file_id("weak")
WITHDRAW = """
from pathlib import Path
from songark.ark.layout import Ark
from songark.model.identity import FileId
from songark.rights.ledger import claim_withdrawal
claim_withdrawal(Ark.open(Path(sys.argv[1])).ledger, "r1", [FileId.parse(sys.argv[2])])
"""


def is_closed(gate, file=FREE):
    with pytest.raises(RefusedError):
        gate.clear(file)
    return not gate.is_clear(file) and file not in {one.file for one in gate.clearances()}


def flip(path, at=-40):
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("act", list(Act))
def test_it_clears_what_decisions_allow_and_nothing_else(decided, act):
    gate = Gate(decided, act)
    told = rows(current(decided.decisions), "decision")
    allowed = sorted(
        FileId(row["root"], row["size"]) for row in told if row["act"] == act and row["allowed"]
    )
    assert [one.file for one in gate.clearances()] == allowed
    for row in told:
        file = FileId(row["root"], row["size"])
        assert gate.is_clear(file) == (file in allowed)


def test_a_clearance_says_for_which_act_under_which_licence_by_which_decisions(decided):
    told = Gate(decided, Act.SHARE).clear(OTHER)
    digest = current(decided.decisions).digest
    assert told == Clearance(OTHER, Act.SHARE, "CC-BY-NC-4.0", "CC-BY-NC", digest)


def test_keeping_is_not_sharing(decided):
    assert Gate(decided, Act.KEEP).is_clear(WEAK)
    assert is_closed(Gate(decided, Act.SHARE), WEAK)


def test_nothing_is_clear_for_training(decided):
    assert list(Gate(decided, Act.TRAIN).clearances()) == []


def test_a_file_nobody_knows_is_refused_with_what_to_do(decided):
    with pytest.raises(RefusedError, match="not cleared to share") as caught:
        Gate(decided, Act.SHARE).clear(file_id("unknown"))
    assert caught.value.place == str(file_id("unknown"))
    assert "songark explain" in caught.value.remedy


def test_a_twin_of_another_size_is_another_file(decided):
    assert is_closed(Gate(decided, Act.SHARE), FileId(FREE.root, 64))


def test_an_archive_without_decisions_clears_nothing(tmp_path):
    assert list(Gate(new_ark(tmp_path / "ark"), Act.KEEP).clearances()) == []


def test_a_withdrawal_by_another_process_closes_at_once(ark):
    gate = Gate(ark, Act.SHARE)
    assert gate.is_clear(FREE)
    assert not gate.refresh()
    child = run_child(WITHDRAW, ark.path, FREE)
    assert child.returncode == 0, child.stderr
    assert gate.refresh()
    assert not gate.refresh()
    assert is_closed(gate)
    assert set(gate.withdrawn()) == {FREE}
    assert gate.is_clear(OTHER)
    assert is_closed(Gate(ark, Act.KEEP))


@pytest.mark.parametrize("ask", ["clear", "is_clear", "clearances", "withdrawn"])
def test_every_question_looks_again(ark, ask):
    gate = Gate(ark, Act.SHARE)
    claim_withdrawal(ark.ledger, "r1", [FREE])
    if ask == "clear":
        assert is_closed(gate)
    elif ask == "is_clear":
        assert not gate.is_clear(FREE)
    elif ask == "clearances":
        assert FREE not in {one.file for one in gate.clearances()}
    else:
        assert FREE in gate.withdrawn()


def test_an_opening_waits_for_the_next_decisions(ark):
    gate = Gate(ark, Act.SHARE)
    claim_licence(
        ark.ledger,
        "evidence",
        [WEAK],
        licence="CC-BY-4.0",
        parts=(Part.RECORDING, Part.COMPOSITION),
        document="",
        place="page x",
    )
    assert is_closed(gate, WEAK)
    decide_all(ark, current(ark.catalogue))
    assert gate.is_clear(WEAK)


def test_decisions_that_go_missing_close_an_open_gate(ark):
    gate = Gate(ark, Act.SHARE)
    pointer = ark.decisions / "current"
    pointer.rename(ark.path / "aside")
    assert is_closed(gate)
    assert is_closed(Gate(ark, Act.SHARE))
    (ark.path / "aside").rename(pointer)
    assert gate.is_clear(FREE)


@pytest.mark.parametrize("what", ["gone", "pointer", "changed", "missing", "more"])
def test_broken_decisions_clear_nothing(ark, what):
    gate, sealed = Gate(ark, Act.SHARE), current(ark.decisions)
    if what == "gone":
        shutil.rmtree(sealed.path)
    elif what == "pointer":
        (ark.decisions / "current").write_text("elsewhere\n")
    elif what == "changed":
        flip(sealed.path / "decision.parquet", 200)
    elif what == "missing":
        (sealed.path / "decision.parquet").unlink()
    else:
        (sealed.path / "more").write_bytes(b"")
    os.utime(ark.decisions / "current")
    with pytest.raises(BrokenError):
        Gate(ark, Act.SHARE)
    if what in {"gone", "pointer"}:
        for ask in (gate.is_clear, gate.clear):
            with pytest.raises(BrokenError):
                ask(FREE)


def test_a_broken_ledger_closes_for_everything_until_it_is_mended(ark):
    claim_withdrawal(ark.ledger, "r1", [OTHER])
    gate = Gate(ark, Act.SHARE)
    assert gate.is_clear(FREE)
    sound = ark.ledger.path.read_bytes()
    ark.ledger.path.write_bytes(sound + b"{}\n")
    for ask in (gate.is_clear, gate.clear):
        with pytest.raises(BrokenError):
            ask(FREE)
    with pytest.raises(BrokenError):
        list(gate.clearances())
    with pytest.raises(BrokenError):
        Gate(ark, Act.SHARE)
    ark.ledger.path.write_bytes(sound)
    assert gate.is_clear(FREE)
    assert is_closed(gate, OTHER)


@pytest.mark.parametrize("left", [0, 1])
def test_a_ledger_that_lost_a_withdrawal_clears_nothing(ark, left):
    claim_withdrawal(ark.ledger, "r1", [OTHER])
    claim_withdrawal(ark.ledger, "r2", [FREE])
    decide_all(ark, current(ark.catalogue))
    gate = Gate(ark, Act.SHARE)
    lines = ark.ledger.path.read_bytes().splitlines(keepends=True)
    ark.ledger.path.write_bytes(b"".join(lines[:left]))
    with pytest.raises(BrokenError):
        gate.is_clear(WEAK)
    with pytest.raises(BrokenError):
        Gate(ark, Act.SHARE)


def test_a_rewritten_ledger_clears_nothing(ark, tmp_path):
    claim_withdrawal(ark.ledger, "r1", [FREE])
    gate = Gate(ark, Act.SHARE)
    forged = Journal(tmp_path / "forged")
    claim_withdrawal(forged, "r1", [OTHER])
    claim_withdrawal(forged, "r2", [WEAK])
    shutil.copy(forged.path, ark.ledger.path)
    with pytest.raises(BrokenError):
        gate.is_clear(FREE)
