"""The one chart grammar: size, palette, font, and SVG whose bytes depend on nothing but the data.

Charts are drawn with matplotlib's SVG canvas directly (no pyplot, no global state), with text kept as text and the Chinese
font measured from its package. Identifiers inside the SVG are removed or prefixed with the chart's name, so that several
charts can stand in one page.
"""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Callable
from functools import cache

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from pylopdf_fonts_zh_cn import sans_path

from zhirong.reports.blocks import Chart

__all__ = ["FONT", "NARROW", "PALETTE", "WIDE", "bare", "both", "draw", "fitted", "text_width"]

FONT = "Noto Sans SC"
WIDE, NARROW = 680, 350
"""Widths in points of the chart for a page and for a telephone."""

PALETTE = {
    "ink": "#1f2933",
    "muted": "#5f6b7a",
    "line": "#d5dae1",
    "main": "#1f4e79",  # blue
    "soft": "#9dbad5",
    "pale": "#dfe9f2",
    "accent": "#c7772b",  # orange: apart from the blue for every common colour blindness, and darker in grey
    "accent_soft": "#e9c49c",
    "off": "#aab2bd",
}
"""Blue against orange, distinguishable with deuteranopia, protanopia and tritanopia, and by lightness in print."""

_SETTINGS = {
    "svg.fonttype": "none",
    "svg.hashsalt": "zhirong",
    "font.family": [FONT],
    "font.size": 10,
    "axes.unicode_minus": True,
    "axes.edgecolor": PALETTE["line"],
    "axes.labelcolor": PALETTE["muted"],
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "text.color": PALETTE["ink"],
    "text.parse_math": False,
    "xtick.color": PALETTE["muted"],
    "ytick.color": PALETTE["ink"],
    "xtick.labelsize": 9,
    "ytick.labelsize": 10,
    "axes.formatter.use_mathtext": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "lines.solid_capstyle": "butt",
}


@cache
def _load_font() -> None:
    font_manager.fontManager.addfont(str(sans_path()))


def draw(name: str, paint: Callable[[Figure], None], *, width: float, height: float, alt: str) -> str:
    """Return a chart as clean SVG text.

    Parameters
    ----------
    name : str
        Prefix of identifiers; unique within a page.
    paint : callable
        Draws on an empty figure.
    width, height : float
        Points.
    alt : str
        What the chart says, for readers who do not see it.

    Returns
    -------
    str
        An ``<svg>`` element without declaration; the same data give the same bytes.
    """
    _load_font()
    with mpl.rc_context(_SETTINGS):
        figure = Figure(figsize=(width / 72, height / 72), dpi=72)
        FigureCanvasSVG(figure)
        paint(figure)
        stream = io.StringIO()
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return _clean(stream.getvalue(), name, alt)


def both(name: str, paint: Callable[[float, str], str], alt: str, caption: str) -> Chart:
    """Return a chart drawn at both widths; `paint` takes the width and a name for identifiers."""
    return Chart(name, paint(WIDE, name), paint(NARROW, f"{name}-narrow"), alt, caption)


def _clean(svg: str, name: str, alt: str) -> str:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.S)
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.S)
    svg = re.sub(r"\s*<style type=\"text/css\">.*?</style>", "", svg, flags=re.S)  # it would reach the whole page
    used = set(re.findall(r'(?:url\(#|href="#)([^)"]+)', svg))
    svg = re.sub(r' id="([^"]+)"', lambda m: f' id="{name}-{m[1]}"' if m[1] in used else "", svg)
    svg = re.sub(r'(url\(#|href="#)', rf"\g<1>{name}-", svg)
    title = alt.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    svg = re.sub(r"<svg ", f'<svg role="img" aria-label="{title}" stroke-linejoin="round" ', svg, count=1)
    return svg.strip()


def text_width(text: str) -> float:
    """Return the width of a text in ems: full-width characters 1, others about 0.56."""
    return sum(1.0 if unicodedata.east_asian_width(c) in "WF" else 0.56 for c in text)


def fitted(text: str, ems: float, *, lines: int = 2) -> str:
    """Return a text broken into at most so many lines of a width in ems, cut with an ellipsis when it is longer."""
    words = re.findall(r"[^\s\u2e80-\uffef]+|[\u2e80-\uffef]|\s+", " ".join(text.split()))
    rows = [""]
    for word in words:
        while text_width(word) > ems:
            keep = next((k for k in range(len(word), 1, -1) if text_width(word[:k]) <= ems), 1)
            rows.append(word[:keep])
            word = word[keep:]
        if text_width(rows[-1] + word) <= ems:
            rows[-1] += word
        else:
            rows.append(word.lstrip())
    rows = [row.strip() for row in rows if row.strip()]
    if len(rows) > lines:
        last = rows[lines - 1]
        while last and text_width(last + "…") > ems:
            last = last[:-1]
        rows = [*rows[: lines - 1], last.rstrip(" ,;:-") + "…"]
    return "\n".join(rows)


def bare(axes: Axes, *, bottom: bool = True) -> None:
    """Take away the frame; keep a thin base line and no tick marks."""
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom" and bottom)
    axes.tick_params(length=0)
