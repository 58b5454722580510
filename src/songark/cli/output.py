"""What a verb shows: for people on a terminal, as JSON lines for programs.

JSON lines have `message_type`: ``status`` while it works, ``error``, and ``summary``, the last.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from songark.model.errors import SongarkError
from songark.model.finding import Reject

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bars

_STATUS_EVERY = 0.5
_SHOWN = 20


class Output:
    """Prints what a verb has to say. Results go to stdout, progress and errors to stderr."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self._bars: Bars | None = None
        self._task: Any = None
        self._stage = ""
        self._total: int | None = None
        self._done = 0
        self._last = 0.0
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._end_bars()

    # Progress, as songark.model.progress has it.

    def stage(self, name: str, total: int | None = None) -> None:
        """Begin a stage of `total` bytes."""
        self._end_bars()
        self._stage, self._total, self._done, self._last = name, total, 0, 0.0
        if self.as_json:
            self._status()
        elif sys.stderr.isatty():
            self._start_bars()

    def done(self, count: int) -> None:
        """So many more bytes are done; any thread may say so."""
        with self._lock:
            self._done += count
            if self._bars is not None:
                self._bars.update(self._task, advance=count)
            elif self.as_json and time.monotonic() - self._last >= _STATUS_EVERY:
                self._status()

    # Results.

    def say(self, text: str = "") -> None:
        """A line for people."""
        if not self.as_json:
            self._end_bars()
            self._console().print(text, highlight=False, markup=False, soft_wrap=True)

    def status(self, **values: Any) -> None:  # noqa: ANN401 - JSON values
        """A line for programs while it works."""
        if self.as_json:
            self._line({"message_type": "status", **values})

    def table(self, title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """A table for people."""
        if self.as_json:
            return
        from rich import box
        from rich.table import Table
        from rich.text import Text

        self._end_bars()
        # Wide enough for the reasons in full, or as narrow as the terminal is.
        drawn = Table(title=title or None, box=box.SIMPLE_HEAD, title_justify="left")
        for name in columns:
            drawn.add_column(name, overflow="fold")
        for row in rows:
            drawn.add_row(*(Text(str(cell)) for cell in row))
        self._console().print(drawn)

    def rejects(self, rejects: Sequence[Reject], title: str = "Not taken") -> None:
        """What was set aside or found wrong, each with its place, reason and remedy."""
        for one in rejects:
            self.status(event="reject", place=one.place, reason=one.reason, remedy=one.remedy)
        if rejects:
            rows = [(r.place, r.reason, r.remedy) for r in rejects[:_SHOWN]]
            more = f" (the first {_SHOWN} of {len(rejects)})" if len(rejects) > _SHOWN else ""
            self.table(f"{title}{more}", ("File", "Why", "What helps"), rows)

    def error(self, error: SongarkError, exit_code: int | None = None) -> None:
        """What went wrong, where, and what to do next."""
        self._end_bars()
        if self.as_json:
            self._line(
                {
                    "message_type": "error",
                    "error": error.message,
                    "place": error.place,
                    "remedy": error.remedy,
                    "exit_code": error.exit_code if exit_code is None else exit_code,
                }
            )
        else:
            print(f"songark: {error}", file=sys.stderr)

    def summary(self, **values: Any) -> None:  # noqa: ANN401 - JSON values
        """The last line for programs."""
        if self.as_json:
            self._line({"message_type": "summary", **values})

    def _status(self) -> None:
        self._last = time.monotonic()
        told: dict[str, Any] = {"stage": self._stage, "bytes_done": self._done}
        if self._total is not None:
            told["bytes_total"] = self._total
        self._line({"message_type": "status", **told})

    @staticmethod
    def _line(value: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")
        sys.stdout.flush()

    @staticmethod
    def _console() -> Console:
        from rich.console import Console

        # A pipe has no width; a reader of a log wants the reasons on one line.
        width = None if sys.stdout.isatty() else int(os.environ.get("COLUMNS", "160"))
        return Console(file=sys.stdout, width=width)

    def _start_bars(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            SpinnerColumn,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        columns = [SpinnerColumn(), TextColumn("{task.description}")]
        if self._total is not None:
            columns += [BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()]
        self._bars = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._bars.add_task(self._stage, total=self._total)
        self._bars.start()

    def _end_bars(self) -> None:
        if self._bars is not None:
            self._bars.stop()
            self._bars = None
