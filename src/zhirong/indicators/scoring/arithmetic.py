"""The arithmetic of scores: percentiles in cohorts, weighted means over what is known, intervals, margins.

Arrays in, arrays out; NaN stands for unknown inside this module and never leaves it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from zhirong.indicators.scoring.types import GRADE_BOUNDS

__all__ = ["Spread", "cohort_percentiles", "grades", "known_mean", "score_spread", "weight_margins"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def cohort_percentiles(values: Floats, cohorts: Ints) -> tuple[Floats, Ints]:
    """Return mid-rank percentiles within cohorts, and how many values each was ranked among.

    Parameters
    ----------
    values : ndarray
        shape (n,), NaN for unknown.
    cohorts : ndarray
        shape (n,), cohort numbers.

    Returns
    -------
    tuple of ndarray
        Percentiles 0-100 (NaN for unknown) and counts.

    Notes
    -----
    100 (number smaller + half the number equal, itself included) / number; the mean over a cohort is 50.

    Examples
    --------
    >>> import numpy as np
    >>> cohort_percentiles(np.array([1.0, 2.0, 2.0, 5.0]), np.zeros(4, dtype=np.int64))[0].tolist()
    [12.5, 50.0, 50.0, 87.5]
    """
    percentiles = np.full(values.shape, np.nan)
    counts = np.zeros(values.shape, dtype=np.int64)
    known = np.flatnonzero(~np.isnan(values))
    if not known.size:
        return percentiles, counts
    order = known[np.lexsort((values[known], cohorts[known]))]
    v, c = values[order], cohorts[order]
    new_cohort = np.r_[True, c[1:] != c[:-1]]
    new_tie = new_cohort | np.r_[True, v[1:] != v[:-1]]
    position = np.arange(order.size)
    cohort_first, cohort_size = _runs(new_cohort, position)
    tie_first, tie_size = _runs(new_tie, position)
    percentiles[order] = 100.0 * (tie_first - cohort_first + 0.5 * tie_size) / cohort_size
    counts[order] = cohort_size
    return percentiles, counts


def _runs(starts: NDArray[np.bool_], position: Ints) -> tuple[Ints, Ints]:
    """Return the first position and the length of the run each element is in."""
    number = np.cumsum(starts) - 1
    first = position[starts]
    length = np.diff(np.r_[first, position.size])
    return first[number], length[number]


def grades(scores: Floats) -> NDArray[np.int8]:
    """Return grades 1-5 of scores; 0 where the score is unknown."""
    bounds = np.array(GRADE_BOUNDS)
    grade = 1 + (scores <= bounds[0]).astype(np.int8)
    for bound in bounds[1:]:
        grade += scores < bound
    return np.where(np.isnan(scores), 0, grade).astype(np.int8)


def known_mean(scores: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Return the weighted mean over the known items of each row, and the share of the weight that is known.

    Parameters
    ----------
    scores : ndarray
        shape (n, k), NaN for unknown.
    weights : ndarray
        shape (k,), non-negative.

    Returns
    -------
    tuple of ndarray
        Means (NaN where nothing is known) and coverage 0-1.
    """
    known = ~np.isnan(scores)
    mass = known @ weights
    total = np.where(known, scores, 0.0) @ weights
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.where(mass > 0, total / mass, np.nan)
    return means, mass / weights.sum()


@dataclass(frozen=True, slots=True)
class Spread:
    """Interval of a score.

    Parameters
    ----------
    low, high : ndarray
        shape (n,); NaN where nothing is known.
    agreement : ndarray
        shape (n,); probability that drawn weights give the same grade, 0-1.
    """

    low: Floats
    high: Floats
    agreement: Floats


