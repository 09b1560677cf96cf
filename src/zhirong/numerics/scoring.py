"""Scorecard numerics: monotone optimal binning, ridge logistic regression, and measures of how well a score tells and foretells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from zhirong.kernel.errors import ConvergenceError, DomainError

__all__ = [
    "LogisticFit", "Validation", "area_under_curve", "fit_logistic", "kolmogorov_smirnov", "optimal_cuts", "stability_index",
    "validate_probabilities", "weight_of_evidence",
]  # fmt: skip

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def weight_of_evidence(bad: Floats, good: Floats, *, prior: float = 0.5) -> Floats:
    """Return ``ln(share of good / share of bad)`` of each bin; `prior` counts are added to each so that none is infinite."""
    b, g = np.asarray(bad, np.float64) + prior, np.asarray(good, np.float64) + prior
    return np.asarray(np.log(g / g.sum()) - np.log(b / b.sum()), np.float64)


def optimal_cuts(bad: Floats, good: Floats, *, most_bins: int = 6, least_share: float = 0.05) -> tuple[Ints, float]:
    """Return the monotone grouping of ordered fine bins with the largest information value.

    Parameters
    ----------
    bad, good : ndarray, shape (k,)
        Counts of each fine bin, in the order of the variable.
    most_bins : int
        1 to k.
    least_share : float
        Least share of all in a group, 0 to below 0.5.

    Returns
    -------
    starts : ndarray of int
        Index of the first fine bin of each group; the first is 0.
    information_value : float
        ``sum (share good - share bad) WoE``, with the prior of `weight_of_evidence` taken as 0.5 a group.

    Notes
    -----
    Dynamic programme over (last group, number of groups), once for rising and once for falling bad rates: exact, k^3 x groups.
    """
    b, g = np.asarray(bad, np.float64), np.asarray(good, np.float64)
    k = len(b)
    if k == 0 or g.shape != b.shape or (b < 0).any() or (g < 0).any() or b.sum() == 0 or g.sum() == 0:
        raise DomainError("bad and good: counts, 0 or more, of equal length, with both kinds present")
    if not most_bins >= 1 or not 0 <= least_share < 0.5:
        raise DomainError(f"most_bins {most_bins} must be 1 or more, least_share {least_share} 0 to below 0.5")
    cb, cg = np.concatenate([[0.0], np.cumsum(b)]), np.concatenate([[0.0], np.cumsum(g)])
    inside_b, inside_g = cb[None, :] - cb[:, None], cg[None, :] - cg[:, None]
    size = inside_b + inside_g
    ok = (size >= least_share * size[0, k]) & (size > 0) & (np.arange(k + 1)[:, None] < np.arange(k + 1)[None, :])
    share_b, share_g = (inside_b + 0.5) / (cb[-1] + 0.5), (inside_g + 0.5) / (cg[-1] + 0.5)
    with np.errstate(invalid="ignore", divide="ignore"):
        gain = np.where(ok, (share_g - share_b) * np.log(share_g / share_b), -np.inf)
        rate = np.where(size > 0, inside_b / size, np.nan)
    answers = [_grouping(gain, sign * rate, min(most_bins, k)) for sign in (1.0, -1.0)]
    value, starts = max(answers, key=lambda pair: pair[0])
    return np.array(starts, np.int64), float(value)


def _grouping(gain: Floats, rate: Floats, most: int) -> tuple[float, list[int]]:
    """Best value and group starts with `rate` non-decreasing; one group where nothing else is allowed."""
    k = gain.shape[0] - 1
    best: dict[tuple[int, int], tuple[float, list[int]]] = {
        (0, e): (float(gain[0, e]), [0]) for e in range(1, k + 1) if np.isfinite(gain[0, e])
    }
    top = best.get((0, k), (0.0, [0]))
    for _ in range(most - 1):
        following: dict[tuple[int, int], tuple[float, list[int]]] = {}
        for (s, e), (value, starts) in best.items():
            for f in range(e + 1, k + 1):
                if not np.isfinite(gain[e, f]) or rate[e, f] < rate[s, e]:
                    continue
                total = value + float(gain[e, f])
                if (e, f) not in following or total > following[e, f][0]:
                    following[e, f] = (total, [*starts, e])
        best = following
        top = max([top, *(answer for (_, e), answer in best.items() if e == k)], key=lambda pair: pair[0])
    return top


@dataclass(frozen=True, slots=True)
class LogisticFit:
    """Coefficients of a logistic regression.

    Attributes
    ----------
    intercept : float
        Log-odds where every variable is 0.
    coefficients, standard_errors : ndarray, shape (p,)
        Of the variables.
    log_likelihood : float
        Without the penalty.
    """

    intercept: float
    coefficients: Floats
    standard_errors: Floats
    log_likelihood: float

    def probability(self, x: Floats) -> Floats:
        """Return probabilities for rows of `x`."""
        return np.asarray(1 / (1 + np.exp(-np.clip(self.intercept + np.asarray(x) @ self.coefficients, -700, 700))))


def fit_logistic(x: Floats, y: NDArray[np.bool_], *, ridge: float = 1e-6, iterations: int = 100) -> LogisticFit:
    """Fit by Newton's method with a ridge on the slopes.

    Parameters
    ----------
    x : ndarray, shape (n, p)
        Variables, finite.
    y : ndarray of bool, shape (n,)
        True is the event.
    ridge : float
        Penalty ``ridge/2 |b|^2``, above 0.
    iterations : int
        Limit.

    Returns
    -------
    LogisticFit

    Raises
    ------
    DomainError
        When one outcome is missing or rows do not fit.
    ConvergenceError
        When the limit is met.
    """
    rows, event = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if rows.ndim != 2 or len(rows) != len(event) or not np.isfinite(rows).all() or not 0 < event.mean() < 1:
        raise DomainError("x must be finite, one row for each y, and y must hold both outcomes")
    design = np.column_stack([np.ones(len(rows)), rows])
    penalty = np.diag([0.0, *np.full(rows.shape[1], ridge)])
    beta = np.zeros(design.shape[1])
    beta[0] = np.log(event.mean() / (1 - event.mean()))
    for _ in range(iterations):
        p = 1 / (1 + np.exp(-np.clip(design @ beta, -700, 700)))
        information = (design * (p * (1 - p))[:, None]).T @ design + penalty
        step = np.linalg.solve(information, design.T @ (event - p) - penalty @ beta)
        beta += step / max(1.0, float(np.abs(step).max()) / 5)
        if np.abs(step).max() < 1e-10:
            errors = np.sqrt(np.diag(np.linalg.inv(information)))
            fit = np.log(np.where(event > 0, p, 1 - p)).sum()
            return LogisticFit(float(beta[0]), beta[1:], errors[1:], float(fit))
    raise ConvergenceError(f"logistic regression: no convergence after {iterations} steps")


def area_under_curve(score: Floats, bad: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the AUC and its standard error (DeLong): the chance that a bad has a higher `score` than a good, ties half."""
    s, b = np.asarray(score, np.float64), np.asarray(bad, bool)
    m, n = int(b.sum()), int((~b).sum())
    if m == 0 or n == 0:
        raise DomainError("AUC needs both outcomes")
    ranks, within_bad, within_good = stats.rankdata(s), stats.rankdata(s[b]), stats.rankdata(s[~b])
    v10, v01 = (ranks[b] - within_bad) / n, 1 - (ranks[~b] - within_good) / m
    spread = (v10.var(ddof=1) / m if m > 1 else 0.0) + (v01.var(ddof=1) / n if n > 1 else 0.0)
    return float(v10.mean()), float(np.sqrt(spread))


