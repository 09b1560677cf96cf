"""Aggregate loss S = X_1 + ... + X_N on a lattice: discretised severity, Panjer recursion, tilted FFT, risk measures.

Sources: Panjer (1981), ASTIN Bulletin 12(1):22-26; Klugman, Panjer and Willmot, Loss Models, chapter 9;
Gruebel and Hermesmeier (1999), ASTIN Bulletin 29(2):197-214 (exponential tilting).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numba import njit
from numpy.typing import NDArray

from zhirong.kernel.errors import DomainError
from zhirong.numerics.claim_counts import CountLaw

__all__ = [
    "AggregateLoss",
    "Lattice",
    "aggregate_bounds",
    "aggregate_fft",
    "aggregate_panjer",
    "compound_moments",
    "discretise",
    "lattice_severity",
    "lognormal_limited_mean",
]

Floats = NDArray[np.float64]
Curve = Callable[[Floats], Floats]
Rounding = Literal["round", "lower", "upper", "moment"]
TILT = 20.0
HUGE = 1e200


@dataclass(frozen=True, slots=True)
class Lattice:
    """Severity on ``0, step, 2 step, ...``: masses (shape (n,)), the rest lies beyond; mean of the whole law."""

    step: float
    pmf: Floats
    mean: float


@dataclass(frozen=True, slots=True)
class AggregateLoss:
    """Law of the yearly total on ``0, step, ...``: masses, and the mean including what lies beyond the lattice."""

    step: float
    pmf: Floats
    mean: float

    @property
    def beyond(self) -> float:
        """Probability that the total exceeds the lattice."""
        return max(0.0, 1 - float(self.pmf.sum()))

    def cdf(self, loss: float) -> float:
        """Return ``P(S <= loss)``; `loss` must lie on the lattice's range."""
        self._inside(loss)
        return float(self.pmf[: math.floor(loss / self.step * (1 + 1e-14)) + 1].sum())

    def quantile(self, level: float) -> float:
        """Return the smallest lattice point with ``cdf >= level``; DomainError when that lies beyond the lattice."""
        if not 0 < level < 1:
            raise DomainError(f"level: {level} given, 0 < level < 1 allowed")
        place = int(np.searchsorted(np.cumsum(self.pmf), level))
        if place == len(self.pmf):
            raise DomainError(f"level: {level} lies beyond the lattice, take more points or a wider step")
        return place * self.step

    def limited_mean(self, limit: float) -> float:
        """Return ``E[min(S, limit)]`` for a limit on the lattice's range."""
        self._inside(limit)
        points = np.arange(len(self.pmf)) * self.step
        return limit + float(self.pmf @ np.minimum(points - limit, 0.0))

    def stop_loss(self, retention: float) -> float:
        """Return ``E[(S - retention)+]``."""
        return max(0.0, self.mean - self.limited_mean(retention))

    def tvar(self, level: float) -> float:
        """Return the tail value at risk, ``VaR + E[(S - VaR)+]/(1 - level)``."""
        value = self.quantile(level)
        return value + self.stop_loss(value) / (1 - level)

    def _inside(self, loss: float) -> None:
        top = (len(self.pmf) - 1) * self.step
        if not 0 <= loss <= top * (1 + 1e-12):
            raise DomainError(f"loss: {loss} given, 0 to {top} (the lattice) allowed")


def lattice_severity(pmf: Floats, step: float = 1.0) -> Lattice:
    """Return a severity given by its masses at ``0, step, 2 step, ...``; they must be >= 0 and add to one."""
    masses = np.asarray(pmf, np.float64)
    if masses.ndim != 1 or not len(masses) or not np.isfinite(masses).all() or (masses < 0).any():
        raise DomainError("pmf: one row of finite masses, none negative, allowed")
    if abs(masses.sum() - 1) > 1e-9:
        raise DomainError(f"pmf: masses add to {masses.sum()}, 1 allowed")
    _step(step)
    return Lattice(step, masses, float(masses @ np.arange(len(masses))) * step)


def discretise(
    cdf: Curve, limited_mean: Curve, mean: float, *, step: float, points: int, method: Rounding = "round"
) -> Lattice:
    """Put a severity on a lattice.

    Parameters
    ----------
    cdf, limited_mean : callable
        ``P(X <= x)`` and ``E[min(X, x)]`` of a loss X >= 0, vectorised; only the one the method needs is called.
    mean : float
        Expected loss, finite.
    step : float
        Width of the lattice, in the unit of the loss, above 0.
    points : int
        Number of points, at least 2.
    method : {'round', 'lower', 'upper', 'moment'}
        Mass to the nearest point; to the point below (a loss never larger); to the point above (never smaller);
        or local matching of the mean (exact mean on the lattice).

    Returns
    -------
    Lattice
        What lies beyond the last point is left out, so that totals within the lattice stay exact.

    Raises
    ------
    DomainError
        For a step, number of points, mean or method out of range, or a curve that falls.
    """
    _step(step)
    if points < 2:
        raise DomainError(f"points: {points} given, at least 2 allowed")
    if not (math.isfinite(mean) and mean > 0):
        raise DomainError(f"mean: {mean} given, a finite number above 0 allowed")
    edges = np.asarray(np.arange(points + 1) * step, np.float64)
    if method == "round":
        masses = np.diff(cdf(np.add(edges[:-1], step / 2)), prepend=0.0)
    elif method == "lower":
        masses = np.diff(cdf(edges))
        masses[0] += float(cdf(edges[:1])[0])
    elif method == "upper":
        masses = np.diff(cdf(edges[:-1]), prepend=0.0)
    elif method == "moment":
        slope = np.diff(limited_mean(edges)) / step
        masses = -np.diff(slope, prepend=1.0)
    else:
        raise DomainError(f"method: {method!r} given, round, lower, upper or moment allowed")
    if not np.isfinite(masses).all() or (masses < -1e-9).any():
        raise DomainError("cdf: a finite curve that never falls allowed")
    return Lattice(step, np.maximum(masses, 0.0), mean)


