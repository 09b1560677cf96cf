"""The synthetic world resembles the published facts it names, is reproducible, and says what it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from zhirong.sample import FACTS, SOURCE_ID, latent_values, write_world
from zhirong.sample.draw import FIRST_DAY, LAST_DAY, OFFICES, draw_citations, draw_patents
from zhirong.tables import CANONICAL, Store

COUNT, SEED = 20_000, 11


@pytest.fixture(scope="module")
def drawn():
    rng = np.random.default_rng(SEED)
    patents = draw_patents(rng, COUNT, 800)
    return patents, draw_citations(rng, patents)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return write_world(tmp_path_factory.mktemp("sample") / "world", patent_count=1_500, seed=SEED)


def close(name: str, value: float) -> None:
    fact = FACTS[name]
    assert value == pytest.approx(fact.value, abs=fact.tolerance), name


def test_value_is_as_skewed_as_the_survey_says(drawn) -> None:
    patents, _ = drawn
    close("log_value_sigma", patents.log_value.std())
    ratio = np.exp(patents.log_value).mean() / np.median(np.exp(patents.log_value))
    assert 6 < ratio < 16, "PatVal: the mean is about ten times the median"


def test_citations_have_the_published_mean_lag_and_tail(drawn) -> None:
    patents, (citing, cited) = drawn
    mature = patents.publication > FIRST_DAY + 12 * 365
    close("backward_citation_mean_count", np.bincount(citing, minlength=COUNT)[mature].mean())
    close("citation_lag_median_years", np.median(patents.publication[citing] - patents.publication[cited]) / 365.25)
    degree = np.bincount(cited, minlength=COUNT)
    tail = degree[degree >= 30]
    close("citation_in_degree_tail_exponent", 1 + len(tail) / np.log(tail / 29.5).sum())
    assert (patents.publication[cited] <= patents.publication[citing]).all(), "nobody cites the future"


def test_lapses_have_the_quartiles_of_the_chinese_sample(drawn) -> None:
    patents, _ = drawn
    age = (patents.lapse - patents.filing) / 365.25
    yearly = OFFICES[patents.office] != "US"
    old = yearly & (patents.lapse >= 0) & (patents.kind == 0) & (patents.filing < FIRST_DAY + 5 * 365) & (age < 19.5)
    lower, median, upper = np.quantile(age[old], [0.25, 0.5, 0.75])
    close("lapse_age_lower_quartile_years", lower)
    close("lapse_age_median_years", median)
    close("lapse_age_upper_quartile_years", upper)


def test_us_patents_end_at_the_anniversaries_of_unpaid_fees(drawn) -> None:
    patents, _ = drawn
    ended = (OFFICES[patents.office] == "US") & (patents.lapse >= 0)
    since_grant = (patents.lapse - patents.grant)[ended] / 365.25
    from_filing = (patents.lapse - patents.filing)[ended] / 365.25
    at_fee = (np.abs(since_grant[:, None] - np.array([4, 8, 12])) < 0.01).any(axis=1)
    assert (at_fee | (np.abs(from_filing - 20) < 0.01)).all()
    assert {4, 8, 12} <= set(np.round(since_grant[at_fee]).astype(int))


def test_indicators_explain_little_of_value(drawn) -> None:
    patents, (_, cited) = drawn
    features = np.c_[np.ones(COUNT), np.log1p(np.bincount(cited, minlength=COUNT)), patents.claims, patents.family]
    fit, *_ = np.linalg.lstsq(features, patents.log_value, rcond=None)
    r2 = 1 - (patents.log_value - features @ fit).var() / patents.log_value.var()
    assert 0.005 < r2 < FACTS["indicator_r2_on_log_value_max"].value


def test_every_table_has_rows_and_every_row_says_synthetic(world: Store) -> None:
    for name in CANONICAL:
        table = pq.read_table(world.file(name))
        assert table.num_rows > 0, name
        assert pc.unique(table["source_id"]).to_pylist() == [SOURCE_ID], name
    assert world.manifest.is_synthetic


def test_keys_are_unique_and_dates_end_in_the_world(world: Store) -> None:
    last = np.datetime64(LAST_DAY, "D").astype(object)
    for name, schema in CANONICAL.items():
        table = pq.read_table(world.file(name))
        assert len(table.group_by(list(schema.key)).aggregate([])) == table.num_rows, name
    for column in ("filing_date", "publication_date", "grant_date"):
        assert pc.max(pq.read_table(world.file("patents"))[column]).as_py() <= last


def test_unsold_lots_are_as_common_as_published() -> None:
    patents = draw_patents(np.random.default_rng(3), 120_000, 800)
    from zhirong.sample import market

    table = market.makers(np.random.default_rng(4), patents)["deals"]()
    lots = table.filter(pc.equal(table["deal_type"], "auction_lot"))
    close("auction_unsold_share", 1 - pc.mean(lots["is_sold"].cast("int64")).as_py())


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(world: Store, tmp_path: Path) -> None:
    again = write_world(tmp_path / "again", patent_count=1_500, seed=SEED)
    other = write_world(tmp_path / "other", patent_count=1_500, seed=SEED + 1)
    assert again.fingerprints() == world.fingerprints()
    assert (again.path / "manifest.json").read_bytes() == (world.path / "manifest.json").read_bytes()
    assert other.fingerprints()["patents"] != world.fingerprints()["patents"]


def test_the_latent_value_is_known_to_tests_and_not_in_the_store(world: Store) -> None:
    values = latent_values(1_500, SEED)
    assert values.keys() == set(pq.read_table(world.file("patents"))["patent_id"].to_pylist())
    assert not any("latent" in column for schema in CANONICAL.values() for column in schema.names)


def test_a_world_that_is_too_small_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="at least 100"):
        write_world(tmp_path / "w", patent_count=10)
