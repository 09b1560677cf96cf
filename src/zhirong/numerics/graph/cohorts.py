"""Position of a value among those of its cohort."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from zhirong.numerics.graph.compiled import require

__all__ = ["CohortRank", "cohort_rank"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class CohortRank:
    """Standing of each member, shape (k,) each.

    Parameters
    ----------
    above_count : int64
        Members of the cohort with a strictly larger value; -1 for rows without cohort.
    member_count : int64
        Members of the cohort; 0 for rows without cohort.
    """

    above_count: Array
    member_count: Array

    @property
    def above_share(self) -> Array:
        """Share of the cohort with a strictly larger value, 0 up to 1; NaN for rows without cohort."""
        share = np.full(self.above_count.size, np.nan)
        np.divide(self.above_count, self.member_count, out=share, where=self.member_count > 0)
        return share


def cohort_rank(cohort: Array, value: Array) -> CohortRank:
    """Count, for each row, members of its cohort with a larger value.

    Parameters
    ----------
    cohort : integer, shape (k,)
        Cohort of each row; negative: none.
    value : int64, shape (k,)
        Finite values.

    Returns
    -------
    CohortRank

    Raises
    ------
    DomainError
        For arrays of unequal length.
    """
    require(cohort.shape == value.shape, "cohort and value are of equal length")
    above = np.full(cohort.size, -1, np.int64)
    members = np.zeros(cohort.size, np.int64)
    rows = np.flatnonzero(cohort >= 0)
    if rows.size == 0:
        return CohortRank(above, members)
    low, high = int(value[rows].min()), int(value[rows].max())
    span = high - low + 1
    require(int(cohort.max()) < 2**62 // span, "cohorts times values exceed 64 bits")
    # One key orders by cohort and then by falling value, so that one sort ranks all cohorts.
    key = cohort[rows].astype(np.int64) * span + (high - value[rows])
    order = np.argsort(key)
    ordered = key[order]
    group = ordered // span
    cohort_start = _run_starts(group)
    above[rows[order]] = _run_starts(ordered) - cohort_start
    ends = np.flatnonzero(np.append(group[1:] != group[:-1], True)) + 1
    members[rows[order]] = np.repeat(np.diff(np.append(0, ends)), np.diff(np.append(0, ends)))
    return CohortRank(above, members)


def _run_starts(ordered: Array) -> Array:
    """Return, for each position of a sorted array, where its run of equal values starts."""
    position = np.arange(ordered.size)
    starts: Array = np.maximum.accumulate(np.where(np.append(True, ordered[1:] != ordered[:-1]), position, 0))
    return starts
