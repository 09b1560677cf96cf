"""From files to a store: detect, unpack, read, check, merge, replace, in one atomic step.

`import_files` is the one way in. The readers write to part files beside the store; the merged tables replace the old ones
only when every file has been walked to its end, so an exception or a kill leaves the old store.
"""

from __future__ import annotations

import glob
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import ibis

from zhirong.evidence.archives import Member, unpacked
from zhirong.evidence.formats import detect, reader_named
from zhirong.evidence.merging import ALIASED, aliases_of, contradictions, merge_table, repoint
from zhirong.evidence.own_families import SOURCE_ID, OwnFamilies, own_families, source_record
from zhirong.evidence.reading import Output, Reader, ReadOptions
from zhirong.evidence.staging import PartWriter, StagedOutput
from zhirong.kernel.errors import EvidenceError
from zhirong.kernel.findings import Finding, FindingLog, Severity
from zhirong.kernel.provenance import fingerprint_file
from zhirong.tables import CANONICAL, Engine, Rewrite, SourceRecord, completed, conform, connect

__all__ = ["ImportReport", "SourceReport", "expand", "import_files"]

HEAD_BYTES = 64 << 10


@dataclass(frozen=True, slots=True)
class SourceReport:
    """What one file gave.

    Parameters
    ----------
    source_id : str
        In every row of the file.
    file, format : str
        Name shown and reader.
    rows_read, rows_refused : int
        Records of the source.
    row_counts : dict of str to int
        Canonical rows written, by table, before merging.
    finding_count : int
        Findings about the file.
    """

    source_id: str
    file: str
    format: str
    rows_read: int
    rows_refused: int
    row_counts: dict[str, int]
    finding_count: int

    def as_dict(self) -> dict[str, object]:
        """Return plain types; the counts by table as one text."""
        plain = asdict(self)
        plain["row_counts"] = ", ".join(f"{name} {n}" for name, n in sorted(self.row_counts.items()))
        return plain


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did."""

    store: Path
    sources: tuple[SourceReport, ...]
    log: FindingLog

    def as_dict(self) -> dict[str, object]:
        """Return plain JSON types."""
        return {
            "store": self.store.name,
            "sources": [source.as_dict() for source in self.sources],
            "findings": [finding.as_dict() for finding in self.log],
            "finding_counts": self.log.summary(),
        }


def expand(paths: Iterable[Path]) -> list[Path]:
    """Return files: folders are walked, patterns expanded, order by name.

    Raises
    ------
    EvidenceError
        For a path that is not there, or when nothing is left.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            files += sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith("."))
        elif path.is_file():
            files.append(path)
        elif matches := sorted(glob.glob(str(path))):  # noqa: PTH207 - a pattern may be absolute
            files += [Path(match) for match in matches]
        else:
            raise EvidenceError(f"no file at {path}")
    if not files:
        raise EvidenceError("no files to import")
    return files


def import_files(
    format_name: str | None,
    paths: Sequence[Path],
    store: Path,
    *,
    options: ReadOptions | None = None,
    memory: str | None = None,
    consolidate: bool = True,
) -> ImportReport:
    """Import files into an evidence store.

    Parameters
    ----------
    format_name : str or None
        Name of a reader; None finds the format of each file by its content.
    paths : sequence of Path
        Files, folders or patterns; archives are unpacked on the fly.
    store : Path
        The store; made where missing.
    options : ReadOptions, optional
        Limits, mapping, progress.
    memory : str, optional
        Memory limit of the merge, e.g. ``"4GB"``.
    consolidate : bool
        Make one patent of an application and the grant on it, and compute families of patents that no source gives
        one (see `own_families`).

    Returns
    -------
    ImportReport

    Raises
    ------
    UnknownNameError
        For an unknown format.
    EvidenceError
        When a path is not there.
    StoreError
        When the store cannot be written, or another import is writing it.
    """
    options = options or ReadOptions()
    reader = reader_named(format_name) if format_name is not None else None
    files = expand(paths)
    log = FindingLog()
    with (
        Rewrite.begin(store) as new,
        tempfile.TemporaryDirectory(dir=new.staging.parent, prefix=".import-") as scratch,
    ):
        parts = PartWriter(Path(scratch))
        reports = []
        for file in files:
            reports += _read_file(file, reader, parts, log, options, Path(scratch))
        parts.close()
        with connect("duckdb", memory=memory, scratch=Path(scratch)) as engine:
            reports = _contradictions(engine, parts, log, reports)
            for report, record in reports:
                new.add_source(_with_findings(record, log, report))
            _merge(new, engine, parts, {record.source_id for _, record in reports})
            if consolidate:
                _consolidate(new, engine)
    return ImportReport(store, tuple(report for report, _ in reports), log)


