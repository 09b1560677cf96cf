"""Several appraisers, one truth: bias, drift and noise of each, learned from where opinions and later evidence meet.

A hierarchical measurement-error model on logarithms. Opinion k of appraiser j on asset i, t years from the mean date:

    y_k = theta_i + b_j + d_j t_k + e_k,  e_k ~ N(0, sigma_j^2)

Later evidence (a price paid) measures the same truth without bias: z = theta_i + u, u ~ N(0, s^2). Appraisers of one group
(public, private, foreign, model) share means of b and d, and their noise is drawn towards a common one; assets are
theta_i ~ N(mu, tau^2). All parameters are sampled by Gibbs steps from their conditionals, with one joint step that moves
the level of all truths against the level of all biases, which single steps mix slowly.

References
----------
Gelman, A., Carlin, J., Stern, H., Dunson, D., Vehtari, A., Rubin, D. (2013), *Bayesian Data Analysis*, 3rd ed., chapters 5
and 15. Liu, J., Wu, Y. (1999), Parameter Expansion for Data Augmentation, *JASA* 94, 1264-1274 (the joint step).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhirong.kernel.errors import DomainError

__all__ = ["PanelData", "PanelFit", "PanelPrior", "combine", "fit_panel", "shrink"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PanelPrior:
    """Weak priors on the scale of logarithms.

    Attributes
    ----------
    bias_sd, drift_sd : float
        Standard deviation of a group's mean bias, and of its mean drift a year, about 0. Where nothing but opinions is known
        the common level of all biases rests on the first alone, so that it shows in every interval.
    between_bias, between_drift : float
        Typical spread of appraisers about their group.
    noise : float
        Typical noise of an opinion.
    evidence_noise : float
        Typical distance of a price from the truth.
    degrees : float
        Degrees of freedom of the inverse-gamma priors of variances: how hard an appraiser with few opinions is drawn towards
        the common noise.
    """

    bias_sd: float = 1.0
    drift_sd: float = 0.1
    between_bias: float = 0.2
    between_drift: float = 0.05
    noise: float = 0.5
    evidence_noise: float = 0.7
    degrees: float = 6.0


@dataclass(frozen=True, slots=True)
class PanelData:
    """Opinions and later evidence.

    Attributes
    ----------
    asset, appraiser : int, shape (k,)
        Asset 0..n-1 and appraiser 0..J-1 of each opinion.
    log_value : float, shape (k,)
        Logarithm of the value stated.
    years : float, shape (k,)
        Date of each opinion in years, from any origin.
    group : int, shape (J,)
        Group of each appraiser, 0..G-1.
    evidence_asset : int, shape (m,)
        Asset of each piece of later evidence.
    evidence_log : float, shape (m,)
        Its logarithm.
    """

    asset: Ints
    appraiser: Ints
    log_value: Floats
    years: Floats
    group: Ints
    evidence_asset: Ints
    evidence_log: Floats


@dataclass(frozen=True, slots=True)
class PanelFit:
    """Draws of the posterior; S draws.

    Attributes
    ----------
    truth : shape (S, n)
        Logarithm of each asset's value.
    bias, drift, noise_sd : shape (S, J)
        Of each appraiser; drift a year.
    group_bias, group_drift : shape (S, G)
        Means of the groups: the inflation of a kind of appraiser, and how it moves a year.
    level, spread : shape (S,)
        mu and tau of the assets.
    evidence_sd : shape (S,)
        Noise of later evidence.
    common_noise, between_bias, between_drift : shape (S,)
        Scale towards which noise is drawn; spread of appraisers about their group.
    origin_years : float
        Date at which `bias` holds.
    evidence_count : int
        Pieces of later evidence. With 0 the level of all biases is known from the prior alone.
    """

    truth: Floats
    bias: Floats
    drift: Floats
    noise_sd: Floats
    group_bias: Floats
    group_drift: Floats
    level: Floats
    spread: Floats
    evidence_sd: Floats
    common_noise: Floats
    between_bias: Floats
    between_drift: Floats
    origin_years: float
    evidence_count: int


def shrink(mean: float, spread: float, sums: Floats, counts: Ints | Floats, noise_sd: float) -> tuple[Floats, Floats]:
    """Return the mean and standard deviation of each truth when every parameter is known: the best linear predictor.

    Parameters
    ----------
    mean, spread : float
        mu and tau.
    sums, counts : shape (n,)
        Sum and number of the unbiased measurements of each asset.
    noise_sd : float
        sigma of a measurement.

    Returns
    -------
    tuple of ndarray
        Posterior mean (mu / tau^2 + sum / sigma^2) / (1 / tau^2 + count / sigma^2), and its standard deviation.
    """
    precision = 1 / spread**2 + counts / noise_sd**2
    return (mean / spread**2 + sums / noise_sd**2) / precision, precision**-0.5


def fit_panel(
    data: PanelData,
    *,
    rng: np.random.Generator,
    prior: PanelPrior | None = None,
    draws: int = 2_000,
    burn_in: int = 1_000,
    keep_truth: bool = True,
) -> PanelFit:
    """Sample the posterior.

    Parameters
    ----------
    data : PanelData
        At least two opinions.
    rng : numpy.random.Generator
        Source of randomness.
    prior : PanelPrior, optional
        Priors.
    draws, burn_in : int
        Draws kept, and steps thrown away first.
    keep_truth : bool
        Keep the draws of every asset, which are draws x assets numbers; else `PanelFit.truth` has no columns.

    Returns
    -------
    PanelFit

    Raises
    ------
    DomainError
        For fewer than two opinions, indices out of range, or values that are not finite.
    """
    _require(data)
    state = _Sampler(data, prior or PanelPrior(), rng)
    kept: list[dict[str, Any]] = []
    for step in range(burn_in + draws):
        state.step()
        if step >= burn_in:
            kept.append(state.snapshot() if keep_truth else state.snapshot() | {"truth": np.zeros(0)})
    columns = {name: np.array([one[name] for one in kept]) for name in kept[0]}
    return PanelFit(**columns, origin_years=state.origin, evidence_count=data.evidence_asset.size)


def combine(
    fit: PanelFit, appraiser: Ints, group: Ints, log_value: Floats, years: Floats, *, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Combine opinions on one asset that was not in the fit, or is to be judged by its opinions alone.

    Parameters
    ----------
    fit : PanelFit
        Posterior.
    appraiser : int, shape (q,)
        Appraisers as in the fit; -1 for one who is new: bias, drift and noise are then drawn from the group.
    group : int, shape (q,)
        Their groups.
    log_value, years : shape (q,)
        Opinions and their dates.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    draws : float, shape (S,)
        Logarithm of the asset's value.
    weight : float, shape (q + 1,)
        Mean share of each opinion in the precision, and last that of the population of assets.
    """
    if log_value.size == 0 or not np.isfinite(log_value).all():
        raise DomainError("combine needs at least one opinion, and finite ones")
    count, q = fit.level.size, log_value.size
    bias, drift, noise = (np.empty((count, q)) for _ in range(3))
    for k in range(q):
        if appraiser[k] >= 0:
            bias[:, k], drift[:, k], noise[:, k] = (a[:, appraiser[k]] for a in (fit.bias, fit.drift, fit.noise_sd))
        else:
            bias[:, k] = fit.group_bias[:, group[k]] + fit.between_bias * rng.standard_normal(count)
            drift[:, k] = fit.group_drift[:, group[k]] + fit.between_drift * rng.standard_normal(count)
            noise[:, k] = fit.common_noise * np.exp(0.35 * rng.standard_normal(count))
    clean = log_value - bias - drift * (years - fit.origin_years)
    precision = np.column_stack([noise**-2, fit.spread**-2])
    total = precision.sum(axis=1)
    mean = ((clean * precision[:, :q]).sum(axis=1) + fit.level * precision[:, q]) / total
    return mean + rng.standard_normal(count) / np.sqrt(total), (precision / total[:, None]).mean(axis=0)


