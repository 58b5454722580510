"""The tables of ``docs/formats.md``, written from the schemas in the code.

``python -m tests.docs.tables`` in a checkout writes them anew.
"""

import re
from pathlib import Path

import pyarrow as pa

from songark.catalogue import schema as catalogue
from songark.model import schema as model
from songark.plan.plan import STEP
from songark.release.coverage import CURVE
from songark.release.edition import MANIFEST
from songark.rights.decisions import DECISION
from songark.store.records import HOLDING

PAGE = Path(__file__).resolve().parents[2] / "docs" / "formats.md"

TABLES = {
    "tracks.parquet": model.TRACK,
    "identifiers.parquet": model.IDENTIFIER,
    "statements.parquet": model.STATEMENT,
    "rejects.parquet": model.REJECT,
    "listens.parquet": model.LISTEN,
    "probes.parquet": catalogue.PROBE,
    "text.parquet": catalogue.TEXT,
    "row.parquet": catalogue.ROW,
    "edge.parquet": catalogue.EDGE,
    "recording.parquet": catalogue.RECORDING,
    "membership.parquet": catalogue.MEMBERSHIP,
    "identifier.parquet": catalogue.IDENTIFIER,
    "conflict.parquet": catalogue.CONFLICT,
    "registry.parquet": catalogue.REGISTRY,
    "redirect.parquet": catalogue.REDIRECT,
    "decision.parquet": DECISION,
    "plan.parquet": STEP,
    "holding.parquet": HOLDING,
    "manifest.parquet": MANIFEST,
    "coverage_curve.parquet": CURVE,
}

_SLOT = re.compile(r"(<!-- table: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def table(schema: pa.Schema) -> str:
    """One table, a line a column; ``?`` behind a type: the column may be null."""
    lines = ["| Column | Type | Meaning |", "| --- | --- | --- |"]
    for field in schema:
        null = "?" if field.nullable else ""
        meaning = (field.metadata or {})[b"meaning"].decode().replace("|", "\\|")
        lines.append(f"| `{field.name}` | {_kind(field.type)}{null} | {meaning} |")
    return "\n".join(lines) + "\n"


def filled(page: str) -> str:
    """The page with each table as the code has it."""
    return _SLOT.sub(lambda slot: slot[1] + table(TABLES[slot[2]]) + slot[3], page)


def slots(page: str) -> list[str]:
    """The tables that the page has a place for."""
    return [slot[2] for slot in _SLOT.finditer(page)]


def _kind(kind: pa.DataType) -> str:
    if pa.types.is_list(kind):
        return f"list of {_kind(kind.value_type)}"
    return {"bool": "boolean"}.get(
        str(kind), re.sub(r"fixed_size_binary\[(\d+)\]", r"binary(\1)", str(kind))
    )


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
