"""How fast torrents are made from hash records, against libtorrent, which reads every byte.

Run as ``python bench/torrents.py [--bytes 1GiB] [--tracks 1000000] [--json]``. Both must give the
same infohashes. The million tracks exist as records only: no audio is there to be read.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import libtorrent
from hashing import make_files
from machine import best, show

from songark.model.hashing import PIECE, HashRecord, hash_files
from songark.model.identity import FileId
from songark.model.size import parse_size
from songark.release.torrent import TorrentFile, build_torrent, read_torrent

PACK = 10_000_000_000


def by_libtorrent(folder: Path) -> tuple[bytes, bytes]:
    """Both infohashes of a folder, made by reading it."""
    made = libtorrent.create_torrent(
        libtorrent.list_files(str(folder)),
        PIECE,
        libtorrent.create_torrent.canonical_files_no_tail_padding,
    )
    libtorrent.set_piece_hashes(made, str(folder.parent))
    info = libtorrent.bencode(made.generate()[b"info"])
    sha1 = hashlib.sha1(info, usedforsecurity=False)
    return sha1.digest(), hashlib.sha256(info).digest()


def records(folder: Path) -> list[TorrentFile]:
    """The files of a folder with their records."""
    found = hash_files(sorted(folder.iterdir()))
    return [TorrentFile(path.name, one) for path, one in found if isinstance(one, HashRecord)]


def against_libtorrent(total: int) -> dict[str, object]:
    """Seconds each way over the same files, and how many times faster ours is."""
    with TemporaryDirectory() as place:
        folder = Path(place) / "pack"
        folder.mkdir()
        make_files(folder, total)
        files = records(folder)
        made = build_torrent("pack", files)
        theirs: tuple[bytes, bytes] = by_libtorrent(folder)
        if (made.infohash_v1, made.infohash_v2) != theirs:
            raise SystemExit("the infohashes differ")
        times = best(
            {
                "libtorrent": lambda: by_libtorrent(folder),
                "ours": lambda: build_torrent("pack", files),
                "read": lambda: read_torrent(made.data),
            }
        )
    return {
        "bytes": total,
        "files": len(files),
        "infohashes equal": True,
        "s libtorrent, reading all": times["libtorrent"].wall,
        "s ours, from records": times["ours"].wall,
        "times faster": times["libtorrent"].wall / times["ours"].wall,
        "s to read and check ours": times["read"].wall,
    }


def generated_packs(tracks: int) -> Iterator[list[TorrentFile]]:
    """Packs of about 10 GB of tracks of 3 to 8 MB that exist as records only."""
    dice = random.Random(7)
    pack: list[TorrentFile] = []
    held = 0
    for n in range(tracks):
        size = dice.randrange(3_000_000, 8_000_000)
        count = -(-size // PIECE)
        hashes = dice.randbytes(52 * count + 84)
        record = HashRecord(
            file=FileId(hashes[:32], size),
            sha256=hashes[32:64],
            layer=hashes[84 : 84 + 32 * count],
            v1=hashes[84 + 32 * count :],
            v1_last_padded=hashes[64:84],
        )
        pack.append(TorrentFile(f"Artist {n % 9973} - Title {n} [{n:012x}].ogg", record))
        held += size
        if held >= PACK:
            yield pack
            pack, held = [], 0
    if pack:
        yield pack


def generated(tracks: int) -> dict[str, object]:
    """Seconds to release generated tracks into packs, without the time to generate them."""
    wall, packs, size, digest = 0.0, 0, 0, hashlib.sha256()
    for files in generated_packs(tracks):
        start = time.perf_counter()
        made = build_torrent(f"songark-{packs:06}", files)
        wall += time.perf_counter() - start
        packs += 1
        size += len(made.data)
        digest.update(made.infohash_v2)
    return {
        "tracks": tracks,
        "packs": packs,
        "bytes of torrents": size,
        "s for all packs": wall,
        "microseconds a track": wall / tracks * 1e6,
        "digest of all infohashes": digest.hexdigest()[:16],
    }


def bench_torrents(total: int, tracks: int) -> dict[str, object]:
    """All figures; sizes in bytes, times in seconds."""
    return {**against_libtorrent(total), **generated(tracks)}


def main() -> None:
    """Run from the command line."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    asked.add_argument("--bytes", default="1GiB", help="how much libtorrent reads")
    asked.add_argument("--tracks", type=int, default=1_000_000, help="how many to generate")
    asked.add_argument("--json", action="store_true", help="one JSON line")
    told = asked.parse_args()
    show("torrents", bench_torrents(parse_size(told.bytes), told.tracks), as_json=told.json)


if __name__ == "__main__":
    main()
