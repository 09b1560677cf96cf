"""CSV files with published column heads, in UTF-8: rows as dictionaries, each cell checked once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from zhirong.evidence.reading import Output, ReadOptions
from zhirong.evidence.rows import RowContext
from zhirong.evidence.sheets.delimited import open_delimited
from zhirong.kernel.errors import EvidenceError
from zhirong.kernel.findings import Severity

__all__ = ["headed_rows"]


def headed_rows(
    path: Path,
    out: Output,
    options: ReadOptions,
    *,
    required: Collection[str],
    known: Collection[str],
    long: Collection[str] = (),
) -> Iterator[tuple[RowContext, Mapping[str, str]]]:
    """Yield records of a CSV file by their heads.

    Parameters
    ----------
    path : Path
        The file.
    out : Output
        Takes counts and findings: missing heads refuse the file, unknown ones are information, ragged records are
        refused, formulas and cells beyond the limit become unknown.
    options : ReadOptions
        Limits and progress.
    required, known : collection of str
        Heads that must be there, and heads that may be.
    long : collection of str
        Heads whose cells are texts, not fields.

    Yields
    ------
    (RowContext, mapping of str to str)
        Place of the record and its cells, stripped; unknown is empty text.
    """
    try:
        stream = open_delimited(path, out, options.limits, encoding="utf-8-sig")
    except EvidenceError as err:
        out.finding("file.empty", Severity.FATAL, str(err))
        return
    heads: list[str] = []
    for raw in stream.rows:
        if not heads:
            heads = [cell.strip() for cell in raw.cells]
            if not _check(heads, out, required, known):
                return
            continue
        if not any(cell.strip() for cell in raw.cells):
            continue
        out.read()
        record = RowContext(out, raw.number)
        if len(raw.cells) != len(heads):
            record.refuse("row.ragged", f"{len(raw.cells)} cells where the header has {len(heads)}", heads[0])
            continue
        yield (
            record,
            {head: _cell(record, head, cell, options, long) for head, cell in zip(heads, raw.cells, strict=True)},
        )
        if raw.number % 1000 == 0:
            options.progress(raw.done, stream.total, raw.number)


def _check(heads: list[str], out: Output, required: Collection[str], known: Collection[str]) -> bool:
    missing = [head for head in required if head not in heads]
    for head in missing:
        message = f"a published column is missing; the header has: {', '.join(heads)}"
        out.finding("file.missing_column", Severity.FATAL, message[:400], field=head)
    repeated = sorted({head for head in heads if head and heads.count(head) > 1})
    for head in repeated:
        out.finding("file.repeated_column", Severity.FATAL, "a column stands twice in the header", field=head)
    for head in heads:
        if head and head not in {*required, *known}:
            out.finding("file.unknown_column", Severity.INFO, "column is not read", field=head)
    return not missing and not repeated


def _cell(record: RowContext, head: str, cell: str, options: ReadOptions, long: Collection[str]) -> str:
    text = cell.strip()
    limit = options.limits.text_chars if head in long else options.limits.field_chars
    if len(text) > limit:
        record.warn("field.too_long", f"longer than {limit} characters; left unknown", head)
        return ""
    if text.startswith("=") and len(text) > 1:
        record.warn("field.formula", "a formula was refused and its cell left unknown", head, text)
        return ""
    if "\ufffd" in text:
        record.warn("field.encoding", "holds bytes that are not in the file's encoding", head, text)
    return text
