"""Pool paths: identities, closed forms, recovery from simulated data, schedules, and other programs' waterfalls."""

from __future__ import annotations

import copy
import json
from calendar import monthrange
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import yaml
from deal_cases import MIXED, shared_structure
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special, stats

from zhirong.finance.securitisation.compiling import compile_deal, compile_pool
from zhirong.finance.securitisation.parse import parse_deal
from zhirong.finance.securitisation.pricing import (
    discount_margin,
    effective_duration,
    internal_rate,
    present_value,
    weighted_life,
)
from zhirong.finance.securitisation.schedule import asset_payments
from zhirong.finance.securitisation.simulation import simulate_deal
from zhirong.finance.securitisation.spec import Asset, Credit
from zhirong.kernel.dates import add_months
from zhirong.kernel.errors import DomainError
from zhirong.numerics.default_paths import PoolModel, default_periods, draw_factors, latent_quantiles, pool_paths
from zhirong.numerics.waterfall import LEDGER_COLUMNS, Column, conservation_error, ledgers, sums

GOLDEN = Path(__file__).parent / "golden"


def model(
    names: int = 200, periods: int = 8, *, pd: float = 0.05, rho: float = 0.2, freedom: float = 0.0, **more: object
) -> PoolModel:
    """Equal loans, equal principal, over quarters."""
    years = np.arange(1, periods + 1) / 4
    principal = np.full((names, periods), 1.0 / periods)
    opening = 1.0 - np.cumsum(principal, axis=1) + principal
    values = {
        "interest": 0.01 * opening, "principal": principal, "opening": opening, "paid_share": np.ones(names),
        "deposit": np.zeros(names), "revenue": np.zeros((names, 4)), "may_prepay": np.zeros(names, np.int64),
        "risk_class": np.zeros(names, np.int64), "quantile": latent_quantiles(1 - (1 - pd) ** years, freedom)[None, :],
        "correlation": np.array([rho]), "recovery": (0.4, 0.0, 0.0), "recovery_lag": 2, "prepayment": np.zeros(periods),
        "prepayment_volatility": 0.0, "period_years": np.full(periods, 0.25), "degrees_of_freedom": freedom,
    }  # fmt: skip
    return PoolModel(**(values | more))  # type: ignore[arg-type]


def identity_error(flows: np.ndarray, balance: float) -> float:
    before = np.concatenate([np.full((flows.shape[0], 1), balance), flows[:, :-1, 5]], axis=1)
    return float(np.abs(before - flows[:, :, 5] - flows[:, :, [1, 2, 4]].sum(axis=2)).max())


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1, 30), st.integers(1, 12), st.floats(0.0, 0.6), st.floats(0.0, 0.9), st.sampled_from([0.0, 3.0, 10.0]),
    st.integers(0, 2**31), st.floats(0, 0.3), st.floats(0, 1),
)  # fmt: skip
def test_every_fall_of_the_balance_is_principal_prepayment_or_default(n, t, pd, rho, freedom, seed, smm, share) -> None:
    rng = np.random.default_rng(seed)
    revenue = np.where(rng.random((n, 1)) < share, [[0.5, 0.4, 0.3, 0.2]], 0.0)
    mixed = model(
        n, t, pd=pd, rho=rho, freedom=freedom, revenue=revenue, may_prepay=(revenue[:, 0] == 0).astype(np.int64),
        prepayment=np.full(t, smm), prepayment_volatility=0.5, paid_share=1 - 0.2 * rng.random(n), deposit=0.1 * rng.random(n),
        recovery=(0.4, 0.8, 0.5),
    )  # fmt: skip
    paths = pool_paths(mixed, 20, seed)
    assert identity_error(paths.flows, n) < 1e-9
    assert paths.flows.min() >= 0
    lagged = np.cumsum(paths.flows[:, :, 4], axis=1)
    assert (np.cumsum(paths.flows[:, :, 3], axis=1)[:, 2:] <= lagged[:, : max(t - 2, 0)] + 1e-9).all()


