"""Flows between parties drawn as bands: columns of nodes, bands as wide as the amounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path as Curve

from zhirong.reports.canvas import PALETTE, WIDE, draw

__all__ = ["Band", "sankey"]

_GAP = 0.05
_HEAD = 0.012


@dataclass(frozen=True, slots=True)
class Band:
    """One flow; amounts are above 0."""

    source: str
    target: str
    amount: float
    tone: str = "soft"


def sankey(
    name: str, bands: Sequence[Band], *, columns: Sequence[Sequence[str]], labels: Mapping[str, str], width: float = WIDE,
    height: float = 300.0, alt: str,
) -> str:  # fmt: skip
    """Return a Sankey diagram as SVG.

    Parameters
    ----------
    name : str
        Prefix of identifiers.
    bands : sequence of Band
        Each from a column to a later one.
    columns : sequence of sequence of str
        Nodes by column, top to bottom; nodes without a band are left out.
    labels : Mapping of str to str
        Text at each node.
    width, height : float
        Points.
    alt : str
        What the chart says.
    """
    used = {b.source for b in bands} | {b.target for b in bands}
    kept = [[node for node in column if node in used] for column in columns]
    kept = [column for column in kept if column]
    size = {
        n: max(sum(b.amount for b in bands if b.source == n), sum(b.amount for b in bands if b.target == n))
        for n in used
    }
    scale = max(sum(size[n] for n in column) / max(1 - _GAP * (len(column) - 1), 0.2) for column in kept)

    def paint(figure: Figure) -> None:
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set_axis_off()
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        place = _places(kept, size, scale, narrow=width < WIDE)
        _bands(axes, bands, place, scale)
        for node, (x, top, deep) in place.items():
            axes.add_patch(Rectangle((x, top - deep), _HEAD, deep, color=PALETTE["main"], linewidth=0))
            is_last = x > 0.7
            axes.text(
                x - 0.008 if is_last else x + _HEAD + 0.008, top - deep / 2, labels[node], ha="right" if is_last else "left",
                va="center", fontsize=8 if width < WIDE else 9.5,
            )  # fmt: skip

    return draw(name, paint, width=width, height=height, alt=alt)


def _places(
    columns: Sequence[Sequence[str]], size: Mapping[str, float], scale: float, *, narrow: bool
) -> dict[str, tuple[float, float, float]]:
    """Return left edge, top and height of each node."""
    found = {}
    last = max(len(columns) - 1, 1)
    for place, column in enumerate(columns):
        x = 0.01 + place / last * (0.975 - _HEAD)
        deep = sum(size[n] for n in column) / scale + _GAP * (len(column) - 1)
        top = 0.5 + deep / 2
        for node in column:
            found[node] = (x, top, size[node] / scale)
            top -= size[node] / scale + _GAP
    return found


def _bands(axes: Axes, bands: Sequence[Band], place: Mapping[str, tuple[float, float, float]], scale: float) -> None:
    left = {node: top for node, (_, top, _) in place.items()}
    right = dict(left)
    order = sorted(bands, key=lambda b: (-place[b.source][1], -place[b.target][1]))
    start = {}
    for band in order:
        start[id(band)] = right[band.source]
        right[band.source] -= band.amount / scale
    for band in sorted(bands, key=lambda b: (-place[b.target][1], -place[b.source][1])):
        deep = band.amount / scale
        x0, x1 = place[band.source][0] + _HEAD, place[band.target][0]
        y0, y1 = start[id(band)], left[band.target]
        left[band.target] -= deep
        mid = (x0 + x1) / 2
        vertices = [
            (x0, y0),
            (mid, y0),
            (mid, y1),
            (x1, y1),
            (x1, y1 - deep),
            (mid, y1 - deep),
            (mid, y0 - deep),
            (x0, y0 - deep),
        ]
        codes = [
            Curve.MOVETO,
            Curve.CURVE4,
            Curve.CURVE4,
            Curve.CURVE4,
            Curve.LINETO,
            Curve.CURVE4,
            Curve.CURVE4,
            Curve.CURVE4,
        ]
        axes.add_patch(PathPatch(Curve(vertices, codes), facecolor=PALETTE[band.tone], linewidth=0, alpha=0.65))
