"""A report of several patents: side by side, with a total only where the record states its dependence."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from zhirong.indicators.scoring.types import PatentScore
from zhirong.kernel.errors import DomainError
from zhirong.kernel.text import Language
from zhirong.reports import charts
from zhirong.reports.blocks import Bullets, Cell, Chart, Column, Document, Facts, Paragraph, Section, Summary, Table
from zhirong.reports.canvas import both
from zhirong.reports.content import footer
from zhirong.reports.dependence import dependence_section
from zhirong.reports.formats import Scale, format_date, format_number, format_percent, money_scale
from zhirong.reports.quantities import fact_value
from zhirong.reports.render import FORMS, ReportFiles, write_forms
from zhirong.reports.sections import message_cell, provenance_items
from zhirong.reports.texts import say, word
from zhirong.reports.workbook import MONEY, NUMBER, TEXT, Sheet
from zhirong.valuation.engine import PortfolioValuation
from zhirong.valuation.types import QUANTILE_LEVELS, Quantiles, Valuation

__all__ = ["build_portfolio", "render_portfolio"]

SHOWN = 30
"""Patents in the chart; the table and the workbook have all of them."""
TABLE_SHOWN = 200
Scores = Mapping[str, PatentScore]


def render_portfolio(
    portfolio: PortfolioValuation | Sequence[Valuation],
    *,
    lang: Language,
    out: Path,
    scores: Scores | None = None,
    forms: Collection[str] = FORMS,
    name: str = "report",
) -> ReportFiles:
    """Write the report of a portfolio.

    Parameters
    ----------
    portfolio : PortfolioValuation or sequence of Valuation
        A bare sequence has no total: quantiles do not add, and nothing says how the values move together.
    lang : str
        zh or en.
    out : Path
        Folder.
    scores : Mapping of str to PatentScore, optional
        By patent.
    forms : collection of str
        Of ``html``, ``pdf``, ``xlsx``.
    name : str
        File name without extension.

    Returns
    -------
    ReportFiles

    Raises
    ------
    DomainError
        For an empty portfolio, or one of several currencies or dates.
    """
    document = build_portfolio(portfolio, lang=lang, scores=scores)
    sheets = _sheets(portfolio, lang, scores or {}) if "xlsx" in forms else []
    return write_forms(document, sheets, out=out, forms=forms, name=name)


def build_portfolio(
    portfolio: PortfolioValuation | Sequence[Valuation], *, lang: Language, scores: Scores | None = None
) -> Document:
    """Return the report of a portfolio as plain blocks; see `render_portfolio`."""
    values = _ordered(portfolio)
    first = values[0]
    title = say("report.portfolio_title", lang)
    is_named = isinstance(portfolio, PortfolioValuation)
    sections = [_values_section(values, lang, scores or {})]
    if len(values) >= 8:
        sections.append(_distribution_section(values, lang))
    if isinstance(portfolio, PortfolioValuation):
        sections.insert(0, _total_section(portfolio, first.currency, lang))
        if len(values) > 1:
            sections.insert(1, dependence_section(portfolio.dependence, dict(_cases(portfolio)), first.currency, lang))
        if portfolio.refused:
            sections.append(_refused_section(portfolio, lang))
    sections.append(_provenance_section(first, lang))
    return Document(
        lang=lang,
        title=title,
        subject=portfolio.name if isinstance(portfolio, PortfolioValuation) else say("word.portfolio", lang),
        banner=say("banner.synthetic", lang) if any(v.is_synthetic for v in values) else "",
        summary=_summary(portfolio if is_named else None, values, lang),  # type: ignore[arg-type]
        sections=tuple(sections),
        footer=footer(first, lang),
        contents_label=say("report.contents", lang),
    )


def _ordered(portfolio: PortfolioValuation | Sequence[Valuation]) -> list[Valuation]:
    values = list(portfolio.valuations if isinstance(portfolio, PortfolioValuation) else portfolio)
    if not values:
        raise DomainError("a portfolio report needs at least one valuation")
    for what in ("currency", "as_of", "purpose"):
        found = sorted({str(getattr(v, what)) for v in values})
        if len(found) > 1:
            raise DomainError(f"the valuations of a portfolio report share their {what}; found {', '.join(found)}")
    return sorted(values, key=lambda v: (-v.quantiles[0.5], v.subject_id))


def _common_scale(values: Sequence[Valuation], lang: Language) -> Scale:
    medians = [v.quantiles[0.5] for v in values]
    ends = [v.quantiles[level] for v in values for level in (0.05, 0.95)]
    return money_scale(ends, values[0].currency, lang, typical=medians[len(medians) // 2])


def _own_scale(valuation: Valuation, lang: Language) -> Scale:
    q = valuation.quantiles
    return money_scale([q[0.05], q[0.95]], valuation.currency, lang, typical=q[0.5])


def _summary(portfolio: PortfolioValuation | None, values: Sequence[Valuation], lang: Language) -> Summary:
    first, medians = values[0], [v.quantiles[0.5] for v in values]
    value, note, label = say("portfolio.no_value", lang), say("portfolio.no_total", lang), say("portfolio.total", lang)
    if portfolio is not None:
        q, other = portfolio.dependence.quantiles, portfolio.comonotonic
        scale = money_scale([q[0.05], q[0.95]], first.currency, lang, typical=q[0.5])
        label, value = say("portfolio.value", lang), scale.interval(q[0.1], q[0.9])
        together = scale.interval(other[0.1], other[0.9])
        note = say("portfolio.value_note", lang, median=scale.money(q[0.5]), together=together)
    few = min(5, len(values))
    total = sum(medians)
    share = format_percent(sum(medians[:few]) / total) if total > 0 else say("word.unknown", lang)
    wide = sorted((v for v in values if v.quantiles[0.1] > 0), key=lambda v: -v.quantiles[0.9] / v.quantiles[0.1])
    joiner = "：" if lang == "zh" else ": "
    unknown = dict.fromkeys(text.in_(lang) for v in values for text in v.unknown)
    return Summary(
        value_label=label,
        value=value,
        value_note=note,
        grade_label=say("portfolio.size", lang),
        grade=format_number(len(values)),
        grade_note=say("portfolio.size_note", lang, count=few, share=share),
        facts=Facts(
            (
                (say("summary.as_of", lang), format_date(first.as_of, lang)),
                (say("summary.purpose", lang), word("purpose", str(first.purpose), lang)),
                (say("summary.standard", lang), word("standard", str(first.standard_of_value), lang)),
                (say("summary.currency", lang), first.currency),
            )
        ),
        lists=(
            Bullets(
                say("portfolio.top", lang),
                tuple(f"{v.subject_id}{joiner}{_own_scale(v, lang).money(v.quantiles[0.5])}" for v in values[:3]),
                "good",
            ),
            Bullets(
                say("portfolio.uncertain", lang),
                tuple(
                    say(
                        "portfolio.uncertain_item",
                        lang,
                        id=v.subject_id,
                        ratio=format_number(v.quantiles[0.9] / v.quantiles[0.1], significant=2),
                    )
                    for v in wide[:3]
                )
                or (say("word.unknown", lang),),
                "warning",
            ),
            Bullets(say("summary.unknown", lang), tuple(unknown)[:4] or (say("summary.none_unknown", lang),), "muted"),
        ),
    )


def _cases(portfolio: PortfolioValuation) -> tuple[tuple[str, Quantiles], ...]:
    return (
        ("common", portfolio.dependence.quantiles),
        ("comonotonic", portfolio.comonotonic),
        ("independent", portfolio.independent),
    )


def _total_section(portfolio: PortfolioValuation, currency: str, lang: Language) -> Section:
    columns = [Column(say("portfolio.dependence_head", lang), share=1.6)]
    columns += [Column(f"{100 * level:g}%", True) for level in QUANTILE_LEVELS]
    cases = _cases(portfolio)
    rows = []
    for key, q in cases:
        scale = money_scale([q[0.05], q[0.95]], currency, lang, typical=q[0.5])
        rows.append((Cell(say(f"portfolio.{key}", lang)), *(Cell(scale.money(q[level])) for level in QUANTILE_LEVELS)))
    title = say("portfolio.total", lang)
    shares = [f"{patent} {format_percent(share)}" for patent, share in sorted(portfolio.weights.items()) if share < 1]
    notes = (Paragraph(say("portfolio.shares", lang, shares=("、" if lang == "zh" else ", ").join(shares)), "muted"),)
    return Section(
        "total",
        title,
        (
            *(notes if shares else ()),
            Table(say("portfolio.quantiles", lang), tuple(columns), tuple(rows)),
        ),
    )


def _refused_section(portfolio: PortfolioValuation, lang: Language) -> Section:
    columns = (Column(say("col.patent", lang)), Column(say("col.content", lang), share=3))
    rows = tuple((Cell(f.record_id or f.source), message_cell(f, lang)) for f in portfolio.refused)
    warning = Paragraph(say("portfolio.refused_note", lang, count=len(rows)), "warning")
    title = say("portfolio.refused", lang)
    return Section("refused", title, (warning, Table(title, columns, rows)))


def _values_section(values: Sequence[Valuation], lang: Language, scores: Scores) -> Section:
    scale, shown = _common_scale(values, lang), values[:SHOWN]
    rows = [
        charts.Interval(
            v.subject_id,
            (v.quantiles[0.05], v.quantiles[0.25], v.quantiles[0.5], v.quantiles[0.75], v.quantiles[0.95]),
            _own_scale(v, lang).money(v.quantiles[0.5]),
        )
        for v in shown
    ]
    title = say("portfolio.values", lang)
    alt = title + ": " + "; ".join(f"{r.label} {r.note}" for r in rows)
    chart: Chart = both(
        "patents",
        lambda width, name: charts.intervals(name, rows, scale=scale, axis_label=scale.label, width=width, alt=alt),
        alt,
        say("portfolio.caption", lang),
    )
    blocks: list[Chart | Table | Paragraph] = [chart, _table(values[:TABLE_SHOWN], lang, scores)]
    if len(values) > SHOWN:
        blocks.insert(1, Paragraph(say("portfolio.shown", lang, count=SHOWN, total=len(values)), "muted"))
    return Section("patents", title, tuple(blocks))


def _table(values: Sequence[Valuation], lang: Language, scores: Scores) -> Table:
    columns = (
        Column(say("col.patent", lang), share=1.4),
        Column(say("col.title", lang), share=2.4),
        Column(say("col.median", lang), True, 1.4),
        Column(say("col.interval80", lang), True, 2.2),
        Column(say("summary.grade", lang), True, 0.8),
    )
    rows = []
    for v in values:
        scale, found = _own_scale(v, lang), scores.get(v.subject_id)
        grade = str(found.grade) if found is not None and found.grade is not None else say("word.unknown", lang)
        rows.append(
            (
                Cell(v.subject_id),
                Cell(fact_value(v.facts.get("title"), lang)),
                Cell(scale.money(v.quantiles[0.5])),
                Cell(scale.interval(v.quantiles[0.1], v.quantiles[0.9])),
                Cell(grade, "normal" if found is not None and found.grade is not None else "muted"),
            )
        )
    return Table(say("portfolio.table", lang), columns, tuple(rows))


def _distribution_section(values: Sequence[Valuation], lang: Language) -> Section:
    medians = [v.quantiles[0.5] for v in values]
    scale = _common_scale(values, lang)
    middle = sorted(medians)[len(medians) // 2]
    title, caption = say("portfolio.distribution", lang), say("portfolio.distribution_caption", lang)
    alt = f"{caption}: {say('chart.median', lang)} {scale.money(middle)}"
    chart = both(
        "medians",
        lambda width, name: charts.distribution(
            name,
            medians,
            scale=scale,
            labels=(scale.label, say("chart.patents", lang)),
            marks={say("chart.median", lang): middle},
            width=width,
            alt=alt,
        ),
        alt,
        caption,
    )
    return Section("distribution", title, (chart,))


def _provenance_section(valuation: Valuation, lang: Language) -> Section:
    columns = (Column(say("col.name", lang), share=1.2), Column(say("col.content", lang), share=3))
    rows = tuple((Cell(name), Cell(content)) for name, content in provenance_items(valuation, lang))
    return Section(
        "provenance", say("provenance.title", lang), (Table(say("provenance.caption", lang), columns, rows),)
    )


def _sheets(portfolio: PortfolioValuation | Sequence[Valuation], lang: Language, scores: Scores) -> list[Sheet]:
    values = _ordered(portfolio)
    levels = tuple(f"{100 * level:g}% ({values[0].currency})" for level in QUANTILE_LEVELS)
    unknown = say("word.unknown", lang)
    heads = (
        say("col.patent", lang),
        say("col.title", lang),
        *levels,
        say("summary.grade", lang),
        say("col.score", lang),
    )
    rows = []
    for v in values:
        found = scores.get(v.subject_id)
        grade = unknown if found is None or found.grade is None else found.grade
        total = unknown if found is None or found.total is None else found.total
        amounts = (v.quantiles[level] for level in QUANTILE_LEVELS)
        rows.append((v.subject_id, fact_value(v.facts.get("title"), lang), *amounts, grade, total))
    kinds = (TEXT, TEXT, *(MONEY,) * len(levels), NUMBER, NUMBER)
    sheets = [Sheet(say("sheet.patents", lang), heads, kinds, rows, (20, 44, *(16,) * len(levels), 8, 8))]
    if isinstance(portfolio, PortfolioValuation):
        cases = _cases(portfolio)
        total_rows = [(say(f"portfolio.{key}", lang), *(q[level] for level in QUANTILE_LEVELS)) for key, q in cases]
        total_heads = (say("portfolio.dependence_head", lang), *levels)
        kinds = (TEXT, *(MONEY,) * len(levels))
        sheets.insert(0, Sheet(say("sheet.summary", lang), total_heads, kinds, total_rows, (28, *(16,) * len(levels))))
    head = (say("col.name", lang), say("col.content", lang))
    sheets.append(Sheet(say("sheet.provenance", lang), head, (TEXT, TEXT), provenance_items(values[0], lang), (34, 80)))
    return sheets
