"""The feed: a TUF repository that any web server, folder or USB stick can hold.

``metadata/`` has ``<n>.root.json``, ``<n>.targets.json``, ``<n>.snapshot.json`` and
``timestamp.json``; ``targets/`` has ``<folders>/<sha256>.<name>`` (consistent snapshots, TUF 1.0.31
section 6.2). Each file appears whole, the timestamp last, so a reader sees the old state or the
new one, and a killed run leaves the old. See docs/decisions/0002-feed-is-tuf.md.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tuf.api.metadata import TargetFile  # type: ignore[attr-defined]

from songark.ark.atomic import sweep, whole_file, write_whole
from songark.ark.lock import locked
from songark.ark.seal import digest_file
from songark.model.errors import BrokenError, RefusedError, UsageError
from songark.release.feed_roles import Published, read_roles, sign_roles
from songark.release.keys import Keys

__all__ = [
    "MAX_TARGET",
    "Published",
    "TargetSource",
    "check_name",
    "fingerprint",
    "publish_feed",
    "refresh_feed",
]

MAX_TARGET = 64 * 1024 * 1024
"""Bytes of one target at most."""

_NAME = re.compile(
    r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}(?:/[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}){0,7}"
)
_PLACED = re.compile(r"[0-9a-f]{64}\..+")


@dataclass(frozen=True, slots=True)
class TargetSource:
    """What a target holds, as bytes or a file, and what the feed says of it beside its digest.

    `custom` is JSON without fractions, which TUF's canonical form does not know.
    """

    data: bytes | Path
    custom: Mapping[str, Any] = field(default_factory=dict)


def publish_feed(
    feed: Path, keys: Keys, targets: Mapping[str, TargetSource], *, now: datetime
) -> Published:
    """Make `targets` the complete content of the feed at `feed`.

    The same targets again sign nothing that is not due. What is no longer listed is removed once
    the new timestamp is in place; signed metadata stays.

    Raises:
        UsageError: a name or `custom` cannot be published, or there are too many targets.
        RefusedError: the keys are not this feed's, or the root key is needed and not here.
        BrokenError: the feed in place is damaged, or a target's file changes while it is read.
    """
    with _lock(feed):
        for folder in (feed / "metadata", *_folders(feed / "targets")):
            sweep(folder)
        held = read_roles(feed / "metadata")
        listed = {name: _describe(name, source) for name, source in sorted(targets.items())}
        for name, told in listed.items():
            _place(feed / "targets" / told.get_prefixed_paths()[0], told, targets[name].data)
        result = sign_roles(feed / "metadata", keys, held, listed, now)
        _remove_superseded(feed / "targets", listed)
    return result


def refresh_feed(feed: Path, keys: Keys, now: datetime) -> Published:
    """Sign anew what has less than half of its life left; call it about once an hour.

    Raises:
        RefusedError: nothing is published yet, the keys are not this feed's, or root has expired
            and its key is not here.
        BrokenError: the feed in place is damaged.
    """
    with _lock(feed):
        held = read_roles(feed / "metadata")
        if held is None or held.targets is None:
            raise RefusedError(
                "no feed here yet", place=str(feed), remedy="Publish with `songark publish`"
            )
        return sign_roles(feed / "metadata", keys, held, held.targets.targets, now)


def fingerprint(feed: Path) -> str:
    """SHA-256 of the first root as 64 hex digits: what a keeper tells mirrors.

    Raises:
        RefusedError: nothing is published yet.
    """
    try:
        return hashlib.sha256((feed / "metadata" / "1.root.json").read_bytes()).hexdigest()
    except FileNotFoundError:
        raise RefusedError(
            "no feed here yet", place=str(feed), remedy="Publish with `songark publish`"
        ) from None


def check_name(name: str) -> str:
    """Return a target's name if it is safe as a path and needs no quoting in a URL.

    Raises:
        UsageError: it is not.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"not a name for a target: {name[:100]!r}",
            remedy="Use letters, digits, '-', '_', '.' (not first) and '/' between folders",
        )
    return name


def _lock(feed: Path) -> AbstractContextManager[None]:
    return locked(feed.with_name(feed.name + ".lock"), wait=60.0)


def _folders(top: Path) -> list[Path]:
    return [top, *(p for p in top.rglob("*") if p.is_dir())]


def _describe(name: str, source: TargetSource) -> TargetFile:
    check_name(name)
    if isinstance(source.data, Path):
        told = TargetFile.from_file(name, str(source.data))
    else:
        told = TargetFile.from_data(name, source.data)
    if told.length > MAX_TARGET:
        raise UsageError(f"more than {MAX_TARGET} bytes", place=name)
    if source.custom:
        # Through JSON and back, so that it compares equal with what is read from the feed.
        try:
            told.unrecognized_fields["custom"] = json.loads(json.dumps(dict(source.custom)))
        except (TypeError, ValueError) as error:
            raise UsageError(f"`custom` is not JSON ({error})", place=name) from None
    return told


def _place(path: Path, told: TargetFile, data: bytes | Path) -> None:
    """Write one target under the name of its digest, unless it is there and sound."""
    if path.is_file() and digest_file(path) == told.hashes["sha256"]:
        return
    if isinstance(data, bytes):
        write_whole(path, data)
        return
    digest = hashlib.sha256()
    with data.open("rb") as source, whole_file(path) as stream:
        while chunk := source.read(1 << 20):
            digest.update(chunk)
            stream.write(chunk)
        if digest.hexdigest() != told.hashes["sha256"]:
            raise BrokenError("the file changes while it is read", place=str(data))


def _remove_superseded(top: Path, listed: Mapping[str, TargetFile]) -> None:
    kept = {top / told.get_prefixed_paths()[0] for told in listed.values()}
    for path in top.rglob("*"):
        if _PLACED.fullmatch(path.name) and path not in kept and path.is_file():
            path.unlink()
    for folder in sorted(_folders(top)[1:], reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()
