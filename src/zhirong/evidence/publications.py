"""One publication as several formats know it, and how it becomes rows of the canonical tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from zhirong.evidence.applications import application_key
from zhirong.evidence.names import PartyType, party_row
from zhirong.evidence.rows import RowContext, claim_row
from zhirong.kernel.identifiers import PatentNumber

__all__ = ["CitedDocument", "EarlierApplication", "NamedParty", "Publication", "write_publication"]


@dataclass(frozen=True, slots=True)
class NamedParty:
    """A name in a role; `party_type` only where the source states it."""

    name: str
    role: str
    country: str | None = None
    party_type: PartyType | None = None
    city: str | None = None


@dataclass(frozen=True, slots=True)
class CitedDocument:
    """A cited document: a patent by `number`, or another text; neither where the source withholds the text."""

    number: PatentNumber | None = None
    text: str | None = None
    category: str | None = None
    origin: str | None = None
    dated: date | None = None


@dataclass(frozen=True, slots=True)
class EarlierApplication:
    """An application on which a patent rests: its number as written, and what the source says of it."""

    number: str
    kind: str
    office: str | None = None
    dated: date | None = None


@dataclass(slots=True)
class Publication:
    """What a source says about one publication; unset is unknown.

    Parameters
    ----------
    number : PatentNumber
        Publication number.
    is_grant : bool or None
        The publication is a grant; None where the source does not tell.
    classes : list of (scheme, symbol, is_inventive)
        In the order of the document.
    texts : list of (part, language, text)
        Plain texts.
    """

    number: PatentNumber
    application_number: str | None = None
    earlier_publication_id: str | None = None
    title: str | None = None
    title_language: str | None = None
    priority_date: date | None = None
    filing_date: date | None = None
    publication_date: date | None = None
    grant_date: date | None = None
    term_extension_days: int | None = None
    family_id: str | None = None
    family_kind: str | None = None
    page_count: int | None = None
    claim_count: int | None = None
    legal_status: str | None = None
    legal_status_date: date | None = None
    stated_forward_citation_count: int | None = None
    stated_family_size: int | None = None
    stated_at: date | None = None
    is_government_interest: bool | None = None
    classes: list[tuple[str, str, bool | None]] = field(default_factory=list)
    claims: list[tuple[int, str]] = field(default_factory=list)
    texts: list[tuple[str, str, str]] = field(default_factory=list)
    parties: list[NamedParty] = field(default_factory=list)
    cited: list[CitedDocument] = field(default_factory=list)
    priorities: list[EarlierApplication] = field(default_factory=list)


_COPIED = (
    "application_number", "earlier_publication_id", "title", "title_language", "priority_date", "filing_date",
    "publication_date", "grant_date", "term_extension_days", "family_id", "page_count", "legal_status", "legal_status_date",
    "stated_forward_citation_count", "stated_family_size", "stated_at", "is_government_interest",
)  # fmt: skip


def write_publication(item: Publication, record: RowContext) -> None:
    """Write one publication to all tables that it has something for.

    Parameters
    ----------
    item : Publication
        The publication.
    record : RowContext
        Its place in the source; takes findings about class symbols.
    """
    out, patent_id = record.out, item.number.patent_id
    class_rows = []
    for scheme in dict.fromkeys(scheme for scheme, _, _ in item.classes):
        symbols = [(symbol, inventive) for s, symbol, inventive in item.classes if s == scheme]
        class_rows += record.classes(patent_id, scheme, symbols, scheme)
    out.add("patents", {name: getattr(item, name) for name in _COPIED} | {
        "patent_id": patent_id,
        "office": item.number.office,
        "publication_number": item.number.publication_number if item.number.kind else None,
        "kind_code": item.number.kind,
        "right_type": str(item.number.right_type),
        "claim_count": item.claim_count,
        "primary_ipc": _primary(class_rows),
    })  # fmt: skip
    for row in class_rows:
        out.add("classifications", row)
    for number, text in item.claims:
        out.add("claims", claim_row(patent_id, number, text))
    for part, language, text in item.texts:
        out.add("texts", {"patent_id": patent_id, "part": part, "language": language, "text": text})
    if item.family_id is not None:
        _write_member(item, record)
    _write_priorities(item, record)
    _write_parties(item, record)
    _write_cited(item, record)


def _primary(rows: list[dict[str, object]]) -> str | None:
    for scheme, inventive_only in (("ipc", False), ("cpc", True), ("cpc", False)):
        for row in rows:
            if row["scheme"] == scheme and (row["is_inventive"] is not False or not inventive_only):
                return str(row["symbol"])
    return None


def _write_member(item: Publication, record: RowContext) -> None:
    record.out.add("families", {
        "family_id": item.family_id, "member_id": item.number.patent_id, "family_kind": item.family_kind,
        "office": item.number.office, "kind_code": item.number.kind, "application_date": item.filing_date,
        "publication_date": item.publication_date, "grant_date": item.grant_date,
    })  # fmt: skip


def _write_priorities(item: Publication, record: RowContext) -> None:
    """Write earlier applications once each; of two statements about one application the first stands."""
    seen: set[str] = set()
    for earlier in item.priorities:
        number = application_key(earlier.number, office=earlier.office)
        if number is None:
            record.warn("field.application_number", "an earlier application without a readable number", "priorities",
                        earlier.number)  # fmt: skip
        elif number not in seen:
            seen.add(number)
            record.out.add("priorities", {
                "patent_id": item.number.patent_id, "application_number": number, "priority_date": earlier.dated,
                "office": number[3:5] if number.startswith("PCT") else number[:2],
                "kind": earlier.kind,
            })  # fmt: skip


def _write_parties(item: Publication, record: RowContext) -> None:
    sequences: dict[str, int] = {}
    for party in item.parties:
        if not any(c.isalnum() for c in party.name):
            continue
        row = party_row(party.name, party_type=party.party_type, country=party.country, city=party.city)
        sequences[party.role] = sequences.get(party.role, 0) + 1
        record.out.add("parties", row)
        record.out.add("patent_parties", {
            "patent_id": item.number.patent_id, "party_id": row["party_id"], "role": party.role,
            "sequence": sequences[party.role],
        })  # fmt: skip


def _write_cited(item: Publication, record: RowContext) -> None:
    sequence = 0
    seen: set[str] = set()
    for cited in item.cited:
        if cited.number is not None:
            cited_id = cited.number.patent_id
            if cited_id not in seen and cited_id != item.number.patent_id:
                seen.add(cited_id)
                record.out.add("citations", {
                    "citing_id": item.number.patent_id, "cited_id": cited_id, "citing_date": item.publication_date,
                    "cited_date": cited.dated, "category": cited.category, "origin": cited.origin,
                })  # fmt: skip
            continue
        sequence += 1
        record.out.add("nonpatent_citations", {
            "patent_id": item.number.patent_id, "sequence": sequence, "text": cited.text,
            "category": cited.category, "origin": cited.origin,
        })  # fmt: skip
