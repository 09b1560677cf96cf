"""Place of a value among its peers: mid-rank percentile in a cohort, with coarser cohorts where it is small."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ibis

from zhirong.indicators.frames import attach
from zhirong.tables import safe

__all__ = ["PEER_LADDER", "SMALL_COHORT", "cohort_percentile"]

PEER_LADDER: tuple[tuple[str, ...], ...] = (("filing_year", "technology_field"), ("technology_field",), ())
"""Cohorts from fine to coarse; the first with enough known values is used."""

SMALL_COHORT = 30


TIE_DIGITS = 10
"""Decimals to which values are compared."""


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
    Mid-rank: 100 (L + E/2)/N, with L known values of the cohort below, E equal (the own included), N known. Values are
    equal when they agree to ten decimals.
    """
    keys = sorted({key for level in ladder for key in level})
    parts = []
    for column, direction in directions.items():
        known = table.filter(table[column].notnull())
        # Sums of shares differ in the last bit with the order of rows, which must not part what is equal.
        x = known[column].cast("float64").round(TIE_DIGITS) * float(direction)
        parts.append(known.select("patent_id", *keys, _column=ibis.literal(column), _x=x))
    long = ibis.union(*parts) if len(parts) > 1 else parts[0]
    ranked = _ranked(long, ladder, small)
    wide: dict[str, ibis.Value] = {}
    for column in directions:
        here = ranked._column == column
        wide[column] = ranked._value.max(where=here)
        wide[f"{column}_cohort"] = ranked._level.max(where=here)
    return attach(table.select("patent_id"), ranked.group_by("patent_id").aggregate(**wide))


def _ranked(long: ibis.Table, ladder: Sequence[tuple[str, ...]], small: int) -> ibis.Table:
    """One row a patent and column: its percentile and the level used."""
    members, places = [], []
    for keys in ladder:
        is_placed = ibis.literal(True)
        for key in keys:
            is_placed = is_placed & long[key].notnull()
        group = ["_column", *keys]
        below = ibis.rank().over(group_by=group, order_by=[ibis.asc(long._x)])
        equal = long._x.count().over(group_by=[*group, "_x"])
        known = long._x.count().over(group_by=group)
        members.append(ibis.ifelse(is_placed, known, 0))
        places.append(100.0 * safe.divide(below.cast("float64") + equal.cast("float64") / 2.0, known))
    last = len(ladder) - 1
    level = ibis.cases(*((members[i] >= small, i) for i in range(last)), else_=last)
    value = ibis.cases(*((members[i] >= small, places[i]) for i in range(last)), else_=places[last])
    return long.select("patent_id", "_column", _value=value, _level=level.cast("int64"))
