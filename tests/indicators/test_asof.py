"""Nothing known later changes an answer; what is cut and masked; both engines agree on the whole catalogue."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from indicator_worlds import AS_OF, early_world, later_rows, merged, tables, values
from zhirong.indicators import CATALOGUE, Context, Indicator, compute, evidence_at
from zhirong.indicators.frames import Projection
from zhirong.indicators.run import wide_table
from zhirong.tables import CANONICAL, Engine, Type

BASE = early_world(11)


def _run(engine: Engine, rows: Any, out: Path) -> dict[str, dict[str, Any]]:
    run = compute(tables(engine, rows), engine, as_of=AS_OF, out=out)
    assert set(run.indicator_ids) == set(CATALOGUE)
    return values(out)


def _assert_equal(a: dict[str, dict[str, Any]], b: dict[str, dict[str, Any]]) -> None:
    assert a.keys() == b.keys()
    for id_, row in a.items():
        assert row.keys() == b[id_].keys()
        for column, value in row.items():
            other = b[id_][column]
            if isinstance(value, float) and isinstance(other, float):
                assert math.isclose(value, other, rel_tol=1e-9, abs_tol=1e-9), (id_, column, value, other)
            else:
                assert value == other, (id_, column, value, other)


@pytest.fixture(scope="module")
def base_values(duckdb_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    return _run(duckdb_engine, BASE, tmp_path_factory.mktemp("asof") / "base.parquet")


def test_whole_catalogue_ignores_later_rows(
    duckdb_engine: Engine, base_values: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    _assert_equal(_run(duckdb_engine, merged(BASE, later_rows(5)), tmp_path / "later.parquet"), base_values)


@pytest.mark.spark
def test_spark_ignores_later_rows_and_equals_duckdb(
    spark_engine: Engine, base_values: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    """Every frame on Spark; the citation graph, whose expressions have tests of their own, comes as a stage."""
    evidence = evidence_at(tables(spark_engine, merged(BASE, later_rows(5))), AS_OF)
    evidence["patents"] = spark_engine.stage(evidence["patents"], "patents")
    citation = [item for item in CATALOGUE.values() if not isinstance(item.compute, Projection)]
    evidence["@citations"] = spark_engine.facts(_citation_stage(base_values, citation))
    wide, _ = wide_table(evidence, Context(AS_OF, spark_engine), CATALOGUE.values())
    spark_engine.write(wide, tmp_path / "spark.parquet")
    _assert_equal(values(tmp_path / "spark.parquet"), base_values)


def _citation_stage(rows: dict[str, dict[str, Any]], entries: list[Indicator]) -> pa.Table:
    types = {Type.INT: pa.int64(), Type.FLOAT: pa.float64(), Type.BOOL: pa.bool_()}
    columns = {"patent_id": pa.array(list(rows), pa.string())}
    for item in entries:
        columns[item.column] = pa.array([row[item.column] for row in rows.values()], types[item.type])
        flag = f"{item.column}__flag"
        columns[flag] = pa.array([row.get(flag) for row in rows.values()], pa.string())
    return pa.table(columns)


@settings(max_examples=2, phases=[Phase.generate])
@given(st.integers(0, 2**20))
def test_later_rows_never_matter(duckdb_engine: Engine, tmp_path: Path, seed: int) -> None:
    world = early_world(seed, n=14)
    a = _run(duckdb_engine, world, tmp_path / "a.parquet")
    _assert_equal(_run(duckdb_engine, merged(world, later_rows(seed, n=6)), tmp_path / "b.parquet"), a)


@pytest.mark.slow
@settings(max_examples=25, phases=[Phase.generate])
@given(st.integers(0, 2**20))
def test_later_rows_never_matter_in_many_worlds(duckdb_engine: Engine, tmp_path: Path, seed: int) -> None:
    world = early_world(seed, n=14)
    a = _run(duckdb_engine, world, tmp_path / "a.parquet")
    _assert_equal(_run(duckdb_engine, merged(world, later_rows(seed, n=6)), tmp_path / "b.parquet"), a)


def test_random_world_has_something_to_say(base_values: dict[str, dict[str, Any]]) -> None:
    """Guards the comparisons above: an indicator that is NULL everywhere would pass them unseen."""
    silent = {id_ for id_, item in CATALOGUE.items() if all(row[item.column] is None for row in base_values.values())}
    allowed = {id_ for id_ in CATALOGUE if id_.startswith(("field.s_curve", "cd.", "citation.", "gbt42748.", "hjt."))}
    assert silent <= allowed | {
        "economy.policy_match", "field.cohort_growth", "pai.technology_relevance", "pai.competitive_impact", "family.is_triadic",
    }  # fmt: skip


def _cut(engine: Engine, rows: dict[str, list[dict[str, Any]]], **options: Any) -> dict[str, list[dict[str, Any]]]:
    cut = evidence_at(tables(engine, rows), date(2020, 1, 1), **options)
    return {name: engine.to_arrow(table).to_pylist() for name, table in cut.items() if name in rows}


def test_rows_and_facts_inside_rows_are_cut(engine: Engine) -> None:
    day, late = date(2019, 1, 1), date(2021, 1, 1)
    p = {"office": "CN", "source_id": "s"}
    rows: dict[str, list[dict[str, Any]]] = {
        "patents": [
            p | {"patent_id": "early", "publication_date": day, "grant_date": late, "claim_count": 9, "kind_code": "B",
                 "legal_status": "in_force", "legal_status_date": late, "stated_family_size": 4},
            p | {"patent_id": "late", "publication_date": late},
            p | {"patent_id": "undated"},
            p | {"patent_id": "filed", "filing_date": date(2018, 7, 1)},
            p | {"patent_id": "filed_late", "filing_date": date(2018, 7, 2)},
        ],
        "claims": [{"patent_id": i, "claim_number": 1, "text": "x", "source_id": "s"} for i in ("early", "late", "filed")],
        "texts": [{"patent_id": i, "part": "abstract", "language": "en", "text": "x", "source_id": "s"}
                  for i in ("early", "late")],
        "citations": [
            {"citing_id": "early", "cited_id": "a", "source_id": "s"},
            {"citing_id": "late", "cited_id": "b", "source_id": "s"},
            {"citing_id": "elsewhere", "cited_id": "c", "citing_date": day, "source_id": "s"},
            {"citing_id": "elsewhere", "cited_id": "d", "source_id": "s"},
        ],
        "families": [
            {"family_id": "F", "member_id": "m", "office": "US", "publication_date": day, "grant_date": late,
             "end_date": late, "kind_code": "B2", "source_id": "s"},
            {"family_id": "F", "member_id": "n", "office": "US", "source_id": "s"},
        ],
        "firm_years": [{"firm_id": "f", "year": y, "source_id": "s"} for y in (2017, 2018, 2019)],
        "region_years": [{"region_code": "33", "year": y, "variable": "v", "source_id": "s"} for y in (2018, 2019)],
        "firms": [{"firm_id": "f", "name": "f", "source_id": "s"},
                  {"firm_id": "g", "name": "g", "founded_date": late, "source_id": "s"}],
        "legal_events": [
            {"event_id": "1", "patent_id": "early", "event_kind": "lapsed", "event_date": day, "recorded_date": late,
             "source_id": "s"},
            {"event_id": "2", "patent_id": "early", "event_kind": "pledged", "event_date": day, "end_date": late,
             "source_id": "s"},
        ],
        "patent_parties": [{"patent_id": "early", "party_id": "P", "role": "owner", "sequence": 1, "from_date": day,
                            "to_date": late, "source_id": "s"}],
        "cases": [{"case_id": "c", "patent_id": "early", "filed_date": day, "outcome": "infringed", "source_id": "s"}],
    }  # fmt: skip
    cut = _cut(engine, rows)
    patents = {row["patent_id"]: row for row in cut["patents"]}
    assert set(patents) == {"early", "filed"}
    early = patents["early"]
    for name in ("grant_date", "claim_count", "kind_code", "legal_status", "legal_status_date", "stated_family_size"):
        assert early[name] is None, name
    assert {r["patent_id"] for r in cut["claims"]} == {"filed"}
    assert {r["patent_id"] for r in cut["texts"]} == {"early"}
    assert {r["cited_id"] for r in cut["citations"]} == {"a", "c"}
    assert [(r["member_id"], r["grant_date"], r["end_date"], r["kind_code"]) for r in cut["families"]] == [
        ("m", None, None, None)
    ]
    assert {r["year"] for r in cut["firm_years"]} == {2017, 2018}
    assert {r["year"] for r in cut["region_years"]} == {2018}
    assert {r["firm_id"] for r in cut["firms"]} == {"f"}
    assert [(r["event_id"], r["end_date"]) for r in cut["legal_events"]] == [("2", late)]
    assert cut["patent_parties"][0]["to_date"] is None
    assert cut["cases"][0]["outcome"] is None


def test_undated_statements_pass_when_allowed(duckdb_engine: Engine) -> None:
    rows: dict[str, list[dict[str, Any]]] = {
        "patents": [{"patent_id": "a", "office": "CN", "publication_date": date(2019, 1, 1), "legal_status": "in_force",
                     "stated_family_size": 3, "source_id": "s"}],
        "families": [{"family_id": "F", "member_id": "n", "office": "US", "source_id": "s"}],
    }  # fmt: skip
    cut = _cut(duckdb_engine, rows, allow_undated=True)
    assert cut["patents"][0]["legal_status"] == "in_force"
    assert cut["patents"][0]["stated_family_size"] == 3
    assert len(cut["families"]) == 1


def test_every_table_is_cut(duckdb_engine: Engine) -> None:
    cut = evidence_at(tables(duckdb_engine, {}), AS_OF)
    assert set(cut) == set(CANONICAL)
    for name, table in cut.items():
        assert tuple(table.columns) == CANONICAL[name].names
