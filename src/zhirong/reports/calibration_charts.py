"""Charts of a calibration run, in the grammar of `canvas`: coverage, ranks, distribution functions, reliability, slopes."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zhirong.kernel.text import Language
from zhirong.numerics.calibration import Coverage, RankTest
from zhirong.reports.blocks import Chart
from zhirong.reports.canvas import NARROW, PALETTE, bare, both, draw, fitted
from zhirong.valuation.calibration import LEVELS, FirmSlope, GroupHazard, LifeCheck

__all__ = [
    "coverage_chart",
    "hazard_chart",
    "pick",
    "points",
    "rank_chart",
    "reliability_chart",
    "slope_chart",
    "wave_chart",
]

_TONES = ("accent", "main", "ink")


def pick(lang: Language, zh: str, en: str) -> str:
    """Return the text of a language."""
    return zh if lang == "zh" else en


def points(rows: Sequence[Coverage]) -> str:
    """Return coverages as per cents: 50.1 / 79.8 / 95.0."""
    return " / ".join(f"{100 * row.coverage:.1f}" for row in rows)


def coverage_chart(name: str, rows: Sequence[tuple[str, Sequence[Coverage]]], lang: Language) -> Chart:
    """Draw the share of 50, 80 and 95 % intervals that held the truth, one row an answer, with 95 % intervals."""
    alt = "; ".join(f"{label}: {points(found)}" for label, found in rows)

    def paint(width: float, key: str) -> str:
        narrow = width <= NARROW
        height = 46.0 * len(rows) + 66 if narrow else 27.0 * len(rows) + 62

        def on(figure: Figure) -> None:
            left = 0.04 if narrow else 0.36
            axes = figure.add_axes((left, 40 / height, 0.94 - left, 1 - 58 / height))
            bare(axes)
            axes.set(xlim=(0, 1), ylim=(len(rows) - 0.5, -0.6), yticks=[])
            for level, tone in zip(LEVELS, _TONES, strict=True):
                axes.axvline(level, color=PALETTE[tone], lw=1, ls=(0, (4, 3)), zorder=0)
                axes.annotate(
                    f"{100 * level:.0f}%", (level, 1), xycoords=("data", "axes fraction"), xytext=(0, 3),
                    textcoords="offset points", size=8.5, color=PALETTE[tone], ha="center", va="bottom",
                )  # fmt: skip
            for y, (label, found) in enumerate(rows):
                _label(axes, label, y, width=width, left=left, narrow=narrow)
                for row, tone in zip(found, _TONES, strict=True):
                    axes.plot([row.low, row.high], [y, y], color=PALETTE[tone], lw=2)
                    axes.plot(
                        [row.coverage], [y], marker="o", ms=6, color=PALETTE[tone], mec="white", mew=1, clip_on=False
                    )
            axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25%", "50%", "75%", "100%"])
            axes.set_xlabel(pick(lang, "区间实际包含真值的比例", "share of intervals that held the truth"), size=9)

        return draw(key, on, width=width, height=height, alt=alt)

    caption = pick(
        lang, "虚线为名义水平，圆点为实际比例，横线为其 95% 区间（Wilson）；圆点落在同色虚线上即为校准良好。",
        "Dashed: what was claimed. Dots: what held, with Wilson's 95 % interval. A dot on the line of its colour is calibrated.",
    )  # fmt: skip
    return both(name, paint, alt, caption)


def _label(axes: Axes, label: str, y: float, *, width: float, left: float, narrow: bool) -> None:
    if narrow:
        axes.annotate(
            fitted(label, 34, lines=1), (0, y - 0.36), xycoords=("axes fraction", "data"), size=9, ha="left", va="center"
        )  # fmt: skip
        return
    axes.annotate(
        fitted(label, (left * width - 14) / 9.5), (0, y), xycoords=("axes fraction", "data"), xytext=(-8, 0),
        textcoords="offset points", size=9, ha="right", va="center", linespacing=1.15,
    )  # fmt: skip


def _panels(figure: Figure, count: int, width: float, height: float, *, row: float) -> list[Axes]:
    """Return axes in a grid, one column on a telephone and three on a page."""
    across = 1 if width <= NARROW else 3
    gap, left, top = 20.0, 8.0, 22.0
    wide = (width - 2 * left - gap * (across - 1)) / across
    found = []
    for i in range(count):
        x, y = left + (i % across) * (wide + gap), height - (i // across) * row - row
        found.append(figure.add_axes((x / width, (y + 20) / height, wide / width, (row - 20 - top) / height)))
    return found


def _grid_height(count: int, width: float, row: float) -> float:
    return row * -(-count // (1 if width <= NARROW else 3)) + 4


def rank_chart(name: str, rows: Sequence[tuple[str, RankTest]], lang: Language) -> Chart:
    """Draw the histogram of ranks of each answer with the band of a level one."""
    alt = "; ".join(f"{label}: p = {ranks.p_value:.3g}" for label, ranks in rows)

    def paint(width: float, key: str) -> str:
        height = _grid_height(len(rows), width, 112.0)

        def on(figure: Figure) -> None:
            for axes, (label, ranks) in zip(_panels(figure, len(rows), width, height, row=112.0), rows, strict=True):
                bare(axes)
                bins = len(ranks.counts)
                axes.axhspan(ranks.low, ranks.high, color=PALETTE["pale"], lw=0)
                out = (ranks.counts < ranks.low) | (ranks.counts > ranks.high)
                colours = [PALETTE["accent" if wrong else "main"] for wrong in out]
                axes.bar(range(bins), ranks.counts, color=colours, width=0.82)
                axes.set_title(fitted(label, 22, lines=1), size=9, loc="left", pad=4)
                axes.set(xticks=[-0.5, bins / 2 - 0.5, bins - 0.5], yticks=[], xlim=(-0.7, bins - 0.3))
                axes.set_xticklabels(["0", "0.5", "1"], size=8)

        return draw(key, on, width=width, height=height, alt=alt)

    caption = pick(
        lang, "真值在预测分布中的位置。平坦即校准良好；浅色带为平坦时单个柱 95% 的范围，橙色为带外。两端高：区间过窄；右高：估值偏低。",
        "Where truths fall in their predicted distributions. Flat is calibrated; the band holds a bar with 95 % if so, orange is outside. "
        "High ends: intervals too narrow. High at the right: values too low.",
    )  # fmt: skip
    return both(name, paint, alt, caption)


def wave_chart(name: str, rows: Sequence[tuple[str, RankTest]], lang: Language) -> Chart:
    """Draw the distribution function of ranks less the diagonal with a band that holds all of it at once."""
    alt = "; ".join(f"{label}: p = {ranks.ecdf.p_value:.3g}" for label, ranks in rows)

    def paint(width: float, key: str) -> str:
        height = _grid_height(len(rows), width, 100.0)

        def on(figure: Figure) -> None:
            for axes, (label, ranks) in zip(_panels(figure, len(rows), width, height, row=100.0), rows, strict=True):
                bare(axes)
                e = ranks.ecdf
                x = [0.0, *e.points.tolist(), 1.0]
                axes.fill_between(
                    x, [0.0, *(e.low - e.points).tolist(), 0.0], [0.0, *(e.high - e.points).tolist(), 0.0],
                    color=PALETTE["pale"], lw=0,
                )  # fmt: skip
                out = bool(((e.share < e.low - 1e-12) | (e.share > e.high + 1e-12)).any())
                axes.axhline(0, color=PALETTE["line"], lw=0.8)
                axes.plot(
                    x, [0.0, *(e.share - e.points).tolist(), 0.0], color=PALETTE["accent" if out else "main"], lw=1.6
                )
                top = 1.15 * max(float(abs(e.share - e.points).max()), float((e.high - e.points).max()), 0.02)
                axes.set(xlim=(0, 1), ylim=(-top, top), xticks=[0, 0.5, 1], yticks=[])
                axes.set_xticklabels(["0", "0.5", "1"], size=8)
                axes.set_title(fitted(label, 22, lines=1), size=9, loc="left", pad=4)

        return draw(key, on, width=width, height=height, alt=alt)

    caption = pick(
        lang, "秩的经验分布减去对角线；浅色带以 95% 的概率容纳整条曲线（Säilynoja 等 2022），橙色为越界。",
        "Distribution function of ranks less the diagonal; the band holds the whole curve with 95 % if calibrated (Säilynoja et al. 2022), "
        "orange leaves it.",
    )  # fmt: skip
    return both(name, paint, alt, caption)


def reliability_chart(name: str, checks: Sequence[LifeCheck], lang: Language) -> Chart:
    """Draw predicted against realised shares of ends, one panel a back-test."""
    alt = "; ".join(
        f"{c.cut} +{c.years:g}: " + ", ".join(f"{100 * b.predicted:.0f} -> {100 * b.observed:.0f}" for b in c.bins)
        for c in checks
    )

    def paint(width: float, key: str) -> str:
        height = _grid_height(len(checks), width, 172.0)

        def on(figure: Figure) -> None:
            for axes, check in zip(_panels(figure, len(checks), width, height, row=172.0), checks, strict=True):
                bare(axes)
                top = min(1.0, 1.06 * max(0.1, *(max(b.high, b.predicted) for b in check.bins)))
                axes.plot([0, top], [0, top], color=PALETTE["line"], lw=1.2)
                for b in check.bins:
                    axes.plot([b.predicted, b.predicted], [b.low, b.high], color=PALETTE["soft"], lw=2)
                    axes.plot(
                        [b.predicted], [b.observed], marker="o", ms=5, color=PALETTE["main"], mec="white", mew=0.8
                    )
                axes.set(xlim=(0, top), ylim=(0, top), xticks=[0, top / 2, top], yticks=[])
                axes.set_xticklabels(["0", f"{50 * top:.0f}%", f"{100 * top:.0f}%"], size=8)
                title = pick(lang, f"{check.cut} 起 {check.years:g} 年", f"{check.cut}, {check.years:g} years ahead")
                axes.set_title(title, size=9, loc="left", pad=4)

        return draw(key, on, width=width, height=height, alt=alt)

    caption = pick(
        lang, "横轴为预测失效概率，纵轴为实际失效比例（同一尺度）；对角线为完全校准，竖线为 95% 区间。",
        "Across: predicted chance of ending. Up, on the same scale: share that ended. The diagonal is perfect; bars are 95 % intervals.",
    )  # fmt: skip
    return both(name, paint, alt, caption)


def slope_chart(name: str, rows: Sequence[FirmSlope], lang: Language) -> Chart:
    """Draw slopes over firms with 95 % intervals against what is supposed."""
    alt = "; ".join(f"{r.label.in_(lang)}: {r.slope:.2f} +- {1.96 * r.error:.2f}, {r.supposed:g}" for r in rows)

    def paint(width: float, key: str) -> str:
        narrow = width <= NARROW
        height = 46.0 * len(rows) + 52 if narrow else 32.0 * len(rows) + 48

        def on(figure: Figure) -> None:
            left = 0.04 if narrow else 0.44
            axes = figure.add_axes((left, 40 / height, 0.94 - left, 1 - 46 / height))
            bare(axes)
            most = max(r.slope + 1.96 * r.error for r in rows)
            axes.set(xlim=(0, 1.1 * max(most, 1.0)), ylim=(len(rows) - 0.5, -0.6), yticks=[])
            for y, row in enumerate(rows):
                _label(axes, row.label.in_(lang), y, width=width, left=left, narrow=narrow)
                tone = PALETTE["main" if row.holds else "accent"]
                axes.plot([row.slope - 1.96 * row.error, row.slope + 1.96 * row.error], [y, y], color=tone, lw=2)
                axes.plot([row.slope], [y], marker="o", ms=6, color=tone, mec="white", mew=1)
                axes.plot([row.supposed, row.supposed], [y - 0.3, y + 0.3], color=PALETTE["ink"], lw=1.2)
            axes.set_xlabel(pick(lang, "弹性（竖线为假定值）", "elasticity (upright line: what is supposed)"), size=9)

        return draw(key, on, width=width, height=height, alt=alt)

    caption = pick(
        lang, "横线为 95% 区间；橙色为与假定不符。", "Bars are 95 % intervals; orange is not what is supposed."
    )
    return both(name, paint, alt, caption)


def hazard_chart(name: str, rows: Sequence[GroupHazard], lang: Language) -> Chart:
    """Draw ends a year at risk by age, one line a group, with 95 % intervals."""
    alt = "; ".join(
        f"{r.label.in_(lang)}: " + ", ".join(f"{a:g}: {100 * h:.0f} %" for a, h in zip(r.ages, r.hazard, strict=True))
        for r in rows
    )

    def paint(width: float, key: str) -> str:
        height = 230.0

        def on(figure: Figure) -> None:
            axes = figure.add_axes((44 / width, 44 / height, 1 - 60 / width, 1 - 74 / height))
            bare(axes)
            for i, (row, tone) in enumerate(zip(rows, _TONES, strict=False)):
                middle = [age + 0.5 for age in row.ages]
                axes.fill_between(middle, row.low, row.high, color=PALETTE[tone], alpha=0.18, lw=0)
                axes.plot(middle, row.hazard, color=PALETTE[tone], lw=1.8, marker="o", ms=4)
                axes.annotate(
                    row.label.in_(lang), (i / len(rows), 1), xycoords="axes fraction", xytext=(0, 8), textcoords="offset points",
                    size=9, color=PALETTE[tone], ha="left",
                )  # fmt: skip
            axes.set_ylim(0, None)
            axes.yaxis.set_major_formatter(lambda v, _: f"{100 * v:.0f}%")
            axes.grid(axis="y", color=PALETTE["line"], lw=0.6)
            axes.set_axisbelow(True)
            axes.set_xlabel(pick(lang, "申请日起的年龄（年）", "age from filing, years"), size=9)

        return draw(key, on, width=width, height=height, alt=alt)

    caption = pick(
        lang, "每年失效比例（按年龄，截至记录末）；阴影为 95% 区间。",
        "Ends a year at risk by age, to the end of the record; shaded: 95 % intervals.",
    )  # fmt: skip
    return both(name, paint, alt, caption)
