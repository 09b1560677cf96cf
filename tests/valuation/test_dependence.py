"""Portfolios under common factors: limits, closed forms, contributions that add up, and what nobody shares."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from zhirong.params import Parameter, load
from zhirong.valuation.dependence import FACTORS, depend
from zhirong.valuation.types import Purpose, StandardOfValue, Valuation

DRAWS = 20_000
SHIPPED = load().at("portfolio.common_shares", date(2024, 6, 30))


def shares(**values: float) -> Parameter:
    return replace(SHIPPED, value={name: [values.get(name, 0.0)] * 3 for name in FACTORS})


def valued(number: int, *, mu: float = 14.0, sigma: float = 1.0, provenance=None, **facts: object) -> Valuation:
    """A log-normal value; draws at even levels, so that the table is exact."""
    draws = np.exp(mu + sigma * stats.norm.ppf((np.arange(8_000) + 0.5) / 8_000))
    return Valuation(
        f"P{number:03d}", (f"P{number:03d}",), date(2024, 6, 30), "CNY", Purpose.TRADE, StandardOfValue.MARKET, {}, 0.0, 0.0,
        (), (), (), (), provenance, facts=facts, draws=draws,
    )  # fmt: skip


def test_nothing_shared_is_the_independent_sum() -> None:
    values = [valued(i, sigma=0.5, office="CN") for i in range(60)]
    found = depend(values, {}, shares(), draws=DRAWS, seed=1)
    mean, var = np.exp(14 + 0.125), (np.exp(0.25) - 1) * np.exp(28.25)
    assert found.mean == pytest.approx(60 * mean, rel=5e-3)
    spread = (found.quantiles[0.95] - found.quantiles[0.05]) / (2 * stats.norm.ppf(0.95))
    assert spread == pytest.approx(np.sqrt(60 * var), rel=0.05)
    assert found.diversification > 0.7
    assert found.effective_number == pytest.approx(60, rel=0.01)


def test_everything_shared_is_the_sum_of_quantiles() -> None:
    values = [valued(i, mu=12 + i) for i in range(4)]
    found = depend(values, {}, shares(market=1.0), draws=DRAWS, seed=1)
    for level, amount in found.quantiles.items():
        assert amount == pytest.approx(sum(np.quantile(v.draws, level) for v in values), rel=0.03)
    assert found.diversification < 0.02


def test_the_shipped_shares_lie_between_and_widen_with_the_range() -> None:
    values = [valued(i, office="CN", wipo_field=4, owner_name="o", family_id=None) for i in range(20)]
    found = depend(values, {}, SHIPPED, draws=DRAWS, seed=1)
    none, whole = (depend(values, {}, shares(market=s), draws=DRAWS, seed=1) for s in (0.0, 1.0))
    assert whole.quantiles[0.05] < found.quantiles_high[0.05] < found.quantiles[0.05] < found.quantiles_low[0.05]
    assert found.quantiles_low[0.05] < none.quantiles[0.05]
    assert none.diversification > found.diversification > whole.diversification
    assert all(0 <= low <= mid <= high for low, mid, high in SHIPPED.value.values())
    assert sum(high for _, _, high in SHIPPED.value.values()) <= 1.0 + 1e-12


def test_contributions_add_up_and_fall_on_what_is_large_and_wild() -> None:
    values = [valued(0, mu=16.0, sigma=1.5), *(valued(i, sigma=0.5) for i in range(1, 9))]
    found = depend(values, {}, shares(market=0.3), draws=DRAWS, seed=2)
    assert sum(r.mean for r in found.patents) == pytest.approx(found.mean)
    assert sum(r.shortfall for r in found.patents) == pytest.approx(found.mean - found.low_mean)
    assert sum(r.shortfall_share for r in found.patents) == pytest.approx(1.0)
    assert sum(r.mean_share for r in found.patents) == pytest.approx(1.0)
    assert found.patents[0].patent_id == "P000"
    assert found.patents[0].shortfall_error > 0
    assert 1 < found.effective_number < 4


def test_a_family_moves_together_and_an_unknown_one_with_nobody() -> None:
    same = [valued(i, family_id="F1") for i in range(6)]
    unknown = [valued(i, family_id=None) for i in range(6)]
    one, two = (depend(v, {}, shares(family=0.9), draws=DRAWS, seed=3) for v in (same, unknown))
    assert one.quantiles[0.05] < 0.6 * two.quantiles[0.05]
    assert [s.factor for s in one.shared] == ["market", "family"]
    assert (one.shared[1].largest, one.shared[1].mean_share) == ("F1", pytest.approx(1.0))
    assert [s.factor for s in two.shared] == ["market"]


def test_a_share_owned_scales_and_order_and_seed_are_as_they_should() -> None:
    values = [valued(i, owner_name="a" if i % 2 else "b") for i in range(6)]
    whole = depend(values, {}, SHIPPED, draws=4_000, seed=1)
    half = depend(values, {v.subject_id: 0.5 for v in values}, SHIPPED, draws=4_000, seed=1)
    assert_allclose([half.quantiles[q] for q in half.quantiles], [0.5 * x for x in whole.quantiles.values()])
    turned = depend(values[::-1], {}, SHIPPED, draws=4_000, seed=1)
    assert_allclose(list(turned.quantiles.values()), list(whole.quantiles.values()), rtol=1e-12)
    assert depend(values, {}, SHIPPED, draws=4_000, seed=2).quantiles != whole.quantiles


def test_rights_that_have_ended_are_worth_nothing_together() -> None:
    dead = [replace(valued(i), draws=np.zeros(500)) for i in range(3)]
    found = depend(dead, {}, SHIPPED, draws=1_000, seed=1)
    assert set(found.quantiles.values()) == {0.0}
    assert (found.diversification, found.effective_number) == (0.0, 0.0)
