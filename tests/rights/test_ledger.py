import pytest

from songark.ark.journal import Head, Journal
from songark.model.errors import BrokenError
from songark.model.evidence import Grade, Part
from songark.rights.ledger import Claims, claim_licence, claim_withdrawal
from tests.support import file_id

SONG = (Part.RECORDING, Part.COMPOSITION)
MANY = [file_id(str(number)) for number in range(2001)]


@pytest.fixture
def ledger(tmp_path):
    return Journal(tmp_path / "rights" / "ledger.jsonl")


def claims_of(ledger):
    claims = Claims()
    claims.read(ledger)
    return claims


def claim(ledger, files, kind="evidence", licence="CC-BY-4.0"):
    return claim_licence(
        ledger, kind, files, licence=licence, parts=SONG, document="ab", place="page x"
    )


def test_an_empty_ledger_says_nothing(ledger):
    claims = Claims()
    assert not claims.read(ledger)
    assert claims == Claims(head=Head())


@pytest.mark.parametrize(
    ("kind", "said", "grade"),
    [("evidence", "page", Grade.INDEPENDENT), ("deposit", "deposit", Grade.DEPOSIT)],
)
def test_a_claim_is_a_statement_on_each_file_it_names(ledger, kind, said, grade):
    assert claim(ledger, [file_id("a"), file_id("b"), file_id("a")], kind) == 2
    claims = claims_of(ledger)
    assert set(claims.statements) == {file_id("a"), file_id("b")}
    (one,) = claims.statements[file_id("a")]
    assert (one.kind, one.grade, one.licence) == (said, grade, "CC-BY-4.0")
    assert one.parts == frozenset(SONG)
    assert one.place == "page x, ledger line 1"
    assert one.document == "ab"


def test_lines_stay_short_however_many_files_are_named(ledger):
    assert claim(ledger, reversed(MANY)) == 2001
    assert claim_withdrawal(ledger, "r1", MANY) == 2001
    assert [len(line.body["files"]) for line in ledger.lines()] == [1000, 1000, 1] * 2
    claims = claims_of(ledger)
    assert set(claims.statements) == set(claims.withdrawn) == set(MANY)


def test_what_came_since_is_taken_in(ledger):
    claims = Claims()
    claim(ledger, [file_id("a")])
    assert claims.read(ledger)
    assert not claims.read(ledger)
    claim(ledger, [file_id("a")], licence="CC0-1.0")
    claim_withdrawal(ledger, "r1", [file_id("b")])
    assert claims.read(ledger)
    assert claims == claims_of(ledger)
    assert [one.licence for one in claims.statements[file_id("a")]] == ["CC-BY-4.0", "CC0-1.0"]


def test_the_first_withdrawal_gives_the_moment(ledger):
    claim_withdrawal(ledger, "r1", [file_id("a")])
    claim_withdrawal(ledger, "r1", [file_id("a"), file_id("b")])
    first, second = (line.at for line in ledger.lines())
    claims = claims_of(ledger)
    assert claims.withdrawn == {file_id("a"): first, file_id("b"): second}
    assert claims.recordings == {"r1": first}


def test_a_ledger_that_lost_its_tail_is_broken_for_who_knew_it(ledger):
    claim(ledger, [file_id("a")])
    claim_withdrawal(ledger, "r1", [file_id("a")])
    claims = claims_of(ledger)
    lines = ledger.path.read_bytes().splitlines(keepends=True)
    ledger.path.write_bytes(lines[0])
    with pytest.raises(BrokenError, match="its tail was cut"):
        claims.read(ledger)
    assert claims.withdrawn
