"""How good predictions are, on labels that were not used to make them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from zhirong.kernel.errors import DomainError
from zhirong.valuation.learning.boosting import check_loss, weighted_quantile

__all__ = ["amount_metrics", "event_metrics", "r_squared", "r_squared_interval"]

Floats = NDArray[np.float64]


def r_squared(y: Floats, prediction: Floats) -> float:
    """Return 1 - residual over total sum of squares, total about the mean of `y`; negative where worse than the mean."""
    total = float(((y - y.mean()) ** 2).sum())
    if total <= 0:
        raise DomainError("R-squared needs targets that differ")
    return 1.0 - float(((y - prediction) ** 2).sum()) / total


def r_squared_interval(
    y: Floats, prediction: Floats, *, rng: np.random.Generator, draws: int = 400
) -> tuple[float, float]:
    """Return the 90 per cent bootstrap interval of R-squared."""
    found = []
    for _ in range(draws):
        rows = rng.integers(0, len(y), len(y))
        if np.ptp(y[rows]) > 0:
            found.append(r_squared(y[rows], prediction[rows]))
    return float(np.quantile(found, 0.05)), float(np.quantile(found, 0.95))


def amount_metrics(
    y: Floats,
    quantiles: Floats,
    levels: tuple[float, ...],
    *,
    past: Floats,
    past_weight: Floats,
    rng: np.random.Generator,
) -> dict[str, float]:
    """Return metrics of a model of log amounts.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Targets.
    quantiles : ndarray, shape (n, levels)
        Predicted quantiles.
    past, past_weight : ndarray
        Training targets: their own quantiles are the naive forecast.
    rng : Generator
        For the bootstrap.

    Returns
    -------
    dict of str to float
        `r2_log` and its 90 % interval; `rank_correlation` (Spearman; 0 for a constant forecast); `error_factor`
        (exp of the median absolute error: a factor); `check_skill` (1 - check loss over that of the naive forecast, mean over
        levels); `width_ratio` (mean width of the widest interval over that of the naive one).
    """
    median = quantiles[:, len(levels) // 2]
    naive = np.array([weighted_quantile(past, a, past_weight) for a in levels])
    mine = np.mean([check_loss(y, quantiles[:, i], a) for i, a in enumerate(levels)])
    base = np.mean([check_loss(y, np.full(len(y), naive[i]), a) for i, a in enumerate(levels)])
    low, high = r_squared_interval(y, median, rng=rng)
    return {
        "r2_log": r_squared(y, median),
        "r2_log_low": low,
        "r2_log_high": high,
        "rank_correlation": float(stats.spearmanr(y, median).statistic) if np.ptp(median) > 0 else 0.0,
        "error_factor": float(np.exp(np.median(np.abs(y - median)))),
        "check_skill": float(1.0 - mine / base),
        "width_ratio": float((quantiles[:, -1] - quantiles[:, 0]).mean() / max(naive[-1] - naive[0], 1e-12)),
    }


def event_metrics(y: Floats, p: Floats, *, past_share: float) -> dict[str, float]:
    """Return metrics of a model of an event.

    Parameters
    ----------
    y, p : ndarray, shape (n,)
        Outcomes and probabilities (0-1, open).
    past_share : float
        Share of the event among training labels: the naive forecast.

    Returns
    -------
    dict of str to float
        `brier`, `brier_skill` (against the naive forecast), `log_loss`, `auc` (0.5 where only one outcome occurs),
        `calibration_slope` and `calibration_intercept` (logistic regression of outcomes on log odds; 1 and 0 are ideal).
    """
    p = np.clip(p, 1e-9, 1 - 1e-9)
    brier, naive = float(((p - y) ** 2).mean()), float(((past_share - y) ** 2).mean())
    slope, intercept = _calibration(y, np.log(p / (1 - p)))
    return {
        "brier": brier,
        "brier_skill": 1.0 - brier / naive if naive > 0 else 0.0,
        "log_loss": float(-(y * np.log(p) + (1 - y) * np.log1p(-p)).mean()),
        "auc": _auc(y, p),
        "calibration_slope": slope,
        "calibration_intercept": intercept,
        "mean_predicted": float(p.mean()),
        "mean_realised": float(y.mean()),
    }


def _auc(y: Floats, p: Floats) -> float:
    ones, zeros = int(y.sum()), int(len(y) - y.sum())
    if ones == 0 or zeros == 0:
        return 0.5
    ranks = stats.rankdata(p)
    return float((ranks[y == 1].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def _calibration(y: Floats, odds: Floats) -> tuple[float, float]:
    """Return slope and intercept by maximum likelihood with a weak ridge, so that separated outcomes stay finite."""

    def loss(b: Floats) -> float:
        eta = b[0] * odds + b[1]
        return float((np.logaddexp(0.0, eta) - y * eta).sum() + 0.5e-3 * ((b[0] - 1) ** 2 + b[1] ** 2))

    found = optimize.minimize(loss, np.array([1.0, 0.0]), method="BFGS")
    return float(found.x[0]), float(found.x[1])
