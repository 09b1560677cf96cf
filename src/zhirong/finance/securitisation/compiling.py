"""From a checked deal to the arrays of the numeric layer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np
from numpy.typing import NDArray

from zhirong.finance.securitisation.checks import REVOLVING, trigger_order
from zhirong.finance.securitisation.schedule import (
    asset_payments,
    by_period,
    collection_ends,
    payment_dates,
    payment_years,
    period_years,
)  # fmt: skip
from zhirong.finance.securitisation.spec import Asset, Credit, Deal, Step, Trigger
from zhirong.numerics.default_paths import PoolModel, latent_quantiles
from zhirong.numerics.waterfall import Amount, FeeBasis, Op, Program, ReserveBasis, Setting, Source, Test

__all__ = ["compile_deal", "compile_pool", "trigger_names"]

Floats = NDArray[np.float64]
_OPS = {
    "pay_fees": Op.FEES, "pay_interest": Op.INTEREST, "pay_principal": Op.PRINCIPAL, "fund_reserve": Op.FUND_RESERVE,
    "release_reserve": Op.RELEASE_RESERVE, "reimburse_guarantor": Op.REIMBURSE, "buy_assets": Op.BUY,
    "pay_residual": Op.RESIDUAL,
}  # fmt: skip
_AMOUNTS = {
    "available": Amount.AVAILABLE, "collections": Amount.COLLECTIONS, "pool_decline": Amount.DECLINE,
    "scheduled": Amount.SCHEDULED, "at_maturity": Amount.MATURITY, "to_oc": Amount.TO_OC,
}  # fmt: skip
_TESTS = {
    "oc": Test.OC, "ic": Test.IC, "cumulative_default": Test.DEFAULTS, "cumulative_loss": Test.LOSS, "reserve": Test.RESERVE,
    "interest_shortfall": Test.SHORTFALL, "guarantor_default": Test.GUARANTOR, "from_date": Test.PERIOD, "any_of": Test.ANY,
    "all_of": Test.ALL,
}  # fmt: skip
_FEES = {"fixed": FeeBasis.FIXED, "pool": FeeBasis.POOL, "collections": FeeBasis.COLLECTIONS, "notes": FeeBasis.NOTES}
_RESERVES = {
    "amount": ReserveBasis.AMOUNT, "original_pool": ReserveBasis.ORIGINAL_POOL, "pool": ReserveBasis.POOL,
    "notes": ReserveBasis.NOTES, "payment": ReserveBasis.PAYMENT,
}  # fmt: skip


def trigger_names(deal: Deal) -> list[str]:
    """Return the triggers in the order in which they are tested; the revolving period is the last."""
    order, _ = trigger_order(deal)
    return order + ([REVOLVING] if deal.revolving else [])


def compile_deal(deal: Deal, *, with_support: bool = True) -> Program:
    """Return the program of a deal.

    Parameters
    ----------
    deal : Deal
        As `zhirong.finance.securitisation.parse_deal` returns it.
    with_support : bool
        Without, the guarantor pays nothing: what the structure alone is worth.
    """
    dates, years = payment_dates(deal), period_years(deal)
    test, level, step, ratio, members = _tests_and_steps(deal)
    replacement = _replacement(deal) if deal.revolving else np.zeros((1, 3))
    guarantor = deal.guarantor
    return Program(
        balance=np.array([tranche.balance for tranche in deal.tranches]),
        rate=_coupons(deal) * years[:, None],
        schedule=_schedules(deal, dates),
        maturity=np.array([_period_of(tranche.legal_final or deal.legal_final, dates) for tranche in deal.tranches]),
        compounds=np.array([int(tranche.compounds) for tranche in deal.tranches]),
        fee_basis=np.array([_FEES[fee.basis] for fee in deal.fees], np.int64),
        fee_fixed=_fees(deal, years, fixed=True),
        fee_rate=_fees(deal, years, fixed=False),
        test=test,
        level=level,
        step=step,
        step_level=ratio,
        members=members,
        account_rate=deal.reserve.interest_rate * years,
        support_rate=(guarantor.interest_rate if guarantor else 0.0) * years,
        replacement=replacement,
        settings=_settings(deal, dates, with_support),
    )


def _coupons(deal: Deal) -> Floats:
    """Rate a year of each interest period and tranche; the index is that of the day the period starts."""
    starts = (deal.closing, *payment_dates(deal)[:-1])
    index = np.array([_at(deal.index, day, 0.0) for day in starts])
    return np.array([t.coupon + (index if t.is_floating else 0.0 * index) for t in deal.tranches]).T


def _at(curve: Mapping[date, float], day: date, before: float) -> float:
    found = before
    for start, value in curve.items():
        if start <= day:
            found = value
    return float(found)


def _schedules(deal: Deal, dates: tuple[date, ...]) -> Floats:
    """Balance at most after each payment; the last named balance holds until the next."""
    schedule = np.full((len(dates), len(deal.tranches)), np.inf)
    for k, tranche in enumerate(deal.tranches):
        for t, day in enumerate(dates):
            schedule[t, k] = _at(tranche.schedule, day, tranche.balance) if tranche.schedule else np.inf
    return schedule


def _period_of(day: date, dates: tuple[date, ...]) -> int:
    """First period whose payment date is not before a day, the last where all are."""
    return next((t for t, payment in enumerate(dates) if payment >= day), len(dates) - 1)


def _fees(deal: Deal, years: Floats, *, fixed: bool) -> Floats:
    found = np.zeros((years.size, len(deal.fees)))
    for f, fee in enumerate(deal.fees):
        size = fee.amount if fixed else fee.rate
        column = size * (np.ones(years.size) if fee.basis == "collections" else years)
        if fee.once:
            column = np.zeros(years.size)
            column[0] = size
        found[:, f] = column
    return found


def _tests_and_steps(deal: Deal) -> tuple[NDArray[np.int64], Floats, NDArray[np.int64], Floats, NDArray[np.int64]]:
    """Compile triggers and steps, which share one list of members."""
    order = trigger_names(deal)
    places = {
        "trigger": {name: j for j, name in enumerate(order)},
        "tranche": {tranche.id: k for k, tranche in enumerate(deal.tranches)},
        "fee": {fee.id: f for f, fee in enumerate(deal.fees)},
    }
    members: list[int] = []
    dates = payment_dates(deal)
    by_name = {trigger.id: trigger for trigger in deal.triggers}
    tests, levels = [], []
    for name in order:
        row, column = _test(by_name.get(name), places, members, dates)
        tests.append(row)
        levels.append(column)
    steps = [_step(step, places, members) for step in deal.steps]
    return (
        np.array(tests, np.int64).reshape(-1, 4),
        np.array(levels).reshape(-1, len(dates)).T.copy(),
        np.array(steps, np.int64).reshape(-1, 8),
        np.array([step.ratio or 1.0 for step in deal.steps]),
        np.array(members or [0], np.int64),
    )


def _test(
    trigger: Trigger | None, places: dict[str, dict[str, int]], members: list[int], dates: tuple[date, ...]
) -> tuple[list[int], list[float]]:
    if trigger is None:
        return [int(Test.REVOLVING), 0, 0, 0], [0.0] * len(dates)
    first = len(members)
    members += [places["tranche"][name] for name in trigger.tranches] + [
        places["trigger"][name] for name in trigger.parts
    ]
    row = [int(_TESTS[trigger.test]), first, len(members) - first, 0 if trigger.is_curable else 1]
    if trigger.day is not None:
        return row, [float(_period_of(trigger.day, dates) if trigger.day <= dates[-1] else len(dates))] * len(dates)
    return row, [_at(trigger.levels, day, trigger.level) for day in dates]


def _step(step: Step, places: dict[str, dict[str, int]], members: list[int]) -> list[int]:
    first = len(members)
    kind = "fee" if step.action == "pay_fees" else "tranche"
    members += [places[kind][name] for name in step.targets]
    bits = int(Source.RESERVE) * ("reserve" in step.sources) + int(Source.GUARANTOR) * ("guarantor" in step.sources)
    condition = places["trigger"][step.condition] if step.condition else -1
    return [
        int(_OPS[step.action]), first, len(members) - first, int(_AMOUNTS[step.amount]), int(step.is_pro_rata), bits, condition,
        int(step.wanted),
    ]  # fmt: skip


def _settings(deal: Deal, dates: tuple[date, ...], with_support: bool) -> Floats:
    found = np.zeros(int(Setting.COUNT))
    reserve, revolving = deal.reserve, deal.revolving
    cap = 0.0
    if deal.guarantor is not None and with_support:
        cap = np.inf if deal.guarantor.cap is None else deal.guarantor.cap
    residual = [k for k, tranche in enumerate(deal.tranches) if tranche.is_residual]
    names = trigger_names(deal)
    values = {
        Setting.ORIGINAL_POOL: deal.pool.balance,
        Setting.RESERVE_INITIAL: reserve.initial,
        Setting.RESERVE_SHARE: reserve.share,
        Setting.RESERVE_FLOOR: reserve.floor,
        Setting.RESERVE_BASIS: float(_RESERVES[reserve.basis]),
        Setting.GUARANTOR_CAP: cap,
        Setting.CALL_SHARE: deal.clean_up_call.share if deal.clean_up_call else 0.0,
        Setting.CALL_PRICE: deal.clean_up_call.price if deal.clean_up_call else 0.0,
        Setting.BUY_BACK_SHARE: deal.buy_back.share if deal.buy_back else 0.0,
        Setting.BUY_BACK_CAP: np.inf if deal.buy_back and deal.buy_back.cap is None else (deal.buy_back.cap if deal.buy_back else 0.0),
        Setting.RECOVERY_LAG: float(_lag(deal)),
        Setting.REVOLVING_LAST: float(sum(day <= revolving.until for day in dates) - 1) if revolving else -1.0,
        Setting.REVOLVING_STOP: float(names.index(revolving.stop)) if revolving and revolving.stop else -1.0,
        Setting.REPLACEMENT_PRICE: revolving.price if revolving else 1.0,
        Setting.REPLACEMENT_RECOVERY: deal.pool.recovery.mean,
        Setting.RESIDUAL_HOLDER: float(residual[0]) if residual else -1.0,
    }  # fmt: skip
    for place, value in values.items():
        found[place] = float(value or 0.0)
    return found


def _lag(deal: Deal) -> int:
    """Recovery lag in payment periods, rounded up."""
    return -(-deal.pool.recovery.lag_months // deal.payment_interval_months)


def _replacement(deal: Deal) -> Floats:
    """Flows by age of one unit of balance bought, payments counted from the purchase."""
    assert deal.revolving is not None
    asset = deal.revolving.asset
    interest, principal = asset_payments(asset)
    ages = -(-(asset.interval_months * asset.payments) // deal.payment_interval_months)
    table = np.zeros((ages + 1, 3))
    for k in range(asset.payments):
        age = -(-(asset.interval_months * (k + 1)) // deal.payment_interval_months)
        table[age, 0] += interest[k] / asset.balance
        table[age, 1] += principal[k] / asset.balance
    table[:, 2] = np.maximum(1.0 - np.cumsum(table[:, 1]), 0.0)
    table[-1, 2] = 0.0
    return table


def compile_pool(deal: Deal) -> PoolModel:
    """Return the pool of a deal as arrays, with the guarantor and the assets bought later as risk classes of their own."""
    pool, assets = deal.pool, deal.pool.assets
    interest, principal, opening = by_period(assets, collection_ends(deal))
    credits = list(dict.fromkeys(asset.credit for asset in assets))
    risk_class = np.array([credits.index(asset.credit) for asset in assets])
    extra = [deal.guarantor.credit if deal.guarantor else None, deal.revolving.asset.credit if deal.revolving else None]
    special = []
    for credit in extra:
        special.append(len(credits) if credit else -1)
        credits += [credit] if credit else []
    years = payment_years(deal)
    freedom = pool.dependence.degrees_of_freedom if pool.dependence.copula == "t" else 0.0
    monthly = (1.0 - pool.prepayment_rate) ** (deal.payment_interval_months / 12.0)
    return PoolModel(
        interest=interest,
        principal=principal,
        opening=opening,
        paid_share=1.0 - np.array([asset.dilution for asset in assets]),
        deposit=np.array([asset.deposit for asset in assets]),
        revenue=np.array([_revenue(asset) for asset in assets]),
        may_prepay=np.array([int(asset.may_prepay) for asset in assets]),
        risk_class=risk_class,
        quantile=np.array([latent_quantiles(_cumulative(credit, years), freedom) for credit in credits]),
        correlation=np.array([credit.correlation for credit in credits]),
        recovery=(pool.recovery.mean, pool.recovery.spread, pool.recovery.factor_share),
        recovery_lag=_lag(deal),
        prepayment=np.full(years.size, 1.0 - monthly),
        prepayment_volatility=pool.prepayment_volatility,
        period_years=np.diff(years, prepend=0.0),
        degrees_of_freedom=freedom,
        guarantor_class=special[0],
        replacement_class=special[1],
    )


def _revenue(asset: Asset) -> tuple[float, float, float, float]:
    return asset.revenue_share, asset.revenue_volatility, asset.revenue_correlation, asset.revenue_floor


def _cumulative(credit: Credit, years: Floats) -> Floats:
    return np.asarray(-np.expm1(years * np.log1p(-credit.annual_pd)))
