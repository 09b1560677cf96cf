"""Compiled kernels of the waterfall: a block of paths at a time, period by period, step by step.

Every quantity of a block is a row with one number a path, and the innermost loop of each function runs over the paths: so the
cost of reading a step is shared by the block and the arithmetic is vectorised. The numbers of operations, tests and columns
are those of the enumerations in `zhirong.numerics.waterfall`; compiled code reads them as plain constants.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from zhirong.numerics.graph.compiled import kernel
from zhirong.numerics.waterfall_cash import call, collect, dues, fees_due, take, target
from zhirong.numerics.waterfall_layout import (
    ALIVE,
    BALANCE,
    BASE,
    C_BACK,
    C_CASH,
    C_DEFAULT,
    C_FEES,
    C_OWED,
    C_POOL,
    C_PURCHASES,
    C_RECOVERY,
    C_REIMBURSED,
    C_RESERVE,
    C_RESIDUAL,
    C_SUPPORT,
    C_UNPAID,
    CASH,
    DUE,
    EACH,
    HOLDER,
    INITIAL,
    LANES,
    ORIGINAL,
    OWED,
    POOL,
    RESERVE,
    ROWS,
    SURVIVE,
)
from zhirong.numerics.waterfall_steps import run_steps
from zhirong.numerics.waterfall_triggers import run_tests

__all__ = ["LANES", "run_ledgers", "run_sums"]


@kernel
def _period(t: int, n: int, program: Any, flows: Any, fails: Any, hazard: Any, state: Any, series: Any, flow: Any,
            tranche: Any, fee: Any, truth: Any, stuck: Any, line: Any) -> None:  # fmt: skip
    """Run one period of a block; `line` (width, n) is overwritten by its ledger."""
    (_, rate, schedule, maturity, compounds, fee_basis, fee_fixed, fee_rate, test, level, steps, step_level, members,
     account_rate, support_rate, replacement, settings) = program  # fmt: skip
    line[:] = 0.0
    for i in range(n):
        state[ALIVE, i] = 1.0 if t < fails[i] else 0.0
        state[OWED, i] *= 1.0 + support_rate[t]
    take(t, n, flows, hazard, replacement, settings, state, series, flow, line)
    collect(t, n, account_rate, state, flow, line)
    dues(t, n, rate, compounds, int(settings[HOLDER]), state, tranche)
    fees_due(t, n, fee_basis, fee_fixed, fee_rate, state, fee)
    target(t == rate.shape[0] - 1, n, settings, state)
    call(t, n, settings, state, line)
    run_tests(t, n, test, level, members, settings, state, tranche, truth, stuck, line)
    run_steps(t, n, steps, step_level, members, schedule, maturity, settings, state, series, tranche, fee, truth, line)
    for i in range(n):
        line[C_RESERVE, i], line[C_CASH, i], line[C_POOL, i] = state[RESERVE, i], state[CASH, i], state[POOL, i]
        line[C_OWED, i] = state[OWED, i]
        for f in range(fee.shape[0]):
            line[C_UNPAID, i] += fee[f, i]
    for k in range(tranche.shape[0]):
        at = BASE + EACH * k
        for i in range(n):
            line[at + 2, i] = tranche[k, BALANCE, i]
            line[at + 3, i] = tranche[k, DUE, i]


@kernel
def _start(program: Any, state: Any, series: Any, tranche: Any, fee: Any, stuck: Any) -> None:
    balance, settings = program[0], program[16]
    state[:] = 0.0
    series[:] = 0.0
    series[SURVIVE, 0] = 1.0
    tranche[:] = 0.0
    for k in range(balance.size):
        tranche[k, BALANCE] = balance[k]
    fee[:] = 0.0
    stuck[:] = 0.0
    state[RESERVE] = settings[INITIAL]
    state[POOL] = settings[ORIGINAL]


@kernel
def run_ledgers(program: Any, flows: Any, fails: Any, hazard: Any, out: Any, first: int, last: int) -> None:
    """Fill the ledgers of at most `LANES` paths."""
    periods, tranches = program[1].shape
    n = last - first
    state, flow = np.empty((ROWS, n)), np.empty((6, n))
    series, tranche = np.empty((4, periods + 1, n)), np.empty((tranches, 4, n))
    fee, truth = np.empty((program[5].shape[0], n)), np.zeros((program[8].shape[0], n))
    stuck, line = np.empty((program[8].shape[0], n)), np.empty((out.shape[2], n))
    _start(program, state, series, tranche, fee, stuck)
    rows = hazard[first:last] if hazard.shape[0] > 1 else hazard
    for t in range(periods):
        _period(t, n, program, flows[first:last], fails[first:last], rows, state, series, flow, tranche, fee, truth, stuck,
                line)  # fmt: skip
        for i in range(n):
            for c in range(out.shape[2]):
                out[first + i, t, c] = line[c, i]


@kernel
def run_sums(
    program: Any, flows: Any, fails: Any, hazard: Any, years: Any, discount: Any, by_tranche: Any, by_path: Any,
    triggered: Any, mean: Any, error: Any, place: int, first: int, last: int,
) -> None:  # fmt: skip
    """Add up at most `LANES` paths, keeping one period at a time."""
    periods, tranches = program[1].shape
    settings = program[16]
    n = last - first
    state, flow = np.empty((ROWS, n)), np.empty((6, n))
    series, tranche = np.empty((4, periods + 1, n)), np.empty((tranches, 4, n))
    fee, truth = np.empty((program[5].shape[0], n)), np.zeros((program[8].shape[0], n))
    stuck, line = np.empty((program[8].shape[0], n)), np.empty((mean.shape[1], n))
    held, worst = np.empty(n), np.zeros(n)
    held[:] = settings[INITIAL]
    totals, each = np.zeros((tranches, 4, n)), np.zeros((6, n))
    _start(program, state, series, tranche, fee, stuck)
    rows = hazard[first:last] if hazard.shape[0] > 1 else hazard
    for t in range(periods):
        _period(t, n, program, flows[first:last], fails[first:last], rows, state, series, flow, tranche, fee, truth, stuck,
                line)  # fmt: skip
        _check(n, line, tranches, held, worst)
        _add_tranches(n, line, years[t], discount[t], int(settings[HOLDER]), totals)
        _add_deal(t, n, line, truth, each, triggered[first:last], periods)
        _add_mean(n, line, mean[t])
    for i in range(n):
        for k in range(tranches):
            for c in range(4):
                by_tranche[c, first + i, k] = totals[k, c, i]
            by_tranche[2, first + i, k] = program[0][k] - tranche[k, BALANCE, i]
            by_tranche[4, first + i, k] = tranche[k, BALANCE, i]
            by_tranche[5, first + i, k] = tranche[k, DUE, i]
        for c in range(6):
            by_path[c, first + i] = each[c, i]
        error[place] = max(error[place], worst[i])


@kernel
def _check(n: int, line: Any, tranches: int, held: Any, worst: Any) -> None:
    """Keep the largest break of conservation."""
    for i in range(n):
        held[i] -= line[C_FEES, i] + line[C_REIMBURSED, i] + line[C_PURCHASES, i] + line[C_RESIDUAL, i]
    for c in range(C_FEES):
        for i in range(n):
            held[i] += line[c, i]
    for k in range(tranches):
        for i in range(n):
            held[i] -= line[BASE + EACH * k, i] + line[BASE + EACH * k + 1, i]
    for i in range(n):
        accounts = line[C_RESERVE, i] + line[C_CASH, i]
        worst[i] = max(worst[i], abs(held[i] - accounts))
        held[i] = accounts


@kernel
def _add_tranches(n: int, line: Any, year: float, discount: Any, holder: int, totals: Any) -> None:
    residual = line[C_RESIDUAL]
    for k in range(totals.shape[0]):
        interest, principal = line[BASE + EACH * k], line[BASE + EACH * k + 1]
        value, paid, weighted = totals[k, 0], totals[k, 1], totals[k, 3]
        factor = discount[k]
        for i in range(n):
            value[i] += (interest[i] + principal[i]) * factor
        if k == holder:
            for i in range(n):
                value[i] += residual[i] * factor
        for i in range(n):
            paid[i] += interest[i]
        for i in range(n):
            weighted[i] += principal[i] * year


@kernel
def _add_deal(t: int, n: int, line: Any, truth: Any, each: Any, triggered: Any, periods: int) -> None:
    for i in range(n):
        each[0, i] += line[C_RESIDUAL, i]
        each[1, i] += line[C_SUPPORT, i]
        each[2, i] += line[C_REIMBURSED, i]
        each[3, i] += line[C_DEFAULT, i]
        each[4, i] += line[C_RECOVERY, i] + line[C_BACK, i]
        each[5, i] += line[C_FEES, i]
    for j in range(truth.shape[0]):
        for i in range(n):
            if truth[j, i] > 0.0 and triggered[i, j] == periods:
                triggered[i, j] = t


@numba.njit(nogil=True, cache=True, fastmath={"reassoc", "nsz"})
def _add_mean(n: int, line: Any, mean: Any) -> None:
    """Add over the block in any order."""
    for c in range(line.shape[0]):
        total = 0.0
        for i in range(n):
            total += line[c, i]
        mean[c] += total
