import http.server
import io
import itertools
import shutil
import threading
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from songark.api.withdraw import withdraw
from songark.ark.journal import canonical
from songark.demo.strangers import plain_server
from songark.mirror.feed_source import Patience
from songark.mirror.get import get
from songark.model.errors import BrokenError, RefusedError, SongarkError, UsageError
from songark.model.hashing import PIECE
from songark.release.packs import ATTRIBUTION
from tests.mirror.swarm_support import LOOPBACK, serving, web_server
from tests.release_support import (
    NASTY,
    HostileFeed,
    copy_packs,
    keys_of,
    published,
    row,
    rows,
    trusting,
)

QUICK = Patience(connect=5, gap=2.0, grace=0.2, floor=100_000, retries=1)


@pytest.fixture(scope="module")
def ark(tmp_path_factory):
    return published(tmp_path_factory.mktemp("get"))


@pytest.fixture(scope="module")
def packs(ark, tmp_path_factory):
    """The packs as a server has them; not to be changed."""
    return copy_packs(ark, tmp_path_factory.mktemp("packs"))


@pytest.fixture(scope="module")
def long(ark):
    """A track of three pieces."""
    return row(ark, "Long")


def fetch(feed, tmp_path, recording, server, **more):
    told = []
    got = get(
        trusting(feed, tmp_path / "state/trust"),
        recording["recording"] if isinstance(recording, dict) else recording,
        tmp_path / "to",
        tmp_path / "state",
        server=server,
        progress=told.append,
        **more,
    )
    assert sum(told) == got.fetched
    return got


def left(tmp_path):
    """What lies in the folder after a failure: the proven part, or nothing."""
    parts = list((tmp_path / "to").iterdir()) if (tmp_path / "to").is_dir() else []
    assert all(part.name.startswith(".") and part.name.endswith(".part") for part in parts)
    return b"".join(part.read_bytes() for part in parts)


class Answers:
    """A server that answers as it is told: `answer(n, first, last)` for its nth request."""

    def __init__(self, answer):
        self.answer = answer
        self.asked = []

    def handler(self):
        answers = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                told = self.headers.get("Range", "bytes=0-0")
                answers.asked.append(told)
                first, last = map(int, told.removeprefix("bytes=").split("-"))
                try:
                    answers.answer(self, len(answers.asked), first, last)
                except OSError:
                    self.close_connection = True

            def send(self, status, body=b"", **headers):
                self.send_response(status)
                headers = {"Content_Length": str(len(body)), **headers}
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format, *args):
                pass

        return Handler


def from_server(ark, tmp_path, recording, answer, **more):
    answers = Answers(answer)
    with serving(answers.handler()) as port:
        try:
            return fetch(
                ark.feed, tmp_path, recording, f"http://{LOOPBACK}:{port}/", **more
            ), answers
        except SongarkError as error:
            error.asked = answers.asked
            raise


@pytest.mark.parametrize("slash", ["", "/"])
def test_from_a_plain_server(ark, packs, long, tmp_path, slash):
    with plain_server(packs) as url:
        got = fetch(ark.feed, tmp_path, long, url.rstrip("/") + slash)
    assert got.path == tmp_path / "to" / long["name"]
    assert got.path.read_bytes() == (packs / long["pack"] / long["name"]).read_bytes()
    # Three pieces: two uncles for each of the first two, one for the last.
    assert (got.bytes, got.fetched, got.proof_bytes) == (long["size"], long["size"], 5 * 32)
    assert got.row == long
    assert list((tmp_path / "to").iterdir()) == [got.path]
    assert len(list((tmp_path / "state/torrents").iterdir())) == 1


def test_every_name_of_a_release_can_be_had(ark, packs, tmp_path):
    with plain_server(packs) as url:
        for one in rows(ark):
            got = fetch(ark.feed, tmp_path, one, url)
            assert got.path.read_bytes() == (packs / one["pack"] / one["name"]).read_bytes()
    assert "#1 %41" in row(ark, NASTY)["name"]


