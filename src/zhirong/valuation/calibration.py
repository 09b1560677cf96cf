"""Calibration proof: simulated truths, worlds whose values are known, and lives that have since ended.

Three kinds of check, each as it comes out, failures included:

- `check_pieces`: parameters are drawn, data are drawn from them, the fit is asked where it sees the parameters; their
  ranks among its draws must be uniform (Talts et al. 2018).
- `check_values`: patents of a world whose latent values are known are valued from its evidence alone; how often intervals
  hold the latent value, and how sharp they are beside naive answers.
- `check_lives`: survival is fitted at a date on real or synthetic lapses and compared with what happened afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from zhirong.indicators import evidence_at
from zhirong.kernel.errors import ConvergenceError, DomainError
from zhirong.kernel.text import Bilingual
from zhirong.numerics.appraisal import PanelData, PanelPrior, fit_panel
from zhirong.numerics.calibration import (
    CalibrationLine,
    Coverage,
    RankTest,
    ReliabilityBin,
    brier_score,
    calibration_line,
    coverage,
    crps_of_draws,
    interval_score,
    rank_test,
    reliability,
)
from zhirong.numerics.renewal import fit_renewal, share_alive
from zhirong.numerics.survival import KaplanMeier, fit_weibull, kaplan_meier
from zhirong.tables import Engine, Store
from zhirong.valuation.background import Background
from zhirong.valuation.engine import value_patents
from zhirong.valuation.methods import LABELS
from zhirong.valuation.reconcile import PoolFit, pool, weights_for
from zhirong.valuation.types import Purpose, Valuation

__all__ = [
    "LEVELS",
    "LifeCheck",
    "PieceCheck",
    "ValueCheck",
    "check_lives",
    "check_pieces",
    "check_values",
]

Floats = NDArray[np.float64]
LEVELS = (0.5, 0.8, 0.95)
_ENDS = ("lapsed", "expired", "surrendered", "invalidated")
_YEAR_DAYS = 365.25


@dataclass(frozen=True, slots=True)
class PieceCheck:
    """Simulation-based calibration of one fitted quantity.

    Attributes
    ----------
    name : str
        Model and parameter.
    label : Bilingual
        What a reader sees.
    ranks : RankTest
        Of truths among the fit's draws.
    coverage : tuple of Coverage
        At `LEVELS`.
    failed : int
        Simulated data sets that the fit refused.
    """

    name: str
    label: Bilingual
    ranks: RankTest
    coverage: tuple[Coverage, ...]
    failed: int


@dataclass(frozen=True, slots=True)
class ValueCheck:
    """One way of valuing against latent values.

    Attributes
    ----------
    name : str
        ``pooled``, a method, or a naive answer.
    label : Bilingual
        What a reader sees.
    coverage : tuple of Coverage
        At `LEVELS`, central intervals.
    ranks : RankTest
        Of latent values among draws.
    crps : float
        Mean score of the logarithm; less is better.
    interval_score : float
        Mean score of the 80 % interval of the logarithm; less is better.
    log_error : float
        Median of log(median value / latent value): above 0 is too high.
    count : int
        Patents.
    """

    name: str
    label: Bilingual
    coverage: tuple[Coverage, ...]
    ranks: RankTest
    crps: float
    interval_score: float
    log_error: float
    count: int


@dataclass(frozen=True, slots=True)
class LifeCheck:
    """Predicted against realised ends of rights.

    Attributes
    ----------
    cut : date
        Fitted with what was known by then.
    years : float
        Horizon.
    count, ended : int
        Rights in force at the cut, and those that had ended by the horizon.
    brier : Mapping of str to float
        Score of the engine's Weibull, of Kaplan-Meier, and of a constant (last period's share), same rights.
    line : CalibrationLine or None
        Of the Weibull's predictions; None where outcomes do not vary.
    bins : tuple of ReliabilityBin
        Of the same.
    mean_predicted : float
        Mean probability of ending.
    """

    cut: date
    years: float
    count: int
    ended: int
    brier: Mapping[str, float]
    line: CalibrationLine | None
    bins: tuple[ReliabilityBin, ...]
    mean_predicted: float


def check_pieces(
    *, seed: int, replicates: int = 200, progress: Callable[[int, int], None] = lambda done, total: None
) -> tuple[PieceCheck, ...]:
    """Run simulation-based calibration of the fitted models.

    Parameters
    ----------
    seed : int
        Seed.
    replicates : int
        Simulated data sets of each model; the sampler of appraisers gets a third of them.
    progress : callable
        Told models done and models in all.

    Returns
    -------
    tuple of PieceCheck
        Maximum-likelihood fits answer with the normal draws of their estimate and standard errors.
    """
    rng = np.random.default_rng(seed)
    found: list[PieceCheck] = []
    jobs: tuple[tuple[str, Callable[..., dict[str, float]], int], ...] = (
        ("survival", _simulate_life, replicates),
        ("renewal", _simulate_renewal, max(replicates // 3, 20)),
        ("appraisers", _simulate_panel, max(replicates // 3, 20)),
    )
    for done, (model, simulate, count) in enumerate(jobs):
        levels: dict[str, list[float]] = {}
        failed = 0
        for _ in range(count):
            try:
                for name, level in simulate(rng).items():
                    levels.setdefault(name, []).append(level)
            except (DomainError, ConvergenceError):
                failed += 1
        for name, values in levels.items():
            found.append(_piece(f"{model}.{name}", np.array(values), failed))
        progress(done + 1, len(jobs))
    return tuple(found)


_PIECES: Mapping[str, Bilingual] = {
    "survival.shape": Bilingual("寿命模型：形状参数", "Survival: shape"),
    "survival.scale": Bilingual("寿命模型：尺度参数", "Survival: scale"),
    "survival.ten_years": Bilingual("寿命模型：十年存活概率", "Survival: chance of reaching ten years"),
    "renewal.mu": Bilingual("续展模型：初始收益的对数均值", "Renewal: log mean of the first return"),
    "renewal.sigma": Bilingual("续展模型：对数离散", "Renewal: log spread"),
    "renewal.decay": Bilingual("续展模型：收益衰减", "Renewal: decay of returns"),
    "appraisers.bias": Bilingual("评估人偏差", "Appraiser's bias"),
    "appraisers.noise": Bilingual("评估人噪声", "Appraiser's noise"),
    "appraisers.inflation": Bilingual("某类评估人的普遍高估", "Inflation of a kind of appraiser"),
    "appraisers.value": Bilingual("资产的真实价值", "An asset's true value"),
}


def _piece(name: str, levels: Floats, failed: int) -> PieceCheck:
    zeros = np.zeros(levels.size)
    rows = tuple(
        coverage(zeros + (1 - level) / 2, zeros + (1 + level) / 2, levels, level) for level in LEVELS
    )  # fmt: skip
    return PieceCheck(name, _PIECES[name], rank_test(levels, bins=10), rows, failed)


def _simulate_life(rng: np.random.Generator) -> dict[str, float]:
    shape, scale = float(rng.uniform(1.2, 3.5)), float(rng.uniform(8, 16))
    entry = rng.uniform(1.0, 5.0, 300)
    base = (entry / scale) ** shape
    end = scale * (base + rng.exponential(size=300)) ** (1 / shape)
    stop = entry + rng.uniform(2.0, 16.0, 300)
    fit = fit_weibull(np.minimum(end, stop), end <= stop, entry=entry)
    errors = np.sqrt(np.diag(fit.covariance))
    # The chance of reaching ten years, by its cumulative hazard's logarithm: linear enough for the delta method.
    log_hazard = fit.shape * np.log(10.0 / fit.scale)
    slope = np.array([log_hazard, -fit.shape])
    spread = float(np.sqrt(slope @ fit.covariance @ slope))
    return {
        "shape": float(stats.norm.cdf(np.log(shape), np.log(fit.shape), errors[0])),
        "scale": float(stats.norm.cdf(np.log(scale), np.log(fit.scale), errors[1])),
        "ten_years": float(stats.norm.cdf(shape * np.log(10.0 / scale), log_hazard, spread)),
    }


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
    return {
        "bias": float(np.mean(fit.bias[:, 0] < beta[0, 0])),
        "noise": float(np.mean(fit.noise_sd[:, 3] < noise[3])),
        "inflation": float(np.mean(fit.group_bias[:, 1] < means[1, 0])),
        "value": float(np.mean(fit.truth[:, 7] < truth[7])),
    }


def check_values(
    background: Background,
    latent: Mapping[str, float],
    patent_ids: Sequence[str],
    *,
    purpose: Purpose = Purpose.TRADE,
    draws: int = 2_000,
    seed: int = 1,
    progress: Callable[[int, int, int], None] = lambda done, total, records: None,
) -> tuple[ValueCheck, ...]:
    """Value patents of a world and compare with latent values that its evidence does not hold.

    Parameters
    ----------
    background : Background
        Evidence at a date.
    latent : Mapping of str to float
        Latent value in CNY by patent.
    patent_ids : sequence of str
        Patents to value.
    purpose : Purpose
        Scene.
    draws, seed : int
        Of the values.
    progress : callable
        As in `value_patents`.

    Returns
    -------
    tuple of ValueCheck
        The value pooled by declared weights; by weights and width learned from prices, where the background has them; every
        method where it was admissible; and two naive answers for the same patents: the prices of all sales known at the date,
        and their mean and spread as one log-normal.
    """
    declared = replace(background, pool=None)
    batch = value_patents(declared, list(patent_ids), purpose=purpose, draws=draws, seed=seed, progress=progress)
    valued = [v for v in batch.valuations if v.quantiles[0.5] > 0]
    if not valued:
        raise DomainError("none of the patents has a value to check")
    truth = np.array([latent[v.subject_id] for v in valued])
    rows = [_value_check("pooled", _POOLED, np.stack([_drawn(v) for v in valued]), truth)]
    if background.pool is not None:
        learned = np.stack([_learned(v, background.pool, seed) for v in valued])
        rows.append(_value_check("learned", _LEARNED, learned, truth))
    prices = np.array([d.price_cny for d in background.market.book.priced if d.related is None], np.float64)
    for name in dict.fromkeys(m.method for v in valued for m in v.methods):
        pairs = [(m.draws, latent[v.subject_id]) for v in valued for m in v.methods
                 if m.method == name and m.draws is not None and float(np.median(m.draws)) > 0]  # fmt: skip
        if len(pairs) >= 30:
            kept = np.stack([np.maximum(d, 1.0) for d, _ in pairs])
            rows.append(_value_check(name, LABELS[name], kept, np.array([t for _, t in pairs])))
    if prices.size >= 20:
        rng = np.random.default_rng(seed)
        rows.append(_value_check("all_prices", _ALL_PRICES, rng.choice(prices, (len(valued), draws)), truth))
        mean, sd = float(np.log(prices).mean()), float(np.log(prices).std(ddof=1))
        rows.append(_value_check("lognormal", _LOGNORMAL, np.exp(rng.normal(mean, sd, (len(valued), draws))), truth))
    return tuple(rows)


_POOLED = Bilingual("综合价值（声明权重）", "Pooled value, declared weights")
_LEARNED = Bilingual("综合价值（权重与宽度由成交价学得）", "Pooled value, weights and width learned from prices")
_ALL_PRICES = Bilingual("朴素对照：全部成交价", "Naive: all prices")
_LOGNORMAL = Bilingual("朴素对照：成交价的对数正态", "Naive: log-normal of prices")


def _drawn(valuation: Valuation) -> Floats:
    assert valuation.draws is not None
    return np.maximum(valuation.draws, 1.0)


def _value_check(name: str, label: Bilingual, draws: Floats, truth: Floats) -> ValueCheck:
    logs, target = np.log(draws), np.log(truth)
    rows = []
    for level in LEVELS:
        low, high = np.quantile(logs, [(1 - level) / 2, (1 + level) / 2], axis=1)
        rows.append(coverage(low, high, target, level))
    low, high = np.quantile(logs, [0.1, 0.9], axis=1)
    return ValueCheck(
        name, label, tuple(rows), rank_test((logs < target[:, None]).mean(axis=1), bins=10),
        float(crps_of_draws(logs, target).mean()), interval_score(low, high, target, 0.8),
        float(np.median(np.median(logs, axis=1) - target)), int(truth.size),
    )  # fmt: skip


def _learned(valuation: Valuation, learned: PoolFit, seed: int) -> Floats:
    draws = {m.method: m.draws for m in valuation.methods if m.draws is not None}
    weights = weights_for(list(draws), learned.weights, valuation.purpose)
    mixed = pool(draws, weights, seed=seed, subject_id=valuation.subject_id, learned=learned)
    return np.maximum(mixed, 1.0)


def check_lives(
    store: Store,
    engine: Engine,
    *,
    cuts: Sequence[date],
    years: Sequence[float] = (1.0, 3.0),
    last: date | None = None,
    right_type: str = "invention",
) -> tuple[LifeCheck, ...]:
    """Fit survival at each cut and compare with what happened within each horizon.

    Parameters
    ----------
    store, engine
        Evidence.
    cuts : sequence of date
        Dates of fitting.
    years : sequence of float
        Horizons.
    last : date, optional
        Day until which ends are recorded; horizons beyond it are left out. The latest end in the store where not given.
    right_type : str
        Rights to check.

    Returns
    -------
    tuple of LifeCheck
        One for each cut and horizon with at least 100 rights in force and 20 ends known at the cut.
    """
    lives = _lives(evidence_at(store.read_all(engine), date(9999, 1, 1)), engine, right_type)
    until = (last - date(1970, 1, 1)).days if last else float(np.nanmax(lives["end"], initial=-np.inf))
    found = []
    for cut in cuts:
        day = (cut - date(1970, 1, 1)).days
        for horizon in years:
            if day + horizon * _YEAR_DAYS <= until:
                check = _check_life(lives, cut, day, horizon)
                if check is not None:
                    found.append(check)
    return tuple(found)


def _lives(tables: Mapping[str, Any], engine: Engine, right_type: str) -> dict[str, Floats]:
    events = tables["legal_events"]
    ends = (
        events.filter(events.event_kind.isin(_ENDS)).group_by("patent_id").aggregate(end=lambda t: t.event_date.min())
    )
    covered = events.filter(events.event_kind.isin(_ENDS)).select("source_id").distinct()
    patents = tables["patents"]
    patents = patents.filter(
        patents.grant_date.notnull() & patents.filing_date.notnull()
        & (patents.right_type.isnull() | (patents.right_type == right_type))
    ).semi_join(covered, "source_id")  # fmt: skip
    joined = patents.left_join(ends, "patent_id").order_by("patent_id").select("filing_date", "grant_date", "end")
    rows = engine.to_arrow(joined)
    return {
        name: np.asarray(rows[name].cast("int32").to_pandas().to_numpy(np.float64, na_value=np.nan), np.float64)
        for name in ("filing_date", "grant_date", "end")
    }


def _check_life(lives: Mapping[str, Floats], cut: date, day: int, horizon: float) -> LifeCheck | None:
    filing, grant, end = lives["filing_date"], lives["grant_date"], lives["end"]
    granted = (grant <= day) & (grant >= filing)
    ended = granted & (end <= day)
    stop = np.where(ended, end, day)
    usable = granted & (stop > grant)
    alive = granted & ~ended
    if alive.sum() < 100 or (usable & ended).sum() < 20:
        return None
    time, entry = (stop - filing) / _YEAR_DAYS, (grant - filing) / _YEAR_DAYS
    weibull = fit_weibull(time[usable], ended[usable], entry=entry[usable])
    curve = kaplan_meier(time[usable], ended[usable], entry=entry[usable])
    age = (day - filing[alive]) / _YEAR_DAYS
    happened = (end[alive] <= day + horizon * _YEAR_DAYS).astype(np.float64)
    predicted = 1 - weibull.survival(age + horizon) / weibull.survival(age)
    before = day - horizon * _YEAR_DAYS
    exposed = (grant <= before) & ~(end <= before)
    constant = float((end[exposed] <= day).mean()) if exposed.any() else float(predicted.mean())
    brier = {
        "weibull": brier_score(predicted, happened),
        "kaplan_meier": brier_score(1 - _at(curve, age + horizon) / np.maximum(_at(curve, age), 1e-12), happened),
        "constant": brier_score(np.full(age.size, constant), happened),
    }
    try:
        line = calibration_line(predicted, happened)
    except (DomainError, ConvergenceError):
        line = None
    return LifeCheck(
        cut, horizon, int(age.size), int(happened.sum()), brier, line, reliability(predicted, happened),
        float(predicted.mean()),
    )  # fmt: skip


def _at(curve: KaplanMeier, ages: Floats) -> Floats:
    """Return the curve at ages: the step before each; beyond its end the last step."""
    steps = np.concatenate([[1.0], curve.survival])
    return np.asarray(steps[np.searchsorted(curve.times, ages, side="right")], np.float64)
