"""Scores: percentiles by hand and brute force, unknown items, intervals, margins, gates, determinism."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhirong.indicators.catalogue import AS_OF_KEY
from zhirong.indicators.scoring import Profile, grade_of, parse_profile, read_score, read_scores, score
from zhirong.indicators.scoring.arithmetic import (
    cohort_percentiles,
    grades,
    known_mean,
    score_spread,
    weight_margins,
)
from zhirong.kernel.errors import DomainError, SchemaError, UnknownNameError

AS_OF = date(2024, 6, 30)

PROFILE = """
scene: management
title: {zh: 测试, en: Test}
note: {zh: 测试, en: test}
%s
weights:
  origin: fixed
  source: {title: a test, grade: assumed}
  concentration: %s
items:
  - {id: oecd.claims, weight: 2}
  - {id: oecd.grant_lag, weight: 1}
  - {id: oecd.scope, weight: 1}
"""


def _profile(extra: str = "", concentration: float = 100.0, text: str = PROFILE) -> Profile:
    return parse_profile(text % (extra, concentration), name="test")


def _table(count: int, *, seed: int = 0, holes: float = 0.2) -> pa.Table:
    rng = np.random.default_rng(seed)

    def column(values: np.ndarray) -> pa.Array:
        return pa.array(values, mask=rng.random(count) < holes)

    return pa.table(
        {
            "patent_id": [f"US{i:07d}" for i in range(count)],
            "filing_year": pa.array(rng.integers(2000, 2003, count)),
            "oecd__technology_field": pa.array(rng.integers(1, 3, count)),
            "oecd__claims": column(rng.integers(1, 30, count)),
            "oecd__grant_lag": column(rng.integers(200, 2000, count)),
            "oecd__scope": column(rng.integers(1, 6, count)),
            "legal__in_force": column(rng.random(count) < 0.8),
        }
    )


def test_grade_limits_follow_the_standard() -> None:
    scores = [100, 80.01, 80, 60, 59.99, 40, 39.99, 20, 19.99, 0]
    assert [grade_of(s) for s in scores] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert grades(np.array([*scores, np.nan])).tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 0]


@given(st.lists(st.tuples(st.integers(0, 3), st.one_of(st.none(), st.integers(0, 5))), max_size=40))
def test_percentiles_equal_brute_force(rows: list[tuple[int, int | None]]) -> None:
    values = np.array([np.nan if v is None else float(v) for _, v in rows])
    cohorts = np.array([c for c, _ in rows], dtype=np.int64)
    got, counts = cohort_percentiles(values, cohorts)
    for i, (cohort, value) in enumerate(rows):
        peers = [v for c, v in rows if c == cohort and v is not None]
        if value is None:
            assert np.isnan(got[i])
            assert counts[i] == 0
        else:
            expected = 100 * (sum(v < value for v in peers) + 0.5 * sum(v == value for v in peers)) / len(peers)
            assert got[i] == pytest.approx(expected)
            assert counts[i] == len(peers)


def test_score_of_a_small_table_by_hand(tmp_path: Path) -> None:
    table = pa.table(
        {
            "patent_id": ["A", "B", "C", "D"],
            "oecd__claims": pa.array([10, 20, 30, 40]),
            "oecd__grant_lag": pa.array([100, 200, 300, None]),
            "oecd__scope": pa.array([1, None, 1, None]),
        }
    )
    run = score(table, _profile(), as_of=AS_OF, out=tmp_path / "s.parquet")
    rows = {r["patent_id"]: r for r in pq.read_table(run.path).to_pylist()}
    # Claims 12.5, 37.5, 62.5, 87.5; lag is better when small: 83.33, 50, 16.67; scope ties at 50. Weights 2, 1, 1.
    assert rows["A"]["score"] == pytest.approx((2 * 12.5 + 250 / 3 + 50) / 4)
    assert rows["B"]["score"] == pytest.approx((2 * 37.5 + 50) / 3)
    assert rows["D"]["score"] == pytest.approx(87.5)
    assert [rows[k]["coverage"] for k in "ABCD"] == [1.0, 0.75, 1.0, 0.5]
    assert [rows[k]["grade"] for k in "ABCD"] == [4, 3, 3, 1]
    assert [rows[k]["rank"] for k in "ABCD"] == [4, 3, 2, 1]
    assert rows["A"]["economic"] is None
    assert rows["A"]["cohort"] == "all"
    assert run.scored_count == 4


def test_indicators_of_another_day_are_refused(tmp_path: Path) -> None:
    for day, name in ((date(2024, 6, 30), "same"), (date(2025, 1, 1), "later")):
        table = _table(20).replace_schema_metadata({AS_OF_KEY: day.isoformat()})
        pq.write_table(table, tmp_path / f"{name}.parquet")
    assert score(tmp_path / "same.parquet", _profile(), as_of=AS_OF, out=tmp_path / "s.parquet").row_count == 20
    with pytest.raises(DomainError, match="computed for 2025-01-01, not for 2024-06-30"):
        score(tmp_path / "later.parquet", _profile(), as_of=AS_OF, out=tmp_path / "t.parquet")


def test_unknown_items_reduce_confidence_not_the_score(tmp_path: Path) -> None:
    table = _table(400, holes=0.0)
    full = score(table, _profile(), as_of=AS_OF, out=tmp_path / "a.parquet")
    scope = pa.array([None if i < 10 else v for i, v in enumerate(table.column("oecd__scope").to_pylist())])
    holed = table.set_column(table.column_names.index("oecd__scope"), "oecd__scope", scope)
    less = score(holed, _profile(), as_of=AS_OF, out=tmp_path / "b.parquet")
    a, b = (pq.read_table(run.path).slice(0, 10).to_pylist() for run in (full, less))
    for one, other in zip(a, b, strict=True):
        assert other["coverage"] == pytest.approx(0.75)
        assert other["confidence"] <= 0.75
        # The mean of the known items, not a mean with zeros.
        known = (2 * one["oecd__claims__score"] + one["oecd__grant_lag__score"]) / 3
        assert other["score"] == pytest.approx(known)
        assert other["score_high"] - other["score_low"] > one["score_high"] - one["score_low"]


def test_nothing_known_is_unknown_not_zero(tmp_path: Path) -> None:
    table = pa.table({"patent_id": ["A", "B"], "oecd__claims": pa.array([5, None])})
    run = score(table, _profile(), as_of=AS_OF, out=tmp_path / "s.parquet")
    row = pq.read_table(run.path).to_pylist()[1]
    assert [row[k] for k in ("score", "score_low", "score_high", "grade", "rank", "margin")] == [None] * 6
    assert row["coverage"] == 0
    assert set(run.missing_columns) == {"oecd.grant_lag", "oecd.scope"}
    assert read_score(run.path, "B").grade is None


@given(st.integers(0, 2**31))
def test_intervals_hold_the_score_and_margins_are_exact(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = np.where(rng.random((5, 4)) < 0.25, np.nan, 100 * rng.random((5, 4)))
    weights = rng.dirichlet(np.ones(4))
    share, lower, upper = weight_margins(scores, weights, np.ones(5))
    for i in range(5):
        known = ~np.isnan(scores[i])
        if known.sum() < 2:
            continue
        base = grade_of(float(known_mean(scores[i : i + 1], weights)[0][0]))
        for j in np.flatnonzero(known):
            for edge, sign in ((lower[i, j], -1), (upper[i, j], 1)):
                start, limit = share[i, j], 0.0 if sign < 0 else 1.0
                goal = limit if np.isnan(edge) else edge
                moved = start + (goal - start) * np.array([0.0, 0.5, 0.999])
                rest = (known_mean(scores[i : i + 1], weights)[0][0] - start * scores[i, j]) / (1 - start)
                totals = moved * scores[i, j] + (1 - moved) * rest
                assert {grade_of(float(t)) for t in totals} == {base}
                if not np.isnan(edge) and abs(edge - limit) > 1e-3:
                    beyond = edge + sign * 1e-6
                    after = beyond * scores[i, j] + (1 - beyond) * rest
                    assert grade_of(float(after)) != base or after == pytest.approx(round(after, 3))


def test_interval_and_agreement_equal_those_of_drawn_weights() -> None:
    """Brute force: the closed form against forty thousand Dirichlet draws, known items only and with missing ones."""
    rng = np.random.default_rng(3)
    weights, concentration = rng.dirichlet(np.full(9, 3.0)), 60.0
    scores = np.where(rng.random((12, 9)) < 0.2, np.nan, 100 * rng.random((12, 9)))
    drawn = rng.dirichlet(weights * concentration, size=40_000)
    totals = known_mean(scores, weights)[0]
    got = score_spread(
        scores, weights, totals, np.ones(12), concentration=concentration, level=0.9, missing=(10.0, 90.0)
    )
    for i in range(12):
        known = ~np.isnan(scores[i])
        mean = drawn[:, known] @ scores[i, known] / drawn[:, known].sum(axis=1)
        low, high = np.quantile(mean, [0.05, 0.95])
        worst, best = (np.where(known, scores[i], fill) @ drawn.T for fill in (10.0, 90.0))
        assert got.low[i] == pytest.approx(min(low, np.quantile(worst, 0.05)), abs=0.6)
        assert got.high[i] == pytest.approx(max(high, np.quantile(best, 0.95)), abs=0.6)
        same = np.mean(grades(mean) == grades(totals[i : i + 1]))
        assert got.agreement[i] == pytest.approx(same, abs=0.03)


def test_interval_order_and_limit_of_certain_weights(tmp_path: Path) -> None:
    table = _table(300)
    run = score(table, _profile(concentration=50), as_of=AS_OF, out=tmp_path / "a.parquet")
    rows = [r for r in pq.read_table(run.path).to_pylist() if r["score"] is not None]
    assert all(0 <= r["score_low"] <= r["score"] <= r["score_high"] <= 100 for r in rows)
    assert all(r["grade_best"] <= r["grade"] <= r["grade_worst"] for r in rows)
    sure = score(table, _profile(concentration=1e9), as_of=AS_OF, out=tmp_path / "b.parquet")
    complete = [r for r in pq.read_table(sure.path).to_pylist() if r["coverage"] == pytest.approx(1)]
    assert complete
    assert all(r["score_high"] - r["score_low"] < 0.05 for r in complete)
    assert sure.rank_correlation == pytest.approx(1, abs=1e-4)
    assert run.rank_correlation is not None
    assert 0.7 < run.rank_correlation < 1


def test_a_right_that_lapsed_scores_zero_and_unknown_does_not_multiply(tmp_path: Path) -> None:
    table = _table(200)
    plain = score(table, _profile(), as_of=AS_OF, out=tmp_path / "a.parquet")
    gated = score(table, _profile("gate: legal.in_force"), as_of=AS_OF, out=tmp_path / "b.parquet")
    force = table.column("legal__in_force").to_pylist()
    pairs = zip(force, pq.read_table(plain.path).to_pylist(), pq.read_table(gated.path).to_pylist(), strict=True)
    seen = set()
    for alive, one, other in pairs:
        if one["score"] is None:
            continue
        seen.add(alive)
        assert other["score"] == (0 if alive is False else pytest.approx(one["score"]))
    assert seen == {True, False, None}


def test_small_cohorts_are_merged(tmp_path: Path) -> None:
    table = _table(120, holes=0.0)  # six cohorts of about twenty: years of about forty
    run = score(table, _profile(), as_of=AS_OF, out=tmp_path / "a.parquet")
    sizes = pq.read_table(run.path).column("oecd__claims__cohort_size").to_pylist()
    years = table.column("filing_year").to_pylist()
    assert sizes == [years.count(y) if years.count(y) >= 30 else 120 for y in years]


def test_filing_year_may_come_from_the_patents_table(tmp_path: Path) -> None:
    table = _table(120, holes=0.0).drop_columns(["oecd__technology_field"])
    dates = [date(y, 5, 1) for y in table.column("filing_year").to_pylist()]
    patents = pa.table({"patent_id": table.column("patent_id"), "filing_date": pa.array(dates)})
    one = score(table, _profile(), as_of=AS_OF, out=tmp_path / "a.parquet")
    bare = table.drop_columns(["filing_year"])
    other = score(bare, _profile(), as_of=AS_OF, out=tmp_path / "b.parquet", patents=patents)
    assert pq.read_table(one.path).equals(pq.read_table(other.path))


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    table = _table(50)
    paths = [score(table, _profile(), as_of=AS_OF, out=tmp_path / f"{i}.parquet", seed=7).path for i in range(2)]
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize("origin", ["entropy", "critic"])
def test_weights_from_the_data(tmp_path: Path, origin: str) -> None:
    text = PROFILE.replace("origin: fixed", f"origin: {origin}")
    run = score(_table(200), _profile(text=text), as_of=AS_OF, out=tmp_path / "a.parquet")
    assert sum(run.weights.values()) == pytest.approx(1)
    hollow = _table(5, holes=1.0)
    with pytest.raises(DomainError, match="at least two patents"):
        score(hollow, _profile(text=text), as_of=AS_OF, out=tmp_path / "b.parquet")


def test_topsis_ranking(tmp_path: Path) -> None:
    run = score(_table(100, holes=0.1), _profile("ranking: topsis"), as_of=AS_OF, out=tmp_path / "a.parquet")
    rows = pq.read_table(run.path).to_pylist()
    ranked = sorted((r for r in rows if r["rank"] is not None), key=lambda r: r["rank"])
    closeness = [r["closeness"] for r in ranked]
    assert closeness == sorted(closeness, reverse=True)
    assert all((r["closeness"] is None) == (r["coverage"] < 1) for r in rows)


def test_record_of_one_patent(tmp_path: Path) -> None:
    run = score(_table(60), _profile("gate: legal.in_force"), as_of=AS_OF, out=tmp_path / "a.parquet")
    for row in pq.read_table(run.path).to_pylist():
        got = read_score(run.path, row["patent_id"])
        assert (got.total, got.grade, got.coverage) == (row["score"], row["grade"], row["coverage"])
        assert sum(r.weight or 0 for r in got.readings) == pytest.approx(1)
        moves = [abs(edge - m.weight) for m in got.margins for edge in (m.lower, m.upper) if edge is not None]
        if row["margin"] is not None:
            assert min(moves) == pytest.approx(row["margin"], abs=1e-9)
    assert len(read_scores(run.path, ["US0000001", "US0000002"])) == 2


def test_misuse_is_named(tmp_path: Path) -> None:
    out = tmp_path / "a.parquet"
    with pytest.raises(SchemaError, match="patent_id"):
        score(pa.table({"x": [1]}), _profile(), as_of=AS_OF, out=out)
    with pytest.raises(SchemaError, match="none of the indicators"):
        score(pa.table({"patent_id": ["A"]}), _profile(), as_of=AS_OF, out=out)
    with pytest.raises(SchemaError, match="cohort column"):
        score(_table(3), _profile(), as_of=AS_OF, out=out, cohort_columns=["region"])
    with pytest.raises(DomainError, match="level"):
        score(_table(3), _profile(), as_of=AS_OF, out=out, level=1.5)
    run = score(_table(3), _profile(), as_of=AS_OF, out=out)
    with pytest.raises(UnknownNameError):
        read_score(run.path, "US9")
    pq.write_table(_table(3), tmp_path / "plain.parquet")
    with pytest.raises(SchemaError, match="not a file of scores"):
        read_score(tmp_path / "plain.parquet", "US0000001")


def test_shipped_profile_scores_an_empty_and_a_one_row_table(tmp_path: Path) -> None:
    one = score(_table(1, holes=0.0), "management", as_of=AS_OF, out=tmp_path / "a.parquet")
    assert pq.read_table(one.path).column("oecd__claims__percentile").to_pylist() == [50.0]
    none = score(_table(0), "management", as_of=AS_OF, out=tmp_path / "b.parquet")
    assert none.row_count == 0
