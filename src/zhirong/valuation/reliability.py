"""What prices paid later say of the methods: weights learned by the log score, and intervals that keep their word on prices.

Each sale is valued at a day before it, with what was known on that day; nothing later enters, and no sale tells of itself.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zhirong.kernel.dates import add_years
from zhirong.kernel.errors import ParameterError
from zhirong.kernel.provenance import fingerprint
from zhirong.numerics.pooling import BetaTransform, fit_beta_transform, log_density, stack_weights
from zhirong.valuation.background import Background, prepare
from zhirong.valuation.deals import Deal
from zhirong.valuation.engine import CODE_VERSION, draws_by_method
from zhirong.valuation.reconcile import PoolFit, pool, weights_for
from zhirong.valuation.types import Purpose

__all__ = ["LABELS_MIN", "PricedValue", "fit_pool", "priced_values", "sales_before", "with_learned_pool"]

Floats = NDArray[np.float64]
LABELS_MIN = 15
"""Prices below which nothing is learned."""
_LABELS_MAX = 100
_STEP_YEARS, _STEPS = 2, 5
_DRAWS = 1_000


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


def with_learned_pool(background: Background, *, cache: Path | None = None, seed: int = 1) -> Background:
    """Return the background with weights and width learned from its sales; as it is where there are too few.

    Parameters
    ----------
    background : Background
        At the date of the valuation.
    cache : Path, optional
        Folder in which the fit is kept by the fingerprints of the tables, the date, the parameters and the version of the code.
    seed : int
        Of the draws.
    """
    sales = sales_before(background)
    if len(sales) < LABELS_MIN:
        return background
    declared = background.book.at("valuation.weights", background.as_of)
    strength = background.book.at("valuation.pool_strength", background.as_of)
    versions = {path: [p.version for p in background.book.series(path)] for path in background.book}
    name = fingerprint(
        {"data": background.store.fingerprints(), "as_of": background.as_of.isoformat(), "parameters": versions,
         "code": CODE_VERSION, "seed": seed, "what": "pool"}
    )  # fmt: skip
    kept = None if cache is None else cache / f"pool-{name[:24]}.json"
    if kept is not None and kept.is_file():
        return replace(background, pool=_read(kept))
    only = [method for method, weight in declared.value.items() if weight > 0]
    labels = priced_values(background, sales, only=only, seed=seed)
    fit = fit_pool(labels, dict(declared.value), strength=float(strength.value), seed=seed)
    if kept is not None and fit is not None:
        _write(fit, kept)
    return replace(background, pool=fit)


def _write(fit: PoolFit, path: Path) -> None:
    plain = asdict(fit) | {"from_date": fit.from_date.isoformat(), "to_date": fit.to_date.isoformat()}
    part = path.with_suffix(".part")
    part.write_text(json.dumps(plain, indent=1), "utf-8")
    part.replace(path)


def _read(path: Path) -> PoolFit:
    plain = json.loads(path.read_text("utf-8"))
    days = {name: date.fromisoformat(plain[name]) for name in ("from_date", "to_date")}
    return PoolFit(**{**plain, **days, "transform": BetaTransform(**plain["transform"])})
