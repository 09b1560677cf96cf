"""The import pipeline: rows reach the store, bad ones become findings, re-import replaces, a grant absorbs its application."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from zhirong.evidence import formats, importing
from zhirong.evidence.blocks import Block
from zhirong.evidence.reading import Limits, Output, ReadOptions
from zhirong.evidence.staging import PartWriter, StagedOutput
from zhirong.kernel.errors import EvidenceError, UnknownNameError
from zhirong.kernel.findings import FindingLog, Severity
from zhirong.kernel.text import Bilingual
from zhirong.tables import Store


@dataclass(frozen=True)
class JsonRows:
    """Reader for tests: one JSON object a line, ``{"table": ..., columns...}``."""

    name: str = "test-rows"
    version: str = "1"
    description: Bilingual = Bilingual("测试", "test")

    def accepts(self, path: Path, head: bytes) -> bool:
        return head.startswith(b'{"table"')

    def read(self, path: Path, out: Output, options: ReadOptions) -> None:
        for line in path.read_text("utf-8").splitlines():
            out.read()
            row = json.loads(line)
            table = row.pop("table")
            for name, value in row.items():
                if name.endswith("_date") and value:
                    row[name] = date.fromisoformat(value)
            out.add(table, row)


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "READERS", {**formats.READERS, "test-rows": JsonRows()})


def rows_file(path: Path, *rows: dict) -> Path:
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")
    return path


def patent(patent_id: str, **columns: object) -> dict:
    return {"table": "patents", "patent_id": patent_id, "office": patent_id[:2], **columns}


def table(store: Path, name: str) -> list[dict]:
    return pq.read_table(store / f"{name}.parquet").to_pylist()


def test_rows_reach_the_store_sorted_with_their_source(tmp_path: Path) -> None:
    file = rows_file(tmp_path / "a.jsonl", patent("US2", claim_count=3), patent("US1"))
    report = importing.import_files("test-rows", [file], tmp_path / "store")
    rows = table(tmp_path / "store", "patents")
    assert [row["patent_id"] for row in rows] == ["US1", "US2"]
    assert {row["source_id"] for row in rows} == {report.sources[0].source_id}
    source = Store.open(tmp_path / "store").manifest.sources[0]
    assert (source.file, source.rows_read, source.rows_refused) == ("a.jsonl", 2, 0)


def test_a_bad_value_is_unknown_and_a_missing_key_refuses_only_its_row(tmp_path: Path) -> None:
    file = rows_file(
        tmp_path / "a.jsonl",
        patent("US1", claim_count="many", right_type="charter", title="x" * 200),
        {"table": "patents", "patent_id": None, "office": "US"},
        patent("US2", claim_count=4),
    )
    options = ReadOptions(limits=Limits(field_chars=100))
    report = importing.import_files("test-rows", [file], tmp_path / "store", options=options)
    rows = table(tmp_path / "store", "patents")
    assert [(row["patent_id"], row["claim_count"], row["right_type"], row["title"]) for row in rows] == [
        ("US1", None, None, None),
        ("US2", 4, None, None),
    ]
    by_rule = {finding.rule: finding for finding in report.log}
    assert set(by_rule) == {"value.type", "value.not_allowed", "value.too_long", "value.required"}
    assert by_rule["value.type"].row == 1
    assert by_rule["value.type"].field == "patents.claim_count"
    assert by_rule["value.required"].severity is Severity.ERROR
    assert by_rule["value.required"].row == 2


def test_findings_about_columns_name_the_row(tmp_path: Path) -> None:
    log = FindingLog()
    out = StagedOutput("s", "f.tsv", PartWriter(tmp_path), log, Limits(field_chars=10))
    out.read(500)
    columns = {"patent_id": ["US1", None, "US3"], "office": ["US"] * 3, "title": ["x", "y", "z" * 11],
               "right_type": ["charter", None, None], "claim_count": [1, 2, "many"]}  # fmt: skip
    out.add_many("patents", columns, records=[11, 12, 15])
    out.add_many("patents", {"patent_id": [None], "office": ["US"]})
    assert {(f.rule, f.row, f.field, f.value) for f in log} == {
        ("value.not_allowed", 11, "patents.right_type", "charter"),
        ("value.required", 12, "patents.patent_id", None),
        ("value.type", 15, "patents.claim_count", "'many'"),
        ("value.too_long", 15, "patents.title", "z" * 11),
        ("value.required", 500, "patents.patent_id", None),
    }
    with pytest.raises(AssertionError, match="2 record numbers for 1 rows"):
        out.add_many("patents", {"patent_id": ["US4"], "office": ["US"]}, records=[1, 2])


def test_a_block_knows_the_lines_of_its_rows(tmp_path: Path) -> None:
    log = FindingLog()
    out = StagedOutput("s", "f.tsv", PartWriter(tmp_path), log, Limits())
    cells = {name: pa.array(values, pa.binary()) for name, values in (
        ("patent_id", [b"1", b"no number", b"3", b"4"]), ("sort", [b"invention", b"design", b"charter", b"deed"]),
    )}  # fmt: skip
    block = Block(cells, out, Limits(), 100, [102])  # line 102 could not be split and is no row of the block
    block.emit("patents", {"patent_id": block.us_ids("patent_id"), "office": "US", "right_type": block.strings("sort")})
    block.give("patents", {"patent_id": ["US9"], "office": ["US"], "right_type": ["bond"]}, [3])
    assert [(f.rule, f.row, f.value) for f in log if f.rule == "value.not_allowed"] == [
        ("value.not_allowed", 104, "charter"), ("value.not_allowed", 105, "deed"), ("value.not_allowed", 105, "bond"),
    ]  # fmt: skip


def test_importing_a_file_again_replaces_its_rows(tmp_path: Path) -> None:
    citation = {"table": "citations", "citing_id": "US1", "cited_id": "US0"}
    file = rows_file(tmp_path / "a.jsonl", patent("US1"), citation, {**citation, "cited_id": "US9"})
    store = tmp_path / "store"
    for _ in range(2):
        importing.import_files("test-rows", [file], store)
    assert len(table(store, "citations")) == 2
    assert len(Store.open(store).manifest.sources) == 1


def test_a_later_source_fills_what_an_earlier_left_unknown_and_wins_where_both_know(tmp_path: Path) -> None:
    store = tmp_path / "store"
    first = rows_file(tmp_path / "a.jsonl", patent("US1", claim_count=3, title="old", publication_date="2001-05-01"))
    second = rows_file(tmp_path / "b.jsonl", patent("US1", title="new", page_count=9, publication_date="2002-05-01"))
    importing.import_files("test-rows", [first], store)
    importing.import_files("test-rows", [second], store)
    (row,) = table(store, "patents")
    assert (row["claim_count"], row["title"], row["page_count"]) == (3, "new", 9)
    assert row["publication_date"] == date(2001, 5, 1), "a patent is known from its first publication"


def test_a_grant_absorbs_its_application(tmp_path: Path) -> None:
    store = tmp_path / "store"
    application = patent("US20010000001", application_number="US09/1", publication_date="2001-01-04", claim_count=20)
    grant = patent("US6000001", application_number="US09/1", publication_date="2003-01-07", grant_date="2003-01-07")
    rows = [
        application,
        {"table": "claims", "patent_id": "US20010000001", "claim_number": 1, "text": "as filed"},
        {
            "table": "texts",
            "patent_id": "US20010000001",
            "part": "abstract",
            "language": "en",
            "text": "filed",
        },
        {"table": "citations", "citing_id": "US7000000", "cited_id": "US20010000001"},
        {"table": "citations", "citing_id": "US7000000", "cited_id": "US6000001", "category": "X"},
        grant,
        {"table": "claims", "patent_id": "US6000001", "claim_number": 1, "text": "as granted"},
    ]
    importing.import_files("test-rows", [rows_file(tmp_path / "a.jsonl", *rows)], store)
    (kept,) = table(store, "patents")
    assert (kept["patent_id"], kept["earlier_publication_id"]) == ("US6000001", "US20010000001")
    assert (kept["publication_date"], kept["grant_date"]) == (date(2001, 1, 4), date(2003, 1, 7))
    assert [(c["patent_id"], c["text"]) for c in table(store, "claims")] == [("US6000001", "as granted")]
    assert [t["patent_id"] for t in table(store, "texts")] == ["US6000001"]
    assert [(c["cited_id"], c["category"]) for c in table(store, "citations")] == [("US6000001", "X")]


def test_unknown_format_and_missing_file_are_misuse(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean"):
        importing.import_files("test-row", [tmp_path], tmp_path / "store")
    with pytest.raises(EvidenceError, match="no file"):
        importing.import_files("test-rows", [tmp_path / "none.jsonl"], tmp_path / "store")


def test_a_file_nobody_knows_is_a_finding_and_the_rest_is_read(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.bin").write_bytes(b"\x00\x01\x02")
    rows_file(tmp_path / "in" / "b.jsonl", patent("US1"))
    report = importing.import_files(None, [tmp_path / "in"], tmp_path / "store")
    assert [finding.rule for finding in report.log] == ["format.unknown"]
    assert len(table(tmp_path / "store", "patents")) == 1


def test_a_reader_that_fails_leaves_the_old_store(tmp_path: Path) -> None:
    store = tmp_path / "store"
    importing.import_files("test-rows", [rows_file(tmp_path / "a.jsonl", patent("US1"))], store)
    before = (store / "manifest.json").read_bytes()
    broken = tmp_path / "b.jsonl"
    broken.write_text('{"table": "patents", "patent_id": "US2", "office": "US"}\n{"table": ', "utf-8")
    with pytest.raises(json.JSONDecodeError):
        importing.import_files("test-rows", [broken], store)
    assert (store / "manifest.json").read_bytes() == before
    assert [row["patent_id"] for row in table(store, "patents")] == ["US1"]
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_dir()) == ["store"], "nothing is left behind"


def test_killing_an_import_leaves_the_old_store(tmp_path: Path) -> None:
    store = tmp_path / "store"
    importing.import_files("test-rows", [rows_file(tmp_path / "a.jsonl", patent("US1"))], store)
    script = textwrap.dedent(
        """
        import sys, time
        from pathlib import Path
        from zhirong.evidence import formats, importing
        from zhirong.kernel.text import Bilingual

        class Slow:
            name, version, description = "slow", "1", Bilingual("慢", "slow")
            def read(self, path, out, options):
                out.read()
                out.add("patents", {"patent_id": "US2", "office": "US"})
                print("reading", flush=True)
                time.sleep(60)

        importing.reader_named = lambda name: Slow()
        importing.import_files("slow", [Path(sys.argv[1])], Path(sys.argv[2]))
        """
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "a.jsonl"), str(store)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline().strip() == "reading"
    time.sleep(0.05)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert [row["patent_id"] for row in table(store, "patents")] == ["US1"]
    Store.open(store).verify()
    second = rows_file(tmp_path / "b.jsonl", patent("US3"))
    importing.import_files("test-rows", [second], store)
    assert [row["patent_id"] for row in table(store, "patents")] == ["US1", "US3"]


def test_a_patent_told_twice_and_differently_in_one_file_is_a_finding(tmp_path: Path) -> None:
    file = rows_file(
        tmp_path / "a.jsonl",
        patent("US1", title="Pump", filing_date="2020-01-02"), patent("US1", title="Valve", filing_date="2020-01-02"),
        patent("US2", title="Same"), patent("US2", title="Same"), patent("US3", title="Once"), patent("US3"),
    )  # fmt: skip
    report = importing.import_files("test-rows", [file], tmp_path / "store")
    (found,) = report.log
    assert (found.rule, found.record_id, found.field) == ("patent.contradiction", "US1", "patents.title")
    assert "'Pump' and 'Valve'" in found.message
    assert report.sources[0].finding_count == 1
    assert Store.open(tmp_path / "store").manifest.sources[0].findings[0]["record_id"] == "US1"
    assert {row["patent_id"]: row["title"] for row in table(tmp_path / "store", "patents")}["US1"] == "Valve"
