"""The workbook of a securitisation: classes with and without support, cash by date and class, values with their sources."""

from __future__ import annotations

from collections.abc import Sequence

from zhirong.finance.securitisation.investor_report import InvestorReport
from zhirong.kernel.provenance import Grade
from zhirong.kernel.text import Language
from zhirong.reports.workbook import DATE, MONEY, NUMBER, PERCENT, TEXT, Sheet

__all__ = ["deal_sheets", "grade_name"]

_GRADES = {
    Grade.OFFICIAL: ("官方", "official"), Grade.PUBLISHED: ("公开", "published"), Grade.COMPUTED: ("计算", "computed"),
    Grade.STATED: ("声明", "stated"), Grade.RECALLED: ("记忆，待核", "recalled, to be verified"),
    Grade.ASSUMED: ("假设", "assumed"), Grade.SYNTHETIC: ("合成", "synthetic"),
}  # fmt: skip


def _pick(lang: Language, zh: str, en: str) -> str:
    return zh if lang == "zh" else en


def grade_name(grade: Grade, lang: Language) -> str:
    """Return the name of a grade of evidence."""
    return _pick(lang, *_GRADES[grade])


def deal_sheets(report: InvestorReport, lang: Language) -> list[Sheet]:
    """Return the sheets of the workbook: classes with and without support, cash by date and class, values."""
    heads = tuple(
        _pick(lang, zh, en)
        for zh, en in (
            ("档次", "class"),
            ("有无支持", "support"),
            ("面值", "face"),
            ("价格", "price of 100"),
            ("价格下限", "low"),
            ("价格上限", "high"),
            ("平均期限（年）", "average life, years"),
            ("贴现利差", "discount margin"),
            ("期望损失", "expected loss"),
            ("受损概率", "chance of loss"),
        )
    )
    rows = []
    for result in (report.with_support, report.alone):
        support = _pick(lang, "有", "with") if result.with_support else _pick(lang, "无", "without")
        for item in result.tranches:
            life, margin = item.weighted_life_years, item.discount_margin
            rows.append(
                (
                    item.label.in_(lang),
                    support,
                    item.balance,
                    item.price.value,
                    item.price.low,
                    item.price.high,
                    life.value if life else "—",
                    margin.value if margin else "—",
                    item.expected_loss.value,
                    item.loss_probability.value,
                )
            )
    classes = Sheet(
        _pick(lang, "各档", "classes"),
        heads,
        (TEXT, TEXT, MONEY, NUMBER, NUMBER, NUMBER, NUMBER, PERCENT, PERCENT, PERCENT),
        rows,
        (20, 10, 16, 10, 10, 10, 12, 12, 12, 12),
    )
    return [classes, _cash_sheet(report, lang), _value_sheet(report, lang)]


def _cash_sheet(report: InvestorReport, lang: Language) -> Sheet:
    names = [tranche.label.in_(lang) for tranche in report.deal.tranches]
    parts = [(_pick(lang, "利息", "interest")), (_pick(lang, "本金", "principal")), (_pick(lang, "余额", "balance"))]
    heads = (
        _pick(lang, "兑付日", "date"),
        _pick(lang, "资产回款", "collections"),
        _pick(lang, "费用", "fees"),
        _pick(lang, "差额支付", "support"),
        _pick(lang, "剩余分配", "residual"),
        _pick(lang, "资产池", "pool"),
        *(f"{name} {part}" for part in parts for name in names),
    )
    rows = [
        (
            line.day,
            line.collections,
            line.fees,
            line.support,
            line.residual,
            line.pool,
            *line.interest,
            *line.principal,
            *line.balances,
        )
        for line in report.cash
    ]
    return Sheet(
        _pick(lang, "现金流", "cash"), heads, (DATE, *[MONEY] * (len(heads) - 1)), rows, (12, *[15] * (len(heads) - 1))
    )


def _value_sheet(report: InvestorReport, lang: Language) -> Sheet:
    heads = (
        _pick(lang, "路径", "path"),
        _pick(lang, "参数", "value"),
        _pick(lang, "取值", "is"),
        _pick(lang, "依据", "grade"),
        _pick(lang, "来源", "source"),
    )
    rows: Sequence[Sequence[str]] = [
        (
            item.path,
            item.label.in_(lang),
            item.value.in_(lang),
            grade_name(item.source.grade, lang),
            item.source.title_in(lang),
        )
        for item in report.values
    ]
    return Sheet(_pick(lang, "参数与来源", "values"), heads, (TEXT,) * 5, rows, (28, 30, 24, 14, 60))
