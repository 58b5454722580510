"""Which sealed snapshots a build reads, in the order in which they came."""

from __future__ import annotations

from dataclasses import dataclass

from songark.ark.layout import Ark
from songark.ark.seal import Sealed, sealed_in
from songark.model.errors import BrokenError


@dataclass(frozen=True, slots=True)
class Inputs:
    """A build's input. `folders` and `listens` come oldest first, `probes` by name."""

    folders: tuple[Sealed, ...]
    listens: tuple[Sealed, ...]
    probes: tuple[Sealed, ...]

    @property
    def digests(self) -> list[str]:
        """What the build depends on, in order."""
        return [s.digest for s in (*self.folders, *self.listens, *self.probes)]


def read_inputs(ark: Ark) -> Inputs:
    """Follow the journal's ingestions; a listens log replaces the one from the same place.

    Raises:
        BrokenError: the journal is broken, or names a snapshot that is gone.
    """
    found: dict[str, dict[str, Sealed]] = {"folder": {}, "listens": {}}
    for line in ark.events.lines():
        if line.kind != "ingestion":
            continue
        source, name, place = (line.body[k] for k in ("source", "snapshot", "place"))
        path = ark.snapshots / source / name
        if not path.is_dir():
            raise BrokenError(
                "the journal names this snapshot and it is gone",
                place=str(path),
                remedy=f"Restore it from a copy, or add {place} again",
            )
        by_key = found[source]
        key = place if source == "listens" else name
        by_key.pop(key, None)
        by_key[key] = Sealed.open(path)
    return Inputs(
        tuple(found["folder"].values()),
        tuple(found["listens"].values()),
        tuple(sealed_in(ark.snapshots / "store")),
    )
