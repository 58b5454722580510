"""Bencode: one form out, only that form in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songark.model.errors import BrokenError
from songark.release import bencode
from songark.release.bencode import MAX_DEPTH, decode, encode

VALUES = st.recursive(
    # libtorrent reads the lowest 64-bit number as 0, so this begins one above it.
    st.integers(1 - (1 << 63), (1 << 63) - 1) | st.binary(max_size=40),
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.binary(max_size=8), inner, max_size=5)
    ),
    max_leaves=30,
)


@given(VALUES)
def test_what_is_written_reads_back(value: object) -> None:
    assert decode(encode(value)) == value


@given(VALUES)
def test_libtorrent_reads_the_same(value: object) -> None:
    import libtorrent

    assert libtorrent.bdecode(encode(value)) == value


@given(st.binary(max_size=60) | st.text("ilde:0123-4a", max_size=40).map(str.encode))
def test_only_the_canonical_form_is_read(data: bytes) -> None:
    """Either it is refused in our own words, or it is just what we would write."""
    try:
        value = decode(data)
    except BrokenError as error:
        assert error.place.startswith("byte ")
    else:
        assert encode(value) == data


@given(VALUES, st.data())
def test_a_changed_byte_never_makes_a_second_form(value: object, drawn: st.DataObject) -> None:
    data = bytearray(encode(value))
    data[drawn.draw(st.integers(0, len(data) - 1))] = drawn.draw(st.integers(0, 255))
    test_only_the_canonical_form_is_read.hypothesis.inner_test(bytes(data))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("value", "data"),
    [
        (0, b"i0e"),
        (-7, b"i-7e"),
        (b"", b"0:"),
        ("ü", b"2:\xc3\xbc"),
        ((1, [b"a"]), b"li1el1:aee"),
        ({"b": 1, b"a": {}}, b"d1:ade1:bi1ee"),
        ({b"piece length": 1, b"pieces": 2}, b"d12:piece lengthi1e6:piecesi2ee"),
        ({"\x7f": 1, "\x80": 2}, b"d1:\x7fi1e2:\xc2\x80i2ee"),
    ],
)
def test_the_form(value: object, data: bytes) -> None:
    assert encode(value) == data


@pytest.mark.parametrize("value", [None, True, 1.0, [None], {1: 2}, {"a": False}, {1, 2}])
def test_other_types_are_refused(value: object) -> None:
    with pytest.raises(TypeError):
        encode(value)


def test_one_key_in_two_types_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        encode({"a": 1, b"a": 2})


@pytest.mark.parametrize(
    ("data", "at"),
    [
        (b"", 0),
        (b"x", 0),
        (b"e", 0),
        (b"i1", 1),
        (b"ie", 1),
        (b"i-e", 1),
        (b"i-0e", 1),
        (b"i00e", 1),
        (b"i01e", 1),
        (b"i-01e", 1),
        (b"i+1e", 1),
        (b"i 1e", 1),
        (b"i1_0e", 1),
        (b"i--1e", 1),
        (b"i9223372036854775808e", 1),
        (b"i-9223372036854775809e", 1),
        (b"i" + b"9" * 5000 + b"e", 1),
        (b"3:ab", 0),
        (b"03:abc", 0),
        (b"-1:a", 0),
        (b"1", 0),
        (b"99999999999999999999:a", 0),
        (b"9223372036854775807:a", 0),
        (b"1:ab", 3),
        (b"i1ei2e", 3),
        (b"l", 1),
        (b"li1e", 4),
        (b"d", 1),
        (b"di1ei2ee", 1),
        (b"d1:ae", 4),
        (b"d1:a", 4),
        (b"d1:bi1e1:ai2ee", 7),
        (b"d1:ai1e1:ai2ee", 7),
    ],
)
def test_other_forms_are_refused_with_their_place(data: bytes, at: int) -> None:
    with pytest.raises(BrokenError) as caught:
        decode(data)
    assert caught.value.place == f"byte {at}"


@pytest.mark.parametrize("pair", [(b"l", b"e"), (b"d0:", b"e")])
def test_depth_is_bounded(pair: tuple[bytes, bytes]) -> None:
    opening, closing = pair
    decode(opening * (MAX_DEPTH - 1) + b"le" + closing * (MAX_DEPTH - 1))
    for deeper in (MAX_DEPTH, 200_000):
        with pytest.raises(BrokenError, match="deeper"):
            decode(opening * deeper + b"le" + closing * deeper)


def test_the_number_of_values_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bencode, "MAX_TOKENS", 10)
    decode(b"l" + b"i1e" * 9 + b"e")
    with pytest.raises(BrokenError, match="more than 10 values"):
        decode(b"l" + b"i1e" * 10 + b"e")
