"""Shrunk rates: a published posterior, brute force, recovery from simulation, limits, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from zhirong.kernel.errors import DomainError
from zhirong.numerics.beta_binomial import (
    beta_levels,
    fit_beta_binomial,
    fit_concentration,
    hyper_grid,
    log_marginal,
)

# Gelman et al. (2013), Bayesian Data Analysis, 3rd ed., table 5.1: tumours in 71 groups of rats (Tarone 1982).
RATS = (
    "0/20 0/20 0/20 0/20 0/20 0/20 0/20 0/19 0/19 0/19 0/19 0/18 0/18 0/17 1/20 1/20 1/20 1/20 1/19 1/19 1/18 1/18 2/25 2/24 "
    "2/23 2/20 2/20 2/20 2/20 2/20 2/20 1/10 5/49 2/19 5/46 3/27 2/17 7/49 7/47 3/20 3/20 2/13 9/48 10/50 4/20 4/20 4/20 4/20 "
    "4/20 4/20 4/20 10/48 4/19 4/19 4/19 5/22 11/46 12/49 5/20 5/20 6/23 5/19 6/22 6/20 6/20 6/20 16/52 15/47 15/46 9/24 4/14"
)
WON, TESTED = np.array([[float(x) for x in pair.split("/")] for pair in RATS.split()]).T


@pytest.mark.golden
def test_the_rats_of_the_textbook() -> None:
    # BDA3, section 5.3: "E(alpha|y) = 2.4 and E(beta|y) = 14.3" from the grid with the prior (alpha+beta)^(-5/2).
    assert len(WON) == 71
    grid = hyper_grid(WON, TESTED, means=400, concentrations=300)
    a = np.sum(grid.weights * grid.means[:, None] * grid.concentrations)
    b = np.sum(grid.weights * (1 - grid.means[:, None]) * grid.concentrations)
    assert a == pytest.approx(2.4, abs=0.05)
    assert b == pytest.approx(14.3, abs=0.1)
    fit = fit_beta_binomial(WON, TESTED)
    assert fit.mean == pytest.approx(a / (a + b), abs=0.005)
    assert 8 < fit.concentration < 25
    assert not fit.is_pooled
    # The last group, 4 of 14: empirical Bayes against the whole posterior.
    left, right = fit.posterior(4, 14)
    assert float(left / (left + right)) == pytest.approx(grid.group_mean(4, 14), abs=0.006)
    for level in (0.05, 0.5, 0.95):
        assert stats.beta.ppf(level, left, right).item() == pytest.approx(grid.group_quantile(4, 14, level), abs=0.02)


def test_the_marginal_is_the_integral_it_claims_to_be() -> None:
    a, b = 2.2, 5.1
    brute, _ = integrate.quad(lambda p: p**3.5 * (1 - p) ** 4.5 * stats.beta.pdf(p, a, b), 0, 1)
    assert float(log_marginal(3.5, 8.0, a / (a + b), a + b)) == pytest.approx(np.log(brute), rel=1e-9)


def test_the_fit_is_the_top_of_a_brute_force_grid() -> None:
    won, tested = np.array([3.0, 9, 1, 14, 6, 0]), np.array([10.0, 12, 8, 20, 30, 4])
    fit = fit_beta_binomial(won, tested)
    m, k = np.linspace(0.02, 0.98, 193), np.exp(np.linspace(np.log(0.1), np.log(500), 400))
    heights = sum(log_marginal(w, n, m[:, None], k[None, :]) for w, n in zip(won, tested, strict=True))
    assert fit.log_likelihood >= heights.max() - 1e-9
    i, j = np.unravel_index(heights.argmax(), heights.shape)
    assert fit.mean == pytest.approx(m[i], abs=0.005)
    assert fit.concentration == pytest.approx(k[j], rel=0.03)


def test_parameters_are_recovered_and_standard_errors_are_honest() -> None:
    rng = np.random.default_rng(4)
    found = []
    for _ in range(40):
        rates = rng.beta(0.6 * 12, 0.4 * 12, 150)
        tested = rng.integers(1, 40, 150)
        fit = fit_beta_binomial(rng.binomial(tested, rates), tested)
        assert fit.mean_se is not None and fit.log_concentration_se is not None
        found.append(((fit.mean - 0.6) / fit.mean_se, (np.log(fit.concentration / 12)) / fit.log_concentration_se))
    z = np.array(found)
    assert np.abs(z.mean(axis=0)).max() < 0.5
    assert ((z.std(axis=0) > 0.7) & (z.std(axis=0) < 1.35)).all()


def test_intervals_of_groups_cover_their_true_rates() -> None:
    rng = np.random.default_rng(9)
    rates = rng.beta(4.0, 4.0, 600)
    tested = rng.integers(1, 15, 600)
    won = rng.binomial(tested, rates)
    a, b = fit_beta_binomial(won, tested).posterior(won, tested)
    low, high = stats.beta.ppf(0.05, a, b), stats.beta.ppf(0.95, a, b)
    covered = np.mean((low <= rates) & (rates <= high))
    assert covered == pytest.approx(0.9, abs=0.035)
    # Shrunk means are nearer the truth than the raw shares.
    assert np.mean((a / (a + b) - rates) ** 2) < 0.6 * np.mean((won / tested - rates) ** 2)


def test_groups_that_do_not_differ_are_pooled_and_thin_ones_follow() -> None:
    fit = fit_beta_binomial(np.full(6, 30.0), np.full(6, 60.0))
    assert fit.is_pooled
    assert fit.mean == pytest.approx(0.5, abs=1e-4)
    assert fit.log_concentration_se is None
    a, b = fit.posterior(1, 1)
    assert float(a / (a + b)) == pytest.approx(0.5, abs=1e-3)
    apart = fit_beta_binomial([0, 100, 0, 100], [100, 100, 100, 100])
    a, b = apart.posterior(100, 100)
    assert float(a / (a + b)) > 0.98


def test_one_winner_takes_the_likelihood_to_the_edge_without_breaking() -> None:
    assert fit_beta_binomial([5, 7], [5, 7]).mean > 0.99
    assert fit_beta_binomial([0, 0], [5, 7]).mean < 0.01
    assert np.isfinite(beta_levels([0.0, 1e12], [1e12, 0.0], np.array([0.5, 0.5]))).all()


def test_no_data_leave_the_prior() -> None:
    grid = hyper_grid(np.zeros(0), np.zeros(0), prior=(5.0, 4.0))
    assert float(grid.weights.sum(axis=1) @ grid.means) == pytest.approx(5 / 9, abs=1e-3)
    m, k = grid.cells((np.arange(20_000) + 0.5) / 20_000)
    assert m.mean() == pytest.approx(5 / 9, abs=0.01)
    assert k.min() >= 0.5


def test_centres_are_given_their_own_concentration() -> None:
    rng = np.random.default_rng(2)
    centres = rng.uniform(0.2, 0.8, 400)
    tested = np.full(400, 25)
    won = rng.binomial(tested, rng.beta(centres * 9, (1 - centres) * 9))
    k, height = fit_concentration(won, tested, centres)
    assert k == pytest.approx(9, rel=0.25)
    assert height == pytest.approx(float(log_marginal(won, tested, centres, k).sum()))


@pytest.mark.parametrize(("won", "tested"), [([3], [5]), ([3, 6], [5, 5]), ([-1, 2], [5, 5]), ([np.nan, 2], [5, 5])])
def test_impossible_counts_are_refused(won: list[float], tested: list[float]) -> None:
    with pytest.raises(DomainError):
        fit_beta_binomial(won, tested)
    with pytest.raises(DomainError, match="centres"):
        fit_concentration([1], [2], [1.0])
