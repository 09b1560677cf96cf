"""Chain ladder with Mack's standard error: what is still to be paid of claims that have happened.

Source: Mack (1993), ASTIN Bulletin 23(2):213-225.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zhirong.kernel.errors import DomainError

__all__ = ["ChainLadder", "chain_ladder"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ChainLadder:
    """Reserves with their standard errors.

    Attributes
    ----------
    factors, sigmas : ndarray, shape (n - 1,)
        Development factors, and Mack's variance parameters (square roots).
    full : ndarray, shape (n, n)
        Cumulative payments, seen and projected.
    reserves, errors : ndarray, shape (n,)
        Of each year of origin, with standard error of prediction.
    total, total_error : float
        Of all years; errors of years are dependent through the factors.
    """

    factors: Floats
    sigmas: Floats
    full: Floats
    reserves: Floats
    errors: Floats
    total: float
    total_error: float


def chain_ladder(triangle: ArrayLike) -> ChainLadder:
    """Project a triangle of cumulative payments.

    Parameters
    ----------
    triangle : array_like, shape (n, n), n >= 3
        Years of origin by years of development; NaN below the last diagonal, above 0 on and above it.

    Notes
    -----
    The last sigma is Mack's: ``min(s_(n-2)^4 / s_(n-3)^2, s_(n-3)^2, s_(n-2)^2)``. No tail beyond the last column.

    Raises
    ------
    DomainError
        For another shape, or payments missing or not above 0 in the triangle.
    """
    c = np.asarray(triangle, np.float64)
    n = len(c)
    seen = np.add.outer(np.arange(n), np.arange(n)) < n
    if c.ndim != 2 or c.shape != (n, n) or n < 3:
        raise DomainError("triangle: as many columns as rows, three or more, allowed")
    if not (np.isfinite(c[seen]).all() and (c[seen] > 0).all()) or np.isfinite(c[~seen]).any():
        raise DomainError("triangle: payments above 0 down to the last diagonal, nan below it, allowed")
    factors, squares = _factors(c, n)
    full = c.copy()
    for k in range(n - 1):
        full[n - 1 - k :, k + 1] = full[n - 1 - k :, k] * factors[k]
    own, crossed = _errors(full, factors, squares, n)
    reserves = full[:, -1] - full[np.arange(n), n - 1 - np.arange(n)]
    return ChainLadder(
        factors,
        np.sqrt(squares),
        full,
        reserves,
        np.sqrt(own),
        float(reserves.sum()),
        float(np.sqrt(own.sum() + crossed)),
    )


def _factors(c: Floats, n: int) -> tuple[Floats, Floats]:
    factors, squares = np.empty(n - 1), np.empty(n - 1)
    for k in range(n - 1):
        now, then = c[: n - 1 - k, k], c[: n - 1 - k, k + 1]
        factors[k] = then.sum() / now.sum()
        if k < n - 2:
            squares[k] = (now * (then / now - factors[k]) ** 2).sum() / (n - k - 2)
    last, before = squares[n - 3], squares[n - 4] if n > 3 else squares[n - 3]
    squares[n - 2] = min(last * last / before if before > 0 else 0.0, before, last)
    return factors, squares


def _errors(full: Floats, factors: Floats, squares: Floats, n: int) -> tuple[Floats, float]:
    """Return squared errors of each year and the sum of what two years share."""
    own, crossed = np.zeros(n), 0.0
    ratio = squares / factors**2
    sums = np.array([full[: n - 1 - k, k].sum() for k in range(n - 1)])
    for i in range(1, n):
        k = np.arange(n - 1 - i, n - 1)
        own[i] = full[i, -1] ** 2 * (ratio[k] * (1 / full[i, k] + 1 / sums[k])).sum()
        crossed += full[i, -1] * full[i + 1 :, -1].sum() * 2 * (ratio[k] / sums[k]).sum()
    return own, float(crossed)
