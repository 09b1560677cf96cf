"""Training of quantile trees: seven monotone quantiles with a check on held rows, against LightGBM's own training alone.

The bare job trains the library's built-in quantile objective at the same seven levels on the same rows, with as many trees and
leaves and one binning shared by all levels, but without constraints, without held rows and without calibration. What ours
costs more is the objective in NumPy (which the constraints need: the library refuses them under its own), the loss on held
rows at each tree, and the conformal shifts. Features are synthetic: thirty columns, a tenth of the values missing, two
categories. The quality beside the seconds is the coverage of the 80 per cent interval on rows that neither job has seen.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from common import HERE, exponent, machine, report, run_job, save, versions

SIZES = (10_000, 100_000, 1_000_000)
FEATURES, TREES, LEAVES, RATE, THREADS = 30, 40, 15, 0.1, 1
REPEATS = {10_000: 3, 100_000: 1, 1_000_000: 1}
SIGNS = [1] * 5 + [0] * (FEATURES - 5)
CATEGORIES = [FEATURES - 2, FEATURES - 1]


def rows(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, FEATURES))
    x[:, CATEGORIES] = rng.integers(0, (35, 5), (n, 2))
    y = (
        0.3 * x[:, 0]
        + 0.2 * np.maximum(x[:, 1], 0)
        + 0.02 * (x[:, -2] % 7)
        + rng.normal(size=n) * (1 + 0.3 * np.abs(x[:, 6]))
    )
    x[rng.random((n, FEATURES)) < 0.1] = np.nan
    return x, y


def job_ours(arguments: argparse.Namespace) -> None:
    from zhirong.valuation.learning.boosting import Settings, fit_quantiles
    from zhirong.valuation.learning.conformal import fit_shifts

    n = arguments.rows
    x, y = rows(n, 1)
    held_x, held_y = rows(max(n // 5, 2_000), 2)
    settings = Settings(
        learning_rate=RATE, leaves_max=LEAVES, trees_max=TREES, patience=TREES, refit_max=0, threads=THREADS
    )
    start = time.perf_counter()
    # The newest fifth of the rows chooses the number of trees, so a quarter more rows train as many as the bare job.
    trees = fit_quantiles(np.vstack([x, held_x]), np.r_[y, held_y], np.ones(n + len(held_y)), monotone=SIGNS,
                          categorical=CATEGORIES, settings=settings)  # fmt: skip
    fitted = time.perf_counter() - start
    shifts = fit_shifts(held_y, trees.predict(held_x), trees.levels)
    seconds = time.perf_counter() - start
    new_x, new_y = rows(20_000, 3)
    found = shifts.apply(trees.predict(new_x), [None] * len(new_y))
    covered = float(((new_y >= found[:, 1]) & (new_y <= found[:, -2])).mean())
    report(start, fit_seconds=round(fitted, 3), own_seconds=round(seconds, 3), coverage_80=round(covered, 4),
           trees=[b.tree_count for b in trees.boosters])  # fmt: skip


def job_bare(arguments: argparse.Namespace) -> None:
    import lightgbm as lgb

    from zhirong.valuation.learning.boosting import LEVELS

    x, y = rows(arguments.rows, 1)
    start = time.perf_counter()
    data = lgb.Dataset(
        x,
        y,
        categorical_feature=CATEGORIES,
        params={"verbosity": -1, "feature_pre_filter": False, "num_threads": THREADS},
    )
    data.construct()
    models = []
    for level in LEVELS:
        asked = {"objective": "quantile", "alpha": level, "learning_rate": RATE, "num_leaves": LEAVES, "verbosity": -1,
                 "num_threads": THREADS, "min_data_in_leaf": 60, "deterministic": True, "force_row_wise": True,
                 "max_cat_to_onehot": 4, "cat_smooth": 20.0}  # fmt: skip
        models.append(lgb.train(asked, data, TREES))
    seconds = time.perf_counter() - start
    new_x, new_y = rows(20_000, 3)
    low, high = models[1].predict(new_x), models[-2].predict(new_x)
    covered = float(((new_y >= low) & (new_y <= high)).mean())
    report(start, own_seconds=round(seconds, 3), coverage_80=round(covered, 4), trees=[m.num_trees() for m in models])


JOBS = {"ours": job_ours, "bare": job_bare}


def main(sizes: tuple[int, ...]) -> None:
    runs: dict[str, dict[str, object]] = {}
    ratios, ours_seconds = [], []
    for n in sizes:
        pairs = []
        for _ in range(REPEATS[n]):
            ours = run_job("learning.py", "ours", HERE, "--rows", str(n))
            bare = run_job("learning.py", "bare", HERE, "--rows", str(n))
            pairs.append((ours, bare))
        # Seconds of processor time of one thread: other work on the machine does not lengthen them.
        each = [a["cpu_seconds"] / b["cpu_seconds"] for a, b in pairs]
        middle = pairs[int(np.argsort(each)[len(each) // 2])]
        runs[f"{n:,} rows"] = {"ours": middle[0], "bare": middle[1]}
        ours_seconds.append(middle[0]["cpu_seconds"])
        ratios.append({
            "name": f"training {n:,} x {FEATURES}: ours / LightGBM alone (processor time)",
            "value": round(float(np.median(each)), 3), "low": round(min(each), 3), "high": round(max(each), 3),
            "aim": 2.0, "larger_is_better": False,
        })  # fmt: skip
        print(ratios[-1], flush=True)
    save(
        "learning",
        {
            "machine": machine(),
            "versions": versions("lightgbm", "numpy", "scipy"),
            "setting": {"features": FEATURES, "trees": TREES, "leaves": LEAVES, "levels": 7, "threads": THREADS},
            "ratios": ratios,
            "sizes": runs,
            "scaling_exponent": exponent(list(sizes), ours_seconds) if len(sizes) > 1 else None,
        },
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--job", choices=sorted(JOBS))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--rows", type=int, default=SIZES[0])
    parser.add_argument("--sizes", type=int, nargs="*", default=list(SIZES), help="some of the sizes only")
    chosen = parser.parse_args()
    if chosen.job:
        JOBS[chosen.job](chosen)
    else:
        main(tuple(chosen.sizes))
