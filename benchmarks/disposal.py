"""The programme of a disposal for 1,000 lots, and the share of it that the auction law alone takes."""

from __future__ import annotations

import argparse
import time
from datetime import date
from pathlib import Path

import numpy as np

from common import HERE, exponent, machine, report, run_job, save, versions

SIZES, AIM_SECONDS = (100, 300, 1_000), 10.0


def job_programmes(arguments: argparse.Namespace) -> None:
    from zhirong.finance.disposal import shipped_disposal
    from zhirong.numerics.disposing import auction_outcome, programme
    from zhirong.params import load

    spec = shipped_disposal(load(), date(2024, 6, 30))
    rng = np.random.default_rng(3)
    worth = np.exp(0.8 * rng.standard_normal(4_000))
    terms = [
        spec.terms(float(v), float(m))
        for v, m in zip(rng.lognormal(14, 1, arguments.lots), rng.uniform(36, 200, arguments.lots), strict=True)
    ]
    programme(terms[0], worth)
    start = time.perf_counter()
    total = sum(programme(t, worth).value for t in terms)
    seconds = time.perf_counter() - start
    reserves = np.linspace(0, 6, 64)
    begin = time.perf_counter()
    for t in terms[:50]:
        auction_outcome(t.bidders, t.dispersion, reserves, worth=worth[:9])
    report(start, programme_seconds=seconds, check=total, one_auction_law_seconds=(time.perf_counter() - begin) / 50)


JOBS = {"programmes": job_programmes}


def main() -> None:
    runs = {n: run_job("disposal.py", "programmes", HERE, "--lots", str(n)) for n in SIZES}
    last = runs[SIZES[-1]]
    save(
        "disposal",
        {
            "what": "programmes of lots, each with uncertain worth, six rounds, 36 months",
            "machine": machine(),
            "versions": versions("numba", "numpy", "scipy"),
            "sizes": {f"{n:,} lots": run for n, run in runs.items()},
            "scaling_exponent": exponent(list(SIZES), [runs[n]["programme_seconds"] for n in SIZES]),
            "ratios": [
                {
                    "name": "disposal of 1,000 lots: 10 s / ours",
                    "value": round(AIM_SECONDS / last["programme_seconds"], 2),
                    "aim": 1.0,
                    "larger_is_better": True,
                }
            ],
        },
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--job", choices=sorted(JOBS))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--lots", type=int, default=1_000)
    chosen = parser.parse_args()
    JOBS[chosen.job](chosen) if chosen.job else main()
