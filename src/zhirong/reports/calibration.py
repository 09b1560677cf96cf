"""The proof of calibration as a page: coverage against what was claimed, ranks, lives predicted and lived."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from zhirong.kernel.text import Language
from zhirong.numerics.calibration import Coverage
from zhirong.reports.blocks import Block, Bullets, Cell, Column, Document, Facts, Paragraph, Section, Summary, Table
from zhirong.reports.canvas import NARROW, PALETTE, bare, both, draw, fitted
from zhirong.reports.render import ReportFiles, write_forms
from zhirong.valuation.calibration import LEVELS, LifeCheck, PieceCheck, ValueCheck

__all__ = ["CalibrationResult", "LifeSet", "render_calibration"]


@dataclass(frozen=True, slots=True)
class LifeSet:
    """Back-tests of lives on one set of patents; `note` says why there are none."""

    name_zh: str
    name_en: str
    checks: tuple[LifeCheck, ...]
    is_synthetic: bool
    note_zh: str = ""
    note_en: str = ""


@dataclass(frozen=True, slots=True)
class CalibrationResult:
    """All checks of one run."""

    seed: int
    patent_count: int
    as_of: str
    pieces: tuple[PieceCheck, ...]
    values: tuple[ValueCheck, ...]
    lives: tuple[LifeSet, ...]
    firms_zh: str = ""
    firms_en: str = ""


def _pick(lang: Language, zh: str, en: str) -> str:
    return zh if lang == "zh" else en


def _points(rows: Sequence[Coverage]) -> str:
    return " / ".join(f"{100 * row.coverage:.1f}" for row in rows)


def _coverage_chart(name: str, rows: Sequence[tuple[str, Sequence[Coverage]]], lang: Language) -> Block:
    alt = "; ".join(f"{label}: {_points(found)}" for label, found in rows)

    def paint(width: float, key: str) -> str:
        narrow = width <= NARROW
        height = 46.0 * len(rows) + 60 if narrow else 27.0 * len(rows) + 56

        def on(figure: Figure) -> None:
            left = 0.04 if narrow else 0.36
            axes = figure.add_axes((left, 40 / height, 0.94 - left, 1 - 52 / height))
            bare(axes)
            axes.set(xlim=(0, 1), ylim=(len(rows) - 0.5, -0.6), yticks=[])
            for level, tone in zip(LEVELS, ("soft", "main", "ink"), strict=True):
                axes.axvline(level, color=PALETTE[tone], lw=1, ls=(0, (4, 3)), zorder=0)
                axes.text(level, -0.58, f"{100 * level:.0f}%", size=8, color=PALETTE["muted"], ha="center", va="bottom")
            for y, (label, found) in enumerate(rows):
                text = fitted(label, 30 if narrow else 20, lines=1 if narrow else 2)
                if narrow:
                    axes.text(0, y - 0.36, text, size=9, ha="left", va="center")
                else:
                    axes.text(-0.02, y, text, size=9, ha="right", va="center", clip_on=False)
                for row, tone in zip(found, ("soft", "main", "ink"), strict=True):
                    axes.plot(
                        [row.coverage - 1.96 * row.error, row.coverage + 1.96 * row.error],
                        [y, y],
                        color=PALETTE[tone],
                        lw=2,
                    )
                    axes.plot([row.coverage], [y], marker="o", ms=6, color=PALETTE[tone], mec="white", mew=1)
            axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25%", "50%", "75%", "100%"])
            axes.set_xlabel(
                _pick(
                    lang,
                    "区间实际包含真值的比例（横线为 95% 误差）",
                    "share of intervals that held the truth (bars: 95 % error)",
                )
            )

        return draw(key, on, width=width, height=height, alt=alt)

    caption = _pick(
        lang,
        "虚线为名义水平；圆点落在同色虚线上即为校准良好。",
        "Dashed: what was claimed. A dot on the line of its colour is calibrated.",
    )
    return both(name, paint, alt, caption)


def _rank_chart(name: str, rows: Sequence[ValueCheck], lang: Language) -> Block:
    alt = "; ".join(f"{r.label.in_(lang)}: p = {r.ranks.p_value:.3g}" for r in rows)

    def paint(width: float, key: str) -> str:
        across = 1 if width <= NARROW else 2
        down = -(-len(rows) // across)
        height = 118.0 * down + 10

        def on(figure: Figure) -> None:
            for i, row in enumerate(rows):
                axes = figure.add_subplot(down, across, i + 1)
                bare(axes)
                bins = len(row.ranks.counts)
                axes.axhspan(row.ranks.low, row.ranks.high, color=PALETTE["pale"], lw=0)
                axes.bar(range(bins), row.ranks.counts, color=PALETTE["main"], width=0.8)
                axes.set_title(fitted(row.label.in_(lang), 24, lines=1), size=9, loc="left")
                axes.set(xticks=[-0.5, bins / 2 - 0.5, bins - 0.5], yticks=[])
                axes.set_xticklabels(["0", "0.5", "1"])
            figure.subplots_adjust(
                hspace=0.65, wspace=0.12, left=0.03, right=0.98, top=1 - 22 / height, bottom=24 / height
            )

        return draw(key, on, width=width, height=height, alt=alt)

    caption = _pick(
        lang, "真值在预测分布中的位置；均匀即校准良好，浅色带为均匀时 95% 的范围；两端高说明区间过窄。",
        "Where truths fall in their predicted distributions. Level is calibrated; the band holds 95 % of counts when it is; high "
        "ends: intervals are too narrow.",
    )  # fmt: skip
    return both(name, paint, alt, caption)


def _life_chart(name: str, found: LifeCheck, lang: Language) -> Block:
    alt = "; ".join(f"{100 * b.predicted:.0f} -> {100 * b.observed:.0f}" for b in found.bins)

    def paint(width: float, key: str) -> str:
        def on(figure: Figure) -> None:
            axes = figure.add_axes((0.12, 0.2, 0.84, 0.74))
            top = max(0.1, *(b.high for b in found.bins), *(b.predicted for b in found.bins)) * 1.05
            axes.plot([0, top], [0, top], color=PALETTE["line"], lw=1.2)
            for b in found.bins:
                axes.plot([b.predicted, b.predicted], [b.low, b.high], color=PALETTE["soft"], lw=2)
                axes.plot([b.predicted], [b.observed], marker="o", ms=6, color=PALETTE["main"], mec="white", mew=1)
            axes.set(xlim=(0, top), ylim=(0, top))
            axes.set_xlabel(_pick(lang, "预测失效概率", "predicted chance of ending"))
            axes.set_ylabel(_pick(lang, "实际失效比例", "share that ended"))

        return draw(key, on, width=width, height=230, alt=alt)

    caption = _pick(
        lang, f"{found.cut} 拟合，预测其后 {found.years:g} 年；对角线为完全校准，竖线为 95% 区间。",
        f"Fitted at {found.cut}, {found.years:g} years ahead. The diagonal is perfect; bars are 95 % intervals.",
    )  # fmt: skip
    return both(name, paint, alt, caption)


def _value_section(result: CalibrationResult, lang: Language) -> Section:
    rows = result.values
    columns = tuple(
        Column(head, number, share)
        for head, number, share in (
            (_pick(lang, "方法", "Method"), False, 2.2), (_pick(lang, "件数", "Patents"), True, 0.8),
            (_pick(lang, "50/80/95 覆盖率 %", "Coverage at 50/80/95, %"), True, 1.6), ("CRPS (log)", True, 1.0),
            (_pick(lang, "80% 区间得分", "80 % interval score"), True, 1.2), (_pick(lang, "对数偏差", "Log bias"), True, 0.9),
        )
    )  # fmt: skip
    cells = tuple(
        (
            Cell(row.label.in_(lang)), Cell(str(row.count)), Cell(_points(row.coverage)), Cell(f"{row.crps:.3f}"),
            Cell(f"{row.interval_score:.2f}"), Cell(f"{row.log_error:+.2f}"),
        )
        for row in rows
    )  # fmt: skip
    caption = _pick(
        lang,
        "得分越小越好；对数偏差为中位数相对真值。",
        "Scores: less is better. Log bias: of the median against the truth.",
    )
    blocks: tuple[Block, ...] = (
        Paragraph(
            _pick(
                lang,
                "合成世界的每件专利有一个从不写入证据的潜在价值。系统只凭证据估值，再与潜在价值比较。",
                "Each patent of the synthetic world has a latent value that its evidence never holds. The engine values from the "
                "evidence alone; here its answers meet the latent values.",
            )
        ),
        _coverage_chart("coverage", [(row.label.in_(lang), row.coverage) for row in rows], lang),
        Table(caption, columns, cells),
        _rank_chart("ranks", rows, lang),
    )
    return Section("values", _pick(lang, "估值的校准", "Calibration of values"), blocks)


def _piece_section(result: CalibrationResult, lang: Language) -> Section:
    chart = _coverage_chart("pieces", [(row.label.in_(lang), row.coverage) for row in result.pieces], lang)
    columns = (
        Column(_pick(lang, "参数", "Parameter"), False, 2.4), Column(_pick(lang, "次数", "Data sets"), True),
        Column(_pick(lang, "50/80/95 覆盖率 %", "Coverage at 50/80/95, %"), True, 1.6),
        Column(_pick(lang, "秩均匀性 p 值", "p of uniform ranks"), True), Column(_pick(lang, "拟合被拒", "Fits refused"), True),
    )  # fmt: skip
    cells = tuple(
        (
            Cell(row.label.in_(lang)), Cell(str(row.coverage[0].count)), Cell(_points(row.coverage)),
            Cell(f"{row.ranks.p_value:.3f}"), Cell(str(row.failed)),
        )
        for row in result.pieces
    )  # fmt: skip
    text = _pick(
        lang, "从先验抽取参数，由参数生成数据，再由数据拟合（Talts 等 2018）。",
        "Parameters are drawn, data are drawn from them, and the fit is asked where it sees them (Talts et al. 2018).",
    )  # fmt: skip
    return Section(
        "pieces",
        _pick(lang, "各拟合模型的校准", "Calibration of the fitted models"),
        (Paragraph(text), chart, Table("", columns, cells)),
    )


def _life_section(sets: LifeSet, place: int, lang: Language) -> Section:
    title = _pick(lang, f"寿命回测：{sets.name_zh}", f"Back-test of lives: {sets.name_en}")
    if not sets.checks:
        return Section(f"lives-{place}", title, (Paragraph(_pick(lang, sets.note_zh, sets.note_en), "warning"),))
    columns = (
        Column(_pick(lang, "拟合日", "Fitted at")), Column(_pick(lang, "年", "Years"), True, 0.5),
        Column(_pick(lang, "件数", "Rights"), True, 0.8),
        Column(_pick(lang, "预测/实际 %", "Predicted / ended, %"), True, 1.3),
        Column(_pick(lang, "Brier：本模型/KM/常数", "Brier: ours / KM / constant"), True, 1.8),
        Column(_pick(lang, "校准斜率", "Slope"), True, 1.1),
    )  # fmt: skip
    cells = tuple(
        (
            Cell(str(c.cut)), Cell(f"{c.years:g}"), Cell(str(c.count)),
            Cell(f"{100 * c.mean_predicted:.1f} / {100 * c.ended / c.count:.1f}"),
            Cell(" / ".join(f"{c.brier[name]:.4f}" for name in ("weibull", "kaplan_meier", "constant"))),
            Cell("—" if c.line is None else f"{c.line.slope:.2f} ± {1.96 * c.line.slope_error:.2f}"),
        )
        for c in sets.checks
    )  # fmt: skip
    caption = _pick(lang, "Brier 越小越好；斜率 1 为完全校准。", "Brier: less is better. Slope 1 is perfect.")
    return Section(
        f"lives-{place}", title,
        (Table(caption, columns, cells), _life_chart(f"life-{place}", max(sets.checks, key=lambda c: (c.years, c.cut)), lang)),
    )  # fmt: skip


def _summary(result: CalibrationResult, lang: Language) -> Summary:
    best = result.values[0]  # what `zhirong value` prints, not the best of the rows
    off = [
        row
        for row in result.values
        if max(abs(c.coverage - c.nominal) for c in row.coverage) > 0.02 + 1.96 * row.coverage[0].error
    ]
    fine = [row for row in result.pieces if row.ranks.p_value >= 0.01]
    good = Bullets(
        _pick(lang, "经受住的检验", "What holds"),
        tuple(f"{row.label.in_(lang)}: {_points(row.coverage)}" for row in fine) or ("—",), "good",
    )  # fmt: skip
    bad = Bullets(
        _pick(lang, "未达名义水平的", "What misses its claim"),
        tuple(f"{row.label.in_(lang)}: {_points(row.coverage)}" for row in off) or ("—",), "warning",
    )  # fmt: skip
    facts = Facts((
        (_pick(lang, "世界", "World"), _pick(lang, f"合成，{result.patent_count:,} 件专利", f"synthetic, {result.patent_count:,} patents")),
        (_pick(lang, "估值日", "As of"), result.as_of), (_pick(lang, "随机种子", "Seed"), str(result.seed)),
    ))  # fmt: skip
    return Summary(
        value_label=_pick(lang, f"{best.label.zh}：50/80/95 区间的实际覆盖率 %", f"{best.label.en}: coverage of 50/80/95 % intervals, %"),
        value=_points(best.coverage), value_note=_pick(lang, f"{best.count} 件专利", f"{best.count} patents"),
        grade_label=_pick(lang, "80% 名义", "80 % claimed"), grade=f"{100 * best.coverage[1].coverage:.0f}%",
        grade_note=f"± {196 * best.coverage[1].error:.1f}", facts=facts, lists=(good, bad),
    )  # fmt: skip


def render_calibration(
    result: CalibrationResult, *, lang: Language, out: Path, name: str = "calibration"
) -> ReportFiles:
    """Write the page of a calibration run as HTML and PDF.

    Parameters
    ----------
    result : CalibrationResult
        All checks.
    lang : str
        zh or en.
    out : Path
        Folder.
    name : str
        File name without extension.
    """
    sections = [_value_section(result, lang), _piece_section(result, lang)]
    sections += [_life_section(found, place, lang) for place, found in enumerate(result.lives, 1)]
    if result.firms_en:
        sections.append(
            Section(
                "firms",
                _pick(lang, "企业层面的检验", "Checks on firms"),
                (Paragraph(_pick(lang, result.firms_zh, result.firms_en)),),
            )
        )
    document = Document(
        lang=lang, title=_pick(lang, "知融：校准证明", "Zhirong: proof of calibration"),
        subject=_pick(lang, "区间是否名副其实", "Do the intervals keep their word?"),
        banner=_pick(lang, "合成数据部分不代表真实专利", "The synthetic parts say nothing about real patents"),
        summary=_summary(result, lang), sections=tuple(sections),
        footer=f"zhirong validate --seed {result.seed}", contents_label=_pick(lang, "目录", "Contents"),
    )  # fmt: skip
    return write_forms(document, [], out=out, forms=("html", "pdf"), name=name)
