"""Cash waterfalls of many paths in one compiled pass: arrays in, ledgers or sums out.

A deal is a `Program`: arrays that a compiler writes from a readable specification. Every period of every path collects cash,
tests triggers, then follows the steps in order; nothing is allocated within a path. A hundredth of a fen is rounding:
no test turns on it. The words, the order of events and the
meaning of each step are those of ``docs`` for `zhirong.finance.securitisation`; the codes below are their numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from zhirong.numerics.graph.compiled import over_ranges, require
from zhirong.numerics.waterfall_kernel import LANES, run_ledgers, run_sums

__all__ = [
    "LEDGER_COLUMNS",
    "TRANCHE_COLUMNS",
    "Amount",
    "Column",
    "FeeBasis",
    "Flow",
    "Op",
    "Program",
    "ReserveBasis",
    "Setting",
    "Source",
    "Sums",
    "Test",
    "conservation_error",
    "ledgers",
    "sums",
]  # fmt: skip

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_BLOCK = LANES


class Op(IntEnum):
    """What a step does."""

    FEES = 0
    INTEREST = 1
    PRINCIPAL = 2
    FUND_RESERVE = 3
    RELEASE_RESERVE = 4
    REIMBURSE = 5
    BUY = 6
    RESIDUAL = 7


class Amount(IntEnum):
    """How much principal a step may pay."""

    AVAILABLE = 0
    COLLECTIONS = 1
    DECLINE = 2
    SCHEDULED = 3
    MATURITY = 4
    TO_OC = 5


class Source(IntEnum):
    """Bits of the sources a step may draw on when collections are short, tried in this order."""

    RESERVE = 1
    GUARANTOR = 2


class FeeBasis(IntEnum):
    """What a fee rate is applied to."""

    FIXED = 0
    POOL = 1
    COLLECTIONS = 2
    NOTES = 3


class ReserveBasis(IntEnum):
    """What the reserve target is a share of."""

    AMOUNT = 0
    ORIGINAL_POOL = 1
    POOL = 2
    NOTES = 3
    PAYMENT = 4


class Test(IntEnum):
    """What a trigger tests."""

    __test__ = False  # not a test of pytest's

    OC = 0
    IC = 1
    DEFAULTS = 2
    LOSS = 3
    RESERVE = 4
    SHORTFALL = 5
    GUARANTOR = 6
    PERIOD = 7
    ANY = 8
    ALL = 9
    REVOLVING = 10


class Setting(IntEnum):
    """Places of the numbers of a deal in `Program.settings`."""

    ORIGINAL_POOL = 0
    RESERVE_INITIAL = 1
    RESERVE_SHARE = 2
    RESERVE_FLOOR = 3
    RESERVE_BASIS = 4
    GUARANTOR_CAP = 5
    CALL_SHARE = 6
    CALL_PRICE = 7
    BUY_BACK_SHARE = 8
    BUY_BACK_CAP = 9
    RECOVERY_LAG = 10
    REVOLVING_LAST = 11
    REVOLVING_STOP = 12
    REPLACEMENT_PRICE = 13
    REPLACEMENT_RECOVERY = 14
    RESIDUAL_HOLDER = 15
    COUNT = 16


class Flow(IntEnum):
    """Columns of the cash flow of the pool, of one path and period."""

    INTEREST = 0
    PRINCIPAL = 1
    PREPAYMENT = 2
    RECOVERY = 3
    DEFAULT = 4
    BALANCE = 5
    COUNT = 6


class Column(IntEnum):
    """Columns of a ledger that concern the whole deal; those of the tranches follow."""

    INTEREST = 0
    PRINCIPAL = 1
    RECOVERY = 2
    BUY_BACK = 3
    CALL = 4
    ACCOUNT_INTEREST = 5
    SUPPORT = 6
    FEES = 7
    REIMBURSED = 8
    PURCHASES = 9
    RESIDUAL = 10
    RESERVE = 11
    CASH = 12
    POOL = 13
    DEFAULT = 14
    TRIGGERS = 15
    FEES_UNPAID = 16
    OWED = 17
    COUNT = 18


TRANCHE_COLUMNS = ("interest", "principal", "balance", "shortfall")
"""Columns of a ledger for each tranche, after the `Column.COUNT` columns of the deal: tranche k starts at ``COUNT + 4 k``."""
LEDGER_COLUMNS = int(Column.COUNT)
_INFLOWS = [Column.INTEREST, Column.PRINCIPAL, Column.RECOVERY, Column.BUY_BACK, Column.CALL, Column.ACCOUNT_INTEREST,
            Column.SUPPORT]  # fmt: skip
_OUTFLOWS = [Column.FEES, Column.REIMBURSED, Column.PURCHASES, Column.RESIDUAL]


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled deal: K tranches, F fees, J triggers, S steps, T periods, A ages of replacement assets.

    Parameters
    ----------
    balance : ndarray, shape (K,)
        Face at closing, in order of seniority.
    rate : ndarray, shape (T, K)
        Coupon times year fraction of each period.
    schedule : ndarray, shape (T, K)
        Balance at most after the period, for `Amount.SCHEDULED`; infinite where there is no schedule.
    maturity : ndarray of int, shape (K,)
        Period in which the tranche is due in full.
    compounds : ndarray of int, shape (K,)
        1 where unpaid interest bears interest.
    fee_basis : ndarray of int, shape (F,)
        `FeeBasis`.
    fee_fixed, fee_rate : ndarray, shape (T, F)
        Amount of the period, and rate of the period on the basis.
    test : ndarray of int, shape (J, 4)
        `Test`, first member, number of members, 1 where a breach is never cured. Parts come before the whole.
    level : ndarray, shape (T, J)
        Level of the test by period.
    step : ndarray of int, shape (S, 8)
        `Op`, first member, number of members, `Amount`, 1 for pro rata, bits of `Source`, trigger of the condition or -1,
        1 where the trigger must be true.
    step_level : ndarray, shape (S,)
        Ratio of `Amount.TO_OC`.
    members : ndarray of int, shape (M,)
        Tranches, fees or triggers named by tests and steps.
    account_rate, support_rate : ndarray, shape (T,)
        Interest of a period on what the accounts hold, and on what is owed to the guarantor.
    replacement : ndarray, shape (A + 1, 3)
        Interest, principal and closing balance by age for one unit bought in the revolving period; row 0 holds (0, 0, 1).
    settings : ndarray, shape (Setting.COUNT,)
        The rest; see `Setting`.
    """

    balance: Floats
    rate: Floats
    schedule: Floats
    maturity: Ints
    compounds: Ints
    fee_basis: Ints
    fee_fixed: Floats
    fee_rate: Floats
    test: Ints
    level: Floats
    step: Ints
    step_level: Floats
    members: Ints
    account_rate: Floats
    support_rate: Floats
    replacement: Floats
    settings: Floats

    @property
    def periods(self) -> int:
        """Number of periods."""
        return int(self.rate.shape[0])

    @property
    def width(self) -> int:
        """Columns of a ledger."""
        return LEDGER_COLUMNS + len(TRANCHE_COLUMNS) * self.balance.size

    def arrays(self) -> tuple[Floats | Ints, ...]:
        """Return the arrays in the order of the compiled kernels."""
        return tuple(getattr(self, item.name) for item in fields(self))


