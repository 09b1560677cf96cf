"""Opinions of appraisers as evidence of a value: each one's bias, drift and noise are learned from what was paid later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import ibis
import numpy as np
from numpy.typing import NDArray

from zhirong.kernel.dates import year_fraction
from zhirong.kernel.errors import NotAdmissibleError
from zhirong.numerics.appraisal import PanelData, PanelFit, combine, fit_panel
from zhirong.numerics.streams import stream_key
from zhirong.tables import Engine

__all__ = ["AppraiserPanel", "AppraiserRecord", "Opinion", "OpinionValue", "appraiser_panel", "opinion_draws"]

Floats = NDArray[np.float64]
OPINIONS_MIN = 20
APPRAISERS_MIN = 2
_KINDS = ("public", "private", "foreign", "expert", "model")
_ORIGIN = date(2000, 1, 1)


@dataclass(frozen=True, slots=True)
class AppraiserRecord:
    """What is known of one appraiser at a date.

    Attributes
    ----------
    appraiser_id, kind : str
        Appraiser, and public, private, foreign, expert or model.
    opinion_count, checked_count : int
        Opinions on value, and those with a price paid for the same patent within `years_max` after them.
    bias : tuple of float
        5 %, 50 % and 95 % quantile of the factor by which the appraiser's values exceed the truth, today; 1 is unbiased.
    drift : tuple of float
        The same of the yearly change of that factor, as a fraction.
    noise : tuple of float
        The same of the standard deviation of an opinion's logarithm.
    """

    appraiser_id: str
    kind: str
    opinion_count: int
    checked_count: int
    bias: tuple[float, float, float]
    drift: tuple[float, float, float]
    noise: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Opinion:
    """One opinion on a patent's value, in CNY."""

    opinion_id: str
    appraiser_id: str
    kind: str
    dated: date
    value_cny: float
    source_id: str


@dataclass(frozen=True, slots=True)
class OpinionValue:
    """What the opinions on one patent say together.

    Attributes
    ----------
    draws : ndarray, shape (n,)
        Value in CNY.
    opinions : tuple of Opinion
        Used, latest first.
    weights : tuple of float
        Mean share of each opinion in the precision; the rest is that of the population of appraised patents.
    """

    draws: Floats
    opinions: tuple[Opinion, ...]
    weights: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class AppraiserPanel:
    """The appraisers of a store at a date.

    Attributes
    ----------
    fit : PanelFit or None
        None where there are too few opinions; `reason` says so.
    records : tuple of AppraiserRecord
        One an appraiser, by identifier.
    evidence_count : int
        Prices paid after an opinion on the same patent. With 0 biases are relative to each other only.
    inflation : Mapping of str to tuple of float
        Quantiles (5, 50, 95 %) of the factor by which a kind of appraiser exceeds the truth.
    opinions : Mapping of str to tuple of Opinion
        By patent, latest first.
    reason : str
        Why there is no fit; empty otherwise.
    """

    fit: PanelFit | None
    records: tuple[AppraiserRecord, ...]
    evidence_count: int
    inflation: Mapping[str, tuple[float, float, float]]
    opinions: Mapping[str, tuple[Opinion, ...]]
    reason: str = ""


