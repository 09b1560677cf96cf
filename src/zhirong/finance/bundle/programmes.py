"""Programmes of cities and the offers on the table, from the dated parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from zhirong.finance.bundle.spec import Bank, BundleSpec, Kicker, Pool, Protector, PublicMoney, TakeOut
from zhirong.finance.schedules import RateSeries
from zhirong.kernel.errors import UnknownNameError
from zhirong.kernel.provenance import Source
from zhirong.kernel.text import Bilingual
from zhirong.params import Parameter, ParameterBook

__all__ = ["LABELS", "PROGRAMMES", "linked_offers", "programme", "reference_rate"]

PROGRAMMES: tuple[str, ...] = ("zhongshan", "zhuhai", "qingdao", "shenzhen")
LABELS: Mapping[str, Bilingual] = {
    "bank": Bilingual("银行", "bank"),
    "insurer": Bilingual("保险公司", "insurer"),
    "guarantor": Bilingual("担保机构", "guarantor"),
    "valuer": Bilingual("评估机构", "appraiser"),
    "pool": Bilingual("风险池", "risk pool"),
    "take_out": Bilingual("证券化", "securitisation"),
    "kicker": Bilingual("股权激励", "equity kicker"),
}


def reference_rate(book: ParameterBook, as_of: date) -> float:
    """Return the loan prime rate of one year on a day."""
    return RateSeries.from_book(book, "finance.lpr.1y", as_of).at(as_of)


def linked_offers(
    book: ParameterBook, as_of: date, *, pool_loans: int = 0, pool_size_cny: float | None = None
) -> BundleSpec:
    """Return all offers together, with the shipped parameters of a day.

    Parameters
    ----------
    book, as_of
        Parameters and day.
    pool_loans : int
        Loans that could be securitised with this one, itself included; too few and there is no take-out.
    pool_size_cny : float, optional
        Money in the risk pool; without it leverage does not bind.
    """
    used: list[Parameter] = []

    def at(name: str) -> Any:
        used.append(book.at(name, as_of))
        return used[-1].value

    b, p, t = at("finance.bundle.bank"), at("finance.bundle.pool"), at("finance.bundle.take_out")
    subsidy, interest, k = (
        at("finance.bundle.premium_subsidy"),
        at("finance.subsidy.fujian"),
        at("finance.bundle.kicker"),
    )
    lpr = reference_rate(book, as_of)
    bank = Bank(
        b["cost_of_funds"], b["opex"], b["hurdle"], b["protected_weight"], b["least_share"],
        max(lpr - b["below_lpr"], 0.0), b["rate_high"],
    )  # fmt: skip
    protectors = tuple(
        Protector(name, LABELS[name], is_refunded=name == "insurer", **at(f"finance.bundle.{name}"))
        for name in ("insurer", "guarantor", "valuer")
    )
    public = PublicMoney(
        interest["share"], interest["share_with_cover"], subsidy["share"], subsidy["most"], float(interest["cap_cny"])
    )
    return BundleSpec(
        "linked", Bilingual("产品联动", "Linked offers"), bank, protectors,
        Pool(p["most_share"], size_cny=pool_size_cny, leverage=p["leverage"]), public,
        TakeOut(t["coupon"], t["fee"], t["kept"], pool_loans, t["least_loans"]), Kicker(k["most"], k["worth"]),
        _sources(used),
    )  # fmt: skip


def _sources(used: list[Parameter]) -> tuple[Source, ...]:
    return tuple(dict.fromkeys(parameter.source for parameter in used))


def programme(book: ParameterBook, as_of: date, name: str, *, pool_size_cny: float | None = None) -> BundleSpec:
    """Return a city's programme: its shares of a loss are fixed, its parties ask what they ask in the linked design.

    Raises
    ------
    UnknownNameError
        For a programme that is not shipped.
    """
    if name not in PROGRAMMES:
        raise UnknownNameError("programme", name, PROGRAMMES)
    terms = book.at(f"finance.programme.{name}", as_of)
    shares: Mapping[str, Any] = terms.value
    offers = linked_offers(book, as_of, pool_size_cny=pool_size_cny)
    protectors = tuple(replace(p, most_share=shares[p.name]) for p in offers.protectors if p.name in shares)
    public = offers.public if shares["premium_subsidy"] else replace(offers.public, premium_share=0.0, most_premium=0.0)
    assert offers.pool is not None, "the linked offers have a pool"
    pool = replace(offers.pool, most_share=shares["pool"]) if "pool" in shares else None
    # Interest subsidies are those of a province, not of the programme: only the linked design may ask for them.
    public = replace(public, interest_share=0.0, interest_share_covered=0.0)
    return BundleSpec(
        name, terms.label, replace(offers.bank, least_share=shares["bank"]), protectors, pool, public, None, None,
        (terms.source, *offers.sources),
    )  # fmt: skip
