"""Royalties that stack: what is left of one rate when several rights read on one product.

The number of other licences is a count with a mean and, where the mean itself is unsure, more spread than Poisson's; each of them
asks a rate of its own; and a product bears only so much. The random numbers are a function of (key, draw), as everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numba as nb
import numpy as np
from numpy.typing import NDArray

from zhirong.kernel.errors import DomainError
from zhirong.numerics.distributions import SCORE_MAX, TABLE_SIZE
from zhirong.numerics.streams import score, uniform

__all__ = ["CapRule", "Stack", "count_probabilities", "stacked_rates"]

Floats = NDArray[np.float64]
_OTHERS_MAX = 200
_STRIDE = 512  # counters a draw may use: two for itself, one for each other licence


class CapRule(StrEnum):
    """Who gives way when the sum of the rates exceeds what the product bears."""

    PROPORTIONAL = "proportional"
    """All by the same part, as in a pool."""
    LAST_IN = "last_in"
    """The rate that is valued takes what the others leave."""


@dataclass(frozen=True, slots=True)
class Stack:
    """What stands beside the right that is valued.

    Parameters
    ----------
    others_mean : float
        Mean number of other licences on the product, 0 to 50.
    dispersion : float
        Variance of their mean over its square: 0 gives Poisson, above 0 the negative binomial (a Poisson of gamma mean).
    known_rate : float
        Sum of the rates that are known to be paid already, fraction.
    cap : float
        Most that the product bears in all, fraction of revenue, above 0.
    rule : CapRule
        Who gives way.
    """

    others_mean: float
    dispersion: float = 0.0
    known_rate: float = 0.0
    cap: float = 1.0
    rule: CapRule = CapRule.PROPORTIONAL

    def __post_init__(self) -> None:
        if not 0 <= self.others_mean <= 50:
            raise DomainError(f"others_mean must be 0 to 50, not {self.others_mean}")
        if not 0 <= self.dispersion <= 10:
            raise DomainError(f"dispersion must be 0 to 10, not {self.dispersion}")
        if self.known_rate < 0 or not 0 < self.cap <= 1:
            raise DomainError("known_rate is 0 or more and cap is in (0, 1]")


def count_probabilities(stack: Stack) -> Floats:
    """Return the probability of 0, 1, ... other licences; the tail beyond 200 is in the last one."""
    n = np.arange(_OTHERS_MAX + 1, dtype=np.float64)
    mean = stack.others_mean
    if mean == 0:
        return np.asarray(np.where(n == 0, 1.0, 0.0), np.float64)
    if stack.dispersion == 0:
        steps = np.log(mean / n[1:])
        start = -mean
    else:
        size = 1.0 / stack.dispersion
        odds = mean / (mean + size)
        steps = np.log((n[1:] - 1 + size) / n[1:] * odds)
        start = size * np.log1p(-odds)
    p = np.exp(start + np.r_[0.0, np.cumsum(steps)])
    p[-1] += max(0.0, 1.0 - float(p.sum()))
    return np.asarray(p, np.float64)


def stacked_rates(
    key: int, own_rate: Floats, other_table: Floats, stack: Stack, *, first_draw: int = 0
) -> tuple[Floats, Floats, Floats]:
    """Return what each draw's own rate is worth beside the others.

    Parameters
    ----------
    key : int
        Stream (`zhirong.numerics.streams.stream_key`).
    own_rate : ndarray, shape (draws,)
        Rate of the right alone, fraction of revenue.
    other_table : ndarray, shape (TABLE_SIZE,)
        Quantiles of one other rate over normal scores (`quantile_table`).
    stack : Stack
        What stands beside it.
    first_draw : int
        Number of the first draw: blocks may be computed apart.

    Returns
    -------
    (ndarray, ndarray, ndarray)
        Rate left to the right, sum of all rates before the cap, number of other licences; each of shape (draws,).

    Notes
    -----
    With own k, others o and cap c: proportional ``k min(1, c/(k+o))``; last in ``min(k, max(0, c - o))``.
    """
    own = np.ascontiguousarray(own_rate, dtype=np.float64)
    if own.ndim != 1 or not np.isfinite(own).all() or (own < 0).any():
        raise DomainError("own_rate is one dimension of finite fractions, 0 or more")
    if other_table.shape != (TABLE_SIZE,):
        raise DomainError(f"other_table must have shape {(TABLE_SIZE,)}, not {other_table.shape}")
    ladder = np.cumsum(count_probabilities(stack))
    others, counts = np.empty(len(own)), np.empty(len(own))
    _others(np.uint64(key), np.ascontiguousarray(other_table), ladder, first_draw, others, counts)
    others += stack.known_rate
    total = own + others
    if stack.rule is CapRule.PROPORTIONAL:
        left = own * np.minimum(1.0, stack.cap / np.maximum(total, 1e-300))
    else:
        left = np.minimum(own, np.maximum(stack.cap - others, 0.0))
    return left, total, counts


@nb.njit(parallel=True, cache=True)
def _others(key: Any, table: Any, ladder: Any, first_draw: Any, others: Any, counts: Any) -> None:
    last = ladder.shape[0] - 1
    for i in nb.prange(others.shape[0]):
        base = (first_draw + i) * _STRIDE
        u = uniform(key, base)
        n = 0
        while n < last and u > ladder[n]:
            n += 1
        total = 0.0
        for j in range(n):
            place = (score(uniform(key, base + 1 + j)) + SCORE_MAX) * ((TABLE_SIZE - 1) / (2.0 * SCORE_MAX))
            place = min(max(place, 0.0), TABLE_SIZE - 1.0)
            cell = min(int(place), TABLE_SIZE - 2)
            total += table[cell] + (place - cell) * (table[cell + 1] - table[cell])
        others[i] = total
        counts[i] = n
