"""Ids last: a recording's id is minted once and survives rebuilds (DESIGN, wall 7).

A group of rows has keys: its files and its packet digests. Each build takes the last registry as
sealed input and gives each old id to the group that holds most of its keys. A merge redirects to
one id; a split leaves the id with one part and lists the others; an id is never used for another.
"""

from __future__ import annotations

import hashlib
from base64 import b32encode
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
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
    ranked = _ranked(groups, before)
    ids: dict[int, str] = {}
    taken: set[str] = set()
    for old, position in ranked:
        if old not in taken and position not in ids:
            ids[position] = old
            taken.add(old)
    used = set(before.values()) | {old for old, _new, _kind in redirects}
    for position in sorted(set(range(len(groups))) - set(ids), key=lambda p: min(groups[p])):
        ids[position] = _mint(min(groups[position]), used)
        used.add(ids[position])
    made = {(old, new): kind for old, new, kind in redirects}
    for old, position in ranked:
        if old in taken:
            if old != ids[position]:
                made.setdefault((old, ids[position]), "split")
            continue
        # Nobody got it: it leads to the group that holds most of it, and never comes back.
        made[old, ids[position]] = "merged"
        taken.add(old)
    every = tuple(sorted((old, new, kind) for (old, new), kind in made.items()))
    registry = dict(before) | {key: ids[p] for p, keys in enumerate(groups) for key in keys}
    return Naming(tuple(ids[p] for p in range(len(groups))), _led(registry, every), every)


def living_ids(redirects: Iterable[tuple[str, str, str]]) -> dict[str, str]:
    """Every id that was merged away, with the one that it leads to after all merges."""
    moved = {old: new for old, new, kind in redirects if kind == "merged"}
    return {old: _end(old, moved) for old in moved}


def _end(name: str, moved: Mapping[str, str]) -> str:
    while name in moved:
        name = moved[name]
    return name


def _led(registry: Mapping[str, str], redirects: Iterable[tuple[str, str, str]]) -> dict[str, str]:
    living = living_ids(redirects)
    return {key: living.get(name, name) for key, name in registry.items()}


def _ranked(groups: Sequence[Sequence[str]], known: Mapping[str, str]) -> list[tuple[str, int]]:
    """(old id, position of a group that holds keys of it), most keys first; the order is total."""
    votes = [
        (-count, old, min(keys), position)
        for position, keys in enumerate(groups)
        for old, count in Counter(known[key] for key in keys if key in known).items()
    ]
    return [(old, position) for _count, old, _key, position in sorted(votes)]


def _mint(key: str, used: set[str]) -> str:
    """An id of 80 bits from the founding key, so that the same input gives the same id."""
    attempt = 0
    while True:
        seed = f"songark recording\n{key}\n{attempt}".encode()
        minted = "r" + b32encode(hashlib.sha256(seed).digest()[:10]).decode().lower()
        if minted not in used:
            return minted
        attempt += 1
