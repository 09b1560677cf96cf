"""The report before it has a form: plain blocks that the HTML page and the PDF set alike.

Every text here is plain text in one language; escaping belongs to the form. That is why a title that holds markup is
harmless in both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from zhirong.kernel.text import Language

__all__ = [
    "Block",
    "Bullets",
    "Cell",
    "Chart",
    "Column",
    "Document",
    "Facts",
    "Paragraph",
    "Section",
    "Summary",
    "Table",
    "Tone",
]

Tone = Literal["normal", "muted", "warning", "good"]


@dataclass(frozen=True, slots=True)
class Cell:
    """Text of a table cell and how it is set apart; `note` is a small second line."""

    text: str
    tone: Tone = "normal"
    note: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """Head of a table column; `share` is its part of the width."""

    head: str
    is_numeric: bool = False
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a caption; rows have one cell a column."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    kind: Literal["table"] = "table"


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart as SVG, wide and narrow, with what it says in words."""

    name: str
    svg: str
    svg_narrow: str
    alt: str
    caption: str
    kind: Literal["chart"] = "chart"


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph."""

    text: str
    tone: Tone = "normal"
    kind: Literal["paragraph"] = "paragraph"


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list of short points under a small heading."""

    title: str
    items: tuple[str, ...]
    tone: Tone = "normal"
    kind: Literal["bullets"] = "bullets"


@dataclass(frozen=True, slots=True)
class Facts:
    """Pairs of label and value."""

    items: tuple[tuple[str, str], ...]
    kind: Literal["facts"] = "facts"


Block = Table | Chart | Paragraph | Bullets | Facts


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the report with a heading; `anchor` is stable across languages."""

    anchor: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """The first page.

    Parameters
    ----------
    value_label, value, value_note : str
        The interval, large, with what it is and its median.
    grade_label, grade, grade_note : str
        The grade, or that it is unknown.
    facts : Facts
        Subject, date, purpose, standard.
    lists : tuple of Bullets
        Strengths, risks, unknown.
    charts : tuple of Chart
        Below the headline.
    """

    value_label: str
    value: str
    value_note: str
    grade_label: str
    grade: str
    grade_note: str
    facts: Facts
    lists: tuple[Bullets, ...]
    charts: tuple[Chart, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report in one language; `banner` stands on every page where it is not empty."""

    lang: Language
    title: str
    subject: str
    banner: str
    summary: Summary
    sections: tuple[Section, ...]
    footer: str
    contents_label: str
