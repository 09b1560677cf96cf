"""Google Patents public data: made-up records of the published nested schema, as JSON lines and as Parquet."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from list_output import ListOutput

from zhirong.evidence.google import GooglePatentsReader
from zhirong.evidence.reading import Limits, ReadOptions
from zhirong.kernel.findings import Severity

READER = GooglePatentsReader()
RECORD: dict[str, Any] = {
    "publication_number": "US-7650331-B1", "application_number": "US-87178404-A", "country_code": "US",
    "kind_code": "B1", "family_id": "41509934", "entity_status": "regular",
    "title_localized": [{"text": "Example &amp; method", "language": "en", "truncated": False}],
    "abstract_localized": [{"text": "It does <b>things</b>.", "language": "en", "truncated": False}],
    "claims_localized": [{
        "text": "What is claimed is: \n 1. A system, comprising: a processor. \n 2. The system of claim 1, wherein.",
        "language": "en", "truncated": False,
    }],
    "publication_date": 20100119, "filing_date": 20040618, "grant_date": 20100119, "priority_date": 0,
    "inventor": ["Mustermann Erika"], "inventor_harmonized": [{"name": "MUSTERMANN ERIKA", "country_code": "DE"}],
    "assignee": ["Example Inc."], "assignee_harmonized": [{"name": "EXAMPLE INC", "country_code": "US"}],
    "ipc": [{"code": "G06F17/30", "inventive": True, "first": True, "tree": []}],
    "cpc": [
        {"code": "Y10S707/99933", "inventive": False, "first": False, "tree": []},
        {"code": "G06F9/5066", "inventive": True, "first": True, "tree": []},
    ],
    "uspc": [{"code": "707/3", "inventive": False, "first": True, "tree": []}],
    "citation": [
        {"publication_number": "US-5093563-A", "application_number": "", "npl_text": "", "type": "", "category": "SEA",
         "filing_date": 19870202},
        {"publication_number": "EP-0279859-A1", "application_number": "", "npl_text": "", "type": "XY",
         "category": "EXA", "filing_date": 0},
        {"publication_number": "", "application_number": "", "npl_text": "Some book.", "type": "", "category": "APP",
         "filing_date": 0},
        {"publication_number": "??", "application_number": "", "npl_text": "", "type": "", "category": "",
         "filing_date": 0},
    ],
    "parent": [], "child": [],
}  # fmt: skip


def write(path: Path, *records: dict[str, Any]) -> Path:
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(list(records)), path)
    else:
        path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), encoding="utf-8")
    return path


def read(path: Path, limits: Limits | None = None) -> ListOutput:
    out = ListOutput()
    READER.read(path, out, ReadOptions(limits=limits or Limits()))
    return out


def test_priorities_and_parents(tmp_path: Path) -> None:
    record = RECORD | {
        "priority_claim": [
            {"application_number": "CN-201310123456-A", "filing_date": 20130401},
            {"application_number": "US-2014012345-W", "filing_date": 20140402},
            {"application_number": "US-61790730-P", "filing_date": 0},
            {"application_number": "?", "filing_date": 0},
            {"application_number": "US-201414123456-A", "filing_date": 20140303},
        ],
        "parent": [{"application_number": "US-201414123456-A", "type": "CIP", "filing_date": 20140303}],
    }
    out = read(write(tmp_path / "x.jsonl", record))
    found = {r["application_number"]: (r["office"], r["kind"], r["priority_date"]) for r in out.rows["priorities"]}
    assert found == {
        "US14123456": ("US", "continuation_in_part", date(2014, 3, 3)),
        "CN201310123456.2": ("CN", "paris", date(2013, 4, 1)),
        "PCTUS2014012345": ("US", "international", date(2014, 4, 2)),
        "US61790730": ("US", "provisional", None),
    }
    assert "field.application_number" in out.rules()


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_a_record_reaches_every_table(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"x{suffix}", RECORD)
    assert READER.accepts(path, path.read_bytes()[:65536])
    out = read(path)
    patent = out.rows["patents"][0]
    assert patent["patent_id"] == "US7650331"
    assert patent["application_number"] == "US87178404"
    assert patent["title"] == "Example & method"
    assert (patent["filing_date"], patent["priority_date"]) == (date(2004, 6, 18), None)
    assert (patent["primary_ipc"], patent["claim_count"]) == ("G06F17/30", 2)
    assert out.rows["families"][0] | {"family_id": "docdb:41509934", "family_kind": "docdb"} == out.rows["families"][0]
    assert [r["is_independent"] for r in out.rows["claims"]] == [True, False]
    assert out.rows["texts"][0]["text"] == "It does things."
    roles = {r["role"]: r["party_id"] for r in out.rows["patent_parties"]}
    parties = out.by("parties", "party_id")
    assert parties[roles["assignee"]]["normalised_name"] == "example"
    assert parties[roles["inventor"]]["party_type"] == "person"
    symbols = {(r["scheme"], r["symbol"]): r["is_inventive"] for r in out.rows["classifications"]}
    assert symbols[("cpc", "G06F9/5066")] is True
    assert symbols[("cpc", "Y10S707/99933")] is False
    assert ("uspc", "707/3") in symbols
    cited = out.by("citations", "cited_id")
    assert cited["US5093563"] | {"origin": "search_report", "category": None} == cited["US5093563"]
    assert cited["EP279859"] | {"origin": "examiner", "category": "XY", "cited_date": None} == cited["EP279859"]
    assert out.rows["nonpatent_citations"][0] | {"origin": "applicant", "sequence": 1} == out.rows[
        "nonpatent_citations"
    ][0]  # fmt: skip
    assert out.rules() == {"field.patent_number"}
    assert (out.records, out.refused) == (1, 0)


def test_chinese_title_of_a_chinese_publication_comes_first(tmp_path: Path) -> None:
    record = {
        "publication_number": "CN-101234567-B", "country_code": "CN", "family_id": "-1", "publication_date": 20100119,
        "title_localized": [{"text": "Kettle", "language": "en"}, {"text": "水壶", "language": "zh"}],
        "claims_localized": [{"text": "1.一种水壶，其特征在于包括壶体。2.根据权利要求1所述的水壶，其中。", "language": "zh"}],
    }  # fmt: skip
    out = read(write(tmp_path / "x.jsonl", record))
    row = out.rows["patents"][0]
    assert (row["title"], row["title_language"], row["family_id"]) == ("水壶", "zh", None)
    assert not out.rows["families"]
    assert [(r["parent_number"], r["category"], r["language"]) for r in out.rows["claims"]] == [
        (None, "product", "zh"), (1, "product", "zh"),
    ]  # fmt: skip


def test_bad_lines_are_refused_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    good = json.dumps({"publication_number": "US-1-A", "publication_date": 18360713}).encode()
    lines = [good, b"{not json", b'"text"', b'{"publication_number": "\xff"}', b'{"publication_number": "none"}', b"[" * 9000,
             json.dumps({"publication_number": "US-2-A", "publication_date": 20101399, "novel": 1}).encode(), b"",
             b'{"publication_number": "US-3-A", "x": "' + b"y" * 5000 + b'"}', good[:20]]  # fmt: skip
    path.write_bytes(b"\n".join(lines))
    out = read(path, Limits(record_bytes=4096))
    assert set(out.by("patents", "patent_id")) == {"US1", "US2"}
    assert out.log.count(rule="record.json") == 3 + 0
    assert {
        "record.encoding",
        "record.too_long",
        "field.patent_number",
        "field.date",
        "file.unknown_column",
    } <= out.rules()
    assert out.records == 9
    assert out.refused == 7


def test_damaged_or_foreign_parquet(tmp_path: Path) -> None:
    path = write(tmp_path / "x.parquet", RECORD)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    out = read(path)
    assert out.log.count(severity=Severity.FATAL) == 1
    other = tmp_path / "y.parquet"
    pq.write_table(pa.table({"a": [1]}), other)
    assert not READER.accepts(other, other.read_bytes()[:65536])
    out = read(other)
    assert out.rules() == {"file.missing_column"}


def test_giant_text_is_left_out_with_a_finding(tmp_path: Path) -> None:
    record = RECORD | {"abstract_localized": [{"text": "x" * 5000, "language": "en"}]}
    out = read(write(tmp_path / "x.jsonl", record), Limits(text_chars=4000))
    assert "field.too_long" in out.rules()
    assert not [r for r in out.rows["texts"] if r["part"] == "abstract"]
