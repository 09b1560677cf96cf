"""Intervals with a coverage that holds whatever the model: conformalised quantiles, Venn-Abers probabilities.

Each level of a quantile model is moved by the finite-sample quantile of its own residuals on labels that the model has not
seen (asymmetric conformalised quantile regression). Groups with enough calibration labels get shifts of their own, the
others those of all labels; each tail of an interval then misses at most as often as stated, on average over labels that can
be exchanged with the calibration labels. Time does not promise exchangeability, which is why coverage is measured on newer
labels and reported.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from zhirong.kernel.errors import DomainError

__all__ = [
    "Coverage",
    "Shifts",
    "VennAbers",
    "coverage_table",
    "fit_shifts",
    "fit_venn_abers",
    "quantile_function",
]

Floats = NDArray[np.float64]
_BLOCKS = 400


@dataclass(frozen=True, slots=True)
class Shifts:
    """What is added to each level of a quantile model.

    Attributes
    ----------
    levels : tuple of float
        Levels.
    pooled : ndarray, shape (levels,)
        Shifts of all labels.
    by_group : Mapping of str to ndarray
        Shifts of groups that have enough labels.
    count : int
        Calibration labels.
    """

    levels: tuple[float, ...]
    pooled: Floats
    by_group: Mapping[str, Floats]
    count: int

    def of(self, groups: Sequence[str | None]) -> Floats:
        """Return shifts, shape (n, levels)."""
        return np.array([self.by_group.get(g, self.pooled) if g is not None else self.pooled for g in groups])

    def apply(self, quantiles: Floats, groups: Sequence[str | None]) -> Floats:
        """Return moved quantiles in order: no level lies inside one nearer to the median.

        Widening outwards never narrows an interval, so coverage is kept.
        """
        out = quantiles + self.of(groups).reshape(quantiles.shape)
        centre = len(self.levels) // 2
        out[:, centre:] = np.maximum.accumulate(out[:, centre:], axis=1)
        out[:, : centre + 1] = np.minimum.accumulate(out[:, centre::-1], axis=1)[:, ::-1]
        return out


def fit_shifts(
    y: Floats,
    quantiles: Floats,
    levels: tuple[float, ...],
    *,
    groups: Sequence[str | None] = (),
    group_min: int = 100,
) -> Shifts:
    """Return shifts from calibration labels.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Targets of labels that the model has not seen.
    quantiles : ndarray, shape (n, levels)
        The model's quantiles of them.
    levels : tuple of float
        Rising, the middle one 0.5.
    groups : sequence of str or None
        Group of each label; none where empty.
    group_min : int
        Labels from which a group gets shifts of its own.

    Raises
    ------
    DomainError
        When there are too few labels for the outermost level: n + 1 >= 1 / level.

    References
    ----------
    Romano, Patterson, Candes (2019), Conformalized quantile regression, *NeurIPS* 32, theorem 2 (separate tails).
    Vovk (2012), Conditional validity of inductive conformal predictors, *ACML*, for groups.
    """
    needed = int(np.ceil(1.0 / levels[0] - 1e-9)) - 1
    if len(y) < needed:
        raise DomainError(f"{len(y)} calibration labels; the {levels[0]:g} level needs at least {needed}")
    residual = y[:, None] - quantiles
    by_group: dict[str, Floats] = {}
    if len(groups):
        names = np.array([g or "" for g in groups], object)
        for name in sorted(set(names) - {""}):
            mine = names == name
            if mine.sum() >= max(group_min, needed):
                by_group[name] = _shift(residual[mine], levels)
    return Shifts(levels, _shift(residual, levels), by_group, len(y))


def _shift(residual: Floats, levels: tuple[float, ...]) -> Floats:
    """Return the order statistic of each column that keeps its tail: rank ceil((n+1)a) above, floor((n+1)a) below."""
    n = len(residual)
    ordered = np.sort(residual, axis=0)
    out = np.empty(len(levels))
    for i, level in enumerate(levels):
        if level > 0.5:
            rank = min(int(np.ceil((n + 1) * level - 1e-9)), n)
            out[i] = ordered[rank - 1, i]
        elif level < 0.5:
            rank = max(int(np.floor((n + 1) * level + 1e-9)), 1)
            out[i] = ordered[rank - 1, i]
        else:
            out[i] = np.median(residual[:, i])
    return out


def quantile_function(levels: tuple[float, ...], quantiles: Floats, u: Floats) -> Floats:
    """Return the quantile function through given quantiles, at probabilities.

    Parameters
    ----------
    levels : tuple of float
        Rising.
    quantiles : ndarray, shape (levels,)
        Not falling.
    u : ndarray, shape (n,)
        Probabilities, 0-1 open.

    Notes
    -----
    Linear in the normal score of the probability; beyond the outermost levels the slope of the last segment goes on, that
    is a normal tail (of an amount's logarithm: a log-normal tail). Nothing in the data supports the tails beyond them.
    """
    z, at = stats.norm.ppf(u), stats.norm.ppf(levels)
    out = np.interp(z, at, quantiles)
    low, high = z < at[0], z > at[-1]
    out[low] = quantiles[0] + (z[low] - at[0]) * (quantiles[1] - quantiles[0]) / (at[1] - at[0])
    out[high] = quantiles[-1] + (z[high] - at[-1]) * (quantiles[-1] - quantiles[-2]) / (at[-1] - at[-2])
    return np.asarray(out, np.float64)


@dataclass(frozen=True, slots=True)
class Coverage:
    """Coverage of one interval over one group.

    Attributes
    ----------
    dimension, group : str
        ``field`` and its number; ``age`` and a band; ``all`` and ``all``.
    nominal : float
        Coverage stated.
    coverage : float
        Share of labels inside.
    standard_error : float
        Binomial, at the nominal coverage.
    width : float
        Mean width in units of the target.
    count : int
        Labels.
    is_small : bool
        Too few labels to judge.
    """

    dimension: str
    group: str
    nominal: float
    coverage: float
    standard_error: float
    width: float
    count: int
    is_small: bool


def coverage_table(
    y: Floats,
    quantiles: Floats,
    levels: tuple[float, ...],
    groups: Mapping[str, Sequence[str | None]],
    *,
    group_min: int,
) -> tuple[Coverage, ...]:
    """Return coverage of every central interval, over all labels and over each group of each dimension.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Targets.
    quantiles : ndarray, shape (n, levels)
        Conformal quantiles.
    groups : Mapping of str to sequence
        Group of each label, by dimension; None where unknown (reported as ``unknown``).
    group_min : int
        Groups with fewer labels are flagged.
    """
    rows: list[Coverage] = []
    dimensions = {
        "all": ["all"] * len(y),
        **{d: [g if g is not None else "unknown" for g in v] for d, v in groups.items()},
    }
    for dimension, names in dimensions.items():
        place = np.array(names, object)
        for name in sorted(set(names), key=_natural):
            mine = place == name
            for i in range(len(levels) // 2):
                low, high = quantiles[mine, i], quantiles[mine, -1 - i]
                nominal = levels[-1 - i] - levels[i]
                inside = (y[mine] >= low) & (y[mine] <= high)
                n = int(mine.sum())
                error = float(np.sqrt(nominal * (1 - nominal) / n))
                rows.append(
                    Coverage(dimension, name, round(nominal, 6), float(inside.mean()), error,
                             float((high - low).mean()), n, n < group_min)
                )  # fmt: skip
    return tuple(rows)


def _natural(name: str) -> tuple[int, float, str]:
    head = name.split("-")[0].rstrip("+")
    return (0, float(head), name) if head.replace(".", "", 1).isdigit() else (1, 0.0, name)


@dataclass(frozen=True, slots=True)
class VennAbers:
    """Two probabilities for each score: what isotonic calibration says if the new case did not, or did, have the event.

    The pair brackets the calibrated probability; its width shows how little the calibration labels say.

    Attributes
    ----------
    edges : ndarray, shape (blocks,)
        Upper ends of blocks of scores, rising.
    low, high : ndarray, shape (blocks,)
        Probabilities.
    """

    edges: Floats
    low: Floats
    high: Floats

    def interval(self, score: Floats) -> tuple[Floats, Floats]:
        """Return both probabilities of each score."""
        place = np.minimum(np.searchsorted(self.edges, score, side="left"), len(self.edges) - 1)
        return self.low[place], self.high[place]

    def probability(self, score: Floats) -> Floats:
        """Return one probability: high / (1 - low + high), which minimises the larger of the two log losses."""
        low, high = self.interval(score)
        return np.asarray(high / (1.0 - low + high), np.float64)


def fit_venn_abers(score: Floats, y: Floats) -> VennAbers:
    """Calibrate scores of an event.

    Parameters
    ----------
    score : ndarray, shape (n,)
        Scores (log odds) of labels that the model has not seen.
    y : ndarray, shape (n,)
        0 or 1.

    Notes
    -----
    Inductive Venn-Abers. Scores are put into at most 400 blocks of equal count first, so that a test case is added to a
    block and not to a point; with fewer labels than that, blocks are the distinct scores.

    References
    ----------
    Vovk, Petej (2014), Venn-Abers predictors, *UAI*. Vovk, Petej, Fedorova (2015), *NeurIPS* 28.
    """
    if len(score) < 10 or not np.isin(y, (0.0, 1.0)).all():
        raise DomainError("calibration needs ten labels of 0 or 1 at least")
    edges = np.unique(score)
    if len(edges) > _BLOCKS:
        edges = np.unique(np.quantile(edges, np.linspace(0, 1, _BLOCKS + 1)[1:], method="higher"))
    block = np.searchsorted(edges, score, side="left")
    count = np.bincount(block, minlength=len(edges)).astype(np.float64)
    ones = np.bincount(block, weights=y, minlength=len(edges))
    low, high = np.empty(len(edges)), np.empty(len(edges))
    for i in range(len(edges)):
        n = count.copy()
        n[i] += 1
        held = n > 0
        place = int(held[:i].sum())
        for outcome, out in ((0.0, low), (1.0, high)):
            total = ones.copy()
            total[i] += outcome
            out[i] = optimize.isotonic_regression(total[held] / n[held], weights=n[held]).x[place]
    return VennAbers(edges, low, high)
