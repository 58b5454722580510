"""The signed roles of the feed.

Root says who may sign, targets what there is, snapshot and timestamp that it is of one moment and
new.

Versions of targets, snapshot and timestamp are the second of signing, or one more than the last:
they rise strictly, and go on rising when a keeper restores an archive from an older copy, which
with plain counting every mirror would take for a rollback attack (TUF 1.0.31 section 5.4.3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from securesystemslib.signer import Signature, SSlibKey  # type: ignore[attr-defined]
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import (  # type: ignore[attr-defined]
    Metadata,
    MetaFile,
    Root,
    Signed,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)
from tuf.api.serialization import SerializationError

from songark.ark.atomic import write_whole
from songark.model.errors import BrokenError, RefusedError, UsageError
from songark.release.keys import Keys, SigningKey

LIFETIME = {
    "root": timedelta(days=730),
    "targets": timedelta(days=180),
    "snapshot": timedelta(days=180),
    "timestamp": timedelta(days=14),
}
"""How long each signature holds; it is made anew when less than half is left."""

MAX_TARGETS_JSON = 5_000_000
"""Bytes of targets.json at most: what TUF clients accept by default."""


_R = TypeVar("_R", Timestamp, Snapshot, Targets)


@dataclass(frozen=True, slots=True)
class Roles:
    """What readers see now; all but `root` are None until the first timestamp is in place."""

    root: Root
    targets: Targets | None = None
    snapshot: Snapshot | None = None
    timestamp: Timestamp | None = None


@dataclass(frozen=True, slots=True)
class Published:
    """What a run signed and how long it holds.

    signed: the roles signed anew, in the order they were written; empty when nothing was due.
    expires: until when mirrors accept the feed as it is. root_due: whether the root key must be
    brought back, since root is past half of its life and the key is not here.
    """

    signed: tuple[str, ...]
    expires: datetime
    root_expires: datetime
    root_due: bool


def read_roles(metadata: Path) -> Roles | None:
    """The state in the folder ``metadata/``, checked by its own root; None where there is none.

    Raises:
        BrokenError: a file is missing, damaged, or not signed by the keys that root names.
    """
    version = _newest(metadata, "root")
    path = metadata / "1.root.json"
    if not version and not any(metadata.glob("*.json")):
        return None
    try:
        # Mirrors climb from the first root to the newest, so none may be missing.
        for number in range(1, max(version, 1) + 1):
            path = metadata / f"{number}.root.json"
            path.stat()
        about = Metadata[Root].from_bytes(path.read_bytes())
        root = about.signed
        root.verify_delegate("root", about.signed_bytes, about.signatures)
        path = metadata / "timestamp.json"
        if not path.exists():
            return Roles(root)
        timestamp = _verified(root, Timestamp, path, None)
        path = metadata / f"{timestamp.snapshot_meta.version}.snapshot.json"
        snapshot = _verified(root, Snapshot, path, timestamp.snapshot_meta)
        path = metadata / f"{snapshot.meta['targets.json'].version}.targets.json"
        targets = _verified(root, Targets, path, snapshot.meta["targets.json"])
    except (OSError, RepositoryError, KeyError) as error:
        raise BrokenError(
            f"the feed's metadata is damaged ({error})",
            place=str(path),
            remedy="Restore the file from a copy of the feed; where it is not a root, removing "
            "timestamp.json and publishing again does as well",
        ) from None
    return Roles(root, targets, snapshot, timestamp)


def sign_roles(
    metadata: Path, keys: Keys, held: Roles | None, listed: Mapping[str, TargetFile], now: datetime
) -> Published:
    """Sign and write what is new or due: root, targets, snapshot, and the timestamp last.

    Raises:
        RefusedError: the keys are not this feed's, or the root key is needed and not here.
        UsageError: the targets cannot be written down within `MAX_TARGETS_JSON`.
    """
    pen = _Pen(metadata, keys.online, now.astimezone(UTC).replace(microsecond=0))
    root = _sign_root(pen, keys, held.root if held else None)
    held = held or Roles(root)
    timestamp = _sign_timestamp(
        pen, held, _sign_snapshot(pen, held, _sign_targets(pen, held, listed))
    )
    return Published(tuple(pen.signed), timestamp.expires, root.expires, pen.due(root))


class _Pen:
    """Writes signed roles into one folder at one moment."""

    def __init__(self, metadata: Path, online: SigningKey, now: datetime) -> None:
        self.metadata = metadata
        self.online = online
        self.now = now
        self.signed: list[str] = []

    def due(self, role: Signed) -> bool:
        """Whether less than half of its life is left."""
        return role.expires - self.now < LIFETIME[role.type] / 2

    def until(self, kind: str) -> datetime:
        """When a role signed now expires."""
        return self.now + LIFETIME[kind]

    def after(self, kind: str, previous: Signed | None) -> int:
        """The next version: above the last, above what a killed run left, and at least the time."""
        floor = max(previous.version if previous else 0, _newest(self.metadata, kind))
        return max(floor + 1, int(self.now.timestamp()))

    def write(self, role: Signed, key: SigningKey | None = None) -> MetaFile:
        """Sign with the online key (or `key`) and write; returns what the next role says of it."""
        about: Metadata[Signed] = Metadata(role)  # type: ignore[type-var]
        signer = key or self.online
        keyid = _public(signer).keyid
        try:
            about.signatures[keyid] = Signature(keyid, signer.sign(about.signed_bytes).hex())
            data = about.to_bytes()
        except SerializationError:
            raise UsageError(
                "what the feed says of a target is not JSON without fractions",
                remedy="Use text, whole numbers, true, false, null, lists and objects",
            ) from None
        if len(data) > MAX_TARGETS_JSON:
            raise UsageError(
                f"{role.type}.json would have {len(data)} bytes, clients take {MAX_TARGETS_JSON}",
                remedy="List fewer targets: one index for each edition, not its files",
            )
        name = role.type if role.type == Timestamp.type else f"{role.version}.{role.type}"
        write_whole(self.metadata / f"{name}.json", data)
        self.signed.append(role.type)
        return MetaFile.from_data(role.version, data, ["sha256"])


def _sign_root(pen: _Pen, keys: Keys, held: Root | None) -> Root:
    if held is None:
        if keys.root is None:
            raise _need_root(pen, "a new feed wants the root key")
        root = Root(1, expires=pen.until("root"))
        root.add_key(_public(keys.root), "root")
        for kind in ("targets", "snapshot", "timestamp"):
            root.add_key(_public(keys.online), kind)
        pen.write(root, keys.root)
        return root
    for kind, key in (("root", keys.root), ("timestamp", keys.online)):
        if key and _public(key).keyid not in held.roles[kind].keyids:
            raise RefusedError(
                f"the {'root' if kind == 'root' else 'online'} key is not this feed's",
                place=str(pen.metadata),
                remedy="Put the archive's own keys back into its keys folder",
            )
    if keys.root and pen.due(held):
        root = Root.from_dict(held.to_dict())
        root.version, root.expires = held.version + 1, pen.until("root")
        pen.write(root, keys.root)
        return root
    if held.is_expired(pen.now):
        raise _need_root(pen, "root has expired, so no mirror accepts anything")
    return held


def _sign_targets(
    pen: _Pen, held: Roles, listed: Mapping[str, TargetFile]
) -> Mapping[str, MetaFile]:
    old = held.targets
    if old and held.snapshot and old.targets == listed and not pen.due(old):
        return held.snapshot.meta
    version = pen.after("targets", old)
    new = Targets(version, expires=pen.until("targets"), targets=dict(listed))
    return {"targets.json": pen.write(new)}


def _sign_snapshot(pen: _Pen, held: Roles, meta: Mapping[str, MetaFile]) -> MetaFile:
    old = held.snapshot
    if old and held.timestamp and old.meta == meta and not pen.due(old):
        return held.timestamp.snapshot_meta
    version = pen.after("snapshot", old)
    return pen.write(Snapshot(version, expires=pen.until("snapshot"), meta=dict(meta)))


def _sign_timestamp(pen: _Pen, held: Roles, meta: MetaFile) -> Timestamp:
    old = held.timestamp
    if old and old.snapshot_meta == meta and not pen.due(old):
        return old
    version = pen.after("timestamp", old)
    new = Timestamp(version, expires=pen.until("timestamp"), snapshot_meta=meta)
    pen.write(new)
    return new


def _need_root(pen: _Pen, why: str) -> RefusedError:
    return RefusedError(
        why,
        place=str(pen.metadata),
        remedy="Bring root.pem back into the keys folder, run this again, and take it away",
    )


def _public(key: SigningKey) -> SSlibKey:
    return SSlibKey.from_crypto(Ed25519PublicKey.from_public_bytes(key.public))


def _newest(metadata: Path, kind: str) -> int:
    """The highest version of a role on the disk, 0 where there is none."""
    found = [p.name.partition(".")[0] for p in metadata.glob(f"*.{kind}.json")]
    return max((int(n) for n in found if n.isdecimal()), default=0)


def _verified(root: Root, kind: type[_R], path: Path, meta: MetaFile | None) -> _R:
    """Read one role of the feed in place and check it against root and what names it."""
    data = path.read_bytes()
    if meta:
        meta.verify_length_and_hashes(data)
    about = Metadata[_R].from_bytes(data)
    root.verify_delegate(kind.type, about.signed_bytes, about.signatures)
    if not isinstance(about.signed, kind):
        raise RepositoryError(f"not a {kind.type}")
    return about.signed
