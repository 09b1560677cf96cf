"""The whole of learning on the synthetic world: labels, features at their dates, leaks caught, models kept, draws."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from zhirong.indicators import evidence_at
from zhirong.kernel.errors import DomainError, NotAdmissibleError, StoreError, UnknownNameError
from zhirong.params import load
from zhirong.sample import write_world
from zhirong.sample.world import latent_values
from zhirong.tables import Engine, Store
from zhirong.valuation.learning import (
    FeatureTable,
    LabelKind,
    Labels,
    LeakageError,
    LeakLimits,
    LearnedModel,
    Options,
    Settings,
    audit,
    collect_labels,
    features_at,
    features_of,
    fit_model,
    labels_from_values,
    learn,
    learned_draws,
    predict_patents,
)
from zhirong.valuation.learning.boosting import LEVELS
from zhirong.valuation.learning.features import bucket_before
from zhirong.valuation.learning.fitting import time_split
from zhirong.valuation.learning.learn import subset

AS_OF = date(2023, 12, 31)
COUNT, SEED = 2_500, 11
FEW = ("oecd.technology_field", "oecd.claims", "oecd.family_size", "family.country_count", "legal.age",
       "legal.remaining_life", "legal.transfer_count")  # fmt: skip
OPTIONS = Options(settings=Settings(trees_max=60, patience=10), texts="none", group_own_min=100)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return write_world(tmp_path_factory.mktemp("learning") / "world", patent_count=COUNT, seed=SEED)


@pytest.fixture(scope="module")
def values(world: Store) -> dict[str, float]:
    return latent_values(COUNT, SEED)


@pytest.fixture(scope="module")
def data(world: Store, values: dict[str, float], duckdb_engine: Engine) -> tuple[Labels, FeatureTable]:
    """Values of patents at random days of four years: the latent value, its family's reward, and noise."""
    rng = np.random.default_rng(1)
    patents = sorted(values)
    rows = []
    for year in (2021, 2022):
        for patent in rng.choice(patents, 1_000, replace=False):
            day = date(year, 1, 1) + timedelta(days=int(rng.integers(0, 365)))
            rows.append((patent, day, values[patent] * float(np.exp(rng.normal()))))
    labels = labels_from_values(LabelKind.KPSS, rows, as_of=AS_OF)
    table, kept = features_of(world, duckdb_engine, labels.patent_id, labels.day, indicators=FEW, with_texts=True)
    labels = subset(labels, kept)
    # The world's value hardly shows in these few indicators: give family size a reward, so that there is something to learn.
    family = np.nan_to_num(table.column("oecd.family_size"), nan=1.0)
    return replace(labels, target=labels.target + 0.8 * np.log(family)), table


@pytest.fixture(scope="module")
def final(world: Store, duckdb_engine: Engine) -> FeatureTable:
    """Features of every patent at the date of the fit."""
    return features_at(world, duckdb_engine, AS_OF, indicators=FEW)


@pytest.fixture(scope="module")
def model(data: tuple[Labels, FeatureTable]) -> LearnedModel:
    return fit_model(*data, as_of=AS_OF, book=load(), options=OPTIONS, is_synthetic=True)


def test_buckets_end_before_their_day() -> None:
    for day in (date(2020, 1, 1), date(2020, 12, 31), date(2020, 3, 31), date(2020, 4, 1)):
        assert bucket_before(day) < day
        assert bucket_before(day, "quarter") < day
    assert bucket_before(date(2020, 4, 1), "quarter") == date(2020, 3, 31)