@pytest.mark.parametrize("freedom", [0.0, 4.0])
def test_default_rates_and_dependence_come_back_from_simulated_paths(freedom: float) -> None:
    one = model(2, 8, rho=0.3, freedom=freedom)
    when = default_periods(one, draw_factors(200_000, 7, freedom), 7)
    cumulative = 1 - 0.95 ** (np.arange(1, 9) / 4)
    for t in (0, 3, 7):
        share = (when <= t).mean()
        assert share == pytest.approx(cumulative[t], abs=5 * np.sqrt(cumulative[t] / 400_000))
    both = ((when[:, 0] < 8) & (when[:, 1] < 8)).mean()
    edge = latent_quantiles(cumulative[-1:], freedom)[0]
    law = stats.multivariate_t if freedom else stats.multivariate_normal
    more = {"df": freedom} if freedom else {}
    exact = law.cdf([edge, edge], None, [[1, 0.3], [0.3, 1]], **more)
    assert both == pytest.approx(float(exact), abs=4 * np.sqrt(exact / 200_000) + 1e-4)
    assert both > 1.5 * cumulative[-1] ** 2


def test_correlation_is_recovered_from_simulated_default_counts() -> None:
    """The variance of the default rate gives back the correlation that was put in (Gordy 2000, method of moments)."""
    when = default_periods(model(500, 4, rho=0.25), draw_factors(20_000, 3), 3)
    rate = (when < 4).mean(axis=1)
    p, variance = rate.mean(), rate.var() - rate.mean() * (1 - rate.mean()) / 500
    edge = special.ndtri(p)

    def gap(rho: float) -> float:
        joint = stats.multivariate_normal.cdf([edge, edge], None, [[1, rho], [rho, 1]])
        return float(joint - p * p - variance * 500 / 499)

    assert optimize.brentq(gap, 0.01, 0.9) == pytest.approx(0.25, abs=0.02)


def test_limits_no_default_certain_default_and_independence() -> None:
    calm = pool_paths(model(pd=0.0), 5, 1).flows
    assert calm[:, :, 4].max() == 0
    assert calm[0, :, 1] == pytest.approx(np.full(8, 200 / 8))
    doomed = pool_paths(model(quantile=latent_quantiles(np.full((1, 8), 1 - 1e-15))), 5, 1).flows
    assert doomed[:, :, 5].max() == pytest.approx(0.0, abs=1e-9)
    assert doomed[:, 2, 3] == pytest.approx(0.4 * doomed[:, 0, 4])
    alone = default_periods(model(500, 4, rho=0.0), draw_factors(4_000, 2), 2)
    counts = (alone < 4).sum(axis=1)
    p = 1 - 0.95
    assert counts.var() == pytest.approx(500 * p * (1 - p), rel=0.1)


def test_paths_do_not_depend_on_how_they_are_drawn() -> None:
    mixed = model(50, recovery=(0.4, 0.8, 0.5))
    whole = pool_paths(mixed, 200, 9, threads=2)
    late = pool_paths(mixed, 80, 9, first=120)
    assert np.array_equal(whole.flows[120:], late.flows)
    assert not np.array_equal(whole.flows, pool_paths(mixed, 200, 10).flows)
    with pytest.raises(DomainError, match="paths"):
        pool_paths(mixed, 0, 1)


def test_recoveries_have_the_mean_asked_for_and_fall_with_the_factor() -> None:
    paths = pool_paths(model(300, 8, pd=0.2, recovery=(0.3, 0.9, 0.5)), 4_000, 5)
    lost, back = paths.flows[:, :6, 4].sum(axis=1), paths.flows[:, 2:, 3].sum(axis=1)
    share = back / lost
    assert np.corrcoef(share, paths.factors.factor)[0, 1] > 0.5
    assert np.corrcoef(share, lost)[0, 1] < -0.3  # wrong way: much defaults when little is recovered
    free = pool_paths(model(300, 8, pd=0.2, rho=0.0, recovery=(0.3, 0.9, 0.5)), 4_000, 5)
    assert free.flows[:, 2:, 3].sum() / free.flows[:, :6, 4].sum() == pytest.approx(0.3, abs=0.01)


def test_royalties_have_the_expected_mean_and_the_floor() -> None:
    royal = np.tile([1.0, 0.4, 0.5, 0.0], (50, 1))
    paths = pool_paths(model(50, pd=0.0, revenue=royal), 4_000, 5)
    cash = paths.flows[:, :, [0, 1]].sum(axis=2)
    plain = pool_paths(model(50, pd=0.0), 1, 5).flows[0][:, [0, 1]].sum(axis=1)
    assert cash.mean(axis=0) == pytest.approx(plain, rel=0.02)
    floored = pool_paths(model(50, pd=0.0, revenue=np.tile([1.0, 2.0, 1.0, 0.6], (50, 1))), 500, 5)
    assert (floored.flows[:, :, [0, 1]].sum(axis=2) >= 0.6 * plain - 1e-9).all()
    assert floored.flows[:, :, 4].sum() > 0


