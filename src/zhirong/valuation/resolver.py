"""Which methods may be used, which not, and why, in words."""

from __future__ import annotations

import re

from zhirong.kernel.text import Bilingual
from zhirong.valuation.assumptions import KNOWN
from zhirong.valuation.income_names import MISSING_INCOME, REASONS_INCOME_ZH
from zhirong.valuation.option_terms import REASONS_ZH as REASONS_OPTIONS_ZH
from zhirong.valuation.types import Admissibility

__all__ = ["admitted", "refused"]

_EXTRA = {
    "legal_life_years": Bilingual("剩余法定期限未知（缺申请日）", "legal life left is unknown (no filing date)"),
    "filing_date": Bilingual("申请日未知", "the filing date is unknown"),
    **MISSING_INCOME,
}


def admitted(method: str, zh: str, en: str) -> Admissibility:
    """Return that a method may be used, and on what it rests."""
    return Admissibility(method, True, (Bilingual(zh, en),))


def refused(method: str, message: str) -> Admissibility:
    """Return that a method may not be used; `message` is a reason or names what is missing, joined by commas."""
    names = message.split(", ")
    if all(name in KNOWN or name in _EXTRA for name in names):
        labels = [_EXTRA.get(name) or KNOWN[name][0] for name in names]
        zh, en = "、".join(label.zh for label in labels), ", ".join(label.en for label in labels)
        return Admissibility(method, False, (Bilingual(f"缺少：{zh}", f"missing: {en}"),))
    return Admissibility(method, False, (Bilingual(f"不可用：{_in_chinese(message)}", message),))


_REASONS_ZH: tuple[tuple[str, str], ...] = (
    (r"no opinion on its value within (\S+) years", r"\1 年内没有对其价值的评估意见"),
    (
        r"appraisers: (\d+) opinions by (\d+) appraisers; at least (\d+) by (\d+) are needed",
        r"评估意见 \1 条、评估人 \2 位，至少需要 \3 条、\4 位",
    ),
    (
        r"(\d+) deals with prices at arm's length in rights of the kind (\S+), fewer than (\S+)",
        r"\2 类权利的独立成交仅 \1 笔，少于 \3 笔",
    ),
    (
        r"deals alike to the patent weigh as much as ([\d.]+) equal ones, fewer than (\S+)",
        r"可比交易等效 \1 笔，少于 \2 笔",
    ),
    (r"no deals in rights of the kind (\S+) in the store", r"库内没有 \1 类权利的交易"),
    *REASONS_INCOME_ZH,
    *REASONS_OPTIONS_ZH,
    (r"no renewals of this office and right in the store", "库内没有该局该类权利的续展记录"),
    (r"no fee schedule for (\S+) at (\S+) in the parameters", r"参数中没有 \2 局 \1 的年费表"),
    (r"no maintenance fee falls due within ([\d.]+) years of grant", r"授权后 \1 年内没有到期的维持费"),
    (r"no exchange rate for the fees of (\S+)", r"缺少 \1 局费用的汇率"),
    (
        r"a renewal fit needs at least ten lapses at four different ages",
        "续展拟合至少需要十件、分布于四个不同年龄的失效",
    ),
    (
        r"a renewal fit of periodic fees needs at least ten lapses, at two fees or more",
        "续展拟合至少需要十件失效，且分布于两次以上缴费",
    ),
    (r"no grants with dates in order", "没有日期完整有序的授权"),
    (r"renewal fit: no convergence after (\d+) steps.*", r"续展拟合经 \1 步未收敛"),
    (
        r"the lapses of ([\d,]+) rights do not follow the fees: .* decay of ([\d.]+) .* spread of ([\d.]+) .* ([\d.]+) and ([\d.]+)",
        r"\1 件权利的失效并不随年费变动：最优拟合的年衰减率为 \2、对数离散为 \3，超出 \4 与 \5",
    ),
    (r"(\S+) is not declared for (\S+); declared: (.*?) to now\..*", r"参数 \1 在 \2 无值；自 \3 起有值"),
)
"""Reasons as methods give them, and the same in Chinese."""


def _in_chinese(message: str) -> str:
    for pattern, chinese in _REASONS_ZH:
        if match := re.fullmatch(pattern, message):
            return match.expand(chinese)
    return message
