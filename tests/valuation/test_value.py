"""Values on the synthetic world: sane, honest about the date, reproducible, explained, refused where nothing is known."""

from __future__ import annotations

import json
import re
import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from zhirong.evidence.importing import import_files
from zhirong.kernel.errors import DomainError, NotAdmissibleError, ParameterError, UnknownNameError
from zhirong.kernel.provenance import Grade
from zhirong.params import load
from zhirong.sample import write_world
from zhirong.tables import Rewrite, Store, connect
from zhirong.valuation import (
    Purpose,
    load_overrides,
    portfolio_to_dict,
    prepare,
    to_dict,
    to_json,
    value_patent,
    value_patents,
    value_portfolio,
)
from zhirong.valuation.background import Background
from zhirong.valuation.renewals import fit_renewals, periodic_schedule
from zhirong.valuation.resolver import refused
from zhirong.valuation.types import StandardOfValue

AS_OF = date(2020, 6, 30)
COUNT, SEED = 4_000, 5


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return write_world(tmp_path_factory.mktemp("value") / "world", patent_count=COUNT, seed=SEED)


@pytest.fixture(scope="module")
def background(world: Store, duckdb_engine) -> Background:
    return prepare(world, duckdb_engine, as_of=AS_OF, book=load())


def pick(world: Store, *, office: str = "CN", alive: bool = True) -> str:
    table = pq.read_table(world.file("patents"))
    day = pa.scalar(AS_OF)
    mask = pc.and_(pc.equal(table["office"], office), pc.less(table["grant_date"], day))
    mask = pc.and_(mask, pc.equal(table["right_type"], "invention"))
    mask = pc.and_(mask, pc.greater(table["filing_date"], pa.scalar(date(2010, 1, 1))))
    dead = pc.and_(pc.equal(table["legal_status"], "lapsed"), pc.less(table["legal_status_date"], day))
    mask = pc.and_(mask, pc.invert(pc.fill_null(dead, False)) if alive else dead)
    return table.filter(mask)["patent_id"][3].as_py()


def test_the_value_is_an_interval_with_reasons_and_sources(background: Background, world: Store) -> None:
    value = value_patent(background, pick(world), purpose=Purpose.PLEDGE, draws=5_000)
    levels = list(value.quantiles.values())
    assert levels == sorted(levels)
    assert levels[0] < levels[3] < levels[-1]
    assert sum(m.weight for m in value.methods) == pytest.approx(1.0)
    assert {a.method for a in value.admissibility} == {
        "relief_from_royalty", "excess_earnings", "with_and_without", "profit_split", "renewal", "cost", "survey_prior",
        "appraisals", "market", "option", "event_study",
    }  # fmt: skip
    assert all(a.source.title and a.source.grade for a in value.assumptions)
    assert value.is_synthetic
    other = value.other_standards
    assert other["liquidation"][0.5] < other["orderly_liquidation"][0.5] < value.quantiles[0.5]
    assert value.quantiles[0.5] == other["fair"][0.5] < other["investment"][0.5]
    agreed = value.other_pools["logarithmic"]
    assert agreed[0.9] / agreed[0.1] < value.quantiles[0.9] / value.quantiles[0.1]
    own = value_patent(background, value.subject_id, purpose=Purpose.MANAGEMENT, draws=5_000)
    assert own.standard_of_value is StandardOfValue.INVESTMENT
    assert own.quantiles[0.5] > own.other_standards["market"][0.5]
    assert value.provenance.data == world.fingerprints()
    assert all(m.monte_carlo_error > 0 for m in value.methods)
    widths = [abs(c.value_high - c.value_low) for c in value.contributions]
    assert widths == sorted(widths, reverse=True)
    assert sum(c.variance_share for c in value.contributions) == pytest.approx(1.0)


