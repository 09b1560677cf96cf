"""The simulation equals the closed form, does not depend on blocks or threads, and states its error honestly."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from zhirong.kernel.errors import DomainError, UnknownNameError
from zhirong.numerics.distributions import FAMILIES, TABLE_SIZE, quantile_table, quantiles
from zhirong.numerics.montecarlo import (
    RoyaltyPlan,
    correlation_root,
    normal_scores,
    royalty_flows,
    royalty_inputs,
    royalty_values,
    tax_amortisation_factor,
)
from zhirong.numerics.streams import stream_key

REVENUE, GROWTH, ROYALTY, TAX, RATE = 1_050_000.0, 0.05, 0.05, 0.25, 0.12


def constant(*values: float) -> np.ndarray:
    return np.stack([np.full(TABLE_SIZE, value) for value in values])


def random_tables() -> np.ndarray:
    return np.stack(
        [
            quantile_table("lognormal", {"median": 1e6, "sigma": 0.5}, 0, 1e9),
            quantile_table("normal", {"mean": 0.05, "sd": 0.03}, -0.2, 0.3),
            quantile_table("triangular", {"low": 0.01, "mode": 0.04, "high": 0.1}, 0.01, 0.1),
            quantile_table("uniform", {"low": 0.1, "high": 0.2}, 0.1, 0.2),
            quantile_table("normal", {"mean": 9, "sd": 3}, 0.5, 20),
            quantile_table("beta", {"a": 8, "b": 3}, 0, 1),
        ]
    )


# Relief from royalty, revenue 1.05^t million, royalty 5 %, tax 25 %, rate 12 %, ten years. Source: the valuation reference,
# section 3.3, recomputed by an independent program; the third agrees with intangible-valuation 2.1.4. Relative tolerance 1e-8.
@pytest.mark.golden
@pytest.mark.parametrize(
    ("mid_period", "tax_life", "expected"),
    [
        (False, 0, 267490.9827850911),
        (True, 0, 283085.84736064426),
        (False, 10, 311490.7942562005),
        (True, 10, 332842.80047012784),
    ],
)
def test_fixed_inputs_give_the_published_value(mid_period: bool, tax_life: float, expected: float) -> None:
    plan = RoyaltyPlan(10, tax_rate=TAX, tax_life_years=tax_life, mid_period=mid_period)
    tables = constant(REVENUE, GROWTH, ROYALTY, RATE, 10, 1)
    values = royalty_values(1, tables, np.eye(6), plan, draws=3)
    assert values == pytest.approx([expected] * 3, rel=1e-8)


@pytest.mark.golden
@pytest.mark.parametrize(
    ("life", "mid", "expected"),
    [(10, False, 1.1644908213839116), (10, True, 1.1757663040148187), (15, False, 1.1280499189184228)],
)
def test_tax_amortisation_factor(life: float, mid: bool, expected: float) -> None:
    assert tax_amortisation_factor(TAX, life, RATE, mid_period=mid) == pytest.approx(expected, rel=1e-10)


def test_tax_amortisation_at_rate_zero_is_the_limit() -> None:
    near = tax_amortisation_factor(TAX, 10, 1e-7, mid_period=True)
    assert tax_amortisation_factor(TAX, 10, 0.0, mid_period=True) == pytest.approx(near, rel=1e-6)
    assert tax_amortisation_factor(TAX, 0, RATE, mid_period=True) == 1.0


def brute_force(legal, first, life, revenue, growth, long_run, fade, royalty, rate, validity, tax, m) -> float:
    term, done, total, excess = min(legal, life), 0.0, 0.0, growth - long_run
    while done < term - 1e-12:
        length = min(first if done == 0 else 1.0, term - done)
        total += revenue * length * royalty * (1 - tax) * validity / (1 + rate) ** (done + length * (1 - m))
        done += length
        revenue *= 1 + long_run + excess
        excess *= fade
    return total


@given(
    st.floats(0.05, 30), st.floats(0.01, 1), st.floats(0.05, 30), st.floats(-0.3, 0.4), st.floats(-0.1, 0.05),
    st.floats(0, 1), st.floats(0.0, 0.5), st.booleans(),
)  # fmt: skip
def test_one_draw_equals_a_loop_over_periods(legal, first, life, growth, long_run, fade, rate, mid) -> None:
    plan = RoyaltyPlan(legal, first, TAX, 0.0, long_run, fade, mid)
    tables = constant(1e6, growth, 0.04, rate, life, 0.8)
    expected = brute_force(legal, first, life, 1e6, growth, long_run, fade, 0.04, rate, 0.8, TAX, 0.5 if mid else 0.0)
    assert royalty_values(7, tables, np.eye(6), plan, draws=1)[0] == pytest.approx(expected, rel=1e-9)


def test_blocks_and_order_do_not_matter() -> None:
    plan, root, tables = RoyaltyPlan(14.3, 0.5, tax_life_years=10), np.eye(6), random_tables()
    whole = royalty_values(5, tables, root, plan, draws=5_000)
    parts = [royalty_values(5, tables, root, plan, draws=1_250, first_draw=at) for at in (3_750, 0, 2_500, 1_250)]
    assert (np.concatenate([parts[1], parts[3], parts[2], parts[0]]) == whole).all()


def test_threads_do_not_matter() -> None:
    script = (
        "import numpy as np, hashlib, sys; sys.path.insert(0, 'tests/numerics')\n"
        "from test_montecarlo import random_tables\n"
        "from zhirong.numerics.montecarlo import *\n"
        "v = royalty_values(5, random_tables(), np.eye(6), RoyaltyPlan(14.3, 0.5), draws=20_000)\n"
        "print(hashlib.sha256(v.tobytes()).hexdigest())"
    )
    seen = set()
    for threads in ("1", "2"):
        run = subprocess.run(
            [sys.executable, "-c", script], env=os.environ | {"NUMBA_NUM_THREADS": threads}, capture_output=True, text=True,
            check=True,
        )  # fmt: skip
        seen.add(run.stdout)
    assert len(seen) == 1


def test_patents_have_streams_of_their_own() -> None:
    a, b = normal_scores(stream_key(1, "US1"), 20_000), normal_scores(stream_key(1, "US2"), 20_000)
    assert abs(np.corrcoef(a[:, 0], b[:, 0])[0, 1]) < 0.03
    assert stream_key(1, "US1") != stream_key(2, "US1")


def test_scores_are_normal_and_independent() -> None:
    scores = normal_scores(3, 100_000)
    for column in scores.T:
        assert stats.kstest(column, "norm").pvalue > 1e-4
    off = np.corrcoef(scores.T) - np.eye(6)
    assert np.abs(off).max() < 0.015


def test_inputs_have_their_marginals_and_correlation() -> None:
    matrix = np.eye(6)
    matrix[0, 1] = matrix[1, 0] = 0.5
    drawn = royalty_inputs(9, random_tables(), correlation_root(matrix), draws=100_000)
    assert np.median(drawn[:, 0]) == pytest.approx(1e6, rel=0.01)
    assert np.quantile(drawn[:, 3], 0.25) == pytest.approx(0.125, abs=0.001)
    assert drawn[:, 5].mean() == pytest.approx(8 / 11, abs=0.003)
    assert np.corrcoef(stats.rankdata(drawn[:, 0]), stats.rankdata(drawn[:, 1]))[0, 1] == pytest.approx(
        6 / np.pi * np.arcsin(0.25), abs=0.01
    ), "Spearman of a Gaussian copula"


def test_flows_discount_back_to_the_value() -> None:
    plan, tables = RoyaltyPlan(7.4, 0.3), constant(1e6, 0.03, 0.05, RATE, 30, 0.9)
    flows = royalty_flows(2, tables, np.eye(6), plan, draws=2)[0]
    lengths = np.array([0.3, 1, 1, 1, 1, 1, 1, 1, 0.1])
    middle = np.cumsum(lengths) - lengths / 2
    assert len(flows) == len(lengths)
    value = royalty_values(2, tables, np.eye(6), plan, draws=1)[0]
    assert (flows / (1 + RATE) ** middle).sum() == pytest.approx(value, rel=1e-12)


def test_no_term_left_is_no_value() -> None:
    assert royalty_values(1, constant(1e6, 0, 0.05, 0.1, 5, 1), np.eye(6), RoyaltyPlan(0.0), draws=2).tolist() == [
        0.0,
        0.0,
    ]


def test_impossible_plans_are_refused() -> None:
    for wrong in ({"legal_life_years": -1}, {"legal_life_years": 5, "first_period_years": 0}, {"legal_life_years": 5, "tax_rate": 1.0},
                  {"legal_life_years": 5, "growth_fade": 2}):  # fmt: skip
        with pytest.raises(DomainError):
            RoyaltyPlan(**wrong)
    contradiction = np.eye(6)
    contradiction[0, 1] = contradiction[1, 0] = 0.9
    contradiction[0, 2] = contradiction[2, 0] = 0.9
    contradiction[1, 2] = contradiction[2, 1] = -0.9
    with pytest.raises(DomainError, match="contradict"):
        correlation_root(contradiction)
    with pytest.raises(DomainError, match="draws"):
        royalty_values(1, random_tables(), np.eye(6), RoyaltyPlan(5), draws=0)


@pytest.mark.parametrize(
    ("family", "parameters", "law"),
    [
        ("uniform", {"low": 2, "high": 5}, stats.uniform(2, 3)),
        ("triangular", {"low": 0, "mode": 1, "high": 4}, stats.triang(0.25, 0, 4)),
        ("normal", {"mean": 1, "sd": 2}, stats.norm(1, 2)),
        ("lognormal", {"median": 3, "sigma": 0.7}, stats.lognorm(0.7, scale=3)),
    ],
)
def test_quantiles_equal_the_reference_library(family: str, parameters: dict, law) -> None:
    levels = np.array([0.01, 0.3, 0.5, 0.9, 0.99])
    assert quantiles(family, parameters, -1e9, 1e9, levels) == pytest.approx(law.ppf(levels), rel=1e-9)


@given(st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_bounds_hold_and_quantiles_rise(a: float, b: float) -> None:
    low, high = sorted((a, b))
    for family, parameters in (
        ("normal", {"mean": 0.5, "sd": 1}),
        ("lognormal", {"median": 0.5, "sigma": 1}),
        ("beta", {"a": 2, "b": 3}),
    ):
        if high - low > 1e-6:
            table = quantile_table(family, parameters, low, high)
            assert (np.diff(table) >= 0).all()
            assert low <= table[0]
            assert table[-1] <= high


def test_impossible_distributions_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="did you mean: normal"):
        quantiles("norml", {}, 0, 1, np.array([0.5]))
    for family, parameters in (
        ("normal", {"mean": 0}), ("normal", {"mean": 0, "sd": 0}), ("triangular", {"low": 0, "mode": 2, "high": 1}),
        ("uniform", {"low": 2, "high": 1}), ("lognormal", {"median": -1, "sigma": 1}), ("normal", {"mean": float("nan"), "sd": 1}),
    ):  # fmt: skip
        with pytest.raises(DomainError):
            quantiles(family, parameters, 0, 1, np.array([0.5]))
    with pytest.raises(DomainError, match="no mass"):
        quantiles("normal", {"mean": 0, "sd": 0.001}, 5, 6, np.array([0.5]))
    assert set(FAMILIES) == {"fixed", "uniform", "triangular", "normal", "lognormal", "beta"}
