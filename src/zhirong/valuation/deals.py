"""The deals that a store knows at a date, made comparable: one price a patent in CNY, related parties found, lots split."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

import numpy as np

from zhirong.kernel.errors import ParameterError
from zhirong.kernel.text import Bilingual
from zhirong.params import ParameterBook
from zhirong.valuation.knowledge import Knowledge

__all__ = ["Deal", "DealBook", "Excluded", "collect_deals", "lot_share"]

PRICED_KINDS = ("sale", "auction_lot", "equity_contribution")
"""Kinds whose amount is a price; the principal of a loan is not, nor the rate of a licence."""
_LOT_DRAWS, _DRAWN_MAX = 20_000, 64
_COLUMNS = (
    "deal_id", "patent_id", "deal_type", "deal_date", "patent_count", "is_sold", "price", "royalty_rate", "currency", "exclusivity",
    "seller_id", "buyer_id", "is_related_party", "evidence_grade", "source_id",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Deal:
    """One deal or offered lot.

    Attributes
    ----------
    deal_id, deal_type, source_id : str
        As in the store.
    patent_ids : tuple of str
        Patents of the deal that the store names, in order.
    patent_count : int
        Patents in the deal, at least those named.
    deal_date : date
        Signature, or close of the auction.
    is_sold : bool or None
        False for a lot without buyer; None where the source does not say.
    price : float or None
        Whole price in `currency`; None for a lot without buyer and for a licence.
    currency : str
        ISO 4217.
    price_cny : float or None
        Price a patent in CNY at the rate of the day, the whole price in equal shares.
    log_price : float or None
        Logarithm of what one patent of the lot is expected to have brought, see `lot_share`.
    split_variance : float
        Variance of that logarithm from not knowing how the price divides; 0 for a single patent.
    royalty_rate : float or None
        Running royalty of a licence, fraction of net sales.
    exclusivity, evidence_grade : str or None
        As in the store.
    seller_type : str or None
        Kind of the seller.
    related : Bilingual or None
        Why the parties count as related; None at arm's length, as far as is known.
    """

    deal_id: str
    deal_type: str
    source_id: str
    patent_ids: tuple[str, ...]
    patent_count: int
    deal_date: date
    is_sold: bool | None
    price: float | None
    currency: str
    price_cny: float | None
    log_price: float | None
    split_variance: float
    royalty_rate: float | None
    exclusivity: str | None
    evidence_grade: str | None
    seller_type: str | None
    related: Bilingual | None


@dataclass(frozen=True, slots=True)
class Excluded:
    """A deal that has a price or a rate and is not used, with the reason."""

    deal_id: str
    source_id: str
    deal_date: date
    reason: Bilingual


@dataclass(frozen=True, slots=True)
class DealBook:
    """Deals known at a date, in order of `deal_id`.

    Attributes
    ----------
    priced : tuple of Deal
        With a usable price, related parties among them.
    lots : tuple of Deal
        Offered in the open and known to be sold or not: those sold stand in `priced` too.
    licences : tuple of Deal
        With a running royalty.
    excluded : tuple of Excluded
        Everything that states a price or rate and cannot be used.
    """

    priced: tuple[Deal, ...]
    lots: tuple[Deal, ...]
    licences: tuple[Deal, ...]
    excluded: tuple[Excluded, ...]


@cache
def lot_share(count: int, sigma: float) -> tuple[float, float]:
    """Return by how much a patent of a lot falls short of an equal share, in logs, and the variance of that.

    Parameters
    ----------
    count : int
        Patents in the lot, at least 1.
    sigma : float
        Standard deviation of the logarithm of value among them.

    Returns
    -------
    shift : float
        Mean of ``ln(V_i / mean V)``, not positive: means lie above medians where values are log-normal; 0 for one patent.
    variance : float
        Variance of the same.

    Notes
    -----
    Up to 64 patents by 20,000 fixed draws (no closed form exists; the error is under one per cent of the spread); beyond, where it is
    near its limit ``-s^2/2`` and ``s^2``, with the sum taken as log-normal of the same two moments (Fenton 1960):
    ``s_n^2 = ln(1 + (exp(s^2) - 1)/n)``, shift ``-(s^2 - s_n^2)/2``, variance ``s^2 - s_n^2``.
    """
    if count == 1 or sigma == 0:
        return 0.0, 0.0
    if count <= _DRAWN_MAX:
        logs = sigma * np.random.default_rng(0).standard_normal((_LOT_DRAWS, count))
        shares = logs - np.log(np.exp(logs).mean(axis=1, keepdims=True))
        return float(shares.mean()), float(shares.var())
    pooled = math.log1p(math.expm1(sigma**2) / count)
    left = sigma**2 - pooled
    return -left / 2, left


def collect_deals(known: Knowledge) -> DealBook:
    """Collect the deals that the store knows at the date.

    Parameters
    ----------
    known : Knowledge
        Evidence, cut at its date.

    Returns
    -------
    DealBook
        Empty where the store has no deals.
    """
    table = known.tables["deals"]
    chosen = table.filter(table.deal_type.isin([*PRICED_KINDS, "licence"]))
    rows = known.engine.to_arrow(chosen.select(*_COLUMNS)).to_pylist()
    grouped: dict[str, list[dict[str, Any]]] = {}
    for row in sorted(rows, key=lambda r: (r["deal_id"], r["patent_id"], r["source_id"])):
        grouped.setdefault(row["deal_id"], []).append(row)
    parties = _parties(known, {r[k] for r in rows for k in ("seller_id", "buyer_id") if r[k]})
    sigma = float(known.book.value("market.within_lot_sigma", known.as_of))
    excluded: list[Excluded] = []
    deals = []
    for members in grouped.values():
        found = _deal(members, parties, known.book, sigma)
        if isinstance(found, Excluded):
            excluded.append(found)
        else:
            deals.append(found)
    priced = tuple(d for d in deals if d.deal_type != "licence" and d.log_price is not None)
    lots = tuple(d for d in deals if d.deal_type == "auction_lot" and _outcome_known(d))
    licences = tuple(d for d in deals if d.deal_type == "licence" and d.royalty_rate is not None)
    return DealBook(priced, lots, licences, tuple(excluded))


def _outcome_known(deal: Deal) -> bool:
    return deal.is_sold is False or (deal.is_sold is True and deal.log_price is not None)


def _deal(
    members: list[dict[str, Any]], parties: Mapping[str, dict[str, Any]], book: ParameterBook, sigma: float
) -> Deal | Excluded:
    first = members[0]
    patents = tuple(dict.fromkeys(row["patent_id"] for row in members))
    count = max(len(patents), *(int(row["patent_count"] or 0) for row in members))
    sold = _single(row["is_sold"] for row in members)
    prices = {row["price"] for row in members if row["price"] is not None}
    currency = str(first["currency"] or "CNY")
    seller, buyer = parties.get(first["seller_id"] or ""), parties.get(first["buyer_id"] or "")
    price = max(prices) if prices else None
    price_cny = log_price = None
    shift, variance = lot_share(count, sigma)
    if reason := _unusable(members, prices):
        return Excluded(first["deal_id"], first["source_id"], first["deal_date"], reason)
    if price is not None and sold is not False:
        rate = _rate(book, currency, first["deal_date"])
        if rate is None:
            text = Bilingual(
                f"{first['deal_date']} 无 {currency} 汇率", f"no rate of {currency} on {first['deal_date']}"
            )
            return Excluded(first["deal_id"], first["source_id"], first["deal_date"], text)
        price_cny = price * rate / count
        log_price = math.log(price_cny) + shift
    return Deal(
        first["deal_id"], first["deal_type"], first["source_id"], patents, count, first["deal_date"], sold,
        price if sold is not False else None, currency, price_cny, log_price, variance if count > 1 else 0.0,
        _single(row["royalty_rate"] for row in members), _single(row["exclusivity"] for row in members),
        first["evidence_grade"], seller["party_type"] if seller else None, _related(first, seller, buyer, members),
    )  # fmt: skip


def _unusable(members: list[dict[str, Any]], prices: set[float]) -> Bilingual | None:
    """Return why what a deal states cannot be used."""
    if len({(row["deal_type"], row["deal_date"], row["currency"]) for row in members}) > 1:
        return Bilingual("同一交易各行的类型、日期或币种不一致", "rows of the deal disagree on kind, date or currency")
    if len(prices) > 1:
        return Bilingual("同一交易各行的总价不一致", "rows of the deal state different whole prices")
    if prices and min(prices) <= 0:
        return Bilingual("价格为零或负：并非市场成交", "a price of zero or less is no market price")
    rates = {row["royalty_rate"] for row in members if row["royalty_rate"] is not None}
    if len(rates) > 1:
        return Bilingual("同一许可各行的费率不一致", "rows of the licence state different rates")
    if rates and not 0 < min(rates) <= 0.5:
        return Bilingual("费率不在 0 至 50% 之间", "the royalty rate is not between 0 and 50 %")
    return None


def _single(values: Iterable[Any]) -> Any:
    """Return the one value that is known, or None where none is or several differ."""
    known = {value for value in values if value is not None}
    return known.pop() if len(known) == 1 else None


def _rate(book: ParameterBook, currency: str, day: date) -> float | None:
    if currency == "CNY":
        return 1.0
    path = f"fx.{currency.lower()}_cny"
    if path not in book:
        return None
    try:
        return float(book.value(path, day))
    except ParameterError:
        return None


def _parties(known: Knowledge, wanted: set[str]) -> dict[str, dict[str, Any]]:
    if not wanted:
        return {}
    table = known.tables["parties"]
    found = table.filter(table.party_id.isin(sorted(wanted)))
    rows = known.engine.to_arrow(found.select("party_id", "normalised_name", "party_type", "cluster_id"))
    return {row["party_id"]: row for row in rows.to_pylist()}


def _related(
    row: dict[str, Any], seller: dict[str, Any] | None, buyer: dict[str, Any] | None, members: list[dict[str, Any]]
) -> Bilingual | None:
    if row["seller_id"] and row["seller_id"] == row["buyer_id"]:
        return Bilingual("买卖双方为同一主体", "seller and buyer are one party")
    if seller and buyer:
        if seller["cluster_id"] and seller["cluster_id"] == buyer["cluster_id"]:
            return Bilingual("买卖双方名称已链接为同一主体", "the names of seller and buyer are linked as one party")
        if seller["normalised_name"] == buyer["normalised_name"]:
            return Bilingual("买卖双方规范化名称相同", "seller and buyer have the same name")
    if any(member["is_related_party"] for member in members):
        return Bilingual("来源注明为关联交易", "the source says that the parties are related")
    return None
