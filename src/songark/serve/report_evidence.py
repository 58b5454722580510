"""What the permissions rest on, and how many recordings each act is open for."""

from __future__ import annotations

from dataclasses import dataclass

from ibis import _

from songark.model.evidence import Grade
from songark.rights.acts import Act
from songark.serve.report_tables import Tables
from songark.serve.report_text import percent, width

_MEANING = {
    Grade.DEPOSIT: "signed by whoever says the music is theirs",
    Grade.INDEPENDENT: "kept by somebody else: a stored licence page, a package of known hash",
    Grade.KEEPER_WORD: "a side file or setting; opens keeping at most",
    Grade.BARE_TAG: "written inside the file by anybody; opens keeping at most",
}
_ACTS = {
    Act.KEEP: "keep",
    Act.SHARE: "share",
    Act.STREAM: "stream",
    Act.ANALYSE: "analyse",
    Act.TRAIN: "train generative models",
}


@dataclass(frozen=True, slots=True)
class Rests:
    """Recordings whose permission rests on one grade of evidence: shared, or kept only."""

    label: str
    meaning: str
    shared: int
    kept: int
    shared_width: str
    kept_width: str


@dataclass(frozen=True, slots=True)
class Open:
    """One act, and the recordings it is open for."""

    label: str
    recordings: int
    share: str
    width: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """Grades, strongest first, and acts."""

    grades: tuple[Rests, ...]
    acts: tuple[Open, ...]


def read_evidence(tables: Tables, known: int) -> Evidence:
    """Count recordings by grade and by act; `known` is how many there are."""
    allowed = tables.status.filter(_.may_keep | _.may_share)
    counts = (
        allowed.group_by("grade")
        .agg(shared=_.may_share.sum(), kept=(~_.may_share).sum())
        .order_by("grade")
    )
    found = {row["grade"]: row for row in tables.rows(counts, ["grade", "shared", "kept"], "iii")}
    grades = []
    for grade in sorted(Grade, reverse=True):
        row = found.get(int(grade), {"shared": 0, "kept": 0})
        grades.append(
            Rests(
                grade.words,
                _MEANING[grade],
                row["shared"],
                row["kept"],
                width(row["shared"], known),
                width(row["kept"], known),
            )
        )
    return Evidence(tuple(grades), _acts(tables, known))


def _acts(tables: Tables, known: int) -> tuple[Open, ...]:
    open_ = tables.decided.filter(_.allowed).group_by("act").agg(n=_.recording.nunique())
    found = {row["act"]: row["n"] for row in tables.rows(open_.order_by("act"), ["act", "n"], "si")}
    return tuple(
        Open(label, n, percent(n, known), width(n, known))
        for act, label in _ACTS.items()
        for n in [found.get(act.value, 0)]
    )
