"""Rates of groups that know little: beta-binomial shrinkage towards the rate of all, with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special, stats

from zhirong.kernel.errors import DomainError

__all__ = ["BetaRate", "fit_beta_binomial", "shrunk_rates"]

Floats = NDArray[np.float64]
_STRENGTH_MIN, _STRENGTH_MAX = 1.0, 1_000.0
_MEANS = (np.arange(100) + 0.5) / 100
_STRENGTHS = np.geomspace(_STRENGTH_MIN, _STRENGTH_MAX, 40)


@dataclass(frozen=True, slots=True)
class BetaRate:
    """Posterior of one rate.

    Parameters
    ----------
    a, b : float
        Of the beta distribution.
    cases : float
        Cases of the group itself.
    mean, sd : float
        Moments.
    low, high : float
        Interval of `level`.
    level : float
        Of the interval.
    """

    a: float
    b: float
    cases: float
    mean: float
    sd: float
    low: float
    high: float
    level: float


def fit_beta_binomial(successes: Floats, totals: Floats) -> tuple[float, float]:
    """Return (a, b) of the beta distribution of rates over groups, by maximum likelihood.

    Parameters
    ----------
    successes, totals : ndarray, shape (n_groups,)
        Cases won and cases in all; halves are allowed (partial outcomes).

    Returns
    -------
    tuple of float
        The strength ``a + b`` lies between 1 and 1,000: at the upper bound groups do not differ as far as can be seen.
        With fewer than two groups of two cases the strength is not identified and is the bound that lets data speak, 1,
        about the rate of all.

    Raises
    ------
    DomainError
        For negative numbers, or successes above totals.

    References
    ----------
    Skellam (1948), *J. R. Stat. Soc. B* 10, 257-261.
    """
    x, n = np.asarray(successes, np.float64), np.asarray(totals, np.float64)
    _check(x, n)
    x, n = x[n > 0], n[n > 0]
    centre = (x.sum() + 0.5) / (n.sum() + 1.0)
    if (n >= 2).sum() < 2:
        return float(centre * _STRENGTH_MIN), float((1 - centre) * _STRENGTH_MIN)

    def negative(theta: Floats) -> float:
        mean, strength = 1 / (1 + np.exp(-theta[0])), np.exp(theta[1])
        a, b = mean * strength, (1 - mean) * strength
        return -float((special.betaln(x + a, n - x + b) - special.betaln(a, b)).sum())

    span = (np.log(_STRENGTH_MIN), np.log(_STRENGTH_MAX))
    start = float(np.log(centre / (1 - centre)))
    starts = [np.array([start, s]) for s in (span[0] + 0.5, np.log(20.0), span[1] - 0.5)]
    found = [optimize.minimize(negative, s, method="L-BFGS-B", bounds=[(-8.0, 8.0), span]) for s in starts]
    best = min(found, key=lambda r: float(r.fun))
    mean, strength = float(1 / (1 + np.exp(-best.x[0]))), float(np.exp(best.x[1]))
    return mean * strength, (1 - mean) * strength


def shrunk_rates(counts: Mapping[str, tuple[float, float]], *, level: float = 0.9) -> dict[str, BetaRate]:
    """Return the posterior rate of each group, drawn towards all as far as the group knows little.

    Parameters
    ----------
    counts : Mapping of str to (won, lost)
        Cases of each group.
    level : float
        Of the intervals.

    Returns
    -------
    dict of str to BetaRate
        The beta distribution with the mean and the variance of the posterior.

    Notes
    -----
    Hierarchical: the mean of rates over groups is uniform on (0, 1) before the data, the logarithm of the strength uniform
    from 1 to 1,000; both are integrated out on a grid. Few cases in all thus give wide intervals to every group, although
    groups that cannot be told apart share one rate; plugging in the likeliest prior would not.

    References
    ----------
    Gelman et al. (2013), *Bayesian Data Analysis*, 3rd ed., section 5.3 (rat tumours).
    """
    names = list(counts)
    if not names:
        return {}
    won = np.array([counts[n][0] for n in names], np.float64)
    total = won + np.array([counts[n][1] for n in names], np.float64)
    _check(won, total)
    mean, strength = np.meshgrid(_MEANS, _STRENGTHS, indexing="ij")
    a, b = (mean * strength).ravel(), ((1 - mean) * strength).ravel()
    x, n = won[:, None], total[:, None]
    log_weight = (special.betaln(x + a, n - x + b) - special.betaln(a, b)).sum(axis=0)
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    first = (x + a) / (n + a + b)
    second = first * (x + a + 1) / (n + a + b + 1)
    means = first @ weight
    variances = second @ weight - means**2
    pairs = zip(names, means.tolist(), variances.tolist(), total.tolist(), strict=True)
    return {name: _rate(m, v, t, level) for name, m, v, t in pairs}


def _rate(mean: float, variance: float, cases: float, level: float) -> BetaRate:
    strength = mean * (1 - mean) / variance - 1
    a, b = mean * strength, (1 - mean) * strength
    low, high = stats.beta.ppf([(1 - level) / 2, (1 + level) / 2], a, b).tolist()
    return BetaRate(a, b, cases, mean, float(np.sqrt(variance)), low, high, level)


def _check(x: Floats, n: Floats) -> None:
    if x.shape != n.shape or x.ndim != 1 or not np.isfinite(x + n).all() or (x < 0).any() or (x > n).any():
        raise DomainError("successes are between 0 and totals, one a group")
