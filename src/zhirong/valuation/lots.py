"""What did not sell: the effect of seeing prices of sold lots alone, by Heckman's model and by rotated quantiles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zhirong.kernel.errors import ConvergenceError, DomainError
from zhirong.kernel.text import Bilingual
from zhirong.numerics.selection import heckman_profile, heckman_two_step, inverse_mills
from zhirong.numerics.selection_quantiles import selection_quantiles
from zhirong.valuation.deals import Deal

__all__ = ["SelectionEffect", "fit_selection"]

Floats = NDArray[np.float64]
_HALF_YEAR_DAYS = 183
_RHOS = np.tanh(np.linspace(-2.3, 2.3, 47))
"""Correlations over which the likelihood is weighed with the prior, -0.98 to 0.98."""
_QUANTILE_COLUMNS = 3
"""Covariates of the quantile lines: intercept, age and claims; more would cost more lots than auctions have."""


@dataclass(frozen=True, slots=True)
class SelectionEffect:
    """What the lots without buyer say of the prices of those with one.

    Attributes
    ----------
    sold, unsold : int
        Lots.
    rho : float
        Posterior mean of the correlation of the errors of price and of sale.
    lambda_ : float
        Posterior mean of ``rho sigma``, log points.
    lambda_error : float
        Its posterior standard deviation, and half the disagreement of the two models, in squares.
    likeliest_rho, two_step_lambda, two_step_error : float
        The correlation of greatest likelihood, and the two-step estimate with its standard error, before any prior.
    heckman_shift : float
        By how many log points an average sold lot is worth more (negative: less) before it is known to have sold than its
        price says, by the posterior mean.
    quantile_shift : float or None
        The same for the median by the quantile model, without prior; None where that cannot be fitted.
    copula_rho : float or None
        Correlation of ranks by the quantile model.
    mills : Mapping of str to float
        Inverse Mills ratio of each sold lot, by deal.
    gamma : ndarray
        Coefficients of the sale: intercept, age, log claims, log family, date, log of lots on offer within half a year.
    crowding : float
        Mean of the last covariate, for a lot offered into an ordinary market.
    """

    sold: int
    unsold: int
    rho: float
    lambda_: float
    lambda_error: float
    likeliest_rho: float
    two_step_lambda: float
    two_step_error: float
    heckman_shift: float
    quantile_shift: float | None
    copula_rho: float | None
    mills: Mapping[str, float]
    gamma: Floats
    crowding: float


def fit_selection(
    lots: Sequence[Deal], covariates: Callable[[Sequence[Deal]], Floats], *, least_sold: int, least_unsold: int, prior_sd: float
) -> SelectionEffect | Bilingual:  # fmt: skip
    """Fit the sale and the price of lots together.

    Parameters
    ----------
    lots : sequence of Deal
        Lots whose outcome is known.
    covariates : callable
        Deals to their covariates, first a column of ones, then age, log claims, log family and date.
    least_sold, least_unsold : int
        Lots below which nothing is fitted.
    prior_sd : float
        Prior standard deviation of ``rho sigma``.

    Returns
    -------
    SelectionEffect or Bilingual
        The reason, where there is no estimate.

    Notes
    -----
    The covariate of the sale that the price lacks is how many lots were on offer within half a year before and after: a
    crowded auction sells a smaller share. With few lots the curvature of the normal distribution identifies as much as it
    does, the likelihood is flat or has two summits, and a maximum with its standard error would mislead: the effect is the mean of
    its posterior, the profile likelihood of the correlation times a normal prior of ``rho sigma`` about none.
    """
    chosen = [lot for lot in lots if lot.related is None]
    sold = np.array([lot.is_sold is True for lot in chosen], dtype=np.bool_)
    if sold.sum() < least_sold or (~sold).sum() < least_unsold:
        return Bilingual(
            f"已成交 {int(sold.sum())} 件、流拍 {int((~sold).sum())} 件，少于 {least_sold} 与 {least_unsold} 件：未修正选择偏差",
            f"{int(sold.sum())} lots sold and {int((~sold).sum())} unsold, fewer than {least_sold} and {least_unsold}: "
            "selection is not corrected",
        )
    x = covariates(chosen)
    days = np.sort(np.array([lot.deal_date.toordinal() for lot in chosen]))
    own = np.array([lot.deal_date.toordinal() for lot in chosen])
    offered = np.searchsorted(days, own + _HALF_YEAR_DAYS, "right") - np.searchsorted(
        days, own - _HALF_YEAR_DAYS, "left"
    )
    crowding = np.log(offered.astype(np.float64))
    z = np.column_stack([x, crowding])
    y = np.array([np.nan if lot.log_price is None else lot.log_price for lot in chosen])
    try:
        first = heckman_two_step(y, x, z, sold)
        values, sigmas, gammas = heckman_profile(y, x, z, sold, _RHOS)
    except (DomainError, ConvergenceError) as err:
        return Bilingual(
            "选择模型无法拟合：未修正选择偏差", f"the selection model cannot be fitted ({err}): not corrected"
        )
    lambdas = _RHOS * sigmas
    logs = values - 0.5 * (lambdas / prior_sd) ** 2
    mass = np.exp(logs - logs.max()) * (1 - _RHOS**2)  # even steps of atanh rho: a flat prior of rho besides
    mass /= mass.sum()
    slope = float(mass @ lambdas)
    gamma = mass @ gammas
    mills = inverse_mills(z[sold] @ gamma)
    copula_rho, quantile_shift = _by_quantiles(y, x[:, :_QUANTILE_COLUMNS], z, sold)
    gap = (
        0.0 if quantile_shift is None else abs(quantile_shift + slope * float(mills.mean())) / (2 * float(mills.mean()))
    )
    # The quantile model has no prior: its gap counts as far as the prior would let it.
    error = float(np.hypot(np.sqrt(mass @ (lambdas - slope) ** 2), min(gap, prior_sd / 2)))
    return SelectionEffect(
        int(sold.sum()), int((~sold).sum()), float(mass @ _RHOS), slope, error, float(_RHOS[np.argmax(values)]), first.lambda_,
        first.lambda_error, -slope * float(mills.mean()), quantile_shift, copula_rho,
        {lot.deal_id: float(m) for lot, m in zip([c for c in chosen if c.is_sold], mills, strict=True)}, gamma,
        float(crowding.mean()),
    )  # fmt: skip


def _by_quantiles(y: Floats, x: Floats, z: Floats, sold: NDArray[np.bool_]) -> tuple[float | None, float | None]:
    """Return the copula's correlation, and how far the median line falls when unsold lots are counted in."""
    try:
        fit = selection_quantiles(y, x, z, sold, levels=np.array([0.25, 0.5, 0.75]))
    except (DomainError, ConvergenceError):
        return None, None
    shift = x[sold].mean(axis=0) @ (fit.coefficients[1] - fit.uncorrected[1])
    return fit.rho, float(shift)
