"""Filled templates, CSV or Excel, with Chinese or English heads, into canonical tables.

Decisions that a user should know: a share may be written ``5%`` or ``0.05`` and is stored as a fraction, a bare number
beyond -1..1 is refused as ambiguous; an amount may carry its own unit and currency (``50万元``, ``USD 3000``), and a
currency that contradicts the row's column `currency` is refused; formulas are refused; a bad cell leaves the value
unknown, unless the column must be filled, which refuses the row.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zhirong.evidence.names import party_row
from zhirong.evidence.reading import Limits, Output, ReadOptions
from zhirong.evidence.rows import RowContext
from zhirong.evidence.sheets.converters import CONVERTERS, CURRENCY_SIGNS, Cell, money
from zhirong.evidence.sheets.delimited import open_delimited
from zhirong.evidence.sheets.rows import TableStream
from zhirong.evidence.sheets.workbook import open_workbook
from zhirong.evidence.templates import FIELDS_SHEET, Template, TemplateColumn, all_templates
from zhirong.kernel.errors import DomainError, EvidenceError
from zhirong.kernel.findings import Severity
from zhirong.kernel.identifiers import parse_patent_number
from zhirong.kernel.text import Bilingual, casefold_nfkc
from zhirong.tables.schema import Type, schema_of

__all__ = ["TemplateReader"]

_BARE_AMOUNT = re.compile(r"^[\d,.\s]+(?:[千万亿]|百万|千万)?$")
_IN_ORDER = (
    ("deal_date", "published_date", "published_date"),
    ("decided_date", "published_date", "published_date"),
    ("filed_date", "decided_date", "filed_date"),
)
"""What comes before, what comes after, and which of the two gives way. A publication that is left unknown makes the row known
at its event, so that no answer knows it too early."""
_MAY_BE_NEGATIVE = {"operating_profit", "net_income", "cash_flow"}
_FRACTIONS = {"growth": (-1.0, 10.0), "operating_margin": (-10.0, 1.0)}
"""Least and most of shares that may leave 0 to 1."""
_COUNTED = {"patents", "persons", "years"}
_SHARE = re.compile(r"^([+-]?\d+(?:\.\d+)?)\s*(%|％)?$")


@dataclass(frozen=True, slots=True)
class TemplateReader:
    """Reader of filled templates."""

    name: str = "template"
    version: str = "1"
    description: Bilingual = field(
        default=Bilingual(
            zh="填好的模板（交易、企业、行业、评估意见、技术需求、地区；CSV 或 Excel）",
            en="Filled templates (deals, firms, sectors, appraisals, demands, regions; CSV or Excel)",
        )
    )

    def accepts(self, path: Path, head: bytes) -> bool:
        """Accept files whose first row holds heads of one template, all that must be filled among them."""
        if head[:2] == b"PK":
            if path.suffix.lower() != ".xlsx":
                return False
            try:
                heads = _first_heads(path)
            except (EvidenceError, OSError):
                return False
        else:
            line = head.split(b"\n", 1)[0].decode("utf-8-sig", errors="replace")
            heads = next(csv.reader(io.StringIO(line)), [])
        return template_of(heads) is not None

    def read(self, path: Path, out: Output, options: ReadOptions) -> None:
        """Read one file."""
        with path.open("rb") as stream:
            is_workbook = stream.read(2) == b"PK"
        try:
            streams = (
                open_workbook(path, out, options.limits) if is_workbook else iter([_text(path, out, options.limits)])
            )
            read = 0
            for table in streams:
                if table.name != FIELDS_SHEET and not (is_workbook and read):
                    read += 1
                    _sheet(table, out, options)
        except EvidenceError as err:
            out.finding("file.unreadable", Severity.FATAL, str(err))


class _Nowhere:
    """An output for looking at a workbook's first row."""

    source_id = ""

    def finding(self, *_args: object, **_more: object) -> None:
        """Take nothing."""


def _first_heads(path: Path) -> list[str]:
    for table in open_workbook(path, _Nowhere(), Limits()):  # type: ignore[arg-type]
        return next((row.cells for row in table.rows if any(row.cells)), [])
    return []


def _text(path: Path, out: Output, limits: Limits) -> TableStream:
    return open_delimited(path, out, limits)


def _fold(head: str) -> str:
    return casefold_nfkc(head).rstrip("* ").replace(" ", "")


