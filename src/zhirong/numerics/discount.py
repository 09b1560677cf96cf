"""Discount rates: built up, by CAPM and WACC with relevering, between bases, and reconciled with the assets they serve.

All functions take numbers or arrays that broadcast, and return what they broadcast to. Rates are fractions a year.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize

from zhirong.kernel.errors import ConvergenceError, DomainError

__all__ = [
    "Reconciliation",
    "before_tax_rate",
    "built_up",
    "cost_of_equity",
    "nominal_rate",
    "rate_in_currency",
    "real_rate",
    "reconcile_assets",
    "relevered_beta",
    "residual_return",
    "unlevered_beta",
    "weighted_cost",
]

Floats = NDArray[np.float64]


def _floats(*values: ArrayLike) -> list[Floats]:
    found = [np.asarray(v, np.float64) for v in values]
    if not all(np.isfinite(v).all() for v in found):
        raise DomainError("rates are finite numbers")
    return found


def _share(name: str, value: Floats) -> None:
    if (value < 0).any() or (value >= 1).any():
        raise DomainError(f"{name} is a fraction from 0 to below 1")


def built_up(*parts: ArrayLike) -> Floats:
    """Return the sum of a risk-free rate and its premia, as the appraisal guideline adds them.

    Examples
    --------
    >>> round(float(built_up(0.03, 0.05, 0.02, 0.03)), 10)
    0.13
    """
    if not parts:
        raise DomainError("a rate is built up of at least one part")
    return np.asarray(sum(_floats(*parts)), np.float64)


def unlevered_beta(levered: ArrayLike, debt_to_equity: ArrayLike, tax_rate: ArrayLike) -> Floats:
    """Return the beta of the business alone, ``levered / (1 + (1 - tax) D/E)`` (Hamada 1972).

    References
    ----------
    Hamada (1972), The effect of the firm's capital structure on the systematic risk of common stocks, *J. Finance* 27, 435-452.
    """
    beta, ratio, tax = _floats(levered, debt_to_equity, tax_rate)
    _share("tax_rate", tax)
    if (ratio < 0).any():
        raise DomainError("debt_to_equity is 0 or more")
    return np.asarray(beta / (1 + (1 - tax) * ratio), np.float64)


def relevered_beta(unlevered: ArrayLike, debt_to_equity: ArrayLike, tax_rate: ArrayLike) -> Floats:
    """Return the beta at a structure of capital, ``unlevered (1 + (1 - tax) D/E)``; the inverse of `unlevered_beta`."""
    beta, ratio, tax = _floats(unlevered, debt_to_equity, tax_rate)
    _share("tax_rate", tax)
    if (ratio < 0).any():
        raise DomainError("debt_to_equity is 0 or more")
    return np.asarray(beta * (1 + (1 - tax) * ratio), np.float64)


def cost_of_equity(
    risk_free: ArrayLike,
    beta: ArrayLike,
    equity_premium: ArrayLike,
    *,
    size: ArrayLike = 0.0,
    specific: ArrayLike = 0.0,
) -> Floats:
    """Return the cost of equity by CAPM with premia for size and for what is specific: ``rf + beta ERP + size + specific``."""
    rf, b, premium, small, own = _floats(risk_free, beta, equity_premium, size, specific)
    return np.asarray(rf + b * premium + small + own, np.float64)


def weighted_cost(
    equity_cost: ArrayLike, debt_cost: ArrayLike, *, debt_share: ArrayLike, tax_rate: ArrayLike
) -> Floats:
    """Return the weighted average cost of capital after tax, ``(1 - w) ke + w kd (1 - tax)``.

    Examples
    --------
    >>> round(float(weighted_cost(0.12, 0.06, debt_share=0.4, tax_rate=0.25)), 10)
    0.09
    """
    ke, kd, w, tax = _floats(equity_cost, debt_cost, debt_share, tax_rate)
    _share("debt_share", w)
    _share("tax_rate", tax)
    return np.asarray((1 - w) * ke + w * kd * (1 - tax), np.float64)


def real_rate(nominal: ArrayLike, inflation: ArrayLike) -> Floats:
    """Return the real rate, ``(1 + nominal)/(1 + inflation) - 1`` (Fisher 1930).

    Examples
    --------
    >>> round(float(real_rate(0.12, 0.02)), 10)
    0.0980392157
    """
    r, i = _floats(nominal, inflation)
    _above(r, i)
    return np.asarray((r - i) / (1 + i), np.float64)


def nominal_rate(real: ArrayLike, inflation: ArrayLike) -> Floats:
    """Return the nominal rate, ``(1 + real)(1 + inflation) - 1``; the inverse of `real_rate`."""
    r, i = _floats(real, inflation)
    _above(r, i)
    return np.asarray(r + i + r * i, np.float64)


def rate_in_currency(rate: ArrayLike, *, inflation_from: ArrayLike, inflation_to: ArrayLike) -> Floats:
    """Return a nominal rate of one currency in another: the real rate stays (relative purchasing power).

    Notes
    -----
    ``(1 + r)(1 + i_to)/(1 + i_from) - 1``. Flows turned at the forward rates that the same inflations imply have the same value.
    """
    return nominal_rate(real_rate(rate, inflation_from), inflation_to)


def _above(*rates: Floats) -> None:
    if any((r <= -1).any() for r in rates):
        raise DomainError("a rate is above -1")


def before_tax_rate(after_tax: float, flows_before: Floats, flows_after: Floats, times: Floats) -> float:
    """Return the rate at which flows before tax are worth what flows after tax are worth after tax.

    Parameters
    ----------
    after_tax : float
        Rate after tax.
    flows_before, flows_after : ndarray, shape (n,)
        The same flows before and after tax.
    times : ndarray, shape (n,)
        Years at which they arrive.

    Returns
    -------
    float

    Raises
    ------
    DomainError
        For flows without positive value.
    ConvergenceError
        When no rate from -90 % to 1,000 % does it.

    Notes
    -----
    Dividing by ``1 - tax`` is right only for a level perpetuity; for a patent of few years it is wrong, so the rate is solved for
    (IAS 36, BCZ85: the pre-tax rate is the post-tax rate adjusted for the amount and timing of the tax flows).
    """
    before, after, at = (np.asarray(v, np.float64) for v in (flows_before, flows_after, times))
    if not (before.shape == after.shape == at.shape) or before.ndim != 1 or not len(before):
        raise DomainError("flows and times are of one length, at least 1")
    _above(np.asarray(after_tax))
    target = float(np.sum(after * (1 + after_tax) ** -at))
    if target <= 0 or not np.isfinite(target):
        raise DomainError("the flows after tax have no positive value, so no rate belongs to them")

    def gap(rate: float) -> float:
        return float(np.sum(before * np.exp(np.minimum(-at * np.log1p(rate), 650.0)))) - target

    try:
        return float(optimize.brentq(gap, -0.9, 10.0, xtol=1e-14, rtol=1e-14))
    except ValueError:
        raise ConvergenceError(
            "no rate from -90 % to 1,000 % gives the flows before tax the value of those after tax"
        ) from None


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The weighted return on assets against the cost of capital.

    Parameters
    ----------
    asset_return : float
        WARA: returns of the assets, weighted by value.
    gap : float
        WARA less the cost of capital.
    is_reconciled : bool
        The gap is within the tolerance.
    """

    asset_return: float
    gap: float
    is_reconciled: bool


