"""Running a deal: pool, waterfall and the numbers of each class, with the error of the simulation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zhirong.finance.securitisation.compiling import compile_deal, compile_pool, trigger_names
from zhirong.finance.securitisation.pricing import (
    discount_margin,
    effective_duration,
    flat_discount,
    internal_rate,
)  # fmt: skip
from zhirong.finance.securitisation.schedule import payment_years
from zhirong.finance.securitisation.spec import Deal, Tranche
from zhirong.kernel.errors import DomainError
from zhirong.kernel.text import Bilingual
from zhirong.numerics.default_paths import PoolPaths, pool_paths
from zhirong.numerics.waterfall import Column, Program, Sums, sums

__all__ = ["DealResult", "Estimate", "TrancheResult", "TriggerResult", "simulate_deal"]

Floats = NDArray[np.float64]
_BATCH = 4_096
_LOSS_OF_A_FEN = 0.01
_TOLERANCE = 1e-12


@dataclass(frozen=True, slots=True)
class Estimate:
    """A simulated number with the interval of its Monte Carlo error.

    Parameters
    ----------
    value : float
        Estimate.
    standard_error : float
        Of the simulation; it says nothing about the assumptions.
    low, high : float
        95 % interval; Wilson's where the number is a probability.
    """

    value: float
    standard_error: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class TrancheResult:
    """One class of notes.

    Parameters
    ----------
    id, label, balance, share, attachment, detachment
        Name, face, part of the pool, and the part of the pool below it and with it.
    price : Estimate
        For 100 of face at the discount curve of the run.
    weighted_life_years : Estimate
        Mean time of principal, over the principal repaid; None of a class that is never repaid.
    duration_years : float or None
        Effective duration of the expected cash flow.
    discount_margin : Estimate or None
        Flat addition to the curve at which the expected cash flow is worth the face.
    expected_loss : Estimate
        Principal never repaid, share of the face; of the holder of the residual, what the residual leaves uncovered.
    loss_probability : Estimate
        Probability that any principal is lost.
    interest_shortfall_probability : Estimate
        Probability that interest is still owed at the end.
    break_even_yield : float or None
        Internal rate of return of the expected cash flow at par.
    expected_residual : Estimate or None
        Residual cash over the life, of its holder.
    """

    id: str
    label: Bilingual
    balance: float
    share: float
    attachment: float
    detachment: float
    rating: str
    is_residual: bool
    price: Estimate
    weighted_life_years: Estimate | None
    duration_years: float | None
    discount_margin: Estimate | None
    expected_loss: Estimate
    loss_probability: Estimate
    interest_shortfall_probability: Estimate
    break_even_yield: float | None
    expected_residual: Estimate | None


@dataclass(frozen=True, slots=True)
class TriggerResult:
    """How often a trigger is breached, and when first, on average of the paths that breach it."""

    id: str
    label: Bilingual
    probability: Estimate
    mean_first_year: float | None


@dataclass(frozen=True, slots=True)
class DealResult:
    """What a run of a deal gives.

    Parameters
    ----------
    deal : Deal
        What was run.
    with_support : bool
        Whether the guarantor could be called.
    tranches, triggers
        Results of the parts.
    pool_loss, defaults, support_drawn, support_probability : Estimate
        Net loss and defaults as shares of the pool, money drawn on the guarantor, probability that it is called.
    conservation_error : float
        Largest break of ``in = out + change of accounts`` on any path in any period, in money.
    years, mean_interest, mean_principal, mean_balance, mean_deal : ndarray
        Expected cash by payment date and class, and the columns of the deal.
    loss_share : ndarray, shape (paths, K)
        Loss of each class on each path, share of the face.
    """

    deal: Deal
    with_support: bool
    paths: int
    seed: int
    rate: float
    tranches: tuple[TrancheResult, ...]
    triggers: tuple[TriggerResult, ...]
    pool_loss: Estimate
    defaults: Estimate
    support_drawn: Estimate
    support_probability: Estimate
    conservation_error: float
    years: Floats
    mean_interest: Floats
    mean_principal: Floats
    mean_balance: Floats
    mean_deal: Floats
    loss_share: Floats

    def tranche(self, name: str) -> TrancheResult:
        """Return a class by name."""
        for item in self.tranches:
            if item.id == name:
                return item
        raise DomainError(f"no tranche {name!r}; known: {', '.join(item.id for item in self.tranches)}")


def simulate_deal(
    deal: Deal, *, rate: float, paths: int = 10_000, seed: int = 1, with_support: bool = True, threads: int = 1
) -> DealResult:
    """Simulate a deal.

    Parameters
    ----------
    deal : Deal
        Checked specification.
    rate : float
        Flat risk-free rate a year, compounded yearly, of the discount curve; between -0.05 and 1.
    paths : int
        At least 2.
    seed : int
        Same seed, same numbers; of no influence: threads.
    with_support : bool
        False answers what the structure alone is worth.
    threads : int
        At least 1.

    Returns
    -------
    DealResult

    Notes
    -----
    Cash is conserved on every path in every period; a break above rounding is a broken invariant and stops the run.
    """
    if paths < 2:
        raise DomainError(f"paths must be at least 2, not {paths}")
    if not -0.05 <= rate <= 1:
        raise DomainError(f"rate must be -0.05 to 1 a year, not {rate}")
    program, model = compile_deal(deal, with_support=with_support), compile_pool(deal)
    years = payment_years(deal)
    discount = np.repeat(flat_discount(years, rate)[:, None], len(deal.tranches), axis=1)
    parts = []
    for first in range(0, paths, _BATCH):
        pool = pool_paths(model, min(_BATCH, paths - first), seed, first=first, threads=threads)
        parts.append(_sums(program, pool, years, discount, threads))
    total = _joined(parts)
    assert total.error <= max(1e-6, _TOLERANCE * deal.pool.balance), f"cash is not conserved: {total.error}"
    return _result(deal, total, years, rate, paths, seed, with_support)


def _sums(program: Program, pool: PoolPaths, years: Floats, discount: Floats, threads: int) -> Sums:
    return sums(program, pool.flows, years, discount, fails=pool.fails, hazard=pool.hazard, threads=threads)


def _joined(parts: list[Sums]) -> Sums:
    """Put batches of paths together; means are weighted by the number of paths."""
    if len(parts) == 1:
        return parts[0]
    weights = np.array([part.residual.size for part in parts], float)
    found = {}
    for name in Sums.__slots__:
        values = [getattr(part, name) for part in parts]
        if name == "error":
            found[name] = max(values)
        elif name.startswith("mean_"):
            found[name] = np.tensordot(weights / weights.sum(), np.array(values), axes=1)
        else:
            found[name] = np.concatenate(values)
    return Sums(**found)


def mean_estimate(values: Floats) -> Estimate:
    """Return the mean of paths with its standard error."""
    error = float(values.std(ddof=1) / np.sqrt(values.size))
    value = float(values.mean())
    return Estimate(value, error, value - 1.96 * error, value + 1.96 * error)


def share_estimate(happened: NDArray[np.bool_]) -> Estimate:
    """Return a probability with Wilson's interval, which is not empty where nothing happened."""
    n, p, z = happened.size, float(happened.mean()), 1.959963984540054
    centre, width = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return Estimate(
        p,
        float(np.sqrt(p * (1 - p) / n)),
        max(float(centre - width) / scale, 0.0),
        min(float(centre + width) / scale, 1.0),
    )


