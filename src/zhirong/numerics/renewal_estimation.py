"""Estimation of renewal models by multinomial maximum likelihood, with standard errors and a bootstrap.

The deterministic model (Schankerman and Pakes) and the option model (Pakes) have one interface: cohorts in, `RenewalEstimate`
out. What one cohort cannot tell apart, several with different fees can; what they cannot either is held fixed.

References
----------
Schankerman, M., Pakes, A. (1986), *Economic Journal* 96, 1052-1076. Pakes, A. (1986), *Econometrica* 54(4), 755-784.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from zhirong.kernel.errors import ConvergenceError, DomainError
from zhirong.numerics.renewal import share_alive
from zhirong.numerics.renewal_option import RenewalOption, share_kept

__all__ = ["Cohort", "RenewalEstimate", "estimate_deterministic", "estimate_option"]

Floats = NDArray[np.float64]
_OUTSIDE = 1e12
_LAPSES_MIN = 10
_STEP = 2e-3
_LOG, _LOGIT, _PLAIN = "log", "logit", "plain"
_DETERMINISTIC: Mapping[str, str] = {"mu": _PLAIN, "sigma": _LOG, "decay": _LOGIT}
_OPTION: Mapping[str, str] = {
    "mu": _PLAIN, "spread": _LOG, "theta": _LOG, "delta": _LOGIT, "gamma": _LOG, "sigma": _LOG, "phi": _LOGIT,
    "obsolescence": _LOGIT,
}  # fmt: skip
_REACH_OF_MU = 8.0
"""Log points that the median first return may lie from the median fee: beyond, fees decide nothing."""
_SPREAD_MAX = 6.0
"""Log points; twice the largest estimates that studies report."""
_EDGE = 0.98
_ALTERNATIVES: tuple[Mapping[str, float], ...] = (
    {"mu": 1.5},
    {"theta": -2.0},
    {"mu": 1.0, "spread": 0.5, "sigma": 1.0},
)
"""Other starts of the search: steps from the first, as the search sees the parameters."""
_FAR = 40.0
_DELTA_MAX = 0.99


@dataclass(frozen=True, slots=True)
class Cohort:
    """Patents that faced one schedule of fees.

    Parameters
    ----------
    kept : ndarray of int, shape (n,)
        Last patent year paid for, 0 to k.
    ended : ndarray of bool, shape (n,)
        True where the next fee was not paid; False where that is not yet known, or the last year was paid.
    fees : ndarray, shape (k,)
        Fee of each patent year, not negative.
    first_year : int
        Year of the first decision that is observed; patents under observation have paid for the year before it, or it is 1.

    Raises
    ------
    DomainError
        For arrays of different length or years outside the schedule.
    """

    kept: NDArray[np.int64]
    ended: NDArray[np.bool_]
    fees: Floats
    first_year: int = 1

    def __post_init__(self) -> None:
        years = len(self.fees)
        if self.kept.shape != self.ended.shape or self.kept.ndim != 1:
            raise DomainError("kept and ended hold one entry a patent")
        if not 1 <= self.first_year <= years:
            raise DomainError(f"the first year is 1 to {years}, not {self.first_year}")
        if len(self.kept) and (self.kept.min() < self.first_year - 1 or self.kept.max() > years):
            raise DomainError(f"years kept are {self.first_year - 1} to {years}")

    @property
    def counts(self) -> tuple[Floats, Floats]:
        """Patents that ended after, and that were last seen at, each year 0..k."""
        size = len(self.fees) + 1
        out = self.ended & (self.kept < len(self.fees))
        return (
            np.bincount(self.kept[out], minlength=size).astype(np.float64),
            np.bincount(self.kept[~out], minlength=size).astype(np.float64),
        )


@dataclass(frozen=True, slots=True)
class RenewalEstimate:
    """What a fit found.

    Attributes
    ----------
    names : tuple of str
        Parameters that were estimated.
    values, standard_errors : ndarray, shape (p,)
        Estimates, and errors from the inverse observed information by the delta method; infinite where the likelihood is
        flat.
    fixed : Mapping of str to float
        Parameters that were given.
    log_likelihood : float
        At the maximum.
    deviance : float
        Twice what is missing to the log likelihood of a model with a free lapse rate at each year of each cohort.
    degrees_of_freedom : int
        Free rates less parameters: about what the deviance is where the model holds.
    observations : int
        Patents.
    bootstrap : ndarray, shape (b, p)
        Estimates of the resamples; no rows where none was asked for.
    failed_resamples : int
        Resamples without an estimate.
    """

    names: tuple[str, ...]
    values: Floats
    standard_errors: Floats
    fixed: Mapping[str, float]
    log_likelihood: float
    deviance: float
    degrees_of_freedom: int
    observations: int
    bootstrap: Floats
    failed_resamples: int

    def __getitem__(self, name: str) -> float:
        """Return a parameter, estimated or given."""
        return float(self.values[self.names.index(name)]) if name in self.names else self.fixed[name]

    def interval(self, name: str, level: float = 0.9) -> tuple[float, float]:
        """Return the percentile interval of the bootstrap, or that of the normal law where there was none."""
        at = self.names.index(name)
        if len(self.bootstrap):
            low, high = np.quantile(self.bootstrap[:, at], [(1 - level) / 2, (1 + level) / 2])
            return float(low), float(high)
        from scipy import special

        reach = float(special.ndtri((1 + level) / 2)) * float(self.standard_errors[at])
        return float(self.values[at]) - reach, float(self.values[at]) + reach

    def option(self, beta: float) -> RenewalOption:
        """Return the option model with these parameters; only for a fit of it."""
        return RenewalOption(**{name: self[name] for name in _OPTION}, beta=beta)


def estimate_deterministic(
    cohorts: Sequence[Cohort], *, fixed: Mapping[str, float] | None = None, resamples: int = 0,
    rng: np.random.Generator | None = None,
) -> RenewalEstimate:  # fmt: skip
    """Estimate the deterministic model: `mu`, `sigma` and `decay` of `numerics.renewal.share_alive`.

    Parameters
    ----------
    cohorts : sequence of Cohort
        At least one.
    fixed : Mapping of str to float, optional
        Parameters that are given.
    resamples : int
        Resamples of the bootstrap; needs `rng`.
    rng : numpy.random.Generator, optional
        Source of the resamples.

    Returns
    -------
    RenewalEstimate

    Raises
    ------
    DomainError
        For too few lapses, or parameters that are not of the model.
    ConvergenceError
        When the search does not settle.
    """

    def share(p: Mapping[str, float], fees: Floats) -> Floats:
        due = fees > 0
        alive = np.ones(len(fees))
        if due.any():
            ages = np.arange(1, len(fees) + 1, dtype=np.float64)
            alive[due] = share_alive(p["mu"], p["sigma"], p["decay"], ages[due], fees[due])
        return np.asarray(np.minimum.accumulate(alive), np.float64)

    fees = np.concatenate([c.fees for c in cohorts]) if cohorts else np.zeros(0)
    middle = math.log(float(np.median(fees[fees > 0]))) if (fees > 0).any() else 0.0
    start = {"mu": middle + 1.0, "sigma": 1.3, "decay": 0.1}
    return _estimate(share, cohorts, _DETERMINISTIC, start, dict(fixed or {}), resamples, rng)


def estimate_option(
    cohorts: Sequence[Cohort], *, beta: float, fixed: Mapping[str, float] | None = None, with_obsolescence: bool = False,
    start: Mapping[str, float] | None = None, resamples: int = 0, rng: np.random.Generator | None = None,
) -> RenewalEstimate:  # fmt: skip
    """Estimate the option model of `numerics.renewal_option.RenewalOption`.

    Parameters
    ----------
    cohorts, resamples, rng
        As for `estimate_deterministic`.
    beta : float
        Discount factor, given: renewals do not tell it.
    fixed : Mapping of str to float, optional
        Parameters that are given; `obsolescence` is 0 where it is neither given nor estimated. One schedule of fees seldom tells
        all apart.
    with_obsolescence : bool
        Estimate the chance of obsolescence too.
    start : Mapping of str to float, optional
        Where the search starts, for any of the parameters.

    Returns
    -------
    RenewalEstimate

    Raises
    ------
    DomainError, ConvergenceError
        As for `estimate_deterministic`.
    """

    def share(p: Mapping[str, float], fees: Floats) -> Floats:
        return share_kept(RenewalOption(**p, beta=beta), fees)

    fees = np.concatenate([c.fees for c in cohorts]) if cohorts else np.zeros(0)
    scale = float(np.median(fees[fees > 0])) if (fees > 0).any() else 1.0
    first = {
        "mu": math.log(scale) + 0.5, "spread": 1.3, "theta": 2.0 / scale, "delta": 0.9, "gamma": 0.3 * scale,
        "sigma": scale, "phi": 0.8, "obsolescence": 0.03,
    }  # fmt: skip
    given = dict(fixed or {}) if with_obsolescence else {"obsolescence": 0.0} | dict(fixed or {})
    return _estimate(
        share, cohorts, _OPTION, first | dict(start or {}), given, resamples, rng, alternatives=_ALTERNATIVES
    )


Share = Callable[[Mapping[str, float], Floats], Floats]
Counts = Sequence[tuple[Floats, Floats]]


@dataclass(frozen=True, slots=True)
class _Problem:
    """What is searched: a model, the schedules that cohorts faced, and which of its parameters are free."""

    share: Share
    schedules: tuple[tuple[Floats, int], ...]
    kinds: Mapping[str, str]
    names: tuple[str, ...]
    fixed: Mapping[str, float]
    middle: float

    def reach(self, p: Mapping[str, float]) -> float:
        """Return how far out parameters lie: above 1 they are outside of what is searched."""
        spread = p["spread"] if "spread" in p else p["sigma"]
        decay = max(p.get("delta", 0.0), p.get("decay", 0.0)) / _DELTA_MAX
        return max(abs(p["mu"] - self.middle) / _REACH_OF_MU, spread / _SPREAD_MAX, decay**20)

    def outward(self, x: Floats) -> Floats:
        return np.array([_outward(self.kinds[n], float(v)) for n, v in zip(self.names, x, strict=True)])

    def loss(self, x: Floats, counts: Counts) -> float:
        """Return minus the log likelihood: those who ended after year a fell between two shares, the others reached one."""
        p = dict(self.fixed) | dict(zip(self.names, self.outward(x).tolist(), strict=True))
        if self.reach(p) > 1:
            return _OUTSIDE
        total = 0.0
        known: dict[bytes, Floats] = {}
        try:
            for (fees, first), (died, kept) in zip(self.schedules, counts, strict=True):
                name = fees.tobytes()
                if name not in known:
                    known[name] = self.share(p, fees)
                total -= _log_likelihood(known[name], first, died, kept)
        except DomainError:
            return _OUTSIDE
        return total if math.isfinite(total) else _OUTSIDE


def _log_likelihood(share: Floats, first: int, died: Floats, kept: Floats) -> float:
    alive = np.concatenate([[1.0], share, [0.0]])
    alive[:first] = 1.0 if first == 1 else alive[first - 1]
    given = np.maximum(alive / max(alive[first - 1], 1e-300), 1e-300)
    drop = np.maximum(given[:-1] - given[1:], 1e-12)
    return float(died @ np.log(drop) + kept @ np.log(given[:-1]))


def _estimate(
    share: Share, cohorts: Sequence[Cohort], kinds: Mapping[str, str], start: Mapping[str, float],
    fixed: dict[str, float], resamples: int, rng: np.random.Generator | None,
    *, alternatives: Sequence[Mapping[str, float]] = (),
) -> RenewalEstimate:  # fmt: skip
    if unknown := (fixed.keys() | start.keys()) - kinds.keys():
        raise DomainError(f"the model has no parameter {sorted(unknown)[0]!r}; it has {', '.join(kinds)}")
    names = tuple(name for name in kinds if name not in fixed)
    counts = [c.counts for c in cohorts]
    lapses = sum(float(died.sum()) for died, _ in counts)
    cells = sum(int((died > 0).sum()) for died, _ in counts)
    if not names or lapses < _LAPSES_MIN or cells <= len(names):
        raise DomainError(
            f"a renewal fit of {len(names)} parameters needs {_LAPSES_MIN} lapses at more years than that, not {lapses:.0f} at {cells}"
        )
    if resamples and rng is None:
        raise DomainError("a bootstrap needs a generator of random numbers")
    fees = np.concatenate([c.fees for c in cohorts])
    middle = math.log(float(np.median(fees[fees > 0])))
    problem = _Problem(share, tuple((c.fees, c.first_year) for c in cohorts), kinds, names, fixed, middle)
    inner = np.array([_inward(kinds[n], start[n]) for n in names])
    starts = [inner] + [inner + np.array([step.get(n, 0.0) for n in names]) for step in alternatives]
    theta, loss = _search(problem, counts, _best_start(problem, counts, starts))
    errors = _errors(lambda x: problem.loss(x, counts), theta)
    slope = np.array([_slope(kinds[n], x) for n, x in zip(names, theta, strict=True)])
    rows, failed = [], 0
    for _ in range(resamples):
        assert rng is not None
        again = [_resampled(died, kept, rng) for died, kept in counts]
        try:
            rows.append(problem.outward(_search(problem, again, theta)[0]))
        except ConvergenceError:
            failed += 1
    observations = int(sum(len(c.kept) for c in cohorts))
    table = np.array(rows, np.float64).reshape(len(rows), len(names))
    free, rates = _saturated(counts)
    return RenewalEstimate(
        names, problem.outward(theta), errors * slope, fixed, -loss, 2 * (free + loss), max(rates - len(names), 0),
        observations, table, failed,
    )  # fmt: skip


def _saturated(counts: Counts) -> tuple[float, int]:
    """Return the log likelihood of free lapse rates, and their number: a year counts where some lapse and some do not."""
    total, rates = 0.0, 0
    for died, kept in counts:
        reached = np.cumsum((died + kept)[::-1])[::-1]
        for lapsed, at_risk in zip(died, reached - kept, strict=True):
            if 0 < lapsed < at_risk:
                share = lapsed / at_risk
                total += float(lapsed * math.log(share) + (at_risk - lapsed) * math.log(1 - share))
                rates += 1
    return total, rates


def _best_start(problem: _Problem, counts: Counts, starts: Sequence[Floats]) -> Floats:
    """Return where a short search from each start ends lowest."""
    if len(starts) == 1:
        return starts[0]
    short = {"maxfev": 60 * len(starts[0]), "xatol": 1e-2, "fatol": 1e-2}
    found = [
        optimize.minimize(lambda x: problem.loss(x, counts), start, method="Nelder-Mead", options=short)
        for start in starts
    ]
    return np.asarray(min(found, key=lambda answer: float(answer.fun)).x, np.float64)


def _resampled(died: Floats, kept: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    both = np.concatenate([died, kept])
    drawn = rng.multinomial(int(both.sum()), both / both.sum()).astype(np.float64)
    return drawn[: len(died)], drawn[len(died) :]


def _inward(kind: str, value: float) -> float:
    if kind == _PLAIN:
        return value
    return math.log(value) if kind == _LOG else math.log(value / (1 - value))


def _outward(kind: str, x: float) -> float:
    if kind == _PLAIN:
        return float(x)
    return math.exp(min(x, _FAR)) if kind == _LOG else 1 / (1 + math.exp(-max(min(x, _FAR), -_FAR)))


def _slope(kind: str, x: float) -> float:
    value = _outward(kind, x)
    return 1.0 if kind == _PLAIN else value if kind == _LOG else value * (1 - value)


def _search(problem: _Problem, counts: Counts, start: Floats) -> tuple[Floats, float]:
    size = max(1.0, sum(float(died.sum() + kept.sum()) for died, kept in counts))

    def scaled(x: Floats) -> float:
        return problem.loss(x, counts) / size

    limit = 400 * len(start)
    options = {"maxfev": limit, "xatol": 1e-3, "fatol": 1e-7}
    best = optimize.minimize(scaled, start, method="Nelder-Mead", options=options)
    for _ in range(6):  # a simplex that has collapsed on a ridge is set up again
        options = {"maxfev": limit, "xatol": 1e-4, "fatol": 1e-9}
        again = optimize.minimize(scaled, best.x, method="Nelder-Mead", options=options)
        is_settled = best.fun - again.fun < 1e-7
        best = again
        if is_settled:
            break
    else:
        raise ConvergenceError(f"renewal fit: no convergence after {best.nit} steps ({best.message})")
    found = dict(problem.fixed) | dict(zip(problem.names, problem.outward(best.x).tolist(), strict=True))
    if best.fun >= _OUTSIDE / size or problem.reach(found) > _EDGE:
        raise ConvergenceError(
            "renewal fit: the best parameters lie at the edge of what is plausible; these lapses do not follow the fees"
        )
    return np.asarray(best.x, np.float64), float(best.fun) * size


def _errors(loss: Callable[[Floats], float], theta: Floats) -> Floats:
    """Return standard errors from central differences of second order; infinite where the surface does not curve."""
    size = len(theta)
    eye, hessian = np.eye(size) * _STEP, np.empty((size, size))
    for i in range(size):
        for j in range(i + 1):
            a, b = eye[i], eye[j]
            value = (loss(theta + a + b) - loss(theta + a - b) - loss(theta - a + b) + loss(theta - a - b)) / (
                4 * _STEP**2
            )
            hessian[i, j] = hessian[j, i] = value
    roots, axes = np.linalg.eigh(hessian)
    if (roots <= 0).any():
        flat = (axes[:, roots <= 0] ** 2).sum(axis=1) > 1e-6
        spread = (axes[:, roots > 0] ** 2 / roots[roots > 0]).sum(axis=1)
        return np.asarray(np.where(flat, np.inf, np.sqrt(spread)), np.float64)
    return np.asarray(np.sqrt((axes**2 / roots).sum(axis=1)), np.float64)
