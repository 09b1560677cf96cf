"""INPADOC legal events as OPS gives them: `ops:legal` elements with fields `L001EP` to `L533EP`."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from lxml import etree

from zhirong.evidence.inpadoc import event_of
from zhirong.evidence.names import party_row
from zhirong.evidence.rows import RowContext
from zhirong.kernel.errors import IdentifierError
from zhirong.kernel.identifiers import PatentNumber, parse_patent_number

__all__ = ["write_legal"]

_FIELD = re.compile(r"^L\d{3}EP$")


def _fields(element: Any) -> dict[str, str]:
    """Return the event's fields by name; repeated free texts are joined."""
    found: dict[str, str] = {}
    for child in element.iter():
        name = etree.QName(child).localname if isinstance(child.tag, str) else ""
        text = " ".join((child.text or "").split())
        if _FIELD.match(name) and text:
            found[name] = f"{found[name]}; {text}" if name in found else text
    return found


def write_legal(element: Any, number: PatentNumber | None, record: RowContext) -> None:
    """Write one legal event.

    Parameters
    ----------
    element : lxml element
        `ops:legal`.
    number : PatentNumber or None
        Publication of the family member; where there is none, the event's own document is used if it is a publication.
    record : RowContext
        Takes findings: an unknown code (the event is kept as `other`), an event without date or patent (refused).
    """
    fields = _fields(element)
    number = number or _own_document(fields)
    if number is None:
        record.warn("legal.no_patent", "an event of an application without publication; it was left out", "L003EP",
                    fields.get("L003EP"))  # fmt: skip
        return
    office = fields.get("L001EP") or number.office
    code = (element.get("code") or fields.get("L008EP") or "").strip()
    if code == "REG" and fields.get("L501EP") and fields.get("L502EP"):
        office, code = fields["L501EP"], fields["L502EP"]
    description = " ".join((element.get("desc") or "").split())
    text = " ".join(part for part in (description, fields.get("L510EP", "")) if part)
    recorded = record.date(fields.get("L007EP"), "L007EP")
    effective = record.date(fields.get("L525EP"), "L525EP", default_day=1)
    happened = effective or recorded
    if happened is None:
        record.warn("legal.no_date", "an event without gazette or effective date; it was left out", "L007EP", code)
        return
    meaning = event_of(office, code, text)
    if meaning is None:
        record.warn("inpadoc.unknown_code", "not in the code table; kept as `other`", "code", f"{office} {code}")
    party = _party(fields, record)
    record.out.add("legal_events", {
        "event_id": _event_id(number, fields, code, recorded or happened, text),
        "patent_id": number.patent_id,
        "event_kind": meaning.event_kind if meaning else "other",
        "event_date": happened,
        "recorded_date": recorded,
        "code": f"{office}.{code}",
        "code_system": "inpadoc",
        "description": text or (meaning.description if meaning else None),
        "fee_year": _year(fields.get("L520EP")),
        "party_id": party,
        "end_date": record.date(fields.get("L513EP"), "L513EP"),
    })  # fmt: skip


def _own_document(fields: dict[str, str]) -> PatentNumber | None:
    if fields.get("L002EP") != "P":
        return None
    try:
        return parse_patent_number(fields.get("L003EP", ""), office=fields.get("L001EP"), kind=fields.get("L004EP"))
    except IdentifierError:
        return None


def _event_id(number: PatentNumber, fields: dict[str, str], code: str, day: object, text: str) -> str:
    """Return one identifier for one event, under whichever publication of the application it is listed."""
    document = fields.get("L001EP", "") + fields.get("L003EP", "") or number.patent_id
    parts = [
        document,
        code,
        str(day),
        text,
        fields.get("L520EP", ""),
        fields.get("L501EP", ""),
        fields.get("L509EP", ""),
    ]
    return "inpadoc-" + hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:24]


def _party(fields: dict[str, str], record: RowContext) -> str | None:
    name = fields.get("L509EP") or fields.get("L519EP") or fields.get("L522EP")
    if not name or not any(c.isalnum() for c in name):
        return None
    row = party_row(name)
    record.out.add("parties", row)
    return str(row["party_id"])


def _year(text: str | None) -> int | None:
    match = re.search(r"\d{1,2}", text or "")
    return int(match[0]) if match else None
