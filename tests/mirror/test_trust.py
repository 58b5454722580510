import hashlib
import json
import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tuf.api.metadata import Metadata, MetaFile, Snapshot, TargetFile, Targets, Timestamp

from songark.mirror.feed_errors import (
    ExpiredError,
    FeedError,
    FingerprintError,
    ForgedError,
    MissingError,
    RollbackError,
    UnreachableError,
)
from songark.mirror.trust import Patience, Target, open_feed, read_index
from songark.model.errors import BrokenError, SongarkError, UsageError
from songark.model.index import write_index
from songark.release.feed import TargetSource, fingerprint, publish_feed, refresh_feed
from songark.release.feed_roles import _Pen
from songark.release.keys import make_keys

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)
HASTY = Patience(connect=2.0, gap=0.3, grace=0.3, floor=1000, retries=0)
TORRENT = b"d4:infod6:lengthi1eee"
INDEX = write_index({"editions/1/a.torrent": hashlib.sha256(TORRENT).hexdigest()})
ONE = {
    "editions/1/SHA256SUMS": TargetSource(INDEX, {"edition": 1}),
    "withdrawn.jsonl": TargetSource(b""),
    "swarm.json": TargetSource(b"{}"),
}
TWO = ONE | {"swarm.json": TargetSource(b'{"peers":[]}')}


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return make_keys(tmp_path_factory.mktemp("ark") / "keys")


@pytest.fixture(scope="module")
def published(tmp_path_factory, keys):
    path = tmp_path_factory.mktemp("published") / "feed"
    publish_feed(path, keys, ONE, now=NOW)
    (path / "files" / "editions" / "1").mkdir(parents=True)
    (path / "files" / "editions" / "1" / "a.torrent").write_bytes(TORRENT)
    return path


@pytest.fixture
def feed(tmp_path, published):
    return shutil.copytree(published, tmp_path / "feed")


