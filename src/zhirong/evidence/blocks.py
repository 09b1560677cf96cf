"""A block of text columns on its way to canonical tables: whole columns at once, odd values one by one."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, overload

import pyarrow as pa
import pyarrow.compute as pc

from zhirong.evidence.reading import Limits, Output
from zhirong.kernel.dates import parse_date
from zhirong.kernel.errors import DomainError, IdentifierError
from zhirong.kernel.findings import Severity
from zhirong.kernel.identifiers import parse_patent_number

__all__ = ["Block"]

_US_NUMBER = r"^(RE|PP|AI|D|H|T|X)?0*([1-9][0-9]{0,8})$"
_US_APPLICATION = r"^((?:19[789]|20[0-9])[0-9])/?([0-9]{7})$"
_FOREIGN = r"^[1-9][0-9]{0,12}$"
_ODD_OFFICES = pa.array(["US", "JP", "WO"])
"""Offices whose numbers carry years or eras: read one by one."""


class Block:
    """Rows of one table read together.

    Parameters
    ----------
    columns : mapping of str to pyarrow.Array of binary
        Cells as bytes; blank cells are null.
    out : Output
        Where rows and findings go.
    limits : Limits
        Longest cells.
    before : int
        Rows delivered before this block.
    skipped : sequence of int
        Record numbers (from 1) that were skipped so far, ascending.
    """

    def __init__(
        self,
        columns: Mapping[str, pa.Array],
        out: Output,
        limits: Limits,
        before: int,
        skipped: Sequence[int],
    ) -> None:
        self._columns = columns
        self.out = out
        self.limits = limits
        self._before = before
        self._skipped = skipped
        self._strings: dict[str, pa.Array] = {}
        self.size = len(next(iter(columns.values()))) if columns else 0
        self._refused = [False] * self.size

    def row_number(self, index: int) -> int:
        """Return the 1-based number of a row among all records of the file, skipped ones included."""
        number = self._before + index + 1
        shift = 0
        while (more := bisect_right(self._skipped, number + shift)) > shift:
            shift = more
        return number + shift

    def strings(self, name: str, *, is_long: bool = False) -> pa.Array:
        """Return a column as text; bytes that are not UTF-8 and cells beyond the limit become null with a finding."""
        if name not in self._strings:
            if name not in self._columns:
                return pa.nulls(self.size, pa.string())
            self._strings[name] = self._clean(name, self.limits.text_chars if is_long else self.limits.field_chars)
        return self._strings[name]

    def _clean(self, name: str, chars_max: int) -> pa.Array:
        raw = self._columns[name]
        try:
            text = raw.cast(pa.string())
        except pa.ArrowInvalid:
            text = self._decode(name, raw.to_pylist())
        lengths = pc.utf8_length(text)
        if (pc.max(lengths).as_py() or 0) > chars_max:
            long = pc.fill_null(pc.greater(lengths, chars_max), False)
            self.report(long, "field.too_long", Severity.WARNING, f"longer than {chars_max} characters", name)
            text = pc.if_else(long, pa.scalar(None, pa.string()), text)
        return text

    def _decode(self, name: str, cells: list[bytes | None]) -> pa.Array:
        good: list[str | None] = []
        for i, cell in enumerate(cells):
            try:
                good.append(None if cell is None else cell.decode("utf-8"))
            except UnicodeDecodeError:
                good.append(None)
                self._file("field.encoding", Severity.WARNING, "bytes are not UTF-8", i, name, repr(cell)[:100])
        return pa.array(good, pa.string())

    def _file(self, rule: str, severity: Severity, message: str, index: int, field: str, value: str | None) -> None:
        if severity is Severity.ERROR and not self._refused[index]:
            self._refused[index] = True
            self.out.refuse()
        self.out.finding(rule, severity, message, row=self.row_number(index), field=field, value=value)

    def report(self, mask: pa.Array, rule: str, severity: Severity, message: str, field: str) -> None:
        """File one finding for each row of a mask; an error refuses the row."""
        for index in pc.indices_nonzero(mask).to_pylist():
            value = self._strings[field][index].as_py() if field in self._strings else None
            self._file(rule, severity, message, index, field, value)

    def us_ids(self, name: str, *, severity: Severity = Severity.ERROR) -> pa.Array:
        """Return canonical identifiers of US grants or publications; a bad or missing one refuses the row."""
        text = pc.utf8_upper(pc.utf8_trim_whitespace(self.strings(name)))
        ids = pc.if_else(
            pc.match_substring_regex(text, _US_APPLICATION),
            pc.replace_substring_regex(text, _US_APPLICATION, r"US\1\2"),
            pc.if_else(
                pc.match_substring_regex(text, _US_NUMBER),
                pc.replace_substring_regex(text, _US_NUMBER, r"US\1\2"),
                pa.scalar(None, pa.string()),
            ),
        )
        odd = pc.and_(pc.is_null(ids), pc.is_valid(text))
        if pc.any(odd).as_py():
            ids = self._one_by_one(ids, odd, text, ["US"] * self.size)
        bad = pc.is_null(ids)
        self.report(bad, "field.patent_number", severity, "not a US patent or publication number", name)
        return ids

    def foreign_ids(self, office: str, number: str) -> pa.Array:
        """Return canonical identifiers of cited documents of other offices; a bad one refuses the row."""
        offices = pc.utf8_upper(pc.utf8_trim_whitespace(self.strings(office)))
        text = pc.utf8_trim_whitespace(self.strings(number))
        plain = pc.and_kleene(
            pc.match_substring_regex(text, _FOREIGN),
            pc.and_kleene(
                pc.match_substring_regex(offices, "^[A-Z]{2}$"),
                pc.invert(pc.is_in(offices, value_set=_ODD_OFFICES)),
            ),
        )
        plain = pc.fill_null(plain, False)
        ids = pc.if_else(plain, pc.binary_join_element_wise(offices, text, ""), pa.scalar(None, pa.string()))
        ids = self._one_by_one(ids, pc.invert(plain), text, offices.to_pylist())
        self.report(
            pc.is_null(ids),
            "field.patent_number",
            Severity.ERROR,
            "not a number of a patent document",
            number,
        )
        return ids

    def _one_by_one(self, ids: pa.Array, odd: pa.Array, text: pa.Array, offices: Sequence[str | None]) -> pa.Array:
        found = ids.to_pylist()
        for index in pc.indices_nonzero(odd).to_pylist():
            office = offices[index]
            if office is None or len(office) != 2 or not office.isalpha():
                continue
            try:
                found[index] = parse_patent_number(text[index].as_py() or "", office=office).patent_id
            except IdentifierError:
                continue
        return pa.array(found, pa.string())

    def dates(self, name: str, *, default_day: int | None = None) -> pa.Array:
        """Return a column as dates; what is no date becomes null with a finding, zero dates become null."""
        text = self.strings(name)
        parsed = pc.strptime(text, format="%Y-%m-%d", unit="s", error_is_null=True).cast(pa.date32())
        odd = pc.and_(pc.is_valid(text), pc.fill_null(pc.not_equal(parsed.cast(pa.string()), text), True))
        if not pc.any(odd).as_py():
            return parsed
        found: list[date | None] = parsed.to_pylist()
        for index in pc.indices_nonzero(odd).to_pylist():
            value = text[index].as_py()
            try:
                found[index] = parse_date(value, default_day=default_day)
            except DomainError as err:
                found[index] = None
                self._file("field.date", Severity.WARNING, str(err), index, name, value)
        return pa.array(found, pa.date32())

    def counts(self, name: str) -> pa.Array:
        """Return a column of whole numbers from 0; anything else becomes null with a finding."""
        text = self.strings(name)
        good = pc.fill_null(pc.match_substring_regex(text, "^[0-9]{1,15}$"), False)
        bad = pc.and_(pc.is_valid(text), pc.invert(good))
        if pc.any(bad).as_py():
            self.report(bad, "field.count", Severity.WARNING, "not a whole number from 0", name)
        return pc.if_else(good, text, pa.scalar(None, pa.string())).cast(pa.int64())

    def emit(self, table: str, columns: Mapping[str, Any]) -> None:
        """Give the rows that were not refused to the output; single values stand for the whole column."""
        keep = pa.array([not refused for refused in self._refused])
        if not pc.any(keep).as_py():
            return
        full: dict[str, Any] = {}
        rows = pc.sum(keep).as_py()
        for name, values in columns.items():
            full[name] = values.filter(keep) if isinstance(values, pa.Array) else pa.array([values] * rows)
        self.out.add_many(table, full, records=_RowNumbers(self, self.kept()))

    def give(self, table: str, columns: Mapping[str, Sequence[Any]], places: Sequence[int]) -> None:
        """Give rows made of the block's rows at `places`; findings about them name those rows."""
        self.out.add_many(table, columns, records=_RowNumbers(self, places))

    def kept(self) -> list[int]:
        """Return the positions of rows that were not refused."""
        return [i for i, refused in enumerate(self._refused) if not refused]


class _RowNumbers(Sequence[int]):
    """Record numbers of some rows of a block, computed only when a finding asks."""

    def __init__(self, block: Block, places: Sequence[int]) -> None:
        self._block, self._places = block, places

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> int: ...

    @overload
    def __getitem__(self, index: slice) -> list[int]: ...

    def __getitem__(self, index: int | slice) -> int | list[int]:
        if isinstance(index, slice):
            return [self._block.row_number(place) for place in self._places[index]]
        return self._block.row_number(self._places[index])
