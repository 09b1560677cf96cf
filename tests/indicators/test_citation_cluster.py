"""Citation indicators on a real Spark standalone cluster equal the local kernel.

The cluster run is a process of its own, because Spark allows one session a process and the other tests hold one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from citation_worlds import compare, evidence_of, random_rows, values, write_rows
from cluster import standalone_cluster
from zhirong.indicators.catalogue import Context
from zhirong.indicators.citation_local import compute_local
from zhirong.tables import Engine

IDS = ["oecd.forward_citations_5", "oecd.originality", "cd.cd5"]
LOCAL = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1"}
PROGRAM = """
import json, sys
from datetime import date
from pathlib import Path
sys.path.insert(0, sys.argv[4])
from citation_worlds import evidence_of, values
from zhirong.indicators.catalogue import CATALOGUE, Context
from zhirong.tables import connect

with connect("spark", master=sys.argv[1], threads=2, memory="1g", scratch=Path(sys.argv[3])) as engine:
    session = engine._con._session
    assert session.sparkContext.master == sys.argv[1]
    context = Context(date(2010, 6, 30), engine)
    evidence = evidence_of(engine, Path(sys.argv[2]))
    found = {id_: values(engine, CATALOGUE[id_].compute(evidence, context)) for id_ in json.loads(sys.argv[5])}
print(json.dumps(found))
"""


@pytest.mark.spark
@pytest.mark.cluster
@pytest.mark.slow
def test_cluster_of_two_workers_equals_the_local_kernel(duckdb_engine: Engine, tmp_path: Path) -> None:
    folder = write_rows(tmp_path / "store", random_rows(np.random.default_rng(11), patents=40, citations=200))
    (tmp_path / "cluster").mkdir()
    with standalone_cluster(tmp_path / "cluster") as master:
        helpers = str(Path(__file__).resolve().parents[1])
        command = [sys.executable, "-c", PROGRAM, master, str(folder), str(tmp_path), helpers, json.dumps(IDS)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900, env=LOCAL)
        assert done.returncode == 0, done.stderr[-3000:]
        log = (tmp_path / "cluster" / "master.log").read_text("utf-8")
    assert "Registered app zhirong" in log
    spark = json.loads(done.stdout.strip().splitlines()[-1])
    local = compute_local(evidence_of(duckdb_engine, folder), Context(date(2010, 6, 30), duckdb_engine), IDS)
    for id_ in IDS:
        found = {patent: tuple(pair) for patent, pair in spark[id_].items()}
        compare(values(duckdb_engine, local[id_]), found, id_)