def lognormal_limited_mean(limit: Floats, mu: float, sigma: float) -> Floats:
    """Return ``E[min(X, limit)]`` of a log-normal: ``e^(mu+s^2/2) Phi(z - s) + d (1 - Phi(z))``, ``z = (ln d - mu)/s``."""
    from scipy.special import ndtr

    d = np.asarray(limit, np.float64)
    with np.errstate(divide="ignore"):
        z = (np.log(d) - mu) / sigma
    return np.asarray(math.exp(mu + sigma * sigma / 2) * ndtr(z - sigma) + d * ndtr(-z), np.float64)


def aggregate_fft(
    count: CountLaw, severity: Lattice, *, points: int | None = None, tilt: float = TILT
) -> AggregateLoss:
    """Return the law of the total by FFT on twice the points, tilted by ``exp(-tilt k / size)``.

    The wrapped mass is damped by ``exp(-tilt)``; rounding grows by ``exp(tilt/2)`` at the last point.
    `points` is the length of the result (default: that of the severity). DomainError for a bad tilt or length.
    """
    wanted = _points(points, severity)
    if not 0 <= tilt <= 40:
        raise DomainError(f"tilt: {tilt} given, 0 to 40 allowed")
    size = 1 << (2 * wanted - 1).bit_length()
    masses = severity.pmf[:wanted]
    damp = np.exp(-tilt / size * np.arange(wanted))
    spectrum = np.fft.rfft(masses * damp[: len(masses)], size).astype(np.complex128)
    with np.errstate(divide="ignore"):
        total = np.fft.irfft(np.exp(count.log_pgf(spectrum)), size)[:wanted] / damp
    return _result(count, severity, np.maximum(total, 0.0))


def aggregate_panjer(count: CountLaw, severity: Lattice, *, points: int | None = None) -> AggregateLoss:
    """Return the law of the total by Panjer's recursion, carried on a running scale so that no start underflows.

    ``g_n = (p_1 f_n + sum_k (a + b k/n) f_k g_(n-k)) / (1 - a f_0)``, the first term in the (a,b,1) class only.
    A binomial count has a < 0 and sums terms of both signs: for many trials prefer the FFT.
    """
    wanted = _points(points, severity)
    masses = np.ascontiguousarray(severity.pmf[:wanted])
    start = np.array([masses[0]], np.complex128)
    with np.errstate(divide="ignore"):
        scale = float(count.log_pgf(start)[0].real) if count.first == 0 or masses[0] > 0 else 0.0
    first = 0.0 if count.first == 0 else count.first * math.exp(-scale)
    begin = 1.0 if count.first == 0 or masses[0] > 0 else 0.0
    total, grown = _recursion(masses, wanted, count.a, count.b, first, begin)
    with np.errstate(divide="ignore", under="ignore"):
        return _result(count, severity, np.exp(np.log(np.maximum(total, 0.0)) + (scale + grown)))


def aggregate_bounds(
    count: CountLaw, cdf: Curve, mean: float, *, step: float, points: int
) -> tuple[AggregateLoss, AggregateLoss]:
    """Return totals that are never above and never below the true one (severities rounded down and up).

    Each carries the mean of its own law to within the lattice: the true mean less and plus ``step`` per claim at most.
    """
    laws = []
    for method, sign in (("lower", -1), ("upper", 1)):
        severity = discretise(cdf, cdf, mean, step=step, points=points, method=method)  # type: ignore[arg-type]
        shifted = Lattice(step, severity.pmf, max(mean + sign * step, 0.0))
        laws.append(aggregate_fft(count, shifted))
    return laws[0], laws[1]


def compound_moments(count: CountLaw, mean: float, variance: float) -> tuple[float, float]:
    """Return mean and standard deviation of the total: ``Var S = E[N] Var X + Var N E[X]^2`` (`variance` >= 0)."""
    if not (math.isfinite(variance) and variance >= 0):
        raise DomainError(f"variance: {variance} given, a finite number not below 0 allowed")
    return count.mean * mean, math.sqrt(count.mean * variance + count.variance * mean * mean)


def _step(step: float) -> None:
    if not (math.isfinite(step) and step > 0):
        raise DomainError(f"step: {step} given, a finite number above 0 allowed")


def _points(points: int | None, severity: Lattice) -> int:
    wanted = len(severity.pmf) if points is None else points
    if wanted < 1:
        raise DomainError(f"points: {wanted} given, at least 1 allowed")
    return wanted


def _result(count: CountLaw, severity: Lattice, basic: Floats) -> AggregateLoss:
    masses = count.weight * basic
    masses[0] = max(0.0, masses[0] + 1 - count.weight)
    return AggregateLoss(severity.step, masses, count.mean * severity.mean)


@njit(cache=True)
def _recursion(f: Floats, size: int, a: float, b: float, first: float, begin: float) -> tuple[Floats, float]:
    g, grown = np.zeros(size), 0.0
    g[0] = begin
    for n in range(1, size):
        total = first * f[n] if n < len(f) else 0.0
        for k in range(1, min(n, len(f) - 1) + 1):
            total += (a + b * k / n) * f[k] * g[n - k]
        g[n] = total / (1 - a * f[0])
        if g[n] > HUGE:
            g[: n + 1] /= HUGE
            first /= HUGE
            grown += math.log(HUGE)
    return g, grown
