"""The proposal of a bundle as HTML, PDF and Excel."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from zhirong.finance.bundle import LABELS, Bundle, Comparison, NoBundle, Proposal, Saving
from zhirong.kernel.text import Bilingual, Language
from zhirong.reports.blocks import Block, Bullets, Cell, Column, Document, Facts, Paragraph, Section, Summary, Table
from zhirong.reports.canvas import PALETTE, WIDE, bare, both, draw
from zhirong.reports.formats import format_date
from zhirong.reports.render import ReportFiles, write_forms
from zhirong.reports.sankey import Band, sankey
from zhirong.reports.texts import say
from zhirong.reports.workbook import Sheet

__all__ = ["bundle_document", "render_bundle"]

_NODES = {
    **LABELS,
    "firm": Bilingual("企业", "firm"),
    "purse": Bilingual("财政", "public purse"),
    "funders": Bilingual("资金方", "funders"),
    "losses": Bilingual("损失", "losses"),
    "costs": Bilingual("成本与回报", "costs and return"),
}
_COLUMNS = (
    ("purse",),
    ("firm",),
    ("insurer", "guarantor", "valuer", "pool"),
    ("bank",),
    ("funders", "losses", "costs"),
)


def _say(lang: Language, zh: str, en: str) -> str:
    return zh if lang == "zh" else en


def _rate(share: float | None, digits: int = 3) -> str:
    return "—" if share is None else f"{100 * share:.{digits}f}%"


def _bp(share: float) -> str:
    return f"{round(1e4 * share) + 0:,d} bp"


def _cny(amount: float, lang: Language) -> str:
    return f"{amount:,.0f} 元" if lang == "zh" else f"CNY {amount:,.0f}"


def _saved(saving: Saving | None) -> Cell:
    if saving is None:
        return Cell("—", "muted")
    return Cell(
        _bp(saving.value), "good" if saving.low > 0 else "normal", f"{1e4 * saving.low:,.0f} – {1e4 * saving.high:,.0f}"
    )


def _summary(p: Proposal, lang: Language) -> Summary:
    bundle = p.bundle
    facts = Facts(
        (
            (_say(lang, "企业", "Firm"), p.firm.name),
            (_say(lang, "质押权利", "Pledged rights"), ", ".join(p.right_ids)),
            (_say(lang, "贷款金额", "Loan"), _cny(p.amount_cny, lang)),
            (_say(lang, "期限", "Term"), _say(lang, f"{p.firm.months} 个月", f"{p.firm.months} months")),
            (_say(lang, "违约概率（保护前，一年）", "Default probability of a year, before"),
             f"{_rate(p.risk.pd, 2)} ({_rate(p.pd_range[0], 2)} – {_rate(p.pd_range[1], 2)})"),
            (_say(lang, "违约损失率（90% 区间）", "Loss given default (90% interval)"),
             f"{_rate(p.lgd.mean, 1)} ({_rate(p.lgd.low, 1)} – {_rate(p.lgd.high, 1)})"),
            (_say(lang, "违约概率（与成本相符）", "Default probability, agreeing with the cost"),
             _rate(p.settled.pd, 2) if bundle else "—"),
            (_say(lang, "财政成本（预期）", "Expected public cost"), _rate(bundle.public_cost) if bundle else "—"),
            (_say(lang, "全部签约现金流的内部收益率", "Internal rate of all signed flows"),
             _rate(p.dated.borrower_rate) if p.dated else "—"),
        )
    )  # fmt: skip
    lists = []
    if isinstance(p.settled.bundle, NoBundle):
        lists.append(Bullets(_say(lang, "为何无方案", "Why there is none"), _why(p.settled.bundle, lang), "warning"))
    elif not p.settled.is_unique:
        told = _say(
            lang, "成本与违约概率存在不止一个相符点：经营恶化的企业可能停留在高成本、高违约的一点。",
            "More than one default probability agrees with its own cost: a firm in trouble could stay at a dear and risky one.",
        )  # fmt: skip
        lists.append(Bullets(_say(lang, "须注意", "Note"), (told,), "warning"))
    assumed = sum(str(s.grade) in {"assumed", "recalled"} for s in p.linked.sources)
    return Summary(
        value_label=_say(lang, "产品联动后的综合融资成本（年）", "Total cost of finance, linked (a year)"),
        value=_rate(bundle.cost) if bundle else _say(lang, "无可行方案", "no design"),
        value_note=_say(lang, "线性成本：利率＋保费与担保费＋固定费用＋股权−补贴",
            "Linear: rate + premiums and fees + fixed + equity - subsidies"),
        grade_label=_say(lang, "相对各地模式的节省（同等财政成本）", "Saved against each programme at equal public cost"),
        grade=_best(p, lang),
        grade_note=_say(lang, f"{assumed} 组参数为假设或未核对，见文末",
            f"{assumed} groups of terms are assumed or unchecked, see the end"),
        facts=facts, lists=tuple(lists),
    )  # fmt: skip


def _best(p: Proposal, lang: Language) -> str:
    saved = [c.saving_on_programme.value for c in p.comparisons if c.saving_on_programme is not None]
    if not saved:
        return _say(lang, "无", "none")
    return f"{1e4 * min(saved):,.0f} – {1e4 * max(saved):,.0f} bp"


def _why(found: NoBundle, lang: Language) -> tuple[str, ...]:
    return tuple(
        _say(lang, f"无法同时满足：{c.label.zh}（至少差 {1e4 * c.shadow:,.0f} bp）",
            f"Cannot be kept: {c.label.en} (short by {1e4 * c.shadow:,.0f} bp at least)")
        for c in found.breaches
    )  # fmt: skip


def _terms(p: Proposal, lang: Language) -> Section:
    title = _say(lang, "联动方案", "The linked design")
    bundle = p.bundle
    if bundle is None:
        assert isinstance(p.settled.bundle, NoBundle)
        return Section("design", title, (Bullets(title, _why(p.settled.bundle, lang), "warning"),))
    loss = bundle.risk.expected_loss
    rows = [
        (LABELS[name].in_(lang), _rate(share, 1), _rate(share * loss), _rate(bundle.rate if name == "bank" else bundle.prices.get(name)))
        for name, share in bundle.shares.items()
    ]  # fmt: skip
    columns = (
        Column(_say(lang, "参与方", "Party"), share=1.2), Column(_say(lang, "损失分担", "Share of a loss"), True),
        Column(_say(lang, "预期损失（年）", "Expected loss a year"), True),
        Column(_say(lang, "利率或费率（占贷款，年）", "Rate or price, of the loan a year"), True, 1.4),
    )  # fmt: skip
    table = Table(
        _say(lang, "谁承担什么、收什么", "Who bears what, for what"),
        columns,
        tuple(tuple(Cell(x) for x in row) for row in rows),
    )
    told = _say(
        lang,
        f"贴息 {_rate(bundle.interest_subsidy)}，保费补贴 {_rate(bundle.premium_subsidy)}，评估及固定费用 {_rate(bundle.fixed)}，"
        f"股权激励 {_rate(bundle.kicker)}；{'以证券化出表' if bundle.is_taken_out else '不证券化'}。"
        f"对偶间隙 {bundle.gap:.0e}（最优性证明）。",
        f"Interest subsidy {_rate(bundle.interest_subsidy)}, refund of premiums {_rate(bundle.premium_subsidy)}, appraisal and fixed fees "
        f"{_rate(bundle.fixed)}, equity {_rate(bundle.kicker)}; {'sold into a security' if bundle.is_taken_out else 'kept on the books'}. "
        f"Gap of duality {bundle.gap:.0e}: the proof that nothing is cheaper.",
    )
    return Section("design", title, (table, Paragraph(told), *_flows(p, lang)))


def _flows(p: Proposal, lang: Language) -> tuple[Block, ...]:
    bands = [Band(t.payer, t.payee, t.amount_cny, "accent_soft" if t.payer == "purse" else "soft") for t in p.flows]
    for node in ("insurer", "guarantor", "valuer", "bank"):
        given, got = _through(bands, node)
        rest = got - given
        if rest > 0.5:
            bands.append(Band(node, "costs", rest))
    merged: dict[tuple[str, str, str], float] = {}
    for b in bands:
        merged[(b.source, b.target, b.tone)] = merged.get((b.source, b.target, b.tone), 0.0) + b.amount
    shown = [Band(a, b, x, tone) for (a, b, tone), x in merged.items()]
    labels = {node: f"{text.in_(lang)} {max(_through(shown, node)) / 1e4:,.1f}" for node, text in _NODES.items()}
    alt = _say(lang, "一年预期资金流（万元）：", "Expected flows of a year, CNY 10,000: ") + "; ".join(
        f"{_NODES[b.source].in_(lang)} → {_NODES[b.target].in_(lang)} {b.amount / 1e4:,.1f}" for b in shown
    )
    caption = _say(
        lang,
        "一年预期资金与风险的流向（万元）；橙色为财政资金",
        "Who pays whom in a year, expected, CNY 10,000; orange is public money",
    )
    chart = both(
        "flows",
        lambda width, name: sankey(name, shown, columns=_COLUMNS, labels=labels, width=width, alt=alt),
        alt,
        caption,
    )
    return (chart,)


def _through(bands: Sequence[Band], node: str) -> tuple[float, float]:
    """Return what leaves a node and what reaches it."""
    return sum(b.amount for b in bands if b.source == node), sum(b.amount for b in bands if b.target == node)


def _programmes(p: Proposal, lang: Language) -> Section:
    columns = (
        Column(_say(lang, "模式", "Programme"), share=1.1), Column(_say(lang, "企业成本", "Cost to firm"), True),
        Column(_say(lang, "财政成本", "Public cost"), True), Column(_say(lang, "系统成本", "System cost"), True),
        Column(_say(lang, "联动（同等财政）", "Linked, equal public cost"), True, 1.2),
        Column(_say(lang, "节省", "Saved"), True, 1.1), Column(_say(lang, "单独购买", "Bought apart"), True),
        Column(_say(lang, "相对单独购买节省", "Saved on apart"), True, 1.2),
    )  # fmt: skip
    rows = tuple(_programme_row(c, lang) for c in p.comparisons)
    notes = [
        Paragraph(f"{c.programme.spec.label.in_(lang)}: {'; '.join(_why(c.programme, lang))}", "warning")
        for c in p.comparisons
        if isinstance(c.programme, NoBundle)
    ]
    told = _say(
        lang,
            "“单独购买”：银行不考虑任何保护、按裸贷定价，其余各方照常收费，财政投入相同。小字为违约概率与处置折扣不确定下的 5%–95% 区间。",
        "Bought apart: the bank prices the loan as if nothing protected it, the others charge their prices, the purse spends the same. "
        "Small print: 5-95% over what is not known of default and of the haircut of a sale.",
    )  # fmt: skip
    title = _say(lang, "同等财政成本下的比较", "Compared at equal public cost")
    return Section("programmes", title, (Table(title, columns, rows), Paragraph(told), *notes, _frontier(p, lang)))


def _programme_row(c: Comparison, lang: Language) -> tuple[Cell, ...]:
    label = Cell(c.programme.spec.label.in_(lang))
    if isinstance(c.programme, NoBundle):
        return (label, Cell(_say(lang, "不可行", "infeasible"), "warning"), *(Cell("—", "muted") for _ in range(6)))
    own = c.programme
    linked = c.linked.cost if isinstance(c.linked, Bundle) else None
    return (
        label, Cell(_rate(own.cost)), Cell(_rate(own.public_cost)), Cell(_rate(own.system_cost)), Cell(_rate(linked)),
        _saved(c.saving_on_programme), Cell(_rate(c.separate)), _saved(c.saving_on_separate),
    )  # fmt: skip


def _frontier(p: Proposal, lang: Language) -> Block:
    line = [(100 * x.public_budget, 100 * x.cost) for x in p.frontier if x.cost is not None]
    dots = [(c.programme.spec.label.in_(lang), 100 * c.programme.public_cost, 100 * c.programme.cost) for c in p.comparisons
            if isinstance(c.programme, Bundle)]  # fmt: skip
    caption = _say(
        lang,
        "企业成本与财政成本：曲线为联动方案可达的最低成本",
        "Cost to the firm against public cost: the line is the least the linked design reaches",
    )
    alt = caption + ": " + "; ".join(f"{name} {x:.2f}%, {y:.2f}%" for name, x, y in dots)

    def paint(width: float, name: str) -> str:
        def on(figure: Figure) -> None:
            axes = figure.add_axes((0.12 if width < WIDE else 0.08, 0.16, 0.85, 0.78))
            bare(axes)
            if line:
                axes.plot(*zip(*line, strict=True), color=PALETTE["main"], linewidth=2)
            for k, (label, x, y) in enumerate(dots):
                axes.plot([x], [y], "o", color=PALETTE["accent"], markersize=6)
                axes.annotate(label, (x, y), xytext=(6, 4 if k % 2 else -10), textcoords="offset points", fontsize=9)
            axes.set_xlabel(_say(lang, "预期财政成本，占贷款 %/年", "Expected public cost, % of the loan a year"))
            axes.set_ylabel(_say(lang, "企业成本，%/年", "Cost to firm, % a year"))
            axes.grid(axis="y", color=PALETTE["line"], linewidth=0.6)

        return draw(name, on, width=width, height=240, alt=alt)

    return both("frontier", paint, alt, caption)


def _gains(p: Proposal, lang: Language) -> list[Section]:
    gains = p.gains
    if gains is None:
        return []
    title = _say(lang, "联动收益如何分享", "How the gain may be shared")
    columns = (
        Column(_say(lang, "参与方", "Party"), share=1.4), Column(_say(lang, "夏普利值", "Shapley value"), True),
        Column(_say(lang, "核仁", "Nucleolus"), True),
    )  # fmt: skip
    rows = tuple(
        (Cell(LABELS[name].in_(lang)), Cell(_bp(gains.shapley[name])), Cell(_bp(gains.nucleolus[name])))
        for name in gains.shapley
    )
    inside = gains.worst_excess <= 1e-9
    told = _say(
        lang,
        f"系统成本（企业与财政合计）因联动下降 {_bp(gains.total)}。"
        f"夏普利分配{'在核内：没有哪几方单干会更好' if inside else '不在核内：有几方单干会更好'}。"
        + ("裸贷所需利率超出银行上限，收益按其所需利率计算。" if gains.bare_rate_is_beyond_cap else ""),
        f"Linking lowers the cost of the system, firm and purse together, by {_bp(gains.total)}. The Shapley shares "
        f"{'lie in the core: no group does better alone' if inside else 'do not lie in the core: a group would do better alone'}."
        + (
            " The bare loan needs a rate above the bank's cap; the gain is counted from the rate it needs."
            if gains.bare_rate_is_beyond_cap
            else ""
        ),
    )  # fmt: skip
    return [Section("gains", title, (Paragraph(told), Table(title, columns, rows)))]


def _binding(p: Proposal, lang: Language) -> list[Section]:
    if p.bundle is None:
        return []
    title = _say(lang, "何者约束成本", "What holds the cost up")
    columns = (
        Column(_say(lang, "约束", "Condition"), share=3.0),
        Column(_say(lang, "放宽一个百分点时成本变化", "Change of cost for one point more"), True, 1.4),
    )
    rows = tuple((Cell(c.label.in_(lang)), Cell(f"{1e4 * 0.01 * c.shadow:+,.1f} bp")) for c in p.bundle.binding)
    return [Section("binding", title, (Table(title, columns, rows),))]


def _limits(p: Proposal, lang: Language) -> Section:
    title = _say(lang, "金额由何决定", "What decides the amount")
    columns = (
        Column(_say(lang, "限制", "Limit"), share=3.0),
        Column(_say(lang, "最大贷款额", "Largest loan"), True, 1.4),
    )
    rows = tuple(
        (Cell(x.label.in_(lang)), Cell(_cny(x.amount_cny, lang)) if x.amount_cny is not None else Cell(_say(lang, "未知",
            "unknown"), "muted"))
        for x in p.sheet.limits
    )  # fmt: skip
    told = _say(
        lang,
        "在险条件（可变现价值低于债务的概率）针对无保护的贷款；联动方案由保险、担保与风险池分担损失，故此处不作为上限，但损失已计入违约损失率。",
        "The condition on realisable value is that of an unprotected loan. Here insurer, guarantor and pool bear part of a loss, so it "
        "is shown and does not cap the amount; the loss itself is in the loss given default.",
    )  # fmt: skip
    return Section("limits", title, (Table(title, columns, rows), Paragraph(told, "muted")))


def _sources(p: Proposal, lang: Language) -> Section:
    title = _say(lang, "条款来源", "Sources of terms")
    found = dict.fromkeys(
        [
            *p.linked.sources,
            *(s for c in p.comparisons for s in c.programme.spec.sources),
            *(s for _, s in p.sheet.sources),
        ]
    )
    columns = (Column(_say(lang, "等级", "Grade"), share=0.7), Column(_say(lang, "来源", "Source"), share=3.0))
    rows = tuple((Cell(say(f"grade.{s.grade}", lang)), Cell(s.title_in(lang))) for s in found)
    return Section("sources", title, (Table(title, columns, rows),))


def bundle_document(p: Proposal, *, lang: Language, is_synthetic: bool = False) -> Document:
    """Return a proposal as plain blocks in one language."""
    return Document(
        lang=lang,
        title=_say(lang, "知识产权融资产品联动方案", "Bundle of IP finance"),
        subject=p.firm.name,
        banner=say("banner.synthetic", lang) if is_synthetic or p.firm.is_synthetic else "",
        summary=_summary(p, lang),
        sections=(
            _terms(p, lang), _programmes(p, lang), *_gains(p, lang), *_binding(p, lang), _limits(p, lang), _sources(p, lang),
        ),
        footer=_say(lang, f"基准日 {format_date(p.as_of, lang)}", f"As of {format_date(p.as_of, lang)}"),
        contents_label=say("report.contents", lang),
    )  # fmt: skip


def render_bundle(
    p: Proposal, *, lang: Language, out: Path, is_synthetic: bool = False, name: str = "bundle"
) -> ReportFiles:
    """Write a proposal as ``bundle.{html,pdf,xlsx}`` into a folder.

    Parameters
    ----------
    p : Proposal
        What to show.
    lang : str
        zh or en.
    out : Path
        Folder; made where it does not exist.
    is_synthetic : bool
        The evidence came from the sample generator.
    name : str
        File name without extension.
    """
    document = bundle_document(p, lang=lang, is_synthetic=is_synthetic)
    return write_forms(document, _sheets(p, lang), out=out, forms=("html", "pdf", "xlsx"), name=name)


def _sheets(p: Proposal, lang: Language) -> list[Sheet]:
    heads = tuple(
        _say(lang, zh, en)
        for zh, en in (
            ("模式", "Programme"), ("企业成本", "Cost to firm"), ("财政成本", "Public cost"), ("联动成本", "Linked"),
            ("节省", "Saved"), ("节省 5%", "Saved, 5%"), ("节省 95%", "Saved, 95%"), ("单独购买", "Bought apart"),
        )
    )  # fmt: skip
    rows = []
    for c in p.comparisons:
        own, saved = c.programme, c.saving_on_programme
        rows.append(
            (
                own.spec.label.in_(lang), own.cost if isinstance(own, Bundle) else None,
                own.public_cost if isinstance(own, Bundle) else None, c.linked.cost if isinstance(c.linked, Bundle) else None,
                saved.value if saved else None, saved.low if saved else None, saved.high if saved else None, c.separate,
            )
        )  # fmt: skip
    first = Sheet(_say(lang, "比较", "Comparison"), heads, ("text", *("number",) * 7), rows, (16, *(14,) * 7))
    flows = Sheet(
        _say(lang, "资金流", "Flows"),
        tuple(
            _say(lang, zh, en)
            for zh, en in (("付款方", "Payer"), ("收款方", "Payee"), ("事项", "What"), ("元/年", "CNY a year"))
        ),
        ("text", "text", "text", "money"),
        [(_NODES[t.payer].in_(lang), _NODES[t.payee].in_(lang), t.label.in_(lang), t.amount_cny) for t in p.flows],
        (16, 16, 24, 16),
    )
    dated = Sheet(
        _say(lang, "签约现金流", "Signed flows"),
        tuple(_say(lang, zh, en) for zh, en in (("日期", "Date"), ("事项", "What"), ("元", "CNY"), ("财政", "Public"))),
        ("date", "text", "money", "text"),
        [(f.day, f.label.in_(lang), f.amount.to_float(), _say(lang, "是",
            "yes") if f.is_public else "") for f in (p.dated.flows if p.dated else ())],
        (14, 24, 16, 10),
    )  # fmt: skip
    return [first, flows, dated]
