"""Proposals: a firm's file, a whole proposal, the report in both languages."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhirong.finance.bundle import Bundle, Firm, propose, read_firm
from zhirong.finance.pledge import PledgedRight, shipped_spec
from zhirong.kernel.errors import DomainError, EvidenceError, NotAdmissibleError
from zhirong.params import load
from zhirong.reports.bundle_report import bundle_document, render_bundle

DAY = date(2025, 6, 30)
FIRM = Firm("Synthetic firm", asked_cny=2_000_000.0, sales_cny=4e7, pd=0.03, pd_low=0.015, pd_high=0.06, pool_loans=12)


def rights(median: float = 2e7, paid: bool | None = True) -> list[PledgedRight]:
    draws = np.random.default_rng(3).lognormal(np.log(median), 0.8, 4_000)
    return [PledgedRight("CN1", "invention", draws, 12.0, is_annuity_paid=paid)]


def proposal(firm: Firm = FIRM, **more):
    book = load()
    return propose(firm, rights(**more), shipped_spec(book, DAY, months=firm.months), book, DAY, draws=20)


def test_a_proposal_says_what_the_report_prints(tmp_path: Path) -> None:
    found = proposal()
    assert found.amount_cny == 2_000_000.0
    assert found.bundle is not None
    assert found.settled.pd < FIRM.pd or found.settled.pd == pytest.approx(FIRM.pd)
    assert found.dated is not None
    assert 0.0 <= found.lgd.low <= found.lgd.median <= found.lgd.high <= 1.0
    assert 0.0 < found.lgd.mean < 1.0
    for row in found.comparisons:
        assert isinstance(row.programme, Bundle)
        assert row.saving_on_programme is not None
        assert row.saving_on_programme.low >= -1e-9
    for lang, word in (("zh", "中山模式"), ("en", "Zhongshan")):
        files = render_bundle(found, lang=lang, out=tmp_path / lang)
        page = (tmp_path / lang / "bundle.html").read_text("utf-8")
        assert word in page
        assert f"{100 * found.bundle.cost:.3f}%" in page
        assert files.pdf is not None
        assert files.pdf.read_bytes().startswith(b"%PDF")
        assert files.xlsx is not None
    sections = [s.anchor for s in bundle_document(found, lang="en").sections]
    assert sections == ["design", "programmes", "gains", "binding", "limits", "sources"]


def test_the_same_inputs_give_the_same_proposal() -> None:
    assert proposal().comparisons == proposal().comparisons


def test_worse_collateral_never_makes_the_linked_design_cheaper() -> None:
    same = FIRM.__class__(**{f: getattr(FIRM, f) for f in FIRM.__dataclass_fields__} | {"asked_cny": 500_000.0})
    rich, poor = proposal(same, median=2e7).bundle, proposal(same, median=2.5e6).bundle
    assert rich is not None
    assert poor is not None
    assert poor.cost >= rich.cost - 1e-9


def test_what_forbids_a_loan_is_told() -> None:
    with pytest.raises(NotAdmissibleError, match="annuity not paid"):
        proposal(paid=False)
    with pytest.raises(NotAdmissibleError, match="ltv"):
        proposal(median=1_000.0)


def test_a_firm_that_cannot_pay_gets_the_reason() -> None:
    found = proposal(Firm("Synthetic firm", asked_cny=1e6, pd=0.03, most_cash_cost=0.001))
    assert found.bundle is None
    page = bundle_document(found, lang="zh")
    assert "无法同时满足" in str(page.summary)


def test_a_firm_file_is_read_and_every_wrong_field_named(tmp_path: Path) -> None:
    good = tmp_path / "firm.yaml"
    good.write_text("name: 示例（合成）\nasked_cny: 3000000\nsales_growth: [0.2, 0.3]\nis_small: true\n", "utf-8")
    firm = read_firm(good)
    assert (firm.asked_cny, firm.sales_growth, firm.is_small, firm.pd) == (3e6, (0.2, 0.3), True, None)
    bad = tmp_path / "bad.yaml"
    bad.write_text("name: 3\nasked: 5\nis_small: maybe\nsales_growth: 0.2\n", "utf-8")
    with pytest.raises(EvidenceError, match=r"bad.yaml: field asked.*asked_cny.*is_small.*'maybe'.*sales_growth"):
        read_firm(bad)
    bad.write_text("asked_cny: -1\nmonths: 0.5\n", "utf-8")
    with pytest.raises(EvidenceError, match=r"field name: missing"):
        read_firm(bad)
    bad.write_text("name: x\nasked_cny: -1\nmonths: 0.5\npd: 2\n", "utf-8")
    with pytest.raises(EvidenceError, match=r"asked_cny: -1.*months: 0.5.*pd: 2"):
        read_firm(bad)
    bad.write_text("- a\n", "utf-8")
    with pytest.raises(EvidenceError, match="list"):
        read_firm(bad)
    bad.write_text("name: [", "utf-8")
    with pytest.raises(EvidenceError, match="YAML"):
        read_firm(bad)


@given(st.floats(allow_nan=True, allow_infinity=True), st.integers(-5, 500), st.floats(-2, 2))
def test_a_firm_is_either_possible_or_refused_by_name(asked: float, months: int, pd: float) -> None:
    is_possible = 1 <= months <= 120 and 1 <= asked <= 1e12 and 1e-6 <= pd <= 0.9
    if is_possible:
        assert Firm("x", asked_cny=asked, months=months, pd=pd).months == months
        return
    with pytest.raises(DomainError, match=r"field (asked_cny|months|pd)"):
        Firm("x", asked_cny=asked, months=months, pd=pd)
