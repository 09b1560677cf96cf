"""Published and closed-form numbers of tranches, capital and sizing."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import pairwise

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from zhirong.finance.securitisation import parse_deal, simulate_deal
from zhirong.finance.securitisation.capital import (
    RISK_WEIGHT_MAX,
    pool_capital_charge,
    retention_of,
    sec_erba,
    sec_sa,
    tranche_capital,
)
from zhirong.finance.securitisation.compiling import compile_pool
from zhirong.finance.securitisation.library import load_deal
from zhirong.finance.securitisation.sizing import Target, _Trial, named_target, size_tranches
from zhirong.kernel.errors import ConvergenceError, DomainError, UnknownNameError
from zhirong.numerics.default_paths import pool_paths
from zhirong.numerics.tranches import large_pool_tranche_loss, loss_distribution, tranche_spread
from zhirong.params import load

DAY = date(2024, 6, 30)


def one_period(
    names: int = 400, *, pd: float = 0.05, rho: float = 0.15, recovery: float = 0.4, shares=(0.85, 0.10)
) -> str:
    """A pool of equal bullets due in a year, without rates, fees or lag: losses of the classes are clips of the pool's."""
    loan = {
        "id": "loan",
        "kind": "loan",
        "count": names,
        "total": 1e8,
        "rate": 0.0,
        "first_due": date(2025, 1, 1),
        "interval_months": 12,
        "payments": 1,
        "amortisation": "bullet",
        "credit": {"annual_pd": pd, "correlation": rho},
    }
    ids = [f"T{k}" for k in range(len(shares))]
    return yaml.safe_dump(
        {
            "id": "one", "name": "one", "closing": date(2024, 1, 1), "first_payment": date(2025, 1, 1),
            "payment_interval_months": 12, "legal_final": date(2025, 1, 1), "day_count": "30/360",
            "pool": {"recovery": {"mean": recovery, "lag_months": 0}, "assets": [loan]},
            "tranches": [{"id": k, "share": s} for k, s in zip(ids, shares, strict=True)]
            + [{"id": "E", "balance": "rest", "is_residual": True}],
            "waterfall": [{"pay_principal": [*ids, "E"], "order": "sequential"}, {"pay_residual": True}],
        }
    )  # fmt: skip


@pytest.mark.golden
def test_large_pool_tranches() -> None:
    """Reference 2.5 (computed from the stated formula), tolerance 1e-6."""
    found = [large_pool_tranche_loss(0.05, 0.15, 0.4, a, d) for a, d in ((0, 0.05), (0.05, 0.15), (0.15, 1))]
    assert found == pytest.approx([0.509860411716116, 0.0439688879866249, 0.000129518332091627], abs=1e-6)
    assert np.dot(found, [0.05, 0.10, 0.85]) == pytest.approx(0.03, abs=1e-12)


@given(
    st.floats(0.001, 0.6),
    st.floats(0.0, 0.9),
    st.floats(0, 0.9),
    st.lists(st.floats(0.01, 0.99), max_size=4, unique=True),
)
def test_tranches_of_a_partition_add_up_to_the_loss_of_the_pool(
    pd: float, rho: float, recovery: float, cuts: list
) -> None:
    edges = [0.0, *sorted(cuts), 1.0]
    parts = [large_pool_tranche_loss(pd, rho, recovery, a, d) * (d - a) for a, d in pairwise(edges) if d > a]
    assert sum(parts) == pytest.approx(pd * (1 - recovery), abs=1e-9)


@pytest.mark.golden
def test_hull_and_white_2004_table_7() -> None:
    """Fair spreads at correlation 0.1, as printed in the test suite of QuantLib; within 4 % or 1 bp, as that suite asks."""
    found = [
        1e4 * tranche_spread(0.01, 100, 0.1, 0.4, a, d, rate=0.05, years=5)
        for a, d in ((0, 0.03), (0.03, 0.06), (0.06, 0.1), (0.1, 1.0))
    ]
    for ours, printed in zip(found, (2279, 450, 89, 1), strict=True):
        assert abs(ours - printed) <= max(0.04 * printed, 1.0)
    assert found == pytest.approx([2274.3, 455.2, 91.1, 0.7], abs=0.06)


