"""The deals, disputes, opinions, firms, sectors and regions of the synthetic world."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from functools import cache
from importlib import resources

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from zhirong.params import gbt42748
from zhirong.sample.draw import LAST_DAY, Patents
from zhirong.sample.records import Ints, build, dates, firm_count, party_id, patent_ids, years_of

__all__ = ["makers"]

_SECTORS = (
    ("C26", "化学原料和化学制品制造业", "Chemicals"),
    ("C27", "医药制造业", "Pharmaceuticals"),
    ("C34", "通用设备制造业", "General machinery"),
    ("C35", "专用设备制造业", "Special machinery"),
    ("C36", "汽车制造业", "Motor vehicles"),
    ("C38", "电气机械和器材制造业", "Electrical machinery"),
    ("C39", "计算机、通信和其他电子设备制造业", "Computers and electronics"),
    ("C40", "仪器仪表制造业", "Instruments"),
    ("I65", "软件和信息技术服务业", "Software and information services"),
)
_YEARS = np.arange(2013, 2025)
_UNSOLD = 0.545
_INFLATION = (0.0, 0.35, -0.1)
"""Log bias of public, private and foreign appraisers."""


_REVENUE_A_PATENT_CNY = 2.5e7
"""Revenue of the last year of a firm with one patent, CNY, median; a firm with n patents has n^0.85 times as much."""


def makers(rng: np.random.Generator, patents: Patents) -> dict[str, Callable[[], pa.Table]]:
    """Return, for each table, the function that makes it."""
    ids = patent_ids(patents)
    value = np.exp(patents.log_value)
    deals = cache(lambda: _deals(rng, patents, ids, value))
    return {
        "assignments": lambda: _assignments(rng, patents, ids),
        "deals": deals,
        "cases": lambda: _cases(rng, patents, ids, value),
        "opinions": lambda: _opinions(rng, patents, ids, value, deals()),
        "firms": lambda: _firms(rng, len(ids)),
        "firm_years": lambda: _firm_years(rng, patents),
        "sectors": _sectors,
        "sector_years": lambda: _sector_years(rng),
        "regions": _regions,
        "region_years": lambda: _region_years(rng),
        "demands": lambda: _demands(rng),
    }


def _granted(rng: np.random.Generator, patents: Patents, share: float, tilt: float) -> tuple[Ints, Ints]:
    """Return patents chosen with a probability that rises weakly with value, and a day in their life."""
    granted = np.flatnonzero((patents.grant >= 0) & (patents.grant < LAST_DAY - 90))
    z = (patents.log_value[granted] - patents.log_value.mean()) / patents.log_value.std()
    chosen = granted[rng.random(len(granted)) < share * np.exp(tilt * z - tilt**2 / 2)]
    end = np.where(patents.lapse[chosen] >= 0, patents.lapse[chosen], LAST_DAY)
    day = patents.grant[chosen] + (rng.random(len(chosen)) * np.maximum(end - patents.grant[chosen], 1)).astype(
        np.int64
    )
    return chosen, day


def _assignments(rng: np.random.Generator, patents: Patents, ids: NDArray[np.str_]) -> pa.Table:
    chosen, day = _granted(rng, patents, 0.05, 0.2)
    firms = int(patents.firm.max()) + 1
    kind = rng.choice(
        np.array(["assignment", "security_interest", "merger", "name_change"]), len(chosen), p=(0.7, 0.15, 0.08, 0.07)
    )
    columns = {
        "assignment_id": [f"SYNR{i:06d}" for i in range(len(chosen))],
        "patent_id": ids[chosen],
        "recorded_date": dates(np.minimum(day + 40, LAST_DAY)),
        "executed_date": dates(day),
        "conveyance_kind": kind,
        "conveyance_text": ["synthetic"] * len(chosen),
        "assignor_id": party_id(patents.firm[chosen]),
        "assignee_id": party_id((patents.firm[chosen] + 1 + rng.integers(0, 40, len(chosen))) % firms),
        "property_count": np.ones(len(chosen), np.int64),
    }
    return build("assignments", columns, len(chosen))


def _deals(rng: np.random.Generator, patents: Patents, ids: NDArray[np.str_], value: NDArray[np.float64]) -> pa.Table:
    chosen, day = _granted(rng, patents, 0.08, 0.25)
    count = len(chosen)
    kind = rng.choice(np.array(["sale", "licence", "auction_lot", "pledge_loan"]), count, p=(0.35, 0.3, 0.2, 0.15))
    noise = np.exp(rng.normal(0.0, 0.9, count))
    worth = value[chosen] * noise
    is_auction, is_licence, is_loan = kind == "auction_lot", kind == "licence", kind == "pledge_loan"
    sold = ~is_auction | (rng.random(count) > _UNSOLD)
    price = np.where(is_loan, 0.35 * worth, np.where(is_auction, 0.6 * worth, worth))
    has_price = sold & ~is_licence
    rate = np.clip(rng.beta(3.2, 62.0, count), 0.002, 0.25)
    firms = int(patents.firm.max()) + 1
    sector = np.array([s[0] for s in _SECTORS])[patents.field[chosen] % len(_SECTORS)]
    columns = {
        "deal_id": [f"SYND{i:06d}" for i in range(count)],
        "patent_id": ids[chosen],
        "deal_type": kind,
        "deal_date": dates(day),
        "patent_count": np.ones(count, np.int64),
        "is_sold": pa.array(sold, pa.bool_(), mask=is_licence | is_loan),
        "price": pa.array(np.round(price, 2), pa.float64(), mask=~has_price),
        "asked_price": pa.array(np.round(worth * 0.9, 2), pa.float64(), mask=~is_auction),
        "royalty_rate": pa.array(np.round(rate, 4), pa.float64(), mask=~is_licence),
        "currency": ["CNY"] * count,
        "exclusivity": pa.array(
            rng.choice(np.array(["exclusive", "sole", "non_exclusive"]), count), pa.string(), mask=~is_licence
        ),
        "term_years": pa.array(rng.integers(1, 8, count).astype(float), pa.float64(), mask=~(is_licence | is_loan)),
        "seller_id": party_id(patents.firm[chosen]),
        "buyer_id": party_id((patents.firm[chosen] + 1 + rng.integers(0, 60, count)) % firms),
        "is_related_party": rng.random(count) < 0.12,
        "sector_code": sector,
        "evidence_grade": ["synthetic"] * count,
        "published_date": dates(np.minimum(day + 60, LAST_DAY)),
    }
    return build("deals", columns, count)


def _cases(rng: np.random.Generator, patents: Patents, ids: NDArray[np.str_], value: NDArray[np.float64]) -> pa.Table:
    chosen, day = _granted(rng, patents, 0.025, 0.3)
    count = len(chosen)
    is_validity = rng.random(count) < 0.45
    infringed = rng.random(count) < 0.62
    verdict = rng.choice(np.array(["maintained", "partially_invalidated", "invalidated"]), count, p=(0.42, 0.23, 0.35))
    claimed = np.round(np.minimum(value[chosen] * rng.uniform(0.1, 0.8, count), 5e7), -3) + 100_000
    awarded = np.round(claimed * rng.beta(1.6, 3.0, count), -3)
    won = ~is_validity & infringed
    basis = rng.choice(
        np.array(["statutory", "plaintiff_loss", "defendant_profit", "licence_multiple"]),
        count,
        p=(0.82, 0.05, 0.08, 0.05),
    )
    courts = np.array(["合成知识产权法院一", "合成知识产权法院二", "合成中级人民法院"])
    decided = np.minimum(day + rng.integers(150, 700, count), LAST_DAY)
    columns = {
        "case_id": [f"SYNC{i:06d}" for i in range(count)],
        "patent_id": ids[chosen],
        "case_number": [f"（合成）民初{i}号" for i in range(count)],
        "court": np.where(is_validity, "合成复审无效部", courts[rng.integers(0, 3, count)]),
        "jurisdiction": ["CN"] * count,
        "instance": np.where(is_validity, "administrative", "first"),
        "filed_date": dates(day),
        "decided_date": dates(decided),
        "cause": np.where(is_validity, "validity", "infringement"),
        "outcome": np.where(is_validity, verdict, np.where(infringed, "infringed", "not_infringed")),
        "damages_claimed": pa.array(claimed, pa.float64(), mask=is_validity),
        "damages_awarded": pa.array(awarded, pa.float64(), mask=~won),
        "damages_basis": pa.array(basis, pa.string(), mask=~won),
        "currency": ["CNY"] * count,
        "confidence": np.ones(count),
    }
    return build("cases", columns, count)


def _second_opinions(
    rng: np.random.Generator, ids: NDArray[np.str_], appraised: Ints, day: Ints, deals: pa.Table
) -> tuple[Ints, Ints, Ints]:
    """Return patents, days and kinds of further opinions: others on patents appraised, and some before a sale."""
    again = np.flatnonzero(rng.random(len(appraised)) < 0.5)
    again_day = np.minimum(day[again] + rng.integers(10, 300, len(again)), LAST_DAY)
    plain = deals.select(["deal_type", "patent_id", "deal_date"]).to_pydict()
    place = {patent: i for i, patent in enumerate(ids)}
    sales = [
        (place[patent], int(np.datetime64(when, "D").astype(np.int64)))
        for kind, patent, when in zip(plain["deal_type"], plain["patent_id"], plain["deal_date"], strict=True)
        if kind == "sale"
    ]
    before = [sale for sale in sales if rng.random() < 0.5]
    sold = np.array([patent for patent, _ in before], np.int64)
    sold_day = np.array([when for _, when in before], np.int64) - rng.integers(20, 600, len(before))
    chosen = np.r_[appraised[again], sold]
    return chosen, np.r_[again_day, sold_day], rng.integers(0, 3, len(chosen))


def _opinions(
    rng: np.random.Generator, patents: Patents, ids: NDArray[np.str_], value: NDArray[np.float64], deals: pa.Table
) -> pa.Table:
    appraised, day = _granted(rng, patents, 0.03, 0.3)
    scored, scored_day = _granted(rng, patents, 0.02, 0.2)
    expert = ("problem_importance", "technical_effect", "complement_dependence", "development_stage")
    assert set(expert) <= {item["item"] for item in gbt42748()}
    items = np.tile(np.array([f"gbt42748.{name}" for name in expert]), len(scored))
    kinds = np.array(["public", "private", "foreign"])
    kind = rng.integers(0, 3, len(appraised))
    stated = value[appraised] * np.exp(rng.normal(0.0, 0.5, len(appraised)) + np.array(_INFLATION)[kind])
    z = (patents.log_value - patents.log_value.mean()) / patents.log_value.std()
    score = np.clip(60 + 8 * np.repeat(z[scored], len(expert)) + rng.normal(0, 12, len(items)), 0, 100).round()
    more, more_day, more_kind = _second_opinions(rng.spawn(1)[0], ids, appraised, day, deals)
    noise = rng.spawn(1)[0].normal(0.0, 0.5, len(more))
    stated = np.r_[stated, value[more] * np.exp(noise + np.array(_INFLATION)[more_kind])]
    appraised, day, kind = np.r_[appraised, more], np.r_[day, more_day], np.r_[kind, more_kind]
    a, b = len(appraised), len(items)
    missing_a, missing_b = [None] * a, [None] * b
    columns = {
        "opinion_id": [f"SYNO{i:06d}" for i in range(a + b)],
        "patent_id": np.r_[ids[appraised], np.repeat(ids[scored], len(expert))],
        "indicator_id": pa.array(missing_a + items.tolist(), pa.string()),
        "appraiser_id": [f"synthetic-appraiser-{k}-{i % 5}" for i, k in enumerate(kinds[kind])]
        + [f"synthetic-expert-{i % 40}" for i in range(b)],
        "appraiser_kind": kinds[kind].tolist() + ["expert"] * b,
        "opinion_date": dates(np.r_[day, np.repeat(scored_day, len(expert))]),
        "purpose": pa.array(["pledge"] * a + missing_b, pa.string()),
        "standard_of_value": pa.array(["market"] * a + missing_b, pa.string()),
        "method": pa.array(["income"] * a + missing_b, pa.string()),
        "value": pa.array(np.round(stated, -3).tolist() + missing_b, pa.float64()),
        "value_low": pa.array(np.round(stated * 0.7, -3).tolist() + missing_b, pa.float64()),
        "value_high": pa.array(np.round(stated * 1.4, -3).tolist() + missing_b, pa.float64()),
        "currency": pa.array(["CNY"] * a + missing_b, pa.string()),
        "score": pa.array(missing_a + score.tolist(), pa.float64()),
        "reason": ["synthetic"] * (a + b),
    }
    return build("opinions", columns, a + b)


def _firms(rng: np.random.Generator, patent_count: int) -> pa.Table:
    count = firm_count(patent_count)
    provinces = np.array([row["region_code"] for row in _provinces()[:31]])
    columns = {
        "firm_id": [f"SYNFIRM{i:05d}" for i in range(count)],
        "name": [f"合成科技有限公司{i:05d}" for i in range(count)],
        "party_id": party_id(np.arange(count)),
        "country": ["CN"] * count,
        "region_code": provinces[rng.integers(0, 31, count)],
        "sector_code": np.array([s[0] for s in _SECTORS])[rng.integers(0, len(_SECTORS), count)],
        "founded_date": dates(rng.integers(7_000, 12_000, count)),
        "is_listed": rng.random(count) < 0.06,
        "is_high_tech": rng.random(count) < 0.4,
    }
    return build("firms", columns, count)


def _firm_years(rng: np.random.Generator, patents: Patents) -> pa.Table:
    """Accounts: revenue rises with the stock of patents, less than in proportion, so that each earns millions a year."""
    count = firm_count(len(patents))
    stock = np.maximum(np.bincount(patents.firm, minlength=count)[:count], 1)
    size = np.exp(rng.normal(np.log(_REVENUE_A_PATENT_CNY), 0.9, count)) * stock**0.85
    growth = rng.normal(0.08, 0.06, (count, len(_YEARS)))
    path = np.cumsum(growth, axis=1)
    revenue = size[:, None] * np.exp(path - path[:, -1:])
    margin = rng.normal(0.09, 0.06, (count, len(_YEARS)))
    share = rng.beta(4, 6, count)[:, None]
    flat = revenue.ravel().round(2)
    columns = {
        "firm_id": np.repeat([f"SYNFIRM{i:05d}" for i in range(count)], len(_YEARS)),
        "year": np.tile(_YEARS, count),
        "known_date": dates(
            np.tile(_YEARS + 1, count).astype(str).astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64)
            + 119
        ),
        "currency": ["CNY"] * len(flat),
        "revenue": flat,
        "patent_product_revenue": (revenue * share).ravel().round(2),
        "operating_profit": (revenue * margin).ravel().round(2),
        "net_income": (revenue * margin * 0.8).ravel().round(2),
        "rd_expense": (revenue * rng.uniform(0.02, 0.12, (count, 1))).ravel().round(2),
        "total_assets": (revenue * 1.3).ravel().round(2),
        "total_debt": (revenue * rng.uniform(0.1, 0.6, (count, 1))).ravel().round(2),
        "cash_flow": (revenue * (margin + 0.03)).ravel().round(2),
        "employee_count": np.maximum(revenue.ravel() / 1.1e6, 3).astype(np.int64),
    }
    return build("firm_years", columns, len(flat))


def _sectors() -> pa.Table:
    columns = {
        "sector_code": [s[0] for s in _SECTORS],
        "scheme": ["GB/T 4754-2017"] * len(_SECTORS),
        "title_zh": [s[1] for s in _SECTORS],
        "title_en": [s[2] for s in _SECTORS],
    }
    return build("sectors", columns, len(_SECTORS))


def _sector_years(rng: np.random.Generator) -> pa.Table:
    count = len(_SECTORS) * len(_YEARS)
    growth = rng.normal(0.07, 0.03, (len(_SECTORS), len(_YEARS)))
    revenue = rng.uniform(3e11, 5e12, len(_SECTORS))[:, None] * np.exp(np.cumsum(growth, axis=1))
    median = np.repeat(rng.uniform(0.03, 0.06, len(_SECTORS)), len(_YEARS))
    columns = {
        "sector_code": np.repeat([s[0] for s in _SECTORS], len(_YEARS)),
        "region_code": ["00"] * count,
        "year": np.tile(_YEARS, len(_SECTORS)),
        "currency": ["CNY"] * count,
        "revenue": revenue.ravel().round(0),
        "operating_margin": rng.uniform(0.04, 0.16, count).round(4),
        "growth": np.expm1(growth).ravel().round(4),
        "royalty_rate_low": (median * 0.5).round(4),
        "royalty_rate_median": median.round(4),
        "royalty_rate_high": (median * 1.6).round(4),
    }
    return build("sector_years", columns, count)


def _provinces() -> list[dict[str, str]]:
    text = (resources.files("zhirong.params") / "data" / "facts" / "cn_provinces.csv").read_text("utf-8")
    return list(csv.DictReader(io.StringIO(text)))


def _regions() -> pa.Table:
    rows = _provinces()
    return build(
        "regions", {name: [row[name] for row in rows] for name in ("region_code", "name_zh", "name_en")}, len(rows)
    )


def _region_years(rng: np.random.Generator) -> pa.Table:
    codes = [row["region_code"] for row in _provinces()[:31]]
    variables = ("gdp_cny", "rd_expense_cny", "employment_persons")
    base = {"gdp_cny": 3e12, "rd_expense_cny": 6e10, "employment_persons": 2.4e7}
    shape = (len(codes), len(variables), len(_YEARS))
    level = np.array([base[v] for v in variables])[None, :, None] * np.exp(rng.normal(0, 0.8, (len(codes), 1, 1)))
    values = level * np.exp(np.cumsum(rng.normal(0.05, 0.02, shape), axis=2))
    count = values.size
    columns = {
        "region_code": np.repeat(codes, len(variables) * len(_YEARS)),
        "year": np.tile(_YEARS, len(codes) * len(variables)),
        "variable": np.tile(np.repeat(variables, len(_YEARS)), len(codes)),
        "value": values.ravel().round(0),
        "is_filled": np.zeros(count, bool),
    }
    return build("region_years", columns, count)


def _demands(rng: np.random.Generator) -> pa.Table:
    count = 200
    day = rng.integers(18_000, LAST_DAY - 100, count)
    sector = rng.integers(0, len(_SECTORS), count)
    columns = {
        "demand_id": [f"SYNQ{i:04d}" for i in range(count)],
        "title": [f"{_SECTORS[s][1]}技术攻关需求（合成）{i}" for i, s in enumerate(sector)],
        "text": ["合成文本：寻求降低损耗、提高可靠性的技术方案。"] * count,
        "language": ["zh"] * count,
        "region_code": ["44"] * count,
        "sector_code": [_SECTORS[s][0] for s in sector],
        "budget": np.round(np.exp(rng.normal(14.5, 0.8, count)), -4),
        "currency": ["CNY"] * count,
        "posted_date": dates(day),
        "deadline_date": dates(day + 90),
    }
    assert int(years_of(day).max()) < 2026
    return build("demands", columns, count)
