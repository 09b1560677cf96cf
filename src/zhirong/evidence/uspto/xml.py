"""Grants and published applications in XML and SGML: which of the formats a document is, and its way into rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from zhirong.evidence.publications import Publication, write_publication
from zhirong.evidence.reading import Output, ReadOptions
from zhirong.evidence.rows import RowContext
from zhirong.evidence.uspto import ice, pap, sgml
from zhirong.evidence.uspto.documents import documents, parse
from zhirong.kernel.findings import Severity
from zhirong.kernel.text import Bilingual

__all__ = ["UsptoXmlReader"]

_KINDS: Mapping[str, Callable[[etree._Element, RowContext], Publication | None]] = {
    "us-patent-grant": ice.read,
    "us-patent-application": ice.read,
    "patent-application-publication": pap.read,
    "PATDOC": sgml.read,
}
"""Root element to the function that reads it."""

_SKIPPED = {"sequence-cwu", "us-sequence-listing", "chemistry-cwu"}
"""Roots that bulk files hold beside documents: listings that belong to a patent and say nothing new."""
_HEAD = re.compile(rb"<(?:us-patent-grant|us-patent-application|patent-application-publication|PATDOC)[\s>]")


@dataclass(frozen=True, slots=True)
class UsptoXmlReader:
    """Full text since 2001: SGML grants (ST.32), applications of 2001, and XML v4.x, single or in bulk."""

    name: str = "uspto-xml"
    version: str = "1"

    @property
    def description(self) -> Bilingual:
        """One line for the list of formats."""
        return Bilingual(
            "美国专利商标局授权与公开全文（2001 年以来的 SGML/XML，单篇或批量）",
            "USPTO grant and application full text since 2001 (SGML, XML v4.x), single or bulk",
        )

    def accepts(self, path: Path, head: bytes) -> bool:
        """Say whether the head has a root element of one of the formats."""
        return _HEAD.search(head) is not None

    def read(self, path: Path, out: Output, options: ReadOptions) -> None:
        """Read every document of a file."""
        for number, document in documents(path, out, options):
            out.read()
            root = parse(document, number, out)
            if root is None:
                continue
            read = _KINDS.get(str(root.tag))
            if read is None:
                if root.tag not in _SKIPPED:
                    out.refuse()
                    out.finding("uspto.unknown_root", Severity.ERROR, f"not a patent document; allowed roots: {', '.join(_KINDS)}",
                                row=number, value=str(root.tag))  # fmt: skip
                continue
            record = RowContext(out, number)
            publication = read(root, record)
            if publication is not None:
                write_publication(publication, record)
