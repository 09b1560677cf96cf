"""A mapping file: which column head means which canonical field.

A mapping is YAML, so that a user who never saw Python can write one. It is checked key by key before a row is read;
every error names file, key, what was found and what is allowed. The shipped mappings lie in `mappings/`; a user's
file may `extends:` one of them and add or take over heads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from zhirong.evidence.sheets.converters import CONVERTERS, UNITS
from zhirong.evidence.sheets.rules import ColumnRule, FieldRule, RecordRule, SheetMapping
from zhirong.evidence.sheets.vocabulary import fold, fold_head
from zhirong.kernel.errors import DomainError, UnknownNameError, suggest
from zhirong.kernel.provenance import Grade
from zhirong.kernel.text import Bilingual
from zhirong.tables.schema import (
    CANONICAL,
    EVENT_KINDS,
    LEGAL_STATUSES,
    PATENTS,
    RIGHT_TYPES,
    Column,
    Type,
)

__all__ = [
    "load_mapping",
    "parse_mapping",
    "shipped_mappings",
]

_FILE_BYTES = 1 << 20
_TARGETS: Mapping[str, tuple[str, ...]] = {
    "patent_parties": ("role",),
    "party_attribute": ("role", "attribute"),
    "classifications": ("scheme",),
    "citations": ("direction",),
    "nonpatent_citations": (),
    "families": ("family_kind",),
    "texts": ("part",),
    "claims": (),
    "legal_events": ("kind",),
    "flag": ("kind",),
    "labelled_text": ("labels",),
}
"""Targets other than a column of `patents`, with the keys each must have."""
_ALLOWED: Mapping[str, tuple[str, ...]] = {
    "role": ("applicant", "assignee", "owner", "inventor", "agent"),
    "attribute": ("region_code", "city", "country"),
    "scheme": ("ipc", "cpc", "uspc", "locarno"),
    "direction": ("cited", "citing"),
    "family_kind": ("docdb", "inpadoc", "simple", "own"),
    "part": ("abstract", "description", "brief", "keywords"),
    "kind": EVENT_KINDS,
}
_DEFAULT_AS: Mapping[str, str] = {
    "patent_parties": "party_list", "party_attribute": "text", "classifications": "class_list",
    "citations": "patent_list", "nonpatent_citations": "text_list", "families": "patent_list",
    "texts": "long_text", "claims": "long_text", "legal_events": "dates", "flag": "yes_no",
    "labelled_text": "long_text",
}  # fmt: skip
_PATENT_AS: Mapping[str, str] = {
    "application_number": "application_number", "publication_number": "publication_number",
    "earlier_publication_id": "publication_number", "legal_status": "legal_status", "right_type": "right_type",
    "office": "office", "priority_date": "first_date", "claim_count": "count", "page_count": "count",
    "stated_forward_citation_count": "count", "stated_family_size": "count", "primary_ipc": "class_list",
}  # fmt: skip
_TYPE_AS = {Type.TEXT: "text", Type.INT: "int", Type.FLOAT: "float", Type.DATE: "date", Type.BOOL: "yes_no"}
_RECORD_TABLES = ("legal_events", "deals", "cases")
_MONEY_COLUMNS = frozenset(
    {"amount", "price", "asked_price", "upfront_fee", "damages_claimed", "damages_awarded", "costs_awarded"}
)
_TOP = (
    "name", "title", "version", "grade", "note", "extends", "office", "language", "null_values", "row_filter",
    "sheets", "formulas", "encoding", "separators", "stated_at", "columns", "records", "ignore", "confirmed",
)  # fmt: skip
_FIELD_KEYS = ("heads", "as", "values", "unit", "separators")


class _Problems:
    """Collects what is wrong, so that a user sees all of it at once."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: list[str] = []

    def add(self, key: str, message: str) -> None:
        self.lines.append(f"{self.file}: {key}: {message}")

    def choice(self, key: str, value: Any, allowed: Sequence[str]) -> bool:
        if value in allowed:
            return True
        shown = ", ".join(allowed) if len(allowed) <= 12 else suggest(str(value), allowed).lstrip("; ")
        self.add(key, f"{value!r} is not allowed; {'allowed: ' if len(allowed) <= 12 else ''}{shown}")
        return False

    def known_keys(self, key: str, found: Mapping[str, Any], allowed: Sequence[str]) -> None:
        for name in found:
            if name not in allowed:
                hint = suggest(str(name), allowed) or f"; allowed: {', '.join(allowed)}"
                self.add(f"{key}.{name}" if key else str(name), f"unknown key{hint}")

    def check(self) -> None:
        if self.lines:
            raise DomainError("the mapping cannot be used:\n" + "\n".join(self.lines))


