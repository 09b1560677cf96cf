"""Grants and applications in XML v4.x (since 2005), by the office's red book."""

from __future__ import annotations

from typing import Any, TypeAlias

from zhirong.evidence.publications import CitedDocument, EarlierApplication, NamedParty, Publication
from zhirong.evidence.rows import RowContext
from zhirong.evidence.uspto.documents import text_of
from zhirong.evidence.uspto.shared import application_number, cited_patent, earliest, origin_of, packed_ipc, packed_uspc
from zhirong.kernel.identifiers import PatentNumber

__all__ = ["read"]

Element: TypeAlias = Any
"""An lxml element; the library ships no types."""


def read(root: Element, record: RowContext) -> Publication | None:
    """Return a document, or None with a finding when it has no number."""
    bib = root.find("us-bibliographic-data-grant")
    is_grant = bib is not None
    if bib is None:
        bib = root.find("us-bibliographic-data-application")
    if bib is None:
        record.refuse("uspto.no_bibliography", "the document has no bibliographic data", str(root.tag))
        return None
    number = _number(bib.find("publication-reference/document-id"), record)
    if number is None:
        record.refuse("uspto.no_number", "the document has no publication number", "publication-reference")
        return None
    record.record_id = number.patent_id
    published = record.date(bib.findtext("publication-reference/document-id/date"), "publication-reference.date")
    filed = record.date(bib.findtext("application-reference/document-id/date"), "application-reference.date")
    earlier = _earlier_applications(bib, record)
    item = Publication(
        number=number,
        application_number=application_number(
            bib.findtext("us-application-series-code"), bib.findtext("application-reference/document-id/doc-number")
        ),
        title=text_of(bib.find("invention-title")),
        title_language="en",
        filing_date=filed,
        publication_date=published,
        grant_date=published if is_grant else None,
        priority_date=earliest([filed, *(one.dated for one in earlier)]),
        priorities=earlier,
        earlier_publication_id=_earlier(bib, record),
        term_extension_days=record.count(bib.findtext("us-term-of-grant/us-term-extension"), "us-term-extension"),
        is_government_interest=root.find(".//us-govt-interest") is not None or _government(root) or None,
    )
    _classes(bib, item)
    _parties(bib, item)
    _cited(bib, item, record)
    _texts(root, item)
    item.claim_count = record.count(bib.findtext("number-of-claims"), "number-of-claims") or len(item.claims) or None
    return item


def _number(element: Element | None, record: RowContext) -> PatentNumber | None:
    if element is None:
        return None
    return record.number(
        element.findtext("doc-number"), "publication-reference", office=element.findtext("country") or "US",
        kind=element.findtext("kind"),
    )  # fmt: skip


def _government(root: Element) -> bool:
    """Return whether the description has the heading of a government's rights."""
    description = root.find("description")
    headings = description.iter("heading") if description is not None else ()
    said = ("".join(heading.itertext()).upper() for heading in headings)
    return any("GOVERNMENT" in text or "FEDERALLY" in text for text in said)


_RELATIONS = {
    "continuation": "continuation", "continuing-reissue": "continuation", "division": "division",
    "us-divisional-reissue": "division", "continuation-in-part": "continuation_in_part", "reissue": "reissue",
    "us-provisional-application": "provisional", "a-371-of-international": "international",
}  # fmt: skip


def _earlier_applications(bib: Element, record: RowContext) -> list[EarlierApplication]:
    """Return claimed priorities, parents and provisional applications, in the order of the document."""
    found = [
        _earlier_application(claim, "paris", record)
        for claim in bib.iterfind("priority-claims/priority-claim")
    ]  # fmt: skip
    related = bib.find("us-related-documents")
    for relation in related if related is not None else ():
        kind = _RELATIONS.get(str(relation.tag), "other")
        places = "document-id" if kind == "provisional" else ".//parent-doc/document-id"
        if relation.tag != "related-publication":
            found += [_earlier_application(one, kind, record) for one in relation.iterfind(places)]
    return [one for one in found if one is not None]


