"""The compiled waterfall against a plain interpreter, against other programs, and against the conservation of cash."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from deal_cases import MIXED
from deal_strategies import as_text, deals
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slow_waterfall import SlowDeal

from zhirong.finance.securitisation.compiling import compile_deal, trigger_names
from zhirong.finance.securitisation.parse import parse_deal
from zhirong.numerics.waterfall import LEDGER_COLUMNS, Column, Flow, conservation_error, ledgers, sums

COLUMNS = {"recovery": Column.RECOVERY, "buy_back": Column.BUY_BACK, "call": Column.CALL, "support": Column.SUPPORT,
           "fees": Column.FEES, "reimbursed": Column.REIMBURSED, "purchases": Column.PURCHASES, "residual": Column.RESIDUAL,
           "reserve": Column.RESERVE, "cash": Column.CASH, "pool": Column.POOL, "default": Column.DEFAULT,
           "owed": Column.OWED}  # fmt: skip


def random_flows(seed: int, paths: int, periods: int, pool: float = 100e6) -> np.ndarray:
    """Pools that shrink by principal, prepayment and default, now and then all at once, with erratic interest."""
    rng = np.random.default_rng(seed)
    flows = np.zeros((paths, periods, int(Flow.COUNT)))
    for p in range(paths):
        left = pool
        for t in range(periods):
            parts = rng.dirichlet([1, 1, 1, 3]) * left
            if rng.random() < 0.1:
                parts = np.array([0, 0, left, 0.0])
            principal, prepaid, default = parts[:3]
            if t == periods - 1:
                principal, prepaid, default = left, 0.0, 0.0
            left = max(left - principal - prepaid - default, 0.0)
            recovery = rng.random() * 0.5 * default
            flows[p, t] = (
                rng.random() * 0.03 * pool * (rng.random() > 0.2),
                principal,
                prepaid,
                recovery,
                default,
                left,
            )
    return flows


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(deals(), st.integers(0, 2**31))
def test_every_path_equals_the_plain_interpreter(plain: dict, seed: int) -> None:
    deal = parse_deal(as_text(plain))
    program = compile_deal(deal)
    flows = random_flows(seed, 3, program.periods)
    rng = np.random.default_rng(seed)
    fails, hazard = rng.integers(0, program.periods + 1, 3), rng.random((3, program.periods)) * 0.3
    ledger = ledgers(program, flows, fails=fails, hazard=hazard)
    order = [trigger.id for trigger in deal.triggers]
    names = trigger_names(deal)
    for p in range(3):
        for t, line in enumerate(SlowDeal(deal).run(flows[p], fails[p], hazard[p])):
            for name, column in COLUMNS.items():
                assert ledger[p, t, column] == pytest.approx(line[name], abs=1e-5), (name, t)
            for k, tranche in enumerate(deal.tranches):
                at = LEDGER_COLUMNS + 4 * k
                assert ledger[p, t, at : at + 4] == pytest.approx(line["tranches"][tranche.id], abs=1e-5), (
                    tranche.id,
                    t,
                )
            bits = int(ledger[p, t, Column.TRIGGERS])
            assert {n for n in order if bits >> names.index(n) & 1} == {n for n in order if line["breached"][n]}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(deals(), st.integers(0, 2**31))
def test_cash_is_conserved_on_every_path_in_every_period(plain: dict, seed: int) -> None:
    deal = parse_deal(as_text(plain))
    program = compile_deal(deal)
    flows = random_flows(seed, 5, program.periods)
    rng = np.random.default_rng(seed)
    fails, hazard = rng.integers(0, program.periods + 1, 5), rng.random((5, program.periods)) * 0.3
    ledger = ledgers(program, flows, fails=fails, hazard=hazard)
    assert np.abs(conservation_error(program, ledger)).max() < 1e-6
    tranche = ledger[:, :, LEDGER_COLUMNS:].reshape(5, program.periods, -1, 4)
    assert tranche.min() > -1e-6
    assert (
        ledger[:, :, [Column.RESERVE, Column.CASH, Column.POOL, Column.RESIDUAL, Column.SUPPORT, Column.FEES]].min()
        > -1e-6
    )
    repaid = tranche[:, :, :, 1].sum(axis=1) + tranche[:, -1, :, 2]
    assert repaid == pytest.approx(np.tile(program.balance, (5, 1)), abs=1e-5)
    assert ledger[:, -1, [Column.RESERVE, Column.CASH]] == pytest.approx(0.0, abs=1e-6)
    years = np.arange(1, program.periods + 1) / 4
    flat = np.ones((program.periods, program.balance.size))
    total = sums(program, flows, years, flat, fails=fails, hazard=hazard)
    assert total.error < 1e-6
    assert total.interest == pytest.approx(tranche[:, :, :, 0].sum(axis=1), abs=1e-5)
    assert total.principal == pytest.approx(tranche[:, :, :, 1].sum(axis=1), abs=1e-5)
    assert total.mean_balance == pytest.approx(tranche[:, :, :, 2].mean(axis=0), abs=1e-5)
    assert total.residual == pytest.approx(ledger[:, :, Column.RESIDUAL].sum(axis=1), abs=1e-5)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(deals(), st.integers(0, 2**31))
def test_the_plain_interpreter_conserves_fractions_exactly(plain: dict, seed: int) -> None:
    deal = parse_deal(as_text(plain))
    flows = random_flows(seed, 1, compile_deal(deal).periods)[0].round(2)

    def number(x: float) -> Fraction:
        return Fraction(x).limit_denominator(10**6)

    flows = [[number(x) for x in row] for row in flows]
    assert all(line["error"] == 0 for line in SlowDeal(deal, number).run(flows))


def test_results_do_not_depend_on_threads_or_blocks() -> None:
    deal = parse_deal(MIXED)
    program = compile_deal(deal)
    flows = random_flows(5, 150, program.periods)
    whole = ledgers(program, flows, threads=2)
    assert np.array_equal(whole, ledgers(program, flows, threads=1))
    assert np.array_equal(whole[100:], ledgers(program, flows[100:], threads=1))
    flat, years = np.ones((program.periods, program.balance.size)), np.arange(1.0, program.periods + 1)
    one, two = sums(program, flows, years, flat, threads=1), sums(program, flows, years, flat, threads=2)
    assert all(np.array_equal(getattr(one, name), getattr(two, name)) for name in one.__slots__)
