"""Loss of a loan book: one-factor formulas in closed form, regulatory capital, and simulation with wrong-way risk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from zhirong.kernel.errors import DomainError
from zhirong.numerics.streams import stream_key

__all__ = [
    "PortfolioLoss",
    "irb_capital",
    "point_in_time",
    "simulate_losses",
    "tranche_expected_loss",
    "vasicek_quantile",
    "vasicek_sd",
]

Floats = NDArray[np.float64]


def _fraction(name: str, value: Floats | float, *, is_open: bool = False) -> Floats:
    array = np.asarray(value, np.float64)
    inside = (array > 0) & (array < 1) if is_open else (array >= 0) & (array <= 1)
    if not np.isfinite(array).all() or not inside.all():
        raise DomainError(f"field {name}: {value}; allowed: {'above 0, below 1' if is_open else '0 to 1'}")
    return array


def point_in_time(pd: Floats | float, rho: float, factor: Floats | float) -> Floats:
    """Return the default probability given the systematic factor.

    Parameters
    ----------
    pd : float or ndarray
        Through the cycle, above 0, below 1.
    rho : float
        Asset correlation, 0 to below 1.
    factor : float or ndarray
        Standard normal; positive is good.

    Returns
    -------
    ndarray

    Notes
    -----
    ``Phi((Phi^-1(PD) - sqrt(rho) Z)/sqrt(1-rho))`` (Vasicek 1987).
    """
    base, share = _fraction("pd", pd, is_open=True), float(_fraction("rho", rho))
    if share == 1:
        raise DomainError("field rho: 1; allowed: 0 to below 1")
    return np.asarray(stats.norm.cdf((stats.norm.ppf(base) - np.sqrt(share) * np.asarray(factor)) / np.sqrt(1 - share)))


def vasicek_quantile(pd: Floats | float, rho: float, level: Floats | float) -> Floats:
    """Return the default rate of a large pool that is not exceeded with a probability; see `point_in_time`."""
    return point_in_time(pd, rho, -stats.norm.ppf(_fraction("level", level, is_open=True)))


def vasicek_sd(pd: float, rho: float) -> float:
    """Return the standard deviation of the default rate of a large pool: ``Phi_2(k, k; rho) - p^2`` under the root."""
    k = stats.norm.ppf(float(_fraction("pd", pd, is_open=True)))
    joint = stats.multivariate_normal.cdf([k, k], cov=[[1, rho], [rho, 1]], abseps=1e-12, releps=1e-12)
    return float(np.sqrt(max(joint - pd**2, 0.0)))


def tranche_expected_loss(
    pd: float, rho: float, lgd: float, attach: float, detach: float, *, nodes: int = 20_000
) -> float:
    """Return the expected loss of a tranche of a large equal pool, fraction of the tranche.

    Parameters
    ----------
    pd, rho, lgd : float
        Of the pool.
    attach, detach : float
        Fractions of the pool, 0 to 1, rising.
    nodes : int
        Midpoints of the quadrature over the factor.

    Returns
    -------
    float
    """
    if not 0 <= attach < detach <= 1:
        raise DomainError(f"field attach: {attach} to {detach}; allowed: 0 <= attach < detach <= 1")
    edges = np.linspace(-9.0, 9.0, nodes + 1)
    middle = (edges[1:] + edges[:-1]) / 2
    loss = float(_fraction("lgd", lgd)) * point_in_time(pd, rho, middle)
    weight = np.diff(stats.norm.cdf(edges))
    return float(np.clip(loss - attach, 0, detach - attach) @ weight / (detach - attach))


def irb_capital(
    pd: Floats | float, lgd: Floats | float, *, maturity_years: float = 2.5, turnover_eur_m: float | None = None
) -> Floats:
    """Return the capital of the internal-ratings approach for corporate loans, fraction of exposure.

    Parameters
    ----------
    pd : float or ndarray
        Above 0, below 1. Floors are the caller's.
    lgd : float or ndarray
        0 to 1.
    maturity_years : float
        1 to 5.
    turnover_eur_m : float, optional
        Of the firm; held to 5-50. None: no adjustment for small firms.

    Returns
    -------
    ndarray
        K; the risk weight is 12.5 K.

    References
    ----------
    Basel Committee (2006), International convergence of capital measurement, paragraphs 272-273; Annex 5.
    """
    default, severity = _fraction("pd", pd, is_open=True), _fraction("lgd", lgd)
    if not 1 <= maturity_years <= 5:
        raise DomainError(f"field maturity_years: {maturity_years}; allowed: 1 to 5")
    if turnover_eur_m is not None and not (np.isfinite(turnover_eur_m) and turnover_eur_m >= 0):
        raise DomainError(f"field turnover_eur_m: {turnover_eur_m}; allowed: 0 or more")
    size = 50.0 if turnover_eur_m is None else min(max(turnover_eur_m, 5.0), 50.0)
    weight = (1 - np.exp(-50 * default)) / (1 - np.exp(-50))
    rho = 0.12 * weight + 0.24 * (1 - weight) - 0.04 * (1 - (size - 5) / 45)
    slope = (0.11852 - 0.05478 * np.log(default)) ** 2
    stressed = stats.norm.cdf((stats.norm.ppf(default) + np.sqrt(rho) * stats.norm.ppf(0.999)) / np.sqrt(1 - rho))
    adjusted = severity * (stressed - default) * (1 + (maturity_years - 2.5) * slope) / (1 - 1.5 * slope)
    return np.asarray(adjusted, np.float64)


@dataclass(frozen=True, slots=True)
class PortfolioLoss:
    """Simulated losses of a book.

    Attributes
    ----------
    losses : ndarray, shape (n,)
        Sorted, in the unit of the exposures.
    expected, expected_error : float
        Mean and its standard error.
    defaults_mean : float
        Mean number of defaults.
    contributions : ndarray, shape (m,)
        Mean loss of each loan in the worst ``1 - level`` of paths; they add up to the expected shortfall.
    level : float
        Of value at risk and expected shortfall.
    """

    losses: Floats
    expected: float
    expected_error: float
    defaults_mean: float
    contributions: Floats
    level: float

    def value_at_risk(self, level: float | None = None) -> float:
        """Return the smallest loss not exceeded with a probability."""
        at = int(np.ceil((level or self.level) * len(self.losses) - 1e-9)) - 1
        return float(self.losses[max(at, 0)])

    @property
    def expected_shortfall(self) -> float:
        """Mean loss of the worst ``1 - level`` of paths."""
        return float(self.contributions.sum())


def simulate_losses(
    exposures: Floats, pds: Floats, collateral: Floats, *, rho: float, wrong_way: float = 0.0, value_sd: Floats | float = 0.5,
    unsecured_recovery: float = 0.0, freedom: float | None = None, paths: int = 20_000, level: float = 0.999, seed: int = 1,
) -> PortfolioLoss:  # fmt: skip
    """Return losses of a book whose defaults, and the values behind them, fall with one factor.

    Parameters
    ----------
    exposures, pds, collateral : ndarray, shape (m,)
        Owed at default; default probability, 0 to 1; median realisable value of the collateral.
    rho : float
        Correlation of the firms' assets with each other, 0 to below 1.
    wrong_way : float
        Correlation of the logarithm of values with the systematic factor, 0 to 1: above 0, values are low when defaults are many.
    value_sd : float or ndarray, shape (m,)
        Standard deviation of the logarithm of the realisable value.
    unsecured_recovery : float
        Recovered of what the collateral does not cover, 0 to 1.
    freedom : float, optional
        Degrees of freedom of a t copula, above 2; Gaussian where not given.
    paths : int
        Simulated years, 1,000 or more.
    level : float
        Of risk measures.
    seed : int
        Of the streams.

    Returns
    -------
    PortfolioLoss

    Notes
    -----
    ``X_i = (sqrt(rho) Z + sqrt(1-rho) e_i) sqrt(nu/W)``, default where ``X_i < F^-1(p_i)``; value
    ``exp(sd (w Z + sqrt(1-w^2) u_i))`` times its median, so that its distribution does not depend on `wrong_way`.
    """
    owed, default, median, spread = _book(exposures, pds, collateral, value_sd)
    if paths < 1_000 or not 0 < level < 1 or (freedom is not None and freedom <= 2):
        raise DomainError("allowed: paths 1,000 or more, level above 0 below 1, freedom above 2")
    share, tie = float(_fraction("rho", rho)), float(_fraction("wrong_way", wrong_way))
    rest = 1 - float(_fraction("unsecured_recovery", unsecured_recovery))
    rng = np.random.Generator(np.random.Philox(key=stream_key(seed, "credit/portfolio")))
    cut = (stats.norm.ppf(default) if freedom is None else stats.t.ppf(default, freedom)).astype(np.float64)
    block = max(1, 4_000_000 // len(owed))
    keep = max(round((1 - level) * paths), 1)
    losses, defaults = [], 0
    worst, worst_total = np.zeros((0, len(owed))), np.zeros(0)
    for first in range(0, paths, block):
        n = min(block, paths - first)
        z = rng.standard_normal((n, 1))
        assets = np.sqrt(share) * z + np.sqrt(1 - share) * rng.standard_normal((n, len(owed)))
        if freedom is not None:
            assets *= np.sqrt(freedom / rng.chisquare(freedom, (n, 1)))
        failed = assets < cut
        value = median * np.exp(spread * (tie * z + np.sqrt(1 - tie**2) * rng.standard_normal((n, len(owed)))))
        lost = np.where(failed, np.maximum(owed - value, 0.0) * rest, 0.0)
        sums = lost.sum(axis=1)
        losses.append(sums)
        defaults += int(failed.sum())
        worst, worst_total = np.concatenate([worst, lost]), np.concatenate([worst_total, sums])
        best = np.argsort(-worst_total, kind="stable")[:keep]
        worst, worst_total = worst[best], worst_total[best]
    total = np.concatenate(losses)
    tail = worst.mean(axis=0)
    error = float(total.std(ddof=1) / np.sqrt(paths))
    return PortfolioLoss(np.sort(total), float(total.mean()), error, defaults / paths, tail, level)


def _book(
    exposures: Floats, pds: Floats, collateral: Floats, value_sd: Floats | float
) -> tuple[Floats, Floats, Floats, Floats]:
    owed, median = np.asarray(exposures, np.float64), np.asarray(collateral, np.float64)
    default = _fraction("pds", pds)
    if owed.ndim != 1 or not len(owed) or default.shape != owed.shape or median.shape != owed.shape:
        raise DomainError("exposures, pds and collateral: one of each for each loan, one loan or more")
    for name, array in (("exposures", owed), ("collateral", median), ("value_sd", np.asarray(value_sd, np.float64))):
        if not (np.isfinite(array).all() and (array >= 0).all()):
            raise DomainError(f"field {name}: allowed: finite, 0 or more")
    return owed, default, median, np.broadcast_to(np.asarray(value_sd, np.float64), owed.shape)
