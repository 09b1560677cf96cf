"""Compilation and threads of the graph kernels.

Kernels release the interpreter lock and work on a range of vertices; a pool of ordinary threads hands the ranges out. So
the load balances itself where degrees are heavy-tailed, compilation takes a third of the time of Numba's own
parallelism, and no result depends on the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numba
import numpy as np

from zhirong.kernel.errors import DomainError

__all__ = ["DEFAULT_THREADS", "allocate", "kernel", "over_ranges", "require"]

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_THREADS = 2
"""Threads of a pass where the caller names no number."""


def kernel(function: F) -> F:
    """Compile a function once, keep it on disk, and let it run without the interpreter lock."""
    compiled: F = numba.njit(nogil=True, cache=True)(function)
    return compiled


def over_ranges(work: Callable[[int, int], object], count: int, *, threads: int, block: int) -> None:
    """Call ``work(first, last)`` for consecutive ranges of at most `block` that cover ``0..count``.

    Parameters
    ----------
    work : callable
        Gets a half-open range; ranges may run at the same time and must write apart.
    count : int
        End of the last range.
    threads : int
        At least 1.
    block : int
        Length of a range, at least 1.
    """
    bounds = [(first, min(first + block, count)) for first in range(0, count, block)]
    if threads == 1 or len(bounds) < 2:
        for first, last in bounds:
            work(first, last)
        return
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(lambda bound: work(*bound), bounds):
            pass


def allocate(count: int, dtype: type[np.generic], scratch: Path | None, name: str) -> np.ndarray[Any, Any]:
    """Return a zeroed array, in memory or, where a folder is given, in a memory-mapped file inside it.

    The mapping keeps its file alive, so the caller may remove the folder once the arrays are no longer used.
    """
    if scratch is None or count == 0:
        return np.zeros(count, dtype)
    scratch.mkdir(parents=True, exist_ok=True)
    return np.memmap(scratch / f"{name}.bin", dtype, mode="w+", shape=(count,))


def require(condition: bool, message: str) -> None:
    """Raise `DomainError` where a condition on the input does not hold."""
    if not condition:
        raise DomainError(message)
