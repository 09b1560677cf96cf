"""Joining frames: a table with itself, absent rows, two keys."""

from __future__ import annotations

import pyarrow as pa

from zhirong.indicators.frames import attach
from zhirong.tables import Engine


def test_self_join_of_a_computed_column_keeps_both_sides_apart(engine: Engine) -> None:
    """Without a view Ibis 12 reads `own` from the right side here, and says nothing."""
    t = engine.facts(pa.table({"k": [1, 2, 3], "up": pa.array([None, 1, 2], pa.int64())}))
    keys = engine.facts(pa.table({"k": [1, 2, 3]}))
    left = t.semi_join(keys, "k").select("k", key="up", own=t.up.notnull().cast("int64"))
    right = left.select(key="k", theirs="own")
    rows = engine.to_arrow(attach(left, right, on="key")).to_pylist()
    got = {row["k"]: (row["own"], row["theirs"]) for row in rows}
    assert got == {1: (0, None), 2: (1, 0), 3: (1, 1)}


def test_several_tables_on_two_keys(engine: Engine) -> None:
    left = engine.facts(pa.table({"a": [1, 1, 2], "b": ["x", "y", "x"]}))
    one = engine.facts(pa.table({"a": [1, 2], "b": ["x", "x"], "n": [10, 20]}))
    two = engine.facts(pa.table({"a": [1], "b": ["y"], "m": [7]}))
    rows = engine.to_arrow(attach(left, one, two, on=["a", "b"])).to_pylist()
    assert sorted((r["a"], r["b"], r["n"], r["m"]) for r in rows if r["b"] == "x") == [
        (1, "x", 10, None),
        (2, "x", 20, None),
    ]
    assert [(r["n"], r["m"]) for r in rows if r["b"] == "y"] == [(None, 7)]
