"""Data problems as values.

A reader never stops at a bad record and never repairs one silently: it yields what it could read and a `Finding`
for what it could not. Findings are collected to the end, stored in the manifest and shown in every report.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from enum import StrEnum

__all__ = ["Finding", "FindingLog", "Severity"]

_VALUE_MAX = 120


class Severity(StrEnum):
    """How much a finding costs the answer."""

    INFO = "info"
    WARNING = "warning"
    """The field was left unknown; the record was kept."""
    ERROR = "error"
    """The record was refused; the rest was processed."""
    FATAL = "fatal"
    """The rest of this file was refused; other files were processed."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem in one place of the data.

    Parameters
    ----------
    rule : str
        Stable identifier of the check, dotted, e.g. ``"cn.check_digit"``.
    severity : Severity
        What was done about it.
    source : str
        File name (never an absolute path) or `source_id`.
    message : str
        What is wrong, and what is allowed, in English.
    row : int or None
        1-based row, line or record number in the source.
    field : str or None
        Column, element or attribute.
    value : str or None
        The offending value, cut to 120 characters.
    record_id : str or None
        Identifier of the record, where it has one.
    """

    rule: str
    severity: Severity
    source: str
    message: str
    row: int | None = None
    field: str | None = None
    value: str | None = None
    record_id: str | None = None

    def __post_init__(self) -> None:
        if self.value is not None and len(self.value) > _VALUE_MAX:
            object.__setattr__(self, "value", self.value[: _VALUE_MAX - 1] + "…")

    def as_dict(self) -> dict[str, object]:
        """Return the finding as a plain dictionary, severity as text."""
        return asdict(self) | {"severity": str(self.severity)}

    def __str__(self) -> str:
        place = self.source
        if self.row is not None:
            place += f", row {self.row}"
        if self.field:
            place += f", field {self.field}"
        shown = f" (value {self.value!r})" if self.value is not None else ""
        return f"{self.severity}: {place}: {self.message}{shown} [{self.rule}]"


@dataclass(slots=True)
class FindingLog:
    """A collector that keeps every count and the first findings of each rule.

    A file of ten million rows may hold ten million findings: counts are exact for all of them, the findings
    themselves are kept up to `keep_per_rule` for each rule and source.
    """

    keep_per_rule: int = 1000
    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    _kept: list[Finding] = field(default_factory=list)

    def add(self, finding: Finding) -> None:
        """Count the finding and keep it while its rule has room."""
        key = (finding.source, finding.rule, str(finding.severity))
        self.counts[key] += 1
        if self.counts[key] <= self.keep_per_rule:
            self._kept.append(finding)

    def extend(self, findings: Iterable[Finding]) -> None:
        """Add each finding."""
        for finding in findings:
            self.add(finding)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self._kept)

    def __len__(self) -> int:
        return sum(self.counts.values())

    def count(self, *, rule: str | None = None, severity: Severity | None = None) -> int:
        """Return how many findings match, kept or not."""
        return sum(
            n
            for (_, a_rule, a_severity), n in self.counts.items()
            if (rule is None or a_rule == rule) and (severity is None or a_severity == severity)
        )

    def summary(self) -> list[dict[str, object]]:
        """Return one row for each source, rule and severity, most frequent first."""
        rows = sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))
        return [{"source": s, "rule": r, "severity": v, "count": n} for (s, r, v), n in rows]
