"""Grants of 1976 to 2001 in the office's tagged text, the green book.

A line is a tag of up to four letters and its text from column 6; a line that starts with blanks goes on with the text before. A
tag without text opens a section. Each patent starts with the line ``PATN``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from zhirong.evidence.publications import CitedDocument, NamedParty, Publication, write_publication
from zhirong.evidence.reading import Output, ReadOptions
from zhirong.evidence.rows import RowContext
from zhirong.evidence.uspto.shared import application_number, cited_patent, earliest, packed_ipc, packed_uspc
from zhirong.kernel.findings import Severity
from zhirong.kernel.text import Bilingual

__all__ = ["GreenbookReader"]

_SECTIONS = {
    "PATN", "INVT", "ASSG", "PRIR", "REIS", "RLAP", "CLAS", "UREF", "FREF", "OREF", "LREP", "PCTA", "ABST", "GOVT", "PARN",
    "BSUM", "DRWD", "DETD", "CLMS", "DCLM",
}  # fmt: skip
_TEXT_TAGS = {"PAR", "PAL", "PA0", "PA1", "PA2", "PA3", "PA4", "PA5", "PAC", "TBL", "FNT", "STM"}


@dataclass(slots=True)
class _Section:
    """One section: its name, and its lines as pairs of tag and text."""

    name: str
    lines: list[tuple[str, str]] = field(default_factory=list)

    def first(self, tag: str) -> str | None:
        return next((text for t, text in self.lines if t == tag), None)

    def all(self, tag: str) -> list[str]:
        return [text for t, text in self.lines if t == tag]

    def text(self) -> str:
        return " ".join(" ".join(text.split()) for tag, text in self.lines if tag in _TEXT_TAGS and tag != "STM")


@dataclass(frozen=True, slots=True)
class GreenbookReader:
    """USPTO green book text, single patents or a week's file."""

    name: str = "uspto-greenbook"
    version: str = "1"

    @property
    def description(self) -> Bilingual:
        """One line for the list of formats."""
        return Bilingual(
            "美国专利商标局 1976–2001 年授权全文（Greenbook/APS 标签文本）",
            "USPTO grant full text 1976-2001 (green book, APS tagged text)",
        )

    def accepts(self, path: Path, head: bytes) -> bool:
        """Say whether the head has a ``PATN`` line followed by a number."""
        return re.search(rb"(?:^|\n)PATN\s*\r?\nWKU ", head) is not None

    def read(self, path: Path, out: Output, options: ReadOptions) -> None:
        """Read every patent of a file."""
        total, done = path.stat().st_size, 0
        for number, (sections, size) in enumerate(_patents(path, out, options), 1):
            out.read()
            record = RowContext(out, number)
            item = _publication(sections, record)
            if item is not None:
                write_publication(item, record)
            done += size
            options.progress(done, total, number)


def _patents(path: Path, out: Output, options: ReadOptions) -> Iterator[tuple[list[_Section], int]]:
    sections: list[_Section] = []
    size, number = 0, 0
    is_skipping = False
    # The office wrote ASCII; Latin-1 reads any byte, and the checks below find what does not belong.
    with path.open(encoding="latin-1", newline="") as stream:
        for line in stream:
            bare = line.rstrip("\r\n")
            if bare.strip() == "PATN":
                if sections:
                    yield sections, size
                sections, size, is_skipping = [_Section("PATN")], 0, False
                number += 1
                continue
            if not sections or is_skipping:
                continue
            size += len(line)
            if size > options.limits.record_bytes:
                out.refuse()
                out.finding(
                    "document.too_large",
                    Severity.ERROR,
                    f"more than {options.limits.record_bytes:,} bytes; skipped",
                    row=number,
                )
                sections, is_skipping = [], True
                continue
            _take(sections, bare)
    if sections:
        yield sections, size


def _take(sections: list[_Section], line: str) -> None:
    tag = line[:4].strip()
    if not tag:
        if sections[-1].lines and line.strip():
            last_tag, text = sections[-1].lines[-1]
            sections[-1].lines[-1] = (last_tag, f"{text} {line.strip()}")
    elif tag in _SECTIONS and not line[4:].strip():
        sections.append(_Section(tag))
    else:
        sections[-1].lines.append((tag, line[5:]))


