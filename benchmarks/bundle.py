"""The bundle: milliseconds a design, against SciPy's HiGHS on the same matrices and nothing else.

The offers are the shipped ones (interest subsidy by cover, take-out, kicker: a mixed-integer programme) and the same without
yes-or-no decisions (a linear programme). HiGHS alone gets matrices already built: it is the limit, and what is above it is the cost of
building by name, certifying and explaining.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np

from common import HERE, machine, report, run_job, save, versions

DESIGNS, AIM_MS = 400, 5.0


def _cases():  # type: ignore[no-untyped-def]
    from zhirong.finance.bundle import Need, Risk, linked_offers
    from zhirong.params import load

    day = date(2025, 6, 30)
    offers = linked_offers(load(), day, pool_loans=12)
    plain = replace(
        offers,
        take_out=None,
        kicker=None,
        public=replace(offers.public, interest_share_covered=offers.public.interest_share),
    )
    rng = np.random.default_rng(7)
    risks = [
        Risk(float(pd), float(lgd))
        for pd, lgd in zip(rng.uniform(0.005, 0.06, DESIGNS), rng.uniform(0.3, 0.9, DESIGNS), strict=True)
    ]
    return offers, plain, Need(3e6, 12, 0.03, 8_000.0), risks


def job_designs(arguments: argparse.Namespace) -> None:
    from zhirong.finance.bundle import design, share_gains

    offers, plain, need, risks = _cases()
    spec = {"linear": plain, "mixed": offers}[arguments.kind]
    for risk in risks[:20]:
        design(spec, need, risk)
    start, each = time.perf_counter(), []
    for risk in risks:
        at = time.perf_counter()
        design(spec, need, risk)
        each.append(time.perf_counter() - at)
    gain = time.perf_counter()
    share_gains(spec, need, risks[0])
    report(
        start,
        median_ms=1e3 * statistics.median(each),
        p95_ms=1e3 * float(np.quantile(each, 0.95)),
        gains_seconds=time.perf_counter() - gain,
    )


def job_highs(arguments: argparse.Namespace) -> None:
    from scipy import optimize

    from zhirong.finance.bundle.design import _conditions, _costs
    from zhirong.numerics.programs import _matrix

    _offers, plain, need, risks = _cases()
    built = []
    for risk in risks:
        rows, bounds, _whole = _conditions(plain, need, risk)
        m = _matrix(list(bounds), rows)
        costs = _costs(plain, need, risk, 0.0)
        built.append(
            (np.array([costs.get(n, 0.0) for n in bounds]), m.a, m.b, m.a_equal, m.b_equal, list(bounds.values()))
        )
    start, each = time.perf_counter(), []
    for arrays in built:
        at = time.perf_counter()
        optimize.linprog(*arrays, method="highs")
        each.append(time.perf_counter() - at)
    report(start, median_ms=1e3 * statistics.median(each))


JOBS = {"designs": job_designs, "highs": job_highs}


def main() -> None:
    linear = run_job("bundle.py", "designs", HERE, "--kind", "linear")
    mixed = run_job("bundle.py", "designs", HERE, "--kind", "mixed")
    limit = run_job("bundle.py", "highs", HERE)
    save(
        "bundle",
        {
            "what": "joint design of a bundle, one loan",
            "machine": machine(),
            "versions": versions("scipy", "numpy"),
            "sizes": {"linear": linear, "mixed": mixed, "highs alone, linear": limit},
            "ratios": [
                {
                    "name": "Bundle, linear: 5 ms / our median",
                    "value": round(AIM_MS / linear["median_ms"], 2),
                    "aim": 1.0,
                    "larger_is_better": True,
                },
                {
                    "name": "Bundle, mixed-integer: 5 ms / our median",
                    "value": round(AIM_MS / mixed["median_ms"], 2),
                    "aim": 1.0,
                    "larger_is_better": True,
                },
                {
                    "name": "Bundle, linear: ours / HiGHS on built matrices",
                    "value": round(linear["median_ms"] / limit["median_ms"], 2),
                    "aim": 2.0,
                    "larger_is_better": False,
                },
            ],
        },
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--job", choices=sorted(JOBS))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--kind", default="linear")
    given = parser.parse_args()
    if given.job:
        JOBS[given.job](given)
    else:
        main()
