"""PatentsView bulk tables (tab-separated, quoted, one header line), by their published names and columns.

Files of hundreds of megabytes pass through Arrow in blocks: whole columns are checked and rewritten at once, only
the odd value falls back to Python. Rows that break a rule are refused with a finding, the block goes on. Several
files describe one patent (`g_patent`, `g_application`, `g_gov_interest`, ...): each gives partial rows of `patents`
under one `patent_id`, which are merged when the store is written.

References
----------
PatentsView, *Data Download Dictionary for Granted Patent Data* and *... for Pre-Grant Publication Data*.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv

from zhirong.evidence.archives import unpacked
from zhirong.evidence.blocks import Block
from zhirong.evidence.patentsview_tables import TABLES, UNUSED, Locations, TableSpec
from zhirong.evidence.reading import Limits, Output, ReadOptions
from zhirong.kernel.errors import EvidenceError
from zhirong.kernel.findings import Finding, FindingLog, Severity
from zhirong.kernel.text import Bilingual

__all__ = ["PatentsViewReader"]

_BLOCK = 8 << 20
_YEAR = re.compile(r"_(?:19|20)\d{2}$")


@dataclass(frozen=True, slots=True)
class PatentsViewReader:
    """Reader of PatentsView bulk tables: ``.tsv``, ``.tsv.zip`` or ``.tsv.gz``, one table to a file."""

    name: str = "patentsview"
    version: str = "1"
    description: Bilingual = field(
        default=Bilingual(
            zh="PatentsView 批量数据表（g_* 与 pg_*，TSV，可压缩）",
            en="PatentsView bulk tables (g_* and pg_*, TSV, packed or not)",
        )
    )

    def accepts(self, path: Path, head: bytes) -> bool:
        """Accept files named after a published table whose first line is a tab-separated header with its key."""
        first = head.split(b"\n", 1)[0]
        has_key = any(key in first for key in (b"patent_id", b"pgpub_id", b"location_id", b"rawinventor_uuid"))
        return table_name(path) in {*TABLES, *UNUSED} and has_key

    def read(self, path: Path, out: Output, options: ReadOptions) -> None:
        """Read one table."""
        name = table_name(path)
        if name in UNUSED:
            out.finding("file.unused_table", Severity.INFO, f"nothing in {name} has a place in the canonical tables")
            return
        if name not in TABLES:
            raise EvidenceError(f"{path.name} is not named after a PatentsView table, e.g. g_patent.tsv")
        spec = TABLES[name]
        locations = _locations(options.beside or path.parent, options.limits) if spec.wants_locations else Locations({})
        try:
            for block in _blocks(path, out, options, spec):
                spec.convert(block, locations)
        except pa.ArrowInvalid as err:
            _fatal(out, "file.unreadable", f"the rest of the file cannot be cut into rows: {str(err)[:200]}")


def table_name(path: Path) -> str:
    """Return the table a file is named after: packing, ``.tsv`` and a year at the end are dropped."""
    stem = path.name.lower()
    for suffix in (".zip", ".gz", ".tsv", ".txt"):
        stem = stem.removesuffix(suffix)
    return _YEAR.sub("", stem)


def _fatal(out: Output, rule: str, message: str, field: str | None = None) -> None:
    out.finding(rule, Severity.FATAL, message, field=field)


class _Skipped:
    """Numbers of the records that have another number of cells than the header."""

    def __init__(self, out: Output) -> None:
        self.numbers: list[int] = []
        self._out = out

    def __call__(self, row: pacsv.InvalidRow) -> str:
        number = int(row.number or 1) - 1
        self.numbers.append(number)
        self._out.read()
        self._out.refuse()
        self._out.finding(
            "row.ragged",
            Severity.ERROR,
            f"{row.actual_columns} cells where the header has {row.expected_columns}",
            row=number,
            value=str(row.text)[:200],
        )
        return "skip"


def _header(path: Path) -> list[str]:
    with path.open("rb") as stream:
        line = stream.readline(1 << 16)
    text = line.decode("utf-8-sig", errors="replace").strip("\r\n")
    return [cell.strip().strip('"') for cell in text.split("\t")]


def _blocks(path: Path, out: Output, options: ReadOptions, spec: TableSpec) -> Iterator[Block]:
    header = _header(path)
    if not _check_header(header, out, spec):
        return
    wanted = [name for name in header if name in {*spec.required, *spec.optional}]
    skipped = _Skipped(out)
    before = 0
    total = path.stat().st_size
    with path.open("rb") as stream:
        reader = pacsv.open_csv(
            stream,
            read_options=pacsv.ReadOptions(use_threads=False, block_size=_BLOCK, column_names=header, skip_rows=1),
            parse_options=pacsv.ParseOptions(delimiter="\t", newlines_in_values=True, invalid_row_handler=skipped),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.binary()),
                include_columns=wanted,
                null_values=["", "NULL", "null"],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
            ),
        )
        for batch in reader:
            if batch.num_rows:
                out.read(batch.num_rows)
                yield Block(
                    dict(zip(wanted, batch.columns, strict=True)),
                    out,
                    options.limits,
                    before,
                    skipped.numbers,
                )
            before += batch.num_rows
            options.progress(stream.tell(), total, before)


def _check_header(header: list[str], out: Output, spec: TableSpec) -> bool:
    missing = [name for name in spec.required if name not in header]
    for name in missing:
        _fatal(
            out,
            "file.missing_column",
            f"a published column is missing; the header has: {', '.join(header)}",
            name,
        )
    repeated = sorted({name for name in header if header.count(name) > 1})
    for name in repeated:
        _fatal(out, "file.repeated_column", "a column stands twice in the header", name)
    for name in header:
        if name not in {*spec.required, *spec.optional, *spec.ignored}:
            out.finding("file.unknown_column", Severity.INFO, "column is not read", field=name)
    return not missing and not repeated


def _locations(folder: Path, limits: Limits) -> Locations:
    """Load the location table that lies beside the file, packed or not; nothing where there is none."""
    beside = [folder / f"g_location_disambiguated.tsv{packing}" for packing in ("", ".zip", ".gz")]
    found = next((candidate for candidate in beside if candidate.is_file()), None)
    places: dict[str, tuple[str | None, str | None, str | None]] = {}
    columns = ("location_id", "disambig_country", "disambig_state", "disambig_city")
    if found is None:
        return Locations(places)
    with TemporaryDirectory() as scratch:
        for member in unpacked(found, Path(scratch), limits=limits, found=lambda finding: None):
            for block in _blocks(member.path, _Quiet(), ReadOptions(limits), TABLES["g_location_disambiguated"]):
                for identifier, *place in zip(*(block.strings(c).to_pylist() for c in columns), strict=True):
                    if identifier is not None:
                        places[identifier] = (place[0], place[1], place[2])
    return Locations(places)


class _Quiet:
    """An output that takes nothing: the location table is imported, with its findings, on its own."""

    def __init__(self) -> None:
        self.source_id = ""
        self.log = FindingLog()

    def add(self, table: str, row: Mapping[str, Any]) -> None:
        """Take nothing."""

    def add_many(
        self, table: str, columns: Mapping[str, Sequence[Any]], *, records: Sequence[int] | None = None
    ) -> None:
        """Take nothing."""

    def read(self, records: int = 1) -> None:
        """Count nothing."""

    def refuse(self, records: int = 1) -> None:
        """Count nothing."""

    def finding(
        self, rule: str, severity: Severity, message: str, *, row: int | None = None, field: str | None = None,
        value: str | None = None, record_id: str | None = None,
    ) -> Finding:  # fmt: skip
        """Return the finding without keeping it."""
        return Finding(rule, severity, self.source_id, message, row, field, value, record_id)
