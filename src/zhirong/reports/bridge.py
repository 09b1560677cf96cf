"""The value bridge in a report: a waterfall from the old median to the new one, its steps in a table, and a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from zhirong.kernel.text import Language
from zhirong.reports.blocks import Cell, Chart, Column, Paragraph, Section, Table
from zhirong.reports.canvas import NARROW, PALETTE, WIDE, bare, both, draw, fitted
from zhirong.reports.formats import Scale, format_date, money_scale
from zhirong.reports.landscape_texts import tell
from zhirong.valuation.bridge import BridgeStep, ValueBridge

__all__ = ["WaterfallStep", "bridge_section", "waterfall"]


@dataclass(frozen=True, slots=True)
class WaterfallStep:
    """One row: a change, or a level where `is_total`; `error` is drawn as a thin line about the end of the change."""

    label: str
    amount: float
    note: str
    is_total: bool = False
    error: float = 0.0


def waterfall(
    name: str, steps: Sequence[WaterfallStep], *, scale: Scale, axis_label: str, width: float = WIDE, alt: str
) -> str:
    """Draw levels as bars from zero or from the edge, and changes as bars between the levels they lead from and to.

    The axis starts at zero where the levels are small against the changes; else it is cut, and the bars of levels show the
    cut by an open left end.
    """
    narrow = width <= NARROW
    row, top, bottom = (44.0, 8.0, 42.0) if narrow else (30.0, 8.0, 42.0)
    height = row * max(len(steps), 1) + top + bottom
    left, right = (14.0, 20.0) if narrow else (width * 0.28, width * 0.19)
    spans: list[tuple[float, float]] = []
    at = 0.0
    for step in steps:
        start = 0.0 if step.is_total else at
        at = step.amount if step.is_total else at + step.amount
        spans.append((start, at))
    ends = [end for _, end in spans] + [start for (start, _), s in zip(spans, steps, strict=True) if not s.is_total]
    low, high = min(ends, default=0.0), max(ends, default=1.0)
    reach = (high - low) or abs(high) or 1.0
    edge = low - 0.6 * reach
    floor = 0.0 if edge <= 0.15 * high or low < 0 else edge

    def paint(figure: Figure) -> None:
        axes = figure.add_axes((left / width, bottom / height, 1 - (left + right) / width, 1 - (top + bottom) / height))
        bare(axes)
        axes.set_ylim(max(len(steps), 1) - 0.4, -0.6)
        axes.set_xlim(min(floor, low - 0.05 * reach) if floor == 0.0 else floor, high + 0.12 * reach)
        axes.yaxis.set_major_locator(NullLocator())
        axes.xaxis.set_major_locator(MaxNLocator(3 if narrow else 5))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v / scale.divisor:,.6g}".replace("-", "−")))
        axes.grid(axis="x", color=PALETTE["line"], lw=0.6)
        axes.set_axisbelow(True)
        for y, (step, (start, end)) in enumerate(zip(steps, spans, strict=True)):
            begin = max(start, floor) if step.is_total else start
            tone = "main" if step.is_total else "soft" if end >= start else "accent_soft"
            axes.barh(y, end - begin, left=begin, height=0.5, color=PALETTE[tone], zorder=2)
            if step.is_total and floor > 0:
                axes.plot([floor, floor], [y - 0.25, y + 0.25], color="white", lw=3, ls=(0, (1, 1)), zorder=3)
            if step.error > 0:
                axes.plot([end - step.error, end + step.error], [y, y], color=PALETTE["ink"], lw=1, zorder=4)
            if y + 1 < len(steps):
                axes.plot([end, end], [y + 0.25, y + 0.75], color=PALETTE["off"], lw=0.8, zorder=1)
            side = y - 0.4 if narrow else y
            axes.annotate(
                fitted(step.label, 20 if narrow else (left - 16) / 10, lines=1), (0, side), xycoords=("axes fraction", "data"),
                xytext=(0 if narrow else -8, 0), textcoords="offset points", size=9.5, ha="left" if narrow else "right",
                va="center",
            )  # fmt: skip
            axes.annotate(
                fitted(step.note, 14, lines=1), (1, side), xycoords=("axes fraction", "data"),
                xytext=(0 if narrow else 10, 0), textcoords="offset points", size=9, ha="right" if narrow else "left",
                va="center", color=PALETTE["ink"],
            )  # fmt: skip
        axes.set_xlabel(axis_label, size=9)

    return draw(name, paint, width=width, height=height, alt=alt)


def bridge_section(bridge: ValueBridge, lang: Language) -> Section:
    """Return the section of a value bridge: the sentence, the waterfall, the steps with their reasons."""
    old, new = bridge.old[0.5], bridge.new[0.5]
    scale = money_scale([old, new, *(s.amount for s in bridge.steps)], bridge.currency, lang, typical=max(old, new))
    days = {"a": format_date(bridge.from_date, lang), "b": format_date(bridge.to_date, lang)}
    change = _share((new - old) / old if old else None) or _money(new - old, scale)
    headline = tell("bridge.headline", lang, **days, change=change, old=scale.money(old), new=scale.money(new))
    shown = [s for s in bridge.steps if s.amount and (s.group != "residual" or abs(s.amount) >= 1e-6 * max(old, new))]
    caption = tell("bridge.caption", lang, **days)
    rows = [WaterfallStep(format_date(bridge.from_date, lang), old, scale.money(old), is_total=True)]
    rows += [
        WaterfallStep(s.label.in_(lang), s.amount, _share(s.share) or _money(s.amount, scale), error=s.error)
        for s in shown
    ]
    rows.append(WaterfallStep(format_date(bridge.to_date, lang), new, scale.money(new), is_total=True))
    alt = caption + ": " + "; ".join(f"{r.label} {r.note}" for r in rows)
    chart: Chart = both(
        "bridge",
        lambda width, name: waterfall(name, rows, scale=scale, axis_label=scale.label, width=width, alt=alt),
        alt,
        caption,
    )
    method = tell("bridge.method", lang, interaction=scale.money(bridge.interaction))
    table = _table(bridge, lang, scale)
    return Section(
        "bridge",
        tell("bridge.section", lang),
        (Paragraph(headline), Paragraph(bridge.headline.in_(lang)), chart, table, Paragraph(method, "muted")),
    )


def _table(bridge: ValueBridge, lang: Language, scale: Scale) -> Table:
    heads = (
        ("step", False, 1.6),
        ("amount", True, 1.2),
        ("share", True, 0.9),
        ("error", True, 1.0),
        ("why", False, 3.2),
    )
    columns = tuple(Column(tell(f"bridge.col.{n}", lang), is_n, share) for n, is_n, share in heads)
    rows = tuple(_row(step, lang, scale) for step in bridge.steps)
    return Table(tell("bridge.table", lang), columns, rows)


def _row(step: BridgeStep, lang: Language, scale: Scale) -> tuple[Cell, ...]:
    return (
        Cell(step.label.in_(lang)),
        Cell(_money(step.amount, scale), "normal" if step.amount else "muted"),
        Cell(_share(step.share) or tell("unknown", lang), "normal" if step.amount else "muted"),
        Cell(f"± {scale.money(step.error)}" if step.error else "–", "muted"),
        Cell(step.reason.in_(lang), "normal" if step.amount else "muted"),
    )


def _money(amount: float, scale: Scale) -> str:
    return scale.money(amount) if amount <= 0 else f"+{scale.money(amount)}"


def _share(share: float | None) -> str:
    """Return a signed percentage with one digit; empty where there is none."""
    if share is None:
        return ""
    return "0%" if not round(100 * share, 1) else f"{100 * share:+.1f}%".replace("-", "−")
