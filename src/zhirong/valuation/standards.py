"""The same right under other standards of value, each a stated way from market value.

International Valuation Standards (2022), IVS 104: market value (30), liquidation value by orderly or forced sale (80, 160, 170),
investment value (60), and fair value of IFRS 13, which IVS takes as consistent with market value for most purposes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zhirong.kernel.text import Bilingual
from zhirong.numerics.streams import stream_key
from zhirong.valuation.assumptions import levels_of
from zhirong.valuation.reconcile import quantiles_of
from zhirong.valuation.types import Assumption, Purpose, StandardOfValue, StandardStep

__all__ = ["Standards", "standard_for", "standards_of"]

Floats = NDArray[np.float64]

_FOR: Mapping[Purpose, StandardOfValue] = {
    Purpose.ACCOUNTING: StandardOfValue.FAIR,
    Purpose.MANAGEMENT: StandardOfValue.INVESTMENT,
}


@dataclass(frozen=True, slots=True)
class Standards:
    """Draws under each standard, and the way to each.

    Attributes
    ----------
    draws : Mapping of StandardOfValue to ndarray
        CNY, shape (draws,); all from the same draws of market value.
    steps : tuple of StandardStep
        In the order in which they are taken, by standard.
    """

    draws: Mapping[StandardOfValue, Floats]
    steps: tuple[StandardStep, ...]


def standard_for(purpose: Purpose) -> StandardOfValue:
    """Return the standard in which a purpose states its value; a lender is shown liquidation beside market value."""
    return _FOR.get(purpose, StandardOfValue.MARKET)


def standards_of(market: Floats, assumptions: Mapping[str, Assumption], *, seed: int, subject_id: str) -> Standards:
    """Return a market value under every standard.

    Parameters
    ----------
    market : ndarray, shape (n,)
        Draws of market value, CNY.
    assumptions : Mapping of str to Assumption
        With ``marketing_time``, ``selling_cost``, ``forced_sale_discount``, ``owner_synergy`` and ``discount_rate``.
    seed, subject_id : int, str
        Stream of the draws of these assumptions.

    Returns
    -------
    Standards
        Orderly sale: ``V (1 + r)^-T (1 - c)``. Forced sale: ``V (1 - d)``, never above the orderly sale. Investment value:
        ``V (1 + s)``. Fair value: V, since costs of the transaction are not deducted (IFRS 13.25).
    """
    count = len(market)

    def drawn(name: str) -> Floats:
        levels = np.random.default_rng(stream_key(seed, f"standards/{name}/{subject_id}")).random(count)
        return levels_of(assumptions[name], levels)

    waited = market * (1 + drawn("discount_rate")) ** -drawn("marketing_time")
    orderly = waited * (1 - drawn("selling_cost"))
    forced = np.minimum(market * (1 - drawn("forced_sale_discount")), orderly)
    owned = market * (1 + drawn("owner_synergy"))
    found = {
        StandardOfValue.MARKET: market,
        StandardOfValue.FAIR: market,
        StandardOfValue.INVESTMENT: owned,
        StandardOfValue.ORDERLY_LIQUIDATION: orderly,
        StandardOfValue.LIQUIDATION: forced,
    }
    way: tuple[tuple[StandardOfValue, str, Floats, Floats], ...] = (
        (StandardOfValue.FAIR, "no_costs", market, market),
        (StandardOfValue.INVESTMENT, "owner_synergy", market, owned),
        (StandardOfValue.ORDERLY_LIQUIDATION, "marketing_time", market, waited),
        (StandardOfValue.ORDERLY_LIQUIDATION, "selling_cost", waited, orderly),
        (StandardOfValue.LIQUIDATION, "marketing_time", market, waited),
        (StandardOfValue.LIQUIDATION, "selling_cost", waited, orderly),
        (StandardOfValue.LIQUIDATION, "forced_sale_discount", orderly, forced),
    )
    steps = tuple(_step(standard, name, before, after) for standard, name, before, after in way)
    return Standards(found, steps)


_WHY: Mapping[str, Bilingual] = {
    "no_costs": Bilingual(
        "市场参与者之间的脱手价格，不扣交易费用，不计特定权利人因素：与市场价值一致",
        "An exit price between market participants, without costs of the transaction or anything particular to the owner: as market value",
    ),
    "owner_synergy": Bilingual(
        "对该权利人自身：内部使用、组合与谈判地位带来的增值；无证据，系假设区间，可替换",
        "To this owner: gain from own use, from what else it owns and from bargaining; no evidence, an assumed range, replaceable",
    ),
    "marketing_time": Bilingual("有序招商期间资金的时间价值", "Time value while buyers are sought in good order"),
    "selling_cost": Bilingual("评估、经纪、公告与过户费用", "Appraisal, broker, notice and transfer"),
    "forced_sale_discount": Bilingual(
        "限期处置、竞买人少：按强制处置折扣，且不高于有序清算",
        "A set date and few bidders: the discount of a forced sale, never above the orderly sale",
    ),
}


def _step(standard: StandardOfValue, name: str, before: Floats, after: Floats) -> StandardStep:
    quantiles = quantiles_of(after)
    positive = before > 0
    share = (
        np.quantile(after[positive] / before[positive], [0.1, 0.5, 0.9]).tolist() if positive.any() else [1.0, 1.0, 1.0]
    )
    return StandardStep(standard, name, _WHY[name], (share[0], share[1], share[2]), quantiles)
