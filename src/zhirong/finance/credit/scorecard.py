"""A scorecard a committee can read: grouped variables, points, and the reasons for a low score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zhirong.finance.schedules.checks import within
from zhirong.kernel.errors import DomainError, UnknownNameError
from zhirong.numerics.scoring import LogisticFit, fit_logistic, optimal_cuts, weight_of_evidence

__all__ = ["Grouping", "Scale", "Scorecard", "fit_scorecard"]

Floats = NDArray[np.float64]
Column = NDArray[np.float64] | NDArray[np.object_]
_FINE = 20


@dataclass(frozen=True, slots=True)
class Scale:
    """Points: ``offset + factor ln(odds good to bad)``.

    Parameters
    ----------
    pdo : float
        Points that double the odds, above 0.
    base_score, base_odds : float
        Score at given odds of good to bad.
    """

    pdo: float = 20.0
    base_score: float = 600.0
    base_odds: float = 50.0

    def __post_init__(self) -> None:
        within("pdo", self.pdo, 0, 1e4, open_low=True)
        within("base_score", self.base_score, -1e6, 1e6)
        within("base_odds", self.base_odds, 0, 1e9, open_low=True)

    @property
    def factor(self) -> float:
        """Points for one unit of log-odds."""
        return float(self.pdo / np.log(2))

    @property
    def offset(self) -> float:
        """Score at even odds."""
        return float(self.base_score - self.factor * np.log(self.base_odds))

    def score(self, pd: Floats | float) -> Floats:
        """Return the score of a default probability, above 0, below 1."""
        p = np.asarray(pd, np.float64)
        if not ((p > 0) & (p < 1)).all():
            raise DomainError("field pd: allowed: above 0, below 1")
        return np.asarray(self.offset + self.factor * np.log((1 - p) / p), np.float64)


@dataclass(frozen=True, slots=True)
class Grouping:
    """How one variable is grouped.

    Attributes
    ----------
    name : str
        Variable.
    edges : tuple of float
        Inner bounds of a number, rising; a value belongs to the group whose lower bound it reaches.
    categories : Mapping of str to int
        Group of each category; empty for a number.
    woe : tuple of float
        Weight of evidence of each group; the last is that of a missing or unseen value.
    bad_rates : tuple of float
        Of each group with a value; monotone.
    information_value : float
        Of the grouping.
    """

    name: str
    edges: tuple[float, ...]
    categories: Mapping[str, int]
    woe: tuple[float, ...]
    bad_rates: tuple[float, ...]
    information_value: float

    def group(self, column: Column) -> NDArray[np.int64]:
        """Return the group of each value; the last group is missing."""
        missing = len(self.woe) - 1
        if self.categories:
            return np.array(
                [self.categories.get(str(v), missing) if v is not None else missing for v in column], np.int64
            )
        numbers = np.asarray(column, np.float64)
        found = np.searchsorted(np.array(self.edges), numbers, side="right")
        return np.where(np.isnan(numbers), missing, found).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Scorecard:
    """A fitted scorecard.

    Attributes
    ----------
    groupings : tuple of Grouping
        Variables in use.
    fit : LogisticFit
        Log-odds of bad on weights of evidence.
    scale : Scale
        Points.
    dropped : Mapping of str to str
        Variables not in use and why.
    """

    groupings: tuple[Grouping, ...]
    fit: LogisticFit
    scale: Scale
    dropped: Mapping[str, str]

    def _woe(self, columns: Mapping[str, Column]) -> Floats:
        for grouping in self.groupings:
            if grouping.name not in columns:
                raise UnknownNameError("column", grouping.name, columns)
        return np.column_stack([np.array(g.woe)[g.group(columns[g.name])] for g in self.groupings])

    def probability(self, columns: Mapping[str, Column]) -> Floats:
        """Return the probability of bad of each row."""
        return self.fit.probability(self._woe(columns))

    def score(self, columns: Mapping[str, Column]) -> Floats:
        """Return the score of each row; higher is better."""
        return np.asarray(self.scale.offset + self.points(columns).sum(axis=1), np.float64)

    def points(self, columns: Mapping[str, Column]) -> Floats:
        """Return points by row and variable; they add up to the score less the offset."""
        share = self.fit.intercept / len(self.groupings)
        return np.asarray(-self.scale.factor * (self._woe(columns) * self.fit.coefficients + share), np.float64)

    def reasons(self, columns: Mapping[str, Column], *, most: int = 4) -> list[list[str]]:
        """Return for each row the variables that lost it most points against their best group."""
        best = np.array(
            [max(-c * w for w in g.woe[:-1]) for g, c in zip(self.groupings, self.fit.coefficients, strict=True)]
        )
        lost = best + self._woe(columns) * self.fit.coefficients
        order = np.argsort(-lost, axis=1, kind="stable")[:, :most]
        names = [g.name for g in self.groupings]
        return [[names[j] for j in row if lost[i, j] > 1e-12] for i, row in enumerate(order)]


def fit_scorecard(
    columns: Mapping[str, Column], bad: NDArray[np.bool_], *, scale: Scale | None = None, least_information: float = 0.02,
    most_bins: int = 6, ridge: float = 1.0, most_variables: int = 30, correlation: float = 0.75,
) -> Scorecard:  # fmt: skip
    """Fit a scorecard: optimal monotone groups, weights of evidence, logistic regression with coefficients of one sign.

    Parameters
    ----------
    columns : Mapping of str to ndarray, shape (n,)
        Numbers (NaN missing) or categories (objects; None missing).
    bad : ndarray of bool, shape (n,)
        Outcome.
    scale : Scale, optional
        Points.
    least_information : float
        Variables of a lower information value are left out.
    most_bins : int
        Groups a variable may have.
    ridge : float
        Penalty of the regression.
    most_variables : int
        Kept, best information value first.
    correlation : float
        Of two variables more alike than this the weaker is left out.

    Returns
    -------
    Scorecard

    Raises
    ------
    DomainError
        When outcomes are of one kind or no variable says anything.
    """
    event = np.asarray(bad, bool)
    if event.all() or not event.any():
        raise DomainError("field bad: one outcome only; allowed: both")
    made = {name: _group(name, column, event, most_bins) for name, column in columns.items()}
    dropped = {n: "information value too low" for n, g in made.items() if g.information_value < least_information}
    chosen: list[Grouping] = []
    values: list[Floats] = []
    for grouping in sorted(made.values(), key=lambda g: (-g.information_value, g.name)):
        if grouping.name in dropped:
            continue
        value = np.array(grouping.woe)[grouping.group(columns[grouping.name])]
        if len(chosen) >= most_variables:
            dropped[grouping.name] = "more variables than allowed"
        elif any(abs(np.corrcoef(value, other)[0, 1]) > correlation for other in values):
            dropped[grouping.name] = "says what another variable says"
        else:
            chosen.append(grouping)
            values.append(value)
    while chosen:
        fit = fit_logistic(np.column_stack(values), event, ridge=ridge)
        wrong = int(np.argmax(fit.coefficients))
        if fit.coefficients[wrong] < 0:
            return Scorecard(tuple(chosen), fit, scale or Scale(), dropped)
        dropped[chosen.pop(wrong).name] = "coefficient against its own evidence"
        values.pop(wrong)
    raise DomainError("no variable has enough information for a scorecard")


def _group(name: str, column: Column, event: NDArray[np.bool_], most_bins: int) -> Grouping:
    if len(column) != len(event):
        raise DomainError(f"field {name}: {len(column)} values; allowed: {len(event)}, one for each outcome")
    is_category = np.asarray(column).dtype == object
    fine, labels, edges = _categories(column, event) if is_category else _numbers(column)
    known = fine >= 0
    count = max(int(fine.max()) + 1, 1)
    bads, goods = (np.bincount(fine[known & part], minlength=count).astype(np.float64) for part in (event, ~event))
    starts, information = (
        optimal_cuts(bads, goods, most_bins=most_bins) if bads.sum() and goods.sum() else (np.zeros(1, np.int64), 0.0)
    )
    b, g = np.add.reduceat(bads, starts), np.add.reduceat(goods, starts)
    miss_b, miss_g = float((event & ~known).sum()), float((~event & ~known).sum())
    woe = weight_of_evidence(np.append(b, miss_b), np.append(g, miss_g))
    if miss_b + miss_g == 0:
        woe[-1] = 0.0
    where = np.searchsorted(starts, np.arange(count), side="right") - 1
    inner = tuple(float(edges[s - 1]) for s in starts[1:]) if not is_category else ()
    return Grouping(
        name, inner, {label: int(where[i]) for i, label in enumerate(labels)}, tuple(woe.tolist()),
        tuple((b / np.maximum(b + g, 1)).tolist()), information,
    )  # fmt: skip


def _numbers(column: Column) -> tuple[NDArray[np.int64], list[str], Floats]:
    numbers = np.asarray(column, np.float64)
    known = np.isfinite(numbers)
    cuts = np.unique(np.quantile(numbers[known], np.arange(1, _FINE) / _FINE)) if known.any() else np.zeros(0)
    return np.where(known, np.searchsorted(cuts, numbers, side="right"), -1).astype(np.int64), [], cuts


def _categories(column: Column, event: NDArray[np.bool_]) -> tuple[NDArray[np.int64], list[str], Floats]:
    """Categories in the order of their bad rate, small ones drawn to the mean."""
    text = [None if v is None else str(v) for v in column]
    labels = sorted({v for v in text if v is not None})
    mean = event.mean()
    rate = {}
    for label in labels:
        here = np.array([v == label for v in text])
        rate[label] = (event[here].sum() + 5 * mean) / (here.sum() + 5)
    labels.sort(key=lambda v: (rate[v], v))
    place = {label: i for i, label in enumerate(labels)}
    return np.array([-1 if v is None else place[v] for v in text], np.int64), labels, np.zeros(0)
