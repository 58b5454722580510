"""Real swarms on loopback: packs, plain libtorrent peers, a hostile one, a tiny tracker."""

from __future__ import annotations

import http.server
import os
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit

import libtorrent as lt

from songark.mirror import session as session_module
from songark.mirror.session import Session, open_session
from songark.model.hash_record import HashRecord
from songark.model.hashing import hash_file
from songark.model.identity import FileId
from songark.release.bencode import encode
from songark.release.torrent import TorrentFile, build_torrent

MIB = 1 << 20
LOOPBACK = "127.0.0.1"
_TICK = 100


@dataclass(frozen=True)
class Pack:
    """A torrent and its files, which lie under names of their own, as in a store."""

    folder: str
    torrent: bytes
    v1: bytes
    v2: bytes
    places: dict[str, Path]
    files: dict[str, FileId]

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files.values())

    def read(self, name: str) -> bytes:
        return self.places[name].read_bytes()


def make_pack(
    store: Path,
    sizes: Mapping[str, int],
    folder: str = "Pack",
    *,
    change: Callable[[str, HashRecord], HashRecord] = lambda _, record: record,
    **outside: Any,
) -> Pack:
    """Write files of random bytes (the same for the same name and size) and make their torrent."""
    store.mkdir(parents=True, exist_ok=True)
    places, records = {}, {}
    for name, size in sizes.items():
        path = store / f"{name}-{size}.fresh"
        path.write_bytes(random.Random(f"{name} {size}").randbytes(size))
        records[name] = hash_file(path)
        places[name] = path.rename(store / f"{records[name].file.root.hex()}-{size}.ogg")
    made = build_torrent(
        folder, [TorrentFile(n, change(n, r)) for n, r in records.items()], **outside
    )
    files = {name: record.file for name, record in records.items()}
    return Pack(folder, made.data, made.infohash_v1, made.infohash_v2, places, files)