def test_the_guarantor_fails_more_often_when_the_pool_does() -> None:
    both = model(
        100, 8, pd=0.1, rho=0.5, guarantor_class=1, quantile=latent_quantiles(np.tile(1 - 0.95 ** (np.arange(1, 9) / 4), (2, 1))),
        correlation=np.array([0.5, 0.5]),
    )  # fmt: skip
    paths = pool_paths(both, 40_000, 4)
    failed, lost = paths.fails < 8, paths.flows[:, :, 4].sum(axis=1)
    p = 1 - 0.95**2
    assert failed.mean() == pytest.approx(p, abs=4 * np.sqrt(p / 40_000))
    assert lost[failed].mean() > 2 * lost.mean()


def asset(**more: object) -> Asset:
    values = {"id": "a", "kind": "loan", "balance": 1_000_000.0, "rate": 0.0345, "first_due": date(2024, 2, 1),
              "interval_months": 1, "payments": 36, "credit": Credit(0.0, 0.0)}  # fmt: skip
    return Asset(**(values | more))  # type: ignore[arg-type]


@pytest.mark.golden
def test_schedules_of_level_and_equal_principal_loans() -> None:
    """Oracles loan.level, loan.equal_principal, loan.moratorium; tolerance 1e-6."""
    interest, principal = asset_payments(asset())
    assert interest + principal == pytest.approx(np.full(36, 29279.9461180396), abs=1e-6)
    assert interest.sum() == pytest.approx(54078.0602494259, abs=1e-6)
    interest, principal = asset_payments(asset(amortisation="equal_principal"))
    assert (interest + principal)[0] == pytest.approx(30652.7777777778, abs=1e-6)
    assert interest.sum() == pytest.approx(53187.5, abs=1e-6)
    interest, principal = asset_payments(asset(grace_payments=6))
    assert (interest + principal)[[0, 5]] == pytest.approx([2875.0, 2875.0], abs=1e-6)
    assert (interest + principal)[6:] == pytest.approx(np.full(30, 34839.3589370389), abs=1e-6)
    assert interest.sum() == pytest.approx(62430.7681111684, abs=1e-6)


def test_rents_in_advance_receivables_and_bullets() -> None:
    interest, principal = asset_payments(
        asset(kind="lease", in_advance=True, payments=12, interval_months=3, rate=0.08)
    )
    rent = interest + principal
    assert rent == pytest.approx(np.full(12, rent[0]))
    assert float(rent @ 1.02 ** -np.arange(12)) == pytest.approx(1e6)
    assert interest[0] == 0
    interest, principal = asset_payments(
        asset(kind="receivable", amortisation="discount", payments=1, interval_months=6, rate=0.06)
    )
    assert (interest[0], principal[0]) == (pytest.approx(30_000.0), 1e6)
    interest, principal = asset_payments(asset(amortisation="bullet", payments=4, interval_months=3, rate=0.04))
    assert list(principal) == [0, 0, 0, 1e6]
    assert asset_payments(asset(rate=0.0))[1] == pytest.approx(np.full(36, 1e6 / 36))


def test_price_life_duration_and_spread_of_known_streams() -> None:
    years, cash = np.arange(1.0, 4.0), np.array([5.0, 5.0, 105.0])
    assert internal_rate(cash, years, 100.0) == pytest.approx(0.05, abs=1e-12)
    assert discount_margin(cash, years, 100.0, 0.03) == pytest.approx(0.02, abs=1e-12)
    zero = np.array([0.0, 0.0, 100.0])
    assert effective_duration(zero, years, 0.03) == pytest.approx(3 / 1.03, abs=1e-6)
    assert weighted_life(zero, years) == 3.0
    assert present_value(zero, years, 0.0) == 100.0
    assert weighted_life(np.zeros(3), years) is None
    assert effective_duration(np.zeros(3), years, 0.03) is None
    assert internal_rate(np.zeros(3), years, 100.0) is None


