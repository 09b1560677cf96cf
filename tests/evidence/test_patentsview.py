"""PatentsView tables by their published columns; every value below is made up."""

from __future__ import annotations

import gzip
import zipfile
from datetime import date
from pathlib import Path

import pytest
from list_output import ListOutput

from zhirong.evidence.patentsview import PatentsViewReader, table_name
from zhirong.evidence.patentsview_tables import TABLES
from zhirong.evidence.reading import Limits, ReadOptions
from zhirong.kernel.errors import EvidenceError
from zhirong.kernel.findings import Severity

READER = PatentsViewReader()


def read(folder: Path, name: str, text: str | bytes, *, limits: Limits | None = None) -> ListOutput:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    out = ListOutput()
    READER.read(path, out, ReadOptions(limits=limits or Limits()))
    return out


def tsv(*rows: tuple[str, ...]) -> str:
    return "".join("\t".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\n" for row in rows)


PATENT = ("patent_id", "patent_type", "patent_date", "patent_title", "wipo_kind", "num_claims", "withdrawn", "filename")


def test_patents_of_every_type(tmp_path: Path) -> None:
    out = read(tmp_path, "g_patent.tsv", tsv(
        PATENT,
        ("10000001", "utility", "2018-06-19", 'A "quoted"\tand\nbroken title', "B2", "20", "0", "ipg180619.xml"),
        ("D345393", "design", "1994-03-29", "Chair", "S1", "1", "0", "x"),
        ("RE35312", "reissue", "1996-08-06", "Pump", "E1", "", "0", "x"),
        ("PP08901", "plant", "1994-09-13", "Rose", "P", "1", "0", "x"),
        ("4820515", "utility", "1989-04-11", "Withdrawn one", "A", "3", "1", "x"),
    ))  # fmt: skip
    rows = out.by("patents", "patent_id")
    assert set(rows) == {"US10000001", "USD345393", "USRE35312", "USPP8901", "US4820515"}
    first = rows["US10000001"]
    assert first["title"] == 'A "quoted"\tand\nbroken title'
    assert (first["publication_number"], first["right_type"], first["claim_count"]) == ("US10000001B2", "invention", 20)
    assert first["grant_date"] == first["publication_date"] == date(2018, 6, 19)
    assert rows["USD345393"]["right_type"] == "design"
    assert rows["USRE35312"]["claim_count"] is None
    assert rows["US4820515"]["grant_date"] is None
    assert rows["US4820515"]["legal_status"] == "withdrawn"
    assert (out.records, out.refused, len(out.log)) == (5, 0, 0)


def test_application_citations_and_other_references(tmp_path: Path) -> None:
    out = read(tmp_path, "g_application.tsv", tsv(
        ("application_id", "patent_id", "patent_application_type", "filing_date", "series_code", "rule_47_flag"),
        ("02/002761", "D345393", "2", "1992-12-23", "02", "0"),
    ))  # fmt: skip
    assert out.rows["patents"][0]["application_number"] == "US02002761"
    assert out.rows["patents"][0]["filing_date"] == date(1992, 12, 23)
    head = ("patent_id", "citation_sequence", "citation_patent_id", "citation_date", "record_name", "wipo_kind",
            "citation_category")  # fmt: skip
    out = read(tmp_path, "g_us_patent_citation.tsv", tsv(
        head,
        ("10000001", "0", "5093563", "1992-03-00", "A", "A", "cited by applicant"),
        ("10000001", "1", "D200001", "1965-01-05", "B", "S", "cited by examiner"),
        ("10000001", "2", "", "1965-01-05", "B", "S", "cited by third party"),
        ("10000001", "3", "4000000", "soon", "B", "A", "imported from a related application"),
    ))  # fmt: skip
    rows = out.by("citations", "cited_id")
    assert rows["US5093563"]["cited_date"] == date(1992, 3, 1)
    assert rows["US5093563"]["origin"] == "applicant"
    assert rows["USD200001"]["origin"] == "examiner"
    assert rows["US4000000"]["cited_date"] is None
    assert rows["US4000000"]["origin"] == "other"
    assert (len(rows), out.records, out.refused) == (3, 4, 1)
    assert out.rules() == {"field.patent_number", "field.date"}
    assert {f.row for f in out.log} == {3, 4}
    out = read(tmp_path, "g_us_application_citation.tsv", tsv(
        ("patent_id", "citation_sequence", "citation_document_number", "citation_date", "record_name", "wipo_kind",
         "citation_category"),
        ("10000001", "0", "20040012345", "2004-01-22", "A", "A1", "cited by examiner"),
        ("10000001", "1", "2004/0012346", "2004-01-22", "A", "A1", ""),
    ))  # fmt: skip
    assert set(out.by("citations", "cited_id")) == {"US20040012345", "US20040012346"}
    out = read(tmp_path, "g_foreign_citation.tsv", tsv(
        ("patent_id", "citation_sequence", "citation_application_id", "citation_date", "citation_category",
         "citation_country"),
        ("10000001", "0", "0279859", "1988-08-01", "", "EP"),
        ("10000001", "1", "2004108495", "2004-04-08", "", "JP"),
        ("10000001", "2", "WO2004/012345", "2004-04-08", "", "WO"),
        ("10000001", "3", "101234567", "2008-07-30", "", "CN"),
        ("10000001", "4", "no number", "2008-07-30", "", "DE"),
        ("10000001", "5", "123", "2008-07-30", "", "Germany"),
    ))  # fmt: skip
    assert set(out.by("citations", "cited_id")) == {"EP279859", "JP2004108495", "WO2004012345", "CN101234567"}
    assert out.refused == 2
    out = read(tmp_path, "g_other_reference.tsv", tsv(
        ("patent_id", "other_reference_sequence", "other_reference_text"), ("10000001", "0", "Some book, 1999"),
    ))  # fmt: skip
    assert out.rows["nonpatent_citations"][0]["sequence"] == 1


def test_classes_of_four_tables(tmp_path: Path) -> None:
    out = read(tmp_path, "g_cpc_current.tsv", tsv(
        ("patent_id", "cpc_sequence", "cpc_section", "cpc_class", "cpc_subclass", "cpc_group", "cpc_type",
         "cpc_symbol_position"),
        ("10000001", "0", "H", "H04", "H04L", "H04L9/32", "inventional", "F"),
        ("10000001", "1", "Y", "Y02", "Y02T", "Y02T10/70", "additional", "L"),
        ("10000001", "2", "Z", "", "", "nonsense", "additional", "L"),
    ))  # fmt: skip
    rows = out.by("classifications", "symbol")
    assert rows["H04L9/32"] | {"patent_id": "US10000001"} == rows["H04L9/32"]
    assert (rows["H04L9/32"]["subclass"], rows["H04L9/32"]["main_group"]) == ("H04L", "9")
    assert [rows[s]["is_inventive"] for s in ("H04L9/32", "Y02T10/70")] == [True, False]
    assert out.refused == 1
    out = read(tmp_path, "g_ipc_at_issue.tsv", tsv(
        ("patent_id", "ipc_sequence", "classification_level", "section", "ipc_class", "subclass", "main_group",
         "subgroup", "symbol_position", "classification_value", "classification_status",
         "classification_data_source", "action_date"),
        ("10000001", "0", "A", "H", "4", "L", "9", "32", "F", "I", "B", "H", "2018-06-19"),
        ("10000001", "1", "A", "A", "01", "B", "1", "0", "L", "N", "B", "H", "2018-06-19"),
    ))  # fmt: skip
    assert [(r["symbol"], r["is_inventive"], r["sequence"]) for r in out.rows["classifications"]] == [
        ("H04L9/32", True, 1), ("A01B1/00", False, 2),
    ]  # fmt: skip
    out = read(tmp_path, "g_uspc_at_issue.tsv", tsv(
        ("patent_id", "uspc_sequence", "uspc_mainclass_id", "uspc_mainclass_title", "uspc_subclass_id"),
        ("4000000", "0", "320", "Electricity", "320/114"), ("4000000", "1", "D06", "", "334"),
        ("4000000", "2", "999", "", ""),
    ))  # fmt: skip
    assert [r["symbol"] for r in out.rows["classifications"]] == ["320/114", "D06/334", "999"]


@pytest.mark.parametrize("packing", ["", ".gz", ".zip"])
def test_parties_take_their_place_from_the_location_table_beside(tmp_path: Path, packing: str) -> None:
    places = tsv(
        ("location_id", "disambig_city", "disambig_state", "disambig_country", "latitude"),
        ("loc-1", "Springfield", "IL", "US", "39.8"),
    )
    target = tmp_path / f"g_location_disambiguated.tsv{packing}"
    if packing == ".gz":
        target.write_bytes(gzip.compress(places.encode()))
    elif packing == ".zip":
        with zipfile.ZipFile(target, "w") as archive:
            archive.writestr("g_location_disambiguated.tsv", places)
    else:
        target.write_text(places)
    out = read(tmp_path, "g_assignee_disambiguated.tsv", tsv(
        ("patent_id", "assignee_sequence", "assignee_id", "disambig_assignee_individual_name_first",
         "disambig_assignee_individual_name_last", "disambig_assignee_organization", "assignee_type", "location_id"),
        ("10000001", "0", "a-1", "", "", "Example Widgets, Inc.", "2", "loc-1"),
        ("10000002", "0", "a-1", "", "", "Example Widgets, Inc.", "2", "loc-1"),
        ("10000001", "1", "a-2", "Erika", "Mustermann", "", "15", "none"),
        ("10000003", "0", "a-3", "", "", "The Department of Examples", "6", ""),
        ("10000004", "0", "a-4", "", "", "Example University", "2", ""),
        ("10000005", "0", "", "", "", "", "2", ""),
    ))  # fmt: skip
    rows = out.by("parties", "party_id")
    assert rows["pv:a-1"]["normalised_name"] == "example widgets"
    assert [rows["pv:a-1"][c] for c in ("country", "region_code", "city")] == ["US", "IL", "Springfield"]
    assert (rows["pv:a-2"]["name"], rows["pv:a-2"]["party_type"]) == ("Mustermann, Erika", "person")
    assert rows["pv:a-3"]["party_type"] == "government"
    assert rows["pv:a-4"]["party_type"] == "university"
    assert len(out.rows["parties"]) == 4
    assert [(r["patent_id"], r["sequence"]) for r in out.rows["patent_parties"]][:3] == [
        ("US10000001", 1), ("US10000002", 1), ("US10000001", 2),
    ]  # fmt: skip
    assert out.refused == 1


def test_inventors_without_location_table(tmp_path: Path) -> None:
    out = read(tmp_path, "g_inventor_disambiguated.tsv", tsv(
        ("patent_id", "inventor_sequence", "inventor_id", "disambig_inventor_name_first",
         "disambig_inventor_name_last", "gender_code", "location_id"),
        ("10000001", "0", "fl:x_ln:y-1", "Erika", "Mustermann", "F", "loc-1"),
    ))  # fmt: skip
    assert out.rows["parties"][0]["country"] is None
    assert out.rows["patent_parties"][0]["role"] == "inventor"


def test_yearly_claims_and_texts(tmp_path: Path) -> None:
    head = ("patent_id", "claim_sequence", "claim_text", "dependent", "claim_number", "exemplary")
    out = read(tmp_path, "g_claims_2018.tsv", tsv(
        head,
        ("10000001", "0", "1. A method of frying, comprising: heating.", "", "1", "1"),
        ("10000001", "1", "2. The method of claim 1, wherein oil is used.", "claim 1", "2", "0"),
        ("10000001", "2", "A pan for the method.", "", "", "0"),
        ("10000001", "3", "", "", "4", "0"),
    ))  # fmt: skip
    rows = out.by("claims", "claim_number")
    assert [rows[n]["is_independent"] for n in (1, 2, 3)] == [True, False, True]
    assert rows[2]["parent_number"] == 1
    assert [rows[n]["category"] for n in (1, 3)] == ["method", "product"]
    assert rows[1]["text"].startswith("A method")
    assert rows[1]["word_count"] == 6
    assert out.refused == 1
    out = read(
        tmp_path, "g_patent_abstract.tsv", tsv(("patent_id", "patent_abstract"), ("10000001", "It <b>fries</b>."))
    )
    assert out.rows["texts"][0] | {"part": "abstract", "text": "It fries."} == out.rows["texts"][0]


def test_priority_government_and_terms(tmp_path: Path) -> None:
    out = read(tmp_path, "g_foreign_priority.tsv", tsv(
        ("patent_id", "priority_claim_sequence", "priority_claim_kind", "foreign_application_id", "filing_date",
         "foreign_country_filed"), ("10000001", "0", "national", "102016", "2016-02-03", "DE"),
    ))  # fmt: skip
    assert out.rows["patents"][0]["priority_date"] == date(2016, 2, 3)
    assert [(r["application_number"], r["office"]) for r in out.rows["priorities"]] == [("DE102016", "DE")]
    out = read(tmp_path, "g_gov_interest.tsv", tsv(("patent_id", "gi_statement"), ("10000001", "The government ...")))
    assert out.rows["patents"][0]["is_government_interest"] is True
    out = read(tmp_path, "g_us_term_of_grant.tsv", tsv(
        ("patent_id", "disclaimer_date", "term_disclaimer", "term_grant", "term_extension"),
        ("10000001", "", "", "", "250"), ("4000001", "1994-01-04", "", "", ""), ("10000002", "", "", "", "0"),
        ("10000003", "", "", "", "many"),
    ))  # fmt: skip
    assert [(r["patent_id"], r["term_extension_days"]) for r in out.rows["patents"]] == [
        ("US10000001", 250), ("US10000002", 0),
    ]  # fmt: skip
    assert [r["event_date"] for r in out.rows["legal_events"]] == [date(1994, 1, 4)]


def test_published_applications_and_their_grants(tmp_path: Path) -> None:
    out = read(tmp_path, "pg_published_application.tsv", tsv(
        ("pgpub_id", "application_id", "filing_date", "patent_type", "filing_type", "published_date", "wipo_kind",
         "series_code", "application_title", "application_abstract", "rule_47_flag", "filename"),
        ("20170000001", "15/000001", "2017-03-01", "utility", "", "2017-09-01", "A1", "15", "Fryer", "It fries.", "0", ""),
    ))  # fmt: skip
    row = out.rows["patents"][0]
    assert (row["patent_id"], row["publication_number"]) == ("US20170000001", "US20170000001A1")
    assert (row["application_number"], row["grant_date"]) == ("US15000001", None)
    assert out.rows["texts"][0]["text"] == "It fries."
    out = read(tmp_path, "pg_granted_pgpubs_crosswalk.tsv", tsv(
        ("patent_id", "pgpub_id", "application_id"), ("10000001", "20170000001", "15/000001"), ("", "20170000002", "15/2"),
    ))  # fmt: skip
    assert [r["earlier_publication_id"] for r in out.rows["patents"]] == ["US20170000001"]


def test_missing_column_refuses_the_file_and_unknown_one_does_not(tmp_path: Path) -> None:
    out = read(tmp_path, "g_patent.tsv", tsv(("patent_id", "patent_title"), ("10000001", "x")))
    assert [(f.rule, f.severity, f.field) for f in out.log] == [
        ("file.missing_column", Severity.FATAL, "patent_date")
    ]  # fmt: skip
    assert not out.rows
    out = read(tmp_path, "g_patent.tsv", tsv((*PATENT, "novel"), ("1", "", "1990-01-01", "", "", "", "", "", "x")))
    assert [(f.rule, f.severity) for f in out.log] == [("file.unknown_column", Severity.INFO)]
    assert len(out.rows["patents"]) == 1


def test_ragged_rows_bad_bytes_and_giant_cells_cost_only_themselves(tmp_path: Path) -> None:
    good = b'"10000001"\t"2018-06-19"\t"Good"\n'
    bad = b'"10000002"\t"2018-06-19"\n"10000003"\t"2018-06-19"\t"\xff\xfe"\n"10000004"\t"2018-06-19"\t"' + b"x" * 3000
    text = b'"patent_id"\t"patent_date"\t"patent_title"\n' + good + bad + b'"\n"10000005"\t"31.12.2018x"\t"Late"\n'
    out = read(tmp_path, "g_patent.tsv", text, limits=Limits(field_chars=2000))
    rows = out.by("patents", "patent_id")
    assert set(rows) == {"US10000001", "US10000003", "US10000004", "US10000005"}
    assert rows["US10000003"]["title"] is None
    assert rows["US10000004"]["title"] is None
    found = {f.rule: (f.row, f.severity) for f in out.log}
    assert found == {
        "row.ragged": (2, Severity.ERROR),
        "field.encoding": (3, Severity.WARNING),
        "field.too_long": (4, Severity.WARNING),
        "field.date": (5, Severity.WARNING),
    }
    assert (out.records, out.refused) == (5, 1)


def test_a_lost_quotation_mark_ends_in_a_finding_not_a_crash(tmp_path: Path) -> None:
    body = "".join(f'"{n}"\t"2018-06-19"\t"Title"\n' for n in range(10_000_000, 10_300_000))
    text = '"patent_id"\t"patent_date"\t"patent_title"\n"1"\t"1990-01-01"\t"lost\n' + body
    out = read(tmp_path, "g_patent.tsv", text)
    assert out.log.count(severity=Severity.FATAL) + out.log.count(severity=Severity.ERROR) >= 1


def test_empty_file_and_names(tmp_path: Path) -> None:
    out = read(tmp_path, "g_patent.tsv", b"")
    assert out.log.count(severity=Severity.FATAL) >= 1
    out = read(tmp_path, "g_persistent_assignee.tsv", tsv(("patent_id", "x"), ("1", "2")))
    assert out.rules() == {"file.unused_table"}
    with pytest.raises(EvidenceError, match="g_patent"):
        read(tmp_path, "whatever.tsv", tsv(("patent_id",), ("1",)))
    assert table_name(Path("g_claims_2001.tsv.zip")) == "g_claims"
    assert READER.accepts(Path("g_patent.tsv"), b'"patent_id"\t"x"\n')
    assert not READER.accepts(Path("g_patent.tsv"), b"<xml/>")
    assert not READER.accepts(Path("patents.tsv"), b'"patent_id"\t"x"\n')


def test_every_table_has_its_key_among_its_columns() -> None:
    for name, spec in TABLES.items():
        assert spec.required, name
        assert not set(spec.required) & set(spec.optional), name
        assert not {*spec.required, *spec.optional} & set(spec.ignored), name
