"""Loan schedules: oracles, QuantLib and pyxirr as peers, properties, bad input."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
import pyxirr
import QuantLib as ql  # noqa: N813
from hypothesis import given, settings
from hypothesis import strategies as st

from zhirong.finance.schedules import (
    Calendar,
    Curve,
    DayCount,
    Draw,
    FloatingRate,
    Flow,
    LoanSpec,
    RateSeries,
    Repayment,
    Roll,
    SubsidyRule,
    adjust,
    cost_of_finance,
    interest_subsidy,
    is_business_day,
    is_provisional,
    revolving_schedule,
    schedule,
    xirr,
    year_fraction,
)  # fmt: skip
from zhirong.kernel.errors import ConvergenceError, DomainError, ParameterError
from zhirong.kernel.money import Money
from zhirong.kernel.text import Bilingual
from zhirong.numerics.loans import BULLET, BULLET_AT_END, EQUAL_PRINCIPAL, LEVEL, internal_rate, repay, repay_regular

START = date(2024, 1, 31)
DAYS = st.dates(date(2005, 1, 1), date(2026, 10, 1))
WORD = Bilingual("测试", "Test")


def ql_day(day: date) -> ql.Date:
    return ql.Date(day.day, day.month, day.year)


def one(kind: int, months: int = 36, *, grace: int = 0):
    return repay_regular(
        np.array([1e6]), np.array([0.0345]), np.array([months]), np.array([kind]), grace=np.array([grace])
    )


@pytest.mark.golden
def test_oracle_schedules() -> None:
    level = one(LEVEL)
    assert level.payment == pytest.approx(29279.9461180396, abs=1e-6)
    assert (level.interest[0], level.principal[0]) == pytest.approx((2875.0, 26404.9461180396), abs=1e-6)
    assert level.balance[[11, 23, 35]] == pytest.approx([678081.980278007, 344880.478608898, 0], abs=1e-6)
    assert level.interest.sum() == pytest.approx(54078.0602494259, abs=1e-6)
    equal = one(EQUAL_PRINCIPAL)
    assert equal.principal == pytest.approx(27777.7777777778, abs=1e-6)
    assert (equal.payment[0], equal.interest.sum()) == pytest.approx((30652.7777777778, 53187.5), abs=1e-6)
    grace = one(LEVEL, grace=6)
    assert grace.payment[:6] == pytest.approx(2875.0, abs=1e-6)
    assert grace.payment[6:] == pytest.approx(34839.3589370389, abs=1e-6)
    assert grace.interest.sum() == pytest.approx(62430.7681111684, abs=1e-6)
    bullet = repay(
        np.array([1e6]), np.array([BULLET_AT_END]), np.array([0, 1]), np.array([0.0345]), np.array([365 / 360])
    )
    assert bullet.interest[0] == pytest.approx(34979.1666666667, abs=1e-6)


@pytest.mark.golden
def test_oracle_total_cost_of_finance() -> None:
    months = np.concatenate([[0.0], np.arange(1, 13), [15.0]]) / 12
    flows = np.concatenate([[5e6], np.full(12, -5e6 * 0.0435 / 12), [0.0]])
    flows[12] -= 5e6
    flows[0] -= 0.02 * 5e6 + 8000
    assert internal_rate(months, flows) == pytest.approx(0.0679045258054107, abs=1e-8)
    flows[13] = 0.6 * 0.02 * 5e6 + 0.5 * 8000
    assert internal_rate(months, flows) == pytest.approx(0.0547323335232088, abs=1e-8)
    flows[13] += min(0.5 * 0.031 * 5e6, 200000)
    assert internal_rate(months, flows) == pytest.approx(0.0386680435780102, abs=1e-8)


@pytest.mark.golden
@pytest.mark.parametrize("cap_cny", [200_000, 50_000])
def test_cost_of_a_dated_loan_with_subsidies(cap_cny: int) -> None:
    start, later = date(2024, 1, 1), date(2025, 4, 1)
    spec = LoanSpec(
        Money.of(5_000_000, "CNY"), 0.0435, start, 12, Repayment.INTEREST_ONLY, day_count=DayCount.THIRTY_US
    )
    loan = schedule(spec)
    premium = Money.of(100_000, "CNY")
    rule = SubsidyRule(WORD, 0.6, Money.of(1_000_000, "CNY"), later)
    aid = interest_subsidy(SubsidyRule(WORD, 0.5, Money.of(cap_cny, "CNY"), later), loan, 0.031)
    assert aid.amount.minor == min(7_750_000, cap_cny * 100)
    answer = cost_of_finance(loan, [Flow(start, -premium, WORD), rule.of(premium), aid])
    assert answer.borrower_rate < answer.before_subsidy_rate
    assert answer.public_cost.minor == 6_000_000 + aid.amount.minor
    flows = [(f.day, f.amount.to_float()) for f in answer.flows]
    assert answer.borrower_rate == pytest.approx(pyxirr.xirr(flows), abs=1e-9)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (DayCount.THIRTY_US, ql.Thirty360(ql.Thirty360.USA)),
        (DayCount.THIRTY_EU, ql.Thirty360(ql.Thirty360.European)),
        (DayCount.ACT_360, ql.Actual360()),
        (DayCount.ACT_365F, ql.Actual365Fixed()),
        (DayCount.ACT_ACT_ISDA, ql.ActualActual(ql.ActualActual.ISDA)),
    ],
)
@given(a=DAYS, b=DAYS)
@settings(max_examples=150)
def test_day_counts_are_those_of_quantlib(ours, theirs, a: date, b: date) -> None:
    low, high = sorted((a, b))
    assert year_fraction(low, high, ours) == pytest.approx(theirs.yearFraction(ql_day(low), ql_day(high)), abs=1e-12)


def test_february_in_thirty_360() -> None:
    assert year_fraction(date(2023, 2, 28), date(2024, 2, 29), DayCount.THIRTY_US) == 1.0
    assert year_fraction(date(2023, 2, 28), date(2024, 2, 29), DayCount.THIRTY_EU) == pytest.approx(361 / 360)


def test_icma_of_a_regular_and_a_broken_period() -> None:
    period = (date(2024, 1, 15), date(2024, 7, 15))
    assert year_fraction(*period, DayCount.ACT_ACT_ICMA, per_year=2) == 0.5
    part = year_fraction(date(2024, 1, 15), date(2024, 4, 15), DayCount.ACT_ACT_ICMA, per_year=2, period=period)
    assert part == pytest.approx(91 / 182 / 2)


def test_business_days_are_those_of_quantlib() -> None:
    fed, target, china = ql.UnitedStates(ql.UnitedStates.FederalReserve), ql.TARGET(), ql.China(ql.China.IB)
    odd: dict[str, list[date]] = {"US": [], "EU": [], "CN": []}
    for k in range(365 * 12):
        day = date(2012, 1, 1) + timedelta(days=k)
        for name, peer, ours in (("US", fed, Calendar.US), ("EU", target, Calendar.EU), ("CN", china, Calendar.CN)):
            if peer.isBusinessDay(ql_day(day)) != is_business_day(day, ours):
                odd[name].append(day)
    assert odd["US"] == [] and odd["EU"] == []
    assert len(odd["CN"]) <= 6, odd["CN"]


def test_chinese_make_up_days_and_years_not_announced() -> None:
    assert is_business_day(date(2024, 2, 4), Calendar.CN), "a Sunday worked for the Spring Festival"
    assert not is_business_day(date(2024, 2, 16), Calendar.CN)
    assert is_provisional(date(2040, 5, 8), Calendar.CN) and not is_business_day(date(2040, 5, 1), Calendar.CN)
    loan = schedule(
        LoanSpec(Money.of(100, "CNY"), 0.03, date(2039, 12, 1), 12, calendar=Calendar.CN, roll=Roll.FOLLOWING)
    )
    assert len(loan.provisional) == 12


def test_rolls() -> None:
    saturday = date(2024, 8, 31)
    assert adjust(saturday, Calendar.US, Roll.FOLLOWING) == date(2024, 9, 3), "over Labor Day"
    assert adjust(saturday, Calendar.US, Roll.MODIFIED_FOLLOWING) == date(2024, 8, 30)
    assert adjust(saturday, Calendar.US, Roll.PRECEDING) == date(2024, 8, 30)
    assert adjust(saturday, Calendar.US, Roll.NONE) == saturday


@given(
    minor=st.integers(1_000, 10**12), rate=st.floats(0, 0.4), months=st.integers(1, 120), kind=st.sampled_from(Repayment),
    grace=st.integers(0, 12), capital=st.booleans(), count=st.sampled_from([d for d in DayCount if d != DayCount.ACT_ACT_ICMA]),
    start=DAYS,
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_a_schedule_repays_what_was_lent(minor, rate, months, kind, grace, capital, count, start) -> None:
    spec = LoanSpec(
        Money(minor, "CNY"), rate, start, months, kind, grace_periods=min(grace, months - 1),
        capitalise_grace=capital and kind is not Repayment.BULLET, day_count=count, calendar=Calendar.CN, roll=Roll.MODIFIED_FOLLOWING,
    )  # fmt: skip
    loan = schedule(spec)
    assert loan.principal.sum() == minor
    assert loan.balance.min() >= 0 and loan.balance[-1] == 0
    assert (loan.interest >= 0).all() and (loan.payment >= 0).all()
    if kind is not Repayment.BULLET:
        assert loan.present_value() == pytest.approx(minor, rel=1e-9, abs=months)


@given(st.integers(1, 60), st.floats(0.001, 0.3), st.integers(0, 2**32 - 1))
@settings(max_examples=50, deadline=None)
def test_kernel_against_a_plain_loop(months: int, rate: float, seed: int) -> None:
    fractions = np.random.default_rng(seed).uniform(0.07, 0.1, months)
    book = repay(np.array([1e6]), np.array([LEVEL]), np.array([0, months]), np.full(months, rate), fractions)
    payment = 1e6 / np.cumprod(1 / (1 + rate * fractions)).sum()
    balance = 1e6
    for k in range(months):
        balance = balance * (1 + rate * fractions[k]) - payment
        assert book.balance[k] == pytest.approx(balance, abs=1e-5)


def test_many_loans_are_each_alone() -> None:
    rng = np.random.default_rng(1)
    n = 200
    lent, rate, count = rng.uniform(1e5, 1e7, n), rng.uniform(0, 0.1, n), rng.integers(1, 60, n)
    kind, grace = rng.integers(0, 4, n), np.zeros(n, np.int64)
    book = repay_regular(lent, rate, count, kind, grace=grace)
    for i in range(n):
        alone = repay_regular(lent[i : i + 1], rate[i : i + 1], count[i : i + 1], kind[i : i + 1])
        here = slice(book.offsets[i], book.offsets[i + 1])
        assert (book.payment[here] == alone.payment).all()


@pytest.mark.golden
def test_level_loan_is_quantlibs_amortising_bond() -> None:
    dates = ql.Schedule(
        ql.Date(1, 1, 2024), ql.Date(1, 1, 2027), ql.Period(ql.Monthly), ql.NullCalendar(), ql.Unadjusted, ql.Unadjusted,
        ql.DateGeneration.Forward, False,
    )  # fmt: skip
    notionals = [1e6, *one(LEVEL).balance[:-1]]
    bond = ql.AmortizingFixedRateBond(0, notionals, dates, [0.0345], ql.Thirty360(ql.Thirty360.BondBasis))
    totals: dict[ql.Date, float] = {}
    for flow in bond.cashflows():
        totals[flow.date()] = totals.get(flow.date(), 0.0) + flow.amount()
    assert list(totals.values()) == pytest.approx(one(LEVEL).payment, abs=1e-6)


def test_floating_on_lpr_fixes_by_date_and_recasts() -> None:
    lpr = RateSeries("LPR 1Y", (date(2023, 8, 21), date(2024, 7, 22)), (0.0345, 0.0335), date(2024, 12, 1))
    rate = FloatingRate(lpr, 0.005, 12)
    loan = schedule(LoanSpec(Money.of(1_000_000, "CNY"), rate, START, 24, day_count=DayCount.THIRTY_EU))
    assert set(loan.rates[:12]) == {0.0395} and set(loan.rates[12:]) == {0.0385}
    assert len(set(loan.payment[12:-1])) == 1 and loan.payment[12] < loan.payment[0]
    with pytest.raises(ParameterError, match="first day is 2023-08-21"):
        lpr.at(date(2020, 1, 1))


def test_curve_discounts_and_moves_the_index() -> None:
    flat = Curve(START, (1.0, 5.0), (0.03, 0.03))
    steep = Curve(START, (1.0, 5.0), (0.02, 0.04))
    assert flat.discount(date(2029, 1, 29)) == pytest.approx(np.exp(-0.03 * 1825 / 365))
    assert flat.forward(START, date(2025, 1, 30)) == pytest.approx(np.expm1(0.03))
    index = RateSeries("LPR", (date(2023, 8, 21),), (0.03,), START, curve=flat)
    assert index.at(date(2026, 6, 1)) == pytest.approx(0.03)
    assert RateSeries("LPR", (date(2023, 8, 21),), (0.03,), START, curve=steep).at(date(2026, 6, 1)) > 0.04
    with pytest.raises(DomainError, match="field years"):
        Curve(START, (2.0, 1.0), (0.1, 0.1))


def test_revolving_interest_fee_and_limit() -> None:
    limit = Money.of(1_000_000, "CNY")
    draws = (Draw(date(2024, 1, 1), 60_000_000), Draw(date(2024, 2, 16), -20_000_000))
    loan = revolving_schedule(limit, draws, 0.06, date(2024, 1, 1), 3, commitment_fee=0.01, day_count=DayCount.ACT_360)
    expected = [31 / 360 * (6e7 * 0.06 + 4e7 * 0.01)]
    expected.append(15 / 360 * (6e7 * 0.06 + 4e7 * 0.01) + 14 / 360 * (4e7 * 0.06 + 6e7 * 0.01))
    expected.append(31 / 360 * (4e7 * 0.06 + 6e7 * 0.01))
    assert loan.interest == pytest.approx(expected, abs=1)
    assert list(loan.balance) == [60_000_000, 40_000_000, 0] and loan.principal.sum() == 0
    with pytest.raises(DomainError, match="field draws"):
        revolving_schedule(limit, (Draw(date(2024, 1, 1), 100_000_001),), 0.06, date(2024, 1, 1), 3)


@given(st.lists(st.floats(1, 1e6), min_size=1, max_size=12), st.floats(-0.5, 3))
@settings(max_examples=100, deadline=None)
def test_internal_rate_is_recovered(later: list[float], rate: float) -> None:
    years = np.arange(len(later) + 1.0)
    worth = -float(np.asarray(later) @ (1 + rate) ** -years[1:])
    assert internal_rate(years, np.array([worth, *later])) == pytest.approx(rate, abs=1e-7)


def test_internal_rate_that_does_not_exist() -> None:
    with pytest.raises(DomainError, match="both signs"):
        xirr([START, date(2025, 1, 1)], [1.0, 2.0])
    with pytest.raises(ConvergenceError):
        internal_rate(np.array([0.0, 1, 2]), np.array([1.0, -1.0, 1.0]))


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("principal", {"principal": Money(0, "CNY")}), ("rate", {"rate": -0.01}), ("rate", {"rate": float("nan")}),
        ("months", {"months": 0}), ("months", {"months": 7, "months_between": 3}), ("months_between", {"months_between": 0}),
        ("grace_periods", {"grace_periods": 12}), ("capitalise_grace", {"capitalise_grace": True, "repayment": Repayment.BULLET}),
    ],
)  # fmt: skip
def test_each_bad_field_is_named(field: str, change: dict) -> None:
    with pytest.raises(DomainError, match=f"field {field}"):
        LoanSpec(**{"principal": Money(100, "CNY"), "rate": 0.03, "start": START, "months": 12, **change})


def test_kernel_refuses_what_cannot_be() -> None:
    with pytest.raises(DomainError, match="principal"):
        repay_regular(np.array([-1.0]), np.array([0.1]), np.array([3]), np.array([BULLET]))
    with pytest.raises(DomainError, match="offsets"):
        repay_regular(np.array([1.0]), np.array([0.1]), np.array([0]), np.array([BULLET]))
    with pytest.raises(DomainError, match="before start"):
        year_fraction(date(2024, 2, 1), date(2024, 1, 1), DayCount.ACT_360)
