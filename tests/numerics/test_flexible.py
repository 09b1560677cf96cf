"""Defer, expand, abandon: closed forms, a second method, limits, what each choice adds, and bad input."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhirong.kernel.errors import DomainError
from zhirong.numerics.flexible import FlexibleRight, flexible_value, flexible_values, simulate_flexible

RIGHT = FlexibleRight(
    worth=100, volatility=0.4, rate=0.03, years=12, launch_cost=90, fees=tuple((i + 0.5, 1 + 0.2 * i) for i in range(12)),
    expansion=0.5, expansion_cost=40, salvage=10,
)  # fmt: skip
PLAIN = FlexibleRight(worth=100, volatility=0.4, rate=0.03, years=12, is_launched=True)


def test_without_choices_worth_having_it_is_the_worth_of_use_less_fees() -> None:
    found = flexible_value(PLAIN)
    assert found.value == pytest.approx(100, rel=1e-9)
    assert (found.deferral, found.abandonment, found.expansion) == pytest.approx((0, 0, 0), abs=1e-9)
    cheap = replace(PLAIN, fees=((1.0, 2.0), (5.0, 3.0)))
    committed = 100 - 2 * math.exp(-0.03) - 3 * math.exp(-0.15)
    assert flexible_value(cheap).committed == pytest.approx(committed)
    # Fees this small are hardly ever refused.
    assert flexible_value(cheap).value == pytest.approx(committed, abs=0.05)


def test_without_volatility_to_speak_of_waiting_gains_nothing() -> None:
    sure = replace(PLAIN, is_launched=False, launch_cost=60.0, volatility=0.02, rate=0.0)
    found = flexible_value(sure)
    assert found.value == pytest.approx(40, rel=1e-6)
    assert found.is_used_now
    assert found.deferral == pytest.approx(0, abs=1e-6)


def test_one_date_of_exercise_is_a_compound_of_calls_on_what_is_left() -> None:
    # Two steps by hand: use now, or at half time for half the worth, or never.
    right = FlexibleRight(worth=100, volatility=0.5, rate=0.0, years=2, launch_cost=50)
    up = math.exp(0.5)
    p = (1 - 1 / up) / (up - 1 / up)
    later = p * max(100 * up / 2 - 50, 0) + (1 - p) * max(100 / up / 2 - 50, 0)
    assert flexible_value(right, steps=2).value == pytest.approx(max(50, later))
    poor = replace(right, launch_cost=100.0)
    later = p * max(100 * up / 2 - 100, 0)
    assert flexible_value(poor, steps=2).value == pytest.approx(max(0, later), abs=1e-9)


def test_least_squares_meets_the_lattice() -> None:
    for right in (RIGHT, replace(RIGHT, is_launched=True), replace(RIGHT, expansion=0.0, salvage=0.0)):
        value, error = simulate_flexible(right, dates=36, paths=20_000, seed=3)
        exact = flexible_value(right, steps=36).value
        assert value == pytest.approx(exact, abs=4 * error + 0.005 * exact)
        assert value < exact + 4 * error


def test_a_fee_nobody_would_pay_ends_the_right_and_costs_nothing_more() -> None:
    ruinous = replace(PLAIN, fees=((6.0, 1e6),))
    found = flexible_value(ruinous)
    assert found.value == pytest.approx(50, rel=0.02)  # what is earned in the first half
    assert found.abandonment > 1e5


rights = st.builds(
    FlexibleRight, st.floats(1, 500), st.floats(0.15, 0.8), st.floats(0.0, 0.06), st.floats(1, 19), st.floats(0, 300),
    st.booleans(), st.just(((0.5, 2.0),)), st.floats(0, 1), st.floats(0, 100), st.floats(0, 50),
)  # fmt: skip


@given(rights)
@settings(max_examples=40, deadline=None)
def test_choices_never_harm_and_value_rises_with_worth_and_volatility(right: FlexibleRight) -> None:
    found = flexible_value(right, steps=60)
    assert min(found.deferral, found.abandonment, found.expansion) >= -1e-9
    assert found.value >= max(found.committed - 1e-6 * right.worth, 0.0)
    assert flexible_value(replace(right, worth=1.1 * right.worth), steps=60).value >= found.value - 1e-9
    assert flexible_value(replace(right, launch_cost=right.launch_cost + 5), steps=60).value <= found.value + 1e-9


def test_a_shorter_protection_makes_deferral_worth_less() -> None:
    # Worth of use in proportion to the protection left: what is lost by age is more than the flows.
    values = [
        flexible_value(replace(RIGHT, years=float(t), fees=(), worth=100.0 * t / 12)).value for t in (3, 6, 9, 12)
    ]
    assert values == sorted(values)


def test_many_draws_are_those_one_by_one() -> None:
    rng = np.random.default_rng(1)
    worths, volatilities = np.exp(rng.normal(4.6, 1.2, 4_000)), rng.uniform(0.2, 0.6, 4_000)
    found = flexible_values(RIGHT, worths, volatilities)
    for i in range(0, 4_000, 400):
        one = flexible_value(replace(RIGHT, worth=worths[i], volatility=volatilities[i])).value
        assert found[i] == pytest.approx(one, rel=0.01, abs=0.2)
    assert (flexible_values(RIGHT, worths, volatilities, threads=1) == found).all()
    assert flexible_values(RIGHT, np.zeros(2), np.full(2, 0.3)) == pytest.approx(10, rel=1e-6)  # given up at once
    assert len(flexible_values(RIGHT, np.zeros(0), np.zeros(0))) == 0


@pytest.mark.parametrize(
    "change",
    [{"worth": 0.0}, {"volatility": -0.1}, {"years": math.nan}, {"launch_cost": -1.0}, {"fees": ((13.0, 1.0),)}],
)
def test_impossible_terms_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(DomainError):
        replace(RIGHT, **change)  # type: ignore[arg-type]


def test_impossible_work_is_refused() -> None:
    with pytest.raises(DomainError, match="too long"):
        flexible_value(replace(PLAIN, volatility=0.01, rate=0.1), steps=4)
    with pytest.raises(DomainError, match="two steps"):
        flexible_value(PLAIN, steps=1)
    with pytest.raises(DomainError, match="paths"):
        simulate_flexible(PLAIN, paths=5)
    with pytest.raises(DomainError, match="one length"):
        flexible_values(PLAIN, np.ones(2), np.ones(3))
    with pytest.raises(DomainError, match="positive"):
        flexible_values(PLAIN, np.ones(2), np.zeros(2))
