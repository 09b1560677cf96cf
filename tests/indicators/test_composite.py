"""Composites: the published minimum of one OECD cohort, brute force over cohorts, options, bad options."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from zhirong.indicators.cohort import cohort_percentile
from zhirong.indicators.composite import COMPONENTS, LADDER, _mean, normalise
from zhirong.kernel.errors import DomainError
from zhirong.tables import Engine


def _table(engine: Engine, rows: list[dict[str, Any]]) -> Any:
    schema = pa.schema(
        [
            ("patent_id", pa.string()),
            ("filing_year", pa.int64()),
            ("technology_field", pa.int64()),
            ("sector", pa.string()),
        ]
        + [(name, pa.float64()) for name in COMPONENTS]
    )
    return engine.facts(pa.Table.from_pylist(rows, schema=schema))


def _rows(table: pa.Table) -> dict[str, dict[str, Any]]:
    return {row["patent_id"]: row for row in table.to_pylist()}


@pytest.mark.golden
def test_composite_4_gives_the_published_minimum_of_2000_x_field_6(engine: Engine) -> None:
    """0.0412458 (7 digits): OECD patent quality release 2019-02, EPO cohort summary; (1/18 + 6/88)/3.

    The cohort is made so that its 99th percentiles are those of the release: family 18, claims 88.
    """
    cohort = {"filing_year": 2000, "technology_field": 6, "sector": "Electrical engineering"}
    rows = [cohort | {"patent_id": f"p{i}", "forward": 10.0, "family": 18.0, "claims": 88.0} for i in range(200)]
    rows.append(cohort | {"patent_id": "least", "forward": 0.0, "family": 1.0, "claims": 6.0})
    scaled = normalise(_table(engine, rows), COMPONENTS)
    value, flag = _mean(scaled, ("forward", "family", "claims", "generality"), zero=False)
    got = _rows(engine.to_arrow(scaled.select("patent_id", value=value, flag=flag)))
    assert got["least"]["value"] == pytest.approx(0.0412458, abs=5e-8)
    assert got["least"]["flag"] == "without:generality"
    assert got["p0"]["value"] == pytest.approx(1.0)


def _world(seed: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    for i in range(150):
        # One cohort of each size: large, small within a large sector, small everywhere, unknown.
        year, field, sector = [(2000, 1, "A"), (2000, 2, "A"), (2001, 3, "B"), (2000, None, None)][
            0 if i < 80 else 1 if i < 100 else 2 if i < 120 else 3
        ]
        values = {name: float(rng.integers(0, 40)) if rng.random() < 0.9 else None for name in COMPONENTS}
        keys = {"filing_year": year, "technology_field": field, "sector": sector}
        rows.append({"patent_id": f"p{i:03}"} | keys | values)
    return rows


@pytest.mark.parametrize(("limits", "rescale"), [("p99", "p99"), ("p1_p99", "p99"), ("p99", "minmax")])
def test_normalisation_equals_brute_force(engine: Engine, limits: str, rescale: str) -> None:
    rows = _world(2)
    got = _rows(engine.to_arrow(normalise(_table(engine, rows), COMPONENTS, limits=limits, rescale=rescale)))
    for row in rows:
        for level, keys in enumerate(LADDER):
            peers = [r for r in rows if all(r[k] is not None and r[k] == row[k] for k in keys)]
            if len(peers) >= 30 or level == len(LADDER) - 1:
                break
        flag = got[row["patent_id"]]["cohort_flag"]
        assert flag == (None if level == 0 else "small_cohort:" + ("+".join(LADDER[level]) or "all"))
        for name in COMPONENTS:
            known = [r[name] for r in peers if r[name] is not None]
            low, high = np.quantile(known, [0.01, 0.99])
            x = row[name]
            if x is None:
                assert got[row["patent_id"]][name] is None
                continue
            x = min(x, high)
            if limits == "p1_p99" or rescale == "minmax":
                x = max(x, low)
            expected = x / high if rescale == "p99" else (x - low) / (high - low)
            assert got[row["patent_id"]][name] == pytest.approx(expected, rel=1e-12)


def test_mean_with_zeros_for_missing(duckdb_engine: Engine) -> None:
    row = {"patent_id": "a", "forward": 0.5, "family": 1.0}
    table = _table(duckdb_engine, [row, {"patent_id": "b"}])
    names = ("forward", "family", "claims", "generality")
    for zero, expected in ((True, 0.375), (False, 0.75)):
        value, _ = _mean(table, names, zero=zero)
        got = _rows(duckdb_engine.to_arrow(table.select("patent_id", value=value)))
        assert got["a"]["value"] == pytest.approx(expected)
        assert got["b"]["value"] is None


def test_unknown_option_is_refused(duckdb_engine: Engine) -> None:
    with pytest.raises(DomainError, match="rescale"):
        normalise(_table(duckdb_engine, _world(1)), COMPONENTS, rescale="max")


def test_percentiles_equal_brute_force(engine: Engine) -> None:
    rows = _world(4)
    directions = {"claims": 1, "family": -1}
    got = _rows(engine.to_arrow(cohort_percentile(_table(engine, rows), directions)))
    ladder = (("filing_year", "technology_field"), ("technology_field",), ())
    for row in rows:
        for name, direction in directions.items():
            if row[name] is None:
                assert got[row["patent_id"]][name] is None
                continue
            for level, keys in enumerate(ladder):
                peers = [
                    r[name]
                    for r in rows
                    if r[name] is not None and all(r[k] is not None and r[k] == row[k] for k in keys)
                ]
                if len(peers) >= 30 or level == 2:
                    break
            below = sum(direction * p < direction * row[name] for p in peers)
            equal = sum(p == row[name] for p in peers)
            assert got[row["patent_id"]][name] == pytest.approx(100 * (below + equal / 2) / len(peers))
            assert got[row["patent_id"]][f"{name}_cohort"] == level
