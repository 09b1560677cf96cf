"""The language of deal files: every fault is named, impossible deals are refused, shipped deals say where values come from."""

from __future__ import annotations

import copy
import re
from datetime import date
from pathlib import Path

import pytest
import yaml
from deal_cases import MIXED
from deal_strategies import as_text, deals
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zhirong.finance.securitisation import DealError, parse_deal, read_deal, simulate_deal
from zhirong.finance.securitisation.library import deal_names, load_deal
from zhirong.finance.securitisation.parse import ACTIONS, AMOUNTS, TESTS
from zhirong.kernel.errors import DomainError, UnknownNameError
from zhirong.kernel.provenance import Grade

BASE = yaml.safe_load(MIXED)


def changed(path: str, value: object) -> str:
    """The mixed deal with one field replaced, added, or removed where the value is None."""
    plain = copy.deepcopy(BASE)
    keys = [int(k) if k.isdigit() else k for k in re.findall(r"[\w-]+", path)]
    place = plain
    for key in keys[:-1]:
        place = place[key]
    if value is None:
        del place[keys[-1]]
    else:
        place[keys[-1]] = value
    return yaml.safe_dump(plain)


FAULTS = [
    ("closing", "soon", "closing", "a date"),
    ("first_payment", date(2023, 1, 1), "first_payment", "after closing"),
    ("legal_final", date(2024, 2, 1), "legal_final", "not before first_payment"),
    ("legal_final", date(2099, 2, 1), "pool.assets", None),
    ("payment_interval_months", 5, "payment_interval_months", "1, 2, 3, 4, 6, 12"),
    ("day_count", "act/366", "day_count", "act/365f"),
    ("tranches.0.share", 0.95, "tranches[2].balance", "negative equity"),
    ("tranches.0.share", 1.5, "tranches[0].share", "at most 1"),
    ("tranches.0.coupon", -0.01, "tranches[0].coupon", "at least 0"),
    ("tranches.0.coupon", float("nan"), "tranches[0].coupon", "a number"),
    ("tranches.0.coupon", True, "tranches[0].coupon", "a number"),
    ("tranches.0.legal_final", date(2030, 1, 1), "tranches.A.legal_final", "that of the deal"),
    ("tranches.0.copuon", 0.1, "tranches[0].copuon", "did you mean: coupon"),
    ("tranches.1.id", "A", "tranches", "each id once"),
    ("tranches.0.is_residual", True, "tranches", "one tranche"),
    ("tranches.0.schedule", {date(2024, 4, 11): 1.0}, "tranches.A.schedule.2024-04-11", "a payment date"),
    ("tranches.0.schedule", {date(2024, 4, 10): 8e7}, "tranches.A.schedule.2024-04-10", "not above"),
    ("tranches.0.margin", 0.01, "tranches[0].coupon", "no such field"),
    ("pool.recovery.mean", 1.2, "pool.recovery.mean", "at most 1"),
    ("pool.dependence.degrees_of_freedom", 0.5, "pool.dependence.degrees_of_freedom", "at least 1"),
    ("pool.assets.0.credit.annual_pd", 1.0, "pool.assets[0].credit.annual_pd", "below 1"),
    ("pool.assets.0.payments", 100, "pool.assets[0].payments", "payments that end by"),
    ("pool.assets.0.grace_payments", 24, "pool.assets[0].grace_payments", "below payments"),
    ("pool.assets.0.revenue_share", 0.2, "pool.assets[0].revenue_share", "only a licence-back"),
    ("pool.assets.0.dilution", 0.2, "pool.assets[0].dilution", "only receivables"),
    ("pool.assets.0.in_advance", True, "pool.assets[0].in_advance", "level rents"),
    ("pool.assets.1.may_prepay", True, "pool.assets[15].may_prepay", "false"),
    ("pool.assets.0.deposit", 3e7, "pool.assets[0].deposit", "below the balance"),
    ("pool.assets.0.first_due", date(2020, 1, 1), "pool.assets[0].first_due", "within a year"),
    ("pool.assets.0.kind", "lone", "pool.assets[0].kind", "did you mean: loan"),
    ("pool.assets", [], "pool.assets", "at least one entry"),
    ("triggers.2.parts", ["oc", "turbo"], "triggers", "circular"),
    ("triggers.2.parts", ["oc", "gone"], "triggers.turbo.parts", "one of"),
    ("triggers.0.tranches", ["A", "Z"], "triggers.oc.tranches", "one of"),
    ("triggers.0.level", "high", "triggers[0].level", "a number"),
    ("triggers.0.test", "ocr", "triggers[0].test", "oc"),
    ("triggers.0.id", "revolving", "triggers", "another id"),
    ("fees.0.basis", "moon", "fees[0].basis", "fixed, pool"),
    ("waterfall.0.from", ["moon"], "waterfall[0].from", "reserve, guarantor"),
    ("waterfall.1.from", ["guarantor", "reserve"], "waterfall[1].from", "the reserve before"),
    ("waterfall.2.unless", "moon", "waterfall[2].unless", "one of"),
    ("waterfall.2.when", "oc", "waterfall[2].unless", "not both"),
    ("waterfall.5.amount", "all", "waterfall[5].amount", "available"),
    ("waterfall.5.amount", "available", "waterfall[5].from", "nothing"),
    ("waterfall.5.amount", "scheduled", "waterfall[5].amount", "a schedule of"),
    ("waterfall.0.pay_fees", ["trustee"], "waterfall", "never be paid"),
    ("waterfall.1.pay_interest", ["Q"], "waterfall[1].pay_interest", "one of"),
    ("waterfall.9", {"pay": ["A"]}, "waterfall[9]", "exactly one of"),
    ("waterfall.9", {"buy_assets": True}, "waterfall[9]", "a revolving period"),
    ("waterfall.10", {"pay_residual": True, "when": "oc"}, "waterfall", "as the last step"),
    ("waterfall.10", {"pay_residual": 3}, "waterfall[10].pay_residual", "true"),
    ("guarantor", None, "waterfall[1].from", "a deal with a guarantor"),
    ("guarantor.cap", -1.0, "guarantor.cap", "at least 0"),
    ("clean_up_call.share", 0.0, "clean_up_call.share", "above 0"),
    ("buy_back.share", 2, "buy_back.share", "at most 1"),
    ("collection_lag_days", 1.5, "collection_lag_days", "a whole number"),
    ("name", {"zh": "甲"}, "name", "{zh: ..., en: ...}"),
    ("sources", {"a": {"title": "x", "grade": "sure"}}, "sources.a.grade", "official"),
    ("facts", {"closing": "b"}, "facts.closing", "a key of sources"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "at", "allowed"), FAULTS, ids=[f"{p}={v}"[:60] for p, v, *_ in FAULTS])
