"""Compute the catalogue: cut the evidence, stage each family once, write one wide Parquet file."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import ibis
import pyarrow.parquet as pq

from zhirong.indicators.asof import evidence_at
from zhirong.indicators.catalogue import AS_OF_KEY, CATALOGUE, Context, Evidence, Indicator, lookup
from zhirong.indicators.citation_local import citation_table
from zhirong.indicators.frames import FRAMES, Projection, attach, engine_type
from zhirong.kernel.errors import UnknownNameError
from zhirong.tables import Engine, Store, Type

__all__ = ["IndicatorRun", "Progress", "compute", "wide_table"]

_log = logging.getLogger(__name__)

CITATIONS = "citations"
"""Name of the stage that holds the entries of the citation graph."""

CITATION_FRAMES = ("classes", "fields", "status", "owners")
"""Frames that the citation graph reads."""

Progress = Callable[[str, int, int], None]
"""Called with the name of a step, its number, and how many there are."""


@runtime_checkable
class MeasureColumn(Protocol):
    """Compute function of an entry that projects one column of a measure several entries share."""

    measure: Callable[[Evidence, Context], ibis.Table]
    value: str
    flag: str | None

    def __call__(self, evidence: Evidence, context: Context) -> ibis.Table:
        """Return ``patent_id``, ``value`` and, where there is one, ``flag``."""


@dataclass(frozen=True, slots=True)
class IndicatorRun:
    """What a run wrote.

    Parameters
    ----------
    path : Path
        Parquet file: ``patent_id``, one column an indicator (`Indicator.column`), and ``<column>__flag``
        where the indicator qualifies its values.
    as_of : date
        Nothing later entered.
    engine : str
        Engine name.
    row_count : int
        Patents.
    indicator_ids : tuple of str
        In column order.
    known_counts : Mapping of str to int
        Patents with a value, by indicator id.
    stage_rows : Mapping of str to int
        Rows of each staged family.
    fingerprints : Mapping of str to str
        Fingerprint of each evidence table; empty when tables were given directly.
    """

    path: Path
    as_of: date
    engine: str
    row_count: int
    indicator_ids: tuple[str, ...]
    known_counts: Mapping[str, int]
    stage_rows: Mapping[str, int] = field(default_factory=dict)
    fingerprints: Mapping[str, str] = field(default_factory=dict)


def compute(
    source: Store | Mapping[str, ibis.Table],
    engine: Engine,
    *,
    as_of: date,
    out: Path,
    ids: Collection[str] | None = None,
    only: Iterable[str] | None = None,
    params: Mapping[str, Any] | None = None,
    allow_undated: bool = False,
    progress: Progress | None = None,
) -> IndicatorRun:
    """Compute indicators of every patent known at a date and write them as one wide Parquet file.

    Parameters
    ----------
    source : Store or Mapping of str to ibis.Table
        Evidence, or canonical tables on `engine`.
    engine : Engine
        Engine; DuckDB takes the local kernel for citation graphs, Spark the expressions.
    as_of : date
        Last day of knowledge.
    out : Path
        File to write.
    ids : collection of str, optional
        Patents to write; cohorts are always those of all patents. All where not given.
    only : iterable of str, optional
        Indicator ids; the whole catalogue where not given.
    params : Mapping, optional
        Indicator parameters.
    allow_undated : bool
        See `evidence_at`.
    progress : callable, optional
        Told of each step.

    Returns
    -------
    IndicatorRun

    Raises
    ------
    UnknownNameError
        For an indicator id or a patent id that does not exist (a patent published after `as_of` does not
        yet).
    """
    entries = _entries(only)
    tables = source.read_all(engine) if isinstance(source, Store) else source
    evidence = _with_patents(evidence_at(tables, as_of, allow_undated=allow_undated), engine)
    if ids is not None:
        _check_ids(evidence, engine, ids)
    context = Context(as_of, engine, dict(params or {}))
    wide, stages = wide_table(evidence, context, entries, progress=progress)
    if ids is not None:
        wide = wide.filter(wide.patent_id.isin(sorted(set(ids))))
    row_count = engine.write(wide.order_by(ibis.asc(wide.patent_id)), out, metadata={AS_OF_KEY: as_of.isoformat()})
    return IndicatorRun(
        path=out,
        as_of=as_of,
        engine=engine.name,
        row_count=row_count,
        indicator_ids=tuple(item.id for item in entries),
        known_counts=_known_counts(out, entries, row_count),
        stage_rows=stages,
        fingerprints=source.fingerprints() if isinstance(source, Store) else {},
    )


def wide_table(
    evidence: Evidence, context: Context, entries: Iterable[Indicator], *, progress: Progress | None = None
) -> tuple[ibis.Table, dict[str, int]]:
    """Stage what the entries need and return the wide expression, with the rows of each stage.

    Parameters
    ----------
    evidence : Mapping
        Tables cut at the date; stages that it already holds under ``@<name>`` are used as they are.
    context : Context
        Date, engine, parameters.
    entries : iterable of Indicator
        What to compute.
    progress : callable, optional
        Told of each step.

    Returns
    -------
    tuple of (ibis.Table, dict)
        One row a patent; stage name to row count.
    """
    entries = list(entries)
    stock = dict(evidence)
    frames = _frames(entries)
    citations = _citation_entries(entries, frames)
    base = _with_needs(CITATION_FRAMES) if citations else []
    steps = [*base, *([CITATIONS] if citations else []), *(name for name in frames if name not in base)]
    steps = [name for name in steps if f"@{name}" not in stock]
    stages: dict[str, int] = {}
    for number, name in enumerate(steps, start=1):
        if progress is not None:
            progress(name, number, len(steps))
        build = _citation_table(stock, context, citations) if name == CITATIONS else FRAMES[name].build(stock, context)
        stock[f"@{name}"] = context.engine.stage(build, name)
        stages[name] = _rows(context.engine, stock[f"@{name}"])
    return _assemble(stock, entries), stages


def _entries(only: Iterable[str] | None) -> list[Indicator]:
    return list(CATALOGUE.values()) if only is None else [lookup(id_) for id_ in dict.fromkeys(only)]


def _with_patents(evidence: dict[str, ibis.Table], engine: Engine) -> dict[str, ibis.Table]:
    evidence["patents"] = engine.stage(evidence["patents"], "patents")
    return evidence


def _check_ids(evidence: Evidence, engine: Engine, ids: Collection[str]) -> None:
    known = set(engine.to_arrow(evidence["patents"].select("patent_id")).column(0).to_pylist())
    for id_ in sorted(set(ids)):
        if id_ not in known:
            raise UnknownNameError("patent", id_, known)


def _frames(entries: Iterable[Indicator]) -> list[str]:
    """Names of the frames that the entries need, each after those it needs itself."""
    return _with_needs(item.compute.frame for item in entries if isinstance(item.compute, Projection))


def _with_needs(names: Iterable[str]) -> list[str]:
    ordered: dict[str, None] = {}

    def want(name: str) -> None:
        if name not in ordered:
            for need in FRAMES[name].needs:
                want(need)
            ordered[name] = None

    for name in names:
        want(name)
    return list(ordered)


def _citation_entries(entries: Iterable[Indicator], frames: Iterable[str]) -> list[Indicator]:
    """Entries of the citation graph that are asked for, or that frames use as components."""
    found = {item.id: item for item in entries if not isinstance(item.compute, Projection)}
    for name in frames:
        for id_ in FRAMES[name].uses:
            found.setdefault(id_, lookup(id_))
    return list(found.values())


def _citation_table(evidence: Evidence, context: Context, entries: Iterable[Indicator]) -> ibis.Table:
    """One row a patent, a column an entry, `<column>__flag` where the entry gives flags.

    DuckDB takes the local kernel. Elsewhere entries that project one measure share a stage of its expression.
    """
    if context.engine.name == "duckdb":
        return citation_table(evidence, context, [item.id for item in entries])
    wide = evidence["patents"].select("patent_id")
    groups: dict[Callable[[Evidence, Context], ibis.Table], list[Indicator]] = {}
    for item in entries:
        assert isinstance(item.compute, MeasureColumn), f"{item.id} is neither a frame's nor the citation graph's"
        groups.setdefault(item.compute.measure, []).append(item)
    for measure, items in groups.items():
        staged = context.engine.stage(measure(evidence, context), "measure")
        columns = {"patent_id": staged.patent_id}
        for item in items:
            assert isinstance(item.compute, MeasureColumn)
            columns[item.column] = staged[item.compute.value].cast(engine_type(item.type))
            if item.compute.flag is not None:
                columns[f"{item.column}__flag"] = staged[item.compute.flag].cast("string")
        wide = attach(wide, staged.select(**columns))
    return wide


def _assemble(stock: Evidence, entries: Iterable[Indicator]) -> ibis.Table:
    wide = stock["patents"].select("patent_id")
    by_frame: dict[str, dict[str, tuple[str, Type]]] = {}
    order: list[str] = []
    for item in entries:
        frame, value, flag = _place(item, stock)
        columns = by_frame.setdefault(frame, {})
        columns[item.column] = (value, item.type)
        order.append(item.column)
        if flag is not None:
            columns[f"{item.column}__flag"] = (flag, Type.TEXT)
            order.append(f"{item.column}__flag")
    for frame, columns in by_frame.items():
        source = stock[f"@{frame}"]
        part = source.select(
            "patent_id",
            **{new: source[old].cast(engine_type(type_)) for new, (old, type_) in columns.items()},
        )
        wide = attach(wide, part)
    return wide.select("patent_id", *order)


def _place(item: Indicator, stock: Evidence) -> tuple[str, str, str | None]:
    """Frame, column and flag column in which the run finds an entry."""
    if isinstance(item.compute, Projection):
        return item.compute.frame, item.compute.column, item.compute.flag
    has_flag = isinstance(item.compute, MeasureColumn) and item.compute.flag is not None
    return CITATIONS, item.column, f"{item.column}__flag" if has_flag else None


def _rows(engine: Engine, table: ibis.Table) -> int:
    return int(engine.scalar(table.count()))


def _known_counts(path: Path, entries: Iterable[Indicator], row_count: int) -> dict[str, int]:
    """Values by indicator, from the statistics of the Parquet file."""
    nulls: dict[str, int] = {}
    with pq.ParquetFile(path) as file:
        for group in range(file.metadata.num_row_groups):
            for index in range(file.metadata.num_columns):
                column = file.metadata.row_group(group).column(index)
                name = column.path_in_schema
                nulls[name] = nulls.get(name, 0) + (column.statistics.null_count if column.statistics else 0)
    return {item.id: row_count - nulls.get(item.column, 0) for item in entries}
