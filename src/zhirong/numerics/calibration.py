"""How far predictions can be believed: ranks, coverage, proper scores, reliability.

References
----------
Talts, S. et al. (2018), Validating Bayesian Inference Algorithms with Simulation-Based Calibration, arXiv:1804.06788.
Gneiting, T., Raftery, A. (2007), Strictly Proper Scoring Rules, Prediction, and Estimation, *JASA* 102, 359-378.
Cox, D. R. (1958), Two further applications of a model for binary regression, *Biometrika* 45, 562-565 (slope).
Wilson, E. B. (1927), *JASA* 22, 209-212 (interval of a proportion).
Säilynoja, T., Bürkner, P.-C., Vehtari, A. (2022), Graphical test for discrete uniformity and its applications in
goodness-of-fit evaluation and multiple sample comparison, *Statistics and Computing* 32, 32 (simultaneous bands).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from zhirong.kernel.errors import ConvergenceError, DomainError

__all__ = [
    "CalibrationLine",
    "Coverage",
    "EcdfTest",
    "RankTest",
    "ReliabilityBin",
    "brier_score",
    "calibration_line",
    "coverage",
    "crps_of_draws",
    "ecdf_test",
    "fractional_ranks",
    "interval_score",
    "paired_difference",
    "rank_test",
    "reliability",
    "wilson_interval",
]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class EcdfTest:
    """The distribution function of ranks against the diagonal, with a band that holds all of it at once.

    Attributes
    ----------
    points : float, shape (k,)
        Where it is looked at, inside 0 to 1.
    share : float, shape (k,)
        Share of ranks at or below each point.
    low, high : float, shape (k,)
        Band that holds the whole function with at least 95 % probability when ranks are uniform.
    p_value : float
        Chance that uniform ranks leave the diagonal at some point by as unlikely a step as the worst one here; exact.
    """

    points: Floats
    share: Floats
    low: Floats
    high: Floats
    p_value: float


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
    ecdf : EcdfTest
        The same ranks without bins; sees a slow drift that the bins do not.
    """

    counts: NDArray[np.int64]
    expected: float
    low: float
    high: float
    chi_square: float
    p_value: float
    ecdf: EcdfTest


@dataclass(frozen=True, slots=True)
class Coverage:
    """How often intervals held the truth.

    Attributes
    ----------
    nominal, coverage : float
        Probability claimed, and share that held.
    error : float
        Monte Carlo standard error of the share if the claim is true; never 0, also where all intervals held.
    count : int
        Intervals.
    low, high : float
        Wilson's 95 % interval of the share.
    """

    nominal: float
    coverage: float
    error: float
    count: int
    low: float
    high: float

    @classmethod
    def of(cls, held: int, count: int, nominal: float) -> Coverage:
        """Return the record of so many of so many."""
        error = float(np.sqrt(nominal * (1 - nominal) / count))
        return cls(nominal, held / count, error, count, *wilson_interval(held, count))

    def verdict(self, margin: float = 0.02) -> Literal["within", "outside", "undecided"]:
        """Tell whether the share lies within a margin of the claim; `undecided` where it does not, but chance may be why."""
        if abs(self.coverage - self.nominal) <= margin + 1e-12:
            return "within"
        is_off = self.low > self.nominal + margin or self.high < self.nominal - margin
        return "outside" if is_off else "undecided"


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
    return RankTest(
        counts, expected, float(low), float(high), chi_square, float(stats.chi2.sf(chi_square, bins - 1)), ecdf_test(values)
    )  # fmt: skip


def fractional_ranks(draws: ArrayLike, truth: ArrayLike) -> Floats:
    """Return where each truth stands among its row of draws, (draws below + 1/2) / (draws + 1), strictly inside 0 to 1.

    Parameters
    ----------
    draws : array_like, shape (n, m)
        Draws of each prediction.
    truth : array_like, shape (n,)
        What happened.
    """
    x, t = _finite(draws, truth)
    return np.asarray(((x < t[:, None]).sum(axis=1) + 0.5) / (x.shape[1] + 1), np.float64)


def ecdf_test(levels: ArrayLike, *, points: int = 19, level: float = 0.95) -> EcdfTest:
    """Compare the distribution function of levels with the diagonal at equally spaced points, all of them at once.

    Parameters
    ----------
    levels : array_like, shape (n,)
        0 to 1; uniform when predictions are calibrated.
    points : int
        How many, at i / (points + 1).
    level : float
        Probability that the band holds the whole function when levels are uniform.

    Notes
    -----
    Counts at or below rising points are a Markov chain of binomial steps, so the chance to stay inside a band is a sum over
    its states; the pointwise level of the band is the least strict that keeps that chance at `level`.
    """
    (values,) = _finite(levels)
    if values.min() < 0 or values.max() > 1:
        raise DomainError("a level lies outside 0 to 1")
    n, z = int(values.size), np.arange(1, points + 1) / (points + 1)
    below = np.searchsorted(np.sort(values), z, side="right")
    tails = _tails(n, points)
    worst = float(tails[np.arange(points), below].min())
    cut = _band_cut(n, points, level)
    inside = tails > cut
    low, high = inside.argmax(axis=1), n - inside[:, ::-1].argmax(axis=1)
    p_value = 1.0 - _stay(n, points, worst * (1 + 1e-9))
    return EcdfTest(z, below / n, low / n, high / n, float(np.clip(p_value, 0.0, 1.0)))


@lru_cache(maxsize=64)
def _tails(n: int, points: int) -> Floats:
    """Return the two-sided tail probability of each count at each point; shape (points, n + 1)."""
    z, k = (np.arange(1, points + 1) / (points + 1))[:, None], np.arange(n + 1)[None, :]
    both = np.minimum(stats.binom.cdf(k, n, z), stats.binom.sf(k - 1, n, z))
    return np.asarray(np.minimum(2 * both, 1.0), np.float64)


def _stay(n: int, points: int, cut: float) -> float:
    """Return the chance that at all points the tail probability of the count is above `cut`."""
    tails = _tails(n, points)
    before, chance = np.array([0]), np.array([1.0])
    for i in range(points):
        step = 1.0 / (points + 1 - i)  # share of what is left above the last point that falls up to this one
        now = np.flatnonzero(tails[i] > cut)
        if not now.size:
            return 0.0
        move = stats.binom.pmf(now[None, :] - before[:, None], n - before[:, None], step)
        before, chance = now, chance @ move
    return float(chance.sum())


@lru_cache(maxsize=64)
def _band_cut(n: int, points: int, level: float) -> float:
    low, high = np.log((1 - level) / (4 * points)), np.log(1 - level)
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if _stay(n, points, float(np.exp(middle))) >= level else (low, middle)
    return float(np.exp(low))


def coverage(low: ArrayLike, high: ArrayLike, truth: ArrayLike, nominal: float) -> Coverage:
    """Return the share of intervals that hold their truth, ends included."""
    a, b, t = _finite(low, high, truth)
    return Coverage.of(int(((a <= t) & (t <= b)).sum()), int(t.size), nominal)


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


def paired_difference(first: ArrayLike, second: ArrayLike) -> tuple[float, float]:
    """Return the mean of first less second and its standard error; scores of the same cases are compared case by case."""
    a, b = _finite(first, second)
    gap = a - b
    error = float(gap.std(ddof=1) / np.sqrt(gap.size)) if gap.size > 1 else float("nan")
    return float(gap.mean()), error
