"""Rates of events from a store: cases and patent-years counted by hand from the tables, and nothing later than the day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from zhirong.finance.insurance import declared_rate, known_matters, rates_from, shipped_cover
from zhirong.kernel.identifiers import ClassSymbol
from zhirong.params import field_of, load
from zhirong.sample import write_world
from zhirong.tables import Store
from zhirong.valuation import Background, prepare

DAYS = (date(2018, 6, 30), date(2024, 6, 30))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return write_world(tmp_path_factory.mktemp("insurance") / "world", patent_count=1_500, seed=6)


@pytest.fixture(scope="module")
def backgrounds(store: Store, duckdb_engine) -> dict[date, Background]:
    return {day: prepare(store, duckdb_engine, as_of=day, book=load()) for day in DAYS}


def _rows(background: Background, name: str) -> list[dict]:
    return background.engine.to_arrow(background.tables[name]).to_pylist()


def _by_hand(background: Background, cause: str, field: int) -> tuple[int, float]:
    """Return suits and patent-years of a field by plain loops, over inventions granted in the window's years."""
    first = {
        r["patent_id"]: (r["subclass"], r["main_group"])
        for r in _rows(background, "classifications")
        if r["sequence"] == 1
    }
    suits: dict[str, set[tuple]] = {}
    begin = background.as_of.replace(year=background.as_of.year - 10)
    for r in _rows(background, "cases"):
        if r["cause"] == cause and r["filed_date"] and begin <= r["filed_date"] <= background.as_of:
            sides = frozenset((r["plaintiff"], r["defendant"])) if r["plaintiff"] and r["defendant"] else r["case_id"]
            suits.setdefault(r["patent_id"], set()).add((sides,))
    today = background.as_of.year + (background.as_of.timetuple().tm_yday - 1) / 365.25
    claims, years = 0, 0.0
    for r in _rows(background, "patents"):
        symbol = first.get(r["patent_id"])
        if r["grant_date"] is None or symbol is None or field_of(ClassSymbol(*symbol)) != field:
            continue
        life = {"invention": 17.0, "utility_model": 9.5, "design": 14.0}[r["right_type"]]
        granted = r["grant_date"].year + 0.5
        span = max(0.0, min(today, granted + life) - max(today - 10, granted))
        years += span
        claims += len(suits.get(r["patent_id"], ())) if span > 0 else 0
    return claims, years


def test_cases_and_patent_years_are_those_of_the_tables_at_the_day(backgrounds: dict[date, Background]) -> None:
    spec, seen = shipped_cover("enforcement"), []
    patent = sorted(r["patent_id"] for r in _rows(backgrounds[DAYS[0]], "cases") if r["cause"] == "infringement")[0]
    for day in DAYS:
        (rate,) = rates_from(backgrounds[day], [patent], spec)
        assert rate.field is not None
        claims, years = _by_hand(backgrounds[day], "infringement", rate.field)
        if rate.claims or rate.patent_years:
            assert (rate.claims, rate.patent_years) == (claims, pytest.approx(years))
        seen.append(rate)
    assert seen[0].rate != seen[1].rate  # later cases count only on the later day
    assert seen[1].patent_years > 0  # the comparison above was made


def test_known_disputes_are_listed_only_once_known(backgrounds: dict[date, Background]) -> None:
    spec = shipped_cover("infringement")
    early, late = (_rows(backgrounds[day], "cases") for day in DAYS)
    fresh = sorted({r["case_id"] for r in late if r["cause"] == "infringement"} - {r["case_id"] for r in early})
    assert fresh
    patent = next(r["patent_id"] for r in late if r["case_id"] == fresh[0])
    told = [text.en for text in known_matters(backgrounds[DAYS[1]], [patent], spec)]
    before = [text.en for text in known_matters(backgrounds[DAYS[0]], [patent], spec)]
    assert any(fresh[0] in text for text in told)
    assert not any(fresh[0] in text for text in before)
    assert known_matters(backgrounds[DAYS[1]], [patent], shipped_cover("guarantee")) == []


def test_a_store_without_cases_leaves_the_declared_rate(backgrounds: dict[date, Background]) -> None:
    background, spec = backgrounds[DAYS[1]], shipped_cover("validity")
    tables = dict(background.tables)
    tables["cases"] = tables["cases"].filter(tables["cases"].case_id == "none")
    (rate,) = rates_from(replace(background, tables=tables), ["CN00000000"], spec)
    assert rate.rate == declared_rate(spec, background.book, DAYS[1])[0]
    assert rate.claims == 0
