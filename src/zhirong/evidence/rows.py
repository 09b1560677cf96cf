"""Rows that several readers build alike: class symbols, claims, dates and counts from text cells."""

from __future__ import annotations

import re
from datetime import date
from html import unescape
from typing import Any

from zhirong.evidence.reading import Output
from zhirong.kernel.dates import parse_date
from zhirong.kernel.errors import DomainError, IdentifierError
from zhirong.kernel.findings import Severity
from zhirong.kernel.identifiers import PatentNumber, parse_class_symbol, parse_patent_number
from zhirong.kernel.text import detect_language

__all__ = [
    "RowContext",
    "claim_row",
    "class_row",
    "plain_text",
    "split_claims",
    "word_count",
]

_TAG = re.compile(r"<[^<>]{1,400}>")
_BREAK = re.compile(r"<\s*(?:br|/p|/li|/div)\b[^<>]*>", re.IGNORECASE)
_WORD = re.compile(r"[㐀-鿿]|[^\W_㐀-鿿]+(?:['’.\-][^\W_㐀-鿿]+)*")
_ASCII_WORD = re.compile(r"[A-Za-z0-9]+(?:['.\-][A-Za-z0-9]+)*")
_REFERS = re.compile(
    r"\bclaims?\s+(?P<en>\d+)|权利要求\s*(?P<zh>\d+)|請求項\s*(?P<ja>\d+)|\bAnspr(?:uch|üche[n]?)\s+(?P<de>\d+)|"
    r"\brevendications?\s+(?P<fr>\d+)",
    re.IGNORECASE,
)
_REFERS_ALL = re.compile(
    r"(?:preceding|previous|foregoing|above)\s+claims?|上述权利要求|前述(?:任一)?权利要求|vorhergehenden?\s+Anspr|"
    r"revendications?\s+pr[ée]c[ée]dentes?",
    re.IGNORECASE,
)
_CLAIM_HEAD_BRACKET = re.compile(r"(?:(?<=^)|(?<=[\s.;]))(\d{1,3})\s*\)\s*(?=\S)")
_CANCELLED = re.compile(
    r"(?<!\S)(\d{1,3})\s*\.?(?:\s*[-–]\s*(\d{1,3}))?\s*\.?\s*\((?:cancell?ed|withdrawn|not entered)\)", re.IGNORECASE
)
"""Claims of a published application that are no longer there: ``10. (canceled)``, ``1-6. (canceled)``."""
_PLAIN = r"(?!(?:for|of|to|with|by|in)\b)[\w\-]+"
"""A word of a noun phrase before any preposition."""
_CLAIM_HEAD = re.compile(r"(?:(?<=^)|(?<=[\s.;。；]))(\d{1,3})\s*[.．、]\s*(?=\S)")


def plain_text(text: str) -> str:
    """Return text without markup: tags dropped, breaks as blanks, entities resolved, single blanks."""
    return " ".join(unescape(_TAG.sub("", _BREAK.sub(" ", text))).split())


def word_count(text: str) -> int:
    """Return the number of words; Han characters count one each."""
    return len((_ASCII_WORD if text.isascii() else _WORD).findall(text))


def claim_row(patent_id: str, number: int, text: str, *, parent: int | None = None) -> dict[str, Any]:
    """Return a row of the table `claims`.

    Parameters
    ----------
    patent_id : str
        Patent.
    number : int
        Number of the claim, from 1.
    text : str
        Plain text, with or without its number in front.
    parent : int, optional
        Claim referred to, as the source states it; read from the first 400 characters where not given.
    """
    body = re.sub(rf"^\s*{number}\s*[.．、)]\s*", "", text).strip()
    head = body[:400]
    match = _REFERS.search(head)
    named = next((int(group) for group in match.groups() if group), None) if match else None
    parent = parent if parent is not None else named
    refers = parent is not None or _REFERS_ALL.search(head) is not None
    language = detect_language(body)
    return {
        "patent_id": patent_id,
        "claim_number": number,
        "text": body,
        "is_independent": not refers,
        "parent_number": parent if parent is not None and parent < number else None,
        "category": _category(head, language),
        "word_count": word_count(body),
        "language": language,
    }


def _category(head: str, language: str) -> str | None:
    """Read the kind of claim from its first words; None where they do not tell."""
    if language == "zh":
        preamble = re.split(r"[，,：:；;]|其特征", head, maxsplit=1)[0]
        if re.search(r"用途|应用$", preamble):
            return "use"
        if re.search(r"方法|工艺|流程$", preamble):
            return "method"
        return "composition" if re.search(r"组合物|化合物|合金|配方|制剂", preamble) else "product"
    preamble = re.split(r"\b(?:comprising|consisting|wherein|which|including|having|of claim)\b", head, maxsplit=1)[0]
    first = preamble.lower()[:120]
    if re.match(r"\W*(?:the |a )?use of\b", first):
        return "use"
    if re.match(rf"\W*(?:an? |the |in an? )?(?:{_PLAIN} ){{0,4}}?(?:method|process)\b", first):
        return "method"
    if re.match(rf"\W*(?:an? |the )?(?:{_PLAIN} ){{0,3}}?(?:composition|compound|alloy|formulation|mixture)\b", first):
        return "composition"
    return "product" if re.match(r"\W*(?:an? |the |at least one |one or more )?[a-z]", first) else None


