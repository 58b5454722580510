import os
import shutil
import socket
import threading
import wave
from urllib.parse import quote

import pytest
import urllib3

from songark.api.withdraw import withdraw
from songark.release.packs import ATTRIBUTION
from songark.rights.ledger import claim_withdrawal
from songark.serve.server import WebServer
from songark.serve.web import make_app
from tests.release_support import (
    NASTY,
    again,
    digests,
    file_of,
    keys_of,
    newest,
    published,
    row,
    rows,
    take_in,
    tone,
)

POOL = urllib3.PoolManager(retries=False, timeout=20)


@pytest.fixture(scope="module")
def ark(tmp_path_factory):
    """The base archive, not to be changed."""
    return published(tmp_path_factory.mktemp("web"))


@pytest.fixture(scope="module")
def base(ark):
    with WebServer(make_app(ark), "127.0.0.1", 0) as web:
        yield web.url


def get(url, method="GET", **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return POOL.request(method, url, headers=headers)


def raw(base, target, method="GET"):
    """Ask for a path as it is, without any client's tidying; gives the whole answer."""
    host, port = base.removeprefix("http://").rstrip("/").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as line:
        line.sendall(method.encode() + b" " + target + b" HTTP/1.0\r\nHost: x\r\n\r\n")
        answer = b""
        while data := line.recv(65_536):
            answer += data
    return answer


def music(base, one):
    return f"{base}music/{quote(one['pack'])}/{quote(one['name'])}"


def stored(ark, one):
    (place,) = ark.store.glob(f"*/*/{file_of(one)}.*")
    return place.read_bytes()


def test_every_track_of_the_release(ark, base):
    for one in rows(ark):
        answer = get(music(base, one))
        assert (answer.status, answer.data) == (200, stored(ark, one))
        assert answer.headers["content-length"] == str(one["size"])
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-cache"
    kinds = {get(music(base, one), "HEAD").headers["content-type"] for one in rows(ark)}
    assert all(kind.startswith("audio/") for kind in kinds)
    assert row(ark, NASTY)["name"].endswith(".mp3")


def test_the_attribution_of_each_pack(ark, base):
    for pack in {one["pack"] for one in rows(ark)}:
        answer = get(f"{base}music/{pack}/{ATTRIBUTION}")
        assert answer.data == (newest(ark) / "attribution" / f"{pack}.txt").read_bytes()
        assert answer.headers["content-type"].startswith("text/plain")
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("wanted", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=5-99", 5, 99),
        ("bytes=1048576-2097151", 1048576, 2097151),
        ("bytes=2304000-", 2304000, None),
        ("bytes=-10", -10, None),
        ("bytes=2304000-99999999", 2304000, None),
    ],
)
def test_a_range(ark, base, wanted, first, last):
    long = row(ark, "Long")
    data = stored(ark, long)
    answer = get(music(base, long), Range=wanted)
    assert answer.status == 206
    assert answer.data == data[first : last + 1 if last is not None else None]
    start = first % len(data)
    end = last if last is not None else len(data) - 1
    assert answer.headers["content-range"] == f"bytes {start}-{end}/{len(data)}"


def test_ranges_that_cannot_be(ark, base):
    long = music(base, row(ark, "Long"))
    assert get(long, Range="bytes=99999999-").status == 416
    assert get(long, Range="bytes=9-5").status == 400
    assert get(long, Range="bytes=" + "9" * 5000 + "-").status in {200, 400, 416}
    several = get(long, Range="bytes=0-1,5-6")
    assert several.status == 206
    assert several.headers["content-type"].startswith("multipart/byteranges")


