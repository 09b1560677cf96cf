"""The option and event-study methods on the synthetic world: what they add, what they refuse, what they never look at."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from zhirong.kernel.errors import NotAdmissibleError
from zhirong.kernel.provenance import Grade, Source
from zhirong.numerics.event_study import expected_value_share, grant_value, window_noise
from zhirong.params import load
from zhirong.sample import write_world
from zhirong.tables import Engine, Store
from zhirong.valuation import Assumption, prepare
from zhirong.valuation.background import Background
from zhirong.valuation.inputs import default_assumptions
from zhirong.valuation.methods import IncomeModel, income_model
from zhirong.valuation.option_terms import ADMITTED, EVENT_STUDY_BIAS, KNOWN, OPTION_CAVEAT, REASONS_ZH
from zhirong.valuation.options import (
    event_study_draws,
    grant_window,
    option_draws,
    option_parts,
    renewal_fees_ahead,
)
from zhirong.valuation.subject import Subject, describe
from zhirong.valuation.types import Distribution
from zhirong.valuation.used import Used

AS_OF = date(2020, 6, 30)
COUNT, SEED, DRAWS = 2_000, 5, 2_000


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return write_world(tmp_path_factory.mktemp("options") / "world", patent_count=COUNT, seed=SEED)


@pytest.fixture(scope="module")
def background(world: Store, duckdb_engine: Engine) -> Background:
    return prepare(world, duckdb_engine, as_of=AS_OF, book=load())


@pytest.fixture(scope="module")
def subjects(world: Store, background: Background) -> list[Subject]:
    table = pq.read_table(world.file("patents"))
    mask = pc.and_(pc.equal(table["right_type"], "invention"), pc.less(table["grant_date"], pa.scalar(AS_OF)))
    mask = pc.and_(mask, pc.greater(table["grant_date"], pa.scalar(date(2016, 1, 1))))
    found = describe(background, table.filter(mask)["patent_id"].to_pylist()[:60])
    return [s for s in found if s.is_alive and s.legal_life_years]


@pytest.fixture(scope="module")
def subject(subjects: list[Subject]) -> Subject:
    return next(s for s in subjects if s.row["office"] == "CN" and s.owner_revenue_cny)


def fixed(name: str, value: float) -> Assumption:
    label, unit, low, high = KNOWN[name]
    source = Source("Given by the user", Grade.STATED)
    return Assumption(name, label, Distribution.FIXED, {"value": value}, low, high, unit, source)


def setting(background: Background, subject: Subject) -> tuple[dict[str, Assumption], IncomeModel, Used]:
    used = Used(background.book, background.as_of)
    assumptions = default_assumptions(background, subject, used)
    return assumptions, income_model(subject, assumptions, as_of=background.as_of, seed=1), used


def test_the_option_is_worth_use_less_fees_at_least_and_names_its_parameters(
    background: Background, subject: Subject
) -> None:
    assumptions, model, used = setting(background, subject)
    draws = option_draws(background, subject, assumptions, model, used, seed=1, count=DRAWS)
    fees = sum(amount for _, amount in renewal_fees_ahead(background, subject, used))
    assert (draws >= 0).all()
    assert (draws >= model.draws(DRAWS) - fees - 0.02 * model.draws(DRAWS) - 1).all()
    assert {"options.volatility", "fees.cn.invention.annuity", "discount.cn.risk_free"} <= used.versions.keys()
    again = option_draws(background, subject, assumptions, model, used, seed=1, count=DRAWS)
    assert (again == draws).all()
    first = option_draws(background, subject, assumptions, model, used, seed=1, count=200)
    assert first == pytest.approx(draws[:200], rel=0.05, abs=100)


def test_choices_that_the_user_opens_add_value(background: Background, subject: Subject) -> None:
    assumptions, model, used = setting(background, subject)
    plain = option_parts(background, subject, assumptions, model, used)
    assert plain.is_used_now
    assert plain.deferral == 0
    assert plain.expansion == 0
    mean = float(model.draws(4_000).mean())
    more = assumptions | {
        "expansion_share": fixed("expansion_share", 0.5),
        "expansion_cost": fixed("expansion_cost", 0.4 * mean),
    }
    opened = option_parts(background, subject, more, model, used)
    assert opened.expansion > 0
    assert opened.value == pytest.approx(plain.value + opened.expansion)
    idle = assumptions | {"launch_cost": fixed("launch_cost", 1.2 * mean)}
    waiting = option_parts(background, subject, idle, model, used)
    assert waiting.committed < 0 < waiting.value
    assert waiting.deferral > 0
    assert not waiting.is_used_now
    draws = option_draws(background, subject, idle, model, used, seed=1, count=500)
    assert 0 < draws.mean() < model.draws(500).mean()


def test_a_cost_of_launch_that_varies_is_drawn(background: Background, subject: Subject) -> None:
    assumptions, model, used = setting(background, subject)
    mean = float(model.draws(4_000).mean())
    sure = fixed("launch_cost", mean)
    spread = replace(sure, distribution=Distribution.UNIFORM, parameters={"low": 0.2 * mean, "high": 1.8 * mean})
    values = [
        option_draws(background, subject, assumptions | {"launch_cost": cost}, model, used, seed=1, count=DRAWS).mean()
        for cost in (sure, spread)
    ]
    assert values[1] > values[0]  # an owner gains from what varies, because launch is a choice


def test_fees_ahead_are_those_not_paid_within_the_term(background: Background, subjects: list[Subject]) -> None:
    offices = {str(s.row["office"]) for s in subjects}
    assert {"CN", "US"} <= offices
    for subject in subjects:
        ahead = renewal_fees_ahead(background, subject, Used(background.book, background.as_of))
        assert all(0 <= due < (subject.legal_life_years or 0) and amount > 0 for due, amount in ahead)
        assert [due for due, _ in ahead] == sorted(due for due, _ in ahead)
    paid = replace(next(s for s in subjects if s.row["office"] == "CN"), paid_to_year=20)
    assert renewal_fees_ahead(background, paid, Used(background.book, background.as_of)) == ()


def test_an_option_without_its_inputs_is_refused_by_name(background: Background, subject: Subject) -> None:
    assumptions, model, used = setting(background, subject)
    with pytest.raises(NotAdmissibleError, match="income approach"):
        option_draws(background, subject, assumptions, None, used, seed=1, count=100)
    with pytest.raises(NotAdmissibleError, match="cost of launch"):
        option_draws(background, replace(subject, owner_revenue_cny=None), assumptions, model, used, seed=1, count=100)
    with pytest.raises(NotAdmissibleError, match="legal_life_years"):
        option_draws(background, replace(subject, legal_life_years=None), assumptions, model, used, seed=1, count=100)
    strange = replace(subject, row={**subject.row, "office": "BR"})
    with pytest.raises(NotAdmissibleError):
        option_draws(background, strange, assumptions, model, used, seed=1, count=100)


def with_shares(background: Background, subject: Subject, *, later: float = 0.0, days: int = 120) -> Background:
    """Return the background with shares of the owner; a surprise of +6 % falls on the grant, and `later` after the date."""
    granted = subject.row["grant_date"]
    owners = background.tables["patent_parties"].filter(
        lambda t: (t.patent_id == subject.patent_id) & (t.sequence == 1)
    )
    firms = background.tables["firms"].inner_join(owners.select("party_id").distinct(), "party_id")
    firm = background.engine.to_arrow(firms.select("firm_id"))["firm_id"].to_pylist()[0]
    rng = np.random.default_rng(2)
    rows = []
    for step in range(-days, 20):
        day = granted + timedelta(days=step)
        rows.append({
            "firm_id": firm, "day": day, "return_fraction": float(rng.normal(0, 0.02)) + (0.06 if step == 0 else 0.0),
            "market_return_fraction": 0.0, "market_value": 1e9, "currency": "CNY", "source_id": "test",
        })  # fmt: skip
    rows += [{**rows[-1], "day": AS_OF + timedelta(days=1), "return_fraction": later}]
    table = background.engine.facts(pa.Table.from_pylist(rows))
    return replace(background, tables={**background.tables, "share_days": table})


def test_the_event_study_is_the_law_behind_the_published_mean(background: Background, subject: Subject) -> None:
    listed = with_shares(background, subject)
    used = Used(background.book, background.as_of)
    window = grant_window(listed, subject)
    assert window.window_return > 0.03
    assert window.daily_volatility == pytest.approx(0.02, rel=0.2)
    assert window.grants_that_day >= 1
    draws = event_study_draws(listed, subject, used, seed=1, count=40_000)
    share = expected_value_share(window.window_return, window_noise(window.daily_volatility), float(-np.expm1(-0.0141)))
    whole = float(grant_value(share, 1e9, window.grants_that_day))
    since = (AS_OF - subject.row["grant_date"]).days / 365.25
    assert subject.legal_life_years is not None
    left = subject.legal_life_years / (subject.legal_life_years + since)
    assert draws.mean() == pytest.approx(whole * left, rel=0.05)
    assert (draws > 0).all()
    assert {"event_study.gamma", "event_study.expected_grant_share"} <= used.versions.keys()


def test_the_event_study_never_looks_past_the_date(background: Background, subject: Subject) -> None:
    values = [
        event_study_draws(
            with_shares(background, subject, later=change),
            subject,
            Used(background.book, background.as_of),
            seed=1,
            count=50,
        )
        for change in (0.0, 5.0)
    ]
    assert (values[0] == values[1]).all()


def test_the_event_study_names_what_is_missing(background: Background, subject: Subject) -> None:
    used = Used(background.book, background.as_of)

    def reason(there: Background, patent: Subject) -> str:
        with pytest.raises(NotAdmissibleError) as caught:
            event_study_draws(there, patent, used, seed=1, count=50)
        return str(caught.value)

    listed = with_shares(background, subject)
    reasons = [
        reason(background, subject),
        reason(listed, replace(subject, row={**subject.row, "grant_date": None})),
        reason(with_shares(background, subject, days=5), subject),
        reason(listed, replace(subject, patent_id="CN0")),
        reason(listed, replace(subject, row={**subject.row, "grant_date": date(2005, 1, 4)})),
    ]
    assert reasons == [
        "no share prices around the day of grant", "grant_date",
        "fewer than 20 days of share prices before the grant", "the first owner is no firm of the store",
        "no share prices around the day of grant",
    ]  # fmt: skip
    for text in reasons:
        assert any(re.fullmatch(pattern, text) for pattern, _ in REASONS_ZH)


def test_words_are_there_in_both_languages() -> None:
    assert set(ADMITTED) == {"option", "event_study"}
    for said in (EVENT_STUDY_BIAS, OPTION_CAVEAT, *(entry[0] for entry in KNOWN.values())):
        assert re.search(r"[一-鿿]", said.zh)
        assert not re.search(r"[一-鿿]", said.en)
