"""Who gets what of a fund: capital back, preferred return, catch-up, carried interest; by the whole fund or deal by deal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zhirong.kernel.errors import ConvergenceError, DomainError
from zhirong.numerics.loans import internal_rate

__all__ = ["FundSplit", "split_by_deal", "split_by_fund"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FundSplit:
    """Distributions between investors and manager.

    Attributes
    ----------
    investors, manager : ndarray, shape (n,)
        Received at each date; they add up to the proceeds.
    preferred, catch_up : float
        Preferred return paid, and the manager's catch-up on it.
    paid_in : float
        Capital called.
    dpi : float
        Distributions to investors over capital paid in.
    investor_rate : float or None
        Internal rate of the investors' flows, effective a year; None where nothing comes back, or none lies
        between -99 % and 10,000 %.
    """

    investors: Floats
    manager: Floats
    preferred: float
    catch_up: float
    paid_in: float
    dpi: float
    investor_rate: float | None


def _check(years: Floats, calls: Floats, proceeds: Floats, hurdle: float, carry: float, catch_up: float) -> None:
    wrong = []
    if years.ndim != 1 or not years.size or not np.isfinite(years).all() or (np.diff(years) < 0).any() or years[0] < 0:
        wrong.append("field years: allowed: one or more, 0 or later, not falling")
    for name, x in (("calls", calls), ("proceeds", proceeds)):
        if x.shape != years.shape or not (np.isfinite(x).all() and (x >= 0).all()):
            wrong.append(f"field {name}: allowed: one for each date, finite, 0 or more")
    if calls.size and not calls.sum() > 0:
        wrong.append("field calls: all 0; allowed: some capital")
    for name, value, high in (("hurdle", hurdle, 1.0), ("carry", carry, 0.99), ("catch_up", catch_up, 1.0)):
        if not (np.isfinite(value) and 0 <= value <= high):
            wrong.append(f"field {name}: {value}; allowed: 0 to {high:g}")
    if 0 < catch_up <= carry:
        wrong.append(
            f"field catch_up: {catch_up}; allowed: 0, or above the carry {carry}: the manager would never catch up"
        )
    if wrong:
        raise DomainError("; ".join(wrong))


def split_by_fund(
    years: Floats, calls: Floats, proceeds: Floats, *, hurdle: float = 0.08, carry: float = 0.2, catch_up: float = 1.0
) -> FundSplit:
    """Split by the whole fund (European): nothing to the manager before all capital called and its preferred return are back.

    Parameters
    ----------
    years : ndarray, shape (n,)
        Dates, not falling.
    calls, proceeds : ndarray, shape (n,)
        Capital called, and proceeds, at each; calls of a date come first.
    hurdle : float
        Preferred return, compound, fraction a year.
    carry : float
        Manager's share of profit.
    catch_up : float
        Manager's share while it catches up: 1 full, 0 none (carry on what exceeds the hurdle only).

    Notes
    -----
    Tiers: capital; preferred return on it; `catch_up` to the manager until it has `carry` of all profit paid; then `carry`.
    """
    t, called, money = (np.asarray(x, np.float64) for x in (years, calls, proceeds))
    _check(t, called, money, hurdle, carry, catch_up)
    investors, manager = np.zeros(t.size), np.zeros(t.size)
    capital = accrued = preferred = caught = 0.0
    last = float(t[0])
    for k in range(t.size):
        accrued = (capital + accrued) * (1 + hurdle) ** (float(t[k]) - last) - capital
        last = float(t[k])
        capital += float(called[k])
        left = float(money[k])
        for_capital = min(left, capital)
        capital, left = capital - for_capital, left - for_capital
        for_return = min(left, accrued)
        accrued, left, preferred = accrued - for_return, left - for_return, preferred + for_return
        to_manager = 0.0
        if catch_up > 0 and capital == 0.0 and accrued <= 1e-12:
            # Caught up: manager = carry (preferred + all paid while catching up), of which the manager takes the part `catch_up`.
            owed = max(carry * preferred / (1 - carry / catch_up) - caught, 0.0)
            taken = min(left * catch_up, owed)
            spent = taken / catch_up
            caught, left, to_manager = caught + taken, left - spent, taken
            investors[k] += spent - taken
        manager[k] = to_manager + carry * left
        investors[k] += for_capital + for_return + (1 - carry) * left
    return _split(t, called, money, investors, manager, preferred, caught)


def split_by_deal(
    deals: Sequence[tuple[Floats, Floats, Floats]], *, hurdle: float = 0.08, carry: float = 0.2, catch_up: float = 1.0
) -> tuple[FundSplit, ...]:
    """Split each deal on its own (American): the manager is paid on a good deal though another has lost.

    Parameters
    ----------
    deals : sequence of (years, calls, proceeds)
        As in `split_by_fund`, one a deal.
    """
    return tuple(split_by_fund(*deal, hurdle=hurdle, carry=carry, catch_up=catch_up) for deal in deals)


def _split(
    years: Floats, calls: Floats, proceeds: Floats, investors: Floats, manager: Floats, preferred: float, caught: float
) -> FundSplit:
    assert np.allclose(investors + manager, proceeds, rtol=1e-12, atol=1e-9), "proceeds are neither lost nor made"
    flows = investors - calls
    try:
        rate = internal_rate(years - years[0], flows) if (flows > 0).any() and (flows < 0).any() else None
    except ConvergenceError:
        rate = None
    paid = float(calls.sum())
    return FundSplit(investors, manager, preferred, caught, paid, float(investors.sum()) / paid, rate)
