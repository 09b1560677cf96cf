"""Hedonic regression with priors: closed forms without outliers, recovery with them, limits of the priors, tails."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from zhirong.kernel.errors import DomainError
from zhirong.numerics.hedonic import fit_hedonic, fit_spread

FLAT, WIDE = np.zeros(2), np.array([np.inf, np.inf])


def data(seed: int = 1, n: int = 300):
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(n), rng.normal(size=n)])
    return x @ [3.0, 0.5] + 0.4 * rng.uniform(-1.7, 1.7, n), x, np.ones(n), np.zeros(n)


def test_without_priors_and_outliers_it_is_least_squares() -> None:
    y, x, w, v = data()
    fit = fit_hedonic(y, x, w, v, FLAT, WIDE, spread_prior=(1.0, 1e-9))
    beta, square, *_ = np.linalg.lstsq(x, y, rcond=None)
    assert_allclose(fit.coefficients, beta, rtol=1e-8)
    assert_allclose(fit.sigma**2, square[0] / (len(y) - 2), rtol=1e-6)
    assert_allclose(fit.covariance, fit.sigma**2 * np.linalg.inv(x.T @ x), rtol=1e-6)
    assert (fit.factors == 1).all()


def test_a_prior_counts_as_much_as_its_precision_says() -> None:
    """A constant, n observations of known spread: the posterior mean is the precision-weighted mean."""
    y, one = np.full(20, 2.0), np.ones((20, 1))
    fit = fit_hedonic(y, one, np.ones(20), np.zeros(20), np.array([0.0]), np.array([0.5]), spread_prior=(1.0, 1e9))
    assert fit.coefficients[0] == pytest.approx(2.0 * 20 / (20 + 4), rel=1e-6)
    assert fit.covariance[0, 0] == pytest.approx(1 / 24, rel=1e-6)


def test_a_sure_prior_holds_and_no_data_leave_the_prior() -> None:
    y, x, w, v = data()
    sure = fit_hedonic(y, x, w, v, np.array([0.0, 0.9]), np.array([np.inf, 1e-9]), spread_prior=(1.0, 1.0))
    assert sure.coefficients[1] == pytest.approx(0.9, abs=1e-6)
    none = fit_hedonic(y, x, np.zeros(len(y)), v, np.array([1.0, 0.2]), np.array([2.0, 0.3]), spread_prior=(0.7, 5.0))
    assert_allclose(none.coefficients, [1.0, 0.2])
    assert_allclose(np.sqrt(np.diag(none.covariance)), [2.0, 0.3])
    assert none.sigma == pytest.approx(0.7)


def test_outliers_lose_their_weight() -> None:
    y, x, w, v = data()
    y[::15] += 30.0
    fit = fit_hedonic(y, x, w, v, FLAT, WIDE, spread_prior=(0.4, 5.0))
    assert_allclose(fit.coefficients, [3.0, 0.5], atol=0.25)
    assert fit.factors[::15].max() < 0.2
    assert np.linalg.lstsq(x, y, rcond=None)[0][0] > 4.5


def test_observations_with_variance_of_their_own_count_less() -> None:
    y = np.array([0.0, 1.0])
    fit = fit_hedonic(
        y, np.ones((2, 1)), np.ones(2), np.array([0.0, 3.0]), np.zeros(1), np.array([np.inf]), spread_prior=(1.0, 1e9)
    )
    assert fit.coefficients[0] == pytest.approx(0.25 / 1.25, rel=1e-6)


def test_spread_recovers_scale_and_tails() -> None:
    rng = np.random.default_rng(2)
    heavy = fit_spread(0.7 * rng.standard_t(3, 4_000), np.ones(4_000), np.zeros(4_000), prior=(1.5, 8.0))
    assert heavy.freedom in (3.0, 4.0)
    assert heavy.scale == pytest.approx(0.7, rel=0.1)
    light = fit_spread(rng.normal(0, 0.7, 4_000), np.ones(4_000), np.zeros(4_000), prior=(1.5, 8.0))
    assert light.freedom == 30.0
    own = fit_spread(rng.normal(0, np.sqrt(0.49 + 4), 4_000), np.ones(4_000), np.full(4_000, 4.0), prior=(1.5, 8.0))
    assert own.scale == pytest.approx(0.7, rel=0.3)


def test_spread_of_few_errors_is_mostly_the_prior() -> None:
    found = fit_spread(np.array([0.1, -0.1]), np.ones(2), np.zeros(2), prior=(1.5, 8.0))
    assert 1.0 < found.scale < 1.6
    assert (found.freedom, found.observations) == (6.0, 10.0)


def test_bad_input_is_refused() -> None:
    y, x, w, v = data(n=10)
    with pytest.raises(DomainError, match="one row"):
        fit_hedonic(y[:9], x, w, v, FLAT, WIDE, spread_prior=(1.0, 1.0))
    with pytest.raises(DomainError, match="finite"):
        fit_hedonic(np.append(y[:9], np.nan), x, w, v, FLAT, WIDE, spread_prior=(1.0, 1.0))
    with pytest.raises(DomainError, match="neither"):
        fit_hedonic(y, np.ones((10, 2)), w, v, FLAT, WIDE, spread_prior=(1.0, 1.0))
