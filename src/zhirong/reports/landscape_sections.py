"""Sections of a landscape that need no portfolio: growth, leaders, entrants, white spots, dependence."""

from __future__ import annotations

import numpy as np

from zhirong.kernel.text import Language
from zhirong.numerics.scurve import curve
from zhirong.reports import landscape_charts as charts
from zhirong.reports.blocks import Block, Cell, Chart, Column, Paragraph, Section, Table
from zhirong.reports.canvas import both
from zhirong.reports.formats import format_number, format_percent
from zhirong.reports.landscape_texts import tell
from zhirong.valuation.navigation import Estimate, Navigation

__all__ = ["field_sections", "interval_text", "share_text"]

COUNTRIES_SHOWN = 8


def share_text(value: float | None, lang: Language) -> str:
    """Return a share as a percentage, unknown where it is."""
    return tell("unknown", lang) if value is None else format_percent(value)


def interval_text(estimate: Estimate, lang: Language) -> str:
    """Return a share with its interval."""
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return tell("unknown", lang)
    return f"{format_percent(estimate.value)} ({format_percent(estimate.low)} – {format_percent(estimate.high)})"


def field_sections(nav: Navigation, lang: Language) -> list[Section]:
    """Return the sections in order."""
    found = [_growth(nav, lang), _holders(nav, lang)]
    if nav.entrants:
        found.append(_entrants(nav, lang))
    if len(nav.white_spots.classes) > 1:
        found.append(_white(nav, lang))
    return [*found, _dependence(nav, lang)]


def _growth(nav: Navigation, lang: Language) -> Section:
    g = nav.growth
    blocks: list[Block] = []
    if g.years:
        burst_years = [y for b in g.bursts if b.level == 1 for y in g.years[b.start : b.end + 1]]
        fitted = None
        if g.curve is not None:
            edges = np.arange(g.years[0], g.years[-1] + 2, dtype=np.float64)
            c = g.curve
            level = curve(c.model, edges, saturation=c.saturation, rate=c.rate, midpoint=c.midpoint)
            fitted = np.diff(level).tolist()
        labels = ("counts", "burst", "partial", "curve")
        words = tuple(tell(f"chart.{w}", lang) for w in labels)
        alt = (
            tell("caption.growth", lang) + ": " + ", ".join(f"{y} {n}" for y, n in zip(g.years, g.counts, strict=True))
        )
        blocks.append(
            both(
                "growth",
                lambda width, name: charts.growth(
                    name, g.years, g.counts, fitted_counts=fitted, bursts=burst_years, partial=g.partial,
                    words=words, width=width, alt=alt,  # type: ignore[arg-type]
                ),
                alt,
                tell("caption.growth", lang),
            )
        )  # fmt: skip
    blocks.append(Paragraph(_curve_text(nav, lang)))
    blocks.append(Paragraph(tell("growth.base", lang), "muted"))
    if g.undated:
        blocks.append(Paragraph(tell("growth.undated", lang, count=format_number(g.undated)), "muted"))
    return Section("growth", tell("section.growth", lang), tuple(blocks))


def _curve_text(nav: Navigation, lang: Language) -> str:
    c, g = nav.growth.curve, nav.growth
    if c is None:
        return tell("stage_none", lang)
    if g.stage is None or g.stage_low is None or g.stage_high is None:
        return tell("growth.unidentified", lang)
    return tell(
        "growth.curve", lang, model=tell(f"model.{c.model}", lang), saturation=format_number(round(c.saturation)),
        midpoint=f"{c.midpoint:.0f}", dispersion=f"{c.dispersion:.1f}", maturity=format_percent(c.maturity),
        low=format_percent(c.maturity_low), high=format_percent(c.maturity_high),
        stage_low=tell(f"stage.{g.stage_low}", lang), stage_high=tell(f"stage.{g.stage_high}", lang),
    )  # fmt: skip


def _holders(nav: Navigation, lang: Language) -> Section:
    rows = [
        charts.DotRow(
            h.name, (charts.Dot(h.share.value, h.share.low, h.share.high),), f"{format_number(h.in_force)} · "
            + (h.country or tell("unknown", lang)),
        )
        for h in nav.holders
    ]  # fmt: skip
    alt = (
        tell("caption.holders", lang)
        + ": "
        + "; ".join(f"{h.name} {interval_text(h.share, lang)}" for h in nav.holders)
    )
    chart = both(
        "holders",
        lambda width, name: charts.dots(
            name, rows, series=(tell("col.share", lang),), unknown=tell("unknown", lang),
            axis_label=tell("axis.share", lang), width=width, alt=alt,
        ),
        alt,
        tell("caption.holders", lang),
    )  # fmt: skip
    heads = (("holder", False, 2.4), ("country", False, 0.9), ("in_force", True, 0.9), ("patents", True, 0.9),
             ("share", True, 1.8), ("recent", True, 1.3), ("movement", True, 2.0))  # fmt: skip
    columns = tuple(Column(tell(f"col.{n}", lang), is_n, s) for n, is_n, s in heads)
    body = tuple(
        (
            Cell(h.name), Cell(h.country or tell("unknown", lang), "normal" if h.country else "muted"),
            Cell(format_number(h.in_force)), Cell(format_number(h.patents)), Cell(interval_text(h.share, lang)),
            Cell(f"{format_number(h.recent)} / {format_number(h.before)}"), _movement(h.movement, lang),
        )
        for h in nav.holders
    )  # fmt: skip
    caption = tell("table.holders", lang, a=nav.window[0], b=nav.window[1])
    blocks: list[Block] = [chart, Table(caption, columns, body)]
    if nav.concentration.unowned:
        blocks.append(Paragraph(tell("holders.unowned", lang, count=format_number(nav.concentration.unowned)), "muted"))
    return Section("holders", tell("section.holders", lang), tuple(blocks))