def test_the_interval_of_a_price_covers_the_price_of_many_paths() -> None:
    deal = parse_deal(MIXED)
    truth = simulate_deal(deal, rate=0.03, paths=60_000, seed=99).tranche("B")
    inside = [
        (r.price.low <= truth.price.value <= r.price.high, r.expected_loss.low <= truth.expected_loss.value <= r.expected_loss.high)
        for r in (simulate_deal(deal, rate=0.03, paths=1_000, seed=s).tranche("B") for s in range(60))
    ]  # fmt: skip
    covered = np.array(inside).mean(axis=0)
    assert (covered > 0.8).all()
    assert covered[0] >= 0.85


def test_a_floating_class_follows_the_index() -> None:
    plain = yaml.safe_load(MIXED)
    fixed = copy.deepcopy(plain)
    plain["tranches"][0] = {"id": "A", "share": 0.7, "margin": 0.005}
    plain["index"] = {date(2024, 1, 1): 0.03}
    floating, same = (simulate_deal(parse_deal(yaml.safe_dump(p)), rate=0.03, paths=500) for p in (plain, fixed))
    assert floating.tranche("A").price == same.tranche("A").price
    plain["index"] = {date(2024, 1, 1): 0.03, date(2024, 4, 10): 0.05}
    raised = simulate_deal(parse_deal(yaml.safe_dump(plain)), rate=0.03, paths=500)
    assert raised.mean_interest[0, 0] == floating.mean_interest[0, 0]
    assert raised.mean_interest[1, 0] > 1.3 * floating.mean_interest[1, 0]


def read(name: str) -> dict:
    return json.loads((GOLDEN / name).read_text("utf-8"))


@pytest.mark.golden
def test_absbox_china_case_01() -> None:
    """AbsBox project (Apache-2.0), case 01: every payment date; amounts within 1e-3 of the face without its rounding.

    The stored answer is one of several versions of the file: 17 dates with payments, where the reference counted 18.
    """
    case = read("absbox_01.json")
    dates = [date.fromisoformat(row[0]) for row in case["rows"]]
    asset = {"id": "a", "kind": "loan", "balance": 120.0, "rate": 0.08, "first_due": dates[0], "interval_months": 1, "payments": 1,
             "credit": {"annual_pd": 0.0}}  # fmt: skip
    deal = parse_deal(
        yaml.safe_dump(
            {
                "id": "absbox", "name": "absbox", "closing": date(2021, 6, 15), "first_payment": dates[0],
                "payment_interval_months": 1, "legal_final": date(2022, 12, 26), "day_count": "act/365f",
                "pool": {"recovery": {"mean": 0.0}, "assets": [asset]},
                "tranches": [{"id": "A1", "balance": 100.0, "coupon": 0.07}, {"id": "B", "balance": 20.0, "is_residual": True}],
                "fees": [{"id": "trust", "amount": 10.0, "once": True}],
                "waterfall": [{"pay_fees": ["trust"]}, {"pay_interest": ["A1"]}, {"pay_principal": ["A1"]},
                              {"pay_principal": ["B"]}, {"pay_residual": True}],
            }
        )
    )  # fmt: skip
    flows = np.zeros((1, 18, 6))
    ends = [add_months(date(2021, 2, 28), k) for k in range(21)]
    ends = [day.replace(day=monthrange(day.year, day.month)[1]) for day in ends]
    accrued = [(120 - 6 * k) * 0.08 * (b - a).days / 365 for k, (a, b) in enumerate(pairwise(ends))]
    assert [sum(accrued[:4]), *accrued[4:]] == pytest.approx(case["interest"], abs=0.025)
    flows[0, :17, 0] = case["interest"]
    flows[0, :17, 1] = case["principal"]
    flows[0, :, 5] = np.maximum(120.0 - np.cumsum(flows[0, :, 1]), 0)
    ledger = ledgers(compile_deal(deal), flows)[0]
    for t, (_, balance, interest, principal, junior) in enumerate(case["rows"]):
        senior = ledger[t, LEDGER_COLUMNS : LEDGER_COLUMNS + 3]
        assert senior == pytest.approx([interest, principal, balance], abs=0.1), t
        assert ledger[t, LEDGER_COLUMNS + 5] == pytest.approx(junior, abs=0.1)
        assert (senior[0] > 0.005) == (interest > 0)
    # Every accrual of that engine is ours cut off, not rounded, to a cent; given its balances each row is then exact.
    days = [(b - a).days for a, b in pairwise([date(2021, 6, 15), *dates])]
    before = [100.0, *(row[1] for row in case["rows"])]
    for t, (_, balance, interest, principal, junior) in enumerate(case["rows"]):
        assert interest == np.floor(100 * before[t] * 0.07 * days[t] / 365 + 1e-9) / 100, t
        cash = case["interest"][t] + case["principal"][t] - (10.0 if t == 0 else 0.0)
        assert principal + junior == pytest.approx(cash - interest, abs=1e-9) or t == 16
        assert balance == pytest.approx(before[t] - principal, abs=1e-9)


