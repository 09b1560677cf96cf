"""Options against published values, the closed form, a lattice, put-call parity, limits and bad input."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhirong.kernel.errors import DomainError
from zhirong.numerics.options import Contract, black_scholes, lattice, least_squares, wasting_yield

# Longstaff, Schwartz (2001), Table 1, finite-difference column, as reproduced in the valuation reference, section 3.5:
# spot, volatility, years, put with 50 exercise dates a year.
TABLE = [
    (36, 0.2, 1, 4.478), (36, 0.2, 2, 4.840), (36, 0.4, 1, 7.101), (36, 0.4, 2, 8.508),
    (40, 0.2, 1, 2.314), (40, 0.2, 2, 2.885), (40, 0.4, 1, 5.312), (40, 0.4, 2, 6.920),
    (44, 0.2, 1, 1.110), (44, 0.2, 2, 1.690), (44, 0.4, 1, 3.948), (44, 0.4, 2, 5.647),
]  # fmt: skip


def put(spot: float, volatility: float, years: float) -> Contract:
    return Contract(spot, 40, 0.06, volatility, years, kind="put")


@pytest.mark.golden
@pytest.mark.parametrize(("spot", "volatility", "years", "expected"), TABLE)
def test_the_lattice_meets_the_published_bermudan_puts(
    spot: float, volatility: float, years: int, expected: float
) -> None:
    # The reference gives 0.006 as the difference of an independent Bermudan lattice from the table.
    found = lattice(put(spot, volatility, years), steps=2_000 * years, exercise_dates=50 * years)
    assert found == pytest.approx(expected, abs=0.006)


@pytest.mark.golden
@pytest.mark.parametrize(("spot", "volatility", "years", "expected"), TABLE)
def test_least_squares_meets_the_published_puts(spot: float, volatility: float, years: int, expected: float) -> None:
    found = least_squares(put(spot, volatility, years), dates=50 * years, paths=100_000, seed=7)
    # The reference's tolerance is 0.02; the simulation's own error comes on top of it, and the bias is downwards.
    assert found.value == pytest.approx(expected, abs=0.02 + 3 * found.standard_error)
    assert found.value < expected + 3 * found.standard_error


@pytest.mark.golden
@pytest.mark.parametrize(
    ("volatility", "years", "expected"), [(0.2, 1, 4.4867), (0.2, 2, 4.848), (0.4, 1, 7.109), (0.4, 2, 8.514)]
)
def test_the_lattice_meets_the_american_puts(volatility: float, years: int, expected: float) -> None:
    # Valuation reference, section 3.5: continuously exercisable at spot 36; tolerance 0.002.
    assert lattice(put(36, volatility, years), steps=2_000 * years) == pytest.approx(expected, abs=0.002)


@pytest.mark.golden
@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        # Valuation reference, section 3.5: exact calls, with and without a yield of one over the life.
        ((100, 100, 0.05, 0.2, 1), 10.450584),
        ((90, 100, 0.03, 0.3, 5), 25.139402),
        ((90, 100, 0.03, 0.3, 5, 0.2), 1.195988),
        ((100, 100, 0.03, 0.4, 20), 73.252205),
        ((100, 100, 0.03, 0.4, 20, 0.05), 20.315976),
        ((10e6, 5e6, 0.03, 0.4, 10), 7_141_658.94),
        ((10e6, 5e6, 0.03, 0.4, 10, 0.1), 1_733_096.97),
    ],
)
def test_the_closed_form_meets_the_reference(terms: tuple[float, ...], expected: float) -> None:
    assert black_scholes(Contract(*terms)) == pytest.approx(expected, abs=0.5e-6 if expected < 1e3 else 0.005)


contracts = st.builds(
    Contract, st.floats(50, 150), st.floats(60, 140), st.floats(0.0, 0.1), st.floats(0.1, 0.5), st.floats(0.25, 5),
    st.floats(0.0, 0.1),
)  # fmt: skip


@given(contracts)
def test_put_and_call_differ_by_the_forward(call: Contract) -> None:
    other = Contract(call.spot, call.strike, call.rate, call.volatility, call.years, call.dividend_yield, "put")
    forward = call.spot * math.exp(-call.dividend_yield * call.years) - call.strike * math.exp(-call.rate * call.years)
    assert black_scholes(call) - black_scholes(other) == pytest.approx(forward, abs=1e-9)


@given(contracts)
@settings(max_examples=25)
def test_a_european_lattice_ends_in_the_closed_form_and_early_exercise_is_worth_no_less(call: Contract) -> None:
    european = lattice(call, steps=2_000, exercise_dates=1)
    assert european == pytest.approx(black_scholes(call), abs=2e-3 * call.strike)
    assert lattice(call, steps=2_000) >= european - 1e-9


def test_an_american_call_without_yield_is_a_european_one() -> None:
    call = Contract(100, 100, 0.05, 0.2, 1)
    assert lattice(call, steps=1_000) == pytest.approx(lattice(call, steps=1_000, exercise_dates=1), abs=1e-9)


def test_wasting_takes_the_more_of_an_option_the_shorter_its_life() -> None:
    values = [
        black_scholes(Contract(100, 100, 0.03, 0.4, years, wasting_yield(years))) / black_scholes(Contract(100, 100, 0.03, 0.4, years))
        for years in (5, 10, 20)
    ]  # fmt: skip
    assert values == sorted(values)
    assert values[-1] < 1


def test_simulation_meets_the_lattice_on_a_call_with_a_yield() -> None:
    call = Contract(100, 100, 0.03, 0.35, 4, 0.12)
    found = least_squares(call, dates=40, paths=100_000, seed=3)
    right = lattice(call, steps=4_000, exercise_dates=40)
    assert found.value == pytest.approx(right, abs=4 * found.standard_error + 0.01 * right)
    assert 0 < found.exercised_share < 1


def test_one_date_is_a_european_option() -> None:
    call = Contract(100, 110, 0.02, 0.3, 2, 0.01)
    found = least_squares(call, dates=1, paths=200_000, seed=5)
    assert abs(found.value - black_scholes(call)) < 4 * found.standard_error


def test_the_value_does_not_depend_on_threads_and_repeats() -> None:
    import numba

    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        alone = least_squares(put(36, 0.2, 1), dates=50, paths=20_000, seed=9)
        numba.set_num_threads(before)
        assert least_squares(put(36, 0.2, 1), dates=50, paths=20_000, seed=9) == alone
    finally:
        numba.set_num_threads(before)
    assert least_squares(put(36, 0.2, 1), dates=50, paths=20_000, seed=10) != alone


def test_the_stated_error_is_honest() -> None:
    values = [least_squares(put(40, 0.3, 1), dates=20, paths=5_000, seed=s) for s in range(40)]
    spread = np.std([v.value for v in values], ddof=1)
    assert spread == pytest.approx(np.mean([v.standard_error for v in values]), rel=0.4)


def test_deep_in_the_money_is_exercised_at_once() -> None:
    assert least_squares(Contract(1, 100, 0.1, 0.1, 1, kind="put"), dates=10, paths=2_000).value == pytest.approx(99.0)
    assert lattice(Contract(1, 100, 0.1, 0.1, 1, kind="put")) == pytest.approx(99.0)


@pytest.mark.parametrize(
    "terms", [(0, 1, 0.0, 0.1, 1), (1, 1, 0.0, 0.0, 1), (1, 1, math.nan, 0.1, 1), (1, 1, 0.0, 0.1, 1, 0.0, "swap")]
)
def test_impossible_terms_are_refused(terms: tuple[float, ...]) -> None:
    with pytest.raises(DomainError):
        Contract(*terms)  # type: ignore[arg-type]


def test_impossible_grids_are_refused() -> None:
    contract = Contract(100, 100, 0.05, 0.2, 1)
    for call in (
        lambda: lattice(contract, steps=1),
        lambda: lattice(contract, steps=100, exercise_dates=33),
        lambda: lattice(Contract(100, 100, 2.0, 0.01, 5), steps=2),
        lambda: least_squares(contract, dates=0),
        lambda: least_squares(contract, dates=10, paths=10),
        lambda: wasting_yield(0.0),
    ):
        with pytest.raises(DomainError):
            call()


@pytest.mark.parametrize(
    "terms",
    [
        (36, 40, 0.06, 0.2, 1, 0.0, "put"), (44, 40, 0.06, 0.4, 2, 0.0, "put"), (100, 100, 0.03, 0.35, 4, 0.12, "call"),
        (155, 100, 0.05, 0.8, 11.7, 0.2, "call"), (89, 100, 0.02, 0.7, 13, 0.12, "call"), (60, 100, -0.01, 0.3, 3, 0.0, "put"),
    ],
)  # fmt: skip
def test_simulation_stays_below_the_lattice_and_close_to_it(terms: tuple[float, ...]) -> None:
    contract = Contract(*terms)  # type: ignore[arg-type]
    found = least_squares(contract, dates=40, paths=20_000, seed=2)
    exact = lattice(contract, steps=2_000, exercise_dates=40)
    assert found.value <= exact + 4 * found.standard_error + 1e-3 * exact
    assert found.value >= 0.97 * exact - 4 * found.standard_error


def test_more_learning_brings_the_value_nearer_from_below() -> None:
    exact = lattice(put(36, 0.2, 1), steps=2_000, exercise_dates=50)
    gaps = [
        exact - np.mean([least_squares(put(36, 0.2, 1), dates=50, paths=20_000, learning_paths=n, seed=s).value
                         for s in range(6)])
        for n in (1_000, 30_000)
    ]  # fmt: skip
    assert -0.001 < gaps[1] < gaps[0]
    assert gaps[1] < 0.003


def test_too_few_learning_paths_are_refused() -> None:
    with pytest.raises(DomainError, match="paths"):
        least_squares(put(36, 0.2, 1), dates=10, learning_paths=10)


@pytest.mark.golden
def test_the_patent_option_of_biogen() -> None:
    # Damodaran, Investment Valuation, chapter on real options: Avonex, USD 907 m with a cost of delay of 1/17 a year (from memory).
    option = Contract(3.422, 2.875, 0.067, math.sqrt(0.224), 17.0, dividend_yield=1 / 17)
    assert 1000 * black_scholes(option) == pytest.approx(907, abs=0.5)
    assert 1000 * black_scholes(option) == pytest.approx(906.865434425358, abs=1e-6)
