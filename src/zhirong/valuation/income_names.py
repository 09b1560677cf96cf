"""Names of the assumptions of the income methods beyond relief from royalty: label, unit, hard bounds."""

from __future__ import annotations

from collections.abc import Mapping

from zhirong.kernel.errors import NotAdmissibleError
from zhirong.kernel.provenance import Source
from zhirong.kernel.text import Bilingual
from zhirong.params import Parameter
from zhirong.valuation.types import Assumption, Distribution

__all__ = [
    "ADMITTED_INCOME",
    "KNOWN_INCOME",
    "LABELS_INCOME",
    "MISSING_INCOME",
    "REASONS_INCOME_ZH",
    "as_spread",
    "as_triangle",
    "needed",
]

KNOWN_INCOME: Mapping[str, tuple[Bilingual, str, float, float]] = {
    "operating_margin": (Bilingual("营业利润率", "Operating margin"), "fraction of revenue", -0.5, 0.9),
    "working_capital": (Bilingual("营运资金与收入之比", "Working capital over revenue"), "fraction of revenue", 0.0, 5.0),
    "fixed_assets": (Bilingual("固定资产与收入之比", "Fixed assets over revenue"), "fraction of revenue", 0.0, 10.0),
    "workforce": (Bilingual("人力资源与收入之比", "Assembled workforce over revenue"), "fraction of revenue", 0.0, 5.0),
    "working_capital_return": (
        Bilingual("营运资金税后要求回报率", "Return on working capital after tax"), "fraction a year", 0.0, 0.5,
    ),
    "fixed_assets_return": (
        Bilingual("固定资产税后要求回报率", "Return on fixed assets after tax"), "fraction a year", 0.0, 0.5,
    ),
    "workforce_return": (
        Bilingual("人力资源税后要求回报率", "Return on the workforce after tax"), "fraction a year", 0.0, 0.5,
    ),
    "profit_share": (Bilingual("利润分成率", "Share of operating profit"), "fraction of operating profit", 0.0, 1.0),
    "lost_share": (
        Bilingual("失去专利后被夺走的收入份额", "Revenue lost without the right"), "fraction of revenue", 0.0, 1.0,
    ),
    "margin_loss": (
        Bilingual("失去专利后的利润率下降", "Margin lost without the right"), "fraction of revenue", 0.0, 0.9,
    ),
    "erosion_years": (Bilingual("模仿者完成进入所需年数", "Years until imitators have entered"), "years", 0.0, 40.0),
    "substitute_years": (Bilingual("自行绕开所需年数", "Years until a substitute of the owner"), "years", 0.01, 60.0),
}  # fmt: skip
"""Every assumption that these methods add to `zhirong.valuation.assumptions.KNOWN`."""


LABELS_INCOME: Mapping[str, Bilingual] = {
    "excess_earnings": Bilingual("收益法：多期超额收益", "Income: multi-period excess earnings"),
    "with_and_without": Bilingual("收益法：有无对比", "Income: with and without"),
    "profit_split": Bilingual("收益法：利润分成", "Income: profit split"),
}
"""Name of each method."""

ADMITTED_INCOME: Mapping[str, tuple[str, str]] = {
    "excess_earnings": (
        "权利人利润率与资产已知，可扣除贡献资产费用",
        "the owner's margin and assets are known, so contributory charges can be taken off",
    ),
    "with_and_without": (
        "利润率已知；失去专利的影响为标明的假设",
        "the margin is known; what would be lost without the right is an assumption that says so",
    ),
    "profit_split": (
        "利润率已知；分成率为标明的区间",
        "the margin is known; the share of profit is a range that says so",
    ),
}
"""Chinese and English reason why each was admitted."""

MISSING_INCOME: Mapping[str, Bilingual] = {
    "operating_margin": Bilingual(
        "营业利润率（firm_years 的 operating_profit 与 revenue，或 sector_years 的 operating_margin）",
        "operating margin (firm_years.operating_profit with revenue, or sector_years.operating_margin)",
    ),
    "working_capital": Bilingual(
        "营运资金（firm_years 的 total_assets 与 revenue）", "working capital (firm_years.total_assets with revenue)"
    ),
    "fixed_assets": Bilingual(
        "固定资产（firm_years 的 total_assets 与 revenue）", "fixed assets (firm_years.total_assets with revenue)"
    ),
    "workforce": Bilingual(
        "人力资源（firm_years 的 employee_count 与 revenue）", "workforce (firm_years.employee_count with revenue)"
    ),
}
"""What is missing where one of these names is, and the columns of evidence that would give it."""

REASONS_INCOME_ZH: tuple[tuple[str, str], ...] = (
    (
        r"in (\d+%) of draws the operating margin does not pay the contributory assets, so there is no excess",
        r"在 \1 的模拟中营业利润不足以补偿贡献资产，不存在超额收益",
    ),
    (r"the operating margin leaves no profit to share", "营业利润率为负，没有可供分成的利润"),
)
"""Reasons for refusal as the methods give them, and the same in Chinese."""


def as_spread(name: str, family: Distribution, parameters: Mapping[str, float], source: Source) -> Assumption:
    """Return an assumption with a distribution, within its hard bounds."""
    label, unit, low, high = KNOWN_INCOME[name]
    return Assumption(name, label, family, dict(parameters), low, high, unit, source)


def as_triangle(name: str, p: Parameter) -> Assumption:
    """Return the triangle of a parameter's range about its value."""
    assert p.low is not None, f"{p.path} needs a range"
    assert p.high is not None, f"{p.path} needs a range"
    return as_spread(name, Distribution.TRIANGULAR, {"low": p.low, "mode": float(p.value), "high": p.high}, p.source)


def needed(assumptions: Mapping[str, Assumption], names: tuple[str, ...]) -> None:
    """Raise `NotAdmissibleError` naming every assumption that is missing; `MISSING_INCOME` says which columns would give it."""
    if missing := [name for name in names if name not in assumptions]:
        raise NotAdmissibleError(", ".join(missing))
