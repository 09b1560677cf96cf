"""Price, life, duration and spread of a stream of expected cash."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

__all__ = ["discount_margin", "effective_duration", "flat_discount", "internal_rate", "present_value", "weighted_life"]

Floats = NDArray[np.float64]
_SHIFT = 1e-4


def flat_discount(years: Floats, rate: float) -> Floats:
    """Return discount factors of a flat rate a year, compounded yearly: ``(1 + rate)^-years``."""
    return np.asarray((1.0 + rate) ** -years)


def present_value(cash: Floats, years: Floats, rate: float) -> float:
    """Return the present value of cash at a flat rate."""
    return float(cash @ flat_discount(years, rate))


def weighted_life(principal: Floats, years: Floats) -> float | None:
    """Return the mean time of principal, weighted by its amount; None where there is none.

    Examples
    --------
    >>> weighted_life(np.array([50.0, 50.0]), np.array([1.0, 3.0]))
    2.0
    """
    total = float(principal.sum())
    return float(principal @ years) / total if total > 0 else None


def effective_duration(cash: Floats, years: Floats, rate: float) -> float | None:
    """Return the relative change of value for a change of the rate, by central difference; None of a worthless stream."""
    value = present_value(cash, years, rate)
    if value <= 0:
        return None
    up, down = present_value(cash, years, rate + _SHIFT), present_value(cash, years, rate - _SHIFT)
    return (down - up) / (2.0 * _SHIFT * value)


def internal_rate(cash: Floats, years: Floats, price: float) -> float | None:
    """Return the yearly rate at which cash is worth a price; None where it lies outside -95 % and 10,000 %."""
    return _solve(lambda rate: present_value(cash, years, rate) - price)


def discount_margin(cash: Floats, years: Floats, price: float, rate: float) -> float | None:
    """Return what must be added to a flat rate for the cash to be worth a price.

    With expected cash, losses included, it is the spread that is left after expected loss.
    """
    found = internal_rate(cash, years, price)
    return None if found is None else found - rate


def _solve(gap: object) -> float | None:
    low, high = -0.95, 100.0
    function = gap
    assert callable(function)
    if not np.isfinite(function(low)) or function(low) < 0 or function(high) > 0:
        return None
    return float(optimize.brentq(function, low, high, xtol=1e-14))
