"""The local kernel and both engines give the same answers, on random worlds, entry by entry."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from citation_worlds import compare, evidence_of, expression_values, random_rows, values, write_rows
from zhirong.indicators.catalogue import CATALOGUE, Context
from zhirong.indicators.citation_entries import CITATION_IDS
from zhirong.indicators.citation_local import citation_table, compute_local
from zhirong.kernel.errors import DomainError, UnknownNameError
from zhirong.tables import Engine

AS_OF = date(2010, 6, 30)
OPTIONS: dict[str, Any] = {
    "cd.compat": "funk",
    "cd.window_days": 900,
    "pai.office_weights": {"EP": 2.5},
    "citations.generality_years": 4,
}


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("params", [{}, OPTIONS], ids=["defaults", "options"])
def test_local_kernel_equals_the_expressions(
    seed: int, params: dict[str, Any], duckdb_engine: Engine, tmp_path: Path
) -> None:
    rows = random_rows(np.random.default_rng(seed), patents=90, citations=500)
    evidence = evidence_of(duckdb_engine, write_rows(tmp_path, rows))
    context = Context(AS_OF, duckdb_engine, params)
    local = compute_local(evidence, context)
    for id_, expected in expression_values(evidence, context).items():
        compare(expected, values(duckdb_engine, local[id_]), id_)
        assert any(value is not None for value, _ in expected.values()), f"{id_} is empty in this world"


@pytest.mark.spark
@pytest.mark.slow
def test_spark_expressions_equal_the_local_kernel(duckdb_engine: Engine, spark_engine: Engine, tmp_path: Path) -> None:
    folder = write_rows(tmp_path, random_rows(np.random.default_rng(7), patents=60, citations=350))
    local = compute_local(evidence_of(duckdb_engine, folder), Context(AS_OF, duckdb_engine))
    found = expression_values(evidence_of(spark_engine, folder), Context(AS_OF, spark_engine))
    for id_, expected in found.items():
        compare(expected, values(duckdb_engine, local[id_]), id_)


@pytest.mark.spark
def test_five_year_counts_on_spark_equal_the_local_kernel(
    duckdb_engine: Engine, spark_engine: Engine, tmp_path: Path
) -> None:
    folder = write_rows(tmp_path, random_rows(np.random.default_rng(8), patents=40, citations=200))
    ids = ["oecd.forward_citations_5"]
    local = compute_local(evidence_of(duckdb_engine, folder), Context(AS_OF, duckdb_engine), ids)
    spark = CATALOGUE[ids[0]].compute(evidence_of(spark_engine, folder), Context(AS_OF, spark_engine))
    compare(values(spark_engine, spark), values(duckdb_engine, local[ids[0]]), ids[0])
    streamed = compute_local(evidence_of(spark_engine, folder), Context(AS_OF, spark_engine), ids)
    compare(values(spark_engine, streamed[ids[0]]), values(duckdb_engine, local[ids[0]]), ids[0])


def test_results_do_not_depend_on_threads_or_on_memory_mapping(duckdb_engine: Engine, tmp_path: Path) -> None:
    rows = random_rows(np.random.default_rng(5), patents=200, citations=1500)
    evidence = evidence_of(duckdb_engine, write_rows(tmp_path / "s", rows))
    plain = compute_local(evidence, Context(AS_OF, duckdb_engine, {"citations.threads": 1}))
    mapped = compute_local(
        evidence,
        Context(AS_OF, duckdb_engine, {"citations.threads": 3, "citations.memory_edges": 10}),
        scratch=tmp_path,
    )
    assert all(plain[id_].equals(mapped[id_]) for id_ in CITATION_IDS)
    assert not list(tmp_path.glob("graph-*")), "the scratch folder is removed"


def test_wide_table_holds_a_column_and_a_flag_for_each_entry(duckdb_engine: Engine, tmp_path: Path) -> None:
    rows = random_rows(np.random.default_rng(5), patents=40, citations=100)
    evidence = evidence_of(duckdb_engine, write_rows(tmp_path, rows))
    table = citation_table(evidence, Context(AS_OF, duckdb_engine), ["cd.cd5", "oecd.generality"])
    assert table.columns == ("patent_id", "cd__cd5", "cd__cd5__flag", "oecd__generality", "oecd__generality__flag")
    assert duckdb_engine.scalar(table.count()) == 40


def test_empty_evidence_gives_empty_answers(duckdb_engine: Engine, tmp_path: Path) -> None:
    evidence = evidence_of(duckdb_engine, write_rows(tmp_path, {}))
    local = compute_local(evidence, Context(AS_OF, duckdb_engine))
    assert {len(table) for table in local.values()} == {0}


def test_patents_without_any_citation_data_stay_unknown(duckdb_engine: Engine, tmp_path: Path) -> None:
    rows = {"patents": [{"patent_id": "US1", "office": "US", "publication_date": date(1995, 1, 1)}]}
    evidence = evidence_of(duckdb_engine, write_rows(tmp_path, rows))
    local = compute_local(evidence, Context(AS_OF, duckdb_engine))
    for id_ in ("oecd.forward_citations_5", "oecd.backward_citations", "citation.in_degree_all"):
        assert values(duckdb_engine, local[id_]) == {"US1": (None, "no_citation_data")}


def test_misuse_is_refused(duckdb_engine: Engine, tmp_path: Path) -> None:
    evidence = evidence_of(duckdb_engine, write_rows(tmp_path, {}))
    with pytest.raises(UnknownNameError, match=r"cd\.cd5"):
        compute_local(evidence, Context(AS_OF, duckdb_engine), ["cd.cd50"])
    with pytest.raises(DomainError, match="funk"):
        compute_local(evidence, Context(AS_OF, duckdb_engine, {"cd.compat": "other"}), ["cd.cd5"])
