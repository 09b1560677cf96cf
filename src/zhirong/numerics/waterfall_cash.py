"""Compiled kernels of the waterfall: what a period brings in, and what is due."""

from __future__ import annotations

from typing import Any

from zhirong.numerics.graph.compiled import kernel
from zhirong.numerics.waterfall_layout import (
    BACK,
    BACK_CAP,
    BACK_SHARE,
    BALANCE,
    BASIS,
    BEFORE,
    BOUGHT,
    BOUGHT_BACK,
    BUDGET,
    C_ACCOUNT,
    C_BACK,
    C_CALL,
    C_DEFAULT,
    C_INTEREST,
    C_PRINCIPAL,
    C_RECOVERY,
    CALL_PRICE,
    CALL_SHARE,
    CALLED,
    CARRIED,
    CASH,
    COLLECTED,
    DECLINE,
    DEFAULTED,
    DUE,
    FEES_DUE,
    FLOOR,
    INTEREST,
    INTEREST_DUE,
    LAG,
    NOTES,
    OPENING,
    ORIGINAL,
    POOL,
    RECOVERED,
    REPLACED,
    REPLACED_RECOVERY,
    RESERVE,
    REVOLVING_LAST,
    SHARE,
    SURVIVE,
    TARGET,
    TINY,
    TOTAL,
)

__all__ = ["call", "collect", "dues", "fees_due", "take", "target"]


@kernel
def _replaced(t: int, n: int, replacement: Any, hazard: Any, settings: Any, state: Any, series: Any, flow: Any) -> None:
    """Add what the assets bought in the revolving period pay in period t."""
    ages, lag = replacement.shape[0] - 1, int(settings[LAG])
    for i in range(n):
        series[SURVIVE, t + 1, i] = series[SURVIVE, t, i] * (1.0 - hazard[i if hazard.shape[0] > 1 else 0, t])
        if state[CALLED, i] > 0.0:
            continue
        for s in range(max(0, t - ages), t):
            alive = series[SURVIVE, s + 1, i]
            if series[BOUGHT, s, i] == 0.0 or alive <= 0.0:
                continue
            before = series[BOUGHT, s, i] * series[SURVIVE, t, i] / alive
            after = series[BOUGHT, s, i] * series[SURVIVE, t + 1, i] / alive
            flow[0, i] += after * replacement[t - s, 0]
            flow[1, i] += after * replacement[t - s, 1]
            flow[5, i] += after * replacement[t - s, 2]
            series[REPLACED, t, i] += (before - after) * replacement[t - s - 1, 2]
        flow[4, i] += series[REPLACED, t, i]
        if t >= lag:
            flow[3, i] += settings[REPLACED_RECOVERY] * series[REPLACED, t - lag, i]


@kernel
def take(t: int, n: int, flows: Any, hazard: Any, replacement: Any, settings: Any, state: Any, series: Any, flow: Any,
          line: Any) -> None:  # fmt: skip
    """Read the flows of the period, add replaced assets and what the originator buys back."""
    called = state[CALLED]
    for i in range(n):
        kept = 1.0 - called[i]
        for c in range(6):
            flow[c, i] = kept * flows[i, t, c]
    if replacement.shape[0] > 1:
        _replaced(t, n, replacement, hazard, settings, state, series, flow)
    if settings[BACK_SHARE] <= 0.0:
        return
    lag = int(settings[LAG])
    for i in range(n):
        back = max(min(settings[BACK_SHARE] * flow[4, i], settings[BACK_CAP] - state[BOUGHT_BACK, i]), 0.0)
        state[BOUGHT_BACK, i] += back
        series[BACK, t, i] = back / flow[4, i] if back > 0.0 else 0.0
        line[C_BACK, i] = back
        if t >= lag:
            flow[3, i] *= 1.0 - series[BACK, t - lag, i]


@kernel
def _sum_rows(n: int, a: Any, b: Any, out: Any) -> None:
    """Set ``out = a + b``: loops over few rows are the ones that are vectorised."""
    for i in range(n):
        out[i] = a[i] + b[i]


