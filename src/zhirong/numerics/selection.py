"""Regression where the outcome is seen only for some: Heckman's selection model, by two steps and by maximum likelihood.

``y = x'b + e`` is seen where ``z'g + u > 0``; (e, u) are normal with standard deviations sigma and 1 and correlation rho.
Prices of patents are such an outcome: a lot that found no buyer has none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special, stats

from zhirong.kernel.errors import ConvergenceError, DomainError

__all__ = [
    "HeckmanFit",
    "ProbitFit",
    "heckman_likelihood",
    "heckman_profile",
    "heckman_two_step",
    "inverse_mills",
    "probit",
]

Floats = NDArray[np.float64]
_RHO_LIMIT = 0.9999
_ATANH_MAX = 7.0
"""Where the search turns back: a correlation of 0.999998 or more is no estimate but a likelihood without a maximum."""


@dataclass(frozen=True, slots=True)
class ProbitFit:
    """A probit by maximum likelihood.

    Attributes
    ----------
    coefficients : ndarray, shape (k,)
        Estimates.
    covariance : ndarray, shape (k, k)
        Inverse of the observed information.
    log_likelihood : float
        At the maximum.
    """

    coefficients: Floats
    covariance: Floats
    log_likelihood: float


@dataclass(frozen=True, slots=True)
class HeckmanFit:
    """Estimates of the selection model.

    Attributes
    ----------
    beta, gamma : ndarray, shapes (k,) and (m,)
        Coefficients of the outcome and of the selection.
    rho, sigma : float
        Correlation of the errors, -1 to 1; standard deviation of the outcome's error, positive.
    covariance : ndarray
        Of (beta, lambda) by two steps, shape (k + 1, k + 1), corrected for the estimated Mills ratio; of (beta, gamma,
        log sigma, atanh rho) by maximum likelihood, shape (k + m + 2, k + m + 2).
    standard_errors : ndarray, shape (k,)
        Of beta.
    lambda_ : float
        ``rho sigma``, the coefficient of the inverse Mills ratio.
    lambda_error : float
        Its standard error.
    rho_error, sigma_error : float or None
        By maximum likelihood; None by two steps, which do not give them.
    log_likelihood : float or None
        By maximum likelihood.
    observations, selected : int
        All rows; rows with an outcome.
    """

    beta: Floats
    gamma: Floats
    rho: float
    sigma: float
    covariance: Floats
    standard_errors: Floats
    lambda_: float
    lambda_error: float
    rho_error: float | None
    sigma_error: float | None
    log_likelihood: float | None
    observations: int
    selected: int


def inverse_mills(index: Floats) -> Floats:
    """Return ``phi(v)/Phi(v)``, the mean of a standard normal above ``-v``; stable far into the lower tail."""
    v = np.asarray(index, np.float64)
    return np.asarray(np.exp(-0.5 * v**2 - 0.5 * np.log(2 * np.pi) - special.log_ndtr(v)), np.float64)


def probit(z: Floats, selected: NDArray[np.bool_], *, iterations: int = 100) -> ProbitFit:
    """Fit a probit by Newton steps.

    Parameters
    ----------
    z : ndarray, shape (n, m)
        Covariates, a column of ones included where an intercept is wanted.
    selected : ndarray of bool, shape (n,)
        Outcome; both values must occur.
    iterations : int
        Limit.

    Returns
    -------
    ProbitFit

    Raises
    ------
    DomainError
        For covariates that are not finite, of another length, or not of full rank, and where only one outcome occurs.
    ConvergenceError
        When the steps do not settle, as where a covariate separates the outcomes.
    """
    design, chosen = _design(z, len(selected), "z"), np.asarray(selected, bool)
    if chosen.all() or not chosen.any():
        raise DomainError("a selection needs rows with an outcome and rows without one")
    sign = np.where(chosen, 1.0, -1.0)
    at = np.zeros(design.shape[1])
    value = float(special.log_ndtr(np.zeros(len(sign))).sum())
    for _ in range(iterations):
        index = sign * (design @ at)
        ratio = inverse_mills(index)
        information = (design * (ratio * (ratio + index))[:, None]).T @ design
        try:
            step = np.linalg.solve(information, design.T @ (sign * ratio))
        except np.linalg.LinAlgError:
            raise ConvergenceError("probit: the information is singular; a covariate separates the outcomes") from None
        size = 1.0
        while (
            new := float(special.log_ndtr(sign * (design @ (at + size * step))).sum())
        ) < value - 1e-12 and size > 1e-6:
            size /= 2
        at = at + size * step
        if abs(new - value) < 1e-12 * (1 + abs(value)) and np.abs(size * step).max() < 1e-8 * (1 + np.abs(at).max()):
            covariance = np.linalg.inv(information)
            if np.abs(design @ at).max() > 30:
                break
            return ProbitFit(at, np.asarray(covariance, np.float64), new)
        value = new
    raise ConvergenceError("probit: no convergence; a covariate may separate the outcomes")


def heckman_two_step(y: Floats, x: Floats, z: Floats, selected: NDArray[np.bool_]) -> HeckmanFit:
    """Estimate by a probit and a regression on the inverse Mills ratio, with standard errors that know it is estimated.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Outcome; whatever stands where `selected` is False is not looked at (NaN will do).
    x : ndarray, shape (n, k)
        Covariates of the outcome, looked at where selected.
    z : ndarray, shape (n, m)
        Covariates of the selection; one that is not in `x` should be among them, else only the curvature identifies.
    selected : ndarray of bool, shape (n,)
        Where the outcome is seen.

    Returns
    -------
    HeckmanFit

    Raises
    ------
    DomainError, ConvergenceError
        As `probit`; DomainError too when fewer rows are selected than there are coefficients and two more.

    Notes
    -----
    ``sigma^2 = e'e/n + mean(delta) b_l^2``, ``delta = l (l + v)``; ``V = sigma^2 (W'W)^-1 [W'(I - rho^2 D) W + Q] (W'W)^-1``,
    ``Q = rho^2 (W'D Z) V_g (Z'D W)``.

    References
    ----------
    Heckman (1979), Econometrica 47, 153-161; Greene (1981), Econometrica 49, 795-798.
    """
    chosen = np.asarray(selected, bool)
    outcome, design, first = _checked(y, x, z, chosen)
    fit = probit(first, chosen)
    v = first[chosen] @ fit.coefficients
    mills = inverse_mills(v)
    delta = mills * (mills + v)
    wide = np.column_stack([design, mills])
    if np.linalg.matrix_rank(wide) < wide.shape[1]:
        raise DomainError("the inverse Mills ratio does not vary apart from the covariates of the outcome")
    inverse = np.linalg.inv(wide.T @ wide)
    coefficients = inverse @ (wide.T @ outcome)
    residual = outcome - wide @ coefficients
    slope = float(coefficients[-1])
    sigma = float(np.sqrt(residual @ residual / len(outcome) + delta.mean() * slope**2))
    rho = float(np.clip(slope / sigma, -1.0, 1.0))
    cross = (wide * delta[:, None]).T @ first[chosen]
    middle = (wide * (1 - rho**2 * delta)[:, None]).T @ wide + rho**2 * cross @ fit.covariance @ cross.T
    covariance = sigma**2 * inverse @ middle @ inverse
    errors = np.sqrt(np.diag(covariance))
    return HeckmanFit(
        coefficients[:-1], fit.coefficients, rho, sigma, covariance, errors[:-1], slope, float(errors[-1]), None, None, None,
        len(chosen), int(chosen.sum()),
    )  # fmt: skip


def heckman_likelihood(
    y: Floats, x: Floats, z: Floats, selected: NDArray[np.bool_], *, iterations: int = 500
) -> HeckmanFit:
    """Estimate all parameters together by maximum likelihood.

    See `heckman_two_step` for the parameters; its estimates are the start.

    Returns
    -------
    HeckmanFit

    Raises
    ------
    DomainError
        As `heckman_two_step`.
    ConvergenceError
        When the search does not settle, or runs to a correlation of one, where there is no maximum inside.

    Notes
    -----
    A row without outcome contributes ``ln Phi(-z'g)``, one with outcome ``ln phi(r)/sigma + ln Phi((z'g + rho r)/sqrt(1-rho^2))``
    with ``r = (y - x'b)/sigma``.
    """
    chosen = np.asarray(selected, bool)
    outcome, design, first = _checked(y, x, z, chosen)
    start = heckman_two_step(y, x, z, chosen)
    k, m = design.shape[1], first.shape[1]
    rho = float(np.clip(start.rho, -0.9, 0.9))
    theta = np.concatenate([start.beta, start.gamma, [np.log(start.sigma), np.arctanh(rho)]])
    parts = (outcome, design, first[chosen], first[~chosen])

    def loss(at: Floats) -> tuple[float, Floats]:
        if abs(at[-1]) > _ATANH_MAX or abs(at[-2]) > 50:
            return 1e12, np.zeros_like(at)
        value, slope = _likelihood(at, *parts)
        return -value, -slope

    answer = optimize.minimize(loss, theta, jac=True, method="BFGS", options={"maxiter": iterations, "gtol": 1e-6})
    at = np.asarray(answer.x, np.float64)
    information, at = _polish(at, parts)
    slope = _likelihood(at, *parts)[1]
    if np.abs(slope).max() > 1e-3 * max(1.0, len(chosen) / 1000) or abs(np.tanh(at[-1])) > _RHO_LIMIT:
        raise ConvergenceError(f"selection model: no maximum inside ({answer.message}; rho {np.tanh(at[-1]):.4f})")
    covariance = np.asarray(np.linalg.inv(information), np.float64)
    if (np.diag(covariance) <= 0).any():
        raise ConvergenceError("selection model: the information is not positive definite")
    sigma, rho = float(np.exp(at[-2])), float(np.tanh(at[-1]))
    errors = np.sqrt(np.diag(covariance))
    gradient = np.array([rho * sigma, (1 - rho**2) * sigma])
    lambda_error = float(np.sqrt(gradient @ covariance[-2:, -2:] @ gradient))
    return HeckmanFit(
        at[:k], at[k : k + m], rho, sigma, covariance, errors[:k], rho * sigma, lambda_error,
        float((1 - rho**2) * errors[-1]), float(sigma * errors[-2]), float(_likelihood(at, *parts)[0]),
        len(chosen), int(chosen.sum()),
    )  # fmt: skip


def heckman_profile(
    y: Floats, x: Floats, z: Floats, selected: NDArray[np.bool_], rhos: Floats, *, iterations: int = 500
) -> tuple[Floats, Floats, Floats]:
    """Return how likely each correlation is when everything else is at its best for it.

    See `heckman_two_step` for the other parameters. A likelihood that is flat or has two summits, as with few rows and no
    strong covariate of selection alone, shows here and not in a standard error.

    Parameters
    ----------
    rhos : ndarray, shape (r,)
        Correlations to hold, inside -1 to 1, rising.

    Returns
    -------
    log_likelihood : ndarray, shape (r,)
    sigma : ndarray, shape (r,)
        Standard deviation of the outcome's error at each.
    gamma : ndarray, shape (r, m)
        Coefficients of the selection at each.

    Raises
    ------
    DomainError, ConvergenceError
        As `heckman_two_step`; DomainError too for a correlation of one or beyond.
    """
    held = np.asarray(rhos, np.float64)
    if held.ndim != 1 or not (np.abs(held) < 1).all():
        raise DomainError("correlations to hold must lie inside -1 to 1")
    chosen = np.asarray(selected, bool)
    outcome, design, first = _checked(y, x, z, chosen)
    start = heckman_two_step(y, x, z, chosen)
    k, m = design.shape[1], first.shape[1]
    parts = (outcome, design, first[chosen], first[~chosen])
    theta = np.concatenate([start.beta, start.gamma, [np.log(start.sigma)]])
    value, sigma, gamma = np.empty(len(held)), np.empty(len(held)), np.empty((len(held), m))
    for i in np.argsort(np.abs(held - np.clip(start.rho, -0.9, 0.9)), kind="stable"):
        tied = float(np.arctanh(held[i]))

        def loss(at: Floats, tied: float = tied) -> tuple[float, Floats]:
            if abs(at[-1]) > 50:
                return 1e12, np.zeros_like(at)
            found, slope = _likelihood(np.append(at, tied), *parts)
            return -found, -slope[:-1]

        answer = optimize.minimize(loss, theta, jac=True, method="BFGS", options={"maxiter": iterations, "gtol": 1e-5})
        value[i], sigma[i], gamma[i] = -float(answer.fun), float(np.exp(answer.x[-1])), answer.x[k : k + m]
    return value, sigma, gamma


def _likelihood(at: Floats, y: Floats, x: Floats, z: Floats, z_out: Floats) -> tuple[float, Floats]:
    """Return the log likelihood and its gradient."""
    k, m = x.shape[1], z.shape[1]
    beta, gamma, sigma, rho = at[:k], at[k : k + m], float(np.exp(at[-2])), float(np.tanh(at[-1]))
    root = 1.0 / np.cosh(at[-1])  # sqrt(1 - rho^2), without cancellation
    r, v, w = (y - x @ beta) / sigma, z @ gamma, z_out @ gamma
    t = (v + rho * r) / root
    value = special.log_ndtr(-w).sum() + special.log_ndtr(t).sum() + stats.norm.logpdf(r).sum() - len(y) * np.log(sigma)
    mills, out = inverse_mills(t), inverse_mills(-w)
    by_beta = x.T @ (r - mills * rho / root) / sigma
    by_gamma = z.T @ (mills / root) - z_out.T @ out
    by_sigma = float((r**2 - 1 - mills * rho * r / root).sum())
    by_rho = float((mills * (r * root + rho * (v + rho * r) / root)).sum())  # d t / d atanh rho
    return float(value), np.concatenate([by_beta, by_gamma, [by_sigma, by_rho]])


def _information(at: Floats, parts: tuple[Floats, Floats, Floats, Floats]) -> Floats:
    """Return minus the second derivatives, by central differences of the gradient."""
    size = len(at)
    found = np.empty((size, size))
    for i in range(size):
        step = 1e-5 * max(1.0, abs(float(at[i])))
        up, down = at.copy(), at.copy()
        up[i] += step
        down[i] -= step
        found[i] = -(_likelihood(up, *parts)[1] - _likelihood(down, *parts)[1]) / (2 * step)
    return (found + found.T) / 2


def _polish(at: Floats, parts: tuple[Floats, Floats, Floats, Floats]) -> tuple[Floats, Floats]:
    """Take a few Newton steps, each kept only where it does not lower the likelihood."""
    value, slope = _likelihood(at, *parts)
    information = _information(at, parts)
    for _ in range(8):
        if np.abs(slope).max() < 1e-9 * (1 + abs(value)):
            break
        try:
            new = at + np.linalg.solve(information, slope)
        except np.linalg.LinAlgError:
            raise ConvergenceError("selection model: the information is singular") from None
        if abs(new[-1]) > _ATANH_MAX:
            break
        better, steeper = _likelihood(new, *parts)
        if not better >= value - 1e-9:
            break
        at, value, slope = new, better, steeper
        information = _information(at, parts)
    return information, at


def _checked(y: Floats, x: Floats, z: Floats, chosen: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    first = _design(z, len(chosen), "z")
    every = np.asarray(x, np.float64)
    outcome = np.asarray(y, np.float64)
    if every.ndim != 2 or len(every) != len(chosen) or outcome.shape != chosen.shape:
        raise DomainError("y, x, z and selected must have one row for each observation")
    design, seen = every[chosen], outcome[chosen]
    if len(seen) < design.shape[1] + 3:
        raise DomainError(f"{len(seen)} rows with an outcome are too few for {design.shape[1]} coefficients")
    if not np.isfinite(seen).all():
        raise DomainError("y must be finite where it is selected")
    return seen, _design(design, len(seen), "x"), first


def _design(values: Floats, rows: int, name: str) -> Floats:
    design = np.asarray(values, np.float64)
    if design.ndim != 2 or len(design) != rows:
        raise DomainError(f"{name} must have one row for each observation")
    if not np.isfinite(design).all():
        raise DomainError(f"{name} must be finite")
    if np.linalg.matrix_rank(design) < design.shape[1]:
        raise DomainError(f"{name} is not of full rank: a covariate is a combination of others")
    return design
