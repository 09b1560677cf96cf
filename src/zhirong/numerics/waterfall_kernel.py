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

__all__ = ["LANES", "run_ledgers", "run_sums"]

LANES = 64
"""Paths of a block."""
# Rows of the state of a block.
_CASH, _RESERVE, _OWED, _USED, _BUDGET, _DECLINE, _INTEREST, _POOL = 0, 1, 2, 3, 4, 5, 6, 7
_DEFAULTED, _RECOVERED, _BOUGHT_BACK, _CALLED, _COLLECTED, _NOTES, _FEES_DUE, _INTEREST_DUE = (
    8,
    9,
    10,
    11,
    12,
    13,
    14,
    15,
)
_TARGET, _ALIVE, _CARRIED, _ENDED, _WANTED, _PAID, _ON, _TOTAL, _OPENING = 16, 17, 18, 19, 20, 21, 22, 23, 24
_ROWS = 25
# Rows of each tranche.
_BALANCE, _DUE, _PRINCIPAL_DUE, _BEFORE = 0, 1, 2, 3
# Rows over time.
_BOUGHT, _SURVIVE, _REPLACED, _BACK = 0, 1, 2, 3
# Settings.
_ORIGINAL, _INITIAL, _SHARE, _FLOOR, _BASIS, _CAP, _CALL_SHARE, _CALL_PRICE, _BACK_SHARE, _BACK_CAP, _LAG = range(11)
_REVOLVING_LAST, _REVOLVING_STOP, _PRICE, _REPLACED_RECOVERY, _HOLDER = 11, 12, 13, 14, 15
# Columns.
_C_INTEREST, _C_PRINCIPAL, _C_RECOVERY, _C_BACK, _C_CALL, _C_ACCOUNT, _C_SUPPORT, _C_FEES, _C_REIMBURSED = range(9)
_C_PURCHASES, _C_RESIDUAL, _C_RESERVE, _C_CASH, _C_POOL, _C_DEFAULT, _C_TRIGGERS, _C_UNPAID, _C_OWED = range(9, 18)
_BASE, _EACH = 18, 4
_TINY = 1e-9


@kernel
def _replaced(t: int, n: int, replacement: Any, hazard: Any, settings: Any, state: Any, series: Any, flow: Any) -> None:
    """Add what the assets bought in the revolving period pay in period t."""
    ages, lag = replacement.shape[0] - 1, int(settings[_LAG])
    for i in range(n):
        series[_SURVIVE, t + 1, i] = series[_SURVIVE, t, i] * (1.0 - hazard[i if hazard.shape[0] > 1 else 0, t])
        if state[_CALLED, i] > 0.0:
            continue
        for s in range(max(0, t - ages), t):
            alive = series[_SURVIVE, s + 1, i]
            if series[_BOUGHT, s, i] == 0.0 or alive <= 0.0:
                continue
            before = series[_BOUGHT, s, i] * series[_SURVIVE, t, i] / alive
            after = series[_BOUGHT, s, i] * series[_SURVIVE, t + 1, i] / alive
            flow[0, i] += after * replacement[t - s, 0]
            flow[1, i] += after * replacement[t - s, 1]
            flow[5, i] += after * replacement[t - s, 2]
            series[_REPLACED, t, i] += (before - after) * replacement[t - s - 1, 2]
        flow[4, i] += series[_REPLACED, t, i]
        if t >= lag:
            flow[3, i] += settings[_REPLACED_RECOVERY] * series[_REPLACED, t - lag, i]


@kernel
def _take(t: int, n: int, flows: Any, hazard: Any, replacement: Any, settings: Any, state: Any, series: Any, flow: Any,
          line: Any) -> None:  # fmt: skip
    """Read the flows of the period, add replaced assets and what the originator buys back."""
    called = state[_CALLED]
    for i in range(n):
        kept = 1.0 - called[i]
        for c in range(6):
            flow[c, i] = kept * flows[i, t, c]
    if replacement.shape[0] > 1:
        _replaced(t, n, replacement, hazard, settings, state, series, flow)
    if settings[_BACK_SHARE] <= 0.0:
        return
    lag = int(settings[_LAG])
    for i in range(n):
        back = max(min(settings[_BACK_SHARE] * flow[4, i], settings[_BACK_CAP] - state[_BOUGHT_BACK, i]), 0.0)
        state[_BOUGHT_BACK, i] += back
        series[_BACK, t, i] = back / flow[4, i] if back > 0.0 else 0.0
        line[_C_BACK, i] = back
        if t >= lag:
            flow[3, i] *= 1.0 - series[_BACK, t - lag, i]


