"""Dates of law and finance: parsing office forms, whole years, anniversaries, year fractions."""

from __future__ import annotations

import re
from calendar import isleap, monthrange
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache

from zhirong.kernel.errors import DomainError

__all__ = ["DayCount", "add_months", "add_years", "parse_date", "whole_years", "year_fraction"]

_FORMS = (
    re.compile(r"^(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ].*)?$"),
    re.compile(r"^(\d{4})/(\d{1,2})/(\d{1,2})$"),
    re.compile(r"^(\d{4})\.(\d{1,2})\.(\d{1,2})$"),
    re.compile(r"^(\d{4})(\d{2})(\d{2})$"),
    re.compile(r"^(\d{4})年(\d{1,2})月(\d{1,2})日?$"),
)


@lru_cache(maxsize=65_536)
def parse_date(text: str, *, default_day: int | None = None) -> date | None:
    """Read a date in the forms that offices and Chinese spreadsheets use.

    Parameters
    ----------
    text : str
        ``2024-03-01``, ``2024/3/1``, ``2024.03.01``, ``20240301``, ``2024年3月1日``; blank and zero forms are unknown.
    default_day : int, optional
        Day to use where the source gives day ``00`` (USPTO citation dates). None refuses such dates.

    Returns
    -------
    date or None
        None for blank, ``0``, ``-``, ``00000000``.

    Raises
    ------
    DomainError
        When the text is neither a date nor blank.

    Examples
    --------
    >>> parse_date("2024年3月1日")
    datetime.date(2024, 3, 1)
    """
    stripped = text.strip()
    if not stripped.strip("0-/. —"):
        return None
    for form in _FORMS:
        if match := form.match(stripped):
            year, month, day = (int(part) for part in match.groups())
            if default_day is not None:
                day = day or default_day
                month = month or 1
            try:
                return date(year, month, day)
            except ValueError:
                break
    raise DomainError(f"{text!r} is not a date; allowed: 2024-03-01, 2024/3/1, 2024.03.01, 20240301, 2024年3月1日")


def add_months(day: date, months: int) -> date:
    """Return the day so many months later; the last day of a shorter month where the day does not exist."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def add_years(day: date, years: int) -> date:
    """Return the anniversary; 29 February falls on 28 February in common years."""
    return add_months(day, 12 * years)


def whole_years(start: date, end: date) -> int:
    """Return complete years from start to end; negative when end is earlier.

    29 February completes a year on 28 February of a common year (`add_years`), the reading `tables.safe` shares.

    Examples
    --------
    >>> whole_years(date(2019, 12, 31), date(2020, 2, 29))
    0
    """
    if end < start:
        return -whole_years(end, start)
    years = end.year - start.year
    return years - (add_years(start, years) > end)


class DayCount(StrEnum):
    """Day-count conventions (ISDA 2006, section 4.16)."""

    ACT_365F = "act/365f"
    ACT_360 = "act/360"
    ACT_ACT = "act/act"
    THIRTY_360 = "30/360"
    THIRTY_E_360 = "30e/360"


def year_fraction(start: date, end: date, convention: DayCount = DayCount.ACT_365F) -> float:
    """Return the time from start to end in years.

    Parameters
    ----------
    start, end : date
        End may not be before start.
    convention : DayCount
        ``act/act`` is the ISDA form: days in leap years over 366 plus the rest over 365.

    Returns
    -------
    float
        Years, non-negative.

    References
    ----------
    ISDA (2006), *2006 ISDA Definitions*, section 4.16 (b), (d), (e), (f), (g).
    """
    if end < start:
        raise DomainError(f"end {end} is before start {start}")
    if convention is DayCount.ACT_365F:
        return (end - start).days / 365
    if convention is DayCount.ACT_360:
        return (end - start).days / 360
    if convention is DayCount.ACT_ACT:
        return _act_act(start, end)
    d1, d2 = min(start.day, 30), end.day
    if convention is DayCount.THIRTY_E_360 or d1 == 30:
        d2 = min(d2, 30)
    return ((end.year - start.year) * 360 + (end.month - start.month) * 30 + d2 - d1) / 360


def _act_act(start: date, end: date) -> float:
    total = 0.0
    for year in range(start.year, end.year + 1):
        first = max(start, date(year, 1, 1))
        last = min(end, date(year, 12, 31) + timedelta(days=1))
        total += max((last - first).days, 0) / (366 if isleap(year) else 365)
    return total
