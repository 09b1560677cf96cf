"""Court judgments and invalidation decisions: fields with spans and confidence, and rows of `cases`."""

from __future__ import annotations

from zhirong.evidence.judgments.documents import document_text
from zhirong.evidence.judgments.reader import JudgmentReader
from zhirong.evidence.judgments.reading import (
    FIELDS,
    FieldScore,
    field_values,
    measure,
    read_judgment,
    reread,
    score_table,
)
from zhirong.evidence.judgments.result import Doubt, Extracted, JudgmentReading

__all__ = [
    "FIELDS",
    "Doubt",
    "Extracted",
    "FieldScore",
    "JudgmentReader",
    "JudgmentReading",
    "document_text",
    "field_values",
    "measure",
    "read_judgment",
    "reread",
    "score_table",
]