def shipped_mappings() -> dict[str, SheetMapping]:
    """Return the shipped mappings by name, in alphabetical order."""
    folder = resources.files("zhirong.evidence.sheets") / "mappings"
    names = sorted(item.name.removesuffix(".yaml") for item in folder.iterdir() if item.name.endswith(".yaml"))
    return {name: _shipped(name) for name in names}


_CACHE: dict[str, SheetMapping] = {}


def _shipped(name: str) -> SheetMapping:
    if name not in _CACHE:
        file = resources.files("zhirong.evidence.sheets") / "mappings" / f"{name}.yaml"
        _CACHE[name] = parse_mapping(yaml.safe_load(file.read_text("utf-8")), file=f"{name}.yaml")
    return _CACHE[name]


def load_mapping(source: Path | str) -> SheetMapping:
    """Load a mapping file, or a shipped mapping by name.

    Raises
    ------
    UnknownNameError
        When a name is neither a file nor a shipped mapping.
    DomainError
        When the content is not a mapping; the message has one line for each problem.
    """
    if isinstance(source, str) and not source.endswith((".yaml", ".yml")):
        names = [item.name.removesuffix(".yaml") for item in _folder() if item.name.endswith(".yaml")]
        if source not in names:
            raise UnknownNameError("shipped mapping", source, names)
        return _shipped(source)
    path = Path(source)
    if path.stat().st_size > _FILE_BYTES:
        raise DomainError(f"{path.name}: a mapping file has at most {_FILE_BYTES} bytes")
    try:
        content = yaml.safe_load(path.read_text("utf-8-sig"))
    except (yaml.YAMLError, UnicodeDecodeError) as err:
        raise DomainError(f"{path.name} is not YAML in UTF-8: {err}") from err
    return parse_mapping(content, file=path.name)


def _folder() -> list[Any]:
    return list((resources.files("zhirong.evidence.sheets") / "mappings").iterdir())


def parse_mapping(content: Any, *, file: str = "mapping") -> SheetMapping:
    """Check the content of a mapping file and return it compiled.

    Parameters
    ----------
    content : mapping
        What YAML gave.
    file : str
        Name used in error messages.

    Raises
    ------
    DomainError
        With one line ``file: key: problem; allowed`` for each problem.
    """
    problems = _Problems(file)
    if not isinstance(content, Mapping):
        problems.add("(top)", f"expected keys such as name and columns, found {type(content).__name__}")
        problems.check()
    problems.known_keys("", content, _TOP)
    if content.get("confirmed", True) is not True:
        problems.add("confirmed", "this proposal was not confirmed; look at every line, then set `confirmed: true`")
    own = [_column(problems, i, item) for i, item in enumerate(_list(problems, content, "columns"))]
    columns = tuple(rule for rule in own if rule is not None)
    listed = [_record(problems, i, item) for i, item in enumerate(_list(problems, content, "records"))]
    records = tuple(rule for rule in listed if rule is not None)
    mapping = SheetMapping(
        name=str(content.get("name") or file.removesuffix(".yaml")),
        version=str(content.get("version", "1")),
        title=_title(problems, content),
        grade=_grade(problems, content),
        columns=columns,
        records=records,
        ignore=tuple(fold_head(str(head)) for head in _list(problems, content, "ignore")),
        note=str(content.get("note") or ""),
    )
    mapping = _with_settings(problems, mapping, content)
    problems.check()
    for parent in _parents(content):
        mapping = _inherit(mapping, load_mapping(parent), own=content)
    if not mapping.columns:
        problems.add("columns", "nothing is mapped; give at least one column, or `extends` a shipped mapping")
    if not mapping.identifier_heads:
        problems.add("columns", "no column goes to patents.publication_number or patents.application_number")
    problems.check()
    return mapping


def _parents(content: Mapping[str, Any]) -> list[str]:
    extends = content.get("extends") or []
    return [extends] if isinstance(extends, str) else [str(name) for name in extends]