@dataclass(frozen=True, slots=True)
class Sums:
    """What the paths add up to: N paths, K tranches, T periods.

    Parameters
    ----------
    present_value : ndarray, shape (N, K)
        Interest, principal, and the residual of its holder, discounted.
    interest, principal, weighted_principal : ndarray, shape (N, K)
        Paid over the life; principal times the years at which it is paid.
    loss, shortfall : ndarray, shape (N, K)
        Principal never paid, and interest still owed at the end.
    residual, support, reimbursed, defaults, recoveries, fees : ndarray, shape (N,)
        Totals of a path.
    triggered : ndarray of int, shape (N, J)
        First period in which each trigger is breached, T where never.
    mean_interest, mean_principal, mean_balance : ndarray, shape (T, K)
        Mean over the paths, period by period.
    mean_deal : ndarray, shape (T, LEDGER_COLUMNS)
        Mean of the columns of the deal.
    error : float
        Largest violation of the conservation of cash on any path in any period, in units of money.
    """

    present_value: Floats
    interest: Floats
    principal: Floats
    weighted_principal: Floats
    loss: Floats
    shortfall: Floats
    residual: Floats
    support: Floats
    reimbursed: Floats
    defaults: Floats
    recoveries: Floats
    fees: Floats
    triggered: Ints
    mean_interest: Floats
    mean_principal: Floats
    mean_balance: Floats
    mean_deal: Floats
    error: float


def _checked(program: Program, flows: Floats, fails: Ints | None, hazard: Floats | None) -> tuple[Floats, Ints, Floats]:
    require(
        flows.ndim == 3 and flows.shape[1:] == (program.periods, int(Flow.COUNT)),
        f"flows must have shape (paths, {program.periods}, {int(Flow.COUNT)}), not {flows.shape}",
    )
    paths = flows.shape[0]
    if fails is None:
        fails = np.full(paths, program.periods, np.int64)
    require(fails.shape == (paths,), f"fails must have shape ({paths},), not {fails.shape}")
    if hazard is None:
        hazard = np.zeros((1, program.periods))
    require(
        hazard.shape in {(1, program.periods), (paths, program.periods)},
        f"hazard must have shape ({paths}, {program.periods}), not {hazard.shape}",
    )
    return np.ascontiguousarray(flows, np.float64), fails, hazard