@pytest.mark.parametrize(
    "message",
    [
        "no renewals of this office and right in the store",
        "no fee schedule for invention at KR in the parameters",
        "no maintenance fee falls due within 2.0 years of grant",
        "no exchange rate for the fees of JP",
        "a renewal fit needs at least ten lapses at four different ages",
        "fees.jp.invention.annuity is not declared for 2021-06-30; declared: 2022-04-01 to now. Add a dated value, or override it",
        "the lapses of 2,421 rights do not follow the fees: the best fit has a decay of 0.99 a year and a spread of 50.0 log points, "
        "outside 0.5 and 4",
    ],
)
def test_reasons_are_given_in_chinese_with_their_figures(message: str) -> None:
    reason = refused("renewal", message).reasons[0]
    assert reason.en == message
    assert not re.search(r"[a-z]{4,} [a-z]+ ", reason.zh), reason.zh
    assert set(re.findall(r"\d{4}|\d\.\d+", message)) <= set(re.findall(r"\d{4}|\d\.\d+", reason.zh)) | {"2022"}


def test_a_pledge_does_not_rest_on_cost(background: Background, world: Store) -> None:
    weights = {
        m.method: m.weight for m in value_patent(background, pick(world), purpose=Purpose.PLEDGE, draws=200).methods
    }
    assert weights.get("cost", 0.0) == 0.0


def test_a_right_that_has_ended_is_worth_nothing_and_says_why(background: Background, world: Store) -> None:
    value = value_patent(background, pick(world, alive=False), purpose=Purpose.TRADE, draws=200)
    assert set(value.quantiles.values()) == {0.0}
    assert [f.rule for f in value.findings] == ["valuation.right_ended"]
    assert "lapsed" in value.findings[0].message


def test_the_same_inputs_give_the_same_bytes(background: Background, world: Store) -> None:
    patent = pick(world)
    texts = [
        to_json(to_dict(value_patent(background, patent, purpose=Purpose.PLEDGE, draws=3_000, seed=4)))
        for _ in range(2)
    ]
    assert texts[0] == texts[1]
    other = to_json(to_dict(value_patent(background, patent, purpose=Purpose.PLEDGE, draws=3_000, seed=5)))
    assert other != texts[0]


def test_the_threads_of_the_engine_change_no_byte(world: Store) -> None:
    patent = pick(world)
    texts = set()
    for threads in (1, 2, 4, 4):
        with connect("duckdb", threads=threads) as engine:
            prepared = prepare(world, engine, as_of=AS_OF, book=load())
            texts.add(to_json(to_dict(value_patent(prepared, patent, purpose=Purpose.PLEDGE, draws=500))))
    assert len(texts) == 1


def test_the_json_has_its_stable_keys_and_no_nan(background: Background, world: Store) -> None:
    plain = json.loads(to_json(to_dict(value_patent(background, pick(world), purpose=Purpose.PLEDGE, draws=500))))
    assert {
        "quantiles",
        "as_of",
        "currency",
        "assumptions",
        "provenance",
        "subject_id",
        "methods",
        "unknown",
    } <= plain.keys()
    assert list(plain["quantiles"]) == ["0.05", "0.1", "0.25", "0.5", "0.75", "0.9", "0.95"]
    assert plain["as_of"] == "2020-06-30"


def test_the_stated_error_of_the_median_is_honest(background: Background, world: Store) -> None:
    patent = pick(world)
    income = [
        next(m for m in value_patent(background, patent, purpose=Purpose.TRADE, draws=2_000, seed=s).methods)
        for s in range(40)
    ]
    medians = [m.quantiles[0.5] for m in income]
    stated = np.mean([m.monte_carlo_error for m in income])
    assert 0.6 < stated / np.std(medians) < 1.6


def test_nothing_later_than_the_day_changes_the_value(
    world: Store, background: Background, duckdb_engine, tmp_path: Path
) -> None:
    """Drop every row the day does not know; the values must be the same."""
    with Rewrite.begin(tmp_path / "cut", fresh=True) as new:
        for name, dates in {
            "legal_events": ["event_date"], "patents": ["publication_date"], "deals": ["published_date"], "cases": ["decided_date"],
            "opinions": ["opinion_date"], "firm_years": ["known_date"], "citations": ["citing_date"],
        }.items():  # fmt: skip
            table = pq.read_table(world.file(name))
            with new.sink(name) as sink:
                sink.write(table.filter(pc.less_equal(table[dates[0]], pa.scalar(AS_OF))))
        for name in (
            "classifications",
            "class_titles",
            "patent_parties",
            "parties",
            "firms",
            "sectors",
            "families",
            "texts",
        ):
            with new.sink(name) as sink:
                sink.write(pq.read_table(world.file(name)))
        years = pq.read_table(world.file("sector_years"))
        with new.sink("sector_years") as sink:
            sink.write(years.filter(pc.less_equal(years["year"], 2019)))
        for source in world.manifest.sources:
            new.add_source(source)
    cut = prepare(Store.open(tmp_path / "cut"), duckdb_engine, as_of=AS_OF, book=load())
    patent = pick(world)
    whole, part = (to_dict(value_patent(b, patent, purpose=Purpose.PLEDGE, draws=1_000)) for b in (background, cut))
    for plain in (whole, part):
        del plain["provenance"]
    assert whole == part


