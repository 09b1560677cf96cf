"""Compiled kernels of the waterfall: the tests of a period. ``truth`` has 1 where a trigger is breached."""

from __future__ import annotations

from typing import Any

from zhirong.numerics.graph.compiled import kernel
from zhirong.numerics.waterfall_layout import (
    ALIVE,
    BEFORE,
    BUDGET,
    C_TRIGGERS,
    CARRIED,
    DEFAULTED,
    ENDED,
    FEES_DUE,
    INTEREST,
    ORIGINAL,
    POOL,
    RECOVERED,
    RESERVE,
    REVOLVING_LAST,
    REVOLVING_STOP,
    TARGET,
    TINY,
    TOTAL,
)

__all__ = ["run_tests"]


@kernel
def _ratio_test(n: int, kind: int, first: int, last: int, level: float, members: Any, state: Any, tranche: Any,
                truth: Any) -> None:  # fmt: skip
    """Over-collateralisation (0) and interest cover (1) of the named tranches."""
    total = state[TOTAL]
    for i in range(n):
        total[i] = 0.0 if kind == 0 else state[FEES_DUE, i]
    for m in range(first, last):
        row = tranche[members[m], kind]
        for i in range(n):
            total[i] += row[i]
    for i in range(n):
        cover = state[POOL, i] + state[BUDGET, i] + state[CARRIED, i] if kind == 0 else state[INTEREST, i]
        truth[i] = 1.0 if total[i] > TINY and cover < level * total[i] - TINY else 0.0


@kernel
def _level_test(n: int, kind: int, level: float, settings: Any, state: Any, truth: Any) -> None:
    """Cumulative defaults (2), cumulative loss (3), the reserve (4)."""
    limit = level * settings[ORIGINAL]
    for i in range(n):
        if kind == 4:
            truth[i] = 1.0 if state[RESERVE, i] < level * state[TARGET, i] - TINY else 0.0
        else:
            lost = state[DEFAULTED, i] - (state[RECOVERED, i] if kind == 3 else 0.0)
            truth[i] = 1.0 if lost > limit + TINY else 0.0


@kernel
def _event_test(t: int, n: int, kind: int, first: int, last: int, level: float, members: Any, state: Any, tranche: Any,
                truth: Any) -> None:  # fmt: skip
    """Unpaid interest (5), failure of the guarantor (6), the period (7)."""
    for i in range(n):
        truth[i] = 0.0
        if kind == 6:
            truth[i] = 1.0 - state[ALIVE, i]
        elif kind == 7:
            truth[i] = 1.0 if t >= level else 0.0
    if kind == 5:
        for m in range(first, last):
            row = tranche[members[m], BEFORE]
            for i in range(n):
                truth[i] = 1.0 if row[i] > TINY else truth[i]


@kernel
def _combined_test(n: int, kind: int, first: int, last: int, members: Any, truth: Any, j: int) -> None:
    """Any (8) or all (9) of other triggers."""
    for i in range(n):
        truth[j, i] = 0.0 if kind == 8 else 1.0
    for m in range(first, last):
        row = truth[members[m]]
        for i in range(n):
            truth[j, i] = max(truth[j, i], row[i]) if kind == 8 else min(truth[j, i], row[i])


@kernel
def _revolving_test(t: int, n: int, settings: Any, state: Any, truth: Any, j: int) -> None:
    """Let the revolving period (10) last to its last period, or to the trigger that ends it for good."""
    stop = int(settings[REVOLVING_STOP])
    for i in range(n):
        if t > settings[REVOLVING_LAST] or (stop >= 0 and truth[stop, i] > 0.0):
            state[ENDED, i] = 1.0
        truth[j, i] = 1.0 - state[ENDED, i]


@kernel
def run_tests(t: int, n: int, test: Any, level: Any, members: Any, settings: Any, state: Any, tranche: Any, truth: Any,
           stuck: Any, line: Any) -> None:  # fmt: skip
    """Test every trigger; parts stand before the whole."""
    weight = 1.0
    for j in range(test.shape[0]):
        kind, first = test[j, 0], test[j, 1]
        last = first + test[j, 2]
        if kind <= 1:
            _ratio_test(n, kind, first, last, level[t, j], members, state, tranche, truth[j])
        elif kind <= 4:
            _level_test(n, kind, level[t, j], settings, state, truth[j])
        elif kind <= 7:
            _event_test(t, n, kind, first, last, level[t, j], members, state, tranche, truth[j])
        elif kind <= 9:
            _combined_test(n, kind, first, last, members, truth, j)
        else:
            _revolving_test(t, n, settings, state, truth, j)
        for i in range(n):
            if test[j, 3] == 1:
                truth[j, i] = max(truth[j, i], stuck[j, i])
                stuck[j, i] = truth[j, i]
            line[C_TRIGGERS, i] += weight * truth[j, i]
        weight *= 2.0
