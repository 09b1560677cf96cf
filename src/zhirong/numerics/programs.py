"""Small linear and mixed-integer programmes by name: solved by HiGHS, certified by duality, explained where there is no answer."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from zhirong.kernel.errors import ConvergenceError, DomainError

__all__ = ["Answer", "Row", "Shortfall", "least_shortfall", "solve"]

Floats = NDArray[np.float64]
_GAP_MAX = 1e-7
_WHOLE = 1e-9


@dataclass(frozen=True, slots=True)
class Row:
    """A linear condition ``low <= sum coefficient x variable <= high``; one of the two ends may be infinite.

    Attributes
    ----------
    name : str
        What the answer calls it.
    coefficients : Mapping of str to float
        By variable.
    low, high : float
        Ends.
    """

    name: str
    coefficients: Mapping[str, float]
    low: float = -math.inf
    high: float = math.inf


@dataclass(frozen=True, slots=True)
class Answer:
    """An optimum.

    Attributes
    ----------
    values : Mapping of str to float
        By variable.
    objective : float
        Least cost.
    shadow : Mapping of str to float
        By row: change of the least cost for one unit more on its binding end; 0 where it does not bind. Whole variables are held.
    reduced : Mapping of str to float
        By variable: change of the least cost for one unit more on its binding bound.
    gap : float
        Relative difference of primal and dual objective: the certificate. At most 1e-7.
    """

    values: Mapping[str, float]
    objective: float
    shadow: Mapping[str, float]
    reduced: Mapping[str, float]
    gap: float


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Why a programme has no answer: the least sum of breaches, by row; the rows named cannot all be kept."""

    breaches: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Matrix:
    names: list[str]
    a: Floats
    b: Floats
    of: list[tuple[int, float]]  # row of the input and sign, for each inequality
    a_equal: Floats
    b_equal: Floats
    of_equal: list[int]


def _matrix(names: list[str], rows: Sequence[Row]) -> _Matrix:
    place = {name: k for k, name in enumerate(names)}
    above: list[Floats] = []
    limits: list[float] = []
    of: list[tuple[int, float]] = []
    equal: list[Floats] = []
    at: list[float] = []
    of_equal: list[int] = []
    for index, row in enumerate(rows):
        line = np.zeros(len(names))
        for name, coefficient in row.coefficients.items():
            if name not in place:
                raise DomainError(f"row {row.name}: variable {name!r} has no bounds")
            if not math.isfinite(coefficient):
                raise DomainError(f"row {row.name}: coefficient of {name} is {coefficient}")
            line[place[name]] = coefficient
        if row.low > row.high:
            raise DomainError(f"row {row.name}: low {row.low} is above high {row.high}")
        if row.low == row.high:
            equal.append(line)
            at.append(row.low)
            of_equal.append(index)
            continue
        for sign, end in ((1.0, row.high), (-1.0, -row.low)):
            if math.isfinite(end):
                above.append(sign * line)
                limits.append(end)
                of.append((index, sign))
    width = len(names)
    return _Matrix(
        names, np.array(above).reshape(-1, width), np.array(limits), of, np.array(equal).reshape(-1, width), np.array(at), of_equal
    )  # fmt: skip


def solve(
    costs: Mapping[str, float], rows: Sequence[Row], bounds: Mapping[str, tuple[float, float]], *,
    whole: Collection[str] = (),
) -> Answer | None:  # fmt: skip
    """Minimise a linear cost.

    Parameters
    ----------
    costs : Mapping of str to float
        Cost a unit; variables not named cost nothing.
    rows : sequence of Row
        Conditions.
    bounds : Mapping of str to (float, float)
        Every variable with its ends.
    whole : collection of str
        Variables that must be whole.

    Returns
    -------
    Answer or None
        None where no point meets all conditions; `least_shortfall` says which.

    Raises
    ------
    DomainError
        For a variable without bounds or an impossible row.
    ConvergenceError
        Where the cost has no least value, or the certificate fails.
    """
    names = list(bounds)
    if unknown := set(costs) - set(names):
        raise DomainError(f"costs name variables without bounds: {', '.join(sorted(unknown))}")
    m = _matrix(names, rows)
    c = np.array([costs.get(name, 0.0) for name in names])
    box = [bounds[name] for name in names]
    found = _linear(c, m, box)
    kinds = np.array([name in whole for name in names])
    if found.status == 0 and kinds.any():
        # Where the relaxed optimum is whole already it is the optimum; branching is for the rest.
        x = found.x if (np.abs(found.x - np.round(found.x))[kinds] < _WHOLE).all() else _whole_values(c, m, box, kinds)
        if x is None:
            return None
        box = [(round(v), round(v)) if k else ends for k, v, ends in zip(kinds, x, box, strict=True)]
        found = _linear(c, m, box)
    if found.status == 2:
        return None
    if found.status != 0:
        raise ConvergenceError(f"linear programme: {found.message}")
    return _answer(m, c, box, found, [row.name for row in rows])


