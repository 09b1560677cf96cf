"""A disposal: each lot and the package, the better of them, its proceeds, time, recovery and loss given default."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhirong.finance.disposal.recovery import Claim, distribute
from zhirong.finance.schedules.checks import within
from zhirong.kernel.errors import DomainError
from zhirong.kernel.provenance import Source
from zhirong.kernel.text import Bilingual
from zhirong.numerics.disposing import CHANNELS, Programme, Sale, Terms, programme, simulate
from zhirong.numerics.streams import stream_key
from zhirong.params import ParameterBook

__all__ = ["CHANNEL_LABELS", "Disposal", "DisposalSpec", "Lot", "LotPlan", "Step", "dispose", "shipped_disposal"]

Floats = NDArray[np.float64]
CHANNEL_LABELS: Mapping[str, Bilingual] = {
    "auction": Bilingual("拍卖", "auction"),
    "negotiated": Bilingual("协议转让", "negotiated sale"),
    "wait": Bilingual("挂牌等待报价", "listed, waiting for offers"),
    "licence": Bilingual("对外许可", "licence-out"),
    "buy_back": Bilingual("担保人或基金回购", "buy-back by guarantor or fund"),
    "prearranged": Bilingual("预先约定的收购方", "pre-arranged acquirer"),
    "give_up": Bilingual("放弃", "given up"),
}


@dataclass(frozen=True, slots=True)
class Lot:
    """One right to sell.

    Parameters
    ----------
    lot_id : str
        `patent_id`.
    values : ndarray, shape (n,)
        Draws of market value, CNY, aligned with those of the other lots.
    life_years : float
        Protection left.
    """

    lot_id: str
    values: Floats
    life_years: float

    def __post_init__(self) -> None:
        x = np.asarray(self.values, np.float64)
        if x.ndim != 1 or x.size < 100 or not (np.isfinite(x).all() and (x >= 0).all()):
            raise DomainError(f"field values of {self.lot_id}: allowed: 100 draws or more, finite, 0 or more")
        within(f"life_years of {self.lot_id}", self.life_years, 0, 50)


@dataclass(frozen=True, slots=True)
class DisposalSpec:
    """How lots can be sold; defaults are the shipped parameters of a day.

    Parameters
    ----------
    months : int
        Longest programme.
    discount, decay : float
        Of money, and of value, a month.
    bidders, dispersion, auction_months, auction_cost_cny, fee, stigma
        Of an auction round; `fee` is that of every sale.
    offer_chance, offer_level, offer_dispersion : float
        Of negotiated offers.
    licence_share : float
        Worth of licensing out over value.
    carrying_cny : float
        Of a lot and month.
    package_dispersion, package_discount : float
        Spread of valuations of a package over that of one lot; discount on the sum.
    costs_first : float
        Share of proceeds that ranks before secured debt.
    most_reserve : float
        Highest reserve over the estimate.
    buy_back_cny, buy_back_months : float, int
        Promise of a guarantor or fund for all lots; 0: none.
    prearranged_cny, prearranged_chance, prearranged_months : float, float, int
        Price of a pre-arranged acquirer for all lots, chance that it keeps its word, last month; 0: none.
    sources : tuple of Source
        Of the defaults.
    """

    months: int
    discount: float
    decay: float
    bidders: float
    dispersion: float
    auction_months: int
    auction_cost_cny: float
    fee: float
    stigma: float
    offer_chance: float
    offer_level: float
    offer_dispersion: float
    licence_share: float
    carrying_cny: float
    package_dispersion: float
    package_discount: float
    costs_first: float
    most_reserve: float = 1.0
    buy_back_cny: float = 0.0
    buy_back_months: int = 6
    prearranged_cny: float = 0.0
    prearranged_chance: float = 0.8
    prearranged_months: int = 3
    sources: tuple[Source, ...] = ()

    def __post_init__(self) -> None:
        wrong = []
        for name, high in (("auction_cost_cny", 1e9), ("carrying_cny", 1e9), ("package_dispersion", 5), ("package_discount", 0.95),
                           ("costs_first", 0.95), ("buy_back_cny", 1e13), ("prearranged_cny", 1e13)):  # fmt: skip
            try:
                within(name, getattr(self, name), 0, high)
            except DomainError as err:
                wrong.append(str(err))
        try:
            self.terms(1e9, 120.0)
        except DomainError as err:
            wrong.append(str(err))
        if wrong:
            raise DomainError("; ".join(wrong))

    def terms(self, estimate_cny: float, life_months: float, *, share: float = 1.0, lots: int = 1) -> Terms:
        """Return terms in units of an estimate; `share` is the part of the promises for all lots that falls on this one."""
        return Terms(
            months=self.months, life_months=life_months, decay=self.decay, discount=self.discount,
            carrying=min(self.carrying_cny * lots / estimate_cny, 100.0), bidders=self.bidders, dispersion=self.dispersion,
            auction_months=self.auction_months, auction_cost=min(self.auction_cost_cny / estimate_cny, 10.0),
                fee=self.fee, stigma=self.stigma,
            offer_chance=self.offer_chance, offer_level=self.offer_level, offer_dispersion=self.offer_dispersion,
            licence_share=self.licence_share, buy_back=min(self.buy_back_cny * share / estimate_cny, 1e6),
            buy_back_months=self.buy_back_months, prearranged=min(self.prearranged_cny * share / estimate_cny, 1e6),
            prearranged_chance=self.prearranged_chance, prearranged_months=self.prearranged_months,
            most_reserve=self.most_reserve,
        )  # fmt: skip


def shipped_disposal(book: ParameterBook, as_of: date, **changes: Any) -> DisposalSpec:
    """Return the spec with the shipped parameters of a day; any field may be changed by name."""
    used = []

    def at(name: str) -> Any:
        used.append(book.at(f"finance.disposal.{name}", as_of))
        return used[-1].value

    p, a, n, package = at("programme"), at("auction"), at("negotiated"), at("package")
    defaults: dict[str, Any] = {
        "months": p["months"], "discount": p["discount"], "decay": p["decay"], "bidders": a["bidders"], "dispersion": a["dispersion"],
        "auction_months": a["months"], "auction_cost_cny": float(a["cost_cny"]), "fee": a["fee"], "stigma": a["stigma"],
        "offer_chance": n["chance"], "offer_level": n["level"], "offer_dispersion": n["dispersion"], "licence_share": at("licence"),
        "carrying_cny": float(at("carrying")), "package_dispersion": package["dispersion"], "package_discount": package["discount"],
        "costs_first": at("costs_first"), "most_reserve": at("most_reserve"),
    }  # fmt: skip
    return DisposalSpec(**{**defaults, **changes, "sources": tuple(dict.fromkeys(x.source for x in used))})


@dataclass(frozen=True, slots=True)
class Step:
    """What to do from a month on, while nothing has sold.

    Attributes
    ----------
    from_month, to_month : int
        Of the programme.
    channel : str
        Of `numerics.disposing.CHANNELS`.
    reserve_cny : float or None
        First reserve of an auction.
    least_offer_cny : float or None
        Least offer to take while waiting.
    """

    from_month: int
    to_month: int
    channel: str
    reserve_cny: float | None
    least_offer_cny: float | None


@dataclass(frozen=True, slots=True)
class LotPlan:
    """The best course for one lot or package.

    Attributes
    ----------
    lot_ids : tuple of str
        One, or all of a package.
    estimate_cny : float
        Median market value.
    expected_cny : float
        Expected discounted proceeds after costs by the programme.
    steps : tuple of Step
        Along the path on which nothing sells.
    sale : Sale
        Simulated, in units of the estimate.
    """

    lot_ids: tuple[str, ...]
    estimate_cny: float
    expected_cny: float
    steps: tuple[Step, ...]
    sale: Sale

    @property
    def present_cny(self) -> Floats:
        """Discounted proceeds less costs of each path, CNY."""
        return self.sale.present * self.estimate_cny


@dataclass(frozen=True, slots=True)
class Disposal:
    """A disposal with its recovery.

    Attributes
    ----------
    spec : DisposalSpec
        Ways to sell.
    lots : tuple of LotPlan
        Each lot on its own.
    package : LotPlan or None
        All lots as one; None for a single lot.
    is_package : bool
        The package brings more.
    proceeds_cny : ndarray, shape (n,)
        Discounted proceeds of the better way, 0 or more.
    months : ndarray, shape (n,)
        To the last money; NaN where nothing sold.
    channels : Mapping of str to float
        Share of paths (of lots) that ended in each channel.
    paid_cny : Mapping of str to ndarray
        By claim, and ``costs`` and ``owner``.
    claims : tuple of Claim
        In order.
    lgd : ndarray or None
        Loss given default of the secured debt in each path; None without debt.
    """

    spec: DisposalSpec
    lots: tuple[LotPlan, ...]
    package: LotPlan | None
    is_package: bool
    proceeds_cny: Floats
    months: Floats
    channels: Mapping[str, float]
    paid_cny: Mapping[str, Floats]
    claims: tuple[Claim, ...]
    lgd: Floats | None

    @property
    def chosen(self) -> tuple[LotPlan, ...]:
        """The lots, or the package, that are sold."""
        return (self.package,) if self.is_package and self.package is not None else self.lots


def dispose(lots: Sequence[Lot], spec: DisposalSpec, claims: Sequence[Claim] = (), *, seed: int = 1) -> Disposal:
    """Find the best way to sell, simulate it, and pay the claims.

    Parameters
    ----------
    lots : sequence of Lot
        One or more, of equal numbers of draws.
    spec : DisposalSpec
        Ways to sell.
    claims : sequence of Claim
        Secured debt by rank, see `rank_claims`; costs that rank first are taken from `spec.costs_first`.
    seed : int
        Seed.

    Raises
    ------
    DomainError
        For no lots, lots named twice, or draws of different numbers.

    Notes
    -----
    The programme learns from failed rounds (see `numerics.disposing.programme`); the simulation keeps the worth of a path through all
    rounds, so that what it prints is what the programme really brings.
    """
    if not lots or len({lot.lot_id for lot in lots}) != len(lots):
        raise DomainError("field lots: allowed: one or more, each once")
    if len({lot.values.size for lot in lots}) != 1:
        raise DomainError("field values: allowed: as many draws for each lot")
    share = 1 / len(lots)
    plans = tuple(_plan((lot,), spec, share, seed) for lot in lots)
    package = _plan(tuple(lots), spec, 1.0, seed) if len(lots) > 1 else None
    is_package = package is not None and package.expected_cny > sum(p.expected_cny for p in plans)
    chosen = (package,) if is_package and package is not None else plans
    money = np.maximum(sum(p.present_cny for p in chosen), 0.0)
    months = np.stack([p.sale.months for p in chosen])
    last = np.where(np.isnan(months).all(axis=0), np.nan, np.nanmax(np.where(np.isnan(months), -1.0, months), axis=0))
    ends = np.concatenate([p.sale.channel for p in chosen])
    channels = {
        CHANNELS[k]: float(n) / ends.size for k, n in enumerate(np.bincount(ends, minlength=len(CHANNELS))) if n
    }
    costs = money * spec.costs_first
    paid = {"costs": costs, **distribute(money - costs, claims)}
    owed = sum(c.amount_cny for c in claims)
    lgd = None if owed <= 0 else 1 - np.minimum(sum(paid[c.name] for c in claims) / owed, 1.0)
    return Disposal(spec, plans, package, is_package, money, last, channels, paid, tuple(claims), lgd)


def _plan(lots: tuple[Lot, ...], spec: DisposalSpec, share: float, seed: int) -> LotPlan:
    values = np.sum([lot.values for lot in lots], axis=0)
    ids = tuple(lot.lot_id for lot in lots)
    estimate = float(np.median(values))
    rng = np.random.default_rng(stream_key(seed, f"disposal/{'+'.join(ids)}"))
    life = 12 * min(lot.life_years for lot in lots)
    if estimate <= 0 or life <= 0:
        empty = np.zeros(values.size)
        return LotPlan(
            ids, 0.0, 0.0, (), Sale(empty, empty, empty, np.full(values.size, np.nan), np.full(values.size, 6))
        )
    mine = spec
    worth = values / estimate
    if len(lots) > 1:
        mine = replace(spec, dispersion=spec.dispersion * spec.package_dispersion)
        worth = worth * (1 - spec.package_discount)
    terms = mine.terms(estimate, life, share=share, lots=len(lots))
    plan = programme(terms, worth)
    sale = simulate(terms, plan, worth, rng=rng)
    return LotPlan(ids, estimate, plan.value * estimate, _steps(plan, terms, estimate), sale)


def _steps(plan: Programme, terms: Terms, estimate: float) -> tuple[Step, ...]:
    """Follow the programme where nothing sells, and put equal months together."""
    found: list[Step] = []
    month, failed, asked = 0, 0, 0
    while month <= terms.months:
        what = CHANNELS[plan.action[asked, failed, month]]
        until = month
        if what == "auction":
            until = month + terms.auction_months
            found.append(Step(month, until, what, float(plan.reserve[asked, failed, month]) * estimate, None))
            month, failed = until, min(failed + 1, plan.action.shape[1] - 1)
            continue
        if what == "prearranged":
            found.append(Step(month, month + 1, what, None, None))
            month, asked = month + 1, 1
            continue
        if what == "wait":
            least = float(plan.least_offer[asked, failed, month]) * estimate
            if found and found[-1].channel == "wait" and found[-1].to_month == month:
                found[-1] = replace(found[-1], to_month=month + 1)
            else:
                found.append(Step(month, month + 1, what, None, least))
            month += 1
            continue
        found.append(Step(month, month, what, None, None))
        break
    return tuple(found)
