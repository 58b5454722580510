"""A draft becomes a sealed edition: torrents, manifest, attribution, coverage, index."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from songark.ark.atomic import write_whole
from songark.ark.journal import Head, canonical
from songark.ark.layout import Ark
from songark.ark.seal import Draft, Sealed, digest_file
from songark.ark.tables import read_rows, write_table
from songark.catalogue.schema import MEMBERSHIP, RECORDING
from songark.model.errors import BrokenError, RefusedError
from songark.model.hashing import HashRecord
from songark.model.identity import FileId
from songark.model.index import write_index
from songark.model.schema import column
from songark.release.attribution import attribution
from songark.release.coverage import CURVE, coverage, curve
from songark.release.history import History, read_history
from songark.release.packs import ATTRIBUTION, Pack, fill_packs
from songark.release.torrent import Torrent, TorrentFile, build_torrent, read_torrent
from songark.release.tracks import Track, releasable
from songark.rights.acts import Act
from songark.rights.decisions import DECISION
from songark.rights.gate import Gate
from songark.store.keep import TEXT, keep_text
from songark.store.records import Holding, add_missing, held_files, read_extensions, read_holdings

MANIFEST = pa.schema(
    [
        column("pack", pa.string(), "the pack, which is the torrent's folder"),
        column("name", pa.string(), "the file's name in it"),
        *(RECORDING.field(name) for name in ("recording", "title", "artist", "release", "date")),
        column("root", pa.binary(32), "BEP 52 root of the file"),
        column("size", pa.int64(), "length in bytes"),
        column("sha256", pa.binary(32), "plain SHA-256 of the file"),
        RECORDING.field("duration_ms"),
        *(MEMBERSHIP.field(name) for name in ("codec", "bit_rate", "lossless")),
        column("tier", pa.int8(), "the popularity band its pack was born in, 1 the most popular"),
        RECORDING.field("popularity"),
        RECORDING.field("listens"),
        *(DECISION.field(name) for name in ("licence", "licence_class", "holder")),
        column("evidence", pa.string(), "what the clearance rests on"),
    ]
)


@dataclass(frozen=True, slots=True)
class Packed:
    """A pack with its torrent: the file's bytes, and what stands in it outside its info."""

    pack: Pack
    torrent: Torrent
    similar: tuple[bytes, ...]
    trackers: tuple[str, ...]
    web_seeds: tuple[str, ...]

    @property
    def path(self) -> str:
        """Where the torrent lies in the archive."""
        return _path_of(self.torrent)


def make_edition(ark: Ark, held: pa.Table | None = None) -> Sealed:
    """Seal the next edition; where nothing changed, the last one is returned.

    No audio is read: torrents are made from hash records. Every file is asked for at the gate
    again just before the edition is sealed.

    Args:
        ark: the archive.
        held: root and size of what the store has on disk; looked up where it is None.

    Raises:
        NoArkError: nothing is catalogued yet.
        RefusedError: a file was withdrawn meanwhile; run the command again.
        BrokenError: a hash record or an earlier edition is broken.
    """
    history = read_history(ark)
    on_disk = held_files(ark.store) if held is None else held
    tracks = releasable(ark, on_disk, history.last)
    records = _records(ark, {track.file for track in tracks})
    packs = fill_packs(
        tracks,
        history.placed,
        history.packs(),
        archive=ark.settings.name,
        limit=ark.settings.pack_size,
        extensions={file: extension for file, (_record, extension) in records.items()},
    )
    texts = {pack.name: attribution(pack).encode() for pack in packs}
    kept = {pack: keep_text(ark, text) for pack, text in texts.items()}
    add_missing(ark.store, kept.values())
    packed = [_torrent(ark, pack, records, kept[pack.name], history) for pack in packs]
    number = history.number + 1
    with Draft(ark.editions, "edition") as draft:
        _write(draft.path, packed, records, texts)
        if history.same_as(draft.path):
            return _noted(ark, Sealed.open(ark.editions / str(history.number)))
        _write_beside(ark, draft.path, packed, history)
        _ask_again(ark, tracks)
        _write_torrents(ark, packed)
        _write_index(ark, draft.path, packed, number)
        return _noted(ark, draft.seal({"edition": number}, name=str(number)))


def _noted(ark: Ark, sealed: Sealed) -> Sealed:
    """Write a release into the journal, unless that was done before a run was killed."""
    since = Head(*read_edition(sealed.path)["events"])
    if not any(line.kind == "release" for line in ark.events.lines(since)):
        told = {"edition": sealed.facts["edition"], "digest": sealed.digest}
        ark.events.append("release", {"outcome": "success", **told})
    return sealed


def _records(ark: Ark, wanted: set[FileId]) -> dict[FileId, tuple[HashRecord, str]]:
    return {
        one.file: (one.record, one.extension)
        for one in read_holdings(ark.store)
        if one.file in wanted
    }