def test_if_range(ark, base):
    """A part goes on only with the file it began with (RFC 9110, section 13.1.5)."""
    long = row(ark, "Long")
    head = get(music(base, long), "HEAD")
    for mark in (head.headers["etag"], head.headers["last-modified"]):
        assert get(music(base, long), Range="bytes=1-2", If_Range=mark).status == 206
    for mark in ('"other"', f"W/{head.headers['etag']}", "Thu, 01 Jan 1970 00:00:00 GMT"):
        answer = get(music(base, long), Range="bytes=1-2", If_Range=mark)
        assert (answer.status, len(answer.data)) == (200, long["size"])


def test_head(ark, base):
    long = row(ark, "Long")
    for told in ({}, {"Range": "bytes=1-2"}):
        full, head = get(music(base, long), **told), get(music(base, long), "HEAD", **told)
        assert (head.status, head.data) == (full.status, b"")
        same = ("content-length", "content-type", "etag", "content-range", "accept-ranges")
        assert [head.headers.get(n) for n in same] == [full.headers.get(n) for n in same]
    assert head.headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE"])
def test_nothing_can_be_written(ark, base, method):
    for path in (
        f"music/{row(ark, 'Zero')['pack']}/x",
        "feed/metadata/timestamp.json",
        "music/p/.pad/5",
    ):
        assert get(base + path, method).status == 405


@pytest.mark.parametrize(
    "path",
    ["", "music", "music/", "music/p", "music/p/x.ogg", "feed/nothing", "keys/root.pem", "store"],
)
def test_what_is_not_there(base, path):
    assert get(base + path).status == 404


def test_a_track_under_another_packs_name(ark, base):
    one, other = row(ark, "Song 0"), row(ark, "Zero")
    assert get(f"{base}music/{other['pack']}/{quote(one['name'])}").status == 404


ESCAPES = [
    b"..", b"%2e%2e", b"%2E%2E", b".%2e", b"..%00", b"%c0%ae%c0%ae", b"..%c0%af", b"..;", b"....",
    b"%252e%252e", b"..%5c", b"..\\",
]  # fmt: skip


@pytest.mark.parametrize("escape", ESCAPES)
@pytest.mark.parametrize("start", [b"/feed/", b"/feed/files/", b"/music/", b"/music/p/", b"/"])
def test_no_way_out_of_what_is_served(ark, base, start, escape):
    for slash in (b"/", b"%2f", b"%5c", b"//"):
        for target in (b"keys/root.pem", b"songark.toml", b"rights/ledger.jsonl"):
            for up in (1, 2, 3):
                answer = raw(base, start + (escape + slash) * up + target)
                assert answer.split(b" ", 2)[1] in {b"400", b"404"}, answer[:200]
                assert b"PRIVATE KEY" not in answer


@pytest.mark.parametrize(
    "target",
    [
        "{ark}/keys/root.pem",
        "/feed/{ark}/keys/root.pem",
        "/feed//{ark}/keys/root.pem",
        "/music/{ark}/keys/root.pem",
        "/feed/%2f{ark}/keys/root.pem",
        "/feed/file://{ark}/keys/root.pem",
        "http://x{ark}/keys/root.pem",
        "/feed/metadata/timestamp.json%00.txt",
        "/feed/%00",
        "/music/p/%00",
        "/music/%00/x",
        "/feed/metadata/\xff",
        "/feed/" + "a" * 5000,
        "/music/p/" + "a" * 5000,
        "/music/p/.pad/" + "9" * 5000,
        "/music/p/.pad/-1",
        "/music/p/.pad/x",
        "/music/p/.pad/%D9%A1",
        "/music/p/.pad/5/6",
    ],
)
def test_tricks_with_paths(ark, base, target):
    answer = raw(base, target.format(ark=ark.path).encode("latin-1"))
    assert answer.split(b" ", 2)[1] in {b"400", b"404"}, answer[:200]
    assert b"PRIVATE KEY" not in answer


