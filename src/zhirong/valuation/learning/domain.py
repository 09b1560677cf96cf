"""Is a patent like those the model has learned from? Distance to the training data, with a rate of false alarms.

Distance is the mean over the ten nearest training rows, in robust units of each feature and with features that the model
uses counted more. A missing value against a known one costs one unit. Its p-value among calibration labels is a conformal
one: among patents like them, at most a share p has a p-value of p or less.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import spatial

__all__ = ["Domain", "Verdict", "fit_domain"]

Floats = NDArray[np.float64]
_NEAREST = 10
_REFERENCE_MAX = 5_000
_CHECK_MAX = 2_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """Where one patent stands.

    Attributes
    ----------
    distance : float
        Mean distance to the nearest training rows.
    p_value : float
        Share of calibration labels at least as far away.
    widening : float
        Factor by which half-widths of intervals grow, at least 1.
    is_inside : bool
        False: the model refuses.
    reason : str
        Why, empty where inside and not widened.
    """

    distance: float
    p_value: float
    widening: float
    is_inside: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Domain:
    """The training data, as far as needed to tell distance.

    Attributes
    ----------
    names : tuple of str
        Features with an order.
    columns : ndarray of int64
        Their places.
    centre, scale, weight : ndarray, shape (k,)
        Units and weights.
    low, high : ndarray, shape (k,)
        Range of the training rows; NaN where never known.
    reference : ndarray, shape (m, 2 k)
        Training rows in units, then what is missing.
    distances : ndarray, shape (c,)
        Distances of calibration rows, rising.
    widen_from, refuse_ratio : float
        See the parameters `learning.domain`.
    """

    names: tuple[str, ...]
    columns: NDArray[np.int64]
    centre: Floats
    scale: Floats
    weight: Floats
    low: Floats
    high: Floats
    reference: Floats
    distances: Floats
    widen_from: float
    refuse_ratio: float

    def judge(self, x: Floats, unseen: Mapping[str, NDArray[np.bool_]]) -> list[Verdict]:
        """Return a verdict for each row; `unseen` marks rows with a category that training never met."""
        distance = self.distance(x)
        limit = float(np.quantile(self.distances, 0.99)) * self.refuse_ratio
        start = float(np.quantile(self.distances, 1 - self.widen_from))
        out = []
        for row, far in enumerate(distance):
            p = (1 + int((self.distances >= far).sum())) / (len(self.distances) + 1)
            strange = [name for name, mark in unseen.items() if mark[row]]
            if strange:
                out.append(Verdict(float(far), p, 1.0, False, f"{', '.join(strange)} was not met in training"))
            elif far > limit:
                why = f"{far / limit:.2f} times as far from the training labels as allowed; {self._culprit(x[row])}"
                out.append(Verdict(float(far), p, 1.0, False, why))
            elif far > start and start > 0:
                why = f"among the {self.widen_from:.0%} farthest from the training labels; {self._culprit(x[row])}"
                out.append(Verdict(float(far), p, float(far / start), True, why))
            else:
                out.append(Verdict(float(far), p, 1.0, True, ""))
        return out

    def distance(self, x: Floats) -> Floats:
        """Return mean distances to the nearest training rows, shape (n,)."""
        tree = spatial.cKDTree(self.reference)
        found, _ = tree.query(self._units(x), k=min(_NEAREST, len(self.reference)))
        return np.asarray(np.atleast_2d(found.T).T.mean(axis=1), np.float64)

    def _units(self, x: Floats) -> Floats:
        part = x[:, self.columns]
        missing = np.isnan(part)
        z = np.where(missing, 0.0, (part - self.centre) / self.scale)
        return np.hstack([z * self.weight, missing * self.weight])

    def _culprit(self, row: Floats) -> str:
        """Name the feature that lies farthest out, and the range that training knew."""
        part = row[self.columns]
        z = np.abs(np.where(np.isnan(part), 0.0, (part - self.centre) / self.scale)) * self.weight
        worst = int(np.argmax(z))
        if np.isnan(self.low[worst]):
            return f"{self.names[worst]} was never known in training"
        return f"most by {self.names[worst]} = {part[worst]:.4g} (training: {self.low[worst]:.4g} to {self.high[worst]:.4g})"

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types; what was never known is null."""
        arrays = {
            name: [None if np.isnan(v) else float(v) for v in getattr(self, name)]
            for name in ("centre", "scale", "weight", "low", "high", "distances")
        }
        return {
            "names": list(self.names), "columns": self.columns.tolist(), **arrays,
            "reference": self.reference.round(6).tolist(), "widen_from": self.widen_from, "refuse_ratio": self.refuse_ratio,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Domain:
        """Return what `to_dict` gave."""

        def array(name: str) -> Floats:
            return np.array([np.nan if v is None else v for v in plain[name]], np.float64)

        return cls(
            tuple(plain["names"]), np.array(plain["columns"], np.int64), array("centre"), array("scale"), array("weight"),
            array("low"), array("high"), np.array(plain["reference"], np.float64).reshape(-1, 2 * len(plain["names"])),
            array("distances"), plain["widen_from"], plain["refuse_ratio"],
        )  # fmt: skip


def fit_domain(
    x: Floats,
    check: Floats,
    names: tuple[str, ...],
    ordered: NDArray[np.int64],
    gains: Floats,
    *,
    widen_from: float,
    refuse_ratio: float,
) -> Domain:
    """Keep what is needed to tell distance.

    Parameters
    ----------
    x : ndarray, shape (n, features)
        Training rows.
    check : ndarray, shape (c, features)
        Calibration rows.
    names : tuple of str
        Features.
    ordered : ndarray of int64
        Columns that are not categories.
    gains : ndarray, shape (features,)
        Share of each feature in the model's gain; weights run from one half (unused) to one and a half (all of it).
    widen_from, refuse_ratio : float
        P-value from which intervals widen; multiple of the 99 % distance beyond which the model refuses.
    """
    part = x[:, ordered]
    known = ~np.isnan(part)
    k = len(ordered)
    centre, scale, low, high = (np.full(k, np.nan) for _ in range(4))
    for j in range(k):
        values = part[known[:, j], j]
        if len(values):
            centre[j], low[j], high[j] = np.median(values), values.min(), values.max()
            quarter = np.quantile(values, [0.05, 0.95])
            scale[j] = (quarter[1] - quarter[0]) / 3.29
            if scale[j] <= 0:
                scale[j] = max(float(values.std()), 1e-9) if values.std() > 0 else max(abs(centre[j]), 1.0)
    centre, scale = np.where(np.isnan(centre), 0.0, centre), np.where(np.isnan(scale), 1.0, scale)
    weight = (0.5 + gains[ordered] / max(float(gains.max()), 1e-12)) / np.sqrt(k)
    domain = Domain(
        tuple(names[j] for j in ordered), ordered, centre, scale, weight, low, high,
        np.zeros((0, 2 * k)), np.zeros(0), widen_from, refuse_ratio,
    )  # fmt: skip
    reference = domain._units(x[_spread(len(x), _REFERENCE_MAX)]).round(6)
    with_rows = Domain(
        domain.names, ordered, centre, scale, weight, low, high, reference, np.zeros(0), widen_from, refuse_ratio
    )
    distances = np.sort(with_rows.distance(check[_spread(len(check), _CHECK_MAX)]))
    return Domain(
        domain.names, ordered, centre, scale, weight, low, high, reference, distances, widen_from, refuse_ratio
    )


def _spread(n: int, at_most: int) -> NDArray[np.int64]:
    """Return rows at equal steps."""
    if n <= at_most:
        return np.arange(n)
    return np.unique(np.linspace(0, n - 1, at_most).astype(np.int64))
