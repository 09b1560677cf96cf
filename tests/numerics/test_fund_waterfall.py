"""Fund waterfalls: the reference case, tiers by hand, conservation, European against American, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhirong.kernel.errors import DomainError
from zhirong.numerics.fund_waterfall import split_by_deal, split_by_fund

T = np.array([0.0, 5.0])


@pytest.mark.golden
def test_the_reference_case_of_a_european_waterfall() -> None:
    # Shared reference on IP finance, oracle fund.european_waterfall: 100 in at 0, 180 out at year 5, 8 % compound, full catch-up, 80/20.
    found = split_by_fund(T, np.array([100.0, 0.0]), np.array([0.0, 180.0]))
    assert found.preferred == pytest.approx(46.9328076800001, abs=1e-9)
    assert found.catch_up == pytest.approx(11.73320192, abs=1e-9)
    assert found.manager.sum() == pytest.approx(16, abs=1e-9)
    assert found.investors.sum() == pytest.approx(164, abs=1e-9)
    assert found.investor_rate == pytest.approx(0.103999227765869, abs=1e-9)
    assert found.dpi == pytest.approx(1.64)


def test_below_the_hurdle_the_manager_gets_nothing_and_without_catch_up_only_the_excess_counts() -> None:
    calls = np.array([100.0, 0.0])
    assert split_by_fund(T, calls, np.array([0.0, 140.0])).manager.sum() == 0
    hard = split_by_fund(T, calls, np.array([0.0, 180.0]), catch_up=0.0)
    assert hard.manager.sum() == pytest.approx(0.2 * (180 - 100 * 1.08**5))
    half = split_by_fund(T, calls, np.array([0.0, 180.0]), catch_up=0.5)
    assert hard.manager.sum() < half.manager.sum() <= 16 + 1e-9


def test_money_back_in_parts_stops_the_preferred_return_on_it() -> None:
    years = np.array([0.0, 1.0, 2.0])
    found = split_by_fund(years, np.array([100.0, 0, 0]), np.array([0.0, 50.0, 70.0]))
    owed = (50.0 + 8.0) * 1.08 - 50.0  # capital of 50 and the 8 accrued both earn the hurdle
    assert found.preferred == pytest.approx(owed)
    assert found.investors[1] == 50.0


def test_deal_by_deal_pays_the_manager_though_the_fund_has_lost() -> None:
    good = (T, np.array([50.0, 0.0]), np.array([0.0, 120.0]))
    bad = (T, np.array([50.0, 0.0]), np.array([0.0, 0.0]))
    whole = split_by_fund(T, np.array([100.0, 0.0]), np.array([0.0, 120.0]))
    assert whole.manager.sum() == 0
    each = split_by_deal([good, bad])
    assert each[0].manager.sum() == pytest.approx(0.2 * 70)
    assert each[1].investor_rate is None


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.floats(0, 100), st.floats(0, 300)), min_size=1, max_size=8), st.floats(0, 0.3), st.floats(0, 0.5),
    st.sampled_from([0.0, 0.8, 1.0]),
)  # fmt: skip
def test_proceeds_are_neither_lost_nor_made(rows, hurdle, carry, catch_up) -> None:
    calls, money = np.array([1.0 + rows[0][0], *(r[0] for r in rows[1:])]), np.array([r[1] for r in rows])
    found = split_by_fund(
        np.arange(len(rows), dtype=float), calls, money, hurdle=hurdle, carry=carry, catch_up=catch_up
    )
    assert found.investors + found.manager == pytest.approx(money)
    profit = max(money.sum() - calls.sum(), 0.0)
    assert found.manager.sum() <= carry * max(profit, money.sum()) + 1e-6
    if money.cumsum()[-1] <= calls.sum() and len(rows) == 1:
        assert found.manager.sum() <= 1e-9


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"years": np.array([1.0, 0.0])}, "years"), ({"calls": np.array([-1.0, 0.0])}, "calls"), ({"calls": np.zeros(2)}, "some capital"),
        ({"proceeds": np.array([1.0])}, "proceeds"), ({"hurdle": -0.1}, "hurdle"), ({"carry": 1.0}, "carry"),
        ({"catch_up": 0.1}, "never catch up"),
    ],
)  # fmt: skip
def test_impossible_funds_are_refused_by_name(change, field: str) -> None:
    given_ = {"years": T, "calls": np.array([100.0, 0.0]), "proceeds": np.array([0.0, 180.0])} | change
    with pytest.raises(DomainError, match=field):
        split_by_fund(given_.pop("years"), given_.pop("calls"), given_.pop("proceeds"), **given_)
