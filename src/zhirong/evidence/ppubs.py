"""Records of the USPTO's Patent Public Search, flattened: a table of documents, of citations, and full texts as JSON.

The three files are ``patents.csv`` (one row a document), ``us_citations.csv`` (citing, cited US numbers) and
``fulltext_claims.json`` (a list of documents with claims, abstract, brief and references). Cited months come as days
``00`` and are read as the first of the month.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from zhirong.evidence.heads import headed_rows
from zhirong.evidence.publications import (
    CitedDocument,
    EarlierApplication,
    NamedParty,
    Publication,
    write_publication,
)
from zhirong.evidence.reading import Output, ReadOptions
from zhirong.evidence.rows import RowContext, plain_text, split_claims
from zhirong.kernel.errors import IdentifierError
from zhirong.kernel.findings import Severity
from zhirong.kernel.identifiers import PatentNumber, RightType, parse_patent_number
from zhirong.kernel.text import Bilingual

__all__ = ["PpubsReader"]

_PATENT_HEADS = (
    "guid", "doc_number", "type", "title", "pub_date", "app_date", "app_no", "assignee", "assignee_type",
    "applicant_type", "cpc_inventive", "cpc_additional", "ipc", "uspc", "family_id", "n_claims", "pages", "priority",
    "gov_interest", "n_back_us",
)  # fmt: skip
_GRANTED = frozenset({"USPAT", "USOCR"})
_BATCH = 50_000
_PARENT = re.compile(
    r"(?:(?P<kind>[a-z][a-z-]+)\s+parent-doc\s+[A-Z]{2}|(?P<provisional>us-provisional-application)\s+[A-Z]{2}"
    r"|\b[A-Z]{2}\s+(?P<relation>[a-z][a-z-]+))\s+(?P<number>\S*\d\S*)\s+(?P<dated>(?:19|20)\d{6})\b"
)
"""``division parent-doc US 16523162 20190726``, ``us-provisional-application US 62829858 20190405``, ``US continuation 16428791
20190531``."""
_PARENT_KINDS = {"continuation": "continuation", "continuation-in-part": "continuation_in_part",
                 "division": "division", "reissue": "reissue"}  # fmt: skip
_FOREIGN = re.compile(
    r"^(?P<office>[A-Z]{2})\s+(?P<number>.+?)\s+(?P<kind>[A-Z]\d?\s+)?(?P<dated>\d{8})\s+cited by (?P<by>\w+)"
)
_FOREIGN_OLD = re.compile(r"^(?P<number>\S.*?)\s+(?P<dated>\d{8})\s+(?P<office>[A-Z]{2})(?:\s+cited by (?P<by>\w+))?")
"""Older documents put the office last."""
_ORIGINS = {"examiner": "examiner", "applicant": "applicant", "other": "other", "third": "third_party"}


@dataclass(frozen=True, slots=True)
class PpubsReader:
    """Reader of flattened Patent Public Search records."""

    name: str = "uspto-ppubs"
    version: str = "1"
    description: Bilingual = field(
        default=Bilingual(
            zh="美国专利商标局公共检索记录（patents.csv、us_citations.csv、fulltext_claims.json）",
            en="USPTO Patent Public Search records (patents.csv, us_citations.csv, fulltext_claims.json)",
        )
    )

    def accepts(self, path: Path, head: bytes) -> bool:
        """Accept the three files by their first heads."""
        first = head.split(b"\n", 1)[0].strip().lstrip(b"\xef\xbb\xbf").replace(b'"', b"")
        if first.startswith(b"guid,doc_number") or first == b"citing,cited":
            return True
        return path.suffix == ".json" and re.match(rb'\s*\[\s*\{\s*"guid"\s*:', head) is not None

    def read(self, path: Path, out: Output, options: ReadOptions) -> None:
        """Read one of the three files."""
        with path.open("rb") as stream:
            head = stream.read(4096).lstrip(b"\xef\xbb\xbf").lstrip()
        if head[:1] in {b"[", b"{"}:
            for row, item in _documents(path, out, options):
                _fulltext(item, RowContext(out, row))
        elif head.replace(b'"', b"").startswith(b"citing"):
            _citations(path, out, options)
        else:
            rows = headed_rows(path, out, options, required=("guid",), known=_PATENT_HEADS, long=("gov_interest",))
            for record, cells in rows:
                _patent(cells, record)


def _number(text: str, record: RowContext, field_name: str) -> PatentNumber | None:
    try:
        return parse_patent_number(text, office="US")
    except IdentifierError as err:
        record.refuse("field.patent_number", str(err), field_name, text)
        return None


def _patent(cells: Mapping[str, str], record: RowContext) -> None:
    number = _number(cells["guid"], record, "guid")
    if number is None:
        return
    record.record_id = number.publication_number
    published = record.date(cells.get("pub_date"), "pub_date")
    family = cells.get("family_id")
    application = re.sub(r"\W", "", cells.get("app_no", ""))
    publication = Publication(
        number,
        application_number=f"US{application}" if application else None,
        title=plain_text(cells.get("title", "")) or None,
        title_language="en",
        priority_date=record.date(cells.get("priority"), "priority"),
        filing_date=record.date(cells.get("app_date"), "app_date"),
        publication_date=published,
        grant_date=published if cells.get("type") in _GRANTED else None,
        family_id=f"docdb:{family}" if family else None,
        family_kind="docdb",
        page_count=record.count(cells.get("pages"), "pages"),
        claim_count=record.count(cells.get("n_claims"), "n_claims"),
        is_government_interest=True if cells.get("gov_interest") else None,
    )
    publication.classes = [
        (scheme, symbol.strip(), inventive)
        for head, scheme, inventive in (("ipc", "ipc", None), ("cpc_inventive", "cpc", True),
                                        ("cpc_additional", "cpc", False), ("uspc", "uspc", None))
        for symbol in cells.get(head, "").split(";")
        if symbol.strip() and not (scheme == "uspc" and symbol.strip() == "1/1")
    ]  # fmt: skip
    publication.parties = [
        NamedParty(name.strip(), "assignee") for name in cells.get("assignee", "").split(";") if name.strip()
    ]
    write_publication(publication, record)


def _citations(path: Path, out: Output, options: ReadOptions) -> None:
    pairs: list[tuple[str, str, int]] = []
    for record, cells in headed_rows(path, out, options, required=("citing", "cited"), known=()):
        citing = _number(cells["citing"], record, "citing")
        cited = _number(cells["cited"], record, "cited") if citing else None
        if citing and cited:
            pairs.append((citing.patent_id, cited.patent_id, record.row))
        if len(pairs) >= _BATCH:
            _flush(pairs, out)
    _flush(pairs, out)


def _flush(pairs: list[tuple[str, str, int]], out: Output) -> None:
    if pairs:
        citing, cited, rows = zip(*pairs, strict=True)
        out.add_many("citations", {"citing_id": citing, "cited_id": cited}, records=rows)
        pairs.clear()


def _documents(path: Path, out: Output, options: ReadOptions) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the objects of a JSON list one at a time, holding one and a read block."""
    decoder, buffer, row, at_end = json.JSONDecoder(), "", 0, False
    total = path.stat().st_size
    with path.open("r", encoding="utf-8-sig", errors="replace") as stream:
        while True:
            buffer = buffer.lstrip().lstrip("[,").lstrip()
            if buffer.startswith("]") or (at_end and not buffer):
                return
            try:
                item, end = decoder.raw_decode(buffer)
            except (json.JSONDecodeError, RecursionError) as err:
                block = "" if len(buffer) > options.limits.record_bytes else stream.read(1 << 20)
                if not block:
                    out.finding(
                        "file.truncated", Severity.FATAL, f"no whole JSON object here; the rest was refused: {err}"[:200],
                        row=row + 1,
                    )  # fmt: skip
                    return
                at_end, buffer = len(block) < 1 << 20, buffer + block
                continue
            buffer = buffer[end:]
            row += 1
            out.read()
            if isinstance(item, dict):
                yield row, item
            else:
                RowContext(out, row).refuse("record.json", "not a JSON object", "")
            options.progress(total if at_end else 0, total, row)


