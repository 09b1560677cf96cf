"""Where readers put rows: checked column batches, written as Parquet parts beside the store in the making.

The fast path is vectorised: rows gather in lists, and a batch is converted and checked as Arrow columns. Only when a batch
does not pass is it looked at row by row, so that the one bad row becomes a finding and the others stay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from zhirong.evidence.reading import Limits
from zhirong.kernel.findings import Finding, FindingLog, Severity
from zhirong.tables import TableSchema, Type, schema_of

__all__ = ["SEQUENCE", "PartWriter", "StagedOutput"]

BATCH_ROWS = 50_000
SEQUENCE = "_sequence"
"""Column of the parts: rises with every row of an import, so that `later wins` means something."""
_LONG_TEXT = {"text", "spans"}


@dataclass(slots=True)
class PartWriter:
    """The parts of all tables of one import."""

    folder: Path
    sequence: int = 0
    _writers: dict[str, pq.ParquetWriter] = field(default_factory=dict)

    def write(self, schema: TableSchema, table: pa.Table) -> None:
        """Append a checked batch."""
        numbers = pa.array(range(self.sequence, self.sequence + table.num_rows), pa.int64())
        self.sequence += table.num_rows
        table = table.append_column(SEQUENCE, numbers)
        writer = self._writers.get(schema.name)
        if writer is None:
            writer = self._writers[schema.name] = pq.ParquetWriter(self.path(schema.name), table.schema)
        writer.write_table(table)

    def path(self, table: str) -> Path:
        """Return the file of a table's parts."""
        return self.folder / f"{table}.parquet"

    @property
    def tables(self) -> list[str]:
        """Tables that have rows."""
        return sorted(self._writers)

    def close(self) -> None:
        """Finish the files."""
        for writer in self._writers.values():
            writer.close()


