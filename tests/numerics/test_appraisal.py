"""Appraisers' bias, drift and noise: published shrinkage, exact posterior, recovery, calibration, limits, bad input."""

from __future__ import annotations

import numpy as np
import pytest

from zhirong.kernel.errors import DomainError
from zhirong.numerics.appraisal import PanelData, PanelPrior, combine, fit_panel, shrink


def test_shrinkage_of_the_dyestuff_batches_as_published() -> None:
    """Bates, D. (2010), lme4: Mixed-effects modeling with R, chapter 1: variance components 1764.1 and 2451.2 (REML), and
    the conditional modes printed for batches A to F. Data: Davies and Goldsmith (1972)."""
    batches = np.array([
        [1545, 1440, 1440, 1520, 1580], [1540, 1555, 1490, 1560, 1495], [1595, 1550, 1605, 1510, 1560],
        [1445, 1440, 1595, 1465, 1545], [1595, 1630, 1515, 1635, 1625], [1520, 1455, 1450, 1480, 1445],
    ], float)  # fmt: skip
    # The components are those of the analysis of variance, which REML equals for balanced data.
    within = batches.var(axis=1, ddof=1).mean()
    between = batches.mean(axis=1).var(ddof=1) - within / 5
    assert within == pytest.approx(2451.2, abs=0.1)
    assert between == pytest.approx(1764.1, abs=0.1)
    mean, _ = shrink(batches.mean(), between**0.5, batches.sum(axis=1), np.full(6, 5), within**0.5)
    printed = [-17.60, 0.39, 28.56, -23.08, 56.73, -45.00]
    assert np.allclose(mean - batches.mean(), printed, atol=0.01)


def _world(
    rng: np.random.Generator, *, assets: int = 400, each: int = 3, evidence: int = 120
) -> tuple[PanelData, np.ndarray, np.ndarray, np.ndarray]:
    group = np.array([0, 0, 0, 1, 1, 1, 2, 2])
    bias = np.array([0.0, 0.4, -0.3])[group] + rng.normal(0, 0.1, 8)
    drift = np.array([0.0, 0.06, 0.0])[group] + rng.normal(0, 0.01, 8)
    noise = np.array([0.2, 0.5, 0.3, 0.8, 0.4, 0.6, 0.25, 0.5])
    truth = rng.normal(14.0, 1.5, assets)
    asset = np.repeat(np.arange(assets), each)
    appraiser = rng.integers(0, 8, asset.size)
    years = rng.uniform(2015, 2024, asset.size)
    y = truth[asset] + bias[appraiser] + drift[appraiser] * (years - years.mean())
    y += noise[appraiser] * rng.standard_normal(asset.size)
    seen = rng.permutation(assets)[:evidence]
    z = truth[seen] + 0.5 * rng.standard_normal(evidence)
    return PanelData(asset, appraiser, y, years, group, seen, z), truth, bias, noise


def test_bias_drift_and_noise_are_recovered() -> None:
    rng = np.random.default_rng(5)
    data, truth, bias, noise = _world(rng)
    fit = fit_panel(data, rng=rng, draws=1_500, burn_in=700)
    assert np.abs(fit.bias.mean(0) - bias).max() < 4 * fit.bias.std(0).max()
    assert np.allclose(fit.noise_sd.mean(0), noise, rtol=0.3)
    low, high = np.quantile(fit.group_bias, [0.025, 0.975], axis=0)
    assert ((low < [0.0, 0.4, -0.3]) & (high > [0.0, 0.4, -0.3])).all()
    assert fit.group_drift.mean(0)[1] == pytest.approx(0.06, abs=0.04)
    low, high = np.quantile(fit.truth, [0.1, 0.9], axis=0)
    assert np.mean((low < truth) & (truth < high)) == pytest.approx(0.8, abs=0.06)
    # The panel is nearer the truth than the mean of what was said.
    said = np.bincount(data.asset, data.log_value) / np.bincount(data.asset)
    assert np.mean((fit.truth.mean(0) - truth) ** 2) < 0.8 * np.mean((said - truth) ** 2)


def test_without_evidence_the_common_level_is_as_wide_as_its_prior() -> None:
    rng = np.random.default_rng(6)
    data, *_ = _world(rng, evidence=0)
    fit = fit_panel(data, rng=rng, draws=1_500, burn_in=500)
    # Three groups with bias sd 1 each: the mean of their biases has sd 1 / sqrt(3).
    assert fit.group_bias.mean(1).std() == pytest.approx(1 / np.sqrt(3), rel=0.1)
    assert fit.evidence_count == 0
    gap = fit.group_bias[:, 1] - fit.group_bias[:, 2]
    assert gap.mean() == pytest.approx(0.7, abs=0.3)
    assert gap.std() < 0.3


