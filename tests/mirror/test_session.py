import logging
import socket
import threading

import libtorrent as lt
import pytest

from songark.mirror.session import open_session, resolve
from songark.model.errors import SongarkError, UsageError
from tests.mirror.swarm_support import LOOPBACK, loopback, wait_for


def test_a_session_listens_where_it_is_told():
    with loopback() as session:
        assert session.port > 0
        with socket.create_connection((LOOPBACK, session.port), timeout=5):
            pass


def test_on_loopback_nobody_outside_is_spoken_to():
    with open_session(f"{LOOPBACK}:0", dht=True, lan=True) as session:
        told = session.swarm.get_settings()
        for name in ("dht", "lsd", "upnp", "natpmp", "incoming_utp", "outgoing_utp"):
            assert not told[f"enable_{name}"], name
        assert told["user_agent"] == "Songark/0.1"
        assert told["peer_fingerprint"].startswith("-SK")


def test_elsewhere_the_dht_and_the_lan_are_as_set():
    with open_session("0.0.0.0:0", dht=False, lan=False) as session:
        told = session.swarm.get_settings()
        assert not told["enable_dht"]
        assert not told["enable_upnp"]
        assert not told["enable_lsd"]
        assert told["enable_incoming_utp"]


def test_ipv6_has_brackets():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 on this machine")
    with open_session("[::1]:0", dht=False, lan=False) as session:
        assert session.port > 0


def test_a_taken_port_is_an_error_that_names_it():
    with socket.create_server((LOOPBACK, 0)) as other:
        address = f"{LOOPBACK}:{other.getsockname()[1]}"
        with pytest.raises(SongarkError, match="no connections") as caught:
            open_session(address, dht=False, lan=False)
        assert caught.value.place == address
        assert "swarm.listen" in caught.value.remedy


@pytest.mark.parametrize("listen", ["localhost:1", "127.0.0.1", "127.0.0.1:70000", "eth0:1", ""])
def test_what_is_no_address_is_refused(listen):
    with pytest.raises(UsageError):
        open_session(listen, dht=False, lan=False)


def test_closing_frees_the_port_and_ends_the_thread():
    before = threading.active_count()
    session = loopback()
    session.close()
    session.close()
    assert threading.active_count() == before

    def free() -> bool:
        try:
            socket.create_server((LOOPBACK, session.port)).close()
        except OSError:
            return False
        return True

    wait_for(free)


def test_every_alert_reaches_every_subscriber_whatever_another_does(caplog):
    caplog.set_level(logging.CRITICAL)
    seen: dict[str, list[str]] = {"one": [], "two": []}
    threads = set()

    def broken(alert: lt.alert) -> None:
        raise ValueError(alert.what())

    def one(alert: lt.alert) -> None:
        threads.add(threading.current_thread().name)
        seen["one"].append(alert.what())

    with loopback() as session:
        session.subscribe(broken)
        leave = session.subscribe(one)
        session.subscribe(lambda alert: seen["two"].append(alert.what()))
        session.swarm.post_session_stats()
        wait_for(lambda: "session_stats" in seen["two"])
        assert seen["one"] == seen["two"]
        assert threads == {"swarm alerts"}
        leave()
        session.swarm.post_session_stats()
        wait_for(lambda: seen["two"].count("session_stats") == 2)
        assert seen["one"].count("session_stats") == 1


def test_a_host_without_an_address_is_left_out():
    told = [(LOOPBACK, 1), ("no-such-host.invalid", 2), ("a" * 300, 3), (LOOPBACK, 1)]
    assert resolve(told) == [(LOOPBACK, 1)]
