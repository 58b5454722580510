"""How fast files are hashed, against bare hashlib making the same digests.

Run as ``python bench/hashing.py [--bytes 1GiB] [--threads 2] [--json]``. The files are generated,
3 to 8 MB each, and warm. Bare hashlib makes the SHA-256 of each block, the SHA-1 of each piece
(the last one with and without padding) and the SHA-256 of the whole, and nothing of them: no tree,
no record.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from machine import Took, best, show

from songark.model.hashing import BLOCK, PIECE, HashRecord, hash_files
from songark.model.size import parse_size


def make_files(folder: Path, total: int) -> list[Path]:
    """Write files of 3 to 8 MB, `total` bytes in all, the same ones each time."""
    dice = random.Random(7)
    noise = dice.randbytes(8_000_000)
    made: list[Path] = []
    while total > 0:
        size = min(total, dice.randrange(3_000_000, 8_000_000))
        made.append(folder / f"{len(made):06}.ogg")
        made[-1].write_bytes((b"%08d" % len(made) + noise)[:size])
        total -= size
    return made


def bare_part(path: Path, start: int, end: int) -> bytes:
    """Every digest of a part of a file with nothing but hashlib."""
    whole, sha1, sha256 = hashlib.sha256(), hashlib.sha1, hashlib.sha256
    buffer = bytearray(PIECE)
    view = memoryview(buffer)
    with path.open("rb", buffering=0) as stream:
        stream.seek(start)
        while count := stream.readinto(view[: end - stream.tell()]):
            whole.update(view[:count])
            piece = sha1(view[:count], usedforsecurity=False)
            piece.digest()
            for at in range(0, count, BLOCK):
                sha256(view[at : min(at + BLOCK, count)]).digest()
        piece.update(bytes(-end % PIECE))
        piece.digest()
    return whole.digest()


def bare(paths: Sequence[Path], threads: int) -> list[bytes]:
    """Bare hashlib over files, each on one thread."""
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda path: bare_part(path, 0, path.stat().st_size), paths))


def bare_parts(path: Path, threads: int) -> None:
    """Bare hashlib over one file, a part for each thread.

    The plain SHA-256 then covers a part only, which no real hasher could do: the most that is
    possible, all threads busy to the end.
    """
    size = path.stat().st_size
    step = size // threads // PIECE * PIECE
    cuts = [n * step for n in range(threads)] + [size]
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda n: bare_part(path, cuts[n], cuts[n + 1]), range(threads)))


def ours(paths: Sequence[Path], threads: int) -> list[HashRecord]:
    """The records of files, as the archive makes them."""
    found = [record for _, record in hash_files(paths, threads)]
    return [record for record in found if isinstance(record, HashRecord)]


def peak_memory(paths: Sequence[Path], threads: int) -> float:
    """Peak memory of a process that hashes these files, in MiB.

    VmHWM and not ru_maxrss: Linux hands the latter on from the parent through exec.
    """
    script = (
        "import sys; from pathlib import Path\n"
        "from songark.model.hashing import hash_files\n"
        "for _ in hash_files(map(Path, sys.stdin.read().split('\\0')), int(sys.argv[1])): pass\n"
        "print(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0])"
    )
    told = subprocess.run(
        [sys.executable, "-c", script, str(threads)],
        input="\0".join(map(str, paths)),
        capture_output=True,
        text=True,
        check=True,
    )
    return int(told.stdout) / 1024


def bench_hashing(total: int, threads: int) -> dict[str, object]:
    """Speeds in MB/s (10^6 bytes), ratios to bare hashlib, and peak memory in MiB."""
    with TemporaryDirectory() as place:
        folder = Path(place)
        paths = make_files(folder, total)
        huge, quarter = folder / "huge.flac", folder / "quarter.flac"
        with huge.open("wb") as one, quarter.open("wb") as other:
            for n, path in enumerate(paths):
                one.write(path.read_bytes())
                if n < len(paths) // 4:
                    other.write(path.read_bytes())
        if [r.sha256 for r in ours(paths, threads)] != bare(paths, threads):
            raise SystemExit("the digests differ")
        took = best(
            {
                "bare, 1 thread": lambda: bare(paths, 1),
                f"bare, {threads} threads": lambda: bare(paths, threads),
                f"ours, {threads} threads": lambda: ours(paths, threads),
                f"bare, one huge file, {threads} threads": lambda: bare_parts(huge, threads),
                f"ours, one huge file, {threads} threads": lambda: ours([huge], threads),
            }
        )
        memory = {
            "peak MiB, a quarter of the files": peak_memory(paths[: len(paths) // 4], threads),
            "peak MiB, all files": peak_memory(paths, threads),
            "peak MiB, huge file / 4": peak_memory([quarter], threads),
            "peak MiB, huge file": peak_memory([huge], threads),
        }
    several, huge_file = f"{threads} threads", f"one huge file, {threads} threads"
    return {
        "bytes": total,
        "files": len(paths),
        **{f"MB/s {name}": total / 1e6 / value.wall for name, value in took.items()},
        **_ratios("ratio to bare", took[f"bare, {several}"], took[f"ours, {several}"]),
        **_ratios("one huge file", took[f"bare, {huge_file}"], took[f"ours, {huge_file}"]),
        **memory,
    }


def _ratios(name: str, bare_took: Took, ours_took: Took) -> dict[str, object]:
    return {
        name: bare_took.wall / ours_took.wall,
        f"{name}, processor time": bare_took.cpu / ours_took.cpu,
    }


def main() -> None:
    """Run from the command line."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    asked.add_argument("--bytes", default="1GiB", help="how much to hash")
    asked.add_argument("--threads", type=int, default=2)
    asked.add_argument("--json", action="store_true", help="one JSON line")
    told = asked.parse_args()
    show("hashing", bench_hashing(parse_size(told.bytes), told.threads), as_json=told.json)


if __name__ == "__main__":
    main()
