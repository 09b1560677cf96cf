"""Location, spread and regression that a few wild observations cannot move: weighted quantiles, Huber, quantile regression."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, sparse

from zhirong.kernel.errors import ConvergenceError, DomainError

__all__ = ["effective_number", "huber_location", "mad_scale", "quantile_regression", "weighted_quantile"]

Floats = NDArray[np.float64]
_MAD_TO_SD = 1.4826022185056018
"""1 / Phi^-1(3/4): makes the median absolute deviation a standard deviation for normal data."""


def effective_number(weights: Floats) -> float:
    """Return ``(sum w)^2 / sum w^2``: how many equal observations tell as much (Kish 1965); 0 without any weight."""
    w = np.asarray(weights, np.float64)
    square = float(np.sum(w**2))
    return float(np.sum(w) ** 2 / square) if square > 0 else 0.0


def weighted_quantile(values: Floats, weights: Floats, levels: Floats | float) -> Floats:
    """Return quantiles of a weighted sample.

    Parameters
    ----------
    values, weights : ndarray, shape (n,)
        Observations and weights, not negative, some positive.
    levels : ndarray or float
        Probabilities, 0 to 1.

    Returns
    -------
    ndarray
        Of the shape of `levels`.

    Raises
    ------
    DomainError
        For an empty sample, weights that are negative or all zero, or values that are not finite.

    Notes
    -----
    Linear between the mid-points of the weights' steps, so that equal weights give Hazen's quantiles (type 5) and the
    median of an even number is the mean of the middle two.
    """
    x, w = _sample(values, weights)
    order = np.argsort(x, kind="stable")
    x, w = x[order], w[order]
    middle = (np.cumsum(w) - 0.5 * w) / w.sum()
    return np.asarray(np.interp(levels, middle, x), np.float64)


def mad_scale(values: Floats, weights: Floats) -> float:
    """Return the weighted median absolute deviation times 1.4826, a robust standard deviation."""
    centre = float(weighted_quantile(values, weights, 0.5))
    return _MAD_TO_SD * float(weighted_quantile(np.abs(np.asarray(values) - centre), weights, 0.5))


def huber_location(
    values: Floats, weights: Floats, *, scale: float | None = None, tuning: float = 1.345, iterations: int = 200
) -> tuple[float, Floats]:
    """Return Huber's M-estimate of location and the factor by which it shrinks the weight of each observation.

    Parameters
    ----------
    values, weights : ndarray, shape (n,)
        Observations and weights, not negative, some positive.
    scale : float, optional
        Standard deviation of good observations; the MAD by default.
    tuning : float
        Standard deviations beyond which an observation counts less; 1.345 keeps 95 % efficiency for normal data.
    iterations : int
        Limit.

    Returns
    -------
    location : float
    factors : ndarray, shape (n,)
        Above 0 to 1.

    Raises
    ------
    DomainError
        As `weighted_quantile`, or for a tuning that is not positive.

    References
    ----------
    Huber (1964), Annals of Mathematical Statistics 35, 73-101.
    """
    x, w = _sample(values, weights)
    if tuning <= 0:
        raise DomainError(f"tuning must be positive, not {tuning}")
    spread = mad_scale(x, w) if scale is None else float(scale)
    at = float(weighted_quantile(x, w, 0.5))
    if not spread > 0:  # more than half of the weight on one value
        return at, np.where(x == at, 1.0, 1e-6)
    factors = np.ones_like(x)
    for _ in range(iterations):
        factors = tuning / np.maximum(np.abs(x - at) / spread, tuning)
        new = float(np.sum(w * factors * x) / np.sum(w * factors))
        if abs(new - at) <= 1e-10 * (spread + abs(at)):
            return new, factors
        at = new
    return at, factors


def quantile_regression(y: Floats, x: Floats, levels: Floats | float, weights: Floats | None = None) -> Floats:
    """Return the coefficients of a quantile regression whose level may differ from row to row.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Outcome.
    x : ndarray, shape (n, k)
        Covariates, of full rank, a column of ones included where an intercept is wanted.
    levels : float or ndarray, shape (n,)
        Level of each row, inside 0 to 1; a rotated regression (see `selection_quantiles`) has one for each.
    weights : ndarray, shape (n,), optional
        Weight of each row, not negative.

    Returns
    -------
    ndarray, shape (k,)

    Raises
    ------
    DomainError
        For shapes that do not fit, fewer rows than coefficients, or levels outside 0 to 1.
    ConvergenceError
        When the linear programme is not solved.

    Notes
    -----
    Minimises ``sum w_i [t_i (y - x'b)^+ + (1 - t_i) (y - x'b)^-]`` through its dual, ``max y'a`` under
    ``x'a = x'(w (1 - t))``, ``0 <= a <= w``, whose multipliers are b.

    References
    ----------
    Koenker, Bassett (1978), Econometrica 46, 33-50; Koenker (2005), Quantile Regression, section 6.2.
    """
    outcome, design = np.asarray(y, np.float64), np.asarray(x, np.float64)
    rows = len(outcome)
    level = np.broadcast_to(np.asarray(levels, np.float64), (rows,))
    weight = np.ones(rows) if weights is None else np.asarray(weights, np.float64)
    if design.ndim != 2 or len(design) != rows or weight.shape != (rows,) or rows < design.shape[1]:
        raise DomainError(
            "a quantile regression needs one row of covariates for each outcome, and as many as coefficients"
        )
    if (level <= 0).any() or (level >= 1).any() or (weight < 0).any():
        raise DomainError("levels must be inside 0 to 1, weights not negative")
    size = np.maximum(np.abs(design).max(axis=0), 1e-300)
    scaled = design / size
    answer = optimize.linprog(
        -outcome, A_eq=sparse.csc_matrix(scaled.T), b_eq=scaled.T @ (weight * (1 - level)),
        bounds=np.column_stack([np.zeros(rows), weight]), method="highs",
    )  # fmt: skip
    if answer.status != 0:
        raise ConvergenceError(f"quantile regression: {answer.message}")
    return np.asarray(-answer.eqlin.marginals / size, np.float64)


def _sample(values: Floats, weights: Floats) -> tuple[Floats, Floats]:
    x, w = np.asarray(values, np.float64), np.asarray(weights, np.float64)
    if x.ndim != 1 or x.shape != w.shape or not np.isfinite(x).all() or not np.isfinite(w).all():
        raise DomainError("values and weights must be finite and of one length")
    if (w < 0).any() or not w.sum() > 0:
        raise DomainError("weights must not be negative, and some must be positive")
    return x, w
