import gc
import socket
import threading
import warnings

import pytest
import urllib3
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from songark.model.errors import SongarkError
from songark.serve.server import WebServer


def app():
    async def endless():
        while True:
            yield b"x" * 65_536

    return Starlette(
        routes=[
            Route("/", lambda _: PlainTextResponse("here")),
            Route("/endless", lambda _: StreamingResponse(endless())),
        ]
    )


def get(url):
    return urllib3.request("GET", url, retries=False, timeout=10)


def test_whoever_connects_at_once_is_served():
    """Without waiting for anything: the socket takes connections before the thread runs."""
    for _ in range(5):
        with WebServer(app(), "127.0.0.1", 0) as web:
            assert get(web.url).data == b"here"


def test_connections_queue_before_it_is_entered():
    web = WebServer(app(), "127.0.0.1", 0)
    early = socket.create_connection(web.address, timeout=10)
    early.sendall(b"GET / HTTP/1.0\r\n\r\n")
    with web:
        assert early.recv(1000).startswith(b"HTTP/1.1 200")
    early.close()


def test_its_address():
    with WebServer(app(), "127.0.0.1", 0) as web:
        host, port = web.address
        assert web.url == f"http://{host}:{port}/"
        assert port > 0


def test_by_ipv6():
    try:
        web = WebServer(app(), "::1", 0)
    except SongarkError:
        pytest.skip("this machine has no IPv6")
    with web:
        assert web.url == f"http://[::1]:{web.address[1]}/"
        assert get(web.url).data == b"here"


def test_a_port_that_is_taken():
    with WebServer(app(), "127.0.0.1", 0) as web, pytest.raises(SongarkError) as caught:
        WebServer(app(), "127.0.0.1", web.address[1])
    assert caught.value.place == f"127.0.0.1:{web.address[1]}"
    assert "[web]" in caught.value.remedy


@pytest.mark.parametrize("host", ["203.0.113.1", "no.such.host.invalid"])
def test_an_address_that_is_not_ours(host):
    with pytest.raises(SongarkError, match="cannot listen"):
        WebServer(app(), host, 0)


def test_it_ends_though_somebody_still_reads():
    with WebServer(app(), "127.0.0.1", 0) as web:
        url = web.url
        answer = urllib3.request("GET", f"{url}endless", preload_content=False, retries=False)
        assert answer.read(1000)
        before = threading.active_count()
    assert threading.active_count() < before
    answer.close()
    with pytest.raises(urllib3.exceptions.HTTPError):
        get(url)
    with warnings.catch_warnings():
        # uvicorn leaves the connection that it broke off to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        del web
        gc.collect()


def test_the_port_is_free_afterwards():
    with WebServer(app(), "127.0.0.1", 0) as web:
        port = web.address[1]
        get(web.url)
    with WebServer(app(), "127.0.0.1", port) as web:
        assert get(web.url).status == 200
