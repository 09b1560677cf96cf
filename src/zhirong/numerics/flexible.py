"""The right to defer, expand and abandon the use of a patent, while its protection runs out.

The flows under the right are worth X today if it is used from now to the end of protection. X moves as a geometric Brownian
motion, but what is left of it at time t is ``X_t (1 - t/T)``: a year of waiting is a year of protection lost. Fees fall due to
keep the right; not paying one ends it.

References
----------
Trigeorgis, L. (1996), *Real Options*, MIT Press, chapters 4 and 5. Cox, J. C., Ross, S. A., Rubinstein, M. (1979),
*J. Financial Economics* 7, 229-263. Longstaff, F. A., Schwartz, E. S. (2001), *Review of Financial Studies* 14(1), 113-147.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from zhirong.kernel.errors import DomainError
from zhirong.numerics.control import less_chance
from zhirong.numerics.graph.compiled import DEFAULT_THREADS, kernel, over_ranges
from zhirong.numerics.montecarlo import normal_scores
from zhirong.numerics.streams import stream_key

__all__ = ["FlexibleRight", "FlexibleValue", "flexible_value", "flexible_values", "simulate_flexible"]

Floats = NDArray[np.float64]
_STEPS_A_YEAR, _STEPS_MIN, _STEPS_MAX = 24, 120, 600
_DRAWN_STEPS_A_YEAR, _DRAWN_STEPS_MIN = 12, 100
"""Coarser steps where thousands of draws are valued; what they miss is less than the interpolation between nodes."""
_WORTHS, _VOLATILITIES = 97, 7
_REACH = 1e-4
_POWERS = 5


@dataclass(frozen=True, slots=True)
class FlexibleRight:
    """A right and what its owner may do.

    Parameters
    ----------
    worth : float
        Present value of the flows if the right is used from now on to the end of protection, positive; currency.
    volatility : float
        Standard deviation of log changes of that worth, a year, positive.
    rate : float
        Risk-free rate a year, continuously compounded.
    years : float
        Protection left, positive.
    launch_cost : float
        Cost of beginning use, not negative; nothing is earned before.
    is_launched : bool
        Use has begun: nothing to defer and no cost of launch.
    fees : tuple of (float, float)
        Years from now at which a fee falls due, 0 to below `years`, and its amount.
    expansion : float
        Share by which use may be enlarged once, not negative; 0 for no such choice.
    expansion_cost : float
        Cost of enlarging, not negative.
    salvage : float
        Price for which the right could be given up now, not negative; it falls to 0 with the protection left.

    Raises
    ------
    DomainError
        For impossible terms.
    """

    worth: float
    volatility: float
    rate: float
    years: float
    launch_cost: float = 0.0
    is_launched: bool = False
    fees: tuple[tuple[float, float], ...] = ()
    expansion: float = 0.0
    expansion_cost: float = 0.0
    salvage: float = 0.0

    def __post_init__(self) -> None:
        numbers = (self.worth, self.volatility, self.years)
        if not all(math.isfinite(x) and x > 0 for x in numbers) or not math.isfinite(self.rate):
            raise DomainError("worth, volatility and years are positive, and the rate is finite")
        if not all(math.isfinite(x) and x >= 0 for x in self._costs):
            raise DomainError("costs, expansion and salvage are not negative")
        if any(not 0 <= due < self.years or not amount >= 0 for due, amount in self.fees):
            raise DomainError("fees fall due within the protection left, and are not negative")

    @property
    def _costs(self) -> tuple[float, float, float, float]:
        return self.launch_cost, self.expansion, self.expansion_cost, self.salvage


@dataclass(frozen=True, slots=True)
class FlexibleValue:
    """What a right is worth with its choices, and what each choice adds.

    Attributes
    ----------
    value : float
        With all choices.
    committed : float
        Used from now to the end whatever happens, fees and launch paid; may be negative.
    deferral, abandonment, expansion : float
        What is lost where this one choice is taken away and the others are left; the three need not sum to the whole.
    is_used_now : bool
        Using now is no worse than waiting.
    """

    value: float
    committed: float
    deferral: float
    abandonment: float
    expansion: float
    is_used_now: bool


def flexible_value(right: FlexibleRight, *, steps: int | None = None) -> FlexibleValue:
    """Return the value of a right with its choices, on a binomial lattice.

    Parameters
    ----------
    right : FlexibleRight
        Terms.
    steps : int, optional
        Steps of the lattice, at least 2; 24 a year and between 120 and 600 where not given.

    Returns
    -------
    FlexibleValue

    Raises
    ------
    DomainError
        For steps so long that the lattice has no probability.

    Notes
    -----
    Three values go backwards over the lattice of X: of a right in enlarged use, in use, and kept but not in use. In a step of
    length dt use earns ``X dt/T``, enlarged use the share more. Each may be given up for what salvage is left.
    """
    count = _steps(right) if steps is None else steps
    whole, used = _on_lattice(right, count, True, True, True)
    committed = right.worth - (0.0 if right.is_launched else right.launch_cost)
    committed -= sum(amount * math.exp(-right.rate * due) for due, amount in right.fees)
    return FlexibleValue(
        whole, committed,
        whole - _on_lattice(right, count, False, True, True)[0],
        whole - _on_lattice(right, count, True, False, True)[0],
        whole - _on_lattice(right, count, True, True, False)[0],
        used,
    )  # fmt: skip


def flexible_values(
    right: FlexibleRight, worths: Floats, volatilities: Floats, *, threads: int | None = None
) -> Floats:
    """Return the value of a right for many worths and volatilities.

    Parameters
    ----------
    right : FlexibleRight
        Terms; its own worth and volatility are replaced.
    worths : ndarray, shape (n,)
        Not negative.
    volatilities : ndarray, shape (n,)
        Positive.
    threads : int, optional
        At least 1; where not given 2, or 1 in a process that may use no more.

    Returns
    -------
    ndarray, shape (n,)
        Lattice values at 97 worths and up to 7 volatilities, linear in both between them; below a ten-thousandth of the largest
        worth, those of that.
    """
    if worths.shape != volatilities.shape or worths.ndim != 1:
        raise DomainError("worths and volatilities are of one length")
    if not len(worths):
        return np.zeros(0)
    if not (worths >= 0).all() or not (volatilities > 0).all():
        raise DomainError("worths are not negative and volatilities positive")
    top = max(float(worths.max()), 1e-9)
    at_worth = top * np.concatenate([[0.0], np.geomspace(_REACH, 1.0, _WORTHS - 1)])
    low, high = float(volatilities.min()), float(volatilities.max())
    at_volatility = np.linspace(low, high, _VOLATILITIES) if high > low * (1 + 1e-9) else np.array([low])
    table = np.empty((len(at_volatility), _WORTHS))
    wanted = max(_DRAWN_STEPS_MIN, math.ceil(_DRAWN_STEPS_A_YEAR * right.years))
    count = max(wanted, _steps_least(replace(right, volatility=low)))
    fees = _fees_of_steps(right, count)

    def work(first: int, last: int) -> None:
        for v in range(first, last):
            terms = _terms(replace(right, volatility=float(at_volatility[v])), count)
            _worths(terms, fees, right.is_launched, right.expansion > 0, np.maximum(at_worth, top * 1e-12), table[v])

    over_ranges(work, len(table), threads=threads or min(DEFAULT_THREADS, numba.get_num_threads()), block=1)
    found = np.stack([np.interp(worths, at_worth, row) for row in table])
    if len(at_volatility) == 1:
        return np.asarray(found[0], np.float64)
    place = np.clip((volatilities - low) / (high - low) * (len(at_volatility) - 1), 0, len(at_volatility) - 1)
    below = np.minimum(place.astype(np.int64), len(at_volatility) - 2)
    share, row = place - below, np.arange(len(worths))
    return np.asarray((1 - share) * found[below, row] + share * found[below + 1, row], np.float64)


def _steps(right: FlexibleRight) -> int:
    wanted = max(_STEPS_MIN, math.ceil(_STEPS_A_YEAR * right.years))
    return max(min(wanted, _STEPS_MAX), _steps_least(right))


def _steps_least(right: FlexibleRight) -> int:
    """Return the steps from which the probability of the lattice lies inside 0 to 1: drift below volatility in each."""
    return math.ceil(1.05 * right.years * (right.rate / right.volatility) ** 2) + 1


def _fees_of_steps(right: FlexibleRight, steps: int) -> Floats:
    fees = np.zeros(steps)
    for due, amount in right.fees:
        at = min(int(due / right.years * steps + 1e-9), steps - 1)
        # Moved to the step before it, a fee is discounted for the days between.
        fees[at] += amount * math.exp(-right.rate * (due - at * right.years / steps))
    return fees


def _on_lattice(right: FlexibleRight, steps: int, defer: bool, abandon: bool, expand: bool) -> tuple[float, bool]:
    value, used = _backwards(
        _terms(right, steps), _fees_of_steps(right, steps), right.is_launched, defer and not right.is_launched, abandon,
        expand and right.expansion > 0,
    )  # fmt: skip
    return float(value), bool(used)


def _terms(right: FlexibleRight, steps: int) -> Floats:
    """Return what a lattice is made of: worth, step up, its probability, discount, launch, expansion, its cost, salvage."""
    if steps < 2:
        raise DomainError("a lattice has two steps at least")
    dt = right.years / steps
    up = math.exp(right.volatility * math.sqrt(dt))
    chance = (math.exp(right.rate * dt) - 1 / up) / (up - 1 / up)
    if not 0 < chance < 1:
        raise DomainError(f"steps of {dt:g} years are too long for this rate and volatility; take more than {steps}")
    return np.array([right.worth, up, chance, math.exp(-right.rate * dt), *right._costs])


@kernel
def _backwards(terms: Any, fees: Any, is_launched: bool, defer: bool, abandon: bool, expand: bool) -> Any:
    """Value and whether it is used now; what cannot be chosen is given an impossible price, so that no step has a branch."""
    worth, up, chance, discount, launch, expansion, expansion_cost, salvage = terms
    steps = fees.shape[0]
    high, low = discount * chance, discount * (1.0 - chance)
    cost = expansion_cost if expand else np.inf
    large, used, idle = np.zeros(steps + 1), np.zeros(steps + 1), np.zeros(steps + 1)
    power = np.empty(steps)
    x = 1.0
    for i in range(steps):
        power[i] = x
        x *= up * up
    for step in range(steps - 1, 0, -1):
        floor = salvage * (1.0 - step / steps) if abandon else -np.inf
        earning, fee = worth * up ** (-step) / steps, fees[step]
        if expand:
            for i in range(step + 1):
                big = (1.0 + expansion) * earning * power[i] - fee + high * large[i + 1] + low * large[i]
                big = big if big > floor else floor
                plain = earning * power[i] - fee + high * used[i + 1] + low * used[i]
                plain = plain if plain > big - cost else big - cost
                large[i], used[i] = big, plain if plain > floor else floor
        else:
            for i in range(step + 1):
                plain = earning * power[i] - fee + high * used[i + 1] + low * used[i]
                used[i] = plain if plain > floor else floor
        if not is_launched:
            for i in range(step + 1):
                wait = -fee + high * idle[i + 1] + low * idle[i]
                wait = wait if wait > floor else floor
                start = used[i] - launch
                idle[i] = wait if wait > start else start
    floor = salvage if abandon else -np.inf
    big = max((1.0 + expansion) * worth / steps - fees[0] + high * large[1] + low * large[0], floor)
    plain = max(worth / steps - fees[0] + high * used[1] + low * used[0], big - cost, floor)
    if is_launched:
        return plain, True
    wait = max(-fees[0] + high * idle[1] + low * idle[0], floor)
    is_used = plain - launch >= wait
    if not defer:
        wait = max(floor, 0.0)
    return max(plain - launch, wait, 0.0), is_used


@kernel
def _worths(terms: Any, fees: Any, is_launched: bool, expand: bool, worths: Any, out: Any) -> None:
    for place in range(worths.size):
        terms[0] = worths[place]
        out[place] = _backwards(terms, fees, is_launched, not is_launched, True, expand)[0]


def simulate_flexible(
    right: FlexibleRight, *, dates: int = 48, paths: int = 40_000, seed: int = 1
) -> tuple[float, float]:
    """Return the value of a right with its choices by least-squares Monte Carlo, and its error.

    Parameters
    ----------
    right : FlexibleRight
        Terms.
    dates : int
        Equally spaced dates of decision, at least 2, the first now.
    paths : int
        Paths of the valuation, and as many others of the regressions; at least 1,000.
    seed : int
        Seed.

    Returns
    -------
    value, standard_error : float
        The rules are learned on other paths, so the value is biased low.

    Notes
    -----
    The lattice is faster and exact; this is a second way to the same number, and the one that takes more risks than one.
    """
    if dates < 2 or paths < 1_000:
        raise DomainError("a simulation has two dates and 1,000 paths at least")
    fees = _fees_of_steps(right, dates)
    rules = np.full((dates, 3, _POWERS), np.nan)
    x = _paths(right, dates, paths, stream_key(seed, "flexible/regression"))
    _pass(right, fees, x, rules, is_learning=True)
    x = _paths(right, dates, paths, stream_key(seed, "flexible/valuation"))
    brought = _pass(right, fees, x, rules, is_learning=False)
    brought = less_chance(brought, x.mean(axis=0), right.worth)
    return float(brought.mean()), float(brought.std(ddof=1) / math.sqrt(paths))


def _paths(right: FlexibleRight, dates: int, paths: int, key: int) -> Floats:
    """Return discounted X at each date, shape (dates, paths): martingales."""
    scores = normal_scores(key, -(-paths * (dates - 1) // 6)).ravel()[: paths * (dates - 1)].reshape(paths, dates - 1)
    v, dt = right.volatility, right.years / dates
    moved = np.cumsum(v * math.sqrt(dt) * scores - 0.5 * v * v * dt, axis=1)
    return np.asarray(right.worth * np.exp(np.concatenate([np.zeros((paths, 1)), moved], axis=1)).T, np.float64)


def _pass(right: FlexibleRight, fees: Floats, x: Floats, rules: Floats, *, is_learning: bool) -> Floats:
    """Go backwards over paths in discounted money; learn the value of going on in each state, or decide by what was learned."""
    dates, paths = x.shape
    launch, expansion, expansion_cost, salvage = right._costs
    large, used, idle = np.zeros(paths), np.zeros(paths), np.zeros(paths)
    for date in range(dates - 1, -1, -1):
        discount = math.exp(-right.rate * right.years * date / dates)
        exit_price, fee = discount * salvage * (1 - date / dates), discount * fees[date]
        earned = x[date] / dates
        ways = ((1 + expansion) * earned - fee + large, earned - fee + used, -fee + idle)
        if date == 0:
            guesses = tuple(np.full(paths, way.mean()) for way in ways)
        else:
            u = x[date] / (right.worth + x[date])
            features = np.stack([u**power for power in range(_POWERS)], axis=1)
            if is_learning:
                left = features.T @ features
                left[np.diag_indices(_POWERS)] *= 1 + 1e-10
                weight = (right.worth + x[date]) / right.worth
                for state, way in enumerate(ways):
                    rules[date, state] = np.linalg.solve(left, features.T @ (way / weight))
            guesses = tuple(features @ rules[date, state] * (right.worth + x[date]) / right.worth for state in range(3))
        keeps = guesses[0] > exit_price
        large, guess_large = np.where(keeps, ways[0], exit_price), np.maximum(guesses[0], exit_price)
        grow = guess_large - discount * expansion_cost if expansion > 0 else np.full(paths, -np.inf)
        best = np.maximum(np.maximum(guesses[1], grow), exit_price)
        used = np.where(best == exit_price, exit_price, np.where(
            best == grow, large - discount * expansion_cost, ways[1]))  # fmt: skip
        start = best - discount * launch
        idle_best = np.maximum(np.maximum(guesses[2], start), exit_price)
        idle = np.where(idle_best == exit_price, exit_price, np.where(
            idle_best == start, used - discount * launch, ways[2]))  # fmt: skip
    return used if right.is_launched else idle
