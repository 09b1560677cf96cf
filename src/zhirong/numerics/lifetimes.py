"""Lifetimes beside the Weibull: log-logistic, Gompertz and hazards constant by piece; and shrinkage of many fits.

Durations, ends and entries are those of `survival`: years, right censoring, left truncation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from zhirong.kernel.errors import ConvergenceError, DomainError
from zhirong.numerics.survival import WeibullFit

__all__ = ["FAMILIES", "LifetimeFit", "PiecewiseFit", "fit_lifetime", "fit_piecewise", "shrink_weibulls"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
_EVENTS_MIN = 2


def _loglogistic(theta: Floats, t: Floats) -> tuple[Floats, Floats]:
    shape, scale = np.exp(theta)
    ratio = (t / scale) ** shape
    return np.log(shape) - np.log(scale) + (shape - 1) * np.log(np.maximum(t, 1e-300) / scale) - np.log1p(
        ratio
    ), np.log1p(ratio)


def _gompertz(theta: Floats, t: Floats) -> tuple[Floats, Floats]:
    growth, level = theta[0], np.exp(theta[1])
    cumulative = level * t if abs(growth) < 1e-10 else level * np.expm1(growth * t) / growth
    return theta[1] + growth * t, cumulative


_HAZARDS: Mapping[str, Callable[[Floats, Floats], tuple[Floats, Floats]]] = {
    "loglogistic": _loglogistic,
    "gompertz": _gompertz,
}
FAMILIES: tuple[str, ...] = tuple(_HAZARDS)
"""Families of `fit_lifetime`."""


@dataclass(frozen=True, slots=True)
class LifetimeFit:
    """A parametric lifetime.

    Attributes
    ----------
    family : str
        ``loglogistic``: ``S(t) = 1/(1 + (t/scale)^shape)``; ``gompertz``: ``S(t) = exp(-level (e^(growth t) - 1)/growth)``.
    parameters : Mapping of str to float
        ``shape, scale`` (years) or ``growth`` (a year), ``level`` (hazard at 0, a year).
    standard_errors : Mapping of str to float
        Delta method on the inverse observed information.
    log_likelihood : float
        At the maximum.
    observations, events : int
        Sizes.
    """

    family: str
    parameters: Mapping[str, float]
    standard_errors: Mapping[str, float]
    log_likelihood: float
    observations: int
    events: int

    def survival(self, time: Floats) -> Floats:
        """Return S(t) for times in years."""
        p = self.parameters
        theta = (
            np.log([p["shape"], p["scale"]])
            if self.family == "loglogistic"
            else np.array([p["growth"], math.log(p["level"])])
        )
        return np.asarray(np.exp(-_HAZARDS[self.family](theta, np.asarray(time, np.float64))[1]), np.float64)

    @property
    def aic(self) -> float:
        """Akaike's criterion, two parameters; smaller is better."""
        return 4.0 - 2.0 * self.log_likelihood


def _clean(durations: Floats, ended: Bools, entry: Floats | None) -> tuple[Floats, Bools, Floats]:
    time, event = np.asarray(durations, np.float64), np.asarray(ended, bool)
    start = np.zeros_like(time) if entry is None else np.asarray(entry, np.float64)
    if not (time.shape == event.shape == start.shape) or time.ndim != 1 or not len(time):
        raise DomainError("durations, ended and entry must be arrays of one length, at least 1")
    if not np.isfinite(time).all() or (time <= 0).any() or (start < 0).any() or (start >= time).any():
        raise DomainError("durations must be finite, positive and later than entry")
    return time, event, start


