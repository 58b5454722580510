import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songark.mirror.kept import Kept

KEYS = st.sampled_from([b"a", b"b", b"c", b"d"])


@contextmanager
def kept() -> Iterator[Kept]:
    one = Kept()
    try:
        yield one
    finally:
        one.close()


@given(acts=st.lists(st.tuples(KEYS, st.none() | st.binary(max_size=60)), max_size=40))
def test_it_is_a_dictionary(acts):
    model: dict[bytes, bytes] = {}
    with kept() as one:
        for key, value in acts:
            if value is None:
                one.drop(key)
                model.pop(key, None)
            else:
                one.put(key, value)
                model[key] = value
            assert {k: one.get(k) for k in model} == model
            for gone in {b"a", b"b", b"c", b"d"} - set(model):
                with pytest.raises(KeyError):
                    one.get(gone)


def test_dead_bytes_are_given_back():
    with kept() as one:
        one.put(b"stays", bytes(1000))
        for n in range(100):
            one.put(b"changes", bytes([n]) * 1000)
            assert one.size() <= 4000
        assert one.get(b"changes") == bytes([99]) * 1000
        one.drop(b"changes")
        one.drop(b"stays")
        assert one.size() == 0


def test_nothing_lies_in_the_temporary_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with kept() as one:
        one.put(b"a", b"secret")
        one.put(b"a", b"secret, too")
        assert list(tmp_path.iterdir()) == []


def test_with_no_room_to_tidy_it_goes_on(monkeypatch):
    with kept() as one:
        one.put(b"a", b"A" * 10)
        one.put(b"b", b"B" * 100)

        def full(*_: object) -> int:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "pwrite", full)
        one.drop(b"b")
        assert one.get(b"a") == b"A" * 10
        with pytest.raises(OSError, match="No space"):
            one.put(b"c", b"C")
        assert one.get(b"a") == b"A" * 10


def test_closing_twice_is_no_matter():
    one = Kept()
    one.close()
    one.close()