def test_the_whole_feed_and_nothing_hidden_in_it(tmp_path):
    ark = published(tmp_path)
    (ark.feed / ".secret").write_text("x")
    (ark.feed / "metadata/.half.part").write_text("x")
    (ark.feed / ".git").mkdir()
    (ark.feed / ".git/config").write_text("x")
    (ark.feed / "link").symlink_to(ark.keys)
    (ark.feed / "key").symlink_to(ark.keys / "root.pem")
    with WebServer(make_app(ark), "127.0.0.1", 0) as web:
        for path, digest in digests(ark.feed).items():
            if "/." in f"/{path}" or path == "key" or path.startswith("link/"):
                assert get(f"{web.url}feed/{path}").status == 404
                continue
            answer = get(f"{web.url}feed/{path}")
            (tmp_path / "got").write_bytes(answer.data)
            assert digests(tmp_path)["got"] == digest
            assert answer.headers["cache-control"] == "no-cache"
            assert answer.headers["x-content-type-options"] == "nosniff"
        for path in ("link/root.pem", "metadata", "metadata/", ""):
            assert get(f"{web.url}feed/{path}").status == 404


def test_what_did_not_change_is_not_sent_again(base):
    stamp = f"{base}feed/metadata/timestamp.json"
    first = get(stamp)
    again = get(stamp, If_None_Match=first.headers["etag"])
    assert (again.status, again.data) == (304, b"")
    assert again.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("length", [0, 1, 5, 65_536, (1 << 20) - 1])
def test_pads_are_zeros(base, length):
    url = f"{base}music/any-pack/.pad/{length}"
    assert get(url).data == bytes(length)
    head = get(url, "HEAD")
    assert (head.headers["content-length"], head.data) == (str(length), b"")


@pytest.mark.parametrize(
    ("wanted", "status", "length", "told"),
    [
        ("bytes=0-4", 206, 5, "bytes 0-4/100"),
        ("bytes=90-", 206, 10, "bytes 90-99/100"),
        ("bytes=90-999", 206, 10, "bytes 90-99/100"),
        ("bytes=99-99", 206, 1, "bytes 99-99/100"),
        ("bytes=100-", 416, 0, "bytes */100"),
        ("bytes=-5", 200, 100, None),
        ("bytes=0-1,5-6", 200, 100, None),
        ("bytes=x-", 200, 100, None),
        ("bytes=" + "9" * 5000 + "-", 200, 100, None),
        ("items=0-1", 200, 100, None),
        ("", 200, 100, None),
    ],
)
def test_ranges_of_pads(base, wanted, status, length, told):
    answer = get(f"{base}music/p/.pad/100", Range=wanted)
    assert (answer.status, answer.data) == (status, bytes(length))
    assert answer.headers.get("content-range") == told


@pytest.mark.parametrize("length", [1 << 20, 9_999_999, 10**12])
def test_no_pad_is_longer_than_a_piece(base, length):
    assert get(f"{base}music/p/.pad/{length}").status == 404


def test_a_withdrawal_refuses_at_once_in_every_edition(tmp_path):
    ark = published(tmp_path)
    gone = row(ark, "Song 0")
    with WebServer(make_app(ark), "127.0.0.1", 0) as web:
        assert get(music(web.url, gone)).status == 200
        claim_withdrawal(ark.ledger, gone["recording"], [file_of(gone)])
        for method, told in (("GET", {}), ("HEAD", {}), ("GET", {"Range": "bytes=0-9"})):
            assert get(music(web.url, gone), method, **told).status == 451
        assert stored(ark, gone) not in get(music(web.url, gone)).data
        withdraw(ark, gone["recording"], keys=keys_of(ark))
        tone(tmp_path / "more/new.ogg", 900, "New", "Dee")
        take_in(ark, tmp_path / "more", licence="CC-BY-4.0", by="Dee")
        again(ark)
        assert get(music(web.url, gone)).status == 451
        # What the new edition has is there without a restart, and so is what the first had.
        assert get(music(web.url, row(ark, "New"))).status == 200
        assert get(music(web.url, row(ark, "Song 1"))).status == 200
        text = get(f"{web.url}music/{gone['pack']}/{ATTRIBUTION}").data.decode()
        assert gone["name"] not in text