def test_deals_become_prices_for_each_patent(world: Store, duckdb_engine: Engine) -> None:
    tables = evidence_at(world.read_all(duckdb_engine), AS_OF)
    labels = collect_labels(tables, duckdb_engine, LabelKind.DEALS, as_of=AS_OF, book=load())
    rows = {r["patent_id"]: r for r in duckdb_engine.to_arrow(tables["deals"]).to_pylist()}
    assert len(labels) > 20
    assert set(labels.left_out) == {"unsold", "between related parties"}
    for i in (0, len(labels) - 1):
        row = rows[labels.patent_id[i]]
        assert np.exp(labels.target[i]) == pytest.approx(row["price"])
        assert labels.context["is_auction"][i] == (row["deal_type"] == "auction_lot")
    assert (np.diff(labels.day.astype(int)) >= 0).all()
    assert labels.day.max() <= np.datetime64(AS_OF)


def test_a_deal_of_several_patents_is_shared_and_counts_once(world: Store, duckdb_engine: Engine) -> None:
    import ibis

    tables = dict(evidence_at(world.read_all(duckdb_engine), AS_OF))
    deals = tables["deals"].filter(
        lambda t: (t.deal_type == "sale") & ~t.is_related_party & (t.deal_date >= date(2011, 1, 1))
    )
    tables["deals"] = deals.mutate(deal_id=ibis.literal("D1"), price=ibis.literal(900.0), currency=ibis.literal("USD"))
    labels = collect_labels(tables, duckdb_engine, LabelKind.DEALS, as_of=AS_OF, book=load())
    assert labels.weight.sum() == pytest.approx(1.0)
    newest = labels.day[-1].astype(object)
    rate = load().value("fx.usd_cny", newest)
    assert np.exp(labels.target[-1]) == pytest.approx(900.0 * rate / len(labels))


def test_appraisals_and_years_in_force(world: Store, duckdb_engine: Engine) -> None:
    tables = evidence_at(world.read_all(duckdb_engine), AS_OF)
    opinions = collect_labels(tables, duckdb_engine, LabelKind.APPRAISALS, as_of=AS_OF, book=load())
    assert len(opinions) > 10
    kept = collect_labels(tables, duckdb_engine, LabelKind.RENEWALS, as_of=AS_OF, book=load())
    moved = collect_labels(tables, duckdb_engine, LabelKind.TRANSFERS, as_of=AS_OF, book=load())
    assert set(kept.target) == set(moved.target) == {0.0, 1.0}
    assert 0.8 < kept.target.mean() < 0.99
    assert moved.target.mean() < 0.1
    # The last year has passed, with time for its news: labels of 1 January 2022 speak of 2022.
    assert kept.day.max() == np.datetime64("2022-01-01")
    lapses = [r for r in duckdb_engine.to_arrow(tables["legal_events"]).to_pylist() if r["event_kind"] == "lapsed"]
    one = next(r for r in lapses if r["event_date"].year == 2018)
    mine = kept.patent_id == one["patent_id"]
    assert kept.target[mine][-1] == 0.0
    assert kept.day[mine][-1] == np.datetime64("2018-01-01")
    assert (kept.target[mine][:-1] == 1.0).all()
    fewer = collect_labels(tables, duckdb_engine, LabelKind.RENEWALS, as_of=AS_OF, book=load(), rows_max=500)
    assert len(fewer) == 500


def test_features_are_those_of_the_day_and_not_later(
    world: Store, data: tuple[Labels, FeatureTable], duckdb_engine: Engine
) -> None:
    labels, table = data
    assert (table.known_by < labels.day).all()
    audit(table, world, duckdb_engine)
    age = table.column("legal.age")
    filed = {
        r["patent_id"]: r["filing_date"]
        for r in duckdb_engine.to_arrow(
            world.read(duckdb_engine, "patents").select("patent_id", "filing_date")
        ).to_pylist()
    }
    for i in range(0, len(labels), 97):
        at = table.known_by[i].astype(object)
        assert age[i] == pytest.approx((at - filed[table.patent_id[i]]).days / 365.25, abs=0.02)


def test_a_leak_by_date_is_caught(data: tuple[Labels, FeatureTable]) -> None:
    labels, table = data
    late = replace(table, known_by=table.known_by + np.timedelta64(400, "D"))
    with pytest.raises(LeakageError, match="label's day or later"):
        fit_model(labels, late, as_of=AS_OF, book=load(), options=OPTIONS)


