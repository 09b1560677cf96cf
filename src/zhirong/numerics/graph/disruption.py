"""The CD index of every vertex: how far later patents cite it instead of what it builds on.

References
----------
Funk, R. J., Owen-Smith, J. (2017), A Dynamic Network Measure of Technological Change, *Management Science* 63(3), 791-817.
Sixt, M., Pasin, M. (2024), *Quantitative Science Studies* 5(4), 975-990 (set form).
Holst, V. et al. (2024), arXiv:2402.14583 (vertices without references).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from zhirong.numerics.graph.compiled import DEFAULT_THREADS, kernel, over_ranges, require
from zhirong.numerics.graph.csr import NO_DAY, CitationGraph

__all__ = ["HUB_CITATIONS", "Disruption", "disruption", "window_ends"]

Array = np.ndarray[Any, Any]

HUB_CITATIONS = 2_000
"""Citations from which a patent is a hub: its citers are also kept as a bitmap."""

_HUB_BYTES = 768 * 2**20
_NO_HUB = np.int32(-1)


@dataclass(frozen=True, slots=True)
class Disruption:
    """Counts and index of each vertex, shape (n,) each.

    Parameters
    ----------
    citer_count : int32
        size of A: citers of the vertex inside the window.
    both_count : int32
        size of A and B: of those, citers that also cite one of its references.
    union_count : int32
        size of A or B: citers of the vertex or of its references inside the window, the vertex itself excluded.
    reach_count : int32
        Citers until the end of the window, without lower bound.
    reference_count : int32
        References.
    cd : float64
        (size of A - 2 size of A and B) / size of A or B, -1 to 1; NaN where the union is empty or the day is unknown.
    mcd : float64
        `cd` times `reach_count`.
    """

    citer_count: Array
    both_count: Array
    union_count: Array
    reach_count: Array
    reference_count: Array
    cd: Array
    mcd: Array


@kernel
def _lower_bound(values: Array, first: int, last: int, x: int) -> int:
    while first < last:
        middle = (first + last) >> 1
        if values[middle] < x:
            first = middle + 1
        else:
            last = middle
    return first


@kernel
def _lower_bound_near(values: Array, first: int, last: int, x: int, near: int) -> int:
    """Return the lower bound of x, looked for from a place near it outward in doubling steps."""
    step = 1
    if near < last and values[near] < x:
        low = near + 1
        while low + step < last and values[low + step] < x:
            low += step + 1
            step *= 2
        return _lower_bound(values, low, min(low + step, last), x)
    high = near
    while high - step >= first and values[high - step] >= x:
        high -= step
        step *= 2
    return _lower_bound(values, max(first, high - step), high, x)


@kernel
def _mark_hub(citing: Array, first: int, last: int, bits: Array) -> None:
    for k in range(first, last):
        c = citing[k]
        bits[c >> 3] |= np.uint8(1 << (c & 7))


@kernel
def _count(  # noqa: C901, PLR0912, PLR0915  (one loop; splitting it costs the compiler its registers)
    first_vertex: int,
    last_vertex: int,
    citation_start: Array,
    citing: Array,
    reference_start: Array,
    reference: Array,
    low: Array,
    high: Array,
    hub_citations: int,
    hub_of: Array,
    hub_bits: Array,
    mark: Array,
    near: Array,
    stamp: int,
    citers: Array,
    both: Array,
    union: Array,
    reach: Array,
) -> tuple[int, int]:
    """Count for a range of vertices; `mark` holds stamps: even for a citer, odd for one counted in both sets."""
    touched = 0
    for p in range(first_vertex, last_vertex):
        lo, hi = low[p], high[p]
        if hi < 0:
            continue
        if stamp >= 65_532:
            mark[:] = 0
            stamp = 0
        stamp += 2
        a_first = _lower_bound(citing, citation_start[p], citation_start[p + 1], lo)
        reach_first = citation_start[p]
        k = a_first
        a_end = citation_start[p + 1]
        while k < a_end and citing[k] < hi:
            mark[citing[k]] = stamp
            k += 1
        n_a = k - a_first
        reach[p] = k - reach_first
        # The longest hub among the references is never walked through: its bitmap says who is in it.
        hub = _NO_HUB
        hub_first, hub_last, longest = 0, 0, 0
        for q in range(reference_start[p], reference_start[p + 1]):
            r = reference[q]
            k, end = citation_start[r], citation_start[r + 1]
            touched += citing[k + near[r]]  # asks memory for all lists before the first is walked
            if end - k > hub_citations and hub_of[r] >= 0:
                f = _lower_bound(citing, k, end, lo)
                last = _lower_bound(citing, f, end, hi)
                if last - f > longest:
                    hub, hub_first, hub_last, longest = hub_of[r], f, last, last - f
        n_ab = 0
        n_union = n_a
        if hub >= 0:
            n_union = longest
            at = _lower_bound(citing, hub_first, hub_last, p)
            if at < hub_last and citing[at] == p:
                n_union -= 1
            for k in range(a_first, a_first + n_a):
                c = citing[k]
                if hub_bits[hub, c >> 3] & (1 << (c & 7)):
                    mark[c] = stamp + 1
                    n_ab += 1
                else:
                    n_union += 1
        if mark[p] != stamp:
            mark[p] = stamp + 1  # neither a citer of its own nor of its references' later ones
        for q in range(reference_start[p], reference_start[p + 1]):
            r = reference[q]
            k, end = citation_start[r], citation_start[r + 1]
            if hub >= 0 and end - k > hub_citations and hub_of[r] == hub:
                continue
            if end - k > 24:
                first = k
                k = _lower_bound_near(citing, first, end, lo, first + near[r])
                near[r] = min(k, end - 1) - first
            else:
                while k < end and citing[k] < lo:
                    k += 1
            # Sums of conditions, not branches: which citer was met before is what no processor guesses.
            if hub < 0:
                while k < end:
                    c = citing[k]
                    k += 1
                    if c >= hi:
                        break
                    m = mark[c]
                    mark[c] = stamp + 1
                    n_ab += m == stamp
                    n_union += m < stamp
            else:
                while k < end:
                    c = citing[k]
                    k += 1
                    if c >= hi:
                        break
                    m = mark[c]
                    mark[c] = stamp + 1
                    n_ab += m == stamp
                    n_union += (m < stamp) & (((hub_bits[hub, c >> 3] >> (c & 7)) & 1) == 0)
        citers[p], both[p], union[p] = n_a, n_ab, n_union
    return stamp, touched


def window_ends(focal_day: Array, acting_day: Array, window_days: int) -> tuple[Array, Array]:
    """Return the range of vertex numbers that act inside each vertex's window, start exclusive, end inclusive.

    Parameters
    ----------
    focal_day : int32, shape (k,)
        Start of the window; `NO_DAY` where unknown.
    acting_day : int32, shape (n,)
        Ascending.
    window_days : int
        Length, at least 1.

    Returns
    -------
    tuple of int32 arrays, shape (k,)
        First vertex inside and first vertex after; both -1 where the day is unknown.
    """
    require(window_days >= 1, f"window_days {window_days} is below 1")
    last_known = int(np.searchsorted(acting_day, NO_DAY))
    known_days = acting_day[:last_known]
    unknown = focal_day == NO_DAY
    origin = int(known_days[0]) if last_known else 0
    span = int(known_days[-1]) - origin + 1 if last_known else 0
    first_at = np.searchsorted(known_days, np.arange(origin, origin + span + 1)).astype(np.int32)  # by day
    offset = np.where(unknown, 0, focal_day.astype(np.int64) - origin)
    low = first_at[np.clip(offset + 1, 0, span)]
    high = first_at[np.clip(offset + window_days + 1, 0, span)]
    low[unknown], high[unknown] = -1, -1
    return low, high


def _hubs(graph: CitationGraph, hub_citations: int) -> tuple[Array, Array]:
    degree = graph.in_degree
    hubs = np.flatnonzero(degree > hub_citations)
    width = graph.vertex_count // 8 + 1
    room = max(1, _HUB_BYTES // width)
    if hubs.size > room:
        hubs = hubs[np.argsort(-degree[hubs], kind="stable")[:room]]
    number = np.full(graph.vertex_count, _NO_HUB, np.int32)
    number[hubs] = np.arange(hubs.size, dtype=np.int32)
    bits = np.zeros((hubs.size, width), np.uint8)
    for i, v in enumerate(hubs):
        _mark_hub(graph.citing, graph.citation_start[v], graph.citation_start[v + 1], bits[i])
    return number, bits


def disruption(
    graph: CitationGraph,
    focal_day: Array,
    acting_day: Array,
    *,
    window_days: int = 1825,
    hub_citations: int = HUB_CITATIONS,
    threads: int = DEFAULT_THREADS,
) -> Disruption:
    """Compute CD and mCD of every vertex over a window that starts at its own day.

    Parameters
    ----------
    graph : CitationGraph
        Vertices numbered by acting day.
    focal_day : int32, shape (n,)
        Day at which the window of a vertex starts (exclusive); `NO_DAY` where unknown, then nothing is counted.
    acting_day : int32, shape (n,)
        Day from which a vertex cites, ascending.
    window_days : int
        Length of the window; its last day is included. 1825 for the usual five years.
    hub_citations : int
        Citations above which a vertex is treated as a hub. Results do not depend on it.
    threads : int
        Results do not depend on it.

    Returns
    -------
    Disruption
        Vertices without references get what the formula says (+1 when cited); the caller decides.

    Raises
    ------
    DomainError
        When vertices are not numbered by acting day, or lengths differ.

    Notes
    -----
    The work of a vertex is the number of citers of its references inside the window, so that the total grows with
    the sum of squared in-degrees. Among the references of a vertex that are hubs the longest is not walked through:
    the size of the union is the hub's count by binary search plus those others that its bitmap does not hold.
    """
    n = graph.vertex_count
    require(focal_day.shape == (n,) and acting_day.shape == (n,), "focal_day and acting_day have one entry a vertex")
    require(bool(np.all(acting_day[1:] >= acting_day[:-1])), "vertices are not numbered by acting day")
    low, high = window_ends(focal_day, acting_day, window_days)
    hub_of, hub_bits = _hubs(graph, hub_citations)
    counts = [np.zeros(n, np.int32) for _ in range(4)]
    spare: list[tuple[Array, Array, int]] = []

    def work(first: int, last: int) -> None:
        mark, near, stamp = spare.pop() if spare else (np.zeros(n, np.uint16), np.zeros(n, np.int32), 0)
        stamp, _ = _count(
            first, last, graph.citation_start, graph.citing, graph.reference_start, graph.reference,
            low, high, hub_citations, hub_of, hub_bits, mark, near, stamp, *counts,
        )  # fmt: skip
        spare.append((mark, near, stamp))

    over_ranges(work, n, threads=threads, block=8_192)
    citers, both, union, reach = counts
    with np.errstate(divide="ignore", invalid="ignore"):
        cd = (citers - 2.0 * both) / np.where(union > 0, union, np.nan)
    return Disruption(citers, both, union, reach, graph.out_degree.astype(np.int32), cd, cd * reach)
