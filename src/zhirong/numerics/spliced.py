"""A severity with a body and a heavier tail: log-normal or gamma below a threshold, generalised Pareto above it.

The density is continuous at the threshold: the scale of the tail is ``(1 - p)/f(t)`` with p the body's probability below it.
Source: Klugman, Panjer and Willmot, Loss Models (spliced distributions); McNeil (1997), ASTIN Bulletin 27(1):117-137.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from zhirong.kernel.errors import DomainError
from zhirong.numerics.aggregate import lognormal_limited_mean

__all__ = ["SplicedSeverity"]

Floats = NDArray[np.float64]
_FLAT = 1e-12


@dataclass(frozen=True, slots=True)
class SplicedSeverity:
    """A loss with body and tail.

    Parameters
    ----------
    body : {'lognormal', 'gamma'}
        Law below the threshold.
    median : float
        Median of the body, above 0.
    spread : float
        Standard deviation of the log (log-normal), coefficient of variation (gamma), above 0.
    tail_from : float
        Probability below the threshold, above 0.5 to 1; 1 for no tail of its own.
    tail_shape : float
        Shape of the generalised Pareto, 0 to below 1 (the mean is finite).
    """

    body: Literal["lognormal", "gamma"]
    median: float
    spread: float
    tail_from: float = 1.0
    tail_shape: float = 0.0

    def __post_init__(self) -> None:
        if self.body not in ("lognormal", "gamma"):
            raise DomainError(f"body: {self.body!r} given, lognormal or gamma allowed")
        for name, value in (("median", self.median), ("spread", self.spread)):
            if not (math.isfinite(value) and value > 0):
                raise DomainError(f"{name}: {value} given, a finite number above 0 allowed")
        if not 0.5 < self.tail_from <= 1:
            raise DomainError(f"tail_from: {self.tail_from} given, above 0.5 to 1 allowed")
        if not 0 <= self.tail_shape < 1:
            raise DomainError(f"tail_shape: {self.tail_shape} given, 0 to below 1 allowed")

    def _law(self) -> Any:
        if self.body == "lognormal":
            return stats.lognorm(self.spread, scale=self.median)
        shape = self.spread**-2
        return stats.gamma(shape, scale=self.median / float(stats.gamma.ppf(0.5, shape)))

    @property
    def threshold(self) -> float:
        """Loss from which the tail holds; inf without one."""
        return math.inf if self.tail_from == 1 else float(self._law().ppf(self.tail_from))

    @property
    def tail_scale(self) -> float:
        """Scale of the tail; nan without one."""
        return math.nan if self.tail_from == 1 else (1 - self.tail_from) / float(self._law().pdf(self.threshold))

    def quantile(self, level: ArrayLike) -> Floats:
        """Return quantiles for levels in [0, 1)."""
        u = np.asarray(level, np.float64)
        found = self._law().ppf(np.minimum(u, self.tail_from) if self.tail_from < 1 else u)
        if self.tail_from == 1:
            return np.asarray(found, np.float64)
        grown = np.log((1 - self.tail_from) / np.minimum(1 - u, 1 - self.tail_from))
        excess = grown if self.tail_shape < _FLAT else np.expm1(self.tail_shape * grown) / self.tail_shape
        return np.asarray(found + self.tail_scale * excess, np.float64)

    def _grown(self, excess: Floats) -> Floats:
        """Return minus the log of the tail's survival."""
        y = excess / self.tail_scale
        return np.asarray(y if self.tail_shape < _FLAT else np.log1p(self.tail_shape * y) / self.tail_shape, np.float64)

    def cdf(self, loss: ArrayLike) -> Floats:
        """Return ``P(X <= loss)``."""
        x = np.asarray(loss, np.float64)
        if self.tail_from == 1:
            return np.asarray(self._law().cdf(x), np.float64)
        t = self.threshold
        tail = np.exp(-self._grown(np.maximum(x - t, 0.0)))
        return np.asarray(np.where(x <= t, self._law().cdf(x), 1 - (1 - self.tail_from) * tail), np.float64)

    def limited_mean(self, limit: ArrayLike) -> Floats:
        """Return ``E[min(X, limit)]``."""
        x = np.asarray(limit, np.float64)
        low = self._body_limited(np.minimum(x, self.threshold))
        if self.tail_from == 1:
            return low
        above = -np.expm1((self.tail_shape - 1) * self._grown(np.maximum(x - self.threshold, 0.0)))
        above = self.tail_scale / (1 - self.tail_shape) * above
        return np.asarray(low + (1 - self.tail_from) * above, np.float64)

    @property
    def mean(self) -> float:
        """Expected loss."""
        return float(self.limited_mean(np.array(1e300)))

    def _body_limited(self, x: Floats) -> Floats:
        if self.body == "lognormal":
            return lognormal_limited_mean(x, math.log(self.median), self.spread)
        shape = self.spread**-2
        scale = self.median / float(special.gammaincinv(shape, 0.5))
        z = x / scale
        inside = shape * scale * special.gammainc(shape + 1, z)
        return np.asarray(inside + np.where(np.isfinite(x), x, 0.0) * special.gammaincc(shape, z), np.float64)