def ledgers(
    program: Program, flows: Floats, *, fails: Ints | None = None, hazard: Floats | None = None, threads: int = 1
) -> Floats:
    """Return the ledger of every path.

    Parameters
    ----------
    program : Program
        The deal.
    flows : ndarray, shape (N, T, Flow.COUNT)
        Cash flow of the pool in money; `Flow.BALANCE` is the performing balance after the period.
    fails : ndarray of int, shape (N,), optional
        First period in which the guarantor no longer pays; never where not given.
    hazard : ndarray, shape (N, T), optional
        Share of the replacement assets that defaults in the period; 0 where not given.
    threads : int
        Of no influence on the result.

    Returns
    -------
    ndarray, shape (N, T, Program.width)
        Columns of the deal, then interest, principal, closing balance and unpaid interest of each tranche.
    """
    flows, fails, hazard = _checked(program, flows, fails, hazard)
    out = np.zeros((flows.shape[0], program.periods, program.width))
    over_ranges(
        lambda a, b: run_ledgers(program.arrays(), flows, fails, hazard, out, a, b),
        flows.shape[0], threads=threads, block=_BLOCK,
    )  # fmt: skip
    return out


def sums(
    program: Program,
    flows: Floats,
    years: Floats,
    discount: Floats,
    *,
    fails: Ints | None = None,
    hazard: Floats | None = None,
    threads: int = 1,
) -> Sums:
    """Return sums of every path without keeping the ledgers.

    Parameters
    ----------
    program, flows, fails, hazard, threads
        As for `ledgers`.
    years : ndarray, shape (T,)
        Time of each payment from closing.
    discount : ndarray, shape (T, K)
        Discount factor of each tranche.
    """
    flows, fails, hazard = _checked(program, flows, fails, hazard)
    paths, tranches, periods = flows.shape[0], program.balance.size, program.periods
    require(
        discount.shape == (periods, tranches), f"discount must have shape {(periods, tranches)}, not {discount.shape}"
    )
    by_tranche = np.zeros((6, paths, tranches))
    by_path = np.zeros((6, paths))
    triggered = np.full((paths, program.test.shape[0]), periods, np.int64)
    blocks = (paths + _BLOCK - 1) // _BLOCK
    partial = np.zeros((blocks, periods, program.width))
    error = np.zeros(blocks)

    def work(first: int, last: int) -> None:
        place = first // _BLOCK
        run_sums(
            program.arrays(), flows, fails, hazard, years, discount, by_tranche, by_path, triggered, partial[place],
            error, place, first, last,
        )  # fmt: skip

    over_ranges(work, paths, threads=threads, block=_BLOCK)
    mean = partial.sum(axis=0) / max(paths, 1)
    tranche = mean[:, LEDGER_COLUMNS:].reshape(periods, tranches, len(TRANCHE_COLUMNS))
    return Sums(
        *(by_tranche[c] for c in range(6)), *(by_path[c] for c in range(6)), triggered,  # type: ignore[call-arg]
        tranche[:, :, 0], tranche[:, :, 1], tranche[:, :, 2], mean[:, :LEDGER_COLUMNS], float(error.max(initial=0.0)),
    )  # fmt: skip


def conservation_error(program: Program, ledger: Floats) -> Floats:
    """Return by how much each period of each path breaks the conservation of cash.

    ``opening accounts + inflows - outflows - closing accounts``, in money, shape (N, T); exact arithmetic gives 0.
    """
    opening = np.zeros(ledger.shape[:2])
    accounts = ledger[:, :, Column.RESERVE] + ledger[:, :, Column.CASH]
    opening[:, 0] = program.settings[Setting.RESERVE_INITIAL]
    opening[:, 1:] = accounts[:, :-1]
    tranche = ledger[:, :, LEDGER_COLUMNS:].reshape(*ledger.shape[:2], -1, len(TRANCHE_COLUMNS))
    paid = tranche[:, :, :, 0].sum(axis=2) + tranche[:, :, :, 1].sum(axis=2)
    inflow = ledger[:, :, _INFLOWS].sum(axis=2)
    outflow = ledger[:, :, _OUTFLOWS].sum(axis=2)
    return np.asarray(opening + inflow - outflow - paid - accounts)
