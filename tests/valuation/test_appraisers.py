"""Appraisers of the synthetic world: their inflation is found, their opinions are corrected, and nothing later is used."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from zhirong.indicators import evidence_at
from zhirong.kernel.errors import NotAdmissibleError
from zhirong.params import load
from zhirong.sample import write_world
from zhirong.tables import Store
from zhirong.valuation import Purpose, prepare, value_patent
from zhirong.valuation.appraisers import AppraiserPanel, appraiser_panel, opinion_draws

AS_OF = date(2023, 12, 31)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return write_world(tmp_path_factory.mktemp("appraisers") / "world", patent_count=12_000, seed=2)


@pytest.fixture(scope="module")
def tables(world: Store, duckdb_engine):
    return evidence_at(world.read_all(duckdb_engine), AS_OF)


@pytest.fixture(scope="module")
def panel(tables, duckdb_engine) -> AppraiserPanel:
    return appraiser_panel(tables, duckdb_engine, as_of=AS_OF)


def test_the_inflation_of_private_appraisers_is_found(panel: AppraiserPanel) -> None:
    """The world's private appraisers exceed public ones by exp(0.35), foreign ones fall short by exp(-0.1)."""
    assert panel.fit is not None
    gap = panel.fit.group_bias[:, 1] - panel.fit.group_bias[:, 2]
    assert sorted(panel.inflation) == ["foreign", "private", "public"]
    low, high = np.quantile(gap, [0.025, 0.975])
    assert low < 0.35 < high
    assert low > 0
    assert panel.evidence_count > 30


def test_opinions_are_corrected_and_shown_with_their_weight(world: Store, panel, duckdb_engine) -> None:
    rows = pq.read_table(world.file("opinions"))
    recent = pc.and_(
        pc.greater(rows["opinion_date"], pa.scalar(date(2022, 6, 1))), pc.less(rows["opinion_date"], pa.scalar(AS_OF))
    )
    chosen = rows.filter(
        pc.and_(recent, pc.and_(pc.is_valid(rows["value"]), pc.equal(rows["appraiser_kind"], "private")))
    )
    patent = chosen["patent_id"][0].as_py()
    value = opinion_draws(panel, patent, as_of=AS_OF, count=4_000)
    stated = np.mean([np.log(opinion.value_cny) for opinion in value.opinions if opinion.kind == "private"])
    assert np.median(np.log(value.draws)) < stated
    assert 0 < sum(value.weights) < 1
    assert len(value.weights) == len(value.opinions)
    assert all(opinion.dated <= AS_OF and opinion.source_id for opinion in value.opinions)
    valued = value_patent(
        prepare(world, duckdb_engine, as_of=AS_OF, book=load()), patent, purpose=Purpose.PLEDGE, draws=1_000
    )
    (method,) = (m for m in valued.methods if m.method == "appraisals")
    assert method.weight > 0


def test_nothing_later_changes_an_earlier_panel(
    world: Store, tmp_path: Path, duckdb_engine, panel: AppraiserPanel
) -> None:
    cut = dict(world.read_all(duckdb_engine))
    rows = pq.read_table(world.file("opinions"))
    kept = rows.filter(pc.less_equal(rows["opinion_date"], pa.scalar(AS_OF)))
    assert kept.num_rows < rows.num_rows
    pq.write_table(kept, tmp_path / "opinions.parquet")
    cut["opinions"] = duckdb_engine.read(tmp_path / "opinions.parquet")
    again = appraiser_panel(evidence_at(cut, AS_OF), duckdb_engine, as_of=AS_OF)
    assert again.records == panel.records


def test_few_opinions_and_old_ones_are_refused_in_words(world: Store, panel, duckdb_engine) -> None:
    early = appraiser_panel(
        evidence_at(world.read_all(duckdb_engine), date(2001, 6, 1)), duckdb_engine, as_of=date(2001, 6, 1)
    )
    assert early.fit is None
    assert "are needed" in early.reason
    with pytest.raises(NotAdmissibleError, match="appraisers: "):
        opinion_draws(early, "CN1", as_of=AS_OF, count=10)
    with pytest.raises(NotAdmissibleError, match="within 3 years"):
        opinion_draws(panel, "CN1", as_of=AS_OF, count=10)