def _inherit(child: SheetMapping, parent: SheetMapping, *, own: Mapping[str, Any]) -> SheetMapping:
    """Add the parent's rules after the child's; a head that the child claims or ignores is taken from the parent."""
    claimed = child.heads | set(child.ignore)

    def left(rule: FieldRule) -> FieldRule:
        return replace(rule, heads=tuple(h for h in rule.heads if h not in claimed))

    columns = [replace(rule, rule=left(rule.rule)) for rule in parent.columns]
    records = [
        replace(record, fields={name: left(rule) for name, rule in record.fields.items()}) for record in parent.records
    ]
    return replace(
        child,
        columns=child.columns + tuple(rule for rule in columns if rule.rule.heads),
        records=child.records + tuple(records),
        ignore=child.ignore + tuple(h for h in parent.ignore if h not in claimed),
        office=child.office or parent.office,
        language=child.language or parent.language,
        null_values=child.null_values | parent.null_values,
        row_filter=child.row_filter or parent.row_filter,
        sheets=child.sheets or parent.sheets,
        encoding=child.encoding or parent.encoding,
        formulas=child.formulas if "formulas" in own else parent.formulas,
        separators=child.separators if "separators" in own else parent.separators,
        stated_at=child.stated_at or parent.stated_at,
    )


def _list(problems: _Problems, content: Mapping[str, Any], key: str) -> list[Any]:
    value = content.get(key) or []
    if not isinstance(value, list):
        problems.add(key, f"expected a list, found {type(value).__name__}")
        return []
    return value


def _title(problems: _Problems, content: Mapping[str, Any]) -> Bilingual:
    title = content.get("title") or {}
    name = str(content.get("name") or "mapping")
    if isinstance(title, str):
        return Bilingual(title, title)
    if not isinstance(title, Mapping):
        problems.add("title", "expected a text, or zh and en")
        return Bilingual(name, name)
    problems.known_keys("title", title, ("zh", "en"))
    return Bilingual(str(title.get("zh") or name), str(title.get("en") or name))


def _grade(problems: _Problems, content: Mapping[str, Any]) -> Grade:
    value = str(content.get("grade", "stated"))
    return Grade(value) if problems.choice("grade", value, [str(g) for g in Grade]) else Grade.STATED


def _with_settings(problems: _Problems, mapping: SheetMapping, content: Mapping[str, Any]) -> SheetMapping:
    office = content.get("office")
    if office is not None and not re.fullmatch("[A-Z]{2}", str(office)):
        problems.add("office", f"{office!r} is not a WIPO ST.3 code; allowed: two capitals, e.g. CN")
    formulas = content.get("formulas", "refuse")
    problems.choice("formulas", formulas, ("refuse", "use_cached"))
    stated_at = content.get("stated_at")
    if stated_at is not None and not isinstance(stated_at, date):
        problems.add("stated_at", f"{stated_at!r} is not a date; allowed: 2024-05-31")
    encoding = content.get("encoding")
    known = ("utf-8", "utf-8-sig", "utf-16", "gb18030", "gbk", "gb2312")
    if encoding is not None:
        problems.choice("encoding", encoding, known)
    return replace(
        mapping,
        office=office,
        language=content.get("language"),
        null_values=mapping.null_values | {fold(str(v)) for v in _list(problems, content, "null_values")},
        row_filter=_row_filter(problems, content.get("row_filter")),
        sheets=tuple(str(name) for name in _list(problems, content, "sheets")),
        formulas=formulas,
        encoding="gb18030" if encoding in {"gbk", "gb2312"} else encoding,
        separators=str(content.get("separators") or mapping.separators),
        stated_at=stated_at,
    )


def _row_filter(problems: _Problems, value: Any) -> tuple[str, str] | None:
    if value is None:
        return None
    if not isinstance(value, Mapping) or set(value) != {"head", "matches"}:
        problems.add("row_filter", "expected the keys head and matches (a regular expression)")
        return None
    try:
        re.compile(str(value["matches"]))
    except re.error as err:
        problems.add("row_filter.matches", f"not a regular expression: {err}")
        return None
    return fold_head(str(value["head"])), str(value["matches"])