def score_spread(
    scores: Floats,
    weights: Floats,
    totals: Floats,
    gate: Floats,
    *,
    concentration: float,
    level: float,
    missing: tuple[float, float],
) -> Spread:
    """Return the interval of each total under Dirichlet weights and missing items.

    Parameters
    ----------
    scores : ndarray
        shape (n, k), NaN for unknown.
    weights : ndarray
        shape (k,), sum 1: the mean of the Dirichlet distribution.
    totals : ndarray
        shape (n,), the scores themselves, gate applied.
    gate : ndarray
        shape (n,), factor 0-1.
    concentration : float
        Sum of the Dirichlet parameters of these items.
    level : float
        Coverage over the weights.
    missing : tuple of float
        Scores that a missing item is given at the low and at the high end.

    Returns
    -------
    Spread

    Notes
    -----
    With w ~ Dirichlet(c p), the mean of s under w has expectation m = sum p_i s_i and variance
    (sum p_i s_i^2 - m^2) / (c + 1), exactly; a subset of the weights, rescaled, is Dirichlet with concentration c times
    its mass, so the same holds for the known items. The interval is the normal one with these moments, cut to 0-100;
    no draws are needed.

    References
    ----------
    Ferguson, T. S. (1973), Annals of Statistics 1(2), 209-230, section 1 (moments, subsets).
    """
    known = ~np.isnan(scores)
    filled = np.where(known, scores, 0.0)
    mass = known @ weights
    first, second = filled @ weights, (filled**2) @ weights
    z = float(ndtri((1.0 + level) / 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = first / mass
        variance = np.maximum(second / mass - mean**2, 0.0) / (concentration * mass + 1.0)
    deviation = gate * np.sqrt(variance)
    ends = [totals - z * deviation, totals + z * deviation]
    for k, sign in ((0, -1.0), (1, 1.0)):
        fill = missing[k]
        whole = first + (1.0 - mass) * fill
        spread = np.maximum(second + (1.0 - mass) * fill**2 - whole**2, 0.0) / (concentration + 1.0)
        ends.append(gate * (whole + sign * z * np.sqrt(spread)))
    low = np.clip(np.minimum.reduce([ends[0], ends[2], totals]), 0.0, 100.0)
    high = np.clip(np.maximum.reduce([ends[1], ends[3], totals]), 0.0, 100.0)
    nothing = np.isnan(totals)
    agreement = np.where(nothing, 0.0, _agreement(totals, deviation))
    return Spread(np.where(nothing, np.nan, low), np.where(nothing, np.nan, high), agreement)


def _agreement(totals: Floats, deviation: Floats) -> Floats:
    """Return the probability that a normal around the total stays within the grade of the total."""
    edges = np.array([np.inf, *GRADE_BOUNDS, -np.inf])
    grade = np.maximum(grades(totals), 1)
    safe = np.where(deviation > 0, deviation, 1.0)
    inside: Floats = ndtr((edges[grade - 1] - totals) / safe) - ndtr((edges[grade] - totals) / safe)
    return np.where(deviation > 0, inside, 1.0)


def weight_margins(scores: Floats, weights: Floats, gate: Floats) -> tuple[Floats, Floats, Floats]:
    """Return each item's weight among the known ones, and the weights below and above it at which the grade changes.

    When item j takes weight x and the others keep their proportions, the total is the straight line
    g (x s_j + (1 - x) r_j) with r_j the mean of the others, so the crossing is exact: x = (b / g - r_j) / (s_j - r_j).

    Parameters
    ----------
    scores : ndarray
        shape (n, k), NaN for unknown.
    weights : ndarray
        shape (k,).
    gate : ndarray
        shape (n,), factor 0-1.

    Returns
    -------
    tuple of ndarray
        Three arrays of shape (n, k): weight, lower crossing, upper crossing; NaN for unknown items and where no
        weight in 0-1 changes the grade.
    """
    known = ~np.isnan(scores)
    mass = known * weights
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(known, mass / mass.sum(axis=1, keepdims=True), np.nan)
        totals = np.where(known, scores * share, 0.0).sum(axis=1, keepdims=True)
        rest = (totals - scores * share) / (1.0 - share)
        lower, upper = np.full_like(share, np.nan), np.full_like(share, np.nan)
        final = grades((totals[:, 0]) * gate)
        edges = np.array([100.0, *GRADE_BOUNDS, 0.0])
        for edge in (edges[np.maximum(final - 1, 0)], edges[np.minimum(final, 5)]):
            inner = (edge > 0) & (edge < 100)
            x = np.where(inner[:, None], (edge / gate)[:, None] - rest, np.nan) / (scores - rest)
            x = np.where((x >= 0) & (x <= 1), x, np.nan)
            lower = np.fmax(lower, np.where(x <= share, x, np.nan))
            upper = np.fmin(upper, np.where(x >= share, x, np.nan))
    return share, lower, upper
