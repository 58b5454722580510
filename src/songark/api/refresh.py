"""Bringing the catalogue and the decisions up to date with their input."""

from __future__ import annotations

from songark.ark.layout import Ark
from songark.ark.seal import Sealed
from songark.catalogue.build import build_catalogue
from songark.rights.decisions import decide_all


def refresh(ark: Ark) -> Sealed:
    """Build what is out of date; returns the current decisions. The archive must be locked."""
    return decide_all(ark, build_catalogue(ark))
