"""The section of comparable deals: every deal of the record is there, and where there is none it says why."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from report_cases import make_valuation

from zhirong.kernel.text import Bilingual
from zhirong.reports.comparables import comparables_section
from zhirong.reports.workbook import sheets_of
from zhirong.valuation import to_dict, to_json
from zhirong.valuation.deals import Excluded
from zhirong.valuation.lots import SelectionEffect
from zhirong.valuation.market_types import Comparable, LicenceComparable, MarketValue, PriceIndex
from zhirong.valuation.types import Valuation


def compared(deals: int = 12) -> Valuation:
    """A valuation with deals one a year, the last a package and out of range."""
    rows = tuple(
        Comparable(
            f"D{i}", "synthetic", "sale", f"CN{i}", f"标题 {i}" if i % 2 else None, date(2010 + i, 3, 1), 1e6 * (i + 1), "CNY",
            1 + 3 * (i == deals - 1), 1e6 * (i + 1), 1.1e6 * (i + 1), 1.3e6 * (i + 1), 1 / deals, 0.5, i == deals - 1,
            "published" if i % 2 else None, Bilingual(f"转让；距今 {i} 年", f"sale; {i} years ago"),
        )
        for i in range(deals)
    )  # fmt: skip
    effect = SelectionEffect(30, 12, 0.4, 0.2, 0.1, 0.5, 0.3, 0.2, -0.105, None, None, {}, np.zeros(6), 0.0)
    index = PriceIndex(0.03, 0.01, rows[0].deal_date, rows[-1].deal_date, deals, Bilingual("价格指数", "Price index"))
    market = MarketValue(
        "CN1", np.ones(4), rows, deals, 7.25, index, effect, (0.2, 0.35, 0.5), (("intercept", 14.0, 0.1),), 1.0, 6.0,
        (Excluded("D99", "synthetic", date(2011, 1, 1), Bilingual("关联交易", "related parties")),),
        (Bilingual("一条说明", "a note"),),
    )  # fmt: skip
    licences = (
        LicenceComparable("L1", "synthetic", "CN7", date(2020, 1, 1), 0.035, "exclusive", 0.6, 0.4, "stated"),
        LicenceComparable("L2", "synthetic", "CN8", date(2021, 1, 1), 0.05, None, 0.4, 0.4, None),
    )
    base = make_valuation()
    method = replace(base.methods[0], method="market", label=Bilingual("市场法：可比交易", "Market: comparable deals"))
    return replace(base, methods=(*base.methods, method), market=market, licences=licences)


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("deals", [1, 12, 40])
def test_every_deal_is_drawn_and_the_heaviest_are_listed(lang, deals: int) -> None:
    section = comparables_section(compared(deals), lang)
    chart = next(b for b in section.blocks if b.kind == "chart")
    tables = [b for b in section.blocks if b.kind == "table"]
    assert [len(t.rows) for t in tables] == [min(deals, 20), 2]
    assert tables[0].rows[0][1].text == "CNY 1,000,000"
    for svg in (chart.svg, chart.svg_narrow):
        assert len(re.findall(r"<use |<path [^>]*clip-path", svg)) >= 2 * deals
    words = " ".join(b.text for b in section.blocks if b.kind == "paragraph")
    assert "35%" in words
    assert ("-10%" in words) or ("−10%" in words)
    outlier = tables[0].rows[-1][3]
    assert (outlier.tone == "warning") == (deals <= 20)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_without_deals_the_reason_stands(lang) -> None:
    plain = make_valuation()
    section = comparables_section(plain, lang)
    assert [b.kind for b in section.blocks] == ["paragraph"]
    reason = next(a for a in plain.admissibility if a.method == "market").reasons[0].in_(lang)
    assert reason in section.blocks[0].text


def test_workbook_and_json_hold_the_same_deals() -> None:
    found = compared()
    sheets = {s.name: s for s in sheets_of(found, lang="en")}
    assert [row[0] for row in sheets["Comparables"].rows] == [f"D{i}" for i in range(12)]
    assert [row[5] for row in sheets["Licences"].rows] == [0.035, 0.05]
    plain = json.loads(to_json(to_dict(found)))
    assert [c["deal_id"] for c in plain["market"]["comparables"]] == [f"D{i}" for i in range(12)]
    assert plain["market"]["excluded"][0]["reason"] == {"zh": "关联交易", "en": "related parties"}
    assert plain["market"]["selection"]["rho"] == 0.4
    assert [x["royalty_rate"] for x in plain["licences"]] == [0.035, 0.05]