def test_features_of_a_later_day_under_an_early_date_are_caught(
    world: Store, data: tuple[Labels, FeatureTable], final: FeatureTable, duckdb_engine: Engine
) -> None:
    """The planted leak: the catalogue run at the final date, stamped with the days that the labels ask for."""
    labels, table = data
    place = {p: i for i, p in enumerate(final.patent_id)}
    leaky = replace(final.take(np.array([place[p] for p in labels.patent_id])), known_by=table.known_by)
    with pytest.raises(LeakageError, match=r"legal\.age"):
        learn(
            world,
            duckdb_engine,
            LabelKind.KPSS,
            as_of=AS_OF,
            book=load(),
            labels=labels,
            features=leaky,
            options=OPTIONS,
        )


def test_a_feature_that_knows_the_label_is_caught_and_named(data: tuple[Labels, FeatureTable]) -> None:
    labels, table = data
    rng = np.random.default_rng(2)
    leaky = table.with_column("mine.resale_price", labels.target + rng.normal(size=len(labels)) * 0.3)
    with pytest.raises(LeakageError, match=r"mine\.resale_price alone explains"):
        fit_model(labels, leaky, as_of=AS_OF, book=load(), options=OPTIONS)


def test_leaks_in_pieces_are_caught_by_the_whole(data: tuple[Labels, FeatureTable]) -> None:
    """Five features, each with a fifth of the label: none explains much alone, together they know it."""
    labels, table = data
    rng = np.random.default_rng(3)
    noise = rng.normal(size=(len(labels), 5)) * labels.target.std()
    noise -= noise.mean(axis=1, keepdims=True)
    leaky = table
    for i in range(5):
        leaky = leaky.with_column(f"mine.{i}", labels.target + 1.5 * noise[:, i])
    with pytest.raises(LeakageError, match=r"explains .* of newer labels"):
        fit_model(labels, leaky, as_of=AS_OF, book=load(), options=replace(OPTIONS, settings=Settings(trees_max=200)))


def test_time_that_leaked_shows_between_the_splits(data: tuple[Labels, FeatureTable]) -> None:
    """A feature that names the year, with prices that jump from year to year: random splits know it, newer labels do not."""
    labels, table = data
    years = labels.day.astype("datetime64[Y]").astype(int)
    jumps = dict(zip(sorted(set(years)), (0.0, 5.0), strict=True))
    jumping = replace(labels, target=0.3 * labels.target + np.array([jumps[y] for y in years]))
    named = table.with_column("mine.batch", np.array([(y * 7) % 4 for y in years], float))
    loose = LeakLimits(2.0, 2.0, 0.3)
    with pytest.raises(LeakageError, match="at random"):
        fit_model(jumping, named, as_of=AS_OF, book=load(), options=replace(OPTIONS, limits=loose))


def test_the_honest_fit_passes_and_says_what_it_knows(model: LearnedModel, data: tuple[Labels, FeatureTable]) -> None:
    labels, _ = data
    card = model.card
    assert card.label_count == len(labels)
    assert card.ceiling == (0.027, 0.113)
    assert card.features["oecd.family_size"] > 1 / len(card.features)
    assert 0.02 < card.metrics["test"]["r2_log"] < 0.4
    whole = {r.nominal: r.coverage for r in card.coverage if r.dimension == "all"}
    for nominal, found in whole.items():
        assert found == pytest.approx(nominal, abs=0.08)
    assert {r.dimension for r in card.coverage} == {"all", "field", "age", "owner_size", "value_size"}
    for lang, words in (
        ("zh", ("解释力上限", "2.7%", "合成数据", "样本过少")),
        ("en", ("Ceiling", "2.7%", "synthetic", "(small)")),
    ):
        text = card.to_markdown(lang)
        assert all(word in text for word in words)
    assert "merely" not in text


