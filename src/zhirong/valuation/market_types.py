"""What the market approach returns: comparables, licences, a price index, and a value with all of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from zhirong.kernel.text import Bilingual
from zhirong.valuation.deals import Excluded
from zhirong.valuation.lots import SelectionEffect

__all__ = ["Comparable", "LicenceComparable", "MarketValue", "PriceIndex"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Comparable:
    """One deal as a comparable.

    Attributes
    ----------
    deal_id, source_id, deal_type : str
        The deal.
    patent_id : str
        Its patent that is likest to the one valued.
    title : str or None
        Title of that patent.
    deal_date : date
        Date of the price.
    price, currency : float, str
        Whole price as stated.
    patent_count : int
        Patents that it bought.
    price_cny : float
        Equal share of one patent, CNY of that day.
    indexed_price_cny : float
        What one patent is expected to have brought, moved to the valuation date by the price index.
    adjusted_price_cny : float
        That, adjusted besides for age, claims, family, kind of sale and selection to the patent valued, bounded where it
        lies out of range.
    weight : float
        Share in the estimate; shares of all deals add to 1.
    similarity : float
        0 to 1, before reliability.
    is_outlier : bool
        Beyond 2.5 standard deviations: it pulls no more than one at that distance.
    evidence_grade : str or None
        How its terms are known.
    reason : Bilingual
        Why it is alike, and what differs.
    """

    deal_id: str
    source_id: str
    deal_type: str
    patent_id: str
    title: str | None
    deal_date: date
    price: float
    currency: str
    patent_count: int
    price_cny: float
    indexed_price_cny: float
    adjusted_price_cny: float
    weight: float
    similarity: float
    is_outlier: bool
    evidence_grade: str | None
    reason: Bilingual


@dataclass(frozen=True, slots=True)
class LicenceComparable:
    """One licence as a comparable: its rate (fraction of net sales), its share of the weight, and where it is from."""

    deal_id: str
    source_id: str
    patent_id: str
    deal_date: date
    royalty_rate: float
    exclusivity: str | None
    weight: float
    similarity: float
    evidence_grade: str | None


@dataclass(frozen=True, slots=True)
class PriceIndex:
    """How prices move over time: the trend of the hedonic regression, with its prior, log points a year."""

    growth: float
    error: float
    first: date
    last: date
    deals: int
    description: Bilingual


@dataclass(frozen=True, slots=True)
class MarketValue:
    """Value of one patent by the market approach.

    Attributes
    ----------
    patent_id : str
        Patent.
    draws : ndarray, shape (count,)
        Prices at which it would change hands privately between unrelated parties on the day, CNY; the uncertainty of
        coefficients, index, selection, spread and of the single deal is in them.
    comparables : tuple of Comparable
        Heaviest first, with 99 per cent of the weight together.
    deals : int
        Deals that carry weight or inform the coefficients.
    effective_number : float
        Equal deals that would tell as much as the weighed ones.
    index : PriceIndex
        How prices were moved to the date.
    selection : SelectionEffect or Bilingual
        What unsold lots say, or why they say nothing.
    sale_probability : tuple of float or None
        Chance that a lot like this one finds a buyer at auction: 5 %, 50 % and 95 % quantiles; None without unsold lots.
    coefficients : tuple of tuple
        Name, posterior mean and standard deviation of each hedonic coefficient, log points.
    log_spread, freedom : float
        Scale and degrees of freedom of a single price around its prediction.
    excluded : tuple of Excluded
        Deals left out, with the reason.
    notes : tuple of Bilingual
        What a reader must know.
    """

    patent_id: str
    draws: Floats
    comparables: tuple[Comparable, ...]
    deals: int
    effective_number: float
    index: PriceIndex
    selection: SelectionEffect | Bilingual
    sale_probability: tuple[float, float, float] | None
    coefficients: tuple[tuple[str, float, float], ...]
    log_spread: float
    freedom: float
    excluded: tuple[Excluded, ...]
    notes: tuple[Bilingual, ...]