@kernel
def _collect(t: int, n: int, account_rate: Any, state: Any, flow: Any, line: Any) -> None:
    """Put the cash of the period into the account."""
    for i in range(n):
        back = line[_C_BACK, i]
        earned = (state[_CASH, i] + state[_RESERVE, i]) * account_rate[t]
        state[_CARRIED, i] = state[_CASH, i]
        state[_OPENING, i] = state[_POOL, i]
        state[_INTEREST, i] = flow[0, i] + earned
        state[_BUDGET, i] = flow[1, i] + flow[2, i] + flow[3, i] + back
        state[_COLLECTED, i] = flow[0, i] + flow[1, i] + flow[2, i] + flow[3, i]
        state[_DECLINE, i] = max(state[_POOL, i] - flow[5, i], 0.0)
        state[_CASH, i] += state[_INTEREST, i] + state[_BUDGET, i]
        state[_POOL, i] = flow[5, i]
        state[_DEFAULTED, i] += flow[4, i]
        state[_RECOVERED, i] += flow[3, i] + back
        line[_C_INTEREST, i] = flow[0, i]
        line[_C_PRINCIPAL, i] = flow[1, i] + flow[2, i]
        line[_C_RECOVERY, i] = flow[3, i]
        line[_C_ACCOUNT, i] = earned
        line[_C_DEFAULT, i] = flow[4, i]


@kernel
def _dues(t: int, n: int, rate: Any, compounds: Any, holder: int, state: Any, tranche: Any) -> None:
    """Work out the interest due, and the balance of the notes."""
    notes, interest, total = state[_NOTES], state[_INTEREST_DUE], state[_TOTAL]
    for i in range(n):
        notes[i] = 0.0
        interest[i] = 0.0
        total[i] = 0.0
    for k in range(tranche.shape[0]):
        r, more = rate[t, k], rate[t, k] * compounds[k]
        counted = 0.0 if k == holder else 1.0
        balance, due, before = tranche[k, _BALANCE], tranche[k, _DUE], tranche[k, _BEFORE]
        for i in range(n):
            before[i] = due[i]
            due[i] = balance[i] * r + due[i] * (1.0 + more)
            interest[i] += due[i]
            total[i] += balance[i]
            notes[i] += counted * balance[i]


@kernel
def _fees_due(t: int, n: int, basis: Any, fixed: Any, rate: Any, state: Any, fee: Any) -> None:
    """Add the fees of the period to what is still owed; they end with the notes and the pool."""
    due = state[_FEES_DUE]
    for i in range(n):
        due[i] = 0.0
    for f in range(fee.shape[0]):
        row = state[_OPENING]
        if basis[f] == 2:
            row = state[_COLLECTED]
        elif basis[f] == 3:
            row = state[_TOTAL]
        for i in range(n):
            runs = 1.0 if state[_NOTES, i] > _TINY or state[_OPENING, i] > _TINY else 0.0
            fee[f, i] += runs * (fixed[t, f] + rate[t, f] * row[i])
            due[i] += fee[f, i]


@kernel
def _target(last_day: bool, n: int, settings: Any, state: Any) -> None:
    """Set what the reserve should hold: nothing once the notes are paid, nor on the last day."""
    basis, share, floor = settings[_BASIS], settings[_SHARE], settings[_FLOOR]
    notes, target = state[_NOTES], state[_TARGET]
    for i in range(n):
        amount = 0.0
        if basis == 1.0:
            amount = settings[_ORIGINAL]
        elif basis == 2.0:
            amount = state[_POOL, i]
        elif basis == 3.0:
            amount = notes[i]
        elif basis == 4.0:
            amount = state[_FEES_DUE, i] + state[_INTEREST_DUE, i]
        target[i] = 0.0 if last_day or notes[i] < _TINY else max(floor, share * amount)


