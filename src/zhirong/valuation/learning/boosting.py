"""Gradient-boosted trees: quantiles of an amount and the probability of an event, monotone where economics demands.

LightGBM refuses monotone constraints under its own quantile objective ("Cannot use monotone_constraints in quantile
objective"), because that objective renews each leaf to the quantile of its residuals after the tree is grown, which undoes
the constraint. Here the check loss is given as an objective of our own with a constant second derivative, so leaves are
Newton steps that LightGBM clips to the constraint, and the constraint holds. The second derivative is that of the *expected*
check loss of a normal error, the density at the quantile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from zhirong.kernel.errors import DomainError, MissingExtraError

__all__ = ["LEVELS", "Booster", "Settings", "Trees", "check_loss", "fit_event", "fit_quantiles", "weighted_quantile"]

Floats = NDArray[np.float64]

LEVELS: tuple[float, ...] = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
"""Ends of the 95, 80 and 50 per cent intervals, and the median."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How trees are grown.

    Attributes
    ----------
    learning_rate : float
        Share of each Newton step that is taken.
    leaves_max : int
        Leaves of a tree.
    rows_min : int
        Rows of a leaf at the median, at least; a fiftieth of the rows where that is fewer, but never under ten. Leaves of
        outer quantiles hold more (4.6 times as many at 2.5 per cent), so that each step is as sure.
    trees_max : int
        Trees of a quantile, at most; their number is chosen on the newest fifth of the training rows.
    patience : int
        Trees without improvement there before growing ends.
    refit_max : int
        Up to so many rows the chosen number of trees is grown again on all training rows.
    threads : int
        Threads; the result does not depend on them.
    seed : int
        Seed.
    """

    learning_rate: float = 0.06
    leaves_max: int = 15
    rows_min: int = 60
    trees_max: int = 400
    patience: int = 25
    refit_max: int = 50_000
    threads: int = 1
    seed: int = 20_240_101

    def parameters(self, rows: int, monotone: Sequence[int]) -> dict[str, Any]:
        """Return LightGBM's parameters for a number of rows."""
        return {
            "learning_rate": self.learning_rate,
            "num_leaves": self.leaves_max,
            "min_data_in_leaf": max(10, min(self.rows_min, rows // 50)),
            "monotone_constraints": list(monotone),
            "monotone_constraints_method": "basic",
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": self.threads,
            "seed": self.seed % 2**31,
            "max_cat_to_onehot": 4,
            "cat_smooth": 20.0,
            "verbosity": -1,
        }


@dataclass(frozen=True, slots=True)
class Booster:
    """One fitted ensemble: ``start`` plus the sum of its trees."""

    model: Any
    start: float
    tree_count: int

    def predict(self, x: Floats) -> Floats:
        """Return predictions, shape (n,)."""
        if self.tree_count == 0:
            return np.full(len(x), self.start)
        return np.asarray(self.model.predict(x, raw_score=True, num_threads=1), np.float64) + self.start

    def contributions(self, x: Floats) -> Floats:
        """Return exact TreeSHAP, shape (n, features + 1); the last column is the mean prediction, rows sum to `predict`.

        References
        ----------
        Lundberg, Erion, Chen et al. (2020), *Nature Machine Intelligence* 2, 56-67.
        """
        if self.tree_count == 0:
            return np.hstack([np.zeros(x.shape), np.full((len(x), 1), self.start)])
        found = np.asarray(self.model.predict(x, pred_contrib=True, num_threads=1), np.float64)
        found[:, -1] += self.start
        return found

    def text(self) -> str:
        """Return LightGBM's own text of the trees, without the settings they were grown with."""
        return str(self.model.model_to_string()).split("\nparameters:")[0] if self.tree_count else ""

    def gains(self, features: int) -> Floats:
        """Return the gain of each feature."""
        if self.tree_count == 0:
            return np.zeros(features)
        return np.asarray(self.model.feature_importance("gain"), np.float64)

    @classmethod
    def read(cls, text: str, start: float, tree_count: int) -> Booster:
        """Return a booster from its text."""
        return cls(lightgbm().Booster(model_str=text) if tree_count else None, start, tree_count)


@dataclass(frozen=True, slots=True)
class Trees:
    """Boosters by level, in units of the target: ``middle + scale * booster``; of an event one booster of log odds."""

    levels: tuple[float, ...]
    boosters: tuple[Booster, ...]
    middle: float
    scale: float

    def predict(self, x: Floats) -> Floats:
        """Return quantiles, shape (n, levels), made monotone over levels outwards from the median.

        The median's own prediction stays; each level further out is at least as far out as the one before. Minima and
        maxima of monotone functions are monotone, so constraints survive.
        """
        raw = np.column_stack([self.middle + self.scale * b.predict(x) for b in self.boosters])
        centre = self.centre
        raw[:, centre:] = np.maximum.accumulate(raw[:, centre:], axis=1)
        raw[:, : centre + 1] = np.minimum.accumulate(raw[:, centre::-1], axis=1)[:, ::-1]
        return raw

    @property
    def centre(self) -> int:
        """Place of the median."""
        return len(self.levels) // 2

    def contributions(self, x: Floats) -> Floats:
        """Return contributions to the median in units of the target, shape (n, features + 1); rows sum to it."""
        found = self.boosters[self.centre].contributions(x) * self.scale
        found[:, -1] += self.middle
        return found

    def gains(self, features: int) -> Floats:
        """Return the share of each feature in the gain of all trees; zeros where no tree was grown."""
        total = np.sum([b.gains(features) for b in self.boosters], axis=0)
        return np.asarray(total / total.sum() if total.sum() > 0 else total, np.float64)


def lightgbm() -> Any:
    """Return the LightGBM package, which loads on use."""
    try:
        import lightgbm as package
    except (ImportError, OSError) as err:  # OSError: the system has no OpenMP library
        raise MissingExtraError("lightgbm", "learning") from err
    return package


def check_loss(y: Floats, q: Floats, level: float, weight: Floats | None = None) -> float:
    """Return the mean check (pinball) loss of a quantile."""
    gap = y - q
    return float(np.average(np.maximum(level * gap, (level - 1) * gap), weights=weight))


def weighted_quantile(values: Floats, level: float, weight: Floats) -> float:
    """Return the smallest value at which the weight reaches the level."""
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weight[order])
    place = int(np.searchsorted(total, level * total[-1] - 1e-12))
    return float(values[order][min(place, len(values) - 1)])


def fit_quantiles(
    x: Floats,
    y: Floats,
    weight: Floats,
    *,
    monotone: Sequence[int],
    categorical: Sequence[int] = (),
    settings: Settings,
    levels: tuple[float, ...] = LEVELS,
) -> Trees:
    """Fit quantiles of a target.

    Parameters
    ----------
    x : ndarray, shape (n, features)
        Rows in order of time, oldest first; NaN where unknown.
    y, weight : ndarray, shape (n,)
        Target (finite) and weights (positive).
    monotone : sequence of int
        -1, 0 or 1 for each feature.
    categorical : sequence of int
        Columns that hold codes.
    settings : Settings
        How.
    levels : tuple of float
        Rising, odd in number, the middle one 0.5.
    """
    _check(x, y, weight, monotone)
    if list(levels) != sorted(set(levels)) or levels[len(levels) // 2] != 0.5:
        raise DomainError(f"levels {levels} are not allowed; allowed: rising, 0.5 in the middle")
    middle = weighted_quantile(y, 0.5, weight)
    spread = weighted_quantile(y, 0.75, weight) - weighted_quantile(y, 0.25, weight)
    scale = spread / 1.349 if spread > 0 else max(float(np.std(y)), 1e-9)
    t = (y - middle) / scale
    sets = _Sets.of(x, t, weight, monotone, categorical, settings)
    boosters = tuple(
        _grow(sets, weighted_quantile(t, a, weight), _check_objective(a), _check_losses(a), settings, _rows_factor(a))
        for a in levels
    )
    return Trees(levels, boosters, middle, scale)


def fit_event(
    x: Floats,
    y: Floats,
    weight: Floats,
    *,
    monotone: Sequence[int],
    categorical: Sequence[int] = (),
    settings: Settings,
) -> Trees:
    """Fit the log odds of an event, by the same means; `y` is 0 or 1."""
    _check(x, y, weight, monotone)
    if not np.isin(y, (0.0, 1.0)).all() or len(np.unique(y)) < 2:
        raise DomainError("outcomes are 0 and 1, both present")
    share = float(np.average(y, weights=weight))
    start = float(np.log(share / (1 - share)))
    sets = _Sets.of(x, y, weight, monotone, categorical, settings)
    return Trees((0.5,), (_grow(sets, start, _odds_objective, _odds_losses, settings),), 0.0, 1.0)


def _check(x: Floats, y: Floats, weight: Floats, monotone: Sequence[int]) -> None:
    if x.ndim != 2 or y.shape != (len(x),) or weight.shape != (len(x),) or len(monotone) != x.shape[1]:
        raise DomainError("x has a row for each target and weight, and a column for each constraint")
    if len(x) < 40:
        raise DomainError(f"{len(x)} rows; at least 40 are needed")
    if not np.isfinite(y).all() or not (weight > 0).all():
        raise DomainError("targets are finite and weights positive")
    if np.isinf(x).any():
        raise DomainError("features are finite or NaN")


Objective = Callable[[Any, Any], tuple[Any, Any]]
Losses = Callable[[Floats, Floats], Floats]


def _weights(data: Any) -> Floats:
    """Return weights; LightGBM drops them where all are one."""
    found = data.get_weight()
    return np.ones(len(data.get_label())) if found is None else np.asarray(found, np.float64)


def _check_objective(level: float) -> Objective:
    density = float(stats.norm.pdf(stats.norm.ppf(level)))

    def objective(prediction: Any, data: Any) -> tuple[Any, Any]:
        weight = _weights(data)
        above = np.where(data.get_label() < prediction, 1.0 - level, -level)
        return above * weight, density * weight

    return objective


def _check_losses(level: float) -> Losses:
    def losses(t: Floats, prediction: Floats) -> Floats:
        gap = t - prediction
        return np.maximum(level * gap, (level - 1) * gap)

    return losses


def _odds_objective(prediction: Any, data: Any) -> tuple[Any, Any]:
    p = 1.0 / (1.0 + np.exp(-prediction))
    weight = _weights(data)
    return (p - data.get_label()) * weight, np.maximum(p * (1.0 - p), 1e-9) * weight


def _odds_losses(t: Floats, prediction: Floats) -> Floats:
    return np.asarray(np.logaddexp(0.0, prediction) - t * prediction, np.float64)


@dataclass(frozen=True, slots=True)
class _Sets:
    """Rows binned once for all levels: the older four fifths, the newest fifth, and all where they are few."""

    t: Floats
    weight: Floats
    x_held: Floats
    cut: int
    old: Any
    held: Any
    whole: Any
    parameters: Mapping[str, Any]

    @classmethod
    def of(
        cls,
        x: Floats,
        t: Floats,
        weight: Floats,
        monotone: Sequence[int],
        categorical: Sequence[int],
        settings: Settings,
    ) -> _Sets:
        lgb = lightgbm()
        n = len(t)
        cut = n - max(n // 5, 10)
        parameters = settings.parameters(n, monotone)
        binning = {"verbosity": -1, "feature_pre_filter": False, "num_threads": settings.threads}
        chosen = {"categorical_feature": list(categorical) or "auto", "params": binning}
        old = lgb.Dataset(x[:cut], t[:cut], weight=weight[:cut], **chosen).construct()
        held = lgb.Dataset(x[cut:], t[cut:], weight=weight[cut:], reference=old, **chosen).construct()
        whole = lgb.Dataset(x, t, weight=weight, **chosen).construct() if n <= settings.refit_max else None
        return cls(t, weight, x[cut:], cut, old, held, whole, parameters)


def _rows_factor(level: float) -> float:
    """Return how many times as many rows a leaf needs at a level as at the median for a step as sure.

    The variance of a sample quantile of a normal law is level (1 - level) / density² over the number of rows.
    """
    density = float(stats.norm.pdf(stats.norm.ppf(level)))
    return level * (1 - level) / density**2 / (np.pi / 2)


def _grow(
    sets: _Sets, start: float, objective: Objective, losses: Losses, settings: Settings, rows_factor: float = 1.0
) -> Booster:
    """Grow on the older rows until the newest fifth gains no more; grow again on all rows where they are few."""
    lgb = lightgbm()
    least = round(sets.parameters["min_data_in_leaf"] * rows_factor)
    parameters = {**sets.parameters, "min_data_in_leaf": least, "objective": objective, "metric": "None"}

    def metric(prediction: Any, held: Any) -> tuple[str, float, bool]:
        return "loss", float(np.average(losses(held.get_label(), prediction), weights=_weights(held))), False

    for data in (sets.old, sets.held, sets.whole):
        if data is not None:
            data.set_init_score(np.full(data.num_data(), start))
    model = lgb.train(
        parameters, sets.old, settings.trees_max, valid_sets=[sets.held], feval=metric,
        callbacks=[lgb.early_stopping(settings.patience, verbose=False)],
    )  # fmt: skip
    count, rows = max(int(model.best_iteration), 0), slice(sets.cut, None)
    raw = model.predict(sets.x_held, num_iteration=count, num_threads=settings.threads) if count else 0.0
    if count == 0 or not _beats(losses, raw, sets.t[rows], sets.weight[rows], start):
        return Booster(None, start, 0)
    if sets.whole is not None:
        model = lgb.train(parameters, sets.whole, count)
    return Booster(_cut(lgb, model, count), start, count)


def _beats(losses: Losses, raw: Any, t: Floats, weight: Floats, start: float) -> bool:
    """Tell whether trees beat the constant on newer rows by more than one standard error of the difference.

    The number of trees is the best of many; without this, noise would always find a number at which it helps.
    """
    gain = losses(t, np.full(len(t), start)) - losses(t, np.asarray(raw, np.float64) + start)
    mean = float(np.average(gain, weights=weight))
    error = float(np.sqrt(np.average((gain - mean) ** 2, weights=weight) * (weight**2).sum()) / weight.sum())
    return mean > error


def _cut(lgb: Any, model: Any, count: int) -> Any:
    """Return the first trees only, read back from text, so that a saved model is the model used."""
    return lgb.Booster(model_str=model.model_to_string(num_iteration=count).split("\nparameters:")[0])
