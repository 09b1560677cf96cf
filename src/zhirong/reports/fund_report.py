"""The selection of a reserve fund as HTML, PDF and Excel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from matplotlib.figure import Figure

from zhirong.finance.funds import Candidate, FrontierPoint, FundSpec, Selection
from zhirong.kernel.text import Language
from zhirong.reports.blocks import Block, Cell, Column, Document, Facts, Paragraph, Section, Summary, Table
from zhirong.reports.canvas import PALETTE, WIDE, bare, both, draw
from zhirong.reports.formats import format_date
from zhirong.reports.render import ReportFiles, write_forms
from zhirong.reports.texts import say
from zhirong.reports.workbook import Sheet

__all__ = ["render_fund"]


def _say(lang: Language, zh: str, en: str) -> str:
    return zh if lang == "zh" else en


def _money(amount: float, lang: Language) -> str:
    return f"{amount / 1e4:,.1f} 万元" if lang == "zh" else f"CNY {amount:,.0f}"


def _summary(found: Selection, spec: FundSpec, count: int, as_of: date, lang: Language) -> Summary:
    low, high = found.gain_interval_cny
    facts = Facts(
        (
            (_say(lang, "预算", "Budget"), _money(spec.budget_cny, lang)),
            (_say(lang, "支出", "Spent"), _money(found.spent_cny, lang)),
            (_say(lang, "入选", "Selected"), _say(lang, f"{len(found.chosen)} 件，共 {count} 件候选", f"{len(found.chosen)} of {count}")),
            (_say(lang, "政策价值", "Policy worth"), _money(found.policy_cny, lang)),
            (_say(lang, f"最差 {100 * spec.tail:.0f}% 情形的平均损失",
                f"Mean loss in the worst {100 * spec.tail:.0f}%"), _money(found.tail_loss_cny, lang)),
            (_say(lang, "基准日", "As of"), format_date(as_of, lang)),
        )
    )  # fmt: skip
    return Summary(
        value_label=_say(lang, "价值减收购价（90% 区间）", "Value less price (90% interval)"),
        value=f"{_money(low, lang)} – {_money(high, lang)}", value_note=_say(lang, f"期望 {_money(found.gain_cny, lang)}",
            f"expected {_money(found.gain_cny, lang)}"),
        grade_label=_say(lang, "目标值（收益＋政策−风险）", "Objective: gain + policy - risk"), grade=_money(found.objective_cny, lang),
        grade_note=_say(lang, "精确求解（混合整数规划）", "solved exactly (mixed-integer programme)"), facts=facts, lists=(),
    )  # fmt: skip


def _table(found: Selection, offered: Mapping[str, Candidate], labels: Mapping[str, str], lang: Language) -> Section:
    title = _say(lang, "每件专利为何入选或落选", "Why each patent is in or out")
    columns = (
        Column(_say(lang, "专利", "Patent"), share=1.2), Column(_say(lang, "领域",
            "Field"), share=1.3), Column(_say(lang, "收购价", "Price"), True),
        Column(_say(lang, "价值均值", "Mean value"), True), Column("", share=0.6), Column(_say(lang, "理由", "Reason"), share=2.2),
    )  # fmt: skip
    ranked = sorted(found.reasons, key=lambda r: (not r.is_in, -(r.regret_cny or 0.0)))
    rows = tuple(
        (
            Cell(r.patent_id), Cell(labels.get(offered[r.patent_id].group, "")), Cell(_money(offered[r.patent_id].price_cny, lang)),
            Cell(_money(float(offered[r.patent_id].values.mean()), lang)),
            Cell(_say(lang, "入选", "in") if r.is_in else _say(lang, "落选",
                "out"), "good" if r.is_in else "muted"), Cell(r.text.in_(lang)),
        )
        for r in ranked
    )  # fmt: skip
    return Section("selection", title, (Table(title, columns, rows),))


def _frontier(points: Sequence[FrontierPoint], found: Selection, lang: Language) -> Section:
    title = _say(lang, "收益与尾部风险", "Gain against tail loss")
    alt = (
        title
        + ": "
        + "; ".join(f"{p.risk_weight:g}: {_money(p.gain_cny, lang)}, {_money(p.tail_loss_cny, lang)}" for p in points)
    )

    def paint(width: float, name: str) -> str:
        def on(figure: Figure) -> None:
            axes = figure.add_axes((0.14 if width < WIDE else 0.1, 0.16, 0.84, 0.78))
            bare(axes)
            xs, ys = [p.tail_loss_cny / 1e4 for p in points], [p.gain_cny / 1e4 for p in points]
            axes.plot(xs, ys, "o-", color=PALETTE["main"], markersize=4)
            axes.plot([found.tail_loss_cny / 1e4], [found.gain_cny / 1e4], "o", color=PALETTE["accent"], markersize=8)
            axes.set_xlabel(_say(lang, "最差情形平均损失（万元）", "Mean loss in the tail, CNY 10,000"))
            axes.set_ylabel(_say(lang, "期望收益（万元）", "Expected gain, CNY 10,000"))
            axes.grid(axis="y", color=PALETTE["line"], linewidth=0.6)

        return draw(name, on, width=width, height=230, alt=alt)

    caption = _say(
        lang, "各风险权重下的最优选择；橙点为本次选择", "Best selections by risk weight; the orange point is this one"
    )
    blocks: tuple[Block, ...] = (both("frontier", paint, alt, caption),)
    return Section("frontier", title, blocks)


def _sources(spec: FundSpec, lang: Language) -> Section:
    title = _say(lang, "参数来源", "Sources of parameters")
    columns = (Column(_say(lang, "等级", "Grade"), share=0.7), Column(_say(lang, "来源", "Source"), share=3.0))
    rows = tuple((Cell(say(f"grade.{s.grade}", lang)), Cell(s.title_in(lang))) for s in spec.sources)
    told = _say(
        lang,
        "专利之间的共同波动、风险权重与未给要价时的收购价均为假设，可替换；期权价值已含于估值方法，未另行计入。",
        "What patents share, the weight of risk and the price where none is asked are assumptions, to be replaced; the worth of "
        "waiting is in the methods of the value and not counted again.",
    )
    return Section("sources", title, (Table(title, columns, rows), Paragraph(told, "muted")))


def render_fund(
    found: Selection, spec: FundSpec, offered: Sequence[Candidate], points: Sequence[FrontierPoint], labels: Mapping[str, str], *,
    as_of: date, lang: Language, out: Path, is_synthetic: bool = False,
) -> ReportFiles:  # fmt: skip
    """Write the selection as ``fund.{html,pdf,xlsx}`` into a folder, in one language; `labels` names the groups."""
    by_id = {c.patent_id: c for c in offered}
    document = Document(
        lang=lang, title=_say(lang, "专利储备基金选择", "Selection for a patent reserve fund"),
        subject=_say(lang, f"预算 {_money(spec.budget_cny, lang)}", f"Budget {_money(spec.budget_cny, lang)}"),
        banner=say("banner.synthetic", lang) if is_synthetic else "", summary=_summary(found, spec, len(offered), as_of, lang),
        sections=(_table(found, by_id, labels, lang), _frontier(points, found, lang), _sources(spec, lang)),
        footer=_say(lang, f"基准日 {as_of}", f"As of {as_of}"), contents_label=say("report.contents", lang),
    )  # fmt: skip
    heads = tuple(
        _say(lang, zh, en)
        for zh, en in (
            ("专利", "Patent"),
            ("领域", "Field"),
            ("收购价", "Price"),
            ("价值均值", "Mean value"),
            ("入选", "In"),
            ("理由", "Reason"),
        )
    )
    rows = [
        (r.patent_id, labels.get(by_id[r.patent_id].group, ""), by_id[r.patent_id].price_cny, float(by_id[r.patent_id].values.mean()),
         _say(lang, "是", "yes") if r.is_in else "", r.text.in_(lang))
        for r in found.reasons
    ]  # fmt: skip
    sheet = Sheet(
        _say(lang, "选择", "Selection"),
        heads,
        ("text", "text", "money", "money", "text", "text"),
        rows,
        (18, 26, 16, 16, 8, 60),
    )
    return write_forms(document, [sheet], out=out, forms=("html", "pdf", "xlsx"), name="fund")
