"""The income approach over many draws at once: excess earnings, with-and-without, profit split, and royalties that stack.

Every function takes arrays of shape (draws, periods) or what broadcasts to it: one row is one draw, one column one period of the
calendar. The periods are those of `royalty_flows`: a first, perhaps partial, year, whole years after it, and the term of each draw
cut where its life ends. A single deterministic case is an array with one row.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize

from zhirong.kernel.errors import DomainError
from zhirong.numerics.basis import Basis, one_basis

__all__ = [
    "ContributoryAsset",
    "IncomeValue",
    "charge_share",
    "discount_times",
    "equivalent_life",
    "erosion",
    "excess_earnings_values",
    "grown",
    "period_lengths",
    "profit_split_values",
    "tax_amortisation",
    "valued",
    "with_and_without_values",
]

Floats = NDArray[np.float64]
_YEARS_MAX = 64


@dataclass(frozen=True, slots=True)
class IncomeValue:
    """Values by an income method.

    Parameters
    ----------
    flows : ndarray, shape (draws, periods)
        After tax, not discounted.
    present_value : ndarray, shape (draws,)
        Before the benefit of amortising the price.
    tax_factor : ndarray, shape (draws,)
        Factor of that benefit, at least 1.
    value : ndarray, shape (draws,)
        Their product.
    """

    flows: Floats
    present_value: Floats
    tax_factor: Floats
    value: Floats


@dataclass(frozen=True, slots=True)
class ContributoryAsset:
    """A class of assets that the product uses beside the one that is valued.

    Parameters
    ----------
    name : str
        ``working_capital``, ``fixed_assets``, ``workforce``...
    revenue_share : ndarray or float
        Fair value over yearly revenue; 0 or more.
    required_return : ndarray or float
        Return **on** the asset after tax, fraction a year.
    life_years : ndarray or float
        Years over which it is used up, for the return **of** it; infinite where it is kept up by its own replacement or does not wear
        out, as working capital does not.
    is_wear_in_margin : bool
        Its wear is already an expense above the operating margin, so that a return of it would be charged twice.
    """

    name: str
    revenue_share: ArrayLike
    required_return: ArrayLike
    life_years: ArrayLike = math.inf
    is_wear_in_margin: bool = False


def period_lengths(term_years: ArrayLike, *, first_period_years: float = 1.0) -> Floats:
    """Return the part of each period that lies within the term of each draw.

    Parameters
    ----------
    term_years : array_like, shape (draws,)
        Years of flows, the smaller of the legal and the economic life; 0 to 64.
    first_period_years : float
        Length of the first period in (0, 1].

    Returns
    -------
    ndarray, shape (draws, periods)
        Years, 0 to 1; as many periods as the longest term needs, at least one.

    Examples
    --------
    >>> period_lengths([2.25, 0.5], first_period_years=0.5).tolist()
    [[0.5, 1.0, 0.75], [0.5, 0.0, 0.0]]
    """
    term = np.atleast_1d(np.asarray(term_years, np.float64))
    if term.ndim != 1 or not np.isfinite(term).all() or (term < 0).any() or (term > _YEARS_MAX).any():
        raise DomainError(f"term_years is one dimension of 0 to {_YEARS_MAX}")
    if not 0 < first_period_years <= 1:
        raise DomainError(f"first_period_years must be in (0, 1], not {first_period_years}")
    longest = float(term.max())
    count = max(1, math.ceil(longest - first_period_years - 1e-12) + 1)
    starts = np.r_[0.0, first_period_years + np.arange(count - 1)]
    whole = np.r_[first_period_years, np.ones(count - 1)]
    return np.asarray(np.clip(term[:, None] - starts, 0.0, whole), np.float64)


def discount_times(lengths: Floats, *, mid_period: bool = True) -> Floats:
    """Return the time at which the flow of each period arrives: its middle or its end; shape of `lengths`."""
    ends = np.cumsum(lengths, axis=-1)
    return np.asarray(ends - (0.5 if mid_period else 0.0) * lengths, np.float64)


def grown(first: ArrayLike, growth: ArrayLike, periods: int, *, long_run: float = 0.0, fade: float = 1.0) -> Floats:
    """Return yearly amounts whose growth starts as drawn and fades to a long-run rate; shape (draws, periods).

    Notes
    -----
    ``x_0 = first``, ``x_(t+1) = x_t (1 + long_run + (growth - long_run) fade^t)``, as in relief from royalty.
    """
    start, rate = np.broadcast_arrays(np.asarray(first, np.float64), np.asarray(growth, np.float64))
    if periods < 1 or not 0 <= fade <= 1:
        raise DomainError("periods is at least 1 and fade is 0 to 1")
    steps = 1.0 + long_run + (np.atleast_1d(rate) - long_run)[:, None] * fade ** np.arange(periods - 1)
    path = np.ones((steps.shape[0], periods))
    np.cumprod(steps, axis=1, out=path[:, 1:])
    return np.atleast_1d(start)[:, None] * path


def tax_amortisation(
    tax_rate: ArrayLike, tax_life_years: ArrayLike, rate: ArrayLike, *, mid_period: bool = True
) -> Floats:
    """Return the factor by which amortising the price for tax raises a value, draw by draw.

    Parameters
    ----------
    tax_rate : array_like
        Fraction, 0 to below 1.
    tax_life_years : array_like
        Straight-line life; 0 where the law gives no deduction, and then the factor is 1.
    rate : array_like
        Discount rate after tax, above -1.

    Notes
    -----
    ``1 / (1 - tax/n * A(n, r) * (1+r)^m)``; see `zhirong.numerics.montecarlo.tax_amortisation_factor`, the scalar form.

    Examples
    --------
    >>> tax_amortisation(0.25, [10, 0], 0.12, mid_period=False).round(10).tolist()
    [1.1644908214, 1.0]
    """
    tax, life, r = np.broadcast_arrays(*(np.asarray(v, np.float64) for v in (tax_rate, tax_life_years, rate)))
    if (tax < 0).any() or (tax >= 1).any() or (life < 0).any() or (r <= -1).any():
        raise DomainError("tax_rate is 0 to below 1, tax_life_years 0 or more, rate above -1")
    n = np.where(life > 0, life, 1.0)
    safe = np.where(np.abs(r) < 1e-12, 1.0, r)
    annuity = np.where(np.abs(r) < 1e-12, n, -np.expm1(-n * np.log1p(r)) / safe)
    shield = tax / n * annuity * (1.0 + r) ** (0.5 if mid_period else 0.0)
    if (shield >= 1).any():
        raise DomainError("the tax benefit is as large as the price itself: the discount rate is too far below zero")
    return np.asarray(np.where(life > 0, 1.0 / (1.0 - shield), 1.0), np.float64)


def equivalent_life(decline: float, rate: float) -> float:
    """Return the straight-line life whose deductions are worth those of a declining balance.

    Parameters
    ----------
    decline : float
        Share of the balance written off each year, in (0, 1].
    rate : float
        Discount rate after tax, above minus the decline.

    Notes
    -----
    A declining balance is worth ``decline/(rate + decline)`` of the price at the end of years, a straight line ``A(n, rate)/n``; the
    life n at which they are equal is solved for. At a rate of 0 the limit is ``2/decline - 1``, which has the same mean time.

    Examples
    --------
    >>> round(equivalent_life(1.0, 0.12), 10)
    1.0
    """
    if not 0 < decline <= 1 or rate <= -decline:
        raise DomainError("decline is in (0, 1] and rate is above minus the decline")
    if abs(rate) < 1e-6:
        return 2.0 / decline - 1.0
    target = decline / (rate + decline)
    growth = math.log1p(rate)
    return float(optimize.brentq(lambda n: -math.expm1(-n * growth) / (rate * n) - target, 1e-6, 1e3, xtol=1e-12))


def valued(flows: Floats, rate: ArrayLike, lengths: Floats, *, tax_rate: ArrayLike, tax_life_years: ArrayLike,
           mid_period: bool = True, flow_basis: Basis | None = None, rate_basis: Basis | None = None) -> IncomeValue:  # fmt: skip
    """Discount flows after tax, and add the benefit of amortising the price.

    Parameters
    ----------
    flows : ndarray, shape (draws, periods)
        Amounts of each period, already in proportion to the part of it that counts.
    rate : array_like, shape (draws,)
        Discount rate.
    lengths : ndarray, shape (draws, periods)
        See `period_lengths`.
    tax_rate, tax_life_years : array_like
        See `tax_amortisation`.
    flow_basis, rate_basis : Basis, optional
        Checked against each other where both are given; the benefit is defined after tax only.

    Raises
    ------
    DomainError
        For a mixture of bases, or shapes or numbers that cannot be.
    """
    if flow_basis is not None and rate_basis is not None:
        one_basis([("flows", flow_basis), ("rate", rate_basis)])
    for basis in (flow_basis, rate_basis):
        if basis is not None and basis.tax != "after_tax" and np.any(np.asarray(tax_life_years) > 0):
            raise DomainError("the benefit of tax amortisation belongs to flows and rates after tax, not before")
    amounts = np.atleast_2d(np.asarray(flows, np.float64))
    r = np.atleast_1d(np.asarray(rate, np.float64))
    if (r <= -1).any() or not np.isfinite(r).all():
        raise DomainError("rate is a finite fraction above -1")
    if not np.isfinite(amounts).all():
        raise DomainError("flows are finite numbers")
    times = discount_times(np.atleast_2d(lengths), mid_period=mid_period)
    present = np.sum(amounts * np.exp(-np.log1p(r)[:, None] * times), axis=1)
    factor = tax_amortisation(tax_rate, tax_life_years, r, mid_period=mid_period)
    factor = np.asarray(np.broadcast_to(factor, present.shape), np.float64)
    # A loss is not bought, so nothing is amortised on it.
    factor = np.where(present > 0, factor, 1.0)
    return IncomeValue(amounts, present, factor, present * factor)


def charge_share(
    assets: Mapping[str, ContributoryAsset] | tuple[ContributoryAsset, ...],
) -> tuple[Floats, dict[str, Floats]]:
    """Return contributory charges after tax over revenue: their sum, and each class.

    Returns
    -------
    (ndarray, dict of str to ndarray)
        Fractions of revenue, shape (draws,) or of one.

    Notes
    -----
    Return on and of together are the level payment that serves the asset over its life n at its return q,
    ``share * q / (1 - (1+q)^-n)``, whose present value at q is the asset; for an unbounded life it is ``share * q``. Where the wear is
    in the margin already the return **of** is left out, and the return **on** alone is charged.
    """
    items = tuple(assets.values()) if isinstance(assets, Mapping) else assets
    if len({item.name for item in items}) != len(items):
        raise DomainError("a class of contributory assets is named twice: it would be charged twice")
    parts: dict[str, Floats] = {}
    for item in items:
        share, q, n = np.broadcast_arrays(
            *(np.asarray(v, np.float64) for v in (item.revenue_share, item.required_return, item.life_years))
        )
        if (share < 0).any() or (q < 0).any() or (n <= 0).any():
            raise DomainError(f"{item.name}: revenue_share and required_return are 0 or more, life_years above 0")
        wears = np.isfinite(n) & (not item.is_wear_in_margin)
        years = np.where(wears, n, 1.0)
        is_free = q < 1e-12
        level = np.where(is_free, 1.0 / years, q / np.where(is_free, 1.0, -np.expm1(-years * np.log1p(q))))
        parts[item.name] = np.asarray(share * np.where(wears, level, q), np.float64)
    return np.asarray(sum(parts.values(), start=np.zeros(())), np.float64), parts


def _columns(*values: ArrayLike) -> list[Floats]:
    """Return one column for each input: a number or one value a draw becomes shape (draws, 1), a path stays as it is."""
    found = []
    for value in values:
        array = np.asarray(value, np.float64)
        found.append(array.reshape(-1, 1) if array.ndim < 2 else array)
    return found


def excess_earnings_values(
    revenue: Floats, operating_margin: ArrayLike, charges: ArrayLike, rate: ArrayLike, lengths: Floats, *, tax_rate: float,
    tax_life_years: ArrayLike = 0.0, probability: ArrayLike = 1.0, mid_period: bool = True,
) -> IncomeValue:  # fmt: skip
    """Return values by multi-period excess earnings, of the one residual asset of a stream of earnings.

    Parameters
    ----------
    revenue : ndarray, shape (draws, periods)
        Revenue at the yearly rate of each period.
    operating_margin : array_like
        Earnings before interest and tax over revenue; a number, one a draw, or a path.
    charges : array_like
        Contributory charges after tax over revenue (`charge_share`), of the same shapes.
    rate : array_like, shape (draws,)
        Discount rate after tax.
    lengths : ndarray, shape (draws, periods)
        See `period_lengths`.
    probability : array_like
        Chance that the flow is earned, or a factor on it by period.

    Notes
    -----
    ``V = TAB sum_t len_t p_t Rev_t [margin_t (1 - tax) - charges_t] / (1+r)^(t)``. Years of loss stay in the sum: an owner who
    makes the product bears them.
    """
    sales, margin, charge, chance = _columns(revenue, operating_margin, charges, probability)
    _tax_in_range(tax_rate)
    flows = sales * (margin * (1.0 - tax_rate) - charge) * chance * np.atleast_2d(lengths)
    return valued(flows, rate, lengths, tax_rate=tax_rate, tax_life_years=tax_life_years, mid_period=mid_period)


def erosion(lengths: Floats, years: ArrayLike, *, delay_years: ArrayLike = 0.0) -> Floats:
    """Return the mean, over each period, of a ramp that starts after a delay and takes some years from 0 to 1.

    Parameters
    ----------
    lengths : ndarray, shape (draws, periods)
        See `period_lengths`.
    years, delay_years : array_like
        0 or more, infinite for never; 0 years is a step.

    Returns
    -------
    ndarray, shape (draws, periods)
        0 to 1; integrated exactly, so it does not depend on how the calendar cuts the ramp. 0 in a period of no length.

    Examples
    --------
    >>> erosion(np.ones((1, 4)), 2.0).tolist()
    [[0.25, 0.75, 1.0, 1.0]]
    """
    ramp, delay = _columns(years, delay_years)
    if (ramp < 0).any() or (delay < 0).any():
        raise DomainError("years and delay_years are 0 or more")
    spans = np.atleast_2d(lengths)
    ends = np.cumsum(spans, axis=1)
    safe = np.where(np.isfinite(ramp) & (ramp > 0), ramp, 1.0)

    def integral(t: Floats) -> Floats:
        done = np.maximum(t - np.where(np.isfinite(delay), delay, np.inf), 0.0)
        rising = np.minimum(done, safe)
        whole = np.where(ramp > 0, rising**2 / (2 * safe) + np.maximum(done - safe, 0.0), done)
        return np.where(np.isfinite(ramp), whole, 0.0)

    mean = (integral(ends) - integral(ends - spans)) / np.where(spans > 0, spans, 1.0)
    return np.asarray(np.where(spans > 0, np.clip(mean, 0.0, 1.0), 0.0), np.float64)


def with_and_without_values(
    revenue: Floats, operating_margin: ArrayLike, rate: ArrayLike, lengths: Floats, *, tax_rate: float, lost_share: ArrayLike,
    erosion_years: ArrayLike, margin_loss: ArrayLike = 0.0, substitute_years: ArrayLike = math.inf,
    substitute_cost: ArrayLike = 0.0, tax_life_years: ArrayLike = 0.0, probability: ArrayLike = 1.0, mid_period: bool = True,
) -> IncomeValue:  # fmt: skip
    """Return the difference that the right makes: flows with it less flows without it.

    Parameters
    ----------
    revenue, operating_margin, rate, lengths
        With the right; see `excess_earnings_values`.
    lost_share : array_like
        Share of revenue that imitators take in the end, 0 to 1.
    erosion_years : array_like
        Years until they have taken it; the loss grows evenly.
    margin_loss : array_like
        Fall of the margin on what is still sold, when erosion is complete, as a fraction of revenue.
    substitute_years : array_like
        Years after which the owner would have worked around his lack of the right, so that the two plans are one again; infinite
        for never.
    substitute_cost : array_like
        What that would cost after tax, in the unit of revenue, spent evenly up to then; saved by the right. Counts only where
        `substitute_years` is within the term, because beyond it nobody would spend it.
    probability : array_like
        Chance that the right holds; without it nothing is gained.

    Notes
    -----
    With e_t the erosion and s_t the part of the period before the substitute: ``d_t = Rev_t [m_t - (1 - e_t L)(m_t - e_t M)] s_t
    (1 - tax) + cost_t``. An exact identity: without erosion, loss or cost the value is zero; with all of revenue lost at once it is
    the whole after-tax profit.
    """
    sales, margin, lost, fall, chance, cost = _columns(
        revenue, operating_margin, lost_share, margin_loss, probability, substitute_cost
    )
    _tax_in_range(tax_rate)
    if (lost < 0).any() or (lost > 1).any() or (fall < 0).any() or (cost < 0).any():
        raise DomainError("lost_share is 0 to 1; margin_loss and substitute_cost are 0 or more")
    spans = np.atleast_2d(lengths)
    gone = erosion(spans, erosion_years)
    before = 1.0 - erosion(spans, 0.0, delay_years=substitute_years)
    without = (1.0 - gone * lost) * (margin - gone * fall)
    flows = sales * (margin - without) * before * (1.0 - tax_rate) * spans
    horizon = np.asarray(substitute_years, np.float64).reshape(-1, 1)
    is_built = np.isfinite(horizon) & (horizon > 0) & (horizon <= spans.sum(axis=1, keepdims=True))
    yearly = np.where(is_built, cost / np.where(is_built, horizon, 1.0), 0.0)
    flows = (flows + yearly * before * spans) * chance
    return valued(flows, rate, lengths, tax_rate=tax_rate, tax_life_years=tax_life_years, mid_period=mid_period)


def profit_split_values(
    revenue: Floats, operating_margin: ArrayLike, share: ArrayLike, rate: ArrayLike, lengths: Floats, *, tax_rate: float,
    tax_life_years: ArrayLike = 0.0, probability: ArrayLike = 1.0, mid_period: bool = True,
) -> IncomeValue:  # fmt: skip
    """Return values by a share of the operating profit of the product.

    Parameters
    ----------
    share : array_like
        Share of operating profit due to the right, 0 to 1, with the range that evidence leaves; never one number for all cases.

    Notes
    -----
    ``V = TAB sum_t len_t p_t share max(Rev_t margin_t, 0) (1 - tax) / (1+r)^t``: in a year of loss a licensee owes nothing. It is
    relief from royalty at the rate ``share * margin``.
    """
    sales, margin, part, chance = _columns(revenue, operating_margin, share, probability)
    _tax_in_range(tax_rate)
    if (part < 0).any() or (part > 1).any():
        raise DomainError("share is a fraction of operating profit, 0 to 1")
    flows = part * np.maximum(sales * margin, 0.0) * (1.0 - tax_rate) * chance * np.atleast_2d(lengths)
    return valued(flows, rate, lengths, tax_rate=tax_rate, tax_life_years=tax_life_years, mid_period=mid_period)


def _tax_in_range(tax_rate: float) -> None:
    if not 0 <= tax_rate < 1:
        raise DomainError(f"tax_rate must be a fraction from 0 to below 1, not {tax_rate}")
