"""Fractions of a year between two dates, by the conventions loan contracts name."""

from __future__ import annotations

import calendar
from datetime import date
from enum import StrEnum

from zhirong.kernel.errors import DomainError

__all__ = ["DayCount", "year_fraction"]


class DayCount(StrEnum):
    """Conventions; ISDA 2006 section 4.16 save where noted."""

    THIRTY_US = "30/360 US"
    THIRTY_EU = "30E/360"
    ACT_360 = "ACT/360"
    ACT_365F = "ACT/365F"
    ACT_ACT_ISDA = "ACT/ACT ISDA"
    ACT_ACT_ICMA = "ACT/ACT ICMA"


def _is_february_end(day: date) -> bool:
    return day.month == 2 and day.day == calendar.monthrange(day.year, 2)[1]


def _thirty(start: date, end: date, *, is_us: bool) -> float:
    first, last = start.day, end.day
    if is_us:
        if _is_february_end(start):
            last = 30 if _is_february_end(end) else last
            first = 30
        first = min(first, 30)
        last = 30 if last == 31 and first == 30 else last
    else:
        first, last = min(first, 30), min(last, 30)
    return (360 * (end.year - start.year) + 30 * (end.month - start.month) + last - first) / 360


def _isda(start: date, end: date) -> float:
    total = 0.0
    for year in range(start.year, end.year + 1):
        low, high = max(start, date(year, 1, 1)), min(end, date(year + 1, 1, 1))
        total += (high - low).days / (366 if calendar.isleap(year) else 365)
    return total


def year_fraction(
    start: date,
    end: date,
    convention: DayCount,
    *,
    per_year: int | None = None,
    period: tuple[date, date] | None = None,
) -> float:
    """Return the fraction of a year from one date to a later one.

    Parameters
    ----------
    start, end : date
        `end` not before `start`.
    convention : DayCount
        How days are counted.
    per_year : int, optional
        Coupons a year; needed for ACT/ACT ICMA only.
    period : tuple of date, optional
        The regular coupon period the days lie in, for ACT/ACT ICMA; the dates themselves where not given.

    Returns
    -------
    float
        Years, 0 or more.

    Raises
    ------
    DomainError
        When dates are reversed, or ICMA lacks its coupons a year.

    Notes
    -----
    30/360 US moves the last day of February to 30 (the SIFMA rule); 30E/360 only cuts 31 to 30.
    """
    if end < start:
        raise DomainError(f"end {end} is before start {start}")
    days = (end - start).days
    if convention is DayCount.ACT_360:
        return days / 360
    if convention is DayCount.ACT_365F:
        return days / 365
    if convention is DayCount.ACT_ACT_ISDA:
        return _isda(start, end)
    if convention is DayCount.ACT_ACT_ICMA:
        if per_year is None or per_year < 1:
            raise DomainError("ACT/ACT ICMA needs per_year, the coupons a year, at least 1")
        low, high = period or (start, end)
        if high <= low:
            return 0.0
        return days / ((high - low).days * per_year)
    return _thirty(start, end, is_us=convention is DayCount.THIRTY_US)
