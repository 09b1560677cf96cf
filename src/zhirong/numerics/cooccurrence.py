"""Which pairs of classes meet less, or more, often than chance: expected counts, exact tails, false-discovery rates.

A pair that was never seen says nothing where it was hardly expected. With N documents, a of them in one class and b in the
other, chance alone puts a hypergeometric number in both; the tail of that distribution says whether the count is low.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from zhirong.kernel.errors import DomainError

__all__ = ["PairTests", "bridges", "difference_interval", "false_discovery", "pair_tests", "proportion_interval"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PairTests:
    """Tests of all pairs of classes; the pairs are those of the upper triangle, row by row.

    Parameters
    ----------
    first, second : ndarray of int64, shape (n_pairs,)
        Classes, first < second.
    observed : ndarray of int64
        Documents in both.
    expected : ndarray of float64
        ``a b / N``.
    ratio, ratio_low, ratio_high : ndarray of float64
        Observed over expected, with an exact Poisson interval; NaN where nothing is expected.
    p_low, p_high : ndarray of float64
        Probability, under chance, of a count as low, and as high.
    q_low : ndarray of float64
        `p_low` as false-discovery rate over the pairs that could be low at all (`is_testable`); 1 for the others.
    q_high : ndarray of float64
        `p_high` as false-discovery rate over all pairs.
    is_testable : ndarray of bool
        Even no document at all in both would be significant.
    level : float
        Of the intervals.
    """

    first: Ints
    second: Ints
    observed: Ints
    expected: Floats
    ratio: Floats
    ratio_low: Floats
    ratio_high: Floats
    p_low: Floats
    p_high: Floats
    q_low: Floats
    q_high: Floats
    is_testable: NDArray[np.bool_]
    level: float


def pair_tests(both: Ints, sizes: Ints, documents: int, *, alpha: float = 0.05, level: float = 0.9) -> PairTests:
    """Test every pair of classes against chance.

    Parameters
    ----------
    both : ndarray of int, shape (n_classes, n_classes)
        Documents in both classes; symmetric, the diagonal is not read.
    sizes : ndarray of int, shape (n_classes,)
        Documents in each class.
    documents : int
        All documents.
    alpha : float
        Probability below which a pair would be called low.
    level : float
        Of the intervals of the ratio.

    Returns
    -------
    PairTests

    Raises
    ------
    DomainError
        For a matrix that is not square or not symmetric, or counts that cannot be.

    References
    ----------
    Benjamini, Hochberg (1995), *J. R. Stat. Soc. B* 57, 289-300. Garwood (1936), *Biometrika* 28, 437-442 (interval).
    """
    m, a = np.asarray(both, np.int64), np.asarray(sizes, np.int64)
    if m.ndim != 2 or m.shape != (a.size, a.size) or not np.array_equal(m, m.T):
        raise DomainError("both is a symmetric matrix with one row a class")
    i, j = np.triu_indices(a.size, 1)
    seen, ca, cb = m[i, j], a[i], a[j]
    least, most = np.maximum(ca + cb - documents, 0), np.minimum(ca, cb)
    if (a > documents).any() or (a < 0).any() or (seen < least).any() or (seen > most).any():
        raise DomainError("a pair has between max(a + b - N, 0) and min(a, b) documents, and no class more than all")
    expected = ca * cb / max(documents, 1)
    low = np.clip(stats.hypergeom.cdf(seen, documents, ca, cb), 0.0, 1.0)
    high = np.clip(stats.hypergeom.sf(seen - 1, documents, ca, cb), 0.0, 1.0)
    testable = stats.hypergeom.cdf(least, documents, ca, cb) <= alpha
    tail = (1 - level) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(expected > 0, seen / expected, np.nan)
        lower = np.where(seen > 0, stats.gamma.ppf(tail, np.maximum(seen, 1)), 0.0) / expected
        upper = stats.gamma.ppf(1 - tail, seen + 1) / expected
    nothing = expected <= 0
    return PairTests(
        first=i.astype(np.int64),
        second=j.astype(np.int64),
        observed=seen,
        expected=expected,
        ratio=ratio,
        ratio_low=np.where(nothing, np.nan, lower),
        ratio_high=np.where(nothing, np.nan, upper),
        p_low=low,
        p_high=high,
        q_low=_over(low, testable),
        q_high=false_discovery(high),
        is_testable=testable,
        level=level,
    )


def _over(p: Floats, chosen: NDArray[np.bool_]) -> Floats:
    q = np.ones_like(p)
    q[chosen] = false_discovery(p[chosen])
    return q


def false_discovery(p: Floats) -> Floats:
    """Return the Benjamini-Hochberg adjusted probabilities, in the order given.

    Examples
    --------
    >>> false_discovery(np.array([0.01, 0.04, 0.03])).round(4).tolist()
    [0.03, 0.04, 0.04]
    """
    p = np.asarray(p, np.float64)
    order = np.argsort(p, kind="stable")
    raw = p[order] * p.size / np.arange(1, p.size + 1)
    adjusted = np.minimum.accumulate(raw[::-1])[::-1]
    out = np.empty_like(p)
    out[order] = np.minimum(adjusted, 1.0)
    return out


def bridges(tests: PairTests, class_count: int, *, q: float = 0.05) -> Ints:
    """Return, for each pair, how many third classes meet both of its classes more often than chance.

    A gap between two classes that share many such thirds lies inside the field; one without any may only say that the two
    have nothing to do with each other.
    """
    linked = np.zeros((class_count, class_count), np.int64)
    strong = (tests.q_high <= q) & (tests.ratio > 1)
    linked[tests.first[strong], tests.second[strong]] = 1
    linked += linked.T
    return np.asarray((linked @ linked)[tests.first, tests.second], np.int64)


def proportion_interval(count: float, total: float, *, level: float = 0.9) -> tuple[float, float]:
    """Return the Wilson interval of a share; (0, 1) where the total is 0.

    References
    ----------
    Wilson (1927), *J. Am. Stat. Assoc.* 22, 209-212.

    Examples
    --------
    >>> [round(x, 4) for x in proportion_interval(5, 10, level=0.95)]
    [0.2366, 0.7634]
    """
    if total < 0 or not 0 <= count <= max(total, 0):
        raise DomainError(f"a share has a count between 0 and its total, not {count} of {total}")
    if total == 0:
        return 0.0, 1.0
    z = float(stats.norm.ppf((1 + level) / 2))
    p, w = count / total, z**2 / total
    centre, half = (p + w / 2) / (1 + w), z / (1 + w) * float(np.sqrt(p * (1 - p) / total + w / (4 * total)))
    return max(0.0, centre - half), min(1.0, centre + half)


def difference_interval(
    count: float, total: float, other_count: float, other_total: float, *, level: float = 0.9
) -> tuple[float, float]:
    """Return Newcombe's interval of the difference of two independent shares, first less second (his method 10).

    References
    ----------
    Newcombe (1998), *Statistics in Medicine* 17, 873-890.

    Examples
    --------
    >>> [round(x, 4) for x in difference_interval(56, 70, 48, 80, level=0.95)]
    [0.0524, 0.3339]
    """
    low, high = proportion_interval(count, total, level=level)
    other_low, other_high = proportion_interval(other_count, other_total, level=level)
    p = count / total if total else 0.5
    q = other_count / other_total if other_total else 0.5
    reach_low, reach_high = float(np.hypot(p - low, other_high - q)), float(np.hypot(high - p, q - other_low))
    return max(-1.0, p - q - reach_low), min(1.0, p - q + reach_high)
