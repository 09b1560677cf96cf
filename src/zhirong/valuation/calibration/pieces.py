"""Simulation-based calibration of the fitted models: a truth is drawn, data are drawn from it, the fit is asked where it sees it.

Maximum-likelihood fits have no posterior; they answer with the normal distribution of their estimate and standard errors, on the
scale on which the likelihood is closest to a parabola. Ranks of truths in it are uniform as far as that distribution is right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from zhirong.kernel.errors import ConvergenceError, DomainError
from zhirong.kernel.text import Bilingual
from zhirong.numerics.appraisal import PanelData, PanelPrior, fit_panel
from zhirong.numerics.calibration import coverage, fractional_ranks, rank_test
from zhirong.numerics.lifetimes import shrink_weibulls
from zhirong.numerics.nested_rates import fit_nested_rates
from zhirong.numerics.renewal import fit_renewal, share_alive
from zhirong.numerics.selection import heckman_likelihood
from zhirong.numerics.streams import stream_key
from zhirong.numerics.survival import WeibullFit, fit_weibull
from zhirong.valuation.calibration.types import LEVELS, PieceCheck

__all__ = ["check_pieces", "piece_check"]

Floats = NDArray[np.float64]
Simulation = Callable[[np.random.Generator], Mapping[str, float]]
_HORIZON = 10.0

_LABELS: Mapping[str, Bilingual] = {
    "survival.shape": Bilingual("寿命模型：形状参数", "Survival: shape"),
    "survival.scale": Bilingual("寿命模型：尺度参数", "Survival: scale"),
    "survival.ten_years": Bilingual("寿命模型：十年存活概率", "Survival: chance of reaching ten years"),
    "field_survival.ten_years": Bilingual("分领域寿命（收缩）：十年存活概率", "Survival of a field, shrunk: chance of ten years"),
    "renewal.mu": Bilingual("续展模型：初始收益的对数均值", "Renewal: log mean of the first return"),
    "renewal.sigma": Bilingual("续展模型：对数离散", "Renewal: log spread"),
    "renewal.decay": Bilingual("续展模型：收益衰减", "Renewal: decay of returns"),
    "courts.court": Bilingual("法院胜率（分层）", "Rate of a court, nested"),
    "courts.field": Bilingual("法院内某领域胜率（分层）", "Rate of a field within a court, nested"),
    "selection.slope": Bilingual("成交选择模型：价格系数", "Selection of sales: coefficient of price"),
    "selection.rho": Bilingual("成交选择模型：选择相关系数", "Selection of sales: correlation"),
    "appraisers.bias": Bilingual("评估人偏差", "Appraiser's bias"),
    "appraisers.noise": Bilingual("评估人噪声", "Appraiser's noise"),
    "appraisers.inflation": Bilingual("某类评估人的普遍高估", "Inflation of a kind of appraiser"),
    "appraisers.value": Bilingual("资产的真实价值", "An asset's true value"),
    "royalty.value": Bilingual("许可费节省的抽样", "Relief from royalty as a sampler"),
}  # fmt: skip


def check_pieces(
    *, seed: int, replicates: int = 300, progress: Callable[[int, int, int], None] = lambda done, total, records: None
) -> tuple[PieceCheck, ...]:
    """Run simulation-based calibration of the fitted models.

    Parameters
    ----------
    seed : int
        Each model has a stream of its own: what is checked beside it changes nothing.
    replicates : int
        Simulated data sets; quick models get four times as many, slow ones half.
    progress : callable
        Told models done, models in all, and data sets so far.

    Returns
    -------
    tuple of PieceCheck
        One for each parameter.

    References
    ----------
    Talts, S. et al. (2018), Validating Bayesian Inference Algorithms with Simulation-Based Calibration, arXiv:1804.06788.
    """
    jobs: tuple[tuple[str, Simulation, int], ...] = (
        ("survival", _simulate_life, 4 * replicates),
        ("field_survival", _simulate_fields, max(replicates // 2, 10)),
        ("renewal", _simulate_renewal, replicates),
        ("courts", _simulate_courts, replicates),
        ("selection", _simulate_selection, replicates),
        ("appraisers", _simulate_panel, max(replicates // 2, 10)),
    )
    found: list[PieceCheck] = []
    sets = 0
    for done, (model, simulate, count) in enumerate(jobs, 1):
        rng = np.random.default_rng(stream_key(seed, f"calibration/{model}"))
        levels: dict[str, list[float]] = {}
        failed = 0
        for _ in range(count):
            try:
                with np.errstate(over="ignore"):  # a search may try parameters whose hazard overflows, and turns back
                    answer = simulate(rng)
                for name, level in answer.items():
                    levels.setdefault(name, []).append(level)
            except (DomainError, ConvergenceError):
                failed += 1
        found += [piece_check(f"{model}.{name}", np.array(values), failed) for name, values in levels.items()]
        sets += count
        progress(done, len(jobs), sets)
    return tuple(found)


def piece_check(name: str, levels: Floats, failed: int = 0) -> PieceCheck:
    """Return what levels of truths, 0 to 1, say of a model."""
    zeros = np.zeros(levels.size)
    rows = tuple(coverage(zeros + (1 - level) / 2, zeros + (1 + level) / 2, levels, level) for level in LEVELS)
    return PieceCheck(name, _LABELS[name], rank_test(levels, bins=10), rows, failed)


def _lives(
    rng: np.random.Generator, shape: float, scale: float, count: int
) -> tuple[Floats, NDArray[np.bool_], Floats]:
    """Draw lives that come under observation at grant and are censored: time, ended, entry."""
    entry = rng.uniform(1.0, 5.0, count)
    end = scale * ((entry / scale) ** shape + rng.exponential(size=count)) ** (1 / shape)
    stop = entry + rng.uniform(2.0, 16.0, count)
    return np.minimum(end, stop), end <= stop, entry


def _reaching(fit: WeibullFit, shape: float, scale: float) -> float:
    """Return the level of a true chance to reach ten years, by the logarithm of its cumulative hazard: nearly linear."""
    middle = fit.shape * np.log(_HORIZON / fit.scale)
    slope = np.array([middle, -fit.shape])
    return float(stats.norm.cdf(shape * np.log(_HORIZON / scale), middle, np.sqrt(slope @ fit.covariance @ slope)))


def _simulate_life(rng: np.random.Generator) -> dict[str, float]:
    shape, scale = float(rng.uniform(1.2, 3.5)), float(rng.uniform(8, 16))
    time, ended, entry = _lives(rng, shape, scale, 300)
    fit = fit_weibull(time, ended, entry=entry)
    errors = np.sqrt(np.diag(fit.covariance))
    return {
        "shape": float(stats.norm.cdf(np.log(shape), np.log(fit.shape), errors[0])),
        "scale": float(stats.norm.cdf(np.log(scale), np.log(fit.scale), errors[1])),
        "ten_years": _reaching(fit, shape, scale),
    }


def _simulate_fields(rng: np.random.Generator) -> dict[str, float]:
    """Draw fifteen fields about a common life, fit each, draw them together, and ask one field."""
    centre = np.log([rng.uniform(1.5, 3.0), rng.uniform(9, 14)])
    spread = rng.uniform([0.05, 0.05], [0.3, 0.3])
    truth = centre + spread * rng.standard_normal((15, 2))
    data = [_lives(rng, float(shape), float(scale), 80) for shape, scale in np.exp(truth)]
    fits = {str(field): fit_weibull(time, ended, entry=entry) for field, (time, ended, entry) in enumerate(data)}
    time, ended, entry = (np.concatenate(column) for column in zip(*data, strict=True))
    whole = fit_weibull(time, ended, entry=entry)
    shape, scale = np.exp(truth[0])
    return {"ten_years": _reaching(shrink_weibulls(whole, fits)["0"], float(shape), float(scale))}


_FEES = np.repeat([900.0, 1200.0, 2000.0, 4000.0, 6000.0, 8000.0], [3, 3, 3, 3, 3, 5])


def _simulate_renewal(rng: np.random.Generator) -> dict[str, float]:
    truth = {
        "mu": float(rng.uniform(8.5, 10.5)),
        "sigma": float(rng.uniform(1.0, 2.0)),
        "decay": float(rng.uniform(0.05, 0.2)),
    }
    ages = np.arange(1, len(_FEES) + 1, dtype=np.float64)
    alive = share_alive(truth["mu"], truth["sigma"], truth["decay"], ages, _FEES)
    uniform = rng.random(2_000)
    kept = (uniform[:, None] < alive[None, :]).sum(axis=1)
    seen = rng.integers(4, len(_FEES) + 1, 2_000)
    fit = fit_renewal(np.minimum(kept, seen), kept < seen, _FEES)
    estimates = (fit.mu, fit.sigma, fit.decay)
    return {
        name: float(stats.norm.cdf(value, estimate, error))
        for (name, value), estimate, error in zip(truth.items(), estimates, fit.standard_errors, strict=True)
    }


def _simulate_courts(rng: np.random.Generator) -> dict[str, float]:
    """Draw courts, and fields within courts that differ too, from the prior of the model."""
    k = np.exp(np.linspace(np.log(2.0), np.log(2000.0), 400))
    weight = k**-0.5 / (k**-0.5).sum()
    mean, (outer, inner) = float(rng.beta(2, 2)), rng.choice(k, 2, p=weight)
    court = rng.beta(outer * mean, outer * (1 - mean), 12)
    court = np.clip(court, 1e-4, 1 - 1e-4)
    rate = np.clip(rng.beta(inner * court[:, None], inner * (1 - court[:, None]), (12, 5)), 1e-6, 1 - 1e-6)
    tested = rng.poisson(4.0, rate.shape)
    won = rng.binomial(tested, rate)
    keys = [(c, f) for c in range(12) for f in range(5)]
    fit = fit_nested_rates(
        ("court", "field"), keys, won.ravel().astype(float), tested.ravel().astype(float), prior=(2, 2)
    )
    levels = rng.random((400, 6))
    return {
        "court": float(fractional_ranks(fit.draws((0, None), levels)[None, :], [court[0]])[0]),
        "field": float(fractional_ranks(fit.draws((0, 0), levels)[None, :], [rate[0, 0]])[0]),
    }


def _simulate_selection(rng: np.random.Generator) -> dict[str, float]:
    """Draw asked lots of which some are sold, the sale tied to what is not seen of the price."""
    count, slope, rho = 800, float(rng.uniform(0.2, 1.0)), float(rng.uniform(-0.7, 0.7))
    x, other = rng.standard_normal((2, count))
    u = rng.standard_normal(count)
    sold = 0.2 + 0.4 * x + 0.8 * other + u > 0
    error = float(rng.uniform(0.5, 1.5)) * (rho * u + np.sqrt(1 - rho**2) * rng.standard_normal(count))
    ones = np.ones(count)
    fit = heckman_likelihood(
        1.0 + slope * x + error, np.column_stack([ones, x]), np.column_stack([ones, x, other]), sold
    )
    assert fit.rho_error is not None, "maximum likelihood gives it"
    return {
        "slope": float(stats.norm.cdf(slope, fit.beta[1], fit.standard_errors[1])),
        "rho": float(stats.norm.cdf(np.arctanh(rho), np.arctanh(fit.rho), fit.rho_error / (1 - fit.rho**2))),
    }


def _simulate_panel(rng: np.random.Generator) -> dict[str, float]:
    """Draw everything from the prior of the sampler, so that its draws must rank the truth uniformly."""
    prior = PanelPrior()

    def variance(scale: float, size: int | None = None) -> Any:
        return prior.degrees * scale / rng.chisquare(prior.degrees, size)

    assets, group = 60, np.array([0, 0, 0, 1, 1, 1])
    truth = 14.0 + np.sqrt(variance(1.0)) * rng.standard_normal(assets)
    common = float(rng.gamma(2.0, prior.noise**2 / 2))
    noise = np.sqrt(variance(common, group.size))
    means = rng.standard_normal((2, 2)) * [prior.bias_sd, prior.drift_sd]
    spread = np.sqrt([variance(prior.between_bias**2), variance(prior.between_drift**2)])
    beta = means[group] + spread * rng.standard_normal((group.size, 2))
    asset = np.repeat(np.arange(assets), 2)
    who = rng.integers(0, group.size, asset.size)
    years = rng.uniform(2015.0, 2024.0, asset.size)
    value = truth[asset] + beta[who, 0] + beta[who, 1] * (years - years.mean())
    value = value + noise[who] * rng.standard_normal(asset.size)
    seen = rng.permutation(assets)[:25]
    paid = truth[seen] + np.sqrt(variance(prior.evidence_noise**2)) * rng.standard_normal(seen.size)
    data = PanelData(asset, who, value, years, group, seen, paid)
    fit = fit_panel(data, rng=rng, prior=prior, draws=400, burn_in=200)

    def rank(draws: Floats, true: float) -> float:
        return float(fractional_ranks(draws[None, :], [true])[0])

    return {
        "bias": rank(fit.bias[:, 0], float(beta[0, 0])),
        "noise": rank(fit.noise_sd[:, 3], float(noise[3])),
        "inflation": rank(fit.group_bias[:, 1], float(means[1, 0])),
        "value": rank(fit.truth[:, 7], float(truth[7])),
    }
