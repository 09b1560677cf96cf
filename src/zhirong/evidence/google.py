"""Google Patents public data: the nested schema of `patents-public-data.patents.publications`, as JSON lines or Parquet.

Dates are whole numbers YYYYMMDD, 0 for unknown; repeated records hold titles, abstracts and claims by language,
parties, classes and citations.

References
----------
Google, *Google Patents Public Datasets*, table `publications`, published column descriptions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from zhirong.evidence.publications import (
    CitedDocument,
    EarlierApplication,
    NamedParty,
    Publication,
    write_publication,
)
from zhirong.evidence.reading import Limits, Output, ReadOptions
from zhirong.evidence.rows import RowContext, plain_text, split_claims
from zhirong.kernel.errors import IdentifierError
from zhirong.kernel.findings import Severity
from zhirong.kernel.identifiers import parse_patent_number
from zhirong.kernel.text import Bilingual

__all__ = ["GooglePatentsReader"]

_USED = frozenset({
    "publication_number", "application_number", "country_code", "kind_code", "family_id", "title_localized",
    "abstract_localized", "claims_localized", "description_localized", "publication_date", "filing_date",
    "grant_date", "priority_date", "inventor", "inventor_harmonized", "assignee", "assignee_harmonized", "ipc", "cpc",
    "uspc", "locarno", "citation", "priority_claim", "parent",
})  # fmt: skip
_KNOWN = frozenset({
    "application_kind", "application_number_formatted", "pct_number", "publication_date_",
    "examiner", "fi", "fterm", "child", "entity_status", "art_unit", "spif_publication_number",
    "spif_application_number", "title_localized_html", "abstract_localized_html", "claims_localized_html",
    "description_localized_html",
})  # fmt: skip
_OFFICE_LANGUAGE = {"CN": "zh", "TW": "zh", "JP": "ja", "KR": "ko", "DE": "de", "FR": "fr", "RU": "ru", "ES": "es"}
_ORIGINS = {
    "APP": "applicant", "SEA": "search_report", "ISR": "search_report", "SUP": "search_report", "EXA": "examiner",
    "PRS": "search_report", "TPO": "third_party", "OPP": "third_party", "FOP": "third_party", "APL": "other",
    "115": "third_party", "CH2": "other",
}  # fmt: skip
"""Origin codes of the EPO's citation data."""
_BATCH = 256


@dataclass(frozen=True, slots=True)
class GooglePatentsReader:
    """Reader of exports of the table `publications`: ``.jsonl`` (or ``.json``, one record a line) and ``.parquet``."""

    name: str = "google-patents"
    version: str = "1"
    description: Bilingual = field(
        default=Bilingual(
            zh="Google Patents 公开数据导出（JSONL 或 Parquet，嵌套结构）",
            en="Google Patents public data export (JSON lines or Parquet, nested)",
        )
    )

    def accepts(self, path: Path, head: bytes) -> bool:
        """Accept Parquet and JSON lines that show columns of the table."""
        if head[:4] == b"PAR1":
            return path.suffix == ".parquet" and _is_publications(path)
        first = head.lstrip()[:1]
        return first == b"{" and b'"publication_number"' in head and (
            b"_localized" in head or b"_harmonized" in head or b'"family_id"' in head or b'"country_code"' in head
        )  # fmt: skip

    def read(self, path: Path, out: Output, options: ReadOptions) -> None:
        """Read one file."""
        with path.open("rb") as stream:
            is_parquet = stream.read(4) == b"PAR1"
        records = _parquet(path, out, options) if is_parquet else _lines(path, out, options)
        strangers: set[str] = set()
        for row, item in records:
            for name in item.keys() - _USED - _KNOWN - strangers:
                strangers.add(name)
                out.finding("file.unknown_column", Severity.INFO, "column is not read", row=row, field=name)
            _record(item, RowContext(out, row), options.limits)


def _is_publications(path: Path) -> bool:
    try:
        names = set(pq.read_schema(path).names)
    except (pa.ArrowException, OSError):
        return False
    return "publication_number" in names and bool(names & {"title_localized", "country_code", "family_id", "citation"})


