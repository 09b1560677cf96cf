"""The deals behind a value: prices over time, every comparable with its weight and its reason, licences behind the rate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from zhirong.kernel.text import Bilingual, Language
from zhirong.reports.blocks import Block, Cell, Column, Paragraph, Section, Table
from zhirong.reports.canvas import NARROW, PALETTE, WIDE, bare, both, draw
from zhirong.reports.formats import Scale, format_date, format_percent, money_scale
from zhirong.reports.texts import say, word
from zhirong.valuation.lots import SelectionEffect
from zhirong.valuation.market_types import Comparable, LicenceComparable, MarketValue
from zhirong.valuation.types import Quantiles, Valuation

__all__ = ["DealMark", "comparables_section", "deal_prices"]

ROWS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class DealMark:
    """One deal of the chart: its price moved to the date, that price adjusted to the patent besides, and its weight, 0-1."""

    day: date
    indexed: float
    adjusted: float
    weight: float


def deal_prices(
    name: str, marks: Sequence[DealMark], *, as_of: date, band: tuple[float, float, float], scale: Scale, axis_label: str,
    labels: tuple[str, str, str], width: float = WIDE, alt: str,
) -> str:  # fmt: skip
    """Draw prices of deals over time on a logarithmic axis: rings as indexed, discs as adjusted, areas by weight.

    `band` holds the 10, 50 and 90 % quantiles of the value by deals, drawn at the date; `labels` name rings, discs and band.
    """
    height = 300.0
    left, right, top, bottom = (52.0 if width > NARROW else 44.0), 62.0, 34.0, 34.0
    ends = [x for m in marks for x in (m.indexed, m.adjusted)] + list(band)
    days = date2num([m.day for m in marks])
    today = float(date2num(as_of))

    def paint(figure: Figure) -> None:
        axes = figure.add_axes((left / width, bottom / height, 1 - (left + right) / width, 1 - (top + bottom) / height))
        bare(axes)
        axes.set_yscale("log")
        axes.set_ylim(min(ends) / 1.6, max(ends) * 1.6)
        first = min(days.min(), today - 365.0)
        axes.set_xlim(first - 0.03 * (today - first), today + 0.05 * (today - first))
        axes.grid(axis="y", color=PALETTE["line"], lw=0.6)
        axes.set_axisbelow(True)
        for day, mark in zip(days, marks, strict=True):
            size = 14 + 900 * mark.weight
            axes.plot([day, day], [mark.indexed, mark.adjusted], color=PALETTE["off"], lw=0.7, zorder=1)
            axes.scatter([day], [mark.indexed], s=size, facecolors="none", edgecolors=PALETTE["off"], lw=0.9, zorder=2)
            axes.scatter([day], [mark.adjusted], s=size, color=PALETTE["main"], alpha=0.75, lw=0, zorder=3)
        low, middle, high = band
        axes.plot([first, today], [middle, middle], color=PALETTE["accent"], lw=0.8, ls=(0, (4, 3)), zorder=1)
        axes.plot([today, today], [low, high], color=PALETTE["accent"], lw=4, zorder=4, clip_on=False)
        axes.scatter(
            [today], [middle], s=46, color="white", edgecolors=PALETTE["accent"], lw=1.6, zorder=5, clip_on=False
        )
        axes.annotate(
            scale.number(middle), (today, middle), xytext=(9, 0), textcoords="offset points", size=9, va="center",
            color=PALETTE["accent"], annotation_clip=False,
        )  # fmt: skip
        axes.yaxis.set_major_locator(LogLocator(numticks=6))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v / scale.divisor:,.6g}"))
        axes.tick_params(axis="y", labelsize=9, colors=PALETTE["muted"])
        locator = AutoDateLocator(maxticks=4 if width <= NARROW else 8)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))
        figure.text(8 / width, 1 - 11 / height, axis_label, size=9, color=PALETTE["muted"], va="center")
        at = 1.0 - right / width
        key = "   ".join(f"{sign} {text}" for sign, text in zip("○●┃", labels, strict=True))
        figure.text(at, 1 - 11 / height, key, size=8.5, color=PALETTE["muted"], va="center", ha="right")

    return draw(name, paint, width=width, height=height, alt=alt)


def comparables_section(valuation: Valuation, lang: Language) -> Section:
    """Return the section of comparable deals and licences; without either it says why there is none."""
    title = say("comparables.title", lang)
    blocks: list[Block] = []
    if valuation.market is not None:
        by_deals = next(m.quantiles for m in valuation.methods if m.method == "market")
        blocks += _deals(valuation, valuation.market, by_deals, lang)
    else:
        refused = next((a for a in valuation.admissibility if a.method == "market"), None)
        why = "" if refused is None else refused.reasons[0].in_(lang)
        blocks.append(Paragraph(say("comparables.none", lang, why=why), "muted"))
    if valuation.licences:
        blocks.append(_licence_table(valuation.licences, lang))
    return Section("comparables", title, tuple(blocks))


def _deals(valuation: Valuation, market: MarketValue, quantiles: Quantiles, lang: Language) -> list[Block]:
    shown = market.comparables[:ROWS_SHOWN]
    amounts = [x for c in shown for x in (c.indexed_price_cny, c.adjusted_price_cny)]
    middle = quantiles[0.5]
    scale = money_scale([quantiles[0.1], quantiles[0.9], *amounts], "CNY", lang, typical=middle)
    marks = [DealMark(c.deal_date, c.indexed_price_cny, c.adjusted_price_cny, c.weight) for c in market.comparables]
    caption = say("comparables.caption", lang)
    alt = (
        caption
        + ": "
        + "; ".join(f"{format_date(c.deal_date, lang)} {scale.money(c.adjusted_price_cny)}" for c in shown)
    )
    names = tuple(say(f"comparables.key.{key}", lang) for key in ("indexed", "adjusted", "value"))
    chart = both(
        "comparables",
        lambda width, name: deal_prices(
            name, marks, as_of=valuation.as_of, band=(quantiles[0.1], middle, quantiles[0.9]), scale=scale,
            axis_label=scale.label, labels=(names[0], names[1], names[2]), width=width, alt=alt,
        ),
        alt,
        caption,
    )  # fmt: skip
    lead = say(
        "comparables.lead", lang, deals=market.deals, number=f"{market.effective_number:.1f}",
        excluded=len(market.excluded), chance=_chance(market, lang), spread=f"{math.exp(market.log_spread):.1f}",
    )  # fmt: skip
    notes = (note.in_(lang) for note in market.notes)
    words = dict.fromkeys([_selection(market.selection, lang), market.index.description.in_(lang), *notes])
    return [Paragraph(lead), chart, _deal_table(shown, scale, lang), *(Paragraph(text, "muted") for text in words)]


def _chance(market: MarketValue, lang: Language) -> str:
    if market.sale_probability is None:
        return say("word.unknown", lang)
    low, middle, high = market.sale_probability
    return f"{format_percent(middle)} ({format_percent(low)} – {format_percent(high)})"


def _selection(effect: SelectionEffect | Bilingual, lang: Language) -> str:
    if isinstance(effect, Bilingual):
        return effect.in_(lang)
    return say(
        "comparables.selection", lang, sold=effect.sold, unsold=effect.unsold, rho=f"{effect.rho:+.2f}",
        effect=f"{math.expm1(effect.heckman_shift):+.0%}",
    )  # fmt: skip


def _deal_table(shown: Sequence[Comparable], scale: Scale, lang: Language) -> Table:
    heads = (
        ("deal", False, 1.5),
        ("paid", True, 1.5),
        ("indexed", True, 1.4),
        ("adjusted", True, 1.4),
        ("weight", True, 0.8),
        ("why", False, 3.4),
    )
    columns = tuple(Column(say(f"comparables.col.{key}", lang), is_n, share) for key, is_n, share in heads)
    rows = tuple(
        (
            Cell(
                c.deal_id,
                note=f"{format_date(c.deal_date, lang)} · {word('deal', c.evidence_grade or 'unknown', lang)}",
            ),
            Cell(f"{c.currency} {c.price:,.0f}", note=_count(c.patent_count, lang)),
            Cell(scale.money(c.indexed_price_cny)),
            Cell(scale.money(c.adjusted_price_cny), "warning" if c.is_outlier else "normal", _outlier(c, lang)),
            Cell(f"{c.weight:.1%}"),
            Cell(c.title or c.patent_id, note=c.reason.in_(lang)),
        )
        for c in shown
    )
    return Table(say("comparables.table", lang), columns, rows)


def _count(patents: int, lang: Language) -> str:
    return say("comparables.package", lang, count=patents) if patents > 1 else ""


def _outlier(deal: Comparable, lang: Language) -> str:
    return say("comparables.outlier", lang) if deal.is_outlier else ""


def _licence_table(licences: Sequence[LicenceComparable], lang: Language) -> Table:
    heads = (("deal", False, 1.5), ("licensed", False, 2.0), ("rate", True, 1.0), ("weight", True, 0.8))
    columns = tuple(Column(say(f"comparables.col.{key}", lang), is_n, share) for key, is_n, share in heads)
    rows = tuple(
        (
            Cell(
                x.deal_id,
                note=f"{format_date(x.deal_date, lang)} · {word('deal', x.evidence_grade or 'unknown', lang)}",
            ),
            Cell(x.patent_id, note=word("exclusivity", x.exclusivity, lang) if x.exclusivity else ""),
            Cell(f"{x.royalty_rate:.2%}"),
            Cell(f"{x.weight:.1%}"),
        )
        for x in licences[:ROWS_SHOWN]
    )
    return Table(say("comparables.licences", lang), columns, rows)
