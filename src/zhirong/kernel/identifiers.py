"""Patent numbers and class symbols: one canonical form for each, whatever the source wrote.

`patent_id` is office + serial without the kind code (``US7272630``, ``US20050004437``, ``CN101234567``), because
sources cite with and without it; a US grant and its earlier publication have different serials and are joined by
application number when an evidence store is consolidated.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from zhirong.kernel.errors import IdentifierError

__all__ = [
    "ClassSymbol",
    "PatentNumber",
    "RightType",
    "cn_application_number",
    "cn_check_digit",
    "cn_right_type",
    "parse_class_symbol",
    "parse_patent_number",
]


class RightType(StrEnum):
    """Kind of registered right."""

    INVENTION = "invention"
    UTILITY_MODEL = "utility_model"
    DESIGN = "design"
    PLANT = "plant"
    REISSUE = "reissue"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class PatentNumber:
    """A publication number taken apart.

    Parameters
    ----------
    office : str
        WIPO ST.3 two-letter code.
    serial : str
        Digits, with the letters that belong to the number (``D435854``, ``RE39123``, ``H0512345``).
    kind : str or None
        WIPO ST.16 kind code, None where the source gives none.
    """

    office: str
    serial: str
    kind: str | None = None

    @property
    def patent_id(self) -> str:
        """Office and serial: the key of the table `patents`."""
        return self.office + self.serial

    @property
    def publication_number(self) -> str:
        """Office, serial and kind, without separators."""
        return self.patent_id + (self.kind or "")

    @property
    def right_type(self) -> RightType:
        """Right named by the serial's letters or the kind code; invention where neither says otherwise."""
        return _right_type(self.office, self.serial, self.kind or "")


_NUMBER = re.compile(
    r"^(?P<office>(?!(?:RE|PP|AI)\d)[A-Z]{2})?(?P<prefix>RE|PP|AI|D|H|T|X|S|P)?(?P<digits>\d{1,13})(?P<kind>[A-Z]\d?|U1)?$",
    re.ASCII,
)
_JP_ERA = re.compile(r"^JP(?P<era>[HSTMR])(?P<digits>\d{5,9})(?P<kind>[A-Z]\d?)?$", re.ASCII)


@lru_cache(maxsize=65_536)
def parse_patent_number(text: str, *, office: str | None = None, kind: str | None = None) -> PatentNumber:
    """Read a publication or grant number in any of the usual spellings.

    Parameters
    ----------
    text : str
        ``US 7,272,630 B2``, ``US-7272630-B2``, ``US07272630``, ``D0435854``, ``20050004437``, ``CN101234567B``.
    office : str, optional
        Office to assume where the text names none.
    kind : str, optional
        Kind code to use where the text has none.

    Returns
    -------
    PatentNumber

    Raises
    ------
    IdentifierError
        When the text is not a number of this form, or names no office and none is given.

    Examples
    --------
    >>> parse_patent_number("US-2005004437-A1").patent_id
    'US20050004437'
    >>> parse_patent_number("D0435854", office="US").patent_id
    'USD435854'
    >>> parse_patent_number("RE29303", office="US").patent_id
    'USRE29303'
    """
    compact = re.sub(r"[\s,./\-]", "", text.upper())
    if era := _JP_ERA.match(compact):
        # Era, two digits of the year in it, serial of six.
        return PatentNumber("JP", f"{era['era']}{era['digits'][:2]}{era['digits'][2:].zfill(6)}", era["kind"] or kind)
    match = _NUMBER.match(compact)
    if match is None:
        raise IdentifierError(f"{text!r} is not a patent number; allowed: office, digits, kind, as in US7272630B2")
    of = match["office"] or office
    if of is None:
        raise IdentifierError(f"{text!r} names no office; write e.g. US{compact}, or give the office of the file")
    prefix, digits = match["prefix"] or "", match["digits"]
    if not digits.strip("0"):
        raise IdentifierError(f"{text!r} has no number but zeros")
    return PatentNumber(of, prefix + _serial(of, digits, prefix), match["kind"] or kind)


def _serial(office: str, digits: str, prefix: str) -> str:
    """Drop padding; give US publications of applications their 4 + 7 digits."""
    is_year = digits[:4] >= "1978" and digits[:2] in {"19", "20"}
    if office == "US" and not prefix and len(digits) in {10, 11} and is_year:
        return digits[:4] + digits[4:].zfill(7)
    if office == "WO" and len(digits) in {9, 10} and is_year:
        return digits[:4] + digits[4:].zfill(6)
    if office == "JP" and len(digits) >= 9:
        return digits
    return digits.lstrip("0")


def _right_type(office: str, serial: str, kind: str) -> RightType:
    by_prefix = {"D": RightType.DESIGN, "PP": RightType.PLANT, "RE": RightType.REISSUE, "H": RightType.OTHER}
    prefix = re.match(r"^[A-Z]*", serial)
    if office == "US" and prefix and prefix[0]:
        return by_prefix.get(prefix[0], RightType.OTHER)
    first = kind[:1]
    if first == "S":
        return RightType.DESIGN
    if first in {"U", "Y"}:
        return RightType.UTILITY_MODEL
    if first == "P" and office == "US":
        return RightType.PLANT
    if first == "E" and office == "US":
        return RightType.REISSUE
    if office == "CN" and not kind and re.match(r"^[123]\d{6,8}$", serial):
        return _CN_RIGHT.get(serial[0], RightType.INVENTION)
    return RightType.INVENTION


