"""Bursts in dated counts: Kleinberg's automaton, solved exactly by dynamic programming.

A stream of batches (years, months) is explained by a hidden level of intensity. Level 0 is the base rate, level i is the
base rate times ``scaling**i``; going up one level costs ``gamma * ln(n)``, going down costs nothing. The cheapest sequence
of levels says when a topic burst, and by how much it fits better than the level below (the weight).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from zhirong.kernel.errors import DomainError

__all__ = ["Burst", "Bursts", "find_bursts", "sequence_cost"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_SHARE_MAX = 0.9999
_LEVELS_MAX = 50


@dataclass(frozen=True, slots=True)
class Burst:
    """A longest run of batches at or above a level.

    Parameters
    ----------
    level : int
        1 or more.
    start, end : int
        First and last batch, counted from 0, both inside.
    weight : float
        Cost saved against the level below over the run, without the cost of the transition; not negative.
    """

    level: int
    start: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True)
class Bursts:
    """The cheapest sequence of levels.

    Parameters
    ----------
    levels : ndarray of int64, shape (n_batches,)
        Level of each batch.
    bursts : tuple of Burst
        By level, then start; bursts of higher levels lie inside those of lower ones.
    rates : ndarray of float64, shape (n_levels,)
        Share of each level (of the total, where totals are given), or expected count of a batch.
    cost : float
        Of the sequence.
    """

    levels: Ints
    bursts: tuple[Burst, ...]
    rates: Floats
    cost: float


def find_bursts(
    counts: Floats, totals: Floats | None = None, *, scaling: float = 2.0, gamma: float = 1.0, levels: int = 2
) -> Bursts:
    """Find the cheapest sequence of levels.

    Parameters
    ----------
    counts : ndarray, shape (n_batches,)
        Relevant events of each batch, in order of time.
    totals : ndarray, shape (n_batches,), optional
        All events of each batch: a burst is then a rise of the share, not of the whole. Without them counts are Poisson.
    scaling : float
        Ratio of neighbouring rates, above 1.
    gamma : float
        Cost of going up a level, in units of the logarithm of the number of batches; not negative.
    levels : int
        Levels including the base, 1 to 50; those whose share would reach 1 are left out.

    Returns
    -------
    Bursts
        Without any relevant event all batches are at level 0.

    Raises
    ------
    DomainError
        For negative or non-finite counts, counts above their totals, no batch, or parameters outside their range.

    Notes
    -----
    Cost of batch t at level i is ``-ln( C(d_t, r_t) p_i^r_t (1 - p_i)^(d_t - r_t) )`` with ``p_i = p_0 s^i`` and
    ``p_0 = sum r / sum d``; for Poisson counts ``-ln( exp(-m_i) m_i^r_t / r_t! )``, ``m_i = s^i mean(r)``. The minimum over all
    sequences is found in O(n_batches x n_levels^2). Ties go to the lower level.

    References
    ----------
    Kleinberg (2003), *Data Mining and Knowledge Discovery* 7, 373-397 (KDD 2002, 91-101), section 4 (enumerating bursts).

    Examples
    --------
    >>> find_bursts(np.array([1.0, 1, 1, 9, 8, 1, 1])).bursts[0].start
    3
    """
    r, d = _checked(counts, totals)
    if not scaling > 1 or not gamma >= 0 or not 1 <= levels <= _LEVELS_MAX:
        raise DomainError("scaling is above 1, gamma at least 0, and levels from 1 to 50")
    costs, rates = _costs(r, d, scaling, levels)
    up = gamma * np.log(max(r.size, 1))
    states, cost = _cheapest(costs, up)
    return Bursts(states, _runs(states, costs), rates, cost)


def sequence_cost(
    levels: Ints,
    counts: Floats,
    totals: Floats | None = None,
    *,
    scaling: float = 2.0,
    gamma: float = 1.0,
    level_count: int = 2,
) -> float:
    """Return the cost of one sequence of levels, which `find_bursts` minimises; see there for the parameters."""
    r, d = _checked(counts, totals)
    costs, _ = _costs(r, d, scaling, level_count)
    climbs = np.maximum(np.diff(levels, prepend=0), 0).sum()
    return float(costs[np.arange(r.size), levels].sum() + gamma * np.log(max(r.size, 1)) * climbs)


def _checked(counts: Floats, totals: Floats | None) -> tuple[Floats, Floats | None]:
    r = np.asarray(counts, np.float64)
    if r.ndim != 1 or r.size == 0 or not np.isfinite(r).all() or (r < 0).any():
        raise DomainError("counts is one dimension of at least one finite, non-negative number")
    if totals is None:
        return r, None
    d = np.asarray(totals, np.float64)
    if d.shape != r.shape or not np.isfinite(d).all() or (d < r).any():
        raise DomainError("totals has one finite number a batch, not below its count")
    return r, d


def _costs(r: Floats, d: Floats | None, scaling: float, levels: int) -> tuple[Floats, Floats]:
    """Return the cost of each batch at each level, and the rates; constants of the batch included."""
    if r.sum() == 0:
        return np.zeros((r.size, 1)), np.zeros(1)
    powers = scaling ** np.arange(levels)
    if d is None:
        rates = r.mean() * powers
        return rates - r[:, None] * np.log(rates) + special.gammaln(r + 1)[:, None], rates
    rates = r.sum() / d.sum() * powers
    rates = rates[: max(int((rates <= _SHARE_MAX).sum()), 1)]
    choose = special.gammaln(d + 1) - special.gammaln(r + 1) - special.gammaln(d - r + 1)
    share = np.minimum(rates, _SHARE_MAX)
    return -choose[:, None] - r[:, None] * np.log(share) - (d - r)[:, None] * np.log1p(-share), rates


def _cheapest(costs: Floats, up: float) -> tuple[Ints, float]:
    """Viterbi: rows are batches, columns levels; the chain starts at level 0 before the first batch."""
    n, k = costs.shape
    climb = up * np.maximum(np.arange(k)[None, :] - np.arange(k)[:, None], 0)  # from row to column
    best = climb[0] + costs[0]
    back = np.zeros((n, k), np.int64)
    for t in range(1, n):
        reach = best[:, None] + climb
        back[t] = np.argmin(reach, axis=0)
        best = reach[back[t], np.arange(k)] + costs[t]
    states = np.zeros(n, np.int64)
    states[-1] = int(np.argmin(best))
    for t in range(n - 1, 0, -1):
        states[t - 1] = back[t, states[t]]
    return states, float(best.min())


def _runs(states: Ints, costs: Floats) -> tuple[Burst, ...]:
    found = []
    for level in range(1, int(states.max()) + 1):
        inside = np.concatenate([[0], (states >= level).astype(np.int64), [0]])
        edges = np.diff(inside)
        for start, stop in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True):
            saved = float((costs[start:stop, level - 1] - costs[start:stop, level]).sum())
            found.append(Burst(level, int(start), int(stop) - 1, saved))
    return tuple(found)
