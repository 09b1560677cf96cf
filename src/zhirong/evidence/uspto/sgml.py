"""Grants of 2001 to 2004 by WIPO standard ST.32, in XML or in the SGML that bulk files hold."""

from __future__ import annotations

from typing import Any, TypeAlias

from zhirong.evidence.names import PartyType
from zhirong.evidence.publications import CitedDocument, NamedParty, Publication
from zhirong.evidence.rows import RowContext
from zhirong.evidence.uspto.documents import text_of
from zhirong.evidence.uspto.shared import application_number, cited_patent, earliest, packed_ipc, packed_uspc
from zhirong.kernel.identifiers import RightType

__all__ = ["read"]

Element: TypeAlias = Any
"""An lxml element; the library ships no types."""


def read(root: Element, record: RowContext) -> Publication | None:
    """Return a document, or None with a finding when it has no number."""
    bib = root.find("SDOBI")
    if bib is None:
        record.refuse("uspto.no_bibliography", "the document has no bibliographic data", "SDOBI")
        return None
    kind = text_of(bib.find("B100/B130"))
    number = record.number(text_of(bib.find("B100/B110")), "B110", office="US", kind=kind)
    if number is None:
        record.refuse("uspto.no_number", "the document has no number", "B110")
        return None
    record.record_id = number.patent_id
    granted = record.date(text_of(bib.find("B100/B140")), "B140")
    filed = record.date(text_of(bib.find("B200/B220")), "B220")
    priorities = [record.date(text_of(e), "B320", default_day=1) for e in bib.iterfind("B300/B320")]
    parents = [record.date(text_of(e), "B600.date", default_day=1) for e in bib.iterfind("B600//PDOC/DOC/DATE")]
    item = Publication(
        number=number,
        application_number=application_number(text_of(bib.find("B200/B211US")), text_of(bib.find("B200/B210"))),
        title=text_of(bib.find("B500/B540")),
        title_language="en",
        filing_date=filed,
        publication_date=granted,
        grant_date=granted,
        priority_date=earliest([filed, *priorities, *parents]),
        is_government_interest=root.find(".//GOVINT") is not None or None,
    )
    _classes(bib, item)
    _parties(bib, item)
    _cited(bib, item, record)
    for part, place in (("abstract", "SDOAB"), ("description", "SDODE")):
        if (text := text_of(root.find(place))) is not None:
            item.texts.append((part, "en", text))
    for place_number, claim in enumerate(root.findall("SDOCL/CL/CLM"), 1):
        if text := text_of(claim):
            item.claims.append((place_number, text))
    item.claim_count = record.count(text_of(bib.find("B500/B570/B577")), "B577") or len(item.claims) or None
    return item


def _classes(bib: Element, item: Publication) -> None:
    if item.number.right_type is RightType.DESIGN:
        item.classes += [("locarno", _raw(e), None) for e in bib.iterfind("B500/B510/B511")]
        return _national(bib, item)
    for place, inventive in (("B500/B510/B511", True), ("B500/B510/B512", False)):
        item.classes += [("ipc", packed_ipc(_raw(e)), inventive) for e in bib.iterfind(place)]
    return _national(bib, item)


def _national(bib: Element, item: Publication) -> None:
    for place in ("B500/B520/B521", "B500/B520/B522"):
        item.classes += [("uspc", packed_uspc(_raw(e)), None) for e in bib.iterfind(place)]


def _raw(element: Element) -> str:
    """Return text with its blanks, which carry meaning in packed symbols."""
    return "".join(str(part) for part in element.itertext()).strip()


def _parties(bib: Element, item: Publication) -> None:
    for place, role in (("B700/B720/B721", "inventor"), ("B700/B730/B731", "assignee")):
        for holder in bib.iterfind(place):
            party = holder.find("PARTY-US")
            if party is None:
                continue
            organisation = text_of(party.find("NAM/ONM"))
            person = " ".join(filter(None, (text_of(party.find("NAM/FNM")), text_of(party.find("NAM/SNM")))))
            name = organisation or person
            if name:
                country = text_of(party.find("ADR/CTRY")) or "US"
                kind: PartyType | None = None if organisation else "person"
                item.parties.append(
                    NamedParty(name, role, country=country, party_type=kind, city=text_of(party.find("ADR/CITY")))
                )


def _cited(bib: Element, item: Publication, record: RowContext) -> None:
    for holder in bib.iterfind("B500/B560/B561"):
        category = "examiner" if holder.find("CITED-BY-EXAMINER") is not None else "other"
        for patent in holder.iterfind("PCIT"):
            document = patent.find("DOC")
            if document is None:
                continue
            country = text_of(patent.find("DOC/CTRY")) or text_of(document.find("CTRY"))
            cited = cited_patent(
                record, country, text_of(document.find("DNUM")) or "", kind=text_of(document.find("KIND")),
                dated=text_of(document.find("DATE")), category=category,
            )  # fmt: skip
            if cited is not None:
                item.cited.append(cited)
    for holder in bib.iterfind("B500/B560/B562"):
        origin = "examiner" if holder.find("CITED-BY-EXAMINER") is not None else "other"
        item.cited += [
            CitedDocument(text=text, origin=origin) for text in map(text_of, holder.iterfind("NCIT")) if text
        ]
