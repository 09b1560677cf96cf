"""Sum of many dependent values by simulation, streamed: no array of patents x draws ever exists.

Each value has a table of its quantiles over the normal score and loads on a few common factors. A draw of a value is the table
at its score; the draws of all values are added up at once. Random numbers are counters, so the same model gives the same bytes
on any number of threads, in blocks of any size, and in any order of the values.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numba as nb
import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from zhirong.kernel.errors import DomainError
from zhirong.numerics.distributions import SCORE_MAX
from zhirong.numerics.levels import probability_levels
from zhirong.numerics.normals import counter_normal, fill_normals

__all__ = ["POINTS", "Contributions", "FactorModel", "contributions", "factor_sums", "score_tables", "values_at"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

POINTS = 513
"""Points of a table: normal scores from -6 to 6 in steps of 0.023, so levels from 1e-9 to 1 - 1e-9."""
_BLOCK = 512
_WARP_POINTS = 4097


@dataclass(frozen=True, slots=True, eq=False)
class FactorModel:
    """Values that depend on each other through common factors.

    Parameters
    ----------
    tables : ndarray, shape (n, points)
        Quantiles of each value at the normal scores ``linspace(-SCORE_MAX, SCORE_MAX, points)`` (`score_tables`,
        `zhirong.numerics.distributions.quantile_table`); finite and non-decreasing along a row.
    loadings : ndarray, shape (n, m)
        Loading of each value on its factors, -1 to 1; squares of a row sum to at most 1, the rest is the value's own.
    keys : ndarray of uint64, shape (n,)
        Stream of each value's own part (`zhirong.numerics.streams.stream_key`), all different.
    factor_key : int
        Stream of the factors.
    factor_of : ndarray of int, shape (n, m), optional
        Number of the factor behind each loading, from 0; so a value may load on its family, its owner and its court out of
        thousands of factors. Where not given, column j is factor j.
    shares : ndarray, shape (n,), optional
        What part of each value enters the sum, 0 to 1; 1 where not given.
    degrees : float
        Degrees of freedom of a Student t copula, above 2: extremes then come together. Infinity is the normal copula.

    Notes
    -----
    Value i in draw d is ``Q_i(Phi(z))`` with ``z = sum_j l_ij F_(j,d) + sqrt(1 - sum_j l_ij^2) e_(i,d)``, all F and e independent
    standard normal (Li 2000; McNeil, Frey, Embrechts, Quantitative Risk Management, ch. 7 and 11). With finite degrees v, the
    score is that of ``T_v(z sqrt(v / W_d))``, W chi-squared with v degrees, one for all values of a draw.

    Raises
    ------
    DomainError
        For a wrong shape, or a number outside what is allowed.
    """

    tables: Floats
    loadings: Floats
    keys: NDArray[np.uint64]
    factor_key: int
    factor_of: Integers | None = None
    shares: Floats | None = None
    degrees: float = np.inf

    def __post_init__(self) -> None:
        count = len(self.keys)
        _check_tables(self.tables, count)
        if self.loadings.ndim != 2 or len(self.loadings) != count:
            raise DomainError(f"loadings must have shape ({count}, factors), not {self.loadings.shape}")
        squares = (self.loadings**2).sum(axis=1)
        if not np.isfinite(squares).all() or (squares > 1 + 1e-9).any():
            raise DomainError(f"loadings: the squares of a row sum to at most 1, not {squares.max()}")
        if np.unique(self.keys).size != count:
            raise DomainError("keys must all be different: two values would draw the same numbers")
        if self.factor_of is not None and (self.factor_of.shape != self.loadings.shape or (self.factor_of < 0).any()):
            raise DomainError(f"factor_of must have shape {self.loadings.shape} and hold numbers from 0")
        if self.shares is not None and (
            self.shares.shape != (count,) or not ((self.shares >= 0) & (self.shares <= 1)).all()
        ):
            raise DomainError(f"shares must have shape ({count},) and lie in 0 to 1")
        if not self.degrees > 2:
            raise DomainError(f"degrees must be above 2, not {self.degrees}")


@dataclass(frozen=True, slots=True)
class Contributions:
    """Mean of each value over chosen draws; over the worst draws it is the Euler contribution to the expected shortfall.

    Attributes
    ----------
    mean, error : ndarray, shape (n,)
        Mean, with the share applied, and its standard error. The means add up to the mean of the sum over the same draws.
    """

    mean: Floats
    error: Floats


def _check_tables(tables: Floats, count: int) -> None:
    if tables.ndim != 2 or len(tables) != count or count < 1 or tables.shape[1] < 3:
        raise DomainError(f"tables must have shape (values, points), one row a key, not {tables.shape}")
    if not np.isfinite(tables).all() or (np.diff(tables, axis=1) < 0).any():
        raise DomainError("tables must be finite and non-decreasing along a row")


def score_tables(draws: Iterable[Floats], *, points: int = POINTS) -> Floats:
    """Return tables of quantiles over the normal score from draws of each value.

    Parameters
    ----------
    draws : iterable of ndarray
        Draws of each value, taken one at a time; finite, at least one.
    points : int
        Points of a table.

    Returns
    -------
    ndarray, shape (n, points)
        Quantiles with draw i of n at the level (i - 1/2)/n (Hazen), between them linear in the level; beyond the outermost
        draws their values. Each row's mean is that of its draws: it is set right by a factor, which is within 1e-3 of 1 for
        some thousand draws.
    """
    scores = np.linspace(-SCORE_MAX, SCORE_MAX, points)
    levels = stats.norm.cdf(scores)
    mass = _hat_masses(scores)
    rows = []
    for values in draws:
        if values.size < 1 or not np.isfinite(values).all():
            raise DomainError("draws must be finite, at least one")
        ordered = np.sort(values)
        row = np.interp(levels, (np.arange(ordered.size) + 0.5) / ordered.size, ordered)
        mean, now = float(ordered.mean()), float(mass @ row)
        rows.append(row * (mean / now) if now != 0 and ordered[0] >= 0 else row + (mean - now))
    return np.array(rows, np.float64).reshape(len(rows), points)


def _hat_masses(scores: Floats) -> Floats:
    """Return weights that give the exact mean of a function linear between the scores, constant beyond."""
    cdf, pdf = stats.norm.cdf(scores), stats.norm.pdf(scores)
    step = np.diff(scores)
    inside = np.diff(cdf)
    rising = (pdf[:-1] - pdf[1:] - scores[:-1] * inside) / step  # of (z - left)/step over the cell
    mass = np.zeros(scores.size)
    mass[1:] += rising
    mass[:-1] += inside - rising
    mass[0] += cdf[0]
    mass[-1] += 1 - cdf[-1]
    return mass


def factor_sums(model: FactorModel, draws: int, *, first_draw: int = 0) -> Floats:
    """Return the sum of all values in each draw; shape (draws,).

    Parameters
    ----------
    model : FactorModel
        Values.
    draws, first_draw : int
        How many draws, and the number of the first: blocks of draws may be computed apart.

    Notes
    -----
    Memory beside the tables is draws, and threads x factors x 512.
    """
    if draws < 1:
        raise DomainError(f"draws must be at least 1, not {draws}")
    numbers = np.arange(first_draw, first_draw + draws, dtype=np.int64)
    total = np.zeros(draws)
    _sums(*_plain(model), numbers, _scales(model, numbers), _warp(model.degrees), total)
    return total


def contributions(model: FactorModel, chosen: Integers) -> Contributions:
    """Return the mean of each value over chosen draws, by drawing only those again.

    Parameters
    ----------
    model : FactorModel
        Values.
    chosen : ndarray of int
        Numbers of draws, e.g. ``np.argsort(sums)[:500]`` for the worst twentieth of 10,000 (of assets: the lowest sums).
    """
    if chosen.size < 1:
        raise DomainError("chosen must hold at least one draw")
    numbers = np.sort(chosen.astype(np.int64))
    moments = np.zeros((len(model.keys), 2))
    arguments = _plain(model)
    for start in range(0, numbers.size, _BLOCK * 8):
        part = numbers[start : start + _BLOCK * 8]
        factors = _factor_block(arguments[4], arguments[-1], part)
        _moments(*arguments[:4], *arguments[5:7], factors, part, _scales(model, part), _warp(model.degrees), moments)
    count = numbers.size
    mean = moments[:, 0] / count
    variance = np.maximum(moments[:, 1] / count - mean**2, 0)
    error = np.sqrt(variance / (count - 1)) if count > 1 else np.full(mean.size, np.inf)
    return Contributions(mean, error)


def values_at(model: FactorModel, chosen: Integers) -> Floats:
    """Return each value in chosen draws, shares applied; shape (n, chosen). For few draws: the array is held."""
    numbers = chosen.astype(np.int64)
    out = np.empty((len(model.keys), numbers.size))
    arguments = _plain(model)
    factors = _factor_block(arguments[4], arguments[-1], numbers)
    _values(*arguments[:4], *arguments[5:7], factors, numbers, _scales(model, numbers), _warp(model.degrees), out)
    return out


def _plain(model: FactorModel) -> tuple[Any, ...]:
    """Return what the kernels take: tables, loadings, own part, keys, factor key, shares, factor of, order, factor count."""
    count, width = model.loadings.shape
    of = np.tile(np.arange(width), (count, 1)) if model.factor_of is None else model.factor_of
    own = np.sqrt(np.maximum(1 - (model.loadings**2).sum(axis=1), 0))
    keys = np.ascontiguousarray(model.keys, np.uint64)
    shares = np.ones(count) if model.shares is None else np.ascontiguousarray(model.shares, np.float64)
    factors = int(of.max()) + 1 if of.size else 0
    return (
        np.ascontiguousarray(model.tables, np.float64), np.ascontiguousarray(model.loadings, np.float64), own, keys,
        np.uint64(model.factor_key), shares, np.ascontiguousarray(of, np.int64), np.argsort(keys), factors,
    )  # fmt: skip


def _scales(model: FactorModel, numbers: Integers) -> Floats:
    """Return ``sqrt(v / W)`` of each draw; ones for the normal copula."""
    if np.isinf(model.degrees):
        return np.ones(numbers.size)
    key = int(model.factor_key) ^ 0x5851F42D4C957F2D
    first, last = int(numbers.min()), int(numbers.max())
    levels = probability_levels(key, last - first + 1, first_draw=first)[numbers - first, 0]
    return np.asarray(np.sqrt(model.degrees / (2 * special.gammaincinv(model.degrees / 2, levels))), np.float64)


def _warp(degrees: float) -> Floats:
    """Return normal scores of a Student t variable x over ``x / (1 + |x|)`` in -1 to 1; empty for the normal copula."""
    if np.isinf(degrees):
        return np.empty(0)
    place = np.linspace(0, 1, _WARP_POINTS // 2 + 1)[:-1]
    upper = np.minimum(-stats.norm.ppf(stats.t.sf(place / (1 - place), degrees)), SCORE_MAX)
    upper = np.append(upper, SCORE_MAX)
    return np.concatenate([-upper[:0:-1], upper])


@nb.njit(cache=True)
def _factor_block(key: Any, count: Any, numbers: Any) -> Any:
    """Factors of some draws: number j of draw d is normal number d of the stream key + an odd multiple of j."""
    out = np.empty((count, numbers.size))
    for j in range(count):
        own = nb.uint64(key + nb.uint64(j + 1) * nb.uint64(0xD1342543DE82EF95))
        for i in range(numbers.size):
            out[j, i] = counter_normal(own, numbers[i])
    return out


@nb.njit(cache=True, inline="always")
def _scores(i: Any, loadings: Any, own: Any, keys: Any, of: Any, factors: Any, numbers: Any, scale: Any, warp: Any,
            z: Any) -> None:  # fmt: skip
    """Scores of value i in the draws of a block, into z."""
    if own[i] > 0.0:
        fill_normals(keys[i], numbers, z)
        for d in range(z.size):
            z[d] *= own[i]
    else:
        z[:] = 0.0
    for j in range(loadings.shape[1]):
        weight = loadings[i, j]
        if weight != 0.0:
            row = factors[of[i, j]]
            for d in range(z.size):
                z[d] += weight * row[d]
    if warp.size:
        middle = (warp.size - 1) * 0.5
        for d in range(z.size):
            x = z[d] * scale[d]
            place = (x / (1.0 + abs(x)) + 1.0) * middle
            cell = min(int(place), warp.size - 2)
            z[d] = warp[cell] + (place - cell) * (warp[cell + 1] - warp[cell])


@nb.njit(cache=True, inline="always")
def _look_up(table: Any, z: Any, per_score: Any, last: Any) -> Any:
    place = min(max((z + SCORE_MAX) * per_score, 0.0), last)
    cell = min(int(place), table.size - 2)
    return table[cell] + (place - cell) * (table[cell + 1] - table[cell])


@nb.njit(parallel=True, cache=True)
def _sums(tables: Any, loadings: Any, own: Any, keys: Any, factor_key: Any, shares: Any, of: Any, order: Any, count: Any,
          numbers: Any, scales: Any, warp: Any, total: Any) -> None:  # fmt: skip
    blocks = (total.size + _BLOCK - 1) // _BLOCK
    last = float(tables.shape[1] - 1)
    per_score = last / (2.0 * SCORE_MAX)
    for block in nb.prange(blocks):
        first, end = block * _BLOCK, min(total.size, (block + 1) * _BLOCK)
        mine = numbers[first:end]
        scale = scales[first:end]
        factors = _factor_block(factor_key, count, mine)
        z = np.empty(end - first)
        out = np.zeros(end - first)
        for place in range(order.size):
            i = order[place]
            _scores(i, loadings, own, keys, of, factors, mine, scale, warp, z)
            table = tables[i]
            share = shares[i]
            for d in range(z.size):
                out[d] += share * _look_up(table, z[d], per_score, last)
        total[first:end] = out


@nb.njit(parallel=True, cache=True)
def _moments(tables: Any, loadings: Any, own: Any, keys: Any, shares: Any, of: Any, factors: Any, numbers: Any,
             scale: Any, warp: Any, moments: Any) -> None:  # fmt: skip
    last = float(tables.shape[1] - 1)
    per_score = last / (2.0 * SCORE_MAX)
    for i in nb.prange(keys.size):
        z = np.empty(numbers.size)
        _scores(i, loadings, own, keys, of, factors, numbers, scale, warp, z)
        for d in range(z.size):
            value = shares[i] * _look_up(tables[i], z[d], per_score, last)
            moments[i, 0] += value
            moments[i, 1] += value * value


@nb.njit(parallel=True, cache=True)
def _values(tables: Any, loadings: Any, own: Any, keys: Any, shares: Any, of: Any, factors: Any, numbers: Any,
            scale: Any, warp: Any, out: Any) -> None:  # fmt: skip
    last = float(tables.shape[1] - 1)
    per_score = last / (2.0 * SCORE_MAX)
    for i in nb.prange(keys.size):
        z = np.empty(numbers.size)
        _scores(i, loadings, own, keys, of, factors, numbers, scale, warp, z)
        for d in range(z.size):
            out[i, d] = shares[i] * _look_up(tables[i], z[d], per_score, last)
