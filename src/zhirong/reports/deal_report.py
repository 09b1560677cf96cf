"""The investor report of a securitisation: with and without support side by side, as HTML, PDF and Excel."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from zhirong.finance.securitisation.investor_report import InvestorReport
from zhirong.finance.securitisation.simulation import Estimate, TrancheResult
from zhirong.kernel.errors import UnknownNameError
from zhirong.kernel.provenance import Grade
from zhirong.kernel.text import LANGUAGES, Language
from zhirong.numerics.waterfall import Column as Ledger
from zhirong.reports.blocks import (
    Block,
    Bullets,
    Cell,
    Chart,
    Column,
    Document,
    Facts,
    Paragraph,
    Section,
    Summary,
    Table,
)
from zhirong.reports.canvas import NARROW, PALETTE, bare, both, draw
from zhirong.reports.deal_sheets import deal_sheets, grade_name
from zhirong.reports.formats import money_scale
from zhirong.reports.render import FORMS, ReportFiles, write_forms

__all__ = ["deal_document", "render_deal"]


def _pick(lang: Language, zh: str, en: str) -> str:
    return zh if lang == "zh" else en


def _percent(estimate: Estimate, digits: int = 2) -> str:
    return f"{100 * estimate.value:.{digits}f}%"


def _span(estimate: Estimate, scale: float = 1.0, digits: int = 2, unit: str = "") -> str:
    return f"{scale * estimate.low:.{digits}f} – {scale * estimate.high:.{digits}f}{unit}"


def _life(item: TrancheResult, lang: Language) -> str:
    if item.weighted_life_years is None:
        return "—"
    return _pick(lang, f"{item.weighted_life_years.value:.2f} 年", f"{item.weighted_life_years.value:.2f} y")


def _rating(rating: str, lang: Language) -> str:
    return _pick(lang, f"公开评级 {rating}（境内）", f"published rating {rating} (national scale)") if rating else ""


def _small(amount: float, divisor: float) -> str:
    """Return an amount in units of a table; what rounds to nothing is a dash."""
    value = amount / divisor
    return f"{value:,.3f}" if abs(value) >= 0.0005 else "–"


def _tranche_table(report: InvestorReport, lang: Language, *, supported: bool) -> Table:
    result = report.with_support if supported else report.alone
    heads = (
        (_pick(lang, "档次", "Class"), False, 1.5),
        (_pick(lang, "占比", "Share"), True, 0.8),
        (_pick(lang, "价格（面值 100）", "Price of 100"), True, 1.3),
        (_pick(lang, "平均期限", "Average life"), True, 1.0),
        (_pick(lang, "久期", "Duration"), True, 0.8),
        (_pick(lang, "贴现利差 bp", "Discount margin, bp"), True, 1.3),
        (_pick(lang, "期望损失", "Expected loss"), True, 1.4),
        (_pick(lang, "本金受损概率", "Chance of any loss"), True, 1.4),
    )
    rows = []
    for item in result.tranches:
        margin = item.discount_margin
        rows.append(
            (
                Cell(item.label.in_(lang), note=_rating(item.rating, lang)),
                Cell(f"{100 * item.share:.1f}%"),
                Cell(f"{item.price.value:.2f}", note=_span(item.price)),
                Cell(_life(item, lang)),
                Cell("—" if item.duration_years is None else f"{item.duration_years:.2f}"),
                Cell(
                    "—" if margin is None else f"{1e4 * margin.value:.0f}",
                    note="" if margin is None else _span(margin, 1e4, 0),
                ),
                Cell(_percent(item.expected_loss, 3), note=_span(item.expected_loss, 100, 3, "%")),
                Cell(_percent(item.loss_probability), note=_span(item.loss_probability, 100, 2, "%")),
            )
        )
    which = _pick(lang, "有差额支付", "With support") if supported else _pick(lang, "仅凭结构", "The structure alone")
    caption = which + _pick(
        lang,
        "。小字为 95% 区间，仅含模拟误差，不含假设的不确定性。次级的损失指收回现金低于面值的部分。",
        ". Small print: 95 % intervals of the simulation alone, not of the assumptions. A loss of the residual class is face "
        "not covered by cash received.",
    )
    return Table(caption, tuple(Column(*head) for head in heads), tuple(rows))


def _balance_chart(report: InvestorReport, lang: Language) -> Chart:
    result = report.with_support
    scale = money_scale([result.deal.notes], result.deal.currency, lang)
    days = [line.day for line in report.cash]
    names = [item.label.in_(lang) for item in result.tranches]
    alt = "; ".join(f"{line.day}: {scale.money(sum(line.balances))}" for line in report.cash[:: max(len(days) // 6, 1)])

    def paint(width: float, key: str) -> str:
        narrow = width <= NARROW

        def on(figure: Figure) -> None:
            axes = figure.add_axes((0.14 if narrow else 0.1, 0.2, 0.83 if narrow else 0.87, 0.66))
            bare(axes)
            years = np.concatenate([[0.0], result.years])
            faces = np.array([item.balance for item in result.deal.tranches])
            levels = np.vstack([faces, result.mean_balance]) / scale.divisor
            shown = [k for k, item in enumerate(result.tranches) if not item.is_residual]
            colours = [PALETTE["main"], PALETTE["soft"], PALETTE["accent"], PALETTE["off"]]
            axes.stackplot(
                years,
                [levels[:, k] for k in shown],
                labels=[names[k] for k in shown],
                colors=[colours[i % len(colours)] for i in range(len(shown))],
                lw=0,
            )
            pool = np.concatenate([[result.deal.pool.balance], result.mean_deal[:, Ledger.POOL]]) / scale.divisor
            axes.plot(years, pool, color=PALETTE["ink"], lw=1.4, ls=(0, (4, 2)), label=_pick(lang, "资产池", "pool"))
            axes.set(xlim=(0, years[-1]), ylim=(0, None))
            axes.set_xlabel(_pick(lang, "成立后年数", "years from closing"))
            axes.set_title(scale.label, size=9, loc="left")
            axes.legend(frameon=False, fontsize=9, loc="upper right")

        return draw(key, on, width=width, height=230, alt=alt)

    caption = _pick(
        lang,
        "各档证券期望余额（叠加）与资产池期望余额（虚线）。",
        "Expected balance of the notes, stacked, and of the pool (dashed).",
    )
    return both("balances", paint, alt, caption)


def _results(report: InvestorReport, lang: Language) -> Section:
    blocks: list[Block] = []
    if report.deal.guarantor is not None:
        helped = report.with_support
        blocks.append(
            Paragraph(
                _pick(
                    lang,
                    f"动用差额支付的概率 {_percent(helped.support_probability)}，平均动用 "
                    f"{money_scale([helped.support_drawn.value], report.deal.currency, lang).money(helped.support_drawn.value)}。"
                    "下列两表为同一批模拟路径：先为有支持，后为仅凭结构。评级若依赖支持方，请看第二表。",
                    f"The support is called with probability {_percent(helped.support_probability)}, on average for "
                    f"{money_scale([helped.support_drawn.value], report.deal.currency, lang).money(helped.support_drawn.value)}. "
                    "Both tables use the same paths: with support first, then the structure alone. A rating that leans on the support "
                    "says nothing about the second table.",
                )
            )
        )
        blocks.append(_tranche_table(report, lang, supported=True))
    blocks.append(_tranche_table(report, lang, supported=False))
    return Section("results", _pick(lang, "各档结果", "Results by class"), tuple(blocks))


def _triggers(report: InvestorReport, lang: Language) -> Section:
    columns = (
        Column(_pick(lang, "触发机制", "Trigger"), False, 2.4),
        Column(_pick(lang, "触发概率", "Probability"), True, 1.0),
        Column(_pick(lang, "95% 区间", "95 % interval"), True, 1.4),
        Column(_pick(lang, "首次触发（年）", "First breach, years"), True, 1.2),
    )
    rows = tuple(
        (
            Cell(item.label.in_(lang)),
            Cell(_percent(item.probability)),
            Cell(_span(item.probability, 100, 2, "%")),
            Cell("—" if item.mean_first_year is None else f"{item.mean_first_year:.2f}"),
        )
        for item in report.with_support.triggers
    )
    result = report.with_support
    facts = Facts(
        (
            (
                _pick(lang, "期望累计违约", "Expected cumulative default"),
                f"{_percent(result.defaults)} ({_span(result.defaults, 100, 2, '%')})",
            ),
            (
                _pick(lang, "期望净损失", "Expected net loss"),
                f"{_percent(result.pool_loss)} ({_span(result.pool_loss, 100, 2, '%')})",
            ),
            (
                _pick(lang, "现金守恒最大误差", "Largest break of cash conservation"),
                f"{result.conservation_error:.1e} {report.deal.currency}",
            ),
        )
    )
    return Section("triggers", _pick(lang, "资产池与触发机制", "Pool and triggers"), (facts, Table("", columns, rows)))


def _capital(report: InvestorReport, lang: Language) -> Section:
    scale = money_scale([report.deal.notes], report.deal.currency, lang)
    names = {tranche.id: tranche.label.in_(lang) for tranche in report.deal.tranches}
    columns = (
        Column(_pick(lang, "档次", "Class"), False, 1.6),
        Column(_pick(lang, "方法", "Approach"), False, 1.0),
        Column(_pick(lang, "风险权重", "Risk weight"), True, 1.0),
        Column(_pick(lang, "资本", "Capital"), True, 1.2),
    )
    rows = tuple(
        (
            Cell(names[item.id]),
            Cell(item.approach),
            Cell(f"{100 * item.risk_weight:.0f}%"),
            Cell(scale.money(item.capital)),
        )
        for item in report.capital
    )
    kept = Table(
        _pick(lang, "自留假定为次级全部由发起人持有。", "The originator is taken to keep the whole residual class."),
        (
            Column(_pick(lang, "自留要求", "Retention"), False, 3.0),
            Column(_pick(lang, "应留", "Required"), True),
            Column(_pick(lang, "实留", "Kept"), True),
            Column(_pick(lang, "是否满足", "Met"), False),
        ),
        tuple(
            (
                Cell(item.rule.label.in_(lang), note=item.rule.source.title_in(lang)),
                Cell(scale.money(item.required)),
                Cell(scale.money(item.kept)),
                Cell(
                    _pick(lang, "满足", "yes") if item.is_met else _pick(lang, "不满足", "no"),
                    "good" if item.is_met else "warning",
                ),
            )
            for item in report.retention
        ),
    )
    caption = _pick(
        lang,
        "巴塞尔 CRE41 标准法；境内评级未映射为国际评级，故不用外部评级法。",
        "Basel CRE41; national ratings are not mapped, so the external-ratings approach is not used.",
    )
    return Section(
        "capital", _pick(lang, "资本与风险自留", "Capital and retention"), (Table(caption, columns, rows), kept)
    )


def _cash(report: InvestorReport, lang: Language) -> Section:
    scale = money_scale([report.deal.notes], report.deal.currency, lang)
    heads = [
        _pick(lang, "兑付日", "Payment date"),
        _pick(lang, "资产回款", "Collections"),
        _pick(lang, "费用", "Fees"),
        _pick(lang, "利息", "Interest"),
        _pick(lang, "本金", "Principal"),
        _pick(lang, "差额支付", "Support"),
        _pick(lang, "剩余分配", "Residual"),
        _pick(lang, "资产池余额", "Pool"),
    ]
    rows = tuple(
        (
            Cell(line.day.isoformat()),
            *(
                Cell(_small(x, scale.divisor))
                for x in (
                    line.collections,
                    line.fees,
                    sum(line.interest),
                    sum(line.principal),
                    line.support,
                    line.residual,
                    line.pool,
                )
            ),
        )
        for line in report.cash
        if line.collections + line.pool + sum(line.principal) > 1.0
    )
    caption = _pick(lang, f"期望值，单位：{scale.label}", f"Expected, {scale.label}")
    columns = tuple(Column(head, k > 0) for k, head in enumerate(heads))
    return Section("cash", _pick(lang, "现金流", "Cash"), (Table(caption, columns, rows),))


def _values(report: InvestorReport, lang: Language) -> Section:
    columns = (
        Column(_pick(lang, "参数", "Value"), False, 2.0),
        Column(_pick(lang, "取值", "Is"), False, 1.6),
        Column(_pick(lang, "依据", "Grade"), False, 1.0),
        Column(_pick(lang, "来源", "Source"), False, 2.6),
    )
    rows = tuple(
        (
            Cell(item.label.in_(lang)),
            Cell(item.value.in_(lang)),
            Cell(
                grade_name(item.source.grade, lang),
                "warning" if item.source.grade in {Grade.ASSUMED, Grade.RECALLED} else "good",
            ),
            Cell(item.source.title_in(lang)),
        )
        for item in report.values
    )
    return Section("values", _pick(lang, "参数与来源", "Values and their sources"), (Table("", columns, rows),))


def _summary(report: InvestorReport, lang: Language) -> Summary:
    deal, senior, alone = report.deal, report.with_support.tranches[0], report.alone.tranches[0]
    assumed = sum(item.source.grade is Grade.ASSUMED for item in report.values)
    largest = max(asset.balance for asset in deal.pool.assets) / deal.pool.balance
    good = [
        _pick(
            lang,
            f"{item.label.zh}：期望损失 {_percent(item.expected_loss, 3)}",
            f"{item.label.en}: expected loss {_percent(item.expected_loss, 3)}",
        )
        for item in report.with_support.tranches
        if not item.is_residual
    ]
    risks = [
        _pick(
            lang,
            f"仅凭结构，优先级本金受损概率 {_percent(alone.loss_probability)}",
            f"On the structure alone {alone.label.en} loses principal with probability {_percent(alone.loss_probability)}",
        ),
        _pick(
            lang,
            f"{len(deal.pool.assets)} 笔资产，最大一笔占 {largest:.1%}",
            f"{len(deal.pool.assets)} assets; the largest is {largest:.1%} of the pool",
        ),
    ]
    unknown = [
        _pick(
            lang,
            f"{len(report.values)} 项参数中 {assumed} 项为假设",
            f"{assumed} of {len(report.values)} values are assumed",
        )
    ]
    facts = Facts(
        (
            (_pick(lang, "规模", "Size"), money_scale([deal.notes], deal.currency, lang).money(deal.notes)),
            (_pick(lang, "成立日", "Closing"), deal.closing.isoformat()),
            (_pick(lang, "法定到期日", "Legal final day"), deal.legal_final.isoformat()),
            (
                _pick(lang, "增信", "Support"),
                deal.guarantor.label.in_(lang) if deal.guarantor else _pick(lang, "无", "none"),
            ),
            (
                _pick(lang, "模拟", "Simulation"),
                _pick(
                    lang,
                    f"{report.with_support.paths:,} 条路径，种子 {report.with_support.seed}",
                    f"{report.with_support.paths:,} paths, seed {report.with_support.seed}",
                ),
            ),
        )
    )
    return Summary(
        value_label=_pick(
            lang,
            f"{senior.label.zh}价格（面值 100，95% 模拟区间）",
            f"{senior.label.en}: price of 100 of face, 95 % interval of the simulation",
        ),
        value=_span(senior.price),
        value_note=_pick(
            lang,
            f"贴现率 {100 * report.with_support.rate:g}%；平均期限 {_life(senior, lang)}",
            f"discounted at {100 * report.with_support.rate:g} %; average life {_life(senior, lang)}",
        ),
        grade_label=_pick(lang, "本金受损概率：有支持 / 无支持", "Chance of any loss: with / without support"),
        grade=f"{_percent(senior.loss_probability)} / {_percent(alone.loss_probability)}",
        grade_note=_rating(senior.rating, lang),
        facts=facts,
        lists=(
            Bullets(_pick(lang, "有支持时", "With support"), tuple(good), "good"),
            Bullets(_pick(lang, "风险", "Risks"), tuple(risks), "warning"),
            Bullets(_pick(lang, "假设", "Assumed"), tuple(unknown), "muted"),
        ),
        charts=(_balance_chart(report, lang),),
    )


def deal_document(report: InvestorReport, lang: Language) -> Document:
    """Return the investor report as plain blocks in one language."""
    record = report.provenance
    banner = ""
    if report.deal.is_synthetic:
        banner = _pick(lang, "合成交易：不代表真实产品", "A synthetic deal: no real product")
    elif any(item.source.grade is Grade.ASSUMED for item in report.values):
        banner = _pick(
            lang,
            "仿公开条款的模型：未公开的参数为假设，不构成评级或投资建议",
            "A model after published terms: what is not public is assumed; neither a rating nor advice",
        )
    return Document(
        lang=lang,
        title=_pick(lang, "知识产权证券化投资者报告", "Investor report of an IP securitisation"),
        subject=report.deal.name.in_(lang),
        banner=banner,
        summary=_summary(report, lang),
        sections=(
            _results(report, lang),
            _triggers(report, lang),
            _cash(report, lang),
            _capital(report, lang),
            _values(report, lang),
        ),
        footer=f"zhirong {record.code_version} · {record.as_of} · {record.fingerprint()[:12]}",
        contents_label=_pick(lang, "目录", "Contents"),
    )


def render_deal(
    report: InvestorReport, *, lang: Language, out: Path, forms: Collection[str] = FORMS, name: str = "deal"
) -> ReportFiles:
    """Write the investor report.

    Parameters
    ----------
    report : InvestorReport
        The record.
    lang : str
        zh or en.
    out : Path
        Folder; made where it does not exist.
    forms : collection of str
        Of ``html``, ``pdf``, ``xlsx``.
    name : str
        File name without extension; letters, digits, ``._-``.

    Raises
    ------
    UnknownNameError
        For a language or form that does not exist.
    """
    if lang not in LANGUAGES:
        raise UnknownNameError("language", lang, LANGUAGES)
    safe = re.sub(r"[^\w.-]", "_", name)
    sheets = deal_sheets(report, lang) if "xlsx" in forms else []
    return write_forms(deal_document(report, lang), sheets, out=out, forms=forms, name=safe)
