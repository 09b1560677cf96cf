"""Sharing what a coalition gains: Shapley value, nucleolus, and whether a share-out lies in the core."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from math import factorial

import numpy as np

from zhirong.kernel.errors import DomainError
from zhirong.numerics.programs import Row, solve

__all__ = ["Worth", "coalitions", "core_excess", "nucleolus", "shapley", "worth_of_all"]

Worth = Mapping[frozenset[str], float]
_PLAYERS_MAX = 10
_TIGHT = 1e-9


def coalitions(players: Sequence[str]) -> Iterator[frozenset[str]]:
    """Yield every coalition, the empty one first."""
    for size in range(len(players) + 1):
        for chosen in combinations(players, size):
            yield frozenset(chosen)


def worth_of_all(players: Sequence[str], worth: Callable[[frozenset[str]], float]) -> dict[frozenset[str], float]:
    """Return the worth of every coalition; that of the empty one is 0.

    Raises
    ------
    DomainError
        For more than 10 players, or one named twice.
    """
    if len(set(players)) != len(players) or len(players) > _PLAYERS_MAX:
        raise DomainError(f"players: {len(players)}; allowed: {_PLAYERS_MAX} at most, each once")
    return {chosen: worth(chosen) if chosen else 0.0 for chosen in coalitions(players)}


def shapley(players: Sequence[str], worth: Worth) -> dict[str, float]:
    """Return the Shapley value: what each player adds, averaged over all orders of joining.

    Parameters
    ----------
    players : sequence of str
        Names.
    worth : Mapping of frozenset of str to float
        Of every coalition.

    References
    ----------
    Shapley (1953), A value for n-person games, *Contributions to the Theory of Games* II, 307-317.
    """
    n = len(players)
    found = {}
    for player in players:
        others = [p for p in players if p != player]
        found[player] = sum(
            factorial(len(s)) * factorial(n - len(s) - 1) / factorial(n) * (worth[s | {player}] - worth[s])
            for s in coalitions(others)
        )
    return found


def core_excess(players: Sequence[str], worth: Worth, shares: Mapping[str, float]) -> tuple[float, frozenset[str]]:
    """Return the largest amount by which a coalition would do better alone, and that coalition; 0 or less lies in the core."""
    proper = [s for s in coalitions(players) if 0 < len(s) < len(players)]
    if not proper:
        return 0.0, frozenset()
    worst = max(proper, key=lambda s: worth[s] - sum(shares[p] for p in s))
    return worth[worst] - sum(shares[p] for p in worst), worst


def nucleolus(players: Sequence[str], worth: Worth) -> dict[str, float]:
    """Return the share-out whose largest excess is least, then the next largest, and so on.

    Notes
    -----
    A sequence of linear programmes; at each the coalitions whose condition binds in every optimum (a positive price) are held.

    References
    ----------
    Schmeidler (1969), *SIAM Journal on Applied Mathematics* 17, 1163-1170; Maschler, Peleg and Shapley (1979).
    """
    everyone = frozenset(players)
    if len(players) == 1:
        return {players[0]: worth[everyone]}
    span = 1 + sum(abs(v) for v in worth.values())
    bounds = {**{f"x:{p}": (-span, span) for p in players}, "e": (-2 * span, 2 * span)}
    held = [(everyone, worth[everyone])]
    free = [s for s in coalitions(players) if 0 < len(s) < len(players)]
    while free := [s for s in free if _is_new(players, held, s)]:
        rows = [Row(str(k), {**{f"x:{p}": 1.0 for p in s}, "e": 1.0}, low=worth[s]) for k, s in enumerate(free)]
        fixed = [Row(f"held:{k}", {f"x:{p}": 1.0 for p in s}, at, at) for k, (s, at) in enumerate(held)]
        found = solve({"e": 1.0}, [*fixed, *rows], bounds)
        assert found is not None, "some share-out always exists"
        tight = [s for k, s in enumerate(free) if found.shadow[str(k)] > _TIGHT]
        assert tight, "a least excess is held by some coalition"
        for s in tight:
            if _is_new(players, held, s):
                held.append((s, worth[s] - found.objective))
    matrix = np.array([[float(p in s) for p in players] for s, _ in held])
    shares = np.linalg.solve(matrix, [at for _, at in held])
    return {p: float(x) for p, x in zip(players, shares, strict=True)}


def _is_new(players: Sequence[str], held: Sequence[tuple[frozenset[str], float]], chosen: frozenset[str]) -> bool:
    """Tell whether what is held leaves the sum of a coalition open."""
    matrix = np.array([[float(p in s) for p in players] for s in (*(s for s, _ in held), chosen)])
    return int(np.linalg.matrix_rank(matrix)) == len(matrix)
