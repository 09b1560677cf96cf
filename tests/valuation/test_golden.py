"""Every closed form against its independently computed figure: committed here, and as the reference holds it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zhirong.kernel.errors import DomainError
from zhirong.numerics.closed_forms import excess_earnings, lognormal_of
from zhirong.numerics.distributions import TABLE_SIZE
from zhirong.numerics.montecarlo import RoyaltyPlan, royalty_values, tax_amortisation_factor
from zhirong.numerics.renewal import renewal_value, share_alive

GOLDEN = Path(__file__).parent / "golden" / "closed_forms.json"
ENTRIES: list[dict[str, Any]] = json.loads(GOLDEN.read_text("utf-8"))


def computed(name: str, p: dict[str, Any]) -> Any:
    if name.startswith("rfr."):
        path = p["revenue"]
        row = [path[0], path[1] / path[0] - 1, p["royalty"], p["rate"], len(path), 1.0]
        plan = RoyaltyPlan(len(path), tax_rate=p["tax"], mid_period=p["timing"] == "mid")
        tables = np.stack([np.full(TABLE_SIZE, value) for value in row])
        return float(royalty_values(1, tables, np.eye(6), plan, draws=1)[0])
    if name.startswith("tab."):
        return tax_amortisation_factor(p["tax"], p["n"], p["rate"], mid_period=p["timing"] == "mid")
    if name.startswith("mpeem."):
        found = excess_earnings(
            np.array(p["revenue"], float), p["ebit_margin"], p["cac_after_tax_share_of_revenue"], tax_rate=p["tax"],
            rate=p["rate"], tax_life_years=p["n"], mid_period=p["timing"] == "mid",
        )  # fmt: skip
        return {"flows": found.flows.tolist(), "pv": found.present_value, "tab": found.tax_factor, "value": found.value}
    if name == "renewal.sp.value":
        kept, value = renewal_value(p["R0"], p["decay"], p["beta"], np.array(p["fees"], float))
        return {"renewals": kept, "value": value}
    if name.startswith("renewal.sp."):
        assert p["mu"] == "ln 2000"
        return float(
            share_alive(math.log(2000), p["s"], p["decay"], np.array([p["t"]]), np.array([float(p["fee"])]))[0]
        )
    law = lognormal_of(mean=p["mean"], median=p["median"])
    whole = {
        "sigma": law.sigma, "mode": law.mode, "top10_share": law.top_share(0.1), "top5_share": law.top_share(0.05),
    }  # fmt: skip
    return whole if name == "lognormal.patval" else law.sigma


def check(entry: dict[str, Any]) -> None:
    found, expected, tolerance = computed(entry["id"], entry["inputs"]), entry["expected"], entry["tolerance"]
    pairs = [(found[k], expected[k]) for k in expected] if isinstance(expected, dict) else [(found, expected)]
    for mine, right in pairs:
        assert mine == pytest.approx(right, rel=tolerance.get("rel", 0.0), abs=tolerance.get("abs", 0.0)), entry["id"]


@pytest.mark.golden
@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e["id"])
def test_closed_form(entry: dict[str, Any]) -> None:
    check(entry)


@pytest.mark.golden
@pytest.mark.realdata
def test_the_committed_figures_are_those_of_the_reference(shared_data: Path) -> None:
    plain = json.loads((shared_data.parent / "reference" / "oracles" / "valuation.json").read_text("utf-8"))
    rows = {e["id"]: e for e in (plain if isinstance(plain, list) else plain["entries"])}
    mine = ("rfr.", "tab.", "mpeem.", "renewal.sp", "lognormal.")
    assert {e["id"] for e in ENTRIES} == {name for name in rows if name.startswith(mine)}
    for entry in ENTRIES:
        check(rows[entry["id"]])


def test_the_lognormal_returns_its_mean() -> None:
    assert lognormal_of(mean=5.0, median=2.0).mean == pytest.approx(5.0)


def test_impossible_inputs_are_refused() -> None:
    with pytest.raises(DomainError, match="median < mean"):
        lognormal_of(mean=1.0, median=2.0)
    with pytest.raises(DomainError, match="share"):
        lognormal_of(mean=2.0, median=1.0).top_share(1.0)
    with pytest.raises(DomainError, match="at least one year"):
        excess_earnings(np.array([]), 0.3, 0.1, tax_rate=0.25, rate=0.1, tax_life_years=10, mid_period=True)
