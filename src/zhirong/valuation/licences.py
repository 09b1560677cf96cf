"""Royalty rates from comparable licences: a distribution that rests on the prior while licences are few, and leaves it as they come."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zhirong.kernel.provenance import Grade, Source
from zhirong.kernel.text import Bilingual
from zhirong.numerics.robust import effective_number, huber_location, weighted_quantile
from zhirong.valuation.background import Background
from zhirong.valuation.deals import Deal
from zhirong.valuation.market_types import LicenceComparable
from zhirong.valuation.similarity import Features, total_distance
from zhirong.valuation.subject import Subject
from zhirong.valuation.types import Assumption, Distribution
from zhirong.valuation.used import Used

__all__ = ["RoyaltyEvidence", "licence_royalty", "pooled_rate"]

Floats = NDArray[np.float64]
_SHOWN = 25
_HUBER = 2.5
_WIDTHS = tuple(0.7 * 1.1**i for i in range(12))
_WIDEN_TO = 2.0
_PARAMETERS = (
    "market.similarity_scales", "market.technology_shares", "market.evidence_weights", "market.related_party_weight",
    "market.least", "market.licence_prior_strength",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RoyaltyEvidence:
    """What licences say of a royalty rate.

    Attributes
    ----------
    assumption : Assumption
        `royalty_rate`, log-normal: the prior itself where no licence is known.
    licences : int
        Licences weighed.
    in_field : int
        Those in the patent's technology field.
    effective_number : float
        Equal licences that would tell as much.
    prior_share : float
        Weight of the prior in the median, 0 to 1.
    replaces_prior : bool
        Licences in the field are enough that the prior is hardly more than a bound.
    comparables : tuple of LicenceComparable
        Heaviest first, at most 25.
    quartiles : tuple of float or None
        Weighed quartiles of the licences alone.
    note : Bilingual
        What was done, in words.
    """

    assumption: Assumption
    licences: int
    in_field: int
    effective_number: float
    prior_share: float
    replaces_prior: bool
    comparables: tuple[LicenceComparable, ...]
    quartiles: tuple[float, float, float] | None
    note: Bilingual


def pooled_rate(
    rates: Floats, weights: Floats, *, prior_median: float, prior_sigma: float, strength: float
) -> tuple[float, float, float]:
    """Return the predictive median and log spread of a rate from weighed licences and a prior.

    Parameters
    ----------
    rates, weights : ndarray, shape (n,)
        Rates, positive; weights, not negative. Empty for none.
    prior_median, prior_sigma : float
        Log-normal prior of one licence's rate.
    strength : float
        Licences for which the prior counts, positive.

    Returns
    -------
    median : float
    sigma : float
        Standard deviation of the log of a further licence's rate, what is unknown of the median included.
    prior_share : float
        Share of the prior in the median.

    Notes
    -----
    Normal-inverse-gamma in logs with k pseudo-licences and n effective ones: ``m = (k m0 + n x)/(k + n)``,
    ``s^2 = [k s0^2 + n v + k n/(k + n) (x - m0)^2]/(k + n)``, predictive variance ``s^2 (1 + 1/(k + n))``, of which the prior alone has
    ``s0^2``; x is Huber's location and v the weighed mean square about it, both with outliers bounded.
    """
    centre = math.log(prior_median)
    if not len(rates) or not weights.sum() > 0:
        return prior_median, prior_sigma, 1.0
    logs = np.log(rates)
    number = effective_number(weights)
    middle, factors = huber_location(logs, weights, scale=prior_sigma, tuning=_HUBER)
    share = weights * factors / (weights * factors).sum()
    square = float(share @ (logs - middle) ** 2)
    total = strength + number
    median = math.exp((strength * centre + number * middle) / total)
    pooled = (strength * prior_sigma**2 + number * square + strength * number / total * (middle - centre) ** 2) / total
    grown = 1 + number / total / total  # 1 + 1/(k+n) once licences carry it; the prior alone is predictive already
    return median, math.sqrt(pooled * grown), strength / total


def licence_royalty(background: Background, subject: Subject, prior: Assumption, used: Used) -> RoyaltyEvidence:
    """Return the royalty rate that comparable licences and a prior give together.

    Parameters
    ----------
    background : Background
        Evidence at the date, with its market.
    subject : Subject
        Patent.
    prior : Assumption
        Royalty rate without licences, log-normal (that of `default_assumptions`).
    used : Used
        Remembers the parameters.

    Returns
    -------
    RoyaltyEvidence
        The prior unchanged where the user gave it, or no licence is known.
    """
    found = _weighed(background, subject.features, used)
    if prior.is_overridden or prior.distribution is not Distribution.LOGNORMAL or found is None:
        why = Bilingual(
            "使用者给定的费率或库内无可比许可：沿用先验",
            "given by the user, or no comparable licence in the store: the prior stands",
        )
        return RoyaltyEvidence(prior, 0, 0, 0.0, 1.0, False, (), None, why)
    deals, rows, nearest, kernel, weights, own = found
    rates = np.array([d.royalty_rate for d in deals], np.float64)
    strength = float(used.at("market.licence_prior_strength").value)
    median, sigma, share = pooled_rate(
        rates,
        weights,
        prior_median=prior.parameters["median"],
        prior_sigma=prior.parameters["sigma"],
        strength=strength,
    )
    number = effective_number(weights)
    is_near = np.array([own.field is not None and rows[k].field == own.field for k in nearest])
    near_number = effective_number(weights[is_near]) if is_near.any() else 0.0
    replaces = near_number >= float(used.at("market.least").value["licences_effective"])
    assumption = Assumption(
        prior.name, prior.label, Distribution.LOGNORMAL, {"median": median, "sigma": sigma}, prior.low, prior.high, prior.unit,
        _source(background, prior, len(deals), int(is_near.sum()), number, share),
    )  # fmt: skip
    low, middle, high = weighted_quantile(rates, weights, np.array([0.25, 0.5, 0.75])).tolist()
    verb = (
        Bilingual("以库内许可为主", "rests on licences")
        if replaces
        else Bilingual("与先验合并", "pooled with the prior")
    )
    note = Bilingual(
        f"{len(deals)} 件许可（同领域 {int(is_near.sum())} 件，等效 {number:.1f} 件），先验占 {share:.0%}：{verb.zh}",
        f"{len(deals)} licences, {int(is_near.sum())} in the field, worth {number:.1f} equal ones; the prior has {share:.0%}: {verb.en}",
    )
    order = np.argsort(-weights, kind="stable")[:_SHOWN]
    comparables = tuple(
        LicenceComparable(
            deals[i].deal_id, deals[i].source_id, rows[nearest[i]].patent_id, deals[i].deal_date, float(rates[i]),
            deals[i].exclusivity, float(weights[i] / weights.sum()), float(kernel[i]), deals[i].evidence_grade,
        )
        for i in order
    )  # fmt: skip
    return RoyaltyEvidence(
        assumption, len(deals), int(is_near.sum()), number, share, replaces, comparables, (low, middle, high), note
    )


def _weighed(
    background: Background, own: Features, used: Used
) -> tuple[tuple[Deal, ...], tuple[Features, ...], NDArray[np.int64], Floats, Floats, Features] | None:
    """Return licences in the same kind of right, their patents, the likest of each, likeness, weights, and the subject."""
    for path in _PARAMETERS:
        used.at(path)
    market = background.market.licences.get(own.right)
    if market is None:
        return None
    parts = market.table.distances(
        own, background.as_of, market.space.cosines(own.words), used.at("market.technology_shares").value
    )
    distance = total_distance(parts, used.at("market.similarity_scales").value)
    nearest = np.lexsort((distance, market.row_deal))[np.flatnonzero(np.diff(market.row_deal, prepend=-1))]
    related, grades = float(used.at("market.related_party_weight").value), used.at("market.evidence_weights").value
    reliability = [
        grades[d.evidence_grade or "unknown"] * (1.0 if d.related is None else related) for d in market.deals
    ]
    wanted = _WIDEN_TO * float(used.at("market.least").value["licences_effective"])
    for width in _WIDTHS:  # wider until enough licences count, never so wide that likeness means nothing
        kernel = np.exp(-0.5 * (distance[nearest] / width) ** 2)
        weights = kernel * np.array(reliability)
        if effective_number(weights) >= wanted:
            break
    return market.deals, market.rows, nearest.astype(np.int64), kernel, weights, own


def _source(background: Background, prior: Assumption, licences: int, near: int, number: float, share: float) -> Source:
    grade = Grade.SYNTHETIC if background.store.manifest.is_synthetic else Grade.COMPUTED
    old = prior.source
    title = f"{licences} licences of the store, {near} in the field, worth {number:.1f} equal ones; prior ({old.title}) {share:.0%}"
    named = old.title_zh or old.title
    title_zh = f"库内 {licences} 件许可（同领域 {near} 件，等效 {number:.1f} 件）；先验（{named}）占 {share:.0%}"
    return Source(title, grade, dated=background.as_of, title_zh=title_zh)
