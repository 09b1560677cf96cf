"""Recorded conveyances: ownership, pledges and releases, from the daily XML or from a table of records."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from lxml import etree

from zhirong.evidence.names import party_row
from zhirong.evidence.reading import Output, ReadOptions
from zhirong.evidence.rows import RowContext
from zhirong.kernel.findings import Severity
from zhirong.kernel.identifiers import PatentNumber
from zhirong.kernel.text import Bilingual

__all__ = ["AssignmentTableReader", "AssignmentXmlReader", "conveyance_kind"]

_KINDS: tuple[tuple[str, str], ...] = (
    (r"RELEASE|TERMINATION OF SECURITY|DISCHARGE|SATISFACTION", "release"),
    (r"SECURITY|PLEDGE|MORTGAGE|LIEN|COLLATERAL", "security_interest"),
    (r"CORRECTI|CORRECT", "correction"),
    (r"MERGER", "merger"),
    (r"CHANGE OF NAME|NAME CHANGE", "name_change"),
    (r"LICEN[CS]E", "licence"),
    (r"ASSIGN", "assignment"),
)
_EVENT = {
    "assignment": "transferred", "merger": "transferred", "security_interest": "pledged", "release": "pledge_released",
    "licence": "licensed", "name_change": "name_changed", "correction": "corrected", "other": "other",
}  # fmt: skip


def conveyance_kind(text: str) -> str:
    """Return the kind of a conveyance from its text; the first that fits of release, security, correction and so on.

    Examples
    --------
    >>> conveyance_kind("RELEASE BY SECURED PARTY"), conveyance_kind("ASSIGNMENT OF ASSIGNORS INTEREST")
    ('release', 'assignment')
    """
    upper = text.upper()
    return next((kind for pattern, kind in _KINDS if re.search(pattern, upper)), "other")


@dataclass(frozen=True, slots=True)
class _Record:
    """One recordation."""

    id: str
    recorded: date | None
    executed: date | None
    text: str
    kind: str
    assignors: tuple[str, ...]
    assignees: tuple[str, ...]
    country: str | None
    city: str | None
    patents: tuple[PatentNumber, ...]
    property_count: int


def _write(item: _Record, record: RowContext) -> None:
    out = record.out
    givers = [party_row(name) for name in item.assignors if any(c.isalnum() for c in name)]
    takers = [
        party_row(name, country=item.country, city=item.city)
        for name in item.assignees
        if any(c.isalnum() for c in name)
    ]
    for row in (*givers, *takers):
        out.add("parties", row)
    giver, taker = (str(rows[0]["party_id"]) if rows else None for rows in (givers, takers))
    day = item.recorded or item.executed
    if day is None:
        record.refuse("assignment.no_date", "neither a recorded nor an executed date", "recorded-date")
        return
    for number in item.patents:
        patent_id = number.patent_id
        out.add("assignments", {
            "assignment_id": item.id, "patent_id": patent_id, "recorded_date": item.recorded, "executed_date": item.executed,
            "conveyance_kind": item.kind, "conveyance_text": item.text, "assignor_id": giver, "assignee_id": taker,
            "assignor_names": "; ".join(item.assignors) or None, "assignee_names": "; ".join(item.assignees) or None,
            "property_count": item.property_count,
        })  # fmt: skip
        out.add("legal_events", {
            "event_id": f"USA-{item.id}-{patent_id}", "patent_id": patent_id, "event_kind": _EVENT[item.kind],
            "event_date": item.executed or day, "recorded_date": item.recorded, "code": item.kind,
            "code_system": "USPTO conveyance", "description": item.text, "party_id": taker, "counterparty_id": giver,
        })  # fmt: skip


@dataclass(frozen=True, slots=True)
class AssignmentXmlReader:
    """USPTO patent assignment XML, daily or annual."""

    name: str = "uspto-assignments"
    version: str = "1"

    @property
    def description(self) -> Bilingual:
        """One line for the list of formats."""
        return Bilingual(
            "美国专利转让登记（XML：转让、质押、解押）", "USPTO assignment records (XML: transfers, pledges, releases)"
        )

    def accepts(self, path: Path, head: bytes) -> bool:
        """Say whether the head has the root or the records of the format."""
        return b"<us-patent-assignments" in head or b"<patent-assignment>" in head

    def read(self, path: Path, out: Output, options: ReadOptions) -> None:
        """Read every recordation of a file, one at a time."""
        total, number = path.stat().st_size, 0
        safe = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}
        try:
            with path.open("rb") as stream:
                if b"<!ENTITY" in stream.read(1 << 16):
                    out.finding(
                        "xml.entity_declared", Severity.FATAL, "the file declares entities of its own; it was refused"
                    )
                    return
                stream.seek(0)
                for _, element in etree.iterparse(stream, events=("end",), tag="patent-assignment", **safe):
                    number += 1
                    out.read()
                    _read_xml(element, RowContext(out, number))
                    element.clear()
                    while element.getprevious() is not None:
                        del element.getparent()[0]
                    options.progress(stream.tell(), total, number)
        except etree.XMLSyntaxError as err:
            out.finding("xml.malformed", Severity.FATAL, f"not well-formed or cut off; the rest was left out: {err}")


def _read_xml(element: etree._Element, record: RowContext) -> None:
    head = element.find("assignment-record")
    reel, frame = (None, None) if head is None else (head.findtext("reel-no"), head.findtext("frame-no"))
    if head is None or not reel or not frame:
        record.refuse("assignment.no_reel_frame", "the record has no reel and frame", "assignment-record")
        return
    record.record_id = f"{reel.strip()}-{frame.strip()}"
    text = " ".join((head.findtext("conveyance-text") or "").split())
    patents: list[PatentNumber] = []
    properties = element.findall("patent-properties/patent-property")
    for holder in properties:
        number = _granted_or_published(holder, record)
        if number is not None:
            patents.append(number)
    if not patents:
        record.warn(
            "assignment.no_patent",
            "no property has a grant or publication number; nothing to store",
            "patent-properties",
        )
    executed = [e.text for e in element.iterfind("patent-assignors/patent-assignor/execution-date/date")]
    item = _Record(
        id=record.record_id,
        recorded=record.date(head.findtext("recorded-date/date"), "recorded-date"),
        executed=max((d for d in (record.date(t, "execution-date") for t in executed) if d is not None), default=None),
        text=text,
        kind=conveyance_kind(text),
        assignors=_names(element, "patent-assignors/patent-assignor/name"),
        assignees=_names(element, "patent-assignees/patent-assignee/name"),
        country=element.findtext("patent-assignees/patent-assignee/country-name"),
        city=element.findtext("patent-assignees/patent-assignee/city"),
        patents=tuple(dict.fromkeys(patents)),
        property_count=len(properties),
    )
    _write(item, record)


def _names(element: etree._Element, path: str) -> tuple[str, ...]:
    return tuple(" ".join(e.text.split()) for e in element.iterfind(path) if e.text and e.text.strip())


def _granted_or_published(holder: etree._Element, record: RowContext) -> PatentNumber | None:
    """Return the grant among a property's documents, else its publication; an application number alone names none."""
    found: dict[str, PatentNumber] = {}
    for document in holder.iterfind("document-id"):
        kind = (document.findtext("kind") or "").strip().upper()
        if kind[:1] in {"B", "A", "S", "E", "P", "H"} or kind == "":
            number = record.number(
                document.findtext("doc-number"),
                "patent-property",
                office=document.findtext("country") or "US",
                kind=kind or None,
            )
            if number is not None:
                found[kind[:1]] = number
    for first in ("B", "S", "E", "P", "H", "", "A"):
        if first in found:
            return found[first]
    return None


