"""One place that runs queries: DuckDB through Ibis, within bounds of memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from songark.ark.scratch import scratch
from songark.ark.tables import write_batches

_BATCH = 20_480


class Engine:
    """Runs Ibis expressions over Parquet.

    Args:
        spill: a folder for what does not fit in memory.
        memory: DuckDB's bound, such as ``4GB``.
    """

    def __init__(self, spill: Path, *, memory: str = "4GB") -> None:
        self._open = ExitStack()
        self.scratch = self._open.enter_context(scratch(spill))
        """A folder for tables that live as long as this engine."""
        self._connection = ibis.duckdb.connect(
            memory_limit=memory,
            temp_directory=str(self.scratch),
            autoinstall_known_extensions=False,
        )
        self._connection.raw_sql("SET enable_progress_bar=false")
        self._tables = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._connection.disconnect()
        self._open.close()

    def parquet(self, paths: Path | Sequence[Path]) -> ir.Table:
        """The rows of one or more Parquet files of the same columns."""
        several = [paths] if isinstance(paths, Path) else list(paths)
        return self._connection.read_parquet([str(p) for p in several])

    def rows(self, table: pa.Table) -> ir.Table:
        """An Arrow table that is in memory already."""
        self._tables += 1
        # By a file, since Ibis does not know Arrow's binaries of fixed size.
        path = self.scratch / f"rows-{self._tables}.parquet"
        write_batches(path, table.schema, table.to_batches())
        return self.parquet(path)

    def fetch(self, query: ir.Table, schema: pa.Schema) -> pa.Table:
        """Run a query whose result is small enough for memory."""
        return pa.Table.from_batches(self._run(query, schema), schema)

    def write(self, query: ir.Table, schema: pa.Schema, path: Path) -> int:
        """Run a query into a Parquet file; its order must be total. Returns the rows."""
        return write_batches(path, schema, self._run(query, schema))

    def _run(self, query: ir.Table, schema: pa.Schema) -> Iterable[pa.RecordBatch]:
        # Ibis 12.0 asks DuckDB 2.0 for batches by a name that is gone, so its SQL is run here.
        sql = self._connection.compile(query.select(*schema.names))
        for batch in self._connection.con.sql(sql).to_arrow_reader(_BATCH):
            yield pa.RecordBatch.from_arrays(
                [
                    column.cast(field.type)
                    for column, field in zip(batch.columns, schema, strict=True)
                ],
                schema=schema,
            )
