"""What was read from a judgment: each value with the place it came from and how sure the reading is."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from typing import Generic, TypeVar

from zhirong.kernel.text import Language

__all__ = ["Doubt", "Extracted", "JudgmentReading"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Extracted(Generic[T]):
    """A value read from a text.

    Parameters
    ----------
    value : T
        The value in canonical form.
    start, end : int
        Span of the original text; reading the span alone gives the value again (`reread`).
    confidence : float
        0-1: set by the rule that read it, checked against labelled texts, not calibrated on real judgments.
    """

    value: T
    start: int
    end: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a field stayed unknown, or is less sure than usual."""

    rule: str
    field: str
    message: str
    value: str | None = None


@dataclass(frozen=True, slots=True)
class JudgmentReading:
    """A judgment taken apart; a field that the text does not settle is None (or empty), with a doubt that says why.

    Parameters
    ----------
    language : {"zh", "en"}
        Language of the text.
    is_judgment : bool
        The text has the form of a judgment, order or decision; if not, nothing else was read.
    patents : tuple of Extracted
        `patent_id` of each patent at issue; patents mentioned in passing are left out.
    total_awarded : Extracted or None
        Damages and costs together, where the text gives only their sum; `damages_awarded` is then None.
    costs_awarded : Extracted or None
        Reasonable costs of enforcement awarded.
    currency : str or None
        ISO 4217 code of all amounts.
    """

    language: Language
    is_judgment: bool
    court: Extracted[str] | None = None
    jurisdiction: str | None = None
    case_number: Extracted[str] | None = None
    instance: Extracted[str] | None = None
    filed_date: Extracted[date] | None = None
    decided_date: Extracted[date] | None = None
    cause: Extracted[str] | None = None
    outcome: Extracted[str] | None = None
    plaintiffs: tuple[Extracted[str], ...] = ()
    defendants: tuple[Extracted[str], ...] = ()
    patents: tuple[Extracted[str], ...] = ()
    claim_numbers: Extracted[str] | None = None
    damages_claimed: Extracted[float] | None = None
    damages_awarded: Extracted[float] | None = None
    costs_awarded: Extracted[float] | None = None
    total_awarded: Extracted[float] | None = None
    damages_basis: Extracted[str] | None = None
    currency: str | None = None
    doubts: tuple[Doubt, ...] = field(default=())

    def spans_json(self) -> str:
        """Return field to [start, end, confidence] as JSON; several parties or patents are numbered."""
        spans: dict[str, list[float]] = {}
        for name in SINGLE_FIELDS:
            one = getattr(self, name)
            if one is not None:
                spans[name] = [one.start, one.end, round(one.confidence, 3)]
        for name in ("plaintiffs", "defendants", "patents"):
            for i, one in enumerate(getattr(self, name), start=1):
                spans[f"{name}.{i}"] = [one.start, one.end, round(one.confidence, 3)]
        return json.dumps(spans, ensure_ascii=False, separators=(",", ":"))


SINGLE_FIELDS = (
    "court", "case_number", "instance", "filed_date", "decided_date", "cause", "outcome", "claim_numbers",
    "damages_claimed", "damages_awarded", "costs_awarded", "total_awarded", "damages_basis",
)  # fmt: skip
"""Fields that hold one value."""
