"""Ids last: a recording's id is minted once and survives rebuilds (DESIGN, wall 7).

A group of rows has keys: its files and its packet digests. Each build takes the last registry as
sealed input and gives each old id to the group that holds most of its keys. A merge redirects; a
split leaves the id with one part and lists the others; an id is never used again for another.
"""

from __future__ import annotations

import hashlib
from base64 import b32encode
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Naming:
    """What a build decided about ids.

    ids: the id of each group, by position. registry: every key ever seen and its id. redirects:
    (old, new, kind), sorted.
    """

    ids: tuple[str, ...]
    registry: Mapping[str, str]
    redirects: tuple[tuple[str, str, str], ...]


def name_groups(
    groups: Sequence[Sequence[str]],
    before: Mapping[str, str],
    redirects: Sequence[tuple[str, str, str]] = (),
) -> Naming:
    """Give each group of keys its id.

    Args:
        groups: the keys of each group; a key is in one group only.
        before: the last registry.
        redirects: those of earlier builds, which are kept.
    """
    votes = [Counter(before[key] for key in keys if key in before) for keys in groups]
    ranked = sorted(
        (-count, old, position)
        for position, tally in enumerate(votes)
        for old, count in tally.items()
    )
    ids: dict[int, str] = {}
    taken: set[str] = set()
    for _count, old, position in ranked:
        if old not in taken and position not in ids:
            ids[position] = old
            taken.add(old)
    used = set(before.values()) | {old for old, _new, _kind in redirects}
    for position in sorted(set(range(len(groups))) - set(ids), key=lambda p: min(groups[p])):
        ids[position] = _mint(min(groups[position]), used)
        used.add(ids[position])
    made = set(redirects)
    for position, tally in enumerate(votes):
        for old in tally:
            if old != ids[position]:
                made.add((old, ids[position], "split" if old in taken else "merged"))
    registry = dict(before) | {key: ids[p] for p, keys in enumerate(groups) for key in keys}
    return Naming(tuple(ids[p] for p in range(len(groups))), registry, tuple(sorted(made)))


def _mint(key: str, used: set[str]) -> str:
    """An id of 80 bits from the founding key, so that the same input gives the same id."""
    attempt = 0
    while True:
        seed = f"songark recording\n{key}\n{attempt}".encode()
        minted = "r" + b32encode(hashlib.sha256(seed).digest()[:10]).decode().lower()
        if minted not in used:
            return minted
        attempt += 1
