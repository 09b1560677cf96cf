"""Values against latent values that the evidence does not hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from zhirong.kernel.errors import DomainError
from zhirong.kernel.text import Bilingual
from zhirong.numerics.calibration import (
    coverage,
    crps_of_draws,
    fractional_ranks,
    interval_score,
    paired_difference,
    rank_test,
)
from zhirong.valuation.background import Background
from zhirong.valuation.calibration.types import LEVELS, ValueCheck
from zhirong.valuation.engine import value_patents
from zhirong.valuation.methods import LABELS
from zhirong.valuation.reconcile import PoolFit, pool, weights_for
from zhirong.valuation.types import Purpose, Valuation

__all__ = ["check_values", "sold_patents"]

Floats = NDArray[np.float64]
_POOLED = Bilingual("综合价值（声明权重）", "Pooled value, declared weights")
_LEARNED = Bilingual("综合价值（权重与宽度由成交价学得）", "Pooled value, weights and width learned from prices")
_ALL_PRICES = Bilingual("朴素对照：全部成交价", "Naive: all prices")
_LOGNORMAL = Bilingual("朴素对照：成交价的对数正态", "Naive: log-normal of prices")
_NAIVE = ("all_prices", "lognormal")
_PRICES_MIN = 20
_PATENTS_MIN = 30


def check_values(
    background: Background,
    latent: Mapping[str, float],
    patent_ids: Sequence[str],
    *,
    purpose: Purpose = Purpose.TRADE,
    draws: int = 2_000,
    seed: int = 1,
    progress: Callable[[int, int, int], None] = lambda done, total, records: None,
) -> tuple[ValueCheck, ...]:
    """Value patents of a world and compare with latent values that its evidence does not hold.

    Parameters
    ----------
    background : Background
        Evidence at a date.
    latent : Mapping of str to float
        Latent value in CNY by patent.
    patent_ids : sequence of str
        Patents to value; those with a sale of their own among the prices are left out, so that no price is compared with the value
        behind it.
    purpose : Purpose
        Scene.
    draws, seed : int
        Of the values.
    progress : callable
        As in `value_patents`.

    Returns
    -------
    tuple of ValueCheck
        The value pooled by declared weights; by weights and width learned from prices, where the background has them; every
        method where it was admissible; and two naive answers for the same patents: the prices of all sales known at the date,
        and their mean and spread as one log-normal.
    """
    sold = sold_patents(background)
    asked = [patent for patent in patent_ids if patent not in sold]
    declared = replace(background, pool=None)
    batch = value_patents(declared, asked, purpose=purpose, draws=draws, seed=seed, progress=progress)
    valued = [v for v in batch.valuations if v.quantiles[0.5] > 0]
    if not valued:
        raise DomainError("none of the patents has a value to check")
    ids = [v.subject_id for v in valued]
    answers = {"pooled": (_POOLED, ids, np.stack([_drawn(v) for v in valued]))}
    if background.pool is not None:
        answers["learned"] = (_LEARNED, ids, np.stack([_learned(v, background.pool, seed) for v in valued]))
    answers |= _by_method(valued)
    answers |= _naive(np.array(list(sold.values())), ids, draws, seed)
    scores = {
        name: dict(zip(mine, crps_of_draws(np.log(x), np.log([latent[i] for i in mine])), strict=True))
        for name, (_, mine, x) in answers.items()
    }
    return tuple(
        _value_check(name, label, np.log(x), np.log([latent[i] for i in mine]), _gain(scores, name))
        for name, (label, mine, x) in answers.items()
    )


def _by_method(valued: Sequence[Valuation]) -> dict[str, tuple[Bilingual, list[str], Floats]]:
    found = {}
    for name in dict.fromkeys(m.method for v in valued for m in v.methods):
        pairs = [
            (v.subject_id, m.draws)
            for v in valued
            for m in v.methods
            if m.method == name and m.draws is not None and float(np.median(m.draws)) > 0
        ]
        if len(pairs) >= _PATENTS_MIN:
            found[name] = (LABELS[name], [i for i, _ in pairs], np.stack([np.maximum(d, 1.0) for _, d in pairs]))
    return found


def _naive(prices: Floats, ids: list[str], draws: int, seed: int) -> dict[str, tuple[Bilingual, list[str], Floats]]:
    if prices.size < _PRICES_MIN:
        return {}
    rng = np.random.default_rng(seed)
    mean, sd = float(np.log(prices).mean()), float(np.log(prices).std(ddof=1))
    return {
        "all_prices": (_ALL_PRICES, ids, rng.choice(prices, (len(ids), draws))),
        "lognormal": (_LOGNORMAL, ids, np.exp(rng.normal(mean, sd, (len(ids), draws)))),
    }


def _gain(scores: Mapping[str, Mapping[str, float]], name: str) -> tuple[float, float] | None:
    """Return how much less than the better naive answer scores over the same patents, with its standard error."""
    mine = scores[name]
    if name in _NAIVE or _NAIVE[0] not in scores or len(mine) < 2:
        return None
    best = min(_NAIVE, key=lambda other: float(np.mean([scores[other][i] for i in mine])))
    return paired_difference([scores[best][i] for i in mine], list(mine.values()))


def _drawn(valuation: Valuation) -> Floats:
    assert valuation.draws is not None, "a fresh valuation holds its draws"
    return np.maximum(valuation.draws, 1.0)


def _value_check(
    name: str, label: Bilingual, logs: Floats, target: Floats, gain: tuple[float, float] | None
) -> ValueCheck:
    rows = []
    for level in LEVELS:
        low, high = np.quantile(logs, [(1 - level) / 2, (1 + level) / 2], axis=1)
        rows.append(coverage(low, high, target, level))
    low, high = np.quantile(logs, [0.1, 0.9], axis=1)
    middle = np.median(logs, axis=1)
    order, order_low, order_high = _order(middle, target) if name not in _NAIVE else (None, None, None)
    gained, gained_error = gain if gain is not None else (None, None)
    return ValueCheck(
        name, label, tuple(rows), rank_test(fractional_ranks(logs, target), bins=10),
        float(crps_of_draws(logs, target).mean()), gained, gained_error, interval_score(low, high, target, 0.8),
        float(np.median(middle - target)), order, order_low, order_high, int(target.size),
    )  # fmt: skip


def _order(a: Floats, b: Floats) -> tuple[float | None, float | None, float | None]:
    """Return the rank correlation with its 95 % interval by Fisher's transform (Bonett and Wright 2000 for its error)."""
    if np.unique(a).size < 2 or a.size < 10:
        return None, None, None
    r = float(stats.spearmanr(a, b).statistic)
    half = 1.96 * float(np.sqrt((1 + r**2 / 2) / (a.size - 3)))
    z = float(np.arctanh(np.clip(r, -0.999999, 0.999999)))
    return r, float(np.tanh(z - half)), float(np.tanh(z + half))


