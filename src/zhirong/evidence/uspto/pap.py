"""Published applications of 2001 to 2004, by the office's first application format."""

from __future__ import annotations

from typing import Any, TypeAlias

from zhirong.evidence.publications import NamedParty, Publication
from zhirong.evidence.rows import RowContext
from zhirong.evidence.uspto.documents import text_of
from zhirong.evidence.uspto.shared import application_number, earliest

__all__ = ["read"]

Element: TypeAlias = Any
"""An lxml element; the library ships no types."""


def read(root: Element, record: RowContext) -> Publication | None:
    """Return a document, or None with a finding when it has no number."""
    bib = root.find("subdoc-bibliographic-information")
    if bib is None:
        record.refuse(
            "uspto.no_bibliography", "the document has no bibliographic data", "subdoc-bibliographic-information"
        )
        return None
    kind = text_of(bib.find("document-id/kind-code"))
    number = record.number(text_of(bib.find("document-id/doc-number")), "document-id", office="US", kind=kind)
    if number is None:
        record.refuse("uspto.no_number", "the document has no number", "document-id")
        return None
    record.record_id = number.patent_id
    filing = bib.find("domestic-filing-data")
    filed = record.date(text_of(filing.find("filing-date")), "filing-date") if filing is not None else None
    related = [*bib.iterfind("continuity-data//parent/document-id/document-date"), *bib.iterfind("continuity-data//document-date"),
               *bib.iterfind("foreign-priority-data/filing-date")]  # fmt: skip
    item = Publication(
        number=number,
        application_number=_application(filing),
        title=text_of(bib.find("technical-information/title-of-invention")),
        title_language="en",
        filing_date=filed,
        publication_date=record.date(text_of(bib.find("document-id/document-date")), "document-date"),
        priority_date=earliest([filed, *(record.date(text_of(e), "priority.date", default_day=1) for e in related)]),
    )
    _classes(bib, item)
    _parties(bib, item)
    for part, place in (("abstract", "subdoc-abstract"), ("description", "subdoc-description")):
        if (text := text_of(root.find(place))) is not None:
            item.texts.append((part, "en", text))
    for position, claim in enumerate(root.findall("subdoc-claims/claim"), 1):
        if text := text_of(claim):
            item.claims.append((position, text))
    item.claim_count = len(item.claims) or None
    return item


def _application(filing: Element | None) -> str | None:
    if filing is None:
        return None
    return application_number(
        text_of(filing.find("application-number-series-code")), text_of(filing.find("application-number/doc-number"))
    )


def _classes(bib: Element, item: Publication) -> None:
    technical = bib.find("technical-information")
    if technical is None:
        return
    ipc = technical.find("classification-ipc")
    if ipc is not None:
        item.classes += [("ipc", text_of(e) or "", True) for e in ipc.iterfind("classification-ipc-primary/ipc")]
        item.classes += [("ipc", text_of(e) or "", False) for e in ipc.iterfind("classification-ipc-secondary/ipc")]
    for uspc in technical.iterfind("classification-us//uspc"):
        head, tail = text_of(uspc.find("class")), text_of(uspc.find("subclass"))
        if head:
            item.classes.append(("uspc", f"{head}/{tail}" if tail else head, None))


def _parties(bib: Element, item: Publication) -> None:
    for place in ("inventors/first-named-inventor", "inventors/inventor"):
        for inventor in bib.iterfind(place):
            name = " ".join(
                filter(None, (text_of(inventor.find("name/given-name")), text_of(inventor.find("name/family-name"))))
            )
            if name:
                country = text_of(inventor.find("residence//country-code"))
                item.parties.append(
                    NamedParty(
                        name,
                        "inventor",
                        country=country,
                        party_type="person",
                        city=text_of(inventor.find("residence//city")),
                    )
                )
    for assignee in bib.iterfind("assignee"):
        if organisation := text_of(assignee.find("organization-name")):
            country = text_of(assignee.find("address/country/country-code"))
            item.parties.append(
                NamedParty(organisation, "assignee", country=country, city=text_of(assignee.find("address/city")))
            )
