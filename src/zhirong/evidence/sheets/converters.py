"""From the text of a cell to a value of a canonical column: one small function for each kind of cell.

Each takes the text and the circumstances (`Cell`) and returns a value, None where the text says that it is unknown,
or raises `DomainError` (with what is allowed), which the reader turns into a finding.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from math import isfinite
from typing import Any

from zhirong.evidence.numerals import CHINESE_NUMERALS, chinese_number
from zhirong.evidence.sheets.vocabulary import (
    LEGAL_STATUS,
    NO,
    OFFICES,
    PROVINCES,
    RIGHT_TYPE,
    YES,
    fold,
)
from zhirong.evidence.sheets.workbook import excel_date
from zhirong.kernel.dates import parse_date
from zhirong.kernel.errors import DomainError, IdentifierError
from zhirong.kernel.identifiers import cn_application_number, parse_class_symbol, parse_patent_number

__all__ = ["CONVERTERS", "Cell", "Converter", "money", "split_list"]

UNITS: Mapping[str, int] = {"元": 1, "千元": 1000, "万元": 10_000, "百万元": 10**6, "千万元": 10**7, "亿元": 10**8}
CURRENCY_SIGNS: Mapping[str, str] = {
    "人民币": "CNY", "rmb": "CNY", "cny": "CNY", "￥": "CNY", "¥": "CNY", "元": "CNY",
    "美元": "USD", "us$": "USD", "usd": "USD", "$": "USD", "欧元": "EUR", "eur": "EUR", "€": "EUR",
    "英镑": "GBP", "gbp": "GBP", "£": "GBP", "港元": "HKD", "港币": "HKD", "hkd": "HKD", "日元": "JPY", "jpy": "JPY",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cell:
    """Circumstances of a cell.

    Parameters
    ----------
    office : str or None
        Office to assume where a number names none.
    separators : str
        Characters that separate the members of a list.
    unit : str
        Unit of an amount that names none (元, 万元, 亿元 ...).
    is_workbook, epoch_1904 : bool
        Five-digit numbers may be Excel date serials, counted from 1904 if so.
    """

    office: str | None = None
    separators: str = ";；|"
    unit: str = "元"
    is_workbook: bool = False
    epoch_1904: bool = False


Converter = Callable[[str, Cell], Any]


def split_list(text: str, cell: Cell) -> list[str]:
    """Split a list cell; a JSON array is taken as such; blank members are dropped, order is kept."""
    if text.startswith("["):
        try:
            items = json.loads(text)
        except ValueError:
            items = None
        if isinstance(items, list):
            return [str(item).strip() for item in items if str(item).strip()]
    return [part for part in map(str.strip, _separator(cell.separators).split(text)) if part]


@lru_cache(maxsize=256)
def _separator(characters: str) -> re.Pattern[str]:
    return re.compile(f"[{re.escape(characters)}\n]")


def _text(text: str, cell: Cell) -> str:
    return text


def _int(text: str, cell: Cell) -> int:
    number = _float(text, cell)
    if number != int(number):
        raise DomainError(f"{text!r} is not a whole number")
    return int(number)


def _count(text: str, cell: Cell) -> int:
    number = _int(re.sub(r"(?<=\d)\s*[项件个次页人]$", "", fold(text)), cell)
    if not 0 <= number <= 1_000_000:
        raise DomainError(f"{text!r} is not a count; allowed: 0 to 1000000")
    return number


def _float(text: str, cell: Cell) -> float:
    compact = re.sub(r"(?<=\d)[,\s](?=\d{3})", "", fold(text))
    if not re.fullmatch(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d{1,2})?", compact):
        raise DomainError(f"{text!r} is not a number; allowed: 1234, 1,234.5")
    number = float(compact)
    if not isfinite(number):
        raise DomainError(f"{text[:40]!r} is too large for a number")
    return number


def _percent(text: str, cell: Cell) -> float:
    """Return a fraction; a number without sign is percent when over 1."""
    folded = fold(text)
    if folded.endswith(("%", "‰")):
        return _float(folded[:-1], cell) / (100 if folded.endswith("%") else 1000)
    number = _float(folded, cell)
    if not 0 <= number <= 1:
        raise DomainError(f"{text!r}: write a share as 5% or 0.05; a bare number over 1 is ambiguous")
    return number


_SERIAL = re.compile(r"^[1-7]\d{4}(\.\d+)?$")


def _date(text: str, cell: Cell) -> date | None:
    folded = fold(text)
    if cell.is_workbook and _SERIAL.match(folded):
        moment = excel_date(float(folded), epoch_1904=cell.epoch_1904)
        return moment.date() if isinstance(moment, datetime) else moment
    folded = re.sub(r"\s*([年月/.-])\s*", r"\1", folded)
    day = parse_date(re.sub(r"[t ]\d{1,2}:\d{2}.*$", "", folded))
    if day is not None and not 1700 <= day.year <= 2200:
        raise DomainError(f"{text!r}: the year is outside 1700-2200")
    return day


_DAY = re.compile(r"(?<!\d)(?:1[789]|2[01])\d\d(?:[-/.]\d{1,2}[-/.]\d{1,2}|年\d{1,2}月\d{1,2}日)(?!\d)")
_COMPACT_DAY = re.compile(r"(?<![\d.])(?:19|20)\d{6}(?![\d.])")


def _dates(text: str, cell: Cell) -> list[date]:
    """Return every date in a text; eight digits in a row count only where nothing is written as a date."""
    folded = fold(text)
    if cell.is_workbook and _SERIAL.match(folded):
        found = [_date(text, cell)]
    else:
        found = [_date(match, cell) for match in _DAY.findall(folded) or _COMPACT_DAY.findall(folded)]
    if not found:
        raise DomainError(f"{text!r} holds no date; allowed: 2024-03-01, 2024.03.01, 20240301, 2024年3月1日")
    return [day for day in found if day is not None]


def _first_date(text: str, cell: Cell) -> date | None:
    return min(_dates(text, cell), default=None)


def _last_date(text: str, cell: Cell) -> date | None:
    return max(_dates(text, cell), default=None)


def _yes_no(text: str, cell: Cell) -> bool:
    folded = fold(text)
    if folded in YES or re.fullmatch(r"[1-9]\d*", folded):
        return True
    if folded in NO:
        return False
    raise DomainError(f"{text!r} is neither yes nor no; allowed: {', '.join(sorted(YES | NO))}, or a count")


_MONEY = re.compile(
    r"^(?P<sign>人民币|美元|欧元|英镑|港币|港元|日元|[^\d一-龥〇○]{0,4})?"
    r"(?P<number>[0-9][0-9,]*(?:\.[0-9]+)?|[" + CHINESE_NUMERALS + r"]+)"
    r"(?P<scale>百万|千万|千|万|亿)?"
    r"(?P<currency>元人民币|人民币|美元|欧元|英镑|港币|港元|日元|元|[a-z]{3})?(?:整|正)?$"
)


def money(text: str, cell: Cell) -> tuple[float, str]:
    """Read an amount.

    Parameters
    ----------
    text : str
        ``50万元``, ``￥1,200.50``, ``人民币壹佰万元整``, ``500``, ``USD 3000``.
    cell : Cell
        `unit` scales a bare number.

    Returns
    -------
    tuple
        Amount in major units, ISO 4217 code.
    """
    folded = re.sub(r"\s+", "", fold(text))
    match = _MONEY.match(folded) if len(folded) <= 60 else None
    if match is None:
        raise DomainError(f"{text!r} is not an amount; allowed: 50万元, 1,200.50, 人民币壹佰万元, USD 3000")
    raw = match["number"].replace(",", "")
    number = float(raw) if raw[0].isdigit() else float(chinese_number(raw))
    named = match["currency"] or (match["sign"] or "").strip()
    scale = {"千": 10**3, "万": 10**4, "百万": 10**6, "千万": 10**7, "亿": 10**8}.get(match["scale"] or "", 0)
    if not scale:
        scale = UNITS[cell.unit] if raw[0].isdigit() and not match["currency"] else 1
    currency = "CNY"
    if named:
        currency = CURRENCY_SIGNS.get(named.removeprefix("元") or "元", "")
        if not currency:
            raise DomainError(f"{text!r}: {named!r} is not a known currency")
    return round(number * scale, 4), currency


def _application_number(text: str, cell: Cell) -> str:
    """Return the canonical number; a Chinese one with its check digit, another with its office in front."""
    compact = re.sub(r"[\s\-]", "", fold(text)).upper()
    if re.search(r"[^\x00-\x7f专利申请号]", compact):
        raise IdentifierError(f"{text!r} is not an application number: it holds other characters than A-Z, 0-9 and .")
    bare = re.sub(r"^(CNZL|ZLCN|CN|ZL|专利号:?|申请号:?)+", "", compact)
    is_cn = compact != bare or (cell.office == "CN" and bare[:1].isdigit())
    if is_cn:
        return cn_application_number(bare)
    if not re.fullmatch(r"[A-Z]{2}[A-Z0-9/.,]{3,25}", compact) and not (
        cell.office and re.fullmatch(r"[0-9/.,]{3,25}", compact)
    ):
        raise IdentifierError(f"{text!r} is not an application number; allowed: CN202010123456.7, US16/123456")
    if compact[0].isdigit():
        if cell.office is None:
            raise IdentifierError(f"{text!r} names no office; give `office` in the mapping")
        compact = cell.office + compact
    return re.sub(r"[,/]", "", compact)


def _publication_number(text: str, cell: Cell) -> str:
    compact = re.sub(r"^(专利号:?|公开号:?|ZL(?=CN))", "", fold(text).upper())
    if compact.startswith("ZL"):
        raise IdentifierError(f"{text!r} is a patent number (ZL + application number), not a publication number")
    number = parse_patent_number(compact, office=cell.office)
    serial = number.serial
    if number.office == "CN" and not re.fullmatch(r"\d{7}|\d{9}|8\d{7}", serial):
        raise IdentifierError(f"{text!r} is not a Chinese publication number; allowed: 7 or 9 digits, as CN101234567B")
    return number.publication_number


def _patent_list(text: str, cell: Cell) -> list[str]:
    """Return patent numbers; a member that cannot be read stays as text, marked by a leading ``?``."""
    out: list[str] = []
    comma = Cell(cell.office, cell.separators + ",，、 ")
    for part in split_list(text, comma):
        cleaned = part if part.isalnum() else re.sub(r"[(（].*$", "", part)
        if not cleaned:
            continue
        try:
            out.append(parse_patent_number(cleaned, office=cell.office).publication_number)
        except IdentifierError:
            out.append("?" + part)
    return out


_INDEXING = re.compile(r"^([A-H]\d{2}[A-Z])?(\d{1,4})[:/](\d{2,6})$")


def _class_list(text: str, cell: Cell) -> list[str]:
    """Return normalised symbols; a member that cannot be read is marked by a leading ``?``.

    Up to its seventh edition the IPC wrote additional symbols after ``//`` and indexing codes as
    ``(A61K 31/535, 31:255)``, where 31:255 means A61K 31/255; both are read.
    """
    out: list[str] = []
    subclass = ""
    for part in split_list(text, Cell(cell.office, cell.separators + ",，、")):
        symbols, subclass = _class_part(part, subclass)
        out += symbols
    return out


@lru_cache(maxsize=65_536)
def _class_part(part: str, subclass: str) -> tuple[tuple[str, ...], str]:
    """Return the symbols of one member, and the subclass that indexing codes after it belong to."""
    out: list[str] = []
    dated = re.sub(r"\((19|20)\d{2}[.-]?\d{2}\)?[A-Z]*|\[.*?\]", "", fold(part).upper())
    joined = re.sub(r"([A-HY]\d{2}[A-Z])\s+(?=\d)", r"\1", dated)
    for piece in re.split(r"\s+(?=[A-HY]?\d)|\)\(|//", joined):
        cleaned = piece.strip(" /()")
        if not cleaned:
            continue
        indexing = _INDEXING.match(cleaned)
        if indexing and (indexing[1] or subclass):
            cleaned = f"{indexing[1] or subclass}{indexing[2]}/{indexing[3]}"
        try:
            symbol = parse_class_symbol(cleaned)
        except IdentifierError:
            out.append("?" + part)
            continue
        subclass = symbol.subclass
        out.append(str(symbol))
    return tuple(out), subclass


def _locarno_list(text: str, cell: Cell) -> list[str]:
    out: list[str] = []
    for part in split_list(text, Cell(cell.office, cell.separators + ",，、")):
        match = re.search(r"(\d{2})\s*-\s*(\d{2})", fold(part))
        out.append(f"{match[1]}-{match[2]}" if match else "?" + part)
    return out


def _party_list(text: str, cell: Cell) -> list[str]:
    names = [re.sub(r"\s+", " ", part).strip(" ,，") for part in split_list(text, cell)]
    return list(dict.fromkeys(name for name in names if name))


def _vocabulary(words: Mapping[str, str | None], what: str) -> Converter:
    def convert(text: str, cell: Cell) -> str | None:
        for part in [text, *split_list(text, cell)]:
            folded = re.sub(r"\s", "", fold(part))
            if folded in words:
                return words[folded]
        shown = [word for word, value in words.items() if value][:12]
        raise DomainError(f"{text!r} is not a known {what}; allowed e.g. {', '.join(shown)}")

    return convert


def _office(text: str, cell: Cell) -> str:
    folded = fold(text)
    code = re.match(r"^([a-z]{2})(?![a-z])", folded)
    if code:
        return code[1].upper()
    for name, office in OFFICES.items():
        if folded.startswith(name):
            return office
    raise DomainError(f"{text!r} is not a country or office; allowed: a two-letter code or 中国, 美国, ...")


def _region(text: str, cell: Cell) -> str:
    """Return the GB/T 2260 two-digit code of a province."""
    folded = fold(text)
    code = re.match(r"^\D*?(\d{2})(?:\d{4})?\D*$", folded)
    if code and code[1] in PROVINCES.values():
        return code[1]
    name = re.sub(r"^中国", "", re.sub(r"[\d;()\s]", "", folded))
    for province, value in PROVINCES.items():
        if name.startswith(province):
            return value
    raise DomainError(f"{text!r} is not a province; allowed: a name such as 广东, or a GB/T 2260 code")


CONVERTERS: Mapping[str, Converter] = {
    "text": _text,
    "long_text": _text,
    "int": _int,
    "count": _count,
    "float": _float,
    "percent": _percent,
    "date": _date,
    "dates": _dates,
    "first_date": _first_date,
    "last_date": _last_date,
    "yes_no": _yes_no,
    "money": money,
    "application_number": _application_number,
    "publication_number": _publication_number,
    "patent_list": _patent_list,
    "class_list": _class_list,
    "locarno_list": _locarno_list,
    "party": _text,
    "party_list": _party_list,
    "text_list": split_list,
    "legal_status": _vocabulary(LEGAL_STATUS, "legal status"),
    "right_type": _vocabulary(RIGHT_TYPE, "kind of right"),
    "office": _office,
    "region": _region,
}
"""Every converter that a mapping may name with `as`."""
