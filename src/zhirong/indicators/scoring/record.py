"""Read one patent's score, with its readings and margins, from the file of a scoring run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from zhirong.indicators.catalogue import Dimension, lookup
from zhirong.indicators.scoring.arithmetic import weight_margins
from zhirong.indicators.scoring.score import METADATA_KEY
from zhirong.indicators.scoring.types import DimensionScore, IndicatorReading, PatentScore, WeightMargin
from zhirong.kernel.errors import SchemaError, UnknownNameError
from zhirong.kernel.text import Bilingual

__all__ = ["read_score", "read_scores"]


def read_score(path: Path, patent_id: str) -> PatentScore:
    """Return the score of one patent.

    Parameters
    ----------
    path : Path
        File written by `score`.
    patent_id : str
        Patent.

    Returns
    -------
    PatentScore

    Raises
    ------
    SchemaError
        For a file that `score` did not write.
    UnknownNameError
        When the patent was not scored.
    """
    found = read_scores(path, [patent_id])
    if patent_id not in found:
        raise UnknownNameError("scored patent", patent_id, ())
    return found[patent_id]


def read_scores(path: Path, patent_ids: list[str]) -> dict[str, PatentScore]:
    """Return the scores of some patents by id; a patent without one is left out. See `read_score`."""
    metadata = pq.read_schema(path).metadata or {}
    if METADATA_KEY not in metadata:
        raise SchemaError(f"{path.name} is not a file of scores")
    record = json.loads(metadata[METADATA_KEY])
    rows = pq.read_table(path, filters=[("patent_id", "in", patent_ids)]).to_pylist()
    return {row["patent_id"]: _score(row, record) for row in rows}


def _score(row: Mapping[str, Any], record: Mapping[str, Any]) -> PatentScore:
    readings = tuple(_reading(row, item) for item in record["items"])
    return PatentScore(
        patent_id=row["patent_id"],
        profile=record["profile"],
        profile_title=Bilingual(**record["title"]),
        weight_basis=Bilingual(**record["basis"]),
        total=row["score"],
        low=row["score_low"],
        high=row["score_high"],
        level=float(record["settings"]["level"]),
        grade=row["grade"],
        grade_best=row["grade_best"],
        grade_worst=row["grade_worst"],
        coverage=row["coverage"],
        confidence=row["confidence"],
        dimensions=tuple(_dimension(row, record, d) for d in Dimension if _share(record, d) > 0),
        readings=readings,
        margins=_margins(readings, row, record),
    )


def _reading(row: Mapping[str, Any], item: Mapping[str, Any]) -> IndicatorReading:
    column = lookup(item["id"]).column
    return IndicatorReading(
        id=item["id"],
        value=row[column],
        percentile=row[f"{column}__percentile"],
        score=row[f"{column}__score"],
        weight=item["weight"],
        direction=item["direction"],
        cohort=row["cohort"],
        cohort_size=row[f"{column}__cohort_size"],
    )


def _share(record: Mapping[str, Any], dimension: Dimension) -> float:
    return float(sum(item["weight"] for item in record["items"] if item["dimension"] == str(dimension)))


def _dimension(row: Mapping[str, Any], record: Mapping[str, Any], dimension: Dimension) -> DimensionScore:
    return DimensionScore(
        dimension,
        row[str(dimension)],
        row[f"{dimension}_low"],
        row[f"{dimension}_high"],
        row[f"{dimension}_coverage"] or 0.0,
        _share(record, dimension),
    )


def _margins(
    readings: tuple[IndicatorReading, ...], row: Mapping[str, Any], record: Mapping[str, Any]
) -> tuple[WeightMargin, ...]:
    known = [r for r in readings if r.score is not None]
    if row["score"] is None or len(known) < 2:
        return ()
    scores = np.array([[r.score for r in known]], dtype=np.float64)
    weights = np.array([r.weight for r in known], dtype=np.float64)
    mean = float((scores[0] * weights).sum() / weights.sum())
    gate = np.array([row["score"] / mean if mean > 0 else 1.0])
    share, lower, upper = weight_margins(scores, weights, gate)

    def maybe(x: float) -> float | None:
        return None if np.isnan(x) else float(x)

    return tuple(
        WeightMargin(r.id, float(share[0, k]), maybe(lower[0, k]), maybe(upper[0, k])) for k, r in enumerate(known)
    )
