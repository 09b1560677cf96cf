"""On what basis a flow or a rate is stated; flows may be discounted only at a rate of the same basis.

Nominal flows at a real rate, flows before tax at a rate after tax, or yuan at a dollar rate give numbers that look right and
are not. So a flow and a rate each carry their basis, a mixture is refused, and the message names the conversion that is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zhirong.kernel.errors import DomainError

__all__ = ["PRICES", "TAXES", "Basis", "one_basis"]

PRICES: tuple[str, ...] = ("nominal", "real")
"""Money of the day, or money of constant purchasing power."""
TAXES: tuple[str, ...] = ("after_tax", "before_tax")
"""Whether income tax has been taken."""
_REMEDIES = {
    "prices": "convert the rate by Fisher's relation (real_rate, nominal_rate)",
    "tax": "convert the rate with the flows it discounts (before_tax_rate)",
    "currency": "convert the rate by the difference in expected inflation (rate_in_currency), or the flows at forward rates",
}


@dataclass(frozen=True, slots=True)
class Basis:
    """Basis of a stream of flows or of a rate.

    Parameters
    ----------
    currency : str
        ISO 4217, three capital letters.
    prices : str
        One of `PRICES`.
    tax : str
        One of `TAXES`.

    Examples
    --------
    >>> str(Basis("CNY"))
    'CNY nominal after_tax'
    """

    currency: str
    prices: str = "nominal"
    tax: str = "after_tax"

    def __post_init__(self) -> None:
        if len(self.currency) != 3 or not (self.currency.isascii() and self.currency.isupper()):
            raise DomainError(f"currency is a code of ISO 4217 such as CNY, not {self.currency!r}")
        if self.prices not in PRICES:
            raise DomainError(f"prices is one of {', '.join(PRICES)}, not {self.prices!r}")
        if self.tax not in TAXES:
            raise DomainError(f"tax is one of {', '.join(TAXES)}, not {self.tax!r}")

    def __str__(self) -> str:
        return f"{self.currency} {self.prices} {self.tax}"


def one_basis(named: Sequence[tuple[str, Basis]]) -> Basis:
    """Return the one basis of everything that enters a value.

    Parameters
    ----------
    named : sequence of (str, Basis)
        What enters, e.g. ``("revenue", Basis("CNY"))``; at least one.

    Raises
    ------
    DomainError
        For a mixture: says which two differ, in what, and which conversion is missing.

    Examples
    --------
    >>> one_basis([("flows", Basis("CNY")), ("rate", Basis("CNY", prices="real"))])
    Traceback (most recent call last):
    ...
    zhirong.kernel.errors.DomainError: flows is nominal but rate is real: convert the rate by Fisher's relation (real_rate, nominal_rate)
    """
    if not named:
        raise DomainError("nothing was given whose basis could be compared")
    first, basis = named[0]
    for name, other in named[1:]:
        for part, remedy in _REMEDIES.items():
            mine, theirs = getattr(basis, part), getattr(other, part)
            if mine != theirs:
                raise DomainError(f"{first} is {mine} but {name} is {theirs}: {remedy}")
    return basis
