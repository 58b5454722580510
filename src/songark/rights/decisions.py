"""Decisions over the whole catalogue, sealed with the ledger's head they rest on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from songark.ark.journal import Head
from songark.ark.layout import Ark
from songark.ark.pointer import current, set_current
from songark.ark.seal import Draft, Sealed
from songark.ark.tables import read_rows, write_table
from songark.catalogue.registry import living_ids
from songark.engine.engine import Engine
from songark.model.errors import BrokenError
from songark.model.identity import FileId
from songark.model.schema import column
from songark.rights.decide import decide
from songark.rights.deposit import Depositors
from songark.rights.ledger import Claims
from songark.rights.statements import said_of_files

# Whoever changes a rule counts this up, so that nothing rests on an older rule unnoticed.
RULES = 2

DECISION = pa.schema(
    [
        column("root", pa.binary(32), "BEP 52 root of the file"),
        column("size", pa.int64(), "length of the file in bytes"),
        column("recording", pa.string(), "the recording it holds"),
        column("act", pa.string(), "keep, share, stream, train-generative, analyse"),
        column("allowed", pa.bool_(), "whether it may be done, everywhere"),
        column("code", pa.string(), "the reason in one stable word"),
        column("why", pa.string(), "the reason for people"),
        column("fix", pa.string(), "what would change it, empty where nothing is wanted"),
        column("licence", pa.string(), "SPDX expression it rests on"),
        column("licence_class", pa.string(), "class that packs are split by"),
        column("grade", pa.int8(), "grade of the evidence, 0 for none"),
        column("holder", pa.string(), "who holds the right, as the statements say"),
    ]
)


def decide_all(ark: Ark, catalogue: Sealed) -> Sealed:
    """Decide every act for every file of a catalogue build and make it current.

    With the same catalogue, ledger and rules as last time, those decisions are returned.

    Raises:
        BrokenError: the ledger was changed or cut since decisions were last made.
    """
    claims = Claims()
    claims.read(ark.ledger)
    last = current(ark.decisions)
    if last:
        _anchored(ark, Head(*last.facts["ledger"]))
    facts = {
        "catalogue": catalogue.digest,
        "ledger": [claims.head.count, claims.head.hash],
        "rules": RULES,
    }
    if last and all(last.facts[name] == value for name, value in facts.items()):
        return last
    with Draft(ark.decisions, "decisions") as draft, Engine(ark.path / "spill") as engine:
        rows = _rows(ark, catalogue, engine, claims)
        write_table(draft.path / "decision.parquet", DECISION, rows)
        sealed = draft.seal(facts)
    set_current(sealed)
    return sealed


def _anchored(ark: Ark, head: Head) -> None:
    try:
        for _line in ark.ledger.lines(head):
            pass
    except BrokenError as error:
        raise BrokenError(
            f"the ledger is not the one decisions rest on: {error.message}",
            place=error.place,
            remedy=error.remedy,
        ) from None


def _withdrawn_recordings(catalogue: Sealed, claims: Claims) -> dict[str, str]:
    """When each recording was withdrawn: by its id, by one merged into it, or by a file it has."""
    redirects = read_rows(catalogue.path / "redirect.parquet")
    living = living_ids((r["old"], r["new"], r["kind"]) for r in redirects)
    told = [(living.get(name, name), at) for name, at in claims.recordings.items()]
    if claims.withdrawn:
        members = read_rows(catalogue.path / "membership.parquet", ["root", "size", "recording"])
        found = ((r["recording"], FileId(r["root"], r["size"])) for r in members)
        told += [(name, claims.withdrawn[f]) for name, f in found if f in claims.withdrawn]
    gone: dict[str, str] = {}
    for name, at in told:
        gone[name] = min(at, gone.get(name, at))
    return gone


def _rows(ark: Ark, catalogue: Sealed, engine: Engine, claims: Claims) -> Iterator[dict[str, Any]]:
    named = Depositors(ark.documents)
    gone = _withdrawn_recordings(catalogue, claims)
    for file, recording, facts, said in said_of_files(ark, catalogue, engine):
        every = [*said, *map(named.fill, claims.statements.get(file, []))]
        holder = "; ".join(sorted({s.holder for s in every if s.holder}))
        withdrawn = claims.withdrawn.get(file) or gone.get(recording, "")
        decided = decide(facts, every, withdrawn)
        for act, one in sorted(decided.items()):
            yield {
                "root": file.root,
                "size": file.size,
                "recording": recording,
                "act": act.value,
                "allowed": one.allowed,
                "code": one.code,
                "why": one.why,
                "fix": one.fix,
                "licence": one.licence,
                "licence_class": one.licence_class,
                "grade": one.grade,
                "holder": holder,
            }
