"""The term sheet of a pledge loan as HTML, PDF and Excel."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from zhirong.finance.pledge import TermSheet
from zhirong.kernel.text import Bilingual, Language
from zhirong.reports.blocks import Bullets, Cell, Column, Document, Facts, Section, Summary, Table
from zhirong.reports.formats import format_date, format_percent
from zhirong.reports.render import FORMS, ReportFiles, write_forms
from zhirong.reports.texts import say
from zhirong.reports.workbook import Sheet

__all__ = ["render_term_sheet", "term_sheet_document"]

_REPAYMENT = {
    "level": Bilingual("等额本息", "Level payments"),
    "equal_principal": Bilingual("等额本金", "Equal principal"),
    "interest_only": Bilingual("按期付息、到期还本", "Interest only, principal at maturity"),
    "bullet": Bilingual("到期一次还本付息", "Bullet"),
}


def _say(lang: Language, zh: str, en: str) -> str:
    return zh if lang == "zh" else en


def _cny(amount: float | None, lang: Language) -> str:
    if amount is None:
        return _say(lang, "未知", "unknown")
    return f"{amount:,.0f} 元" if lang == "zh" else f"CNY {amount:,.0f}"


def _summary(sheet: TermSheet, lang: Language) -> Summary:
    spec, binding = sheet.spec, sheet.binding
    low, high = (_cny(x, lang) for x in sheet.value_interval_cny)
    facts = Facts(
        (
            (_say(lang, "质押权利", "Pledged rights"), ", ".join(sheet.right_ids)),
            (_say(lang, "放款日", "Disbursement"), format_date(spec.start, lang)),
            (_say(lang, "期限", "Term"), _say(lang, f"{spec.months} 个月", f"{spec.months} months")),
            (_say(lang, "年利率", "Rate a year"), format_percent(spec.annual_rate, significant=3)),
            (_say(lang, "还款方式", "Repayment"), _REPAYMENT[str(spec.repayment)].in_(lang)),
            (_say(lang, "评估价值", "Appraised value"), _cny(sheet.appraised_cny, lang)),
            (_say(lang, "价值区间（5%–95%）", "Range of value (5-95%)"), f"{low} – {high}"),
            (_say(lang, "质押率", "Loan to value"), format_percent(sheet.ltv)),
            (
                _say(lang, "全期内不足额概率", "Probability of shortfall over the term"),
                format_percent(sheet.shortfall_probability),
            ),
        )
    )
    lists = []
    if sheet.blocking:
        reasons = tuple(x.in_(lang) for x in sheet.blocking)
        lists.append(Bullets(_say(lang, "不得放款的原因", "What forbids the loan"), reasons, "warning"))
    if sheet.warnings:
        lists.append(Bullets(_say(lang, "未知事项", "Not known"), tuple(x.in_(lang) for x in sheet.warnings), "muted"))
    decides = binding.label.in_(lang) if binding else ""
    note = _say(lang, f"由“{decides}”决定", f"Decided by: {decides}")
    if sheet.blocking:
        note = _say(lang, "存在禁止放款的事项，见下", "The loan is forbidden as things stand, see below")
    rate = sheet.cost.borrower_rate if sheet.cost else None
    return Summary(
        value_label=_say(lang, "可贷金额", "Loan amount"), value=_cny(sheet.amount.to_float(), lang), value_note=note,
        grade_label=_say(lang, "综合融资成本（年化内部收益率）", "Total cost of finance (IRR a year)"),
        grade=_say(lang, "无", "none") if rate is None else format_percent(rate, significant=3),
        grade_note=_fees_note(sheet, lang), facts=facts, lists=tuple(lists),
    )  # fmt: skip


def _fees_note(sheet: TermSheet, lang: Language) -> str:
    loan, cost = sheet.loan, sheet.cost
    if loan is None or cost is None:
        return ""
    extra = len(cost.flows) - len(loan.dates) - 1
    if not extra:
        return _say(lang, "仅含利息；未提供费用与补贴", "Interest only; no fees and no subsidies were given")
    return _say(lang, f"含 {extra} 项费用与补贴", f"With {extra} fees and subsidies")


def _limits(sheet: TermSheet, lang: Language) -> Section:
    columns = (
        Column(_say(lang, "限制", "Limit"), share=3.0), Column(_say(lang, "最大贷款额", "Largest loan"), True, 1.4),
        Column(_say(lang, "95% 区间", "95% interval"), True, 2.0), Column(_say(lang, "是否起作用", "Binds"), share=0.8),
    )  # fmt: skip
    rows = tuple(
        (
            Cell(x.label.in_(lang)),
            Cell(_cny(x.amount_cny, lang))
            if x.amount_cny is not None
            else Cell(_say(lang, "未提供", "not given"), "muted"),
            Cell("" if x.low_cny is None else f"{_cny(x.low_cny, lang)} – {_cny(x.high_cny, lang)}"),
            Cell(_say(lang, "是", "yes") if x.binds else "", "warning" if x.binds else "normal"),
        )
        for x in sheet.limits
    )
    title = _say(lang, "金额由何决定", "What decides the amount")
    return Section("limits", title, (Table(title, columns, rows),))


def _payments(sheet: TermSheet, lang: Language) -> list[Section]:
    loan = sheet.loan
    if loan is None:
        return []
    heads = (
        _say(lang, "日期", "Date"), _say(lang, "利息（元）", "Interest, CNY"), _say(lang, "本金（元）", "Principal, CNY"),
        _say(lang, "余额（元）", "Balance, CNY"),
    )  # fmt: skip
    rows = tuple(
        (Cell(format_date(day, lang)), *(Cell(f"{int(x) / 100:,.2f}") for x in amounts))
        for day, *amounts in zip(loan.dates, loan.interest, loan.principal, loan.balance, strict=True)
    )
    title = _say(lang, "还款计划", "Payments")
    columns = tuple(Column(head, is_numeric=bool(k)) for k, head in enumerate(heads))
    return [Section("payments", title, (Table(title, columns, rows),))]


def _sources(sheet: TermSheet, lang: Language) -> Section:
    columns = (
        Column(_say(lang, "参数", "Parameter")), Column(_say(lang, "等级", "Grade")), Column(_say(lang, "来源", "Source"), share=3.0),
    )  # fmt: skip
    rows = tuple((Cell(name), Cell(str(source.grade)), Cell(source.title_in(lang))) for name, source in sheet.sources)
    title = _say(lang, "参数来源", "Sources of parameters")
    return Section("sources", title, (Table(title, columns, rows),))


def term_sheet_document(sheet: TermSheet, *, lang: Language, is_synthetic: bool = False) -> Document:
    """Return a term sheet as plain blocks in one language."""
    title = _say(lang, "约定事项", "Covenants")
    covenants = Section("covenants", title, (Bullets(title, tuple(x.in_(lang) for x in sheet.covenants)),))
    return Document(
        lang=lang,
        title=_say(lang, "专利权质押贷款条款清单", "Term sheet of a pledge loan"),
        subject=", ".join(sheet.right_ids),
        banner=say("banner.synthetic", lang) if is_synthetic else "",
        summary=_summary(sheet, lang),
        sections=(_limits(sheet, lang), *_payments(sheet, lang), covenants, _sources(sheet, lang)),
        footer=_say(lang, f"基准日 {sheet.spec.start}", f"As of {sheet.spec.start}"),
        contents_label=say("report.contents", lang),
    )


def render_term_sheet(
    sheet: TermSheet, *, lang: Language, out: Path, is_synthetic: bool = False, forms: Collection[str] = FORMS,
    name: str = "term_sheet",
) -> ReportFiles:  # fmt: skip
    """Write a term sheet as ``term_sheet.{html,pdf,xlsx}`` into a folder.

    Parameters
    ----------
    sheet : TermSheet
        Terms.
    lang : str
        zh or en.
    out : Path
        Folder; made where it does not exist.
    is_synthetic : bool
        The evidence came from the sample generator; every page says so.
    forms : collection of str
        Of ``html``, ``pdf``, ``xlsx``.
    name : str
        File name without extension.

    Returns
    -------
    ReportFiles
    """
    document = term_sheet_document(sheet, lang=lang, is_synthetic=is_synthetic)
    limits = Sheet(
        _say(lang, "限制", "Limits"),
        (_say(lang, "限制", "Limit"), _say(lang, "最大贷款额（元）", "Largest loan, CNY"), _say(lang, "下限", "Low"),
         _say(lang, "上限", "High"), _say(lang, "起作用", "Binds")),
        ("text", "money", "money", "money", "text"),
        [(x.label.in_(lang), x.amount_cny, x.low_cny, x.high_cny, _say(lang, "是", "yes") if x.binds else "") for x in sheet.limits],
        (60, 18, 18, 18, 10),
    )  # fmt: skip
    sheets = [limits]
    if sheet.loan is not None:
        loan = sheet.loan
        rows = [
            (day, *(int(x) / 100 for x in amounts))
            for day, *amounts in zip(loan.dates, loan.interest, loan.principal, loan.balance, strict=True)
        ]
        heads = (
            _say(lang, "日期", "Date"),
            _say(lang, "利息", "Interest"),
            _say(lang, "本金", "Principal"),
            _say(lang, "余额", "Balance"),
        )
        sheets.append(
            Sheet(
                _say(lang, "还款计划", "Payments"),
                heads,
                ("date", "number", "number", "number"),
                rows,
                (14, 16, 16, 16),
            )
        )
    return write_forms(document, sheets, out=out, forms=forms, name=name)