def kolmogorov_smirnov(score: Floats, bad: NDArray[np.bool_]) -> float:
    """Return the largest gap between the distributions of the score of bads and goods."""
    s, b = np.asarray(score, np.float64), np.asarray(bad, bool)
    if b.all() or not b.any():
        raise DomainError("KS needs both outcomes")
    grid = np.unique(s)
    below = [np.searchsorted(np.sort(part), grid, side="right") / len(part) for part in (s[b], s[~b])]
    return float(np.abs(below[0] - below[1]).max())


def stability_index(expected: Floats, actual: Floats, *, prior: float = 0.5) -> float:
    """Return the population stability index of counts by bin: ``sum (a - e) ln(a/e)`` of shares."""
    e, a = np.asarray(expected, np.float64) + prior, np.asarray(actual, np.float64) + prior
    if e.shape != a.shape or (e <= 0).any() or (a <= 0).any():
        raise DomainError("expected and actual: counts, 0 or more, of equal length")
    e, a = e / e.sum(), a / a.sum()
    return float(((a - e) * np.log(a / e)).sum())


@dataclass(frozen=True, slots=True)
class Validation:
    """How good probabilities are.

    Attributes
    ----------
    auc, auc_error, ks, brier : float
        Discrimination; mean squared error.
    calibration_slope, calibration_intercept : float
        Of the logit of outcomes on the logit of probabilities: 1 and 0 are right; a slope below 1 is over-confidence.
    hosmer_lemeshow_p : float
        Of the table by tenths, chi-squared with as many degrees of freedom as groups: the data are not those of the fit.
    table : tuple of (int, float, float)
        Of each tenth: count, mean probability, share of bads.
    """

    auc: float
    auc_error: float
    ks: float
    brier: float
    calibration_slope: float
    calibration_intercept: float
    hosmer_lemeshow_p: float
    table: tuple[tuple[int, float, float], ...]


def validate_probabilities(probability: Floats, bad: NDArray[np.bool_], *, groups: int = 10) -> Validation:
    """Return measures of probabilities against outcomes they were not fitted on."""
    p, b = np.clip(np.asarray(probability, np.float64), 1e-9, 1 - 1e-9), np.asarray(bad, bool)
    auc, error = area_under_curve(p, b)
    logit = np.log(p / (1 - p))
    line = fit_logistic(logit[:, None], b) if np.ptp(logit) > 1e-9 else None
    parts = np.array_split(np.argsort(p, kind="stable"), groups)
    table = tuple((len(i), float(p[i].mean()), float(b[i].mean())) for i in parts if len(i))
    chi = sum(n * (o - e) ** 2 / (e * (1 - e)) for n, e, o in table)
    return Validation(
        auc, error, kolmogorov_smirnov(p, b), float(np.mean((p - b) ** 2)),
        float(line.coefficients[0]) if line else 0.0, line.intercept if line else 0.0,
        float(stats.chi2.sf(chi, len(table))), table,
    )  # fmt: skip
