"""Rates of groups within groups: the whole posterior as the judge, recovery from simulation, limits."""

from __future__ import annotations

import numpy as np
import pytest

from zhirong.kernel.errors import DomainError
from zhirong.numerics.beta_binomial import hyper_grid
from zhirong.numerics.nested_rates import fit_nested_rates


def levels(count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).random((count, 6))


def test_one_level_is_the_whole_posterior() -> None:
    won, tested = np.array([12.0, 3, 8, 1, 30]), np.array([20.0, 15, 12, 2, 45])
    chain = fit_nested_rates(("court",), [(i,) for i in range(5)], won, tested)
    grid = hyper_grid(won, tested, least=2.0)
    for i in (0, 3):
        drawn = chain.draws((i,), levels(60_000))
        assert drawn.mean() == pytest.approx(grid.group_mean(won[i], tested[i]), abs=0.004)
        for q in (0.05, 0.95):
            assert np.quantile(drawn, q) == pytest.approx(grid.group_quantile(won[i], tested[i], q), abs=0.008)
    thin, rich = chain.draws((3,), levels(5_000)), chain.draws((4,), levels(5_000))
    assert thin.std() > rich.std()


def simulated(rng: np.random.Generator, courts: int = 8, fields: int = 12):
    keys, rates, won, tested = [], [], [], []
    for court in range(courts):
        base = rng.beta(6.0, 5.0)
        for field in range(fields):
            rate = rng.beta(25 * base, 25 * (1 - base))
            n = int(rng.integers(1, 30))
            keys.append((court, field))
            rates.append(rate)
            tested.append(n)
            won.append(rng.binomial(n, rate))
    return keys, np.array(rates), np.array(won, float), np.array(tested, float)


def test_intervals_of_cells_cover_and_shrunk_means_are_nearer() -> None:
    inside, errors, raw = [], [], []
    for seed in range(6):
        keys, rates, won, tested = simulated(np.random.default_rng(seed))
        chain = fit_nested_rates(("court", "field"), keys, won, tested)
        for i, key in enumerate(keys):
            drawn = chain.draws(key, levels(1_000, seed))
            low, high = np.quantile(drawn, [0.05, 0.95])
            inside.append(low <= rates[i] <= high)
            errors.append((drawn.mean() - rates[i]) ** 2)
            raw.append((won[i] / tested[i] - rates[i]) ** 2)
    assert np.mean(inside) == pytest.approx(0.9, abs=0.045)
    assert np.mean(errors) < 0.6 * np.mean(raw)


def test_a_group_never_seen_follows_the_one_that_holds_it_and_is_less_sure() -> None:
    keys, _, won, tested = simulated(np.random.default_rng(3))
    chain = fit_nested_rates(("court", "field"), keys, won, tested)
    court = chain.draws((2, None), levels(20_000))
    unseen = chain.draws((2, "new"), levels(20_000))
    nowhere = chain.draws(("new", "new"), levels(20_000))
    assert unseen.mean() == pytest.approx(court.mean(), abs=0.01)
    assert unseen.std() > court.std()
    assert nowhere.std() > unseen.std()
    path = chain.path((2, "new"))
    assert [p.level for p in path] == ["all", "court", "field"]
    assert path[0].tested == tested.sum()
    assert path[2].tested == 0


def test_levels_that_cannot_tell_groups_apart_are_passed_over() -> None:
    one = fit_nested_rates(("court",), [("a",)], np.array([7.0]), np.array([10.0]), prior=(5.0, 4.0))
    drawn = one.draws(("a",), levels(40_000))
    assert one.grid is None
    assert drawn.mean() == pytest.approx(12 / 19, abs=0.003)  # beta(5 + 7, 4 + 3)
    # One court throughout: the fields carry the chain, and the court is passed over.
    board = fit_nested_rates(
        ("court", "field"), [("a", i) for i in range(4)], np.array([8.0, 1, 5, 9]), np.full(4, 10.0)
    )
    assert board.concentrations[0] is None
    assert board.first == 2
    assert board.draws(("a", 0), levels(5_000)).mean() > board.draws(("a", 1), levels(5_000)).mean() + 0.2
    # Each field in one court only: below the court nothing can be learned, and the chain ends there.
    single = fit_nested_rates(
        ("court", "field"), [(i, 0) for i in range(4)], np.array([8.0, 1, 5, 9]), np.full(4, 10.0)
    )
    assert single.concentrations[1] is None
    np.testing.assert_array_equal(single.draws((1, 0), levels(50)), single.draws((1, None), levels(50)))


def test_without_cases_the_prior_speaks() -> None:
    chain = fit_nested_rates(("court", "field"), [], np.zeros(0), np.zeros(0), prior=(5.0, 4.0))
    assert chain.draws(("a", 1), levels(40_000)).mean() == pytest.approx(5 / 9, abs=0.004)
    assert chain.path(("a", 1))[0].tested == 0


def test_the_order_of_rows_does_not_matter() -> None:
    keys, _, won, tested = simulated(np.random.default_rng(5), 3, 4)
    order = np.random.default_rng(0).permutation(len(keys))
    one = fit_nested_rates(("court", "field"), keys, won, tested)
    two = fit_nested_rates(("court", "field"), [keys[i] for i in order], won[order], tested[order])
    np.testing.assert_array_equal(one.draws((1, 2), levels(100)), two.draws((1, 2), levels(100)))


def test_impossible_chains_are_refused() -> None:
    with pytest.raises(DomainError, match="names a group"):
        fit_nested_rates(("court", "field"), [("a",)], np.ones(1), np.ones(1))
    with pytest.raises(DomainError, match="won is 0 to tested"):
        fit_nested_rates(("court",), [("a",)], np.array([2.0]), np.ones(1))
    chain = fit_nested_rates(("court",), [("a",)], np.ones(1), np.ones(1))
    with pytest.raises(DomainError, match="a cell names"):
        chain.draws(("a", 1), levels(5))
