"""Adoption: published fits, the differential equation, recovery, and honesty about what short series do not tell."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhirong.kernel.errors import DomainError
from zhirong.numerics.adoption import AdoptionPrior, adoption_draws, bass_curve, bass_peak, fit_bass

PRIOR = AdoptionPrior(0.02, 0.35, 0.8, 0.4, 15.0, 0.05)


def levels(count: int, columns: int | None = None, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random(count if columns is None else (count, columns))


@pytest.mark.golden
def test_a_published_fit() -> None:
    # Worked exercise of a course on brand data (2.555A, module 1, notes in the public repository aoyingxue/GitNote):
    # adoptions 0.517, 1.169, 1.604, 2.044, 2.286 give p 0.0626032, q 0.73766359, M 10.5036768.
    fit = fit_bass(np.array([0.517, 1.169, 1.604, 2.044, 2.286]))
    assert fit.p == pytest.approx(0.0626032, abs=5e-8)
    assert fit.q == pytest.approx(0.73766359, abs=5e-9)
    assert fit.market == pytest.approx(10.5036768, abs=5e-8)


@given(st.floats(0.001, 0.2), st.floats(0.0, 1.0), st.floats(0.0, 30.0))
def test_the_curve_solves_its_equation(p: float, q: float, t: float) -> None:
    # Bass (1969): f/(1 - F) = p + q F.
    h = 1e-5
    slope = float(bass_curve(t + h, p, q) - bass_curve(t - h if t > h else t, p, q)) / (2 * h if t > h else h)
    share = float(bass_curve(t, p, q))
    assert slope == pytest.approx((p + q * share) * (1 - share), rel=2e-3, abs=1e-6)
    assert bass_curve(-1.0, p, q) == 0
    assert float(bass_curve(1e5, p, q)) == pytest.approx(1.0)


def test_the_peak_is_where_sales_are_highest() -> None:
    at, height = bass_peak(0.03, 0.38, 100.0)
    t = np.linspace(0, 30, 300_001)
    sales = np.diff(100 * bass_curve(t, 0.03, 0.38)) / np.diff(t)
    assert t[sales.argmax()] == pytest.approx(at, abs=1e-3)
    assert sales.max() == pytest.approx(height, rel=1e-6)
    assert bass_peak(0.5, 0.1, 10.0) == (0.0, 5.0)


def test_a_fit_recovers_its_own_recursion() -> None:
    total, sales = 0.0, []
    for _ in range(12):
        sales.append((0.02 + 0.4 * total / 5_000) * (5_000 - total))
        total += sales[-1]
    fit = fit_bass(np.array(sales))
    assert (fit.p, fit.q, fit.market) == pytest.approx((0.02, 0.4, 5_000), rel=1e-6)
    assert fit.r_squared == pytest.approx(1.0)


def test_sales_that_do_not_bend_are_refused() -> None:
    with pytest.raises(DomainError, match="do not bend"):
        fit_bass(np.exp(0.3 * np.arange(8.0)))
    with pytest.raises(DomainError, match="at least 5"):
        fit_bass(np.ones(4))


def test_long_series_tell_the_curve_and_short_ones_do_not() -> None:
    years = np.arange(14.0)
    truth = bass_curve(years + 2.0, 0.03, 0.4)
    known = adoption_draws(years, 7e6 * truth, PRIOR, levels(4_000), levels(8_000, 3))
    ahead = bass_curve(13 + 2 + 5.0, 0.03, 0.4) / truth[-1]
    drawn = known.growth([5.0])[:, 0]
    assert np.median(drawn) == pytest.approx(float(ahead), rel=0.05)
    short = adoption_draws(years[:3], 7e6 * truth[:3], PRIOR, levels(4_000), levels(8_000, 3))
    spread = np.quantile(short.growth([5.0])[:, 0], [0.05, 0.95])
    assert np.log(spread[1] / spread[0]) > 5 * np.log(np.quantile(drawn, 0.95) / np.quantile(drawn, 0.05))
    assert spread[0] < float(bass_curve(9.0, 0.03, 0.4) / truth[2]) < spread[1]


def test_intervals_cover_what_comes() -> None:
    rng = np.random.default_rng(3)
    inside = []
    for _ in range(150):
        p, q = 0.02 * np.exp(0.8 * rng.standard_normal()), 0.35 * np.exp(0.4 * rng.standard_normal())
        age = 0.5 + 15 * rng.random()
        curve = bass_curve(age + np.arange(6.0), p, q)
        seen = 3e6 * curve * np.exp(0.05 * rng.standard_normal(6))
        drawn = adoption_draws(np.arange(6.0), seen, PRIOR, levels(2_000), levels(4_000, 3)).growth([4.0])[:, 0]
        inside.append(np.quantile(drawn, 0.1) <= bass_curve(age + 9.0, p, q) / curve[-1] <= np.quantile(drawn, 0.9))
    assert np.mean(inside) == pytest.approx(0.8, abs=0.09)


def test_a_growing_market_is_not_taken_for_adoption() -> None:
    years = np.arange(8.0)
    market = 1.1**years
    flat = adoption_draws(years, 5e6 * market, PRIOR, levels(4_000), levels(8_000, 3), market=market)
    blind = adoption_draws(years, 5e6 * market, PRIOR, levels(4_000), levels(8_000, 3))
    assert flat.penetration.mean() > blind.penetration.mean()  # grown with its market only: nearly all have it already
    assert flat.growth([5.0]).mean() < blind.growth([5.0]).mean()


def test_no_years_leave_the_prior_and_impossible_years_widen() -> None:
    prior = adoption_draws([], [], PRIOR, levels(20_000), levels(8_000, 3))
    assert np.median(prior.q) == pytest.approx(0.35, rel=0.03)
    assert prior.temper == 1.0
    wild = adoption_draws(np.arange(6.0), [1.0, 50, 1, 50, 1, 50], PRIOR, levels(500), levels(4_000, 3))
    assert wild.temper < 1.0
    assert wild.effective >= 200


@pytest.mark.parametrize(("years", "amounts"), [([1.0], [1.0, 2.0]), ([1.0, 2.0], [1.0, 0.0]), ([[1.0]], [[1.0]])])
def test_impossible_series_are_refused(years: list[float], amounts: list[float]) -> None:
    with pytest.raises(DomainError):
        adoption_draws(years, amounts, PRIOR, levels(10), levels(100, 3))
    with pytest.raises(DomainError, match="three levels"):
        adoption_draws([1.0], [1.0], PRIOR, levels(10), levels(100, 2))
    with pytest.raises(DomainError, match="above 0"):
        AdoptionPrior(0.0, 0.3, 0.1, 0.1, 5.0, 0.1)
    with pytest.raises(DomainError, match="p is above 0"):
        bass_curve(1.0, 0.0, 0.3)
    with pytest.raises(DomainError, match="p is above 0"):
        bass_peak(0.0, 0.3, 1.0)
