"""Every safe operator means the same on both engines, and what its Python twin says."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from datetime import date, timedelta

import ibis
import numpy as np
import pyarrow as pa
import pytest

from zhirong.kernel.dates import whole_years
from zhirong.tables import Engine, safe

DAYS = [
    date(2000, 2, 29),
    date(2001, 2, 28),
    date(2004, 2, 28),
    date(2004, 2, 29),
    date(2019, 12, 31),
    date(2020, 2, 29),
    date(1999, 3, 1),
]
DAYS += [date(1980, 1, 1) + timedelta(days=int(d)) for d in np.random.default_rng(5).integers(0, 20_000, 30)]


def table(engine: Engine, **columns: pa.Array) -> ibis.Table:
    return engine.facts(pa.table(columns))


def column(engine: Engine, t: ibis.Table, value: ibis.Value) -> list:
    return [r["v"] for r in sorted(engine.to_arrow(t.select("k", v=value)).to_pylist(), key=lambda r: r["k"])]


def test_whole_years_and_days_equal_the_kernel(engine: Engine) -> None:
    pairs = [(a, b) for a in DAYS for b in DAYS] + [(None, DAYS[0]), (DAYS[0], None)]
    t = table(
        engine, k=pa.array(range(len(pairs)), pa.int64()), a=pa.array([p[0] for p in pairs], pa.date32()),
        b=pa.array([p[1] for p in pairs], pa.date32()),
    )  # fmt: skip
    expected = [whole_years(a, b) if a and b else None for a, b in pairs]
    assert column(engine, t, safe.whole_years(t.a, t.b)) == expected
    assert column(engine, t, safe.days_between(t.a, t.b)) == [(b - a).days if a and b else None for a, b in pairs]


def test_days_are_added(engine: Engine) -> None:
    pairs = [(a, n) for a in DAYS for n in (0, 1, -1, 59, 366, 4000, None)] + [(None, 3)]
    t = table(
        engine, k=pa.array(range(len(pairs)), pa.int64()), a=pa.array([p[0] for p in pairs], pa.date32()),
        n=pa.array([p[1] for p in pairs], pa.int64()),
    )  # fmt: skip
    expected = [a + timedelta(days=n) if a is not None and n is not None else None for a, n in pairs]
    assert column(engine, t, safe.plus_days(t.a, t.n)) == expected


def test_division_logarithm_and_root_are_null_where_undefined(engine: Engine) -> None:
    xs = [0.0, -0.0, 1.0, -4.0, 4.0, 1e300, None]
    pairs = [(a, b) for a in xs for b in xs]
    t = table(
        engine, k=pa.array(range(len(pairs)), pa.int64()), a=pa.array([p[0] for p in pairs], pa.float64()),
        b=pa.array([p[1] for p in pairs], pa.float64()),
    )  # fmt: skip
    assert column(engine, t, safe.divide(t.a, t.b)) == [None if a is None or not b else a / b for a, b in pairs]
    for got, (x, _) in zip(column(engine, t, safe.log(t.a)), pairs, strict=True):
        assert (got is None) == (not x or x <= 0)
        assert got is None or got == pytest.approx(math.log(x), rel=1e-12)
    assert column(engine, t, safe.sqrt(t.a)) == [None if a is None or a < 0 else math.sqrt(a) for a, _ in pairs]


def test_whole_numbers_divide_as_fractions(engine: Engine) -> None:
    t = table(engine, k=pa.array([0, 1], pa.int64()), a=pa.array([1, 3], pa.int64()), b=pa.array([2, 0], pa.int64()))
    assert column(engine, t, safe.divide(t.a, t.b)) == [0.5, None]


def test_hash_is_the_digest_of_the_text(engine: Engine) -> None:
    texts = ["a", "专利", "", None]
    t = table(engine, k=pa.array(range(4), pa.int64()), a=pa.array(texts, pa.string()))
    assert column(engine, t, safe.stable_hash(t.a)) == [
        hashlib.md5(x.encode()).hexdigest() if x is not None else None for x in texts
    ]


GROUPS = ["x", "x", "x", "y", "y", "z", "w"]
VALUES = ["b", "a", "a", "c", "d", None, "q"]
ORDER = [3, 1, None, 5, 2, 1, None]


def test_first_last_and_mode_have_total_orders(engine: Engine) -> None:
    t = table(engine, g=pa.array(GROUPS), v=pa.array(VALUES, pa.string()), o=pa.array(ORDER, pa.int64()))
    first = engine.to_arrow(safe.first(t, by=["g"], order_by=[ibis.asc(t.o, nulls_first=False)])).to_pylist()
    assert {r["g"]: r["v"] for r in first} == {"x": "a", "y": "d", "z": None, "w": "q"}
    last = engine.to_arrow(safe.last(t, by=["g"], order_by=["o"])).to_pylist()
    assert {r["g"]: r["v"] for r in last} == {"x": "b", "y": "c", "z": None, "w": "q"}
    modes = {r["g"]: (r["v"], r["v_tied"]) for r in engine.to_arrow(safe.mode(t, by=["g"], value="v")).to_pylist()}
    expected = {}
    for group in set(GROUPS):
        counts = Counter(v for g, v in zip(GROUPS, VALUES, strict=True) if g == group and v is not None)
        if counts:
            top = max(counts.values())
            best = sorted(v for v, n in counts.items() if n == top)
            expected[group] = (best[0], len(best) > 1)
    assert modes == expected


def test_as_of_join_takes_the_latest_row_that_is_not_later(engine: Engine) -> None:
    left = table(engine, k=pa.array([1, 2, 3, 4], pa.int64()), p=pa.array(["a", "a", "b", "c"]),
                 d=pa.array([date(2020, 1, 5), date(2020, 1, 1), date(2020, 1, 9), date(2020, 1, 9)], pa.date32()))  # fmt: skip
    right = table(engine, p=pa.array(["a", "a", "b"]), since=pa.array([date(2020, 1, 2), date(2020, 1, 5), date(2020, 2, 1)], pa.date32()),
                  rate=pa.array([1.0, 2.0, 3.0]))  # fmt: skip
    joined = safe.asof_join(left, right, by=["p"], left_on="d", right_on="since", key=["k"])
    rows = sorted(engine.to_arrow(joined).to_pylist(), key=lambda r: r["k"])
    assert [(r["k"], r["rate"]) for r in rows] == [(1, 2.0), (2, None), (3, None), (4, None)]
    assert rows[0].keys() == {"k", "p", "d", "since", "rate"}
