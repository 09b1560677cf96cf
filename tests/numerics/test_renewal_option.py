"""The renewal option: the reference's last step, brute force, an exact integral, limits, simulation, and bad input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from zhirong.kernel.errors import DomainError
from zhirong.numerics.renewal import renewal_value
from zhirong.numerics.renewal_option import (
    RenewalOption,
    option_values,
    share_kept,
    simulate_cohort,
    solve_renewal,
    value_given_kept,
)
from zhirong.numerics.streams import stream_key

FEES = np.array([900] * 3 + [1200] * 3 + [2000] * 3 + [4000] * 3 + [6000] * 3 + [8000] * 5, float)
MODEL = RenewalOption(8, 1.5, 0.0005, 0.85, 300, 4000, 0.8, 0.95)


@pytest.mark.golden
def test_the_last_step_meets_the_reference() -> None:
    # Valuation reference, oracle renewal.pakes.last_step; tolerance 1e-8 relative.
    model = RenewalOption(6, 1, 0.001, 0.9, 200, 1500, 1.0, 0.95)
    solved = solve_renewal(model, [1500, 2000])
    assert solved.thresholds == pytest.approx([1264.1260583829944, 2000], rel=1e-8)
    assert solved.values(1, 3000.0) == pytest.approx(2327.7759778142595, rel=1e-8)
    free = solve_renewal(model, [0, 2000])
    for at, expected in ((1000.0, 218.73885492741812), (3000.0, 871.3431345413256)):
        assert (free.values(1, at) - at) / 0.95 == pytest.approx(expected, rel=1e-8)


def test_values_meet_an_independent_simulation_of_the_best_decisions() -> None:
    solved, rng, count = solve_renewal(MODEL, FEES), np.random.default_rng(4), 100_000
    for age, first in ((1, 3000.0), (5, 6000.0), (12, 5000.0)):
        total, r, alive = np.zeros(count), np.full(count, first), np.ones(count, bool)
        for year in range(age, 21):
            alive &= r >= solved.thresholds[year - 1]
            total += alive * (r - FEES[year - 1]) * MODEL.beta ** (year - age)
            found = rng.exponential(MODEL.sigma * MODEL.phi ** (year - 1), count) - MODEL.gamma
            r = np.where(rng.random(count) < np.exp(-MODEL.theta * r), 0.0, np.maximum(MODEL.delta * r, found))
        assert solved.values(age, first) == pytest.approx(total.mean(), abs=4 * total.std() / count**0.5 + 1e-3)


def test_the_recursion_meets_quadrature_over_findings() -> None:
    solved = solve_renewal(MODEL, FEES)
    for age, r in ((3, 2500.0), (9, 4000.0)):
        scale, floor = MODEL.sigma * MODEL.phi ** (age - 1), MODEL.delta * r
        z = floor + np.linspace(0, 50 * scale, 200_001)
        found = solved.values(age + 1, z) * np.exp(-(z + MODEL.gamma) / scale) / scale
        jump = float(integrate.simpson(found, x=z))
        stay = float(solved.values(age + 1, floor)) * (1 - np.exp(-(floor + MODEL.gamma) / scale))
        expected = r - FEES[age - 1] + MODEL.beta * (1 - np.exp(-MODEL.theta * r)) * (stay + jump)
        assert solved.values(age, r) == pytest.approx(expected, rel=2e-4)


def test_without_findings_and_ruin_it_is_the_deterministic_model() -> None:
    # Findings too small to matter, ruin too rare: fees that rise make the myopic rule the best one.
    model = RenewalOption(8, 1.5, 10.0, 0.85, 0.0, 1e-3, 1.0, 0.95)
    solved = solve_renewal(model, FEES, largest_return=1e5)
    for first in (500.0, 3000.0, 25_000.0):
        _, expected = renewal_value(first, 0.15, 0.95, FEES)
        assert solved.values(1, first) == pytest.approx(expected, rel=1e-3, abs=1e-6)


def test_the_share_kept_meets_an_exact_integral_and_a_simulation() -> None:
    share, bounds = share_kept(MODEL, FEES), solve_renewal(MODEL, FEES).thresholds
    assert share[0] == pytest.approx(stats.norm.sf((np.log(bounds[0]) - 8) / 1.5), abs=1e-5)

    def kept(x: float) -> float:
        r = np.exp(x)
        reach = 1.0 if MODEL.delta * r >= bounds[1] else np.exp(-(bounds[1] + MODEL.gamma) / MODEL.sigma)
        return float(stats.norm.pdf(x, 8, 1.5) * -np.expm1(-MODEL.theta * r) * reach)

    kink = np.log(bounds[1] / MODEL.delta)
    exact = integrate.quad(kept, np.log(bounds[0]), kink)[0] + integrate.quad(kept, kink, 20, limit=300)[0]
    assert share[1] == pytest.approx(exact, abs=1e-5)
    cohort = simulate_cohort(MODEL, FEES, patents=400_000, key=stream_key(1, "test"))
    seen = np.array([(cohort.kept >= year).mean() for year in range(1, 21)])
    assert np.abs(seen - share).max() < 4 * 0.5 / 400_000**0.5


models = st.builds(
    RenewalOption, st.floats(5, 9), st.floats(0.5, 2), st.floats(1e-4, 1e-2), st.floats(0.6, 0.97), st.floats(0, 1000),
    st.floats(100, 8000), st.floats(0.5, 1.0), st.floats(0.85, 1.0),
)  # fmt: skip


@given(models)
@settings(max_examples=40, deadline=None)
def test_thresholds_rise_with_age_and_stay_below_the_fee(model: RenewalOption) -> None:
    bounds = solve_renewal(model, FEES).thresholds
    assert (np.diff(bounds) >= -1e-6 * bounds[1:]).all()
    assert (bounds <= FEES + 1e-9).all()
    assert bounds[-1] == FEES[-1]
    share = share_kept(model, FEES)
    assert (np.diff(share) <= 1e-12).all()
    assert 0 <= share[-1] <= share[0] <= 1


@given(models, st.integers(1, 20))
@settings(max_examples=25, deadline=None)
def test_values_rise_with_the_return_and_beat_the_myopic_rule(model: RenewalOption, age: int) -> None:
    returns = np.geomspace(10, 1e6, 60)
    values = solve_renewal(model, FEES, largest_return=1e6).values(age, returns)
    assert (np.diff(values) >= -1e-9).all()
    assert (values >= np.maximum(returns - FEES[age - 1], 0) - 1e-6).all()


def test_years_without_a_fee_lose_nobody() -> None:
    fees = np.zeros(12)
    fees[[3, 7, 11]] = 2000, 3760, 7700
    solved = solve_renewal(MODEL, fees)
    share = share_kept(MODEL, fees)
    assert (solved.thresholds[fees == 0] == 0).all()
    assert share[:3] == pytest.approx(1.0)
    assert share[3] > share[7] > share[11] > 0
    assert share[4] == pytest.approx(share[3])


def test_many_patents_with_their_own_fees_are_those_one_by_one() -> None:
    rng = np.random.default_rng(3)
    ages, returns = rng.integers(1, 21, 300), np.exp(rng.normal(8, 1.5, 300))
    fees = FEES * rng.choice([0.5, 1.0, 2.0], 300)[:, None]
    together = option_values(MODEL, fees, ages, returns)
    apart = [float(option_values(MODEL, f, a, r)) for f, a, r in zip(fees, ages, returns, strict=True)]
    assert together == pytest.approx(apart, rel=2e-4, abs=0.5)
    assert (option_values(MODEL, fees, ages, returns, threads=1) == together).all()


def test_a_cohort_does_not_depend_on_threads_or_on_its_size() -> None:
    alone = simulate_cohort(MODEL, FEES, patents=20_000, key=5, threads=1)
    both = simulate_cohort(MODEL, FEES, patents=40_000, key=5, threads=2)
    assert (alone.kept == both.kept[:20_000]).all()
    early = simulate_cohort(MODEL, FEES, patents=20_000, key=5, to_year=7)
    assert (early.kept == np.minimum(alone.kept, 7)).all()


def test_what_is_left_of_a_kept_patent_is_the_mean_of_simulated_futures() -> None:
    rng, count, age = np.random.default_rng(6), 200_000, 6
    bounds = solve_renewal(MODEL, FEES).thresholds
    r, alive, total = np.exp(rng.normal(8, 1.5, count)), np.ones(count, bool), np.zeros(count)
    for year in range(1, 21):
        alive &= r >= bounds[year - 1]
        if year == age:
            kept = alive.copy()
        if year > age:
            total += alive * (r - FEES[year - 1]) * MODEL.beta ** (year - age - 1)
        found = rng.exponential(MODEL.sigma * MODEL.phi ** (year - 1), count) - MODEL.gamma
        r = np.where(rng.random(count) < np.exp(-MODEL.theta * r), 0.0, np.maximum(MODEL.delta * r, found))
    levels = (np.arange(2_000) + 0.5) / 2_000
    left = value_given_kept(MODEL, FEES, age=age, levels=levels, key=3)
    assert left.mean() == pytest.approx(total[kept].mean(), rel=0.03)
    assert (np.diff(left) >= 0).all()
    assert left[0] >= 0


def test_age_moves_what_is_left_and_the_ends_are_known() -> None:
    levels = np.array([0.1, 0.5, 0.9])
    assert (value_given_kept(MODEL, FEES, age=20, levels=levels, key=1) == 0).all()
    first = value_given_kept(MODEL, FEES, age=0, levels=levels, key=1)
    exact = solve_renewal(MODEL, FEES).values(1, np.exp(8 + 1.5 * stats.norm.ppf(levels)))
    assert first == pytest.approx(exact, rel=0.03)
    with pytest.raises(DomainError, match="simulate more"):
        value_given_kept(MODEL, 1e4 * FEES, age=19, levels=levels, key=1)
    with pytest.raises(DomainError, match="age"):
        value_given_kept(MODEL, FEES, age=21, levels=levels, key=1)


@pytest.mark.parametrize(
    "change",
    [
        {"theta": 0.0},
        {"obsolescence": 1.0},
        {"delta": 1.0},
        {"sigma": -1.0},
        {"phi": 0.0},
        {"beta": 1.2},
        {"mu": np.nan},
    ],
)
def test_impossible_parameters_are_refused(change: dict[str, float]) -> None:
    plain = {"mu": 8, "spread": 1, "theta": 1e-3, "delta": 0.9, "gamma": 0, "sigma": 10, "phi": 1, "beta": 0.9}
    with pytest.raises(DomainError):
        RenewalOption(**(plain | change))


def test_impossible_questions_are_refused() -> None:
    with pytest.raises(DomainError, match="fee"):
        solve_renewal(MODEL, [])
    with pytest.raises(DomainError, match="negative"):
        solve_renewal(MODEL, [1.0, -1.0])
    with pytest.raises(DomainError, match="years 1 to 20"):
        solve_renewal(MODEL, FEES).values(21, 1.0)
    with pytest.raises(DomainError, match="negative"):
        solve_renewal(MODEL, FEES).values(1, -1.0)
    with pytest.raises(DomainError, match="schedule"):
        option_values(MODEL, np.ones((2, 20)), [1, 2, 3], [1.0, 2.0, 3.0])
    with pytest.raises(DomainError, match="grid"):
        solve_renewal(RenewalOption(8, 1, 1e-3, 0.998, 0, 10, 1, 0.9), FEES, largest_return=1e40)