@pytest.mark.golden
@pytest.mark.parametrize("run", ["starved", "noisy"])
def test_waterfall_py_runs_the_same_structure_to_the_same_cash(run: str) -> None:
    """waterfall-py 0.2.0 (MIT), run once on a structure both can express; see benchmarks/securitisation.py for it live.

    In the starved run the reserve is drawn and the mezzanine classes bear no interest, because the peer forgets what it does
    not pay them.
    """
    case = read("waterfall_py.json")[run]
    program, flows = shared_structure(np.array(case["cash"]), (0.0, 0.0) if run == "starved" else (0.045, 0.06))
    ledger = ledgers(program, flows)[0]
    assert np.abs(conservation_error(program, ledger[None])).max() < 1e-6
    for k, name in enumerate(("A1", "A2", "M1", "M2")):
        at = LEDGER_COLUMNS + 4 * k
        assert ledger[:, at] == pytest.approx(case["interest"][name], abs=1e-4), name
        assert ledger[:, at + 1] == pytest.approx(case["principal"][name], abs=1e-4), name
    # Once the notes are paid the peer goes on charging the fee, and keeps the reserve to the last period.
    left = ledger[:, [LEDGER_COLUMNS + 4 * k + 2 for k in range(4)]].sum(axis=1)
    alive = left > 1.0
    assert 60 < alive.sum() < 120
    assert ledger[alive, Column.RESERVE] == pytest.approx(np.array(case["reserve"])[alive], abs=1e-4)
    assert ledger[alive, Column.FEES] == pytest.approx(np.array(case["fees"])[alive], abs=1e-6)
    assert ledger[alive, Column.RESIDUAL] == pytest.approx(np.array(case["equity"])[alive], abs=1e-3)
    assert (min(case["reserve"][:100]) < 5e6) == (run == "starved")


@pytest.mark.golden
def test_fabozzi_sequential_cmo() -> None:
    """Fabozzi FJF-01 (recalled; tolerance 0.025 years, 1 dollar): cash of month 1 at 100 PSA, average lives at 165 PSA."""
    scheduled, prepaid, _, _ = cmo(100)
    assert (scheduled[0], prepaid[0]) == (pytest.approx(267_535, abs=1), pytest.approx(267_470, abs=1))
    scheduled, prepaid, interest, balance = cmo(165)
    flows = np.zeros((1, 357, 6))
    flows[0, :, 0], flows[0, :, 1], flows[0, :, 2], flows[0, :, 5] = interest, scheduled, prepaid, balance
    program = cmo_program()
    years = np.arange(1, 358) / 12
    total = sums(program, flows, years, np.ones((357, 4)))
    lives = (total.weighted_principal / total.principal)[0]
    assert lives == pytest.approx([3.48, 7.49, 11.19, 20.27], abs=0.025)
    assert weighted_life(scheduled + prepaid, years) == pytest.approx(8.76, abs=0.025)


def cmo(psa: float) -> tuple[np.ndarray, ...]:
    """Pass-through of 400 million, 8.125 %, 357 months left, 3 months old, net 7.5 %."""
    left, c = 400e6, 0.08125 / 12
    rows = []
    for k in range(357):
        age = k + 4
        pays = left * c / (1 - (1 + c) ** -(357 - k))
        scheduled = min(pays - left * c, left)
        smm = 1 - (1 - psa / 100 * 0.06 * min(age / 30, 1)) ** (1 / 12)
        prepaid = smm * (left - scheduled)
        rows.append((scheduled, prepaid, left * 0.075 / 12, max(left - scheduled - prepaid, 0.0)))
        left = rows[-1][3]
    return tuple(np.array(rows).T)


