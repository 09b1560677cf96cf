"""Closed forms that simulations must meet: multi-period excess earnings, and the log-normal from its mean and median."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from zhirong.kernel.errors import DomainError
from zhirong.numerics.montecarlo import tax_amortisation_factor

__all__ = ["ExcessEarnings", "LogNormal", "excess_earnings", "lognormal_of"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ExcessEarnings:
    """Value by multi-period excess earnings: yearly flows, present value, tax factor, and their product."""

    flows: Floats
    present_value: float
    tax_factor: float
    value: float


def excess_earnings(
    revenue: Floats,
    ebit_margin: float,
    charge_share: float,
    *,
    tax_rate: float,
    rate: float,
    tax_life_years: float,
    mid_period: bool,
) -> ExcessEarnings:
    """Return the value of the one residual asset of a stream of earnings.

    Parameters
    ----------
    revenue : ndarray, shape (n,)
        Revenue of each year.
    ebit_margin : float
        Earnings before interest and tax, fraction of revenue.
    charge_share : float
        Contributory asset charges after tax, fraction of revenue, 0 to 1.
    tax_rate, rate : float
        Fractions; the discount rate is after tax.
    tax_life_years : float
        Amortisation life for the tax benefit; 0 leaves it out.
    mid_period : bool
        Mid-year convention.

    Returns
    -------
    ExcessEarnings

    Raises
    ------
    DomainError
        For impossible rates or no years.

    Notes
    -----
    ``V = TAB * sum_t [EBIT_t (1-tax) - CAC_t] / (1+r)^(t-m)``.
    """
    income = np.asarray(revenue, np.float64)
    if income.ndim != 1 or not len(income) or not np.isfinite(income).all():
        raise DomainError("revenue needs at least one year of finite numbers")
    if not 0 <= tax_rate < 1 or rate <= -1 or not 0 <= charge_share <= 1:
        raise DomainError("tax_rate is 0 to below 1, rate above -1, charge_share 0 to 1")
    flows = income * (ebit_margin * (1 - tax_rate) - charge_share)
    times = np.arange(1, len(income) + 1) - (0.5 if mid_period else 0.0)
    present = float(np.sum(flows / (1 + rate) ** times))
    factor = tax_amortisation_factor(tax_rate, tax_life_years, rate, mid_period=mid_period)
    return ExcessEarnings(flows, present, factor, present * factor)


@dataclass(frozen=True, slots=True)
class LogNormal:
    """A log-normal law of values."""

    median: float
    sigma: float

    @property
    def mean(self) -> float:
        """Mean, ``median * exp(sigma^2/2)``."""
        return float(self.median * np.exp(self.sigma**2 / 2))

    @property
    def mode(self) -> float:
        """Mode, ``median * exp(-sigma^2)``."""
        return float(self.median * np.exp(-(self.sigma**2)))

    def top_share(self, share: float) -> float:
        """Return the share of the total held by the most valuable `share` of cases, both 0 to 1.

        Notes
        -----
        ``Phi(sigma - z)`` with z the ``1 - share`` normal quantile.
        """
        if not 0 < share < 1:
            raise DomainError(f"share must be between 0 and 1, not {share}")
        return float(stats.norm.cdf(self.sigma - stats.norm.ppf(1 - share)))


def lognormal_of(*, mean: float, median: float) -> LogNormal:
    """Return the log-normal with a mean and a median, ``sigma = sqrt(2 ln(mean/median))``.

    Raises
    ------
    DomainError
        Unless 0 < median < mean.
    """
    if not 0 < median < mean:
        raise DomainError(f"a log-normal needs 0 < median < mean, not {median} and {mean}")
    return LogNormal(float(median), float(np.sqrt(2 * np.log(mean / median))))
