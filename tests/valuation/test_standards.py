"""One value under every standard: identities, order, zero, and what each purpose states."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhirong.kernel.provenance import Grade, Source
from zhirong.valuation.assumptions import KNOWN, spread
from zhirong.valuation.standards import standard_for, standards_of
from zhirong.valuation.types import Distribution, Purpose, StandardOfValue

SOURCE = Source("test", Grade.STATED, dated=date(2024, 1, 1))


def fixed_at(**values: float):
    names = ("marketing_time", "selling_cost", "forced_sale_discount", "owner_synergy", "discount_rate")
    assert set(names) <= set(KNOWN)
    return {n: spread(n, Distribution.FIXED, {"value": values.get(n, 0.0)}, SOURCE) for n in names}


def test_an_orderly_and_a_forced_sale_by_hand() -> None:
    given_ = fixed_at(
        marketing_time=2.0, selling_cost=0.1, forced_sale_discount=0.5, owner_synergy=0.25, discount_rate=0.2
    )
    found = standards_of(np.array([144.0, 0.0]), given_, seed=1, subject_id="x")
    assert found.draws[StandardOfValue.ORDERLY_LIQUIDATION] == pytest.approx([90.0, 0.0])  # 144 / 1.44 x 0.9
    assert found.draws[StandardOfValue.LIQUIDATION] == pytest.approx([72.0, 0.0])
    assert found.draws[StandardOfValue.INVESTMENT] == pytest.approx([180.0, 0.0])
    assert found.draws[StandardOfValue.FAIR] == pytest.approx([144.0, 0.0])
    way = {s.name: s for s in found.steps if s.standard is StandardOfValue.LIQUIDATION}
    assert list(way) == ["marketing_time", "selling_cost", "forced_sale_discount"]
    assert np.prod([s.share[1] for s in way.values()]) == pytest.approx(0.5)


def test_without_time_cost_and_discount_every_standard_is_market_value() -> None:
    market = np.linspace(1.0, 9.0, 50)
    for draws in standards_of(market, fixed_at(), seed=1, subject_id="x").draws.values():
        assert draws == pytest.approx(market)


@given(
    st.floats(0, 5), st.floats(0, 0.8), st.floats(0, 0.95), st.floats(0, 2), st.floats(0, 0.6), st.integers(0, 2**31)
)
def test_standards_keep_their_order(wait: float, cost: float, cut: float, gain: float, rate: float, seed: int) -> None:
    market = np.random.default_rng(seed).lognormal(10, 2, 100)
    given_ = fixed_at(
        marketing_time=wait, selling_cost=cost, forced_sale_discount=cut, owner_synergy=gain, discount_rate=rate
    )
    draws = standards_of(market, given_, seed=seed, subject_id="x").draws
    S = StandardOfValue
    for low, high in (
        (S.LIQUIDATION, S.ORDERLY_LIQUIDATION),
        (S.ORDERLY_LIQUIDATION, S.MARKET),
        (S.MARKET, S.INVESTMENT),
    ):
        assert (draws[low] <= draws[high] * (1 + 1e-12)).all()


def test_each_purpose_states_its_standard() -> None:
    assert standard_for(Purpose.ACCOUNTING) is StandardOfValue.FAIR
    assert standard_for(Purpose.MANAGEMENT) is StandardOfValue.INVESTMENT
    for purpose in (Purpose.PLEDGE, Purpose.TRADE, Purpose.LICENSING, Purpose.LITIGATION):
        assert standard_for(purpose) is StandardOfValue.MARKET