def cmo_program():
    """Four classes, sequential, all at 7.5 %."""
    plain = yaml.safe_load(MIXED)
    sizes = {"A": 194.5e6, "B": 36e6, "C": 96.5e6, "D": 73e6}
    plain |= {"closing": date(2000, 1, 1), "first_payment": date(2000, 2, 1), "payment_interval_months": 1,
              "legal_final": date(2029, 10, 1), "day_count": "30/360"}  # fmt: skip
    plain["pool"] = {"recovery": {"mean": 0.0}, "assets": [
        {"id": "m", "kind": "loan", "balance": 400e6, "rate": 0.08125, "first_due": date(2000, 2, 1), "interval_months": 1,
         "payments": 357, "credit": {"annual_pd": 0.0}}]}  # fmt: skip
    plain["tranches"] = [{"id": k, "balance": v, "coupon": 0.075} for k, v in sizes.items()]
    for name in ("fees", "reserve", "guarantor", "triggers", "clean_up_call", "buy_back"):
        plain.pop(name)
    plain["waterfall"] = [
        {"pay_interest": list(sizes)},
        {"pay_principal": list(sizes), "order": "sequential"},
        {"pay_residual": True},
    ]
    return compile_deal(parse_deal(yaml.safe_dump(plain)))


def revolving(pd: float) -> dict:
    """The mixed deal with a year in which principal buys new quarterly bullets of two years."""
    plain = yaml.safe_load(MIXED)
    plain["legal_final"] = date(2029, 4, 10)
    plain["revolving"] = {
        "until": date(2025, 1, 10), "stop": "loss",
        "asset": {"kind": "loan", "rate": 0.07, "first_due": date(2024, 4, 10), "interval_months": 3, "payments": 8,
                  "amortisation": "bullet", "credit": {"annual_pd": pd, "correlation": 0.2}},
    }  # fmt: skip
    for entry in plain["pool"]["assets"]:
        entry["credit"] = {"annual_pd": pd, "correlation": 0.2}
    steps = plain["waterfall"]
    steps.insert(3, {"buy_assets": True, "when": "revolving"})
    for step in steps:
        if step.get("pay_principal") and step.get("amount") == "collections":
            step["when"] = "amortising"
            step.pop("unless")
    plain["triggers"].append({"id": "amortising", "test": "from_date", "day": date(2025, 1, 11)})
    return plain


def test_a_revolving_period_keeps_notes_and_pool_and_ends_with_its_trigger() -> None:
    calm = revolving(0.0)
    for entry in calm["pool"]["assets"]:
        entry.pop("revenue_share", None)
    result = simulate_deal(parse_deal(yaml.safe_dump(calm)), rate=0.03, paths=200)
    deal = result.deal
    assert result.mean_balance[3, 0] == pytest.approx(deal.tranches[0].balance)
    assert result.mean_deal[3, Column.POOL] == pytest.approx(deal.pool.balance, rel=1e-9)
    assert result.mean_deal[:4, Column.PURCHASES].min() > 0 == result.mean_deal[4:, Column.PURCHASES].max()
    assert result.tranche("A").expected_loss.value == 0.0
    stressed = simulate_deal(parse_deal(yaml.safe_dump(revolving(0.15))), rate=0.03, paths=2_000)
    assert stressed.conservation_error < 1e-6
    assert stressed.mean_deal[3, Column.PURCHASES] < 0.7 * result.mean_deal[3, Column.PURCHASES]
    assert stressed.tranche("A").weighted_life_years.value < result.tranche("A").weighted_life_years.value  # type: ignore[union-attr]


def test_assets_bought_later_default_at_the_conditional_hazard_of_the_path() -> None:
    pool = compile_pool(parse_deal(yaml.safe_dump(revolving(0.1))))
    paths = pool_paths(pool, 40_000, 3)
    survival = np.cumprod(1 - paths.hazard, axis=1).mean(axis=0)
    assert 1 - survival == pytest.approx(1 - 0.9 ** np.cumsum(pool.period_years), rel=0.03)
    assert np.corrcoef(paths.hazard.sum(axis=1), paths.factors.factor)[0, 1] < -0.5


def test_a_compiled_pool_has_the_balance_of_the_deal() -> None:
    deal = parse_deal(MIXED)
    pool = compile_pool(deal)
    assert pool.opening[:, 0].sum() == pytest.approx(deal.pool.balance)
    assert pool.principal.sum() == pytest.approx(deal.pool.balance)
    paths = pool_paths(pool, 300, 1)
    assert identity_error(paths.flows, deal.pool.balance) < 1e-6
