"""Selection: figures that Stata prints for Mroz's women, brute force, simulated truth, limits and bad input."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import integrate, optimize, stats

from zhirong.kernel.errors import ConvergenceError, DomainError
from zhirong.numerics.selection import heckman_likelihood, heckman_profile, heckman_two_step, inverse_mills, probit
from zhirong.numerics.selection_quantiles import conditional_rank, selection_quantiles

GOLDEN = Path(__file__).parent / "golden"
PRINTED = json.loads((GOLDEN / "heckman_mroz.json").read_text())


@pytest.fixture(scope="module")
def mroz():
    data = np.genfromtxt(GOLDEN / "mroz_1975.csv", delimiter=",", names=True, skip_header=2)
    one = np.ones(len(data))
    x = np.column_stack([data["educ"], data["exper"], data["expersq"], one])
    names = ("educ", "exper", "expersq", "nwifeinc", "age", "kidslt6", "kidsge6")
    return data["lwage"], x, np.column_stack([*(data[n] for n in names), one]), data["inlf"] == 1


def world(seed: int, *, rho: float, n: int = 1500, noise=None):
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(n), rng.normal(size=n)])
    z = np.column_stack([x, rng.normal(size=n)])
    u = rng.normal(size=n)
    e = rho * u + np.sqrt(1 - rho**2) * rng.normal(size=n)
    if noise is not None:
        e = noise(stats.norm.cdf(e))
    chosen = z @ [0.2, 0.3, 1.0] + u > 0
    return np.where(chosen, x @ [1.0, 0.5] + 1.5 * e, np.nan), x, z, chosen


@pytest.mark.parametrize(("name", "fit"), [("two_step", heckman_two_step), ("likelihood", heckman_likelihood)])
def test_agrees_with_the_digits_that_stata_prints(mroz, name, fit) -> None:
    """By two steps to the last digit; by likelihood to 1e-5 of a standard error, at which Stata's search stops."""
    found, printed = fit(*mroz), PRINTED[name]
    assert (found.observations, found.selected) == (753, 428)
    slack = 0.0 if name == "two_step" else 1e-5
    beta, gamma = np.array([row[1:] for row in printed["beta"]]), np.array([row[1] for row in printed["gamma"]])
    assert (np.abs(found.beta - beta[:, 0]) <= 6e-8 + slack * found.standard_errors).all()
    assert (np.abs(found.standard_errors - beta[:, 1]) <= 6e-8 + slack * found.standard_errors).all()
    assert_allclose(found.gamma, gamma, rtol=0, atol=6e-8 + slack * 0.5)
    assert_allclose([found.lambda_, found.lambda_error], printed["lambda"], rtol=0, atol=6e-8 + slack * 0.1)
    assert_allclose(found.rho, printed["rho"][0], rtol=0, atol=6e-6 if name == "two_step" else 2e-6)
    assert_allclose(found.sigma, printed["sigma"][0], rtol=0, atol=6e-8 + slack * (found.sigma_error or 0.0))
    if name == "likelihood":
        errors = [found.rho_error, found.sigma_error]
        assert_allclose(errors, [printed["rho"][1], printed["sigma"][1]], rtol=0, atol=6e-8 + slack * 0.1)
        assert_allclose(found.log_likelihood, printed["log_likelihood"][0], rtol=0, atol=6e-5)


def test_the_likelihood_is_that_of_the_integral_over_the_hidden_error() -> None:
    """P(seen and y) by integrating the joint normal density of both errors, row by row."""
    y, x, z, chosen = world(3, rho=0.5, n=40)
    fit = heckman_likelihood(y, x, z, chosen)
    total = 0.0
    cov = [[fit.sigma**2, fit.rho * fit.sigma], [fit.rho * fit.sigma, 1.0]]
    joint = stats.multivariate_normal([0, 0], cov)
    for i in range(40):
        v = float(z[i] @ fit.gamma)
        if chosen[i]:
            e = float(y[i] - x[i] @ fit.beta)
            total += np.log(integrate.quad(lambda u, e=e: joint.pdf([e, u]), -v, 12, epsabs=1e-12)[0])
        else:
            total += np.log(stats.norm.cdf(-v))
    assert_allclose(fit.log_likelihood, total, rtol=1e-7)


