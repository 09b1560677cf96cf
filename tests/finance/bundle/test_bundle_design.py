"""The bundle: the reference illustration to its printed digits, brute force, limits, conservation, bad input."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from bundle_cases import CASES, NEED, offers, risk
from hypothesis import given, settings
from hypothesis import strategies as st

from zhirong.finance.bundle import (
    PROGRAMMES,
    Bank,
    Bundle,
    Kicker,
    Need,
    NoBundle,
    Pool,
    Protector,
    PublicMoney,
    Risk,
    TakeOut,
    compare,
    dated_cost,
    design,
    fixed_point,
    frontier,
    linked_offers,
    programme,
    separate_cost,
    share_gains,
    transfers,
)
from zhirong.kernel.errors import DomainError, UnknownNameError
from zhirong.kernel.text import Bilingual
from zhirong.params import load

# Least cost to the firm, % of the loan a year: shared reference on IP finance, section 3.3 (computed there from the stated formula).
COST = {
    0.01: {"bare": 4.069, "qingdao": 3.647, "zhuhai": 3.475, "zhongshan": 3.156, "free": 3.091},
    0.02: {"bare": 5.081, "qingdao": 4.360, "zhuhai": 4.103, "zhongshan": 3.572, "free": 3.655},
    0.03: {"bare": 5.985, "qingdao": 5.001, "zhuhai": 4.658, "zhongshan": 3.936, "free": 4.287},
    0.05: {"bare": 7.731, "qingdao": 6.490, "zhuhai": 5.725, "zhongshan": 4.633, "free": 5.714},
    0.08: {"bare": None, "qingdao": 9.036, "zhuhai": 7.309, "zhongshan": 5.667, "free": 8.282},
}


def found(spec, pd: float = 0.03, **more) -> Bundle:
    bundle = design(spec, NEED, risk(pd), **more)
    assert isinstance(bundle, Bundle)
    return bundle


@pytest.mark.golden
@pytest.mark.parametrize("pd", COST)
@pytest.mark.parametrize("name", CASES)
def test_the_illustration_to_its_printed_digits(pd: float, name: str) -> None:
    answer = design(CASES[name], NEED, risk(pd))
    if COST[pd][name] is None:
        assert isinstance(answer, NoBundle)
        assert answer.breaches[0].name == "bank.participation"
        return
    assert isinstance(answer, Bundle)
    assert 100 * answer.cost == pytest.approx(COST[pd][name], abs=0.0011)
    assert answer.gap <= 1e-7


@pytest.mark.golden
def test_the_free_case_and_its_cycle() -> None:
    bundle = found(CASES["free"])
    assert bundle.cost == pytest.approx(0.0428722901158655, abs=1e-7)
    assert bundle.risk.capital == pytest.approx(0.111275761542788, abs=1e-7)
    settled = fixed_point(CASES["free"], NEED, risk(0.03), slope=15, at_cost=0.05)
    assert settled.pd == pytest.approx(0.0259819725014634, abs=1e-7)
    assert isinstance(settled.bundle, Bundle)
    assert settled.bundle.cost == pytest.approx(0.040413703368349, abs=1e-7)
    # A second default probability, about 16 %, agrees with its own cost of 16 %: a firm in trouble could stay there.
    assert settled.is_unique is False
    assert fixed_point(CASES["free"], NEED, risk(0.03), slope=5, at_cost=0.05).is_unique is True


@pytest.mark.golden
def test_the_insurer_breaks_even_where_the_reference_says() -> None:
    # Premium 2 % on the whole loan, 25 % expenses, 60 % of the loss: break-even at an expected loss of 2.5 %.
    insurer = Protector("insurer", Bilingual("保险", "insurer"), 0.6, expense=0.25, most_price=0.02, is_refunded=True)
    spec = replace(CASES["qingdao"], protectors=(insurer,), pool=None)
    at = replace(spec, bank=replace(spec.bank, least_share=0.4, rate_high=1.0))
    assert found(at, pd=0.025 / 0.75).shares["insurer"] == pytest.approx(0.6)
    assert found(at, pd=0.0251 / 0.75).shares["insurer"] < 0.6 - 1e-4


def test_a_grid_finds_nothing_cheaper() -> None:
    """Brute force over shares: with shares given every price is at its least, so that a grid of shares is the whole problem."""
    spec, of = CASES["free"], risk(0.03)
    best, loss, k = found(spec).cost, of.expected_loss, of.capital
    least = np.inf
    for a_i in np.linspace(0, 0.6, 61):
        for a_g in np.linspace(0, 0.2, 41):
            for a_f in np.linspace(0, min(0.54, 0.006 / loss), 41):
                a_b = 1 - a_i - a_g - a_f
                if a_b < 0.2 - 1e-12:
                    continue
                p_i = (loss + 0.1 * k) * a_i / 0.75
                p_g = (loss + 0.02 * k + 0.005) * a_g
                r = max(0.024 + loss * a_b + 0.12 * k * (a_b + 0.2 * (1 - a_b)), 0.026)
                if r <= 0.08 and p_i <= 0.1 and p_g <= 0.03:
                    least = min(least, r + p_i + p_g - min(0.6 * p_i, 0.02))
    assert best <= least + 1e-12
    assert best == pytest.approx(least, abs=2e-4)


def test_a_take_out_is_used_where_it_saves_and_agrees_with_its_closed_form() -> None:
    bare = CASES["bare"]
    out = TakeOut(coupon=0.022, fee=0.002, kept=0.05, pool_loans=20, least_loans=10)
    plain, sold = found(bare), found(replace(bare, take_out=out))
    capital = plain.risk.capital
    saved = 0.12 * (capital - 0.05) - (0.95 * (0.022 - 0.02) + 0.002)
    assert sold.is_taken_out
    assert plain.cost - sold.cost == pytest.approx(saved, abs=1e-9)
    assert not found(replace(bare, take_out=replace(out, pool_loans=5))).is_taken_out
    assert not found(replace(bare, take_out=replace(out, fee=0.02))).is_taken_out


def test_a_fixed_fee_makes_taking_part_a_yes_or_no() -> None:
    free = CASES["free"]
    dear = replace(free, protectors=tuple(replace(p, fixed_cny=40_000.0) for p in free.protectors))
    assert found(dear).prices["insurer"] == 0.0
    cheap = replace(free, protectors=tuple(replace(p, fixed_cny=500.0) for p in free.protectors))
    assert found(cheap).cost == pytest.approx(found(free).cost + 0.0005, abs=1e-9)


def test_equity_is_given_only_where_cash_is_short() -> None:
    spec = replace(CASES["free"], kicker=Kicker(0.02, 0.6))
    assert found(spec).kicker == 0.0
    short = design(spec, replace(NEED, most_cash_cost=0.038), risk(0.03))
    assert isinstance(short, Bundle)
    assert short.kicker > 0.0
    assert short.cost - short.kicker == pytest.approx(0.038, abs=1e-9)
    assert short.cost > found(spec).cost


def test_a_shadow_price_is_what_one_more_unit_saves() -> None:
    spec = CASES["free"]
    price = next(c.shadow for c in found(spec).binding if c.name == "pool.expected")
    assert spec.pool is not None
    more = found(replace(spec, pool=replace(spec.pool, most_expected=0.0061)))
    assert (more.cost - found(spec).cost) / 1e-4 == pytest.approx(price, rel=1e-6)


def test_cover_earns_the_higher_interest_subsidy() -> None:
    spec = replace(CASES["free"], public=PublicMoney(0.2, 0.5, 0.6, 0.02))
    assert found(spec).interest_subsidy == pytest.approx(0.5 * 0.031, abs=1e-9)
    assert found(replace(spec, protectors=())).interest_subsidy == pytest.approx(0.2 * 0.031, abs=1e-9)
    capped = replace(spec, public=replace(spec.public, most_firm_cny=10_000.0))
    assert found(capped).interest_subsidy + found(capped).premium_subsidy == pytest.approx(0.01, abs=1e-9)


def test_more_public_money_never_costs_the_firm_more() -> None:
    points = frontier(CASES["free"], NEED, risk(0.03), budgets=np.linspace(0, 0.03, 13))
    costs = [p.cost for p in points if p.cost is not None]
    assert len(costs) == 13
    assert all(b <= a + 1e-12 for a, b in itertools.pairwise(costs))


def test_no_programme_beats_the_linked_design_at_equal_public_cost() -> None:
    book, day = load(), date(2025, 6, 30)
    need = Need(3e6, 12, 0.03, 8_000.0)
    draws = [Risk(pd, lgd) for pd in (0.015, 0.03, 0.045) for lgd in (0.6, 0.75, 0.9)]
    rows = compare(
        [programme(book, day, name) for name in PROGRAMMES],
        linked_offers(book, day),
        need,
        Risk(0.03, 0.75),
        draws=draws,
    )
    for row in rows:
        assert isinstance(row.programme, Bundle)
        assert isinstance(row.linked, Bundle)
        assert row.linked.public_cost <= row.programme.public_cost + 1e-9
        assert row.saving_on_programme is not None
        assert row.saving_on_programme.low >= -1e-9
        assert row.separate == separate_cost(row.programme)
        assert row.saving_on_separate is not None
        assert row.saving_on_separate.low > 0.0
        assert sum(row.programme.shares.values()) == pytest.approx(1.0)


@pytest.mark.golden
def test_shares_of_the_programmes_are_the_published_ones() -> None:
    # CNIPA typical cases, 2025-01-26; qzxia.com for Qingdao.
    published = {
        "zhongshan": {"pool": 0.54, "bank": 0.26, "insurer": 0.16, "valuer": 0.04},
        "zhuhai": {"bank": 0.6, "pool": 0.4},
        "shenzhen": {"pool": 0.5, "bank": 0.5},
        "qingdao": {"insurer": 0.6, "bank": 0.2, "guarantor": 0.2},
    }
    book, day = load(), date(2025, 6, 30)
    for name, shares in published.items():
        bundle = design(programme(book, day, name), NEED, Risk(0.02, 0.75))
        assert isinstance(bundle, Bundle)
        assert {k: v for k, v in bundle.shares.items() if v > 1e-9} == pytest.approx(shares)


def test_leverage_of_the_pool_binds() -> None:
    # CNIPA typical cases: pools of CNY 5.8 bn carry 58 bn, ten times. A pool of CNY 20,000 carries 200,000 of this million.
    spec = replace(
        CASES["zhongshan"],
        pool=Pool(0.54, size_cny=20_000.0, leverage=10.0),
        bank=replace(CASES["zhongshan"].bank, rate_high=0.2),
    )
    assert found(spec).shares["pool"] == pytest.approx(0.2)
    assert "pool.leverage" in {c.name for c in found(spec).binding}


def test_the_gain_is_shared_and_adds_up() -> None:
    gains = share_gains(CASES["free"], NEED, risk(0.03))
    assert gains is not None
    assert sum(gains.shapley.values()) == pytest.approx(gains.total, abs=1e-12)
    assert sum(gains.nucleolus.values()) == pytest.approx(gains.total, abs=1e-9)
    assert gains.worth[frozenset({"insurer", "pool"})] == 0.0
    assert not gains.bare_rate_is_beyond_cap
    hard = share_gains(CASES["free"], NEED, risk(0.08))
    assert hard is not None
    assert hard.bare_rate_is_beyond_cap


def test_expected_payments_of_the_bank_add_up() -> None:
    for bundle in (found(CASES["free"]), found(CASES["qingdao"]), found(CASES["zhongshan"], 0.05)):
        flows = transfers(bundle)
        received = sum(t.amount_cny for t in flows if t.payee == "bank")
        paid = sum(t.amount_cny for t in flows if t.payer == "bank")
        kept = (
            bundle.spec.bank.hurdle * bundle.risk.capital * (bundle.shares["bank"] + 0.2 * (1 - bundle.shares["bank"]))
        )
        assert received - paid == pytest.approx(kept * NEED.amount_cny, abs=1.0)
        cost = sum(t.amount_cny for t in flows if t.payer == "firm") - sum(
            t.amount_cny for t in flows if t.payee == "firm"
        )
        assert cost == pytest.approx(bundle.cost * NEED.amount_cny, abs=1.0)


def test_dated_flows_cost_about_what_the_design_says() -> None:
    bundle = found(CASES["qingdao"])
    dated = dated_cost(bundle, date(2025, 1, 6))
    assert dated.borrower_rate == pytest.approx(bundle.cost, abs=0.006)
    assert dated.before_subsidy_rate > dated.borrower_rate
    assert dated.public_cost.to_float() == pytest.approx(bundle.premium_subsidy * NEED.amount_cny, abs=1.0)


rates = st.floats(0.0, 0.2)
parts = st.floats(0.0, 1.0)


@settings(max_examples=60, deadline=None)
@given(st.floats(0.001, 0.3), parts, st.tuples(parts, parts, parts), st.floats(0, 0.05), parts, st.floats(0.03, 1.0))
def test_every_design_keeps_what_it_promises(pd, lgd, caps, budget, least, high) -> None:
    spec = offers(caps, bank_min=least, pool=budget)
    spec = replace(spec, bank=replace(spec.bank, rate_high=high))
    answer = design(spec, NEED, Risk(pd, lgd))
    if isinstance(answer, NoBundle):
        assert answer.breaches
        return
    assert sum(answer.shares.values()) == pytest.approx(1.0)
    assert answer.shares["bank"] >= least - 1e-7
    assert answer.shares["pool"] * answer.risk.expected_loss <= budget + 1e-7
    bank, k = spec.bank, answer.risk.capital
    asked = 0.024 + answer.risk.expected_loss * answer.shares["bank"] + 0.12 * k * (0.2 + 0.8 * answer.shares["bank"])
    assert answer.rate >= asked - 1e-7
    assert bank.rate_low - 1e-9 <= answer.rate <= high + 1e-9


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: Need(0.0, 12, 0.03), "amount_cny"),
        (lambda: Need(1e6, 0, 0.03), "months"),
        (lambda: Need(-1.0, 0, 2.0), "amount_cny.*months.*reference_rate"),
        (lambda: Risk(0.0, 0.5), "pd"),
        (lambda: Risk(float("nan"), 1.5), "pd.*lgd"),
        (lambda: Bank(0.02, 0.004, 0.12, 0.2, 0.2, 0.09, 0.08), "rate_low"),
        (lambda: Protector("x", Bilingual("甲", "x"), 0.3, least_share=0.4), "least_share"),
        (lambda: Protector("a b", Bilingual("甲", "x"), 0.3), "protector.name"),
        (lambda: Pool(1.4), "pool.most_share"),
        (lambda: PublicMoney(0.5, 0.2), "interest_share_covered"),
        (lambda: TakeOut(0.03, 0.004, 0.0, 10, 5), "take_out.kept"),
        (lambda: Kicker(0.1, 1.2), "kicker.worth"),
        (lambda: replace(CASES["free"], protectors=CASES["free"].protectors * 2), "protectors"),
        (lambda: fixed_point(CASES["free"], NEED, risk(0.03), slope=-1, at_cost=0.05), "slope"),
    ],
)  # fmt: skip
def test_impossible_terms_are_refused_by_name(make, field: str) -> None:
    with pytest.raises(DomainError, match=field):
        make()


def test_an_unknown_programme_is_named() -> None:
    with pytest.raises(UnknownNameError, match="qingdao"):
        programme(load(), date(2025, 6, 30), "quingdao")


@pytest.mark.realdata
def test_the_reference_oracles_are_those_tested_here(shared_data: Path) -> None:
    oracles = json.loads((shared_data.parent / "reference" / "oracles" / "finance.json").read_text("utf-8"))
    rows = next(o for o in oracles if o["id"] == "bundle.lp")["expected"]["rows"]
    for row in rows:
        for name, cost in COST[row["pd"]].items():
            assert row[name] == ("infeasible" if cost is None else cost)