def test_newer_rows_do_not_reach_the_tested_model(data: tuple[Labels, FeatureTable]) -> None:
    """The split by time: change every test label, and the training metrics stay as they are."""
    labels, table = data
    split = time_split(labels.day)
    assert labels.day[split.train].max() < labels.day[split.calibration].min()
    assert labels.day[split.calibration].max() < labels.day[split.test].min()
    changed = labels.target.copy()
    changed[split.test] = changed[split.test][::-1]
    options = replace(OPTIONS, measure_random=False)
    cards = [
        fit_model(replace(labels, target=t), table, as_of=AS_OF, book=load(), options=options).card
        for t in (labels.target, changed)
    ]
    assert cards[0].metrics["train"] == cards[1].metrics["train"]
    assert cards[0].metrics["test"] != cards[1].metrics["test"]


def test_a_prediction_sums_and_bends_the_way_economics_says(
    model: LearnedModel, data: tuple[Labels, FeatureTable]
) -> None:
    _, table = data
    part = table.take(np.arange(60))
    found = model.predict(part)
    for p in found:
        assert sum(p.contributions.values()) == pytest.approx(p.explained, abs=1e-9)
        assert list(p.quantiles.values()) == sorted(p.quantiles.values())
        assert p.quantiles[0.5] == p.explained
    values = part.values.copy()
    column = part.names.index("oecd.family_size")
    values[:, column] = np.nan_to_num(values[:, column], nan=1.0)
    low = model.predict(replace(part, values=values))
    values = values.copy()
    values[:, column] += 3
    high = model.predict(replace(part, values=values))
    assert all(b.quantiles[0.5] >= a.quantiles[0.5] - 1e-12 for a, b in zip(low, high, strict=True))
    assert any(b.quantiles[0.5] > a.quantiles[0.5] + 0.1 for a, b in zip(low, high, strict=True))


def test_draws_follow_the_quantiles_and_nothing_else(model: LearnedModel, data: tuple[Labels, FeatureTable]) -> None:
    _, table = data
    patent = str(table.patent_id[5])
    draws = learned_draws(model, table, patent, as_of=AS_OF, seed=1, count=40_000)
    row = int(np.flatnonzero(table.patent_id == patent)[0])
    expected = model.predict(table.take(np.array([row])))[0].quantiles
    for level in LEVELS:
        assert (np.log(draws) <= expected[level]).mean() == pytest.approx(level, abs=0.01)
    turned = table.take(np.arange(len(table.patent_id))[::-1])
    again = learned_draws(
        model, turned.take(np.flatnonzero(turned.patent_id == patent)[::-1]), patent, as_of=AS_OF, seed=1, count=40_000
    )
    assert np.array_equal(draws, again)
    assert not np.array_equal(draws[:10], learned_draws(model, table, patent, as_of=AS_OF, seed=2, count=10))


def test_a_stranger_is_refused_and_a_borderline_case_widened(
    model: LearnedModel, data: tuple[Labels, FeatureTable]
) -> None:
    _, table = data
    base = table.take(np.array([5]))
    strange = base.values.copy()
    strange[0, base.names.index("oecd.family_size")] = 5_000.0
    far = replace(base, values=strange)
    with pytest.raises(NotAdmissibleError, match=r"oecd\.family_size = 5000"):
        learned_draws(model, far, str(base.patent_id[0]), as_of=AS_OF, seed=1, count=10)
    other = replace(base, levels={**base.levels, "patent.office": ("BR",)},
                    values=np.where(np.array(base.names) == "patent.office", 0.0, base.values))  # fmt: skip
    with pytest.raises(NotAdmissibleError, match=r"patent\.office"):
        learned_draws(model, other, str(base.patent_id[0]), as_of=AS_OF, seed=1, count=10)
    for size in np.linspace(1, 12, 150):
        moved = base.values.copy()
        moved[0, base.names.index("oecd.family_size")] = size
        found = model.predict(replace(base, values=moved))[0]
        if found.verdict.is_inside and found.verdict.widening > 1:
            break
    assert found.verdict.widening > 1
    assert found.verdict.p_value <= 0.06
    # Each end is as many times as far from the median as the verdict says, against the same patent without widening.
    x, _ = model.design.matrix(replace(base, values=moved))
    plain = model.calibration.apply(model.trees.predict(x), model._groups(base))[0]
    for level, end in zip(LEVELS, plain, strict=True):
        assert found.quantiles[level] - plain[3] == pytest.approx(found.verdict.widening * (end - plain[3]))


