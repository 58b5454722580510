"""What can be done with a file, and the proof that it may be done."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from songark.model.identity import FileId


class Act(StrEnum):
    """The acts that are decided, each for itself."""

    KEEP = "keep"
    SHARE = "share"
    STREAM = "stream"
    TRAIN = "train-generative"
    ANALYSE = "analyse"


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether one act may be done with one file, everywhere, and why.

    code: a short stable word for the reason. why: the reason for people. fix: what would change
    it, empty where nothing is wanted. licence: the SPDX expression it rests on; licence_class:
    how packs are split, such as ``CC-BY-SA``. grade: of the evidence it rests on, 0 for none.
    """

    act: Act
    allowed: bool
    code: str
    why: str
    fix: str = ""
    licence: str = ""
    licence_class: str = ""
    grade: int = 0


@dataclass(frozen=True, slots=True)
class Clearance:
    """One file is cleared for one act, everywhere, by the decisions named.

    Only the rights room makes one (a test reads the code); keeping, releasing, serving and
    exporting take one instead of a bare id.
    """

    file: FileId
    act: Act
    licence: str
    licence_class: str
    decisions: str
