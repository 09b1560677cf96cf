"""Sums of dependent values: closed forms, limits, NumPy by brute force, independence of threads and order, bad input."""

from __future__ import annotations

import dataclasses

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from zhirong.kernel.errors import DomainError
from zhirong.numerics.distributions import SCORE_MAX, TABLE_SIZE, quantile_table
from zhirong.numerics.factor_sum import POINTS, FactorModel, contributions, factor_sums, score_tables, values_at
from zhirong.numerics.normals import normals
from zhirong.numerics.streams import stream_key

SCORES = np.linspace(-SCORE_MAX, SCORE_MAX, POINTS)


def keys_of(count: int, seed: int = 1) -> np.ndarray:
    return np.array([stream_key(seed, f"CN{i}") for i in range(count)], np.uint64)


def equal_model(count: int, loading: float, table: np.ndarray, seed: int = 1, **more: object) -> FactorModel:
    tables = np.tile(table, (count, 1))
    return FactorModel(tables, np.full((count, 1), loading), keys_of(count, seed), stream_key(seed, "factors"), **more)  # type: ignore[arg-type]


def test_ziggurat_is_normal() -> None:
    x = normals(stream_key(1, "ziggurat"), 1_000_000)
    assert stats.kstest(x[::5], "norm").pvalue > 0.01
    assert stats.skewtest(x).pvalue > 0.01 and stats.kurtosistest(x).pvalue > 0.01
    beyond = int((np.abs(x) > 3.6541528853610088).sum())  # drawn by the tail's own algorithm
    assert stats.binomtest(beyond, x.size, 2 * stats.norm.sf(3.6541528853610088)).pvalue > 0.01
    tail = np.abs(x)[np.abs(x) > 3.6541528853610088]
    assert stats.kstest(tail, lambda v: 1 - stats.norm.sf(v) / stats.norm.sf(3.6541528853610088)).pvalue > 0.01
    assert abs(np.corrcoef(x[:-1], x[1:])[0, 1]) < 4 / np.sqrt(x.size)


def test_normals_do_not_depend_on_blocks() -> None:
    whole = normals(7, 1000)
    assert np.array_equal(whole[300:], normals(7, 700, first_draw=300))


def test_normal_values_have_the_closed_form_of_their_sum() -> None:
    count, rho, draws = 40, 0.3, 40_000
    sums = factor_sums(equal_model(count, np.sqrt(rho), 5 + 2 * SCORES), draws)
    sd = 2 * np.sqrt(count + count * (count - 1) * rho)
    assert stats.kstest(sums, stats.norm(5 * count, sd).cdf).pvalue > 0.01


def test_lognormal_values_have_the_closed_moments_of_their_sum() -> None:
    count, rho, sigma, draws = 30, 0.5, 0.6, 200_000
    sums = factor_sums(equal_model(count, np.sqrt(rho), np.exp(sigma * SCORES)), draws)
    mean = count * np.exp(sigma**2 / 2)
    cov = np.exp(sigma**2) * (np.exp(rho * sigma**2) - 1)
    own = np.exp(sigma**2) * (np.exp(sigma**2) - 1)
    variance = count * own + count * (count - 1) * cov
    assert sums.mean() == pytest.approx(mean, abs=4 * np.sqrt(variance / draws))
    assert sums.var() == pytest.approx(variance, rel=0.04)


