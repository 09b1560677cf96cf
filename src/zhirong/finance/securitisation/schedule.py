"""Scheduled payments of the four types of asset, and the periods in which they are collected."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from zhirong.finance.securitisation.spec import Asset, Deal
from zhirong.kernel.dates import add_months, year_fraction

__all__ = [
    "asset_payments",
    "by_period",
    "collection_ends",
    "due_dates",
    "payment_dates",
    "payment_years",
    "period_years",
]

Floats = NDArray[np.float64]


def payment_dates(deal: Deal) -> tuple[date, ...]:
    """Return the payment dates from the first to the legal final day."""
    dates: list[date] = []
    day = deal.first_payment
    while day <= deal.legal_final:
        dates.append(day)
        day = add_months(deal.first_payment, deal.payment_interval_months * len(dates))
    return tuple(dates)


def collection_ends(deal: Deal) -> tuple[date, ...]:
    """Return the last day of collection for each payment date."""
    return tuple(day - timedelta(days=deal.collection_lag_days) for day in payment_dates(deal))


def period_years(deal: Deal) -> Floats:
    """Return the year fractions of the interest periods under the deal's day count."""
    dates = (deal.closing, *payment_dates(deal))
    return np.array([year_fraction(a, b, deal.day_count) for a, b in pairwise(dates)])


def payment_years(deal: Deal) -> Floats:
    """Return the time of each payment from closing, ACT/365F."""
    return np.array([year_fraction(deal.closing, day) for day in payment_dates(deal)])


def due_dates(asset: Asset) -> tuple[date, ...]:
    """Return the due dates of an asset."""
    return tuple(add_months(asset.first_due, asset.interval_months * k) for k in range(asset.payments))


def asset_payments(asset: Asset) -> tuple[Floats, Floats]:
    """Return interest and principal of each payment of an asset.

    Returns
    -------
    interest, principal : ndarray, shape (payments,)
        Principal adds up to the balance.

    Notes
    -----
    Rate of an interval ``c = rate x months / 12``. Level payments in arrears ``A = B c / (1 - (1 + c)^-n)``; rents in advance
    divide that by ``1 + c`` and their first payment bears no interest. A discounted receivable pays balance and interest once.
    """
    n, balance, c = asset.payments, asset.balance, asset.rate * asset.interval_months / 12.0
    grace = asset.grace_payments
    interest, principal = np.zeros(n), np.zeros(n)
    left = balance
    level = _level(balance, c, n - grace, asset.in_advance)
    for k in range(n):
        interest[k] = 0.0 if asset.in_advance and k == 0 else left * c
        if k >= grace and asset.amortisation == "level":
            principal[k] = level - interest[k]
        elif k >= grace and asset.amortisation == "equal_principal":
            principal[k] = balance / (n - grace)
        if k == n - 1:
            principal[k] = left
        left -= principal[k]
    return interest, principal


def _level(balance: float, c: float, n: int, in_advance: bool) -> float:
    if c == 0.0:
        return balance / n
    level = balance * c / -np.expm1(-n * np.log1p(c))
    return float(level / (1.0 + c) if in_advance else level)


def by_period(assets: Sequence[Asset], ends: Sequence[date]) -> tuple[Floats, Floats, Floats]:
    """Return interest, principal and opening balance of each asset by collection period, shapes (n, T)."""
    periods = len(ends)
    interest, principal = np.zeros((len(assets), periods)), np.zeros((len(assets), periods))
    for i, asset in enumerate(assets):
        own_interest, own_principal = asset_payments(asset)
        for k, day in enumerate(due_dates(asset)):
            t = bisect_left(ends, day)
            interest[i, t] += own_interest[k]
            principal[i, t] += own_principal[k]
    opening = np.array([asset.balance for asset in assets])[:, None] - np.cumsum(principal, axis=1) + principal
    opening[opening < 1e-9 * opening[:, :1]] = 0.0
    return interest, principal, opening
