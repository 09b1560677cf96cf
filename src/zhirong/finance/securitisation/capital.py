"""Regulatory capital of securitisation exposures: Basel CRE40 to CRE44, and the retention of the originator.

Risk weights are fractions: 12.5 is 1,250 %. Tables of the external-ratings approach are parameters, so that a jurisdiction
may have its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

from zhirong.finance.securitisation.spec import Deal
from zhirong.kernel.errors import DomainError, UnknownNameError
from zhirong.params import Parameter, ParameterBook

__all__ = [
    "RISK_WEIGHT_MAX", "Retention", "TrancheCapital", "pool_capital_charge", "retention_of", "sec_erba", "sec_sa",
    "tranche_capital",
]  # fmt: skip

RISK_WEIGHT_MAX = 12.5
"""1,250 %: capital equal to the exposure."""
_CAPITAL_RATIO = 0.08
_MATURITY_MIN, _MATURITY_MAX = 1.0, 5.0


@dataclass(frozen=True, slots=True)
class TrancheCapital:
    """Capital of one class of notes.

    Parameters
    ----------
    id : str
        Class.
    approach : str
        ``SEC-SA`` or ``SEC-ERBA``.
    risk_weight : float
        After floor and cap.
    capital : float
        Money: balance times risk weight times 8 %.
    parameters : tuple of str
        Versions of the parameters used.
    """

    id: str
    approach: str
    risk_weight: float
    capital: float
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Retention:
    """What the originator must keep and keeps.

    Parameters
    ----------
    rule : Parameter
        The rule, with its source.
    required, kept : float
        Money.
    is_met : bool
        Kept is at least what is required.
    """

    rule: Parameter
    required: float
    kept: float

    @property
    def is_met(self) -> bool:
        """Whether enough is kept."""
        return self.kept >= self.required * (1 - 1e-12)


def pool_capital_charge(k_sa: float, delinquent: float = 0.0, unknown: float = 0.0) -> float:
    """Return K_A, the capital charge of the pool with delinquencies (CRE41.4, CRE41.6).

    Parameters
    ----------
    k_sa : float
        Capital of the pool under the standardised approach, share of exposure, 0 to 1.
    delinquent : float
        W: share of the pool that is delinquent, of that whose state is known, 0 to 1.
    unknown : float
        Share of the pool whose state is not known, 0 to 1; above 5 % the approach gives 1,250 %.

    Notes
    -----
    ``K_A = (1 - W) K_SA + 0.5 W``, and with unknown share u ``K_A (1 - u) + u``.
    """
    for name, value in (("k_sa", k_sa), ("delinquent", delinquent), ("unknown", unknown)):
        if not 0 <= value <= 1:
            raise DomainError(f"{name}: {value!r} is not allowed; allowed: 0 to 1")
    if unknown > 0.05:
        return 1.0
    return ((1 - delinquent) * k_sa + 0.5 * delinquent) * (1 - unknown) + unknown


def sec_sa(
    attachment: float,
    detachment: float,
    k_a: float,
    *,
    p: float = 1.0,
    floor: float = 0.15,
) -> float:
    """Return the risk weight of the standardised approach (CRE41).

    Parameters
    ----------
    attachment, detachment : float
        A and D, shares of the pool, rising from 0 to 1.
    k_a : float
        From `pool_capital_charge`.
    p : float
        Supervisory parameter: 1; 0.5 for simple, transparent and comparable deals; 1.5 for re-securitisations.
    floor : float
        15 %; 10 % for senior classes of simple, transparent and comparable deals.

    Notes
    -----
    ``K = (e^{a u} - e^{a l}) / (a (u - l))`` with ``a = -1/(p K_A)``, ``u = D - K_A``, ``l = max(A - K_A, 0)``.

    Examples
    --------
    >>> round(sec_sa(0.05, 0.25, pool_capital_charge(0.09, 0.06, 0.01)), 2)
    9.54
    """
    _interval(attachment, detachment)
    if not 0 <= k_a <= 1 or p <= 0:
        raise DomainError(f"k_a, p: {k_a!r}, {p!r} is not allowed; allowed: 0 to 1, above 0")
    if detachment <= k_a:
        return RISK_WEIGHT_MAX
    if k_a == 0.0:
        return floor
    a, upper, lower = -1.0 / (p * k_a), detachment - k_a, max(attachment - k_a, 0.0)
    k = (math.exp(a * upper) - math.exp(a * lower)) / (a * (upper - lower))
    weight = RISK_WEIGHT_MAX * k
    if attachment < k_a:
        below = (k_a - attachment) / (detachment - attachment)
        weight = RISK_WEIGHT_MAX * (below + (1.0 - below) * k)
    return max(weight, floor)


def sec_erba(
    rating: str,
    *,
    is_senior: bool,
    maturity_years: float,
    attachment: float,
    detachment: float,
    book: ParameterBook,
    on: date,
    is_simple: bool = False,
) -> float:
    """Return the risk weight of the external-ratings approach (CRE42, CRE44 where simple).

    Parameters
    ----------
    rating : str
        Long-term rating on the international scale, ``AAA`` to ``CCC-``; others have 1,250 %. Ratings of a national scale
        must be mapped first.
    is_senior : bool
        The first claim on the whole pool.
    maturity_years : float
        Tranche maturity, held to 1 to 5 years.
    attachment, detachment : float
        For the thickness of classes that are not senior.
    book, on
        Parameters and day.
    is_simple : bool
        Simple, transparent and comparable.

    Notes
    -----
    Linear between one and five years; classes that are not senior times ``1 - min(D - A, 50 %)``; at least 15 %, senior simple
    ones 10 %; a class that is not senior has at least the weight of a senior one of the same rating (CRE42.6).
    """
    _interval(attachment, detachment)
    table = book.value("securitisation.capital.erba_simple" if is_simple else "securitisation.capital.erba", on)
    if rating not in table:
        raise UnknownNameError("rating", rating, table)

    def weight(senior: bool) -> float:
        one, five = table[rating][:2] if senior else table[rating][2:]
        share = (min(max(maturity_years, _MATURITY_MIN), _MATURITY_MAX) - 1.0) / 4.0
        return float(one + (five - one) * share)

    floor = 0.10 if is_simple and is_senior else 0.15
    if is_senior:
        return max(weight(True), floor)
    return max(weight(False) * (1.0 - min(detachment - attachment, 0.5)), weight(True), floor)


def tranche_capital(
    deal: Deal,
    *,
    k_sa: float,
    book: ParameterBook,
    on: date,
    delinquent: float = 0.0,
    unknown: float = 0.0,
    is_simple: bool = False,
    ratings: dict[str, str] | None = None,
    maturity_years: float | None = None,
) -> tuple[TrancheCapital, ...]:
    """Return the capital of each class: SEC-ERBA where it has an international rating, else SEC-SA.

    Parameters
    ----------
    deal : Deal
        The deal; attachment counts over-collateral below the notes.
    k_sa, delinquent, unknown
        As in `pool_capital_charge`.
    ratings : dict of str to str, optional
        International ratings by class.
    maturity_years : float, optional
        Tranche maturity; from closing to the legal final day where not given.

    Notes
    -----
    A senior class has at most the mean weight of the pool, ``12.5 K_SA`` (look-through, CRE40.50), even below the floor.
    """
    k_a = pool_capital_charge(k_sa, delinquent, unknown)
    term = maturity_years or (deal.legal_final - deal.closing).days / 365
    found, pool = [], deal.pool.balance
    above = 0.0
    for place, tranche in enumerate(deal.tranches):
        detachment = 1.0 - above / pool
        above += tranche.balance
        attachment = max(1.0 - above / pool, 0.0)
        senior = place == 0
        rating = (ratings or {}).get(tranche.id)
        if rating:
            weight = sec_erba(
                rating, is_senior=senior, maturity_years=term, attachment=attachment, detachment=detachment, book=book, on=on,
                is_simple=is_simple,
            )  # fmt: skip
            path = "securitisation.capital.erba_simple" if is_simple else "securitisation.capital.erba"
            versions: tuple[str, ...] = (book.at(path, on).version,)
        else:
            weight = sec_sa(
                attachment, detachment, k_a, p=0.5 if is_simple else 1.0, floor=0.10 if is_simple and senior else 0.15
            )
            versions = ()
        if senior:
            weight = min(weight, RISK_WEIGHT_MAX * k_sa) if k_sa > 0 else weight
        approach = "SEC-ERBA" if rating else "SEC-SA"
        found.append(TrancheCapital(tranche.id, approach, weight, weight * _CAPITAL_RATIO * tranche.balance, versions))
    return tuple(found)


def retention_of(
    deal: Deal, kept: dict[str, float], *, book: ParameterBook, on: date, rule: str = "credit_assets"
) -> tuple[Retention, ...]:
    """Return what the originator must keep of the whole issue and of its lowest class, and whether it does.

    Parameters
    ----------
    deal : Deal
        The deal.
    kept : dict of str to float
        Money that the originator holds of each class, 0 to its face.
    book, on
        Parameters and day.
    rule : str
        ``credit_assets`` (banks in the interbank market, 2013) or ``eu``; exchange deals of enterprises have no legal minimum.

    Returns
    -------
    tuple of Retention
        Of the issue, and where the rule has one, of the lowest class.
    """
    for name, amount in kept.items():
        tranche = next((item for item in deal.tranches if item.id == name), None)
        if tranche is None or not 0 <= amount <= tranche.balance * (1 + 1e-12):
            raise DomainError(f"kept.{name}: {amount!r} is not allowed; allowed: 0 to the face of a class of the deal")
    found = [
        Retention(
            whole := book.at(f"securitisation.retention.{rule}.issue", on), whole.value * deal.notes, sum(kept.values())
        )
    ]
    path = f"securitisation.retention.{rule}.lowest"
    if path in book:
        lowest, part = deal.tranches[-1], book.at(path, on)
        found.append(Retention(part, part.value * lowest.balance, kept.get(lowest.id, 0.0)))
    return tuple(found)


def _interval(attachment: float, detachment: float) -> None:
    if not 0 <= attachment < detachment <= 1 + 1e-12:
        raise DomainError(
            f"attachment, detachment: {attachment!r}, {detachment!r} is not allowed; allowed: rising from 0 to 1"
        )
