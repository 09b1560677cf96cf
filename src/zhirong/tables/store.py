"""The evidence store: a folder of Parquet tables and a manifest, replaced as a whole.

A rewrite builds a complete new folder beside the old one (unchanged tables are hard links) and exchanges the two in
one system call. A crash at any point leaves either the old store or the new one, never a mixture; what a crash leaves
behind is removed by the next rewrite.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.parquet as pq

from zhirong.kernel.errors import StoreError, UnknownNameError
from zhirong.kernel.provenance import fingerprint_file
from zhirong.tables.engine import Engine
from zhirong.tables.parquet import ParquetSink, fsync_folder
from zhirong.tables.schema import CANONICAL, TableSchema, Type, schema_of

__all__ = ["Manifest", "Rewrite", "SourceRecord", "Store", "TableRecord", "completed"]

FORMAT_VERSION = 1
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """What one imported file gave.

    Parameters
    ----------
    source_id : str
        Referred to by every row.
    file : str
        File name, without folders.
    sha256 : str
        Fingerprint of the file's bytes.
    byte_count : int
        Size.
    format : str
        Name of the reader.
    reader_version : str
        Version of the reader's mapping.
    rows_read, rows_refused : int
        Records of the source.
    finding_counts : list of dict
        Rows of `FindingLog.summary`.
    findings : list of dict
        The findings kept.
    is_synthetic : bool
        Made by the sample generator.
    """

    source_id: str
    file: str
    sha256: str
    byte_count: int
    format: str
    reader_version: str
    rows_read: int
    rows_refused: int
    finding_counts: list[dict[str, Any]] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)
    is_synthetic: bool = False


@dataclass(frozen=True, slots=True)
class TableRecord:
    """Rows and fingerprint of one table file."""

    row_count: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """Contents of a store."""

    tables: Mapping[str, TableRecord] = field(default_factory=dict)
    sources: tuple[SourceRecord, ...] = ()
    format_version: int = FORMAT_VERSION

    @property
    def is_synthetic(self) -> bool:
        """True when any source was made by the sample generator."""
        return any(source.is_synthetic for source in self.sources)

    def to_json(self) -> str:
        """Return indented JSON."""
        plain = {
            "format_version": self.format_version,
            "tables": {name: asdict(record) for name, record in sorted(self.tables.items())},
            "sources": [asdict(source) for source in self.sources],
        }
        return json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str, *, where: str) -> Manifest:
        """Read a manifest; `where` names it in errors."""
        try:
            plain = json.loads(text)
            version = plain["format_version"]
            if version != FORMAT_VERSION:
                raise StoreError(f"{where}: format version {version}, this release reads {FORMAT_VERSION}")
            return cls(
                tables={name: TableRecord(**record) for name, record in plain["tables"].items()},
                sources=tuple(SourceRecord(**source) for source in plain["sources"]),
            )
        except (json.JSONDecodeError, KeyError, TypeError) as err:
            raise StoreError(f"{where}: damaged manifest ({err})") from err


@dataclass(frozen=True, slots=True)
class Store:
    """An evidence store opened for reading."""

    path: Path
    manifest: Manifest

    @classmethod
    def open(cls, path: Path) -> Store:
        """Open a store.

        Raises
        ------
        StoreError
            When there is none, its manifest is damaged, or a table it names is missing.
        """
        _recover(path)
        file = path / MANIFEST
        if not file.is_file():
            raise StoreError(f"no evidence store at {path}; make one with `zhirong import` or `zhirong sample`")
        manifest = Manifest.from_json(file.read_text("utf-8"), where=str(file))
        for name in manifest.tables:
            if not (path / f"{name}.parquet").is_file():
                raise StoreError(f"{path}: table {name} is in the manifest but its file is missing")
        return cls(path, manifest)

    def file(self, table: str) -> Path:
        """Return the path of a canonical table's file; it may not exist."""
        return self.path / f"{schema_of(table).name}.parquet"

    def has(self, table: str) -> bool:
        """Return whether the table has rows."""
        record = self.manifest.tables.get(schema_of(table).name)
        return record is not None and record.row_count > 0

    def read(self, engine: Engine, table: str) -> ibis.Table:
        """Return a canonical table on an engine; an absent table has no rows, a column newer than the store is NULL."""
        schema = schema_of(table)
        file = self.file(table)
        if file.is_file():
            return completed(engine.read(file), schema)
        return engine.facts(pa.schema([f.with_nullable(True) for f in schema.arrow]).empty_table())

    def read_all(self, engine: Engine) -> dict[str, ibis.Table]:
        """Return every canonical table."""
        return {name: self.read(engine, name) for name in CANONICAL}

    def fingerprints(self) -> dict[str, str]:
        """Return the fingerprint of each table, for provenance."""
        return {name: record.sha256 for name, record in sorted(self.manifest.tables.items())}

    def verify(self) -> None:
        """Compute every fingerprint again and raise `StoreError` for a file that was changed."""
        for name, record in self.manifest.tables.items():
            if fingerprint_file(self.file(name)) != record.sha256:
                raise StoreError(f"{self.path}: table {name} was changed after it was written")


