"""Smoke test that both engines are reachable through the fixture."""

import pyarrow as pa

from zhirong.tables import Engine, safe


def test_division_by_zero_is_null(engine: Engine) -> None:
    table = engine.facts(pa.table({"a": pa.array([1, 0, None], pa.int64()), "b": pa.array([0, 0, 2], pa.int64())}))
    assert engine.to_arrow(table.select(q=safe.divide(table.a, table.b)))["q"].to_pylist() == [None, None, None]
