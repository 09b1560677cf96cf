"""Loan schedules: 100,000 loans against QuantLib-Python on the same terms, in the same run.

Both give interest and principal of every month of level fixed-rate loans, 30/360. QuantLib builds an `AmortizingFixedRateBond` for
each loan and its cash flows are read out; that is its only route in Python, so the cost of the wrapper is part of it. It runs on a
sample of the same loans, and seconds a loan are compared; the sample's flows must agree with ours.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

from common import HERE, exponent, machine, report, run_job, save, versions

SIZES, SAMPLE, ROUNDS, AIM = (10_000, 100_000, 1_000_000), 1_000, 5, 100


def _loans(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(20240131)
    return rng.uniform(5e5, 1e7, count), rng.uniform(0.03, 0.08, count), rng.integers(12, 61, count)


def job_ours(arguments: argparse.Namespace) -> None:
    from zhirong.numerics.loans import LEVEL, repay_regular

    lent, rate, months = _loans(arguments.loans)
    kind = np.full(arguments.loans, LEVEL)
    repay_regular(lent[:10], rate[:10], months[:10], kind[:10])
    each = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        book = repay_regular(lent, rate, months, kind)
        each.append(time.perf_counter() - start)
    payment = book.payment[: book.offsets[min(arguments.loans, SAMPLE)]]
    report(start, each=each, loan_seconds=float(np.median(each)) / arguments.loans, check=float(np.sum(payment)))


def job_quantlib(arguments: argparse.Namespace) -> None:
    import QuantLib as Ql

    lent, rate, months = _loans(max(SIZES[1], arguments.loans))
    count, basis, total = Ql.Thirty360(Ql.Thirty360.BondBasis), Ql.NullCalendar(), 0.0
    first, each = Ql.Date(1, 1, 2024), []
    for _ in range(3):
        start, total = time.perf_counter(), 0.0
        for i in range(SAMPLE):
            length = Ql.Period(int(months[i]), Ql.Months)
            notionals = Ql.sinkingNotionals(length, Ql.Monthly, float(rate[i]), float(lent[i]))
            dates = Ql.Schedule(
                first,
                first + length,
                Ql.Period(Ql.Monthly),
                basis,
                Ql.Unadjusted,
                Ql.Unadjusted,
                Ql.DateGeneration.Forward,
                False,
            )
            bond = Ql.AmortizingFixedRateBond(0, notionals, dates, [float(rate[i])], count)
            total += sum(flow.amount() for flow in bond.cashflows())
        each.append(time.perf_counter() - start)
    report(start, each=each, loan_seconds=float(np.median(each)) / SAMPLE, check=total)


JOBS = {"ours": job_ours, "quantlib": job_quantlib}


def main() -> None:
    ours: dict[int, dict[str, Any]] = {n: run_job("loans.py", "ours", HERE, "--loans", str(n)) for n in SIZES}
    peer = run_job("loans.py", "quantlib", HERE)
    check = run_job("loans.py", "ours", HERE, "--loans", str(SIZES[1]))
    if abs(check["check"] / peer["check"] - 1) > 1e-9:
        raise SystemExit(f"flows are not equal: {check['check']} and {peer['check']}")
    times = round(peer["loan_seconds"] / ours[SIZES[1]]["loan_seconds"], 1)
    save(
        "loans",
        {
            "machine": machine(),
            "versions": versions("numba", "numpy", "quantlib"),
            "ratios": [
                {
                    "name": "schedules of 100k loans: QuantLib / ours, a loan",
                    "value": times,
                    "aim": AIM,
                    "larger_is_better": True,
                }
            ],
            "sizes": {f"{n:,} loans": run for n, run in ours.items()},
            "quantlib": peer,
            "scaling_exponent": exponent(list(SIZES), [float(np.median(ours[n]["each"])) for n in SIZES]),
        },
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--job", choices=sorted(JOBS))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--loans", type=int, default=SIZES[1])
    chosen = parser.parse_args()
    JOBS[chosen.job](chosen) if chosen.job else main()
