"""Sections of a landscape for a portfolio: freedom-to-operate flags, gaps worth filing, keep, prune and file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from zhirong.kernel.text import Language
from zhirong.reports import landscape_charts as charts
from zhirong.reports.blocks import Block, Cell, Chart, Column, Paragraph, Section, Table, Tone
from zhirong.reports.canvas import both
from zhirong.reports.formats import format_date, format_number, format_percent, money_scale
from zhirong.reports.landscape_texts import tell
from zhirong.valuation.navigation import Advice, CategoryGap, Flag, Navigation, OfficeGap

__all__ = ["portfolio_sections"]

FLAGS_SHOWN, ADVICE_SHOWN, CHART_SHOWN, FILINGS_SHOWN = 40, 100, 25, 30
_ACTIONS = ("prune", "review", "keep", "unknown", "ended")
_TONES: dict[str, Tone] = {"keep": "good", "prune": "warning", "review": "normal", "ended": "muted", "unknown": "muted"}


def portfolio_sections(nav: Navigation, lang: Language) -> list[Section]:
    """Return the sections in order; none without a portfolio."""
    if nav.freedom is None:
        return []
    return [_freedom(nav, lang), _gaps(nav, lang), _cultivation(nav, lang)]


def _columns(lang: Language, *heads: tuple[str, bool, float]) -> tuple[Column, ...]:
    return tuple(Column(tell(f"col.{name}", lang), is_numeric, share) for name, is_numeric, share in heads)


def _freedom(nav: Navigation, lang: Language) -> Section:
    f = nav.freedom
    assert f is not None
    counts = tell(
        "freedom.counts", lang, searched=format_number(f.searched), without=format_number(f.without_citations),
        adverse=format_number(f.adverse), dead=f.dead, far=f.far, outside=f.outside, unknown=f.status_unknown,
        none=f.uncategorised,
    )  # fmt: skip
    blocks: list[Block] = [Paragraph(tell("freedom.what", lang), "warning"), Paragraph(counts)]
    if f.flags:
        columns = _columns(
            lang, ("flag", False, 0.6), ("mine", False, 1.3), ("theirs", False, 2.0), ("nearness", False, 2.2),
            ("shared", False, 1.2),
        )  # fmt: skip
        rows = tuple(_flag_row(flag, lang) for flag in f.flags[:FLAGS_SHOWN])
        caption = tell("table.flags", lang, shown=len(rows), count=len(f.flags))
        blocks.append(Table(caption, columns, rows))
    return Section("freedom", tell("section.freedom", lang), tuple(blocks))


def _flag_row(flag: Flag, lang: Language) -> tuple[Cell, ...]:
    if flag.similarity is None:
        near = tell("unknown", lang)
    elif flag.percentile is None:
        near = tell("flag.cosine", lang, cosine=f"{flag.similarity:.2f}", count=flag.compared)
    else:
        near = tell("flag.percentile", lang, cosine=f"{flag.similarity:.2f}", share=format_percent(flag.percentile),
                    count=format_number(flag.compared))  # fmt: skip
    tone: Tone = "warning" if flag.strength == "red" else "normal"
    return (
        Cell(tell(f"flag.{flag.strength}", lang), tone),
        Cell(flag.patent_id),
        Cell(f"{flag.cited_id} · {flag.category}", note=flag.owner or tell("unknown", lang)),
        Cell(near, "normal" if flag.similarity is not None else "muted"),
        Cell(", ".join(flag.shared_classes[:4]) or "–"),
    )


def _gaps(nav: Navigation, lang: Language) -> Section:
    leaders = ("、" if lang == "zh" else "; ").join(nav.leaders_compared) or tell("none", lang)
    blocks: list[Block] = [Paragraph(tell("gaps.leaders", lang, leaders=leaders))]
    if nav.offices:
        rows = [_gap_row(g.office, g, lang) for g in nav.offices]
        blocks.append(_gap_chart("offices", rows, lang, axis="axis.families"))
    if nav.categories:
        rows = [_gap_row(tell(f"category.{g.category}", lang), g, lang) for g in nav.categories]
        blocks.append(_gap_chart("categories", rows, lang, axis="axis.patents"))
    blocks.append(Paragraph(tell("gaps.test", lang), "muted"))
    if nav.open_filings:
        columns = _columns(
            lang, ("patent", False, 1.4), ("priority", False, 1.4), ("national", False, 1.4), ("claims", False, 1.4)
        )
        table_rows = tuple(
            (
                Cell(o.patent_id), _day(o.priority_until, lang), _day(o.national_phase_until, lang),
                Cell(tell("unknown" if o.is_pending is None else "yes" if o.is_pending else "no", lang),
                     "muted" if o.is_pending is None else "normal"),
            )
            for o in nav.open_filings[:FLAGS_SHOWN]
        )  # fmt: skip
        blocks.append(Table(tell("table.open", lang), columns, table_rows))
    else:
        blocks.append(Paragraph(tell("gaps.none_open", lang)))
    return Section("gaps", tell("section.gaps", lang), tuple(blocks))


def _day(day: date | None, lang: Language) -> Cell:
    return Cell(format_date(day, lang)) if day is not None else Cell(tell("closed", lang), "muted")


def _gap_row(label: str, gap: OfficeGap | CategoryGap, lang: Language) -> charts.DotRow:
    note = tell("note.gap", lang, q=f"q={gap.q:.2g}") if gap.is_gap else tell("note.no_gap", lang)
    pair = tuple(charts.Dot(e.value, e.low, e.high) for e in (gap.leaders, gap.portfolio))
    return charts.DotRow(label, pair, note)


def _gap_chart(name: str, rows: Sequence[charts.DotRow], lang: Language, *, axis: str) -> Chart:
    series = (tell("series.leaders", lang), tell("series.portfolio", lang))
    caption = tell(f"caption.{name}", lang)

    def shown(dot: charts.Dot) -> str:
        return tell("unknown", lang) if dot.value is None else format_percent(dot.value)

    alt = (
        caption
        + ": "
        + "; ".join(f"{r.label} {series[0]} {shown(r.dots[0])}, {series[1]} {shown(r.dots[1])}" for r in rows)
    )
    return both(
        name,
        lambda width, key: charts.dots(
            key, rows, series=series, unknown=tell("unknown", lang), axis_label=tell(axis, lang), is_whole=True,
            width=width, alt=alt,
        ),
        alt,
        caption,
    )  # fmt: skip


def _ordered(nav: Navigation) -> list[Advice]:
    return sorted(
        nav.advice,
        key=lambda a: (_ACTIONS.index(a.action), 1.0 if a.probability is None else a.probability, a.patent_id),
    )


def _cultivation(nav: Navigation, lang: Language) -> Section:
    ordered = _ordered(nav)
    counts = {action: sum(a.action == action for a in ordered) for action in _ACTIONS}
    blocks: list[Block] = [Paragraph(tell("cultivation.counts", lang, **counts))]
    alive = [a for a in ordered if a.probability is not None][:CHART_SHOWN]
    if alive:
        rows = [
            charts.DotRow(
                a.patent_id, (charts.Dot(a.probability, a.probability_low, a.probability_high),),
                tell(f"action.{a.action}", lang),
            )
            for a in alive
        ]  # fmt: skip
        caption = tell("caption.cultivation", lang)
        alt = caption + ": " + "; ".join(f"{a.patent_id} {format_percent(a.probability or 0.0)}" for a in alive)
        blocks.append(
            both(
                "cultivation",
                lambda width, name: charts.dots(
                    name, rows, series=(tell("axis.probability", lang),), unknown=tell("unknown", lang),
                    axis_label=tell("axis.probability", lang), marks=nav.limits, is_whole=True, width=width, alt=alt,
                ),
                alt,
                caption,
            )
        )  # fmt: skip
    blocks.append(Paragraph(tell("cultivation.note", lang), "muted"))
    columns = _columns(
        lang, ("patent", False, 1.2), ("action", False, 0.8), ("value", True, 1.6), ("fees", True, 1.1),
        ("next_fee", True, 1.1), ("content", False, 2.6),
    )  # fmt: skip
    table_rows = tuple(_advice_row(a, lang) for a in ordered[:ADVICE_SHOWN])
    caption = tell("table.cultivation", lang, shown=len(table_rows), count=len(ordered))
    blocks.append(Table(caption, columns, table_rows))
    if nav.filings:
        blocks.append(_filings(nav, lang))
    return Section("cultivation", tell("section.cultivation", lang), tuple(blocks))


def _money(amount: float | None, lang: Language) -> str:
    return tell("unknown", lang) if amount is None else money_scale([amount], "CNY", lang).money(amount)


def _advice_row(a: Advice, lang: Language) -> tuple[Cell, ...]:
    v = a.value_cny
    note = ""
    if v.low is not None and v.high is not None and v.high > 0:
        note = money_scale([v.low, v.high], "CNY", lang, typical=v.value).interval(v.low, v.high)
    return (
        Cell(a.patent_id),
        Cell(tell(f"action.{a.action}", lang), _TONES[a.action]),
        Cell(_money(v.value, lang), note=note),
        Cell(_money(a.fees_cny, lang)),
        Cell(_money(a.next_fee_cny, lang)),
        Cell(a.reason.in_(lang)),
    )


def _filings(nav: Navigation, lang: Language) -> Table:
    columns = _columns(
        lang, ("patent", False, 1.2), ("office", False, 0.7), ("value", True, 1.8), ("cost", True, 1.1),
        ("probability", True, 0.9), ("until", True, 1.2),
    )  # fmt: skip
    rows = []
    for f in nav.filings[:FILINGS_SHOWN]:
        v = f.value_cny
        assert v.low is not None, "a filing option has a value"
        assert v.high is not None, "a filing option has a value"
        note = money_scale([v.low, v.high], "CNY", lang, typical=v.value).interval(v.low, v.high)
        rows.append(
            (
                Cell(f.patent_id), Cell(f.office), Cell(_money(v.value, lang), note=note), Cell(_money(f.cost_cny, lang)),
                Cell(format_percent(f.probability)), Cell(format_date(f.until, lang)),
            )
        )  # fmt: skip
    return Table(tell("table.filings", lang), columns, tuple(rows))
