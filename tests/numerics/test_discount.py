"""Discount rates: textbook numbers, identities between bases, solved rates against brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhirong.kernel.errors import ConvergenceError, DomainError
from zhirong.numerics.discount import (
    before_tax_rate,
    built_up,
    cost_of_equity,
    nominal_rate,
    rate_in_currency,
    real_rate,
    reconcile_assets,
    relevered_beta,
    residual_return,
    unlevered_beta,
    weighted_cost,
)

RATE = st.floats(-0.3, 1.0)


def test_a_rate_by_hand() -> None:
    # By hand: beta 1.2 at D/E 0.5, tax 25 % -> 1.2/1.375 = 0.872727; at D/E 1 -> 0.872727 * 1.75 = 1.527273;
    # ke = 3 % + 1.527273 * 5 % + 2 % = 12.636364 %; WACC at D/V 0.5, kd 6 % = 6.318182 % + 2.25 % = 8.568182 %.
    bare = unlevered_beta(1.2, 0.5, 0.25)
    assert float(bare) == pytest.approx(0.8727272727)
    beta = relevered_beta(bare, 1.0, 0.25)
    equity = cost_of_equity(0.03, beta, 0.05, size=0.02)
    assert float(equity) == pytest.approx(0.1263636364)
    assert float(weighted_cost(equity, 0.06, debt_share=0.5, tax_rate=0.25)) == pytest.approx(0.0856818182)
    assert float(built_up(0.03, 0.04, 0.025)) == pytest.approx(0.095)


@given(RATE, RATE, st.floats(-0.2, 0.3))
def test_bases_go_there_and_back(rate: float, start: float, end: float) -> None:
    assert float(nominal_rate(real_rate(rate, end), end)) == pytest.approx(rate, abs=1e-12)
    there = rate_in_currency(rate, inflation_from=start, inflation_to=end)
    assert float(rate_in_currency(there, inflation_from=end, inflation_to=start)) == pytest.approx(rate, abs=1e-9)


@given(st.floats(0.2, 3), st.floats(0, 5), st.floats(0, 0.5))
def test_relevering_undoes_unlevering(beta: float, ratio: float, tax: float) -> None:
    assert float(relevered_beta(unlevered_beta(beta, ratio, tax), ratio, tax)) == pytest.approx(beta)


def test_a_value_is_the_same_in_either_currency_and_in_either_prices() -> None:
    # Flows at the forward rates of the same inflations, and real flows at the real rate: one value.
    t, flows, rate, home, away, spot = np.arange(1, 9), np.linspace(100, 170, 8), 0.13, 0.02, 0.05, 7.0
    value = np.sum(flows / (1 + rate) ** t)
    forward = spot * ((1 + home) / (1 + away)) ** t  # home money for one of the other
    other = rate_in_currency(rate, inflation_from=home, inflation_to=away)
    assert np.sum(flows / forward / (1 + other) ** t) * spot == pytest.approx(value, rel=1e-12)
    assert np.sum(flows / (1 + home) ** t / (1 + real_rate(rate, home)) ** t) == pytest.approx(value, rel=1e-12)


def test_the_rate_before_tax_gives_the_same_value_and_is_the_gross_up_only_for_a_perpetuity() -> None:
    t = np.arange(1, 8) - 0.5
    before = np.full(7, 100.0)
    solved = before_tax_rate(0.12, before, before * 0.75, t)
    assert np.sum(before / (1 + solved) ** t) == pytest.approx(np.sum(before * 0.75 / 1.12**t), rel=1e-10)
    assert abs(solved - 0.12 / 0.75) > 0.05
    long = np.arange(1, 3001, dtype=float)
    level = np.ones(3000)
    assert before_tax_rate(0.12, level, level * 0.75, long) == pytest.approx(0.16, abs=1e-9)
    assert before_tax_rate(0.12, before, before, t) == pytest.approx(0.12)


def test_assets_reconcile_with_capital() -> None:
    values, returns = np.array([100.0, 200.0, 50.0]), np.array([0.04, 0.07, 0.12])
    last = residual_return(values, returns, 0.10, 80.0)
    found = reconcile_assets(np.r_[values, 80.0], np.r_[returns, last], 0.10)
    assert found.asset_return == pytest.approx(0.10)
    assert found.is_reconciled
    assert not reconcile_assets(values, returns, 0.10).is_reconciled
    assert reconcile_assets(values, returns, 0.10).gap == pytest.approx(24 / 350 - 0.10)


@pytest.mark.parametrize(
    "call",
    [
        built_up,
        lambda: built_up(np.nan),
        lambda: unlevered_beta(1.0, -0.1, 0.25),
        lambda: relevered_beta(1.0, 0.1, 1.0),
        lambda: relevered_beta(1.0, -0.1, 0.2),
        lambda: weighted_cost(0.1, 0.05, debt_share=1.0, tax_rate=0.2),
        lambda: real_rate(-1.0, 0.02),
        lambda: before_tax_rate(0.1, np.ones(2), np.ones(3), np.ones(2)),
        lambda: before_tax_rate(0.1, np.ones(2), -np.ones(2), np.ones(2)),
        lambda: reconcile_assets(np.zeros(2), np.ones(2), 0.1),
        lambda: residual_return(np.ones(1), np.ones(1), 0.1, 0.0),
    ],
)
def test_impossible_rates_are_refused(call) -> None:
    with pytest.raises(DomainError):
        call()


def test_no_rate_before_tax_is_said_so() -> None:
    with pytest.raises(ConvergenceError, match="no rate"):
        before_tax_rate(0.1, np.array([1e-9]), np.array([100.0]), np.array([1.0]))


@pytest.mark.golden
def test_another_package_gives_the_same_numbers() -> None:
    # intangible-valuation 2.1.4, rounded as it prints: beta 1.35 at D/E 0.6 and tax 21 %, relevered to 0.25; WACC 700/300.
    bare = unlevered_beta(1.35, 0.6, 0.21)
    assert float(bare) == pytest.approx(0.915875, abs=5e-7)
    assert float(relevered_beta(bare, 0.25, 0.21)) == pytest.approx(1.09676, abs=5e-6)
    assert float(weighted_cost(0.125, 0.06, debt_share=0.3, tax_rate=0.21)) == pytest.approx(0.10172, abs=5e-6)
