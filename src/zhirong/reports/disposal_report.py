"""The memo of a disposal as HTML, PDF and Excel."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from zhirong.finance.disposal import CHANNEL_LABELS, Buyer, Disposal
from zhirong.kernel.text import Language
from zhirong.reports.blocks import Block, Cell, Column, Document, Facts, Paragraph, Section, Summary, Table
from zhirong.reports.canvas import PALETTE, WIDE, bare, both, draw
from zhirong.reports.formats import format_date
from zhirong.reports.render import ReportFiles, write_forms
from zhirong.reports.texts import say
from zhirong.reports.workbook import Sheet

__all__ = ["render_disposal"]


def _say(lang: Language, zh: str, en: str) -> str:
    return zh if lang == "zh" else en


def _wan(amount: float | None, lang: Language) -> str:
    if amount is None:
        return ""
    return f"{amount / 1e4:,.1f} 万元" if lang == "zh" else f"CNY {amount:,.0f}"


def _interval(x: np.ndarray, lang: Language) -> str:
    low, high = np.quantile(x, [0.1, 0.9])
    return f"{_wan(float(low), lang)} – {_wan(float(high), lang)}"


def _summary(d: Disposal, as_of: date, lang: Language) -> Summary:
    sold = d.months[~np.isnan(d.months)]
    low, mid, high = np.quantile(sold, [0.1, 0.5, 0.9]) if sold.size else (np.nan,) * 3
    span = f"{mid:.0f} ({low:.0f} – {high:.0f})" if sold.size else "—"
    facts = Facts(
        (
            (_say(lang, "标的", "Lots"), ", ".join(i for p in d.lots for i in p.lot_ids)),
            (_say(lang, "方式", "Way"), _way(d, lang)),
            (_say(lang, "回款时间（月，80% 区间）", "Months to money (80% interval)"), span),
            (_say(lang, "未售出的概率", "Chance that nothing sells"), f"{100 * (1 - sold.size / d.months.size):.1f}%"),
            (_say(lang, "基准日", "As of"), format_date(as_of, lang)),
        )
    )  # fmt: skip
    loss, beside = "—", _say(lang, "未提供债权", "no debt was given")
    if d.lgd is not None:
        a, b = np.quantile(d.lgd, [0.1, 0.9])
        ends = f"{100 * a:.1f}% – {100 * b:.1f}%"
        loss, beside = f"{100 * d.lgd.mean():.1f}%", _say(lang, f"80% 区间 {ends}", f"80% interval {ends}")
    return Summary(
        value_label=_say(lang, "折现净回收（80% 区间）", "Net proceeds, discounted (80% interval)"), value=_interval(d.proceeds_cny, lang),
        value_note=_say(lang, f"中位数 {_wan(float(np.median(d.proceeds_cny)), lang)}",
            f"median {_wan(float(np.median(d.proceeds_cny)), lang)}"),
        grade_label=_say(lang, "违约损失率", "Loss given default"), grade=loss, grade_note=beside, facts=facts, lists=(),
    )  # fmt: skip


def _way(d: Disposal, lang: Language) -> str:
    return _say(lang, "打包出售", "as a package") if d.is_package else _say(lang, "分别出售", "lot by lot")


def _course(d: Disposal, lang: Language) -> Section:
    title = _say(lang, "处置步骤（尚未售出时）", "Course of action while nothing has sold")
    columns = (
        Column(_say(lang, "月份", "Months")), Column(_say(lang, "渠道", "Channel"), share=1.6),
        Column(_say(lang, "保留价", "Reserve"), True), Column(_say(lang, "可接受的最低报价", "Least offer to take"), True, 1.3),
    )  # fmt: skip
    blocks: list[Block] = []
    for plan in d.chosen:
        rows = tuple(
            (Cell(f"{s.from_month} – {s.to_month}"), Cell(CHANNEL_LABELS[s.channel].in_(lang)), Cell(_wan(s.reserve_cny, lang)),
             Cell(_wan(s.least_offer_cny, lang)))
            for s in plan.steps
        )  # fmt: skip
        estimate, expected = _wan(plan.estimate_cny, lang), _wan(plan.expected_cny, lang)
        head = ", ".join(plan.lot_ids) + _say(
            lang,
            f"：市场价值中位数 {estimate}，预期净回收 {expected}",
            f": market value {estimate}, expected net {expected}",
        )
        blocks.append(Table(head, columns, rows))
    if d.package is not None:
        apart = sum(p.expected_cny for p in d.lots)
        told = _say(
            lang, f"打包预期 {_wan(d.package.expected_cny, lang)}，分别出售预期 {_wan(apart, lang)}，取其高者。",
            f"As a package {_wan(d.package.expected_cny, lang)} expected, lot by lot {_wan(apart, lang)}; the better is taken.",
        )  # fmt: skip
        blocks.append(Paragraph(told))
    blocks.append(_channels(d, lang))
    return Section("course", title, tuple(blocks))


def _channels(d: Disposal, lang: Language) -> Block:
    rows = sorted(d.channels.items(), key=lambda item: item[1])
    caption = _say(lang, "处置结果的概率", "How it ends, probability")
    alt = (
        caption
        + ": "
        + "; ".join(f"{CHANNEL_LABELS[name].in_(lang)} {100 * share:.0f}%" for name, share in reversed(rows))
    )

    def paint(width: float, name: str) -> str:
        def on(figure: Figure) -> None:
            axes = figure.add_axes((0.34 if width < WIDE else 0.2, 0.06, 0.58, 0.9))
            bare(axes, bottom=False)
            shares = [100 * share for _, share in rows]
            axes.barh(range(len(rows)), shares, color=PALETTE["main"], height=0.6)
            axes.set_yticks(range(len(rows)), [CHANNEL_LABELS[n].in_(lang) for n, _ in rows])
            axes.set_xticks([])
            for k, share in enumerate(shares):
                axes.text(share + 1, k, f"{share:.0f}%", va="center")
            axes.set_xlim(0, 112)

        return draw(name, on, width=width, height=40 + 26 * len(rows), alt=alt)

    return both("channels", paint, alt, caption)


def _recovery(d: Disposal, lang: Language) -> Section:
    title = _say(lang, "回收款如何分配", "Who gets what")
    columns = (
        Column(_say(lang, "顺位", "Rank")), Column(_say(lang, "债权", "Claim"), share=1.6), Column(_say(lang, "金额", "Owed"), True),
        Column(_say(lang, "预期受偿", "Expected payment"), True), Column(_say(lang, "80% 区间", "80% interval"), True, 1.6),
    )  # fmt: skip
    named: list[tuple[str, str, float | None, str]] = [
        ("1", _say(lang, "处置费用（先于担保债权）", "Costs that rank first"), None, "costs")
    ]
    named += [(str(c.rank), c.label.in_(lang), c.amount_cny, c.name) for c in d.claims]
    named.append(("", _say(lang, "出质人（剩余）", "Owner (what is left)"), None, "owner"))
    rows = tuple(
        (Cell(rank), Cell(label), Cell(_wan(owed, lang)),
            Cell(_wan(float(d.paid_cny[key].mean()), lang)), Cell(_interval(d.paid_cny[key], lang)))
        for rank, label, owed, key in named
    )  # fmt: skip
    return Section("recovery", title, (Table(title, columns, rows),))


def _buyers(buyers: Sequence[Buyer], lang: Language) -> list[Section]:
    if not buyers:
        return []
    title = _say(lang, "可能的受让方", "Likely buyers")
    columns = (Column(_say(lang, "名称", "Name"), share=1.4), Column(_say(lang, "理由", "Reasons"), share=3.0))
    join = "；" if lang == "zh" else "; "
    rows = tuple((Cell(b.name), Cell(join.join(r.in_(lang) for r in b.reasons))) for b in buyers)
    told = _say(lang, "按证据计数排序，并非成交概率。", "Ordered by counts of evidence; not a chance of a sale.")
    return [Section("buyers", title, (Table(title, columns, rows), Paragraph(told, "muted")))]


def _sources(d: Disposal, lang: Language) -> Section:
    title = _say(lang, "参数来源", "Sources of parameters")
    columns = (Column(_say(lang, "等级", "Grade"), share=0.7), Column(_say(lang, "来源", "Source"), share=3.0))
    rows = tuple((Cell(say(f"grade.{s.grade}", lang)), Cell(s.title_in(lang))) for s in d.spec.sources)
    return Section("sources", title, (Table(title, columns, rows),))


def render_disposal(
    d: Disposal, buyers: Sequence[Buyer], *, as_of: date, lang: Language, out: Path, is_synthetic: bool = False
) -> ReportFiles:
    """Write the memo of a disposal as ``disposal.{html,pdf,xlsx}`` into a folder, in one language."""
    subject = ", ".join(i for p in d.lots for i in p.lot_ids)
    document = Document(
        lang=lang, title=_say(lang, "质押专利处置方案", "Disposal of pledged patents"), subject=subject,
        banner=say("banner.synthetic", lang) if is_synthetic else "", summary=_summary(d, as_of, lang),
        sections=(_course(d, lang), _recovery(d, lang), *_buyers(buyers, lang), _sources(d, lang)),
        footer=_say(lang, f"基准日 {as_of}", f"As of {as_of}"), contents_label=say("report.contents", lang),
    )  # fmt: skip
    heads = tuple(
        _say(lang, zh, en)
        for zh, en in (
            ("标的", "Lot"), ("自第几月", "From month"), ("至第几月", "To month"), ("渠道", "Channel"), ("保留价", "Reserve"),
            ("最低报价", "Least offer"),
        )
    )  # fmt: skip
    rows = [
        (
            ", ".join(p.lot_ids),
            s.from_month,
            s.to_month,
            CHANNEL_LABELS[s.channel].in_(lang),
            s.reserve_cny,
            s.least_offer_cny,
        )
        for p in d.chosen
        for s in p.steps
    ]
    sheet = Sheet(
        _say(lang, "步骤", "Course"),
        heads,
        ("text", "number", "number", "text", "money", "money"),
        rows,
        (30, 12, 12, 20, 16, 16),
    )
    return write_forms(document, [sheet], out=out, forms=("html", "pdf", "xlsx"), name="disposal")
