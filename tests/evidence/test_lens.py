"""Lens.org CSV exports: made-up records under the published heads."""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path

from list_output import ListOutput

from zhirong.evidence.lens import LensReader
from zhirong.evidence.reading import Limits, ReadOptions
from zhirong.kernel.findings import Severity

READER = LensReader()
HEADS = [
    "#", "Jurisdiction", "Kind", "Display Key", "Lens ID", "Publication Date", "Publication Year",
    "Application Number", "Application Date", "Priority Numbers", "Earliest Priority Date", "Title", "Abstract",
    "Applicants", "Inventors", "Owners", "URL", "Document Type", "Has Full Text", "Cites Patent Count",
    "Cited by Patent Count", "Simple Family Size", "Simple Family Members", "Simple Family Member Jurisdictions",
    "Extended Family Size", "Extended Family Members", "Extended Family Member Jurisdictions", "Sequence Count",
    "CPC Classifications", "IPCR Classifications", "US Classifications", "NPL Citation Count",
    "NPL Resolved Citation Count", "NPL Resolved Lens ID(s)", "NPL Resolved External ID(s)", "NPL Citations",
    "Legal Status",
]  # fmt: skip
GRANT = {
    "#": "1", "Jurisdiction": "US", "Kind": "B2", "Display Key": "US 9,999,001 B2", "Lens ID": "000-000-000-000-001",
    "Publication Date": "2018-06-12", "Publication Year": "2018", "Application Number": "US 201514711111 A",
    "Application Date": "2015-05-13", "Priority Numbers": "US 201461992888 P;;EP 14168111 A", "Earliest Priority Date": "2014-05-13", "Title": "Fryer",
    "Abstract": "It fries, and more.", "Applicants": "EXAMPLE INC;;Beispiel GmbH", "Inventors": "MUSTERMANN ERIKA",
    "Owners": "EXAMPLE HOLDINGS LLC", "Document Type": "Granted Patent", "Cited by Patent Count": "12",
    "Simple Family Size": "2", "Simple Family Members": "US 2015/0333333 A1;;US 9999001 B2;;EP 3000001 A1",
    "CPC Classifications": "A47J37/12;;A47J37/1266", "IPCR Classifications": "A47J37/12", "US Classifications": "99/330",
    "NPL Citation Count": "2", "NPL Citations": "A book, 1999.;;A paper, 2001.", "Legal Status": "Active",
}  # fmt: skip


def text(*records: dict[str, str], heads: list[str] | None = None) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, heads or HEADS, restval="", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(records)
    return out.getvalue()


def read(tmp_path: Path, content: str | bytes, limits: Limits | None = None) -> ListOutput:
    path = tmp_path / "lens-export.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8-sig"))
    assert READER.accepts(path, path.read_bytes()[:65536]) or "Lens ID" not in str(content)
    out = ListOutput()
    READER.read(path, out, ReadOptions(limits=limits or Limits()))
    return out


def test_a_grant_with_everything(tmp_path: Path) -> None:
    out = read(tmp_path, text(GRANT))
    row = out.rows["patents"][0]
    assert row["patent_id"] == "US9999001"
    assert (row["grant_date"], row["priority_date"]) == (date(2018, 6, 12), date(2014, 5, 13))
    assert [(r["application_number"], r["kind"]) for r in out.rows["priorities"]] == [
        ("US61992888", "provisional"), ("EP14168111", "paris"),
    ]  # fmt: skip
    assert (row["legal_status"], row["legal_status_date"]) == ("in_force", None)
    assert (row["stated_forward_citation_count"], row["stated_family_size"]) == (12, 2)
    assert row["primary_ipc"] == "A47J37/12"
    assert {r["member_id"] for r in out.rows["families"]} == {"US9999001", "US20150333333", "EP3000001"}
    assert {r["family_id"] for r in out.rows["families"]} == {"lens:EP3000001"}
    roles = [(r["role"], r["sequence"]) for r in out.rows["patent_parties"]]
    assert roles == [("applicant", 1), ("applicant", 2), ("owner", 1), ("inventor", 1)]
    assert {r["normalised_name"] for r in out.rows["parties"]} == {
        "example", "beispiel", "example holdings", "erika mustermann",
    }  # fmt: skip
    assert [r["text"] for r in out.rows["nonpatent_citations"]] == ["A book, 1999.", "A paper, 2001."]
    assert len(out.rows["classifications"]) == 4
    assert not out.log.counts


def test_application_unknown_status_and_counted_references(tmp_path: Path) -> None:
    record = GRANT | {
        "Kind": "A1", "Display Key": "US 2015/0333333 A1", "Document Type": "Patent Application",
        "Legal Status": "Unknown", "NPL Citations": "", "Simple Family Members": "US 2015/0333333 A1",
    }  # fmt: skip
    out = read(tmp_path, text(record, GRANT | {"Display Key": "US 3 B2", "Legal Status": "Sleeping"}))
    first, second = out.rows["patents"]
    assert (first["patent_id"], first["grant_date"], first["legal_status"]) == ("US20150333333", None, None)
    assert [r["text"] for r in out.rows["nonpatent_citations"] if r["patent_id"] == "US20150333333"] == [None, None]
    assert first["family_id"] is None
    assert second["legal_status"] is None
    assert out.rules() == {"field.legal_status"}


def test_bad_cells_cost_themselves_bad_rows_cost_themselves(tmp_path: Path) -> None:
    records = text(
        GRANT | {"Publication Date": "13/2018", "Cited by Patent Count": "many", "Title": '=HYPERLINK("http://x")'},
        GRANT | {"Display Key": "not a number"},
        GRANT | {"Display Key": "US 5 A", "CPC Classifications": "A47J37/12;;??", "Abstract": "x" * 3000},
    )
    out = read(tmp_path, records + '"ragged","row"\n', Limits(text_chars=200_000, field_chars=500))
    assert {r["patent_id"] for r in out.rows["patents"]} == {"US9999001", "US5"}
    assert out.by("patents", "patent_id")["US9999001"]["title"] is None
    assert out.rules() == {
        "field.date", "field.count", "field.formula", "field.patent_number", "field.class_symbol", "row.ragged",
    }  # fmt: skip
    assert (out.records, out.refused) == (4, 2)
    assert all(finding.row is not None and finding.field for finding in out.log)


def test_missing_head_empty_file_wrong_encoding(tmp_path: Path) -> None:
    out = read(tmp_path, text(GRANT, heads=[h for h in HEADS if h != "Display Key"]).replace("Lens ID", "Lens Id"))
    assert out.log.count(rule="file.missing_column", severity=Severity.FATAL) == 2
    assert not out.rows
    out = read(tmp_path, b"")
    assert out.rules() == {"file.empty"}
    out = read(tmp_path, text(GRANT | {"Title": "Fritteuse für Öl"}).encode("latin-1"))
    assert out.rows["patents"]
    assert {"sheet.encoding", "field.encoding"} & out.rules()
    out = read(tmp_path, text(GRANT | {"Novel": "x"}, heads=[*HEADS, "Novel"]))
    assert [(f.rule, f.severity) for f in out.log] == [("file.unknown_column", Severity.INFO)]
