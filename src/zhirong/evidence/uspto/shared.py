"""What the USPTO's formats have in common: packed class symbols, numbers of applications, who cited."""

from __future__ import annotations

import re
from datetime import date

from zhirong.evidence.publications import CitedDocument
from zhirong.evidence.rows import RowContext

__all__ = ["application_number", "cited_patent", "earliest", "origin_of", "packed_ipc", "packed_uspc"]


def packed_ipc(text: str) -> str:
    """Return a class symbol from the fixed-width form of the old formats.

    Examples
    --------
    >>> packed_ipc("B60R  900"), packed_ipc("G06F 1516"), packed_ipc("G06F017/60")
    ('B60R9/00', 'G06F15/16', 'G06F017/60')
    """
    stripped = text.strip()
    match = re.fullmatch(r"([A-H]\d{2}[A-Z])\s*(\d{1,3}?)(\d{2,4})", stripped)
    if "/" in stripped or match is None or len(stripped) < 8:
        return stripped
    body = stripped[4:].rjust(5)
    return f"{stripped[:4]}{body[:3].strip()}/{body[3:]}"


def packed_uspc(text: str) -> str:
    """Return class/subclass from the fixed-width form: three characters of class, then the subclass.

    Examples
    --------
    >>> packed_uspc("709228"), packed_uspc("224 4207"), packed_uspc("D21482")
    ('709/228', '224/4207', 'D21/482')
    """
    head, tail = text[:3].strip(), text[3:].strip()
    return f"{head}/{tail}" if tail else head


def application_number(series: str | None, serial: str | None) -> str | None:
    """Return the canonical application number, ``US`` + two digits of series + six of serial; None when either is missing."""
    digits = re.sub(r"\D", "", serial or "")
    if not digits:
        return None
    if len(digits) >= 8 or series is None:
        return f"US{digits}"
    return f"US{int(series):02d}{digits.zfill(6)}" if series.strip().isdigit() else None


def cited_patent(record: RowContext, country: str | None, number: str, *, kind: str | None, dated: str | None,
                 category: str | None) -> CitedDocument | None:  # fmt: skip
    """Return a cited patent, None (with a finding) where its number cannot be read."""
    office = (country or "US").strip()[:2].upper()
    text = number.strip()
    if text[:2].upper() == office:
        text = text[2:]
    parsed = record.number(text, "citation", office=office, kind=kind)
    if parsed is None:
        return None
    return CitedDocument(
        number=parsed, dated=record.date(dated, "citation.date", default_day=1), origin=origin_of(category)
    )


def origin_of(category: str | None) -> str | None:
    """Return who cited, from ``cited by examiner``, ``cited by applicant``, ``cited by third party``; None when not said."""
    said = (category or "").lower()
    if "examiner" in said:
        return "examiner"
    if "applicant" in said:
        return "applicant"
    if "third" in said:
        return "third_party"
    return "other" if "other" in said else None


def earliest(dates: list[date | None]) -> date | None:
    """Return the earliest of dates that may be unknown."""
    return min((day for day in dates if day is not None), default=None)
