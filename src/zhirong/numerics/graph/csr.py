"""The citation graph as compressed sparse rows, in both directions.

Vertices are numbered by acting day (the day from which a patent cites), so that the citers of a patent are stored in
order of time and a window of days is a range of vertex numbers: no kernel looks a date up inside its innermost loop.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zhirong.numerics.graph.compiled import DEFAULT_THREADS, allocate, kernel, over_ranges, require

__all__ = [
    "CATEGORY_OTHER",
    "CATEGORY_UNKNOWN",
    "CATEGORY_XY",
    "NO_DAY",
    "CitationGraph",
    "DayOrder",
    "build_graph",
    "earliest_day",
    "order_by_day",
]

Array = np.ndarray[Any, Any]

NO_DAY = np.int32(2**31 - 1)
"""Day of a vertex whose day is unknown; sorts last and lies in no window."""

CATEGORY_UNKNOWN, CATEGORY_OTHER, CATEGORY_XY = 0, 1, 2
"""Search-report category of a citation: none given; given, neither X nor Y; X or Y."""

_VERTEX_LIMIT = 2**29
_DAY_LIMIT = 2**20


@dataclass(frozen=True, slots=True)
class CitationGraph:
    """A citation graph without loops and repeated edges.

    Parameters
    ----------
    vertex_count : int
        n.
    reference_start : int64, shape (n + 1,)
        References of v are ``reference[reference_start[v]:reference_start[v + 1]]``.
    reference : int32, shape (m,)
        Cited vertices, ascending for each citing vertex.
    citation_start : int64, shape (n + 1,)
        Citers of v are ``citing[citation_start[v]:citation_start[v + 1]]``.
    citing : int32, shape (m,)
        Citing vertices, ascending for each cited vertex; ascending also in acting day when vertices are numbered by it.
    reference_category, citation_category : int8, shape (m,) or (0,)
        Category of each edge, in the order of `reference` and of `citing`; empty when no edge has one.
    """

    vertex_count: int
    reference_start: Array
    reference: Array
    citation_start: Array
    citing: Array
    reference_category: Array
    citation_category: Array

    @property
    def edge_count(self) -> int:
        """Citations kept."""
        return int(self.reference_start[-1])

    @property
    def has_categories(self) -> bool:
        """Some citation has a search-report category."""
        return bool(self.reference_category.any())

    @property
    def in_degree(self) -> Array:
        """Citations received by each vertex, int64, shape (n,)."""
        return np.diff(self.citation_start)

    @property
    def out_degree(self) -> Array:
        """References of each vertex, int64, shape (n,)."""
        return np.diff(self.reference_start)


@dataclass(frozen=True, slots=True)
class DayOrder:
    """Numbering of vertices by day.

    Parameters
    ----------
    rank : int32, shape (n,)
        New number of each old number; ties keep their order.
    order : int32, shape (n,)
        Old number of each new number.
    day : int32, shape (n,)
        Day of each new number, ascending, `NO_DAY` last.
    first_day : int
        Earliest known day, 0 where none is known.
    day_start : int64, shape (days + 1,)
        ``day_start[d - first_day]`` is the first new number whose day is d or later.
    """

    rank: Array
    order: Array
    day: Array
    first_day: int
    day_start: Array


@kernel
def _order_by_day(day: Array, first: int, days: int, start: Array, rank: Array, order: Array) -> None:
    for v in range(day.size):
        d = day[v] - first if day[v] != NO_DAY else days
        start[d + 1] += 1
    for d in range(days + 1):
        start[d + 1] += start[d]
    cursor = start.copy()
    for v in range(day.size):
        d = day[v] - first if day[v] != NO_DAY else days
        rank[v] = cursor[d]
        order[cursor[d]] = v
        cursor[d] += 1


def order_by_day(day: Array) -> DayOrder:
    """Give vertices numbers that ascend with their day.

    Parameters
    ----------
    day : int32, shape (n,)
        Days since 1970-01-01; `NO_DAY` where unknown.

    Returns
    -------
    DayOrder

    Raises
    ------
    DomainError
        When known days lie more than 2,870 years apart.
    """
    known = day[day != NO_DAY]
    first = int(known.min()) if known.size else 0
    days = int(known.max()) - first + 1 if known.size else 0
    require(days < _DAY_LIMIT, "days of patents lie further apart than calendars reach")
    start = np.zeros(days + 2, np.int64)
    rank, order = np.empty(day.size, np.int32), np.empty(day.size, np.int32)
    _order_by_day(day.astype(np.int32), first, days, start, rank, order)
    return DayOrder(rank, order, day.astype(np.int32)[order], first, start[: days + 1])


@kernel
def _earliest(vertex: Array, day: Array, earliest: Array) -> None:
    for e in range(vertex.size):
        if day[e] < earliest[vertex[e]]:
            earliest[vertex[e]] = day[e]


def earliest_day(vertex: Array, day: Array, earliest: Array) -> None:
    """Lower ``earliest[vertex[e]]`` to ``day[e]`` for each edge e, in place; `NO_DAY` never lowers anything.

    Parameters
    ----------
    vertex, day : int32, shape (m,)
        Vertex and day of each edge.
    earliest : int32, shape (n,)
        Changed in place.
    """
    _earliest(vertex, day, earliest)


@kernel
def _count_out(citing: Array, cited: Array, rank: Array, lo: int, hi: int, start: Array) -> None:
    for e in range(citing.size):
        v = rank[citing[e]]
        if lo <= v < hi and citing[e] != cited[e]:
            start[v + 1] += 1


@kernel
def _place_out(
    citing: Array, cited: Array, category: Array, rank: Array, lo: int, hi: int, cursor: Array, packed: Array
) -> None:
    for e in range(citing.size):
        v = rank[citing[e]]
        if lo <= v < hi and citing[e] != cited[e]:
            kind = category[e] if category.size else 0
            packed[cursor[v]] = rank[cited[e]] * 4 + kind
            cursor[v] += 1


@kernel
def _sort_unique(start: Array, packed: Array, lo: int, hi: int, kept: Array) -> None:
    """Sort each row and drop repeats inside it; of repeats the highest category stays."""
    for v in range(lo, hi):
        first, last = start[v], start[v + 1]
        if last - first > 48:
            packed[first:last] = np.sort(packed[first:last])
        else:
            for k in range(first + 1, last):
                x = packed[k]
                j = k - 1
                while j >= first and packed[j] > x:
                    packed[j + 1] = packed[j]
                    j -= 1
                packed[j + 1] = x
        n = first
        for k in range(first, last):
            if n > first and (packed[n - 1] >> 2) == (packed[k] >> 2):
                packed[n - 1] = packed[k]
            else:
                packed[n] = packed[k]
                n += 1
        kept[v] = n - first


@kernel
def _compact(old: Array, packed: Array, start: Array, category: Array, lo: int, hi: int) -> None:
    """Move rows down to their final place and unpack them; rows move down only, so in order this is safe."""
    for v in range(lo, hi):
        source = old[v]
        for k in range(start[v], start[v + 1]):
            x = packed[source]
            source += 1
            packed[k] = x >> 2
            if category.size:
                category[k] = x & 3


@kernel
def _count_in(reference: Array, lo: int, hi: int, start: Array) -> None:
    for e in range(reference.size):
        v = reference[e]
        if lo <= v < hi:
            start[v + 1] += 1


@kernel
def _place_in(
    start: Array, reference: Array, category: Array, lo: int, hi: int, cursor: Array, citing: Array, kinds: Array
) -> None:
    for u in range(start.size - 1):
        for k in range(start[u], start[u + 1]):
            v = reference[k]
            if lo <= v < hi:
                citing[cursor[v]] = u
                if kinds.size:
                    kinds[cursor[v]] = category[k]
                cursor[v] += 1


def build_graph(
    citing: Array,
    cited: Array,
    vertex_count: int,
    *,
    category: Array | None = None,
    rank: Array | None = None,
    threads: int = DEFAULT_THREADS,
    scratch: Path | None = None,
) -> CitationGraph:
    """Build both directions of a citation graph by counting sorts: linear in edges.

    Parameters
    ----------
    citing, cited : int32, shape (e,)
        Ends of each citation, 0 to ``vertex_count - 1``. Loops and repeats are dropped.
    vertex_count : int
        n, below 536,870,912.
    category : int8, shape (e,), optional
        `CATEGORY_UNKNOWN`, `CATEGORY_OTHER` or `CATEGORY_XY`; of repeated edges the highest stays.
    rank : int32, shape (n,), optional
        New number of each vertex (`DayOrder.rank`); unchanged numbers where not given.
    threads : int
        Threads; the result does not depend on it.
    scratch : Path, optional
        Folder for memory-mapped arrays, when the graph is larger than memory.

    Returns
    -------
    CitationGraph

    Raises
    ------
    DomainError
        For ends of unequal length, out of range, or too many vertices.
    """
    require(
        citing.shape == cited.shape and citing.ndim == 1, "citing and cited are one-dimensional and of equal length"
    )
    require(0 <= vertex_count < _VERTEX_LIMIT, f"vertex_count {vertex_count} is not within 0..{_VERTEX_LIMIT - 1}")
    for name, ends in (("citing", citing), ("cited", cited)):
        inside = ends.size == 0 or (int(ends.min()) >= 0 and int(ends.max()) < vertex_count)
        require(inside, f"{name} holds a vertex outside 0..{vertex_count - 1}")
    n = vertex_count
    kinds = category if category is not None and category.size and category.any() else np.zeros(0, np.int8)
    ranks = np.arange(n, dtype=np.int32) if rank is None else rank
    share = max(1, -(-n // threads))  # each thread owns a range of rows and reads every edge
    start = np.zeros(n + 1, np.int64)
    over_ranges(lambda lo, hi: _count_out(citing, cited, ranks, lo, hi, start), n, threads=threads, block=share)
    np.cumsum(start, out=start)
    packed = allocate(int(start[-1]), np.int32, scratch, "references")
    cursor = start[:-1].copy()
    over_ranges(
        lambda lo, hi: _place_out(citing, cited, kinds, ranks, lo, hi, cursor, packed), n, threads=threads, block=share
    )
    kept = np.zeros(n + 1, np.int64)
    over_ranges(lambda lo, hi: _sort_unique(start, packed, lo, hi, kept[1:]), n, threads=threads, block=65_536)
    np.cumsum(kept, out=kept)
    edges = int(kept[-1])
    out_kinds = allocate(edges if kinds.size else 0, np.int8, scratch, "reference_categories")
    _compact(start, packed, kept, out_kinds, 0, n)
    reference = packed[:edges]
    return _with_citers(n, kept, reference, out_kinds, threads, share, scratch)


def _with_citers(
    n: int, start: Array, reference: Array, kinds: Array, threads: int, share: int, scratch: Path | None
) -> CitationGraph:
    citation_start = np.zeros(n + 1, np.int64)
    over_ranges(lambda lo, hi: _count_in(reference, lo, hi, citation_start), n, threads=threads, block=share)
    np.cumsum(citation_start, out=citation_start)
    citers = allocate(reference.size, np.int32, scratch, "citers")
    in_kinds = allocate(kinds.size, np.int8, scratch, "citation_categories")
    cursor = citation_start[:-1].copy()
    over_ranges(
        lambda lo, hi: _place_in(start, reference, kinds, lo, hi, cursor, citers, in_kinds),
        n,
        threads=threads,
        block=share,
    )
    return CitationGraph(n, start, reference, citation_start, citers, kinds, in_kinds)
