"""Premium of a cover from its aggregate loss: expected loss, expense and cost of capital, by a named principle."""

from __future__ import annotations

import math
from dataclasses import dataclass

from zhirong.kernel.errors import DomainError
from zhirong.numerics.aggregate import AggregateLoss

__all__ = ["Premium", "break_even_loss", "capital_premium", "per_patent_tariff", "rate_on_line", "tvar_premium"]


@dataclass(frozen=True, slots=True)
class Premium:
    """A premium and what it is made of, CNY a year, with the level and prices of capital that were used."""

    expected_loss_cny: float
    capital_cny: float
    capital_cost_cny: float
    expense_cny: float
    gross_cny: float
    level: float
    cost_of_capital: float
    loading: float


def _share(name: str, value: float) -> float:
    if not 0 <= value < 1:
        raise DomainError(f"{name}: {value} given, 0 <= {name} < 1 allowed")
    return value


def _above(name: str, value: float) -> float:
    if not (math.isfinite(value) and value > 0):
        raise DomainError(f"{name}: {value} given, a finite number above 0 allowed")
    return value


def tvar_premium(
    total: AggregateLoss, *, level: float, cost_of_capital: float, loading: float, expense: float
) -> Premium:
    """Return ``(E + CoC loading (TVaR - E)) / (1 - expense)``.

    Parameters
    ----------
    total : AggregateLoss
        Yearly loss of the insurer after deductible, limit and co-insurance, CNY.
    level : float
        Level of the TVaR, between 0 and 1.
    cost_of_capital, expense : float
        Fractions, 0 to 1: a year's return on capital; the share of the gross premium spent.
    loading : float
        Share of ``TVaR - E`` held as capital, above 0.

    Raises
    ------
    DomainError
        For a number out of range, with its name.
    """
    _above("loading", loading)
    capital = loading * max(total.tvar(level) - total.mean, 0.0)
    return capital_premium(
        total.mean, capital, level=level, cost_of_capital=cost_of_capital, loading=loading, expense=expense
    )


def capital_premium(
    expected_cny: float, capital_cny: float, *, level: float, cost_of_capital: float, loading: float, expense: float
) -> Premium:
    """Return ``(E + CoC K) / (1 - expense)`` for a capital K, e.g. a policy's share of that of its portfolio; see `tvar_premium`."""
    _share("cost_of_capital", cost_of_capital)
    _share("expense", expense)
    gross = (expected_cny + cost_of_capital * capital_cny) / (1 - expense)
    return Premium(
        expected_cny,
        capital_cny,
        cost_of_capital * capital_cny,
        expense * gross,
        gross,
        level,
        cost_of_capital,
        loading,
    )


def break_even_loss(premium_rate: float, *, expense: float, share: float) -> float:
    """Return the expected loss rate of the loan at which an insurer bearing `share` of it breaks even."""
    return _above("premium_rate", premium_rate) * (1 - _share("expense", expense)) / _above("share", share)


def rate_on_line(premium_cny: float, limit_cny: float) -> float:
    """Return premium over limit, both CNY and above 0."""
    return _above("premium_cny", premium_cny) / _above("limit_cny", limit_cny)


def per_patent_tariff(patents: int, *, base_cny: float, per_patent_cny: float, multiple: float) -> tuple[float, float]:
    """Return premium and yearly limit, CNY, of a tariff with a base, a price per patent and a limit as its multiple."""
    if patents < 1:
        raise DomainError(f"patents: {patents} given, at least 1 allowed")
    premium = _above("base_cny", base_cny) + patents * _above("per_patent_cny", per_patent_cny)
    return premium, premium * _above("multiple", multiple)
