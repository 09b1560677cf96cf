"""Where the table begins in a sheet: title rows, two-row and merged heads, repeated heads, footers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

from zhirong.evidence.sheets.rows import RawRow
from zhirong.evidence.sheets.rules import SheetMapping
from zhirong.evidence.sheets.vocabulary import fold, fold_head

__all__ = ["SEARCH_ROWS", "Header", "find_header", "header_score", "is_totals_row"]

SEARCH_ROWS = 50
"""Rows searched for the heads; exports put a few lines of title and query above them."""
_TOTALS = re.compile(r"^(?:合计|总计|小计|共计|总数|平均|汇总|total|grand total|sum|subtotal|共\s*\d+\s*[条件项])")
_UNIT_TAIL = re.compile(r"\((?:单位:?)?(?:亿元|千万元|百万元|万元|千元|元)(?:人民币)?\)")


@dataclass(frozen=True, slots=True)
class Header:
    """The heads of a sheet and the rows below them.

    Parameters
    ----------
    heads : tuple of str
        Head of each column as written; blank where there is none.
    row : int
        Number of the row of heads.
    body : iterator of RawRow
        Rows below.
    known : int
        Columns whose head the mapping knows.
    """

    heads: tuple[str, ...]
    row: int
    body: Iterator[RawRow]
    known: int


def find_header(rows: Iterable[RawRow], known: frozenset[str], identifiers: frozenset[str]) -> Header | None:
    """Find the row that holds most heads the mapping knows, at least one of them an identifier.

    Parameters
    ----------
    rows : iterable of RawRow
        The sheet from its first row.
    known, identifiers : frozenset of str
        Folded heads of the mapping; those of application and publication numbers.

    Returns
    -------
    Header or None
        None when the first `SEARCH_ROWS` rows hold no head of an identifier. A blank below a filled cell of the row
        above (a vertically merged head) takes the text above.
    """
    iterator = iter(rows)
    first = list(islice(iterator, SEARCH_ROWS))
    best, best_score, best_heads = -1, 0, tuple[str, ...]()
    for i, row in enumerate(first):
        heads = _with_above(row.cells, first[i - 1].cells if i else [], known)
        folded = [fold_head(_UNIT_TAIL.sub("", fold(head))) for head in heads]
        folded += [fold_head(head) for head in heads]
        score = len(known.intersection(folded))
        if score > best_score and identifiers.intersection(folded):
            best, best_score, best_heads = i, score, tuple(heads)
    if best < 0:
        return None
    return Header(best_heads, first[best].number, chain(first[best + 1 :], iterator), best_score)


def _with_above(cells: list[str], above: list[str], known: frozenset[str]) -> list[str]:
    heads = list(cells)
    for i, text in enumerate(above):
        if not text.strip() or fold_head(text) not in known:
            continue
        if i >= len(heads):
            heads.extend([""] * (i - len(heads) + 1))
        if not heads[i].strip():
            heads[i] = text
    return heads


def is_totals_row(cells: list[str]) -> bool:
    """Say whether a row sums up the table (合计, 总计, Total) instead of being a record."""
    said = [cell for cell in cells if cell.strip()]
    return bool(said) and _TOTALS.match(fold(said[0])) is not None


def header_score(mapping: SheetMapping, cells: Iterable[str]) -> int:
    """Return how many cells are heads of the mapping; 0 without an identifier among them."""
    folded = {fold_head(cell) for cell in cells} | {fold_head(_UNIT_TAIL.sub("", fold(cell))) for cell in cells}
    return len(mapping.heads & folded) if mapping.identifier_heads & folded else 0
