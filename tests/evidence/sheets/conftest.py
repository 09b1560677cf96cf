"""An output that keeps rows and checks them against the canonical schemas at the end."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from zhirong.evidence.reading import Limits, ReadOptions
from zhirong.evidence.sheets import SheetReader
from zhirong.kernel.findings import Finding, FindingLog, Severity
from zhirong.tables import check_table, conform, schema_of


class Kept:
    """Rows by table, findings, counts."""

    def __init__(self) -> None:
        self.source_id = "kept"
        self.log = FindingLog()
        self.rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.records = self.refused = 0

    def add(self, table: str, row: Mapping[str, Any]) -> None:
        unknown = set(row) - set(schema_of(table).names)
        assert not unknown, f"{table} has no columns {unknown}"
        self.rows[table].append({**row, "source_id": self.source_id})

    def add_many(
        self, table: str, columns: Mapping[str, Sequence[Any]], *, records: Sequence[int] | None = None
    ) -> None:
        raise AssertionError("not used by these readers")

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

    @property
    def rules(self) -> set[str]:
        return {finding.rule for finding in self.log}

    def of(self, rule: str) -> list[Finding]:
        return [finding for finding in self.log if finding.rule == rule]

    @property
    def kinds(self) -> Counter[str]:
        return Counter(row["event_kind"] for row in self.rows["legal_events"])

    def one(self, table: str) -> dict[str, Any]:
        assert len(self.rows[table]) == 1, self.rows[table]
        return self.rows[table][0]

    def check(self) -> None:
        """Every table passes the store's own checks."""
        for table, rows in self.rows.items():
            check_table(conform(rows, schema_of(table)), schema_of(table))


@pytest.fixture
def kept() -> Kept:
    """An output that keeps everything."""
    return Kept()


@pytest.fixture
def read_sheet(tmp_path: Path) -> Callable[..., Kept]:
    """Read bytes or text as a file of a name, by a mapping; rows are checked."""

    def read(
        content: bytes | str | Path,
        name: str = "table.csv",
        mapping: Mapping[str, Any] | None = None,
        limits: Limits | None = None,
    ) -> Kept:
        if isinstance(content, Path):
            path = content
        else:
            path = tmp_path / name
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        kept = Kept()
        SheetReader().read(path, kept, ReadOptions(limits=limits or Limits(), mapping=mapping))
        kept.check()
        return kept

    return read
