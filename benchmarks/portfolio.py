"""Portfolio value with dependence of 10,000 patents x 10,000 draws; and the value of one patent from a warm store.

Each patent has a table of 513 quantiles and loads on four of 2,636 factors: the market, its field, its owner and its family. The
work is asked against two generators of the same number of normal numbers on two threads, NumPy's SFC64 and our own by counter,
and against the best plain NumPy does, patent by patent, on one thread as on two. Equality with NumPy is asserted on a small
portfolio. The last part values one patent of a synthetic store of 20,000: in a process that has the background, and by a fresh
`zhirong value`, whose report, interpreter and imports are in its time.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from common import HERE, exponent, machine, report, run_job, save, versions

PATENTS, DRAWS = 10_000, 10_000
SIZES = (2_500, 5_000, 10_000)
SMALL, NUMPY_PATENTS = (200, 1_000), 1_000
THREADS, ROUNDS = 2, 3
WORLD, DAY, VALUED = 20_000, date(2024, 6, 30), 20


def _model(patents: int) -> Any:
    from zhirong.numerics.factor_sum import POINTS, FactorModel
    from zhirong.numerics.streams import stream_key

    rng = np.random.default_rng(5)
    scores = np.linspace(-6, 6, POINTS)
    tables = np.exp(rng.normal(12, 1, patents)[:, None] + rng.uniform(0.6, 1.6, patents)[:, None] * scores)
    of = np.column_stack(
        [
            np.zeros(patents, np.int64), 1 + rng.integers(0, 35, patents), 36 + rng.integers(0, 600, patents),
            636 + rng.integers(0, 2_000, patents),
        ]
    )  # fmt: skip
    keys = np.array([stream_key(1, f"P{i}") for i in range(patents)], np.uint64)
    return FactorModel(tables, np.tile([0.3, 0.3, 0.4, 0.4], (patents, 1)), keys, stream_key(1, "factors"), of)


def job_ours(arguments: argparse.Namespace) -> None:
    import numba

    from zhirong.numerics.factor_sum import contributions, factor_sums

    numba.set_num_threads(THREADS)
    model = _model(arguments.patents)
    factor_sums(model, 600), contributions(model, np.arange(600))
    start = time.perf_counter()
    sums = factor_sums(model, DRAWS)
    seconds = time.perf_counter() - start
    worst = np.argsort(sums)[: DRAWS // 20]
    begin = time.perf_counter()
    euler = contributions(model, worst)
    later = time.perf_counter() - begin
    gap = abs(euler.mean.sum() / sums[worst].mean() - 1)
    report(
        start,
        sum_seconds=round(seconds, 4),
        euler_seconds=round(later, 4),
        euler_gap=float(gap),
        mean=float(sums.mean()),
    )


def job_numbers(arguments: argparse.Namespace) -> None:
    """Draw as many normal numbers as patents x draws, in pieces that stay in the cache, and keep none."""
    import numba as nb

    from zhirong.numerics.normals import counter_normal

    @nb.njit(parallel=True)
    def by_counter(pieces: Any, size: Any) -> Any:
        found = np.zeros(pieces)
        for p in nb.prange(pieces):
            z = np.empty(512)
            for first in range(0, size, 512):
                for d in range(512):
                    z[d] = counter_normal(nb.uint64(p), first + d)
            found[p] = z[0]
        return found

    nb.set_num_threads(THREADS)
    by_counter(2, 512)
    start = time.perf_counter()
    by_counter(arguments.patents, DRAWS)
    own = time.perf_counter() - start

    def by_numpy(number: int) -> None:
        rng, z = np.random.Generator(np.random.SFC64(number)), np.empty(DRAWS)
        for _ in range(arguments.patents // THREADS):
            rng.standard_normal(out=z)

    begin = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(by_numpy, range(THREADS)))
    report(start, counter_seconds=round(own, 4), sfc64_seconds=round(time.perf_counter() - begin, 4))


def _by_numpy(model: Any, patents: range, draws: int, normals: Any) -> np.ndarray:
    from zhirong.numerics.distributions import SCORE_MAX

    grid = np.linspace(-SCORE_MAX, SCORE_MAX, model.tables.shape[1])
    own = np.sqrt(1 - (model.loadings**2).sum(axis=1))
    factors = {int(j): normals(("factor", int(j)), draws) for j in np.unique(model.factor_of[list(patents)])}
    total = np.zeros(draws)
    for i in patents:
        z = own[i] * normals(("patent", i), draws)
        for j, loading in zip(model.factor_of[i], model.loadings[i], strict=True):
            z += loading * factors[int(j)]
        total += np.interp(z, grid, model.tables[i])
    return total


def job_numpy(arguments: argparse.Namespace) -> None:
    """Time NumPy with its own generator; and with our numbers find the same sums."""
    from zhirong.numerics.factor_sum import factor_sums
    from zhirong.numerics.normals import normals

    model = _model(SMALL[0])

    def ours(what: tuple[str, int], draws: int) -> np.ndarray:
        kind, number = what
        if kind == "patent":
            return normals(int(model.keys[number]), draws)
        return normals((int(model.factor_key) + (number + 1) * 0xD1342543DE82EF95) % 2**64, draws)

    same = _by_numpy(model, range(SMALL[0]), SMALL[1], ours)
    gap = float(np.abs(factor_sums(model, SMALL[1]) / same - 1).max())
    model, rng = _model(NUMPY_PATENTS), np.random.Generator(np.random.SFC64(1))
    start = time.perf_counter()
    _by_numpy(model, range(NUMPY_PATENTS), DRAWS, lambda what, draws: rng.standard_normal(draws))
    report(start, gap=gap, sum_seconds=round(time.perf_counter() - start, 4))


def _world() -> Path:
    from zhirong.sample import write_world

    folder = Path(tempfile.gettempdir()) / f"zhirong-bench-world-{WORLD}"
    if not (folder / "manifest.json").is_file():
        write_world(folder, patent_count=WORLD, seed=1)
    return folder


def _some(store: Any, engine: Any, background: Any) -> list[str]:
    from zhirong.valuation.subject import describe

    ids = engine.to_arrow(background.tables["patents"].select("patent_id").order_by("patent_id"))["patent_id"]
    alive = [s.patent_id for s in describe(background, ids.to_pylist()[:: max(1, len(ids) // 200)]) if s.is_alive]
    return alive[:VALUED]


def job_one(arguments: argparse.Namespace) -> None:
    """Value one patent after the other in one process, as `zhirong value` does: 20,000 draws and the explanation."""
    begin = time.perf_counter()
    from zhirong.params import load
    from zhirong.tables import Store, connect
    from zhirong.valuation import Purpose, prepare, value_patent

    imported = time.perf_counter() - begin
    store = Store.open(_world())
    with connect("duckdb") as engine:
        start = time.perf_counter()
        background = prepare(store, engine, as_of=DAY, book=load())
        prepared = time.perf_counter() - start
        ids = _some(store, engine, background)
        each = []
        for patent in ids:
            at = time.perf_counter()
            value_patent(background, patent, purpose=Purpose.PLEDGE)
            each.append(round(time.perf_counter() - at, 4))
        report(start, import_seconds=round(imported, 4), prepare_seconds=round(prepared, 4), each=each, first=ids[0])


def job_process(arguments: argparse.Namespace) -> None:
    """Run `zhirong value` afresh, all its report with it."""
    with tempfile.TemporaryDirectory() as out:
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "zhirong.cli.main", "value", str(_world()), "--patent", arguments.patent, "--as-of",
             DAY.isoformat(), "--purpose", "pledge", "--out", out],
            check=True, capture_output=True,
        )  # fmt: skip
        report(start)


JOBS = {"ours": job_ours, "numbers": job_numbers, "numpy": job_numpy, "one": job_one, "process": job_process}


def _best(job: str, key: str, *arguments: str) -> dict[str, Any]:
    return min((run_job("portfolio.py", job, HERE, *arguments) for _ in range(ROUNDS)), key=lambda r: float(r[key]))


def main() -> None:
    runs = {n: _best("ours", "sum_seconds", "--patents", str(n)) for n in SIZES}
    ours, plain = runs[PATENTS], _best("numpy", "sum_seconds")
    numbers = _best("numbers", "counter_seconds")
    if plain["gap"] > 1e-10 or ours["euler_gap"] > 1e-9:
        raise SystemExit(f"the sums are not equal: {plain['gap']:.2g}, {ours['euler_gap']:.2g}")
    work = PATENTS * DRAWS
    rate = work / ours["sum_seconds"]
    limit = work / min(numbers["counter_seconds"], numbers["sfc64_seconds"])
    run_job("portfolio.py", "one", HERE)  # warms the store
    one = _best("one", "prepare_seconds")
    run_job("portfolio.py", "process", HERE, "--patent", str(one["first"]))
    process = _best("process", "seconds", "--patent", str(one["first"]))

    def ratio(name: str, value: float, aim: float, *, larger: bool) -> dict[str, Any]:
        return {"name": name, "value": round(value, 3), "aim": aim, "larger_is_better": larger}

    save(
        "portfolio",
        {
            "machine": machine(),
            "versions": versions("numba", "numpy", "duckdb"),
            "ratios": [
                ratio("portfolio 10k x 10k, million patent-draws/s on two threads", rate / 1e6, 50, larger=True),
                ratio("portfolio: random-number limit / ours", limit / rate, 3, larger=False),
                ratio("portfolio: ours / NumPy, one thread of it", rate / (NUMPY_PATENTS * DRAWS / plain["sum_seconds"]), 3, larger=True),
                ratio("portfolio 10k x 10k, peak GB", ours["peak_rss_mb"] / 1024, 2, larger=False),
                ratio("one patent, background at hand, seconds", float(np.median(one["each"])), 1, larger=False),
                ratio("one patent, warm store: background and value, seconds",
                      one["prepare_seconds"] + float(np.median(one["each"])), 1, larger=False),
                ratio("one patent, fresh process with report, seconds", float(process["seconds"]), 1, larger=False),
            ],
            "sizes": {f"{n:,} patents x {DRAWS:,} draws": run for n, run in runs.items()},
            "scaling_exponent": exponent(list(SIZES), [float(r["sum_seconds"]) for r in runs.values()]),
            "numpy": plain,
            "numbers": numbers | {"million_a_second_counter": round(work / numbers["counter_seconds"] / 1e6, 1),
                                  "million_a_second_sfc64": round(work / numbers["sfc64_seconds"] / 1e6, 1)},
            "one_patent": one,
            "fresh_process": process,
        },
    )  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--job", choices=sorted(JOBS))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--patents", type=int, default=PATENTS)
    parser.add_argument("--patent", default="")
    chosen = parser.parse_args()
    if chosen.job:
        JOBS[chosen.job](chosen)
    else:
        main()