def test_a_fault_is_named_with_path_value_and_what_is_allowed(
    path: str, value: object, at: str, allowed: str | None
) -> None:
    if allowed is None:  # a longer deal is no fault of its own: assets may end early
        assert parse_deal(changed(path, value)).legal_final == value
        return
    with pytest.raises(DealError) as caught:
        parse_deal(changed(path, value))
    hits = [fault for fault in caught.value.faults if fault.path == at and allowed in fault.allowed]
    assert hits, str(caught.value)
    assert str(hits[0]) in str(caught.value)


def test_all_faults_are_reported_at_once() -> None:
    text = changed("tranches.0.coupon", 9).replace("share: 0.1\n", "share: 7\n")
    with pytest.raises(DealError) as caught:
        parse_deal(text)
    assert {fault.path for fault in caught.value.faults} == {
        "tranches[0].coupon",
        "clean_up_call.share",
        "buy_back.share",
    }


def test_tranches_above_the_pool_are_refused_with_the_share() -> None:
    plain = copy.deepcopy(BASE)
    plain["tranches"][2] = {"id": "E", "share": 0.2, "is_residual": True}
    with pytest.raises(DealError, match=r"110\.00%.*equity would be negative"):
        parse_deal(yaml.safe_dump(plain))


@pytest.mark.parametrize("text", ["", "- 1", "a: [", "5", "null"])
def test_what_is_no_deal_is_refused(text: str) -> None:
    with pytest.raises(DealError):
        parse_deal(text)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(deals(), st.data())
def test_impossible_deals_are_refused(plain: dict, data: st.DataObject) -> None:
    """Of a random good deal: dates reversed, tranches above the pool, equity negative, triggers in a circle."""
    parse_deal(as_text(plain))
    kind = data.draw(st.sampled_from(["dates", "closing", "over", "equity", "circle", "long circle"]))
    if kind == "dates":
        plain["legal_final"], plain["first_payment"] = plain["closing"], plain["legal_final"]
        said = "legal_final"
    elif kind == "closing":
        plain["closing"] = data.draw(st.dates(plain["first_payment"], date(2060, 1, 1)))
        said = "first_payment"
    elif kind in {"over", "equity"}:
        scale = (
            data.draw(st.floats(1.01, 50))
            * 1e8
            / sum(t["balance"] for t in plain["tranches"] if t["balance"] != "rest")
        )
        plain["tranches"] = [t for t in plain["tranches"] if t["balance"] != "rest"]
        for t in plain["tranches"]:
            t["balance"] *= scale
            t.pop("schedule")
        said = "at most 100 %"
        if kind == "equity":
            plain["tranches"].append({"id": "E", "balance": "rest", "is_residual": True})
            said = "negative equity"
    else:
        by_id = {t["id"]: t for t in plain["triggers"]}
        by_id["all"]["parts"] = ["any"] if kind == "long circle" else ["all"]
        said = "circular"
    with pytest.raises(DealError, match=said):
        parse_deal(as_text(plain))


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**6), 10**6)
    | st.floats(allow_nan=True)
    | st.text(max_size=5)
    | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
