"""What collateral can carry when its value moves over the term and its sale takes time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from zhirong.kernel.errors import DomainError
from zhirong.numerics.streams import stream_key

__all__ = ["DebtCapacity", "ValuePath", "debt_capacity", "realisable_paths"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ValuePath:
    """How values move and what a forced sale leaves.

    Attributes
    ----------
    decay : float
        Expected fall of the value, fraction a year.
    volatility : float
        Of the logarithm, for the root of a year.
    correlation : float
        Of the moves of two rights, 0 to 1.
    haircut : tuple of float
        Low, mode and high of the discount of a forced sale, fractions of value.
    months_to_sale : tuple of float
        Median months from default to money, and the standard deviation of its logarithm.
    sale_cost : float
        Fraction of proceeds.
    discount_rate : float
        At which money of the sale is brought back to the day of default, fraction a year.
    """

    decay: float
    volatility: float
    correlation: float
    haircut: tuple[float, float, float]
    months_to_sale: tuple[float, float]
    sale_cost: float
    discount_rate: float


def realisable_paths(
    values: Floats, names: tuple[str, ...], life_years: Floats, path: ValuePath, years: Floats, *, seed: int
) -> Floats:
    """Return what a forced sale of all rights together yields, were default at each date.

    Parameters
    ----------
    values : ndarray, shape (m, n)
        Joint draws of the market values of m rights today, CNY; rows belong together draw by draw.
    names : tuple of str
        Of the m rights; each has its own stream of random numbers, so their order does not matter.
    life_years : ndarray, shape (m,)
        Years until each right ends; it is worth nothing when sold later.
    path : ValuePath
        Assumptions.
    years : ndarray, shape (k,)
        Dates of default, years from today, rising.
    seed : int
        Of the streams.

    Returns
    -------
    ndarray, shape (k, n)
        CNY at the date of default, after haircut, time to sale and cost of sale.

    Notes
    -----
    ``V_t = V_0 exp((ln(1-d) - s^2/2) t + s W_t)`` with ``W = sqrt(rho) W_common + sqrt(1-rho) W_own``; haircut and time to sale are
    drawn once a path for the whole pledge, since one sale disposes of it. The value decays further until the sale.
    """
    worth = np.asarray(values, np.float64)
    if worth.ndim != 2 or worth.shape[0] != len(names) or not (np.isfinite(worth).all() and (worth >= 0).all()):
        raise DomainError("values: finite, 0 or more, one row for each name")
    count = worth.shape[1]
    common = _brownian("common", years, count, seed)
    rng = np.random.Generator(np.random.Philox(key=stream_key(seed, "pledge/sale")))
    low, mode, high = path.haircut
    kept = 1 - (rng.triangular(low, mode, high, count) if high > low else np.full(count, mode))
    delay = path.months_to_sale[0] / 12 * np.exp(path.months_to_sale[1] * rng.standard_normal(count))
    drift = np.log1p(-path.decay)
    factor = kept * (1 - path.sale_cost) * np.exp((drift - np.log1p(path.discount_rate)) * delay)
    total = np.zeros((len(years), count))
    for row, name in enumerate(names):
        own = _brownian(name, years, count, seed)
        moved = np.sqrt(path.correlation) * common + np.sqrt(1 - path.correlation) * own
        grown = np.exp((drift - path.volatility**2 / 2) * years[:, None] + path.volatility * moved)
        total += np.where(years[:, None] + delay <= life_years[row], worth[row] * grown, 0.0)
    return np.asarray(total * factor, np.float64)


def _brownian(name: str, years: Floats, count: int, seed: int) -> Floats:
    rng = np.random.Generator(np.random.Philox(key=stream_key(seed, f"pledge/path/{name}")))
    steps = np.sqrt(np.diff(np.concatenate([[0.0], years])))
    return np.asarray(np.cumsum(rng.standard_normal((len(years), count)) * steps[:, None], axis=0), np.float64)


@dataclass(frozen=True, slots=True)
class DebtCapacity:
    """Largest loan that keeps the shortfall probability.

    Attributes
    ----------
    amount : float
        Largest loan with ``P(value < debt at any date of the term) <= epsilon``.
    low, high : float
        95 % interval of `amount` from the finite number of draws (order statistics).
    pointwise : float
        Largest loan with ``P(value < debt) <= epsilon`` at each date taken alone; not below `amount`.
    worst_date : int
        Index of the date that decides `pointwise`.
    ratios : ndarray, shape (n,)
        Of each path, the loan at which its worst date is just covered, sorted.
    """

    amount: float
    low: float
    high: float
    pointwise: float
    worst_date: int
    ratios: Floats

    def shortfall_probability(self, amount: float) -> float:
        """Return the share of paths on which a loan is not covered at some date."""
        return float(np.searchsorted(self.ratios, amount * (1 - 1e-12), side="left") / len(self.ratios))


def debt_capacity(realisable: Floats, debt_per_unit: Floats, epsilon: float) -> DebtCapacity:
    """Return the largest loan that the collateral covers with probability ``1 - epsilon`` over the whole term.

    Parameters
    ----------
    realisable : ndarray, shape (k, n)
        Proceeds were default at each date, n paths.
    debt_per_unit : ndarray, shape (k,)
        Owed at each date for one unit lent (balance and interest accrued), not negative, one of them positive.
    epsilon : float
        Above 0, below 1.

    Returns
    -------
    DebtCapacity

    Notes
    -----
    Debt scales with the loan, so path i covers every loan up to ``A_i = min_t R_it / b_t``; the answer is the order statistic of
    A below which at most ``epsilon n`` paths lie. No search is needed and the answer is exact for the draws.
    """
    owed = np.asarray(debt_per_unit, np.float64)
    if not 0 < epsilon < 1:
        raise DomainError(f"field epsilon: {epsilon}; allowed: above 0, below 1")
    if owed.shape != (realisable.shape[0],) or (owed < 0).any() or not (owed > 0).any():
        raise DomainError("debt_per_unit: one for each date, not negative, one of them positive")
    due = owed > 0
    each = realisable[due] / owed[due, None]
    ratios = np.sort(each.min(axis=0))
    count = len(ratios)
    rank = int(np.floor(epsilon * count + 1e-9))
    spread = stats.binom(count, epsilon).ppf([0.025, 0.975])
    at = np.clip(spread.astype(np.int64), 0, count - 1)
    apart = np.partition(each, rank, axis=1)[:, rank]
    worst = int(np.flatnonzero(due)[np.argmin(apart)])
    return DebtCapacity(
        float(ratios[rank]), float(ratios[at[0]]), float(ratios[at[1]]), float(apart.min()), worst, ratios
    )
