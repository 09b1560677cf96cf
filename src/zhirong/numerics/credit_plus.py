"""CreditRisk+: the loss of a book of loans whose default rates move with gamma-distributed sectors.

Source: Credit Suisse Financial Products (1997), CreditRisk+: A Credit Risk Management Framework, appendices A3, A5 and A10.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from zhirong.kernel.errors import DomainError
from zhirong.numerics.aggregate import AggregateLoss, aggregate_fft, aggregate_panjer, lattice_severity
from zhirong.numerics.claim_counts import negative_binomial_count, poisson_count

__all__ = ["CreditPlusLoss", "credit_risk_plus"]

Floats = NDArray[np.float64]
_POINTS_MAX = 1 << 20


@dataclass(frozen=True, slots=True)
class CreditPlusLoss:
    """Loss of a book within the horizon.

    Attributes
    ----------
    law : AggregateLoss
        Masses on the lattice of the unit.
    expected, sd : float
        Mean (kept exactly by the lattice) and standard deviation on the lattice, in the unit of the exposures.
    contributions : ndarray, shape (n,)
        Of each loan to the standard deviation; they add up to it.
    """

    law: AggregateLoss
    expected: float
    sd: float
    contributions: Floats

    def quantile(self, level: float) -> float:
        """Return the loss at a level, linear between lattice points."""
        if not 0 < level < 1:
            raise DomainError(f"field level: {level}; allowed: above 0, below 1")
        below = np.cumsum(self.law.pmf)
        place = int(np.searchsorted(below, level))
        if place == len(below):
            raise DomainError(f"field level: {level}; allowed: up to {below[-1]:.9f} on this lattice, take more points")
        if place == 0:
            return 0.0
        inside = (level - below[place - 1]) / (below[place] - below[place - 1])
        return float((place - 1 + inside) * self.law.step)

    def expected_shortfall(self, level: float) -> float:
        """Return the mean loss beyond the quantile on the lattice."""
        return self.law.tvar(level)


def credit_risk_plus(
    exposure: Floats, pd: Floats, pd_sd: Floats, *, sectors: Floats | None = None, unit: float | None = None,
    points: int | None = None, method: Literal["fft", "panjer"] = "fft",
) -> CreditPlusLoss:  # fmt: skip
    """Return the law of the loss.

    Parameters
    ----------
    exposure : ndarray, shape (n,)
        Loss at default of each loan, above 0.
    pd, pd_sd : ndarray, shape (n,)
        Default probability within the horizon, above 0 to below 1, and the standard deviation of its rate, 0 or more.
    sectors : ndarray, shape (n, k), optional
        Share of each loan in each sector, adding to 1 at most; the rest is particular to the loan. One sector where not given.
    unit : float, optional
        Step of the lattice; a hundredth of the largest exposure, rounded up, where not given.
    points : int, optional
        Lattice points; enough for ten standard deviations where not given.
    method : str
        ``fft`` or ``panjer``: the same law.

    Returns
    -------
    CreditPlusLoss

    Raises
    ------
    DomainError
        Naming the field.

    Notes
    -----
    Exposures are rounded up to units, ``nu = ceil(E/L)``, and intensities lowered so that each expected loss is kept:
    ``m = (E/L) p / nu``. A sector with mean ``mu`` and standard deviation ``s`` has a negative binomial number of losses with
    ``alpha = mu^2/s^2``. The law of the book is the convolution of the sectors'.
    """
    lent, p, sd = (np.asarray(x, np.float64) for x in (exposure, pd, pd_sd))
    share = np.ones((lent.size, 1)) if sectors is None else np.asarray(sectors, np.float64)
    _check(lent, p, sd, share)
    step = float(math.ceil(lent.max() / 100)) if unit is None else float(unit)
    if not (math.isfinite(step) and step > 0):
        raise DomainError(f"field unit: {unit}; allowed: above 0")
    size = lent / step
    nu = np.ceil(size - 1e-12).astype(np.int64)
    mean, spread = size * p / nu, size * sd / nu
    variance, marginal = _variance(mean, spread, nu, share)
    own = np.clip(1 - share.sum(axis=1), 0.0, None)
    wanted = points or 1 + int(nu.max() + (mean * nu).sum() + 12 * math.sqrt(variance))
    if wanted > _POINTS_MAX:
        raise DomainError(
            f"field unit: {step:g} needs {wanted:,} lattice points; allowed: {_POINTS_MAX:,}, take a wider unit"
        )
    laws = [_sector(mean * w, spread * w, nu, wanted, method) for w in share.T if (mean * w).sum() > 0]
    if (mean * own).sum() > 0:
        laws.append(_sector(mean * own, np.zeros_like(mean), nu, wanted, method))
    masses = laws[0]
    for other in laws[1:]:
        masses = np.maximum(signal.fftconvolve(masses, other)[:wanted], 0.0)
    expected = float(lent @ p)
    total = math.sqrt(variance)
    return CreditPlusLoss(AggregateLoss(step, masses, expected), expected, total * step, marginal / total * step)


def _check(lent: Floats, p: Floats, sd: Floats, share: Floats) -> None:
    if lent.ndim != 1 or not lent.size or not (np.isfinite(lent).all() and (lent > 0).all()):
        raise DomainError("field exposure: allowed: one loan or more, finite, above 0")
    if p.shape != lent.shape or not ((p > 0) & (p < 1)).all():
        raise DomainError("field pd: allowed: one for each exposure, above 0, below 1")
    if sd.shape != lent.shape or not (np.isfinite(sd).all() and (sd >= 0).all()):
        raise DomainError("field pd_sd: allowed: one for each exposure, finite, 0 or more")
    if share.ndim != 2 or share.shape[0] != lent.size or not (np.isfinite(share).all() and (share >= 0).all()):
        raise DomainError("field sectors: allowed: one row for each exposure, 0 or more")
    if (share.sum(axis=1) > 1 + 1e-9).any():
        raise DomainError(
            f"field sectors: row {int(share.sum(axis=1).argmax())} adds to {share.sum(axis=1).max():.6g}; allowed: up to 1"
        )


def _variance(mean: Floats, spread: Floats, nu: NDArray[np.int64], share: Floats) -> tuple[float, Floats]:
    """Return the variance in units, and the part of each loan in it."""
    marginal = mean * nu.astype(np.float64) ** 2
    for w in share.T:
        count = float((mean * w).sum())
        if count <= 0:
            continue
        relative = float((spread * w).sum()) / count
        loss = mean * w * nu
        marginal = marginal + relative**2 * loss.sum() * loss
    return float(marginal.sum()), marginal


def _sector(mean: Floats, spread: Floats, nu: NDArray[np.int64], points: int, method: str) -> Floats:
    total, moved = float(mean.sum()), float(spread.sum())
    masses = np.bincount(nu, mean / total, minlength=int(nu.max()) + 1).astype(np.float64)
    severity = lattice_severity(masses)
    if moved <= 1e-4 * total:  # beyond any effect, and beyond what the negative binomial can be computed at
        law = poisson_count(total)
    else:
        alpha, beta = (total / moved) ** 2, moved**2 / total
        law = negative_binomial_count(alpha, beta / (1 + beta))
    solve = aggregate_fft if method == "fft" else aggregate_panjer
    return solve(law, severity, points=points).pmf
