"""What is in a store, what is missing, and what was wrong: the answer of `zhirong check`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import ibis
import pyarrow.compute as pc
import pyarrow.parquet as pq

from zhirong.kernel.findings import Severity
from zhirong.tables import CANONICAL, Engine, Store, TableSchema, Type, connect

__all__ = ["ColumnCoverage", "StoreCheck", "check_store", "newest_fact"]


@dataclass(frozen=True, slots=True)
class ColumnCoverage:
    """How far one column is known.

    Attributes
    ----------
    table, column : str
        Where.
    row_count, known_count : int
        Rows, and rows with a value.
    first, last : str or None
        Smallest and largest date of a date column.
    """

    table: str
    column: str
    row_count: int
    known_count: int
    first: str | None = None
    last: str | None = None


@dataclass(frozen=True, slots=True)
class StoreCheck:
    """The state of a store.

    Attributes
    ----------
    coverage : tuple of ColumnCoverage
        Every column of every table that has rows.
    dangling : dict of str to int
        ``table.column`` to rows that name a patent the store does not hold. Citations to patents outside a store are normal.
    duplicates : dict of str to int
        Table to keys that occur more than once; a merged store has none.
    finding_counts : tuple of dict
        Source, rule, severity, count.
    is_synthetic : bool
        Made by the sample generator, in part or whole.
    """

    coverage: tuple[ColumnCoverage, ...]
    dangling: dict[str, int]
    duplicates: dict[str, int]
    finding_counts: tuple[dict[str, Any], ...]
    is_synthetic: bool

    @property
    def has_errors(self) -> bool:
        """True when any record was refused, or a key occurs twice."""
        bad = {str(Severity.ERROR), str(Severity.FATAL)}
        return bool(self.duplicates) or any(row["severity"] in bad for row in self.finding_counts)

    def rows(self) -> list[dict[str, Any]]:
        """Return one flat row for each column, dangling reference, duplicate and kind of finding."""
        rows: list[dict[str, Any]] = [
            {
                "kind": "coverage", "where": f"{c.table}.{c.column}", "rows": c.row_count, "count": c.known_count,
                "share": round(c.known_count / c.row_count, 4), "detail": f"{c.first} to {c.last}" if c.first else None,
            }
            for c in self.coverage
        ]  # fmt: skip
        rows += [
            self._row("dangling", where, n, "names a patent outside the store") for where, n in self.dangling.items()
        ]
        rows += [
            self._row("duplicate", where, n, "keys that occur more than once") for where, n in self.duplicates.items()
        ]
        rows += [
            self._row("finding", str(f["source"]), int(f["count"]), f"{f['severity']}: {f['rule']}")
            for f in self.finding_counts
        ]
        return rows

    @staticmethod
    def _row(kind: str, where: str, count: int, detail: str) -> dict[str, Any]:
        return {"kind": kind, "where": where, "rows": None, "count": count, "share": None, "detail": detail}


def check_store(store: Store) -> StoreCheck:
    """Measure coverage by table and column, references that lead nowhere, and repeated keys; collect the findings.

    Parameters
    ----------
    store : Store
        Any store; columns are read one at a time, so memory stays small.

    Returns
    -------
    StoreCheck
    """
    coverage: list[ColumnCoverage] = []
    duplicates: dict[str, int] = {}
    dangling: dict[str, int] = {}
    with connect("duckdb") as engine:
        for name, schema in CANONICAL.items():
            if not store.has(name):
                continue
            coverage += _coverage(store, schema)
            if repeated := _repeated(store, engine, schema):
                duplicates[name] = repeated
            dangling |= _dangling(store, engine, schema)
    counts = tuple(row for source in store.manifest.sources for row in source.finding_counts)
    return StoreCheck(tuple(coverage), dangling, duplicates, counts, store.manifest.is_synthetic)


def newest_fact(store: Store) -> date | None:
    """Return the latest day on which any row of a store became known, None for a store without dated rows.

    Read from the statistics of the Parquet files; yearly figures, known months after their year, are left out.
    """
    days: list[date] = []
    for name, schema in CANONICAL.items():
        if not store.has(name) or not schema.known_from:
            continue
        meta = pq.read_metadata(store.file(name))
        places = [i for i, column in enumerate(meta.schema.names) if column in schema.known_from]
        for group in range(meta.num_row_groups):
            found = (meta.row_group(group).column(place).statistics for place in places)
            days += [s.max for s in found if s is not None and s.has_min_max and isinstance(s.max, date)]
    return max(days, default=None)


def _coverage(store: Store, schema: TableSchema) -> list[ColumnCoverage]:
    file = store.file(schema.name)
    found = []
    present = set(pq.read_schema(file).names)
    for column in schema.columns:
        if column.name not in present:  # the store was written before the column existed
            rows = pq.read_metadata(file).num_rows
            found.append(ColumnCoverage(schema.name, column.name, rows, 0, None, None))
            continue
        values = pq.read_table(file, columns=[column.name]).column(0)
        first = last = None
        if column.type is Type.DATE and values.null_count < len(values):
            ends = pc.min_max(values).as_py()
            first, last = ends["min"].isoformat(), ends["max"].isoformat()
        found.append(
            ColumnCoverage(schema.name, column.name, len(values), len(values) - values.null_count, first, last)
        )
    return found


def _repeated(store: Store, engine: Engine, schema: TableSchema) -> int:
    table = store.read(engine, schema.name)
    groups = table.group_by(list(schema.key)).aggregate(_n=lambda t: t.count()).filter(lambda t: t._n > 1)
    return int(engine.scalar(groups.count()))


def _dangling(store: Store, engine: Engine, schema: TableSchema) -> dict[str, int]:
    names = [n for n in ("patent_id", "citing_id", "cited_id") if n in schema.names and schema.name != "patents"]
    if not names or not store.has("patents"):
        return {}
    patents = store.read(engine, "patents").select("patent_id")
    table = store.read(engine, schema.name)
    found = {}
    for name in names:
        loose = table.filter(table[name].notnull()).anti_join(patents, ibis._[name] == patents.patent_id)
        if count := int(engine.scalar(loose.count())):
            found[f"{schema.name}.{name}"] = count
    return found
