"""The gate: what is not cleared at this moment is refused."""

from __future__ import annotations

from collections.abc import Iterator

from songark.ark.journal import ZERO, Head
from songark.ark.layout import Ark
from songark.ark.pointer import current
from songark.ark.tables import read_rows
from songark.model.errors import RefusedError
from songark.model.identity import FileId
from songark.rights.acts import Act, Clearance
from songark.rights.ledger import Claims


class Gate:
    """Clears files for one act, from the current decisions and everything the ledger says since.

    It never opens wider than the decisions: a withdrawal closes at once, an opening waits for the
    next decisions.
    """

    def __init__(self, ark: Ark, act: Act) -> None:
        self._ark = ark
        self._act = act
        self._claims = Claims()
        self._watched = (ark.ledger.path, ark.decisions / "current")
        self._seen: tuple[object, ...] = ()
        self._cleared: dict[FileId, Clearance] = {}
        self._decisions = ""
        self.refresh()

    def refresh(self) -> bool:
        """Look again at the ledger and the current decisions; returns whether either changed.

        Cheap where nothing changed, so it can be asked before every byte that is served.

        Raises:
            BrokenError: the ledger or the decisions are broken; the gate is then closed for
                everything.
        """
        seen = self._look()
        if seen == self._seen:
            return False
        try:
            self._claims.read(self._ark.ledger)
            self._read_decisions()
        except BaseException:
            # Closed, and everything is read anew once it is mended.
            self._cleared, self._decisions, self._seen = {}, "", ()
            raise
        self._seen = seen
        return True

    def clear(self, file: FileId) -> Clearance:
        """The clearance for one file at this moment.

        Raises:
            RefusedError: it is not cleared.
        """
        self.refresh()
        found = self._cleared.get(file)
        if found is None or file in self._claims.withdrawn:
            raise RefusedError(
                f"not cleared to {self._act.value}",
                place=str(file),
                remedy="`songark explain` says why",
            )
        return found

    def is_clear(self, file: FileId) -> bool:
        """Whether the file is cleared at this moment."""
        self.refresh()
        return file in self._cleared and file not in self._claims.withdrawn

    def clearances(self) -> Iterator[Clearance]:
        """Everything cleared at this moment, by file."""
        self.refresh()
        for file in sorted(self._cleared):
            if file not in self._claims.withdrawn:
                yield self._cleared[file]

    def withdrawn(self) -> dict[FileId, str]:
        """Every file ever withdrawn, and when."""
        self.refresh()
        return dict(self._claims.withdrawn)

    def _look(self) -> tuple[object, ...]:
        marks: list[object] = []
        for path in self._watched:
            try:
                told = path.stat()
                marks.append((told.st_ino, told.st_size, told.st_mtime_ns))
            except FileNotFoundError:
                marks.append(None)
        return tuple(marks)

    def _read_decisions(self) -> None:
        sealed = current(self._ark.decisions)
        if sealed is None:
            self._cleared, self._decisions = {}, ""
            return
        if sealed.digest == self._decisions:
            return
        sealed.verify()
        # A ledger shorter than the decisions rest on has lost withdrawals: then nothing is clear.
        for _line in self._ark.ledger.lines(Head(*sealed.facts.get("ledger", (0, ZERO)))):
            pass
        columns = ["root", "size", "act", "allowed", "licence", "licence_class"]
        self._cleared = {
            file: Clearance(file, self._act, row["licence"], row["licence_class"], sealed.digest)
            for row in read_rows(sealed.path / "decision.parquet", columns)
            if row["act"] == self._act.value and row["allowed"]
            for file in [FileId(row["root"], row["size"])]
        }
        self._decisions = sealed.digest
