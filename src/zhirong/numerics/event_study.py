"""What the stock market said of a patent in the days after its grant: the value inside a return.

The return over the window is value plus noise, ``R = v + e``; the value is not negative. The prior of v is scaled to the
share of the variance of returns that grants explain, and the answer is the mean of v given R.

References
----------
Kogan, L., Papanikolaou, D., Seru, A., Stoffman, N. (2017), Technological Innovation, Resource Allocation, and Growth,
*Quarterly Journal of Economics* 132(2), 665-712, and its replication files.
Efron, B. (2008), Microarrays, Empirical Bayes and the Two-Groups Model, *Statistical Science* 23(1), 1-22.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from zhirong.kernel.errors import DomainError

__all__ = [
    "WINDOW_DAYS",
    "NoiseModel",
    "SignalShare",
    "expected_value_share",
    "grant_value",
    "signal_share",
    "value_share_quantiles",
    "window_noise",
    "window_return",
]

Floats = NDArray[np.float64]

WINDOW_DAYS = 3
"""Trading days of the window: the day of the grant and the two after it."""


class NoiseModel(StrEnum):
    """Prior of the value, and distribution of the noise."""

    HALF_NORMAL = "half_normal"
    """Value half-normal with variance ``delta s^2/(1-delta)`` before truncation, noise normal with s.d. s."""
    EXPONENTIAL = "exponential"
    """Value exponential with mean ``sqrt(delta) s``, noise normal with s.d. s."""
    CAUCHY = "cauchy"
    """Value half-Cauchy of scale ``nu delta/(1-delta)``, noise Cauchy of scale nu."""


def window_return(daily_returns: ArrayLike) -> Floats:
    """Return the return over the window.

    Parameters
    ----------
    daily_returns : array_like, shape (..., 3)
        Market-adjusted returns of the grant day and the two after it, fractions above -1; NaN counts as 0, as in the
        replication files.

    Returns
    -------
    ndarray, shape (...)
        ``(1+r0)(1+r1)(1+r2) - 1``.

    Raises
    ------
    DomainError
        For another length of the window, or a return of -1 and below.
    """
    returns = np.nan_to_num(np.asarray(daily_returns, np.float64), nan=0.0)
    if returns.ndim == 0 or returns.shape[-1] != WINDOW_DAYS:
        raise DomainError(f"the window has {WINDOW_DAYS} trading days")
    if (returns <= -1).any():
        raise DomainError("a daily return is a fraction above -1")
    return np.asarray(np.prod(1 + returns, axis=-1) - 1, np.float64)


def window_noise(daily_volatility: ArrayLike) -> Floats:
    """Return the s.d. of the noise over the window from the daily volatility, a fraction above 0."""
    volatility = np.asarray(daily_volatility, np.float64)
    if not (volatility > 0).all():
        raise DomainError("a daily volatility is a fraction above 0")
    return np.asarray(volatility * np.sqrt(WINDOW_DAYS), np.float64)


def expected_value_share(
    window_returns: ArrayLike, scale: ArrayLike, delta: float, *, model: NoiseModel = NoiseModel.HALF_NORMAL,
    informative_share: float = 1.0,
) -> Floats:  # fmt: skip
    """Return the mean of the value inside a return.

    Parameters
    ----------
    window_returns : array_like
        Returns over the window, fractions.
    scale : array_like
        Scale of the **noise**, not of the return: its s.d. (`window_noise`) for the normal models, its scale nu for the
        Cauchy model.
    delta : float
        Share of variance that is signal, above 0 and below 0.5; ``1 - exp(-gamma)`` (`signal_share`).
    model : NoiseModel
        Prior and noise.
    informative_share : float
        Share of grants whose value the market learns that day, above 0 to 1. Below 1 the prior has two groups: the others
        moved the price by nothing, and a return is read as noise as far as that is likelier (normal noise only).

    Returns
    -------
    ndarray
        Expected value over market capitalisation, positive.

    Raises
    ------
    DomainError
        For impossible scales or shares, or two groups with Cauchy noise.

    Notes
    -----
    Half-normal: ``delta R + sqrt(delta) s phi(a)/(1 - Phi(a))``, ``a = -sqrt(delta) R/s``. Exponential: the mean of a normal
    with mean ``R - s/sqrt(delta)`` and s.d. s cut at 0. Cauchy: a ratio of two integrals of rational functions, in closed
    form by residues. All three are positive even for a falling price: the prior says so, and a comparison of patents
    by this number compares firms' size and volatility first. That bias is known and not removed here.

    Examples
    --------
    >>> float(expected_value_share(0.05, window_noise(0.02), 1 - np.exp(-0.0146289)).round(9))
    0.003608856
    """
    r, s = np.broadcast_arrays(np.asarray(window_returns, np.float64), np.asarray(scale, np.float64))
    if not (s > 0).all():
        raise DomainError("the scale of the noise is above 0")
    if not 0 < delta < 0.5:
        raise DomainError(f"delta is above 0 and below 0.5, not {delta}")
    if not 0 < informative_share <= 1:
        raise DomainError(f"the informative share is above 0 to 1, not {informative_share}")
    if model is NoiseModel.CAUCHY:
        if informative_share < 1:
            raise DomainError("two groups are offered for normal noise only")
        return _cauchy_mean(r, s, delta)
    if model is NoiseModel.HALF_NORMAL:
        middle, sd = delta * r, np.sqrt(delta) * s
    else:
        middle, sd = r - s / np.sqrt(delta), s
    mean = middle + sd * np.exp(stats.norm.logpdf(middle / sd) - stats.norm.logcdf(middle / sd))
    if informative_share == 1:
        return np.asarray(mean, np.float64)
    return np.asarray(mean * _posterior_informative(r, s, delta, model, informative_share), np.float64)


def value_share_quantiles(
    levels: ArrayLike, window_returns: ArrayLike, scale: ArrayLike, delta: ArrayLike, *,
    model: NoiseModel = NoiseModel.HALF_NORMAL,
) -> Floats:  # fmt: skip
    """Return quantiles of the value inside a return: what `expected_value_share` is the mean of.

    Parameters
    ----------
    levels : array_like
        Probabilities above 0 and below 1; broadcast with the others.
    window_returns, scale
        As for `expected_value_share`.
    delta : array_like
        Share of variance that is signal, above 0 and below 0.5.
    model : NoiseModel
        Prior and noise; the normal ones.

    Returns
    -------
    ndarray
        Value over market capitalisation, positive, rising with the level.

    Raises
    ------
    DomainError
        For levels or shares out of range, or Cauchy noise, whose law has no closed inverse.

    Notes
    -----
    Given the return the value is normal, cut at 0: mean ``delta R`` and s.d. ``sqrt(delta) s`` (half-normal prior), or mean
    ``R - s/sqrt(delta)`` and s.d. s (exponential).
    """
    u, r, s, share = np.broadcast_arrays(*(np.asarray(x, np.float64) for x in (levels, window_returns, scale, delta)))
    if model is NoiseModel.CAUCHY:
        raise DomainError("quantiles are offered for normal noise only")
    if not ((u > 0) & (u < 1)).all() or not (s > 0).all() or not ((share > 0) & (share < 0.5)).all():
        raise DomainError("levels lie inside 0 to 1, the scale is above 0, and delta above 0 and below 0.5")
    if model is NoiseModel.HALF_NORMAL:
        middle, sd = share * r, np.sqrt(share) * s
    else:
        middle, sd = r - s / np.sqrt(share), s
    # The upper tail of the level keeps its digits where the cut takes nearly all of the normal law.
    return np.asarray(middle - sd * special.ndtri_exp(np.log1p(-u) + special.log_ndtr(middle / sd)), np.float64)


def _posterior_informative(r: Floats, s: Floats, delta: float, model: NoiseModel, share: float) -> Floats:
    """Return the probability that a return belongs to the group that carries news, by Bayes' rule."""
    silent = stats.norm.logpdf(r, scale=s)
    if model is NoiseModel.HALF_NORMAL:
        total = s / np.sqrt(1 - delta)
        news = np.log(2) + stats.norm.logpdf(r, scale=total) + stats.norm.logcdf(np.sqrt(delta) * r / s)
    else:
        mean = np.sqrt(delta) * s
        z = r / s - s / mean
        news = -np.log(mean) - r / mean + 0.5 * (s / mean) ** 2 + stats.norm.logcdf(z)
    odds = np.log(share) - np.log1p(-share) + news - silent
    return np.asarray(1 / (1 + np.exp(-odds)), np.float64)


