"""What is known on a day: the tables of a store cut at a date, the engine that holds them, and the parameters of that day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import ibis

from zhirong.params import ParameterBook
from zhirong.tables import Engine, Store

__all__ = ["Knowledge", "Views"]


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


class Views(Mapping[str, ibis.Table]):
    """Tables as views, each made when it is first asked for: a query on one compiles without what the view hides.

    Parameters
    ----------
    engine : Engine
        Engine that holds the tables.
    tables : Mapping of str to ibis.Table
        Expressions by name.
    """

    def __init__(self, engine: Engine, tables: Mapping[str, ibis.Table]) -> None:
        self._engine, self._tables = engine, tables
        self._views: dict[str, ibis.Table] = {}

    def __getitem__(self, name: str) -> ibis.Table:
        if name not in self._views:
            self._views[name] = self._engine.view(self._tables[name], name)
        return self._views[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)