def _field(problems: _Problems, key: str, item: Mapping[str, Any], default: str) -> FieldRule:
    heads = item.get("heads")
    if isinstance(heads, str):
        heads = [heads]
    if not isinstance(heads, list) or not heads or not all(isinstance(h, str | int) for h in heads):
        problems.add(f"{key}.heads", "expected one or more column heads")
        heads = []
    converter = str(item.get("as", default))
    problems.choice(f"{key}.as", converter, tuple(CONVERTERS))
    unit = item.get("unit")
    if unit is not None:
        problems.choice(f"{key}.unit", unit, tuple(UNITS))
    values = item.get("values")
    if values is not None and not isinstance(values, Mapping):
        problems.add(f"{key}.values", "expected a table of cell text to our value")
        values = None
    folded = {fold(str(k)): v for k, v in values.items()} if values is not None else None
    separators = item.get("separators")
    return FieldRule(
        heads=tuple(dict.fromkeys(fold_head(str(h)) for h in heads)),
        converter=converter,
        values=folded,
        unit=unit,
        separators=None if separators is None else str(separators),
    )


def _column(problems: _Problems, index: int, item: Any) -> ColumnRule | None:
    key = f"columns[{index + 1}]"
    if not isinstance(item, Mapping):
        problems.add(key, "expected the keys heads and to")
        return None
    to = str(item.get("to", ""))
    table, _, column = to.partition(".")
    if table == "patents":
        return _patent_column(problems, key, item, column)
    if not problems.choice(f"{key}.to", to, (*_TARGETS, "patents.<column>")):
        return None
    required = _TARGETS[to]
    extra = {
        "labelled_text": ("separator",),
        "texts": ("language",),
        "citations": ("origin",),
        "classifications": ("primary",),
    }.get(to, ())
    problems.known_keys(key, item, ("to", *_FIELD_KEYS, *required, *extra))
    for name in required:
        if name not in item:
            problems.add(f"{key}.{name}", f"missing; `to: {to}` needs it")
        elif name in _ALLOWED:
            problems.choice(f"{key}.{name}", item[name], _ALLOWED[name])
    options = {name: item[name] for name in (*required, *extra) if name in item}
    default = "locarno_list" if item.get("scheme") == "locarno" else _DEFAULT_AS[to]
    return ColumnRule(_field(problems, key, item, default), to, options=options)


def _patent_column(problems: _Problems, key: str, item: Mapping[str, Any], column: str) -> ColumnRule | None:
    problems.known_keys(key, item, ("to", *_FIELD_KEYS))
    allowed = [name for name in PATENTS.names if name not in {"patent_id", "source_id"}]
    if not problems.choice(f"{key}.to", column, allowed):
        return None
    default = _PATENT_AS.get(column, _TYPE_AS[PATENTS.column(column).type])
    rule = _field(problems, key, item, default)
    vocabulary = {"legal_status": LEGAL_STATUSES, "right_type": RIGHT_TYPES}.get(column)
    for text, value in (rule.values or {}).items():
        if vocabulary and value is not None:
            problems.choice(f"{key}.values.{text}", value, vocabulary)
    return ColumnRule(rule, "patents", column=column)


def _record(problems: _Problems, index: int, item: Any) -> RecordRule | None:
    key = f"records[{index + 1}]"
    if not isinstance(item, Mapping) or not isinstance(item.get("fields"), Mapping):
        problems.add(key, "expected the keys to, fields and, if needed, values")
        return None
    problems.known_keys(key, item, ("to", "fields", "values"))
    table = str(item.get("to", ""))
    if not problems.choice(f"{key}.to", table, _RECORD_TABLES):
        return None
    schema = CANONICAL[table]
    allowed = [name for name in schema.names if name not in {"source_id", "patent_id"}]
    constants = dict(item.get("values") or {})
    fields: dict[str, FieldRule] = {}
    for name, value in constants.items():
        if problems.choice(f"{key}.values", name, allowed) and schema.column(name).allowed:
            problems.choice(f"{key}.values.{name}", value, schema.column(name).allowed)
    for name, one in item["fields"].items():
        place = f"{key}.fields.{name}"
        if problems.choice(place, name, allowed) and isinstance(one, Mapping):
            problems.known_keys(place, one, _FIELD_KEYS)
            fields[str(name)] = _field(problems, place, one, _record_as(schema.column(str(name))))
    for name in {"legal_events": ("event_kind", "event_date"), "deals": ("deal_type", "deal_date")}.get(table, ()):
        if name not in fields and name not in constants:
            problems.add(f"{key}.fields.{name}", f"missing; a row of {table} needs it")
    return RecordRule(table, constants, fields)


def _record_as(column: Column) -> str:
    if column.name in _MONEY_COLUMNS:
        return "money"
    if column.name.endswith("_id") and column.name not in {"case_id", "deal_id", "event_id"}:
        return "party"
    return _TYPE_AS[column.type]