def test_no_step_in_any_direction_is_likelier() -> None:
    y, x, z, chosen = world(8, rho=0.6)
    fit = heckman_likelihood(y, x, z, chosen)

    def value(beta, gamma, sigma, rho):
        r, v = (y - x @ beta) / sigma, z @ gamma
        seen = stats.norm.logpdf(r) - np.log(sigma) + stats.norm.logcdf((v + rho * r) / np.sqrt(1 - rho**2))
        return np.where(chosen, seen, stats.norm.logcdf(-v)).sum()

    best = value(fit.beta, fit.gamma, fit.sigma, fit.rho)
    assert_allclose(best, fit.log_likelihood, rtol=1e-12)
    for step in (-1e-3, 1e-3):
        assert value(fit.beta + np.array([step, 0]), fit.gamma, fit.sigma, fit.rho) < best
        assert value(fit.beta, fit.gamma + np.array([0, 0, step]), fit.sigma, fit.rho) < best
        assert value(fit.beta, fit.gamma, fit.sigma + step, fit.rho) < best
        assert value(fit.beta, fit.gamma, fit.sigma, fit.rho + step) < best


@pytest.mark.parametrize("rho", [-0.5, 0.0, 0.7])
def test_recovers_simulated_truth_and_its_errors_are_honest(rho: float) -> None:
    """Over 60 worlds the estimates centre on the truth and spread as their standard errors say."""
    for fit in (heckman_two_step, heckman_likelihood):
        found = [fit(*world(seed, rho=rho)) for seed in range(60)]
        slope = np.array([f.beta[0] for f in found])
        assert abs(slope.mean() - 1.0) < 4 * slope.std() / np.sqrt(60)
        assert 0.7 < slope.std() / np.mean([f.standard_errors[0] for f in found]) < 1.35
        lambdas = np.array([f.lambda_ for f in found])
        assert abs(lambdas.mean() - 1.5 * rho) < 4 * lambdas.std() / np.sqrt(60)
        assert 0.7 < lambdas.std() / np.mean([f.lambda_error for f in found]) < 1.35


def test_the_profile_peaks_at_the_maximum_and_is_below_it_elsewhere() -> None:
    y, x, z, chosen = world(8, rho=0.6)
    fit = heckman_likelihood(y, x, z, chosen)
    values, sigmas, gammas = heckman_profile(y, x, z, chosen, np.array([-0.5, 0.0, fit.rho, 0.9]))
    assert_allclose(values[2], fit.log_likelihood, rtol=1e-9)
    assert_allclose([sigmas[2], *gammas[2]], [fit.sigma, *fit.gamma], rtol=1e-3)
    assert values[0] < values[1] < values[2] > values[3]
    # Without correlation the two equations part: least squares and a probit.
    seen = y[chosen] - x[chosen] @ np.linalg.lstsq(x[chosen], y[chosen], rcond=None)[0]
    apart = probit(z, chosen).log_likelihood + stats.norm.logpdf(seen, 0, seen.std()).sum()
    assert_allclose(values[1], apart, rtol=1e-9)
    with pytest.raises(DomainError, match="inside -1 to 1"):
        heckman_profile(y, x, z, chosen, np.array([1.0]))


def test_scale_of_the_outcome_scales_the_estimates() -> None:
    y, x, z, chosen = world(2, rho=0.4)
    one, ten = heckman_likelihood(y, x, z, chosen), heckman_likelihood(10 * y, x, z, chosen)
    assert_allclose(ten.beta, 10 * one.beta, rtol=1e-6)
    assert_allclose([ten.sigma, ten.rho], [10 * one.sigma, one.rho], rtol=1e-6)


