"""Citations between families and technology relevance, on arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from zhirong.indicators.catalogue import Context, Evidence
from zhirong.indicators.citation_arrays import CitationArrays, flags, keys_of, primary_order
from zhirong.indicators.citation_expressions import family_keys, office_weight
from zhirong.numerics.graph import NO_DAY, KeyCodes, family_citations

__all__ = ["FamilyColumns", "family_columns"]

Array = np.ndarray[Any, Any]

_SMALL_COHORT_FAMILIES = 30


@dataclass(frozen=True, slots=True)
class FamilyColumns:
    """Values, which of them are known, and flags, by row of `CitationArrays`.

    Parameters
    ----------
    citing : tuple
        Other families that cite the patent's family.
    relevance : tuple
        Technology relevance.
    """

    citing: tuple[Array, Array, pa.Array]
    relevance: tuple[Array, Array, pa.Array]


def _families(evidence: Evidence, context: Context, arrays: CitationArrays) -> tuple[Array, int]:
    """Family of each vertex; a vertex without one is a family by itself."""
    table = context.engine.to_arrow(family_keys(evidence))
    vertex = arrays.find(table.column("patent_id"))
    codes = KeyCodes(len(table))
    family = codes.add(keys_of(table.column("family")))
    n = arrays.graph.vertex_count
    own = np.full(n, -1, np.int64)
    own[vertex[vertex >= 0]] = family[vertex >= 0]
    alone = np.flatnonzero(own < 0)
    own[alone] = codes.count + np.arange(alone.size)
    return own.astype(np.int32), codes.count + alone.size


def _weights(evidence: Evidence, context: Context, arrays: CitationArrays) -> Array:
    """Weight of a citation by each vertex: that of the office in its identifier."""
    weight = np.ones(arrays.graph.vertex_count)
    if not context.params.get("pai.office_weights"):
        return weight
    rows = evidence["citations"].select("citing_id").distinct()
    rows = rows.mutate(weight=office_weight(context, rows.citing_id.substr(0, 2)))
    table = context.engine.to_arrow(rows)
    weight[arrays.number(table.column("citing_id"))] = table.column("weight").to_numpy()
    return weight


def family_columns(evidence: Evidence, context: Context, arrays: CitationArrays) -> FamilyColumns:
    """Count citing families and relate them to families of the same first-publication year and subclass.

    Returns
    -------
    FamilyColumns
    """
    family, count = _families(evidence, context, arrays)
    found = family_citations(arrays.graph, family, count, _weights(evidence, context, arrays))
    mine = family[arrays.vertex]
    is_known = found.citing_count > 0
    is_known[mine[arrays.is_covered]] = True
    cohort = _cohorts(arrays, mine, count)
    has = (cohort >= 0) & is_known
    size = int(cohort.max()) + 1 if cohort.size else 0
    total = np.bincount(cohort[has], weights=found.weighted[has], minlength=max(1, size))
    members = np.bincount(cohort[has], minlength=max(1, size))
    mean = np.divide(total, members, out=np.zeros(total.size), where=members > 0)
    ratio = np.full(count, np.nan)
    of_family = mean[np.maximum(cohort, 0)]
    np.divide(found.weighted, of_family, out=ratio, where=has & (of_family > 0))
    known = is_known[mine]
    citing = (found.citing_count[mine], known, flags([(~known, "no_citation_data")]))
    flag = flags(
        [
            (~known, "no_citation_data"),
            (~has[mine], "no_cohort"),
            (of_family[mine] == 0.0, "no_citations_in_cohort"),
            (members[np.maximum(cohort, 0)][mine] < _SMALL_COHORT_FAMILIES, "small_cohort"),
        ]
    )
    relevance = ratio[mine]
    return FamilyColumns(citing, (relevance, ~np.isnan(relevance), flag))


def _cohorts(arrays: CitationArrays, mine: Array, count: int) -> Array:
    """Cohort of each family by its first-published known member; -1 where year or subclass is unknown."""
    order = primary_order(arrays.day, arrays.patent_id)
    order = order[arrays.day[order] != NO_DAY]
    first = np.full(count, -1, np.int64)
    first[mine[order[::-1]]] = order[::-1]
    coded = arrays.primary_class.dictionary_encode()
    subclass = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    key = np.where(subclass >= 0, arrays.year.astype(np.int64) * (len(coded.dictionary) + 1) + subclass, -1)
    cohort = np.where(first >= 0, key[np.maximum(first, 0)] if key.size else -1, -1)
    _, dense = np.unique(cohort, return_inverse=True)
    return np.where(cohort >= 0, dense, -1)
