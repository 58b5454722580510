"""Parquet as we write it: the same rows give the same bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from songark.ark.atomic import whole_file

ROW_GROUP = 122_880


def write_table(
    path: Path, schema: pa.Schema, rows: Iterable[Mapping[str, Any]], *, batch: int = 20_480
) -> int:
    """Write rows in the order they come; returns how many. Memory holds one row group.

    Raises:
        pyarrow.ArrowInvalid: a row does not fit the schema.
    """
    return write_batches(path, schema, _batches(schema, rows, batch))


def write_batches(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> int:
    """Write Arrow record batches in the order they come; returns the number of rows."""
    count = 0
    waiting: list[pa.RecordBatch] = []
    held = 0
    with (
        whole_file(path) as stream,
        pq.ParquetWriter(stream, schema, compression="zstd", version="2.6") as writer,
    ):
        for one in batches:
            rest = one
            while rest.num_rows:
                part = rest.slice(0, ROW_GROUP - held)
                rest = rest.slice(part.num_rows)
                waiting.append(part)
                held += part.num_rows
                if held == ROW_GROUP:
                    writer.write_table(_row_group(waiting, schema))
                    waiting, held = [], 0
            count += one.num_rows
        if waiting:
            writer.write_table(_row_group(waiting, schema))
    return count


def _row_group(batches: list[pa.RecordBatch], schema: pa.Schema) -> pa.Table:
    """One chunk a column: the writer ends pages where chunks end, and batches must not show."""
    return pa.Table.from_batches(batches, schema).combine_chunks()


def read_rows(path: Path, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
    """The rows of a Parquet file as dicts, in order, some thousands in memory at a time."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(
            batch_size=20_480, columns=list(columns) if columns else None
        ):
            yield from batch.to_pylist()


def _batches(
    schema: pa.Schema, rows: Iterable[Mapping[str, Any]], size: int
) -> Iterator[pa.RecordBatch]:
    waiting: list[Mapping[str, Any]] = []
    for row in rows:
        waiting.append(row)
        if len(waiting) == size:
            yield pa.RecordBatch.from_pylist(waiting, schema)
            waiting = []
    if waiting:
        yield pa.RecordBatch.from_pylist(waiting, schema)
