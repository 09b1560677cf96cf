"""Fisher-Pry: recovery, coverage of intervals, an independent likelihood, a published substitution, limits, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize

from zhirong.kernel.errors import ConvergenceError, DomainError
from zhirong.numerics.substitution import fit_fisher_pry

YEARS = np.arange(2000, 2020).astype(float)


def logistic(rate: float, midpoint: float, years=YEARS):
    return 1 / (1 + np.exp(-rate * (years - midpoint)))


def test_exact_shares_give_the_curve_back() -> None:
    n = np.full(20, 1e6)
    fit = fit_fisher_pry(YEARS, n * logistic(0.3, 2012), n)
    assert fit.rate == pytest.approx(0.3, rel=1e-8)
    assert fit.midpoint == pytest.approx(2012, abs=1e-6)
    assert fit.takeover_years == pytest.approx(2 * np.log(9) / 0.3)
    assert fit.is_rising


def test_the_takeover_of_a_58_year_substitution_is_58_years() -> None:
    """The definition of Fisher and Pry (10 % to 90 %): their curve of synthetic fibres has 58 years, half in 1969 (recalled)."""
    years = np.arange(1930, 1968).astype(float)
    n = np.full(years.size, 1e5)
    fit = fit_fisher_pry(years, n * logistic(2 * np.log(9) / 58, 1969, years), n)
    assert round(fit.takeover_years) == 58
    assert round(fit.midpoint) == 1969


def test_the_maximum_is_that_of_an_independent_likelihood() -> None:
    rng = np.random.default_rng(2)
    n = rng.integers(5, 60, 20).astype(float)
    new = rng.binomial(n.astype(int), logistic(0.2, 2010)).astype(float)

    def negative(theta):
        z = theta[0] + theta[1] * (YEARS - 2010)
        return float((n * np.logaddexp(0, z) - new * z).sum())

    best = optimize.minimize(negative, [0.0, 0.1], method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-12})
    fit = fit_fisher_pry(YEARS, new, n)
    assert fit.rate == pytest.approx(best.x[1], rel=1e-4)
    step = 1e-3
    hessian = np.zeros((2, 2))
    for i, j in np.ndindex(2, 2):
        a, b = step * np.eye(2)[i], step * np.eye(2)[j]
        corners = ((1, a + b), (-1, a - b), (-1, b - a), (1, -a - b))
        hessian[i, j] = sum(sign * negative(best.x + move) for sign, move in corners) / (4 * step**2)
    error = np.sqrt(np.linalg.inv(hessian)[1, 1] * fit.dispersion)
    assert fit.rate_se == pytest.approx(error, rel=1e-3)


def test_intervals_of_the_slope_cover_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(5)
    hits = 0
    for _ in range(300):
        p = rng.beta(logistic(0.15, 2012) * 40, (1 - logistic(0.15, 2012)) * 40)  # over-dispersed
        new = rng.binomial(200, p).astype(float)
        fit = fit_fisher_pry(YEARS, new, np.full(20, 200.0))
        hits += abs(fit.rate - 0.15) <= 1.734 * fit.rate_se  # t, 18 degrees of freedom, 90 %
    assert 0.85 <= hits / 300 <= 0.95


def test_no_trend_is_not_called_rising_and_shifting_years_shifts_only_the_midpoint() -> None:
    n = np.full(20, 50.0)
    flat = fit_fisher_pry(YEARS, n * 0.4, n)
    assert not flat.is_rising
    a, b = (fit_fisher_pry(YEARS + d, n * logistic(0.3, 2012).round(2), n) for d in (0, 100))
    assert b.midpoint - a.midpoint == pytest.approx(100)
    assert a.rate == pytest.approx(b.rate)


def test_too_little_has_no_fit_and_nonsense_is_refused() -> None:
    assert fit_fisher_pry(YEARS[:3], np.ones(3), np.full(3, 2.0)) is None
    assert fit_fisher_pry(YEARS, np.zeros(20), np.ones(20)) is None
    with pytest.raises(DomainError):
        fit_fisher_pry(YEARS, np.full(20, 2.0), np.ones(20))
    with pytest.raises(DomainError):
        fit_fisher_pry(YEARS, np.ones(19), np.ones(20))
    with pytest.raises(ConvergenceError):
        fit_fisher_pry(YEARS, np.where(YEARS > 2010, 9.0, 0.0), np.full(20, 9.0))
