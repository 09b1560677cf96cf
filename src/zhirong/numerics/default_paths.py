"""Default times and cash flows of a pool of receivables on many paths, with one common factor.

Latent variable of asset i: ``X = (sqrt(rho) Z + sqrt(1 - rho) e) / s`` with independent normal Z and e; s = 1 for the Gaussian
copula, ``s = sqrt(W / nu)`` with W chi-square of nu degrees of freedom, common to the path, for the t copula. The asset
defaults in the first period t in which X does not exceed the quantile of its cumulative probability of default. Given the
factor, a uniform number above the conditional probability of default within the horizon settles the survivors, so that only
defaults cost an inverse of the normal distribution function.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from zhirong.numerics.graph.compiled import kernel, over_ranges, require
from zhirong.numerics.streams import score, stream_key, uniform

__all__ = ["Factors", "PoolModel", "PoolPaths", "default_periods", "draw_factors", "latent_quantiles", "pool_paths"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_BLOCK = 64


@dataclass(frozen=True, slots=True)
class Factors:
    """Common factor and mixing variable of each path: shapes (N,), (N,); a low factor is bad."""

    factor: Floats
    mixing: Floats


@dataclass(frozen=True, slots=True)
class PoolModel:
    """A pool as arrays: n assets, T periods, G classes of default risk.

    Parameters
    ----------
    interest, principal : ndarray, shape (n, T)
        Scheduled payments by collection period.
    opening : ndarray, shape (n, T)
        Scheduled balance at the start of each period.
    paid_share : ndarray, shape (n,)
        Part of a payment that is not lost to dilution.
    deposit : ndarray, shape (n,)
        Cash held against the balance at default.
    revenue : ndarray, shape (n, 4)
        Share of the payment that moves with revenue, volatility a year, common share of its variance, floor.
    may_prepay : ndarray of int, shape (n,)
        1 where prepayment applies.
    risk_class : ndarray of int, shape (n,)
        Row of `quantile` and place in `correlation`.
    quantile : ndarray, shape (G, T)
        Quantile of the latent variable at the cumulative probability of default; see `latent_quantiles`.
    correlation : ndarray, shape (G,)
        Share of the common factor.
    recovery : tuple of float
        Mean, standard deviation of the probit, share of the factor in that variance.
    recovery_lag : int
        Periods from default to recovery.
    prepayment : ndarray, shape (T,)
        Share of the balance prepaid in a period.
    prepayment_volatility : float
        Standard deviation of the log of a factor of the path that scales it.
    period_years : ndarray, shape (T,)
        Length of the periods.
    degrees_of_freedom : float
        Of the t copula, 0 for Gaussian.
    guarantor_class, replacement_class : int
        Rows of `quantile` of the guarantor and of assets bought later, -1 where there are none.
    """

    interest: Floats
    principal: Floats
    opening: Floats
    paid_share: Floats
    deposit: Floats
    revenue: Floats
    may_prepay: Ints
    risk_class: Ints
    quantile: Floats
    correlation: Floats
    recovery: tuple[float, float, float]
    recovery_lag: int
    prepayment: Floats
    prepayment_volatility: float
    period_years: Floats
    degrees_of_freedom: float = 0.0
    guarantor_class: int = -1
    replacement_class: int = -1


@dataclass(frozen=True, slots=True)
class PoolPaths:
    """What the paths of a pool bring.

    Parameters
    ----------
    flows : ndarray, shape (N, T, 6)
        Columns of `zhirong.numerics.waterfall.Flow`.
    fails : ndarray of int, shape (N,)
        First period in which the guarantor has failed, T where never.
    hazard : ndarray, shape (N, T), or (1, T) of zeros
        Of assets bought later.
    factors : Factors
        Common factor.
    """

    flows: Floats
    fails: Ints
    hazard: Floats
    factors: Factors


def latent_quantiles(cumulative: Floats, degrees_of_freedom: float = 0.0) -> Floats:
    """Return the quantiles of the latent variable at cumulative probabilities of default, normal or Student's t."""
    with np.errstate(divide="ignore"):
        found = stats.t.ppf(cumulative, degrees_of_freedom) if degrees_of_freedom else special.ndtri(cumulative)
    return np.asarray(found, np.float64)


