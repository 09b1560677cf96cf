"""The two shared passes: all citation-window, generality, originality, radicalness and age measures at once.

One pass walks the citations received by each patent, the other its references; each reads one record an edge. Sums are
sums of integers, so that the result is the same to the last bit whatever the order of the rows.

References
----------
Squicciarini, M., Dernis, H., Criscuolo, C. (2013), *Measuring Patent Quality*, OECD STI Working Paper 2013/03.
Hall, B. H., Jaffe, A. B., Trajtenberg, M. (2001), NBER Working Paper 8498 (pooled counts; bias correction N/(N-1)).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from zhirong.numerics.graph.compiled import DEFAULT_THREADS, kernel, over_ranges, require
from zhirong.numerics.graph.csr import NO_DAY, CitationGraph
from zhirong.numerics.graph.records import (
    ACTING,
    CLASSES,
    COUNT,
    FOCAL,
    INLINE_CLASSES,
    NO_CLASS,
    PRIMARY,
    ROOM,
    SYMBOLS,
    YEAR,
    VertexRecords,
)

__all__ = ["BackwardPass", "ForwardPass", "backward_pass", "forward_pass"]

Array = np.ndarray[Any, Any]

_DAYS_PER_YEAR = 365.25
_SHARE_UNITS = 2.0**40
_NO_DAY = int(NO_DAY)


@dataclass(frozen=True, slots=True)
class ForwardPass:
    """Measures over the citations received by each of the first k vertices asked for; NaN where undefined.

    Parameters
    ----------
    counts : int32, shape (k, windows)
        Citations from patents that act in years P to P + T, for each window T.
    counts_xy : int32, shape (k, windows)
        Of those, citations of category X or Y.
    counts_categorised : int32, shape (k, windows)
        Of those, citations with any category.
    generality : float64, shape (k,)
        1 - sum over classes of the squared mean share among citing patents (OECD).
    generality_pooled : float64, shape (k,)
        1 - sum of squared shares of the pooled symbols of citing patents.
    generality_corrected : float64, shape (k,)
        N / (N - 1) (1 - sum of squared shares) over the primary classes of N citing patents.
    lag_mean_years, lag_median_years : float64, shape (k,)
        Years from publication of the cited to the act of citing.
    """

    counts: Array
    counts_xy: Array
    counts_categorised: Array
    generality: Array
    generality_pooled: Array
    generality_corrected: Array
    lag_mean_years: Array
    lag_median_years: Array


@dataclass(frozen=True, slots=True)
class BackwardPass:
    """Measures over the references of each vertex, shape (k,) each; NaN where undefined.

    Parameters
    ----------
    originality : float64
        1 - sum of squared shares of the pooled symbols of cited patents.
    originality_corrected : float64
        N / (N - 1) (1 - sum of squared shares) over the primary classes of N cited patents.
    radicalness : float64
        Share of the symbols of cited patents that lie in none of the patent's own subclasses.
    cycle_time_years : float64
        Median age of cited patents in years.
    """

    originality: Array
    originality_corrected: Array
    radicalness: Array
    cycle_time_years: Array


@kernel
def _day(record: Array, v: int, place: int) -> Any:
    return np.int64(np.int32(np.uint32(record[v, place]) | (np.uint32(record[v, place + 1]) << np.uint32(16))))


@kernel
def _forward(  # noqa: C901, PLR0912, PLR0915  (one loop shared by all measures is the point)
    first: int,
    last: int,
    vertex: Array,
    citation_start: Array,
    citing: Array,
    category: Array,
    record: Array,
    class_start: Array,
    class_code: Array,
    class_symbols: Array,
    class_count: int,
    year: Array,
    day: Array,
    windows: Array,
    generality_years: int,
    counts: Array,
    counts_xy: Array,
    counts_known: Array,
    out: Array,
) -> None:
    shares = np.zeros(class_count, np.int64)  # in units of 2^-40: sums of integers do not depend on their order
    pooled = np.zeros(class_count, np.int64)
    primary = np.zeros(class_count, np.int64)
    touched = np.empty(class_count, np.int32)
    touched_primary = np.empty(class_count, np.int32)
    for row in range(first, last):
        p = vertex[row]
        n_touched, n_primary_touched = 0, 0
        n_classified, n_symbols, n_primary = 0, 0, 0
        n_lags, lag_sum = 0, 0.0
        lag_from = citation_start[p]
        for k in range(citation_start[p], citation_start[p + 1]):
            i = citing[k]
            y = np.int64(record[i, YEAR])
            span = y - year[row] if y > 0 and year[row] > 0 else np.int64(-1)
            if span >= 0:
                for w in range(windows.size):
                    if span <= windows[w]:
                        counts[row, w] += 1
                        if category.size:
                            if category[k] == 2:
                                counts_xy[row, w] += 1
                            if category[k] > 0:
                                counts_known[row, w] += 1
            if day[row] != _NO_DAY:
                acting = _day(record, i, ACTING)
                if acting != _NO_DAY:
                    n_lags += 1  # citers without day sort last, so the known ones come first
                    lag_sum += acting - day[row]
            if generality_years >= 0 and (span < 0 or span > generality_years):
                continue
            total: Any = np.int64(record[i, SYMBOLS])
            if total > 0:
                n_classified += 1
                n_symbols += total
                inverse = _SHARE_UNITS / total
                n: Any = np.int64(record[i, CLASSES])
                if n <= INLINE_CLASSES:
                    for j in range(n):
                        c: Any = np.int64(record[i, ROOM + j])
                        s = np.int64(record[i, COUNT + j])
                        if pooled[c] == 0:
                            touched[n_touched] = c
                            n_touched += 1
                        pooled[c] += s
                        shares[c] += np.int64(s * inverse + 0.5)
                else:
                    for j in range(class_start[i], class_start[i + 1]):
                        c = np.int64(class_code[j])
                        s = np.int64(class_symbols[j])
                        if pooled[c] == 0:
                            touched[n_touched] = c
                            n_touched += 1
                        pooled[c] += s
                        shares[c] += np.int64(s * inverse + 0.5)
            if record[i, PRIMARY] != NO_CLASS:
                c = np.int64(record[i, PRIMARY])
                if primary[c] == 0:
                    touched_primary[n_primary_touched] = c
                    n_primary_touched += 1
                primary[c] += 1
                n_primary += 1
        square, square_pooled, square_primary = 0.0, 0.0, 0.0
        found = np.sort(touched[:n_touched])
        for j in range(n_touched):
            c = found[j]
            share = shares[c] / _SHARE_UNITS
            square += share * share
            square_pooled += np.float64(pooled[c]) * pooled[c]
            shares[c] = 0
            pooled[c] = 0
        for j in range(n_primary_touched):
            c = touched_primary[j]
            square_primary += np.float64(primary[c]) * primary[c]
            primary[c] = 0
        out[row, :] = np.nan
        if n_classified > 0:
            out[row, 0] = 1.0 - square / (np.float64(n_classified) * n_classified)
            out[row, 1] = 1.0 - square_pooled / (np.float64(n_symbols) * n_symbols)
        if n_primary > 1:
            out[row, 2] = (1.0 - square_primary / (np.float64(n_primary) * n_primary)) * n_primary / (n_primary - 1)
        if n_lags > 0:
            out[row, 3] = lag_sum / n_lags / _DAYS_PER_YEAR
            middle = lag_from + (n_lags - 1) // 2
            low = _day(record, citing[middle], ACTING)
            high = low if n_lags % 2 else _day(record, citing[middle + 1], ACTING)
            out[row, 4] = ((low + high) / 2.0 - day[row]) / _DAYS_PER_YEAR


@kernel
def _sorted(values: Array, n: int) -> Array:
    """Sort the first n values in place: references come in order of time, so insertion is nearly linear."""
    if n > 64:
        values[:n] = np.sort(values[:n])
        return values
    for k in range(1, n):
        x = values[k]
        j = k - 1
        while j >= 0 and values[j] < x:
            values[j + 1] = values[j]
            j -= 1
        values[j + 1] = x
    return values


@kernel
def _backward(  # noqa: C901, PLR0912, PLR0915  (one loop shared by all measures is the point)
    first: int,
    last: int,
    vertex: Array,
    reference_start: Array,
    reference: Array,
    record: Array,
    class_start: Array,
    class_code: Array,
    class_symbols: Array,
    class_count: int,
    day: Array,
    out: Array,
) -> None:
    pooled = np.zeros(class_count, np.int64)
    primary = np.zeros(class_count, np.int64)
    own = np.full(class_count, -1, np.int64)
    touched = np.empty(class_count, np.int32)
    touched_primary = np.empty(class_count, np.int32)
    ages = np.empty(256, np.int64)
    for row in range(first, last):
        p = vertex[row]
        n_references = reference_start[p + 1] - reference_start[p]
        if n_references > ages.size:
            ages = np.empty(2 * n_references, np.int64)
        for j in range(class_start[p], class_start[p + 1]):
            own[class_code[j]] = row
        n_touched, n_primary_touched, n_symbols, n_primary, n_foreign, n_ages = 0, 0, 0, 0, 0, 0
        for k in range(reference_start[p], reference_start[p + 1]):
            r = reference[k]
            if day[row] != _NO_DAY:
                cited = _day(record, r, FOCAL)
                if cited != _NO_DAY:
                    ages[n_ages] = day[row] - cited
                    n_ages += 1
            n: Any = np.int64(record[r, CLASSES])
            for j in range(n):
                if n <= INLINE_CLASSES:
                    c: Any = np.int64(record[r, ROOM + j])
                    s: Any = np.int64(record[r, COUNT + j])
                else:
                    c = np.int64(class_code[class_start[r] + j])
                    s = np.int64(class_symbols[class_start[r] + j])
                if pooled[c] == 0:
                    touched[n_touched] = c
                    n_touched += 1
                pooled[c] += s
                n_symbols += s
                if own[c] != row:
                    n_foreign += s
            if record[r, PRIMARY] != NO_CLASS:
                c = np.int64(record[r, PRIMARY])
                if primary[c] == 0:
                    touched_primary[n_primary_touched] = c
                    n_primary_touched += 1
                primary[c] += 1
                n_primary += 1
        square_pooled, square_primary = 0.0, 0.0
        for j in range(n_touched):
            c = touched[j]
            square_pooled += np.float64(pooled[c]) * pooled[c]
            pooled[c] = 0
        for j in range(n_primary_touched):
            c = touched_primary[j]
            square_primary += np.float64(primary[c]) * primary[c]
            primary[c] = 0
        out[row, :] = np.nan
        if n_symbols > 0:
            out[row, 0] = 1.0 - square_pooled / (np.float64(n_symbols) * n_symbols)
            if class_start[p + 1] > class_start[p]:
                out[row, 2] = n_foreign / n_symbols
        if n_primary > 1:
            out[row, 1] = (1.0 - square_primary / (np.float64(n_primary) * n_primary)) * n_primary / (n_primary - 1)
        if n_ages > 0:
            found = _sorted(ages, n_ages)
            middle = (n_ages - 1) // 2
            high = found[middle] if n_ages % 2 else found[middle + 1]
            out[row, 3] = (found[middle] + high) / 2.0 / _DAYS_PER_YEAR


def _check(graph: CitationGraph, records: VertexRecords, vertex: Array, day: Array) -> None:
    n = graph.vertex_count
    require(records.record.shape == (n, 16), "records have one row a vertex")
    require(vertex.shape == day.shape, "vertex and day are of equal length")
    inside = vertex.size == 0 or (int(vertex.min()) >= 0 and int(vertex.max()) < n)
    require(inside, f"vertex holds a number outside 0..{n - 1}")


def forward_pass(
    graph: CitationGraph,
    records: VertexRecords,
    vertex: Array,
    year: Array,
    day: Array,
    *,
    windows_years: tuple[int, ...] = (5, 7),
    generality_years: int | None = None,
    threads: int = DEFAULT_THREADS,
) -> ForwardPass:
    """Walk the citations received by each vertex once.

    Parameters
    ----------
    graph : CitationGraph
        Vertices numbered by acting day (the median lag reads the middle citer).
    records : VertexRecords
        Of all vertices.
    vertex : int32, shape (k,)
        Vertices to describe.
    year : int32, shape (k,)
        Publication year P of each; 0 where unknown, then no window is counted.
    day : int32, shape (k,)
        Publication day of each; `NO_DAY` where unknown, then lags are NaN.
    windows_years : tuple of int
        Each T counts years P to P + T, both included.
    generality_years : int, optional
        Citing patents up to P + this many years enter generality; all where not given.
    threads : int
        Results do not depend on it.

    Returns
    -------
    ForwardPass

    Raises
    ------
    DomainError
        For arrays of unequal length or vertices out of range.
    """
    _check(graph, records, vertex, day)
    k = vertex.size
    windows = np.asarray(windows_years, np.int64)
    counts, xy, known = (np.zeros((k, windows.size), np.int32) for _ in range(3))
    out = np.empty((k, 5), np.float64)
    rows = records.classes
    span = -1 if generality_years is None else generality_years
    over_ranges(
        lambda a, b: _forward(
            a, b, vertex, graph.citation_start, graph.citing, graph.citation_category, records.record,
            rows.start, rows.code, rows.symbols, max(1, rows.class_count), year, day, windows, span,
            counts, xy, known, out,
        ),
        k, threads=threads, block=16_384,
    )  # fmt: skip
    return ForwardPass(counts, xy, known, *(out[:, j] for j in range(5)))


def backward_pass(
    graph: CitationGraph,
    records: VertexRecords,
    vertex: Array,
    day: Array,
    *,
    threads: int = DEFAULT_THREADS,
) -> BackwardPass:
    """Walk the references of each vertex once.

    Parameters
    ----------
    graph : CitationGraph
        Any numbering.
    records : VertexRecords
        Of all vertices.
    vertex : int32, shape (k,)
        Vertices to describe.
    day : int32, shape (k,)
        Day from which ages of references count; `NO_DAY` where unknown.
    threads : int
        Results do not depend on it.

    Returns
    -------
    BackwardPass

    Raises
    ------
    DomainError
        For arrays of unequal length or vertices out of range.
    """
    _check(graph, records, vertex, day)
    out = np.empty((vertex.size, 4), np.float64)
    rows = records.classes
    over_ranges(
        lambda a, b: _backward(
            a, b, vertex, graph.reference_start, graph.reference, records.record, rows.start, rows.code,
            rows.symbols, max(1, rows.class_count), day, out,
        ),
        vertex.size, threads=threads, block=16_384,
    )  # fmt: skip
    return BackwardPass(out[:, 0], out[:, 1], out[:, 2], out[:, 3])
