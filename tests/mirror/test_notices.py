import json
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songark.mirror.notices import MAX_PEERS, Swarm, swarm_of, withdrawn_files
from songark.model.errors import BrokenError
from songark.model.hashing import PIECE, Hasher

WORDS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
)


@dataclass
class Says:
    """A feed that says what it is told to; its signatures are another test's matter."""

    data: bytes

    def read(self, _name):
        return self.data


def record(size=2 * PIECE + 5):
    hasher = Hasher()
    hasher.update(b"x" * size)
    return hasher.finish()


def line(**changes):
    """A line as `withdrawn.jsonl` has it."""
    told = record()
    hashes = {
        name: getattr(told, name).hex() for name in ("sha256", "layer", "v1", "v1_last_padded")
    }
    good = {
        "root": told.file.root.hex(),
        "size": told.file.size,
        "recording": "r1",
        "reason": "withdrawn",
        "at": "2026-11-20T00:00:00Z",
        "hashes": hashes,
    }
    return {**good, **changes}


def read(*told):
    return withdrawn_files(Says(b"".join(json.dumps(one).encode() + b"\n" for one in told)))


def test_what_is_withdrawn():
    (one, other) = read(line(), line(hashes=None, reason="no longer cleared"))
    assert one.file == other.file == record().file
    assert (one.record, other.record) == (record(), None)
    assert (one.recording, one.reason, other.reason) == ("r1", "withdrawn", "no longer cleared")
    assert read() == []


def test_every_file_is_known_by_root_and_size():
    twin = read(line(size=64, hashes=None))[0].file
    assert twin != record().file


@pytest.mark.parametrize(
    "changes",
    [
        {"root": "zz"},
        {"root": "00"},
        {"root": 5},
        {"size": 0},
        {"size": -1},
        {"size": "7"},
        {"size": 1e308},
        {"size": float("inf")},
        {"size": None},
        {"recording": None},
        {"reason": []},
        {"hashes": []},
        {"hashes": "x"},
        {"hashes": {"sha256": "00"}},
        {"hashes": {**line()["hashes"], "layer": "00" * 96}},
        {"hashes": {**line()["hashes"], "file": "00"}},
        {"hashes": {**line()["hashes"], "v1": 7}},
    ],
)
def test_a_line_of_another_form_is_refused_with_its_place(changes):
    told = [line(), line(**changes)]
    if changes == {"hashes": []}:
        # Nothing is told: that is no fault.
        assert read(*told)[1].record is None
        return
    with pytest.raises(BrokenError) as caught:
        read(*told)
    assert caught.value.place == "withdrawn.jsonl, line 2"


@pytest.mark.parametrize("raw", [b"[" * 100_000, b"\xff\xfe", b"null", b'"x"', b"{", b"1e999"])
def test_what_is_no_object(raw):
    with pytest.raises(BrokenError, match="line 1"):
        withdrawn_files(Says(raw))


@given(WORDS)
def test_no_json_breaks_it(told):
    data = json.dumps(told).encode()
    for reads in (withdrawn_files, swarm_of):
        try:
            reads(Says(data))
        except BrokenError:
            continue


def swarm(**told):
    return swarm_of(Says(json.dumps({"peers": [], "web_seeds": [], **told}).encode()))


def test_where_the_swarm_is():
    told = swarm(
        peers=["a.example:1", "[::1]:65535"], web_seeds=["https://b.example/x", "http://c/"]
    )
    assert told == Swarm((("a.example", 1), ("::1", 65535)), ("https://b.example/x/", "http://c/"))


@pytest.mark.parametrize(
    "peer",
    [
        "",
        ":1",
        "a",
        "a:0",
        "a:65536",
        "a:x",
        "a:١",
        "a b:1",
        "a:" + "9" * 5000,
        None,
        5,
        ["a:1"],
        {},
    ],
)
def test_what_is_no_address_is_passed_over(peer):
    assert swarm(peers=[peer, "good.example:7"]).peers == (("good.example", 7),)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x",
        "file:///etc/passwd",
        "ftp://x/",
        "http://x y/",
        "http://x/\n",
        "javascript:1",
        7,
        None,
    ],
)
def test_what_is_no_web_seed_is_passed_over(url):
    assert swarm(web_seeds=[url, "http://good.example/"]).web_seeds == ("http://good.example/",)


def test_nobody_is_made_to_dial_a_thousand():
    told = swarm(
        peers=[f"a{n}:1" for n in range(999)], web_seeds=[f"http://a{n}/" for n in range(999)]
    )
    assert len(told.peers) == len(told.web_seeds) == MAX_PEERS


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b'{"peers":1,"web_seeds":[]}', b"[" * 100_000])
def test_a_swarm_of_another_form(raw):
    with pytest.raises(BrokenError, match=r"swarm\.json"):
        swarm_of(Says(raw))
