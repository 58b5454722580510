"""A log of listens already counted: how often each recording was listened to, and nobody's name.

CSV with the header ``recording,listens`` or ``artist,title,listens``, or JSON lines with the same
keys. A recording is ``isrc:…``, ``mbid:…``, ``songark:…`` or ``name:`` artist, a tab, title. Any
other column refuses the whole log: who listened, and when, has to be counted away before.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from songark.ark.seal import Draft, Sealed
from songark.ark.tables import write_table
from songark.model.errors import SongarkError, UsageError
from songark.model.finding import Reject
from songark.model.schema import LISTEN, REJECT
from songark.sources.listens_rows import MadeUp, Row, read_rows_of
from songark.sources.names import is_text, printable
from songark.sources.runs import Runs
from songark.sources.spool import Spool, spooled

SOURCE = "listens"
MAX_LISTENS = 2**53

_ENDINGS = {".csv", ".jsonl", ".ndjson"}


def is_listens(path: Path) -> bool:
    """Whether a file is read as a log of listens: by its ending, ``.csv`` or ``.jsonl``."""
    return path.suffix.lower() in _ENDINGS


def read_listens(path: Path, snapshots: Path, *, made_up: bool = False) -> Sealed:
    """Seal a log of listens as a snapshot, summed for each recording, in order of recordings.

    Facts: `source`, `place` (the file, absolute), `lines` that hold a count or should, `rejects`,
    `rows`, `listens` in all, `made_up`: whether the numbers are invented, by the argument or by a
    line ``# made up`` before the header.

    Args:
        path: the log.
        snapshots: where snapshots lie; this one goes to ``listens/<id>/`` in it.
        made_up: say that the numbers are invented.

    Raises:
        UsageError: it cannot be read, or has columns other than those allowed.
    """
    whole = path.resolve()
    if not whole.is_file() or not is_text(str(whole)):
        raise UsageError("no such file, or its path is not UTF-8", place=printable(str(path)))
    with Draft(snapshots / SOURCE, SOURCE) as draft, ExitStack() as stack:
        rejects = stack.enter_context(spooled(REJECT, draft.path))
        runs = stack.enter_context(Runs(draft.path))
        counts = {"lines": 0, "listens": 0}
        for row in _rows(whole):
            if isinstance(row, MadeUp):
                made_up = True
                continue
            counts["lines"] += 1
            if isinstance(row, Reject):
                rejects.add(asdict(row))
            else:
                runs.add(row.recording, row.listens)
        table = draft.path / "listens.parquet"
        counts["rows"] = write_table(table, LISTEN, _summed(runs, rejects, counts, whole.name))
        counts["rejects"] = rejects.write(draft.path / "rejects.parquet")
        return draft.seal({"source": SOURCE, "place": str(whole), "made_up": made_up} | counts)


def _summed(
    runs: Runs, rejects: Spool, counts: dict[str, int], name: str
) -> Iterator[dict[str, Any]]:
    for recording, listens in runs.summed():
        if listens > MAX_LISTENS:
            reject = Reject(f"{name}, {recording}", "more than 2^53 listens in all", "Mend the log")
            rejects.add(asdict(reject))
            continue
        counts["listens"] += listens
        yield {"recording": recording, "listens": listens}


def _rows(path: Path) -> Iterator[Row | Reject | MadeUp]:
    try:
        with path.open("rb") as stream:
            yield from read_rows_of(stream, path.name)
    except OSError as error:
        raise UsageError(f"cannot be read ({error.strerror})", place=str(path)) from None
    except SongarkError as error:
        raise UsageError(error.message, place=error.place, remedy=error.remedy) from None
