"""A quote as plain JSON types."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from zhirong.finance.insurance.portfolio import LEVELS
from zhirong.finance.insurance.quote import PolicyQuote
from zhirong.numerics.aggregate import AggregateLoss

__all__ = ["quote_to_dict"]


def _law(law: AggregateLoss, level: float) -> dict[str, Any]:
    return {
        "mean_cny": law.mean,
        "tvar_cny": law.tvar(level),
        "quantiles_cny": {f"{q:g}": law.quantile(q) for q in LEVELS},
    }


def quote_to_dict(found: PolicyQuote) -> dict[str, Any]:
    """Return a quote as plain JSON types; every declared input with its range, unit and grade."""
    spec, pooled, level = asdict(found.spec), found.accumulation, found.premium.level
    return {
        "as_of": found.as_of.isoformat(),
        "cover": spec | {"cover": str(found.spec.cover)},
        "patents": [
            {
                "patent_id": p.patent_id,
                "events_per_year": None if p.rate is None else p.rate.rate.mean,
                "events_low": None if p.rate is None else p.rate.rate.quantile(0.05),
                "events_high": None if p.rate is None else p.rate.rate.quantile(0.95),
                "claims_of_field": None if p.rate is None else p.rate.claims,
                "patent_years_of_field": None if p.rate is None else p.rate.patent_years,
                "credibility": None if p.rate is None else p.rate.credibility,
                "source": None if p.rate is None else {"title": p.rate.source.title, "grade": str(p.rate.source.grade)},
            }
            for p in found.patents
        ],
        "premium": asdict(found.premium),
        "premium_low_cny": found.low_cny,
        "premium_high_cny": found.high_cny,
        "principles_cny": dict(found.principles),
        "events": dict(zip(("mean", "low", "high"), found.events, strict=True)),
        "event_mean_cny": found.event_mean_cny,
        "total": _law(found.total, level),
        "layers": [asdict(layer) for layer in found.layers],
        "drivers": [asdict(driver) for driver in found.drivers],
        "market": [{"label": asdict(m.label), "low_cny": m.low_cny, "high_cny": m.high_cny} for m in found.market],
        "portfolio": {
            "policies": pooled.policies,
            "with_common_rulings": _law(pooled.shocked, level),
            "independent": _law(pooled.free, level),
            "tail_ratio": pooled.tail_ratio,
            "after_reinsurance": _law(found.reinsured.net, level),
            "treaties": [asdict(t) for t in found.reinsured.treaties],
            "capital_saved_cny": found.reinsured.capital_saved_cny,
            "net_benefit_cny": found.reinsured.net_benefit_cny,
        },
        "inputs": [
            {
                "path": p.path, "label": asdict(p.label), "value": p.value, "low": p.low, "high": p.high, "unit": p.unit,
                "grade": str(p.source.grade), "source": p.source.title, "version": p.version,
            }
            for p in found.parameters
        ],
        "seed": found.seed,
    }  # fmt: skip
