"""What all patents of a store have in common at a date: survival, renewal, validity, revenues, deals.

Fitted once for a store and a day, and then shared by every valuation; the fits are kept beside the store (`kept`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

import ibis
import numpy as np
from numpy.typing import NDArray

from zhirong.indicators import evidence_at
from zhirong.kernel.errors import ConvergenceError, DomainError
from zhirong.kernel.identifiers import ClassSymbol
from zhirong.numerics.lifetimes import shrink_weibulls
from zhirong.numerics.renewal import RenewalFit
from zhirong.numerics.survival import WeibullFit, fit_weibull
from zhirong.params import ParameterBook, field_of
from zhirong.tables import Engine, Store
from zhirong.valuation.appraisers import AppraiserPanel, appraiser_panel
from zhirong.valuation.case_evidence import CaseEvidence, case_evidence
from zhirong.valuation.deal_market import DealMarket, prepare_market
from zhirong.valuation.kept import kept
from zhirong.valuation.knowledge import Knowledge, Views
from zhirong.valuation.movement import Movement, movement_of
from zhirong.valuation.reconcile import PoolFit
from zhirong.valuation.renewals import fit_renewals

__all__ = ["Background", "Fits", "background_of", "prepare"]

_ENDS = ("lapsed", "expired", "surrendered", "invalidated")
_FIELD_EVENTS_MIN = 20
"""Lapses of a field below which its own curve is not fitted at all; above, it is shrunk to the pooled one."""
_YEAR_DAYS = 365.25


@dataclass(frozen=True)  # no slots: a class can have but one base with slots
class Fits:
    """What is fitted once for a store and a day; plain data, which another process can take over.

    Attributes
    ----------
    survival : Mapping of str to WeibullFit
        Life from filing by right type (``invention``), and by right type and field (``invention:4``).
    renewal : Mapping of str to RenewalFit
        Renewal model by office and right type (``CN:invention``).
    cases : CaseEvidence
        Rates of surviving a challenge and of winning a suit, by court, field and kind of claim.
    movement : Movement
        How technology and law move at the date.
    revenue_prior : tuple of float or None
        Median and log standard deviation of yearly patent revenue for each patent in force over the firms of the store.
    revenue_firms : int
        Firms behind the prior.
    reasons : Mapping of str to str
        Why a fit that is missing is missing.
    panel : AppraiserPanel
        Appraisers' records, learned from later prices.
    market : DealMarket
        What all deals say together, by kind of right.
    pool : PoolFit or None
        Weights of methods and width of the pool learned from prices (`reliability.with_learned_pool`); None for the declared ones.
    """

    survival: Mapping[str, WeibullFit]
    renewal: Mapping[str, RenewalFit]
    cases: CaseEvidence
    movement: Movement
    revenue_prior: tuple[float, float] | None
    revenue_firms: int
    reasons: Mapping[str, str]
    panel: AppraiserPanel
    market: DealMarket
    pool: PoolFit | None = None


@dataclass(frozen=True, slots=True)
class Background(Fits, Knowledge):
    """Everything shared by the valuations of one store at one day: what is known (`Knowledge`), and the `Fits` to it."""

    def fits(self) -> Fits:
        """Return the fits alone, for `background_of` in another process."""
        return Fits(**{item.name: getattr(self, item.name) for item in fields(Fits)})


def prepare(store: Store, engine: Engine, *, as_of: date, book: ParameterBook, keep: bool = True) -> Background:
    """Fit what the patents of a store have in common.

    Parameters
    ----------
    store : Store
        Evidence.
    engine : Engine
        Local engine that holds the tables.
    as_of : date
        Nothing known later enters.
    book : ParameterBook
        Parameters, the user's overrides included.
    keep : bool
        Take the fits from the cache beside the store where it holds them, and put them there where it does not; the answer
        is the same to the byte (`zhirong.valuation.kept`).

    Returns
    -------
    Background
    """
    tables = Views(engine, evidence_at(store.read_all(engine), as_of))
    known = Knowledge(store, tables, engine, as_of, book)
    return background_of(known, kept(store, as_of, book, Fits, lambda: _fit(known)) if keep else _fit(known))


def background_of(known: Knowledge, fits: Fits) -> Background:
    """Return what is known and the fits to it as one; the fits must be those of the same store, day and parameters."""
    return Background(
        **{item.name: getattr(known, item.name) for item in fields(Knowledge)},
        **{item.name: getattr(fits, item.name) for item in fields(Fits)},
    )


def _fit(known: Knowledge) -> Fits:
    """Fit what the patents of a store have in common."""
    tables, engine, as_of, book = known.tables, known.engine, known.as_of, known.book
    reasons: dict[str, str] = {}
    lives = _lives(tables, engine, as_of)
    survival = _survival(lives, reasons)
    renewal = fit_renewals(lives, book, as_of, reasons)
    prior, firms = _revenues(tables, engine)
    panel = appraiser_panel(
        tables, engine, as_of=as_of, years_max=float(book.at("valuation.opinion_years", as_of).value)
    )
    return Fits(
        survival, renewal, case_evidence(known), movement_of(known), prior, firms, reasons, panel, prepare_market(known)
    )


def _lives(tables: Mapping[str, ibis.Table], engine: Engine, as_of: date) -> Mapping[str, NDArray[Any]]:
    """Return arrays over granted patents: office, right, field, age at grant and at end or censoring, ended, last year paid."""
    events = tables["legal_events"]
    ends = (
        events.filter(events.event_kind.isin(_ENDS)).group_by("patent_id").aggregate(end=lambda t: t.event_date.min())
    )
    paid = (
        events.filter(events.event_kind == "annuity_paid")
        .group_by("patent_id")
        .aggregate(paid=lambda t: t.fee_year.max())
    )
    covered = events.filter(events.event_kind.isin([*_ENDS, "annuity_paid"])).select("source_id").distinct()
    patents = tables["patents"].filter(lambda t: t.grant_date.notnull() & t.filing_date.notnull())
    patents = patents.semi_join(covered, "source_id")
    classes = tables["classifications"].filter(lambda t: t.sequence == 1)
    first = classes.group_by("patent_id").aggregate(
        subclass=lambda t: t.subclass.min(), main_group=lambda t: t.main_group.min()
    )
    joined = patents.left_join(ends, "patent_id").drop("patent_id_right")
    joined = joined.left_join(paid, "patent_id").drop("patent_id_right").left_join(first, "patent_id")
    rows = engine.to_arrow(
        joined.order_by("patent_id").select(  # sums of floats depend on the order of rows, and engines give none
            "office", "right_type", "filing_date", "grant_date", "end", "paid", "subclass", "main_group"
        )
    )

    def days(name: str) -> NDArray[np.float64]:
        column = rows[name].cast("int32").to_pandas()
        return np.asarray(column.to_numpy(np.float64, na_value=np.nan), np.float64)

    today = (as_of - date(1970, 1, 1)).days
    filing, grant, end = days("filing_date"), days("grant_date"), days("end")
    field = np.array(
        [
            (field_of(ClassSymbol(s, m)) or 0) if s else 0
            for s, m in zip(rows["subclass"].to_pylist(), rows["main_group"].to_pylist(), strict=True)
        ]
    )
    ended = ~np.isnan(end)
    stop = np.where(ended, end, today)
    return {
        "office": np.array(rows["office"].to_pylist(), object),
        "right": np.array([r or "invention" for r in rows["right_type"].to_pylist()], object),
        "field": field,
        "entry": (grant - filing) / _YEAR_DAYS,
        "age": (stop - filing) / _YEAR_DAYS,
        "ended": ended,
        "paid": np.asarray(rows["paid"].to_pandas().to_numpy(np.float64, na_value=np.nan), np.float64),
    }


def _survival(lives: Mapping[str, NDArray[Any]], reasons: dict[str, str]) -> dict[str, WeibullFit]:
    """Fit each right type, and each of its fields drawn towards the right type's fit as far as the field knows little."""
    fits: dict[str, WeibullFit] = {}
    usable = (lives["age"] > lives["entry"]) & (lives["entry"] >= 0)

    def fit(name: str, chosen: NDArray[np.bool_]) -> WeibullFit | None:
        try:
            return fit_weibull(
                lives["age"][chosen], lives["ended"][chosen], entry=np.maximum(lives["entry"][chosen], 0.0)
            )
        except (DomainError, ConvergenceError) as err:
            reasons[f"survival.{name}"] = str(err)
            return None

    for right in sorted(set(lives["right"])):
        mine = usable & (lives["right"] == right)
        pooled = fit(str(right), mine)
        if pooled is None:
            continue
        fits[str(right)] = pooled
        groups = {f"{right}:{f}": mine & (lives["field"] == f) for f in range(1, 36)}
        known = {n: fit(n, g) for n, g in groups.items() if (lives["ended"] & g).sum() >= _FIELD_EVENTS_MIN}
        fits |= shrink_weibulls(pooled, {n: f for n, f in known.items() if f is not None})
    if not fits:
        reasons.setdefault("survival", "no lapse dates in the store")
    return fits


