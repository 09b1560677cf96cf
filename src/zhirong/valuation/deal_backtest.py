"""Deals predicted from those signed before them: whether the intervals of the market approach hold what they promise."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from zhirong.kernel.errors import NotAdmissibleError
from zhirong.valuation.deal_market import DealMarket

__all__ = ["BackTest", "back_test"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BackTest:
    """Deals predicted from those before them.

    Attributes
    ----------
    split : date
        Last day of what the prediction knows.
    deals : int
        Deals predicted.
    coverage : tuple of tuple
        Nominal level and share of deals inside the central interval of that level.
    median_error : float
        Median of realised less predicted log price.
    absolute_error, naive_error : float
        Median absolute error in log points, and that of the median of all earlier prices.
    ranks : ndarray
        Probability integral transforms; uniform where intervals are right.
    """

    split: date
    deals: int
    coverage: tuple[tuple[float, float], ...]
    median_error: float
    absolute_error: float
    naive_error: float
    ranks: Floats


def back_test(
    early: DealMarket, late: DealMarket, *, right: str = "invention", levels: tuple[float, ...] = (0.5, 0.8, 0.95)
) -> BackTest:  # fmt: skip
    """Predict deals from those that were signed before them.

    Parameters
    ----------
    early : DealMarket
        `prepare_market(background, until=split)`.
    late : DealMarket
        `prepare_market(background)`.
    right : str
        Kind of right.
    levels : tuple of float
        Central intervals to check.

    Returns
    -------
    BackTest
        Of private sales at arm's length in single patents, because those are what is predicted.

    Raises
    ------
    NotAdmissibleError
        When either period has too few deals.
    """
    for market in (early, late):
        if right not in market.rights:
            raise NotAdmissibleError(market.reasons.get(right, f"no deals in rights of the kind {right}"))
    model, whole = early.rights[right], late.rights[right]
    later = [
        d for d in whole.deals
        if d.deal_date > model.day and d.deal_type == "sale" and d.patent_count == 1 and d.patent_ids[0] in late.features
    ]  # fmt: skip
    if not later:
        raise NotAdmissibleError(f"no sale of a single patent after {model.day}")
    actual = np.array([d.log_price for d in later], np.float64)
    means, errors = np.array([model.predict(late.features[d.patent_ids[0]], d.deal_date) for d in later]).T
    scale = np.sqrt(model.spread.scale**2 + errors**2)
    ranks = stats.t.cdf((actual - means) / scale, model.spread.freedom)
    naive = float(np.median([d.log_price for d in model.deals if d.log_price is not None]))
    inside = tuple((level, float(np.mean(np.abs(ranks - 0.5) <= level / 2))) for level in levels)
    gaps = actual - means
    return BackTest(
        model.day, len(later), inside, float(np.median(gaps)), float(np.median(np.abs(gaps))),
        float(np.median(np.abs(actual - naive))), np.asarray(ranks, np.float64),
    )  # fmt: skip
