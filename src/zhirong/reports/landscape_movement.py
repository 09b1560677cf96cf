"""The section on movement: classes that grow, burst and are overtaken, and how courts decided of late."""

from __future__ import annotations

from collections.abc import Mapping

from zhirong.kernel.text import Language
from zhirong.numerics.betabinomial import BetaRate
from zhirong.numerics.cooccurrence import proportion_interval
from zhirong.numerics.scurve import stage_of
from zhirong.params import wipo35_fields
from zhirong.reports import landscape_charts as charts
from zhirong.reports.blocks import Block, Cell, Chart, Column, Paragraph, Section, Table
from zhirong.reports.canvas import both
from zhirong.reports.formats import format_date, format_number, format_percent
from zhirong.reports.landscape_texts import tell
from zhirong.valuation.movement import ClassMovement, Movement

__all__ = ["movement_section"]

RATES_SHOWN = 6


def movement_section(movement: Movement, lang: Language) -> Section:
    """Return the section of a movement: classes in a table, court outcomes as rates with intervals."""
    blocks: list[Block] = []
    if movement.classes:
        blocks.append(_classes(movement, lang))
    law = movement.law
    if law.cases:
        days = {"a": format_date(law.from_date, lang), "b": format_date(law.to_date, lang)}
        blocks.append(Paragraph(tell("law.note", lang, **days, count=format_number(law.cases)), "muted"))
        pairs = (
            ("validity", law.validity_by_field, law.validity_by_court),
            ("infringement", law.infringement_by_field, law.infringement_by_court),
        )
        blocks += [_rates(name, fields, courts, lang) for name, fields, courts in pairs if fields]
    else:
        blocks.append(Paragraph(tell("law.none", lang), "muted"))
    return Section("movement", tell("section.movement", lang), tuple(blocks))


def _classes(movement: Movement, lang: Language) -> Table:
    heads = (("class", False, 0.8), ("patents", True, 0.8), ("excess", True, 1.4), ("stage", False, 1.0),
             ("burst", False, 1.2), ("newer", True, 1.9), ("takeover", False, 1.7))  # fmt: skip
    columns = tuple(Column(tell(f"col.{n}", lang), is_n, share) for n, is_n, share in heads)
    every = movement.newer_share_of_all
    shown = tell("unknown", lang) if every is None else format_percent(every)
    rows = tuple(_class_row(m, lang) for m in movement.classes.values())
    return Table(tell("table.movement", lang, every=shown), columns, rows)


def _class_row(m: ClassMovement, lang: Language) -> tuple[Cell, ...]:
    unknown = Cell(tell("unknown", lang), "muted")
    excess, newer, takeover, stage = unknown, unknown, unknown, unknown
    if m.excess_growth is not None and m.excess_growth_se is not None:
        text = f"{100 * m.excess_growth:+.1f}% ± {100 * m.excess_growth_se:.1f}".replace("-", "−")
        sure = abs(m.excess_growth) > 1.645 * m.excess_growth_se
        excess = Cell(text, ("good" if m.excess_growth > 0 else "warning") if sure else "normal")
    if m.newer_share is not None:
        low, high = proportion_interval(m.newer_share * m.citations, m.citations)
        newer = Cell(f"{format_percent(m.newer_share)} ({format_percent(low)} – {format_percent(high)})",
                     note=f"n = {format_number(m.citations)}")  # fmt: skip
    if m.substitution is not None and m.substitution.is_rising:
        years = format_number(round(m.substitution.takeover_years))
        takeover = Cell(tell("takeover.rising", lang, years=years), "warning")
    elif m.substitution is not None:
        takeover = Cell(tell("takeover.flat", lang))
    if m.curve is not None and m.curve.is_identified:
        stage = Cell(tell(f"stage.{stage_of(m.curve.maturity)}", lang))
    bursts = ", ".join(f"{m.first_year + b.start}–{m.first_year + b.end}" for b in m.bursts if b.level == 1)
    return (
        Cell(m.main_class), Cell(format_number(m.publications)), excess, stage, Cell(bursts or "–"), newer, takeover,
    )  # fmt: skip


def _rates(name: str, fields: Mapping[str, BetaRate], courts: Mapping[str, BetaRate], lang: Language) -> Chart:
    titles = {str(r["field"]): str(r[f"name_{lang}"]) for r in wipo35_fields().to_pylist()}
    titles["unknown"] = tell("unknown", lang)

    def most(rates: Mapping[str, BetaRate]) -> list[tuple[str, BetaRate]]:
        return sorted(rates.items(), key=lambda item: (-item[1].cases, item[0]))[:RATES_SHOWN]

    named = [(tell("law.court", lang, name=titles["unknown"] if k == "unknown" else k), r) for k, r in most(courts)]
    named += [(tell("law.field", lang, name=titles.get(k, k)), r) for k, r in most(fields)]
    rows = [charts.DotRow(n, (charts.Dot(r.mean, r.low, r.high),), format_number(r.cases)) for n, r in named]
    caption = tell(f"caption.{name}", lang)
    alt = caption + ": " + "; ".join(f"{n} {format_percent(r.mean)}" for n, r in named)
    return both(
        name,
        lambda width, key: charts.dots(
            key, rows, series=(tell("axis.rate", lang),), unknown=tell("unknown", lang),
            axis_label=tell("axis.rate", lang), is_whole=True, width=width, alt=alt,
        ),
        alt,
        caption,
    )  # fmt: skip
