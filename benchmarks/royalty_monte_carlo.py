"""Relief from royalty by Monte Carlo: against `intangible-valuation` on the same inputs, and against the random numbers alone.

The peer runs in the environment `benchmarks/.env` (``pip install intangible-valuation``), which is not a dependency. Its
simulation draws independent inputs for a whole number of years with flows at year ends, so ours is set to the same. Two
questions are asked apart: are the quantiles equal within Monte Carlo error, and how many draws a second does each make. The
second comparison runs our full model (six correlated inputs, partial years, mid-year flows) against two generators of the same
number of normal scores: our own counter-based one, and NumPy's SFC64 on the same number of threads.
"""

from __future__ import annotations

import argparse
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from common import HERE, exponent, machine, peer_versions, report, run_job, save, versions

YEARS, TAX = 10, 0.25
DISTRIBUTIONS: dict[str, tuple[str, dict[str, float]]] = {
    "revenue": ("triangular", {"low": 5e5, "mode": 1e6, "high": 2e6}),
    "growth": ("uniform", {"low": -0.05, "high": 0.10}),
    "royalty_rate": ("triangular", {"low": 0.02, "mode": 0.04, "high": 0.08}),
    "discount_rate": ("uniform", {"low": 0.10, "high": 0.20}),
}
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
PEER_DRAWS, SAME_DRAWS = 20_000, 4_000_000
SIZES, BLOCK = (1_000_000, 3_000_000, 10_000_000), 1_000_000
REPEATS = 3


def job_peer(arguments: argparse.Namespace) -> None:
    from intangible_valuation.core.statistics import monte_carlo_valuation
    from intangible_valuation.income_methods.relief_from_royalty import relief_from_royalty

    def value(revenue: float, growth: float, royalty_rate: float, discount_rate: float) -> float:
        path = [revenue * (1 + growth) ** t for t in range(YEARS)]
        return float(relief_from_royalty(path, royalty_rate, discount_rate, TAX, YEARS).value)

    inputs = [{"name": n, "distribution": family, "params": p} for n, (family, p) in DISTRIBUTIONS.items()]
    monte_carlo_valuation(value, inputs, iterations=200, seed=1)
    start = time.perf_counter()
    found = monte_carlo_valuation(value, inputs, iterations=arguments.draws, seed=2)
    quantiles = [found.percentile_5, found.percentile_25, found.median, found.percentile_75, found.percentile_95]
    report(start, quantiles=quantiles, mean=found.mean, draws=arguments.draws)


def _same_inputs() -> np.ndarray:
    from zhirong.numerics.distributions import quantile_table

    rows = [quantile_table(f, p, min(p.values()), max(p.values())) for f, p in DISTRIBUTIONS.values()]
    life, validity = np.full_like(rows[0], YEARS), np.ones_like(rows[0])
    return np.stack([*rows, life, validity])


def job_same(arguments: argparse.Namespace) -> None:
    from zhirong.numerics.montecarlo import RoyaltyPlan, royalty_values

    plan = RoyaltyPlan(YEARS, tax_rate=TAX, tax_life_years=YEARS, mid_period=False)
    tables, root = _same_inputs(), np.eye(6)
    royalty_values(1, tables, root, plan, draws=2_000)
    start = time.perf_counter()
    values = royalty_values(2, tables, root, plan, draws=arguments.draws)
    seconds = time.perf_counter() - start
    quantiles = np.quantile(values, LEVELS).tolist()
    # Density at each quantile from the spacing around it, for the standard error of the peer's sample quantiles.
    near = np.quantile(values, [level + side for level in LEVELS for side in (-0.01, 0.01)]).reshape(-1, 2)
    slope = ((near[:, 1] - near[:, 0]) / 0.02).tolist()
    report(start, seconds_draws=round(seconds, 4), quantiles=quantiles, slope=slope, mean=float(values.mean()))


def _full_inputs() -> tuple[np.ndarray, np.ndarray, Any]:
    from zhirong.numerics.distributions import quantile_table
    from zhirong.numerics.montecarlo import RoyaltyPlan, correlation_root

    tables = np.stack(
        [
            quantile_table("lognormal", {"median": 1e6, "sigma": 0.6}, 0, 1e9),
            quantile_table("normal", {"mean": 0.05, "sd": 0.06}, -0.25, 0.35),
            quantile_table("lognormal", {"median": 0.043, "sigma": 0.6}, 0, 0.3),
            quantile_table("normal", {"mean": 0.14, "sd": 0.03}, 0.03, 0.4),
            quantile_table("normal", {"mean": 9, "sd": 3}, 0.5, 20),
            quantile_table("beta", {"a": 8, "b": 3}, 0, 1),
        ]
    )
    matrix = np.eye(6)
    for i, j in ((0, 1), (0, 2), (1, 3), (1, 4), (2, 5)):
        matrix[i, j] = matrix[j, i] = 0.2
    return tables, correlation_root(matrix), RoyaltyPlan(14.3, 0.5, TAX, 10.0, -0.02, 0.8)


