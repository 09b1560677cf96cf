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


_SD_GRID = np.concatenate([[0.0], np.geomspace(0.01, 2.0, 23)])
_SD_SCALE = 0.5


def shrink_weibulls(pooled: WeibullFit, fits: Mapping[str, WeibullFit]) -> dict[str, WeibullFit]:
    """Draw the fits of groups towards their common centre, the more the less they know.

    Parameters
    ----------
    pooled : WeibullFit
        Fit over all groups; the answer for a single group, which says nothing of how groups differ.
    fits : Mapping of str to WeibullFit
        Fit of each group.

    Returns
    -------
    dict of str to WeibullFit
        Posterior means and covariances of (log shape, log scale), with each group's own sizes.

    Notes
    -----
    ``x_g ~ N(theta_g, S_g)``, ``theta_g ~ N(mu, diag(t^2))``, mu flat, each t half-Cauchy of scale 0.5. The centre is
    integrated in closed form and the spreads on a grid, so that what is not known of either stands in the covariance: plugging
    in an estimate of t understates it, most where groups are few (Gelman et al. 2013, Bayesian Data Analysis, 3rd ed., 5.4;
    Gelman 2006, Bayesian Analysis 1, 515-534, for the prior).
    """
    if len(fits) < 2:
        return {
            name: _with_law(fit, np.log([pooled.shape, pooled.scale]), pooled.covariance) for name, fit in fits.items()
        }
    points = np.array([np.log([fit.shape, fit.scale]) for fit in fits.values()])
    errors = np.array([fit.covariance for fit in fits.values()])
    log_likelihood, means, covariances = _given_spreads(points, errors)
    weight = np.exp(log_likelihood - log_likelihood.max()) * _grid_weight()
    weight /= weight.sum()
    mean = np.einsum("c,cgi->gi", weight, means)
    apart = means - mean
    covariance = np.einsum("c,cgij->gij", weight, covariances) + np.einsum("c,cgi,cgj->gij", weight, apart, apart)
    return {name: _with_law(fit, mean[g], covariance[g]) for g, (name, fit) in enumerate(fits.items())}


def _with_law(fit: WeibullFit, mean: Floats, covariance: Floats) -> WeibullFit:
    return WeibullFit(
        float(np.exp(mean[0])), float(np.exp(mean[1])), np.asarray(covariance, np.float64), fit.log_likelihood,
        fit.observations, fit.events,
    )  # fmt: skip


def _grid_weight() -> Floats:
    """Return prior times width of each cell of the grid of spreads."""
    edges = np.concatenate([[0.0], (_SD_GRID[1:] + _SD_GRID[:-1]) / 2, _SD_GRID[-1:]])
    one = np.diff(edges) / (1 + (_SD_GRID / _SD_SCALE) ** 2)
    return np.asarray(np.outer(one, one).ravel(), np.float64)


def _given_spreads(points: Floats, errors: Floats) -> tuple[Floats, Floats, Floats]:
    """Return log marginal likelihood, and the groups' means and covariances, for each pair of spreads on the grid."""
    first, second = np.meshgrid(_SD_GRID, _SD_GRID, indexing="ij")
    prior = np.zeros((first.size, 1, 2, 2))
    prior[:, 0, 0, 0], prior[:, 0, 1, 1] = first.ravel() ** 2, second.ravel() ** 2
    marginal = errors + prior
    weight = np.linalg.inv(marginal)
    centre_covariance = np.linalg.inv(weight.sum(axis=1))
    centre = np.einsum("cij,cgjk,gk->ci", centre_covariance, weight, points, optimize=True)
    apart = points - centre[:, None, :]
    log_likelihood = 0.5 * (
        np.linalg.slogdet(centre_covariance)[1]
        - np.linalg.slogdet(marginal)[1].sum(axis=1)
        - np.einsum("cgi,cgij,cgj->c", apart, weight, apart, optimize=True)
    )
    gain = prior @ weight
    kept = np.eye(2) - gain
    means = centre[:, None, :] + (gain @ apart[..., None])[..., 0]
    covariances = kept @ prior + kept @ centre_covariance[:, None] @ kept.transpose(0, 1, 3, 2)
    return np.asarray(log_likelihood, np.float64), np.asarray(means, np.float64), np.asarray(covariances, np.float64)
