"""How far predictions can be believed: ranks, coverage, proper scores, reliability.

References
----------
Talts, S. et al. (2018), Validating Bayesian Inference Algorithms with Simulation-Based Calibration, arXiv:1804.06788.
Gneiting, T., Raftery, A. (2007), Strictly Proper Scoring Rules, Prediction, and Estimation, *JASA* 102, 359-378.
Cox, D. R. (1958), Two further applications of a model for binary regression, *Biometrika* 45, 562-565 (slope).
Wilson, E. B. (1927), *JASA* 22, 209-212 (interval of a proportion).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from zhirong.kernel.errors import ConvergenceError, DomainError

__all__ = [
    "CalibrationLine",
    "Coverage",
    "RankTest",
    "ReliabilityBin",
    "brier_score",
    "calibration_line",
    "coverage",
    "crps_of_draws",
    "interval_score",
    "rank_test",
    "reliability",
    "wilson_interval",
]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RankTest:
    """Whether ranks of truths among draws are uniform.

    Attributes
    ----------
    counts : int, shape (bins,)
        Truths by bin of their rank.
    expected : float
        Expected count of each bin.
    low, high : float
        Band that holds a bin's count with 95 % probability when ranks are uniform (binomial).
    chi_square, p_value : float
        Pearson's statistic over the bins.
    """

    counts: NDArray[np.int64]
    expected: float
    low: float
    high: float
    chi_square: float
    p_value: float


@dataclass(frozen=True, slots=True)
class Coverage:
    """How often intervals held the truth.

    Attributes
    ----------
    nominal, coverage : float
        Probability claimed, and share that held.
    error : float
        Standard error of the share.
    count : int
        Intervals.
    """

    nominal: float
    coverage: float
    error: float
    count: int


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Predictions of nearly one probability against what happened: mean prediction, share, its 95 % interval, count."""

    predicted: float
    observed: float
    low: float
    high: float
    count: int


@dataclass(frozen=True, slots=True)
class CalibrationLine:
    """Logistic regression of the outcome on the logit of the prediction: slope 1 and intercept 0 are perfect.

    Attributes
    ----------
    slope, intercept : float
        A slope below 1: predictions are too extreme. An intercept above 0: events are more frequent than predicted.
    slope_error, intercept_error : float
        Standard errors.
    """

    slope: float
    intercept: float
    slope_error: float
    intercept_error: float


def _finite(*arrays: ArrayLike) -> list[Floats]:
    found = [np.asarray(a, np.float64) for a in arrays]
    if any(a.shape[:1] != found[0].shape[:1] for a in found):
        raise DomainError("predictions and outcomes differ in length")
    if found[0].size == 0 or not all(np.isfinite(a).all() for a in found):
        raise DomainError("predictions and outcomes must be finite, and there must be some")
    return found


def rank_test(levels: ArrayLike, *, bins: int = 20) -> RankTest:
    """Test that truths fall uniformly among the draws that predict them.

    Parameters
    ----------
    levels : array_like, shape (n,)
        Share of draws below each truth, 0 to 1.
    bins : int
        Bins of the histogram.

    Returns
    -------
    RankTest
    """
    (values,) = _finite(levels)
    if values.min() < 0 or values.max() > 1:
        raise DomainError("a level lies outside 0 to 1")
    counts = np.bincount(np.minimum((values * bins).astype(np.int64), bins - 1), minlength=bins)
    expected = values.size / bins
    low, high = stats.binom.ppf([0.025, 0.975], values.size, 1 / bins)
    chi_square = float(((counts - expected) ** 2 / expected).sum())
    return RankTest(counts, expected, float(low), float(high), chi_square, float(stats.chi2.sf(chi_square, bins - 1)))


def coverage(low: ArrayLike, high: ArrayLike, truth: ArrayLike, nominal: float) -> Coverage:
    """Return the share of intervals that hold their truth, ends included."""
    a, b, t = _finite(low, high, truth)
    share = float(np.mean((a <= t) & (t <= b)))
    return Coverage(nominal, share, float(np.sqrt(share * (1 - share) / t.size)), int(t.size))


