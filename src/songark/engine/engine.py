"""One place that runs queries: DuckDB through Ibis, within bounds of memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from songark.ark.tables import write_batches


class Engine:
    """Runs Ibis expressions over Parquet.

    Args:
        spill: a folder for what does not fit in memory.
        memory: DuckDB's bound, such as ``4GB``.
    """

    def __init__(self, spill: Path, *, memory: str = "4GB") -> None:
        self._connection = ibis.duckdb.connect(
            memory_limit=memory, temp_directory=str(spill), autoinstall_known_extensions=False
        )
        self._connection.raw_sql("SET enable_progress_bar=false")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._connection.disconnect()

    def parquet(self, paths: Path | Sequence[Path]) -> ir.Table:
        """The rows of one or more Parquet files of the same columns."""
        several = [paths] if isinstance(paths, Path) else list(paths)
        return self._connection.read_parquet([str(p) for p in several])

    def rows(self, table: pa.Table) -> ir.Table:
        """An Arrow table that is in memory already."""
        return ibis.memtable(table)

    def fetch(self, query: ir.Table, schema: pa.Schema) -> pa.Table:
        """Run a query whose result is small enough for memory."""
        return pa.Table.from_batches(self._run(query, schema), schema)

    def write(self, query: ir.Table, schema: pa.Schema, path: Path) -> int:
        """Run a query into a Parquet file; its order must be total. Returns the rows."""
        return write_batches(path, schema, self._run(query, schema))

    def _run(self, query: ir.Table, schema: pa.Schema) -> Iterable[pa.RecordBatch]:
        reader = self._connection.to_pyarrow_batches(query.select(*schema.names))
        for batch in reader:
            yield pa.RecordBatch.from_arrays(
                [
                    column.cast(field.type)
                    for column, field in zip(batch.columns, schema, strict=True)
                ],
                schema=schema,
            )
