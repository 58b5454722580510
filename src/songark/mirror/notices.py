"""What a feed tells beside its editions: what is withdrawn, and where its swarm is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from songark.ark.settings import parse_address
from songark.mirror.json_lines import count, malformed, objects, text
from songark.mirror.trust import Trusted
from songark.model.errors import SongarkError, UsageError
from songark.model.hashing import HashRecord
from songark.model.identity import FileId
from songark.release.torrent_form import check_web_seed

MAX_PEERS = 50
"""Peers, and web seeds, that are taken from a feed at most."""


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A file that was released and may not be shared any more, with its hashes where told."""

    file: FileId
    recording: str
    reason: str
    record: HashRecord | None


@dataclass(frozen=True, slots=True)
class Swarm:
    """Where a keeper's own seeder is: (host, port) and base addresses, which end in a slash."""

    peers: tuple[tuple[str, int], ...]
    web_seeds: tuple[str, ...]


def withdrawn_files(feed: Trusted) -> list[Withdrawn]:
    """Every file that a feed withdraws.

    Raises:
        BrokenError: a line has not the form of ``withdrawn.jsonl``.
    """
    found = []
    for place, told in objects(feed.read("withdrawn.jsonl"), "withdrawn.jsonl"):
        try:
            found.append(_withdrawn(told))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise malformed("withdrawal", place, error) from None
    return found


def swarm_of(feed: Trusted) -> Swarm:
    """Where the keeper's own seeder is, as the feed says; what is no address is passed over.

    Raises:
        BrokenError: ``swarm.json`` has another form.
    """
    try:
        told = json.loads(feed.read("swarm.json"))
        peers, seeds = list(told["peers"]), list(told["web_seeds"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise malformed("swarm", "swarm.json", error) from None
    return Swarm(tuple(_peers(peers[:MAX_PEERS])), tuple(_web_seeds(seeds[:MAX_PEERS])))


def _withdrawn(told: dict[str, Any]) -> Withdrawn:
    file = FileId(bytes.fromhex(told["root"]), count(told["size"], 1))
    hashes = told.get("hashes")
    record = None
    if hashes:
        record = HashRecord(
            file=file, **{name: bytes.fromhex(value) for name, value in hashes.items()}
        )
        record.check()
    return Withdrawn(file, text(told["recording"]), text(told["reason"]), record)


def _peers(told: Iterable[object]) -> Iterator[tuple[str, int]]:
    for one in told:
        try:
            host, port = parse_address(str(one)[:300])
        except UsageError:
            continue
        if port:
            yield host, port


def _web_seeds(told: Iterable[object]) -> Iterator[str]:
    for one in told:
        url = str(one).rstrip("/") + "/"
        try:
            check_web_seed(url)
        except SongarkError:
            continue
        yield url