def test_by_the_web_seed_that_the_feed_names(ark, packs, long, tmp_path):
    hostile = HostileFeed.of(ark, tmp_path / "feed")
    with web_server(packs) as (url, asked):
        hostile.swarm = b'{"peers":[],"web_seeds":["%b"]}' % url.rstrip("/").encode()
        got = fetch(hostile.sign(), tmp_path, long, "")
    assert got.fetched == long["size"]
    assert asked == [f"{long['pack']}/{long['name']}"] * 3


def test_what_is_asked_for(ark, packs, long, tmp_path):
    data = (packs / long["pack"] / long["name"]).read_bytes()

    headers = []

    def answer(request, _n, first, last):
        headers.append((request.headers["User-Agent"], request.headers["Accept-Encoding"]))
        request.send(206, data[first : last + 1])

    _, answers = from_server(ark, tmp_path, long, answer)
    assert headers == [("Songark/0.1", "identity")] * 3
    assert answers.asked == [
        f"bytes=0-{PIECE - 1}",
        f"bytes={PIECE}-{2 * PIECE - 1}",
        f"bytes={2 * PIECE}-{len(data) - 1}",
    ]


def test_a_server_without_ranges_has_small_files(ark, packs, long, tmp_path):
    small = row(ark, "Song 0")

    def whole(one):
        def answer(request, _n, _first, _last):
            request.send(200, (packs / one["pack"] / one["name"]).read_bytes())

        return answer

    got, _ = from_server(ark, tmp_path, small, whole(small))
    assert got.path.read_bytes() == (packs / small["pack"] / small["name"]).read_bytes()
    with pytest.raises(SongarkError, match="no ranges") as caught:
        from_server(ark, tmp_path / "long", long, whole(long))
    assert "--from" in caught.value.remedy
    assert len(left(tmp_path / "long")) == PIECE
    with plain_server(packs) as url:
        again = fetch(ark.feed, tmp_path / "long", long, url)
    assert again.fetched == long["size"] - PIECE
    assert again.path.read_bytes() == (packs / long["pack"] / long["name"]).read_bytes()


@pytest.mark.parametrize(
    ("wrong_at", "length", "kept"),
    [
        (None, PIECE + 5, PIECE),
        (None, 2 * PIECE, 2 * PIECE),
        (PIECE + 7, 2 * PIECE, PIECE),
        (3, 2 * PIECE, 0),
        (None, 10**7, 2 * PIECE),
        (None, 0, 0),
    ],
)
def test_it_goes_on_from_what_is_right(ark, packs, long, tmp_path, wrong_at, length, kept):
    """A part with a torn, changed or overlong tail, as a kill or a bad disk leaves it."""
    data = bytearray((packs / long["pack"] / long["name"]).read_bytes())
    with pytest.raises(SongarkError):
        from_server(ark, tmp_path, long, lambda request, *_: request.send(404))
    (part,) = (tmp_path / "to").iterdir()
    if wrong_at is not None:
        data[wrong_at] ^= 1
    if length > len(data):
        data[-1] ^= 1
    part.write_bytes((bytes(data) + bytes(10**7))[:length])
    with plain_server(packs) as url:
        got = fetch(ark.feed, tmp_path, long, url)
    assert got.fetched == long["size"] - kept
    assert got.path.read_bytes() == (packs / long["pack"] / long["name"]).read_bytes()


def test_a_file_that_is_there_is_not_fetched_again(ark, packs, long, tmp_path):
    (tmp_path / "to").mkdir()
    shutil.copyfile(packs / long["pack"] / long["name"], tmp_path / "to" / long["name"])
    got, answers = from_server(ark, tmp_path, long, lambda *_: None)
    assert (got.fetched, answers.asked) == (0, [])


@pytest.mark.parametrize("kind", ["file", "link", "folder"])
def test_another_file_under_that_name_is_left_alone(ark, long, tmp_path, kind):
    place = tmp_path / "to" / long["name"]
    place.parent.mkdir()
    if kind == "file":
        place.write_text("mine")
    elif kind == "link":
        place.symlink_to(tmp_path / "nowhere")
    else:
        place.mkdir()
    with pytest.raises(UsageError, match="another file"):
        from_server(ark, tmp_path, long, lambda *_: None)
    assert place.is_symlink() or place.is_dir() or place.read_text() == "mine"