def test_a_users_assumption_replaces_the_default_and_is_marked(
    background: Background, world: Store, tmp_path: Path
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "attributable_revenue:\n  distribution: fixed\n  parameters: {value: 20000000}\n"
        "royalty_rate:\n  distribution: fixed\n  parameters: {value: 0.05}\n  source: {title: Signed licence, grade: stated}\n",
        "utf-8",
    )
    patent = pick(world)
    value = value_patent(background, patent, purpose=Purpose.LICENSING, mine=load_overrides(file), draws=2_000)
    marked = {a.name: a for a in value.assumptions if a.is_overridden}
    assert set(marked) == {"attributable_revenue", "royalty_rate"}
    assert marked["royalty_rate"].source.grade is Grade.STATED
    assert value.provenance.settings["overridden"] == "attributable_revenue,royalty_rate"
    larger = value_patent(background, patent, purpose=Purpose.LICENSING, draws=2_000)
    assert value.methods[0].quantiles[0.5] != larger.methods[0].quantiles[0.5]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("royalty: {distribution: fixed, parameters: {value: 0.1}}", "did you mean: royalty_rate"),
        ("royalty_rate: {distribution: fixed, parameters: {value: 5}}", "outside 0 to 0.5"),
        ("royalty_rate: {distribution: cauchy, parameters: {}}", "allowed: fixed"),
        ("royalty_rate: {distribution: triangular, parameters: {low: 0.1, high: 0.2}}", "takes low, mode, high"),
        ("royalty_rate: {distribution: fixed, parameters: {value: .nan}}", "not a finite number"),
        ("tax_rate: {distribution: uniform, parameters: {low: 0.1, high: 0.2}}", "must be fixed"),
        ("discount_rate: {distribution: fixed, parameters: {value: 0.1}, basis: pre_tax_real}", "mix bases"),
        ("royalty_rate: {distribution: fixed, parameters: {value: 0.1}, source: {grade: sure}}", "title is needed"),
        ("- 1", "should map names"),
        ("a: [", "not readable"),
    ],
)
def test_a_wrong_assumption_is_refused_by_name(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text, "utf-8")
    with pytest.raises(ParameterError, match=message):
        load_overrides(file)


def test_a_portfolio_shows_its_sum_with_and_without_dependence(background: Background, world: Store) -> None:
    first = pick(world)
    second = pick(world, office="US")
    both = value_portfolio(background, "two", [first, second], purpose=Purpose.PLEDGE, draws=3_000)
    plain = portfolio_to_dict(both)
    assert both.comonotonic[0.05] <= both.independent[0.05]
    assert both.comonotonic[0.1] <= both.independent[0.1]
    assert plain["quantiles"]["0.5"] == pytest.approx(both.dependence.quantiles[0.5], abs=0.01)
    assert plain["dependence"] == "common_factors"
    assert {risk["patent_id"] for risk in plain["common_factors"]["patents"]} == {first, second}
    assert plain["patent_ids"] == [first, second]
    medians = sum(v.quantiles[0.5] for v in both.valuations)
    assert both.comonotonic[0.5] == pytest.approx(medians, rel=1e-3)


