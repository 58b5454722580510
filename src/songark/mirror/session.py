"""One libtorrent session, and the one thread that reads its alerts.

libtorrent hands out alerts by a single queue, and what it handed out dies at the next reading. So
one thread reads them for everybody who seeds or fetches in the session, and passes each one on.
"""

from __future__ import annotations

import ipaddress
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

import libtorrent as lt

from songark.ark.settings import parse_address
from songark.model.errors import SongarkError, UsageError

__all__ = ["Session", "open_session", "resolve"]

_LOG = logging.getLogger(__name__)
_ALERTS = lt.alert_category.error | lt.alert_category.storage | lt.alert_category.status
_LISTEN_WAIT = 10.0


class Session:
    """A running session. `swarm` is libtorrent's, `port` where it takes connections.

    Subscribers are called on the session's own thread, one alert at a time, and must not keep the
    alert. What they raise is logged, and the thread goes on.
    """

    def __init__(self, swarm: lt.session) -> None:
        self.swarm = swarm
        self.port = swarm.listen_port()
        self._subscribers: tuple[Callable[[lt.alert], None], ...] = ()
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._pump, name="swarm alerts", daemon=True)
        self._thread.start()

    def subscribe(self, subscriber: Callable[[lt.alert], None]) -> Callable[[], None]:
        """Have every alert from now on passed to `subscriber`; call what is returned to end it."""
        with self._lock:
            self._subscribers += (subscriber,)

        def leave() -> None:
            with self._lock:
                self._subscribers = tuple(s for s in self._subscribers if s is not subscriber)

        return leave

    def watch_uploads(self) -> None:
        """Tell of each block given away, too: some thousand alerts a second when it is busy."""
        self.swarm.apply_settings({"alert_mask": _ALERTS | lt.alert_category.upload})

    def close(self) -> None:
        """Drop all connections, free the port and end the thread; again, it does nothing."""
        self._over.set()
        self.swarm.post_session_stats()  # wakes the thread
        if threading.current_thread() is not self._thread:
            self._thread.join()
        self.swarm.pause()
        self.swarm.apply_settings({"listen_interfaces": ""})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def _pump(self) -> None:
        while not self._over.is_set():
            self.swarm.wait_for_alert(200)
            for alert in self.swarm.pop_alerts():
                for subscriber in self._subscribers:
                    try:
                        subscriber(alert)
                    except Exception:
                        _LOG.exception("an alert was not dealt with: %s", alert.what())


def open_session(listen: str, *, dht: bool, lan: bool) -> Session:
    """Start a session that takes connections at `listen`, ``address:port``; port 0 takes any.

    Args:
        listen: an IP address of this machine, or ``0.0.0.0`` or ``[::]`` for all of them. On a
            loopback address the session speaks to this machine only, whatever else is set.
        dht: find peers by the public DHT, and ask the router at home to let them in.
        lan: find peers on the local network.

    Raises:
        UsageError: `listen` is not of that form.
        SongarkError: the address cannot be had, such as when another program has the port.
    """
    host, port = parse_address(listen)
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise UsageError(
            f"not an IP address: {host!r}",
            place="swarm.listen",
            remedy="Write an address of this machine, or 0.0.0.0 for all of them",
        ) from None
    shown = f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"
    swarm = lt.session(_settings(shown, address.is_loopback, dht, lan))
    _await_listening(swarm, shown)
    return Session(swarm)


def resolve(peers: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    """The IP addresses of peers named by host and port; hosts that have none are left out."""
    found: dict[tuple[str, int], None] = {}
    for host, port in peers:
        try:
            told = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            continue
        found.update(((str(address[0]), port), None) for *_, address in told)
    return list(found)


def _settings(listen: str, loopback: bool, dht: bool, lan: bool) -> lt.settings_pack:
    return {
        "listen_interfaces": listen,
        # The port is in the feed: another one than told would never be found.
        "max_retry_port_bind": 0,
        "listen_system_port_fallback": False,
        "enable_dht": dht and not loopback,
        "enable_upnp": dht and not loopback,
        "enable_natpmp": dht and not loopback,
        "enable_lsd": lan and not loopback,
        # uTP yields to everything else on the line; on loopback it moves 7 MB/s where TCP moves
        # 213. We dial by TCP only, and take uTP from those who cannot be reached otherwise.
        "enable_outgoing_utp": False,
        "enable_incoming_utp": not loopback,
        "user_agent": "Songark/0.1",
        "peer_fingerprint": lt.generate_fingerprint("SK", 0, 1, 0, 0),
        # Several mirrors behind one router.
        "allow_multiple_connections_per_ip": True,
        "connections_limit": 500,
        "unchoke_slots_limit": 20,
        # Whoever is dropped because of a withdrawal should soon be back for the rest.
        "min_reconnect_time": 10,
        "hashing_threads": 2,
        "file_pool_size": 200,
        # What a killed process loses of a download, and what a small machine gives for it.
        "max_queued_disk_bytes": 32 << 20,
        # Seeding needs no STUN server of somebody else's.
        "webtorrent_stun_server": "",
        "alert_mask": _ALERTS,
        "alert_queue_size": 20_000,
    }


def _await_listening(swarm: lt.session, listen: str) -> None:
    over = time.monotonic() + _LISTEN_WAIT
    while time.monotonic() < over:
        swarm.wait_for_alert(200)
        for alert in swarm.pop_alerts():
            if isinstance(alert, lt.listen_failed_alert):
                raise SongarkError(
                    f"no connections can be taken here ({alert.error.message()})",
                    place=listen,
                    remedy="End the program that has this port, or set another swarm.listen",
                )
            if isinstance(alert, lt.listen_succeeded_alert) and swarm.listen_port():
                return
    raise SongarkError("no connections can be taken here", place=listen, remedy="Set swarm.listen")
