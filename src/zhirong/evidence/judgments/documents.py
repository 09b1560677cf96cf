"""The plain text of a judgment's file: .txt, .md, .html and .docx, nothing run, nothing fetched."""

from __future__ import annotations

import re
import zipfile
import zlib
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from lxml import etree

from zhirong.evidence.reading import Limits
from zhirong.evidence.sheets.encoding import detect_encoding
from zhirong.kernel.errors import EvidenceError, HostileInputError

__all__ = ["SUFFIXES", "document_text"]

SUFFIXES = frozenset({".txt", ".md", ".html", ".htm", ".docx"})
_BYTES = 64 << 20
_DOCUMENT = "word/document.xml"
_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_BLOCKS = frozenset({"p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "table", "section", "title"})
_HIDDEN = frozenset({"script", "style", "template", "noscript"})


def document_text(path: Path, limits: Limits) -> str:
    """Return the text of a document.

    Parameters
    ----------
    path : Path
        .txt or .md in UTF-8, UTF-16 or GB18030; .html (scripts, styles and hidden parts dropped); .docx.
    limits : Limits
        `text_chars`, `archive_ratio`.

    Raises
    ------
    EvidenceError
        When the file is empty, damaged or in no readable encoding.
    HostileInputError
        When it is too large, unpacks to too much, or declares a document type in its XML.
    """
    size = path.stat().st_size
    if size == 0:
        raise EvidenceError(f"{path.name} is empty")
    if size > _BYTES:
        raise HostileInputError(f"{path.name} has {size} bytes; a judgment has at most {_BYTES}")
    with path.open("rb") as stream:
        is_zip = stream.read(4) == b"PK\x03\x04"
    if is_zip:
        text = _docx(path, limits)
    else:
        guess = detect_encoding(path)
        if not guess.is_strict:
            raise EvidenceError(
                f"{path.name} is neither UTF-8 nor GB18030 (first bad byte at {guess.first_bad_byte}); spans would "
                "not be those of the original"
            )
        text = path.read_bytes().decode(guess.name)
        if path.suffix.lower() in {".html", ".htm"}:
            text = _html(text)
    if len(text) > limits.text_chars:
        raise HostileInputError(f"{path.name} has {len(text)} characters; at most {limits.text_chars} are read")
    return text


def _docx(path: Path, limits: Limits) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            info = archive.getinfo(_DOCUMENT)
            cap = min(limits.text_chars * 8, max(info.compress_size, 1 << 14) * limits.archive_ratio)
            with archive.open(info) as stream:
                content = stream.read(cap + 1)
    except KeyError:
        raise EvidenceError(f"{path.name} is an archive without {_DOCUMENT}: not a Word document") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as err:
        raise EvidenceError(f"{path.name} is not a whole Word document: {err}") from err
    if len(content) > cap:
        raise HostileInputError(f"{path.name} unpacks to more than {cap} bytes")
    if re.search(rb"<!\s*(?:DOCTYPE|ENTITY)", content):
        raise HostileInputError(f"{path.name} declares a document type; entities are never expanded")
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as err:
        raise EvidenceError(f"{path.name} holds damaged XML: {err}") from err
    return "\n".join(_paragraph(p) for p in root.iter(f"{_WORD}p"))


def _paragraph(element: Any) -> str:
    """Return the text of a paragraph; deleted text of tracked changes is left out."""
    nodes = element.iter(f"{_WORD}t", f"{_WORD}tab", f"{_WORD}br")
    blanks = {f"{_WORD}tab": " ", f"{_WORD}br": "\n"}
    return "".join(blanks.get(node.tag) or node.text or "" for node in nodes)


class _Plain(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if tag in _HIDDEN:
            self._hidden += 1
        elif tag in _BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _HIDDEN:
            self._hidden = max(self._hidden - 1, 0)
        elif tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)


def _html(text: str) -> str:
    parser = _Plain()
    parser.feed(text)
    parser.close()
    lines = (re.sub(r"[^\S\n]+", " ", line).strip() for line in "".join(parser.parts).split("\n"))
    return "\n".join(line for line in lines if line)