def test_loss_distribution_of_independent_names_is_their_convolution() -> None:
    p, units = np.array([0.1, 0.2, 0.5]), np.array([1, 3, 2])
    brute = np.zeros(7)
    for state in np.ndindex(2, 2, 2):
        s = np.array(state)
        brute[int(s @ units)] += np.prod(np.where(s == 1, p, 1 - p))
    assert loss_distribution(p, units, 0.0) == pytest.approx(brute, abs=1e-14)
    dependent = loss_distribution(p, units, 0.4)
    assert dependent.sum() == pytest.approx(1.0, abs=1e-12)
    assert dependent @ np.arange(7) == pytest.approx(p @ units, abs=1e-9)


@pytest.mark.golden
def test_simulated_tranches_equal_the_large_pool_formula() -> None:
    """2,000 equal names come within the granularity and the simulation error of the limit."""
    deal = parse_deal(one_period(2000, shares=(0.85, 0.10)))
    result = simulate_deal(deal, rate=0.0, paths=20_000, seed=3)
    for name, (a, d) in {"T0": (0.15, 1.0), "T1": (0.05, 0.15), "E": (0.0, 0.05)}.items():
        estimate = result.tranche(name).expected_loss
        exact = large_pool_tranche_loss(0.05, 0.15, 0.4, a, d)
        assert abs(estimate.value - exact) < 4 * estimate.standard_error + 2e-4 * (name != "T0") + 2e-5, name
    assert result.pool_loss.low < 0.03 < result.pool_loss.high


@pytest.mark.golden
def test_standardised_approach_worked_example() -> None:
    """CBUAE rulebook, securitisation standardised approach: K_A 0.1235, risk weight 954 %; more digits from the formula."""
    k_a = pool_capital_charge(0.09, 0.06, 0.01)
    assert k_a == pytest.approx(0.1235, rel=1e-3)
    assert k_a == pytest.approx(0.123454, abs=1e-12)
    assert 100 * sec_sa(0.05, 0.25, k_a) == pytest.approx(954, rel=1e-3)
    assert 100 * sec_sa(0.05, 0.25, k_a) == pytest.approx(953.844801958846, abs=1e-9)


GRID = [
    (0, 0.05, (1250.0, 1250.0, 1250.0)), (0.05, 0.15, (958.137980321491, 1034.53243527314, 1122.79772373739)),
    (0.05, 0.2, (767.913226567713, 848.218154451792, 950.84237079037)), (0.15, 1, (49.0413987746953, 64.7565707577803, 91.4153241934956)),
    (0.2, 1, (27.8900037568539, 39.0795068795736, 59.1955528995685)), (0.25, 1, (15.9230450897495, 23.675400535992, 38.4786183695936)),
]  # fmt: skip


@pytest.mark.golden
@pytest.mark.parametrize(("attachment", "detachment", "weights"), GRID)
def test_standardised_approach_before_the_floor(attachment: float, detachment: float, weights: tuple) -> None:
    """Reference grid, K_SA 8 %, W 0, 2, 5 %; tolerance 1e-6 per cent."""
    for w, weight in zip((0, 0.02, 0.05), weights, strict=True):
        found = 100 * sec_sa(attachment, detachment, pool_capital_charge(0.08, w), floor=0.0)
        assert found == pytest.approx(weight, abs=1e-6)


@given(st.floats(0.01, 0.3), st.lists(st.floats(0.01, 0.99), min_size=1, max_size=4, unique=True))
def test_capital_of_all_classes_exceeds_that_of_the_pool(k_a: float, cuts: list) -> None:
    """Before floors, with p above 0 the classes together need more than the pool, and less with a smaller p."""
    edges = [0.0, *sorted(cuts), 1.0]

    def total(p: float) -> float:
        return sum(0.08 * sec_sa(a, d, k_a, p=p, floor=0.0) * (d - a) for a, d in pairwise(edges) if d - a > 1e-9)

    assert k_a - 1e-9 <= total(0.5) <= total(1.0) + 1e-12