PATHS = [p for p, *_ in FAULTS if p not in {"sources", "facts"}]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(PATHS), JUNK)
def test_junk_in_a_field_is_a_named_fault_or_a_deal_never_a_crash(path: str, junk: object) -> None:
    if junk is None:
        return
    faults, deal = (), None
    try:
        deal = parse_deal(changed(path, junk))
    except DealError as err:
        faults = err.faults
    assert faults or deal.notes <= deal.pool.balance * (1 + 1e-9)


def test_the_page_of_the_language_shows_a_deal_and_names_every_word() -> None:
    page = (Path(__file__).parents[3] / "docs" / "reference" / "waterfall-language.md").read_text("utf-8")
    assert parse_deal(page.split("```yaml\n")[1].split("```")[0]) == parse_deal(MIXED)
    for word in (*ACTIONS, *AMOUNTS, *TESTS):
        assert f"`{word}" in page, word


def test_a_file_is_read(tmp_path) -> None:
    file = tmp_path / "deal.yaml"
    file.write_text(MIXED, "utf-8")
    assert read_deal(file) == parse_deal(MIXED)


@pytest.mark.parametrize("name", deal_names())
def test_shipped_deals_name_their_facts_and_run_with_and_without_support(name: str) -> None:
    deal = load_deal(name)
    assert deal.facts
    assert {fact.source.grade for fact in deal.facts} <= {Grade.PUBLISHED, Grade.RECALLED}
    helped = simulate_deal(deal, rate=0.025, paths=2_000)
    alone = simulate_deal(deal, rate=0.025, paths=2_000, with_support=False)
    senior = deal.tranches[0].id
    assert helped.tranche(senior).expected_loss.value <= alone.tranche(senior).expected_loss.value
    assert alone.support_drawn.value == 0.0 < helped.support_drawn.value
    assert helped.conservation_error < 1e-6


@pytest.mark.golden
def test_published_sizes_of_the_shipped_deals() -> None:
    """Oracles abs.wenke.tranches, abs.guanggu.tranches, abs.hefei.ltv; and the coupons and sizes of the reference, 1.5."""
    wenke = load_deal("lease_2019")
    assert wenke.notes == pytest.approx(733e6, abs=1e-3)
    assert wenke.tranches[0].balance / wenke.notes == pytest.approx(0.949522510231924, abs=1e-9)
    licence = load_deal("licence_back_2019")
    assert (licence.pool.balance, len(licence.pool.assets), licence.tranches[0].coupon) == (
        pytest.approx(301e6),
        11,
        0.04,
    )
    assert licence.pool.assets[0].balance == pytest.approx(23e6)
    loans = load_deal("pledged_loans_2022")
    assert (loans.pool.balance, len(loans.pool.assets), loans.tranches[0].coupon) == (pytest.approx(206e6), 12, 0.038)
    chain = load_deal("supply_chain_2018")
    assert [t.balance for t in chain.tranches] == [310e6, 137e6, 23e6]
    plain = copy.deepcopy(BASE)
    plain["pool"]["assets"] = [{**plain["pool"]["assets"][0], "count": 9, "total": 68e6, "largest": 10e6}]
    plain["tranches"] = [
        {"id": "A", "balance": 67e6, "coupon": 0.03},
        {"id": "B", "balance": "rest", "is_residual": True},
    ]
    plain["triggers"], plain["waterfall"] = [], [
        {"pay_fees": ["trustee", "servicer"]}, {"pay_interest": ["A"]}, {"pay_principal": ["A"]}, {"pay_residual": True},
    ]  # fmt: skip
    guanggu = parse_deal(yaml.safe_dump(plain))
    assert guanggu.tranches[0].balance / guanggu.notes == pytest.approx(0.985294117647059, abs=1e-9)
    plain["pool"]["assets"][0]["total"], plain["tranches"][0]["balance"], plain["collateral_value"] = (
        150e6,
        140e6,
        400e6,
    )
    assert parse_deal(yaml.safe_dump(plain)).loan_to_value == pytest.approx(0.375, abs=1e-15)
    assert guanggu.loan_to_value is None


def test_misuse_is_named() -> None:
    deal = load_deal("lease_2019")
    with pytest.raises(UnknownNameError, match="lease_2019"):
        load_deal("lease_2091")
    with pytest.raises(DomainError, match="paths"):
        simulate_deal(deal, rate=0.02, paths=1)
    with pytest.raises(DomainError, match="rate"):
        simulate_deal(deal, rate=2.0)
    with pytest.raises(DomainError, match="no tranche 'Z'"):
        simulate_deal(deal, rate=0.02, paths=50).tranche("Z")