def _linear(c: Floats, m: _Matrix, box: list[tuple[float, float]]) -> optimize.OptimizeResult:
    return optimize.linprog(
        c, m.a if m.a.size else None, m.b if m.a.size else None, m.a_equal if m.a_equal.size else None,
        m.b_equal if m.a_equal.size else None, box, method="highs",
    )  # fmt: skip


def _whole_values(c: Floats, m: _Matrix, box: list[tuple[float, float]], kinds: NDArray[np.bool_]) -> Floats | None:
    conditions = []
    if m.a.size:
        conditions.append(optimize.LinearConstraint(m.a, -np.inf, m.b))
    if m.a_equal.size:
        conditions.append(optimize.LinearConstraint(m.a_equal, m.b_equal, m.b_equal))
    low, high = (np.array(ends) for ends in zip(*box, strict=True))
    found = optimize.milp(
        c,
        constraints=conditions,
        bounds=optimize.Bounds(low, high),
        integrality=kinds.astype(float),
        options={"mip_rel_gap": 0.0},
    )
    if found.status == 2:
        return None
    if found.x is None:
        raise ConvergenceError(f"mixed-integer programme: {found.message}")
    return np.asarray(found.x, np.float64)


def _answer(
    m: _Matrix, c: Floats, box: list[tuple[float, float]], found: optimize.OptimizeResult, rows: list[str]
) -> Answer:
    shadow = dict.fromkeys(rows, 0.0)
    dual = 0.0
    if m.a.size:
        for (index, sign), price, end in zip(m.of, found.ineqlin.marginals, m.b, strict=True):
            shadow[rows[index]] += sign * float(price)
            dual += float(price) * float(end)
    if m.a_equal.size:
        for index, price, end in zip(m.of_equal, found.eqlin.marginals, m.b_equal, strict=True):
            shadow[rows[index]] += float(price)
            dual += float(price) * float(end)
    reduced = {}
    for name, (low, high), below, above in zip(m.names, box, found.lower.marginals, found.upper.marginals, strict=True):
        reduced[name] = float(below + above)
        dual += (float(below) * low if below else 0.0) + (float(above) * high if above else 0.0)
    gap = abs(float(found.fun) - dual) / max(1.0, abs(float(found.fun)))
    if gap > _GAP_MAX:
        raise ConvergenceError(f"linear programme: primal and dual differ by {gap:.1e}")
    values = {name: float(x) for name, x in zip(m.names, found.x, strict=True)}
    return Answer(values, float(c @ found.x), shadow, reduced, gap)


def least_shortfall(
    rows: Sequence[Row], bounds: Mapping[str, tuple[float, float]], *, whole: Collection[str] = ()
) -> Shortfall:
    """Return the least sum of breaches with which the conditions can be met, by row; bounds are kept.

    Raises
    ------
    DomainError
        As `solve`.
    """
    soft, more = [], dict(bounds)
    costs: dict[str, float] = {}
    for row in rows:
        short, over = f"short:{row.name}", f"over:{row.name}"
        more |= {short: (0.0, math.inf), over: (0.0, math.inf)}
        costs |= {short: 1.0, over: 1.0}
        soft.append(Row(row.name, {**row.coefficients, short: 1.0, over: -1.0}, row.low, row.high))
    found = solve(costs, soft, more, whole=whole)
    assert found is not None, "every condition may be breached"
    breaches = {row.name: found.values[f"short:{row.name}"] + found.values[f"over:{row.name}"] for row in rows}
    return Shortfall({name: amount for name, amount in breaches.items() if amount > 1e-9})
