"""Regressions of amounts and counts over firms and years: least squares, Poisson, and Poisson with an effect of each firm.

Errors of firms observed in several years are those of a sandwich summed by firm: years of a firm are alike, and the variance
of counts is not their mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zhirong.kernel.errors import ConvergenceError, DomainError

__all__ = ["RegressionFit", "least_squares", "poisson", "poisson_fixed_effects"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RegressionFit:
    """Coefficients with their covariance.

    Attributes
    ----------
    coefficients : ndarray, shape (k,)
        In the order of the columns of x.
    covariance : ndarray, shape (k, k)
        Classical without groups (least squares only), else robust and summed by group.
    r_squared : float or None
        Of least squares.
    observations, groups : int
        Rows used; groups behind the covariance (rows where there are none).
    """

    coefficients: Floats
    covariance: Floats
    r_squared: float | None
    observations: int
    groups: int

    @property
    def standard_errors(self) -> Floats:
        """Standard errors of the coefficients."""
        return np.asarray(np.sqrt(np.diag(self.covariance)), np.float64)

    def sum_of(self, places: ArrayLike) -> tuple[float, float]:
        """Return the sum of some coefficients and its standard error."""
        chosen = np.zeros(self.coefficients.size)
        chosen[np.asarray(places, np.int64)] = 1.0
        return float(chosen @ self.coefficients), float(np.sqrt(chosen @ self.covariance @ chosen))


def _clean(y: ArrayLike, x: ArrayLike, groups: ArrayLike | None) -> tuple[Floats, Floats, NDArray[np.int64]]:
    target, design = np.asarray(y, np.float64), np.asarray(x, np.float64)
    if design.ndim != 2 or target.shape != design.shape[:1] or target.size <= design.shape[1]:
        raise DomainError("y needs one value for each row of x, and more rows than x has columns")
    if not (np.isfinite(target).all() and np.isfinite(design).all()):
        raise DomainError("y and x must be finite")
    place = np.arange(target.size) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    if place.shape != target.shape:
        raise DomainError("groups needs one value for each row of x")
    return target, design, np.asarray(place, np.int64)


def _sandwich(bread: Floats, scores: Floats, place: NDArray[np.int64]) -> tuple[Floats, int]:
    """Return bread x meat x bread with scores summed by group, and the number of groups."""
    count = int(place.max()) + 1
    if count < 2:
        raise DomainError("errors by group need two groups at least")
    total = np.zeros((count, scores.shape[1]))
    np.add.at(total, place, scores)
    return np.asarray(bread @ (total.T @ total) @ bread * count / (count - 1), np.float64), count


def _inverse(information: Floats) -> Floats:
    if np.linalg.cond(information) > 1e14:
        raise DomainError("the columns of x are not independent")
    return np.asarray(np.linalg.inv(information), np.float64)


def least_squares(y: ArrayLike, x: ArrayLike, groups: ArrayLike | None = None) -> RegressionFit:
    """Regress y on the columns of x (add a column of ones for an intercept).

    Parameters
    ----------
    y : array_like, shape (n,)
        Outcome.
    x : array_like, shape (n, k)
        Covariates.
    groups : array_like, shape (n,), optional
        Rows of one group may be alike; without it errors are the classical ones of independent rows of one variance.

    Raises
    ------
    DomainError
        For impossible or dependent data.
    """
    target, design, place = _clean(y, x, groups)
    n, k = design.shape
    inverse = _inverse(design.T @ design)
    beta = inverse @ design.T @ target
    rest = target - design @ beta
    spread = float(((target - target.mean()) ** 2).sum())
    r_squared = 1 - float(rest @ rest) / spread if spread > 0 else None
    if groups is None:
        return RegressionFit(beta, inverse * float(rest @ rest) / (n - k), r_squared, n, n)
    covariance, count = _sandwich(inverse, design * rest[:, None], place)
    return RegressionFit(beta, covariance * (n - 1) / (n - k), r_squared, n, count)


def poisson(y: ArrayLike, x: ArrayLike, groups: ArrayLike | None = None) -> RegressionFit:
    """Fit E(y | x) = exp(x b) by Poisson quasi-likelihood; consistent for any distribution with that mean.

    Parameters
    ----------
    y : array_like, shape (n,)
        Counts or amounts, not negative.
    x, groups
        As in `least_squares`; errors are robust, by group where groups are given.

    Raises
    ------
    DomainError, ConvergenceError
        For impossible data; where there is no maximum.
    """
    target, design, place = _clean(y, x, groups)
    if (target < 0).any() or not target.any():
        raise DomainError("counts must not be negative, and not all 0")
    beta = np.asarray(np.linalg.lstsq(design, np.log(target + 0.5), rcond=None)[0], np.float64)
    for _ in range(200):
        mean = np.exp(np.clip(design @ beta, -50, 50))
        information = design.T @ (design * mean[:, None])
        step = _inverse(information) @ design.T @ (target - mean)
        beta = beta + np.clip(step, -1.0, 1.0)
        if np.abs(step).max() < 1e-10:
            covariance, count = _sandwich(_inverse(information), design * (target - mean)[:, None], place)
            return RegressionFit(beta, covariance, None, target.size, count)
    raise ConvergenceError("Poisson regression: no maximum in 200 steps")


def poisson_fixed_effects(y: ArrayLike, x: ArrayLike, groups: ArrayLike) -> RegressionFit:
    """Fit E(y | x, group) = a_group exp(x b) given each group's total, so that the effects of groups drop out.

    Parameters
    ----------
    y, x, groups
        As in `poisson`; groups whose y are all 0 say nothing and are left out. x holds no column that is constant in groups.

    References
    ----------
    Hausman, J., Hall, B., Griliches, Z. (1984), Econometric Models for Count Data with an Application to the Patents-R&D
    Relationship, *Econometrica* 52, 909-938. Wooldridge, J. (1999), *Journal of Econometrics* 90, 77-97 (robust errors).

    Raises
    ------
    DomainError, ConvergenceError
        For impossible data; where there is no maximum.
    """
    target, design, place = _clean(y, x, groups)
    if (target < 0).any():
        raise DomainError("counts must not be negative")
    kept = np.bincount(place, target)[place] > 0
    if not kept.any():
        raise DomainError("counts are all 0")
    target, design = target[kept], design[kept]
    place = np.asarray(np.unique(place[kept], return_inverse=True)[1], np.int64)
    total = np.bincount(place, target)
    beta = np.zeros(design.shape[1])
    for _ in range(200):
        index = design @ beta
        top = np.full(total.size, -np.inf)
        np.maximum.at(top, place, index)
        raised = np.exp(index - top[place])
        share = raised / np.bincount(place, raised)[place]
        centre = np.stack([np.bincount(place, share * column) for column in design.T], axis=1)
        apart = design - centre[place]
        information = apart.T @ (apart * (share * total[place])[:, None])
        gap = target - total[place] * share
        step = _inverse(information) @ (apart.T @ gap)
        beta = beta + np.clip(step, -1.0, 1.0)
        if np.abs(step).max() < 1e-10:
            covariance, count = _sandwich(_inverse(information), apart * gap[:, None], place)
            return RegressionFit(beta, covariance, None, target.size, count)
    raise ConvergenceError("Poisson regression with fixed effects: no maximum in 200 steps")
