"""Publishing: keep what is planned, seal the next edition, sign the feed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from songark.api.refresh import refresh
from songark.ark.layout import Ark
from songark.ark.pointer import current
from songark.ark.seal import Sealed, digest_file
from songark.catalogue.inputs import read_inputs
from songark.model.errors import NoArkError
from songark.model.finding import Reject
from songark.model.progress import Progress
from songark.plan.plan import make_plan
from songark.release.edition import make_edition, read_edition
from songark.release.feed import fingerprint
from songark.release.keys import Keys
from songark.release.publish import sign_feed
from songark.store.keep import keep_planned
from songark.store.records import held_files


@dataclass(slots=True)
class Published:
    """An edition and what was kept for it.

    facts: of the edition (edition, packs, tracks, bytes …). is_new: whether anything changed since
    the last one. manifest: SHA-256 of its manifest. fingerprint: of the feed, to tell mirrors.
    """

    facts: dict[str, Any]
    is_new: bool
    kept: int
    manifest: str
    fingerprint: str
    rejects: list[Reject] = field(default_factory=list)


def plan(ark: Ark, *, budget: int | None) -> Sealed:
    """Plan what to keep under a budget of bytes; nothing is moved.

    Raises:
        NoArkError: nothing was added yet.
        LockedError: another process is changing the archive.
    """
    with ark.lock():
        _has_music(ark)
        refresh(ark)
        return make_plan(ark, held_files(ark.store), budget=budget)


def publish(ark: Ark, *, keys: Keys, progress: Progress) -> Published:
    """Keep what may be kept under the last plan's budget, and release what may be shared.

    Raises:
        NoArkError: nothing was added yet.
        LockedError: another process is changing the archive.
        OSError: the disk is full; what was done before stays.
    """
    with ark.lock():
        _has_music(ark)
        refresh(ark)
        last = current(ark.plans)
        budget = last.facts["budget"] if last else None
        todo = make_plan(ark, held_files(ark.store), budget=budget)
        progress.stage("keeping", todo.facts["bytes"])
        kept = keep_planned(ark, todo, progress=progress.done)
        progress.stage("releasing")
        refresh(ark)
        before = len([p for p in ark.editions.iterdir() if p.name.isdecimal()]) if (
            ark.editions.is_dir()
        ) else 0  # fmt: skip
        edition = make_edition(ark)
        sign_feed(ark, keys)
    return Published(
        facts=read_edition(edition.path),
        is_new=int(edition.path.name) > before,
        kept=kept.files,
        manifest=digest_file(edition.path / "manifest.parquet"),
        fingerprint=fingerprint(ark.feed),
        rejects=kept.rejects,
    )


def _has_music(ark: Ark) -> None:
    """Refuse to publish an archive that knows of nothing: its next edition would be empty."""
    if not read_inputs(ark).folders:
        raise NoArkError(
            "no music was added yet",
            place=str(ark.snapshots),
            remedy="Add some with `songark add`; in a rebuilt archive put the snapshots back first",
        )
