"""Patent Public Search records: made-up ones, and the check figures of the real set beside the project."""

from __future__ import annotations

import gzip
import json
from datetime import date
from pathlib import Path

import pytest
from list_output import ListOutput

from zhirong.evidence.ppubs import PpubsReader
from zhirong.evidence.reading import ReadOptions
from zhirong.kernel.findings import Severity

READER = PpubsReader()
HEAD = (
    "guid,doc_number,type,title,pub_date,app_date,app_no,assignee,assignee_type,applicant_type,cpc_inventive,"
    "cpc_additional,ipc,uspc,family_id,n_claims,pages,priority,gov_interest,n_back_us\n"
)


def read(path: Path) -> ListOutput:
    assert READER.accepts(path, path.read_bytes()[:65536])
    out = ListOutput()
    READER.read(path, out, ReadOptions())
    return out


def test_documents(tmp_path: Path) -> None:
    path = tmp_path / "patents.csv"
    path.write_text(
        HEAD
        + "US-10493327-B2,10493327,USPAT,Ball,2019-12-03,2017-03-14,15/458820,Example Inc.; Beispiel AG,organisation,,"
        "A63B39/00;A63B43/002,A63B37/06,A63B39/00,1/1,616,20,15,1997-12-30T00:00:00Z,Made with support,52\n"
        "US-20190001234-A1,20190001234,US-PGPUB,Net,2019-01-03,2018-03-14,,,,,,,,2/19;2/20,,,,,,\n"
        "nothing,1,USPAT,,,,,,,,,,,,,,,,,\n",
        encoding="utf-8",
    )
    out = read(path)
    first, second = out.rows["patents"]
    assert (first["grant_date"], first["priority_date"]) == (date(2019, 12, 3), date(1997, 12, 30))
    assert (first["application_number"], first["family_id"]) == ("US15458820", "docdb:616")
    assert (first["claim_count"], first["page_count"], first["is_government_interest"]) == (20, 15, True)
    assert (second["grant_date"], second["is_government_interest"]) == (None, None)
    assert [(r["scheme"], r["symbol"], r["is_inventive"]) for r in out.rows["classifications"]] == [
        ("ipc", "A63B39/00", None), ("cpc", "A63B39/00", True), ("cpc", "A63B43/002", True),
        ("cpc", "A63B37/06", False), ("uspc", "2/19", None), ("uspc", "2/20", None),
    ]  # fmt: skip
    assert len(out.rows["parties"]) == 2
    assert (out.records, out.refused, out.rules()) == (3, 1, {"field.patent_number"})


def test_citation_pairs_and_full_texts(tmp_path: Path) -> None:
    path = tmp_path / "us_citations.csv"
    path.write_text("citing,cited\n10493327,RE29303\n10493327,2005/0026521\n10493327,??\n")
    out = read(path)
    assert [r["cited_id"] for r in out.rows["citations"]] == ["USRE29303", "US20050026521"]
    assert out.refused == 1
    path = tmp_path / "fulltext_claims.json"
    item = {
        "guid": "US-11554372-B1", "title": "Assay", "abstract": "CO.sub.2 <br /> assay", "brief": "FIELD<br />(1) Beads",
        "claims": "1. A cartridge (2. not a claim) comprising: a bead. <br /> 2. The cartridge according to claim 1.",
        "cpc": "B01L3/502715", "back_us": ["4868131", "RE1234"], "n_npl": "3",
        "back_us_detail": [{"country": "US", "number": "4868131", "kind": "A", "date": "19890900", "cited_by": "applicant"}],
        "foreign_ref": ["JP S60054618 U 19850400 cited by applicant", "WO WO 2018/097796 20180500 cited by examiner", "?"],
        "continuity": [
            "continuation parent-doc US 17000001 20210716 PENDING child-doc US 17546565",
            "parent US continuation-in-part 17000002 20220531 \n child US 17828585 WO continuation PCT/US2021/041988 20211301",
            "us-provisional-application US 63010600 20220611\n<br />", "Ser. No. 08/042,978, filed Apr. 5, 1993",
        ],
    }  # fmt: skip
    path.write_text(json.dumps([item, 3, item | {"guid": "US-2-A"}]))
    out = read(path)
    assert out.rows["patents"][0]["priority_date"] == date(2021, 7, 16)
    assert [(r["application_number"], r["kind"]) for r in out.rows["priorities"] if r["patent_id"] == "US11554372"] == [
        ("US17000001", "continuation"), ("US17000002", "continuation_in_part"), ("US63010600", "provisional"),
    ]  # fmt: skip
    assert [r["is_independent"] for r in out.rows["claims"]][:2] == [True, False]
    cited = out.by("citations", "citing_id", "cited_id")
    assert cited[("US11554372", "US4868131")]["cited_date"] == date(1989, 9, 1)
    assert cited[("US11554372", "US4868131")]["origin"] == "applicant"
    assert {c for a, c in cited if a == "US2"} == {"US4868131", "USRE1234", "JPS60054618", "WO2018097796"}
    assert len(out.rows["nonpatent_citations"]) == 6
    assert {r["text"] for r in out.rows["nonpatent_citations"]} == {None}
    assert (out.records, out.refused) == (3, 1)
    path.write_text(json.dumps([item, item | {"guid": "US-2-A"}])[:-300])
    out = read(path)
    assert {r["patent_id"] for r in out.rows["patents"]} == {"US11554372"}
    assert out.log.count(rule="file.truncated", severity=Severity.FATAL) == 1


@pytest.mark.realdata
def test_check_figures_of_the_real_set(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "uspto_ppubs"
    out = read(folder / "patents.csv")
    assert len(out.rows["patents"]) == out.records == 901
    assert sum(r["grant_date"] is not None for r in out.rows["patents"]) == 847
    assert sum(r["is_government_interest"] is True for r in out.rows["patents"]) == 25
    assert {r["office"] for r in out.rows["patents"]} == {"US"}
    assert out.refused == 0
    pairs = tmp_path / "us_citations.csv"
    pairs.write_bytes(gzip.decompress((folder / "us_citations.csv.gz").read_bytes()))
    graph = read(pairs)
    assert (graph.records, graph.refused) == (66_735, 0)
    edges = [(r["citing_id"], r["cited_id"]) for r in graph.rows["citations"]]
    assert len(edges) == 66_735
    assert sum(cited == "US6103599" for _, cited in edges) == 136
    known = {r["patent_id"] for r in out.rows["patents"]}
    inside = [edge for edge in edges if edge[0] in known and edge[1] in known]
    assert len(inside) == 493, "492 by spelling, and one plant patent that one file pads with a zero"
    assert sum(not cited.startswith("USPP") for _, cited in inside) == 492
    texts = read(folder / "fulltext_claims.json")
    assert len(texts.rows["patents"]) == 42
    stated = {r["patent_id"]: r["claim_count"] for r in out.rows["patents"]}
    counted = {r["patent_id"]: r["claim_count"] for r in texts.rows["patents"]}
    both = {patent for patent, n in counted.items() if n is not None and stated.get(patent) is not None}
    assert len(both) == 22, "one of the 23 stated counts is of a reissue, which prints cancelled claims too"
    assert {patent: counted[patent] for patent in both} == {patent: stated[patent] for patent in both}
    assert counted["US20170370151"] == 14, "claims 1-6 were cancelled, 7-20 remain"
