"""Regressions of claim counts with exposure: Poisson, negative binomial (NB2) and their zero-inflated forms, by maximum likelihood.

Source: McCullagh and Nelder, Generalized Linear Models; Lawless (1987), Canadian Journal of Statistics 15(3):209-225 (NB2);
Lambert (1992), Technometrics 34(1):1-14 (zero inflation).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from zhirong.kernel.errors import ConvergenceError, DomainError

__all__ = ["FrequencyFit", "fit_frequency"]

Floats = NDArray[np.float64]
CountFamily = Literal["poisson", "negative_binomial"]
_CAP, _EDGE = 30.0, 11.0


@dataclass(frozen=True, slots=True)
class FrequencyFit:
    """Fitted counts.

    Attributes
    ----------
    family : {'poisson', 'negative_binomial'}
        Law of the counts that are not structural zeros.
    coefficients : ndarray, shape (k,)
        Of the log of the yearly rate.
    dispersion : float
        ``a`` of ``Var = m + a m^2``; 0 for Poisson.
    inflation : ndarray, shape (j,)
        Of the logit of the chance of a structural zero; empty without inflation.
    covariance : ndarray
        Inverse of the observed information of (coefficients, ln dispersion where fitted, inflation).
    log_likelihood : float
    """

    family: CountFamily
    coefficients: Floats
    dispersion: float
    inflation: Floats
    covariance: Floats
    log_likelihood: float

    @property
    def standard_errors(self) -> Floats:
        """Standard errors in the order of `covariance`."""
        return np.asarray(np.sqrt(np.diag(self.covariance)), np.float64)

    @property
    def aic(self) -> float:
        """Akaike's criterion, smaller is better."""
        return 2 * len(self.covariance) - 2 * self.log_likelihood

    def rate(self, x: ArrayLike, z: ArrayLike | None = None) -> Floats:
        """Return claims a unit of exposure for each row of `x` (and of `z`, the design of the inflation)."""
        rate = np.exp(np.asarray(x, np.float64) @ self.coefficients)
        if not self.inflation.size:
            return np.asarray(rate, np.float64)
        rows = np.ones((len(rate), 1)) if z is None else np.asarray(z, np.float64)
        return np.asarray(rate * special.expit(-(rows @ self.inflation)), np.float64)


def fit_frequency(
    counts: ArrayLike,
    x: ArrayLike,
    exposure: ArrayLike,
    *,
    family: CountFamily = "poisson",
    inflation: ArrayLike | None = None,
) -> FrequencyFit:
    """Fit claim counts with ``ln E = ln exposure + x b``.

    Parameters
    ----------
    counts : array_like, shape (n,)
        Claims, whole, 0 or more.
    x : array_like, shape (n, k)
        Design, with a column of ones where an intercept is wanted.
    exposure : array_like, shape (n,)
        Patent-years, above 0.
    family : {'poisson', 'negative_binomial'}
        Law of counts.
    inflation : array_like, shape (n, j), optional
        Design of the logit of a structural zero; a column of ones for a constant chance.

    Raises
    ------
    DomainError
        For shapes that differ, counts or exposures out of range, no claim at all, or columns that repeat each other.
    ConvergenceError
        Where the likelihood has no interior maximum (no overdispersion, no inflation in the data).
    """
    y, design, own, zero = _read(counts, x, exposure, inflation)
    if family not in ("poisson", "negative_binomial"):
        raise DomainError(f"family: {family!r} given, poisson or negative_binomial allowed")
    start = _irls(y, design, own)
    k, extra = design.shape[1], int(family == "negative_binomial")
    if not extra and zero is None:
        mean = own * np.exp(design @ start)
        likelihood = float((y * np.log(mean) - mean - special.gammaln(y + 1)).sum())
        return FrequencyFit(family, start, 0.0, np.zeros(0), _inverse((design * mean[:, None]).T @ design), likelihood)

    def score(p: Floats) -> tuple[float, Floats]:
        return _score(p, y, design, own, zero, k, extra)

    first = np.concatenate([start, [-0.7] * extra, [-1.0] * (zero is not None), np.zeros(max(0, _width(zero) - 1))])
    found = optimize.minimize(
        lambda p: tuple(-v for v in score(p)), first, jac=True, method="BFGS", options={"gtol": 1e-7, "maxiter": 2000}
    )
    best, value = _polish(score, np.asarray(found.x, np.float64))
    shape = best[k] if extra else -1.0
    if not np.isfinite(value) or not -_EDGE < shape < _EDGE:
        raise ConvergenceError(f"{family}: the likelihood rises to an edge")
    covariance = _inverse(-_slope(score, best))
    return FrequencyFit(
        family, best[:k], float(np.exp(best[k])) if extra else 0.0, best[k + extra :], covariance, value
    )


def _width(zero: Floats | None) -> int:
    return 0 if zero is None else zero.shape[1]


