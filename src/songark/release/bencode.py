"""Bencode (BEP 3, BEP 52), written in its one canonical form and read only in that form.

Since nothing else is read, encoding what was decoded gives the same bytes again, and an infohash
may be worked out that way (BEP 52, infohash).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from songark.model.errors import BrokenError

Value: TypeAlias = "int | bytes | list[Value] | dict[bytes, Value]"

MAX_DEPTH = 16
"""How deep lists and dictionaries may lie in each other; our torrents need 5."""
MAX_TOKENS = 3_000_000
"""How many values are read at most, the limit of libtorrent."""
_MAX_DIGITS = 19
_E, _I, _L, _D, _COLON, _ZERO, _NINE = b"eild:09"


def encode(value: object) -> bytes:
    """Encode int, bytes, str (as UTF-8), list, tuple and mappings; keys sorted by their bytes.

    Raises:
        TypeError: a value or key of another type, bool and None among them.
        ValueError: a mapping has the same key twice, as str and as bytes.
    """
    if isinstance(value, bytes):
        return b"%d:%b" % (len(value), value)
    if isinstance(value, str):
        return encode(value.encode())
    if isinstance(value, int) and not isinstance(value, bool):
        return b"i%de" % value
    if isinstance(value, list | tuple):
        return b"l%be" % b"".join(map(encode, value))
    if isinstance(value, Mapping):
        pairs = sorted((_key(key), encode(one)) for key, one in value.items())
        if len({key for key, _ in pairs}) != len(pairs):
            raise ValueError("a key stands twice in a dictionary")
        return b"d%be" % b"".join(encode(key) + one for key, one in pairs)
    raise TypeError(f"bencode has no {type(value).__name__}")


def decode(data: bytes) -> Value:
    """Decode one value that fills `data`, in canonical form only.

    Refused are: unsorted or repeated keys, leading zeros, ``-0``, integers beyond 64 bits, bytes
    behind the value, and what goes beyond `MAX_DEPTH` or `MAX_TOKENS`.

    Raises:
        BrokenError: it is anything else; the error names the byte.
    """
    reader = _Reader(data)
    value = reader.value(0)
    if reader.at != len(data):
        raise reader.fault("bytes behind the end")
    return value


class _Reader:
    """Reads values from `data` at `at`."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.left = MAX_TOKENS

    def fault(self, why: str) -> BrokenError:
        return BrokenError(f"not canonical bencode: {why}", place=f"byte {self.at}")

    def peek(self) -> int:
        if self.at >= len(self.data):
            raise self.fault("it ends early")
        return self.data[self.at]

    def value(self, depth: int) -> Value:
        self.left -= 1
        if self.left < 0:
            raise self.fault(f"more than {MAX_TOKENS} values")
        mark = self.peek()
        if _ZERO <= mark <= _NINE:
            return self.text()
        if mark == _I:
            self.at += 1
            return self.number(_E, signed=True)
        if mark not in (_L, _D):
            raise self.fault("no value begins here")
        if depth == MAX_DEPTH:
            raise self.fault(f"deeper than {MAX_DEPTH}")
        self.at += 1
        return self.items(depth + 1) if mark == _L else self.pairs(depth + 1)

    def number(self, end: int, *, signed: bool) -> int:
        """Digits up to the byte `end`, which is passed over."""
        stop = self.data.find(end, self.at, self.at + _MAX_DIGITS + 2)
        digits = self.data[self.at : stop] if stop >= 0 else b""
        bare = digits[1:] if signed and digits[:1] == b"-" else digits
        if not bare.isdigit() or len(bare) > _MAX_DIGITS:
            raise self.fault("no number")
        if (bare[0] == _ZERO and len(digits) > 1) or not -(1 << 63) <= int(digits) < 1 << 63:
            raise self.fault("a number with leading zeros, or too large")
        self.at = stop + 1
        return int(digits)

    def text(self) -> bytes:
        start = self.at
        length = self.number(_COLON, signed=False)
        if length > len(self.data) - self.at:
            self.at = start
            raise self.fault(f"a string of {length} bytes goes beyond the end")
        self.at += length
        return self.data[self.at - length : self.at]

    def items(self, depth: int) -> list[Value]:
        found: list[Value] = []
        while self.peek() != _E:
            found.append(self.value(depth))
        self.at += 1
        return found

    def pairs(self, depth: int) -> dict[bytes, Value]:
        found: dict[bytes, Value] = {}
        last: bytes | None = None
        while self.peek() != _E:
            start = self.at
            if not _ZERO <= self.peek() <= _NINE:
                raise self.fault("a key is not a string")
            key = self.text()
            if last is not None and key <= last:
                self.at = start
                raise self.fault("keys out of order")
            found[key] = self.value(depth)
            last = key
        self.at += 1
        return found


def _key(key: object) -> bytes:
    if isinstance(key, str):
        return key.encode()
    if isinstance(key, bytes):
        return key
    raise TypeError(f"a key is bytes or str, not {type(key).__name__}")