def test_the_alarm_rings_as_rarely_as_it_says(model: LearnedModel, data: tuple[Labels, FeatureTable]) -> None:
    verdicts = [p.verdict for p in model.predict(data[1])]
    assert np.mean([v.is_inside for v in verdicts]) > 0.98
    assert np.mean([v.widening > 1 for v in verdicts]) < 0.1


def test_what_cannot_be_valued_says_why(
    model: LearnedModel, data: tuple[Labels, FeatureTable], world: Store, duckdb_engine: Engine
) -> None:
    _, table = data
    patent = str(table.patent_id[0])
    with pytest.raises(NotAdmissibleError, match="knows facts up to"):
        learned_draws(model, table, patent, as_of=date(2022, 1, 1), seed=1, count=10)
    with pytest.raises(NotAdmissibleError, match="was not public"):
        learned_draws(model, table, "CN1", as_of=AS_OF, seed=1, count=10)
    late = replace(table, known_by=table.known_by + np.timedelta64(9_000, "D"))
    with pytest.raises(NotAdmissibleError, match="later than"):
        learned_draws(model, late, patent, as_of=AS_OF, seed=1, count=10)
    with pytest.raises(DomainError):
        learned_draws(model, table, patent, as_of=AS_OF, seed=1, count=0)
    with pytest.raises(UnknownNameError, match="context"):
        model.predict(table.take(np.array([0])), context={"is_auction": 1.0})
    with pytest.raises(NotAdmissibleError):
        predict_patents(model, world, duckdb_engine, [patent], as_of=date(2020, 1, 1))
    few = predict_patents(model, world, duckdb_engine, [patent, "CN1"], as_of=AS_OF)
    assert [p.patent_id for p in few] == [patent]


