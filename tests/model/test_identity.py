"""A file's identity and its one written form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songark.model.identity import FileId

ROOT = bytes(range(32))


@given(st.binary(min_size=32, max_size=32), st.integers(1, 10**19 - 1))
def test_the_form_can_be_read_back(root: bytes, size: int) -> None:
    file = FileId(root, size)
    assert FileId.parse(str(file)) == file


def test_the_form() -> None:
    assert str(FileId(ROOT, 123)) == ROOT.hex() + "-123"


@pytest.mark.parametrize("root", [b"", ROOT[:31], ROOT + b"x"])
def test_a_root_has_32_bytes(root: bytes) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        FileId(root, 1)


@pytest.mark.parametrize("size", [0, -1])
def test_empty_files_are_refused(size: int) -> None:
    with pytest.raises(ValueError, match="empty"):
        FileId(ROOT, size)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ROOT.hex(),
        ROOT.hex() + "-",
        ROOT.hex() + "-0",
        ROOT.hex() + "-01",
        ROOT.hex() + "--1",
        ROOT.hex() + "-1 ",
        ROOT.hex() + "-1\n",
        ROOT.hex() + "-١",
        ROOT.hex() + "-" + "9" * 20,
        ROOT.hex().upper() + "-1",
        ROOT.hex()[:-2] + "-1",
    ],
)
def test_other_forms_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a file id"):
        FileId.parse(text)


def test_identities_have_a_total_order() -> None:
    files = [FileId(ROOT[::-1], 1), FileId(ROOT, 2), FileId(ROOT, 1)]
    assert sorted(files) == files[::-1]
