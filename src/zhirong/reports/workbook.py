"""Excel: numbers as numbers with formats, texts never as formulas."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import xlsxwriter

from zhirong.indicators.catalogue import CATALOGUE
from zhirong.indicators.scoring.types import IndicatorReading, PatentScore
from zhirong.kernel.findings import Finding
from zhirong.kernel.text import Language
from zhirong.reports.quantities import fact_label, fact_value, indicator_name
from zhirong.reports.sections import describe, provenance_items
from zhirong.reports.texts import RULES_ZH, say, word
from zhirong.valuation.methods import LABELS
from zhirong.valuation.types import QUANTILE_LEVELS, Valuation

__all__ = ["Sheet", "sheets_of", "workbook_bytes"]

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_CELL_MAX = 32_767
_EPOCH = datetime(2000, 1, 1)  # noqa: DTZ001  (a fixed stamp: the file must not depend on the clock)

MONEY, NUMBER, PERCENT, TEXT, DATE = "money", "number", "percent", "text", "date"
_FORMATS: Mapping[str, Mapping[str, Any]] = {
    MONEY: {"num_format": "#,##0", "align": "right"},
    NUMBER: {"num_format": "#,##0.####", "align": "right"},
    PERCENT: {"num_format": "0.0%", "align": "right"},
    TEXT: {"num_format": "@", "text_wrap": True, "valign": "top"},
    DATE: {"num_format": "yyyy-mm-dd", "align": "left"},
}


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: heads, kind of each column (``kinds`` may also be given row by row), and rows."""

    name: str
    heads: tuple[str, ...]
    kinds: tuple[str, ...]
    rows: Sequence[Sequence[Any]]
    widths: tuple[int, ...] = ()
    row_kinds: Mapping[int, tuple[str, ...]] = field(default_factory=dict)


def workbook_bytes(sheets: Sequence[Sheet], *, title: str, banner: str = "") -> bytes:
    """Return an Excel workbook; equal sheets give equal bytes.

    Parameters
    ----------
    sheets : sequence of Sheet
        In order.
    title : str
        Document title.
    banner : str
        Line above every table (synthetic data); empty for none.

    Returns
    -------
    bytes
        .xlsx. None cells are blank-free: they hold the word that the sheet gives for unknown.
    """
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(
        stream, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    )
    book.set_properties({"title": _clean(title), "created": _EPOCH})
    base = {"font_name": "Noto Sans SC", "font_size": 10, "valign": "top"}
    formats = {kind: book.add_format(base | dict(extra)) for kind, extra in _FORMATS.items()}
    head = book.add_format(base | {"bold": True, "font_color": "#FFFFFF", "bg_color": "#1F4E79", "text_wrap": True})
    notice = book.add_format(base | {"bold": True, "font_color": "#6B3605", "bg_color": "#FBE9D2"})
    for sheet in sheets:
        _write_sheet(book.add_worksheet(sheet.name), sheet, formats, head, notice, banner)
    book.close()
    return stream.getvalue()


def _write_sheet(page: Any, sheet: Sheet, formats: Mapping[str, Any], head: Any, notice: Any, banner: str) -> None:
    first = 0
    if banner:
        page.write_string(0, 0, _clean(banner), notice)
        for column in range(1, len(sheet.heads)):
            page.write_blank(0, column, None, notice)
        first = 2
        page.set_header(f"&L{_clean(banner).replace('&', '&&')[:200]}")
    for column, name in enumerate(sheet.heads):
        page.write_string(first, column, _clean(name), head)
        page.set_column(column, column, sheet.widths[column] if column < len(sheet.widths) else 18)
    for number, row in enumerate(sheet.rows):
        kinds = sheet.row_kinds.get(number, sheet.kinds)
        for column, (value, kind) in enumerate(zip(row, kinds, strict=True)):
            _write_cell(page, first + 1 + number, column, value, formats, kind)
    page.freeze_panes(first + 1, 1)
    if sheet.rows:
        page.autofilter(first, 0, first + len(sheet.rows), len(sheet.heads) - 1)
    page.set_landscape()
    page.set_paper(9)
    page.fit_to_pages(1, 0)
    page.repeat_rows(first)


