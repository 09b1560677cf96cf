"""What no single field shows: deals whose parts contradict each other are refused, with the reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from zhirong.finance.securitisation.reading import Faults
from zhirong.finance.securitisation.schedule import collection_ends, due_dates, payment_dates
from zhirong.finance.securitisation.spec import Asset, Deal, Step
from zhirong.kernel.errors import suggest

__all__ = ["PERIODS_MAX", "REVOLVING", "TRIGGERS_MAX", "check_deal", "trigger_order"]

PERIODS_MAX, TRIGGERS_MAX = 600, 50
REVOLVING = "revolving"
"""Condition that holds during the revolving period."""
_ROUNDING = 1e-9


def check_deal(deal: Deal) -> None:
    """Refuse a deal that cannot be.

    Raises
    ------
    DealError
        With every fault: dates reversed, tranches above the pool, circular triggers, names that do not exist, cash that
        would reach nobody.
    """
    faults = Faults()
    if _dates(deal, faults):
        _pool(deal, faults)
        _schedules(deal, faults)
    _sizes(deal, faults)
    _names(deal, faults)
    _triggers(deal, faults)
    _waterfall(deal, faults)
    faults.settle()


def _dates(deal: Deal, faults: Faults) -> bool:
    before = len(faults.found)
    if deal.first_payment <= deal.closing:
        faults.add("first_payment", deal.first_payment, f"after closing, {deal.closing}")
    if deal.legal_final < deal.first_payment:
        faults.add("legal_final", deal.legal_final, f"not before first_payment, {deal.first_payment}")
    elif len(payment_dates(deal)) > PERIODS_MAX:
        faults.add("legal_final", deal.legal_final, f"at most {PERIODS_MAX} payment dates")
    if (deal.first_payment - deal.closing).days < deal.collection_lag_days:
        faults.add("collection_lag_days", deal.collection_lag_days, "shorter than the first period")
    for tranche in deal.tranches:
        day = tranche.legal_final
        if day is not None and not deal.first_payment <= day <= deal.legal_final:
            faults.add(
                f"tranches.{tranche.id}.legal_final",
                day,
                f"from {deal.first_payment} to {deal.legal_final}, that of the deal",
            )
    if deal.revolving is not None and not deal.first_payment <= deal.revolving.until < deal.legal_final:
        faults.add("revolving.until", deal.revolving.until, f"from {deal.first_payment} to before {deal.legal_final}")
    floating = [tranche.id for tranche in deal.tranches if tranche.is_floating]
    if floating and (not deal.index or min(deal.index) > deal.closing):
        faults.add("index", dict(deal.index), f"a rate that holds at closing, {deal.closing}: {floating[0]} floats")
    return len(faults.found) == before


def _pool(deal: Deal, faults: Faults) -> None:
    end = collection_ends(deal)[-1]
    for place, asset in enumerate(deal.pool.assets):
        path = f"pool.assets[{place}]"
        _asset(asset, path, faults)
        if asset.first_due <= deal.closing.replace(year=deal.closing.year - 1):
            faults.add(f"{path}.first_due", asset.first_due, f"within a year before closing, {deal.closing}, or later")
        last = due_dates(asset)[-1]
        if last > end:
            faults.add(f"{path}.payments", asset.payments, f"payments that end by {end}; the last is due {last}")
    if deal.revolving is not None:
        _asset(deal.revolving.asset, "revolving.asset", faults)


def _asset(asset: Asset, path: str, faults: Faults) -> None:
    if asset.grace_payments >= asset.payments:
        faults.add(f"{path}.grace_payments", asset.grace_payments, f"below payments, {asset.payments}")
    if asset.amortisation == "discount" and asset.payments != 1:
        faults.add(f"{path}.payments", asset.payments, "1: a discounted receivable is paid once")
    if asset.in_advance and (asset.kind != "lease" or asset.amortisation != "level" or asset.grace_payments):
        faults.add(f"{path}.in_advance", True, "level rents of a lease without grace")
    if asset.revenue_share > 0 and asset.kind != "licence_back":
        faults.add(f"{path}.revenue_share", asset.revenue_share, "0: only a licence-back has royalties")
    if asset.revenue_share > 0 and asset.may_prepay:
        faults.add(f"{path}.may_prepay", True, "false where payments move with revenue")
    if asset.dilution > 0 and asset.kind != "receivable":
        faults.add(f"{path}.dilution", asset.dilution, "0: only receivables dilute")
    if asset.deposit >= asset.balance:
        faults.add(f"{path}.deposit", asset.deposit, f"below the balance, {asset.balance:g}")


def _sizes(deal: Deal, faults: Faults) -> None:
    pool, notes = deal.pool.balance, deal.notes
    if notes > pool * (1 + _ROUNDING):
        faults.add(
            "tranches",
            f"{notes:,.2f}",
            f"at most 100 % of the pool, {pool:,.2f}; they are {notes / pool:.2%} of it: equity would be negative",
        )
    residual = [tranche for tranche in deal.tranches if tranche.is_residual]
    if len(residual) > 1:
        faults.add("tranches", [tranche.id for tranche in residual], "one tranche with is_residual")
    if residual and deal.tranches[-1] is not residual[0]:
        faults.add(
            f"tranches.{residual[0].id}.is_residual", True, "the last tranche only: they stand in order of seniority"
        )
    for tranche in deal.tranches:
        if tranche.balance <= 0:
            faults.add(f"tranches.{tranche.id}.balance", tranche.balance, "above 0: negative equity")


def _schedules(deal: Deal, faults: Faults) -> None:
    dates = set(payment_dates(deal))
    for tranche in deal.tranches:
        last = tranche.balance
        for day, balance in tranche.schedule.items():
            path = f"tranches.{tranche.id}.schedule.{day}"
            if day not in dates:
                faults.add(path, day, "a payment date: " + ", ".join(str(d) for d in sorted(dates)[:4]) + ", ...")
            if balance > last * (1 + _ROUNDING):
                faults.add(path, balance, f"not above the balance before it, {last:g}")
            last = balance


def _unknown(path: str, name: str, known: Iterable[str], faults: Faults) -> None:
    names = list(known)
    if name not in names:
        faults.add(path, name, "one of " + (", ".join(names) or "none: there is none") + suggest(name, names))


def _names(deal: Deal, faults: Faults) -> None:
    kinds = {"tranches": deal.tranches, "fees": deal.fees, "triggers": deal.triggers, "pool.assets": deal.pool.assets}
    for kind, items in kinds.items():
        for name, count in Counter(item.id for item in items).items():  # type: ignore[attr-defined]
            if count > 1:
                faults.add(kind, name, f"each id once; this one stands {count} times")
    if REVOLVING in {trigger.id for trigger in deal.triggers}:
        faults.add("triggers", REVOLVING, "another id: this one is the revolving period")
    tranches = [tranche.id for tranche in deal.tranches]
    triggers = [trigger.id for trigger in deal.triggers]
    for trigger in deal.triggers:
        for name in trigger.tranches:
            _unknown(f"triggers.{trigger.id}.tranches", name, tranches, faults)
        for name in trigger.parts:
            _unknown(f"triggers.{trigger.id}.parts", name, triggers, faults)
        if trigger.test == "guarantor_default" and deal.guarantor is None:
            faults.add(f"triggers.{trigger.id}.test", trigger.test, "a deal with a guarantor")
    if deal.revolving is not None and deal.revolving.stop:
        _unknown("revolving.stop", deal.revolving.stop, triggers, faults)


def trigger_order(deal: Deal) -> tuple[list[str], list[str]]:
    """Return the triggers with parts before the whole, and a circle of triggers where there is one."""
    parts = {trigger.id: list(trigger.parts) for trigger in deal.triggers}
    order: list[str] = []
    path: list[str] = []

    def visit(name: str) -> list[str]:
        if name in order or name not in parts:
            return []
        if name in path:
            return [*path[path.index(name) :], name]
        path.append(name)
        for part in parts[name]:
            if circle := visit(part):
                return circle
        path.pop()
        order.append(name)
        return []

    for name in parts:
        if circle := visit(name):
            return order, circle
    return order, []


def _triggers(deal: Deal, faults: Faults) -> None:
    if len(deal.triggers) > TRIGGERS_MAX:
        faults.add("triggers", len(deal.triggers), f"at most {TRIGGERS_MAX}")
    _, circle = trigger_order(deal)
    if circle:
        faults.add("triggers", " -> ".join(circle), "triggers that do not depend on themselves: these are circular")


def _waterfall(deal: Deal, faults: Faults) -> None:
    fees, tranches = [fee.id for fee in deal.fees], [tranche.id for tranche in deal.tranches]
    conditions = [trigger.id for trigger in deal.triggers] + ([REVOLVING] if deal.revolving else [])
    for place, step in enumerate(deal.steps):
        path = f"waterfall[{place}]"
        for name in step.targets:
            _unknown(f"{path}.{step.action}", name, fees if step.action == "pay_fees" else tranches, faults)
        if step.condition:
            _unknown(f"{path}.{'when' if step.wanted else 'unless'}", step.condition, conditions, faults)
        _step(deal, step, path, faults)
    last = deal.steps[-1] if deal.steps else None
    if last is None or last.action != "pay_residual" or last.condition:
        faults.add("waterfall", last.action if last else None, "pay_residual without a condition as the last step")
    paid = {name for step in deal.steps if step.action == "pay_principal" for name in step.targets}
    for tranche in deal.tranches:
        if tranche.id not in paid and not tranche.is_residual:
            faults.add(
                "waterfall", tranche.id, "a pay_principal step that names this tranche: it would never be repaid"
            )
    due = {name for step in deal.steps if step.action == "pay_interest" for name in step.targets}
    for tranche in deal.tranches:
        if tranche.id not in due and (tranche.coupon > 0 or tranche.is_floating):
            faults.add("waterfall", tranche.id, "a pay_interest step that names this tranche: it has a coupon")
    settled = {name for step in deal.steps if step.action == "pay_fees" for name in step.targets}
    for name in fees:
        if name not in settled:
            faults.add("waterfall", name, "a pay_fees step that names this fee: it would never be paid")


def _step(deal: Deal, step: Step, path: str, faults: Faults) -> None:
    for name in step.sources:
        if name not in {"reserve", "guarantor"}:
            faults.add(f"{path}.from", name, "reserve, guarantor")
        if name == "guarantor" and deal.guarantor is None:
            faults.add(f"{path}.from", name, "a deal with a guarantor")
    if step.sources == ("guarantor", "reserve"):
        faults.add(f"{path}.from", list(step.sources), "the reserve before the guarantor")
    if step.action == "pay_principal" and step.amount in {"available", "to_oc"} and step.sources:
        faults.add(f"{path}.from", list(step.sources), f"nothing: the amount {step.amount!r} is what collections leave")
    if step.action == "pay_principal" and step.amount == "scheduled":
        for tranche in deal.tranches:
            if tranche.id in step.targets and not tranche.schedule:
                faults.add(f"{path}.amount", "scheduled", f"a schedule of {tranche.id}")
    if step.action == "buy_assets" and deal.revolving is None:
        faults.add(path, "buy_assets", "a deal with a revolving period")
    if step.action == "reimburse_guarantor" and deal.guarantor is None:
        faults.add(path, "reimburse_guarantor", "a deal with a guarantor")
