"""A mapping proposed for heads that no shipped mapping knows, for a person to confirm.

Each column is compared with every target in two ways: its head with the heads we know (spelling), and its cells with
what such cells look like (content). A proposal says how sure it is, why, and shows examples; the file that it writes
says `confirmed: false`, and no reader accepts it until a person has changed that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import islice
from pathlib import Path
from typing import Any

from zhirong.evidence.names import classify_party
from zhirong.evidence.reading import ReadOptions
from zhirong.evidence.sheets.converters import CONVERTERS, Cell
from zhirong.evidence.sheets.header import SEARCH_ROWS, header_score
from zhirong.evidence.sheets.mapping import load_mapping
from zhirong.evidence.sheets.reader import open_tables
from zhirong.evidence.sheets.rows import RawRow, TableStream
from zhirong.evidence.sheets.rules import ColumnRule, SheetMapping
from zhirong.evidence.sheets.vocabulary import fold, fold_head
from zhirong.kernel.errors import DomainError, EvidenceError
from zhirong.kernel.findings import Finding, FindingLog, Severity

__all__ = ["ProposedColumn", "ProposedMapping", "propose_mapping", "write_mapping"]

_SAMPLE_ROWS = 300
_ACCEPT = 0.5
_EXAMPLES = 3
_CELL = Cell(office="CN", is_workbook=True)


@dataclass(frozen=True, slots=True)
class ProposedColumn:
    """What one column may be.

    Parameters
    ----------
    head : str
        Head as written.
    target : mapping or None
        The entry of a mapping file without `heads`; None where nothing fits.
    confidence : float
        0-1: how well head and content agree with the target; not a probability that was calibrated.
    reason : str
        Why, in words.
    examples : tuple of str
        First different values, cut to 40 characters.
    """

    head: str
    target: Mapping[str, Any] | None
    confidence: float
    reason: str
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProposedMapping:
    """A mapping to be confirmed.

    Parameters
    ----------
    source : str
        File name that it was made from.
    header_row : int
        Row of the heads.
    columns : tuple of ProposedColumn
        Each column in order.
    """

    source: str
    header_row: int
    columns: tuple[ProposedColumn, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the content of a mapping file with the accepted proposals, not yet confirmed."""
        return {
            "name": re.sub(r"[^\w-]+", "_", Path(self.source).stem) or "proposed",
            "version": "1",
            "grade": "stated",
            "confirmed": False,
            "office": "CN",
            "columns": [
                {**column.target, "heads": [column.head]} for column in self.columns if column.target is not None
            ],
            "ignore": [column.head for column in self.columns if column.target is None and column.head],
        }

    def to_yaml(self) -> str:
        """Return the mapping file as text, with confidence, reason and examples as comments."""
        content = self.as_dict()
        lines = [
            f"# Proposed for {_comment(self.source)}; heads in row {self.header_row}.",
            "# Look at every line, correct it, then set `confirmed: true`. Nothing is imported before.",
            "# 请逐行核对并修改，然后将 confirmed 改为 true；确认之前不会导入任何数据。",
        ]
        keys = ("name", "version", "grade", "confirmed", "office")
        lines += [f"{key}: {_scalar(content[key])}" for key in keys]
        lines.append("columns:")
        for column in self.columns:
            if column.target is None:
                continue
            shown = " | ".join(column.examples)
            lines.append(f"  # {column.confidence:.2f}  {_comment(column.reason)}; e.g. {_comment(shown)}")
            entry = {**column.target, "heads": [column.head]}
            inner = ", ".join(f"{key}: {_scalar(value)}" for key, value in entry.items())
            lines.append(f"  - {{{inner}}}")
        if content["ignore"]:
            lines.append("# Nothing fits these columns; move a head up to read it.")
            lines.append("ignore:")
            lines += [f"  - {_scalar(head)}" for head in content["ignore"]]
        return "\n".join(lines) + "\n"


def _scalar(value: Any) -> str:
    """Write a value as JSON, which is YAML too; a list of plain values in brackets."""
    return json.dumps(value, ensure_ascii=False)


def _comment(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]+", " ", text)


