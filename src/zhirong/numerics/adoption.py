"""How a product is taken up: the Bass curve, its fit to sales, and paths of what is still to come with all that is not known of it.

A short series of revenues does not tell a curve's end, and a fit that claims to is the usual way to overvalue a young product. So the
curves here are draws: a prior over curves, weighted by how well each passes through the years that are known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from zhirong.kernel.errors import DomainError

__all__ = ["AdoptionDraws", "AdoptionPrior", "BassFit", "adoption_draws", "bass_curve", "bass_peak", "fit_bass"]

Floats = NDArray[np.float64]
_EFFECTIVE_MIN = 200.0


@dataclass(frozen=True, slots=True)
class BassFit:
    """A Bass model fitted to sales by period.

    Parameters
    ----------
    p, q : float
        Coefficients of innovation and imitation, fraction a period.
    market : float
        Sales in all.
    p_se, q_se : float
        Standard errors by the delta method.
    r_squared : float
        Of the regression.
    """

    p: float
    q: float
    market: float
    p_se: float
    q_se: float
    r_squared: float


@dataclass(frozen=True, slots=True)
class AdoptionPrior:
    """What is thought of a curve before its revenues are seen.

    Parameters
    ----------
    p_median, q_median : float
        Medians of the coefficients of the Bass curve, fraction a year.
    p_sigma, q_sigma : float
        Standard deviations of their logarithms.
    age_max_years : float
        The product was launched, evenly likely, up to so long before the first known year.
    noise : float
        Standard deviation of the logarithm of a year's revenue about its curve.
    """

    p_median: float
    q_median: float
    p_sigma: float
    q_sigma: float
    age_max_years: float
    noise: float

    def __post_init__(self) -> None:
        values = (self.p_median, self.q_median, self.age_max_years, self.noise)
        if min(values) <= 0 or self.p_sigma < 0 or self.q_sigma < 0:
            raise DomainError("medians, age_max_years and noise are above 0; sigmas 0 or more")


@dataclass(frozen=True, slots=True)
class AdoptionDraws:
    """Draws of a curve given the known years.

    Parameters
    ----------
    p, q, age_years : ndarray, shape (draws,)
        Coefficients, and age of the product in the last known year.
    effective : float
        Effective number of different curves among the candidates.
    temper : float
        Power to which the likelihood was raised so that enough curves were left; below 1 the years were too telling for the candidates,
        and the draws are wider than they could be.
    """

    p: Floats
    q: Floats
    age_years: Floats
    effective: float
    temper: float

    @property
    def penetration(self) -> Floats:
        """Share of the market reached in the last known year."""
        return bass_curve(self.age_years, self.p, self.q)

    def growth(self, years_ahead: ArrayLike) -> Floats:
        """Return adoption after some years over adoption in the last known year; shape (draws, len(years_ahead))."""
        ahead = np.atleast_1d(np.asarray(years_ahead, np.float64))
        later = bass_curve(self.age_years[:, None] + ahead, self.p[:, None], self.q[:, None])
        return np.asarray(later / self.penetration[:, None], np.float64)


def bass_curve(t: ArrayLike, p: ArrayLike, q: ArrayLike) -> Floats:
    """Return the share that has adopted by t, ``(1 - e^(-(p+q)t)) / (1 + (q/p) e^(-(p+q)t))``; 0 before the launch.

    References
    ----------
    Bass (1969), A new product growth for model consumer durables, *Management Science* 15, 215-227.

    Examples
    --------
    >>> round(float(bass_curve(10.0, 0.03, 0.38)), 6)
    0.812803
    """
    at, a, b = (np.asarray(v, np.float64) for v in (t, p, q))
    if (a <= 0).any() or (b < 0).any():
        raise DomainError("p is above 0 and q 0 or more")
    decay = np.exp(-(a + b) * np.maximum(at, 0.0))
    return np.asarray((1 - decay) / (1 + b / a * decay), np.float64)


def bass_peak(p: float, q: float, market: float) -> tuple[float, float]:
    """Return when sales are highest and how high, ``ln(q/p)/(p+q)`` and ``market (p+q)^2/(4q)``; at launch where q <= p."""
    if p <= 0 or q < 0:
        raise DomainError("p is above 0 and q 0 or more")
    if q <= p:
        return 0.0, market * p
    return float(np.log(q / p) / (p + q)), market * (p + q) ** 2 / (4 * q)


def fit_bass(sales: Floats) -> BassFit:
    """Fit the Bass model to sales of consecutive periods from the launch, by the regression of the paper.

    Parameters
    ----------
    sales : ndarray, shape (n,)
        At least 5 periods, 0 or more.

    Raises
    ------
    DomainError
        For too few periods, or sales that never bend, so that the market is unbounded.

    Notes
    -----
    ``S_t = a + b Y_(t-1) + c Y_(t-1)^2`` with Y the sum so far; ``market = (-b - sqrt(b^2 - 4ac))/(2c)``, ``p = a/market``,
    ``q = -c market``. One period's sales are taken at its start, so with few periods p is biased up; kept because it is the published way.
    """
    s = np.asarray(sales, np.float64)
    if s.ndim != 1 or s.size < 5 or not np.isfinite(s).all() or (s < 0).any():
        raise DomainError("sales is one dimension of at least 5 finite amounts, 0 or more")
    before = np.r_[0.0, np.cumsum(s)[:-1]]
    scale = max(float(s.sum()), 1e-300)
    y, x = s / scale, before / scale
    design = np.stack([np.ones_like(x), x, x**2], axis=1)
    beta, *_ = np.linalg.lstsq(design, y, rcond=None)
    a, b, c = beta.tolist()
    inside = b**2 - 4 * a * c
    if c >= 0 or a <= 0 or inside <= 0:
        raise DomainError("the sales do not bend yet: the size of the market cannot be read off them")
    market = (-b - np.sqrt(inside)) / (2 * c)
    residual = y - design @ beta
    covariance = np.linalg.pinv(design.T @ design) * float(residual @ residual) / max(s.size - 3, 1)

    def coefficients(v: Floats) -> Floats:
        m = (-v[1] - np.sqrt(max(v[1] ** 2 - 4 * v[0] * v[2], 0.0))) / (2 * v[2])
        return np.array([v[0] / m, -v[2] * m])

    steps = np.maximum(np.abs(beta), 1e-8) * 1e-5
    slopes = np.stack(
        [
            (coefficients(beta + h * e) - coefficients(beta - h * e)) / (2 * h)
            for h, e in zip(steps, np.eye(3), strict=True)
        ]
    )
    spread = np.sqrt(np.diag(slopes.T @ covariance @ slopes))
    total = float(np.sum((y - y.mean()) ** 2))
    r_squared = 1 - float(residual @ residual) / total if total > 0 else 0.0
    return BassFit(
        float(a / market), float(-c * market), float(market * scale), float(spread[0]), float(spread[1]), r_squared
    )


def adoption_draws(
    years: ArrayLike,
    amounts: ArrayLike,
    prior: AdoptionPrior,
    levels: Floats,
    candidates: Floats,
    *,
    market: ArrayLike | None = None,
) -> AdoptionDraws:
    """Draw curves from what is thought of them and what the known years say.

    Parameters
    ----------
    years, amounts : array_like, shape (n,)
        Known years and revenues, above 0; none leaves the prior.
    prior : AdoptionPrior
        Prior over curves.
    levels : ndarray, shape (draws,)
        Probability levels that choose among the candidates.
    candidates : ndarray, shape (m, 3)
        Probability levels in (0, 1) for the candidates' coefficients and age.
    market : array_like, shape (n,), optional
        Size of the whole market in each year, where known: adoption is then of a share and not of an amount.

    Notes
    -----
    ``ln amount_y = k + ln market_y + ln F(y - launch) + e_y``, e normal of the prior's noise, k flat and integrated out. Candidates are
    weighted by that likelihood (importance sampling), tempered until at least 200 of them count.
    """
    at, money = np.asarray(years, np.float64), np.asarray(amounts, np.float64)
    size = np.ones_like(money) if market is None else np.asarray(market, np.float64)
    if not at.shape == money.shape == size.shape or at.ndim != 1 or (money <= 0).any() or (size <= 0).any():
        raise DomainError("years, amounts and market are of one length; amounts and market above 0")
    if candidates.ndim != 2 or candidates.shape[1] != 3 or len(candidates) < 2:
        raise DomainError("candidates has three levels a row")
    p = prior.p_median * np.exp(prior.p_sigma * stats.norm.ppf(candidates[:, 0]))
    q = prior.q_median * np.exp(prior.q_sigma * stats.norm.ppf(candidates[:, 1]))
    first_age = 0.5 + prior.age_max_years * candidates[:, 2]
    span = float(at.max() - at.min()) if at.size else 0.0
    logs = np.zeros(len(p))
    if at.size >= 2:
        curve = bass_curve(first_age[:, None] + (at - at.min()), p[:, None], q[:, None])
        gap = np.log(money / size) - np.log(np.maximum(curve, 1e-300))
        gap -= gap.mean(axis=1, keepdims=True)
        logs = -0.5 * np.sum((gap / prior.noise) ** 2, axis=1)
    temper = 1.0
    while True:
        weights = np.exp(temper * (logs - logs.max()))
        effective = float(weights.sum() ** 2 / np.sum(weights**2))
        if effective >= min(_EFFECTIVE_MIN, 0.5 * len(p)) or temper < 1e-3:
            break
        temper *= 0.8
    chosen = np.minimum(np.searchsorted(np.cumsum(weights), levels * weights.sum()), len(p) - 1)
    return AdoptionDraws(p[chosen], q[chosen], first_age[chosen] + span, effective, temper)