def draw_factors(paths: int, seed: int, degrees_of_freedom: float = 0.0, *, first: int = 0) -> Factors:
    """Return the common factor of paths ``first`` to ``first + paths``; each path has numbers of its own."""
    factor, mixing = np.empty(paths), np.empty(paths)
    _draw(np.uint64(stream_key(seed, "pool/factor")), np.uint64(stream_key(seed, "pool/mixing")), first, factor, mixing)
    if degrees_of_freedom:
        mixing = np.sqrt(stats.chi2.ppf(mixing, degrees_of_freedom) / degrees_of_freedom)
    else:
        mixing[:] = 1.0
    return Factors(factor, mixing)


def default_periods(
    model: PoolModel, factors: Factors, seed: int, *, first: int = 0, threads: int = 1
) -> NDArray[np.int16]:
    """Return the period in which each asset defaults on each path, T where it does not; shape (N, n)."""
    paths, assets = factors.factor.size, model.risk_class.size
    out = np.empty((paths, assets), np.int16)
    key = np.uint64(stream_key(seed, "pool/default"))
    over_ranges(
        lambda a, b: _default_range(
            key, first, model.risk_class, model.quantile, model.correlation, factors.factor, factors.mixing, out, a, b
        ),
        paths, threads=threads, block=_BLOCK,
    )  # fmt: skip
    return out


def pool_paths(model: PoolModel, paths: int, seed: int, *, first: int = 0, threads: int = 1) -> PoolPaths:
    """Simulate the cash flows of a pool.

    Parameters
    ----------
    model : PoolModel
        The pool.
    paths, seed : int
        Number of paths, and seed; path p of a seed is the same in every call.
    first : int
        Number of the first path.
    threads : int
        Of no influence on the result.

    Returns
    -------
    PoolPaths
        ``balance before - balance after = principal + prepayment + default`` in every period of every path; the loss of
        diluted and revenue-linked principal counts as default.
    """
    periods = model.period_years.size
    require(paths >= 1, f"paths must be at least 1, not {paths}")
    factors = draw_factors(paths, seed, model.degrees_of_freedom, first=first)
    flows = np.zeros((paths, periods, 6))
    fails = np.full(paths, periods, np.int64)
    hazard = np.zeros((paths if model.replacement_class >= 0 else 1, periods))
    base = _base(model)
    keys = np.array(
        [
            stream_key(seed, f"pool/{name}")
            for name in ("default", "recovery", "prepayment", "revenue", "market", "guarantor")
        ],
        np.uint64,
    )
    mean, spread, share = model.recovery
    centre = math.sqrt(1.0 + spread * spread) * float(special.ndtri(min(max(mean, 1e-12), 1.0 - 1e-12)))
    over_ranges(
        lambda a, b: _pool_range(
            keys, first, (model.interest, model.principal, model.opening, model.paid_share, model.deposit, model.revenue),
            (model.may_prepay, model.risk_class), model.quantile, model.correlation,
            (centre, spread * math.sqrt(share), spread * math.sqrt(1.0 - share), model.recovery_lag),
            model.prepayment, model.prepayment_volatility, model.period_years,
            (model.guarantor_class, model.replacement_class), factors.factor, factors.mixing, base, flows, fails, hazard, a, b,
        ),
        paths, threads=threads, block=_BLOCK,
    )  # fmt: skip
    return PoolPaths(flows, fails, hazard, factors)


def _base(model: PoolModel) -> Floats:
    """Return the sums without default of what does not move with revenue: (prepays, interest/principal/lost/closing, T)."""
    base = np.zeros((2, 4, model.period_years.size))
    for kind in (0, 1):
        mine = (model.may_prepay == kind) & (model.revenue[:, 0] == 0)
        paid = model.paid_share[mine, None]
        base[kind, 0] = (model.interest[mine] * paid).sum(axis=0)
        base[kind, 1] = (model.principal[mine] * paid).sum(axis=0)
        base[kind, 2] = (model.principal[mine] * (1.0 - paid)).sum(axis=0)
        base[kind, 3] = (model.opening[mine] - model.principal[mine]).sum(axis=0)
    return base


