"""Tracks that exist in tables only, for packs and attributions."""

import hashlib
from typing import Any

from songark.model.identity import FileId
from songark.release.packs import Pack, Placed, fill_packs
from songark.release.tracks import Track
from songark.rights.acts import Act, Clearance


def file_id(name: str, size: int = 1000) -> FileId:
    return FileId(hashlib.sha256(name.encode()).digest(), size)


def track(name: str, *, size: int = 1000, licence_class: str = "CC-BY", **known: Any) -> Track:
    """A track whose recording, title and root are named alike."""
    told = {
        "recording": f"r{name}",
        "title": name,
        "artist": "Ann",
        "popularity": 0,
        "listens": 0,
        "grade": 3,
        "holder": "Ann",
        "licence": "CC-BY-4.0",
        **known,
    }
    clearance = Clearance(
        file_id(name, size), Act.SHARE, told["licence"], licence_class, "decisions"
    )
    return Track(clearance, told)


class Packer:
    """Fills edition after edition, as the release does, and remembers as its history does."""

    def __init__(self, limit: int = 10_000, archive: str = "demo") -> None:
        self.limit = limit
        self.archive = archive
        self.placed: dict[FileId, Placed] = {}
        self.known: dict[str, Pack] = {}

    def fill(self, *tracks: Track) -> dict[str, Pack]:
        packs = fill_packs(
            tracks,
            self.placed,
            [
                Pack(p.name, p.tier, p.licence_class, p.depositor, p.number)
                for p in self.known.values()
            ],
            archive=self.archive,
            limit=self.limit,
            extensions={one.file: "ogg" for one in tracks},
        )
        for pack in packs:
            self.known[pack.name] = pack
            for name, one in pack.tracks.items():
                self.placed[one.file] = Placed(pack.name, name)
        return {pack.name: pack for pack in packs}

    def where(self, one: Track) -> Placed:
        return self.placed[one.file]
