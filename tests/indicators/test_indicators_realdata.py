"""Real US patents through import and catalogue; expectations computed from the raw files by another way."""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from indicator_worlds import values
from zhirong.evidence.importing import import_files
from zhirong.indicators import CATALOGUE, compute
from zhirong.tables import Engine, Store

pytestmark = pytest.mark.realdata
AS_OF = date(2024, 12, 31)


@pytest.fixture(scope="module")
def got(
    shared_data: Path, duckdb_engine: Engine, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("ppubs")
    # Without the full texts, which add foreign references that the raw pairs do not have.
    files = [shared_data / "uspto_ppubs" / name for name in ("patents.csv", "us_citations.csv.gz")]
    import_files("uspto-ppubs", files, folder / "store")
    run = compute(Store.open(folder / "store"), duckdb_engine, as_of=AS_OF, out=folder / "out.parquet")
    assert run.fingerprints
    return values(run.path)


@pytest.fixture(scope="module")
def raw(shared_data: Path) -> dict[str, dict[str, str]]:
    with (shared_data / "uspto_ppubs" / "patents.csv").open(encoding="utf-8") as stream:
        return {row["doc_number"]: row for row in csv.DictReader(stream)}


def _grants(
    got: dict[str, dict[str, Any]], raw: dict[str, dict[str, str]]
) -> list[tuple[dict[str, Any], dict[str, str]]]:
    pairs = [(got[f"US{n}"], row) for n, row in raw.items() if f"US{n}" in got and row["guid"].endswith(("-B1", "-B2"))]
    assert len(pairs) > 300
    return pairs


def test_whole_catalogue_answers(got: dict[str, dict[str, Any]]) -> None:
    assert len(got) > 700
    for item in CATALOGUE.values():
        for row in got.values():
            value = row[item.column]
            if value is None:
                continue
            if item.low is not None:
                assert value >= item.low - 1e-12, item.id
            if item.high is not None:
                assert value <= item.high + 1e-12, item.id


def test_grant_lag_is_that_of_the_raw_dates(got: dict[str, dict[str, Any]], raw: dict[str, dict[str, str]]) -> None:
    checked = 0
    for row, source in _grants(got, raw):
        if source["app_date"] and date.fromisoformat(source["pub_date"]) <= AS_OF:
            lag = (date.fromisoformat(source["pub_date"]) - date.fromisoformat(source["app_date"])).days
            assert row["oecd__grant_lag"] == lag, row["patent_id"]
            checked += 1
    assert checked > 300


def test_backward_citations_are_those_of_the_raw_pairs(
    got: dict[str, dict[str, Any]], raw: dict[str, dict[str, str]], shared_data: Path
) -> None:
    cited: dict[str, set[str]] = defaultdict(set)
    with gzip.open(shared_data / "uspto_ppubs" / "us_citations.csv.gz", "rt", encoding="utf-8") as stream:
        for pair in csv.DictReader(stream):
            cited[pair["citing"]].add(pair["cited"])
    checked = 0
    for row, source in _grants(got, raw):
        own = cited[source["doc_number"]] - {source["doc_number"]}
        if own and row["oecd__backward_citations"] is not None:
            assert row["oecd__backward_citations"] == len(own), row["patent_id"]
            checked += 1
    assert checked > 300


def test_what_the_records_do_not_tell_stays_unknown(got: dict[str, dict[str, Any]]) -> None:
    for row in got.values():
        for column in ("economy__product_revenue", "gbt42748__technical_effect", "legal__suit_count"):
            assert row[column] is None
