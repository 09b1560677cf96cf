"""Excel workbooks as numbered rows, read as a stream and never run.

An .xlsx file is a ZIP of XML parts. It is read here directly, cell by cell, because only so are three things true at
once: memory stays constant, a formula and its stored result are both seen, and nothing in the file is believed (sizes
are counted while unpacking, document type declarations and entities are refused, links and macros are not followed).
Old .xls workbooks (65,536 rows at most) are read by calamine, which gives stored results only.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import IO, Any, Literal

import python_calamine
from lxml import etree
from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format

from zhirong.evidence.reading import Limits, Output
from zhirong.evidence.sheets.rows import RawRow, TableStream
from zhirong.kernel.errors import EvidenceError, HostileInputError
from zhirong.kernel.findings import Severity

__all__ = ["Formulas", "excel_date", "open_legacy_workbook", "open_workbook"]

Formulas = Literal["refuse", "use_cached"]
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_STRICT = "{http://purl.oclc.org/ooxml/spreadsheetml/main}"
_REL = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_REL_STRICT = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"
_MEMBERS = 10_000
_COLUMNS = 16_384
_LEGACY_BYTES = 256 << 20
_RATIO_FREE_BYTES = 1 << 20
"""Small parts may compress well without being a bomb."""


def excel_date(serial: float, *, epoch_1904: bool = False) -> date | datetime:
    """Return the day (or instant) of an Excel serial number.

    Parameters
    ----------
    serial : float
        Days since 1899-12-30 (which absorbs Excel's 29 February 1900), or since 1904-01-01.

    Notes
    -----
    Serials 1-60 of the 1900 system are one day off in Excel itself; no patent document is that old, so they are not
    corrected.
    """
    start = datetime(1904, 1, 1) if epoch_1904 else datetime(1899, 12, 30)  # noqa: DTZ001  a calendar day, no zone
    moment = start + timedelta(days=serial)
    return moment.date() if float(serial).is_integer() else moment


class _Counted:
    """A member's bytes, counted while unpacked; refuses beyond its limits whatever the directory claims."""

    def __init__(self, archive: zipfile.ZipFile, name: str, limits: Limits) -> None:
        self._info = archive.getinfo(name)
        self._stream: IO[bytes] = archive.open(name)
        self._limits = limits
        self.done = 0
        self.mark = 0
        """Where the row being read began: one row may not fill the memory."""

    def read(self, size: int = -1) -> bytes:
        block = self._stream.read(size if size > 0 else 1 << 20)
        self.done += len(block)
        packed = max(self._info.compress_size, 1)
        if self.done > _RATIO_FREE_BYTES and self.done > packed * self._limits.archive_ratio:
            raise HostileInputError(
                f"part {self._info.filename} unpacks to more than {self._limits.archive_ratio} times its size"
            )
        if self.done - self.mark > self._limits.text_chars:
            raise HostileInputError(
                f"part {self._info.filename}: one row holds more than {self._limits.text_chars} bytes"
            )
        if self.done > self._limits.archive_bytes:
            raise HostileInputError(f"part {self._info.filename} is larger than {self._limits.archive_bytes} bytes")
        return block

    def close(self) -> None:
        self._stream.close()


@dataclass(slots=True)
class _Workbook:
    archive: zipfile.ZipFile
    limits: Limits
    strings: list[str] = field(default_factory=list)
    date_styles: frozenset[int] = frozenset()
    epoch_1904: bool = False
    sheets: list[tuple[str, str, bool]] = field(default_factory=list)
    """Name, part, hidden."""


def _events(stream: _Counted, *names: str) -> Iterator[tuple[str, Any]]:
    """Parse a part; local names without namespace; refuse a document type declaration before anything else."""
    wanted = [space + name for name in names for space in (_MAIN, _STRICT)]
    parser = etree.iterparse(
        stream,
        events=("start", "end"),
        tag=wanted or None,
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=True,
    )
    checked = False
    for event, element in parser:
        if not checked:
            info = element.getroottree().docinfo
            if info.doctype or info.internalDTD is not None:
                raise HostileInputError("a workbook part declares a document type (entities are never expanded)")
            checked = True
        yield event, element


def _name(element: Any) -> str:
    tag = element.tag
    if not isinstance(tag, str):
        return ""
    return tag.removeprefix(_MAIN).removeprefix(_STRICT)


def open_workbook(path: Path, out: Output, limits: Limits, *, formulas: Formulas = "refuse") -> Iterator[TableStream]:
    """Open an .xlsx or .xlsm workbook; yield its sheets in order, each a stream to be read before the next.

    Parameters
    ----------
    path : Path
        The workbook.
    out : Output
        Takes findings: macros, external links, refused formulas.
    limits : Limits
        Ratio and size of unpacked parts.
    formulas : {"refuse", "use_cached"}
        What to do with a cell that holds a formula: leave it unknown with a finding, or take the stored result,
        which nobody recomputed.

    Raises
    ------
    EvidenceError
        When the file is not a readable workbook (truncated, encrypted).
    HostileInputError
        For unpacking bombs and document type declarations.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            book = _directory(archive, out, limits)
            total = path.stat().st_size
            for name, part, hidden in book.sheets:
                size = archive.getinfo(part).file_size
                rows = _sheet_rows(book, part, name, out, formulas)
                yield TableStream(name, rows, max(size, total), True, book.epoch_1904, hidden)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as err:
        raise EvidenceError(f"{path.name} is not a whole .xlsx workbook: {err}") from err
    except etree.XMLSyntaxError as err:
        raise EvidenceError(f"{path.name} holds damaged XML: {err}") from err


def _directory(archive: zipfile.ZipFile, out: Output, limits: Limits) -> _Workbook:
    names = archive.namelist()
    if len(names) > _MEMBERS:
        raise HostileInputError(f"a workbook of {len(names)} parts; at most {_MEMBERS} are read")
    if "xl/workbook.xml" not in names:
        raise EvidenceError("no xl/workbook.xml in the archive: not an Excel workbook (.xlsx)")
    if any(name.endswith("vbaProject.bin") for name in names):
        out.finding("sheet.macro", Severity.WARNING, "the workbook holds macros; they were ignored, never run")
    links = sum(name.startswith("xl/externalLinks/") and name.endswith(".xml") for name in names)
    if links:
        out.finding(
            "sheet.external_link", Severity.WARNING, f"{links} link(s) to other files were ignored, not followed"
        )
    book = _Workbook(archive, limits)
    _read_sheets(book, names)
    if "xl/styles.xml" in names:
        book.date_styles = _date_styles(book)
    if "xl/sharedStrings.xml" in names:
        book.strings = list(_shared_strings(book))
    return book


def _read_sheets(book: _Workbook, names: list[str]) -> None:
    targets: dict[str, str] = {}
    rels = "xl/_rels/workbook.xml.rels"
    if rels in names:
        for event, element in _events(_Counted(book.archive, rels, book.limits)):
            if event == "end" and element.get("Id") and element.get("TargetMode") != "External":
                target = str(element.get("Target") or "").lstrip("/")
                targets[element.get("Id")] = target if target.startswith("xl/") else f"xl/{target}"
    for event, element in _events(_Counted(book.archive, "xl/workbook.xml", book.limits)):
        if event != "end":
            continue
        if _name(element) == "workbookPr":
            book.epoch_1904 = element.get("date1904") in {"1", "true"}
        if _name(element) == "sheet":
            part = targets.get(element.get(_REL) or element.get(_REL_STRICT) or "")
            if part in names:
                hidden = element.get("state") in {"hidden", "veryHidden"}
                book.sheets.append((element.get("name") or "", part, hidden))


def _date_styles(book: _Workbook) -> frozenset[int]:
    """Return the cell styles that show a number as a date."""
    custom: dict[int, str] = {}
    found: set[int] = set()
    in_xfs, index = False, 0
    for event, element in _events(_Counted(book.archive, "xl/styles.xml", book.limits)):
        name = _name(element)
        if name == "numFmt" and event == "end":
            custom[int(element.get("numFmtId"))] = element.get("formatCode") or ""
        elif name == "cellXfs":
            in_xfs = event == "start"
        elif name == "xf" and in_xfs and event == "end":
            code = int(element.get("numFmtId") or 0)
            text = custom.get(code) or BUILTIN_FORMATS.get(code, "")
            # Ids 27-36 and 50-58 are date formats of East Asian Excel and are not spelled out in the file.
            if is_date_format(text) or 27 <= code <= 36 or 50 <= code <= 58 or re.search("[年月日]", text):
                found.add(index)
            index += 1
    return frozenset(found)


def _shared_strings(book: _Workbook) -> Iterator[str]:
    parts: list[str] = []
    phonetic = False
    stream = _Counted(book.archive, "xl/sharedStrings.xml", book.limits)
    for event, element in _events(stream):
        name = _name(element)
        stream.mark = stream.done
        if name == "rPh":
            phonetic = event == "start"
        if event == "start":
            continue
        if name == "t" and not phonetic:
            parts.append(element.text or "")
        elif name == "si":
            yield "".join(parts)
            parts = []
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]


_REFERENCE = re.compile(r"^([A-Z]{1,3})(\d+)$")


def _column(reference: str | None, after: int) -> int:
    match = _REFERENCE.match(reference or "")
    if match is None:
        return after
    index = 0
    for letter in match[1]:
        index = index * 26 + ord(letter) - 64
    return min(index - 1, _COLUMNS)


def _sheet_rows(book: _Workbook, part: str, sheet: str, out: Output, formulas: Formulas) -> Iterator[RawRow]:
    stream = _Counted(book.archive, part, book.limits)
    number = 0
    for event, element in _events(stream, "row"):
        if event != "end":
            continue
        number = int(element.get("r") or number + 1)
        stream.mark = stream.done
        yield _one_row(book, element, number, stream.done, sheet, out, formulas)
        element.clear()
        while element.getprevious() is not None:
            del element.getparent()[0]


def _one_row(
    book: _Workbook, element: Any, number: int, done: int, sheet: str, out: Output, formulas: Formulas
) -> RawRow:
    cells: list[str] = []
    refused: dict[int, str] = {}
    for cell in element:
        if _name(cell) != "c":
            continue
        at = _column(cell.get("r"), len(cells))
        if at >= _COLUMNS or at < len(cells):
            continue
        cells.extend([""] * (at - len(cells)))
        text, formula = _cell(book, cell)
        if formula is not None and formulas == "refuse":
            refused[at] = "formula"
            out.finding(
                "sheet.formula", Severity.WARNING,
                f"a formula in {sheet!r} was refused and its cell left unknown; paste values, or say "
                "`formulas: use_cached` in the mapping",
                row=number, field=cell.get("r"), value=f"={formula}",
            )  # fmt: skip
            text = ""
        elif cell.get("t") == "e":
            refused[at] = "error"
            out.finding("sheet.error_cell", Severity.WARNING, f"an Excel error value in {sheet!r} was left unknown",
                        row=number, field=cell.get("r"), value=text)  # fmt: skip
            text = ""
        cells.append(text)
    return RawRow(number, cells, done, refused)


def _cell(book: _Workbook, cell: Any) -> tuple[str, str | None]:
    """Return the text of a cell and its formula, if any."""
    value, formula = "", None
    inline: list[str] = []
    for child in cell.iter():
        name = _name(child)
        if name == "v":
            value = child.text or ""
        elif name == "f":
            formula = child.text or "(shared)"
        elif name == "t":
            inline.append(child.text or "")
    kind = cell.get("t") or "n"
    if kind == "s":
        index = int(value) if re.fullmatch(r"[0-9]{1,9}", value) else -1
        return (book.strings[index] if 0 <= index < len(book.strings) else ""), formula
    if kind == "inlineStr":
        return "".join(inline), formula
    if kind == "b":
        return {"1": "TRUE", "0": "FALSE"}.get(value, ""), formula
    if kind == "n" and value:
        return _number(book, value, int(cell.get("s") or 0)), formula
    return value, formula


def _number(book: _Workbook, text: str, style: int) -> str:
    """Write a number as a person would: dates as ISO, whole numbers without a point, no exponent where exact."""
    try:
        number = float(text)
    except ValueError:
        return text
    if style in book.date_styles and -700_000 < number < 2_900_000:
        moment = excel_date(number, epoch_1904=book.epoch_1904)
        return moment.isoformat()
    return _plain(number)


def _plain(number: float) -> str:
    if number.is_integer() and abs(number) < 1e15:
        return str(int(number))
    return repr(number)


def open_legacy_workbook(path: Path, out: Output) -> Iterator[TableStream]:
    """Open an .xls workbook (BIFF); yield its sheets. Formulas are not seen: their stored results are read.

    Raises
    ------
    EvidenceError
        When the file is larger than 256 MiB, encrypted or damaged.
    """
    total = path.stat().st_size
    if total > _LEGACY_BYTES:
        raise HostileInputError(f"{path.name} has {total} bytes; an .xls workbook of 65,536 rows needs far fewer")
    try:
        book = python_calamine.load_workbook(str(path))
    except (python_calamine.CalamineError, OSError) as err:
        raise EvidenceError(f"{path.name} is not a whole .xls workbook: {err}") from err
    out.finding(
        "sheet.formula_unseen", Severity.INFO,
        "an .xls workbook does not show which cells are formulas; stored results were read",
    )  # fmt: skip
    for meta in book.sheets_metadata:
        hidden = meta.visible != python_calamine.SheetVisibleEnum.Visible
        sheet = book.get_sheet_by_name(meta.name)
        yield TableStream(meta.name, _legacy_rows(sheet, total), total, True, False, hidden)


def _legacy_rows(sheet: Any, total: int) -> Iterator[RawRow]:
    first = (sheet.start or (0, 0))[0]
    height = max(sheet.height, 1)
    for i, row in enumerate(sheet.to_python(skip_empty_area=True)):
        left = [""] * (sheet.start or (0, 0))[1]
        yield RawRow(first + i + 1, left + [_legacy_cell(cell) for cell in row], total * (i + 1) // height)


def _legacy_cell(cell: object) -> str:
    match cell:
        case bool():
            return "TRUE" if cell else "FALSE"
        case float() | int():
            return _plain(float(cell))
        case datetime() | date():
            return cell.isoformat().removesuffix("T00:00:00")
        case time() | timedelta():
            return str(cell)
        case None:
            return ""
        case _:
            return str(cell)
