"""Dated, sourced values of law and market, asked for at a date.

A parameter is a YAML entry under ``params/data/``: a unit, a jurisdiction, and values each with the date from which it
holds and the source that says so. Code asks `ParameterBook.at(path, day)`; a day before the first or after the last
declared validity is an error, never the nearest value.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from zhirong.kernel.provenance import Source

__all__ = ["Parameter"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One value at one date.

    Parameters
    ----------
    path : str
        Dotted, e.g. ``fees.cn.invention.annuity``.
    value : object
        Number, text, list or mapping, as declared.
    unit : str
        Unit of the value.
    jurisdiction : str
        WIPO ST.3 code, or ``WO`` for none.
    effective_from : date
        First day of validity.
    effective_to : date or None
        Last day of validity, None while in force.
    source : Source
        With its grade; `recalled` values are labelled in every output.
    low, high : float or None
        Range within which a user may move the value.
    """

    path: str
    value: Any
    unit: str
    jurisdiction: str
    effective_from: date
    source: Source
    effective_to: date | None = None
    low: float | None = None
    high: float | None = None

    @property
    def version(self) -> str:
        """Path and effective date, for provenance."""
        return f"{self.path}@{self.effective_from.isoformat()}"
