"""Products for a firm that does not know them, as HTML, PDF and Excel."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from zhirong.finance.recommendation import Condition, Recommendation, Verdict
from zhirong.kernel.text import Bilingual, Language
from zhirong.reports.blocks import Bullets, Cell, Column, Document, Facts, Paragraph, Section, Summary, Table, Tone
from zhirong.reports.formats import format_date
from zhirong.reports.render import ReportFiles, write_forms
from zhirong.reports.texts import say
from zhirong.reports.workbook import Sheet

__all__ = ["VERDICTS", "condition_text", "render_recommendations"]

VERDICTS = {
    Verdict.ELIGIBLE: Bilingual("符合条件", "eligible"),
    Verdict.UNDETERMINED: Bilingual("尚缺信息", "not enough is known"),
    Verdict.NOT_ELIGIBLE: Bilingual("不符合条件", "not eligible"),
}
_TONES: dict[Verdict, Tone] = {Verdict.ELIGIBLE: "good", Verdict.UNDETERMINED: "muted", Verdict.NOT_ELIGIBLE: "warning"}


def _say(lang: Language, zh: str, en: str) -> str:
    return zh if lang == "zh" else en


def _value(value: Any, lang: Language) -> str:
    if value is None:
        return _say(lang, "未知", "unknown")
    if isinstance(value, bool):
        return _say(lang, "是" if value else "否", "yes" if value else "no")
    return (
        f"{value:,.4g}"
        if isinstance(value, float) and value < 1000
        else f"{value:,.0f}"
        if isinstance(value, int | float)
        else str(value)
    )


def condition_text(condition: Condition, lang: Language) -> str:
    """Return a condition with what is known of the firm, in one language."""
    now = _value(condition.value, lang)
    return _say(lang, f"{condition.label.zh}（目前：{now}）", f"{condition.label.en} (now: {now})")


def _cost(r: Recommendation, lang: Language) -> Cell:
    if r.cost is None:
        return Cell("—", "muted", r.note.in_(lang))
    interval = (
        "" if r.cost_low is None or r.cost_high is None else f"{100 * r.cost_low:.2f}% – {100 * r.cost_high:.2f}%"
    )
    return Cell(f"{100 * r.cost:.2f}%", "normal", interval)


def _document(
    found: Sequence[Recommendation], firm: str, as_of: date, lang: Language, *, is_synthetic: bool
) -> Document:
    columns = (
        Column(_say(lang, "产品", "Product"), share=2.2), Column(_say(lang, "结论", "Verdict"), share=1.0),
        Column(_say(lang, "融资成本（年）", "Cost of finance, a year"), True, 1.6),
            Column(_say(lang, "还差什么", "What is missing"), share=2.6),
    )  # fmt: skip
    rows = tuple(
        (
            Cell(r.label.in_(lang), "normal", r.source.title_in(lang)), Cell(VERDICTS[r.verdict].in_(lang), _TONES[r.verdict]),
            _cost(r, lang),
                Cell("；".join(condition_text(c, lang) for c in r.missing) if lang == "zh" else "; ".join(condition_text(c,
                    lang) for c in r.missing) or "—"),
        )
        for r in found
    )  # fmt: skip
    good = [r for r in found if r.verdict is Verdict.ELIGIBLE]
    best = next((r for r in good if r.cost is not None), None)
    title = _say(lang, "可选产品", "Products")
    amount = next((r.amount_cny for r in found if r.amount_cny is not None), None)
    facts = Facts(
        (
            (_say(lang, "企业", "Firm"), firm),
            (_say(lang, "按价值可贷金额", "Loan that the value carries"), "—" if amount is None else f"{amount:,.0f}"),
            (_say(lang, "基准日", "As of"), format_date(as_of, lang)),
        )
    )
    asked = dict.fromkeys(
        condition_text(c, lang) for r in found if r.verdict is Verdict.UNDETERMINED for c in r.missing
    )
    lists = (Bullets(_say(lang, "补充下列信息可得结论", "To know more, tell"), tuple(asked), "muted"),) if asked else ()
    summary = Summary(
        value_label=_say(lang, "符合条件的产品", "Products the firm qualifies for"), value=str(len(good)),
        value_note=_say(lang, f"共 {len(found)} 种", f"of {len(found)}"),
        grade_label=_say(lang, "其中成本最低", "The cheapest of them"),
        grade="—" if best is None or best.cost is None else f"{100 * best.cost:.2f}%",
        grade_note="" if best is None else best.label.in_(lang), facts=facts, lists=lists,
    )  # fmt: skip
    told = _say(
        lang,
        "未知不等于不符合。成本为保护、补贴后的年化总成本，小字为违约概率与处置折扣不确定下的 5%–95% 区间；"
        "各方要价多为假设，见产品联动报告。",
        "Unknown is not failed. Cost is the total of a year after cover and subsidies, in small print 5-95% over what is not known of "
        "default and of the haircut of a sale; what parties ask is mostly assumed, see the report on the bundle.",
    )
    return Document(
        lang=lang, title=_say(lang, "融资产品推荐", "Products of IP finance for a firm"), subject=firm,
        banner=say("banner.synthetic", lang) if is_synthetic else "", summary=summary,
        sections=(Section("products", title, (Table(title, columns, rows), Paragraph(told, "muted"))),),
        footer=_say(lang, f"基准日 {as_of}", f"As of {as_of}"), contents_label=say("report.contents", lang),
    )  # fmt: skip


def render_recommendations(
    found: Sequence[Recommendation], *, firm: str, as_of: date, lang: Language, out: Path, is_synthetic: bool = False
) -> ReportFiles:
    """Write recommendations as ``products.{html,pdf,xlsx}`` into a folder, in one language."""
    document = _document(found, firm, as_of, lang, is_synthetic=is_synthetic)
    heads = (
        _say(lang, "产品", "Product"), _say(lang, "结论", "Verdict"), _say(lang, "成本", "Cost"), _say(lang, "成本 5%", "Cost, 5%"),
        _say(lang, "成本 95%", "Cost, 95%"), _say(lang, "还差什么", "What is missing"),
    )  # fmt: skip
    rows = [
        (r.label.in_(lang), VERDICTS[r.verdict].in_(lang), r.cost, r.cost_low, r.cost_high,
         "; ".join(condition_text(c, lang) for c in r.missing))
        for r in found
    ]  # fmt: skip
    sheet = Sheet(
        _say(lang, "产品", "Products"),
        heads,
        ("text", "text", "number", "number", "number", "text"),
        rows,
        (40, 16, 12, 12, 12, 80),
    )
    return write_forms(document, [sheet], out=out, forms=("html", "pdf", "xlsx"), name="products")
