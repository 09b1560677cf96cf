"""Days of term adjustment lengthen the term of the law, once they are known, and in the value as in the indicators."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from indicator_worlds import tables, values
from zhirong.indicators import compute
from zhirong.indicators.asof import evidence_at
from zhirong.params import load
from zhirong.tables import Engine
from zhirong.valuation.subject import _legal_end

D = date
FILED, GRANTED = D(2010, 3, 1), D(2014, 6, 3)


def _p(id_: str, **more: Any) -> dict[str, Any]:
    base = {"patent_id": id_, "office": "US", "right_type": "invention", "kind_code": "B2", "filing_date": FILED,
            "publication_date": D(2011, 9, 1), "grant_date": GRANTED, "source_id": "s"}  # fmt: skip
    return base | more


WORLD = {
    "patents": [
        _p("A", term_extension_days=306),
        _p("B"),  # not stated: the ordinary term
        _p("C", term_extension_days=0),
        _p("D", term_extension_days=306, expiry_date=D(2030, 3, 1)),  # the stated end counts whatever led to it
    ],
    "legal_events": [
        {"event_id": f"f{id_}{n}", "patent_id": id_, "event_kind": "annuity_paid", "event_date": D(2014 + 4 * n, 6, 3),
         "source_id": "s"}
        for id_ in "ABCD" for n in (1, 2)
    ],
}  # fmt: skip


def _remaining(engine: Engine, out: Path, as_of: date) -> dict[str, float | None]:
    compute(tables(engine, WORLD), engine, as_of=as_of, out=out, only=["legal.remaining_life"])
    return {id_: row["legal__remaining_life"] for id_, row in values(out).items()}


@pytest.mark.parametrize(("id_", "end"), [
    ("A", D(2031, 1, 1)), ("B", D(2030, 3, 1)), ("C", D(2030, 3, 1)), ("D", D(2030, 3, 1)),
])  # fmt: skip
def test_the_term_ends_later_by_the_days(duckdb_engine: Engine, tmp_path: Path, id_: str, end: date) -> None:
    as_of = D(2024, 6, 30)
    got = _remaining(duckdb_engine, tmp_path / "out.parquet", as_of)[id_]
    assert got == pytest.approx((end - as_of).days / 365.25)
    row = {"expiry_date": None, "term_extension_days": None} | next(
        p for p in WORLD["patents"] if p["patent_id"] == id_
    )
    assert _legal_end(load(), row) == end


def test_the_days_are_unknown_before_the_grant(duckdb_engine: Engine) -> None:
    def days(as_of: date) -> dict[str, int | None]:
        cut = evidence_at(tables(duckdb_engine, WORLD), as_of)["patents"]
        rows = duckdb_engine.to_arrow(cut.select("patent_id", "term_extension_days")).to_pylist()
        return {row["patent_id"]: row["term_extension_days"] for row in rows}

    assert days(D(2014, 6, 2)) == dict.fromkeys("ABCD")
    assert days(GRANTED) == {"A": 306, "B": None, "C": 0, "D": 306}


def test_a_patent_in_its_added_days_is_alive(duckdb_engine: Engine, tmp_path: Path) -> None:
    got = _remaining(duckdb_engine, tmp_path / "out.parquet", D(2030, 3, 2))
    assert got["B"] == got["C"] == 0.0
    assert got["A"] == pytest.approx(305 / 365.25)