def _cauchy_mean(r: Floats, nu: Floats, delta: float) -> Floats:
    """Return the ratio of ``int_0^inf v f`` to ``int_0^inf f``, f = 1/((v^2 + a^2)((v - R)^2 + nu^2)).

    For a rational f without poles on the positive axis, falling faster than 1/v, the integral is minus the sum of the
    residues of ``f(z) Log(-z)``.
    """
    a = nu * delta / (1 - delta)
    poles = (1j * a, -1j * a, r + 1j * nu, r - 1j * nu)
    below, above = np.zeros(r.shape, np.complex128), np.zeros(r.shape, np.complex128)
    for i, pole in enumerate(poles):
        rest = np.ones(r.shape, np.complex128)
        for j, other in enumerate(poles):
            if i != j:
                rest = rest * (pole - other)
        term = np.log(-pole) / rest
        below, above = below - term, above - pole * term
    return np.asarray(above.real / below.real, np.float64)


def grant_value(
    value_share: ArrayLike, market_cap: ArrayLike, grants_that_day: ArrayLike, *, expected_grant_share: float = 0.55
) -> Floats:
    """Return the value of one patent in the currency of the market capitalisation.

    Parameters
    ----------
    value_share : array_like
        From `expected_value_share`.
    market_cap : array_like
        Market capitalisation of the firm the day before, positive.
    grants_that_day : array_like of int
        Patents granted to the firm that day, at least 1; they share the value equally.
    expected_grant_share : float
        Probability, before the day, that the application would be granted, 0 to below 1: that part of the value was in the
        price already. 0.55 in the authors' files, where a comment calls the paper's 0.56 a misprint.

    Returns
    -------
    ndarray
        ``share M / ((1 - pi) N)``.

    Raises
    ------
    DomainError
        For impossible inputs.
    """
    share, cap, count = (np.asarray(x, np.float64) for x in (value_share, market_cap, grants_that_day))
    if not (cap > 0).all() or not (count >= 1).all() or not 0 <= expected_grant_share < 1:
        raise DomainError(
            "market capitalisation is positive, grants are at least 1, the expected share is 0 to below 1"
        )
    return np.asarray(share * cap / ((1 - expected_grant_share) * count), np.float64)


