"""USPTO readers on hand-made documents of every format, on hostile ones, and on the office's own samples."""

from __future__ import annotations

import sys
import tracemalloc
from datetime import date
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

from list_output import ListOutput
from uspto_documents import ASSIGNMENTS, GREENBOOK, PAP, PATDOC, ice

from zhirong.evidence.formats import detect
from zhirong.evidence.reading import Limits, ReadOptions
from zhirong.evidence.uspto import AssignmentTableReader, CpcReader
from zhirong.evidence.uspto.assignments import conveyance_kind
from zhirong.evidence.uspto.shared import application_number, packed_ipc, packed_uspc


def read(tmp_path: Path, content: str | bytes, *, limits: Limits | None = None) -> ListOutput:
    """Detect the format by content and read it."""
    path = tmp_path / "document.dat"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    reader = detect(path, path.read_bytes()[:65536])
    assert reader is not None, "no reader knows the document"
    assert reader.name.startswith("uspto"), reader.name
    out = ListOutput()
    reader.read(path, out, ReadOptions(limits=limits or Limits()))
    return out


def test_a_grant_in_xml_v4_becomes_rows_of_every_table(tmp_path: Path) -> None:
    out = read(tmp_path, ice(9_000_001))
    (patent,) = out.rows["patents"]
    expected = {
        "patent_id": "US9000001", "publication_number": "US9000001B2", "kind_code": "B2", "application_number": "US159000001",
        "title": "Synthetic device & method", "filing_date": date(2017, 3, 2), "publication_date": date(2020, 1, 7),
        "grant_date": date(2020, 1, 7), "priority_date": date(2016, 3, 3), "claim_count": 2, "primary_ipc": "H04L9/32",
        "earlier_publication_id": "US20180001234", "right_type": "invention",
    }  # fmt: skip
    assert {name: patent[name] for name in expected} == expected
    assert [(r["scheme"], r["symbol"], r["is_inventive"]) for r in out.rows["classifications"]] == [
        ("ipc", "H04L9/32", True), ("cpc", "H04L9/3247", True), ("uspc", "709/228", None),
    ]  # fmt: skip
    assert [(c["claim_number"], c["is_independent"], c["parent_number"], c["category"]) for c in out.rows["claims"]] == [
        (1, True, None, "product"), (2, False, 1, "product"),
    ]  # fmt: skip
    assert out.rows["claims"][0]["text"] == "A device, comprising: a sensor; and a module."
    assert [(c["cited_id"], c["origin"], c["cited_date"]) for c in out.rows["citations"]] == [
        ("US8000001", "examiner", date(2010, 11, 1)), ("US8000002", "examiner", date(2010, 11, 1)),
    ]  # fmt: skip
    assert [n["origin"] for n in out.rows["nonpatent_citations"]] == ["applicant"]
    assert {(p["role"]) for p in out.rows["patent_parties"]} == {"applicant", "inventor", "assignee"}
    kinds = {p["name"]: p["party_type"] for p in out.rows["parties"]}
    assert kinds["Syn T. Sample"] == "person"
    assert kinds["Synthetic Widgets, Inc."] == "organisation"
    assert {t["part"] for t in out.rows["texts"]} == {"abstract", "description"}


def test_bulk_files_are_cut_into_documents_and_a_bad_one_costs_only_itself(tmp_path: Path) -> None:
    broken = ice(9_000_002).replace("</abstract>", "")
    out = read(tmp_path, ice(9_000_001) + broken + ice(9_000_003))
    assert [p["patent_id"] for p in out.rows["patents"]] == ["US9000001", "US9000003"]
    assert (out.records, out.refused) == (3, 1)
    (finding,) = list(out.log)
    assert (finding.rule, finding.row) == ("xml.malformed", 2)


def test_green_book_text_with_continuation_lines(tmp_path: Path) -> None:
    out = read(tmp_path, "HHHHHT   APS1   ISSUE - 760210\n" + GREENBOOK + GREENBOOK.replace("090000015", "D90000025"))
    first, second = out.rows["patents"]
    assert (first["patent_id"], first["title"], first["application_number"]) == (
        "US9000001",
        "Synthetic bumper support",
        "US05123456",
    )
    assert (first["filing_date"], first["priority_date"]) == (date(1974, 10, 29), date(1973, 10, 30))
    assert (second["patent_id"], second["right_type"]) == ("USD9000002", "design")
    assert [c["text"] for c in out.rows["claims"]][:2] == [
        "A support, comprising a bar.",
        "The support of claim 1, wherein the bar is bent.",
    ]
    assert [c["cited_id"] for c in out.rows["citations"]][:2] == ["US2542907", "GB1234567"]
    assert out.rows["nonpatent_citations"][0]["text"] == "A synthetic book."
    assert {t["text"] for t in out.rows["texts"]} == {"A synthetic abstract.", "Summary. Detail."}
    assert {c["symbol"] for c in out.rows["classifications"]} == {"B60R9/00", "224/4207"}


