"""Sizes of the classes that meet loss targets: as much senior paper as the targets allow, or the least cost of money.

The paths of the pool do not depend on how it is cut, so they are drawn once; every trial runs the waterfall on the same paths,
and the answer is that of a deterministic problem. Targets are sizes of loss, not ratings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from zhirong.finance.securitisation.compiling import compile_deal, compile_pool
from zhirong.finance.securitisation.schedule import payment_years
from zhirong.finance.securitisation.simulation import DealResult, simulate_deal
from zhirong.finance.securitisation.spec import Deal
from zhirong.kernel.errors import ConvergenceError, DomainError, UnknownNameError
from zhirong.numerics.default_paths import PoolPaths, pool_paths
from zhirong.numerics.waterfall import sums
from zhirong.params import Parameter, ParameterBook

__all__ = ["Sizing", "Target", "named_target", "size_tranches"]

_SWEEPS, _HALVINGS = 4, 20
_SHARE_STEP = 1e-6
_GRID, _ZOOMS = 13, 3


@dataclass(frozen=True, slots=True)
class Target:
    """What a class may lose.

    Parameters
    ----------
    name : str
        E.g. ``AA``.
    expected_loss : float
        Most, share of the face.
    loss_probability : float
        Most, of any loss of principal; 1 for no limit.
    parameters : tuple of Parameter
        Where the numbers come from.
    """

    name: str
    expected_loss: float
    loss_probability: float = 1.0
    parameters: tuple[Parameter, ...] = ()

    def __post_init__(self) -> None:
        for field in ("expected_loss", "loss_probability"):
            value = getattr(self, field)
            if not 0 < value <= 1:
                raise DomainError(f"target {self.name}.{field}: {value!r} is not allowed; allowed: above 0 to 1")


@dataclass(frozen=True, slots=True)
class Sizing:
    """Sizes found.

    Parameters
    ----------
    deal : Deal
        With the sizes.
    result : DealResult
        Its run, on the same paths.
    shares : Mapping of str to float
        Part of the pool by class, the residual one included.
    binding : Mapping of str to str
        Which limit stops each class: ``expected_loss``, ``loss_probability``, ``least_equity``, ``cost`` (a larger class
        would cost more in all) or ``none`` (no size meets its target, so it is left out).
    is_resolved : Mapping of str to bool
        Whether the simulation can tell a loss of the size of the target from none: its standard error is below half the target.
    average_coupon : float
        Coupon of the notes, weighted by size.
    cost : float or None
        Coupons and the cost of equity over the pool, where the cost of equity was given.
    """

    deal: Deal
    result: DealResult
    shares: Mapping[str, float]
    binding: Mapping[str, str]
    is_resolved: Mapping[str, bool]
    average_coupon: float
    cost: float | None = None


def named_target(name: str, book: ParameterBook, on: date) -> Target:
    """Return the loss target of a rating letter, with the grade of its parameters."""
    loss, chance = (
        book.at("securitisation.targets.expected_loss", on),
        book.at("securitisation.targets.loss_probability", on),
    )
    if name not in loss.value:
        raise UnknownNameError("loss target", name, loss.value)
    return Target(name, float(loss.value[name]), float(chance.value[name]), (loss, chance))


class _Trial:
    """The losses of each class at given shares, on fixed paths."""

    def __init__(self, deal: Deal, pool: PoolPaths, with_support: bool, threads: int) -> None:
        self.deal, self.pool, self.with_support, self.threads = deal, pool, with_support, threads
        self.years = payment_years(deal)

    def cut(self, shares: Mapping[str, float]) -> Deal:
        """Return the deal with shares of the pool."""
        size = self.deal.pool.balance
        tranches = []
        for tranche in self.deal.tranches:
            face = size * shares[tranche.id]
            schedule = {day: value * face / tranche.balance for day, value in tranche.schedule.items()}
            tranches.append(replace(tranche, balance=face, schedule=schedule))
        return replace(self.deal, tranches=tuple(tranches))

    def losses(self, shares: Mapping[str, float]) -> dict[str, tuple[float, float]]:
        """Return expected loss and probability of loss of each class."""
        program = compile_deal(self.cut(shares), with_support=self.with_support)
        flat = np.ones((program.periods, program.balance.size))
        total = sums(
            program,
            self.pool.flows,
            self.years,
            flat,
            fails=self.pool.fails,
            hazard=self.pool.hazard,
            threads=self.threads,
        )
        share = total.loss / program.balance
        return {
            tranche.id: (float(share[:, k].mean()), float((total.loss[:, k] > 0.01).mean()))
            for k, tranche in enumerate(self.deal.tranches)
        }


def size_tranches(
    deal: Deal,
    targets: Mapping[str, Target],
    *,
    rate: float,
    paths: int = 10_000,
    seed: int = 1,
    least_equity: float = 0.0,
    equity_cost: float | None = None,
    with_support: bool = False,
    threads: int = 1,
) -> Sizing:
    """Return the sizes of classes that meet their targets: the largest, senior first, or those of the least cost.

    Parameters
    ----------
    deal : Deal
        Its last class must hold the residual and takes what the others leave; a class without a target keeps its share.
    targets : Mapping of str to Target
        By class.
    rate : float
        Of the discount curve of the result.
    paths, seed, threads
        As in `zhirong.finance.securitisation.simulate_deal`.
    least_equity : float
        Least share of the residual class, 0 to below 1: what the originator retains.
    equity_cost : float, optional
        What the residual class costs a year, 0 to 5. With it the sizes are those of the least cost ``sum share x coupon +
        equity x equity_cost``: the senior class gives way where that lets the classes below it in.
    with_support : bool
        Size on the structure alone (default) or with the guarantor.

    Raises
    ------
    DomainError
        For a target of a class that does not exist or holds the residual.
    ConvergenceError
        Where no positive size meets the targets.

    Notes
    -----
    Lexicographic: the share of the first class is maximised by bisection given the others, then the next; sweeps repeat until
    no share moves, because classes below can take cash from those above. A thin class below a full senior one loses with the
    probability that the senior one is touched, so its target may then have no size; with `equity_cost` the share of the first
    class is searched on a grid that closes in, and the others follow.
    """
    if not deal.tranches[-1].is_residual:
        raise DomainError("tranches: the last class must hold the residual: it takes what the others leave")
    if equity_cost is not None and not 0 <= equity_cost <= 5:
        raise DomainError(f"equity_cost: {equity_cost!r} is not allowed; allowed: 0 to 5 a year")
    if not 0 <= least_equity < 1:
        raise DomainError(f"least_equity: {least_equity!r} is not allowed; allowed: 0 to below 1")
    known = [tranche.id for tranche in deal.tranches[:-1]]
    for name in targets:
        if name not in known:
            raise UnknownNameError("tranche to size", name, known)
    pool = pool_paths(compile_pool(deal), paths, seed, threads=threads)
    trial = _Trial(deal, pool, with_support, threads)
    shares = {tranche.id: tranche.balance / deal.pool.balance for tranche in deal.tranches}
    shares |= dict.fromkeys(targets, _SHARE_STEP)
    if equity_cost is None:
        binding = _sweeps(trial, shares, targets, least_equity)
    else:
        shares, binding = _least_cost(trial, shares, targets, least_equity, equity_cost)
    found = trial.cut(shares)
    result = simulate_deal(found, rate=rate, paths=paths, seed=seed, with_support=with_support, threads=threads)
    notes = found.tranches[:-1]
    face = sum(tranche.balance for tranche in notes)
    return Sizing(
        deal=found,
        result=result,
        shares=dict(shares),
        binding=binding,
        is_resolved={
            name: result.tranche(name).expected_loss.standard_error < 0.5 * target.expected_loss
            for name, target in targets.items()
        },
        average_coupon=sum(tranche.balance * tranche.coupon for tranche in notes) / face,
        cost=None if equity_cost is None else _cost(trial.deal, shares, equity_cost),
    )


def _cost(deal: Deal, shares: Mapping[str, float], equity_cost: float) -> float:
    """Return coupons and the cost of equity over the pool."""
    coupons = sum(shares[tranche.id] * tranche.coupon for tranche in deal.tranches[:-1])
    return coupons + shares[deal.tranches[-1].id] * equity_cost


def _least_cost(
    trial: _Trial,
    shares: Mapping[str, float],
    targets: Mapping[str, Target],
    least_equity: float,
    equity_cost: float,
) -> tuple[dict[str, float], dict[str, str]]:
    """Search the share of the first class with a target; the others follow, the most senior first."""
    names = [tranche.id for tranche in trial.deal.tranches]
    first = next(name for name in names if name in targets)
    room = 1.0 - least_equity - sum(shares[other] for other in names if other not in (first, names[-1]))
    cap, stop = _largest(trial, shares, first, targets, room)

    def at(share: float) -> tuple[float, dict[str, float], dict[str, str]]:
        tried = {**shares, first: share}
        tried[names[-1]] = 1.0 - sum(tried[other] for other in names[:-1])
        binding = {first: stop if share >= cap - _SHARE_STEP else "cost"}
        binding |= _sweeps(trial, tried, targets, least_equity, fixed=first)
        return _cost(trial.deal, tried, equity_cost), tried, binding

    low, high = _SHARE_STEP, cap
    best = at(cap)
    for _ in range(_ZOOMS):
        grid = np.linspace(low, high, _GRID)
        best = min([best, *(at(float(share)) for share in grid)], key=lambda item: item[0])
        width = (high - low) / (_GRID - 1)
        low, high = max(best[1][first] - width, _SHARE_STEP), min(best[1][first] + width, cap)
    return best[1], best[2]


def _sweeps(
    trial: _Trial, shares: dict[str, float], targets: Mapping[str, Target], least_equity: float, *, fixed: str = ""
) -> dict[str, str]:
    """Size the classes in turn until none moves; with one `fixed`, a class that no size suits is left out."""
    names = [tranche.id for tranche in trial.deal.tranches]
    holder = names[-1]
    binding: dict[str, str] = {}
    for _ in range(_SWEEPS):
        before = dict(shares)
        for name in (item for item in names if item in targets and item != fixed):
            room = 1.0 - least_equity - sum(shares[other] for other in names if other not in (name, holder))
            try:
                shares[name], binding[name] = _largest(trial, shares, name, targets, room)
            except ConvergenceError:
                if not fixed:
                    raise
                shares[name], binding[name] = _SHARE_STEP, "none"
            shares[holder] = 1.0 - sum(shares[other] for other in names[:-1])
        if max(abs(shares[name] - before[name]) for name in names) < 2 * _SHARE_STEP:
            return binding
    losses = trial.losses(shares)
    for name, target in targets.items():
        if binding.get(name) != "none" and _breach(losses[name], target):
            raise ConvergenceError(f"{name}: no size meets the target {target.name} after {_SWEEPS} sweeps")
    return binding


def _breach(loss: tuple[float, float], target: Target) -> str:
    """Return the limit that a class breaks, or nothing."""
    if loss[0] > target.expected_loss:
        return "expected_loss"
    return "loss_probability" if loss[1] > target.loss_probability else ""


def _largest(
    trial: _Trial, shares: Mapping[str, float], name: str, targets: Mapping[str, Target], room: float
) -> tuple[float, str]:
    """Return the largest share of a class that keeps it and every class above within their targets, and what stops it."""
    holder = trial.deal.tranches[-1].id
    names = [tranche.id for tranche in trial.deal.tranches]
    watched = [
        item
        for item in names[: names.index(name) + 1]
        if item in targets and (item == name or shares[item] > _SHARE_STEP)
    ]

    def broken(share: float) -> str:
        rest = 1.0 - share - sum(shares[other] for other in names if other not in (name, holder))
        losses = trial.losses({**shares, name: share, holder: max(rest, _SHARE_STEP)})
        return next(filter(None, (_breach(losses[item], targets[item]) for item in watched)), "")

    low, high, reason = _SHARE_STEP, max(room, _SHARE_STEP), "least_equity"
    if stop := broken(low):
        raise ConvergenceError(
            f"{name}: no size meets the targets of {', '.join(watched)}: {stop} is broken at any size"
        )
    if not (stop := broken(high)):
        return high, reason
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if now := broken(middle):
            high, stop = middle, now
        else:
            low = middle
    return low, stop
