"""Aggregate loss by FFT against `aggregate` and `gemact` at equal quantiles: same law, same points, same step.

Compound Poisson (mean 5) of a log-normal (10, 0.8) on 65,536 points of 2,000,000 in all, midpoint rounding. Each peer runs in its own process; only the computation of the law and two quantiles is timed, not imports, and the
median of the repeats is kept.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import math
import statistics
import time
from pathlib import Path

from common import HERE, machine, peer_versions, report, run_job, save, versions

POINTS, TOP, LAM, MU, SIGMA, REPEATS = 65_536, 2_000_000.0, 5.0, 10.0, 0.8, 15
STEP = TOP / POINTS


def _repeat(run) -> tuple[float, list[float]]:  # type: ignore[no-untyped-def]
    found = run()
    each = []
    for _ in range(REPEATS):
        at = time.process_time()
        found = run()
        each.append(time.process_time() - at)
    return statistics.median(each), [float(v) for v in found]


def job_ours(arguments: argparse.Namespace) -> None:
    import numpy as np
    from scipy.special import ndtr

    from zhirong.numerics.aggregate import aggregate_fft, discretise, lognormal_limited_mean
    from zhirong.numerics.claim_counts import poisson_count

    def cdf(x):  # type: ignore[no-untyped-def]
        with np.errstate(divide="ignore"):
            return ndtr((np.log(x) - MU) / SIGMA)

    def run():  # type: ignore[no-untyped-def]
        severity = discretise(
            cdf, lambda x: lognormal_limited_mean(x, MU, SIGMA), math.exp(MU + SIGMA**2 / 2), step=STEP, points=POINTS
        )
        total = aggregate_fft(poisson_count(LAM), severity)
        return total.quantile(0.95), total.quantile(0.99)

    start = time.perf_counter()
    seconds, quantiles = _repeat(run)
    report(start, median_seconds=seconds, q95=quantiles[0], q99=quantiles[1])


def job_aggregate(arguments: argparse.Namespace) -> None:
    from aggregate import build

    def run():  # type: ignore[no-untyped-def]
        law = build(
            "agg Year 5 claims sev exp(10) * lognorm 0.8 poisson", log2=16, bs=STEP, padding=1, approximation="exact"
        )
        return law.q(0.95), law.q(0.99)

    start = time.perf_counter()
    seconds, quantiles = _repeat(run)
    report(start, median_seconds=seconds, q95=quantiles[0], q99=quantiles[1])


def job_gemact(arguments: argparse.Namespace) -> None:
    from gemact.lossmodel import Frequency, LossModel, Severity

    def run():  # type: ignore[no-untyped-def]
        law = LossModel(
            frequency=Frequency(dist="poisson", par={"mu": LAM}),
            severity=Severity(dist="lognormal", par={"shape": SIGMA, "scale": math.exp(MU)}),
            aggr_loss_dist_method="fft", sev_discr_method="massdispersal", sev_discr_step=STEP,
            n_sev_discr_nodes=POINTS, n_aggr_dist_nodes=POINTS, tilt=False,
        )  # fmt: skip
        return law.ppf(0.95), law.ppf(0.99)

    start = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        seconds, quantiles = _repeat(run)
    report(start, median_seconds=seconds, q95=quantiles[0], q99=quantiles[1])


JOBS = {"ours": job_ours, "aggregate": job_aggregate, "gemact": job_gemact}


def main() -> None:
    ours = run_job("insurance.py", "ours", HERE)
    peers = {name: run_job("insurance.py", name, HERE, peer=True) for name in ("aggregate", "gemact")}
    for name, peer in peers.items():
        for q in ("q95", "q99"):
            if abs(peer[q] - ours[q]) > STEP * 1.001:
                raise SystemExit(f"{name} {q}: {peer[q]} against {ours[q]}, more than a lattice step apart")
    save(
        "insurance",
        {
            "what": "aggregate loss by FFT, 65,536 points, processor seconds of one law with two quantiles",
            "machine": machine(),
            "versions": {**versions("scipy", "numpy"), **peer_versions("aggregate", "gemact")},
            "sizes": {"ours": ours, **peers},
            "ratios": [
                {
                    "name": f"Aggregate loss: {name} / ours",
                    "value": round(peer["median_seconds"] / ours["median_seconds"], 2),
                    "aim": 1.0,
                    "larger_is_better": True,
                }
                for name, peer in peers.items()
            ],
        },
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--job", choices=sorted(JOBS))
    parser.add_argument("--data", type=Path)
    given = parser.parse_args()
    if given.job:
        JOBS[given.job](given)
    else:
        main()
