"""How long work tells how far it is, without knowing who listens."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told of stages and of bytes done."""

    def stage(self, name: str, total: int | None = None) -> None:
        """A new stage begins; `total` is its bytes, where known."""

    def done(self, count: int) -> None:
        """So many more bytes are done."""


class Silent:
    """Listens to nothing."""

    def stage(self, name: str, total: int | None = None) -> None:
        """Nothing."""

    def done(self, count: int) -> None:
        """Nothing."""