def test_what_is_cut_off_in_the_middle(tmp_path):
    """A slow reader of a large file gets what is on its way, and then the line is cut."""
    ark = published(tmp_path)
    big = tmp_path / "big"
    big.mkdir()
    with wave.open(str(big / "Big.wav"), "wb") as out:
        out.setparams((2, 2, 48_000, 0, "NONE", ""))
        out.writeframes(bytes(24_000_000))
    take_in(ark, big, licence="CC-BY-4.0", by="Dee")
    again(ark)
    one = row(ark, "Big")
    with WebServer(make_app(ark), "127.0.0.1", 0) as web, socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        line.settimeout(20)
        line.connect(web.address)
        path = music("/", one).encode()
        line.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        received = len(line.recv(65_536))
        withdraw(ark, one["recording"], keys=keys_of(ark))
        while data := line.recv(65_536):
            received += len(data)
    assert received < one["size"]


def test_with_a_broken_ledger_nothing_is_given(tmp_path):
    ark = published(tmp_path)
    one = row(ark, "Song 0")
    claim_withdrawal(ark.ledger, "r-other", [file_of(row(ark, "Song 1"))])
    with WebServer(make_app(ark), "127.0.0.1", 0) as web:
        assert get(music(web.url, one)).status == 200
        data = ark.ledger.path.read_bytes()
        ark.ledger.path.write_bytes(data.replace(b"r-other", b"r-ether"))
        for _ in range(2):
            answer = get(music(web.url, one))
            assert answer.status == 500
            assert stored(ark, one) not in answer.data


def test_bytes_that_are_gone(tmp_path):
    ark = published(tmp_path)
    one = row(ark, "Song 0")
    (place,) = ark.store.glob(f"*/*/{file_of(one)}.*")
    place.unlink()
    with WebServer(make_app(ark), "127.0.0.1", 0) as web:
        assert get(music(web.url, one)).status == 404


def test_before_the_first_release_there_is_nothing_and_no_error(tmp_path):
    ark = published(tmp_path)
    shutil.rmtree(ark.feed)
    shutil.rmtree(ark.editions)
    with WebServer(make_app(ark), "127.0.0.1", 0) as web:
        for path in (
            "feed/metadata/timestamp.json",
            "feed/",
            "music/p/a.ogg",
            f"music/p/{ATTRIBUTION}",
        ):
            assert get(web.url + path).status == 404


def test_music_that_claims_to_be_a_page_is_not_served_as_one(tmp_path):
    """The extension comes from whoever made the file; a script in its tags must stay a text."""
    ark = published(tmp_path)
    script = "<script>alert(1)</script>"
    made = tone(tmp_path / "tone.mp3", 900, script, "Dee", format="mp3")
    (tmp_path / "evil").mkdir()
    for name in ("song.html", "song.svg", "song.js"):
        shutil.copyfile(made, tmp_path / "evil" / name)
        with (tmp_path / "evil" / name).open("ab") as stream:
            stream.write(os.urandom(9))
    take_in(ark, tmp_path / "evil", licence="CC-BY-4.0", by="Dee")
    again(ark)
    evil = [one for one in rows(ark) if one["title"] == script]
    with WebServer(make_app(ark), "127.0.0.1", 0) as web:
        for one in evil:
            answer = get(music(web.url, one))
            assert script.encode() in answer.data
            assert answer.headers["content-type"] == "application/octet-stream"
            assert answer.headers["x-content-type-options"] == "nosniff"
    assert evil


def test_many_at_once_get_the_right_bytes(ark, base):
    found, one = [], row(ark, "Long")

    def read():
        (told,) = {hash(get(music(base, one)).data)}
        found.append(told)

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == [hash(stored(ark, one))] * 8
