import hashlib

import pytest

from songark.model.errors import BrokenError
from songark.rights.documents import keep_document, read_document


def test_a_document_is_read_back_by_its_commitment(tmp_path):
    commitment = keep_document(tmp_path, b"words")
    assert read_document(tmp_path, commitment) == b"words"


def test_the_commitment_is_salted(tmp_path):
    one, other = keep_document(tmp_path, b"words"), keep_document(tmp_path, b"words")
    assert one != other
    assert hashlib.sha256(b"words").hexdigest() not in {one, other}
    salted = (tmp_path / one).read_bytes()
    assert hashlib.sha256(salted).hexdigest() == one
    assert len(salted) == 32 + len(b"words")


def test_an_erased_document_is_none(tmp_path):
    commitment = keep_document(tmp_path, b"words")
    (tmp_path / commitment).unlink()
    assert read_document(tmp_path, commitment) is None


@pytest.mark.parametrize("at", [0, 31, 32, -1])
def test_a_changed_document_is_broken(tmp_path, at):
    commitment = keep_document(tmp_path, b"words")
    data = bytearray((tmp_path / commitment).read_bytes())
    data[at] ^= 1
    (tmp_path / commitment).write_bytes(data)
    with pytest.raises(BrokenError) as caught:
        read_document(tmp_path, commitment)
    assert caught.value.place == str(tmp_path / commitment)
