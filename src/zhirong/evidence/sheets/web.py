"""Web tables saved under a spreadsheet's name, as several patent databases export them."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lxml import etree

from zhirong.evidence.reading import Limits
from zhirong.evidence.sheets.encoding import detect_encoding
from zhirong.evidence.sheets.rows import RawRow, TableStream
from zhirong.kernel.errors import EvidenceError

__all__ = ["is_web_page", "open_web_page"]

_PAGE = re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.{0,2000}?-->\s*)*<(?:!doctype\s+html|html|head|meta|table|style|body)\b",
                   re.IGNORECASE | re.DOTALL)  # fmt: skip
_BLANK = re.compile(r"\s+")
_CELLS = ("td", "th")


def is_web_page(head: bytes) -> bool:
    """Say whether a file begins as HTML."""
    return (
        _PAGE.match(head.removeprefix(codecs.BOM_UTF8).replace(b"\0", b"")[:4096].removeprefix(b"\xff\xfe")) is not None
    )


def open_web_page(path: Path, limits: Limits, *, encoding: str | None = None) -> TableStream:
    """Open the tables of a web page as one stream of rows.

    Parameters
    ----------
    path : Path
        HTML file; a cell that spans columns fills the first of them, and the others are blank.
    limits : Limits
        `text_chars` bounds one cell.
    encoding : str, optional
        Codec to use instead of detection.

    Raises
    ------
    EvidenceError
        When the page holds no row of a table.
    """
    codec = (encoding or detect_encoding(path).name).removesuffix("-sig")  # the parser knows no signature
    with path.open("rb") as stream:
        probe = etree.iterparse(stream, events=("end",), tag="tr", html=True, encoding=codec, huge_tree=False)
        if next(iter(probe), None) is None:
            raise EvidenceError(f"{path.name} is a web page without a table")
    return TableStream(name="", rows=_rows(path, limits, codec), total=path.stat().st_size)


def _rows(path: Path, limits: Limits, codec: str) -> Iterator[RawRow]:
    with path.open("rb") as stream:
        for number, (_, row) in enumerate(
            etree.iterparse(stream, events=("end",), tag="tr", html=True, encoding=codec, huge_tree=False), 1
        ):
            cells: list[str] = []
            for cell in row.iterchildren(*_CELLS):
                cells.append(_text(cell, limits))
                cells += [""] * (_span(cell) - 1)
            yield RawRow(number, cells, stream.tell())
            row.clear()
            while row.getprevious() is not None:
                del row.getparent()[0]


def _text(cell: Any, limits: Limits) -> str:
    for mark in cell.iter("br", "p", "div"):
        mark.tail = "\n" + (mark.tail or "")
    lines = (_BLANK.sub(" ", line).strip() for line in "".join(cell.itertext()).split("\n"))
    return "\n".join(line for line in lines if line)[: limits.text_chars]


def _span(cell: Any) -> int:
    text = str(cell.get("colspan") or "1").strip()
    return min(int(text), 1000) if text.isdecimal() and int(text) > 0 else 1
