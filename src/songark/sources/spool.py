"""Rows of several tables made in one pass: each waits on the disk until it is written."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from songark.ark.tables import write_batches

_BATCH = 4_096


class Spool:
    """Takes rows one by one and writes them as one table at the end; memory holds one batch."""

    def __init__(self, schema: pa.Schema, stream: Any) -> None:  # noqa: ANN401 - a temporary file
        self._schema = schema
        self._stream = stream
        self._writer = pa.ipc.new_stream(stream, schema)
        self._waiting: list[Mapping[str, Any]] = []
        self.count = 0

    def add(self, row: Mapping[str, Any]) -> None:
        """Take one row."""
        self._waiting.append(row)
        self.count += 1
        if len(self._waiting) == _BATCH:
            self._flush()

    def extend(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Take several rows."""
        for row in rows:
            self.add(row)

    def write(self, path: Path) -> int:
        """Write all rows as Parquet, in the order they came; returns how many. Call it once."""
        self._flush()
        self._writer.close()
        self._stream.seek(0)
        with pa.ipc.open_stream(self._stream) as reader:
            return write_batches(path, self._schema, reader)

    def _flush(self) -> None:
        if self._waiting:
            self._writer.write_batch(pa.RecordBatch.from_pylist(self._waiting, self._schema))
            self._waiting = []


@contextmanager
def spooled(schema: pa.Schema, folder: Path) -> Iterator[Spool]:
    """A spool over a nameless file on the disk of `folder`."""
    with tempfile.TemporaryFile(dir=folder) as stream:
        yield Spool(schema, stream)
