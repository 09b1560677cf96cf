"""Which products a firm qualifies for, what each would cost, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Any

import numpy as np

from zhirong.finance.bundle import PROGRAMMES, Bundle, Firm, NoBundle, Proposal, PublicMoney, design, propose
from zhirong.finance.pledge import PledgedRight, PledgeRegister, PledgeSpec
from zhirong.kernel.errors import NotAdmissibleError, ParameterError
from zhirong.kernel.provenance import Source
from zhirong.kernel.text import Bilingual
from zhirong.params import ParameterBook

__all__ = ["Condition", "Recommendation", "Verdict", "recommend"]

_PREFIX = "finance.eligibility"


class Verdict(StrEnum):
    """Whether a firm qualifies."""

    ELIGIBLE = "eligible"
    UNDETERMINED = "undetermined"
    NOT_ELIGIBLE = "not_eligible"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a product.

    Attributes
    ----------
    field : str
        What is looked at.
    label : Bilingual
        The condition in words.
    value : object
        What is known of the firm or its rights; None is unknown.
    is_met : bool or None
        None where the value is unknown: unknown is not failed.
    """

    field: str
    label: Bilingual
    value: Any
    is_met: bool | None


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One product for one firm.

    Attributes
    ----------
    product : str
        Name.
    label : Bilingual
        What a reader sees.
    verdict : Verdict
        Over all conditions.
    conditions : tuple of Condition
        Each with what is known.
    amount_cny : float or None
        Loan it would give.
    cost, cost_low, cost_high : float or None
        Total cost of finance, fraction a year, with 5 % and 95 % over what is not known of default and loss; None where no price is
        published or no design exists.
    note : Bilingual
        Why there is no cost, or what the cost is.
    source : Source
        Of the conditions.
    """

    product: str
    label: Bilingual
    verdict: Verdict
    conditions: tuple[Condition, ...]
    amount_cny: float | None
    cost: float | None
    cost_low: float | None
    cost_high: float | None
    note: Bilingual
    source: Source

    @property
    def missing(self) -> tuple[Condition, ...]:
        """Conditions that are not met, and after them those that are not known."""
        return tuple(sorted((c for c in self.conditions if not c.is_met), key=lambda c: c.is_met is None))


def recommend(
    firm: Firm, rights: Sequence[PledgedRight], spec: PledgeSpec, book: ParameterBook, as_of: date, *,
    register: PledgeRegister | None = None, draws: int = 60, seed: int = 1,
) -> tuple[Recommendation, ...]:  # fmt: skip
    """Return every product with its verdict; eligible ones first, cheapest first.

    Parameters
    ----------
    firm : Firm
        What it states; what it leaves out is unknown.
    rights : sequence of PledgedRight
        Valued rights.
    spec : PledgeSpec
        Policy of the lender.
    book, as_of
        Parameters and day.
    register : PledgeRegister, optional
        Of pledges; without it earlier pledges are unknown.
    draws, seed : int
        As in `propose`.
    """
    proposal: Proposal | None
    try:
        proposal, why = propose(firm, rights, spec, book, as_of, draws=draws, seed=seed), None
    except NotAdmissibleError as err:
        proposal, why = None, str(err)
    facts = _facts(firm, rights, proposal, register)
    found = []
    for path in book.paths(_PREFIX):
        try:
            product = book.at(path, as_of)
        except ParameterError:
            continue  # not offered yet on that day
        conditions = tuple(_condition(plain, facts) for plain in product.value["conditions"])
        met = [c.is_met for c in conditions]
        verdict = Verdict.NOT_ELIGIBLE if False in met else Verdict.UNDETERMINED if None in met else Verdict.ELIGIBLE
        cost, note = _cost(product.value["cost"], proposal, why)
        amount = None if proposal is None else proposal.amount_cny
        found.append(
            Recommendation(
                path.removeprefix(f"{_PREFIX}."),
                product.label,
                verdict,
                conditions,
                amount,
                *cost,
                note,
                product.source,
            )
        )
    order = list(Verdict)
    return tuple(sorted(found, key=lambda r: (order.index(r.verdict), r.cost is None, r.cost or 0.0, r.product)))


def _facts(
    firm: Firm, rights: Sequence[PledgedRight], proposal: Proposal | None, register: PledgeRegister | None
) -> dict[str, Any]:
    def of_all(values: list[bool | None], bad: bool) -> bool | None:
        """Return the bad value where one right has it, None where one is unknown, else the good one."""
        return bad if bad in values else None if None in values else not bad

    lives = [r.remaining_life_years for r in rights]
    facts = {name: getattr(firm, name) for name in firm.__dataclass_fields__}
    facts |= {
        "is_annuity_paid": of_all([r.is_annuity_paid for r in rights], False),
        "has_invalidation_petition": of_all([r.has_invalidation_petition for r in rights], True),
        "is_pledged_already": None if register is None else not all(register.is_free(r.right_id) for r in rights),
        "remaining_life_years": None if None in lives else min(life for life in lives if life is not None),
        "amount_cny": None if proposal is None else proposal.amount_cny,
        "least_growth_of_three_years": min(firm.sales_growth[-3:]) if len(firm.sales_growth) >= 3 else None,
        "is_granted": True if rights else None,
    }
    return facts


_NAMES: Mapping[str, Bilingual] = {
    "is_annuity_paid": Bilingual("年费已缴", "annuities paid"),
    "has_invalidation_petition": Bilingual("存在无效宣告请求", "a petition for invalidation is pending"),
    "is_pledged_already": Bilingual("已被质押", "pledged already"),
    "amount_cny": Bilingual("按价值可贷金额（元）", "loan that the value carries, CNY"),
    "asked_cny": Bilingual("申请金额（元）", "loan asked for, CNY"),
    "region": Bilingual("所在地区", "region"),
    "assets_cny": Bilingual("总资产（元）", "total assets, CNY"),
    "sales_cny": Bilingual("年销售额（元）", "sales of a year, CNY"),
    "remaining_life_years": Bilingual("最短剩余保护期（年）", "least remaining life, years"),
    "months": Bilingual("期限（月）", "term, months"),
    "is_small": Bilingual("中小企业", "small or medium enterprise"),
    "is_granted": Bilingual("专利已授权", "patents granted"),
    "pool_loans": Bilingual("可同池的贷款笔数", "loans that could be pooled"),
    "least_growth_of_three_years": Bilingual("近三年最低销售增长率", "least growth of sales in three years"),
}


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:g}"


def _condition(plain: Mapping[str, Any], facts: Mapping[str, Any]) -> Condition:
    name = plain["field"]
    value, label = facts[name], _NAMES[name]
    if "is" in plain:
        asked = Bilingual(
            f"{label.zh}：{'是' if plain['is'] else '否'}", f"{label.en}: {'yes' if plain['is'] else 'no'}"
        )
        return Condition(name, asked, value, None if value is None else value is plain["is"])
    if "within" in plain:
        names = plain["within"]
        asked = Bilingual(f"{label.zh}：{'、'.join(names)}", f"{label.en}: {', '.join(names)}")
        met = None if value is None else any(str(n).casefold() in str(value).casefold() for n in names)
        return Condition(name, asked, value, met)
    if "least" in plain:
        asked = Bilingual(
            f"{label.zh}不低于 {_number(plain['least'])}", f"{label.en}: {_number(plain['least'])} or more"
        )
        return Condition(name, asked, value, None if value is None else value >= plain["least"])
    asked = Bilingual(f"{label.zh}不超过 {_number(plain['most'])}", f"{label.en}: up to {_number(plain['most'])}")
    return Condition(name, asked, value, None if value is None else value <= plain["most"])


Cost = tuple[float | None, float | None, float | None]
_NONE: Cost = (None, None, None)


def _cost(kind: str, proposal: Proposal | None, why: str | None) -> tuple[Cost, Bilingual]:
    if kind == "none":
        return _NONE, Bilingual(
            "价格未公布，或只随其他产品计价", "No price is published, or it is priced with other products only"
        )
    if proposal is None:
        return _NONE, Bilingual(f"无法计算：{why}", f"Cannot be computed: {why}")
    if kind in PROGRAMMES:
        at = next(c.programme for c in proposal.comparisons if c.programme.spec.name == kind)
    elif kind == "linked":
        at = proposal.settled.bundle
    else:
        alone = proposal.linked.only(frozenset())
        at = design(replace(alone, public=PublicMoney()), proposal.need, proposal.risk)
    if isinstance(at, NoBundle):
        reasons = at.breaches
        return _NONE, Bilingual(
            "无可行条款：" + "；".join(b.label.zh for b in reasons),
            "No terms exist: " + "; ".join(b.label.en for b in reasons),
        )
    again = (design(at.spec, at.need, drawn) for drawn in proposal.drawn)
    costs = [b.cost for b in again if isinstance(b, Bundle)]
    if len(costs) < max(len(proposal.drawn) / 2, 1):
        return (at.cost, None, None), Bilingual(
            "多数不确定情形下无可行条款", "In most draws of what is not known there are no terms"
        )
    low, high = np.quantile(costs, [0.05, 0.95]).tolist()
    return (at.cost, low, high), Bilingual("利率、费用与补贴合计，年化", "Rate, prices and fees less subsidies, a year")
