"""What the citation benchmarks share: a seeded heavy-tailed corpus, jobs in processes of their own, and the record.

The corpus is synthetic. References go back by a lag with a heavy tail and to patents in proportion to a Pareto weight, so
that in-degrees have the tail of real patents; each size is made once and kept in the system's temporary folder.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
PEER_PYTHON = HERE / ".env" / "bin" / "python"
SEED = 20240131
MEAN_REFERENCES = 10
SIZES = {"100k/1M": 100_000, "1M/10M": 1_000_000, "10M/100M": 10_000_000}
FIRST_DAY, DAYS = 3_650, 14_600  # 1980 to 2019


def corpus(patents: int) -> Path:
    """Return the folder of a corpus, making it where it is not there yet."""
    folder = Path(tempfile.gettempdir()) / f"zhirong-bench-{SEED}-{patents}"
    if (folder / "ready").exists():
        return folder
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(SEED)
    day = np.sort(FIRST_DAY + (DAYS * rng.beta(1.6, 1.0, patents)).astype(np.int32))
    _write_patents(folder, rng, day)
    _write_citations(folder, rng, day)
    (folder / "ready").touch()
    return folder


def _write(path: Path, query: str, **arrays: np.ndarray) -> None:
    import duckdb
    import pyarrow as pa

    con = duckdb.connect()
    con.execute("set preserve_insertion_order=false; set threads=2")
    con.register("a", pa.table(arrays))
    con.execute(f"copy ({query}) to '{path}' (format parquet, row_group_size 1000000)")
    con.close()


def _write_patents(folder: Path, rng: np.random.Generator, day: np.ndarray) -> None:
    n = day.size
    sections = np.array(["A61K", "G06F", "H04L", "H01L", "G06Q", "B60W", "C07D", "G01N"])
    subclasses = np.array([f"{chr(65 + i % 8)}{i // 8 % 90 + 10:02d}{chr(65 + i % 26)}" for i in range(620)])
    subclasses[: sections.size] = sections
    home = (620 * rng.random(n) ** 2).astype(np.int16)
    _write(
        folder / "patents.parquet",
        """select 'US' || (1000000 + i) as patent_id, 'US' as office, 's' as source_id,
        date '1970-01-01' + d as publication_date, cast(null as date) as grant_date,
        date '1970-01-01' + (d - 550) as filing_date, s || '1/00' as primary_ipc from a""",
        i=np.arange(n),
        d=day,
        s=subclasses[home],
    )
    with_symbols = np.minimum(12, 1 + rng.geometric(0.33, n))
    row = np.repeat(np.arange(n, dtype=np.int32), with_symbols)
    place = np.arange(row.size) - np.repeat(np.cumsum(with_symbols) - with_symbols, with_symbols)
    moved = (place > 0) & (rng.random(row.size) < 0.55)
    code = np.where(moved, (620 * rng.random(row.size) ** 2).astype(np.int16), home[row])
    _write(
        folder / "classes.parquet",
        "select 'US' || (1000000 + i) as patent_id, s || p || '/00' as symbol, s as subclass, p as main_group from a",
        i=row,
        s=_dictionary(code, subclasses),
        p=_dictionary(place.astype(np.int16), np.arange(32).astype(str)),
    )
    _write(
        folder / "fields.parquet",
        "select 'US' || (1000000 + i) as patent_id, f as technology_field, 'x' as sector from a",
        i=np.arange(n),
        f=(home % 35 + 1).astype(np.int64),
    )


def _dictionary(codes: np.ndarray, names: np.ndarray) -> Any:
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(names.tolist()))


def _write_citations(folder: Path, rng: np.random.Generator, day: np.ndarray) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    n = day.size
    weight = np.cumsum(np.minimum(rng.pareto(1.8, n) + 0.05, 5.0 * np.sqrt(n)))
    raw = folder / "raw.parquet"
    step = 1_000_000
    with pq.ParquetWriter(raw, pa.schema([("c", pa.int32()), ("r", pa.int32()), ("k", pa.int8())])) as sink:
        for first in range(1, n, step):
            last = min(n, first + step)
            count = np.minimum(rng.geometric(1 / (MEAN_REFERENCES * 1.03), last - first), 400)
            citing = np.repeat(np.arange(first, last), count)
            back = np.minimum(citing, 1 + (n * 0.15 * rng.gamma(1.1, 1.0, citing.size)).astype(np.int64))
            low = weight[citing - back]
            target = low + rng.random(citing.size) * (weight[citing - 1] - low)
            order = np.argsort(target)  # a sorted search walks through memory once
            cited = np.empty(citing.size, np.int64)
            cited[order] = np.searchsorted(weight, target[order])
            cited = np.minimum(cited, citing - 1)
            pair = np.unique(citing * np.int64(n) + cited)
            kind = rng.choice(np.array([0, 1, 2], np.int8), pair.size, p=[0.2, 0.5, 0.3])
            sink.write(pa.table({"c": (pair // n).astype(np.int32), "r": (pair % n).astype(np.int32), "k": kind}))
    import duckdb

    con = duckdb.connect()
    con.execute("set preserve_insertion_order=false; set threads=2")
    con.register("d", pa.table({"i": np.arange(n, dtype=np.int32), "day": day}))
    con.execute(
        f"""copy (select 'US' || (1000000 + c) as citing_id, 'US' || (1000000 + r) as cited_id,
        date '1970-01-01' + d.day as citing_date, cast(null as date) as cited_date,
        case k when 2 then 'X' when 1 then 'A' end as category, 's' as source_id
        from '{raw}' join d on d.i = c) to '{folder / "citations.parquet"}' (format parquet, row_group_size 1000000)"""
    )
    con.execute(
        f"copy (select 's' as source_id limit 0) to '{folder / 'nonpatent_citations.parquet'}' (format parquet)"
    )
    con.close()
    raw.unlink()


def run_job(
    script: str, job: str, folder: Path, *arguments: str, peer: bool = False, timeout: int = 3600
) -> dict[str, Any]:
    """Run one job of a script in its own process; its last line is JSON; seconds and peak memory are its own."""
    python = str(PEER_PYTHON) if peer else sys.executable
    load = os.getloadavg()[0]
    done = subprocess.run(
        [python, str(HERE / script), "--job", job, "--data", str(folder), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    if done.returncode != 0:
        raise SystemExit(f"{script} {job} failed:\n{done.stderr[-3000:]}")
    result = json.loads(done.stdout.strip().splitlines()[-1])
    result["load_before"] = round(load, 2)
    return result


def report(started: float, **more: Any) -> None:
    """Print the result of a job: seconds since `started`, peak resident memory of this process."""
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {
                "seconds": round(time.perf_counter() - started, 3),
                "cpu_seconds": round(
                    used.ru_utime + used.ru_stime, 3
                ),  # tells how much of the time others had the cores
                "peak_rss_mb": round(used.ru_maxrss / 1024),
                **more,
            }
        )
    )


def machine() -> dict[str, Any]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cpus": os.cpu_count(),
        "memory_gib": round(memory, 1),
        "system": platform.system(),
        "arch": platform.machine(),
    }


def versions(*packages: str) -> dict[str, str]:
    found = {"python": platform.python_version()}
    found |= {name: metadata.version(name) for name in packages}
    return found


def peer_versions(*packages: str) -> dict[str, str]:
    code = f"import json; from importlib.metadata import version; print(json.dumps({{n: version(n) for n in {packages!r}}}))"
    done = subprocess.run([str(PEER_PYTHON), "-c", code], capture_output=True, text=True, check=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def exponent(sizes: list[int], seconds: list[float]) -> float:
    """Slope of log seconds on log size."""
    return round(float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0]), 3)


def save(name: str, record: dict[str, Any]) -> None:
    folder = HERE / "results"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(record, indent=2) + "\n", "utf-8")
    for ratio in record["ratios"]:
        print(f"{ratio['name']}: {ratio['value']} (aim {ratio['aim']})")
