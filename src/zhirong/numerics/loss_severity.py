"""Loss severity by maximum likelihood under a deductible (truncation) and a limit (censoring), with standard errors.

Source: Klugman, Panjer and Willmot, Loss Models (maximum likelihood of modified data); McNeil (1997), ASTIN
Bulletin 27(1):117-137 (generalised Pareto excesses of Danish fire losses).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from zhirong.kernel.errors import ConvergenceError, DomainError

__all__ = ["SeverityFit", "fit_severity", "hill", "mean_excess"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Family = Literal["lognormal", "gamma", "burr", "generalised_pareto"]
NAMES: dict[str, tuple[str, ...]] = {
    "lognormal": ("mu", "sigma"),
    "gamma": ("shape", "scale"),
    "burr": ("tail", "power", "scale"),
    "generalised_pareto": ("shape", "scale"),
}


@dataclass(frozen=True, slots=True)
class SeverityFit:
    """Fitted law: parameters in the order of `names`, covariance (from the observed information), log-likelihood."""

    family: Family
    names: tuple[str, ...]
    parameters: Floats
    covariance: Floats
    log_likelihood: float
    count: int

    @property
    def standard_errors(self) -> Floats:
        """Standard error of each parameter."""
        return np.asarray(np.sqrt(np.diag(self.covariance)), np.float64)

    @property
    def aic(self) -> float:
        """Akaike's criterion, smaller is better."""
        return 2 * len(self.names) - 2 * self.log_likelihood


def _law(family: Family, p: Floats):  # type: ignore[no-untyped-def]
    if family == "lognormal":
        return stats.lognorm(p[1], scale=np.exp(p[0]))
    if family == "gamma":
        return stats.gamma(p[0], scale=p[1])
    if family == "burr":
        return stats.burr12(p[1], p[0], scale=p[2])
    return stats.genpareto(p[0], scale=p[1])


def fit_severity(
    family: Family, loss: Floats, *, deductible: Floats | float = 0.0, censored: Bools | None = None
) -> SeverityFit:
    """Fit a severity to losses seen only above a deductible, some known only to reach their limit.

    Parameters
    ----------
    family : {'lognormal', 'gamma', 'burr', 'generalised_pareto'}
        Burr: ``P(X > x) = (1 + (x/scale)^power)^-tail``. Generalised Pareto: ``(1 + shape x/scale)^(-1/shape)``;
        pass excesses over the threshold.
    loss : ndarray, shape (n,)
        Ground-up losses in one unit, above their deductible; the limit where censored.
    deductible : float or ndarray, shape (n,)
        Losses up to here were not reported (truncation).
    censored : ndarray of bool, shape (n,), optional
        The loss is at least the amount given.

    Raises
    ------
    DomainError
        For losses not above the deductible or not finite, shapes that differ, or fewer than ten uncensored losses.
    ConvergenceError
        When the likelihood has no interior maximum.
    """
    x, low, cut = _checked(family, loss, deductible, censored)

    def minus(p: Floats) -> float:
        if (p[1:] <= 0).any() or (family in ("gamma", "burr") and p[0] <= 0):
            return np.inf
        law = _law(family, p)
        with np.errstate(all="ignore"):
            value = law.logpdf(x[~cut]).sum() + law.logsf(x[cut]).sum() - law.logsf(low).sum()
        return -float(value) if np.isfinite(value) else np.inf

    logs = np.log(x)
    start = {
        "lognormal": [logs.mean(), logs.std()],
        "gamma": [1.0, x.mean()],
        "burr": [2.0, 1.5, float(np.median(x))],
        "generalised_pareto": [0.2, 0.8 * x.mean()],
    }[family]
    found = optimize.minimize(
        minus, start, method="Nelder-Mead", options={"maxiter": 6000, "xatol": 1e-9, "fatol": 1e-9}
    )
    if not found.success or not np.isfinite(found.fun):
        raise ConvergenceError(f"{family}: no maximum of the likelihood found")
    best = np.asarray(found.x, np.float64)
    return SeverityFit(family, NAMES[family], best, _covariance(family, minus, best), -float(found.fun), len(x))


def mean_excess(loss: Floats, thresholds: Floats) -> Floats:
    """Return the mean of ``loss - u`` over losses above each threshold u; nan where none is above."""
    x = np.asarray(loss, np.float64)
    return np.array([(x[x > u] - u).mean() if (x > u).any() else np.nan for u in np.asarray(thresholds)])


def hill(loss: Floats, tops: int) -> tuple[float, float]:
    """Return Hill's estimate of the tail shape (1/alpha) from the `tops` largest losses, and its standard error."""
    x = np.sort(np.asarray(loss, np.float64))[::-1]
    if not 2 <= tops < len(x) or x[min(tops, len(x) - 1)] <= 0:
        raise DomainError(f"tops: {tops} given, 2 to {len(x) - 1} with positive losses allowed")
    shape = float(np.log(x[:tops] / x[tops]).mean())
    return shape, shape / float(np.sqrt(tops))


def _checked(
    family: str, loss: Floats, deductible: Floats | float, censored: Bools | None
) -> tuple[Floats, Floats, Bools]:
    if family not in NAMES:
        raise DomainError(f"family: {family!r} given, one of {', '.join(NAMES)} allowed")
    x = np.asarray(loss, np.float64)
    cut = np.zeros(x.shape, np.bool_) if censored is None else np.asarray(censored, np.bool_)
    if x.ndim != 1 or cut.shape != x.shape:
        raise DomainError("censored: one flag for each loss allowed")
    if (~cut).sum() < 10:
        raise DomainError("loss: at least ten uncensored losses allowed")
    low = np.asarray(np.broadcast_to(np.asarray(deductible, np.float64), x.shape))
    if not np.isfinite(low).all() or (low < 0).any():
        raise DomainError("deductible: finite, not below 0, one for all or for each loss allowed")
    if not np.isfinite(x).all() or (x <= low).any():
        raise DomainError("loss: finite and above the deductible allowed")
    return x, low, cut


def _covariance(family: str, minus, best: Floats) -> Floats:  # type: ignore[no-untyped-def]
    size, step = len(best), 1e-4 * np.maximum(np.abs(best), 1e-2)
    second = np.empty((size, size))
    for i in range(size):
        for j in range(size):
            a, b = np.eye(size)[i] * step, np.eye(size)[j] * step
            corner = minus(best + a + b) - minus(best + a - b) - minus(best - a + b) + minus(best - a - b)
            second[i, j] = corner / (4 * step[i] * step[j])
    if not np.isfinite(second).all() or (np.linalg.eigvalsh(second) <= 0).any():
        raise ConvergenceError(f"{family}: the likelihood is flat or at an edge, no standard errors")
    return np.asarray(np.linalg.inv(second), np.float64)