def test_a_model_is_kept_as_text_and_read_back_the_same(
    model: LearnedModel, data: tuple[Labels, FeatureTable], tmp_path: Path
) -> None:
    out = tmp_path / "model"
    model.save(out)
    assert {p.suffix for p in out.iterdir()} == {".json", ".txt", ".md"}
    again = LearnedModel.load(out)
    assert again.fingerprint == model.fingerprint
    part = data[1].take(np.arange(40))
    assert [p.quantiles for p in again.predict(part)] == [p.quantiles for p in model.predict(part)]
    assert again.card == model.card
    model.save(out)
    plain = json.loads((out / "model.json").read_text("utf-8"))
    plain["middle"] += 1.0
    (out / "model.json").write_text(json.dumps(plain), "utf-8")
    with pytest.raises(StoreError, match="was changed"):
        LearnedModel.load(out)
    with pytest.raises(StoreError, match="no model"):
        LearnedModel.load(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    (other / "mine.txt").write_text("x")
    with pytest.raises(StoreError, match="left alone"):
        model.save(other)


def test_too_few_labels_are_refused(world: Store, duckdb_engine: Engine) -> None:
    with pytest.raises(NotAdmissibleError, match=r"at least 120 are needed \(left out: .*unsold"):
        learn(world, duckdb_engine, LabelKind.DEALS, as_of=date(2015, 1, 1), book=load())
    with pytest.raises(DomainError, match="labels_from_values"):
        learn(world, duckdb_engine, LabelKind.KPSS, as_of=AS_OF, book=load())
    with pytest.raises(DomainError):
        labels_from_values(LabelKind.RENEWALS, [], as_of=AS_OF)
    with pytest.raises(DomainError, match="finite"):
        labels_from_values(LabelKind.KPSS, [("CN1", AS_OF, float("nan"))], as_of=AS_OF)
    with pytest.raises(NotAdmissibleError):
        time_split(np.array(["2020-01-01"] * 500, dtype="datetime64[D]"))


def test_an_event_is_predicted_with_a_probability_that_holds() -> None:
    rng = np.random.default_rng(5)
    n = 3_000
    x = rng.normal(size=(n, 2))
    p = 1 / (1 + np.exp(-(1.5 + x[:, 0])))
    ids = np.array([f"P{i:05d}" for i in range(n)], object)
    day = np.sort(np.datetime64("2010-01-01") + rng.integers(0, 3_650, n))
    labels = Labels(LabelKind.RENEWALS, ids, day, (rng.random(n) < p).astype(float), np.ones(n), ids, {}, {})
    table = FeatureTable(("mine.a", "mine.b"), x, {}, ids, day - np.timedelta64(9, "D"), (), {})
    model = fit_model(labels, table, as_of=AS_OF, book=load(), options=OPTIONS)
    metrics = model.card.metrics["test"]
    assert metrics["brier_skill"] > 0.08
    assert metrics["calibration_slope"] == pytest.approx(1.0, abs=0.35)
    assert len(model.card.reliability) == 5
    found = model.predict(table.take(np.arange(400)))
    assert np.mean([abs(f.probability[1] - q) for f, q in zip(found, p[:400], strict=True)]) < 0.05
    assert all(f.probability[0] <= f.probability[1] <= f.probability[2] for f in found)
    with pytest.raises(NotAdmissibleError, match="probability, not a value"):
        learned_draws(model, table, "P00000", as_of=AS_OF, seed=1, count=5)


@pytest.mark.slow
def test_renewals_are_learned_as_probabilities(world: Store, duckdb_engine: Engine, tmp_path: Path) -> None:
    tables = evidence_at(world.read_all(duckdb_engine), AS_OF)
    kept = collect_labels(tables, duckdb_engine, LabelKind.RENEWALS, as_of=AS_OF, book=load())
    recent = subset(kept, np.flatnonzero(kept.day >= np.datetime64("2020-01-01")))
    few = ("legal.age", "legal.remaining_life")
    model = learn(
        world, duckdb_engine, LabelKind.RENEWALS, as_of=AS_OF, book=load(), labels=recent, indicators=few,
        options=OPTIONS, out=tmp_path / "m",
    )  # fmt: skip
    metrics = model.card.metrics["test"]
    assert metrics["mean_predicted"] == pytest.approx(metrics["mean_realised"], abs=0.03)
    assert metrics["brier_skill"] > -0.02
    table = features_at(world, duckdb_engine, AS_OF, indicators=few, ids=set(recent.patent_id[-30:]))
    for p in model.predict(table):
        low, middle, high = p.probability
        assert 0 <= low <= middle <= high <= 1
        assert sum(p.contributions.values()) == pytest.approx(p.explained, abs=1e-9)
    assert LearnedModel.load(tmp_path / "m").fingerprint == model.fingerprint


@pytest.mark.slow
def test_deals_of_the_synthetic_world_cover_and_confess(tmp_path: Path, duckdb_engine: Engine) -> None:
    """Prices of a larger world, with the whole list of indicators: little is explained, and the intervals hold."""
    world = write_world(tmp_path / "world", patent_count=20_000, seed=7)
    day = date(2024, 12, 31)
    model = learn(world, duckdb_engine, LabelKind.DEALS, as_of=day, book=load(), options=Options(texts="lexical"))
    assert model.card.label_count > 300
    assert model.card.metrics["test"]["r2_log"] < 0.113
    whole = {r.nominal: r for r in model.card.coverage if r.dimension == "all"}
    for nominal, row in whole.items():
        assert abs(row.coverage - nominal) < 3.5 * row.standard_error
    assert model.design.context == ("is_auction",)
    assert model.card.texts[0].kind == "lexical"