def ratio_estimate(top: Floats, bottom: Floats) -> Estimate:
    """Return the ratio of two means, with its standard error by the delta method."""
    value = float(top.mean() / bottom.mean())
    error = float((top - value * bottom).std(ddof=1) / np.sqrt(top.size) / bottom.mean())
    return Estimate(value, error, value - 1.96 * error, value + 1.96 * error)


def _result(
    deal: Deal, total: Sums, years: Floats, rate: float, paths: int, seed: int, with_support: bool
) -> DealResult:
    pool = deal.pool.balance
    lost = total.loss.copy()
    for k, tranche in enumerate(deal.tranches):
        if tranche.is_residual:
            lost[:, k] = np.maximum(lost[:, k] - total.residual, 0.0)
    loss = lost / np.array([tranche.balance for tranche in deal.tranches])
    periods = years.size
    triggers = [
        _trigger(deal, name, total.triggered[:, j], years, periods)
        for j, name in enumerate(trigger_names(deal))
        if any(trigger.id == name for trigger in deal.triggers)
    ]
    return DealResult(
        deal=deal,
        with_support=with_support,
        paths=paths,
        seed=seed,
        rate=rate,
        tranches=tuple(
            _tranche(deal, k, tranche, total, loss[:, k], years, rate) for k, tranche in enumerate(deal.tranches)
        ),
        triggers=tuple(triggers),
        pool_loss=mean_estimate((total.defaults - total.recoveries) / pool),
        defaults=mean_estimate(total.defaults / pool),
        support_drawn=mean_estimate(total.support),
        support_probability=share_estimate(total.support > _LOSS_OF_A_FEN),
        conservation_error=total.error,
        years=years,
        mean_interest=total.mean_interest,
        mean_principal=total.mean_principal,
        mean_balance=total.mean_balance,
        mean_deal=total.mean_deal,
        loss_share=loss,
    )


