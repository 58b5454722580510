"""The report's headline figures, and coverage at each step from known to held elsewhere."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ibis import _

from songark.ark.seal import digest_file
from songark.release.edition import read_edition
from songark.release.history import torrent_lines
from songark.serve.report_tables import Tables
from songark.serve.report_text import percent, width
from songark.store.keep import TEXT
from songark.store.records import segments


@dataclass(frozen=True, slots=True)
class Step:
    """One step of coverage; `recordings` is None where nobody knows yet.

    share: of all listens, or of recordings where there are no listens. width: of its bar, percent.
    """

    label: str
    recordings: int | None
    listens: int = 0
    share: str = ""
    width: str = "0"


@dataclass(frozen=True, slots=True)
class Released:
    """The last edition: its number, size, digests, and what was closed since."""

    edition: int
    tracks: int
    packs: int
    bytes: int
    index: str
    manifest: str
    closed: int


@dataclass(frozen=True, slots=True)
class Moment:
    """What the journals say: the last event, the last fixity check, the ledger's head.

    check: the body of the last check with its `at`, empty before the first.
    """

    at: str
    check: Mapping[str, Any]
    ledger: tuple[int, str]


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts over the whole archive.

    listens: all of the logs, also those that no recording matches. made_up: whether any log says
    of itself that it is invented. held: files that the store has a record of.
    """

    known: int
    may_keep: int
    may_share: int
    withdrawn: int
    listens: int
    made_up: bool
    held: int
    held_bytes: int
    released: Released | None
    steps: tuple[Step, ...]
    moment: Moment


def count_figures(tables: Tables) -> Figures:
    """Count everything once."""
    names = ("known", "kept", "shared", "gone", "heard", "heard_kept", "heard_shared")
    (status,) = tables.rows(
        tables.status.agg(
            known=_.count(),
            kept=_.may_keep.sum().fill_null(0),
            shared=_.may_share.sum().fill_null(0),
            gone=(_.code == "withdrawn").sum().fill_null(0),
            heard=_.listens.sum().fill_null(0),
            heard_kept=_.listens.sum(where=_.may_keep).fill_null(0),
            heard_shared=_.listens.sum(where=_.may_share).fill_null(0),
        ),
        names,
        "iiiiiii",
    )
    lost = tables.conflict.filter(_.kind == "listens")
    (unmatched,) = tables.rows(
        lost.agg(listens=_.left.cast("int64").sum().fill_null(0)), ["listens"], "i"
    )
    sealed = sealed_coverage(tables.edition)
    listens = status["heard"] + unmatched["listens"]
    held, held_bytes = _held(tables)
    return Figures(
        known=status["known"],
        may_keep=status["kept"],
        may_share=status["shared"],
        withdrawn=status["gone"],
        listens=listens if tables.is_catalogued else sealed.get("listens", 0),
        made_up=bool(sealed.get("made_up"))
        or any(bool(one.facts.get("made_up")) for one in tables.inputs.listens),
        held=held,
        held_bytes=held_bytes,
        released=_released(tables),
        steps=_steps(tables, status, listens) if tables.is_catalogued else _sealed_steps(sealed),
        moment=_moment(tables),
    )


def sealed_coverage(edition: Path | None) -> dict[str, Any]:
    """An edition's ``coverage.json``, empty before the first."""
    if edition is None:
        return {}
    told: dict[str, Any] = json.loads((edition / "coverage.json").read_bytes())
    return told


def _steps(tables: Tables, status: Mapping[str, int], listens: int) -> tuple[Step, ...]:
    names = tables.membership.select("root", "size", "recording").distinct()
    files = tables.manifest.select("root", "size")
    out = names.semi_join(files, ["root", "size"]).select("recording").distinct()
    counted = tables.recording.semi_join(out, "recording").agg(
        recordings=_.count(), listens=_.listens.sum().fill_null(0)
    )
    (released,) = tables.rows(counted, ["recordings", "listens"], "ii")
    return _drawn(
        [
            ("Catalogued", status["known"], status["heard"]),
            ("May be kept", status["kept"], status["heard_kept"]),
            ("May be shared", status["shared"], status["heard_shared"]),
            ("Released", released["recordings"], released["listens"]),
        ],
        listens,
    )


def _sealed_steps(sealed: Mapping[str, Any]) -> tuple[Step, ...]:
    """As the last edition says, where the catalogue is not here: an archive made anew."""
    names = {
        "Catalogued": "catalogued",
        "May be kept": "may_be_kept",
        "May be shared": "may_be_shared",
        "Released": "released",
    }
    if not sealed:
        return ()
    told = [(label, sealed[key]["recordings"], sealed[key]["listens"]) for label, key in
            names.items()]  # fmt: skip
    return _drawn(told, sealed["listens"])


def _drawn(told: list[tuple[str, int, int]], listens: int) -> tuple[Step, ...]:
    steps = []
    for label, recordings, heard in told:
        part, whole = (heard, listens) if listens else (recordings, told[0][1])
        steps.append(Step(label, recordings, heard, percent(part, whole), width(part, whole)))
    return (*steps, Step("Verified elsewhere", None))


def _held(tables: Tables) -> tuple[int, int]:
    paths = [one.path / "holding.parquet" for one in segments(tables.ark.store)]
    if not paths:
        return 0, 0
    files = tables.engine.parquet(paths).filter(_.extension != TEXT).select("root", "size")
    counted = files.distinct().agg(files=_.count(), bytes=_["size"].sum().fill_null(0))
    (row,) = tables.rows(counted, ["files", "bytes"], "ii")
    return row["files"], row["bytes"]


def _released(tables: Tables) -> Released | None:
    if tables.edition is None:
        return None
    facts = read_edition(tables.edition)
    (closed,) = tables.rows(tables.closed.agg(n=_.count()), ["n"], "i")
    return Released(
        edition=facts["edition"],
        tracks=facts["tracks"],
        packs=sum(1 for _line in torrent_lines(tables.edition)),
        bytes=facts["bytes"],
        index=hashlib.sha256((tables.edition / "SHA256SUMS").read_bytes()).hexdigest(),
        manifest=digest_file(tables.edition / "manifest.parquet"),
        closed=closed["n"],
    )


def _moment(tables: Tables) -> Moment:
    at, check = "", {}
    for line in tables.ark.events.lines():
        at = line.at
        if line.kind == "fixity check":
            check = {**line.body, "at": line.at}
    head = (0, "")
    for line in tables.ark.ledger.lines():
        at = max(at, line.at)
        head = (line.n, line.hash)
    return Moment(at, check, head)