def _parquet(path: Path, out: Output, options: ReadOptions) -> Iterator[tuple[int, dict[str, Any]]]:
    row, total = 0, path.stat().st_size
    try:
        with pq.ParquetFile(path) as file:
            if "publication_number" not in file.schema_arrow.names:
                out.finding("file.missing_column", Severity.FATAL, "a column is missing", field="publication_number")
                return
            rows = max(file.metadata.num_rows, 1)
            for batch in file.iter_batches(batch_size=_BATCH):
                for item in batch.to_pylist():
                    row += 1
                    out.read()
                    yield row, item
                options.progress(total * row // rows, total, row)
    except (pa.ArrowException, OSError) as err:
        out.finding("file.unreadable", Severity.FATAL, f"the rest of the file cannot be read: {str(err)[:200]}")


def _lines(path: Path, out: Output, options: ReadOptions) -> Iterator[tuple[int, dict[str, Any]]]:
    row, total, limit = 0, path.stat().st_size, options.limits.record_bytes
    with path.open("rb") as stream:
        while line := stream.readline(limit):
            row += 1
            if len(line) == limit and not line.endswith(b"\n"):
                while (rest := stream.readline(limit)) and not rest.endswith(b"\n"):
                    continue
                _refused(out, row, "record.too_long", f"a line longer than {limit} bytes")
                continue
            if not line.strip():
                continue
            item = _parsed(line, row, out)
            if item is not None:
                out.read()
                yield row, item
            if row % 1000 == 0:
                options.progress(stream.tell(), total, row)


def _parsed(line: bytes, row: int, out: Output) -> dict[str, Any] | None:
    try:
        item = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError as err:
        _refused(out, row, "record.encoding", f"bytes are not UTF-8 (at byte {err.start} of the line)")
        return None
    except (ValueError, RecursionError) as err:
        _refused(out, row, "record.json", f"not a JSON object on one line: {str(err)[:120]}")
        return None
    if not isinstance(item, dict):
        _refused(out, row, "record.json", "not a JSON object")
        return None
    return item


def _refused(out: Output, row: int, rule: str, message: str) -> None:
    out.read()
    out.refuse()
    out.finding(rule, Severity.ERROR, message, row=row)


def _record(item: Mapping[str, Any], record: RowContext, limits: Limits) -> None:
    text = str(item.get("publication_number") or "")
    try:
        number = parse_patent_number(text, office=_text(item.get("country_code")), kind=_text(item.get("kind_code")))
    except IdentifierError as err:
        record.refuse("field.patent_number", str(err), "publication_number", text[:100])
        return
    record.record_id = number.publication_number
    language = _OFFICE_LANGUAGE.get(number.office, "en")
    titles = _localized(item, "title_localized", record, limits.field_chars)
    title = titles.get(language) or titles.get("en") or next(iter(titles.values()), None)
    publication = Publication(
        number,
        application_number=_compact(item.get("application_number")),
        title=title,
        title_language=next((code for code, value in titles.items() if value == title), None),
        priority_date=_date(item, "priority_date", record),
        filing_date=_date(item, "filing_date", record),
        publication_date=_date(item, "publication_date", record),
        grant_date=_date(item, "grant_date", record),
        family_id=_family(item.get("family_id")),
        family_kind="docdb",
    )
    for part, name in (("abstract", "abstract_localized"), ("description", "description_localized")):
        found = _localized(item, name, record, limits.text_chars)
        publication.texts += [(part, code, value) for code, value in found.items()]
    claims = _localized(item, "claims_localized", record, limits.text_chars)
    running = claims.get(language) or claims.get("en") or next(iter(claims.values()), "")
    publication.claims = split_claims(running)
    publication.claim_count = len(publication.claims) or None
    publication.parties = [*_parties(item, "assignee", "assignee"), *_parties(item, "inventor", "inventor")]
    publication.classes = _classes(item)
    publication.cited = _citations(item, record)
    publication.priorities = [*_parents(item, record), *_priorities(item, record)]
    write_publication(publication, record)


def _text(value: object) -> str | None:
    text = "" if value is None else str(value).strip()
    return text or None


def _compact(value: object) -> str | None:
    """Return an application number without separators; its trailing kind letter is dropped."""
    text = re.sub(r"[\s\-/]", "", _text(value) or "").upper()
    return re.sub(r"(?<=\d)[A-Z]\d?$", "", text) or None


def _family(value: object) -> str | None:
    text = _text(value)
    return None if text in {None, "-1", "0"} else f"docdb:{text}"


def _date(item: Mapping[str, Any], name: str, record: RowContext) -> date | None:
    return record.date(item.get(name), name, default_day=1)


def _records(value: object) -> list[Mapping[str, Any]]:
    """Return a repeated record; a single record, or nothing, is taken as a list of it."""
    if isinstance(value, Mapping):
        return [value]
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []


def _localized(item: Mapping[str, Any], name: str, record: RowContext, chars_max: int) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in _records(item.get(name)):
        text = plain_text(_text(entry.get("text")) or "")
        if len(text) > chars_max:
            record.warn("field.too_long", f"longer than {chars_max} characters", name)
        elif text:
            found.setdefault((_text(entry.get("language")) or "und").lower()[:2], text)
    return found


def _parties(item: Mapping[str, Any], kind: str, role: str) -> list[NamedParty]:
    stated: list[tuple[str | None, str | None]] = [
        (_text(entry.get("name")), _text(entry.get("country_code")))
        for entry in _records(item.get(f"{kind}_harmonized"))
    ]
    if not stated and isinstance(item.get(kind), list):
        stated = [(_text(name), None) for name in item[kind]]
    party_type = "person" if role == "inventor" else None
    return [
        NamedParty(name, role, country, party_type)  # type: ignore[arg-type]
        for name, country in stated
        if name
    ]


def _classes(item: Mapping[str, Any]) -> list[tuple[str, str, bool | None]]:
    found: list[tuple[str, str, bool | None]] = []
    for scheme in ("ipc", "cpc", "uspc", "locarno"):
        entries = sorted(_records(item.get(scheme)), key=lambda entry: not entry.get("first"))
        for entry in entries:
            inventive = entry.get("inventive")
            if code := _text(entry.get("code")):
                found.append((scheme, code, inventive if scheme == "cpc" and isinstance(inventive, bool) else None))
    return found


_PARENT_KINDS = {"CON": "continuation", "CIP": "continuation_in_part", "DIV": "division", "PRO": "provisional",
                 "REI": "reissue", "NST": "international"}  # fmt: skip
"""Codes of US continuity data."""


def _parents(item: Mapping[str, Any], record: RowContext) -> list[EarlierApplication]:
    return [
        EarlierApplication(number, _PARENT_KINDS.get((_text(entry.get("type")) or "").upper()[:3], "other"),
                           dated=record.date(entry.get("filing_date"), "parent.filing_date", default_day=1))
        for entry in _records(item.get("parent"))
        if (number := _text(entry.get("application_number")))
    ]  # fmt: skip


def _priorities(item: Mapping[str, Any], record: RowContext) -> list[EarlierApplication]:
    """Read claimed priorities; a number of kind W is international, one of kind P provisional."""
    found = []
    for entry in _records(item.get("priority_claim")):
        if number := _text(entry.get("application_number")):
            kind = {"W": "international", "P": "provisional"}.get(number.rpartition("-")[2][:1], "paris")
            dated = record.date(entry.get("filing_date"), "priority_claim.filing_date", default_day=1)
            found.append(EarlierApplication(number, kind, dated=dated))
    return found


def _citations(item: Mapping[str, Any], record: RowContext) -> list[CitedDocument]:
    """Read cited documents; either of `type` and `category` may hold the origin code and the other the letters."""
    cited: list[CitedDocument] = []
    for entry in _records(item.get("citation")):
        codes = [(_text(entry.get(name)) or "").upper() for name in ("category", "type")]
        origin = next((_ORIGINS[code] for code in codes if code in _ORIGINS), None)
        letters = next(
            (code for code in codes if code not in _ORIGINS and re.fullmatch(r"[XYADEILOPT]{1,4}", code)), None
        )
        number = None
        if text := _text(entry.get("publication_number")):
            number = record.number(text, "citation.publication_number")
            if number is None:
                continue
        npl = _text(entry.get("npl_text"))
        if number is None and npl is None:
            continue
        dated = record.date(entry.get("filing_date"), "citation.filing_date", default_day=1) if number else None
        cited.append(CitedDocument(number, plain_text(npl) if npl else None, letters, origin, dated))
    return cited
