"""The income approach over draws: the reference's numbers, closed forms, limits, and refusals of mixtures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhirong.kernel.errors import DomainError
from zhirong.numerics.basis import Basis, one_basis
from zhirong.numerics.closed_forms import excess_earnings
from zhirong.numerics.distributions import quantile_table
from zhirong.numerics.income import (
    ContributoryAsset,
    charge_share,
    discount_times,
    equivalent_life,
    erosion,
    excess_earnings_values,
    grown,
    period_lengths,
    profit_split_values,
    tax_amortisation,
    valued,
    with_and_without_values,
)
from zhirong.numerics.montecarlo import (
    INPUTS,
    RoyaltyPlan,
    correlation_root,
    royalty_inputs,
    royalty_values,
    tax_amortisation_factor,
)
from zhirong.numerics.stacking import CapRule, Stack, count_probabilities, stacked_rates
from zhirong.numerics.streams import stream_key

GOLDEN = Path(__file__).parents[1] / "valuation" / "golden" / "closed_forms.json"
REVENUE = np.array([[1000.0, 1100.0, 1150.0]])
ONES = np.ones((1, 3))


@pytest.mark.golden
def test_excess_earnings_meet_the_reference() -> None:
    # Valuation reference 3.3, MPEEM oracle, checked there: flows 145, 159.5, 166.75; PV 387.016917; TAB 1.161753478.
    found = excess_earnings_values(REVENUE, 0.3, 0.08, 0.14, ONES, tax_rate=0.25, tax_life_years=10)
    np.testing.assert_allclose(found.flows[0], [145.0, 159.5, 166.75], rtol=1e-12)
    np.testing.assert_allclose(found.present_value, 387.01691728779963, rtol=1e-12)
    np.testing.assert_allclose(found.tax_factor, 1.161753477844332, rtol=1e-12)
    np.testing.assert_allclose(found.value, 449.6182496436934, rtol=1e-12)
    closed = excess_earnings(REVENUE[0], 0.3, 0.08, tax_rate=0.25, rate=0.14, tax_life_years=10, mid_period=True)
    np.testing.assert_allclose(found.value, closed.value, rtol=1e-14)


@pytest.mark.golden
@pytest.mark.parametrize("name", ["rfr.end_year", "rfr.mid_year", "tab.n10.mid", "tab.n15.end"])
def test_a_share_of_profit_that_is_a_royalty_meets_the_royalty_reference(name: str) -> None:
    # A royalty of k on sales is a share k/m of a margin m: the second way to the same published numbers.
    oracle = next(o for o in json.loads(GOLDEN.read_text("utf-8")) if o["id"] == name)
    p = oracle["inputs"]
    if "revenue" not in p:
        factor = tax_amortisation(p["tax"], p["n"], p["rate"], mid_period=p["timing"] == "mid")
        assert float(factor) == pytest.approx(oracle["expected"], rel=1e-10)
        return
    revenue = np.array([p["revenue"]])
    found = profit_split_values(
        revenue, 0.2, p["royalty"] / 0.2, p["rate"], np.ones_like(revenue), tax_rate=p["tax"],
        tax_life_years=p.get("n", 0), mid_period=p["timing"] == "mid",
    )  # fmt: skip
    assert float(found.value[0]) == pytest.approx(oracle["expected"], rel=1e-8)


@pytest.mark.golden
@pytest.mark.parametrize(("is_mid", "expected"), [(False, 311490.7942562005), (True, 332842.80047012784)])
def test_a_royalty_with_its_tax_benefit_meets_the_reference(is_mid: bool, expected: float) -> None:
    # Valuation reference 3.3, oracles rfr_tab.n10.end and .mid: revenue 1.05^t million, 10 years, k 5 %, tax 25 %, r 12 %.
    revenue = 1e6 * 1.05 ** np.arange(1, 11)[None, :]
    found = profit_split_values(
        revenue, 0.4, 0.125, 0.12, np.ones((1, 10)), tax_rate=0.25, tax_life_years=10, mid_period=is_mid
    )
    assert found.value.item() == pytest.approx(expected, rel=1e-12)


def test_draws_agree_with_the_compiled_relief_from_royalty() -> None:
    # The same inputs through the compiled kernel and through arrays: calendar, fading growth, term, TAB.
    families = [
        ("lognormal", {"median": 1e6, "sigma": 0.5}, 0.0, 1e12),
        ("normal", {"mean": 0.05, "sd": 0.04}, -0.5, 0.5),
        ("uniform", {"low": 0.01, "high": 0.08}, 0.0, 1.0),
        ("normal", {"mean": 0.15, "sd": 0.02}, 0.05, 0.3),
        ("uniform", {"low": 0.0, "high": 14.0}, 0.0, 60.0),
        ("beta", {"a": 8.0, "b": 2.0}, 0.0, 1.0),
    ]
    tables = np.stack([quantile_table(*family) for family in families])
    root = correlation_root(np.eye(len(INPUTS)))
    plan = RoyaltyPlan(11.3, 0.4, 0.25, 10.0, -0.02, 0.8)
    key = stream_key(3, "x")
    x = royalty_inputs(key, tables, root, draws=500)
    lengths = period_lengths(np.minimum(x[:, 4], 11.3), first_period_years=0.4)
    revenue = grown(x[:, 0], x[:, 1], lengths.shape[1], long_run=-0.02, fade=0.8)
    mine = profit_split_values(
        revenue, 0.2, x[:, 2] / 0.2, x[:, 3], lengths, tax_rate=0.25, tax_life_years=10, probability=x[:, 5]
    )
    np.testing.assert_allclose(mine.value, royalty_values(key, tables, root, plan, draws=500), rtol=1e-10)


def test_periods_and_times() -> None:
    lengths = period_lengths([2.25, 0.0, 3.5], first_period_years=0.5)
    assert lengths.sum(axis=1).tolist() == [2.25, 0.0, 3.5]
    assert discount_times(lengths)[0, :3].tolist() == [0.25, 1.0, 1.875]
    assert discount_times(lengths, mid_period=False)[0, :3].tolist() == [0.5, 1.5, 2.25]
    with pytest.raises(DomainError, match="first_period_years"):
        period_lengths([1.0], first_period_years=0.0)
    with pytest.raises(DomainError, match="0 to 64"):
        period_lengths([65.0])
    with pytest.raises(DomainError, match="0 to 64"):
        period_lengths([np.nan])


def test_growth_fades_to_the_long_run() -> None:
    path = grown([100.0], [0.1], 4, long_run=0.02, fade=0.5)
    np.testing.assert_allclose(path[0], [100, 110, 110 * 1.06, 110 * 1.06 * 1.04])


@given(st.floats(0, 0.5), st.floats(1, 40), st.floats(-0.01, 0.6))
def test_the_tax_factor_equals_the_scalar_form_and_solves_its_own_equation(
    tax: float, life: float, rate: float
) -> None:
    rate = round(rate, 6)  # nearer to zero the scalar form loses digits
    factor = float(tax_amortisation(tax, life, rate))
    assert factor == pytest.approx(tax_amortisation_factor(tax, life, rate, mid_period=True), rel=1e-8)
    # The value v with the benefit satisfies v = pv + tax * sum of (v/n) discounted; a whole life is a brute-force sum.
    whole = round(life)
    exact = float(tax_amortisation(tax, whole, rate))
    shield = tax / whole * sum((1 + rate) ** -(t - 0.5) for t in range(1, whole + 1))
    assert exact == pytest.approx(1 + exact * shield, rel=1e-9)


def test_no_law_no_benefit_and_a_loss_is_not_amortised() -> None:
    assert tax_amortisation(0.25, 0, 0.1).item() == 1.0
    assert tax_amortisation(0.25, 10, 0.0).item() == pytest.approx(1 / (1 - 0.25))
    loss = excess_earnings_values(REVENUE, 0.05, 0.08, 0.14, ONES, tax_rate=0.25, tax_life_years=10)
    assert loss.tax_factor.item() == 1.0
    assert loss.value.item() < 0
    with pytest.raises(DomainError, match="tax benefit"):
        tax_amortisation(0.9, 30, -0.2)


def test_charges_pay_for_the_asset_exactly() -> None:
    # The level payment over the life, discounted at the asset's own return, is the asset: return on and of, no more.
    share, parts = charge_share(
        (ContributoryAsset("machines", 0.6, 0.07, 8.0), ContributoryAsset("working_capital", 0.2, 0.04))
    )
    years = np.arange(1, 9)
    assert float(np.sum(parts["machines"] / 1.07**years)) == pytest.approx(0.6, rel=1e-12)
    assert float(parts["working_capital"]) == pytest.approx(0.2 * 0.04)
    assert float(share) == pytest.approx(float(parts["machines"]) + 0.008)
    _, kept = charge_share((ContributoryAsset("machines", 0.6, 0.07, 8.0, is_wear_in_margin=True),))
    assert float(kept["machines"]) == pytest.approx(0.042)
    _, free = charge_share((ContributoryAsset("machines", 0.6, 0.0, 8.0),))
    assert float(free["machines"]) == pytest.approx(0.075)
    with pytest.raises(DomainError, match="twice"):
        charge_share((ContributoryAsset("a", 0.1, 0.1), ContributoryAsset("a", 0.2, 0.1)))
    with pytest.raises(DomainError, match="life_years"):
        charge_share((ContributoryAsset("a", 0.1, 0.1, 0.0),))


def test_assets_whose_return_is_the_rate_leave_the_right_the_rest_of_the_business() -> None:
    # Limit case: with every asset asked the one rate, excess earnings are the value of the business less the assets.
    revenue, rate, n = np.full((1, 20), 500.0), 0.1, 20
    total, _ = charge_share((ContributoryAsset("plant", 0.9, rate, float(n)),))
    with_charge = excess_earnings_values(revenue, 0.25, total, rate, np.ones((1, n)), tax_rate=0.2, mid_period=False)
    business = excess_earnings_values(revenue, 0.25, 0.0, rate, np.ones((1, n)), tax_rate=0.2, mid_period=False)
    assert float(with_charge.value[0]) == pytest.approx(float(business.value[0]) - 0.9 * 500, rel=1e-12)


def test_erosion_is_integrated_and_does_not_depend_on_the_calendar() -> None:
    coarse = erosion(np.ones((1, 5)), 3.3, delay_years=0.7)
    fine = erosion(np.full((1, 50), 0.1), 3.3, delay_years=0.7)
    np.testing.assert_allclose(coarse[0], fine.reshape(5, 10).mean(axis=1), atol=1e-12)
    t = (np.arange(500_000) + 0.5) / 100_000
    brute = np.clip((t - 0.7) / 3.3, 0, 1).reshape(5, -1).mean(axis=1)
    np.testing.assert_allclose(coarse[0], brute, atol=1e-9)
    assert erosion(np.ones((1, 3)), np.inf).tolist() == [[0.0, 0.0, 0.0]]
    assert erosion(np.ones((1, 3)), 0.0, delay_years=1.25).tolist() == [[0.0, 0.75, 1.0]]
    assert erosion(np.ones((1, 3)), 0.0, delay_years=np.inf).tolist() == [[0.0, 0.0, 0.0]]


def test_with_and_without_limits() -> None:
    common = {"tax_rate": 0.25, "tax_life_years": 10.0}
    none = with_and_without_values(REVENUE, 0.3, 0.14, ONES, lost_share=0.0, erosion_years=2.0, **common)
    assert none.value.item() == 0.0
    # All of revenue lost at once: the right is worth the whole profit, which is excess earnings without charges.
    whole = with_and_without_values(REVENUE, 0.3, 0.14, ONES, lost_share=1.0, erosion_years=0.0, **common)
    full = excess_earnings_values(REVENUE, 0.3, 0.0, 0.14, ONES, **common)
    assert whole.value.item() == pytest.approx(full.value.item(), rel=1e-12)
    never = with_and_without_values(REVENUE, 0.3, 0.14, ONES, lost_share=1.0, erosion_years=np.inf, **common)
    assert never.value.item() == 0.0
    soon = with_and_without_values(
        REVENUE, 0.3, 0.14, ONES, lost_share=1.0, erosion_years=0.0, substitute_years=1.0, **common
    )
    assert soon.flows[0].tolist() == pytest.approx([225.0, 0.0, 0.0])
    spared = with_and_without_values(
        REVENUE,
        0.3,
        0.14,
        ONES,
        lost_share=0.0,
        erosion_years=0.0,
        substitute_years=2.0,
        substitute_cost=60.0,
        **common,
    )
    assert spared.flows[0].tolist() == pytest.approx([30.0, 30.0, 0.0])
    beyond = with_and_without_values(
        REVENUE,
        0.3,
        0.14,
        ONES,
        lost_share=0.0,
        erosion_years=0.0,
        substitute_years=5.0,
        substitute_cost=60.0,
        **common,
    )
    assert beyond.value.item() == 0.0
    with pytest.raises(DomainError, match="lost_share"):
        with_and_without_values(REVENUE, 0.3, 0.14, ONES, lost_share=1.2, erosion_years=1.0, **common)


def test_with_and_without_equals_two_plans_written_out() -> None:
    # Independent: the two cash-flow plans as a spreadsheet would hold them.
    margin, lost, fall, ramp, tax, rate = 0.28, 0.4, 0.06, 2.0, 0.2, 0.13
    pv = 0.0
    for t, (sales, gone) in enumerate(zip([1000.0, 1100.0, 1150.0], [0.25, 0.75, 1.0], strict=True)):
        with_right = sales * margin * (1 - tax)
        without = sales * (1 - gone * lost) * (margin - gone * fall) * (1 - tax)
        pv += (with_right - without) / (1 + rate) ** (t + 0.5)
    found = with_and_without_values(
        REVENUE, margin, rate, ONES, tax_rate=tax, lost_share=lost, erosion_years=ramp, margin_loss=fall
    )
    assert found.value.item() == pytest.approx(pv, rel=1e-12)


def test_profit_split_owes_nothing_in_a_year_of_loss() -> None:
    margin = np.array([[0.1, -0.2, 0.1]])
    found = profit_split_values(REVENUE, margin, 0.25, 0.1, ONES, tax_rate=0.25)
    assert found.flows[0].tolist() == pytest.approx([18.75, 0.0, 21.5625])
    with pytest.raises(DomainError, match="share"):
        profit_split_values(REVENUE, 0.1, 1.5, 0.1, ONES, tax_rate=0.25)


@pytest.mark.parametrize(
    ("other", "word"),
    [
        (Basis("CNY", prices="real"), "nominal but rate is real"),
        (Basis("CNY", tax="before_tax"), "after_tax but rate is before_tax"),
        (Basis("USD"), "CNY but rate is USD"),
    ],
)
def test_mixtures_are_refused_by_name(other: Basis, word: str) -> None:
    with pytest.raises(DomainError, match=word):
        one_basis([("flows", Basis("CNY")), ("rate", other)])
    with pytest.raises(DomainError, match=word):
        valued(REVENUE, 0.1, ONES, tax_rate=0.0, tax_life_years=0, flow_basis=Basis("CNY"), rate_basis=other)


def test_a_basis_is_written_rightly() -> None:
    before = Basis("CNY", tax="before_tax")
    with pytest.raises(DomainError, match="belongs to flows and rates after tax"):
        valued(REVENUE, 0.1, ONES, tax_rate=0.25, tax_life_years=10, flow_basis=before, rate_basis=before)
    assert one_basis([("flows", before), ("rate", before)]) == before
    for wrong in ({"currency": "yuan"}, {"currency": "CNY", "prices": "constant"}, {"currency": "CNY", "tax": "gross"}):
        with pytest.raises(DomainError):
            Basis(**wrong)
    with pytest.raises(DomainError, match="nothing"):
        one_basis([])


OTHER = quantile_table("lognormal", {"median": 0.03, "sigma": 0.5}, 0.0, 0.3)


def test_nobody_else_leaves_the_rate_as_it_is() -> None:
    own = np.linspace(0.0, 0.2, 50)
    left, total, count = stacked_rates(7, own, OTHER, Stack(0.0))
    np.testing.assert_array_equal(left, own)
    np.testing.assert_array_equal(total, own)
    assert not count.any()


@pytest.mark.parametrize("dispersion", [0.0, 0.5])
def test_counts_of_other_licences_have_the_moments_of_their_law(dispersion: float) -> None:
    stack = Stack(4.0, dispersion, cap=0.25)
    p = count_probabilities(stack)
    assert p.sum() == pytest.approx(1.0)
    n = np.arange(len(p))
    assert float(n @ p) == pytest.approx(4.0)
    assert float((n - 4.0) ** 2 @ p) == pytest.approx(4.0 + dispersion * 16.0, rel=1e-6)
    draws = 200_000
    left, total, count = stacked_rates(11, np.full(draws, 0.05), OTHER, stack)
    sd = np.sqrt(4.0 + dispersion * 16.0)
    assert abs(count.mean() - 4.0) < 4 * sd / np.sqrt(draws)
    assert count.var() == pytest.approx(sd**2, rel=0.03)
    mean = 0.03 * np.exp(
        0.125
    )  # Wald: the mean sum is the mean count times the mean rate; the cut at 0.3 is beyond 4 sd
    assert (total - 0.05).mean() == pytest.approx(4.0 * mean, rel=0.01)
    assert (left <= 0.05 + 1e-15).all()
    over = total > 0.25
    np.testing.assert_allclose(left[over], 0.05 * 0.25 / total[over])
    np.testing.assert_array_equal(left[~over], 0.05)


def test_the_last_in_takes_what_is_left() -> None:
    own = np.full(20_000, 0.05)
    left, total, _ = stacked_rates(5, own, OTHER, Stack(3.0, known_rate=0.1, cap=0.2, rule=CapRule.LAST_IN))
    np.testing.assert_allclose(left, np.clip(0.2 - (total - own), 0.0, 0.05))
    assert (left == 0).any()
    pooled, _, _ = stacked_rates(5, own, OTHER, Stack(3.0, known_rate=0.1, cap=0.2))
    assert pooled.mean() > left.mean()  # who comes last gives way first


def test_stacks_do_not_depend_on_how_they_are_cut() -> None:
    own = np.full(3_000, 0.05)
    stack = Stack(2.5, 0.3)
    whole = stacked_rates(9, own, OTHER, stack)
    parts = [stacked_rates(9, own[:1000], OTHER, stack), stacked_rates(9, own[1000:], OTHER, stack, first_draw=1000)]
    for i in range(3):
        np.testing.assert_array_equal(whole[i], np.r_[parts[0][i], parts[1][i]])


def test_impossible_stacks_are_refused() -> None:
    for wrong in ({"others_mean": -1}, {"others_mean": 1, "dispersion": 99}, {"others_mean": 1, "cap": 0.0}):
        with pytest.raises(DomainError):
            Stack(**wrong)
    with pytest.raises(DomainError, match="own_rate"):
        stacked_rates(1, np.array([-0.1]), OTHER, Stack(1.0))
    with pytest.raises(DomainError, match="other_table"):
        stacked_rates(1, np.array([0.1]), np.ones(3), Stack(1.0))


def test_lives_of_equal_worth_at_their_limits() -> None:
    assert equivalent_life(1.0, 0.1) == pytest.approx(1.0)
    assert equivalent_life(0.25, 0.0) == 7.0
    assert equivalent_life(0.25, 1e-4) == pytest.approx(7.0, abs=0.01)
    for wrong in ((0.0, 0.1), (1.5, 0.1), (0.25, -0.25)):
        with pytest.raises(DomainError):
            equivalent_life(*wrong)


@pytest.mark.golden
def test_another_package_gives_the_same_numbers() -> None:
    # intangible-valuation 2.1.4 (cents at most), end of years: excess_earnings(2e6, 8e5, .12, 8, growth .04 and 0) and
    # incremental_cashflow([500..700]e3, [400..480]e3, .10).
    eight = np.ones((1, 8))
    for growth, expected in ((0.04, 6708868.713144874), (0.0, 5961167.72020631)):
        revenue = grown([1e7], [growth], 8)  # margin 20 % less charges of 8 %: 2,000,000 less 800,000 in the first year
        found = excess_earnings_values(revenue, 0.2, 0.08, 0.12, eight, tax_rate=0.0, mid_period=False)
        assert found.value.item() == pytest.approx(expected, abs=0.006)
    more = np.array([[100.0, 130, 160, 190, 220]]) * 1e3
    found = valued(more, 0.10, np.ones((1, 5)), tax_rate=0.0, tax_life_years=0, mid_period=False)
    assert found.value.item() == pytest.approx(584932.72, abs=0.006)
