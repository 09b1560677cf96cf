"""Scores of all patents of an indicator run under one profile, as one Parquet file.

Columns of the file
-------------------
``patent_id``; ``score``, ``score_low``, ``score_high`` (0-100, NULL when nothing is known); ``grade``, ``grade_best``,
``grade_worst`` (1-5); ``coverage`` (share of the weight that is known), ``confidence`` (coverage times the probability
that uncertain weights give the same grade); ``rank`` (1 is best, ties share the smaller); ``closeness`` (TOPSIS, 0-1,
profiles that rank by it); ``legal``, ``technical``, ``economic`` each with ``_low``, ``_high``, ``_coverage``; ``margin``
(smallest move of one weight that changes the grade, NULL when none does) and ``margin_indicator``; ``cohort``; and for
each item of the profile its value under the indicator's column name, ``<column>__percentile``, ``<column>__score``,
``<column>__cohort_size``. The profile, its weights and the settings are in the metadata under ``zhirong.score``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from zhirong.indicators.catalogue import AS_OF_KEY, Dimension, lookup
from zhirong.indicators.scoring.arithmetic import (
    cohort_percentiles,
    grades,
    known_mean,
    score_spread,
    weight_margins,
)
from zhirong.indicators.scoring.profiles import Item, Origin, Profile, Scale, load_profile
from zhirong.kernel.errors import DomainError, SchemaError
from zhirong.numerics.weighting import critic_weights, entropy_weights, topsis_closeness
from zhirong.tables.parquet import parquet_metadata, write_parquet

__all__ = ["METADATA_KEY", "ScoreRun", "score"]

METADATA_KEY = b"zhirong.score"
COHORT_MIN = 30
"""Cohorts with fewer known values are merged: first over fields, then over years."""
BLOCK_ROWS = 32_768
CONTINUOUS_MIN = 2

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ScoreRun:
    """What a scoring run wrote.

    Parameters
    ----------
    path : Path
        Parquet file (see the module for its columns).
    profile : str
        Name of the profile.
    profile_version : str
        Fingerprint of the profile.
    as_of : date
        Date of the indicators.
    row_count, scored_count : int
        Patents, and those with a score.
    weights : Mapping of str to float
        Indicator id to weight, sum 1.
    missing_columns : tuple of str
        Indicators of the profile that the table lacks; they count as unknown.
    grade_counts : Mapping of int to int
        Patents by grade.
    rank_correlation : float or None
        Mean Spearman correlation of the ranking with that under drawn weights; None below three patents.
    settings : Mapping
        Everything else that changes the answer.
    """

    path: Path
    profile: str
    profile_version: str
    as_of: date
    row_count: int
    scored_count: int
    weights: Mapping[str, float]
    missing_columns: tuple[str, ...]
    grade_counts: Mapping[int, int]
    rank_correlation: float | None
    settings: Mapping[str, Any] = field(default_factory=dict)


def score(
    indicator_table: pa.Table | Path,
    profile: Profile | str | Path,
    *,
    as_of: date,
    out: Path,
    patents: pa.Table | Path | None = None,
    cohort_columns: Sequence[str] | None = None,
    draws: int = 20,
    seed: int = 0,
    level: float = 0.9,
    missing: tuple[float, float] = (10.0, 90.0),
) -> ScoreRun:
    """Score every patent of an indicator table under a profile.

    Parameters
    ----------
    indicator_table : pyarrow.Table or Path
        Wide table of an indicator run: ``patent_id`` and one column an indicator.
    profile : Profile, str or Path
        A profile, the name of a shipped one, or a YAML file.
    as_of : date
        Date of the indicator run.
    out : Path
        Parquet file to write.
    patents : pyarrow.Table or Path, optional
        Table with ``patent_id`` and ``filing_date``, for the filing-year cohort.
    cohort_columns : sequence of str, optional
        Columns of the indicator table that make the cohort, coarsest first. By default ``filing_year`` (from `patents`
        or the table) and ``oecd__technology_field``, as far as they are there.
    draws : int
        Dirichlet draws of the weights (around the profile's, with its concentration) for the stability of the ranking; the
        intervals need none.
    seed : int
        Seed of the draws.
    level : float
        Coverage of the interval over weight draws.
    missing : tuple of float
        What a missing item may score at the low and at the high end of the interval; the score itself leaves it out.

    Returns
    -------
    ScoreRun

    Raises
    ------
    SchemaError
        When the table has no ``patent_id`` or none of the profile's indicators.
    DomainError
        For a level outside 0-1, fewer than two draws, or a file of indicators that was computed for another day.
    """
    if not 0 < level < 1 or draws < CONTINUOUS_MIN:
        raise DomainError(f"level must be between 0 and 1 and draws at least 2, not {level:g} and {draws}")
    if isinstance(indicator_table, Path):
        computed_for = parquet_metadata(indicator_table).get(AS_OF_KEY)
        if computed_for is not None and computed_for != as_of.isoformat():
            raise DomainError(
                f"{indicator_table.name} was computed for {computed_for}, not for {as_of}; compute it for that day"
            )
    chosen = profile if isinstance(profile, Profile) else load_profile(profile)
    table = _needed(indicator_table, chosen, cohort_columns)
    present = [item for item in chosen.items if item.column in table.column_names]
    if not present:
        raise SchemaError(f"the indicator table has none of the indicators of profile {chosen.name}")
    keys = _cohort_keys(table, patents, cohort_columns)
    columns: dict[str, pa.Array | pa.ChunkedArray] = {"patent_id": table.column("patent_id")}
    scores, details = _item_scores(table, chosen.items, keys)
    weights = _weights(chosen, scores)
    gate = _gate(table, chosen)
    rng = np.random.default_rng(seed)
    drawn = rng.dirichlet(np.maximum(weights * chosen.concentration, 1e-6), size=draws)
    columns |= _totals(scores, weights, gate, chosen, level, missing)
    total = _floats(columns["score"])
    order = _floats(columns["closeness"]) if "closeness" in columns else total
    columns["rank"] = _masked(_ranks(order), np.isnan(order), pa.int64())
    columns["cohort"] = pa.array(_cohort_labels(keys, table.num_rows), pa.string())
    columns |= details
    settings = {
        "draws": draws, "seed": seed, "level": level, "missing": list(missing), "cohort": list(keys),
        "as_of": as_of.isoformat(),
    }  # fmt: skip
    by_id = {item.id: float(w) for item, w in zip(chosen.items, weights, strict=True)}
    result = pa.table(columns).replace_schema_metadata({METADATA_KEY: _metadata(chosen, by_id, settings)})
    write_parquet(out, result)
    found, counts = np.unique(grades(total), return_counts=True)
    return ScoreRun(
        path=out,
        profile=chosen.name,
        profile_version=chosen.version,
        as_of=as_of,
        row_count=table.num_rows,
        scored_count=int((~np.isnan(total)).sum()),
        weights=by_id,
        missing_columns=tuple(item.id for item in chosen.items if item not in present),
        grade_counts={int(g): int(n) for g, n in zip(found, counts, strict=True) if g},
        rank_correlation=_rank_correlation(scores, gate, total, drawn),
        settings=settings,
    )


def _needed(source: pa.Table | Path, profile: Profile, cohort_columns: Sequence[str] | None) -> pa.Table:
    """Read only the columns that the profile needs."""
    names = source.column_names if isinstance(source, pa.Table) else pq.read_schema(source).names
    if "patent_id" not in names:
        raise SchemaError("the indicator table has no column patent_id")
    wanted = {"patent_id", "filing_year", "oecd__technology_field", *(cohort_columns or ())}
    wanted |= {item.column for item in profile.items}
    if profile.gate:
        wanted.add(lookup(profile.gate).column)
    kept = [name for name in names if name in wanted]
    return source.select(kept) if isinstance(source, pa.Table) else pq.read_table(source, columns=kept)


def _floats(column: pa.Array | pa.ChunkedArray) -> Floats:
    """Return a numeric or boolean column as float64 with NaN for NULL."""
    cast = pc.cast(column, pa.float64(), safe=False)
    filled = pc.fill_null(cast, float("nan"))
    array: Floats = np.array(
        filled.to_numpy(zero_copy_only=False) if isinstance(filled, pa.Array) else filled.to_numpy()
    )
    return array


def _masked(values: NDArray[Any], mask: NDArray[np.bool_], kind: pa.DataType) -> pa.Array:
    return pa.array(np.where(mask, 0, values), type=kind, mask=mask)


def _nullable(values: Floats) -> pa.Array:
    return _masked(values, np.isnan(values), pa.float64())


def _cohort_keys(
    table: pa.Table, patents: pa.Table | Path | None, cohort_columns: Sequence[str] | None
) -> dict[str, NDArray[np.int64]]:
    """Return one array of codes for each cohort column; -1 is unknown."""
    if patents is not None and "filing_year" not in table.column_names:
        dates = (
            patents if isinstance(patents, pa.Table) else pq.read_table(patents, columns=["patent_id", "filing_date"])
        )
        index = pc.index_in(table.column("patent_id"), value_set=dates.column("patent_id").combine_chunks())
        table = table.append_column("filing_year", pc.take(pc.year(dates.column("filing_date")), index))
    names = cohort_columns if cohort_columns is not None else ("filing_year", "oecd__technology_field")
    if cohort_columns is not None and (absent := [n for n in names if n not in table.column_names]):
        raise SchemaError(f"the indicator table has no cohort column {', '.join(absent)}")
    keys = {}
    for name in names:
        if name in table.column_names:
            values = _floats(table.column(name))
            keys[name] = np.where(np.isnan(values), -1, values).astype(np.int64)
    return keys


def _codes(keys: Mapping[str, NDArray[np.int64]], depth: int, count: int) -> NDArray[np.int64]:
    code = np.zeros(count, dtype=np.int64)
    for values in list(keys.values())[:depth]:
        code = code * 100_003 + values + 1
    return code


def _cohort_labels(keys: Mapping[str, NDArray[np.int64]], count: int) -> list[str]:
    if not keys:
        return ["all"] * count
    columns = [np.where(v < 0, "?", v.astype(str)) for v in keys.values()]
    return [" x ".join(parts) for parts in zip(*columns, strict=True)]


def _item_scores(
    table: pa.Table, items: Sequence[Item], keys: Mapping[str, NDArray[np.int64]]
) -> tuple[Floats, dict[str, pa.Array]]:
    """Return scores (n, k) with NaN for unknown, and the columns that explain them."""
    count = table.num_rows
    scores = np.full((count, len(items)), np.nan)
    details: dict[str, pa.Array] = {}
    levels = [_codes(keys, depth, count) for depth in range(len(keys), -1, -1)]
    for k, item in enumerate(items):
        is_there = item.column in table.column_names
        values = _floats(table.column(item.column)) if is_there else np.full(count, np.nan)
        percentile, size = cohort_percentiles(values, levels[0])
        for codes in levels[1:]:
            small = ~np.isnan(values) & (size < COHORT_MIN)
            if not small.any():
                break
            wider, wider_size = cohort_percentiles(values, codes)
            percentile, size = np.where(small, wider, percentile), np.where(small, wider_size, size)
        scores[:, k] = _directed(values, percentile, item)
        details[item.column] = _nullable(values)
        details[f"{item.column}__percentile"] = _nullable(percentile)
        details[f"{item.column}__score"] = _nullable(scores[:, k])
        details[f"{item.column}__cohort_size"] = _masked(size, size == 0, pa.int64())
    return scores, details


def _directed(values: Floats, percentile: Floats, item: Item) -> Floats:
    place = percentile
    if item.scale is Scale.RANGE:
        entry = lookup(item.id)
        low, high = entry.low or 0.0, entry.high if entry.high is not None else 1.0
        place = 100.0 * np.clip((values - low) / (high - low), 0.0, 1.0)
    return place if item.direction > 0 else 100.0 - place


def _weights(profile: Profile, scores: Floats) -> Floats:
    fixed = profile.weights
    if fixed is not None:
        return fixed
    complete = scores[~np.isnan(scores).any(axis=1)]
    if complete.shape[0] < CONTINUOUS_MIN:
        raise DomainError(
            f"profile {profile.name}: weights by {profile.origin} need at least two patents with every indicator known"
        )
    if profile.origin is Origin.ENTROPY:
        return entropy_weights(np.maximum(complete, 1e-9))
    return critic_weights(complete)


def _gate(table: pa.Table, profile: Profile) -> Floats:
    """Return the factor of each patent; unknown does not multiply."""
    if profile.gate is None or lookup(profile.gate).column not in table.column_names:
        return np.ones(table.num_rows)
    entry = lookup(profile.gate)
    values = _floats(table.column(entry.column))
    high = entry.high if entry.high is not None else 1.0
    return np.where(np.isnan(values), 1.0, np.clip(values / high, 0.0, 1.0))


def _totals(
    scores: Floats, weights: Floats, gate: Floats, profile: Profile, level: float, missing: tuple[float, float]
) -> dict[str, pa.Array]:
    """Return every column that is summed over items, in blocks of rows."""
    parts: list[dict[str, Any]] = []
    groups = [np.array([item.dimension is d for item in profile.items]) for d in Dimension]
    for start in range(0, max(scores.shape[0], 1), BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        parts.append(_block(scores[rows], weights, gate[rows], groups, profile.concentration, level, missing))
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    columns: dict[str, pa.Array] = {}
    for name in ("score", "score_low", "score_high"):
        columns[name] = _nullable(joined[name])
    unknown = np.isnan(joined["score"])
    for name, of in (("grade", "score"), ("grade_best", "score_high"), ("grade_worst", "score_low")):
        columns[name] = _masked(grades(joined[of]), unknown, pa.int64())
    columns["coverage"] = pa.array(joined["coverage"])
    columns["confidence"] = pa.array(joined["coverage"] * joined["agreement"])
    for dimension in Dimension:
        for suffix in ("", "_low", "_high", "_coverage"):
            columns[f"{dimension}{suffix}"] = _nullable(joined[f"{dimension}{suffix}"])
    columns["margin"] = _nullable(joined["margin"])
    ids = np.array([item.id for item in profile.items], dtype=object)
    columns["margin_indicator"] = pa.array(
        ids[joined["margin_at"]].tolist(), pa.string(), mask=np.isnan(joined["margin"])
    )
    if profile.is_topsis_ranked:
        columns["closeness"] = _nullable(_closeness(scores, weights))
    return columns


def _block(
    scores: Floats, weights: Floats, gate: Floats, groups: Sequence[NDArray[np.bool_]], concentration: float, level: float,
    missing: tuple[float, float],
) -> dict[str, Any]:  # fmt: skip
    mean, coverage = known_mean(scores, weights)
    total = mean * gate
    spread = score_spread(scores, weights, total, gate, concentration=concentration, level=level, missing=missing)
    share, lower, upper = weight_margins(scores, weights, gate)
    move = np.fmin(share - lower, upper - share)
    at = np.where(np.isnan(move), np.inf, move).argmin(axis=1) if move.shape[0] else np.zeros(0, dtype=np.int64)
    found = {
        "score": total, "coverage": coverage, "score_low": spread.low, "score_high": spread.high,
        "agreement": spread.agreement, "margin": np.take_along_axis(move, at[:, None], axis=1)[:, 0], "margin_at": at,
    }  # fmt: skip
    for dimension, group in zip(Dimension, groups, strict=True):
        found |= _dimension(str(dimension), scores[:, group], weights[group], concentration, level, missing)
    return found


def _dimension(
    name: str, scores: Floats, weights: Floats, concentration: float, level: float, missing: tuple[float, float]
) -> dict[str, Floats]:
    count = scores.shape[0]
    if not weights.size:
        nothing = np.full(count, np.nan)
        return {name: nothing, f"{name}_low": nothing, f"{name}_high": nothing, f"{name}_coverage": nothing}
    mass = float(weights.sum())
    mean, coverage = known_mean(scores, weights)
    spread = score_spread(
        scores, weights / mass, mean, np.ones(count), concentration=concentration * mass, level=level, missing=missing
    )
    return {name: mean, f"{name}_low": spread.low, f"{name}_high": spread.high, f"{name}_coverage": coverage}


def _closeness(scores: Floats, weights: Floats) -> Floats:
    """Return TOPSIS closeness of the patents with every item known; the others have none."""
    closeness = np.full(scores.shape[0], np.nan)
    complete = ~np.isnan(scores).any(axis=1)
    if complete.any():
        closeness[complete] = topsis_closeness(scores[complete], weights, normalise=False)
    return closeness


def _ranks(values: Floats) -> NDArray[np.int64]:
    """Return 1 for the largest; ties share the smaller rank; unknown after all."""
    ordered = np.sort(-values[~np.isnan(values)])
    return np.searchsorted(ordered, -np.where(np.isnan(values), -np.inf, values), side="left").astype(np.int64) + 1


def _rank_correlation(scores: Floats, gate: Floats, total: Floats, drawn: Floats) -> float | None:
    known = ~np.isnan(total)
    if known.sum() < 3 or np.ptp(total[known]) == 0:
        return None
    one = np.zeros(int(known.sum()), dtype=np.int64)
    base = cohort_percentiles(total[known], one)[0]
    found = []
    for weights in drawn:
        other = cohort_percentiles((known_mean(scores[known], weights)[0]) * gate[known], one)[0]
        if np.ptp(other) > 0:
            found.append(float(np.corrcoef(base, other)[0, 1]))
    return float(np.mean(found)) if found else None


def _metadata(profile: Profile, weights: Mapping[str, float], settings: Mapping[str, Any]) -> bytes:
    record = {
        "profile": profile.name, "version": profile.version, "scene": profile.scene, "title": asdict(profile.title),
        "basis": asdict(profile.weight_basis), "gate": profile.gate, "settings": dict(settings),
        "items": [
            {"id": i.id, "dimension": str(i.dimension), "direction": i.direction, "weight": weights[i.id]}
            for i in profile.items
        ],
    }  # fmt: skip
    return json.dumps(record, ensure_ascii=False, sort_keys=True).encode()
