"""Money as integer minor units with a currency; the border between contracts and analytics.

Contracts hold `Money`; models hold float64. `Money.to_float` and `Money.from_float` are the only two crossings, and
the rounding mode is named at each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, InvalidOperation
from enum import StrEnum

from zhirong.kernel.errors import DomainError, UnknownNameError

__all__ = ["CURRENCIES", "Money", "Rounding"]

CURRENCIES: dict[str, int] = {
    "CNY": 2, "USD": 2, "EUR": 2, "JPY": 0, "KRW": 0, "GBP": 2, "HKD": 2, "TWD": 2, "CHF": 2, "CAD": 2, "AUD": 2,
    "DEM": 2, "FRF": 2, "SGD": 2, "INR": 2, "BHD": 3,
}  # fmt: skip
"""ISO 4217 code to number of minor digits."""


class Rounding(StrEnum):
    """Rounding modes, by their names in `decimal`."""

    HALF_EVEN = ROUND_HALF_EVEN
    HALF_UP = ROUND_HALF_UP
    DOWN = ROUND_DOWN


def _digits(currency: str) -> int:
    try:
        return CURRENCIES[currency]
    except KeyError:
        raise UnknownNameError("currency", currency, CURRENCIES) from None


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An exact amount.

    Parameters
    ----------
    minor : int
        Amount in minor units (fen, cents; yen themselves).
    currency : str
        ISO 4217 code of `CURRENCIES`.

    Examples
    --------
    >>> Money.of("12.30", "CNY") + Money(70, "CNY")
    Money(minor=1300, currency='CNY')
    """

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if isinstance(self.minor, bool) or not isinstance(self.minor, int):
            raise DomainError(f"minor units must be an int, not {self.minor!r}; use Money.of for decimals")
        _digits(self.currency)

    @classmethod
    def of(cls, amount: str | int | Decimal, currency: str) -> Money:
        """Return exact money from a decimal text; refuse more digits than the currency has."""
        try:
            scaled = Decimal(amount).scaleb(_digits(currency))
        except InvalidOperation:
            raise DomainError(f"{amount!r} is not a decimal amount") from None
        if not scaled.is_finite() or scaled != scaled.to_integral_value():
            raise DomainError(f"{amount} {currency} has more than {_digits(currency)} decimal digits")
        return cls(int(scaled), currency)

    @classmethod
    def from_float(cls, amount: float, currency: str, *, rounding: Rounding = Rounding.HALF_EVEN) -> Money:
        """Return money from an analytic float, rounded by the named mode; refuse NaN and infinity."""
        exact = Decimal(amount)
        if not exact.is_finite():
            raise DomainError(f"{amount} is not an amount of money")
        return cls(int(exact.scaleb(_digits(currency)).to_integral_value(rounding=rounding.value)), currency)

    def to_float(self) -> float:
        """Return the amount in major units as float64, for analytics."""
        return float(self.decimal)

    @property
    def decimal(self) -> Decimal:
        """The amount in major units, exact."""
        return Decimal(self.minor).scaleb(-_digits(self.currency))

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise DomainError(f"cannot combine {self.currency} with {other.currency}; convert at a dated rate first")

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __mul__(self, factor: int) -> Money:
        if isinstance(factor, bool) or not isinstance(factor, int):
            raise DomainError("money is multiplied by whole numbers; use `scaled` with a rounding mode for the rest")
        return Money(self.minor * factor, self.currency)

    __rmul__ = __mul__

    def scaled(self, factor: Decimal | str, *, rounding: Rounding = Rounding.HALF_EVEN) -> Money:
        """Return the amount times a decimal factor, rounded by the named mode."""
        product = Decimal(self.minor) * Decimal(factor)
        return Money(int(product.to_integral_value(rounding=rounding.value)), self.currency)

    def __lt__(self, other: Money) -> bool:
        self._same(other)
        return self.minor < other.minor

    def __le__(self, other: Money) -> bool:
        self._same(other)
        return self.minor <= other.minor

    def split(self, weights: Sequence[int]) -> tuple[Money, ...]:
        """Divide without losing a minor unit: largest remainders first, ties to the earlier share.

        Parameters
        ----------
        weights : sequence of int
            Non-negative, not all zero.

        Returns
        -------
        tuple of Money
            As many shares as weights; they sum to this amount exactly.
        """
        total = sum(weights)
        if total <= 0 or any(w < 0 for w in weights):
            raise DomainError(f"weights must be non-negative and not all zero, not {list(weights)}")
        floors = [divmod(self.minor * w, total) for w in weights]
        shares = [q for q, _ in floors]
        left = self.minor - sum(shares)
        for i in sorted(range(len(weights)), key=lambda i: (-floors[i][1], i))[:left]:
            shares[i] += 1
        assert sum(shares) == self.minor
        return tuple(Money(s, self.currency) for s in shares)

    def __str__(self) -> str:
        return f"{self.decimal:,} {self.currency}"
