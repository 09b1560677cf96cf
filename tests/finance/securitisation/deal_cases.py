"""A deal that uses most words of the language, and its small relatives."""

from __future__ import annotations

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
