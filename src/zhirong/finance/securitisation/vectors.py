"""Runs on vectors: constant prepayment, default and severity, as arrangers quote them, and the default rate a class bears."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zhirong.finance.securitisation.compiling import compile_deal, compile_pool
from zhirong.finance.securitisation.pricing import discount_margin, internal_rate, weighted_life
from zhirong.finance.securitisation.schedule import payment_years
from zhirong.finance.securitisation.spec import Deal
from zhirong.kernel.errors import DomainError, UnknownNameError
from zhirong.numerics.waterfall import LEDGER_COLUMNS, Column, Flow, ledgers

__all__ = ["VectorRun", "break_even_default_rate", "run_vectors", "vector_flows"]

Floats = NDArray[np.float64]
_HALVINGS = 40
_LOSS_OF_A_FEN = 0.01


@dataclass(frozen=True, slots=True)
class VectorRun:
    """One run without chance.

    Parameters
    ----------
    ledger : ndarray, shape (T, width)
        See `zhirong.numerics.waterfall.ledgers`.
    loss : Mapping by class
        Principal never repaid, share of the face.
    weighted_life_years, yield_rate, discount_margin : by class
        None where a class gets nothing.
    """

    ledger: Floats
    loss: Mapping[str, float]
    weighted_life_years: Mapping[str, float | None]
    yield_rate: Mapping[str, float | None]
    discount_margin: Mapping[str, float | None]


def _vector(value: float | Sequence[float], periods: int, name: str) -> Floats:
    """Return a yearly rate by period; a shorter vector holds its last value."""
    given = np.atleast_1d(np.asarray(value, np.float64))
    if given.size == 0 or not np.isfinite(given).all() or (given < 0).any() or (given > 1).any():
        raise DomainError(f"{name}: {value!r} is not allowed; allowed: numbers from 0 to 1")
    return np.concatenate([given, np.full(max(periods - given.size, 0), given[-1])])[:periods]


def vector_flows(
    deal: Deal, *, cdr: float | Sequence[float], cpr: float | Sequence[float] = 0.0, severity: float | None = None
) -> Floats:
    """Return the cash flow of the pool of a deal under vectors.

    Parameters
    ----------
    deal : Deal
        The deal; royalties come as expected, prepayment hits every asset.
    cdr, cpr : float or sequence of float
        Share of the balance that defaults, and that prepays, a year; by payment period where a sequence.
    severity : float, optional
        Share of a default that is lost; that of the deal's mean recovery where not given.

    Returns
    -------
    ndarray, shape (1, T, Flow.COUNT)

    Notes
    -----
    A period of a years defaults ``1 - (1 - CDR)^a`` of the opening balance; survivors pay the schedule, then
    ``1 - (1 - CPR)^a`` of what is left prepays.
    """
    pool, years = compile_pool(deal), payment_years(deal)
    periods = years.size
    length = np.diff(years, prepend=0.0)
    dies = -np.expm1(length * np.log1p(-np.minimum(_vector(cdr, periods, "cdr"), 1 - 1e-15)))
    leaves = -np.expm1(length * np.log1p(-np.minimum(_vector(cpr, periods, "cpr"), 1 - 1e-15)))
    lost = 1.0 - deal.pool.recovery.mean if severity is None else float(_vector(severity, 1, "severity")[0])
    paid = pool.paid_share[:, None]
    interest, principal = (pool.interest * paid).sum(axis=0), (pool.principal * paid).sum(axis=0)
    diluted = (pool.principal * (1.0 - paid)).sum(axis=0)
    opening = pool.opening.sum(axis=0)
    closing = opening - principal - diluted
    flows = np.zeros((1, periods, int(Flow.COUNT)))
    alive = 1.0
    for t in range(periods):
        default = alive * dies[t] * opening[t]
        survives = alive * (1.0 - dies[t])
        prepaid = survives * leaves[t] * max(closing[t], 0.0)
        flows[0, t, Flow.INTEREST] = survives * interest[t]
        flows[0, t, Flow.PRINCIPAL] = survives * principal[t]
        flows[0, t, Flow.PREPAYMENT] = prepaid
        flows[0, t, Flow.DEFAULT] = default + survives * diluted[t]
        if t + pool.recovery_lag < periods:
            flows[0, t + pool.recovery_lag, Flow.RECOVERY] = (1.0 - lost) * default
        alive = survives * (1.0 - leaves[t])
        flows[0, t, Flow.BALANCE] = max(alive * closing[t], 0.0)
    return flows


def run_vectors(
    deal: Deal,
    *,
    rate: float,
    cdr: float | Sequence[float],
    cpr: float | Sequence[float] = 0.0,
    severity: float | None = None,
    with_support: bool = True,
) -> VectorRun:
    """Run a deal on vectors; see `vector_flows`. `rate` is that of the curve of the discount margin."""
    program = compile_deal(deal, with_support=with_support)
    ledger = ledgers(program, vector_flows(deal, cdr=cdr, cpr=cpr, severity=severity))[0]
    years = payment_years(deal)
    loss: dict[str, float] = {}
    lives: dict[str, float | None] = {}
    yields: dict[str, float | None] = {}
    margins: dict[str, float | None] = {}
    for k, tranche in enumerate(deal.tranches):
        at = LEDGER_COLUMNS + 4 * k
        cash = ledger[:, at] + ledger[:, at + 1] + (ledger[:, Column.RESIDUAL] if tranche.is_residual else 0.0)
        covered = float(ledger[:, Column.RESIDUAL].sum()) if tranche.is_residual else 0.0
        loss[tranche.id] = max(float(ledger[-1, at + 2]) - covered, 0.0) / tranche.balance
        lives[tranche.id] = weighted_life(ledger[:, at + 1], years)
        yields[tranche.id] = internal_rate(cash, years, tranche.balance)
        margins[tranche.id] = discount_margin(cash, years, tranche.balance, rate)
    return VectorRun(ledger, loss, lives, yields, margins)


def break_even_default_rate(
    deal: Deal,
    tranche: str,
    *,
    cpr: float | Sequence[float] = 0.0,
    severity: float | None = None,
    with_support: bool = False,
) -> float:
    """Return the largest constant default rate a year at which a class loses no principal.

    Parameters
    ----------
    deal, cpr, severity, with_support
        As in `run_vectors`; without support unless asked for.
    tranche : str
        Class.

    Returns
    -------
    float
        0 where the class loses without any default, 1 where it never does; else to 1e-9.
    """
    known = [item.id for item in deal.tranches]
    if tranche not in known:
        raise UnknownNameError("tranche", tranche, known)
    face = deal.tranches[known.index(tranche)].balance

    def loses(cdr: float) -> bool:
        run = run_vectors(deal, rate=0.0, cdr=cdr, cpr=cpr, severity=severity, with_support=with_support)
        return run.loss[tranche] * face > _LOSS_OF_A_FEN

    if loses(0.0):
        return 0.0
    if not loses(1.0):
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if loses(middle) else (middle, high)
    return low