def test_first_application_format_with_named_characters(tmp_path: Path) -> None:
    out = read(tmp_path, PAP)
    (patent,) = out.rows["patents"]
    assert patent["title"] == "Synthetic system — α α \ufffd"
    assert out.rules() == {"xml.unknown_character"}
    assert (patent["patent_id"], patent["application_number"], patent["grant_date"]) == (
        "US20010900001",
        "US09342866",
        None,
    )
    assert patent["priority_date"] == date(1998, 1, 2)
    assert [(c["is_independent"], c["category"]) for c in out.rows["claims"]] == [(True, "method"), (False, "method")]


def test_st32_grants_keep_pictures_out(tmp_path: Path) -> None:
    out = read(tmp_path, PATDOC)
    (patent,) = out.rows["patents"]
    assert (patent["patent_id"], patent["primary_ipc"], patent["priority_date"]) == (
        "US9000002",
        "G06F15/16",
        date(1997, 4, 8),
    )
    assert [c["origin"] for c in out.rows["citations"]] == ["examiner"]
    assert not list(out.log)


def test_assignments_become_pledges_and_releases(tmp_path: Path) -> None:
    out = read(tmp_path, ASSIGNMENTS)
    assert [(e["event_kind"], e["patent_id"], e["event_date"], e["recorded_date"]) for e in out.rows["legal_events"]] == [
        ("pledged", "US9000001", date(2020, 1, 30), date(2020, 2, 3)), ("pledge_released", "US9000001", date(2022, 1, 30), date(2022, 2, 3)),
    ]  # fmt: skip
    assert [a["conveyance_kind"] for a in out.rows["assignments"]] == ["security_interest", "release"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("RELEASE OF SECURITY INTEREST", "release"), ("SECURITY AGREEMENT", "security_interest"), ("MERGER AND CHANGE OF NAME", "merger"),
        ("CORRECTIVE ASSIGNMENT TO CORRECT THE NAME", "correction"), ("CHANGE OF NAME", "name_change"), ("LICENSE", "licence"),
        ("NUNC PRO TUNC ASSIGNMENT", "assignment"), ("COURT ORDER", "other"),
    ],
)  # fmt: skip
def test_conveyances_are_told_apart(text: str, kind: str) -> None:
    assert conveyance_kind(text) == kind


BOMB = """<?xml version="1.0"?><!DOCTYPE us-patent-grant [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<us-patent-grant><us-bibliographic-data-grant><invention-title>&b;</invention-title></us-bibliographic-data-grant></us-patent-grant>"""
EXTERNAL = """<?xml version="1.0"?><!DOCTYPE us-patent-grant [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<us-patent-grant><us-bibliographic-data-grant><invention-title>&x;</invention-title></us-bibliographic-data-grant></us-patent-grant>"""


@pytest.mark.parametrize("hostile", [BOMB, EXTERNAL], ids=["entity bomb", "external entity"])
def test_entities_are_refused_and_the_next_document_is_read(tmp_path: Path, hostile: str) -> None:
    out = read(tmp_path, hostile + "\n" + ice(9_000_003))
    assert [p["patent_id"] for p in out.rows["patents"]] == ["US9000003"]
    assert out.rules() == {"xml.entity_declared"}
    assert "root:" not in str(out.rows)