class Web(ThreadingHTTPServer):
    """Serves a folder as any web server does; `act` may answer a path in another way."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, folder):
        super().__init__(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
        self.act = {}
        self.asked = []
        self.agents = set()
        self.over = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request, client_address):
        """A client that hangs up is part of the game."""


class Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.asked.append(self.path)
        self.server.agents.add(self.headers["User-Agent"])
        for end, act in self.server.act.items():
            if self.path.endswith(end):
                self.close_connection = True
                return act(self)
        return super().do_GET()

    def log_message(self, *args):
        """Quiet."""

    def head(self, status, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()


@contextmanager
def serving(folder):
    server = Web(folder)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def web(feed):
    with serving(feed) as server:
        yield server


@pytest.fixture(params=["web", "folder"])
def address(request, feed):
    """The same feed by both ways."""
    if request.param == "folder":
        yield str(feed)
    else:
        with serving(feed) as server:
            yield server.url


@pytest.fixture
def state(tmp_path):
    return tmp_path / "state"


def at(address, state, now=NOW, **more):
    return open_feed(address, state, now=now, **more)


def change(path, old, new):
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new, 1))


def only(folder, pattern):
    (path,) = folder.rglob(pattern)
    return path


def forge(feed, keys, **targets):
    """Sign targets that `publish_feed` would not, as a hostile keeper can."""
    pen = _Pen(feed / "metadata", keys.online, NOW)
    listed = {name: TargetFile.from_dict(deepcopy(told), name) for name, told in targets.items()}
    new = Targets(pen.after("targets", None), expires=NOW + DAY, targets=listed)
    point(feed, keys, pen.write(new))


def point(feed, keys, meta, **more):
    """A snapshot and timestamp for a targets.json."""
    pen = _Pen(feed / "metadata", keys.online, NOW)
    version = pen.after("snapshot", None)
    snapshot = pen.write(Snapshot(version, expires=NOW + DAY, meta={"targets.json": meta}))
    stamp = Timestamp(version + 100, expires=NOW + DAY, snapshot_meta=snapshot, **more)
    pen.write(stamp)


# Reading


def test_what_is_published_is_read(address, state):
    mirror = at(address, state)
    assert mirror.targets() == {
        name: Target(hashlib.sha256(source.data).hexdigest(), len(source.data), dict(source.custom))
        for name, source in ONE.items()
    }
    assert list(mirror.targets()) == sorted(ONE)
    for name, source in ONE.items():
        assert mirror.read(name) == source.data


def test_news_are_seen_at_the_next_refresh(address, state, feed, keys):
    mirror = at(address, state)
    mirror.refresh()
    publish_feed(feed, keys, TWO, now=NOW + DAY)
    assert mirror.targets()["swarm.json"].length == 2
    mirror.refresh()
    assert mirror.read("swarm.json") == b'{"peers":[]}'


def test_a_superseded_target_leads_to_the_new_one(address, state, feed, keys):
    mirror = at(address, state)
    mirror.refresh()
    publish_feed(feed, keys, TWO, now=NOW + DAY)
    assert mirror.read("swarm.json") == b'{"peers":[]}'


def test_what_the_feed_does_not_list(address, state):
    with pytest.raises(FeedError, match="lists no"):
        at(address, state).read("editions/9/SHA256SUMS")


def test_state_belongs_to_the_archive_and_not_to_the_address(web, feed, state, keys, tmp_path):
    stick = shutil.copytree(feed, tmp_path / "stick")
    at(web.url, state).refresh()
    publish_feed(feed, keys, TWO, now=NOW + DAY)
    at(str(stick), state).refresh()
    at(web.url, state).refresh()
    with pytest.raises(RollbackError):
        at(str(stick), state).refresh()


def test_roots_are_followed_from_the_first(address, state, feed, keys):
    at(address, state).refresh()
    later = NOW + 400 * DAY
    refresh_feed(feed, keys, later)
    refresh_feed(feed, keys, later + 400 * DAY)
    assert (feed / "metadata" / "3.root.json").exists()
    mirror = at(address, state, later + 401 * DAY)
    mirror.refresh()
    assert mirror.fingerprint == fingerprint(feed)
    assert at(address, state.with_name("new"), later + 401 * DAY).targets().keys() == ONE.keys()


def test_a_keeper_who_restores_an_older_copy_is_believed_again(
    address, state, feed, keys, tmp_path
):
    copy = shutil.copytree(feed, tmp_path / "copy")
    for day in range(1, 6):
        publish_feed(feed, keys, ONE | {"n": TargetSource(b"%d" % day)}, now=NOW + day * DAY)
    mirror = at(address, state)
    mirror.refresh()
    shutil.rmtree(feed)
    copy.rename(feed)
    with pytest.raises(RollbackError):
        mirror.refresh()
    publish_feed(feed, keys, TWO, now=NOW + 7 * DAY)
    mirror.refresh()
    assert mirror.targets().keys() == TWO.keys()


def test_requests_say_who_asks(web, state):
    at(web.url, state).read("swarm.json")
    assert web.agents == {"Songark/0.1"}


# The fingerprint


def test_the_pinned_archive_is_taken(address, state, feed):
    pin = fingerprint(feed)
    assert at(f"{address}#sha256={pin}", state).fingerprint == pin
    at(address, state, fingerprint=pin.upper()).refresh()
    at(f"{address}#sha256={pin}", state, fingerprint=pin).refresh()


@pytest.mark.parametrize("how", ["suffix", "argument"])
def test_another_archive_than_the_pinned_one_leaves_no_trace(address, state, how):
    pin = "0" * 64
    with pytest.raises(FingerprintError, match="fingerprint is") as caught:
        if how == "suffix":
            at(f"{address}#sha256={pin}", state)
        else:
            at(address, state, fingerprint=pin)
    assert "1.root.json" in caught.value.place
    assert "Ask the keeper" in caught.value.remedy
    assert not (state / "first.root.json").exists()


def test_a_pin_is_held_against_what_was_trusted_before(address, state):
    at(address, state).refresh()
    with pytest.raises(FingerprintError) as caught:
        at(address, state, fingerprint="0" * 64)
    assert str(state) in caught.value.place


def test_two_pins_must_agree(address, state):
    with pytest.raises(UsageError, match="two different"):
        at(f"{address}#sha256={'0' * 64}", state, fingerprint="1" * 64)
    with pytest.raises(UsageError, match="64 hex"):
        at(address, state, fingerprint="12ab")


def test_first_use_is_remembered(web, state, feed, keys, tmp_path):
    """A second archive at the same address is not believed."""
    at(web.url, state).refresh()
    other = tmp_path / "other"
    publish_feed(other, make_keys(tmp_path / "keys"), ONE, now=NOW + DAY)
    shutil.rmtree(feed)
    other.rename(feed)
    with pytest.raises(ForgedError):
        at(web.url, state).refresh()
    at(web.url, state.with_name("fresh")).refresh()


def test_a_first_root_that_proves_nothing_is_not_kept(address, state, feed, keys):
    path = feed / "metadata" / "1.root.json"
    good = path.read_bytes()
    refresh_feed(feed, keys, NOW + 400 * DAY)
    loose = Metadata.from_bytes(good).signed
    loose.consistent_snapshot = False
    _Pen(state.parent, keys.online, NOW).write(loose, keys.root)
    for bad in (
        good.replace(b'"expires":"20', b'"expires":"29'),
        (feed / "metadata" / "2.root.json").read_bytes(),
        (state.parent / "1.root.json").read_bytes(),
        (feed / "metadata" / "timestamp.json").read_bytes(),
    ):
        path.write_bytes(bad)
        with pytest.raises(ForgedError):
            at(address, state)
        assert not (state / "first.root.json").exists()
    path.write_bytes(good)
    at(address, state, NOW + 400 * DAY).refresh()


@pytest.mark.parametrize(
    "source",
    [
        "ftp://example.org/feed",
        "http://",
        "https://example.org/feed?x=1",
        "https://example.org/feed#sha256=12",
        "http://[::1/feed",
        "file:///feed",
    ],
)
def test_addresses_that_are_none(source, state):
    with pytest.raises(UsageError, match="not the address"):
        open_feed(source, state)
    assert not state.exists()


def test_a_password_is_not_repeated(state):
    with pytest.raises(UsageError) as caught:
        open_feed("https://me:hush@example.org/feed", state)
    assert "hush" not in str(caught.value)


# Attacks


def test_rollback_of_everything(address, state, feed, keys, tmp_path):
    old = shutil.copytree(feed, tmp_path / "old")
    publish_feed(feed, keys, TWO, now=NOW + DAY)
    mirror = at(address, state)
    mirror.refresh()
    shutil.rmtree(feed)
    old.rename(feed)
    for again in (mirror, at(address, state)):
        with pytest.raises(RollbackError, match="older") as caught:
            again.refresh()
        assert caught.value.remedy
    assert mirror.targets()["swarm.json"].length == 12


def test_rollback_of_the_snapshot_below_a_new_timestamp(address, state, feed, keys):
    old = only(feed, "*.snapshot.json")
    meta = MetaFile.from_data(int(NOW.timestamp()), old.read_bytes(), ["sha256"])
    publish_feed(feed, keys, TWO, now=NOW + DAY)
    at(address, state).refresh()
    pen = _Pen(feed / "metadata", keys.online, NOW + 2 * DAY)
    pen.write(Timestamp(pen.after("timestamp", None) + 9, expires=NOW + DAY, snapshot_meta=meta))
    with pytest.raises(RollbackError):
        at(address, state).refresh()


def test_rollback_of_targets_below_a_new_snapshot(address, state, feed, keys):
    old = only(feed, "*.targets.json")
    meta = MetaFile.from_data(int(NOW.timestamp()), old.read_bytes(), ["sha256"])
    publish_feed(feed, keys, TWO, now=NOW + DAY)
    at(address, state).refresh()
    point(feed, keys, meta)
    with pytest.raises(RollbackError):
        at(address, state).refresh()


def test_freeze(address, state):
    mirror = at(address, state, NOW + 13 * DAY)
    mirror.refresh()
    late = at(address, state, NOW + 14 * DAY)
    with pytest.raises(ExpiredError, match=r"expired \(timestamp.json") as caught:
        late.refresh()
    assert "clock" in caught.value.remedy
    with pytest.raises(ExpiredError):
        at(address, state.with_name("new"), NOW + 14 * DAY).refresh()


def test_the_clock_is_the_default(address, state, feed, keys):
    """Signed long ago: expired by the clock, whatever moment the tests live in."""
    past = datetime.now(UTC) - 20 * DAY
    shutil.rmtree(feed)
    publish_feed(feed, keys, ONE, now=past)
    with pytest.raises(ExpiredError):
        open_feed(address, state.with_name("new")).refresh()
    refresh_feed(feed, keys, datetime.now(UTC))
    open_feed(address, state.with_name("new")).refresh()


@pytest.mark.parametrize("last", [(181, "snapshot"), (731, "root")])
def test_each_role_expires(address, state, feed, keys, last):
    days, role = last
    pen = _Pen(feed / "metadata", keys.online, NOW)
    meta = MetaFile.from_data(
        int(NOW.timestamp()), only(feed, "*.snapshot.json").read_bytes(), ["sha256"]
    )
    version = int(NOW.timestamp()) + 5
    pen.write(Timestamp(version, expires=NOW + 999 * DAY, snapshot_meta=meta))
    with pytest.raises(ExpiredError, match=f"{role}.json is expired"):
        at(address, state, NOW + days * DAY).refresh()


@pytest.mark.parametrize("kind", ["snapshot", "targets"])
def test_mix_and_match(address, state, feed, keys, kind):
    """An old file, properly signed, under the name of the new one."""
    old = only(feed, f"*.{kind}.json")
    publish_feed(feed, keys, TWO, now=NOW + DAY)
    new = feed / "metadata" / f"{int((NOW + DAY).timestamp())}.{kind}.json"
    new.write_bytes(old.read_bytes())
    with pytest.raises(ForgedError):
        at(address, state).refresh()


@pytest.mark.parametrize("spoil", [b"{]", b"{", b"", b"{}}"])
def test_tampered_target(address, state, feed, spoil):
    only(feed, "*.swarm.json").write_bytes(spoil)
    with pytest.raises(ForgedError) as caught:
        at(address, state).read("swarm.json")
    assert "swarm.json" in caught.value.place


@pytest.mark.parametrize("kind", ["1.root", "timestamp", "snapshot", "targets"])
def test_tampered_metadata(address, state, feed, kind):
    change(only(feed, f"*{kind}.json"), b'"expires":"20', b'"expires":"29')
    with pytest.raises(ForgedError):
        at(address, state).refresh()


@pytest.mark.parametrize("kind", ["1.root", "timestamp", "snapshot", "targets"])
@pytest.mark.parametrize("left", [0, -1])
def test_truncated_metadata(address, state, feed, kind, left):
    path = only(feed, f"*{kind}.json")
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(ForgedError):
        at(address, state).refresh()


@pytest.mark.parametrize("kind", ["timestamp", "snapshot", "targets", "root"])
def test_signed_with_another_key(address, state, feed, keys, kind):
    at(address, state).refresh()
    other = make_keys(state / "other")
    refresh_feed(feed, keys, NOW + 400 * DAY)
    version = int((NOW + 400 * DAY).timestamp())
    name = {"timestamp": "timestamp", "root": "2.root"}.get(kind, f"{version}.{kind}")
    path = feed / "metadata" / f"{name}.json"
    role = Metadata.from_bytes(path.read_bytes()).signed
    pen = _Pen(feed / "metadata", other.online, NOW)
    meta = pen.write(role, other.root if kind == "root" else None)
    real = _Pen(feed / "metadata", keys.online, NOW + 400 * DAY)
    stamp = Metadata.from_file(str(feed / "metadata" / "timestamp.json")).signed
    if kind == "targets":
        snapshot = Metadata.from_file(str(feed / "metadata" / f"{version}.snapshot.json")).signed
        snapshot.meta["targets.json"] = meta
        meta = real.write(snapshot)
    if kind in {"snapshot", "targets"}:
        stamp.snapshot_meta = meta
        real.write(stamp)
    with pytest.raises(ForgedError, match="signed by 0/1 keys"):
        at(address, state, NOW + 400 * DAY).refresh()


def test_an_unknown_specification_is_not_guessed_at(address, state, feed, keys):
    path = feed / "metadata" / "timestamp.json"
    stamp = Metadata.from_file(str(path)).signed
    stamp.version += 1
    stamp.spec_version = "2.0.0"
    _Pen(feed / "metadata", keys.online, NOW).write(stamp)
    with pytest.raises(ForgedError):
        at(address, state).refresh()


def test_fields_not_known_yet_are_let_through(address, state, feed, keys):
    point(feed, keys, only_meta(feed), unrecognized_fields={"later": {"more": [1, None]}})
    assert at(address, state).targets().keys() == ONE.keys()


def only_meta(feed):
    path = only(feed, "*.targets.json")
    return MetaFile.from_data(int(path.name.split(".")[0]), path.read_bytes(), ["sha256"])


@pytest.mark.parametrize("kind", ["1.root", "timestamp", "snapshot", "targets", "swarm"])
def test_a_missing_file_is_missing_and_not_forged(address, state, feed, kind):
    only(feed, f"*{kind}.json").unlink()
    with pytest.raises(MissingError):
        at(address, state).read("swarm.json")


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "/etc/passwd",
        "a/../../x",
        "..",
        "a//b",
        ".x",
        "a?b",
        "a%2e",
        "a\\b",
        "é",
    ],
)
def test_path_traversal_in_target_names(address, state, feed, keys, name):
    forge(feed, keys, **{name: {"length": 1, "hashes": {"sha256": "0" * 64}}})
    with pytest.raises(ForgedError, match="not a name for a target"):
        at(address, state).targets()


@pytest.mark.parametrize(
    "told",
    [
        {"length": 1, "hashes": {"sha256": "../../x"}},
        {"length": 1, "hashes": {"md5": "0" * 32}},
        {"length": 1, "hashes": {"sha256": "0" * 64}, "custom": "text"},
    ],
)
def test_odd_descriptions_of_targets(address, state, feed, keys, told):
    forge(feed, keys, a=told)
    with pytest.raises(ForgedError):
        at(address, state).targets()


def test_a_target_too_large_is_not_even_asked_for(web, state, feed, keys):
    forge(feed, keys, a={"length": 10**12, "hashes": {"sha256": "0" * 64}})
    with pytest.raises(ForgedError, match="a target of more than"):
        at(web.url, state).read("a")
    assert not [path for path in web.asked if "/targets/" in path]


def endless(handler, *, piece=b"x" * 65536, pause=0.0):
    handler.head(200)
    while not handler.server.over.wait(pause):
        handler.wfile.write(piece)


@pytest.mark.parametrize(
    "end", ["1.root.json", "timestamp.json", ".snapshot.json", ".targets.json", ".swarm.json"]
)
def test_endless_data_is_cut_off(web, state, end):
    web.act[end] = endless
    with pytest.raises(ForgedError, match="more than it should"):
        at(web.url, state).read("swarm.json")


def test_a_declared_length_beyond_reason_is_not_believed(web, state, feed, keys):
    meta = only_meta(feed)
    meta.length = 10**15
    point(feed, keys, meta)
    web.act[f"{meta.version}.targets.json"] = endless
    with pytest.raises(ForgedError, match="more than it should"):
        at(web.url, state).refresh()


def silent(handler):
    handler.server.over.wait(20)


def stalled(handler):
    handler.head(200, Content_Length="100")
    handler.wfile.write(b"{")
    handler.server.over.wait(20)


def trickle(handler):
    endless(handler, piece=b" ", pause=0.02)


def trickle_chunks(handler):
    handler.head(200, Transfer_Encoding="chunked")
    while not handler.server.over.wait(0.02):
        handler.wfile.write(b"1\r\n \r\n")


@pytest.mark.parametrize("how", [silent, stalled, trickle, trickle_chunks])
@pytest.mark.parametrize("end", ["1.root.json", "timestamp.json", "SHA256SUMS", "a.torrent"])
def test_a_slow_server_is_given_up(web, state, tmp_path, how, end):
    web.act[end] = how
    with pytest.raises(UnreachableError, match="too slow"):
        mirror = at(web.url, state, patience=HASTY)
        mirror.read("editions/1/SHA256SUMS")
        mirror.fetch_file("editions/1/a.torrent", "0" * 64, tmp_path / "into")
    assert not (tmp_path / "into").exists()


def test_nobody_listens(state):
    server = Web(".")
    server.server_close()
    with pytest.raises(UnreachableError, match="cannot be read"):
        at(server.url, state, patience=Patience(retries=0))


def cut(handler):
    handler.head(200, Content_Length="1000")
    handler.wfile.write(b"{" * 10)


def bad_chunks(handler):
    handler.head(200, Transfer_Encoding="chunked")
    handler.wfile.write(b"zz\r\nnonsense")


def loop(handler):
    handler.head(302, Location=handler.path, Content_Length="0")


def to_file(handler):
    handler.head(302, Location="file:///etc/passwd", Content_Length="0")


def garbage(handler):
    handler.wfile.write(b"\x00\x01\x02 this is not HTTP\r\n\r\n")


def nothing(handler):
    handler.close_connection = True


def broken(handler):
    handler.head(500, Content_Length="0")


@pytest.mark.parametrize("how", [cut, bad_chunks, loop, to_file, garbage, nothing, broken])
@pytest.mark.parametrize("end", ["1.root.json", "2.root.json", "timestamp.json"])
def test_a_broken_server_is_unreachable(web, state, how, end):
    web.act[end] = how
    with pytest.raises(UnreachableError):
        at(web.url, state, patience=Patience(retries=0)).refresh()


def test_a_page_in_place_of_a_missing_root(web, state):
    def page(handler):
        handler.head(200, Content_Length="13")
        handler.wfile.write(b"<html></html>")

    web.act["2.root.json"] = page
    with pytest.raises(ForgedError):
        at(web.url, state).refresh()


def test_a_hiccup_is_tried_again_without_obeying_retry_after(web, state):
    left = [2]

    def hiccup(handler):
        if left[0]:
            left[0] -= 1
            handler.head(503, Content_Length="0", Retry_After="3600")
        else:
            SimpleHTTPRequestHandler.do_GET(handler)

    web.act["timestamp.json"] = hiccup
    open_feed(web.url, state, now=NOW, patience=Patience(retries=2)).refresh()
    left[0] = 99
    with pytest.raises(UnreachableError, match="503"):
        open_feed(web.url, state, now=NOW, patience=Patience(retries=1)).refresh()


def test_a_redirect_is_followed(feed, state, web):
    with serving(feed) as other:

        def move(handler):
            handler.head(301, Location=other.url + handler.path, Content_Length="0")

        web.act[".json"] = move
        assert at(web.url, state).targets().keys() == ONE.keys()


def test_a_pipe_in_a_folder_does_not_block(feed, state):
    path = feed / "metadata" / "timestamp.json"
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(UnreachableError, match="not a file"):
        at(str(feed), state).refresh()


def test_no_folder_there(tmp_path, state):
    with pytest.raises(MissingError):
        at(str(tmp_path / "unmounted"), state)


MUTANTS = st.tuples(
    st.sampled_from(["1.root", "timestamp", "snapshot", "targets"]),
    st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 3), st.binary(max_size=4)),
        min_size=1,
        max_size=3,
    ),
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(MUTANTS)
def test_any_spoiled_byte_is_a_feed_error(feed, tmp_path, mutant):
    kind, edits = mutant
    path = only(feed, f"*{kind}.json")
    good = data = path.read_bytes()
    for where, drop, put in edits:
        i = int(where * len(data))
        data = data[:i] + put + data[i + drop :]
    path.write_bytes(data)
    shutil.rmtree(tmp_path / "fuzz", ignore_errors=True)
    try:
        at(str(feed), tmp_path / "fuzz").targets()
    except FeedError:
        pass
    finally:
        path.write_bytes(good)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_any_other_json_signed_by_the_keeper_is_a_feed_error(feed, keys, tmp_path, data):
    """A hostile keeper may sign what no program of ours would write."""
    from securesystemslib.formats import encode_canonical

    from songark.release.feed_roles import _public

    path = feed / "metadata" / "timestamp.json"
    good = path.read_bytes()
    told = json.loads(good)
    where = told["signed"]
    for step in data.draw(st.sampled_from(list(_ways(told["signed"])))):
        where, key = (where[step], step) if isinstance(where[step], dict) else (where, step)
    where[key] = data.draw(JSON)
    signature = keys.online.sign(encode_canonical(told["signed"]).encode()).hex()
    told["signatures"] = [{"keyid": _public(keys.online).keyid, "sig": signature}]
    path.write_bytes(json.dumps(told).encode())
    shutil.rmtree(tmp_path / "fuzz", ignore_errors=True)
    try:
        at(str(feed), tmp_path / "fuzz").targets()
    except FeedError:
        pass
    finally:
        path.write_bytes(good)


def _ways(value, before=()):
    for key, inner in value.items():
        yield (*before, key)
        if isinstance(inner, dict):
            yield from _ways(inner, (*before, key))


@pytest.mark.parametrize(
    "data", [b"[" * 100_000, b'{"signed":' * 50_000, b"9" * 5000, b"\xff" * 99]
)
@pytest.mark.parametrize("kind", ["1.root", "timestamp"])
def test_json_that_breaks_parsers(feed, state, data, kind):
    only(feed, f"*{kind}.json").write_bytes(data)
    with pytest.raises(FeedError):
        at(str(feed), state).refresh()


def test_messages_hold_no_control_characters(feed, state, keys):
    name = "\x1b[31mred\u202e"
    forge(feed, keys, **{name: {"length": 1, "hashes": {"sha256": "0" * 64}}})
    with pytest.raises(ForgedError) as caught:
        at(str(feed), state).targets()
    assert str(caught.value).isprintable()


def test_messages_of_the_library_hold_none_either(feed, state, keys):
    pen = _Pen(feed / "metadata", keys.online, NOW + 2 * DAY)
    meta = {"targets.json": only_meta(feed)}
    for extra in ({"\x1b[31mred.json": MetaFile()}, {}):
        version = pen.after("snapshot", None)
        told = pen.write(Snapshot(version, expires=NOW + DAY, meta=meta | extra))
        pen.write(Timestamp(version, expires=NOW + DAY, snapshot_meta=told))
        if extra:
            at(str(feed), state).refresh()
    with pytest.raises(ForgedError, match="missing info") as caught:
        at(str(feed), state).refresh()
    assert str(caught.value).isprintable()


# Files beside the targets


def test_files_are_fetched_by_their_index(address, state, tmp_path, feed):
    mirror = at(address, state)
    told = read_index(mirror.read("editions/1/SHA256SUMS"))
    for path, digest in told.items():
        mirror.fetch_file(path, digest, tmp_path / "got" / path)
        assert (tmp_path / "got" / path).read_bytes() == TORRENT
    shutil.rmtree(feed / "files")
    for path, digest in told.items():
        mirror.fetch_file(path, digest, tmp_path / "got" / path)  # what is right is not asked for


def test_names_in_files_are_quoted(address, state, tmp_path, feed):
    name = "editions/1/100% Ünder #1?.torrent"
    (feed / "files" / name).write_bytes(TORRENT)
    at(address, state).fetch_file(name, hashlib.sha256(TORRENT).hexdigest(), tmp_path / "got")
    assert (tmp_path / "got").read_bytes() == TORRENT


def test_a_wrong_file_changes_nothing(address, state, tmp_path, feed):
    into = tmp_path / "got"
    into.write_bytes(b"before")
    mirror = at(address, state)
    with pytest.raises(ForgedError, match="not the file"):
        mirror.fetch_file("editions/1/a.torrent", "0" * 64, into)
    with pytest.raises(ForgedError, match="more than 5 bytes"):
        mirror.fetch_file("editions/1/a.torrent", "0" * 64, into, limit=5)
    with pytest.raises(MissingError):
        mirror.fetch_file("editions/1/b.torrent", "0" * 64, into)
    with pytest.raises(BrokenError, match="unsafe"):
        mirror.fetch_file("../metadata/timestamp.json", "0" * 64, into)
    assert into.read_bytes() == b"before"
    assert [p.name for p in tmp_path.iterdir() if p.suffix == ".part"] == []


def test_a_file_longer_than_its_bound_is_cut_off(web, state, tmp_path):
    web.act["a.torrent"] = endless
    with pytest.raises(ForgedError, match="more than 1000 bytes"):
        at(web.url, state).fetch_file("editions/1/a.torrent", "0" * 64, tmp_path / "x", limit=1000)


def test_many_fetch_at_once(web, state, tmp_path, feed):
    told = {}
    for n in range(60):
        data = b"%d" % n * 50_000
        (feed / "files" / f"{n}.bin").write_bytes(data)
        told[f"{n}.bin"] = hashlib.sha256(data).hexdigest()
    mirror = at(web.url, state)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: mirror.fetch_file(n, told[n], tmp_path / "got" / n), told))
    assert len(list((tmp_path / "got").iterdir())) == 60


def test_a_place_that_cannot_be_written_is_named(address, state, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    mirror = at(address, state)
    digest = hashlib.sha256(TORRENT).hexdigest()
    with pytest.raises(SongarkError, match="cannot be read or written") as caught:
        mirror.fetch_file("editions/1/a.torrent", digest, tmp_path / "file" / "x")
    assert str(tmp_path / "file") in caught.value.place
    (state / "metadata").write_bytes(b"")
    with pytest.raises(SongarkError, match="cannot be read or written") as caught:
        mirror.refresh()
    assert str(state) in caught.value.place


# Kills and neighbours


def test_the_state_is_ours_whole_files_without_links(address, state):
    at(address, state).refresh()
    names = {str(p.relative_to(state)) for p in state.rglob("*") if not p.is_dir()}
    assert names == {
        "first.root.json",
        "lock",
        "metadata/root_history/1.root.json",
        "metadata/timestamp.json",
        "metadata/snapshot.json",
        "metadata/targets.json",
    }
    assert not [p for p in state.rglob("*") if p.is_symlink()]


def test_a_mirror_killed_at_any_write_goes_on_and_is_not_rolled_back(
    state, feed, keys, tmp_path, monkeypatch
):
    class Killed(BaseException):
        pass

    old = shutil.copytree(feed, tmp_path / "old")
    at(str(feed), state).refresh()
    publish_feed(feed, keys, TWO, now=NOW + DAY)
    for step in range(9):
        here = shutil.copytree(state, tmp_path / f"state{step}")
        left = [step]

        def replace(self, target, left=left):
            if not left[0]:
                raise Killed
            left[0] -= 1
            os.rename(self, target)  # noqa: PTH104

        seen = False
        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", replace)
            try:
                at(str(feed), here).refresh()
                seen = True
            except Killed:
                pass
        if (here / "metadata" / "timestamp.json").read_bytes() != (
            old / "metadata" / "timestamp.json"
        ).read_bytes():
            with pytest.raises(RollbackError):
                at(str(old), here).refresh()
        mirror = at(str(feed), here)
        mirror.refresh()
        assert mirror.read("swarm.json") == b'{"peers":[]}'
        if seen:
            assert step > 3
            return
    pytest.fail("never ran through")


def test_parts_of_a_killed_mirror_are_swept(address, state):
    at(address, state).refresh()
    (state / "metadata" / ".timestamp.json.x.part").write_bytes(b"")
    (state / "metadata" / "root_history" / ".2.root.json.x.part").write_bytes(b"")
    at(address, state).refresh()
    assert not list(state.rglob("*.part"))


@pytest.mark.parametrize("name", ["timestamp.json", "snapshot.json", "targets.json"])
def test_a_rotten_state_heals(address, state, name):
    at(address, state).refresh()
    (state / "metadata" / name).write_bytes(b"\x00" * 100)
    assert at(address, state).targets().keys() == ONE.keys()


def test_a_rotten_first_root_is_said(address, state):
    at(address, state).refresh()
    (state / "first.root.json").write_bytes(b"\x00" * 100)
    with pytest.raises(SongarkError) as caught:
        at(address, state)
    assert "first.root.json" in caught.value.place


def test_a_publication_stopped_at_any_step_is_read(feed, keys, tmp_path, monkeypatch, state):
    """Old and new readers alike, between any two file operations of a publication."""
    seen = []
    mirror = at(str(feed), state)
    mirror.refresh()

    def look():
        before = mirror.targets()
        for reader in (at(str(feed), tmp_path / f"new{len(seen)}"), mirror):
            content = {name: reader.read(name) for name in reader.targets()}
            assert content["swarm.json"] in (b"{}", b'{"peers":[]}')
            reader.refresh()
        seen.append(mirror.targets() != before)

    def watched(real):
        def act(self, *args, **kwargs):
            if Path(feed) not in self.parents:
                return real(self, *args, **kwargs)
            look()
            return real(self, *args, **kwargs)

        return act

    with monkeypatch.context() as patch:
        for name in ("replace", "unlink", "rmdir"):
            patch.setattr(Path, name, watched(getattr(Path, name)))
        publish_feed(feed, keys, TWO, now=NOW + DAY)
    assert len(seen) >= 5
    assert sum(seen) == 1


def test_readers_during_publications(address, feed, keys, tmp_path):
    over, done = threading.Event(), threading.Event()

    def read(n):
        mirror = at(address, tmp_path / f"reader{n}")
        rounds, last = 0, -1
        while rounds < 3 or not over.is_set():
            mirror.refresh()
            number = int(mirror.read("n")) if "n" in mirror.targets() else -1
            assert number >= last
            last, rounds = number, rounds + 1
            done.set()
        mirror.refresh()
        return int(mirror.read("n"))

    with ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(read, n) for n in range(3)]
        try:
            for n in range(20):
                done.clear()
                assert done.wait(60)  # as fast as somebody reads, else nobody would ever be done
                publish_feed(feed, keys, ONE | {"n": TargetSource(b"%d" % n)}, now=NOW)
        finally:
            over.set()
        assert [reader.result() for reader in readers] == [19, 19, 19]


def test_two_processes_share_a_state(address, state):
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: at(address, state).refresh(), range(18)))
