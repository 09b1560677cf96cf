"""One loan by contract: dates, rates fixed or floating, instalments in whole minor units."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from zhirong.finance.schedules.calendars import Calendar, Roll, add_months, adjust, is_provisional
from zhirong.finance.schedules.checks import within
from zhirong.finance.schedules.curves import RateSeries
from zhirong.finance.schedules.daycount import DayCount, year_fraction
from zhirong.kernel.errors import DomainError
from zhirong.kernel.money import Money
from zhirong.numerics.loans import BULLET, BULLET_AT_END, EQUAL_PRINCIPAL, LEVEL, repay

__all__ = ["Draw", "FloatingRate", "LoanSchedule", "LoanSpec", "Repayment", "revolving_schedule", "schedule"]


class Repayment(StrEnum):
    """How principal comes back."""

    LEVEL = "level"
    EQUAL_PRINCIPAL = "equal_principal"
    INTEREST_ONLY = "interest_only"
    BULLET = "bullet"


_KERNEL = {
    Repayment.LEVEL: LEVEL,
    Repayment.EQUAL_PRINCIPAL: EQUAL_PRINCIPAL,
    Repayment.INTEREST_ONLY: BULLET,
    Repayment.BULLET: BULLET_AT_END,
}


@dataclass(frozen=True, slots=True)
class FloatingRate:
    """A published rate plus a margin, fixed anew every `reset_months`.

    Parameters
    ----------
    index : RateSeries
        E.g. LPR.
    margin : float
        Fraction a year, added.
    reset_months : int
        1 to 120.
    floor : float
        Least rate of the loan, 0 or more.
    """

    index: RateSeries
    margin: float = 0.0
    reset_months: int = 12
    floor: float = 0.0

    def __post_init__(self) -> None:
        within("margin", self.margin, -0.2, 1)
        within("reset_months", self.reset_months, 1, 120, is_whole=True)
        within("floor", self.floor, 0, 1)

    def on(self, day: date) -> float:
        """Return the rate fixed on a day."""
        return max(self.index.at(day) + self.margin, self.floor)


@dataclass(frozen=True, slots=True)
class LoanSpec:
    """The terms that decide the flows of a loan.

    Parameters
    ----------
    principal : Money
        Lent on `start`; positive.
    rate : float or FloatingRate
        Fraction a year, 0 to 1, simple within a period.
    start : date
        Disbursement.
    months : int
        Term, 1 to 480, a multiple of the months between payments.
    repayment : Repayment
        How principal comes back; ``bullet`` pays interest at maturity too.
    months_between : int
        1 monthly, 3 quarterly, 6, 12.
    grace_periods : int
        Payment periods at the start without principal; fewer than there are.
    capitalise_grace : bool
        Interest of the grace period is added to the balance instead of paid.
    day_count, calendar, roll : DayCount, Calendar, Roll
        Counting of days; business days; where a date on a holiday goes. Interest runs to the moved date.
    """

    principal: Money
    rate: float | FloatingRate
    start: date
    months: int
    repayment: Repayment = Repayment.LEVEL
    months_between: int = 1
    grace_periods: int = 0
    capitalise_grace: bool = False
    day_count: DayCount = DayCount.ACT_360
    calendar: Calendar = Calendar.NONE
    roll: Roll = Roll.NONE

    def __post_init__(self) -> None:
        if self.principal.minor <= 0 or self.principal.minor > 2**52:
            raise DomainError(f"field principal: {self.principal}; allowed: above 0, to 2^52 minor units")
        if not isinstance(self.rate, FloatingRate):
            within("rate", self.rate, 0, 1)
        within("months", self.months, 1, 480, is_whole=True)
        within("months_between", self.months_between, 1, 12, is_whole=True)
        if self.months % self.months_between:
            raise DomainError(
                f"field months: {self.months}; allowed: a multiple of months_between {self.months_between}"
            )
        last = self.months // self.months_between - 1
        within("grace_periods", self.grace_periods, 0, last, is_whole=True)
        if self.repayment is Repayment.BULLET and self.capitalise_grace:
            raise DomainError("field capitalise_grace: True; allowed: False where interest is paid at maturity anyway")

    @property
    def periods(self) -> int:
        """Number of payments."""
        return self.months // self.months_between


@dataclass(frozen=True, slots=True)
class LoanSchedule:
    """Flows of one loan in whole minor units.

    Attributes
    ----------
    currency : str
        ISO 4217.
    principal_minor : int
        Lent.
    start : date
        Disbursement.
    dates : tuple of date
        Payments, rising.
    year_fractions, rates : ndarray of float, shape (n,)
        Length of each period and rate that held in it.
    interest, principal, balance : ndarray of int64, shape (n,)
        Paid on each date, and owed after it. Principal is negative where interest was capitalised.
    provisional : tuple of date
        Dates in years whose public holidays are not yet announced.
    """

    currency: str
    principal_minor: int
    start: date
    dates: tuple[date, ...]
    year_fractions: NDArray[np.float64]
    rates: NDArray[np.float64]
    interest: NDArray[np.int64]
    principal: NDArray[np.int64]
    balance: NDArray[np.int64]
    provisional: tuple[date, ...] = ()

    @property
    def payment(self) -> NDArray[np.int64]:
        """Interest and principal paid on each date, minor units."""
        return np.asarray(self.interest + self.principal * (self.principal > 0), np.int64) - self._capitalised()

    def _capitalised(self) -> NDArray[np.int64]:
        return np.asarray(np.where(self.principal < 0, self.interest, 0), np.int64)

    def present_value(self) -> float:
        """Return the worth of the payments at the contract rate, minor units; the principal, save for rounding.

        Notes
        -----
        Discounts by ``prod 1/(1+r f)``. Interest of a ``bullet`` is simple, so its worth is below the principal's over several
        periods.
        """
        factors = np.cumprod(1 / (1 + self.rates * self.year_fractions))
        return float(self.payment @ factors)


def schedule(spec: LoanSpec) -> LoanSchedule:
    """Return the payments of a loan, in whole minor units; the last instalment absorbs what rounding left.

    Parameters
    ----------
    spec : LoanSpec
        Terms.

    Returns
    -------
    LoanSchedule
        Principal paid adds up to the principal lent exactly.

    Raises
    ------
    ParameterError
        When a floating rate is not known at a fixing.
    """
    plain = [add_months(spec.start, k * spec.months_between) for k in range(spec.periods + 1)]
    moved = [spec.start, *(adjust(day, spec.calendar, spec.roll) for day in plain[1:])]
    if any(b <= a for a, b in itertools.pairwise(moved)):
        raise DomainError(f"field start: {spec.start}; two payment dates fall on one business day")
    fractions = np.array(
        [
            year_fraction(moved[k], moved[k + 1], spec.day_count, per_year=12 // spec.months_between,
                          period=(plain[k], plain[k + 1]))
            for k in range(spec.periods)
        ]
    )  # fmt: skip
    rates = _rates(spec, moved)
    book = repay(
        np.array([float(spec.principal.minor)]), np.array([_KERNEL[spec.repayment]]), np.array([0, spec.periods]),
        rates, fractions, grace=np.array([spec.grace_periods]), capitalise=np.array([spec.capitalise_grace]), unit=1.0,
    )  # fmt: skip
    interest, principal, balance = (np.rint(x).astype(np.int64) for x in (book.interest, book.principal, book.balance))
    assert principal.sum() == spec.principal.minor and balance[-1] == 0
    provisional = tuple(day for day in moved[1:] if is_provisional(day, spec.calendar))
    return LoanSchedule(
        spec.principal.currency, spec.principal.minor, spec.start, tuple(moved[1:]), fractions, rates, interest,
        principal, balance, provisional,
    )  # fmt: skip


def _rates(spec: LoanSpec, days: list[date]) -> NDArray[np.float64]:
    if not isinstance(spec.rate, FloatingRate):
        return np.full(spec.periods, float(spec.rate))
    each = max(spec.rate.reset_months // spec.months_between, 1)
    return np.array([spec.rate.on(days[k - k % each]) for k in range(spec.periods)])


@dataclass(frozen=True, slots=True)
class Draw:
    """A movement under a revolving limit: positive drawn, negative repaid, in minor units."""

    day: date
    minor: int


def revolving_schedule(
    limit: Money, draws: tuple[Draw, ...], rate: float | FloatingRate, start: date, months: int, *,
    commitment_fee: float = 0.0, day_count: DayCount = DayCount.ACT_360, months_between: int = 1,
) -> LoanSchedule:  # fmt: skip
    """Return the interest and commitment fee of a revolving limit, paid at each period's end; what is owed is repaid at the end.

    Parameters
    ----------
    limit : Money
        Most that may be owed.
    draws : tuple of Draw
        Rising dates within the term; the balance must stay between 0 and the limit.
    rate : float or FloatingRate
        As in `LoanSpec`.
    start : date
        First day.
    months : int
        Term.
    commitment_fee : float
        Fraction a year of what is not drawn.
    day_count : DayCount
        Counting.
    months_between : int
        Between payments of interest.

    Returns
    -------
    LoanSchedule
        `interest` holds interest and commitment fee; `principal` is the net repaid in the period (negative for net draws).

    Raises
    ------
    DomainError
        When a draw breaks the limit or lies outside the term.
    """
    frame = LoanSpec(limit, rate, start, months, Repayment.INTEREST_ONLY, months_between)
    within("commitment_fee", commitment_fee, 0, 1)
    edges = [add_months(start, k * months_between) for k in range(frame.periods + 1)]
    if any(not start <= d.day < edges[-1] for d in draws) or any(b.day < a.day for a, b in itertools.pairwise(draws)):
        raise DomainError(f"field draws: dates must rise and lie from {start} to before {edges[-1]}")
    levels = np.cumsum([0, *(d.minor for d in draws)])
    if levels.min() < 0 or levels.max() > limit.minor:
        raise DomainError(
            f"field draws: the balance reaches {levels.min()} to {levels.max()}; allowed: 0 to {limit.minor}"
        )
    rates, days = _rates(frame, edges), [d.day for d in draws]
    interest, ends, fractions = [], [], []
    for k in range(frame.periods):
        cuts = [edges[k], *(d for d in days if edges[k] < d < edges[k + 1]), edges[k + 1]]
        cost = 0.0
        for a, b in itertools.pairwise(cuts):
            owed = int(levels[sum(d <= a for d in days)])
            cost += year_fraction(a, b, day_count, per_year=12 // months_between) * (
                owed * rates[k] + (limit.minor - owed) * commitment_fee
            )
        interest.append(round(cost))
        ends.append(int(levels[sum(d < edges[k + 1] for d in days)]))
        fractions.append(year_fraction(edges[k], edges[k + 1], day_count, per_year=12 // months_between))
    ends[-1] = 0
    principal = -np.diff([0, *ends])
    return LoanSchedule(
        limit.currency, 0, start, tuple(edges[1:]), np.array(fractions), rates, np.array(interest, np.int64),
        np.asarray(principal, np.int64), np.array(ends, np.int64),
    )  # fmt: skip