@pytest.mark.golden
def test_external_ratings_worked_example() -> None:
    """CBUAE rulebook, paragraph 40: BB+, not senior, A 5 %, D 30 %, two years: 0.75 x 497.5 % = 373 %."""
    book = load()
    found = sec_erba("BB+", is_senior=False, maturity_years=2, attachment=0.05, detachment=0.30, book=book, on=DAY)
    assert found == pytest.approx(0.75 * 4.975, abs=1e-12)
    assert round(100 * found) == 373
    assert sec_erba("AAA", is_senior=True, maturity_years=9, attachment=0.2, detachment=1, book=book, on=DAY) == 0.20
    simple = sec_erba(
        "AAA", is_senior=True, maturity_years=5, attachment=0.2, detachment=1, book=book, on=DAY, is_simple=True
    )
    assert simple == 0.10
    with pytest.raises(UnknownNameError, match="AAAA"):
        sec_erba("AAAA", is_senior=True, maturity_years=1, attachment=0, detachment=1, book=book, on=DAY)


def test_external_ratings_never_favour_a_worse_rating_a_longer_or_a_junior_class() -> None:
    book = load()
    for simple in (False, True):
        table = book.value("securitisation.capital.erba_simple" if simple else "securitisation.capital.erba", DAY)
        rows = np.array(list(table.values()))
        assert (np.diff(rows, axis=0) >= 0).all()
        assert (
            (rows[:, 1] >= rows[:, 0]).all() and (rows[:, 3] >= rows[:, 2]).all() and (rows[:, 2:] >= rows[:, :2]).all()
        )
        assert rows.max() == RISK_WEIGHT_MAX


def test_capital_of_a_deal_and_its_cap() -> None:
    deal = load_deal("lease_2019")
    senior, junior = tranche_capital(deal, k_sa=0.08, book=load(), on=DAY)
    assert junior.risk_weight == RISK_WEIGHT_MAX
    assert senior.risk_weight == pytest.approx(min(sec_sa(37 / 733, 1.0, 0.08), 1.0))
    assert junior.capital == pytest.approx(37e6)
    rated, _ = tranche_capital(deal, k_sa=0.08, book=load(), on=DAY, ratings={"A": "AA"}, maturity_years=3)
    assert rated.approach == "SEC-ERBA"
    assert rated.risk_weight == pytest.approx(0.325)


def test_retention_names_the_rule_and_its_source() -> None:
    deal = load_deal("lease_2019")
    whole, lowest = retention_of(deal, {"S": 37e6}, book=load(), on=DAY)
    assert whole.required == pytest.approx(0.05 * 733e6)
    assert whole.is_met and lowest.is_met
    assert "2013" in whole.rule.source.title
    assert not retention_of(deal, {"S": 30e6}, book=load(), on=DAY)[0].is_met
    with pytest.raises(DomainError, match=r"kept\.S"):
        retention_of(deal, {"S": 50e6}, book=load(), on=DAY)


def test_sizing_finds_the_attachment_of_the_closed_form() -> None:
    target = Target("x", 0.002)
    deal = parse_deal(one_period(1000, shares=(0.5,)))
    sizing = size_tranches(deal, {"T0": target}, rate=0.0, paths=20_000, seed=5)
    attachment = 1 - sizing.shares["T0"]
    assert large_pool_tranche_loss(0.05, 0.15, 0.4, attachment, 1.0) == pytest.approx(0.002, rel=0.12)
    assert sizing.binding == {"T0": "expected_loss"}
    assert sizing.result.tranche("T0").expected_loss.value == pytest.approx(0.002, rel=1e-3)
    assert sizing.is_resolved["T0"]
    assert sum(sizing.shares.values()) == pytest.approx(1.0)


def test_sizing_of_two_classes_meets_both_targets_and_no_larger_size_does() -> None:
    targets = {"T0": Target("a", 0.001, 0.05), "T1": Target("b", 0.15)}
    sizing = size_tranches(
        parse_deal(one_period(100, shares=(0.4, 0.3))), targets, rate=0.0, paths=4_000, least_equity=0.03
    )
    for name, target in targets.items():
        found = sizing.result.tranche(name)
        assert found.expected_loss.value <= target.expected_loss + 1e-12
        assert found.loss_probability.value <= target.loss_probability
    assert sizing.shares["E"] >= 0.03 - 1e-9
    assert set(sizing.binding.values()) <= {"expected_loss", "loss_probability", "least_equity"}