def _write_cell(page: Any, row: int, column: int, value: Any, formats: Mapping[str, Any], kind: str) -> None:
    if isinstance(value, bool):
        page.write_boolean(row, column, value, formats[TEXT])
    elif isinstance(value, int | float):
        page.write_number(row, column, value, formats[kind if kind != TEXT else NUMBER])
    elif isinstance(value, date):
        page.write_datetime(row, column, datetime(value.year, value.month, value.day), formats[DATE])  # noqa: DTZ001
    elif value is None:
        page.write_blank(row, column, None, formats[TEXT])
    else:
        page.write_string(row, column, _clean(str(value)), formats[TEXT])


def _clean(text: str) -> str:
    """Drop what XML 1.0 cannot hold and cut to Excel's cell limit; the text is written as a string, never a formula."""
    return _CONTROL.sub("\ufffd", text)[:_CELL_MAX]


def sheets_of(
    valuation: Valuation,
    *,
    lang: Language,
    score: PatentScore | None = None,
    readings: Sequence[IndicatorReading] = (),
) -> list[Sheet]:
    """Return the sheets of one valuation: summary, methods, assumptions, cash flow, contributions, indicators, ...

    Unknown is the word of the language, never an empty or zero number cell.
    """
    return [
        _summary(valuation, score, lang),
        _methods(valuation, lang),
        _assumptions(valuation, lang),
        _cash_flow(valuation, lang),
        _contributions(valuation, lang),
        _comparables(valuation, lang),
        _licences(valuation, lang),
        _indicators(readings, lang),
        _findings(valuation, lang),
        _provenance(valuation, lang),
    ]


def _known(value: Any, lang: Language) -> Any:
    return say("word.unknown", lang) if value is None else value