@kernel
def _call(t: int, n: int, settings: Any, state: Any, line: Any) -> None:
    """Let the originator buy what is left of the pool where that redeems the notes."""
    limit = settings[_CALL_SHARE] * settings[_ORIGINAL]
    if limit <= 0.0 or t <= settings[_REVOLVING_LAST]:
        return
    for i in range(n):
        if state[_CALLED, i] > 0.0 or state[_POOL, i] <= 0.0 or state[_POOL, i] > limit:
            continue
        price = settings[_CALL_PRICE] * state[_POOL, i]
        due = state[_NOTES, i] + state[_INTEREST_DUE, i] + state[_FEES_DUE, i]
        if state[_CASH, i] + state[_RESERVE, i] + price < due:
            continue
        state[_CALLED, i] = 1.0
        state[_CASH, i] += price
        state[_BUDGET, i] += price
        state[_DECLINE, i] += state[_POOL, i]
        state[_POOL, i] = 0.0
        line[_C_CALL, i] = price


@kernel
def _ratio_test(n: int, kind: int, first: int, last: int, level: float, members: Any, state: Any, tranche: Any,
                truth: Any) -> None:  # fmt: skip
    """Over-collateralisation (0) and interest cover (1) of the named tranches."""
    total = state[_TOTAL]
    for i in range(n):
        total[i] = 0.0 if kind == 0 else state[_FEES_DUE, i]
    for m in range(first, last):
        row = tranche[members[m], kind]
        for i in range(n):
            total[i] += row[i]
    for i in range(n):
        cover = state[_POOL, i] + state[_BUDGET, i] + state[_CARRIED, i] if kind == 0 else state[_INTEREST, i]
        truth[i] = 1.0 if total[i] > _TINY and cover < level * total[i] else 0.0


@kernel
def _level_test(n: int, kind: int, level: float, settings: Any, state: Any, truth: Any) -> None:
    """Cumulative defaults (2), cumulative loss (3), the reserve (4)."""
    limit = level * settings[_ORIGINAL]
    for i in range(n):
        if kind == 4:
            truth[i] = 1.0 if state[_RESERVE, i] < level * state[_TARGET, i] - _TINY else 0.0
        else:
            lost = state[_DEFAULTED, i] - (state[_RECOVERED, i] if kind == 3 else 0.0)
            truth[i] = 1.0 if lost > limit else 0.0


@kernel
def _event_test(t: int, n: int, kind: int, first: int, last: int, level: float, members: Any, state: Any, tranche: Any,
                truth: Any) -> None:  # fmt: skip
    """Unpaid interest (5), failure of the guarantor (6), the period (7)."""
    for i in range(n):
        truth[i] = 0.0
        if kind == 6:
            truth[i] = 1.0 - state[_ALIVE, i]
        elif kind == 7:
            truth[i] = 1.0 if t >= level else 0.0
    if kind == 5:
        for m in range(first, last):
            row = tranche[members[m], _BEFORE]
            for i in range(n):
                truth[i] = 1.0 if row[i] > _TINY else truth[i]


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
    """The revolving period (10) lasts to its last period, or to the trigger that ends it for good."""
    stop = int(settings[_REVOLVING_STOP])
    for i in range(n):
        if t > settings[_REVOLVING_LAST] or (stop >= 0 and truth[stop, i] > 0.0):
            state[_ENDED, i] = 1.0
        truth[j, i] = 1.0 - state[_ENDED, i]


