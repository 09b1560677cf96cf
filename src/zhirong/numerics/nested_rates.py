"""Rates of groups within groups, each drawn towards the larger group that holds it.

A case belongs to a court, within it to a field, within that to a kind of claim. The rate of the smallest group is what is wanted and
what is known least; so a chain of betas runs from the whole down to it, each step as tight as the groups of that level turn out to be.
Each case is used once on the way down: what a smaller group counts is left out of the larger one.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zhirong.kernel.errors import DomainError
from zhirong.numerics.beta_binomial import HyperGrid, beta_levels, fit_concentration, hyper_grid

__all__ = ["LevelCount", "NestedRates", "fit_nested_rates"]

Floats = NDArray[np.float64]
Key = tuple[Hashable, ...]
_LEAST = 2.0
"""Groups are thought to differ no more than evenly from 0 to 1; with few cases the data could not say otherwise."""
COLUMNS = 6
"""Independent probability levels that one draw needs at most."""


@dataclass(frozen=True, slots=True)
class LevelCount:
    """What one level of the chain holds for a cell.

    Parameters
    ----------
    level : str
        Name of the level, ``all`` for the whole.
    group : Hashable
        The cell's group at it.
    won, tested : float
        Counts of the group; a right that is kept in part counts half.
    groups : int
        Groups of the level with a case.
    concentration : float or None
        Cases that the larger group is worth to this one; None where the level could not tell its groups apart, and is passed over.
    """

    level: str
    group: Hashable
    won: float
    tested: float
    groups: int
    concentration: float | None


@dataclass(frozen=True, slots=True)
class NestedRates:
    """A fitted chain.

    Parameters
    ----------
    names : tuple of str
        Levels from the largest group to the smallest.
    counts : Mapping of tuple to (float, float)
        Successes and trials of every group; the empty tuple is the whole.
    grid : HyperGrid or None
        Posterior of mean and concentration at the first level that has two groups.
    first : int
        Which level that is, from 1; 0 for none.
    concentrations : tuple of float or None
        Of each level; None where a level is passed over.
    prior : (float, float)
        Beta prior of the mean of the whole.
    """

    names: tuple[str, ...]
    counts: Mapping[Key, tuple[float, float]]
    grid: HyperGrid | None
    first: int
    concentrations: tuple[float | None, ...]
    prior: tuple[float, float]

    def _steps(self, cell: Sequence[Hashable | None]) -> list[int]:
        """Return the levels that the chain to a cell uses; it ends where the cell is not known."""
        known = next((i for i, part in enumerate(cell) if part is None), len(cell))
        return [level for level in range(1, known + 1) if self.concentrations[level - 1] is not None]

    def _count(self, cell: Sequence[Hashable | None], level: int) -> tuple[float, float]:
        return self.counts.get(tuple(cell[:level]), (0.0, 0.0))

    def draws(self, cell: Sequence[Hashable | None], levels: Floats) -> Floats:
        """Return draws of the rate of a cell.

        Parameters
        ----------
        cell : sequence
            The group at each level, None from where it is not known; a group never seen follows the one that holds it.
        levels : ndarray, shape (draws, at least the number of levels + 1)
            Independent probability levels in (0, 1).

        Returns
        -------
        ndarray, shape (draws,)
        """
        if len(cell) != len(self.names) or levels.ndim != 2 or levels.shape[1] < len(self.names) + 1:
            raise DomainError(f"a cell names {len(self.names)} groups, and a draw needs one level more than that")
        steps = self._steps(cell)
        if self.grid is None or not steps:
            return self._whole(levels[:, 0])
        mean, k = self.grid.cells(levels[:, 0])
        for place, level in enumerate(steps):
            won, tested = self._count(cell, level)
            if place + 1 < len(steps):
                inner = self._count(cell, steps[place + 1])
                won, tested = won - inner[0], tested - inner[1]
            if level != self.first:
                k = np.full(len(mean), self.concentrations[level - 1])
            mean = np.clip(beta_levels(k * mean + won, k * (1 - mean) + tested - won, levels[:, level]), 1e-9, 1 - 1e-9)
        return mean

    def _whole(self, levels: Floats) -> Floats:
        """Return draws of the rate of the whole: the mean of the groups where they differ, else one rate for all."""
        if self.grid is not None:
            return np.asarray(self.grid.cells(levels)[0], np.float64)
        won, tested = self.counts.get((), (0.0, 0.0))
        return beta_levels(self.prior[0] + won, self.prior[1] + tested - won, levels)

    def path(self, cell: Sequence[Hashable | None]) -> tuple[LevelCount, ...]:
        """Return the counts on the way from the whole to a cell, for the reader."""
        whole = self.counts.get((), (0.0, 0.0))
        found = [LevelCount("all", "", *whole, groups=1, concentration=None)]
        known = next((i for i, part in enumerate(cell) if part is None), len(cell))
        for level in range(1, known + 1):
            groups = sum(1 for key, (_, n) in self.counts.items() if len(key) == level and n > 0)
            won, tested = self._count(cell, level)
            found.append(
                LevelCount(self.names[level - 1], cell[level - 1], won, tested, groups, self.concentrations[level - 1])
            )
        return tuple(found)


def fit_nested_rates(
    names: Sequence[str],
    keys: Sequence[Key],
    won: Floats,
    tested: Floats,
    *,
    prior: tuple[float, float] = (1.0, 1.0),
) -> NestedRates:
    """Fit the chain.

    Parameters
    ----------
    names : sequence of str
        Levels from the largest group to the smallest, at most 5.
    keys : sequence of tuple
        For each row the group at each level; rows may repeat a key.
    won, tested : ndarray, shape (rows,)
        Counts.
    prior : (float, float)
        Beta prior of the mean.

    Notes
    -----
    The first level with two groups has the whole posterior of mean and concentration on a grid. The concentration of each level below
    maximises the marginal likelihood of its groups about the posterior means of their larger groups, each without the group itself;
    only larger groups that hold at least two count. A level without such a group is passed over.
    """
    if not 1 <= len(names) < COLUMNS or any(len(key) != len(names) for key in keys):
        raise DomainError(f"a chain has 1 to {COLUMNS - 1} levels, and every key names a group at each")
    w, n = np.asarray(won, np.float64), np.asarray(tested, np.float64)
    if not len(keys) == len(w) == len(n) or (w < 0).any() or (w > n).any():
        raise DomainError("there is one count for each key, and won is 0 to tested")
    counts: dict[Key, tuple[float, float]] = {}
    for key, a, b in zip(keys, w.tolist(), n.tolist(), strict=True):
        for level in range(len(names) + 1):
            old = counts.get(key[:level], (0.0, 0.0))
            counts[key[:level]] = (old[0] + a, old[1] + b)
    # Sums of floats depend on their order, and answers must not depend on the order of rows.
    counts = {key: counts[key] for key in sorted(counts, key=repr) if counts[key][1] > 0}
    grid, first = None, 0
    concentrations: list[float | None] = []
    centres: dict[Key, float] = {(): _pulled(prior[0] / sum(prior), sum(prior), *counts.get((), (0.0, 0.0)))}
    for level in range(1, len(names) + 1):
        groups = [key for key in counts if len(key) == level]
        k: float | None = None
        if grid is None and len(groups) >= 2:
            pairs = np.array([counts[key] for key in groups])
            grid, first = hyper_grid(pairs[:, 0], pairs[:, 1], prior=prior, least=_LEAST), level
            k = float(np.exp(np.sum(grid.weights * np.log(grid.concentrations)[None, :])))
            centre = float(grid.weights.sum(axis=1) @ grid.means)
            centres |= {key: _pulled(centre, k, *counts[key]) for key in groups}
        elif grid is not None:
            k = _below(groups, counts, centres, concentrations)
            for key in groups:
                centre = centres[key[:-1]]
                centres[key] = centre if k is None else _pulled(centre, k, *counts[key])
        else:
            centres |= {key: centres[key[:-1]] for key in groups}
        concentrations.append(k)
    return NestedRates(tuple(names), counts, grid, first, tuple(concentrations), prior)


def _pulled(centre: float, k: float, won: float, tested: float) -> float:
    return float(np.clip((k * centre + won) / (k + tested), 1e-6, 1 - 1e-6))


def _below(
    groups: Sequence[Key],
    counts: Mapping[Key, tuple[float, float]],
    centres: Mapping[Key, float],
    concentrations: Sequence[float | None],
) -> float | None:
    """Return the concentration of groups about the centres of the groups that hold them, each centre without the group itself."""
    siblings: dict[Key, int] = {}
    for key in groups:
        siblings[key[:-1]] = siblings.get(key[:-1], 0) + 1
    rows = [key for key in groups if siblings[key[:-1]] >= 2]
    if not rows:
        return None
    used = max(level for level, k in enumerate(concentrations, 1) if k is not None)
    above = concentrations[used - 1]
    assert above is not None, "the level above was just found to be used"
    pairs, about = [], []
    for key in rows:
        won, tested = counts[key]
        # The posterior mean of the larger group, with this group's own cases taken out again.
        total = above + counts[key[:used]][1]
        about.append((centres[key[:-1]] * total - won) / (total - tested))
        pairs.append((won, tested))
    array = np.array(pairs)
    return fit_concentration(array[:, 0], array[:, 1], np.clip(about, 1e-4, 1 - 1e-4))[0]