@kernel
def collect(t: int, n: int, account_rate: Any, state: Any, flow: Any, line: Any) -> None:
    """Put the cash of the period into the account."""
    cash, pool, rate = state[CASH], state[POOL], account_rate[t]
    back, earned, budget, interest = line[C_BACK], line[C_ACCOUNT], state[BUDGET], state[INTEREST]
    decline, balance = state[DECLINE], flow[5]
    _sum_rows(n, cash, state[RESERVE], earned)
    for i in range(n):
        earned[i] *= rate
    state[CARRIED, :n] = cash
    state[OPENING, :n] = pool
    _sum_rows(n, flow[0], earned, interest)
    _sum_rows(n, flow[1], flow[2], line[C_PRINCIPAL])
    _sum_rows(n, line[C_PRINCIPAL], flow[3], budget)
    _sum_rows(n, budget, flow[0], state[COLLECTED])
    for i in range(n):
        budget[i] += back[i]
    for i in range(n):
        decline[i] = max(pool[i] - balance[i], 0.0)
    for i in range(n):
        cash[i] += interest[i] + budget[i]
    pool[:] = balance
    _sum_rows(n, state[DEFAULTED], flow[4], state[DEFAULTED])
    _sum_rows(n, state[RECOVERED], flow[3], state[RECOVERED])
    _sum_rows(n, state[RECOVERED], back, state[RECOVERED])
    line[C_INTEREST, :n] = flow[0]
    line[C_RECOVERY, :n] = flow[3]
    line[C_DEFAULT, :n] = flow[4]


@kernel
def dues(t: int, n: int, rate: Any, compounds: Any, holder: int, state: Any, tranche: Any) -> None:
    """Work out the interest due, and the balance of the notes."""
    notes, interest, total = state[NOTES], state[INTEREST_DUE], state[TOTAL]
    notes[:] = 0.0
    interest[:] = 0.0
    total[:] = 0.0
    for k in range(tranche.shape[0]):
        r, keeps = rate[t, k], 1.0 + rate[t, k] * compounds[k]
        balance, due, before = tranche[k, BALANCE], tranche[k, DUE], tranche[k, BEFORE]
        before[:] = due
        for i in range(n):
            due[i] = balance[i] * r + due[i] * keeps
        for i in range(n):
            interest[i] += due[i]
        for i in range(n):
            total[i] += balance[i]
        if k != holder:
            for i in range(n):
                notes[i] += balance[i]


@kernel
def fees_due(t: int, n: int, basis: Any, fixed: Any, rate: Any, state: Any, fee: Any) -> None:
    """Add the fees of the period to what is still owed; they end with the notes and the pool."""
    due = state[FEES_DUE]
    for i in range(n):
        due[i] = 0.0
    for f in range(fee.shape[0]):
        row = state[OPENING]
        if basis[f] == 2:
            row = state[COLLECTED]
        elif basis[f] == 3:
            row = state[TOTAL]
        for i in range(n):
            runs = 1.0 if state[NOTES, i] > TINY or state[OPENING, i] > TINY else 0.0
            fee[f, i] += runs * (fixed[t, f] + rate[t, f] * row[i])
            due[i] += fee[f, i]


@kernel
def target(last_day: bool, n: int, settings: Any, state: Any) -> None:
    """Set what the reserve should hold: nothing once the notes are paid, nor on the last day."""
    basis, share, floor = settings[BASIS], settings[SHARE], settings[FLOOR]
    notes, target = state[NOTES], state[TARGET]
    for i in range(n):
        amount = 0.0
        if basis == 1.0:
            amount = settings[ORIGINAL]
        elif basis == 2.0:
            amount = state[POOL, i]
        elif basis == 3.0:
            amount = notes[i]
        elif basis == 4.0:
            amount = state[FEES_DUE, i] + state[INTEREST_DUE, i]
        target[i] = 0.0 if last_day or notes[i] < TINY else max(floor, share * amount)


@kernel
def call(t: int, n: int, settings: Any, state: Any, line: Any) -> None:
    """Let the originator buy what is left of the pool where that redeems the notes."""
    limit = settings[CALL_SHARE] * settings[ORIGINAL]
    if limit <= 0.0 or t <= settings[REVOLVING_LAST]:
        return
    for i in range(n):
        if state[CALLED, i] > 0.0 or state[POOL, i] <= TINY or state[POOL, i] > limit:
            continue
        price = settings[CALL_PRICE] * state[POOL, i]
        due = state[NOTES, i] + state[INTEREST_DUE, i] + state[FEES_DUE, i]
        if state[CASH, i] + state[RESERVE, i] + price < due:
            continue
        state[CALLED, i] = 1.0
        state[CASH, i] += price
        state[BUDGET, i] += price
        state[DECLINE, i] += state[POOL, i]
        state[POOL, i] = 0.0
        line[C_CALL, i] = price
