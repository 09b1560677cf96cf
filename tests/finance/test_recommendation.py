"""Recommendations: verdicts by hand, unknown is not failed, costs are those of the bundle, nothing before its day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from zhirong.finance.bundle import Bundle, Firm, design, programme, propose
from zhirong.finance.pledge import Pledge, PledgedRight, PledgeRegister, shipped_spec
from zhirong.finance.recommendation import Recommendation, Verdict, recommend
from zhirong.params import load
from zhirong.reports.recommendation_report import render_recommendations

DAY = date(2025, 6, 30)
BOOK = load()
FIRM = Firm(
    "Synthetic firm", asked_cny=1_000_000.0, region="Qingdao", sales_cny=2e7, pd=0.03, pd_low=0.02, pd_high=0.05
)


def rights(**more) -> list[PledgedRight]:
    draws = np.random.default_rng(3).lognormal(np.log(5e6), 0.8, 2_000)
    known = {"is_annuity_paid": True, "has_invalidation_petition": False} | more
    return [PledgedRight("CN1", "invention", draws, 12.0, **known)]


def found(
    firm: Firm = FIRM, on: date = DAY, *, register: PledgeRegister | None = None, **more
) -> dict[str, Recommendation]:
    spec = shipped_spec(BOOK, on, months=firm.months)
    return {r.product: r for r in recommend(firm, rights(**more), spec, BOOK, on, register=register, draws=12)}


def test_verdicts_follow_the_published_conditions() -> None:
    got = found(register=PledgeRegister(()))
    assert got["qingdao"].verdict is Verdict.ELIGIBLE
    assert got["pledge_loan"].verdict is Verdict.ELIGIBLE
    assert got["zhongshan"].verdict is Verdict.NOT_ELIGIBLE
    assert [c.field for c in got["zhongshan"].missing] == ["region"]
    dear = found(replace(FIRM, asked_cny=6_000_000.0))["qingdao"]
    assert [(c.field, c.value, c.is_met) for c in dear.missing] == [("asked_cny", 6_000_000.0, False)]
    assert found(replace(FIRM, region="北京市", assets_cny=4.1e7))["bocom_beijing"].missing[0].field == "assets_cny"


def test_unknown_is_not_failed() -> None:
    got = found(has_invalidation_petition=None)
    assert got["pledge_loan"].verdict is Verdict.UNDETERMINED
    assert {c.field for c in got["pledge_loan"].missing} == {"has_invalidation_petition", "is_pledged_already"}
    assert all(c.is_met is None for c in got["pledge_loan"].missing)
    assert found(replace(FIRM, region=None))["qingdao"].verdict is Verdict.UNDETERMINED


def test_costs_are_those_of_the_designs() -> None:
    got = found()
    spec = shipped_spec(BOOK, DAY, months=12)
    proposal = propose(FIRM, rights(), spec, BOOK, DAY, draws=12)
    at = design(programme(BOOK, DAY, "qingdao"), proposal.need, proposal.risk)
    assert isinstance(at, Bundle)
    one = got["qingdao"]
    assert one.cost == pytest.approx(at.cost)
    assert one.cost_low is not None
    assert one.cost_high is not None
    assert one.cost_low <= one.cost <= one.cost_high
    assert got["linked"].cost is not None
    assert got["linked"].cost < one.cost
    assert got["natwest"].cost is None


def test_a_pledged_right_and_a_right_without_value_are_told() -> None:
    spec = shipped_spec(BOOK, DAY, months=12)
    held = PledgeRegister((Pledge.read("P1", "CN1", "firm", "bank", date(2024, 1, 2)),))
    got = {r.product: r for r in recommend(FIRM, rights(), spec, BOOK, DAY, register=held, draws=4)}
    assert got["pledge_loan"].verdict is Verdict.NOT_ELIGIBLE
    unpaid = found(is_annuity_paid=False)["linked"]
    assert unpaid.cost is None
    assert "annuity not paid" in unpaid.note.en


def test_a_product_is_not_offered_before_its_day() -> None:
    assert "natwest" in found()
    assert "natwest" not in found(on=date(2023, 12, 15))  # offered from January 2024


def test_the_report_prints_both_languages(tmp_path: Path) -> None:
    got = tuple(found().values())
    for lang, word in (("zh", "符合条件"), ("en", "eligible")):
        files = render_recommendations(
            got, firm=FIRM.name, as_of=DAY, lang=lang, out=tmp_path / lang, is_synthetic=True
        )
        assert word in (tmp_path / lang / "products.html").read_text("utf-8")
        assert files.pdf is not None
        assert files.pdf.read_bytes().startswith(b"%PDF")