def test_without_loadings_variances_add() -> None:
    rng = np.random.default_rng(3)
    tables = np.exp(rng.normal(0, 1, 50)[:, None] + 0.5 * SCORES)
    model = FactorModel(tables, np.zeros((50, 2)), keys_of(50), 9)
    sums = factor_sums(model, 50_000)
    each = values_at(model, np.arange(20_000))
    assert sums.mean() == pytest.approx(np.exp(0.125) * np.exp(np.log(tables[:, POINTS // 2])).sum(), rel=0.005)
    assert sums.var() == pytest.approx(
        (tables[:, POINTS // 2] ** 2).sum() * np.exp(0.25) * (np.exp(0.25) - 1), rel=0.04
    )
    off = np.corrcoef(each[:6])[np.triu_indices(6, 1)]
    assert np.abs(off).max() < 4 / np.sqrt(20_000)


def test_with_full_loading_the_sum_is_comonotonic() -> None:
    tables = np.array([np.exp(0.5 * SCORES), 3 + SCORES, np.exp(SCORES) - 1])
    model = FactorModel(tables, np.ones((3, 1)), keys_of(3), 4)
    sums = factor_sums(model, 5_000)
    f = values_at(FactorModel(SCORES[None, :], np.ones((1, 1)), keys_of(1), 4), np.arange(5_000))[0]
    together = sum(np.interp(f, SCORES, table) for table in tables)
    np.testing.assert_allclose(sums, together, rtol=1e-12)
    levels = [0.05, 0.5, 0.95]
    np.testing.assert_allclose(
        np.quantile(sums, levels), sum(np.quantile(np.interp(f, SCORES, t), levels) for t in tables), rtol=1e-2
    )


def test_numpy_by_brute_force() -> None:
    rng = np.random.default_rng(8)
    count, draws = 300, 700
    tables = np.sort(rng.lognormal(0, 1, (count, 101)), axis=1)
    of = np.column_stack([np.zeros(count, int), 1 + rng.integers(0, 20, count), 21 + rng.integers(0, 90, count)])
    loadings = rng.uniform(-0.55, 0.55, (count, 3))
    shares = rng.uniform(0, 1, count)
    key = stream_key(2, "f")
    model = FactorModel(tables, loadings, keys_of(count), key, of, shares)
    factors = np.array([normals((key + (j + 1) * 0xD1342543DE82EF95) % 2**64, draws) for j in range(of.max() + 1)])
    own = np.sqrt(1 - (loadings**2).sum(axis=1))
    e = np.array([normals(int(k), draws) for k in keys_of(count)])
    z = own[:, None] * e + np.einsum("im,imd->id", loadings, factors[of])
    grid = np.linspace(-SCORE_MAX, SCORE_MAX, 101)
    values = shares[:, None] * np.array([np.interp(row, grid, table) for row, table in zip(z, tables, strict=True)])
    np.testing.assert_allclose(factor_sums(model, draws), values.sum(axis=0), rtol=1e-12)
    np.testing.assert_allclose(values_at(model, np.arange(draws)), values, rtol=1e-9)
    worst = np.argsort(values.sum(axis=0))[:35]
    found = contributions(model, worst)
    np.testing.assert_allclose(found.mean, values[:, worst].mean(axis=1), rtol=1e-9)
    np.testing.assert_allclose(found.error, values[:, worst].std(axis=1) / np.sqrt(34), rtol=1e-6)
    assert found.mean.sum() == pytest.approx(np.sort(values.sum(axis=0))[:35].mean(), rel=1e-12)


def test_contributions_of_many_draws_are_the_mean() -> None:
    model = equal_model(5, 0.6, np.exp(SCORES))
    found = contributions(model, np.arange(10_000))
    assert found.mean.sum() == pytest.approx(factor_sums(model, 10_000).mean(), rel=1e-12)


def test_euler_contributions_are_the_derivative_of_the_shortfall() -> None:
    # Normal values: expected shortfall of the worst share a is mean - sd * pdf(z_a)/a, contribution mean_i - cov(i, sum)/sd * pdf/a.
    sds, rho, tail, draws = np.array([1.0, 2.0, 5.0]), 0.4, 0.05, 400_000
    model = FactorModel(
        10 + sds[:, None] * SCORES, np.full((3, 1), np.sqrt(rho)), keys_of(3), stream_key(5, "shortfall")
    )
    sums = factor_sums(model, draws)
    found = contributions(model, np.argsort(sums)[: int(tail * draws)])
    covariance = np.outer(sds, sds) * (rho + (1 - rho) * np.eye(3))
    expected = 10 - covariance.sum(axis=1) / np.sqrt(covariance.sum()) * stats.norm.pdf(stats.norm.ppf(tail)) / tail
    assert (np.abs(found.mean - expected) < 4 * found.error + 0.01).all()


def test_student_copula_keeps_margins_and_ties_tails() -> None:
    draws, rho, degrees = 100_000, 0.5, 4.0
    loose = equal_model(2, np.sqrt(rho), SCORES)
    tied = dataclasses.replace(loose, degrees=degrees)
    x = values_at(tied, np.arange(draws))
    assert stats.kstest(x[0], "norm").pvalue > 0.01
    t = stats.t(degrees + 1)
    dependence = 2 * t.sf(np.sqrt((degrees + 1) * (1 - rho) / (1 + rho)))  # McNeil et al. (2015), 7.2: 0.253
    level = stats.norm.ppf(0.999)
    together = ((x > level).all(axis=0)).mean() / 0.001
    y = values_at(loose, np.arange(draws))
    assert together == pytest.approx(dependence, abs=0.13)
    assert together > 1.5 * ((y > level).all(axis=0)).mean() / 0.001
    # Kendall's tau of any elliptical copula is 2/pi asin(rho).
    assert stats.kendalltau(*x[:, :20_000]).statistic == pytest.approx(2 / np.pi * np.arcsin(rho), abs=0.02)


@pytest.mark.parametrize("degrees", [np.inf, 5.0])
def test_nothing_depends_on_threads_blocks_or_order(degrees: float) -> None:
    rng = np.random.default_rng(5)
    tables = np.sort(rng.normal(0, 1, (60, 65)), axis=1)
    of = rng.integers(0, 9, (60, 2))
    model = FactorModel(tables, np.full((60, 2), 0.5), keys_of(60), 3, of, degrees=degrees)
    whole = factor_sums(model, 1300)
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        assert np.array_equal(factor_sums(model, 1300), whole)
    finally:
        numba.set_num_threads(before)
    assert np.array_equal(factor_sums(model, 333, first_draw=200), whole[200:533])
    mixed = rng.permutation(60)
    turned = FactorModel(
        tables[mixed], model.loadings, model.keys[mixed], 3, of[mixed], degrees=degrees
    )  # the sum is in the order of the keys, so to the last bit
    assert np.array_equal(factor_sums(turned, 1300), whole)
    some = np.array([5, 900, 77])
    np.testing.assert_allclose(values_at(model, some).sum(axis=0), whole[some], rtol=1e-12)


def test_tables_from_draws_keep_mean_and_quantiles() -> None:
    rng = np.random.default_rng(2)
    draws = rng.lognormal(10, 1.5, 20_000)
    table = score_tables([draws, np.zeros(10), np.full(3, 7.0), draws - draws.mean()])
    assert table.shape == (4, POINTS)
    assert (np.diff(table, axis=1) >= 0).all()
    assert not table[1].any() and np.allclose(table[2], 7)
    assert table[0][POINTS // 2] == pytest.approx(np.median(draws), rel=2e-3)
    sums = factor_sums(FactorModel(table[:1], np.zeros((1, 1)), keys_of(1), 1), 1_000_000)
    assert sums.mean() == pytest.approx(draws.mean(), rel=0.015)
    lower, upper = stats.norm.cdf(SCORES[:-1]), stats.norm.cdf(SCORES[1:])
    assert float(((table[3][:-1] + table[3][1:]) / 2) @ (upper - lower)) == pytest.approx(0, abs=draws.mean() * 5e-3)


def test_tables_of_distributions_fit() -> None:
    table = quantile_table("lognormal", {"median": 3.0, "sigma": 1.0}, 0.0, 1e6)
    assert table.shape == (TABLE_SIZE,)
    sums = factor_sums(equal_model(1, 0.2, table), 200_000)
    assert np.median(sums) == pytest.approx(3.0, rel=0.02)


@settings(max_examples=25)
@given(
    loading=st.floats(-1, 1),
    count=st.integers(1, 8),
    seed=st.integers(0, 2**32),
    degrees=st.sampled_from([np.inf, 3.0]),
)
def test_sums_stay_between_the_extremes(loading: float, count: int, seed: int, degrees: float) -> None:
    model = equal_model(count, loading, np.exp(SCORES / 3), seed=seed, degrees=degrees)
    sums = factor_sums(model, 64)
    assert np.isfinite(sums).all()
    assert (sums >= count * np.exp(-2) * (1 - 1e-12)).all() and (sums <= count * np.exp(2) * (1 + 1e-12)).all()
    assert np.allclose(values_at(model, np.arange(64)).sum(axis=0), sums, rtol=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tables": np.ones((3, POINTS))}, "tables must have shape"),
        ({"tables": np.full((2, POINTS), np.nan)}, "finite"),
        ({"tables": np.tile(SCORES[::-1], (2, 1))}, "non-decreasing"),
        ({"loadings": np.full((2, 2), 0.8)}, "sum to at most 1"),
        ({"loadings": np.full((3, 1), 0.8)}, "loadings must have shape"),
        ({"loadings": np.full((2, 1), np.nan)}, "sum to at most 1"),
        ({"keys": np.array([5, 5], np.uint64)}, "different"),
        ({"factor_of": np.array([[0], [-1]])}, "factor_of"),
        ({"shares": np.array([0.5, 1.5])}, "shares"),
        ({"shares": np.array([0.5, np.nan])}, "shares"),
        ({"degrees": 2.0}, "degrees"),
    ],
)
def test_bad_input_is_named(change: dict[str, object], message: str) -> None:
    good = equal_model(2, 0.5, SCORES)
    with pytest.raises(DomainError, match=message):
        dataclasses.replace(good, **change)  # type: ignore[arg-type]


def test_bad_draws_are_named() -> None:
    model = equal_model(2, 0.5, SCORES)
    with pytest.raises(DomainError, match="draws"):
        factor_sums(model, 0)
    with pytest.raises(DomainError, match="chosen"):
        contributions(model, np.array([], int))
    with pytest.raises(DomainError, match="draws"):
        normals(1, 0)
    with pytest.raises(DomainError, match="finite"):
        score_tables([np.array([1.0, np.nan])])
