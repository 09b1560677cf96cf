"""Quantile functions of bounded distributions, tabulated over the normal score.

A simulation draws correlated normal scores and looks each up here, so any marginal costs one interpolation. The table is dense
enough that its error is far below Monte Carlo error; the hard bounds hold exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

from zhirong.kernel.errors import DomainError, UnknownNameError

__all__ = ["FAMILIES", "SCORE_MAX", "TABLE_SIZE", "quantile_table", "quantiles"]

Floats = NDArray[np.float64]

SCORE_MAX = 6.0
"""Scores run from -6 to 6; the mass beyond is 2e-9."""
TABLE_SIZE = 4097
FAMILIES: dict[str, tuple[str, ...]] = {
    "fixed": ("value",),
    "uniform": ("low", "high"),
    "triangular": ("low", "mode", "high"),
    "normal": ("mean", "sd"),
    "lognormal": ("median", "sigma"),
    "beta": ("a", "b"),
}
"""Parameters of each family."""


def quantiles(family: str, parameters: Mapping[str, float], low: float, high: float, levels: Floats) -> Floats:
    """Return quantiles of a distribution held within hard bounds.

    Parameters
    ----------
    family : str
        One of `FAMILIES`.
    parameters : Mapping of str to float
        Exactly the parameters of the family. `beta` is spread over ``low..high``; `normal` and `lognormal` are
        truncated to the bounds.
    low, high : float
        Hard bounds, ``low <= high``.
    levels : ndarray
        Probabilities in [0, 1].

    Returns
    -------
    ndarray
        Same shape as `levels`, non-decreasing in them, within the bounds.

    Raises
    ------
    UnknownNameError
        For another family.
    DomainError
        For missing, extra or impossible parameters.

    Examples
    --------
    >>> import numpy as np
    >>> quantiles("triangular", {"low": 0.0, "mode": 0.5, "high": 1.0}, 0.0, 1.0, np.array([0.5])).tolist()
    [0.5]
    """
    if family not in FAMILIES:
        raise UnknownNameError("distribution", family, FAMILIES)
    if set(parameters) != set(FAMILIES[family]):
        raise DomainError(f"{family} takes {', '.join(FAMILIES[family])}, not {', '.join(sorted(parameters))}")
    if not low <= high:
        raise DomainError(f"{family}: low bound {low} is above high bound {high}")
    p = {name: float(value) for name, value in parameters.items()}
    _check(family, p)
    return np.clip(_raw(family, p, low, high, np.asarray(levels, np.float64)), low, high)


def _check(family: str, p: Mapping[str, float]) -> None:
    if not all(np.isfinite(value) for value in p.values()):
        raise DomainError(f"{family}: parameters must be finite, not {dict(p)}")
    if family in {"uniform", "triangular"} and p["low"] > p["high"]:
        raise DomainError(f"{family}: low {p['low']} is above high {p['high']}")
    if family == "triangular" and not p["low"] <= p["mode"] <= p["high"]:
        raise DomainError(f"triangular: mode {p['mode']} is outside {p['low']} to {p['high']}")
    positive = {"normal": ("sd",), "lognormal": ("median", "sigma"), "beta": ("a", "b")}.get(family, ())
    for name in positive:
        if p[name] <= 0:
            raise DomainError(f"{family}: {name} must be positive, not {p[name]}")


def _raw(family: str, p: Mapping[str, float], low: float, high: float, u: Floats) -> Floats:
    if family == "fixed":
        return np.full(u.shape, p["value"])
    if family == "uniform":
        return p["low"] + (p["high"] - p["low"]) * u
    if family == "triangular":
        return _triangular(p["low"], p["mode"], p["high"], u)
    if family == "beta":
        return np.asarray(low + (high - low) * special.betaincinv(p["a"], p["b"], u), np.float64)
    if family == "normal":
        mean, sd, bounds = p["mean"], p["sd"], (low, high)
    else:
        mean, sd = float(np.log(p["median"])), p["sigma"]
        bounds = (np.log(low) if low > 0 else -np.inf, np.log(high) if high > 0 else -np.inf)
    first, last = special.ndtr((bounds[0] - mean) / sd), special.ndtr((bounds[1] - mean) / sd)
    if last - first < 1e-12:
        raise DomainError(f"{family} {dict(p)} has no mass between {low} and {high}")
    x = special.ndtri(first + (last - first) * u) * sd + mean
    return np.asarray(x if family == "normal" else np.exp(x), np.float64)


def _triangular(low: float, mode: float, high: float, u: Floats) -> Floats:
    if high == low:
        return np.full(u.shape, low)
    cut = (mode - low) / (high - low)
    left = low + np.sqrt(np.maximum(u, 0) * (high - low) * (mode - low))
    right = high - np.sqrt(np.maximum(1 - u, 0) * (high - low) * (high - mode))
    return np.where(u < cut, left, right)


def quantile_table(family: str, parameters: Mapping[str, float], low: float, high: float) -> Floats:
    """Return the quantiles at the normal scores ``linspace(-SCORE_MAX, SCORE_MAX, TABLE_SIZE)``; shape (TABLE_SIZE,), read-only."""
    return _table(family, tuple(sorted(parameters.items())), low, high)


@lru_cache(maxsize=512)  # the patents of one store share most of their distributions
def _table(family: str, parameters: tuple[tuple[str, float], ...], low: float, high: float) -> Floats:
    scores = np.linspace(-SCORE_MAX, SCORE_MAX, TABLE_SIZE)
    table = quantiles(family, dict(parameters), low, high, special.ndtr(scores))
    table.flags.writeable = False
    return table
