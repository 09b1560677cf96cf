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
from zhirong.numerics.streams import score, stream_key, uniform

__all__ = ["Contract", "SimulatedValue", "black_scholes", "lattice", "least_squares", "wasting_yield"]

Floats = NDArray[np.float64]
_BASIS = 4
"""Powers 0 to 3 of spot over strike."""
_BLOCK = 4_096
_IN_THE_MONEY_MIN = 4 * _BASIS


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
        Paths of the valuation (as many again of the regression), and exercise dates.
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


def least_squares(contract: Contract, *, dates: int, paths: int = 100_000, seed: int = 1) -> SimulatedValue:
    """Return the value of an option with several exercise dates by least-squares Monte Carlo.

    Parameters
    ----------
    contract : Contract
        What is optioned.
    dates : int
        Equally spaced exercise dates, at least 1, the last at the end.
    paths : int
        Paths of the regression, and as many others of the valuation; at least 1,000.
    seed : int
        Seed; the same seed gives the same bits on any number of threads.

    Returns
    -------
    SimulatedValue

    Raises
    ------
    DomainError
        For too few paths or dates.

    Notes
    -----
    Longstaff and Schwartz (2001): at each date, backwards, what continuing brought is regressed on powers of the asset over
    paths in the money. Paths are drawn backwards as Brownian bridges, so that one number a path is held and not the
    whole path. The rule found is then followed forwards on other paths, which makes the mean a lower bound.
    """
    if dates < 1 or paths < 1_000:
        raise DomainError(f"dates are at least 1 and paths at least 1,000, not {dates} and {paths}")
    c = contract
    terms = np.array([c.spot, c.strike, c.rate, c.volatility, c.years, c.dividend_yield, c.sign])
    learn = np.uint64(stream_key(seed, "options/regression"))
    follow = np.uint64(stream_key(seed, "options/valuation"))
    rule = _learn(learn, terms, dates, paths)
    brought, exercised = np.empty(paths), np.empty(paths, np.bool_)
    _follow(follow, terms, dates, rule, brought, exercised)
    now = max(c.sign * (c.spot - c.strike), 0.0)
    value, error = float(brought.mean()), float(brought.std(ddof=1) / math.sqrt(paths))
    return SimulatedValue(max(value, now) if dates > 1 else value, error, float(exercised.mean()), paths, dates)


@nb.njit(parallel=True, cache=True)
def _learn(key: Any, terms: Any, dates: int, paths: int) -> Any:  # noqa: C901, PLR0912  (one backward pass)
    """Return, for each date but the last, the coefficients of continuing; NaN where too few paths are in the money."""
    spot, strike, rate, volatility, years, dividend, sign = terms
    dt = years / dates
    discount = math.exp(-rate * dt)
    drift = (rate - dividend - 0.5 * volatility * volatility) * dt
    rule = np.full((dates, _BASIS), np.nan)
    motion = np.empty(paths)
    brought = np.empty(paths)
    blocks = (paths + _BLOCK - 1) // _BLOCK
    width = _BASIS * _BASIS + _BASIS + 1
    partial = np.empty((blocks, width))
    for date in range(dates, 0, -1):
        # A bridge from the motion at the next date towards 0 now.
        share = date / (date + 1.0)
        spread = math.sqrt(dt * share) if date < dates else math.sqrt(years)
        for block in nb.prange(blocks):
            sums = np.zeros(width)
            for i in range(block * _BLOCK, min(paths, (block + 1) * _BLOCK)):
                z = score(uniform(key, i * dates + date - 1))
                motion[i] = spread * z if date == dates else share * motion[i] + spread * z
                asset = spot * math.exp(drift * date + volatility * motion[i])
                gain = sign * (asset - strike)
                if date == dates:
                    brought[i] = max(gain, 0.0)
                    continue
                brought[i] *= discount
                if gain > 0.0:
                    x = asset / strike - 1.0
                    power = 1.0
                    for a in range(2 * _BASIS - 1):
                        sums[a] += power
                        if a < _BASIS:
                            sums[2 * _BASIS - 1 + a] += power * brought[i]
                        power *= x
            partial[block] = sums
        if date == dates:
            continue
        total = np.zeros(width)
        for block in range(blocks):
            total += partial[block]
        if total[0] < _IN_THE_MONEY_MIN:
            continue
        left = np.empty((_BASIS, _BASIS))
        for a in range(_BASIS):
            for b in range(_BASIS):
                left[a, b] = total[a + b]
        # A trace of the diagonal keeps the solution finite where paths in the money lie close together.
        for a in range(_BASIS):
            left[a, a] *= 1.0 + 1e-12
        fitted = np.linalg.solve(left, total[2 * _BASIS - 1 : 3 * _BASIS - 1].copy())
        rule[date - 1] = fitted
        for block in nb.prange(blocks):
            for i in range(block * _BLOCK, min(paths, (block + 1) * _BLOCK)):
                asset = spot * math.exp(drift * date + volatility * motion[i])
                gain = sign * (asset - strike)
                if gain > 0.0 and gain >= _continuing(fitted, asset / strike - 1.0):
                    brought[i] = gain
    return rule


@nb.njit(cache=True, inline="always")
def _continuing(fitted: Any, x: Any) -> Any:
    value = 0.0
    for a in range(_BASIS - 1, -1, -1):
        value = value * x + fitted[a]
    return value


@nb.njit(parallel=True, cache=True)
def _follow(key: Any, terms: Any, dates: int, rule: Any, brought: Any, exercised: Any) -> None:
    """Follow the rule on paths of their own, forwards, each until it is exercised."""
    spot, strike, rate, volatility, years, dividend, sign = terms
    dt = years / dates
    drift = (rate - dividend - 0.5 * volatility * volatility) * dt
    spread = volatility * math.sqrt(dt)
    for i in nb.prange(brought.shape[0]):
        at = 0.0
        brought[i] = 0.0
        exercised[i] = False
        for date in range(1, dates + 1):
            at += drift + spread * score(uniform(key, i * dates + date - 1))
            asset = spot * math.exp(at)
            gain = sign * (asset - strike)
            if gain <= 0.0:
                continue
            is_last = date == dates
            if is_last or (
                not math.isnan(rule[date - 1, 0]) and gain >= _continuing(rule[date - 1], asset / strike - 1.0)
            ):
                brought[i] = gain * math.exp(-rate * dt * date)
                exercised[i] = True
                break