@kernel
def _draw(key: Any, mixing_key: Any, first: int, factor: Any, mixing: Any) -> None:
    for p in range(factor.size):
        factor[p] = score(uniform(key, first + p))
        mixing[p] = uniform(mixing_key, first + p)


@kernel
def _cut(quantile: Any, rho: float, factor: float, mixing: float) -> float:
    """Conditional probability that the latent variable stays below a quantile."""
    at = (quantile * mixing - math.sqrt(rho) * factor) / math.sqrt(1.0 - rho)
    return 0.5 * math.erfc(-at * math.sqrt(0.5))


@kernel
def _when(u: float, quantile: Any, rho: float, factor: float, mixing: float) -> int:
    """First period whose quantile the latent variable does not exceed."""
    latent = (math.sqrt(rho) * factor + math.sqrt(1.0 - rho) * score(u)) / mixing
    low, high = 0, quantile.size - 1
    while low < high:
        middle = (low + high) // 2
        if latent <= quantile[middle]:
            high = middle
        else:
            low = middle + 1
    return low


@kernel
def _cuts(quantile: Any, correlation: Any, factor: float, mixing: float, cut: Any) -> None:
    last = quantile.shape[1] - 1
    for g in range(quantile.shape[0]):
        cut[g] = _cut(quantile[g, last], correlation[g], factor, mixing)


@kernel
def _default_range(key: Any, base: int, risk_class: Any, quantile: Any, correlation: Any, factor: Any, mixing: Any, out: Any,
                   first: int, last: int) -> None:  # fmt: skip
    assets, periods = risk_class.size, quantile.shape[1]
    cut = np.empty(quantile.shape[0])
    for p in range(first, last):
        _cuts(quantile, correlation, factor[p], mixing[p], cut)
        start = (base + p) * assets
        for i in range(assets):
            g = risk_class[i]
            u = uniform(key, start + i)
            out[p, i] = periods if u >= cut[g] else _when(u, quantile[g], correlation[g], factor[p], mixing[p])


@kernel
def _remove(i: int, when: int, arrays: Any, prepays: int, survive: Any, sums: Any, line: Any) -> float:
    """Take a defaulted asset out of the sums from its period on; return the balance that is lost."""
    interest, principal, opening, paid_share, deposit, _ = arrays
    periods = opening.shape[1]
    paid = paid_share[i]
    for t in range(when, periods):
        if opening[i, t] <= 0.0:
            break
        sums[prepays, 0, t] -= interest[i, t] * paid
        sums[prepays, 1, t] -= principal[i, t] * paid
        sums[prepays, 2, t] -= principal[i, t] * (1.0 - paid)
        sums[prepays, 3, t] -= opening[i, t] - principal[i, t]
    exposed = opening[i, when] * (survive[when] if prepays == 1 else 1.0)
    kept = min(deposit[i], exposed)
    line[when, 1] += kept
    line[when, 4] += exposed - kept
    return float(exposed - kept)


@kernel
def _royalty(
    i: int, number: int, when: int, path: int, keys: Any, arrays: Any, years: Any, market: Any, line: Any
) -> None:
    """Payments that move with the revenue of the licensee, up to its default."""
    interest, principal, opening, paid_share, _, revenue = arrays
    share, volatility, common, floor = revenue[i]
    level = 0.0
    periods = opening.shape[1]
    for t in range(periods):
        if t >= when or opening[i, t] <= 0.0:
            break
        own = score(uniform(keys[3], (path * opening.shape[0] + number) * periods + t))
        step = math.sqrt(common) * market[t] + math.sqrt(1.0 - common) * own
        level += volatility * math.sqrt(years[t]) * step - 0.5 * volatility * volatility * years[t]
        factor = paid_share[i] * (1.0 - share + share * max(math.exp(level), floor))
        line[t, 0] += interest[i, t] * factor + principal[i, t] * max(factor - 1.0, 0.0)
        line[t, 1] += principal[i, t] * min(factor, 1.0)
        line[t, 4] += principal[i, t] * max(1.0 - factor, 0.0)
        line[t, 5] += max(opening[i, t] - principal[i, t], 0.0)


