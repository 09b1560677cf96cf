"""Probability levels from counter-based streams: draw n, column j of a stream is a function of the key, n and j alone."""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np
from numpy.typing import NDArray

from zhirong.kernel.errors import DomainError
from zhirong.numerics.streams import uniform

__all__ = ["probability_levels"]

_STRIDE = 16  # most columns a draw may have


def probability_levels(key: int, draws: int, *, columns: int = 1, first_draw: int = 0) -> NDArray[np.float64]:
    """Return independent levels in the open unit interval.

    Parameters
    ----------
    key : int
        Stream (`zhirong.numerics.streams.stream_key`).
    draws, columns : int
        Shape; at most 16 columns, and a column does not change with how many others are asked for.
    first_draw : int
        Number of the first draw: blocks may be computed apart.

    Returns
    -------
    ndarray, shape (draws, columns)
    """
    if draws < 1 or not 1 <= columns <= _STRIDE:
        raise DomainError(f"draws is at least 1 and columns 1 to {_STRIDE}")
    out = np.empty((columns, draws))
    _fill(np.uint64(key), first_draw, out)
    return out.T


@nb.njit(cache=True)
def _fill(key: Any, first_draw: Any, out: Any) -> None:
    # One thread: to start two takes longer than the levels of a usual valuation.
    for j in range(out.shape[0]):
        for i in range(out.shape[1]):
            out[j, i] = uniform(key, (first_draw + i) * _STRIDE + j)