def _trigger(deal: Deal, name: str, first: NDArray[np.int64], years: Floats, periods: int) -> TriggerResult:
    label = next(trigger.label for trigger in deal.triggers if trigger.id == name)
    hit = first < periods
    return TriggerResult(name, label, share_estimate(hit), float(years[first[hit]].mean()) if hit.any() else None)


def _tranche(
    deal: Deal, k: int, tranche: Tranche, total: Sums, loss: Floats, years: Floats, rate: float
) -> TrancheResult:
    pool = deal.pool.balance
    below = pool - sum(item.balance for item in deal.tranches[: k + 1])
    cash = total.mean_interest[:, k] + total.mean_principal[:, k]
    if tranche.is_residual:
        cash = cash + total.mean_deal[:, Column.RESIDUAL]
    repaid = bool(total.principal[:, k].mean() > _LOSS_OF_A_FEN)
    price = mean_estimate(100.0 * total.present_value[:, k] / tranche.balance)
    duration = effective_duration(cash, years, rate)
    margin = None
    if not tranche.is_residual and (value := discount_margin(cash, years, tranche.balance, rate)) is not None:
        error = price.standard_error / max(100.0 * (duration or 1.0), 1e-9)
        margin = Estimate(value, error, value - 1.96 * error, value + 1.96 * error)
    return TrancheResult(
        id=tranche.id,
        label=tranche.label,
        balance=tranche.balance,
        share=tranche.balance / pool,
        attachment=max(below, 0.0) / pool,
        detachment=max(below + tranche.balance, 0.0) / pool,
        rating=tranche.rating,
        is_residual=tranche.is_residual,
        price=price,
        weighted_life_years=ratio_estimate(total.weighted_principal[:, k], total.principal[:, k]) if repaid else None,
        duration_years=duration,
        discount_margin=margin,
        expected_loss=mean_estimate(loss),
        loss_probability=share_estimate(loss * tranche.balance > _LOSS_OF_A_FEN),
        interest_shortfall_probability=share_estimate(total.shortfall[:, k] > _LOSS_OF_A_FEN),
        break_even_yield=internal_rate(cash, years, tranche.balance),
        expected_residual=mean_estimate(total.residual) if tranche.is_residual else None,
    )