def _read_file(
    file: Path, reader: Reader | None, parts: PartWriter, log: FindingLog, options: ReadOptions, scratch: Path
) -> list[tuple[SourceReport, SourceRecord]]:
    unpack = Path(tempfile.mkdtemp(dir=scratch))
    done = []
    for member in unpacked(file, unpack, limits=options.limits, found=log.add):
        with member.path.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
        chosen = reader or detect(member.path, head)
        if chosen is None:
            log.add(
                Finding(
                    "format.unknown",
                    Severity.FATAL,
                    member.name,
                    "no reader knows this format; it was left out",
                )
            )
            continue
        done.append(_read_member(member, chosen, parts, log, replace(options, beside=file.parent)))
    return done


def _read_member(
    member: Member, reader: Reader, parts: PartWriter, log: FindingLog, options: ReadOptions
) -> tuple[SourceReport, SourceRecord]:
    sha256 = fingerprint_file(member.path)
    source_id = f"{reader.name}:{sha256[:16]}"
    before = len(log)
    out = StagedOutput(source_id, member.name, parts, log, options.limits)
    output: Output = out
    reader.read(member.path, output, options)
    out.close()
    report = SourceReport(
        source_id,
        member.name,
        reader.name,
        out.records_read,
        out.records_refused,
        out.row_counts,
        len(log) - before,
    )
    record = SourceRecord(
        source_id=source_id,
        file=member.name,
        sha256=sha256,
        byte_count=member.path.stat().st_size,
        format=reader.name,
        reader_version=reader.version,
        rows_read=out.records_read,
        rows_refused=out.records_refused,
    )
    return report, record


def _contradictions(
    engine: Engine, parts: PartWriter, log: FindingLog, reports: list[tuple[SourceReport, SourceRecord]]
) -> list[tuple[SourceReport, SourceRecord]]:
    """Tell of patents that a file names twice and differently; the later row stands where both know a value."""
    if "patents" not in parts.tables:
        return reports
    files = {report.source_id: report.file for report, _ in reports}
    counts: Counter[str] = Counter()
    for batch in engine.batches(contradictions(engine.read(parts.path("patents")))):
        for row in batch.to_pylist():
            counts[row["source_id"]] += 1
            log.add(
                Finding(
                    "patent.contradiction", Severity.WARNING, files[row["source_id"]],
                    f"{row['rows']} rows name {row['patent_id']} and differ: {row['one'][:80]!r} and "
                    f"{row['other'][:80]!r}; the later row stands",
                    field=f"patents.{row['column']}", record_id=row["patent_id"],
                )
            )  # fmt: skip
    return [
        (replace(report, finding_count=report.finding_count + counts[report.source_id]), record)
        for report, record in reports
    ]


def _with_findings(record: SourceRecord, log: FindingLog, report: SourceReport) -> SourceRecord:
    mine = [finding.as_dict() for finding in log if finding.source == report.file]
    counts = [row for row in log.summary() if row["source"] == report.file]
    plain = asdict(record) | {"finding_counts": counts, "findings": mine}
    return SourceRecord(**plain)


