"""Compiled kernels of the waterfall: the steps that pay."""

from __future__ import annotations

from typing import Any

from zhirong.numerics.graph.compiled import kernel
from zhirong.numerics.waterfall_layout import (
    ALIVE,
    BALANCE,
    BASE,
    BOUGHT,
    BUDGET,
    C_FEES,
    C_PURCHASES,
    C_REIMBURSED,
    C_RESIDUAL,
    C_SUPPORT,
    CAP,
    CASH,
    DECLINE,
    DUE,
    EACH,
    ENDED,
    ON,
    OWED,
    PAID,
    POOL,
    PRICE,
    PRINCIPAL_DUE,
    RESERVE,
    TARGET,
    TOTAL,
    USED,
    WANTED,
)

__all__ = ["run_steps"]


@kernel
def _pay(n: int, mask: int, settings: Any, state: Any, line: Any) -> None:
    """Pay the row of amounts wanted from collections, then from the sources allowed; the row of amounts paid tells."""
    wanted, paid, cash, on = state[WANTED], state[PAID], state[CASH], state[ON]
    for i in range(n):
        wanted[i] *= on[i]
    for i in range(n):
        paid[i] = min(wanted[i], cash[i])
    for i in range(n):
        cash[i] -= paid[i]
    if mask & 1:
        reserve = state[RESERVE]
        for i in range(n):
            more = min(wanted[i] - paid[i], reserve[i])
            reserve[i] -= more
            paid[i] += more
    if mask & 2:
        cap = settings[CAP]
        for i in range(n):
            more = state[ALIVE, i] * max(min(wanted[i] - paid[i], cap - state[USED, i]), 0.0)
            state[USED, i] += more
            state[OWED, i] += more
            line[C_SUPPORT, i] += more
            paid[i] += more


@kernel
def _pay_fees(n: int, s: int, step: Any, members: Any, settings: Any, state: Any, fee: Any, line: Any) -> None:
    for m in range(step[s, 1], step[s, 1] + step[s, 2]):
        due = fee[members[m]]
        for i in range(n):
            state[WANTED, i] = due[i]
        _pay(n, step[s, 5], settings, state, line)
        for i in range(n):
            due[i] -= state[PAID, i]
            line[C_FEES, i] += state[PAID, i]


@kernel
def _pay_interest(n: int, s: int, step: Any, members: Any, settings: Any, state: Any, tranche: Any, line: Any) -> None:
    wanted, paid, total = state[WANTED], state[PAID], state[TOTAL]
    for i in range(n):
        wanted[i] = 0.0
    for m in range(step[s, 1], step[s, 1] + step[s, 2]):
        due = tranche[members[m], DUE]
        for i in range(n):
            wanted[i] += due[i]
    for i in range(n):
        total[i] = wanted[i]
    _pay(n, step[s, 5], settings, state, line)
    for i in range(n):
        paid[i] = paid[i] / total[i] if total[i] > 0.0 else 0.0
    for m in range(step[s, 1], step[s, 1] + step[s, 2]):
        k = members[m]
        due, column = tranche[k, DUE], line[BASE + EACH * k]
        for i in range(n):
            amount = due[i] * paid[i]
            due[i] -= amount
            column[i] += amount


@kernel
def _principal_due(t: int, n: int, s: int, step: Any, ratio: float, members: Any, schedule: Any, maturity: Any, state: Any,
                   tranche: Any) -> None:  # fmt: skip
    """Fill what each member may get at most, their sum, and the amount wanted."""
    wanted, total, kind = state[WANTED], state[TOTAL], step[s, 3]
    for i in range(n):
        total[i] = 0.0
    for m in range(step[s, 1], step[s, 1] + step[s, 2]):
        k = members[m]
        least = schedule[t, k] if kind == 3 else 0.0
        share = 0.0 if kind == 4 and t < maturity[k] else 1.0
        balance, due = tranche[k, BALANCE], tranche[k, PRINCIPAL_DUE]
        for i in range(n):
            due[i] = share * max(balance[i] - least, 0.0)
            total[i] += due[i]
    for i in range(n):
        limit = total[i]
        if kind == 1:
            limit = state[BUDGET, i]
        elif kind == 2:
            limit = state[DECLINE, i]
        elif kind == 5:
            limit = max(total[i] - state[POOL, i] / ratio, 0.0)
        wanted[i] = min(total[i], limit)


@kernel
def _pay_principal(n: int, s: int, step: Any, members: Any, settings: Any, state: Any, tranche: Any, line: Any) -> None:
    paid, total = state[PAID], state[TOTAL]
    _pay(n, step[s, 5], settings, state, line)
    pro_rata = step[s, 4] == 1
    for i in range(n):
        state[BUDGET, i] = max(state[BUDGET, i] - paid[i], 0.0)
        state[DECLINE, i] = max(state[DECLINE, i] - paid[i], 0.0)
        if pro_rata:
            paid[i] = paid[i] / total[i] if total[i] > 0.0 else 0.0
    for m in range(step[s, 1], step[s, 1] + step[s, 2]):
        k = members[m]
        balance, due, column = tranche[k, BALANCE], tranche[k, PRINCIPAL_DUE], line[BASE + EACH * k + 1]
        for i in range(n):
            amount = due[i] * paid[i] if pro_rata else min(paid[i], due[i])
            if not pro_rata:
                paid[i] -= amount
            balance[i] -= amount
            column[i] += amount


@kernel
def _move(t: int, n: int, op: int, settings: Any, state: Any, series: Any, line: Any) -> None:
    """Move cash between accounts, to the guarantor, into assets or to the holder of the residual."""
    cash, reserve, on = state[CASH], state[RESERVE], state[ON]
    for i in range(n):
        if op == 3:
            amount = on[i] * min(cash[i], max(state[TARGET, i] - reserve[i], 0.0))
            reserve[i] += amount
        elif op == 4:
            amount = -on[i] * max(reserve[i] - state[TARGET, i], 0.0)
            reserve[i] += amount
        elif op == 5:
            amount = on[i] * min(cash[i], state[OWED, i])
            state[OWED, i] -= amount
            line[C_REIMBURSED, i] += amount
        elif op == 6:
            amount = on[i] * (1.0 - state[ENDED, i]) * min(cash[i], state[BUDGET, i])
            state[BUDGET, i] -= amount
            series[BOUGHT, t, i] += amount / settings[PRICE]
            state[POOL, i] += amount / settings[PRICE]
            line[C_PURCHASES, i] += amount
        else:
            amount = on[i] * cash[i]
            line[C_RESIDUAL, i] += amount
        cash[i] -= amount


@kernel
def run_steps(t: int, n: int, steps: Any, step_level: Any, members: Any, schedule: Any, maturity: Any, settings: Any,
           state: Any, series: Any, tranche: Any, fee: Any, truth: Any, line: Any) -> None:  # fmt: skip
    """Follow the steps of a period in order, each on the paths whose condition holds."""
    on = state[ON]
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
