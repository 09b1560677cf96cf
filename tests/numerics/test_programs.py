"""Named programmes and shared gains: known optima, duality, brute force, published games, bad input."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhirong.kernel.errors import ConvergenceError, DomainError
from zhirong.numerics.cooperation import coalitions, core_excess, nucleolus, shapley, worth_of_all
from zhirong.numerics.programs import Row, least_shortfall, solve


def test_a_textbook_programme_with_its_shadow_prices() -> None:
    # Hillier and Lieberman, Introduction to Operations Research, Wyndor Glass: 3x + 5y at (2, 6) = 36; prices 0, 3/2, 1.
    rows = [Row("one", {"x": 1}, high=4), Row("two", {"y": 2}, high=12), Row("three", {"x": 3, "y": 2}, high=18)]
    answer = solve({"x": -3, "y": -5}, rows, {"x": (0, np.inf), "y": (0, np.inf)})
    assert answer is not None
    assert answer.objective == pytest.approx(-36)
    assert answer.values == pytest.approx({"x": 2, "y": 6})
    assert answer.shadow == pytest.approx({"one": 0, "two": -1.5, "three": -1})
    assert answer.gap < 1e-12


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_whole_variables_equal_brute_force(seed: int) -> None:
    rng = np.random.default_rng(seed)
    worth, weight = rng.integers(1, 20, 8), rng.integers(1, 10, 8)
    room = int(weight.sum() // 2)
    names = [f"v{k}" for k in range(8)]
    answer = solve(
        {n: -float(w) for n, w in zip(names, worth, strict=True)},
        [Row("room", {n: float(w) for n, w in zip(names, weight, strict=True)}, high=room)],
        dict.fromkeys(names, (0.0, 1.0)), whole=names,
    )  # fmt: skip
    best = max(
        sum(int(worth[k]) for k in range(8) if pick >> k & 1)
        for pick in range(256)
        if sum(int(weight[k]) for k in range(8) if pick >> k & 1) <= room
    )
    assert answer is not None
    assert -answer.objective == pytest.approx(best)


def test_what_cannot_be_kept_is_named_with_its_least_breach() -> None:
    rows = [Row("low", {"x": 1}, low=3), Row("high", {"x": 1}, high=1), Row("calm", {"x": 1}, high=9)]
    assert solve({"x": 1}, rows, {"x": (0, 10)}) is None
    assert sum(least_shortfall(rows, {"x": (0, 10)}).breaches.values()) == pytest.approx(2)
    assert "calm" not in least_shortfall(rows, {"x": (0, 10)}).breaches


def test_misuse_is_refused() -> None:
    with pytest.raises(DomainError, match="no bounds"):
        solve({"x": 1}, [Row("a", {"y": 1}, high=1)], {"x": (0, 1)})
    with pytest.raises(DomainError, match="without bounds: z"):
        solve({"z": 1}, [], {"x": (0, 1)})
    with pytest.raises(DomainError, match="is above high"):
        solve({}, [Row("a", {"x": 1}, low=2, high=1)], {"x": (0, 1)})
    with pytest.raises(DomainError, match="coefficient"):
        solve({}, [Row("a", {"x": float("nan")}, low=2)], {"x": (0, 1)})
    with pytest.raises(ConvergenceError):
        solve({"x": -1}, [], {"x": (0, np.inf)})
    with pytest.raises(DomainError, match="once"):
        worth_of_all(["a", "a"], len)


GAME = {"B": 1.0, "I": 0.0, "G": 0.0, "BI": 2.0, "BG": 1.8, "IG": 0.0, "BIG": 3.0, "": 0.0}
WORTH = {frozenset(k): v for k, v in GAME.items()}


@pytest.mark.golden
def test_shapley_of_the_reference_game() -> None:
    # Shared reference on IP finance, oracle "shapley.three".
    assert shapley("BIG", WORTH) == pytest.approx(
        {"B": 1.96666666666667, "I": 0.566666666666667, "G": 0.466666666666667}, abs=1e-12
    )


@pytest.mark.golden
def test_nucleolus_of_the_talmud() -> None:
    # Aumann and Maschler (1985), J. Economic Theory 36, 195-213: debts 100, 200, 300; estates 100, 200, 300.
    debts = {"a": 100.0, "b": 200.0, "c": 300.0}
    for estate, shares in ((100, (100 / 3,) * 3), (200, (50, 75, 75)), (300, (50, 100, 150))):
        game = worth_of_all(
            list(debts), lambda s, e=estate: max(e - sum(d for p, d in debts.items() if p not in s), 0.0)
        )
        assert list(nucleolus(list(debts), game).values()) == pytest.approx(shares, abs=1e-5)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 4))
def test_shapley_is_the_mean_over_orders_and_the_nucleolus_has_the_least_excess(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    players = list("abcd")[:n]
    game = worth_of_all(players, lambda s: float(rng.uniform(0, len(s))))
    by_order = dict.fromkeys(players, 0.0)
    orders = list(permutations(players))
    for order in orders:
        for k, player in enumerate(order):
            by_order[player] += (game[frozenset(order[: k + 1])] - game[frozenset(order[:k])]) / len(orders)
    assert shapley(players, game) == pytest.approx(by_order)
    fair = nucleolus(players, game)
    assert sum(fair.values()) == pytest.approx(game[frozenset(players)])
    least = core_excess(players, game, fair)[0]
    for _ in range(200):
        other = rng.dirichlet(np.ones(n)) * rng.uniform(0.5, 2)
        other = {p: x + (game[frozenset(players)] - other.sum()) / n for p, x in zip(players, other, strict=True)}
        assert core_excess(players, game, other)[0] >= least - 1e-6
    assert len(list(coalitions(players))) == 2**n
