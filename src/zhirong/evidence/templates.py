"""Templates for deals, firms, appraisals and other data that no office publishes: listed, written, described.

Names, types, units, allowed values and need come from the canonical schema, Chinese heads and examples from
``data/templates.yaml``. `zhirong.evidence.template_reader` reads a filled template back.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import xlsxwriter
import yaml

from zhirong.kernel.errors import DomainError, UnknownNameError
from zhirong.kernel.text import Bilingual, Language
from zhirong.tables.schema import Column, Type, schema_of

__all__ = ["Template", "TemplateColumn", "all_templates", "list_templates", "template_named", "write_template"]

_FILE = Path(__file__).parent / "data" / "templates.yaml"
FIELDS_SHEET = "说明 fields"
_YES = Bilingual("必填", "required")
_NO = Bilingual("可空", "optional")


@dataclass(frozen=True, slots=True)
class TemplateColumn:
    """One column of a template.

    Parameters
    ----------
    column : Column
        Name, type, unit, allowed values and need.
    head, meaning : Bilingual
        What stands in the first row, and what it means.
    example : str
        A made-up value.
    labels : mapping of str to str
        Allowed value to its Chinese word; either may be written.
    party : str or None
        ``name``: the cell holds a party's name, which becomes a row of `parties`; ``from_name``: taken from the column
        `name`, not asked for.
    """

    column: Column
    head: Bilingual
    meaning: Bilingual
    example: str
    labels: Mapping[str, str]
    party: str | None = None

    def allowed(self, lang: Language) -> str:
        """Return what may be written, in words."""
        if self.column.allowed:
            return " | ".join(self.labels.get(value, value) if lang == "zh" else value for value in self.column.allowed)
        rule = _ALLOWED["fraction"] if self.column.unit == "fraction" else _ALLOWED[str(self.column.type)]
        return _ALLOWED["money"].in_(lang) if (self.column.unit or "").startswith("major") else rule.in_(lang)


_ALLOWED = {
    "text": Bilingual("文字", "text"),
    "int64": Bilingual("整数", "whole number"),
    "float64": Bilingual("数字", "number"),
    "date": Bilingual("日期，如 2024-03-01", "date, e.g. 2024-03-01"),
    "boolean": Bilingual("是 | 否", "yes | no"),
    "fraction": Bilingual("百分数（5%）或小数（0.05）", "percent (5%) or fraction (0.05)"),
    "money": Bilingual("金额：500000、50万元、USD 3000", "amount: 500000, 50万元, USD 3000"),
}


@dataclass(frozen=True, slots=True)
class Template:
    """One template.

    Parameters
    ----------
    name : str
        Name on the command line.
    table : str or None
        Canonical table that it fills; None for input of a command.
    description : Bilingual
        One line.
    columns : tuple of TemplateColumn
        In file order.
    """

    name: str
    table: str | None
    description: Bilingual
    columns: tuple[TemplateColumn, ...]

    def heads(self, lang: Language) -> list[str]:
        """Return the first row; a star marks what must be filled."""
        return [c.head.in_(lang) + ("*" if c.column.required else "") for c in self.asked]

    @property
    def asked(self) -> tuple[TemplateColumn, ...]:
        """Columns that stand in the file."""
        return tuple(column for column in self.columns if column.party != "from_name")

    def as_row(self, lang: Language) -> dict[str, object]:
        """Return one row of the list of templates."""
        return {
            "template": self.name,
            "table": self.table or "",
            "columns": len(self.asked),
            "description": self.description.in_(lang),
        }

    def documentation(self) -> list[dict[str, str]]:
        """Return one row for each column: head, meaning, unit, allowed, need and example, in both languages."""
        return [
            {
                "字段": column.head.zh,
                "field": column.head.en,
                "含义": column.meaning.zh,
                "meaning": column.meaning.en,
                "单位 unit": column.column.unit or "",
                "可填": column.allowed("zh"),
                "allowed": column.allowed("en"),
                "是否必填": _need(column).zh,
                "need": _need(column).en,
                "示例 example": column.example,
            }
            for column in self.asked
        ]


def _need(column: TemplateColumn) -> Bilingual:
    return _YES if column.column.required else _NO


@cache
def all_templates() -> Mapping[str, Template]:
    """Return every template by name, in the order of the list."""
    content = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return {name: _template(name, entry, content["labels"]) for name, entry in content["templates"].items()}


def _template(name: str, entry: Mapping[str, Any], labels: Mapping[str, Mapping[str, str]]) -> Template:
    parties: Mapping[str, str] = entry.get("parties") or {}
    columns: list[TemplateColumn] = []
    for key, (head, meaning, example) in entry["columns"].items():
        column = schema_of(entry["table"]).column(key) if entry["table"] else _own(key, entry["own"][key])
        heads, meanings = Bilingual(head, key), Bilingual(meaning, _meaning(column, entry))
        columns.append(TemplateColumn(column, heads, meanings, str(example), labels.get(key, {}), parties.get(key)))
    for key, party in parties.items():
        if party == "from_name":
            column = schema_of(entry["table"]).column(key)
            columns.append(TemplateColumn(column, Bilingual(key, key), Bilingual(key, key), "", {}, party))
    return Template(name, entry["table"], Bilingual(entry["zh"], entry["en"]), tuple(columns))


def _own(name: str, spec: Mapping[str, Any]) -> Column:
    return Column(name, Type(spec["type"]), spec["en"], spec["required"], (), spec.get("unit"))


def _meaning(column: Column, entry: Mapping[str, Any]) -> str:
    named = "; write the name" if (entry.get("parties") or {}).get(column.name) == "name" else ""
    blank = f"; blank: {column.null}" if not column.required and column.null != "unknown" else ""
    return column.description + named + blank


def list_templates() -> list[Template]:
    """Return the templates in the order of the documentation."""
    return list(all_templates().values())


def template_named(name: str) -> Template:
    """Return a template, or raise `UnknownNameError` with close names."""
    try:
        return all_templates()[name]
    except KeyError:
        raise UnknownNameError("template", name, all_templates()) from None


def write_template(name: str, path: Path, lang: Language = "zh") -> None:
    """Write an empty template.

    Parameters
    ----------
    name : str
        Template.
    path : Path
        ``.csv`` (UTF-8 with byte-order mark, so that spreadsheets read it rightly) or ``.xlsx`` (with a second sheet
        that explains every column in both languages, and lists for columns of allowed values).
    lang : {"zh", "en"}
        Language of the heads.

    Raises
    ------
    UnknownNameError
        For another template.
    DomainError
        For another file type.
    """
    template = template_named(name)
    if path.suffix.lower() == ".csv":
        with path.open("w", encoding="utf-8-sig", newline="") as stream:
            csv.writer(stream).writerow(template.heads(lang))
    elif path.suffix.lower() == ".xlsx":
        _write_workbook(template, path, lang)
    else:
        raise DomainError(f"{path.name}: a template is written as .csv or .xlsx")


def _write_workbook(template: Template, path: Path, lang: Language) -> None:
    with xlsxwriter.Workbook(str(path)) as book:
        # A fixed date: the same template gives the same bytes, and nothing below the shells asks for the time.
        book.set_properties({"title": template.description.in_(lang), "created": datetime(2024, 1, 1)})  # noqa: DTZ001
        bold = book.add_format({"bold": True, "bg_color": "#DCE6F1", "border": 1, "text_wrap": True})
        wrap = book.add_format({"text_wrap": True, "valign": "top"})
        text = book.add_format({"num_format": "@"})
        sheet = book.add_worksheet(template.name)
        sheet.freeze_panes(1, 0)
        for at, (column, head) in enumerate(zip(template.asked, template.heads(lang), strict=True)):
            sheet.write_string(0, at, head, bold)
            sheet.write_comment(0, at, f"{column.meaning.in_(lang)}\n{column.allowed(lang)}")
            sheet.set_column(at, at, 16, text if column.column.type is Type.TEXT else None)
            if column.column.allowed:
                words = [column.labels.get(v, v) if lang == "zh" else v for v in column.column.allowed]
                sheet.data_validation(1, at, 10_000, at, {"validate": "list", "source": words, "error_type": "warning"})
        fields = book.add_worksheet(FIELDS_SHEET)
        rows = template.documentation()
        for at, head in enumerate(rows[0]):
            fields.write_string(0, at, head, bold)
            fields.set_column(at, at, 34 if head in {"含义", "meaning", "可填", "allowed"} else 16, wrap)
        for number, row in enumerate(rows, start=1):
            for at, value in enumerate(row.values()):
                fields.write_string(number, at, value, wrap)
        fields.freeze_panes(1, 0)
