"""The last edition's torrents: by tier and licence class, and the most listened to by name."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ibis import _

from songark.release.history import torrent_lines
from songark.release.packs import TIERS
from songark.serve.report_tables import Tables

SHOWN = 100
"""Packs shown by name, at most."""
_ADDRESSES = 5
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class PackRow:
    """A torrent. `magnet` is empty where `closed`, files that may not be shared now, is not 0."""

    pack: str
    tier: int
    licence_class: str
    tracks: int
    bytes: int
    listens: int
    v1: str
    v2: str
    closed: int
    magnet: str


@dataclass(slots=True)
class Kind:
    """All torrents of one tier and one licence class."""

    tier: int
    licence_class: str
    packs: int = 0
    tracks: int = 0
    bytes: int = 0
    listens: int = 0


@dataclass(frozen=True, slots=True)
class Packs:
    """What the edition is made of. `hidden`: how many packs are not shown by name."""

    kinds: tuple[Kind, ...]
    rows: tuple[PackRow, ...]
    hidden: int


def read_packs(tables: Tables) -> Packs:
    """The packs of the last edition, most listens first."""
    if tables.edition is None:
        return Packs((), (), 0)
    closed = _closed(tables)
    peers = tables.ark.settings.peers
    kinds: dict[tuple[int, str], Kind] = {}
    lines = list(torrent_lines(tables.edition))
    for line in lines:
        key = (line["tier"], line["licence_class"])
        kind = kinds.setdefault(key, Kind(*key))
        kind.packs += 1
        kind.tracks += line["tracks"]
        kind.bytes += line["bytes"]
        kind.listens += line["listens"]
    top = heapq.nsmallest(SHOWN, lines, key=lambda one: (-one["listens"], one["pack"]))
    rows = tuple(_row(line, closed.get(line["pack"], 0), peers) for line in top)
    return Packs(tuple(kinds[key] for key in sorted(kinds)), rows, len(lines) - len(rows))


def tier_words(tier: int) -> str:
    """What a tier is: the popularity its packs were born with."""
    if tier <= len(TIERS):
        return f"popularity {TIERS[tier - 1]} and above" if tier == 1 else (
            f"popularity {TIERS[tier - 1]} to {TIERS[tier - 2] - 1}"
        )  # fmt: skip
    return "no listens when first released"


def magnet(line: Mapping[str, Any], peers: Iterable[str]) -> str:
    """A magnet link for a hybrid torrent: BEP 9, and BEP 52 for ``urn:btmh``.

    ``1220`` is the multihash of SHA-256 with 32 bytes; ``x.pe`` are addresses of seeders.
    """
    parts = [
        f"xt=urn:btih:{bytes.fromhex(line['infohash_v1']).hex()}",
        f"xt=urn:btmh:1220{bytes.fromhex(line['infohash_v2']).hex()}",
        f"dn={quote(line['pack'], safe='')}",
        *(f"tr={one}" for one in _addresses(line["trackers"])),
        *(f"ws={one}" for one in _addresses(line["web_seeds"])),
        *(f"x.pe={one}" for one in _addresses(peers)),
    ]
    return "magnet:?" + "&".join(parts)


def _addresses(told: Iterable[str]) -> list[str]:
    return [quote(one, safe="") for one in told if len(one) <= _LONGEST][:_ADDRESSES]


def _closed(tables: Tables) -> dict[str, int]:
    counts = tables.closed.group_by("pack").agg(n=_.count()).order_by("pack")
    return {row["pack"]: row["n"] for row in tables.rows(counts, ["pack", "n"], "si")}


def _row(line: Mapping[str, Any], closed: int, peers: Iterable[str]) -> PackRow:
    return PackRow(
        pack=line["pack"],
        tier=line["tier"],
        licence_class=line["licence_class"],
        tracks=line["tracks"],
        bytes=line["bytes"],
        listens=line["listens"],
        v1=line["infohash_v1"],
        v2=line["infohash_v2"],
        closed=closed,
        magnet="" if closed else magnet(line, peers),
    )
