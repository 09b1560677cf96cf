"""Priorities, parents and days of term adjustment of the office's XML: by hand, and as the sample documents print them."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from list_output import ListOutput

from zhirong.evidence.formats import reader_named
from zhirong.evidence.reading import ReadOptions

XML = """<?xml version="1.0" encoding="UTF-8"?>
<us-patent-grant><us-bibliographic-data-grant>
<publication-reference><document-id><country>US</country><doc-number>09999001</doc-number><kind>B2</kind><date>20180612</date></document-id></publication-reference>
<application-reference><document-id><country>US</country><doc-number>14711111</doc-number><date>20150513</date></document-id></application-reference>
<us-application-series-code>14</us-application-series-code>
<us-term-of-grant>{term}</us-term-of-grant>
<priority-claims><priority-claim sequence="01" kind="national"><country>CN</country><doc-number>2013 1 0123456</doc-number><date>20130401</date></priority-claim></priority-claims>
<us-related-documents>
<continuation-in-part><relation><parent-doc><document-id><country>US</country><doc-number>13000001</doc-number><date>20110101</date></document-id>
<parent-grant-document><document-id><country>US</country><doc-number>8000001</doc-number></document-id></parent-grant-document></parent-doc>
<child-doc><document-id><country>US</country><doc-number>14711111</doc-number></document-id></child-doc></relation></continuation-in-part>
<us-provisional-application><document-id><country>US</country><doc-number>61790730</doc-number><date>20100315</date></document-id></us-provisional-application>
<related-publication><document-id><country>US</country><doc-number>20150333333</doc-number><kind>A1</kind><date>20151119</date></document-id></related-publication>
</us-related-documents>
<invention-title>Fryer</invention-title>
</us-bibliographic-data-grant></us-patent-grant>
"""


def read(path: Path) -> ListOutput:
    out = ListOutput()
    reader_named("uspto-xml").read(path, out, ReadOptions())
    return out


def test_what_a_grant_rests_on(tmp_path: Path) -> None:
    path = tmp_path / "grant.xml"
    path.write_text(XML.format(term="<us-term-extension>306</us-term-extension>"), "utf-8")
    out = read(path)
    assert [(r["application_number"], r["office"], r["kind"], r["priority_date"]) for r in out.rows["priorities"]] == [
        ("CN201310123456.2", "CN", "paris", date(2013, 4, 1)),
        ("US13000001", "US", "continuation_in_part", date(2011, 1, 1)),
        ("US61790730", "US", "provisional", date(2010, 3, 15)),
    ]
    row = out.rows["patents"][0]
    assert (row["priority_date"], row["earlier_publication_id"]) == (date(2010, 3, 15), "US20150333333")
    assert row["term_extension_days"] == 306


@pytest.mark.parametrize(
    ("term", "days"),
    [("", None), ("<us-term-extension>0</us-term-extension>", 0), ("<us-term-extension>x</us-term-extension>", None)],
)
def test_days_not_stated_are_unknown(tmp_path: Path, term: str, days: int | None) -> None:
    path = tmp_path / "grant.xml"
    path.write_text(XML.format(term=term), "utf-8")
    assert read(path).rows["patents"][0]["term_extension_days"] == days


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "days"),
    [
        ("xml2004__US06859910.xml", 802),
        ("xml2004__US06970935.xml", 730),
        ("xml2006__US07272630B2.xml", 36),
        ("xml2014__US08926509.xml", 605),
        ("xml2014__US08930553.xml", 129),
        ("xml2014__US08927118.xml", None),
    ],
)
def test_days_of_the_sample_documents(shared_data: Path, name: str, days: int | None) -> None:
    out = read(shared_data / "uspto_xml_samples" / name)
    assert out.rows["patents"][0]["term_extension_days"] == days