def _require(data: PanelData) -> None:
    n_opinions = data.log_value.size
    if n_opinions < 2:
        raise DomainError(f"a panel needs at least two opinions, not {n_opinions}")
    if not (
        np.isfinite(data.log_value).all() and np.isfinite(data.evidence_log).all() and np.isfinite(data.years).all()
    ):
        raise DomainError("opinions, dates and evidence must be finite; take logarithms of positive values only")
    if data.appraiser.min() < 0 or data.appraiser.max() >= data.group.size:
        raise DomainError(f"an opinion names an appraiser outside 0..{data.group.size - 1}")
    if data.asset.min() < 0 or (data.evidence_asset.size and data.evidence_asset.min() < 0):
        raise DomainError("an opinion or a piece of evidence names an asset below 0")


class _Sampler:
    """State of the Gibbs sampler."""

    def __init__(self, data: PanelData, prior: PanelPrior, rng: np.random.Generator) -> None:
        self.data, self.prior, self.rng = data, prior, rng
        self.assets = int(max(data.asset.max(), data.evidence_asset.max(initial=-1))) + 1
        self.appraisers, self.groups = data.group.size, int(data.group.max()) + 1
        self.origin = float(data.years.mean())
        self.t = data.years - self.origin
        self.theta = np.full(self.assets, float(data.log_value.mean()))
        self.beta = np.zeros((self.appraisers, 2))
        self.group_mean = np.zeros((self.groups, 2))
        self.between = np.array([prior.between_bias, prior.between_drift]) ** 2
        self.noise = np.full(self.appraisers, prior.noise**2)
        self.scale = prior.noise**2
        self.mu, self.tau = float(data.log_value.mean()), 1.0
        self.evidence = prior.evidence_noise**2

    def snapshot(self) -> dict[str, Any]:
        return {
            "truth": self.theta.copy(), "bias": self.beta[:, 0].copy(), "drift": self.beta[:, 1].copy(),
            "noise_sd": np.sqrt(self.noise), "group_bias": self.group_mean[:, 0].copy(),
            "group_drift": self.group_mean[:, 1].copy(), "level": self.mu, "spread": self.tau**0.5,
            "evidence_sd": self.evidence**0.5, "common_noise": self.scale**0.5, "between_bias": self.between[0] ** 0.5,
            "between_drift": self.between[1] ** 0.5,
        }  # fmt: skip

    def step(self) -> None:
        self._truths()
        self._appraisers()
        self._groups()
        self._variances()
        self._level()

    def _inverse_gamma(self, squares: Any, count: Any, scale: Any) -> Floats:
        """Draw variances with a scaled inverse chi-square prior of `degrees` and `scale`."""
        shape = np.asarray((self.prior.degrees + count) / 2, np.float64)
        rate = np.asarray((self.prior.degrees * scale + squares) / 2, np.float64)
        return np.asarray(rate / self.rng.standard_gamma(shape), np.float64)

    def _truths(self) -> None:
        d = self.data
        own = self.noise[d.appraiser]
        clean = d.log_value - self.beta[d.appraiser, 0] - self.beta[d.appraiser, 1] * self.t
        precision = np.bincount(d.asset, 1 / own, self.assets) + 1 / self.tau
        sums = np.bincount(d.asset, clean / own, self.assets) + self.mu / self.tau
        if d.evidence_asset.size:
            precision += np.bincount(d.evidence_asset, minlength=self.assets) / self.evidence
            sums += np.bincount(d.evidence_asset, d.evidence_log, self.assets) / self.evidence
        self.theta = sums / precision + self.rng.standard_normal(self.assets) / np.sqrt(precision)

    def _appraisers(self) -> None:
        """Bias and drift of each appraiser: a regression of two columns with the group's mean as prior."""
        d, n = self.data, self.appraisers
        rest = d.log_value - self.theta[d.asset]
        own = self.noise
        a = np.bincount(d.appraiser, minlength=n) / own + 1 / self.between[0]
        b = np.bincount(d.appraiser, self.t, n) / own
        c = np.bincount(d.appraiser, self.t**2, n) / own + 1 / self.between[1]
        mean = self.group_mean[d.group]
        u = np.bincount(d.appraiser, rest, n) / own + mean[:, 0] / self.between[0]
        v = np.bincount(d.appraiser, rest * self.t, n) / own + mean[:, 1] / self.between[1]
        determinant = a * c - b**2
        centre = np.stack([(c * u - b * v) / determinant, (a * v - b * u) / determinant], axis=1)
        # Draw from the inverse of [[a, b], [b, c]] by its Cholesky factor.
        x, y = self.rng.standard_normal((2, n))
        second = y * np.sqrt(a / determinant)
        first = (x - b * second / np.sqrt(a)) / np.sqrt(a)
        self.beta = centre + np.stack([first, second], axis=1)

    def _groups(self) -> None:
        prior = np.array([self.prior.bias_sd, self.prior.drift_sd]) ** 2
        count = np.bincount(self.data.group, minlength=self.groups)[:, None]
        sums = np.stack([np.bincount(self.data.group, self.beta[:, k], self.groups) for k in (0, 1)], axis=1)
        precision = count / self.between + 1 / prior
        self.group_mean = sums / self.between / precision + self.rng.standard_normal((self.groups, 2)) / np.sqrt(
            precision
        )

    def _variances(self) -> None:
        d, p = self.data, self.prior
        left = d.log_value - self.theta[d.asset] - self.beta[d.appraiser, 0] - self.beta[d.appraiser, 1] * self.t
        squares = np.bincount(d.appraiser, left**2, self.appraisers)
        self.noise = self._inverse_gamma(squares, np.bincount(d.appraiser, minlength=self.appraisers), self.scale)
        # The common scale has a gamma prior of shape 2 about the typical noise, which is conjugate.
        rate = p.degrees / 2 * (1 / self.noise).sum() + 2 / p.noise**2
        self.scale = float(self.rng.standard_gamma(p.degrees / 2 * self.appraisers + 2) / rate)
        apart = ((self.beta - self.group_mean[d.group]) ** 2).sum(axis=0)
        self.between = self._inverse_gamma(apart, self.appraisers, np.array([p.between_bias, p.between_drift]) ** 2)
        self.tau = float(self._inverse_gamma(float(((self.theta - self.mu) ** 2).sum()), self.assets, 1.0))
        self.mu = float(self.theta.mean() + self.rng.standard_normal() * np.sqrt(self.tau / self.assets))
        if d.evidence_asset.size:
            off = float(((d.evidence_log - self.theta[d.evidence_asset]) ** 2).sum())
            self.evidence = float(self._inverse_gamma(off, d.evidence_asset.size, p.evidence_noise**2))

    def _level(self) -> None:
        """Move all truths up and all biases down by one amount, drawn from its own conditional."""
        d, p = self.data, self.prior
        precision = self.groups / p.bias_sd**2 + d.evidence_asset.size / self.evidence
        pull = self.group_mean[:, 0].sum() / p.bias_sd**2
        pull += (d.evidence_log - self.theta[d.evidence_asset]).sum() / self.evidence
        shift = float(pull / precision + self.rng.standard_normal() / np.sqrt(precision))
        self.theta += shift
        self.mu += shift
        self.beta[:, 0] -= shift
        self.group_mean[:, 0] -= shift
