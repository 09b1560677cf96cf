"""The catalogue: what each indicator is, and the registry through which all of them run.

An indicator is `f(evidence, context) -> Table` with columns `patent_id` and `value` (and optionally `flag`,
a short text that qualifies the value). `evidence` holds the canonical tables already cut at `as_of`
(`zhirong.indicators.asof`), so that an indicator cannot see a later row; `context` holds the date and the
parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

import ibis

from zhirong.kernel.errors import UnknownNameError
from zhirong.kernel.text import Bilingual
from zhirong.tables import Engine, Type

__all__ = ["AS_OF_KEY", "CATALOGUE", "Context", "Dimension", "Evidence", "Indicator", "indicator", "lookup"]

AS_OF_KEY = "zhirong.as_of"
"""Under which a file of indicators keeps the day it was computed for."""


class Dimension(StrEnum):
    """First level of GB/T 42748-2023."""

    LEGAL = "legal"
    TECHNICAL = "technical"
    ECONOMIC = "economic"


@dataclass(frozen=True, slots=True)
class Context:
    """What an indicator may know besides the tables.

    Parameters
    ----------
    as_of : date
        Nothing later is in the tables.
    engine : Engine
        For named steps (`stage`) and small fact tables (`facts`) only.
    params : Mapping
        Indicator parameters by name; each indicator documents the ones it reads and their defaults.
    """

    as_of: date
    engine: Engine
    params: Mapping[str, Any] = field(default_factory=dict)


Evidence = Mapping[str, ibis.Table]
Compute = Callable[[Evidence, Context], ibis.Table]


@dataclass(frozen=True, slots=True)
class Indicator:
    """One catalogue entry.

    Parameters
    ----------
    id : str
        Dotted, stable: ``oecd.generality``, ``legal.transfer_count``.
    dimension : Dimension
        Legal, technical or economic.
    name, definition, null_meaning : Bilingual
        What a reader sees.
    unit : str
        ``count``, ``years``, ``fraction``, ``score 0-100``, ``boolean`` (0 or 1), ``index``...
    type : Type
        INT, FLOAT or BOOL.
    low, high : float or None
        Range of the value, None for unbounded.
    direction : int
        +1 larger is better, -1 smaller is better, 0 neither.
    lookback : str
        Window, e.g. ``5 years from publication``.
    cohort : str or None
        Cohort within which the value is compared, e.g. ``filing year x WIPO field``.
    source : str
        Author, year, page; or standard and item.
    gbt_item : str or None
        Level-3 item of GB/T 42748-2023 for which it is the proxy.
    compute : callable
        The expression. None where a local kernel is the only form (text, S-curve).
    family : str
        Module that holds it.
    """

    id: str
    dimension: Dimension
    name: Bilingual
    definition: Bilingual
    null_meaning: Bilingual
    unit: str
    type: Type
    direction: int
    source: str
    lookback: str
    compute: Compute
    family: str
    low: float | None = None
    high: float | None = None
    cohort: str | None = None
    gbt_item: str | None = None

    @property
    def column(self) -> str:
        """Column name in the wide table: the id with dots as double underscores."""
        return self.id.replace(".", "__")


CATALOGUE: dict[str, Indicator] = {}
"""Every indicator by id, in order of registration; filled when `zhirong.indicators` is imported."""


def indicator(**entry: Any) -> Callable[[Compute], Compute]:
    """Register a function as an indicator; the keywords are those of `Indicator`."""

    def register(compute: Compute) -> Compute:
        item = Indicator(compute=compute, family=compute.__module__.rsplit(".", 1)[-1], **entry)
        assert item.id not in CATALOGUE, f"indicator {item.id} is registered twice"
        CATALOGUE[item.id] = item
        return compute

    return register


def lookup(indicator_id: str) -> Indicator:
    """Return an entry, or raise `UnknownNameError` with close names."""
    try:
        return CATALOGUE[indicator_id]
    except KeyError:
        raise UnknownNameError("indicator", indicator_id, CATALOGUE) from None
