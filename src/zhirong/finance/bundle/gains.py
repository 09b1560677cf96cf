"""Who brings the gain: the fall of the system's cost, shared out among the parties that make it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from zhirong.finance.bundle.design import Bundle, NoBundle, design
from zhirong.finance.bundle.spec import BundleSpec, Need, Risk
from zhirong.numerics.cooperation import core_excess, nucleolus, shapley, worth_of_all

__all__ = ["Gains", "share_gains"]


@dataclass(frozen=True, slots=True)
class Gains:
    """The gain of linking, and fair shares of it.

    Attributes
    ----------
    total : float
        System cost of the bare loan less that of the full bundle, fraction of the loan a year.
    bare_rate_is_beyond_cap : bool
        The bare loan needs a rate above the bank's cap; the gain is counted from the rate it would need.
    shapley, nucleolus : Mapping of str to float
        By party, adding to the total; the bank is one, since without it there is no loan.
    worth : Mapping of frozenset of str to float
        Of every coalition.
    worst_excess : float
        Largest gain a coalition could take by leaving the Shapley shares; 0 or less: they lie in the core.
    worst_coalition : frozenset of str
        That coalition.
    """

    total: float
    bare_rate_is_beyond_cap: bool
    shapley: Mapping[str, float]
    nucleolus: Mapping[str, float]
    worth: Mapping[frozenset[str], float]
    worst_excess: float
    worst_coalition: frozenset[str]


def share_gains(spec: BundleSpec, need: Need, risk: Risk) -> Gains | None:
    """Share out the gain of a bundle; None where not even all parties together can make the loan.

    Notes
    -----
    The worth of a coalition is the fall of the least system cost (firm and public purse together) that its offers allow, so that
    money moved from the purse to the firm is no gain. A coalition without the bank is worth nothing.
    """
    open_ended = replace(spec, bank=replace(spec.bank, least_share=0.0, rate_high=1.0))
    bare = _least(open_ended, need, risk, frozenset())
    if bare is None or isinstance(design(spec, need, risk), NoBundle):
        return None
    players = ("bank", *spec.products)

    def worth(chosen: frozenset[str]) -> float:
        if "bank" not in chosen:
            return 0.0
        found = _least(spec, need, risk, chosen - {"bank"}) or _least(open_ended, need, risk, chosen - {"bank"})
        return max(bare - found, 0.0) if found is not None else 0.0

    values = worth_of_all(players, worth)
    shares = shapley(players, values)
    excess, worst = core_excess(players, values, shares)
    return Gains(
        values[frozenset(players)], _least(spec, need, risk, frozenset()) is None, shares, nucleolus(players, values), values,
        excess, worst,
    )  # fmt: skip


def _least(spec: BundleSpec, need: Need, risk: Risk, products: frozenset[str]) -> float | None:
    found = design(spec.only(products), need, risk, public_weight=1.0)
    return found.system_cost if isinstance(found, Bundle) else None
