"""A hand-made valuation: every number is made up for tests and labelled synthetic."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np

from zhirong.indicators.catalogue import Dimension
from zhirong.indicators.scoring.types import DimensionScore, IndicatorReading, PatentScore, WeightMargin
from zhirong.kernel.findings import Finding, Severity
from zhirong.kernel.provenance import Grade, Provenance, Source
from zhirong.kernel.text import Bilingual
from zhirong.valuation.types import (
    QUANTILE_LEVELS,
    Admissibility,
    Assumption,
    CashFlowFan,
    Contribution,
    Distribution,
    MethodResult,
    Purpose,
    StandardOfValue,
    Valuation,
)


def _lognormal(median: float, sigma: float) -> dict[float, float]:
    z = {0.05: -1.645, 0.1: -1.282, 0.25: -0.674, 0.5: 0.0, 0.75: 0.674, 0.9: 1.282, 0.95: 1.645}
    return {level: float(median * np.exp(sigma * z[level])) for level in QUANTILE_LEVELS}


def _fan() -> CashFlowFan:
    years = tuple(float(t) for t in range(1, 13))
    shape = [1.2e6 * (1 + 0.25 * t) * 0.87 ** (t * t / 8) for t in range(12)]
    quantiles = {q: tuple(v * np.exp(0.7 * z) for v in shape) for q, z in _z().items()}
    return CashFlowFan(years, quantiles, Bilingual("税后、计及风险的许可费节省", "Royalty relief after tax and risk"))


def _z() -> dict[float, float]:
    return {0.05: -1.645, 0.1: -1.282, 0.25: -0.674, 0.5: 0.0, 0.75: 0.674, 0.9: 1.282, 0.95: 1.645}


ROYALTY = Source("Parr, Royalty Rates for Technology, 6th ed.", Grade.RECALLED, page="ch. 3", note="cumulative table")


def make_valuation(**changes: object) -> Valuation:
    """One synthetic patent with three methods, one of which is not admissible."""
    mix = _lognormal(8.4e6, 0.55)
    value = Valuation(
        subject_id="CN109876543",
        patent_ids=("CN109876543",),
        as_of=date(2024, 6, 30),
        currency="CNY",
        purpose=Purpose.PLEDGE,
        standard_of_value=StandardOfValue.MARKET,
        quantiles=mix,
        mean=9.77e6,
        sd=5.8e6,
        methods=(
            MethodResult(
                "relief_from_royalty",
                Bilingual("许可费节省法", "Relief from royalty"),
                _lognormal(9.3e6, 0.6),
                1.1e7,
                7.2e6,
                2.1e4,
                0.7,
                Bilingual("有收入预测和费率依据", "A revenue path and a rate are given"),
                None,
                _fan(),
            ),
            MethodResult(
                "renewal",
                Bilingual("续展模型法", "Renewal model"),
                _lognormal(6.1e5, 1.1),
                1.1e6,
                1.6e6,
                3.0e3,
                0.1,
                Bilingual("只反映缴费行为揭示的最低价值", "Shows only what fee payments reveal"),
            ),
            MethodResult(
                "cost",
                Bilingual("重置成本法", "Replacement cost"),
                _lognormal(2.9e6, 0.3),
                3.0e6,
                9e5,
                0.0,
                0.2,
                Bilingual("忽略上行空间，仅作校核", "Ignores upside; a cross-check"),
            ),
        ),
        admissibility=(
            Admissibility(
                "relief_from_royalty", True, (Bilingual("有收入预测和费率依据", "A revenue path and a rate are given"),)
            ),
            Admissibility("renewal", True, (Bilingual("有年费缴纳记录", "Renewal payments are recorded"),)),
            Admissibility("cost", True, (Bilingual("有研发支出", "R&D spending is given"),)),
            Admissibility(
                "market",
                False,
                (Bilingual("同领域可比交易仅 2 笔，少于所需的 5 笔", "2 comparable deals in the field; 5 are needed"),),
            ),
        ),
        contributions=(
            Contribution(
                "royalty_rate", Bilingual("许可费率", "Royalty rate"), 0.02, 0.07, 4.1e6, 1.42e7, "fraction", 0.46
            ),
            Contribution(
                "revenue", Bilingual("首年收入", "First-year revenue"), 3.1e7, 8.8e7, 5.2e6, 1.31e7, "CNY", 0.31
            ),
            Contribution(
                "discount_rate", Bilingual("折现率", "Discount rate"), 0.11, 0.19, 9.9e6, 7.2e6, "fraction a year", 0.06
            ),
            Contribution(
                "economic_life", Bilingual("经济寿命", "Economic life"), 5.2, 11.8, 6.4e6, 9.5e6, "years", 0.12
            ),
        ),
        assumptions=(
            Assumption(
                "royalty_rate",
                Bilingual("许可费率", "Royalty rate"),
                Distribution.TRIANGULAR,
                {"low": 0.01, "mode": 0.04, "high": 0.1},
                0.01,
                0.1,
                "fraction",
                ROYALTY,
            ),
            Assumption(
                "discount_rate",
                Bilingual("折现率", "Discount rate"),
                Distribution.NORMAL,
                {"mean": 0.15, "sd": 0.03},
                0.08,
                0.3,
                "fraction a year",
                Source("Project assumption", Grade.ASSUMED),
            ),
            Assumption(
                "tax_rate",
                Bilingual("所得税率", "Income tax rate"),
                Distribution.FIXED,
                {"value": 0.25},
                0.0,
                0.5,
                "fraction",
                Source("中华人民共和国企业所得税法 第四条", Grade.OFFICIAL, dated=date(2018, 12, 29)),
            ),
            Assumption(
                "revenue",
                Bilingual("首年收入", "First-year revenue"),
                Distribution.LOGNORMAL,
                {"median": 5.2e7, "sigma": 0.4},
                1e7,
                2e8,
                "CNY",
                Source("管理层预测 / management plan", Grade.STATED),
                True,
            ),
        ),
        facts={
            "title": "一种用于动力电池的热管理方法及系统",
            "filing_date": "2018-03-12",
            "remaining_life_years": 13.7,
            "legal_status": "in_force",
            "family_size": 4,
            "is_litigated": None,
        },
        unknown=(
            Bilingual("权利要求的自由实施风险未评估", "Freedom to operate was not assessed"),
            Bilingual("市场占有率未提供", "Market share was not given"),
        ),
        findings=(
            Finding(
                "cn.check_digit",
                Severity.WARNING,
                "专利清单.xlsx",
                "check digit does not fit",
                17,
                "申请号",
                "2018101234567",
            ),
        ),
        provenance=Provenance(
            "0.1.0",
            date(2024, 6, 30),
            {"patents": "a" * 64, "citations": "b" * 64},
            {"fees.cn.invention.annuity": "2010-01-01"},
            20240630,
            {"draws": "100000"},
        ),
        is_synthetic=True,
    )
    return replace(value, **changes)  # type: ignore[arg-type]


def make_score() -> PatentScore:
    """A score with one unknown indicator."""
    known = [
        ("oecd.claims", 18.0, 81.0, 81.0, 0.15),
        ("oecd.family_size", 4.0, 74.0, 74.0, 0.2),
        ("oecd.scope", 3.0, 52.0, 52.0, 0.1),
        ("oecd.grant_lag", 1410.0, 78.0, 22.0, 0.1),
        ("oecd.npl_citations", 0.0, 18.0, 18.0, 0.1),
        ("oecd.renewal", 6.0, 66.0, 66.0, 0.15),
    ]
    readings = (
        *(IndicatorReading(i, v, p, s, w, 1 if p == s else -1, None, "2018 x 1", 412) for i, v, p, s, w in known),
        IndicatorReading("oecd.claims_bwd", None, None, None, 0.2, 1),
    )
    return PatentScore(
        "CN109876543",
        "pledge",
        Bilingual("质押融资", "Pledge loan"),
        Bilingual("固定权重（本项目假设）", "Fixed (assumed here)"),
        58.6,
        47.0,
        66.1,
        0.9,
        3,
        2,
        3,
        0.8,
        0.66,
        (
            DimensionScore(Dimension.LEGAL, 64.0, 55.0, 71.0, 1.0, 0.4),
            DimensionScore(Dimension.TECHNICAL, 41.0, 30.0, 57.0, 0.6, 0.35),
            DimensionScore(Dimension.ECONOMIC, None, None, None, 0.0, 0.25),
        ),
        readings,
        (WeightMargin("oecd.claims", 0.15, None, 0.34),),
    )
