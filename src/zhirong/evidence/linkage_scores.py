"""How good a linkage is against labels: pairwise precision and recall with intervals."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import dataclass

from zhirong.kernel.errors import DomainError

__all__ = ["PairwiseScores", "evaluate_linkage", "wilson_interval"]


@dataclass(frozen=True, slots=True)
class PairwiseScores:
    """Pairwise agreement of two clusterings.

    Parameters
    ----------
    precision, recall, f1 : float or None
        Shares 0-1; None where there is nothing to divide by.
    precision_interval, recall_interval : tuple of float
        95% Wilson interval; (0, 1) where there is no pair.
    predicted, true, both : int
        Pairs that the linkage joins, that the labels join, that both join.
    n : int
        Labelled names.
    """

    precision: float | None
    recall: float | None
    f1: float | None
    precision_interval: tuple[float, float]
    recall_interval: tuple[float, float]
    predicted: int
    true: int
    both: int
    n: int


def evaluate_linkage(predicted: Mapping[str, Hashable], truth: Mapping[str, Hashable]) -> PairwiseScores:
    """Compare clusters with labels, over all pairs of labelled names.

    Parameters
    ----------
    predicted : mapping
        Name to cluster; names without label are left out.
    truth : mapping
        Name to true party.

    Returns
    -------
    PairwiseScores

    Raises
    ------
    DomainError
        When a labelled name has no cluster.

    Examples
    --------
    >>> evaluate_linkage({"a": 1, "b": 1, "c": 2}, {"a": "x", "b": "x", "c": "x"}).recall
    0.3333333333333333
    """
    missing = sorted(truth.keys() - predicted.keys())
    if missing:
        raise DomainError(f"{len(missing)} labelled names have no cluster, e.g. {missing[0]!r}")
    joined = _pairs(Counter(predicted[name] for name in truth))
    true = _pairs(Counter(truth.values()))
    both = _pairs(Counter((predicted[name], label) for name, label in truth.items()))
    precision, recall = (both / joined if joined else None), (both / true if true else None)
    f1 = 2 * both / (joined + true) if joined + true else None
    return PairwiseScores(
        precision, recall, f1, wilson_interval(both, joined), wilson_interval(both, true), joined, true, both, len(truth)
    )  # fmt: skip


def _pairs(sizes: Counter[object]) -> int:
    return sum(size * (size - 1) // 2 for size in sizes.values())


def wilson_interval(successes: int, trials: int, *, z: float = 1.959963984540054) -> tuple[float, float]:
    """Return Wilson's score interval of a share.

    Parameters
    ----------
    successes, trials : int
        Counts.
    z : float
        Normal quantile; 1.96 for 95%.

    Returns
    -------
    tuple of float
        (0, 1) when there is no trial.

    Notes
    -----
    With p = successes / trials and n = trials: (p + z^2/2n +- z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n).

    References
    ----------
    Wilson, E. B. (1927), *Probable inference, the law of succession, and statistical inference*, JASA 22, 209-212.
    """
    if trials == 0:
        return (0.0, 1.0)
    if not 0 <= successes <= trials:
        raise DomainError(f"{successes} successes in {trials} trials")
    share, square = successes / trials, z * z
    middle = share + square / (2 * trials)
    half = z * math.sqrt(share * (1 - share) / trials + square / (4 * trials * trials))
    scale = 1 + square / trials
    return (max((middle - half) / scale, 0.0), min((middle + half) / scale, 1.0))