def _summary(valuation: Valuation, score: PatentScore | None, lang: Language) -> Sheet:
    unit = valuation.currency
    rows: list[tuple[Any, Any, Any]] = [
        (say("summary.subject", lang), valuation.subject_id, ""),
        (say("summary.as_of", lang), valuation.as_of, ""),
        (say("summary.purpose", lang), word("purpose", str(valuation.purpose), lang), ""),
        (say("summary.standard", lang), word("standard", str(valuation.standard_of_value), lang), ""),
    ]
    label = say("methods.total", lang)
    rows += [(f"{label} {100 * level:g}%", valuation.quantiles[level], unit) for level in sorted(valuation.quantiles)]
    rows += [(say("col.mean", lang), valuation.mean, unit), (say("col.sd", lang), valuation.sd, unit)]
    rows += [
        (say("summary.grade", lang), _known(score.grade if score else None, lang), ""),
        (say("col.score", lang), _known(score.total if score else None, lang), "0-100"),
        (f"{say('col.score', lang)} · {say('col.low', lang)}", _known(score.low if score else None, lang), "0-100"),
        (f"{say('col.score', lang)} · {say('col.high', lang)}", _known(score.high if score else None, lang), "0-100"),
    ]
    if score:
        rows += [(say(f"dimension.{d.dimension}", lang), _known(d.score, lang), "0-100") for d in score.dimensions]
    rows += [(fact_label(k, lang), v if _is_number(v) else fact_value(v, lang), "") for k, v in valuation.facts.items()]
    rows += [(say("summary.unknown", lang), text.in_(lang), "") for text in valuation.unknown]
    money = {i: (TEXT, MONEY, TEXT) for i, row in enumerate(rows) if row[2] == unit}
    return Sheet(
        say("sheet.summary", lang),
        (say("col.name", lang), say("col.content", lang), say("col.unit", lang)),
        (TEXT, NUMBER, TEXT),
        rows,
        (34, 44, 12),
        money,
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _methods(valuation: Valuation, lang: Language) -> Sheet:
    reasons = {a.method: "; ".join(r.in_(lang) for r in a.reasons) for a in valuation.admissibility}
    heads = (
        say("col.method", lang), say("col.status", lang), say("col.weight", lang),
        *(f"{100 * level:g}%" for level in QUANTILE_LEVELS),
        say("col.mean", lang), say("col.sd", lang), say("methods.mc", lang, error=valuation.currency), say("col.reason", lang),
    )  # fmt: skip
    rows: list[tuple[Any, ...]] = [
        (
            m.label.in_(lang), say("methods.admissible", lang), m.weight, *(m.quantiles[level] for level in QUANTILE_LEVELS),
            m.mean, m.sd, m.monte_carlo_error, "; ".join(filter(None, (m.weight_reason.in_(lang), reasons.get(m.method, "")))),
        )
        for m in valuation.methods
    ]  # fmt: skip
    rows += [
        (
            LABELS[a.method].in_(lang), say("methods.not_admissible", lang), *("—",) * (len(QUANTILE_LEVELS) + 4),
            reasons[a.method],
        )
        for a in valuation.admissibility
        if not a.is_admissible
    ]  # fmt: skip
    kinds = (TEXT, TEXT, PERCENT, *(MONEY,) * (len(QUANTILE_LEVELS) + 3), TEXT)
    return Sheet(say("sheet.methods", lang), heads, kinds, rows, (24, 12, 9, *(14,) * (len(QUANTILE_LEVELS) + 3), 60))


def _message(finding: Finding, lang: Language) -> str:
    meaning = RULES_ZH.get(finding.rule) if lang == "zh" else None
    return finding.message if meaning is None else f"{meaning}（{finding.message}）"


def _assumptions(valuation: Valuation, lang: Language) -> Sheet:
    keys = ("name", "input", "distribution", "parameters", "low", "high", "unit", "source", "grade", "status", "flag")
    heads = tuple(say(f"col.{key}", lang) for key in keys)
    rows = [
        (
            a.name, a.label.in_(lang), describe(a, lang), ", ".join(f"{k}={v:g}" for k, v in a.parameters.items()),
            a.low, a.high, a.unit, a.source.title_in(lang), word("grade", str(a.source.grade), lang),
            say("assumptions.overridden", lang) if a.is_overridden else "",
            " · ".join(str(x) for x in (a.source.page, a.source.dated, a.source.note_in(lang), a.source.link) if x),
        )
        for a in valuation.assumptions
    ]  # fmt: skip
    kinds = (TEXT, TEXT, TEXT, TEXT, NUMBER, NUMBER, TEXT, TEXT, TEXT, TEXT, TEXT)
    return Sheet(say("sheet.assumptions", lang), heads, kinds, rows, (18, 20, 34, 30, 12, 12, 14, 40, 16, 14, 40))


def _cash_flow(valuation: Valuation, lang: Language) -> Sheet:
    fans = [(m, m.fan) for m in valuation.methods if m.fan is not None]
    levels = sorted({level for _, fan in fans for level in fan.quantiles})
    heads = (
        say("col.method", lang), say("fan.years", lang), *(f"{100 * level:g}% ({valuation.currency})" for level in levels)
    )  # fmt: skip
    unknown = say("word.unknown", lang)
    rows = [
        (m.label.in_(lang), year, *(fan.quantiles[q][i] if q in fan.quantiles else unknown for q in levels))
        for m, fan in fans
        for i, year in enumerate(fan.years)
    ]
    if not rows:
        rows = [(say("fan.none", lang), "", *("" for _ in levels))]
    return Sheet(say("sheet.cash_flow", lang), heads, (TEXT, NUMBER, *(MONEY,) * len(levels)), rows, (28, 14))


def _contributions(valuation: Valuation, lang: Language) -> Sheet:
    heads = (
        say("col.input", lang), f"{say('col.input', lang)} 10%", f"{say('col.input', lang)} 90%", say("col.unit", lang),
        f"{say('col.value', lang)} 10% ({valuation.currency})", f"{say('col.value', lang)} 90% ({valuation.currency})",
        say("col.share", lang),
    )  # fmt: skip
    rows = [
        (
            c.label.in_(lang),
            c.input_low,
            c.input_high,
            c.unit,
            c.value_low,
            c.value_high,
            _known(c.variance_share, lang),
        )
        for c in valuation.contributions
    ]
    return Sheet(
        say("sheet.contributions", lang),
        heads,
        (TEXT, NUMBER, NUMBER, TEXT, MONEY, MONEY, PERCENT),
        rows,
        (26, 14, 14, 16, 20, 20, 12),
    )


def _comparables(valuation: Valuation, lang: Language) -> Sheet:
    keys = (
        "deal",
        "date",
        "grade",
        "paid",
        "currency",
        "patents",
        "indexed",
        "adjusted",
        "weight",
        "outlier",
        "patent",
        "why",
    )
    rows = [
        (
            c.deal_id, c.deal_date, word("deal", c.evidence_grade or "unknown", lang), c.price, c.currency, c.patent_count,
            c.indexed_price_cny, c.adjusted_price_cny, c.weight, say("comparables.outlier", lang) if c.is_outlier else "",
            c.patent_id, c.reason.in_(lang),
        )
        for c in (valuation.market.comparables if valuation.market else ())
    ]  # fmt: skip
    return Sheet(
        say("sheet.comparables", lang),
        tuple(say(f"comparables.col.{key}", lang) for key in keys),
        (TEXT, DATE, TEXT, MONEY, TEXT, NUMBER, MONEY, MONEY, PERCENT, TEXT, TEXT, TEXT),
        rows,
        (14, 12, 14, 16, 10, 10, 18, 18, 10, 14, 18, 60),
    )


def _licences(valuation: Valuation, lang: Language) -> Sheet:
    keys = ("deal", "date", "grade", "patent", "exclusivity", "rate", "weight")
    rows = [
        (
            x.deal_id, x.deal_date, word("deal", x.evidence_grade or "unknown", lang), x.patent_id,
            word("exclusivity", x.exclusivity, lang) if x.exclusivity else say("word.unknown", lang), x.royalty_rate, x.weight,
        )
        for x in valuation.licences
    ]  # fmt: skip
    return Sheet(
        say("sheet.licences", lang),
        tuple(say(f"comparables.col.{key}", lang) for key in keys),
        (TEXT, DATE, TEXT, TEXT, TEXT, PERCENT, PERCENT),
        rows,
        (14, 12, 14, 18, 14, 10, 10),
    )


def _indicators(readings: Sequence[IndicatorReading], lang: Language) -> Sheet:
    keys = ("name", "indicator", "dimension", "value", "unit", "percentile", "score", "weight", "flag")
    rows = []
    for r in readings:
        entry = CATALOGUE.get(r.id)
        rows.append(
            (
                r.id, indicator_name(r.id, lang), say(f"dimension.{entry.dimension}", lang) if entry else "",
                _known(r.value, lang), entry.unit if entry else "", _known(r.percentile, lang), _known(r.score, lang),
                "" if r.weight is None else r.weight, r.flag or "",
            )
        )  # fmt: skip
    return Sheet(
        say("sheet.indicators", lang),
        tuple(say(f"col.{key}", lang) for key in keys),
        (TEXT, TEXT, TEXT, NUMBER, TEXT, NUMBER, NUMBER, PERCENT, TEXT),
        rows,
        (28, 30, 10, 14, 14, 12, 12, 10, 30),
    )


def _findings(valuation: Valuation, lang: Language) -> Sheet:
    keys = ("severity", "rule", "file", "row", "field", "value", "message")
    rows = [
        (
            word("severity", str(f.severity), lang), f.rule, f.source, "" if f.row is None else f.row, f.field or "",
            "" if f.value is None else f.value, _message(f, lang),
        )
        for f in valuation.findings
    ]  # fmt: skip
    return Sheet(
        say("sheet.findings", lang),
        tuple(say(f"col.{key}", lang) for key in keys),
        (TEXT, TEXT, TEXT, NUMBER, TEXT, TEXT, TEXT),
        rows,
        (10, 24, 28, 8, 18, 28, 70),
    )


def _provenance(valuation: Valuation, lang: Language) -> Sheet:
    heads = (say("col.name", lang), say("col.content", lang))
    return Sheet(say("sheet.provenance", lang), heads, (TEXT, TEXT), provenance_items(valuation, lang), (34, 80))
