"""Place of a value among its peers: mid-rank percentile in a cohort, with coarser cohorts where it is small."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ibis

from zhirong.tables import safe

__all__ = ["PEER_LADDER", "SMALL_COHORT", "cohort_percentile"]

PEER_LADDER: tuple[tuple[str, ...], ...] = (("filing_year", "technology_field"), ("technology_field",), ())
"""Cohorts from fine to coarse; the first with enough known values is used."""

SMALL_COHORT = 30


def cohort_percentile(
    table: ibis.Table,
    directions: Mapping[str, int],
    *,
    ladder: Sequence[tuple[str, ...]] = PEER_LADDER,
    small: int = SMALL_COHORT,
) -> ibis.Table:
    """Return the percentile of columns within their cohorts.

    Parameters
    ----------
    table : ibis.Table
        ``patent_id``, the keys of the ladder, and the columns.
    directions : Mapping of str to int
        Column to +1 (larger is better) or -1 (smaller is better: the percentile is turned).
    ladder : sequence of tuples of str
        Cohort keys from fine to coarse; a patent with an unknown key has no cohort at that level.
    small : int
        Known values below which the next coarser cohort is taken; the coarsest is always enough.

    Returns
    -------
    ibis.Table
        ``patent_id``, each column as percentile 0-100 (NULL where the value is unknown), and ``<column>_cohort``:
        the number of the level used, 0 for the finest.

    Notes
    -----
    Mid-rank: 100 (L + E/2)/N, with L known values of the cohort below, E equal (the own included), N known.
    """
    columns: dict[str, ibis.Value] = {}
    for column, direction in directions.items():
        columns |= _percentile(table, column, direction, ladder, small)
    return table.select("patent_id", **columns)


def _percentile(
    table: ibis.Table, column: str, direction: int, ladder: Sequence[tuple[str, ...]], small: int
) -> dict[str, ibis.Value]:
    x = table[column].cast("float64") * float(direction)
    members, places = [], []
    for keys in ladder:
        is_placed = ibis.literal(True)
        for key in keys:
            is_placed = is_placed & table[key].notnull()
        below = ibis.rank().over(group_by=list(keys), order_by=[ibis.asc(x, nulls_first=False)])
        equal = x.count().over(group_by=[*keys, x])
        known = x.count().over(group_by=list(keys))
        members.append(ibis.ifelse(is_placed, known, 0))
        places.append(100.0 * safe.divide(below.cast("float64") + equal.cast("float64") / 2.0, known))
    last = len(ladder) - 1
    level = ibis.cases(*((members[i] >= small, i) for i in range(last)), else_=last)
    value = ibis.cases(*((members[i] >= small, places[i]) for i in range(last)), else_=places[last])
    is_known = table[column].notnull()
    return {
        column: ibis.ifelse(is_known, value, ibis.null("float64")),
        f"{column}_cohort": ibis.ifelse(is_known, level.cast("int64"), ibis.null("int64")),
    }
