"""CSV and TSV of any size as numbered rows: strict about encoding, patient with a lost quotation mark."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zhirong.evidence.reading import Limits, Output
from zhirong.evidence.sheets.encoding import EncodingGuess, detect_encoding
from zhirong.evidence.sheets.rows import RawRow, TableStream
from zhirong.kernel.errors import EvidenceError
from zhirong.kernel.findings import Severity

__all__ = ["open_delimited", "sniff_delimiter"]

_DELIMITERS = (",", "\t", ";", "|")
_RECORD_LINES = 10_000
"""Physical lines of one record; a record that needs more has lost its closing quotation mark."""
_RECOVERIES = 50
_TEXT_FORCED = re.compile(r'^="([^"=]*)"$')


def sniff_delimiter(sample: list[str]) -> str:
    """Return the delimiter that cuts most of the sample lines into the same number (over one) of cells.

    Ties go to the earlier of comma, tab, semicolon, bar; a sample without any of them is a comma file of one column.
    """

    def score(delimiter: str) -> tuple[int, int]:
        try:
            rows = list(csv.reader(sample, delimiter=delimiter))
        except csv.Error:
            return (0, 0)
        widths = Counter(len(row) for row in rows if len(row) > 1)
        width, votes = max(widths.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
        return (votes, width)

    return max(_DELIMITERS, key=lambda d: (score(d), -_DELIMITERS.index(d)))


class _Lines:
    """Text lines with push-back, counting what one record consumed."""

    def __init__(self, stream: io.TextIOWrapper, chars_max: int, delimiter: str) -> None:
        self._stream = stream
        self._delimiter = delimiter
        self._chars_max = chars_max
        self._again: deque[str] = deque()
        self.number = 0
        self.taken: list[str] = []
        self._chars = 0

    def begin(self) -> None:
        self.taken, self._chars = [], 0

    def swallowed(self, cells: list[str], width: int) -> bool:
        """Say whether the record has taken in whole rows: one of its further lines has the delimiters of a row.

        A cell may hold line ends, and text with delimiters; a record of the right width is therefore believed, unless the
        file ended inside its quotation marks.
        """
        if len(self.taken) < 2 or width < 3:
            return False
        is_open = sum(line.count('"') for line in self.taken) % 2 == 1
        holds_row = any(line.count(self._delimiter) >= width - 1 for line in self.taken[1:])
        return holds_row and (is_open or len(cells) != width)

    @property
    def is_cut_off(self) -> bool:
        """The last line read has no line end."""
        return bool(self.taken) and self.taken[-1][-1] not in "\r\n"

    def push_back_after_first(self) -> None:
        """Return all lines of the record but the first to the input."""
        self._again.extendleft(reversed(self.taken[1:]))
        self.number -= len(self.taken) - 1

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._stream.readline(self._chars_max)
        if not line:
            raise StopIteration
        self.number += 1
        self.taken.append(line)
        self._chars += len(line)
        if len(self.taken) > _RECORD_LINES or self._chars > self._chars_max:
            raise _RecordTooLongError
        return line


class _RecordTooLongError(Exception):
    """A record grew beyond its limit."""


class _LostQuoteError(Exception):
    """A record holds whole rows."""


@contextmanager
def _field_size(chars_max: int) -> Iterator[None]:
    """Allow long cells while reading; the limit of the csv module is global, so it is put back."""
    before = csv.field_size_limit(chars_max)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def open_delimited(path: Path, out: Output, limits: Limits, *, encoding: str | None = None) -> TableStream:
    """Open a CSV or TSV file as one stream of rows.

    Parameters
    ----------
    path : Path
        The file.
    out : Output
        Takes findings about encoding and lost quotation marks.
    limits : Limits
        `text_chars` bounds one record.
    encoding : str, optional
        Codec to use instead of detection (the mapping says so).

    Raises
    ------
    EvidenceError
        When the file is empty.
    """
    total = path.stat().st_size
    if total == 0:
        raise EvidenceError(f"{path.name} is empty")
    guess = EncodingGuess(encoding, is_strict=False) if encoding else detect_encoding(path)
    if guess.first_bad_byte is not None:
        out.finding(
            "sheet.encoding",
            Severity.WARNING,
            f"neither UTF-8 nor GB18030 throughout: read as {guess.name}, {guess.bad_lines} line(s) hold bad bytes "
            f"(first at byte {guess.first_bad_byte}); they became U+FFFD",
        )
    return TableStream(name="", rows=_rows(path, out, limits, guess), total=total)


def _rows(path: Path, out: Output, limits: Limits, guess: EncodingGuess) -> Iterator[RawRow]:
    with path.open("rb") as raw, _field_size(limits.text_chars):
        stream = io.TextIOWrapper(raw, encoding=guess.name, errors="replace", newline="")
        sample = [
            line for _, line in zip(range(40), iter(lambda: stream.readline(limits.text_chars), ""), strict=False)
        ]
        delimiter = sniff_delimiter(sample)
        stream.seek(0)
        lines = _Lines(stream, limits.text_chars, delimiter)
        reader = csv.reader(lines, delimiter=delimiter)
        recoveries, width = 0, 0
        while True:
            lines.begin()
            first = lines.number + 1
            try:
                cells = next(reader)
                if lines.swallowed(cells, width):
                    raise _LostQuoteError
            except StopIteration:
                return
            except (_RecordTooLongError, _LostQuoteError, csv.Error) as err:
                recoveries += 1
                _report_unclosed(out, first, str(err) or "whole rows follow inside its quotation marks")
                if recoveries > _RECOVERIES:
                    out.finding("sheet.unclosed_quote", Severity.FATAL, "too many such records; the rest was refused")
                    return
                lines.push_back_after_first()
                reader = csv.reader(lines, delimiter=delimiter)
                continue
            width = max(width, len(cells))
            if lines.is_cut_off and len(cells) < width:
                out.finding("sheet.cut_off", Severity.WARNING,
                            f"the last row has {len(cells)} cells of {width} and no line end: the file may be cut off here",
                            row=first)  # fmt: skip
            yield _row(first, cells, raw.tell())


def _row(number: int, cells: list[str], done: int) -> RawRow:
    refused = {i: "bad_bytes" for i, cell in enumerate(cells) if "\ufffd" in cell}
    cells = [_TEXT_FORCED.sub(r"\1", cell) if cell[:2] == '="' else cell for cell in cells]
    return RawRow(number, cells, done, refused)


def _report_unclosed(out: Output, row: int, why: str) -> None:
    out.read()
    out.refuse()
    out.finding(
        "sheet.unclosed_quote",
        Severity.ERROR,
        f"the record that starts here was refused ({why}); is a quotation mark missing?",
        row=row,
    )
