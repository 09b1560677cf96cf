"""The local engine of the citation graph: one graph a run, shared passes over it, the same answers as the expressions.

Tables become arrays (`citation_arrays`), the kernels of `zhirong.numerics.graph` run once each, and every indicator
asked for is a column of what they return.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Collection, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from zhirong.indicators.catalogue import CATALOGUE, Context, Evidence
from zhirong.indicators.citation_arrays import CitationArrays, class_rows, flags, liveness_codes, load, owner_rows
from zhirong.indicators.citation_entries import CITATION_IDS, SMALL_COHORT, TOP_SHARE
from zhirong.indicators.citation_expressions import disruption_settings
from zhirong.indicators.citation_families import FamilyColumns, family_columns
from zhirong.indicators.fields import with_cohort
from zhirong.kernel.errors import UnknownNameError
from zhirong.numerics.graph import (
    NO_DAY,
    BackwardPass,
    ForwardPass,
    OwnerPass,
    backward_pass,
    build_records,
    cohort_rank,
    disruption,
    forward_pass,
    owner_pass,
)

__all__ = ["citation_table", "compute_local"]

Array = np.ndarray[Any, Any]
Column = tuple[Array, "Array | None", "pa.Array | None"]
"""Values, which of them are known (None: all), flags."""

_WINDOWS = {5: 0, 7: 1}


def compute_local(
    evidence: Evidence, context: Context, ids: Collection[str] | None = None, *, scratch: Path | None = None
) -> dict[str, pa.Table]:
    """Compute indicators of the citation graph on this machine.

    Parameters
    ----------
    evidence : Mapping
        Tables cut at the date.
    context : Context
        Date, engine (either), parameters. ``citations.threads`` (2) and ``citations.memory_edges`` (400 million: larger
        graphs are memory-mapped) are read here, the rest as in the expressions.
    ids : collection of str, optional
        Entries to compute; all of `CITATION_IDS` where not given.
    scratch : Path, optional
        Where a folder for memory-mapped arrays is made and removed; the engine's scratch folder where not given.

    Returns
    -------
    dict of str to pyarrow.Table
        ``patent_id``, ``value``, ``flag`` by entry; one row a patent, rows in the same order in each table.

    Raises
    ------
    UnknownNameError
        For an id that is not an entry of the citation graph.
    """
    wanted = list(CITATION_IDS) if ids is None else list(dict.fromkeys(ids))
    for id_ in wanted:
        if id_ not in CITATION_IDS:
            raise UnknownNameError("citation indicator", id_, CITATION_IDS)
    folder = Path(tempfile.mkdtemp(prefix="graph-", dir=scratch or context.engine.scratch))
    try:
        with_categories = any(id_.endswith("_xy") for id_ in wanted)
        run = _Run(evidence, context, load(evidence, context, folder, with_categories=with_categories))
        return {id_: run.table(id_) for id_ in wanted}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def citation_table(evidence: Evidence, context: Context, ids: Collection[str] | None = None) -> ibis.Table:
    """Compute indicators on this machine and return them as one table of the engine.

    Returns
    -------
    ibis.Table
        ``patent_id``, and for each entry its column (`Indicator.column`) and ``<column>__flag``.
    """
    columns: dict[str, Any] = {}
    for id_, table in compute_local(evidence, context, ids).items():
        item = CATALOGUE[id_]
        columns.setdefault("patent_id", table.column("patent_id"))
        columns[item.column] = table.column("value")
        columns[f"{item.column}__flag"] = table.column("flag")
    return context.engine.facts(pa.table(columns))


class _Run:
    """Passes of one run, each made when first asked for."""

    def __init__(self, evidence: Evidence, context: Context, arrays: CitationArrays) -> None:
        self.evidence, self.context, self.arrays = evidence, context, arrays
        self.threads = int(context.params.get("citations.threads", 2))

    def table(self, id_: str) -> pa.Table:
        value, known, flag = self._column(id_)
        array = pa.array(value, mask=None if known is None else ~known)
        flag = pa.nulls(len(array), pa.string()) if flag is None else flag
        return pa.table({"patent_id": self.arrays.patent_id, "value": array, "flag": flag})

    def _column(self, id_: str) -> Column:
        if id_.startswith("oecd.forward_citations_"):
            return self._window_count(_WINDOWS[int(id_.split("_")[2])], xy=id_.endswith("_xy"))
        if id_.startswith("oecd.breakthrough"):
            return self._breakthrough(xy=id_.endswith("_xy"))
        if id_.startswith("cd."):
            return self._disruption[id_]
        if id_ == "oecd.backward_citations":
            return self._degree(self.arrays.graph.out_degree)
        if id_ == "citation.in_degree_all":
            return self._degree(self.arrays.graph.in_degree)
        if id_ in ("citation.family_forward", "pai.technology_relevance"):
            families = self._families
            return families.citing if id_ == "citation.family_forward" else families.relevance
        if id_ in ("citation.x_received", "citation.dependence"):
            return self._third_party(forward=id_ == "citation.x_received")
        value = self._measure(id_)
        return value, ~np.isnan(value), None

    def _measure(self, id_: str) -> Array:
        """Measures that are unknown exactly where they are undefined."""
        if id_ == "citation.self_share_forward":
            return _ratio(self._received.self_count, self._received.known_count)
        if id_ == "citation.self_share_backward":
            return _ratio(self._cited.self_count, self._cited.known_count)
        if id_ == "citation.reference_coverage":
            return self._coverage
        forward: Mapping[str, str] = {
            "oecd.generality": "generality",
            "hjt.generality_pooled": "generality_pooled",
            "hjt.generality_corrected": "generality_corrected",
            "citation.lag_mean": "lag_mean_years",
            "citation.lag_median": "lag_median_years",
        }
        backward: Mapping[str, str] = {
            "oecd.originality": "originality",
            "hjt.originality_corrected": "originality_corrected",
            "oecd.radicalness": "radicalness",
            "citation.technology_cycle_time": "cycle_time_years",
        }
        source, name = (self._forward, forward[id_]) if id_ in forward else (self._backward, backward[id_])
        value: Array = getattr(source, name)
        return value

    @cached_property
    def _records(self) -> Any:
        a = self.arrays
        return build_records(class_rows(self.evidence, self.context, a), a.acting_year, a.acting_day, a.focal_day)

    @cached_property
    def _forward(self) -> ForwardPass:
        a = self.arrays
        years = self.context.params.get("citations.generality_years")
        return forward_pass(
            a.graph, self._records, a.vertex, a.year, a.day,
            generality_years=None if years is None else int(years), threads=self.threads,
        )  # fmt: skip

    @cached_property
    def _backward(self) -> BackwardPass:
        a = self.arrays
        return backward_pass(a.graph, self._records, a.vertex, a.day, threads=self.threads)

    @cached_property
    def _coverage(self) -> Array:
        a = self.arrays
        inside = np.concatenate([np.zeros(1, np.int64), np.cumsum(a.is_inside[a.graph.reference])])
        start = a.graph.reference_start
        return _ratio(inside[start[1:]][a.vertex] - inside[start[:-1]][a.vertex], a.graph.out_degree[a.vertex])

    @cached_property
    def _relations(self) -> tuple[OwnerPass, OwnerPass]:
        a = self.arrays
        start, owner = owner_rows(self.evidence, self.context, a)
        live = liveness_codes(self.evidence, self.context, a)
        forward = owner_pass(a.graph, a.vertex, start, owner, live, direction="forward", threads=self.threads)
        backward = owner_pass(a.graph, a.vertex, start, owner, live, direction="backward", threads=self.threads)
        return forward, backward

    @property
    def _received(self) -> OwnerPass:
        return self._relations[0]

    @property
    def _cited(self) -> OwnerPass:
        return self._relations[1]

    @cached_property
    def _families(self) -> FamilyColumns:
        return family_columns(self.evidence, self.context, self.arrays)

    def _degree(self, degree: Array) -> Column:
        count = degree[self.arrays.vertex]
        known = (count > 0) | self.arrays.is_covered
        return count, known, flags([(~known, "no_citation_data")])

    def _open(self, years: int) -> Array:
        as_of = self.context.as_of
        last_full_year = as_of.year if (as_of.month, as_of.day) == (12, 31) else as_of.year - 1
        opened: Array = self.arrays.year + years > last_full_year
        return opened

    def _window_count(self, window: int, *, xy: bool) -> Column:
        a, f = self.arrays, self._forward
        n, categorised = f.counts[:, window], f.counts_categorised[:, window]
        value = (f.counts_xy if xy else f.counts)[:, window].astype(np.int64)
        is_open = self._open({index: years for years, index in _WINDOWS.items()}[window])
        reasons: list[tuple[Array, str | Array]] = [
            (a.day == NO_DAY, "no_date"),
            (is_open, value),
            ((n == 0) & ~a.is_covered, "no_citation_data"),
        ]
        if xy:
            reasons.append((((n > 0) & (categorised == 0)) | (not a.graph.has_categories), "no_categories"))
        flag = flags(reasons, prefix="observed=")
        return value, np.asarray(flag.is_null()), flag

    def _breakthrough(self, *, xy: bool) -> Column:
        value, known, flag = self._window_count(0, xy=xy)
        assert known is not None and flag is not None
        share = float(self.context.params.get("oecd.breakthrough_share", TOP_SHARE))
        cohort = self._cohort
        rank = cohort_rank(np.where(known, cohort, -1), value)
        placed = rank.member_count > 0
        is_top = np.zeros(value.size, bool)
        np.less(rank.above_share, share, out=is_top, where=placed)
        own = flags([(~placed, "no_cohort"), (rank.member_count < SMALL_COHORT, "small_cohort")])
        merged = pc.coalesce(flag, own)
        return (is_top & (value > 0)).astype(np.int64), placed, merged

    @cached_property
    def _cohort(self) -> Array:
        """Filing year x field as one number; -1 where either is unknown."""
        t = with_cohort(self.evidence, self.context).select("patent_id", "filing_year", "technology_field")
        t = t.filter(t.filing_year.notnull() & t.technology_field.notnull())
        rows = self.context.engine.to_arrow(t)
        number = np.full(self.arrays.graph.vertex_count, -1, np.int64)
        key = rows["filing_year"].to_numpy() * 64 + rows["technology_field"].to_numpy()
        number[self.arrays.number(rows["patent_id"])] = key
        return number[self.arrays.vertex]

    @cached_property
    def _disruption(self) -> dict[str, Column]:
        a = self.arrays
        days, compat, least = disruption_settings(self.context)
        focal = np.full(a.graph.vertex_count, NO_DAY, np.int32)
        focal[a.vertex] = a.day
        d = disruption(a.graph, focal, a.acting_day, window_days=days, threads=self.threads)
        no_date = a.day == NO_DAY
        bare = (d.reference_count[a.vertex] == 0) & (not compat)
        cd, mcd = d.cd[a.vertex], d.mcd[a.vertex]
        cd[bare], mcd[bare] = np.nan, np.nan
        as_of = int(np.datetime64(self.context.as_of, "D").astype(np.int64))
        is_open = as_of - a.day.astype(np.int64) < days
        flag = flags(
            [
                (no_date, "no_date"),
                (bare, "no_references"),
                (is_open, "truncated"),
                (np.isnan(cd), "no_citers"),
                (self._coverage < least, "low_reference_coverage"),
            ]
        )
        return {"cd.cd5": (cd, ~np.isnan(cd), flag), "cd.mcd5": (mcd, ~np.isnan(mcd), flag)}

    def _third_party(self, *, forward: bool) -> Column:
        a = self.arrays
        found = self._received if forward else self._cited
        n = (a.graph.in_degree if forward else a.graph.out_degree)[a.vertex]
        value = (found.third_party_xy_count if forward else found.third_party_xy_live_count).astype(np.int64)
        unsure = found.unknown_owner_xy_count + (0 if forward else found.unknown_live_xy_count)
        missing = ((n > 0) & (found.categorised_count == 0)) | (not a.graph.has_categories)
        reasons = [
            ((n == 0) & ~a.is_covered, "no_citation_data"),
            (missing, "no_categories"),
            ((unsure > 0) & (value == 0), "unknown"),
        ]
        stop = np.asarray(flags(reasons).is_null())
        return value, stop, flags([*reasons, (unsure > 0, "lower_bound")])


def _ratio(numerator: Array, denominator: Array) -> Array:
    ratio = np.full(numerator.size, np.nan)
    np.divide(numerator, denominator, out=ratio, where=denominator > 0)
    return ratio
