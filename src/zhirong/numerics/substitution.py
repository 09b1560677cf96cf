"""Substitution of an old technology by a new one: the Fisher-Pry curve fitted to shares by quasi-binomial regression."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from zhirong.kernel.errors import ConvergenceError, DomainError

__all__ = ["Substitution", "fit_fisher_pry"]

Floats = NDArray[np.float64]
_PERIODS_MIN = 4
_STEPS = 100


@dataclass(frozen=True, slots=True)
class Substitution:
    """A fitted substitution.

    Parameters
    ----------
    rate, rate_se : float
        Slope of the log-odds of the new technology a year, and its standard error; above 0 the new one takes over.
    midpoint : float
        Year in which the new one has half (as in `years`); far outside the data where the slope is near 0.
    takeover_years : float
        Years from 10 % to 90 %: ``2 ln 9 / rate``; infinite where the slope is not above 0.
    share, share_low, share_high : float
        Fitted share of the new one in the last year and its interval.
    dispersion : float
        Pearson chi-square over degrees of freedom, at least 1.
    is_rising : bool
        The interval of the slope lies above 0.
    level : float
        Level of the intervals.
    """

    rate: float
    rate_se: float
    midpoint: float
    takeover_years: float
    share: float
    share_low: float
    share_high: float
    dispersion: float
    is_rising: bool
    level: float


def fit_fisher_pry(years: Floats, new: Floats, total: Floats, *, level: float = 0.9) -> Substitution | None:
    """Fit ``ln(f / (1 - f)) = rate (t - midpoint)`` to the share f of the new technology.

    Parameters
    ----------
    years : ndarray, shape (n,)
        Years; years without a total are left out.
    new, total : ndarray, shape (n,)
        Events of the new technology, and of both; counts or weights.
    level : float
        Of the intervals, in (0, 1).

    Returns
    -------
    Substitution or None
        None with fewer than 4 years that have a total, or when the new one has nothing or everything: no slope exists.

    Raises
    ------
    DomainError
        For shapes that differ, negative or non-finite numbers, or a part above its total.
    ConvergenceError
        When the fit does not converge (shares that jump from none to all within a year).

    Notes
    -----
    Iteratively reweighted least squares of a binomial model; errors are multiplied by the square root of the dispersion,
    and intervals use t with n - 2 degrees of freedom.

    References
    ----------
    Fisher, Pry (1971), *Technological Forecasting and Social Change* 3, 75-88. McCullagh, Nelder (1989), *Generalized
    Linear Models*, section 4.5 (over-dispersion).
    """
    t, f, n = (np.asarray(a, np.float64) for a in (years, new, total))
    if t.ndim != 1 or t.shape != f.shape or t.shape != n.shape:
        raise DomainError("years, new and total have one entry a year")
    if not all(np.isfinite(a).all() for a in (t, f, n)) or (f < 0).any() or (f > n).any():
        raise DomainError("new is between 0 and total, and all are finite")
    if not 0 < level < 1:
        raise DomainError(f"level is between 0 and 1, not {level}")
    has = n > 0
    t, f, n = t[has], f[has], n[has]
    if t.size < _PERIODS_MIN or f.sum() == 0 or f.sum() == n.sum():
        return None
    centre = float(t.mean())
    design = np.column_stack([np.ones_like(t), t - centre])
    beta, information = _fit(design, f, n)
    p = 1 / (1 + np.exp(-(design @ beta)))
    freedom = t.size - 2
    pearson = float((((f - n * p) ** 2) / np.maximum(n * p * (1 - p), 1e-12)).sum())
    dispersion = max(1.0, pearson / freedom)
    covariance = np.linalg.inv(information) * dispersion
    reach = float(stats.t.ppf((1 + level) / 2, freedom))
    rate, rate_se = float(beta[1]), float(np.sqrt(covariance[1, 1]))
    last = np.array([1.0, t.max() - centre])
    score, error = float(last @ beta), float(np.sqrt(last @ covariance @ last))

    def inverse(x: float) -> float:
        return float(1 / (1 + np.exp(-np.clip(x, -700, 700))))

    return Substitution(
        rate=rate,
        rate_se=rate_se,
        midpoint=centre - float(beta[0]) / rate if rate != 0 else float("inf"),
        takeover_years=2 * float(np.log(9)) / rate if rate > 0 else float("inf"),
        share=inverse(score),
        share_low=inverse(score - reach * error),
        share_high=inverse(score + reach * error),
        dispersion=dispersion,
        is_rising=rate - reach * rate_se > 0,
        level=level,
    )


def _fit(design: Floats, f: Floats, n: Floats) -> tuple[Floats, Floats]:
    beta = np.array([np.log((f.sum() + 0.5) / (n.sum() - f.sum() + 0.5)), 0.0])
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-np.clip(design @ beta, -30, 30)))
        weight = n * p * (1 - p)
        information = design.T @ (design * weight[:, None])
        if np.linalg.cond(information) > 1e14:
            break
        step = np.linalg.solve(information, design.T @ (f - n * p))
        scale = min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-300))
        beta = beta + scale * step
        if float(np.abs(step).max()) < 1e-10:
            return beta, information
    raise ConvergenceError(
        "substitution fit: shares change from none to all at once, so the slope has no finite estimate"
    )
