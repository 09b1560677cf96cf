"""Credibility: how far a thin cell is believed against all cells (Buehlmann-Straub), and a gamma-Poisson rate after claims.

Source: Buehlmann and Straub (1970), Mitteilungen der Vereinigung schweizerischer Versicherungsmathematiker 70:111-133; Hachemeister
(1975) for the published example; Klugman, Panjer and Willmot, Loss Models, chapters on credibility.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats

from zhirong.kernel.errors import DomainError

__all__ = ["Credibility", "GammaRate", "buehlmann_straub", "gamma_rate", "rates_of_cells"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Credibility:
    """Structure of a portfolio of cells: collective mean, variance between and within cells, and each cell's figures."""

    collective: float
    between: float
    within: float
    means: Floats
    weights: Floats
    factors: Floats
    premiums: Floats


@dataclass(frozen=True, slots=True)
class GammaRate:
    """A claim rate that is gamma distributed: ``shape`` claims seen in ``exposure`` units, as it were."""

    shape: float
    exposure: float

    @property
    def mean(self) -> float:
        """Expected claims a unit of exposure."""
        return self.shape / self.exposure

    def quantile(self, level: float) -> float:
        """Return a quantile of the rate."""
        return float(stats.gamma.ppf(level, self.shape, scale=1 / self.exposure))

    def after(self, claims: float, exposure: float) -> GammaRate:
        """Return the rate after claims were seen in some exposure; the mean is a credibility mix of prior and experience."""
        _amount("claims", claims)
        _amount("exposure", exposure)
        return GammaRate(self.shape + claims, self.exposure + exposure)

    def weight(self, exposure: float) -> float:
        """Return the credibility of that much experience, 0 to 1."""
        return _amount("exposure", exposure) / (self.exposure + exposure)


def gamma_rate(mean: float, low: float, high: float, *, mass: float = 0.9) -> GammaRate:
    """Return the gamma law with a mean whose central interval of `mass` is as wide, in logs, as ``low .. high``.

    Raises
    ------
    DomainError
        Unless ``0 < low < mean < high``.
    """
    if not (math.isfinite(high) and 0 < low < mean < high):
        raise DomainError(f"mean: {mean} in {low} to {high} given, 0 < low < mean < high allowed")
    tails = ((1 - mass) / 2, (1 + mass) / 2)
    wanted = math.log(high / low)

    def gap(log_shape: float) -> float:
        a, b = stats.gamma.ppf(tails, math.exp(log_shape))
        return math.log(b / max(a, 1e-300)) - wanted

    if gap(math.log(0.02)) < 0:
        raise DomainError(f"high: {high} over low {low} is too wide for a gamma law")
    shape = math.exp(optimize.brentq(gap, math.log(0.02), math.log(1e7)))
    return GammaRate(shape, shape / mean)


def buehlmann_straub(ratios: ArrayLike, weights: ArrayLike) -> Credibility:
    """Return credibility premiums of cells observed over several years.

    Parameters
    ----------
    ratios : array_like, shape (cells, years)
        Claims over weight; NaN where a year was not observed.
    weights : array_like, shape (cells, years)
        Exposure, above 0 where observed.

    Notes
    -----
    Unbiased estimators: ``s2`` from the spread within cells, ``a`` from that between them, set to 0 where negative (then all cells get
    the collective mean). The collective mean weighs cells by their credibility ``Z = w/(w + s2/a)``.

    Raises
    ------
    DomainError
        For shapes that differ, fewer than two cells, or no cell seen twice.
    """
    x, w = np.asarray(ratios, np.float64), np.asarray(weights, np.float64)
    if x.ndim != 2 or x.shape != w.shape or x.shape[0] < 2:
        raise DomainError("ratios: two cells or more, with weights of the same shape, allowed")
    seen = np.isfinite(x) & (w > 0)
    x, w = np.where(seen, x, 0.0), np.where(seen, w, 0.0)
    total, years = w.sum(1), seen.sum(1)
    if (years < 1).any() or (years > 1).sum() == 0:
        raise DomainError("weights: each cell seen once, and some twice, allowed")
    means = (w * x).sum(1) / total
    within = float((w * (x - means[:, None]) ** 2).sum() / (years - 1).sum())
    return _structure(means, total, within)


def rates_of_cells(claims: ArrayLike, exposure: ArrayLike) -> Credibility:
    """Return credibility claim rates of cells seen once: counts are Poisson, so the variance within is the mean.

    Raises
    ------
    DomainError
        For fewer than two cells, exposures not above 0, negative claims, or no claim.
    """
    n, w = np.asarray(claims, np.float64), np.asarray(exposure, np.float64)
    if n.ndim != 1 or n.shape != w.shape or n.size < 2 or not (np.isfinite(w).all() and (w > 0).all()):
        raise DomainError("exposure: two cells or more, each above 0, allowed")
    if not np.isfinite(n).all() or (n < 0).any() or n.sum() == 0:
        raise DomainError("claims: 0 or more, at least one in all, allowed")
    return _structure(n / w, w, float(n.sum() / w.sum()))


def _structure(means: Floats, total: Floats, within: float) -> Credibility:
    whole = float(total.sum())
    overall = float(total @ means / whole)
    spread = float(total @ (means - overall) ** 2) - (len(means) - 1) * within
    between = max(0.0, spread / (whole - float(total @ total) / whole))
    factors = total / (total + within / between) if between > 0 else np.zeros(len(means))
    collective = float(factors @ means / factors.sum()) if between > 0 else overall
    return Credibility(collective, between, within, means, total, factors, factors * means + (1 - factors) * collective)


def _amount(name: str, value: float) -> float:
    if not (math.isfinite(value) and value >= 0):
        raise DomainError(f"{name}: {value} given, a finite number not below 0 allowed")
    return value
