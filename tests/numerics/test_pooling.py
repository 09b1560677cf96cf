"""Pool weights by the log score and recalibration by a beta transform: brute force, recovery, limits, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import optimize, special, stats

from zhirong.kernel.errors import DomainError
from zhirong.numerics.pooling import (
    BetaTransform,
    beta_transformed,
    fit_beta_transform,
    log_density,
    log_pool,
    stack_weights,
)


def simulated(n: int, *, seed: int, missing: float = 0.0):
    """Outcomes of a mixture 0.7 N(0,1) + 0.3 N(3,1), and the log densities of three methods, the last useless."""
    rng = np.random.default_rng(seed)
    y = np.where(rng.random(n) < 0.7, rng.normal(0, 1, n), rng.normal(3, 1, n))
    f = np.column_stack([stats.norm.logpdf(y, m) for m in (0.0, 3.0, -6.0)])
    hidden = rng.random(f.shape) < missing
    hidden[hidden.all(axis=1)] = False
    return y, np.where(hidden, np.nan, f)


def objective(w, f, prior, strength):
    known = np.isfinite(f)
    mixed = np.nansum(np.exp(f) * w, axis=1) / (known @ w)
    return np.log(mixed).sum() + strength * (prior * np.log(w)).sum()


@pytest.mark.parametrize("missing", [0.0, 0.4])
@pytest.mark.parametrize("strength", [0.5, 20.0])
def test_the_weights_are_the_maximum_that_a_search_finds(missing: float, strength: float) -> None:
    _, f = simulated(80, seed=1, missing=missing)
    prior = np.array([0.2, 0.3, 0.5])
    found = stack_weights(f, prior, strength=strength)

    def loss(x):
        return -objective(special.softmax(np.r_[x, 0.0]), f, prior, strength)

    best = optimize.minimize(
        loss, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 5000}
    )
    assert_allclose(found.weights, special.softmax(np.r_[best.x, 0.0]), atol=2e-5)
    assert objective(found.weights, f, prior, strength) >= -best.fun - 1e-9


def test_planted_weights_are_found_again() -> None:
    _, f = simulated(4_000, seed=2)
    found = stack_weights(f, np.ones(3) / 3, strength=1.0)
    assert_allclose(found.weights, [0.7, 0.3, 0.0], atol=0.03)
    assert found.log_score > found.declared_score
    assert (found.errors[:2] > 0).all()


def test_few_outcomes_leave_the_declared_weights() -> None:
    prior = np.array([0.1, 0.2, 0.7])
    _, f = simulated(6, seed=3)
    assert_allclose(stack_weights(f, prior, strength=1e9).weights, prior, atol=1e-6)
    assert_allclose(stack_weights(f[:0], prior, strength=5.0).weights, prior, atol=1e-12)
    far, near = (np.abs(stack_weights(f, prior, strength=s).weights - prior).sum() for s in (2.0, 50.0))
    assert near < far


def test_one_method_alone_and_a_weight_of_zero() -> None:
    _, f = simulated(30, seed=4)
    assert_allclose(stack_weights(f[:, :1], np.array([2.0]), strength=1.0).weights, [1.0])
    found = stack_weights(f, np.array([0.5, 0.0, 0.5]), strength=1.0)
    assert found.weights[1] == 0.0


@pytest.mark.parametrize(
    ("declared", "strength"), [([0.0, 0.0, 0.0], 1.0), ([0.5, -0.1, 0.6], 1.0), ([0.3, 0.3, 0.4], 0.0)]
)
def test_impossible_weights_are_refused(declared, strength) -> None:
    with pytest.raises(DomainError, match="declared weights"):
        stack_weights(simulated(5, seed=1)[1], np.array(declared), strength=strength)
    with pytest.raises(DomainError, match="outcome 2 has no method"):
        stack_weights(np.where(np.arange(5)[:, None] == 2, np.nan, 0.0) + np.zeros((5, 3)), np.ones(3), strength=1.0)


def test_density_of_a_sample_is_near_that_of_its_law_and_never_nothing() -> None:
    logs = np.random.default_rng(1).normal(2.0, 0.7, 20_000)
    for at in (1.0, 2.0, 3.5):
        assert log_density(logs, at) == pytest.approx(stats.norm.logpdf(at, 2.0, 0.7), abs=0.06)
    assert log_density(logs, 40.0) == pytest.approx(np.log(1e-4))
    assert np.isfinite(log_density(np.full(100, 3.0), 3.0))


@pytest.mark.parametrize(("a", "b"), [(0.5, 0.5), (1.0, 1.0), (2.0, 0.7)])
def test_the_shape_of_levels_is_found_again(a: float, b: float) -> None:
    levels = np.random.default_rng(5).beta(a, b, 20_000)
    found = fit_beta_transform(levels, strength=1.0)
    assert_allclose([found.a, found.b], [a, b], rtol=0.05)
    mle = stats.beta.fit(np.clip(levels, 5e-4, 1 - 5e-4), floc=0, fscale=1)
    assert_allclose([found.a, found.b], mle[:2], rtol=2e-3)


def test_no_outcomes_change_nothing() -> None:
    none = fit_beta_transform(np.zeros(0), strength=10.0)
    assert_allclose([none.a, none.b], [1.0, 1.0], atol=1e-6)
    draws = np.random.default_rng(1).lognormal(size=1_000)
    assert_allclose(beta_transformed(draws, BetaTransform(1.0, 1.0, 0)), draws)


def test_transformed_intervals_keep_their_word() -> None:
    """A pool that is too narrow and too low: half the spread, half a unit off. After the transform its levels are uniform."""
    rng = np.random.default_rng(6)
    truth = rng.normal(0.5, 1.0, 3_000)
    levels = stats.norm.cdf(truth / 0.7)
    fit = fit_beta_transform(levels[:1_500], strength=5.0)
    draws = rng.normal(0, 0.7, 200_000)
    moved = beta_transformed(draws, fit)
    for level in (0.5, 0.8, 0.95):
        low, high = np.quantile(moved, [(1 - level) / 2, (1 + level) / 2])
        raw_low, raw_high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
        raw = np.mean((truth[1_500:] > raw_low) & (truth[1_500:] < raw_high))
        assert np.mean((truth[1_500:] > low) & (truth[1_500:] < high)) == pytest.approx(level, abs=0.035)
        assert raw < level - 0.04


@given(st.floats(0.3, 3.0), st.floats(0.3, 3.0), st.integers(10, 200))
@settings(max_examples=40, deadline=None)
def test_order_and_range_are_kept(a: float, b: float, n: int) -> None:
    draws = np.random.default_rng(n).lognormal(size=n)
    moved = beta_transformed(draws, BetaTransform(a, b, 9))
    assert (np.argsort(moved, kind="stable") == np.argsort(draws, kind="stable")).all() or np.unique(moved).size < n
    assert moved.min() >= draws.min()
    assert moved.max() <= draws.max()


def test_levels_out_of_range_are_refused() -> None:
    with pytest.raises(DomainError, match="between 0 and 1"):
        fit_beta_transform(np.array([0.5, 1.2]), strength=1.0)


def test_the_logarithmic_pool_of_normals_is_the_normal_of_added_precisions() -> None:
    """The weighted geometric mean of normal densities is normal: precisions add with their weights (Genest and Zidek 1986)."""
    rng = np.random.default_rng(4)
    draws = {"a": np.exp(10 + 0.5 * rng.standard_normal(40_000)), "b": np.exp(11 + 1.0 * rng.standard_normal(40_000))}
    weights = {"a": 0.6, "b": 0.2, "absent": 9.0}
    precision = 0.75 / 0.25 + 0.25 / 1.0
    mean = (0.75 * 10 / 0.25 + 0.25 * 11 / 1.0) / precision
    found = log_pool(draws, weights, [0.1, 0.5, 0.9])
    for level, amount in found.items():
        assert np.log(amount) == pytest.approx(mean + stats.norm.ppf(level) / np.sqrt(precision), abs=0.02)


def test_methods_that_agree_are_narrower_in_the_logarithmic_pool_than_in_the_linear_one() -> None:
    rng = np.random.default_rng(5)
    draws = {name: np.exp(10 + rng.standard_normal(20_000)) for name in "ab"}
    found = log_pool(draws, {"a": 1.0, "b": 1.0}, [0.1, 0.9])
    assert np.log(found[0.9] / found[0.1]) == pytest.approx(2 * 1.2816, abs=0.08)  # alike: the pool is each of them
    far = {"a": draws["a"], "b": draws["b"] * 20}
    apart = log_pool(far, {"a": 1.0, "b": 1.0}, [0.1, 0.9])
    linear = np.quantile(np.concatenate(list(far.values())), [0.1, 0.9])
    assert apart[0.9] / apart[0.1] < linear[1] / linear[0]
    with pytest.raises(DomainError, match="positive weights"):
        log_pool(draws, {"c": 1.0}, [0.5])
