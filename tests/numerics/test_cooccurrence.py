"""Pairs of classes: tails by enumeration, calibration under chance, planted gaps found, discovery rates, bad input."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from zhirong.kernel.errors import DomainError
from zhirong.numerics.cooccurrence import (
    bridges,
    difference_interval,
    false_discovery,
    pair_tests,
    proportion_interval,
)


def matrix(members) -> np.ndarray:
    x = members.astype(np.int64)
    return x @ x.T


def test_tails_are_those_of_drawing_without_replacement() -> None:
    both = np.array([[6, 1], [1, 5]])
    found = pair_tests(both, np.array([6, 5]), 20)
    by_hand = [math.comb(6, k) * math.comb(14, 5 - k) / math.comb(20, 5) for k in range(6)]
    assert found.p_low[0] == pytest.approx(sum(by_hand[:2]))
    assert found.p_high[0] == pytest.approx(sum(by_hand[1:]))
    assert found.expected[0] == pytest.approx(1.5)


def test_under_chance_few_pairs_are_called_gaps_and_a_planted_gap_is_found() -> None:
    rng = np.random.default_rng(1)
    false = 0
    for _ in range(60):
        members = rng.random((10, 800)) < 0.2
        found = pair_tests(matrix(members), members.sum(axis=1), 800)
        false += bool((found.q_low <= 0.05).any())
    assert false <= 9  # a rate of 5 % of families of tests; 9 of 60 has probability below 0.2 %
    members = rng.random((10, 800)) < 0.2
    members[1] &= ~members[0]
    found = pair_tests(matrix(members), members.sum(axis=1), 800)
    gaps = np.flatnonzero(found.q_low <= 0.05)
    assert [(found.first[k], found.second[k]) for k in gaps] == [(0, 1)]
    assert found.observed[gaps[0]] == 0
    assert found.ratio_high[gaps[0]] < 0.2


def test_a_zero_that_was_hardly_expected_is_no_gap() -> None:
    found = pair_tests(np.array([[3, 0], [0, 4]]), np.array([3, 4]), 500)
    assert found.observed[0] == 0
    assert not found.is_testable[0]
    assert found.q_low[0] == 1.0


def test_bridges_count_thirds_that_meet_both() -> None:
    rng = np.random.default_rng(3)
    base = rng.random((5, 3_000)) < 0.1
    third = rng.random(3_000) < 0.1
    base[0] |= third & (rng.random(3_000) < 0.5)
    base[1] |= third & (rng.random(3_000) < 0.5)
    base[1] &= ~base[0]
    members = np.vstack([base, third])
    found = pair_tests(matrix(members), members.sum(axis=1), 3_000)
    between = bridges(found, 6)
    pair = np.flatnonzero((found.first == 0) & (found.second == 1))[0]
    assert found.q_low[pair] <= 0.05
    assert between[pair] == 1


def test_discovery_rates_equal_the_published_procedure() -> None:
    rng = np.random.default_rng(0)
    p = rng.random(40) ** 2
    assert false_discovery(p) == pytest.approx(stats.false_discovery_control(p))


def test_wilson_interval_covers_and_knows_nothing_without_cases() -> None:
    assert proportion_interval(0, 0) == (0.0, 1.0)
    low, high = proportion_interval(0, 30)
    assert low == pytest.approx(0.0, abs=1e-12)
    assert 0.05 < high < 0.12
    with pytest.raises(DomainError):
        proportion_interval(3, 2)


@pytest.mark.parametrize(
    ("both", "sizes", "documents"),
    [([[1, 2], [1, 1]], [1, 1], 5), ([[5, 6], [6, 7]], [5, 7], 20), ([[3, 0], [0, 3]], [3, 3], 5), ([[9]], [9], 5)],
)
def test_impossible_counts_are_refused(both, sizes, documents) -> None:
    with pytest.raises(DomainError):
        pair_tests(np.array(both), np.array(sizes), documents)


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [((56, 70, 48, 80), 0.0524, 0.3339), ((9, 10, 3, 10), 0.1705, 0.8090), ((10, 10, 0, 10), 0.6075, 1.0)],
)
def test_differences_of_shares_have_newcombes_interval(counts, low, high) -> None:
    """Newcombe (1998), table II, method 10, contrasts (a), (b) and (h): printed to four digits (recalled)."""
    assert difference_interval(*counts, level=0.95) == pytest.approx((low, high), abs=6e-5)
