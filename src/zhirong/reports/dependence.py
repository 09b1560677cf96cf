"""What the patents of a portfolio share, what spreading them spares, and which of them carry the risk of the sum."""

from __future__ import annotations

from zhirong.kernel.text import Language
from zhirong.reports import charts
from zhirong.reports.blocks import Cell, Column, Paragraph, Section, Table
from zhirong.reports.canvas import both
from zhirong.reports.formats import format_number, format_percent, money_scale
from zhirong.reports.texts import say, word
from zhirong.valuation.dependence import Dependence
from zhirong.valuation.types import Quantiles

__all__ = ["dependence_section"]

SHOWN = 12


def dependence_section(found: Dependence, cases: dict[str, Quantiles], currency: str, lang: Language) -> Section:
    """Return the section of dependence.

    Parameters
    ----------
    found : Dependence
        Of the portfolio.
    cases : dict of str to Quantiles
        The limit cases by key of the texts: ``independent``, ``comonotonic``.
    currency, lang : str
        Currency; language.
    """
    title = say("dependence.title", lang)
    q = found.quantiles
    scale = money_scale([q[0.05], q[0.95]], currency, lang, typical=q[0.5])
    named = {"independent": cases["independent"], "common": q, "comonotonic": cases["comonotonic"]}
    rows = [
        charts.Interval(
            say(f"portfolio.{key}", lang), (x[0.05], x[0.25], x[0.5], x[0.75], x[0.95]), scale.money(x[0.5]), is_total=key == "common"
        )
        for key, x in named.items()
    ]  # fmt: skip
    caption = say("dependence.caption", lang)
    alt = caption + ": " + "; ".join(f"{r.label} {r.note}" for r in rows)
    chart = both(
        "dependence",
        lambda width, name: charts.intervals(name, rows, scale=scale, axis_label=scale.label, width=width, alt=alt),
        alt,
        caption,
    )
    lead = say(
        "dependence.lead", lang, spared=format_percent(found.diversification), number=format_number(found.effective_number),
        low=scale.money(found.low_mean), mean=scale.money(found.mean),
    )  # fmt: skip
    ends = (found.quantiles_low[0.05], found.quantiles_high[0.05])
    span = say(
        "dependence.range", lang, at=scale.money(q[0.05]), low=scale.money(min(ends)), high=scale.money(max(ends))
    )
    source = say(
        "dependence.source", lang, source=found.parameter.source.title_in(lang),
        grade=word("grade", str(found.parameter.source.grade), lang),
    )  # fmt: skip
    return Section(
        "dependence", title,
        (Paragraph(lead), chart, Paragraph(span), _shared(found, lang), _patents(found, currency, lang), Paragraph(source, "warning")),
    )  # fmt: skip


def _shared(found: Dependence, lang: Language) -> Table:
    heads = (("factor", False, 2.2), ("part", True, 1.2), ("groups", True, 0.9), ("unknown", True, 0.9), ("largest", False, 2.0),
             ("mean", True, 1.1), ("shortfall", True, 1.1))  # fmt: skip
    columns = tuple(Column(say(f"dependence.col.{key}", lang), is_n, share) for key, is_n, share in heads)
    rows = tuple(
        (
            Cell(s.label.in_(lang)), Cell(format_percent(s.variance_share)), Cell(str(s.groups)), Cell(str(s.unknown)),
            Cell(say("dependence.all", lang) if s.factor == "market" else s.largest),
            Cell(format_percent(s.mean_share)), Cell(format_percent(s.shortfall_share)),
        )
        for s in found.shared
    )  # fmt: skip
    return Table(say("dependence.shared", lang), columns, rows)


def _patents(found: Dependence, currency: str, lang: Language) -> Table:
    heads = (
        ("patent", False, 1.6),
        ("value", True, 1.4),
        ("mean", True, 1.1),
        ("lost", True, 1.8),
        ("shortfall", True, 1.1),
    )
    columns = tuple(Column(say(f"dependence.col.{key}", lang), is_n, share) for key, is_n, share in heads)
    rows = []
    for risk in found.patents[:SHOWN]:
        scale = money_scale([risk.mean, risk.shortfall], currency, lang, typical=risk.mean)
        lost = f"{scale.money(risk.shortfall)} ± {scale.money(risk.shortfall_error)}"
        rows.append(
            (
                Cell(risk.patent_id), Cell(scale.money(risk.mean)), Cell(format_percent(risk.mean_share)), Cell(lost),
                Cell(format_percent(risk.shortfall_share)),
            )
        )  # fmt: skip
    return Table(say("dependence.patents", lang, shown=len(rows), count=len(found.patents)), columns, tuple(rows))