def completed(table: ibis.Table, schema: TableSchema) -> ibis.Table:
    """Return a table with every column of its schema; what a store written before the column lacks is NULL."""
    missing = [column for column in schema.columns if column.name not in table.columns]
    if not missing:
        return table
    nulls = {c.name: ibis.null("string" if c.type is Type.TEXT else str(c.type)) for c in missing}
    return table.mutate(**nulls).select(*schema.names)


class Rewrite:
    """A new state of a store in the making; nothing is visible until the context ends normally.

    Examples
    --------
    ::

        with Rewrite.begin(path) as new:
            with new.sink("patents") as sink:
                sink.write_rows(rows)
            new.add_source(record)
    """

    def __init__(self, path: Path, staging: Path, old: Store | None) -> None:
        self.path, self.staging, self.old = path, staging, old
        self._sources: list[SourceRecord] = list(old.manifest.sources) if old else []
        self._replaced: set[str] = set()

    @classmethod
    @contextlib.contextmanager
    def begin(cls, path: Path, *, fresh: bool = False) -> Iterator[Rewrite]:
        """Start a rewrite; one at a time for a store.

        Parameters
        ----------
        path : Path
            The store; made where missing.
        fresh : bool
            Forget the old tables and sources.
        """
        path = path.resolve()
        path.parent.mkdir(parents=True, exist_ok=True)
        with _lock(path):
            _recover(path)
            if path.exists() and not (path / MANIFEST).is_file() and any(path.iterdir()):
                raise StoreError(f"{path} is a folder with other files, not an evidence store; it was left alone")
            old = Store.open(path) if (path / MANIFEST).is_file() else None
            staging = _staging(path)
            shutil.rmtree(staging, ignore_errors=True)
            staging.mkdir()
            try:
                new = cls(path, staging, None if fresh else old)
                yield new
                new._commit()
            finally:
                shutil.rmtree(staging, ignore_errors=True)

    def sink(self, table: str) -> ParquetSink:
        """Return a writer that replaces a canonical table."""
        schema = schema_of(table)
        self._replaced.add(schema.name)
        return ParquetSink(self.staging / f"{schema.name}.parquet", schema)

    def old_file(self, table: str) -> Path | None:
        """Return the old file of a table, None where there is none."""
        if self.old is None or table not in self.old.manifest.tables:
            return None
        return self.old.file(table)

    @property
    def sources(self) -> tuple[SourceRecord, ...]:
        """Sources of the new state so far."""
        return tuple(self._sources)

    def add_source(self, record: SourceRecord) -> None:
        """Record a source; one of the same `source_id` is replaced."""
        self._sources = [s for s in self._sources if s.source_id != record.source_id] + [record]

    def drop_source(self, source_id: str) -> None:
        """Forget a source record (its rows are the caller's to drop)."""
        if all(s.source_id != source_id for s in self._sources):
            raise UnknownNameError("source", source_id, [s.source_id for s in self._sources])
        self._sources = [s for s in self._sources if s.source_id != source_id]

    def _commit(self) -> None:
        tables: dict[str, TableRecord] = {}
        if self.old is not None:
            for name, record in self.old.manifest.tables.items():
                if name not in self._replaced:
                    os.link(self.old.file(name), self.staging / f"{name}.parquet")
                    tables[name] = record
        for name in sorted(self._replaced):
            file = self.staging / f"{name}.parquet"
            tables[name] = TableRecord(pq.read_metadata(file).num_rows, fingerprint_file(file))
        manifest = replace(Manifest(), tables=tables, sources=tuple(self._sources))
        file = self.staging / MANIFEST
        with file.open("w", encoding="utf-8") as stream:
            stream.write(manifest.to_json())
            stream.flush()
            os.fsync(stream.fileno())
        fsync_folder(self.staging)
        _exchange(self.staging, self.path)
        fsync_folder(self.path.parent)


def _staging(path: Path) -> Path:
    return path.with_name(f".{path.name}.new")


def _retired(path: Path) -> Path:
    return path.with_name(f".{path.name}.old")


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.with_name(f".{path.name}.lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(f"{path}: another process is writing this store; try again when it has ended") from None
        yield


def _exchange(new: Path, path: Path) -> None:
    """Put `new` in the place of `path`; the old folder ends under the name `new`."""
    if not path.exists():
        new.rename(path)
        return
    libc = ctypes.CDLL(None, use_errno=True)
    renameat2 = getattr(libc, "renameat2", None)
    at_fdcwd, rename_exchange = -100, 2
    if renameat2 is not None and not renameat2(
        at_fdcwd, os.fsencode(new), at_fdcwd, os.fsencode(path), rename_exchange
    ):
        return
    # The file system cannot exchange: two renames, and `_recover` mends a crash between them.
    retired = _retired(path)
    shutil.rmtree(retired, ignore_errors=True)
    path.rename(retired)
    new.rename(path)
    shutil.rmtree(retired)


def _recover(path: Path) -> None:
    retired = _retired(path)
    if not path.exists() and retired.exists():
        retired.rename(path)
