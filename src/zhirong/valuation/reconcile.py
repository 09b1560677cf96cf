"""One distribution out of several: a linear pool, with weights that are shown and a conflict that is not averaged away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from zhirong.kernel.errors import NotAdmissibleError
from zhirong.kernel.text import Bilingual
from zhirong.numerics.montecarlo import normal_scores
from zhirong.numerics.pooling import BetaTransform, beta_transformed
from zhirong.numerics.streams import stream_key
from zhirong.valuation.types import QUANTILE_LEVELS, Purpose

__all__ = ["PoolFit", "conflict", "median_error", "pool", "quantiles_of", "weights_for"]

Floats = NDArray[np.float64]
CONFLICT_RATIO = 4.0
"""Medians further apart than this factor are reported as a conflict of methods."""


@dataclass(frozen=True, slots=True)
class PoolFit:
    """How the methods of a store did on prices paid later, and what follows for their weights and for the width of the pool.

    Attributes
    ----------
    weights, errors : Mapping of str to float
        Weight by method, adding to 1, and its standard error.
    transform : BetaTransform
        Of the levels at which prices fell in the pool.
    labels : int
        Prices at arm's length of single patents, each valued at a day before its deal.
    from_date, to_date : date
        First and last of these deals.
    log_score, declared_score : float
        Mean log density of a price (log CNY) under these weights and under the declared ones, before the transform.
    """

    weights: Mapping[str, float]
    errors: Mapping[str, float]
    transform: BetaTransform
    labels: int
    from_date: date
    to_date: date
    log_score: float
    declared_score: float


def weights_for(methods: list[str], declared: Mapping[str, float], purpose: Purpose) -> dict[str, float]:
    """Return weights that sum to 1 over the admissible methods.

    Parameters
    ----------
    methods : list of str
        Admissible methods.
    declared : Mapping of str to float
        Weights before norming, from the parameters.
    purpose : Purpose
        A pledge or securitisation does not rest on cost where anything else is admissible.

    Raises
    ------
    NotAdmissibleError
        When no method is left.
    """
    weights = {name: float(declared.get(name, 0.0)) for name in methods}
    if purpose in {Purpose.PLEDGE, Purpose.SECURITISATION} and len(methods) > 1:
        weights["cost"] = 0.0
    weights = {name: weight for name, weight in weights.items() if name in methods}
    total = sum(weights.values())
    if total <= 0:
        raise NotAdmissibleError("no admissible method has a weight")
    return {name: weight / total for name, weight in weights.items()}


def pool(
    draws: Mapping[str, Floats], weights: Mapping[str, float], *, seed: int, subject_id: str, learned: PoolFit | None = None
) -> Floats:  # fmt: skip
    """Return draws of the linear pool: each draw is that of one method, chosen with its weight.

    Where prices have been learned from, the levels of the pool are transformed so that its intervals keep their word on them.

    Notes
    -----
    The choice is stratified: method m supplies the draws whose uniform lies in its slice of [0, 1). A linear pool keeps the
    spread between methods; a mean of methods would hide it.
    """
    names = [name for name in draws if weights.get(name, 0.0) > 0]
    count = len(draws[names[0]])
    uniform = stats.norm.cdf(normal_scores(stream_key(seed, f"pool/{subject_id}"), count)[:, 0])
    edges = np.cumsum([weights[name] for name in names])
    chosen = np.minimum(np.searchsorted(edges, uniform, side="right"), len(names) - 1)
    mixed = np.asarray(np.choose(chosen, [draws[name] for name in names]), np.float64)
    return mixed if learned is None else beta_transformed(mixed, learned.transform)


def quantiles_of(draws: Floats) -> dict[float, float]:
    """Return the quantiles at `QUANTILE_LEVELS`."""
    return dict(zip(QUANTILE_LEVELS, np.quantile(draws, QUANTILE_LEVELS).tolist(), strict=True))


def median_error(draws: Floats) -> float:
    """Return the standard error of the median of independent draws, from the spacing of order statistics.

    Notes
    -----
    The number of draws below the true median has standard deviation ``sqrt(n)/2``; half the distance between the quantiles
    one such deviation either side is the standard error of the sample median (Wilks 1962, section 11.2).
    """
    half = 0.5 / np.sqrt(len(draws))
    low, high = np.quantile(draws, [max(0.5 - half, 0.0), min(0.5 + half, 1.0)])
    return float((high - low) / 2)


def conflict(medians: Mapping[str, float], labels: Mapping[str, Bilingual]) -> Bilingual | None:
    """Return a sentence when the medians of methods are far apart, None when they agree."""
    positive = {name: value for name, value in medians.items() if value > 0}
    if len(positive) < 2:
        return None
    low, high = min(positive, key=positive.__getitem__), max(positive, key=positive.__getitem__)
    ratio = positive[high] / positive[low]
    if ratio < CONFLICT_RATIO:
        return None
    return Bilingual(
        f"方法之间存在分歧：{labels[high].zh}的中位数是{labels[low].zh}的 {ratio:.1f} 倍；区间因此变宽，而不是取平均掩盖。",
        f"Methods disagree: the median of {labels[high].en} is {ratio:.1f} times that of {labels[low].en}; the interval is wide "
        "for that reason, and the difference is not averaged away.",
    )
