"""CD5 of every patent: ours against `cdindex` and `xfast-cdindex`, loading included, and ours at three sizes.

Each job reads the same Parquet files (identifiers as text) in a process of its own; the clock starts after imports.
`--sizes` limits the sizes, `--skip-peers` leaves the peers out.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

import common

WINDOW_DAYS = 1825
PEER_SIZE = "1M/10M"


def ours(folder: Path, out: str | None) -> None:
    from datetime import date

    import ibis.backends.duckdb  # noqa: F401 - else loaded inside the clock, by the first connection
    import pyarrow.parquet as pq
    from numba.core.registry import cpu_target

    from zhirong.indicators.catalogue import Context
    from zhirong.indicators.citation_local import compute_local
    from zhirong.tables import connect

    cpu_target.target_context.refresh()  # imports what Numba else imports inside the clock, by the first call
    started = time.perf_counter()
    with connect("duckdb", threads=2, memory="8GB") as engine:
        names = ("patents", "citations", "nonpatent_citations", "classes")
        evidence = {name: engine.read(folder / f"{name}.parquet") for name in names}
        evidence["@classes"] = evidence.pop("classes").limit(0)
        context = Context(date(2026, 1, 1), engine, {"cd.compat": "funk"})
        table = compute_local(evidence, context, ["cd.cd5"])["cd.cd5"]
        if out:
            pq.write_table(table.select(["patent_id", "value"]), out)
    common.report(started, rows=len(table))


def peer(package: str, folder: Path, out: str) -> None:
    import importlib

    import pyarrow as pa
    import pyarrow.parquet as pq

    module = importlib.import_module(package)
    started = time.perf_counter()
    patents = pq.read_table(folder / "patents.parquet", columns=["patent_id", "publication_date"])
    ids = patents["patent_id"].to_pylist()
    seconds = (patents["publication_date"].cast(pa.int32()).to_numpy().astype(np.int64) * 86_400).tolist()
    graph = module.Graph()
    for name, at in zip(ids, seconds, strict=True):
        graph.add_vertex(name, at)
    edges = pq.ParquetFile(folder / "citations.parquet")
    for batch in edges.iter_batches(columns=["citing_id", "cited_id"], batch_size=1_000_000):
        for citing, cited in zip(batch[0].to_pylist(), batch[1].to_pylist(), strict=True):
            graph.add_edge(citing, cited)
    if hasattr(graph, "prepare_for_searching"):
        graph.prepare_for_searching()
    loaded = time.perf_counter() - started
    window = WINDOW_DAYS * 86_400
    values = [graph.cdindex(name, window) for name in ids]
    array = pa.array([None if v is None or v != v else float(v) for v in values], pa.float64())
    pq.write_table(pa.table({"patent_id": ids, "value": array}), out)
    common.report(started, load_seconds=round(loaded, 1), rows=len(ids))


def compare(left: Path, right: Path) -> dict[str, float]:
    import pyarrow.parquet as pq

    a, b = (pq.read_table(p).sort_by("patent_id") for p in (left, right))
    assert a["patent_id"].equals(b["patent_id"])
    x, y = (t["value"].to_numpy() for t in (a, b))
    same = np.isnan(x) == np.isnan(y)
    return {
        "rows": len(x),
        "undefined_differ": int((~same).sum()),
        "largest_difference": float(np.nanmax(np.abs(x - y))),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--job")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out")
    parser.add_argument("--sizes", default=",".join(common.SIZES))
    parser.add_argument("--skip-peers", action="store_true")
    arguments = parser.parse_args()
    if arguments.job == "ours":
        return ours(arguments.data, arguments.out)
    if arguments.job:
        return peer(arguments.job, arguments.data, arguments.out)
    return measure(arguments.sizes.split(","), peers=not arguments.skip_peers)


def measure(sizes: list[str], *, peers: bool) -> None:
    runs = []
    common.run_job("cd.py", "ours", common.corpus(common.SIZES["100k/1M"]))  # compiles once, kept on disk
    agreement, ratios = {}, []
    with tempfile.TemporaryDirectory() as scratch:
        for size in sizes:
            folder = common.corpus(common.SIZES[size])
            out = Path(scratch) / f"ours-{common.SIZES[size]}.parquet"
            repeats = [
                common.run_job("cd.py", "ours", folder, "--out", str(out))
                for _ in range(3 if size != "10M/100M" else 1)
            ]
            best = min(repeats, key=lambda r: r["seconds"])
            runs.append({"size": size, "job": "zhirong", **best})
            print(size, best, flush=True)
        if peers and PEER_SIZE in sizes:
            folder, out = (
                common.corpus(common.SIZES[PEER_SIZE]),
                Path(scratch) / f"ours-{common.SIZES[PEER_SIZE]}.parquet",
            )
            best = next(run for run in runs if run["size"] == PEER_SIZE)
            for package, aim in (("xfast_cdindex", 4), ("cdindex", 30)):
                other = Path(scratch) / f"{package}.parquet"
                result = common.run_job("cd.py", package, folder, "--out", str(other), peer=True)
                print(package, result, flush=True)
                runs.append({"size": PEER_SIZE, "job": package, **result})
                agreement[package] = compare(out, other)
                ratios.append(
                    {
                        "name": f"CD5 {PEER_SIZE}: {package.replace('_', '-')} / zhirong",
                        "value": round(result["seconds"] / best["seconds"], 2),
                        "aim": aim,
                        "larger_is_better": True,
                    }
                )
    mine = [r for r in runs if r["job"] == "zhirong"]
    big = [r for r in mine if r["size"] == "10M/100M"]
    if big:
        peak = {"name": "CD5 10M/100M: peak memory in GB", "value": round(big[0]["peak_rss_mb"] / 1000, 2)}
        ratios.append({**peak, "aim": 16, "larger_is_better": False})
    common.save(
        "cd",
        {
            "ratios": ratios,
            "agreement": agreement,
            "sizes": runs,
            "scaling_exponent": common.exponent([common.SIZES[r["size"]] for r in mine], [r["seconds"] for r in mine])
            if len(mine) > 1
            else None,
            "note": "Whole jobs from Parquet with text identifiers; window 1825 days; peers on one thread as they come.",
            "machine": common.machine(),
            "versions": common.versions("numba", "numpy", "duckdb", "ibis-framework", "pyarrow")
            | (common.peer_versions("cdindex", "xfast-cdindex") if peers else {}),
        },
    )


if __name__ == "__main__":
    main()
