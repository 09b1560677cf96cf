"""Charts of a landscape: growth with its curve, shares with intervals, the matrix of classes, stacked parts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from zhirong.reports.canvas import NARROW, PALETTE, WIDE, bare, draw, fitted

__all__ = ["Dot", "DotRow", "Part", "dots", "growth", "matrix", "parts"]

_HEAT = LinearSegmentedColormap.from_list("zhirong", [PALETTE["accent"], "#f7f4ef", PALETTE["main"]])
_TONES = ("main", "accent", "muted")


@dataclass(frozen=True, slots=True)
class Dot:
    """A share 0-1 with its interval; None is unknown."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class DotRow:
    """One row: label, one dot a series, and what to print at the right."""

    label: str
    dots: tuple[Dot, ...]
    note: str


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a stacked bar; the tone is a colour of the palette."""

    label: str
    amount: float
    tone: str


def growth(
    name: str, years: Sequence[int], counts: Sequence[int], *, fitted_counts: Sequence[float] | None,
    bursts: Sequence[int], partial: tuple[int, int] | None, words: tuple[str, str, str, str], width: float = WIDE, alt: str,
) -> str:  # fmt: skip
    """Draw yearly counts, burst years in the second colour, the running year hollow, and the fitted curve.

    `words` are the labels of counts, bursts, running year and curve.
    """
    height = 260.0

    def paint(figure: Figure) -> None:
        bottom = 62 / height
        axes = figure.add_axes((44 / width, bottom, 1 - 60 / width, 1 - bottom - 16 / height))
        bare(axes)
        axes.grid(axis="y", color=PALETTE["line"], lw=0.6)
        axes.set_axisbelow(True)
        hot = set(bursts)
        cold = [(y, n) for y, n in zip(years, counts, strict=True) if y not in hot]
        warm = [(y, n) for y, n in zip(years, counts, strict=True) if y in hot]
        if cold:
            axes.bar([y for y, _ in cold], [n for _, n in cold], width=0.72, color=PALETTE["soft"], label=words[0])
        if warm:
            axes.bar(
                [y for y, _ in warm], [n for _, n in warm], width=0.72, color=PALETTE["accent_soft"], label=words[1]
            )
        if partial is not None:
            axes.bar(
                [partial[0]], [partial[1]], width=0.72, fill=False, edgecolor=PALETTE["off"], ls="--", label=words[2]
            )
        if fitted_counts is not None:
            axes.plot(list(years), list(fitted_counts), color=PALETTE["main"], lw=2, label=words[3])
        axes.xaxis.set_major_locator(MaxNLocator(8 if width > NARROW else 5, integer=True))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:.0f}"))
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.0f}"))
        handles, labels = axes.get_legend_handles_labels()
        if handles:
            figure.legend(
                handles, labels, loc="lower center", ncols=4 if width > NARROW else 2, frameon=False,
                fontsize=9 if width > NARROW else 8, handlelength=1.2, columnspacing=1.2, handletextpad=0.5,
            )  # fmt: skip

    return draw(name, paint, width=width, height=height, alt=alt)


def dots(
    name: str, rows: Sequence[DotRow], *, series: Sequence[str], unknown: str, axis_label: str,
    marks: Sequence[float] = (), is_whole: bool = False, width: float = WIDE, alt: str,
) -> str:  # fmt: skip
    """Draw shares with intervals, several series a row; `marks` are vertical lines, `is_whole` fixes the axis to 0-100 %."""
    narrow = width <= NARROW
    top = 26.0 if len(series) > 1 else 8.0
    row, bottom = (44.0, 40.0) if narrow else (28.0 + 4.0 * (len(series) > 1), 40.0)
    height = row * max(len(rows), 1) + top + bottom
    left, right = (14.0, 16.0) if narrow else (width * 0.3, width * 0.19)
    reach = max([d.high for r in rows for d in r.dots if d.high is not None], default=1.0)
    end = 1.0 if is_whole else min(1.0, 1.08 * reach)

    def paint(figure: Figure) -> None:
        axes = figure.add_axes((left / width, bottom / height, 1 - (left + right) / width, 1 - (top + bottom) / height))
        bare(axes)
        axes.set_ylim(max(len(rows), 1) - 0.4, -0.6)
        axes.set_xlim(0, end)
        axes.yaxis.set_major_locator(NullLocator())
        axes.grid(axis="x", color=PALETTE["line"], lw=0.6)
        axes.set_axisbelow(True)
        axes.xaxis.set_major_locator(MaxNLocator(4 if narrow else 6))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{100 * v:.3g}%"))
        for mark in marks:
            axes.axvline(mark, color=PALETTE["off"], lw=1, ls=(0, (4, 3)), zorder=1)
        for y, item in enumerate(rows):
            _label(axes, item.label, y, left=left, narrow=narrow)
            _note(axes, item.note, y, narrow=narrow)
            if all(d.value is None for d in item.dots):
                axes.plot([0, end], [y, y], color=PALETTE["off"], lw=1, ls=(0, (3, 3)), zorder=1)
                continue
            for k, dot in enumerate(item.dots):
                if dot.value is None:
                    continue
                at = y + (k - (len(item.dots) - 1) / 2) * 0.26
                colour = PALETTE[_TONES[k % len(_TONES)]]
                if dot.low is not None and dot.high is not None:
                    axes.plot([dot.low, dot.high], [at, at], color=colour, lw=2, alpha=0.55, zorder=2)
                axes.plot([dot.value], [at], marker="o" if k == 0 else "D", ms=6.5 if k == 0 else 5.5, color=colour,
                          mec="white", mew=1, zorder=3, clip_on=False)  # fmt: skip
        if len(series) > 1:
            for k, word in enumerate(series):
                x = left + k * (width - left - right) / len(series)
                figure.text(x / width, 1 - 12 / height, "● " if k == 0 else "◆ ", size=9, color=PALETTE[_TONES[k]],
                            va="center")  # fmt: skip
                figure.text((x + 14) / width, 1 - 12 / height, word, size=9, color=PALETTE["muted"], va="center")
        axes.set_xlabel(axis_label, size=9)

    return draw(name, paint, width=width, height=height, alt=alt)


def _label(axes: Axes, label: str, y: int, *, left: float, narrow: bool) -> None:
    if narrow:
        axes.annotate(fitted(label, 20, lines=1), (0, y - 0.38), xycoords=("axes fraction", "data"), size=9.5, ha="left",
                      va="center")  # fmt: skip
    else:
        axes.annotate(fitted(label, (left - 16) / 10, lines=1), (0, y), xycoords=("axes fraction", "data"), xytext=(-8, 0),
                      textcoords="offset points", size=9.5, ha="right", va="center")  # fmt: skip


def _note(axes: Axes, note: str, y: int, *, narrow: bool) -> None:
    if narrow:
        axes.annotate(fitted(note, 13, lines=1), (1, y - 0.38), xycoords=("axes fraction", "data"), size=9, ha="right",
                      va="center", color=PALETTE["muted"])  # fmt: skip
    else:
        axes.annotate(fitted(note, 13), (1, y), xycoords=("axes fraction", "data"), xytext=(10, 0),
                      textcoords="offset points", size=9, ha="left", va="center", color=PALETTE["muted"])  # fmt: skip


def matrix(
    name: str, labels: Sequence[str], observed: Sequence[Sequence[int]], expected: Sequence[Sequence[float]], *,
    gaps: Sequence[tuple[str, str]], words: tuple[str, str, str], width: float = WIDE, alt: str,
) -> str:  # fmt: skip
    """Draw observed over expected for each pair, the number of patents in the cell, gaps framed.

    `words` are the labels of the ends of the colour scale (fewer, more) and of the frame.
    """
    narrow = width <= NARROW
    count = len(labels)
    side = min(width - 78.0, 460.0)
    height = side + 96.0
    left = 62.0

    def paint(figure: Figure) -> None:
        axes = figure.add_axes((left / width, 46 / height, side / width, side / height))
        bare(axes, bottom=False)
        o, e = np.array(observed, float), np.array(expected, float)
        with np.errstate(divide="ignore", invalid="ignore"):
            heat = np.log2((o + 0.5) / (e + 0.5))
        np.fill_diagonal(heat, np.nan)
        axes.imshow(np.ma.masked_invalid(heat), cmap=_HEAT, vmin=-2.5, vmax=2.5, interpolation="nearest")
        axes.set_xticks(range(count), labels, rotation=90, size=7 if narrow else 8.5)
        axes.set_yticks(range(count), labels, size=7 if narrow else 8.5)
        axes.xaxis.tick_top()
        place = {label: k for k, label in enumerate(labels)}
        if not narrow:
            for i in range(count):
                for j in range(count):
                    shade = "white" if i != j and abs(heat[i, j]) > 1.5 else PALETTE["ink" if i != j else "muted"]
                    axes.text(j, i, f"{int(o[i, j])}", ha="center", va="center", size=6.5, color=shade)
        for first, second in gaps:
            for i, j in ((place[first], place[second]), (place[second], place[first])):
                axes.plot([j - 0.5, j + 0.5, j + 0.5, j - 0.5, j - 0.5], [i - 0.5, i - 0.5, i + 0.5, i + 0.5, i - 0.5],
                          color=PALETTE["ink"], lw=1.4)  # fmt: skip
        scale = figure.add_axes((left / width, 26 / height, 0.4 * side / width, 8 / height))
        bare(scale, bottom=False)
        scale.imshow(np.linspace(-2.5, 2.5, 64)[None, :], cmap=_HEAT, aspect="auto", extent=(0, 1, 0, 1))
        scale.set_xticks([])
        scale.set_yticks([])
        figure.text(left / width, 14 / height, words[0], size=8, color=PALETTE["muted"], va="center", ha="left")
        figure.text((left + 0.4 * side) / width, 14 / height, words[1], size=8, color=PALETTE["muted"], va="center",
                    ha="right")  # fmt: skip
        figure.text((left + 0.46 * side) / width, 30 / height, f"□ {words[2]}", size=8, color=PALETTE["muted"],
                    va="center")  # fmt: skip

    return draw(name, paint, width=width, height=height, alt=alt)


def parts(name: str, rows: Sequence[tuple[str, Sequence[Part]]], *, width: float = WIDE, alt: str) -> str:
    """Draw stacked bars of parts that sum to the whole, each with its amount; legend from the first row."""
    narrow = width <= NARROW
    height = (52.0 if narrow else 40.0) * len(rows) + 42.0
    left = 12.0 if narrow else width * 0.3

    def paint(figure: Figure) -> None:
        axes = figure.add_axes((left / width, 34 / height, 1 - (left + 16) / width, 1 - 40 / height))
        bare(axes, bottom=False)
        axes.set_xlim(0, 1)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xticks([])
        axes.set_yticks([])
        for y, (label, items) in enumerate(rows):
            _label(axes, label, y, left=left, narrow=narrow)
            whole = math.fsum(p.amount for p in items) or 1.0
            at = 0.0
            for item in items:
                share = item.amount / whole
                axes.barh(y, share, left=at, height=0.4, color=PALETTE[item.tone], label=item.label if y == 0 else None)
                if share > 0.09:
                    dark = item.tone in ("main", "muted", "accent")
                    axes.text(at + share / 2, y, f"{item.amount:,.0f}", ha="center", va="center", size=8.5,
                              color="white" if dark else PALETTE["ink"])  # fmt: skip
                at += share
        figure.legend(*axes.get_legend_handles_labels(), loc="lower center", ncols=4, frameon=False, fontsize=9,
                      handlelength=1.1, columnspacing=1.2, handletextpad=0.5)  # fmt: skip

    return draw(name, paint, width=width, height=height, alt=alt)
