"""Income methods on the synthetic world: admitted where evidence is, refused by name where it is not, never after the date."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from zhirong.kernel.errors import DomainError, NotAdmissibleError
from zhirong.numerics.distributions import TABLE_SIZE
from zhirong.params import load
from zhirong.sample import write_world
from zhirong.tables import Store
from zhirong.valuation import income, prepare
from zhirong.valuation.accounts import Accounts, FirmYear, SectorYear, accounts_of
from zhirong.valuation.assumptions import KNOWN, levels_of, table_of
from zhirong.valuation.background import Background
from zhirong.valuation.income_names import (
    ADMITTED_INCOME,
    KNOWN_INCOME,
    LABELS_INCOME,
    MISSING_INCOME,
    REASONS_INCOME_ZH,
)
from zhirong.valuation.inputs import default_assumptions
from zhirong.valuation.methods import income_model
from zhirong.valuation.revenue import revenue_paths
from zhirong.valuation.subject import Subject, describe
from zhirong.valuation.types import Assumption, Distribution
from zhirong.valuation.used import Used

AS_OF = date(2020, 6, 30)
METHODS = {
    "excess_earnings": income.excess_earnings_draws,
    "with_and_without": income.with_and_without_draws,
    "profit_split": income.profit_split_draws,
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return write_world(tmp_path_factory.mktemp("income") / "world", patent_count=1_500, seed=5)


@pytest.fixture(scope="module")
def background(world: Store, duckdb_engine) -> Background:
    return prepare(world, duckdb_engine, as_of=AS_OF, book=load())


@pytest.fixture(scope="module")
def used(background: Background) -> Used:
    return Used(background.book, AS_OF)


@pytest.fixture(scope="module")
def subject(background: Background, world: Store) -> Subject:
    table = pq.read_table(world.file("patents"))
    mask = pc.and_(pc.equal(table["office"], "CN"), pc.less(table["grant_date"], pa.scalar(AS_OF)))
    mask = pc.and_(mask, pc.equal(table["right_type"], "invention"))
    mask = pc.and_(mask, pc.greater(table["filing_date"], pa.scalar(date(2012, 1, 1))))
    names = table.filter(mask)["patent_id"].to_pylist()
    for found in describe(background, names[:40]):
        if found.is_alive and found.owner_revenue_cny is not None:
            return found
    raise AssertionError("the world holds a living patent of a firm with accounts")


@pytest.fixture(scope="module")
def assumptions(background: Background, subject: Subject, used: Used) -> dict[str, Assumption]:
    accounts = accounts_of(background, [subject.patent_id])[subject.patent_id]
    return {**default_assumptions(background, subject, used), **income.income_assumptions(background, accounts, used)}


def draws(name: str, subject: Subject, assumptions: dict[str, Assumption], used: Used, **more):
    return METHODS[name](subject, assumptions, used, **{"as_of": AS_OF, "seed": 1, "count": 4_000, **more})


@pytest.mark.parametrize("name", METHODS)
def test_a_method_gives_positive_values_of_the_size_of_the_royalty_method(
    name: str, subject: Subject, assumptions: dict[str, Assumption], used: Used
) -> None:
    values = draws(name, subject, assumptions, used)
    royalty = income_model(subject, assumptions, as_of=AS_OF, seed=1).draws(4_000)
    assert values.shape == (4_000,)
    assert (values >= 0).all()
    assert 0.05 < np.mean(values) / np.mean(royalty) < 20
    assert name in LABELS_INCOME
    assert name in ADMITTED_INCOME


@pytest.mark.parametrize("name", METHODS)
def test_draws_are_those_of_the_seed_and_of_nothing_else(
    name: str, subject: Subject, assumptions: dict[str, Assumption], used: Used
) -> None:
    values = draws(name, subject, assumptions, used)
    np.testing.assert_array_equal(values, draws(name, subject, dict(reversed(assumptions.items())), used))
    np.testing.assert_array_equal(values[:500], draws(name, subject, assumptions, used, count=500))
    assert (draws(name, subject, assumptions, used, seed=2) != values).any()
    model = income_model(subject, assumptions, as_of=AS_OF, seed=1)
    np.testing.assert_array_equal(values, draws(name, subject, assumptions, used, model=model))


def test_profit_split_is_relief_from_royalty_at_share_times_margin(
    subject: Subject, assumptions: dict[str, Assumption], used: Used
) -> None:
    # With the inputs fixed, two methods written apart are one number: the compiled royalty kernel and the arrays.
    def fix(name: str, value: float) -> Assumption:
        return replace(assumptions[name], distribution=Distribution.FIXED, parameters={"value": value})

    same = {**assumptions, "operating_margin": fix("operating_margin", 0.2), "profit_share": fix("profit_share", 0.25)}
    for name, value in (
        ("attributable_revenue", 1e6), ("growth", 0.07), ("royalty_rate", 0.05), ("discount_rate", 0.14),
        ("economic_life", 6.4), ("validity", 0.8),
    ):  # fmt: skip
        same[name] = fix(name, value)
    royalty = income_model(subject, same, as_of=AS_OF, seed=1).draws(1)
    split = draws("profit_split", subject, same, used, count=1)
    np.testing.assert_allclose(split, royalty, rtol=1e-8)


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("excess_earnings", "operating_margin"), ("excess_earnings", "fixed_assets"), ("excess_earnings", "workforce"),
        ("with_and_without", "lost_share"), ("profit_split", "profit_share"), ("profit_split", "attributable_revenue"),
    ],
)  # fmt: skip
def test_what_is_missing_is_named_in_both_languages(
    name: str, missing: str, subject: Subject, assumptions: dict[str, Assumption], used: Used
) -> None:
    less = {key: value for key, value in assumptions.items() if key != missing}
    with pytest.raises(NotAdmissibleError) as caught:
        draws(name, subject, less, used)
    assert str(caught.value) == missing
    assert missing in {**KNOWN, **KNOWN_INCOME}
    if missing in MISSING_INCOME:
        assert "firm_years" in MISSING_INCOME[missing].zh and "firm_years" in MISSING_INCOME[missing].en


def test_no_excess_is_refused_and_not_valued_at_nothing(
    subject: Subject, assumptions: dict[str, Assumption], used: Used
) -> None:
    thin = replace(assumptions["operating_margin"], parameters={"mean": 0.001, "sd": 0.001})
    with pytest.raises(NotAdmissibleError, match="no excess") as caught:
        draws("excess_earnings", subject, {**assumptions, "operating_margin": thin}, used)
    assert any(re.fullmatch(pattern, str(caught.value)) for pattern, _ in REASONS_INCOME_ZH)
    loss = replace(assumptions["operating_margin"], parameters={"mean": -0.2, "sd": 0.001})
    with pytest.raises(NotAdmissibleError, match=REASONS_INCOME_ZH[1][0]):
        draws("profit_split", subject, {**assumptions, "operating_margin": loss}, used)


def test_a_rate_on_another_basis_is_refused(subject: Subject, assumptions: dict[str, Assumption], used: Used) -> None:
    for unit, word in (
        ("fraction a year, USD nominal after tax", "USD"), ("fraction a year, CNY real after tax", "real"),
        ("fraction a year, CNY nominal before tax", "before_tax"),
    ):  # fmt: skip
        other = {**assumptions, "discount_rate": replace(assumptions["discount_rate"], unit=unit)}
        with pytest.raises(DomainError, match=word):
            draws("excess_earnings", subject, other, used)


def test_paths_and_factors_take_the_place_of_growth_and_validity(
    subject: Subject, assumptions: dict[str, Assumption], used: Used
) -> None:
    base = draws("profit_split", subject, assumptions, used)
    none = draws("profit_split", subject, assumptions, used, factors=np.zeros((4_000, 40)))
    sure = draws("profit_split", subject, assumptions, used, factors=np.ones((4_000, 40)))
    assert not none.any()
    assert sure.mean() > base.mean()
    double = draws("profit_split", subject, assumptions, used, revenue=np.full((4_000, 40), 2e6))
    single = draws("profit_split", subject, assumptions, used, revenue=np.full((4_000, 40), 1e6))
    np.testing.assert_allclose(double, 2 * single)
    with pytest.raises(DomainError, match="factors needs shape"):
        draws("profit_split", subject, assumptions, used, factors=np.ones((4_000, 1)))


def test_margins_shrink_to_the_industry_as_years_are_few(background: Background, used: Used) -> None:
    def year(y: int, margin: float) -> FirmYear:
        return FirmYear(y, 1e8, None, margin * 1e8, None, None, None)

    sector = (SectorYear(2018, None, 0.08, 0.05), SectorYear(2019, None, 0.08, 0.05))

    def centre(*years: FirmYear, industry: tuple[SectorYear, ...] = sector) -> tuple[float, float]:
        p = income.income_assumptions(background, Accounts("f", "s", years, industry), used)[
            "operating_margin"
        ].parameters
        return p["mean"], p["sd"]

    one, five = centre(year(2019, 0.2)), centre(*(year(y, 0.2) for y in range(2015, 2020)))
    assert 0.08 < one[0] < five[0] < 0.2
    assert one[1] > five[1]
    # By hand, one year: weight 0.05^2/(0.05^2 + 0.06^2) = 0.409836, mean 0.08 + 0.409836 * 0.12, variance w * 0.06^2.
    assert one[0] == pytest.approx(0.08 + 0.12 * 0.4098360656)
    assert one[1] == pytest.approx(np.sqrt(0.4098360656) * 0.06)
    assert centre()[0] == pytest.approx(0.08)
    assert centre(year(2019, 0.2), industry=())[0] == pytest.approx(0.2)
    none = income.income_assumptions(background, Accounts(None, None), used)
    assert "operating_margin" not in none
    assert "fixed_assets" not in none


def test_accounts_are_those_known_at_the_date(background: Background, subject: Subject) -> None:
    accounts = accounts_of(background, [subject.patent_id, "no such patent"])
    mine = accounts[subject.patent_id]
    assert mine.firm_id is not None
    assert max(item.year for item in mine.years) == 2019  # those of 2020 come out in April 2021
    assert max(item.year for item in mine.sector) <= 2019
    assert accounts["no such patent"] == Accounts(None, None)


def test_every_assumption_has_its_entry_and_its_source(assumptions: dict[str, Assumption]) -> None:
    for name, (label, unit, low, high) in KNOWN_INCOME.items():
        item = assumptions[name]
        assert (item.label, item.unit) == (label, unit)
        assert item.source.title
        found = levels_of(item, np.linspace(0.001, 0.999, 50))
        assert (found >= low).all()
        assert (found <= high).all()


def test_stacking_lowers_the_rate(subject: Subject, assumptions: dict[str, Assumption], used: Used) -> None:
    table = income.stacked_royalty_table(subject, assumptions, used, seed=1)
    own = table_of(assumptions["royalty_rate"])
    assert table.shape == (TABLE_SIZE,)
    assert (np.diff(table) >= 0).all()
    middle = slice(TABLE_SIZE // 4, -TABLE_SIZE // 4)  # beyond three sd the table rests on a handful of draws
    assert (table[middle] <= own[middle] + 1e-4).all()
    crowded = income.stacked_royalty_table(subject, assumptions, used, seed=1, known_rate=0.2)
    assert crowded[TABLE_SIZE // 2] < table[TABLE_SIZE // 2]


def test_the_rule_of_thumb_is_only_a_mark(assumptions: dict[str, Assumption], used: Used) -> None:
    band = income.sanity_band(assumptions, used)
    assert 0 <= band.low < band.high
    assert "Uniloc" in band.warning.en
    assert "不得据以定值" in band.warning.zh


def test_revenue_paths_follow_the_evidence(
    background: Background, subject: Subject, assumptions: dict[str, Assumption], used: Used
) -> None:
    accounts = accounts_of(background, [subject.patent_id])[subject.patent_id]

    def drawn(which: Accounts, **more):
        return revenue_paths(
            background, which, subject, assumptions, used, **{"seed": 1, "count": 2_000, "periods": 12, **more}
        )

    found = drawn(accounts)
    assert found.paths.shape == (2_000, 12)
    assert (found.paths > 0).all()
    assert found.known_years == len(accounts.series("patent_product_revenue"))
    assert 0 < found.penetration[0] < found.penetration[1] < found.penetration[2] <= 1
    assert found.effective_curves > 100
    assert str(found.known_years) in found.source.title
    np.testing.assert_array_equal(found.paths[:100], drawn(accounts, count=100).paths)
    # A firm nobody knows has the prior's curve: wider, and said to be assumed.
    unknown = drawn(Accounts(None, None))
    assert unknown.known_years == 0
    assert unknown.source.grade.value == "assumed"
    assert np.log(unknown.paths[:, 5]).std() > np.log(found.paths[:, 5]).std()
    # An industry that grows faster carries the product with it.
    fast = replace(accounts, sector=tuple(replace(s, growth=0.25) for s in accounts.sector))
    slow = replace(accounts, sector=tuple(replace(s, growth=0.0) for s in accounts.sector))
    assert drawn(fast).industry_growth[0] > 0.2 > 0.02 > drawn(slow).industry_growth[0]
    with pytest.raises(NotAdmissibleError, match="attributable_revenue"):
        revenue_paths(background, accounts, subject, {}, used, seed=1, count=10, periods=3)
    with pytest.raises(DomainError, match="periods"):
        drawn(accounts, periods=0)
    values = draws(
        "excess_earnings", subject, assumptions, used, count=2_000, revenue=drawn(accounts, periods=40).paths
    )
    assert 0.1 < values.mean() / draws("excess_earnings", subject, assumptions, used, count=2_000).mean() < 10
