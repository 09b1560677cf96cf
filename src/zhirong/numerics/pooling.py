"""Weights and recalibration of pooled predictive distributions, learned from what later came out.

A linear pool mixes the densities of several methods. Its weights are learned by the logarithmic score (stacking), drawn to declared
weights while outcomes are few; what is then left of miscalibration is taken out by a beta transform of its levels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize, special, stats

from zhirong.kernel.errors import DomainError

__all__ = [
    "BetaTransform",
    "StackFit",
    "beta_transformed",
    "fit_beta_transform",
    "log_density",
    "log_pool",
    "stack_weights",
]

Floats = NDArray[np.float64]
_FLOOR = 1e-4
"""Least density, per log point: no method is ruled out by one outcome it thought impossible."""
_STEPS, _CONVERGED = 5_000, 1e-12


@dataclass(frozen=True, slots=True)
class StackFit:
    """Weights of a linear pool.

    Attributes
    ----------
    weights, errors : ndarray, shape (methods,)
        Weights adding to 1; posterior standard deviations from the Dirichlet of effective counts.
    log_score, declared_score : float
        Mean logarithmic score of the outcomes under the weights learned, and under the declared ones.
    observations : int
        Outcomes.
    """

    weights: Floats
    errors: Floats
    log_score: float
    declared_score: float
    observations: int


@dataclass(frozen=True, slots=True)
class BetaTransform:
    """Beta distribution of the levels at which outcomes fell: (1, 1) where the pool keeps its word."""

    a: float
    b: float
    observations: int


def log_density(draws: Floats, at: float) -> float:
    """Return the log density of a sample of logs at a point, by a Gaussian kernel with Silverman's bandwidth.

    Parameters
    ----------
    draws : ndarray, shape (m,)
        Logs.
    at : float
        Log of the outcome.

    Returns
    -------
    float
        Never below the log of 1e-4 per log point.
    """
    width = _bandwidth(draws)
    density = float(stats.norm.pdf((at - draws) / width).mean()) / width
    return math.log(max(density, _FLOOR))


def stack_weights(log_densities: Floats, declared: Floats, *, strength: float) -> StackFit:
    """Learn the weights of a linear pool by the logarithmic score.

    Parameters
    ----------
    log_densities : ndarray, shape (n, methods)
        Log density of each outcome under each method; NaN where a method was not admissible.
    declared : ndarray, shape (methods,)
        Declared weights, not negative; normed here. A method with weight 0 stays at 0.
    strength : float
        Outcomes that the declared weights count for, positive.

    Returns
    -------
    StackFit

    Raises
    ------
    DomainError
        For no weight at all, a strength that is not positive, or an outcome without any method that has weight.

    Notes
    -----
    Maximises ``sum_i log(sum_m w_m f_im / sum_m w_m [m known]) + k sum_m w0_m log w_m`` by minorise-maximise steps that never lower it
    (the second sum's concave majorant is its tangent): ``w_m ~ (r_m + k w0_m) / (k + d_m)`` with responsibilities r and
    ``d_m = sum_i [m known] / sum_m w_m [m known]``, normed. With all methods known it is the EM of mixture weights with a Dirichlet prior.

    References
    ----------
    Yao, Y. et al. (2018), Using Stacking to Average Bayesian Predictive Distributions, *Bayesian Analysis* 13, 917-1007.
    Hall, S. G. and Mitchell, J. (2007), Combining density forecasts, *International Journal of Forecasting* 23, 1-13.
    """
    total = float(declared.sum())
    if total <= 0 or (declared < 0).any() or not strength > 0:
        raise DomainError("declared weights are not negative with a positive sum, and their strength is positive")
    prior = declared / total
    known = np.isfinite(log_densities) & (prior > 0)
    if not known.any(axis=1).all():
        raise DomainError(f"outcome {int(np.argmin(known.any(axis=1)))} has no method with a weight")
    top = np.where(known, log_densities, -np.inf).max(axis=1, initial=-np.inf, keepdims=True)
    f = np.where(known, np.exp(np.where(known, log_densities, 0.0) - top), 0.0)

    def score(w: Floats) -> float:
        return float(np.mean(np.log((f @ w) / (known @ w)) + top[:, 0])) if len(f) else 0.0

    w = prior.copy()
    for _ in range(_STEPS):
        taken = (f * w / (f @ w)[:, None]).sum(axis=0) if len(f) else np.zeros(len(w))
        exposed = (known / (known @ w)[:, None]).sum(axis=0) if len(f) else np.zeros(len(w))
        new = np.where(prior > 0, (taken + strength * prior) / (exposed + strength), 0.0)
        new /= new.sum()
        moved = float(np.abs(new - w).max())
        w = new
        if moved < _CONVERGED:
            break
    count = (f * w / (f @ w)[:, None]).sum(axis=0) + strength * prior if len(f) else strength * prior
    whole = count.sum()
    errors = np.sqrt(np.maximum(w * (1 - w), 0.0) / (whole + 1))
    return StackFit(w, np.asarray(errors, np.float64), score(w), score(prior), len(f))


def fit_beta_transform(levels: Floats, *, strength: float) -> BetaTransform:
    """Fit the levels at which outcomes fell in their predictive distributions by a beta distribution.

    Parameters
    ----------
    levels : ndarray, shape (n,)
        Probability integral transforms, 0 to 1.
    strength : float
        Outcomes' worth of the prior that the levels are uniform, positive.

    Returns
    -------
    BetaTransform
        Maximum of the likelihood times that of `strength` further outcomes at evenly spread levels.

    References
    ----------
    Ranjan, R. and Gneiting, T. (2010), Combining probability forecasts, *JRSS B* 72, 71-91. Gneiting, T. and Ranjan, R. (2013),
    Combining predictive distributions, *Electronic Journal of Statistics* 7, 1747-1782.
    """
    if ((levels < 0) | (levels > 1)).any() or not strength > 0:
        raise DomainError("levels lie between 0 and 1, and the strength of the prior is positive")
    inside = np.clip(levels, 5e-4, 1 - 5e-4)
    # E log U = -1 for a uniform level: the prior enters through the sufficient statistics.
    left, right = float(np.log(inside).sum()) - strength, float(np.log1p(-inside).sum()) - strength
    whole = levels.size + strength

    def loss(x: Floats) -> float:
        a, b = np.exp(x)
        return float(whole * special.betaln(a, b) - (a - 1) * left - (b - 1) * right)

    found = optimize.minimize(
        loss, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-12, "maxiter": 4_000}
    )
    a, b = np.exp(found.x)
    return BetaTransform(float(a), float(b), int(levels.size))


def beta_transformed(draws: Floats, transform: BetaTransform) -> Floats:
    """Return draws of the beta-transformed distribution, each at the place of the draw it replaces.

    Parameters
    ----------
    draws : ndarray, shape (m,)
        Draws of the pool.
    transform : BetaTransform
        `fit_beta_transform` of outcomes of the same pool.

    Returns
    -------
    ndarray, shape (m,)
        The draw of rank level u becomes the quantile at ``B^-1(u; a, b)`` of the draws: order is kept, and so is dependence on whatever
        the draws were paired with.
    """
    order = np.argsort(draws, kind="stable")
    ordered = draws[order]
    levels = (np.arange(draws.size) + 0.5) / draws.size
    wanted = special.betaincinv(transform.a, transform.b, levels)
    found = np.empty_like(draws)
    found[order] = np.interp(wanted, levels, ordered)
    return found


_GRID = 2_048


def log_pool(draws: Mapping[str, Floats], weights: Mapping[str, float], levels: Sequence[float]) -> dict[float, float]:
    """Return quantiles of the logarithmic pool, whose density is the weighted geometric mean of densities.

    Parameters
    ----------
    draws : Mapping of str to ndarray, shape (m,)
        Positive amounts by method; those below 1 count as 1.
    weights : Mapping of str to float
        Weights; normed over the methods of `draws`.
    levels : sequence of float
        Levels asked for.

    Returns
    -------
    dict of float to float
        Amounts. A linear pool keeps what every method holds possible; this keeps what all of them do, and is narrower where they agree.

    Raises
    ------
    DomainError
        For no draws, or weights that add to nothing.

    Notes
    -----
    ``f(x) ~ prod f_m(x)^w_m`` over log amounts (Genest and Zidek 1986, Statistical Science 1, 114-135), densities by a Gaussian
    kernel of Silverman's bandwidth on a grid, none below 1e-4 a log point so that no method rules a value out alone.
    """
    total = sum(weights.get(name, 0.0) for name in draws)
    if not draws or total <= 0:
        raise DomainError("a logarithmic pool needs draws and positive weights")
    logs = {name: np.log(np.maximum(x, 1.0)) for name, x in draws.items()}
    widths = {name: _bandwidth(x) for name, x in logs.items()}
    margin = 4 * max(widths.values())
    edges = np.linspace(
        min(float(x.min()) for x in logs.values()) - margin,
        max(float(x.max()) for x in logs.values()) + margin,
        _GRID + 1,
    )
    step = float(edges[1] - edges[0])
    score = np.zeros(_GRID)
    for name, x in logs.items():
        counts = np.histogram(x, edges)[0] / (x.size * step)
        density = ndimage.gaussian_filter1d(counts, widths[name] / step, mode="constant")
        score += weights.get(name, 0.0) / total * np.log(np.maximum(density, _FLOOR))
    mass = np.exp(score - score.max())
    below = np.concatenate([[0.0], np.cumsum(mass)]) / mass.sum()
    return {level: float(np.exp(np.interp(level, below, edges))) for level in levels}


def _bandwidth(logs: Floats) -> float:
    spread = min(float(logs.std()), float(np.subtract(*np.quantile(logs, [0.75, 0.25]))) / 1.349) or float(logs.std())
    return float(max(0.9 * spread * logs.size**-0.2, 1e-3))
