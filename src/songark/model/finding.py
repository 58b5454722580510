"""What is set aside, with its reason."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True, slots=True)
class Reject:
    """One input that is not taken: where it is, why, and what would help."""

    place: str
    reason: str
    remedy: str = ""