def _torrent(
    ark: Ark,
    pack: Pack,
    records: Mapping[FileId, tuple[HashRecord, str]],
    text: Holding,
    history: History,
) -> Packed:
    files = [TorrentFile(name, records[track.file][0]) for name, track in pack.tracks.items()]
    files.append(TorrentFile(ATTRIBUTION, text.record))

    trackers, web_seeds = ark.settings.trackers, ark.settings.web_seeds
    made = build_torrent(pack.name, files, trackers=trackers, web_seeds=web_seeds)
    stored = ark.path / _path_of(made)
    if stored.is_file():
        # A torrent is stored once; what stands outside its info stays as it was first written.
        data = stored.read_bytes()
        told = read_torrent(data)
        if told.infohash_v2 != made.infohash_v2:
            raise BrokenError(
                "the stored torrent is another one than its name says",
                place=_path_of(made),
                remedy="Remove it; the next publish makes it again",
            )
        torrent = Torrent(made.infohash_v1, made.infohash_v2, data)
        return Packed(pack, torrent, told.similar, told.trackers, told.web_seeds)
    earlier = tuple(sorted(set(history.infohashes(pack.name)) - {made.infohash_v1}))
    if earlier:
        made = build_torrent(
            pack.name, files, similar=earlier, trackers=trackers, web_seeds=web_seeds
        )
    told_seeds = tuple(seed if seed.endswith("/") else f"{seed}/" for seed in web_seeds)
    return Packed(pack, made, earlier, trackers, told_seeds)


def _path_of(torrent: Torrent) -> str:
    return f"torrents/{torrent.infohash_v2.hex()}.torrent"


def _write(
    draft: Path,
    packed: Sequence[Packed],
    records: Mapping[FileId, tuple[HashRecord, str]],
    texts: Mapping[str, bytes],
) -> None:
    """What an edition is known by: manifest, torrents, attribution."""
    write_table(draft / "manifest.parquet", MANIFEST, _manifest(packed, records))
    lines = b"".join(canonical(_torrent_line(one)) + b"\n" for one in packed)
    write_whole(draft / "torrents.jsonl", lines)
    for one in packed:
        write_whole(draft / "attribution" / f"{one.pack.name}.txt", texts[one.pack.name])


def _manifest(
    packed: Sequence[Packed], records: Mapping[FileId, tuple[HashRecord, str]]
) -> Iterator[dict[str, Any]]:
    for one in packed:
        for name, track in sorted(one.pack.tracks.items()):
            own = {
                "pack": one.pack.name,
                "name": name,
                "sha256": records[track.file][0].sha256,
                "tier": one.pack.tier,
                "evidence": track.known["why"],
            }
            yield {field: own.get(field, track.known.get(field)) for field in MANIFEST.names}


def _torrent_line(one: Packed) -> dict[str, Any]:
    return {
        "infohash_v1": one.torrent.infohash_v1.hex(),
        "infohash_v2": one.torrent.infohash_v2.hex(),
        "file": one.path,
        "pack": one.pack.name,
        "tier": one.pack.tier,
        "licence_class": one.pack.licence_class,
        "depositor": one.pack.depositor,
        "number": one.pack.number,
        "tracks": len(one.pack.tracks),
        "bytes": one.pack.bytes,
        "listens": sum(track.known["listens"] for track in one.pack.tracks.values()),
        "similar": [infohash.hex() for infohash in one.similar],
        "trackers": list(one.trackers),
        "web_seeds": list(one.web_seeds),
    }


def _write_beside(ark: Ark, draft: Path, packed: Sequence[Packed], history: History) -> None:
    """What an edition tells besides: coverage, the heads of the journals, what is not in it."""
    tracks = [track for one in packed for _name, track in sorted(one.pack.tracks.items())]
    told = coverage(ark, tracks)
    write_whole(draft / "coverage.json", canonical(told) + b"\n")
    write_table(draft / "coverage_curve.parquet", CURVE, curve(tracks))
    released = {track.file for track in tracks}
    kept_back = [
        file
        for file, extension in read_extensions(ark.store).items()
        if file not in released and file not in history.placed and extension != TEXT
    ]
    ledger, events = ark.ledger.head(), ark.events.head()
    facts = {
        "format": 1,
        "edition": history.number + 1,
        "archive": ark.settings.name,
        "previous": history.digest,
        "ledger": [ledger.count, ledger.hash],
        "events": [events.count, events.hash],
        "tracks": len(tracks),
        "packs": len(packed),
        "bytes": sum(track.file.size for track in tracks),
        "held_not_released": {
            "files": len(kept_back),
            "bytes": sum(file.size for file in kept_back),
        },
    }
    write_whole(draft / "edition.json", canonical(facts) + b"\n")


def _ask_again(ark: Ark, tracks: Sequence[Track]) -> None:
    cleared = {one.file for one in Gate(ark, Act.SHARE).clearances()}
    for track in tracks:
        if track.file not in cleared:
            raise RefusedError(
                "this file was withdrawn while the edition was being made",
                place=str(track.file),
                remedy="Run the command again; the edition is then made without it",
            )


def _write_torrents(ark: Ark, packed: Sequence[Packed]) -> None:
    for one in packed:
        path = ark.path / one.path
        if not path.is_file():
            write_whole(path, one.torrent.data)


def _write_index(ark: Ark, draft: Path, packed: Sequence[Packed], number: int) -> None:
    digests = {
        f"editions/{number}/{path.relative_to(draft)}": digest_file(path)
        for path in draft.rglob("*")
        if path.is_file()
    }
    for one in packed:
        digests[one.path] = digest_file(ark.path / one.path)
    write_whole(draft / "SHA256SUMS", write_index(digests))


def read_edition(folder: Path) -> dict[str, Any]:
    """The facts of a sealed edition (``edition.json``)."""
    told: dict[str, Any] = json.loads((folder / "edition.json").read_bytes())
    return told


def manifest_rows(folder: Path) -> Iterator[dict[str, Any]]:
    """The manifest of a sealed edition, a row a file, by pack and name."""
    yield from read_rows(folder / "manifest.parquet")
