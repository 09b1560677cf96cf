"""An output that keeps what a reader gives it, checked against the canonical schemas."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from zhirong.kernel.findings import Finding, FindingLog, Severity
from zhirong.tables import check_table, conform, schema_of


class ListOutput:
    """Rows of each table as dictionaries; every row passes the checks that the store makes."""

    def __init__(self, source_id: str = "test") -> None:
        self.source_id = source_id
        self.log = FindingLog()
        self.rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.records = self.refused = 0

    def add(self, table: str, row: Mapping[str, Any]) -> None:
        full = dict(row) | {"source_id": self.source_id}
        check_table(conform([full], schema_of(table)), schema_of(table))
        self.rows[table].append({name: full.get(name) for name in schema_of(table).names})

    def add_many(
        self, table: str, columns: Mapping[str, Sequence[Any]], *, records: Sequence[int] | None = None
    ) -> None:
        arrow = pa.table(dict(columns))
        for row in arrow.to_pylist():
            self.add(table, row)

    def read(self, records: int = 1) -> None:
        self.records += records

    def refuse(self, records: int = 1) -> None:
        self.refused += records

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
        made = Finding(rule, severity, self.source_id, message, row, field, value, record_id)
        self.log.add(made)
        return made

    def rules(self) -> set[str]:
        return {finding.rule for finding in self.log}

    def by(self, table: str, *key: str) -> dict[Any, dict[str, Any]]:
        rows = self.rows[table]
        return {tuple(row[k] for k in key) if len(key) > 1 else row[key[0]]: row for row in rows}
