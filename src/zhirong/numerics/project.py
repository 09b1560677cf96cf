"""A research project under a patent: stochastic cost to completion, stochastic cash flow, catastrophe, abandonment.

Until completion the owner spends at a steady rate; what is still to be spent is learnt by spending. A catastrophe may end the
project at any time before completion. From completion to the end of the patent the project earns a cash flow, and at the
end a multiple of it. The owner may abandon at each date, and does where continuing is not worth its cost.

References
----------
Schwartz, E. S. (2004), Patents and R&D as Real Options, *Economic Notes* 33(1), 23-54 (NBER working paper 10114).
Pindyck, R. S. (1993), Investments of Uncertain Cost, *Journal of Financial Economics* 34(1), 53-76.
Longstaff, F. A., Schwartz, E. S. (2001), *Review of Financial Studies* 14(1), 113-147.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhirong.kernel.errors import DomainError
from zhirong.numerics.control import less_chance
from zhirong.numerics.graph.compiled import DEFAULT_THREADS, kernel, over_ranges
from zhirong.numerics.streams import score, stream_key, uniform

__all__ = ["Project", "ProjectValue", "certain_value", "completed_worth", "total_cost_moments", "value_project"]

Floats = NDArray[np.float64]
_CASH_POWERS, _COST_POWERS = 4, 3
_FEATURES = _CASH_POWERS * _COST_POWERS
_FIT_MIN = 4 * _FEATURES
_BLOCK = 2_048
_DONE = 1e-9
"""Share of the first cost below which a project counts as completed."""


@dataclass(frozen=True, slots=True)
class Project:
    """A project, its risks, and its patent.

    Parameters
    ----------
    cost : float
        Expected cost to completion, positive; currency.
    spending : float
        Rate of spending until completion, positive; currency a year.
    cost_volatility : float
        Uncertainty of the cost, sigma, 0 to below 1.4; the standard deviation of the total is
        ``cost sigma/sqrt(2 - sigma^2)``.
    cash_flow : float
        Rate of cash flow that the project would earn if it were completed now, positive; currency a year.
    drift : float
        Growth of the cash flow a year, less its risk premium.
    cash_volatility : float
        Standard deviation of log changes of the cash flow, a year, not negative.
    correlation : float
        Correlation of changes of cost and cash flow, -1 to 1.
    catastrophe : float
        Intensity a year of the event that ends a project before completion, not negative.
    rate : float
        Risk-free rate a year, continuously compounded.
    years : float
        Years to the end of the patent, positive.
    terminal_multiple : float
        Worth at the end of the patent, in years of its cash flow then; not negative.

    Raises
    ------
    DomainError
        For impossible terms.
    """

    cost: float
    spending: float
    cost_volatility: float
    cash_flow: float
    drift: float
    cash_volatility: float
    correlation: float
    catastrophe: float
    rate: float
    years: float
    terminal_multiple: float = 0.0

    def __post_init__(self) -> None:
        if not all(math.isfinite(getattr(self, f.name)) for f in fields(self)):
            raise DomainError("terms of a project are finite numbers")
        if not all(x > 0 for x in (self.cost, self.spending, self.cash_flow, self.years)):
            raise DomainError("cost, spending, cash flow and years are positive")
        if min(self.cash_volatility, self.catastrophe, self.terminal_multiple) < 0:
            raise DomainError("volatilities, catastrophe and multiple are not negative")
        if not 0 <= self.cost_volatility < math.sqrt(2) or not -1 <= self.correlation <= 1:
            raise DomainError("the cost volatility is 0 to below 1.414, the correlation -1 to 1")


@dataclass(frozen=True, slots=True)
class ProjectValue:
    """What a project is worth.

    Attributes
    ----------
    value, standard_error : float
        Mean over paths that took no part in the regressions, hence biased low, and its error; 0 where it is not begun.
    committed_value, committed_error : float
        Value on the same paths if it may never be abandoned.
    abandonment_value : float
        What the right to abandon adds.
    completed_share : float
        Share of paths completed within the patent, catastrophes left out of account.
    mean_completion_years : float or None
        Mean time to completion of those; None where there are none.
    paths, dates : int
        Paths of the valuation and dates of decision.
    """

    value: float
    standard_error: float
    committed_value: float
    committed_error: float
    abandonment_value: float
    completed_share: float
    mean_completion_years: float | None
    paths: int
    dates: int


def completed_worth(project: Project, years_left: float) -> float:
    """Return the value of a completed project over its rate of cash flow.

    Notes
    -----
    ``(1 - e^(-(r-a)s))/(r-a) + M e^(-(r-a)s)`` with the risk-adjusted drift a and s years of protection left.
    """
    speed = project.rate - project.drift
    flows = years_left if speed == 0 else -math.expm1(-speed * years_left) / speed
    return flows + project.terminal_multiple * math.exp(-speed * years_left)


def certain_value(project: Project) -> float:
    """Return the value if nothing were uncertain but the catastrophe, and the project were carried through.

    Notes
    -----
    Completion at ``tau = K/I``; ``e^(-(r+l-a) tau) C W(T - tau) - I (1 - e^(-(r+l) tau))/(r+l)``, and without the first term
    where the patent ends before completion (spending then stops with it). It holds in expectation too where only the cash
    flow is uncertain.
    """
    p = project
    tau = min(p.cost / p.spending, p.years)
    speed = p.rate + p.catastrophe
    spent = p.spending * (tau if speed == 0 else -math.expm1(-speed * tau) / speed)
    if p.cost / p.spending >= p.years:
        return -spent
    return p.cash_flow * math.exp((p.drift - speed) * tau) * completed_worth(p, p.years - tau) - spent


def total_cost_moments(project: Project) -> tuple[float, float]:
    """Return mean and standard deviation of the total cost of a project that is carried through (Pindyck 1993)."""
    s = project.cost_volatility
    return project.cost, project.cost * s / math.sqrt(2 - s * s)


def value_project(
    project: Project, *, dates: int = 80, paths: int = 50_000, learning_paths: int = 25_000, seed: int = 1,
    threads: int = DEFAULT_THREADS,
) -> ProjectValue:  # fmt: skip
    """Value a project by least-squares Monte Carlo.

    Parameters
    ----------
    project : Project
        Terms.
    dates : int
        Equally spaced dates of decision over the life of the patent, at least 2; the first is now.
    paths : int
        Paths of the valuation, at least 1,000; an odd number is rounded up, because paths come in mirrored pairs.
    learning_paths : int
        Other paths, of the regressions, at least 1,000.
    seed : int
        Seed; the same seed gives the same bits on any number of threads.
    threads : int
        At least 1.

    Returns
    -------
    ProjectValue

    Raises
    ------
    DomainError
        For too few dates, paths or threads.

    Notes
    -----
    Between dates ``K' = K - I dt + sigma sqrt(I K dt) z`` and log C is normal, with correlated scores. What continuing
    brings, over ``1 + c``, is regressed on products of powers of ``c/(1+c)`` and of cost, c being the cash flow over that of
    today: so large cash flows, for which nobody abandons, do not govern the fit. The cash flow at exit, less its drift, is a
    martingale, and the control variate of both means.
    """
    if dates < 2 or paths < 1_000 or learning_paths < 1_000 or threads < 1:
        raise DomainError("a project needs two dates, 1,000 paths of each kind and one thread at least")
    terms = _terms(project, dates)
    worth = np.array([completed_worth(project, project.years * (1 - (d + 1) / dates)) for d in range(dates)])
    rule = _learn(project, terms, worth, dates, learning_paths, seed, threads)
    pairs = (paths + 1) // 2
    key = np.uint64(stream_key(seed, "project/valuation"))
    outcome = np.empty((6, pairs))
    over_ranges(lambda a, b: _follow(key, terms, worth, rule, outcome, a, b), pairs, threads=threads, block=_BLOCK)
    free, bound, completed, when, at_exit, at_end = outcome
    free, bound = less_chance(free, at_exit, project.cash_flow), less_chance(bound, at_end, project.cash_flow)
    value, error = float(free.mean()), float(free.std(ddof=1) / math.sqrt(pairs))
    committed, committed_error = float(bound.mean()), float(bound.std(ddof=1) / math.sqrt(pairs))
    if value <= 0:  # nobody begins a project that is not worth its first step
        value, error = 0.0, 0.0
    share = float(completed.sum() / (2 * pairs))
    mean_years = float(when.sum() / completed.sum()) if completed.any() else None
    return ProjectValue(
        value, error, committed, committed_error, value - committed, share, mean_years, 2 * pairs, dates
    )


def _terms(p: Project, dates: int) -> Floats:
    dt = p.years / dates
    return np.array(
        [
            dt, p.spending, p.cost_volatility * math.sqrt(p.spending * dt), p.cash_volatility * math.sqrt(dt),
            (p.drift - 0.5 * p.cash_volatility**2) * dt, p.correlation, p.rate + p.catastrophe, p.cost, p.cash_flow,
        ]
    )  # fmt: skip


def _learn(project: Project, terms: Floats, worth: Floats, dates: int, paths: int, seed: int, threads: int) -> Floats:
    """Return, for each date but the first, the coefficients of continuing; NaN where too few paths are still at work."""
    key = np.uint64(stream_key(seed, "project/regression"))
    cost, cash, part = np.empty((dates + 1, paths)), np.empty((dates + 1, paths)), np.empty((dates, paths))
    over_ranges(lambda a, b: _walk(key, terms, cost, cash, part, a, b), paths, threads=threads, block=_BLOCK)
    rule = np.full((dates, _FEATURES), np.nan)
    step = terms[0]
    speed = terms[6]
    discount = math.exp(-speed * step)
    brought = np.zeros(paths)
    for date in range(dates - 1, -1, -1):
        open_paths = cost[date] > 0
        done = open_paths & (cost[date + 1] <= 0)
        spent_years = step * part[date]
        spent = project.spending * (spent_years if speed == 0 else -np.expm1(-speed * spent_years) / speed)
        here = np.where(done, cash[date + 1] * (worth[date] + (1 - part[date]) * step), brought)
        brought = np.where(open_paths, discount * here - spent, 0.0)
        if date == 0:
            break
        if int(open_paths.sum()) < _FIT_MIN:
            continue
        level = cash[date, open_paths] / project.cash_flow
        features = _features(level, cost[date, open_paths] / project.cost)
        target = brought[open_paths] / ((1 + level) * project.cash_flow)
        left = features.T @ features
        left[np.diag_indices(_FEATURES)] *= 1 + 1e-9
        rule[date] = np.linalg.solve(left, features.T @ target)
        brought[open_paths] = np.where(features @ rule[date] > 0, brought[open_paths], 0.0)
    return rule


def _features(level: Floats, cost: Floats) -> Floats:
    u = level / (1 + level)
    columns = [u**a * cost**b for a in range(_CASH_POWERS) for b in range(_COST_POWERS)]
    return np.stack(columns, axis=1)


@kernel
def _walk(key: Any, terms: Any, cost: Any, cash: Any, part: Any, first: int, last: int) -> None:
    """Simulate paths; `part` is the share of the step spent at work."""
    dates = part.shape[0]
    for i in range(first, last):
        cost[0, i], cash[0, i] = terms[7], terms[8]
        for date in range(dates):
            at = 2 * (i * dates + date)
            k, c, f = _step(score(uniform(key, at)), score(uniform(key, at + 1)), terms, cost[date, i], cash[date, i])
            cost[date + 1, i], cash[date + 1, i], part[date, i] = k, c, f


@kernel
def _step(z: float, y: float, terms: Any, k: float, c: float) -> Any:
    """Return cost, cash flow, and the share of the step until completion (1 where it is not reached)."""
    rho = terms[5]
    c *= math.exp(terms[4] + terms[3] * (rho * z + math.sqrt(1.0 - rho * rho) * y))
    if k <= 0.0:
        return 0.0, c, 0.0
    later = k - terms[1] * terms[0] + terms[2] * math.sqrt(k) * z
    if later > _DONE * terms[7]:
        return later, c, 1.0
    return 0.0, c, min(1.0, k / (k - later))


@kernel
def _follow(key: Any, terms: Any, worth: Any, rule: Any, outcome: Any, first: int, last: int) -> None:
    """Follow the rule on mirrored pairs; with it the same paths without abandonment."""
    dates = worth.shape[0]
    step, spending, speed = terms[0], terms[1], terms[6]
    discount = math.exp(-speed * step)
    undo = math.exp(-terms[4] - 0.5 * terms[3] * terms[3])
    for i in range(first, last):
        for row in range(6):
            outcome[row, i] = 0.0
        for side in range(2):
            sign = 1.0 - 2.0 * side
            k, c, factor, total = terms[7], terms[8], 1.0, 0.0
            has_left, at_leaving, level, level_at_leaving = False, 0.0, 1.0, 0.0
            for date in range(dates):
                if date > 0 and not has_left and not math.isnan(rule[date, 0]):
                    u, kk = c / (terms[8] + c), k / terms[7]
                    fitted, power = 0.0, 1.0
                    for a in range(_CASH_POWERS):
                        b = a * _COST_POWERS
                        fitted += power * (rule[date, b] + kk * (rule[date, b + 1] + kk * rule[date, b + 2]))
                        power *= u
                    if fitted <= 0.0:
                        has_left, at_leaving, level_at_leaving = True, total, level * c
                at = 2 * (i * dates + date)
                k, c, f = _step(sign * score(uniform(key, at)), sign * score(uniform(key, at + 1)), terms, k, c)
                years = f * step
                total -= factor * spending * (years if speed == 0.0 else -math.expm1(-speed * years) / speed)
                factor *= discount
                level *= undo
                if k <= 0.0:
                    total += factor * c * (worth[date] + (1.0 - f) * step)
                    outcome[2, i] += 1.0
                    outcome[3, i] += step * (date + f)
                    break
            outcome[0, i] += 0.5 * (at_leaving if has_left else total)
            outcome[1, i] += 0.5 * total
            outcome[4, i] += 0.5 * (level_at_leaving if has_left else level * c)
            outcome[5, i] += 0.5 * level * c
