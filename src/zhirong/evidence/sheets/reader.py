"""The reader of spreadsheets and CSV files with heads, by a mapping."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from zhirong.evidence.reading import Output, ReadOptions
from zhirong.evidence.sheets.delimited import open_delimited, sniff_delimiter
from zhirong.evidence.sheets.emit import RowEmitter
from zhirong.evidence.sheets.header import SEARCH_ROWS, Header, find_header, header_score, is_totals_row
from zhirong.evidence.sheets.mapping import parse_mapping, shipped_mappings
from zhirong.evidence.sheets.rows import RawRow, TableStream
from zhirong.evidence.sheets.rules import SheetMapping
from zhirong.evidence.sheets.vocabulary import fold_head
from zhirong.evidence.sheets.web import is_web_page, open_web_page
from zhirong.evidence.sheets.workbook import open_legacy_workbook, open_workbook
from zhirong.kernel.errors import EvidenceError, HostileInputError
from zhirong.kernel.findings import Severity
from zhirong.kernel.text import Bilingual

__all__ = ["SheetReader", "open_tables"]

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = b"PK\x03\x04"
_TEXT_SUFFIXES = frozenset({".csv", ".tsv", ".txt", ".tab"})
_PROGRESS_ROWS = 500


def open_tables(path: Path, out: Output, options: ReadOptions, mapping: SheetMapping | None) -> Iterator[TableStream]:
    """Open a file by its content, not its name, and yield its sheets.

    Parameters
    ----------
    path : Path
        .xlsx, .xlsm, .xls, .csv or .tsv; an .xls that is really a text file or a web page (usual in exports) is read as
        one.
    out : Output
        Takes findings about the file.
    options : ReadOptions
        Limits.
    mapping : SheetMapping or None
        For its `formulas` and `encoding`.
    """
    with path.open("rb") as stream:
        head = stream.read(4096)
    if head.startswith(_ZIP):
        yield from open_workbook(path, out, options.limits, formulas=mapping.formulas if mapping else "refuse")
    elif head.startswith(_OLE):
        yield from open_legacy_workbook(path, out)
    elif is_web_page(head):
        yield open_web_page(path, options.limits, encoding=mapping.encoding if mapping else None)
    else:
        yield open_delimited(path, out, options.limits, encoding=mapping.encoding if mapping else None)


@dataclass(frozen=True, slots=True)
class SheetReader:
    """Reads Chinese (and other) patent spreadsheets: CSV, TSV, .xlsx, .xlsm, .xls.

    Without a mapping the shipped one that knows most heads of the sheet is used, and a finding says which.
    """

    name: str = "sheet"
    version: str = "1"

    @property
    def description(self) -> Bilingual:
        """One line for lists."""
        return Bilingual(
            "专利数据库导出的表格（CSV、TSV、xlsx、xls），按映射文件读取",
            "Spreadsheets exported by patent databases (CSV, TSV, xlsx, xls), read by a mapping file",
        )

    def accepts(self, path: Path, head: bytes) -> bool:
        """Accept workbooks by content, and text files whose heads a shipped mapping knows."""
        suffix = path.suffix.lower()
        if head.startswith(_ZIP):
            return suffix in {".xlsx", ".xlsm"} or b"xl/" in head
        if head.startswith(_OLE):
            return suffix in {".xls", ".et"}
        if suffix not in _TEXT_SUFFIXES | {".xls", ".htm", ".html"}:
            return False
        if is_web_page(head):
            return True
        return any(_score(mapping, _text_rows(head)) >= 3 for mapping in shipped_mappings().values())

    def read(self, path: Path, out: Output, options: ReadOptions) -> None:
        """Read one file by `options.mapping`, or by the shipped mapping that fits best.

        Raises
        ------
        DomainError
            When the mapping is wrong; nothing is read.
        """
        mapping = parse_mapping(options.mapping, file="mapping") if options.mapping else None
        found = False
        try:
            for stream in open_tables(path, out, options, mapping):
                found = self._sheet(stream, out, options, mapping) or found
        except HostileInputError as err:
            out.finding("sheet.hostile", Severity.FATAL, f"{err}; the rest of the file was refused")
            return
        except EvidenceError as err:
            out.finding("sheet.damaged", Severity.FATAL, f"{err}; the rest of the file was refused")
            return
        if not found:
            out.finding(
                "sheet.no_header", Severity.FATAL,
                f"no row of the first {SEARCH_ROWS} holds the head of a publication or application number that the "
                "mapping knows; `--propose` proposes a mapping",
            )  # fmt: skip

    def _sheet(self, stream: TableStream, out: Output, options: ReadOptions, mapping: SheetMapping | None) -> bool:
        """Read one sheet; return whether it had heads."""
        if stream.is_hidden and not (mapping and stream.name in mapping.sheets):
            out.finding("sheet.hidden", Severity.WARNING,
                        "a hidden sheet was not read; name it under `sheets` to read it", value=stream.name)  # fmt: skip
            return False
        if mapping and mapping.sheets and stream.name not in mapping.sheets:
            return False
        first = list(islice(stream.rows, SEARCH_ROWS))
        chosen = mapping or self._choose(first, out)
        header = find_header(_chain(first, stream.rows), chosen.heads, chosen.identifier_heads) if chosen else None
        if chosen is None or header is None:
            if stream.name and any(any(cell.strip() for cell in row.cells) for row in first):
                out.finding("sheet.no_header_in_sheet", Severity.INFO,
                            "no heads of patents here; the sheet was not read", value=stream.name)  # fmt: skip
            return False
        emitter = RowEmitter(chosen, stream, header.heads, out, options.limits)
        _report_heads(header, emitter, chosen, out)
        _read_body(header, emitter, stream, out, options)
        return True

    def _choose(self, first: list[RawRow], out: Output) -> SheetMapping | None:
        scores = {name: _score(m, [row.cells for row in first]) for name, m in shipped_mappings().items()}
        best = max(scores, key=lambda name: (scores[name], name == "cn_common", name))
        if scores[best] == 0:
            return None
        mapping = shipped_mappings()[best]
        out.finding("sheet.mapping_chosen", Severity.INFO,
                    f"no mapping was given; the shipped mapping {best!r} knows {scores[best]} of the heads")  # fmt: skip
        return mapping


def _chain(first: list[RawRow], rest: Iterator[RawRow]) -> Iterator[RawRow]:
    yield from first
    yield from rest


def _score(mapping: SheetMapping, rows: list[list[str]]) -> int:
    return max((header_score(mapping, row) for row in rows), default=0)


def _text_rows(head: bytes) -> list[list[str]]:
    """Return the cells of the first lines of a text file, in whichever encoding decodes them."""
    for encoding in ("utf-16",) if head[:2] in {b"\xff\xfe", b"\xfe\xff"} else ("utf-8-sig", "gb18030"):
        cut = head[:16384].rsplit(b"\n", 1)[0]
        try:
            text = cut.decode(encoding)
        except UnicodeDecodeError:
            continue
        lines = text.splitlines()[:SEARCH_ROWS]
        return [row for line in lines for row in csv.reader([line[:50_000]], delimiter=sniff_delimiter(lines[:20]))]
    return []


def _report_heads(header: Header, emitter: RowEmitter, mapping: SheetMapping, out: Output) -> None:
    folded = [fold_head(head) for head in header.heads]
    for head, times in Counter(h for h in folded if h).items():
        if times > 1:
            shown = header.heads[folded.index(head)]
            out.finding("sheet.duplicate_head", Severity.WARNING,
                        f"{times} columns have this head; the first is read", row=header.row, field=shown)  # fmt: skip
    used, seen = emitter.used_places(), set()
    for place, head in enumerate(header.heads):
        if not folded[place] or place in used or folded[place] in seen or folded.index(folded[place]) in used:
            continue
        seen.add(folded[place])
        if folded[place] in mapping.ignore:
            out.finding("sheet.ignored_head", Severity.INFO,
                        f"the mapping {mapping.name!r} leaves this column out; map its head in a mapping of your own to "
                        "read it", row=header.row, field=head)  # fmt: skip
        else:
            out.finding("sheet.unmapped_head", Severity.INFO,
                        f"the mapping {mapping.name!r} does not know this column; it was not read", row=header.row,
                        field=head)  # fmt: skip


def _read_body(header: Header, emitter: RowEmitter, stream: TableStream, out: Output, options: ReadOptions) -> None:
    records = 0
    for row in header.body:
        if not any(cell.strip() for cell in row.cells):
            continue
        if is_totals_row(row.cells):
            out.finding("sheet.totals_row", Severity.INFO, "a row of totals is not a record", row=row.number)
            continue
        if _repeats(row.cells, header.heads):
            out.finding("sheet.repeated_header", Severity.INFO, "the heads again; not a record", row=row.number)
            continue
        records += 1
        out.read()
        if len(row.cells) > len(header.heads) and any(cell.strip() for cell in row.cells[len(header.heads) :]):
            out.finding("sheet.row_width", Severity.WARNING,
                        f"{len(row.cells)} cells under {len(header.heads)} heads; the surplus was not read",
                        row=row.number)  # fmt: skip
        if not emitter.emit(row):
            out.refuse()
        if records % _PROGRESS_ROWS == 0:
            options.progress(min(row.done, stream.total), stream.total, records)
    if records == 0:
        out.finding("sheet.no_rows", Severity.WARNING, "heads without any record below them", row=header.row,
                    value=stream.name or None)  # fmt: skip
    options.progress(stream.total, stream.total, records)


def _repeats(cells: list[str], heads: tuple[str, ...]) -> bool:
    pairs = [(c.strip(), h.strip()) for c, h in zip(cells, heads, strict=False) if c.strip()]
    return len(pairs) > 1 and all(c == h for c, h in pairs)