def flip(path: Path, at: int) -> None:
    """Change one bit of a file, and nothing that a look at its size or date would show."""
    before = path.stat()
    with path.open("r+b") as stream:
        stream.seek(at)
        byte = stream.read(1)[0]
        stream.seek(at)
        stream.write(bytes([byte ^ 1]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def snapshot(folder: Path) -> dict[str, tuple[int, int, int, int, bytes]]:
    """Everything that would show that somebody wrote to a folder: links, dates and bytes too."""
    found = {}
    for path in sorted(folder.rglob("*")):
        told = path.lstat()
        data = path.read_bytes() if path.is_file() else b""
        found[str(path.relative_to(folder))] = (
            told.st_ino,
            told.st_nlink,
            told.st_mtime_ns,
            told.st_ctime_ns,
            data,
        )
    return found


def loopback() -> Session:
    """A session as Songark opens it, on any port of this machine, but looking round more often."""

    def quick(*told: Any) -> Any:
        return {**settings(*told), "tick_interval": _TICK}

    settings = session_module._settings
    with patch.object(session_module, "_settings", quick):
        return open_session(f"{LOOPBACK}:0", dht=False, lan=False)


def throttle(session: Session, rate: int) -> None:
    """Let every torrent of a session give at most `rate` bytes a second."""
    for handle in session.swarm.get_torrents():
        handle.set_upload_limit(rate)


def wait_for(met: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait until something is so.

    Raises:
        AssertionError: it does not come about.
    """
    over = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < over, "it did not come about"
        time.sleep(0.02)


class Peer:
    """A plain libtorrent client with one torrent, as a stranger would run it."""

    def __init__(
        self,
        pack: Pack,
        folder: Path,
        *,
        seeds: bool = False,
        peers: Sequence[tuple[str, int]] = (),
        rate: int = 0,
        address: str = LOOPBACK,
        port: int = 0,
    ) -> None:
        self.swarm = lt.session(
            {
                "listen_interfaces": f"{address}:{port}",
                "enable_dht": False,
                "enable_lsd": False,
                "enable_upnp": False,
                "enable_natpmp": False,
                "enable_outgoing_utp": False,
                "allow_multiple_connections_per_ip": True,
                "alert_mask": lt.alert_category.all
                & ~(lt.alert_category.session_log | lt.alert_category.picker_log),
                "alert_queue_size": 200_000,
                "tick_interval": _TICK,
            }
        )
        wait_for(lambda: self.swarm.listen_port() > 0)
        self.port = self.swarm.listen_port()
        params = lt.load_torrent_buffer(pack.torrent)
        assert params.ti is not None
        self.layout = params.ti.layout()
        params.save_path = str(folder)
        params.flags = lt.torrent_flags.default_flags & ~(
            lt.torrent_flags.auto_managed | lt.torrent_flags.paused
        )
        if rate:
            params.download_limit = rate
        if seeds:
            # Believed as told: libtorrent hashes nothing that it has by such a list.
            params.have_pieces = [True] * params.ti.num_pieces()
        self.folder = folder / pack.folder
        self.names = [
            self.layout.file_name(at) if not self.layout.file_flags(at) & 1 else ""
            for at in range(self.layout.num_files())
        ]
        self.failed: set[int] = set()
        self.handle = self.swarm.add_torrent(params)
        wait_for(lambda: any(isinstance(a, lt.torrent_checked_alert) for a in self.alerts()))
        for peer in peers:
            self.handle.connect_peer(peer)

    def done(self) -> dict[str, int]:
        """Verified bytes by file."""
        self.alerts()
        told = self.handle.file_progress(lt.file_progress_flags_t.piece_granularity)
        return {name: count for name, count in zip(self.names, told, strict=True) if name}

    def has(self, pack: Pack, *but: str) -> bool:
        """Whether all files are here, except those named."""
        done = self.done()
        return all(done[n] == f.size for n, f in pack.files.items() if n not in but)

    def flush(self) -> None:
        """Have what was verified written to the disk."""
        self.alerts()
        self.handle.flush_cache()
        wait_for(lambda: any(isinstance(a, lt.cache_flushed_alert) for a in self.alerts()))

    def payload(self) -> int:
        return self.handle.status(0).total_payload_download

    def alerts(self) -> list[lt.alert]:
        """What came since; pieces that failed are noted."""
        found = self.swarm.pop_alerts()
        for alert in found:
            if isinstance(alert, lt.hash_failed_alert):
                self.failed.add(alert.piece_index)
        return found

    def close(self) -> None:
        self.swarm.remove_torrent(self.handle)
        self.swarm.apply_settings({"listen_interfaces": ""})


@contextmanager
def tracker(peers: Sequence[tuple[str, int]]) -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """A BitTorrent tracker (BEP 3, 23) that names `peers`; gives its URL, and who asked for what.

    Who asked is told by the user agent, what by the infohash of 20 bytes.
    """
    asked: list[tuple[str, bytes]] = []
    compact = b"".join(socket.inet_aton(host) + port.to_bytes(2, "big") for host, port in peers)

    class Announce(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query, encoding="latin-1")
            who = self.headers.get("User-Agent", "")
            asked.append((who, query["info_hash"][0].encode("latin-1")))
            body = encode({b"interval": 1800, b"peers": compact})
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with serving(Announce) as port:
        yield f"http://{LOOPBACK}:{port}/announce", asked


@contextmanager
def web_server(root: Path) -> Iterator[tuple[str, list[str]]]:
    """A plain web server with Range over a folder; gives its URL and the paths asked for."""
    asked: list[str] = []

    class Files(http.server.SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(root))

        def do_GET(self) -> None:
            path = Path(self.translate_path(self.path))
            asked.append(str(path.relative_to(root)))
            if not path.is_file():
                self.send_error(404)
                return
            data = path.read_bytes()
            first, last = 0, len(data) - 1
            told = self.headers.get("Range")
            if told:
                first, last = (int(n) for n in told.removeprefix("bytes=").split("-"))
            self.send_response(206 if told else 200)
            self.send_header("Content-Length", str(last + 1 - first))
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
            self.end_headers()
            self.wfile.write(data[first : last + 1])

        def log_message(self, format: str, *args: object) -> None:
            pass

    with serving(Files) as port:
        yield f"http://{LOOPBACK}:{port}/", asked


@contextmanager
def serving(handler: type[http.server.BaseHTTPRequestHandler]) -> Iterator[int]:
    """A web server on a thread; gives its port."""
    server = http.server.ThreadingHTTPServer((LOOPBACK, 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
