"""EPO Open Patent Services: responses in XML for bibliographic data, full text, families and legal events.

One file may hold several documents. The parser never resolves entities, reads document types or opens a network
connection; a document type declaration refuses the file.

References
----------
EPO, *Open Patent Services RESTful Web Services Reference Guide*, v1.3; schemas ``exchange-documents`` and ``ops_legal``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lxml import etree

from zhirong.evidence.ops_legal import write_legal
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
from zhirong.kernel.findings import Severity
from zhirong.kernel.identifiers import PatentNumber, parse_patent_number
from zhirong.kernel.text import Bilingual

__all__ = ["OpsReader"]

_RECORDS = frozenset({"exchange-document", "fulltext-document", "family-member"})
_NAMESPACES = (b"http://ops.epo.org", b"http://www.epo.org/exchange", b"http://www.epo.org/fulltext")
_COUNTRY = re.compile(r"\s*\[([A-Z]{2})\]\s*$")


@dataclass(frozen=True, slots=True)
class OpsReader:
    """Reader of saved OPS responses."""

    name: str = "epo-ops"
    version: str = "1"
    description: Bilingual = field(
        default=Bilingual(
            zh="欧洲专利局 OPS 接口返回的 XML（著录、权利要求、同族、法律事件）",
            en="EPO OPS responses in XML (biblio, claims, family, legal events)",
        )
    )

    def accepts(self, path: Path, head: bytes) -> bool:
        """Accept XML that declares a namespace of the EPO."""
        return head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") and any(name in head for name in _NAMESPACES)

    def read(self, path: Path, out: Output, options: ReadOptions) -> None:
        """Read one response."""
        row = 0
        try:
            for element in _elements(path, out, options):
                row += 1
                out.read()
                _DISPATCH[_local(element)](element, RowContext(out, row))
        except etree.XMLSyntaxError as err:
            message = f"not well-formed XML; what came before was read: {str(err)[:200]}"
            out.finding("file.xml", Severity.FATAL, message, row=row + 1)
        if row == 0 and not out.log.count(severity=Severity.FATAL):
            out.finding("file.empty", Severity.WARNING, "the response holds no document, family member or full text")


def _elements(path: Path, out: Output, options: ReadOptions) -> Iterator[Any]:
    """Yield record elements as they end, freeing what lies behind; a record inside a record belongs to the outer."""
    total = path.stat().st_size
    depth = 0
    with path.open("rb") as stream:
        parser = etree.iterparse(
            stream, events=("start", "end"), resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False
        )
        checked = False
        for event, element in parser:
            if not checked:
                info = element.getroottree().docinfo
                if info.doctype or info.internalDTD is not None:
                    out.finding("file.doctype", Severity.FATAL, "a document type declaration; entities are never read")
                    return
                checked = True
            if _local(element) not in _RECORDS:
                continue
            depth += 1 if event == "start" else -1
            if event == "end" and depth == 0:
                yield element
                element.clear()
                while element.getprevious() is not None:
                    del element.getparent()[0]
                options.progress(min(stream.tell(), total), total, 0)


def _local(element: Any) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def _find(element: Any, *path: str) -> list[Any]:
    """Return descendants by local names, child by child."""
    found = [element]
    for name in path:
        found = [child for parent in found for child in parent if _local(child) == name]
    return found


def _content(element: Any | None) -> str:
    return " ".join("".join(element.itertext()).split()) if element is not None else ""


def _first(element: Any, *path: str) -> str:
    found = _find(element, *path)
    return _content(found[0]) if found else ""


def _document_id(parent: Any) -> Any | None:
    """Return the docdb identifier, or the first that is there."""
    found = _find(parent, "document-id")
    docdb = [one for one in found if one.get("document-id-type") in {"docdb", None}]
    return (docdb or found or [None])[0]


def _number_of(identifier: Any | None) -> PatentNumber | None:
    if identifier is None:
        return None
    country, kind = _first(identifier, "country") or None, _first(identifier, "kind") or None
    try:
        return parse_patent_number(_first(identifier, "doc-number"), office=country, kind=kind)
    except IdentifierError:
        return None


def _exchange(element: Any, record: RowContext) -> None:
    if element.get("status") == "not found":
        record.refuse("record.not_found", "the office did not find this document", "status", element.get("doc-number"))
        return
    country, kind = element.get("country"), element.get("kind")
    try:
        number = parse_patent_number(element.get("doc-number") or "", office=country, kind=kind)
    except IdentifierError as err:
        record.refuse("field.patent_number", str(err), "doc-number", element.get("doc-number"))
        return
    record.record_id = number.publication_number
    family = element.get("family-id")
    publication = Publication(number, family_id=f"docdb:{family}" if family else None, family_kind="docdb")
    for biblio in _find(element, "bibliographic-data"):
        _biblio(biblio, publication, record)
    for abstract in _find(element, "abstract"):
        if text := plain_text(_content(abstract)):
            publication.texts.append(("abstract", (abstract.get("lang") or "und").lower(), text))
    write_publication(publication, record)


def _biblio(biblio: Any, publication: Publication, record: RowContext) -> None:
    publication.publication_date = _earliest(biblio, record, "publication-reference")
    publication.filing_date = _earliest(biblio, record, "application-reference")
    publication.priority_date = _earliest(biblio, record, "priority-claims", "priority-claim")
    if (publication.number.kind or "")[:1] in {"B", "C"}:
        publication.grant_date = publication.publication_date
    for reference in _find(biblio, "application-reference"):
        identifier = _document_id(reference)
        if identifier is not None and (text := _first(identifier, "doc-number")):
            publication.application_number = _first(identifier, "country") + text
    titles = {(t.get("lang") or "und").lower(): _content(t) for t in _find(biblio, "invention-title")}
    language = next((code for code in ("en", *titles) if titles.get(code)), None)
    if language is not None:
        publication.title, publication.title_language = titles[language], language
    publication.parties = [*_parties(biblio, "applicant"), *_parties(biblio, "inventor")]
    publication.classes = _classes(biblio)
    publication.cited = _citations(biblio, record)
    publication.priorities = _priorities(biblio, record)


def _earliest(biblio: Any, record: RowContext, *path: str) -> Any:
    dates = [
        record.date(_content(day), "/".join(path))
        for reference in _find(biblio, *path)
        for day in _find(reference, "document-id", "date")
    ]
    return min((day for day in dates if day is not None), default=None)


_CLAIM_KINDS = {"national": "paris", "regional": "paris", "international": "international"}


def _priorities(biblio: Any, record: RowContext) -> list[EarlierApplication]:
    """Read claims that the office counts (`priority-active-indicator` is not ``NO``), in one number form each."""
    found = []
    for claim in _find(biblio, "priority-claims", "priority-claim"):
        if _first(claim, "priority-active-indicator").upper() in {"NO", "N"}:
            continue
        identifier = _document_id(claim)
        if identifier is None or not (text := _first(identifier, "doc-number")):
            continue
        office = _first(identifier, "country")
        kind = _CLAIM_KINDS.get((claim.get("kind") or "national").lower(), "other")
        letter = _first(identifier, "kind")
        dated = record.date(_first(identifier, "date"), "priority-claim", default_day=1)
        found.append(EarlierApplication(office + text + (letter if letter == "W" else ""), kind, office or None, dated))
    return found


def _parties(biblio: Any, kind: str) -> list[NamedParty]:
    """Read one data format only, the standardised one first, since each party stands there once in each format."""
    entries = _find(biblio, "parties", f"{kind}s", kind)
    by_format: dict[str, list[Any]] = {}
    for entry in entries:
        by_format.setdefault(entry.get("data-format") or "", []).append(entry)
    chosen = next(
        (by_format[name] for name in ("epodoc", "original", "docdb", "intermediate", "") if name in by_format), []
    )
    parties = []
    for entry in chosen:
        name = _first(entry, f"{kind}-name", "name").replace("\u2002", " ").strip(" ,")
        country = _COUNTRY.search(name)
        residence = _first(entry, "residence", "country") or (country[1] if country else None)
        name = _COUNTRY.sub("", name)
        if name:
            parties.append(NamedParty(name, kind, residence, "person" if kind == "inventor" else None))
    return parties


def _classes(biblio: Any) -> list[tuple[str, str, bool | None]]:
    found: list[tuple[str, str, bool | None]] = []
    for text in (_first(entry, "text") for entry in _find(biblio, "classifications-ipcr", "classification-ipcr")):
        match = re.match(r"^([A-H]\s*\d{2}\s*[A-Z])\s*(\d+)\s*/\s*(\d+)(?:.*?\b[A-Z]\s+([IN])\b)?", text)
        found.append(("ipc", "".join(match.group(1, 2)) + "/" + match[3] if match else text,
                      match[4] == "I" if match and match[4] else None))  # fmt: skip
    for entry in _find(biblio, "patent-classifications", "patent-classification"):
        schemes = [one.get("scheme") or "" for one in _find(entry, "classification-scheme")]
        if schemes and not schemes[0].startswith("CPC"):
            continue
        parts = [_first(entry, name) for name in ("section", "class", "subclass", "main-group", "subgroup")]
        value = _first(entry, "classification-value")
        found.append(("cpc", "".join(parts[:4]) + "/" + parts[4], value == "I" if value else None))
    return found


_PHASES = {"examiner": "examiner", "applicant": "applicant", "third party": "third_party", "opponent": "third_party"}


def _citations(biblio: Any, record: RowContext) -> list[CitedDocument]:
    cited: list[CitedDocument] = []
    for citation in _find(biblio, "references-cited", "citation"):
        by, phase = (citation.get("cited-by") or "").lower(), (citation.get("cited-phase") or "").lower()
        origin = "search_report" if "search" in phase else _PHASES.get(by)
        category = "".join(sorted({_content(c).strip().upper() for c in _find(citation, "category")})) or None
        for patent in _find(citation, "patcit"):
            number = _number_of(_document_id(patent))
            if number is None:
                record.warn("field.patent_number", "a cited document without a readable number", "patcit")
            else:
                dated = record.date(_first(patent, "document-id", "date"), "patcit", default_day=1)
                cited.append(CitedDocument(number, None, category, origin, dated))
        texts = [_first(other, "text") or None for other in _find(citation, "nplcit")]
        cited += [CitedDocument(None, text, category, origin) for text in texts]
    return cited


def _fulltext(element: Any, record: RowContext) -> None:
    references = _find(element, "bibliographic-data", "publication-reference")
    number = _number_of(_document_id(references[0])) if references else None
    if number is None:
        record.refuse("field.patent_number", "a full text without a publication number", "publication-reference")
        return
    record.record_id = number.publication_number
    publication = Publication(number)
    claims = _find(element, "claims")
    chosen = next((c for c in claims if (c.get("lang") or "").lower() == "en"), claims[0] if claims else None)
    if chosen is not None:
        texts = [_content(text) for text in _find(chosen, "claim", "claim-text")]
        publication.claims = [(i, text) for i, text in enumerate((t for t in texts if t), start=1)]
        publication.claim_count = len(publication.claims) or None
    for description in _find(element, "description"):
        text = "\n".join(line for line in (_content(p) for p in _find(description, "p")) if line)
        if text:
            publication.texts.append(("description", (description.get("lang") or "und").lower(), text))
    write_publication(publication, record)


def _member(element: Any, record: RowContext) -> None:
    references = _find(element, "publication-reference")
    numbers = [_number_of(_document_id(reference)) for reference in references]
    number = next((one for one in numbers if one is not None), None)
    for document in _find(element, "exchange-document"):
        _exchange(document, RowContext(record.out, record.row))
    legal = _find(element, "legal")
    if number is None and not legal:
        record.refuse("field.patent_number", "a family member without a publication number", "publication-reference")
        return
    if number is not None:
        record.record_id = number.publication_number
        family = element.get("family-id")
        published = _earliest(element, record, "publication-reference")
        if family:
            record.out.add("families", {
                "family_id": f"docdb:{family}", "member_id": number.patent_id, "family_kind": "docdb",
                "office": number.office, "kind_code": number.kind, "publication_date": published,
                "application_date": _earliest(element, record, "application-reference"),
                "grant_date": published if (number.kind or "")[:1] in {"B", "C"} else None,
            })  # fmt: skip
    for event in legal:
        write_legal(event, number, record)


_DISPATCH = {"exchange-document": _exchange, "fulltext-document": _fulltext, "family-member": _member}
