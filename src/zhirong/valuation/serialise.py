"""`valuation.json`: stable keys, plain types, equal bytes for equal values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import date
from typing import Any

from zhirong.kernel.provenance import Source
from zhirong.kernel.text import Bilingual
from zhirong.valuation.dependence import Dependence
from zhirong.valuation.engine import PortfolioValuation
from zhirong.valuation.market_types import MarketValue
from zhirong.valuation.types import Assumption, MethodResult, Valuation

__all__ = ["portfolio_to_dict", "to_dict", "to_json"]


def to_dict(valuation: Valuation) -> dict[str, Any]:
    """Return a valuation as plain JSON types; draws are left out, amounts are rounded to the minor unit."""
    return {
        "subject_id": valuation.subject_id,
        "patent_ids": list(valuation.patent_ids),
        "as_of": valuation.as_of.isoformat(),
        "currency": valuation.currency,
        "purpose": str(valuation.purpose),
        "standard_of_value": str(valuation.standard_of_value),
        "quantiles": _quantiles(valuation.quantiles),
        "mean": round(valuation.mean, 2),
        "sd": round(valuation.sd, 2),
        "other_standards": {name: _quantiles(q) for name, q in valuation.other_standards.items()},
        "standard_steps": [
            {
                "standard": str(step.standard),
                "name": step.name,
                "reason": _text(step.reason),
                "share": [round(share, 6) for share in step.share],
                "quantiles": _quantiles(step.quantiles),
            }
            for step in valuation.standard_steps
        ],
        "other_pools": {name: _quantiles(q) for name, q in valuation.other_pools.items()},
        "methods": [_method(m) for m in valuation.methods],
        "admissibility": [
            {"method": a.method, "is_admissible": a.is_admissible, "reasons": [_text(r) for r in a.reasons]}
            for a in valuation.admissibility
        ],
        "contributions": [
            {
                "name": c.name,
                "label": _text(c.label),
                "input_low": c.input_low,
                "input_high": c.input_high,
                "value_low": round(c.value_low, 2),
                "value_high": round(c.value_high, 2),
                "unit": c.unit,
                "variance_share": c.variance_share,
            }
            for c in valuation.contributions
        ],
        "assumptions": [_assumption(a) for a in valuation.assumptions],
        "market": None if valuation.market is None else _market(valuation.market),
        "licences": [_record(licence) for licence in valuation.licences],
        "facts": dict(valuation.facts),
        "unknown": [_text(u) for u in valuation.unknown],
        "findings": [f.as_dict() for f in valuation.findings],
        "provenance": valuation.provenance.as_dict() | {"fingerprint": valuation.provenance.fingerprint()},
        "is_synthetic": valuation.is_synthetic,
    }


def portfolio_to_dict(portfolio: PortfolioValuation) -> dict[str, Any]:
    """Return a portfolio as plain JSON types; `quantiles` are those of the sum under its common factors."""
    first = portfolio.valuations[0]
    return {
        "subject_id": portfolio.name,
        "patent_ids": [v.subject_id for v in portfolio.valuations],
        "as_of": first.as_of.isoformat(),
        "currency": first.currency,
        "purpose": str(first.purpose),
        "quantiles": _quantiles(portfolio.dependence.quantiles),
        "dependence": "common_factors",
        "quantiles_if_together": _quantiles(portfolio.comonotonic),
        "quantiles_if_independent": _quantiles(portfolio.independent),
        "common_factors": _dependence(portfolio.dependence),
        "assumptions": [_assumption(a) for a in first.assumptions if a.is_overridden],
        "weights": dict(sorted(portfolio.weights.items())),
        "refused": [f.as_dict() for f in portfolio.refused],
        "valuations": [to_dict(v) for v in portfolio.valuations],
        "provenance": first.provenance.as_dict(),
        "is_synthetic": any(v.is_synthetic for v in portfolio.valuations),
    }


def to_json(plain: Mapping[str, Any]) -> str:
    """Return indented JSON with a final line end; NaN and infinity are refused."""
    return json.dumps(plain, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _text(pair: Bilingual) -> dict[str, str]:
    return {"zh": pair.zh, "en": pair.en}


def _quantiles(quantiles: Mapping[float, float]) -> dict[str, float]:
    return {f"{level:g}": round(value, 2) for level, value in sorted(quantiles.items())}


def _method(method: MethodResult) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "method": method.method,
        "label": _text(method.label),
        "quantiles": _quantiles(method.quantiles),
        "mean": round(method.mean, 2),
        "sd": round(method.sd, 2),
        "monte_carlo_error": round(method.monte_carlo_error, 2),
        "weight": method.weight,
        "weight_reason": _text(method.weight_reason),
    }
    if method.fan is not None:
        flows = {f"{level:g}": [round(x, 2) for x in path] for level, path in method.fan.quantiles.items()}
        plain["cash_flow"] = {"label": _text(method.fan.label), "years": list(method.fan.years), "quantiles": flows}
    return plain


def _market(market: MarketValue) -> dict[str, Any]:
    effect = market.selection
    selection: dict[str, Any] = {"note": _text(effect)} if isinstance(effect, Bilingual) else {
        "sold": effect.sold, "unsold": effect.unsold, "rho": effect.rho, "heckman_shift": effect.heckman_shift,
        "quantile_shift": effect.quantile_shift,
    }  # fmt: skip
    return {
        "deals": market.deals,
        "effective_number": market.effective_number,
        "comparables": [_record(c) for c in market.comparables],
        "index": {
            "growth": market.index.growth,
            "error": market.index.error,
            "description": _text(market.index.description),
        },
        "selection": selection,
        "sale_probability": None if market.sale_probability is None else list(market.sale_probability),
        "coefficients": [{"name": n, "mean": mean, "sd": sd} for n, mean, sd in market.coefficients],
        "log_spread": market.log_spread,
        "freedom": market.freedom,
        "excluded": [_record(e) for e in market.excluded],
        "notes": [_text(note) for note in market.notes],
    }


def _dependence(found: Dependence) -> dict[str, Any]:
    return {
        "quantiles": _quantiles(found.quantiles),
        "quantiles_low": _quantiles(found.quantiles_low),
        "quantiles_high": _quantiles(found.quantiles_high),
        "mean": round(found.mean, 2),
        "low_mean": round(found.low_mean, 2),
        "diversification": found.diversification,
        "effective_number": found.effective_number,
        "patents": [asdict(risk) for risk in found.patents],
        "shared": [_record(risk) for risk in found.shared],
        "parameter": {
            "path": found.parameter.path,
            "value": found.parameter.value,
            "source": _source(found.parameter.source),
        },
    }


def _record(record: Any) -> dict[str, Any]:
    """Return a flat record: dates as text, amounts of money to the minor unit, texts in both languages."""
    plain: dict[str, Any] = {}
    for item in fields(record):
        value = getattr(record, item.name)
        if isinstance(value, Bilingual):
            value = _text(value)
        elif isinstance(value, date):
            value = value.isoformat()
        elif isinstance(value, float) and item.name.endswith("_cny"):
            value = round(value, 2)
        plain[item.name] = value
    return plain


def _assumption(assumption: Assumption) -> dict[str, Any]:
    return {
        "name": assumption.name,
        "label": _text(assumption.label),
        "distribution": str(assumption.distribution),
        "parameters": dict(assumption.parameters),
        "low": assumption.low,
        "high": assumption.high,
        "unit": assumption.unit,
        "source": _source(assumption.source),
        "is_overridden": assumption.is_overridden,
    }


def _source(source: Source) -> dict[str, Any]:
    plain = asdict(source)
    return {**plain, "grade": str(source.grade), "dated": source.dated.isoformat() if source.dated else None}