def _strings(value: object) -> list[str]:
    return [str(entry) for entry in value if entry is not None] if isinstance(value, list) else []


def _fulltext(item: Mapping[str, Any], record: RowContext) -> None:
    number = _number(str(item.get("guid") or ""), record, "guid")
    if number is None:
        return
    record.record_id = number.publication_number
    publication = Publication(
        number,
        title=plain_text(str(item.get("title") or "")) or None,
        title_language="en",
        priorities=_parents(_strings(item.get("continuity"))),
        claims=split_claims(plain_text(str(item.get("claims") or ""))),
    )
    publication.priority_date = min((p.dated for p in publication.priorities if p.dated), default=None)
    if number.right_type is not RightType.REISSUE:  # a reissue also prints the claims it cancels
        publication.claim_count = len(publication.claims) or None
    for part in ("abstract", "brief"):
        if text := plain_text(str(item.get(part) or "")):
            publication.texts.append((part, "en", text))
    publication.classes = [("cpc", symbol, True) for symbol in str(item.get("cpc") or "").split(";") if symbol.strip()]
    publication.cited = [*_us_references(item, record), *_foreign_references(item, record)]
    count = record.count(item.get("n_npl"), "n_npl") or 0
    publication.cited += [CitedDocument()] * min(count, 10_000)
    write_publication(publication, record)


