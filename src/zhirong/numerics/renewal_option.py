"""Renewal as an option: the model of Pakes, in which owners learn what a patent is worth while they keep it.

The return r of a year is known when its fee is due. The return of the next year is 0 with probability ``exp(-theta r)`` (the
idea turns out to be worthless), else the larger of the decayed return ``delta r`` and a newly found use z, which is an
exponential variable of mean ``sigma phi^(a-1)`` less gamma. So an owner may pay a fee above the return of the year. A chance of
obsolescence that does not depend on the return, as in Lanjouw (1998), may be added.

Values lie on a grid of returns in which one year's decay is a whole number of steps, so that decay moves nodes onto nodes;
between nodes values are linear, and the expectation over z of a piecewise linear value is a closed form.

References
----------
Pakes, A. (1986), Patents as Options: Some Estimates of the Value of Holding European Patent Stocks, *Econometrica* 54(4),
755-784. Lanjouw, J. O. (1998), Patent Protection in the Shadow of Infringement, *Review of Economic Studies* 65(4), 671-710.
The law of transition as stated in the valuation reference, section 3.4, is recalled and not compared with the paper.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from zhirong.kernel.errors import DomainError
from zhirong.numerics.graph.compiled import DEFAULT_THREADS, over_ranges
from zhirong.numerics.renewal_kernels import share_of_years, simulate_range, solve_years, values_range

__all__ = [
    "Cohorts",
    "RenewalOption",
    "SolvedRenewal",
    "option_values",
    "share_kept",
    "simulate_cohort",
    "solve_renewal",
    "value_given_kept",
]

Floats = NDArray[np.float64]
_STEP = 0.02
"""Largest step of the grid, log points."""
_DELTA_MAX = 0.998
_BLOCK = 8_192
_NODES_MAX = 20_000
_KEPT_MIN = 200


@dataclass(frozen=True, slots=True)
class RenewalOption:
    """Parameters of the model.

    Parameters
    ----------
    mu, spread : float
        Mean and standard deviation of the logarithm of the return of the first year; spread positive.
    theta : float
        How fast the risk of worthlessness falls with the return, positive; one over units of currency.
    delta : float
        Share of the return left after a year without news, above 0 to 0.998.
    gamma : float
        Amount by which findings fall short of an exponential variable, not negative; currency.
    sigma : float
        Mean of that exponential variable in the first year, positive; currency.
    phi : float
        Share of `sigma` left after each year, above 0 to 1.
    beta : float
        Discount factor a year, above 0 to 1.
    obsolescence : float
        Chance a year that the return becomes 0 whatever it was, 0 to below 1.

    Raises
    ------
    DomainError
        For parameters out of range.
    """

    mu: float
    spread: float
    theta: float
    delta: float
    gamma: float
    sigma: float
    phi: float
    beta: float
    obsolescence: float = 0.0

    def __post_init__(self) -> None:
        if not all(math.isfinite(getattr(self, f.name)) for f in fields(self)):
            raise DomainError("parameters of a renewal option are finite numbers")
        if not (self.spread > 0 and self.theta > 0 and self.sigma > 0 and self.gamma >= 0):
            raise DomainError("spread, theta and sigma are positive, gamma is not negative")
        if not (0 < self.delta <= _DELTA_MAX and 0 < self.phi <= 1 and 0 < self.beta <= 1):
            raise DomainError(f"delta is above 0 to {_DELTA_MAX}, phi and beta above 0 to 1")
        if not 0 <= self.obsolescence < 1:
            raise DomainError("obsolescence is 0 to below 1")

    @property
    def law(self) -> Floats:
        """What the kernels need: theta, delta, gamma, sigma, phi, beta, and the chance of no obsolescence."""
        stay = 1.0 - self.obsolescence
        return np.array([self.theta, self.delta, self.gamma, self.sigma, self.phi, self.beta, stay])


@dataclass(frozen=True, slots=True)
class SolvedRenewal:
    """The solution for one schedule of fees.

    Attributes
    ----------
    model : RenewalOption
        Parameters.
    fees : ndarray, shape (k,)
        Fee of each patent year.
    thresholds : ndarray, shape (k,)
        Least return at which the fee of each year is paid; 0 where none is due.
    grid : ndarray, shape (n,)
        Returns, rising by a constant ratio.
    shift : int
        Steps of the grid that a year's decay makes.
    continuing : ndarray, shape (k, n)
        Value of paying, at each year and return.
    findings : ndarray, shape (k, n)
        Expected gain from a finding above a decayed return that lies on the grid.
    """

    model: RenewalOption
    fees: Floats
    thresholds: Floats
    grid: Floats
    shift: int
    continuing: Floats
    findings: Floats

    def values(self, ages: ArrayLike, returns: ArrayLike, *, threads: int = DEFAULT_THREADS) -> Floats:
        """Return the value of the right before the fee of a year is paid.

        Parameters
        ----------
        ages : array_like of int
            Patent year whose fee is due, 1 to k.
        returns : array_like
            Return of that year, not negative; broadcast with `ages`.
        threads : int
            At least 1.

        Returns
        -------
        ndarray
            Present value of returns less fees under the best decisions, not negative.

        Raises
        ------
        DomainError
            For ages outside the schedule or negative returns.
        """
        year, r = np.broadcast_arrays(np.asarray(ages, np.int64), np.asarray(returns, np.float64))
        if year.size and (year.min() < 1 or year.max() > len(self.fees)):
            raise DomainError(f"ages are patent years 1 to {len(self.fees)}")
        if not (r >= 0).all():
            raise DomainError("returns are not negative")
        flat_year, flat_return = np.ascontiguousarray(year).ravel(), np.ascontiguousarray(r).ravel()
        out = np.empty(flat_return.size)
        law = self.model.law

        def work(first: int, last: int) -> None:
            values_range(law, self.fees, self.thresholds, self.grid, self.continuing, self.findings,
                          flat_year, flat_return, out, first, last)  # fmt: skip

        over_ranges(work, out.size, threads=threads, block=_BLOCK)
        return out.reshape(r.shape)


def solve_renewal(model: RenewalOption, fees: ArrayLike, *, largest_return: float | None = None) -> SolvedRenewal:
    """Solve the model backwards from the last year.

    Parameters
    ----------
    model : RenewalOption
        Parameters.
    fees : array_like, shape (k,)
        Fee of each patent year 1..k, not negative; 0 where none is due.
    largest_return : float, optional
        Return up to which the grid reaches; six standard deviations above the median first return where not given.

    Returns
    -------
    SolvedRenewal

    Raises
    ------
    DomainError
        For no fees, or negative ones.

    Notes
    -----
    ``V_a(r) = max{0, r - c_a + beta E[V_(a+1)(r')|r]}``, and with ``q = (1 - o)(1 - exp(-theta r))``, ``b = delta r``
    ``E[V(r')|r] = q (V(b) + int_b^inf V'(z) exp(-(z + gamma)/sigma_a) dz)``.
    """
    cost = _checked(fees)
    grid, shift = _grid(model, cost, largest_return)
    thresholds, continuing, findings = solve_years(model.law, cost, grid, shift)
    return SolvedRenewal(model, cost, thresholds, grid, shift, continuing, findings)


def share_kept(model: RenewalOption, fees: ArrayLike) -> Floats:
    """Return the share of patents whose owners pay the fee of each year.

    Parameters
    ----------
    model : RenewalOption
        Parameters.
    fees : array_like, shape (k,)
        Fee of each patent year 1..k, not negative.

    Returns
    -------
    ndarray, shape (k,)
        Not rising. The distribution of returns is carried forward on the cells of the grid, without simulation.
    """
    cost = _checked(fees)
    grid, shift = _grid(model, cost, None)
    thresholds, _, _ = solve_years(model.law, cost, grid, shift)
    below = special.ndtr((np.log(grid) - model.mu) / model.spread)
    first = np.append(np.diff(below), 1.0 - below[-1])
    return np.asarray(share_of_years(model.law, cost, thresholds, grid, shift, first, below[0]), np.float64)


def option_values(
    model: RenewalOption, fees: ArrayLike, ages: ArrayLike, returns: ArrayLike, *, threads: int = DEFAULT_THREADS
) -> Floats:
    """Return the values of many patents, each with fees of its own where fees depend on it.

    Parameters
    ----------
    model : RenewalOption
        Parameters.
    fees : array_like, shape (k,) or (n, k)
        One schedule, or one a patent; equal schedules are solved once.
    ages, returns : array_like, shape (n,)
        As for `SolvedRenewal.values`.
    threads : int
        At least 1.

    Returns
    -------
    ndarray, shape (n,)
    """
    cost = np.asarray(fees, np.float64)
    year, r = np.broadcast_arrays(np.asarray(ages, np.int64), np.asarray(returns, np.float64))
    largest = float(r.max()) if r.size else None
    if cost.ndim == 1:
        return solve_renewal(model, cost, largest_return=largest).values(year, r, threads=threads)
    if cost.ndim != 2 or len(cost) != r.size:
        raise DomainError("fees are one schedule, or one for each patent")
    schedules, which = _distinct(cost)
    order = np.argsort(which, kind="stable")
    ends = np.cumsum(np.bincount(which, minlength=len(schedules)))
    out = np.empty(r.size)

    def work(first: int, last: int) -> None:
        for i in range(first, last):
            mine = order[ends[i - 1] if i else 0 : ends[i]]
            solved = solve_renewal(model, schedules[i], largest_return=float(r[mine].max()))
            out[mine] = solved.values(year[mine], r[mine], threads=1)

    over_ranges(work, len(schedules), threads=threads, block=max(1, len(schedules) // (4 * threads)))
    return out


def _distinct(cost: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Return the distinct rows and which one each row is; sums with irrational weights find them, and are checked."""
    _, first, which = np.unique(
        cost @ np.sqrt(np.arange(2.0, 2.0 + cost.shape[1])), return_index=True, return_inverse=True
    )
    if not (cost[first][which] == cost).all():
        rows, which = np.unique(cost, axis=0, return_inverse=True)
        return rows, which.ravel()
    return cost[first], which


@dataclass(frozen=True, slots=True)
class Cohorts:
    """A simulated cohort.

    Attributes
    ----------
    kept : ndarray of int, shape (n,)
        Last year whose fee was paid; 0 for none.
    last_return : ndarray, shape (n,)
        Return of the year at which the simulation stopped: the first unpaid year, or the last of the schedule.
    """

    kept: NDArray[np.int64]
    last_return: Floats


def simulate_cohort(
    model: RenewalOption, fees: ArrayLike, *, patents: int, key: int, to_year: int | None = None,
    threads: int = DEFAULT_THREADS,
) -> Cohorts:  # fmt: skip
    """Simulate owners who decide as the model says.

    Parameters
    ----------
    model, fees
        As for `solve_renewal`.
    patents : int
        At least 1.
    key : int
        Key of the stream of random numbers (`stream_key`).
    to_year : int, optional
        Last year that is simulated; all years where not given.

    Returns
    -------
    Cohorts
    """
    solved = solve_renewal(model, fees)
    last = len(solved.fees) if to_year is None else to_year
    if patents < 1 or not 1 <= last <= len(solved.fees):
        raise DomainError(f"patents are at least 1, and years 1 to {len(solved.fees)}")
    kept, returns = np.empty(patents, np.int64), np.empty(patents)
    law, start = model.law, np.array([model.mu, model.spread])

    def work(first: int, end: int) -> None:
        simulate_range(np.uint64(key), law, start, solved.fees, solved.thresholds, last, kept, returns, first, end)

    over_ranges(work, patents, threads=threads, block=_BLOCK)
    return Cohorts(kept, returns)


def value_given_kept(
    model: RenewalOption, fees: ArrayLike, *, age: int, levels: ArrayLike, key: int, patents: int = 100_000,
    threads: int = DEFAULT_THREADS,
) -> Floats:  # fmt: skip
    """Return quantiles of the value that is left, for a patent that has been kept to an age.

    Parameters
    ----------
    model, fees
        As for `solve_renewal`.
    age : int
        Last year paid for, 0 for none, to k.
    levels : array_like
        Probabilities.
    key : int
        Key of the stream of random numbers (`stream_key`).
    patents : int
        Patents that are simulated from the first year; those kept to the age speak for it.
    threads : int
        At least 1.

    Returns
    -------
    ndarray
        Value, just after the year's fee, of the years after it; its return counts to the year gone by. Non-decreasing in
        `levels`; 0 after the last year.

    Raises
    ------
    DomainError
        For an age outside the schedule, or one that too few simulated patents reach.
    """
    cost, u = _checked(fees), np.clip(np.asarray(levels, np.float64), 0.0, 1.0)
    if not 0 <= age <= len(cost):
        raise DomainError(f"the age is 0 to {len(cost)}, not {age}")
    if age == len(cost):
        return np.zeros(u.shape)
    solved = solve_renewal(model, cost)
    cohort = simulate_cohort(model, cost, patents=patents, key=key, to_year=max(age, 1), threads=threads)
    if age == 0:
        first = simulate_cohort(model, np.zeros(1), patents=patents, key=key, threads=threads).last_return
        return np.asarray(np.quantile(solved.values(1, first, threads=threads), u), np.float64)
    kept = cohort.last_return[cohort.kept >= age]
    if len(kept) < _KEPT_MIN:
        raise DomainError(f"{len(kept)} of {patents:,} simulated patents are kept to year {age}; simulate more")
    # The value before the fee is the return, less the fee, and what is left, discounted; the owner paid, so it is no zero.
    before = solved.values(age, kept, threads=threads)
    left = np.maximum((before - kept + cost[age - 1]) / model.beta, 0.0)
    return np.asarray(np.quantile(left, u), np.float64)


def _checked(fees: ArrayLike) -> Floats:
    cost = np.ascontiguousarray(fees, np.float64)
    if cost.ndim != 1 or not len(cost) or not np.isfinite(cost).all() or (cost < 0).any():
        raise DomainError("a schedule holds at least one fee, and fees are not negative")
    return cost


def _grid(model: RenewalOption, cost: Floats, largest_return: float | None) -> tuple[Floats, int]:
    decay = -math.log(model.delta)
    shift = max(1, math.ceil(decay / _STEP))
    step = decay / shift
    scale = float(cost[cost > 0].min()) if (cost > 0).any() else model.sigma
    low = 1e-3 * min(scale, model.sigma)
    tops = (1e3 * low, 40.0 * model.sigma, 2.0 * float(cost.max()))
    high = max(*tops, largest_return if largest_return is not None else math.exp(min(model.mu + 6 * model.spread, 500)))
    count = math.ceil(math.log(high / low) / step) + 2
    if count > _NODES_MAX:
        raise DomainError(f"these parameters need a grid of {count:,} returns, more than {_NODES_MAX:,}")
    return low * np.exp(step * np.arange(count)), shift
