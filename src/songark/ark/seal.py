"""Sealed folders: written as a draft, then immutable, with a manifest of digests.

A sealed folder holds ``manifest.json``: `format`, `kind`, `facts` (what its maker wants to say of
it) and `files`, each with bytes and SHA-256. Its digest is the SHA-256 of that manifest. A folder
under its final name is whole: the draft is synced and then renamed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from songark.ark.atomic import sync_folder, write_whole
from songark.ark.journal import canonical
from songark.model.errors import BrokenError

MANIFEST = "manifest.json"


def sync_file(path: Path) -> None:
    """Make the bytes of a file last through a power cut."""
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def digest_file(path: Path) -> str:
    """SHA-256 of a file as 64 hex digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class Sealed:
    """A folder that will not change. `digest` is the SHA-256 of its manifest."""

    path: Path
    digest: str
    kind: str
    facts: dict[str, Any]
    files: dict[str, dict[str, Any]]

    @classmethod
    def open(cls, path: Path) -> Sealed:
        """Read a sealed folder's manifest.

        Raises:
            BrokenError: the manifest is missing or unreadable.
        """
        try:
            raw = (path / MANIFEST).read_bytes()
            told = json.loads(raw)
            return cls(
                path, hashlib.sha256(raw).hexdigest(), told["kind"], told["facts"], told["files"]
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BrokenError(
                f"not a sealed folder ({error})",
                place=str(path / MANIFEST),
                remedy="Remove the folder and make it again from its sources",
            ) from None

    def verify(self) -> None:
        """Read every file again.

        Raises:
            BrokenError: a file is missing, changed, or not in the manifest.
        """
        here = {str(p.relative_to(self.path)) for p in self.path.rglob("*") if p.is_file()}
        for name in sorted(here ^ (set(self.files) | {MANIFEST})):
            raise BrokenError("file missing or not in the manifest", place=str(self.path / name))
        for name, told in sorted(self.files.items()):
            if digest_file(self.path / name) != told["sha256"]:
                raise BrokenError("the file was changed", place=str(self.path / name))


class Draft:
    """A folder being written; `seal` gives it its final name, leaving without `seal` removes it.

    Use as ``with Draft(parent, kind) as draft: … draft.seal()``.
    """

    def __init__(self, parent: Path, kind: str) -> None:
        self.parent = parent
        self.kind = kind
        self.path = parent

    def __enter__(self) -> Self:
        self.parent.mkdir(parents=True, exist_ok=True)
        sweep_drafts(self.parent)
        self.path = Path(tempfile.mkdtemp(prefix=".draft-", dir=self.parent))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        shutil.rmtree(self.path, ignore_errors=True)

    def seal(self, facts: dict[str, Any], *, name: str = "") -> Sealed:
        """Write the manifest, sync all and rename; the name defaults to the digest's first 16.

        Where the same content is sealed already, that one is returned and the draft dropped.

        Raises:
            BrokenError: another content is sealed under the same name.
        """
        files = {
            str(p.relative_to(self.path)): {"bytes": p.stat().st_size, "sha256": digest_file(p)}
            for p in sorted(self.path.rglob("*"))
            if p.is_file()
        }
        raw = canonical({"format": 1, "kind": self.kind, "facts": facts, "files": files}) + b"\n"
        write_whole(self.path / MANIFEST, raw)
        digest = hashlib.sha256(raw).hexdigest()
        final = self.parent / (name or digest[:16])
        if final.exists():
            sealed = Sealed.open(final)
            if sealed.digest != digest:
                raise BrokenError("something else is sealed here already", place=str(final))
            return sealed
        for path in self.path.rglob("*"):
            if path.is_dir():
                sync_folder(path)
            elif path.is_file():
                sync_file(path)
        self.path.chmod(0o755)
        self.path.rename(final)
        sync_folder(self.parent)
        return Sealed.open(final)


def sweep_drafts(parent: Path) -> None:
    """Remove the drafts that a killed process left."""
    for left in parent.glob(".draft-*"):
        shutil.rmtree(left, ignore_errors=True)


def sealed_in(parent: Path) -> list[Sealed]:
    """The sealed folders in `parent`, by name."""
    if not parent.is_dir():
        return []
    return [Sealed.open(p) for p in sorted(parent.iterdir()) if p.is_dir() and p.name[0] != "."]