class StagedOutput:
    """The `Output` of one source file.

    Parameters
    ----------
    source_id, shown : str
        Identifier of the source, and its name in findings.
    parts : PartWriter
        Takes the checked batches.
    log : FindingLog
        Takes the findings.
    limits : Limits
        Longest fields.
    """

    def __init__(self, source_id: str, shown: str, parts: PartWriter, log: FindingLog, limits: Limits) -> None:
        self.source_id, self.shown, self.log = source_id, shown, log
        self.records_read = 0
        self.records_refused = 0
        self.row_counts: dict[str, int] = {}
        self._parts, self._limits = parts, limits
        self._rows: dict[str, list[Mapping[str, Any]]] = {}
        self._records: dict[str, list[int]] = {}

    def add(self, table: str, row: Mapping[str, Any]) -> None:
        """Take one row; see `Output.add`."""
        rows = self._rows.get(table)
        if rows is None:
            schema_of(table)
            rows = self._rows[table] = []
            self._records[table] = []
        rows.append(row)
        self._records[table].append(self.records_read)
        if len(rows) >= BATCH_ROWS:
            self._flush(table)

    def add_many(
        self, table: str, columns: Mapping[str, Sequence[Any]], *, records: Sequence[int] | None = None
    ) -> None:
        """Take many rows as columns; see `Output.add_many`."""
        lengths = {len(values) for values in columns.values()}
        assert len(lengths) == 1, f"{table}: columns of different lengths {lengths}"
        count = lengths.pop()
        assert records is None or len(records) == count, (
            f"{table}: {len(records or ())} record numbers for {count} rows"
        )
        self._flush(table)
        self._batch(table, columns, [self.records_read] * count if records is None else records)

    def read(self, records: int = 1) -> None:
        """Count records read."""
        self.records_read += records

    def refuse(self, records: int = 1) -> None:
        """Count records refused."""
        self.records_refused += records

    def finding(
        self,
        rule: str,
        severity: Severity,
        message: str,
        *,
        row: int | None = None,
        field: str | None = None,
        value: str | None = None,
        record_id: str | None = None,
    ) -> Finding:
        """Log a finding; the row is the record being read where none is given."""
        finding = Finding(
            rule, severity, self.shown, message, row or self.records_read or None, field, value, record_id
        )
        self.log.add(finding)
        return finding

    def close(self) -> None:
        """Write what is still gathered."""
        for table in list(self._rows):
            self._flush(table)

    def _flush(self, table: str) -> None:
        rows, records = self._rows.pop(table, []), self._records.pop(table, [])
        if not rows:
            return
        schema = schema_of(table)
        said = set().union(*rows)
        assert said <= set(schema.names), f"{table}: no column named {sorted(said - set(schema.names))}"
        self._batch(table, {name: [row.get(name) for row in rows] for name in schema.names if name in said}, records)

    def _batch(self, table: str, columns: Mapping[str, Sequence[Any]], records: Sequence[int]) -> None:
        schema = schema_of(table)
        count = len(records)
        keep = pa.array([True] * count)
        arrays = []
        for column, arrow in zip(schema.columns, schema.arrow, strict=True):
            if column.name == "source_id":
                arrays.append(pa.array([self.source_id] * count, pa.string()))
                continue
            values = columns.get(column.name)
            array = (
                pa.nulls(count, arrow.type) if values is None else self._convert(schema, column.name, values, records)
            )
            array, fine = self._check(schema, column.name, array, records)
            keep = pc.and_(keep, fine)
            arrays.append(array)
        nullable = pa.schema([f.with_nullable(True) for f in schema.arrow])
        batch = pa.Table.from_arrays(arrays, schema=nullable).filter(keep)
        if batch.num_rows:
            self._parts.write(schema, batch)
            self.row_counts[table] = self.row_counts.get(table, 0) + batch.num_rows

    def _convert(self, schema: TableSchema, name: str, values: Sequence[Any], records: Sequence[int]) -> pa.Array:
        """Return an Arrow array; a value that does not fit becomes NULL with a finding."""
        kind = schema.arrow.field(name).type
        try:
            if isinstance(values, pa.Array | pa.ChunkedArray):
                array = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
                return array if array.type == kind else array.cast(kind)
            return pa.array(values, kind)
        except (pa.ArrowException, OverflowError, UnicodeEncodeError, TypeError, ValueError):
            pass
        clean: list[Any] = []
        for value, record in zip(values, records, strict=True):
            plain = value.as_py() if isinstance(value, pa.Scalar) else value
            try:
                pa.array([plain], kind)
                clean.append(plain)
            except (pa.ArrowException, OverflowError, UnicodeEncodeError, TypeError, ValueError):
                clean.append(None)
                self.finding(
                    "value.type", Severity.WARNING, f"not a {schema.column(name).type}; left unknown",
                    row=record, field=f"{schema.name}.{name}", value=repr(plain),
                )  # fmt: skip
        return pa.array(clean, kind)

    def _check(
        self, schema: TableSchema, name: str, array: pa.Array, records: Sequence[int]
    ) -> tuple[pa.Array, pa.Array]:
        """Return the array with impossible values set to NULL, and which rows may stay."""
        column = schema.column(name)
        where = f"{schema.name}.{name}"
        if column.type is Type.TEXT:
            limit = self._limits.text_chars if name in _LONG_TEXT else self._limits.field_chars
            long = pc.fill_null(pc.greater(pc.utf8_length(array), limit), False)
            array = self._blank(array, long, records, where, "value.too_long", f"longer than {limit:,} characters")
        if column.type is Type.FLOAT:
            odd = pc.fill_null(pc.invert(pc.is_finite(array)), False)
            array = self._blank(array, odd, records, where, "value.not_finite", "NaN or infinite; left unknown")
        if column.allowed:
            stray = pc.invert(pc.or_(pc.is_in(array, value_set=pa.array(column.allowed)), pc.is_null(array)))
            allowed = ", ".join(column.allowed)
            array = self._blank(array, stray, records, where, "value.not_allowed", f"not allowed; allowed: {allowed}")
        fine = pc.is_valid(array) if column.required else pa.array([True] * len(array))
        for index in _indices(pc.invert(fine)):
            self.finding("value.required", Severity.ERROR, "a required value is missing; the row was refused",
                         row=records[index], field=where)  # fmt: skip
        return array, fine

    def _blank(
        self, array: pa.Array, bad: pa.Array, records: Sequence[int], where: str, rule: str, message: str
    ) -> pa.Array:
        indices = _indices(bad)
        if not indices:
            return array
        for index in indices:
            self.finding(
                rule,
                Severity.WARNING,
                message,
                row=records[index],
                field=where,
                value=str(array[index].as_py())[:200],
            )
        return pc.if_else(bad, pa.scalar(None, array.type), array)


def _indices(mask: pa.Array) -> list[int]:
    if not pc.any(mask, min_count=0).as_py():
        return []
    return [int(i) for i in pc.indices_nonzero(mask).to_pylist()]
