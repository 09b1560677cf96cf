"""Kernels of least-squares Monte Carlo for one asset: learn the boundary of exercise, then follow it on other paths.

Both passes work on blocks of paths whose sums are added in the order of the blocks, so no result depends on the number of
threads. Threads are ordinary ones: a parallel region of Numba a date costs seconds where the cores are shared.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhirong.numerics.graph.compiled import kernel
from zhirong.numerics.streams import score, uniform

__all__ = ["BASIS", "Boundary", "follow", "learn"]

Floats = NDArray[np.float64]
Boundary = NDArray[np.float64]

BASIS = 4
"""Powers 0 to 3 of ``a/(a + 1) - 1/2``, a the asset over the strike."""
_BLOCK = 4_096
_IN_THE_MONEY_MIN = 4 * BASIS
_SUMS = 3 * BASIS - 1
_DEEPEST = _SUMS
"""Column of the deepest log ratio in the money that a block has seen."""
_RIDGE = 1e-12
_SCAN = 512


def learn(key: int, terms: Floats, *, dates: int, paths: int, threads: int) -> Boundary:
    """Return the boundary beyond which the option is exercised, date by date.

    Parameters
    ----------
    key : int
        Key of the stream of random numbers.
    terms : ndarray, shape (7,)
        Spot, strike, rate, volatility, years, yield, sign.
    dates, paths : int
        Exercise dates and paths.
    threads : int
        At least 1.

    Returns
    -------
    ndarray, shape (dates,)
        Logarithm of asset over strike: exercised at or below it (put), at or above it (call). NaN at the last date and at
        those at which it is never exercised.

    Notes
    -----
    What exercise brought above the European option at the same moment, over ``a + 1``, is regressed on powers of
    ``a/(a + 1) - 1/2``, a the asset over the strike: both are bounded, so that the tail of the asset does not govern the fit.
    The value of continuing is the closed form of the European option and this premium. Most of the noise of the payoff so drops out of
    the regression, and fewer paths do.
    """
    blocks = (paths + _BLOCK - 1) // _BLOCK
    boundary = np.full(dates, np.nan)
    state = np.empty((5, paths))
    partial = np.empty((blocks, _SUMS + 1))
    bounds = [
        (blocks * i // threads * _BLOCK, min(paths, blocks * (i + 1) // threads * _BLOCK)) for i in range(threads)
    ]
    fitted = np.full(BASIS, np.nan)
    with ThreadPoolExecutor(threads) as pool:
        for date in range(dates, 0, -1):
            work = [
                pool.submit(_learn_date, np.uint64(key), terms, dates, date, fitted, state, partial, first, last)
                for first, last in bounds
            ]
            for task in work:
                task.result()
            if date < dates:
                fitted = _fit(partial[:, :_SUMS].sum(axis=0))
                deepest = float(partial[:, _DEEPEST].max())
                boundary[date - 1] = _crossing(terms, dates, date, fitted, deepest)
    return boundary


def _fit(total: Floats) -> Floats:
    """Solve the normal equations, or return NaN where too few paths are in the money."""
    if total[0] < _IN_THE_MONEY_MIN:
        return np.full(BASIS, np.nan)
    left = total[np.add.outer(np.arange(BASIS), np.arange(BASIS))]
    # A trace of the diagonal keeps the solution finite where paths in the money lie close together.
    left[np.diag_indices(BASIS)] *= 1.0 + _RIDGE
    return np.asarray(np.linalg.solve(left, total[2 * BASIS - 1 :]), np.float64)


def _crossing(terms: Floats, dates: int, date: int, fitted: Floats, deepest: float) -> float:
    """Return the bound beyond which exercising gains most over continuing, in expectation; NaN where it never gains."""
    if math.isnan(fitted[0]):
        return math.nan
    spot, strike, rate, volatility, years, dividend, sign = terms
    where = sign * np.linspace(0.0, deepest, _SCAN)
    time = years * date / dates
    excess = _excess(terms, years - time, fitted, where)
    middle = math.log(spot / strike) + (rate - dividend - 0.5 * volatility**2) * time
    density = np.exp(-0.5 * ((where - middle) / (volatility * math.sqrt(time))) ** 2)
    beyond = np.cumsum((excess * density)[::-1])[::-1]
    at = int(np.argmax(beyond))
    if beyond[at] <= 0:
        return math.nan
    if at == 0 or excess[at - 1] >= 0 or excess[at] < 0:
        return float(where[at])
    # Linear between the two points of the scan.
    share = excess[at - 1] / (excess[at - 1] - excess[at])
    return float(where[at - 1] + share * (where[at] - where[at - 1]))


@kernel
def _excess(terms: Any, left: float, fitted: Any, where: Any) -> Any:
    strike, rate, volatility, dividend, sign = terms[1], terms[2], terms[3], terms[5], terms[6]
    found = np.empty(where.shape[0])
    for i in range(where.shape[0]):
        excess = math.exp(where[i]) - 1.0
        x = 0.5 * excess / (excess + 2.0)
        premium = (excess + 2.0) * (fitted[0] + x * (fitted[1] + x * (fitted[2] + x * fitted[3])))
        found[i] = (
            sign * strike * excess - premium - strike * _european(where[i], rate, volatility, left, dividend, sign)
        )
    return found


@kernel
def _learn_date(  # noqa: PLR0915  (one backward step)
    key: Any, terms: Any, dates: int, date: int, later: Any, state: Any, partial: Any, first: int, last: int
) -> None:
    """Decide at the date after this one, step back along the bridge to this one, and sum what the regression needs."""
    spot, strike, rate, volatility, years, dividend, sign = terms
    motion, ratio, brought, payoff, held = state[0], state[1], state[2], state[3], state[4]
    dt = years / dates
    discount = math.exp(-rate * dt)
    level = math.log(spot / strike) + (rate - dividend - 0.5 * volatility * volatility) * dt * date
    # A bridge from the motion at the next date towards 0 now.
    share = date / (date + 1.0)
    spread = math.sqrt(dt * share) if date < dates else math.sqrt(years)
    may_exercise = date < dates - 1 and not math.isnan(later[0])
    c0, c1, c2, c3 = later[0], later[1], later[2], later[3]
    for start in range(first, last, _BLOCK):
        s0, s1, s2, s3, s4, s5, s6 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        t0, t1, t2, t3 = 0.0, 0.0, 0.0, 0.0
        deepest = 0.0
        for i in range(start, min(last, start + _BLOCK)):
            z = score(uniform(key, i * dates + date - 1))
            if date == dates:
                motion[i] = spread * z
                ratio[i] = math.exp(level + volatility * motion[i]) - 1.0
                brought[i] = max(sign * strike * ratio[i], 0.0)
                payoff[i] = brought[i]
                held[i] = 0.0
                continue
            excess = ratio[i]
            worth = brought[i]
            if may_exercise:
                gain = sign * strike * excess
                x = 0.5 * excess / (excess + 2.0)
                if gain > 0.0 and gain >= held[i] + (excess + 2.0) * (c0 + x * (c1 + x * (c2 + x * c3))):
                    worth = gain
                    payoff[i] = held[i]
            worth *= discount
            brought[i] = worth
            payoff[i] *= discount
            motion[i] = share * motion[i] + spread * z
            at = level + volatility * motion[i]
            excess = math.exp(at) - 1.0
            ratio[i] = excess
            if sign * excess > 0.0:
                deepest = max(deepest, sign * at)
                held[i] = strike * _european(at, rate, volatility, years - dt * date, dividend, sign)
                premium = (worth - payoff[i]) / (excess + 2.0)
                x = 0.5 * excess / (excess + 2.0)
                xx = x * x
                s0 += 1.0
                s1 += x
                s2 += xx
                s3 += xx * x
                s4 += xx * xx
                s5 += xx * xx * x
                s6 += xx * xx * xx
                t0 += premium
                t1 += premium * x
                t2 += premium * xx
                t3 += premium * xx * x
        row = partial[start // _BLOCK]
        row[0], row[1], row[2], row[3], row[4], row[5], row[6] = s0, s1, s2, s3, s4, s5, s6
        row[7], row[8], row[9], row[10] = t0, t1, t2, t3
        row[_DEEPEST] = deepest


def follow(
    key: int, terms: Floats, boundary: Boundary, *, pairs: int, threads: int
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Follow a boundary on pairs of mirrored paths.

    Parameters
    ----------
    key, terms, threads
        As for `learn`.
    boundary : ndarray, shape (dates,)
        From `learn`.
    pairs : int
        Pairs of paths whose random numbers differ in sign.

    Returns
    -------
    brought, european : ndarray, shape (pairs,)
        Discounted gain, mean of the two paths, and likewise the discounted value of the European option at the moment of
        exercise, whose expectation is its value now: the control variate.
    exercised : ndarray of int, shape (pairs,)
        Paths of the pair on which the option is exercised, 0 to 2.
    """
    sign = float(terms[6])
    limit = np.where(np.isnan(boundary), np.inf, sign * boundary)
    brought, european, exercised = np.empty(pairs), np.empty(pairs), np.empty(pairs, np.int64)
    bounds = [(pairs * i // (4 * threads), pairs * (i + 1) // (4 * threads)) for i in range(4 * threads)]
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(
            lambda b: _follow_range(np.uint64(key), terms, limit, brought, european, exercised, b[0], b[1]), bounds
        ):
            pass
    return brought, european, exercised


@kernel
def _follow_range(
    key: Any, terms: Any, limit: Any, brought: Any, european: Any, exercised: Any, first: int, last: int
) -> None:
    spot, _, rate, volatility, years, dividend, sign = terms
    dates = limit.shape[0]
    dt = years / dates
    drift = sign * (rate - dividend - 0.5 * volatility * volatility) * dt
    spread = sign * volatility * math.sqrt(dt)
    start = sign * math.log(spot / terms[1])
    stopped, at = np.empty(2, np.int64), np.empty(2)
    for i in range(first, last):
        total = 0.0
        stopped[0], stopped[1] = 0, 0
        open_paths = 2
        for date in range(1, dates + 1):
            total += spread * score(uniform(key, i * dates + date - 1))
            middle = start + drift * date
            bound = limit[date - 1] if date < dates else -np.inf
            if stopped[0] == 0 and middle + total >= bound:
                stopped[0], at[0] = date, middle + total
                open_paths -= 1
            if stopped[1] == 0 and middle - total >= bound:
                stopped[1], at[1] = date, middle - total
                open_paths -= 1
            if open_paths == 0:
                break
        brought[i], european[i], exercised[i] = 0.0, 0.0, 0
        for side in range(2):
            log_ratio = sign * at[side]
            gain = sign * terms[1] * (math.exp(log_ratio) - 1.0)
            worth = 0.5 * math.exp(-rate * dt * stopped[side])
            if gain > 0.0:
                brought[i] += worth * gain
                exercised[i] += 1
            if stopped[side] == dates:
                european[i] += worth * max(gain, 0.0)
            else:
                left = years - dt * stopped[side]
                european[i] += worth * terms[1] * _european(log_ratio, rate, volatility, left, dividend, sign)


@kernel
def _european(log_ratio: Any, rate: Any, volatility: Any, years: Any, dividend: Any, sign: Any) -> Any:
    """Value of a European option for a strike of 1 (Merton 1973)."""
    spread = volatility * math.sqrt(years)
    d1 = (log_ratio + (rate - dividend) * years) / spread + 0.5 * spread
    half = math.sqrt(0.5)
    up = 0.5 * math.erfc(-sign * d1 * half)
    down = 0.5 * math.erfc(-sign * (d1 - spread) * half)
    return sign * (math.exp(log_ratio - dividend * years) * up - math.exp(-rate * years) * down)
