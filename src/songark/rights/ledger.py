"""Claims in the ledger: signed deposits, stored pages, withdrawals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from songark.ark.journal import Head, Journal
from songark.model.evidence import Grade, Part, Statement
from songark.model.identity import FileId

# A line stays small enough to read and to hash at once.
_FILES_A_LINE = 1_000


@dataclass(slots=True)
class Claims:
    """What the ledger says. `head` is how far it was read.

    statements: by file. withdrawn: when each file was withdrawn; recordings: likewise by
    recording, so that another file of it is withdrawn too.
    """

    head: Head = field(default_factory=Head)
    statements: dict[FileId, list[Statement]] = field(default_factory=dict)
    withdrawn: dict[FileId, str] = field(default_factory=dict)
    recordings: dict[str, str] = field(default_factory=dict)

    def read(self, journal: Journal) -> bool:
        """Take in the lines that came since; returns whether there were any.

        Raises:
            BrokenError: the ledger was changed, or its tail was cut.
        """
        before = self.head
        for line in journal.lines(self.head):
            files = [FileId.parse(text) for text in line.body["files"]]
            if line.kind == "withdrawal":
                self.recordings.setdefault(line.body["recording"], line.at)
                for file in files:
                    self.withdrawn.setdefault(file, line.at)
            elif line.kind in {"deposit", "evidence"}:
                statement = _statement(line.kind, line.body, line.n)
                for file in files:
                    self._state(file, statement)
            self.head = Head(line.n, line.hash)
        return self.head != before

    def _state(self, file: FileId, statement: Statement) -> None:
        """Add a statement; a signed one takes the place of earlier ones on the same works."""
        kept = [
            one
            for one in self.statements.get(file, [])
            if statement.kind != "deposit" or one.kind != "deposit" or one.parts - statement.parts
        ]
        self.statements[file] = [*kept, statement]


def claim_licence(
    journal: Journal,
    kind: str,
    files: Iterable[FileId],
    *,
    licence: str,
    parts: Iterable[Part],
    document: str,
    place: str,
) -> int:
    """Write that a document licenses files; returns how many files.

    Args:
        journal: the ledger.
        kind: ``deposit`` or ``evidence``.
        files: what it speaks of.
        licence: the SPDX expression.
        parts: the works in the files that it speaks of.
        document: the salted commitment to the document.
        place: where the document came from, without personal data.
    """
    every = sorted(set(files))
    common = {
        "licence": licence,
        "parts": sorted(parts),
        "document": document,
        "place": place,
    }
    journal.extend([(kind, common | {"files": part}) for part in _lines(every)])
    return len(every)


def claim_withdrawal(journal: Journal, recording: str, files: Iterable[FileId]) -> int:
    """Write that a recording is withdrawn, with every file it ever had; returns how many."""
    every = sorted(set(files))
    journal.extend([("withdrawal", {"recording": recording, "files": p}) for p in _lines(every)])
    return len(every)


def _lines(files: Sequence[FileId]) -> Iterator[list[str]]:
    for start in range(0, len(files), _FILES_A_LINE):
        yield [str(file) for file in files[start : start + _FILES_A_LINE]]


def _statement(kind: str, body: dict[str, object], line: int) -> Statement:
    parts = body["parts"]
    assert isinstance(parts, list)
    return Statement(
        kind="deposit" if kind == "deposit" else "page",
        grade=Grade.DEPOSIT if kind == "deposit" else Grade.INDEPENDENT,
        licence_raw=str(body["licence"]),
        licence=str(body["licence"]),
        parts=frozenset(Part(p) for p in parts),
        holder="",
        place=f"{body['place']}, ledger line {line}",
        document=str(body["document"]),
    )
