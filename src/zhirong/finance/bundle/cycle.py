"""A default probability that follows the cost of the loan, and the design that agrees with it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from zhirong.finance.bundle.design import Bundle, NoBundle, design
from zhirong.finance.bundle.spec import BundleSpec, Need, Risk
from zhirong.finance.schedules.checks import within
from zhirong.kernel.errors import ConvergenceError

__all__ = ["FixedPoint", "fixed_point"]

_PD_MAX = 0.5


@dataclass(frozen=True, slots=True)
class FixedPoint:
    """A design whose cost and default probability agree.

    Attributes
    ----------
    bundle : Bundle or NoBundle
        At the agreed default probability, or the first at which no design exists.
    pd : float
        Agreed.
    iterations : int
        Designs solved.
    is_unique : bool
        No other default probability up to 50 % agrees with its own cost. Where one does, a firm in trouble could stay there.
    """

    bundle: Bundle | NoBundle
    pd: float
    iterations: int
    is_unique: bool


def fixed_point(
    spec: BundleSpec, need: Need, risk: Risk, *, slope: float, at_cost: float, tolerance: float = 1e-10,
    public_budget: float | None = None,
) -> FixedPoint:  # fmt: skip
    """Return the design at which ``PD = PD0 exp(slope (cost - at_cost))``.

    Parameters
    ----------
    spec, need, risk
        As in `design`; the PD of `risk` is PD0, that at a cost of `at_cost`.
    slope : float
        Relative rise of PD for one unit of cost, 0 to 200.
    at_cost : float
        Cost at which PD0 was estimated, fraction a year.
    tolerance : float
        Of PD.

    Raises
    ------
    ConvergenceError
        Where 500 designs do not settle.
    """
    within("slope", slope, 0, 200)
    within("at_cost", at_cost, 0, 1)
    pd = risk.pd
    for count in range(1, 501):
        found = design(spec, need, replace(risk, pd=pd), public_budget=public_budget)
        if isinstance(found, NoBundle):
            return FixedPoint(found, pd, count, False)
        after = min(risk.pd * math.exp(slope * (found.cost - at_cost)), _PD_MAX)
        if abs(after - pd) < tolerance:
            return FixedPoint(found, after, count, _crossings(spec, need, risk, slope, at_cost, public_budget) == 1)
        pd = after
    raise ConvergenceError(f"default probability and cost do not settle in 500 designs; last PD {pd:.4g}")


def _crossings(
    spec: BundleSpec, need: Need, risk: Risk, slope: float, at_cost: float, public_budget: float | None
) -> int:
    """Count the default probabilities that agree with their own cost, on a grid, as far as designs exist."""
    signs = []
    for pd in np.geomspace(risk.pd / 8, _PD_MAX, 60):
        found = design(spec, need, replace(risk, pd=float(pd)), public_budget=public_budget)
        if isinstance(found, NoBundle):
            break
        signs.append(bool(min(risk.pd * math.exp(slope * (found.cost - at_cost)), _PD_MAX) > pd))
    return sum(a != b for a, b in pairwise(signs))
