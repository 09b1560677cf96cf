"""`valuation.json`: stable keys, plain types, equal bytes for equal values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from zhirong.kernel.provenance import Source
from zhirong.kernel.text import Bilingual
from zhirong.valuation.engine import PortfolioValuation
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
        "facts": dict(valuation.facts),
        "unknown": [_text(u) for u in valuation.unknown],
        "findings": [f.as_dict() for f in valuation.findings],
        "provenance": valuation.provenance.as_dict() | {"fingerprint": valuation.provenance.fingerprint()},
        "is_synthetic": valuation.is_synthetic,
    }


def portfolio_to_dict(portfolio: PortfolioValuation) -> dict[str, Any]:
    """Return a portfolio as plain JSON types; `quantiles` are those of the sum under full dependence."""
    first = portfolio.valuations[0]
    return {
        "subject_id": portfolio.name,
        "patent_ids": [v.subject_id for v in portfolio.valuations],
        "as_of": first.as_of.isoformat(),
        "currency": first.currency,
        "purpose": str(first.purpose),
        "quantiles": _quantiles(portfolio.comonotonic),
        "dependence": "full",
        "quantiles_if_independent": _quantiles(portfolio.independent),
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
