"""What prices paid later say of the methods: weights learned by the log score, and intervals that keep their word on prices.

Each sale is valued at a day before it, with what was known on that day; nothing later enters, and no sale tells of itself.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from zhirong.kernel.dates import add_years
from zhirong.kernel.errors import ParameterError
from zhirong.numerics.pooling import fit_beta_transform, log_density, stack_weights
from zhirong.valuation.background import Background, prepare
from zhirong.valuation.deals import Deal
from zhirong.valuation.engine import draws_by_method
from zhirong.valuation.kept import kept
from zhirong.valuation.reconcile import PoolFit, pool, weights_for
from zhirong.valuation.types import Purpose

__all__ = ["LABELS_MIN", "LearnedPool", "PricedValue", "fit_pool", "priced_values", "sales_before", "with_learned_pool"]

Floats = NDArray[np.float64]
LABELS_MIN = 15
"""Prices below which nothing is learned."""
_LABELS_MAX = 100
_STEP_YEARS, _STEPS = 2, 5
_DRAWS, _SEED = 1_000, 1


@dataclass(frozen=True, slots=True)
class PricedValue:
    """One sale and what every admissible method said of the patent at a day before it."""

    deal_id: str
    deal_date: date
    log_price: float
    draws: dict[str, Floats]


def sales_before(background: Background) -> list[Deal]:
    """Return sales of single patents at arm's length known at the date, within the years that are learned from, latest last."""
    first = add_years(background.as_of, -_STEP_YEARS * _STEPS)
    kept = [
        deal
        for deal in background.market.book.priced
        if deal.deal_type == "sale" and deal.patent_count == 1 and deal.related is None and deal.deal_date > first
    ]
    return sorted(kept, key=lambda deal: (deal.deal_date, deal.deal_id))[-_LABELS_MAX:]


def priced_values(
    background: Background, sales: Sequence[Deal], *, only: Collection[str], seed: int
) -> list[PricedValue]:
    """Value the patent of each sale at the last of a few earlier days, two years apart, before the sale.

    Parameters
    ----------
    background : Background
        At the date of the valuation.
    sales : sequence of Deal
        `sales_before` of it.
    only : collection of str
        Methods that are asked.
    seed : int
        Of the draws.
    """
    found = []
    for step in range(_STEPS):
        day, until = (add_years(background.as_of, -_STEP_YEARS * (step + k)) for k in (1, 0))
        mine = [deal for deal in sales if day < deal.deal_date <= until]
        if not mine:
            continue
        try:
            early = prepare(background.store, background.engine, as_of=day, book=background.book)
            drawn = draws_by_method(
                early, sorted({deal.patent_ids[0] for deal in mine}), only=only, draws=_DRAWS, seed=seed
            )
        except ParameterError:  # no parameters reach back to that day: its sales cannot be told from
            continue
        found += [
            PricedValue(deal.deal_id, deal.deal_date, float(deal.log_price or 0.0), drawn[deal.patent_ids[0]])
            for deal in mine
            if deal.patent_ids[0] in drawn
        ]
    return sorted(found, key=lambda label: (label.deal_date, label.deal_id))


def fit_pool(
    labels: Sequence[PricedValue], declared: dict[str, float], *, strength: float, seed: int
) -> PoolFit | None:
    """Learn weights and the transform of the pool from priced values.

    Parameters
    ----------
    labels : sequence of PricedValue
        Prices and draws.
    declared : dict of str to float
        Declared weights.
    strength : float
        Prices for which the declared weights, and the belief that the pool keeps its word, count.
    seed : int
        Of the pool's choice of methods.

    Returns
    -------
    PoolFit or None
        None for fewer than `LABELS_MIN` prices with a method that has weight.
    """
    names = [name for name, weight in declared.items() if weight > 0]
    kept = [label for label in labels if any(name in label.draws for name in names)]
    if len(kept) < LABELS_MIN:
        return None
    scores = np.array(
        [
            [log_density(_logs(x.draws[name]), x.log_price) if name in x.draws else np.nan for name in names]
            for x in kept
        ]
    )
    fit = stack_weights(scores, np.array([declared[name] for name in names]), strength=strength)
    weights = dict(zip(names, fit.weights.tolist(), strict=True))
    levels = []
    for x in kept:
        mine = weights_for([name for name in x.draws if name in weights], weights, Purpose.TRADE)
        mixed = pool(x.draws, mine, seed=seed, subject_id=x.deal_id)
        levels.append(float(np.mean(_logs(mixed) < x.log_price)))
    return PoolFit(
        weights, dict(zip(names, fit.errors.tolist(), strict=True)),
        fit_beta_transform(np.array(levels), strength=strength), len(kept), kept[0].deal_date, kept[-1].deal_date,
        fit.log_score, fit.declared_score,
    )  # fmt: skip


def _logs(draws: Floats) -> Floats:
    return np.asarray(np.log(np.maximum(draws, 1.0)), np.float64)


@dataclass(frozen=True, slots=True)
class LearnedPool:
    """What a store teaches of the pool at a day: nothing, where its sales are too few."""

    fit: PoolFit | None


def with_learned_pool(background: Background, *, keep: bool = True) -> Background:
    """Return the background with weights and width learned from its sales; as it is where there are too few.

    Parameters
    ----------
    background : Background
        At the date of the valuation.
    keep : bool
        Take the fit from the cache beside the store where it holds it, and put it there where it does not.
    """
    sales = sales_before(background)
    if len(sales) < LABELS_MIN:
        return background

    def learn() -> LearnedPool:
        declared = background.book.at("valuation.weights", background.as_of).value
        strength = float(background.book.at("valuation.pool_strength", background.as_of).value)
        asked = [method for method, weight in declared.items() if weight > 0]
        labels = priced_values(background, sales, only=asked, seed=_SEED)
        return LearnedPool(fit_pool(labels, dict(declared), strength=strength, seed=_SEED))

    store, day, book = background.store, background.as_of, background.book
    found = kept(store, day, book, LearnedPool, learn) if keep else learn()
    return replace(background, pool=found.fit)