@kernel
def _assets(p: int, path: int, keys: Any, arrays: Any, kinds: Any, quantile: Any, correlation: Any, recovery: Any, years: Any,
            factor: float, mixing: float, cut: Any, survive: Any, market: Any, sums: Any, line: Any) -> None:  # fmt: skip
    may_prepay, risk_class = kinds
    opening, revenue = arrays[2], arrays[5]
    assets, periods = opening.shape
    centre, common, own, lag = recovery
    start = path * assets
    for i in range(assets):
        g = risk_class[i]
        u = uniform(keys[0], start + i)
        when = periods if u >= cut[g] else _when(u, quantile[g], correlation[g], factor, mixing)
        if revenue[i, 0] > 0.0:
            _royalty(i, i, when, path, keys, arrays, years, market, line)
        if when == periods or opening[i, when] <= 0.0:
            continue
        if revenue[i, 0] > 0.0:
            kept = min(arrays[4][i], opening[i, when])
            lost = opening[i, when] - kept
            line[when, 1] += kept
            line[when, 4] += lost
        else:
            lost = _remove(i, when, arrays, may_prepay[i], survive, sums, line)
        if when + lag < periods:
            probit = centre + common * factor + own * score(uniform(keys[1], start + i))
            line[when + lag, 3] += lost * 0.5 * math.erfc(-probit * math.sqrt(0.5))


@kernel
def _pool_range(keys: Any, base_path: int, arrays: Any, kinds: Any, quantile: Any, correlation: Any, recovery: Any,
                prepayment: Any, prepayment_volatility: float, years: Any, special_class: Any, factor: Any, mixing: Any,
                base: Any, flows: Any, fails: Any, hazard: Any, first: int, last: int) -> None:  # fmt: skip
    periods = years.size
    cut, sums = np.empty(quantile.shape[0]), np.empty_like(base)
    survive, market = np.ones(periods + 1), np.zeros(periods)
    has_revenue = False
    for i in range(arrays[5].shape[0]):
        has_revenue = has_revenue or arrays[5][i, 0] > 0.0
    for p in range(first, last):
        path = base_path + p
        line = flows[p]
        sums[:] = base
        _cuts(quantile, correlation, factor[p], mixing[p], cut)
        scale = 1.0
        if prepayment_volatility > 0.0:
            z = score(uniform(keys[2], path))
            scale = math.exp(prepayment_volatility * z - 0.5 * prepayment_volatility * prepayment_volatility)
        for t in range(periods):
            survive[t + 1] = survive[t] * (1.0 - min(prepayment[t] * scale, 1.0))
            if has_revenue:
                market[t] = score(uniform(keys[4], path * periods + t))
        _assets(p, path, keys, arrays, kinds, quantile, correlation, recovery, years, factor[p], mixing[p], cut, survive,
                market, sums, line)  # fmt: skip
        for t in range(periods):
            line[t, 0] += max(sums[0, 0, t] + sums[1, 0, t] * survive[t], 0.0)
            line[t, 1] += max(sums[0, 1, t] + sums[1, 1, t] * survive[t], 0.0)
            line[t, 2] += max(sums[1, 3, t] * (survive[t] - survive[t + 1]), 0.0)
            line[t, 4] += max(sums[0, 2, t] + sums[1, 2, t] * survive[t], 0.0)
            line[t, 5] += max(sums[0, 3, t] + sums[1, 3, t] * survive[t + 1], 0.0)
        _others(p, path, keys, quantile, correlation, special_class, factor[p], mixing[p], cut, fails, hazard)


@kernel
def _others(p: int, path: int, keys: Any, quantile: Any, correlation: Any, special_class: Any, factor: float, mixing: float,
            cut: Any, fails: Any, hazard: Any) -> None:  # fmt: skip
    """Failure of the guarantor, and hazard of the assets bought later."""
    guarantor, replacement = special_class
    if guarantor >= 0:
        u = uniform(keys[5], path)
        if u < cut[guarantor]:
            fails[p] = _when(u, quantile[guarantor], correlation[guarantor], factor, mixing)
    if replacement >= 0:
        before = 0.0
        for t in range(quantile.shape[1]):
            now = _cut(quantile[replacement, t], correlation[replacement], factor, mixing)
            hazard[p, t] = (now - before) / (1.0 - before) if before < 1.0 else 1.0
            before = now
