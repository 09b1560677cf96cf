"""Discount rates from sourced components, and tax lives by law: by hand, as limits, and refused where they would mix."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from zhirong.kernel.errors import DomainError, NotAdmissibleError
from zhirong.kernel.provenance import Grade
from zhirong.numerics.basis import Basis
from zhirong.numerics.discount import rate_in_currency
from zhirong.numerics.income import tax_amortisation
from zhirong.params import load
from zhirong.valuation.accounts import Accounts, FirmYear
from zhirong.valuation.discount import (
    DiscountRate,
    asset_returns,
    built_up_rate,
    capital_cost_rate,
    in_currency,
    in_real_terms,
)
from zhirong.valuation.tax_benefit import Acquisition, tax_life
from zhirong.valuation.types import Assumption, Distribution
from zhirong.valuation.used import Used

AS_OF = date(2024, 6, 30)


@pytest.fixture
def used() -> Used:
    return Used(load(), AS_OF)


def fix(rate: DiscountRate, **values: float) -> dict[str, Assumption]:
    found = {}
    for item in rate.components:
        value = values.get(item.name, float(np.mean(list(item.parameters.values()))))
        found[item.name] = replace(
            item, distribution=Distribution.FIXED, parameters={"value": value}, low=value, high=value
        )
    return found


def test_a_built_up_rate_is_the_sum_of_its_sourced_parts(used: Used) -> None:
    rate = built_up_rate(used, "CN")
    assert [c.name for c in rate.components] == [
        "risk_free", "market_premium", "technology_premium", "capital_premium", "management_premium",
    ]  # fmt: skip
    assert all(c.source.title and c.low < c.high for c in rate.components)
    drawn = rate.draws(seed=1, count=5_000)
    parts = sum(rate.drawn(c.name, seed=1, count=5_000) for c in rate.components)
    np.testing.assert_allclose(drawn, parts)
    assert rate.assumption.parameters["mean"] == pytest.approx(drawn.mean(), abs=0.001)
    assert rate.basis == Basis("CNY")
    assert rate.assumption.source.grade is Grade.ASSUMED
    assert "discount.premium.technology@1990-01-01" in used.versions.values()


def test_capital_cost_by_hand(used: Used) -> None:
    rate = capital_cost_rate(used, "CN")
    held = fix(
        rate, risk_free=0.03, unlevered_beta=0.9, equity_premium=0.06, size_premium=0.02, debt_spread=0.02, patent_premium=0.03,
        tax_rate=0.25, debt_to_equity=0.5,
    )  # fmt: skip
    # By hand: beta 0.9 * 1.375 = 1.2375; ke 3 + 7.425 + 2 = 12.425 %; kd 5 %; w 1/3; 8.283333 + 1.25 + 3 = 12.533333 %.
    found = capital_cost_rate(used, "CN", mine=held)
    np.testing.assert_allclose(found.draws(seed=1, count=3), 0.1253333333, rtol=1e-8)


def test_the_owners_debt_takes_the_place_of_the_shipped_structure(used: Used) -> None:
    year = FirmYear(2022, 1e8, None, 1e7, 2e8, 1.2e8, 100)
    rate = capital_cost_rate(used, "CN", accounts=Accounts("f", "C26", (year,)))
    ratio = next(c for c in rate.components if c.name == "debt_to_equity")
    assert ratio.parameters["mode"] == pytest.approx(1.5)
    assert ratio.source.grade is Grade.COMPUTED
    none = capital_cost_rate(used, "CN", accounts=Accounts("f", "C26", (replace(year, total_debt=None),)))
    assert next(c for c in none.components if c.name == "debt_to_equity").parameters["mode"] == 0.35
    bare = capital_cost_rate(used, "CN", accounts=Accounts("f", "C26", (replace(year, total_debt=0.0),)))
    assert next(c for c in bare.components if c.name == "debt_to_equity").parameters == {"value": 0.0}


def test_a_dollar_market_is_brought_into_yuan(used: Used) -> None:
    rate = built_up_rate(used, "US")
    assert {"inflation_from", "inflation_to"} <= {c.name for c in rate.components}
    assert rate.basis.currency == "CNY"
    held = fix(rate, risk_free=0.04, inflation_from=0.025, inflation_to=0.015, **{
        f"{n}_premium": v for n, v in (("market", 0.04), ("technology", 0.03), ("capital", 0.02), ("management", 0.02))
    })  # fmt: skip
    found = built_up_rate(used, "US", mine=held).draws(seed=1, count=1)[0]
    assert found == pytest.approx(1.15 * 1.015 / 1.025 - 1)
    at_home = built_up_rate(used, "US", currency="USD")
    assert at_home.basis == Basis("USD")
    yuan, basis = in_currency(at_home, used, "CNY", seed=1, count=4_000)
    assert basis == Basis("CNY")
    assert yuan.mean() == pytest.approx(
        rate_in_currency(at_home.draws(seed=1, count=4_000).mean(), inflation_from=0.0223, inflation_to=0.0167),
        abs=0.001,
    )
    same, _ = in_currency(at_home, used, "USD", seed=1, count=10)
    np.testing.assert_array_equal(same, at_home.draws(seed=1, count=10))
    with pytest.raises(NotAdmissibleError, match="no expected inflation"):
        built_up_rate(used, "CN", currency="BRL")


def test_a_real_rate_says_that_it_is_real(used: Used) -> None:
    rate = built_up_rate(used, "CN")
    real, basis = in_real_terms(rate, used, seed=1, count=4_000)
    assert basis == Basis("CNY", prices="real")
    assert 0.01 < (rate.draws(seed=1, count=4_000) - real).mean() < 0.025


def test_one_risk_is_not_counted_twice(used: Used) -> None:
    with pytest.raises(DomainError, match="one risk"):
        built_up_rate(used, "CN", parts=("market", "equity"))
    with pytest.raises(DomainError, match="each part once"):
        built_up_rate(used, "CN", parts=("market", "market"))
    assert "equity_premium" in [c.name for c in built_up_rate(used, "CN", parts=("equity", "size")).components]
    rate = built_up_rate(used, "CN")
    with pytest.raises(DomainError, match="no component 'beta'"):
        built_up_rate(used, "CN", mine={"beta": rate.components[0]})
    with pytest.raises(DomainError, match="no component 'beta'"):
        rate.drawn("beta", seed=1, count=1)


def test_the_same_component_has_the_same_draws_in_either_rate(used: Used) -> None:
    one, two = built_up_rate(used, "CN"), capital_cost_rate(used, "CN")
    np.testing.assert_array_equal(one.drawn("risk_free", seed=4, count=50), two.drawn("risk_free", seed=4, count=50))


def test_assets_are_reconciled_with_capital() -> None:
    values, returns = {"plant": 300.0, "patents": 200.0}, {"plant": 0.06, "patents": 0.14}
    # By hand: WARA (18 + 28 + 100 * 0.18)/600 = 10.67 %; at WACC 10 % goodwill would earn (60 - 46)/100 = 14 %.
    found = asset_returns(values, returns, business_value=600.0, residual_return=0.18, capital_cost=0.10)
    assert found.asset_return == pytest.approx(64 / 600)
    assert found.implied_return == pytest.approx(0.14)
    assert found.is_reconciled
    assert "一致" in found.verdict.zh
    off = asset_returns(values, returns, business_value=600.0, residual_return=0.30, capital_cost=0.10)
    assert not off.is_reconciled
    with pytest.raises(NotAdmissibleError, match="worth more than the business"):
        asset_returns(values, returns, business_value=400.0, residual_return=0.18, capital_cost=0.10)
    with pytest.raises(DomainError, match="different assets"):
        asset_returns(values, {"plant": 0.1}, business_value=600.0, residual_return=0.18, capital_cost=0.10)


@pytest.mark.parametrize(
    ("office", "years"),
    [
        ("CN", 10),
        ("US", 15),
        ("DE", 9),
        ("SG", 5),
        ("HK", 1),
        ("ZA", 20),
        ("JP", 8),
        ("KR", 7),
        ("GB", 25),
        ("FR", 5),
        ("AU", 20),
        ("EP", 0),
        ("WO", 0),
        ("BR", 0),
    ],
)
def test_tax_lives_by_law(used: Used, office: str, years: float) -> None:
    item = tax_life(used, office, rate=0.12, legal_life_years=9.0)
    assert item.parameters["value"] == years
    assert item.source.grade in {Grade.RECALLED, Grade.ASSUMED, Grade.PUBLISHED}


def test_how_a_right_is_bought_matters(used: Used) -> None:
    assert (
        tax_life(used, "US", rate=0.12, legal_life_years=9.0, acquisition=Acquisition.SEPARATE).parameters["value"]
        == 9.0
    )
    assert (
        tax_life(used, "US", rate=0.12, legal_life_years=9.0, acquisition=Acquisition.SHARES).parameters["value"] == 0.0
    )
    assert (
        tax_life(used, "JP", rate=0.12, legal_life_years=3.0, acquisition=Acquisition.SEPARATE).parameters["value"] == 8
    )
    assert (
        tax_life(used, "CN", rate=0.12, legal_life_years=None, acquisition=Acquisition.SEPARATE).parameters["value"]
        == 10
    )


@pytest.mark.parametrize("rate", [0.05, 0.12, 0.25])
def test_a_declining_balance_is_worth_its_straight_line(used: Used, rate: float) -> None:
    item = tax_life(used, "IN", rate=rate, legal_life_years=9.0)
    # Brute force: a quarter of the balance each year, for ever.
    t = np.arange(1, 2_000)
    shield = 0.25 * np.sum(0.25 * 0.75 ** (t - 1) / (1 + rate) ** (t - 0.5))
    assert float(tax_amortisation(0.25, item.parameters["value"], rate)) == pytest.approx(1 / (1 - shield), rel=1e-9)
    assert "25%" in str(item.source.note)
