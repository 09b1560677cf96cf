"""EPO OPS responses: hand-made documents of the published structure; no response of the service is used."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from list_output import ListOutput

from zhirong.evidence.inpadoc import code_table, event_of
from zhirong.evidence.ops import OpsReader
from zhirong.evidence.reading import ReadOptions
from zhirong.kernel.findings import Severity
from zhirong.kernel.provenance import Grade

READER = OpsReader()
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
OPEN = (
    '<ops:world-patent-data xmlns="http://www.epo.org/exchange" xmlns:ops="http://ops.epo.org" '
    'xmlns:ftxt="http://www.epo.org/fulltext">'
)
BIBLIO = """<exchange-documents><exchange-document system="ops.epo.org" family-id="19768124" country="EP"
 doc-number="1000001" kind="B1"><bibliographic-data>
<publication-reference>
 <document-id document-id-type="docdb"><country>EP</country><doc-number>1000001</doc-number><kind>B1</kind>
  <date>20030115</date></document-id>
 <document-id document-id-type="epodoc"><doc-number>EP1000001</doc-number><date>20030115</date></document-id>
</publication-reference>
<classifications-ipcr>
 <classification-ipcr sequence="1"><text>A01B  1/   02            A I                    </text></classification-ipcr>
 <classification-ipcr sequence="2"><text>B28B   5/    02            A N</text></classification-ipcr>
</classifications-ipcr>
<patent-classifications>
 <patent-classification sequence="1"><classification-scheme office="EP" scheme="CPCI"/><section>B</section>
  <class>28</class><subclass>B</subclass><main-group>1</main-group><subgroup>29</subgroup>
  <classification-value>I</classification-value></patent-classification>
 <patent-classification sequence="2"><classification-scheme office="US" scheme="UC"/><section>X</section>
 </patent-classification>
</patent-classifications>
<application-reference doc-id="17202745">
 <document-id document-id-type="docdb"><country>EP</country><doc-number>99203729</doc-number><kind>A</kind></document-id>
 <document-id document-id-type="epodoc"><doc-number>EP19990203729</doc-number><date>19991108</date></document-id>
</application-reference>
<priority-claims><priority-claim sequence="1" kind="national">
 <document-id document-id-type="epodoc"><doc-number>NL19981010536</doc-number><date>19981112</date></document-id>
</priority-claim></priority-claims>
<parties>
 <applicants>
  <applicant sequence="1" data-format="epodoc"><applicant-name><name>EXAMPLE BV\u2002[NL]</name></applicant-name></applicant>
  <applicant sequence="1" data-format="original"><applicant-name><name>Example B.V.</name></applicant-name></applicant>
 </applicants>
 <inventors>
  <inventor sequence="1" data-format="epodoc"><inventor-name><name>MUSTERMANN ERIKA\u2002[DE]</name></inventor-name></inventor>
 </inventors>
</parties>
<invention-title lang="de">Vorrichtung</invention-title><invention-title lang="en">Apparatus &amp; more</invention-title>
<references-cited>
 <citation cited-phase="search" cited-by="examiner" sequence="1">
  <patcit dnum-type="publication number" num="1"><document-id document-id-type="docdb"><country>DE</country>
   <doc-number>2554785</doc-number><kind>A1</kind></document-id></patcit><category>X</category><category>Y</category>
 </citation>
 <citation cited-phase="description" cited-by="applicant" sequence="2"><nplcit num="1"><text>A book</text></nplcit></citation>
 <citation cited-phase="search" sequence="3"><patcit><document-id document-id-type="docdb"><country>DE</country>
  <doc-number>no number</doc-number></document-id></patcit></citation>