class _Silent:
    """An output that drops rows: a proposal only looks."""

    source_id = "proposal"

    def __init__(self) -> None:
        self.log = FindingLog()

    def add(self, table: str, row: Mapping[str, Any]) -> None:
        """Drop."""

    def add_many(
        self, table: str, columns: Mapping[str, Sequence[Any]], *, records: Sequence[int] | None = None
    ) -> None:
        """Drop."""

    def read(self, records: int = 1) -> None:
        """Drop."""

    def refuse(self, records: int = 1) -> None:
        """Drop."""

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
        """Keep the finding."""
        made = Finding(rule, severity, self.source_id, message, row, field, value, record_id)
        self.log.add(made)
        return made


def propose_mapping(path: Path) -> ProposedMapping:
    """Propose a mapping for a sheet from its heads and its first rows; import nothing.

    Parameters
    ----------
    path : Path
        Spreadsheet or CSV file; of a workbook, the visible sheet with most known heads (the first where none has).

    Returns
    -------
    ProposedMapping

    Raises
    ------
    EvidenceError
        When the file cannot be opened or holds no table.
    """
    common = load_mapping("cn_common")
    samples = [list(islice(stream.rows, _SAMPLE_ROWS)) for stream in _visible(path)]
    samples = [rows for rows in samples if any(any(c.strip() for c in row.cells) for row in rows)]
    if not samples:
        raise EvidenceError(f"{path.name} holds no table")
    rows = max(samples, key=lambda sample: max(header_score(common, row.cells) for row in sample[:SEARCH_ROWS]))
    at = _header_at(rows, common)
    heads = [cell.strip() for cell in rows[at].cells]
    columns = [
        _Column(i, head, [row.cells[i].strip() for row in rows[at + 1 :] if i < len(row.cells)])
        for i, head in enumerate(heads)
        if head
    ]
    return ProposedMapping(path.name, rows[at].number, tuple(_assign(columns, common)))


def _visible(path: Path) -> Iterator[TableStream]:
    yield from (s for s in open_tables(path, _Silent(), ReadOptions(), None) if not s.is_hidden)


def _header_at(rows: list[RawRow], common: SheetMapping) -> int:
    """Return the index of the row of heads: most known heads, else the first full row of texts."""
    searched = rows[:SEARCH_ROWS]
    scores = [header_score(common, row.cells) for row in searched]
    if max(scores) > 0:
        return scores.index(max(scores))
    widest = max(sum(bool(c.strip()) for c in row.cells) for row in searched)
    for i, row in enumerate(searched):
        said = [c for c in row.cells if c.strip()]
        if len(said) * 2 > widest and not any(re.fullmatch(r"[\d.,/-]+", c.strip()) for c in said):
            return i
    return 0


@dataclass(slots=True)
class _Column:
    place: int
    head: str
    values: list[str]
    shares: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.values = [v for v in self.values if v and fold(v) not in {"-", "na", "n/a", "--"}]

    def share(self, kind: str) -> float | None:
        """Return the share of values that look like a kind; None for kinds without a look, or without values."""
        check = _LOOKS.get(kind)
        if check is None or not self.values:
            return None
        if kind not in self.shares:
            sample = self.values[:200]
            self.shares[kind] = sum(check(value) for value in sample) / len(sample)
        return self.shares[kind]


def _converts(name: str) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            value = CONVERTERS[name](text[:2000], _CELL)
        except DomainError:
            return False
        return value is not None and not (isinstance(value, list) and any(str(v).startswith("?") for v in value))

    return check


def _is_class_list(text: str) -> bool:
    return bool(re.match(r"^\[?\"?[A-HY]\d{2}[A-Z]", fold(text).upper())) and _converts("class_list")(text)


def _is_publication(text: str) -> bool:
    return (
        bool(re.match(r"^[A-Z]{2}[\s-]?\w+\d{5,}[A-Z]?\d?$", text.strip()))
        and "." not in text
        and (_converts("publication_number")(text))
    )


def _is_party(text: str) -> bool:
    first = re.split(r"[;；|]", text)[0].strip()
    return len(first) < 80 and classify_party(first) is not None


