"""The local kernel equals the expressions, on random worlds, entry by entry."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from citation_worlds import evidence_of, random_rows, values, write_rows
from zhirong.indicators.catalogue import CATALOGUE, Context
from zhirong.indicators.citation_entries import CITATION_IDS
from zhirong.indicators.citation_local import compute_local
from zhirong.tables import Engine

PARAMS: tuple[dict[str, Any], ...] = (
    {},
    {"cd.compat": "funk", "cd.window_days": 900, "pai.office_weights": {"EP": 2.5}, "citations.generality_years": 4},
)


def compare(expected: dict[str, Any], found: dict[str, Any], name: str) -> None:
    assert expected.keys() == found.keys()
    for patent, (value, flag) in expected.items():
        other, other_flag = found[patent]
        assert flag == other_flag, f"{name} {patent}: {value} {flag} against {other} {other_flag}"
        if value is None or other is None:
            assert value is other, f"{name} {patent}: {value} against {other}"
        else:
            assert value == pytest.approx(other, abs=1e-9, rel=1e-9), f"{name} {patent}"


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("params", PARAMS, ids=["defaults", "options"])
def test_local_kernel_equals_the_expressions(
    seed: int, params: dict[str, Any], duckdb_engine: Engine, tmp_path: Path
) -> None:
    rows = random_rows(np.random.default_rng(seed), patents=90, citations=500)
    evidence = evidence_of(duckdb_engine, write_rows(tmp_path, rows))
    context = Context(date(2010, 6, 30), duckdb_engine, params)
    local = compute_local(evidence, context)
    for id_ in CITATION_IDS:
        expected = values(duckdb_engine, CATALOGUE[id_].compute(evidence, context))
        compare(expected, values(duckdb_engine, local[id_]), id_)
        assert any(value is not None for value, _ in expected.values()), f"{id_} is empty in this world"
