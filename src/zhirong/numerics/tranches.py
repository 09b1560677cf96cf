"""Losses of tranches of a credit portfolio with one factor, without simulation.

Given the factor the names are independent. The loss of unequal names is the recursion of Andersen, Sidenius and Basu (2003)
on a grid of loss units; that of a pool without granularity is the conditional expectation itself (Vasicek 2002).
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import special

from zhirong.kernel.errors import DomainError

__all__ = ["conditional_probability", "large_pool_tranche_loss", "loss_distribution", "tranche_spread"]

Floats = NDArray[np.float64]
_NODES = 64
_SPAN = 10.0


def _nodes() -> tuple[Floats, Floats]:
    """Gauss-Hermite nodes and weights of the standard normal factor."""
    x, w = special.roots_hermitenorm(_NODES)
    return np.asarray(x), np.asarray(w / math.sqrt(2.0 * math.pi))


def _check(rho: float, recovery: float) -> None:
    if not 0 <= rho < 1:
        raise DomainError(f"rho must be from 0 to below 1, not {rho}")
    if not 0 <= recovery <= 1:
        raise DomainError(f"recovery must be from 0 to 1, not {recovery}")


def conditional_probability(probability: Floats, factor: Floats | float, rho: float) -> Floats:
    """Return ``Phi((Phi^-1(p) - sqrt(rho) Z) / sqrt(1 - rho))``: a low factor is bad."""
    return np.asarray(special.ndtr((special.ndtri(probability) - math.sqrt(rho) * factor) / math.sqrt(1.0 - rho)))


def large_pool_tranche_loss(
    probability: float, rho: float, recovery: float, attachment: float, detachment: float
) -> float:
    """Return the expected loss of a tranche of an infinitely granular pool, share of the tranche.

    Parameters
    ----------
    probability : float
        Of default, between 0 and 1.
    rho : float
        Share of the common factor, 0 to below 1.
    recovery : float
        0 to 1.
    attachment, detachment : float
        Of the tranche, shares of the pool, 0 to 1 and rising.

    Notes
    -----
    ``E[clip(LGD p(Z) - a, 0, d - a)] / (d - a)``. The loss falls in Z, so that the kinks of the clip are two values of Z:
    between them the integral of a conditional probability is a bivariate normal one, taken here by Gauss-Legendre on each
    smooth piece. Over a partition of the pool the losses times thickness add up to ``p LGD``.
    """
    _check(rho, recovery)
    if not 0 < probability < 1:
        raise DomainError(f"probability must be between 0 and 1, not {probability}")
    if not 0 <= attachment < detachment <= 1:
        raise DomainError(f"attachment and detachment must rise from 0 to 1, not {attachment}, {detachment}")
    lgd, width = 1.0 - recovery, detachment - attachment
    if rho == 0.0:
        return min(max(lgd * probability - attachment, 0.0), width) / width
    kinks = [_factor_at(level / lgd if lgd else 1.0, probability, rho) for level in (detachment, attachment)]
    edges = np.clip([-_SPAN, *kinks, _SPAN], -_SPAN, _SPAN)
    x, w = special.roots_legendre(_NODES)
    total = 0.0
    for low, high in pairwise(edges):
        pieces = max(math.ceil(high - low), 1)
        cuts = np.linspace(low, high, pieces + 1)
        for a, b in pairwise(cuts):
            z = 0.5 * (b - a) * x + 0.5 * (a + b)
            loss = np.clip(lgd * conditional_probability(np.array(probability), z, rho) - attachment, 0.0, width)
            total += 0.5 * (b - a) * float((w * loss) @ (np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)))
    return total / width


def _factor_at(share: float, probability: float, rho: float) -> float:
    """Return the factor at which the conditional probability of default is a share."""
    if share >= 1.0:
        return -_SPAN
    if share <= 0.0:
        return _SPAN
    return float((special.ndtri(probability) - math.sqrt(1.0 - rho) * special.ndtri(share)) / math.sqrt(rho))


def loss_distribution(probabilities: Floats, units: NDArray[np.int64], rho: float) -> Floats:
    """Return the distribution of the loss of unequal names in loss units.

    Parameters
    ----------
    probabilities : ndarray, shape (n,)
        Of default, each from 0 to 1.
    units : ndarray of int, shape (n,)
        Loss of each name in units, at least 0.
    rho : float
        Share of the common factor.

    Returns
    -------
    ndarray, shape (sum of units + 1,)
        Probability of each loss; adds up to 1.
    """
    _check(rho, 0.0)
    if probabilities.shape != units.shape or (units < 0).any():
        raise DomainError(
            f"one whole number of units of at least 0 a name, not {units.shape} for {probabilities.shape}"
        )
    z, weight = _nodes()
    p = conditional_probability(probabilities[None, :], z[:, None], rho)
    density = np.zeros((z.size, int(units.sum()) + 1))
    density[:, 0] = 1.0
    reach = 0
    for i, size in enumerate(units):
        alive = density[:, : reach + 1].copy()
        density[:, : reach + 1] *= 1.0 - p[:, i : i + 1]
        density[:, size : reach + size + 1] += alive * p[:, i : i + 1]
        reach += int(size)
    return np.asarray(weight @ density)


def tranche_spread(
    hazard: float,
    names: int,
    rho: float,
    recovery: float,
    attachment: float,
    detachment: float,
    *,
    rate: float,
    years: float,
    frequency: int = 4,
) -> float:
    """Return the fair running spread of a tranche of equal names.

    Parameters
    ----------
    hazard : float
        Constant hazard rate a year, above 0.
    names : int
        Number of equal names.
    rho, recovery, attachment, detachment : float
        As in `large_pool_tranche_loss`.
    rate : float
        Flat rate, continuously compounded.
    years : float
        Term.
    frequency : int
        Payments a year.

    Returns
    -------
    float
        Spread a year, a fraction.

    References
    ----------
    Hull, J. and White, A. (2004), Valuation of a CDO and an nth to default CDS without Monte Carlo simulation, Journal of
    Derivatives 12(2): losses fall in the middle of a period, accrued spread is paid.
    """
    _check(rho, recovery)
    if hazard <= 0 or names < 1 or years <= 0 or frequency < 1:
        raise DomainError("hazard and years must be above 0, names and frequency at least 1")
    times = np.arange(1, round(years * frequency) + 1) / frequency
    width, each = detachment - attachment, (1.0 - recovery) / names
    lost = np.clip(np.arange(names + 1) * each - attachment, 0.0, width) / width
    unit = np.ones(names, np.int64)
    expected = np.array([
        loss_distribution(np.full(names, -math.expm1(-hazard * t)), unit, rho) @ lost for t in times
    ])  # fmt: skip
    step = np.diff(expected, prepend=0.0)
    middle = np.exp(-rate * (times - 0.5 / frequency))
    annuity = float(((1.0 - expected) * np.exp(-rate * times)).sum() / frequency)
    accrued = float((0.5 / frequency * step * middle).sum())
    return float((step * middle).sum()) / (annuity + accrued)
