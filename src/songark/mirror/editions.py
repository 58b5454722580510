"""What a feed says of an archive: its editions, what is withdrawn, where its swarm is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from songark.mirror.trust import Trusted
from songark.model.errors import BrokenError
from songark.model.hashing import HashRecord
from songark.model.identity import FileId
from songark.model.index import read_index

_INDEX = re.compile(r"editions/([1-9][0-9]{0,8})/SHA256SUMS")


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A file that was released and may not be shared any more, with its hashes where told."""

    file: FileId
    recording: str
    reason: str
    record: HashRecord | None


@dataclass(frozen=True, slots=True)
class Swarm:
    """Where a keeper's own seeder is: (host, port) and base addresses."""

    peers: tuple[tuple[str, int], ...]
    web_seeds: tuple[str, ...]


def edition_numbers(feed: Trusted) -> list[int]:
    """The editions that a feed lists, oldest first."""
    found = (_INDEX.fullmatch(name) for name in feed.targets())
    return sorted(int(one[1]) for one in found if one)


def fetch_edition(feed: Trusted, number: int, into: Path, *, torrents: bool) -> dict[str, str]:
    """Fetch an edition's files below `into`, each checked; returns its index.

    Args:
        feed: the feed.
        number: which edition.
        into: the folder that gets ``editions/<n>/…`` and ``torrents/…``.
        torrents: whether its torrents are wanted, too.

    Raises:
        FeedError: a file is missing or not the one that was signed.
    """
    name = f"editions/{number}/SHA256SUMS"
    raw = feed.read(name)
    index = read_index(raw)
    for path, digest in index.items():
        if torrents or not path.startswith("torrents/"):
            feed.fetch_file(path, digest, into / path)
    target = into / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(raw)
    return index


def withdrawn_files(feed: Trusted) -> list[Withdrawn]:
    """Every file that a feed withdraws.

    Raises:
        BrokenError: a line has not the form of ``withdrawn.jsonl``.
    """
    found = []
    for number, raw in enumerate(feed.read("withdrawn.jsonl").splitlines(), 1):
        try:
            found.append(_withdrawn(json.loads(raw)))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BrokenError(
                f"not a withdrawal ({error})",
                place=f"withdrawn.jsonl, line {number}",
                remedy="Ask the keeper of this archive to publish it again",
            ) from None
    return found


def swarm_of(feed: Trusted) -> Swarm:
    """Where the keeper's own seeder is, as the feed says."""
    told = json.loads(feed.read("swarm.json"))
    return Swarm(tuple(_peers(told.get("peers", []))), tuple(map(str, told.get("web_seeds", []))))


def _peers(told: Iterable[Any]) -> Iterable[tuple[str, int]]:
    for one in told:
        host, _, port = str(one).rpartition(":")
        if host and port.isdecimal() and 0 < int(port) < 65536:
            yield host.strip("[]"), int(port)


def _withdrawn(told: dict[str, Any]) -> Withdrawn:
    file = FileId(bytes.fromhex(told["root"]), int(told["size"]))
    hashes = told.get("hashes")
    record = None
    if hashes:
        record = HashRecord(
            file=file, **{name: bytes.fromhex(value) for name, value in hashes.items()}
        )
        record.check()
    return Withdrawn(file, str(told["recording"]), str(told["reason"]), record)