def template_of(heads: list[str]) -> Template | None:
    """Return the template whose heads these are: all required ones there, most heads known, at least half of the file's.

    Parameters
    ----------
    heads : list of str
        First row of a file, in either language; stars and blanks do not matter.
    """
    given = {_fold(head) for head in heads if head.strip()}
    best: tuple[int, Template | None] = (0, None)
    for template in all_templates().values():
        known = {_fold(name) for c in template.asked for name in (c.head.zh, c.head.en)}
        required = [c for c in template.asked if c.column.required]
        complete = all({_fold(c.head.zh), _fold(c.head.en)} & given for c in required)
        score = len(given & known)
        if complete and score * 2 >= len(given) and score > best[0]:
            best = (score, template)
    return best[1]


def _sheet(table: TableStream, out: Output, options: ReadOptions) -> None:
    at: dict[int, TemplateColumn] = {}
    template: Template | None = None
    seen: dict[tuple[Any, ...], int] = {}
    for raw in table.rows:
        if not any(cell.strip() for cell in raw.cells):
            continue
        if template is None:
            template = template_of(raw.cells)
            if not _usable(template, raw.cells, out) or template is None:
                return
            at = _places(template, raw.cells, out)
            continue
        out.read()
        record = RowContext(out, raw.number)
        if len(raw.cells) > len(at) and any(cell.strip() for cell in raw.cells[max(at) + 1 :]):
            record.warn("row.ragged", "cells beyond the last head were not read", template.asked[0].column.name)
        cells = {
            column.column.name: (column, _cleaned(raw.cells, i, column, record, options.limits))
            for i, column in at.items()
            if raw.refused.get(i, "bad_bytes") == "bad_bytes"
        }
        _row(template, cells, record, Cell(is_workbook=table.is_workbook, epoch_1904=table.epoch_1904), seen)
        options.progress(raw.done, table.total, raw.number)
    if template is None:
        _no_template(out, [])


def _usable(template: Template | None, heads: list[str], out: Output) -> bool:
    if template is None:
        _no_template(out, heads)
        return False
    if template.table is None:
        message = f"a {template.name} is not evidence; {template.description.en}"
        out.finding("template.not_evidence", Severity.FATAL, message)
        return False
    return True


def _no_template(out: Output, heads: list[str]) -> None:
    message = f"the first row holds not all heads of a template; it has: {', '.join(heads)}"
    out.finding("template.unknown", Severity.FATAL, message[:300])


def _places(template: Template, heads: list[str], out: Output) -> dict[int, TemplateColumn]:
    names = {_fold(name): c for c in template.asked for name in (c.head.zh, c.head.en)}
    at: dict[int, TemplateColumn] = {}
    for i, head in enumerate(heads):
        column = names.get(_fold(head))
        if column is None and head.strip():
            out.finding("file.unknown_column", Severity.INFO, f"no column of the template {template.name}", field=head)
        elif column is not None and column in at.values():
            out.finding(
                "file.repeated_column", Severity.WARNING, "the second column of this head was not read", field=head
            )
        elif column is not None:
            at[i] = column
    return at


def _cleaned(cells: list[str], i: int, column: TemplateColumn, record: RowContext, limits: Limits) -> str:
    text = cells[i].strip() if i < len(cells) else ""
    name = column.column.name
    if text.startswith("="):
        record.warn("field.formula", "a formula was refused and its cell left unknown; paste the value", name, text)
        return ""
    if len(text) > (limits.text_chars if name == "text" else limits.field_chars):
        record.warn("field.too_long", f"longer than {limits.field_chars} characters; left unknown", name)
        return ""
    return text


