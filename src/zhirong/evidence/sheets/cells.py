"""Cells of one sheet under a mapping: which columns a rule reads, and what the cell of a row says."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from zhirong.evidence.reading import Limits, Output
from zhirong.evidence.sheets.converters import CONVERTERS, Cell, split_list
from zhirong.evidence.sheets.rows import RawRow, TableStream
from zhirong.evidence.sheets.rules import FieldRule, SheetMapping
from zhirong.evidence.sheets.vocabulary import fold, fold_head
from zhirong.kernel.errors import DomainError, IdentifierError
from zhirong.kernel.findings import Severity

__all__ = ["Bound", "CellReader", "Row"]

_MEMORY, _MEMORY_CHARS = 50_000, 120
_SELDOM_AGAIN = frozenset({"text", "long_text", "party", "application_number", "publication_number", "patent_list"})
_SHORT = frozenset({"date", "dates", "int", "count", "float", "percent", "yes_no"})


@dataclass(slots=True)
class Bound:
    """A rule with the positions of its heads in this sheet."""

    rule: FieldRule
    places: tuple[int, ...]
    cell: Cell
    label: str
    memory: dict[str, Any] | None = None
    """Values of short cells read before, or the error they gave; None for a rule whose cells seldom repeat."""


@dataclass(slots=True)
class Row:
    """What one row gave so far."""

    number: int
    patent: dict[str, Any] = field(default_factory=dict)
    events: dict[tuple[str, date], dict[str, Any]] = field(default_factory=dict)
    patent_id: str = ""
    classes: dict[str, list[str]] = field(default_factory=dict)
    """Symbols by scheme."""
    flags: dict[str, tuple[Any, str]] = field(default_factory=dict)
    waiting: list[Callable[[], object]] | None = field(default_factory=list)
    """Findings made before the patent was known, which they are to name; None from then on."""
    is_date_of_latest: bool = False
    """The publication date is that of the publication named, which may be the grant (公开(公告)日)."""


class CellReader:
    """Reads the cells of the rows of one sheet.

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
        self._row = Row(0)

    def _bind(self, rule: FieldRule) -> Bound:
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
        return Bound(rule, places, cell, label, None if rule.converter in _SELDOM_AGAIN else {})

    def _convert(self, text: str, bound: Bound) -> Any:
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
        row = self._row

        def tell() -> object:
            return self._out.finding(
                rule, severity, message, row=row.number, field=field, value=value, record_id=row.patent_id or None
            )

        if row.waiting is None:
            tell()
        else:
            row.waiting.append(tell)

    def _tell_what_waited(self) -> None:
        """File the findings of the row so far, now that its patent is known or will not be."""
        waiting, self._row.waiting = self._row.waiting, None
        for tell in waiting or ():
            tell()

    def _texts(self, raw: RawRow, bound: Bound) -> list[tuple[str, str]]:
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

    def _value(self, raw: RawRow, bound: Bound) -> Any:
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

    def _members(self, raw: RawRow, bound: Bound) -> list[Any]:
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


def _unit(head: str) -> str | None:
    match = re.search(r"[（(](?:单位[:：])?(亿元|千万元|百万元|万元|千元|元)(?:人民币)?[)）]", head)
    return match[1] if match else None


def _without_unit(head: str) -> str:
    return re.sub(r"[（(](?:单位[:：])?(亿元|千万元|百万元|万元|千元|元)(?:人民币)?[)）]", "", head)


def _looks_active(cell: str) -> bool:
    """Say whether a leading = + - @ or tab could start a formula: numbers and plain dashes do not."""
    return not re.fullmatch(r"[+-]?[\d.,\s%eE-]+|[-—\s]+", cell) and not re.match(r"^-\s*[一-龥]", cell)
