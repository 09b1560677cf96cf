"""Terms of the option and event-study methods: assumptions a user may give, and what is said of the methods in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from zhirong.kernel.text import Bilingual
from zhirong.params import Parameter
from zhirong.valuation.types import Assumption, Distribution

__all__ = ["ADMITTED", "EVENT_STUDY_BIAS", "KNOWN", "OPTION_CAVEAT", "REASONS_ZH", "option_assumptions"]

KNOWN: Mapping[str, tuple[Bilingual, str, float, float]] = {
    "volatility": (
        Bilingual("使用价值的年波动率", "Volatility of the worth of use"), "fraction a year", 0.001, 3.0,
    ),
    "launch_cost": (Bilingual("实施（上市）所需投入", "Cost of launch"), "CNY", 0.0, 1e13),
    "expansion_share": (Bilingual("扩大使用的比例", "Share by which use may be enlarged"), "fraction", 0.0, 10.0),
    "expansion_cost": (Bilingual("扩大使用的投入", "Cost of enlarging use"), "CNY", 0.0, 1e13),
    "salvage": (Bilingual("放弃时可收回的价款", "Price for which the right could be given up"), "CNY", 0.0, 1e13),
}  # fmt: skip
"""Label, unit and hard bounds of each assumption, as in `assumptions.KNOWN`."""

ADMITTED: Mapping[str, tuple[str, str]] = {
    "option": (
        "收益法给出使用价值；年费表、波动率和实施情况已知或有先验",
        "the income approach gives the worth of use; fees, volatility and state of use are known or have a prior",
    ),
    "event_study": (
        "库内有权利人在授权日前后的股价与市值",
        "the store holds the owner's share prices and market value around the day of grant",
    ),
}
"""What each method rests on, Chinese and English."""

OPTION_CAVEAT = Bilingual(
    "期权法在收益法之上计入推迟、扩大与放弃的选择权；每等待一年即失去一年保护期。它与收益法共用收入假设，二者并非独立证据。",
    "The option method adds to the income approach the choices to begin later, enlarge and give up; a year of waiting is a year of "
    "protection lost. It shares the income assumptions and is no independent evidence of them.",
)

EVENT_STUDY_BIAS = Bilingual(
    "事件研究法的估值恒为正，即使股价在授权日下跌亦然；估值主要随企业市值与波动率变化，同日授权的多件专利平均分摊。参数来自美国上市公司，"
    "用于其他市场未经检验。该偏差已知且未予校正，宜用于同一企业内部或大样本的比较。",
    "The event study gives a positive value even where the price fell on the day of grant; it varies first with the firm's size and "
    "volatility, and patents granted on one day share equally. Its parameters come from listed US firms and are untested elsewhere. "
    "The bias is known and not removed: use it to compare within a firm or over many patents.",
)

REASONS_ZH: tuple[tuple[str, str], ...] = (
    (r"the income approach is not admissible, and the option is on the income", "收益法不可用，而期权以收益为标的"),
    (
        r"the owner has no known revenue under its patents, and no cost of launch is given",
        "权利人的专利产品收入未知，且未给出实施所需投入",
    ),
    (r"no share prices around the day of grant", "缺少授权日前后的股价数据"),
    (r"fewer than (\d+) days of share prices before the grant", r"授权日前的股价不足 \1 个交易日"),
    (r"no market value of the owner before the grant", "缺少授权日前权利人的市值"),
    (r"the owner's shares do not move before the grant", "授权日前权利人的股价没有变动"),
    (r"no exchange rate for the market value in (\S+)", r"缺少以 \1 计的市值的汇率"),
    (r"the first owner is no firm of the store", "第一权利人不在库内企业之列"),
    (r"grant_date", "授权日未知"),
)
"""Reasons as the methods give them, and the same in Chinese."""


def option_assumptions(parameter_at: Callable[[str], Parameter]) -> dict[str, Assumption]:
    """Return the assumptions for which a parameter is shipped; costs and expansion are the user's to give."""
    p = parameter_at("options.volatility")
    assert p.low is not None, "the volatility has a range"
    assert p.high is not None, "the volatility has a range"
    label, unit, low, high = KNOWN["volatility"]
    spread = {"low": p.low, "mode": float(p.value), "high": p.high}
    return {"volatility": Assumption("volatility", label, Distribution.TRIANGULAR, spread, low, high, unit, p.source)}
