"""One shape for every tabular source: a named stream of numbered rows of text cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

__all__ = ["RawRow", "TableStream"]


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row as the source has it.

    Parameters
    ----------
    number : int
        1-based row of a sheet, or first physical line of a CSV record.
    cells : list of str
        Text of each cell; blank cells are empty text.
    done : int
        Bytes of the source consumed so far.
    refused : mapping of int to str
        Cells that were emptied, by position, and why (``formula``, ``error``, ``bad_bytes``).
    """

    number: int
    cells: list[str]
    done: int = 0
    refused: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TableStream:
    """One sheet of a workbook, or one text file.

    Parameters
    ----------
    name : str
        Sheet name; empty for a text file.
    rows : iterator of RawRow
        Read once.
    total : int
        Bytes in all, for progress.
    is_workbook : bool
        Numbers may be Excel date serials.
    epoch_1904 : bool
        Serials count from 1904-01-01 (old Macintosh workbooks).
    is_hidden : bool
        The sheet is hidden in its workbook.
    """

    name: str
    rows: Iterator[RawRow]
    total: int
    is_workbook: bool = False
    epoch_1904: bool = False
    is_hidden: bool = False
