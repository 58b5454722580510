"""A whole edition of generated tracks: no audio exists, so none can be read.

Everything runs as in `songark publish` behind the keeping: choosing, packing, torrents, manifest,
attribution, coverage, index. Beside it: how long the disk takes for as many bytes as come out.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
from machine import show

from songark.ark.layout import Ark
from songark.ark.pointer import set_current
from songark.ark.seal import Draft
from songark.ark.tables import write_table
from songark.catalogue import schema
from songark.model.hashing import PIECE, HashRecord
from songark.model.identity import FileId
from songark.release.edition import make_edition
from songark.rights.decisions import DECISION
from songark.store.records import HOLDING, Holding, add_holdings

CLASSES = ("CC0-1.0", "CC-BY-4.0", "CC-BY-SA-4.0", "CC-BY-SA-3.0")


def generated(tracks: int) -> Iterator[HashRecord]:
    """Hash records of tracks of 3 to 8 MB."""
    dice = random.Random(7)
    for _ in range(tracks):
        size = dice.randrange(3_000_000, 8_000_000)
        count = -(-size // PIECE)
        hashes = dice.randbytes(52 * count + 84)
        yield HashRecord(
            file=FileId(hashes[:32], size),
            sha256=hashes[32:64],
            layer=hashes[84 : 84 + 32 * count],
            v1=hashes[84 + 32 * count :],
            v1_last_padded=hashes[64:84],
        )


def make_ark(folder: Path, tracks: int) -> tuple[Ark, pa.Table]:
    """An archive whose catalogue, decisions and hash records are generated; what it holds."""
    ark = Ark.init(folder, name="bench")
    records = list(generated(tracks))
    add_holdings(ark.store, (Holding(record, "ogg") for record in records))
    files = [record.file for record in records]
    with Draft(ark.catalogue, "catalogue") as draft:
        write_table(draft.path / "recording.parquet", schema.RECORDING, recordings(tracks))
        write_table(draft.path / "membership.parquet", schema.MEMBERSHIP, memberships(files))
        write_table(draft.path / "conflict.parquet", schema.CONFLICT, [])
        catalogue = draft.seal({"tracks": tracks})
    set_current(catalogue)
    with Draft(ark.decisions, "decisions") as draft:
        write_table(draft.path / "decision.parquet", DECISION, decisions(files))
        set_current(draft.seal({"catalogue": catalogue.digest}))
    held = [{"root": file.root, "size": file.size} for file in files]
    held_schema = pa.schema([HOLDING.field("root"), HOLDING.field("size")])
    return ark, pa.Table.from_pylist(held, schema=held_schema)


def recordings(tracks: int) -> Iterator[dict[str, object]]:
    """One recording a track, with listens like the real world's: many have few."""
    for n in range(tracks):
        listens = tracks * 10 // (n + 1)
        yield {
            "recording": f"r{n:016}",
            "title": f"Title {n}",
            "artist": f"Artist {n % 9973}",
            "duration_ms": 200_000,
            "files": 1,
            "listens": listens,
            "popularity": min(100, listens.bit_length() * 4),
        }


def memberships(files: list[FileId]) -> Iterator[dict[str, object]]:
    """The one file of each recording."""
    for n, file in enumerate(files):
        yield {
            "recording": f"r{n:016}",
            "source": "folder",
            "snapshot": "generated",
            "source_key": f"{n}.ogg",
            "path": f"{n}.ogg",
            "root": file.root,
            "size": file.size,
            "codec": "vorbis",
            "lossless": False,
            "has_picture": False,
            "has_lyrics": False,
            "rule": "alone",
            "beside": "",
        }


def decisions(files: list[FileId]) -> Iterator[dict[str, object]]:
    """Every track may be shared, under one of some licences."""
    for n, file in enumerate(files):
        licence = CLASSES[n % len(CLASSES)]
        yield {
            "root": file.root,
            "size": file.size,
            "recording": f"r{n:016}",
            "act": "share",
            "allowed": True,
            "code": "licensed",
            "why": "generated",
            "fix": "",
            "licence": licence,
            "licence_class": licence.rpartition("-")[0],
            "grade": 3,
            "holder": f"Artist {n % 9973}",
        }


def plain_write(folder: Path, count: int) -> float:
    """Seconds to write and sync so many bytes in one file."""
    started = time.perf_counter()
    with (folder / "plain").open("wb") as stream:
        for _ in range(count // PIECE):
            stream.write(bytes(PIECE))
        stream.flush()
        os.fsync(stream.fileno())
    return time.perf_counter() - started


def main() -> None:
    """Print the figures."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    asked.add_argument("--tracks", type=int, default=1_000_000)
    asked.add_argument("--json", action="store_true", help="one JSON line")
    told = asked.parse_args()
    with tempfile.TemporaryDirectory() as name:
        ark, held = make_ark(Path(name) / "ark", told.tracks)
        before = time.process_time()
        started = time.perf_counter()
        edition = make_edition(ark, held)
        wall, cpu = time.perf_counter() - started, time.process_time() - before
        folders = (edition.path, ark.torrents)
        written = sum(p.stat().st_size for f in folders for p in f.rglob("*") if p.is_file())
        figures = {
            "tracks": told.tracks,
            "packs": len(list(ark.torrents.iterdir())),
            "s whole edition": wall,
            "s of processor": cpu,
            "microseconds a track": wall / told.tracks * 1e6,
            "bytes written": written,
            "s to write as many plainly": plain_write(Path(name), written),
            "peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000,
        }
    show("release", figures, as_json=told.json)


if __name__ == "__main__":
    main()