def fit_lifetime(
    family: str, durations: Floats, ended: Bools, *, entry: Floats | None = None, iterations: int = 2_000
) -> LifetimeFit:
    """Fit a lifetime by maximum likelihood with right censoring and left truncation.

    Parameters
    ----------
    family : str
        One of `FAMILIES`.
    durations : ndarray, shape (n,)
        Years to the end or to censoring, positive.
    ended : ndarray of bool, shape (n,)
        True where the end was seen.
    entry : ndarray, shape (n,), optional
        Years at which each came under observation.
    iterations : int
        Limit of the search.

    Returns
    -------
    LifetimeFit

    Raises
    ------
    DomainError
        For an unknown family, impossible data, or fewer than two events at different times.
    ConvergenceError
        When the search does not settle.

    References
    ----------
    Kalbfleisch, Prentice (2002), The Statistical Analysis of Failure Time Data, chapters 2 and 3.
    """
    if family not in _HAZARDS:
        raise DomainError(f"no family {family!r}; allowed: {', '.join(FAMILIES)}")
    time, event, start = _clean(durations, ended, entry)
    if np.unique(time[event]).size < _EVENTS_MIN:
        raise DomainError("a fit needs at least two events at different times")
    hazard = _HAZARDS[family]
    rate = math.log(event.sum() / (time - start).sum())
    first = np.array([math.log(1.5), math.log(np.median(time))]) if family == "loglogistic" else np.array([0.0, rate])

    def loss(theta: Floats) -> float:
        with np.errstate(over="ignore", invalid="ignore"):
            logs, cumulative = hazard(theta, time)
            total = float(np.sum(logs[event]) - np.sum(cumulative - hazard(theta, start)[1]))
        return -total if math.isfinite(total) else 1e300

    answer = optimize.minimize(
        loss, first, method="Nelder-Mead", options={"maxiter": iterations, "xatol": 1e-9, "fatol": 1e-10}
    )
    if not answer.success:
        raise ConvergenceError(f"{family} fit: no convergence after {answer.nit} steps ({answer.message})")
    x = np.asarray(answer.x, np.float64)
    spread = np.sqrt(np.diag(_covariance(loss, x)))
    if family == "loglogistic":
        values = {"shape": float(np.exp(x[0])), "scale": float(np.exp(x[1]))}
        errors = {"shape": values["shape"] * float(spread[0]), "scale": values["scale"] * float(spread[1])}
    else:
        values = {"growth": float(x[0]), "level": float(np.exp(x[1]))}
        errors = {"growth": float(spread[0]), "level": values["level"] * float(spread[1])}
    return LifetimeFit(family, values, errors, -float(answer.fun), len(time), int(event.sum()))


def _covariance(loss: Callable[[Floats], float], x: Floats) -> Floats:
    step = 1e-4 * np.maximum(1.0, np.abs(x))
    hessian = np.empty((2, 2))
    for i in range(2):
        for j in range(2):
            a, b = np.eye(2)[i] * step, np.eye(2)[j] * step
            hessian[i, j] = (loss(x + a + b) - loss(x + a - b) - loss(x - a + b) + loss(x - a - b)) / (
                4 * step[i] * step[j]
            )
    try:
        covariance = np.asarray(np.linalg.inv((hessian + hessian.T) / 2), np.float64)
    except np.linalg.LinAlgError as err:
        raise ConvergenceError("the information matrix is singular: the data do not identify the fit") from err
    if (np.diag(covariance) <= 0).any():
        raise ConvergenceError("the information matrix is not positive definite at the answer")
    return covariance


@dataclass(frozen=True, slots=True)
class PiecewiseFit:
    """Hazard constant between cuts.

    Attributes
    ----------
    cuts : ndarray, shape (k,)
        Start of each piece in years, the first 0; the last piece is open.
    hazard, low, high : ndarray, shape (k,)
        Events over exposure, a year, with the exact 95 % Poisson interval; NaN where nothing was at risk.
    events : ndarray of int, shape (k,)
        Ends seen in each piece.
    exposure_years : ndarray, shape (k,)
        Years under observation in each piece.
    """

    cuts: Floats
    hazard: Floats
    low: Floats
    high: Floats
    events: NDArray[np.int64]
    exposure_years: Floats

    def survival(self, time: Floats) -> Floats:
        """Return S(t); NaN beyond the first piece in which nothing was at risk."""
        edges = np.append(self.cuts, np.inf)
        t = np.asarray(time, np.float64)[..., None]
        spent = np.clip(t - edges[:-1], 0.0, np.diff(edges))
        return np.asarray(np.exp(-np.where(spent > 0, spent * self.hazard, 0.0).sum(axis=-1)), np.float64)


