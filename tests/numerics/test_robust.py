"""Robust location and quantile regression against closed forms, general optimisers and planted outliers."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import optimize

from zhirong.kernel.errors import DomainError
from zhirong.numerics.robust import effective_number, huber_location, mad_scale, quantile_regression, weighted_quantile


def test_equal_weights_give_hazens_quantiles() -> None:
    x = np.array([3.0, 1.0, 7.0, 5.0])
    levels = np.array([0.25, 0.5, 0.75])
    assert_allclose(weighted_quantile(x, np.ones(4), levels), np.quantile(x, levels, method="hazen"))


def test_a_weight_of_two_counts_near_twice_and_a_weight_of_none_not_at_all() -> None:
    x = np.array([1.0, 2.0, 3.0])
    assert weighted_quantile(x, np.array([1.0, 1.0, 8.0]), 0.5) > 2.5
    assert weighted_quantile(x, np.array([1.0, 0.0, 1.0]), 0.5) == pytest.approx(2.0)


def test_effective_number_of_equal_and_of_one_sided_weights() -> None:
    assert effective_number(np.full(7, 0.3)) == pytest.approx(7)
    assert effective_number(np.array([1.0, 0.0, 0.0])) == pytest.approx(1)
    assert effective_number(np.zeros(3)) == 0.0


def test_huber_minimises_hubers_loss() -> None:
    rng = np.random.default_rng(1)
    x, w = rng.standard_t(2, 60), rng.random(60)

    def loss(at: float) -> float:
        r = np.abs(x - at)
        return float(np.sum(w * np.where(r <= 1.345, r**2 / 2, 1.345 * (r - 1.345 / 2))))

    best = optimize.minimize_scalar(loss, bounds=(-2, 2), method="bounded", options={"xatol": 1e-10}).x
    assert huber_location(x, w, scale=1.0)[0] == pytest.approx(best, abs=1e-6)


def test_huber_is_the_mean_without_outliers_and_bounded_with_one() -> None:
    x, w = np.array([-1.0, 0.0, 1.0, 0.5]), np.ones(4)
    assert huber_location(x, w, scale=100.0)[0] == pytest.approx(x.mean())
    far = [huber_location(np.append(x, out), np.ones(5))[0] for out in (50.0, 5e6)]
    assert far[0] == pytest.approx(far[1], abs=1e-6)
    factors = huber_location(np.append(x, 1e6), np.ones(5))[1]
    assert factors[-1] < 1e-5
    assert huber_location(np.array([2.0, 2.0, 2.0, 9.0]), np.ones(4))[0] == 2.0


def test_mad_of_normal_draws_is_their_standard_deviation() -> None:
    x = np.random.default_rng(3).normal(5, 2, 20_000)
    assert mad_scale(x, np.ones(len(x))) == pytest.approx(2, rel=0.03)


def test_quantile_regression_on_a_constant_is_the_quantile() -> None:
    x = np.random.default_rng(5).normal(size=101)
    found = quantile_regression(x, np.ones((101, 1)), 0.3)
    assert found[0] == pytest.approx(np.sort(x)[30])


def test_quantile_regression_minimises_the_check_loss_with_levels_of_each_row_and_weights() -> None:
    rng = np.random.default_rng(7)
    x = np.column_stack([np.ones(80), rng.normal(size=80), 1e4 * rng.random(80)])
    y, level, w = x @ [1, 2, 1e-4] + rng.standard_t(3, 80), rng.uniform(0.2, 0.8, 80), rng.random(80)

    def loss(b) -> float:
        r = y - x @ b
        return float(np.sum(w * np.where(r > 0, level * r, (level - 1) * r)))

    found = quantile_regression(y, x, level, w)
    best = loss(found)
    for _ in range(300):
        assert loss(found + rng.normal(size=3) * [0.05, 0.05, 5e-6]) >= best - 1e-9
    assert np.sum(np.abs(y - x @ found) < 1e-8) == 3  # a vertex: as many rows on the line as coefficients


def test_bad_input_is_refused() -> None:
    with pytest.raises(DomainError):
        weighted_quantile(np.array([1.0]), np.array([-1.0]), 0.5)
    with pytest.raises(DomainError):
        weighted_quantile(np.array([np.nan]), np.array([1.0]), 0.5)
    with pytest.raises(DomainError):
        huber_location(np.array([1.0]), np.array([1.0]), tuning=0)
    with pytest.raises(DomainError):
        quantile_regression(np.ones(3), np.ones((3, 1)), 1.0)
    with pytest.raises(DomainError):
        quantile_regression(np.ones(1), np.ones((1, 2)), 0.5)
