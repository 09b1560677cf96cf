"""Published toy cases of CD and the OECD set, flags, and honesty about the date."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citation_worlds import evidence_of, random_rows, values, write_rows
from zhirong.indicators.asof import evidence_at
from zhirong.indicators.catalogue import Context
from zhirong.indicators.citation_entries import CITATION_IDS
from zhirong.indicators.citation_local import compute_local
from zhirong.tables import Engine

LATE = date(2025, 1, 1)

# Source: toy graph of the test suites of the packages `cdindex` and `xfast-cdindex` (README of the latter);
# CD(4) = 1/6 and mCD(4) = 5/6 by hand from the set form, (|A| - 2 |A and B|) / |A or B|. Tolerance 1e-12: exact fractions.
YEARS = (1992, 1992, 1993, 1993, 1995, 1997, 1998, 1999, 1999, 1998, 1997)
EDGES = ((4, 0), (4, 1), (4, 2), (4, 3), (5, 2), (6, 2), (6, 4), (7, 4), (8, 4), (9, 1), (9, 3), (9, 4), (10, 4))
FUNK_CD = (1.0, 1.0, 1.0, 1.0, 1 / 6, 0.0, 0.0, None, None, 0.0, 0.0)


def run(engine: Engine, folder: Path, rows: Any, ids: list[str], **params: Any) -> dict[str, dict[str, Any]]:
    evidence = evidence_of(engine, write_rows(folder, rows))
    tables = compute_local(evidence, Context(LATE, engine, params), ids)
    return {id_: values(engine, table) for id_, table in tables.items()}


def toy_rows() -> dict[str, list[dict[str, Any]]]:
    patents = [
        {"patent_id": f"US{i}", "office": "US", "publication_date": date(year, 1, 1)} for i, year in enumerate(YEARS)
    ]
    return {"patents": patents, "citations": [{"citing_id": f"US{a}", "cited_id": f"US{b}"} for a, b in EDGES]}


@pytest.mark.golden
def test_cd_of_the_toy_graph(duckdb_engine: Engine, tmp_path: Path) -> None:
    ids = ["cd.cd5", "cd.mcd5"]
    found = run(duckdb_engine, tmp_path, toy_rows(), ids, **{"cd.compat": "funk"})
    for i, expected in enumerate(FUNK_CD):
        value, flag = found["cd.cd5"][f"US{i}"]
        assert value == (None if expected is None else pytest.approx(expected, abs=1e-12))
        assert flag == ("no_citers" if expected is None else None)
    assert found["cd.mcd5"]["US4"][0] == pytest.approx(5 / 6, abs=1e-12)
    assert found["cd.mcd5"]["US2"][0] == pytest.approx(2, abs=1e-12)


def test_cd_without_references_is_undefined_unless_asked_for(duckdb_engine: Engine, tmp_path: Path) -> None:
    found = run(duckdb_engine, tmp_path, toy_rows(), ["cd.cd5"])["cd.cd5"]
    assert {found[f"US{i}"] for i in range(4)} == {(None, "no_references")}
    assert found["US4"] == (pytest.approx(1 / 6), None)


@pytest.mark.parametrize(("days", "expected"), [(0, None), (1, 1.0), (1825, 1.0), (1826, None)])
def test_cd_window_excludes_its_start_and_includes_its_end(
    duckdb_engine: Engine, tmp_path: Path, days: int, expected: float | None
) -> None:
    start = date(2001, 1, 1)
    rows = {
        "patents": [
            {"patent_id": "US1", "office": "US", "publication_date": date(1990, 1, 1)},
            {"patent_id": "US2", "office": "US", "publication_date": start},
            {"patent_id": "US3", "office": "US", "publication_date": start + timedelta(days=days)},
        ],
        "citations": [{"citing_id": "US2", "cited_id": "US1"}, {"citing_id": "US3", "cited_id": "US2"}],
    }
    assert run(duckdb_engine, tmp_path, rows, ["cd.cd5"])["cd.cd5"]["US2"][0] == expected


def classified(patent: str, *symbols: str) -> list[dict[str, Any]]:
    return [{"patent_id": patent, "scheme": "ipc", "symbol": s, "subclass": s[:4]} for s in symbols]


@pytest.mark.golden
def test_oecd_toys(duckdb_engine: Engine, tmp_path: Path) -> None:
    """By hand. Citing {H04L 2, G06F 1}, {G06Q}, {H04L, G06F}: mean shares 7/18, 5/18, 6/18, so 1 - 110/324 = 0.660494.

    Cited {H04L, G06F}, {G06Q, G06Q}, {H04L}: shares 2/5, 1/5, 2/5, so 1 - 9/25 = 0.64; 3 of 5 outside H04L = 0.60.
    """
    day = date(2000, 1, 1)
    rows = {
        "patents": [
            {"patent_id": f"US{i}", "office": "US", "publication_date": day, "primary_ipc": first}
            for i, first in enumerate(
                ["H04L1/00", "H04L9/32", "G06Q20/38", "H04L63/08", "H04L9/32", "G06Q1/00", "H04L9/08"]
            )
        ],
        "citations": [
            *({"citing_id": f"US{i}", "cited_id": "US0"} for i in (1, 2, 3)),
            *({"citing_id": "US0", "cited_id": f"US{i}"} for i in (4, 5, 6)),
        ],
        "classifications": [
            *classified("US0", "H04L1/00"),
            *classified("US1", "H04L9/32", "H04L9/08", "G06F21/60"),
            *classified("US2", "G06Q20/38"),
            *classified("US3", "H04L63/08", "G06F16/27"),
            *classified("US4", "H04L9/32", "G06F21/60"),
            *classified("US5", "G06Q20/38", "G06Q40/04"),
            *classified("US6", "H04L9/08"),
        ],
    }
    expected = {
        "oecd.generality": 214 / 324,
        "hjt.generality_pooled": 1 - (9 + 1 + 4) / 36,
        "hjt.generality_corrected": 2 / 3,
        "oecd.originality": 0.64,
        "oecd.radicalness": 0.60,
    }
    found = run(duckdb_engine, tmp_path, rows, list(expected))
    for id_, value in expected.items():
        assert found[id_]["US0"][0] == pytest.approx(value, abs=1e-9), id_
    assert found["oecd.generality"]["US4"][0] == 0.0  # one citing patent in one class: no spread, not unknown
    assert found["hjt.generality_corrected"]["US4"][0] is None  # ... but no bias-corrected value
    assert found["oecd.originality"]["US1"][0] == 0.0


def test_open_window_is_unknown_and_tells_the_count_so_far(duckdb_engine: Engine, tmp_path: Path) -> None:
    rows = {
        "patents": [
            {"patent_id": f"US{y}", "office": "US", "publication_date": date(y, 6, 1)} for y in (2018, 2019, 2020)
        ],
        "citations": [{"citing_id": "US2020", "cited_id": f"US{y}"} for y in (2018, 2019)],
    }
    found = run(duckdb_engine, tmp_path, rows, ["oecd.forward_citations_5"])["oecd.forward_citations_5"]
    assert found == {"US2018": (1, None), "US2019": (1, None), "US2020": (None, "observed=0")}
    evidence = evidence_of(duckdb_engine, tmp_path)
    eve = compute_local(evidence, Context(date(2024, 12, 30), duckdb_engine), ["oecd.forward_citations_5"])
    found = values(duckdb_engine, eve["oecd.forward_citations_5"])
    assert found == {"US2018": (1, None), "US2019": (None, "observed=1"), "US2020": (None, "observed=0")}


def test_breakthrough_is_the_top_hundredth_of_its_cohort(duckdb_engine: Engine, tmp_path: Path) -> None:
    """200 patents of one field and year: the two most cited are the top one percent; a tie for second adds both."""
    day = date(2000, 1, 1)
    base = {"office": "US", "publication_date": day, "filing_date": day}
    cohort = [{"patent_id": f"US{i}", **base} for i in range(200)]
    citers = [{"patent_id": f"EP{i}", "office": "EP", "publication_date": date(2001, 1, 1)} for i in range(3)]
    counts = {0: 3, 1: 2, 2: 2, 3: 1}
    rows = {
        "patents": cohort + citers,
        "citations": [{"citing_id": f"EP{k}", "cited_id": f"US{i}"} for i, n in counts.items() for k in range(n)],
        "classifications": [row for i in range(200) for row in classified(f"US{i}", "A61K31/00")],
    }
    for row in rows["classifications"]:
        row["main_group"] = "31"
    found = run(duckdb_engine, tmp_path, rows, ["oecd.breakthrough"])["oecd.breakthrough"]
    assert {id_ for id_, (value, _) in found.items() if value == 1} == {"US0", "US1", "US2"}
    assert found["US3"] == (0, None)
    assert found["EP0"] == (None, "no_cohort")


@given(seed=st.integers(0, 10_000), year=st.integers(2003, 2012))
@settings(max_examples=4)
def test_later_rows_never_change_an_earlier_answer(
    duckdb_engine: Engine, tmp_path_factory: pytest.TempPathFactory, seed: int, year: int
) -> None:
    as_of = date(year, 9, 30)
    rows = random_rows(np.random.default_rng(seed), patents=70, citations=300)
    published = {row["patent_id"]: row["publication_date"] or row["grant_date"] for row in rows["patents"]}
    filed = {row["patent_id"]: row["filing_date"] for row in rows["patents"]}

    def known(row: dict[str, Any]) -> bool:
        day = row["citing_date"] or published.get(row["citing_id"])
        if day is None and filed.get(row["citing_id"]):
            day = filed[row["citing_id"]] + timedelta(days=549)
        return day is None or day <= as_of

    earlier = {**rows, "citations": [row for row in rows["citations"] if known(row)]}
    answers = []
    for world in (rows, earlier):
        folder = write_rows(tmp_path_factory.mktemp("world"), world)
        evidence = evidence_at(evidence_of(duckdb_engine, folder), as_of)
        tables = compute_local(evidence, Context(as_of, duckdb_engine))
        answers.append({id_: values(duckdb_engine, tables[id_]) for id_ in CITATION_IDS})
    assert answers[0] == answers[1]
