"""Control variates: chance that is known takes chance that is not out of a simulated mean."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["less_chance"]

Floats = NDArray[np.float64]
_ROUNDING = 1e-9
"""Spread of a control over its expectation that is rounding and not chance."""


def less_chance(outcome: Floats, control: Floats, expected: float) -> Floats:
    """Return outcomes less what their control missed by chance, by the regression of the one on the other.

    Parameters
    ----------
    outcome, control : ndarray, shape (n,)
        One entry a draw.
    expected : float
        Expectation of the control, known.

    Returns
    -------
    ndarray, shape (n,)
        The outcomes as they are where the control does not vary.
    """
    centred = control - control.mean()
    total = float(centred @ centred)
    if total <= len(control) * (_ROUNDING * abs(expected)) ** 2:
        return outcome
    slope = float(centred @ outcome) / total
    return np.asarray(outcome - slope * (control - expected), np.float64)