def test_mills_ratio_is_stable_where_the_plain_quotient_fails() -> None:
    v = np.array([-40.0, -5.0, 0.0, 5.0])
    assert_allclose(inverse_mills(v)[1:], stats.norm.pdf(v[1:]) / stats.norm.cdf(v[1:]), rtol=1e-12)
    assert_allclose(inverse_mills(v)[0], 40 + 1 / 40 - 2 / 40**3, rtol=1e-8)


def test_probit_equals_a_general_optimiser() -> None:
    _, _, z, chosen = world(1, rho=0.0)
    general = optimize.minimize(
        lambda g: -stats.norm.logcdf(np.where(chosen, 1, -1) * (z @ g)).sum(), np.zeros(3), method="BFGS"
    )
    fit = probit(z, chosen)
    assert_allclose(fit.coefficients, general.x, atol=1e-5)
    assert_allclose(fit.log_likelihood, -general.fun, rtol=1e-10)


def test_refuses_what_cannot_be_estimated() -> None:
    y, x, z, chosen = world(1, rho=0.3, n=60)
    with pytest.raises(DomainError, match="rows with an outcome and rows without"):
        heckman_two_step(np.zeros(60), x, z, np.ones(60, bool))
    with pytest.raises(DomainError, match="full rank"):
        heckman_two_step(y, np.column_stack([x, x[:, 1]]), z, chosen)
    with pytest.raises(DomainError, match="finite"):
        heckman_two_step(np.where(chosen, np.nan, 0.0), x, z, chosen)
    with pytest.raises(DomainError, match="finite"):
        probit(np.where(np.arange(60)[:, None] == 3, np.nan, z), chosen)
    with pytest.raises(DomainError, match="too few"):
        heckman_two_step(y[:60], x, z, np.arange(60) < 3)
    with pytest.raises(ConvergenceError):
        probit(np.column_stack([np.ones(60), np.arange(60.0)]), np.arange(60) > 30)


def test_rank_given_selection_is_the_bivariate_normal() -> None:
    levels, propensity = np.array([0.1, 0.5, 0.9]), np.array([0.05, 0.3, 0.9])
    for rho in (-0.8, 0.6, 0.95):
        found = conditional_rank(levels, propensity, rho)
        joint = stats.multivariate_normal([0, 0], [[1, rho], [rho, 1]])
        for i, t in enumerate(levels):
            for j, p in enumerate(propensity):
                exact = (t - joint.cdf([stats.norm.ppf(t), stats.norm.ppf(1 - p)])) / p
                assert_allclose(found[i, j], np.clip(exact, 1e-6, 1 - 1e-6), atol=2e-6)
    assert_allclose(conditional_rank(levels, propensity, 0.0), np.repeat(levels[:, None], 3, axis=1))


def test_quantile_lines_recover_a_heavy_tailed_truth_that_heckman_misses() -> None:
    """Errors are t with 2.5 degrees of freedom: the median line of all rows is (1, 0.5), whoever was seen."""
    fits = [selection_quantiles(*world(s, rho=0.6, noise=lambda u: stats.t.ppf(u, 2.5)), levels=np.array([0.25, 0.5, 0.75])) for s in range(8)]  # fmt: skip
    middle, plain = (
        np.mean([f.coefficients[1] for f in fits], axis=0),
        np.mean([f.uncorrected[1] for f in fits], axis=0),
    )
    assert_allclose(middle, [1.0, 0.5], atol=0.15)
    assert plain[0] > 1.3
    assert np.mean([f.rho for f in fits]) == pytest.approx(0.6, abs=0.15)


def test_without_selection_on_the_outcome_the_copula_is_near_zero() -> None:
    found = [selection_quantiles(*world(s, rho=0.0), levels=np.array([0.25, 0.5, 0.75])).rho for s in range(6)]
    assert abs(np.mean(found)) < 0.15


def test_quantile_lines_refuse_bad_input() -> None:
    y, x, z, chosen = world(1, rho=0.3, n=60)
    with pytest.raises(DomainError, match="too few"):
        selection_quantiles(y, x, z, np.arange(60) < 15)
    with pytest.raises(DomainError, match="inside 0 to 1"):
        selection_quantiles(y, x, z, chosen, levels=np.array([0.0]))
