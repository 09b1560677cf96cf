"""The charts of a report: radar, percentile strip, method intervals, fan, tornado, distribution.

Each function takes plain values, one language's labels and a width, and returns SVG text. A missing value is a gap that
says so, never a mark at zero.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from zhirong.reports.canvas import NARROW, PALETTE, WIDE, bare, draw, fitted
from zhirong.reports.formats import Scale

__all__ = [
    "Interval",
    "RadarAxis",
    "Strip",
    "TornadoBar",
    "distribution",
    "fan",
    "intervals",
    "radar",
    "strips",
    "tornado",
    "value_bar",
]

_LOG_RATIO = 60.0
"""From this ratio of largest to smallest end on, amounts are drawn on a logarithmic axis."""


@dataclass(frozen=True, slots=True)
class RadarAxis:
    """One axis: label, score 0-100 or None, and the interval where known."""

    label: str
    score: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Strip:
    """One row of the percentile strip: label, percentile 0-100 or None, and what to print at the right."""

    label: str
    percentile: float | None
    value: str
    is_larger_better: bool = True


@dataclass(frozen=True, slots=True)
class Interval:
    """One row of intervals: amounts at 5, 25, 50, 75 and 95 %, or None when the method was not admissible."""

    label: str
    amounts: tuple[float, float, float, float, float] | None
    note: str
    is_total: bool = False


@dataclass(frozen=True, slots=True)
class TornadoBar:
    """Value when the input is at its 10 % and at its 90 % quantile; notes print those inputs."""

    label: str
    value_low: float
    value_high: float
    note_low: str
    note_high: str


def radar(name: str, axes_: Sequence[RadarAxis], *, unknown: str, width: float = WIDE, alt: str) -> str:
    """Draw scores 0-100 on spokes with the band of their intervals; unknown spokes are dashed and say so."""
    angles = np.linspace(0, 2 * math.pi, len(axes_), endpoint=False)
    size = min(width, 380.0)

    def paint(figure: Figure) -> None:
        axes = figure.add_axes((0.5 - 0.29 * size / width, 0.1, 0.58 * size / width, 0.74), projection="polar")
        axes.set(theta_offset=math.pi / 2, theta_direction=-1)
        axes.set_ylim(0, 100)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines["polar"].set_visible(False)
        ring = np.append(angles, angles[0])
        for level in (20, 40, 60, 80, 100):
            axes.plot(ring, [level] * len(ring), color=PALETTE["line"], lw=0.8 if level < 100 else 1.1)
            axes.text(angles[0], level, f"{level}", color=PALETTE["muted"], size=8, ha="left", va="bottom")
        for angle, axis in zip(angles, axes_, strict=True):
            known = axis.score is not None
            axes.plot([angle, angle], [0, 100], color=PALETTE["line"], lw=0.8, ls="-" if known else (0, (3, 3)))
            shown = f"{axis.score:.0f}" if axis.score is not None else unknown
            x = math.sin(angle)
            align = "center" if abs(x) < 0.2 else "left" if x > 0 else "right"
            vertical = "bottom" if math.cos(angle) > 0.2 else "top" if math.cos(angle) < -0.2 else "center"
            axes.text(
                angle, 112, f"{fitted(axis.label, 9)}\n{shown}", ha=align, va=vertical, size=10, linespacing=1.35,
                color=PALETTE["ink"] if known else PALETTE["muted"],
            )  # fmt: skip
        if all(a.low is not None and a.high is not None for a in axes_):
            low = [a.low or 0.0 for a in axes_]
            high = [a.high or 0.0 for a in axes_]
            axes.fill(
                np.concatenate([ring, ring[::-1]]), [*high, high[0], *[low[0], *low[::-1]]],
                color=PALETTE["soft"], alpha=0.55, lw=0,
            )  # fmt: skip
        known_at = [(angle, a.score) for angle, a in zip(angles, axes_, strict=True) if a.score is not None]
        if len(known_at) == len(axes_):
            known_at.append(known_at[0])
        if known_at:
            axes.plot(*zip(*known_at, strict=True), color=PALETTE["main"], lw=1.8, marker="o", ms=4.5)

    return draw(name, paint, width=width, height=250 if width > NARROW else 270, alt=alt)


def strips(
    name: str, rows: Sequence[Strip], *, unknown: str, ends: tuple[str, str], width: float = WIDE, alt: str
) -> str:
    """Draw one line a row from percentile 0 to 100 with a mark; `ends` name the two ends of the scale."""
    narrow = width <= NARROW
    row, top, bottom = (40.0, 8.0, 34.0) if narrow else (25.0, 8.0, 36.0)
    height = row * max(len(rows), 1) + top + bottom
    left, right = (12.0, 12.0) if narrow else (width * 0.31, width * 0.17)

    def paint(figure: Figure) -> None:
        axes = _rows_axes(figure, width, height, left, right, top, bottom, len(rows))
        axes.set_xlim(0, 100)
        axes.axvline(50, color=PALETTE["line"], lw=0.8, zorder=0)
        for y, strip in enumerate(rows):
            _row_label(axes, strip.label, y, left=left, narrow=narrow)
            axes.plot([0, 100], [y, y], color=PALETTE["pale"], lw=6, zorder=1)
            if strip.percentile is None:
                axes.plot([0, 100], [y, y], color=PALETTE["off"], lw=1, ls=(0, (3, 3)), zorder=2)
                _row_note(axes, unknown, y, narrow=narrow, tone="muted")
                continue
            good = strip.percentile if strip.is_larger_better else 100 - strip.percentile
            colour = PALETTE["main"] if good >= 40 else PALETTE["accent"]
            axes.plot(
                [strip.percentile], [y], marker="o", ms=8, color=colour, mec="white", mew=1.2, zorder=3, clip_on=False
            )
            _row_note(axes, strip.value, y, narrow=narrow)
        axes.xaxis.set_major_locator(FixedLocator([0, 25, 50, 75, 100]))
        axes.set_xticklabels([f"0 {ends[0]}", "25", "50", "75", f"{ends[1]} 100"])
        labels = axes.get_xticklabels()
        labels[0].set(ha="left")
        labels[-1].set(ha="right")

    return draw(name, paint, width=width, height=height, alt=alt)


def intervals(
    name: str, rows: Sequence[Interval], *, scale: Scale, axis_label: str, width: float = WIDE, alt: str
) -> str:
    """Draw 5-95 % lines, 25-75 % bars and the median of each row; a row without amounts is an empty line with its note."""
    narrow = width <= NARROW
    row, top, bottom = (46.0, 10.0, 44.0) if narrow else (38.0, 10.0, 44.0)
    height = row * max(len(rows), 1) + top + bottom
    left, right = (14.0, 18.0) if narrow else (width * 0.26, width * 0.19)
    ends = [a for r in rows if r.amounts for a in (r.amounts[0], r.amounts[-1])]

    def paint(figure: Figure) -> None:
        axes = _rows_axes(figure, width, height, left, right, top, bottom, len(rows))
        _money_axis(axes, ends, scale, ticks=3 if narrow else 5)
        for y, item in enumerate(rows):
            _row_label(axes, item.label, y, left=left, narrow=narrow, lift=0.36)
            if item.amounts is None:
                axes.axhline(y, color=PALETTE["off"], lw=1, ls=(0, (3, 3)), zorder=1)
                _row_note(axes, item.note, y, narrow=narrow, tone="muted", lift=0.36)
                continue
            p5, p25, p50, p75, p95 = item.amounts
            colour = PALETTE["main"] if item.is_total else PALETTE["soft"]
            axes.plot([p5, p95], [y, y], color=colour, lw=2, zorder=2)
            axes.barh(y, p75 - p25, left=p25, height=0.34, color=colour, zorder=3)
            axes.plot([p50, p50], [y - 0.24, y + 0.24], color=PALETTE["accent"], lw=2.4, zorder=4)
            _row_note(axes, item.note, y, narrow=narrow, lift=0.36)
        axes.set_xlabel(axis_label, size=9)

    return draw(name, paint, width=width, height=height, alt=alt)


def value_bar(name: str, quantiles: Mapping[float, float], *, scale: Scale, width: float = WIDE, alt: str) -> str:
    """Draw the value as one bar: 5-95, 10-90 and 25-75 %, with the median, each end written out."""
    narrow = width <= NARROW
    height = 122.0

    def paint(figure: Figure) -> None:
        axes = figure.add_axes((14 / width, 0.02, 1 - 28 / width, 0.96))
        axes.set_axis_off()
        axes.set_ylim(-1.5, 1.5)
        q = quantiles
        _money_axis(axes, [q[0.05], q[0.95]], scale, ticks=3)
        low, high = q[0.05], q[0.95]
        if axes.get_xscale() == "log":
            axes.set_xlim(low * (low / high) ** 0.07, high * (high / low) ** 0.07)
        else:
            axes.set_xlim(low - 0.07 * (high - low or 1.0), high + 0.07 * (high - low or 1.0))
        for a, b, colour in ((0.05, 0.95, "pale"), (0.1, 0.9, "soft"), (0.25, 0.75, "main")):
            axes.barh(0, q[b] - q[a], left=q[a], height=0.62, color=PALETTE[colour])
        axes.plot([q[0.5], q[0.5]], [-0.46, 0.46], color=PALETTE["accent"], lw=3)
        marks = ((0.05, 1, "center"), (0.5, 1, "center"), (0.95, 1, "center"), (0.1, -1, "center"), (0.9, -1, "center"))
        for level, side, align in marks if not narrow else marks[1:2] + marks[3:]:
            text = f"{level * 100:g}%" if side > 0 and level != 0.5 else "P50" if level == 0.5 else f"{level * 100:g}%"
            axes.annotate(
                f"{text}  {scale.money(q[level])}", (q[level], 0.42 * side), xytext=(0, 6 * side), textcoords="offset points",
                ha=_inward(level, align), va="bottom" if side > 0 else "top", size=9.5,
                color=PALETTE["accent"] if level == 0.5 else PALETTE["ink"],
            )  # fmt: skip

    return draw(name, paint, width=width, height=height, alt=alt)


def _inward(level: float, align: str) -> str:
    """Return the alignment that keeps a label at an end inside the picture."""
    return "left" if level <= 0.1 else "right" if level >= 0.9 else align


def fan(
    name: str, years: Sequence[float], quantiles: Mapping[float, Sequence[float]], *, scale: Scale,
    labels: tuple[str, str, Mapping[str, str]], width: float = WIDE, alt: str,
) -> str:  # fmt: skip
    """Draw bands 5-95, 10-90 and 25-75 % and the median of a yearly path; `labels` are x, y and legend words."""
    x_label, y_label, words = labels
    height = 300.0 if width > NARROW else 270.0

    def paint(figure: Figure) -> None:
        bottom = 78 / height
        axes = figure.add_axes((64 / width, bottom, 1 - 82 / width, 1 - bottom - 30 / height))
        bare(axes)
        axes.grid(axis="y", color=PALETTE["line"], lw=0.6)
        axes.set_axisbelow(True)
        x = np.asarray(years, dtype=float)
        bands = (((0.05, 0.95), "pale"), ((0.1, 0.9), "pale"), ((0.25, 0.75), "soft"))
        for (low, high), colour in bands:
            if low in quantiles and high in quantiles:
                label = words.get(f"{low:g}", f"{low * 100:g}–{high * 100:g}%")
                shade = PALETTE[colour] if low != 0.1 else "#c3d6e8"
                axes.fill_between(x, quantiles[low], quantiles[high], color=shade, lw=0, label=label)
        if 0.5 in quantiles:
            axes.plot(x, quantiles[0.5], color=PALETTE["accent"], lw=2, label=words.get("0.5", "50%"))
        axes.set_xlim(float(x.min()), float(x.max()) if len(x) > 1 else float(x.min()) + 1)
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: _tick(v, scale)))
        axes.xaxis.set_major_locator(MaxNLocator(8 if width > NARROW else 5, integer=True))
        axes.set_xlabel(x_label, size=9)
        figure.text(8 / width, 1 - 16 / height, y_label, size=9, color=PALETTE["muted"], ha="left", va="center")
        figure.legend(
            *axes.get_legend_handles_labels(), loc="lower center", ncols=4, frameon=False,
            fontsize=9 if width > NARROW else 8.5, handlelength=1.2, columnspacing=1.2, handletextpad=0.5,
        )  # fmt: skip

    return draw(name, paint, width=width, height=height, alt=alt)


def tornado(
    name: str,
    bars: Sequence[TornadoBar],
    *,
    middle: float,
    scale: Scale,
    axis_label: str,
    width: float = WIDE,
    alt: str,
) -> str:
    """Draw the value when each input moves from its 10 % to its 90 % quantile, around the median."""
    narrow = width <= NARROW
    row, top, bottom = (46.0, 10.0, 44.0) if narrow else (32.0, 10.0, 44.0)
    height = row * max(len(bars), 1) + top + bottom
    left, right = (40.0, 40.0) if narrow else (width * 0.32, width * 0.1)
    ends = [v for b in bars for v in (b.value_low, b.value_high)]

    def paint(figure: Figure) -> None:
        axes = _rows_axes(figure, width, height, left, right, top, bottom, len(bars))
        reach = [*ends, middle]
        span = max(reach) - min(reach) or abs(middle) or 1.0
        axes.set_xlim(min(reach) - 0.12 * span, max(reach) + 0.12 * span)
        axes.xaxis.set_major_locator(MaxNLocator(3 if narrow else 5))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: _tick(v, scale)))
        for y, bar in enumerate(bars):
            _row_label(axes, bar.label, y, left=left, narrow=narrow, lift=0.36)
            for value, note, colour in (
                (bar.value_low, bar.note_low, "accent_soft"),
                (bar.value_high, bar.note_high, "soft"),
            ):
                axes.barh(y, value - middle, left=middle, height=0.46, color=PALETTE[colour], zorder=2)
                # The note stands outside the bar: left of a value below the middle, else right; equal sides split.
                is_left = value < middle or (value == middle and value is bar.value_low)
                axes.annotate(
                    note, (value, y), xytext=(-4 if is_left else 4, 0), textcoords="offset points",
                    ha="right" if is_left else "left", va="center", size=8, color=PALETTE["muted"], annotation_clip=False,
                )  # fmt: skip
        axes.axvline(middle, color=PALETTE["ink"], lw=1, zorder=3)
        axes.set_xlabel(axis_label, size=9)

    return draw(name, paint, width=width, height=height, alt=alt)


def distribution(
    name: str, amounts: Sequence[float] | NDArray[np.float64], *, scale: Scale, labels: tuple[str, str],
    marks: Mapping[str, float], width: float = WIDE, alt: str,
) -> str:  # fmt: skip
    """Draw a histogram of amounts with marked values; logarithmic where they span several orders of magnitude."""
    values = np.asarray(amounts, dtype=float)
    height = 230.0
    is_log = values.size > 0 and values.min() > 0 and values.max() / values.min() > _LOG_RATIO

    def paint(figure: Figure) -> None:
        axes = figure.add_axes((52 / width, 50 / height, 1 - 70 / width, 1 - 84 / height))
        bare(axes)
        bins = min(40, max(8, int(math.sqrt(values.size))))
        edges = (
            np.geomspace(values.min(), values.max(), bins + 1)
            if is_log
            else np.linspace(values.min(), values.max() if values.max() > values.min() else values.min() + 1, bins + 1)
        )
        counts, _ = np.histogram(values, edges)
        axes.bar(edges[:-1], counts, np.diff(edges), align="edge", color=PALETTE["soft"], edgecolor="white", lw=0.5)
        _money_axis(axes, [float(values.min()), float(values.max())], scale, ticks=5, is_log=is_log)
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.0f}"))
        for label, amount in marks.items():
            axes.axvline(amount, color=PALETTE["accent"], lw=1.5)
            axes.annotate(
                label, (amount, 1.0), xycoords=("data", "axes fraction"), xytext=(0, 4), textcoords="offset points",
                ha="center", size=9, color=PALETTE["accent"],
            )  # fmt: skip
        axes.set_xlabel(labels[0], size=9)
        figure.text(8 / width, 1 - 12 / height, labels[1], size=9, color=PALETTE["muted"], va="center")

    return draw(name, paint, width=width, height=height, alt=alt)


def _rows_axes(
    figure: Figure, width: float, height: float, left: float, right: float, top: float, bottom: float, count: int
) -> Axes:
    """Return axes with one unit of height a row, first row on top."""
    axes = figure.add_axes((left / width, bottom / height, 1 - (left + right) / width, 1 - (top + bottom) / height))
    bare(axes)
    axes.set_ylim(max(count, 1) - 0.4, -0.6)
    axes.yaxis.set_major_locator(NullLocator())
    return axes


def _row_label(axes: Axes, label: str, y: int, *, left: float, narrow: bool, lift: float = 0.42) -> None:
    if narrow:
        axes.annotate(
            fitted(label, 20, lines=1),
            (0, y - lift),
            xycoords=("axes fraction", "data"),
            size=9.5,
            ha="left",
            va="center",
        )
    else:
        axes.annotate(
            fitted(label, (left - 16) / 10), (0, y), xycoords=("axes fraction", "data"), xytext=(-8, 0),
            textcoords="offset points", size=9.5, ha="right", va="center", linespacing=1.2,
        )  # fmt: skip


def _row_note(axes: Axes, note: str, y: int, *, narrow: bool, tone: str = "ink", lift: float = 0.42) -> None:
    if narrow:
        axes.annotate(
            fitted(note, 13, lines=1), (1, y - lift), xycoords=("axes fraction", "data"), size=9, ha="right", va="center",
            color=PALETTE[tone],
        )  # fmt: skip
    else:
        axes.annotate(
            fitted(note, 13), (1, y), xycoords=("axes fraction", "data"), xytext=(10, 0), textcoords="offset points",
            size=9, ha="left", va="center", color=PALETTE[tone], linespacing=1.2,
        )  # fmt: skip


def _money_axis(axes: Axes, ends: Sequence[float], scale: Scale, *, ticks: int, is_log: bool | None = None) -> None:
    if ends and is_log is None:
        is_log = min(ends) > 0 and max(ends) / min(ends) > _LOG_RATIO
    if is_log:
        axes.set_xscale("log")
        axes.set_xlim(min(ends) / 1.3, max(ends) * 1.3)
        axes.xaxis.set_major_locator(LogLocator(numticks=ticks + 1))
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        low, high = (min(ends), max(ends)) if ends else (0.0, 1.0)
        pad = 0.05 * (high - low or abs(high) or 1.0)
        axes.set_xlim(min(0.0, low - pad) if low < 0 or low < 0.3 * high else low - pad, high + pad)
        axes.xaxis.set_major_locator(MaxNLocator(ticks))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: _tick(v, scale)))
    axes.grid(axis="x", color=PALETTE["line"], lw=0.6, zorder=0)
    axes.set_axisbelow(True)


def _tick(value: float, scale: Scale) -> str:
    shown = value / scale.divisor
    return f"{shown:,.6g}".replace("-", "−") if abs(shown) < 1e6 else f"{shown:,.0f}"
