"""Which pack a track is in: a unit of storage of one tier, one licence class, one depositor.

A track stays where it was first put. New tracks fill the newest pack of their kind until it is
full, so a pack grows by being issued again under the same names.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from songark.model.evidence import Grade
from songark.model.hash_record import SHA1
from songark.model.identity import FileId
from songark.model.merkle import HASH, pieces
from songark.release.names import LONGEST, file_name
from songark.release.torrent_form import MAX_TORRENT, fold
from songark.release.tracks import Track

ATTRIBUTION = "ATTRIBUTION.txt"

# Bytes that one file takes in a hybrid torrent at most, besides 52 for each piece: its name and its
# entry twice, its pad file, the key of its layer.
_ENTRY = 2 * LONGEST + 260
# What is left of a torrent for its files: the rest is for names, trackers, web seeds and `similar`.
_ROOM = MAX_TORRENT - 500_000

# Popularity from which on a track is born into tier 1, 2, 3 …; the last tier takes the rest.
TIERS = (80, 60, 40, 1)

_Kind: TypeAlias = tuple[int, str, str]


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a file was put at its first release."""

    pack: str
    name: str


@dataclass(slots=True)
class Pack:
    """A pack being filled: `tracks` by file name, `bytes` of audio in it.

    `told`: bytes that its torrent takes for them at most.
    """

    name: str
    tier: int
    licence_class: str
    depositor: str
    number: int
    tracks: dict[str, Track] = field(default_factory=dict)
    bytes: int = 0
    told: int = 0

    def put(self, name: str, track: Track) -> None:
        """Put a track in under a name that is free."""
        self.tracks[name] = track
        self.bytes += track.file.size
        self.told += _told(track)

    @property
    def kind(self) -> _Kind:
        """Tier, licence class and depositor: what all of its tracks share."""
        return (self.tier, self.licence_class, self.depositor)


def tier_of(popularity: int) -> int:
    """The tier a track is born into: 1 the most popular, 5 never listened to."""
    return next((n for n, least in enumerate(TIERS, 1) if popularity >= least), len(TIERS) + 1)


def fill_packs(
    tracks: Iterable[Track],
    before: Mapping[FileId, Placed],
    packs: Iterable[Pack],
    *,
    archive: str,
    limit: int,
    extensions: Mapping[FileId, str],
) -> list[Pack]:
    """Put every track into a pack; returns the packs that are not empty, by name.

    Args:
        tracks: what the edition holds.
        before: where each file of any earlier edition was put.
        packs: the packs of earlier editions, emptied.
        archive: the archive's name, which the names of packs begin with.
        limit: bytes a pack holds; one track larger than that has its own. A pack of many small
            files is full before, when its torrent is as large as one may be.
        extensions: the extension each file is stored under.
    """
    every = {pack.name: pack for pack in packs}
    taken: dict[str, set[str]] = {}
    for placed in before.values():
        taken.setdefault(placed.pack, {fold(ATTRIBUTION)}).add(fold(placed.name))
    fresh: list[Track] = []
    for track in tracks:
        placed_before = before.get(track.file)
        home = every.get(placed_before.pack) if placed_before else None
        if placed_before and home and home.licence_class == track.clearance.licence_class:
            home.put(placed_before.name, track)
        else:
            fresh.append(track)
    newest: dict[_Kind, Pack] = {}
    for pack in sorted(every.values(), key=lambda one: one.number):
        newest[pack.kind] = pack
    for track in sorted(fresh, key=_birth_order):
        pack = _open_pack(newest, track, archive, limit)
        every[pack.name] = pack
        names = taken.setdefault(pack.name, {fold(ATTRIBUTION)})
        artist, title = track.known["artist"], track.known["title"]
        name = file_name(artist, title, track.file, extensions[track.file], names)
        names.add(fold(name))
        pack.put(name, track)
    return [every[name] for name in sorted(every) if every[name].tracks]


def _birth_order(track: Track) -> tuple[int, str, str, int, str, FileId]:
    tier = tier_of(track.known["popularity"])
    listens = track.known["listens"]
    recording = track.known["recording"]
    return (
        tier,
        track.clearance.licence_class,
        depositor_of(track),
        -listens,
        recording,
        track.file,
    )


def depositor_of(track: Track) -> str:
    """A short name for who signed for a track, empty where nobody did."""
    if track.known["grade"] != Grade.DEPOSIT or not track.known["holder"]:
        return ""
    return hashlib.sha256(track.known["holder"].encode()).hexdigest()[:8]


def _open_pack(newest: dict[_Kind, Pack], track: Track, archive: str, limit: int) -> Pack:
    """The newest pack of the track's kind while it has room, else the one after it."""
    tier, licence_class, depositor = kind = (
        tier_of(track.known["popularity"]), track.clearance.licence_class, depositor_of(track)
    )  # fmt: skip
    last = newest.get(kind)
    if last and (not last.tracks or _has_room(last, track, limit)):
        return last
    number = last.number + 1 if last else 1
    parts = [slug(archive), licence_class, f"tier{tier}", *([depositor] if depositor else [])]
    newest[kind] = Pack("-".join([*parts, f"{number:04}"]), tier, licence_class, depositor, number)
    return newest[kind]


def _has_room(pack: Pack, track: Track, limit: int) -> bool:
    return pack.bytes + track.file.size <= limit and pack.told + _told(track) <= _ROOM


def _told(track: Track) -> int:
    """Bytes that a track takes in its pack's torrent at most."""
    return _ENTRY + (HASH + SHA1) * pieces(track.file.size)


def slug(archive: str) -> str:
    """The archive's name as it stands in names of packs: plain letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", archive.lower()).strip("-")[:40] or "archive"