def _row(
    template: Template, cells: Mapping[str, tuple[TemplateColumn, str]], record: RowContext, cell: Cell,
    seen: dict[tuple[Any, ...], int],
) -> None:  # fmt: skip
    assert template.table is not None
    row: dict[str, Any] = {}
    stated = cells["currency"][1] if "currency" in cells else ""
    currency = CURRENCY_SIGNS.get(stated.casefold(), stated.upper())
    is_unreadable = bool(currency) and not re.fullmatch(r"[A-Z]{3}", currency)
    if is_unreadable:
        message = "allowed: an ISO 4217 code such as CNY, or 元, 美元 ...; the row's amounts are left unknown"
        record.warn("template.cell", message, "currency", stated)
        currency = ""
    for name, (column, text) in cells.items():
        if not text:
            continue
        try:
            value, named = _convert(column, text, cell)
        except DomainError as err:
            record.warn("template.cell", f"{err}; allowed: {column.allowed('en')}", name, text)
            continue
        if is_unreadable and (column.column.unit or "").startswith("major units"):
            continue
        if named and currency and named != currency:
            message = f"the amount is in {named}, the row's currency is {currency}"
            record.warn("template.currency", message, name, text)
            continue
        currency = currency or named or ""
        row[name] = _party(record, value) if column.party == "name" else value
    if "currency" in cells:
        row["currency"] = currency or None
    _keep_in_order(row, record)
    missing = [c.column.name for c in template.asked if c.column.required and row.get(c.column.name) is None]
    if missing:
        record.refuse("template.required", f"must be filled: {', '.join(missing)}", missing[0])
        return
    if any(column.party == "from_name" for column in template.columns):
        row["party_id"] = _party(record, row["name"])
    _tell_of_repeats(template, row, record, seen)
    record.out.add(template.table, row)


def _keep_in_order(row: dict[str, Any], record: RowContext) -> None:
    """Leave the doubtful one of two dates unknown where what comes after is dated before."""
    for before, after, doubtful in _IN_ORDER:
        first, second = row.get(before), row.get(after)
        if first is not None and second is not None and second < first:
            record.warn("template.date_order", f"{after} {second} lies before {before} {first}; left unknown", doubtful,
                        str(row[doubtful]))  # fmt: skip
            row[doubtful] = None


def _tell_of_repeats(
    template: Template, row: Mapping[str, Any], record: RowContext, seen: dict[tuple[Any, ...], int]
) -> None:
    """File a finding for a row whose key stood in the file before: the later row replaces the earlier one."""
    names = schema_of(str(template.table)).key
    key = tuple(row.get(name) for name in names)
    if key in seen:
        shown = ", ".join(str(part) for part in key)
        record.warn(
            "template.repeated",
            f"the same {', '.join(names)} as row {seen[key]}; this row replaces it",
            names[0],
            shown,
        )
    seen[key] = record.row


def _party(record: RowContext, name: str) -> str:
    party = party_row(name)
    record.out.add("parties", party)
    return str(party["party_id"])


def _convert(column: TemplateColumn, text: str, cell: Cell) -> tuple[Any, str | None]:
    """Return a cell's value, and the currency that it names, if any."""
    kind, unit = column.column.type, column.column.unit or ""
    if column.column.name == "patent_id":
        return parse_patent_number(text).patent_id, None
    if column.column.allowed:
        return _word(column, text), None
    if unit == "fraction":
        least, most = _FRACTIONS.get(column.column.name, (0.0, 1.0))
        share = _fraction(text)
        if not least <= share <= most:
            raise DomainError(f"{text!r} is outside {least:g} to {most:g}")
        return share, None
    if unit.startswith("major units"):
        negative = text.startswith("-")
        if negative and column.column.name not in _MAY_BE_NEGATIVE:
            raise DomainError(f"{text!r} is negative")
        amount, currency = money(text.lstrip("-"), cell)
        return (-amount if negative else amount), None if _BARE_AMOUNT.match(text.lstrip("-")) else currency
    converter = {Type.INT: "int", Type.FLOAT: "float", Type.DATE: "date", Type.BOOL: "yes_no"}.get(kind)
    value: Any = text if converter is None else CONVERTERS[converter](text, cell)
    low, high = {"0-100": (0, 100), "0-1": (0, 1)}.get(unit, (None, None))
    if unit in _COUNTED and value < (1 if column.column.name == "patent_count" else 0):
        raise DomainError(f"{text!r} is too small to be a number of {unit}")
    if low is not None and high is not None and not low <= value <= high:
        raise DomainError(f"{text!r} is outside {low} to {high}")
    return value, None


def _word(column: TemplateColumn, text: str) -> str:
    words = {casefold_nfkc(value): value for value in column.column.allowed}
    words |= {casefold_nfkc(label): value for value, label in column.labels.items()}
    value = words.get(casefold_nfkc(text))
    if value is None:
        raise DomainError(f"{text!r} is not one of the allowed words ({column.allowed('zh')})")
    return value


def _fraction(text: str) -> float:
    match = _SHARE.match(text)
    if match is None:
        raise DomainError(f"{text!r} is not a share")
    number = float(match[1])
    if match[2]:
        return number / 100
    if not -1 <= number <= 1:
        raise DomainError(f"{text!r} is ambiguous without a percent sign")
    return number