_LOOKS: Mapping[str, Callable[[str], bool]] = {
    "publication_number": _is_publication,
    "application_number": _converts("application_number"),
    "date": _converts("date"),
    "dates": _converts("dates"),
    "first_date": _converts("first_date"),
    "count": lambda text: bool(re.fullmatch(r"\d{1,5}", fold(text))),
    "class_list": _is_class_list,
    "patent_list": _converts("patent_list"),
    "party_list": _is_party,
    "legal_status": _converts("legal_status"),
    "right_type": lambda text: not text.isdigit() and _converts("right_type")(text),
    "yes_no": lambda text: fold(text) in {"是", "否", "有", "无", "y", "n", "yes", "no", "0", "1"},
    "long_text": lambda text: len(text) > 60,
    "region": _converts("region"),
    "office": _converts("office"),
    "money": _converts("money"),
}
_STRONG = frozenset({"publication_number", "application_number", "class_list"})
"""Kinds that content alone tells apart."""


def _similarity(head: str, known: Sequence[str]) -> tuple[float, str]:
    """Return how like a known head this head is (1 for equal) and which one."""
    folded = re.sub(r"\(.*?\)$", "", fold_head(head)) or fold_head(head)
    best, which = 0.0, ""
    if not folded:
        return best, which
    for candidate in known:
        if candidate in {fold_head(head), folded}:
            return 1.0, candidate
        ratio = SequenceMatcher(None, folded, candidate).ratio()
        if len(candidate) >= 3 and (candidate in folded or folded in candidate):
            ratio = max(ratio, 0.6 + 0.3 * min(len(candidate), len(folded)) / max(len(candidate), len(folded)))
        if ratio > best:
            best, which = ratio, candidate
    return best, which


def _score(column: _Column, rule: ColumnRule) -> tuple[float, str]:
    similar, which = _similarity(column.head, rule.rule.heads)
    kind = rule.rule.converter
    share = column.share(kind)
    if share is None:
        weight = similar if similar == 1.0 else similar * 0.8
        return round(weight * 0.95, 3), f"head like {which!r}"
    reason = f"head {'is' if similar == 1 else 'like'} {which!r} ({similar:.0%}), {share:.0%} of cells look like {kind}"
    if similar == 1.0:
        return round(0.4 + 0.58 * share, 3), reason
    if kind in _STRONG and share >= 0.8:
        return round(0.55 + 0.25 * similar + 0.15 * share, 3), reason
    if share < 0.5:
        return round(0.35 * similar * share, 3), reason
    return round(0.7 * similar + 0.2 * share * (similar > 0.4), 3), reason


def _assign(columns: list[_Column], common: SheetMapping) -> list[ProposedColumn]:
    """Give each target of `patents` to at most one column, best first."""
    scored = sorted(
        ((*_score(column, rule), column, rule, i) for column in columns for i, rule in enumerate(common.columns)),
        key=lambda item: (-item[0], item[2].place, item[4]),
    )
    taken: set[str] = set()
    chosen: dict[int, ProposedColumn] = {}
    for confidence, reason, column, rule, _ in scored:
        key = f"{rule.target}.{rule.column}{sorted(rule.options.items())}"
        if confidence < _ACCEPT or column.place in chosen or key in taken:
            continue
        taken.add(key)
        chosen[column.place] = ProposedColumn(
            column.head, _entry(rule), min(confidence, 0.99), reason, _examples(column)
        )
    nothing = "no target fits head and content"
    return [chosen.get(c.place) or ProposedColumn(c.head, None, 0.0, nothing, _examples(c)) for c in columns]


def _entry(rule: ColumnRule) -> dict[str, Any]:
    to = f"patents.{rule.column}" if rule.target == "patents" else rule.target
    return {"to": to, **rule.options, "as": rule.rule.converter}


def _examples(column: _Column) -> tuple[str, ...]:
    return tuple(v[:40] for v in list(dict.fromkeys(column.values))[:_EXAMPLES])


def write_mapping(proposal: ProposedMapping, path: Path) -> None:
    """Write a proposal as a mapping file in UTF-8; a file that exists is not overwritten.

    Raises
    ------
    EvidenceError
        When the file exists.
    """
    if path.exists():
        raise EvidenceError(f"{path.name} exists; choose another name, confirmed mappings are not overwritten")
    path.write_text(proposal.to_yaml(), encoding="utf-8")