def test_least_cost_beats_the_largest_senior_class_and_every_point_of_a_grid() -> None:
    """A mezzanine class at 4 % is worth giving up some senior paper at 3 % where equity costs 15 %."""
    plain = yaml.safe_load(one_period(60, shares=(0.4, 0.3)))
    plain["tranches"][0]["coupon"], plain["tranches"][1]["coupon"] = 0.0, 0.0
    plain["waterfall"].insert(0, {"pay_interest": ["T0", "T1"]})
    deal = parse_deal(yaml.safe_dump(plain))
    deal = replace(deal, tranches=(deal.tranches[0], replace(deal.tranches[1], coupon=0.01), deal.tranches[2]))
    targets = {"T0": Target("a", 0.001), "T1": Target("b", 0.02)}
    with pytest.raises(ConvergenceError, match="T1"):
        size_tranches(deal, targets, rate=0.0, paths=2_000)
    sizing = size_tranches(deal, targets, rate=0.0, paths=2_000, equity_cost=0.15)
    for name, target in targets.items():
        assert sizing.result.tranche(name).expected_loss.value <= target.expected_loss + 1e-12
    assert sizing.binding["T0"] == "cost"
    assert sizing.shares["T1"] > 0.01
    best = np.inf
    pool = pool_paths(compile_pool(deal), 2_000, 1)
    trial = _Trial(deal, pool, False, 1)
    for senior in np.linspace(0.6, 0.95, 36):
        for junior in np.linspace(0.0, 1 - senior, 30)[1:-1]:
            losses = trial.losses({"T0": senior, "T1": junior, "E": 1 - senior - junior})
            if losses["T0"][0] <= 0.001 and losses["T1"][0] <= 0.02:
                best = min(best, 0.01 * junior + 0.15 * (1 - senior - junior))
    assert sizing.cost is not None
    assert sizing.cost <= best + 1e-4
    with pytest.raises(DomainError, match="equity_cost"):
        size_tranches(deal, targets, rate=0.0, paths=500, equity_cost=-1.0)


def test_sizing_refuses_what_cannot_be() -> None:
    deal = parse_deal(one_period(5, pd=0.6, recovery=0.0, shares=(0.5,)))
    with pytest.raises(ConvergenceError, match="T0"):
        size_tranches(deal, {"T0": Target("x", 1e-9)}, rate=0.0, paths=500)
    with pytest.raises(UnknownNameError, match="T9"):
        size_tranches(deal, {"T9": Target("x", 0.1)}, rate=0.0, paths=500)
    with pytest.raises(DomainError, match="expected_loss"):
        Target("x", 0.0)
    assert named_target("AA", load(), DAY).parameters[0].source.grade == "recalled"


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (lambda: pool_capital_charge(1.2), "k_sa"),
        (lambda: sec_sa(0.3, 0.2, 0.1), "attachment"),
        (lambda: sec_sa(0.1, 0.2, 0.1, p=0), "k_a"),
        (lambda: large_pool_tranche_loss(0.0, 0.1, 0.4, 0, 1), "probability"),
        (lambda: large_pool_tranche_loss(0.1, 1.0, 0.4, 0, 1), "rho"),
        (lambda: loss_distribution(np.array([0.1]), np.array([1, 2]), 0.1), "units"),
        (lambda: tranche_spread(0.0, 100, 0.1, 0.4, 0, 0.03, rate=0.05, years=5), "hazard"),
    ],
)
def test_bad_arguments_are_named(bad, said: str) -> None:
    with pytest.raises(DomainError, match=said):
        bad()


def test_unknown_delinquency_above_five_per_cent_leaves_no_relief() -> None:
    assert sec_sa(0.2, 1.0, pool_capital_charge(0.08, 0.0, 0.06)) == RISK_WEIGHT_MAX
