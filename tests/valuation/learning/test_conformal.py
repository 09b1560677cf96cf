"""Coverage that holds whatever the model, by group, and probabilities that are calibrated."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats

from zhirong.kernel.errors import DomainError
from zhirong.valuation.learning.conformal import coverage_table, fit_shifts, fit_venn_abers, quantile_function

LEVELS = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)


def test_each_tail_misses_exactly_as_often_as_its_rank_says() -> None:
    """With n labels the upper end at level a is the ceil((n+1)a)-th residual: its coverage is that rank / (n+1)."""
    n, repeats = 59, 4_000
    rng = np.random.default_rng(1)
    y = rng.exponential(size=(repeats, n + 1))
    hits = np.zeros(len(LEVELS))
    for row in y:
        shifts = fit_shifts(row[:n], np.zeros((n, len(LEVELS))), LEVELS)
        hits += row[n] <= shifts.pooled
    for i, level in enumerate(LEVELS):
        if level == 0.5:
            continue
        rank = np.ceil((n + 1) * level) if level > 0.5 else np.floor((n + 1) * level)
        expected = rank / (n + 1)
        assert hits[i] / repeats == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / repeats))


def test_coverage_holds_for_a_wrong_model() -> None:
    rng = np.random.default_rng(2)
    y = rng.standard_t(3, 40_000) * 2 + 5
    wrong = np.tile(np.linspace(-0.1, 0.1, 7), (40_000, 1))
    shifts = fit_shifts(y[:20_000], wrong[:20_000], LEVELS)
    moved = shifts.apply(wrong[20_000:], [None] * 20_000)
    for i in range(3):
        inside = ((y[20_000:] >= moved[:, i]) & (y[20_000:] <= moved[:, -1 - i])).mean()
        assert inside == pytest.approx(LEVELS[-1 - i] - LEVELS[i], abs=0.02)


def test_groups_get_their_own_coverage() -> None:
    rng = np.random.default_rng(3)
    group = np.array(["narrow", "wide"])[np.arange(8_000) % 2]
    y = rng.normal(size=8_000) * np.where(group == "wide", 4.0, 1.0)
    flat = np.zeros((8_000, 7))
    half = slice(0, 4_000), slice(4_000, 8_000)
    pooled = fit_shifts(y[half[0]], flat[half[0]], LEVELS).apply(flat[half[1]], [None] * 4_000)
    own = fit_shifts(y[half[0]], flat[half[0]], LEVELS, groups=list(group[half[0]])).apply(
        flat[half[1]], list(group[half[1]])
    )

    def worst(quantiles: np.ndarray) -> float:
        rows = coverage_table(y[half[1]], quantiles, LEVELS, {"g": list(group[half[1]])}, group_min=50)
        return max(abs(r.coverage - r.nominal) for r in rows if r.dimension == "g")

    assert worst(pooled) > 0.1
    assert worst(own) < 0.03


def test_a_group_too_small_takes_the_pooled_shifts() -> None:
    y = np.arange(200.0)
    groups = ["small"] * 10 + ["large"] * 190
    shifts = fit_shifts(y, np.zeros((200, 7)), LEVELS, groups=groups, group_min=100)
    assert set(shifts.by_group) == {"large"}
    assert np.array_equal(shifts.of(["small", None])[0], shifts.pooled)


def test_too_few_labels_for_the_outer_level_are_refused() -> None:
    with pytest.raises(DomainError, match="39"):
        fit_shifts(np.zeros(38), np.zeros((38, 7)), LEVELS)
    assert fit_shifts(np.arange(39.0), np.zeros((39, 7)), LEVELS).pooled[0] == 0.0


def test_small_groups_are_flagged() -> None:
    y = np.zeros(60)
    rows = coverage_table(
        y, np.tile(np.linspace(-1, 1, 7), (60, 1)), LEVELS, {"age": ["0-5"] * 55 + [None] * 5}, group_min=50
    )
    assert {(r.dimension, r.group): r.is_small for r in rows} == {
        ("all", "all"): False, ("age", "0-5"): False, ("age", "unknown"): True,
    }  # fmt: skip
    assert {r.nominal for r in rows} == {0.5, 0.8, 0.95}


def test_a_normal_law_is_drawn_as_it_is() -> None:
    quantiles = 3.0 + 2.0 * stats.norm.ppf(LEVELS)
    u = np.array([0.001, 0.025, 0.3, 0.5, 0.975, 0.9999])
    assert quantile_function(LEVELS, quantiles, u) == pytest.approx(3.0 + 2.0 * stats.norm.ppf(u), abs=1e-12)


def test_venn_abers_equals_its_definition() -> None:
    rng = np.random.default_rng(4)
    score = np.sort(rng.normal(size=60))
    y = (rng.random(60) < 1 / (1 + np.exp(-score))).astype(float)
    fitted = fit_venn_abers(score, y)
    low, high = fitted.interval(score)
    for i in (0, 17, 59):
        for outcome, found in ((0.0, low[i]), (1.0, high[i])):
            s, o = np.append(score, score[i]), np.append(y, outcome)
            unique, inverse = np.unique(s, return_inverse=True)
            n = np.bincount(inverse)
            fit = optimize.isotonic_regression(np.bincount(inverse, weights=o) / n, weights=n).x
            assert found == pytest.approx(fit[np.searchsorted(unique, score[i])], abs=1e-12)
    assert (low <= high).all()


def test_venn_abers_mends_odds_that_are_far_off() -> None:
    rng = np.random.default_rng(5)
    z = rng.normal(size=20_000)
    y = (rng.random(20_000) < 1 / (1 + np.exp(-z))).astype(float)
    fitted = fit_venn_abers(3 * z[:10_000] + 2, y[:10_000])
    p = fitted.probability(3 * z[10_000:] + 2)
    assert np.abs(p - 1 / (1 + np.exp(-z[10_000:]))).mean() < 0.025
    low, high = fitted.interval(3 * z[10_000:] + 2)
    assert (high - low).mean() < 0.05