_CN_RIGHT = {
    "1": RightType.INVENTION,
    "2": RightType.UTILITY_MODEL,
    "3": RightType.DESIGN,
    "8": RightType.INVENTION,
    "9": RightType.UTILITY_MODEL,
}
"""Kind digit of a Chinese application number; 8 and 9 are PCT entries (ZC 0006-2003, 4.2)."""

_CN_WEIGHTS = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)


def cn_check_digit(digits: str) -> str:
    """Return the check digit of a Chinese application number.

    Parameters
    ----------
    digits : str
        8 digits (filed before 2003-10-01) or 12 digits (since), without the check digit.

    Returns
    -------
    str
        ``0``-``9`` or ``X``.

    Notes
    -----
    Digits times 2, 3, ..., 9, 2, 3, 4, 5 from the left, summed, modulo 11; 10 is written X.

    References
    ----------
    ZC 0006-2003, *Standard for patent application numbers*, section 5 and annex.

    Examples
    --------
    >>> cn_check_digit("200310102344")
    '5'
    """
    if not re.fullmatch(r"[0-9]{8}|[0-9]{12}", digits):
        raise IdentifierError(f"{digits!r} is not 8 or 12 digits")
    remainder = sum(int(d) * w for d, w in zip(digits, _CN_WEIGHTS, strict=False)) % 11
    return "X" if remainder == 10 else str(remainder)


def cn_application_number(text: str) -> str:
    """Return the canonical Chinese application number, ``CN`` + digits + ``.`` + check digit.

    Parameters
    ----------
    text : str
        ``200310102344.5``, ``CN2003101023445``, ``ZL 200310102344.5``, ``CN03123456.7``, or without check digit.

    Returns
    -------
    str
        The check digit is completed where the text has none.

    Raises
    ------
    IdentifierError
        When the form is wrong or the check digit does not fit.
    """
    compact = re.sub(r"\s", "", text.upper())
    compact = re.sub(r"^(?:CN|ZL|CNZL)", "", compact)
    match = re.fullmatch(r"([0-9]{12}|[0-9]{8})(?:\.?([0-9X]))?", compact)
    if match is None:
        raise IdentifierError(
            f"{text!r} is not a Chinese application number; allowed: 12 or 8 digits and a check digit"
        )
    digits, stated = match[1], match[2]
    kind_at = 4 if len(digits) == 12 else 2
    if digits[kind_at] not in _CN_RIGHT:
        raise IdentifierError(f"{text!r}: kind digit {digits[kind_at]} is not one of {', '.join(_CN_RIGHT)}")
    due = cn_check_digit(digits)
    if stated is not None and stated != due:
        raise IdentifierError(f"{text!r}: check digit is {stated}, should be {due}")
    return f"CN{digits}.{due}"


def cn_right_type(application_number: str) -> RightType:
    """Return the right that the kind digit of a canonical Chinese application number names."""
    digits = application_number.removeprefix("CN").split(".")[0]
    return _CN_RIGHT[digits[4 if len(digits) == 12 else 2]]


@dataclass(frozen=True, slots=True)
class ClassSymbol:
    """An IPC or CPC symbol.

    Parameters
    ----------
    subclass : str
        Four characters, ``H04L``.
    main_group : str or None
        Digits without padding, None for a bare subclass.
    subgroup : str or None
        Digits as written, at least two.
    """

    subclass: str
    main_group: str | None = None
    subgroup: str | None = None

    def __str__(self) -> str:
        return self.subclass if self.main_group is None else f"{self.subclass}{self.main_group}/{self.subgroup}"


_SYMBOL = re.compile(r"^([A-HY]\d{2}[A-Z])(?:(\d{1,4})/(\d{2,6}))?$", re.ASCII)
_SYMBOL_14 = re.compile(r"^([A-HY]\d{2}[A-Z])(\d{4})(\d{6})$", re.ASCII)


@lru_cache(maxsize=65_536)
def parse_class_symbol(text: str) -> ClassSymbol:
    """Read an IPC or CPC symbol.

    Parameters
    ----------
    text : str
        ``H04L 9/32``, ``H04L0009320000``, ``H04L   9/32``, ``H04L``; a trailing version in brackets is dropped.

    Raises
    ------
    IdentifierError
        When the text has another form.

    Examples
    --------
    >>> str(parse_class_symbol("A01B0001020000"))
    'A01B1/02'
    """
    compact = re.sub(r"\(\d{4}\.\d{2}\).*$|\s", "", text.upper())
    if long := _SYMBOL_14.match(compact):
        group = long[3].rstrip("0")
        return ClassSymbol(long[1], str(int(long[2])), group.ljust(2, "0"))
    match = _SYMBOL.match(compact)
    if match is None:
        raise IdentifierError(f"{text!r} is not a class symbol; allowed: H04L, H04L 9/32, H04L0009320000")
    return ClassSymbol(match[1], str(int(match[2])) if match[2] else None, match[3])
