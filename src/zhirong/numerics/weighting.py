"""Weights of criteria and ranking of alternatives: AHP, entropy, CRITIC, TOPSIS.

All functions take a matrix with alternatives in rows and criteria in columns (AHP: a matrix of pairwise judgements) and
return arrays that sum to one, or closeness in 0-1. Missing values are refused: what a missing judgement or value means is
for the caller to say.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zhirong.kernel.errors import ConvergenceError, DomainError

__all__ = ["RANDOM_INDEX", "AhpWeights", "ahp_weights", "critic_weights", "entropy_weights", "topsis_closeness"]

Matrix = NDArray[np.float64]

RANDOM_INDEX: tuple[float, ...] = (0.0, 0.0, 0.58, 0.90, 1.12, 1.24, 1.32, 1.41, 1.45, 1.49)
"""Saaty's mean consistency index of random reciprocal matrices of order 1 to 10 (Saaty 1980)."""


@dataclass(frozen=True, slots=True)
class AhpWeights:
    """Result of the analytic hierarchy process.

    Parameters
    ----------
    weights : ndarray
        shape (n,), positive, sum 1.
    lambda_max : float
        Principal eigenvalue, at least n.
    consistency_index : float
        (lambda_max - n) / (n - 1).
    consistency_ratio : float
        Index over the random index of that order; 0 for n up to 2.
    iterations : int
        Power iterations used.
    """

    weights: Matrix
    lambda_max: float
    consistency_index: float
    consistency_ratio: float
    iterations: int


def ahp_weights(
    judgements: Matrix,
    *,
    ratio_max: float = 0.1,
    allow_inconsistent: bool = False,
    tolerance: float = 1e-13,
    iterations_max: int = 10_000,
) -> AhpWeights:
    """Return the principal eigenvector of a matrix of pairwise judgements.

    Parameters
    ----------
    judgements : ndarray
        shape (n, n), n from 1 to 10; entry (i, j) says how many times i matters more than j; reciprocal, positive.
    ratio_max : float
        Largest consistency ratio that is accepted.
    allow_inconsistent : bool
        Accept any ratio.
    tolerance : float
        Largest change of a weight at which the iteration stops.
    iterations_max : int
        Limit of the power iteration.

    Returns
    -------
    AhpWeights

    Raises
    ------
    DomainError
        Not square, not positive, not reciprocal, order above 10, or a ratio above `ratio_max`.
    ConvergenceError
        When the iteration meets its limit.

    Notes
    -----
    A w = lambda_max w; CR = ((lambda_max - n) / (n - 1)) / RI(n). For n = 3 with c = a12 a23 / a13,
    lambda_max = 1 + c^(1/3) + c^(-1/3).

    References
    ----------
    Saaty, T. L. (1980), The Analytic Hierarchy Process, McGraw-Hill, chapters 1 and 3.

    Examples
    --------
    >>> import numpy as np
    >>> ahp_weights(np.array([[1.0, 3.0], [1 / 3, 1.0]])).weights.round(2).tolist()
    [0.75, 0.25]
    """
    matrix = np.asarray(judgements, dtype=np.float64)
    n = _check_judgements(matrix)
    weights, lambda_max, steps = _principal(matrix, tolerance, iterations_max)
    index = max((lambda_max - n) / (n - 1), 0.0) if n > 1 else 0.0
    ratio = index / RANDOM_INDEX[n - 1] if n > 2 else 0.0
    if ratio > ratio_max and not allow_inconsistent:
        raise DomainError(
            f"the judgements contradict each other: consistency ratio {ratio:.3f} is above {ratio_max:g}; "
            "revise them, or say allow_inconsistent"
        )
    return AhpWeights(weights, lambda_max, index, ratio, steps)


def _check_judgements(matrix: Matrix) -> int:
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not 1 <= matrix.shape[0] <= len(RANDOM_INDEX):
        raise DomainError(f"judgements must be a square matrix of order 1 to {len(RANDOM_INDEX)}, not {matrix.shape}")
    if not (np.isfinite(matrix).all() and (matrix > 0).all()):
        raise DomainError("judgements must be positive and finite")
    wrong = np.argwhere(~np.isclose(matrix * matrix.T, 1.0, rtol=1e-3))
    if wrong.size:
        i, j = (int(k) for k in wrong[0])
        raise DomainError(
            f"judgements must be reciprocal: entry ({i + 1}, {j + 1}) is {matrix[i, j]:g} "
            f"and ({j + 1}, {i + 1}) is {matrix[j, i]:g}"
        )
    return int(matrix.shape[0])


def _principal(matrix: Matrix, tolerance: float, iterations_max: int) -> tuple[Matrix, float, int]:
    weights = np.full(matrix.shape[0], 1.0 / matrix.shape[0])
    for step in range(1, iterations_max + 1):
        image = matrix @ weights
        new = image / image.sum()
        if np.abs(new - weights).max() <= tolerance:
            return new, float((matrix @ new / new).mean()), step
        weights = new
    raise ConvergenceError(f"the principal eigenvector did not settle within {iterations_max} iterations")