def split_claims(text: str) -> list[tuple[int, str]]:
    """Split running claim text at its numbers, which must count up from 1.

    Parameters
    ----------
    text : str
        Plain text of all claims, ``1. A ... . 2. The ...``.

    Returns
    -------
    list of (int, str)
        Number and text; one unnumbered text is claim 1. Numbers inside a claim (steps, ranges) do not split it, as
        only the next number in order does; cancelled claims are left out and the others keep their numbers.
    """
    heads = _CLAIM_HEAD_BRACKET if re.match(r"\s*1\)", text) else _CLAIM_HEAD
    cancelled = {match.start(): match for match in _CANCELLED.finditer(text)}
    marks: list[tuple[int | None, int, int]] = []
    due = 1
    for match in sorted([*heads.finditer(text), *cancelled.values()], key=lambda m: (m.start(), m.end() * -1)):
        number = int(match[1])
        if number != due:
            continue
        if match.start() in cancelled:
            last = cancelled[match.start()]
            marks.append((None, last.start(), last.end()))
            due = int(last[2] or number) + 1
        elif number == 1 or _starts_a_claim(text, match.end()):
            marks.append((number, match.start(), match.end()))
            due = number + 1
    if not marks:
        return [(1, text.strip())] if text.strip() else []
    ends = [start for _, start, _ in marks[1:]] + [len(text)]
    return [
        (number, text[body:end].strip())
        for (number, _, body), end in zip(marks, ends, strict=True)
        if number is not None
    ]


def _starts_a_claim(text: str, at: int) -> bool:
    """Say whether a claim can start here: at a capital, a Han character or a bracket."""
    first = text[at]
    return first.isupper() or not first.isascii() or first in "([\"'“"


def class_row(
    patent_id: str,
    scheme: str,
    text: str,
    sequence: int,
    *,
    is_inventive: bool | None = None,
    assigned: date | None = None,
) -> dict[str, Any]:
    """Return a row of the table `classifications`; IPC and CPC symbols are normalised.

    Raises
    ------
    IdentifierError
        When an IPC or CPC symbol has another form.
    """
    row: dict[str, Any] = {
        "patent_id": patent_id,
        "scheme": scheme,
        "sequence": sequence,
        "is_inventive": is_inventive,
        "assigned_date": assigned,
    }
    if scheme in {"ipc", "cpc"}:
        symbol = parse_class_symbol(text)
        return row | {"symbol": str(symbol), "subclass": symbol.subclass, "main_group": symbol.main_group}
    stripped = text.strip()
    if not stripped:
        raise IdentifierError("a blank is not a class symbol")
    return row | {"symbol": stripped, "subclass": None, "main_group": None}


class RowContext:
    """One record of a source on its way into rows: converts its fields, and files findings at their place.

    Parameters
    ----------
    out : Output
        Where rows and findings go.
    row : int
        1-based record number.
    """

    def __init__(self, out: Output, row: int, record_id: str | None = None) -> None:
        self.out = out
        self.row = row
        self.record_id = record_id

    def warn(self, rule: str, message: str, field: str, value: object = None) -> None:
        """File a warning: the field stays unknown, the record is kept."""
        self._finding(rule, Severity.WARNING, message, field, value)

    def refuse(self, rule: str, message: str, field: str, value: object = None) -> None:
        """File an error and count the record as refused."""
        self.out.refuse()
        self._finding(rule, Severity.ERROR, message, field, value)

    def _finding(self, rule: str, severity: Severity, message: str, field: str, value: object) -> None:
        shown = None if value is None else str(value)
        self.out.finding(rule, severity, message, row=self.row, field=field, value=shown, record_id=self.record_id)

    def date(self, text: object, field: str, *, default_day: int | None = None) -> date | None:
        """Return a date; a text that is none becomes unknown with a finding."""
        try:
            return parse_date("" if text is None else str(text), default_day=default_day)
        except DomainError as err:
            self.warn("field.date", str(err), field, text)
            return None

    def count(self, text: object, field: str) -> int | None:
        """Return a non-negative whole number; anything else becomes unknown with a finding."""
        shown = "" if text is None else str(text).strip()
        if not shown:
            return None
        if re.fullmatch(r"\d{1,9}(?:\.0+)?", shown):
            return int(float(shown))
        self.warn("field.count", "not a whole number from 0", field, shown)
        return None

    def number(
        self, text: object, field: str, *, office: str | None = None, kind: str | None = None
    ) -> PatentNumber | None:
        """Return a patent number; another form becomes unknown with a finding."""
        try:
            return parse_patent_number("" if text is None else str(text), office=office, kind=kind)
        except IdentifierError as err:
            self.warn("field.patent_number", str(err), field, text)
            return None

    def classes(
        self, patent_id: str, scheme: str, symbols: list[tuple[str, bool | None]], field: str
    ) -> list[dict[str, Any]]:
        """Return rows of `classifications` without repeats, in order; bad symbols become findings."""
        rows: list[dict[str, Any]] = []
        seen: set[str] = set()
        for text, is_inventive in symbols:
            try:
                row = class_row(patent_id, scheme, text, len(rows) + 1, is_inventive=is_inventive)
            except IdentifierError as err:
                self.warn("field.class_symbol", str(err), field, text)
                continue
            if row["symbol"] not in seen:
                seen.add(row["symbol"])
                rows.append(row)
        return rows