def _movement(estimate: Estimate, lang: Language) -> Cell:
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return Cell(tell("unknown", lang), "muted")
    points = [f"{100 * x:+.1f}".replace("-", "−") for x in (estimate.value, estimate.low, estimate.high)]
    tone = "good" if estimate.low > 0 else "warning" if estimate.high < 0 else "normal"
    return Cell(f"{points[0]} ({points[1]} … {points[2]})", tone)  # type: ignore[arg-type]


def _entrants(nav: Navigation, lang: Language) -> Section:
    heads = (("holder", False, 3.0), ("country", False, 1.0), ("first_year", True, 1.2), ("patents", True, 1.0))
    columns = tuple(Column(tell(f"col.{n}", lang), is_n, s) for n, is_n, s in heads)
    rows = tuple(
        (
            Cell(e.name), Cell(e.country or tell("unknown", lang), "normal" if e.country else "muted"),
            Cell(str(e.first_year)), Cell(format_number(e.patents)),
        )
        for e in nav.entrants
    )  # fmt: skip
    from_year = nav.entrants_known_from if nav.entrants_known_from is not None else tell("unknown", lang)
    caption = tell("table.entrants", lang, a=nav.window[0], from_year=from_year)
    first = Paragraph(tell("signal.entrants", lang, count=nav.entrant_count, first=nav.window[0], last=nav.as_of.year))
    return Section("entrants", tell("section.entrants", lang), (first, Table(caption, columns, rows)))


def _white(nav: Navigation, lang: Language) -> Section:
    w = nav.white_spots
    alt = (
        tell("caption.matrix", lang)
        + ": "
        + "; ".join(f"{s.first} x {s.second} {s.observed} / {s.expected:.1f}" for s in w.spots)
    )
    words = (tell("matrix.fewer", lang), tell("matrix.more", lang), tell("matrix.gap", lang))
    chart: Chart = both(
        "matrix",
        lambda width, name: charts.matrix(
            name, w.classes, w.observed, w.expected, gaps=[(s.first, s.second) for s in w.spots], words=words,
            width=width, alt=alt,
        ),
        alt,
        tell("caption.matrix", lang),
    )  # fmt: skip
    note = tell(
        "white.note", lang, documents=format_number(w.documents), pairs=w.pairs, zero=w.zero_pairs,
        testable=w.testable_pairs, rate=format_percent(w.threshold),
    )  # fmt: skip
    blocks: list[Block] = [chart, Paragraph(note, "muted")]
    if w.spots:
        heads = (("pair", False, 1.5), ("observed", True, 0.8), ("expected", True, 0.8), ("ratio", True, 1.8),
                 ("q", True, 1.0), ("bridges", True, 0.8))  # fmt: skip
        columns = tuple(Column(tell(f"col.{n}", lang), is_n, s) for n, is_n, s in heads)
        rows = tuple(
            (
                Cell(f"{s.first} × {s.second}"), Cell(str(s.observed)), Cell(format_number(s.expected)),
                Cell(f"{s.ratio.value:.2f} ({s.ratio.low:.2f} – {s.ratio.high:.2f})"), Cell(f"{s.q:.2g}"),
                Cell(str(s.bridges), "good" if s.bridges else "muted"),
            )
            for s in w.spots
        )  # fmt: skip
        blocks.append(Table(tell("table.white", lang), columns, rows))
    return Section("white", tell("section.white", lang), tuple(blocks))


def _dependence(nav: Navigation, lang: Language) -> Section:
    d = nav.dependence
    away = round((d.citations.value or 0.0) * d.citations.count)
    foreign = sum(n for c, n in d.by_country.items() if c != d.home)

    def bar(home: float, abroad: float, unknown: float) -> list[charts.Part]:
        triples = (("home", home, "soft"), ("foreign", abroad, "accent"), ("unknown", unknown, "line"))
        return [charts.Part(tell(f"part.{n}", lang), amount, tone) for n, amount, tone in triples]

    rows = [
        (tell("row.rights", lang), bar(d.by_country.get(d.home, 0.0), foreign, d.unknown)),
        (tell("row.citations", lang), bar(d.citations.count - away, away, d.adverse_unknown)),
    ]
    caption = tell("caption.dependence", lang, home=d.home)
    alt = caption + ": " + "; ".join(f"{r} " + ", ".join(f"{p.label} {p.amount:g}" for p in ps) for r, ps in rows)
    chart = both("dependence", lambda width, name: charts.parts(name, rows, width=width, alt=alt), alt, caption)
    rights = tell(
        "dependence.rights", lang, count=format_number(d.rights.count), share=share_text(d.rights.value, lang),
        low=share_text(d.rights.low, lang), high=share_text(d.rights.high, lang),
        worst_low=share_text(d.rights_low, lang), worst_high=share_text(d.rights_high, lang),
    )  # fmt: skip
    cites = tell(
        "dependence.citations", lang, adverse=format_number(d.adverse), count=format_number(d.citations.count),
        share=share_text(d.citations.value, lang), low=share_text(d.citations.low, lang),
        high=share_text(d.citations.high, lang), base=interval_text(d.all_citations, lang),
        none=format_number(d.uncategorised),
    )  # fmt: skip
    columns = (Column(tell("col.country", lang)), Column(tell("col.in_force", lang), True))
    countries = list(d.by_country.items())[:COUNTRIES_SHOWN]
    table = Table(
        tell("dependence.countries", lang), columns, tuple((Cell(c), Cell(format_number(n))) for c, n in countries)
    )
    blocks: tuple[Block, ...] = (chart, Paragraph(rights), Paragraph(cites))
    return Section("dependence", tell("section.dependence", lang), (*blocks, table) if countries else blocks)