def reconcile_assets(values: Floats, returns: Floats, cost: float, *, tolerance: float = 0.01) -> Reconciliation:
    """Return whether the returns asked of the assets add up to the cost of the capital that pays for them.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Fair values of all assets of the business, the residual goodwill included; 0 or more, not all 0.
    returns : ndarray, shape (n,)
        Return after tax asked of each.
    cost : float
        Weighted average cost of capital, or the internal rate of return of the price.
    tolerance : float
        Largest gap, fraction a year; a percentage point by custom.
    """
    v, r = _floats(values, returns)
    if v.shape != r.shape or v.ndim != 1 or (v < 0).any() or v.sum() <= 0:
        raise DomainError("values and returns are of one length; values are 0 or more, and not all 0")
    found = float(np.sum(v * r) / v.sum())
    return Reconciliation(found, found - cost, abs(found - cost) <= tolerance)


def residual_return(values: Floats, returns: Floats, cost: float, residual_value: float) -> float:
    """Return the return on the last asset that makes the assets add up: what goodwill must then earn.

    Raises
    ------
    DomainError
        For a residual of no value.
    """
    v, r = _floats(values, returns)
    if residual_value <= 0:
        raise DomainError("residual_value is above 0")
    return float((cost * (v.sum() + residual_value) - np.sum(v * r)) / residual_value)
