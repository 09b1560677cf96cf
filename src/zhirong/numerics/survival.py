"""Survival of patents: Kaplan-Meier, Weibull by maximum likelihood, competing risks.

Durations are in years from filing; an observation that has not ended is censored at the last day it was seen. Left truncation
(`entry`) handles patents that come under observation only at grant.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from zhirong.kernel.errors import ConvergenceError, DomainError

__all__ = ["CumulativeIncidence", "KaplanMeier", "WeibullFit", "cumulative_incidence", "fit_weibull", "kaplan_meier"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
_Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class KaplanMeier:
    """Product-limit estimate.

    Attributes
    ----------
    times : ndarray, shape (k,)
        Distinct times of events, increasing.
    survival : ndarray, shape (k,)
        Share surviving beyond each time.
    low, high : ndarray, shape (k,)
        95 % band by the log-minus-log transform (Greenwood variance); NaN where survival is 0.
    at_risk, events : ndarray, shape (k,)
        Number at risk just before, and events at, each time.
    """

    times: Floats
    survival: Floats
    low: Floats
    high: Floats
    at_risk: NDArray[np.int64]
    events: NDArray[np.int64]

    def at(self, time: float) -> float:
        """Return the share surviving beyond a time; 1 before the first event."""
        place = int(np.searchsorted(self.times, time, side="right"))
        return 1.0 if place == 0 else float(self.survival[place - 1])

    def quantile(self, share: float) -> float | None:
        """Return the first time at which at least `share` have ended, None where the curve does not fall that far."""
        reached = np.flatnonzero(self.survival <= 1 - share + 1e-12)
        return float(self.times[reached[0]]) if len(reached) else None


def _clean(durations: Floats, ended: Bools, entry: Floats | None) -> tuple[Floats, Bools, Floats]:
    time = np.asarray(durations, np.float64)
    event = np.asarray(ended, bool)
    start = np.zeros_like(time) if entry is None else np.asarray(entry, np.float64)
    if not (time.shape == event.shape == start.shape) or time.ndim != 1 or not len(time):
        raise DomainError("durations, ended and entry must be arrays of one length, at least 1")
    if not np.isfinite(time).all() or (time <= 0).any() or (start < 0).any() or (start >= time).any():
        raise DomainError("durations must be finite, positive and later than entry")
    return time, event, start


def kaplan_meier(durations: Floats, ended: Bools, *, entry: Floats | None = None) -> KaplanMeier:
    """Estimate a survival curve.

    Parameters
    ----------
    durations : ndarray, shape (n,)
        Years to the end or to censoring, positive.
    ended : ndarray of bool, shape (n,)
        True where the end was seen.
    entry : ndarray, shape (n,), optional
        Years at which each came under observation (left truncation).

    Returns
    -------
    KaplanMeier

    References
    ----------
    Kaplan, Meier (1958), JASA 53, 457-481. Kalbfleisch, Prentice (2002), section 1.4, for the band.

    Examples
    --------
    >>> import numpy as np
    >>> kaplan_meier(np.array([1.0, 2.0, 3.0]), np.array([True, False, True])).survival.round(4).tolist()
    [0.6667, 0.0]
    """
    time, event, start = _clean(durations, ended, entry)
    times = np.unique(time[event])
    deaths = np.array([np.sum(event & (time == t)) for t in times], np.int64)
    at_risk = np.array([np.sum((time >= t) & (start < t)) for t in times], np.int64)
    with np.errstate(divide="ignore", invalid="ignore"):
        survival = np.asarray(np.cumprod(1 - deaths / at_risk), np.float64)
        greenwood = np.cumsum(deaths / (at_risk * (at_risk - deaths)))
        spread = _Z95 * np.sqrt(greenwood) / np.abs(np.log(survival))
        low, high = survival ** np.exp(spread), survival ** np.exp(-spread)
    gone = survival <= 0
    low[gone], high[gone] = np.nan, np.nan
    return KaplanMeier(times, survival, low, high, at_risk, deaths)


@dataclass(frozen=True, slots=True)
class WeibullFit:
    """Weibull survival ``S(t) = exp(-(t/scale)^shape)``.

    Attributes
    ----------
    shape, scale : float
        Estimates; scale in years.
    covariance : ndarray, shape (2, 2)
        Of (log shape, log scale), the inverse observed information.
    log_likelihood : float
        At the maximum.
    observations, events : int
        Sizes.
    """

    shape: float
    scale: float
    covariance: Floats
    log_likelihood: float
    observations: int
    events: int

    def survival(self, time: Floats) -> Floats:
        """Return S(t)."""
        return np.asarray(np.exp(-((np.asarray(time, np.float64) / self.scale) ** self.shape)), np.float64)

    def residual_quantile(self, levels: Floats, age: float) -> Floats:
        """Return quantiles of the years left for one that has reached an age.

        Notes
        -----
        ``t = scale * ((age/scale)^shape - ln(1-u))^(1/shape) - age``.
        """
        u = np.clip(np.asarray(levels, np.float64), 0.0, 1.0 - 1e-15)
        base = (age / self.scale) ** self.shape
        return np.asarray(self.scale * (base - np.log1p(-u)) ** (1 / self.shape) - age, np.float64)

    @property
    def standard_errors(self) -> tuple[float, float]:
        """Standard errors of shape and scale by the delta method."""
        a, b = np.sqrt(np.diag(self.covariance))
        return float(self.shape * a), float(self.scale * b)


def fit_weibull(
    durations: Floats, ended: Bools, *, entry: Floats | None = None, tolerance: float = 1e-9, iterations: int = 200
) -> WeibullFit:
    """Fit a Weibull survival by maximum likelihood with right censoring and left truncation.

    Parameters
    ----------
    durations, ended, entry
        As in `kaplan_meier`.
    tolerance : float
        Largest gradient, per observation, in (log shape, log scale) at the answer.
    iterations : int
        Limit.

    Returns
    -------
    WeibullFit

    Raises
    ------
    DomainError
        With fewer than two events, or when all events share one time: the shape is not identified.
    ConvergenceError
        When the limit is met first.
    """
    time, event, start = _clean(durations, ended, entry)
    if event.sum() < 2 or np.unique(time[event]).size < 2:
        raise DomainError("a Weibull fit needs at least two events at different times")
    log_time, log_start = np.log(time), np.where(start > 0, np.log(np.where(start > 0, start, 1.0)), -np.inf)

    def parts(theta: Floats) -> tuple[float, Floats]:
        shape, scale_log = np.exp(theta[0]), theta[1]
        w, v = shape * (log_time - scale_log), shape * (log_start - scale_log)
        cumulative, before = np.exp(w), np.exp(v)
        value = float(np.sum(event * (theta[0] + w - log_time)) - np.sum(cumulative - before))
        vb = np.where(np.isfinite(v), v, 0.0) * before
        gradient = np.array(
            [
                np.sum(event * (1 + w)) - np.sum(w * cumulative - vb),
                -shape * (event.sum() - np.sum(cumulative - before)),
            ]
        )
        return value, gradient

    n = len(time)
    first = np.array([0.0, np.log(time.sum() / event.sum())])
    answer = optimize.minimize(
        lambda t: -parts(t)[0] / n, first, jac=lambda t: -parts(t)[1] / n, method="BFGS",
        options={"gtol": tolerance, "maxiter": iterations},
    )  # fmt: skip
    value, gradient = parts(answer.x)
    if np.abs(gradient).max() / n > max(tolerance * 1e3, 1e-6):
        raise ConvergenceError(f"Weibull fit: gradient {np.abs(gradient).max() / n:.2e} after {answer.nit} iterations")
    step = 1e-5
    hessian = np.empty((2, 2))
    for i in range(2):
        shift = np.eye(2)[i] * step
        hessian[i] = (parts(answer.x + shift)[1] - parts(answer.x - shift)[1]) / (2 * step)
    covariance = np.asarray(np.linalg.inv(-(hessian + hessian.T) / 2), np.float64)
    return WeibullFit(float(np.exp(answer.x[0])), float(np.exp(answer.x[1])), covariance, value, n, int(event.sum()))


@dataclass(frozen=True, slots=True)
class CumulativeIncidence:
    """Aalen-Johansen estimate.

    Attributes
    ----------
    times : ndarray, shape (k,)
        Distinct times of any event.
    incidence : ndarray, shape (k, causes)
        Share ended by each cause up to each time.
    survival : ndarray, shape (k,)
        Share not ended; rows of incidence and survival sum to 1.
    """

    times: Floats
    incidence: Floats
    survival: Floats


def cumulative_incidence(durations: Floats, cause: NDArray[np.int64]) -> CumulativeIncidence:
    """Estimate the share ended by each of several causes.

    Parameters
    ----------
    durations : ndarray, shape (n,)
        Years, positive.
    cause : ndarray of int, shape (n,)
        0 for censored, 1..c for the cause.

    Returns
    -------
    CumulativeIncidence

    References
    ----------
    Aalen, Johansen (1978), Scandinavian Journal of Statistics 5, 141-150.
    """
    kind = np.asarray(cause, np.int64)
    time, event, _ = _clean(durations, kind > 0, None)
    causes = max(int(kind.max()), 1)
    times = np.unique(time[event])
    incidence, survival = np.zeros((len(times), causes)), np.empty(len(times))
    alive, total = 1.0, np.zeros(causes)
    for row, t in enumerate(times):
        at_risk = np.sum(time >= t)
        hazard = np.array([np.sum((time == t) & (kind == c)) for c in range(1, causes + 1)]) / at_risk
        total = total + alive * hazard
        alive *= 1 - hazard.sum()
        incidence[row], survival[row] = total, alive
    return CumulativeIncidence(times, incidence, survival)
