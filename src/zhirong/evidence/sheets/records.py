"""Events and other dated records that a row of a sheet tells of, with the parties that act in them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from zhirong.evidence.names import party_row
from zhirong.evidence.reading import Limits, Output
from zhirong.evidence.sheets.cells import Bound, CellReader
from zhirong.evidence.sheets.rows import RawRow, TableStream
from zhirong.evidence.sheets.rules import RecordRule, SheetMapping
from zhirong.kernel.dates import add_years
from zhirong.kernel.findings import Severity
from zhirong.tables.schema import schema_of

__all__ = ["RecordEmitter", "event_id"]

_TERM_YEARS = {"invention": 20, "utility_model": 10, "design": 10}
_PARTY_MEMORY = 200_000


def event_id(patent_id: str, kind: str, day: date, *more: object) -> str:
    """Return a stable identifier of an event: equal for the same event read again from any sheet."""
    text = "|".join([patent_id, kind, day.isoformat(), *("" if m is None else str(m) for m in more)])
    return "E" + hashlib.sha256(text.encode()).hexdigest()[:20]


class RecordEmitter(CellReader):
    """Hands on parties, events and records; parameters are those of `CellReader`."""

    def __init__(
        self, mapping: SheetMapping, stream: TableStream, heads: Sequence[str], out: Output, limits: Limits
    ) -> None:
        super().__init__(mapping, stream, heads, out, limits)
        self._parties: set[str] = set()
        self._party_ids: dict[tuple[object, ...], str] = {}

    def _add(self, table: str, **row: Any) -> None:
        self._out.add(table, {"patent_id": self._row.patent_id, **row})

    def _party(self, name: str, **more: str | None) -> str:
        said = (name, *((k, v) for k, v in more.items() if v))
        if (known := self._party_ids.get(said)) is not None:
            return known
        row = party_row(name, **{k: v for k, v in more.items() if v})
        party_id = str(row["party_id"])
        if len(self._parties) >= _PARTY_MEMORY or len(self._party_ids) >= _PARTY_MEMORY:
            self._parties.clear()
            self._party_ids.clear()
        self._party_ids[said] = party_id
        if party_id not in self._parties:
            self._parties.add(party_id)
            self._out.add("parties", row)
        return party_id

    def _event(self, kind: str, day: date, **more: Any) -> None:
        patent = self._row.patent
        filed = patent.get("filing_date")
        if kind == "lapsed" and filed is not None:
            term = _TERM_YEARS.get(str(patent.get("right_type")))
            if term is not None and day >= add_years(filed, term):
                kind = "expired"
        if filed is not None and day < filed and kind != "filed":
            self._find("sheet.date_order", Severity.WARNING, f"{kind} on {day} is before filing on {filed}; kept",
                       field=more.get("description"), value=day.isoformat())  # fmt: skip
        key = (kind, day)
        row = {"patent_id": self._row.patent_id, "event_kind": kind, "event_date": day, **more}
        extra = more.get("party_id"), more.get("counterparty_id")
        row["event_id"] = event_id(self._row.patent_id, kind, day, *(extra if any(extra) else ()))
        if key not in self._row.events or any(extra):
            self._row.events[key] = row
            self._out.add("legal_events", row)

    def _record(self, raw: RawRow, record: RecordRule, fields: Mapping[str, Bound]) -> None:
        """Make one row for each member of the date list; other lists of that length go along with it."""
        read: dict[str, list[Any]] = {}
        for name, bound in fields.items():
            items = self._members(raw, bound) if bound.places else []
            if items:
                read[name] = items
        anchor = next((n for n in ("event_date", "deal_date", "decided_date", "filed_date") if n in fields), None)
        if not read:
            return
        if anchor is None or anchor not in read:
            if record.table != "cases":
                self._find("sheet.record_without_date", Severity.WARNING,
                           f"a row of {record.table} needs its date; what the other cells say was left out",
                           field=next(iter(fields[n].label for n in read)))  # fmt: skip
                return
            anchor = next(iter(read))
        count = len(read[anchor])
        for i in range(count):
            row: dict[str, Any] = {"patent_id": self._row.patent_id, **record.constants}
            for name, items in read.items():
                if len(items) in {1, count}:
                    self._put(row, record.table, name, items[i] if len(items) == count else items[0])
                elif count == 1 and schema_of(record.table).column(name).type == "text":
                    self._put(row, record.table, name, "; ".join(str(x) for x in items))
                elif i == 0:
                    self._find("sheet.misaligned", Severity.WARNING,
                               f"{len(items)} values beside {count} dates; they were left unknown",
                               field=fields[name].label)  # fmt: skip
            self._hand_on(record.table, row)

    def _put(self, row: dict[str, Any], table: str, name: str, value: Any) -> None:
        if value is None:
            return
        if isinstance(value, tuple):
            row[name], row["currency"] = value
        elif name.endswith("_id") and name not in {"case_id", "deal_id", "event_id"}:
            row[name] = self._party(str(value))
        else:
            row[name] = value

    def _hand_on(self, table: str, row: dict[str, Any]) -> None:
        if table == "legal_events":
            day = row.get("event_date")
            if day is not None:
                kind = str(row.pop("event_kind"))
                self._event(kind, row.pop("event_date"), **{k: v for k, v in row.items() if k != "patent_id"})
            return
        key = "deal_id" if table == "deals" else "case_id"
        if table == "deals" and row.get("deal_date") is None:
            return
        if row.get(key) is None:
            text = "|".join(f"{name}={row[name]}" for name in sorted(row))
            stem = row.get("case_number") if table == "cases" else None
            row[key] = str(stem) if stem else table[0].upper() + hashlib.sha256(text.encode()).hexdigest()[:20]
        self._out.add(table, row)
