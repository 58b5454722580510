"""Clients of others take what we give: aria2, and Transmission where it can read hybrids."""

import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from songark.mirror.seeder import Seeder
from songark.model.hashing import hash_file
from tests.mirror.swarm_support import LOOPBACK, MIB, loopback, make_pack, tracker, wait_for

SIZES = {
    "Artist - Title [0123abcd].ogg": 2 * MIB + 5,
    "Ä ö – 音 [89ab].opus": 3 * MIB,
    "one block.flac": 16_384,
    "z.mp3": MIB + 1,
}


def program(name: str) -> str | None:
    """A program on the path, or beside this Python, where the package ``aria2`` puts its own."""
    beside = Path(sys.executable).parent / name
    return str(beside) if beside.exists() else shutil.which(name)


def version(name: str, least: int) -> str:
    """The path of a program of at least this version; skips the test without it."""
    path = program(name)
    if not path:
        pytest.skip(f"{name} is not on this machine")
    told = subprocess.run([path, "--version"], check=False, capture_output=True, text=True)
    found = re.search(r"(\d+)\.(\d+)", told.stdout + told.stderr)
    if not found or int(found[1]) * 1000 + int(found[2]) < least:
        pytest.skip(f"{name} {found[0] if found else '?'} cannot read hybrid torrents")
    return path


@contextmanager
def published(tmp_path):
    """A seeder, and a pack whose torrent names a tracker that knows it."""
    with loopback() as session, tracker([(LOOPBACK, session.port)]) as (url, asked):
        pack = make_pack(tmp_path / "store", SIZES, "Pack ä", trackers=[url])
        (tmp_path / "pack.torrent").write_bytes(pack.torrent)
        with Seeder(session) as seeder:
            seeder.add(pack.torrent, pack.places)
            yield seeder, pack, asked


def whole(pack, folder: Path) -> bool:
    places = {name: folder / pack.folder / name for name in pack.files}
    return all(p.exists() and hash_file(p).file == pack.files[n] for n, p in places.items())


def test_aria2_downloads_all_and_names_the_same_infohash(tmp_path):
    aria2 = version("aria2c", 1037)
    with published(tmp_path) as (seeder, pack, asked):
        shown = subprocess.run(
            [aria2, "-S", tmp_path / "pack.torrent"], check=True, capture_output=True, text=True
        )
        assert f"Info Hash: {pack.v1.hex()}" in shown.stdout
        done = subprocess.run(
            [
                aria2,
                "--no-conf",
                f"--dir={tmp_path / 'out'}",
                "--seed-time=0",
                "--enable-dht=false",
                "--enable-dht6=false",
                "--bt-enable-lpd=false",
                "--enable-peer-exchange=false",
                f"--interface={LOOPBACK}",
                "--file-allocation=none",
                "--summary-interval=0",
                tmp_path / "pack.torrent",
            ],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout
        agents = {who.split("/")[0]: what for who, what in asked if what != pack.v2[:20]}
        assert agents == {"aria2": pack.v1, "Songark": pack.v1}
        assert whole(pack, tmp_path / "out")
        assert seeder.status().uploaded >= pack.size


def test_transmission_downloads_all(tmp_path):
    """It ignores peers on this machine that a tracker names, so the seeder dials it."""
    transmission = version("transmission-cli", 4000)
    port = 40_000 + int(time.time()) % 9_000
    with published(tmp_path) as (seeder, pack, _):
        running = subprocess.Popen(
            [
                transmission,
                "--config-dir",
                tmp_path / "config",
                "--download-dir",
                tmp_path / "out",
                "--port",
                str(port),
                "--no-portmap",
                tmp_path / "pack.torrent",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:

            def dialled() -> bool:
                seeder.connect(pack.v2, (LOOPBACK, port))
                time.sleep(0.5)
                return whole(pack, tmp_path / "out")

            wait_for(dialled, 60)
        finally:
            running.terminate()
            running.wait()
