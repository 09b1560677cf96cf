"""Read a judgment in Chinese or English; read a span again; measure readings against labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from zhirong.evidence.judgments.chinese import read_chinese, reread_chinese
from zhirong.evidence.judgments.english import read_english, reread_english
from zhirong.evidence.judgments.result import SINGLE_FIELDS, JudgmentReading
from zhirong.kernel.errors import DomainError
from zhirong.kernel.text import Language, detect_language

__all__ = ["FIELDS", "FieldScore", "field_values", "measure", "read_judgment", "reread", "score_table"]

FIELDS: tuple[str, ...] = (*SINGLE_FIELDS, "plaintiffs", "defendants", "patents")
"""Every field with spans."""


def read_judgment(text: str, *, language: Language | None = None) -> JudgmentReading:
    """Take a judgment apart by rules; never guess.

    Parameters
    ----------
    text : str
        Plain text of one judgment, order or decision.
    language : {"zh", "en"}, optional
        Detected where not given.

    Returns
    -------
    JudgmentReading
        A field that the text does not settle is None, with a doubt that says why. A text that is no judgment gives
        `is_judgment` False and nothing else.

    Notes
    -----
    The operative part decides. What parties claim, what earlier or other courts held, and text that merely looks
    like an order does not count, save that a judgment which upholds another takes over its result.

    Examples
    --------
    >>> read_judgment("买卖合同  甲方：某公司").is_judgment
    False
    """
    chosen = language or detect_language(text)
    return read_chinese(text) if chosen == "zh" else read_english(text)


def reread(field: str, span: str, *, language: Language) -> Any:
    """Return the value that the text of a span alone gives for a field; None where it gives none.

    Raises
    ------
    DomainError
        When the field has no span.
    """
    if field not in FIELDS:
        raise DomainError(f"{field!r} has no span; allowed: {', '.join(FIELDS)}")
    return reread_chinese(field, span) if language == "zh" else reread_english(field, span)


def field_values(reading: JudgmentReading) -> dict[str, Any]:
    """Return the plain values of a reading by field: text, number, date, list of text, or None."""
    values: dict[str, Any] = {"is_judgment": reading.is_judgment}
    for name in FIELDS:
        one = getattr(reading, name)
        values[name] = [item.value for item in one] if isinstance(one, tuple) else one.value if one else None
    return values


@dataclass(frozen=True, slots=True)
class FieldScore:
    """How well one field is read.

    Parameters
    ----------
    expected, found, right : int
        Values in the labels, values read, values read that equal a label.
    """

    expected: int
    found: int
    right: int

    @property
    def precision(self) -> float | None:
        """Share of read values that are right, 0-1; None where nothing was read."""
        return self.right / self.found if self.found else None

    @property
    def recall(self) -> float | None:
        """Share of labelled values that were read, 0-1; None where nothing was labelled."""
        return self.right / self.expected if self.expected else None


def measure(labelled: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, FieldScore]:
    """Read labelled texts and count what is right, field by field.

    Parameters
    ----------
    labelled : iterable of (text, labels)
        Labels by field; a field that the labels do not name is not counted for that text, one labelled None counts
        against precision when something was read.
    """
    counts = {name: [0, 0, 0] for name in FIELDS}
    for text, gold in labelled:
        found = field_values(read_judgment(text))
        for name in FIELDS:
            if name not in gold:
                continue
            due, got = _as_set(gold[name]), _as_set(found[name])
            counts[name][0] += len(due)
            counts[name][1] += len(got)
            counts[name][2] += len(due & got)
    return {name: FieldScore(*numbers) for name, numbers in counts.items()}


def _as_set(value: Any) -> set[Any]:
    if value is None:
        return set()
    if isinstance(value, list | tuple):
        return {str(item) for item in value}
    return {float(value)} if isinstance(value, int | float) else {value if isinstance(value, date) else str(value)}


def score_table(scores: Mapping[str, FieldScore]) -> str:
    """Return the scores as a plain table, one line for each field."""

    def shown(value: float | None) -> str:
        return "   -" if value is None else f"{value:.2f}"

    lines = [f"{'field':<16}{'labels':>7}{'read':>6}{'right':>6}  precision  recall"]
    lines += [
        f"{name:<16}{s.expected:>7}{s.found:>6}{s.right:>6}  {shown(s.precision):>9}  {shown(s.recall):>6}"
        for name, s in scores.items()
    ]
    return "\n".join(lines)
