"""Stores are replaced whole: killed anywhere, a store is the old one or the new one; Parquet is checked as it is written."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from zhirong.kernel.errors import EngineError, SchemaError, StoreError, UnknownNameError
from zhirong.tables import (
    CANONICAL,
    Engine,
    Manifest,
    ParquetSink,
    Rewrite,
    SourceRecord,
    Store,
    conform,
    connect,
    schema_of,
    store,
)
from zhirong.tables import write_parquet as write


def row(patent_id: str, **columns: object) -> dict[str, object]:
    return {"patent_id": patent_id, "office": "US", "source_id": "s", **columns}


def source(name: str = "s") -> SourceRecord:
    return SourceRecord(name, "f.csv", "0" * 64, 1, "test", "1", 1, 0)


def make(path: Path, *ids: str, fresh: bool = False) -> Store:
    with Rewrite.begin(path, fresh=fresh) as new:
        with new.sink("patents") as sink:
            sink.write_rows([row(i) for i in ids])
        new.add_source(source())
    return Store.open(path)


def ids(path: Path) -> list[str]:
    return pq.read_table(Store.open(path).file("patents"))["patent_id"].to_pylist()


def test_a_store_reads_back_with_fingerprints(tmp_path: Path, engine: Engine) -> None:
    made = make(tmp_path / "s", "US1", "US2")
    assert made.manifest.tables["patents"].row_count == 2
    assert made.has("patents")
    assert not made.has("deals")
    assert engine.scalar(made.read(engine, "patents").count()) == 2
    assert engine.scalar(made.read(engine, "deals").count()) == 0
    assert set(made.read_all(engine)) == set(CANONICAL)
    made.verify()


def test_unchanged_tables_are_kept_and_sources_replaced(tmp_path: Path) -> None:
    make(tmp_path / "s", "US1")
    with Rewrite.begin(tmp_path / "s") as new:
        assert new.old_file("patents") is not None
        assert new.old_file("deals") is None
        with new.sink("claims") as sink:
            sink.write_rows([{"patent_id": "US1", "claim_number": 1, "text": "t", "source_id": "s"}])
        new.add_source(source())
        new.add_source(source("t"))
        new.drop_source("t")
        with pytest.raises(UnknownNameError):
            new.drop_source("x")
    kept = Store.open(tmp_path / "s")
    assert set(kept.manifest.tables) == {"patents", "claims"}
    assert len(kept.manifest.sources) == 1
    assert ids(make(tmp_path / "s", "US9", fresh=True).path) == ["US9"]


def test_an_error_inside_leaves_the_old_store_and_no_litter(tmp_path: Path) -> None:
    make(tmp_path / "s", "US1")

    def fail() -> None:
        with Rewrite.begin(tmp_path / "s") as new:
            with new.sink("patents") as sink:
                sink.write_rows([row("US2")])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert ids(tmp_path / "s") == ["US1"]
    assert [p.name for p in tmp_path.iterdir() if p.is_dir()] == ["s"]


CHILD = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from zhirong.tables import Rewrite
    path = Path(sys.argv[1])
    print("ready", flush=True)
    for generation in range(10_000):
        with Rewrite.begin(path) as new:
            for table, key in (("patents", {"office": "US"}), ("texts", {"part": "abstract", "language": "en", "text": "x" * 2000})):
                with new.sink(table) as sink:
                    sink.write_rows([{"patent_id": f"G{generation}", "source_id": "s", **key} for _ in range(200)])
    """
)


@pytest.mark.parametrize("attempt", range(6))
def test_a_kill_at_any_moment_leaves_a_whole_store(tmp_path: Path, attempt: int) -> None:
    path = tmp_path / "s"
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    child.stdout.readline()
    while not (path / "manifest.json").exists():
        time.sleep(0.01)
    time.sleep(0.1 * attempt)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    left = Store.open(path)
    left.verify()
    generations = {g for t in ("patents", "texts") for g in pq.read_table(left.file(t))["patent_id"].to_pylist()}
    assert len(generations) == 1, "both tables are of one generation"
    assert ids(make(path, "US1").path) == ["US1"], "the next rewrite clears what the kill left"


def test_a_kill_between_the_two_renames_is_mended(tmp_path: Path) -> None:
    make(tmp_path / "s", "US1")
    (tmp_path / "s").rename(tmp_path / ".s.old")
    assert ids(tmp_path / "s") == ["US1"]


def test_file_systems_without_exchange_use_two_renames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class NoExchange:
        renameat2 = staticmethod(lambda *arguments: -1)

    monkeypatch.setattr(store.ctypes, "CDLL", lambda *a, **k: NoExchange)
    make(tmp_path / "s", "US1")
    assert ids(make(tmp_path / "s", "US2").path) == ["US2"]
    assert not (tmp_path / ".s.old").exists()


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    with Rewrite.begin(tmp_path / "s") as new:
        with new.sink("patents") as sink:
            sink.write_rows([row("US1")])
        script = f"from pathlib import Path\nfrom zhirong.tables import Rewrite\nwith Rewrite.begin(Path({str(tmp_path / 's')!r})): pass"
        other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
        assert "another process is writing this store" in other.stderr


