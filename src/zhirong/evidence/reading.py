"""What every reader shares: where rows go, how findings are made, what input is too large to be honest.

A reader is a frozen object with a name, a version and one method, `read`, which walks a source once and hands rows and
findings to an `Output`. It never stops at a bad record, never holds more than one record and one batch in memory, and
never touches the store: `zhirong.evidence.importing` does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from zhirong.kernel.findings import Finding, FindingLog, Severity
from zhirong.kernel.text import Bilingual

__all__ = ["Limits", "Output", "ReadOptions", "Reader"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes beyond which input is refused, with a finding.

    Parameters
    ----------
    field_chars : int
        Longest ordinary field (names, numbers, titles, cells).
    text_chars : int
        Longest claim, abstract or description.
    record_bytes : int
        Longest single document inside a bulk file.
    archive_ratio, archive_bytes : int
        Largest ratio of unpacked to packed size, and largest unpacked size, of an archive member.
    """

    field_chars: int = 100_000
    text_chars: int = 20_000_000
    record_bytes: int = 256 << 20
    archive_ratio: int = 200
    archive_bytes: int = 64 << 30


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Options of one import.

    Parameters
    ----------
    limits : Limits
        Sizes.
    mapping : Mapping
        A mapping file's content, for spreadsheets.
    progress : callable
        Called with (bytes done, bytes in all, records so far); shells draw it.
    beside : Path, optional
        Folder of the original file, where a reader may look for files that belong to it; the file's own folder
        where not given.
    """

    limits: Limits = field(default_factory=Limits)
    mapping: Mapping[str, Any] | None = None
    progress: Callable[[int, int, int], None] = lambda done, total, records: None
    beside: Path | None = None


class Output(Protocol):
    """Where a reader puts what it reads."""

    source_id: str
    """Identifier of the source; the output adds it to every row."""
    log: FindingLog

    def add(self, table: str, row: Mapping[str, Any]) -> None:
        """Take one row of a canonical table; absent columns are NULL, `source_id` is filled in."""

    def add_many(
        self, table: str, columns: Mapping[str, Sequence[Any]], *, records: Sequence[int] | None = None
    ) -> None:
        """Take many rows as columns of equal length: the fast path.

        `records` are the 1-based record numbers of the rows, for findings; where they are not given, findings name the last
        record read.
        """

    def read(self, records: int = 1) -> None:
        """Count records read."""

    def refuse(self, records: int = 1) -> None:
        """Count records refused; each also has a finding."""

    def finding(
        self,
        rule: str,
        severity: Severity,
        message: str,
        *,
        row: int | None = None,
        field: str | None = None,
        value: str | None = None,
        record_id: str | None = None,
    ) -> Finding:
        """Log a finding about this source and return it."""


class Reader(Protocol):
    """One format."""

    @property
    def name(self) -> str:
        """Name on the command line, e.g. ``uspto-xml``."""

    @property
    def version(self) -> str:
        """Version of the mapping; part of provenance."""

    @property
    def description(self) -> Bilingual:
        """One line for `zhirong import --list`."""

    def accepts(self, path: Path, head: bytes) -> bool:
        """Say whether a file (its name and first 64 KiB, unpacked) is of this format."""

    def read(self, path: Path, out: Output, options: ReadOptions) -> None:
        """Read one file."""
