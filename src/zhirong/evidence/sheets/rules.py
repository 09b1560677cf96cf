"""What a checked mapping says: rules from heads to fields of the canonical tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from zhirong.evidence.sheets.workbook import Formulas
from zhirong.kernel.provenance import Grade
from zhirong.kernel.text import Bilingual

__all__ = ["ColumnRule", "FieldRule", "RecordRule", "SheetMapping"]

_NULLS = ("", "-", "--", "—", "——", "/", "\\", "n/a", "null", "none", "nan", "暂无", "无数据")


@dataclass(frozen=True, slots=True)
class FieldRule:
    """Heads that mean one field, in order of preference, and how their cells are read."""

    heads: tuple[str, ...]
    converter: str
    values: Mapping[str, Any] | None = None
    unit: str | None = None
    separators: str | None = None


@dataclass(frozen=True, slots=True)
class ColumnRule:
    """One column of the sheet to one target."""

    rule: FieldRule
    target: str
    """`patents` or a key of the other targets."""
    column: str | None = None
    """Column of `patents`."""
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RecordRule:
    """Several columns that together make rows of another table (a transfer: date, from, to)."""

    table: str
    constants: Mapping[str, Any]
    fields: Mapping[str, FieldRule]


@dataclass(frozen=True, slots=True)
class SheetMapping:
    """A checked mapping.

    Parameters
    ----------
    name, version : str
        Identity; part of provenance.
    title : Bilingual
        One line for lists.
    grade : Grade
        How the heads are known; shipped styles of commercial databases are `RECALLED`.
    office : str or None
        Office of numbers that name none.
    language : str or None
        Language of titles and texts where the mapping says so, else detected.
    """

    name: str
    version: str
    title: Bilingual
    grade: Grade
    columns: tuple[ColumnRule, ...]
    records: tuple[RecordRule, ...] = ()
    ignore: tuple[str, ...] = ()
    note: str = ""
    office: str | None = None
    language: str | None = None
    null_values: frozenset[str] = frozenset(_NULLS)
    row_filter: tuple[str, str] | None = None
    sheets: tuple[str, ...] = ()
    formulas: Formulas = "refuse"
    encoding: str | None = None
    separators: str = ";；|"
    stated_at: date | None = None

    @property
    def heads(self) -> frozenset[str]:
        """Every folded head that the mapping knows, ignored ones apart."""
        rules = [rule.rule for rule in self.columns]
        rules += [one for record in self.records for one in record.fields.values()]
        return frozenset(head for rule in rules for head in rule.heads)

    @property
    def identifier_heads(self) -> frozenset[str]:
        """Folded heads of application and publication numbers; a header row holds at least one."""
        wanted = {"application_number", "publication_number", "earlier_publication_id"}
        return frozenset(h for rule in self.columns if rule.column in wanted for h in rule.rule.heads)