def lies(packs, long):
    """How a server may lie, by name; what of the file is proven before the lie."""
    data = (packs / long["pack"] / long["name"]).read_bytes()

    def part(first, last):
        return data[first : last + 1]

    def flipped(request, n, first, last):
        body = bytearray(part(first, last))
        body[len(body) // 2] ^= n == 2
        request.send(206, bytes(body))

    def short(request, _n, first, last):
        request.send(206, part(first, last)[:-1])

    def empty(request, _n, _first, _last):
        request.send(206)

    def cut(request, _n, first, last):
        request.send(206, part(first, last)[:1000], Content_Length=str(last + 1 - first))
        request.close_connection = True

    def other_range(request, _n, first, last):
        request.send(206, part(PIECE, 2 * PIECE - 1), Content_Range=f"bytes {first}-{last}/9")

    def packed(request, _n, first, last):
        request.send(206, part(first, last), Content_Encoding="gzip")

    def other_file(request, _n, first, last):
        request.send(206, bytes(last + 1 - first))

    return {
        "flipped": (flipped, PIECE),
        "short": (short, 0),
        "empty": (empty, 0),
        "cut": (cut, 0),
        "other range": (other_range, 0),
        "other file": (other_file, 0),
        "packed": (packed, None),
    }


@pytest.mark.parametrize(
    "lie", ["flipped", "short", "empty", "cut", "other range", "other file", "packed"]
)
def test_a_lie_is_not_kept(ark, packs, long, tmp_path, lie):
    answer, proven = lies(packs, long)[lie]
    if proven is None:
        # What it says of the encoding is not believed either: the bytes are right.
        assert from_server(ark, tmp_path, long, answer)[0].fetched == long["size"]
        return
    with pytest.raises(SongarkError):
        from_server(ark, tmp_path, long, answer, patience=QUICK)
    data = (packs / long["pack"] / long["name"]).read_bytes()
    assert left(tmp_path) == data[:proven]


def endless(request, _n, _first, _last):
    request.send_response(206)
    request.end_headers()
    for _ in itertools.repeat(None):
        request.wfile.write(bytes(1 << 16))


def trickle(request, _n, _first, last):
    request.send(206, b"", Content_Length=str(last + 1))
    for _ in range(100):
        request.wfile.write(b"x")
        request.wfile.flush()
        time.sleep(0.05)


def silent(request, _n, _first, _last):
    time.sleep(3)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (endless, "not those of the file"),
        (trickle, "too slow"),
        pytest.param(silent, "cannot be fetched", marks=pytest.mark.slow),
        (lambda r, *_: r.send(404), "answers 404"),
        (lambda r, *_: r.send(416), "answers 416"),
        (lambda r, *_: r.send(500), "answers 500"),
        (lambda r, *_: r.send(503, Retry_After="100000"), "answers 503"),
        (lambda r, *_: r.send(302, Location="/again"), "cannot be fetched"),
        (lambda r, *_: r.send(302, Location="file:///etc/passwd"), "cannot be fetched"),
        (lambda r, *_: r.wfile.write(b"garbage\r\n\r\n"), "cannot be fetched"),
    ],
)
def test_a_server_that_fails_is_not_waited_for(ark, long, tmp_path, answer, words):
    with pytest.raises(SongarkError, match=words) as caught:
        from_server(ark, tmp_path, long, answer, patience=QUICK)
    assert len(caught.value.asked) < 9
    assert left(tmp_path) == b""


def test_nobody_there(ark, long, tmp_path):
    with pytest.raises(SongarkError, match="cannot be fetched") as caught:
        fetch(ark.feed, tmp_path, long, f"http://{LOOPBACK}:9/", patience=QUICK)
    assert "go on" in caught.value.remedy


@pytest.mark.parametrize("address", ["ftp://x/", "x", "http://[::1", "http://", "file:///etc/"])
def test_what_is_no_web_address(ark, long, tmp_path, address):
    with pytest.raises(SongarkError):
        fetch(ark.feed, tmp_path, long, address, patience=QUICK)
    assert left(tmp_path) == b""


