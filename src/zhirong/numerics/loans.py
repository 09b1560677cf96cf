"""Repayment of many loans at once: interest, principal and balance of every period of every loan.

Loans lie one after the other in flat arrays; loan i has the periods ``offsets[i]:offsets[i+1]``. Amounts may be in any unit; with
`unit` positive every payment is rounded to that unit and the last instalment absorbs the remainder, so that principal repaid
is principal lent, exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba as nb
import numpy as np
from numpy.typing import NDArray

from zhirong.kernel.errors import ConvergenceError, DomainError

__all__ = ["BULLET", "BULLET_AT_END", "EQUAL_PRINCIPAL", "LEVEL", "LoanBook", "internal_rate", "repay", "repay_regular"]

Floats = NDArray[np.float64]
LEVEL, EQUAL_PRINCIPAL, BULLET, BULLET_AT_END = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class LoanBook:
    """Flows of n loans, flat.

    Attributes
    ----------
    offsets : ndarray of int, shape (n+1,)
        Loan i has the entries ``offsets[i]:offsets[i+1]`` of the rest.
    interest, principal, balance : ndarray
        Interest paid, principal paid (negative where interest is capitalised in a grace period), balance after.
    """

    offsets: NDArray[np.int64]
    interest: Floats
    principal: Floats
    balance: Floats

    @property
    def payment(self) -> Floats:
        """Interest and principal."""
        return self.interest + self.principal


@nb.njit(cache=True)
def _round(x: Any, unit: Any) -> Any:
    return np.round(x / unit) * unit if unit > 0 else x


@nb.njit(cache=True)
def _level(balance: Any, factors: Any, first: Any, end: Any, annual: Any) -> Any:
    """Payment that repays the balance over the periods left at the rate of today."""
    each, is_regular = annual * factors[first], True
    for j in range(first + 1, end):
        is_regular = is_regular and factors[j] == factors[first]
    if is_regular:  # the closed form; expm1 and log1p keep it right where the rate is near 0
        return balance * each / -np.expm1(-(end - first) * np.log1p(each)) if each > 0 else balance / (end - first)
    discount, annuity = 1.0, 0.0
    for j in range(first, end):
        discount /= 1.0 + annual * factors[j]
        annuity += discount
    return balance / annuity


@nb.njit(cache=True)
def _repay(
    principal: Any, kind: Any, grace: Any, capitalise: Any, offsets: Any, rates: Any, factors: Any, unit: Any,
    interest: Any, paid: Any, after: Any,
) -> None:  # fmt: skip
    for i in range(principal.size):
        start, end = offsets[i], offsets[i + 1]
        balance, level, accrued, last_rate, share = principal[i], 0.0, 0.0, np.nan, 0.0
        for k in range(start, end):
            due = _round(balance * rates[k] * factors[k], unit)
            part = 0.0
            if k - start < grace[i] and k < end - 1:
                if capitalise[i]:
                    part = -due
            elif k == end - 1:
                part = balance
            elif kind[i] == 0:
                if rates[k] != last_rate:
                    level = _round(_level(balance, factors, k, end, rates[k]), unit)
                    last_rate = rates[k]
                part = min(max(level - due, 0.0), balance)
            elif kind[i] == 1:
                if share == 0.0:
                    share = _round(balance / (end - k), unit)
                part = min(share, balance)
            if kind[i] == 3:
                accrued += due
                due = accrued if k == end - 1 else 0.0
            balance -= part
            interest[k], paid[k], after[k] = due, part, balance


def repay(
    principal: Floats,
    kind: NDArray[np.int64],
    offsets: NDArray[np.int64],
    annual_rates: Floats,
    year_fractions: Floats,
    *,
    grace: NDArray[np.int64] | None = None,
    capitalise: NDArray[np.bool_] | None = None,
    unit: float = 0.0,
) -> LoanBook:
    """Return the flows of n loans.

    Parameters
    ----------
    principal : ndarray, shape (n,)
        Lent at the start, positive.
    kind : ndarray of int, shape (n,)
        `LEVEL`, `EQUAL_PRINCIPAL`, `BULLET` (interest each period) or `BULLET_AT_END` (simple interest, paid at maturity).
    offsets : ndarray of int, shape (n+1,)
        From 0, rising.
    annual_rates, year_fractions : ndarray, shape (offsets[-1],)
        Rate that holds in each period, not negative; length of the period in years. A level payment is computed anew when the
        rate changes.
    grace : ndarray of int, shape (n,), optional
        Periods at the start without principal.
    capitalise : ndarray of bool, shape (n,), optional
        Interest of the grace period is added to the balance.
    unit : float
        Rounding of interest and instalments, e.g. 1 for amounts in fen; 0 for none.

    Returns
    -------
    LoanBook

    Raises
    ------
    DomainError
        For shapes or signs that cannot be.

    Notes
    -----
    Level: ``A = B / sum_j prod_{l<=j} 1/(1+r f_l)``, which is ``P c/(1-(1+c)^-n)`` for equal periods.
    """
    lent, starts = np.ascontiguousarray(principal, np.float64), np.ascontiguousarray(offsets, np.int64)
    kinds = np.ascontiguousarray(kind, np.int64)
    free = np.zeros(lent.size, np.int64) if grace is None else np.ascontiguousarray(grace, np.int64)
    adds = np.zeros(lent.size, np.bool_) if capitalise is None else np.ascontiguousarray(capitalise, np.bool_)
    rates, factors = np.ascontiguousarray(annual_rates, np.float64), np.ascontiguousarray(year_fractions, np.float64)
    _check(lent, kinds, starts, free, adds, rates, factors)
    flows = [np.empty(rates.size) for _ in range(3)]
    _repay(lent, kinds, free, adds, starts, rates, factors, float(unit), *flows)
    return LoanBook(starts, *flows)


def _check(
    lent: Floats, kinds: NDArray[np.int64], starts: NDArray[np.int64], free: NDArray[np.int64], adds: NDArray[np.bool_],
    rates: Floats, factors: Floats,
) -> None:  # fmt: skip
    if kinds.shape != lent.shape or free.shape != lent.shape or adds.shape != lent.shape:
        raise DomainError("kind, grace and capitalise need one entry for each loan")
    if starts.shape != (lent.size + 1,) or starts[0] != 0 or (np.diff(starts) < 1).any():
        raise DomainError("offsets must start at 0 and rise, one more than loans")
    if rates.shape != (starts[-1],) or factors.shape != rates.shape:
        raise DomainError("annual_rates and year_fractions need one entry for each period")
    if not (np.isfinite(lent).all() and (lent > 0).all()):
        raise DomainError("principal must be positive")
    if not (np.isfinite(rates).all() and (rates >= 0).all() and np.isfinite(factors).all() and (factors >= 0).all()):
        raise DomainError("annual_rates and year_fractions must not be negative")
    if ((kinds < 0) | (kinds > 3)).any() or (free < 0).any() or (free >= np.diff(starts)).any():
        raise DomainError("kind must be 0 to 3, grace 0 to below the number of periods")


def repay_regular(
    principal: Floats, annual_rate: Floats, periods: NDArray[np.int64], kind: NDArray[np.int64], *, per_year: int = 12,
    grace: NDArray[np.int64] | None = None, unit: float = 0.0,
) -> LoanBook:  # fmt: skip
    """Return the flows of n fixed-rate loans with equal periods; see `repay`."""
    if per_year < 1:
        raise DomainError(f"per_year must be 1 or more, not {per_year}")
    count = np.ascontiguousarray(periods, np.int64)
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(count)])
    rates = np.repeat(np.asarray(annual_rate, np.float64), np.maximum(count, 0))
    return repay(principal, kind, offsets, rates, np.full(rates.size, 1 / per_year), grace=grace, unit=unit)


def internal_rate(years: Floats, amounts: Floats, *, low: float = -0.99, high: float = 100.0) -> float:
    """Return the effective annual rate at which signed flows are worth nothing.

    Parameters
    ----------
    years : ndarray, shape (k,)
        Times, from 0.
    amounts : ndarray, shape (k,)
        Positive received, negative paid; both signs must occur.
    low, high : float
        Where to look, fractions a year.

    Returns
    -------
    float
        Fraction a year; the root nearest 0 where there are several.

    Raises
    ------
    DomainError
        When flows have one sign only, or are not finite.
    ConvergenceError
        When there is no root between `low` and `high`.
    """
    t, flow = np.asarray(years, np.float64), np.asarray(amounts, np.float64)
    if t.shape != flow.shape or not (np.isfinite(t).all() and np.isfinite(flow).all()):
        raise DomainError("years and amounts must be finite, one time for each amount")
    if not ((flow > 0).any() and (flow < 0).any()):
        raise DomainError("an internal rate needs flows of both signs")
    grid = np.unique(np.concatenate([np.linspace(np.log1p(low), np.log1p(high), 800), [0.0]]))
    value = np.exp(-np.outer(grid, t)) @ flow
    at = np.flatnonzero(np.sign(value[:-1]) * np.sign(value[1:]) <= 0)
    if not at.size:
        raise ConvergenceError(f"no rate between {low} and {high} makes the flows worth nothing")
    k = at[np.argmin(np.minimum(np.abs(grid[at]), np.abs(grid[at + 1])))]
    return float(np.expm1(_bisect(t, flow, float(grid[k]), float(grid[k + 1]))))


def _bisect(t: Floats, flow: Floats, a: float, b: float) -> float:
    fa, fb = float(np.exp(-a * t) @ flow), float(np.exp(-b * t) @ flow)
    if np.sign(fa) * np.sign(fb) >= 0:
        return a if abs(fa) < abs(fb) else b  # the root is an end of the bracket, up to the last bits
    x = (a + b) / 2
    for _ in range(200):
        terms = np.exp(-x * t) * flow
        fx, slope = float(terms.sum()), float(-(t * terms).sum())
        a, b, fa = (x, b, fx) if np.sign(fx) == np.sign(fa) else (a, x, fa)
        step = x - fx / slope if slope else a
        new = step if a < step < b else (a + b) / 2
        if abs(new - x) < 1e-15 or fx == 0:
            break
        x = new
    return x
