"""Rates by date: a published series such as LPR, and a curve of discount factors for rates not yet fixed."""

from __future__ import annotations

import bisect
import itertools
import math
from dataclasses import dataclass
from datetime import date

from zhirong.kernel.errors import DomainError, ParameterError
from zhirong.kernel.provenance import Source
from zhirong.params import ParameterBook

__all__ = ["Curve", "RateSeries"]


@dataclass(frozen=True, slots=True)
class Curve:
    """Zero rates, continuous, linear in ``rate times time`` between nodes (flat forwards).

    Parameters
    ----------
    as_of : date
        Day 0.
    years : tuple of float
        Nodes, rising, above 0 (ACT/365F).
    zero_rates : tuple of float
        Continuously compounded, fraction a year, one for each node.
    """

    as_of: date
    years: tuple[float, ...]
    zero_rates: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.years or len(self.years) != len(self.zero_rates):
            raise DomainError("field years: needs one node or more, and zero_rates as many")
        if self.years[0] <= 0 or any(b <= a for a, b in itertools.pairwise(self.years)):
            raise DomainError(f"field years: {self.years}; allowed: rising, above 0")
        if not all(math.isfinite(rate) and -0.2 < rate < 1 for rate in self.zero_rates):
            raise DomainError(f"field zero_rates: {self.zero_rates}; allowed: finite, -0.2 to 1")

    def discount(self, day: date) -> float:
        """Return the discount factor to a day not before `as_of`."""
        return math.exp(-self._exponent((day - self.as_of).days / 365))

    def forward(self, start: date, end: date) -> float:
        """Return the simple forward rate between two days, fraction a year by ACT/365F."""
        if not self.as_of <= start < end:
            raise DomainError(f"forward needs as_of {self.as_of} <= start < end, not {start} and {end}")
        return (self.discount(start) / self.discount(end) - 1) * 365 / (end - start).days

    def _exponent(self, t: float) -> float:
        if t < 0:
            raise DomainError(f"a day before {self.as_of} has no discount factor")
        nodes = (0.0, *self.years)
        values = (0.0, *(y * r for y, r in zip(self.years, self.zero_rates, strict=True)))
        k = min(max(bisect.bisect_right(nodes, t), 1), len(nodes) - 1)
        slope = (values[k] - values[k - 1]) / (nodes[k] - nodes[k - 1])
        return values[k - 1] + slope * (t - nodes[k - 1])


@dataclass(frozen=True, slots=True)
class RateSeries:
    """A rate published on some days, each holding until the next.

    Parameters
    ----------
    name : str
        E.g. ``LPR 1Y``.
    days : tuple of date
        Rising.
    rates : tuple of float
        Fraction a year.
    known_to : date
        Nothing published later entered; a fixing after it is the last known rate, or comes from `curve`.
    sources : tuple of Source
        Of each rate, where known.
    curve : Curve or None
        Gives the change of the rate after `known_to`: last rate plus forward less today's forward of the same length.
    """

    name: str
    days: tuple[date, ...]
    rates: tuple[float, ...]
    known_to: date
    sources: tuple[Source, ...] = ()
    curve: Curve | None = None

    def __post_init__(self) -> None:
        if not self.days or len(self.days) != len(self.rates):
            raise DomainError("field days: needs one day or more, and rates as many")
        if any(b <= a for a, b in itertools.pairwise(self.days)):
            raise DomainError("field days: must rise")
        if not all(math.isfinite(rate) and -0.2 < rate < 1 for rate in self.rates):
            raise DomainError(f"field rates: {self.rates}; allowed: finite, -0.2 to 1")
        if self.days[-1] > self.known_to:
            raise DomainError(f"field days: {self.days[-1]} is after known_to {self.known_to}")

    @classmethod
    def from_book(cls, book: ParameterBook, path: str, known_to: date, *, curve: Curve | None = None) -> RateSeries:
        """Return the values of a dated parameter that were in force by a day."""
        known = [p for p in book.series(path) if p.effective_from <= known_to]
        if not known:
            raise ParameterError(f"{path} has no value by {known_to}")
        days, rates = tuple(p.effective_from for p in known), tuple(float(p.value) for p in known)
        return cls(known[-1].label.en, days, rates, known_to, tuple(p.source for p in known), curve)

    def at(self, day: date) -> float:
        """Return the rate that holds on a day.

        Raises
        ------
        ParameterError
            For a day before the first.
        """
        k = bisect.bisect_right(self.days, day)
        if k == 0:
            raise ParameterError(f"{self.name} is not known for {day}; the first day is {self.days[0]}")
        rate = self.rates[k - 1]
        if self.curve is None or day <= self.known_to or day <= self.curve.as_of:
            return rate
        today = self.curve.as_of
        return rate + self.curve.forward(day, _year_on(day)) - self.curve.forward(today, _year_on(today))


def _year_on(day: date) -> date:
    return date.fromordinal(day.toordinal() + 365)
