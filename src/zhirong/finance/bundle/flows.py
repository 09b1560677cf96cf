"""The dated flows of a bundle as the firm signs them, and who pays whom in expectation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from zhirong.finance.bundle.design import Bundle
from zhirong.finance.bundle.programmes import LABELS
from zhirong.finance.schedules import CostOfFinance, Flow, LoanSpec, Repayment, add_months, cost_of_finance, schedule
from zhirong.kernel.money import Money
from zhirong.kernel.text import Bilingual

__all__ = ["Transfer", "dated_cost", "transfers"]

_SUBSIDY_LAG_MONTHS = 3


@dataclass(frozen=True, slots=True)
class Transfer:
    """An expected payment of a year, CNY, from one party to another.

    Attributes
    ----------
    payer, payee : str
        Party names; ``firm``, ``purse``, ``funders``, ``costs`` besides those of the bundle.
    label : Bilingual
        What is paid.
    amount_cny : float
        0 or more.
    """

    payer: str
    payee: str
    label: Bilingual
    amount_cny: float


def dated_cost(bundle: Bundle, start: date) -> CostOfFinance:
    """Return the internal rate of all signed flows: interest each quarter, principal at maturity, prices in advance each year.

    Subsidies arrive three months after the year that earned them. The linear cost of the design counts a year's flows without their
    dates; the two differ by timing and compounding.
    """
    need = bundle.need
    principal = Money.from_float(need.amount_cny, "CNY")
    between = 3 if need.months % 3 == 0 else 1
    terms = LoanSpec(principal, bundle.rate, start, need.months, Repayment.INTEREST_ONLY, between)
    loan = schedule(terms)
    others: list[Flow] = []

    def add(month: int, share: float, label: Bilingual, *, is_public: bool = False) -> None:
        amount = Money.from_float(need.amount_cny * share, "CNY")
        if amount.minor:
            day = add_months(start, month)
            others.append(Flow(day, amount if is_public else -amount, label, is_public))

    add(0, need.appraisal_fee_cny / need.amount_cny, Bilingual("评估费", "Appraisal fee"))
    for year in range(-(-need.months // 12)):
        part = min(need.years - year, 1.0)
        for name, price in bundle.prices.items():
            add(12 * year, price * part, Bilingual(f"{LABELS[name].zh}费用", f"Price of the {LABELS[name].en}"))
        fees = bundle.fixed - need.appraisal_fee_cny / need.amount_cny / need.years
        add(12 * year, fees * part, Bilingual("固定费用", "Fixed fees"))
        add(12 * year, bundle.kicker * part, Bilingual("股权激励（预期价值）", "Equity kicker, expected value"))
        paid_at = min(12 * (year + 1), need.months) + _SUBSIDY_LAG_MONTHS
        for share, zh, en in (
            (bundle.interest_subsidy, "贴息", "Interest subsidy"),
            (bundle.premium_subsidy, "保费补贴", "Refund of premiums"),
            (bundle.appraisal_subsidy, "评估费补贴", "Refund of the appraisal fee"),
        ):
            add(paid_at, share * part, Bilingual(zh, en), is_public=True)
    return cost_of_finance(loan, others)


def transfers(bundle: Bundle) -> tuple[Transfer, ...]:
    """Return expected payments of a year between parties; what the bank receives it pays out or keeps, to the cent.

    Losses appear as what each party bears of them: cover paid to the bank by protectors and pool, and the part that stays with it.
    """
    amount, loss = bundle.need.amount_cny, bundle.risk.expected_loss
    bank = bundle.spec.bank
    found: list[Transfer] = []

    def add(payer: str, payee: str, zh: str, en: str, share: float) -> None:
        if share * amount > 0.005:
            found.append(Transfer(payer, payee, Bilingual(zh, en), share * amount))

    add("firm", "bank", "利息", "Interest", bundle.rate)
    add("firm", "bank", "股权激励", "Equity kicker", bundle.kicker)
    for name, price in bundle.prices.items():
        add("firm", name, "保费或担保费", "Premium or fee", price)
    add("firm", "costs", "评估费与固定费用", "Appraisal and fixed fees", bundle.fixed)
    add(
        "purse",
        "firm",
        "贴息与补贴",
        "Subsidies",
        bundle.interest_subsidy + bundle.premium_subsidy + bundle.appraisal_subsidy,
    )
    add("purse", "pool", "风险池预期代偿", "Expected payout of the pool", loss * bundle.shares.get("pool", 0.0))
    for name in (*bundle.prices, "pool"):
        add(name, "bank", "预期赔付", "Expected cover", loss * bundle.shares.get(name, 0.0))
    add("bank", "losses", "预期损失", "Expected loss", loss)
    add("bank", "funders", "资金成本", "Cost of funds", _funding(bundle))
    add("bank", "costs", "运营成本", "Operating cost", bank.opex)
    return tuple(found)


def _funding(bundle: Bundle) -> float:
    bank, t = bundle.spec.bank, bundle.spec.take_out
    if t is None or not bundle.is_taken_out:
        return bank.cost_of_funds
    return bank.cost_of_funds * t.kept + t.coupon * (1 - t.kept) + t.fee
