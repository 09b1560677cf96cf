"""A deal that uses most words of the language, and its small relatives."""

from __future__ import annotations

from datetime import date

import numpy as np
import yaml

from zhirong.finance.securitisation.compiling import compile_deal
from zhirong.finance.securitisation.parse import parse_deal
from zhirong.kernel.dates import add_months
from zhirong.numerics.waterfall import Program

MIXED = """
id: small
name: {zh: 小额示例, en: Small example}
is_synthetic: true
closing: 2024-01-10
first_payment: 2024-04-10
payment_interval_months: 3
legal_final: 2027-04-10
day_count: 30/360
pool:
  recovery: {mean: 0.4, spread: 0.5, factor_share: 0.3, lag_months: 6}
  dependence: {copula: t, degrees_of_freedom: 6}
  prepayment: {rate: 0.1, volatility: 0.3}
  assets:
    - {id: loan, kind: loan, count: 15, total: 80.0e+6, largest: 10.0e+6, rate: 0.07, first_due: 2024-02-10, interval_months: 1, payments: 24, may_prepay: true, credit: {annual_pd: 0.04, correlation: 0.2}}
    - {id: lic, kind: licence_back, count: 4, total: 20.0e+6, rate: 0.06, first_due: 2024-03-15, interval_months: 3, payments: 8, revenue_share: 0.5, revenue_volatility: 0.4, revenue_correlation: 0.3, revenue_floor: 0.4, credit: {annual_pd: 0.03, correlation: 0.15}}
tranches:
  - {id: A, share: 0.7, coupon: 0.035}
  - {id: B, share: 0.2, coupon: 0.05}
  - {id: E, balance: rest, is_residual: true}
fees:
  - {id: trustee, amount: 100000}
  - {id: servicer, basis: pool, rate: 0.002}
reserve: {initial: 1.0e+6, basis: notes, share: 0.01, interest_rate: 0.01}
guarantor: {label: 担保人, credit: {annual_pd: 0.005, correlation: 0.3}, cap: 20.0e+6}
triggers:
  - {id: oc, test: oc, level: 1.05, tranches: [A, B]}
  - {id: loss, test: cumulative_loss, level: 0.05, is_curable: false}
  - {id: turbo, test: any_of, parts: [oc, loss]}
clean_up_call: {share: 0.1}
buy_back: {share: 0.1, cap: 2.0e+6}
waterfall:
  - {pay_fees: [trustee, servicer], from: [reserve]}
  - {pay_interest: [A], from: [reserve, guarantor]}
  - {pay_interest: [B], unless: turbo}
  - {release_reserve: true}
  - {fund_reserve: true}
  - {pay_principal: [A, B], amount: collections, unless: turbo, from: [guarantor]}
  - {pay_principal: [A, B], order: sequential, when: turbo}
  - {pay_interest: [B]}
  - {pay_principal: [A, B], amount: at_maturity, from: [reserve, guarantor]}
  - {reimburse_guarantor: true}
  - {pay_residual: true}
"""
"""Loans and licence-backs, reserve, guarantor with a cap, triggers, call and buy-back; synthetic."""


def shared_structure(cash: np.ndarray, coupons: tuple[float, float] = (0.045, 0.06)) -> tuple[Program, np.ndarray]:
    """The structure that waterfall-py can express too, and the cash of one path: 120 months, five classes, a reserve.

    Senior fees; senior interest pro rata, the reserve standing in; the reserve filled up; mezzanine interest; what is left to
    the seniors pro rata, then to the mezzanine classes pro rata, then to equity.
    """
    periods = cash.size
    first = date(2024, 2, 1)
    last = add_months(first, periods - 1)
    loan = {"id": "x", "kind": "loan", "balance": 1e9, "rate": 0.0, "first_due": first, "interval_months": 1,
            "payments": periods, "credit": {"annual_pd": 0.0}}  # fmt: skip
    notes = {"A1": (500e6, 0.03), "A2": (200e6, 0.035), "M1": (150e6, coupons[0]), "M2": (100e6, coupons[1])}
    deal = {
        "id": "shared", "name": "shared", "closing": date(2024, 1, 1), "first_payment": first, "payment_interval_months": 1,
        "legal_final": last, "day_count": "30/360", "pool": {"recovery": {"mean": 0.0}, "assets": [loan]},
        "tranches": [{"id": k, "balance": b, "coupon": c} for k, (b, c) in notes.items()]
        + [{"id": "E", "balance": "rest", "is_residual": True}],
        "fees": [{"id": "agency", "amount": 120_000.0}],
        "reserve": {"initial": 5e6, "floor": 5e6},
        "triggers": [{"id": "oc", "test": "oc", "level": 1.05, "tranches": ["A1", "A2"]},
                     {"id": "short", "test": "interest_shortfall", "tranches": ["M1", "M2"]},
                     {"id": "stress", "test": "any_of", "parts": ["oc", "short"]}],
        "waterfall": [
            {"pay_fees": ["agency"]}, {"pay_interest": ["A1", "A2"], "from": ["reserve"]}, {"fund_reserve": True},
            {"pay_interest": ["M1"]}, {"pay_interest": ["M2"]}, {"release_reserve": True},
            {"pay_principal": ["A1", "A2"]}, {"pay_principal": ["M1", "M2"]}, {"pay_residual": True},
        ],
    }  # fmt: skip
    flows = np.zeros((1, periods, 6))
    flows[0, :, 1] = cash
    flows[0, :, 5] = np.maximum(1e9 - np.cumsum(cash), 0.0)
    return compile_deal(parse_deal(yaml.safe_dump(deal))), flows
