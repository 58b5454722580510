"""Withdrawing: the claim first, then the signed feed, so that mirrors hear of it."""

from __future__ import annotations

from dataclasses import dataclass

from songark.ark.layout import Ark
from songark.release.history import edition_folders
from songark.release.keys import Keys
from songark.release.publish import sign_feed
from songark.rights.withdraw import withdraw as claim


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """What a withdrawal reaches: files known of the recording, and whether mirrors are told."""

    recording: str
    files: int
    announced: bool


def withdraw(ark: Ark, recording: str, *, keys: Keys) -> Withdrawn:
    """Refuse a recording from now on, here and in every edition; mirrors hear by the feed.

    The claim waits for no lock of the archive: a running publish sees it at its gate.

    Raises:
        UsageError: there is no such recording.
    """
    files = claim(ark, recording)
    told = bool(edition_folders(ark.editions))
    if told:
        sign_feed(ark, keys)
    return Withdrawn(recording, len(files), told)