def _parents(continuity: list[str]) -> list[EarlierApplication]:
    """Read coded parents; running text names no application that could be told from its grant."""
    found = []
    for text in continuity:
        for match in _PARENT.finditer(text):
            try:
                dated = date(int(match["dated"][:4]), int(match["dated"][4:6]), int(match["dated"][6:]))
            except ValueError:
                continue
            stated = match["kind"] or match["relation"]
            kind = "provisional" if match["provisional"] else _PARENT_KINDS.get(stated, "other")
            found.append(EarlierApplication(match["number"], kind, "US", dated))
    return found


def _us_references(item: Mapping[str, Any], record: RowContext) -> list[CitedDocument]:
    found: list[CitedDocument] = []
    details = item.get("back_us_detail")
    for entry in details if isinstance(details, list) else []:
        office = str(entry.get("country") or "US")
        number = record.number(entry.get("number"), "back_us_detail.number", office=office, kind=entry.get("kind"))
        if number is not None:
            dated = record.date(entry.get("date"), "back_us_detail.date", default_day=1)
            found.append(CitedDocument(number, origin=_ORIGINS.get(str(entry.get("cited_by") or "")), dated=dated))
    known = {cited.number.patent_id for cited in found if cited.number}
    for text in _strings(item.get("back_us")):
        number = record.number(text, "back_us", office="US")
        if number is not None and number.patent_id not in known:
            found.append(CitedDocument(number))
    return found


def _foreign_references(item: Mapping[str, Any], record: RowContext) -> list[CitedDocument]:
    found: list[CitedDocument] = []
    for text in _strings(item.get("foreign_ref")):
        match = _FOREIGN.match(text.strip()) or _FOREIGN_OLD.match(text.strip())
        if match is None:
            record.warn(
                "field.reference", "not of the form: office number kind date cited by whom", "foreign_ref", text
            )
            continue
        kind = (match.groupdict().get("kind") or "").strip() or None
        number = record.number(match["number"], "foreign_ref", office=match["office"], kind=kind)
        if number is None:
            continue
        dated = record.date(match["dated"], "foreign_ref", default_day=1)
        found.append(CitedDocument(number, origin=_ORIGINS.get(match["by"] or ""), dated=dated))
    return found
