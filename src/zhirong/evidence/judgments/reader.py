"""The reader of judgments: files to rows of `cases`, `legal_events` and stubs of `patents`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zhirong.evidence.judgments.documents import SUFFIXES, document_text
from zhirong.evidence.judgments.reading import read_judgment
from zhirong.evidence.judgments.result import Extracted, JudgmentReading
from zhirong.evidence.names import party_row
from zhirong.evidence.reading import Output, ReadOptions
from zhirong.evidence.sheets.records import event_id
from zhirong.kernel.errors import EvidenceError, HostileInputError
from zhirong.kernel.findings import Severity
from zhirong.kernel.identifiers import cn_right_type
from zhirong.kernel.provenance import fingerprint
from zhirong.kernel.text import Bilingual

__all__ = ["JudgmentReader"]

_HEAD_WORDS = re.compile(
    r"(?:民事|行政)\s*(?:判\s*决|裁\s*定|调\s*解)\s*书|无效宣告(?:请求)?审查决定书|人\s*民\s*法\s*院|知识产权法院|"
    r"UNITED\s+STATES\s+DISTRICT\s+COURT|PATENT\s+TRIAL\s+AND\s+APPEAL|HIGH\s+COURT\s+OF\s+JUSTICE|"
    r"COURT\s+OF\s+APPEALS?|\[20\d\d\]\s+EW",
    re.IGNORECASE,
)
_END_EVENT = {
    "invalidated": "invalidated", "partially_invalidated": "partially_invalidated", "maintained": "maintained",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class JudgmentReader:
    """Reads one judgment a file: .txt, .md, .html, .docx."""

    name: str = "judgment"
    version: str = "1"

    @property
    def description(self) -> Bilingual:
        """One line for lists."""
        return Bilingual(
            "裁判文书与无效宣告审查决定（txt、md、html、docx；中文、英文），附原文位置与置信度",
            "Court judgments and invalidation decisions (txt, md, html, docx; Chinese, English), with spans and confidence",
        )

    def accepts(self, path: Path, head: bytes) -> bool:
        """Accept text files that look like a judgment, and Word documents."""
        suffix = path.suffix.lower()
        if suffix not in SUFFIXES:
            return False
        if suffix == ".docx":
            return head.startswith(b"PK\x03\x04")
        for encoding in ("utf-8", "gb18030", "utf-16"):
            text = head[:8000].decode(encoding, "replace")
            if text.count("\ufffd") * 20 <= len(text):
                return _HEAD_WORDS.search(text) is not None
        return False

    def read(self, path: Path, out: Output, options: ReadOptions) -> None:
        """Read one file; hand on a case row for each patent at issue, and what is known of its life."""
        out.read()
        try:
            text = document_text(path, options.limits)
        except HostileInputError as err:
            out.refuse()
            out.finding("judgment.hostile", Severity.FATAL, f"{err}; the file was refused")
            return
        except EvidenceError as err:
            out.refuse()
            out.finding("judgment.damaged", Severity.FATAL, f"{err}; the file was refused")
            return
        emit(read_judgment(text), text, out)
        options.progress(path.stat().st_size, path.stat().st_size, 1)


def emit(reading: JudgmentReading, text: str, out: Output) -> None:
    """Hand on the rows and findings of one reading.

    A case without a patent at issue gives findings only, because a row of `cases` is one patent in one judgment.
    """
    case_number = None if reading.case_number is None else reading.case_number.value
    for doubt in reading.doubts:
        refused = doubt.rule in {"judgment.not_a_judgment", "judgment.no_patent"}
        out.finding(doubt.rule, Severity.ERROR if refused else Severity.WARNING, doubt.message, field=doubt.field,
                    value=doubt.value, record_id=case_number)  # fmt: skip
    if not reading.is_judgment or not reading.patents:
        out.refuse()
        return
    case_id = f"{reading.jurisdiction}:{case_number}" if case_number else "J" + fingerprint(text)[:20]
    for patent in reading.patents:
        _stub(patent.value, out)
        out.add("cases", _case_row(reading, case_id, patent, several=len(reading.patents) > 1))
        for event in _events(reading, patent.value, out):
            out.add("legal_events", event)


def _value(one: Extracted[Any] | None) -> Any:
    return None if one is None else one.value


def _case_row(reading: JudgmentReading, case_id: str, patent: Extracted[str], *, several: bool) -> dict[str, Any]:
    """Return the row; an outcome of a judgment on several patents is less sure for each of them."""
    confidence = patent.confidence * (reading.outcome.confidence if reading.outcome else 0.0)
    return {
        "case_id": case_id,
        "patent_id": patent.value,
        "case_number": _value(reading.case_number),
        "court": _value(reading.court),
        "jurisdiction": reading.jurisdiction,
        "instance": _value(reading.instance),
        "filed_date": _value(reading.filed_date),
        "decided_date": _value(reading.decided_date),
        "cause": _value(reading.cause),
        "outcome": _value(reading.outcome),
        "damages_claimed": _value(reading.damages_claimed),
        "damages_awarded": _value(reading.damages_awarded),
        "costs_awarded": _value(reading.costs_awarded),
        "damages_basis": _basis(reading),
        "currency": reading.currency,
        "plaintiff": "; ".join(one.value for one in reading.plaintiffs) or None,
        "defendant": "; ".join(one.value for one in reading.defendants) or None,
        "claim_numbers": _value(reading.claim_numbers) if not several else None,
        "confidence": round(confidence * (0.9 if several else 1.0), 3) if reading.outcome else None,
        "spans": reading.spans_json(),
    }


def _basis(reading: JudgmentReading) -> str | None:
    return None if reading.damages_basis is None else reading.damages_basis.value


def _stub(patent_id: str, out: Output) -> None:
    """Make the patent known by its application number, so that a store joins it with its publication."""
    row: dict[str, Any] = {"patent_id": patent_id, "office": patent_id[:2]}
    if patent_id.startswith("CN"):
        row |= {"application_number": patent_id, "right_type": str(cn_right_type(patent_id))}
    out.add("patents", row)


def _events(reading: JudgmentReading, patent_id: str, out: Output) -> list[dict[str, Any]]:
    """Return the events that the judgment proves; without a date there is none."""
    decided, filed = _value(reading.decided_date), _value(reading.filed_date)
    is_validity = _value(reading.cause) == "validity"
    instance = _value(reading.instance)
    events: list[dict[str, Any]] = []
    started = filed or decided
    begins = "invalidation_requested" if is_validity and instance == "administrative" else "litigated"
    if started is not None and _value(reading.cause) in {"validity", "infringement", "declaratory", "ownership"}:
        events.append(_event(reading, patent_id, begins, started, decided, out))
    outcome = _value(reading.outcome)
    if is_validity and outcome in _END_EVENT and decided is not None:
        events.append(_event(reading, patent_id, _END_EVENT[outcome], decided, decided, out))
    return events


def _event(reading: JudgmentReading, patent_id: str, kind: str, day: Any, known: Any, out: Output) -> dict[str, Any]:
    number = _value(reading.case_number)
    ids: list[str | None] = []
    for side in (reading.plaintiffs, reading.defendants):
        if side:
            row = party_row(side[0].value)
            out.add("parties", row)
            ids.append(str(row["party_id"]))
        else:
            ids.append(None)
    return {
        "event_id": event_id(patent_id, kind, day, number),
        "patent_id": patent_id,
        "event_kind": kind,
        "event_date": day,
        "recorded_date": known,
        "code": number,
        "code_system": None if number is None else "case number",
        "party_id": ids[0],
        "counterparty_id": ids[1],
    }
