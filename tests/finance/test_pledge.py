"""Pledge loans: register, capacity against brute force and closed form, term sheet, impossible specs."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from zhirong.finance.pledge import (
    Borrower,
    DoublePledgeError,
    Pledge,
    PledgedRight,
    PledgeRegister,
    PledgeSpec,
    PledgeState,
    shipped_spec,
    term_sheet,
)  # fmt: skip
from zhirong.finance.schedules import Repayment
from zhirong.kernel.errors import DomainError, UnknownNameError
from zhirong.kernel.money import Money
from zhirong.numerics.collateral import ValuePath, debt_capacity, realisable_paths
from zhirong.params import load

DAY = date(2024, 6, 28)
CLEAR = {
    "is_annuity_paid": True, "has_invalidation_petition": False, "has_preservation_order": False, "has_co_owner_consent": True,
}  # fmt: skip
STILL = ValuePath(0.0, 0.0, 0.0, (0.0, 0.0, 0.0), (0.0, 0.0), 0.0, 0.0)


def spec(**changes) -> PledgeSpec:
    return shipped_spec(load(), DAY, **changes)


def right(name: str = "CN1", value: float = 6e6, *, sigma: float = 0.0, seed: int = 0, **changes) -> PledgedRight:
    draws = value * np.exp(sigma * np.random.default_rng(seed).standard_normal(4_000))
    return PledgedRight(
        **{"right_id": name, "kind": "invention", "values": draws, "remaining_life_years": 12.0, **CLEAR, **changes}
    )


def pledge(name: str, *patents: str, bank: str = "Bank A") -> Pledge:
    return Pledge(name, patents, "Owner", bank, Money.of(1_000_000, "CNY"))


def filed(register: PledgeRegister, item: Pledge, day: date = DAY) -> PledgeRegister:
    register = register.add(item).move(item.pledge_id, PledgeState.SIGNED, day)
    return register.move(item.pledge_id, PledgeState.FILED, day)


@pytest.mark.golden
def test_first_loan_under_the_invention_cap() -> None:
    sheet = term_sheet([right()], spec(path=STILL), borrower=Borrower((1e9,)))
    assert sheet.amount == Money.of(1_500_000, "CNY") and sheet.binding.name == "ltv"
    assert sheet.ltv == pytest.approx(0.25) and not sheet.blocking


@pytest.mark.golden
def test_policy_defaults_are_the_published_terms() -> None:
    made = spec()
    assert {k: made.ltv_caps[k] for k in ("invention", "utility_model", "trademark")} == {
        "invention": 0.25, "utility_model": 0.15, "trademark": 0.3,
    }  # fmt: skip
    assert (made.least_life_years["invention"], made.least_life_years["utility_model"]) == (8, 4)
    assert (made.most_amount_cny, made.most_years) == (1e7, 3)
    assert all(source.grade for source in made.sources.values()) and len(made.sources) >= 12


def test_one_patent_cannot_be_pledged_twice() -> None:
    register = filed(PledgeRegister(), pledge("p1", "CN1", "CN2"))
    second = register.add(pledge("p2", "CN2", bank="Bank B")).move("p2", PledgeState.SIGNED, DAY)
    with pytest.raises(DoublePledgeError, match="CN2 is held by pledge p1"):
        second.move("p2", PledgeState.FILED, DAY)
    taken = register.get("p1")
    with pytest.raises(DoublePledgeError):
        PledgeRegister((taken, replace(taken, pledge_id="p9")))
    done = second.move("p1", PledgeState.REGISTERED, DAY).move("p1", PledgeState.RELEASED, DAY)
    again = done.move("p2", PledgeState.FILED, DAY)
    assert again.holder("CN2").pledge_id == "p2" and again.is_free("CN1")
    assert register.holder("CN1").pledge_id == "p1", "an old register is not changed"


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(PledgeState)), max_size=40))
@settings(max_examples=150)
def test_no_sequence_of_acts_pledges_a_patent_twice(acts) -> None:
    register = PledgeRegister(
        tuple(pledge(n, *ids) for n, ids in zip("abcd", (("1",), ("1", "2"), ("2",), ("3", "1")), strict=True))
    )
    for name, state in acts:
        try:
            register = register.move(name, state, DAY)
        except DomainError:
            continue
    held = [patent for p in register.pledges if p.holds for patent in p.patent_ids]
    assert len(held) == len(set(held))


def test_priority_is_by_registration() -> None:
    register = filed(filed(PledgeRegister(), pledge("p1", "CN1")), pledge("p2", "CN2"))
    register = register.move("p2", PledgeState.REGISTERED, date(2024, 7, 1)).move(
        "p1", PledgeState.REGISTERED, date(2024, 7, 3)
    )
    assert [p.pledge_id for p in register.in_priority_order()] == ["p2", "p1"]
    with pytest.raises(DomainError, match="released cannot become registered"):
        register.move("p1", PledgeState.RELEASED, DAY.replace(month=8)).move(
            "p1", PledgeState.REGISTERED, DAY.replace(month=9)
        )
    with pytest.raises(DomainError, match="reversed"):
        register.move("p1", PledgeState.RELEASED, date(2020, 1, 1))
    with pytest.raises(UnknownNameError):
        register.get("p7")


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 0.4))
@settings(max_examples=40, deadline=None)
def test_capacity_against_brute_force(seed: int, epsilon: float) -> None:
    rng = np.random.default_rng(seed)
    proceeds, debt = rng.lognormal(0, 0.5, (5, 300)), rng.uniform(0.1, 1, 5)
    answer = debt_capacity(proceeds, debt, epsilon)

    def share(amount: float) -> float:
        return float((proceeds < amount * debt[:, None]).any(axis=0).mean())

    assert share(answer.amount * (1 - 1e-9)) <= epsilon + 1e-12
    assert share(answer.amount * (1 + 1e-9)) > epsilon
    assert answer.shortfall_probability(answer.amount) <= epsilon + 1e-12
    assert answer.pointwise >= answer.amount and answer.low <= answer.amount <= answer.high
    apart = max((proceeds < answer.pointwise * (1 - 1e-9) * debt[:, None]).mean(axis=1))
    assert apart <= epsilon + 1e-12


def test_capacity_at_one_date_is_the_lognormal_quantile() -> None:
    n, sigma, vol, years = 200_000, 0.4, 0.3, 1.5
    values = 1e6 * np.exp(sigma * np.random.default_rng(3).standard_normal((1, n)))
    path = ValuePath(0.12, vol, 0.0, (0.5, 0.5, 0.5), (12.0, 0.0), 0.08, 0.05)
    proceeds = realisable_paths(values, ("CN1",), np.array([20.0]), path, np.array([years]), seed=5)
    answer = debt_capacity(proceeds, np.ones(1), 0.05)
    centre = np.log(1e6 * 0.5 * 0.92) + np.log(0.88) * (years + 1) - vol**2 / 2 * years - np.log(1.05)
    exact = np.exp(centre + stats.norm.ppf(0.05) * np.hypot(sigma, vol * np.sqrt(years)))
    assert answer.amount == pytest.approx(exact, rel=0.02)
    assert answer.low < exact < answer.high


def test_limit_cases_of_the_value_path() -> None:
    values = np.full((2, 500), 1e6)
    years, lives = np.array([0.5, 1.0]), np.array([9.0, 9.0])
    flat = realisable_paths(values, ("a", "b"), lives, STILL, years, seed=1)
    assert (flat == 2e6).all(), "nothing moves, nothing is lost"
    gone = realisable_paths(values, ("a", "b"), np.array([9.0, 0.7]), STILL, years, seed=1)
    assert (gone[0] == 2e6).all() and (gone[1] == 1e6).all(), "a right that has ended is worth nothing"
    lively = replace_path(volatility=0.4)
    one = realisable_paths(values, ("a", "b"), lives, lively, years, seed=1)
    assert one == pytest.approx(realisable_paths(values, ("b", "a"), lives, lively, years, seed=1))


def replace_path(**changes) -> ValuePath:
    return replace(STILL, **changes)


def test_dependence_lowers_what_a_portfolio_carries() -> None:
    rights = [right(f"CN{k}", sigma=0.5, seed=k) for k in range(6)]
    amounts = []
    for correlation in (0.0, 0.5, 1.0):
        made = spec(
            path=replace_path(volatility=0.6, correlation=correlation), ltv_caps={"invention": 1.0}, most_amount_cny=1e9
        )
        sheet = term_sheet(rights, made, borrower=Borrower((1e10,)))
        amounts.append(next(x.amount_cny for x in sheet.limits if x.name == "var"))
    assert amounts[0] > amounts[1] > amounts[2]
    same = [right(f"CN{k}", sigma=0.5, seed=1) for k in range(6)]
    tied = term_sheet(same, spec(path=STILL, most_amount_cny=1e9), borrower=Borrower((1e10,)))
    apart = term_sheet(rights, spec(path=STILL, most_amount_cny=1e9), borrower=Borrower((1e10,)))
    assert limit(tied, "var") < limit(apart, "var"), "joint draws carry their dependence"


def limit(sheet, name: str) -> float:
    return next(x.amount_cny for x in sheet.limits if x.name == name)


def test_each_limit_can_bind_and_is_shown() -> None:
    rich, wide = Borrower((1e9, 1e9, 1e9)), {"path": STILL}
    cases = {
        "ltv": term_sheet([right()], spec(**wide), borrower=rich),
        "var": term_sheet([right(sigma=1.5)], spec(), borrower=rich),
        "dscr": term_sheet([right()], spec(**wide), borrower=Borrower((600_000.0,))),
        "programme": term_sheet([right(value=1e9)], spec(**wide), borrower=rich),
        "asked": term_sheet([right()], spec(**wide, asked_cny=300_000), borrower=rich),
    }
    for name, sheet in cases.items():
        assert sheet.binding.name == name
        assert sheet.amount.to_float() <= sheet.binding.amount_cny
        assert {x.name for x in sheet.limits} == set(cases) and all(x.label.zh and x.label.en for x in sheet.limits)
        assert sheet.loan.principal.sum() == sheet.amount.minor
        assert sheet.shortfall_probability <= sheet.spec.epsilon
    year = cases["dscr"].loan.payment.sum() / 100
    assert 600_000 / year >= 1.2 > 600_000 / (year * 1.03), "cover holds and is not far from its least"


def test_the_register_blocks_and_unknowns_are_told() -> None:
    register = filed(PledgeRegister(), pledge("p1", "CN1", bank="Bank B"))
    sheet = term_sheet([right()], spec(), register=register)
    assert sheet.amount.minor == 0 and sheet.loan is None and "pledged twice" in sheet.blocking[0].en
    assert any("cash flow" in w.en for w in sheet.warnings)
    blank = term_sheet([right(is_annuity_paid=None)], spec())
    assert blank.amount.minor > 0 and any("annuity" in w.en for w in blank.warnings)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"is_annuity_paid": False}, "annuity not paid"), ({"has_invalidation_petition": True}, "invalidation pending"),
        ({"remaining_life_years": 5.0}, "5.0 years left"), ({"remaining_life_years": None}, "not known"),
        ({"family_id": "f", "family_members": ("CN1", "US7")}, "US7"), ({"has_preservation_order": True}, "preservation"),
    ],
)  # fmt: skip
def test_what_blocks_a_pledge(changes: dict, word: str) -> None:
    sheet = term_sheet([right(**changes)], spec(), borrower=Borrower((1e9,)))
    assert sheet.amount.minor == 0 and any(word in b.en for b in sheet.blocking)


def test_more_volatility_decay_or_haircut_never_lends_more() -> None:
    base = spec().path
    item = right(sigma=0.6)
    first = limit(term_sheet([item], spec()), "var")
    for change in (
        {"volatility": 0.5},
        {"decay": 0.3},
        {"haircut": (0.6, 0.7, 0.9)},
        {"sale_cost": 0.3},
        {"months_to_sale": (30.0, 0.5)},
    ):
        assert limit(term_sheet([item], spec(path=replace(base, **change))), "var") < first
    assert limit(term_sheet([item], spec(epsilon=0.02)), "var") < first
    for kinder in (Repayment.EQUAL_PRINCIPAL, Repayment.INTEREST_ONLY):
        assert term_sheet([item], spec(repayment=kinder)).amount.minor > 0


def test_same_seed_same_sheet_whatever_the_order() -> None:
    rights = [right(f"CN{k}", sigma=0.5, seed=k) for k in range(3)]
    sheets = [term_sheet(order, spec()) for order in itertools.permutations(rights)]
    assert len({s.amount for s in sheets}) == 1 and len({limit(s, "var") for s in sheets}) == 1


NUMBERS = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True), st.integers(-10, 10), st.none(), st.text(max_size=2)
)


@given(
    st.sampled_from(
        ["months", "months_between", "grace_periods", "annual_rate", "epsilon", "least_dscr", "most_amount_cny", "most_years",
         "round_to_cny", "floor_ltv", "appraisal_quantile"]
    ),
    NUMBERS,
)  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_a_spec_is_either_possible_or_names_the_field(name: str, value: object) -> None:
    message, made = "", None
    try:
        made = spec(**{name: value})
    except DomainError as error:
        message = str(error)
    if made is None:
        assert "field " in message and "allowed" in message and (name in message or name == "months_between")
    else:
        assert getattr(made, name) == value
        term_sheet([right()], made)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"ltv_caps": {"invention": 1.2}}, "ltv_caps.invention"), ({"asked_cny": -1.0}, "asked_cny"),
        ({"path": replace(STILL, haircut=(0.5, 0.4, 0.9))}, "path.haircut"), ({"path": replace(STILL, decay=1.0)}, "path.decay"),
    ],
)  # fmt: skip
def test_impossible_policies_name_the_field(change: dict, field: str) -> None:
    with pytest.raises(DomainError, match=f"field {field}"):
        spec(**change)


def test_misuse_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="kind of right"):
        right(kind="copyright")
    with pytest.raises(UnknownNameError, match="PledgeSpec"):
        spec(months_betwen=3)
    with pytest.raises(DomainError, match="named twice"):
        term_sheet([right(), right()], spec())
    with pytest.raises(DomainError, match="cash_for_debt_service_cny"):
        term_sheet([right()], spec(months=36), borrower=Borrower((1e6,)))
    with pytest.raises(DomainError, match="field values"):
        right(values=np.full(200, -1.0))
    with pytest.raises(DomainError, match="field pledgee"):
        Pledge("p", ("CN1",), "A", "A", Money(1, "CNY"))
