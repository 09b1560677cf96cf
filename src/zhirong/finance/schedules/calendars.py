"""Business days of China, the United States and the euro area, and how a payment date moves off a holiday.

China's days off and make-up working days are set each year by a notice of the State Council; they come from the package
`chinese_calendar`. For a year whose notice is not out only weekends and the fixed days of the Regulation on public holidays are known:
such dates are provisional, and `is_provisional` says so.
"""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache

import chinese_calendar  # type: ignore[import-untyped]

__all__ = ["Calendar", "Roll", "add_months", "adjust", "is_business_day", "is_provisional"]

_ONE = timedelta(days=1)


class Calendar(StrEnum):
    """Whose business days."""

    NONE = "none"
    CN = "CN"
    US = "US"
    EU = "EU"


class Roll(StrEnum):
    """Where a date goes that is not a business day."""

    NONE = "unadjusted"
    FOLLOWING = "following"
    MODIFIED_FOLLOWING = "modified following"
    PRECEDING = "preceding"


def _easter(year: int) -> date:
    """Sunday of Easter, Gregorian (Meeus, Jones and Butcher)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    ell = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * ell) // 451
    month, day = divmod(h + ell - 7 * m + 114, 31)
    return date(year, month, day + 1)


@lru_cache(maxsize=512)
def _target(year: int) -> frozenset[date]:
    easter = _easter(year)
    days = {
        date(year, 1, 1),
        easter - 2 * _ONE,
        easter + _ONE,
        date(year, 5, 1),
        date(year, 12, 25),
        date(year, 12, 26),
    }
    return frozenset(days)


def _nth(year: int, month: int, weekday: int, nth: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))


@lru_cache(maxsize=512)
def _federal_reserve(year: int) -> frozenset[date]:
    """Days the Federal Reserve Banks are closed: a holiday on Sunday moves to Monday, one on Saturday does not move."""
    fixed = [date(year, 1, 1), date(year, 7, 4), date(year, 11, 11), date(year, 12, 25)]
    fixed += [date(year, 6, 19)] if year >= 2022 else []
    moved = [day + _ONE if day.weekday() == 6 else day for day in fixed]
    last_may = date(year, 5, 31)
    floating = [
        _nth(year, 1, 0, 3), _nth(year, 2, 0, 3), last_may - timedelta(days=last_may.weekday()),
        _nth(year, 9, 0, 1), _nth(year, 10, 0, 2), _nth(year, 11, 3, 4),
    ]  # fmt: skip
    return frozenset(moved + floating)


_CN_YEARS = frozenset(day.year for day in chinese_calendar.holidays)
_CN_FIXED = {(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)}


def is_provisional(day: date, calendar: Calendar) -> bool:
    """Return whether the State Council's notice for the year of a Chinese date is not known here."""
    return calendar is Calendar.CN and day.year not in _CN_YEARS


def is_business_day(day: date, calendar: Calendar) -> bool:
    """Return whether banks settle on a day.

    Notes
    -----
    CN: working days of the State Council's notices, make-up days at weekends included. US: Federal Reserve Banks.
    EU: T2 (TARGET).
    """
    if calendar is Calendar.NONE:
        return True
    if calendar is Calendar.CN:
        if is_provisional(day, calendar):
            return day.weekday() < 5 and (day.month, day.day) not in _CN_FIXED
        return bool(chinese_calendar.is_workday(day))
    closed = _federal_reserve(day.year) if calendar is Calendar.US else _target(day.year)
    return day.weekday() < 5 and day not in closed


def adjust(day: date, calendar: Calendar, roll: Roll) -> date:
    """Return the business day a date moves to; the date itself where the rule is unadjusted."""
    if roll is Roll.NONE or is_business_day(day, calendar):
        return day
    step = -_ONE if roll is Roll.PRECEDING else _ONE
    moved = day + step
    while not is_business_day(moved, calendar):
        moved += step
    if roll is Roll.MODIFIED_FOLLOWING and moved.month != day.month:
        return adjust(day, calendar, Roll.PRECEDING)
    return moved


def add_months(day: date, months: int) -> date:
    """Return the same day some months on; the last day of the month where that month is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = (date(year + (month == 11), (month + 1) % 12 + 1, 1) - _ONE).day
    return date(year, month + 1, min(day.day, last))
