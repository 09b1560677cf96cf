"""The CPC as the USPTO gives it: the master list (classes of each patent) and the scheme (what classes mean)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from zhirong.evidence.reading import Output, ReadOptions
from zhirong.evidence.rows import RowContext
from zhirong.kernel.errors import EvidenceError
from zhirong.kernel.findings import Severity
from zhirong.kernel.text import Bilingual

__all__ = ["CpcMasterReader", "CpcTitle", "read_cpc_scheme"]

_SAFE = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}


@dataclass(frozen=True, slots=True)
class CpcTitle:
    """What a symbol means.

    Attributes
    ----------
    symbol : str
        As printed, e.g. ``A01L1/00``.
    title : str
        English title, parts joined by "; ", references to other places left out.
    level : int
        Depth in the scheme.
    parent : str or None
        Symbol one level up.
    """

    symbol: str
    title: str
    level: int
    parent: str | None


def read_cpc_scheme(path: Path) -> list[CpcTitle]:
    """Read a CPC scheme file.

    Raises
    ------
    EvidenceError
        When the file is not well-formed, or not a scheme.
    """
    try:
        root = etree.parse(path, etree.XMLParser(**_SAFE)).getroot()
    except etree.XMLSyntaxError as err:
        raise EvidenceError(f"{path.name}: not well-formed: {err}") from err
    if root.tag != "class-scheme":
        raise EvidenceError(f"{path.name}: root is {root.tag}, a CPC scheme has class-scheme")
    found: list[CpcTitle] = []

    def walk(element: etree._Element, parent: str | None) -> None:
        for item in element.iterfind("classification-item"):
            symbol = (item.findtext("classification-symbol") or "").strip()
            parts = [_title(part) for part in item.iterfind("class-title/title-part")]
            title = "; ".join(part for part in parts if part)
            if symbol and title:
                found.append(CpcTitle(symbol, title, int(item.get("level", "0")), parent))
            walk(item, symbol or parent)

    walk(root, None)
    return found


def _title(part: etree._Element) -> str:
    own = (t for t in part.iter("text") if not any(ancestor.tag == "reference" for ancestor in t.iterancestors()))
    words = ["".join(str(piece) for piece in text.itertext()) for text in own]
    return " ".join(" ".join(words).split())


@dataclass(frozen=True, slots=True)
class CpcMasterReader:
    """CPC master classification list in XML (ST.96), and scheme files, which hold no patents."""

    name: str = "uspto-cpc"
    version: str = "1"

    @property
    def description(self) -> Bilingual:
        """One line for the list of formats."""
        return Bilingual("美国专利商标局 CPC 主分类清单（XML）", "USPTO CPC master classification list (XML)")

    def accepts(self, path: Path, head: bytes) -> bool:
        """Say whether the head has the root of a master list or a scheme."""
        return b"CPCMasterClassificationFile" in head or b"<class-scheme" in head

    def read(self, path: Path, out: Output, options: ReadOptions) -> None:
        """Read the classes of each patent; a scheme file is named as one and left alone."""
        total = path.stat().st_size
        try:
            with path.open("rb") as stream:
                number = 0
                for _, element in etree.iterparse(stream, events=("end",), **_SAFE):
                    local = etree.QName(element).localname
                    if local == "class-scheme":
                        out.finding(
                            "cpc.scheme",
                            Severity.INFO,
                            "a scheme says what classes mean and holds no patents; nothing to store",
                        )
                        return
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
