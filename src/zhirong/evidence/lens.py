"""Lens.org patent export (CSV), by its published column heads.

Several values in one cell are joined by ``;;``. A family is given by its members' display keys; as the export names no
family, the identifier is made of the first member in order, so that every member's own record gives the same one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from zhirong.evidence.heads import headed_rows
from zhirong.evidence.publications import (
    CitedDocument,
    EarlierApplication,
    NamedParty,
    Publication,
    write_publication,
)
from zhirong.evidence.reading import Output, ReadOptions
from zhirong.evidence.rows import RowContext, plain_text
from zhirong.kernel.errors import IdentifierError
from zhirong.kernel.identifiers import PatentNumber, parse_patent_number
from zhirong.kernel.text import Bilingual, detect_language

__all__ = ["LensReader"]

_REQUIRED = ("Jurisdiction", "Display Key", "Lens ID")
_KNOWN = frozenset({
    "#", "Kind", "Publication Number", "Publication Date", "Publication Year", "Application Number",
    "Application Date", "Priority Numbers", "Earliest Priority Date", "Title", "Abstract", "Applicants", "Inventors",
    "Owners", "Owners (US)", "URL", "Document Type", "Type", "Has Full Text", "Cites Patent Count",
    "Cited by Patent Count", "Simple Family Size", "Simple Family Members", "Simple Family Member Jurisdictions",
    "Extended Family Size", "Extended Family Members", "Extended Family Member Jurisdictions", "Sequence Count",
    "CPC Classifications", "IPCR Classifications", "US Classifications", "NPL Citation Count",
    "NPL Resolved Citation Count", "NPL Resolved Lens ID(s)", "NPL Resolved External ID(s)", "NPL Citations",
    "Legal Status",
})  # fmt: skip
_STATUS = {
    "active": "in_force", "patented": "in_force", "pending": "pending", "expired": "expired", "inactive": "lapsed",
    "discontinued": "withdrawn",
}  # fmt: skip
"""The export's words for the stated legal status; others stay unknown."""
_GRANTS = frozenset({"granted patent", "limited patent", "amended patent"})
_SEPARATOR = ";;"


@dataclass(frozen=True, slots=True)
class LensReader:
    """Reader of the CSV export of Lens.org."""

    name: str = "lens"
    version: str = "1"
    description: Bilingual = field(default=Bilingual(zh="Lens.org 专利导出（CSV）", en="Lens.org patent export (CSV)"))

    def accepts(self, path: Path, head: bytes) -> bool:
        """Accept text whose first line has the three heads that only this export has together."""
        first = head.split(b"\n", 1)[0]
        return all(name.encode() in first for name in _REQUIRED)

    def read(self, path: Path, out: Output, options: ReadOptions) -> None:
        """Read one file."""
        rows = headed_rows(path, out, options, required=_REQUIRED, known=_KNOWN, long=("Abstract", "NPL Citations"))
        for record, cells in rows:
            _record(cells, record)


def _parts(cells: Mapping[str, str], head: str) -> list[str]:
    return [part.strip() for part in cells.get(head, "").split(_SEPARATOR) if part.strip()]


def _record(cells: Mapping[str, str], record: RowContext) -> None:
    key = cells["Display Key"]
    try:
        number = parse_patent_number(key, office=cells["Jurisdiction"] or None, kind=cells.get("Kind") or None)
    except IdentifierError as err:
        record.refuse("field.patent_number", str(err), "Display Key", key)
        return
    record.record_id = number.publication_number
    published = record.date(cells.get("Publication Date"), "Publication Date")
    is_grant = (cells.get("Document Type") or cells.get("Type", "")).lower() in _GRANTS
    members = _members(cells, number, record)
    title = plain_text(cells.get("Title", ""))
    publication = Publication(
        number,
        application_number=(_parts(cells, "Application Number") or [""])[0].replace(" ", "") or None,
        title=title or None,
        title_language=detect_language(title) if title else None,
        priority_date=record.date(cells.get("Earliest Priority Date"), "Earliest Priority Date"),
        filing_date=record.date(cells.get("Application Date"), "Application Date"),
        publication_date=published,
        grant_date=published if is_grant else None,
        family_id=_family_id(members) if len(members) > 1 else None,
        family_kind="simple",
        legal_status=_status(cells, record),
        stated_forward_citation_count=record.count(cells.get("Cited by Patent Count"), "Cited by Patent Count"),
        stated_family_size=record.count(cells.get("Simple Family Size"), "Simple Family Size"),
    )
    if text := plain_text(cells.get("Abstract", "")):
        publication.texts.append(("abstract", detect_language(text), text))
    publication.parties = [
        NamedParty(name, role, None, "person" if role == "inventor" else None)
        for head, role in (("Applicants", "applicant"), ("Owners", "owner"), ("Owners (US)", "owner"),
                           ("Inventors", "inventor"))
        for name in _parts(cells, head)
    ]  # fmt: skip
    publication.classes = [
        (scheme, symbol, None)
        for scheme, head in (("ipc", "IPCR Classifications"), ("cpc", "CPC Classifications"),
                             ("uspc", "US Classifications"))
        for symbol in _parts(cells, head)
    ]  # fmt: skip
    publication.cited = _references(cells, record)
    publication.priorities = [
        EarlierApplication(text, {"W": "international", "P": "provisional"}.get(text.rpartition(" ")[2], "paris"))
        for text in _parts(cells, "Priority Numbers")
    ]
    write_publication(publication, record)
    for member in members if len(members) > 1 else []:
        if member.patent_id != number.patent_id:
            record.out.add("families", {
                "family_id": publication.family_id, "member_id": member.patent_id, "family_kind": "simple",
                "office": member.office, "kind_code": member.kind,
            })  # fmt: skip


def _status(cells: Mapping[str, str], record: RowContext) -> str | None:
    stated = cells.get("Legal Status", "").lower()
    if stated and stated not in _STATUS and stated != "unknown":
        record.warn("field.legal_status", f"allowed: {', '.join(_STATUS)}, unknown", "Legal Status", stated)
    return _STATUS.get(stated)


def _members(cells: Mapping[str, str], number: PatentNumber, record: RowContext) -> list[PatentNumber]:
    found = {number.patent_id: number}
    for key in _parts(cells, "Simple Family Members"):
        member = record.number(key, "Simple Family Members")
        if member is not None:
            found.setdefault(member.patent_id, member)
    return list(found.values())


def _family_id(members: list[PatentNumber]) -> str:
    return "lens:" + min(member.patent_id for member in members)


def _references(cells: Mapping[str, str], record: RowContext) -> list[CitedDocument]:
    """Return non-patent references; where only their number is given, that many without text."""
    texts = _parts(cells, "NPL Citations")
    stated = record.count(cells.get("NPL Citation Count"), "NPL Citation Count") or 0
    return [CitedDocument(text=plain_text(text)) for text in texts] or [CitedDocument()] * min(stated, 10_000)
