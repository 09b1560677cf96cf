"""Hedonic regression of log prices with priors on its coefficients, robust to outliers; spread and tails of its errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from zhirong.kernel.errors import DomainError

__all__ = ["HedonicFit", "Spread", "fit_hedonic", "fit_spread"]

Floats = NDArray[np.float64]
_TUNING = 2.5
"""Standard deviations beyond which an observation counts less."""
TAILS: tuple[float, ...] = (3.0, 4.0, 6.0, 10.0, 30.0)
_TAIL_THIN_DATA = 6.0
_TAIL_OBSERVATIONS_MIN = 60


@dataclass(frozen=True, slots=True)
class HedonicFit:
    """Posterior of a hedonic regression.

    Attributes
    ----------
    coefficients : ndarray, shape (k,)
        Posterior means.
    covariance : ndarray, shape (k, k)
        Posterior covariance.
    sigma : float
        Standard deviation of a single patent's error.
    factors : ndarray, shape (n,)
        Share of its weight that each observation keeps, above 0 to 1; below 1 marks an outlier.
    residuals : ndarray, shape (n,)
        ``y - x'b``.
    """

    coefficients: Floats
    covariance: Floats
    sigma: float
    factors: Floats
    residuals: Floats


@dataclass(frozen=True, slots=True)
class Spread:
    """Student's t of prediction errors: scale, degrees of freedom, and how many observations stand behind them."""

    scale: float
    freedom: float
    observations: float


def fit_hedonic(
    y: Floats, x: Floats, weights: Floats, extra_variance: Floats, prior_mean: Floats, prior_sd: Floats,
    *, spread_prior: tuple[float, float], iterations: int = 200,
) -> HedonicFit:  # fmt: skip
    """Fit a regression with normal priors on its coefficients.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Log prices.
    x : ndarray, shape (n, k)
        Covariates.
    weights : ndarray, shape (n,)
        Reliability, 0 to 1.
    extra_variance : ndarray, shape (n,)
        Variance of an observation beyond that of a single patent's price (lots that were split).
    prior_mean, prior_sd : ndarray, shape (k,)
        Priors; an infinite sd is none.
    spread_prior : tuple of float
        Prior standard deviation of errors, and the observations it counts for.
    iterations : int
        Limit of the reweighting.

    Returns
    -------
    HedonicFit

    Raises
    ------
    DomainError
        For shapes that do not fit, values that are not finite, or a coefficient that neither data nor prior determines.

    Notes
    -----
    ``b = (X'WX/s^2 + P)^-1 (X'Wy/s^2 + P m)`` with ``W = w f / (1 + v/s^2)``, f Huber's factor at 2.5 s, and s^2 the prior's
    and the mean square of residuals bounded at 2.5 s (for normal errors 2 % low), iterated to rest.
    """
    outcome, design = np.asarray(y, np.float64), np.asarray(x, np.float64)
    n, k = design.shape
    if not (
        outcome.shape == weights.shape == extra_variance.shape == (n,) and prior_mean.shape == prior_sd.shape == (k,)
    ):
        raise DomainError("a hedonic regression needs one row for each price and one prior for each coefficient")
    if not (np.isfinite(outcome).all() and np.isfinite(design).all()):
        raise DomainError("prices and covariates must be finite")
    precision = np.diag(1.0 / np.asarray(prior_sd, np.float64) ** 2)
    sigma, count = float(spread_prior[0]), float(spread_prior[1])
    factors, at = np.ones(n), np.full(k, np.inf)
    for _ in range(iterations):
        scale = np.sqrt(sigma**2 + extra_variance)
        each = weights * factors / scale**2
        information = (design * each[:, None]).T @ design + precision
        size = np.sqrt(np.diag(information))
        if not (size > 0).all() or np.linalg.matrix_rank(information / np.outer(size, size)) < k:
            raise DomainError("neither prices nor priors determine every coefficient")
        new = np.linalg.solve(information, design.T @ (each * outcome) + precision @ prior_mean)
        residual = outcome - design @ new
        factors = _TUNING / np.maximum(np.abs(residual) / scale, _TUNING)
        share = weights * sigma**2 / scale**2
        freedom = max(float(share.sum()) - k, 0.0)
        square = float(share @ (factors * residual) ** 2)  # residuals bounded at 2.5 scales
        spread = np.sqrt((count * spread_prior[0] ** 2 + square) / (count + freedom))
        if np.abs(new - at).max() < 1e-9 and abs(spread - sigma) < 1e-9:
            break
        at, sigma = new, float(spread)
    return HedonicFit(new, np.asarray(np.linalg.inv(information), np.float64), sigma, factors, residual)


def fit_spread(errors: Floats, weights: Floats, extra_variance: Floats, *, prior: tuple[float, float]) -> Spread:
    """Return the scale and tails of prediction errors as Student's t.

    Parameters
    ----------
    errors, weights, extra_variance : ndarray, shape (n,)
        Errors in logs, their reliability, and variance that is the observation's own.
    prior : tuple of float
        Prior standard deviation, and the observations it counts for; normal pseudo-data of that size.

    Returns
    -------
    Spread
        The likeliest of 3, 4, 6, 10 and 30 degrees of freedom; 6 with fewer than 60 errors, which cannot tell.
    """
    total = float(weights.sum())

    def loss(log_scale: float, freedom: float) -> float:
        variance = np.exp(2 * log_scale)
        scale = np.sqrt(variance + extra_variance)
        seen = weights @ (stats.t.logpdf(errors / scale, freedom) - np.log(scale))
        return -float(seen - prior[1] * (log_scale + prior[0] ** 2 / (2 * variance)))

    tails = TAILS if len(errors) >= _TAIL_OBSERVATIONS_MIN else (_TAIL_THIN_DATA,)
    found = []
    for freedom in tails:
        answer = optimize.minimize_scalar(loss, args=(freedom,), bounds=(-6.0, 5.0), method="bounded")
        found.append((float(answer.fun), freedom, float(np.exp(answer.x))))
    _, freedom, scale = min(found)
    return Spread(scale, freedom, total + prior[1])
