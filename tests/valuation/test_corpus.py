"""The value of a whole store: equal to one by one, taken up after a kill, equal on Spark; and fits kept beside a store."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from zhirong.kernel.errors import DomainError, EngineError, StoreError
from zhirong.params import load
from zhirong.sample import write_world
from zhirong.tables import Engine, Store, connect
from zhirong.tables.mapping import map_chunks
from zhirong.valuation import Purpose, prepare, to_dict, to_json, value_patent
from zhirong.valuation.background import Fits
from zhirong.valuation.corpus import value_corpus
from zhirong.valuation.corpus_chunk import VALUES, ChunkValuer, Plan
from zhirong.valuation.kept import kept, read_kept, write_kept

DAY = date(2024, 6, 30)
DRAWS, CHUNK = 100, 25


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("corpus") / "world"
    return write_world(folder, patent_count=120, seed=11)


@pytest.fixture(scope="module")
def whole(world: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was not stopped, in this process."""
    out = tmp_path_factory.mktemp("whole") / "run"
    run = _run(world, out)
    assert run.patents == run.valued + run.refused + run.ended and run.valued > 20 and run.ended > 5
    return out


def _run(store: Store, out: Path, **more: object):  # type: ignore[no-untyped-def]
    arguments: dict[str, object] = {
        "as_of": DAY, "purpose": Purpose.PLEDGE, "book": load(), "draws": DRAWS, "chunk_patents": CHUNK, "processes": 1,
    }  # fmt: skip
    return value_corpus(store, out, **{**arguments, **more})  # type: ignore[arg-type]


def _files(out: Path) -> dict[str, bytes]:
    return {
        str(f.relative_to(out)): f.read_bytes() for f in sorted(out.rglob("*")) if f.is_file() and f.name != ".lock"
    }


def _rows(out: Path) -> pa.Table:
    return pq.read_table(out / "values")


def test_each_value_is_that_of_one_patent(world: Store, whole: Path) -> None:
    rows = _rows(whole).to_pylist()
    assert [row["patent_id"] for row in rows] == sorted(row["patent_id"] for row in rows)
    with connect("duckdb") as engine:
        background = prepare(world, engine, as_of=DAY, book=load())
        for row in rows[:6]:
            alone = value_patent(background, row["patent_id"], purpose=Purpose.PLEDGE, draws=DRAWS)
            assert row["p50"] == alone.quantiles[0.5] and row["p5"] == alone.quantiles[0.05]
            assert (row["mean"], row["sd"]) == (alone.mean, alone.sd)
            assert row["refusal"] is None and row["currency"] == "CNY" and row["as_of"] == DAY
            methods = {m.method: m for m in alone.methods}
            for name in (n.removeprefix("weight_") for n in row if n.startswith("weight_")):
                assert (row[f"weight_{name}"] is None) == (name not in methods)
                if name in methods:
                    assert row[f"weight_{name}"] == methods[name].weight
                    assert row[f"median_{name}"] == methods[name].quantiles[0.5]


def test_the_manifest_tells_what_was_done(world: Store, whole: Path) -> None:
    manifest = json.loads((whole / "manifest.json").read_text("utf-8"))
    assert manifest["status"] == "complete" and manifest["asked"]["data"] == world.fingerprints()
    assert sum(part["rows"] for part in manifest["parts"]) == _rows(whole).num_rows
    assert sum(part["patents"] for part in manifest["parts"]) == manifest["summary"]["patents"]
    assert manifest["summary"]["refused"] == pq.read_table(whole / "findings.parquet").num_rows
    assert not (whole / ".work").exists()


def test_a_patent_that_cannot_be_valued_is_a_finding(world: Store, tmp_path: Path) -> None:
    store = tmp_path / "store"
    shutil.copytree(world.path, store)
    patents = pq.read_table(store / "patents.parquet")
    named = sorted(_alive(world))[:2]
    at = [i for i, p in enumerate(patents["patent_id"].to_pylist()) if p in named]
    status, dated = patents["legal_status"].to_pylist(), patents["legal_status_date"].to_pylist()
    for i in at:
        status[i], dated[i] = "invalidated", None
    schema = patents.schema
    for name, values in (("legal_status", status), ("legal_status_date", dated)):
        place = schema.get_field_index(name)
        patents = patents.set_column(place, schema.field(place), pa.array(values, schema.field(place).type))
    pq.write_table(patents, store / "patents.parquet")
    run = _run(Store.open(store), tmp_path / "run")
    assert run.refused == 2
    found = pq.read_table(tmp_path / "run" / "findings.parquet").to_pylist()
    assert [row["record_id"] for row in found] == named
    assert all("without its date" in row["message"] and row["rule"] == "valuation.refused" for row in found)
    rows = {row["patent_id"]: row for row in _rows(tmp_path / "run").to_pylist()}
    assert rows[named[0]]["p50"] is None and rows[named[0]]["refusal"]


