"""Values in English legal text: amounts, dates, claims, patent numbers. Each reader works on a span alone too."""

from __future__ import annotations

import re
from datetime import date

from zhirong.kernel.errors import IdentifierError
from zhirong.kernel.identifiers import parse_patent_number

__all__ = ["AMOUNT", "DATE", "PATENT", "amount", "claims", "patents_of", "read_date"]

_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_MONTH = "|".join(name.capitalize() for name in _MONTHS)
DATE = re.compile(
    rf"(?:(?P<m1>{_MONTH})\s+(?P<d1>\d{{1,2}}),?\s+(?P<y1>(?:19|20)\d\d))|"
    rf"(?:(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:day\s+of\s+)?(?P<m2>{_MONTH}),?\s+(?P<y2>(?:19|20)\d\d))",
    re.IGNORECASE,
)
AMOUNT = re.compile(
    r"(?P<sign>US\$|USD|\$|£|GBP|€|EUR)\s?(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"(?:\s?(?P<scale>million|billion|thousand|m|k)\b)?",
    re.IGNORECASE,
)
_CURRENCY = {"us$": "USD", "usd": "USD", "$": "USD", "£": "GBP", "gbp": "GBP", "€": "EUR", "eur": "EUR"}
_SCALES = {"thousand": 10**3, "k": 10**3, "million": 10**6, "m": 10**6, "billion": 10**9}
_ONE = r"\b(?:RE|D|PP)?\s?\d{1,3}(?:[,\s]\d{3}){1,2}"
PATENT = re.compile(
    rf"(?P<us>(?:U\.\s?S\.|United\s+States)\s+(?:Letters\s+)?(?:Design\s+)?Patents?(?:\s+Nos?\.?|\s+Numbers?)?\s*"
    rf"(?P<uslist>{_ONE}(?:(?:,\s+and|,|\s+and|;)\s+{_ONE})*))|"
    rf"(?P<ep>European\s+Patents?(?:\s+\(UK\))?(?:\s+Nos?\.?)?\s*(?:EP\s?)?|\bEP\s*(?:\(UK\))?\s*)"
    rf"(?P<eplist>\d(?:[,\s]?\d{{3}}){{2}})|"
    rf"(?P<gb>(?:UK|GB)\s*(?:Patents?)?(?:\s+Nos?\.?)?\s*(?:GB\s?)?)(?P<gblist>\d(?:[,\s]?\d{{3}}){{2}})",
    re.IGNORECASE,
)


def read_date(text: str) -> date | None:
    """Return the first date of a text that spells its month out; figures alone are ambiguous and are not read."""
    match = DATE.search(text)
    if match is None:
        return None
    month = (match["m1"] or match["m2"]).lower()
    try:
        return date(int(match["y1"] or match["y2"]), _MONTHS.index(month) + 1, int(match["d1"] or match["d2"]))
    except ValueError:
        return None


def amount(match: re.Match[str]) -> tuple[float, str]:
    """Return an amount in major units and its currency."""
    number = float(match["number"].replace(",", "")) * _SCALES.get((match["scale"] or "").lower(), 1)
    return round(number, 2), _CURRENCY[match["sign"].lower()]


def claims(text: str) -> str | None:
    """Return claim numbers named in a phrase, ``1,2,3``; ranges are written out."""
    match = re.search(
        r"claims?\s+((?:\d{1,3}(?:\s?[-–]\s?|\s+(?:to|through)\s+|,\s*(?:and\s+)?|\s+and\s+)?)+)", text, re.I
    )
    if match is None:
        return None
    numbers: set[int] = set()
    for first, last in re.findall(r"(\d{1,3})(?:\s?(?:[-–]|to|through)\s?(\d{1,3}))?", match[1]):
        a, b = int(first), int(last or first)
        if 0 < a <= b <= 300:
            numbers.update(range(a, b + 1))
    return ",".join(str(n) for n in sorted(numbers)) or None


def patents_of(match: re.Match[str]) -> list[tuple[int, int, str]]:
    """Return (start, end, patent_id) of each number of a mention, positions in the matched text's string."""
    group, office = next((g, o) for g, o in (("uslist", "US"), ("eplist", "EP"), ("gblist", "GB")) if match[g])
    found: list[tuple[int, int, str]] = []
    pattern = _ONE if office == "US" else r"\d(?:[,\s]?\d{3}){2}"
    for one in re.finditer(pattern, match[group], re.IGNORECASE):
        try:
            number = parse_patent_number(re.sub(r"[,\s]", "", one[0]), office=office)
        except IdentifierError:
            continue
        found.append((match.start(group) + one.start(), match.start(group) + one.end(), number.patent_id))
    return found
