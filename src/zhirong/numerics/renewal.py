"""What renewals say of value: the deterministic model of Schankerman and Pakes.

A patent starts with a yearly return ``R_0``, log-normal over patents, that falls by a share `decay` a year. Its owner
pays a fee while the return covers it. So the share of patents kept to each age, against the fees, gives the distribution of returns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from zhirong.kernel.errors import ConvergenceError, DomainError

__all__ = [
    "PeriodicSchedule",
    "RenewalFit",
    "fee_schedule",
    "fit_periodic_renewal",
    "fit_renewal",
    "periodic_thresholds",
    "renewal_value",
    "share_alive",
    "value_given_paid",
    "value_given_renewed",
]

Floats = NDArray[np.float64]
_SIGMA_MAX, _DECAY_MAX = 50.0, 0.99
"""Where the search turns back: lapses that no fee explains drive spread and decay there together without end."""
_OUTSIDE = 1e12


def fee_schedule(rows: Sequence[Sequence[float]], last_age: int, *, claims: float = 0.0) -> Floats:
    """Return the fee of each patent year 1..last_age.

    Parameters
    ----------
    rows : sequence of sequence of float
        First year, last year, fee, and where the office has it the fee for each claim.
    last_age : int
        Years.
    claims : float
        Claims of the patent, not negative.

    Returns
    -------
    ndarray, shape (last_age,)
        0 where none is due.
    """
    fees = np.zeros(last_age)
    for first, last, fee, *by_claim in rows:
        fees[int(first) - 1 : int(last)] = fee + sum(by_claim) * claims
    return fees


def share_alive(mu: float, sigma: float, decay: float, ages: Floats, fees: Floats) -> Floats:
    """Return the share of patents whose return still covers the fee at each age.

    Parameters
    ----------
    mu, sigma : float
        Mean and standard deviation of the logarithm of the first return; sigma positive.
    decay : float
        Fall of the return, fraction a year, 0 to below 1.
    ages : ndarray, shape (k,)
        Years, increasing.
    fees : ndarray, shape (k,)
        Fee due at each age, positive.

    Returns
    -------
    ndarray, shape (k,)
        Non-increasing.

    Notes
    -----
    ``1 - Phi((ln c_t - t ln(1-d) - mu)/sigma)``, with the running maximum of ``c_t/(1-d)^t``: who dropped out does not return.

    References
    ----------
    Schankerman, Pakes (1986), Economic Journal 96, 1052-1076.
    """
    if sigma <= 0 or not 0 <= decay < 1:
        raise DomainError(f"sigma must be positive and decay 0 to below 1, not {sigma} and {decay}")
    threshold = np.maximum.accumulate(np.log(fees) - np.asarray(ages) * np.log1p(-decay))
    return np.asarray(stats.norm.sf((threshold - mu) / sigma), np.float64)


def periodic_thresholds(
    due_years: Floats, fees: Floats, decay: float, beta: float, *, last_year: float, rule: str = "forward"
) -> Floats:
    """Return the least first return at which each of several fees, due years apart, is paid.

    Parameters
    ----------
    due_years : ndarray, shape (k,)
        Years at which fees are due, rising, e.g. 3.5, 7.5, 11.5 in the United States.
    fees : ndarray, shape (k,)
        Fees, not negative.
    decay, beta : float
        Fall of the return a year, 0 to below 1; discount factor a year, above 0 to 1.
    last_year : float
        End of the term, after the last due year.
    rule : str
        ``myopic``: pay while the yearly return at the due date covers the fee. ``forward``: pay while the best stretch
        of further protection is worth its fees.

    Returns
    -------
    ndarray, shape (k,)
        Thresholds of ``R_0``, non-decreasing: who did not pay an earlier fee pays no later one.

    Raises
    ------
    DomainError
        For impossible years, fees or rates, or another rule.

    Notes
    -----
    With returns ``R_0 (1-d)^t`` flowing continuously, the flows from due date i to the next are worth ``R_0 F_i`` at year 0,
    ``F_i = ((a b)^t_i - (a b)^t_(i+1)) / -ln(a b)``, ``a = 1-d``. The forward threshold is the least over stretches j of
    ``sum_(i..j) b^t c / sum_(i..j) F``: paying is right when any stretch covers its own fees.
    """
    due, cost = np.asarray(due_years, np.float64), np.asarray(fees, np.float64)
    if due.shape != cost.shape or not len(due) or (np.diff(due) <= 0).any() or due[0] < 0 or due[-1] >= last_year:
        raise DomainError("due years must rise from 0, one for each fee, and end before the term")
    if (cost < 0).any() or not 0 <= decay < 1 or not 0 < beta <= 1:
        raise DomainError("fees must not be negative, decay 0 to below 1, beta above 0 to 1")
    if rule == "myopic":
        return np.asarray(np.maximum.accumulate(cost / (1 - decay) ** due), np.float64)
    if rule != "forward":
        raise DomainError(f"rule must be myopic or forward, not {rule!r}")
    speed = np.log((1 - decay) * beta)
    edges = np.append(due, last_year)
    worth = np.diff(edges) if speed == 0 else np.diff(np.exp(speed * edges)) / speed
    paid = beta**due * cost
    least = [float(np.min(np.cumsum(paid[i:]) / np.cumsum(worth[i:]))) for i in range(len(due))]
    return np.asarray(np.maximum.accumulate(least), np.float64)


def renewal_value(first_return: float, decay: float, beta: float, fees: Floats) -> tuple[int, float]:
    """Return how often a patent is renewed and what it is worth.

    Parameters
    ----------
    first_return : float
        Return of the first year (`R_0`); that of the year after t more is ``R_0 (1-d)^t``.
    decay, beta : float
        Fall of the return a year; discount factor a year.
    fees : ndarray, shape (k,)
        Fee of each year.

    Returns
    -------
    renewals : int
        Years paid for before the first year whose return is below its fee.
    value : float
        ``sum beta^t (R_t - c_t)`` over the years paid for, t from 0.
    """
    years = np.arange(len(fees))
    returns = first_return * (1 - decay) ** years
    covered = returns >= fees
    kept = len(fees) if covered.all() else int(np.argmin(covered))
    return kept, float(np.sum(beta ** years[:kept] * (returns[:kept] - fees[:kept])))


def value_given_renewed(
    mu: float, sigma: float, decay: float, beta: float, fees: Floats, age: int, levels: Floats
) -> Floats:
    """Return quantiles of the value that is left, for a patent that has been kept to an age.

    Parameters
    ----------
    mu, sigma, decay : float
        As in `share_alive`.
    beta : float
        Discount factor a year.
    fees : ndarray, shape (n,)
        Fee of each patent year, 1..n (n is the legal life).
    age : int
        Last year paid for, 0 for none.
    levels : ndarray
        Probabilities.

    Returns
    -------
    ndarray
        Value at `age` of the years after it; 0 where the next fee will not be paid. Non-decreasing in `levels`.

    Notes
    -----
    Having been kept says ``ln R_0 >= max_{t<=age}(ln c_t - t ln(1-d))``: a normal truncated from below.
    """
    ages = np.arange(1, len(fees) + 1)
    with np.errstate(divide="ignore"):
        threshold = np.log(fees) - ages * np.log1p(-decay)
    floor = float(np.max(threshold[:age])) if age else -np.inf
    below = stats.norm.cdf((floor - mu) / sigma)
    u = below + (1 - below) * np.clip(np.asarray(levels, np.float64), 0, 1 - 1e-12)
    first_return = np.exp(mu + sigma * stats.norm.ppf(u))
    returns = first_return[:, None] * (1 - decay) ** ages[None, age:]
    covered = np.cumprod(returns >= fees[None, age:], axis=1).astype(bool)
    gain = np.where(covered, returns - fees[None, age:], 0.0)
    return np.asarray((gain * beta ** (ages[None, age:] - age)).sum(axis=1), np.float64)


@dataclass(frozen=True, slots=True)
class RenewalFit:
    """Estimates of the deterministic renewal model.

    Attributes
    ----------
    mu, sigma, decay : float
        As in `share_alive`.
    standard_errors : ndarray, shape (3,)
        Of (mu, sigma, decay), from the inverse observed information and the delta method.
    log_likelihood : float
        At the maximum.
    observations : int
        Patents.
    """

    mu: float
    sigma: float
    decay: float
    standard_errors: Floats
    log_likelihood: float
    observations: int


def fit_renewal(
    kept: NDArray[np.int64], ended: NDArray[np.bool_], fees: Floats, *, first_age: int = 1, iterations: int = 2_000
) -> RenewalFit:
    """Estimate the renewal model by maximum likelihood.

    Parameters
    ----------
    kept : ndarray of int, shape (n,)
        Last patent year paid for.
    ended : ndarray of bool, shape (n,)
        True where the next fee was not paid; False where it is not yet known (censored), or full term was reached.
    fees : ndarray, shape (m,)
        Fee of each patent year, positive from `first_age`.
    first_age : int
        First year at which a fee decides; patents under observation have passed it.
    iterations : int
        Limit of the simplex search.

    Returns
    -------
    RenewalFit

    Raises
    ------
    DomainError
        When too few have ended to tell three parameters apart.
    ConvergenceError
        When the search does not settle.

    Notes
    -----
    A patent that ended after year a contributes ``ln(S_a - S_{a+1})``, one still kept ``ln S_a``, both given ``S_first``.
    """
    last = np.asarray(kept, np.int64)
    out = np.asarray(ended, bool)
    ages = np.arange(1, len(fees) + 1, dtype=np.float64)
    use = last >= first_age
    last, out = np.minimum(last[use], len(fees)), out[use] & (last[use] < len(fees))
    if out.sum() < 10 or np.unique(last[out]).size < 4:
        raise DomainError("a renewal fit needs at least ten lapses at four different ages")
    died = np.bincount(last[out], minlength=len(fees) + 1)
    kept_on = np.bincount(last[~out], minlength=len(fees) + 1)

    def loss(theta: Floats) -> float:
        sigma, decay = float(np.exp(min(theta[1], 50.0))), float(1 / (1 + np.exp(-max(theta[2], -50.0))))
        if sigma > _SIGMA_MAX or decay > _DECAY_MAX:
            return _OUTSIDE
        alive = share_alive(float(theta[0]), sigma, decay, ages[first_age - 1 :], fees[first_age - 1 :])
        full = np.concatenate([np.ones(first_age - 1), alive, [0.0]])
        given = np.maximum(full / max(full[first_age - 1], 1e-300), 1e-300)
        drop = np.maximum(given[:-1] - given[1:], 1e-12)
        # Year a is index a-1: those who ended after year a fell between S_a and S_{a+1}.
        return -float(died[1:] @ np.log(drop) + kept_on[1:] @ np.log(given[:-1]))

    first = np.array([np.log(np.median(fees[fees > 0])) + 1.0, np.log(1.3), np.log(0.1 / 0.9)])
    answer = optimize.minimize(
        loss, first, method="Nelder-Mead", options={"maxiter": iterations, "xatol": 1e-7, "fatol": 1e-9}
    )
    if not answer.success:
        raise ConvergenceError(f"renewal fit: no convergence after {answer.nit} steps ({answer.message})")
    mu, sigma, decay = float(answer.x[0]), float(np.exp(answer.x[1])), float(1 / (1 + np.exp(-answer.x[2])))
    errors = _errors(loss, answer.x) * np.array([1.0, sigma, decay * (1 - decay)])
    return RenewalFit(mu, sigma, decay, errors, -float(answer.fun), len(last))


def _errors(loss: object, theta: Floats) -> Floats:
    assert callable(loss)
    step = 1e-3
    size = len(theta)
    hessian = np.empty((size, size))
    for i in range(size):
        for j in range(size):
            a, b = np.eye(size)[i] * step, np.eye(size)[j] * step
            hessian[i, j] = (loss(theta + a + b) - loss(theta + a - b) - loss(theta - a + b) + loss(theta - a - b)) / (
                4 * step**2
            )
    return np.sqrt(np.maximum(np.diag(np.linalg.pinv(hessian)), 0.0))


@dataclass(frozen=True, slots=True)
class PeriodicSchedule:
    """Fees that are due years apart, as in the United States.

    Parameters
    ----------
    due_years : ndarray, shape (k,)
        Years from grant, rising.
    fees : ndarray, shape (k,)
        Fee at each, in the office's currency.
    term_years : float
        Years from grant to the end of protection.
    """

    due_years: Floats
    fees: Floats
    term_years: float

    def thresholds(self, decay: float, beta: float) -> Floats:
        """Return the least first return at which each fee is paid, by the forward rule; see `periodic_thresholds`."""
        return periodic_thresholds(self.due_years, self.fees, decay, beta, last_year=self.term_years)


def fit_periodic_renewal(
    paid: NDArray[np.int64], ended: NDArray[np.bool_], schedule: PeriodicSchedule, *, decay: float, beta: float
) -> RenewalFit:
    """Estimate the spread of first returns from how many of a few periodic fees were paid.

    Parameters
    ----------
    paid : ndarray of int, shape (n,)
        Fees known to be paid, 0 to k.
    ended : ndarray of bool, shape (n,)
        True where the next fee was not paid; False where it is not yet decided, or every fee was paid.
    schedule : PeriodicSchedule
        Fees and their dates.
    decay, beta : float
        Fall of the return a year and discount factor a year, both given: three fees cannot tell decay from spread.

    Returns
    -------
    RenewalFit
        `decay` as given, with the standard error 0.

    Raises
    ------
    DomainError
        When fewer than ten lapsed, or all at one fee.
    ConvergenceError
        When the search does not settle.

    Notes
    -----
    With ``S_0 = 1``, ``S_j = 1 - Phi((ln h_j - mu)/sigma)`` and thresholds ``h_j`` of the forward rule, one that let fee
    j+1 lapse contributes ``ln(S_j - S_{j+1})``, one still kept ``ln S_j``.
    """
    count = len(schedule.fees)
    done, out = np.asarray(paid, np.int64), np.asarray(ended, bool)
    if done.shape != out.shape or (len(done) and (done.min() < 0 or done.max() > count)):
        raise DomainError(f"fees paid are 0 to {count}, one number for each patent")
    out = out & (done < count)
    if out.sum() < 10 or np.unique(done[out]).size < 2:
        raise DomainError("a renewal fit of periodic fees needs at least ten lapses, at two fees or more")
    heights = np.log(schedule.thresholds(decay, beta))
    died = np.bincount(done[out], minlength=count + 1)
    kept_on = np.bincount(done[~out], minlength=count + 1)

    def loss(theta: Floats) -> float:
        alive = stats.norm.sf((heights - theta[0]) / np.exp(theta[1]))
        full = np.maximum(np.concatenate([[1.0], alive, [0.0]]), 0.0)
        drop = np.maximum(full[:-1] - full[1:], 1e-300)
        kept = np.maximum(full[:-1], 1e-300)
        return -float(died @ np.log(drop) + kept_on @ np.log(kept))

    first = np.array([heights[0] + 1.0, np.log(1.3)])
    answer = optimize.minimize(
        loss, first, method="Nelder-Mead", options={"maxiter": 2_000, "xatol": 1e-8, "fatol": 1e-10}
    )
    if not answer.success:
        raise ConvergenceError(f"renewal fit: no convergence after {answer.nit} steps ({answer.message})")
    mu, sigma = float(answer.x[0]), float(np.exp(answer.x[1]))
    errors = np.append(_errors(loss, answer.x) * np.array([1.0, sigma]), 0.0)
    return RenewalFit(mu, sigma, decay, errors, -float(answer.fun), len(done))


def value_given_paid(
    fit: RenewalFit, schedule: PeriodicSchedule, beta: float, *, paid: int, age_years: float, levels: Floats
) -> Floats:
    """Return quantiles of the value that is left, for a patent whose owner has paid some of the periodic fees.

    Parameters
    ----------
    fit : RenewalFit
        Spread of first returns.
    schedule : PeriodicSchedule
        Fees and their dates.
    beta : float
        Discount factor a year.
    paid : int
        Fees paid, 0 to k.
    age_years : float
        Years since grant, before the next due date.
    levels : ndarray
        Probabilities.

    Returns
    -------
    ndarray
        Value at that age, net of the fees still to be paid. Non-decreasing in `levels`, not negative.

    Notes
    -----
    Having paid fee j says ``R_0 >= h_j``: a log-normal truncated from below. What is left is the flow to the next due
    date, and each later stretch whose threshold the return reaches, less its fee.
    """
    a_b = (1 - fit.decay) * beta
    speed = np.log(a_b)
    heights = schedule.thresholds(fit.decay, beta)
    below = stats.norm.cdf((np.log(heights[paid - 1]) - fit.mu) / fit.sigma) if paid else 0.0
    u = below + (1 - below) * np.clip(np.asarray(levels, np.float64), 0, 1 - 1e-12)
    first = np.exp(fit.mu + fit.sigma * stats.norm.ppf(u))

    def flow(start: float, end: float) -> float:
        if end <= start:
            return 0.0
        return end - start if speed == 0 else float((np.exp(speed * end) - np.exp(speed * start)) / speed)

    edges = np.append(schedule.due_years, schedule.term_years)
    value = first * flow(age_years, edges[paid])
    for j in range(paid, len(schedule.fees)):
        stretch = (
            first * flow(max(edges[j], age_years), edges[j + 1]) - beta ** max(edges[j], age_years) * schedule.fees[j]
        )
        value = value + np.where(first >= heights[j], stretch, 0.0)
    # Flows above are worth beta^t at year 0; at the age they are worth beta^-age more.
    return np.asarray(np.maximum(value * beta**-age_years, 0.0), np.float64)
