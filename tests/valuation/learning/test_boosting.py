"""Quantile trees: known quantiles found again, constraints that hold, exact contributions, one result for any threads."""

from __future__ import annotations

import itertools
import math

import lightgbm
import numpy as np
import pytest
from scipy import stats

from zhirong.kernel.errors import DomainError
from zhirong.valuation.learning.boosting import (
    LEVELS,
    Settings,
    Trees,
    check_loss,
    fit_event,
    fit_quantiles,
    weighted_quantile,
)

SETTINGS = Settings(threads=1, trees_max=150)


def simulated(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log-normal amounts whose median rises with x0 and whose spread rises with |x1|; x2 is noise."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2, 2, (n, 3))
    centre, spread = 1.5 * x[:, 0], 0.5 + 0.5 * np.abs(x[:, 1])
    truth = centre[:, None] + spread[:, None] * stats.norm.ppf(LEVELS)
    return x, centre + spread * rng.normal(size=n), truth


@pytest.fixture(scope="module")
def fitted() -> tuple[Trees, np.ndarray]:
    x, y, _ = simulated(6_000, 1)
    return fit_quantiles(x, y, np.ones(len(y)), monotone=[1, 0, 0], settings=SETTINGS), x


def test_known_quantiles_are_found_again(fitted: tuple[Trees, np.ndarray]) -> None:
    trees, _ = fitted
    x, y, truth = simulated(4_000, 2)
    found = trees.predict(x)
    for i, level in enumerate(LEVELS):
        # Better than the best constant by most of what is there to gain.
        floor = check_loss(y, truth[:, i], level)
        naive = check_loss(y, np.full(len(y), np.quantile(y, level)), level)
        mine = check_loss(y, found[:, i], level)
        assert (mine - floor) / (naive - floor) < (0.12 if 0.1 <= level <= 0.9 else 0.25)
        assert (y < found[:, i]).mean() == pytest.approx(level, abs=0.035)


def test_quantiles_never_cross_and_the_median_stays(fitted: tuple[Trees, np.ndarray]) -> None:
    trees, x = fitted
    found = trees.predict(x)
    assert (np.diff(found, axis=1) >= 0).all()
    alone = trees.middle + trees.scale * trees.boosters[trees.centre].predict(x)
    assert np.array_equal(found[:, trees.centre], alone)


def test_constraints_hold_for_every_quantile(fitted: tuple[Trees, np.ndarray]) -> None:
    trees, _ = fitted
    rng = np.random.default_rng(3)
    base = rng.uniform(-2.5, 2.5, (300, 3))
    base[::7, 1] = np.nan
    higher = base.copy()
    higher[:, 0] += rng.uniform(0, 2, 300)
    assert (trees.predict(higher) >= trees.predict(base)).all()


def test_a_free_fit_breaks_the_sign_that_the_constraint_keeps() -> None:
    rng = np.random.default_rng(4)
    x = rng.uniform(-2, 2, (2_000, 1))
    y = np.sin(2 * x[:, 0]) + 0.3 * rng.normal(size=2_000)
    grid = np.linspace(-2, 2, 200)[:, None]
    free = fit_quantiles(x, y, np.ones(2_000), monotone=[0], settings=SETTINGS).predict(grid)
    held = fit_quantiles(x, y, np.ones(2_000), monotone=[1], settings=SETTINGS).predict(grid)
    assert (np.diff(free[:, 3]) < 0).any()
    assert (np.diff(held, axis=0) >= 0).all()


def test_the_library_refuses_the_constraint_under_its_own_quantile_objective() -> None:
    """The reason for an objective of our own; when this fails, the library has learned it and ours may go."""
    x, y, _ = simulated(200, 5)
    data = lightgbm.Dataset(x, y, params={"verbosity": -1})
    asked = {"objective": "quantile", "alpha": 0.9, "monotone_constraints": [1, 0, 0], "verbosity": -1}
    with pytest.raises(lightgbm.basic.LightGBMError, match="monotone_constraints"):
        lightgbm.train(asked, data, 5)


def test_contributions_sum_to_the_prediction(fitted: tuple[Trees, np.ndarray]) -> None:
    trees, x = fitted
    parts = trees.contributions(x[:200])
    assert np.abs(parts.sum(axis=1) - trees.predict(x[:200])[:, trees.centre]).max() < 1e-9


def test_contributions_equal_shapley_values_by_brute_force() -> None:
    x, y, _ = simulated(400, 6)
    x[::9, 0] = np.nan
    settings = Settings(threads=1, trees_max=12, leaves_max=6, patience=12)
    trees = fit_quantiles(x, y, np.ones(400), monotone=[0, 0, 0], settings=settings)
    booster = trees.boosters[trees.centre]
    dumped = booster.model.dump_model()["tree_info"]
    rows = np.vstack([x[:6], [[np.nan, 0.3, 0.1]]])
    parts = booster.contributions(rows)
    for row, found in zip(rows, parts, strict=True):
        for feature in range(3):
            others = [f for f in range(3) if f != feature]
            total = 0.0
            for size in range(3):
                for known in itertools.combinations(others, size):
                    share = math.factorial(size) * math.factorial(2 - size) / math.factorial(3)
                    total += share * (_mean(dumped, row, {*known, feature}) - _mean(dumped, row, set(known)))
            assert found[feature] == pytest.approx(total, abs=1e-9)


def _mean(dumped: list[dict], row: np.ndarray, known: set[int]) -> float:
    return sum(_node(tree["tree_structure"], row, known) for tree in dumped)


def _node(node: dict, row: np.ndarray, known: set[int]) -> float:
    """Mean of a tree given some features: the others are averaged by the training rows of the branches."""
    if "leaf_value" in node:
        return node["leaf_value"]
    left, right = node["left_child"], node["right_child"]
    if node["split_feature"] in known:
        value = row[node["split_feature"]]
        if np.isnan(value) and node["missing_type"] == "NaN":
            goes_left = node["default_left"]
        else:
            goes_left = (0.0 if np.isnan(value) else value) <= node["threshold"]
        return _node(left if goes_left else right, row, known)
    a, b = _rows(left), _rows(right)
    return (a * _node(left, row, known) + b * _node(right, row, known)) / (a + b)


def _rows(node: dict) -> float:
    return node["leaf_count"] if "leaf_value" in node else node["internal_count"]


def test_threads_do_not_change_the_trees() -> None:
    x, y, _ = simulated(3_000, 7)
    settings = [Settings(threads=t, trees_max=3, patience=3) for t in (1, 2)]
    fits = [fit_quantiles(x, y, np.ones(3_000), monotone=[1, 0, 0], settings=s, levels=(0.5,)) for s in settings]
    assert fits[0].boosters[0].tree_count == 3
    assert [b.text() for b in fits[0].boosters] == [b.text() for b in fits[1].boosters]


def test_noise_gives_a_constant() -> None:
    rng = np.random.default_rng(8)
    x, y = rng.normal(size=(600, 5)), rng.normal(size=600)
    trees = fit_quantiles(x, y, np.ones(600), monotone=[0] * 5, settings=SETTINGS)
    assert sum(b.tree_count for b in trees.boosters) <= 30
    assert trees.predict(x)[:, 3].std() < 0.15


def test_a_missing_value_can_matter() -> None:
    rng = np.random.default_rng(9)
    x = rng.normal(size=(2_000, 1))
    x[::2] = np.nan
    y = np.where(np.isnan(x[:, 0]), 3.0, 0.0) + 0.2 * rng.normal(size=2_000)
    found = fit_quantiles(x, y, np.ones(2_000), monotone=[0], settings=SETTINGS).predict(np.array([[np.nan], [0.0]]))
    assert found[0, 3] - found[1, 3] == pytest.approx(3.0, abs=0.15)


def test_weights_are_labels_counted_often() -> None:
    y, w = np.array([1.0, 2.0, 3.0]), np.array([1.0, 1.0, 4.0])
    assert weighted_quantile(y, 0.5, w) == 3.0
    assert weighted_quantile(y, 0.5, np.ones(3)) == 2.0


def test_an_event_is_found_with_its_odds() -> None:
    rng = np.random.default_rng(10)
    x = rng.uniform(-2, 2, (6_000, 2))
    p = 1 / (1 + np.exp(-(0.5 + 1.2 * x[:, 0])))
    y = (rng.random(6_000) < p).astype(float)
    trees = fit_event(x, y, np.ones(6_000), monotone=[1, 0], settings=SETTINGS)
    grid = np.column_stack([np.linspace(-1.8, 1.8, 30), np.zeros(30)])
    found = 1 / (1 + np.exp(-trees.predict(grid)[:, 0]))
    assert np.abs(found - 1 / (1 + np.exp(-(0.5 + 1.2 * grid[:, 0])))).max() < 0.12
    assert (np.diff(found) >= 0).all()


@pytest.mark.parametrize(
    "change",
    [
        lambda x, y: (x[:20], y[:20]),
        lambda x, y: (np.where(x > 1.9, np.inf, x), y),
        lambda x, y: (x, np.where(y > 0, np.nan, y)),
        lambda x, y: (x[:, :2], y),
    ],
)
def test_bad_input_is_refused(change) -> None:
    x, y, _ = simulated(100, 11)
    x, y = change(x, y)
    with pytest.raises(DomainError):
        fit_quantiles(x, y, np.ones(len(y)), monotone=[0, 0, 0], settings=SETTINGS)
    with pytest.raises(DomainError, match="0 and 1"):
        fit_event(np.ones((50, 1)), np.ones(50), np.ones(50), monotone=[0], settings=SETTINGS)