def _revenues(tables: Mapping[str, ibis.Table], engine: Engine) -> tuple[tuple[float, float] | None, int]:
    """Return the spread, over firms, of patent revenue for each patent the firm holds."""
    firms, years = tables["firms"], tables["firm_years"]
    holders = tables["patent_parties"].filter(lambda t: t.role.isin(["applicant", "assignee", "owner"]))
    granted = tables["patents"].filter(lambda t: t.grant_date.notnull()).select("patent_id")
    stock = (
        holders.semi_join(granted, "patent_id").group_by("party_id").aggregate(patents=lambda t: t.patent_id.nunique())
    )
    years = years.filter(years.currency.isnull() | (years.currency == "CNY"))
    last = years.group_by("firm_id").aggregate(revenue=lambda t: t.patent_product_revenue.argmax(t.year))
    joined = last.inner_join(firms, "firm_id").inner_join(stock, "party_id").filter(lambda t: t.revenue > 0)
    rows = engine.to_arrow(joined.select("revenue", "patents"))
    if rows.num_rows < 10:
        return None, rows.num_rows
    logs = np.sort(np.log(rows["revenue"].to_numpy() / rows["patents"].to_numpy()))
    return (float(np.exp(np.median(logs))), float(np.std(logs))), rows.num_rows