def test_truncation_wrong_encoding_and_missing_numbers_are_findings(tmp_path: Path) -> None:
    whole = ice(9_000_001)
    assert read(tmp_path, whole[: len(whole) // 2]).rules() == {"xml.malformed"}
    assert read(tmp_path, whole.replace("Synthetic device", "Ger\xe4t").encode("latin-1")).rules() == {"xml.malformed"}
    nameless = whole.replace("<doc-number>09000001</doc-number>", "<doc-number>?</doc-number>")
    assert {"uspto.no_number", "field.patent_number"} == read(tmp_path, nameless).rules()
    other = '<?xml version="1.0"?>\n<us-patent-grant-list/>\n' + whole
    assert read(tmp_path, other).rules() == {"uspto.unknown_root"}


def test_a_document_beyond_the_limit_is_skipped(tmp_path: Path) -> None:
    huge = ice(9_000_002, text="x" * 9_000_000)
    out = read(tmp_path, ice(9_000_001) + huge + ice(9_000_003), limits=Limits(record_bytes=3 << 20))
    assert [p["patent_id"] for p in out.rows["patents"]] == ["US9000001", "US9000003"]
    assert out.rules() == {"document.too_large"}


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    class Sink(ListOutput):
        def add(self, table: str, row: object) -> None:
            self.rows[table] = []

    from zhirong.evidence.uspto import UsptoXmlReader

    peaks = []
    for copies in (100, 400):
        path = tmp_path / f"{copies}.xml"
        path.write_text("".join(ice(9_000_000 + i, text="word " * 10_000) for i in range(copies)), "utf-8")
        tracemalloc.start()
        UsptoXmlReader().read(path, Sink(), ReadOptions())
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert path.stat().st_size > 15 << 20
    assert peaks[1] < peaks[0] * 1.5


def test_packed_symbols_and_numbers() -> None:
    assert [packed_ipc(t) for t in ("B60R  900", "G06F  728", "H04L 1228", "G06F015/16")] == [
        "B60R9/00",
        "G06F7/28",
        "H04L12/28",
        "G06F015/16",
    ]
    assert [packed_uspc(t) for t in ("709228", "  2 10", "D21482")] == ["709/228", "2/10", "D21/482"]
    assert application_number("9", "342866") == "US09342866"
    assert application_number(None, None) is None


def test_cpc_master_list_and_scheme(tmp_path: Path) -> None:
    scheme = tmp_path / "scheme.xml"
    scheme.write_text(
        '<class-scheme><classification-item level="5"><classification-symbol>A01L</classification-symbol><class-title><title-part>'
        "<text>SHOEING</text><reference><text>see B21</text></reference></title-part></class-title>"
        '<classification-item level="7"><classification-symbol>A01L1/00</classification-symbol><class-title><title-part><text>Shoes</text>'
        "</title-part></class-title></classification-item></classification-item></class-scheme>", "utf-8",
    )  # fmt: skip
    out = ListOutput()
    CpcReader().read(scheme, out, ReadOptions())
    assert [(r["symbol"], r["title"], r["parent_symbol"], r["level"]) for r in out.rows["class_titles"]] == [
        ("A01L", "SHOEING", None, 5),
        ("A01L1/00", "Shoes", "A01L", 7),
    ]
    assert not out.rules()
    scheme.write_text("<class-scheme>", "utf-8")
    CpcReader().read(scheme, out, ReadOptions())
    assert out.rules() == {"xml.malformed"}


# Read off the raw documents: (file, patent, filing date, claims stated, patent citations, other citations, independent claims).
SAMPLES = [
    ("greenbook__US03937375.greenbook", "US3937375", date(1974, 10, 29), 3, 5, 0, 1),
    ("greenbook__US04347903.greenbook", "US4347903", date(1980, 3, 10), 3, 3, 0, 1),
    ("greenbook__US03932709.greenbook", "US3932709", date(1974, 3, 7), 17, 9, 0, None),
    ("pap__US20010000044A1.xml", "US20010000044", date(1999, 6, 29), 21, 0, 0, None),
    ("pap__US20010009014A1.xml", "US20010009014", date(2001, 2, 5), 55, 0, 0, None),
    ("sgml__US06336130.xml", "US6336130", date(1999, 10, 5), 22, 6, 3, None),
    ("sgml__USD435854S1.xml", "USD435854", date(1999, 1, 6), 1, 10, 0, 1),
    ("xml2004__US06859910.xml", "US6859910", date(2001, 4, 10), 2, 8, 0, None),
    ("xml2006__US07272630B2.xml", "US7272630", date(2004, 11, 18), 17, 78, 38, None),
    ("xml2014__US08930553.xml", "US8930553", date(2012, 10, 9), 8, 16, 5, 2),
    ("xml2014__US08927118.xml", "US8927118", date(2012, 1, 12), 45, 74, 28, None),
    ("xmlApp2004__US20050004437A1.xml", "US20050004437", date(2004, 4, 23), 10, 0, 0, None),
]


@pytest.mark.realdata
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: s[0])
def test_the_offices_own_samples(shared_data: Path, sample: tuple) -> None:
    file, patent_id, filed, claims, patents, others, independent = sample
    path = shared_data / "uspto_xml_samples" / file
    reader = detect(path, path.read_bytes()[:65536])
    assert reader is not None
    out = ListOutput()
    reader.read(path, out, ReadOptions())
    (patent,) = out.rows["patents"]
    assert (patent["patent_id"], patent["filing_date"], patent["claim_count"]) == (patent_id, filed, claims)
    assert len(out.rows["claims"]) == claims
    assert (len(out.rows["citations"]), len(out.rows["nonpatent_citations"])) == (patents, others)
    if independent is not None:
        assert sum(c["is_independent"] for c in out.rows["claims"]) == independent
    assert out.refused == 0


@pytest.mark.realdata
def test_every_sample_is_read_or_named(shared_data: Path) -> None:
    unknown = []
    for path in sorted((shared_data / "uspto_xml_samples").iterdir()):
        if path.suffix.lower() == ".md":
            continue
        reader = detect(path, path.read_bytes()[:65536])
        if reader is None:
            unknown.append(path.name)
            continue
        out = ListOutput()
        reader.read(path, out, ReadOptions())
        assert out.rows or list(out.log), path.name
    # An internal search format, and a zip of file wrappers, which hold no published patent.
    assert unknown == ["css_brs__css_brs_sample.txt", "xml4ip__sample_XML4IP.ZIP"]


@pytest.mark.realdata
def test_recorded_assignments_are_all_read(shared_data: Path) -> None:
    path = shared_data / "uspto_assignments" / "assignments.csv"
    out = ListOutput()
    AssignmentTableReader().read(path, out, ReadOptions())
    assert (out.records, out.refused) == (55, 0)
    kinds: dict[str, set[str]] = {}
    for row in out.rows["assignments"]:
        kinds.setdefault(row["conveyance_kind"], set()).add(row["assignment_id"])
    assert len(kinds["security_interest"]) <= 9, "the README counts 9 security interests in all"
    assert {"assignment", "security_interest", "release", "merger"} <= kinds.keys()
