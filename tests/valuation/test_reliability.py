"""Weights and widths learned from prices: found again, shrunk where prices are few, kept beside the store, blind to the future."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from zhirong.params import load
from zhirong.sample import latent_values, write_world
from zhirong.tables import CANONICAL, Rewrite, Store
from zhirong.valuation import Purpose, prepare, value_patent
from zhirong.valuation.background import Background
from zhirong.valuation.reliability import (
    LABELS_MIN,
    PricedValue,
    fit_pool,
    priced_values,
    sales_before,
    with_learned_pool,
)

AS_OF = date(2022, 6, 30)
ASKED = ("relief_from_royalty", "survey_prior", "market")
DECLARED = {"relief_from_royalty": 0.6, "survey_prior": 0.4, "option": 0.0}


def labels(count: int, *, seed: int = 1) -> list[PricedValue]:
    """Prices that follow the survey's law; the income method is sure of something else, and missing now and then."""
    rng = np.random.default_rng(seed)
    found = []
    for i in range(count):
        draws = {
            "survey_prior": np.exp(rng.normal(14, 1.5, 800)),
            "relief_from_royalty": np.exp(rng.normal(11, 0.5, 800)),
            "option": np.exp(rng.normal(14, 0.1, 800)),
        }
        if i % 5 == 0:
            del draws["relief_from_royalty"]
        found.append(PricedValue(f"D{i:03d}", date(2015, 1, 1) + timedelta(i), float(rng.normal(14, 1.5)), draws))
    return found


def test_the_method_that_foretold_prices_gets_the_weight() -> None:
    found = fit_pool(labels(150), DECLARED, strength=5.0, seed=1)
    assert found is not None
    assert set(found.weights) == {"relief_from_royalty", "survey_prior"}  # declared weight 0 stays 0
    assert found.weights["survey_prior"] > 0.9
    assert found.log_score > found.declared_score + 0.2
    assert (found.labels, found.from_date) == (150, date(2015, 1, 1))
    assert 0.7 < found.transform.a < 1.4


def test_few_prices_teach_little_and_fewer_nothing() -> None:
    few = fit_pool(labels(LABELS_MIN), DECLARED, strength=500.0, seed=1)
    assert few is not None
    assert few.weights["survey_prior"] == pytest.approx(0.4, abs=0.05)
    assert few.transform.a == pytest.approx(1.0, abs=0.1)
    assert fit_pool(labels(LABELS_MIN - 1), DECLARED, strength=5.0, seed=1) is None
    nobody = [replace(x, draws={"option": x.draws["option"]}) for x in labels(40)]
    assert fit_pool(nobody, DECLARED, strength=5.0, seed=1) is None


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A world in which 48 patents were sold at about their latent value, each years after its grant."""
    count, seed = 2_000, 9
    world = write_world(tmp_path_factory.mktemp("reliability") / "world", patent_count=count, seed=seed)
    latent, rng = latent_values(count, seed), np.random.default_rng(2)
    rows = [r for r in pq.read_table(world.file("patents")).to_pylist() if r["right_type"] == "invention"]
    old = [r["patent_id"] for r in rows if r["grant_date"] and r["grant_date"] < date(2013, 1, 1)]
    deals = [
        dict.fromkeys(CANONICAL["deals"].names)
        | {"deal_id": f"S{i:03d}", "patent_id": name, "deal_type": "sale", "patent_count": 1, "currency": "CNY",
           "deal_date": date(2014, 1, 15) + timedelta(60 * i), "price": float(latent[name] * np.exp(rng.normal(0, 0.3))),
           "is_related_party": False, "evidence_grade": "synthetic", "source_id": world.manifest.sources[0].source_id}
        for i, name in enumerate(sorted(old)[:48])
    ]  # fmt: skip
    with Rewrite.begin(world.path) as new, new.sink("deals") as sink:
        sink.write(pa.Table.from_pylist(deals, schema=CANONICAL["deals"].arrow))
    return Store.open(world.path)


@pytest.fixture(scope="module")
def background(store: Store, duckdb_engine) -> Background:
    return prepare(store, duckdb_engine, as_of=AS_OF, book=load())


@pytest.fixture(scope="module")
def learned(background: Background) -> Background:
    return with_learned_pool(background)


def test_only_sales_known_by_the_day_are_learned_from(background: Background, learned) -> None:
    sales = sales_before(background)
    assert len(sales) > LABELS_MIN
    assert all(deal.deal_date <= AS_OF for deal in sales)
    fit = learned.pool
    assert fit.to_date <= AS_OF
    assert fit.labels <= len(sales)
    assert sum(fit.weights.values()) == pytest.approx(1.0)


def test_each_sale_is_valued_without_itself(background: Background) -> None:
    """The price of a sale does not move what was said of its patent before: the same draws with all prices times a thousand."""
    sales = sales_before(background)[-6:]
    one = priced_values(background, sales, only=ASKED, seed=1)
    market = background.market
    dear = replace(background, market=replace(market, book=replace(market.book, priced=())))
    two = priced_values(dear, [replace(d, log_price=d.log_price + np.log(1000)) for d in sales], only=ASKED, seed=1)
    for a, b in zip(one, two, strict=True):
        assert a.draws.keys() == b.draws.keys()
        assert set(a.draws) <= set(ASKED)
        assert all(np.array_equal(a.draws[name], b.draws[name]) for name in a.draws)


def test_what_was_learned_is_kept_and_read_again(background: Background, store: Store, learned, monkeypatch) -> None:
    (file,) = (store.path.parent / f".{store.path.name}.cache").glob("learnedpool-*.bin")
    assert file.stat().st_size > 0

    def never(*args, **kwargs):
        raise AssertionError("valued again")

    monkeypatch.setattr("zhirong.valuation.reliability.priced_values", never)
    assert with_learned_pool(background).pool == learned.pool
    with pytest.raises(AssertionError, match="valued again"):
        with_learned_pool(background, keep=False)


def test_a_value_says_how_its_weights_were_learned(background: Background, learned) -> None:
    names = (deal.patent_ids[0] for deal in reversed(sales_before(background)))
    values = (value_patent(background, name, purpose=Purpose.TRADE, draws=1_000) for name in names)
    plain = next(value for value in values if value.quantiles[0.5] > 0)
    name = plain.subject_id
    taught = value_patent(learned, name, purpose=Purpose.TRADE, draws=1_000)
    assert "declared weight" in plain.methods[0].weight_reason.en
    assert "learned by the log score" in taught.methods[0].weight_reason.en
    assert "对数评分" in taught.methods[0].weight_reason.zh
    assert sum(m.weight for m in taught.methods) == pytest.approx(1.0)
    assert taught.quantiles != plain.quantiles
    draws = {m.method: m.draws for m in taught.methods}
    assert all(np.array_equal(draws[m.method], m.draws) for m in plain.methods)  # methods themselves do not change


def test_a_store_with_few_sales_stays_as_declared(duckdb_engine, tmp_path: Path) -> None:
    world = write_world(tmp_path / "w", patent_count=1_000, seed=3)
    plain = prepare(world, duckdb_engine, as_of=AS_OF, book=load())
    assert with_learned_pool(plain) is plain
    assert not list(tmp_path.rglob("learnedpool-*"))