def _publication(sections: list[_Section], record: RowContext) -> Publication | None:
    head = sections[0]
    stated = (head.first("WKU") or "").strip()
    # The last character is a check digit.
    number = record.number(stated[:-1] if len(stated) == 9 else stated, "WKU", office="US")
    if number is None:
        record.refuse("uspto.no_number", "the patent has no number that can be read", "WKU", stated)
        return None
    record.record_id = number.patent_id
    granted, filed = record.date(head.first("ISD"), "ISD"), record.date(head.first("APD"), "APD")
    related = [s.first("APD") for s in sections if s.name == "PRIR"]
    related += [day for s in sections if s.name == "RLAP" for day in s.all("APD")]
    item = Publication(
        number=number,
        application_number=application_number(head.first("SRC"), (head.first("APN") or "").strip()[:6]),
        title=" ".join((head.first("TTL") or "").split()) or None,
        title_language="en",
        filing_date=filed,
        publication_date=granted,
        grant_date=granted,
        priority_date=earliest([filed, *(record.date(day, "APD", default_day=1) for day in related)]),
        claim_count=record.count((head.first("NCL") or "").strip(), "NCL"),
        is_government_interest=True if any(s.name == "GOVT" for s in sections) else None,
    )
    for section in sections:
        _fill(item, section, record)
    item.claim_count = item.claim_count or len(item.claims) or None
    return item


def _fill(item: Publication, section: _Section, record: RowContext) -> None:
    if section.name == "CLAS":
        item.classes += [("ipc", packed_ipc(text), place == 0) for place, text in enumerate(section.all("ICL"))]
        item.classes += [("uspc", packed_uspc(text), None) for text in (*section.all("OCL"), *section.all("XCL"))]
    elif section.name in {"INVT", "ASSG"}:
        _party(item, section)
    elif section.name in {"UREF", "FREF"}:
        country = (section.first("CNT") or "")[:2] if section.name == "FREF" else "US"
        cited = cited_patent(
            record, country or None, section.first("PNO") or "", kind=None, dated=section.first("ISD"), category=None
        )
        if cited is not None:
            item.cited.append(cited)
    elif section.name == "OREF":
        item.cited += [CitedDocument(text=" ".join(text.split())) for tag, text in section.lines if tag in _TEXT_TAGS]
    elif section.name == "ABST" and section.text():
        item.texts.append(("abstract", "en", section.text()))
    elif section.name in {"BSUM", "DRWD", "DETD"} and section.text():
        _describe(item, section.text())
    elif section.name in {"CLMS", "DCLM"}:
        _claims(item, section)


def _party(item: Publication, section: _Section) -> None:
    name = " ".join((section.first("NAM") or "").split())
    if not name:
        return
    country = (section.first("CNT") or "US")[:2]
    if section.name == "INVT":
        family, _, given = name.partition(";")
        item.parties.append(
            NamedParty(
                f"{given.strip()} {family.strip()}".strip(),
                "inventor",
                country=country,
                party_type="person",
                city=section.first("CTY"),
            )
        )
    else:
        item.parties.append(NamedParty(name, "assignee", country=country, city=section.first("CTY")))


def _describe(item: Publication, text: str) -> None:
    """Join the parts of the description, which the format keeps in three sections."""
    for place, (part, language, before) in enumerate(item.texts):
        if part == "description":
            item.texts[place] = (part, language, f"{before} {text}")
            return
    item.texts.append(("description", "en", text))


def _claims(item: Publication, section: _Section) -> None:
    number, parts = 0, []  # type: tuple[int, list[str]]
    for tag, text in section.lines:
        if tag == "NUM":
            if parts:
                item.claims.append((number, " ".join(parts)))
            digits = re.sub(r"\D", "", text)
            number, parts = int(digits) if digits else number + 1, []
        elif tag in _TEXT_TAGS and tag != "STM":
            parts.append(" ".join(text.split()))
    if parts:
        item.claims.append((number or 1, " ".join(parts)))