def interval_score(low: ArrayLike, high: ArrayLike, truth: ArrayLike, nominal: float) -> float:
    """Return the mean interval score: width plus 2 / (1 - nominal) times the distance of a truth outside; less is better."""
    a, b, t = _finite(low, high, truth)
    alpha = 1 - nominal
    return float(np.mean(b - a + 2 / alpha * (np.maximum(a - t, 0) + np.maximum(t - b, 0))))


def crps_of_draws(draws: ArrayLike, truth: ArrayLike) -> Floats:
    """Return the continuous ranked probability score of each row of draws, in the unit of the truth; less is better.

    Parameters
    ----------
    draws : array_like, shape (n, m)
        Draws of each prediction.
    truth : array_like, shape (n,)
        What happened.

    Returns
    -------
    ndarray, shape (n,)
        Mean distance of draws from the truth less half the mean distance between draws.
    """
    x, t = _finite(draws, truth)
    x = np.sort(x, axis=1)
    m = x.shape[1]
    apart = (x * (2 * np.arange(m) - m + 1)).sum(axis=1) * 2 / m**2
    return np.asarray(np.abs(x - t[:, None]).mean(axis=1) - apart / 2, np.float64)


def brier_score(predicted: ArrayLike, happened: ArrayLike) -> float:
    """Return the mean squared difference of a probability and what happened (0 or 1); less is better."""
    p, y = _probabilities(predicted, happened)
    return float(np.mean((p - y) ** 2))


def _probabilities(predicted: ArrayLike, happened: ArrayLike) -> tuple[Floats, Floats]:
    p, y = _finite(predicted, happened)
    if p.min() < 0 or p.max() > 1 or not np.isin(y, (0.0, 1.0)).all():
        raise DomainError("a prediction lies outside 0 to 1, or an outcome is neither 0 nor 1")
    return p, y


def calibration_line(predicted: ArrayLike, happened: ArrayLike) -> CalibrationLine:
    """Fit slope and intercept of calibration by maximum likelihood.

    Raises
    ------
    DomainError
        When all outcomes or all predictions are the same.
    ConvergenceError
        When the likelihood has no maximum (predictions separate the outcomes).
    """
    p, y = _probabilities(predicted, happened)
    if y.min() == y.max() or p.min() == p.max():
        raise DomainError("outcomes and predictions must both vary")
    x = np.column_stack([np.ones(p.size), special.logit(np.clip(p, 1e-9, 1 - 1e-9))])
    beta = np.array([0.0, 1.0])
    for _ in range(100):
        mean = special.expit(x @ beta)
        information = x.T @ (x * (mean * (1 - mean))[:, None])
        step = np.linalg.solve(information, x.T @ (y - mean))
        beta = beta + np.clip(step, -2.0, 2.0)
        if np.abs(step).max() < 1e-10:
            errors = np.sqrt(np.diag(np.linalg.inv(information)))
            return CalibrationLine(float(beta[1]), float(beta[0]), float(errors[1]), float(errors[0]))
    raise ConvergenceError(f"calibration line: step {np.abs(step).max():.2e} after 100 iterations")


def wilson_interval(successes: int, count: int, *, level: float = 0.95) -> tuple[float, float]:
    """Return Wilson's interval of a proportion."""
    if not 0 <= successes <= count or count == 0:
        raise DomainError(f"{successes} of {count} is no proportion")
    z = float(stats.norm.ppf((1 + level) / 2))
    share = successes / count
    centre = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2)) / (1 + z**2 / count)
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def reliability(predicted: ArrayLike, happened: ArrayLike, *, bins: int = 10) -> tuple[ReliabilityBin, ...]:
    """Return what happened in groups of equal size ordered by the prediction; equal predictions stay together."""
    p, y = _probabilities(predicted, happened)
    edges = np.unique(np.quantile(p, np.linspace(0, 1, bins + 1)[1:-1]))
    place = np.searchsorted(edges, p, side="left")
    found: list[Any] = []
    for group in np.unique(place):
        mine = place == group
        low, high = wilson_interval(int(y[mine].sum()), int(mine.sum()))
        found.append(ReliabilityBin(float(p[mine].mean()), float(y[mine].mean()), low, high, int(mine.sum())))
    return tuple(found)