@kernel
def _tests(t: int, n: int, test: Any, level: Any, members: Any, settings: Any, state: Any, tranche: Any, truth: Any,
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
            line[_C_TRIGGERS, i] += weight * truth[j, i]
        weight *= 2.0


@kernel
def _pay(n: int, mask: int, settings: Any, state: Any, line: Any) -> None:
    """Pay the row of amounts wanted from collections, then from the sources allowed; the row of amounts paid tells."""
    wanted, paid, cash = state[_WANTED], state[_PAID], state[_CASH]
    for i in range(n):
        wanted[i] *= state[_ON, i]
        paid[i] = min(wanted[i], cash[i])
        cash[i] -= paid[i]
    if mask & 1:
        for i in range(n):
            more = min(wanted[i] - paid[i], state[_RESERVE, i])
            state[_RESERVE, i] -= more
            paid[i] += more
    if mask & 2:
        cap = settings[_CAP]
        for i in range(n):
            more = state[_ALIVE, i] * max(min(wanted[i] - paid[i], cap - state[_USED, i]), 0.0)
            state[_USED, i] += more
            state[_OWED, i] += more
            line[_C_SUPPORT, i] += more
            paid[i] += more


@kernel
def _pay_fees(n: int, s: int, step: Any, members: Any, settings: Any, state: Any, fee: Any, line: Any) -> None:
    for m in range(step[s, 1], step[s, 1] + step[s, 2]):
        due = fee[members[m]]
        for i in range(n):
            state[_WANTED, i] = due[i]
        _pay(n, step[s, 5], settings, state, line)
        for i in range(n):
            due[i] -= state[_PAID, i]
            line[_C_FEES, i] += state[_PAID, i]


@kernel
def _pay_interest(n: int, s: int, step: Any, members: Any, settings: Any, state: Any, tranche: Any, line: Any) -> None:
    wanted, paid, total = state[_WANTED], state[_PAID], state[_TOTAL]
    for i in range(n):
        wanted[i] = 0.0
    for m in range(step[s, 1], step[s, 1] + step[s, 2]):
        due = tranche[members[m], _DUE]
        for i in range(n):
            wanted[i] += due[i]
    for i in range(n):
        total[i] = wanted[i]
    _pay(n, step[s, 5], settings, state, line)
    for i in range(n):
        paid[i] = paid[i] / total[i] if total[i] > 0.0 else 0.0
    for m in range(step[s, 1], step[s, 1] + step[s, 2]):
        k = members[m]
        due, column = tranche[k, _DUE], line[_BASE + _EACH * k]
        for i in range(n):
            amount = due[i] * paid[i]
            due[i] -= amount
            column[i] += amount


@kernel
def _principal_due(t: int, n: int, s: int, step: Any, ratio: float, members: Any, schedule: Any, maturity: Any, state: Any,
                   tranche: Any) -> None:  # fmt: skip
    """Fill what each member may get at most, their sum, and the amount wanted."""
    wanted, total, kind = state[_WANTED], state[_TOTAL], step[s, 3]
    for i in range(n):
        total[i] = 0.0
    for m in range(step[s, 1], step[s, 1] + step[s, 2]):
        k = members[m]
        least = schedule[t, k] if kind == 3 else 0.0
        share = 0.0 if kind == 4 and t < maturity[k] else 1.0
        balance, due = tranche[k, _BALANCE], tranche[k, _PRINCIPAL_DUE]
        for i in range(n):
            due[i] = share * max(balance[i] - least, 0.0)
            total[i] += due[i]
    for i in range(n):
        limit = total[i]
        if kind == 1:
            limit = state[_BUDGET, i]
        elif kind == 2:
            limit = state[_DECLINE, i]
        elif kind == 5:
            limit = max(total[i] - state[_POOL, i] / ratio, 0.0)
        wanted[i] = min(total[i], limit)


@kernel
def _pay_principal(n: int, s: int, step: Any, members: Any, settings: Any, state: Any, tranche: Any, line: Any) -> None:
    paid, total = state[_PAID], state[_TOTAL]
    _pay(n, step[s, 5], settings, state, line)
    pro_rata = step[s, 4] == 1
    for i in range(n):
        state[_BUDGET, i] = max(state[_BUDGET, i] - paid[i], 0.0)
        state[_DECLINE, i] = max(state[_DECLINE, i] - paid[i], 0.0)
        if pro_rata:
            paid[i] = paid[i] / total[i] if total[i] > 0.0 else 0.0
    for m in range(step[s, 1], step[s, 1] + step[s, 2]):
        k = members[m]
        balance, due, column = tranche[k, _BALANCE], tranche[k, _PRINCIPAL_DUE], line[_BASE + _EACH * k + 1]
        for i in range(n):
            amount = due[i] * paid[i] if pro_rata else min(paid[i], due[i])
            if not pro_rata:
                paid[i] -= amount
            balance[i] -= amount
            column[i] += amount


@kernel
def _move(t: int, n: int, op: int, settings: Any, state: Any, series: Any, line: Any) -> None:
    """Steps that move cash between accounts, to the guarantor, into assets or to the holder of the residual."""
    cash, reserve, on = state[_CASH], state[_RESERVE], state[_ON]
    for i in range(n):
        if op == 3:
            amount = on[i] * min(cash[i], max(state[_TARGET, i] - reserve[i], 0.0))
            reserve[i] += amount
        elif op == 4:
            amount = -on[i] * max(reserve[i] - state[_TARGET, i], 0.0)
            reserve[i] += amount
        elif op == 5:
            amount = on[i] * min(cash[i], state[_OWED, i])
            state[_OWED, i] -= amount
            line[_C_REIMBURSED, i] += amount
        elif op == 6:
            amount = on[i] * (1.0 - state[_ENDED, i]) * min(cash[i], state[_BUDGET, i])
            state[_BUDGET, i] -= amount
            series[_BOUGHT, t, i] += amount / settings[_PRICE]
            state[_POOL, i] += amount / settings[_PRICE]
            line[_C_PURCHASES, i] += amount
        else:
            amount = on[i] * cash[i]
            line[_C_RESIDUAL, i] += amount
        cash[i] -= amount


@kernel
def _steps(t: int, n: int, steps: Any, step_level: Any, members: Any, schedule: Any, maturity: Any, settings: Any,
           state: Any, series: Any, tranche: Any, fee: Any, truth: Any, line: Any) -> None:  # fmt: skip
    on = state[_ON]
    for s in range(steps.shape[0]):
        condition = steps[s, 6]
        for i in range(n):
            on[i] = 1.0
            if condition >= 0:
                on[i] = truth[condition, i] if steps[s, 7] == 1 else 1.0 - truth[condition, i]
        op = steps[s, 0]
        if op == 2:
            _principal_due(t, n, s, steps, step_level[s], members, schedule, maturity, state, tranche)
            _pay_principal(n, s, steps, members, settings, state, tranche, line)
        elif op == 1:
            _pay_interest(n, s, steps, members, settings, state, tranche, line)
        elif op == 0:
            _pay_fees(n, s, steps, members, settings, state, fee, line)
        else:
            _move(t, n, op, settings, state, series, line)


@kernel
def _period(t: int, n: int, program: Any, flows: Any, fails: Any, hazard: Any, state: Any, series: Any, flow: Any,
            tranche: Any, fee: Any, truth: Any, stuck: Any, line: Any) -> None:  # fmt: skip
    """Run one period of a block; `line` (width, n) is overwritten by its ledger."""
    (_, rate, schedule, maturity, compounds, fee_basis, fee_fixed, fee_rate, test, level, steps, step_level, members,
     account_rate, support_rate, replacement, settings) = program  # fmt: skip
    line[:] = 0.0
    for i in range(n):
        state[_ALIVE, i] = 1.0 if t < fails[i] else 0.0
        state[_OWED, i] *= 1.0 + support_rate[t]
    _take(t, n, flows, hazard, replacement, settings, state, series, flow, line)
    _collect(t, n, account_rate, state, flow, line)
    _dues(t, n, rate, compounds, int(settings[_HOLDER]), state, tranche)
    _fees_due(t, n, fee_basis, fee_fixed, fee_rate, state, fee)
    _target(t == rate.shape[0] - 1, n, settings, state)
    _call(t, n, settings, state, line)
    _tests(t, n, test, level, members, settings, state, tranche, truth, stuck, line)
    _steps(t, n, steps, step_level, members, schedule, maturity, settings, state, series, tranche, fee, truth, line)
    for i in range(n):
        line[_C_RESERVE, i], line[_C_CASH, i], line[_C_POOL, i] = state[_RESERVE, i], state[_CASH, i], state[_POOL, i]
        line[_C_OWED, i] = state[_OWED, i]
        for f in range(fee.shape[0]):
            line[_C_UNPAID, i] += fee[f, i]
    for k in range(tranche.shape[0]):
        at = _BASE + _EACH * k
        for i in range(n):
            line[at + 2, i] = tranche[k, _BALANCE, i]
            line[at + 3, i] = tranche[k, _DUE, i]


@kernel
def _start(program: Any, state: Any, series: Any, tranche: Any, fee: Any, stuck: Any) -> None:
    balance, settings = program[0], program[16]
    state[:] = 0.0
    series[:] = 0.0
    series[_SURVIVE, 0] = 1.0
    tranche[:] = 0.0
    for k in range(balance.size):
        tranche[k, _BALANCE] = balance[k]
    fee[:] = 0.0
    stuck[:] = 0.0
    state[_RESERVE] = settings[_INITIAL]
    state[_POOL] = settings[_ORIGINAL]


@kernel
def run_ledgers(program: Any, flows: Any, fails: Any, hazard: Any, out: Any, first: int, last: int) -> None:
    """Fill the ledgers of at most `LANES` paths."""
    periods, tranches = program[1].shape
    n = last - first
    state, flow = np.empty((_ROWS, n)), np.empty((6, n))
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
    state, flow = np.empty((_ROWS, n)), np.empty((6, n))
    series, tranche = np.empty((4, periods + 1, n)), np.empty((tranches, 4, n))
    fee, truth = np.empty((program[5].shape[0], n)), np.zeros((program[8].shape[0], n))
    stuck, line = np.empty((program[8].shape[0], n)), np.empty((mean.shape[1], n))
    held, worst = np.empty(n), np.zeros(n)
    held[:] = settings[_INITIAL]
    totals, each = np.zeros((tranches, 4, n)), np.zeros((6, n))
    _start(program, state, series, tranche, fee, stuck)
    rows = hazard[first:last] if hazard.shape[0] > 1 else hazard
    for t in range(periods):
        _period(t, n, program, flows[first:last], fails[first:last], rows, state, series, flow, tranche, fee, truth, stuck,
                line)  # fmt: skip
        _check(n, line, tranches, held, worst)
        _add_tranches(n, line, years[t], discount[t], int(settings[_HOLDER]), totals)
        _add_deal(t, n, line, truth, each, triggered[first:last], periods)
        _add_mean(n, line, mean[t])
    for i in range(n):
        for k in range(tranches):
            for c in range(4):
                by_tranche[c, first + i, k] = totals[k, c, i]
            by_tranche[4, first + i, k] = tranche[k, _BALANCE, i]
            by_tranche[5, first + i, k] = tranche[k, _DUE, i]
        for c in range(6):
            by_path[c, first + i] = each[c, i]
        error[place] = max(error[place], worst[i])


@kernel
def _check(n: int, line: Any, tranches: int, held: Any, worst: Any) -> None:
    """Keep the largest break of conservation."""
    for i in range(n):
        held[i] -= line[_C_FEES, i] + line[_C_REIMBURSED, i] + line[_C_PURCHASES, i] + line[_C_RESIDUAL, i]
    for c in range(_C_FEES):
        for i in range(n):
            held[i] += line[c, i]
    for k in range(tranches):
        for i in range(n):
            held[i] -= line[_BASE + _EACH * k, i] + line[_BASE + _EACH * k + 1, i]
    for i in range(n):
        accounts = line[_C_RESERVE, i] + line[_C_CASH, i]
        worst[i] = max(worst[i], abs(held[i] - accounts))
        held[i] = accounts


@kernel
def _add_tranches(n: int, line: Any, year: float, discount: Any, holder: int, totals: Any) -> None:
    for k in range(totals.shape[0]):
        interest, principal = line[_BASE + _EACH * k], line[_BASE + _EACH * k + 1]
        more = 1.0 if k == holder else 0.0
        factor = discount[k]
        for i in range(n):
            totals[k, 0, i] += (interest[i] + principal[i] + more * line[_C_RESIDUAL, i]) * factor
            totals[k, 1, i] += interest[i]
            totals[k, 2, i] += principal[i]
            totals[k, 3, i] += principal[i] * year


@kernel
def _add_deal(t: int, n: int, line: Any, truth: Any, each: Any, triggered: Any, periods: int) -> None:
    for i in range(n):
        each[0, i] += line[_C_RESIDUAL, i]
        each[1, i] += line[_C_SUPPORT, i]
        each[2, i] += line[_C_REIMBURSED, i]
        each[3, i] += line[_C_DEFAULT, i]
        each[4, i] += line[_C_RECOVERY, i] + line[_C_BACK, i]
        each[5, i] += line[_C_FEES, i]
    for j in range(truth.shape[0]):
        for i in range(n):
            if truth[j, i] > 0.0 and triggered[i, j] == periods:
                triggered[i, j] = t


@numba.njit(nogil=True, cache=True, fastmath={"reassoc", "nsz"})
def _add_mean(n: int, line: Any, mean: Any) -> None:
    """Sums over the block in any order."""
    for c in range(line.shape[0]):
        total = 0.0
        for i in range(n):
            total += line[c, i]
        mean[c] += total
