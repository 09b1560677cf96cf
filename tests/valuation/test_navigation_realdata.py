"""Navigation of real US patents: figures add up, and what the export does not hold is unknown, never zero."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from zhirong.evidence.importing import import_files
from zhirong.params import load
from zhirong.tables import Engine, Store
from zhirong.valuation.navigation import Scope, ScopeKind, navigate


@pytest.mark.realdata
def test_a_real_class_is_surveyed_and_silence_is_unknown(
    shared_data: Path, duckdb_engine: Engine, tmp_path: Path
) -> None:
    import_files("uspto-ppubs", [shared_data / "uspto_ppubs" / "patents.csv"], tmp_path / "store")
    scope = Scope(ScopeKind.CLASS, ("H01L",))
    nav = navigate(
        Store.open(tmp_path / "store"), duckdb_engine, scope, as_of=date(2020, 6, 30), book=load(), home="US"
    )
    assert nav.patents > 100
    assert nav.patents == nav.in_force + nav.pending + nav.dead + nav.status_unknown
    assert sum(nav.growth.counts) + nav.growth.partial[1] + nav.growth.undated == nav.patents
    assert "Silicon Genesis Corporation" in [h.name for h in nav.holders[:3]]
    assert nav.concentration.cr4.low < nav.concentration.cr4.value < nav.concentration.cr4.high
    d = nav.dependence
    assert d.rights.value is None, "the export has no country of owners"
    assert d.unknown > 0
    assert (d.rights_low, d.rights_high) == (0.0, 1.0)
    assert d.citations.value is None, "the export has no citations"
    assert nav.movement.law.cases == 0
    assert nav.freedom is None
    assert not nav.is_synthetic
