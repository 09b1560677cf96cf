"""Random deals, as the mapping a file holds."""

from __future__ import annotations

from datetime import date

import yaml
from hypothesis import strategies as st

from zhirong.kernel.dates import add_months

CLOSING = date(2024, 1, 10)
ORDERS = ("pro_rata", "sequential")


def grid(low: float, high: float) -> st.SearchStrategy[float]:
    """Numbers from low to high in a thousand steps: what a deal may say, without numbers near the smallest float."""
    return st.integers(0, 1000).map(lambda k: round(low + (high - low) * k / 1000, 6))


def _step(draw, action, targets, sources, conditions, **more):
    step = {action: targets, **more}
    allowed = [s for s in sources if draw(st.booleans())]
    if allowed and action != "pay_residual":
        step["from"] = allowed
    if conditions and draw(st.booleans()):
        step[draw(st.sampled_from(["when", "unless"]))] = draw(st.sampled_from(conditions))
    return step


@st.composite
def deals(draw) -> dict:
    """A deal of one to four tranches with random triggers, steps, reserve, guarantor, revolving period, call and buy-back."""
    interval = draw(st.sampled_from([1, 3, 6]))
    periods = draw(st.integers(2, 12))
    dates = [add_months(CLOSING, interval * (k + 1)) for k in range(periods)]
    count = draw(st.integers(1, 4))
    ids = [f"T{k}" for k in range(count)]
    pool = 100e6
    weights = [draw(grid(0.05, 1.0)) for _ in ids]
    size = draw(grid(0.5, 0.95))
    tranches = []
    for name, weight in zip(ids, weights, strict=True):
        entry = {"id": name, "balance": round(pool * size * weight / sum(weights), 2), "compounds": draw(st.booleans())}
        if draw(st.integers(0, 3)) == 0:
            entry["margin"] = draw(grid(0.0, 0.03))
        else:
            entry["coupon"] = draw(grid(0.0, 0.12))
        if draw(st.booleans()):
            entry["legal_final"] = draw(st.sampled_from(dates))
        days = sorted(draw(st.sets(st.sampled_from(dates), min_size=1, max_size=3)))
        shares = sorted((draw(grid(0, 1)) for _ in days), reverse=True)
        entry["schedule"] = {d: entry["balance"] * s for d, s in zip(days, shares, strict=True)}
        tranches.append(entry)
    if draw(st.booleans()):
        tranches.append({"id": "E", "balance": "rest", "is_residual": True})
    deal = {
        "id": "random", "name": "random", "is_synthetic": True, "closing": CLOSING, "first_payment": dates[0],
        "payment_interval_months": interval, "legal_final": dates[-1],
        "day_count": draw(st.sampled_from(["act/365f", "30/360", "act/360"])), "index": {CLOSING: 0.03, dates[1]: 0.02},
        "tranches": tranches,
        "pool": {
            "recovery": {"mean": draw(grid(0, 1)), "lag_months": draw(st.sampled_from([0, 3, 6]))},
            "assets": [{"id": "loan", "kind": "loan", "count": 3, "total": pool, "rate": 0.06, "first_due": dates[0],
                        "interval_months": interval, "payments": periods, "credit": {"annual_pd": 0.1}}],
        },
        "fees": [
            {"id": "fixed", "amount": draw(grid(0, 1e6))},
            {"id": "rate", "basis": draw(st.sampled_from(["pool", "collections", "notes"])), "rate": draw(grid(0, 0.05))},
            {"id": "once", "amount": draw(grid(0, 1e6)), "once": True},
        ],
        "reserve": {"initial": draw(grid(0, 3e6)), "share": draw(grid(0, 0.05)), "floor": draw(grid(0, 1e6)),
                    "basis": draw(st.sampled_from(["amount", "original_pool", "pool", "notes", "payment"])),
                    "interest_rate": draw(grid(0, 0.03))},
    }  # fmt: skip
    sources = ["reserve"]
    if draw(st.booleans()):
        deal["guarantor"] = {"label": "G", "credit": {"annual_pd": 0.05}, "interest_rate": draw(grid(0, 0.1))}
        if draw(st.booleans()):
            deal["guarantor"]["cap"] = draw(grid(0, 2e7))
        sources.append("guarantor")
    conditions = _triggers(draw, deal, ids, dates)
    if draw(st.booleans()):
        deal["clean_up_call"] = {"share": draw(grid(0.05, 0.6)), "price": draw(grid(0.8, 1.1))}
    if draw(st.booleans()):
        deal["buy_back"] = {"share": draw(grid(0.1, 1.0)), "cap": draw(grid(0, 1e7))}
    deal["waterfall"] = _waterfall(draw, deal, ids, sources, conditions)
    return deal