def fit_piecewise(
    durations: Floats, ended: Bools, cuts: Sequence[float], *, entry: Floats | None = None
) -> PiecewiseFit:
    """Estimate a hazard that is constant between cuts: events over exposure, the maximum-likelihood answer.

    Parameters
    ----------
    durations, ended, entry
        As in `fit_lifetime`.
    cuts : sequence of float
        Starts of pieces in years, rising, the first 0.

    Returns
    -------
    PiecewiseFit

    Raises
    ------
    DomainError
        For impossible data or cuts.
    """
    time, event, start = _clean(durations, ended, entry)
    edges = np.asarray(cuts, np.float64)
    if not len(edges) or edges[0] != 0 or (np.diff(edges) <= 0).any():
        raise DomainError("cuts must start at 0 and rise")
    ends = np.append(edges[1:], np.inf)
    exposure = np.array(
        [np.clip(np.minimum(time, b) - np.maximum(start, a), 0.0, None).sum() for a, b in zip(edges, ends, strict=True)]
    )
    # A piece holds the ends in (start, next start]: an end on a cut belongs to the piece whose exposure it closed.
    events = np.array(
        [np.sum(event & (time > a) & (time <= b)) for a, b in zip(edges, ends, strict=True)], dtype=np.int64
    )
    seen = exposure > 0
    years = np.where(seen, exposure, 1.0)
    low = np.where(events > 0, stats.chi2.ppf(0.025, 2 * np.maximum(events, 1)) / 2, 0.0) / years
    high = stats.chi2.ppf(0.975, 2 * (events + 1)) / 2 / years
    unknown = np.where(seen, 0.0, np.nan)
    return PiecewiseFit(edges, events / years + unknown, low + unknown, high + unknown, events, exposure)


def shrink_weibulls(pooled: WeibullFit, fits: Mapping[str, WeibullFit]) -> dict[str, WeibullFit]:
    """Draw the fits of groups towards the pooled fit, the more the less they know.

    Parameters
    ----------
    pooled : WeibullFit
        Fit over all groups.
    fits : Mapping of str to WeibullFit
        Fit of each group.

    Returns
    -------
    dict of str to WeibullFit
        Posterior means and covariances of (log shape, log scale). A single group gives no variance between groups, and
        is returned as the pooled fit, with its own sizes.

    Notes
    -----
    Empirical Bayes: the variance between groups is estimated for each coordinate by moments (DerSimonian, Laird 1986,
    Controlled Clinical Trials 7, 177-188); then ``x = (S^-1 + T^-1)^-1 (S^-1 x_g + T^-1 x_pooled)``.
    """
    centre = np.log([pooled.shape, pooled.scale])
    points = {name: np.log([fit.shape, fit.scale]) for name, fit in fits.items()}
    between = _between(
        np.array([points[n] for n in fits]).reshape(-1, 2),
        np.array([np.diag(f.covariance) for f in fits.values()]).reshape(-1, 2),
    )
    found = {}
    for name, fit in fits.items():
        if (between <= 0).all():
            mean, covariance = centre, pooled.covariance
        else:
            prior = np.diag(np.maximum(between, 1e-10))
            gain = prior @ np.linalg.inv(prior + fit.covariance)
            mean, covariance = centre + gain @ (points[name] - centre), (np.eye(2) - gain) @ prior
        found[name] = WeibullFit(
            float(np.exp(mean[0])), float(np.exp(mean[1])), np.asarray(covariance, np.float64), fit.log_likelihood,
            fit.observations, fit.events,
        )  # fmt: skip
    return found


def _between(points: Floats, variances: Floats) -> Floats:
    """Return the moment estimate of the variance between groups for each coordinate; zeros for fewer than two groups."""
    if len(points) < 2:
        return np.zeros(2)
    weight = 1 / variances
    mean = (weight * points).sum(axis=0) / weight.sum(axis=0)
    q = (weight * (points - mean) ** 2).sum(axis=0)
    scale = weight.sum(axis=0) - (weight**2).sum(axis=0) / weight.sum(axis=0)
    return np.asarray(np.maximum((q - (len(points) - 1)) / scale, 0.0), np.float64)
