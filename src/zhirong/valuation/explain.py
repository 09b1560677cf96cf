"""Why this number: the tornado of the reconciled median, and the share of variance of each input."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from zhirong.numerics.montecarlo import INPUTS
from zhirong.valuation.assumptions import levels_of
from zhirong.valuation.methods import IncomeModel
from zhirong.valuation.types import Assumption, Contribution

__all__ = ["contributions"]

Floats = NDArray[np.float64]
EXPLAIN_DRAWS = 8_000


def contributions(
    model: IncomeModel, pooled_median: Callable[[Floats], float], assumptions: Mapping[str, Assumption]
) -> tuple[Contribution, ...]:
    """Return the bars of the tornado, widest first.

    Parameters
    ----------
    model : IncomeModel
        The income model.
    pooled_median : callable
        Maps income draws to the reconciled median, the other methods unchanged.
    assumptions : Mapping of str to Assumption
        Inputs by name.

    Returns
    -------
    tuple of Contribution
        Each input held at its 10 % and its 90 % quantile, with the same random numbers for all others. The share of
        variance is the squared rank correlation with the income value, normed over the inputs.
    """
    count = EXPLAIN_DRAWS
    base = model.draws(count)
    drawn = model.inputs(count)
    names = ["attributable_revenue", *INPUTS[1:]]
    ranks = [
        stats.spearmanr(drawn[:, i], base).statistic if np.ptp(drawn[:, i]) > 0 and np.ptp(base) > 0 else 0.0
        for i in range(6)
    ]
    squares = np.square(np.nan_to_num(ranks))
    shares = squares / squares.sum() if squares.sum() > 0 else squares
    bars = []
    for name, share in zip(names, shares.tolist(), strict=True):
        low, high = levels_of(assumptions[name], np.array([0.1, 0.9])).tolist()
        bars.append(
            Contribution(
                name=name,
                label=assumptions[name].label,
                input_low=low,
                input_high=high,
                value_low=pooled_median(model.draws(count, held={name: low})),
                value_high=pooled_median(model.draws(count, held={name: high})),
                unit=assumptions[name].unit,
                variance_share=share,
            )
        )
    return tuple(sorted(bars, key=lambda b: (-abs(b.value_high - b.value_low), b.name)))
