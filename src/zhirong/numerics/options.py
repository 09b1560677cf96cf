"""Options: the closed form, a lattice, and least-squares Monte Carlo, for assets that pay a yield.

A patent is an option that wastes: every year waited is a year of protection lost, which works like a dividend yield of one over
the years that are left (`wasting_yield`). A formula without a yield overstates it.

References
----------
Merton, R. C. (1973), Theory of Rational Option Pricing, *Bell Journal of Economics* 4(1), 141-183.
Cox, J. C., Ross, S. A., Rubinstein, M. (1979), Option Pricing: A Simplified Approach, *J. Financial Economics* 7, 229-263.
Longstaff, F. A., Schwartz, E. S. (2001), Valuing American Options by Simulation, *Review of Financial Studies* 14(1), 113-147.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numba as nb
import numpy as np
from numpy.typing import NDArray
from scipy import stats

from zhirong.kernel.errors import DomainError
from zhirong.numerics.control import less_chance
from zhirong.numerics.early_exercise import follow, learn
from zhirong.numerics.graph.compiled import DEFAULT_THREADS
from zhirong.numerics.streams import stream_key

__all__ = ["Contract", "SimulatedValue", "black_scholes", "lattice", "least_squares", "wasting_yield"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Contract:
    """What is optioned.

    Parameters
    ----------
    spot, strike : float
        Value of the asset now, and the price at which it may be bought (call) or given up (put); positive, one currency.
    rate : float
        Risk-free rate a year, continuously compounded.
    volatility : float
        Standard deviation of log returns, a year; positive.
    years : float
        Life of the option, positive.
    dividend_yield : float
        What waiting costs, a year, continuously compounded (`wasting_yield`).
    kind : str
        ``call`` or ``put``.

    Raises
    ------
    DomainError
        For impossible terms.
    """

    spot: float
    strike: float
    rate: float
    volatility: float
    years: float
    dividend_yield: float = 0.0
    kind: Literal["call", "put"] = "call"

    def __post_init__(self) -> None:
        positive = (self.spot, self.strike, self.volatility, self.years)
        if not all(math.isfinite(x) and x > 0 for x in positive):
            raise DomainError("spot, strike, volatility and years are positive")
        if not math.isfinite(self.rate) or not math.isfinite(self.dividend_yield):
            raise DomainError("rate and yield are finite")
        if self.kind not in ("call", "put"):
            raise DomainError(f"kind is call or put, not {self.kind!r}")

    @property
    def sign(self) -> float:
        """+1 for a call, -1 for a put."""
        return 1.0 if self.kind == "call" else -1.0


@dataclass(frozen=True, slots=True)
class SimulatedValue:
    """A simulated option value.

    Attributes
    ----------
    value, standard_error : float
        Mean over paths that took no part in the regression, so that the value is biased low, never high, and its error.
    exercised_share : float
        Share of paths on which the option is exercised.
    paths, dates : int
        Paths of the valuation, and exercise dates.
    """

    value: float
    standard_error: float
    exercised_share: float
    paths: int
    dates: int


def wasting_yield(years_left: float) -> float:
    """Return the yield that stands for protection lost by waiting: one over the years left, positive."""
    if not years_left > 0:
        raise DomainError(f"the years left are positive, not {years_left}")
    return 1.0 / years_left


def black_scholes(contract: Contract) -> float:
    """Return the value of a European option on an asset with a yield.

    Notes
    -----
    ``s (S e^(-qT) Phi(s d1) - K e^(-rT) Phi(s d2))``, ``d1 = (ln(S/K) + (r - q + v^2/2) T)/(v sqrt(T))``, ``d2 = d1 - v sqrt(T)``,
    s = +1 for a call and -1 for a put (Merton 1973).

    Examples
    --------
    >>> round(black_scholes(Contract(100, 100, 0.05, 0.2, 1)), 6)
    10.450584
    """
    c = contract
    spread = c.volatility * math.sqrt(c.years)
    d1 = (math.log(c.spot / c.strike) + (c.rate - c.dividend_yield + c.volatility**2 / 2) * c.years) / spread
    asset = c.spot * math.exp(-c.dividend_yield * c.years) * stats.norm.cdf(c.sign * d1)
    price = c.strike * math.exp(-c.rate * c.years) * stats.norm.cdf(c.sign * (d1 - spread))
    return float(c.sign * (asset - price))


def lattice(contract: Contract, *, steps: int = 2_000, exercise_dates: int | None = None) -> float:
    """Return the value of an option that may be exercised early, on a binomial lattice.

    Parameters
    ----------
    contract : Contract
        What is optioned.
    steps : int
        Steps over the life, at least 2; a multiple of `exercise_dates`.
    exercise_dates : int, optional
        Equally spaced dates of exercise, the last at the end (1: European). Every step where not given (American).

    Raises
    ------
    DomainError
        For impossible steps, or a step so long that the lattice has no probability.

    Notes
    -----
    Cox, Ross and Rubinstein (1979), with the drift ``r - q``.
    """
    dates = steps if exercise_dates is None else exercise_dates
    if steps < 2 or dates < 1 or steps % dates:
        raise DomainError(f"steps are at least 2 and a multiple of the exercise dates, not {steps} and {dates}")
    c = contract
    dt = c.years / steps
    up = math.exp(c.volatility * math.sqrt(dt))
    p = (math.exp((c.rate - c.dividend_yield) * dt) - 1 / up) / (up - 1 / up)
    if not 0 < p < 1:
        raise DomainError(f"steps of {dt:g} years are too long for this drift and volatility; take more than {steps}")
    return float(_lattice(c.spot, c.strike, c.sign, up, p, math.exp(-c.rate * dt), steps, steps // dates))


@nb.njit(cache=True)
def _lattice(
    spot: float, strike: float, sign: float, up: float, p: float, discount: float, steps: int, every: int
) -> Any:
    worth = np.empty(steps + 1)
    asset = np.empty(steps + 1)
    for i in range(steps + 1):
        asset[i] = spot * up ** (2 * i - steps)
        worth[i] = max(sign * (asset[i] - strike), 0.0)
    for step in range(steps - 1, -1, -1):
        may_exercise = step % every == 0 and step > 0
        for i in range(step + 1):
            worth[i] = discount * (p * worth[i + 1] + (1.0 - p) * worth[i])
            asset[i] *= up
            if may_exercise:
                worth[i] = max(worth[i], sign * (asset[i] - strike))
    if every == 1:
        return max(worth[0], sign * (spot - strike))
    return worth[0]


def least_squares(
    contract: Contract, *, dates: int, paths: int = 100_000, learning_paths: int | None = None, seed: int = 1,
    threads: int = DEFAULT_THREADS,
) -> SimulatedValue:  # fmt: skip
    """Return the value of an option with several exercise dates by least-squares Monte Carlo.

    Parameters
    ----------
    contract : Contract
        What is optioned.
    dates : int
        Equally spaced exercise dates, at least 1, the last at the end.
    paths : int
        Paths of the valuation, at least 1,000; an odd number is rounded up, because paths come in mirrored pairs.
    learning_paths : int, optional
        Other paths, of the regression, at least 1,000; an eighth of `paths`, and no fewer than 5,000, where not given.
    seed : int
        Seed; the same seed gives the same bits on any number of threads.
    threads : int
        At least 1.

    Returns
    -------
    SimulatedValue

    Raises
    ------
    DomainError
        For too few paths, dates or threads.

    Notes
    -----
    Longstaff and Schwartz (2001): at each date, backwards, what continuing brought is regressed on powers of the asset over
    paths in the money. Paths are drawn backwards as Brownian bridges, so that one number a path is held and not the
    whole path. The rule found is then followed forwards on other paths, which makes the mean a lower bound. The European
    option, discounted from the moment of exercise, is a martingale whose value is known in closed form: it is the control
    variate of the regressions and of the mean, which leaves a hundredth of the variance and lets an eighth of the paths do
    for the regressions.
    """
    learning = max(5_000, paths // 8) if learning_paths is None else learning_paths
    if dates < 1 or paths < 1_000 or learning < 1_000 or threads < 1:
        raise DomainError(
            f"dates and threads are at least 1 and paths at least 1,000, not {dates}, {threads}, {paths} and {learning}"
        )
    c = contract
    terms = np.array([c.spot, c.strike, c.rate, c.volatility, c.years, c.dividend_yield, c.sign])
    rule = learn(stream_key(seed, "options/regression"), terms, dates=dates, paths=learning, threads=threads)
    pairs = (paths + 1) // 2
    brought, european, exercised = follow(
        stream_key(seed, "options/valuation"), terms, rule, pairs=pairs, threads=threads
    )
    if dates > 1:
        brought = less_chance(brought, european, black_scholes(c))
    now = max(c.sign * (c.spot - c.strike), 0.0)
    value, error = float(brought.mean()), float(brought.std(ddof=1) / math.sqrt(pairs))
    share = float(exercised.sum() / (2 * pairs))
    return SimulatedValue(max(value, now) if dates > 1 else value, error, share, 2 * pairs, dates)