def _learned(valuation: Valuation, learned: PoolFit, seed: int) -> Floats:
    draws = {m.method: m.draws for m in valuation.methods if m.draws is not None}
    weights = weights_for(list(draws), learned.weights, valuation.purpose)
    mixed = pool(draws, weights, seed=seed, subject_id=valuation.subject_id, learned=learned)
    return np.maximum(mixed, 1.0)


def sold_patents(background: Background) -> dict[str, float]:
    """Return the latest arm's-length price in CNY of each patent sold alone by the date, in order of day and deal."""
    t = background.tables["deals"]
    t = t.filter(
        (t.deal_type == "sale") & t.price.notnull() & (t.price > 0) & t.patent_id.notnull()
        & (t.is_sold.isnull() | t.is_sold)
        & (t.is_related_party.isnull() | ~t.is_related_party) & (t.patent_count.isnull() | (t.patent_count == 1))
        & (t.currency.isnull() | (t.currency == "CNY"))
    )  # fmt: skip
    rows: list[dict[str, Any]] = background.engine.to_arrow(
        t.select("deal_id", "patent_id", "deal_date", "price")
    ).to_pylist()
    rows.sort(key=lambda row: (str(row["deal_date"]), str(row["deal_id"]), row["patent_id"]))
    found: dict[str, float] = {}
    for row in rows:
        found.pop(row["patent_id"], None)  # the latest sale of a patent stands at its own place
        found[row["patent_id"]] = float(row["price"])
    return found
