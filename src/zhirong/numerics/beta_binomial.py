"""Rates of many small groups: a beta-binomial fitted by marginal maximum likelihood, and by a grid over its two parameters.

Group g has w_g successes in n_g trials at a rate that is itself drawn from a beta law of mean m and concentration k. What a thin group
does not know, it takes from the others: its mean is ``(k m + w)/(k + n)``. The grid is the whole posterior, without the empirical
Bayes short cut; it tells how much the short cut leaves out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special, stats

from zhirong.kernel.errors import DomainError

__all__ = [
    "BetaBinomialFit",
    "HyperGrid",
    "beta_levels",
    "fit_beta_binomial",
    "fit_concentration",
    "hyper_grid",
    "log_marginal",
]

Floats = NDArray[np.float64]
CONCENTRATION_MIN, CONCENTRATION_MAX = 0.05, 1e4


@dataclass(frozen=True, slots=True)
class BetaBinomialFit:
    """A beta law of group rates.

    Parameters
    ----------
    mean : float
        Mean rate of the groups, 0-1.
    concentration : float
        Trials that the law is worth: ``a + b`` of the beta.
    log_likelihood : float
        Marginal, without the binomial coefficients.
    mean_se, log_concentration_se : float or None
        Standard errors on the scales of ``mean`` and of ``ln concentration``; None at a bound.
    groups : int
        Groups with a trial.
    trials : float
        Trials in all.
    is_pooled : bool
        The concentration is at its upper bound: the groups differ no more than chance would make them.
    """

    mean: float
    concentration: float
    log_likelihood: float
    mean_se: float | None
    log_concentration_se: float | None
    groups: int
    trials: float
    is_pooled: bool

    def posterior(self, won: ArrayLike, tested: ArrayLike) -> tuple[Floats, Floats]:
        """Return the beta parameters of groups with these counts."""
        w, n = _counts(won, tested)
        k = self.concentration
        return np.asarray(k * self.mean + w, np.float64), np.asarray(k * (1 - self.mean) + n - w, np.float64)


@dataclass(frozen=True, slots=True)
class HyperGrid:
    """Posterior of mean and concentration on a grid of equal steps in the mean and in ``ln concentration``.

    Parameters
    ----------
    means : ndarray, shape (i,)
        Means of the grid.
    concentrations : ndarray, shape (j,)
        Concentrations of the grid.
    weights : ndarray, shape (i, j)
        Probabilities, of sum 1.
    """

    means: Floats
    concentrations: Floats
    weights: Floats

    def cells(self, levels: Floats) -> tuple[Floats, Floats]:
        """Return mean and concentration at probability levels of the flattened grid; the same shape as `levels`."""
        flat = np.cumsum(self.weights.ravel())
        at = np.minimum(np.searchsorted(flat, levels * flat[-1]), flat.size - 1)
        i, j = np.unravel_index(at, self.weights.shape)
        return self.means[i], self.concentrations[j]

    def group_mean(self, won: float, tested: float) -> float:
        """Return the posterior mean of the rate of a group whose counts are among those of the grid."""
        k = self.concentrations[None, :]
        return float(np.sum(self.weights * (k * self.means[:, None] + won) / (k + tested)))

    def group_quantile(self, won: float, tested: float, level: float) -> float:
        """Return a posterior quantile of the rate of such a group, by inverting the mixture of betas."""
        keep = self.weights > 1e-9
        m, k = np.broadcast_arrays(self.means[:, None], self.concentrations[None, :])
        a, b, p = (k * m + won)[keep], (k * (1 - m) + tested - won)[keep], self.weights[keep]
        return float(optimize.brentq(lambda x: float(p @ special.betainc(a, b, x)) / p.sum() - level, 1e-12, 1 - 1e-12))


def _counts(won: ArrayLike, tested: ArrayLike) -> tuple[Floats, Floats]:
    w, n = np.broadcast_arrays(np.asarray(won, np.float64), np.asarray(tested, np.float64))
    if not np.isfinite(w).all() or not np.isfinite(n).all() or (w < 0).any() or (w > n).any():
        raise DomainError("won is 0 to tested, both finite")
    return w, n


def log_marginal(won: ArrayLike, tested: ArrayLike, mean: ArrayLike, concentration: ArrayLike) -> Floats:
    """Return the log probability of each group's order of successes, ``ln B(km+w, k(1-m)+n-w) - ln B(km, k(1-m))``.

    Counts may be fractions, as where a right that is kept in part counts half.
    """
    w, n = _counts(won, tested)
    m, k = np.asarray(mean, np.float64), np.asarray(concentration, np.float64)
    a, b = k * m, k * (1 - m)
    return np.asarray(special.betaln(a + w, b + n - w) - special.betaln(a, b), np.float64)


def fit_concentration(won: ArrayLike, tested: ArrayLike, centres: ArrayLike) -> tuple[float, float]:
    """Return the concentration of groups about given centres by marginal maximum likelihood, and the log likelihood.

    Parameters
    ----------
    won, tested : array_like, shape (g,)
        Counts.
    centres : array_like, shape (g,)
        What each group is drawn towards, such as the posterior mean of the larger group that holds it; in (0, 1).

    Notes
    -----
    The search is bounded to 0.05 - 10,000; at the upper bound the groups are their centres.
    """
    w, n = _counts(won, tested)
    centre = np.asarray(centres, np.float64)
    if (centre <= 0).any() or (centre >= 1).any():
        raise DomainError("centres are between 0 and 1")
    bounds = (np.log(CONCENTRATION_MIN), np.log(CONCENTRATION_MAX))
    # The likelihood can have a second hump near the bounds: a coarse search first, then a fine one about its best.
    coarse = np.linspace(*bounds, 60)
    heights = np.array([log_marginal(w, n, centre, np.exp(x)).sum() for x in coarse])
    best = int(np.argmax(heights))
    low, high = coarse[max(best - 1, 0)], coarse[min(best + 1, 59)]
    found = optimize.minimize_scalar(
        lambda x: -float(log_marginal(w, n, centre, np.exp(x)).sum()), bounds=(low, high), method="bounded",
        options={"xatol": 1e-8},
    )  # fmt: skip
    x = float(found.x)
    if best == 59 and heights[-1] >= -float(found.fun):
        x = bounds[1]
    return float(np.exp(x)), float(log_marginal(w, n, centre, np.exp(x)).sum())


def fit_beta_binomial(won: ArrayLike, tested: ArrayLike) -> BetaBinomialFit:
    """Fit the beta law of group rates by marginal maximum likelihood.

    Parameters
    ----------
    won, tested : array_like, shape (g,)
        Successes and trials of each group; groups without a trial are left out; at least two must be left.

    Returns
    -------
    BetaBinomialFit

    Raises
    ------
    DomainError
        For fewer than two groups with a trial, or impossible counts.

    Notes
    -----
    With all successes or none the mean is held within 1e-4 of the bound. Standard errors come from the observed information in
    (logit mean, ln concentration), by the delta method.
    """
    w, n = _counts(np.atleast_1d(np.asarray(won, np.float64)), tested)
    w, n = w[n > 0], n[n > 0]
    if len(n) < 2:
        raise DomainError(f"a law of group rates needs at least two groups with a trial, not {len(n)}")

    def height(x: float) -> float:
        return fit_concentration(w, n, np.full(len(n), special.expit(x)))[1]

    crude = float(np.clip(w.sum() / n.sum(), 1e-4, 1 - 1e-4))
    start = float(special.logit(crude))
    low, high = float(special.logit(1e-4)), float(special.logit(1 - 1e-4))
    found = optimize.minimize_scalar(
        lambda x: -height(float(x)), bounds=(max(start - 4, low), min(start + 4, high)), method="bounded",
        options={"xatol": 1e-7},
    )  # fmt: skip
    x = float(found.x)
    mean = float(special.expit(x))
    k, best = fit_concentration(w, n, np.full(len(n), mean))
    is_pooled = k >= 0.99 * CONCENTRATION_MAX
    ses = None if is_pooled or k <= 1.01 * CONCENTRATION_MIN else _standard_errors(w, n, x, float(np.log(k)))
    if ses is None:
        # The mean alone, at the concentration of the bound.
        second = _second(lambda y: float(log_marginal(w, n, special.expit(y), k).sum()), x)
        mean_se = mean * (1 - mean) / np.sqrt(-second) if second < 0 else None
        return BetaBinomialFit(
            mean, k, best, None if mean_se is None else float(mean_se), None, len(n), float(n.sum()), is_pooled
        )
    return BetaBinomialFit(mean, k, best, mean * (1 - mean) * ses[0], ses[1], len(n), float(n.sum()), is_pooled)


def _second(f: object, x: float) -> float:
    assert callable(f)
    h = 1e-3
    return float((f(x + h) - 2 * f(x) + f(x - h)) / h**2)


def _standard_errors(w: Floats, n: Floats, x: float, y: float) -> tuple[float, float] | None:
    def f(dx: float, dy: float) -> float:
        return float(log_marginal(w, n, special.expit(x + dx), np.exp(y + dy)).sum())

    h = 1e-3
    xx = (f(h, 0) - 2 * f(0, 0) + f(-h, 0)) / h**2
    yy = (f(0, h) - 2 * f(0, 0) + f(0, -h)) / h**2
    xy = (f(h, h) - f(h, -h) - f(-h, h) + f(-h, -h)) / (4 * h**2)
    information = -np.array([[xx, xy], [xy, yy]])
    if np.linalg.det(information) <= 0 or information[0, 0] <= 0:
        return None
    spread = np.sqrt(np.diag(np.linalg.inv(information)))
    return float(spread[0]), float(spread[1])


def hyper_grid(won: ArrayLike, tested: ArrayLike, *, prior: tuple[float, float] = (1.0, 1.0), means: int = 120,
               concentrations: int = 100, least: float = 0.5) -> HyperGrid:  # fmt: skip
    """Return the posterior of mean and concentration on a grid.

    Parameters
    ----------
    won, tested : array_like, shape (g,)
        Counts; with none at all the posterior is the prior.
    prior : (float, float)
        Beta prior of the mean; flat by default.
    means, concentrations : int
        Size of the grid.
    least : float
        Smallest concentration; below 2 the rates of groups heap up at 0 and 1.

    Notes
    -----
    The concentration has the prior ``(a + b)^(-5/2)`` on (a, b), that is ``k^(-1/2)`` on a grid of ln k: proper enough for any data with
    a group, and flat in ``(a + b)^(-1/2)``, the spread of the rates. Up to 2,000.

    References
    ----------
    Gelman, Carlin, Stern, Dunson, Vehtari, Rubin (2013), *Bayesian Data Analysis*, 3rd ed., section 5.3.
    """
    w, n = _counts(np.atleast_1d(np.asarray(won, np.float64)), tested)
    m = (np.arange(means) + 0.5) / means
    k = np.exp(np.linspace(np.log(least), np.log(2000.0), concentrations))
    logs = stats.beta.logpdf(m, *prior)[:, None] - 0.5 * np.log(k)[None, :]
    for wins, trials in zip(w, n, strict=True):
        logs = logs + log_marginal(wins, trials, m[:, None], k[None, :])
    weights = np.exp(logs - logs.max())
    return HyperGrid(m, k, np.asarray(weights / weights.sum(), np.float64))


def beta_levels(a: ArrayLike, b: ArrayLike, levels: Floats) -> Floats:
    """Return beta quantiles with extreme parameters held in (1e-6, 1e9), so that none is undefined."""
    left, right = (np.clip(np.asarray(v, np.float64), 1e-6, 1e9) for v in (a, b))
    return np.asarray(special.betaincinv(left, right, levels), np.float64)
