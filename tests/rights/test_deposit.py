import json

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from songark.ark.journal import canonical
from songark.model.errors import UsageError
from songark.model.evidence import Grade, Part
from songark.rights.deposit import Depositors, deposit
from songark.rights.documents import read_document
from songark.rights.ledger import Claims
from tests.support import file_id, new_ark

FILES = [file_id("a"), file_id("b")]
OWN = (Part.RECORDING, Part.COMPOSITION)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))


@pytest.fixture
def ark(tmp_path):
    return new_ark(tmp_path / "ark")


def sign(data):
    return KEY.sign(data), KEY.public_key().public_bytes_raw()


def state(ark, files=FILES, **changed):
    told = {"licence": "CC-BY-4.0", "by": "Jane Doe", "parts": OWN, "sign": sign} | changed
    return deposit(ark, files, **told)


def said_of(ark, file):
    claims = Claims()
    claims.read(ark.ledger)
    return claims.statements.get(file, [])


def document_of(ark, file=FILES[0]):
    (said,) = said_of(ark, file)
    return json.loads(read_document(ark.documents, said.document))


def test_a_deposit_covers_its_files_with_the_best_grade(ark):
    assert state(ark) == 2
    (one,) = said_of(ark, FILES[1])
    assert (one.grade, one.licence, one.parts) == (Grade.DEPOSIT, "CC-BY-4.0", frozenset(OWN))


def test_the_document_is_signed_with_the_key_it_names(ark):
    state(ark)
    told = document_of(ark)
    statement, signature = told["statement"], bytes.fromhex(told["signature"])
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(told["key"]))
    key.verify(signature, canonical(statement))
    assert (statement["by"], statement["licence"]) == ("Jane Doe", "CC-BY-4.0")
    assert statement["parts"] == ["composition", "recording"]
    with pytest.raises(InvalidSignature):
        key.verify(signature, canonical(statement | {"licence": "CC0-1.0"}))


def test_what_is_signed_depends_on_the_files(ark):
    state(ark, [FILES[0]])
    state(ark, [FILES[1]])
    one, other = (document_of(ark, file)["statement"]["files"] for file in FILES)
    assert one != other


def test_the_ledger_names_nobody(ark):
    state(ark)
    raw = ark.ledger.path.read_bytes()
    assert b"Jane" not in raw
    assert b"Doe" not in raw


def test_erasing_the_document_leaves_the_ledger_whole_and_the_grant_in_force(ark):
    state(ark)
    (before,) = said_of(ark, FILES[0])
    assert Depositors(ark.documents).fill(before).holder == "Jane Doe"
    for document in ark.documents.iterdir():
        document.unlink()
    assert ark.ledger.head().count == 1
    (after,) = said_of(ark, FILES[0])
    assert after == before
    assert Depositors(ark.documents).fill(after).holder == ""


def test_the_same_deposit_again_adds_no_line(ark):
    state(ark)
    before = ark.ledger.path.read_bytes()
    documents = sorted(ark.documents.iterdir())
    assert state(ark) == 0
    assert state(ark, [FILES[0]], parts=[Part.RECORDING]) == 0
    assert ark.ledger.path.read_bytes() == before
    assert sorted(ark.documents.iterdir()) == documents


@pytest.mark.parametrize(
    "changed", [{"licence": "CC0-1.0"}, {"parts": (*OWN, Part.PICTURE)}, {"files": [file_id("c")]}]
)
def test_what_it_did_not_cover_is_a_new_line(ark, changed):
    state(ark, parts=OWN)
    assert state(ark, **changed) > 0
    assert ark.ledger.head().count == 2


def test_only_files_that_are_new_are_stated_again(ark):
    state(ark)
    assert state(ark, [*FILES, file_id("c")]) == 1
    assert list(ark.ledger.lines())[1].body["files"] == [str(file_id("c"))]


def test_the_licence_may_be_written_as_people_write_it(ark):
    state(ark, licence="https://creativecommons.org/licenses/by-sa/4.0/")
    assert said_of(ark, FILES[0])[0].licence == "CC-BY-SA-4.0"


@pytest.mark.parametrize(
    "changed",
    [
        {"licence": "all rights reserved"},
        {"licence": "GPL-2.0-only"},
        {"licence": "CC-BY"},
        {"licence": "public domain"},
        {"licence": "nonsense"},
        {"licence": ""},
        {"by": " "},
        {"parts": ()},
    ],
)
def test_what_cannot_be_granted_is_refused_and_nothing_is_written(ark, changed):
    with pytest.raises(UsageError) as caught:
        state(ark, **changed)
    assert caught.value.remedy
    assert not ark.ledger.path.exists()
    assert not ark.documents.exists()
