"""HTML: one file that loads nothing, prints well, and reads on a telephone.

The Chinese font is cut to the characters of the page and embedded, so that the page looks the same on a machine that has
none.
"""

from __future__ import annotations

import base64
import io
from functools import cache
from importlib import resources

import jinja2
from fontTools import subset  # type: ignore[import-untyped]
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]
from markupsafe import Markup
from pylopdf_fonts_zh_cn import sans_path

from zhirong.reports.blocks import Document

__all__ = ["html_page"]

_ALWAYS = "".join(chr(c) for c in range(0x20, 0x7F)) + "–—−…·×→σ（）：；，、。“”"


def html_page(document: Document) -> str:
    """Return the document as one self-contained HTML page; the same document gives the same bytes."""
    page = _template().render(doc=document, css=Markup(_css()), font="")  # noqa: S704  (our own style sheet)
    font = _font_data("".join(sorted(set(page) | set(_ALWAYS))))
    return page.replace(
        "/*font*/", f'@font-face{{font-family:"Noto Sans SC";src:url(data:font/woff;base64,{font}) format("woff")}}'
    )


@cache
def _template() -> jinja2.Template:
    folder = resources.files("zhirong.reports") / "templates"
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters["svg"] = Markup  # charts are made by `canvas`, which escapes every text
    return environment.from_string((folder / "report.html.j2").read_text("utf-8"))


@cache
def _css() -> str:
    return (resources.files("zhirong.reports") / "templates" / "report.css").read_text("utf-8")


@cache
def _font_data(characters: str) -> str:
    """Return the font cut to some characters as base64 WOFF."""
    options = subset.Options()
    options.flavor = "woff"
    options.hinting = False
    options.desubroutinize = True
    options.layout_features = ["kern"]
    options.name_IDs = [0, 13, 14]  # copyright and licence stay
    options.recalc_timestamp = False
    font = TTFont(sans_path(), lazy=True, recalcTimestamp=False)
    cutter = subset.Subsetter(options)
    cutter.populate(text=characters)
    cutter.subset(font)
    font.flavor = "woff"
    stream = io.BytesIO()
    font.save(stream, reorderTables=None)
    font.close()
    return base64.b64encode(stream.getvalue()).decode("ascii")