def appraiser_panel(
    tables: Mapping[str, ibis.Table], engine: Engine, *, as_of: date, years_max: float = 3.0, seed: int = 1,
    draws: int = 1_000,
) -> AppraiserPanel:  # fmt: skip
    """Fit the appraisers of a store.

    Parameters
    ----------
    tables : Mapping of str to ibis.Table
        Canonical tables cut at the date.
    engine : Engine
        Engine that holds them.
    as_of : date
        Day at which bias holds.
    years_max : float
        Longest time from an opinion to a price that still measures the same value.
    seed, draws : int
        Of the sampler.

    Returns
    -------
    AppraiserPanel
        Opinions in CNY under the market standard on single patents; prices of sales of single patents between unrelated
        parties. Same inputs, same bytes.
    """
    opinions = _opinion_rows(tables, engine)
    names = sorted({row["appraiser_id"] for row in opinions})
    if len(opinions) < OPINIONS_MIN or len(names) < APPRAISERS_MIN:
        reason = f"{len(opinions)} opinions by {len(names)} appraisers; at least {OPINIONS_MIN} by {APPRAISERS_MIN} are needed"
        return AppraiserPanel(None, (), 0, {}, {}, reason)
    kind_of = {row["appraiser_id"]: _kind(row) for row in opinions}
    groups = sorted(set(kind_of.values()))
    patents = {name: i for i, name in enumerate(sorted({row["patent_id"] for row in opinions}))}
    prices = _prices(tables, engine, opinions, years_max)
    data = PanelData(
        asset=np.array([patents[row["patent_id"]] for row in opinions]),
        appraiser=np.array([names.index(row["appraiser_id"]) for row in opinions]),
        log_value=np.log([row["value"] for row in opinions]),
        years=np.array([_years(row["dated"]) for row in opinions]),
        group=np.array([groups.index(kind_of[name]) for name in names]),
        evidence_asset=np.array([patents[patent] for patent, _ in prices], np.int64),
        evidence_log=np.log(np.array([price for _, price in prices], np.float64)),
    )
    rng = np.random.default_rng(stream_key(seed, "appraisers"))
    fit = fit_panel(data, rng=rng, draws=draws, burn_in=draws // 2, keep_truth=False)
    since = _years(as_of) - fit.origin_years
    checked = {patent for patent, _ in prices}
    records = []
    for j, name in enumerate(names):
        mine = [row for row in opinions if row["appraiser_id"] == name]
        records.append(
            AppraiserRecord(
                name, kind_of[name], len(mine), sum(row["patent_id"] in checked for row in mine),
                _three(np.exp(fit.bias[:, j] + fit.drift[:, j] * since)), _three(np.expm1(fit.drift[:, j])),
                _three(fit.noise_sd[:, j]),
            )
        )  # fmt: skip
    inflation = {
        group: _three(np.exp(fit.group_bias[:, g] + fit.group_drift[:, g] * since)) for g, group in enumerate(groups)
    }
    by_patent: dict[str, list[Opinion]] = {}
    for row in sorted(opinions, key=lambda row: (row["dated"], str(row["opinion_id"])), reverse=True):
        by_patent.setdefault(row["patent_id"], []).append(
            Opinion(
                row["opinion_id"], row["appraiser_id"], _kind(row), row["dated"], float(row["value"]), row["source_id"]
            )
        )
    held = {patent: tuple(found) for patent, found in by_patent.items()}
    return AppraiserPanel(fit, tuple(records), len(prices), inflation, held)


def opinion_draws(
    panel: AppraiserPanel, patent_id: str, *, as_of: date, count: int, years_max: float = 3.0, spread_a_year: float = 0.2,
    seed: int = 1,
) -> OpinionValue:  # fmt: skip
    """Return what recent opinions on a patent say together, each corrected and weighed by its appraiser's record.

    Parameters
    ----------
    panel : AppraiserPanel
        Appraisers and opinions at the date.
    patent_id : str
        Patent.
    as_of : date
        Valuation date.
    count : int
        Draws.
    years_max : float
        Older opinions are not used.
    spread_a_year : float
        Standard deviation by which a value's logarithm wanders in a year; widens the result by the age of the latest opinion.
    seed : int
        Seed.

    Raises
    ------
    NotAdmissibleError
        When there is no panel, or no recent opinion on the patent.
    """
    if panel.fit is None:
        raise NotAdmissibleError(f"appraisers: {panel.reason}")
    used = tuple(o for o in panel.opinions.get(patent_id, ()) if year_fraction(o.dated, as_of) <= years_max)
    if not used:
        raise NotAdmissibleError(f"no opinion on its value within {years_max:g} years")
    names = [record.appraiser_id for record in panel.records]
    groups = sorted({record.kind for record in panel.records})
    rng = np.random.default_rng(stream_key(seed, f"opinions/{patent_id}"))
    logs, shares = combine(
        panel.fit,
        np.array([names.index(o.appraiser_id) for o in used]),
        np.array([groups.index(o.kind) for o in used]),
        np.log([o.value_cny for o in used]),
        np.array([_years(o.dated) for o in used]),
        rng=rng,
    )
    age = year_fraction(used[0].dated, as_of)
    drawn = rng.choice(logs, count) if count > logs.size else logs[:count]
    drawn = drawn + spread_a_year * np.sqrt(max(age, 0.0)) * rng.standard_normal(count)
    return OpinionValue(np.exp(drawn), used, tuple(float(share) for share in shares[:-1]))


def _opinion_rows(
    tables: Mapping[str, ibis.Table], engine: Engine, patent_id: str | None = None
) -> list[dict[str, Any]]:
    t = tables["opinions"]
    t = t.filter(
        t.value.notnull() & (t.value > 0) & t.patent_id.notnull() & t.indicator_id.isnull()
        & (t.currency.isnull() | (t.currency == "CNY"))
        & (t.standard_of_value.isnull() | (t.standard_of_value == "market"))
    )  # fmt: skip
    dated = ibis.coalesce(t.valuation_date, t.opinion_date)
    columns = ("opinion_id", "patent_id", "appraiser_id", "appraiser_kind", "value", "source_id")
    rows = engine.to_arrow(t.select(*columns, dated=dated)).to_pylist()
    return sorted(rows, key=lambda row: str(row["opinion_id"]))


def _prices(
    tables: Mapping[str, ibis.Table], engine: Engine, opinions: list[dict[str, Any]], years_max: float
) -> list[tuple[str, float]]:
    """Return prices paid for patents after an opinion on them, each deal once."""
    t = tables["deals"]
    t = t.filter(
        (t.deal_type == "sale") & t.price.notnull() & (t.price > 0) & t.patent_id.notnull()
        & (t.is_sold.isnull() | t.is_sold) & (t.is_related_party.isnull() | ~t.is_related_party)
        & (t.patent_count.isnull() | (t.patent_count == 1)) & (t.currency.isnull() | (t.currency == "CNY"))
    )  # fmt: skip
    dates: dict[str, list[date]] = {}
    for row in opinions:
        dates.setdefault(row["patent_id"], []).append(row["dated"])
    rows = engine.to_arrow(t.select("deal_id", "patent_id", "deal_date", "price")).to_pylist()
    return [
        (row["patent_id"], float(row["price"]))
        for row in sorted(rows, key=lambda row: (str(row["deal_id"]), row["patent_id"]))
        if any(0 <= year_fraction(day, row["deal_date"]) <= years_max for day in dates.get(row["patent_id"], ())
               if day <= row["deal_date"])
    ]  # fmt: skip


def _kind(row: Mapping[str, Any]) -> str:
    return str(row["appraiser_kind"]) if row["appraiser_kind"] in _KINDS else "expert"


def _years(day: date) -> float:
    return (day - _ORIGIN).days / 365.25


def _three(draws: Floats) -> tuple[float, float, float]:
    low, middle, high = np.quantile(draws, [0.05, 0.5, 0.95])
    return float(low), float(middle), float(high)
