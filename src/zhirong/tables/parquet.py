"""Parquet in and out: the only form in which data reaches an engine.

Writing checks what no engine checks alike: column names and types, required values, allowed values, and that no NaN
or infinity enters (missing is NULL). A file appears under its name only when it is whole.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from zhirong.kernel.errors import SchemaError
from zhirong.tables.schema import TableSchema

__all__ = ["ParquetSink", "check_table", "conform", "fsync_folder", "parquet_metadata", "write_parquet"]

ROW_GROUP_ROWS = 131_072


def conform(rows: Sequence[Mapping[str, Any]], schema: TableSchema) -> pa.Table:
    """Return an Arrow table from dictionaries; absent columns are NULL, unknown columns raise.

    Raises
    ------
    SchemaError
        For a name that is not a column, or a value that does not fit its type.
    """
    names = set(schema.names)
    for row in rows:
        if stray := row.keys() - names:
            raise SchemaError(f"{schema.name}: no column named {', '.join(sorted(stray))}")
    columns = []
    for field in schema.arrow:
        values = [row.get(field.name) for row in rows]
        try:
            columns.append(pa.array(values, type=field.type))
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as err:
            raise SchemaError(f"{schema.name}.{field.name}: {err}") from err
    return pa.Table.from_arrays(columns, schema=pa.schema([f.with_nullable(True) for f in schema.arrow]))


def check_table(table: pa.Table, schema: TableSchema | None, *, name: str = "table") -> None:
    """Raise `SchemaError` for a wrong column, a missing required value, a value not allowed, NaN or infinity."""
    if schema is not None:
        _check_schema(table, schema)
        name = schema.name
    for field in table.schema:
        if pa.types.is_floating(field.type):
            finite = pc.is_finite(table.column(field.name))
            bad = pc.sum(pc.invert(finite)).as_py() or 0
            if bad:
                raise SchemaError(f"{name}.{field.name}: {bad} values are NaN or infinite; missing is NULL")


def _check_schema(table: pa.Table, schema: TableSchema) -> None:
    if tuple(table.column_names) != schema.names:
        raise SchemaError(f"{schema.name}: columns are {table.column_names}, should be {list(schema.names)}")
    for column, field in zip(schema.columns, schema.arrow, strict=True):
        values = table.column(column.name)
        if values.type != field.type:
            raise SchemaError(f"{schema.name}.{column.name}: type is {values.type}, should be {field.type}")
        if column.required and values.null_count:
            raise SchemaError(f"{schema.name}.{column.name}: {values.null_count} rows have no value; it is required")
        if column.allowed:
            known = pc.or_kleene(pc.is_in(values, value_set=pa.array(column.allowed)), pc.is_null(values))
            if not pc.all(known, min_count=0).as_py():
                strays = pc.unique(values.filter(pc.invert(known))).to_pylist()[:5]
                raise SchemaError(
                    f"{schema.name}.{column.name}: {strays} not allowed; allowed: {', '.join(column.allowed)}"
                )


class ParquetSink:
    """A checked, atomic Parquet writer that takes batches.

    Use it as a context manager: leaving it normally puts the file in place under its name, leaving it by an
    exception removes what was written.

    Parameters
    ----------
    path : Path
        Final name.
    schema : TableSchema or pyarrow.Schema
        A canonical schema adds its value checks.
    """

    def __init__(self, path: Path, schema: TableSchema | pa.Schema) -> None:
        self.path = path
        self._schema = schema if isinstance(schema, TableSchema) else None
        self._arrow = schema.arrow if isinstance(schema, TableSchema) else schema
        self._nullable = pa.schema([f.with_nullable(True) for f in self._arrow], metadata=self._arrow.metadata)
        self._part = path.with_name(f".{path.name}.{os.getpid()}.part")
        self._writer: pq.ParquetWriter | None = None
        self.row_count = 0

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = pq.ParquetWriter(self._part, self._nullable, compression="zstd")
        return self

    def write(self, table: pa.Table) -> None:
        """Check a batch and append it."""
        assert self._writer is not None, "use the sink inside `with`"
        check_table(table, self._schema, name=self.path.stem)
        self._writer.write_table(table.cast(self._nullable), row_group_size=ROW_GROUP_ROWS)
        self.row_count += table.num_rows

    def write_rows(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Conform dictionaries to the canonical schema and append them."""
        assert self._schema is not None, "write_rows needs a canonical schema"
        self.write(conform(rows, self._schema))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._writer is not None
        self._writer.close()
        if kind is None:
            with self._part.open("rb") as stream:
                os.fsync(stream.fileno())
            self._part.replace(self.path)
            fsync_folder(self.path.parent)
        else:
            with contextlib.suppress(FileNotFoundError):
                self._part.unlink()


def parquet_metadata(path: Path) -> dict[str, str]:
    """Return the texts that a Parquet file keeps beside its columns; empty where it keeps none."""
    kept = pq.read_schema(path).metadata or {}
    return {
        key.decode(): value.decode("utf-8", "replace") for key, value in kept.items() if not key.startswith(b"ARROW:")
    }


def write_parquet(
    path: Path, tables: pa.Table | Iterable[pa.Table], schema: TableSchema | pa.Schema | None = None
) -> int:
    """Write one Arrow table, or a stream of them, checked and atomically; return the number of rows.

    Parameters
    ----------
    path : Path
        Final name.
    tables : pyarrow.Table or iterable of pyarrow.Table
        An iterable may be empty only when `schema` is given.
    schema : TableSchema or pyarrow.Schema, optional
        Taken from the first table where not given.
    """
    stream: Iterator[pa.Table] = iter([tables] if isinstance(tables, pa.Table) else tables)
    first: pa.Table | None = None
    if schema is None:
        first = next(stream)
        schema = first.schema
    with ParquetSink(path, schema) as sink:
        if first is not None:
            sink.write(first)
        for table in stream:
            sink.write(table)
    return sink.row_count


def fsync_folder(folder: Path) -> None:
    """Make renames in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
