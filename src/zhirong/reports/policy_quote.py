"""The quote of a cover as HTML, PDF and Excel."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from zhirong.finance.insurance import COVERS, CoverSpec, PolicyQuote
from zhirong.finance.insurance.portfolio import LEVELS
from zhirong.kernel.text import Bilingual, Language
from zhirong.numerics.aggregate import AggregateLoss
from zhirong.numerics.chain_ladder import ChainLadder
from zhirong.params import Parameter
from zhirong.reports.blocks import Block, Bullets, Cell, Column, Document, Facts, Paragraph, Section, Summary, Table
from zhirong.reports.canvas import PALETTE, WIDE, bare, both, draw
from zhirong.reports.charts import TornadoBar, tornado
from zhirong.reports.formats import format_date, format_number, money_scale
from zhirong.reports.render import ReportFiles, write_forms
from zhirong.reports.texts import say
from zhirong.reports.workbook import Sheet

__all__ = ["quote_document", "render_quote"]

_TREATIES = {
    "quota_share": Bilingual("成数分保", "quota share"),
    "event": Bilingual("事件超赔", "excess of loss per event"),
    "stop_loss": Bilingual("赔付超赔（停止损失）", "stop loss"),
}
_PRINCIPLES = {
    "tail": Bilingual("组合内尾部资本（本报价采用）", "tail capital within the portfolio (used)"),
    "mean": Bilingual("期望值原理", "expected-value principle"),
    "deviation": Bilingual("标准差原理", "standard-deviation principle"),
    "alone": Bilingual("单独承保的尾部资本（无分散）", "tail capital of the policy alone"),
}


def _say(lang: Language, zh: str, en: str) -> str:
    return zh if lang == "zh" else en


def _cny(amount: float, lang: Language) -> str:
    return f"{amount:,.0f} 元" if lang == "zh" else f"CNY {amount:,.0f}"


def _range(low: float, high: float, lang: Language) -> str:
    return f"{low:,.0f} – {high:,.0f} 元" if lang == "zh" else f"CNY {low:,.0f} – {high:,.0f}"


def _terms(spec: CoverSpec, lang: Language) -> tuple[tuple[str, str], ...]:
    beside = spec.expense_limit_cny
    return (
        (_say(lang, "每次事故限额", "Limit per event"), _cny(spec.limit_cny, lang)),
        (_say(lang, "累计限额", "Aggregate limit"), _cny(spec.aggregate_limit_cny, lang)),
        (_say(lang, "每次事故免赔额", "Deductible per event"), _cny(spec.deductible_cny, lang)),
        (_say(lang, "法律费用", "Legal expense"),
         _say(lang, "含在限额内", "within the limit") if beside is None else
         _say(lang, f"限额外另赔，至 {_cny(beside, lang)}", f"beside the limit, up to {_cny(beside, lang)}")),
        (_say(lang, "被保险人共担比例", "Coinsurance of the insured"), f"{spec.coinsurance:.0%}"),
        (_say(lang, "期限与等待期", "Term and waiting period"),
         _say(lang, f"{spec.term_months} 个月，等待期 {spec.waiting_months} 个月",
              f"{spec.term_months} months, waiting {spec.waiting_months}")),
        (_say(lang, "投保前侵权", "Infringement before inception"),
         _say(lang, "除外", "excluded") if spec.excludes_prior else _say(lang, "不除外", "not excluded")),
    )  # fmt: skip


def _summary(q: PolicyQuote, lang: Language, known: Sequence[Bilingual]) -> Summary:
    mean, low, high = q.events
    digits = max(2, 1 - int(np.floor(np.log10(max(low, 1e-6)))))
    facts = (
        (_say(lang, "险种", "Cover"), COVERS[q.spec.cover].in_(lang)),
        (_say(lang, "承保专利", "Patents"), ", ".join(p.patent_id for p in q.patents)),
        *_terms(q.spec, lang),
        (
            _say(lang, "保险期内事件数", "Events in the term"),
            f"{mean:.{digits}f} ({low:.{digits}f} – {high:.{digits}f})",
        ),
        (_say(lang, "每次事件平均赔款", "Mean payment for an event"), _cny(q.event_mean_cny, lang)),
    )
    lists = []
    if known:
        title = _say(lang, "已知事项（不在保障范围）", "Known matters, not covered")
        lists.append(Bullets(title, tuple(t.in_(lang) for t in known), "warning"))
    assumed = sum(str(p.source.grade) in {"assumed", "recalled"} for p in q.parameters)
    return Summary(
        value_label=_say(lang, "保费（保险期，5%–95% 区间）", "Premium of the term (5–95%)"),
        value=_range(q.low_cny, q.high_cny, lang),
        value_note=_say(lang, f"中心值 {_cny(q.premium.gross_cny, lang)}", f"central {_cny(q.premium.gross_cny, lang)}"),
        grade_label=_say(lang, "费率（保费 / 累计限额）", "Rate on line (premium over aggregate limit)"),
        grade=f"{q.premium.gross_cny / q.spec.aggregate_limit_cny:.2%}",
        grade_note=_say(lang, f"{assumed} 项参数为假设或未核对，见文末", f"{assumed} inputs are assumed or unchecked, see the end"),
        facts=Facts(facts), lists=tuple(lists),
    )  # fmt: skip


def _premium(q: PolicyQuote, lang: Language) -> Section:
    p, title = q.premium, _say(lang, "保费构成", "What the premium is made of")
    money = (
        Column(_say(lang, "项目", "Item"), share=2.4),
        Column(_say(lang, "元", "CNY"), True),
        Column(_say(lang, "占保费", "Share"), True),
    )
    items = (
        (_say(lang, "期望赔款", "Expected payments"), p.expected_loss_cny),
        (_say(lang, f"资本成本（{p.cost_of_capital:.0%}，占用资本 {_cny(p.capital_cny, lang)}）",
              f"Cost of capital ({p.cost_of_capital:.0%} of {_cny(p.capital_cny, lang)})"), p.capital_cost_cny),
        (_say(lang, "费用", "Expenses"), p.expense_cny),
        (_say(lang, "合计", "Gross premium"), p.gross_cny),
    )  # fmt: skip
    built = Table(title, money, tuple((Cell(a), Cell(f"{v:,.0f}"), Cell(f"{v / p.gross_cny:.1%}")) for a, v in items))
    rules = tuple((Cell(_PRINCIPLES[n].in_(lang)), Cell(f"{q.principles[n]:,.0f}")) for n in _PRINCIPLES)
    compared = Table(_say(lang, "按不同保费原理", "By other premium principles"), money[:2], rules)
    blocks: list[Block] = [built, compared]
    if q.layers:
        blocks.append(_layers(q, lang))
    if q.market:
        rows = tuple(
            (Cell(m.label.in_(lang), note=m.parameter.source.title_in(lang)), Cell(_range(m.low_cny, m.high_cny, lang)))
            for m in q.market
        )
        heads = (
            Column(_say(lang, "公布价格", "Published price"), share=2.0),
            Column(_say(lang, "折算", "For this cover"), True),
        )
        blocks.append(Table(_say(lang, "与公布价格对照", "Against published prices"), heads, rows))
        told = _say(
            lang,
            "公布价格的保障范围与本报价不尽相同，仅供对照。",
            "Published covers differ in scope: a comparison, not a check.",
        )
        blocks.append(Paragraph(told, "muted"))
    return Section("premium", title, tuple(blocks))


def _layers(q: PolicyQuote, lang: Language) -> Table:
    columns = (
        Column(_say(lang, "层", "Layer")), Column(_say(lang, "起赔点", "Attachment"), True), Column(_say(lang, "层高", "Width"), True),
        Column(_say(lang, "份额", "Share"), True), Column(_say(lang, "期望赔款", "Expected"), True),
        Column(_say(lang, "保费", "Premium"), True), Column(_say(lang, "费率", "Rate on line"), True),
    )  # fmt: skip
    rows = tuple(
        (
            Cell(x.name), Cell(f"{x.attachment_cny:,.0f}"), Cell(f"{x.width_cny:,.0f}"), Cell(f"{x.share:.0%}"),
            Cell(f"{x.expected_cny:,.0f}"), Cell(f"{x.premium_cny:,.0f}"), Cell(f"{x.premium_cny / x.width_cny:.2%}"),
        )
        for x in q.layers
    )  # fmt: skip
    return Table(_say(lang, "分层", "Layers, before the limit of the term"), columns, rows)


def _losses(q: PolicyQuote, lang: Language) -> Section:
    title = _say(lang, "赔款分布", "The law of payments")
    policy = _survival(
        "policy",
        ((_say(lang, "保单", "policy"), q.total),),
        lang,
        _say(lang, "保险期内保单赔款超过某额的概率", "Chance that the policy pays more than an amount in the term"),
    )
    scale = money_scale([q.low_cny, q.high_cny], "CNY", lang)
    bars = [
        TornadoBar(d.label.in_(lang), d.premium_low_cny, d.premium_high_cny, format_number(d.low), format_number(d.high))
        for d in q.drivers[:8]
    ]  # fmt: skip
    caption = _say(lang, "各输入取区间两端时的保费", "Premium when an input is at the ends of its range")
    alt = caption + ": " + "; ".join(f"{b.label} {b.value_low:,.0f} – {b.value_high:,.0f}" for b in bars)
    axis = _say(lang, f"保费（{scale.label}）", f"Premium ({scale.label})")
    chart = both(
        "drivers",
        lambda width, name: tornado(
            name, bars, middle=q.premium.gross_cny, scale=scale, axis_label=axis, width=width, alt=alt
        ),
        alt,
        caption,
    )
    return Section("losses", title, (policy, chart, *_rates(q, lang)))


def _rates(q: PolicyQuote, lang: Language) -> tuple[Block, ...]:
    rows = tuple(
        (
            Cell(p.patent_id),
            Cell(f"{p.rate.rate.mean:.5f}", note=f"{p.rate.rate.quantile(0.05):.5f} – {p.rate.rate.quantile(0.95):.5f}"),
            Cell(f"{p.rate.claims:.0f} / {p.rate.patent_years:,.0f}"), Cell(f"{p.rate.credibility:.0%}"),
            Cell(p.rate.source.title_in(lang)),
        )
        for p in q.patents if p.rate is not None
    )  # fmt: skip
    if not rows:
        return ()
    columns = (
        Column(_say(lang, "专利", "Patent")), Column(_say(lang, "每年事件数", "Events a year"), True),
        Column(_say(lang, "本领域案件/件·年", "Cases / patent-years of field"), True), Column(_say(lang, "信度", "Credibility"), True),
        Column(_say(lang, "依据", "From"), share=2.4),
    )  # fmt: skip
    return (Table(_say(lang, "事件频率的依据", "Where the frequency comes from"), columns, rows),)


def _survival(anchor: str, laws: Sequence[tuple[str, AggregateLoss]], lang: Language, caption: str) -> Block:
    """Draw the chance of exceeding an amount, on a logarithmic scale."""
    lines = []
    for label, law in laws:
        above = 1 - np.cumsum(law.pmf)
        keep = above > 1e-5
        lines.append((label, np.arange(len(above))[keep] * law.step / 1e4, above[keep]))
    alt = caption + ": " + "; ".join(f"{label} 99% {law.quantile(0.99):,.0f}" for label, law in laws)

    def paint(width: float, name: str) -> str:
        def on(figure: Figure) -> None:
            axes = figure.add_axes((0.18 if width < WIDE else 0.1, 0.2, 0.8, 0.72))
            bare(axes)
            for (label, x, y), colour in zip(lines, ("main", "accent", "muted"), strict=False):
                axes.step(x, y, where="post", color=PALETTE[colour], linewidth=2, label=label)
            axes.set_yscale("log")
            axes.set_xlabel(_say(lang, "赔款（万元）", "Payments, CNY 10,000"), size=9)
            axes.yaxis.set_major_formatter(lambda v, _: f"{100 * v:g}%")
            axes.yaxis.set_minor_formatter(NullFormatter())
            axes.tick_params(which="minor", length=0)
            axes.grid(axis="y", color=PALETTE["line"], linewidth=0.6)
            if len(lines) > 1:
                axes.legend(frameon=False, fontsize=9, loc="upper right")

        return draw(name, on, width=width, height=230, alt=alt)

    return both(anchor, paint, alt, caption)


def _portfolio(q: PolicyQuote, lang: Language) -> Section:
    pooled, net = q.accumulation, q.reinsured.net
    title = _say(lang, "组合累积与再保险", "Accumulation and reinsurance")
    laws = (
        (_say(lang, "各保单独立", "independent"), pooled.free),
        (_say(lang, "含共同判例", "with common rulings"), pooled.shocked),
        (_say(lang, "再保险后", "after reinsurance"), net),
    )
    shown = laws if q.reinsured.treaties else laws[:2]
    told = _say(
        lang,
        f"假设 {pooled.policies} 份同类保单：同一领域或同一法院的一项判例可同时触发多份赔案，尾部（TVaR {pooled.level:.1%}）为独立时的 "
        f"{pooled.tail_ratio:.2f} 倍。保单累计限额在组合层面未计，尾部偏保守。",
        f"A portfolio of {pooled.policies} like policies: one ruling of a field or a court makes claims on many at once, and the tail "
        f"(TVaR at {pooled.level:.1%}) is {pooled.tail_ratio:.2f} times that of independent policies. Yearly limits of single policies "
        "are left out here, which overstates the tail.",
    )
    caption = _say(lang, "组合年度赔款超过某额的概率", "Chance that the portfolio pays more than an amount in a year")
    heads = (
        Column(_say(lang, "组合", "Portfolio"), share=1.6),
        *(Column(f"{100 * v:g}%", True) for v in LEVELS),
        Column("TVaR", True),
    )
    rows = tuple(
        (Cell(label), *(Cell(f"{law.quantile(v):,.0f}") for v in LEVELS), Cell(f"{law.tvar(pooled.level):,.0f}"))
        for label, law in shown
    )
    table = Table(_say(lang, "组合年度赔款分位数（元）", "Quantiles of the year, CNY"), heads, rows)
    return Section(
        "portfolio",
        title,
        (Paragraph(told), _survival("accumulation", shown, lang, caption), table, *_treaties(q, lang)),
    )


def _treaties(q: PolicyQuote, lang: Language) -> tuple[Block, ...]:
    found = q.reinsured
    if not found.treaties:
        return (Paragraph(_say(lang, "未安排再保险。", "No reinsurance."), "muted"),)
    columns = (
        Column(_say(lang, "合约", "Treaty"), share=1.6), Column(_say(lang, "期望分出赔款", "Expected recovery"), True),
        Column(_say(lang, "分保价格", "Price"), True), Column("TVaR", True),
    )  # fmt: skip
    rows = tuple(
        (Cell(_TREATIES[t.name].in_(lang)), Cell(f"{t.expected_cny:,.0f}"), Cell(f"{t.price_cny:,.0f}"), Cell(f"{t.tail_cny:,.0f}"))
        for t in found.treaties
    )  # fmt: skip
    told = _say(
        lang,
        f"再保险释放资本 {_cny(found.capital_saved_cny, lang)}，年资本成本节省减去附加后净收益 {_cny(found.net_benefit_cny, lang)}。",
        f"Reinsurance frees {_cny(found.capital_saved_cny, lang)} of capital; its yearly cost less the loading paid: "
        f"{_cny(found.net_benefit_cny, lang)}.",
    )
    return (Table(_say(lang, "再保险（元/年）", "Reinsurance, CNY a year"), columns, rows), Paragraph(told))


def _reserve(found: ChainLadder | None, lang: Language) -> list[Section]:
    if found is None:
        return []
    title = _say(lang, "未决赔款准备金（链梯法，Mack 标准误）", "Reserve: chain ladder, Mack's standard error")
    columns = (
        Column(_say(lang, "事故年", "Origin")), Column(_say(lang, "准备金", "Reserve"), True), Column(_say(lang, "标准误", "s.e."), True),
    )  # fmt: skip
    rows = [(str(i + 1), r, e) for i, (r, e) in enumerate(zip(found.reserves, found.errors, strict=True))]
    rows.append((_say(lang, "合计", "All"), found.total, found.total_error))
    cells = tuple((Cell(a), Cell(f"{b:,.0f}"), Cell(f"{c:,.0f}")) for a, b, c in rows)
    return [Section("reserve", title, (Table(title, columns, cells),))]


def _number(value: object) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{k} {_number(v)}" for k, v in value.items())
    return format_number(float(value)) if isinstance(value, int | float) else str(value)


def _bounds(p: Parameter) -> str:
    return "—" if p.low is None or p.high is None else f"{_number(p.low)} – {_number(p.high)}"


def _inputs(q: PolicyQuote, lang: Language) -> Section:
    title = _say(lang, "输入、区间与来源", "Inputs, ranges and sources")
    columns = (
        Column(_say(lang, "输入", "Input"), share=2.2), Column(_say(lang, "取值", "Value"), share=1.5), Column(_say(lang, "区间", "Range")),
        Column(_say(lang, "等级", "Grade"), share=0.8), Column(_say(lang, "来源", "Source"), share=2.6),
    )  # fmt: skip
    rows = tuple(
        (
            Cell(p.label.in_(lang)), Cell(_number(p.value)), Cell(_bounds(p)),
            Cell(say(f"grade.{p.source.grade}", lang)), Cell(p.source.title_in(lang)),
        )
        for p in q.parameters
    )  # fmt: skip
    return Section("inputs", title, (Table(title, columns, rows),))


def quote_document(
    q: PolicyQuote,
    *,
    lang: Language,
    is_synthetic: bool = False,
    known: Sequence[Bilingual] = (),
    reserve: ChainLadder | None = None,
) -> Document:
    """Return a quote as plain blocks in one language."""
    return Document(
        lang=lang,
        title=_say(lang, "知识产权保险报价单", "Quote for insurance of patents"),
        subject=COVERS[q.spec.cover].in_(lang),
        banner=say("banner.synthetic", lang) if is_synthetic else "",
        summary=_summary(q, lang, known),
        sections=(_premium(q, lang), _losses(q, lang), _portfolio(q, lang), *_reserve(reserve, lang), _inputs(q, lang)),
        footer=_say(lang, f"基准日 {format_date(q.as_of, lang)}", f"As of {format_date(q.as_of, lang)}"),
        contents_label=say("report.contents", lang),
    )


def render_quote(
    q: PolicyQuote, *, lang: Language, out: Path, is_synthetic: bool = False, known: Sequence[Bilingual] = (),
    reserve: ChainLadder | None = None, name: str = "quote",
) -> ReportFiles:  # fmt: skip
    """Write a quote as ``quote.{html,pdf,xlsx}`` into a folder.

    Parameters
    ----------
    q : PolicyQuote
        What to show.
    lang : str
        zh or en.
    out : Path
        Folder; made where it does not exist.
    is_synthetic : bool
        The evidence came from the sample generator.
    known : sequence of Bilingual
        Matters known before inception.
    reserve : ChainLadder or None
        Reserve of the insurer's book.
    name : str
        File name without extension.
    """
    document = quote_document(q, lang=lang, is_synthetic=is_synthetic, known=known, reserve=reserve)
    return write_forms(document, _sheets(q, lang), out=out, forms=("html", "pdf", "xlsx"), name=name)


def _sheets(q: PolicyQuote, lang: Language) -> list[Sheet]:
    p = q.premium
    rows = [
        (_say(lang, "保费", "Gross premium"), p.gross_cny, q.low_cny, q.high_cny),
        (_say(lang, "期望赔款", "Expected payments"), p.expected_loss_cny, None, None),
        (_say(lang, "资本成本", "Cost of capital"), p.capital_cost_cny, None, None),
        (_say(lang, "费用", "Expenses"), p.expense_cny, None, None),
        *((text.in_(lang), q.principles[name], None, None) for name, text in _PRINCIPLES.items()),
    ]
    heads = (_say(lang, "项目", "Item"), _say(lang, "元", "CNY"), "5%", "95%")
    first = Sheet(_say(lang, "保费", "Premium"), heads, ("text", "money", "money", "money"), rows, (36, 16, 16, 16))
    points = (0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999)
    law_heads = tuple(
        _say(lang, zh, en)
        for zh, en in (
            ("概率", "Level"),
            ("保单", "Policy"),
            ("组合：独立", "Portfolio, independent"),
            ("组合：共同判例", "Portfolio, common rulings"),
            ("再保险后", "After reinsurance"),
        )
    )
    laws = (q.total, q.accumulation.free, q.accumulation.shocked, q.reinsured.net)
    losses = Sheet(
        _say(lang, "赔款分布", "Payments"), law_heads, ("number", *("money",) * 4),
        [(level, *(law.quantile(level) for law in laws)) for level in points], (12, 16, 20, 20, 18),
    )  # fmt: skip
    input_heads = tuple(
        _say(lang, zh, en)
        for zh, en in (
            ("输入", "Input"),
            ("取值", "Value"),
            ("区间", "Range"),
            ("单位", "Unit"),
            ("等级", "Grade"),
            ("来源", "Source"),
        )
    )
    inputs = Sheet(
        _say(lang, "输入", "Inputs"), input_heads, ("text",) * 6,
        [
            (x.label.in_(lang), _number(x.value), _bounds(x), x.unit, say(f"grade.{x.source.grade}", lang), x.source.title_in(lang))
            for x in q.parameters
        ],
        (36, 28, 18, 18, 10, 60),
    )  # fmt: skip
    return [first, losses, inputs]