def _irls(y: Floats, x: Floats, own: Floats) -> Floats:
    mean = np.maximum(y, y.sum() / own.sum() * own)
    line = np.log(mean / own)
    before = np.full(x.shape[1], np.inf)
    for _ in range(100):
        weighted = x * mean[:, None]
        beta = np.linalg.solve(weighted.T @ x, weighted.T @ (line + (y - mean) / mean))
        line = np.clip(x @ beta, -_CAP, _CAP)
        mean = own * np.exp(line)
        if np.abs(beta - before).max() < 1e-11 * (1 + np.abs(beta).max()):
            return np.asarray(beta, np.float64)
        before = beta
    raise ConvergenceError("Poisson regression: no maximum, some cell may hold no claim at all")


def _score(
    p: Floats, y: Floats, x: Floats, own: Floats, zero: Floats | None, k: int, extra: int
) -> tuple[float, Floats]:
    """Return log-likelihood and gradient at (b, ln a, g)."""
    mean = own * np.exp(np.clip(x @ p[:k], -_CAP, _CAP))
    if extra:
        a = float(np.exp(np.clip(p[k], -_CAP, _CAP)))
        r, grown = 1 / a, np.log1p(a * mean)
        each = special.gammaln(y + r) - special.gammaln(r) - special.gammaln(y + 1) - r * grown
        each = each + y * (np.log(a * mean) - grown)
        by_line = (y - mean) / (1 + a * mean)
        by_shape = r * (special.digamma(r) - special.digamma(y + r) + grown) + by_line
        none, none_line = -r * grown, -mean / (1 + a * mean)
        none_shape = r * grown - mean / (1 + a * mean)
    else:
        each, by_line, by_shape = y * np.log(mean) - mean - special.gammaln(y + 1), y - mean, np.zeros(0)
        none, none_line, none_shape = -mean, -mean, np.zeros(0)
    if zero is None:
        return float(each.sum()), np.concatenate([by_line @ x, [by_shape.sum()] * extra])
    logit = zero @ p[k + extra :]
    log_in, log_out = -np.logaddexp(0, -logit), -np.logaddexp(0, logit)
    at_zero = np.logaddexp(log_in, log_out + none)
    is_zero = y == 0
    value = np.where(is_zero, at_zero, log_out + each)
    part = np.exp(log_out + none - at_zero)  # chance that a zero is one of the law's own
    line = np.where(is_zero, part * none_line, by_line)
    gain = np.where(is_zero, 1 - part, 0.0) - np.exp(log_in)
    shape = [np.where(is_zero, part * none_shape, by_shape).sum()] if extra else []
    return float(value.sum()), np.concatenate([line @ x, shape, gain @ zero])


def _slope(score, p: Floats) -> Floats:  # type: ignore[no-untyped-def]
    step = 1e-5 * np.maximum(np.abs(p), 1.0)
    rows = [(score(p + e * s)[1] - score(p - e * s)[1]) / (2 * s) for e, s in zip(np.eye(p.size), step, strict=True)]
    second = np.array(rows)
    return np.asarray((second + second.T) / 2, np.float64)


def _polish(score, p: Floats) -> tuple[Floats, float]:  # type: ignore[no-untyped-def]
    """Newton steps from where the quasi-Newton search stopped."""
    value, slope = score(p)
    for _ in range(30):
        try:
            move = np.linalg.solve(-_slope(score, p), slope)
        except np.linalg.LinAlgError as err:
            raise ConvergenceError("the likelihood is flat") from err
        fresh, fresh_slope = score(p + move)
        if not fresh >= value - 1e-9 * abs(value):
            break
        p, value, slope = p + move, fresh, fresh_slope
        if np.abs(move).max() < 1e-10:
            break
    if np.abs(slope).max() > 1e-4 * (1 + abs(value)):
        raise ConvergenceError("the likelihood has no interior maximum")
    return p, value


def _inverse(information: Floats) -> Floats:
    try:
        np.linalg.cholesky(information)
    except np.linalg.LinAlgError as err:
        raise ConvergenceError("the likelihood is flat or at an edge, no standard errors") from err
    return np.asarray(np.linalg.inv(information), np.float64)


def _read(
    counts: ArrayLike, x: ArrayLike, exposure: ArrayLike, inflation: ArrayLike | None
) -> tuple[Floats, Floats, Floats, Floats | None]:
    y, design, own = (np.asarray(a, np.float64) for a in (counts, x, exposure))
    zero = None if inflation is None else np.asarray(inflation, np.float64)
    if y.ndim != 1 or design.ndim != 2 or design.shape[0] != y.size or own.shape != y.shape:
        raise DomainError("x: one row, and exposure: one value, for each count allowed")
    if not np.isfinite(y).all() or (y < 0).any() or (y != np.floor(y)).any():
        raise DomainError("counts: whole numbers, 0 or more, allowed")
    if not (np.isfinite(own).all() and (own > 0).all()):
        raise DomainError("exposure: finite numbers above 0 allowed")
    if y.sum() == 0:
        raise DomainError("counts: no claim at all; a rate needs one, or a prior (see credibility)")
    for name, rows in (("x", design), ("inflation", zero)):
        if rows is None:
            continue
        if rows.ndim != 2 or len(rows) != y.size or not np.isfinite(rows).all():
            raise DomainError(f"{name}: one finite row for each count allowed")
        if np.linalg.matrix_rank(rows) < rows.shape[1]:
            raise DomainError(f"{name}: columns repeat each other")
    return y, design, own, zero