def entropy_weights(values: Matrix) -> Matrix:
    """Return weights by information entropy: a criterion that does not tell alternatives apart has weight 0.

    Parameters
    ----------
    values : ndarray
        shape (m, n), m at least 2; non-negative, each column with a positive sum; larger is better.

    Returns
    -------
    ndarray
        shape (n,), sum 1; equal weights when no criterion tells alternatives apart.

    Raises
    ------
    DomainError
        For missing, negative or all-zero columns, or fewer than two rows.

    Notes
    -----
    p_ij = x_ij / sum_i x_ij; e_j = -(1 / ln m) sum_i p_ij ln p_ij with 0 ln 0 = 0; w_j = (1 - e_j) / sum_k (1 - e_k).

    References
    ----------
    Shannon, C. E. (1948), Bell System Technical Journal 27; Hwang, C.-L., Yoon, K. (1981), Multiple Attribute Decision
    Making, Springer, section on the entropy method.
    """
    matrix = _check_values(values)
    if (matrix < 0).any() or (matrix.sum(axis=0) <= 0).any():
        raise DomainError("entropy weights need non-negative values with a positive sum in each column")
    shares = matrix / matrix.sum(axis=0)
    logs = np.log(np.where(shares > 0, shares, 1.0))
    diversity = 1.0 + (shares * logs).sum(axis=0) / np.log(matrix.shape[0])
    return _normalised(np.where(diversity > 1e-14, diversity, 0.0))


def critic_weights(values: Matrix, *, directions: NDArray[np.int64] | None = None) -> Matrix:
    """Return weights by contrast and conflict (CRITIC): spread times lack of correlation with the others.

    Parameters
    ----------
    values : ndarray
        shape (m, n), m at least 2.
    directions : ndarray, optional
        shape (n,), +1 or -1; all +1 where not given.

    Returns
    -------
    ndarray
        shape (n,), sum 1; a constant criterion has weight 0; equal weights when all are constant.

    Raises
    ------
    DomainError
        For missing values or fewer than two rows.

    Notes
    -----
    Columns are rescaled to 0-1 in their direction; C_j = s_j sum_k (1 - r_jk); w_j = C_j / sum_k C_k. The correlation of a
    constant column is taken as 0.

    References
    ----------
    Diakoulaki, D., Mavrotas, G., Papayannakis, L. (1995), Computers & Operations Research 22(7), 763-770.
    """
    matrix = _check_values(values)
    signs = np.ones(matrix.shape[1]) if directions is None else np.asarray(directions, dtype=np.float64)
    span = np.ptp(matrix, axis=0)
    scaled = signs * (matrix - matrix.mean(axis=0)) / np.where(span > 0, span, 1.0)
    spread = np.sqrt((scaled**2).mean(axis=0))
    standard = scaled / np.where(spread > 0, spread, 1.0)
    correlation = standard.T @ standard / matrix.shape[0]
    conflict = (1.0 - correlation).sum(axis=1) - (1.0 - np.diag(correlation))
    information = spread * np.maximum(conflict, 0.0)
    return _normalised(np.where(information > 1e-14, information, 0.0), fallback=spread)


def topsis_closeness(
    values: Matrix, weights: Matrix, *, directions: NDArray[np.int64] | None = None, normalise: bool = True
) -> Matrix:
    """Return the closeness of each alternative to the ideal: 1 at the best of every criterion, 0 at the worst.

    Parameters
    ----------
    values : ndarray
        shape (m, n).
    weights : ndarray
        shape (n,), non-negative, not all zero; rescaled to sum 1.
    directions : ndarray, optional
        shape (n,), +1 or -1; all +1 where not given.
    normalise : bool
        Divide each column by its Euclidean length first; not where columns already share a scale.

    Returns
    -------
    ndarray
        shape (m,), 0-1; 0.5 for all when the alternatives do not differ.

    Raises
    ------
    DomainError
        For missing values, or weights that are negative or all zero.

    Notes
    -----
    v_ij = w_j x_ij / |x_j|; closeness = d- / (d+ + d-), Euclidean distances to the worst and to the best v_j.

    References
    ----------
    Hwang, C.-L., Yoon, K. (1981), Multiple Attribute Decision Making, Springer, pp. 128-140.
    """
    matrix = _check_values(values, rows_min=1)
    share = np.asarray(weights, dtype=np.float64)
    if share.shape != (matrix.shape[1],) or not np.isfinite(share).all() or (share < 0).any() or share.sum() <= 0:
        raise DomainError("weights must be one non-negative number a criterion, not all zero")
    signs = np.ones(matrix.shape[1]) if directions is None else np.asarray(directions, dtype=np.float64)
    if normalise:
        length = np.sqrt((matrix**2).sum(axis=0))
        matrix = matrix / np.where(length > 0, length, 1.0)
    weighted = matrix * signs * (share / share.sum())
    to_best = np.sqrt(((weighted - weighted.max(axis=0)) ** 2).sum(axis=1))
    to_worst = np.sqrt(((weighted - weighted.min(axis=0)) ** 2).sum(axis=1))
    total = to_best + to_worst
    return np.where(total > 0, to_worst / np.where(total > 0, total, 1.0), 0.5)


def _check_values(values: Matrix, *, rows_min: int = 2) -> Matrix:
    matrix = np.asarray(values, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] < rows_min or matrix.shape[1] < 1:
        raise DomainError(f"values must be a matrix with at least {rows_min} rows and one column, not {matrix.shape}")
    if not np.isfinite(matrix).all():
        raise DomainError("values must be finite; leave out alternatives with missing values first")
    return matrix


def _normalised(parts: Matrix, *, fallback: Matrix | None = None) -> Matrix:
    for candidate in (parts, fallback):
        if candidate is not None and candidate.sum() > 0:
            shares: Matrix = candidate / candidate.sum()
            return shares
    return np.full(parts.shape, 1.0 / parts.size)