def _triggers(draw, deal, ids, dates) -> list[str]:
    some = st.lists(st.sampled_from(ids), min_size=1, unique=True)
    triggers = [
        {"id": "oc", "test": "oc", "level": draw(grid(1, 1.4)), "tranches": draw(some)},
        {
            "id": "ic",
            "test": "ic",
            "level": draw(grid(0.5, 3)),
            "tranches": draw(some),
            "is_curable": draw(st.booleans()),
        },
        {"id": "def", "test": "cumulative_default", "levels": {CLOSING: 0.05, dates[1]: draw(grid(0, 0.3))}},
        {"id": "loss", "test": "cumulative_loss", "level": draw(grid(0, 0.3)), "is_curable": draw(st.booleans())},
        {"id": "res", "test": "reserve", "level": draw(grid(0, 1))},
        {"id": "short", "test": "interest_shortfall", "tranches": draw(some)},
        {"id": "late", "test": "from_date", "day": draw(st.sampled_from(dates))},
        {"id": "any", "test": "any_of", "parts": ["oc", "all"]},
        {"id": "all", "test": "all_of", "parts": ["def", "loss", "late"], "is_curable": draw(st.booleans())},
    ]
    if "guarantor" in deal:
        triggers.append({"id": "gone", "test": "guarantor_default"})
    order = draw(st.permutations(triggers))
    deal["triggers"] = list(order)
    names = [item["id"] for item in order]
    if draw(st.booleans()) and len(dates) > 2:
        deal["revolving"] = {
            "until": draw(st.sampled_from(dates[:-1])), "stop": draw(st.sampled_from(["", *names])) or "oc",
            "price": draw(grid(0.9, 1.1)),
            "asset": {"kind": "loan", "rate": draw(grid(0, 0.1)), "first_due": dates[0],
                      "interval_months": draw(st.sampled_from([1, 3])), "payments": draw(st.integers(1, 6)),
                      "amortisation": draw(st.sampled_from(["level", "equal_principal", "bullet"])),
                      "credit": {"annual_pd": 0.1}},
        }  # fmt: skip
        names.append("revolving")
    return names


def _waterfall(draw, deal, ids, sources, conditions) -> list[dict]:
    steps = [_step(draw, "pay_fees", ["fixed", "rate", "once"], sources, [])]
    steps += [_step(draw, "pay_interest", [name], sources, []) for name in ids]
    pool = [{"fund_reserve": True}, {"release_reserve": True}]
    if "guarantor" in deal:
        pool.append({"reimburse_guarantor": True})
    if "revolving" in deal:
        pool.append({"buy_assets": True})
    for _ in range(draw(st.integers(1, 4))):
        amount = draw(
            st.sampled_from(["available", "collections", "pool_decline", "scheduled", "at_maturity", "to_oc"])
        )
        targets = draw(st.lists(st.sampled_from(ids), min_size=1, unique=True))
        more = {"amount": amount, "order": draw(st.sampled_from(ORDERS))}
        if amount == "to_oc":
            more["ratio"] = draw(grid(1, 1.5))
        free = amount in {"available", "to_oc"}
        pool.append(_step(draw, "pay_principal", targets, [] if free else sources, conditions, **more))
    if draw(st.booleans()):
        pool.append(_step(draw, "pay_interest", ids, sources, conditions))
    steps += draw(st.permutations(pool))
    steps.append(
        {"pay_principal": ids, "amount": "at_maturity", "from": sources, "order": draw(st.sampled_from(ORDERS))}
    )
    if draw(st.booleans()):
        steps.append({"pay_residual": True, "when": draw(st.sampled_from(conditions))})
    steps.append({"release_reserve": True})
    return [*steps, {"pay_residual": True}]


def as_text(deal: dict) -> str:
    return yaml.safe_dump(deal, sort_keys=False, allow_unicode=True)
