"""Copulas of two losses: Gaussian and Gumbel; density, fit on ranks with a standard error, conditional draws.

Source: Frees and Valdez (1998), North American Actuarial Journal 2(1):1-25; Genest, Ghoudi and Rivest (1995), Biometrika 82(3):543-552
(pseudo-likelihood on ranks).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special, stats

from zhirong.kernel.errors import DomainError

__all__ = ["Copula", "CopulaFit", "fit_copula", "pseudo_observations"]

Floats = NDArray[np.float64]
CopulaFamily = Literal["gaussian", "gumbel"]
_EDGE = 1e-12


@dataclass(frozen=True, slots=True)
class Copula:
    """A copula: correlation in (-1, 1) of the Gaussian, dependence >= 1 of the Gumbel (1 is independence)."""

    family: CopulaFamily
    parameter: float

    def __post_init__(self) -> None:
        if self.family not in ("gaussian", "gumbel"):
            raise DomainError(f"family: {self.family!r} given, gaussian or gumbel allowed")
        good = -1 < self.parameter < 1 if self.family == "gaussian" else 1 <= self.parameter < 1e3
        if not good:
            allowed = "-1 < parameter < 1" if self.family == "gaussian" else "1 <= parameter < 1000"
            raise DomainError(f"parameter: {self.parameter} given, {allowed} allowed")

    @property
    def kendall_tau(self) -> float:
        """Kendall's rank correlation."""
        return 2 / math.pi * math.asin(self.parameter) if self.family == "gaussian" else 1 - 1 / self.parameter

    @property
    def upper_tail(self) -> float:
        """Limit of the chance that one is extreme given that the other is."""
        return 0.0 if self.family == "gaussian" else 2 - 2 ** (1 / self.parameter)

    def log_density(self, u: ArrayLike, v: ArrayLike) -> Floats:
        """Return the log density at points of the open unit square."""
        a, b = _inside(u), _inside(v)
        if self.family == "gaussian":
            r, x, y = self.parameter, special.ndtri(a), special.ndtri(b)
            q = (r * r * (x * x + y * y) - 2 * r * x * y) / (1 - r * r)
            return np.asarray(-0.5 * math.log(1 - r * r) - q / 2, np.float64)
        t, x, y = self.parameter, -np.log(a), -np.log(b)
        s = x**t + y**t
        root = s ** (1 / t)
        return np.asarray(
            -root + x + y + (t - 1) * (np.log(x) + np.log(y)) + (1 / t - 2) * np.log(s) + np.log(root + t - 1),
            np.float64,
        )

    def conditional(self, u: ArrayLike, v: ArrayLike) -> Floats:
        """Return ``P(V <= v | U = u)``."""
        a, b = _inside(u), _inside(v)
        if self.family == "gaussian":
            r = self.parameter
            return np.asarray(
                special.ndtr((special.ndtri(b) - r * special.ndtri(a)) / math.sqrt(1 - r * r)), np.float64
            )
        t, x, y = self.parameter, -np.log(a), -np.log(b)
        s = x**t + y**t
        return np.asarray(np.exp(-(s ** (1 / t)) + x + (t - 1) * np.log(x) + (1 / t - 1) * np.log(s)), np.float64)

    def given(self, u: ArrayLike, w: ArrayLike) -> Floats:
        """Return v with ``P(V <= v | U = u) = w``: two independent uniforms become a dependent pair (u, v)."""
        a, c = _inside(u), _inside(w)
        if self.family == "gaussian":
            r = self.parameter
            return np.asarray(special.ndtr(r * special.ndtri(a) + math.sqrt(1 - r * r) * special.ndtri(c)), np.float64)
        low, high = np.full(np.broadcast(a, c).shape, _EDGE), np.full(np.broadcast(a, c).shape, 1 - _EDGE)
        for _ in range(50):  # bisection: monotone, no derivative, error below 1e-15
            middle = (low + high) / 2
            is_low = self.conditional(a, middle) < c
            low, high = np.where(is_low, middle, low), np.where(is_low, high, middle)
        return np.asarray((low + high) / 2, np.float64)


@dataclass(frozen=True, slots=True)
class CopulaFit:
    """A fitted copula, its standard error by the information of the pseudo-likelihood, and the log-likelihood."""

    copula: Copula
    standard_error: float
    log_likelihood: float
    observed_tau: float
    count: int


def pseudo_observations(x: ArrayLike) -> Floats:
    """Return ranks over n + 1; ties share their mean rank."""
    values = np.asarray(x, np.float64)
    return np.asarray(stats.rankdata(values) / (values.size + 1), np.float64)


def fit_copula(family: CopulaFamily, x: ArrayLike, y: ArrayLike) -> CopulaFit:
    """Fit a copula to pairs by maximum pseudo-likelihood; no law of the margins is assumed.

    Raises
    ------
    DomainError
        For fewer than 20 pairs, shapes that differ, values that are not finite, or an unknown family.
    """
    a, b = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if a.ndim != 1 or a.shape != b.shape or a.size < 20 or not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise DomainError("x: 20 finite pairs or more allowed")
    ends = {"gaussian": (-0.999, 0.999), "gumbel": (1.0, 50.0)}.get(family)
    if ends is None:
        raise DomainError(f"family: {family!r} given, gaussian or gumbel allowed")
    u, v = pseudo_observations(a), pseudo_observations(b)

    def minus(p: float) -> float:
        return -float(Copula(family, p).log_density(u, v).sum())

    found = optimize.minimize_scalar(minus, bounds=ends, method="bounded", options={"xatol": 1e-9})
    best = float(found.x)
    h = 1e-4 * (1 if family == "gaussian" else best)
    low = max(best - h, ends[0])
    curve = (minus(best + h) - 2 * minus((low + best + h) / 2) + minus(low)) / ((best + h - low) / 2) ** 2
    error = 1 / math.sqrt(curve) if curve > 0 else math.inf
    return CopulaFit(Copula(family, best), error, -float(found.fun), float(stats.kendalltau(a, b)[0]), a.size)


def _inside(u: ArrayLike) -> Floats:
    return np.clip(np.asarray(u, np.float64), _EDGE, 1 - _EDGE)
