"""What is known on a day: the tables of a store cut at a date, the engine that holds them, and the parameters of that day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import ibis

from zhirong.params import ParameterBook
from zhirong.tables import Engine, Store

__all__ = ["Knowledge"]


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Evidence and parameters at a day, before anything is fitted to them.

    Attributes
    ----------
    store : Store
        Where the evidence is.
    tables : Mapping of str to ibis.Table
        Canonical tables cut at `as_of`.
    engine : Engine
        Engine that holds the tables.
    as_of : date
        Day of the valuation.
    book : ParameterBook
        Parameters.
    """

    store: Store
    tables: Mapping[str, ibis.Table]
    engine: Engine
    as_of: date
    book: ParameterBook
