"""One row of a sheet to rows of canonical tables.

`patent_id` of a row is, in this order: the grant's or latest publication number without kind code; the earlier
publication; the canonical application number (``CN202010123456.7``, with its point, so that it can never be taken for
a publication number). A row that has none of them is refused.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from zhirong.evidence.names import party_row
from zhirong.evidence.reading import Limits, Output
from zhirong.evidence.rows import claim_row, class_row, split_claims
from zhirong.evidence.sheets.converters import CONVERTERS, Cell, split_list
from zhirong.evidence.sheets.mapping import ColumnRule, FieldRule, RecordRule, SheetMapping
from zhirong.evidence.sheets.rows import RawRow, TableStream
from zhirong.evidence.sheets.vocabulary import fold, fold_head
from zhirong.kernel.dates import add_years
from zhirong.kernel.errors import DomainError, IdentifierError
from zhirong.kernel.findings import Severity
from zhirong.kernel.identifiers import (
    cn_right_type,
    parse_patent_number,
)
from zhirong.kernel.text import detect_language
from zhirong.tables.schema import schema_of

__all__ = ["RowEmitter", "event_id"]

_TERM_YEARS = {"invention": 20, "utility_model": 10, "design": 10}
_STATUS_EVENT = {
    "lapsed": "lapsed", "expired": "expired", "withdrawn": "withdrawn", "refused": "refused",
    "surrendered": "surrendered", "invalidated": "invalidated",
}  # fmt: skip
_DATE_EVENTS = (("filing_date", "filed"), ("publication_date", "published"), ("grant_date", "granted"))
_PARTY_MEMORY = 200_000
_MEMORY, _MEMORY_CHARS = 50_000, 120
_SELDOM_AGAIN = frozenset({"text", "long_text", "party", "application_number", "publication_number", "patent_list"})
_SHORT = frozenset({"date", "dates", "int", "count", "float", "percent", "yes_no"})


def event_id(patent_id: str, kind: str, day: date, *more: object) -> str:
    """Return a stable identifier of an event: equal for the same event read again from any sheet."""
    text = "|".join([patent_id, kind, day.isoformat(), *("" if m is None else str(m) for m in more)])
    return "E" + hashlib.sha256(text.encode()).hexdigest()[:20]


@dataclass(slots=True)
class _Bound:
    """A rule with the positions of its heads in this sheet."""

    rule: FieldRule
    places: tuple[int, ...]
    cell: Cell
    label: str
    memory: dict[str, Any] | None = None
    """Values of short cells read before, or the error they gave; None for a rule whose cells seldom repeat."""


@dataclass(slots=True)
class _Row:
    """What one row gave so far."""

    number: int
    patent: dict[str, Any] = field(default_factory=dict)
    events: dict[tuple[str, date], dict[str, Any]] = field(default_factory=dict)
    patent_id: str = ""
    classes: dict[str, list[str]] = field(default_factory=dict)
    """Symbols by scheme."""
    flags: dict[str, tuple[Any, str]] = field(default_factory=dict)
    is_date_of_latest: bool = False
    """The publication date is that of the publication named, which may be the grant (公开(公告)日)."""


class RowEmitter:
    """Applies a mapping to the rows of one sheet.

    Parameters
    ----------
    mapping : SheetMapping
        The mapping.
    stream : TableStream
        The sheet, for its date system.
    heads : sequence of str
        Head of each column as written.
    out : Output
        Takes rows and findings.
    limits : Limits
        Longest cells.
    """

    def __init__(
        self, mapping: SheetMapping, stream: TableStream, heads: Sequence[str], out: Output, limits: Limits
    ) -> None:
        self._mapping, self._stream, self._out, self._limits = mapping, stream, out, limits
        self._heads = list(heads)
        self._at: dict[str, int] = {}
        for i, head in enumerate(heads):
            self._at.setdefault(fold_head(_without_unit(head)), i)
            self._at.setdefault(fold_head(head), i)
        # Only what this sheet has: a mapping knows many more heads than any one table.
        columns = ((rule, self._bind(rule.rule)) for rule in mapping.columns)
        self._columns = [(rule, bound) for rule, bound in columns if bound.places]
        records = (
            (record, {name: self._bind(rule) for name, rule in record.fields.items()}) for record in mapping.records
        )
        self._records = [(record, fields) for record, fields in records if any(b.places for b in fields.values())]
        self._parties: set[str] = set()
        self._party_ids: dict[tuple[object, ...], str] = {}
        self._row = _Row(0)

    def used_places(self) -> set[int]:
        """Return the positions of columns that some rule reads."""
        used = {place for _, bound in self._columns for place in bound.places}
        return used | {place for _, fields in self._records for bound in fields.values() for place in bound.places}

    def _bind(self, rule: FieldRule) -> _Bound:
        places = tuple(dict.fromkeys(self._at[head] for head in rule.heads if head in self._at))
        unit = rule.unit or next((_unit(self._heads[p]) for p in places if _unit(self._heads[p])), None) or "元"
        cell = Cell(
            office=self._mapping.office,
            separators=rule.separators or self._mapping.separators,
            unit=unit,
            is_workbook=self._stream.is_workbook,
            epoch_1904=self._stream.epoch_1904,
        )
        label = self._heads[places[0]] if places else ""
        return _Bound(rule, places, cell, label, None if rule.converter in _SELDOM_AGAIN else {})

    def _convert(self, text: str, bound: _Bound) -> Any:
        """Return the value of a cell, or the `DomainError` that says why it has none."""
        memory = bound.memory if len(text) <= _MEMORY_CHARS else None
        if memory is not None and text in memory:
            return memory[text]
        value: Any
        try:
            value = CONVERTERS[bound.rule.converter](text, bound.cell)
        except DomainError as err:
            value = err.with_traceback(None)
        if memory is not None:
            if len(memory) >= _MEMORY:
                memory.clear()
            memory[text] = value
        return value

    # one row ------------------------------------------------------------------------------------------------------

    def emit(self, raw: RawRow) -> bool:
        """Hand on everything that the row says; return False when it was refused."""
        self._row = _Row(raw.number)
        if not self._passes(raw):
            return False
        self._flag(raw)
        for rule, bound in self._columns:
            if rule.target == "patents":
                self._patent_field(raw, rule, bound)
        if not self._identify(raw):
            return False
        for rule, bound in self._columns:
            if rule.target != "patents":
                self._other(raw, rule, bound)
        for record, fields in self._records:
            self._record(raw, record, fields)
        self._finish()
        return True

    def _passes(self, raw: RawRow) -> bool:
        if self._mapping.row_filter is None:
            return True
        head, pattern = self._mapping.row_filter
        at = self._at.get(head)
        text = raw.cells[at] if at is not None and at < len(raw.cells) else ""
        if at is None or re.search(pattern, text):
            return True
        self._find("sheet.row_filter", Severity.ERROR, f"the row was refused; allowed: {pattern}",
                   field=self._heads[at], value=text)  # fmt: skip
        return False

    def _flag(self, raw: RawRow) -> None:
        for at, why in raw.refused.items():
            if why == "bad_bytes":
                self._find("sheet.encoding_row", Severity.WARNING, "bytes that are not text became U+FFFD",
                           field=self._head(at), value=raw.cells[at])  # fmt: skip
        if self._stream.is_workbook:
            return
        for at, cell in enumerate(raw.cells):
            if cell[:1] in "=+-@\t" and len(cell) > 1 and _looks_active(cell):
                self._find("sheet.formula_like", Severity.WARNING,
                           "text that a spreadsheet would run as a formula; kept as text, never run",
                           field=self._head(at), value=cell)  # fmt: skip

    def _head(self, at: int) -> str | None:
        return self._heads[at] if at < len(self._heads) else None

    def _find(
        self, rule: str, severity: Severity, message: str, *, field: str | None = None, value: str | None = None
    ) -> None:
        self._out.finding(
            rule, severity, message, row=self._row.number, field=field, value=value,
            record_id=self._row.patent_id or None,
        )  # fmt: skip

    def _texts(self, raw: RawRow, bound: _Bound) -> list[tuple[str, str]]:
        """Return (head, text) of each cell of a rule that says something, in order of preference."""
        found = []
        for place in bound.places:
            text = raw.cells[place].strip() if place < len(raw.cells) else ""
            if not text or fold(text[:24]) in self._mapping.null_values:
                continue
            longest = self._limits.text_chars if bound.rule.converter == "long_text" else self._limits.field_chars
            if bound.rule.converter in _SHORT:
                longest = 1000
            if len(text) > longest:
                self._find("sheet.field_too_long", Severity.WARNING,
                           f"{len(text)} characters; at most {longest} are read, the cell was left unknown",
                           field=self._heads[place], value=text[:200])  # fmt: skip
                continue
            found.append((self._heads[place], text))
        return found

    def _value(self, raw: RawRow, bound: _Bound) -> Any:
        """Return the first cell of the rule that converts; None when there is none."""
        for head, text in self._texts(raw, bound):
            if bound.rule.values is not None:
                key = fold(text)
                if key in bound.rule.values:
                    return bound.rule.values[key]
            value = self._convert(text, bound)
            if isinstance(value, DomainError):
                is_check = isinstance(value, IdentifierError) and "check digit" in str(value)
                self._find("cn.check_digit" if is_check else f"sheet.{bound.rule.converter}", Severity.WARNING,
                           str(value), field=head, value=text)  # fmt: skip
                continue
            if value is not None and value != []:
                return value
        return None

    # patents ------------------------------------------------------------------------------------------------------

    def _patent_field(self, raw: RawRow, rule: ColumnRule, bound: _Bound) -> None:
        column = rule.column
        assert column is not None
        if not bound.places or self._row.patent.get(column) is not None:
            return
        value = self._value(raw, bound)
        if isinstance(value, list):
            value = next((v for v in value if not str(v).startswith("?")), None)
        if isinstance(value, datetime):
            value = value.date()
        if value is not None:
            self._row.patent[column] = value
            if column == "publication_date" and "公告" in bound.label:
                self._row.is_date_of_latest = True

    def _identify(self, raw: RawRow) -> bool:
        patent = self._row.patent
        latest, earlier = patent.get("publication_number"), patent.get("earlier_publication_id")
        application = patent.get("application_number")
        patent.pop("earlier_publication_id", None)
        best = latest or earlier
        number = parse_patent_number(str(best)) if best else None
        if latest and earlier:
            before = parse_patent_number(earlier).patent_id
            if number is not None and before != number.patent_id:
                patent["earlier_publication_id"] = before
        if number is not None:
            self._row.patent_id = number.patent_id
            patent["publication_number"] = number.publication_number
            patent.setdefault("kind_code", number.kind)
            patent.setdefault("office", number.office)
        elif application:
            self._row.patent_id = application
            patent.setdefault("office", application[:2])
        else:
            self._find("sheet.no_identifier", Severity.ERROR,
                       "no readable publication or application number; the row was refused",
                       value=" | ".join(raw.cells)[:200])  # fmt: skip
            return False
        patent["patent_id"] = self._row.patent_id
        self._right_type(application, number)
        return True

    def _right_type(self, application: str | None, number: Any) -> None:
        patent = self._row.patent
        by_number = None
        if application and application.startswith("CN"):
            by_number = str(cn_right_type(application))
        elif number is not None and number.kind:
            by_number = str(number.right_type)
        stated = patent.get("right_type")
        if stated and by_number and stated != by_number:
            self._find("sheet.right_type", Severity.WARNING,
                       f"the sheet says {stated}, the number says {by_number}; the number was believed",
                       field="right_type", value=stated)  # fmt: skip
        if by_number or stated:
            patent["right_type"] = by_number or stated

    # other tables -------------------------------------------------------------------------------------------------

    def _other(self, raw: RawRow, rule: ColumnRule, bound: _Bound) -> None:
        """Hand one column to the table it feeds; attributes of parties are read together with the parties."""
        if not bound.places or rule.target == "party_attribute":
            return
        value = self._value(raw, bound)
        if value is None:
            return
        match rule.target:
            case "patent_parties":
                self._parties_of(raw, rule, value)
            case "classifications":
                self._classes(rule, value, bound)
            case "citations":
                self._citations(rule, value, bound)
            case "families":
                self._family(rule, value, bound)
            case _:
                self._texts_and_dates(rule, value, bound)

    def _texts_and_dates(self, rule: ColumnRule, value: Any, bound: _Bound) -> None:
        match rule.target:
            case "nonpatent_citations":
                for i, text in enumerate(value):
                    self._add("nonpatent_citations", sequence=i + 1, text=text)
            case "texts":
                self._text(str(rule.options["part"]), str(value), rule.options.get("language"))
            case "labelled_text":
                self._labelled(rule, str(value))
            case "claims":
                for number, claim in split_claims(str(value)):
                    self._out.add("claims", claim_row(self._row.patent_id, number, claim))
            case "legal_events":
                for day in value if isinstance(value, list) else [value]:
                    self._event(str(rule.options["kind"]), day, description=bound.label)
            case "flag":
                self._row.flags[str(rule.options["kind"])] = (value, bound.label)
            case _:
                raise AssertionError(rule.target)

    def _add(self, table: str, **row: Any) -> None:
        self._out.add(table, {"patent_id": self._row.patent_id, **row})

    def _unread(self, rule: str, items: Sequence[str], bound: _Bound, what: str) -> list[str]:
        """Report the members of a list that could not be read; return the others without repeats."""
        for item in items:
            if item.startswith("?"):
                self._find(rule, Severity.WARNING, f"a member that is not {what} was left out",
                           field=bound.label, value=item[1:])  # fmt: skip
        return list(dict.fromkeys(item for item in items if not item.startswith("?")))

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

    def _parties_of(self, raw: RawRow, rule: ColumnRule, names: Sequence[str]) -> None:
        role = str(rule.options["role"])
        attributes = {
            str(other.options["attribute"]): self._value(raw, bound)
            for other, bound in self._columns
            if other.target == "party_attribute" and other.options["role"] == role and bound.places
        }
        kind = "person" if role == "inventor" else None
        for i, name in enumerate(names):
            known = attributes if i == 0 else {}
            party_id = self._party(name, party_type=kind, **known)
            self._add("patent_parties", party_id=party_id, role=role, sequence=i + 1)

    def _classes(self, rule: ColumnRule, symbols: Sequence[str], bound: _Bound) -> None:
        scheme = str(rule.options["scheme"])
        read = self._unread("sheet.class_symbol", symbols, bound, f"a {scheme.upper()} symbol")
        for symbol in read:
            self._class(scheme, symbol)

    def _class(self, scheme: str, symbol: str) -> None:
        seen = self._row.classes.setdefault(scheme, [])
        if symbol not in seen:
            seen.append(symbol)
            self._out.add("classifications", class_row(self._row.patent_id, scheme, symbol, len(seen)))

    def _citations(self, rule: ColumnRule, numbers: Sequence[str], bound: _Bound) -> None:
        for text in self._unread("sheet.citation", numbers, bound, "a patent number"):
            other = parse_patent_number(text).patent_id
            if other == self._row.patent_id:
                continue
            cites = rule.options["direction"] == "cited"
            self._out.add("citations", {
                "citing_id": self._row.patent_id if cites else other,
                "cited_id": other if cites else self._row.patent_id,
                "citing_date": self._row.patent.get("publication_date") if cites else None,
                "origin": rule.options.get("origin"),
            })  # fmt: skip

    def _family(self, rule: ColumnRule, numbers: Sequence[str], bound: _Bound) -> None:
        read = self._unread("sheet.family_member", numbers, bound, "a patent number")
        members = {parse_patent_number(text).patent_id: parse_patent_number(text) for text in read}
        if not members:
            return
        kind = str(rule.options["family_kind"])
        everyone = sorted({*members, self._row.patent_id})
        digest = hashlib.sha256("|".join(everyone).encode()).hexdigest()[:16]
        family_id = self._row.patent.get("family_id") if kind in {"simple", "docdb"} else None
        family_id = family_id or f"{kind}:{digest}"
        for member_id in everyone:
            number = members.get(member_id)
            self._out.add("families", {
                "family_id": family_id, "member_id": member_id, "family_kind": kind,
                "office": number.office if number else member_id[:2], "kind_code": number.kind if number else None,
            })  # fmt: skip
        if kind in {"simple", "docdb"}:
            self._row.patent.setdefault("family_id", family_id)
            self._row.patent.setdefault("stated_family_size", len(everyone))

    def _text(self, part: str, text: str, language: str | None = None) -> None:
        language = language or self._mapping.language or detect_language(text)
        self._add("texts", part=part, language=language, text=text)

    def _labelled(self, rule: ColumnRule, text: str) -> None:
        """Cut ``Label: text`` lines apart; labels name `title` or a part of `texts`, with a language after a point."""
        labels: Mapping[str, str] = rule.options["labels"]
        separator = rule.options.get("separator")
        if separator and separator in text:
            pieces = {label: [part.strip()] for label, part in zip(labels, text.split(separator), strict=False)}
        else:
            pieces = _by_label(text, frozenset(labels))
        for label, lines in pieces.items():
            joined = "\n".join(lines).strip()
            part, _, language = labels[label].partition(".")
            if not joined:
                continue
            if part == "title":
                self._row.patent.setdefault("title", joined)
            else:
                self._text(part, joined, language or None)

    # events and records -------------------------------------------------------------------------------------------

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

    def _record(self, raw: RawRow, record: RecordRule, fields: Mapping[str, _Bound]) -> None:
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

    def _members(self, raw: RawRow, bound: _Bound) -> list[Any]:
        for head, text in self._texts(raw, bound):
            items: list[Any] = []
            for part in split_list(text, bound.cell):
                if bound.rule.values is not None and fold(part) in bound.rule.values:
                    items.append(bound.rule.values[fold(part)])
                    continue
                try:
                    items.append(CONVERTERS[bound.rule.converter](part, bound.cell))
                except DomainError as err:
                    items.append(None)
                    self._find(f"sheet.{bound.rule.converter}", Severity.WARNING, str(err), field=head, value=part)
            if any(item is not None for item in items):
                return items
        return []

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

    # end of the row -----------------------------------------------------------------------------------------------

    def _finish(self) -> None:
        patent = self._row.patent
        self._settle_publication()
        if patent.get("primary_ipc"):
            self._class("ipc", patent["primary_ipc"])
        elif self._row.classes.get("ipc"):
            patent["primary_ipc"] = self._row.classes["ipc"][0]
        for name, kind in _DATE_EVENTS:
            if patent.get(name) is not None:
                self._event(kind, patent[name], description=None)
        status, status_date = patent.get("legal_status"), patent.get("legal_status_date")
        last = self._last_end()
        if status in _STATUS_EVENT and status_date is not None and last is None:
            self._event(_STATUS_EVENT[status], status_date, recorded_date=status_date)
        elif status is None and last is not None:
            patent["legal_status"], patent["legal_status_date"] = last
        for kind, (value, head) in self._row.flags.items():
            if value and not any(k == kind for k, _ in self._row.events):
                self._find("sheet.flag_without_date", Severity.INFO,
                           f"the sheet says {kind} but gives no date; no event was made",
                           field=head, value=str(value))  # fmt: skip
        if patent.get("title"):
            patent.setdefault("title_language", self._mapping.language or detect_language(str(patent["title"])))
        stated = {"stated_forward_citation_count", "stated_family_size"} & set(patent)
        if stated and self._mapping.stated_at is not None:
            patent.setdefault("stated_at", self._mapping.stated_at)
        self._out.add("patents", patent)

    def _settle_publication(self) -> None:
        """Make 公开(公告)日 the grant date where the publication named is a grant."""
        patent = self._row.patent
        kind = str(patent.get("kind_code") or "")
        if not self._row.is_date_of_latest or patent.get("office") != "CN" or kind[:1] not in set("BCUYSD"):
            return
        stated = patent["publication_date"]
        patent.setdefault("grant_date", stated)
        if kind[0] in "BC" and patent["grant_date"] == stated:
            patent.pop("publication_date")

    def _last_end(self) -> tuple[str, date] | None:
        """Return the status that the last ending event leaves, unless the right was restored after it."""
        ends = [(day, kind) for kind, day in self._row.events if kind in _STATUS_EVENT]
        if not ends:
            return None
        day, kind = max(ends)
        if any(k == "restored" and d >= day for k, d in self._row.events):
            return None
        return kind, day


def _by_label(text: str, labels: frozenset[str]) -> dict[str, list[str]]:
    current: str | None = None
    pieces: dict[str, list[str]] = {}
    for line in text.splitlines():
        label, colon, rest = line.partition(":")
        if colon and label.strip() in labels:
            current, line = label.strip(), rest
        if current is not None:
            pieces.setdefault(current, []).append(line.strip())
    return pieces


def _unit(head: str) -> str | None:
    match = re.search(r"[（(](?:单位[:：])?(亿元|千万元|百万元|万元|千元|元)(?:人民币)?[)）]", head)
    return match[1] if match else None


def _without_unit(head: str) -> str:
    return re.sub(r"[（(](?:单位[:：])?(亿元|千万元|百万元|万元|千元|元)(?:人民币)?[)）]", "", head)


def _looks_active(cell: str) -> bool:
    """Say whether a leading = + - @ or tab could start a formula: numbers and plain dashes do not."""
    return not re.fullmatch(r"[+-]?[\d.,\s%eE-]+|[-—\s]+", cell) and not re.match(r"^-\s*[一-龥]", cell)
