"""Quantiles of an outcome that is seen only for some: rotated quantile regression (Arellano and Bonhomme).

Every quantile is a line ``x'b(t)``; the ranks of outcome and of selection are tied by a Gaussian copula. Nothing is supposed of the
outcome's shape, so heavy tails and spread that varies with covariates do no harm; the alternative to Heckman's normal errors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from zhirong.kernel.errors import DomainError
from zhirong.numerics.robust import quantile_regression
from zhirong.numerics.selection import probit

__all__ = ["SelectionQuantiles", "conditional_rank", "selection_quantiles"]

Floats = NDArray[np.float64]
_RHO_MAX = 0.95
_COARSE, _FINE = 13, 7
_NODES = 24


@dataclass(frozen=True, slots=True)
class SelectionQuantiles:
    """Quantile lines corrected for selection.

    Attributes
    ----------
    levels : ndarray, shape (q,)
        Levels of the latent outcome, of all rows and not only of the selected.
    coefficients : ndarray, shape (q, k)
        Line of each level.
    rho : float
        Correlation of the copula: positive where those with a high outcome are the likelier to be seen (the sign of
        Heckman's rho).
    uncorrected : ndarray, shape (q, k)
        Lines of the selected alone, as if rho were zero.
    objective : float
        Norm of the moment at the estimate, for comparison of starts only.
    """

    levels: Floats
    coefficients: Floats
    rho: float
    uncorrected: Floats
    objective: float


def conditional_rank(levels: Floats, propensity: Floats, rho: float) -> Floats:
    """Return the rank, among the selected, of the outcome that has a given rank among all.

    Parameters
    ----------
    levels : ndarray, shape (q,)
        Ranks among all, inside 0 to 1.
    propensity : ndarray, shape (n,)
        Chance of being selected, inside 0 to 1.
    rho : float
        Correlation, -1 to 1, of outcome and inclination to be selected.

    Returns
    -------
    ndarray, shape (q, n)
        ``P(U <= t | selected)``; equal to t where rho is 0 or the propensity 1.

    Notes
    -----
    ``[t - Phi_2(Phi^-1(t), Phi^-1(1-p); rho)] / p`` with the bivariate normal ``Phi_2``, by Plackett's identity: the derivative
    of ``Phi_2`` in rho is its density, integrated from 0 by Gauss-Legendre nodes over ``asin rho``.
    """
    t, p = np.asarray(levels, np.float64), np.asarray(propensity, np.float64)
    h, k = stats.norm.ppf(t)[:, None], stats.norm.ppf(1 - p)[None, :]
    x, w = np.polynomial.legendre.leggauss(_NODES)
    end = float(np.arcsin(rho))
    both = t[:, None] * (1 - p)[None, :]
    for node, weight in zip(x, w, strict=True):
        angle = end * (node + 1) / 2
        s, c2 = np.sin(angle), np.cos(angle) ** 2
        both = both + end / 2 * weight / (2 * np.pi) * np.exp(-(h**2 - 2 * s * h * k + k**2) / (2 * c2))
    return np.asarray(np.clip((t[:, None] - both) / p[None, :], 1e-6, 1 - 1e-6), np.float64)


def selection_quantiles(
    y: Floats, x: Floats, z: Floats, selected: NDArray[np.bool_], *, levels: Floats | None = None
) -> SelectionQuantiles:
    """Estimate quantile lines of a latent outcome from the rows in which it is seen.

    Parameters
    ----------
    y, x, z, selected
        As `selection.heckman_two_step`. Without a covariate in `z` that is not in `x`, rho is poorly identified.
    levels : ndarray, optional
        Levels of the lines, inside 0 to 1; 0.1, 0.25, 0.5, 0.75, 0.9 by default.

    Returns
    -------
    SelectionQuantiles

    Raises
    ------
    DomainError
        For input that does not fit, or fewer than ten selected rows for each coefficient.
    ConvergenceError
        From the probit or a linear programme.

    Notes
    -----
    (1) Probit propensities. (2) For each rho of a grid (13 values over -0.95 to 0.95, then 7 around the best), a quantile
    regression for each level with every row's level rotated to `conditional_rank`. (3) rho is that at which
    ``sum_i sum_t [1(y <= x'b_t) - G(t, p_i; rho)] (1, p_i, p_i^2)`` is least: the share below a line must not vary with the
    propensity otherwise than the copula says.

    References
    ----------
    Arellano, Bonhomme (2017), Quantile selection models with an application to understanding changes in wage inequality,
    Econometrica 85, 1-28, section 4.
    """
    t = np.array([0.1, 0.25, 0.5, 0.75, 0.9]) if levels is None else np.asarray(levels, np.float64)
    chosen = np.asarray(selected, bool)
    design, first = np.asarray(x, np.float64), np.asarray(z, np.float64)
    if (t <= 0).any() or (t >= 1).any() or design.ndim != 2 or len(design) != len(chosen):
        raise DomainError("levels must be inside 0 to 1, and x needs one row for each observation")
    if chosen.sum() < 10 * design.shape[1]:
        raise DomainError(f"{int(chosen.sum())} selected rows are too few for {design.shape[1]} quantile coefficients")
    fit = probit(first, chosen)
    p = np.clip(stats.norm.cdf(first[chosen] @ fit.coefficients), 1e-4, 1 - 1e-4)
    outcome, lines = np.asarray(y, np.float64)[chosen], design[chosen]
    if not np.isfinite(outcome).all():
        raise DomainError("y must be finite where it is selected")
    instruments = np.column_stack([p, p**2])
    instruments = (instruments - instruments.mean(axis=0)) / np.maximum(instruments.std(axis=0), 1e-12)
    instruments = np.column_stack([np.ones(len(p)), instruments])

    def solve(rho: float) -> tuple[float, Floats]:
        rank = conditional_rank(t, p, rho)
        found = np.stack([quantile_regression(outcome, lines, row) for row in rank])
        below = outcome[None, :] <= (found @ lines.T) + 1e-9 * (1 + np.abs(outcome[None, :]))
        moment = ((below - rank) @ instruments).sum(axis=0) / len(outcome)
        return float(np.linalg.norm(moment)), found

    solved = {float(rho): solve(float(rho)) for rho in np.linspace(-_RHO_MAX, _RHO_MAX, _COARSE)}
    best = min(solved, key=lambda rho: (solved[rho][0], abs(rho)))
    step = 2 * _RHO_MAX / (_COARSE - 1)
    for rho in np.linspace(max(best - step, -_RHO_MAX), min(best + step, _RHO_MAX), _FINE):
        solved.setdefault(float(rho), solve(float(rho)))
    best = min(solved, key=lambda rho: (solved[rho][0], abs(rho)))
    plain = solved[0.0][1] if 0.0 in solved else solve(0.0)[1]
    return SelectionQuantiles(t, solved[best][1], best, plain, solved[best][0])
