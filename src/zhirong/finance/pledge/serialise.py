"""A term sheet as plain JSON types."""

from __future__ import annotations

from typing import Any

from zhirong.finance.pledge.terms import TermSheet
from zhirong.kernel.provenance import Source
from zhirong.kernel.text import Bilingual

__all__ = ["term_sheet_to_dict"]


def _both(text: Bilingual) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}


def _source(name: str, source: Source) -> dict[str, Any]:
    return {"parameter": name, "title": source.title, "title_zh": source.title_in("zh"), "grade": str(source.grade)}


def term_sheet_to_dict(sheet: TermSheet) -> dict[str, Any]:
    """Return amounts in CNY, payments in whole fen, probabilities and rates as fractions; None is unknown."""
    spec, loan, cost = sheet.spec, sheet.loan, sheet.cost
    return {
        "kind": "pledge_term_sheet",
        "rights": list(sheet.right_ids),
        "amount_cny": str(sheet.amount.decimal),
        "start": spec.start.isoformat(),
        "months": spec.months,
        "annual_rate": spec.annual_rate,
        "repayment": str(spec.repayment),
        "months_between_payments": spec.months_between,
        "appraised_cny": sheet.appraised_cny,
        "value_interval_cny": list(sheet.value_interval_cny),
        "ltv": sheet.ltv,
        "epsilon": spec.epsilon,
        "shortfall_probability": sheet.shortfall_probability,
        "limits": [
            {
                "name": x.name, "label": _both(x.label), "amount_cny": x.amount_cny, "low_cny": x.low_cny,
                "high_cny": x.high_cny, "binds": x.binds,
            }
            for x in sheet.limits
        ],
        "blocking": [_both(x) for x in sheet.blocking],
        "warnings": [_both(x) for x in sheet.warnings],
        "covenants": [_both(x) for x in sheet.covenants],
        "payments": [] if loan is None else [
            {"date": d.isoformat(), "interest_fen": int(i), "principal_fen": int(p), "balance_fen": int(b)}
            for d, i, p, b in zip(loan.dates, loan.interest, loan.principal, loan.balance, strict=True)
        ],
        "provisional_dates": [] if loan is None else [d.isoformat() for d in loan.provisional],
        "cost": None if cost is None else {
            "borrower_rate": cost.borrower_rate, "before_subsidy_rate": cost.before_subsidy_rate,
            "public_cost_cny": str(cost.public_cost.decimal),
        },
        "value_path": {
            "decay": spec.path.decay, "volatility": spec.path.volatility, "correlation": spec.path.correlation,
            "haircut": list(spec.path.haircut), "months_to_sale": list(spec.path.months_to_sale),
            "sale_cost": spec.path.sale_cost, "discount_rate": spec.path.discount_rate,
        },
        "sources": [_source(name, source) for name, source in sheet.sources],
    }  # fmt: skip
