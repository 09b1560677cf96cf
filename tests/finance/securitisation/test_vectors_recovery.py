"""Runs on vectors, break-even default rates, and recovery from a distribution of values."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import yaml
from deal_cases import MIXED
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from zhirong.finance.securitisation import parse_deal, simulate_deal
from zhirong.finance.securitisation.compiling import compile_pool
from zhirong.finance.securitisation.library import load_deal
from zhirong.finance.securitisation.recovery import recovered_shares, recovery_of_values
from zhirong.finance.securitisation.vectors import break_even_default_rate, run_vectors, vector_flows
from zhirong.kernel.errors import DomainError, UnknownNameError
from zhirong.numerics.default_paths import pool_paths

TERMS = {"haircut": 0.5, "sale_probability": 0.4, "rate": 0.08, "years": 1.5}


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_flows_on_vectors_add_up(cdr: float, cpr: float, severity: float) -> None:
    deal = parse_deal(MIXED)
    flows = vector_flows(deal, cdr=cdr, cpr=cpr, severity=severity)[0]
    before = np.concatenate([[deal.pool.balance], flows[:-1, 5]])
    assert before - flows[:, 5] == pytest.approx(flows[:, [1, 2, 4]].sum(axis=1), abs=1e-6)
    assert flows.min() >= 0
    lagged = (1 - severity) * flows[:-2, 4]
    assert flows[2:, 3] == pytest.approx(lagged, abs=1e-6)


def test_no_default_and_no_prepayment_is_the_schedule() -> None:
    deal = parse_deal(MIXED)
    pool = compile_pool(deal)
    flows = vector_flows(deal, cdr=0.0)[0]
    assert flows[:, 0] == pytest.approx(pool.interest.sum(axis=0))
    assert flows[:, 1] == pytest.approx(pool.principal.sum(axis=0))
    short = vector_flows(deal, cdr=[0.0, 0.2])[0]
    assert short[0, 4] == 0.0
    assert short[1:8, 4].min() > 0.0


def test_independent_names_come_to_the_vector_on_average() -> None:
    plain = yaml.safe_load(MIXED)
    plain["pool"]["dependence"] = {"copula": "gaussian"}
    plain["pool"]["recovery"]["spread"] = 0.0
    plain["pool"].pop("prepayment")
    for entry in plain["pool"]["assets"]:
        entry["credit"] = {"annual_pd": 0.04, "correlation": 0.0}
        for name in ("revenue_share", "revenue_volatility", "revenue_correlation", "revenue_floor"):
            entry.pop(name, None)
    deal = parse_deal(yaml.safe_dump(plain))
    mean = pool_paths(compile_pool(deal), 20_000, 1).flows.mean(axis=0)
    assert mean[:, [0, 1, 4]] == pytest.approx(vector_flows(deal, cdr=0.04)[0][:, [0, 1, 4]], rel=0.06, abs=2e4)


def test_break_even_is_where_losses_begin_and_falls_with_seniority() -> None:
    deal = load_deal("lease_2019")
    rate = break_even_default_rate(deal, "A")
    assert 0.01 < rate < 0.2
    assert run_vectors(deal, rate=0.02, cdr=rate, with_support=False).loss["A"] == pytest.approx(0.0, abs=1e-8)
    assert run_vectors(deal, rate=0.02, cdr=rate + 0.001, with_support=False).loss["A"] > 1e-5
    assert break_even_default_rate(deal, "A", severity=0.3) > rate
    assert break_even_default_rate(deal, "A", with_support=True) == 1.0
    mixed = parse_deal(MIXED)
    assert (
        break_even_default_rate(mixed, "A") > break_even_default_rate(mixed, "B") > break_even_default_rate(mixed, "E")
    )


def test_a_run_without_default_pays_the_coupon() -> None:
    deal = load_deal("pledged_loans_2022")
    run = run_vectors(deal, rate=0.025, cdr=0.0)
    assert run.loss == {"A": 0.0, "S": 0.0}
    assert run.weighted_life_years["A"] == pytest.approx(1.0)
    quarters = np.array([91, 92, 92, 90]) / 365
    cash = 0.038 * quarters
    years = np.cumsum(quarters)
    value = (cash * (1 + run.yield_rate["A"]) ** -years).sum() + (1 + run.yield_rate["A"]) ** -years[-1]
    assert value == pytest.approx(1.0, abs=1e-9)
    assert run.discount_margin["A"] == pytest.approx(run.yield_rate["A"] - 0.025)


@pytest.mark.golden
def test_collateral_leg_of_the_reference() -> None:
    """Oracle lgd.collateral: value 12 m, haircut 0.5, sale 0.4, rate 0.08, 1.5 years, exposure 5 m; tolerance 1e-12."""
    found = recovered_shares(np.array([12e6]), 5e6, **TERMS)
    assert 1 - found[0] == pytest.approx(0.574278190375764, abs=1e-12)


def test_recovery_keeps_mean_and_variance_of_the_values_and_not_the_value_of_the_mean() -> None:
    values = np.random.default_rng(1).lognormal(np.log(20e6), 0.9, 200_000)
    found = recovery_of_values(values, 5e6, **TERMS, factor_share=0.4)
    shares = recovered_shares(values, 5e6, **TERMS)
    assert found.mean == pytest.approx(shares.mean())
    assert found.mean < recovered_shares(values.mean(keepdims=True), 5e6, **TERMS)[0]
    y = np.random.default_rng(2).standard_normal(400_000)
    drawn = special.ndtr(np.sqrt(1 + found.spread**2) * special.ndtri(found.mean) + found.spread * y)
    assert drawn.mean() == pytest.approx(shares.mean(), abs=0.003)
    assert drawn.std() == pytest.approx(shares.std(), rel=0.01)
    assert (found.lag_months, found.factor_share) == (18, 0.4)


def test_recovery_of_certain_worthless_and_ample_collateral() -> None:
    assert recovery_of_values(np.full(9, 12e6), 5e6, **TERMS, factor_share=0.0).spread == 0.0
    assert recovery_of_values(np.zeros(9), 5e6, **TERMS, factor_share=0.0).mean == 0.0
    assert recovery_of_values(np.full(9, 1e12), 5e6, **TERMS, factor_share=0.0).mean == 1.0
    wild = recovery_of_values(np.array([0.0, 1e12] * 50), 5e6, **TERMS, factor_share=0.0)
    assert wild.spread == 10.0


def test_lower_values_of_the_patents_cost_the_junior_class() -> None:
    plain, values = yaml.safe_load(MIXED), np.random.default_rng(1).lognormal(np.log(20e6), 0.6, 5_000)
    losses = []
    for scale in (1.0, 0.4):
        found = recovery_of_values(scale * values, 5e6, **TERMS, factor_share=0.4)
        changed = copy.deepcopy(plain)
        changed["pool"]["recovery"] = {"mean": found.mean, "spread": found.spread, "factor_share": 0.4, "lag_months": 6}
        losses.append(simulate_deal(parse_deal(yaml.safe_dump(changed)), rate=0.03, paths=4_000, with_support=False))
    assert losses[1].pool_loss.value > losses[0].pool_loss.value
    assert losses[1].tranche("B").expected_loss.value > losses[0].tranche("B").expected_loss.value


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (lambda d: vector_flows(d, cdr=1.2), "cdr"),
        (lambda d: vector_flows(d, cdr=0.1, cpr=[-0.1]), "cpr"),
        (lambda d: vector_flows(d, cdr=[]), "cdr"),
        (lambda d: vector_flows(d, cdr=0.1, severity=float("nan")), "severity"),
        (lambda d: break_even_default_rate(d, "Z"), "Z"),
        (lambda d: recovered_shares(np.array([1.0]), 0.0, **TERMS), "exposure"),
        (lambda d: recovered_shares(np.array([-1.0]), 1.0, **TERMS), "values"),
        (lambda d: recovered_shares(np.array([1.0]), 1.0, **(TERMS | {"haircut": 2.0})), "haircut"),
        (lambda d: recovery_of_values(np.array([1.0]), 1.0, **TERMS, factor_share=2.0), "factor_share"),
    ],
)
def test_bad_input_is_named(bad, said: str) -> None:
    with pytest.raises((DomainError, UnknownNameError), match=said):
        bad(load_deal("lease_2019"))
