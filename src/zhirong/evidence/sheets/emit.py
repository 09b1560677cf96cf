"""One row of a sheet to rows of canonical tables.

`patent_id` of a row is, in this order: the grant's or latest publication number without kind code; the earlier
publication; the canonical application number (``CN202010123456.7``, with its point, so that it can never be taken for
a publication number). A row that has none of them is refused.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from zhirong.evidence.reading import Limits, Output
from zhirong.evidence.rows import claim_row, class_row, split_claims
from zhirong.evidence.sheets.cells import Bound, Row
from zhirong.evidence.sheets.records import RecordEmitter
from zhirong.evidence.sheets.rows import RawRow, TableStream
from zhirong.evidence.sheets.rules import ColumnRule, SheetMapping
from zhirong.kernel.findings import Severity
from zhirong.kernel.identifiers import (
    cn_right_type,
    parse_patent_number,
)
from zhirong.kernel.text import detect_language

__all__ = ["RowEmitter"]

_STATUS_EVENT = {
    "lapsed": "lapsed", "expired": "expired", "withdrawn": "withdrawn", "refused": "refused",
    "surrendered": "surrendered", "invalidated": "invalidated",
}  # fmt: skip
_DATE_EVENTS = (("filing_date", "filed"), ("publication_date", "published"), ("grant_date", "granted"))

_CN_YEAR = re.compile(r"CN((?:19|20)\d{2})\d{8}\b")
_FILING_YEARS_OFF = 5
"""Years between filing and the year of the number: numbers of international applications may be of another year."""


class RowEmitter(RecordEmitter):
    """Applies a mapping to the rows of one sheet; parameters are those of `CellReader`."""

    def __init__(
        self, mapping: SheetMapping, stream: TableStream, heads: Sequence[str], out: Output, limits: Limits
    ) -> None:
        super().__init__(mapping, stream, heads, out, limits)
        # Only what this sheet has: a mapping knows many more heads than any one table.
        columns = ((rule, self._bind(rule.rule)) for rule in mapping.columns)
        self._columns = [(rule, bound) for rule, bound in columns if bound.places]
        records = (
            (record, {name: self._bind(rule) for name, rule in record.fields.items()}) for record in mapping.records
        )
        self._records = [(record, fields) for record, fields in records if any(b.places for b in fields.values())]

    def used_places(self) -> set[int]:
        """Return the positions of columns that some rule reads."""
        used = {place for _, bound in self._columns for place in bound.places}
        return used | {place for _, fields in self._records for bound in fields.values() for place in bound.places}

    def emit(self, raw: RawRow) -> bool:
        """Hand on everything that the row says; return False when it was refused."""
        self._row = Row(raw.number)
        is_named = self._name(raw)
        self._tell_what_waited()
        if not is_named:
            return False
        for rule, bound in self._columns:
            if rule.target != "patents":
                self._other(raw, rule, bound)
        for record, fields in self._records:
            self._record(raw, record, fields)
        self._finish()
        return True

    def _name(self, raw: RawRow) -> bool:
        """Read what the row says of the patent itself; return False where it is left out or names no patent."""
        if not self._passes(raw):
            return False
        self._flag(raw)
        for rule, bound in self._columns:
            if rule.target == "patents":
                self._patent_field(raw, rule, bound)
        return self._identify(raw)

    def _patent_field(self, raw: RawRow, rule: ColumnRule, bound: Bound) -> None:
        column = rule.column
        assert column is not None
        if not bound.places or self._row.patent.get(column) is not None:
            return
        value = self._value(raw, bound)
        if isinstance(value, list):
            value = next((v for v in value if not str(v).startswith("?")), None)
        if isinstance(value, datetime):
            value = value.date()
        if value is not None:
            self._row.patent[column] = value
            if column == "publication_date" and "公告" in bound.label:
                self._row.is_date_of_latest = True

    def _identify(self, raw: RawRow) -> bool:
        patent = self._row.patent
        latest, earlier = patent.get("publication_number"), patent.get("earlier_publication_id")
        application = patent.get("application_number")
        patent.pop("earlier_publication_id", None)
        best = latest or earlier
        number = parse_patent_number(str(best)) if best else None
        if latest and earlier:
            before = parse_patent_number(earlier).patent_id
            if number is not None and before != number.patent_id:
                patent["earlier_publication_id"] = before
        if number is not None:
            self._row.patent_id = number.patent_id
            patent["publication_number"] = number.publication_number
            patent.setdefault("kind_code", number.kind)
            patent.setdefault("office", number.office)
        elif application:
            self._row.patent_id = application
            patent.setdefault("office", application[:2])
        else:
            self._find("sheet.no_identifier", Severity.ERROR,
                       "no readable publication or application number; the row was refused",
                       value=" | ".join(raw.cells)[:200])  # fmt: skip
            return False
        patent["patent_id"] = self._row.patent_id
        self._right_type(application, number)
        return True

    def _right_type(self, application: str | None, number: Any) -> None:
        patent = self._row.patent
        by_number = None
        if application and application.startswith("CN"):
            by_number = str(cn_right_type(application))
        elif number is not None and number.kind:
            by_number = str(number.right_type)
        stated = patent.get("right_type")
        if stated and by_number and stated != by_number:
            self._find("sheet.right_type", Severity.WARNING,
                       f"the sheet says {stated}, the number says {by_number}; the number was believed",
                       field="right_type", value=stated)  # fmt: skip
        if by_number or stated:
            patent["right_type"] = by_number or stated

    def _other(self, raw: RawRow, rule: ColumnRule, bound: Bound) -> None:
        """Hand one column to the table it feeds; attributes of parties are read together with the parties."""
        if not bound.places or rule.target == "party_attribute":
            return
        value = self._value(raw, bound)
        if value is None:
            return
        match rule.target:
            case "patent_parties":
                self._parties_of(raw, rule, value)
            case "classifications":
                self._classes(rule, value, bound)
            case "citations":
                self._citations(rule, value, bound)
            case "families":
                self._family(rule, value, bound)
            case _:
                self._texts_and_dates(rule, value, bound)

    def _texts_and_dates(self, rule: ColumnRule, value: Any, bound: Bound) -> None:
        match rule.target:
            case "nonpatent_citations":
                for i, text in enumerate(value):
                    self._add("nonpatent_citations", sequence=i + 1, text=text)
            case "texts":
                self._text(str(rule.options["part"]), str(value), rule.options.get("language"))
            case "labelled_text":
                self._labelled(rule, str(value))
            case "claims":
                for number, claim in split_claims(str(value)):
                    self._out.add("claims", claim_row(self._row.patent_id, number, claim))
            case "legal_events":
                for day in value if isinstance(value, list) else [value]:
                    self._event(str(rule.options["kind"]), day, description=bound.label)
            case "flag":
                self._row.flags[str(rule.options["kind"])] = (value, bound.label)
            case _:
                raise AssertionError(rule.target)

    def _unread(self, rule: str, items: Sequence[str], bound: Bound, what: str) -> list[str]:
        """Report the members of a list that could not be read; return the others without repeats."""
        for item in items:
            if item.startswith("?"):
                self._find(rule, Severity.WARNING, f"a member that is not {what} was left out",
                           field=bound.label, value=item[1:])  # fmt: skip
        return list(dict.fromkeys(item for item in items if not item.startswith("?")))

    def _parties_of(self, raw: RawRow, rule: ColumnRule, names: Sequence[str]) -> None:
        role = str(rule.options["role"])
        attributes = {
            str(other.options["attribute"]): self._value(raw, bound)
            for other, bound in self._columns
            if other.target == "party_attribute" and other.options["role"] == role and bound.places
        }
        kind = "person" if role == "inventor" else None
        for i, name in enumerate(names):
            known = attributes if i == 0 else {}
            party_id = self._party(name, party_type=kind, **known)
            self._add("patent_parties", party_id=party_id, role=role, sequence=i + 1)

    def _classes(self, rule: ColumnRule, symbols: Sequence[str], bound: Bound) -> None:
        scheme = str(rule.options["scheme"])
        read = self._unread("sheet.class_symbol", symbols, bound, f"a {scheme.upper()} symbol")
        for symbol in read:
            self._class(scheme, symbol)

    def _class(self, scheme: str, symbol: str) -> None:
        seen = self._row.classes.setdefault(scheme, [])
        if symbol not in seen:
            seen.append(symbol)
            self._out.add("classifications", class_row(self._row.patent_id, scheme, symbol, len(seen)))

    def _citations(self, rule: ColumnRule, numbers: Sequence[str], bound: Bound) -> None:
        for text in self._unread("sheet.citation", numbers, bound, "a patent number"):
            other = parse_patent_number(text).patent_id
            if other == self._row.patent_id:
                continue
            cites = rule.options["direction"] == "cited"
            self._out.add("citations", {
                "citing_id": self._row.patent_id if cites else other,
                "cited_id": other if cites else self._row.patent_id,
                "citing_date": self._row.patent.get("publication_date") if cites else None,
                "origin": rule.options.get("origin"),
            })  # fmt: skip

    def _family(self, rule: ColumnRule, numbers: Sequence[str], bound: Bound) -> None:
        read = self._unread("sheet.family_member", numbers, bound, "a patent number")
        members = {parse_patent_number(text).patent_id: parse_patent_number(text) for text in read}
        if not members:
            return
        kind = str(rule.options["family_kind"])
        everyone = sorted({*members, self._row.patent_id})
        digest = hashlib.sha256("|".join(everyone).encode()).hexdigest()[:16]
        family_id = self._row.patent.get("family_id") if kind in {"simple", "docdb"} else None
        family_id = family_id or f"{kind}:{digest}"
        for member_id in everyone:
            number = members.get(member_id)
            self._out.add("families", {
                "family_id": family_id, "member_id": member_id, "family_kind": kind,
                "office": number.office if number else member_id[:2], "kind_code": number.kind if number else None,
            })  # fmt: skip
        if kind in {"simple", "docdb"}:
            self._row.patent.setdefault("family_id", family_id)
            self._row.patent.setdefault("stated_family_size", len(everyone))

    def _text(self, part: str, text: str, language: str | None = None) -> None:
        language = language or self._mapping.language or detect_language(text)
        self._add("texts", part=part, language=language, text=text)

    def _labelled(self, rule: ColumnRule, text: str) -> None:
        """Cut ``Label: text`` lines apart; labels name `title` or a part of `texts`, with a language after a point."""
        labels: Mapping[str, str] = rule.options["labels"]
        separator = rule.options.get("separator")
        if separator and separator in text:
            pieces = {label: [part.strip()] for label, part in zip(labels, text.split(separator), strict=False)}
        else:
            pieces = _by_label(text, frozenset(labels))
        for label, lines in pieces.items():
            joined = "\n".join(lines).strip()
            part, _, language = labels[label].partition(".")
            if not joined:
                continue
            if part == "title":
                self._row.patent.setdefault("title", joined)
            else:
                self._text(part, joined, language or None)

    def _finish(self) -> None:
        patent = self._row.patent
        self._settle_publication()
        if patent.get("primary_ipc"):
            self._class("ipc", patent["primary_ipc"])
        elif self._row.classes.get("ipc"):
            patent["primary_ipc"] = self._row.classes["ipc"][0]
        self._check_filing_year()
        for name, kind in _DATE_EVENTS:
            if patent.get(name) is not None:
                self._event(kind, patent[name], description=None)
        status, status_date = patent.get("legal_status"), patent.get("legal_status_date")
        last = self._last_end()
        if status in _STATUS_EVENT and status_date is not None and last is None:
            self._event(_STATUS_EVENT[status], status_date, recorded_date=status_date)
        elif status is None and last is not None:
            patent["legal_status"], patent["legal_status_date"] = last
        for kind, (value, head) in self._row.flags.items():
            if value and not any(k == kind for k, _ in self._row.events):
                self._find("sheet.flag_without_date", Severity.INFO,
                           f"the sheet says {kind} but gives no date; no event was made",
                           field=head, value=str(value))  # fmt: skip
        if patent.get("title"):
            patent.setdefault("title_language", self._mapping.language or detect_language(str(patent["title"])))
        stated = {"stated_forward_citation_count", "stated_family_size"} & set(patent)
        if stated and self._mapping.stated_at is not None:
            patent.setdefault("stated_at", self._mapping.stated_at)
        self._out.add("patents", patent)

    def _check_filing_year(self) -> None:
        """Leave a filing date unknown that lies years off the year in a Chinese application number: one of the two is a slip."""
        patent = self._row.patent
        filed, number = patent.get("filing_date"), _CN_YEAR.match(str(patent.get("application_number") or ""))
        if filed is None or number is None or abs(filed.year - int(number[1])) <= _FILING_YEARS_OFF:
            return
        self._find(
            "sheet.filing_year", Severity.WARNING,
            f"the application number {patent['application_number']} is of {number[1]}; the filing date was left unknown",
            field="filing_date", value=filed.isoformat(),
        )  # fmt: skip
        del patent["filing_date"]

    def _settle_publication(self) -> None:
        """Make 公开(公告)日 the grant date where the publication named is a grant."""
        patent = self._row.patent
        kind = str(patent.get("kind_code") or "")
        if not self._row.is_date_of_latest or patent.get("office") != "CN" or kind[:1] not in set("BCUYSD"):
            return
        stated = patent["publication_date"]
        patent.setdefault("grant_date", stated)
        if kind[0] in "BC" and patent["grant_date"] == stated:
            patent.pop("publication_date")

    def _last_end(self) -> tuple[str, date] | None:
        """Return the status that the last ending event leaves, unless the right was restored after it."""
        ends = [(day, kind) for kind, day in self._row.events if kind in _STATUS_EVENT]
        if not ends:
            return None
        day, kind = max(ends)
        if any(k == "restored" and d >= day for k, d in self._row.events):
            return None
        return kind, day


def _by_label(text: str, labels: frozenset[str]) -> dict[str, list[str]]:
    current: str | None = None
    pieces: dict[str, list[str]] = {}
    for line in text.splitlines():
        label, colon, rest = line.partition(":")
        if colon and label.strip() in labels:
            current, line = label.strip(), rest
        if current is not None:
            pieces.setdefault(current, []).append(line.strip())
    return pieces
