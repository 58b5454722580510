"""What a mirror believes of a feed: only what the archive's keys prove, and nothing older.

The checks and their order are python-tuf's (TUF 1.0.31 section 5). `state` holds the first root,
which everything else is proved from, and the newest metadata seen, so that no server can take a
mirror back; all of it is written whole, so a kill at any moment does no harm.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tuf.api.exceptions import DownloadLengthMismatchError, RepositoryError
from tuf.api.metadata import Metadata, Root, TargetFile, Targets  # type: ignore[attr-defined]
from tuf.ngclient.config import UpdaterConfig
from tuf.ngclient.updater import Updater

from songark.ark.atomic import sweep, whole_file, write_whole
from songark.ark.lock import locked
from songark.ark.seal import digest_file
from songark.mirror.feed_errors import (
    FeedError,
    FingerprintError,
    ForgedError,
    MissingError,
    explained,
)
from songark.mirror.feed_source import MAX_METADATA, FeedSource, Patience, open_source
from songark.model.errors import UsageError
from songark.model.index import check_path, read_index
from songark.release.feed import MAX_TARGET, check_name

__all__ = ["MAX_FILE", "Patience", "Target", "Trusted", "open_feed", "read_index"]

MAX_FILE = 16 * 1024**3
"""Bytes of one file beside the targets at most, where the caller knows no better bound."""

_PIN = re.compile(r"(.+)#sha256=([0-9A-Fa-f]{64})")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_WAIT = 60.0
_CHASES = 9
_PATIENT = Patience()


@dataclass(frozen=True, slots=True)
class Target:
    """One signed target: its SHA-256 (hex), length in bytes, and what the keeper says of it."""

    sha256: str
    length: int
    custom: Mapping[str, Any] = field(default_factory=dict)


def open_feed(
    source: str,
    state: Path,
    *,
    fingerprint: str | None = None,
    now: datetime | None = None,
    patience: Patience = _PATIENT,
) -> Trusted:
    """Open the feed at a web address or in a folder, with what was learned of it in `state`.

    Args:
        source: address or folder; a suffix ``#sha256=<fingerprint>`` pins the first root.
        state: a folder of its own for each archive; it outlives a change of `source`.
        fingerprint: SHA-256 of the first root, as the keeper tells it. Without any, the first
            root that is seen is trusted from then on.
        now: the moment signatures are judged at; the clock where None.
        patience: how long a server may take.

    Raises:
        UsageError: the source or fingerprint has another form.
        FingerprintError: the feed, or the one that `state` trusts, is not the pinned one.
        FeedError: the first root cannot be fetched or does not prove itself.
    """
    address, pinned = _split_pin(source, fingerprint)
    place = open_source(address, patience)
    with locked(state / "lock", wait=_WAIT):
        first = _first_root(place, state, pinned)
    return Trusted(place, state, first, now)


class Trusted:
    """A feed, as far as its signatures prove it. One thread refreshes; any may fetch."""

    def __init__(
        self, source: FeedSource, state: Path, first_root: bytes, now: datetime | None
    ) -> None:
        self._source = source
        self._state = state
        self._first_root = first_root
        self._now = now
        self._targets: dict[str, Target] | None = None
        self.fingerprint = hashlib.sha256(first_root).hexdigest()
        """SHA-256 of the first root: which archive this is."""

    def refresh(self) -> None:
        """Learn the newest state; when this raises, what was known stays.

        Raises:
            ExpiredError: what is shown has expired (a freeze attack, or an absent keeper).
            RollbackError: what is shown is older than what was seen before.
            ForgedError: what is shown is not what the archive's keys signed.
            UnreachableError: nothing is shown, or too slowly.
            LockedError: another process refreshes the same state.
        """
        folder = self._state / "metadata"
        place = self._source.place()
        with locked(self._state / "lock", wait=_WAIT), explained(place, folder):
            folder.mkdir(exist_ok=True)
            sweep(folder)
            sweep(folder / "root_history")
            updater = _Updater(
                str(folder),
                "metadata/",
                fetcher=self._source,
                config=_CONFIG,
                bootstrap=self._first_root,
            )
            if self._now:
                updater._trusted_set.reference_time = self._now.astimezone(UTC)
            updater.refresh()
            # The copy that was just verified; the updater itself lists no names.
            known = Metadata[Targets].from_bytes((folder / "targets.json").read_bytes())
        self._targets = {
            _name(name, place): _target(told, place)
            for name, told in sorted(known.signed.targets.items())
        }

    def targets(self) -> dict[str, Target]:
        """The targets of the newest state known, by name; refreshes where none is known yet.

        Raises:
            FeedError: see `refresh`.
        """
        if self._targets is None:
            self.refresh()
        return dict(self._targets or {})

    def metadata(self) -> dict[str, bytes]:
        """The signed files of the newest state, by their names in a feed's ``metadata/``.

        Raises:
            FeedError: nothing is known yet and the feed cannot be had; see `refresh`.
        """
        self.targets()
        folder = self._state / "metadata"
        found = {p.name: p.read_bytes() for p in sorted((folder / "root_history").glob("*.json"))}
        found["1.root.json"] = self._first_root
        for role in ("targets", "snapshot"):
            raw = (folder / f"{role}.json").read_bytes()
            found[f"{json.loads(raw)['signed']['version']}.{role}.json"] = raw
        return found | {"timestamp.json": (folder / "timestamp.json").read_bytes()}

    def read(self, name: str) -> bytes:
        """The content of a target.

        Raises:
            FeedError: the feed lists no such target, or see `refresh`.
        """
        told = self._told(name)
        for _ in range(_CHASES):
            try:
                return self._read(name, told)
            except MissingError:
                # The keeper may have published since: what is superseded is removed.
                before = told
                self.refresh()
                told = self._told(name)
                if told == before:
                    raise
        return self._read(name, told)

    def fetch_file(self, path: str, sha256: str, into: Path, *, limit: int = MAX_FILE) -> None:
        """Fetch ``files/<path>`` to `into`, whole or not at all; what is there and right stays.

        Args:
            path: the path as the edition's index has it.
            sha256: the digest the index has for it (hex).
            into: the file to write.
            limit: how many bytes are taken at most.

        Raises:
            BrokenError: the path is unsafe.
            ForgedError: the file is not the one of that digest, or longer than `limit`.
            UnreachableError: it is not there, or comes too slowly.
        """
        url = f"files/{check_path(path)}"
        if into.is_file() and digest_file(into) == sha256:
            return
        digest, length = hashlib.sha256(), 0
        with explained(self._source.place(url), into):
            chunks = self._source.fetch(url)
            with closing(chunks), whole_file(into) as stream:  # type: ignore[type-var]
                for chunk in chunks:
                    length += len(chunk)
                    if length > limit:
                        raise DownloadLengthMismatchError(f"more than {limit} bytes")
                    digest.update(chunk)
                    stream.write(chunk)
                if digest.hexdigest() != sha256:
                    raise RepositoryError("not the file that the index names")

    def _told(self, name: str) -> Target:
        told = self.targets().get(name)
        if told is None:
            raise FeedError(
                f"the feed lists no {name[:200]!r}",
                place=self._source.place(),
                remedy="It may have been withdrawn; see what the feed lists now",
            )
        return told

    def _read(self, name: str, told: Target) -> bytes:
        folder, slash, last = name.rpartition("/")
        url = f"targets/{folder}{slash}{told.sha256}.{last}"
        with explained(self._source.place(url), self._state):
            if told.length > MAX_TARGET:
                raise RepositoryError(f"a target of more than {MAX_TARGET} bytes")
            with self._source.download_file(url, told.length) as stream:
                data: bytes = stream.read()
            if len(data) != told.length or hashlib.sha256(data).hexdigest() != told.sha256:
                raise RepositoryError("not the target that was signed")
        return data


class _Updater(Updater):
    """TUF's client, with our way of writing files."""

    def _persist_file(self, filename: str, data: bytes) -> None:
        write_whole(Path(filename), data)

    def _update_root_symlink(self) -> None:
        """No link: each run starts from the first root, and exFAT disks have none."""


