"""PDF: set by Typst, Chinese embedded and selectable.

The document goes in as JSON data, never as markup: a title that holds ``#``, ``*`` or ``$`` is text. No date is written, so
the same document gives the same bytes.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from importlib import resources
from typing import Any

import typst
from pylopdf_fonts_zh_cn import sans_path

from zhirong.reports.blocks import Chart, Document
from zhirong.reports.texts import TEXTS

__all__ = ["pdf_bytes"]


def pdf_bytes(document: Document) -> bytes:
    """Return the document as a PDF; no system font and no network is used."""
    template = (resources.files("zhirong.reports") / "templates" / "report.typ").read_bytes()
    files: Any = {"main.typ": template}  # the stub does not know the mapping form
    for block in (*document.summary.charts, *(b for section in document.sections for b in section.blocks)):
        if isinstance(block, Chart):
            files[f"charts/{block.name}.svg"] = block.svg.encode()
    plain = asdict(document) | {"page": TEXTS["report.page"].in_(document.lang)}
    result = typst.compile(
        files,
        format="pdf",
        font_paths=[str(sans_path().parent)],
        ignore_system_fonts=True,
        sys_inputs={"document": json.dumps(plain, ensure_ascii=False, sort_keys=True, default=str)},
    )
    assert isinstance(result, bytes)
    return result
