"""Real US patents valued by the same code: finite, ordered, sourced, and frank about what the records do not tell."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from zhirong.evidence.importing import import_files
from zhirong.params import load
from zhirong.tables import Engine, Store
from zhirong.valuation import Purpose, prepare, value_patent, value_patents


@pytest.mark.realdata
def test_real_chinese_lapses_do_not_follow_the_fees_and_the_method_says_so(
    shared_data: Path, duckdb_engine: Engine, tmp_path: Path
) -> None:
    """Lapses of the sample go on at about a tenth a year whatever the fee, which no fee model explains."""
    sample = shared_data / "cn_patent_survival" / "sample_cleaned_sample.csv"
    import_files("sheet", [sample], tmp_path / "store")
    background = prepare(Store.open(tmp_path / "store"), duckdb_engine, as_of=date(2012, 6, 30), book=load())
    value = value_patent(background, "CN1328799", purpose=Purpose.PLEDGE, draws=2_000)
    verdicts = {a.method: a for a in value.admissibility}
    assert not verdicts["renewal"].is_admissible
    assert "do not follow the fees" in verdicts["renewal"].reasons[0].en
    assert {a.name: a for a in value.assumptions}["economic_life"].source.title.startswith("Weibull survival")
    assert value.quantiles[0.95] > value.quantiles[0.05] > 0


@pytest.mark.realdata
def test_real_us_patents_have_a_wide_sourced_interval(shared_data: Path, duckdb_engine: Engine, tmp_path: Path) -> None:
    import_files("uspto-ppubs", [shared_data / "uspto_ppubs" / "patents.csv"], tmp_path / "store")
    background = prepare(Store.open(tmp_path / "store"), duckdb_engine, as_of=date(2020, 6, 30), book=load())
    granted = background.tables["patents"].filter(lambda t: t.grant_date.notnull() & t.filing_date.notnull())
    names = duckdb_engine.to_arrow(
        granted.filter(lambda t: t.right_type == "invention").select("patent_id").order_by("patent_id")
    )["patent_id"].to_pylist()
    for value in value_patents(background, names[::40], purpose=Purpose.PLEDGE, draws=2_000).valuations:
        levels = list(value.quantiles.values())
        assert np.isfinite([*levels, value.mean, value.sd]).all()
        assert levels == sorted(levels)
        assert not value.is_synthetic
        assert all(a.source.title for a in value.assumptions)
        reasons = {a.method: a for a in value.admissibility}
        assert not reasons["relief_from_royalty"].is_admissible, "the records hold no revenue"
        assert value.unknown, "what is missing is named"
        if value.facts["is_alive"] is False:
            assert levels[-1] == 0.0
        else:
            assert levels[-1] > 20 * levels[0] > 0, "without revenue the interval is wide"