def test_what_is_no_store_is_refused_and_left_alone(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no evidence store"):
        Store.open(tmp_path / "none")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(StoreError, match="left alone"), Rewrite.begin(tmp_path / "mine"):
        pass
    assert (tmp_path / "mine" / "thesis.txt").exists()


def test_damage_is_named(tmp_path: Path) -> None:
    made = make(tmp_path / "s", "US1")
    manifest = tmp_path / "s" / "manifest.json"
    good = manifest.read_text()
    for text, message in (
        ("{", "damaged manifest"),
        ('{"format_version": 99}', "format version 99"),
        ('{"format_version": 1}', "damaged"),
    ):
        manifest.write_text(text)
        with pytest.raises(StoreError, match=message):
            Store.open(tmp_path / "s")
    manifest.write_text(good)
    write(made.file("patents"), conform([row("US2")], schema_of("patents")), schema_of("patents"))
    with pytest.raises(StoreError, match="changed after"):
        made.verify()
    made.file("patents").unlink()
    with pytest.raises(StoreError, match="file is missing"):
        Store.open(tmp_path / "s")
    assert Manifest.from_json(good, where="x").to_json() == good
    assert json.loads(good)["tables"]["patents"]["row_count"] == 1


# Parquet


def test_nan_infinity_wrong_columns_and_values_are_refused(tmp_path: Path) -> None:
    for value in (float("nan"), float("inf")):
        with pytest.raises(SchemaError, match="1 values are NaN or infinite"):
            write(tmp_path / "x.parquet", pa.table({"a": [1.0, value, None]}))
    assert not (tmp_path / "x.parquet").exists()
    schema = schema_of("patents")
    with pytest.raises(SchemaError, match="no column named colour"):
        conform([row("US1", colour="red")], schema)
    with pytest.raises(SchemaError, match=r"patents\.claim_count"):
        conform([row("US1", claim_count="many")], schema)
    cases = {
        "patents.patent_id: 1 rows have no value": row(None),  # type: ignore[arg-type]
        "'charter'.* not allowed; allowed: invention": row("US1", right_type="charter"),
    }
    for message, bad in cases.items():
        with pytest.raises(SchemaError, match=message), ParquetSink(tmp_path / "p.parquet", schema) as sink:
            sink.write_rows([bad])
    with pytest.raises(SchemaError, match="columns are"), ParquetSink(tmp_path / "p.parquet", schema) as sink:
        sink.write(pa.table({"patent_id": ["US1"]}))
    assert list(tmp_path.iterdir()) == []


def test_types_survive_the_round_trip_on_both_engines(tmp_path: Path, engine: Engine) -> None:
    table = conform(
        [
            row("US1", claim_count=3, filing_date=date(2020, 2, 29), is_government_interest=True, title="专利"),
            row("US2"),
        ],
        schema_of("patents"),
    )
    write(tmp_path / "patents.parquet", table, schema_of("patents"))
    back = engine.to_arrow(engine.read(tmp_path / "patents.parquet").order_by("patent_id")).to_pylist()
    assert [(r["claim_count"], r["filing_date"], r["is_government_interest"], r["title"]) for r in back] == [
        (3, date(2020, 2, 29), True, "专利"), (None, None, None, None),
    ]  # fmt: skip


def test_stages_and_writes(tmp_path: Path, engine: Engine) -> None:
    numbers = engine.facts(pa.table({"a": pa.array([1, 2, None], pa.int64())}))
    staged = engine.stage(numbers.filter(numbers.a > 1), "large")
    assert engine.to_arrow(staged)["a"].to_pylist() == [2]
    assert engine.write(numbers, tmp_path / "out.parquet") == 3
    assert pq.read_table(tmp_path / "out.parquet").num_rows == 3
    with pytest.raises(SchemaError, match="NaN"):
        engine.write(numbers.mutate(b=numbers.a.cast("float64") * float("nan")), tmp_path / "bad.parquet")
    assert not (tmp_path / "bad.parquet").exists()
    with pytest.raises(EngineError, match="no Parquet file"):
        engine.read(tmp_path / "none.parquet")


def test_unknown_engines_and_tables_suggest(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean: duckdb"):
        connect("duckbd")
    with pytest.raises(UnknownNameError, match="did you mean: patents"):
        schema_of("patent")
    with pytest.raises(UnknownNameError, match="claim_count"):
        schema_of("patents").column("claim_counts")
    with connect("duckdb", threads=1, memory="1GB", scratch=tmp_path) as engine:
        scratch = engine.scratch
        assert scratch.parent == tmp_path
    assert not scratch.exists()
    shutil.rmtree(tmp_path)
