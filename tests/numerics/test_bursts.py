"""Bursts: the dynamic programme equals enumeration, worked costs, limits, recovery, invariance, bad input."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhirong.kernel.errors import DomainError
from zhirong.numerics.bursts import find_bursts, sequence_cost


def enumerated(counts, totals, *, scaling: float, gamma: float, levels: int) -> float:
    """Cheapest cost over all sequences, written from the paper and from nothing else."""
    n = len(counts)
    if totals is None:
        base = sum(counts) / n

        def fit(i: int, t: int) -> float:
            m = base * scaling**i
            return -(-m + counts[t] * math.log(m) - math.lgamma(counts[t] + 1))
    else:
        p0 = sum(counts) / sum(totals)

        def fit(i: int, t: int) -> float:
            p = p0 * scaling**i
            return -math.log(math.comb(totals[t], counts[t]) * p ** counts[t] * (1 - p) ** (totals[t] - counts[t]))

    best = math.inf
    for q in itertools.product(range(levels), repeat=n):
        climbs = sum(max(b - a, 0) for a, b in itertools.pairwise((0, *q)))
        best = min(best, climbs * gamma * math.log(n) + sum(fit(i, t) for t, i in enumerate(q)))
    return best


@given(
    st.lists(st.integers(0, 9), min_size=2, max_size=6),
    st.sampled_from([1.5, 2.0, 3.0]),
    st.sampled_from([0.0, 0.5, 1.0]),
)
def test_the_programme_finds_the_cheapest_of_all_sequences(counts, scaling, gamma) -> None:
    if sum(counts) == 0:
        return
    found = find_bursts(np.array(counts, float), scaling=scaling, gamma=gamma, levels=3)
    assert found.cost == pytest.approx(enumerated(counts, None, scaling=scaling, gamma=gamma, levels=3), abs=1e-9)
    again = sequence_cost(found.levels, np.array(counts, float), scaling=scaling, gamma=gamma, level_count=3)
    assert again == pytest.approx(found.cost, abs=1e-9)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 40)), min_size=2, max_size=7))
def test_shares_of_totals_equal_enumeration(pairs) -> None:
    counts, totals = [a for a, _ in pairs], [a + b + 10 for a, b in pairs]
    if sum(counts) == 0 or 2 * sum(counts) / sum(totals) > 0.99:
        return
    found = find_bursts(np.array(counts, float), np.array(totals, float))
    assert found.cost == pytest.approx(enumerated(counts, totals, scaling=2.0, gamma=1.0, levels=2), abs=1e-9)


def test_a_planted_burst_is_recovered_with_its_years() -> None:
    rng = np.random.default_rng(7)
    totals = np.full(40, 2_000.0)
    share = np.full(40, 0.01)
    share[18:24] = 0.035
    found = find_bursts(rng.binomial(2_000, share).astype(float), totals)
    assert [(b.start, b.end) for b in found.bursts] == [(18, 23)]
    assert found.bursts[0].weight > 20


def test_growth_of_everything_is_no_burst_of_a_part() -> None:
    totals = np.geomspace(100, 10_000, 25).round()
    counts = (totals * 0.05).round()
    assert find_bursts(counts, totals).bursts == ()
    assert find_bursts(counts).bursts != ()


def test_a_dear_climb_silences_and_a_free_one_follows_each_batch() -> None:
    counts = np.array([2.0, 9, 2, 9, 2])
    assert find_bursts(counts, gamma=50.0).bursts == ()
    free = find_bursts(counts, gamma=0.0, scaling=1.5)
    assert free.levels.tolist() == [0, 1, 0, 1, 0]
    assert [(b.start, b.end) for b in free.bursts] == [(1, 1), (3, 3)]


def test_bursts_of_a_level_lie_inside_those_of_the_level_below() -> None:
    counts = np.array([1.0, 1, 1, 5, 6, 20, 22, 6, 1, 1, 1, 1, 1, 1])
    found = find_bursts(counts, levels=3)
    for inner in (b for b in found.bursts if b.level == 2):
        assert any(b.level == 1 and b.start <= inner.start and inner.end <= b.end for b in found.bursts)
    assert {b.level for b in found.bursts} == {1, 2}
    assert all(b.weight >= 0 for b in found.bursts)


def test_the_weight_is_the_cost_saved_by_the_run() -> None:
    counts = np.array([1.0, 1, 8, 9, 1, 1, 1])
    found = find_bursts(counts)
    (burst,) = found.bursts
    flat = sequence_cost(np.zeros(7, np.int64), counts)
    assert flat - found.cost == pytest.approx(burst.weight - math.log(7))


def test_nothing_seen_is_no_burst() -> None:
    found = find_bursts(np.zeros(5), np.full(5, 10.0))
    assert found.levels.tolist() == [0] * 5
    assert found.bursts == ()


@pytest.mark.parametrize(
    ("counts", "totals", "settings"),
    [
        ([], None, {}), ([-1.0], None, {}), ([np.nan], None, {}), ([2.0], [1.0], {}), ([1.0, 1.0], [3.0], {}),
        ([1.0], None, {"scaling": 1.0}), ([1.0], None, {"gamma": -1.0}), ([1.0], None, {"levels": 0}),
    ],
)  # fmt: skip
def test_bad_input_is_refused(counts, totals, settings) -> None:
    with pytest.raises(DomainError):
        find_bursts(np.array(counts), None if totals is None else np.array(totals), **settings)