def _earlier_application(element: Element, kind: str, record: RowContext) -> EarlierApplication | None:
    dated = record.date(element.findtext("date"), "priority.date", default_day=1)
    number, office = (element.findtext("doc-number") or "").strip(), (element.findtext("country") or "").strip()[:2]
    return EarlierApplication(number, kind, office.upper() or None, dated) if number else None


def _earlier(bib: Element, record: RowContext) -> str | None:
    prior = bib.find("us-related-documents/related-publication/document-id")
    number = _number(prior, record)
    return number.patent_id if number is not None else None


def _symbol(element: Element) -> str:
    part = {child.tag: (child.text or "").strip() for child in element}
    head = "".join(part.get(name, "") for name in ("section", "class", "subclass", "main-group"))
    return f"{head}/{part.get('subgroup', '')}"


def _classes(bib: Element, item: Publication) -> None:
    for element in bib.iterfind("classifications-ipcr/classification-ipcr"):
        item.classes.append(("ipc", _symbol(element), element.findtext("classification-value") == "I"))
    for old in bib.iterfind("classification-ipc"):
        for place in ("main-classification", "further-classification"):
            item.classes += [
                ("ipc", packed_ipc(e.text or ""), place == "main-classification") for e in old.iterfind(place)
            ]
    for place in (
        "classifications-cpc/main-cpc/classification-cpc",
        "classifications-cpc/further-cpc/classification-cpc",
    ):
        for element in bib.iterfind(place):
            item.classes.append(("cpc", _symbol(element), element.findtext("classification-value") == "I"))
    national = bib.find("classification-national")
    if national is not None:
        for place in ("main-classification", "further-classification"):
            item.classes += [("uspc", packed_uspc(e.text), None) for e in national.iterfind(place) if e.text]
    for locarno in bib.iterfind("classification-locarno/main-classification"):
        item.classes.append(("locarno", (locarno.text or "").strip(), None))


def _parties(bib: Element, item: Publication) -> None:
    holder = bib.find("us-parties")
    holder = holder if holder is not None else bib.find("parties")
    if holder is not None:
        for applicant in [*holder.iterfind("us-applicants/us-applicant"), *holder.iterfind("applicants/applicant")]:
            role = "inventor" if "inventor" in (applicant.get("app-type") or "") else "applicant"
            _party(applicant, role, item)
        for inventor in holder.iterfind("inventors/inventor"):
            _party(inventor, "inventor", item)
    for assignee in bib.iterfind("assignees/assignee"):
        _party(assignee, "assignee", item)


def _party(element: Element, role: str, item: Publication) -> None:
    book = element.find("addressbook")
    book = book if book is not None else element
    organisation = text_of(book.find("orgname"))
    person = " ".join(filter(None, (text_of(book.find("first-name")), text_of(book.find("last-name")))))
    name = organisation or person
    if name:
        country = book.findtext("address/country") or element.findtext("residence/country")
        item.parties.append(
            NamedParty(
                name,
                role,
                country=country,
                party_type=None if organisation else "person",
                city=book.findtext("address/city"),
            )
        )


def _cited(bib: Element, item: Publication, record: RowContext) -> None:
    holder = bib.find("us-references-cited")
    holder = holder if holder is not None else bib.find("references-cited")
    if holder is None:
        return
    for citation in holder:
        parts = {part.tag: part for part in citation}
        category = parts["category"].text if "category" in parts else None
        patent = parts["patcit"].find("document-id") if "patcit" in parts else None
        if patent is not None:
            said = {field.tag: field.text for field in patent}
            cited = cited_patent(
                record, said.get("country"), said.get("doc-number") or "", kind=said.get("kind"), dated=said.get("date"),
                category=category,
            )  # fmt: skip
            if cited is not None:
                item.cited.append(cited)
        elif (other := text_of(parts.get("nplcit"))) is not None:
            item.cited.append(CitedDocument(text=other, origin=origin_of(category)))


def _texts(root: Element, item: Publication) -> None:
    for part in ("abstract", "description"):
        if (text := text_of(root.find(part))) is not None:
            item.texts.append((part, "en", text))
    for place, claim in enumerate(root.findall("claims/claim"), 1):
        text = text_of(claim)
        if text:
            stated = (claim.get("num") or "").lstrip("0")
            item.claims.append((int(stated) if stated.isdigit() else place, text))