</references-cited>
</bibliographic-data><abstract lang="en"><p>An apparatus.</p></abstract></exchange-document>
<exchange-document country="EP" doc-number="9" status="not found"/></exchange-documents>"""


def event(code: str, day: str = "2010-02-03", text: str = "", extra: str = "", desc: str = "SOMETHING") -> str:
    free = f'<ops:L510EP desc="Free Format Text">{text}</ops:L510EP>' if text else ""
    return (
        f'<ops:legal code="{code:<4}" desc="{desc}" infl=" " dateMigr="00010101"><ops:pre line="00001">raw</ops:pre>'
        '<ops:L001EP desc="Country Code">US</ops:L001EP><ops:L002EP desc="Filing / Published Document">F</ops:L002EP>'
        '<ops:L003EP desc="Document Number">    87951510</ops:L003EP><ops:L004EP desc="Kind Code">A </ops:L004EP>'
        f'<ops:L007EP desc="Gazette DATE">{day}</ops:L007EP><ops:L008EP desc="Legal Event Code 1">{code}</ops:L008EP>'
        f"<ops:L500EP>{free}{extra}</ops:L500EP></ops:legal>"
    )


def member(country: str, number: str, kind: str, day: str, *events: str) -> str:
    return (
        f'<ops:family-member family-id="42"><publication-reference><document-id document-id-type="docdb">'
        f"<country>{country}</country><doc-number>{number}</doc-number><kind>{kind}</kind><date>{day}</date>"
        "</document-id></publication-reference><application-reference><document-id document-id-type='docdb'>"
        "<country>US</country><doc-number>87951510</doc-number><kind>A</kind><date>20100910</date></document-id>"
        f"</application-reference>{''.join(events)}</ops:family-member>"
    )


def read(tmp_path: Path, body: str | bytes) -> ListOutput:
    path = tmp_path / "response.xml"
    path.write_bytes(body if isinstance(body, bytes) else body.encode())
    out = ListOutput()
    READER.read(path, out, ReadOptions())
    return out


def response(body: str) -> str:
    return f"{HEAD}{OPEN}{body}</ops:world-patent-data>"


def test_priorities_that_the_office_does_not_count_are_left_out(tmp_path: Path) -> None:
    claims = "".join(
        f'<priority-claim kind="{kind}"><document-id document-id-type="docdb"><country>{country}</country>'
        f"<doc-number>{number}</doc-number><kind>{letter}</kind></document-id>"
        f"<priority-active-indicator>{active}</priority-active-indicator></priority-claim>"
        for kind, country, number, letter, active in (
            ("national", "CN", "201310123456", "A", "YES"), ("international", "US", "2014012345", "W", "YES"),
            ("national", "US", "61790730", "P", "NO"),
        )
    )  # fmt: skip
    body = BIBLIO.replace("<priority-claims>", f"<priority-claims>{claims}")
    found = {
        r["application_number"]: (r["office"], r["kind"]) for r in read(tmp_path, response(body)).rows["priorities"]
    }
    assert found == {
        "CN201310123456.2": ("CN", "paris"), "PCTUS2014012345": ("US", "international"), "NL19981010536": ("NL", "paris"),
    }  # fmt: skip


def test_biblio(tmp_path: Path) -> None:
    out = read(tmp_path, response(BIBLIO))
    row = out.rows["patents"][0]
    assert (row["patent_id"], row["publication_number"]) == ("EP1000001", "EP1000001B1")
    assert (row["title"], row["title_language"]) == ("Apparatus & more", "en")
    assert row["application_number"] == "EP99203729"
    assert row["filing_date"] == date(1999, 11, 8)
    assert row["priority_date"] == date(1998, 11, 12)
    assert row["grant_date"] == row["publication_date"] == date(2003, 1, 15)
    assert row["primary_ipc"] == "A01B1/02"
    assert [(r["application_number"], r["priority_date"], r["kind"]) for r in out.rows["priorities"]] == [
        ("NL19981010536", date(1998, 11, 12), "paris")
    ]
    assert [(r["scheme"], r["symbol"], r["is_inventive"]) for r in out.rows["classifications"]] == [
        ("ipc", "A01B1/02", True), ("ipc", "B28B5/02", False), ("cpc", "B28B1/29", True),
    ]  # fmt: skip
    assert [(r["name"], r["country"]) for r in out.rows["parties"]] == [
        ("EXAMPLE BV", "NL"),
        ("MUSTERMANN ERIKA", "DE"),
    ]
    cited = out.rows["citations"][0]
    assert (cited["cited_id"], cited["category"], cited["origin"]) == ("DE2554785", "XY", "search_report")
    assert out.rows["nonpatent_citations"][0]["origin"] == "applicant"
    assert out.rows["texts"][0] | {"part": "abstract", "text": "An apparatus."} == out.rows["texts"][0]
    assert out.rules() == {"field.patent_number", "record.not_found"}
    assert (out.records, out.refused) == (2, 1)


def test_claims(tmp_path: Path) -> None:
    body = """<ftxt:fulltext-documents><ftxt:fulltext-document system="ops.epo.org" fulltext-format="text-only">
    <bibliographic-data><publication-reference><document-id document-id-type="docdb"><country>EP</country>
    <doc-number>1000001</doc-number><kind>B1</kind></document-id></publication-reference></bibliographic-data>
    <claims lang="DE"><claim><claim-text>1. Pfanne.</claim-text></claim></claims>
    <claims lang="EN"><claim><claim-text>1. A pan.</claim-text><claim-text>2. The pan of claim 1.</claim-text></claim>
    </claims><description lang="EN"><p>First.</p><p>Second.</p></description></ftxt:fulltext-document>
    </ftxt:fulltext-documents>"""
    out = read(tmp_path, response(body))
    assert [(r["claim_number"], r["text"], r["is_independent"]) for r in out.rows["claims"]] == [
        (1, "A pan.", True), (2, "The pan of claim 1.", False),
    ]  # fmt: skip
    assert out.rows["texts"][0]["text"] == "First.\nSecond."
    assert out.rows["patents"][0]["claim_count"] == 2


def test_family_and_legal_events(tmp_path: Path) -> None:
    owner = '<ops:L509EP desc="OWNER">EXAMPLE BANK, N.A.</ops:L509EP><ops:L525EP desc="Effective DATE">20100105</ops:L525EP>'
    events = [
        event("AS", text="SECURITY INTEREST;ASSIGNOR:EXAMPLE INC;REEL/FRAME:1/2", extra=owner, desc="ASSIGNMENT"),
        event("AS", text="ASSIGNMENT OF ASSIGNORS INTEREST", desc="ASSIGNMENT"),
        event("FPAY", day="2015-10-07", extra='<ops:L520EP desc="Year of Fee Payment">4</ops:L520EP>'),
        event("LAPS", day="2024-05-27"),
        event("ZZZZ", day="2020-01-01"),
        event("REG", extra="<ops:L501EP>DE</ops:L501EP><ops:L502EP>R119</ops:L502EP>"),
        event("CC", day="not a day"),
    ]
    body = (
        '<ops:patent-family legal="true" total-result-count="2">'
        + member("US", "2010331289", "A1", "20101230", *events)
        + member("US", "8163723", "B2", "20120424", *events[:1])
        + "</ops:patent-family>"
    )
    out = read(tmp_path, response(body))
    assert {(r["member_id"], r["grant_date"]) for r in out.rows["families"]} == {
        ("US20100331289", None), ("US8163723", date(2012, 4, 24)),
    }  # fmt: skip
    assert {r["family_id"] for r in out.rows["families"]} == {"docdb:42"}
    rows = [r for r in out.rows["legal_events"] if r["patent_id"] == "US20100331289"]
    kinds = {(r["code"], r["event_kind"]) for r in rows}
    assert kinds == {
        ("US.AS", "pledged"), ("US.AS", "transferred"), ("US.FPAY", "annuity_paid"), ("US.LAPS", "lapsed"),
        ("US.ZZZZ", "other"), ("DE.R119", "lapsed"),
    }  # fmt: skip
    pledge = next(r for r in rows if r["event_kind"] == "pledged")
    assert (pledge["event_date"], pledge["recorded_date"]) == (date(2010, 1, 5), date(2010, 2, 3))
    assert out.by("parties", "party_id")[pledge["party_id"]]["name"] == "EXAMPLE BANK, N.A."
    assert next(r for r in rows if r["code"] == "US.FPAY")["fee_year"] == 4
    same = [r["event_id"] for r in out.rows["legal_events"] if r["event_kind"] == "pledged"]
    assert len(same) == 2
    assert len(set(same)) == 1, "one event listed under two publications of one application is one event"
    assert out.log.count(rule="inpadoc.unknown_code") == 1
    assert out.log.count(rule="legal.no_date") == 1


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
LOCAL = '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/hostname">]>'


@pytest.mark.parametrize("doctype", [BOMB, LOCAL])
def test_entities_are_refused(tmp_path: Path, doctype: str) -> None:
    out = read(tmp_path, HEAD + doctype + OPEN + BIBLIO.replace("Apparatus", "&b;&f;") + "</ops:world-patent-data>")
    assert out.log.count(severity=Severity.FATAL) == 1
    assert not out.rows


def test_truncated_empty_and_wrongly_encoded(tmp_path: Path) -> None:
    body = response(BIBLIO + BIBLIO.replace("1000001", "1000002"))
    out = read(tmp_path, body[: len(body) - 1200])
    assert [r["patent_id"] for r in out.rows["patents"]] == ["EP1000001"]
    assert out.log.count(rule="file.xml", severity=Severity.FATAL) == 1
    out = read(tmp_path, response("<ops:meta/>"))
    assert out.rules() == {"file.empty"}
    out = read(tmp_path, response(BIBLIO).encode().replace(b"Vorrichtung", b"\xff\xfe\xff"))
    assert out.log.count(rule="file.xml") == 1
    out = read(tmp_path, b"")
    assert out.log.count(severity=Severity.FATAL) == 1
    assert READER.accepts(Path("x.xml"), response("").encode())
    assert not READER.accepts(Path("x.xml"), b"<us-patent-grant/>")


def test_code_table() -> None:
    table = code_table()
    assert {office for office, _ in table} >= {"CN", "US", "EP", "DE", "JP", "KR", "WO"}
    assert {m.grade for meanings in table.values() for m in meanings} == {Grade.PUBLISHED, Grade.RECALLED}
    for meanings in table.values():
        assert all(m.pattern for m in meanings[:-1]), f"{meanings[0]}: only the last meaning may match any text"
        assert not meanings[-1].pattern, f"{meanings[0]}: a code needs a meaning without pattern"
    assert [event_of("CN", code).event_kind for code in ("PE01", "PC01", "CF01 ", "IW01", "PP01")] == [  # type: ignore[union-attr]
        "pledged", "pledge_released", "lapsed", "invalidated", "preserved",
    ]  # fmt: skip
    assert event_of("EP", "PG25").event_kind == "other"  # type: ignore[union-attr]
    assert event_of("XX", "PE01") is None
