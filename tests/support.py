"""Small archives made of snapshots written by hand, as the sources would seal them."""

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from songark.ark.layout import Ark
from songark.ark.seal import Draft, Sealed
from songark.ark.tables import read_rows, write_table
from songark.catalogue.schema import PROBE
from songark.model.identity import FileId
from songark.model.schema import IDENTIFIER, LISTEN, REJECT, STATEMENT, TRACK

REPOSITORY = Path(__file__).resolve().parents[1]

_TRACK = {
    "source": "folder",
    "title_raw": None,
    "artist_raw": None,
    "release_raw": None,
    "composer_raw": None,
    "date_raw": None,
    "position_raw": None,
    "duration_ms": None,
    "container": "ogg",
    "codec": "vorbis",
    "lossless": False,
    "bit_rate": None,
    "sample_rate": 48_000,
    "channels": 2,
    "has_picture": False,
    "has_lyrics": False,
}
EVERY_PART = ("composition", "lyrics", "picture", "recording")


def new_ark(path: Path) -> Ark:
    """An empty archive with the folder that engines spill into."""
    ark = Ark.init(path, name="test")
    (ark.path / "spill").mkdir()
    return ark


def file_id(name: str, size: int = 1000) -> FileId:
    """A file that exists in tables only."""
    return FileId(hashlib.sha256(name.encode()).digest(), size)


def track(name: str, *, size: int = 1000, **columns: Any) -> dict[str, Any]:
    """A row of TRACK whose file is `file_id(name, size)` at ``<name>.ogg``."""
    place = {"source_key": f"{name}.ogg", "path": f"{name}.ogg"}
    file = file_id(name, size)
    return {**_TRACK, **place, "root": file.root, "size": file.size, **columns}


def says(name: str, licence: str, **columns: Any) -> dict[str, Any]:
    """A row of STATEMENT about the row of `name`: an independent record over the whole file."""
    return {
        "source_key": f"{name}.ogg",
        "kind": "dep5",
        "grade": 3,
        "licence_raw": licence,
        "licence": licence,
        "parts": list(EVERY_PART),
        "holder": "",
        "place": "debian/copyright, paragraph 1",
        "document": "",
        "note": "",
        **columns,
    }


def tagged(name: str, scheme: str, value: str) -> dict[str, Any]:
    """A row of IDENTIFIER for the row of `name`."""
    return {"source_key": f"{name}.ogg", "scheme": scheme, "value": value}


def ingest_folder(
    ark: Ark,
    tracks: Iterable[Mapping[str, Any]],
    *,
    identifiers: Iterable[Mapping[str, Any]] = (),
    statements: Iterable[Mapping[str, Any]] = (),
    place: str = "/music",
    only: str = "",
) -> Sealed:
    """Seal a folder's snapshot, or that of one file in it, and write its ingestion down."""
    tables = {
        "tracks": (TRACK, sorted(tracks, key=lambda row: row["source_key"])),
        "identifiers": (IDENTIFIER, identifiers),
        "statements": (STATEMENT, statements),
        "rejects": (REJECT, ()),
    }
    with Draft(ark.snapshots / "folder", "folder") as draft:
        for name, (schema, rows) in tables.items():
            write_table(draft.path / f"{name}.parquet", schema, rows)
        sealed = draft.seal({"source": "folder", "place": place} | ({"only": only} if only else {}))
    return _ingested(ark, sealed, f"{place}/{only}" if only else place)


def ingest_listens(ark: Ark, counts: Mapping[str, int], *, place: str = "/listens.csv") -> Sealed:
    """Seal a log of listens (``mbid:…``, ``songark:…``, or ``name:artist<tab>title``)."""
    rows = [{"recording": name, "listens": count} for name, count in sorted(counts.items())]
    with Draft(ark.snapshots / "listens", "listens") as draft:
        write_table(draft.path / "listens.parquet", LISTEN, rows)
        write_table(draft.path / "rejects.parquet", REJECT, ())
        sealed = draft.seal({"source": "listens", "place": place, "made_up": True})
    return _ingested(ark, sealed, place)


def learn_packets(ark: Ark, packets: Mapping[FileId, str]) -> Sealed:
    """Seal what the store learned of files: the digest of their coded packets."""
    told = [
        {"root": f.root, "size": f.size, "packets": one, "pcm": None, "fingerprint": None}
        for f, one in sorted(packets.items())
    ]
    with Draft(ark.snapshots / "store", "probes") as draft:
        write_table(draft.path / "probes.parquet", PROBE, told)
        return draft.seal({"source": "store", "rows": len(told)})


def _ingested(ark: Ark, sealed: Sealed, place: str) -> Sealed:
    source = sealed.facts["source"]
    body = {"source": source, "snapshot": sealed.path.name, "place": place}
    ark.events.append("ingestion", {**body, "outcome": "success", "digest": sealed.digest})
    return sealed


def rows(sealed: Sealed, table: str) -> list[dict[str, Any]]:
    """Every row of a sealed table."""
    return list(read_rows(sealed.path / f"{table}.parquet"))


def run_child(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run Python code in another process that knows the package."""
    command = _command(code, arguments)
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)


def start_child(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Start Python code in another process; it says on its standard output how far it is."""
    return subprocess.Popen(
        _command(code, arguments), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def kill_at(child: subprocess.Popen[str], word: str) -> None:
    """Kill a child (SIGKILL) as soon as it has printed `word`."""
    assert child.stdout is not None
    try:
        assert child.stdout.readline().strip() == word
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()


def _command(code: str, arguments: tuple[object, ...]) -> list[str]:
    head = f"import sys; sys.path.insert(0, {str(REPOSITORY / 'src')!r})\n"
    return [sys.executable, "-c", head + code, *map(str, arguments)]
