"""Who cites whom: own and third-party citations, and citations between families."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from zhirong.numerics.graph.compiled import DEFAULT_THREADS, kernel, over_ranges, require
from zhirong.numerics.graph.csr import CATEGORY_XY, CitationGraph

__all__ = ["FamilyCitations", "OwnerPass", "family_citations", "owner_pass"]

Array = np.ndarray[Any, Any]

_XY = int(CATEGORY_XY)


@dataclass(frozen=True, slots=True)
class OwnerPass:
    """Citations in one direction by relation of the owners, int32, shape (k,) each.

    Parameters
    ----------
    known_count : int32
        Citations whose two ends both have known owners.
    self_count : int32
        Of those, citations whose ends share an owner.
    categorised_count : int32
        Citations with a category.
    third_party_xy_count : int32
        Citations of category X or Y whose two ends have known owners and share none.
    third_party_xy_live_count : int32
        Of those, citations whose other end is in force.
    unknown_owner_xy_count : int32
        Citations of category X or Y where an end has no known owner.
    unknown_live_xy_count : int32
        Third-party citations of category X or Y where it is unknown whether the other end is in force.
    """

    known_count: Array
    self_count: Array
    categorised_count: Array
    third_party_xy_count: Array
    third_party_xy_live_count: Array
    unknown_owner_xy_count: Array
    unknown_live_xy_count: Array


@dataclass(frozen=True, slots=True)
class FamilyCitations:
    """Citations between families, shape (families,) each.

    Parameters
    ----------
    citing_count : int64
        Distinct other families that cite the family.
    weighted : float64
        Sum over citing families of the heaviest weight among their members that cite.
    """

    citing_count: Array
    weighted: Array


@kernel
def _owners(
    first: int,
    last: int,
    vertex: Array,
    start: Array,
    other: Array,
    category: Array,
    owner_start: Array,
    owner: Array,
    is_live: Array,
    out: Array,
) -> None:
    for row in range(first, last):
        p = vertex[row]
        p_first, p_last = owner_start[p], owner_start[p + 1]
        for k in range(start[p], start[p + 1]):
            o = other[k]
            kind = category[k] if category.size else 0
            out[row, 2] += kind > 0
            o_first, o_last = owner_start[o], owner_start[o + 1]
            if p_first == p_last or o_first == o_last:
                out[row, 5] += kind == _XY
                continue
            out[row, 0] += 1
            i, j, shared = p_first, o_first, False
            while i < p_last and j < o_last and not shared:
                if owner[i] == owner[j]:
                    shared = True
                elif owner[i] < owner[j]:
                    i += 1
                else:
                    j += 1
            out[row, 1] += shared
            if kind == _XY and not shared:
                out[row, 3] += 1
                out[row, 4] += is_live[o] == 1
                out[row, 6] += is_live[o] < 0


def owner_pass(
    graph: CitationGraph,
    vertex: Array,
    owner_start: Array,
    owner: Array,
    is_live: Array,
    *,
    direction: str,
    threads: int = DEFAULT_THREADS,
) -> OwnerPass:
    """Walk the citations of each vertex in one direction and compare owners.

    Parameters
    ----------
    graph : CitationGraph
        Any numbering.
    vertex : int32, shape (k,)
        Vertices to describe.
    owner_start : int64, shape (n + 1,)
        Owners of v are ``owner[owner_start[v]:owner_start[v + 1]]``; none: unknown.
    owner : int32
        Owner codes, ascending within a vertex.
    is_live : int8, shape (n,)
        1 in force, 0 not in force, -1 unknown.
    direction : {"forward", "backward"}
        Citations received, or references.
    threads : int
        Results do not depend on it.

    Returns
    -------
    OwnerPass

    Raises
    ------
    DomainError
        For another direction or arrays of unequal length.
    """
    require(direction in ("forward", "backward"), f"direction {direction!r} is neither forward nor backward")
    n = graph.vertex_count
    require(owner_start.shape == (n + 1,) and is_live.shape == (n,), "owners and is_live have one row a vertex")
    forward = direction == "forward"
    start, other = (graph.citation_start, graph.citing) if forward else (graph.reference_start, graph.reference)
    category = graph.citation_category if forward else graph.reference_category
    out = np.zeros((vertex.size, 7), np.int32)
    over_ranges(
        lambda a, b: _owners(a, b, vertex, start, other, category, owner_start, owner, is_live, out),
        vertex.size,
        threads=threads,
        block=16_384,
    )
    return OwnerPass(*(out[:, j] for j in range(7)))


@kernel
def _families(
    member_start: Array,
    member: Array,
    reference_start: Array,
    reference: Array,
    family: Array,
    weight: Array,
    count: Array,
    weighted: Array,
) -> None:
    seen = np.full(count.size, -1, np.int32)
    best = np.zeros(count.size, np.float64)
    touched = np.empty(count.size, np.int32)
    for f in range(member_start.size - 1):
        n = 0
        for j in range(member_start[f], member_start[f + 1]):
            v = member[j]
            for k in range(reference_start[v], reference_start[v + 1]):
                g = family[reference[k]]
                if g == f:
                    continue
                if seen[g] != f:
                    seen[g] = f
                    best[g] = weight[v]
                    touched[n] = g
                    n += 1
                elif weight[v] > best[g]:
                    best[g] = weight[v]
        for j in range(n):
            g = touched[j]
            count[g] += 1
            weighted[g] += best[g]


def family_citations(graph: CitationGraph, family: Array, family_count: int, weight: Array) -> FamilyCitations:
    """Count citations from family to family, each pair once, with the weight of its heaviest citing member.

    Parameters
    ----------
    graph : CitationGraph
        Any numbering.
    family : int32, shape (n,)
        Family of each vertex, 0 to ``family_count - 1``.
    family_count : int
        Families.
    weight : float64, shape (n,)
        Weight of a citation made by the vertex, above zero.

    Returns
    -------
    FamilyCitations

    Raises
    ------
    DomainError
        For a family out of range or a weight that is not positive.
    """
    n = graph.vertex_count
    require(family.shape == (n,) and weight.shape == (n,), "family and weight have one entry a vertex")
    require(n == 0 or (int(family.min()) >= 0 and int(family.max()) < family_count), "a family is out of range")
    require(bool(np.all(weight > 0)), "weights are above zero")
    start = np.zeros(family_count + 1, np.int64)
    np.cumsum(np.bincount(family, minlength=family_count), out=start[1:])
    member = np.argsort(family, kind="stable").astype(np.int32)
    count, weighted = np.zeros(family_count, np.int64), np.zeros(family_count, np.float64)
    _families(start, member, graph.reference_start, graph.reference, family, weight, count, weighted)
    return FamilyCitations(count, weighted)
