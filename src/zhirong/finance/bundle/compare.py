"""Programmes beside the linked design, always at equal public cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from zhirong.finance.bundle.design import Bundle, NoBundle, design
from zhirong.finance.bundle.spec import BundleSpec, Need, Risk

__all__ = ["Comparison", "FrontierPoint", "Saving", "compare", "frontier", "separate_cost"]

_LEVELS = (0.05, 0.5, 0.95)


@dataclass(frozen=True, slots=True)
class Saving:
    """A saving with its interval over what is not known of default and loss; None where a design did not exist in half the draws.

    Attributes
    ----------
    value : float
        At the central risk, fraction of the loan a year.
    low, median, high : float
        5, 50 and 95 % over the draws.
    share_positive : float
        Draws in which it is above a hundredth of a basis point.
    draws : int
        Draws with both designs.
    """

    value: float
    low: float
    median: float
    high: float
    share_positive: float
    draws: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """One programme, and what linking all offers would cost at the same public cost.

    Attributes
    ----------
    programme : Bundle or NoBundle
        Under its own shares and rules.
    linked : Bundle or NoBundle or None
        All offers designed together with the programme's public cost as budget; None without a programme.
    separate : float or None
        Cost to the firm of the same products where the bank prices the loan as though it had none, at the same public cost.
    saving_on_programme, saving_on_separate : Saving or None
        Of the linked design.
    """

    programme: Bundle | NoBundle
    linked: Bundle | NoBundle | None
    separate: float | None
    saving_on_programme: Saving | None
    saving_on_separate: Saving | None


@dataclass(frozen=True, slots=True)
class FrontierPoint:
    """Least cost to the firm at one public cost; None where no design exists."""

    public_budget: float
    cost: float | None


def separate_cost(bundle: Bundle) -> float | None:
    """Return what the products of a bundle cost the firm when they are bought one by one.

    The bank prices the loan as though nothing protected it; the other parties charge their prices; the purse spends the same money,
    all of it on the firm. None where the bank would not lend at any rate.
    """
    spec = bundle.spec
    alone = replace(
        spec, bank=replace(spec.bank, rate_high=1.0, least_share=1.0), protectors=(), pool=None, take_out=None, kicker=None,
        public=replace(spec.public, interest_share=0.0, interest_share_covered=0.0, premium_share=0.0, most_expected=1.0),
    )  # fmt: skip
    bare = design(alone, replace(bundle.need, most_cash_cost=1.0), bundle.risk)
    if isinstance(bare, NoBundle):
        return None
    return bare.rate + sum(bundle.prices.values()) + bundle.fixed - bundle.public_cost


def compare(
    programmes: Sequence[BundleSpec], linked: BundleSpec, need: Need, risk: Risk, *, draws: Sequence[Risk] = ()
) -> tuple[Comparison, ...]:
    """Compare programmes with the joint design of all offers at equal public cost.

    Parameters
    ----------
    programmes : sequence of BundleSpec
        Each with its own shares and rules.
    linked : BundleSpec
        All offers; its own caps on the pool and on public cost are replaced by the programme's public cost.
    need, risk
        As in `design`.
    draws : sequence of Risk
        Draws of default probability and loss, for the intervals.
    """
    return tuple(_one(programme, linked, need, risk, draws) for programme in programmes)


def _one(programme: BundleSpec, linked: BundleSpec, need: Need, risk: Risk, draws: Sequence[Risk]) -> Comparison:
    own = design(programme, need, risk)
    if isinstance(own, NoBundle):
        return Comparison(own, None, None, None, None)
    best = _at_equal_cost(linked, own)
    apart = separate_cost(own)
    on_programme: list[float] = []
    on_separate: list[float] = []
    for drawn in draws:
        mine = design(programme, need, drawn)
        if isinstance(mine, NoBundle):
            continue
        other, alone = _at_equal_cost(linked, mine), separate_cost(mine)
        if isinstance(other, Bundle):
            on_programme.append(mine.cost - other.cost)
            if alone is not None:
                on_separate.append(alone - other.cost)
    found = best.cost if isinstance(best, Bundle) else None
    return Comparison(
        own, best, apart, _saving(None if found is None else own.cost - found, on_programme, len(draws)),
        _saving(None if found is None or apart is None else apart - found, on_separate, len(draws)),
    )  # fmt: skip


def _at_equal_cost(linked: BundleSpec, own: Bundle) -> Bundle | NoBundle:
    # A hair of room: the programme itself must stay among the designs, to the last digit of its public cost.
    pool = None if linked.pool is None else replace(linked.pool, most_expected=1.0)
    return design(replace(linked, pool=pool), own.need, own.risk, public_budget=own.public_cost + 1e-12)


def _saving(value: float | None, found: Sequence[float], asked: int) -> Saving | None:
    if value is None or len(found) < max(asked / 2, 1):
        return None
    low, median, high = np.quantile(found, _LEVELS).tolist()
    return Saving(value, low, median, high, float(np.mean(np.array(found) > 1e-6)), len(found))


def frontier(spec: BundleSpec, need: Need, risk: Risk, *, budgets: Sequence[float]) -> tuple[FrontierPoint, ...]:
    """Return the least cost to the firm at each expected public cost, fraction of the loan a year."""
    pool = None if spec.pool is None else replace(spec.pool, most_expected=1.0)
    points = []
    for budget in budgets:
        found = design(replace(spec, pool=pool), need, risk, public_budget=budget)
        points.append(FrontierPoint(budget, found.cost if isinstance(found, Bundle) else None))
    return tuple(points)
