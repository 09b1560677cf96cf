"""Who gets what of the proceeds: ranks in order, equal ranks in proportion, nothing lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from zhirong.kernel.errors import DomainError
from zhirong.kernel.text import Bilingual

__all__ = ["Claim", "distribute", "rank_claims"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim on the proceeds.

    Parameters
    ----------
    name : str
        Unique.
    label : Bilingual
        What a reader sees.
    amount_cny : float
        0 or more.
    rank : int
        1 is paid first; equal ranks share in proportion.
    """

    name: str
    label: Bilingual
    amount_cny: float
    rank: int

    def __post_init__(self) -> None:
        if not (np.isfinite(self.amount_cny) and self.amount_cny >= 0):
            raise DomainError(f"field amount_cny of {self.name}: {self.amount_cny}; allowed: 0 or more")
        if self.rank < 1:
            raise DomainError(f"field rank of {self.name}: {self.rank}; allowed: 1 or more")


def rank_claims(secured: Sequence[tuple[str, date | None, float]], *, first: Sequence[Claim] = ()) -> tuple[Claim, ...]:
    """Return claims in the order of law: costs first, then pledgees by day of registration, the owner last.

    Parameters
    ----------
    secured : sequence of (name, day of registration, amount)
        Pledges; one without a registration has no priority and ranks after all that have one.
    first : sequence of Claim
        Costs and taxes, rank 1.

    Notes
    -----
    Civil Code of the PRC, article 414: registered pledges by the order of registration, registered before unregistered, unregistered in
    proportion; the pledge of a patent is created by registration (article 444), so that an unregistered one is an ordinary claim.
    """
    known = sorted({day for _, day, _ in secured if day is not None})
    last = 2 + len(known)
    found = [
        Claim(
            name, Bilingual(f"质权人 {name}", f"pledgee {name}"), amount, last if day is None else 2 + known.index(day)
        )
        for name, day, amount in secured
    ]
    return (*first, *found)


def distribute(proceeds: Floats, claims: Sequence[Claim]) -> dict[str, Floats]:
    """Return what each claim is paid, and what is left to the owner, path by path.

    Parameters
    ----------
    proceeds : ndarray, shape (n,)
        0 or more.
    claims : sequence of Claim
        Names differ.

    Returns
    -------
    dict of str to ndarray, shape (n,)
        By claim, and ``owner``; they add up to the proceeds.
    """
    money = np.asarray(proceeds, np.float64)
    if not (np.isfinite(money).all() and (money >= 0).all()):
        raise DomainError("field proceeds: allowed: finite, 0 or more")
    names = [c.name for c in claims]
    if len(set(names)) != len(names) or "owner" in names:
        raise DomainError(f"field claims: {', '.join(names)}; allowed: names that differ and are not 'owner'")
    left, paid = money.copy(), {}
    for rank in sorted({c.rank for c in claims}):
        mine = [c for c in claims if c.rank == rank]
        total = sum(c.amount_cny for c in mine)
        given = np.minimum(left, total)
        for c in mine:
            paid[c.name] = given * (c.amount_cny / total) if total > 0 else np.zeros_like(money)
        left = left - given
    paid["owner"] = left
    assert np.allclose(sum(paid.values()), money, rtol=1e-12, atol=1e-6), "proceeds are neither lost nor made"
    return paid