def job_full(arguments: argparse.Namespace) -> None:
    """Simulate in blocks, keeping sums only: memory does not grow with the draws."""
    from zhirong.numerics.montecarlo import royalty_values

    tables, root, plan = _full_inputs()
    royalty_values(1, tables, root, plan, draws=2_000)
    start, total = time.perf_counter(), 0.0
    for first in range(0, arguments.draws, BLOCK):
        total += float(royalty_values(3, tables, root, plan, draws=BLOCK, first_draw=first).sum())
    report(start, mean=total / arguments.draws)


def job_numbers(arguments: argparse.Namespace) -> None:
    """Make the same count of normal scores by our generator: counter, hash, inverse of the normal law."""
    from zhirong.numerics.montecarlo import normal_scores

    normal_scores(1, 2_000)
    start = time.perf_counter()
    for block in range(arguments.draws // BLOCK):
        normal_scores(block, BLOCK)
    report(start)


def job_numpy(arguments: argparse.Namespace) -> None:
    """Make the same count of normals by NumPy's SFC64 (ziggurat), one generator a thread, buffers used again."""
    threads = os.cpu_count() or 1
    share = BLOCK * 6 // threads

    def fill(seed: int) -> None:
        rng, buffer = np.random.Generator(np.random.SFC64(seed)), np.empty(share)
        for _ in range(arguments.draws // BLOCK):
            rng.standard_normal(out=buffer)

    start = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(fill, range(threads)))
    report(start)


JOBS = {"peer": job_peer, "same": job_same, "full": job_full, "numbers": job_numbers, "numpy": job_numpy}


def seconds_of(run: dict[str, Any]) -> float:
    return float(run.get("seconds_draws", run["seconds"]))


def rounds(*jobs: tuple[str, int]) -> list[list[dict[str, Any]]]:
    """Run jobs in turn, several rounds, so that what else the machine does falls on all of them alike; one list a job."""
    found: list[list[dict[str, Any]]] = [[] for _ in jobs]
    for _ in range(REPEATS):
        for place, (job, draws) in enumerate(jobs):
            found[place].append(run_job("royalty_monte_carlo.py", job, HERE, "--draws", str(draws), peer=job == "peer"))
    return found


def ratio(name: str, above: list[float], below: list[float], aim: float, *, larger_is_better: bool) -> dict[str, Any]:
    """Return the median over rounds of a ratio, with its extremes."""
    each = [a / b for a, b in zip(above, below, strict=True)]
    return {
        "name": name,
        "value": round(float(np.median(each)), 3),
        "low": round(min(each), 3),
        "high": round(max(each), 3),
        "aim": aim,
        "larger_is_better": larger_is_better,
    }


def main() -> None:
    peers, sames = rounds(("peer", PEER_DRAWS), ("same", SAME_DRAWS))
    peer, same = peers[0], sames[0]
    levels = np.array(LEVELS)
    error = np.sqrt(levels * (1 - levels) / PEER_DRAWS) * np.array(same["slope"])
    distance = (np.array(peer["quantiles"]) - np.array(same["quantiles"])) / error
    if np.abs(distance).max() > 4:
        raise SystemExit(f"quantiles differ by more than four standard errors: {distance.round(2).tolist()}")
    peer_rates = [PEER_DRAWS / seconds_of(r) for r in peers]
    our_rates = [SAME_DRAWS / seconds_of(r) for r in sames]
    middle = SIZES[1]
    small, full, large, numbers, normals = rounds(
        ("full", SIZES[0]), ("full", middle), ("full", SIZES[2]), ("numbers", middle), ("numpy", middle)
    )
    full_seconds = [seconds_of(r) for r in full]
    fastest = [min(runs, key=seconds_of) for runs in (small, full, large)]
    save(
        "royalty_monte_carlo",
        {
            "machine": machine(),
            "versions": versions("numba", "numpy", "scipy") | peer_versions("intangible-valuation"),
            "ratios": [
                ratio(
                    "royalty draws/s: ours / intangible-valuation", our_rates, peer_rates, 300, larger_is_better=True
                ),
                ratio(
                    "royalty simulation / its own random numbers alone",
                    full_seconds,
                    [seconds_of(r) for r in numbers],
                    3,
                    larger_is_better=False,
                ),
                ratio(
                    "royalty simulation / NumPy SFC64 normals alone",
                    full_seconds,
                    [seconds_of(r) for r in normals],
                    3,
                    larger_is_better=False,
                ),
            ],
            "sizes": {f"{size:,} draws": run for size, run in zip(SIZES, fastest, strict=True)},
            "scaling_exponent": exponent(list(SIZES), [seconds_of(run) for run in fastest]),
            "draws_per_second": {
                "intangible-valuation": round(float(np.median(peer_rates))),
                "ours, same inputs": round(float(np.median(our_rates))),
                "ours, full model": round(middle / float(np.median(full_seconds))),
            },
            "quantiles": {
                "levels": list(LEVELS),
                "intangible-valuation": peer["quantiles"],
                "ours": [round(q, 2) for q in same["quantiles"]],
                "distance_in_standard_errors": distance.round(2).tolist(),
            },
            "runs": {"peer": peers, "same": sames, "full": full, "numbers": numbers, "numpy": normals},
        },
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--job", choices=sorted(JOBS))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--draws", type=int, default=SIZES[0])
    chosen = parser.parse_args()
    if chosen.job:
        JOBS[chosen.job](chosen)
    else:
        main()
