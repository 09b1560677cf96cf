"""Run the benchmarks one after another, print their ratios, and draw the chart of the documentation.

Each benchmark is a script of its own that prints and saves `benchmarks/results/<name>.json` with the machine, the versions,
the ratios, the aims, the peak memory and the scaling exponent. `--only cd,citations` runs some; `--draw` only draws.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
CHART = HERE.parent / "docs" / "assets" / "benchmarks.svg"
BENCHMARKS = (
    "import_xml",
    "citations",
    "cd",
    "royalty_monte_carlo",
    "options",
    "portfolio",
    "learning",
    "bundle",
    "insurance",
    "disposal",
    "loans",
    "securitisation",
)


def run(names: list[str]) -> int:
    failed = 0
    for name in names:
        print(f"== {name}", flush=True)
        start = time.perf_counter()
        code = subprocess.run([sys.executable, str(HERE / f"{name}.py")], cwd=HERE.parent, check=False).returncode
        failed += code != 0
        print(f"== {name}: exit {code} after {time.perf_counter() - start:.0f} s\n", flush=True)
    return failed


def ratios() -> list[dict[str, object]]:
    """Read every saved result; each holds a list `ratios` of name, value, aim and whether larger is better."""
    rows = []
    for name in BENCHMARKS:
        path = RESULTS / f"{name}.json"
        if path.is_file():
            rows += [{"benchmark": name, **ratio} for ratio in json.loads(path.read_text("utf-8"))["ratios"]]
    return rows


def draw(rows: list[dict[str, object]]) -> None:
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "zhirong"
    from matplotlib import pyplot as plt

    fig, axis = plt.subplots(figsize=(9, 0.55 * len(rows) + 1.4))
    for place, row in enumerate(reversed(rows)):
        value, aim = float(row["value"]), float(row["aim"])
        met = value >= aim if row["larger_is_better"] else value <= aim
        axis.barh(place, value, color="#2a6f97" if met else "#c1666b", height=0.55)
        axis.plot([aim, aim], [place - 0.38, place + 0.38], color="#222222", linewidth=2)
        axis.text(value, place, f" {value:.3g}", va="center", fontsize=9)
    axis.set_yticks(range(len(rows)), [str(row["name"]) for row in reversed(rows)], fontsize=9)
    axis.set_xscale("log")
    axis.set_xlabel("ratio measured in one run; black line: aim; blue: met, red: not met")
    axis.spines[["top", "right"]].set_visible(False)
    fig.tight_layout()
    CHART.parent.mkdir(parents=True, exist_ok=True)
    fig.savefig(CHART, metadata={"Date": None})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="names, joined by commas")
    parser.add_argument("--draw", action="store_true", help="only print saved ratios and draw the chart")
    arguments = parser.parse_args()
    names = arguments.only.split(",") if arguments.only else list(BENCHMARKS)
    failed = 0 if arguments.draw else run(names)
    rows = ratios()
    for row in rows:
        sense = ">=" if row["larger_is_better"] else "<="
        print(f"{row['benchmark']:22} {row['name']:60} {row['value']:10.4g}   aim {sense} {row['aim']:g}")
    if rows:
        draw(rows)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