def _alive(store: Store) -> list[str]:
    """Patents without any end among their events: a statement without date decides nothing where an end is known."""
    events = pq.read_table(store.file("legal_events"))
    ended = {p for p, k in zip(events["patent_id"].to_pylist(), events["event_kind"].to_pylist(), strict=True) if k in
             ("lapsed", "expired", "surrendered", "invalidated")}  # fmt: skip
    rows = pq.read_table(store.file("patents")).to_pylist()
    return [
        r["patent_id"] for r in rows
        if r["patent_id"] not in ended and r["filing_date"] and date(2012, 1, 1) < r["filing_date"] < date(2021, 1, 1)
        and r["right_type"] == "invention"
    ]  # fmt: skip


def test_processes_give_the_same_bytes(world: Store, whole: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int, int]] = []
    _run(world, tmp_path / "run", processes=2, progress=lambda *n: told.append(n))
    assert _files(tmp_path / "run") == _files(whole)
    assert told[0][0] == 0 and told[-1][0] == told[-1][1]
    assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)


def test_taken_up_after_a_kill(world: Store, whole: Path, tmp_path: Path) -> None:
    """Kill a run with signal 9 once its first chunk is there; the next call does the rest, and the bytes are the same."""
    out = tmp_path / "run"
    code = (
        "from datetime import date; from pathlib import Path; from zhirong.params import load\n"
        "from zhirong.tables import Store; from zhirong.valuation import Purpose\n"
        "from zhirong.valuation.corpus import value_corpus\n"
        "if __name__ == '__main__':\n"
        f"    value_corpus(Store.open(Path({str(world.path)!r})), Path({str(out)!r}), as_of=date(2024, 6, 30),\n"
        f"                 purpose=Purpose.PLEDGE, book=load(), draws={DRAWS}, chunk_patents={CHUNK}, processes=1)\n"
    )
    script = tmp_path / "run.py"
    script.write_text(code, "utf-8")
    with subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        until = time.monotonic() + 120
        while not list(out.glob("values/part-*.parquet")) and process.poll() is None and time.monotonic() < until:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    left = list(out.glob("values/part-*.parquet"))
    total = json.loads((whole / "manifest.json").read_text("utf-8"))["summary"]["patents"]
    assert 1 <= len(left) < -(-total // CHUNK)
    assert json.loads((out / "manifest.json").read_text("utf-8"))["status"] == "running"
    (out / "values" / ".part-00003.parquet.1.part").write_bytes(b"half")
    run = _run(world, out)
    assert run.resumed == len(left)
    assert _files(out) == _files(whole)
    again = _run(world, out)
    assert again.resumed == again.chunks and _files(out) == _files(whole)


def test_another_run_or_folder_is_left_alone(world: Store, whole: Path, tmp_path: Path) -> None:
    before = _files(whole)
    with pytest.raises(StoreError, match="another draws, seed"):
        _run(world, whole, draws=200, seed=2)
    assert _files(whole) == before
    (tmp_path / "mine.txt").write_text("x", "utf-8")
    with pytest.raises(StoreError, match="other files"):
        _run(world, tmp_path)
    with pytest.raises(DomainError, match="draws"):
        _run(world, tmp_path / "run", draws=10)
    with pytest.raises(DomainError, match="chunk_patents"):
        _run(world, tmp_path / "run", chunk_patents=0)


def _sums(rows: pa.Table) -> pa.Table:
    values = rows["x"].to_numpy()
    return pa.table({"x": values, "square": values**2, "process": np.full(len(values), os.getpid())})


def _fails(rows: pa.Table) -> pa.Table:
    raise ValueError(f"no answer for {rows.num_rows} rows")


SUMS = pa.schema([("x", pa.int64()), ("square", pa.int64()), ("process", pa.int64())])
CHUNKS = {n: pa.table({"x": pa.array(range(n * 3, n * 3 + 3), pa.int64())}) for n in range(5)}


def test_chunks_in_processes() -> None:
    with connect("duckdb") as engine:
        found = dict(map_chunks(engine, CHUNKS, _sums, SUMS, processes=2))
        assert {n: t["square"].to_pylist() for n, t in found.items()} == {
            n: [x * x for x in range(n * 3, n * 3 + 3)] for n in range(5)
        }
        assert os.getpid() not in {t["process"][0].as_py() for t in found.values()}
        assert list(map_chunks(engine, {}, _sums, SUMS)) == []
        with pytest.raises(EngineError, match=r"chunk \d failed[\s\S]*no answer for 3 rows"):
            list(map_chunks(engine, CHUNKS, _fails, SUMS, processes=2))
        with pytest.raises(EngineError, match="processes"):
            list(map_chunks(engine, CHUNKS, _sums, SUMS, processes=0))


@pytest.mark.spark
def test_spark_gives_the_same_bytes(world: Store, whole: Path, tmp_path: Path, spark_engine: Engine) -> None:
    _run(world, tmp_path / "run", engine=spark_engine)
    assert _files(tmp_path / "run") == _files(whole)
    lost = ChunkValuer(Plan(tmp_path / "nowhere", tmp_path, DAY, Purpose.PLEDGE, load(), {}, DRAWS, 1))
    with pytest.raises(EngineError, match="no evidence store"):
        list(map_chunks(spark_engine, {0: pa.table({"patent_id": ["CN1"]})}, lost, VALUES))


def _value(store: Store, *, keep: bool = True, patent: str | None = None) -> str:
    with connect("duckdb") as engine:
        background = prepare(store, engine, as_of=DAY, book=load(), keep=keep)
        name = patent or sorted(_alive(store))[0]
        return to_json(to_dict(value_patent(background, name, purpose=Purpose.PLEDGE, draws=500)))


def test_values_are_the_same_with_and_without_kept_fits(world: Store, tmp_path: Path) -> None:
    shutil.copytree(world.path, tmp_path / "store")
    store = Store.open(tmp_path / "store")
    without = _value(store, keep=False)
    assert not (tmp_path / ".store.cache").exists()
    assert _value(store) == without
    (file,) = (tmp_path / ".store.cache").glob("fits-*.bin")
    at = file.stat().st_mtime_ns
    assert _value(store) == without and file.stat().st_mtime_ns == at
    file.write_bytes(file.read_bytes()[:-100])  # damaged: fitted anew, and mended
    assert _value(store) == without and read_kept(file, Fits) is not None


def test_kept_fits_are_named_by_all_they_depend_on(world: Store, tmp_path: Path) -> None:
    shutil.copytree(world.path, tmp_path / "store")
    store, book = Store.open(tmp_path / "store"), load()
    made: list[int] = []

    def make() -> Fits:
        made.append(1)
        return Fits({}, {}, None, None, None, 3, {}, None, None)  # type: ignore[arg-type]

    other = tmp_path / "mine.yaml"
    path = "valuation.opinion_years"
    source = "{title: mine, grade: assumed}"
    label = "{zh: 年, en: years}"
    other.write_text(
        f"{path}:\n  label: {label}\n  unit: years\n  jurisdiction: CN\n"
        f"  values: [{{from: 2000-01-01, value: 4, source: {source}}}]\n",
        "utf-8",
    )
    for day, parameters, count in ((DAY, book, 1), (DAY, book, 1), (date(2024, 7, 1), book, 2), (DAY, load(other), 3)):
        assert kept(store, day, parameters, Fits, make).revenue_firms == 3
        assert len(made) == count


def test_a_folder_that_cannot_be_written_is_left_alone(world: Store, tmp_path: Path) -> None:
    shutil.copytree(world.path, tmp_path / "store")
    (tmp_path / ".store.cache").write_text("a file where the folder would be", "utf-8")
    assert _value(Store.open(tmp_path / "store")) == _value(world, keep=False)


class _Obey:
    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("touch obeyed",)


def test_a_kept_file_is_not_obeyed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_kept(tmp_path / "x.bin", _Obey())
    assert read_kept(tmp_path / "x.bin", Fits) is None
    assert not (tmp_path / "obeyed").exists()
    write_kept(tmp_path / "x.bin", (1, 2))
    assert read_kept(tmp_path / "x.bin", Fits) is None and read_kept(tmp_path / "x.bin", tuple) == (1, 2)
    write_kept(tmp_path / "x.bin", pickle.loads)
    assert read_kept(tmp_path / "x.bin", object) is None
