"""The proof of calibration as a report: coverage against what was claimed, ranks, lives predicted and lived, firms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from zhirong.kernel.text import Bilingual, Language
from zhirong.numerics.calibration import CalibrationLine
from zhirong.reports.blocks import (
    Block,
    Bullets,
    Cell,
    Column,
    Document,
    Facts,
    Paragraph,
    Section,
    Summary,
    Table,
    Tone,
)
from zhirong.reports.calibration_charts import (
    coverage_chart,
    hazard_chart,
    pick,
    points,
    rank_chart,
    reliability_chart,
    slope_chart,
    wave_chart,
)
from zhirong.reports.render import ReportFiles, write_forms
from zhirong.valuation.calibration import FirmChecks, GroupHazard, LifeCheck, PieceCheck, ValueCheck

__all__ = ["CalibrationResult", "LifeSet", "gain_text", "is_sound", "order_text", "render_calibration"]

_P_SOUND = 0.01


@dataclass(frozen=True, slots=True)
class LifeSet:
    """Back-tests of lives on one set of patents; `note` says why there are none, `hazards` what the engine does not know of."""

    name: Bilingual
    checks: tuple[LifeCheck, ...]
    is_synthetic: bool
    note: Bilingual | None = None
    hazards: tuple[GroupHazard, ...] = ()


@dataclass(frozen=True, slots=True)
class CalibrationResult:
    """All checks of one run; `firms` is None where no firms were given."""

    seed: int
    patent_count: int
    as_of: str
    pieces: tuple[PieceCheck, ...]
    values: tuple[ValueCheck, ...]
    lives: tuple[LifeSet, ...]
    firms: FirmChecks | None = None


def is_sound(check: PieceCheck | ValueCheck, tests: int) -> bool | None:
    """Tell whether a model keeps its word: True, False, or None where the data sets are too few to tell.

    Parameters
    ----------
    check : PieceCheck or ValueCheck
        A model, or a way of valuing.
    tests : int
        Models tested beside it: a p-value counts against it only below 0.01 / tests (Bonferroni), since one of many is small by
        chance.

    Notes
    -----
    False: some coverage lies more than two points off beyond chance, or ranks are not uniform. True: every coverage within two
    points. Otherwise None.
    """
    verdicts = {row.verdict() for row in check.coverage}
    is_uniform = min(check.ranks.p_value, check.ranks.ecdf.p_value) >= _P_SOUND / max(tests, 1)
    if "outside" in verdicts or not is_uniform:
        return False
    return True if verdicts == {"within"} else None


def order_text(check: ValueCheck) -> str:
    """Return the rank correlation with its interval, or a dash."""
    if check.order is None or check.order_low is None or check.order_high is None:
        return "—"
    return f"{check.order:.2f} ({check.order_low:.2f}–{check.order_high:.2f})"


def gain_text(check: ValueCheck) -> str:
    """Return the gain on the better naive answer with its 95 % error, or a dash."""
    if check.crps_gain is None or check.crps_gain_error is None:
        return "—"
    return f"{check.crps_gain:+.3f} ± {1.96 * check.crps_gain_error:.3f}"


def _tone(verdict: str) -> Tone:
    return "warning" if verdict == "outside" else "normal"


def _columns(lang: Language, *heads: tuple[str, str, bool, float]) -> tuple[Column, ...]:
    return tuple(Column(pick(lang, zh, en), number, share) for zh, en, number, share in heads)


def _value_section(result: CalibrationResult, lang: Language) -> Section:
    columns = _columns(
        lang, ("方法", "Method", False, 2.2), ("件数", "Patents", True, 0.8), ("50/80/95 覆盖率 %", "Coverage at 50/80/95, %", True, 1.6),
        ("CRPS（对数）", "CRPS (log)", True, 0.8), ("较朴素对照改进", "Gain on naive", True, 1.3),
        ("80% 区间得分", "80 % interval score", True, 1.0),
        ("对数偏差", "Log bias", True, 0.8), ("秩相关", "Rank correlation", True, 1.5),
    )  # fmt: skip
    cells = tuple(
        (
            Cell(row.label.in_(lang)), Cell(str(row.count)),
            Cell(points(row.coverage), "warning" if is_sound(row, len(result.values)) is False else "normal"),
            Cell(f"{row.crps:.3f}"),
            Cell(gain_text(row)),
            Cell(f"{row.interval_score:.2f}"), Cell(f"{row.log_error:+.2f}"), Cell(order_text(row)),
        )
        for row in result.values
    )  # fmt: skip
    caption = pick(
        lang,
        "得分越小越好；改进为负即不如朴素对照；对数偏差为中位数相对真值；秩相关为中位数与真值。± 与括号为 95% 区间。",
        "Scores: less is better; a gain below 0 is worse than the naive answer. Log bias: median against truth. Rank correlation: medians "
        "with truths. ± and brackets: 95 %.",
    )
    blocks: tuple[Block, ...] = (
        Paragraph(
            pick(
                lang,
                "合成世界的每件专利有一个从不写入证据的潜在价值。系统只凭证据估值，再与潜在价值比较；自身有成交价的专利不参与。",
                "Each patent of the synthetic world has a latent value that its evidence never holds. The engine values from the "
                "evidence alone; here its answers meet the latent values. Patents with a sale of their own take no part.",
            )
        ),
        coverage_chart("coverage", [(row.label.in_(lang), row.coverage) for row in result.values], lang),
        Table(caption, columns, cells),
        Paragraph(_value_reason(result, lang)),
        rank_chart("ranks", [(row.label.in_(lang), row.ranks) for row in result.values], lang),
    )
    return Section("values", pick(lang, "估值的校准", "Calibration of values"), blocks)


def _value_reason(result: CalibrationResult, lang: Language) -> str:
    pooled = result.values[0]
    return pick(
        lang,
        f"原因：在这个世界里，企业收入几乎不反映单件专利的潜在价值（综合价值与真值的秩相关 {order_text(pooled)}），"
        "以收入为主的方法因此对不相干的量过于自信；续展只看得到价值的低端。声明的方法权重是判断，不是验证结果。",
        f"Why: in this world a firm's revenue says next to nothing of one of its patents (rank correlation of pooled and latent values "
        f"{order_text(pooled)}), so that methods built on revenue are sure about the wrong thing; renewals see the low end of values "
        "only. The declared weights of methods are a judgement, not a validated result.",
    )


def _piece_section(result: CalibrationResult, lang: Language) -> Section:
    columns = _columns(
        lang, ("参数", "Parameter", False, 2.4), ("次数", "Data sets", True, 0.8),
        ("50/80/95 覆盖率 %", "Coverage at 50/80/95, %", True, 1.5),
        ("秩均匀 p（χ²）", "p of ranks (χ²)", True, 1.0), ("秩均匀 p（分布）", "p of ranks (ECDF)", True, 1.0),
        ("拟合被拒", "Fits refused", True, 0.8),
        ("结论", "Verdict", False, 1.1),
    )  # fmt: skip
    words = {
        True: pick(lang, "校准", "calibrated"), False: pick(lang, "未校准", "not calibrated"),
        None: pick(lang, "样本不足以判断", "too few to tell"),
    }  # fmt: skip
    cells = tuple(
        (
            Cell(row.label.in_(lang)), Cell(str(row.coverage[0].count)), Cell(points(row.coverage)),
            Cell(f"{row.ranks.p_value:.3f}"), Cell(f"{row.ranks.ecdf.p_value:.3f}"), Cell(str(row.failed)),
            Cell(words[sound], "warning" if sound is False else "normal"),
        )
        for row in result.pieces
        for sound in [is_sound(row, len(result.pieces))]
    )  # fmt: skip
    text = pick(
        lang, "从先验抽取参数，由参数生成数据，再由数据拟合，看真值落在何处（Talts 等 2018）。",
        "Parameters are drawn, data are drawn from them, and the fit is asked where it sees them (Talts et al. 2018).",
    )  # fmt: skip
    caption = pick(
        lang, f"“校准”：三个覆盖率都在名义水平 2 个百分点内，且秩均匀（{len(result.pieces)} 项检验合计 1% 水平）。",
        f"Calibrated: all three coverages within two points of the claim, and ranks uniform (1 % over all {len(result.pieces)} tests).",
    )  # fmt: skip
    charts = (
        coverage_chart("pieces", [(row.label.in_(lang), row.coverage) for row in result.pieces], lang),
        Table(caption, columns, cells),
        wave_chart("piece-waves", [(row.label.in_(lang), row.ranks) for row in result.pieces], lang),
    )
    return Section("pieces", pick(lang, "各模型的校准", "Calibration of the models"), (Paragraph(text), *charts))


def _line(line: CalibrationLine | None) -> tuple[str, str]:
    if line is None:
        return "—", "—"
    return (
        f"{line.slope:.2f} ± {1.96 * line.slope_error:.2f}",
        f"{line.intercept:+.2f} ± {1.96 * line.intercept_error:.2f}",
    )


def _life_section(sets: LifeSet, place: int, lang: Language) -> Section:
    title = pick(lang, f"寿命回测：{sets.name.zh}", f"Back-test of lives: {sets.name.en}")
    if not sets.checks:
        said = (
            sets.note.in_(lang)
            if sets.note is not None
            else pick(lang, "无可检验的截止日。", "No date could be checked.")
        )
        return Section(f"lives-{place}", title, (Paragraph(said, "warning"),))
    columns = _columns(
        lang, ("拟合日", "Fitted at", False, 1.1), ("年", "Years", True, 0.5), ("件数", "Rights", True, 0.7),
        ("预测/实际 %", "Predicted / ended, %", True, 1.2),
        ("Brier：引擎/单一威布尔/KM/常数", "Brier: engine / one Weibull / KM / constant", True, 2.4),
        ("斜率", "Slope", True, 1.2), ("截距", "Intercept", True, 1.3), ("外推 %", "Beyond, %", True, 0.8),
    )  # fmt: skip
    cells = tuple(
        (
            Cell(str(c.cut)), Cell(f"{c.years:g}"), Cell(str(c.count)),
            Cell(f"{100 * c.mean_predicted:.1f} / {100 * c.ended / c.count:.1f}"),
            Cell(" / ".join(f"{c.brier[name]:.4f}" for name in ("engine", "weibull", "kaplan_meier", "constant"))),
            Cell(_line(c.line)[0]), Cell(_line(c.line)[1]), Cell(f"{100 * c.beyond:.0f}"),
        )
        for c in sets.checks
    )  # fmt: skip
    caption = pick(
        lang,
        "Brier 越小越好；斜率 1、截距 0 为完全校准。外推：到期时年龄超过截止日已有 30 件被观察的任何年龄的比例。",
        "Brier: less is better. Slope 1 and intercept 0 are perfect. Beyond: share that by the horizon is older than any age at which 30 "
        "rights had been watched.",
    )
    blocks: tuple[Block, ...] = (Table(caption, columns, cells), *_group_table(sets.checks, lang))
    charts: list[Block] = [reliability_chart(f"life-{place}", sets.checks, lang)]
    if sets.hazards:
        charts.append(hazard_chart(f"hazard-{place}", sets.hazards, lang))
    return Section(f"lives-{place}", title, (*blocks, *charts))


def _group_table(checks: Sequence[LifeCheck], lang: Language) -> tuple[Block, ...]:
    rows = [(c, g) for c in checks for g in c.groups]
    if not rows:
        return ()
    columns = _columns(
        lang, ("拟合日", "Fitted at", False, 1.1), ("年", "Years", True, 0.5), ("组别", "Group", False, 1.6), ("件数", "Rights", True, 0.7),
        ("预测 %", "Predicted, %", True, 0.9), ("实际 %", "Ended, %", True, 0.9),
    )  # fmt: skip
    cells = tuple(
        (
            Cell(str(c.cut)), Cell(f"{c.years:g}"), Cell(g.label.in_(lang)), Cell(str(g.count)), Cell(f"{100 * g.predicted:.1f}"),
            Cell(f"{100 * g.ended:.1f}"),
        )
        for c, g in rows
    )  # fmt: skip
    caption = pick(
        lang, "引擎不知道的分组：预测与实际。", "Groups that the engine does not know of: predicted and ended."
    )
    return (Table(caption, columns, cells),)


def _firm_section(firms: FirmChecks | None, lang: Language) -> Section:
    title = pick(lang, "企业层面的检验", "Checks on firms")
    if firms is None:
        text = pick(
            lang, "未提供企业数据（--data 指向含 firm_patents_rd 的文件夹），该部分未运行。",
            "Firms were not given (--data names a folder with firm_patents_rd): this part was not run.",
        )  # fmt: skip
        return Section("firms", title, (Paragraph(text, "warning"),))
    blocks: list[Block] = []
    if firms.slopes:
        heads = _columns(
            lang, ("关系", "Relation", False, 2.2), ("斜率 ± 标准误", "Slope ± standard error", True, 1.1), ("假定", "Supposed", True, 0.6),
            ("样本/企业", "Rows / firms", True, 0.9), ("假定的来处", "Who supposes it", False, 3.4),
        )  # fmt: skip
        cells = tuple(
            (
                Cell(s.label.in_(lang)), Cell(f"{s.slope:.3f} ± {s.error:.3f}", "normal" if s.holds else "warning"),
                Cell(f"{s.supposed:g}"), Cell(f"{s.observations} / {s.firms}"), Cell(s.why.in_(lang)),
            )
            for s in firms.slopes
        )  # fmt: skip
        blocks += [slope_chart("slopes", firms.slopes, lang), Table("", heads, cells)]
    if firms.costs:
        blocks += _cost_blocks(firms, lang)
    blocks.append(Bullets(pick(lang, "说明", "Notes"), tuple(n.in_(lang) for n in firms.notes)))
    return Section("firms", title, tuple(blocks))


def _cost_blocks(firms: FirmChecks, lang: Language) -> tuple[Block, ...]:
    heads = _columns(
        lang, ("企业", "Firms", False, 1.8), ("样本/企业", "Rows / firms", True, 1.0),
        ("50/80/95 覆盖率 %", "Coverage at 50/80/95, %", True, 1.5), ("对数偏差", "Log bias", True, 0.8),
        ("实际/声明离散", "Spread found / claimed", True, 1.2),
    )  # fmt: skip
    cells = tuple(
        (
            Cell(c.label.in_(lang)), Cell(f"{c.coverage[0].count} / {c.firms}"),
            Cell(points(c.coverage), _tone(max((r.verdict() for r in c.coverage), key="undecided within outside".find))),
            Cell(f"{c.bias:+.2f}"), Cell(f"{c.spread:.2f} / {c.claimed:.2f}"),
        )
        for c in firms.costs
    )  # fmt: skip
    caption = pick(
        lang, "以前三年研发费用除以申请量作为单件成本，对照下一年该企业的单件成本；行内同一企业出现多年，区间偏窄。",
        "Cost of a filing from three years of research over filings, against the firm's cost a filing of the next year. Firms come in "
        "several years, so that the intervals of coverage are a little too narrow.",
    )  # fmt: skip
    return coverage_chart("costs", [(c.label.in_(lang), c.coverage) for c in firms.costs], lang), Table(
        caption, heads, cells
    )


def _summary(result: CalibrationResult, lang: Language) -> Summary:
    best = result.values[0]  # what `zhirong value` prints, not the best of the rows
    lines: dict[bool | None, list[str]] = {True: [], False: [], None: []}
    tested: tuple[ValueCheck | PieceCheck, ...] = (*result.values, *result.pieces)
    for row in tested:
        tests = len(result.values) if isinstance(row, ValueCheck) else len(result.pieces)
        lines[is_sound(row, tests)].append(f"{row.label.in_(lang)}: {points(row.coverage)}")
    for sets in result.lives:
        lines[False] += [
            pick(
                lang, f"{sets.name.zh} {c.cut} 起 {c.years:g} 年：预测 {100 * c.mean_predicted:.0f}%，实际 {100 * c.ended / c.count:.0f}%",
                f"{sets.name.en}, {c.cut} +{c.years:g} years: {100 * c.mean_predicted:.0f} % predicted, "
                f"{100 * c.ended / c.count:.0f} % ended",
            )
            for c in sets.checks
            if abs(c.mean_predicted - c.ended / c.count) > 0.05
        ]  # fmt: skip
    if result.firms is not None:
        lines[False] += [
            f"{s.label.in_(lang)}: {s.slope:.2f} ± {s.error:.2f} ≠ {s.supposed:g}"
            for s in result.firms.slopes
            if not s.holds
        ]
        lines[False] += [
            pick(lang, f"申请成本区间，{c.label.zh}：", f"Cost intervals, {c.label.en.lower()}: ") + points(c.coverage)
            for c in result.firms.costs
            if any(r.verdict() == "outside" for r in c.coverage)
        ]
    tones: tuple[tuple[bool | None, str, str, Tone], ...] = (
        (True, "经受住的检验", "What holds", "good"), (False, "未达名义水平的", "What misses its claim", "warning"),
        (None, "样本不足以判断的", "What these data cannot tell", "muted"),
    )  # fmt: skip
    lists = tuple(Bullets(pick(lang, zh, en), tuple(lines[key]) or ("—",), tone) for key, zh, en, tone in tones)
    facts = Facts((
        (pick(lang, "世界", "World"), pick(lang, f"合成，{result.patent_count:,} 件专利", f"synthetic, {result.patent_count:,} patents")),
        (pick(lang, "估值日", "As of"), result.as_of), (pick(lang, "随机种子", "Seed"), str(result.seed)),
    ))  # fmt: skip
    eighty = best.coverage[1]
    return Summary(
        value_label=pick(lang, f"{best.label.zh}：50/80/95 区间的实际覆盖率 %", f"{best.label.en}: coverage of 50/80/95 % intervals, %"),
        value=points(best.coverage), value_note=pick(lang, f"{best.count} 件专利", f"{best.count} patents"),
        grade_label=pick(lang, "80% 名义", "80 % claimed"), grade=f"{100 * eighty.coverage:.0f}%",
        grade_note=f"{100 * eighty.low:.1f}–{100 * eighty.high:.1f}%", facts=facts, lists=lists,
    )  # fmt: skip


def render_calibration(
    result: CalibrationResult, *, lang: Language, out: Path, name: str = "calibration"
) -> ReportFiles:
    """Write the report of a calibration run as HTML and PDF.

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
    sections.append(_firm_section(result.firms, lang))
    document = Document(
        lang=lang, title=pick(lang, "知融：校准证明", "Zhirong: proof of calibration"),
        subject=pick(lang, "区间是否名副其实", "Do the intervals keep their word?"),
        banner=pick(lang, "合成数据部分不代表真实专利", "The synthetic parts say nothing about real patents"),
        summary=_summary(result, lang), sections=tuple(sections),
        footer=f"zhirong validate --seed {result.seed}", contents_label=pick(lang, "目录", "Contents"),
    )  # fmt: skip
    return write_forms(document, [], out=out, forms=("html", "pdf"), name=name)