def test_a_server_that_knows_of_a_withdrawal(ark, long, tmp_path):
    with pytest.raises(RefusedError, match="withdrawn"):
        from_server(ark, tmp_path, long, lambda r, *_: r.send(451))


def test_what_is_withdrawn_is_not_even_asked_for(packs, tmp_path):
    ark = published(tmp_path)
    gone = row(ark, "Song 0")
    withdraw(ark, gone["recording"], keys=keys_of(ark))
    with web_server(packs) as (url, asked):
        with pytest.raises(RefusedError, match="is withdrawn"):
            fetch(ark.feed, tmp_path, gone, url)
        assert fetch(ark.feed, tmp_path, row(ark, "Song 1"), url).fetched
    assert gone["name"] not in "".join(asked)


def test_another_file_of_a_withdrawn_recording_that_is_released_is_had(ark, packs, tmp_path):
    """One file lost its papers and another was released instead."""
    one = row(ark, "Song 0")
    hostile = HostileFeed.of(ark, tmp_path / "feed")
    gone = {
        "root": "11" * 32,
        "size": 5,
        "recording": one["recording"],
        "reason": "no longer cleared",
    }
    hostile.withdrawn = canonical(gone) + b"\n"
    with plain_server(packs) as url:
        assert fetch(hostile.sign(), tmp_path, one, url).fetched == one["size"]


def test_what_is_withdrawn_and_in_no_manifest_any_more(ark, tmp_path):
    hostile = HostileFeed.of(ark, tmp_path / "feed")
    gone = {"root": "11" * 32, "size": 5, "recording": "r-gone", "reason": "withdrawn"}
    hostile.withdrawn = canonical(gone) + b"\n"
    with pytest.raises(RefusedError, match="r-gone is withdrawn"):
        fetch(hostile.sign(), tmp_path, "r-gone", "http://x/")


def test_what_was_never_released(ark, tmp_path):
    with pytest.raises(UsageError, match="no recording 'r-none'"):
        fetch(ark.feed, tmp_path, "r-none", "http://x/")


def test_no_server_at_all(ark, long, tmp_path):
    with pytest.raises(UsageError, match="no web server") as caught:
        fetch(ark.feed, tmp_path, long, "")
    assert "--from" in caught.value.remedy


@pytest.mark.parametrize(
    "change",
    [
        {"name": "../../evil"},
        {"name": ".bashrc"},
        {"name": "evil.ogg"},
        {"name": ATTRIBUTION},
        {"pack": "../x"},
        {"pack": "small-fine-CC0-tier5-0001"},
        {"pack": "none"},
        {"root": b"x" * 32},
        {"size": 2**62},
    ],
)
def test_a_hostile_manifest_writes_nothing(ark, long, packs, tmp_path, change):
    hostile = HostileFeed.of(ark, tmp_path / "feed")
    table = pq.read_table(io.BytesIO(hostile.files[hostile.path("manifest.parquet")]))
    told = [
        {**one, **change} if one["recording"] == long["recording"] else one
        for one in table.to_pylist()
    ]
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(told, table.schema), out)
    hostile.files[hostile.path("manifest.parquet")] = out.getvalue()
    hostile.sign()
    with plain_server(packs) as url, pytest.raises(BrokenError):
        fetch(hostile.folder, tmp_path, long, url)
    assert not (tmp_path / "to").exists()
    assert {path.name for path in tmp_path.iterdir()} <= {"feed", "feed-keys", "feed.lock", "state"}


def test_two_at_once_do_not_disturb_each_other(ark, packs, tmp_path):
    """Two tracks whose names begin alike have parts of their own."""
    found = []
    with plain_server(packs) as url:

        def one(title):
            got = get(
                trusting(ark.feed, tmp_path / title / "trust"), row(ark, title)["recording"],
                tmp_path / "to", tmp_path / title, server=url, progress=lambda _: None,
            )  # fmt: skip
            found.append(got.path.read_bytes())

        threads = [threading.Thread(target=one, args=(f"Song {n}",)) for n in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert len(set(found)) == 3
