"""What a score is: a number with an interval, a confidence, and the readings it was made from."""

from __future__ import annotations

from dataclasses import dataclass

from zhirong.indicators.catalogue import Dimension
from zhirong.kernel.text import Bilingual

__all__ = ["DimensionScore", "IndicatorReading", "PatentScore", "WeightMargin", "grade_of"]

GRADE_BOUNDS: tuple[float, ...] = (80.0, 60.0, 40.0, 20.0)
"""Lower bounds of grades 1 to 4 (专利分类分级评定管理规范, a local standard: > 80, 60-80, 40-60, 20-40, < 20)."""


def grade_of(score: float) -> int:
    """Return the grade of a score: 1 above 80, 2 from 60, 3 from 40, 4 from 20, else 5.

    Parameters
    ----------
    score : float
        0-100.

    Returns
    -------
    int
        1 (best) to 5.

    Examples
    --------
    >>> [grade_of(x) for x in (80.1, 80.0, 60.0, 59.9, 20.0, 0.0)]
    [1, 2, 2, 3, 4, 5]
    """
    if score > GRADE_BOUNDS[0]:
        return 1
    return 2 + sum(score < bound for bound in GRADE_BOUNDS[1:])


@dataclass(frozen=True, slots=True)
class IndicatorReading:
    """One indicator of one patent, with its place in the cohort.

    Parameters
    ----------
    id : str
        Catalogue id.
    value : float or None
        As computed; None is unknown.
    percentile : float or None
        Mid-rank percentile of the value in its cohort, 0-100; None when the value is unknown.
    score : float or None
        Percentile turned so that larger is better, 0-100.
    weight : float or None
        Weight in the profile, 0-1; None when the profile does not use it.
    direction : int
        +1 larger is better, -1 smaller is better, 0 neither.
    flag : str or None
        What qualifies the value.
    cohort : str or None
        Cohort in which it was ranked.
    cohort_size : int or None
        Patents of the cohort with a value.
    """

    id: str
    value: float | None
    percentile: float | None = None
    score: float | None = None
    weight: float | None = None
    direction: int = 1
    flag: str | None = None
    cohort: str | None = None
    cohort_size: int | None = None


@dataclass(frozen=True, slots=True)
class DimensionScore:
    """Score of the legal, technical or economic dimension.

    Parameters
    ----------
    dimension : Dimension
        Which.
    score : float or None
        0-100; None when no indicator of the dimension is known.
    low, high : float or None
        Interval.
    coverage : float
        Share of the dimension's weight that is known, 0-1.
    weight : float
        Share of the dimension in the profile, 0-1.
    """

    dimension: Dimension
    score: float | None
    low: float | None
    high: float | None
    coverage: float
    weight: float


@dataclass(frozen=True, slots=True)
class WeightMargin:
    """How far one weight may move, the others shrinking or growing in proportion, before the grade changes.

    Parameters
    ----------
    id : str
        Indicator.
    weight : float
        Weight among the known indicators, 0-1.
    lower, upper : float or None
        Weight at which the grade changes; None when no weight in 0-1 changes it.
    """

    id: str
    weight: float
    lower: float | None
    upper: float | None


@dataclass(frozen=True, slots=True)
class PatentScore:
    """The score of one patent under one profile.

    Parameters
    ----------
    patent_id : str
        Patent.
    profile : str
        Name of the profile.
    profile_title, weight_basis : Bilingual
        What a reader sees: scene, and how the weights came about.
    total : float or None
        0-100; None when nothing is known.
    low, high : float or None
        Interval at `level`, from weight uncertainty and missing items.
    level : float
        Coverage of the interval under weight uncertainty, e.g. 0.9.
    grade, grade_best, grade_worst : int or None
        1 (best) to 5: at the total, at `high`, at `low`.
    coverage : float
        Share of the profile's weight that is known, 0-1.
    confidence : float
        Coverage times the probability that uncertain weights give the same grade, 0-1.
    dimensions : tuple of DimensionScore
        Legal, technical, economic.
    readings : tuple of IndicatorReading
        All indicators of the profile.
    margins : tuple of WeightMargin
        Sensitivity to each weight.
    """

    patent_id: str
    profile: str
    profile_title: Bilingual
    weight_basis: Bilingual
    total: float | None
    low: float | None
    high: float | None
    level: float
    grade: int | None
    grade_best: int | None
    grade_worst: int | None
    coverage: float
    confidence: float
    dimensions: tuple[DimensionScore, ...]
    readings: tuple[IndicatorReading, ...] = ()
    margins: tuple[WeightMargin, ...] = ()