def test_known_variances_give_the_exact_gaussian_posterior() -> None:
    """With priors so hard that every variance is known, the posterior is one Gaussian that algebra gives."""
    asset, appraiser = np.array([0, 0, 1, 1, 2]), np.array([0, 1, 0, 1, 1])
    y, years = np.array([1.0, 1.6, 2.0, 2.4, 0.1]), np.full(5, 2020.0)
    data = PanelData(asset, appraiser, y, years, np.array([0, 1]), np.array([0]), np.array([0.9]))
    prior = PanelPrior(bias_sd=0.5, drift_sd=1e-4, between_bias=0.2, between_drift=1e-4, noise=0.3, evidence_noise=0.4,
                       degrees=1e7)  # fmt: skip
    fit = fit_panel(data, rng=np.random.default_rng(1), prior=prior, draws=20_000, burn_in=500)
    # Unknowns: 3 truths, 2 biases, mu (flat); tau = 1 by its hard prior; b_j ~ N(0, .5^2 + .2^2).
    rows, right = [], []

    def add(row: list[float], value: float, sd: float) -> None:
        rows.append(np.array(row) / sd)
        right.append(value / sd)

    for i, j, value in zip(asset, appraiser, y, strict=True):
        row = [0.0] * 6
        row[i] = row[3 + j] = 1.0
        add(row, value, 0.3)
    add([1, 0, 0, 0, 0, 0], 0.9, 0.4)
    for i in range(3):
        row = [0.0] * 6
        row[i], row[5] = 1.0, -1.0
        add(row, 0.0, 1.0)
    for j in range(2):
        row = [0.0] * 6
        row[3 + j] = 1.0
        add(row, 0.0, np.hypot(0.5, 0.2))
    matrix = np.array(rows)
    covariance = np.linalg.inv(matrix.T @ matrix)
    exact = covariance @ matrix.T @ np.array(right)
    error = 4 * np.sqrt(np.diag(covariance)) / np.sqrt(1_500)
    assert (np.abs(fit.truth.mean(0) - exact[:3]) < error[:3]).all()
    assert (np.abs(fit.bias.mean(0) - exact[3:5]) < error[3:5]).all()
    assert np.allclose(fit.truth.std(0), np.sqrt(np.diag(covariance))[:3], rtol=0.05)


def test_a_new_asset_is_combined_with_calibrated_intervals() -> None:
    rng = np.random.default_rng(8)
    data, _, bias, noise = _world(rng, assets=600, evidence=300)
    fit = fit_panel(data, rng=rng, draws=800, burn_in=500)
    inside = []
    for _ in range(200):
        truth = rng.normal(14.0, 1.5)
        who = rng.permutation(8)[:2]
        y = truth + bias[who] + noise[who] * rng.standard_normal(2)
        at = np.full(2, fit.origin_years)
        draws, weight = combine(fit, who, data.group[who], y, at, rng=rng)
        assert weight.sum() == pytest.approx(1.0)
        low, high = np.quantile(draws, [0.1, 0.9])
        inside.append(low < truth < high)
    assert np.mean(inside) == pytest.approx(0.8, abs=0.09)


def test_the_more_reliable_weighs_more_and_the_unknown_less() -> None:
    rng = np.random.default_rng(9)
    data, *_ = _world(rng)
    fit = fit_panel(data, rng=rng, draws=600, burn_in=400)
    at = np.full(2, fit.origin_years)
    _, weight = combine(fit, np.array([0, 3]), np.array([0, 1]), np.array([14.0, 14.0]), at, rng=rng)
    assert weight[0] > 3 * weight[1]
    known, _ = combine(fit, np.array([6]), np.array([2]), np.array([14.0]), at[:1], rng=rng)
    new, _ = combine(fit, np.array([-1]), np.array([2]), np.array([14.0]), at[:1], rng=rng)
    assert new.std() > known.std()


def test_the_same_seed_gives_the_same_draws() -> None:
    data, *_ = _world(np.random.default_rng(1), assets=30, evidence=5)
    one, two = (fit_panel(data, rng=np.random.default_rng(3), draws=20, burn_in=5) for _ in range(2))
    assert np.array_equal(one.truth, two.truth)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"log_value": np.array([1.0, np.nan])}, "finite"),
        ({"appraiser": np.array([0, 9])}, "outside 0..1"),
        ({"asset": np.array([-1, 0])}, "below 0"),
        ({"asset": np.array([0]), "appraiser": np.array([0]), "log_value": np.array([1.0]), "years": np.array([1.0])}, "two"),
    ],
)  # fmt: skip
def test_impossible_panels_are_refused(change: dict, message: str) -> None:
    good = {
        "asset": np.array([0, 1]), "appraiser": np.array([0, 1]), "log_value": np.array([1.0, 2.0]),
        "years": np.array([1.0, 2.0]), "group": np.array([0, 0]), "evidence_asset": np.zeros(0, int), "evidence_log": np.zeros(0),
    }  # fmt: skip
    with pytest.raises(DomainError, match=message):
        fit_panel(PanelData(**(good | change)), rng=np.random.default_rng(0), draws=2, burn_in=1)