@dataclass(frozen=True, slots=True)
class AssignmentTableReader:
    """A table of assignment records: id, recorded, executed, conveyance, assignors, assignees, patents (lists by ';')."""

    name: str = "uspto-assignments-csv"
    version: str = "1"

    @property
    def description(self) -> Bilingual:
        """One line for the list of formats."""
        return Bilingual("美国专利转让登记（CSV 表）", "USPTO assignment records (CSV table)")

    def accepts(self, path: Path, head: bytes) -> bool:
        """Say whether the first line names the columns of the table."""
        first = set(head.split(b"\n", 1)[0].decode("utf-8", "replace").lstrip("\ufeff").strip().split(","))
        return {"id", "recorded", "conveyance", "assignors", "assignees", "patents"} <= first

    def read(self, path: Path, out: Output, options: ReadOptions) -> None:
        """Read every row of a table."""
        total = path.stat().st_size
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
            for number, row in enumerate(csv.DictReader(stream), 1):
                out.read()
                _read_row({k: v for k, v in row.items() if isinstance(k, str)}, RowContext(out, number))
                options.progress(min(number * 1500, total), total, number)


def _read_row(row: dict[str, str | None], record: RowContext) -> None:
    def cell(name: str) -> str:
        text = (row.get(name) or "").strip()
        return "" if text.upper() in {"NULL", "NA"} else text

    def listed(name: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in cell(name).split(";") if part.strip())

    record.record_id = cell("id") or None
    if record.record_id is None:
        record.refuse("assignment.no_reel_frame", "the row has no reel and frame", "id")
        return
    numbers = [record.number(text, "patents", office="US") for text in listed("patents")]
    text = cell("conveyance")
    item = _Record(
        id=record.record_id,
        recorded=record.date(cell("recorded"), "recorded"),
        executed=record.date(cell("executed"), "executed"),
        text=text,
        kind=conveyance_kind(text),
        assignors=listed("assignors"),
        assignees=listed("assignees"),
        country=cell("assignee_country") or None,
        city=cell("assignee_city") or None,
        patents=tuple(dict.fromkeys(n for n in numbers if n is not None)),
        property_count=record.count(cell("n_properties"), "n_properties") or len(numbers),
    )
    if not item.patents:
        record.warn(
            "assignment.no_patent", "no property has a grant or publication number; nothing to store", "patents"
        )
    _write(item, record)
