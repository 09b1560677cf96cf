"""From a distribution of the value of pledged patents to the recovery of a defaulted asset."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from zhirong.finance.securitisation.spec import Recovery
from zhirong.kernel.errors import DomainError

__all__ = ["recovered_shares", "recovery_of_values"]

Floats = NDArray[np.float64]
_NODES = 96
_SPREAD_MAX = 10.0


def recovered_shares(
    values: Floats, exposure: float, *, haircut: float, sale_probability: float, rate: float, years: float
) -> Floats:
    """Return the share of an exposure that the sale of the collateral brings, draw by draw.

    Parameters
    ----------
    values : ndarray
        Draws of the value of the patents, money, at least 0.
    exposure : float
        Balance at default, above 0.
    haircut : float
        Loss of value in a forced sale, 0 to 1.
    sale_probability : float
        That a buyer is found, 0 to 1.
    rate, years : float
        Discount rate, continuously compounded, and time to cash.

    Returns
    -------
    ndarray
        ``min(1, V (1 - haircut) p e^(-rate years) / exposure)``, 0 to 1.

    Examples
    --------
    >>> one = np.array([12e6])
    >>> round(1 - recovered_shares(one, 5e6, haircut=0.5, sale_probability=0.4, rate=0.08, years=1.5)[0], 12)
    np.float64(0.574278190376)
    """
    bounds = {
        "haircut": (haircut, 1.0),
        "sale_probability": (sale_probability, 1.0),
        "rate": (rate, 1.0),
        "years": (years, 50.0),
    }
    for name, (value, most) in bounds.items():
        if not 0 <= value <= most:
            raise DomainError(f"{name}: {value!r} is not allowed; allowed: 0 to {most:g}")
    if not exposure > 0:
        raise DomainError(f"exposure: {exposure!r} is not allowed; allowed: above 0")
    if values.size == 0 or not np.isfinite(values).all() or (values < 0).any():
        raise DomainError("values: a draw is missing, not finite or negative; allowed: at least one, each at least 0")
    return np.asarray(
        np.minimum(values * ((1.0 - haircut) * sale_probability * math.exp(-rate * years) / exposure), 1.0)
    )


def recovery_of_values(
    values: Floats,
    exposure: float,
    *,
    haircut: float,
    sale_probability: float,
    rate: float,
    years: float,
    factor_share: float,
) -> Recovery:
    """Return the recovery of a pool whose collateral has a distribution of values.

    Parameters
    ----------
    values, exposure, haircut, sale_probability, rate, years
        As in `recovered_shares`; draws of a typical asset.
    factor_share : float
        Share of the variance that moves with the factor of defaults, 0 to 1.

    Returns
    -------
    Recovery
        Whose probit-normal law has the mean and the variance of the shares recovered.

    Notes
    -----
    ``R = Phi(m + s Y)`` has the mean ``Phi(m / sqrt(1 + s^2))`` (Andersen and Sidenius 2004); s solves the variance.
    """
    if not 0 <= factor_share <= 1:
        raise DomainError(f"factor_share: {factor_share!r} is not allowed; allowed: 0 to 1")
    shares = recovered_shares(
        values, exposure, haircut=haircut, sale_probability=sale_probability, rate=rate, years=years
    )
    mean, variance = float(shares.mean()), float(shares.var())
    lag = max(round(12 * years), 0)
    if not 0 < mean < 1 or variance < 1e-12:
        return Recovery(min(max(mean, 0.0), 1.0), 0.0, factor_share, lag)
    if variance >= _variance(mean, _SPREAD_MAX):
        return Recovery(mean, _SPREAD_MAX, factor_share, lag)
    spread = optimize.brentq(lambda s: _variance(mean, s) - variance, 0.0, _SPREAD_MAX, xtol=1e-10)
    return Recovery(mean, float(spread), factor_share, lag)


def _variance(mean: float, spread: float) -> float:
    """Return the variance of the probit-normal law of a mean and a spread."""
    x, w = special.roots_hermitenorm(_NODES)
    shares = special.ndtr(math.sqrt(1.0 + spread * spread) * special.ndtri(mean) + spread * x)
    weight = w / math.sqrt(2.0 * math.pi)
    return float(weight @ shares**2 - (weight @ shares) ** 2)
