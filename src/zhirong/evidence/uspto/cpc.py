"""The CPC as the USPTO gives it: the master list (classes of each patent) and the scheme (what classes mean)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from zhirong.evidence.reading import Output, ReadOptions
from zhirong.evidence.rows import RowContext
from zhirong.kernel.findings import Severity
from zhirong.kernel.text import Bilingual

__all__ = ["CpcReader"]

HEAD_BYTES = 64 << 10
_SAFE = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}


def _read_scheme(path: Path, out: Output) -> None:
    """Read a scheme file: one row a symbol with a title; a symbol that the file repeats keeps its first title."""
    root = etree.parse(path, etree.XMLParser(**_SAFE)).getroot()
    seen: set[str] = set()
    todo: list[tuple[etree._Element, str | None]] = [(root, None)]
    while todo:
        element, parent = todo.pop()
        symbol = (element.findtext("classification-symbol") or "").strip()
        titles = [_title(part) for part in element.iterfind("class-title/title-part")]
        title = "; ".join(part for part in titles if part)
        if symbol and title and symbol not in seen:
            seen.add(symbol)
            out.read()
            level = element.get("level", "")
            row = {"scheme": "cpc", "symbol": symbol, "title": title, "parent_symbol": parent}
            out.add("class_titles", {**row, "level": int(level) if level.isdecimal() else None})
        todo += [(item, symbol or parent) for item in reversed(element.findall("classification-item"))]


def _title(part: etree._Element) -> str:
    """Return the English title of a part, references to other places left out."""
    own = (t for t in part.iter("text") if not any(ancestor.tag == "reference" for ancestor in t.iterancestors()))
    words = ["".join(str(piece) for piece in text.itertext()) for text in own]
    return " ".join(" ".join(words).split())


@dataclass(frozen=True, slots=True)
class CpcReader:
    """CPC master classification list in XML (ST.96): classes of patents; and scheme files: what classes mean."""

    name: str = "uspto-cpc"
    version: str = "1"

    @property
    def description(self) -> Bilingual:
        """One line for the list of formats."""
        return Bilingual("CPC 主分类清单与分类表（XML）", "CPC master classification list, and CPC scheme (XML)")

    def accepts(self, path: Path, head: bytes) -> bool:
        """Say whether the head has the root of a master list or a scheme."""
        return b"CPCMasterClassificationFile" in head or b"<class-scheme" in head

    def read(self, path: Path, out: Output, options: ReadOptions) -> None:
        """Read the classes of each patent, or of a scheme the titles of its symbols."""
        total = path.stat().st_size
        try:
            with path.open("rb") as stream:
                if b"<class-scheme" in stream.read(HEAD_BYTES):
                    _read_scheme(path, out)
                    return
                stream.seek(0)
                number = 0
                for _, element in etree.iterparse(stream, events=("end",), **_SAFE):
                    local = etree.QName(element).localname
                    if local == "CPCMasterClassificationRecord":
                        number += 1
                        out.read()
                        _record(element, RowContext(out, number))
                        element.clear()
                        while element.getprevious() is not None:
                            del element.getparent()[0]
                        options.progress(stream.tell(), total, number)
        except etree.XMLSyntaxError as err:
            out.finding("xml.malformed", Severity.FATAL, f"not well-formed or cut off; the rest was left out: {err}")


def _local(element: etree._Element, name: str) -> str | None:
    found = next(element.iter(f"{{*}}{name}"), None)
    return found.text.strip() if found is not None and found.text else None


def _record(element: etree._Element, record: RowContext) -> None:
    holder = next(element.iter("{*}PatentGrantIdentification", "{*}PatentPublicationIdentification"), None)
    stated = None if holder is None else _local(holder, "PatentNumber") or _local(holder, "PublicationNumber")
    number = None
    if holder is not None:
        number = record.number(
            stated,
            "PatentNumber",
            office=_local(holder, "IPOfficeCode") or "US",
            kind=_local(holder, "PatentDocumentKindCode"),
        )
    if number is None:
        record.refuse("uspto.no_number", "the record names no patent", "PatentGrantIdentification", stated)
        return
    record.record_id = number.patent_id
    symbols: list[tuple[str, bool | None]] = []
    for item in element.iter("{*}CPCClassification"):
        part = [_local(item, name) or "" for name in ("CPCSection", "Class", "Subclass", "MainGroup", "Subgroup")]
        symbols.append(
            (f"{part[0]}{part[1]}{part[2]}{part[3]}/{part[4]}", _local(item, "CPCClassificationValueCode") == "I")
        )
    for row in record.classes(number.patent_id, "cpc", symbols, "CPCClassification"):
        record.out.add("classifications", row)