@dataclass(frozen=True, slots=True)
class SignalShare:
    """How much more returns move when patents are granted.

    Attributes
    ----------
    gamma, standard_error : float
        Rise of the mean logarithm of squared returns on grant days, and its standard error.
    delta : float
        ``1 - exp(-gamma)``, floored at 0: nothing is read into days that are calmer than others.
    grant_days, other_days : int
        Observations.
    """

    gamma: float
    standard_error: float
    delta: float
    grant_days: int
    other_days: int


def signal_share(squared_grant: ArrayLike, squared_other: ArrayLike) -> SignalShare:
    """Estimate the share of variance that grants explain, from squared window returns.

    Parameters
    ----------
    squared_grant, squared_other : array_like
        Squared returns over windows that start on a grant day and on other days, of the same firms and years; zeros
        (no trade) are left out.

    Returns
    -------
    SignalShare

    Raises
    ------
    DomainError
        For negative squares, or fewer than two of a kind.

    Notes
    -----
    The difference of mean logarithms; with firm and year effects it is the coefficient of the paper's regression.
    """
    groups = []
    for values in (squared_grant, squared_other):
        squares = np.asarray(values, np.float64)
        if (squares < 0).any():
            raise DomainError("squared returns are not negative")
        logs = np.log(squares[squares > 0])
        if len(logs) < 2:
            raise DomainError("a signal share needs two grant days and two other days at least")
        groups.append(logs)
    grant, other = groups
    gamma = float(grant.mean() - other.mean())
    error = float(np.sqrt(grant.var(ddof=1) / len(grant) + other.var(ddof=1) / len(other)))
    return SignalShare(gamma, error, max(0.0, float(-np.expm1(-gamma))), len(grant), len(other))
