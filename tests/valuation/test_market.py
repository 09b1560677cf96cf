"""The market approach on deals whose prices are planted: found again, honest about doubt, blind to the future and to relatives."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from zhirong.indicators import evidence_at
from zhirong.kernel.errors import NotAdmissibleError
from zhirong.kernel.identifiers import ClassSymbol
from zhirong.kernel.text import Bilingual
from zhirong.params import field_of, load
from zhirong.sample import write_world
from zhirong.tables import CANONICAL, Store
from zhirong.valuation import prepare
from zhirong.valuation.background import Background
from zhirong.valuation.comparables import market_value
from zhirong.valuation.deal_backtest import back_test
from zhirong.valuation.deal_market import DealMarket, prepare_market
from zhirong.valuation.deals import collect_deals, lot_share
from zhirong.valuation.inputs import default_assumptions
from zhirong.valuation.licences import licence_royalty, pooled_rate
from zhirong.valuation.lots import SelectionEffect
from zhirong.valuation.market_types import MarketValue
from zhirong.valuation.similarity import features_of
from zhirong.valuation.subject import Subject, describe
from zhirong.valuation.used import Used

AS_OF = date(2024, 6, 30)
SIGMA, TREND, FAMILY, FIELD_GAP = 0.6, 0.04, 0.5, 1.0
Row = dict[str, Any]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return write_world(tmp_path_factory.mktemp("market") / "world", patent_count=2_500, seed=11)


@pytest.fixture(scope="module")
def patents(world: Store) -> list[Row]:
    """Granted inventions with their field, family and the log price that is true of them in mid-2024."""
    rows = pq.read_table(world.file("patents")).to_pylist()
    classes = {
        c["patent_id"]: c for c in pq.read_table(world.file("classifications")).to_pylist() if c["sequence"] == 1
    }
    sizes: dict[str, int] = {}
    for member in pq.read_table(world.file("families")).to_pylist():
        sizes[member["family_id"]] = sizes.get(member["family_id"], 0) + 1
    found = []
    for row in sorted(rows, key=lambda r: r["patent_id"]):
        known = classes.get(row["patent_id"])
        if (
            row["grant_date"] is None
            or row["right_type"] != "invention"
            or row["grant_date"] > date(2022, 1, 1)
            or not known
        ):
            continue
        field = field_of(ClassSymbol(known["subclass"], known["main_group"])) or 0
        family = sizes.get(row["family_id"], 1)
        level = 14.0 + FAMILY * math.log1p(family) + (FIELD_GAP if field % 2 else 0.0)
        found.append({"patent_id": row["patent_id"], "field": field, "level": level, "grant": row["grant_date"]})
    return found


def plant(patents: list[Row], *, seed: int, count: int = 300, lots: int = 0, rho: float = 0.0) -> list[Row]:
    """Sales at true prices; and lots of which a crowded day and a low price (for rho above 0) leave more unsold."""
    rng = np.random.default_rng(seed)
    old = [p for p in patents if p["grant"] < date(2010, 1, 1)]
    deals = []
    for i in range(count + lots):
        is_lot = i >= count
        patent = (old if is_lot else patents)[int(rng.integers(len(old if is_lot else patents)))]
        day = patent["grant"] + timedelta(days=int(rng.integers(1, (AS_OF - patent["grant"]).days - 100)))
        if is_lot:  # three of four lots in even years, so that a lot's chance depends on the crowd
            day = date(2010 + 2 * int(rng.integers(0, 7)) + int(rng.random() < 0.25), 6, 15)
        u = rng.normal()
        noise = rho * u + math.sqrt(1 - rho**2) * rng.normal()
        price = math.exp(patent["level"] + TREND * (day - AS_OF).days / 365.25 + SIGMA * noise)
        crowded = day.year % 2 == 0
        sold = not is_lot or (0.2 - (1.2 if crowded else -1.0) + u > 0)
        deals.append({
            "deal_id": f"P{i:04d}", "patent_id": patent["patent_id"], "deal_type": "auction_lot" if is_lot else "sale",
            "deal_date": day, "patent_count": 1, "is_sold": sold, "price": price if sold else None, "currency": "CNY",
            "is_related_party": False, "evidence_grade": "synthetic",
        })  # fmt: skip
    return deals


def licence(i: int, patent: Row, rate: float) -> Row:
    return {
        "deal_id": f"L{i:04d}", "patent_id": patent["patent_id"], "deal_type": "licence", "deal_date": date(2023, 3, 1),
        "patent_count": 1, "royalty_rate": rate, "is_related_party": False, "evidence_grade": "published",
    }  # fmt: skip


@pytest.fixture(scope="module")
def store_with(world: Store, duckdb_engine) -> Callable[..., Background]:
    """The world with other deals, cut at a day like any evidence."""
    prepared: dict[date, Background] = {}

    def make(deals: list[Row], *, as_of: date = AS_OF) -> Background:
        if as_of not in prepared:
            prepared[as_of] = prepare(world, duckdb_engine, as_of=as_of, book=load())
        full = [dict.fromkeys(CANONICAL["deals"].names) | deal | {"source_id": "synthetic"} for deal in deals]
        table = duckdb_engine.facts(pa.Table.from_pylist(full, schema=CANONICAL["deals"].arrow))
        base = prepared[as_of]
        return replace(base, tables={**base.tables, **evidence_at({"deals": table}, as_of)})

    return make


def value(
    background: Background, market: DealMarket, patent_id: str, *, seed: int = 1, count: int = 4_000
) -> MarketValue:
    used = Used(background.book, background.as_of)
    known = {
        "patent_id": patent_id,
        "legal_life_years": 9.0,
        "features": features_of(background, [patent_id])[patent_id],
    }
    facts = Subject(**{f.name: known.get(f.name) for f in fields(Subject)})  # type: ignore[arg-type]
    return market_value(replace(background, market=market), facts, used, seed=seed, count=count)


@pytest.fixture(scope="module")
def planted(patents: list[Row], store_with) -> tuple[Background, DealMarket]:
    background = store_with(plant(patents, seed=3))
    return background, prepare_market(background)


def test_planted_prices_are_found_again(planted, patents: list[Row]) -> None:
    background, market = planted
    gaps, covered = [], []
    for patent in patents[5::97][:6]:
        found = value(background, market, patent["patent_id"])
        gaps.append(np.log(np.median(found.draws)) - patent["level"])
        low, high = np.quantile(np.log(found.draws), [0.05, 0.95])
        chance = stats.norm.cdf(high, patent["level"], SIGMA) - stats.norm.cdf(low, patent["level"], SIGMA)
        covered.append(chance)
    assert abs(np.mean(gaps)) < 0.3
    assert np.sqrt(np.mean(np.square(gaps))) < 0.55  # knowing nothing of family and field would give 0.6
    assert 0.82 < np.mean(covered) < 0.999


def test_trend_and_family_coefficients_hold_their_truth(planted) -> None:
    right = planted[1].rights["invention"]
    for name, truth in (("trend", TREND), ("log_family", FAMILY)):
        at = ("intercept", "age_years", "log_claims", "log_family", "trend").index(name)
        error = math.sqrt(right.hedonic.covariance[at, at])
        assert abs(right.hedonic.coefficients[at] - truth) < 3 * error


def test_every_comparable_says_where_it_is_from_and_why(planted, patents: list[Row]) -> None:
    background, market = planted
    found = value(background, market, patents[5]["patent_id"])
    weights = [c.weight for c in found.comparables]
    assert weights == sorted(weights, reverse=True)
    assert 0.98 < sum(weights) <= 1 + 1e-12
    assert found.effective_number > 4
    for c in found.comparables:
        assert c.source_id == "synthetic"
        assert isinstance(c.reason, Bilingual)
        assert c.deal_date <= background.as_of
        years = (background.as_of - c.deal_date).days / 365.25
        assert c.indexed_price_cny == pytest.approx(c.price_cny * math.exp(found.index.growth * years), rel=1e-9)
    near, far = found.comparables[0], found.comparables[-1]
    assert near.similarity > far.similarity
    assert "years ago" in near.reason.en
    assert "距今" in near.reason.zh


def test_the_neighbourhood_leans_to_its_own_field(planted, patents: list[Row]) -> None:
    """Odd fields are dearer by a factor e; the departure must point that way on average."""
    market = planted[1]
    right = market.rights["invention"]
    odd = [f for f in market.features.values() if f.field and f.field % 2][:25]
    even = [f for f in market.features.values() if f.field and not f.field % 2][:25]
    gap = np.mean([right.around(f, AS_OF).departure for f in odd]) - np.mean(
        [right.around(f, AS_OF).departure for f in even]
    )
    assert gap > 0.15


def test_same_seed_same_draws_and_another_seed_others(planted, patents: list[Row]) -> None:
    background, market = planted
    name = patents[5]["patent_id"]
    one, two = value(background, market, name), value(background, market, name)
    assert np.array_equal(one.draws, two.draws)
    assert not np.array_equal(one.draws, value(background, market, name, seed=2).draws)
    again = prepare_market(background)
    assert np.array_equal(one.draws, value(background, again, name).draws)


def test_order_of_rows_and_currency_of_prices_do_not_matter(planted, patents: list[Row], store_with) -> None:
    name = patents[5]["patent_id"]
    one = value(*planted, name)
    shuffled = plant(patents, seed=3)
    np.random.default_rng(1).shuffle(shuffled)  # type: ignore[arg-type]
    dollars = [d for d in shuffled if d["deal_date"] >= date(2010, 1, 1)]
    book = load()
    for deal in dollars[:40]:
        deal["currency"] = "USD"
        deal["price"] /= float(book.value("fx.usd_cny", deal["deal_date"]))
    background = store_with(shuffled)
    assert_allclose(value(background, prepare_market(background), name).draws, one.draws, rtol=1e-6)


def test_nothing_after_the_day_matters(patents: list[Row], store_with) -> None:
    deals = plant(patents, seed=3)
    day = date(2021, 6, 30)
    late = [d | {"price": d["price"] * 1e6} if d["deal_date"] > day else d for d in deals]
    hidden = [
        d | {"deal_id": d["deal_id"] + "x", "published_date": date(2022, 1, 1), "price": 1e12} for d in deals[:50]
    ]
    name = next(p["patent_id"] for p in patents if p["grant"] < date(2018, 1, 1))
    early, later = store_with(deals, as_of=day), store_with(late + hidden, as_of=day)
    one, two = value(early, prepare_market(early), name), value(later, prepare_market(later), name)
    assert np.array_equal(one.draws, two.draws)
    assert max(c.deal_date for c in two.comparables) <= day


def test_wild_prices_are_bounded_and_marked(patents: list[Row], store_with, planted) -> None:
    deals = plant(patents, seed=3)
    name = patents[5]["patent_id"]
    for deal in deals[::20]:
        deal["price"] *= 1e7
    background = store_with(deals)
    wild = value(background, prepare_market(background), name)
    calm = value(*planted, name)
    assert abs(np.log(np.median(wild.draws)) - np.log(np.median(calm.draws))) < 0.5  # a mean of logs would move by 0.8
    dear = {d["deal_id"] for d in deals[::20]}
    seen = [c for c in wild.comparables if c.deal_id in dear]
    assert seen
    assert all(c.is_outlier and c.adjusted_price_cny < c.indexed_price_cny / 100 for c in seen)


def test_related_parties_are_found_and_left_out_with_the_reason(patents: list[Row], store_with, world: Store) -> None:
    deals = plant(patents, seed=3, count=60)
    parties = [row["party_id"] for row in pq.read_table(world.file("parties")).slice(0, 2).to_pylist()]
    deals[0] |= {"seller_id": parties[0], "buyer_id": parties[0]}
    deals[1] |= {"is_related_party": True}
    deals[2] |= {"seller_id": parties[0], "buyer_id": parties[1]}
    background = store_with(deals)
    market = prepare_market(background)
    out = {e.deal_id: e.reason.en for e in market.excluded}
    assert out == {"P0000": "seller and buyer are one party", "P0001": "the source says that the parties are related"}
    assert len(market.rights["invention"].deals) == 58


def test_what_cannot_be_read_is_left_out_with_the_reason(patents: list[Row], store_with) -> None:
    deals = plant(patents, seed=3, count=40)
    deals[0] |= {"price": 0.0}
    deals[1] |= {"currency": "XAU"}
    deals.append(deals[2] | {"patent_id": patents[0]["patent_id"], "price": 1.0})
    deals[3] |= {"patent_id": "XX999"}
    background = store_with(deals)
    reasons = {e.deal_id: e.reason.en for e in prepare_market(background).excluded}
    assert reasons["P0000"] == "a price of zero or less is no market price"
    assert reasons["P0001"].startswith("no rate of XAU on")
    assert reasons["P0002"] == "rows of the deal state different whole prices"
    assert reasons["P0003"] == "the store does not know the patents of the deal"


def test_a_package_is_split_with_doubt(patents: list[Row], store_with) -> None:
    deals = plant(patents, seed=3, count=40)
    package = [deals[0] | {"patent_id": p["patent_id"], "patent_count": 5, "price": 5e6} for p in patents[:3]]
    found = {d.deal_id: d for d in collect_deals(store_with([*deals[1:], *package])).priced}["P0000"]
    assert (found.patent_count, len(found.patent_ids), found.price_cny) == (5, 3, 1e6)
    shift, variance = lot_share(5, 1.2)
    assert found.log_price == pytest.approx(math.log(1e6) + shift)
    assert found.split_variance == pytest.approx(variance)


def test_lot_share_against_an_integral_and_its_limits() -> None:
    """Two patents: the share depends on the gap of the logs alone, normal with sd s sqrt 2."""
    assert lot_share(1, 1.2) == (0.0, 0.0)
    s = 1.2
    x, w = np.polynomial.hermite_e.hermegauss(120)
    share = -np.log((1 + np.exp(-s * math.sqrt(2) * x)) / 2)
    mean = w @ share / w.sum()
    variance = w @ (share - mean) ** 2 / w.sum()
    assert lot_share(2, s) == (pytest.approx(mean, abs=0.01), pytest.approx(variance, rel=0.02))
    assert lot_share(64, 0.8) == (
        pytest.approx(lot_share(65, 0.8)[0], rel=0.02),
        pytest.approx(lot_share(65, 0.8)[1], rel=0.03),
    )
    assert lot_share(100_000, 0.8) == (pytest.approx(-0.32, abs=1e-3), pytest.approx(0.64, abs=1e-3))


def test_too_few_deals_or_none_alike_are_refused_in_words(patents: list[Row], store_with, planted) -> None:
    background = store_with(plant(patents, seed=3, count=8))
    market = prepare_market(background)
    with pytest.raises(NotAdmissibleError, match=r"8 deals with prices at arm's length .* fewer than 12"):
        value(background, market, patents[5]["patent_id"])
    empty = store_with([])
    with pytest.raises(NotAdmissibleError, match="0 deals"):
        value(empty, prepare_market(empty), patents[5]["patent_id"])


def test_fewer_deals_widen_the_interval(patents: list[Row], store_with, planted) -> None:
    background = store_with(plant(patents, seed=3, count=16))
    name = patents[5]["patent_id"]
    market = prepare_market(background)
    thin = value(background, market, name, count=20_000)
    thick = value(*planted, name, count=20_000)

    def width(v: MarketValue) -> float:
        low, high = np.quantile(np.log(v.draws), [0.1, 0.9])
        return float(high - low)

    assert width(thin) > 1.2 * width(thick)


@pytest.mark.parametrize("rho", [0.0, 0.8])
def test_unsold_lots_correct_prices_as_far_as_they_tell(patents: list[Row], store_with, rho: float) -> None:
    """With rho 0.8 those sold are dear: rho sigma is 0.48. The estimate must tell that from none, and be none where it is none."""
    background = store_with(plant(patents, seed=4, count=40, lots=600, rho=rho))
    market = prepare_market(background)
    effect = market.rights["invention"].selection
    assert isinstance(effect, SelectionEffect)
    assert effect.sold + effect.unsold == 600
    assert abs(effect.lambda_ - rho * SIGMA) < 2.5 * effect.lambda_error
    assert effect.lambda_ > 0.2 if rho else abs(effect.lambda_) < 0.25
    assert effect.quantile_shift is not None
    found = value(background, market, patents[5]["patent_id"])
    low, middle, high = found.sale_probability or (0, 0, 0)
    assert 0 < low < middle < high < 1


def test_without_unsold_lots_the_value_says_that_selection_is_not_corrected(planted, patents: list[Row]) -> None:
    found = value(*planted, patents[5]["patent_id"])
    assert isinstance(found.selection, Bilingual)
    assert found.sale_probability is None
    assert any("not corrected" in note.en for note in found.notes)


def test_later_sales_fall_where_earlier_ones_said(patents: list[Row], store_with) -> None:
    background = store_with(plant(patents, seed=8, count=520))
    early, late = prepare_market(background, until=date(2021, 6, 30)), prepare_market(background)
    found = back_test(early, late)
    assert found.deals > 60
    for level, share in found.coverage:
        assert abs(share - level) < 3 * math.sqrt(level * (1 - level) / found.deals) + 0.03
    assert found.absolute_error < found.naive_error
    assert stats.kstest(found.ranks, "uniform").pvalue > 0.001


def test_pooled_rate_is_the_prior_without_licences_and_the_licences_with_many() -> None:
    none = pooled_rate(np.zeros(0), np.zeros(0), prior_median=0.04, prior_sigma=0.6, strength=4)
    assert none == (0.04, 0.6, 1.0)
    rates = np.exp(np.random.default_rng(1).normal(np.log(0.02), 0.3, 4_000))
    median, sigma, share = pooled_rate(rates, np.ones(4_000), prior_median=0.04, prior_sigma=0.6, strength=4)
    assert median == pytest.approx(0.02, rel=0.03)
    assert sigma == pytest.approx(0.3, rel=0.05)
    assert share < 0.002


def test_pooled_rate_is_the_conjugate_posterior_by_hand() -> None:
    """Four licences without outliers, k = 4: the mean of logs and the prior have half each."""
    logs = np.log(0.03) + np.array([-0.2, -0.1, 0.1, 0.2])
    median, sigma, share = pooled_rate(np.exp(logs), np.ones(4), prior_median=0.05, prior_sigma=0.5, strength=4)
    gap = math.log(0.03) - math.log(0.05)
    assert share == 0.5
    assert median == pytest.approx(math.sqrt(0.03 * 0.05))
    square = (4 * 0.25 + 4 * 0.025 + 2 * gap**2) / 8
    assert sigma == pytest.approx(math.sqrt(square * (1 + 4 / 64)))


def test_licences_move_the_royalty_rate_and_an_override_stands(patents: list[Row], store_with) -> None:
    rng = np.random.default_rng(2)
    subject = patents[5]
    same = [p for p in patents if p["field"] == subject["field"]][:40]
    licences = [licence(i, p, round(float(np.exp(rng.normal(np.log(0.015), 0.2))), 4)) for i, p in enumerate(same)]
    licences.append(licence(900, same[0], 0.9))
    background = store_with([*plant(patents, seed=3, count=20), *licences])
    background = replace(background, market=prepare_market(background))
    used = Used(background.book, background.as_of)
    facts = describe(background, [subject["patent_id"]])[0]
    prior = default_assumptions(background, facts, used)["royalty_rate"]
    found = licence_royalty(background, facts, prior, used)
    assert found.in_field == len(same)
    assert found.replaces_prior
    assert found.assumption.parameters["median"] == pytest.approx(0.015, rel=0.45)
    assert found.assumption.parameters["median"] < prior.parameters["median"]
    assert found.assumption.parameters["sigma"] < prior.parameters["sigma"]
    assert "licences of the store" in found.assumption.source.title
    assert {e.reason.en for e in background.market.excluded} == {"the royalty rate is not between 0 and 50 %"}
    mine = replace(prior, is_overridden=True)
    assert licence_royalty(background, facts, mine, used).assumption is mine


def test_without_licences_the_prior_stands(planted, patents: list[Row]) -> None:
    background = replace(planted[0], market=planted[1])
    used = Used(background.book, background.as_of)
    facts = describe(background, [patents[5]["patent_id"]])[0]
    prior = default_assumptions(background, facts, used)["royalty_rate"]
    found = licence_royalty(background, facts, prior, used)
    assert (found.assumption, found.licences, found.prior_share) == (prior, 0, 1.0)


def test_the_sample_world_has_a_market(duckdb_engine, tmp_path: Path) -> None:
    """The shipped world as it is: some unsold lots, related parties, licences; a value or a reason, never silence."""
    background = prepare(
        write_world(tmp_path / "w", patent_count=4_000, seed=5), duckdb_engine, as_of=AS_OF, book=load()
    )
    market = prepare_market(background)
    assert market.rights
    name = market.rights["invention"].deals[0].patent_ids[0]
    found = value(background, market, name)
    assert np.isfinite(found.draws).all()
    assert (found.draws > 0).all()
    assert any(c.patent_id == name and "this very patent" in c.reason.en for c in found.comparables)