def test_a_patent_without_a_value_does_not_stop_the_others(background: Background, world: Store) -> None:
    first = pick(world)
    both = value_portfolio(background, "two", [first, "CN1"], purpose=Purpose.PLEDGE, draws=500)
    alone = value_portfolio(background, "one", [first], purpose=Purpose.PLEDGE, draws=500)
    assert [v.subject_id for v in both.valuations] == [first]
    assert [(f.rule, f.record_id) for f in both.refused] == [("valuation.refused", "CN1")]
    assert both.comonotonic == alone.comonotonic
    assert portfolio_to_dict(both)["refused"][0]["record_id"] == "CN1"
    with pytest.raises(NotAdmissibleError, match="none of 1 patents"):
        value_portfolio(background, "none", ["CN1"], purpose=Purpose.PLEDGE, draws=500)


def test_a_share_owned_counts_as_a_share(background: Background, world: Store) -> None:
    first = pick(world)
    whole = value_portfolio(background, "p", [first], purpose=Purpose.PLEDGE, draws=500)
    part = value_portfolio(background, "p", [first], purpose=Purpose.PLEDGE, draws=500, weights={first: 0.25})
    assert part.comonotonic[0.5] == pytest.approx(0.25 * whole.comonotonic[0.5])
    assert part.valuations[0].quantiles == whole.valuations[0].quantiles
    assert portfolio_to_dict(part)["weights"] == {first: 0.25}
    for wrong in (0.0, -3.0, 1.5, float("nan")):
        with pytest.raises(DomainError, match="share owned"):
            value_portfolio(background, "p", [first], purpose=Purpose.PLEDGE, draws=500, weights={first: wrong})


def test_a_patent_without_dates_is_refused_and_named(world: Store, tmp_path: Path, duckdb_engine) -> None:
    first, second = pick(world), pick(world, office="US")
    shutil.copytree(world.path, tmp_path / "copy")
    store = Store.open(tmp_path / "copy")
    with Rewrite.begin(store.path) as new:
        table = pq.read_table(world.file("patents"))
        bare = pc.equal(table["patent_id"], second)
        for name in ("filing_date", "expiry_date"):
            column = pc.if_else(bare, pa.scalar(None, table.schema.field(name).type), table[name])
            table = table.set_column(table.schema.get_field_index(name), table.schema.field(name), column)
        with new.sink("patents") as sink:
            sink.write(table)
    bare_background = prepare(Store.open(store.path), duckdb_engine, as_of=AS_OF, book=load())
    batch = value_patents(bare_background, [second, first], purpose=Purpose.PLEDGE, draws=500)
    assert [v.subject_id for v in batch.valuations] == [first]
    assert batch.refused[0].record_id == second
    assert "filing date" in batch.refused[0].message


def test_accounts_published_again_later_leave_earlier_answers_alone(
    world: Store, background: Background, duckdb_engine, tmp_path: Path
) -> None:
    patent = pick(world)
    before = value_patent(background, patent, purpose=Purpose.PLEDGE, draws=200)
    table = pq.read_table(world.file("firm_years")).filter(pc.field("year") == 2019)
    rows = [
        f"{firm},{year},2021-02-01,99999999999,99999999999"
        for firm, year in zip(table["firm_id"].to_pylist(), table["year"].to_pylist(), strict=True)
    ]
    shutil.copytree(world.path, tmp_path / "copy")
    file = tmp_path / "firm_years.csv"
    file.write_text("firm_id*,year*,known_date,revenue,patent_product_revenue\n" + "\n".join(rows) + "\n", "utf-8")
    done = import_files("template", [file], tmp_path / "copy")
    assert done.sources[0].row_counts == {"firm_years": len(rows)}, list(done.log)
    after = prepare(Store.open(tmp_path / "copy"), duckdb_engine, as_of=AS_OF, book=load())
    assert value_patent(after, patent, purpose=Purpose.PLEDGE, draws=200).quantiles == before.quantiles
    later = [
        prepare(s, duckdb_engine, as_of=date(2021, 3, 1), book=load()) for s in (world, Store.open(tmp_path / "copy"))
    ]
    assert later[0].revenue_prior != later[1].revenue_prior


