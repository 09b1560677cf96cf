"""From the text of a deal file to a checked `Deal`: the words of the waterfall language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from zhirong.finance.securitisation.checks import check_deal
from zhirong.finance.securitisation.reading import DealError, Fault, Faults, Reader
from zhirong.finance.securitisation.spec import (
    Account,
    Asset,
    BuyBack,
    CleanUpCall,
    Credit,
    Deal,
    Dependence,
    Fact,
    Fee,
    Guarantor,
    PoolSpec,
    Recovery,
    Revolving,
    Step,
    Tranche,
    Trigger,
)  # fmt: skip
from zhirong.kernel.dates import DayCount
from zhirong.kernel.provenance import Grade, Source

__all__ = ["ACTIONS", "AMOUNTS", "TESTS", "parse_deal", "read_deal"]

ACTIONS = ("pay_fees", "pay_interest", "pay_principal", "fund_reserve", "release_reserve", "reimburse_guarantor", "buy_assets",
           "pay_residual")  # fmt: skip
"""Steps of a waterfall."""
AMOUNTS = ("available", "collections", "pool_decline", "scheduled", "at_maturity", "to_oc")
"""Amounts of a principal step."""
TESTS = ("oc", "ic", "cumulative_default", "cumulative_loss", "reserve", "interest_shortfall", "guarantor_default", "from_date",
         "any_of", "all_of")  # fmt: skip
"""Tests of a trigger."""
_TARGETED = {"pay_fees", "pay_interest", "pay_principal"}
_MONEY = 1e13


def read_deal(file: Path) -> Deal:
    """Read a deal file; see `parse_deal`."""
    return parse_deal(file.read_text("utf-8"), name=file.name)


def parse_deal(text: str, *, name: str = "deal") -> Deal:
    """Read a deal.

    Parameters
    ----------
    text : str
        YAML.
    name : str
        Of the file, for messages.

    Returns
    -------
    Deal

    Raises
    ------
    DealError
        With every fault found: path of the field, its value, what is allowed.
    """
    try:
        plain = yaml.safe_load(text)
    except yaml.YAMLError as err:
        raise DealError([Fault(name, str(err), "YAML")]) from err
    faults = Faults()
    reader = Reader(plain, "", faults)
    deal = _deal(reader)
    reader.done()
    faults.settle()
    check_deal(deal)
    return deal


def _deal(reader: Reader) -> Deal:
    pool = _pool(reader.part("pool"))
    convention = reader.choice("day_count", [str(item) for item in DayCount], "act/365f")
    return Deal(
        id=reader.name("id"),
        name=reader.label("name"),
        currency=reader.name("currency", "CNY"),
        closing=reader.day("closing"),
        first_payment=reader.day("first_payment"),
        payment_interval_months=int(reader.choice_number("payment_interval_months", (1, 2, 3, 4, 6, 12))),
        legal_final=reader.day("legal_final"),
        day_count=DayCount(convention),
        pool=pool,
        tranches=_tranches(reader, pool.balance),
        fees=tuple(_fee(part) for part in reader.parts("fees")),
        reserve=reader.optional("reserve", _account) or Account(),
        guarantor=reader.optional("guarantor", _guarantor),
        triggers=tuple(_trigger(part) for part in reader.parts("triggers")),
        revolving=reader.optional("revolving", _revolving),
        clean_up_call=reader.optional("clean_up_call", _call),
        buy_back=reader.optional("buy_back", _buy_back),
        steps=tuple(_step(part) for part in reader.parts("waterfall", required=True)),
        index=reader.curve("index", least=-0.05, most=1.0),
        collection_lag_days=reader.whole("collection_lag_days", 0, least=0, most=60),
        collateral_value=reader.number("collateral_value", least=0, most=_MONEY, open_least=True)
        if "collateral_value" in reader
        else None,
        facts=_facts(reader),
        is_synthetic=reader.flag("is_synthetic"),
    )


def _closing(read: Callable[[Reader], Any]) -> Callable[[Reader], Any]:
    """Report unknown names after reading a part."""

    def wrapped(reader: Reader) -> Any:
        found = read(reader)
        reader.done()
        return found

    return wrapped


@_closing
def _credit(reader: Reader) -> Credit:
    return Credit(
        annual_pd=reader.number("annual_pd", least=0, most=1, open_most=True),
        correlation=reader.number("correlation", 0.0, least=0, most=1, open_most=True),
    )


@_closing
def _pool(reader: Reader) -> PoolSpec:
    recovery = reader.part("recovery")
    prepayment = reader.part("prepayment") if "prepayment" in reader else None
    assets = [asset for part in reader.parts("assets", required=True) for asset in _assets(part)]
    found = PoolSpec(
        assets=tuple(assets),
        recovery=Recovery(
            mean=recovery.number("mean", least=0, most=1),
            spread=recovery.number("spread", 0.0, least=0, most=10),
            factor_share=recovery.number("factor_share", 0.0, least=0, most=1),
            lag_months=recovery.whole("lag_months", 12, least=0, most=240),
        ),
        dependence=reader.optional("dependence", _dependence) or Dependence(),
        prepayment_rate=prepayment.number("rate", least=0, most=1, open_most=True) if prepayment else 0.0,
        prepayment_volatility=prepayment.number("volatility", 0.0, least=0, most=3) if prepayment else 0.0,
    )
    recovery.done()
    if prepayment:
        prepayment.done()
    return found


@_closing
def _dependence(reader: Reader) -> Dependence:
    copula = reader.choice("copula", ("gaussian", "t"))
    if copula == "t":
        return Dependence("t", reader.number("degrees_of_freedom", least=1, most=1000))
    return Dependence()


def _assets(reader: Reader) -> list[Asset]:
    """Read an entry of the pool: one asset, or `count` alike with `total`, the `largest` apart where it is given."""
    count = reader.whole("count", 1, least=1, most=100_000)
    kind = reader.choice("kind", ("licence_back", "loan", "lease", "receivable"))
    if "total" in reader:
        total = reader.number("total", least=0, most=_MONEY, open_least=True)
        largest = reader.number("largest", total / count, least=0, most=total, open_least=True)
        others = (total - largest) / (count - 1) if count > 1 else largest
    else:
        largest = others = reader.number("balance", least=0, most=_MONEY, open_least=True)
    name = reader.name("id")
    asset = _asset(reader, name, kind, largest)
    reader.done()
    if count > 1 and others <= 0:
        reader.fault("largest", f"below the total of {total:g} for {count} assets")
    if count == 1:
        return [asset]
    return [replace(asset, id=f"{name}-{k + 1:03d}", balance=largest if k == 0 else others) for k in range(count)]


def _asset(reader: Reader, name: str, kind: Any, balance: float) -> Asset:
    shape = "discount" if kind == "receivable" else "level"
    return Asset(
        id=name,
        kind=kind,
        balance=balance,
        rate=reader.number("rate", least=0, most=1),
        first_due=reader.day("first_due"),
        interval_months=reader.whole("interval_months", 3, least=1, most=120),
        payments=reader.whole("payments", 1 if shape == "discount" else None, least=1, most=600),
        credit=_credit(reader.part("credit")),
        amortisation=reader.choice("amortisation", ("level", "equal_principal", "bullet", "discount"), shape),  # type: ignore[arg-type]
        grace_payments=reader.whole("grace_payments", 0, least=0, most=599),
        in_advance=reader.flag("in_advance"),
        deposit=reader.number("deposit", 0.0, least=0, most=_MONEY),
        revenue_share=reader.number("revenue_share", 0.0, least=0, most=1),
        revenue_volatility=reader.number("revenue_volatility", 0.0, least=0, most=3),
        revenue_correlation=reader.number("revenue_correlation", 0.0, least=0, most=1),
        revenue_floor=reader.number("revenue_floor", 0.0, least=0, most=1),
        dilution=reader.number("dilution", 0.0, least=0, most=1, open_most=True),
        may_prepay=reader.flag("may_prepay"),
    )


def _tranches(reader: Reader, pool: float) -> tuple[Tranche, ...]:
    found: list[Tranche] = []
    rest: list[tuple[int, Reader]] = []
    for part in reader.parts("tranches", required=True):
        size = part.raw("balance")
        if size == "rest":
            rest.append((len(found), part))
            balance = 0.0
        elif "share" in part:
            if size is not None:
                part.fault("balance", "either balance or share, not both")
            balance = pool * part.number("share", least=0, most=1, open_least=True)
        else:
            balance = part.number("balance", least=0, most=_MONEY, open_least=True)
        found.append(_tranche(part, balance))
        part.done()
    if len(rest) > 1:
        rest[1][1].fault("balance", "rest for one tranche only")
    elif rest:
        place, part = rest[0]
        equity = pool - sum(tranche.balance for tranche in found)
        if equity <= 0:
            part.faults.add(
                part.at("balance"), round(equity, 2), "negative equity: the other tranches take the pool or more"
            )
        found[place] = replace(found[place], balance=max(equity, 0.0))
    return tuple(found)


def _tranche(reader: Reader, balance: float) -> Tranche:
    floats = "margin" in reader
    coupon = (
        reader.number("margin", least=-0.1, most=0.5) if floats else reader.number("coupon", 0.0, least=0, most=0.5)
    )
    name = reader.name("id")
    return Tranche(
        id=name,
        label=reader.label("label", name),
        balance=balance,
        coupon=coupon,
        is_floating=floats,
        legal_final=reader.day("legal_final") if "legal_final" in reader else None,
        schedule=reader.curve("schedule", least=0, most=_MONEY),
        compounds=reader.flag("compounds"),
        is_residual=reader.flag("is_residual"),
        rating=reader.name("rating", ""),
    )


@_closing
def _fee(reader: Reader) -> Fee:
    basis = reader.choice("basis", ("fixed", "pool", "collections", "notes"), "fixed")
    name = reader.name("id")
    is_fixed = basis == "fixed"
    return Fee(
        id=name,
        label=reader.label("label", name),
        basis=basis,  # type: ignore[arg-type]
        amount=reader.number("amount", least=0, most=_MONEY) if is_fixed else 0.0,
        rate=0.0 if is_fixed else reader.number("rate", least=0, most=1),
        once=reader.flag("once"),
    )


@_closing
def _account(reader: Reader) -> Account:
    return Account(
        initial=reader.number("initial", 0.0, least=0, most=_MONEY),
        basis=reader.choice("basis", ("amount", "original_pool", "pool", "notes", "payment"), "amount"),  # type: ignore[arg-type]
        share=reader.number("share", 0.0, least=0, most=12),
        floor=reader.number("floor", 0.0, least=0, most=_MONEY),
        interest_rate=reader.number("interest_rate", 0.0, least=0, most=0.5),
    )


@_closing
def _guarantor(reader: Reader) -> Guarantor:
    return Guarantor(
        label=reader.label(),
        credit=_credit(reader.part("credit")),
        cap=reader.number("cap", least=0, most=_MONEY) if "cap" in reader else None,
        interest_rate=reader.number("interest_rate", 0.0, least=0, most=0.5),
    )


@_closing
def _trigger(reader: Reader) -> Trigger:
    name = reader.name("id")
    test = reader.choice("test", TESTS)
    has_level = test in {"oc", "ic", "cumulative_default", "cumulative_loss", "reserve"}
    most = 1.0 if test.startswith("cumulative") else 100.0
    levels = reader.curve("levels", least=0, most=most) if has_level else {}
    return Trigger(
        id=name,
        label=reader.label("label", name),
        test=test,
        level=reader.number("level", next(iter(levels.values()), None), least=0, most=most) if has_level else 0.0,
        levels=levels,
        tranches=reader.names("tranches", required=True) if test in {"oc", "ic", "interest_shortfall"} else (),
        parts=reader.names("parts", required=True) if test in {"any_of", "all_of"} else (),
        is_curable=reader.flag("is_curable", True),
        day=reader.day("day") if test == "from_date" else None,
    )


@_closing
def _revolving(reader: Reader) -> Revolving:
    part = reader.part("asset")
    asset = _asset(part, "replacement", part.choice("kind", ("licence_back", "loan", "lease", "receivable")), 1.0)
    part.done()
    return Revolving(
        until=reader.day("until"),
        asset=asset,
        stop=reader.name("stop", ""),
        price=reader.number("price", 1.0, least=0.5, most=1.5),
    )


@_closing
def _call(reader: Reader) -> CleanUpCall:
    return CleanUpCall(
        reader.number("share", least=0, most=1, open_least=True), reader.number("price", 1.0, least=0, most=1.5)
    )


@_closing
def _buy_back(reader: Reader) -> BuyBack:
    cap = reader.number("cap", least=0, most=_MONEY) if "cap" in reader else None
    return BuyBack(reader.number("share", least=0, most=1, open_least=True), cap)


@_closing
def _step(reader: Reader) -> Step:
    named = [action for action in ACTIONS if action in reader]
    if len(named) != 1:
        reader.faults.add(reader.path, ", ".join(named) or None, "exactly one of " + ", ".join(ACTIONS))
        named = [*named, "pay_residual"]
        for action in ACTIONS:
            reader.raw(action)
    action = named[0]
    targets: tuple[str, ...] = ()
    if action in _TARGETED:
        targets = reader.names(action, required=True)
    elif reader.raw(action) is not True and len(named) == 1:
        reader.fault(action, "true")
    pays = action == "pay_principal"
    amount = reader.choice("amount", AMOUNTS, "available") if pays else "available"
    order = (
        reader.choice("order", ("pro_rata", "sequential"), "pro_rata") if action in {"pay_principal"} else "pro_rata"
    )
    condition, wanted = reader.name("when", ""), True
    if "unless" in reader:
        if condition:
            reader.fault("unless", "either when or unless, not both")
        condition, wanted = reader.name("unless"), False
    return Step(
        action=action,
        targets=targets,
        amount=amount,
        ratio=reader.number("ratio", least=1, most=100) if amount == "to_oc" else 0.0,
        is_pro_rata=order == "pro_rata",
        sources=reader.names("from") if action in _TARGETED else (),
        condition=condition,
        wanted=wanted,
    )


def _facts(reader: Reader) -> tuple[Fact, ...]:
    """Read where values come from: ``sources`` by key, ``facts`` as paths to keys."""
    sources: dict[str, Source] = {}
    for key in _names(reader, "sources"):
        part = Reader(reader.raw("sources")[key], f"sources.{key}", reader.faults)
        grade = part.choice("grade", [str(item) for item in Grade])
        sources[key] = Source(
            part.name("title"), Grade(grade), page=part.name("page", "") or None,
            dated=part.day("dated") if "dated" in part else None, note=part.name("note", "") or None,
            title_zh=part.name("title_zh", "") or None, note_zh=part.name("note_zh", "") or None,
        )  # fmt: skip
        part.done()
    found = []
    for path in _names(reader, "facts"):
        key = reader.raw("facts")[path]
        if key in sources:
            found.append(Fact(path, sources[key]))
        else:
            reader.faults.add(f"facts.{path}", key, "a key of sources: " + ", ".join(sources))
    return tuple(found)


def _names(reader: Reader, name: str) -> list[str]:
    plain = reader.raw(name)
    if plain is None:
        return []
    if not isinstance(plain, Mapping):
        reader.fault(name, "a mapping")
        return []
    return [str(key) for key in plain]