def _merge(new: Rewrite, engine: Engine, parts: PartWriter, replaced: set[str]) -> None:
    again = {source.source_id for source in (new.old.manifest.sources if new.old else ())} & replaced
    for name, schema in CANONICAL.items():
        part = parts.path(name) if name in parts.tables else None
        old = new.old_file(name)
        if part is None and (old is None or not again):
            continue
        with new.sink(name) as sink:
            for batch in engine.batches(merge_table(engine, schema, old, part, replaced=again)):
                sink.write(batch)


def _consolidate(new: Rewrite, engine: Engine) -> None:
    """Re-point rows of applications to the grants on them, in the tables being written; then compute families."""
    patents = _current(new, engine, "patents")
    if patents is None:
        return
    aliases = engine.stage(aliases_of(patents), "aliases")
    if engine.scalar(aliases.count()):
        for name in [*ALIASED, "patents"]:
            current = _current(new, engine, name)
            if current is not None:
                _replace(new, engine, name, repoint(current, CANONICAL[name], aliases))
    _group(new, engine)


def _group(new: Rewrite, engine: Engine) -> None:
    """Compute the families that no source gives, and name them in `patents` where the family is unknown."""
    if not any(_written(new, name).is_file() for name in ("patents", "priorities", "families")):
        return
    patents, priorities, families = (_current(new, engine, name) for name in ("patents", "priorities", "families"))
    was_computed = any(source.source_id == SOURCE_ID for source in new.sources)
    if patents is None or (priorities is None and not was_computed):
        return
    found = OwnFamilies([], 0) if priorities is None else own_families(engine, patents, priorities, families)
    if not found.rows and not was_computed:
        return
    old_ids = families.filter(families.source_id == SOURCE_ID) if families is not None and was_computed else None
    own = engine.facts(conform(found.rows, CANONICAL["families"]))
    _replace(new, engine, "patents", _with_families(patents, own, old_ids))
    stated = families.filter(families.source_id != SOURCE_ID) if families is not None else None
    rows = own if stated is None else stated.union(own)
    _replace(new, engine, "families", rows.order_by(["family_id", "member_id"]))
    if found.rows:
        new.add_source(source_record(found))
    else:
        new.drop_source(SOURCE_ID)


def _with_families(patents: ibis.Table, own: ibis.Table, old: ibis.Table | None) -> ibis.Table:
    """Return `patents` with the computed families in place of unknown, or formerly computed, ones."""
    family_id = patents.family_id
    if old is not None:
        was = old.select(_member="member_id", _was="family_id")
        patents = patents.left_join(was, [patents.patent_id == was._member, patents.family_id == was._was])
        family_id = ibis.ifelse(patents._was.notnull(), ibis.null("string"), patents.family_id)
        patents = patents.select(
            *[name for name in CANONICAL["patents"].names if name != "family_id"], family_id=family_id
        )
    ours = own.select(_member="member_id", _own="family_id")
    joined = patents.left_join(ours, patents.patent_id == ours._member)
    named = joined.mutate(family_id=ibis.coalesce(joined.family_id, joined._own))
    return named.select(*CANONICAL["patents"].names).order_by("patent_id")


def _replace(new: Rewrite, engine: Engine, name: str, rows: ibis.Table) -> None:
    """Write a table that may be computed from its own present state."""
    staged = engine.stage(rows, name)
    with new.sink(name) as sink:
        for batch in engine.batches(staged):
            sink.write(batch)


def _written(new: Rewrite, table: str) -> Path:
    return new.staging / f"{table}.parquet"


def _current(new: Rewrite, engine: Engine, table: str) -> ibis.Table | None:
    """Return the table as it stands in this rewrite: written already, or old."""
    written = _written(new, table)
    file = written if written.is_file() else new.old_file(table)
    return None if file is None else completed(engine.read(file), CANONICAL[table])
