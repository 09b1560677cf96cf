"""Relief from royalty by Monte Carlo: one compiled pass over the draws, with a counter-based generator.

Each draw of each patent has its own random numbers, a hash of (seed, patent, draw, input). So the answer depends neither on
the number of threads nor on how the draws are cut into blocks nor on the order of patents; and any block of draws can be
computed again on its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numba as nb
import numpy as np
from numpy.typing import NDArray

from zhirong.kernel.errors import DomainError
from zhirong.numerics.distributions import SCORE_MAX, TABLE_SIZE
from zhirong.numerics.streams import score, uniform

__all__ = ["INPUTS", "RoyaltyPlan", "correlation_root", "normal_scores", "royalty_flows", "royalty_inputs", "royalty_values",
           "tax_amortisation_factor"]  # fmt: skip

Floats = NDArray[np.float64]

INPUTS: tuple[str, ...] = ("revenue", "growth", "royalty_rate", "discount_rate", "economic_life", "validity")
"""Inputs of the simulation, in the order of the rows of the quantile tables and of the correlation matrix."""

_YEARS_MAX = 64


@dataclass(frozen=True, slots=True)
class RoyaltyPlan:
    """What is fixed in a relief-from-royalty valuation.

    Parameters
    ----------
    legal_life_years : float
        Legal term left; the term of the flows is the smaller of this and the drawn economic life.
    first_period_years : float
        Length of the first period in (0, 1]; 1 for a valuation at the start of a year.
    tax_rate : float
        Fraction, 0 to below 1.
    tax_life_years : float
        Amortisation life for the tax benefit; 0 leaves the benefit out.
    long_run_growth : float
        Growth to which the drawn growth decays, fraction a year.
    growth_fade : float
        Share of the excess growth that is left after each year, 0 to 1; 1 keeps growth as drawn.
    mid_period : bool
        Flows arrive in the middle of a period (True) or at its end.
    """

    legal_life_years: float
    first_period_years: float = 1.0
    tax_rate: float = 0.25
    tax_life_years: float = 0.0
    long_run_growth: float = 0.0
    growth_fade: float = 1.0
    mid_period: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.legal_life_years <= _YEARS_MAX:
            raise DomainError(f"legal_life_years must be 0 to {_YEARS_MAX}, not {self.legal_life_years}")
        if not 0 < self.first_period_years <= 1:
            raise DomainError(f"first_period_years must be in (0, 1], not {self.first_period_years}")
        if not 0 <= self.tax_rate < 1:
            raise DomainError(f"tax_rate must be a fraction from 0 to below 1, not {self.tax_rate}")
        if self.tax_life_years < 0:
            raise DomainError(f"tax_life_years must not be negative, not {self.tax_life_years}")
        if not 0 <= self.growth_fade <= 1:
            raise DomainError(f"growth_fade must be 0 to 1, not {self.growth_fade}")

    def as_array(self) -> Floats:
        """Return the fields as an array of shape (7,), for the compiled kernels."""
        return np.array(
            [
                self.legal_life_years, self.first_period_years, self.tax_rate, self.tax_life_years,
                self.long_run_growth, self.growth_fade, 0.5 if self.mid_period else 0.0,
            ]
        )  # fmt: skip


def correlation_root(correlation: Floats) -> Floats:
    """Return the lower Cholesky root of a correlation matrix of shape (6, 6).

    Raises
    ------
    DomainError
        When it is not symmetric with ones on the diagonal, or not positive definite.
    """
    matrix = np.asarray(correlation, np.float64)
    if (
        matrix.shape != (len(INPUTS), len(INPUTS))
        or not np.allclose(matrix, matrix.T)
        or not np.allclose(np.diag(matrix), 1)
    ):
        raise DomainError(f"a correlation matrix of {len(INPUTS)} inputs is symmetric with ones on its diagonal")
    try:
        return np.asarray(np.linalg.cholesky(matrix), np.float64)
    except np.linalg.LinAlgError:
        raise DomainError(
            "the correlation matrix is not positive definite: the correlations contradict each other"
        ) from None


def tax_amortisation_factor(tax_rate: float, tax_life_years: float, rate: float, *, mid_period: bool) -> float:
    """Return the factor by which the tax benefit of amortising the price raises a value.

    Parameters
    ----------
    tax_rate, rate : float
        Fractions; discount rate after tax.
    tax_life_years : float
        Years of straight-line amortisation; 0 gives 1.
    mid_period : bool
        Mid-year convention.

    Notes
    -----
    ``TAB = 1 / (1 - tax/n * A(n, r) * (1+r)^m)``, ``A = (1 - (1+r)^-n)/r``, with the limit ``A = n`` at ``r = 0``.

    Examples
    --------
    >>> round(tax_amortisation_factor(0.25, 10, 0.12, mid_period=False), 10)
    1.1644908214
    """
    return float(_tab(tax_rate, tax_life_years, rate, 0.5 if mid_period else 0.0))


def royalty_values(
    key: int, tables: Floats, root: Floats, plan: RoyaltyPlan, *, draws: int, first_draw: int = 0
) -> Floats:
    """Return simulated values by relief from royalty.

    Parameters
    ----------
    key : int
        Stream of the patent (`stream_key`).
    tables : ndarray, shape (6, TABLE_SIZE)
        Quantiles of each of `INPUTS` over normal scores (`quantile_table`). Revenue in major units for the first whole
        year, rates as fractions, life in years, validity as a probability.
    root : ndarray, shape (6, 6)
        Lower root of the correlation of the scores (`correlation_root`).
    plan : RoyaltyPlan
        What is fixed.
    draws, first_draw : int
        How many draws, and the number of the first: blocks of one stream may be computed apart.

    Returns
    -------
    ndarray, shape (draws,)
        Present values, in the unit of revenue.

    Notes
    -----
    ``V = TAB * sum_p len_p * R_p * k * (1 - tax) * q / (1 + r)^(t_p)`` over periods up to ``min(legal, economic)``,
    the first and last in part, with t_p the middle (or end) of the period.
    """
    _check_tables(tables, draws)
    out = np.empty(draws)
    _values(np.uint64(key), np.ascontiguousarray(tables), np.ascontiguousarray(root), plan.as_array(), first_draw, out)
    return out


def royalty_inputs(key: int, tables: Floats, root: Floats, *, draws: int, first_draw: int = 0) -> Floats:
    """Return the inputs behind the draws of `royalty_values`; shape (draws, 6)."""
    _check_tables(tables, draws)
    out = np.empty((draws, len(INPUTS)))
    _inputs(np.uint64(key), np.ascontiguousarray(tables), np.ascontiguousarray(root), first_draw, out)
    return out


def royalty_flows(key: int, tables: Floats, root: Floats, plan: RoyaltyPlan, *, draws: int) -> Floats:
    """Return undiscounted flows after tax and risk by period; shape (draws, periods), zero after the term.

    Periods are the first (perhaps partial) year and whole years after it, up to the legal life.
    """
    _check_tables(tables, draws)
    periods = max(1, math.ceil(plan.legal_life_years - plan.first_period_years + 1e-12) + 1)
    out = np.zeros((draws, periods))
    _flows(np.uint64(key), np.ascontiguousarray(tables), np.ascontiguousarray(root), plan.as_array(), out)
    return out


_PARALLEL_DRAWS = 50_000
"""Fewer draws are made on one thread: waking the others takes longer than the work. The draws are the same."""


def normal_scores(key: int, draws: int) -> Floats:
    """Return the independent normal scores of a stream alone, shape (draws, 6): the floor any simulation pays."""
    out = np.empty((draws, len(INPUTS)))
    (_scores if draws > _PARALLEL_DRAWS else _few_scores)(np.uint64(key), out)
    return out


def _check_tables(tables: Floats, draws: int) -> None:
    if tables.shape != (len(INPUTS), TABLE_SIZE):
        raise DomainError(f"tables must have shape {(len(INPUTS), TABLE_SIZE)}, not {tables.shape}")
    if draws < 1:
        raise DomainError(f"draws must be at least 1, not {draws}")


@nb.njit(cache=True, inline="always")
def _look_up(table: Any, z: Any) -> Any:
    place = (z + SCORE_MAX) * ((TABLE_SIZE - 1) / (2.0 * SCORE_MAX))
    if place <= 0.0:
        return table[0]
    if place >= TABLE_SIZE - 1:
        return table[TABLE_SIZE - 1]
    cell = int(place)
    part = place - cell
    return table[cell] + part * (table[cell + 1] - table[cell])


@nb.njit(cache=True, inline="always")
def _draw(key: Any, draw: Any, tables: Any, root: Any, z: Any, x: Any) -> None:
    for i in range(6):
        z[i] = score(uniform(key, draw * 6 + i))
    for i in range(6):
        y = 0.0
        for j in range(i + 1):
            y += root[i, j] * z[j]
        x[i] = _look_up(tables[i], y)


@nb.njit(cache=True, inline="always")
def _tab(tax: Any, n: Any, r: Any, m: Any) -> Any:
    if n <= 0.0 or tax <= 0.0:
        return 1.0
    annuity = n if abs(r) < 1e-12 else (1.0 - (1.0 + r) ** (-n)) / r
    return 1.0 / (1.0 - tax / n * annuity * (1.0 + r) ** m)


@nb.njit(cache=True, inline="always")
def _present_value(x: Any, plan: Any) -> Any:
    legal, first, tax, tax_life, long_run, fade, m = plan[0], plan[1], plan[2], plan[3], plan[4], plan[5], plan[6]
    term = min(legal, x[4])
    if term <= 0.0:
        return 0.0
    step = 1.0 / (1.0 + x[3])
    revenue = x[0]
    excess = x[1] - long_run
    total = 0.0
    length = min(first, term)
    # Only the first and the last period need a power: between them the factor falls by one whole year.
    factor = step ** (length * (1.0 - m))
    at = length * (1.0 - m)
    done = 0.0
    while True:
        total += revenue * length * factor
        done += length
        if done >= term - 1e-12:
            break
        left = term - done
        length = 1.0 if left > 1.0 else left
        middle = done + length * (1.0 - m)
        gap = middle - at
        factor *= step if gap == 1.0 else step**gap
        at = middle
        revenue *= 1.0 + long_run + excess
        excess *= fade
    return total * x[2] * (1.0 - tax) * x[5] * _tab(tax, tax_life, x[3], m)


@nb.njit(parallel=True, cache=True)
def _values(key: Any, tables: Any, root: Any, plan: Any, first_draw: Any, out: Any) -> None:
    blocks = (out.shape[0] + 1023) // 1024
    for block in nb.prange(blocks):
        z = np.empty(6)
        x = np.empty(6)
        for i in range(block * 1024, min(out.shape[0], (block + 1) * 1024)):
            _draw(key, first_draw + i, tables, root, z, x)
            out[i] = _present_value(x, plan)


@nb.njit(parallel=True, cache=True)
def _inputs(key: Any, tables: Any, root: Any, first_draw: Any, out: Any) -> None:
    for i in nb.prange(out.shape[0]):
        z = np.empty(6)
        _draw(key, first_draw + i, tables, root, z, out[i])


def _score_rows(key: Any, out: Any) -> None:
    for i in nb.prange(out.shape[0]):
        for j in range(6):
            out[i, j] = score(uniform(key, i * 6 + j))


_scores = nb.njit(parallel=True, cache=True)(_score_rows)
_few_scores = nb.njit(cache=True)(_score_rows)


@nb.njit(parallel=True, cache=True)
def _flows(key: Any, tables: Any, root: Any, plan: Any, out: Any) -> None:
    legal, first, tax, long_run, fade = plan[0], plan[1], plan[2], plan[4], plan[5]
    for i in nb.prange(out.shape[0]):
        z = np.empty(6)
        x = np.empty(6)
        _draw(key, i, tables, root, z, x)
        term = min(legal, x[4])
        revenue = x[0]
        excess = x[1] - long_run
        done = 0.0
        for period in range(out.shape[1]):
            if done >= term - 1e-12:
                break
            length = min(first if period == 0 else 1.0, term - done)
            out[i, period] = revenue * length * x[2] * (1.0 - tax) * x[5]
            done += length
            revenue *= 1.0 + long_run + excess
            excess *= fade