_CONFIG = UpdaterConfig(snapshot_max_length=65_536, targets_max_length=MAX_METADATA)


def _split_pin(source: str, fingerprint: str | None) -> tuple[str, str | None]:
    found = _PIN.fullmatch(source)
    address, suffix = (found[1], found[2].lower()) if found else (source, None)
    pinned = fingerprint.lower() if fingerprint else None
    if pinned and not _DIGEST.fullmatch(pinned):
        raise UsageError("a fingerprint has 64 hex digits", remedy="Copy all of it")
    if pinned and suffix and pinned != suffix:
        raise UsageError("two different fingerprints are given for one feed")
    return address, pinned or suffix


def _first_root(source: FeedSource, state: Path, pinned: str | None) -> bytes:
    """The root all is proved from: the one trusted before, else the one shown now."""
    path = state / "first.root.json"
    known = path.exists()
    place = str(path) if known else source.place("metadata/1.root.json")
    with explained(place, path):
        data = (
            path.read_bytes()
            if known
            else source.download_bytes("metadata/1.root.json", MAX_METADATA)
        )
        found = hashlib.sha256(data).hexdigest()
        if pinned and found != pinned:
            raise FingerprintError.between(pinned, found, place, known=known)
        _prove_root(data)
        if not known:
            write_whole(path, data)
    return data


def _prove_root(data: bytes) -> None:
    about = Metadata[Root].from_bytes(data)
    root = about.signed
    if not isinstance(root, Root) or root.version != 1 or not root.consistent_snapshot:
        raise RepositoryError("not a first root")
    root.verify_delegate("root", about.signed_bytes, about.signatures)


def _name(name: str, place: str) -> str:
    try:
        return check_name(name)
    except UsageError as error:
        raise ForgedError.because(error.message, place) from None


def _target(told: TargetFile, place: str) -> Target:
    digest = told.hashes.get("sha256", "")
    custom = told.custom or {}
    if not _DIGEST.fullmatch(digest) or not isinstance(custom, dict):
        raise ForgedError.because("a target without a SHA-256", place)
    return Target(digest, told.length, custom)
