"""What a loan costs the borrower when every fee and subsidy is counted at its date, and what it costs the public purse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from zhirong.finance.schedules.checks import within
from zhirong.finance.schedules.loans import LoanSchedule
from zhirong.kernel.errors import DomainError
from zhirong.kernel.money import Money
from zhirong.kernel.text import Bilingual
from zhirong.numerics.loans import internal_rate

__all__ = ["CostOfFinance", "Flow", "SubsidyRule", "cost_of_finance", "interest_subsidy", "xirr"]


@dataclass(frozen=True, slots=True)
class Flow:
    """One dated payment seen by the borrower: positive received, negative paid."""

    day: date
    amount: Money
    label: Bilingual
    is_public: bool = False


@dataclass(frozen=True, slots=True)
class SubsidyRule:
    """A share of something paid, refunded later up to a cap.

    Parameters
    ----------
    label : Bilingual
        What a reader sees.
    share : float
        Of the base, 0 to 1.
    cap : Money
        Most for the firm; 0 or more.
    paid_on : date
        Day the money arrives.
    most_months : int
        Only what falls due within these months of the start counts (interest).
    """

    label: Bilingual
    share: float
    cap: Money
    paid_on: date
    most_months: int = 12

    def __post_init__(self) -> None:
        within("share", self.share, 0, 1)
        within("cap", self.cap.minor, 0, 2**52)
        within("most_months", self.most_months, 1, 480, is_whole=True)

    def of(self, base: Money) -> Flow:
        """Return the refund on an amount paid."""
        if base.minor < 0:
            raise DomainError(f"field base: {base}; allowed: 0 or more")
        due = Money(min(round(base.minor * self.share), self.cap.minor), base.currency)
        return Flow(self.paid_on, due, self.label, is_public=True)


def interest_subsidy(rule: SubsidyRule, loan: LoanSchedule, reference_rate: float) -> Flow:
    """Return the interest subsidy (贴息): a share of the reference rate on the balance, no more than the interest paid.

    Parameters
    ----------
    rule : SubsidyRule
        Share of the reference rate (e.g. 50 % of LPR), cap, day.
    loan : LoanSchedule
        The loan.
    reference_rate : float
        Fraction a year; the loan's own rate where that is lower.

    Returns
    -------
    Flow
    """
    within("reference_rate", reference_rate, 0, 1)
    opening = np.concatenate([[loan.principal_minor], loan.balance[:-1]]).astype(np.float64)
    months = np.array([(d.year - loan.start.year) * 12 + d.month - loan.start.month for d in loan.dates])
    counted = months <= rule.most_months
    rates = np.minimum(loan.rates, reference_rate)
    base = float((opening * rates * loan.year_fractions)[counted].sum())
    due = min(round(base * rule.share), rule.cap.minor, int(loan.interest[counted].sum()))
    return Flow(rule.paid_on, Money(due, loan.currency), rule.label, is_public=True)


def xirr(days: Sequence[date], amounts: Sequence[float]) -> float:
    """Return the effective annual rate of dated signed flows, ACT/365F from the first day; see `internal_rate`."""
    if not days or len(days) != len(amounts):
        raise DomainError("xirr needs one day for each amount")
    first = min(days)
    return internal_rate(np.array([(d - first).days / 365 for d in days]), np.asarray(amounts, np.float64))


@dataclass(frozen=True, slots=True)
class CostOfFinance:
    """Total cost of a loan.

    Attributes
    ----------
    borrower_rate : float
        Internal rate of the borrower's flows after subsidies, effective a year.
    before_subsidy_rate : float
        The same without public money: the system's rate, which cannot be lowered by moving cost to the taxpayer.
    public_cost : Money
        Subsidies, undiscounted.
    flows : tuple of Flow
        All of them, by date.
    """

    borrower_rate: float
    before_subsidy_rate: float
    public_cost: Money
    flows: tuple[Flow, ...]


def cost_of_finance(loan: LoanSchedule, others: Sequence[Flow]) -> CostOfFinance:
    """Return the internal rate of all signed flows of a loan, its fees and its subsidies.

    Parameters
    ----------
    loan : LoanSchedule
        The loan.
    others : sequence of Flow
        Premiums and fees (negative), subsidies (positive, `is_public`).

    Returns
    -------
    CostOfFinance
    """
    for flow in others:
        if flow.amount.currency != loan.currency:
            raise DomainError(f"field others: {flow.label.en} is in {flow.amount.currency}; allowed: {loan.currency}")
        if flow.is_public and flow.amount.minor < 0:
            raise DomainError(f"field others: {flow.label.en} is public and negative; allowed: 0 or more")
    flows = [Flow(loan.start, Money(loan.principal_minor, loan.currency), Bilingual("放款", "Disbursement"))]
    due = Bilingual("还本付息", "Instalment")
    flows += [Flow(d, Money(-int(x), loan.currency), due) for d, x in zip(loan.dates, loan.payment, strict=True)]
    flows = sorted([*flows, *others], key=lambda f: f.day)
    private = [f for f in flows if not f.is_public]
    public = sum(f.amount.minor for f in flows if f.is_public)
    return CostOfFinance(
        xirr([f.day for f in flows], [float(f.amount.minor) for f in flows]),
        xirr([f.day for f in private], [float(f.amount.minor) for f in private]),
        Money(public, loan.currency),
        tuple(flows),
    )