def test_an_end_stated_without_its_date_is_no_life(world: Store, tmp_path: Path, duckdb_engine) -> None:
    """Exports say 失效 and no date: whether the right was alive on the day cannot be told, so it has no value."""
    first, second = pick(world), pick(world, office="US")
    shutil.copytree(world.path, tmp_path / "copy")
    with Rewrite.begin(tmp_path / "copy") as new:
        table = pq.read_table(world.file("patents"))
        mine = pc.equal(table["patent_id"], second)
        for name, value in (("legal_status", "ended"), ("legal_status_date", None)):
            place = table.schema.get_field_index(name)
            stated = pa.scalar(value, table.schema.field(name).type)
            table = table.set_column(place, table.schema.field(name), pc.if_else(mine, stated, table[name]))
        with new.sink("patents") as sink:
            sink.write(table)
    prepared = prepare(Store.open(tmp_path / "copy"), duckdb_engine, as_of=AS_OF, book=load())
    batch = value_patents(prepared, [first, second], purpose=Purpose.PLEDGE, draws=200)
    assert [v.subject_id for v in batch.valuations] == [first]
    assert batch.refused[0].record_id == second
    assert "without its date" in batch.refused[0].message


def test_contradicting_correlations_are_refused(background: Background, world: Store, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    entry = "{distribution: fixed, parameters: {value: 0.99}}"
    negative = entry.replace("0.99", "-0.99")
    file.write_text(
        f"correlation_revenue_growth: {entry}\ncorrelation_revenue_royalty_rate: {entry}\n"
        f"correlation_growth_discount_rate: {negative}\ncorrelation_growth_economic_life: {entry}\n",
        "utf-8",
    )
    with pytest.raises(DomainError, match="not positive definite"):
        value_patent(background, pick(world), purpose=Purpose.PLEDGE, draws=500, mine=load_overrides(file))


def test_correlation_moves_the_value_and_is_listed(background: Background, world: Store, tmp_path: Path) -> None:
    patent = pick(world)
    file = tmp_path / "mine.yaml"
    file.write_text("correlation_revenue_growth: {distribution: fixed, parameters: {value: 0.9}}", "utf-8")
    plain = value_patent(background, patent, purpose=Purpose.PLEDGE, draws=5_000)
    tied = value_patent(background, patent, purpose=Purpose.PLEDGE, draws=5_000, mine=load_overrides(file))
    assert tied.quantiles[0.95] > plain.quantiles[0.95]
    listed = {a.name: a for a in tied.assumptions}
    assert listed["correlation_revenue_growth"].is_overridden
    assert listed["correlation_royalty_rate_validity"].source.grade is Grade.ASSUMED


def test_periodic_fees_speak_for_value(world: Store) -> None:
    lives = {
        "office": np.array(["US"] * 4_000, object), "right": np.array(["invention"] * 4_000, object),
        "entry": np.full(4_000, 2.5), "age": np.full(4_000, 2.5 + 12.5),
    }  # fmt: skip
    first = np.exp(np.log(4000) + 1.6 * np.random.default_rng(1).standard_normal(4_000))
    schedule = periodic_schedule(load(), "US", "invention", AS_OF, term_years=17.5)
    paid = (first[:, None] >= schedule.thresholds(0.15, 1 / 1.1)).sum(axis=1)
    lives |= {"ended": paid < 3, "paid": np.array([np.nan, 4.0, 8.0, 12.0])[paid]}
    reasons: dict[str, str] = {}
    fit = fit_renewals(lives, load(), AS_OF, reasons)["US:invention"]
    assert not reasons
    assert abs(fit.mu - np.log(4000)) < 4 * fit.standard_errors[0]
    few = {name: values[:20] for name, values in lives.items()} | {"ended": np.zeros(20, bool)}
    assert fit_renewals(few, load(), AS_OF, reasons) == {}
    assert "ten lapses" in reasons["renewal.US:invention"]


def test_misuse_is_refused(background: Background, world: Store) -> None:
    with pytest.raises(UnknownNameError, match="patent known at 2020-06-30"):
        value_patent(background, "CN1", purpose=Purpose.PLEDGE)
    with pytest.raises(DomainError, match="draws"):
        value_patent(background, pick(world), purpose=Purpose.PLEDGE, draws=1)
    with pytest.raises(DomainError, match="twice"):
        value_portfolio(background, "p", [pick(world)] * 2, purpose=Purpose.PLEDGE)
