"""Which pack a track is in: a unit of storage of one tier, one licence class, one depositor.

A track stays where it was first put. New tracks fill the newest pack of their kind until it is
full, so a pack grows by being issued again under the same names.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from songark.model.evidence import Grade
from songark.model.identity import FileId
from songark.release.names import file_name
from songark.release.tracks import Track

ATTRIBUTION = "ATTRIBUTION.txt"

# Popularity from which on a track is born into tier 1, 2, 3 …; the last tier takes the rest.
TIERS = (80, 60, 40, 1)


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a file was put at its first release."""

    pack: str
    name: str


@dataclass(slots=True)
class Pack:
    """A pack being filled. `tracks` by file name."""

    name: str
    tier: int
    licence_class: str
    depositor: str
    number: int
    tracks: dict[str, Track] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        """Audio bytes in it."""
        return sum(track.file.size for track in self.tracks.values())

    @property
    def kind(self) -> tuple[int, str, str]:
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
        limit: bytes a pack holds; one track larger than that has its own.
        extensions: the extension each file is stored under.
    """
    every = {pack.name: pack for pack in packs}
    taken: dict[str, set[str]] = {}
    for placed in before.values():
        taken.setdefault(placed.pack, {ATTRIBUTION.casefold()}).add(placed.name.casefold())
    fresh: list[Track] = []
    for track in tracks:
        placed_before = before.get(track.file)
        pack = every.get(placed_before.pack) if placed_before else None
        if placed_before and pack and pack.licence_class == track.clearance.licence_class:
            pack.tracks[placed_before.name] = track
        else:
            fresh.append(track)
    for track in sorted(fresh, key=_birth_order):
        pack = _open_pack(every, track, archive, limit)
        names = taken.setdefault(pack.name, {ATTRIBUTION.casefold()})
        artist, title = track.known["artist"], track.known["title"]
        name = file_name(artist, title, track.file, extensions[track.file], names)
        names.add(name.casefold())
        pack.tracks[name] = track
    return [every[name] for name in sorted(every) if every[name].tracks]


def _birth_order(track: Track) -> tuple[int, str, str, int, str]:
    tier = tier_of(track.known["popularity"])
    listens = track.known["listens"]
    recording = track.known["recording"]
    return (tier, track.clearance.licence_class, depositor_of(track), -listens, recording)


def depositor_of(track: Track) -> str:
    """A short name for who signed for a track, empty where nobody did."""
    if track.known["grade"] != Grade.DEPOSIT or not track.known["holder"]:
        return ""
    return hashlib.sha256(track.known["holder"].encode()).hexdigest()[:8]


def _open_pack(packs: dict[str, Pack], track: Track, archive: str, limit: int) -> Pack:
    kind = (
        tier_of(track.known["popularity"]), track.clearance.licence_class, depositor_of(track)
    )  # fmt: skip
    alike = [pack for pack in packs.values() if pack.kind == kind]
    newest = max(alike, key=lambda pack: pack.number, default=None)
    if newest and (not newest.tracks or newest.bytes + track.file.size <= limit):
        return newest
    number = newest.number + 1 if newest else 1
    tier, licence_class, depositor = kind
    parts = [slug(archive), licence_class, f"tier{tier}", *([depositor] if depositor else [])]
    name = "-".join([*parts, f"{number:04}"])
    packs[name] = Pack(name, tier, licence_class, depositor, number)
    return packs[name]


def slug(archive: str) -> str:
    """The archive's name as it stands in names of packs: plain letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", archive.lower()).strip("-")[:40] or "archive"
