"""Growth curves of a technology field: logistic and Gompertz, fitted to yearly counts with an interval of maturity.

The question is where a field stands on its curve: maturity m = F(T)/K at the last year T. Both curves are written in
(m, r) instead of (K, r, t0): given these two the saturation K has a closed form, so a fit is a search in two bounded
dimensions that cannot diverge, and the profile of m gives its interval. A field in its early growth does not tell K;
then the interval reaches down to zero and the answer is "unidentified", not a number.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from zhirong.kernel.errors import DomainError

__all__ = ["CurveFit", "CurveModel", "curve", "fit_s_curve", "stage_of"]

Array = NDArray[np.float64]

_RATE_MIN, _RATE_MAX = 0.01, 3.0
_MATURITY_MIN, _MATURITY_MAX = 1e-4, 0.9999
_YEARS_MIN = 8
_COUNT_MIN = 30
_IDENTIFIED_LOW = 0.01
_WIDTH_MAX = 0.6


class CurveModel(StrEnum):
    """Families of growth curves."""

    LOGISTIC = "logistic"
    GOMPERTZ = "gompertz"


@dataclass(frozen=True, slots=True)
class CurveFit:
    """A fitted curve.

    Parameters
    ----------
    model : CurveModel
        Family.
    saturation : float
        K, cumulated count at the end.
    rate : float
        r per year.
    midpoint : float
        t0: year (as in `years`) of the inflection.
    maturity, maturity_low, maturity_high : float
        F(T + 1)/K after the last year and its profile interval, 0-1.
    deviance : float
        Poisson deviance of the yearly counts.
    dispersion : float
        Pearson chi-square over degrees of freedom, at least 1.
    is_identified : bool
        The interval excludes an unbounded saturation and is narrower than 0.6.
    level : float
        Confidence level of the interval.
    """

    model: CurveModel
    saturation: float
    rate: float
    midpoint: float
    maturity: float
    maturity_low: float
    maturity_high: float
    deviance: float
    dispersion: float
    is_identified: bool
    level: float


def curve(model: CurveModel, t: Array, *, saturation: float, rate: float, midpoint: float) -> Array:
    """Return the cumulated count at times t.

    Notes
    -----
    Logistic K/(1 + exp(-r (t - t0))), Gompertz K exp(-exp(-r (t - t0))).

    Examples
    --------
    >>> float(curve(CurveModel.LOGISTIC, np.array([5.0]), saturation=10.0, rate=1.0, midpoint=5.0)[0])
    5.0
    """
    z = np.clip(rate * (np.asarray(t, dtype=np.float64) - midpoint), -50.0, 50.0)
    if model is CurveModel.LOGISTIC:
        return saturation / (1.0 + np.exp(-z))
    return saturation * np.exp(-np.exp(-z))


def stage_of(maturity: float) -> str:
    """Return the stage of a maturity: emerging below 0.1, growth to 0.5, maturity to 0.9, then saturation."""
    if not 0.0 <= maturity <= 1.0:
        raise DomainError(f"maturity is between 0 and 1, not {maturity}")
    for bound, name in ((0.1, "emerging"), (0.5, "growth"), (0.9, "maturity")):
        if maturity < bound:
            return name
    return "saturation"


def fit_s_curve(
    counts: Array, *, first_year: float = 0.0, model: CurveModel | None = None, level: float = 0.9
) -> CurveFit | None:
    """Fit a growth curve to yearly counts.

    Parameters
    ----------
    counts : ndarray, shape (n_years,)
        New patents in consecutive years, the first year with any first; years without any count 0.
    first_year : float
        Year of ``counts[0]``.
    model : CurveModel, optional
        Family; the one of smaller deviance where not given.
    level : float
        Level of the interval of maturity, in (0, 1).

    Returns
    -------
    CurveFit or None
        None with fewer than 8 years or 30 patents: too little to fit three numbers.

    Raises
    ------
    DomainError
        For negative or non-finite counts, or a level outside (0, 1).

    Notes
    -----
    The count of year t has mean F(t + 1) - F(t) and variance phi times the mean (quasi-Poisson): yearly counts,
    unlike cumulated ones, have errors that are nearly independent. With D(m) the deviance minimised over K and r,
    the interval is { m : (D(m) - D_min)/phi <= F_{1, n-3; level} } (profile; t-squared where n is small).

    References
    ----------
    Franses (1994), *J. Forecasting* 13, 45-49 (Gompertz against logistic); Venzon, Moolgavkar (1988), *Appl. Stat.*
    37, 87-94 (profile interval); Andersen (1999), *Research Policy* 28, 487-496 (patent growth cycles).
    """
    y = np.asarray(counts, dtype=np.float64)
    if y.ndim != 1 or not np.all(np.isfinite(y)) or np.any(y < 0):
        raise DomainError("counts is one dimension of finite, non-negative numbers")
    if not 0.0 < level < 1.0:
        raise DomainError(f"level is between 0 and 1, not {level}")
    if y.size < _YEARS_MIN or y.sum() < _COUNT_MIN:
        return None
    models = [model] if model is not None else list(CurveModel)
    fits = [_fit(m, y, first_year, level) for m in models]
    return min(fits, key=lambda fit: fit.deviance)


def _offset(model: CurveModel, maturity: Array, rate: Array) -> Array:
    """T - t0 that gives the maturity at the end."""
    if model is CurveModel.LOGISTIC:
        return (np.log(maturity) - np.log1p(-maturity)) / rate
    return -np.log(-np.log(maturity)) / rate


def _shapes(model: CurveModel, n: int, maturity: Array, rate: Array) -> Array:
    """Increments of the curve with K = 1, shape (..., n)."""
    edges = np.arange(n + 1, dtype=np.float64)
    midpoint = n - _offset(model, maturity, rate)
    z = np.clip(rate[..., None] * (edges - midpoint[..., None]), -50.0, 50.0)
    level = 1.0 / (1.0 + np.exp(-z)) if model is CurveModel.LOGISTIC else np.exp(-np.exp(-z))
    return np.maximum(np.diff(level, axis=-1), 1e-300)


def _deviance(model: CurveModel, y: Array, maturity: Array, rate: Array) -> Array:
    """Poisson deviance with K at its optimum, sum(y)/sum(shape)."""
    shape = _shapes(model, y.size, maturity, rate)
    mean = shape * (y.sum() / shape.sum(axis=-1, keepdims=True))
    ratio = np.where(y > 0, y / mean, 1.0)
    return np.asarray(2.0 * np.sum(y * np.log(ratio) - (y - mean), axis=-1), dtype=np.float64)


_LOG_RATES = np.linspace(np.log(_RATE_MIN), np.log(_RATE_MAX), 60)


def _profile(model: CurveModel, y: Array, maturity: float) -> tuple[float, float]:
    """Smallest deviance over the rate at one maturity, and that rate."""
    m = np.full(_LOG_RATES.size, maturity)
    grid = _deviance(model, y, m, np.exp(_LOG_RATES))
    best = int(np.argmin(grid))
    low, high = _LOG_RATES[max(best - 1, 0)], _LOG_RATES[min(best + 1, _LOG_RATES.size - 1)]

    def at(log_rate: float) -> float:
        return float(_deviance(model, y, np.array([maturity]), np.exp(np.array([log_rate])))[0])

    found = optimize.minimize_scalar(at, bounds=(low, high), method="bounded", options={"xatol": 1e-6})
    return float(found.fun), float(np.exp(found.x))


def _fit(model: CurveModel, y: Array, first_year: float, level: float) -> CurveFit:
    def logit(p: float) -> float:
        return float(np.log(p) - np.log1p(-p))

    def maturity_of(x: float) -> float:
        return float(1.0 / (1.0 + np.exp(-x)))

    xs = np.linspace(logit(_MATURITY_MIN), logit(_MATURITY_MAX), 61)
    m_grid, r_grid = np.broadcast_arrays(1.0 / (1.0 + np.exp(-xs[:, None])), np.exp(_LOG_RATES)[None, :])
    profile = _deviance(model, y, m_grid, r_grid).min(axis=1)  # at or above the true profile
    best = int(np.argmin(profile))
    bounds = (xs[max(best - 1, 0)], xs[min(best + 1, xs.size - 1)])
    found = optimize.minimize_scalar(
        lambda x: _profile(model, y, maturity_of(x))[0], bounds=bounds, method="bounded", options={"xatol": 1e-6}
    )
    x_best, deviance = float(found.x), float(found.fun)
    maturity = maturity_of(x_best)
    rate = _profile(model, y, maturity)[1]
    shape = _shapes(model, y.size, np.array([maturity]), np.array([rate]))[0]
    saturation = float(y.sum() / shape.sum())
    mean = saturation * shape
    freedom = y.size - 3
    dispersion = max(1.0, float(np.sum((y - mean) ** 2 / np.maximum(mean, 0.5)) / freedom))
    limit = deviance + dispersion * float(stats.f.ppf(level, 1, freedom))

    def excess(x: float) -> float:
        return _profile(model, y, maturity_of(x))[0] - limit

    low = _crossing(excess, x_best, xs[:best][::-1], profile[:best][::-1] > limit)
    high = _crossing(excess, x_best, xs[best + 1 :], profile[best + 1 :] > limit)
    maturity_low = maturity_of(low) if low is not None else 0.0
    maturity_high = maturity_of(high) if high is not None else 1.0
    offset = float(_offset(model, np.array([maturity]), np.array([rate]))[0])
    return CurveFit(
        model=model,
        saturation=saturation,
        rate=rate,
        midpoint=first_year + y.size - offset,
        maturity=maturity,
        maturity_low=maturity_low,
        maturity_high=maturity_high,
        deviance=deviance,
        dispersion=dispersion,
        is_identified=maturity_low > _IDENTIFIED_LOW and maturity_high - maturity_low < _WIDTH_MAX,
        level=level,
    )


def _crossing(excess: object, start: float, grid: Array, is_outside: NDArray[np.bool_]) -> float | None:
    """Where the profile first leaves the interval along a grid that moves away from the optimum, None if never."""
    assert callable(excess)
    inside = start
    for x, outside in zip(grid.tolist(), is_outside.tolist(), strict=True):
        if outside and excess(x) > 0.0:
            low, high = min(inside, x), max(inside, x)
            return float(optimize.brentq(excess, low, high, xtol=1e-4))
        inside = x
    return None
