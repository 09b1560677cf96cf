"""Securitisation: a Monte Carlo of 10,000 paths x 1,000 loans x 120 periods x 5 classes with triggers, against `waterfall-py`.

The peer runs in the environment `benchmarks/.env` (``pip install waterfall-py``), which is not a dependency. It has no pool and
no triggers of asset-backed notes, so the ratio a path is taken on a structure both can express: fees, senior interest with a
reserve, mezzanine interest, a full sweep to the seniors and then to the mezzanine classes, equity; 120 months, five classes. Both
get the same cash, and the run fails where their payments differ. The whole simulation is measured apart, as a multiple of
drawing the default times alone, with its peak memory. The ratio is of CPU
seconds on one thread each, the fastest of repeated timings on both sides: others share the cores.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from common import exponent, machine, peer_versions, report, run_job, save, versions

PATHS, LOANS, PERIODS = 10_000, 1_000, 120
SIZES = (2_500, 10_000, 40_000)
ROUNDS = 3
PEER_PATHS = 40
NOTES = {"A1": (500e6, 0.03), "A2": (200e6, 0.035), "M1": (150e6, 0.045), "M2": (100e6, 0.06)}


def cash_of(paths: int) -> np.ndarray:
    rng = np.random.default_rng(20240131)
    return np.round(1e9 / PERIODS * rng.uniform(0.8, 1.8, (paths, PERIODS)), 2)


def shared_deal() -> dict[str, Any]:
    from datetime import date

    first, last = date(2024, 2, 1), date(2034, 1, 1)
    loan = {"id": "x", "kind": "loan", "balance": 1e9, "rate": 0.0, "first_due": first, "interval_months": 1,
            "payments": PERIODS, "credit": {"annual_pd": 0.0}}  # fmt: skip
    return {
        "id": "shared", "name": "shared", "closing": date(2024, 1, 1), "first_payment": first, "payment_interval_months": 1,
        "legal_final": last, "day_count": "30/360", "pool": {"recovery": {"mean": 0.0}, "assets": [loan]},
        "tranches": [{"id": k, "balance": b, "coupon": c} for k, (b, c) in NOTES.items()]
        + [{"id": "E", "balance": "rest", "is_residual": True}],
        "fees": [{"id": "agency", "amount": 120_000.0}], "reserve": {"initial": 5e6, "floor": 5e6},
        "triggers": [{"id": "oc", "test": "oc", "level": 1.05, "tranches": ["A1", "A2"]},
                     {"id": "short", "test": "interest_shortfall", "tranches": ["M1", "M2"]}],
        "waterfall": [
            {"pay_fees": ["agency"]}, {"pay_interest": ["A1", "A2"], "from": ["reserve"]}, {"fund_reserve": True},
            {"pay_interest": ["M1"]}, {"pay_interest": ["M2"]}, {"release_reserve": True},
            {"pay_principal": ["A1", "A2"]}, {"pay_principal": ["M1", "M2"]}, {"pay_residual": True},
        ],
    }  # fmt: skip


def job_shared(arguments: argparse.Namespace) -> None:
    """Run our waterfall on the shared structure and the same cash."""
    import yaml

    from zhirong.finance.securitisation.compiling import compile_deal
    from zhirong.finance.securitisation.parse import parse_deal
    from zhirong.numerics.waterfall import sums

    program = compile_deal(parse_deal(yaml.safe_dump(shared_deal())))
    cash = cash_of(arguments.paths)
    flows = np.zeros((arguments.paths, PERIODS, 6))
    flows[:, :, 1] = cash
    flows[:, :, 5] = np.maximum(1e9 - np.cumsum(cash, axis=1), 0.0)
    years, flat = np.arange(1, PERIODS + 1) / 12, np.ones((PERIODS, 5))
    sums(program, flows[:300], years, flat, threads=2)
    start, each, wall = time.perf_counter(), [], []
    for _ in range(6):
        begin = time.process_time()
        total = sums(program, flows, years, flat, threads=1)
        each.append((time.process_time() - begin) / arguments.paths)
        begin = time.perf_counter()
        sums(program, flows, years, flat, threads=2)
        wall.append((time.perf_counter() - begin) / arguments.paths)
    check = [total.interest[:PEER_PATHS, :4].tolist(), total.principal[:PEER_PATHS, :4].tolist()]
    report(start, per_path=each, wall_two_threads=wall, conservation_error=total.error, check=check)


def job_peer(arguments: argparse.Namespace) -> None:
    """Run waterfall-py path by path."""
    from datetime import date

    from waterfall import Deal, Fee, ReserveConfig, SweepConfig, Tranche, run

    kinds = {"A1": "senior", "A2": "senior", "M1": "mezzanine", "M2": "mezzanine"}

    def deal(cash: list[float]) -> Any:
        notes = [Tranche(name=k, tranche_type=kinds[k], principal=b, coupon=c, day_count="30/360", amort_type="bullet",
                         term_periods=PERIODS) for k, (b, c) in NOTES.items()]  # fmt: skip
        return Deal(
            deal_close_date=date(2024, 1, 1), operations_start_date=date(2024, 1, 1), period_frequency="M", deal_type="PF",
            tranches=[*notes, Tranche(name="E", tranche_type="equity", principal=50e6)], cfads_stream=cash, data_currency="CNY",
            reporting_basis="calendar", fees=[Fee("agency", 10_000.0)],
            reserves=[ReserveConfig("DSRA", target_amount=5e6, opening_balance=5e6)],
            sweep=SweepConfig(bands=[], default_sweep_pct=1.0),
        )  # fmt: skip

    cash = cash_of(arguments.paths)[:PEER_PATHS].tolist()
    run(deal(cash[0]))
    start, each, interest, principal = time.perf_counter(), [], [], []
    for row in cash:
        begin = time.process_time()
        result = run(deal(row))
        each.append(time.process_time() - begin)
        interest.append([sum(p.interest_by_tranche[k] for p in result.periods) for k in NOTES])
        principal.append([sum(p.principal_by_tranche[k] for p in result.periods) for k in NOTES])
    report(start, per_path=each, check=[interest, principal])


def pool_deal() -> dict[str, Any]:
    """1,000 loans of ten classes of risk, five classes of notes, triggers, reserve, guarantor; monthly, ten years."""
    deal = shared_deal()
    rng = np.random.default_rng(7)
    deal["pool"] = {
        "recovery": {"mean": 0.4, "spread": 0.6, "factor_share": 0.4, "lag_months": 12},
        "dependence": {"copula": "t", "degrees_of_freedom": 6}, "prepayment": {"rate": 0.06, "volatility": 0.3},
        "assets": [
            {"id": f"g{g}", "kind": "loan", "count": LOANS // 10, "total": 1e8, "rate": 0.06 + 0.002 * g,
             "first_due": shared_deal()["first_payment"], "interval_months": 1, "payments": int(rng.integers(60, PERIODS - 11)),
             "may_prepay": g % 2 == 0, "credit": {"annual_pd": 0.01 + 0.004 * g, "correlation": 0.15}}
            for g in range(10)
        ],
    }  # fmt: skip
    deal["guarantor"] = {"label": "G", "credit": {"annual_pd": 0.002, "correlation": 0.3}, "cap": 50e6}
    deal["triggers"] += [{"id": "loss", "test": "cumulative_loss", "level": 0.08, "is_curable": False},
                         {"id": "turbo", "test": "any_of", "parts": ["oc", "loss"]}]  # fmt: skip
    deal["waterfall"] = [
        {"pay_fees": ["agency"], "from": ["reserve"]}, {"pay_interest": ["A1", "A2"], "from": ["reserve", "guarantor"]},
        {"pay_interest": ["M1", "M2"], "unless": "turbo"}, {"fund_reserve": True}, {"release_reserve": True},
        {"pay_principal": ["A1", "A2", "M1", "M2"], "amount": "pool_decline", "unless": "turbo"},
        {"pay_principal": ["A1", "A2", "M1", "M2"], "order": "sequential", "when": "turbo"}, {"pay_interest": ["M1", "M2"]},
        {"pay_principal": ["A1", "A2", "M1", "M2"], "amount": "at_maturity", "from": ["reserve", "guarantor"]},
        {"reimburse_guarantor": True}, {"pay_residual": True},
    ]  # fmt: skip
    return deal


def job_whole(arguments: argparse.Namespace) -> None:
    """Simulate pool and waterfall: every number of the result."""
    import yaml

    from zhirong.finance.securitisation import parse_deal, simulate_deal

    deal = parse_deal(yaml.safe_dump(pool_deal()))
    assert len(deal.pool.assets) == LOANS
    simulate_deal(deal, rate=0.03, paths=300, threads=2)
    start = time.perf_counter()
    result = simulate_deal(deal, rate=0.03, paths=arguments.paths, threads=2)
    report(start, conservation_error=result.conservation_error, turbo=result.triggers[-1].probability.value,
           senior_loss=result.tranche("A1").expected_loss.value, pool_loss=result.pool_loss.value)  # fmt: skip


def job_times(arguments: argparse.Namespace) -> None:
    """Draw the default times alone."""
    import yaml

    from zhirong.finance.securitisation.compiling import compile_pool
    from zhirong.finance.securitisation.parse import parse_deal
    from zhirong.numerics.default_paths import default_periods, draw_factors

    pool = compile_pool(parse_deal(yaml.safe_dump(pool_deal())))
    default_periods(pool, draw_factors(300, 1, 6.0), 1, threads=2)
    start = time.perf_counter()
    when = default_periods(pool, draw_factors(arguments.paths, 1, 6.0), 1, threads=2)
    report(start, default_share=float((when < PERIODS).mean()))


JOBS = {"shared": job_shared, "peer": job_peer, "whole": job_whole, "times": job_times}


def _ratio(name: str, value: float, aim: float, *, larger_is_better: bool) -> dict[str, Any]:
    return {"name": name, "value": round(value, 3), "aim": aim, "larger_is_better": larger_is_better}


def _fastest(job: str, folder: Path, paths: int) -> dict[str, Any]:
    runs = [run_job("securitisation.py", job, folder, "--paths", str(paths)) for _ in range(ROUNDS)]
    return min(runs, key=lambda run: float(run["seconds"]))


def main() -> None:
    folder = Path(tempfile.gettempdir())
    ours, peer = [], []
    for _ in range(ROUNDS):  # in turn, so that what else the machine does falls on both
        ours.append(run_job("securitisation.py", "shared", folder, "--paths", str(PATHS)))
        peer.append(run_job("securitisation.py", "peer", folder, "--paths", str(PATHS), peer=True))
    difference = float(np.abs(np.array(ours[0].pop("check")) - np.array(peer[0].pop("check"))).max())
    if difference > 1e-3:
        raise SystemExit(f"the two waterfalls pay differently, by up to {difference} CNY on a face of 1 billion")
    for run in [*ours[1:], *peer[1:]]:
        run.pop("check")
    ratio = [min(p["per_path"]) / min(o["per_path"]) for o, p in zip(ours, peer, strict=True)]
    whole = {paths: _fastest("whole", folder, paths) for paths in SIZES}
    times = _fastest("times", folder, PATHS)
    record = whole[PATHS]
    save(
        "securitisation",
        {
            "machine": machine(),
            "versions": versions("numba", "numpy", "scipy") | peer_versions("waterfall-py"),
            "ratios": [
                {**_ratio("waterfall 120 periods x 5 classes, one thread: waterfall-py / ours", float(np.median(ratio)), 1000,
                          larger_is_better=True), "low": round(min(ratio), 1), "high": round(max(ratio), 1)},
                _ratio("ABS Monte Carlo 10k x 1,000 x 120 x 5, peak MB", float(record["peak_rss_mb"]), 2000, larger_is_better=False),
                _ratio("ABS Monte Carlo / drawing its default times alone", float(record["seconds"]) / float(times["seconds"]), 20,
                       larger_is_better=False),
            ],
            "sizes": {f"{paths:,} paths x {LOANS:,} loans x {PERIODS} periods x 5 classes": run for paths, run in whole.items()},
            "scaling_exponent": exponent(list(SIZES), [float(whole[paths]["seconds"]) for paths in SIZES]),
            "default_times": times,
            "largest_difference_cny": difference,
            "runs": {"shared": ours, "peer": peer},
        },
    )  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--job", choices=sorted(JOBS))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--paths", type=int, default=PATHS)
    chosen = parser.parse_args()
    if chosen.job:
        JOBS[chosen.job](chosen)
    else:
        main()
