"""What earlier editions decided and later ones keep: places, names, torrents."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from songark.ark.layout import Ark
from songark.ark.seal import Sealed, digest_file
from songark.ark.tables import read_rows
from songark.model.errors import BrokenError
from songark.model.identity import FileId
from songark.release.packs import Pack, Placed

# A mirror that slept longer than this many issues of a pack finds its files by their names.
_REMEMBERED = 10


@dataclass(frozen=True, slots=True)
class History:
    """Every edition so far.

    number: of the last edition, 0 before the first. digest: SHA-256 of its index. folder: where it
    lies. placed: where each file was put, by its latest edition. last: the files of the last
    edition. lines: the torrents of each edition, oldest edition first.
    """

    number: int
    digest: str
    folder: Path | None
    placed: Mapping[FileId, Placed]
    last: Mapping[FileId, Placed]
    lines: tuple[tuple[dict[str, Any], ...], ...]

    def packs(self) -> list[Pack]:
        """Every pack there ever was, emptied."""
        found = {
            line["pack"]: Pack(
                line["pack"],
                line["tier"],
                line["licence_class"],
                line["depositor"],
                line["number"],
            )
            for lines in self.lines
            for line in lines
        }
        return [found[name] for name in sorted(found)]

    def infohashes(self, pack: str) -> list[bytes]:
        """The v1 infohashes of a pack's torrents, newest first, each once."""
        found = [
            bytes.fromhex(line["infohash_v1"])
            for lines in reversed(self.lines)
            for line in lines
            if line["pack"] == pack
        ]
        return list(dict.fromkeys(found))[:_REMEMBERED]

    def same_as(self, draft: Path) -> bool:
        """Whether a draft has the very manifest and torrents of the last edition."""
        return self.folder is not None and all(
            digest_file(draft / name) == digest_file(self.folder / name)
            for name in ("manifest.parquet", "torrents.jsonl")
        )


def edition_folders(editions: Path) -> list[Path]:
    """The sealed editions, oldest first.

    Raises:
        BrokenError: one is missing in between.
    """
    if not editions.is_dir():
        return []
    numbers = sorted(int(p.name) for p in editions.iterdir() if p.name.isdecimal())
    if numbers != list(range(1, len(numbers) + 1)):
        raise BrokenError(
            f"editions are missing: there are {numbers}",
            place=str(editions),
            remedy="Restore them from a copy, or `songark rebuild` from the feed",
        )
    return [editions / str(number) for number in numbers]


def read_history(ark: Ark) -> History:
    """Follow the editions.

    Raises:
        BrokenError: an edition is missing or unreadable.
    """
    placed: dict[FileId, Placed] = {}
    last: dict[FileId, Placed] = {}
    lines: list[tuple[dict[str, Any], ...]] = []
    folders = edition_folders(ark.editions)
    for folder in folders:
        Sealed.open(folder)
        last = {
            FileId(row["root"], row["size"]): Placed(row["pack"], row["name"])
            for row in read_rows(folder / "manifest.parquet", ["root", "size", "pack", "name"])
        }
        placed |= last
        lines.append(tuple(torrent_lines(folder)))
    newest = folders[-1] if folders else None
    digest = hashlib.sha256((newest / "SHA256SUMS").read_bytes()).hexdigest() if newest else ""
    return History(len(folders), digest, newest, placed, last, tuple(lines))


def torrent_lines(folder: Path) -> Iterable[dict[str, Any]]:
    """The lines of an edition's ``torrents.jsonl``."""
    for raw in (folder / "torrents.jsonl").read_bytes().splitlines():
        line: dict[str, Any] = json.loads(raw)
        yield line
